"""Run a factory once on symbols, and follow its decisions down the tree of all runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

from symcount.algebra.comparing import compare
from symcount.algebra.conditions import Condition, implies
from symcount.algebra.evaluate import holds
from symcount.algebra.facts import Facts
from symcount.algebra.poly import Poly
from symcount.derivation.indices import has_index, in_iteration, limits_of
from symcount.derivation.left_over import LeftOver
from symcount.derivation.lowering import Lowered, Lowering, TooNested
from symcount.derivation.paths import Iteration, Path, Place, Step
from symcount.errors import InternalError, UnsupportedError
from symcount.record import Node
from symcount.symbols import Number, Values
from symcount.trace.interrupts import Interrupt, NotFolded
from symcount.trace.learning import Learned
from symcount.trace.loops import Loop, Tags
from symcount.trace.pure_functions import ForcedTest
from symcount.trace.result import Branch, Trace, TracedTensor
from symcount.trace.run import trace
from symcount.trace.settings import AS_USUAL, Everything, Listen, Settings

# How many decisions a path may have: trees of them are gone through recursively.
_MOST_DECISIONS = 250

# A factory as a function of the values of its symbols.
Build: TypeAlias = "Callable[[Values], Any]"


class TooMuch(Interrupt):
    """A run decides or computes more than a formula has room for, as an error says."""

    def __init__(self, steps: Sequence[Step], error: UnsupportedError) -> None:
        super().__init__(steps, error)
        self.steps = steps
        self.error = error


def traced(
    build: Build, hints: Values, listen: Listen = Everything, settings: Settings = AS_USUAL
) -> Trace:
    """Run a factory once on symbols with these hints."""

    def factory(**values: Any) -> Any:
        return build(values)

    factory.__wrapped__ = getattr(build, "function", build)  # type: ignore[attr-defined]
    return trace(
        factory,
        symbols={name: (name, hint) for name, hint in hints.items()},
        fixed={},
        listen=listen,
        settings=settings,
    )


def followed(
    build: Build, hints: Values, facts: Facts, root: Place, lowered: Lowered, settings: Settings
) -> Path:
    """Run a factory once on symbols, following its decisions from the root of a tree.

    Raises:
        NotFolded: what a loop does cannot be said for all its iterations at once.
        TooLong: a loop would have more iterations than the settings allow.
        TooMuch: the run decides or computes more than a formula has room for.
        BudgetSpent: the deadline passed before the factory was done.
    """
    lowering = Lowering(facts, lowered)
    learned = settings.learned or Learned()
    settings = replace(settings, learned=learned)
    walk: Walk

    def listen() -> Walk:
        nonlocal walk
        walk = Walk(root, facts, lowering, hints, LeftOver(learned, lowering))
        return walk

    try:
        trace = traced(build, hints, listen, settings)
    except TooNested as error:
        raise TooMuch(walk.steps, error) from None
    walk.note_tensors(trace.tensors)
    if walk.left.learn(trace.raised is not None):
        return followed(build, hints, facts, root, lowered, settings)
    if walk.problem is not None:
        raise walk.problem
    if trace.raised is None:
        walk.split(settings.splits)
    for loop in trace.loops:
        for number in loop.numbers:
            walk.iteration((loop, number))
    iterations = tuple(walk.iterations.values())
    _require_whole_loops(trace, iterations)
    lowering.forget()  # most nodes are of values that no tensor depends on
    return Path(trace, lowering, tuple(walk.steps), frozenset(walk.limits), iterations, walk.left)


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


class _Assumed(NamedTuple):
    """A decision that a way through a function of numbers assumes, and the facts with it."""

    decision: ForcedTest
    condition: Condition | None
    truth: bool
    facts: Facts


class Walk:
    """Follows the decisions of one run down the tree, and on from where the tree ends.

    Runs that share decisions meet the same comparisons in the same places, so what a comparison
    comes to is remembered at the place.
    """

    def __init__(
        self, root: Place, facts: Facts, lowering: Lowering, hints: Values, left: LeftOver
    ) -> None:
        self.left = left
        self.problem: NotFolded | None = None
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
        """Take note of a comparison, and return whether it decides anything new."""
        left, right = self.lowering.compared(branch.op, branch.left, branch.right)
        indices = self.lowering.indices(branch.left) | self.lowering.indices(branch.right)
        self.limits |= limits_of(left.limits | right.limits, indices, self.lowering)
        if indices:
            return self._decide_in_view_of_index(branch)
        if branch.tags:
            iteration = self.iteration(branch.tags[-1])
            if not iteration.is_first and (iteration.steps or not iteration.certain):
                return self._decide_in(iteration, branch, left.poly, right.poly)
        return self._decide(branch, left.poly, right.poly)

    def on_limit(self, branch: Branch) -> bool:
        """Take note of a comparison that holds in the domain; False if it has to be a branch.

        Raises:
            TooMuch: it does not hold at the hints of the run.
        """
        left, right = self.lowering(branch.left), self.lowering(branch.right)
        condition, polarity = compare(branch.op, left.poly, right.poly, self.facts)
        found = left.limits if condition is None else left.limits | {(condition, polarity)}
        try:
            self.limits |= limits_of(found, self.lowering.indices(branch.left), self.lowering)
        except NotFolded:
            return False
        if not branch.taken:
            said = f"{branch.source}: arithmetic of numpy on sizes as large as {self._said_hints()}"
            error = UnsupportedError(
                f"{said} does not fit into 64 bits; declare smaller ones: Symbol(max=...)"
            )
            raise TooMuch(self.steps, error)
        return True

    def _decide(self, branch: Branch, left: Poly, right: Poly) -> bool:
        """Take note of a comparison that is one of the path."""
        condition, polarity = self._compared(branch.op, left, right)
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
        subject = left if branch.specialised else None
        fork = None if self.place is None else self.place.fork
        if fork and subject and fork.condition != condition and fork.subject == subject:
            # An earlier run was specialised to another value here.
            truth = holds(fork.condition, self.hints)
            self._step(Step(fork.condition, truth, branch.source, subject))
            return self.on_branch(branch)
        self._step(Step(condition, truth, branch.source, subject))
        return True

    def answer(self, branch: Branch, under: Sequence[ForcedTest]) -> bool | None:
        """Return the outcome of a comparison, if what is known and these decisions settle it."""
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

    def _assuming(self, under: Sequence[ForcedTest], tags: Tags) -> list[_Assumed]:
        """Return what decisions say. Each way has most of them from the one before."""
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
        """Compare in the iterations that the comparison is made in."""
        a, others = in_iteration(left, tags, self.lowering)
        b, more = in_iteration(right, tags, self.lowering)
        limits = self.lowering(left).limits | self.lowering(right).limits
        if others | more or any(has_index(condition) for condition, _ in limits):
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
        """Return the record of an iteration, made when it is first asked for."""
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
        self.left.note(branch.at, left_over, branch.tags)
        if all(self.left.is_entry(branch.at, tag) for tag in left_over):
            left, right = (self.left.resolved(side, branch.at, left_over) for side in (left, right))
            if branch.tags:
                return self._decide_in(self.iteration(branch.tags[-1]), branch, left, right)
            return self._decide(branch, left, right)
        if len(left_over) > 1 or branch.tags:
            self.problem = self.problem or NotFolded("the index of a loop is used in another")
            return True
        # Something that the loop has made is gone through again.
        return self._decide_in(self.iteration(left_over.pop()), branch, left, right)

    def note_tensors(self, tensors: Iterable[TracedTensor]) -> None:
        """Take note of the loops that have ended and left sizes of tensors."""
        for tensor in tensors:
            for size in tensor.shape or ():
                with suppress(NotFolded):
                    _, left_over = in_iteration(size, tensor.tags, self.lowering)
                    if tensor.frame is not None:
                        self.left.note(tensor.frame, left_over, tensor.tags)

    def _decide_in(self, iteration: Iteration, branch: Branch, left: Poly, right: Poly) -> bool:
        """Take note of a comparison that an iteration makes."""
        condition, polarity = compare(branch.op, left, right, iteration.facts)
        asked = len(iteration.steps), branch.op, left, right
        iteration.answers[asked] = condition, polarity
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
            raise TooMuch(
                self.steps,
                UnsupportedError(
                    f"{step.source}: it takes more than {_MOST_DECISIONS} decisions that depend on "
                    "its symbols; fix some of them: derive(factory, name=value)"
                ),
            )
        fork = None if self.place is None else self.place.fork
        self.place = None if fork is None else fork.side(step.truth)
        if self.place is None:
            self.facts = self.facts.with_condition(step.condition, step.truth)
            return
        if self.place.facts is None:
            self.place.facts = self.facts.with_condition(step.condition, step.truth)
        self.facts = self.place.facts
