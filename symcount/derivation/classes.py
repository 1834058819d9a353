"""Note the classes of the modules around each tensor: those of the modules that were built.

They decide nothing; they are what a reader calls the parts of a module.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from symcount.algebra.evaluate import value
from symcount.errors import SymcountError
from symcount.factory.building import PlainBuilds
from symcount.formula import expressions
from symcount.formula.tree import Built, Tree, follow, merged, modules_of
from symcount.symbols import Values

_NUMBER = re.compile(r"\{([^{}]*)\}")


def classed(tree: Tree, builds: PlainBuilds, points: Sequence[Values]) -> Tree:
    """Give each tensor the classes of its modules at all points, one after the other if several."""
    seen: dict[int, list[tuple[Values, Mapping[str, str]]]] = {}
    for point in points:
        modules = builds.modules_at(point)
        if modules:
            seen.setdefault(id(follow(tree, point)), []).append((point, modules))

    def of_leaf(leaf: Any) -> Any:
        if not isinstance(leaf, Built):
            return leaf
        built = seen.get(id(leaf), [])

        @cache
        def called(path: str) -> str:
            found = (name for point, modules in built for name in _at(path, point, modules))
            return " or ".join(dict.fromkeys(found))

        weights = (replace(w, classes=tuple(map(called, modules_of(w.name)))) for w in leaf.weights)
        return replace(leaf, weights=tuple(weights))

    noted: Tree = merged(tree, of_leaf)
    return noted


def _at(path: str, point: Values, modules: Mapping[str, str]) -> Iterator[str]:
    """Yield the classes of the modules that a path stands for at a point."""
    literal = _NUMBER.split(path)
    if len(literal) == 1:
        yield from filter(None, [modules.get(path)])
        return
    ranges = [_range(text, point) for text in literal[1::2]]
    shape = re.compile(r"(\d+)".join(map(re.escape, literal[::2])))
    for there, name in modules.items():
        match = shape.fullmatch(there)
        numbers = map(int, match.groups()) if match else ()
        if match and all(r is None or n in r for n, r in zip(numbers, ranges, strict=True)):
            yield name


def _range(text: str, point: Values) -> range | None:
    """Return the numbers that `0..n-1` or `n+1` are at a point; None if they are not known."""
    first, _, last = text.partition("..")
    try:
        low, high = (value(expressions.read(t, "").poly, point) for t in (first, last or first))
    except (SymcountError, ArithmeticError, ValueError, KeyError):
        return None
    return range(low, high + 1)
