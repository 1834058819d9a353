"""Tell whether a comparison decides nothing but whether something is printed, logged or warned of.

Such a comparison is no branch: both ways build the same module. That is read from the syntax tree
of the statement, an `if` with nothing else below it. What is evaluated on one of the two ways
alone has to be harmless, too: plain values, sums of numbers, and texts made of them, of which it
is sure that they can be made.
"""

from __future__ import annotations

import ast
import functools
import re
import warnings
from collections.abc import Sequence
from types import CodeType, FrameType
from typing import Any, NamedTuple

from symcount.trace import ends
from symcount.trace.proxies import SymFloat, SymInt

_NUMBER, _TEXT, _OTHER = "number", "text", "other"
_KINDS: dict[type, str] = {
    **dict.fromkeys((int, float, bool, SymInt, SymFloat), _NUMBER),
    str: _TEXT,
    type(None): _OTHER,
}
_ALIKE = ast.Eq | ast.NotEq | ast.Is | ast.IsNot
_PLACEHOLDERS = re.compile("%s|%%")
_unknown = object()


class _Message(NamedTuple):
    """What follows a comparison: the rest of the condition, and the calls that may be made."""

    later: Sequence[ast.expr]
    calls: Sequence[ast.Call]


def decides_a_message(frame: FrameType, outlets: ends.Outlets) -> bool:
    """Tell whether what a frame compares decides no more than whether there is a message."""
    message = _message_after(frame.f_code, frame.f_lasti)
    return (
        message is not None
        and all(_kind(each, frame) for each in message.later)
        and all(_is_harmless(call, frame, outlets) for call in message.calls)
    )


@functools.lru_cache(maxsize=1 << 12)
def _message_after(code: CodeType, offset: int) -> _Message | None:
    place = ends.place_in(code, offset)
    if place is None:
        return None
    if isinstance(place[-1], ast.If):  # whether what it asks for is true
        place = *place, place[-1].test
    if not isinstance(place[-1], ast.Compare | ast.Name | ast.BinOp):
        return None
    inner: Any = place[-1]
    later = list(inner.comparators[1:]) if isinstance(inner, ast.Compare) else []
    for around in place[-2::-1]:
        if isinstance(around, ast.BoolOp):
            later += around.values[[v is inner for v in around.values].index(True) + 1 :]
        elif not (isinstance(around, ast.UnaryOp) and isinstance(around.op, ast.Not)):
            break
        inner = around
    if not isinstance(around, ast.If) or around.test is not inner:
        return None
    below = [*around.body, *around.orelse]
    told = [each.value for each in below if isinstance(each, ast.Expr)]
    calls = [value for value in told if isinstance(value, ast.Call)]
    return _Message(later, calls) if len(calls) == len(below) else None


def _is_harmless(call: ast.Call, frame: FrameType, outlets: ends.Outlets) -> bool:
    """Tell whether a call prints, logs or warns, and what it is given can be made."""
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    is_told = ends.end_at_sink(call, frame, outlets) is not None
    if ends.evaluated(call.func, frame) is warnings.warn and ends.warnings_are_errors():
        return False
    return is_told and all(_kind(each, frame) or _is_class(each, frame) for each in given)


def _is_class(node: ast.AST, frame: FrameType) -> bool:
    """Tell whether an expression is the class of a warning."""
    return isinstance(node, ast.Name) and isinstance(ends.evaluated(node, frame), type)


def _kind(node: ast.expr, frame: FrameType) -> str | None:
    """Return the kind of an expression's value, if nobody notices whether it is made or not."""
    if isinstance(node, ast.Constant | ast.Name | ast.Attribute):
        return _KINDS.get(type(ends.evaluated(node, frame, _unknown)))
    parts = [n for n in ast.iter_child_nodes(node) if isinstance(n, ast.expr)]
    if isinstance(node, ast.Call):
        parts = [*node.args, *(keyword.value for keyword in node.keywords)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        parts = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
    kinds = {_kind(part, frame) for part in parts}
    if None in kinds:
        return None
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.Mod):
            text = node.left.value if isinstance(node.left, ast.Constant) else None
            return _TEXT if _takes(text, len(parts)) else None
        is_sum = isinstance(node.op, ast.Add | ast.Sub | ast.Mult) and kinds == {_NUMBER}
        is_longer = isinstance(node.op, ast.Add) and kinds == {_TEXT}
        return _NUMBER if is_sum else _TEXT if is_longer else None
    if isinstance(node, ast.Compare):
        return (
            _NUMBER if kinds == {_NUMBER} or all(isinstance(o, _ALIKE) for o in node.ops) else None
        )
    if isinstance(node, ast.FormattedValue):
        return _TEXT if node.format_spec is None else None
    if isinstance(node, ast.UnaryOp):
        return _NUMBER if isinstance(node.op, ast.Not) else None
    if isinstance(node, ast.Call) and ends.keeps_text(node):
        text = getattr(getattr(node.func, "value", None), "value", "{}")
        is_plain = getattr(node.func, "attr", "format") == "format" and not node.keywords
        return _TEXT if is_plain and _is_filled(text, len(parts)) else None
    if isinstance(node, ast.BoolOp):
        return _OTHER
    return _TEXT if isinstance(node, ast.JoinedStr) else None


def _is_filled(text: str, number: int) -> bool:
    """Tell whether so many values fill the places `{}` of a text, and there are no others."""
    return text.count("{}") == number == text.count("{") == text.count("}")


def _takes(text: object, number: int) -> bool:
    """Tell whether so many values can be put into a text by `%`, whatever they are."""
    if not isinstance(text, str) or "%" in _PLACEHOLDERS.sub("", text):
        return False
    return _PLACEHOLDERS.findall(text).count("%s") == number
