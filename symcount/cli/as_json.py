"""Describe results of commands in numbers, strings, lists and objects, for `--json`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from symcount.errors import DerivationError

if TYPE_CHECKING:
    from symcount.catalogue.all_symbols import AllSymbols
    from symcount.catalogue.audit import Audit, Reading
    from symcount.catalogue.registry import BlueprintSpec
    from symcount.drift.drift import Change, Finding
    from symcount.drift.filling import MarkerFinding
    from symcount.formula.evaluation import Evaluation
    from symcount.param_count import ParamCount
    from symcount.questions.equality import Difference
    from symcount.storage.file import StoredFormulas


def print_json(document: Any) -> None:
    """Print a document that any JSON parser accepts."""
    from symcount.export.documents import json

    click.echo(json.dump(document), nl=False)


def describe_derived(
    target: str, count: ParamCount, values: Sequence[Evaluation], found: AllSymbols | None
) -> dict[str, Any]:
    """Describe a formula, its values, and which symbols were kept if all were tried."""
    from symcount.export.documents import json

    document = {"target": target, **json.describe(count.formula), "values": list(map(vars, values))}
    if found is not None:
        document |= {"kept": list(found.kept), "refused": dict(found.refused)}
    return document


def describe_blueprint(spec: BlueprintSpec, sizes: Sequence[int]) -> dict[str, Any]:
    """Describe a blueprint with its counts at several sizes."""
    from symcount.catalogue.registry import count_at, entry
    from symcount.export.documents import json

    counts = {str(size): count_at(spec, size) for size in sizes}
    return {**json.describe_entry(entry(spec)), "counts": counts}


def describe_stored(formulas: StoredFormulas, name: str) -> dict[str, Any]:
    """Describe a stored formula, as it was written."""
    count = formulas[name]
    formula, domain = formulas.captions(name)
    return {
        "name": name,
        "factory": count.factory,
        "target": None if count.origin is None else count.origin.target,
        "formula": formula,
        "domain": domain,
        "grade": count.certificate.grade,
    }


def describe_audit(audit: Audit) -> dict[str, Any]:
    """Describe an audit; `times_off` is null where there is no count, and where it is infinite."""
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
                "readings": list(map(_of_reading, finding.readings)),
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


def describe_finding(
    file: Path, finding: Finding | MarkerFinding, is_updated: bool = False
) -> dict[str, Any]:
    """Describe what a check found; a count is null where a formula does not hold."""
    from symcount.drift.drift import Finding

    found = _of_stored(finding) if isinstance(finding, Finding) else _of_marker(finding)
    return {"file": str(file), **found, "updated": is_updated}


def _of_stored(finding: Finding) -> dict[str, Any]:
    return {
        "name": finding.name,
        "target": finding.target,
        "state": finding.state,
        "changes": list(map(_of_change, finding.changes)),
        "first": _of_difference(finding.first),
        "parameters": list(map(_of_change, finding.parameters)),
        "lines": [dict(vars(line)) for line in finding.lines],
        "reason": finding.reason,
        "versions": list(map(_of_change, finding.versions)),
    }


def _of_marker(finding: MarkerFinding) -> dict[str, Any]:
    return {
        "name": finding.asked,
        "line": finding.line,
        "state": finding.state,
        "then": finding.old,
        "now": finding.new,
        "first": _of_difference(finding.first),
        "source": finding.source,
        "lines": list(finding.lines),
        "reason": finding.reason,
    }


def _of_difference(first: Difference | None) -> dict[str, Any] | None:
    if first is None:
        return None
    return {"at": first.at, "then": first.left, "now": first.right, "is_first": first.is_first}


def _of_change(change: Change) -> dict[str, str]:
    return {"what": change.what, "then": change.then, "now": change.now}


def _formula(spec: BlueprintSpec) -> str | None:
    try:
        return str(spec.param_count)
    except DerivationError:
        return None


def _of_reading(reading: Reading) -> dict[str, Any]:
    return {
        "size": reading.size,
        "count": reading.count,
        "times_off": _finite(reading.times_off),
        "reason": reading.reason,
    }


def _finite(factor: float | None) -> float | None:
    return None if factor is None or math.isinf(factor) else factor
