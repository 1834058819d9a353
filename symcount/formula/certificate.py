"""The record of how a formula was verified, which goes with it wherever it goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from symcount.algebra.claims import Claim
from symcount.record import Concretisation
from symcount.shown import Shown

Grade: TypeAlias = Literal["complete", "checked", "partial"]

# That a derivation was ended by the clock: another machine may come further, or this another time.
TIME_RAN_OUT = "Time ran out (max_seconds), so this depends on the machine"


@dataclass(frozen=True)
class Certificate(Shown):
    """The record of how a formula was verified.

    `grade` says how far, and `reason` why:

    - `complete`: every path that values of the symbols take was followed, and no symbol became a
      plain number on the way to a shape or a branch.
    - `checked`: every path was followed, but a symbol became a plain number where it matters, at
      the lines of `concretisations`. The formula agreed at a dozen further points at least.
    - `partial`: some paths were not followed. The domain is what was.

    `points` are the values of the symbols at which every parameter was compared with a plainly
    built module. `harmless` are the concretisations that nothing depends on: put to the test with
    other numbers, they changed no branch and no shape.

    `substituted` are the symbols that expressions took the place of afterwards, in order. All else
    here speaks of the symbols before that, `points` too.

    `counts` are the numbers of parameters of the modules built at `points`. `claims` are what the
    formula rests on, for any solver to check; see `Claim`.
    """

    grade: Grade
    reason: str
    paths: int
    refused_paths: int
    points: tuple[tuple[tuple[str, int | float], ...], ...]
    concretisations: tuple[Concretisation, ...]
    harmless: tuple[Concretisation, ...] = ()
    substituted: tuple[tuple[str, str], ...] = ()
    counts: tuple[int, ...] = field(default=(), repr=False, compare=False)
    claims: Sequence[Claim] = field(default=(), repr=False, compare=False)

    @property
    def out_of_time(self) -> bool:
        """Tell whether the clock has ended the derivation, so that this depends on the machine."""
        return TIME_RAN_OUT in self.reason

    def __str__(self) -> str:
        text = (
            f"{self.grade}: {self.paths} {_plural(self.paths, 'path')} followed "
            f"({self.refused_paths} of them refused by the factory), compared with plainly built "
            f"modules at {len(self.points)} {_plural(len(self.points), 'point')}; {self.reason}"
        )
        for concretisation in self.concretisations:
            text += f"\n  a symbol became a plain number at {concretisation}"
        if self.substituted:
            said = ", ".join(f"{name} = {expression}" for name, expression in self.substituted)
            text += f"\n  derived and compared before {said} was substituted"
        return text


def _plural(count: int, noun: str) -> str:
    return noun if count == 1 else f"{noun}s"
