"""Keep the decisions of all runs in one growing tree.

Every place in the tree is open, a fork, followed to its end by a run, or closed. What an iteration
decides in view of its index is no decision of the path: it goes to a tree of the loop's own, which
keeps the first run that had such an iteration where its decisions end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from symcount.algebra.comparing import Outcome, compare
from symcount.algebra.conditions import Condition, Decisions
from symcount.algebra.evaluate import holds
from symcount.algebra.facts import Facts
from symcount.algebra.poly import Poly, const
from symcount.algebra.substitution import substituted
from symcount.derivation.left_over import LeftOver
from symcount.derivation.lowering import Limits, Lowering
from symcount.errors import NondeterministicError
from symcount.record import Source
from symcount.symbols import Values
from symcount.trace.interrupts import NotFolded
from symcount.trace.loops import Loop
from symcount.trace.result import Trace


class Step(NamedTuple):
    """A decision of a run; `subject` is what was specialised to its value by it, if anything."""

    condition: Condition
    truth: bool
    source: Source | None
    subject: Poly | None


@dataclass(eq=False)
class Iteration:
    """One iteration of a loop, and what it decided in view of its index.

    It is `certain` if every value of the symbols on this path leads to it. What is decided where
    that is not so, or after a decision in view of the index, is no decision of the path either.
    The very first iteration is an exception: its index is 0, which decides nothing. `answers` are
    what comparisons came to after so many steps.
    """

    loop: Loop
    number: int
    facts: Facts
    certain: bool
    steps: list[Step] = field(default_factory=list)
    known: dict[Condition, bool] = field(default_factory=dict)
    answers: dict[tuple[int, str, Poly, Poly], Outcome] = field(default_factory=dict)

    @property
    def is_first(self) -> bool:
        """Tell whether it is the first iteration of all loops around, and surely gone through."""
        around = (number for _, number in self.loop.inside)
        return self.certain and self.number == 0 and not any(around)

    def follows_from(self, facts: Facts) -> bool:
        """Return whether what it decided follows from its index, 0, alone."""
        for condition, _, _, _ in self.steps:
            left, right = condition.left, condition.right
            for loop, _ in (*self.loop.inside, (self.loop, 0)):
                left, right = (
                    substituted(side, loop.name, const(0), facts) for side in (left, right)
                )
            if compare(condition.op, left, right, facts)[0] is not None:
                return False
        return True


@dataclass
class Path:
    """One run, its lowering, each decision with its line, and the limits of the decisions.

    `iterations` are those of its loops, `left` is what is used of them after they end, `again`
    other runs that took the same path, with other numbers of iterations, and `loops` the trees of
    what was decided in view of each index.
    """

    trace: Trace
    lowering: Lowering
    steps: tuple[Step, ...]
    limits: Limits
    iterations: tuple[Iteration, ...]
    left: LeftOver
    again: list[Path] = field(default_factory=list)
    loops: dict[str, Place] = field(default_factory=dict)

    @property
    def decisions(self) -> Decisions:
        """The conditions and their truth, in the order they were met."""
        return tuple((step.condition, step.truth) for step in self.steps)

    @property
    def raised_after_lengths(self) -> bool:
        """Tell whether it raised, maybe because a list was as long as it was."""
        return self.trace.raised is not None and bool(self.trace.unrolled)

    def is_taken_by(self, values: Values) -> bool:
        """Return whether these values of the symbols take the path."""
        return takes(self.decisions, values)


@dataclass(frozen=True)
class Open:
    """The state of a place where no run has been; `undecided` if hints were sought in vain."""

    undecided: bool = False


@dataclass(frozen=True, eq=False)
class Fork:
    """The state of a place where runs test a condition, with the places on either side."""

    condition: Condition
    source: Source | None
    subject: Poly | None
    then: Place
    otherwise: Place

    def side(self, truth: bool) -> Place:
        """Return the place where the condition has this truth."""
        return self.then if truth else self.otherwise


@dataclass(frozen=True, eq=False)
class Followed:
    """The state of a place where a run ends."""

    path: Path


@dataclass(frozen=True)
class Closed:
    """The state of a place that is proved to be out of reach of every value of the symbols."""


@dataclass(eq=False)
class Place:
    """A place in the growing tree: the decisions that lead to it, and its state.

    `facts` are what holds here, and `answers` what comparisons made here come to. Both are worked
    out by the first run that passes, for those that follow.
    """

    decisions: Decisions = ()
    state: Open | Fork | Followed | Closed = Open()
    facts: Facts | None = None
    answers: dict[tuple[str, Poly, Poly], tuple[Condition | None, bool]] = field(
        default_factory=dict
    )

    @property
    def is_open(self) -> bool:
        """Tell whether no run has been here and nothing has been proved of it."""
        return isinstance(self.state, Open)

    @property
    def awaits_a_run(self) -> bool:
        """Tell whether it is open, and there may be hints that lead here."""
        return isinstance(self.state, Open) and not self.state.undecided

    @property
    def has_runs(self) -> bool:
        """Tell whether runs have been here."""
        return isinstance(self.state, Fork | Followed)

    @property
    def fork(self) -> Fork | None:
        """The fork that it is, if it is one."""
        return self.state if isinstance(self.state, Fork) else None

    @property
    def path(self) -> Path | None:
        """The path that ends here, if one does."""
        return self.state.path if isinstance(self.state, Followed) else None

    def leave(self) -> None:
        """Mark an open place as undecided."""
        if self.is_open:
            self.state = Open(undecided=True)

    def below(self) -> Iterator[Place]:
        """Walk the tree from here on, depth first."""
        stack = [self]
        while stack:
            place = stack.pop()
            yield place
            if isinstance(place.state, Fork):
                stack += [place.state.then, place.state.otherwise]

    def follow(self, truths: Iterable[bool]) -> Place:
        """Follow the outcomes of decisions down the tree, as far as it goes."""
        place = self
        for truth in truths:
            if not isinstance(place.state, Fork):
                break
            place = place.state.side(truth)
        return place

    def branchings(self, steps: Iterable[Step]) -> int:
        """Return how many more times paths branch off, all together, if one more is put in."""
        place, count = self, 0
        for step in steps:
            if not isinstance(place.state, Fork):
                break
            other, place = (place.state.side(truth) for truth in (not step.truth, step.truth))
            count += other.has_runs
            if not place.has_runs:
                return count + sum(isinstance(each.state, Followed) for each in other.below())
        return count

    def insert(self, path: Path) -> Path:
        """Put a run in the tree.

        Returns:
            The path that it took, which is a new one or has been taken before.

        Raises:
            NondeterministicError: an earlier run with the same decisions tested something else.
        """
        place = self.grow(path.steps, path)
        if isinstance(place.state, Followed) and (path.trace.loops or path.trace.unrolled):
            return place.state.path
        place.state = Followed(path)
        return path

    def grow(self, steps: Sequence[Step], path: Path) -> Place:
        """Follow decisions to the place that they lead to, and make the forks on the way."""
        place = self
        for condition, truth, source, subject in steps:
            fork = place.fork
            if isinstance(place.state, Followed) or (fork and fork.condition != condition):
                raise _changed(
                    path,
                    f"{source}: {condition!r} is tested here, where an earlier run with the same "
                    "decisions did not",
                )
            if fork is None:
                sides = (Place((*place.decisions, (condition, side))) for side in (True, False))
                fork = place.state = Fork(condition, source, subject, *sides)
            place = fork.side(truth)
        if isinstance(place.state, Fork):
            raise _changed(
                path,
                f"{place.state.source}: {place.state.condition!r} was not tested here, where an "
                "earlier run with the same decisions did",
            )
        return place


def insert_iterations(taken: Path, run: Path) -> None:
    """Put what the iterations of a run decided in view of their indices in the trees of its path.

    Raises:
        NotFolded: what they test differs from iteration to iteration.
    """
    for loop in run.trace.loops:
        taken.loops.setdefault(loop.name, Place())
    for iteration in run.iterations:
        root = taken.loops.setdefault(iteration.loop.name, Place())
        try:
            place = root.grow(iteration.steps, run)
        except NondeterministicError:
            raise NotFolded("iterations of a loop differ in what they decide") from None
        if not isinstance(place.state, Followed):
            place.state = Followed(run)


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


def takes(decisions: Decisions, values: Values) -> bool:
    """Return whether these values of the symbols lead to these decisions."""
    try:
        return all(holds(condition, values) is truth for condition, truth in decisions)
    except (ArithmeticError, ValueError):
        return False


@dataclass
class Exploration:
    """The result of exploring: the tree, its paths, why it ended, and how long it took."""

    root: Place = field(default_factory=Place)
    paths: list[Path] = field(default_factory=list)
    spent: str = ""
    cut_short: bool = False
    seconds: float = 0.0
    solver_seconds: float = 0.0
    short: frozenset[str] = frozenset()

    @property
    def built(self) -> list[Path]:
        """The paths on which the factory builds a module."""
        return [path for path in self.paths if path.trace.raised is None]

    @property
    def has_module(self) -> bool:
        """Tell whether a run built a module."""
        return any(path.trace.raised is None for path in self.paths)

    @property
    def has_loops(self) -> bool:
        """Tell whether a run went through a loop over a symbol."""
        return any(path.trace.loops or path.trace.unrolled for path in self.paths)

    def open_places(self) -> Iterator[Place]:
        """List the places of the tree that are neither followed nor proved out of reach."""
        return (place for place in self.root.below() if place.is_open)
