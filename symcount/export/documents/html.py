"""HTML fragments: formulas in MathML, which browsers typeset without a script or the network."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from symcount.export.documents.description import COLUMNS, Markup, items, row, tables

if TYPE_CHECKING:
    from sympy import Basic

    from symcount.formula.entry import Entry
    from symcount.formula.formula import Formula


def render_count(count: Formula, title: str | None = None) -> str:
    """A section: the formula, then a list of its domain, symbols and certificate.

    >>> import symcount
    >>> from torch import nn
    >>> count = symcount.derive(lambda dim: nn.Linear(9, dim))
    >>> print(render_count(count.formula, title="A classifier"))  # doctest: +ELLIPSIS
    <section>
    <h2>A classifier</h2>
    <p><math ...</math></p>
    <dl>
    <dt>Domain</dt><dd>all positive integers</dd>
    <dt>Certificate</dt><dd>...</dd>
    </dl>
    </section>
    <BLANKLINE>
    """
    said = [f"<dt>{label}</dt><dd>{text}</dd>" for label, text in items(count, MARKUP)]
    heading = f"<h2>{escape(title or count.factory)}</h2>"
    formula = f"<p>{_math(count.in_layers)}</p>"
    return "\n".join(["<section>", heading, formula, "<dl>", *said, "</dl>", "</section>", ""])


def render_registry(entries: Iterable[Entry]) -> str:
    """A section with a table for each topology."""
    lines: list[str] = []
    for topology, group in tables(entries):
        lines += ["<section>", f"<h2>{escape(topology)}</h2>", "<table>"]
        lines.append(_row("th", COLUMNS))
        lines += [_row("td", row(entry, MARKUP)) for entry in group]
        lines += ["</table>", "</section>"]
    return "\n".join([*lines, ""])


def _row(tag: str, cells: Iterable[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{cell}</{tag}>' for cell in cells)}</tr>"


def _math(expression: Basic) -> str:
    from symcount.display import mathml  # which loads sympy

    return mathml.math(expression)


MARKUP = Markup(escape, lambda text: f"<code>{escape(text)}</code>", _math)
