"""Hold the places of symbols in the arguments of a factory, in lists and dicts of them too."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from symcount.errors import ArgumentError
from symcount.symbols import Symbol, is_name

# Containers within containers, lest one that holds itself has no end.
_DEEPEST = 8
_KEY = re.compile(r"\[(?:(\d+)|'([^']*)')\]")


class Slot(NamedTuple):
    """The place of a symbol."""

    symbol: str

    def __repr__(self) -> str:
        return self.symbol


class Template(NamedTuple):
    """A list, tuple or dict that symbols have places in."""

    value: Any

    def __repr__(self) -> str:
        return repr(self.value)


def with_slots(place: str, value: Any, slot_of: Callable[[str, Symbol], Slot]) -> Any:
    """Return an argument with slots in the places of symbols; the same one if there are none."""
    made = _with_slots(place, value, slot_of, 0)
    return made if made is value or isinstance(made, Slot) else Template(made)


def filled(value: Any, values: Mapping[str, Any]) -> Any:
    """Return an argument with the values of symbols in their slots."""
    if isinstance(value, Slot):
        return values[value.symbol]
    return _filled(value.value, values) if isinstance(value, Template) else value


def implied_name(place: str) -> str:
    """Return the name of the symbol in a place: `depths_0` for `depths[0]`.

    Raises:
        ArgumentError: no symbol can be called that.
    """
    name = re.sub(r"\W+", "_", place).strip("_")
    if not is_name(name):
        raise ArgumentError(
            f"the symbol at {place} has no name that Python takes; give it one, Symbol(name=...)"
        )
    return name


def put_in(given: dict[str, Any], place: str, symbol: Symbol) -> None:
    """Put a symbol in its place among arguments: `depths[0]` is in the list `depths`."""
    name, *_ = place.partition("[")
    keys = [int(index) if index else key for index, key in _KEY.findall(place)]
    if isinstance(given.get(name), list | tuple | dict):  # and was not left out as unknown
        given[name] = _put(given[name], keys, symbol)


def _put(value: Any, keys: list[Any], symbol: Symbol) -> Any:
    if not keys:
        return symbol
    key, *inner = keys
    if isinstance(value, dict):
        return {**value, key: _put(value[key], inner, symbol)}
    return type(value)(
        _put(item, inner, symbol) if index == key else item for index, item in enumerate(value)
    )


def _with_slots(place: str, value: Any, slot_of: Callable[[str, Symbol], Slot], depth: int) -> Any:
    if isinstance(value, Symbol):
        return slot_of(place, value)
    if depth == _DEEPEST or not _is_container(value):
        return value
    if isinstance(value, set | frozenset):
        if any(isinstance(item, Symbol) for item in value):
            raise ArgumentError(f"{place} is a set of symbols, which has no order; use a list")
        return value
    entries = list(value.items() if isinstance(value, dict) else enumerate(value))
    made = {
        key: _with_slots(f"{place}[{key!r}]", item, slot_of, depth + 1) for key, item in entries
    }
    if all(made[key] is item for key, item in entries):
        return value
    return _like(value, made)


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, Slot):
        return values[value.symbol]
    if not _is_container(value) or isinstance(value, set | frozenset):
        return value
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    return _like(value, {key: _filled(item, values) for key, item in entries})


def _is_container(value: Any) -> bool:
    is_exact = type(value) in (list, tuple, dict, set, frozenset)
    return is_exact or (isinstance(value, tuple) and hasattr(value, "_fields"))


def _like(value: Any, entries: Mapping[Any, Any]) -> Any:
    if isinstance(value, dict):
        return entries
    if hasattr(value, "_fields"):
        return type(value)(*entries.values())
    return type(value)(entries.values())
