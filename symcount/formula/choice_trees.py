"""Join the leaves of decision trees to smaller trees of choices, and keep these in order.

A decision tree says how the factory was followed. `joined` maps its leaves to values and keeps only
the conditions that make a difference; `in_order` sorts ladders of comparisons with numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from symcount.algebra.conditions import Condition, Decisions, implies
from symcount.algebra.poly import Poly, Variable, const
from symcount.algebra.substitution import is_equal_where
from symcount.formula.tree import Leaf, Split, Tree


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
    """Join the values of the leaves to a tree of `Choice`s, idle splits left out."""
    if not isinstance(tree, Split):
        return value(tree)
    return choice(tree.condition, joined(tree.then, value), joined(tree.otherwise, value))


def mapped(tree: Any, value: Callable[[Any], Any]) -> Any:
    """Map the leaves of a tree of `Choice`s, simplified likewise."""
    if not isinstance(tree, Choice):
        return ANYTHING if tree is ANYTHING else value(tree)
    return choice(tree.condition, mapped(tree.then, value), mapped(tree.otherwise, value))


def choice(condition: Condition, then: Any, otherwise: Any) -> Any:
    """Return the `Choice`, or one of its sides where the condition makes no difference."""
    if then is ANYTHING or then == otherwise:
        return otherwise
    if otherwise is ANYTHING:
        return then
    if _agree(condition, True, then, otherwise):
        return otherwise
    if _agree(condition, False, otherwise, then):
        return then
    for here, side, other in ((then, True, otherwise), (otherwise, False, then)):
        # `x < 2` before `x < 3`, with the same outcome, says nothing that the latter does not
        if isinstance(other, Choice) and (
            (other.then == here and implies(condition, side, other.condition, True))
            or (other.otherwise == here and implies(condition, side, other.condition, False))
        ):
            return other
    return Choice(condition, then, otherwise)


def _agree(condition: Condition, truth: bool, here: Any, other: Any) -> bool:
    """Tell whether `other`, written for other sizes, has the values of `here` where it is as said.

    At `c == 3`, `49*c*d` is `147*d`, and one piece is enough.
    """
    for tree, rest in ((here, other), (other, here)):
        if isinstance(tree, Choice):
            return all(
                _agree(condition, truth, *((side, at) if tree is here else (at, side)))
                for outcome, side in ((True, tree.then), (False, tree.otherwise))
                if not implies(condition, truth, tree.condition, not outcome)
                for at in [_side(rest, tree.condition, outcome)]
            )
    if isinstance(here, Poly) and isinstance(other, Poly):
        return here == other or is_equal_where(condition, truth, here, other)
    return bool(here == other)


def _side(tree: Any, condition: Condition, truth: bool) -> Any:
    """Return a side of a tree that splits on this very condition, and any other as it is."""
    if isinstance(tree, Choice) and tree.condition == condition:
        return tree.then if truth else tree.otherwise
    return tree


_FEW_RUNGS = 8


def in_order(tree: Any) -> Any:
    """Put the ladders of a tree of `Choice`s in ascending order, where that makes it smaller.

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
    """List the starts of the intervals of equal values, in ascending order, with their values.

    The start of the first one is before any that counts.
    """
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
    """Return the value of a ladder where what it compares is this number."""
    while isinstance(tree, Choice):
        limit = tree.condition.right.constant or 0
        above = number >= limit if tree.condition.op == "ge" else number == limit
        tree = tree.then if above else tree.otherwise
    return tree


def choices(tree: Any, decisions: Decisions = ()) -> Iterator[tuple[Decisions, Any]]:
    """Yield the values of a joined tree, each with the decisions that lead to it."""
    if isinstance(tree, Choice):
        yield from choices(tree.then, (*decisions, (tree.condition, True)))
        yield from choices(tree.otherwise, (*decisions, (tree.condition, False)))
    else:
        yield decisions, tree
