"""Lay out a breakdown as a tree of parts for people to read: nested, and what is alike said once.

The terminal, notebooks and plots draw this same tree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any

from symcount.formula.tree import parts_of

if TYPE_CHECKING:
    from symcount.formula.breakdown import Breakdown
    from symcount.formula.formula import Formula

WHOLE = "(all)"


@dataclass(frozen=True)
class Part:
    """A module or parameter of a breakdown, its formula, and the parts that it holds."""

    name: str
    path: str
    count: Formula
    held: tuple[Part, ...] = ()
    kind: str = ""  # the class of a module, where it is known

    @cached_property
    def formula(self) -> str:
        """The formula as text."""
        from symcount.formula import sympy_form

        return sympy_form.text(self.count.in_layers)

    @cached_property
    def shape(self) -> tuple[Any, ...]:
        """Equal for parts that hold the same: only their own names may differ."""
        return self.formula, self.kind, tuple((part.name, part.shape) for part in self.held)


def outline(breakdown: Breakdown) -> Part:
    """Return the whole, with what it holds in the order in which it was made."""
    held: dict[str, list[str]] = {path: [] for path in breakdown.modules}
    own = dict(breakdown.names())
    for path in dict.fromkeys((*breakdown.modules, *own)):
        if path:
            held[".".join(parts_of(path)[:-1])].append(path)

    def part(path: str) -> Part:
        if path in own:
            tied = "" if own[path] == path else f" = {own[path]}"
            return Part(parts_of(path)[-1] + tied, path, breakdown.parameters[own[path]].formula)
        name = parts_of(path)[-1] if path else WHOLE
        kind = breakdown.classes.get(path, "")
        return Part(name, path, breakdown.modules[path].formula, tuple(map(part, held[path])), kind)

    return part("")


@dataclass(frozen=True)
class Row:
    """One part, or neighbours that hold the same: the layers of a deep network.

    `copies` is how many of it the whole has, those of the parts around it included. `size` and
    `share` are of one copy, and None where no sizes are known; so is a share of nothing or of less.
    """

    name: str
    part: Part
    copies: int = 1
    size: int | None = None
    share: float | None = None
    held: tuple[Row, ...] = ()

    @property
    def bar(self) -> float:
        """The share of all copies: the bars of what a row holds are as long as its own."""
        return min(1.0, (self.share or 0.0) * self.copies)

    @property
    def size_text(self) -> str:
        """The size of each copy, and how many there are."""
        return "" if self.size is None else self._each(f"{self.size:,}")

    @property
    def share_text(self) -> str:
        """The share of each copy in percent, and how many there are."""
        return "" if self.share is None else self._each(percent(self.share))

    def _each(self, text: str) -> str:
        return text if self.copies == 1 else f"{self.copies} × {text}"

    def walk(self, depth: int = 0, most: int | None = None) -> Iterator[tuple[int, Row]]:
        """Yield this row and those below it with their depths, down to `most`."""
        yield depth, self
        for row in self.held if most is None or depth < most else ():
            yield from row.walk(depth + 1, most)


def sizes_of(breakdown: Breakdown) -> Mapping[str, int | float] | None:
    """Return the sizes to show counts at; None if some are missing, or make no module."""
    if breakdown.sizes is not None:
        return breakdown.sizes
    whole = breakdown.modules[""].formula
    has_defaults = len(whole.defaults) == len(whole.hyperparameters)
    return whole.defaults if has_defaults and whole.valid() else None


def rows(breakdown: Breakdown) -> Row:
    """Return the tree of a breakdown as it is shown, with counts where sizes are known."""
    sizes = sizes_of(breakdown)
    whole = outline(breakdown)
    total = whole.count(**sizes) if sizes is not None else None

    def row(name: str, part: Part, copies: int) -> Row:
        size = part.count(**sizes) if sizes is not None else None
        share = None
        if size is not None and total is not None and size >= 0 and total > 0:
            share = size / total
        return Row(name, part, copies, size, share, below(part.held, copies))

    def below(parts: Sequence[Part], copies: int) -> tuple[Row, ...]:
        made = []
        for _, alike in groupby(parts, key=lambda p: p.shape if p.held else p.name):
            first, *more = alike
            name = f"{first.name} to {more[-1].name}, each" if more else first.name
            made.append(row(name, first, copies * (1 + len(more))))
        return tuple(made)

    return row(whole.name, whole, 1)


_EIGHTHS = " ▏▎▍▌▋▊▉"


def bar(share: float, most: int) -> str:
    """Draw a share as a bar of characters, of which there are `most` at a share of one.

    >>> bar(0.55, 8)
    '████▍'
    """
    full, eighths = divmod(round(share * most * 8), 8)
    return ("█" * full + _EIGHTHS[eighths]).rstrip()


def percent(share: float) -> str:
    """Write a share in percent, with a digit behind the point where it says something.

    >>> [percent(x) for x in (1.0, 0.4567, 0.0004, 0.0, 0.99999)]
    ['100%', '45.7%', '<0.1%', '0%', '>99.9%']
    """
    if share in (0, 1):
        return f"{share:.0%}"
    if share < 0.001:
        return "<0.1%"
    return ">99.9%" if share > 0.9995 else f"{share:.1%}"
