"""Follow a formula along one symbol, the others being fixed: bounds, values, and what is valid.

The values of the symbol are taken apart into ranges. The bounds of the count on a range
(`symcount.algebra.boxes`) say whether an answer can be in it; few values are evaluated one by one
(branch and bound, Land and Doig 1960). Ranges may be without end. So formulas need not be monotone,
and domains may have gaps. A question that takes too many ranges raises `UndecidedError`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from symcount.algebra.bounds import Interval, hull
from symcount.algebra.boxes import Box
from symcount.algebra.conditions import Condition, divisibility
from symcount.algebra.poly import Poly, only_atom
from symcount.algebra.rays import Ray
from symcount.errors import ArgumentError, UndecidedError
from symcount.symbols import Hyperparameter, whole_number

if TYPE_CHECKING:
    from symcount.formula.formula import Formula

# So few values are evaluated one by one: bounds take as long.
_FEW = 32
# How many ranges one question may be taken apart into, and how often values may double.
_MOST_RANGES = 200_000
_MOST_DOUBLINGS = 256


class Line:
    """A formula along one symbol, the others being fixed: bounds, values, and what is valid.

    `low` and `high` are what the symbol may be, `high` None if there is no end; valid values are
    among the multiples of `step`.
    """

    def __init__(
        self,
        count: Formula,
        name: str,
        between: tuple[int, int | None],
        others: Mapping[str, Any],
    ) -> None:
        if name in others:
            raise ArgumentError(f"{name}={others[name]!r}: {name!r} is what is asked for")
        h = next((h for h in count.hyperparameters if h.name == name), None)
        low, high = _between(between, h)
        sample = 1 if h is None or not h.real else 1.0
        values = count.signature.bind((), {**others, name: sample})
        assert h is not None
        if h.real:
            raise ArgumentError(
                f"{name} is a real symbol, of which there is no next value; ask for an integer "
                f"symbol, with {name} given"
            )
        self.count, self.name = count, name
        self.names: list[str] = [other.name for other in count.hyperparameters]
        self.place: int = self.names.index(name)
        self.values: list[int | float] = list(values)
        pairs = zip(count.hyperparameters, values, strict=True)
        given = [(other, value) for other, value in pairs if other.name != name]
        self.fixed: dict[str, Interval] = {other.name: (value, value) for other, value in given}
        self.others_valid: bool = all(value in other for other, value in given)
        self.high: int | None = high if h.maximum is None else _least(int(h.maximum), high)
        inside = Box({**self.fixed, name: (h.least, None)})
        self.step: int = math.lcm(h.multiple_of, _step(count.pieces, name, inside) or 1)
        self.least: int = max(low, int(h.minimum))
        self.low: int = self.up(self.least)
        self.ranges = 0
        self.budget = 0

    @property
    def largest(self) -> int:
        """The bound on values: beyond what the budget and the other sizes lead to."""
        sizes = [self.budget, *(low for low, _ in self.fixed.values() if isinstance(low, int))]
        return 1 << _MOST_DOUBLINGS + sum(size.bit_length() for size in sizes)

    def up(self, value: int) -> int:
        """Return the least multiple of the step that is not below."""
        return -(-value // self.step) * self.step

    def at(self, value: int) -> int | None:
        """Return the count, or None outside the domain."""
        self.values[self.place] = value
        return self.count.at(tuple(self.values))

    def span(self, low: int, high: int | None) -> Interval | None:
        """Return bounds of the count on a range; None if no value is valid there, by proof."""
        if not self.others_valid:
            return None
        return hull(box.of(poly) for box, poly in self.reached(low, high))

    def reached(self, low: int, high: int | None) -> Iterator[tuple[Box, Poly]]:
        """Yield the polynomials that may be the formula somewhere on a range."""
        self.ranges += 1
        if self.ranges > _MOST_RANGES:
            raise UndecidedError(
                f"{self.where}: the answer was not found among {_MOST_RANGES:,} ranges of "
                f"{self.name}, nor excluded; say where it is, between=(low, high)"
            )
        if high is None and low < 1:  # a ray has no zero
            yield from self.reached(low, 0)
            low = 1
        box = self.box(low, high)
        for poly in reachable(self.count.pieces, box):
            yield box, poly

    def box(self, low: int, high: int | None) -> Box:
        """Return a range of the symbol, with the others as they are fixed."""
        if high is None:
            return Ray(self.fixed, self.name, low)
        return Box({**self.fixed, self.name: (low, high)})

    def few(self, low: int, high: int, most: int = _FEW) -> range | None:
        """Return what may be valid on a range; None if it is more than a few."""
        values = range(self.up(low), high + 1, self.step)
        return None if high - low >= most * self.step else values

    def halves(self, low: int, high: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Cut a range in two; geometrically if it is wide, since everyday sizes are low."""
        middle = math.isqrt(low * high) if high > 4 * low else (low + high) // 2
        middle = min(max(low, middle), high - 1)
        return (low, middle), (middle + 1, high)

    def end(self, beyond: Callable[[Interval | None], bool]) -> int | None:
        """Return a value above which `beyond` is proved of the count; None if no proof is found."""
        if self.high is not None:
            return self.high
        start, most = max(1, self.low), self.largest
        while start < most:
            if beyond(self.span(start, None)):
                return start - 1
            start *= 2
        return None

    def ascending(self, after: int) -> int | None:
        """Return the least valid value above another; None if it is proved that there is none."""
        low = max(self.low, after + 1)
        width = 64 * self.step
        most = self.largest * max(1, low)
        while low < most and (self.high is None or low <= self.high):
            if self.span(low, self.high) is None:
                return None
            high = _least(low + width, self.high)
            assert high is not None
            found = self.first(low, high)
            if found is not None:
                return found
            low, width = high + 1, 2 * width
        if self.high is not None:
            return None
        raise UndecidedError(f"{self.where}: no valid value of {self.name} above {after} was found")

    def first(self, low: int, high: int) -> int | None:
        """Return the least valid value on a range."""
        return next(iter(self._valid(low, high, 1)), None)

    def last(self, low: int, high: int) -> int | None:
        """Return the greatest valid value on a range."""
        return next(iter(self._valid(low, high, -1)), None)

    def _valid(self, low: int, high: int, direction: int) -> Iterator[int]:
        stack = [(low, high)]
        while stack:
            low, high = stack.pop()
            few = self.few(low, high)
            if few is not None:
                yield from (v for v in few[::direction] if self.at(v) is not None)
            elif self.span(low, high) is not None:
                stack += self.halves(low, high)[::-direction]

    @property
    def where(self) -> str:
        """The formula, and what is fixed in it."""
        given = ", ".join(f"{name}={value}" for name, (value, _) in self.fixed.items())
        return f"{self.count.factory} at {given}" if given else self.count.factory


def reachable(tree: Any, box: Box) -> Iterator[Poly]:
    """Yield the polynomials of a tree that values in a box may lead to."""
    if hasattr(tree, "condition"):
        truth = box.decides(tree.condition)
        if truth is not False:
            yield from reachable(tree.then, box)
        if truth is not True:
            yield from reachable(tree.otherwise, box)
    elif tree is not None:
        yield tree


def _step(tree: Any, name: str, box: Box) -> int:
    """Return a number that divides every valid value of a symbol; 0 if there is no valid one."""
    if not hasattr(tree, "condition"):
        return 0 if tree is None else 1
    truth = box.decides(tree.condition)
    then = 0 if truth is False else _step(tree.then, name, box)
    otherwise = 0 if truth is True else _step(tree.otherwise, name, box)
    if then:
        then = math.lcm(then, _divisor(tree.condition, name, box))
    return math.gcd(then, otherwise)


def _divisor(condition: Condition, name: str, box: Box) -> int:
    """Return a number that divides the symbol where a condition holds."""
    divides = divisibility(condition)
    if divides is None or getattr(only_atom(divides[0]), "name", None) != name:
        return 1
    low, high = box.of(divides[1])
    return low if isinstance(low, int) and low == high and low > 0 else 1


def _least(value: int, other: int | None) -> int:
    return value if other is None else min(value, other)


def no_valid_value(line: Line) -> str:
    """Say that no value of the symbol is valid, and where."""
    for h in line.count.hyperparameters:
        value = line.values[line.names.index(h.name)]
        if h.name != line.name and value not in h:
            return f"{line.where}: no {line.name} is in the domain of the formula: {h.declared}"
    end = "" if line.high is None else f" up to {line.high}"
    given = zip(line.count.hyperparameters, line.values, strict=True)
    wrong = (h.declared for h, value in given if h.name != line.name and value not in h)
    why = next(wrong, "its `domain` says where it holds")
    return (
        f"{line.where}: no value of {line.name} from {line.least}{end} is in the domain of the "
        f"formula; {why}"
    )


def _between(between: Any, h: Hyperparameter | None) -> tuple[int, int | None]:
    """Return the range of a symbol's integers that is given, which is not to be empty."""
    low, high = ends(between)
    least = 1 if h is None else h.least
    if high is not None and high < max(least, low):
        kind = "positive integer" if least else "integer that is 0 at least"
        raise ArgumentError(f"between={between!r}: no {kind} is in this range")
    return max(least, low), high


def ends(between: Any) -> tuple[int, int | None]:
    """Return the two ends of a range that is given.

    Raises:
        ArgumentError: they are no integers; the greatest may be None.
    """
    try:
        low, high = between
        low = whole_number(low, "between")
        high = None if high is None else whole_number(high, "between")
    except (TypeError, ValueError):
        raise ArgumentError(
            f"between={between!r}: give the least and the greatest value, two integers; the "
            "greatest may be None"
        ) from None
    return low, high


def exceeds(span: Interval, budget: int) -> bool:
    """Return whether no count within these bounds is within a budget."""
    return span[0] is not None and span[0] > budget


def distance_from(span: Interval, total: int | Fraction) -> Any:
    """Return how near to a total a count within these bounds may be."""
    low, high = span
    if low is not None and low > total:
        return low - total
    return total - high if high is not None and high < total else 0
