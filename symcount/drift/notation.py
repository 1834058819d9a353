"""Parse calls, values and symbols as pages write them: `models.py:mlp(dim=512, bias=False)`."""

from __future__ import annotations

import ast
import inspect
import math
import re
from collections.abc import Mapping
from itertools import product
from typing import Any, TypeAlias

from symcount.errors import ArgumentError
from symcount.symbols import Symbol

# A size to count at: its name, "" if it has none, and its values.
Size: TypeAlias = "tuple[str, dict[str, Any]]"
_MOST_POINTS = 10_000
_CALL = re.compile(r"(?P<target>[^()]+)(?:\((?P<sizes>.*)\))?", re.DOTALL)


def read_call(text: str) -> tuple[str, dict[str, Any] | None]:
    """Parse `target` or `target(name=value, ...)`.

    Raises:
        ArgumentError: it is neither; the message shows how to write it.

    >>> read_call("cnn:attention(dim=512)"), read_call("models.py:mlp")
    (('cnn:attention', {'dim': 512}), ('models.py:mlp', None))
    """
    found = _CALL.fullmatch(text.strip())
    if found is None:
        raise ArgumentError(f"{text!r}: write module:factory or module:factory(dim=512)")
    sizes = found["sizes"]
    return found["target"].strip(), None if sizes is None else read_values(sizes)


def read_values(text: str) -> dict[str, Any]:
    """Parse `name=value, ...`, each value a Python literal.

    Raises:
        ArgumentError: it is not written so.

    >>> read_values("dim=(64, 512), bias=False, act='gelu'")
    {'dim': (64, 512), 'bias': False, 'act': 'gelu'}
    """
    wanted = "write name=value, ..., each value a Python literal"
    call = _arguments(text, wanted)
    if call.args:
        raise ArgumentError(f"{text!r}: {wanted}")
    return _literals(call, text, wanted)


def read_symbols(text: str) -> dict[str, Symbol]:
    """Parse `name, name(min=64, multiple_of=64), ...`: the arguments are those of `Symbol`.

    Raises:
        ArgumentError: it is not written so, or no value satisfies a declaration.

    >>> read_symbols("dim(min=64), depth")["dim"].min
    64
    """
    wanted = "write name, ... or name(min=64, max=512, multiple_of=64, name='d', real=True), ..."
    call = _arguments(text, wanted)
    declared = {}
    for part in call.args:
        given = {}
        if isinstance(part, ast.Call) and not part.args:
            given, part = _literals(part, text, wanted), part.func
        if not isinstance(part, ast.Name):
            raise ArgumentError(f"{text!r}: {wanted}")
        unknown = given.keys() - inspect.signature(Symbol).parameters.keys()
        if unknown:
            raise ArgumentError(f"{text!r}: a symbol has no {min(unknown)!r}; {wanted}")
        declared[part.id] = Symbol(**given)
    if call.keywords:
        raise ArgumentError(f"{text!r}: {wanted}")
    return declared


def _arguments(text: str, wanted: str) -> ast.Call:
    try:
        call = ast.parse(f"_({text}\n)", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # of too many brackets
        raise ArgumentError(f"{text[:100]!r}: {wanted}") from None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise ArgumentError(f"{text!r}: {wanted}")  # such as "a)(b"
    return call


def _literals(call: ast.Call, text: str, wanted: str) -> dict[str, Any]:
    found = {}
    for keyword in call.keywords:
        try:
            value = ast.literal_eval(keyword.value)
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            raise ArgumentError(f"{text!r}: {wanted}") from None
        if keyword.arg is None:
            raise ArgumentError(f"{text!r}: {wanted}")
        found[keyword.arg] = value
    return found


def read_points(text: str, given: Mapping[str, Any] | None = None) -> list[Size]:
    """Parse sizes to count at: `name=value, ...` for all combinations of several values.

    Or give them names: `small(d=768), large(d=1024), heads=8`, where what is in no brackets is of
    all. A name that is no word stands between quotes: `"gpt2-large"(d=1280)`.

    Args:
        text: the sizes.
        given: sizes that are said elsewhere, for all.

    Raises:
        ArgumentError: it is not written so, or these are too many for a page.

    >>> read_points("dim=(64, 512), heads=8")
    [('', {'dim': 64, 'heads': 8}), ('', {'dim': 512, 'heads': 8})]
    >>> read_points("small(dim=64), large(dim=512), heads=8")
    [('small', {'heads': 8, 'dim': 64}), ('large', {'heads': 8, 'dim': 512})]
    """
    wanted = "write name=value, ..., or small(name=value), large(name=value), ..."
    call = _arguments(text, wanted)
    common = {**(given or {}), **_literals(call, text, wanted)}
    if not call.args:
        return [("", point) for point in _combinations(common)]
    found: dict[str, dict[str, Any]] = {}
    for part in call.args:
        match part:
            case ast.Call(func=ast.Name(id=name) | ast.Constant(value=str(name)), args=[]):
                sizes = {**common, **_literals(part, text, wanted)}
            case _:
                raise ArgumentError(f"{text!r}: {wanted}")
        if name in found:
            raise ArgumentError(f"{text!r}: two sizes are called {name!r}")
        several = [each for each, value in sizes.items() if isinstance(value, list | tuple)]
        if several:
            raise ArgumentError(f"{text!r}: {name!r} is one size, and has one {several[0]}")
        found[name] = sizes
    return list(found.items())


def _combinations(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List all combinations of values; one that is no sequence is one value.

    Raises:
        ArgumentError: there are too many of them for a page.
    """
    sizes = [v if isinstance(v, list | tuple) else (v,) for v in values.values()]
    number = math.prod(map(len, sizes))
    if number > _MOST_POINTS:
        raise ArgumentError(f"{number:,} combinations of sizes; {_MOST_POINTS:,} are the most")
    return [dict(zip(values, point, strict=True)) for point in product(*sizes)]


def split(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split the values of a call into sizes, which are whole numbers, and what it fixes.

    >>> split({"dim": 512, "bias": False})
    ({'dim': 512}, {'bias': False})
    """
    sizes = {k: v for k, v in values.items() if type(v) is int}
    return sizes, {k: v for k, v in values.items() if k not in sizes}
