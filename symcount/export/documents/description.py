"""Describe formulas, and tables of them, for all text formats; a `Markup` is how each writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from symcount.formula import domain_words
from symcount.formula.formula import Formula
from symcount.symbols import everywhere

if TYPE_CHECKING:
    from symcount.formula.entry import Entry

COLUMNS = ("blueprint", "parameters", "domain", "defaults", "certificate", "description")


@dataclass(frozen=True)
class Markup:
    """The functions by which a format writes text, code, and sympy expressions within a line."""

    text: Callable[[str], str]
    code: Callable[[str], str]
    math: Callable[[Any], str]


def items(count: Formula, markup: Markup) -> list[tuple[str, str]]:
    """List what is said below a formula: a label and its text each."""
    found = [
        ("Domain", _where(count, markup)),
        ("Defaults", _codes(count.defaults.items(), markup)),
        ("Fixed", _codes(count.fixed, markup)),
        ("Certificate", markup.text("; ".join(str(count.certificate).splitlines()))),
    ]
    return [(label, text) for label, text in found if text]


def tables(entries: Iterable[Entry]) -> Iterator[tuple[str, list[Entry]]]:
    """Yield the groups of a list, in alphabetical order, each with its entries."""
    ordered = sorted(entries, key=lambda entry: entry.group)
    for name, group in groupby(ordered, key=lambda entry: entry.group):
        yield name, list(group)


def row(entry: Entry, markup: Markup) -> list[str]:
    """Write the cells of an entry under `COLUMNS`."""
    count = entry.formula if isinstance(entry.formula, Formula) else entry.problem
    return cells(entry.name, count, entry.description, markup)


def cells(name: str, count: Formula | str, description: str, markup: Markup) -> list[str]:
    """Write the cells of a formula under `COLUMNS`, or of what has none for a reason."""
    name, description = markup.code(name), markup.text(description)
    if isinstance(count, str):
        return [name, f"no formula: {markup.text(count)}", "", "", "", description]
    return [
        name,
        markup.math(count.in_layers),
        domain(count, markup),
        _codes(count.defaults.items(), markup),
        markup.text(_summary(count)),
        description,
    ]


def _where(count: Formula, markup: Markup) -> str:
    """Write where the formula holds in words, and beside it in mathematics."""
    import sympy

    words, domain = domain_words.domain(count, markup.code)
    return words if domain == sympy.true else f"{words}: {markup.math(domain)}"


def domain(count: Formula, markup: Markup) -> str:
    """Write where the formula holds."""
    from symcount.packages import sympy

    if count.domain != sympy.true:
        return markup.math(count.domain)
    if any(h.real for h in count.hyperparameters):
        return everywhere(count.hyperparameters, "values")
    return everywhere(count.hyperparameters)


def _codes(values: Iterable[tuple[str, object]], markup: Markup) -> str:
    return ", ".join(markup.code(f"{name}={value}") for name, value in values)


def _summary(count: Formula) -> str:
    """Sum up the certificate in a few words."""
    points = len(count.certificate.points)
    return f"{count.certificate.grade}, {points} point{'' if points == 1 else 's'}"
