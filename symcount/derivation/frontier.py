"""Decide the open places of the trees: find hints that lead there, or prove that there are none.

Candidate sizes are tried first: evaluating a condition is cheaper than asking the solver. Then z3
is asked for values that take the path; what it proposes is evaluated before it is believed, and
when it proves that there are none, the place is closed. Undecided places stay open: that z3 does
not know is never taken for a proof.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from symcount.algebra.conditions import Condition, Decisions
from symcount.algebra.evaluate import holds
from symcount.algebra.facts import Facts
from symcount.algebra.poly import Variable, only_atom
from symcount.algebra.python_code import compile_condition
from symcount.derivation.indices import bounds_of_index, with_numbered_indices
from symcount.derivation.paths import Closed, Fork, Path, Place, Step, takes
from symcount.symbols import Hyperparameter, Number, Point, Values
from symcount.trace.interrupts import BudgetSpent, NotFolded, TooLong
from symcount.trace.settings import Settings
from symcount.work import CANDIDATE, NEVER, PLACE

if TYPE_CHECKING:
    from symcount.algebra.solver import Solver

_JOINT_SAMPLES = 64
# Hints for symbols that say how often a loop is gone through: enough to see a first, a last and
# two iterations between.
_ITERATIONS = (4, 5, 3, 6, 2, 1)
# Loops longer than this are not gone through, and symbols they are as long as not sampled beyond.
MOST_ITERATIONS = 1024
_MOST_SAMPLED = 12
# How long a loop may be for the sake of iterations of a kind not seen yet.
_MOST_AGAIN = 64
# With how many other lengths of each loop a path is followed to see what grows with them.
_OTHER_LENGTHS = 3
# How many times smaller the first hints become if they are too large to build anything with.
_SMALLER = 8


def first_hints(ranges: Sequence[Hyperparameter]) -> Point:
    """Return the defaults, or sizes that no two symbols share."""
    hints: list[int | float] = []
    for allowed in ranges:
        hints.append(allowed.first(hints))
    return tuple(hints)


def shortened(allowed: Hyperparameter) -> Hyperparameter:
    """Keep only the small values of a symbol, because loops are as long as it says."""
    most = allowed.aligned(_MOST_SAMPLED)
    is_short = allowed.maximum is not None and allowed.maximum <= most
    return allowed if is_short else replace(allowed, maximum=most)


class Frontier:
    """Decides the open places of a tree, one after the other."""

    def __init__(
        self,
        ranges: Sequence[Hyperparameter],
        facts: Facts,
        short: set[str],
        settings: Settings,
    ) -> None:
        self.ranges = ranges
        self.facts = facts
        self.names: list[str] = [r.name for r in ranges]
        self.first = self.defaults = first_hints(ranges)
        self.tried_defaults = False
        self.specialising: bool = settings.specialising
        self.short = short
        self.longest = settings.longest
        self.deadline = NEVER
        self.lengths: Sequence[int] = sorted(_ITERATIONS) if settings.specialising else _ITERATIONS
        self._points: dict[int, list[Point]] = {}
        self._answered: dict[Decisions, bool] = {}
        self._solver: Solver | None = None
        self.shorten(())

    @property
    def solver_seconds(self) -> float:
        """The time spent in z3."""
        return 0.0 if self._solver is None else self._solver.seconds

    def first_hints(self) -> Values:
        """Return the hints of the first run."""
        return self._named(self.first)

    def _named(self, point: Point) -> dict[str, int | float]:
        return dict(zip(self.names, point, strict=True))

    def next_hints(self, root: Place, has_module: bool) -> Values | None:
        """Find hints that lead to an open place, or None when every open place is undecided.

        The defaults come first if no run has built a module, as short loops may be why, and if
        lengths are followed one by one: the budget may end before it is their turn.

        Raises:
            BudgetSpent: the deadline has passed.
        """
        if root.fork is None:
            return None
        if self.specialising or not has_module:
            hints = self._default_hints(root)
            if hints is not None:
                return hints
        unsolved = []
        for place in self._awaiting(root):
            if self._points[id(place)]:
                return self._named(self._points[id(place)][0])
            unsolved.append(place)
        for place in unsolved:
            self.require_time()
            hints = self._solved(root, place)
            if hints is not None:
                return hints
        return None

    def _default_hints(self, root: Place) -> Values | None:
        """Return the defaults, if they are not the first hints and no run was where they lead."""
        if self.tried_defaults or self.defaults == self.first:
            return None
        values = self._named(self.defaults)
        self.tried_defaults = True
        place = root
        with suppress(ArithmeticError, ValueError):
            while (fork := place.fork) is not None:
                place = fork.side(holds(fork.condition, values))
            if place.awaits_a_run or (place.path and place.path.raised_after_lengths):
                return values
        return None

    def _awaiting(self, root: Place) -> Iterator[Place]:
        """List the places that await a run, with the candidates sorted down to them."""
        if id(root) not in self._points:
            self._points[id(root)] = list(dict.fromkeys(self._candidates()))
        stack = [root]
        while stack:
            place = stack.pop()
            if isinstance(place.state, Fork):
                then, otherwise = place.state.then, place.state.otherwise
                if id(then) not in self._points:
                    here = self._sorted(place.state.condition, self._points[id(place)])
                    self._points[id(then)], self._points[id(otherwise)] = here
                stack += [otherwise, then]
            elif place.awaits_a_run:
                yield place

    def require_time(self) -> None:
        """Raise `BudgetSpent` if the deadline has passed."""
        if self.deadline.passed:
            raise BudgetSpent

    def give_up(self, root: Place, steps: Sequence[Step], hints: Values | None = None) -> None:
        """Leave the place that a run was meant for which cannot be finished.

        If that is because its `hints` are too large, other candidates are tried that lead there.
        """
        place = root.follow(step.truth for step in steps)
        awaiting = {id(each) for each in self._awaiting(root)}  # candidates are sorted down to them
        points = self._points[id(place)] if id(place) in awaiting else []
        failed = [-math.inf if hints is None else hints[name] for name in self.names]
        points[:] = [p for p in points if any(a < b for a, b in zip(p, failed, strict=True))]
        if not points:
            place.leave()

    def smaller(self, hints: Values) -> Values | None:
        """Return first hints in the place of such that are too large, or None if there are none."""
        first = tuple(
            min(hint, allowed.aligned(hint / _SMALLER))
            for hint, allowed in zip(hints.values(), self.ranges, strict=True)
        )
        if first == tuple(hints.values()):
            return None
        self.first = first
        self._points.clear()
        return self._named(first)

    def shorten(self, names: Iterable[str]) -> Values:
        """Return first hints with few iterations of the loops as long as these symbols."""
        self.short |= set(names)
        taken: set[Number] = set()
        hints = list(self.first)
        for place, allowed in enumerate(self.ranges):
            if allowed.name in self.short:
                values = (allowed.aligned(v) for v in self.lengths)
                hints[place] = next((v for v in values if v not in taken), hints[place])
                taken.add(hints[place])
        self.first = tuple(hints)
        self._points.clear()
        return self.first_hints()

    def after(self, error: TooLong, hints: Values) -> Values:
        """Return hints with fewer iterations of the loop that was too long, or allow more."""
        if set(error.symbols) <= self.short:
            if error.length > _MOST_AGAIN and tuple(hints.values()) == self.defaults:
                return self.first_hints()
            if error.length > MOST_ITERATIONS:
                raise NotFolded(f"a loop over {', '.join(error.symbols)} is too long")
            self.longest = max(self.longest, error.length)
            if error.length <= _MOST_AGAIN:
                return hints
        return self.shorten(error.symbols)

    def next_iteration(self, paths: Sequence[Path]) -> Values | None:
        """Find hints with which a loop goes through an iteration of a kind not seen yet."""
        awaiting = (
            (path, name, place)
            for path in paths
            for name, root in path.loops.items()
            for place in root.below()
            if place.awaits_a_run
        )
        for path, name, place in awaiting:
            self.require_time()
            place.leave()
            hints = self._solved_iteration(path, name, place)
            if hints is not None:
                return hints
        return None

    def other_lengths(self, paths: Sequence[Path], all_paths: bool) -> Iterator[Values]:
        """Vary the numbers of iterations of the same paths, one symbol at a time.

        If not for all paths, then for those that may have raised because of such a number.
        """
        for path in paths:
            if path.raised_after_lengths or (all_paths and path.trace.raised is None):
                for allowed in self.ranges:
                    if allowed.name in self.short:
                        yield from islice(_varied(path, allowed), _OTHER_LENGTHS)

    def _solved_iteration(self, path: Path, name: str, place: Place) -> Values | None:
        decisions = (*path.decisions, *bounds_of_index(path, name), *place.decisions)
        question = with_numbered_indices(decisions, self.facts)
        if question in self._answered:
            # Loops that do the same are many; what was found for one has been followed for all.
            if self._answered[question]:
                place.state = Closed()
            return None
        self._answered[question] = False
        for model in self._z3().models(decisions):
            if model is None:
                return None
            if takes(decisions, model):
                return {n: value for n, value in model.items() if n in self.names}
        self._answered[question] = True
        place.state = Closed()
        return None

    def _z3(self) -> Solver:
        if self._solver is None:
            from symcount.algebra.solver import Solver

            self._solver = Solver(self.ranges, self.facts)
        self._solver.small = self.short
        self._solver.deadline = self.deadline
        return self._solver

    def _solved(self, root: Place, place: Place) -> Values | None:
        """Ask z3 for hints that lead to a place; close it if there are none, leave it if unsure."""
        pinned = _pinned(place.decisions)
        if set(self.names) <= pinned.keys():
            if takes(place.decisions, pinned):
                return {name: pinned[name] for name in self.names}
            place.state = Closed()
            return None
        for model in self._z3().models(place.decisions):
            if model is None:
                hints = self._nearby(root, place)
                if hints is None:
                    place.leave()
                return hints
            if takes(place.decisions, model):
                self._points[id(place)].append(tuple(model[name] for name in self.names))
                return model
        place.state = Closed()
        return None

    def _nearby(self, root: Place, place: Place) -> Values | None:
        """Change one symbol in the hints of a run that went past a place, so that they lead there.

        The last decision on the way is all that such a run did not meet.
        """
        before = root.follow(truth for _, truth in place.decisions[:-1])
        run = next((there.path for there in before.below() if there.path), None)
        if run is None:
            return None
        for allowed in self.ranges:
            hint = run.trace.hints[allowed.name]
            short = shortened(allowed) if allowed.name in self.short else allowed
            for value in dict.fromkeys(short.near(hint)):
                hints = {**run.trace.hints, allowed.name: value}
                if takes(place.decisions[-1:], hints) and takes(place.decisions, hints):
                    self._points[id(place)].append(tuple(hints.values()))
                    return hints
        return None

    def _sorted(
        self, condition: Condition, points: Sequence[Point]
    ) -> tuple[list[Point], list[Point]]:
        self.deadline.spend(PLACE + CANDIDATE * len(points))
        test = compile_condition(condition, self.names) if points else None
        true: list[Point] = []
        false: list[Point] = []
        for point in points:
            # Where the arithmetic is undefined the factory raises, and the point goes nowhere.
            with suppress(ArithmeticError, ValueError):
                (true if test(*point) else false).append(point)  # type: ignore[misc]
        return true, false

    def _candidates(self) -> Iterator[Point]:
        """Vary the first hints: each symbol alone, nearest values first, then combinations."""
        first = self.first
        ranges = [shortened(r) if r.name in self.short else r for r in self.ranges]
        yield first
        for index, allowed in enumerate(ranges):
            for value in allowed.near(first[index]):
                yield (*first[:index], value, *first[index + 1 :])
        if len(ranges) > 1:
            for value in (1, 2, 3, 8, 64, 96, 768):
                yield tuple(r.aligned(value) for r in ranges)
            draw = random.Random(0)
            for _ in range(_JOINT_SAMPLES):
                yield tuple(r.sample(draw) for r in ranges)


def _pinned(decisions: Decisions) -> dict[str, int | float]:
    """Return the symbols that the decisions leave one value, and that."""
    pinned: dict[str, int | float] = {}
    for condition, truth in decisions:
        base, number = only_atom(condition.left), condition.right.constant
        if (
            condition.op == "eq"
            and truth
            and isinstance(base, Variable)
            and isinstance(number, int)
        ):
            pinned[base.name] = number
    return pinned


def _varied(path: Path, allowed: Hyperparameter) -> Iterator[Values]:
    """Vary one symbol in the hints of a path, as long as they take it."""
    hint = path.trace.hints[allowed.name]
    for distance in (*range(1, 4 * _OTHER_LENGTHS), -1, -2, -3):
        hints = {**path.trace.hints, allowed.name: hint + distance}
        if hint + distance in allowed and path.is_taken_by(hints):
            yield hints
