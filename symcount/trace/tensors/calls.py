"""Take the calls of torch functions apart: their names, and what they are given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from symcount.trace.proxies import hint
from symcount.trace.stand_ins import is_symbol
from symcount.trace.tensors.sizes import SymSize

# results of these are numbers that do not depend on sizes
SIZELESS = frozenset(
    "dim ndim ndimension element_size itemsize _version get_device output_nr __hash__ "
    "dense_dim sparse_dim".split()
)
# names that end like in-place operations but change a shape
_RESHAPING = frozenset(
    "resize_ resize_as_ set_ t_ transpose_ swapdims_ swapaxes_ squeeze_ unsqueeze_ as_strided_ "
    "detach_ requires_grad_ rename_ share_memory_ data_ retain_grad_".split()
)
_IN_PLACE = frozenset(
    "__iadd__ __isub__ __imul__ __idiv__ __itruediv__ __ifloordiv__ __imod__ __ipow__ "
    "__iand__ __ior__ __ixor__".split()
)


def name_of(func: Any) -> str:
    """Return the name of a function, or of the property that it reads or sets."""
    name = getattr(func, "__name__", None) or str(func)
    if name in ("__get__", "__set__"):
        name = getattr(getattr(func, "__self__", None), "__name__", name)
    return str(name)


def in_place(name: str) -> bool:
    """Tell whether a function writes to its first argument, and leaves the shape of that."""
    if name.startswith("__i") and name.endswith("__"):
        return name in _IN_PLACE
    return name.endswith("_") and not name.endswith("__") and name not in _RESHAPING


def writes(name: str, kwargs: dict[str, Any]) -> bool:
    """Tell whether a function writes values to a tensor that there is."""
    return name == "__setitem__" or kwargs.get("out") is not None or in_place(name)


def first_argument(args: tuple[Any, ...], kwargs: dict[str, Any], name: str = "input") -> Any:
    """Return the first argument of a call, which may be given by its name."""
    if args:
        return args[0]
    return kwargs[name] if name in kwargs else next(iter(kwargs.values()), None)


def leaves(value: Any) -> Iterator[Any]:
    """Yield the symbols, tensors and other values inside the arguments of a call."""
    kind = type(value)
    if isinstance(value, tuple | list):  # named tuples of torch.return_types too
        for item in value:
            yield from leaves(item)
    elif kind is dict:
        for item in value.values():
            yield from leaves(item)
    elif kind is slice:
        yield from (value.start, value.stop, value.step)
    else:
        yield value


def plain(value: Any) -> Any:
    """Return `value` with the hint in the place of each symbol."""
    if is_symbol(value):
        return hint(value)
    kind = type(value)
    if kind is tuple or kind is SymSize:
        return tuple(map(plain, value))
    if kind is list:
        return list(map(plain, value))
    if kind is dict:
        return {k: plain(v) for k, v in value.items()}
    if kind is slice:
        return slice(plain(value.start), plain(value.stop), plain(value.step))
    return value


def getter(name: str) -> Any:
    """Return the function that a mode sees when a property of a tensor is read."""
    return getattr(torch.Tensor, name).__get__


def setter(name: str) -> Any:
    """Return the function that a mode sees when a property of a tensor is set."""
    return getattr(torch.Tensor, name).__set__
