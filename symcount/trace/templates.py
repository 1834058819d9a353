"""Read the template of a text from its expression, and tell which other texts may be equal to it.

A text such as `f"block{i}"` says one thing in each iteration. Whether a name that is made so may be
the same as another name is read from what stands between its numbers.
"""

from __future__ import annotations

import ast
import itertools
import re
import string
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from symcount.trace.proxies import SymFloat, SymInt, hint

_DIGITS = "0123456789"
_PLAIN_SPEC = re.compile(r"(0[0-9]+)?d?")
_PERCENT = re.compile(r"%((?:0[0-9]+)?[ds])")
_AS_TEXT = (-1, ord("s"))

Evaluate: TypeAlias = "Callable[[ast.expr], Any]"


class Piece(NamedTuple):
    """A piece of a text: what it says at the hints, if that is known, and if it is a number."""

    text: str | None
    varies: bool = False


_UNKNOWN = [Piece(None), Piece(None)]


def pieces(text: ast.expr, evaluate: Evaluate) -> list[Piece]:
    """Return the pieces of a text; two that are unknown for one that may be any text."""
    if isinstance(text, ast.Constant) and isinstance(text.value, str):
        return [Piece(text.value)] if text.value else []
    if isinstance(text, ast.JoinedStr):
        return [piece for part in text.values for piece in pieces(part, evaluate)]
    if isinstance(text, ast.FormattedValue):
        spec = _constant(text.format_spec) if text.conversion in _AS_TEXT else None
        return _formatted(text.value, spec, evaluate)
    if isinstance(text, ast.BinOp) and isinstance(text.op, ast.Add):
        return [*pieces(text.left, evaluate), *pieces(text.right, evaluate)]
    if isinstance(text, ast.BinOp) and isinstance(text.op, ast.Mod):
        return _of_percent(text, evaluate)
    if isinstance(text, ast.Call):
        return _of_call(text, evaluate)
    value = evaluate(text)
    return [Piece(value)] if type(value) is str else _UNKNOWN


def _constant(spec: ast.expr | None) -> str | None:
    """The text of a format, empty if there is none; None if it is not known."""
    if spec is None:
        return ""
    parts = spec.values if isinstance(spec, ast.JoinedStr) else []
    return parts[0].value if len(parts) == 1 and isinstance(parts[0], ast.Constant) else None  # type: ignore[return-value]


def _formatted(value: ast.expr, spec: str | None, evaluate: Evaluate) -> list[Piece]:
    if spec is None or not _PLAIN_SPEC.fullmatch(spec):
        return _UNKNOWN
    found, varies = _at_hints(value, evaluate)
    if type(found) is int:
        return [Piece(format(found, spec), varies)]
    if type(found) is str and not spec:
        return [Piece(found)] if found else []
    return [Piece(None, True)]


def _at_hints(value: ast.expr, evaluate: Evaluate) -> tuple[Any, bool]:
    """The value of a sum of names at the hints, if that is known, and whether it has symbols."""
    held = evaluate(value)
    if held is not None:
        return hint(held), type(held) in (SymInt, SymFloat)
    if not isinstance(value, ast.BinOp | ast.UnaryOp):
        return None, True
    inner = [n for n in ast.iter_child_nodes(value) if isinstance(n, ast.expr)]
    found = [_at_hints(n, evaluate) for n in inner]
    if any(type(number) is not int for number, _ in found):
        return None, True
    numbers: list[ast.expr] = [ast.Constant(number) for number, _ in found]
    changed: ast.expr
    if isinstance(value, ast.BinOp):
        changed = ast.BinOp(numbers[0], value.op, numbers[1])
    else:
        changed = ast.UnaryOp(value.op, numbers[0])
    whole = ast.fix_missing_locations(ast.Expression(changed))
    try:
        return eval(compile(whole, "<text>", "eval"), {}), any(varies for _, varies in found)
    except ArithmeticError:
        return None, True


def _of_percent(text: ast.BinOp, evaluate: Evaluate) -> list[Piece]:
    left = text.left.value if isinstance(text.left, ast.Constant) else None
    given = text.right.elts if isinstance(text.right, ast.Tuple) else [text.right]
    if not isinstance(left, str):
        return _UNKNOWN
    between, specs = _PERCENT.split(left)[::2], _PERCENT.findall(left)
    if len(specs) != len(given) or any("%" in literal for literal in between):
        return _UNKNOWN
    holes = [
        _formatted(value, spec.removesuffix("s"), evaluate)
        for value, spec in zip(given, specs, strict=True)
    ]
    return _woven(between, holes)


def _of_call(call: ast.Call, evaluate: Evaluate) -> list[Piece]:
    if isinstance(call.func, ast.Name) and call.func.id == "str" and len(call.args) == 1:
        return _formatted(call.args[0], "", evaluate)
    if isinstance(call.func, ast.Attribute) and call.func.attr == "format":
        said = call.func.value.value if isinstance(call.func.value, ast.Constant) else None
        fields = list(string.Formatter().parse(said)) if isinstance(said, str) else []
        named = {k.arg: k.value for k in call.keywords}
        order = map(str, itertools.count())
        found = [
            (named | dict(zip(map(str, itertools.count()), call.args))).get(name or next(order))  # noqa: B905
            for _, name, _, _ in fields
            if name is not None
        ]
        if fields and None not in found and not any(conversion for *_, conversion in fields):
            specs = [spec for _, name, spec, _ in fields if name is not None]
            holes = [
                _formatted(value, spec, evaluate)
                for value, spec in zip(found, specs, strict=True)
                if value is not None
            ]
            return _woven([literal for literal, *_ in fields], holes)
    return _UNKNOWN


def _woven(between: Sequence[str], holes: Sequence[list[Piece]]) -> list[Piece]:
    found: list[Piece] = []
    for literal, hole in itertools.zip_longest(between, holes, fillvalue=None):
        found += [Piece(literal)] if literal else []
        found += hole or []
    return found


def has_numbers_apart(found: Sequence[Piece]) -> bool:
    """Tell whether no number in a text has another digit beside it."""
    return all(
        not (a.varies or b.varies)
        or (a.varies != b.varies and _is_apart(a, -1) and _is_apart(b, 0))
        for a, b in itertools.pairwise(found)
    ) and all(piece.varies or piece.text is not None for piece in found)


def _is_apart(piece: Piece, at: int) -> bool:
    return piece.varies or (piece.text or "0")[at] not in _DIGITS


class Template(NamedTuple):
    """What a name looks like in any iteration, and what it is at the hints."""

    pattern: str
    text: str

    def may_be(self, name: str) -> bool:
        """Tell whether a name may be made in another iteration."""
        return re.fullmatch(self.pattern, name) is not None


def template(found: Sequence[Piece]) -> Template | None:
    """Return the template of a text; None if one text may be made of several numbers."""
    texts = [piece.text for piece in found]
    between = "".join("\0" if piece.varies else piece.text or "" for piece in found)
    if None in texts or any(set(part) <= set(_DIGITS) for part in between.split("\0")[1:-1]):
        return None
    pattern = "".join("-?[0-9]+" if p.varies else re.escape(p.text or "") for p in found)
    return Template(pattern, "".join(filter(None, texts)))
