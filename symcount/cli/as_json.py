"""Describe for programs what the command line finds: audits, and formulas that have drifted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from symcount.errors import DerivationError

if TYPE_CHECKING:
    from symcount.catalogue.audit import Audit
    from symcount.catalogue.registry import BlueprintSpec


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


def _formula(spec: BlueprintSpec) -> str | None:
    try:
        return str(spec.param_count)
    except DerivationError:
        return None


def _finite(factor: float | None) -> float | None:
    return None if factor is None or math.isinf(factor) else factor
