"""Watch where code compares identities: `x is y` asks nothing of a symbol.

Which of two equal integers are one object is the business of the interpreter, so a factory that
compares numbers by `is` has no formula that follows from what it does. Most comparisons are with
`None`, a class or another object that is no number, which their syntax shows. Where it does not,
the operands are looked at when the code comes there: code with such a place is traced instruction
by instruction, and no other.
"""

from __future__ import annotations

import ast
import builtins
import dis
import itertools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

from symcount.executed import Executed
from symcount.trace import ends
from symcount.trace.proxies import is_of_torch
from symcount.trace.renaming import original_code
from symcount.trace.stand_ins import is_symbol

# Code, and the offsets of its comparisons that may be of numbers.
Places = dict[CodeType, frozenset[int]]
_unknown = object()
_IS_OP = dis.opmap["IS_OP"]
_SKIPPED = frozenset(["CACHE", "EXTENDED_ARG", "NOP"])
_known: dict[int, tuple[CodeType, frozenset[int]]] = {}
_MOST_CODES = 1 << 16


def places(executed: Executed) -> Places:
    """Find the comparisons of identities in code that may be of numbers.

    What torch compares is part of what is trusted, and `copy` compares a number with its copy,
    which is the number.
    """
    found = {}
    for code, use in executed.items():
        is_known = is_of_torch(code) or use.names.get("__name__") == "copy"
        if not is_known and _IS_OP in code.co_code[::2]:
            offsets = _places_in(code, use.names)
            if offsets:
                found[code] = offsets
    return found


def _places_in(code: CodeType, names: Mapping[str, Any]) -> frozenset[int]:
    known = _known.get(id(code))
    if known is None:
        steps = [step for step in dis.get_instructions(code) if step.opname not in _SKIPPED]
        offsets = frozenset(
            step.offset
            for k, step in enumerate(steps)
            if step.opname == "IS_OP" and not _loads_no_number(steps[:k], names)
        )
        if len(_known) >= _MOST_CODES:
            _known.clear()
        known = _known[id(code)] = code, offsets
    return known[1]


def _loads_no_number(before: Sequence[dis.Instruction], names: Mapping[str, Any]) -> bool:
    """Tell whether the right operand is a constant, or a global or an attribute of one."""
    attributes = list(itertools.takewhile(lambda s: s.opname == "LOAD_ATTR", before[::-1]))
    if attributes and attributes[0].argval == "__class__":
        return True
    load = before[-len(attributes) - 1] if len(attributes) < len(before) else None
    if load is None or load.opname not in ("LOAD_CONST", "LOAD_GLOBAL"):
        return False
    value = load.argval
    if load.opname == "LOAD_GLOBAL":
        value = names.get(value, getattr(builtins, value, _unknown))
    for attribute in reversed(attributes):
        value = getattr(value, attribute.argval, _unknown)
    return value is not _unknown and not _is_number(value)


def _comparison(code: CodeType, offset: int) -> ast.Compare | None:
    place = ends.place_in(code, offset)
    node = None if place is None else place[-1]
    return node if isinstance(node, ast.Compare) and len(node.ops) == 1 else None


def _is_number(value: object) -> bool:
    return type(value) in (int, float) or is_symbol(value)


@contextmanager
def watched(places: Places, unowned: Set[CodeType], on_loss: Callable[..., None]) -> Iterator[None]:
    """Call back when code of this thread compares the identities of numbers, symbols among them.

    So is done where code that is `unowned`, and so reads no stand-ins, is given a symbol.
    """
    if not places and not unowned:
        yield
        return

    def on_event(frame: FrameType, event: str, _: Any) -> Any:
        code = original_code(frame.f_code)
        if event == "line":
            frame.f_trace_opcodes = frame.f_lineno in lines[code]
        elif event == "opcode" and frame.f_lasti in places[code]:
            lost = _lost(frame)
            if lost is not None:
                on_loss(*lost)
        return on_event

    def on_call(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code in unowned:
            held = _held(frame)
            if held:
                on_loss(*held)
        return on_event if original_code(frame.f_code) in places else None

    lines = {code: _lines_of(code, offsets) for code, offsets in places.items()}
    before = sys.gettrace()
    sys.settrace(on_call)
    try:
        yield
    finally:
        sys.settrace(before)


def _lines_of(code: CodeType, offsets: frozenset[int]) -> frozenset[int | None]:
    """The lines at which instructions start that come to one of these places."""
    of_offset = {at: line for a, b, line in code.co_lines() for at in range(a, b, 2)}
    return frozenset(of_offset.get(offset) for offset in offsets)


def _lost(frame: FrameType) -> list[Any] | None:
    """The symbols that a frame is about to compare with another number, or with what is unknown."""
    sides = _loaded(frame)
    if sides is None:
        held = _held(frame)
        sides = _evaluated(frame) if held else [None]
        if sides is None:
            return held
    if sides[0] is sides[-1] is not _unknown:
        return None  # one object on both sides is one object when it is a plain number, too
    if any(side is not _unknown and not _is_number(side) for side in sides):
        return None
    return (
        [side for side in sides if is_symbol(side)] or (_unknown in sides and _held(frame)) or None
    )


def _held(frame: FrameType) -> list[Any]:
    """The symbols in the variables of a frame, and in what these hold."""
    values = list(frame.f_locals.values())
    for value in tuple(values):
        if type(value) in (list, tuple):
            values += value
        elif isinstance(getattr(value, "__dict__", None), dict):
            values += vars(value).values()
    return [value for value in values if is_symbol(value)]


def _loaded(frame: FrameType) -> list[Any] | None:
    """The operands, if both are variables or constants; they need no source."""
    code = original_code(frame.f_code)
    steps = [s for s in dis.get_instructions(code) if s.opname not in _SKIPPED]
    place = next(k for k, step in enumerate(steps) if step.offset == frame.f_lasti)
    names = {**frame.f_globals, **frame.f_locals}
    found = []
    for step in steps[max(0, place - 2) : place]:
        if step.opname == "LOAD_CONST":
            found.append(step.argval)
        elif step.opname.startswith(("LOAD_FAST", "LOAD_DEREF", "LOAD_CLOSURE", "LOAD_GLOBAL")):
            found.append(names.get(step.argval, _unknown))
    return found if len(found) == 2 else None


def _evaluated(frame: FrameType) -> list[Any] | None:
    expression = _comparison(original_code(frame.f_code), frame.f_lasti)
    if expression is None:
        return None
    sides = (expression.left, *expression.comparators)
    return [ends.evaluated(side, frame, _unknown) for side in sides]
