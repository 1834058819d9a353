"""Hyper-parameters kept symbolic: what a user may say of them, and what a formula knows."""

from __future__ import annotations

from dataclasses import dataclass

from symcount.errors import ArgumentError

LARGEST_CANDIDATE = 4096


@dataclass(frozen=True)
class Symbol:
    """Declares that a hyper-parameter stays symbolic, and which values it may take.

    Pass it to `derive` in the place of a value. Bounds are inclusive; every value is a positive
    integer. Two hyper-parameters given the same `name` are one symbol of the formula.

    Args:
        min: the least value.
        max: the greatest value, or None.
        multiple_of: a number that divides every value.
        name: the symbol's name in the formula; the factory's parameter name if not given.

    Raises:
        ArgumentError: no positive integer satisfies the declaration.

    >>> Symbol(min=64, multiple_of=64)
    Symbol(min=64, max=None, multiple_of=64, name=None)
    """

    min: int = 1
    max: int | None = None
    multiple_of: int = 1
    name: str | None = None

    def __post_init__(self) -> None:
        for label, value in (
            ("min", self.min),
            ("max", self.max),
            ("multiple_of", self.multiple_of),
        ):
            whole = isinstance(value, int) and not isinstance(value, bool)
            if not (whole or (label == "max" and value is None)):
                raise ArgumentError(f"Symbol({label}={value!r}): {label} must be an integer")
        if self.min < 1:
            raise ArgumentError(f"Symbol(min={self.min}): symbols are positive; use min=1 or more")
        if self.multiple_of < 1:
            raise ArgumentError(f"Symbol(multiple_of={self.multiple_of}): use a positive integer")
        least = -(-self.min // self.multiple_of) * self.multiple_of
        if self.max is not None and least > self.max:
            raise ArgumentError(
                f"Symbol(min={self.min}, max={self.max}, multiple_of={self.multiple_of}): no "
                "integer satisfies this; widen the range"
            )
        if self.name is not None and not self.name.isidentifier():
            raise ArgumentError(f"Symbol(name={self.name!r}): use a Python identifier")


@dataclass(frozen=True)
class Hyperparameter:
    """A symbol of a formula: the values it may take, its default, and what it stands for.

    `arguments` are the factory's parameters that have its value.
    """

    name: str
    minimum: int = 1
    maximum: int | None = None
    multiple_of: int = 1
    default: int | None = None
    arguments: tuple[str, ...] = ()

    def __contains__(self, value: int) -> bool:
        return (
            value >= self.minimum
            and (self.maximum is None or value <= self.maximum)
            and value % self.multiple_of == 0
        )

    @property
    def least(self) -> int:
        """The least allowed value."""
        return -(-self.minimum // self.multiple_of) * self.multiple_of

    def aligned(self, value: int) -> int:
        """The allowed value next to `value` from above, or the greatest allowed one."""
        step = self.multiple_of
        up = max(self.least, -(-value // step) * step)
        return up if self.maximum is None else min(up, self.maximum // step * step)

    def values(self) -> range:
        """Allowed values up to `LARGEST_CANDIDATE`, or some above a greater minimum."""
        step = self.multiple_of
        high = max(LARGEST_CANDIDATE, self.least + 64 * step)
        if self.maximum is not None:
            high = min(high, self.maximum)
        return range(self.least, high + 1, step)
