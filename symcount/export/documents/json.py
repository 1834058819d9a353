"""JSON for programs: exact integers, formulas as sympy strings and in LaTeX."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from symcount.errors import DerivationError

if TYPE_CHECKING:
    from symcount.catalogue.registry import BlueprintSpec
    from symcount.param_count import ParamCount


def render_count(count: ParamCount, title: str | None = None) -> str:
    """The formula, its domain, symbols, breakdown and certificate, as an object."""
    return dump({"title": title or count.factory, **describe(count)})


def render_registry(specs: Iterable[BlueprintSpec]) -> str:
    """The blueprints with their formulas, as a list."""
    return dump([describe_spec(spec) for spec in specs])


def dump(document: Any) -> str:
    """A document as text that any JSON parser accepts."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def describe_spec(spec: BlueprintSpec) -> dict[str, Any]:
    """A blueprint with the description of its formula, or else with an "error"."""
    about = {
        "blueprint": spec.key,
        "name": spec.name,
        "topology": spec.topology,
        "description": spec.description,
        "declared_estimate": spec.declared_estimate,
    }
    try:
        return about | describe(spec.param_count)
    except DerivationError as error:
        return about | {"error": str(error)}


def describe(count: ParamCount) -> dict[str, Any]:
    """A formula in numbers, strings, lists and objects."""
    breakdown = count.breakdown()
    return {
        "factory": count.factory,
        "formula": str(count),
        "latex": count.latex(),
        "domain": str(count.domain),
        "symbols": [
            {
                "name": h.name,
                "min": h.minimum,
                "max": h.maximum,
                "multiple_of": h.multiple_of,
                "default": h.default,
                "arguments": list(h.arguments),
            }
            for h in count.hyperparameters
        ],
        "fixed": dict(count.fixed),
        "breakdown": {
            "modules": {path: str(part) for path, part in breakdown.modules.items()},
            "parameters": {name: str(part) for name, part in breakdown.parameters.items()},
        },
        "certificate": {
            "grade": count.certificate.grade,
            "reason": count.certificate.reason,
            "paths": count.certificate.paths,
            "refused_paths": count.certificate.refused_paths,
            "points": [dict(point) for point in count.certificate.points],
            "concretisations": [str(c) for c in count.certificate.concretisations],
            "substituted": [list(pair) for pair in count.certificate.substituted],
        },
    }
