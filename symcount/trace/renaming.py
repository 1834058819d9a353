"""Have code load stand-ins for what it calls, and find the functions that it belongs to.

Where the code of a factory loads the global `int`, other code with the same lines, arguments and
jumps loads a constant. What that stands for depends on the thread: the stand-in where a factory is
run on symbols, and in any other what the name says. Nobody else can find the stand-in: no module
has a name for it. Only the code that a run on symbols is known to need is swapped while the run
lasts, and no other function of its module is touched.
"""

from __future__ import annotations

import builtins
import functools
import gc
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from types import CodeType, FunctionType
from typing import Any

from symcount.trace.bytecode import Instructions, is_compared

_LOADS = frozenset(["LOAD_GLOBAL", "LOAD_NAME"])
_STORES = frozenset(["STORE_NAME", "DELETE_NAME", "STORE_GLOBAL", "DELETE_GLOBAL"])

# What code loads in the place of a name, None for what the name says.
Instead = Callable[[CodeType, str], "StandIn | None"]

_originals: dict[int, CodeType] = {}
# The thread that runs a factory on symbols, or did last.
_running: int | None = None


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


def run_in_this_thread() -> None:
    """Have stand-ins loaded in this thread and no other."""
    global _running
    _running = threading.get_ident()


class StandIn:
    """Something that code loads in the place of another."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value: Any = value


class _Global:
    """The constant of which `~` is a stand-in, or in other threads a global."""

    __slots__ = ("instead", "name")

    def __init__(self, instead: Any, name: str) -> None:
        self.instead = instead
        self.name = name

    def __invert__(self) -> Any:
        if threading.get_ident() == _running:
            return self.instead
        for names in (sys._getframe(1).f_globals, vars(builtins)):
            if self.name in names:
                return names[self.name]
        raise NameError(f"name {self.name!r} is not defined", name=self.name)


class _Module:
    """The constant of which `~` is the stand-in of a module, or in other threads the module."""

    __slots__ = ("imported", "instead")

    def __init__(self, instead: Any, name: str, taken: tuple[str, ...] | None) -> None:
        self.instead = instead
        self.imported = name, None, None, taken or ()

    def __invert__(self) -> Any:
        if threading.get_ident() == _running:
            return self.instead
        return __import__(*self.imported)


# Code that loads stand-ins, by what it is made of and what it loads instead of which names.
_made: dict[tuple[Any, ...], tuple[CodeType, CodeType]] = {}
_MOST_MADE = 1 << 12


def renamed(code: CodeType, loads: Instead, imports: Instead) -> CodeType:
    """Code, and all that is nested in it, that loads and imports stand-ins.

    Itself if there is nothing to load instead. A name that the code sets is left alone, and so is
    one where there is no room for the instructions.
    """
    instead = tuple(
        (id(inner), name, asked(inner, name))
        for inner in nested(code)
        for name in inner.co_names
        for asked in (loads, imports)
    )
    if all(stand_in is None for *_, stand_in in instead):
        return code
    if (code_and_instead := (id(code), instead)) not in _made:
        if len(_made) >= _MOST_MADE:
            _made.clear()
        _made[code_and_instead] = code, _renamed(code, loads, imports)
    return _made[code_and_instead][1]


def nested(code: CodeType) -> Iterator[CodeType]:
    """Yield code, and all that is nested in it."""
    yield code
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from nested(const)


def _renamed(code: CodeType, loads: Instead, imports: Instead) -> CodeType:
    consts: list[Any] = [
        _renamed(const, loads, imports) if isinstance(const, CodeType) else const
        for const in code.co_consts
    ]
    same = all(a is b for a, b in zip(consts, code.co_consts, strict=True))
    instructions = Instructions(code)
    stored = {step.argval for step in instructions.steps if step.opname in _STORES}
    changed = False
    for place, step in enumerate(instructions.steps):
        if step.opname in _LOADS and step.argval not in stored:
            compared = is_compared(instructions.steps, place)
            stand_in = None if compared else loads(code, step.argval)
            changed |= stand_in is not None and _load(instructions, place, consts, stand_in)
        elif step.opname == "IMPORT_NAME":
            stand_in = imports(code, step.argval)
            changed |= stand_in is not None and _import(instructions, place, consts, stand_in)
    if same and not changed:
        return code
    other = code.replace(co_consts=tuple(consts), co_code=bytes(instructions.text))
    return made_of(other, code)


def with_constant(code: CodeType, name: str, value: Any) -> CodeType:
    """Code, and all that is nested in it, that loads a value for a name, in whatever thread."""
    consts = [
        with_constant(c, name, value) if isinstance(c, CodeType) else c for c in code.co_consts
    ]
    instructions = Instructions(code)
    for place, step in enumerate(instructions.steps):
        if step.opname in _LOADS and step.argval == name:
            instructions.load_plainly(place, len(consts))
    return code.replace(co_consts=(*consts, value), co_code=bytes(instructions.text))


def _load(instructions: Instructions, place: int, consts: list[Any], it: StandIn) -> bool:
    """Load a stand-in in the place of a global; tell whether there is room for that."""
    constant = _Global(it.value, instructions.steps[place].argval)
    if instructions.load(place, len(consts)):
        consts.append(constant)
    elif instructions.load_plainly(place, len(consts)):
        consts.append(it.value)
    else:
        return False
    return True


def _import(instructions: Instructions, place: int, consts: list[Any], it: StandIn) -> bool:
    """Load a stand-in in the place of a module; tell whether that is how it is imported."""
    name, said = instructions.steps[place].argval, instructions.imported(place)
    if said is None or said[0] or ("." in name and not said[1]):
        return False  # relative, or `import a.b`, which gives a
    constant = _Module(it.value, name, said[1])
    if not instructions.load_module(place, len(consts)):
        return False
    consts.append(constant)
    return True


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
        found = [f for f in candidates if _runs(f, code, names)]
        found = [function for function in found if not known(function)]
        if found:
            return found
    return []


def owners_of_each(
    codes: Mapping[CodeType, dict[str, Any]], roots: Sequence[FunctionType]
) -> dict[CodeType, list[FunctionType]]:
    """The same of many codes, with the namespace of each: one look at every object does for all."""
    found = {
        code: [f for f in (*roots, *functions_in(names)) if _runs(f, code, names)]
        for code, names in codes.items()
    }
    missing = {code: codes[code] for code, functions in found.items() if not functions}
    spaces = {id(names): names for names in missing.values()}
    held = gc.get_referrers(*spaces.values()) if spaces else ()
    functions = [f for f in held if isinstance(f, FunctionType)]
    for code, names in missing.items():
        found[code] = [f for f in functions if _runs(f, code, names)]
    return found


def _runs(function: FunctionType, code: CodeType, names: dict[str, Any]) -> bool:
    return function.__globals__ is names and _has(function.__code__, code)


def _has(code: CodeType, wanted: CodeType) -> bool:
    code = original_code(code)
    return code is wanted or any(
        _has(const, wanted) for const in code.co_consts if isinstance(const, CodeType)
    )


_DATA = frozenset([str, int, float, bool, type(None), dict, list, tuple, set, frozenset, type])


def functions_in(names: dict[str, Any]) -> Iterator[FunctionType]:
    """The functions of a namespace, and of the classes that it defines."""
    for value in tuple(names.values()):
        yield from _functions_of(value)
        if isinstance(value, type) and value.__module__ == names.get("__name__"):
            for held in tuple(vars(value).values()):
                yield from _functions_of(held)


def _functions_of(value: Any) -> Iterator[FunctionType]:
    """The functions behind a function, method or property."""
    if type(value) in _DATA:
        return
    if type(value) is FunctionType and not value.__dict__:
        yield value
        return
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
            function = _wrapped_by(function)


def _wrapped_by(function: object) -> Any:
    """The function that a decorator has wrapped, of objects that may refuse to be asked."""
    with suppress(Exception):
        return vars(function).get("__wrapped__")
    return None


def _anywhere(names: dict[str, Any]) -> Iterator[FunctionType]:
    """All functions of a namespace, wherever they are kept: it takes a look at every object."""
    yield from (f for f in gc.get_referrers(names) if isinstance(f, FunctionType))
