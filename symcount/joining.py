"""From explored places to a decision tree of weights in normal form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from symcount.algebra import Condition, Facts, Poly, choices_in, decided, divisibility
from symcount.errors import UnsupportedError
from symcount.explore import (
    Exploration,
    Path,
    Place,
    has_index,
)
from symcount.folding import Folder, summed, weight_of
from symcount.lower import Lowering
from symcount.paths import (
    Built,
    Decisions,
    Inexact,
    Refused,
    Split,
    Tree,
    Unexplored,
    Unreachable,
    Weight,
)
from symcount.symbols import Hyperparameter
from symcount.trace import TracedTensor

# Choices within the sizes of a path make pieces of it if these are no more than this.
_MOST_PIECES = 4


def join(found: Exploration, facts: Facts, ranges: Sequence[Hyperparameter]) -> tuple[Tree, bool]:
    """The decision tree of what exploring found, simplified by what holds on its paths.

    Also, whether iterations of a loop were taken for exceptions that no decision explains.

    Raises:
        NotFolded: what a loop does cannot be said for all its iterations at once.
    """
    joiner = _Joiner(found, facts, ranges)
    return joiner.tree(), joiner.inferred


class _Joiner:
    """Freezes the explored places into a tree of weights in the simplest normal form.

    What holds on every path simplifies all of them. Where that leaves paths with different
    weights, what holds on all paths of one kind simplifies that kind.
    """

    def __init__(self, found: Exploration, facts: Facts, ranges: Sequence[Hyperparameter]) -> None:
        self.found = found
        self.ranges = ranges
        self.facts = facts
        self.limits = {id(p): set(p.limits) for p in found.paths}
        self.built = [p for p in found.paths if p.trace.raised is None]
        self.inferred = False

    def tree(self) -> Tree:
        """The tree. Each path ends at the limits up to which its float steps are exact."""
        common = self._facts_of(self.built)
        kinds: dict[tuple[Weight, ...], list[Path]] = {}
        for path in self.built:
            kinds.setdefault(self._weights(path, common), []).append(path)
        weights: dict[int, tuple[Weight, ...]] = {}
        for general, paths in kinds.items():
            simplest = general
            if len(kinds) > 1:
                simplest = self._weights(paths[0], self._facts_of(paths))
            if not self._is_proved(paths, simplest):
                simplest = self._weights(paths[0], self.facts)
            for path in paths:
                weights[id(path)] = simplest
                self.limits[id(path)] |= self.limits[id(paths[0])]
        return self._freeze(self.found.root, weights)

    def _is_proved(self, paths: Sequence[Path], simplest: tuple[Weight, ...]) -> bool:
        """Whether the solver shows that what was simplified is equal on all of `paths`."""
        plain = self._weights(paths[0], self.facts)
        pairs = {
            (a, b)
            for one, other in zip(plain, simplest, strict=True)
            for a, b in zip(one.shape or (), other.shape or (), strict=True)
            if a != b
        }
        if not pairs:
            return True
        from symcount.solver import Solver

        solver = Solver(self.ranges, self.facts)
        return all(solver.proves_equal(a, b, p.decisions) for a, b in pairs for p in paths)

    def _facts_of(self, paths: Sequence[Path]) -> Facts:
        """The declared facts and the divisibilities that hold on all of `paths`."""
        shared = set.intersection(*(set(p.decisions) for p in paths))
        facts = self.facts
        for path_condition, truth in paths[0].decisions:
            divides = divisibility(path_condition) if truth else None
            if divides is not None and (path_condition, truth) in shared:
                facts = facts.with_divisible(*divides)
        return facts

    def _weights(self, path: Path, facts: Facts) -> tuple[Weight, ...]:
        lowering = path.lowering if facts is self.facts else Lowering(facts)
        if path.trace.loops or path.trace.unrolled:
            folder = Folder(path, lowering)
            weights = folder.weights()
            self.limits[id(path)] |= folder.limits
            self.inferred |= folder.inferred
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

    def _freeze(self, place: Place, weights: Mapping[int, tuple[Weight, ...]]) -> Tree:
        if place.condition is not None:
            then, otherwise = place.children()
            return Split(
                place.condition,
                place.source,
                self._freeze(then, weights),
                self._freeze(otherwise, weights),
            )
        if place.end is None:
            return Unreachable() if place.unreachable else Unexplored()
        leaf = self._leaf(place.end, weights)
        for condition, truth in _strictest(sorted(self.limits[id(place.end)], key=repr)):
            within, beyond = (leaf, Inexact()) if truth else (Inexact(), leaf)
            leaf = Split(condition, None, within, beyond)
        return leaf

    def _leaf(self, path: Path, weights: Mapping[int, tuple[Weight, ...]]) -> Tree:
        raised = path.trace.raised
        if raised is None:
            built = Built(weights[id(path)], path.trace.program())
            tree = _pieces(built, self.facts)
            if any(weight.repeats for weight in built.weights):
                return _with_sums(tree, self.facts, path.decisions)
            return tree
        hints = tuple(path.trace.hints.items())
        return Refused(raised.kind, raised.message, raised.source, hints)


def _pieces(built: Built, facts: Facts) -> Tree:
    """A path split by the choices in its sizes, as long as that makes few pieces."""
    try:
        return _split_by_choices(built, facts, [_MOST_PIECES])
    except (_TooManyPieces, UnsupportedError):
        return built


class _TooManyPieces(Exception):
    pass


def _split_by_choices(built: Built, facts: Facts, left: list[int]) -> Tree:
    """`left` says how many pieces there may still be."""
    conditions = choices_in(size for weight in built.weights for size in weight.shape or ())
    condition = next((c for c in conditions if not _in_view_of_index(c)), None)
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
        weights = tuple(
            replace(w, shape=tuple(decided(s, condition, truth, here) for s in w.shape))
            if w.shape and choices_in(w.shape)
            else w
            for w in built.weights
        )
        sides.append(_split_by_choices(replace(built, weights=weights), here, left))
    return Split(condition, None, *sides)


def _in_view_of_index(condition: Condition) -> bool:
    return has_index(condition.left) or has_index(condition.right)


def _with_sums(tree: Tree, facts: Facts, decisions: Decisions) -> Tree:
    """A tree of modules whose loops are summed in closed form."""
    if not isinstance(tree, Split):
        return summed(tree, facts, decisions) if isinstance(tree, Built) else tree
    then, otherwise = (
        _with_sums(side, facts, (*decisions, (tree.condition, truth)))
        for side, truth in ((tree.then, True), (tree.otherwise, False))
    )
    return Split(tree.condition, tree.source, then, otherwise)


def _strictest(limits: Iterable[tuple[Condition, bool]]) -> tuple[tuple[Condition, bool], ...]:
    """The limits without those that a lower one implies."""
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
