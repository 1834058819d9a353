"""Explain why a formula does not hold at some sizes, and suggest valid sizes nearby.

`explained` is about one point, for errors. `with_reasons` is about all of them, for exported code:
it puts a `Reason` in the place of each leaf on which no module is built.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from symcount.algebra import evaluate
from symcount.algebra.conditions import Condition, divisibility
from symcount.algebra.poly import Variable
from symcount.formula.signature import Signature
from symcount.formula.tree import (
    Built,
    Excluded,
    Inexact,
    Leaf,
    Refused,
    Split,
    Tree,
    Unexplored,
    follow,
    leaves,
)
from symcount.symbols import LARGEST_CANDIDATE, Hyperparameter

Code = Callable[[str], str]
# What a condition is about, and what that has to be: "dim", "be a multiple of heads".
Said = tuple[str, str]

MULTIPLE = "be a multiple of "
_VERBS = {"==": "equal", "!=": "not equal", ">=": "be at least", "<=": "be at most",
          ">": "be greater than", "<": "be less than"}  # fmt: skip
_NOT_EXPLORED = "The factory takes a branch there that was not explored"


def _raises(leaf: Refused, names: Collection[str] | None = None) -> str:
    """The beginning of what is said of an exception, up to its text; sizes of `names` alone."""
    seen = [f"{name}={value}" for name, value in leaf.hints if names is None or name in names]
    return f"The factory raises there, at {', '.join(seen)} with"


def _mentioned(condition: Condition) -> set[str]:
    return {base.name for base in condition.atoms() if isinstance(base, Variable)}


# --- one point ----------------------------------------------------------------------------------


def explained(
    values: tuple[int | float, ...],
    signature: Signature,
    tree: Tree,
    words: Mapping[Condition, tuple[str, str]],
    at: Callable[[tuple[int | float, ...]], int | None],
) -> str:
    """Explain what keeps a point out of the domain of a formula, and name valid values nearby.

    Args:
        values: the value of each symbol, in order.
        signature: the symbols of the formula.
        tree: its decision tree.
        words: conditions as texts, as far as they are known; others are written by sympy.
        at: the count at values of the symbols, None outside the domain.

    Returns:
        A sentence or two that begin with the point.
    """
    ranges = signature.hyperparameters
    point = dict(zip(signature.names, values, strict=True))
    here = ", ".join(f"{name}={value}" for name, value in point.items())
    start = f"{here} is outside the domain of {signature.factory}: "
    for h in ranges:
        if point[h.name] not in h:
            return f"{start}{h.declared}.{_nearest(values, ranges, at, [h.name])}"
    steps: list[Split] = []
    try:
        leaf = follow(tree, point, steps)
    except (ArithmeticError, ValueError) as error:
        return f"{start}its arithmetic fails there: {error}"
    if isinstance(leaf, Built):
        return f"{start}its arithmetic is undefined there"
    if not steps:
        return f"{start}the factory builds nothing at any size"
    last, truth = _decisive(steps, leaf, point)
    text = f"{start}{_said(last.condition, not truth, words)} fails"
    if isinstance(leaf, Inexact):
        return f"{text}, beyond which the factory's float arithmetic rounds"
    text += f": {leaf.reason}." if isinstance(leaf, Excluded) else f" ({last.source})."
    text += _nearest(values, ranges, at, _mentioned(last.condition))
    if isinstance(leaf, Excluded):
        return text
    if isinstance(leaf, Refused):
        return f"{text} {_raises(leaf)}\n  {leaf}"
    return (
        f"{text} {_NOT_EXPLORED}; derive with a Symbol(min=..., max=...) around these values, or "
        "with these values fixed."
    )


def _decisive(
    steps: list[Split], leaf: Leaf, point: Mapping[str, int | float]
) -> tuple[Split, bool]:
    """The split at which the way to a leaf left the domain, and its outcome."""
    taken = [(step, evaluate.holds(step.condition, point)) for step in steps]
    if isinstance(leaf, Refused):  # after a condition that decides it there may be others
        taken = [(step, truth) for step, truth in taken if _builds(step, not truth)] or taken
    return taken[-1]


def _builds(split: Split, truth: bool) -> bool:
    """Return whether a module is built anywhere on that side of a split."""
    return any(
        isinstance(leaf, Built) for _, leaf in leaves(split.then if truth else split.otherwise)
    )


def _said(condition: Condition, truth: bool, words: Mapping[Condition, tuple[str, str]]) -> str:
    if condition in words:
        return words[condition][0 if truth else 1]
    from symcount.formula import sympy_form

    return sympy_form.text(sympy_form.condition(condition, truth))


def _nearest(
    values: tuple[int | float, ...],
    ranges: Iterable[Hyperparameter],
    at: Callable[[tuple[int | float, ...]], int | None],
    names: Collection[str],
) -> str:
    """The valid values next to these, one of the named symbols changed at a time."""

    def search(place: int, step: int, least: int) -> int | float | None:
        for distance in range(1, LARGEST_CANDIDATE):
            value = max(values[place], least - 1 if step > 0 else least) + step * distance
            if value < least:
                return None
            if at((*values[:place], value, *values[place + 1 :])) is not None:
                return value
        return None

    hints = []
    for place, h in enumerate(ranges):
        if h.name in names and not h.real:
            near = [search(place, step, h.least) for step in (-1, 1)]
            known = [str(value) for value in near if value is not None]
            if known:
                hints.append(f"{h.name}={' or '.join(known)}")
    return f" Nearest valid values: {'; '.join(hints)}." if hints else ""


# --- all points ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reason:
    """A condition that has to hold, what happens where it does not, and the symbols it is about."""

    text: str
    detail: str = ""
    symbols: tuple[str, ...] = ()


def with_reasons(
    tree: Tree,
    value: Callable[[Leaf], Any],
    refusal: Callable[[Reason], Any],
    last: tuple[Condition, bool] | None = None,
) -> Any:
    """Map the leaves of a tree, and leave splits between equal ones out.

    Args:
        tree: the decision tree of a formula.
        value: what a leaf with a module becomes.
        refusal: what the reason for there being no module becomes.
        last: the decision that led here, None at the root.

    Returns:
        A tree of splits.
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
    """Return the place of a reason in a list, to which it is added if it is not there."""
    if reason not in reasons:
        reasons.append(reason)
    return reasons.index(reason)


def _reason(leaf: Leaf, condition: Condition, truth: bool) -> Reason:
    mentioned = _mentioned(condition)
    detail = ""
    if isinstance(leaf, Refused):
        detail = f"{_raises(leaf, mentioned)} {leaf}"
    elif isinstance(leaf, Inexact):
        detail = "Beyond it, the factory's float arithmetic rounds"
    elif isinstance(leaf, Excluded):
        detail = leaf.reason
    elif isinstance(leaf, Unexplored):
        detail = _NOT_EXPLORED
    text = " must ".join(said(condition, not truth))
    return Reason(text, detail, tuple(sorted(mentioned)))


def said(condition: Condition, truth: bool, code: Code = str) -> Said:
    """Return what a condition is about, and what that has to be for it to hold, or not."""
    from symcount.formula import sympy_form

    def written(expression: Any) -> str:
        text = sympy_form.text(expression)
        return text if expression.is_number else code(text)

    divides = divisibility(condition)
    if divides is not None:
        number, divisor = (written(sympy_form.expression(side)) for side in divides)
        return number, f"{'' if truth else 'not '}{MULTIPLE}{divisor}"
    relation = sympy_form.condition(condition, truth)
    if not relation.is_Relational:
        return written(relation), "hold"
    left, right = map(written, relation.args)
    return left, f"{_VERBS[relation.rel_op]} {right}"
