r"""LaTeX fragments; they compile with `amsmath` and `booktabs`.

Names and descriptions are escaped, and lines end where they can in names of code. A formula that is
longer than a line, of the text or of its column, takes several.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from symcount.export.documents.description import Markup, items, row, tables

if TYPE_CHECKING:
    from sympy import Basic

    from symcount.formula.entry import Entry
    from symcount.formula.formula import Formula

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{c: f"\\{c}" for c in "&%$#_{}"},
}


def render_count(count: Formula, title: str | None = None) -> str:
    r"""A paragraph: the formula as a display, then its domain, symbols and certificate.

    >>> import symcount
    >>> from torch import nn
    >>> count = symcount.derive(lambda out_features: nn.Linear(9, out_features))
    >>> print(render_count(count.formula, title="A classifier"), end="")  # doctest: +ELLIPSIS
    \paragraph{A classifier}
    \[
    10 \, \mathrm{out\_features}
    \]
    \begin{description}\raggedright
    \item[Domain] all positive integers
    \item[Certificate] ...
    \end{description}
    """
    from symcount.formula import latex

    return "\n".join(
        [
            rf"\paragraph{{{escape(title or count.factory)}}}",
            r"\[",
            latex.in_lines(count.in_layers),
            r"\]",
            r"\begin{description}\raggedright",
            *(rf"\item[{label}] {text}" for label, text in items(count, MARKUP)),
            r"\end{description}",
            "",
        ]
    )


def render_registry(entries: Iterable[Entry]) -> str:
    """A `tabular` as wide as the text, with a part for each topology; lines may end in names."""
    rows = [_row(["Blueprint", "Parameters", "Domain", "Defaults", "Certificate"])]
    for topology, group in tables(entries):
        rows += [
            r"\midrule",
            rf"\multicolumn{{5}}{{@{{}}l@{{}}}}{{\textbf{{{escape(topology)}}}}} \\",
            *(_row(row(entry, _IN_TABLE)[:5]) for entry in group),
        ]
    columns = "".join(rf"p{{{width}\linewidth}}" for width in (0.16, 0.25, 0.25, 0.15, 0.12))
    return "\n".join(
        [
            r"{\footnotesize\setlength{\tabcolsep}{3pt}",
            r"\let\underscore\_\def\_{\underscore\ifmmode\else\nolinebreak[2]\fi}",
            rf"\noindent\begin{{tabular}}{{@{{}}{columns}@{{}}}}",
            r"\toprule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}}",
            "",
        ]
    )


def _row(cells: Iterable[str]) -> str:
    """Write a row whose lines end where words do, as there is little room to stretch them."""
    return " & ".join(rf"\raggedright {cell}" for cell in cells) + r" \tabularnewline"


def _text(text: str) -> str:
    """Text in which lines may end within paths."""
    return escape(text).replace("/", r"/\allowbreak{}")


def _code(text: str) -> str:
    return rf"\texttt{{{_text(text)}}}"


def escape(text: str) -> str:
    r"""Text in which no character is a command; line breaks become spaces.

    >>> print(escape("100% of conv_small & {more}"))
    100\% of conv\_small \& \{more\}
    """
    return "".join(_ESCAPES.get(c, c) for c in " ".join(text.split()))


def _rows(expression: Basic, room: float) -> str:
    """Formulas within a line, which ends after each of them."""
    from symcount.formula import latex

    rows = latex.lines(expression, room)
    return r" \newline ".join([f"${rows[0]}$", *(f"${{}}{row}$" for row in rows[1:])])


# What is left of a line beside a label, and in the columns of a table, in points of 10 points.
_BESIDE, _IN_COLUMN = 250.0, 96.0
MARKUP = Markup(_text, _code, partial(_rows, room=_BESIDE))
_IN_TABLE = Markup(_text, _code, partial(_rows, room=_IN_COLUMN))
