"""A formula in a list of formulas: under a name, with what is said of it there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from symcount.errors import DerivationError
from symcount.formula.formula import Formula


@dataclass(frozen=True)
class Entry:
    """A formula under its name in a list, such as a registry.

    Attributes:
        group: the part of the list that it is in, "cnn".
        name: what it is called there.
        formula: the formula; the error in its place if there is none, None if it is not known yet.
        description: a line for people.
        declared: a hand-written estimate of the count, if there is one.
    """

    group: str
    name: str
    formula: Formula | DerivationError | None
    description: str = ""
    declared: int | float | None = None

    @property
    def problem(self) -> str:
        """The reason for there being no formula, as a text."""
        return str(self.formula)

    @property
    def key(self) -> str:
        """The name, and the part of the list before it: "cnn:residual"."""
        return f"{self.group}:{self.name}"

    def written(self, write: Callable[[Formula], str], refused: Callable[[str], str]) -> str:
        """Return the formula as `write` writes it; if there is none, or it refuses, the reason."""
        if not isinstance(self.formula, Formula):
            return refused(self.problem)
        try:
            return write(self.formula)
        except DerivationError as error:
            return refused(str(error))
