"""Rename what code calls, so that it finds stand-ins, and find the functions that it belongs to.

`int` in the code of a factory becomes `int of symcount`, which is among the builtins: the same
instructions with another name, so the same lines, arguments and jumps. Only the code that a run on
symbols is known to need is swapped while the run lasts. Its module keeps its globals, and no other
function of it is touched.
"""

from __future__ import annotations

import builtins
import dis
import functools
import gc
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FunctionType
from typing import Any

_LOADS = frozenset(["LOAD_GLOBAL", "LOAD_NAME"])
_IMPORTS = frozenset(["IMPORT_NAME"])
_STORES = frozenset(["STORE_NAME", "DELETE_NAME", "STORE_GLOBAL", "DELETE_GLOBAL"])
_LOAD_GLOBAL_SAYS_MORE = sys.version_info >= (3, 11)  # its lowest bit: that a call follows
_MOST_ARGUMENT = 0xFF

Rename = Callable[[CodeType, str], "str | None"]

_originals: dict[int, CodeType] = {}


def original_code(code: CodeType) -> CodeType:
    """The code that this is made of, or itself: the same in every run."""
    return _originals.get(id(code), code)


def is_renamed(code: CodeType) -> bool:
    """Tell whether code is made of other."""
    return id(code) in _originals


def made_of(code: CodeType, original: CodeType) -> CodeType:
    """Remember what code is made of, as long as there is the code."""
    _originals[id(code)] = original_code(original)
    weakref.finalize(code, _originals.pop, id(code), None).atexit = False
    return code


def make_known(name: str, value: Any) -> str:
    """The name by which renamed code finds a stand-in, in whatever module.

    It stays among the builtins: another thread may be in the midst of the code when a run ends.
    """
    private = f"{name} of symcount"
    while private in vars(builtins):
        private = f"another {private}"
    vars(builtins)[private] = value
    return private


def make_importable(name: str, module: Any) -> str:
    """The name by which renamed code imports a stand-in of a module."""
    private = f"{name} of symcount"
    sys.modules[private] = module
    return private


def renamed(code: CodeType, loads: Rename, imports: Rename) -> CodeType:
    """Code, and all that is nested in it, with other names for what it loads and imports.

    Itself if there is nothing to rename. A name that the code sets is left alone.
    """
    steps = [step for step in dis.get_instructions(code) if step.opcode in dis.hasname]
    names = list(code.co_names)
    text = bytearray(code.co_code)
    for name in code.co_names:
        users = [step for step in steps if step.argval == name]
        kinds = {step.opname for step in users}
        for these, rename in ((_LOADS, loads), (_IMPORTS, imports)):
            if these.isdisjoint(kinds) or (these is _LOADS and kinds & _STORES):
                continue
            private = rename(code, name)
            if private is None:
                continue
            if kinds <= these:
                names[code.co_names.index(name)] = private
            else:  # an attribute is called the same
                _redirect(text, [step for step in users if step.opname in these], len(names))
                names.append(private)
    consts = tuple(
        renamed(const, loads, imports) if isinstance(const, CodeType) else const
        for const in code.co_consts
    )
    same = all(a is b for a, b in zip(consts, code.co_consts, strict=True))
    if same and names == list(code.co_names):
        return code
    other = code.replace(co_names=tuple(names), co_consts=consts, co_code=bytes(text))
    return made_of(other, code)


def _redirect(text: bytearray, steps: Iterable[dis.Instruction], place: int) -> None:
    """Have instructions use the name at this place, where there is room to say so."""
    for step in steps:
        assert step.arg is not None
        shifted = step.opname == "LOAD_GLOBAL" and _LOAD_GLOBAL_SAYS_MORE
        argument = place << 1 | step.arg & 1 if shifted else place
        if max(argument, step.arg) <= _MOST_ARGUMENT:
            text[step.offset + 1] = argument


# --- whose code it is ---------------------------------------------------------------------------


def owners(
    code: CodeType,
    names: dict[str, Any],
    roots: Iterable[FunctionType],
    known: Callable[[Any], bool],
) -> list[FunctionType]:
    """The functions of a namespace that run some code, or have it nested in theirs.

    Those of the roots, its globals and its classes, if not all of them are known; else any.
    """
    for candidates in ((*roots, *functions_in(names)), _anywhere(names)):
        found = [f for f in candidates if f.__globals__ is names and _has(f.__code__, code)]
        found = [function for function in found if not known(function)]
        if found:
            return found
    return []


def _has(code: CodeType, wanted: CodeType) -> bool:
    code = original_code(code)
    return code is wanted or any(
        _has(const, wanted) for const in code.co_consts if isinstance(const, CodeType)
    )


def functions_in(names: dict[str, Any]) -> Iterator[FunctionType]:
    """The functions of a namespace, and of the classes that it defines."""
    for value in tuple(names.values()):
        yield from _functions_of(value)
        if isinstance(value, type) and value.__module__ == names.get("__name__"):
            for held in tuple(vars(value).values()):
                yield from _functions_of(held)


def _functions_of(value: Any) -> Iterator[FunctionType]:
    """The functions behind a function, method or property."""
    if isinstance(value, property):
        held = [value.fget, value.fset, value.fdel]
    elif isinstance(value, functools.cached_property):
        held = [value.func]
    elif isinstance(value, staticmethod | classmethod):
        held = [value.__func__]
    else:
        held = [value]
    for function in held:
        while function is not None:
            if isinstance(function, FunctionType):
                yield function
            function = getattr(function, "__dict__", {}).get("__wrapped__")


def _anywhere(names: dict[str, Any]) -> Iterator[FunctionType]:
    """All functions of a namespace, wherever they are kept: it takes a look at every object."""
    yield from (f for f in gc.get_referrers(names) if isinstance(f, FunctionType))
