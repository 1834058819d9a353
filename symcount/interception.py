"""The one place that replaces what belongs to others, and puts it back whatever happens.

Each replacement is written into a journal before it is made, and struck out after it is undone. The
journal is no frame's: an exception that comes between any two instructions, such as that of Ctrl-C,
leaves it as long as what is replaced. `restore` works off all of it. Who replaces something calls
it in a `finally`, and `derive` once more in an outer one, so that one such exception, wherever it
comes, does no harm.

Only one thread at a time replaces anything: the one that is `alone`.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any, TypeAlias

_missing = object()
# Frames of these files hold contexts: those of contexts, and of what traces code and is told of
# these frames.
_HERE = os.path.dirname(__file__)
_HOLDING = (
    contextlib.__file__,
    os.path.join(_HERE, "executed.py"),
    os.path.join(_HERE, "trace", "identity.py"),
)
# Holds the place of a function among the constants of code.
_INSTEAD = "what is called instead"
# How often it is tried to put one thing back.
_TRIES = 3
# How many seconds a fork waits at most until no other thread is where it may hold a lock of C code.
_PATIENCE = 60.0
_PAUSE = 0.001
# While code of these is running, a lock may be held that a child would wait for without end.
_LOCKING = frozenset(["_frozen_importlib", "importlib", "z3"])


# An attribute of something, what it was before, and what it is instead.
Replaced: TypeAlias = "tuple[Any, str, Any, Any]"
_journal: list[Replaced] = []


def replace(owner: Any, name: str, instead: Any) -> None:
    """Replace the code of a function, or an attribute of a module or class."""
    # of a class a static method as it is, and what is inherited as missing
    before = owner.__code__ if name == "__code__" else owner.__dict__.get(name, _missing)
    _journal.append((owner, name, before, instead))
    _set(owner, name, instead)


def _set(owner: Any, name: str, value: Any) -> None:
    if name == "__code__":
        owner.__code__ = value
    elif isinstance(owner, ModuleType):  # a stand-in of one sets what it stands for
        if value is _missing:
            vars(owner).pop(name, None)
        else:
            vars(owner)[name] = value
    elif value is not _missing:
        setattr(owner, name, value)
    elif name in owner.__dict__:
        delattr(owner, name)


def restore() -> None:
    """Put everything back. What is raised meanwhile is raised at the end."""
    failure: BaseException | None = None
    failures = 0
    while _journal:
        try:
            while _journal:
                owner, name, before, _ = _journal[-1]
                _set(owner, name, before)
                _journal.pop()
        except BaseException as error:
            failure = failure or error
            failures += 1
            if failures % _TRIES == 0 and _journal:
                _journal.pop()  # this one cannot be put back, the others may
    if failure is not None:
        raise failure


def set_aside() -> list[Replaced]:
    """Put everything back for now: a factory that is run on symbols derives another one."""
    replaced = list(_journal)
    restore()
    return replaced


def is_replacing() -> bool:
    """Tell whether anything is replaced: within a run on symbols, or a plain build."""
    return bool(_journal)


def replace_again(replaced: Iterable[Replaced]) -> None:
    """Replace what has been set aside."""
    for owner, name, _, instead in replaced:
        replace(owner, name, instead)


def complete(*steps: Callable[[], None]) -> None:
    """Take every step, though one may raise; each can be taken twice. Raise what was first raised.

    A step that is interrupted is taken once more.
    """
    failure: BaseException | None = None
    for step in steps:
        for _ in range(2):
            try:
                step()
                break
            except BaseException as error:
                failure = failure or error
    if failure is not None:
        raise failure


def take_off_stack(mode: Any, error: BaseException | None) -> None:
    """Take a torch function mode off the stack, unless torch has done so for a moment.

    If an exception comes then, such as that of Ctrl-C, it is not to be lost in another.
    """
    import torch

    if error is not None:
        let_go(error)  # or the mode comes back when whoever keeps the exception releases it
    length: int = torch._C._len_torch_function_stack()
    if length and torch._C._get_function_stack_at(length - 1) is mode:
        torch._C._pop_torch_function_stack()


def let_go(error: BaseException) -> None:
    """Finish the contexts that were just being entered when an exception came, such as Ctrl-C.

    torch takes a mode off the stack in a generator, which puts it back when it is released: with
    the exception, when nobody looks after the stack any more. It is held by a frame, or by that of
    the profiler which was told of this frame. What the profiler was told of need not have a place
    in the traceback: it is found as the caller of the profiler.
    """
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        here = waiting.pop()
        if here is None or id(here) in seen:
            continue
        seen.add(id(here))
        waiting += [here.__context__, here.__cause__]
        for frame, _ in traceback.walk_tb(here.__traceback__):
            for each in (frame, frame.f_back):
                if each is not None and each.f_code.co_filename in _HOLDING:
                    with contextlib.suppress(RuntimeError):  # it still runs
                        each.clear()
                        _ = each.f_locals  # lets go of what it was when somebody looked at it


def overriding(types: Iterable[type]) -> bool:
    """Tell whether objects that are no tensors want to decide what becomes of a torch function."""
    import torch

    return not all(issubclass(kind, torch.Tensor) for kind in types)


def hand_over(
    mode: Any, func: Any, types: tuple[type, ...], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Have the classes of its arguments decide what becomes of a torch function, as torch does.

    The mode that was handed it sees the functions that they call.
    """
    for kind in types:
        with mode:
            made = kind.__torch_function__(func, types, args, kwargs)  # type: ignore[attr-defined]
        if made is not NotImplemented:
            return made
    name = getattr(func, "__name__", func)
    raise TypeError(f"no implementation of '{name}' for arguments of {[*types]}")


# --- functions that do something else ---------------------------------------------------------


def copy_of(function: FunctionType) -> FunctionType:
    """A function of its own that does what a function does, whatever code that is given."""
    copy = FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def code_calling(instead: FunctionType, function: FunctionType) -> CodeType:
    """Code for a function, with the parameters that it has, which calls `instead` with them.

    Whoever compares the function, pickles it or asks for its signature notices nothing.
    """
    code = function.__code__
    names = list(code.co_varnames)
    plain = names[: code.co_argcount]
    only = names[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    rest = iter(names[code.co_argcount + code.co_kwonlyargcount :])
    parameters = plain.copy()
    if code.co_posonlyargcount:
        parameters.insert(code.co_posonlyargcount, "/")
    passed = plain.copy()
    if code.co_flags & inspect.CO_VARARGS:
        parameters.append(f"*{next(rest)}")
        passed.append(parameters[-1])
    elif only:
        parameters.append("*")
    parameters += only
    passed += [f"{name}={name}" for name in only]
    if code.co_flags & inspect.CO_VARKEYWORDS:
        parameters.append(f"**{next(rest)}")
        passed.append(parameters[-1])
    text = f"lambda {', '.join(parameters)}: {_INSTEAD!r}.__call__({', '.join(passed)})"
    if code.co_freevars:  # it has the same, and does nothing with them
        free = ", ".join(code.co_freevars)
        text = f"lambda {free}: {text} if True else ({free},)"
        made = next(c for c in eval(text).__code__.co_consts if isinstance(c, CodeType))
    else:
        made = eval(text).__code__
    return made.replace(
        co_consts=tuple(instead if const == _INSTEAD else const for const in made.co_consts),
        co_name=code.co_name,
        co_filename=instead.__code__.co_filename,
        co_firstlineno=instead.__code__.co_firstlineno,
    )


# --- one thread at a time -----------------------------------------------------------------------

_lock = threading.RLock()
_forking = threading.local()


def alone() -> threading.RLock:
    """The lock of whoever replaces anything. A derivation holds it from its start to its end."""
    return _lock


# What else is put back in a child that is forked while another thread derives.
in_a_child: list[Callable[[], None]] = []


def _before_fork() -> None:
    """Wait for a derivation in another thread, or until a child can do without its thread."""
    until = time.monotonic() + _PATIENCE
    while not (holds := _lock.acquire(timeout=_PAUSE)):
        if time.monotonic() > until or not any(map(_is_locking, sys._current_frames().values())):
            break
    _forking.holds = holds


def _is_locking(frame: FrameType | None) -> bool:
    """Tell whether a thread is in the midst of an import or of a question to z3."""
    while frame is not None:
        if str(frame.f_globals.get("__name__")).partition(".")[0] in _LOCKING:
            return True
        frame = frame.f_back
    return False


def _after_fork() -> None:
    if _forking.holds:
        _lock.release()


def _after_fork_in_child() -> None:
    global _lock
    if _forking.holds:
        _lock.release()
    else:  # it is held by a thread that there is not in the child
        _lock = threading.RLock()
        complete(restore, *in_a_child)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork,
        after_in_child=_after_fork_in_child,
    )
