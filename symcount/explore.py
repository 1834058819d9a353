"""Following every branch of a factory: run it again with other hints until nothing new turns up.

One run follows one path. `explore` keeps the decisions of all runs in a tree, in which every place
is a split, the end of a run, or open: no run has been there. Each open place gives the hints of
another run, or is proved to be out of reach of every value of the symbols, or stays open because
neither succeeds or the budget is spent. A tree without open places is the factory's whole story.

A loop over a symbol is gone through a few times, with an index that is a symbol too. What an
iteration decides in view of its index is no decision of the path: it goes to a tree of the loop's
own, in which open places are found and decided in the same way. So one path stands for any
number of iterations, and is followed again with more of them until these trees are closed.

`Frontier` decides open places. Candidate sizes are tried first: evaluating a condition is cheaper
than asking the solver. Then z3 is asked for values that take the path; what it proposes is
evaluated before it is believed, and when it proves that there are none, the place is closed.
Undecided places stay open: that z3 does not know is never taken for a proof.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from symcount.algebra import (
    Condition,
    Facts,
    Poly,
    Symbol,
    compare,
    const,
    implies,
    only_atom,
    substituted,
    symbol,
)
from symcount.errors import InternalError, NondeterministicError, UnsupportedError
from symcount.evaluate import compile_condition, holds
from symcount.graph import Node, Number, Source
from symcount.lower import Known, Limits, Lowering
from symcount.memory import is_too_large
from symcount.paths import Decisions
from symcount.symbols import Hyperparameter
from symcount.trace import AS_USUAL, Branch, Listen, Loop, Settings, Trace
from symcount.trace.helpers import Decision
from symcount.trace.interrupts import BudgetSpent, Interrupt, NotFolded, TooLong
from symcount.trace.loops import INDEX, Tag, Tags

_JOINT_SAMPLES = 64
# How many numbers are tried in the place of the texts of a path.
_MOST_TEXTS = 64
# Hints for symbols that say how often a loop is gone through: enough to see a first, a last and
# two iterations between.
_ITERATIONS = (4, 5, 3, 6, 2, 1)
# Loops longer than this are not gone through, and symbols they are as long as not sampled beyond.
_MOST_ITERATIONS = 1024
_MOST_SAMPLED = 12
# How long a loop may be for the sake of iterations of a kind not seen yet.
_MOST_AGAIN = 64
# With how many other lengths of each loop a path is followed to see what grows with them.
_OTHER_LENGTHS = 3
# The part of the time that may be spent on a factory with loops before they are given up on.
_FOLDING = 0.6
# How many times smaller the first hints become if they are too large to build anything with.
_SMALLER = 8
# How many decisions a path may have: trees of them are gone through recursively.
_MOST_DECISIONS = 250

if TYPE_CHECKING:
    from symcount.solver import Solver

Point: TypeAlias = "tuple[int | float, ...]"
Values: TypeAlias = "Mapping[str, int | float]"
Tracer: TypeAlias = "Callable[[Values, Listen, Settings], Trace]"


@dataclass
class Place:
    """A place in the growing tree: open, a split, the end of a run, or proved out of reach."""

    decisions: Decisions
    condition: Condition | None = None
    source: Source | None = None
    subject: Poly | None = None
    then: Place | None = None
    otherwise: Place | None = None
    end: Path | None = None
    unreachable: bool = False
    undecided: bool = False
    facts: Facts | None = None
    answers: dict[tuple[str, Poly, Poly], tuple[Condition | None, bool]] = field(
        default_factory=dict
    )

    @property
    def is_open(self) -> bool:
        """Whether no run has been here and nothing has been proved of it."""
        return self.condition is None and self.end is None and not self.unreachable

    def children(self) -> tuple[Place, Place]:
        """Both sides of a split."""
        assert self.then is not None and self.otherwise is not None
        return self.then, self.otherwise


class Step(NamedTuple):
    """A decision of a run; `subject` is what was specialised to its value by it, if anything."""

    condition: Condition
    truth: bool
    source: Source | None
    subject: Poly | None


@dataclass(eq=False)
class Iteration:
    """What one iteration of a loop decided in view of its index.

    It is `certain` if every value of the symbols on this path leads to it. What is decided where
    that is not so, or after a decision in view of the index, is no decision of the path either.
    The very first iteration is an exception: its index is 0, which decides nothing.
    """

    loop: Loop
    number: int
    facts: Facts
    certain: bool
    steps: list[Step] = field(default_factory=list)
    known: dict[Condition, bool] = field(default_factory=dict)

    @property
    def is_first(self) -> bool:
        """Whether it is the first iteration of all loops around, and surely gone through."""
        around = (number for _, number in self.loop.inside)
        return self.certain and self.number == 0 and not any(around)

    def follows_from(self, facts: Facts) -> bool:
        """Whether what it decided follows from its index, 0, alone."""
        for condition, _, _, _ in self.steps:
            left, right = condition.left, condition.right
            for loop, _ in (*self.loop.inside, (self.loop, 0)):
                left, right = (
                    substituted(side, loop.name, const(0), facts) for side in (left, right)
                )
            if compare(condition.op, left, right, facts)[0] is not None:
                return False
        return True


class _Assumed(NamedTuple):
    """A decision that a way through a function of numbers assumes, and the facts with it."""

    decision: Decision
    condition: Condition | None
    truth: bool
    facts: Facts


@dataclass
class Path:
    """One run, its lowering, each decision with its line, and the limits of the decisions.

    `iterations` are those of its loops, `again` other runs that took the same path, with other
    numbers of iterations, and `loops` the trees of what was decided in view of each index.
    """

    trace: Trace
    lowering: Lowering
    steps: tuple[Step, ...]
    limits: Limits
    iterations: tuple[Iteration, ...] = ()
    again: list[Path] = field(default_factory=list)
    loops: dict[str, Place] = field(default_factory=dict)

    @property
    def decisions(self) -> Decisions:
        """The conditions and their truth, in the order they were met."""
        return tuple((step.condition, step.truth) for step in self.steps)

    @property
    def raised_after_lengths(self) -> bool:
        """Whether it raised, maybe because a list was as long as it was."""
        return self.trace.raised is not None and bool(self.trace.unrolled)


@dataclass
class Exploration:
    """What exploring found: the tree, its paths, why it ended, and how long it took."""

    root: Place
    paths: list[Path] = field(default_factory=list)
    spent: str = ""
    out_of_time: bool = False
    seconds: float = 0.0
    solver_seconds: float = 0.0
    short: frozenset[str] = frozenset()

    @property
    def has_module(self) -> bool:
        """Whether a run built a module."""
        return any(path.trace.raised is None for path in self.paths)

    def open_places(self) -> Iterator[Place]:
        """The places of the tree that are neither followed nor proved out of reach."""
        return _open_places(self.root)


def _open_places(root: Place) -> Iterator[Place]:
    stack = [root]
    while stack:
        place = stack.pop()
        if place.condition is not None:
            stack += place.children()
        elif place.is_open:
            yield place


def _ends(root: Place) -> Iterator[Path]:
    stack = [root]
    while stack:
        place = stack.pop()
        if place.condition is not None:
            stack += place.children()
        elif place.end is not None:
            yield place.end


class TooManyDecisions(Interrupt):
    """A run decides more than a tree of paths has room for."""

    def __init__(self, steps: Sequence[Step]) -> None:
        super().__init__(steps)
        self.steps = steps


class Frontier:
    """Decides the open places of a tree, one after the other."""

    def __init__(
        self,
        ranges: Sequence[Hyperparameter],
        facts: Facts,
        first: Point,
        short: set[str],
        settings: Settings,
    ) -> None:
        self.ranges = ranges
        self.facts = facts
        self.names = [r.name for r in ranges]
        self.first = first
        self.defaults = first
        self.tried_defaults = False
        self.specialising = settings.specialising
        self.short = short
        self.longest = settings.longest
        self.deadline = math.inf
        self.lengths = sorted(_ITERATIONS) if settings.specialising else _ITERATIONS
        self._points: dict[int, list[Point]] = {}
        self._answered: dict[Decisions, bool] = {}
        self._solver: Solver | None = None

    @property
    def solver_seconds(self) -> float:
        """The time spent in z3."""
        return 0.0 if self._solver is None else self._solver.seconds

    def next_hints(self, root: Place, has_module: bool) -> Values | None:
        """Hints that lead to an open place, or None when every open place is undecided.

        The defaults come first if no run has built a module, as short loops may be why, and if
        lengths are followed one by one: the budget may end before it is their turn.

        Raises:
            BudgetSpent: the deadline has passed.
        """
        if root.condition is None:
            return None
        if self.specialising or not has_module:
            hints = self._default_hints(root)
            if hints is not None:
                return hints
        if id(root) not in self._points:
            self._points[id(root)] = list(dict.fromkeys(self._candidates()))
        unsolved = []
        stack = [root]
        while stack:
            place = stack.pop()
            if place.condition is not None:
                then, otherwise = place.children()
                if id(then) not in self._points:
                    here = self._points[id(place)]
                    self._points[id(then)], self._points[id(otherwise)] = self._sorted(place, here)
                stack += [otherwise, then]
            elif place.is_open and not place.undecided:
                if self._points[id(place)]:
                    return dict(zip(self.names, self._points[id(place)][0], strict=True))
                unsolved.append(place)
        for place in unsolved:
            self.require_time()
            hints = self._solved(root, place)
            if hints is not None:
                return hints
        return None

    def _default_hints(self, root: Place) -> Values | None:
        """The defaults, if they are not the first hints and no run has been where they lead."""
        if self.tried_defaults or self.defaults == self.first:
            return None
        values = dict(zip(self.names, self.defaults, strict=True))
        self.tried_defaults = True
        place = root
        with suppress(ArithmeticError, ValueError):
            while place.condition is not None:
                then, otherwise = place.children()
                place = then if holds(place.condition, values) else otherwise
            if place.is_open and not place.undecided:
                return values
            if place.end is not None and place.end.raised_after_lengths:
                return values
        return None

    def require_time(self) -> None:
        """Raise `BudgetSpent` if the deadline has passed."""
        if time.perf_counter() > self.deadline:
            raise BudgetSpent

    def give_up(self, root: Place, steps: Sequence[Step], hints: Values | None = None) -> None:
        """Leave the place that a run was meant for which cannot be finished.

        If that is because its `hints` are too large, other candidates are tried that lead there.
        """
        place = root
        for step in steps:
            if place.condition is None:
                break
            then, otherwise = place.children()
            place = then if step.truth else otherwise
        points = self._points.get(id(place), [])
        failed = [-math.inf if hints is None else hints[name] for name in self.names]
        points[:] = [p for p in points if any(a < b for a, b in zip(p, failed, strict=True))]
        place.undecided |= not points

    def smaller(self, hints: Values) -> Values | None:
        """First hints in the place of such that are too large, or None if there are none."""
        first = tuple(
            min(hint, allowed.aligned(hint / _SMALLER))
            for hint, allowed in zip(hints.values(), self.ranges, strict=True)
        )
        if first == tuple(hints.values()):
            return None
        self.first = first
        self._points.clear()
        return dict(zip(self.names, first, strict=True))

    def shorten(self, names: Iterable[str]) -> Point:
        """The first hints, with few iterations of the loops that are as long as these symbols."""
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
        return self.first

    def after(self, error: TooLong, hints: Values) -> Values:
        """Hints with fewer iterations of the loop that was too long, or more are allowed."""
        if set(error.symbols) <= self.short:
            if error.length > _MOST_AGAIN and tuple(hints.values()) == self.defaults:
                return dict(zip(self.names, self.first, strict=True))
            if error.length > _MOST_ITERATIONS:
                raise NotFolded(f"a loop over {', '.join(error.symbols)} is too long")
            self.longest = max(self.longest, error.length)
            if error.length <= _MOST_AGAIN:
                return hints
        return dict(zip(self.names, self.shorten(error.symbols), strict=True))

    def next_iteration(self, paths: Sequence[Path]) -> Values | None:
        """Hints with which a loop of a path goes through an iteration of a kind not seen yet."""
        for path in paths:
            for name, root in path.loops.items():
                for place in _open_places(root):
                    if place.undecided:
                        continue
                    self.require_time()
                    place.undecided = True
                    hints = self._solved_iteration(path, name, place)
                    if hints is not None:
                        return hints
        return None

    def other_lengths(self, paths: Sequence[Path], all_paths: bool) -> Iterator[Values]:
        """Hints for the same paths with other numbers of iterations, one symbol at a time.

        If not for all paths, then for those that may have raised because of such a number.
        """
        for path in paths:
            if not (path.raised_after_lengths or (all_paths and path.trace.raised is None)):
                continue
            for allowed in self.ranges:
                hint = path.trace.hints[allowed.name]
                tried = 0
                if allowed.name not in self.short:
                    continue
                for distance in (*range(1, 4 * _OTHER_LENGTHS), -1, -2, -3):
                    hints = {**path.trace.hints, allowed.name: hint + distance}
                    if hint + distance in allowed and takes(path.decisions, hints):
                        tried += 1
                        yield hints
                    if tried == _OTHER_LENGTHS:
                        break

    def _solved_iteration(self, path: Path, name: str, place: Place) -> Values | None:
        decisions = (*path.decisions, *_within(path, name), *place.decisions)
        question = _with_numbered_indices(decisions, self.facts)
        if question in self._answered:
            # Loops that do the same are many; what was found for one has been followed for all.
            place.unreachable = self._answered[question]
            return None
        self._answered[question] = False
        for model in self._z3().models(decisions):
            if model is None:
                return None
            if takes(decisions, model):
                return {n: value for n, value in model.items() if n in self.names}
        place.unreachable = self._answered[question] = True
        return None

    def _z3(self) -> Solver:
        if self._solver is None:
            from symcount.solver import Solver

            self._solver = Solver(self.ranges, self.facts)
        self._solver.small = self.short
        self._solver.deadline = self.deadline
        return self._solver

    def _solved(self, root: Place, place: Place) -> Values | None:
        """Hints that z3 finds for a place, which is marked if there are none or it cannot tell."""
        pinned = _pinned(place.decisions)
        if set(self.names) <= pinned.keys():
            if takes(place.decisions, pinned):
                return {name: pinned[name] for name in self.names}
            place.unreachable = True
            return None
        for model in self._z3().models(place.decisions):
            if model is None:
                hints = self._nearby(root, place)
                place.undecided = hints is None
                return hints
            if takes(place.decisions, model):
                self._points[id(place)].append(tuple(model[name] for name in self.names))
                return model
        place.unreachable = True
        return None

    def _nearby(self, root: Place, place: Place) -> Values | None:
        """Hints of a run that went past a place, with one symbol changed so that they lead there.

        The last decision on the way is all that such a run did not meet.
        """
        here = root
        for _, truth in place.decisions[:-1]:
            here = here.children()[not truth]
        run = next(_ends(here), None)
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

    def _sorted(self, place: Place, points: Sequence[Point]) -> tuple[list[Point], list[Point]]:
        assert place.condition is not None
        test = compile_condition(place.condition, self.names) if points else None
        true: list[Point] = []
        false: list[Point] = []
        for point in points:
            # Where the arithmetic is undefined the factory raises, and the point goes nowhere.
            with suppress(ArithmeticError, ValueError):
                (true if test(*point) else false).append(point)  # type: ignore[misc]
        return true, false

    def _candidates(self) -> Iterator[Point]:
        """The first hints, then each symbol alone, nearest values first, then combinations."""
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
    """The symbols that the decisions leave one value."""
    pinned: dict[str, int | float] = {}
    for condition, truth in decisions:
        base, number = only_atom(condition.left), condition.right.constant
        if condition.op == "eq" and truth and isinstance(base, Symbol) and isinstance(number, int):
            pinned[base.name] = number
    return pinned


def takes(decisions: Decisions, values: Values) -> bool:
    """Whether these values take a path."""
    try:
        return all(holds(condition, values) is truth for condition, truth in decisions)
    except (ArithmeticError, ValueError):
        return False


def shortened(allowed: Hyperparameter) -> Hyperparameter:
    """The same symbol with small values only, because loops are as long as it says."""
    most = allowed.aligned(_MOST_SAMPLED)
    return allowed if allowed.maximum is not None and allowed.maximum <= most else replace(
        allowed, maximum=most
    )  # fmt: skip


def _within(path: Path, name: str) -> Decisions:
    """That the index of a loop, and those around it, are less than their numbers of iterations."""
    decisions: list[tuple[Condition, bool]] = []
    run, loop = next(
        (run, loop) for run in (path, *path.again) for loop in run.trace.loops if loop.name == name
    )
    around: Loop | None = loop
    while around is not None:
        loop = around
        count = run.lowering(loop.count).poly
        condition, truth = compare("lt", symbol(loop.name), count, run.lowering.facts)
        if condition is not None:
            decisions.insert(0, (condition, truth))
        around = loop.inside[-1][0] if loop.inside else None
    return tuple(decisions)


def _with_numbered_indices(decisions: Decisions, facts: Facts) -> Decisions:
    """The decisions with their indices called by the order in which they are mentioned."""
    names: dict[str, str] = {}
    sides = [side for condition, _ in decisions for side in (condition.left, condition.right)]
    for side in sides:
        for atom in sorted(side.atoms(), key=repr):
            if isinstance(atom, Symbol) and atom.name.startswith(INDEX):
                names.setdefault(atom.name, f"{INDEX}_{len(names)}")
    for name, number in names.items():
        sides = [substituted(side, name, symbol(number), facts) for side in sides]
    pairs = zip(sides[::2], sides[1::2], strict=True)
    return tuple(
        (Condition(condition.op, left, right), truth)
        for (condition, truth), (left, right) in zip(decisions, pairs, strict=True)
    )


def first_hints(ranges: Sequence[Hyperparameter]) -> Point:
    """The defaults, or sizes that no two symbols share."""
    hints: list[int | float] = []
    for allowed in ranges:
        hints.append(allowed.first(hints))
    return tuple(hints)


def explore(
    tracer: Tracer,
    ranges: Sequence[Hyperparameter],
    facts: Facts,
    *,
    max_paths: int,
    max_seconds: float,
    said_seconds: float | None = None,
    seconds_for_a_module: float | None = None,
    settings: Settings = AS_USUAL,
    short: set[str] | None = None,
    on_path: Callable[[Path], None] = lambda path: None,
) -> Exploration:
    """Run the factory until its every branch is followed or proved out of reach.

    `on_path` is called after each run; the time it takes counts. `said_seconds` is what is said of
    the budget where `max_seconds` is what is left of it, and `seconds_for_a_module` how long it
    may take while the factory has done nothing but raise. The first run is finished however long
    it takes. `short` are symbols that say how long loops are; those that are found to are added.

    Raises:
        NondeterministicError: the same decisions did not lead to the same next decision.
        NotFolded: what a loop does cannot be said for all its iterations at once.
    """
    started = time.perf_counter()
    first = first_hints(ranges)
    frontier = Frontier(ranges, facts, first, set() if short is None else short, settings)
    first = frontier.shorten(())
    found = Exploration(Place(()))
    known: Known = {}
    hints: Values | None = dict(zip([r.name for r in ranges], first, strict=True))
    lengths = frontier.other_lengths(found.paths, settings.lengths)

    def deadline() -> float:
        if not found.paths:
            return math.inf
        seconds = max_seconds
        if frontier.short and not settings.specialising:
            seconds *= _FOLDING  # the loops may have to be followed in another way
        if not found.has_module:
            seconds = max(max_seconds, seconds_for_a_module or 0)
        return started + seconds

    try:
        while hints is not None:
            frontier.deadline = deadline()
            usual = replace(settings, longest=frontier.longest, deadline=frontier.deadline)
            try:
                path = _run(tracer, hints, facts, found.root, known, usual)
            except TooLong as error:
                hints = frontier.after(error, hints)
                continue
            except TooManyDecisions as error:
                if not found.paths:
                    raise UnsupportedError(
                        f"{error.steps[-1].source}: it takes more than {_MOST_DECISIONS} decisions "
                        "that depend on its symbols; fix some of them: derive(factory, name=value)"
                    ) from None
                frontier.give_up(found.root, error.steps)
                hints = frontier.next_hints(found.root, found.has_module)
                continue
            too_large = is_too_large(path.trace.exception)
            if too_large and not found.paths:
                smaller = frontier.smaller(hints)
                if smaller is not None:
                    hints = smaller
                    continue
            if too_large and found.paths:
                frontier.give_up(found.root, path.steps, hints)
            else:
                try:
                    end = _insert(found.root, path)
                except NondeterministicError:
                    if settings.specialising:
                        raise
                    if frontier.short:
                        raise NotFolded("what follows a loop depends on its length") from None
                    if any(c.kind == "index" for c in path.trace.concretisations):
                        raise NotFolded("what follows a list depends on its length") from None
                    raise
                if end is path:
                    if found.paths and path.trace.exception is not None:
                        # what its frames hold on to is all that the run made
                        path.trace.exception.__traceback__ = None
                    found.paths.append(path)
                    on_path(path)
                elif (end.trace.raised is None) is not (path.trace.raised is None):
                    raise NotFolded("whether the factory raises depends on the length of a list")
                else:
                    end.again.append(path)
                _insert_iterations(end, path)
                frontier.short |= _lengths(path)
            if len(found.paths) >= max_paths and any(True for _ in found.open_places()):
                found.spent = f"the budget of {max_paths} paths was spent"
            frontier.deadline = deadline()
            frontier.require_time()
            hints = None if found.spent else frontier.next_hints(found.root, found.has_module)
            hints = hints or frontier.next_iteration(found.paths)
            if hints is None and not settings.specialising:
                hints = next(lengths, None)
    except BudgetSpent:
        said = max_seconds if said_seconds is None else said_seconds
        found.spent = f"the budget for exploring, {said:g} seconds, was spent"
        found.out_of_time = True
    found.seconds = time.perf_counter() - started
    found.solver_seconds = frontier.solver_seconds
    found.short = frozenset(frontier.short)
    return found


class _Walk:
    """Follows the decisions of one run down the tree, and on from where the tree ends.

    Runs that share decisions meet the same comparisons in the same places, so what a comparison
    comes to is remembered at the place.
    """

    def __init__(self, root: Place, facts: Facts, lowering: Lowering, hints: Values) -> None:
        self.place: Place | None = root
        self.facts = facts
        self.lowering = lowering
        self.hints = hints
        self.known: dict[Condition, bool] = {}
        self.steps: list[Step] = []
        self.limits: set[tuple[Condition, bool]] = set()
        self.iterations: dict[tuple[Loop, int], Iteration] = {}
        self._assumed: list[_Assumed] = []
        self._assumed_here: tuple[Facts, Tags] = facts, ()

    def on_branch(self, branch: Branch) -> bool:
        """Take note of a comparison; whether it decides anything new."""
        left, right = self.lowering.compared(branch.op, branch.left, branch.right)
        indices = self.lowering.indices(branch.left) | self.lowering.indices(branch.right)
        self.limits |= limits_of(left.limits | right.limits, indices, self.lowering)
        if indices:
            return self._decide_in_view_of_index(branch)
        if branch.tags:
            iteration = self.iteration(branch.tags[-1])
            if not iteration.is_first and (iteration.steps or not iteration.certain):
                return self._decide_in(iteration, branch, left.poly, right.poly)
        condition, polarity = self._compared(branch.op, left.poly, right.poly)
        truth = branch.taken == polarity
        if truth is not (True if condition is None else self.known.get(condition, truth)):
            if not all(holds(limit, self.hints) is side for limit, side in self.limits):
                raise UnsupportedError(
                    f"{branch.source}: float arithmetic on sizes as large as {self._said_hints()} "
                    "rounds, which is not modelled; declare smaller ones: Symbol(max=...)"
                )
            raise InternalError(
                f"{branch.source}: {branch.op} of {branch.left.hint} and another number is "
                f"{branch.taken}, but its normal form, {condition!r}, says otherwise"
            )
        if condition is None or condition in self.known:
            return False
        subject = left.poly if branch.specialised else None
        tested = None if self.place is None else self.place.condition
        if tested not in (None, condition) and self._is_about(subject):
            # An earlier run was specialised to another value here.
            assert tested is not None
            self._step(Step(tested, holds(tested, self.hints), branch.source, subject))
            return self.on_branch(branch)
        self._step(Step(condition, truth, branch.source, subject))
        return True

    def answer(self, branch: Branch, under: Sequence[Decision]) -> bool | None:
        """The outcome of a comparison, if what is known and these decisions settle it."""
        try:
            assumed = self._assuming(under, branch.tags)
            facts = assumed[-1].facts if assumed else self.facts
            condition, polarity = self._in_view(
                branch.op, branch.left, branch.right, branch.tags, facts
            )
        except NotFolded:
            return None
        if condition is None:
            return polarity
        known = [*self.known.items(), *((a.condition, a.truth) for a in assumed)]
        for other, truth in known:
            for consequence in (True, False):
                if other is not None and implies(other, truth, condition, consequence):
                    return consequence is polarity
        return None

    def _assuming(self, under: Sequence[Decision], tags: Tags) -> list[_Assumed]:
        """What decisions say. Each way has most of them from the one before."""
        if self._assumed_here != (self.facts, tags):
            self._assumed, self._assumed_here = [], (self.facts, tags)
        shared = 0
        for assumed, decision in zip(self._assumed, under, strict=False):
            if assumed.decision != decision:
                break
            shared += 1
        del self._assumed[shared:]
        for decision in under[shared:]:
            (op, left, right), outcome = decision
            facts = self._assumed[-1].facts if self._assumed else self.facts
            condition, polarity = self._in_view(op, left, right, tags, facts)
            truth = outcome is polarity
            if condition is not None:
                facts = facts.with_condition(condition, truth)
            self._assumed.append(_Assumed(decision, condition, truth, facts))
        return self._assumed

    def _in_view(
        self, op: str, left: Node, right: Node | Number, tags: Tags, facts: Facts
    ) -> tuple[Condition | None, bool]:
        """A comparison of the iterations that it is made in, in normal form."""
        a, others = in_iteration(left, tags, self.lowering)
        b, more = in_iteration(right, tags, self.lowering)
        limits = self.lowering(left).limits | self.lowering(right).limits
        if others | more or _mention_index(limits):
            raise NotFolded("the index of a loop is used in another")
        self.limits |= limits
        return compare(op, a, b, facts)

    def split(self, conditions: Iterable[Condition]) -> None:
        """Decide conditions that the factory may never test."""
        for condition in conditions:
            known, _ = compare(condition.op, condition.left, condition.right, self.facts)
            if known is not None and condition not in self.known:
                self._step(Step(condition, holds(condition, self.hints), None, None))

    def iteration(self, tag: tuple[Loop, int]) -> Iteration:
        """The record of an iteration."""
        if tag not in self.iterations:
            loop, number = tag
            around = self.iteration(loop.inside[-1]) if loop.inside else None
            certain = self.facts.at_least(self.lowering(loop.count).poly, 1) and (
                around is None
                or (around.certain and not around.steps)
                or (around.is_first and around.follows_from(self.facts))
            )
            facts = self.facts if around is None else around.facts
            self.iterations[tag] = Iteration(loop, number, facts, certain)
        return self.iterations[tag]

    def _decide_in_view_of_index(self, branch: Branch) -> bool:
        """Take note of a comparison of numbers that depend on an index."""
        left, others = in_iteration(branch.left, branch.tags, self.lowering)
        right, more = in_iteration(branch.right, branch.tags, self.lowering)
        left_over = others | more
        if not left_over:
            return self._decide_in(self.iteration(branch.tags[-1]), branch, left, right)
        if len(left_over) > 1 or branch.tags:
            raise NotFolded("the index of a loop is used in another")
        # Something that the loop has made is gone through again.
        return self._decide_in(self.iteration(left_over.pop()), branch, left, right)

    def _decide_in(self, iteration: Iteration, branch: Branch, left: Poly, right: Poly) -> bool:
        """Take note of a comparison that an iteration makes."""
        condition, polarity = compare(branch.op, left, right, iteration.facts)
        truth = branch.taken == polarity
        known = True if condition is None else iteration.known.get(condition, truth)
        if truth is not known:
            raise NotFolded("what an iteration decides does not follow from its index")
        if condition is None or condition in self.known or condition in iteration.known:
            return False
        iteration.known[condition] = truth
        iteration.facts = iteration.facts.with_condition(condition, truth)
        iteration.steps.append(Step(condition, truth, branch.source, None))
        return True

    def _said_hints(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.hints.items())

    def _is_about(self, subject: Poly | None) -> bool:
        return subject is not None and self.place is not None and self.place.subject == subject

    def _compared(self, op: str, left: Poly, right: Poly) -> tuple[Condition | None, bool]:
        if self.place is None:
            return compare(op, left, right, self.facts)
        key = op, left, right
        if key not in self.place.answers:
            self.place.answers[key] = compare(op, left, right, self.facts)
        return self.place.answers[key]

    def _step(self, step: Step) -> None:
        self.known[step.condition] = step.truth
        self.steps.append(step)
        if len(self.steps) > _MOST_DECISIONS:
            raise TooManyDecisions(self.steps)
        place = self.place
        self.place = None if place is None else place.then if step.truth else place.otherwise
        if self.place is None:
            self.facts = self.facts.with_condition(step.condition, step.truth)
            return
        if self.place.facts is None:
            self.place.facts = self.facts.with_condition(step.condition, step.truth)
        self.facts = self.place.facts


def has_index(value: Poly) -> bool:
    """Whether the index of a loop is among the atoms."""
    return any(isinstance(a, Symbol) and a.name.startswith(INDEX) for a in value.atoms())


def limits_of(limits: Limits, indices: Iterable[Tag], lowering: Lowering) -> Limits:
    """Up to where float steps are exact in all iterations, not only in those of these indices.

    Raises:
        NotFolded: the limit of an iteration is not one that the last iteration meets first.
    """
    loops = [loop for loop, _ in indices]
    if not limits or not loops:
        return limits
    return frozenset(
        (_in_every_iteration(condition, truth, loops, lowering), truth)
        for condition, truth in limits
    )


def _in_every_iteration(
    condition: Condition, truth: bool, loops: Sequence[Loop], lowering: Lowering
) -> Condition:
    left, right = condition.left, condition.right
    for loop in sorted(loops, key=lambda loop: -len(loop.inside)):
        rises = all(
            coefficient > 0 and all(isinstance(base, Symbol) and e > 0 for base, e in monomial)
            for monomial, coefficient in left.terms.items()
        )
        if condition.op != "ge" or truth or not rises or has_index(right):
            raise NotFolded("float arithmetic with an index")
        left = substituted(left, loop.name, lowering(loop.count).poly, lowering.facts)
    return Condition(condition.op, left, right)


def _mention_index(limits: Limits) -> bool:
    return any(has_index(c.left) or has_index(c.right) for c, _ in limits)


def in_iteration(operand: Node | Number, tags: Tags, lowering: Lowering) -> tuple[Poly, set[Tag]]:
    """A number as a function of the indices of the iterations that it is used in.

    An index of another iteration of the same loop becomes this one's, plus the distance; an index
    of the same iteration of another loop that is as long becomes this one's. Also, the iterations
    of other loops whose indices are left.

    Raises:
        NotFolded: it depends on the indices of several iterations of one loop.
    """
    result = lowering(operand).poly
    indices = lowering.indices(operand)
    if not indices:
        return result, set()
    if len({loop for loop, _ in indices}) < len(indices):
        raise NotFolded("a number depends on the indices of several iterations")
    current = dict(tags)
    left = set()
    remaining = {base.name for base in result.atoms() if isinstance(base, Symbol)}
    for loop, number in indices - set(tags):
        if loop.name not in remaining:
            continue  # the rate `0 * i / n` depends on no index
        if loop in current:
            index = symbol(loop.name) + const(number - current[loop])
        else:
            alike = [
                other
                for other, its_number in tags
                if its_number == number and lowering(other.count) == lowering(loop.count)
            ]
            if not alike:
                left.add((loop, number))
                continue
            index = symbol(alike[-1].name)
        result = substituted(result, loop.name, index, lowering.facts)
    return result, left


def _run(
    tracer: Tracer,
    hints: Values,
    facts: Facts,
    root: Place,
    known: Known,
    settings: Settings,
) -> Path:
    lowering = Lowering(facts, known)
    walk: _Walk

    def listen() -> _Walk:
        nonlocal walk
        walk = _Walk(root, facts, lowering, hints)
        return walk

    trace = tracer(hints, listen, settings)
    if trace.raised is None:
        walk.split(settings.splits)
    for loop in trace.loops:
        for number in loop.numbers:
            walk.iteration((loop, number))
    iterations = tuple(walk.iterations.values())
    _require_whole_loops(trace, iterations)
    lowering.forget()  # most nodes are of values that no tensor depends on
    return Path(trace, lowering, tuple(walk.steps), frozenset(walk.limits), iterations)


def _require_whole_loops(trace: Trace, iterations: Sequence[Iteration]) -> None:
    """Raise `NotFolded` if a loop was left early, and not always in its first iteration."""
    for loop in trace.loops:
        if trace.raised is None:
            if not loop.is_whole:
                raise NotFolded("a loop is left before its end")
        elif not loop.finished and loop.numbers:
            last = next(i for i in iterations if i.loop is loop and i.number == loop.numbers[-1])
            first = last.is_first and last.follows_from(last.facts)
            if not first and (last.steps or not last.certain or len(loop.numbers) > 1):
                raise NotFolded("the factory raises in some iterations of a loop")


def _lengths(path: Path) -> set[str]:
    """The symbols that say how long the loops of a run are."""
    counts = (path.lowering(loop.count).poly for loop in path.trace.loops)
    lists = (path.lowering(node).poly for node in path.trace.unrolled)
    atoms = set().union(*(poly.atoms() for poly in (*counts, *lists)))
    return {a.name for a in atoms if isinstance(a, Symbol) and not a.name.startswith(INDEX)}


class Mattering(NamedTuple):
    """The kinds of concretisations that matter, and those that there was no time to try."""

    kinds: frozenset[str]
    untried: frozenset[str] = frozenset()


def kinds_that_matter(
    tracer: Tracer,
    path: Path,
    facts: Facts,
    settings: Settings,
    in_texts: Sequence[int] = (),
    deadline: float = math.inf,
) -> Mattering:
    """The kinds of concretisations of a path whose numbers reach a branch or a shape.

    The path is run again with other numbers in their place, those that the factory's texts
    mention (`in_texts`) among them. What is the same then did not depend on them: they ended in
    initial values, in names, or in messages. Reading a value of a tensor counts as mattering.
    """
    found = path.trace.concretisations
    matter = {c.kind for c in found if c.value is None}
    rest = {c.kind for c in found} - matter
    story: Any = None

    def differs(chosen: set[str], changes: Sequence[Callable[[Number], Number]]) -> bool:
        nonlocal story
        for change in changes:
            if time.perf_counter() > deadline:
                raise BudgetSpent
            story = story or _story(path, facts)
            other = _perturbed(tracer, path, facts, settings, chosen, change, deadline)
            if _story(other, facts) != story:
                return True
        return False

    try:
        if rest and differs(rest, _CHANGES):
            alone = {kind for kind in rest if len(rest) == 1 or differs({kind}, _CHANGES)}
            matter |= alone
            rest -= alone
        rest &= {"text"}
        if rest:
            values = {c.value for c in found if c.kind == "text"}
            if len(in_texts) ** len(values) > _MOST_TEXTS or differs(
                {"text"}, [_Assigned(numbers) for numbers in product(in_texts, repeat=len(values))]
            ):
                matter.add("text")
    except BudgetSpent:
        return Mattering(frozenset(matter), frozenset(rest))
    return Mattering(frozenset(matter))


def _one_more(value: Number) -> Number:
    return value + 1


def _much_more(value: Number) -> Number:
    return 2 * value + 3


def _many_digits_more(value: Number) -> Number:
    return 10_000 * value + 7


class _Assigned:
    """Gives each value that it meets another of the numbers."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self.numbers = iter(numbers)
        self.given: dict[Number, Number] = {}

    def __call__(self, value: Number) -> Number:
        if value not in self.given:
            self.given[value] = next(self.numbers, value)
        return self.given[value]


_CHANGES = (_one_more, _much_more, _many_digits_more)


def _perturbed(
    tracer: Tracer,
    path: Path,
    facts: Facts,
    settings: Settings,
    kinds: set[str],
    change: Callable[[Number], Number],
    deadline: float,
) -> Path:
    def perturb(kind: str, value: Number) -> Number:
        return change(value) if kind in kinds else value

    settings = replace(settings, perturb=perturb, longest=_MOST_ITERATIONS, deadline=deadline)
    return _run(tracer, path.trace.hints, facts, Place(()), {}, settings)


def _story(path: Path, facts: Facts) -> tuple[object, ...]:
    """What a run decided and built, apart from what it said."""
    raised = path.trace.raised
    shapes = [
        (t.name, t.kind, t.dtype, t.trainable, list(map(path.lowering, t.shape or ())))
        for t in path.trace.tensors
    ]
    return path.decisions, raised and (raised.kind, raised.source), shapes


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


def _insert(root: Place, path: Path) -> Path:
    """Put a run in the tree; the path it took, which is a new one or has been taken before."""
    place = _inserted(root, path.steps, path)
    if place.end is not None and (path.trace.loops or path.trace.unrolled):
        return place.end
    place.end = path
    return path


def _insert_iterations(end: Path, path: Path) -> None:
    """Put what the iterations of a run decided in view of their indices in the trees of a path."""
    for loop in path.trace.loops:
        end.loops.setdefault(loop.name, Place(()))
    for iteration in path.iterations:
        root = end.loops.setdefault(iteration.loop.name, Place(()))
        try:
            place = _inserted(root, iteration.steps, path)
        except NondeterministicError:
            raise NotFolded("iterations of a loop differ in what they decide") from None
        if place.end is None:
            place.end = path


def _inserted(root: Place, steps: Sequence[Step], path: Path) -> Place:
    """The place that these decisions lead to, with the splits on the way made."""
    place = root
    for condition, truth, source, subject in steps:
        if place.end is not None or place.condition not in (None, condition):
            raise _changed(
                path,
                f"{source}: {condition!r} is tested here, where an earlier run with the same "
                "decisions did not",
            )
        if place.condition is None:
            place.condition, place.source, place.subject = condition, source, subject
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
    return place
