"""Find what a symbol is looked up in: the container of `TABLE[dim]` or `dim in SIZES`.

Python asks the symbol for its hash or its index and does not say what for. The line of source at
which it asks does: if the container there is a plain name, attribute or literal it can be looked
at without side effects, and then the look-up is followed as what it is, a comparison with each
key. Everywhere else, and before Python 3.11, whose code does not know its columns, the look-up
makes the symbol a plain number and is recorded as that.
"""

from __future__ import annotations

import ast
import functools
import linecache
import textwrap
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

from symcount.trace.proxies import SymInt

_METHODS = frozenset(["get", "pop", "setdefault", "__getitem__", "__contains__"])
_MEMBERSHIP = (ast.In, ast.NotIn)
_MOST_KEYS = 64
_CACHE = type(functools.cache(lambda: None))


def integer_keys(frame: FrameType) -> list[Any] | None:
    """The integers, symbols among them, that are keys of what is being looked up in.

    None if that is not known.
    """
    container = _container(frame)
    if not isinstance(container, Mapping | set | frozenset) or len(container) > _MOST_KEYS:
        return None
    return [key for key in container if type(key) in (int, SymInt)]


def cache(frame: FrameType) -> Any:
    """The function with a cache (`functools.lru_cache`) that the frame is calling, if it is one."""
    expression = _expression(frame)
    if not isinstance(expression, ast.Call) or not _is_pure(expression.func):
        return None
    called = _evaluated(expression.func, frame)
    return called if isinstance(called, _CACHE) else None


def length(frame: FrameType) -> int | None:
    """The length of the list or tuple being indexed or sliced; None if that is not known."""
    container = _container(frame)
    if type(container) not in (list, tuple) or len(container) > _MOST_KEYS:
        return None
    return len(container)


def members(frame: FrameType) -> list[Any] | tuple[Any, ...] | None:
    """The list or tuple in which the frame is looking for something with `in`, if it is known."""
    expression = _expression(frame)
    if not (isinstance(expression, ast.Compare) and isinstance(expression.ops[0], _MEMBERSHIP)):
        return None
    container = _container(frame)
    return container if isinstance(container, list | tuple) else None


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


def in_while_test(frame: FrameType) -> bool:
    """Tell whether what the frame is evaluating is part of the condition of a `while` loop."""
    place = _place(frame)
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


def _container(frame: FrameType) -> Any:
    expression = _expression(frame)
    if expression is None:
        return None
    target = _looked_up_in(expression)
    if target is None or not _is_pure(target):
        return None
    return _evaluated(target, frame)


def _evaluated(target: ast.expr, frame: FrameType) -> Any:
    code = compile(ast.Expression(target), "<look-up>", "eval")
    try:
        return eval(code, frame.f_globals, frame.f_locals)
    except Exception:
        return None


def _expression(frame: FrameType) -> ast.expr | None:
    """The expression that the frame is evaluating."""
    place = _place(frame)
    return None if place is None else _parsed(frame, place)


def _place(frame: FrameType) -> tuple[int | None, ...] | None:
    """The lines and columns of what the frame is evaluating, before Python 3.11 None."""
    positions = getattr(frame.f_code, "co_positions", None)
    if positions is None:
        return None
    return next((p for i, p in enumerate(positions()) if 2 * i == frame.f_lasti), None)


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


def _looked_up_in(expression: ast.expr) -> ast.expr | None:
    if isinstance(expression, ast.Subscript):
        return expression.value
    if isinstance(expression, ast.Call) and isinstance(expression.func, ast.Attribute):
        return expression.func.value if expression.func.attr in _METHODS else None
    if isinstance(expression, ast.Compare) and len(expression.ops) == 1:
        return expression.comparators[0]
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
