"""Choose the range of a symbol in a picture, and the sizes in it to evaluate a formula at."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NoReturn

from symcount.errors import ArgumentError, DomainError
from symcount.formula.signature import common_defaults
from symcount.symbols import LARGEST_CANDIDATE, Hyperparameter, Number, SymbolLike, Values, name_of

if TYPE_CHECKING:
    from symcount.formula.formula import Formula


MOST_SIZES = 8192  # that are all evaluated; longer ranges are sampled
SAMPLES = 1024
COLUMNS = 48
_TRIES = 12  # sizes of a cell, to find one in the domain
LOG_FROM = 16  # the ratio of the ends from which a scale is logarithmic
_MOST = 2**53  # whole numbers beyond are not told apart as floats
_ODD = (1, 3, 5, 7, 9, 15, 25)


@dataclass(frozen=True)
class Range:
    """The range of a symbol along an axis, and the sizes in it to evaluate a formula at."""

    name: str
    low: Number
    high: Number
    real: bool = False
    multiple_of: int = 1

    @property
    def is_log(self) -> bool:
        return self.high >= LOG_FROM * self.low

    @property
    def is_whole(self) -> bool:
        """Tell whether every size in the range is evaluated, and not a sample."""
        return not self.real and self.high - self.low < MOST_SIZES

    def sizes(self) -> list[Number]:
        if self.is_whole:
            return list(range(int(self.low), int(self.high) + 1))
        return [self.round_sizes(cell)[0] for cell in self.cells(SAMPLES)]

    def within(self, low: Number, high: Number) -> Range:
        return replace(self, low=low, high=high)

    def spread(self, number: int) -> list[Number]:
        """Spread about so many sizes evenly along the axis, its ends included."""
        steps = [step / (number - 1) for step in range(number)]
        if self.is_log:
            ratio = math.log(self.high) - math.log(self.low)
            found = [math.exp(math.log(self.low) + ratio * step) for step in steps]
        else:
            found = [self.low + (self.high - self.low) * step for step in steps]
        if self.real:
            return list(found)
        inner = (min(max(round(size), self.low), self.high) for size in found[1:-1])
        return sorted({self.low, self.high, *inner})

    def cells(self, number: int) -> list[tuple[Number, Number]]:
        """Cut the range into at most so many cells: from a first size to before the next one's."""
        if not self.real and self.high - self.low < number:
            return [(size, size + 1) for size in range(int(self.low), int(self.high) + 1)]
        edges = [*self.spread(number)[:-1], self.high if self.real else self.high + 1]
        return list(pairwise(edges))

    def edges(self, cells: Sequence[tuple[Number, Number]]) -> list[float]:
        """Return where cells are drawn from and to: a whole number is in the middle of its own."""
        shift = 0.0 if self.real else 0.5
        return [cells[0][0] - shift, *(last - shift for _, last in cells)]

    def round_sizes(self, cell: tuple[Number, Number]) -> list[Number]:
        """List sizes in a cell that many numbers divide, the roundest first; at least one."""
        first, last = cell
        if self.real:
            return [math.sqrt(first * last) if self.is_log else (first + last) / 2]
        steps = {odd << power for odd in (*_ODD, self.multiple_of) for power in range(64)}
        steps = {step for step in steps if step < last}
        found = (-(-int(first) // step) * step for step in sorted(steps, reverse=True))
        return list(dict.fromkeys(size for size in found if size < last))

    def best_sizes(
        self, cells: Iterable[tuple[Number, Number]], holds: Callable[[Number], int]
    ) -> list[Number]:
        """Choose for each cell the roundest of the sizes at which the most formulas hold."""
        return [max(self.round_sizes(cell)[:_TRIES], key=holds) for cell in cells]

    def ends(self) -> tuple[float, float]:
        if self.low == self.high:
            return self.low - 0.5, self.high + 0.5
        return self.low, self.high


def evaluator(count: Formula, names: Sequence[str], values: Values) -> Callable[..., int | None]:
    """Return the count as a function of some of its symbols, None outside the domain.

    Pictures evaluate formulas here and nowhere else.
    """
    order = [h.name for h in count.hyperparameters]
    start = count.signature.bind((), {**values, **dict.fromkeys(names, 1)})
    places = [order.index(name) for name in names]

    def at(*sizes: Number) -> int | None:
        point = list(start)
        for place, size in zip(places, sizes, strict=True):
            point[place] = size
        return count.at(tuple(point))

    return at


def counted(count: int | None) -> int:
    """Return a count at a size that is known to be in the domain."""
    assert count is not None
    return count


def range_of(count: Formula, symbol: SymbolLike, between: tuple[Number, Number] | None) -> Range:
    """Return the range of a symbol: between these values, or else about its default.

    Raises:
        ArgumentError: the formula has no such symbol, or these are not the ends of a range.
    """
    name = str(name_of(symbol))
    h = next((h for h in count.hyperparameters if h.name == name), None)
    if h is None:
        count.signature.bind((), {name: 1})
        raise AssertionError("a formula took a value for a symbol that it does not have")
    low, high = _everyday(h) if between is None else _ends(between, h)
    return Range(name, low, high, h.real, h.multiple_of)


def _everyday(h: Hyperparameter) -> tuple[Number, Number]:
    """Choose a range of everyday sizes: about the default, if there is one."""
    low: Number
    high: Number
    if h.real:
        low, high = (0.25, 8.0) if h.default is None else (h.default / 8, h.default * 4)
    elif h.default is None:
        low, high = 1, LARGEST_CANDIDATE
    else:
        low, high = max(1, int(h.default) // 8), 4 * max(1, int(h.default))
    low, high = max(low, h.minimum), max(high, h.minimum)
    return (low, high) if h.maximum is None else (min(low, h.maximum), min(high, h.maximum))


def _ends(between: Any, h: Hyperparameter) -> tuple[Number, Number]:
    said = f"between={between!r} for {h.name!r}"
    try:
        low, high = between
    except (TypeError, ValueError):
        raise ArgumentError(f"{said}: give the least and the greatest value") from None
    if h.real:
        fine = all(isinstance(b, int | float) and math.isfinite(b) for b in (low, high))
        least: Number = math.ulp(0.0) if not fine or high <= 0 else high / 2**20
    else:
        low, high = (int(b) if isinstance(b, float) and b.is_integer() else b for b in (low, high))
        fine = all(hasattr(b, "__index__") and not isinstance(b, bool) for b in (low, high))
        least = 1
    if not fine:
        raise ArgumentError(f"{said}: {'finite' if h.real else 'whole'} numbers are needed")
    if not h.real:
        low, high = operator.index(low), operator.index(high)
    low = max(low, least)
    if high > _MOST:
        raise ArgumentError(f"{said}: sizes beyond 2**53 cannot be told apart in a picture")
    if high < low:
        raise ArgumentError(f"{said}: no value is between these; put the least first")
    return low, high


def shared_out(
    formulas: Mapping[str, Formula], axes: Sequence[Range], values: Values
) -> list[dict[str, Number]]:
    """Give each formula the values of its symbols that are along no axis, defaults included.

    Raises:
        ArgumentError: a value is given for an axis or for no formula's symbol, or is missing, or
            formulas have different defaults.
    """
    names = [axis.name for axis in axes]
    for name in names:
        if name in values:
            raise ArgumentError(f"{name!r} is along an axis; leave {name}={values[name]!r} out")
    first = next(iter(formulas.values()))
    known = {h.name for formula in formulas.values() for h in formula.hyperparameters}
    for name in values:
        if name not in known:
            first.signature.bind((), {name: values[name]})
    values = {**common_defaults(formulas.values(), {*names, *values}), **values}
    found = []
    for formula in formulas.values():
        own = {h.name for h in formula.hyperparameters}
        given = {name: value for name, value in values.items() if name in own}
        point = formula.signature.point((), {**given, **dict.fromkeys(names, 1)})
        found.append({name: value for name, value in point.items() if name not in names})
    return found


def raise_nowhere(count: Formula, axes: Sequence[Range], values: Values) -> NoReturn:
    """Raise a `DomainError` that says why the formula holds at none of the sizes, by an example."""
    ranges = " and ".join(f"{axis.name} from {axis.low} to {axis.high}" for axis in axes)
    middle = {axis.name: axis.round_sizes((axis.low, axis.high + 1))[0] for axis in axes}
    point = count.signature.bind((), {**values, **middle})

    def message() -> str:
        seen = "" if all(axis.is_whole for axis in axes) else " that was looked at"
        return (
            f"there is nothing to draw: no size{seen} with {ranges} is in the domain of "
            f"{count.factory}. For one, {count.why_outside(point)}"
        )

    raise DomainError(message)


def said(values: Values) -> str:
    """Write values of symbols as a reader would: `dim=64, heads=8`."""
    return ", ".join(f"{name}={value}" for name, value in values.items())
