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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

from symcount.executed import Executed
from symcount.trace import ends
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
    """Find the comparisons of identities in code that may be of numbers."""
    found = {}
    for code, use in executed.items():
        if _IS_OP in code.co_code[::2]:
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
            if step.opname == "IS_OP"
            and not _loads_no_number(steps[:k], names)
            and not _shows_no_number(code, step.offset, names)
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


def _shows_no_number(code: CodeType, offset: int, names: Mapping[str, Any]) -> bool:
    """Tell whether the source shows that one side is no number."""
    expression = _comparison(code, offset)
    if expression is None:
        return False
    local = {*code.co_varnames, *code.co_cellvars, *code.co_freevars}
    sides = (expression.left, *expression.comparators)
    return any(_is_no_number(side, names, local) for side in sides)


def _comparison(code: CodeType, offset: int) -> ast.Compare | None:
    place = ends.place_in(code, offset)
    node = None if place is None else place[-1]
    return node if isinstance(node, ast.Compare) and len(node.ops) == 1 else None


def _is_no_number(side: ast.expr, names: Mapping[str, Any], local: set[str]) -> bool:
    if isinstance(side, ast.Constant):
        return not _is_number(side.value)
    if isinstance(side, ast.Call) and isinstance(side.func, ast.Name):
        return side.func.id == "type"
    value = _global(side, names, local)
    return value is not _unknown and not _is_number(value)


def _global(side: ast.expr, names: Mapping[str, Any], local: set[str]) -> Any:
    """The value of a global, or of an attribute of one, as it is now."""
    if isinstance(side, ast.Name) and side.id not in local:
        return names.get(side.id, getattr(builtins, side.id, _unknown))
    if isinstance(side, ast.Attribute):
        owner = _global(side.value, names, local)
        return _unknown if owner is _unknown else getattr(owner, side.attr, _unknown)
    return _unknown


def _is_number(value: object) -> bool:
    return type(value) in (int, float) or is_symbol(value)


@contextmanager
def watched(places: Places, on_loss: Callable[..., None]) -> Iterator[None]:
    """Call back when code of this thread compares the identities of numbers, symbols among them."""
    if not places:
        yield
        return

    def on_instruction(frame: FrameType, event: str, _: Any) -> Any:
        if event == "opcode" and frame.f_lasti in offsets_of(frame):
            lost = _lost(frame)
            if lost is not None:
                on_loss(*lost)
        return on_instruction

    def offsets_of(frame: FrameType) -> frozenset[int]:
        return places.get(original_code(frame.f_code), frozenset())

    def on_call(frame: FrameType, event: str, _: Any) -> Any:
        if not offsets_of(frame):
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        return on_instruction

    before = sys.gettrace()
    sys.settrace(on_call)
    try:
        yield
    finally:
        sys.settrace(before)


def _lost(frame: FrameType) -> list[Any] | None:
    """The symbols that a frame is about to compare with a number, or with what is not known."""
    expression = _comparison(original_code(frame.f_code), frame.f_lasti)
    if expression is None:
        return [value for value in frame.f_locals.values() if is_symbol(value)] or None
    sides = [
        ends.evaluated(side, frame, _unknown) for side in (expression.left, *expression.comparators)
    ]
    symbols = [side for side in sides if is_symbol(side)]
    unknown = sum(side is _unknown for side in sides)
    other = any(type(side) in (int, float) for side in sides)
    return symbols if len(symbols) + unknown > 1 or (symbols and other) else None
