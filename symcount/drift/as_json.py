"""Describe for programs what became of formulas that were checked."""

from __future__ import annotations

from typing import Any

from symcount.drift.drift import Change, Finding
from symcount.drift.filling import MarkerFinding
from symcount.questions.equality import Difference


def describe_finding(finding: Finding) -> dict[str, Any]:
    """Describe what became of a stored formula; a count is null where one does not hold."""
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


def describe_marker(finding: MarkerFinding) -> dict[str, Any]:
    """Describe what became of a formula of a document."""
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
