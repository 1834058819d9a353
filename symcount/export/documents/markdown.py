"""Markdown for GitHub and MyST: mathematics between dollars, safe in a table's cell.

Markdown reads a backslash before punctuation as an escape, also between dollars, and a bar as
the end of a cell. Formulas are therefore written without either.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from symcount.export.documents.description import COLUMNS, Markup, items, row, tables

if TYPE_CHECKING:
    from sympy import Basic

    from symcount.formula.entry import Entry
    from symcount.formula.formula import Formula

_WORDS = {
    r"\\": r"\cr ",
    r"\:": r"\ ",
    r"\;": r"\ ",
    r"\,": r"\thinspace",
    r"\&": r"\text{ and }",
    r"\_": r"\underline{\ }",
    "|": r"\vert ",
}
_SPECIAL = re.compile(r"[\\`*_{}\[\]<>$|#~&]")


def render_count(count: Formula, title: str | None = None) -> str:
    r"""A section: the formula, then a list of its domain, symbols and certificate.

    >>> import symcount
    >>> from torch import nn
    >>> count = symcount.derive(lambda out_features: nn.Linear(9, out_features))
    >>> print(render_count(count.formula, title="A classifier"), end="")  # doctest: +ELLIPSIS
    ## A classifier
    <BLANKLINE>
    $10 \thinspace \mathrm{out\underline{\ }features}$
    <BLANKLINE>
    - Domain: all positive integers
    - Certificate: ...
    """
    return "\n".join(
        [
            f"## {escape(title or count.factory)}",
            "",
            f"${to_math(count.in_layers)}$",
            "",
            *(f"- {label}: {text}" for label, text in items(count, MARKUP)),
            "",
        ]
    )


def render_registry(entries: Iterable[Entry]) -> str:
    """A section with a table for each topology."""
    sections = []
    for topology, group in tables(entries):
        rows = [row(entry, MARKUP) for entry in group]
        sections += [f"## {escape(topology)}", "", *table(COLUMNS, rows), ""]
    return "\n".join(sections)


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table."""
    lines = (f"| {' | '.join(cells)} |" for cells in rows)
    return [f"| {' | '.join(titles)} |", f"|{'---|' * len(titles)}", *lines]


def display(expression: Basic) -> list[str]:
    """The lines of a formula by itself."""
    from symcount.formula import latex

    return ["$$", _unescaped(latex.in_lines(expression)), "$$"]


def to_math(expression: Basic) -> str:
    """A sympy expression in mathematics mode, without what Markdown would take for itself."""
    from symcount.formula import latex

    return _unescaped(latex.one_line(expression))


def _unescaped(mathematics: str) -> str:
    pattern = "|".join(map(re.escape, _WORDS))
    return re.sub(pattern, lambda found: _WORDS[found[0]], mathematics)


def code(text: str) -> str:
    """A code span that no backtick ends early."""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    padding = " " if "`" in text else ""
    return f"{fence}{padding}{text}{padding}{fence}"


def _cell_code(text: str) -> str:
    return code(text).replace("|", r"\|")


def escape(text: str) -> str:
    r"""Text in which no character is markup; line breaks become spaces.

    >>> print(escape("a|b of conv_small"))
    a\|b of conv\_small
    """
    return _SPECIAL.sub(lambda found: f"\\{found[0]}", " ".join(text.split()))


MARKUP = Markup(escape, _cell_code, lambda expression: f"${to_math(expression)}$")
