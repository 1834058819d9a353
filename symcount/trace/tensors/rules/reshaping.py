"""Rules of operations that put the elements of a tensor in another shape or order."""

from __future__ import annotations

from typing import Any

import torch

from symcount.trace.stand_ins import apply_to_pair
from symcount.trace.tensors.calls import getter
from symcount.trace.tensors.registering import Rules
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
    is_open = [type(size) is int and size == -1 for size in sizes]
    if not any(is_open):
        torch_requires(product(sizes) == total)
        return sizes
    rest = product([s for s, open_one in zip(sizes, is_open, strict=True) if not open_one])
    torch_requires(total % rest == 0)
    return tuple(total // rest if o else s for s, o in zip(sizes, is_open, strict=True))


@RULES.shape_rule("view", "reshape")
def _view(input: Dims, *sizes: Any, **named: Any) -> Dims | None:
    given = (*sizes, *named.values())
    if len(given) == 1 and isinstance(given[0], torch.dtype):
        return None
    return _reshaped(input, sizes_of(given))


@RULES.shape_rule("view_as", "reshape_as")
def _view_as(input: Dims, other: Dims) -> Dims:
    return _reshaped(input, other)


@RULES.shape_rule("flatten")
def _flatten(input: Dims, start_dim: int = 0, end_dim: int = -1) -> Dims:
    if not input:
        return (1,)
    start, end = axes_of((start_dim, end_dim), len(input))
    return (*input[:start], product(input[start : end + 1]), *input[end + 1 :])


@RULES.shape_rule("ravel")
def _ravel(input: Dims) -> Dims:
    return (product(input),)


@RULES.shape_rule("unflatten")
def _unflatten(input: Dims, dim: int, sizes: Any) -> Dims:
    axis = axis_of(dim, len(input))
    return replaced(input, axis, *_reshaped((input[axis],), tuple(sizes)))


@RULES.shape_rule("unsqueeze", "unsqueeze_")
def _unsqueeze(input: Dims, dim: int) -> Dims:
    axis = axis_of(dim, len(input) + 1)
    return (*input[:axis], 1, *input[axis:])


@RULES.shape_rule("squeeze", "squeeze_")
def _squeeze(input: Dims, dim: Any = None) -> Dims:
    gone = axes_of(range(len(input)) if dim is None else dim, len(input))
    return tuple(s for axis, s in enumerate(input) if not (axis in gone and s == 1))


@RULES.shape_rule("transpose", "swapaxes", "swapdims", "transpose_", "swapaxes_", "swapdims_")
def _transpose(input: Dims, dim0: int, dim1: int) -> Dims:
    sizes = list(input)
    sizes[dim0], sizes[dim1] = sizes[dim1], sizes[dim0]
    return tuple(sizes)


@RULES.shape_rule("t", "t_", getter("T"), getter("H"))
def _t(input: Dims) -> Dims:
    return input[::-1]


@RULES.shape_rule(getter("mT"), getter("mH"), "adjoint")
def _m_t(input: Dims) -> Dims:
    return (*input[:-2], input[-1], input[-2])


@RULES.shape_rule("permute")
def _permute(input: Dims, *dims: Any) -> Dims:
    return tuple(input[d] for d in sizes_of(dims))


@RULES.shape_rule("movedim", "moveaxis")
def _movedim(input: Dims, source: Any, destination: Any) -> Dims:
    sources, targets = axes_of(source, len(input)), axes_of(destination, len(input))
    order = [axis for axis in range(len(input)) if axis not in sources]
    for target, origin in sorted(zip(targets, sources, strict=True)):
        order.insert(target, origin)
    return tuple(input[axis] for axis in order)


@RULES.shape_rule("rot90")
def _rot90(input: Dims, k: int = 1, dims: Any = (0, 1)) -> Dims:
    first, second = axes_of(dims, len(input))
    torch_requires(first != second)
    order = {first: second, second: first} if k % 2 else {}
    return tuple(input[order.get(axis, axis)] for axis in range(len(input)))


@RULES.shape_rule("repeat", "tile")
def _repeat(input: Dims, *repeats: Any, **named: Any) -> Dims:
    times = sizes_of((*repeats, *named.values()))
    rank = max(len(input), len(times))
    input = (*(1,) * (rank - len(input)), *input)
    times = (*(1,) * (rank - len(times)), *times)
    return tuple(s * t for s, t in zip(input, times, strict=True))


@RULES.shape_rule("repeat_interleave")
def _repeat_interleave(
    input: Dims, repeats: Any, dim: int | None = None, output_size: Size | None = None
) -> Dims | None:
    if not isinstance(repeats, int):
        return None
    axis = None if dim is None else axis_of(dim, len(input))
    size = (product(input) if axis is None else input[axis]) * repeats
    torch_requires(output_size is None or output_size == size)
    return (size,) if axis is None else replaced(input, axis, size)


@RULES.shape_rule("pad", "constant_pad_nd")
def _pad(input: Dims, pad: Any, mode: Any = "constant", value: Any = None) -> Dims:
    sizes = list(input)
    torch_requires(len(pad) % 2 == 0 and len(pad) // 2 <= len(sizes))
    for axis in range(len(pad) // 2):
        before, after, size = pad[2 * axis], pad[2 * axis + 1], sizes[-1 - axis]
        torch_requires(_can_be_padded(size, before, after, mode))
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


@RULES.shape_rule("unfold")
def _unfold(input: Dims, dimension: int, size: Size, step: Size) -> Dims:
    axis = axis_of(dimension, len(input))
    torch_requires(size >= 0 and size <= input[axis] and step > 0)
    return (*replaced(input, axis, (input[axis] - size) // step + 1), size)


@RULES.shape_rule("view_as_real")
def _view_as_real(input: Dims) -> Dims:
    return (*input, 2)


@RULES.shape_rule("view_as_complex")
def _view_as_complex(input: Dims) -> Dims:
    torch_requires(len(input) > 0 and input[-1] == 2)
    return input[:-1]


def at_least_two_axes(shape: Dims) -> Dims:
    """Return a shape as `atleast_2d` has it."""
    return shape if len(shape) > 1 else (1, product(shape))


def at_least_three_axes(shape: Dims) -> Dims:
    """Return a shape as `atleast_3d` has it."""
    return shape if len(shape) > 2 else (*shape, 1) if len(shape) == 2 else (1, product(shape), 1)


@RULES.shape_rule(torch.functional.atleast_1d)
def _atleast_1d(input: Any) -> Dims | None:
    return (input or (1,)) if is_shape(input) else None


@RULES.shape_rule(torch.functional.atleast_2d)
def _atleast_2d(input: Any) -> Dims | None:
    return at_least_two_axes(input) if is_shape(input) else None


@RULES.shape_rule(torch.functional.atleast_3d)
def _atleast_3d(input: Any) -> Dims | None:
    return at_least_three_axes(input) if is_shape(input) else None


# --- diagonals --------------------------------------------------------------------------------


def _length_of_diagonal(rows: Size, columns: Size, offset: Size) -> Size:
    if offset >= 0:
        return apply_to_pair("max", apply_to_pair("min", rows, columns - offset), 0)
    return apply_to_pair("max", apply_to_pair("min", rows + offset, columns), 0)


@RULES.shape_rule("diagonal", "linalg_diagonal")
def _diagonal(input: Dims, offset: Size = 0, dim1: int = 0, dim2: int = 1) -> Dims:
    first, second = axes_of((dim1, dim2), len(input))
    torch_requires(first != second)
    rest = (s for axis, s in enumerate(input) if axis not in (first, second))
    return (*rest, _length_of_diagonal(input[first], input[second], offset))


@RULES.shape_rule("diag")
def _diag(input: Dims, diagonal: Size = 0) -> Dims:
    if len(input) == 1:
        return (input[0] + abs(diagonal),) * 2
    torch_requires(len(input) == 2)
    return (_length_of_diagonal(input[0], input[1], diagonal),)


@RULES.shape_rule("diagflat")
def _diagflat(input: Dims, offset: Size = 0) -> Dims:
    return (product(input) + abs(offset),) * 2


@RULES.shape_rule("diag_embed")
def _diag_embed(input: Dims, offset: Size = 0) -> Dims:
    torch_requires(len(input) > 0)
    return (*input[:-1], *(input[-1] + abs(offset),) * 2)


@RULES.shape_rule("trace")
def _trace(input: Dims) -> Dims:
    torch_requires(len(input) == 2)
    return ()
