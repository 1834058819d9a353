"""Fold the iterations of a loop into one symbolic tensor.

A run goes through a loop a few times. Iterations that took the same decisions must have made the
same tensors, their sizes being the same function of the index; then a tensor of one iteration
stands for those of all, and how many there are is a sum over the index
(`symcount.derivation.sums`). Where iterations differ though they decided alike, such as a first one
that has another input, it is tried whether the first or the last is the exception.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any, TypeAlias

from symcount.algebra.comparing import compare, maximum
from symcount.algebra.conditions import Condition, Decisions
from symcount.algebra.evaluate import holds, value
from symcount.algebra.facts import Facts
from symcount.algebra.functions import call
from symcount.algebra.poly import Poly, const, product_of, symbol, written
from symcount.algebra.substitution import substituted
from symcount.derivation.indices import has_index, in_iteration, limits_of
from symcount.derivation.lowering import Lowering
from symcount.derivation.paths import Followed, Iteration, Open, Path, Place
from symcount.derivation.sums import Assumptions, NoClosedForm, Undecided, total
from symcount.formula.choice_trees import ANYTHING, Choice, choice, mapped
from symcount.formula.tree import Built, Repeat, Split, TensorSpec, Tree
from symcount.record import INDEX, Node
from symcount.trace.interrupts import NotFolded
from symcount.trace.loops import Loop, Tags
from symcount.trace.result import TracedTensor

_NUMBERS = re.compile("[0-9]+")
# Splits of a path by conditions on which a sum depends.
_MOST_SPLITS = 8
# From how many lengths a number that grows with them is worked out; it has to fit one more.
_FITTED = 2
# Loops up to this length are better followed for each length than by a law that is inferred.
_SHORT = 16


@dataclass(frozen=True)
class _Made:
    """A tensor or a loop as one iteration makes it.

    Two are equal if they are the same but for the numbers in their names.
    """

    name: str
    sizes: tuple[Poly, ...] | None
    facts: tuple[Any, ...]
    occurrence: int
    times: Poly | None = None
    tensor: TracedTensor | None = field(compare=False, default=None)


_Signature: TypeAlias = "tuple[_Made, ...]"


class Folder:
    """Folds the loops of one path into weights that stand for those of all iterations.

    `inferred` says whether iterations had to be taken for exceptions that no decision explains, and
    `fitted` whether a number of tensors was worked out from those that loops of some lengths made.
    """

    def __init__(self, path: Path, lowering: Lowering) -> None:
        self.path = path
        self.runs: list[Path] = [path, *path.again]
        self.lowerings: dict[int, Lowering] = {
            id(run): lowering if run is path else Lowering(lowering.facts) for run in self.runs
        }
        self.facts: Facts = lowering.facts
        self.inferred = False
        self.fitted = False
        self.limits: set[tuple[Condition, bool]] = set()
        self._by_tags = {id(run): _by_tags(run) for run in self.runs}
        self._iterations: dict[str, list[tuple[Path, Iteration]]] = {}
        self._inside: dict[tuple[int, Tags], list[Loop]] = {}
        self._loops: dict[str, Loop] = {}
        for run in self.runs:
            for iteration in run.iterations:
                self._iterations.setdefault(iteration.loop.name, []).append((run, iteration))
            for loop in run.trace.loops:
                self._loops[loop.name] = loop
                self._inside.setdefault((id(run), loop.inside), []).append(loop)
        self._steps: dict[tuple[object, ...], tuple[Poly, ...]] = {}
        self._members: dict[tuple[tuple[str, ...], _Made], list[tuple[list[int], str]]] = {}

    def weights(self) -> tuple[TensorSpec, ...]:
        """Return the weights of the path; of those in loops, `total` is still to be summed."""
        top = self._top()
        order = {id(tensor): place for place, tensor in enumerate(self.path.trace.tensors)}
        found = list(self._below(top, ()))
        found.sort(key=lambda pair: order.get(id(pair[0]), len(order)))
        return tuple(weight for _, weight in found)

    def _top(self) -> _Signature:
        """Return what is made outside of loops, or by loops over what others have left."""
        tops = [self._made(run, ()) for run in self.runs]
        if all(made == tops[0] for made in tops):
            return tops[0]
        for length, lengths in self._lengths():
            if not _is_short(length, self.facts) and self._found_steps(
                (), zip(lengths, tops, strict=True), length
            ):
                return self._made(self.path, ())
        self.fitted = True
        counts = [Counter(replace(made, occurrence=0) for made in top) for top in tops]
        kinds = dict.fromkeys(replace(made, occurrence=0) for top in tops for made in top)
        found = []
        for kind in kinds:
            numbers = [count[kind] for count in counts]
            if len(set(numbers)) == 1:
                found += [replace(kind, occurrence=times) for times in range(numbers[0])]
            else:
                found.append(replace(kind, times=self._fitted(numbers)))
        return tuple(found)

    def _fitted(self, numbers: Sequence[int]) -> Poly:
        """Fit what is so large in each run by a multiple of the length of a loop, plus a number."""
        for length, lengths in self._lengths():
            pairs = sorted(set(zip(lengths, numbers, strict=True)))
            if len(pairs) <= _FITTED or len({x for x, _ in pairs}) < len(pairs):
                continue
            (x, y), *others = pairs
            slope = Fraction(others[0][1] - y, others[0][0] - x)
            if all(y + slope * (at - x) == seen for at, seen in others):
                return maximum((const(0), length.scaled(slope) + const(y - slope * x)), self.facts)
        raise NotFolded("what is made outside of its loops depends on how long they are")

    def _lengths(self) -> Iterator[tuple[Poly, list[int]]]:
        """List how long loops are, and how long they were in each run."""
        lowering = self.lowerings[id(self.path)]
        for node in (*self.path.trace.unrolled, *(lp.count for lp in self.path.trace.loops)):
            length = lowering(node).poly
            if not has_index(length):
                yield length, [value(length, run.trace.hints) for run in self.runs]

    def _below(
        self, made: _Signature, repeats: tuple[Repeat, ...]
    ) -> Iterator[tuple[TracedTensor, TensorSpec]]:
        for item in made:
            if item.tensor is not None and item.times is not None:
                again = (*repeats, Repeat(f"{INDEX}times", item.times))
                yield (
                    item.tensor,
                    replace(
                        self._weight(item, item.tensor, again),
                        name=_NUMBERS.sub("{*}", item.tensor.name),
                    ),
                )
            elif item.tensor is not None:
                yield item.tensor, self._weight(item, item.tensor, repeats)
            else:
                yield from self._of_loop(item, repeats)

    def _of_loop(
        self, item: _Made, repeats: tuple[Repeat, ...]
    ) -> Iterator[tuple[TracedTensor, TensorSpec]]:
        assert item.sizes is not None
        (count,) = item.sizes
        tree = self._tree(item.name, count)
        for kind in dict.fromkeys(made for signature in _leaves(tree) for made in signature):

            def is_made(signature: _Signature, kind: _Made = kind) -> int:
                return int(kind in signature)

            when = mapped(tree, is_made)
            yield from self._below((kind,), (*repeats, Repeat(item.name, count, when)))

    def _tree(self, name: str, count: Poly) -> Any:
        """Return what the iterations of a loop make, as a tree of choices on its index."""
        for conditions, is_inferred in self._exceptions(name, count):
            found = self._grown(name, conditions)
            if found is not None:
                self.inferred |= is_inferred
                return found
        seen = [
            (iteration.number, self._made(run, ((iteration.loop, iteration.number),)))
            for run, iteration in self._iterations.get(name, ())
            if not iteration.loop.inside
        ]
        is_long = not _is_short(count, self.facts)
        if is_long and self._found_steps((name,), seen, symbol(name)):
            found = self._grown(name, ())
            if found is not None:
                return found
        raise NotFolded("iterations of a loop differ in what they make")

    def _found_steps(
        self, loops: tuple[str, ...], seen: Iterable[tuple[int, _Signature]], at: Poly
    ) -> bool:
        """Find the law of sizes that grow, as a running width does, and remember it.

        `seen` is what was made in each iteration, or by each length, and `at` the number of these.
        """
        sizes: dict[tuple[object, ...], dict[int, tuple[Poly, ...]]] = {}
        for number, made in seen:
            for item, place in _placed(made):
                known = sizes.setdefault((loops, *place), {})
                if item.sizes is None or known.setdefault(number, item.sizes) != item.sizes:
                    return False
        numbers = {number for by_number in sizes.values() for number in by_number}
        if any(by_number.keys() != numbers for by_number in sizes.values()):
            return False
        for key, by_number in sizes.items():
            law = _laws(by_number, at)
            if law is None:
                return False
            self._steps[key] = law
        self.inferred = True
        return True

    def _exceptions(self, name: str, count: Poly) -> Iterator[tuple[list[Condition], bool]]:
        """List conditions by which iterations that decided alike may differ, none first.

        With each goes whether it is inferred that they do.
        """
        yield [], False
        own = set(_conditions(self.path.loops[name]))
        explained = [c for c in dict.fromkeys(self._decided_elsewhere(name, count)) if c not in own]
        first, last = self._is_at(name, const(0)), self._is_at(name, count - const(1))
        yield explained, False
        yield explained + first, True
        yield explained + first + last, True
        outer = [loop.name for loop, _ in self._loops[name].inside]
        decided = [c for other in outer for c in _conditions(self.path.loops[other])]
        around = [c for other in outer for c in self._is_at(other, const(0)) if c not in decided]
        if outer:
            yield decided, False
            yield decided + around, True
            yield decided + around + first, True
            yield decided + around + first + last, True

    def _is_at(self, name: str, number: Poly) -> list[Condition]:
        condition, _ = compare("eq", symbol(name), number, self.facts)
        return [] if condition is None else [condition]

    def _decided_elsewhere(self, name: str, count: Poly) -> Iterator[Condition]:
        """List what loops of as many iterations decided: they may have made a list for this one."""
        index = symbol(name)
        own = self._loops[name]
        around = own.inside[-1][0].name if own.inside else None
        for other in self._loops.values():
            inside = other.inside[-1][0].name if other.inside else None
            if other.name != name and inside == around:
                if self.lowerings[id(self.path)](other.count).poly != count:
                    continue
                for condition in _conditions(self.path.loops[other.name]):
                    left, right = (
                        substituted(side, other.name, index, self.facts)
                        for side in (condition.left, condition.right)
                    )
                    yield Condition(condition.op, left, right)

    def _grown(self, name: str, exceptions: Sequence[Condition]) -> Any:
        """Grow the tree; None if iterations differ though they decided alike.

        Iterations in which `exceptions` have another truth may differ.
        """
        made: dict[tuple[bool, ...], dict[int, _Signature]] = {}
        root = self.path.loops[name]
        for run, iteration in self._iterations.get(name, ()):
            known = tuple(_holds(condition, run, iteration) for condition in exceptions)
            end = root.follow(step.truth for step in iteration.steps)
            here = self._made(run, (*iteration.loop.inside, (iteration.loop, iteration.number)))
            if made.setdefault(known, {}).setdefault(id(end), here) != here:
                return None
        if exceptions and not _all_seen(root, exceptions, made):
            self.inferred = True
        return _tree_of(root, exceptions, (), made)

    # --- what one iteration makes ---

    def _made(self, run: Path, tags: Tags) -> _Signature:
        """Return the tensors and loops of one iteration of a run, in the order of the module."""
        lowering = self.lowerings[id(run)]
        seen: dict[tuple[Any, ...], int] = {}
        places: Counter[tuple[Any, ...]] = Counter()
        made = []
        for tensor in self._by_tags[id(run)].get(tags, ()):
            sizes = self._sizes(run, tensor, tags)
            name = _NUMBERS.sub("*", tensor.name)
            facts = (tensor.dtype, tensor.kind, tensor.trainable)
            loops = tuple(loop.name for loop, _ in tags)
            sizes = self._steps.get((loops, name, facts, places[name, facts]), sizes)
            places[name, facts] += 1
            seen[name, sizes, facts] = times = seen.get((name, sizes, facts), -1) + 1
            made.append(_Made(name, sizes, facts, times, tensor=tensor))
        if run is self.path and tags:
            loops = tuple(loop.name for loop, _ in tags)
            for item in made:
                assert item.tensor is not None
                numbers = [number for _, number in tags]
                self._members.setdefault((loops, item), []).append((numbers, item.tensor.name))
        for loop in self._inside.get((id(run), tags), ()):
            count = lowering(loop.count)
            made.append(_Made(loop.name, (count.poly,), (), 0))
        return tuple(made)

    def _sizes(self, run: Path, tensor: TracedTensor, tags: Tags) -> tuple[Poly, ...] | None:
        """Return the sizes as functions of the indices of the iteration that makes the tensor."""
        if tensor.shape is None:
            return None
        lowering = self.lowerings[id(run)]
        sizes = []
        for size in tensor.shape:
            self.limits |= limits_of(lowering(size).limits, lowering.indices(size), lowering)
            poly, others = in_iteration(size, tags, lowering)
            if others:
                if tensor.frame is None:
                    raise NotFolded("the index of an iteration is used after its loop")
                poly = run.left.resolved(poly, tensor.frame, others)
                self.inferred |= run.left.inferred
            sizes.append(poly)
        return tuple(sizes)

    def _weight(self, made: _Made, tensor: TracedTensor, repeats: tuple[Repeat, ...]) -> TensorSpec:
        tensor = replace(tensor, aliases=without_numbers(tensor.aliases))
        return weight_of(tensor, self._name(made, tensor, repeats), made.sizes, repeats)

    def _name(self, made: _Made, tensor: TracedTensor, repeats: tuple[Repeat, ...]) -> str:
        """Name all tensors that are like one: `layers.{0..n-1}.weight`."""
        members = self._members.get((tuple(r.index for r in repeats), made), [])
        if not members:
            return tensor.name
        texts = _NUMBERS.split(tensor.name)
        columns = zip(*(map(int, _NUMBERS.findall(name)) for _, name in members), strict=True)
        parts = [texts[0]]
        for text, column in zip(texts[1:], columns, strict=True):
            parts += [_number(column, [numbers for numbers, _ in members], repeats), text]
        return "".join(parts)


def _placed(made: _Signature) -> Iterator[tuple[_Made, tuple[object, ...]]]:
    """List what is made with what tells it apart but for its sizes."""
    places: Counter[tuple[Any, ...]] = Counter()
    for item in made:
        yield item, (item.name, item.facts, places[item.name, item.facts])
        places[item.name, item.facts] += 1


def _laws(seen: Mapping[int, tuple[Poly, ...]], at: Poly) -> tuple[Poly, ...] | None:
    """Write sizes as functions of a number, if they grow by steps that are equal or multiply."""
    numbers = sorted(seen)
    if len(numbers) <= _FITTED:
        return None
    columns = zip(*(seen[number] for number in numbers), strict=True)
    laws = [_in_equal_steps(numbers, c, at) or _in_rising_steps(numbers, c, at) for c in columns]
    found = tuple(law for law in laws if law is not None)
    return found if len(found) == len(laws) else None


def _in_equal_steps(numbers: Sequence[int], sizes: Sequence[Poly], at: Poly) -> Poly | None:
    x, first = numbers[0], sizes[0]
    step = (sizes[1] - first).scaled(Fraction(1, numbers[1] - x))
    fits = all(first + step.scaled(n - x) == size for n, size in zip(numbers, sizes, strict=True))
    return first + step * (at - const(x)) if fits else None


def _in_rising_steps(numbers: Sequence[int], sizes: Sequence[Poly], at: Poly) -> Poly | None:
    """Write a size as a geometric series: its steps are each a multiple of the one before."""
    steps = [b - a for a, b in pairwise(sizes)]
    product = next(iter(steps[0].terms), None)
    if product is None or len(steps) <= _FITTED or numbers[-1] - numbers[0] != len(steps):
        return None
    ratio = Fraction(steps[1].terms.get(product, 0)) / steps[0].terms[product]
    if ratio < 2 or ratio.denominator > 1 or any(a.scaled(ratio) != b for a, b in pairwise(steps)):
        return None
    step = steps[0].scaled(ratio ** -numbers[0])
    first = sizes[0] - step.scaled((ratio ** numbers[0] - 1) / (ratio - 1))
    if step.denominator > 1 or first.denominator > 1:
        return None
    return first + step.scaled(1 / (ratio - 1)) * (call("pow", const(ratio), at) - const(1))


def weight_of(
    tensor: TracedTensor,
    name: str,
    shape: tuple[Poly, ...] | None,
    repeats: tuple[Repeat, ...] = (),
) -> TensorSpec:
    """Return a traced tensor with its sizes in normal form."""
    return TensorSpec(
        name=name,
        shape=shape,
        dtype=tensor.dtype,
        itemsize=tensor.itemsize,
        kind=tensor.kind,
        trainable=tensor.trainable,
        source=tensor.frame.source if tensor.frame else None,
        operation=tensor.operation,
        repeats=repeats,
        aliases=() if repeats else tensor.aliases,
    )


def without_numbers(names: Iterable[str]) -> tuple[str, ...]:
    """Return names with `{*}` for numbers, which may depend on how long a loop is."""
    return tuple(dict.fromkeys(_NUMBERS.sub("{*}", name) for name in names))


def _number(
    column: Sequence[int], numbers: Sequence[Sequence[int]], repeats: Sequence[Repeat]
) -> str:
    """Write a number in the names of tensors that are alike, made by these iterations."""
    if len(column) == 1 and repeats and column[0] in numbers[0]:
        return "{*}"
    if len(set(column)) == 1:
        return str(column[0])
    for depth, repeat in enumerate(repeats):
        offsets = {value - number[depth] for value, number in zip(column, numbers, strict=True)}
        if len(offsets) == 1 and repeat.when == 1 and not has_index(repeat.count):
            (first,) = offsets
            return f"{{{first}..{written(repeat.count + const(first - 1))}}}"
    return "{*}"


def _by_tags(run: Path) -> dict[Tags, list[TracedTensor]]:
    """Sort tensors by the iteration that makes them; by () those made outside of loops.

    A tensor made outside whose sizes depend on an index is one of a list that the loop has left: it
    counts as made in that iteration, unless its place uses single entries.
    """
    found: dict[Tags, list[TracedTensor]] = {}
    for tensor in run.trace.tensors:
        nodes = [size for size in tensor.shape or () if isinstance(size, Node)]
        indices = set().union(*map(run.lowering.indices, nodes))
        others = {tag for tag in indices if tag[0] not in dict(tensor.tags)}
        tags = tensor.tags
        if len(others) == 1 and not tags and tensor.frame is not None:
            (tag,) = others
            if not tag[0].inside and run.left.is_entry(tensor.frame, tag) is False:
                tags = (tag,)
        found.setdefault(tags, []).append(tensor)
    return found


def _holds(condition: Condition, run: Path, iteration: Iteration) -> bool:
    values = dict(run.trace.hints)
    for loop, number in (*iteration.loop.inside, (iteration.loop, iteration.number)):
        values[loop.name] = number
    return holds(condition, values)


def _tree_of(
    place: Place,
    exceptions: Sequence[Condition],
    known: tuple[bool, ...],
    made: Mapping[tuple[bool, ...], Mapping[int, _Signature]],
) -> Any:
    """Return a tree of choices with what the iterations made for leaves."""
    if len(known) < len(exceptions):
        then, otherwise = (
            _tree_of(place, exceptions, (*known, truth), made) for truth in (True, False)
        )
        return choice(exceptions[len(known)], then, otherwise)
    if place.fork is not None:
        sides = place.fork.then, place.fork.otherwise
        then, otherwise = (_tree_of(side, exceptions, known, made) for side in sides)
        return choice(place.fork.condition, then, otherwise)
    if place.is_open:
        raise NotFolded("some iterations of a loop were not seen")
    return made.get(known, {}).get(id(place), ANYTHING)


def _all_seen(
    root: Place,
    exceptions: Sequence[Condition],
    made: Mapping[tuple[bool, ...], Mapping[int, _Signature]],
) -> bool:
    """Return whether every iteration that `exceptions` may tell apart was gone through."""
    seen = sum(len(ends) for ends in made.values())
    ends = sum(isinstance(place.state, Followed | Open) for place in root.below())
    return seen == ends << len(exceptions)


def _conditions(place: Place) -> Iterator[Condition]:
    """List the conditions of the tree of a loop, each once."""
    return iter(dict.fromkeys(here.fork.condition for here in place.below() if here.fork))


def _leaves(tree: Any) -> Iterator[_Signature]:
    if isinstance(tree, Choice):
        yield from _leaves(tree.then)
        yield from _leaves(tree.otherwise)
    elif tree is not ANYTHING:
        yield tree


def first_of_each_kind(paths: Sequence[Path], facts: Facts) -> tuple[Condition, ...]:
    """List the conditions under which loops have an iteration of each kind that they tell apart.

    What is made once for each kind, such as a table for each sort of layer, depends on them.
    """
    found: dict[Condition, None] = {}
    for path in paths:
        for loop in path.trace.loops:
            if loop.inside:
                continue
            count = path.lowering(loop.count).poly
            for condition in _conditions(path.loops[loop.name]):
                for when in (Choice(condition, 1, 0), Choice(condition, 0, 1)):
                    with suppress(NoClosedForm, Undecided):
                        number = total(
                            const(1), (Repeat(loop.name, count, when),), Assumptions(facts, {})
                        )
                        test, _ = compare("ge", number, const(1), facts)
                        if test is not None:
                            found[test] = None
    return tuple(found)


def _is_short(count: Poly, facts: Facts) -> bool:
    """Return whether a loop is so short at most that each length may be a path, and `complete`."""
    most = facts.of(count)[1]
    return most is not None and most <= _SHORT


def shortest_apart(paths: Sequence[Path], facts: Facts) -> tuple[Condition, ...]:
    """List the conditions that tell loops of no iteration and of one from all that are longer."""
    found: dict[Condition, None] = {}
    for path in paths:
        for node in (*path.trace.unrolled, *(loop.count for loop in path.trace.loops)):
            count = path.lowering(node).poly
            for least in (1, 2):
                if not has_index(count) and not _is_short(count, facts):
                    test, _ = compare("ge", count, const(least), facts)
                    found |= {} if test is None else {test: None}
    return tuple(found)


# --- summing ----------------------------------------------------------------------------------


def summed(leaf: Built, facts: Facts, decisions: Decisions) -> Tree:
    """Sum every weight of a leaf, which is split where sums have different forms."""
    for condition, truth in decisions:
        facts = facts.with_condition(condition, truth)
    return _summed(leaf, Assumptions(facts, dict(decisions)), _MOST_SPLITS)


def _summed(leaf: Built, known: Assumptions, splits: int) -> Tree:
    try:
        return replace(leaf, weights=tuple(_with_total(w, known) for w in leaf.weights))
    except NoClosedForm as error:
        raise NotFolded(str(error)) from None
    except Undecided as error:
        condition = error.condition
        if has_index(condition):
            raise NotFolded("sums have different forms in the iterations around them") from None
        if not splits:
            raise NotFolded("sums over its iterations have too many forms") from None
    sides = (
        Assumptions(
            known.facts.with_condition(condition, truth), {**known.decided, condition: truth}
        )
        for truth in (True, False)
    )
    then, otherwise = (_summed(leaf, side, splits - 1) for side in sides)
    return Split(condition, None, then, otherwise)


def _with_total(weight: TensorSpec, known: Assumptions) -> TensorSpec:
    if not weight.repeats:
        return weight
    numel = const(1) if weight.shape is None else product_of(weight.shape)
    return replace(weight, total=total(numel, weight.repeats, known))
