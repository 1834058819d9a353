"""Say what a formula expects of every tensor at a point, its two evaluators agreeing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from symcount.algebra import evaluate
from symcount.algebra.poly import Poly
from symcount.derivation.indices import has_index
from symcount.errors import InternalError
from symcount.factory.building import Expected, TensorFacts
from symcount.formula.choice_trees import Choice
from symcount.formula.tree import Built, Repeat, TensorSpec, Tree, follow
from symcount.symbols import Values

# torch counts the bytes of a tensor in 63 bits.
_LARGEST_STORAGE = 1 << 63
# Modules with more layers of a kind take too long to build.
_MOST_ITERATIONS = 1 << 12


class TooManyIterations(Exception):
    """A loop has too many iterations at a point to look at each."""


class SizesAt(dict[Poly, int]):
    """The values of normal forms at a point, each evaluated once."""

    def __init__(self, point: Values) -> None:
        super().__init__()
        self.point = point

    def __missing__(self, size: Poly) -> int:
        self[size] = evaluate.value(size, self.point)
        return self[size]


def expected(tree: Tree, point: Values) -> Expected | None:
    """Evaluate every tensor of a tree of weights at a point; None where none is built.

    Raises:
        InternalError: the normal forms and the traced arithmetic disagree.
    """
    try:
        leaf = follow(tree, point)
        return _of_path(leaf, point) if isinstance(leaf, Built) else None
    except (ArithmeticError, ValueError):
        return None  # as the factory's own arithmetic is undefined there


def _of_path(leaf: Built, point: Values) -> Expected:
    sizes = SizesAt(point)
    has_loops = any(weight.repeats for weight in leaf.weights)
    found = []
    places = _Places(sizes)
    for weight in leaf.weights:
        here, times = places.of(weight)
        made = [_facts_at(weight, each) for each in here] * times
        _require_total(weight, made, sizes)
        found += [(weight.name, facts) for facts in made]
    if not has_loops:
        _require_traced_shapes(leaf, found, point)
    return Expected(found, numbered=not has_loops)


def iterations(weight: TensorSpec, sizes: SizesAt, depth: int = 0) -> Iterator[SizesAt]:
    """Go through the iterations of the loops around a tensor that make it, with their sizes."""
    if depth == len(weight.repeats):
        yield sizes
        return
    repeat = weight.repeats[depth]
    if sizes[repeat.count] > _MOST_ITERATIONS:
        raise TooManyIterations
    for number in range(sizes[repeat.count]):
        here = SizesAt({**sizes.point, repeat.index: number})
        when = repeat.when
        while isinstance(when, Choice):
            when = when.then if evaluate.holds(when.condition, here.point) else when.otherwise
        if when:
            yield from iterations(weight, here, depth + 1)


class _Places:
    """The iterations that make a tensor, gone through once for all tensors that they make."""

    def __init__(self, sizes: SizesAt) -> None:
        self._sizes = sizes
        self._known: dict[tuple[Repeat, ...], list[SizesAt]] = {}

    def of(self, weight: TensorSpec) -> tuple[Sequence[SizesAt], int]:
        """Return where its sizes differ, and how often each of these is made."""
        if not weight.repeats:
            return (self._sizes,), 1
        here = self._known.get(weight.repeats)
        if here is None:
            here = self._known[weight.repeats] = list(iterations(weight, self._sizes))
        if weight.shape is None or not any(map(has_index, weight.shape)):
            return here[:1], len(here)
        return here, 1


def _facts_at(weight: TensorSpec, sizes: SizesAt) -> TensorFacts:
    shape = None if weight.shape is None else tuple([sizes[p] for p in weight.shape])
    return TensorFacts(shape, weight.dtype, weight.trainable, weight.kind)


def _require_total(weight: TensorSpec, made: Sequence[TensorFacts], sizes: SizesAt) -> None:
    """Raise unless the sum over a loop is what its iterations add up to."""
    if weight.total is None or weight.shape is None:
        return
    summed = sum(math.prod(facts.shape or ()) for facts in made)
    if summed != sizes[weight.total]:
        raise InternalError(
            f"the iterations of a loop give {weight.name!r} {summed} elements at "
            f"{listed(sizes.point)}, and their sum in closed form gives {sizes[weight.total]}"
        )


def _require_traced_shapes(
    leaf: Built, found: Sequence[tuple[str, TensorFacts]], point: Values
) -> None:
    """Raise unless the traced arithmetic gives the same shapes as the normal forms."""
    assert leaf.program is not None
    if leaf.program.is_of_one_length:
        return
    shapes, _ = leaf.program.run(**point)
    for weight, (name, facts) in zip(leaf.weights, found, strict=True):
        if facts.shape is not None and facts.shape != shapes[name]:
            raise InternalError(
                f"the traced arithmetic gives {name!r} the shape {shapes[name]} at "
                f"{listed(point)}, and its normal form ({written_shape(weight)}) gives "
                f"{facts.shape}"
            )


def is_built(tree: Tree, point: Values) -> bool:
    """Return whether a formula says that a module is built at a point."""
    try:
        return isinstance(follow(tree, point), Built)
    except (ArithmeticError, ValueError):
        return False


def can_be_described(tree: Tree, point: Values) -> bool:
    """Return whether no tensor at a point is larger than torch can describe without memory.

    Nor may there be more of them than can be looked at.
    """
    try:
        leaf = follow(tree, point)
        if not isinstance(leaf, Built):
            return True
        places = _Places(SizesAt(point))
        return all(
            math.prod([here[p] for p in w.shape]) * w.itemsize < _LARGEST_STORAGE
            for w in leaf.weights
            if w.shape is not None
            for here in places.of(w)[0]
        )
    except TooManyIterations:
        return False
    except (ArithmeticError, ValueError):
        return True


def written_shape(weight: TensorSpec) -> str:
    """Write the sizes of a tensor for people."""
    from symcount.formula.sympy_form import expression

    if weight.shape is None:
        return "unknown"
    return ", ".join(str(expression(size)) for size in weight.shape)


def listed(values: Values) -> str:
    """Write the values of the symbols for people: `dim=64, heads=8`."""
    return ", ".join(f"{k}={v}" for k, v in values.items())
