"""JSON for programs: exact integers, formulas as sympy strings and in LaTeX."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from symcount.formula.breakdown import breakdown
from symcount.formula.formula import Formula

if TYPE_CHECKING:
    from symcount.formula.entry import Entry


def render_count(count: Formula, title: str | None = None) -> str:
    """The formula, its domain, symbols, breakdown and certificate, as an object."""
    return dump({"title": title or count.factory, **describe(count)})


def render_registry(entries: Iterable[Entry]) -> str:
    """The blueprints with their formulas, as a list."""
    return dump(list(map(describe_entry, entries)))


def dump(document: Any) -> str:
    """A document as text that any JSON parser accepts."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def describe_entry(entry: Entry) -> dict[str, Any]:
    """Describe an entry with its formula, or else with an "error"."""
    about = {
        "blueprint": entry.key,
        "name": entry.name,
        "topology": entry.group,
        "description": entry.description,
        "declared_estimate": entry.declared,
    }
    if isinstance(entry.formula, Formula):
        return about | describe(entry.formula)
    return about | {"error": entry.problem}


def describe(count: Formula) -> dict[str, Any]:
    """A formula in numbers, strings, lists and objects."""
    parts = breakdown(count)
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
            "modules": {path: str(part) for path, part in parts.modules.items()},
            "parameters": {name: str(part) for name, part in parts.parameters.items()},
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
