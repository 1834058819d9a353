"""What every text format says of a formula, and of blueprints in a table; a `Markup` is how."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from symcount.errors import DerivationError

if TYPE_CHECKING:
    from symcount.catalogue.registry import BlueprintSpec
    from symcount.param_count import ParamCount

COLUMNS = ("blueprint", "parameters", "domain", "defaults", "certificate", "description")


@dataclass(frozen=True)
class Markup:
    """How a format writes text, a piece of code, and a sympy expression within a line."""

    text: Callable[[str], str]
    code: Callable[[str], str]
    math: Callable[[Any], str]


def items(count: ParamCount, markup: Markup) -> list[tuple[str, str]]:
    """What is said below a formula: a label and its text each."""
    found = [
        ("Domain", domain(count, markup)),
        ("Defaults", _codes(count.defaults.items(), markup)),
        ("Fixed", _codes(count.fixed, markup)),
        ("Certificate", markup.text("; ".join(str(count.certificate).splitlines()))),
    ]
    return [(label, text) for label, text in found if text]


def tables(specs: Iterable[BlueprintSpec]) -> Iterator[tuple[str, list[BlueprintSpec]]]:
    """The blueprints of each topology."""
    ordered = sorted(specs, key=lambda spec: spec.topology)
    for topology, group in groupby(ordered, key=lambda spec: spec.topology):
        yield topology, list(group)


def row(spec: BlueprintSpec, markup: Markup) -> list[str]:
    """The cells of a blueprint under `COLUMNS`; without a formula, the reason is in its place."""
    try:
        return cells(spec.name, spec.param_count, spec.description, markup)
    except DerivationError as error:
        return cells(spec.name, str(error), spec.description, markup)


def cells(name: str, count: ParamCount | str, description: str, markup: Markup) -> list[str]:
    """The cells of a formula under `COLUMNS`, or of what has none for a reason."""
    name, description = markup.code(name), markup.text(description)
    if isinstance(count, str):
        return [name, f"no formula: {markup.text(count)}", "", "", "", description]
    return [
        name,
        markup.math(count.expr),
        domain(count, markup),
        _codes(count.defaults.items(), markup),
        markup.text(_summary(count)),
        description,
    ]


def domain(count: ParamCount, markup: Markup) -> str:
    """Where the formula holds."""
    import sympy

    if count.domain != sympy.true:
        return markup.math(count.domain)
    if any(h.real for h in count.hyperparameters):
        return "all positive values"
    return "all positive integers"


def _codes(values: Iterable[tuple[str, object]], markup: Markup) -> str:
    return ", ".join(markup.code(f"{name}={value}") for name, value in values)


def _summary(count: ParamCount) -> str:
    """The certificate in a few words."""
    points = len(count.certificate.points)
    return f"{count.certificate.grade}, {points} point{'' if points == 1 else 's'}"
