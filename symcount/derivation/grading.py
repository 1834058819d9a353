"""Grade a derivation, and write its certificate: what a grade says, and the reason for it."""

from __future__ import annotations

from collections.abc import Sequence

from symcount.derivation.budget import Budget
from symcount.derivation.checking import Checked
from symcount.derivation.joining import Joined
from symcount.derivation.paths import Exploration
from symcount.derivation.perturbation import Sorted
from symcount.derivation.points import HELD_OUT
from symcount.formula.certificate import TIME_RAN_OUT, Certificate, Grade, Unfinished
from symcount.record import Concretisation


def certificate_of(
    found: Exploration,
    joined: Joined,
    tried: Sorted,
    checked: Checked,
    unfolded: str,
    budget: Budget,
) -> Certificate:
    """Say what was done to trust a formula; `unfolded` is why its loops were not folded."""
    grade, reason, unfinished = _grade(found, tried.lost, joined.inferred, checked)
    if joined.hasty:
        reason += f". There was no {budget.noun} to simplify it"
    if unfolded:
        reason += f". Loops were followed for each number of iterations, since {unfolded}"
    if budget.work.out_of_time:
        grade = "partial"
        reason += f". {TIME_RAN_OUT}"
        unfinished += ("clock",)
    advice = [_ADVICE[each] for each in unfinished]
    if unfolded and unfinished:
        advice.append(UNFOLDED)
    reason += "".join(f". {each}" for each in advice)
    return Certificate(
        grade=grade,
        reason=reason,
        paths=len(found.paths),
        refused_paths=len(found.paths) - len(found.built),
        points=checked.points,
        concretisations=checked.assumed,
        harmless=tried.harmless,
        unfinished=unfinished,
    )


_ADVICE: dict[Unfinished, str] = {
    "paths": "More are followed with max_paths=... and max_work=..., and fewer are needed if "
    "symbols are fixed or declared in a narrower range",
    "solver": "Fix a symbol of theirs, or declare it in a narrower range",
    "comparison": "More is compared with max_work=...",
    "clock": "It gets further with max_seconds=...",
}
UNFOLDED = "A loop whose first iteration is another may be folded from two on, with Symbol(min=2)"


def _grade(
    found: Exploration, lost: Sequence[Concretisation], inferred: bool, checked: Checked
) -> tuple[Grade, str, tuple[Unfinished, ...]]:
    points, missing = len(checked.points), checked.missing
    open_places = sum(1 for _ in found.open_places())
    if open_places:
        one = open_places == 1
        why = found.spent or f"the solver could not decide {'it' if one else 'them'}"
        verb = "path was" if one else "paths were"
        also = f". Also, {missing}" if missing else ""
        unfinished: tuple[Unfinished, ...] = ("paths" if found.spent else "solver",)
        unfinished += ("comparison",) if missing else ()
        return "partial", f"{open_places} {verb} not followed: {why}{also}", unfinished
    followed = "every path over the declared values was followed, or proved to be taken by none"
    if missing:
        return "partial", f"{followed}, but {missing}", ("comparison",)
    if not lost and not inferred:
        return "complete", followed, ()
    if points <= HELD_OUT:
        reason = f"something is assumed, and only {points} points were compared"
        return "partial", reason, ("comparison",)
    if not lost:
        why = (
            "the first or last iteration of a loop differs from the others for no branch of its own"
        )
        return "checked", f"{followed}, but {why}", ()
    return "checked", f"{followed}, but what is assumed was tried, and is not proved", ()
