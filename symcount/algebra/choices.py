"""Choices between two integers by a condition, `if_ge(left, right, then, otherwise)`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from symcount.algebra.conditions import Condition, Decisions, implies
from symcount.algebra.functions import CHOICES
from symcount.algebra.poly import Atom, Call, Poly, atom, only_atom, top_atoms


def choice(condition: Condition, then: Poly, otherwise: Poly) -> Poly:
    """`then` where a condition holds, else `otherwise`."""
    then = _assuming(condition, True, then)
    otherwise = _assuming(condition, False, otherwise)
    if then == otherwise:
        return then
    return atom(Call(f"if_{condition.op}", (condition.left, condition.right, then, otherwise)))


def as_choice(value: Poly) -> tuple[Condition, Poly, Poly] | None:
    """The condition and both sides, if `value` is a choice and nothing else."""
    base = only_atom(value)
    return parts(base) if isinstance(base, Call) and base.op in CHOICES else None


def parts(base: Call) -> tuple[Condition, Poly, Poly]:
    """The condition and both sides of a call that is a choice."""
    left, right, then, otherwise = base.args
    return Condition(CHOICES[base.op], left, right), then, otherwise


def sides(value: Poly, decisions: Decisions = ()) -> Iterator[Decisions]:
    """The decisions that lead to each side of a choice, and of the choices on its sides."""
    inner = as_choice(value)
    if inner is None:
        yield decisions
        return
    condition, then, otherwise = inner
    yield from sides(then, (*decisions, (condition, True)))
    yield from sides(otherwise, (*decisions, (condition, False)))


def _assuming(condition: Condition, truth: bool, value: Poly) -> Poly:
    """A side of a choice without the choices that its condition settles."""
    inner = as_choice(value)
    if inner is None:
        return value
    other, then, otherwise = inner
    if implies(condition, truth, other, True):
        return _assuming(condition, truth, then)
    if implies(condition, truth, other, False):
        return _assuming(condition, truth, otherwise)
    return value


def choices_in(values: Iterable[Poly]) -> list[Condition]:
    """The conditions of all choices in polynomials, those that others depend on first."""
    found: dict[Condition, None] = {}
    seen: set[Atom] = set()

    def visit(value: Poly) -> None:
        for base in top_atoms(value) - seen:
            seen.add(base)
            if isinstance(base, Call):
                for arg in base.args:
                    visit(arg)
                if base.op in CHOICES:
                    found[parts(base)[0]] = None

    for value in values:
        visit(value)
    return list(found)
