"""Watch where code compares identities: `x is y` asks nothing of a symbol.

Which of two equal integers are one object is the business of the interpreter, so a factory that
compares numbers by `is` has no formula that follows from what it does. Most comparisons are with
`None`, a class, an exception or another object that is no number, which their syntax shows. Where
it does not, the operands are looked at when the code comes there: code with such a place is traced
instruction by instruction.

Python runs all code slowly while it traces any. So a function that is known to run such code is
traced from where it is called until it returns. All else is traced only for code that may run in
functions which nobody knows beforehand, and for generators, which run after they have returned.
"""

from __future__ import annotations

import ast
import builtins
import dis
import inspect
import itertools
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from types import CodeType, FrameType, FunctionType
from typing import Any

from symcount import interception
from symcount.executed import Use
from symcount.trace import ends
from symcount.trace.proxies import is_of_torch, is_of_tracer
from symcount.trace.renaming import made_of, original_code
from symcount.trace.stand_ins import is_symbol

# Code, and the offsets of its comparisons that may be of numbers.
Places = dict[CodeType, frozenset[int]]
_unknown = object()
_IS_OP = dis.opmap["IS_OP"]
_SKIPPED = frozenset(["CACHE", "EXTENDED_ARG", "NOP"])
_known: dict[int, tuple[CodeType, frozenset[int]]] = {}
_MOST_CODES = 1 << 16
_LOOKS_AROUND = frozenset("_getframe currentframe stack f_back warn".split())


def places(executed: Mapping[CodeType, Use]) -> Places:
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
            if step.opname == "IS_OP"
            and not _loads_no_number(steps[:k], names)
            and not _is_of_exceptions(code, step.offset)
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


def _is_of_exceptions(code: CodeType, offset: int) -> bool:
    """Tell whether an operand is the exception that a handler is for, or one behind it."""
    place = ends.place_in(code, offset)
    if place is None or not isinstance(place[-1], ast.Compare):
        return False
    names = {
        handler.name
        for handler in place
        if isinstance(handler, ast.ExceptHandler) and not _sets(handler, handler.name)
    }
    sides = place[-1].left, *place[-1].comparators
    return any(isinstance(side, ast.Name) and side.id in names for side in map(_behind, sides))


def _behind(side: ast.expr) -> ast.expr:
    if isinstance(side, ast.Attribute) and side.attr in ("__cause__", "__context__"):
        return side.value
    return side


def _sets(inside: ast.AST, name: str | None) -> bool:
    names = (node for node in ast.walk(inside) if isinstance(node, ast.Name))
    return any(node.id == name and not isinstance(node.ctx, ast.Load) for node in names)


def _comparison(code: CodeType, offset: int) -> ast.Compare | None:
    place = ends.place_in(code, offset)
    node = None if place is None else place[-1]
    return node if isinstance(node, ast.Compare) and len(node.ops) == 1 else None


def _is_number(value: object) -> bool:
    return type(value) in (int, float) or is_symbol(value)


class _Tracing:
    """What traces this thread, an attribute that can be replaced and restored like any other."""

    function: Any

    def __setattr__(self, name: str, value: Any) -> None:
        sys.settrace(value)
        self.__dict__[name] = value


_TRACING = _Tracing()


def is_confined(code: CodeType) -> bool:
    """Tell whether code runs in the functions that there are of it, from their call to the end.

    What looks at the frames around it would see that it is called by another.
    """
    made_or_suspended = inspect.CO_NESTED | inspect.CO_GENERATOR | inspect.CO_COROUTINE
    flags = code.co_flags & (made_or_suspended | inspect.CO_ASYNC_GENERATOR | inspect.CO_OPTIMIZED)
    return flags == inspect.CO_OPTIMIZED and _LOOKS_AROUND.isdisjoint(code.co_names)


def watch(
    places: Places,
    functions: Iterable[FunctionType],
    unowned: Set[CodeType],
    on_loss: Callable[..., None],
) -> None:
    """Call back when code of this thread compares the identities of numbers, symbols among them.

    So is done where code that is `unowned`, and so reads no stand-ins, is given a symbol. Of the
    places, the `functions` run some. All of it ends when what is replaced is restored.
    """

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
        is_watched = original_code(frame.f_code) in places and not is_of_tracer(frame.f_code)
        return on_event if is_watched else None

    lines = {code: _lines_of(code, offsets) for code, offsets in places.items()}
    elsewhere = set(places)
    for function in functions:
        elsewhere.discard(original_code(function.__code__))
        instead: Any = _traced(interception.copy_of(function), on_call, threading.get_ident())
        code = made_of(interception.code_calling(instead, function), function.__code__)
        interception.replace(function, "__code__", code)
    if elsewhere or unowned:
        _TRACING.__dict__["function"] = sys.gettrace()
        interception.replace(_TRACING, "function", on_call)


def _traced(function: FunctionType, trace: Callable[..., Any], thread: int) -> Callable[..., Any]:
    """A function that is traced while it runs in a thread, and all that it calls."""

    def called(*args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() != thread:
            return function(*args, **kwargs)
        before = sys.gettrace()
        sys.settrace(trace)
        try:
            return function(*args, **kwargs)
        finally:
            sys.settrace(before)

    return called


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
