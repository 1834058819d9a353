"""Put what a formula assumes to the test, at the numbers where it most likely fails.

Where a symbol became a plain number, nothing says what follows from other numbers. If something
does, it is most likely decided by a number that the code mentions, by two symbols being equal, or
by where texts grow longer and integers of C end. Modules are built there, each symbol on its own
at first, and compared with the formula.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations

from symcount.derivation.expected import can_be_described
from symcount.derivation.paths import Exploration
from symcount.executed import Executed
from symcount.factory import constants
from symcount.factory.call import FactoryCall
from symcount.formula.tree import Built, Refused, Tree, follow
from symcount.record import Concretisation
from symcount.symbols import Hyperparameter, Number, Point, Values

# So many numbers are tried for a symbol, and so many modules are built, the larger the fewer.
_MOST_NUMBERS = 1024
# Of so many numbers that code mentions nearest to the factory, what is computed of them is tried.
_NEAREST = 40
_MOST_BUILDS = 600
_MOST_TENSORS = 15_000
# The largest number of a symbol that loops are as long as, of one of which something may be made
# piece by piece, and of others.
_LARGEST_LENGTH = 130
_LARGEST_COUNT = 1 << 17
_LARGEST = 1 << 34
# Where texts grow longer, and where integers of C end, and floats stop being exact.
_STEPS = tuple(sorted({10**k for k in range(1, 8)} | {2**k for k in range(1, 34)}))
_COUNTS = frozenset(["index", "pickle", "numpy"])


class Trials:
    """The points at which what was lost is tried, and then what they were, by concretisation."""

    def __init__(
        self,
        call: FactoryCall,
        found: Exploration,
        tree: Tree,
        lost: Sequence[Concretisation],
        executed: Executed,
    ) -> None:
        self.call = call
        self.found = found
        self.tree = tree
        self.lost = lost
        self.executed = executed
        self.names: list[str] = [h.name for h in call.hyperparameters]
        self._tried: dict[str, dict[Number, None]] = {name: {} for name in self.names}

    def __iter__(self) -> Iterator[Values]:
        """Go through the points, as many as modules can be built of this size."""
        if not self.lost or not self.found.built:
            return
        left = _MOST_TENSORS
        seen: set[Point] = set()
        for point in self._points():
            if point in seen or not self._says_something(point):
                continue
            seen.add(point)
            left -= self._size(point)
            if left < 0 or len(seen) > _MOST_BUILDS:
                return
            for name, value in zip(self.names, point, strict=True):
                self._tried[name][value] = None
            yield dict(zip(self.names, point, strict=True))

    def _size(self, point: Point) -> int:
        """About how many tensors a module has at a point."""
        path = max(self.found.built, key=lambda path: len(path.trace.tensors))
        size = 1.0 + len(path.trace.tensors)
        for name, value in zip(self.names, point, strict=True):
            if name in self.found.short:
                size *= max(1.0, value / max(1, path.trace.hints[name]))
        return int(size)

    @property
    def concretisations(self) -> tuple[Concretisation, ...]:
        """What was lost, with the numbers that were tried for its symbols."""
        return tuple(
            replace(
                lost,
                tried=tuple(
                    sorted({n for name in lost.symbols or self.names for n in self._tried[name]})
                ),
            )
            for lost in self.lost
        )

    def _says_something(self, point: Point) -> bool:
        values = dict(zip(self.names, point, strict=True))
        try:
            leaf = follow(self.tree, values)
        except (ArithmeticError, ValueError):
            return False
        return isinstance(leaf, Built | Refused) and can_be_described(self.tree, values)

    def _points(self) -> Iterator[Point]:
        code = constants.mentioned(self.call.function, self.executed)
        numbers = self._boundaries(code.numbers)
        bases = [tuple(path.trace.hints.values()) for path in self.found.built]
        ranges = self.call.hyperparameters
        concerned = {name for lost in self.lost for name in lost.symbols or self.names}
        places = [k for k, h in enumerate(ranges) if h.name in concerned]
        for base in bases:
            for pair in code.pairs:
                for a, b in permutations(places, 2):
                    yield from self._at(base, {a: pair[0], b: pair[1]})
        for number in numbers:
            for base in bases:
                for place in places:
                    yield from self._at(base, {place: number})
            for base in bases:
                for a, b in permutations(places, 2):
                    yield from self._at(base, {a: number, b: number})

    def _at(self, base: Point, changed: dict[int, int]) -> Iterator[Point]:
        """The point with other numbers in some places, if these are allowed there."""
        ranges: Sequence[Hyperparameter] = self.call.hyperparameters
        if all(n in ranges[k] and n <= self._largest(ranges[k].name) for k, n in changed.items()):
            yield tuple(changed.get(k, value) for k, value in enumerate(base))

    def _largest(self, name: str) -> int:
        if name in self.found.short:
            return _LARGEST_LENGTH
        is_count = any(lost.kind in _COUNTS and name in lost.symbols for lost in self.lost)
        return _LARGEST_COUNT if is_count else _LARGEST

    def _boundaries(self, mentioned: Sequence[int]) -> list[int]:
        """The numbers at which something may change, those that code mentions first."""
        nearest, others = mentioned[:_NEAREST], mentioned[_NEAREST:]
        about = (
            n + more for number in nearest for n in (number, number // 2) for more in (0, 1, -1)
        )
        steps = (n + more for n in _STEPS for more in (0, -1, 1))
        written = (int(text) for n in nearest for text in (f"1{n}", f"{n}1") if n > 0)
        quotients = (-(-number // k) for number in nearest for k in (3, 4, 8))
        far = (number + more for number in others for more in (0, 1, -1))
        found = dict.fromkeys(
            n
            for numbers in (about, steps, written, quotients, far)
            for n in numbers
            if 0 < n <= _LARGEST
        )
        return list(found)[:_MOST_NUMBERS]
