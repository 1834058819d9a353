"""The count of a formula at one point, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from symcount.errors import CountOverflowError, DomainError
from symcount.formula.formula import HasFormula

MOST_BITS = 2**13  # of a count that is written; Python writes out no more than 4,300 digits


@dataclass(frozen=True)
class Evaluation:
    """A formula's count at some values of its symbols; None, with a reason, outside its domain."""

    at: Mapping[str, int | float]
    count: int | None
    reason: str | None = None

    @classmethod
    def of(cls, count: HasFormula, at: Mapping[str, int | float]) -> Evaluation:
        """Return the count at `at`, which gives every symbol that has no default.

        Raises:
            ArgumentError: a symbol is missing or unknown.
            CountOverflowError: the count has too many digits to be written.
        """
        point = {**count.formula.defaults, **at}
        try:
            found = count.formula(**point)
        except DomainError as error:
            return cls(point, None, str(error))
        if found.bit_length() > MOST_BITS:
            raise CountOverflowError(
                f"the count at {', '.join(f'{n}={v}' for n, v in point.items())} is an integer of "
                f"{found.bit_length():,} bits, which is not written out; ask at smaller sizes"
            )
        return cls(point, found)
