"""Comparisons in normal form, and which of them follow from others."""

from __future__ import annotations

from typing import Any, TypeAlias

from symcount.algebra.poly import Atom, Call, Poly, Variable, only_atom


class Condition:
    """A comparison in normal form: `left op right` with op one of eq, ge (integers) or lt, le.

    Of a comparison and its negation, one is a `Condition` and the other its being false.
    """

    __slots__ = ("_hash", "left", "op", "right")

    def __init__(self, op: str, left: Poly, right: Poly) -> None:
        self.op: str = op
        self.left: Poly = left
        self.right: Poly = right
        self._hash = hash((op, left, right))

    def __eq__(self, other: object) -> bool:
        return (
            type(other) is Condition
            and other._hash == self._hash
            and (other.op, other.left, other.right) == (self.op, self.left, self.right)
        )

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"{self.left!r} {self.op} {self.right!r}"

    def __reduce__(self) -> Any:
        return Condition, (self.op, self.left, self.right)

    def atoms(self) -> frozenset[Atom]:
        """All atoms of both sides."""
        return self.left.atoms() | self.right.atoms()


Decision: TypeAlias = "tuple[Condition, bool]"
Decisions: TypeAlias = "tuple[Decision, ...]"


def implies(condition: Condition, truth: bool, consequence: Condition, its_truth: bool) -> bool:
    """Tell whether one condition on a number proves another on the same; False if unsure."""
    if condition == consequence:
        return truth is its_truth
    one, other = divisibility(condition), divisibility(consequence)
    if one is not None and other is not None:
        divisors = one[1].constant, other[1].constant
        return (
            one[0] == other[0]
            and truth
            and its_truth
            and isinstance(divisors[0], int)
            and isinstance(divisors[1], int)
            and divisors[0] % divisors[1] == 0
        )
    here, there = condition.right.constant, consequence.right.constant
    if condition.left != consequence.left or here is None or there is None:
        return False
    match (condition.op, truth, consequence.op, its_truth):
        case ("ge", True, "ge", True):
            return here >= there
        case ("ge", False, "ge", False):
            return here <= there
        case ("ge", True, "eq", False):
            return here > there
        case ("ge", False, "eq", False):
            return here <= there
        case ("eq", True, "ge", _):
            return (here >= there) is its_truth
        case ("eq", True, "eq", False):
            return here != there
    return False


def settled(condition: Condition, decided: Decisions) -> bool | None:
    """Return what decisions prove of a condition; None if neither."""
    for truth in (True, False):
        if any(implies(*decision, condition, truth) for decision in decided):
            return truth
    return None


def divisibility(condition: Condition) -> tuple[Poly, Poly] | None:
    """(a, b) if the condition is `a % b == 0`."""
    base = only_atom(condition.left)
    if condition.op != "eq" or condition.right.constant != 0:
        return None
    return base.args[:2] if isinstance(base, Call) and base.op == "mod" else None  # type: ignore[return-value]


def mentions(value: Poly | Condition, name: str) -> bool:
    """Tell whether a symbol of this name is among the atoms."""
    return any(isinstance(a, Variable) and a.name == name for a in value.atoms())
