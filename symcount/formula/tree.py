"""The decision tree of a factory: which conditions lead to which module, or to which exception.

A tree is a `Split` on one condition, or a leaf: `Built` (the weights of the module made there),
`Refused` (the factory raises there) or `Unexplored`. Everything a formula says is one of these
trees with its leaves mapped to something else, and equal neighbours joined.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final, TypeAlias

from symcount.algebra.conditions import Condition, Decision, Decisions, implies
from symcount.algebra.evaluate import holds
from symcount.algebra.poly import Poly, Variable, const, product_of
from symcount.record import Program, Source


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
class Weight:
    """A parameter or buffer of the module: its name, symbolic sizes and where it was made.

    `shape` is None for a buffer whose shape could not be followed; `operation` made it. A weight
    of `repeats`, outermost first, stands for one tensor in each of their iterations; `shape` is
    that of one, and `total` the number of elements of all.
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

    @property
    def numel(self) -> Poly:
        """The number of elements, of all repetitions together."""
        assert self.shape is not None
        return product_of(self.shape) if self.total is None else self.total


def parts_of(name: str) -> list[str]:
    """The parts of a tensor's name or path; the dots in `{0..n-1}` are no separators."""
    return re.split(r"\.(?![^{]*\})", name)


def modules_of(name: str) -> list[str]:
    """The paths of the modules that a tensor is in, the outermost first, which is ""."""
    parts = parts_of(name)[:-1]
    return ["", *(".".join(parts[: depth + 1]) for depth in range(len(parts)))]


@dataclass(frozen=True)
class Built:
    """A path on which the factory builds a module; a stored formula has no `program` of it."""

    weights: tuple[Weight, ...]
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
        """What is wrong there, in words."""
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
    """The decisions without those that another implies."""
    kept: list[Decision] = []
    for index, decision in enumerate(decisions):
        others = [*kept, *decisions[index + 1 :]]
        if not any(implies(*other, *decision) for other in others):
            kept.append(decision)
    return kept


def leaves(tree: Tree, decisions: Decisions = ()) -> Iterator[tuple[Decisions, Leaf]]:
    """Every leaf, with the decisions that lead to it."""
    if isinstance(tree, Split):
        yield from leaves(tree.then, (*decisions, (tree.condition, True)))
        yield from leaves(tree.otherwise, (*decisions, (tree.condition, False)))
    else:
        yield decisions, tree


def follow(
    tree: Tree, values: Mapping[str, int | float], passed: list[Split] | None = None
) -> Leaf:
    """The leaf that these values of the symbols lead to; the splits on the way go to `passed`."""
    while isinstance(tree, Split):
        if passed is not None:
            passed.append(tree)
        tree = tree.then if holds(tree.condition, values) else tree.otherwise
    return tree


def merged(tree: Any, value: Callable[[Any], Any]) -> Any:
    """The tree with its leaves' values for leaves, splits between equal ones left out."""
    if not isinstance(tree, Split):
        return value(tree)
    then, otherwise = merged(tree.then, value), merged(tree.otherwise, value)
    return then if then == otherwise else replace(tree, then=then, otherwise=otherwise)


class _Anything:
    """The value of a leaf that may be joined with any neighbour."""

    def __repr__(self) -> str:
        return "ANYTHING"


ANYTHING: Final = _Anything()


@dataclass(frozen=True)
class Choice:
    """A split of a joined tree: `then` where the condition holds, else `otherwise`."""

    condition: Condition
    then: Any
    otherwise: Any


def joined(tree: Tree, value: Callable[[Leaf], Any]) -> Any:
    """The values of the leaves as a tree of `Choice`s, splits without a difference left out."""
    if not isinstance(tree, Split):
        return value(tree)
    return choice(tree.condition, joined(tree.then, value), joined(tree.otherwise, value))


def mapped(tree: Any, value: Callable[[Any], Any]) -> Any:
    """A tree of `Choice`s with the values of its leaves for leaves, simplified likewise."""
    if not isinstance(tree, Choice):
        return ANYTHING if tree is ANYTHING else value(tree)
    return choice(tree.condition, mapped(tree.then, value), mapped(tree.otherwise, value))


def choice(condition: Condition, then: Any, otherwise: Any) -> Any:
    """The `Choice`, or one of its sides where the condition makes no difference."""
    if then is ANYTHING or then == otherwise:
        return otherwise
    if otherwise is ANYTHING:
        return then
    for here, side, other in ((then, True, otherwise), (otherwise, False, then)):
        # `x < 2` before `x < 3`, with the same outcome, says nothing that the latter does not
        if isinstance(other, Choice) and (
            (other.then == here and implies(condition, side, other.condition, True))
            or (other.otherwise == here and implies(condition, side, other.condition, False))
        ):
            return other
    return Choice(condition, then, otherwise)


_FEW_RUNGS = 8


def in_order(tree: Any) -> Any:
    """A tree of `Choice`s with its ladders in ascending order, where that makes it smaller.

    A ladder compares one integer with numbers, and nothing else. Where a symbol was followed value
    by value it has a rung for each, in the order in which they were followed. Long ladders are put
    in order for its own sake.
    """
    if not isinstance(tree, Choice):
        return tree
    if _is_ladder(tree):
        ordered, size = _ordered(tree), _size(tree)
        better = _size(ordered) < size or (_size(ordered) == size and size > _FEW_RUNGS)
        return ordered if better else tree
    return choice(tree.condition, in_order(tree.then), in_order(tree.otherwise))


def _is_ladder(tree: Choice) -> bool:
    compared = tree.condition.left
    return all(
        condition.op in ("ge", "eq")
        and condition.left == compared
        and isinstance(condition.right.constant, int)
        for condition in _conditions(tree)
    ) and not any(base.real for base in compared.atoms() if isinstance(base, Variable))


def _conditions(tree: Any) -> Iterator[Condition]:
    stack = [tree]
    while stack:
        here = stack.pop()
        if isinstance(here, Choice):
            yield here.condition
            stack += [here.then, here.otherwise]


def _size(tree: Any) -> int:
    return sum(1 for _ in _conditions(tree))


def _ordered(ladder: Choice) -> Any:
    compared = ladder.condition.left
    starts = _intervals(ladder)
    exceptions = []
    place = 1
    while place + 1 < len(starts):
        (_, before), (start, value), (end, after) = starts[place - 1 : place + 2]
        if end == start + 1 and before == after:
            exceptions.append((start, value))
            del starts[place : place + 2]
        else:
            place += 1
    tree: Any = starts[-1][1]
    for (_, below), (start, _) in reversed(list(pairwise(starts))):
        tree = choice(Condition("ge", compared, const(start)), tree, below)
    for number, value in exceptions:
        tree = choice(Condition("eq", compared, const(number)), value, tree)
    return tree


def _intervals(ladder: Choice) -> list[tuple[int, Any]]:
    """Where the value changes, and to which, in ascending order; what comes first has no start."""
    numbers = set()
    for condition in _conditions(ladder):
        number = int(condition.right.constant or 0)
        numbers |= {number} if condition.op == "ge" else {number, number + 1}
    found: list[tuple[int, Any]] = []
    for start in (min(numbers) - 1, *sorted(numbers)):
        value = _rung(ladder, start)
        if found and (value is ANYTHING or value == found[-1][1]):
            continue
        if found and found[-1][1] is ANYTHING:
            found[-1] = found[-1][0], value
        else:
            found.append((start, value))
    return found


def _rung(tree: Any, number: int) -> Any:
    """The value of a ladder where what it compares is this number."""
    while isinstance(tree, Choice):
        limit = tree.condition.right.constant or 0
        above = number >= limit if tree.condition.op == "ge" else number == limit
        tree = tree.then if above else tree.otherwise
    return tree


def choices(tree: Any, decisions: Decisions = ()) -> Iterator[tuple[Decisions, Any]]:
    """Every value of a joined tree, with the decisions that lead to it."""
    if isinstance(tree, Choice):
        yield from choices(tree.then, (*decisions, (tree.condition, True)))
        yield from choices(tree.otherwise, (*decisions, (tree.condition, False)))
    else:
        yield decisions, tree
