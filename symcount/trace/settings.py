"""Settings of a run on symbols, and whoever listens to the branches it takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from symcount.executed import Executed
from symcount.symbols import Number
from symcount.trace.learning import Learned
from symcount.trace.pure_functions import ForcedTest
from symcount.trace.result import Branch
from symcount.work import NEVER, Deadline

Listen: TypeAlias = "Callable[[], BranchListener]"


Perturb: TypeAlias = "Callable[[str, Number], Number]"


class BranchListener(Protocol):
    """Whoever follows the comparisons of a run."""

    def on_branch(self, branch: Branch) -> bool:
        """Take note of a comparison; False if it always goes one way, and is no branch."""

    def on_limit(self, branch: Branch) -> bool:
        """Take note of a comparison that holds in the domain; False if it has to be a branch."""

    def answer(self, branch: Branch, under: Sequence[ForcedTest]) -> bool | None:
        """The outcome of a comparison, if what is known and these decisions settle it."""


class Everything:
    """Takes every comparison for a branch."""

    def on_branch(self, branch: Branch) -> bool:
        return True

    def on_limit(self, branch: Branch) -> bool:
        return True

    def answer(self, branch: Branch, under: Sequence[ForcedTest]) -> bool | None:
        return None


@dataclass(frozen=True)
class Settings:
    """How a run is to go.

    - `perturb`: given the kind of a concretisation and its number, the number to use. Another
      number shows whether anything depends on it.
    - `texts`: numbers with which a symbol is compared where it becomes text, so that each text of
      interest has a path of its own.
    - `longest`: how many iterations a loop over a symbol may go through; more raise `TooLong`.
    - `specialising`: follow the bounds of loops for their very values, each a path of its own.
    - `lengths`: follow each path with several numbers of iterations, to see what grows with them.
    - `splits`: conditions by which paths that build a module are told apart, tested or not.
    - `executed`: the code that plain builds of the factory have run.
    - `learned`: what earlier runs of the same factory have learned; a run without has to itself.
    - `observer`: told of the plain values by which code decides (`symcount.trace.observing`).
    - `deadline`: when a run that is not finished raises `BudgetSpent`.
    """

    perturb: Perturb | None = None
    texts: Sequence[int] = ()
    longest: int = 6
    specialising: bool = False
    lengths: bool = False
    splits: tuple[Any, ...] = ()
    executed: Executed = field(default_factory=Executed)
    observer: Any = None
    learned: Learned | None = None
    deadline: Deadline = NEVER


AS_USUAL = Settings()
