"""Collect the numbers that a factory's code mentions.

Where a symbol becomes a plain number, what happens to the number most likely depends on one of
them: `if size == 64`, `BLOCKS["resnet50"]`, `getattr(self, "build_12")`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import CodeType, ModuleType
from typing import Any

# Larger tables, and code that leads further, are not looked through.
_MOST_ITEMS = 64
_MOST_VALUES = 4096
_DIGITS = re.compile("[0-9]+")


def numbers(function: Callable[..., Any]) -> list[int]:
    """List the integers in a function's code and in what it refers to, those in texts included."""
    return list(dict.fromkeys(_numbers(_values(function))))


def numbers_in_texts(function: Callable[..., Any]) -> list[int]:
    """List the integers written in texts alone: keys such as "resnet50", and names."""
    texts = (value for value in _values(function) if isinstance(value, str))
    return sorted(dict.fromkeys(_numbers(texts)))


def _numbers(values: Iterable[object]) -> Iterator[int]:
    for value in values:
        if isinstance(value, str):
            yield from map(int, _DIGITS.findall(value[:_MOST_VALUES]))
        elif isinstance(value, int) and not isinstance(value, bool):
            yield value


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
