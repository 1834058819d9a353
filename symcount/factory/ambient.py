"""Save, restore and watch the state that a factory may disturb outside of itself.

`restored` is about the state of the process: random number generators (Python's, torch's and, if
it is loaded, numpy's), torch's default dtype and device, the grad mode and the warnings filters.
`OutsideState` is about the globals and closure of the factory itself.
"""

from __future__ import annotations

import copy
import random
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import torch


def reseed(seed: int) -> None:
    """Seed every generator that is loaded."""
    random.seed(seed)
    torch.manual_seed(seed)
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed(seed)


@contextmanager
def restored() -> Iterator[Callable[[], bool]]:
    """Restore the ambient state on exit, and ignore warnings until then.

    The yielded function tells whether random numbers have been drawn.
    """
    numpy_random: Any = sys.modules.get("numpy.random")
    generators = random.getstate(), torch.get_rng_state()
    numpy_state = numpy_random.get_state() if numpy_random else None
    dtype, grad, device = torch.get_default_dtype(), torch.is_grad_enabled(), _device_context()

    def drew() -> bool:
        if random.getstate() != generators[0]:
            return True
        if not torch.equal(torch.get_rng_state(), generators[1]):
            return True
        if numpy_state is None:
            return False
        now = numpy_random.get_state()
        return bool(now[2] != numpy_state[2] or (now[1] != numpy_state[1]).any())

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield drew
    finally:
        random.setstate(generators[0])
        torch.set_rng_state(generators[1])
        if numpy_state is not None:
            numpy_random.set_state(numpy_state)
        if torch.get_default_dtype() is not dtype:
            torch.set_default_dtype(dtype)
        if torch.is_grad_enabled() != grad:
            torch.set_grad_enabled(grad)
        if _device_context() is not device:
            torch.set_default_device(None if device is None else device.device)


def _device_context() -> Any:
    """Return the context that `torch.set_default_device` has entered, if any."""
    return getattr(getattr(torch, "_GLOBAL_DEVICE_CONTEXT", None), "device_context", None)


_missing = object()


class OutsideState:
    """The globals and closure variables that a function mentions, as they are now.

    Values are compared by identity; lists, dicts and sets by the identity of what they hold.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        code = getattr(function, "__code__", None)
        self._globals: dict[str, Any] = getattr(function, "__globals__", {})
        names = () if code is None else (n for n in code.co_names if n in self._globals)
        self._values = {name: self._globals[name] for name in names}
        cells = getattr(function, "__closure__", None) or ()
        closure = zip(code.co_freevars if code else (), cells, strict=False)
        self._containers = {
            name: (value, copy.copy(value))
            for name, value in (*self._values.items(), *_contents(closure))
            if type(value) in (list, dict, set)
        }

    def changes(self) -> list[str]:
        """List the names of what has changed since."""
        changed = [n for n, v in self._values.items() if self._globals.get(n, _missing) is not v]
        changed += [n for n, (now, then) in self._containers.items() if _items(now) != _items(then)]
        return list(dict.fromkeys(changed))

    @contextmanager
    def as_before(self) -> Iterator[None]:
        """Put everything back as it was; on exit, as it has become."""
        became = {name: self._globals.get(name, _missing) for name in self._values}
        contents = [(now, copy.copy(now)) for now, _ in self._containers.values()]
        try:
            self._globals.update(self._values)
            for now, then in self._containers.values():
                _refill(now, then)
            yield
        finally:
            for name, value in became.items():
                if value is not _missing:
                    self._globals[name] = value
            for now, then in contents:
                _refill(now, then)


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
