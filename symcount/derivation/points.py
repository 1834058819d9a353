"""Choose the points at which a formula is compared with plainly built modules."""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain, combinations, islice

from symcount.algebra.choices import sides
from symcount.algebra.conditions import Decisions
from symcount.algebra.evaluate import value
from symcount.algebra.facts import Facts
from symcount.algebra.poly import Poly, Variable
from symcount.derivation.expected import can_be_described, is_built
from symcount.derivation.frontier import shortened
from symcount.derivation.indices import has_index
from symcount.derivation.lengths import first_at, grows_by_one, lengths_of
from symcount.derivation.paths import Exploration, Path, takes
from symcount.errors import UnsupportedError
from symcount.factory import building, constants
from symcount.factory.call import FactoryCall
from symcount.formula.tree import Built, TensorSpec, Tree, follow, leaves
from symcount.symbols import Hyperparameter, Point, Values
from symcount.trace.interrupts import NotFolded
from symcount.trace.loops import Loop
from symcount.work import Deadline

_POINTS = 6
# Points beyond the hints at which a formula is compared if a symbol may be missing from it.
HELD_OUT = 12
# Points that are tried for those: on narrow paths few of them lead to a module.
_MOST_TRIES = 400
# Numbers of iterations at which a formula with loops is compared: the first at which a module is
# built, of no more tensors than that, larger than most counters look at; and those that the
# factory's code mentions.
_MANY_ITERATIONS = (*range(131, 119, -1), 65, 64, 33)
_MOST_TENSORS = 1 << 14
_LARGEST_LENGTH = 64
_MOST_LENGTHS = 60
# How many points there are at which so many loops are as short as they can be.
_MOST_TOGETHER = 6
# On how many sides of choices points are looked for; on how many by the solver, in how many steps.
_MOST_SIDES = 256
_MOST_QUESTIONS = 16
_STEPS = 400_000
# How many times smaller a point is than one that there is no memory for, by the product of its
# numbers, if nothing is known of points between them.
_MUCH_SMALLER = 16


class NoTime(Exception):
    """The time for comparing is over."""


class Points:
    """Chooses the points at which a formula is compared: those where it says a module is built.

    A point whose module there is no memory for is passed over, and from then on none is chosen that
    is larger than those before, unless it is much smaller. `unbuilt` counts the paths on which
    there is no other, and `short_of_memory` says whether there are too few points because of it.
    """

    def __init__(
        self,
        call: FactoryCall,
        found: Exploration,
        builds: building.PlainBuilds,
        tree: Tree,
        facts: Facts,
        deadline: Deadline,
        lengths: Sequence[int] = (),
    ) -> None:
        self.call = call
        self.found = found
        self.builds = builds
        self.tree = tree
        self.facts = facts
        self.deadline = deadline
        self.lengths = lengths
        self.names: list[str] = [h.name for h in call.hyperparameters]
        self.chosen: list[dict[str, int | float]] = []
        self.unbuilt = 0
        self._further = 0
        self._wanted = 0
        self._largest = math.inf
        self._seen: set[Point] = set()

    @property
    def short_of_memory(self) -> bool:
        """Tell whether there are fewer points than there should be for want of memory."""
        return self._largest < math.inf and len(self.chosen) < self._wanted

    def of_paths(self) -> Iterator[Values]:
        """Choose a point of every path: its hints, if there is memory for them."""
        for path in self.found.built:
            hints = tuple(path.trace.hints.values())
            here = hints if self._can_be_built(hints) else self._smaller(path, hints)
            if here is None:
                self.unbuilt += 1
            else:
                yield self._choose(here)

    def others(self, may_be_wrong: bool) -> Iterator[Values]:
        """Choose further points, until there are enough of them.

        Points in which every symbol differs from all points before come first.

        Raises:
            NoTime: the deadline has passed, and there has been one.
        """
        self._further = 0
        self._wanted = wanted = max(_POINTS, len(self.chosen) + (HELD_OUT if may_be_wrong else 1))
        yield from self._new(self._of_other_lengths())
        for distinct in (True, False):
            for point in islice(_other_points(self.call, self.found), _MOST_TRIES):
                if len(self.chosen) >= wanted:
                    break
                if not (distinct and self._shares_a_value(point)):
                    yield from self._new([point])
        yield from self._new(self._of_choices())

    def _of_other_lengths(self) -> Iterator[Point]:
        """List points with few iterations, or many, or about as many as a number in the code says.

        Those suspected to make a difference come with the many.

        What a factory counts without anybody seeing it, by `len()` or a counter of its own, it most
        likely compares with such a number.
        """
        if not self.found.short or not self.found.built:
            return
        path = self.found.built[0]
        base = tuple(path.trace.hints.values())
        mentioned = [
            number + more
            for number in constants.numbers(self.call.function)
            if 3 < number <= _LARGEST_LENGTH
            for more in (0, 1, 2)
        ]
        lengths: dict[int, Sequence[int | float]] = {}
        alone: dict[int, Sequence[int | float]] = {}
        for index, h in enumerate(self.call.hyperparameters):
            if h.name in self.found.short:

                def at(number: int, index: int = index, h: Hyperparameter = h) -> Point:
                    return _moved(base, {index: h.aligned(number)})

                few = (n for n in _MANY_ITERATIONS if 0 < self._tensors(at(n)) <= _MOST_TENSORS)
                many = next(few, _MANY_ITERATIONS[-1])
                alone[index] = [h.aligned(n) for n in (0, many, *self.lengths)]
                dealt = (1, 2, 3, *mentioned[:_MOST_LENGTHS])
                lengths[index] = list(dict.fromkeys(map(h.aligned, dealt)))
        yield from self._together(base, lengths, _apart(path, self.names, lengths))
        for index, numbers in alone.items():
            yield from (_moved(base, {index: number}) for number in numbers)
        yield from _shortest_together(self.call, self.found, base)
        yield from self._of_coarse_lengths(
            base, (1, 2, 3, *self.lengths, *mentioned[:_MOST_LENGTHS])
        )

    def _of_coarse_lengths(self, base: Point, numbers: Sequence[int]) -> Iterator[Point]:
        """List points with as many iterations of loops that get longer by steps of a symbol."""
        names = {h.name: index for index, h in enumerate(self.call.hyperparameters)}
        lengths = dict.fromkeys(
            (name, length)
            for path in self.found.built[:_MOST_TOGETHER]
            for length in lengths_of(path)
            for name in sorted(_symbols(length))
            if name in self.found.short
        )
        for name, length in lengths:
            index = names[name]
            h = self.call.hyperparameters[index]

            def at(number: float, index: int = index, h: Hyperparameter = h) -> Point:
                return _moved(base, {index: h.aligned(number)})

            def long(number: int, length: Poly = length, index: int = index) -> float:
                return value(length, self._named(_moved(base, {index: number})))

            if grows_by_one(long):
                continue
            sizes = [size for n in numbers if (size := first_at(long, n)) is not None]
            larger = (size for n in _MANY_ITERATIONS if (size := first_at(long, n)) is not None)
            many = (size for size in larger if 0 < self._tensors(at(size)) <= _MOST_TENSORS)
            yield from (at(size) for size in (*sizes, *islice(many, 1)))

    def _together(
        self, base: Point, lengths: Mapping[int, Sequence[int | float]], apart: Collection[int]
    ) -> Iterator[Point]:
        """Deal out lengths of all loops to points, each length of each loop to one of them.

        A point stands for those at which one symbol alone has its length only if all of them are
        of the same piece of the formula, and if it is built. Those `apart` are alone.
        """
        dealt: set[tuple[int, int | float]] = set()
        together = [index for index in lengths if index not in apart]
        for turn in range(max((len(lengths[i]) for i in together), default=0)):
            given = {
                index: lengths[index][(turn + place) % len(lengths[index])]
                for place, index in enumerate(together)
            }
            point = _moved(base, given)
            leaf = self._leaf(point)
            if len(together) > 1 and leaf and self._can_be_built(point, self._largest):
                alone = {i: self._leaf(_moved(base, {i: number})) for i, number in given.items()}
                if all(one is leaf for one in alone.values()):
                    dealt.update(given.items())
                    yield point
        for index, numbers in lengths.items():
            for number in numbers:
                if (index, number) not in dealt:
                    yield _moved(base, {index: number})

    def _leaf(self, point: Point) -> Built | None:
        """Return the piece of the formula at a point, if it says that a module is built there."""
        values = self._named(point)
        leaf = follow(self.tree, values) if is_built(self.tree, values) else None
        return leaf if isinstance(leaf, Built) else None

    def _tensors(self, point: Point) -> int:
        """Return how many tensors a module has at a point, or a bound of it; 0 if none is built."""
        leaf = self._leaf(point)
        values = self._named(point)
        with suppress(ArithmeticError, ValueError):
            return sum(_times(weight, values) for weight in leaf.weights) if leaf else 0
        return 0

    def _new(self, points: Iterable[Point]) -> Iterator[Values]:
        return (self._choose(point) for point in points if self._is_new(point))

    def _shares_a_value(self, point: Point) -> bool:
        """Return whether a symbol has the value that it has at a point before."""
        return any(
            a == b for other in self.chosen for a, b in zip(point, other.values(), strict=True)
        )

    def _of_choices(self) -> Iterator[Point]:
        """Find a point on each side of every choice that a helper made, if there are none so far.

        Where a side is another choice, that is a point on each of its sides.
        """
        goals = [decisions for decisions, leaf in leaves(self.tree) if isinstance(leaf, Built)]
        goals += sorted(dict.fromkeys(_sides_of_choices(self.found)), key=len, reverse=True)
        missing = [g for g in goals[:_MOST_SIDES] if not any(takes(g, p) for p in self.chosen)]

        def met(point: Values) -> bool:
            here = [goal for goal in missing if takes(goal, point)]
            missing[:] = [goal for goal in missing if goal not in here]
            return bool(here)

        for point in islice(_other_points(self.call, self.found), _MOST_TRIES if missing else 0):
            if met(self._named(point)):
                yield point
        if not missing:
            return
        from symcount.algebra.solver import Solver

        solver = Solver(self.call.hyperparameters, self.facts, steps=_STEPS)
        solver.small = set(self.found.short)
        solver.deadline = self.deadline
        for goal in missing[:_MOST_QUESTIONS]:
            if goal in missing:
                model = next((m for m in solver.models(goal) if m and met(m)), None)
                if model is not None:
                    yield tuple(model[name] for name in self.names)

    def _named(self, point: Point) -> dict[str, int | float]:
        return dict(zip(self.names, point, strict=True))

    def _choose(self, point: Point) -> Values:
        self._further += 1
        self._seen.add(point)
        self.chosen.append(self._named(point))
        return self.chosen[-1]

    def _is_new(self, point: Point) -> bool:
        if point in self._seen:
            return False
        if self._further and self.deadline.passed:
            raise NoTime
        self._seen.add(point)
        if not is_built(self.tree, self._named(point)):
            return False
        if self._can_be_built(point, self._largest):
            return True
        if math.prod(point) <= self._largest:
            built = max((math.prod(p.values()) for p in self.chosen), default=0)
            self._largest = max(built, math.prod(point) / _MUCH_SMALLER)
        return False

    def _can_be_built(self, point: Point, largest: float = math.inf) -> bool:
        """Return whether torch can describe the tensors at a point, with memory for the rest.

        What is a little smaller than a point without memory would not fail, but take all the
        memory that there is: nothing is built if the product of the numbers is above `largest`.
        """
        values = self._named(point)
        return (
            math.prod(point) <= largest
            and can_be_described(self.tree, values)
            and not isinstance(self.builds.at(values), building.TooLarge)
        )

    def _smaller(self, path: Path, point: Point) -> Point | None:
        """Find another point of a path that can be built."""
        largest = math.prod(point) / _MUCH_SMALLER
        ranges = self.call.hyperparameters
        smaller = (
            tuple(min(v, h.aligned(v / divisor)) for h, v in zip(ranges, point, strict=True))
            for divisor in (_MUCH_SMALLER, 64, 256, 1024, 4096)
        )
        for other in chain(smaller, islice(_other_points(self.call, self.found), _MOST_TRIES)):
            if self.deadline.passed:
                break
            if path.is_taken_by(self._named(other)) and self._can_be_built(other, largest):
                return other
        return None


def _sides_of_choices(found: Exploration) -> Iterator[Decisions]:
    """List the conditions under which helpers chose one number or another."""
    for path in found.built:
        for node in path.trace.choices:
            # of a number that nothing depends on, it does not matter that it has no normal form
            with suppress(UnsupportedError, NotFolded):
                for side in sides(path.lowering(node).poly):
                    if not any(has_index(condition) for condition, _ in side):
                        yield (*path.decisions, *side)


def _moved(base: Point, lengths: Mapping[int, int | float]) -> Point:
    return tuple(lengths.get(index, number) for index, number in enumerate(base))


def _apart(path: Path, names: Sequence[str], indices: Iterable[int]) -> set[int]:
    """Return the symbols that may decide how often the loop of another is gone through.

    These are all but those of loops of one symbol each, with no loop around or within them, and of
    lists that such loops have left.
    """
    loops = path.trace.loops
    nested = {id(each) for loop in loops for each in (loop, *_around(loop)) if loop.inside}
    by_itself: set[str] = set()
    mixed: set[str] = set()
    counts = [path.lowering(loop.count).poly for loop in loops]
    for loop, count in zip(loops, counts, strict=True):
        of = _symbols(count)
        (by_itself if len(of) == 1 and id(loop) not in nested else mixed).update(of)
    lists = (path.lowering(node).poly for node in path.trace.unrolled)
    mixed.update(*(_symbols(length) for length in lists if length not in counts))
    return {index for index in indices if names[index] not in by_itself - mixed}


def _symbols(count: Poly) -> set[str]:
    return {atom.name for atom in count.atoms() if isinstance(atom, Variable)}


def _around(loop: Loop) -> Iterator[Loop]:
    return (outer for outer, _ in loop.inside)


def _times(weight: TensorSpec, point: Values) -> int:
    """Return in how many iterations a tensor is made, if all are as long as the last."""
    times, here = 1, dict(point)
    for repeat in weight.repeats:
        count = max(0, int(value(repeat.count, here)))
        times, here[repeat.index] = times * count, max(0, count - 1)
    return times


def _shortest_together(call: FactoryCall, found: Exploration, base: Point) -> Iterator[Point]:
    """List points at which several loops are as short as they can be.

    What they fill together, such as one list, is empty there and nowhere else.
    """
    least = {i: h.aligned(0) for i, h in enumerate(call.hyperparameters) if h.name in found.short}
    for size in range(2, len(least) + 1):
        for chosen in islice(combinations(least, size), _MOST_TOGETHER):
            yield tuple(least[i] if i in chosen else value for i, value in enumerate(base))


def _other_points(call: FactoryCall, found: Exploration) -> Iterator[Point]:
    """List random points, then points that stay near the hints of a path that was built."""
    draw = random.Random(1)
    ranges = [shortened(h) if h.name in found.short else h for h in call.hyperparameters]
    for _ in range(200):
        yield tuple(h.sample(draw) for h in ranges)
    bases = [tuple(path.trace.hints.values()) for path in found.built]
    for factor in (2, 3, 4, 5, 6, 7, 8):
        for base in bases:
            yield tuple(h.aligned(v * factor) for h, v in zip(ranges, base, strict=True))
    for base in bases:
        for index, h in enumerate(ranges):
            for other in (*h.near(base[index]), *(h.sample(draw) for _ in range(8))):
                yield (*base[:index], other, *base[index + 1 :])
