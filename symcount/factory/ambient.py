"""Save, restore and watch the state that a factory may disturb outside of itself.

`State` is about the state of the process and the thread: random number generators (Python's,
torch's and, if it is loaded, numpy's), torch's default dtype and device, the grad mode, the
function and dispatch modes of torch that are active, and the warnings filters.
`OutsideState` is about the globals and closure of the factory itself.
"""

from __future__ import annotations

import copy
import random
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import CodeType, FunctionType
from typing import Any

import torch
from torch.utils import _device
from torch.utils._device import DeviceContext

from symcount import interception
from symcount.interception import complete


def reseed(seed: int) -> None:
    """Seed every generator that is loaded; of torch, that of the processor."""
    random.seed(seed)
    torch.default_generator.manual_seed(seed)
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed(seed)


class _Generators:
    """The states of the generators of random numbers, as they are now."""

    def __init__(self) -> None:
        numpy_random: Any = sys.modules.get("numpy.random")
        self._python = random.getstate()
        self._torch = torch.get_rng_state()
        self._numpy = numpy_random.get_state() if numpy_random else None

    def have_changed(self) -> bool:
        if random.getstate() != self._python:
            return True
        if torch.get_rng_state().numpy().tobytes() != self._torch.numpy().tobytes():
            return True
        if self._numpy is None:
            return False
        now = sys.modules["numpy.random"].get_state()
        return bool(now[2] != self._numpy[2] or (now[1] != self._numpy[1]).any())

    def restore(self) -> None:
        random.setstate(self._python)
        torch.set_rng_state(self._torch)
        if self._numpy is not None:
            sys.modules["numpy.random"].set_state(self._numpy)


class _InThread:
    """Matches the text of each warning in one thread, and none in others."""

    def __init__(self) -> None:
        self.thread = threading.get_ident()

    def match(self, text: str) -> bool:
        return threading.get_ident() == self.thread


class State:
    """The ambient state as it is now, to be restored.

    Nothing is changed before `leave_to_factory`, and everything is as it was after `restore`, which
    can be called any number of times.
    """

    def __init__(self) -> None:
        self._generators = self._seeded = _Generators()
        self._dtype = torch.get_default_dtype()
        self._grad = torch.is_grad_enabled()
        self._device = _device_context()
        self._current_device = _device.CURRENT_DEVICE
        self._function_modes = _function_modes()
        self._dispatch_modes = _dispatch_modes()
        self._filters: Any = warnings.filters
        self._filters_before = list(warnings.filters)
        self._ignored: Any = ("ignore", _InThread(), Warning, None, 0)
        self._is_left = False

    def leave_to_factory(self) -> None:
        """Ignore warnings in this thread, unless they are shown, and leave the caller's modes.

        Generators of random numbers are seeded: a factory that draws some always draws the same.
        Modes that set a device stay: a factory may ask for it, or set another.
        """
        global _outermost  # lest a child waits for what this thread restores
        if _outermost is None or not _outermost._is_left:
            _outermost = self
        self._is_left = True
        reseed(0)
        self._seeded = _Generators()
        if not _showing_warnings:
            self._filters.insert(0, self._ignored)
        _set_dispatch_modes([])
        _set_function_modes([m for m in self._function_modes if isinstance(m, DeviceContext)])

    def drew_random_numbers(self) -> bool:
        """Tell whether random numbers have been drawn since."""
        return self._seeded.have_changed()

    def restore(self) -> None:
        """Make everything as it was."""
        if self._is_left:
            complete(
                self.restore_process,
                self._restore_defaults,
                lambda: _set_function_modes(self._function_modes),
                lambda: _set_dispatch_modes(self._dispatch_modes),
            )
            self._is_left = False

    def restore_process(self) -> None:
        """Make as it was what all threads share."""
        complete(self._generators.restore, self._restore_dtype, self._restore_filters)

    def _restore_dtype(self) -> None:
        if torch.get_default_dtype() is not self._dtype:
            torch.set_default_dtype(self._dtype)

    def _restore_defaults(self) -> None:
        if torch.is_grad_enabled() != self._grad:
            torch.set_grad_enabled(self._grad)
        if _device_context() is not self._device:
            torch._GLOBAL_DEVICE_CONTEXT.device_context = self._device
        _device.CURRENT_DEVICE = self._current_device

    def _restore_filters(self) -> None:
        ours = warnings.filters is self._filters and self._ignored in self._filters
        if ours and [f for f in self._filters if f is not self._ignored] == self._filters_before:
            self._filters.remove(self._ignored)  # warnings have been seen as often as before
            return
        self._filters[:] = self._filters_before
        warnings.filters = self._filters
        with warnings.catch_warnings():
            pass  # lets the warnings module know


_showing_warnings = False


@contextmanager
def showing_warnings() -> Iterator[None]:
    """Show what factories warn of, at each of the many sizes that a derivation calls them at."""
    global _showing_warnings
    before, _showing_warnings = _showing_warnings, True
    try:
        yield
    finally:
        _showing_warnings = before


# The state of before the derivation that is going on, or of the latest.
_outermost: State | None = None


def _restore_in_a_child() -> None:
    """Restore what the thread that derives has left to a factory, and is not in this process."""
    if _outermost is not None and _outermost._is_left:
        _outermost.restore_process()


interception.in_a_child.append(_restore_in_a_child)


def _device_context() -> Any:
    """Return the context that `torch.set_default_device` has entered, if any."""
    return getattr(getattr(torch, "_GLOBAL_DEVICE_CONTEXT", None), "device_context", None)


def _function_modes() -> list[Any]:
    """The torch function modes that are active in this thread, the outermost first."""
    length: int = torch._C._len_torch_function_stack()
    return [torch._C._get_function_stack_at(place) for place in range(length)]


def _set_function_modes(modes: Sequence[Any]) -> None:
    """Have these modes active and no others."""
    if list(map(id, _function_modes())) == list(map(id, modes)):
        return
    while torch._C._len_torch_function_stack():
        torch._C._pop_torch_function_stack()
    for mode in modes:
        torch._C._push_on_torch_function_stack(mode)


def _dispatch_modes() -> list[Any]:
    """The same of torch dispatch modes."""
    length: int = torch._C._len_torch_dispatch_stack()
    return [torch._C._get_dispatch_stack_at(place) for place in range(length)]


def _set_dispatch_modes(modes: Sequence[Any]) -> None:
    """The same of torch dispatch modes."""
    if list(map(id, _dispatch_modes())) == list(map(id, modes)):
        return
    while torch._C._len_torch_dispatch_stack():
        torch._C._pop_torch_dispatch_stack(None)
    for mode in modes:
        torch._C._push_on_torch_dispatch_stack(mode)


_missing = object()


class OutsideState:
    """The globals and closure variables that a function mentions, as they are now.

    So are the globals that functions of its module mention which it leads to.
    Values are compared by identity; lists, dicts and sets by the identity of what they hold.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        code = getattr(function, "__code__", None)
        self._globals: dict[str, Any] = getattr(function, "__globals__", {})
        names = _names_read(function, self._globals)
        self._values = {name: self._globals[name] for name in names}
        cells = getattr(function, "__closure__", None) or ()
        closure = zip(code.co_freevars if code else (), cells, strict=False)
        attributes = [
            (name, vars(value))
            for name, value in (
                (getattr(function, "__name__", ""), function),
                *self._values.items(),
            )
            if isinstance(value, FunctionType)
        ]
        self._containers = {
            name: (value, copy.copy(value))
            for name, value in (*self._values.items(), *_contents(closure), *attributes)
            if type(value) in (list, dict, set)
        }

    def changes(self) -> list[str]:
        """List the names of what has changed since."""
        changed = [n for n, v in self._values.items() if self._globals.get(n, _missing) is not v]
        changed += [n for n, (now, then) in self._containers.items() if _items(now) != _items(then)]
        return list(dict.fromkeys(changed))

    def put_back(self, lists: bool = False) -> None:
        """Put everything back as it was: a call does not see what one before it has left.

        A list may be a log that somebody is to read, and is only put back if asked for.
        """
        if self.changes():
            self._globals.update(self._values)
            for now, then in self._containers.values():
                if lists or type(now) is not list:
                    _refill(now, then)

    @contextmanager
    def as_before(self) -> Iterator[None]:
        """Put everything back as it was; on exit, as it has become."""
        became = {name: self._globals.get(name, _missing) for name in self._values}
        contents = [(now, copy.copy(now)) for now, _ in self._containers.values()]
        try:
            self.put_back(lists=True)
            yield
        finally:
            for name, value in became.items():
                if value is not _missing:
                    self._globals[name] = value
            for now, then in contents:
                _refill(now, then)


def _names_read(function: Any, names: dict[str, Any]) -> list[str]:
    """List the globals that a function mentions, and those of its module that it leads to."""
    waiting, found = [function], dict[str, None]()
    for each in waiting:
        for code in _codes(getattr(each, "__code__", None)):
            new = [n for n in code.co_names if n in names and n not in found]
            found.update(dict.fromkeys(new))
            waiting += [f for f in map(names.get, new) if getattr(f, "__globals__", 0) is names]
    return list(found)


def _codes(code: Any) -> Iterator[CodeType]:
    """Yield a code object and those that are nested in it."""
    if isinstance(code, CodeType):
        yield code
        for const in code.co_consts:
            yield from _codes(const)


def _contents(cells: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    for name, cell in cells:
        with suppress(ValueError):  # a cell that is still empty
            yield name, cell.cell_contents


def _items(container: Any) -> Any:
    if isinstance(container, dict):
        return [(id(k), id(v)) for k, v in container.items()]
    return [id(item) for item in container]


def _refill(container: Any, contents: Any) -> None:
    container.clear()
    if isinstance(container, list):
        container.extend(contents)
    else:
        container.update(contents)
