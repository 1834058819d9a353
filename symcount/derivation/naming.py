"""Name tensors by numbers that depend on how long a loop is: `{n+1}.weight`, after one over `n`.

A run names each tensor as it is called at one length of every loop. What it is called at others is
seen in the modules that the formula was compared with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, TypeAlias

from symcount.algebra.evaluate import value
from symcount.algebra.poly import Poly, const, sum_of, written
from symcount.derivation.expected import SizesAt, iterations
from symcount.derivation.indices import has_index
from symcount.derivation.paths import Exploration
from symcount.factory.building import PlainBuilds, TensorFacts
from symcount.formula.tree import Built, TensorSpec, Tree, follow, merged
from symcount.symbols import Values

Seen: TypeAlias = "Sequence[tuple[Values, Mapping[str, TensorFacts]]]"

# The numbers of a loop, `{0..n-1}`, or a number that is no part of a word.
_SLOT = re.compile(r"\{(\d+)\.\.[^}]*\}|(?<![^.])(\d+)(?![^.])")
_UNKNOWN = "{*}"
# How many layers an iteration may add to a sequence, and how many loops may stand before one.
_STEPS = range(9)
_LOOPS = 2
_LENGTHS = 3  # two give a line, and a third has to be on it


def named(tree: Tree, found: Exploration, builds: PlainBuilds, points: Sequence[Values]) -> Tree:
    """Rename the tensors of a tree as at all points, with `{*}` for numbers that are not known."""
    runs = [path.trace.hints for path in found.built]

    def of_leaf(leaf: Any) -> Any:
        if not isinstance(leaf, Built) or not any(weight.repeats for weight in leaf.weights):
            return leaf
        run = next((run for run in runs if follow(tree, run) is leaf), None)
        here = ((point, builds.at(point)) for point in points if follow(tree, point) is leaf)
        built = [(point, found) for point, found in here if not isinstance(found, Exception)]
        return replace(leaf, weights=_Names(leaf, run, built).weights())

    renamed: Tree = merged(tree, of_leaf)
    return renamed


@dataclass(frozen=True)
class _Slot:
    """A number in a name, or the first of a loop's, of which there are `count`."""

    before: str
    number: int
    after: str
    count: Poly | None

    @classmethod
    def all_of(cls, weight: TensorSpec) -> Iterator[_Slot]:
        for match in _SLOT.finditer(weight.name):
            first, plain = match.groups()
            before, after = weight.name[: match.start()], weight.name[match.end() :]
            if plain is not None:
                yield cls(before, int(plain), after, None)
                continue
            for repeat in weight.repeats:
                if _range(const(int(first)), repeat.count) == match.group():
                    yield cls(before, int(first), after, repeat.count)
                    break

    def called(self, number: int, after_all: int = 0) -> str:
        """Return a name as a module has it: that number here, and the first of others' numbers."""
        return f"{_first(self.before)}{number + after_all}{_first(self.after)}"

    def written(self, line: Poly) -> str:
        """Write the number, if it is so much."""
        return f"{{{written(line)}}}" if self.count is None else _range(line, self.count)


def _range(first: Poly, count: Poly) -> str:
    return f"{{{written(first)}..{written(first + count - const(1))}}}"


def _first(text: str) -> str:
    return _SLOT.sub(lambda match: match.group(1) or match.group(2), text)


class _Names:
    """Finds what the tensors of a path are called, by the `run` on symbols and modules built."""

    def __init__(self, leaf: Built, run: Values | None, built: Seen) -> None:
        self.leaf = leaf
        self.run = run
        self.built = [(SizesAt(point), tensors) for point, tensors in built]
        self.growths = self._growths()
        self.slots = [list(_Slot.all_of(w)) if _UNKNOWN not in w.name else [] for w in leaf.weights]
        # Tensors of one module are called alike.
        self.modules: dict[tuple[str, int], list[tuple[TensorSpec, _Slot]]] = {}
        for weight, slots in zip(leaf.weights, self.slots, strict=True):
            for slot in slots:
                self.modules.setdefault((slot.before, slot.number), []).append((weight, slot))
        self.lines = {module: self._lines(members) for module, members in self.modules.items()}

    def weights(self) -> tuple[TensorSpec, ...]:
        """Return the weights of the path with their names."""
        return tuple(map(self._renamed, self.leaf.weights, self.slots))

    def _renamed(self, weight: TensorSpec, slots: Sequence[_Slot]) -> TensorSpec:
        lines = [self.lines[slot.before, slot.number] for slot in slots]
        for slot, fitting in zip(slots, lines, strict=True):
            if len(fitting) == 1 and fitting != [const(slot.number)]:
                text = slot.written(fitting[0])
                return replace(weight, name=f"{slot.before}{text}{slot.after}")
        # From the last, so that what stands before a number is as it was.
        for slot, fitting in reversed(list(zip(slots, lines, strict=True))):
            if len(fitting) != 1:
                after = weight.name[len(weight.name) - len(slot.after) :]
                weight = replace(weight, name=f"{slot.before}{_UNKNOWN}{after}")
        return weight

    def _growths(self) -> list[tuple[Poly, tuple[int, ...]]]:
        """List what a number may be more than in the run, none first; and that at each point."""
        found = {const(0): (0,) * len(self.built)}
        counts = dict.fromkeys(r.count for w in self.leaf.weights for r in w.repeats)
        lengths = [count for count in counts if not has_index(count)][:_LOOPS]
        if self.run is not None:
            for steps in product(_STEPS, repeat=len(lengths)):
                grown = sum_of(n.scaled(s) for n, s in zip(lengths, steps, strict=True))
                more = grown - const(value(grown, self.run))
                numbers = tuple(sizes[more] for sizes, _ in self.built)
                if len(set(numbers)) >= _LENGTHS:
                    found[more] = numbers
        return list(found.items())

    def _lines(self, members: Sequence[tuple[TensorSpec, _Slot]]) -> list[Poly]:
        """List what the number may be: itself, or so much an iteration of loops and a constant."""
        number = members[0][1].number
        return [
            more + const(number)
            for more, numbers in self.growths
            if all(self._is([number + n for n in numbers], *member) for member in members)
        ]

    def _is(self, numbers: Sequence[int], weight: TensorSpec, slot: _Slot) -> bool:
        """Return whether the tensors are called so in each of the modules that were built."""
        for number, (sizes, tensors) in zip(numbers, self.built, strict=True):
            if weight.repeats and next(iterations(weight, sizes), None) is None:
                continue  # there is none here
            last = 0 if slot.count is None else sizes[slot.count] - 1
            for after_all in {0, last}:
                tensor = tensors.get(slot.called(number, after_all))
                if tensor is None or not _is_like(tensor, weight, sizes):
                    return False
        return True


def _is_like(tensor: TensorFacts, weight: TensorSpec, sizes: SizesAt) -> bool:
    """Return whether a tensor built can be the one; sizes that depend on iterations aside."""
    if (tensor.dtype, tensor.kind) != (weight.dtype, weight.kind):
        return False
    if weight.shape is None or tensor.shape is None:
        return True
    return len(tensor.shape) == len(weight.shape) and all(
        has_index(size) or sizes[size] == built
        for size, built in zip(weight.shape, tensor.shape, strict=True)
    )
