"""Compute with shapes whose sizes may be symbols.

Comparing a symbol is a branch of the run, so these functions compare in the order in which they
are written, and no more than they need.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import torch

from symcount.trace.proxies import SymInt
from symcount.trace.stand_ins import is_symbol, specialised, unrolled

Size: TypeAlias = Any  # int or SymInt
Dims: TypeAlias = tuple[Size, ...]

# So many elements beside a symbol are too many at sizes that somebody may ask for.
_LARGE = 1 << 10


class SymSize(tuple[Size, ...]):
    """A shape with symbolic sizes; passes for a `torch.Size`."""

    __slots__ = ()

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return torch.Size

    def numel(self) -> Size:
        """Return the product of the sizes."""
        return product(self)

    def __getitem__(self, index: Any) -> Any:
        item = tuple.__getitem__(self, index)
        return SymSize(item) if isinstance(index, slice) else item

    def __add__(self, other: Any) -> Any:
        return SymSize((*self, *other))

    def __radd__(self, other: Any) -> Any:
        return SymSize((*other, *self))


class TorchRaises(Exception):
    """At the hints torch raises, so the operation has no result whose sizes could be worked out."""


def torch_requires(condition: bool) -> None:
    """Leave a rule unless a condition holds without which torch raises.

    If the condition compares symbols, that has made it a branch of the run.
    """
    if not condition:
        raise TorchRaises


def torch_may_require(condition: bool) -> None:
    """State a condition without which torch may raise: a branch, and torch decides on each side."""


def product(sizes: Sequence[Size]) -> Size:
    """Multiply sizes; the result is symbolic if one of them is."""
    result: Size = 1
    for size in sizes:
        result = result * size
    return result


def grows(sizes: Dims) -> bool:
    """Tell whether a tensor may be too large at sizes that somebody may ask for.

    Of a single hyper-parameter that would be 2**50 or more, unless it stands beside large numbers.
    """
    symbols = [size for size in sizes if type(size) is SymInt]
    others = math.prod(size for size in sizes if type(size) is int)
    is_plain = len(symbols) == 1 and symbols[0]._symcount_node.op == "symbol"
    return bool(symbols) and (not is_plain or others > _LARGE)


def ceil_div(a: Size, b: Size) -> Size:
    """Divide integers, and round up."""
    return -((-a) // b)


def is_symbolic(shape: Sequence[Size]) -> bool:
    """Tell whether one of the sizes is a symbol."""
    return any(type(size) is SymInt for size in shape)


def is_shape(value: Any) -> bool:
    """Tell whether a value is one shape, and not a sequence of several."""
    return type(value) is tuple and all(isinstance(size, int) for size in value)


def sizes_of(args: Sequence[Any]) -> Dims:
    """Return sizes that are given as one sequence or one by one."""
    if len(args) == 1 and not is_symbol(args[0]) and isinstance(args[0], Sequence):
        return tuple(args[0])
    return tuple(args)


def axis_of(dim: int, rank: int) -> int:
    """Return the axis that a dimension counted from the start or the end is."""
    torch_requires(-rank <= dim < rank)
    return dim % rank


def axes_of(dims: Any, rank: int) -> list[int]:
    """Return the axes of one dimension or of several."""
    return [axis_of(dim, rank) for dim in ([dims] if isinstance(dims, int) else dims)]


def replaced(shape: Dims, axis: int, *sizes: Size) -> Dims:
    """Return a shape with other sizes, or none, in the place of one."""
    return (*shape[:axis], *sizes, *shape[axis + 1 :])


def not_negative(*sizes: Size) -> bool:
    """Tell whether none of the sizes is negative."""
    return all(size >= 0 for size in sizes)


def all_positive(*sizes: Size) -> bool:
    """Tell whether each of the sizes is positive."""
    return all(size > 0 for size in sizes)


def same_sizes(shape: Sequence[Size], other: Sequence[Size]) -> bool:
    """Tell whether two shapes are equal."""
    return len(shape) == len(other) and all(a == b for a, b in zip(shape, other, strict=True))


def each(value: Any, axes: int) -> Dims:
    """Return an option of each axis, which is given once for all or for each."""
    if isinstance(value, int):
        return (value,) * axes
    torch_requires(isinstance(value, list | tuple | torch.Size) and len(value) in (1, axes))
    return tuple(value) * (axes // len(value))


def length_of(tensor: torch.Tensor, size: Size) -> Any:
    """Return how many elements are gone through: a list of rates has one for each iteration."""
    return specialised(size) if tensor.is_meta else unrolled(size)
