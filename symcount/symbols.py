"""Declare hyper-parameters that stay symbolic, and keep what a formula knows of them."""

from __future__ import annotations

import keyword
import math
import numbers
import operator
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from symcount.errors import ArgumentError

if TYPE_CHECKING:
    import random

    import sympy

LARGEST_CANDIDATE = 4096
Number: TypeAlias = "int | float"
# The values of all symbols, by their names or in order.
Values: TypeAlias = "Mapping[str, Number]"
Point: TypeAlias = "tuple[Number, ...]"
# A symbol where one is asked about: itself, or its name.
SymbolLike: TypeAlias = "str | sympy.Symbol | Hyperparameter"


@dataclass(frozen=True)
class Symbol:
    """Declares that a hyper-parameter stays symbolic, and which values it may take.

    Pass it to `derive` in the place of a value. Bounds are inclusive; every value is a positive
    integer, or zero with `min=0`, or with `real=True` a positive double. Two hyper-parameters
    given the same `name` are one symbol of the formula.

    Args:
        min: the least value, 1 if not given. `min=0` is for what may be zero, such as a number of
            layers or a padding.
        max: the greatest value, or None.
        multiple_of: a number that divides every value (integers only).
        name: the symbol's name in the formula; the factory's parameter name if not given.
        real: a float hyper-parameter, such as an expansion ratio. The formula computes with it
            what Python computes, rounding included.

    Raises:
        ArgumentError: no value satisfies the declaration.

    >>> Symbol(min=64, multiple_of=64)
    Symbol(min=64, max=None, multiple_of=64, name=None, real=False)
    """

    min: int | float | None = None
    max: int | float | None = None
    multiple_of: int = 1
    name: str | None = None
    real: bool = False

    def __post_init__(self) -> None:
        if self.min is None:
            object.__setattr__(self, "min", 0.0 if self.real else 1)
        for label in ("min", "max", "multiple_of"):
            value = getattr(self, label)
            kinds = (int, float) if self.real and label != "multiple_of" else (int,)
            known = isinstance(value, kinds) and not isinstance(value, bool)
            if not (known or (label == "max" and value is None)):
                noun = "a number" if self.real else "an integer"
                raise ArgumentError(f"Symbol({label}={value!r}): {label} must be {noun}")
        known = self.name is None or keyword.iskeyword(self.name) or is_name(self.name)
        if not known:
            raise ArgumentError(f"Symbol(name={self.name!r}): use a Python identifier")
        least = self._least()
        if self.max is not None and least > self.max:
            raise ArgumentError(
                f"Symbol(min={self.min}, max={self.max}, multiple_of={self.multiple_of}): no "
                f"{'number' if self.real else 'integer'} satisfies this; widen the range"
            )

    def _least(self) -> Number:
        assert self.min is not None
        if self.real:
            if self.multiple_of != 1:
                raise ArgumentError("Symbol(real=True): multiple_of is for integers; leave it out")
            if self.min < 0:
                raise ArgumentError(f"Symbol(min={self.min}): symbols are positive; use min=0")
            return self.min
        if self.min < 0:
            raise ArgumentError(f"Symbol(min={self.min}): no symbol is negative; use min=0 or more")
        if self.multiple_of < 1:
            raise ArgumentError(f"Symbol(multiple_of={self.multiple_of}): use a positive integer")
        return -(-self.min // self.multiple_of) * self.multiple_of

    def hyperparameter(self, argument: str, default: Number | None = None) -> Hyperparameter:
        """The symbol of a formula that this declares for a parameter of the factory."""
        name = self.name or argument
        assert self.min is not None
        if self.real:
            return RealHyperparameter(name, self.min, self.max, 1, default, (argument,))
        return Hyperparameter(name, self.min, self.max, self.multiple_of, default, (argument,))


@dataclass(frozen=True)
class Hyperparameter:
    """A symbol of a formula: the values it may take, its default, and what it stands for.

    `arguments` are the factory's parameters that have its value.
    """

    name: str
    minimum: Number = 1
    maximum: Number | None = None
    multiple_of: int = 1
    default: Number | None = None
    arguments: tuple[str, ...] = ()

    @property
    def real(self) -> bool:
        """Tell whether its values are floats."""
        return False

    @property
    def least(self) -> Literal[0, 1]:
        """What all its values are at least, to the algebra."""
        return 1 if self.minimum >= 1 else 0

    @property
    def declared(self) -> str:
        """The declaration of its values, in words."""
        parts = [f"{self.name} >= {self.minimum}"]
        if self.maximum is not None:
            parts.append(f"{self.name} <= {self.maximum}")
        if self.multiple_of > 1:
            parts.append(f"{self.name} a multiple of {self.multiple_of}")
        return f"it was derived for {', '.join(parts)}"

    def __contains__(self, value: Number) -> bool:
        return (
            value >= self.minimum
            and (self.maximum is None or value <= self.maximum)
            and value % self.multiple_of == 0
        )

    def aligned(self, value: Number) -> Number:
        """The allowed value next to `value` from above, or the greatest allowed one."""
        step = self.multiple_of
        up = max(-(-self.minimum // step) * step, -(-int(value) // step) * step)
        return up if self.maximum is None else min(up, self.maximum // step * step)

    def first(self, taken: list[Number]) -> Number:
        """The default, or a size that many numbers divide and that is not `taken` if possible."""
        if self.default is not None:
            return self.default
        value = self.aligned(64)
        while value in taken and self.aligned(value + 1) > value:
            value = self.aligned(value + 32)
        return value

    def near(self, hint: Number) -> Iterator[Number]:
        """Allowed values at and about a hint, small ones, and products of small primes."""
        if 0 in self:
            yield 0
        for distance in range(1, 9):
            for value in (hint + distance, hint - distance, distance, hint * distance):
                if value in self:
                    yield value
        for odd in (1, 3, 5, 7):
            for power in range(1, 11):
                yield self.aligned(odd << power)

    def sample(self, draw: random.Random) -> Number:
        """A random allowed value, small or round or neither with about equal chances."""
        low = self.aligned(self.minimum)
        high = max(LARGEST_CANDIDATE, low + 64 * self.multiple_of)
        if self.maximum is not None:
            high = min(high, self.maximum)
        value = int(math.exp(draw.uniform(0, math.log(max(2, high)))))
        if draw.random() < 0.5:
            step = draw.choice((2, 4, 8, 12, 16, 32, 64))
            value = max(step, value // step * step)
        return self.aligned(min(value, high))


@dataclass(frozen=True)
class RealHyperparameter(Hyperparameter):
    """A symbol whose values are positive doubles."""

    @property
    def least(self) -> Literal[0, 1]:
        """What all its values are at least, to the algebra."""
        return 0

    @property
    def real(self) -> bool:
        """Tell whether its values are floats."""
        return True

    def __contains__(self, value: Number) -> bool:
        return (
            0 < value < math.inf
            and value >= self.minimum
            and (self.maximum is None or value <= self.maximum)
        )

    def aligned(self, value: Number) -> Number:
        """The allowed value nearest to `value`."""
        up = max(float(value), float(self.minimum)) or 2.0**-10
        return up if self.maximum is None else min(up, float(self.maximum))

    def first(self, taken: list[Number]) -> Number:
        """The default, or a ratio of everyday size."""
        return float(self.default) if self.default is not None else self.aligned(2.5)

    def near(self, hint: Number) -> Iterator[Number]:
        """Ratios about a hint, exact and inexact ones."""
        for factor in (0.5, 2.0, 0.1, 0.29, 1 / 3, 4 / 3, 8 / 3, 1.1):
            yield self.aligned(hint * factor)
        for value in (0.25, 0.5, 1.0, 2.0, 2.6667, 4.0):
            yield self.aligned(value)

    def sample(self, draw: random.Random) -> Number:
        """A random ratio, an exact one in half of the cases."""
        value = draw.uniform(0.05, 8)
        return self.aligned(round(value * 8) / 8 if draw.random() < 0.5 else value)


def everywhere(symbols: Iterable[Hyperparameter], values: str = "integers") -> str:
    """Say that a formula holds at all values.

    >>> everywhere([Hyperparameter("d"), Hyperparameter("n", minimum=0)])
    'all positive integers, and n = 0'
    """
    zero = [f"{h.name} = 0" for h in symbols if 0 in h]
    return f"all positive {values}" + (f", and {' or '.join(zero)}" if zero else "")


def name_of(symbol: Any) -> Any:
    """Return the name of a symbol that is given as one or by its name; anything else as it is."""
    name = getattr(symbol, "name", symbol)
    return name if isinstance(name, str) else symbol


# --- what is given for a symbol ---------------------------------------------------------------


def is_name(text: str) -> bool:
    """Tell whether a text can name a symbol: Python reads it as this very name of a parameter.

    Python reads some letters as others (PEP 3131), so two names might be one to it.
    """
    return (
        text.isidentifier()
        and not keyword.iskeyword(text)
        and text != "__debug__"
        and unicodedata.normalize("NFKC", text) == text
    )


def whole_number(value: Any, name: str) -> int:
    """The integer that is given for a symbol.

    Raises:
        ArgumentError: it is none.
    """
    if isinstance(value, bool):
        raise ArgumentError(f"{name}={value!r}: a hyper-parameter is a positive integer")
    try:
        return operator.index(value)
    except TypeError:
        raise ArgumentError(
            f"{name}={value!r}: a hyper-parameter is a positive integer, not a "
            f"{type(value).__name__}"
        ) from None


def real_number(value: object, name: str) -> float:
    """The double that is given for a real symbol.

    Raises:
        ArgumentError: it is no number, or none that a double holds.
    """
    if not isinstance(value, bool) and isinstance(value, int | float | numbers.Real):
        try:
            double = float(value)
        except OverflowError:
            double = math.inf
        if double == value or double != double:  # it may be no number, which is no value either
            return double
        raise ArgumentError(
            f"{name}={value!r}: no double is this number, and this hyper-parameter is a double; "
            "round it first, float(...)"
        )
    raise ArgumentError(f"{name}={value!r}: this hyper-parameter is a positive number")
