"""Find the combinations of sizes whose count is in a range, best first, and miss none.

Combinations are boxes of neighbours, which bounds of the count pass over or halve, the most
promising first (best-first branch and bound).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, product
from typing import TYPE_CHECKING, Any, TypeAlias

from symcount.algebra.bounds import hull
from symcount.algebra.boxes import Box
from symcount.errors import ArgumentError
from symcount.formula.amounts import amount
from symcount.formula.measure import Measure
from symcount.questions.keep import Keep
from symcount.questions.line import (
    distance_from,
    exceeds,
    reachable,
)
from symcount.symbols import Number

if TYPE_CHECKING:
    from symcount.formula.formula import Formula

# Where a box of combinations begins and ends in each symbol's list of values.
_Places: TypeAlias = "tuple[tuple[int, int], ...]"
# How far from what is to be near, how far from the middle of the total, the values, the count.
_Ranked: TypeAlias = "tuple[Fraction, Fraction, tuple[Number, ...], int]"
_FEW_COMBINATIONS = 128
_MOST_VALUES = 1_000_000


@dataclass(frozen=True)
class Match:
    """A combination of sizes that `ParamCount.search` found.

    `distance` says how far it is from what was to be near, relatively: 0.05 is five percent off.
    `offset` is the count less the middle of the range that was asked for.
    """

    values: Mapping[str, Number]
    count: int
    distance: float
    offset: float

    def __repr__(self) -> str:
        return f"Match({self})"

    def __str__(self) -> str:
        sizes = ", ".join(f"{name}={value}" for name, value in self.values.items())
        return f"{sizes}: {self.count:,}"


def search(
    count: Formula, total: Any, keep: str | None, limit: int | None, symbols: Mapping[str, Any]
) -> list[Match]:
    """Find combinations of sizes; see `ParamCount.search`."""
    count.signature.require_no_symbol("search", ["total"] if limit == 10 else ["total", "limit"])
    low, high = _total_range(total, count.measure)
    if limit is not None and (type(limit) is not int or limit < 1):
        raise ArgumentError(f"limit={limit!r}: give a positive integer, or None for all")
    names = [h.name for h in count.hyperparameters]
    may_be_zero = [h.name for h in count.hyperparameters if 0 in h]
    kept = Keep(keep, names, [h.name for h in count.hyperparameters if h.real], may_be_zero)
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
    """Return the nearest double, which is infinite beyond the largest."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _best(
    count: Formula,
    choices: list[list[Number]],
    total: tuple[int, int],
    kept: Keep,
    limit: int | None,
) -> list[_Ranked]:
    """Find the combinations whose count is in a range, the best of them, in order.

    Combinations are boxes of neighbours in each symbol's list. A box waits by how good the bounds
    allow anything in it to be; it is passed over if they allow nothing, and otherwise halved along
    the symbol that changes most, until it is a few combinations, which are evaluated. It ends when
    nothing that waits can be among the best.
    """
    best: list[_Ranked] = []
    waiting: list[tuple[Any, Any, _Places]] = []

    def wait(places: _Places) -> None:
        promise = _promise(count, choices, places, total, kept)
        if promise is not None:
            heapq.heappush(waiting, (*promise, places))

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


def _promise(
    count: Formula,
    choices: list[list[Number]],
    places: _Places,
    total: tuple[int, int],
    kept: Keep,
) -> tuple[Any, Any] | None:
    """Return how good the bounds allow anything in a box to be; None if they allow nothing."""
    sides = zip(count.hyperparameters, choices, places, strict=True)
    box = Box({h.name: (values[a], values[b - 1]) for h, values, (a, b) in sides})
    span = hull(map(box.of, reachable(count.pieces, box)))
    if span is None or exceeds(span, total[1]) or (span[1] is not None and span[1] < total[0]):
        return None
    distance = kept.least_distance(box)
    middle = Fraction(sum(total), 2)
    return None if distance is None else (distance, distance_from(span, middle))


def _ranked(
    count: Formula, combinations: Iterable[tuple[Number, ...]], total: tuple[int, int], kept: Keep
) -> Iterator[_Ranked]:
    """Evaluate some combinations; those that are kept come with what they are sorted by."""
    middle = Fraction(sum(total), 2)
    for values in combinations:
        found = count.at(values)
        if found is not None and total[0] <= found <= total[1]:
            distance = kept.distance(values)
            if distance is not None:
                yield distance, abs(found - middle), values, found


def _halves(places: _Places, choices: list[list[Number]]) -> Iterator[_Places]:
    """Cut a box in two, along the symbol that changes most, relatively."""
    widest = max(
        (i for i, (a, b) in enumerate(places) if b - a > 1),
        key=lambda i: math.log(choices[i][places[i][1] - 1]) - math.log(choices[i][places[i][0]]),
    )
    a, b = places[widest]
    for half in ((a, (a + b) // 2), ((a + b) // 2, b)):
        yield (*places[:widest], half, *places[widest + 1 :])


def _total_range(total: Any, measure: Measure) -> tuple[int, int]:
    if isinstance(total, Sequence) and not isinstance(total, str):
        if len(total) != 2:
            raise ArgumentError(f"total={total!r}: give a number, or the least and the greatest")
        low, high = (amount(bound, "total", measure) for bound in total)
    else:
        low = high = amount(total, "total", measure)
    if low > high:
        raise ArgumentError(f"total={total!r}: the first is to be the least")
    return low, high


def _choices(count: Formula, symbols: Mapping[str, Any]) -> list[list[Number]]:
    """List for each symbol the values to try, in order."""
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
    first = count.signature.bind((), {name: values[0] for name, values in given.items()})
    choices: list[list[Number]] = []
    for place, h in enumerate(count.hyperparameters):
        values = {
            count.signature.bind((), {**_first(given), h.name: value})[place]
            for value in given.get(h.name, [first[place]])
        }
        choices.append(sorted(value for value in values if value in h))
    return choices


def _has_many(value: Any) -> bool:
    """Return whether a value is a collection; an array without dimensions is one value."""
    plain = isinstance(value, str) or getattr(value, "ndim", 1) == 0
    return isinstance(value, Iterable) and not plain


def _first(given: Mapping[str, list[Any]]) -> dict[str, Any]:
    return {name: values[0] for name, values in given.items()}
