"""Join the explored paths into one decision tree of weights in normal form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from symcount.algebra.choices import choices_in
from symcount.algebra.claims import Question
from symcount.algebra.conditions import Condition, Decision, Decisions, divisibility
from symcount.algebra.facts import Facts
from symcount.algebra.poly import Poly
from symcount.algebra.substitution import decided
from symcount.derivation.folding import Folder, summed, weight_of
from symcount.derivation.indices import has_index
from symcount.derivation.lowering import Lowered, Lowering
from symcount.derivation.paths import Exploration, Followed, Fork, Open, Path, Place
from symcount.errors import UnsupportedError
from symcount.formula.tree import (
    Built,
    Inexact,
    Refused,
    Repeat,
    Split,
    TensorSpec,
    Tree,
    Unexplored,
    Unreachable,
)
from symcount.symbols import Hyperparameter
from symcount.trace.result import TracedTensor
from symcount.work import NEVER, SIMPLIFIED, Deadline

if TYPE_CHECKING:
    from symcount.algebra.solver import Solver

# Choices within the sizes of a path make pieces of it if these are no more than this.
_MOST_PIECES = 4


class Joined(NamedTuple):
    """A decision tree of weights.

    `inferred` says whether iterations of a loop were taken for exceptions that no decision
    explains, `fitted` whether a number of tensors was worked out from what loops of some lengths
    made, and `hasty` whether there was no budget to simplify all that can be. `claimed` is what
    sizes that were simplified rest on.
    """

    tree: Tree
    inferred: bool
    fitted: bool
    hasty: bool
    claimed: Sequence[Question]


def join(
    found: Exploration,
    facts: Facts,
    ranges: Sequence[Hyperparameter],
    deadline: Deadline = NEVER,
) -> Joined:
    """Freeze what exploring found into a decision tree, simplified by what holds on its paths.

    What is not simplified by the deadline stays as it was traced.

    Raises:
        NotFolded: what a loop does cannot be said for all its iterations at once.
    """
    joiner = _Joiner(found, facts, ranges, deadline)
    return Joined(joiner.tree(), joiner.inferred, joiner.fitted, joiner.hasty, joiner.claimed)


class _Joiner:
    """Freezes the explored places into a tree of weights in the simplest normal form.

    What holds on every path simplifies all of them. Where that leaves paths with different
    weights, what holds on all paths of one kind simplifies that kind.
    """

    def __init__(
        self,
        found: Exploration,
        facts: Facts,
        ranges: Sequence[Hyperparameter],
        deadline: Deadline,
    ) -> None:
        self.found = found
        self.deadline = deadline
        self.hasty = False
        self.ranges = ranges
        self.facts = facts
        self.limits = {
            id(p): {*p.limits, *(x for r in p.again for x in r.limits)} for p in found.paths
        }
        self.built = found.built
        self.inferred = any(run.left.inferred for p in found.paths for run in (p, *p.again))
        self.fitted = False
        self._with_laws: set[int] = set()  # paths whose sizes are inferred
        self.claimed: list[Question] = []
        self._solver: Solver | None = None
        self._equal: dict[tuple[Poly, Poly, Decisions], bool] = {}
        self._lowered: dict[int, tuple[Facts, Lowered]] = {}

    def tree(self) -> Tree:
        """Return the tree. Each path ends at the limits up to which its float steps are exact."""
        weights = {id(path): self._weights(path, self.facts) for path in self.built}
        common = self._facts_of(self.built)
        kinds: dict[tuple[TensorSpec, ...], list[Path]] = {}
        for path in self.built:
            kinds.setdefault(self._simplified(path, common, weights), []).append(path)
        for general, paths in kinds.items():
            simplest = general
            if len(kinds) > 1:
                simplest = self._simplified(paths[0], self._facts_of(paths), weights)
            for path in paths:
                if self._is_proved(path, weights[id(path)], simplest):
                    weights[id(path)] = simplest
                    self.limits[id(path)] |= self.limits[id(paths[0])]
        return self._freeze(self.found.root, _alike_named(weights))

    def _simplified(
        self, path: Path, facts: Facts, weights: Mapping[int, tuple[TensorSpec, ...]]
    ) -> tuple[TensorSpec, ...]:
        """Simplify the weights of a path by what holds on it, unless the work is done."""
        if facts is self.facts:
            return weights[id(path)]
        if self.deadline.passed:
            self.hasty = True
            return weights[id(path)]
        return self._weights(path, facts)

    def _is_proved(
        self, path: Path, plain: Sequence[TensorSpec], simplest: Sequence[TensorSpec]
    ) -> bool:
        """Return whether the solver shows that what was simplified is equal on the path."""
        questions = [*_equal_sizes(plain, simplest, path.decisions)]
        if not all(self._are_equal(*q.equal[0], path.decisions) for q in questions):
            return False
        self.claimed += questions
        return True

    def _are_equal(self, a: Poly, b: Poly, decisions: Decisions) -> bool:
        key = a, b, decisions
        if key not in self._equal:
            if self._solver is None:
                from symcount.algebra.solver import Solver

                self._solver = Solver(self.ranges, self.facts, deadline=self.deadline)
            self._equal[key] = self._solver.proves_equal(a, b, decisions)
            self.hasty |= not self._equal[key] and self.deadline.passed
        return self._equal[key]

    def _facts_of(self, paths: Sequence[Path]) -> Facts:
        """Return the declared facts and the divisibilities that hold on all of `paths`."""
        shared = set.intersection(*(set(p.decisions) for p in paths))
        facts = self.facts
        for condition, truth in paths[0].decisions:
            divides = divisibility(condition) if truth else None
            if divides is not None and (condition, truth) in shared:
                facts = facts.with_divisible(*divides)
        return facts

    def _weights(self, path: Path, facts: Facts) -> tuple[TensorSpec, ...]:
        self.deadline.spend(SIMPLIFIED * len(path.trace.tensors))
        lowering = path.lowering
        if facts is not self.facts:
            # paths do much the same arithmetic
            lowering = Lowering(facts, self._lowered.setdefault(id(facts), (facts, {}))[1])
        if path.trace.loops or path.trace.unrolled:
            folder = Folder(path, lowering)
            weights = folder.weights()
            self.limits[id(path)] |= folder.limits
            self.inferred |= folder.inferred
            if folder.inferred:
                self._with_laws.add(id(path))
            self.fitted |= folder.fitted
            return weights
        return tuple(
            weight_of(t, t.name, self._shape(path, lowering, t)) for t in path.trace.tensors
        )

    def _shape(
        self, path: Path, lowering: Lowering, tensor: TracedTensor
    ) -> tuple[Poly, ...] | None:
        if tensor.shape is None:
            return None
        sizes = [lowering(size) for size in tensor.shape]
        self.limits[id(path)].update(*(size.limits for size in sizes))
        return tuple(size.poly for size in sizes)

    def _freeze(self, place: Place, weights: Mapping[int, tuple[TensorSpec, ...]]) -> Tree:
        state = place.state
        if isinstance(state, Fork):
            then, otherwise = (self._freeze(s, weights) for s in (state.then, state.otherwise))
            return Split(state.condition, state.source, then, otherwise)
        if not isinstance(state, Followed):
            return Unexplored() if isinstance(state, Open) else Unreachable()
        leaf = self._leaf(state.path, weights)
        limits = sorted(self.limits[id(state.path)], key=repr)
        kept = _strictest(limits)
        self.claimed += _implied(limits, kept)
        for condition, truth in kept:
            within, beyond = (leaf, Inexact()) if truth else (Inexact(), leaf)
            leaf = Split(condition, None, within, beyond)
        return leaf

    def _leaf(self, path: Path, weights: Mapping[int, tuple[TensorSpec, ...]]) -> Tree:
        raised = path.trace.raised
        if raised is None:
            program = path.trace.program()
            if id(path) in self._with_laws:
                program = replace(program, is_of_one_length=True)
            built = Built(weights[id(path)], program)
            tree = self._pieces(built, path.decisions)
            if any(weight.repeats for weight in built.weights):
                return _with_sums(tree, self.facts, path.decisions)
            return tree
        hints = tuple(path.trace.hints.items())
        return Refused(raised.kind, raised.message, raised.source, hints)

    def _pieces(self, built: Built, decisions: Decisions) -> Tree:
        """Split a path by the choices in its sizes, as long as that makes few pieces."""
        claimed: list[Question] = []
        try:
            tree = _split_by_choices(built, self.facts, [_MOST_PIECES], decisions, claimed)
        except (_TooManyPieces, UnsupportedError):
            return built
        self.claimed += claimed
        return tree


def _alike_named(
    weights: Mapping[int, tuple[TensorSpec, ...]],
) -> dict[int, tuple[TensorSpec, ...]]:
    """Give what the same loops make on all paths one name.

    A run with a single iteration does not tell which number in a name is that of the iteration,
    and `{*}` stands there; other paths may tell.
    """
    told: dict[tuple[str, tuple[Repeat, ...]], set[str]] = {}
    for weight in (w for made in weights.values() for w in made):
        told.setdefault(_untold(weight), set()).add(weight.name)

    def named(weight: TensorSpec) -> TensorSpec:
        names = told[_untold(weight)] - {weight.name}
        if "{*}" not in weight.name or len(names) != 1:
            return weight
        return replace(weight, name=names.pop())

    return {path: tuple(map(named, made)) for path, made in weights.items()}


def _untold(weight: TensorSpec) -> tuple[str, tuple[Repeat, ...]]:
    """Return what a weight is called where no iteration is told, and the loops that make it."""
    return re.sub(r"\{[^}]*\}", "{*}", weight.name), weight.repeats


class _TooManyPieces(Exception):
    pass


def _split_by_choices(
    built: Built, facts: Facts, left: list[int], decisions: Decisions, claimed: list[Question]
) -> Tree:
    """`left` says how many pieces there may still be; what they rest on goes to `claimed`."""
    conditions = choices_in(size for weight in built.weights for size in weight.shape or ())
    condition = next((c for c in conditions if not has_index(c)), None)
    if condition is None:
        left[0] -= 1
        if left[0] < 0:
            raise _TooManyPieces
        return built
    if len(conditions) > _MOST_PIECES:
        raise _TooManyPieces
    sides = []
    for truth in (True, False):
        here = facts.with_condition(condition, truth)
        way = (*decisions, (condition, truth))
        weights = tuple(_decided(w, condition, truth, here) for w in built.weights)
        claimed += _equal_sizes(built.weights, weights, way)
        sides.append(_split_by_choices(replace(built, weights=weights), here, left, way, claimed))
    return Split(condition, None, *sides)


def _decided(weight: TensorSpec, condition: Condition, truth: bool, facts: Facts) -> TensorSpec:
    if not weight.shape or not choices_in(weight.shape):
        return weight
    shape = tuple(decided(size, condition, truth, facts) for size in weight.shape)
    return replace(weight, shape=shape)


def _equal_sizes(
    before: Sequence[TensorSpec], after: Sequence[TensorSpec], decisions: Decisions
) -> Iterator[Question]:
    """Say that sizes which have changed are equal on a path."""
    pairs = dict.fromkeys(
        (a, b)
        for one, other in zip(before, after, strict=True)
        for a, b in zip(one.shape or (), other.shape or (), strict=True)
        if a != b
    )
    return (Question("piece", decisions, (pair,)) for pair in pairs)


def _with_sums(tree: Tree, facts: Facts, decisions: Decisions) -> Tree:
    """Sum the loops of a tree of modules in closed form."""
    if not isinstance(tree, Split):
        return summed(tree, facts, decisions) if isinstance(tree, Built) else tree
    then, otherwise = (
        _with_sums(side, facts, (*decisions, (tree.condition, truth)))
        for side, truth in ((tree.then, True), (tree.otherwise, False))
    )
    return Split(tree.condition, tree.source, then, otherwise)


def _strictest(limits: Iterable[tuple[Condition, bool]]) -> tuple[tuple[Condition, bool], ...]:
    """Leave out the limits that a lower one implies."""
    kept: dict[tuple[Any, ...], tuple[Condition, bool]] = {}
    for condition, truth in limits:
        number = condition.right.constant
        if condition.op != "ge" or truth or number is None:
            kept[condition, truth] = condition, truth
            continue
        other = kept.get((condition.left,))
        if other is None or number < (other[0].right.constant or 0):
            kept[condition.left,] = condition, truth
    return tuple(kept.values())


def _implied(limits: Iterable[Decision], kept: Sequence[Decision]) -> Iterator[Question]:
    """Say that no values within the limits that are kept are beyond one that is left out."""
    for condition, truth in limits:
        if (condition, truth) not in kept:
            others = tuple(other for other in kept if other[0].left == condition.left)
            yield Question("simplification", (*others, (condition, not truth)))
