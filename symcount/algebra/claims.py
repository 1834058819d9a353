"""Write what a formula rests on as questions to any solver, in SMT-LIB 2.

A script asserts the declared values of the symbols, what was decided on the way, and that the claim
is false: `unsat` proves it. It is the very question that `symcount.algebra.solver` asks z3, with
the same over-approximations; where there are none, `sat` refutes the claim.

Barrett, Fontaine, Tinelli, *The SMT-LIB Standard: Version 2.6*, 2017.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from symcount.algebra.conditions import Condition, Decisions
from symcount.algebra.poly import Poly, written

Kind: TypeAlias = Literal["cover", "sum", "piece", "simplification"]

_SIGNS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_OPPOSITE = {"eq": "ne", "ge": "lt", "lt": "ge", "le": "gt"}
_LONGEST_MEANING = 2_000


@dataclass(frozen=True)
class Claim:
    """A statement that a formula rests on.

    Attributes:
        kind: `cover`, that no values take a path; `sum`, that a closed form is that of a sum;
            `piece`, that a size is another one on a path; `simplification`, that a number or a
            comparison has the normal form that it was given.
        meaning: the statement in words.
        script: its negation in SMT-LIB 2; empty if it cannot be written.
        is_exact: tells whether `sat` refutes it; of the others, too little is said to the solver.
    """

    kind: Kind
    meaning: str
    script: str
    is_exact: bool

    @property
    def text(self) -> str:
        """The script, with the statement in a comment; a solver says `unsat` if it is true."""
        return f"; {self}\n{self.script}" if self.script else ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.meaning}"


class Comparison(NamedTuple):
    """A comparison, and the condition whose truth is its own, or the truth that it always has."""

    op: str
    left: Poly
    right: Poly
    condition: Condition | None
    polarity: bool


class Question(NamedTuple):
    """A claim that has not been written: where all is as given, this holds.

    `equal` are pairs of equal numbers. Without them and comparisons, nothing is as given. `about`
    is said before the statement; a `problem` stands in the place of both where there is no script.
    """

    kind: Kind
    given: Decisions = ()
    equal: tuple[tuple[Poly, Poly], ...] = ()
    compared: tuple[Comparison, ...] = ()
    about: str = ""
    problem: str = ""

    def polynomials(self) -> Iterator[Poly]:
        """List all that it is about."""
        conditions = [condition for condition, _ in self.given]
        for _, left, right, condition, _ in self.compared:
            yield from (left, right)
            conditions += [] if condition is None else [condition]
        for condition in conditions:
            yield from (condition.left, condition.right)
        for pair in self.equal:
            yield from pair

    @property
    def meaning(self) -> str:
        """The statement in words."""
        goals = [f"{written(a)} is {written(b)}" for a, b in self.equal]
        for op, left, right, condition, polarity in self.compared:
            if condition is None:
                goals.append(_said(op if polarity else _negated(op), left, right))
            else:
                goals.append(f"{_said(op, left, right)} where {_decided(condition, polarity)}")
        way = " and ".join(_decided(*decision) for decision in self.given) or "all declared values"
        text = f"{way}: {', '.join(goals)}" if goals else f"no values: {way}"
        text = f"{self.about}{'; ' if self.about else ''}{text}"
        text = f"{text}; not written: {self.problem}" if self.problem else text
        return text if len(text) <= _LONGEST_MEANING else f"{text[:_LONGEST_MEANING]}..."


def _said(op: str, left: Poly, right: Poly) -> str:
    return f"{written(left)} {_SIGNS[op]} {written(right)}"


def _negated(op: str) -> str:
    return {**_OPPOSITE, "ne": "eq", "gt": "le"}[op]


def _decided(condition: Condition, truth: bool) -> str:
    op = condition.op if truth else _OPPOSITE[condition.op]
    return _said(op, condition.left, condition.right)
