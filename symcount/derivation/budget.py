"""Share out `max_seconds` among the stages of a derivation.

Stages follow each other, and each has an end of its own, counted from the beginning. So what one
does not need the next may have. Exploring ends within the budget. What comes after it has about as
long again, since without it all that was explored would be of no use. It uses that for what makes
a formula simpler or its certificate better, and leaves the rest of it out when the time is over.
"""

from __future__ import annotations

import time

_EXPLORING = 0.8
_FOR_A_MODULE = 1.2
_JOINING = 1.1
_PERTURBING = 1.5
_CHECKING = 2.0


class Budget:
    """When each stage ends, by `time.perf_counter`."""

    def __init__(self, seconds: float) -> None:
        started = time.perf_counter()
        self.said_for_exploring = _EXPLORING * seconds
        self.exploring = started + _EXPLORING * seconds
        self.for_a_module = started + _FOR_A_MODULE * seconds
        self.joining = started + _JOINING * seconds
        self.perturbing = started + _PERTURBING * seconds
        self.checking = started + _CHECKING * seconds
