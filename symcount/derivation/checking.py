"""What a formula must pass before anybody sees it, and what is said of one that does not.

The comparison itself is `symcount.factory.building`'s. Here it is decided where to compare, what is
refused beforehand, and how a difference is explained.
"""

from __future__ import annotations

import ast
import dis
import inspect
import math
import random
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain, islice
from typing import Any, NamedTuple, TypeAlias

from symcount.algebra import evaluate
from symcount.algebra.normal_form import Facts, Poly, sides
from symcount.derivation.explore import Exploration, Path, Point, has_index, shortened, takes
from symcount.errors import (
    FactoryError,
    InternalError,
    NondeterministicError,
    UnknownShapeError,
    UnsupportedError,
    VerificationError,
)
from symcount.factory import ambient, building, constants
from symcount.factory.ambient import OutsideState
from symcount.factory.call import FactoryCall, function_of, name_of
from symcount.formula.choice_trees import Choice
from symcount.formula.tree import Built, Decisions, Refused, TensorSpec, Tree, follow, leaves
from symcount.record import Source
from symcount.trace import Raised, Trace, trace
from symcount.trace.loops import NotFolded

_POINTS = 6
# Points beyond the hints at which a formula is compared if a symbol may be missing from it.
HELD_OUT = 12
# Points that are tried for those: on narrow paths few of them lead to a module.
_MOST_TRIES = 400
# Numbers of iterations at which a formula with loops is compared: one that is larger than most
# counters look at, and those that the factory's code mentions.
_MANY_ITERATIONS = 33
_LARGEST_LENGTH = 64
_MOST_LENGTHS = 60
# On how many sides of choices points are looked for; on how many by the solver, and how long.
_MOST_SIDES = 256
_MOST_QUESTIONS = 16
_MILLISECONDS = 100
# A constant of a factory's code above this is no size that is worth building.
_LARGEST_CONSTANT = 1 << 31
# How many times smaller a point is than one that there is no memory for, by the product of its
# numbers, if nothing is known of points between them.
_MUCH_SMALLER = 16
# torch counts the bytes of a tensor in 63 bits.
_LARGEST_STORAGE = 1 << 63
Values: TypeAlias = "Mapping[str, int | float]"
Tensors: TypeAlias = "dict[str, building.TensorFacts] | Exception"


def require_no_memory(call: FactoryCall, builds: building.PlainBuilds, state: OutsideState) -> None:
    """Refuse a factory that builds something else because it was called before."""
    changed = state.changes()
    if not changed:
        return
    draw = random.Random(2)
    point = {h.name: h.sample(draw) for h in call.hyperparameters}
    later = builds.again_at(point)
    with state.as_before():
        first = builds.again_at(point)
    difference = _difference(first, later)
    if difference is not None:
        raise NondeterministicError(
            f"it built different modules from the same arguments ({_at(point)}): {difference}"
            f"{_changed_globals(call)}. It changes {', '.join(changed)}, outside of itself; make "
            "it a function of its arguments alone."
        )


def require_a_module(call: FactoryCall, found: Exploration, builds: building.PlainBuilds) -> None:
    if any(p.trace.raised is None for p in found.paths):
        return
    path = found.paths[0]
    raised = path.trace.raised
    assert raised is not None
    hints = _at(path.trace.hints)
    where = f" ({raised.source})" if raised.source else ""
    if not isinstance(builds.at(path.trace.hints), Exception):
        raise FactoryError(
            f"it builds a module at {hints}, but raises on symbols{where}:\n  {raised}\n"
            f"{_lost_symbols(call, found)}"
        ) from path.trace.exception
    tried = len(found.paths)
    others = "another size" if tried == 2 else f"{tried - 1} other sizes"
    more = "" if tried == 1 else f", and at {others}, one for each of its branches"
    spent = ""
    if found.out_of_time:
        spent = (
            f"\nExploring ended before it built a module: {found.spent}. Give it more: "
            "derive(factory, max_seconds=...)."
        )
    raise FactoryError(
        f"it raises at {hints}{more}{where}:\n  {raised}\n"
        f"{_furthest(found)}{_advice(raised)}{spent}"
    ) from path.trace.exception


def _furthest(found: Exploration) -> str:
    """What else was raised, where it got furthest, if that is not what was raised first."""
    first, *others = [p for p in found.paths if p.trace.raised is not None]
    other = max(others, key=lambda path: len(path.steps), default=first).trace
    raised = other.raised
    assert raised is not None and first.trace.raised is not None
    if (raised.kind, raised.source) == (first.trace.raised.kind, first.trace.raised.source):
        return ""
    where = f" ({raised.source})" if raised.source else ""
    return f"It gets further at {_at(other.hints)}{where}:\n  {raised}\n"


def _advice(raised: Raised) -> str:
    if "meta" in raised.message:
        return (
            "Modules are built on the meta device, where tensors have shapes but no values: "
            "compute sizes from the hyper-parameters, not from the values of a tensor (.item(), "
            ".tolist())."
        )
    return (
        "Tell derive() which values it takes: derive(factory, name=value) fixes a "
        "hyper-parameter, name=Symbol(min=..., multiple_of=...) constrains it."
    )


def _at(values: Values) -> str:
    return ", ".join(f"{k}={v}" for k, v in values.items())


def require_known_shapes(found: Exploration) -> None:
    for path in found.paths:
        for tensor in path.trace.tensors:
            if tensor.shape is None and tensor.kind == "parameter":
                where = f"{tensor.frame.source}: " if tensor.frame else ""
                lost = _lost(path.trace)
                made = (
                    f"it was made by {tensor.operation}()"
                    if tensor.operation
                    else "it was made before the factory ran, or by a constructor that torch "
                    "reports to nobody, such as torch.Tensor(n, m)"
                )
                raise UnknownShapeError(
                    f"{where}the shape of parameter {tensor.name!r} cannot be followed: {made}."
                    f"{lost} Create it with torch.empty(...) and sizes computed from the "
                    "hyper-parameters, or fix those: derive(factory, name=value)."
                )


def _lost(found: Trace) -> str:
    losses = [c for c in found.concretisations if c.kind not in ("text",)]
    if not losses:
        return ""
    return " A symbol became a plain number at " + "; ".join(map(str, losses)) + "."


class Checked(NamedTuple):
    """The points at which a formula was compared, and why there are fewer than there should be."""

    points: tuple[tuple[tuple[str, int | float], ...], ...]
    missing: str = ""


def check(
    call: FactoryCall,
    found: Exploration,
    builds: building.PlainBuilds,
    tree: Tree,
    facts: Facts,
    may_be_wrong: bool,
    deadline: float = math.inf,
) -> Checked:
    """Compare the tree with plainly built modules, or raise.

    On every path it is compared however long that takes, at further points until the deadline.
    """

    def expected(point: Values) -> building.Expected | None:
        try:
            leaf = follow(tree, point)
            return _said(leaf, point) if isinstance(leaf, Built) else None
        except (ArithmeticError, ValueError):
            return None  # as the factory's own arithmetic is undefined there

    def compare(points: Sequence[Values]) -> None:
        difference = building.compare(builds, expected, points)
        if difference is not None:
            raise _explained(call, found, builds, tree, difference)

    choice = _Points(call, found, builds, tree, facts, deadline)
    missing = ""
    for point in choice.of_paths():
        compare([point])
    if choice.unbuilt:
        missing = (
            f"{choice.unbuilt} {'path' if choice.unbuilt == 1 else 'paths'} could be compared at "
            "no point, for want of memory"
        )
    compare([dict(leaf.hints) for _, leaf in leaves(tree) if isinstance(leaf, Refused)])
    try:
        for point in choice.others(may_be_wrong):
            compare([point])
    except _NoTime:
        missing = missing or f"there was time to compare it at {len(choice.chosen)} points only"
    if choice.short_of_memory:
        missing = missing or f"there was memory to compare it at {len(choice.chosen)} points only"
    return Checked(tuple(tuple(point.items()) for point in choice.chosen), missing)


def _said(leaf: Built, point: Values) -> building.Expected:
    """What a path says of every tensor, its normal forms and its traced arithmetic agreeing."""
    sizes = Sizes(point)
    has_loops = any(weight.repeats for weight in leaf.weights)
    said = []
    for weight in leaf.weights:
        made = [_facts_at(weight, here) for here in iterations(weight, sizes)]
        _require_total(weight, made, sizes)
        said += [(weight.name, facts) for facts in made]
    if not has_loops:
        assert leaf.program is not None
        shapes, _ = leaf.program.run(**point)
        for weight, (name, facts) in zip(leaf.weights, said, strict=True):
            if facts.shape is not None and facts.shape != shapes[name]:
                raise InternalError(
                    f"the traced arithmetic gives {name!r} the shape {shapes[name]} at "
                    f"{_at(point)}, and its normal form ({_sizes(weight)}) gives {facts.shape}"
                )
    return building.Expected(said, numbered=not has_loops)


def iterations(weight: TensorSpec, sizes: Sizes, depth: int = 0) -> Iterator[Sizes]:
    """The sizes in each iteration of the loops around a tensor that makes it."""
    if depth == len(weight.repeats):
        yield sizes
        return
    repeat = weight.repeats[depth]
    for number in range(sizes[repeat.count]):
        here = Sizes({**sizes.point, repeat.index: number})
        when = repeat.when
        while isinstance(when, Choice):
            when = when.then if evaluate.holds(when.condition, here.point) else when.otherwise
        if when:
            yield from iterations(weight, here, depth + 1)


def _require_total(weight: TensorSpec, made: Sequence[building.TensorFacts], sizes: Sizes) -> None:
    """Raise unless the sum over a loop is what its iterations add up to."""
    if weight.total is None or weight.shape is None:
        return
    summed = sum(math.prod(facts.shape or ()) for facts in made)
    if summed != sizes[weight.total]:
        raise InternalError(
            f"the iterations of a loop give {weight.name!r} {summed} elements at "
            f"{_at(sizes.point)}, and their sum in closed form gives {sizes[weight.total]}"
        )


def _can_be_described(tree: Tree, point: Values) -> bool:
    """Whether no tensor at a point is larger than torch can describe, even without memory."""
    try:
        leaf = follow(tree, point)
        if not isinstance(leaf, Built):
            return True
        sizes = Sizes(point)
        return all(
            math.prod(here[p] for p in w.shape) * w.itemsize < _LARGEST_STORAGE
            for w in leaf.weights
            if w.shape is not None
            for here in iterations(w, sizes)
        )
    except (ArithmeticError, ValueError):
        return True


class Sizes(dict[Poly, int]):
    """The values of normal forms at a point, each evaluated once."""

    def __init__(self, point: Values) -> None:
        super().__init__()
        self.point = point

    def __missing__(self, size: Poly) -> int:
        self[size] = evaluate.value(size, self.point)
        return self[size]


def _facts_at(weight: TensorSpec, sizes: Sizes) -> building.TensorFacts:
    shape = None if weight.shape is None else tuple([sizes[p] for p in weight.shape])
    return building.TensorFacts(shape, weight.dtype, weight.trainable, weight.kind)


class _NoTime(Exception):
    """The time for comparing is over."""


class _Points:
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
        deadline: float,
    ) -> None:
        self.call = call
        self.found = found
        self.builds = builds
        self.tree = tree
        self.facts = facts
        self.deadline = deadline
        self.names = [h.name for h in call.hyperparameters]
        self.chosen: list[dict[str, int | float]] = []
        self.unbuilt = 0
        self._further = 0
        self._wanted = 0
        self._largest = math.inf
        self._seen: set[Point] = set()

    @property
    def short_of_memory(self) -> bool:
        """Whether there are fewer points than there should be for want of memory."""
        return self._largest < math.inf and len(self.chosen) < self._wanted

    def of_paths(self) -> Iterator[Values]:
        """A point of every path: its hints, if there is memory for them."""
        for path in self.found.paths:
            if path.trace.raised is None:
                hints = tuple(path.trace.hints.values())
                here = hints if self._can_be_built(hints) else self._smaller(path, hints)
                if here is None:
                    self.unbuilt += 1
                else:
                    yield self._choose(here)

    def others(self, may_be_wrong: bool) -> Iterator[Values]:
        """Further points, until there are enough of them.

        Points in which every symbol differs from all points before come first.

        Raises:
            _NoTime: the deadline has passed, and there has been one.
        """
        self._further = 0
        self._wanted = wanted = max(_POINTS, len(self.chosen) + (HELD_OUT if may_be_wrong else 1))
        for point in _points_of_other_lengths(self.call, self.found):
            if self._is_new(point):
                yield self._choose(point)
        for distinct in (True, False):
            for point in islice(_other_points(self.call, self.found), _MOST_TRIES):
                if len(self.chosen) >= wanted:
                    break
                if distinct and any(
                    a == b
                    for other in self.chosen
                    for a, b in zip(point, other.values(), strict=True)
                ):
                    continue
                if self._is_new(point):
                    yield self._choose(point)
        for point in _points_of_lost_symbols(self.call, self.found):
            if self._is_new(point):
                yield self._choose(point)
        for point in self._of_choices():
            if self._is_new(point):
                yield self._choose(point)

    def _of_choices(self) -> Iterator[Point]:
        """A point on each side of every choice that a helper made, if there are none so far.

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

        solver = Solver(self.call.hyperparameters, self.facts, milliseconds=_MILLISECONDS)
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
        if self._further and time.perf_counter() > self.deadline:
            raise _NoTime
        self._seen.add(point)
        if not _is_built(self.tree, self._named(point)):
            return False
        if self._can_be_built(point, self._largest):
            return True
        if math.prod(point) <= self._largest:
            built = max((math.prod(p.values()) for p in self.chosen), default=0)
            self._largest = max(built, math.prod(point) / _MUCH_SMALLER)
        return False

    def _can_be_built(self, point: Point, largest: float = math.inf) -> bool:
        """Whether torch can describe the tensors at a point, and there is memory for the rest.

        What is a little smaller than a point without memory would not fail, but take all the
        memory that there is: nothing is built if the product of the numbers is above `largest`.
        """
        values = self._named(point)
        return (
            math.prod(point) <= largest
            and _can_be_described(self.tree, values)
            and not isinstance(self.builds.at(values), building.TooLarge)
        )

    def _smaller(self, path: Path, point: Point) -> Point | None:
        """Another point of a path, if one can be built."""
        largest = math.prod(point) / _MUCH_SMALLER
        ranges = self.call.hyperparameters
        smaller = (
            tuple(min(v, h.aligned(v / divisor)) for h, v in zip(ranges, point, strict=True))
            for divisor in (_MUCH_SMALLER, 64, 256, 1024, 4096)
        )
        for other in chain(smaller, islice(_other_points(self.call, self.found), _MOST_TRIES)):
            if time.perf_counter() > self.deadline:
                break
            if takes(path.decisions, self._named(other)) and self._can_be_built(other, largest):
                return other
        return None


def _sides_of_choices(found: Exploration) -> Iterator[Decisions]:
    for path in found.paths:
        if path.trace.raised is None:
            for node in path.trace.choices:
                # of a number that nothing depends on, it does not matter that it has no normal form
                with suppress(UnsupportedError, NotFolded):
                    for side in sides(path.lowering(node).poly):
                        if not any(has_index(c.left) or has_index(c.right) for c, _ in side):
                            yield (*path.decisions, *side)


def _points_of_other_lengths(
    call: FactoryCall, found: Exploration
) -> Iterator[tuple[int | float, ...]]:
    """Where loops have few iterations, or many, or about as many as a number in the code says.

    What a factory counts without anybody seeing it, by `len()` or a counter of its own, it most
    likely compares with such a number.
    """
    if not found.short:
        return
    path = next((p for p in found.paths if p.trace.raised is None), None)
    base = () if path is None else tuple(path.trace.hints.values())
    mentioned = [
        number + more
        for number in constants.numbers(call.function)
        if 3 < number <= _LARGEST_LENGTH
        for more in (0, 1, 2)
    ]
    lengths = dict.fromkeys((1, 2, 3, _MANY_ITERATIONS, *mentioned[:_MOST_LENGTHS]))
    for index, h in enumerate(call.hyperparameters):
        if h.name in found.short:
            for number in lengths:
                yield (*base[:index], h.aligned(number), *base[index + 1 :])


def _points_of_lost_symbols(
    call: FactoryCall, found: Exploration
) -> Iterator[tuple[int | float, ...]]:
    """Where a symbol may have become a plain number, the numbers that the factory's code mentions.

    What the code does with the lost number most likely depends on one of them.
    """
    code = getattr(call.function, "__code__", None)
    if code is None:
        return
    tests_identity = not {"type", "id"}.isdisjoint(code.co_names)
    if not tests_identity and not any(p.trace.concretisations for p in found.paths):
        return
    numbers = constants.numbers(call.function)
    for path in found.paths:
        base = tuple(path.trace.hints.values())
        for index, h in enumerate(call.hyperparameters):
            for number in numbers:
                if number in h and number <= _LARGEST_CONSTANT:
                    yield (*base[:index], number, *base[index + 1 :])


def _is_built(tree: Tree, values: Values) -> bool:
    try:
        return isinstance(follow(tree, values), Built)
    except (ArithmeticError, ValueError):
        return False


def _other_points(call: FactoryCall, found: Exploration) -> Iterator[tuple[int | float, ...]]:
    """Random points, then points that stay near the hints of a path that was built."""
    draw = random.Random(1)
    ranges = [shortened(h) if h.name in found.short else h for h in call.hyperparameters]
    for _ in range(200):
        yield tuple(h.sample(draw) for h in ranges)
    bases = [tuple(p.trace.hints.values()) for p in found.paths if p.trace.raised is None]
    for factor in (2, 3, 4, 5, 6, 7, 8):
        for base in bases:
            yield tuple(h.aligned(v * factor) for h, v in zip(ranges, base, strict=True))
    for base in bases:
        for index, h in enumerate(ranges):
            for value in (*h.near(base[index]), *(h.sample(draw) for _ in range(8))):
                yield (*base[:index], value, *base[index + 1 :])


def require_same_again(call: FactoryCall, found: Exploration) -> None:
    """Run a factory that drew random numbers again, with other numbers to draw."""
    path = next(p for p in found.paths if p.trace.raised is None)
    seen = _signature(path.trace)
    for seed in range(3):

        def reseeded(**values: Any) -> Any:
            ambient.reseed(seed)  # noqa: B023
            return call(values)

        again = trace(
            reseeded,
            symbols={name: (name, hint) for name, hint in path.trace.hints.items()},
            fixed={},
        )
        if _signature(again) != seen:
            raise NondeterministicError(
                f"it built different modules from the same arguments ({_at(again.hints)})"
                f", drawing random numbers: {_first_change(path.trace, again)}. Draw them outside, "
                "and pass them in as arguments."
            )


def _signature(found: Trace) -> list[tuple[Any, ...]]:
    return [
        (t.name, None if t.shape is None else tuple(getattr(s, "hint", s) for s in t.shape))
        for t in found.tensors
    ]


def _first_change(one: Trace, other: Trace) -> str:
    for a, b in zip(_signature(one), _signature(other), strict=False):
        if a != b:
            return f"parameter {a[0]!r} of shape {a[1]} was {b[0]!r} of shape {b[1]} another time"
    return f"{len(one.tensors)} tensors, and {len(other.tensors)} another time"


# --- explaining a difference ------------------------------------------------------------------


def _explained(
    call: FactoryCall,
    found: Exploration,
    builds: building.PlainBuilds,
    tree: Tree,
    difference: building.Difference,
) -> VerificationError | NondeterministicError:
    here = _at(difference.point)
    unstable = _unstable(call, builds, difference.point)
    if unstable is not None:
        return NondeterministicError(
            f"it built different modules from the same arguments ({here}): {unstable}. "
            "It is random, or keeps state between calls; make it a function of its arguments alone."
        )
    lost = _lost_symbols(call, found)
    if difference.raised is not None:
        return VerificationError(
            f"it raises at {here}, where the formula has a value:\n"
            f"  {type(difference.raised).__name__}: {difference.raised}\n{lost}"
        )
    if difference.name is None:
        return VerificationError(
            f"it builds a module at {here}, where it raised when it was run on symbols.\n{lost}"
        )
    weight = next(
        (
            w
            for _, leaf in leaves(tree)
            if isinstance(leaf, Built)
            for w in leaf.weights
            if building.without_numbers(w.name) == building.without_numbers(difference.name)
        ),
        None,
    )
    traced = "no such tensor"
    if weight is not None and difference.expected is not None:
        traced = f"shape ({_sizes(weight)}), that is {_described(difference.expected)}" + (
            f", made at {weight.source}" if weight.source else ""
        )
    built = "no such tensor" if difference.actual is None else _described(difference.actual)
    if difference.counts is not None:
        traced += f", {difference.counts[0]} times"
        built += f", {difference.counts[1]} times"
    return VerificationError(
        f"the formula is wrong at {here}, so it was thrown away. "
        f"{difference.name!r}: traced {traced}; built {built}.\n{lost}"
    )


def _sizes(weight: TensorSpec) -> str:
    from symcount.formula.sympy_form import expression

    if weight.shape is None:
        return "unknown"
    return ", ".join(str(expression(size)) for size in weight.shape)


def _described(facts: building.TensorFacts) -> str:
    trainable = "" if facts.kind == "buffer" else " trainable" if facts.trainable else " frozen"
    return f"a{trainable} {facts.kind} of shape {facts.shape} and dtype {facts.dtype}"


def _unstable(call: FactoryCall, builds: building.PlainBuilds, point: Values) -> str | None:
    """How two plain builds at the same point differ, if they do."""
    difference = _difference(builds.again_at(point), builds.again_at(point))
    return None if difference is None else difference + _changed_globals(call)


def _difference(first: Tensors, second: Tensors) -> str | None:
    """How two plain builds differ, if they do."""
    if isinstance(first, Exception) or isinstance(second, Exception):
        return None
    for name in {**first, **second}:
        a, b = first.get(name), second.get(name)
        if a != b:
            shapes = " and then ".join("none" if x is None else str(x.shape) for x in (a, b))
            return f"{name!r} had shape {shapes}"
    return None


def _changed_globals(call: FactoryCall) -> str:
    """Globals that the factory's code rebinds, by name."""
    code = getattr(call.function, "__code__", None)
    if code is None:
        return ""
    line = code.co_firstlineno
    names = []
    for instruction in dis.get_instructions(code):
        if isinstance(instruction.starts_line, int) and not isinstance(
            instruction.starts_line, bool
        ):
            line = instruction.starts_line
        line = getattr(instruction, "line_number", None) or line  # since Python 3.13
        if instruction.opname == "STORE_GLOBAL":
            names.append(f"{instruction.argval!r} ({code.co_filename}:{line})")
    return f"; it rebinds the global {', '.join(dict.fromkeys(names))}" if names else ""


def _lost_symbols(call: FactoryCall, found: Exploration) -> str:
    """Where a symbol may have been lost: recorded concretisations, and tests of a type."""
    places = [
        str(c)
        for c in dict.fromkeys(c for p in found.paths for c in p.trace.concretisations)
        if c.kind != "text"
    ]
    places += [f"{source}: a test of an exact type" for source in _exact_type_tests(call.factory)]
    texts = [
        str(c)
        for c in dict.fromkeys(c for p in found.paths for c in p.trace.concretisations)
        if c.kind == "text"
    ]
    places += texts[:3]
    if not places:
        return (
            "A symbol was lost where nothing can see it: in a comparison by `is`, `id` or "
            "`type(x) is int`, or in a value kept from an earlier call. Use isinstance() and "
            "==, or fix the hyper-parameter: derive(factory, name=value)."
        )
    return (
        "A symbol became a plain number at\n  "
        + "\n  ".join(places)
        + "\nUse isinstance(x, int) for a type test and plain arithmetic for sizes, or fix the "
        "hyper-parameter: derive(factory, name=value)."
    )


def _exact_type_tests(factory: Callable[..., Any]) -> list[Source]:
    """Lines of the factory that compare `type(x)` with something."""
    function = inspect.unwrap(function_of(factory))
    try:
        lines, start = inspect.getsourcelines(function)
        file = inspect.getsourcefile(function) or "?"
        parsed = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        return []
    found = []
    for node in ast.walk(parsed):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(
                isinstance(s, ast.Call) and isinstance(s.func, ast.Name) and s.func.id == "type"
                for s in sides
            ):
                found.append(Source(file, start + node.lineno - 1, name_of(function)))
    return found
