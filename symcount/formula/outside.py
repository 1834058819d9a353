"""Why a formula does not hold at some sizes, and where it does nearby."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from symcount.algebra import evaluate
from symcount.algebra.conditions import Condition
from symcount.algebra.poly import Variable
from symcount.formula.tree import Built, Excluded, Inexact, Refused, Split, follow, leaves
from symcount.symbols import LARGEST_CANDIDATE

if TYPE_CHECKING:
    from symcount.param_count import ParamCount


def why_outside(count: ParamCount, values: tuple[int | float, ...]) -> str:
    """What keeps these values out of the domain, where, and what is in it nearby."""
    point = dict(zip([h.name for h in count.hyperparameters], values, strict=True))
    here = ", ".join(f"{k}={v}" for k, v in point.items())
    start = f"{here} is outside the domain of {count.factory}: "

    def said(condition: Condition, truth: bool) -> str:
        if condition in count.words:
            return count.words[condition][0 if truth else 1]
        from symcount.formula import sympy_form

        return sympy_form.text(sympy_form.condition(condition, truth))

    for h in count.hyperparameters:
        if point[h.name] not in h:
            return f"{start}{h.declared}.{_nearest(count, values, [h.name])}"
    steps: list[Split] = []
    try:
        leaf = follow(count.tree, point, steps)
    except (ArithmeticError, ValueError) as error:
        return f"{start}its arithmetic fails there: {error}"
    if isinstance(leaf, Built):
        return f"{start}its arithmetic is undefined there"
    if not steps:
        return f"{start}the factory builds nothing at any size"
    taken = [(step, evaluate.holds(step.condition, point)) for step in steps]
    if isinstance(leaf, Refused):  # after a condition that decides it there may be others
        taken = [(step, truth) for step, truth in taken if _builds(step, not truth)] or taken
    last, truth = taken[-1]
    text = f"{start}{said(last.condition, not truth)} fails"
    if isinstance(leaf, Inexact):
        return f"{text}, beyond which the factory's float arithmetic rounds"
    text += f": {leaf.reason}." if isinstance(leaf, Excluded) else f" ({last.source})."
    mentioned = {a.name for a in last.condition.atoms() if isinstance(a, Variable)}
    text += _nearest(count, values, mentioned)
    if isinstance(leaf, Excluded):
        return text
    if isinstance(leaf, Refused):
        seen = ", ".join(f"{k}={v}" for k, v in leaf.hints)
        return f"{text} The factory raises there, at {seen} with\n  {leaf}"
    return (
        f"{text} The factory takes a branch there that was not explored; derive with a "
        "Variable(min=..., max=...) around these values, or with these values fixed."
    )


def _nearest(count: ParamCount, values: tuple[int | float, ...], names: Iterable[str]) -> str:
    """The valid values next to these, one symbol changed at a time."""
    hints = []
    for place, h in enumerate(count.hyperparameters):
        if h.name in names and not h.real:
            near = [_search(count, values, place, step) for step in (-1, 1)]
            known = [str(value) for value in near if value is not None]
            if known:
                hints.append(f"{h.name}={' or '.join(known)}")
    return f" Nearest valid values: {'; '.join(hints)}." if hints else ""


def _search(
    count: ParamCount, values: tuple[int | float, ...], place: int, step: int
) -> int | float | None:
    for distance in range(1, LARGEST_CANDIDATE):
        value = max(values[place], 0 if step > 0 else 1) + step * distance
        if value < 1:
            return None
        if count._evaluated((*values[:place], value, *values[place + 1 :])) is not None:
            return value
    return None


def _builds(split: Split, truth: bool) -> bool:
    """Whether a module is built anywhere on that side of a split."""
    return any(
        isinstance(leaf, Built) for _, leaf in leaves(split.then if truth else split.otherwise)
    )
