"""End a call of a factory that does not end by itself: what no work is counted of.

A derivation calls a factory at sizes that nobody has called it with, where a `while` may go on for
ever. A thread looks after the one that derives, and raises an exception in it when a call has taken
too many seconds of that thread's own time. It may come between any two bytecodes, as that of Ctrl-C
may, and leaves as little behind.
"""

from __future__ import annotations

import _thread
import ctypes
import time
from collections.abc import Callable, Mapping
from typing import Any

# It is looked after so many seconds how long a call has taken.
_PAUSE = 1.0
# How much of the seconds a call with numbers may take, and one on symbols, which its work ends
# before unless it does none.
_WITH_NUMBERS, _ON_SYMBOLS = 1 / 3, 3


class Endless(BaseException):
    """A call of the factory has taken too long."""


class Watch:
    """A watch over the calls of a factory in the thread that makes it, until it is dismissed.

    `numbers` are what the latest call was made with, none if on symbols, and `seconds` what it may
    take.
    """

    def __init__(self, max_seconds: float) -> None:
        self.numbers: Mapping[str, Any] = {}
        self.seconds = self._most = max_seconds
        self._thread = _thread.get_ident()
        self._now = _clock_of_this_thread()
        self._began: float | None = None
        self._is_raising = False
        self._dismissed = _thread.allocate_lock()
        self._is_over = _thread.allocate_lock()

    def begin(self, values: Mapping[str, Any]) -> None:
        """Take note that the factory is called with these values."""
        if not self._dismissed.locked():
            self._dismissed.acquire()
            self._is_over.acquire()
            _thread.start_new_thread(self._look, ())
        is_plain = all(type(value) in (int, float) for value in values.values())
        self.numbers = values if is_plain else {}
        self.seconds = max(_PAUSE, self._most * (_WITH_NUMBERS if is_plain else _ON_SYMBOLS))
        self._began = self._now()

    def end(self) -> None:
        """Take note that it has returned."""
        self._began = None

    @property
    def has_raised(self) -> bool:
        """Tell whether a call has taken too long: not one of a derivation around this one."""
        return self._is_raising

    def dismiss(self) -> None:
        """End the watch: nothing is raised any more."""
        try:
            self.end()
            if self._dismissed.locked():
                self._dismissed.release()
                if self._is_raising:  # and perhaps not done with it
                    self._is_over.acquire(timeout=_PAUSE)
                    for _ in range(2):  # what is still to come does so when a loop goes on
                        pass
        except Endless:  # of a call that has just ended
            self.dismiss()
            if not self._is_raising:
                raise

    def _look(self) -> None:
        while not self._dismissed.acquire(timeout=_PAUSE):
            began = self._began
            if began is not None and self._now() - began > self.seconds:
                self._is_raising = True
                if began is self._began:
                    _raise_in(self._thread)
        self._is_over.release()


def _raise_in(thread: int) -> None:
    """Raise the exception in a thread, when it has come to the end of what is one step to it."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(Endless))


def _clock_of_this_thread() -> Callable[[], float]:
    """Return what tells the time that this thread has run, in other threads too."""
    if not hasattr(time, "pthread_getcpuclockid"):  # of some systems there is the time alone
        return time.monotonic
    clock = time.pthread_getcpuclockid(_thread.get_ident())
    return lambda: time.clock_gettime(clock)
