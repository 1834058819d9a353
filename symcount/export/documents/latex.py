r"""LaTeX fragments; they compile with `amsmath` and `booktabs`.

Names and descriptions are escaped. `to_math` typesets sympy expressions, also for other formats.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
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
    >>> print(render_count(count, title="A classifier"), end="")  # doctest: +ELLIPSIS
    \paragraph{A classifier}
    \[
    10 \cdot \mathrm{out_{features}}
    \]
    \begin{description}
    \item[Domain] all positive integers
    \item[Certificate] ...
    \end{description}
    """
    return "\n".join(
        [
            rf"\paragraph{{{escape(title or count.factory)}}}",
            r"\[",
            to_math(count.in_layers),
            r"\]",
            r"\begin{description}",
            *(rf"\item[{label}] {text}" for label, text in items(count, MARKUP)),
            r"\end{description}",
            "",
        ]
    )


def render_registry(entries: Iterable[Entry]) -> str:
    """A `tabular` with a part for each topology."""
    rows = []
    for topology, group in tables(entries):
        rows += [
            r"\midrule",
            rf"\multicolumn{{5}}{{l}}{{\textbf{{{escape(topology)}}}}} \\",
            *(f"{' & '.join(row(entry, MARKUP)[:5])} \\\\" for entry in group),
        ]
    return "\n".join(
        [
            r"\begin{tabular}{lp{0.4\linewidth}p{0.2\linewidth}ll}",
            r"\toprule",
            r"Blueprint & Parameters & Domain & Defaults & Certificate \\",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def _code(text: str) -> str:
    return rf"\texttt{{{escape(text)}}}"


def escape(text: str) -> str:
    r"""Text in which no character is a command; line breaks become spaces.

    >>> print(escape("100% of conv_small & {more}"))
    100\% of conv\_small \& \{more\}
    """
    return "".join(_ESCAPES.get(c, c) for c in " ".join(text.split()))


def to_math(expression: Basic) -> str:
    r"""A sympy expression in mathematics mode, its symbols in upright letters.

    >>> from sympy import symbols, Max
    >>> dim, head_dim = symbols("dim head_dim")
    >>> print(to_math(2 * dim * Max(8, head_dim)))
    2 \cdot \mathrm{dim} \cdot \max\left(8, \mathrm{head_{dim}}\right)
    """
    import sympy

    names = {s: _symbol(s.name) for s in expression.atoms(sympy.Symbol)}
    return str(sympy.latex(expression, symbol_names=names, mul_symbol="dot"))


def _symbol(name: str) -> str:
    """A name in upright letters, what follows its first underscore as the index."""
    first, *rest = name.split("_")
    text = first + (f"_{{{','.join(rest)}}}" if rest else "")
    return text if re.fullmatch(r"[a-zA-Z]", text) else rf"\mathrm{{{text}}}"


MARKUP = Markup(escape, _code, lambda expression: f"${to_math(expression)}$")
