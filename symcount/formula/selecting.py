"""Choose parameters of a formula by patterns of their names and module paths."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import translate

from symcount.errors import ArgumentError
from symcount.formula.formula import Formula
from symcount.formula.tree import parts_of

# What a loop makes has the number of its iteration in braces in its name: `{0..n-1}` or `{*}`.
_ITERATIONS = re.compile(r"\{[^{}]*\}")
_NUMBER = re.compile("[0-9]+")
# Iterations at which a pattern is tried: numbers of one digit, of two, and some of three.
_TRIED = range(111)
_MOST_SHOWN = 5


def select(count: Formula, patterns: Sequence[str]) -> Formula:
    """See `ParamCount.select`."""
    named = chosen(count, "select", patterns, any)
    return count.measuring(names=tuple(name for name in _covered(count) if name in named))


def without(count: Formula, patterns: Sequence[str]) -> Formula:
    """See `ParamCount.without`."""
    named = chosen(count, "without", patterns, all)
    return count.measuring(names=tuple(name for name in _covered(count) if name not in named))


def names_of(count: Formula) -> list[str]:
    """List the names of all tensors that a formula adds up, on whichever path they are made."""
    return list(dict.fromkeys(w.name for w in count.tensors() if count.measure.weigh(w)))


def _covered(count: Formula) -> list[str]:
    """List the names of all tensors of the module, those too that another measure would count."""
    return list(dict.fromkeys(w.name for w in count.tensors() if count.measure.covers(w)))


def chosen(
    count: Formula,
    method: str,
    patterns: Sequence[str],
    rule: Callable[[Iterable[bool]], bool],
) -> set[str]:
    """Return the tensors of which `any` name matches a pattern, or `all` do, by their own names."""
    if not patterns:
        raise ArgumentError(f"{method}() takes patterns of names, such as {method}('*.bias')")
    matched: set[str] = set()
    for pattern in patterns:
        if not isinstance(pattern, str):
            raise ArgumentError(f"{method}({pattern!r}): a pattern is text, such as '*.bias'")
        matcher = Pattern(pattern)
        names = dict.fromkeys(
            n for t in count.tensors() if count.measure.covers(t) for n in t.names
        )
        found = set(filter(matcher.matches, names))
        counted = [t.names for t in count.tensors() if count.measure.weigh(t)]
        if all(map(found.isdisjoint, counted)):
            shown = list(dict.fromkeys(name for names in counted for name in names))
            raise ArgumentError(
                f"{method}({pattern!r}) matches no {count.measure.noun} of {count.factory}"
                f"{_near(pattern, shown)}"
            )
        matched |= found
    outcomes: dict[str, bool] = {}
    for tensor in count.tensors():
        outcome = rule(name in matched for name in tensor.names)
        if outcomes.setdefault(tensor.name, outcome) is not outcome:
            raise ArgumentError(_tied_on_some_paths(count, tensor.name))
    return {name for name, outcome in outcomes.items() if outcome}


def _tied_on_some_paths(count: Formula, name: str) -> str:
    names = [set(tensor.names) for tensor in count.tensors() if tensor.name == name]
    alias = min(each for some in names for each in some if not all(each in o for o in names))
    return (
        f"{alias!r} is {name!r} on some paths and a tensor of its own on others; name it {name!r}, "
        "or fix what decides"
    )


def _near(pattern: str, names: Sequence[str]) -> str:
    if not names:
        return ", which has none"
    paths = list(dict.fromkeys(path for name in names for path in _paths(name)))
    words = [part for part in re.split(r"[.*?\[\]]+", pattern) if part]
    near = difflib.get_close_matches(pattern, paths, _MOST_SHOWN, 0.5)
    near += [path for path in paths if any(word in path for word in words)]
    near += [path for path in paths if difflib.get_close_matches(parts_of(path)[-1], words, 1, 0.6)]
    shown = list(dict.fromkeys(near))[:_MOST_SHOWN] or paths[:_MOST_SHOWN]
    return f"; its names are such as {', '.join(map(repr, shown))}"


def _paths(name: str) -> Iterator[str]:
    """Yield the paths of the modules that a tensor is in, and its name."""
    parts = parts_of(name)
    for depth in range(1, len(parts) + 1):
        yield ".".join(parts[:depth])


class Pattern:
    """A pattern as of `fnmatch`, in which `*` also matches dots."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._match = re.compile(translate(text)).match

    def matches(self, name: str) -> bool:
        """Return whether a tensor, or a module that it is in, has such a name.

        Raises:
            ArgumentError: some iterations of a loop have, and others have not.
        """
        if any(self._match(path) for path in _paths(name) if self._spells_out(path)):
            return True
        matched = {any(map(self._match, _paths(each))) for each in self._instances(name)}
        if len(matched) > 1:
            raise ArgumentError(
                f"{self.text!r} matches some of {name!r} and not all; a formula has the iterations "
                "of a loop in one sum, so write * in the place of their number, or derive with the "
                "depth fixed"
            )
        return matched == {True}

    def _spells_out(self, path: str) -> bool:
        """Return whether the pattern has the iterations of a loop as the path has them."""
        return all(group in self.text for group in _ITERATIONS.findall(path))

    def _instances(self, name: str) -> Iterator[str]:
        """Yield the name with numbers for iterations: some, and all that the pattern mentions."""
        texts = _ITERATIONS.split(name)
        own = [int(number) for number in _NUMBER.findall(self.text)]
        few = list(dict.fromkeys([0, 1, *own]))
        for numbers in itertools.product(few, repeat=len(texts) - 1):
            yield _filled(texts, numbers)
        for place, number in itertools.product(range(len(texts) - 1), _TRIED):
            yield _filled(texts, [number if place == p else 0 for p in range(len(texts) - 1)])


def _filled(texts: Sequence[str], numbers: Sequence[int]) -> str:
    return texts[0] + "".join(f"{n}{text}" for n, text in zip(numbers, texts[1:], strict=True))
