"""Prove that two formulas are the same everywhere, or find sizes at which they differ."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from symcount.algebra.comparing import compare, compare_any
from symcount.algebra.conditions import Decisions
from symcount.algebra.evaluate import value
from symcount.algebra.poly import const
from symcount.errors import ArgumentError, CountOverflowError, InternalError, UndecidedError
from symcount.formula.by_hand import ByHand
from symcount.formula.signature import declared_facts
from symcount.symbols import Hyperparameter, Number, Point
from symcount.work import Deadline, Work, clock

if TYPE_CHECKING:
    from symcount.algebra.poly import Poly
    from symcount.formula.expressions import Expression
    from symcount.formula.formula import Formula, HasFormula


# Sizes are gone through one by one, then drawn at random, then z3 is asked.
_IN_ORDER = 20_000
_AT_RANDOM = 2_000
_MOST_PAIRS = 1_024
_STEPS = 8_000_000  # that one question may take
_WORK = 20_000_000  # in units
_ROUNDS = 64  # of making sizes smaller
# Functions written by hand are tried for so long, in processor time. What they compute with floats
# z3 decides soon or not at all.
_SECONDS = 20
_FRACTION = 32


@dataclass(frozen=True)
class Difference:
    """Sizes at which two formulas differ.

    Attributes:
        at: the sizes, by the names of their symbols.
        left: the count of the first formula, None where it does not hold.
        right: that of the second.
        is_first: whether no smaller sizes are such. Sizes are in order of the steps that they are
            away from the least values, of all symbols together; of as many steps, those are
            first that are smaller in the first symbol, then in the second, and so on. Never said
            of real symbols, which have no steps.

    >>> import symcount
    >>> from torch import nn
    >>> narrow = symcount.derive(lambda d: nn.Linear(d, max(8, d), bias=False))
    >>> wide = symcount.derive(lambda d: nn.Linear(d, d, bias=False))
    >>> print(first_difference(narrow, wide))
    d=1: 8, and 1
    """

    at: dict[str, Number]
    left: int | None
    right: int | None
    is_first: bool

    def __str__(self) -> str:
        return f"{self.where}: {said(self.left)}, and {said(self.right)}"

    def told(self, left: str, right: str) -> str:
        """Write a line of a report, with a word for each side: `first size: d=1: 4 then, 7 now`."""
        order = "first size" if self.is_first else "they differ at"
        return f"{order}: {self.where}: {said(self.left)} {left}, {said(self.right)} {right}"

    @property
    def where(self) -> str:
        """The sizes as text."""
        return ", ".join(f"{name}={size}" for name, size in self.at.items())


def said(count: int | None) -> str:
    """Write a count as text."""
    return "outside the domain" if count is None else f"{count:,}"


def first_difference(left: HasFormula, right: HasFormula | Expression) -> Difference | None:
    """Find where two formulas differ first, or prove that they are the same everywhere.

    They are the same if they hold at the same sizes and give the same counts there. An expression
    is compared where the formula holds, and has to be an integer there.

    The first 20,000 sizes are tried in the order that `Difference` says. If the two differ at none
    of them, sizes are drawn at random and then asked of z3, and what is found is made smaller as
    long as the two differ; there may be smaller ones yet. The draws are the same each time.

    Args:
        left: a formula.
        right: another one of the same symbols, or an expression in them.

    Raises:
        ArgumentError: the two have other symbols, or symbols of other values.
        UndecidedError: no size was found at which they differ, and no proof that there is none.
    """
    other = right if isinstance(right, tuple) else right.formula
    return Sides(left.formula, other).first_difference()


class Sides:
    """A formula, and another one of the same symbols, or an expression or a function of them."""

    def __init__(self, left: Formula, right: Formula | Expression | ByHand) -> None:
        self.left = left
        self.right = right
        self.ranges: tuple[Hyperparameter, ...] = left.hyperparameters
        self.by_hand: ByHand | None = right if isinstance(right, ByHand) else None
        self.other = None if isinstance(right, tuple | ByHand) else right
        self.tried = 0  # sizes at which the formula holds
        self.proved_within = False  # the domains of both
        self.stop: float = clock() + _SECONDS
        if self.other is not None:
            _require_same_symbols(self.ranges, self.other.hyperparameters)
        if self.by_hand is not None:
            self.other = self.by_hand.formula

    def first_difference(self) -> Difference | None:
        """Find where they differ first; see the function of this name."""
        if self.are_identical:
            return None
        has_order = not any(h.real for h in self.ranges)
        found = self.first_of(self.in_order(), has_order) or self.first_of(self.at_random())
        if found is None:
            found = self.proved_or_found()
        return found if found is None or found.is_first else self.smaller(found)

    @property
    def are_identical(self) -> bool:
        if self.by_hand is not None:
            return False  # it is tried in any case
        if self.other is None:
            return not self._divisions_by_zero and all(
                p in (None, self._expression.poly) for _, p in self.left.cases()
            )
        ours, theirs = self.left.identity, self.other.identity
        return ours[1:] == theirs[1:]

    @property
    def _expression(self) -> Expression:
        assert isinstance(self.right, tuple)
        return self.right

    @property
    def _divisions_by_zero(self) -> Decisions:
        """Conditions on any of which the expression divides by zero."""
        facts, zero = declared_facts(self.ranges), const(0)
        divisors = self._expression.divisors
        compared = [compare("eq", divisor, zero, facts) for divisor in divisors]
        return tuple((c, truth) for c, truth in compared if c is not None)

    def at(self, point: Point) -> tuple[int | None, int | None]:
        try:
            return self._at(point)
        except CountOverflowError as error:
            raise UndecidedError(f"at {self._named(point)}, {error}") from error

    def _at(self, point: Point) -> tuple[int | None, int | None]:
        here = self.left.at(point)
        if self.by_hand is not None:
            return here, None if here is None else self.by_hand.at(self._named(point))
        if self.other is not None:
            return here, self.other.at(point)
        if here is None:
            return None, None
        sizes = self._named(point)
        try:
            if any(value(divisor, sizes) == 0 for divisor in self._expression.divisors):
                return here, None
            return here, value(self._expression.poly, sizes)
        except CountOverflowError:
            raise
        except (ArithmeticError, ValueError, InternalError):  # undefined, or no integer
            return here, None

    def _named(self, point: Point) -> dict[str, Number]:
        return {h.name: size for h, size in zip(self.ranges, point, strict=True)}

    # --- looking ---

    def first_of(self, points: Iterable[Point], is_first: bool = False) -> Difference | None:
        for point in points:
            here, there = self.at(point)
            self.tried += here is not None
            if here != there:
                return Difference(self._named(point), here, there, is_first)
            if self.by_hand is not None and clock() > self.stop:
                break
        return None

    def in_order(self) -> Iterator[Point]:
        """Yield sizes by the steps away from the least; a real symbol stays at its first."""
        return islice(_by_steps([_steps(h) for h in self.ranges]), _IN_ORDER)

    def at_random(self) -> Iterator[Point]:
        counts = [self.left] if self.other is None else [self.left, self.other]
        names = [h.name for h in self.ranges]
        for count in counts:
            for seen in map(dict, count.certificate.points):
                if all(name in seen for name in names):
                    yield tuple(seen[name] for name in names)
        draw = random.Random(0)
        for _ in range(_AT_RANDOM):
            yield tuple(h.sample(draw) for h in self.ranges)

    def smaller(self, found: Difference) -> Difference:
        """Make a difference smaller, one symbol at a time, until none of the steps tried helps."""
        for _ in range(_ROUNDS):
            better = self.first_of(self._below(tuple(found.at.values())))
            if better is None:
                break
            found = better
        return found

    def _below(self, point: Point) -> Iterator[Point]:
        """Yield sizes smaller in one symbol, by a power of two of steps, the most first."""
        for place, (h, size) in enumerate(zip(self.ranges, point, strict=True)):
            if h.real:
                continue
            least = int(h.aligned(h.minimum))
            away = (int(size) - least) // h.multiple_of
            for steps in (away, *(1 << n for n in reversed(range(away.bit_length())))):
                if 0 < steps <= away:
                    lower = int(size) - steps * h.multiple_of
                    yield (*point[:place], lower, *point[place + 1 :])

    # --- proving ---

    def proved_or_found(self) -> Difference | None:
        from symcount.algebra.solver import Solver

        if self.by_hand is not None and not self.by_hand.is_followed:
            raise UndecidedError(f"{self.by_hand.text} was only tried")
        share = 1 if self.by_hand is None else _FRACTION
        deadline = Deadline(Work(), _WORK // share)
        facts = declared_facts(self.ranges)
        solver = Solver(self.ranges, facts, _STEPS // share, deadline)
        pairs = list(islice(self._pairs(), _MOST_PAIRS + 1))
        is_proved = self.proved_within = len(pairs) <= _MOST_PAIRS
        for decisions, p, q in pairs:
            if p is not None and q is not None:
                condition, equal = compare_any("eq", p, q, facts)
                if condition is None and equal:
                    continue
                if condition is not None:
                    decisions = (*decisions, (condition, not equal))
            elif p is q:
                continue
            for model in solver.models(decisions):
                point = None if model is None else tuple(model[h.name] for h in self.ranges)
                found = None if point is None else self.first_of([point])
                if found:
                    return found
                is_proved = False
                self.proved_within &= q is None
            if deadline.passed:
                is_proved = self.proved_within = False
                break
        if is_proved:
            return None
        raise UndecidedError(
            f"whether {self.left} is the same as {self.right} everywhere was neither proved nor "
            "refuted: no size was found at which they differ"
        )

    def _pairs(self) -> Iterator[tuple[Decisions, Poly | None, Poly | None]]:
        """Yield what the two are, on each path of one and path of the other."""
        ours = self.left.cases()
        if self.other is None:
            for decisions, p in ours:
                if p is not None:
                    yield decisions, p, self._expression.poly
                    for division in self._divisions_by_zero:
                        yield (*decisions, division), p, None
            return
        theirs = self.other.cases()
        for d, p in ours:
            if p is not None or self.by_hand is None:  # which may hold at more sizes
                yield from (((*d, *e), p, q) for e, q in theirs)


def _require_same_symbols(left: Sequence[Hyperparameter], right: Sequence[Hyperparameter]) -> None:
    def declared(symbols: Sequence[Hyperparameter]) -> dict[str, tuple[object, ...]]:
        return {h.name: (h.minimum, h.maximum, h.multiple_of, h.real) for h in symbols}

    ours, theirs = declared(left), declared(right)
    if list(ours) != list(theirs):
        names = " and ".join(f"({', '.join(names)})" for names in (ours, theirs))
        raise ArgumentError(f"the two formulas are of different symbols: {names}")
    for name in ours:
        if ours[name] != theirs[name]:
            raise ArgumentError(f"{name} has other values in one formula than in the other")


def _steps(h: Hyperparameter) -> list[Number]:
    """List the first values of a symbol in order, at most as many as are gone through."""
    if h.real:
        return [h.first([])]
    found = [h.aligned(h.minimum)]
    while len(found) < _IN_ORDER:
        found.append(h.aligned(found[-1] + 1))
        if found[-1] == found[-2]:
            return found[:-1]
    return found


def _by_steps(values: Sequence[Sequence[Number]]) -> Iterator[Point]:
    """Yield all combinations, in order of the places of their values together."""
    for steps in range(sum(len(v) - 1 for v in values) + 1):
        yield from _of_steps(values, steps)


def _of_steps(values: Sequence[Sequence[Number]], steps: int) -> Iterator[Point]:
    if not values:
        if steps == 0:
            yield ()
        return
    first, *others = values
    most = sum(len(v) - 1 for v in others)
    for place in range(max(0, steps - most), min(steps, len(first) - 1) + 1):
        for rest in _of_steps(others, steps - place):
            yield (first[place], *rest)
