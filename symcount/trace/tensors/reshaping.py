"""Rules of operations that put the elements of a tensor in another shape or order."""

from __future__ import annotations

from typing import Any

import torch

from symcount.trace.builtins import apply_to_pair
from symcount.trace.tensors.calls import getter
from symcount.trace.tensors.rules import Call, Rules
from symcount.trace.tensors.sizes import (
    Dims,
    Size,
    axes_of,
    axis_of,
    is_shape,
    product,
    replaced,
    sizes_of,
    torch_requires,
)

RULES = Rules()


def _reshaped(shape: Dims, sizes: Dims) -> Dims:
    """Return the sizes that are asked for, with the one that is left open worked out."""
    total = product(shape)
    is_open = [type(s) is int and s == -1 for s in sizes]
    if not any(is_open):
        torch_requires(product(sizes) == total)
        return sizes
    rest = product([s for s, its_open in zip(sizes, is_open, strict=True) if not its_open])
    if total % rest != 0:
        return sizes  # torch raises
    return tuple(
        total // rest if its_open else s for s, its_open in zip(sizes, is_open, strict=True)
    )


@RULES.shape_rule("view", "reshape")
def _view(shape: Dims, *sizes: Any, **named: Any) -> Dims | None:
    given = (*sizes, *named.values())
    if len(given) == 1 and isinstance(given[0], torch.dtype):
        return None
    return _reshaped(shape, sizes_of(given))


@RULES.rule("view_as", "reshape_as")
def _view_as(call: Call) -> Any:
    shape = call.shape(1)
    return call.result(_reshaped(call.shape(), shape))


@RULES.shape_rule("flatten")
def _flatten(shape: Dims, start_dim: int = 0, end_dim: int = -1) -> Dims:
    if not shape:
        return (1,)
    start, end = axes_of((start_dim, end_dim), len(shape))
    return (*shape[:start], product(shape[start : end + 1]), *shape[end + 1 :])


@RULES.shape_rule("ravel")
def _ravel(shape: Dims) -> Dims:
    return (product(shape),)


@RULES.shape_rule("unflatten")
def _unflatten(shape: Dims, dim: int, sizes: Any) -> Dims:
    dim %= len(shape)
    return replaced(shape, dim, *_reshaped(shape[dim : dim + 1], tuple(sizes)))


@RULES.shape_rule("unsqueeze", "unsqueeze_")
def _unsqueeze(shape: Dims, dim: int) -> Dims:
    dim %= len(shape) + 1
    return (*shape[:dim], 1, *shape[dim:])


@RULES.shape_rule("squeeze", "squeeze_")
def _squeeze(shape: Dims, dim: Any = None) -> Dims:
    gone = axes_of(range(len(shape)) if dim is None else dim, len(shape))
    return tuple(s for axis, s in enumerate(shape) if not (axis in gone and s == 1))


@RULES.shape_rule("transpose", "swapaxes", "swapdims", "transpose_", "swapaxes_", "swapdims_")
def _transpose(shape: Dims, dim0: int, dim1: int) -> Dims:
    sizes = list(shape)
    sizes[dim0], sizes[dim1] = sizes[dim1], sizes[dim0]
    return tuple(sizes)


@RULES.shape_rule("t", "t_", getter("T"), getter("H"))
def _t(shape: Dims) -> Dims:
    return shape[::-1]


@RULES.shape_rule(getter("mT"), getter("mH"), "adjoint")
def _m_t(shape: Dims) -> Dims:
    return (*shape[:-2], shape[-1], shape[-2])


@RULES.shape_rule("permute")
def _permute(shape: Dims, *dims: Any) -> Dims:
    return tuple(shape[d] for d in sizes_of(dims))


@RULES.shape_rule("movedim", "moveaxis")
def _movedim(shape: Dims, source: Any, destination: Any) -> Dims:
    sources, targets = axes_of(source, len(shape)), axes_of(destination, len(shape))
    order = [axis for axis in range(len(shape)) if axis not in sources]
    for target, origin in sorted(zip(targets, sources, strict=True)):
        order.insert(target, origin)
    return tuple(shape[axis] for axis in order)


@RULES.call_rule("rot90")
def _rot90(input: Dims, k: int = 1, dims: Any = (0, 1)) -> Dims | None:
    first, second = (axis_of(dim, len(input)) for dim in dims)
    if first is None or second is None or first == second:
        return None
    order = {first: second, second: first} if k % 2 else {}
    return tuple(input[order.get(axis, axis)] for axis in range(len(input)))


@RULES.shape_rule("repeat", "tile")
def _repeat(shape: Dims, *repeats: Any, **named: Any) -> Dims:
    times = sizes_of((*repeats, *named.values()))
    rank = max(len(shape), len(times))
    shape = (*(1,) * (rank - len(shape)), *shape)
    times = (*(1,) * (rank - len(times)), *times)
    return tuple(s * t for s, t in zip(shape, times, strict=True))


@RULES.shape_rule("repeat_interleave")
def _repeat_interleave(shape: Dims, repeats: Any, dim: int | None = None) -> Dims | None:
    if not isinstance(repeats, int):
        return None
    if dim is None:
        return (product(shape) * repeats,)
    dim %= len(shape)
    return replaced(shape, dim, shape[dim] * repeats)


@RULES.shape_rule("pad", "constant_pad_nd")
def _pad(shape: Dims, pad: Any, mode: Any = "constant", value: Any = None) -> Dims | None:
    sizes = list(shape)
    if len(pad) % 2 or len(pad) // 2 > len(sizes):
        return None
    for axis in range(len(pad) // 2):
        before, after, size = pad[2 * axis], pad[2 * axis + 1], sizes[-1 - axis]
        if not _can_be_padded(size, before, after, mode):
            return None  # torch raises
        sizes[-1 - axis] = size + before + after
    return tuple(sizes)


def _can_be_padded(size: Size, before: Size, after: Size, mode: Any) -> bool:
    if mode in ("reflect", "circular", "replicate"):
        if not (before >= 0 and after >= 0):
            return False
        most = size - 1 if mode == "reflect" else size
        return bool(size > 0 if mode == "replicate" else before <= most and after <= most)
    cut = apply_to_pair("min", before, 0) + apply_to_pair("min", after, 0)
    return bool(size + cut >= 0)


@RULES.call_rule("unfold")
def _unfold(input: Dims, dimension: int, size: Size, step: Size) -> Dims | None:
    axis = axis_of(dimension, len(input))
    if axis is None or not (size >= 0 and size <= input[axis] and step > 0):
        return None
    return (*replaced(input, axis, (input[axis] - size) // step + 1), size)


@RULES.call_rule("view_as_real")
def _view_as_real(input: Dims) -> Dims:
    return (*input, 2)


@RULES.call_rule("view_as_complex")
def _view_as_complex(input: Dims) -> Dims | None:
    return input[:-1] if input and input[-1] == 2 else None


def at_least_two_axes(shape: Dims) -> Dims:
    """Return a shape as `atleast_2d` has it."""
    return shape if len(shape) > 1 else (1, product(shape))


def at_least_three_axes(shape: Dims) -> Dims:
    """Return a shape as `atleast_3d` has it."""
    return shape if len(shape) > 2 else (*shape, 1) if len(shape) == 2 else (1, product(shape), 1)


@RULES.call_rule(torch.functional.atleast_1d)
def _atleast_1d(input: Any) -> Dims | None:
    return (input or (1,)) if is_shape(input) else None


@RULES.call_rule(torch.functional.atleast_2d)
def _atleast_2d(input: Any) -> Dims | None:
    return at_least_two_axes(input) if is_shape(input) else None


@RULES.call_rule(torch.functional.atleast_3d)
def _atleast_3d(input: Any) -> Dims | None:
    return at_least_three_axes(input) if is_shape(input) else None


# --- diagonals --------------------------------------------------------------------------------


def _length_of_diagonal(rows: Size, columns: Size, offset: Size) -> Size:
    if offset >= 0:
        return apply_to_pair("max", apply_to_pair("min", rows, columns - offset), 0)
    return apply_to_pair("max", apply_to_pair("min", rows + offset, columns), 0)


@RULES.call_rule("diagonal", "linalg_diagonal")
def _diagonal(input: Dims, offset: Size = 0, dim1: int = 0, dim2: int = 1) -> Dims | None:
    first, second = axis_of(dim1, len(input)), axis_of(dim2, len(input))
    if first is None or second is None or first == second:
        return None
    rest = (s for axis, s in enumerate(input) if axis not in (first, second))
    return (*rest, _length_of_diagonal(input[first], input[second], offset))


@RULES.call_rule("diag")
def _diag(input: Dims, diagonal: Size = 0) -> Dims | None:
    if len(input) == 1:
        return (input[0] + abs(diagonal),) * 2
    return (_length_of_diagonal(*input, diagonal),) if len(input) == 2 else None


@RULES.call_rule("diagflat")
def _diagflat(input: Dims, offset: Size = 0) -> Dims:
    return (product(input) + abs(offset),) * 2


@RULES.call_rule("diag_embed")
def _diag_embed(input: Dims, offset: Size = 0) -> Dims | None:
    return (*input[:-1], *(input[-1] + abs(offset),) * 2) if input else None


@RULES.call_rule("trace")
def _trace(input: Dims) -> Dims | None:
    return () if len(input) == 2 else None
