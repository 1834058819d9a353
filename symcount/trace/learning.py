"""Keep what the runs of one derivation learn of its factory, each for those that follow it.

Whose code has to read stand-ins, which functions are followed as one, what refuses symbols: each is
found out by a run that starts again. It is forgotten with the derivation, so what ran before in the
process changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import CodeType
from typing import Any, NamedTuple

from symcount.symbols import Number
from symcount.trace.intercepting import INTERCEPTOR, Interceptor
from symcount.trace.loops import Names
from symcount.trace.pure_functions import Followed
from symcount.trace.tensors.bypasses import Refusing


class Entry(NamedTuple):
    """One entry of what a loop has left, by its place from the start or `from_end`."""

    from_end: bool
    place: int

    def of(self, length: int) -> int:
        """Return the number of the iteration that left it."""
        return length - 1 - self.place if self.from_end else self.place


class Entries(NamedTuple):
    """The entries that a place uses of what a loop has left; none if it goes through them all.

    `seen` is how long the loop was in the run that says so, and how many entries were used.
    """

    seen: tuple[int, int]
    entries: frozenset[Entry]


@dataclass(eq=False)
class Learned:
    """Hold what the runs of a derivation have learned so far.

    - `interceptor`: the functions whose code reads stand-ins while a run lasts.
    - `followed`: the functions of numbers that are followed as one.
    - `refusing`: the functions of torch that refuse symbols, and those that took some.
    - `while_places`: the comparisons that are the condition of a `while` loop over a symbol.
    - `loops`: the names of loops.
    - `keys`: the numbers that become keys of a memo after a symbol, by the place that stores this.
    - `caches`: the functions with a cache that a symbol was given to. It is emptied with each run.
    - `cached_methods`: those of them that are methods, by their class and name, and the stand-ins.
    - `left`: what a place uses of a loop that has ended, by the place and the name of the loop.
    - `used_after`: the names of loops of which single entries are used after they have ended.
    """

    interceptor: Interceptor = field(default_factory=INTERCEPTOR.copy)
    followed: dict[int, Followed] = field(default_factory=dict)
    refusing: Refusing = field(init=False)
    while_places: set[tuple[CodeType, int]] = field(default_factory=set)
    loops: Names = field(default_factory=dict)
    keys: dict[tuple[CodeType, int], list[Number]] = field(default_factory=dict)
    caches: list[Any] = field(default_factory=list)
    cached_methods: list[tuple[type, str, Any]] = field(default_factory=list)
    left: dict[tuple[object, ...], Entries] = field(default_factory=dict)
    used_after: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.refusing = Refusing(self.interceptor)

    def empty_caches(self) -> None:
        """Empty the caches: of symbols, and of numbers that symbols may be equal to."""
        for cached in self.caches:
            cached.cache_clear()
