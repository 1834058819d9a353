"""Tell whether code outside of the loops over a symbol does the same each time that it runs.

A loop over a list that such a loop has left, as in `for layer in layers`, is one that nobody
numbers. It does the same for every element if whatever may decide is given the same plain values
each time, in runs of several lengths: no counter, no text, no iterator that is used up. Lists of
any length may be gone through, and be handed to what holds them or passes them on.
"""

from __future__ import annotations

from collections.abc import Iterable

from symcount.derivation.calls_of_torch import HOLDING, PLAIN_METHODS
from symcount.trace.describing import Value
from symcount.trace.observing import Event

_TAKES_LISTS = frozenset(
    f"builtins.{name}"
    for name in "list tuple zip enumerate reversed len isinstance issubclass super type getattr "
    "hasattr setattr print".split()
)
_KEEPS_LISTS = frozenset("append extend add keys values items copy __len__ __iter__".split())
# Functions of these modules have no memory, but those that use iterators up or see variables.
_WITHOUT_MEMORY = frozenset(["builtins", "math", "operator", "copy", "typing", "warnings"])
_WITH_MEMORY = frozenset(
    f"builtins.{name}"
    for name in "next iter map filter eval exec open input vars dir locals globals id hash".split()
)
# Sites at which nothing is decided by how many elements there are.
_ASKING_NOTHING = frozenset(["put", "spell"])
_OF_OBJECTS = frozenset(["__init__", "__setattr__", "__getattribute__"])


def is_uniform(kind: str, events: Iterable[tuple[object, Event]]) -> bool:
    """Return whether a site is given the same outside of loops, as far as it may decide.

    Of a list that is spread over the arguments of a function, the length may differ by run.
    """
    told: set[tuple[Value, ...]] = set()
    spread: dict[int, set[Value]] = {}
    for run, event in events:
        if event.tags:
            continue
        if kind in _ASKING_NOTHING:
            continue
        if kind == "spread":
            spread.setdefault(id(run), set()).add(event.values[0])
            continue
        if kind == "handed" and event.values[0] == ("number", True):
            return False
        callee = event.values[0] if kind == "call" and event.values else None
        if any(map(_is_used_up, event.values)) or (callee and not _is_known(callee)):
            return False
        is_any_length = kind in ("iterate", "answer") or (
            callee is not None and _takes_lists(callee)
        )
        told.add(tuple(map(_lengthless, event.values)) if is_any_length else event.values)
    return len(told) < 2 and all(len(values) < 2 for values in spread.values())


def _is_used_up(value: Value) -> bool:
    return value is not None and "iterator" in (
        value[0],
        value[0] == "method" and value[2] and value[2][0],
    )


def _is_known(callee: tuple[object, ...]) -> bool:
    """Return whether what is called has no memory of its own, but for what it holds."""
    if callee[0] == "torch":
        return True
    if callee[0] == "function":
        name = str(callee[1])
        return name.split(".")[0] in _WITHOUT_MEMORY and name not in _WITH_MEMORY
    name, owner = str(callee[1]), callee[2]
    if not isinstance(owner, tuple):
        return True  # a symbol
    if owner[0] == "many":
        return name in _KEEPS_LISTS | HOLDING
    if owner[0] == "array":
        return name in PLAIN_METHODS or name.endswith("_")
    return owner[0] in ("number", "text") or (owner[0] == "object" and name in _OF_OBJECTS)


def _takes_lists(callee: tuple[object, ...]) -> bool:
    if callee[0] == "method":
        return str(callee[1]) in _KEEPS_LISTS | HOLDING
    return str(callee[1]) in (HOLDING if callee[0] == "torch" else _TAKES_LISTS)


def _lengthless(value: Value) -> Value:
    """Return a value but for how many elements a list has, and what they are."""
    if value and value[0] == "method":
        return (*value[:2], _lengthless(value[2]))
    return value[:2] if value and value[0] in ("many", "object") else value
