"""Hold a function that counts by hand: what it gives at sizes, and its formula if it has one."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from symcount.errors import ArgumentError
from symcount.symbols import Values

if TYPE_CHECKING:
    from symcount.formula.formula import Formula


@dataclass(frozen=True)
class ByHand:
    """A function of sizes that somebody wrote to count with.

    Attributes:
        text: what it is in messages, such as `count(d, n_layer)`.
        call: the function, of values by the names of symbols.
        formula: what it is on symbols; None if it could not be followed.
        reason: why it could not.
    """

    text: str
    call: Callable[[Values], Any]
    formula: Formula | None
    reason: str = ""

    @property
    def is_followed(self) -> bool:
        """Return whether its formula says what it does at all sizes, if but for assumptions."""
        return self.formula is not None and self.formula.certificate.grade != "partial"

    def at(self, values: Values) -> int | None:
        """Return the count at values; None where it raises, or is no integer.

        Raises:
            ArgumentError: it returns no number at all.
        """
        try:
            found = self.call(values)
        except Exception:
            return None
        if not isinstance(found, numbers.Number):
            raise ArgumentError(
                f"{self.text} returns a {type(found).__name__}, which is no count; give a function "
                "that returns a number"
            )
        return _whole(found)

    def said_at(self, values: Values) -> str:
        """Write what it gives at values, or what it raises."""
        try:
            found = self.call(values)
        except Exception as error:
            return f"{type(error).__name__} ({error})"
        whole = _whole(found)
        return f"{found}" if whole is None else f"{whole:,}"

    def __str__(self) -> str:
        return f"{self.text} = {self.formula}" if self.is_followed else self.text


def _whole(found: Any) -> int | None:
    try:
        whole = int(found)
        return whole if whole == found else None
    except (TypeError, ValueError, OverflowError):  # it is complex, not a number, or infinite
        return None
