"""Go through loops over a symbolic bound a few times: `for i in range(n)`.

A run goes through such a loop as often as the hint of the bound says, which is a few times, with an
index that is a symbol of its own. What the iterations decide and create is tagged with the loop and
the number of the iteration; `symcount.derivation.folding` then says it once, for every iteration.

A loop has the same name in every run: it is named after the place that starts it, how often that
place was reached before, and the loop around it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import CodeType
from typing import Any, NamedTuple, TypeAlias

from symcount.errors import UnsupportedError
from symcount.record import INDEX, Node


@dataclass(eq=False)
class Loop:
    """One pass through a loop: its name, how many iterations it has, and those it is inside of.

    `numbers` are those of the iterations that were gone through, and `finished` says whether it was
    asked for more than there are. A loop that only `goes_along` with another, as in
    `zip(range(n), range(n))`, need not be. It yields the numbers from the first of `numbered` on,
    in steps of the second.
    """

    name: str
    count: Node | int
    inside: Tags
    length: int
    numbers: list[int] = field(default_factory=list)
    finished: bool = False
    goes_along: bool = False
    numbered: tuple[Any, int] = (0, 1)

    @property
    def is_whole(self) -> bool:
        """Tell whether all iterations were gone through, to their end."""
        return self.finished or (self.goes_along and len(self.numbers) == self.length)


Tag: TypeAlias = "tuple[Loop, int]"
Tags: TypeAlias = "tuple[Tag, ...]"


def is_distinct(node: Node) -> bool:
    """Tell whether a number that depends on an index alone is another in each iteration."""
    if node.op == "index":
        return True
    plain = [arg for arg in node.args if not isinstance(arg, Node)]
    inner = [arg for arg in node.args if isinstance(arg, Node)]
    if len(inner) != 1 or node.op not in ("add", "sub", "mul", "neg", "float", "truediv"):
        return False
    return all(number != 0 for number in plain if node.op != "add") and is_distinct(inner[0])


def is_natural(node: Node) -> bool:
    """Tell whether a number that depends on an index alone is an integer that is never negative."""
    if node.op == "index":
        return True
    natural = (
        is_natural(a) if isinstance(a, Node) else type(a) is int and a >= 0 for a in node.args
    )
    return node.op in ("add", "mul") and all(natural)


# The names of loops, and the code that starts each: by the loop around, place, and times before.
Names: TypeAlias = "dict[tuple[str, int, int, int], tuple[CodeType, str]]"


def name_of(names: Names, inside: Tags, code: CodeType, lasti: int, times: int) -> str:
    """The name of the index of a loop, the same in every run that shares the names."""
    around = inside[-1][0].name if inside else ""
    return names.setdefault((around, id(code), lasti, times), (code, f"{INDEX}{len(names)}"))[1]


class Repeated(NamedTuple):
    """A sequence, how many elements of it are repeated, and how often."""

    sequence: Any
    width: int
    times: Any

    @property
    def length(self) -> Any:
        """How many elements there are."""
        return self.times if self.width == 1 else self.times * self.width


# Lists of one element and tuples repeated as often as a symbol says, by their ids, in a run.
REPEATED: dict[int, Repeated] = {}


class Zipped:
    """Stands in for `zip` of tuples that are repeated: an iteration goes through the longest."""

    def __init__(self, parts: Sequence[Repeated]) -> None:
        self._parts = parts
        self._elements: Iterator[tuple[Any, Any]] | None = None

    def numbered(self, start: Any) -> Iterator[Any]:
        """Number the elements that stand together, as `enumerate` does."""
        if self._elements is not None:
            return enumerate(self, start)  # some are gone
        self._elements = self._with_numbers()
        return ((start + number, element) for number, element in self._elements)

    def _with_numbers(self) -> Iterator[tuple[Any, Any]]:
        width = max(part.width for part in self._parts)
        times = next(part.times for part in self._parts if part.width == width)
        for k in times._symcount_run.iterate(times, 0, 1):
            for j in range(width):
                yield k * width + j, tuple(part.sequence[j] for part in self._parts)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self._elements is None:
            self._elements = self._with_numbers()
        return next(self._elements)[1]


def zipped(iterables: Sequence[Any]) -> Zipped | None:
    """Return what goes through tuples together that are as long as each other; None if not."""
    parts = [REPEATED.get(id(each)) for each in iterables if type(each) is tuple]
    known = [part for part in parts if part is not None]
    if len(known) < len(iterables) or len(known) < 1:
        return None
    width = max(part.width for part in known)
    lengths = {id(part.length._symcount_node) for part in known}  # one node for one number
    if any(width % part.width for part in known) or len(lengths) > 1:
        return None
    return Zipped(known)


class SymRange:
    """Stands in for a `range` of which a bound is a symbol."""

    def __init__(self, run: Any, start: Any, stop: Any, step: Any, length: Any) -> None:
        self._symcount_run = run
        self.start = start
        self.stop = stop
        self.step = step
        self._symcount_length = length
        run.begin_loops()

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return range

    def __len__(self) -> int:
        return int(self._symcount_run.unroll(self._symcount_length))

    def __bool__(self) -> bool:
        return bool(self._symcount_length > 0)

    def __iter__(self) -> Iterator[Any]:
        iterations: Iterator[Any] = self._symcount_run.iterate(
            self._symcount_length, self.start, self.step
        )
        return iterations

    def __reversed__(self) -> Iterator[Any]:
        iterations: Iterator[Any] = self._symcount_run.iterate(
            self._symcount_length, self.start, self.step, backwards=True
        )
        return iterations

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            self._symcount_run.refuse(
                UnsupportedError(
                    "a slice of a range over a symbol is not followed; write its bounds into "
                    "range()"
                )
            )
        if not -self._symcount_length <= key < self._symcount_length:
            raise IndexError("range object index out of range")
        return self.start + (key if key >= 0 else key + self._symcount_length) * self.step

    def __repr__(self) -> str:
        step = "" if self.step == 1 else f", {self.step}"
        return f"range({self.start}, {self.stop}{step})"

    def __eq__(self, other: object) -> bool:
        if type(other) is not range and type(other) is not SymRange:
            return NotImplemented
        length = other._symcount_length if type(other) is SymRange else len(other)
        if self._symcount_length != length:
            return False
        if self._symcount_length == 0:
            return True
        return bool(self.start == other.start and (length == 1 or self.step == other.step))

    def __hash__(self) -> int:
        start = self.start if self._symcount_length > 0 else None
        return hash(
            (self._symcount_length, start, self.step if self._symcount_length > 1 else None)
        )

    def __contains__(self, value: Any) -> bool:
        distance = (value - self.start) // self.step
        return bool(
            distance * self.step + self.start == value
            and distance >= 0
            and distance < self._symcount_length
        )

    def count(self, value: Any) -> int:
        """Return how often a number is among them: once or never."""
        return int(value in self)

    def index(self, value: Any) -> Any:
        """Return the place of a number.

        Raises:
            ValueError: it is not among them.
        """
        if value not in self:
            raise ValueError(f"{value} is not in range")
        return (value - self.start) // self.step
