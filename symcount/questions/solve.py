"""Questions with an answer in sizes: which value of a symbol gives a budget, which combinations.

Every answer is proved. The values of a symbol are taken apart into ranges; the bounds of the count
on a range (`symcount.algebra.boxes`) say whether an answer can be in it, and what is left is
evaluated (branch and bound). Towards infinity, a range without end is passed over once the count is
proved to exceed every answer there. So formulas need not be monotone, and domains may have gaps.
What is neither found nor excluded within a fixed number of steps raises `UndecidedError`.
"""

from __future__ import annotations

import heapq
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, product
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from symcount.algebra.bounds import Interval, hull
from symcount.algebra.boxes import Box
from symcount.algebra.conditions import Condition, divisibility
from symcount.algebra.poly import Poly, Variable, only_atom
from symcount.algebra.rays import Ray
from symcount.errors import ArgumentError, NoSolutionError, UnboundedError, UndecidedError
from symcount.questions.keep import Keep
from symcount.symbols import whole_number

if TYPE_CHECKING:
    from symcount.param_count import ParamCount

Want: TypeAlias = Literal["largest", "nearest", "exact"]
Value: TypeAlias = "int | float"
# Where a box of combinations begins and ends in each symbol's list of values.
_Places: TypeAlias = "tuple[tuple[int, int], ...]"
# How far from what is to be near, how far from the middle of the total, the values, the count.
_Ranked: TypeAlias = "tuple[Fraction, Fraction, tuple[Value, ...], int]"

# So few values are evaluated one by one: bounds take as long.
_FEW = 32
_FEW_COMBINATIONS = 128
# How many ranges one question may be taken apart into, and how often values may double.
_MOST_RANGES = 200_000
_MOST_DOUBLINGS = 256
_MOST_ANSWERS = 100_000
_MOST_VALUES = 1_000_000


# --- a formula along one symbol ---------------------------------------------------------------


class Line:
    """A formula along one symbol, the others being fixed: bounds, values, and what is valid.

    `low` and `high` are what the symbol may be, `high` None if there is no end; valid values are
    among the multiples of `step`.
    """

    def __init__(
        self,
        count: ParamCount,
        name: str,
        between: tuple[int, int | None],
        others: Mapping[str, Any],
    ) -> None:
        if name in others:
            raise ArgumentError(f"{name}={others[name]!r}: {name!r} is what is asked for")
        h = next((h for h in count.hyperparameters if h.name == name), None)
        low, high = _between(between)
        sample = 1 if h is None or not h.real else 1.0
        values = count._bind((), {**others, name: sample})
        assert h is not None
        if h.real:
            raise ArgumentError(
                f"{name} is a real symbol, of which there is no next value; ask for an integer "
                f"symbol, with {name} given"
            )
        self.count, self.name = count, name
        self.names = [other.name for other in count.hyperparameters]
        self.place = self.names.index(name)
        self.values = list(values)
        self.fixed: dict[str, Interval] = {
            other.name: (value, value)
            for other, value in zip(count.hyperparameters, values, strict=True)
            if other.name != name
        }
        self.others_valid = all(
            value in other
            for other, value in zip(count.hyperparameters, values, strict=True)
            if other.name != name
        )
        self.high = high if h.maximum is None else _least(int(h.maximum), high)
        inside = Box({**self.fixed, name: (1, None)})
        self.step = math.lcm(h.multiple_of, _step(count._values, name, inside) or 1)
        self.least = max(low, int(h.minimum))
        self.low = self.up(self.least)
        self.ranges = 0
        self.budget = 0

    @property
    def largest(self) -> int:
        """How far values may go: beyond what the budget and the other sizes lead to."""
        sizes = [self.budget, *(low for low, _ in self.fixed.values() if isinstance(low, int))]
        return 1 << _MOST_DOUBLINGS + sum(size.bit_length() for size in sizes)

    def up(self, value: int) -> int:
        """The least multiple of the step that is not below."""
        return -(-value // self.step) * self.step

    def at(self, value: int) -> int | None:
        """The count, or None outside the domain."""
        self.values[self.place] = value
        return self.count._evaluated(tuple(self.values))

    def span(self, low: int, high: int | None) -> Interval | None:
        """Bounds of the count on a range; None if it is proved that no value is valid there."""
        if not self.others_valid:
            return None
        return hull(box.of(poly) for box, poly in self._reached(low, high))

    def _reached(self, low: int, high: int | None) -> Iterator[tuple[Box, Poly]]:
        """The polynomials that may be the formula somewhere on a range."""
        self.ranges += 1
        if self.ranges > _MOST_RANGES:
            raise UndecidedError(
                f"{self.where}: the answer was not found among {_MOST_RANGES:,} ranges of "
                f"{self.name}, nor excluded; say where it is, between=(low, high)"
            )
        box = self.box(low, high)
        for poly in reachable(self.count._values, box):
            yield box, poly

    def box(self, low: int, high: int | None) -> Box:
        """A range of the symbol, with the others as they are fixed."""
        if high is None:
            return Ray(self.fixed, self.name, low)
        return Box({**self.fixed, self.name: (low, high)})

    def few(self, low: int, high: int, most: int = _FEW) -> range | None:
        """What may be valid on a range; None if it is more than a few."""
        values = range(self.up(low), high + 1, self.step)
        return None if high - low >= most * self.step else values

    def halves(self, low: int, high: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """A range in two; geometrically if it is wide, since sizes are everyday at the low end."""
        middle = math.isqrt(low * high) if high > 4 * low else (low + high) // 2
        middle = min(max(low, middle), high - 1)
        return (low, middle), (middle + 1, high)

    def end(self, beyond: Callable[[Interval | None], bool]) -> int | None:
        """A value above which `beyond` is proved of the count; None if no proof is found."""
        if self.high is not None:
            return self.high
        start, most = self.low, self.largest
        while start < most:
            if beyond(self.span(start, None)):
                return start - 1
            start *= 2
        return None

    def ascending(self, after: int) -> int | None:
        """The least valid value above another; None if it is proved that there is none."""
        low = max(self.low, after + 1)
        width = 64 * self.step
        most = self.largest * low
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
        """The least valid value on a range."""
        return next(iter(self._valid(low, high, 1)), None)

    def last(self, low: int, high: int) -> int | None:
        """The greatest valid value on a range."""
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
    """The polynomials of a tree that values in a box may lead to."""
    if hasattr(tree, "condition"):
        truth = box.decides(tree.condition)
        if truth is not False:
            yield from reachable(tree.then, box)
        if truth is not True:
            yield from reachable(tree.otherwise, box)
    elif tree is not None:
        yield tree


def _step(tree: Any, name: str, box: Box) -> int:
    """A number that divides every valid value of a symbol; 0 if there is no valid one."""
    if not hasattr(tree, "condition"):
        return 0 if tree is None else 1
    truth = box.decides(tree.condition)
    then = 0 if truth is False else _step(tree.then, name, box)
    otherwise = 0 if truth is True else _step(tree.otherwise, name, box)
    if then:
        then = math.lcm(then, _divisor(tree.condition, name, box))
    return math.gcd(then, otherwise)


def _divisor(condition: Condition, name: str, box: Box) -> int:
    """A number that divides the symbol where a condition holds."""
    divides = divisibility(condition)
    if divides is None or only_atom(divides[0]) != Variable(name):
        return 1
    low, high = box.of(divides[1])
    return low if isinstance(low, int) and low == high and low > 0 else 1


def _least(value: int, other: int | None) -> int:
    return value if other is None else min(value, other)


# --- solve ------------------------------------------------------------------------------------


def solve(
    count: ParamCount,
    name: str,
    total: Any,
    want: Want,
    between: tuple[int, int | None],
    others: Mapping[str, Any],
) -> int | list[int]:
    """The answer of `ParamCount.solve`."""
    if want not in ("largest", "nearest", "exact"):
        raise ArgumentError(f"want={want!r}: ask for 'largest', 'nearest' or 'exact'")
    budget = whole(total, "total")
    count._require_no_symbol("solve", ["total"], name)
    line = Line(count, name, between, others)
    line.budget = budget
    if want == "exact":
        return _exact(line, budget)
    if want == "nearest":
        return _nearest(line, budget)[0]
    return _largest(line, budget)


def _largest(line: Line, budget: int) -> int:
    end = line.end(lambda span: span is None or _exceeds(span, budget))
    if end is None:
        raise _unbounded(line, f"may stay within {budget:,} however large {line.name} is")
    stack = [(line.low, end)]
    while stack:
        low, high = stack.pop()
        few = line.few(low, high)
        if few is not None:
            for value in reversed(few):
                found = line.at(value)
                if found is not None and found <= budget:
                    return value
            continue
        span = line.span(low, high)
        if span is not None and not _exceeds(span, budget):
            stack += line.halves(low, high)
    value, least = _nearest(line, 0)
    raise NoSolutionError(
        f"{line.where}: no valid {line.name} has at most {budget:,} {line.count.measure.noun}. "
        f"The least is {least:,}, at {line.name}={value}"
    )


def _exceeds(span: Interval, budget: int) -> bool:
    return span[0] is not None and span[0] > budget


def _unbounded(line: Line, what: str) -> UnboundedError:
    polys = set(reachable(line.count._values, line.box(line.low, None)))
    name = line.name
    if not any(isinstance(a, Variable) and a.name == name for p in polys for a in p.atoms()):
        what = f"does not depend on {name}, which may be as large as one likes"
    return UnboundedError(
        f"{line.where}: the count {what}; say how large it may be, between=(low, high)"
    )


def _exact(line: Line, total: int) -> list[int]:
    def excluded(span: Interval | None) -> bool:
        return span is None or _distance(span, total) > 0

    end = line.end(excluded)
    if end is None:
        raise _unbounded(line, f"may be {total:,} at values of {line.name} of any size")
    found: list[int] = []
    stack = [(line.low, end)]
    while stack:
        low, high = stack.pop()
        few = line.few(low, high)
        if few is not None:
            found += [value for value in few if line.at(value) == total]
            if len(found) > _MOST_ANSWERS:
                raise UnboundedError(
                    f"{line.where}: more than {_MOST_ANSWERS:,} values of {line.name} have a "
                    f"count of {total:,}; ask for fewer, between=(low, high)"
                )
        elif not excluded(line.span(low, high)):
            stack += line.halves(low, high)[::-1]
    return found


def _distance(span: Interval, total: int | Fraction) -> Any:
    """How near a count within these bounds may be."""
    low, high = span
    if low is not None and low > total:
        return low - total
    return total - high if high is not None and high < total else 0


def _nearest(line: Line, total: int) -> tuple[int, int]:
    """The valid value whose count is nearest, the smaller of two that are as near; its count."""
    best: tuple[Any, int, int] | None = None
    waiting: list[tuple[Any, int, int | None]] = []

    def wait(low: int, high: int | None) -> None:
        span = line.span(low, high) if high is None or high >= low else None
        if span is not None:
            heapq.heappush(waiting, (_distance(span, total), low, high))

    wait(line.low, line.high)
    while waiting:
        distance, low, high = heapq.heappop(waiting)
        if best is not None and (distance, low) > best[:2]:
            break
        if high is None:
            if low >= line.largest:
                raise _unbounded(line, f"may come near {total:,} at {line.name} of any size")
            wait(low, 2 * low - 1)
            wait(line.up(2 * low), None)
        elif (few := line.few(low, high)) is not None:
            for value in few:
                found = line.at(value)
                if found is not None and (best is None or (abs(found - total), value) < best[:2]):
                    best = abs(found - total), value, found
        else:
            for half in line.halves(low, high):
                wait(*half)
    if best is None:
        raise NoSolutionError(no_valid_value(line))
    return best[1], best[2]


def valid_values(
    count: ParamCount, name: str, between: Any, others: Mapping[str, Any]
) -> list[int]:
    """The answer of `ParamCount.valid_values`."""
    low, high = _ends(between)
    if high is None:
        raise ArgumentError(f"between={between!r}: a list of values ends; give the greatest, too")
    line = Line(count, name, (1, None), others)
    last = high if line.high is None else min(high, line.high)
    tried = range(line.up(max(low, line.low)), last + 1, line.step)
    return [value for value in tried if line.at(value) is not None]


def no_valid_value(line: Line) -> str:
    """That no value of the symbol is valid, and where."""
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


def whole(total: Any, label: str) -> int:
    """A number of parameters, given as an integer or as a float that is whole.

    Raises:
        ArgumentError: it is neither, or negative.
    """
    value: Any = total
    if not isinstance(value, bool):
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        try:
            value = operator.index(value)
        except TypeError:
            value = None
        if value is not None and value >= 0:
            return int(value)
    raise ArgumentError(f"{label}={total!r}: a count is a whole number that is not negative")


def _between(between: Any) -> tuple[int, int | None]:
    """The range of positive integers that is given, which is not to be empty."""
    low, high = _ends(between)
    if high is not None and high < max(1, low):
        raise ArgumentError(f"between={between!r}: no positive integer is in this range")
    return max(1, low), high


def _ends(between: Any) -> tuple[int, int | None]:
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


# --- search -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Match:
    """A combination of sizes that `ParamCount.search` found.

    `distance` says how far it is from what was to be near, relatively: 0.05 is five percent off.
    `offset` is the count less the middle of the range that was asked for.
    """

    values: Mapping[str, Value]
    count: int
    distance: float
    offset: float

    def __str__(self) -> str:
        sizes = ", ".join(f"{name}={value}" for name, value in self.values.items())
        return f"{sizes}: {self.count:,}"


def search(
    count: ParamCount, total: Any, keep: str | None, limit: int | None, symbols: Mapping[str, Any]
) -> list[Match]:
    """The answer of `ParamCount.search`."""
    count._require_no_symbol("search", ["total"] if limit == 10 else ["total", "limit"])
    low, high = _total_range(total)
    if limit is not None and (type(limit) is not int or limit < 1):
        raise ArgumentError(f"limit={limit!r}: give a positive integer, or None for all")
    names = [h.name for h in count.hyperparameters]
    kept = Keep(keep, names, [h.name for h in count.hyperparameters if h.real])
    choices = _choices(count, symbols)
    for place, name in enumerate(names):  # what says something of one symbol alone
        choices[place] = [v for v in choices[place] if kept.allows(name, v)]
    best = _best(count, choices, (low, high), kept, limit)
    middle = Fraction(low + high, 2)
    return [
        Match(
            dict(zip(names, values, strict=True)), found, _double(distance), _double(found - middle)
        )
        for distance, _, values, found in best
    ]


def _double(value: Fraction) -> float:
    """The nearest double, which is infinite beyond the largest."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _best(
    count: ParamCount,
    choices: list[list[Value]],
    total: tuple[int, int],
    kept: Keep,
    limit: int | None,
) -> list[_Ranked]:
    """The combinations whose count is in a range, the best of them, in order.

    Combinations are boxes of neighbours in each symbol's list. A box waits by how good the bounds
    allow anything in it to be; it is passed over if they allow nothing, and otherwise halved along
    the symbol that changes most, until it is a few combinations, which are evaluated. It ends when
    nothing that waits can be among the best.
    """
    names = [h.name for h in count.hyperparameters]
    middle = Fraction(sum(total), 2)
    best: list[_Ranked] = []
    waiting: list[tuple[Any, Any, _Places]] = []

    def wait(places: _Places) -> None:
        box = Box(
            {
                name: (values[a], values[b - 1])
                for name, values, (a, b) in zip(names, choices, places, strict=True)
            }
        )
        span = hull(map(box.of, reachable(count._values, box)))
        if span is None or _exceeds(span, total[1]) or (span[1] is not None and span[1] < total[0]):
            return
        distance = kept.least_distance(box)
        if distance is not None:
            heapq.heappush(waiting, (distance, _distance(span, middle), places))

    if all(choices):
        wait(tuple((0, len(values)) for values in choices))
    while waiting:
        *least, places = heapq.heappop(waiting)
        if limit is not None and len(best) >= limit and tuple(least) > best[limit - 1][:2]:
            break
        if math.prod(b - a for a, b in places) > _FEW_COMBINATIONS:
            for half in _halves(places, choices):
                wait(half)
            continue
        sides = [values[a:b] for values, (a, b) in zip(choices, places, strict=True)]
        best += _ranked(count, product(*sides), total, kept)
        if limit is not None:
            best = heapq.nsmallest(limit, best)
    return sorted(best)


def _ranked(
    count: ParamCount, combinations: Iterable[tuple[Value, ...]], total: tuple[int, int], kept: Keep
) -> Iterator[_Ranked]:
    """Those of some combinations that are to be kept, with what they are sorted by."""
    middle = Fraction(sum(total), 2)
    for values in combinations:
        found = count._evaluated(values)
        if found is not None and total[0] <= found <= total[1]:
            distance = kept.distance(values)
            if distance is not None:
                yield distance, abs(found - middle), values, found


def _halves(places: _Places, choices: list[list[Value]]) -> Iterator[_Places]:
    """A box in two, along the symbol that changes most, relatively."""
    widest = max(
        (i for i, (a, b) in enumerate(places) if b - a > 1),
        key=lambda i: math.log(choices[i][places[i][1] - 1]) - math.log(choices[i][places[i][0]]),
    )
    a, b = places[widest]
    for half in ((a, (a + b) // 2), ((a + b) // 2, b)):
        yield (*places[:widest], half, *places[widest + 1 :])


def _total_range(total: Any) -> tuple[int, int]:
    if isinstance(total, Sequence) and not isinstance(total, str):
        if len(total) != 2:
            raise ArgumentError(f"total={total!r}: give a number, or the least and the greatest")
        low, high = (whole(bound, "total") for bound in total)
    else:
        low = high = whole(total, "total")
    if low > high:
        raise ArgumentError(f"total={total!r}: the first is to be the least")
    return low, high


def _choices(count: ParamCount, symbols: Mapping[str, Any]) -> list[list[Value]]:
    """For each symbol, the values to try, in order."""
    given: dict[str, list[Any]] = {}
    for name, value in symbols.items():
        if _has_many(value):
            given[name] = list(islice(value, _MOST_VALUES + 1))
            if not given[name]:
                raise ArgumentError(f"{name}={value!r}: there is no value in it to try")
            if len(given[name]) > _MOST_VALUES:
                raise ArgumentError(f"{name}: more than {_MOST_VALUES:,} values; try fewer")
        else:
            given[name] = [value]
    first = count._bind((), {name: values[0] for name, values in given.items()})
    choices: list[list[Value]] = []
    for place, h in enumerate(count.hyperparameters):
        values = {
            count._bind((), {**_first(given), h.name: value})[place]
            for value in given.get(h.name, [first[place]])
        }
        choices.append(sorted(value for value in values if value in h))
    return choices


def _has_many(value: Any) -> bool:
    """Whether a value is a collection of values; an array without dimensions is one value."""
    plain = isinstance(value, str) or getattr(value, "ndim", 1) == 0
    return isinstance(value, Iterable) and not plain


def _first(given: Mapping[str, list[Any]]) -> dict[str, Any]:
    return {name: values[0] for name, values in given.items()}
