"""Collect the code that executes: every function that a factory leads to, whoever wrote it.

`sys.monitoring` tells of each code object once (Python 3.12 and later), `sys.setprofile` of each
call. Both are for the thread that asks, and give back what was there before.
"""

from __future__ import annotations

import functools
import gc
import linecache
import os
import sys
import threading
from collections.abc import Callable, Collection, Hashable, Iterator
from contextlib import contextmanager
from itertools import islice
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    CodeType,
    FrameType,
    MethodDescriptorType,
    MethodWrapperType,
    WrapperDescriptorType,
)
from typing import Any, NamedTuple

from symcount.libraries import TORCH, is_own


class Use(NamedTuple):
    """The names of a module and the data in the variables with which code ran first."""

    names: dict[str, Any]
    values: tuple[Any, ...]


class Executed(dict[CodeType, Use]):
    """The code that has executed, in the order in which it did so first."""

    def __init__(self) -> None:
        super().__init__()
        self._computed: dict[Any, tuple[int, Any]] = {}

    def once(self, compute: Callable[..., Any], *args: Hashable) -> Any:
        """Return what a function makes of all this code; it is asked again if there is more."""
        known = self._computed.get((compute, args))
        if known is None or known[0] != len(self):
            known = self._computed[compute, args] = len(self), compute(self, *args)
        return known[1]

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Collect what this thread executes."""
        with _monitored(self) if sys.version_info >= (3, 12) else _profiled(self):
            yield

    def note(self, frame: FrameType) -> bool:
        """Take note of the code that a frame runs, and tell whether that is done with.

        What a module runs while it is imported is left out: it knows of no symbol, and runs for
        the first derivation alone.
        """
        code = frame.f_code
        if code in self or is_own(code.co_filename):
            return True
        if _is_importing(frame):
            return False
        values: list[Any] = []
        if not code.co_filename.startswith(TORCH):  # what that is given, others have read
            values += [v for value in frame.f_locals.values() for v in _kept(value, code)]
        self[code] = Use(frame.f_globals, tuple(values))
        return True


class Thorough(Executed):
    """What has executed, and what that has asked of the world outside of Python's code.

    Attributes:
        calls: the functions of C that were called, by module and name, and the files of whom.
        variables: the variables of the environment that were read, None among them for all.
        sources: the files of which lines were looked up.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: set[tuple[str, str, str]] = set()
        self.variables: set[str | None] = set()
        self.sources: set[str] = set()

    def note(self, frame: FrameType) -> bool:
        known = _ASKING.get(id(frame.f_code))
        if known is None:
            return super().note(frame)
        if not _is_importing(frame):
            if known == "filename":
                self.sources.add(str(frame.f_locals[known]))
            else:
                self.variables.add(str(frame.f_locals[known]) if known else None)
            super().note(frame)
        return False  # each time of another one

    def called(self, caller: FrameType, function: Any) -> None:
        """Take note that code calls a function or class of C."""
        while caller.f_code.co_filename in _OF_PATHS and caller.f_back is not None:
            caller = caller.f_back
        if any(getattr(each, "__code__", None) is caller.f_code for each in gc.callbacks):
            return  # which the collector calls, whenever it comes
        key = (*_home(function), caller.f_code.co_filename)
        if key not in self.calls and not is_own(key[2]) and not _is_importing(caller):
            self.calls.add(key)


def _home(function: Any) -> tuple[str, str]:
    """Return the module and the name of a function or class of C."""
    name = str(function.__name__)
    if type(function) is BuiltinFunctionType and type(function.__module__) is str:
        return function.__module__, name
    if isinstance(function, type):
        return function.__module__, function.__qualname__
    owner = getattr(function, "__objclass__", None)
    if owner is None:  # a method of something, or of a class
        owner = (
            function.__self__ if isinstance(function.__self__, type) else type(function.__self__)
        )
    for base in type.__getattribute__(owner, "__mro__"):
        if not base.__flags__ & _ON_THE_HEAP and name in vars(base):
            return base.__module__, f"{base.__qualname__}.{name}"
    return str(type.__getattribute__(owner, "__module__")), f"{owner.__qualname__}.{name}"


def _is_of_c(function: Any) -> bool:
    kind = type(function)
    if issubclass(kind, type):
        return not function.__flags__ & _ON_THE_HEAP
    return kind in (BuiltinFunctionType, MethodDescriptorType, ClassMethodDescriptorType)


_ON_THE_HEAP = 1 << 9  # a class that Python code has made, or a few of C
# Code that asks for what its name says, by the variable that holds that: "" if it asks for all.
_ASKING = {
    id(method.__code__): "key" if name == "__getitem__" else ""
    for name, method in vars(type(os.environ)).items()
    if hasattr(method, "__code__")
} | {id(linecache.getlines.__code__): "filename"}
_OF_PATHS = frozenset(
    each.__code__.co_filename
    for each in (os.path.exists, os.path.join)
    if hasattr(each, "__code__")
)
_MOST_ITEMS = 64
_DEEPEST = 3
_ATOMS = frozenset([
    int, float, str, bool, type(None), BuiltinFunctionType, MethodDescriptorType,
    MethodWrapperType, WrapperDescriptorType, functools.partial,
])  # fmt: skip
_IMPORTS = "<frozen importlib._bootstrap>"


def _is_importing(frame: FrameType) -> bool:
    """Tell whether a frame runs because code that symcount has called imports something."""
    here: FrameType | None = frame
    while here is not None and not is_own(here.f_code.co_filename):
        if here.f_code.co_filename == _IMPORTS:
            return True
        here = here.f_back
    return False


def _kept(value: Any, code: CodeType) -> Iterator[Any]:
    """List what may hold numbers: data, and of an object its class and the attributes read of it.

    Nothing but numbers, texts, classes and functions of C is kept alive.
    """
    yield _data(value, 0)
    try:  # by no method of its own, which may not be ready to be asked
        held = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return
    if type(held) is dict and not issubclass(type(value), type):
        yield type(value)
        for name in code.co_names:  # no closure, which would hold them until its frame is released
            if name in held:
                yield _data(held[name], 0)


def _data(value: Any, depth: int) -> Any:
    """The numbers and texts in a value, in tuples and dicts like its own."""
    kind = type(value)
    if kind in _ATOMS or issubclass(kind, (int, float, str, type)):
        return value
    if depth < _DEEPEST and kind in (tuple, list, set, frozenset):
        return tuple(_data(item, depth + 1) for item in _first(value))
    if depth < _DEEPEST and kind is dict:
        items = _first(value.items())
        return tuple((_data(key, depth + 1), _data(item, depth + 1)) for key, item in items)
    return None


def _first(values: Collection[Any]) -> tuple[Any, ...]:
    """The first items of a container."""
    while True:
        try:
            return tuple(islice(values, _MOST_ITEMS))
        except RuntimeError:  # something was collected meanwhile, and with it an item
            continue


def take_profiler() -> Any:
    """Switch off the profiler of this thread, if there is one, and return it."""
    before: Any = sys.getprofile()
    if before is not None and not callable(before):  # `cProfile`, which has a switch
        before.disable()
    return before


def set_profiler(profiler: Any) -> None:
    """Switch on a profiler, a function or none in this thread."""
    is_function = profiler is None or callable(profiler)
    sys.setprofile(profiler if is_function else None)
    if not is_function:
        profiler.enable()


@contextmanager
def _profiled(executed: Executed) -> Iterator[None]:
    def on_event(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and id(frame.f_code) not in done and executed.note(frame):
            done[id(frame.f_code)] = frame.f_code

    def on_any(frame: FrameType, event: str, function: Any) -> None:
        on_event(frame, event, function)
        if event == "c_call":
            thorough.called(frame, function)

    done: dict[int, CodeType] = {}  # to compare code, or its hash, takes as long as to run it
    thorough: Any = executed
    before = take_profiler()
    sys.setprofile(on_any if isinstance(executed, Thorough) else on_event)
    try:
        yield
    finally:
        set_profiler(before)


@contextmanager
def _monitored(executed: Executed) -> Iterator[None]:
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
    started = monitoring.events.PY_START
    events = started | (monitoring.events.CALL if isinstance(executed, Thorough) else 0)
    tool = next((n for n in _TOOLS if monitoring.get_tool(n) is None), None)
    thread = threading.get_ident()

    def on_start(code: CodeType, _: int) -> Any:
        if threading.get_ident() == thread:
            return monitoring.DISABLE if executed.note(sys._getframe(1)) else None
        return None

    def on_call(_: CodeType, __: int, function: Any, ___: Any) -> None:
        if threading.get_ident() == thread and _is_of_c(function):
            thorough.called(sys._getframe(1), function)

    thorough: Any = executed
    if tool is None:  # others have taken all of them
        yield
        return
    monitoring.use_tool_id(tool, "symcount")
    try:
        monitoring.register_callback(tool, started, on_start)
        monitoring.register_callback(tool, monitoring.events.CALL, on_call)
        monitoring.set_events(tool, events)
        monitoring.restart_events()
        yield
    finally:
        monitoring.set_events(tool, 0)
        monitoring.register_callback(tool, started, None)
        monitoring.register_callback(tool, monitoring.events.CALL, None)
        monitoring.free_tool_id(tool)


# Tools that nobody has a name for: `sys.monitoring` knows six, of which four have one.
_TOOLS = (4, 3)
