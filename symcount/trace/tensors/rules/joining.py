"""Rules of operations that join tensors, or split one into several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from symcount.trace.stand_ins import specialised
from symcount.trace.tensors.registering import Rules, TorchCall
from symcount.trace.tensors.rules.reshaping import at_least_three_axes, at_least_two_axes
from symcount.trace.tensors.sizes import (
    Dims,
    Size,
    axis_of,
    ceil_div,
    is_shape,
    length_of,
    product,
    replaced,
    same_sizes,
    torch_requires,
)

RULES = Rules()


def _joined(shapes: Sequence[Dims], axis: int) -> Dims:
    """Return the sizes of tensors put together along an axis."""
    first, *others = shapes
    for shape in others:
        torch_requires(same_sizes(replaced(first, axis), replaced(shape, axis)))
    return replaced(first, axis, sum((shape[axis] for shape in others), first[axis]))


@RULES.shape_rule(torch.cat, torch.concat, torch.concatenate)
def _cat(tensors: Any, dim: int = 0) -> Dims:
    shapes = [shape for shape in tensors if shape != (0,)] or [(0,)]
    return _joined(shapes, axis_of(dim, len(shapes[0])))


@RULES.shape_rule(torch.stack)
def _stack(tensors: Any, dim: int = 0) -> Dims:
    first, *others = tensors
    for shape in others:
        torch_requires(same_sizes(first, shape))
    axis = axis_of(dim, len(first) + 1)
    return (*first[:axis], len(tensors), *first[axis:])


@RULES.shape_rule("hstack")
def _hstack(tensors: Any) -> Dims:
    return _joined([shape or (1,) for shape in tensors], 1 if len(tensors[0]) > 1 else 0)


@RULES.shape_rule("vstack", "row_stack")
def _vstack(tensors: Any) -> Dims:
    return _joined([at_least_two_axes(shape) for shape in tensors], 0)


@RULES.shape_rule("dstack")
def _dstack(tensors: Any) -> Dims:
    return _joined([at_least_three_axes(shape) for shape in tensors], 2)


@RULES.shape_rule("column_stack")
def _column_stack(tensors: Any) -> Dims:
    return _joined([(product(s), 1) if len(s) < 2 else s for s in tensors], 1)


@RULES.shape_rule(torch.functional.cartesian_prod)
def _cartesian_prod(*tensors: Any) -> Dims:
    torch_requires(all(len(shape) == 1 for shape in tensors))
    sizes = [product(shape) for shape in tensors]
    return (product(sizes), len(sizes)) if len(sizes) > 1 else tuple(sizes)


@RULES.shape_rule(torch.functional.block_diag)
def _block_diag(*tensors: Any) -> Dims:
    blocks = [at_least_two_axes(shape) for shape in tensors]
    torch_requires(all(len(block) == 2 for block in blocks))
    return sum(b[0] for b in blocks), sum(b[1] for b in blocks)


@RULES.shape_rule(torch.functional.meshgrid)
def _meshgrid(*tensors: Any, indexing: str | None = None) -> Dims:
    shapes = tensors if is_shape(tensors[0]) else tensors[0]
    sizes = [product(shape) for shape in shapes]
    if indexing == "xy" and len(sizes) > 1:
        sizes[0], sizes[1] = sizes[1], sizes[0]
    return tuple(sizes)


# --- splitting --------------------------------------------------------------------------------


def _equal_lengths(total: Size, size: Size) -> Callable[[int], Sequence[Size]]:
    """Return the lengths of pieces of one size, the last of what is left; however many."""

    def lengths(count: int) -> Sequence[Size]:
        if total == 0:
            return [0] * count
        specialised(ceil_div(total, size))
        return [size] * (count - 1) + [total - size * (count - 1)]

    return lengths


def _pieces(call: TorchCall, dim: int, lengths: Callable[[int], Sequence[Size]]) -> Any:
    """Split a tensor along `dim`; `lengths` takes the number of pieces."""
    out = call.real()
    shape = call.shape()
    axis = axis_of(dim, len(shape))
    return call.know(out, [replaced(shape, axis, size) for size in lengths(len(out))])


@RULES.rule("split", "split_with_sizes", torch.functional.split, asks_for_sizes=True)
def _split(call: TorchCall) -> Any:
    tensor, *rest = call.args
    given = dict(zip(("split_size", "dim"), rest, strict=False)) | call.kwargs
    size = next(given[k] for k in given if k.startswith("split_size"))
    dim = given.get("dim", 0)
    call = TorchCall(call.mode, torch.Tensor.split, (tensor, size, dim), {})
    total = call.shape()[dim]
    if isinstance(size, int):
        torch_requires(size >= 1 or total == 0)
        return _pieces(call, dim, _equal_lengths(total, size))
    torch_requires(sum(size) == total)
    return _pieces(call, dim, lambda count: size)


@RULES.rule("chunk", asks_for_sizes=True)
def _chunk(call: TorchCall) -> Any:
    chunks, dim = specialised(call.argument(1, "chunks")), call.argument(2, "dim", 0)
    call = TorchCall(call.mode, torch.Tensor.chunk, (call.tensor, chunks, dim), {})
    total = call.shape()[dim]
    return _pieces(call, dim, _equal_lengths(total, ceil_div(total, chunks) if total != 0 else 0))


@RULES.rule("unbind", "__iter__", asks_for_sizes=True)
def _unbind(call: TorchCall) -> Any:
    shape, dim = call.shape(), call.argument(1, "dim", 0)
    length_of(call.tensor, shape[dim])
    unbound = TorchCall(call.mode, torch.Tensor.unbind, (call.tensor, dim), {})
    pieces = unbound.result(replaced(shape, axis_of(dim, len(shape))))
    return iter(pieces) if call.name == "__iter__" else pieces
