"""Detect drift between formulas that are written down and the code they were derived from."""

from symcount.drift.answers import Answers
from symcount.drift.drift import Change, Finding, check
from symcount.drift.filling import Filled, MarkerFinding, check_document, filled

__all__ = [
    "Answers",
    "Change",
    "Filled",
    "Finding",
    "MarkerFinding",
    "check",
    "check_document",
    "filled",
]
