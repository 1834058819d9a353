"""Formulas as text for other programs: one module a format, all with the same two functions.

`render_count(count, title=...)` renders a formula with its domain, defaults and certificate;
`render_registry(specs)` a table of blueprints. A blueprint without a formula (registered with
`on_error="defer"`) keeps its place in the table, with the reason. `symcount.cli.views`
shows the same on a screen. Text formats share `description`, and languages that compute the
formula share `code`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from symcount.errors import ArgumentError, CountOverflowError, DomainError, SymcountError
from symcount.export.documents import html, json, latex, markdown, mathml, rst
from symcount.export.languages import c, javascript, numpy, python, sql

if TYPE_CHECKING:
    from symcount.catalogue.registry import BlueprintSpec
    from symcount.param_count import ParamCount

__all__ = ["FORMATS", "Renderer", "Value", "count_at", "renderer"]


class Renderer(Protocol):
    """What a format's module provides."""

    def render_count(self, count: ParamCount, title: str | None = None) -> str:
        """The formula with its domain, its symbols and its certificate."""

    def render_registry(self, specs: Iterable[BlueprintSpec]) -> str:
        """A table of blueprints and their formulas, by topology."""


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
    """The renderer of a format; a dialect is for SQL alone.

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


MOST_BITS = 2**13  # of a count that is written; Python writes out no more than 4,300 digits


@dataclass(frozen=True)
class Value:
    """A formula's count at some values of its symbols; None, with a reason, outside its domain."""

    at: Mapping[str, int | float]
    count: int | None
    reason: str | None = None

    @classmethod
    def of(cls, count: ParamCount, at: Mapping[str, int | float]) -> Value:
        """The value at `at`, which gives every symbol that has no default.

        Raises:
            ArgumentError: a symbol is missing or unknown.
            CountOverflowError: the count has too many digits to be written.
        """
        point = {**count.defaults, **at}
        try:
            value = count(**point)
        except DomainError as error:
            return cls(point, None, str(error))
        if value.bit_length() > MOST_BITS:
            raise CountOverflowError(
                f"the count at {', '.join(f'{n}={v}' for n, v in point.items())} is an integer of "
                f"{value.bit_length():,} bits, which is not written out; ask at smaller sizes"
            )
        return cls(point, value)


def count_at(spec: BlueprintSpec, size: int) -> int | None:
    """A blueprint's count at a size, None if it has none."""
    try:
        return spec.actual_param_count(size)
    except SymcountError:
        return None
