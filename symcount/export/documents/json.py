"""JSON for programs: exact integers, formulas as sympy strings and in LaTeX."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from symcount.errors import DerivationError

if TYPE_CHECKING:
    from symcount.catalogue.audit import Audit
    from symcount.catalogue.registry import BlueprintSpec
    from symcount.drift import filling
    from symcount.drift.drift import Change, Finding
    from symcount.param_count import ParamCount
    from symcount.questions.equality import Difference


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


def describe_audit(audit: Audit) -> dict[str, Any]:
    """An audit; `times_off` is null where there is no count, and where it is infinite."""
    return {
        "sizes": list(audit.sizes),
        "tolerance": audit.tolerance,
        "exceeding": len(audit.exceeding),
        "findings": [
            {
                "blueprint": finding.spec.key,
                "declared": finding.declared,
                "formula": _formula(finding.spec),
                "exceeds": finding.exceeds,
                "readings": [
                    {
                        "size": reading.size,
                        "count": reading.count,
                        "times_off": _finite(reading.times_off),
                        "reason": reading.reason,
                    }
                    for reading in finding.readings
                ],
            }
            for finding in audit.findings
        ],
        "rankings": [
            {
                "topology": ranking.topology,
                "declared": list(ranking.declared),
                "true": {str(size): list(names) for size, names in ranking.true},
                "swaps": [
                    {
                        "declared_cheaper": swap.declared_cheaper,
                        "declared_dearer": swap.declared_dearer,
                        "sizes": list(swap.sizes),
                    }
                    for swap in ranking.swaps
                ],
            }
            for ranking in audit.rankings
        ],
        "undeclared": list(audit.undeclared),
    }


def describe_finding(finding: Finding) -> dict[str, Any]:
    """What became of a stored formula; a count is null where a formula does not hold."""
    return {
        "name": finding.name,
        "target": finding.target,
        "state": finding.state,
        "changes": list(map(_describe_change, finding.changes)),
        "first": _describe_difference(finding.first),
        "parameters": list(map(_describe_change, finding.parameters)),
        "lines": [dict(vars(line)) for line in finding.lines],
        "reason": finding.reason,
        "versions": list(map(_describe_change, finding.versions)),
    }


def describe_marker(finding: filling.MarkerFinding) -> dict[str, Any]:
    """What became of a formula of a document."""
    return {
        "name": finding.asked,
        "line": finding.line,
        "state": finding.state,
        "then": finding.old,
        "now": finding.new,
        "first": _describe_difference(finding.first),
        "source": finding.source,
        "lines": list(finding.lines),
        "reason": finding.reason,
    }


def _describe_difference(first: Difference | None) -> dict[str, Any] | None:
    if first is None:
        return None
    return {"at": first.at, "then": first.left, "now": first.right, "is_first": first.is_first}


def _describe_change(change: Change) -> dict[str, str]:
    return {"what": change.what, "then": change.then, "now": change.now}


def _formula(spec: BlueprintSpec) -> str | None:
    try:
        return str(spec.param_count)
    except DerivationError:
        return None


def _finite(factor: float | None) -> float | None:
    return None if factor is None or math.isinf(factor) else factor
