"""Find what a symbol is looked up in: the container of `TABLE[dim]` or `dim in SIZES`.

Python asks the symbol for its hash or its index and does not say what for. The line of source at
which it asks does: if the container there is a plain name, attribute or literal it can be looked
at without side effects, and then the look-up is followed as what it is, a comparison with each
key. Everywhere else, and before Python 3.11, whose code does not know its columns, the look-up
makes the symbol a plain number and is recorded as that.
"""

from __future__ import annotations

import ast
import dataclasses
import dis
import functools
import inspect
import linecache
import math
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from types import CodeType, FrameType, FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any

from torch import nn

from symcount.trace import ends
from symcount.trace.bytecode import position
from symcount.trace.c_code import FUNCTIONS_OF_C
from symcount.trace.proxies import SymFloat, SymInt
from symcount.trace.templates import has_numbers_apart, pieces

_METHODS = frozenset(["get", "pop", "setdefault", "__getitem__", "__contains__"])
_MEMBERSHIP = (ast.In, ast.NotIn)
_MOST_KEYS = 64
_NUMBER = re.compile("[0-9]+")
_CACHE = type(functools.cache(lambda: None))


def numeric_keys(frame: FrameType) -> list[Any] | None:
    """The numbers, symbols among them, that the keys of what is being looked up in are made of.

    None if that is not known.
    """
    held = container(frame)
    if not isinstance(held, Mapping | set | frozenset) or len(held) > _MOST_KEYS:
        return None
    return numbers_of(held)


def numbers_of(held: Iterable[Any]) -> list[Any] | None:
    """The numbers, symbols among them, that keys are made of; None if that is not known."""
    parts = [part for key in held for part in _parts(key)]
    if any(part is None for part in parts):
        return None
    return [part for part in parts if not isinstance(part, str | bytes)]


def looking_up(frame: FrameType) -> FrameType:
    """The frame that looks up a key, whose hash may be one of its own, made of the number's."""
    inner = frame.f_code.co_name == "__hash__"
    return frame.f_back if inner and frame.f_back is not None else frame


def _parts(key: Any) -> Iterator[Any]:
    """The numbers and texts that a key is made of, and None if it is made of anything else."""
    if type(key) in (SymInt, SymFloat, int, str, bytes) or (
        type(key) is float and math.isfinite(key)
    ):
        yield key
    elif type(key) is bool:
        yield int(key)
    elif isinstance(key, tuple | frozenset) and _is_told_by_parts(type(key)):
        for part in key:
            yield from _parts(part)
    elif dataclasses.is_dataclass(key) and _is_told_by_parts(type(key)):
        for field in dataclasses.fields(key):
            if field.compare:
                yield from _parts(getattr(key, field.name, None))
    elif key is not None and not isinstance(key, type):
        yield None


def _is_told_by_parts(kind: type) -> bool:
    """Tell whether keys of a class are equal if their parts are: it has no way of its own."""
    own: tuple[Any, ...] = kind.__eq__, kind.__hash__
    if issubclass(kind, tuple | frozenset):
        return any(own == (base.__eq__, base.__hash__) for base in (tuple, frozenset))
    return all(getattr(method, "__code__", None) in _generated(kind) for method in own)


def _generated(kind: type) -> list[Any]:
    """The code that `dataclasses` has written for a class."""
    made = (vars(each).get(name) for each in kind.__mro__ for name in ("__eq__", "__hash__"))
    codes = [method.__code__ for method in made if isinstance(method, FunctionType)]
    return [code for code in codes if code.co_filename == "<string>"]


def numbers_in_keys(frame: FrameType) -> list[int] | None:
    """The numbers for which a text that is being made is a key of what it is looked up in.

    None if it is not known where it is looked up, or what the text is made of.
    """
    place = ends.place_of(frame)
    if place is None or not isinstance(place[-1], ast.expr):
        return None
    text, parent = ends.whole_text(place)
    target = None if _stores(parent) else _looked_up_in(parent, text)
    held = None if target is None else evaluated(target, frame)
    keys = [held] if isinstance(held, str) and _is_equality(parent) else held
    if not isinstance(keys, Mapping | set | frozenset | list | tuple) or len(keys) > _MOST_KEYS:
        return None
    is_apart = has_numbers_apart(pieces(text, lambda part: evaluated(part, frame)))
    if not is_apart or not all(type(key) in (str, int) for key in keys):
        return None
    found = {int(n) for key in keys if type(key) is str for n in _NUMBER.findall(key)}
    return sorted(found | {-number for number in found})  # a dash may belong to the text


def _stores(expression: ast.AST) -> bool:
    """Tell whether something is stored by the key, to be found by another text later."""
    if isinstance(expression, ast.Subscript):
        return not isinstance(expression.ctx, ast.Load)
    function = getattr(expression, "func", None)
    return isinstance(function, ast.Attribute) and function.attr == "setdefault"


def _is_equality(expression: ast.AST) -> bool:
    return isinstance(expression, ast.Compare) and isinstance(expression.ops[0], ast.Eq | ast.NotEq)


def cache(frame: FrameType) -> tuple[Any, tuple[type, str] | None]:
    """The function with a cache (`functools.lru_cache`) that the frame is calling, or None.

    If it is a method, also the class that has it, and its name there.
    """
    expression = _expression(frame)
    if not isinstance(expression, ast.Call) or not _is_pure(expression.func):
        return None, None
    called = _function(evaluated(expression.func, frame))
    if not isinstance(called, _CACHE):
        return None, None
    if isinstance(expression.func, ast.Attribute):
        holder = evaluated(expression.func.value, frame)
        for owner in (holder if isinstance(holder, type) else type(holder)).__mro__:
            if _function(vars(owner).get(expression.func.attr)) is called:
                return called, (owner, expression.func.attr)
    return called, None


def _function(value: Any) -> Any:
    """Return the function of a method of any kind."""
    is_method = isinstance(value, MethodType | staticmethod | classmethod)
    return value.__func__ if is_method else value


def sequence(frame: FrameType) -> list[Any] | tuple[Any, ...] | None:
    """The list or tuple being indexed or sliced; None if that is not known."""
    held = container(frame)
    return held if type(held) in (list, tuple) and len(held) <= _MOST_KEYS else None


def members(frame: FrameType) -> list[Any] | tuple[Any, ...] | None:
    """The list or tuple in which the frame is looking for something with `in`, if it is known."""
    expression = _expression(frame)
    if not (isinstance(expression, ast.Compare) and isinstance(expression.ops[0], _MEMBERSHIP)):
        return None
    held = container(frame)
    return held if isinstance(held, list | tuple) else None


def is_slice(frame: FrameType) -> bool:
    """Tell whether the frame is taking a slice of something."""
    expression = _expression(frame)
    return isinstance(expression, ast.Subscript) and isinstance(expression.slice, ast.Slice)


def is_text(frame: FrameType) -> bool:
    """Tell whether a number is being put into a text, as in `"layer%d" % n`."""
    expression = _expression(frame)
    return (
        isinstance(expression, ast.BinOp)
        and isinstance(expression.op, ast.Mod)
        and isinstance(expression.left, ast.Constant)
        and isinstance(expression.left.value, str)
    )


def compares_length(frame: FrameType) -> bool:
    """Tell whether the frame is comparing something with `len(...)`."""
    expression = _expression(frame)
    return isinstance(expression, ast.Compare) and any(
        isinstance(side, ast.Call) and isinstance(side.func, ast.Name) and side.func.id == "len"
        for side in (expression.left, *expression.comparators)
    )


def computes_elements(frame: FrameType) -> bool:
    """Tell whether the frame calls a function of numpy that asks the elements of an array."""
    expression = _expression(frame)
    function = expression.func if isinstance(expression, ast.Call) else None
    found = None if function is None else evaluated(function, frame)
    return type(found).__name__ == "ufunc" and type(found).__module__ == "numpy"


def asks_attribute(frame: FrameType) -> bool:
    """Tell whether the frame is asking for an attribute by its name: `hasattr(x, "item")`."""
    expression = _expression(frame)
    function = expression.func if isinstance(expression, ast.Call) else None
    return function is not None and evaluated(function, frame) in (getattr, hasattr)


def in_while_test(frame: FrameType) -> bool:
    """Tell whether what the frame is evaluating is part of the condition of a `while` loop."""
    place = position(frame)
    if place is None or place[0] is None or place[2] is None:
        return False
    at = place[0], place[2]
    return any(start <= at < end for start, end in _while_tests(frame.f_code.co_filename))


@functools.lru_cache(maxsize=256)
def _while_tests(file: str) -> tuple[tuple[tuple[int, int], tuple[int, int]], ...]:
    """Where the conditions of the `while` loops of a file start and end: lines and columns."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):
        return ()
    tests = (node.test for node in ast.walk(tree) if isinstance(node, ast.While))
    return tuple(
        ((test.lineno, test.col_offset), (test.end_lineno or 0, test.end_col_offset or 0))
        for test in tests
    )


def container(frame: FrameType) -> Any:
    """The container in which a frame looks something up; None if that is not known."""
    expression = _expression(frame)
    if expression is None:
        return None
    target = _looked_up_in(expression)
    return None if target is None else evaluated(target, frame)


def evaluated(target: ast.expr, frame: FrameType) -> Any:
    """The value of an expression that can be evaluated once more; None if it cannot."""
    if not _is_pure(target):
        return None
    attributes = [node for node in ast.walk(target) if isinstance(node, ast.Attribute)]
    try:
        if not all(_is_read_plainly(_value(node.value, frame), node.attr) for node in attributes):
            return None
        return _value(target, frame)
    except Exception:
        return None


def _value(expression: ast.expr, frame: FrameType) -> Any:
    code = compile(ast.Expression(expression), "<look-up>", "eval")
    return eval(code, frame.f_globals, frame.f_locals)


_NOTHING = object()


def _is_read_plainly(owner: Any, name: str) -> bool:
    """Tell whether an attribute is held by its object or class, and read by no code of theirs."""
    kind: Any = type(owner)
    if isinstance(owner, type):
        return kind.__getattribute__ is type.__getattribute__ and not _computes(
            inspect.getattr_static(owner, name)
        )
    plain: tuple[Any, ...] = (object.__getattribute__, ModuleType.__getattribute__)
    static = inspect.getattr_static(owner, name, None)
    is_pure = isinstance(static, property) and not _computes(static)
    if (
        kind.__getattribute__ not in plain and not is_pure
    ):  # such as one that has other names for attributes
        held = object.__getattribute__(owner, "__dict__").get(name, _NOTHING)
        return held is not _NOTHING and getattr(owner, name) is held
    if isinstance(owner, nn.Module) and name in vars(owner).get("_modules", ()):
        return kind.__getattr__ is nn.Module.__getattr__
    return not _computes(inspect.getattr_static(owner, name))


def _computes(held: Any) -> bool:
    """Tell whether what a class holds is asked for the value, and is no method or slot."""
    plain = (FunctionType, staticmethod, classmethod, MemberDescriptorType, *FUNCTIONS_OF_C, _CACHE)
    if isinstance(held, property) and isinstance(held.fget, FunctionType):
        return not _only_reads(held.fget.__code__)
    return hasattr(type(held), "__get__") and not isinstance(held, plain)


def _only_reads(code: CodeType) -> bool:
    """Tell whether code calls nothing and changes nothing: it says the same if asked once more."""
    changing = ("CALL", "STORE_", "DELETE_", "IMPORT_", "YIELD_", "SEND", "MAKE_", "FOR_ITER")
    steps = (step.opname for step in dis.get_instructions(code))
    return not any(step.startswith(changing) and step != "STORE_FAST" for step in steps)


def _expression(frame: FrameType) -> ast.expr | None:
    """The expression that the frame is evaluating."""
    place = position(frame)
    return None if place is None else _parsed(frame, place)


def _parsed(frame: FrameType, place: tuple[int | None, ...]) -> ast.expr | None:
    line, end_line, column, end_column = place
    if line is None or end_line is None or column is None or end_column is None:
        return None
    lines = [
        linecache.getline(frame.f_code.co_filename, number, frame.f_globals).encode()
        for number in range(line, end_line + 1)
    ]
    if not all(lines):
        return None
    lines[-1] = lines[-1][:end_column]
    lines[0] = lines[0][column:]
    text = b"".join(lines).decode()
    try:
        return ast.parse(f"({textwrap.dedent(text)})", mode="eval").body
    except SyntaxError:
        return None


def _looked_up_in(expression: ast.AST, key: ast.AST | None = None) -> ast.expr | None:
    """The container that an expression looks something up in; `key` is what, if that is known."""
    if isinstance(expression, ast.Subscript):
        return expression.value if key in (None, expression.slice) else None
    if isinstance(expression, ast.Call) and isinstance(expression.func, ast.Attribute):
        is_key = key is None or expression.args[:1] == [key]
        return expression.func.value if is_key and expression.func.attr in _METHODS else None
    if isinstance(expression, ast.Compare) and len(expression.ops) == 1:
        return expression.comparators[0] if key in (None, expression.left) else None
    return None


def _is_pure(expression: ast.expr) -> bool:
    """Tell whether evaluating an expression once more can change nothing."""
    return all(isinstance(node, _PURE) for node in ast.walk(expression))


_PURE = (
    ast.Name,
    ast.Attribute,
    ast.Constant,
    ast.Dict,
    ast.Set,
    ast.List,
    ast.Tuple,
    ast.UnaryOp,
    ast.USub,
    ast.Load,
)


def candidates(size: int) -> Iterator[int]:
    """Every index of a list of this size, counted from its start and from its end."""
    yield from range(size)
    yield from range(-size, 0)
