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
from types import CodeType, FrameType, ModuleType
from typing import Any, NamedTuple

from symcount.trace import ends
from symcount.trace.proxies import SymFloat, SymInt

_NUMBER, _TEXT, _OTHER = "number", "text", "other"
_KINDS: dict[type, str] = {
    **dict.fromkeys((int, float, bool, SymInt, SymFloat), _NUMBER),
    str: _TEXT,
    type(None): _OTHER,
}
_PRINTED: dict[str | None, str] = {"sep": _TEXT, "end": _TEXT, "flush": _NUMBER}
_READ_PLAINLY: tuple[Any, ...] = (object.__getattribute__, ModuleType.__getattribute__)
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
    """Tell whether a call prints, logs or warns, takes what it is given, and that can be made."""
    if ends.end_at_sink(call, frame, outlets) is None:
        return False
    kinds = [_kind(each, frame) for each in call.args]
    keywords = {keyword.arg: _kind(keyword.value, frame) for keyword in call.keywords}
    function = ends.evaluated(call.func, frame)
    if function is print:
        is_taken = all(_PRINTED.get(key) == kind for key, kind in keywords.items())
    elif function is warnings.warn:
        is_taken = not ends.warnings_are_errors() and kinds[:1] == [_TEXT]
        if len(call.args) == 2 and _is_warning(call.args[1], frame):
            kinds.pop()
        levels = [getattr(keyword.value, "value", None) for keyword in call.keywords]
        is_taken = is_taken and len(kinds) == 1 and keywords.keys() <= {"stacklevel"}
        is_taken = is_taken and all(type(level) is int for level in levels)
    else:
        assert isinstance(call.func, ast.Attribute)
        method = getattr(ends.evaluated(call.func.value, frame), call.func.attr, None)
        is_taken = callable(method) and call.func.attr != "log" and bool(kinds) and not keywords
    return is_taken and all(kinds)


def _is_warning(node: ast.AST, frame: FrameType) -> bool:
    """Tell whether an expression is the class of a warning."""
    kind = ends.evaluated(node, frame) if isinstance(node, ast.Name) else None
    return isinstance(kind, type) and issubclass(kind, Warning)


def _is_read_plainly(node: ast.expr, frame: FrameType) -> bool:
    """Tell whether a name is bound, or an attribute is read by no code of its object's class."""
    if isinstance(node, ast.Name):
        code = frame.f_code
        return node.id in frame.f_locals or node.id not in (
            *code.co_varnames, *code.co_cellvars, *code.co_freevars
        )  # fmt: skip
    if isinstance(node, ast.Attribute):
        kind = type(ends.evaluated(node.value, frame))
        is_plain = kind.__getattribute__ in _READ_PLAINLY
        is_plain = is_plain and not hasattr(getattr(kind, node.attr, None), "__set__")
        return is_plain and _is_read_plainly(node.value, frame)
    return True


def _kind(node: ast.expr, frame: FrameType) -> str | None:
    """Return the kind of an expression's value, if nobody notices whether it is made or not."""
    if isinstance(node, ast.Constant | ast.Name | ast.Attribute):
        kind = _KINDS.get(type(ends.evaluated(node, frame, _unknown)))
        return kind if _is_read_plainly(node, frame) else None
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
