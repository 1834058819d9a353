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
from symcount.factory.building import PlainBuilds, without_numbers
from symcount.formula import expressions
from symcount.formula.tree import Built, Tree, follow, merged, modules_of
from symcount.symbols import Values

_NUMBER = re.compile(r"\{([^{}]*)\}")


def classed(tree: Tree, builds: PlainBuilds, points: Sequence[Values]) -> Tree:
    """Give each tensor the classes of its modules at all points, one after the other if several."""
    seen: dict[int, list[tuple[Values, _Modules]]] = {}
    for point in points:
        modules = builds.modules_at(point)
        if modules:
            seen.setdefault(id(follow(tree, point)), []).append((point, _Modules(modules)))

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


class _Modules:
    """The classes of modules by their paths, and the paths by what they are without numbers."""

    def __init__(self, classes: Mapping[str, str]) -> None:
        self.classes = classes
        self.alike: dict[str, list[str]] = {}
        for path in classes:
            self.alike.setdefault(without_numbers(path), []).append(path)


def _at(path: str, point: Values, modules: _Modules) -> Iterator[str]:
    """Yield the classes of the modules that a path stands for at a point."""
    literal = _NUMBER.split(path)
    if len(literal) == 1:
        yield from filter(None, [modules.classes.get(path)])
        return
    ranges = [_range(text, point) for text in literal[1::2]]
    shape = re.compile(r"(\d+)".join(map(re.escape, literal[::2])))
    for there in modules.alike.get(without_numbers(path), ()):
        match = shape.fullmatch(there)
        numbers = map(int, match.groups()) if match else ()
        if match and all(r is None or n in r for n, r in zip(numbers, ranges, strict=True)):
            yield modules.classes[there]


def _range(text: str, point: Values) -> range | None:
    """Return the numbers that `0..n-1` or `n+1` are at a point; None if they are not known."""
    first, _, last = text.partition("..")
    try:
        low, high = (value(expressions.read(t, "").poly, point) for t in (first, last or first))
    except (SymcountError, ArithmeticError, ValueError, KeyError):
        return None
    return range(low, high + 1)
