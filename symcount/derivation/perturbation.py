"""Run a path again with something changed: does text matter, and do values that are tracked?

Text is worth following if other numbers in its place change what a run decides or builds. Branches
on tracked values decide nothing if a run builds the same whichever way they go.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import cycle, product
from types import FrameType
from typing import Any, NamedTuple

from symcount.algebra.facts import Facts
from symcount.derivation.frontier import MOST_ITERATIONS
from symcount.derivation.paths import Exploration, Path, Place
from symcount.derivation.walk import followed
from symcount.factory import constants
from symcount.factory.call import FactoryCall
from symcount.record import Concretisation
from symcount.symbols import Number
from symcount.trace import ends
from symcount.trace.interrupts import BudgetSpent
from symcount.trace.proxies import callers
from symcount.trace.run import VALUE
from symcount.trace.settings import Settings
from symcount.work import NEVER, Deadline

# How many numbers are tried in the place of the texts of a path, in all combinations.
_MOST_COMBINATIONS = 64
# So many branches on values while a module is made go in all combinations of their ways.
_MOST_TOGETHER = 6
# So many that follow each other do, of all that there are.
_BRANCHES_ON_VALUES = 3
# How many numbers that texts mention are followed, each as a path of its own.
_MOST_TEXTS = 48


class Mattering(NamedTuple):
    """The kinds of concretisations that matter, and those that there was no time to try."""

    kinds: frozenset[str]
    untried: frozenset[str] = frozenset()


class Sorted(NamedTuple):
    """Concretisations that are assumptions, and those that something shows to be harmless."""

    lost: tuple[Concretisation, ...]
    harmless: tuple[Concretisation, ...]

    def with_lost(self, more: Iterable[Concretisation]) -> Sorted:
        """Return the same with more concretisations that count."""
        return self._replace(lost=tuple(dict.fromkeys((*self.lost, *more))))

    def with_harmless(self, kind: str) -> Sorted:
        """Return the same with all concretisations of a kind among the harmless ones."""
        lost = tuple(c for c in self.lost if c.kind != kind)
        harmless = (*self.harmless, *(c for c in self.lost if c.kind == kind))
        return self._replace(lost=lost, harmless=harmless)


class Perturbation:
    """Tries the concretisations of a factory's paths, each kind of run once."""

    def __init__(self, call: FactoryCall, facts: Facts) -> None:
        self.call = call
        self.facts = facts
        self._known: dict[tuple[Any, ...], Mattering] = {}

    @cached_property
    def in_texts(self) -> Sequence[int]:
        """The numbers that the factory's texts mention."""
        return constants.numbers_in_texts(self.call.function)

    def text_matters(self, found: Exploration, settings: Settings, deadline: Deadline) -> bool:
        """Return whether texts made of symbols are worth following, and can be."""
        texts = [p for p in found.paths if any(c.kind == "text" for c in p.trace.concretisations)]
        if not texts or not 0 < len(self.in_texts) <= _MOST_TEXTS or found.cut_short:
            return False
        if not found.has_module:
            return True
        return any(
            "text" in self._of(path, settings, deadline).kinds
            for path in texts
            if path.trace.raised is None
        )

    def sorted(self, found: Exploration, settings: Settings, deadline: Deadline) -> Sorted:
        """Sort the concretisations of what was explored by whether something explains them."""
        lost: dict[Concretisation, None] = {}
        harmless: dict[Concretisation, None] = {}
        for path in found.built:
            if path.trace.concretisations:
                values = any(c.kind == VALUE for c in path.trace.concretisations)
                either = values and self._goes_either_way(path, settings, deadline)
                for concretisation in path.trace.concretisations:
                    kind = concretisation.kind
                    explained = either if kind == VALUE else kind in ends.HARMLESS
                    (harmless if explained else lost)[concretisation] = None
        return Sorted(tuple(lost), tuple(c for c in harmless if c not in lost))

    def _goes_either_way(self, path: Path, settings: Settings, deadline: Deadline) -> bool:
        """Return whether a path builds the same whichever ways its branches on values go.

        Those of one constructor of a module go all ways that they can, in each alike; so do those
        outside of any, and of all that there are any few that follow each other.
        """
        again = _Again(self.call, path, self.facts, settings, deadline)
        together = _Together(())
        try:
            if again.differs({VALUE}, [together]):
                return False
            tried = 0
            while tried < together.most:
                tried = together.most
                if tried > _MOST_TOGETHER:
                    return False
                for outcomes in product((True, False), repeat=tried):
                    each = _Together(outcomes)
                    if again.differs({VALUE}, [each]):
                        return False
                    together.most = max(together.most, each.most)
            ways = product((True, False), repeat=_BRANCHES_ON_VALUES)
            return len(together.met) < 2 or not again.differs({VALUE}, map(_InTurn, ways))
        except BudgetSpent:
            return False

    def _of(self, path: Path, settings: Settings, deadline: Deadline) -> Mattering:
        """Return the kinds of a path that matter: the same in every run of its kind."""
        key = tuple(path.trace.hints.items()), tuple(settings.texts), settings.specialising
        known = self._known.get(key)
        if known is None or known.untried:
            known = kinds_that_matter(
                self.call, path, self.facts, settings, self.in_texts, deadline
            )
            self._known[key] = known
        return known


def kinds_that_matter(
    call: FactoryCall,
    path: Path,
    facts: Facts,
    settings: Settings,
    in_texts: Sequence[int] = (),
    deadline: Deadline = NEVER,
) -> Mattering:
    """Return the kinds of concretisations of a path whose numbers reach a branch or a shape.

    The path is run again with other numbers in their place, those that the factory's texts
    mention (`in_texts`) among them.
    """
    found = path.trace.concretisations
    matter = {c.kind for c in found if c.value is None and c.kind != VALUE}
    rest = {c.kind for c in found} - matter
    again = _Again(call, path, facts, settings, deadline)
    try:
        if rest and again.differs(rest, _CHANGES):
            alone = {kind for kind in rest if len(rest) == 1 or again.differs({kind}, _CHANGES)}
            matter |= alone
            rest -= alone
        rest &= {"text"}
        if rest:
            values = {c.value for c in found if c.kind == "text"}
            combinations = product(in_texts, repeat=len(values))
            if len(in_texts) ** len(values) > _MOST_COMBINATIONS or again.differs(
                rest, map(_Assigned, combinations)
            ):
                matter |= rest
    except BudgetSpent:
        return Mattering(frozenset(matter), frozenset(rest))
    return Mattering(frozenset(matter))


class _Again:
    """Runs a path again with changed numbers in the place of some concretisations."""

    def __init__(
        self, call: FactoryCall, path: Path, facts: Facts, settings: Settings, deadline: Deadline
    ) -> None:
        self.call = call
        self.path = path
        self.facts = facts
        self.settings = replace(settings, longest=MOST_ITERATIONS, deadline=deadline)

    def differs(
        self, kinds: Collection[str], changes: Iterable[Callable[[Number], Number]]
    ) -> bool:
        """Return whether a change of the numbers of these kinds changes the story of the run.

        Raises:
            BudgetSpent: the deadline has passed.
        """
        for change in changes:
            if self.settings.deadline.passed:
                raise BudgetSpent
            if self._story_with(kinds, change) != self._story:
                return True
        return False

    @cached_property
    def _story(self) -> tuple[object, ...]:
        return _story(self.path)

    def _story_with(
        self, kinds: Collection[str], change: Callable[[Number], Number]
    ) -> tuple[object, ...]:
        def perturb(kind: str, value: Number) -> Number:
            return change(value) if kind in kinds else value

        settings = replace(self.settings, perturb=perturb)
        hints = self.path.trace.hints
        return _story(followed(self.call, hints, self.facts, Place(), {}, settings))


def _story(path: Path) -> tuple[object, ...]:
    """Tell what a run decided and built, apart from what it said."""
    raised = path.trace.raised
    shapes = [
        (t.name, t.kind, t.dtype, t.trainable, list(map(path.lowering, t.shape or ())))
        for t in path.trace.tensors
    ]
    return path.decisions, raised and (raised.kind, raised.source), shapes


def _one_more(value: Number) -> Number:
    return value + 1


def _much_more(value: Number) -> Number:
    return 2 * value + 3


def _many_digits_more(value: Number) -> Number:
    return 10_000 * value + 7


_CHANGES = (_one_more, _much_more, _many_digits_more)


class _Together:
    """Gives the outcomes of what each constructor of a module asks, and of what is asked elsewhere.

    What it has no outcome for it leaves as it is. `most` is the number of questions of one.
    """

    def __init__(self, outcomes: Sequence[bool]) -> None:
        self.outcomes = outcomes
        self.met: dict[FrameType | None, int] = {}
        self.most = 0

    def __call__(self, value: Number) -> Number:
        constructor = next((f for f in callers() if f.f_code.co_name == "__init__"), None)
        k = self.met.get(constructor, 0)
        self.met[constructor] = k + 1
        self.most = max(self.most, k + 1)
        return self.outcomes[k] if k < len(self.outcomes) else value


class _InTurn:
    """Gives one outcome after the other, again and again."""

    def __init__(self, outcomes: Iterable[bool]) -> None:
        self.outcomes = cycle(outcomes)

    def __call__(self, value: Number) -> Number:
        return next(self.outcomes)


class _Assigned:
    """Gives each value that it meets another of the numbers."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self.numbers = iter(numbers)
        self.given: dict[Number, Number] = {}

    def __call__(self, value: Number) -> Number:
        if value not in self.given:
            self.given[value] = next(self.numbers, value)
        return self.given[value]
