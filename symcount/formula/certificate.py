"""The record of how a formula was verified, which goes with it wherever it goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from symcount.algebra.claims import Claim
from symcount.record import Concretisation
from symcount.shown import Shown

Grade: TypeAlias = Literal["complete", "checked", "partial"]
Unfinished: TypeAlias = Literal["paths", "solver", "comparison", "clock"]

# That a derivation was ended by the clock: another machine may come further, or this another time.
TIME_RAN_OUT = "Time ran out (max_seconds), so this depends on the machine"


@dataclass(frozen=True)
class Certificate(Shown):
    """The record of how a formula was verified.

    `grade` says how far, and `reason` why:

    - `complete`: every path that values of the symbols take was followed, and every size and
      branch follows from recorded operations. There is no assumption.
    - `checked`: the same but for the `assumptions`. Each was put to the test at the numbers where
      it would most likely fail.
    - `partial`: the derivation was not finished. What of it, `unfinished` says: `paths` that the
      budget did not reach, branches that the `solver` could not decide, a `comparison` with fewer
      modules than there should have been, or what the `clock` ended. The domain is what was
      followed.

    `outside` are the factory's own defaults, if it builds a module there and the formula does not
    hold. Where it does, they are empty.

    `points` are the values of the symbols at which every parameter was compared with a plainly
    built module. `concretisations` are the places where a symbol became a plain number, or could
    be lost without being asked, and nothing shows that no size and no branch depends on it: the
    assumptions. `harmless` are those where something does: the number ends in a message or a name,
    or both ways of every branch on it build the same.

    `substituted` are the symbols that expressions took the place of afterwards, in order. All else
    here speaks of the symbols before that, `points` too. Of a formula that was computed from
    several, it is what these have together: the weakest grade, and points in the symbols of each.

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
    unfinished: tuple[Unfinished, ...] = ()
    outside: tuple[tuple[str, int | float], ...] = ()
    counts: tuple[int, ...] = field(default=(), repr=False, compare=False)
    claims: Sequence[Claim] = field(default=(), repr=False, compare=False)

    @property
    def out_of_time(self) -> bool:
        """Tell whether the clock has ended the derivation, so that this depends on the machine."""
        return TIME_RAN_OUT in self.reason

    @property
    def assumptions(self) -> tuple[Concretisation, ...]:
        """What the formula takes for granted, each with the numbers at which it was tried."""
        return self.concretisations

    @property
    def misses_defaults(self) -> str:
        """Say that the formula does not hold at the factory's defaults; empty if it does."""
        if not self.outside:
            return ""
        said = ", ".join(f"{name}={value}" for name, value in self.outside)
        return f"this does not hold at the defaults of the factory, {said}"

    def __str__(self) -> str:
        count = len(self.assumptions)
        but = f", but for {count} {_plural(count, 'assumption')}" if count else ""
        text = (
            f"{self.grade}{but}: {self.paths} {_plural(self.paths, 'path')} followed "
            f"({self.refused_paths} of them refused by the factory), compared with plainly built "
            f"modules at {len(self.points)} {_plural(len(self.points), 'point')}; {self.reason}"
        )
        if count:
            listed = "".join(f"\n  {assumption}" for assumption in self.assumptions)
            text = f"assumed, that nothing depends on:{listed}\n{text}"
        if self.outside:
            text = f"{self.misses_defaults}\n{text}"
        if self.substituted:
            said = ", ".join(f"{name} = {expression}" for name, expression in self.substituted)
            text += f"\n  derived and compared before {said} was substituted"
        return text


def _plural(count: int, noun: str) -> str:
    return noun if count == 1 else f"{noun}s"
