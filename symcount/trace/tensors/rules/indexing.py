"""Rules of operations that select elements of a tensor: by index, slice, or value."""

from __future__ import annotations

from typing import Any

import torch

from symcount.trace.stand_ins import apply_to_pair
from symcount.trace.tensors.calls import leaves
from symcount.trace.tensors.registering import Rules, TorchCall
from symcount.trace.tensors.rules.broadcasting import fits_into
from symcount.trace.tensors.sizes import (
    Dims,
    Size,
    axis_of,
    ceil_div,
    is_shape,
    product,
    replaced,
    torch_requires,
)

RULES = Rules()


@RULES.shape_rule("narrow")
def _narrow(input: Dims, dim: int, start: Any, length: Size) -> Dims | None:
    if isinstance(start, tuple):  # a tensor, whose value it is
        return None
    axis = axis_of(dim, len(input))
    first = start if start >= 0 else input[axis] + start
    torch_requires(length >= 0 and first >= 0 and first + length <= input[axis])
    return replaced(input, axis, length)


@RULES.shape_rule("select")
def _select(input: Dims, dim: int, index: Any) -> Dims:
    axis = axis_of(dim, len(input))
    _require_within(index, input[axis])
    return replaced(input, axis)


def _require_within(index: Any, size: Size) -> None:
    torch_requires(size > index if index >= 0 else size >= -index)


def _slice_length(size: Size, item: slice) -> Size:
    def clamp(bound: Any, default: Any) -> Any:
        if bound is None:
            return default
        if bound < 0:
            return apply_to_pair("max", size + bound, 0)
        return apply_to_pair("min", bound, size)

    length = clamp(item.stop, size) - clamp(item.start, 0)
    step = 1 if item.step is None else item.step
    length = length if type(step) is int and step == 1 else ceil_div(length, step)
    return apply_to_pair("max", length, 0)


def _indexed(shape: Dims, index: Any) -> Dims | None:
    """Return the sizes of `tensor[index]`; None where they depend on values."""
    items = list(index) if isinstance(index, tuple) else [index]
    consumed = sum(1 for i in items if i is not None and i is not Ellipsis)
    if any(isinstance(i, list | bool) for i in items):
        return None
    if any(isinstance(leaf, torch.Tensor) for leaf in leaves(items)):
        return None
    if not any(i is Ellipsis for i in items):
        items.append(Ellipsis)
    result: list[Size] = []
    axis = 0
    for item in items:
        if item is None:
            result.append(1)
        elif item is Ellipsis:
            rest = len(shape) - consumed
            result.extend(shape[axis : axis + rest])
            axis += rest
        elif isinstance(item, slice):
            result.append(_slice_length(shape[axis], item))
            axis += 1
        else:
            _require_within(item, shape[axis])
            axis += 1
    return tuple(result)


@RULES.rule("__getitem__")
def _getitem(call: TorchCall) -> Any:
    if not call.has_symbols():
        return call.without_rule()
    return call.result(_indexed(call.shape(), call.args[1]))


@RULES.rule("__setitem__")
def _setitem(call: TorchCall) -> Any:
    _, index, value = call.args
    if call.has_symbols():
        shape = _indexed(call.shape(), index)
        if shape is not None and isinstance(value, torch.Tensor):
            torch_requires(fits_into(call.mode.shape(value), shape))
    call.real()
    if call.mode.tainted(call.args[1:], {}):
        call.mode.taint(call.tensor)


@RULES.shape_rule("gather")
def _gather(input: Dims, dim: int, index: Dims, *, sparse_grad: bool = False) -> Dims:
    axis = axis_of(dim, len(input))
    torch_requires(len(index) == len(input))
    others = zip(replaced(index, axis), replaced(input, axis), strict=True)
    torch_requires(all(have <= size for have, size in others))
    return index


@RULES.shape_rule("index_select")
def _index_select(input: Dims, dim: int, index: Dims) -> Dims:
    torch_requires(len(index) <= 1)
    return replaced(input, axis_of(dim, len(input)), product(index))


@RULES.shape_rule("take")
def _take(input: Dims, index: Dims) -> Dims:
    return index


@RULES.shape_rule("bucketize", "isin")
def _of_first(input: Any, *others: Any, **options: Any) -> Dims | None:
    return input if is_shape(input) else None


@RULES.shape_rule("searchsorted")
def _of_second(sorted_sequence: Dims, input: Any, **options: Any) -> Dims | None:
    return input if len(sorted_sequence) == 1 and is_shape(input) else None


@RULES.shape_rule("topk")
def _topk(input: Dims, k: Size, dim: int = -1, largest: bool = True, sorted: bool = True) -> Dims:
    axis = axis_of(dim, len(input))
    torch_requires(k >= 0 and k <= input[axis])
    return replaced(input, axis, k)


@RULES.shape_rule("multinomial")
def _multinomial(
    input: Dims, num_samples: Size, replacement: bool = False, *, generator: Any = None
) -> Dims:
    torch_requires(len(input) > 0 and num_samples > 0)
    torch_requires(replacement or num_samples <= input[-1])
    return (*input[:-1], num_samples)


@RULES.shape_rule("diff")
def _diff(input: Dims, n: int = 1, dim: int = -1) -> Dims:
    axis = axis_of(dim, len(input))
    torch_requires(n >= 0)
    return replaced(input, axis, apply_to_pair("max", input[axis] - n, 0))
