"""Tell which iteration a number comes from that is used after its loop.

Code reads a list that a loop has made by plain Python, so `dims[-1]` and one of the entries that
`for width in dims` goes through look alike. They are told apart by all that one place uses in a
run: what every iteration has left is a list gone through, and what one of several has left is an
entry, counted from the nearer end. That is inferred; a longer run may say otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from symcount.algebra.poly import Poly, const
from symcount.algebra.substitution import substituted
from symcount.derivation.lowering import Lowering
from symcount.record import Frame
from symcount.trace.interrupts import NotFolded
from symcount.trace.learning import Entries, Entry, Learned
from symcount.trace.loops import Tag, Tags


@dataclass(eq=False)
class LeftOver:
    """Holds what the places of a run use of loops that have ended, and what is known of them.

    `again` are the places within another loop, which may use something else each time. `inferred`
    says whether the run rests on what is known.
    """

    learned: Learned
    lowering: Lowering
    seen: dict[tuple[object, ...], set[Tag]] = field(default_factory=dict)
    again: set[tuple[object, ...]] = field(default_factory=set)
    inferred: bool = False

    def note(self, frame: Frame, left: Iterable[Tag], around: Tags) -> None:
        """Take note of the iterations from which a place, in those around, uses a number."""
        for loop, number in left:
            place = frame.code, frame.lasti, loop.name
            self.seen.setdefault(place, set()).add((loop, number))
            if around:
                self.again.add(place)

    def learn(self, has_raised: bool) -> bool:
        """Learn from loops that say more than those before; return whether anything is new."""
        is_new = False
        for place, tags in self.seen.items():
            loop = max((loop for loop, _ in tags), key=lambda loop: loop.length)
            numbers = sorted(number for other, number in tags if other is loop)
            before = self.learned.left.get(place, Entries((1, 0), frozenset()))
            found = _entries(numbers, loop.length)
            if place in self.again and (loop.length < 3 or len(found) > 1):
                found = frozenset()
            entries = Entries((loop.length, len(numbers)), found)
            if entries.seen <= before.seen or loop.length == 1 or (has_raised and numbers == [0]):
                continue
            self.learned.left[place] = entries
            if entries.entries:
                self.learned.used_after.add(loop.name)
            is_new |= before.entries != entries.entries
        return is_new

    def is_entry(self, frame: Frame, tag: Tag) -> bool | None:
        """Tell whether a place uses a single entry of a list; None if that is not known."""
        known = self.learned.left.get((frame.code, frame.lasti, tag[0].name))
        return None if known is None else bool(known.entries)

    def resolved(self, value: Poly, frame: Frame, tags: Iterable[Tag]) -> Poly:
        """Write a number that is used after its loops as a function of their lengths.

        Raises:
            NotFolded: it is not known from which iteration it comes.
        """
        for loop, number in sorted(tags, key=lambda tag: -len(tag[0].inside)):
            known = self.learned.left.get((frame.code, frame.lasti, loop.name))
            count = self.lowering(loop.count).poly
            fitting = [e for e in known.entries if e.of(loop.length) == number] if known else []
            is_only = count == const(1)
            if is_only:
                fitting = [Entry(False, 0)]
            self.inferred |= not is_only
            if len(fitting) != 1 or not (loop.is_whole or loop.goes_along):
                raise NotFolded("the index of an iteration is used after its loop")
            ((from_end, place),) = fitting
            index = count - const(1 + place) if from_end else const(place)
            value = substituted(value, loop.name, index, self.lowering.facts)
        return value


def _entries(numbers: list[int], length: int) -> frozenset[Entry]:
    """Return the entries that a place uses; none if it goes through a list, or a part of it."""
    if len(numbers) > 1 and (length == 2 or all(b - a == 1 for a, b in pairwise(numbers))):
        return frozenset()
    return frozenset(
        Entry(False, number) if 2 * number < length else Entry(True, length - 1 - number)
        for number in numbers
    )
