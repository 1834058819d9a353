"""Collect the numbers that code mentions: that of a factory, and all that it has executed.

Where a symbol becomes a plain number, what happens to the number most likely depends on one of
them: `if size == 64`, `BLOCKS["resnet50"]`, `getattr(self, "build_12")`.
"""

from __future__ import annotations

import dataclasses
import inspect
import itertools
import math
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import CodeType, FunctionType, MappingProxyType, ModuleType
from typing import Any, NamedTuple

from symcount.executed import Executed, Use
from symcount.libraries import TORCH, is_of_python

# Larger tables, and code that leads further, are not looked through.
_MOST_ITEMS = 64
_MOST_VALUES = 4096
_MOST_TEXT = 256
_DEEPEST = 3
_CONTAINERS = (dict, OrderedDict, MappingProxyType, tuple, list, set, frozenset)
_DIGITS = re.compile("[0-9]+")
_SEPARATORS = re.compile("[,_ ']")
_SEPARATED = re.compile("[0-9]{1,3}(?:[,_ '][0-9]{3})+")
_HEXADECIMAL = re.compile(r"\b(?:0x)?([0-9a-f]{2,8}|[0-9A-F]{2,8})\b")


def numbers(function: Callable[..., Any]) -> list[int]:
    """List the integers in a function's code and in what it refers to, those in texts included."""
    return list(dict.fromkeys(_numbers(_values(function))))


def numbers_in_texts(function: Callable[..., Any]) -> list[int]:
    """List the integers written in texts alone: keys such as "resnet50", and names."""
    texts = (value for value in _values(function) if isinstance(value, str))
    return sorted(dict.fromkeys(_numbers(texts)))


class Mentioned(NamedTuple):
    """The numbers that code mentions, the factory's own first, and pairs that stand together."""

    numbers: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...]


def mentioned(function: Callable[..., Any], executed: Executed) -> Mentioned:
    """List the numbers in all code that has executed, and in what it reads.

    Those are its constants, and what its globals, attributes and variables hold: numbers, texts
    and containers. Python's own code and torch's come last.
    """
    mine = [*_values(function)]
    others = sorted(executed.items(), key=lambda item: _is_foundation(item[0]))
    values = [v for code, use in others for v in _read(code, use)]
    containers = [v for v in values if type(v) in _CONTAINERS]
    flat = [*mine, *(leaf for value in values for leaf in _leaves(value, 0))]
    pairs = [pair for value in containers for pair in _pairs(value, 0)]
    pairs += [pair for code in executed if not _is_foundation(code) for pair in _pairs_in(code)]
    return Mentioned(tuple(dict.fromkeys(_numbers(flat))), tuple(dict.fromkeys(pairs)))


def _is_foundation(code: CodeType) -> bool:
    return is_of_python(code.co_filename) or code.co_filename.startswith(TORCH)


def _read(code: CodeType, use: Use) -> Iterator[object]:
    """List the constants of code, and the values of the names that it reads."""
    yield from (const for const in code.co_consts if const is not None)
    yield from use.values
    owners = [use.names.get(name) for name in code.co_names]
    owners = [owner for owner in owners if isinstance(owner, ModuleType | type)]
    for name in code.co_names:
        yield use.names.get(name)
        for owner in (*use.values, *owners):
            yield inspect.getattr_static(owner, name, None)


def _leaves(value: Any, depth: int) -> Iterator[object]:
    """List the numbers and texts in a value, and in containers that are not too large."""
    if isinstance(value, str | int | float):
        yield value
    elif isinstance(value, bytes):
        yield value[:_MOST_TEXT].decode("latin-1")
    elif depth > _DEEPEST:
        return
    elif isinstance(value, FunctionType):
        for default in (*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()):
            yield from _leaves(default, depth + 1)
    elif type(value) in _CONTAINERS:
        parts = value.items() if isinstance(value, Mapping) else value
        for part in itertools.islice(parts, _MOST_ITEMS):
            yield from _leaves(part, depth + 1)
    elif _is_data(value):
        yield from _leaves(_fields(value), depth + 1)
    elif type(value).__module__ == "numpy" and getattr(value, "size", _MOST_ITEMS) < _MOST_ITEMS:
        yield from _leaves(value.tolist(), depth + 1)


def _pairs_in(code: CodeType) -> Iterator[tuple[int, int]]:
    """List the numbers that code mentions one after the other, as in a call."""
    numbers = [const for const in code.co_consts if type(const) is int]
    return itertools.pairwise(numbers)


def _is_data(value: Any) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def _fields(value: Any) -> tuple[Any, ...]:
    return tuple(getattr(value, field.name, None) for field in dataclasses.fields(value))


def _pairs(value: Any, depth: int) -> Iterator[tuple[int, int]]:
    """List the numbers that stand beside each other in tuples and other keys."""
    if isinstance(value, tuple) or _is_data(value):
        parts = value if isinstance(value, tuple) else _fields(value)
        for a, b in itertools.pairwise(parts):
            if type(a) is int and type(b) is int:
                yield a, b
    if type(value) in _CONTAINERS and depth < _DEEPEST:
        for part in itertools.islice(value, _MOST_ITEMS):
            yield from _pairs(part, depth + 1)


def _numbers(values: Iterable[object]) -> Iterator[int]:
    for value in values:
        if isinstance(value, str):
            text = value[:_MOST_TEXT]
            yield from map(int, _DIGITS.findall(text))
            yield from (int(_SEPARATORS.sub("", n)) for n in _SEPARATED.findall(text))
            yield from (int(n, 16) for n in _HEXADECIMAL.findall(text))
        elif (isinstance(value, int) and not isinstance(value, bool)) or (
            isinstance(value, float) and math.isfinite(value)
        ):
            yield int(value)


def _values(function: object) -> Iterator[object]:
    """Walk every text and number that a function or class leads to, nearest first."""
    module = getattr(function, "__module__", None)
    waiting = [function]
    seen: set[int] = set()
    for value in waiting:
        if isinstance(value, str | int):
            yield value
        elif id(value) not in seen and len(waiting) < _MOST_VALUES:
            seen.add(id(value))
            waiting += _parts(value, module)


def _parts(value: Any, module: str | None) -> Iterator[object]:
    """List what a value consists of or refers to; of functions and classes, those of `module`."""
    if isinstance(value, CodeType):
        yield from value.co_consts
    elif inspect.isfunction(value) and value.__module__ == module:
        yield from (c for c in value.__code__.co_consts if c is not value.__doc__)
        for name in value.__code__.co_names:
            if name in value.__globals__:
                yield value.__globals__[name]
        for cell in value.__closure__ or ():
            yield from _contents(cell)
    elif inspect.isclass(value) and value.__module__ == module:
        for name, attribute in vars(value).items():
            if name not in ("__doc__", "__module__"):
                yield name
                yield attribute
    elif isinstance(value, staticmethod | classmethod):
        yield value.__func__
    elif isinstance(value, Mapping) and len(value) <= _MOST_ITEMS:
        yield from value.keys()
        yield from value.values()
    elif isinstance(value, tuple | frozenset | list | set) and len(value) <= _MOST_ITEMS:
        yield from value
    elif not isinstance(value, ModuleType) and type(value).__module__ == module:
        yield type(value)


def _contents(cell: Any) -> Iterator[object]:
    try:
        yield cell.cell_contents
    except ValueError:  # it has none yet
        return
