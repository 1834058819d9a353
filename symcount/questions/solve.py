"""Find the value of one symbol that a budget buys, and list the valid values of one.

Every answer is proved, by bounds on ranges of the symbol (`symcount.questions.line`). Towards
infinity, a range without end is passed over once the count is proved to exceed every answer there.
What is neither found nor excluded within a fixed number of steps raises `UndecidedError`.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from symcount.algebra.bounds import Interval
from symcount.algebra.poly import Variable
from symcount.errors import ArgumentError, NoSolutionError, UnboundedError
from symcount.formula.amounts import amount
from symcount.questions.line import (
    Line,
    distance_from,
    ends,
    exceeds,
    no_valid_value,
    reachable,
)

if TYPE_CHECKING:
    from symcount.formula.formula import Formula

Want: TypeAlias = Literal["largest", "nearest", "exact"]
_MOST_ANSWERS = 100_000


def solve(
    count: Formula,
    name: str,
    total: Any,
    want: Want,
    between: tuple[int, int | None],
    others: Mapping[str, Any],
) -> int | list[int]:
    """Find the value that a budget buys; see `ParamCount.solve`."""
    if want not in ("largest", "nearest", "exact"):
        raise ArgumentError(f"want={want!r}: ask for 'largest', 'nearest' or 'exact'")
    budget = amount(total, "total", count.measure)
    count.signature.require_no_symbol("solve", ["total"], name)
    line = Line(count, name, between, others)
    line.budget = budget
    if want == "exact":
        return _exact(line, budget)
    if want == "nearest":
        return _nearest(line, budget)[0]
    return _largest(line, budget)


def _largest(line: Line, budget: int) -> int:
    end = line.end(lambda span: span is None or exceeds(span, budget))
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
        if span is not None and not exceeds(span, budget):
            stack += line.halves(low, high)
    value, least = _nearest(line, 0)
    raise NoSolutionError(
        f"{line.where}: no valid {line.name} has at most {budget:,} {line.count.measure.noun}. "
        f"The least is {least:,}, at {line.name}={value}"
    )


def _unbounded(line: Line, what: str) -> UnboundedError:
    polys = set(reachable(line.count.pieces, line.box(max(1, line.low), None)))
    name = line.name
    if not any(isinstance(a, Variable) and a.name == name for p in polys for a in p.atoms()):
        what = f"does not depend on {name}, which may be as large as one likes"
    return UnboundedError(
        f"{line.where}: the count {what}; say how large it may be, between=(low, high)"
    )


def _exact(line: Line, total: int) -> list[int]:
    def excluded(span: Interval | None) -> bool:
        return span is None or distance_from(span, total) > 0

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


def _nearest(line: Line, total: int) -> tuple[int, int]:
    """Find the valid value whose count is nearest, the smaller of equals, and its count."""
    best: tuple[Any, int, int] | None = None
    waiting: list[tuple[Any, int, int | None]] = []

    def wait(low: int, high: int | None) -> None:
        span = line.span(low, high) if high is None or high >= low else None
        if span is not None:
            heapq.heappush(waiting, (distance_from(span, total), low, high))

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


def valid_values(count: Formula, name: str, between: Any, others: Mapping[str, Any]) -> list[int]:
    """List valid values of one symbol; see `ParamCount.valid_values`."""
    low, high = ends(between)
    if high is None:
        raise ArgumentError(f"between={between!r}: a list of values ends; give the greatest, too")
    line = Line(count, name, (0, None), others)
    last = high if line.high is None else min(high, line.high)
    tried = range(line.up(max(low, line.low)), last + 1, line.step)
    return [value for value in tried if line.at(value) is not None]
