"""Sizes of what functions of numpy make, in terms of the functions of torch that have rules.

Each rule takes the arguments that numpy takes, with a tensor of the same sizes in the place of
each array, after `ask`, which calls a function of torch and has it followed. An argument that a
rule has no name for gives a result of unknown sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy
import torch

from symcount.trace.stand_ins import is_symbol
from symcount.trace.tensors.sizes import torch_requires

Ask: TypeAlias = Callable[..., Any]

# What is applied to each element, of operands that broadcast.
ELEMENTWISE = "elementwise"
# Functions whose results have values of their first argument, and no others.
PARTS = frozenset(
    "__getitem__ reshape ravel flatten T transpose copy squeeze expand_dims flip "
    "broadcast_to repeat tile".split()
)
# Methods of arrays that are not what numpy's function of that name is.
METHODS = {"reshape": "method reshape", "transpose": "method transpose"}


def _tensor(value: Any) -> torch.Tensor:
    """Return a number or a list as a tensor of its sizes."""
    if isinstance(value, torch.Tensor):
        return value
    return torch.empty(() if is_symbol(value) else numpy.shape(value), device="meta")


def _tensors(values: Any) -> list[torch.Tensor]:
    return list(map(_tensor, values))


def _sizes(shape: Any) -> tuple[Any, ...]:
    return tuple(shape) if isinstance(shape, Sequence) else (shape,)


def _elementwise(ask: Ask, *operands: Any, dtype: Any = None, out: Any = None) -> Any:
    made = _tensor(operands[0])
    for operand in operands[1:]:
        made = ask(torch.add, made, _tensor(operand))
    return ask(torch.clone, made)


def written(ask: Ask, target: Any, *operands: Any) -> None:
    """Follow that operands are written to an array: they have to fit into it."""
    ask(torch.Tensor.copy_, target, _elementwise(ask, *operands))


def _same(ask: Ask, array: Any, *values: Any, **named: Any) -> Any:
    return ask(torch.clone, _tensor(array))


def _like(ask: Ask, array: Any, fill_value: Any = 0, dtype: Any = None) -> Any:
    return _same(ask, array)


def _clip(ask: Ask, array: Any, *bounds: Any, **named: Any) -> Any:
    given = (array, *bounds, *named.values())
    return _elementwise(ask, *(bound for bound in given if bound is not None))


def _array(ask: Ask, array: Any, dtype: Any = None, *, copy: Any = None) -> Any:
    if isinstance(array, list | tuple):
        return ask(torch.stack, [_array(ask, item) for item in array])
    return _same(ask, array)


def _reshape(ask: Ask, array: Any, shape: Any, order: str = "C") -> Any:
    return ask(torch.reshape, _tensor(array), _sizes(shape))


def _method_reshape(ask: Ask, array: Any, *shape: Any, order: str = "C") -> Any:
    return _reshape(ask, array, shape[0] if len(shape) == 1 else shape)


def _flat(ask: Ask, array: Any, order: str = "C") -> Any:
    return ask(torch.reshape, _tensor(array), (-1,))


def _transpose(ask: Ask, array: Any, axes: Any = None) -> Any:
    array = _tensor(array)
    return ask(torch.permute, array, tuple(axes or range(array.dim())[::-1]))


def _method_transpose(ask: Ask, array: Any, *axes: Any) -> Any:
    return _transpose(ask, array, axes[0] if len(axes) == 1 else axes)


def _swapaxes(ask: Ask, array: Any, axis1: int, axis2: int) -> Any:
    return ask(torch.swapaxes, _tensor(array), axis1, axis2)


def _moveaxis(ask: Ask, array: Any, source: Any, destination: Any) -> Any:
    return ask(torch.moveaxis, _tensor(array), source, destination)


def _expand_dims(ask: Ask, array: Any, axis: int) -> Any:
    return ask(torch.unsqueeze, _tensor(array), axis)


def _squeeze(ask: Ask, array: Any, axis: Any = None) -> Any:
    return ask(torch.squeeze, _tensor(array), *(() if axis is None else (axis,)))


def _concatenate(ask: Ask, arrays: Any, axis: int | None = 0) -> Any:
    if axis is None:
        return ask(torch.cat, [_flat(ask, array) for array in arrays])
    return ask(torch.cat, _tensors(arrays), axis)


def _append(ask: Ask, array: Any, values: Any, axis: int | None = None) -> Any:
    return _concatenate(ask, (array, values), axis)


def _stack(ask: Ask, arrays: Any, axis: int = 0) -> Any:
    return ask(torch.stack, _tensors(arrays), axis)


def _of_arrays(function: Any) -> Callable[..., Any]:
    return lambda ask, arrays: ask(function, _tensors(arrays))


def _outer(ask: Ask, a: Any, b: Any) -> Any:
    return ask(torch.outer, _flat(ask, a), _flat(ask, b))


def _outer_of_ufunc(ask: Ask, a: Any, b: Any) -> Any:
    a, b = _tensor(a), _tensor(b)
    more = (*ask(torch.Tensor.size, a), *(1,) * b.dim())
    return ask(torch.add, ask(torch.reshape, a, more), b)


def _matmul(ask: Ask, a: Any, b: Any) -> Any:
    return ask(torch.matmul, _tensor(a), _tensor(b))


def _dot(ask: Ask, a: Any, b: Any) -> Any:
    torch_requires(_tensor(b).dim() <= 2)
    return _matmul(ask, a, b)


def _einsum(ask: Ask, equation: str, *operands: Any, optimize: Any = False) -> Any:
    return ask(torch.functional.einsum, equation, *_tensors(operands))


def _tile(ask: Ask, array: Any, reps: Any) -> Any:
    return ask(torch.tile, _tensor(array), _sizes(reps))


def _repeat(ask: Ask, array: Any, repeats: Any, axis: int | None = None) -> Any:
    return ask(torch.repeat_interleave, _tensor(array), repeats, axis)


def _broadcast_to(ask: Ask, array: Any, shape: Any) -> Any:
    return ask(torch.broadcast_to, _tensor(array), _sizes(shape))


def _meshgrid(ask: Ask, *arrays: Any, indexing: str = "xy") -> Any:
    flat = [_flat(ask, array) for array in arrays]
    return list(ask(torch.functional.meshgrid, *flat, indexing=indexing))


def _pad(ask: Ask, array: Any, pad_width: Any, mode: str = "constant", **named: Any) -> Any:
    """Follow `numpy.pad`, which takes one width for all, one pair, or a pair for each axis."""
    array = _tensor(array)
    pairs = _sizes(pad_width)
    if not isinstance(pairs[0], Sequence):
        pairs = (pairs * 2,) if len(pairs) == 1 else (pairs,)
    pairs = tuple(tuple(pair) * (3 - len(pair)) for pair in pairs)
    pairs = pairs * array.dim() if len(pairs) == 1 else pairs
    torch_requires(len(pairs) == array.dim())
    return ask(torch.nn.functional.pad, array, [width for pair in pairs[::-1] for width in pair])


def _reduction(function: Any) -> Callable[..., Any]:
    def rule(
        ask: Ask, array: Any, axis: Any = None, *, keepdims: bool = False, dtype: Any = None
    ) -> Any:
        axis = tuple(range(_tensor(array).dim())) if axis is None else axis
        return ask(function, _tensor(array), dim=axis, keepdim=keepdims)

    return rule


def _cumulative(ask: Ask, array: Any, axis: int | None = None, dtype: Any = None) -> Any:
    return _flat(ask, array) if axis is None else _same(ask, array)


def _where(ask: Ask, condition: Any, x: Any, y: Any) -> Any:
    return _elementwise(ask, condition, x, y)


def _take(ask: Ask, array: Any, indices: Any, axis: int | None = None) -> Any:
    array, indices = (_flat(ask, array) if axis is None else _tensor(array)), _tensor(indices)
    axis = axis or 0
    at = (*(slice(None),) * (axis % array.dim()), 0)
    torch_requires(axis == 0)
    rest = ask(torch.Tensor.size, ask(torch.Tensor.__getitem__, array, at))
    return ask(torch.empty, (*ask(torch.Tensor.size, indices), *rest))


def _getitem(ask: Ask, array: Any, index: Any) -> Any:
    if isinstance(index, torch.Tensor | list):
        torch_requires(not isinstance(index, list) or type(index[0]) is int)
        return _take(ask, array, index, 0)
    return ask(torch.Tensor.__getitem__, array, index)


def _diag(ask: Ask, array: Any, k: int = 0) -> Any:
    return ask(torch.diag, _tensor(array), k)


def _split(ask: Ask, array: Any, sections: int, axis: int = 0) -> Any:
    array = _tensor(array)
    size = ask(torch.Tensor.size, array, axis)
    torch_requires(type(sections) is int and size % sections == 0)
    return list(ask(torch.functional.split, array, size // sections, axis))


# --- from sizes ---------------------------------------------------------------------------------


def _of_shape(ask: Ask, shape: Any, *values: Any, **named: Any) -> Any:
    return ask(torch.empty, _sizes(shape))


def _of_sizes(ask: Ask, *sizes: Any) -> Any:
    return ask(torch.empty, sizes)


def _of_size(ask: Ask, *values: Any, size: Any) -> Any:
    return ask(torch.empty, _sizes(size))


def _arange(ask: Ask, *bounds: Any, dtype: Any = None) -> Any:
    return ask(torch.arange, *bounds)


def _linspace(
    ask: Ask, start: Any, stop: Any, num: Any = 50, endpoint: bool = True, dtype: Any = None,
    base: float = 10.0,
) -> Any:  # fmt: skip
    ends = _elementwise(ask, start, stop)
    torch_requires(num >= 0)
    return ask(torch.empty, (num, *ask(torch.Tensor.size, ends)))


def _eye(ask: Ask, N: Any, M: Any = None, k: Any = 0, dtype: Any = None) -> Any:
    return ask(torch.empty, (N, N if M is None else M))


def _grid_of_indices(ask: Ask, dimensions: Any, dtype: Any = None) -> Any:
    return ask(torch.empty, (len(dimensions), *dimensions))


def _ogrid(ask: Ask, slices: Any) -> Any:
    """Return the sizes of each axis of a grid, which are those of a range."""
    each = slices if isinstance(slices, tuple) else (slices,)
    sides = [ask(torch.arange, s.start or 0, s.stop, s.step or 1) for s in each]
    if not isinstance(slices, tuple):
        return sides[0]
    shapes = [[1] * len(sides) for _ in sides]
    for axis, shape in enumerate(shapes):
        shape[axis] = -1
    return [ask(torch.reshape, *pair) for pair in zip(sides, shapes, strict=True)]


def _mgrid(ask: Ask, slices: Any) -> Any:
    sides = _ogrid(ask, slices)
    if not isinstance(slices, tuple):
        return sides
    return ask(torch.stack, [_elementwise(ask, *sides)] * len(sides))


Rule: TypeAlias = Callable[..., Any]

_SAME = (
    "flip fliplr flipud roll round around nan_to_num tril triu real imag angle sort argsort copy "
    "astype sinc i0 interp fix"
).split()
_ARRAYS = "array asarray asanyarray ascontiguousarray asfortranarray".split()
_LIKE = "zeros_like ones_like empty_like full_like".split()
_SUMS = "sum mean prod std var any all nansum average median".split()
_EXTREMA = "max min amax amin ptp argmax argmin".split()
SHAPES: dict[str, Rule] = {
    ELEMENTWISE: _elementwise, "where": _where, "__getitem__": _getitem, "take": _take,
    "reshape": _reshape, "method reshape": _method_reshape, "ravel": _flat, "flatten": _flat,
    "transpose": _transpose, "method transpose": _method_transpose, "T": _transpose,
    "swapaxes": _swapaxes, "moveaxis": _moveaxis, "expand_dims": _expand_dims, "squeeze": _squeeze,
    "concatenate": _concatenate, "append": _append, "stack": _stack,
    "hstack": _of_arrays(torch.hstack), "vstack": _of_arrays(torch.vstack),
    "dstack": _of_arrays(torch.dstack), "column_stack": _of_arrays(torch.column_stack),
    "outer": _outer, "multiply.outer": _outer_of_ufunc, "matmul": _matmul, "dot": _dot,
    "einsum": _einsum, "tile": _tile, "repeat": _repeat, "broadcast_to": _broadcast_to,
    "meshgrid": _meshgrid, "pad": _pad, "cumsum": _cumulative, "cumprod": _cumulative,
    "diag": _diag, "split": _split, "array_split": _split,
    "zeros": _of_shape, "ones": _of_shape, "empty": _of_shape, "full": _of_shape,
    "arange": _arange, "linspace": _linspace, "logspace": _linspace, "geomspace": _linspace,
    "eye": _eye, "identity": _eye, "tri": _eye, "indices": _grid_of_indices,
    "mgrid": _mgrid, "ogrid": _ogrid,
    "hanning": _of_sizes, "hamming": _of_sizes, "blackman": _of_sizes, "bartlett": _of_sizes,
    "clip": _clip, "isclose": _elementwise,
    **dict.fromkeys(_SAME, _same), **dict.fromkeys(_ARRAYS, _array), **dict.fromkeys(_LIKE, _like),
    **dict.fromkeys(_SUMS, _reduction(torch.sum)),
    **dict.fromkeys(_EXTREMA, _reduction(torch.amax)),
    **dict.fromkeys(("random.rand", "random.randn"), _of_sizes),
    **dict.fromkeys(("random.random", "random.random_sample"), _of_shape),
    "random.standard_normal": _of_shape,
    **dict.fromkeys(("random.uniform", "random.normal", "random.randint"), _of_size),
}  # fmt: skip
# What numpy makes of sizes, where a symbol among the arguments is one, or a number of copies.
OF_SIZES = (
    "zeros ones empty full arange linspace logspace geomspace eye identity tri indices hanning "
    "hamming blackman bartlett tile repeat reshape pad broadcast_to random.rand random.randn "
    "random.random random.random_sample random.standard_normal random.uniform random.normal "
    "random.randint"
).split()
# What asks an array for its numbers, in the place of what numpy's protocols follow.
OF_ARRAYS = _ARRAYS
