"""The count of a formula at one point, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from symcount.errors import DomainError
from symcount.formula.formula import Formula


@dataclass(frozen=True)
class Evaluation:
    """A formula's count at some values of its symbols; None, with a reason, outside its domain."""

    at: Mapping[str, int | float]
    count: int | None
    reason: str | None = None

    @classmethod
    def of(cls, formula: Formula, at: Mapping[str, int | float]) -> Evaluation:
        """Return the count at `at`, which gives every symbol that has no default.

        Raises:
            ArgumentError: a symbol is missing or unknown.
        """
        point = {**formula.defaults, **at}
        try:
            return cls(point, formula(**point))
        except DomainError as error:
            return cls(point, None, str(error))
