"""Follow ids that are kept while what they are of is gone through, as a guard against circles.

    seen = id(x)
    if seen in visited: ...
    visited.add(seen)
    try: ...
    finally: visited.discard(seen)

Which of two equal numbers are one object is the business of the interpreter, so the id of a number
is an assumption. Here it is none: if every id in the set is of an object that is no number, that of
a number is not among them, whatever the number is. Its own id is in the set until it is discarded.
"""

from __future__ import annotations

import ast
from types import FrameType
from typing import Any

from symcount.trace import ends

_CHANGES = frozenset(["add", "discard", "remove"])

# What a run has asked the ids of, but numbers, by these; it stays alive while the run lasts.
OBJECTS: dict[int, object] = {}
# The sets that hold ids of symbols, and these.
_HELD: list[tuple[set[int], int, Any]] = []


def is_new(value: Any, frame: FrameType) -> bool:
    """Tell whether the id that a frame asks of a symbol is that of nothing it is compared with."""
    name = _name_of_set(frame)
    held = None if name is None else frame.f_locals.get(name)
    if type(held) is not set or not held <= OBJECTS.keys():
        return False
    _HELD.append((held, id(value), value))
    return True


def still_held() -> Any:
    """Return a symbol whose id is in a set, with which that of another number may be compared."""
    return next((symbol for held, number, symbol in _HELD if number in held), None)


def forget() -> None:
    """Let go of all that was asked for its id: the run is done."""
    OBJECTS.clear()
    _HELD.clear()


def _name_of_set(frame: FrameType) -> str | None:
    """The set of a function that keeps the id for as long as it goes through something."""
    place = ends.place_of(frame)
    if place is None or not isinstance(place[-2], ast.Assign):
        return None
    scope = next((node for node in reversed(place) if isinstance(node, ends.FUNCTIONS)), None)
    target = place[-2].targets[0]
    if not isinstance(scope, ast.FunctionDef) or not isinstance(target, ast.Name):
        return None
    names, discarded = set(), False
    for around, node in ends.within(scope):
        if isinstance(node, ast.Name) and node.id in ends.SEES_VARIABLES:
            return None
        if isinstance(node, ast.Name) and node.id == target.id and around[-1] is not place[-2]:
            names.add(_kept_in(around, node))
            discarded = discarded or _is_at_the_end(around)
    name = names.pop() if len(names) == 1 else None
    if name is None or name not in frame.f_code.co_varnames or not discarded:
        return None
    return name if all(_is_guard(*each, scope.name, name) for each in ends.within(scope)) else None


def _kept_in(around: tuple[ast.AST, ...], key: ast.Name) -> str | None:
    """The variable in which an id is looked up, put, or taken from."""
    parent: Any = around[-1]
    held: Any = None
    if isinstance(parent, ast.Compare) and parent.left is key:
        held = parent.comparators[0] if isinstance(parent.ops[0], ast.In | ast.NotIn) else None
    elif isinstance(parent, ast.Call) and parent.args == [key] and _changes(parent.func):
        held = parent.func.value  # type: ignore[attr-defined]
    return held.id if isinstance(held, ast.Name) else None


def _changes(function: ast.expr) -> bool:
    return isinstance(function, ast.Attribute) and function.attr in _CHANGES


def _is_at_the_end(around: tuple[ast.AST, ...]) -> bool:
    """Tell whether something is discarded when a block is left, however it is."""
    call: Any = around[-1]
    is_discarded = isinstance(call, ast.Call) and getattr(call.func, "attr", "add") != "add"
    return is_discarded and any(
        isinstance(node, ast.Try) and around[-2] in node.finalbody for node in around
    )


def _is_guard(around: tuple[ast.AST, ...], node: ast.AST, function: str, name: str) -> bool:
    """Tell whether a place that uses the set is of the guard, or hands it to the same function."""
    if not isinstance(node, ast.Name) or node.id != name:
        return True
    parent: Any = around[-1]
    if isinstance(node.ctx, ast.Store):
        return isinstance(parent, ast.Assign | ast.AnnAssign)
    if isinstance(parent, ast.keyword):
        parent = around[-2]
    if isinstance(parent, ast.Call):
        called = parent.func
        return getattr(called, "id", getattr(called, "attr", None)) == function
    if isinstance(parent, ast.Attribute):
        return _changes(parent) and isinstance(around[-2], ast.Call)
    return isinstance(parent, ast.Compare)
