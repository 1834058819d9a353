"""The decision tree of a factory: which conditions lead to which module, or to which exception.

A tree is a `Split` on one condition, or a leaf: `Built` (the weights of the module made there),
`Refused` (the factory raises there) or `Unexplored`. Everything a formula says is one of these
trees with its leaves mapped to something else, and equal neighbours joined.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from symcount.algebra.conditions import Condition, Decision, Decisions, implies
from symcount.algebra.evaluate import holds
from symcount.algebra.poly import Poly, product_of
from symcount.record import Program, Source

NO_TENSOR = "number"  # the kind of a summand that is no tensor


@dataclass(frozen=True)
class Repeat:
    """A loop that makes a tensor in its iterations: how many there are, and in which of them.

    `index` names the symbol that counts them from 0. `when` is a tree of `Choice`s on it whose
    leaves are 1 where the tensor is made, and 0 where it is not.
    """

    index: str
    count: Poly
    when: Any = 1


@dataclass(frozen=True)
class TensorSpec:
    """A parameter or buffer of the module: its name, symbolic sizes and where it was made.

    `shape` is None for a buffer whose shape could not be followed; `operation` made it. A weight
    of `repeats`, outermost first, stands for one tensor in each of their iterations; `shape` is
    that of one, and `total` the number of elements of all. `aliases` are the other names of a
    parameter that is tied, a number of theirs that depends on a loop as `{*}`. `classes` are those
    of the modules around it, outermost first, in the modules that were built to check it.

    `times` says how often it counts in a sum of formulas: -1 where one is subtracted. What such a
    sum has beside tensors, an integer, quotient or maximum, is of the kind `NO_TENSOR`, and its one
    size.
    """

    name: str
    shape: tuple[Poly, ...] | None
    dtype: str
    itemsize: int
    kind: str
    trainable: bool
    source: Source | None
    operation: str
    repeats: tuple[Repeat, ...] = ()
    total: Poly | None = None
    aliases: tuple[str, ...] = ()
    times: int = 1
    classes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def names(self) -> tuple[str, ...]:
        """All its names, the first of which is its own."""
        return self.name, *self.aliases

    @property
    def numel(self) -> Poly:
        """The number of elements, of all repetitions together, as often as they count."""
        assert self.shape is not None
        once = product_of(self.shape) if self.total is None else self.total
        return once if self.times == 1 else once.scaled(self.times)


def parts_of(name: str) -> list[str]:
    """Split the parts of a tensor's name or path; the dots in `{0..n-1}` are no separators."""
    return re.split(r"\.(?![^{]*\})", name)


def modules_of(name: str) -> list[str]:
    """List the paths of the modules that a tensor is in, the outermost first, which is ""."""
    parts = parts_of(name)[:-1]
    return ["", *(".".join(parts[: depth + 1]) for depth in range(len(parts)))]


@dataclass(frozen=True)
class Built:
    """A path on which the factory builds a module; a stored formula has no `program` of it."""

    weights: tuple[TensorSpec, ...]
    program: Program | None


@dataclass(frozen=True)
class Refused:
    """A path on which the factory raises; `hints` is where it was seen to."""

    kind: str
    message: str
    source: Source | None
    hints: tuple[tuple[str, int | float], ...]

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}" if self.message else self.kind


@dataclass(frozen=True)
class Unexplored:
    """A path that no run followed."""


@dataclass(frozen=True)
class Unreachable:
    """A path that is proved to be taken by no value of the symbols."""


@dataclass(frozen=True)
class Inexact:
    """A path followed by values so large that float arithmetic on it may round."""


@dataclass(frozen=True)
class Excluded:
    """A path on which what was substituted is no value of a symbol, or cannot be computed.

    `problem` says what is wrong, and `substitution` of which symbol, with which expression.
    """

    problem: str
    substitution: tuple[str, str] | None = None

    @property
    def reason(self) -> str:
        """The problem there, in words."""
        if self.substitution is None:
            return f"its arithmetic {self.problem} there"
        return f"{' = '.join(self.substitution)} {self.problem} there"


@dataclass(frozen=True)
class Split:
    """A condition the factory tests, and what follows on either side."""

    condition: Condition
    source: Source | None
    then: Tree
    otherwise: Tree


Leaf: TypeAlias = "Built | Refused | Unexplored | Unreachable | Inexact | Excluded"
Tree: TypeAlias = "Split | Built | Refused | Unexplored | Unreachable | Inexact | Excluded"


def strongest(decisions: Sequence[Decision]) -> list[Decision]:
    """Return the decisions without those that another implies."""
    kept: list[Decision] = []
    for index, decision in enumerate(decisions):
        others = [*kept, *decisions[index + 1 :]]
        if not any(implies(*other, *decision) for other in others):
            kept.append(decision)
    return kept


def leaves(tree: Tree, decisions: Decisions = ()) -> Iterator[tuple[Decisions, Leaf]]:
    """Yield the leaves, each with the decisions that lead to it."""
    if isinstance(tree, Split):
        yield from leaves(tree.then, (*decisions, (tree.condition, True)))
        yield from leaves(tree.otherwise, (*decisions, (tree.condition, False)))
    else:
        yield decisions, tree


def follow(
    tree: Tree, values: Mapping[str, int | float], passed: list[Split] | None = None
) -> Leaf:
    """Return the leaf that values of the symbols lead to; splits on the way go to `passed`."""
    while isinstance(tree, Split):
        if passed is not None:
            passed.append(tree)
        tree = tree.then if holds(tree.condition, values) else tree.otherwise
    return tree


def merged(tree: Any, value: Callable[[Any], Any]) -> Any:
    """Map the leaves of a tree, splits between equal ones left out."""
    if not isinstance(tree, Split):
        return value(tree)
    then, otherwise = merged(tree.then, value), merged(tree.otherwise, value)
    return then if then == otherwise else replace(tree, then=then, otherwise=otherwise)
