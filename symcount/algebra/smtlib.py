"""Write claims in SMT-LIB 2 when somebody asks for them, and not before."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, overload

from symcount.algebra.claims import Claim, Question
from symcount.algebra.facts import Facts
from symcount.symbols import Hyperparameter

if TYPE_CHECKING:
    from symcount.algebra.solver import Solver

# A longer script is not written.
LONGEST = 50_000


class Claims(Sequence[Claim]):
    """The claims of a formula, each written once, when somebody asks for them.

    `more` makes further questions then. It is equal to any sequence of the same claims.
    """

    def __init__(
        self,
        questions: Iterable[Question],
        more: Callable[[], Iterable[Question]],
        ranges: Sequence[Hyperparameter],
        facts: Facts,
    ) -> None:
        self._questions, self._more = tuple(dict.fromkeys(questions)), more
        self._ranges, self._facts = tuple(ranges), facts

    def __len__(self) -> int:
        return len(self._written)

    @overload
    def __getitem__(self, index: int) -> Claim: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Claim]: ...
    def __getitem__(self, index: int | slice) -> Claim | Sequence[Claim]:
        return self._written[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._written == tuple(other)

    def __hash__(self) -> int:
        return hash(self._written)

    def __getstate__(self) -> object:
        return {name: vars(self)[name] for name in ("_questions", "_more", "_ranges", "_facts")}

    @cached_property
    def _written(self) -> tuple[Claim, ...]:
        from symcount.algebra.solver import Solver

        solver = Solver(self._ranges, self._facts)
        questions = dict.fromkeys((*self._questions, *self._more()))
        return tuple(dict.fromkeys(_claim(question, solver) for question in questions))


def _claim(question: Question, solver: Solver) -> Claim:
    """Write a claim; the names of indices, which are another run's in another run, are numbered."""
    numbers = count()
    names: dict[str, str] = {}

    def numbered(index: re.Match[str]) -> str:
        if index[0] not in names:
            names[index[0]] = f"index!{next(numbers)}"
        return names[index[0]]

    meaning = re.sub(r"@\w+", numbered, question.meaning)
    if question.problem:
        return Claim(question.kind, meaning, "", False)
    script, is_exact = solver.script(question)
    if len(script) > LONGEST:
        return Claim(question.kind, f"{meaning}; not written: its script is too long", "", False)
    return Claim(question.kind, meaning, re.sub(r"@\w+", numbered, script), is_exact)
