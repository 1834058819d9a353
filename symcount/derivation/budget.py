"""Share out the work that a derivation may do among its stages.

Stages follow each other, and each has an end of its own, counted from the beginning. So what one
does not need the next may have. Exploring ends within the budget. What comes after it has about as
much again, since without it all that was explored would be of no use. It uses that for what makes
a formula simpler or its certificate better, and leaves the rest of it out when the work is done.

The clock ends each stage in the same way: a last resort, after so many seconds that it does not
strike where machines are ordinary.
"""

from __future__ import annotations

from symcount.work import MAX_SECONDS, MAX_WORK, Deadline, Work, clock

_EXPLORING = 0.8
_FOR_A_MODULE = 1.2
_JOINING = 1.1
_PERTURBING = 1.5
_CHECKING = 2.0
# The first run is finished unless it is out of all proportion: then its sizes are too large.
_FIRST_RUN = 2.0


class Budget:
    """When each stage ends: after how much work, and when it is the latest."""

    def __init__(self, max_work: int = MAX_WORK, max_seconds: float = MAX_SECONDS) -> None:
        started = clock()
        work = self.work = Work()

        def end(part: float) -> Deadline:
            return Deadline(work, part * max_work, started + part * max_seconds)

        self._seconds_for_exploring = _EXPLORING * max_seconds
        self.first_run: Deadline = end(_FIRST_RUN)
        self.exploring: Deadline = end(_EXPLORING)
        self.for_a_module: Deadline = end(_FOR_A_MODULE)
        self.joining: Deadline = end(_JOINING)
        self.perturbing: Deadline = end(_PERTURBING)
        self.checking: Deadline = end(_CHECKING)

    @property
    def spent_exploring(self) -> str:
        """Say of what there was none left to explore with."""
        if self.work.out_of_time:
            return f"the budget for exploring, {self._seconds_for_exploring:g} seconds, was spent"
        return f"the budget for exploring, {self.exploring.units:,.0f} units of work, was spent"

    @property
    def noun(self) -> str:
        """Say of what there was none left for other stages."""
        return "time" if self.work.out_of_time else "budget"
