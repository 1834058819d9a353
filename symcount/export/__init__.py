"""Write formulas as text for other programs: one module a format, all with the same two functions.

`render_count(count, title=...)` renders a formula with its domain, defaults and certificate;
`render_registry(entries)` a list of them. An entry without a formula keeps its place in the list,
with the reason. `symcount.cli.views`
shows the same on a screen. Text formats share `description`, and languages that compute the
formula share `code`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

from symcount.errors import ArgumentError
from symcount.export.documents import html, json, latex, markdown, mathml, rst
from symcount.export.languages import c, javascript, numpy, python, sql

if TYPE_CHECKING:
    from symcount.formula.entry import Entry
    from symcount.formula.formula import Formula

__all__ = ["FORMATS", "Renderer", "renderer"]


class Renderer(Protocol):
    """The functions that the module of a format provides."""

    def render_count(self, count: Formula, title: str | None = None) -> str:
        """Render a formula with its domain, its symbols and its certificate."""

    def render_registry(self, entries: Iterable[Entry]) -> str:
        """Render a list of formulas as a table, group by group."""


FORMATS: Mapping[str, Renderer] = {
    "markdown": markdown,
    "rst": rst,
    "html": html,
    "mathml": mathml,
    "latex": latex,
    "python": python,
    "numpy": numpy,
    "javascript": javascript,
    "c": c,
    "sql": sql,
    "json": json,
}


def renderer(form: str, dialect: str | None = None) -> Renderer:
    """Return the renderer of a format; a dialect is for SQL alone.

    Raises:
        ArgumentError: there is no such format or dialect, or another format is given a dialect.
    """
    if form not in FORMATS:
        raise ArgumentError(f"format={form!r}: use one of {', '.join(FORMATS)}")
    if dialect is None:
        return FORMATS[form]
    if form != "sql":
        raise ArgumentError(f"dialect={dialect!r} is for the format sql, not for {form}")
    return sql.in_dialect(dialect)
