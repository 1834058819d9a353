"""Count the work of a derivation, so that where it stops does not depend on the clock.

Each kind of work has a price in units, which is about what it takes: a unit is a microsecond on an
ordinary machine that is idle. The same derivation does the same work everywhere, and so ends at the
same place. The clock is a last resort, for what no price is known of: code of the factory between
two calls that are seen. It is that of the thread, which stands still while others have the machine.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

clock: Callable[[], float] = time.thread_time
# What a derivation may do, and the seconds after which it is stopped, if nothing else is said.
MAX_WORK = 10_000_000
MAX_SECONDS = 60.0

# An operation that is recorded on a symbol, and a comparison of one.
OPERATION = 4
COMPARISON = 40
# A call of torch in a run on symbols, in a plain build, and a run or build besides its calls.
TRACED_CALL = 60
PLAIN_CALL = 15
CALL = 500
# A tensor that is simplified, and one that is compared with a plain one.
SIMPLIFIED = 60
COMPARED = 90
# A place at which candidates are told apart, a candidate, and a question to z3, each of whose steps
# is a unit.
PLACE = 150
CANDIDATE = 1
QUESTION = 2000


class Work:
    """The work that was done, in units, and whether the clock has put an end to it."""

    def __init__(self) -> None:
        self.done = 0
        self.out_of_time = False


class Deadline:
    """The end of a stage: how much work is done then, and the time at which it is the latest."""

    def __init__(
        self, work: Work | None = None, units: float = math.inf, until: float = math.inf
    ) -> None:
        self.work: Work = Work() if work is None else work
        self.units = units
        self.until = until

    def spend(self, units: int) -> None:
        """Do so much work."""
        self.work.done += units

    @property
    def without_end(self) -> Deadline:
        """No end: what is done counts all the same."""
        return Deadline(self.work)

    def after(self, part: float) -> Deadline:
        """The end of what begins now, and may have this part of what is left."""
        now, done = clock(), self.work.done
        units, until = (a + part * (b - a) for a, b in ((done, self.units), (now, self.until)))
        return Deadline(self.work, units, until)

    @property
    def passed(self) -> bool:
        """Tell whether the work is done, or the time is over."""
        if self.work.done > self.units:
            return True
        if clock() > self.until:
            self.work.out_of_time = True
            return True
        return False

    @property
    def seconds_left(self) -> float:
        """The time that is left until the last resort."""
        return self.until - clock()


NEVER = Deadline()
PASSED = Deadline(units=-1)
