"""Why a formula does not hold at some sizes: a reason for each leaf without a module."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from symcount.algebra.conditions import Condition, divisibility
from symcount.algebra.poly import Variable
from symcount.formula.tree import Built, Excluded, Inexact, Leaf, Refused, Split, Tree, Unexplored


@dataclass(frozen=True)
class Reason:
    """What has to hold, what happens where it does not, and the symbols that it is about."""

    text: str
    detail: str = ""
    symbols: tuple[str, ...] = ()


def with_reasons(
    tree: Tree,
    value: Callable[[Leaf], Any],
    refusal: Callable[[Reason], Any],
    last: tuple[Condition, bool] | None = None,
) -> Any:
    """The tree with values for its leaves, splits between equal ones left out.

    A leaf with a module has a `value`, any other one the `refusal` of the reason that it has none.
    """
    if isinstance(tree, Split):
        then = with_reasons(tree.then, value, refusal, (tree.condition, True))
        otherwise = with_reasons(tree.otherwise, value, refusal, (tree.condition, False))
        return then if then == otherwise else Split(tree.condition, None, then, otherwise)
    if isinstance(tree, Built):
        return value(tree)
    if last is None:
        return refusal(Reason("the factory raises everywhere"))
    return refusal(_reason(tree, *last))


def place_of(reason: Reason, reasons: list[Reason]) -> int:
    """The place of a reason in a list, to which it is added if it is not there."""
    if reason not in reasons:
        reasons.append(reason)
    return reasons.index(reason)


def _reason(leaf: Leaf, condition: Condition, truth: bool) -> Reason:
    mentioned = {base.name for base in condition.atoms() if isinstance(base, Variable)}
    detail = ""
    if isinstance(leaf, Refused):
        seen = ", ".join(f"{name}={value}" for name, value in leaf.hints if name in mentioned)
        detail = f"The factory raises there, at {seen} with {leaf}"
    elif isinstance(leaf, Inexact):
        detail = "Beyond it, the factory's float arithmetic rounds"
    elif isinstance(leaf, Excluded):
        detail = leaf.reason
    elif isinstance(leaf, Unexplored):
        detail = "The factory takes a branch there that was not explored"
    return Reason(in_words(condition, not truth), detail, tuple(sorted(mentioned)))


def in_words(condition: Condition, truth: bool) -> str:
    """What has to hold, as half a sentence: "dim must be a multiple of heads"."""
    from symcount.formula import sympy_form

    divides = divisibility(condition)
    if divides is not None:
        number, divisor = (sympy_form.text(sympy_form.expression(side)) for side in divides)
        return f"{number} must {'' if truth else 'not '}be a multiple of {divisor}"
    relation = sympy_form.condition(condition, truth)
    if not relation.is_Relational:
        return f"{sympy_form.text(relation)} must hold"
    left, right = sympy_form.text(relation.args[0]), sympy_form.text(relation.args[1])
    verb = {"==": "equal", "!=": "not equal", ">=": "be at least", "<=": "be at most",
            ">": "be greater than", "<": "be less than"}[relation.rel_op]  # fmt: skip
    return f"{left} must {verb} {right}"
