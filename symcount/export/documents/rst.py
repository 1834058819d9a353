"""reStructuredText for docutils and Sphinx: mathematics in LaTeX, tables as `list-table`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from symcount.export.documents.description import COLUMNS, Markup, items, row, tables

if TYPE_CHECKING:
    from sympy import Basic

    from symcount.formula.entry import Entry
    from symcount.formula.formula import Formula


def render_count(count: Formula, title: str | None = None) -> str:
    r"""A section: the formula as a display, then a list of its domain, symbols and certificate.

    >>> import symcount
    >>> from torch import nn
    >>> count = symcount.derive(lambda out_features: nn.Linear(9, out_features))
    >>> print(render_count(count.formula, title="A classifier"), end="")  # doctest: +ELLIPSIS
    A classifier
    ============
    <BLANKLINE>
    .. math::
    <BLANKLINE>
       10 \, \mathrm{out\_features}
    <BLANKLINE>
    :Domain: all positive integers
    :Certificate: ...
    """
    return "\n".join(
        [
            *_heading(title or count.factory),
            "",
            *display(count.in_layers),
            "",
            *(f":{label}: {text}" for label, text in items(count, MARKUP)),
            "",
        ]
    )


def render_registry(entries: Iterable[Entry]) -> str:
    """A section with a table for each topology."""
    lines: list[str] = []
    for topology, group in tables(entries):
        rows = [row(entry, MARKUP) for entry in group]
        lines += [*_heading(topology), "", *table(COLUMNS, rows), ""]
    return "\n".join(lines)


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table."""
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for first, *others in [titles, *rows]:
        lines += [f"   * - {first}", *(f"     - {cell}".rstrip() for cell in others)]
    return lines


def display(expression: Basic) -> list[str]:
    """The lines of a formula by itself."""
    from symcount.formula import latex

    return [".. math::", "", f"   {latex.in_lines(expression)}"]


def _heading(text: str) -> list[str]:
    """A title; a line under it that is as long on the screen, twice so for wide characters."""
    shown = escape(text)
    return [shown, "=" * max(4, 2 * len(shown) if not shown.isascii() else len(shown))]


def escape(text: str) -> str:
    r"""Text in which no character is markup; line breaks become spaces.

    >>> print(escape("conv_ and *b* of `c`"))
    conv\_ and \*b\* of \`c\`
    """
    plain = " ".join(text.split())
    escaped = re.sub(r"[\\*`_|<>:]", lambda found: f"\\{found[0]}", plain)
    # What a list, a title or a directive starts with is none of these after a backslash.
    escaped = re.sub(r"^(\w{1,9})([.)])(?=\s|$)", r"\1\\\2", escaped)
    return re.sub(r"^(?=[^\w\s\\])", r"\\", escaped)


def code(text: str) -> str:
    """A literal, or where it would end early, escaped text."""
    text = " ".join(text.split())
    return escape(text) if "`" in text or "\\" in text or not text else f"``{text}``"


def _math(expression: Basic) -> str:
    from symcount.formula import latex

    return f":math:`{latex.one_line(expression)}`"


MARKUP = Markup(escape, code, _math)
