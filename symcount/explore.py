"""Following every branch of a factory: run it again with other hints until nothing new turns up.

One run follows one path. `explore` keeps the decisions of all runs in a tree and a list of
candidate values for the symbols. Each condition on the tree sorts the candidates into those for
which it is true and false; a candidate that ends where no run has been gives the hints of the
next run. Exploration ends when every candidate ends on a path that has been followed, or when the
budget is spent.

What decides where to go next is `Chooser`: it hands out hints that lead to an unexplored place.
`Candidates` does it by evaluating conditions on sizes from 1 to 4096. It finds every branch that
a size up to 4096 takes alone, and those that a sample of combinations takes; it proves nothing
about the rest, and what no candidate reaches stays `Unexplored` and outside the domain.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from symcount.algebra import Condition, Facts
from symcount.errors import InternalError, NondeterministicError
from symcount.evaluate import compile_condition, holds
from symcount.lower import Limits, Lowering
from symcount.paths import Decisions
from symcount.symbols import LARGEST_CANDIDATE, Hyperparameter
from symcount.trace import Branch, OnBranch, Trace
from symcount.trace.graph import Source

_JOINT_SAMPLES = 1024

Point: TypeAlias = tuple[int, ...]
Tracer: TypeAlias = "Callable[[Mapping[str, int], Callable[[], OnBranch]], Trace]"


@dataclass
class Place:
    """A place in the growing tree: unexplored, a split, or the end of a run."""

    decisions: Decisions
    condition: Condition | None = None
    source: Source | None = None
    then: Place | None = None
    otherwise: Place | None = None
    end: Path | None = None

    def children(self) -> tuple[Place, Place]:
        """Both sides of a split."""
        assert self.then is not None and self.otherwise is not None
        return self.then, self.otherwise


@dataclass
class Path:
    """One run, its lowering, each decision with its line, and the limits of the decisions."""

    trace: Trace
    lowering: Lowering
    steps: tuple[tuple[Condition, bool, Source], ...]
    limits: Limits

    @property
    def decisions(self) -> Decisions:
        """The conditions and their truth, in the order they were met."""
        return tuple((condition, truth) for condition, truth, _ in self.steps)


@dataclass
class Exploration:
    """What exploring found: the tree, its paths, and why it ended."""

    root: Place
    paths: list[Path] = field(default_factory=list)
    reason: str = ""
    seconds: float = 0.0


class Chooser(Protocol):
    """Decides which hints lead somewhere new."""

    def next_hints(self, root: Place) -> Mapping[str, int] | None:
        """Hints whose path ends at an unexplored place of the tree, or None."""

    def points(self, place: Place) -> Sequence[Point]:
        """Values of the symbols known to lead to this place."""

    @property
    def reason(self) -> str:
        """What it means that there are no hints left."""


class Candidates:
    """Finds new hints by evaluating conditions on candidate sizes."""

    def __init__(self, ranges: Sequence[Hyperparameter], first: Point) -> None:
        self.ranges = ranges
        self.names = [r.name for r in ranges]
        self.first = first
        self._points: dict[int, list[Point]] = {}

    @property
    def reason(self) -> str:
        """What it means that there are no hints left."""
        return (
            f"every size up to {LARGEST_CANDIDATE} alone, and a sample of combinations, takes a "
            "followed path; no proof was attempted for the rest"
        )

    def points(self, place: Place) -> Sequence[Point]:
        """The candidates that lead to a place."""
        return self._points.get(id(place), ())

    def next_hints(self, root: Place) -> Mapping[str, int] | None:
        """The hints of the first candidate that leads to an unexplored place."""
        if root.condition is None:
            return None
        if id(root) not in self._points:
            self._points[id(root)] = list(self._candidates())
        stack = [root]
        while stack:
            place = stack.pop()
            here = self._points[id(place)]
            if place.end is not None or not here:
                continue
            if place.condition is None:
                return dict(zip(self.names, here[0], strict=True))
            then, otherwise = place.children()
            if id(then) not in self._points:
                self._points[id(then)], self._points[id(otherwise)] = self._sort(
                    place.condition, here
                )
            stack += [otherwise, then]
        return None

    def _sort(
        self, condition: Condition, points: Sequence[Point]
    ) -> tuple[list[Point], list[Point]]:
        test = compile_condition(condition, self.names)
        true: list[Point] = []
        false: list[Point] = []
        for point in points:
            # Where the arithmetic is undefined the factory raises, and the point goes nowhere.
            with suppress(ArithmeticError, ValueError):
                (true if test(*point) else false).append(point)
        return true, false

    def _candidates(self) -> Iterator[Point]:
        """The first hints, then each symbol alone, nearest values first, then combinations."""
        first = self.first
        seen: set[Point] = {first}
        yield first
        for point in self._all_points():
            if point not in seen:
                seen.add(point)
                yield point

    def _all_points(self) -> Iterator[Point]:
        first = self.first
        for index, allowed in enumerate(self.ranges):
            start = first[index]
            for value in sorted(allowed.values(), key=lambda v: (abs(v - start), v)):
                yield (*first[:index], value, *first[index + 1 :])
        if len(self.ranges) > 1:
            for value in range(1, 257):
                yield tuple(r.aligned(value) for r in self.ranges)
            draw = random.Random(0)
            for _ in range(_JOINT_SAMPLES):
                yield tuple(sample(r, draw) for r in self.ranges)


def sample(allowed: Hyperparameter, draw: random.Random) -> int:
    """A random allowed value, small or round or neither with about equal chances."""
    high = allowed.values()[-1]
    scale = math.exp(draw.uniform(0, math.log(max(2, high))))
    value = int(scale)
    if draw.random() < 0.5:
        step = draw.choice((2, 4, 8, 12, 16, 32, 64))
        value = max(step, value // step * step)
    return allowed.aligned(min(value, high))


def first_hints(ranges: Sequence[Hyperparameter]) -> Point:
    """The defaults, or sizes that no two symbols share and many numbers divide."""
    hints: list[int] = []
    for allowed in ranges:
        if allowed.default is not None:
            hints.append(allowed.default)
            continue
        value = allowed.aligned(64)
        while value in hints and allowed.aligned(value + 1) > value:
            value = allowed.aligned(value + 32)
        hints.append(value)
    return tuple(hints)


def explore(
    tracer: Tracer,
    ranges: Sequence[Hyperparameter],
    facts: Facts,
    *,
    max_paths: int,
    max_seconds: float,
    chooser: Chooser | None = None,
) -> Exploration:
    """Run the factory until its every branch has been followed, as far as `chooser` can tell.

    Raises:
        NondeterministicError: the same decisions did not lead to the same next decision.
    """
    started = time.perf_counter()
    first = first_hints(ranges)
    chooser = chooser or Candidates(ranges, first)
    found = Exploration(Place(()))
    hints: Mapping[str, int] | None = dict(zip([r.name for r in ranges], first, strict=True))
    while hints is not None:
        path = _run(tracer, hints, facts, found.root)
        _insert(found.root, path)
        found.paths.append(path)
        if found.root.condition is not None and len(found.paths) >= max_paths:
            found.reason = (
                f"the budget of {max_paths} paths was spent; whether there are more is not known"
            )
            break
        if time.perf_counter() - started > max_seconds:
            found.reason = f"the budget of {max_seconds:g} seconds was spent"
            break
        hints = chooser.next_hints(found.root)
        if hints is None:
            found.reason = chooser.reason
    found.seconds = time.perf_counter() - started
    return found


def _run(tracer: Tracer, hints: Mapping[str, int], facts: Facts, root: Place) -> Path:
    lowering = Lowering(facts)
    steps: list[tuple[Condition, bool, Source]] = []
    path_limits: set[tuple[Condition, bool]] = set()

    def listen() -> OnBranch:
        known: dict[Condition, bool] = {}
        here = [facts]  # and what the decisions so far say
        place: list[Place | None] = [root]

        def step(condition: Condition, truth: bool, source: Source) -> None:
            known[condition] = truth
            here[0] = here[0].with_condition(condition, truth)
            steps.append((condition, truth, source))
            if place[0] is not None:
                place[0] = place[0].then if truth else place[0].otherwise

        steps.clear()
        path_limits.clear()

        def on_branch(branch: Branch) -> bool:
            condition, polarity, limits = lowering.condition(
                branch.op, branch.left, branch.right, here[0]
            )
            path_limits.update(limits)
            truth = branch.taken == polarity
            if truth is not (True if condition is None else known.get(condition, truth)):
                raise InternalError(
                    f"{branch.source}: {branch.op} of {branch.left.hint} and another number is "
                    f"{branch.taken}, but its normal form, {condition!r}, says otherwise"
                )
            if condition is None or condition in known:
                return False
            if branch.specialised:
                # An earlier run may have been specialised to another value here.
                tested = place[0].condition if place[0] is not None else None
                if tested not in (None, condition) and tested.left == condition.left:
                    step(tested, holds(tested, hints), branch.source)
                    return on_branch(branch)
            step(condition, truth, branch.source)
            return True

        return on_branch

    trace = tracer(hints, listen)
    return Path(trace, lowering, tuple(steps), frozenset(path_limits))


def _changed(path: Path, what: str) -> NondeterministicError:
    keys = [c for c in path.trace.concretisations if c.kind == "hash"]
    if keys:
        return NondeterministicError(
            f"{what}. A symbol is a key of a dict or a member of a set at {keys[0].source}, where "
            "it cannot be followed: compare it with == in if statements instead, or fix it: "
            "derive(factory, name=value)."
        )
    return NondeterministicError(
        f"{what}. The factory is random, or keeps state between calls; make it a function of its "
        "arguments alone."
    )


def _insert(root: Place, path: Path) -> None:
    place = root
    for condition, truth, source in path.steps:
        if place.end is not None or place.condition not in (None, condition):
            raise _changed(
                path,
                f"{source}: {condition!r} is tested here, where an earlier run with the same "
                "decisions did not",
            )
        if place.condition is None:
            place.condition, place.source = condition, source
            place.then = Place((*place.decisions, (condition, True)))
            place.otherwise = Place((*place.decisions, (condition, False)))
        then, otherwise = place.children()
        place = then if truth else otherwise
    if place.condition is not None:
        raise _changed(
            path,
            f"{place.source}: {place.condition!r} was not tested here, where an earlier run with "
            "the same decisions did",
        )
    place.end = path
