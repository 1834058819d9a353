"""Say how many iterations the loops of a path have, and for which sizes they have how many."""

from __future__ import annotations

from collections.abc import Callable

from symcount.algebra.poly import Poly, Variable
from symcount.derivation.paths import Path

# Sizes beyond this are not looked at.
_LARGEST = 1 << 31


def lengths_of(path: Path) -> list[Poly]:
    """Return how many iterations there are of the loops, and how long lists are, by the symbols."""
    nodes = (*(loop.count for loop in path.trace.loops), *path.trace.unrolled)
    lengths = (path.lowering(node).poly for node in nodes)
    return [each for each in dict.fromkeys(lengths) if each.atoms() and not has_index_in(each)]


def has_index_in(count: Poly) -> bool:
    """Tell whether a number depends on that of an iteration around."""
    return any(isinstance(atom, Variable) and atom.is_index for atom in count.atoms())


def grows_by_one(length: Callable[[int], float]) -> bool:
    """Tell whether a length grows by one with each step of a size."""
    return all(length(at + 16) - length(at) == 16 for at in (16, 117))


def first_at(length: Callable[[int], float], number: int) -> int | None:
    """Return the least size at which a length that grows is so much, None if that is too large."""
    high = 1
    while length(high) < number:
        high *= 2
        if high > _LARGEST:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if length(middle) < number else (low, middle)
    return high
