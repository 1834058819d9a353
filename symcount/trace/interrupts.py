"""Exceptions that end a run of a factory, or start it again: control flow, and no errors.

Each is a `BaseException`, so that a factory's `except Exception` cannot swallow it. A bare `except`
can, so a run remembers what it has raised (`_Run.interrupt`), and ends with that whatever the
factory makes of it. None of them leaves `derive`.
"""

from __future__ import annotations


class Interrupt(BaseException):
    """Base of them all."""


class Restart(Interrupt):
    """The run must start again with more of the code intercepted."""


class TooLong(Interrupt):
    """A loop would go through more iterations than are needed to see what it does."""

    def __init__(self, symbols: tuple[str, ...], length: int) -> None:
        super().__init__(symbols, length)
        self.symbols = symbols
        self.length = length


class NotFolded(Interrupt):
    """The iterations of a loop over a symbol cannot be folded into one."""


class GivenUp(Interrupt):
    """A function of numbers cannot be followed as one operation."""


class BudgetSpent(Interrupt):
    """The time is over."""
