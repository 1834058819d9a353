"""Bound the memory that a plain build takes for tensors with values.

Small tensors whose values a constructor may read back are made on the CPU, and so is what is
computed from them: a product of two, or copies of one, may take gigabytes. So each build has room
for so many bytes. A result that there is no room for is described on the meta device. If torch
raises after that, as where a value of such a tensor is read, no module can be built there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy
import torch

# What the results of one build may take in all.
_MOST_BYTES = 1 << 28
# What is made of fewer numbers than this is small, even if it is as large as their square.
_MANY = 1 << 10


class Room:
    """The room that a build has for tensors with values, and whether one of these was missed."""

    def __init__(self) -> None:
        self.left = _MOST_BYTES
        self.is_spent = False
        self.is_missed = False

    def call(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run an operation, on the meta device if there is no room for what it makes."""
        given: list[torch.Tensor] = []
        for value in (*args, *kwargs.values()) if kwargs else args:
            if isinstance(value, torch.Tensor):
                given.append(value)
            elif isinstance(value, tuple | list | dict):
                given += tensors_in(value)
        given = [tensor for tensor in given if not tensor.is_meta]
        if not (given or kwargs.get("device") == "cpu") or _writes_or_asks(func, kwargs):
            return func(*args, **kwargs)
        if self.left <= 0 or _may_be_large((args, kwargs)):
            described, needed = _described(func, args, kwargs)
            if needed > self.left:
                self.is_spent = True
                return described
        out = func(*args, **kwargs)
        self.left -= _bytes_of_new(out, given)
        return out

    def require_values(self) -> None:
        """Raise MemoryError if a value was read that there was no room for."""
        if self.is_missed:
            raise MemoryError("a tensor whose values are read is too large to be kept")


def _writes_or_asks(func: Any, kwargs: dict[str, Any]) -> bool:
    """Tell whether a function writes to a tensor that there is, or reads a property of it."""
    name = str(getattr(func, "__name__", ""))
    in_place = name.endswith("_") and not name.endswith("__")
    return in_place or "out" in kwargs or name.startswith(("__i", "__set", "__get__"))


def _may_be_large(given: Any) -> bool:
    """Tell whether a result may be large, as the product of all sizes and numbers given is."""
    product = 1.0
    for item in _leaves(given):
        if isinstance(item, torch.Tensor | numpy.ndarray):
            product *= max(math.prod(item.shape), 1)
        elif type(item) in (int, float):
            product *= max(abs(item), 1)
    return product >= _MANY


def _described(
    func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, int]:
    """Return what an operation makes on the meta device, and the bytes that it takes elsewhere.

    What depends on values cannot be told before, and takes none.
    """
    given, named = on_meta(args), on_meta(kwargs)
    try:
        out = func(*given, **named)
        return out, _bytes_of_new(out, tensors_in((given, named)))
    except Exception:
        return None, 0


def _bytes_of_new(made: Any, made_of: Any) -> int:
    """Return the bytes of tensors that are no views of others."""
    known = {t.untyped_storage()._cdata for t in made_of if t.layout is torch.strided}
    storages = [t.untyped_storage() for t in tensors_in(made) if t.layout is torch.strided]
    return sum(storage.nbytes() for storage in storages if storage._cdata not in known)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple | list):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, dict):
        yield from _leaves(list(value.values()))
    else:
        yield value


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """Yield the tensors in the arguments or the results of a call."""
    return (item for item in _leaves(value) if isinstance(item, torch.Tensor))


def on_meta(value: Any) -> Any:
    """Return arguments of a call with all that they hold on the meta device."""
    if isinstance(value, torch.Tensor):
        if value.layout is torch.strided and not value.is_contiguous():  # a copy may be one
            return value.new_empty_strided(value.size(), value.stride(), device="meta")
        return value.to("meta")
    if type(value) in (tuple, list):
        return type(value)(map(on_meta, value))
    if isinstance(value, dict):
        return {k: "meta" if k == "device" else on_meta(v) for k, v in value.items()}
    return value
