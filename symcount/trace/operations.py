"""The rules of operations on tensors: reshaping, indexing, joining and splitting, reductions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch

from symcount.trace.builtins import apply_to_pair, specialised
from symcount.trace.numbers import hint
from symcount.trace.shapes import (
    Size,
    Sizes,
    asks_for_sizes,
    axis_of,
    call_rule,
    ceil_div,
    first_argument,
    getter,
    length_of,
    name_of,
    product,
    replaced,
    rule,
    shape_rule,
    sizes_of,
)

if TYPE_CHECKING:
    from symcount.trace.tensors import Tensors

# --- reshaping --------------------------------------------------------------------------------


def _reshaped(shape: Sizes, sizes: Sizes) -> Sizes:
    total = product(shape)
    if any(type(s) is int and s == -1 for s in sizes):
        rest = product([s for s in sizes if not (type(s) is int and s == -1)])
        if total % rest != 0:
            return sizes  # torch raises
        return tuple(total // rest if type(s) is int and s == -1 else s for s in sizes)
    if product(sizes) != total:
        return sizes  # torch raises
    return sizes


@shape_rule("view", "reshape")
def _view(shape: Sizes, *sizes: Any, **named: Any) -> Sizes | None:
    given = (*sizes, *named.values())
    if len(given) == 1 and isinstance(given[0], torch.dtype):
        return None
    return _reshaped(shape, sizes_of(given))


@shape_rule("flatten")
def _flatten(shape: Sizes, start_dim: int = 0, end_dim: int = -1) -> Sizes:
    if not shape:
        return (1,)
    start, end = start_dim % len(shape), end_dim % len(shape)
    return (*shape[:start], product(shape[start : end + 1]), *shape[end + 1 :])


@shape_rule("ravel")
def _ravel(shape: Sizes) -> Sizes:
    return (product(shape),)


@shape_rule("unflatten")
def _unflatten(shape: Sizes, dim: int, sizes: Any) -> Sizes:
    dim %= len(shape)
    return (*shape[:dim], *_reshaped(shape[dim : dim + 1], tuple(sizes)), *shape[dim + 1 :])


@shape_rule("unsqueeze", "unsqueeze_")
def _unsqueeze(shape: Sizes, dim: int) -> Sizes:
    dim %= len(shape) + 1
    return (*shape[:dim], 1, *shape[dim:])


@shape_rule("squeeze", "squeeze_")
def _squeeze(shape: Sizes, dim: Any = None) -> Sizes:
    dims = range(len(shape)) if dim is None else [dim] if isinstance(dim, int) else dim
    gone = {d % len(shape) for d in dims}
    return tuple(s for d, s in enumerate(shape) if not (d in gone and s == 1))


@shape_rule("transpose", "swapaxes", "swapdims", "transpose_", "swapaxes_", "swapdims_")
def _transpose(shape: Sizes, dim0: int, dim1: int) -> Sizes:
    sizes = list(shape)
    sizes[dim0], sizes[dim1] = sizes[dim1], sizes[dim0]
    return tuple(sizes)


@shape_rule("t", "t_", getter("T"), getter("H"))
def _t(shape: Sizes) -> Sizes:
    return shape[::-1]


@shape_rule(getter("mT"), getter("mH"), "adjoint")
def _m_t(shape: Sizes) -> Sizes:
    return (*shape[:-2], shape[-1], shape[-2])


@shape_rule("permute")
def _permute(shape: Sizes, *dims: Any) -> Sizes:
    return tuple(shape[d] for d in sizes_of(dims))


@shape_rule("movedim", "moveaxis")
def _movedim(shape: Sizes, source: Any, destination: Any) -> Sizes:
    sources = [d % len(shape) for d in ([source] if isinstance(source, int) else source)]
    targets = [
        d % len(shape) for d in ([destination] if isinstance(destination, int) else destination)
    ]
    order = [d for d in range(len(shape)) if d not in sources]
    for target, origin in sorted(zip(targets, sources, strict=True)):
        order.insert(target, origin)
    return tuple(shape[d] for d in order)


@shape_rule("expand", "broadcast_to")
def _expand(shape: Sizes, *sizes: Any, **named: Any) -> Sizes:
    wanted = sizes_of((*sizes, *(v for k, v in named.items() if k in ("size", "sizes"))))
    new = len(wanted) - len(shape)
    result = list(wanted[:new])
    for have, want in zip(shape, wanted[new:], strict=True):
        if type(want) is int and want == -1:
            result.append(have)
        else:
            result.append(together(have, want))
    return tuple(result)


@rule("expand_as", "view_as", "reshape_as")
def _like_other(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    tensor, other = args
    shape = mode.shape(other)
    if name_of(func) == "expand_as":
        broadcast(mode.shape(tensor), shape)
    else:
        _reshaped(mode.shape(tensor), shape)
    return mode.result(func, args, kwargs, shape)


@shape_rule("repeat", "tile")
def _repeat(shape: Sizes, *repeats: Any, **named: Any) -> Sizes:
    times = sizes_of((*repeats, *named.values()))
    rank = max(len(shape), len(times))
    shape = (*(1,) * (rank - len(shape)), *shape)
    times = (*(1,) * (rank - len(times)), *times)
    return tuple(s * t for s, t in zip(shape, times, strict=True))


@shape_rule("repeat_interleave")
def _repeat_interleave(shape: Sizes, repeats: Any, dim: int | None = None) -> Sizes | None:
    if not isinstance(repeats, int):
        return None
    if dim is None:
        return (product(shape) * repeats,)
    dim %= len(shape)
    return (*shape[:dim], shape[dim] * repeats, *shape[dim + 1 :])


@shape_rule("pad", "constant_pad_nd")
def _pad(shape: Sizes, pad: Any, mode: Any = "constant", value: Any = None) -> Sizes | None:
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


@shape_rule("narrow")
def _narrow(shape: Sizes, dim: int, start: Any, length: Size) -> Sizes | None:
    if isinstance(start, torch.Tensor):
        return None
    dim %= len(shape)
    first = start if start >= 0 else shape[dim] + start
    _ = length >= 0 and first >= 0 and first + length <= shape[dim]  # or torch raises
    return (*shape[:dim], length, *shape[dim + 1 :])


@shape_rule("select")
def _select(shape: Sizes, dim: int, index: Any) -> Sizes:
    dim %= len(shape)
    _within(index, shape[dim])
    return (*shape[:dim], *shape[dim + 1 :])


def _within(index: Any, size: Size) -> None:
    """Record that an index must be smaller than the size, or torch raises."""
    _ = size > index if hint(index) >= 0 else size >= -index


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


@shape_rule("__getitem__")
def getitem_shape(shape: Sizes, index: Any) -> Sizes | None:
    """The sizes of `tensor[index]`; None where they depend on values."""
    items = list(index) if isinstance(index, tuple) else [index]
    consumed = sum(1 for i in items if i is not None and i is not Ellipsis)
    if any(isinstance(i, torch.Tensor | list | bool) for i in items):
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
            _within(item, shape[axis])
            axis += 1
    return tuple(result)


@call_rule("unfold")
def _unfold(input: Sizes, dimension: int, size: Size, step: Size) -> Sizes | None:
    axis = axis_of(dimension, len(input))
    if axis is None or not (size >= 0 and size <= input[axis] and step > 0):
        return None
    return (*replaced(input, axis, (input[axis] - size) // step + 1), size)


def _length_of_diagonal(rows: Size, columns: Size, offset: Size) -> Size:
    if offset >= 0:
        return apply_to_pair("max", apply_to_pair("min", rows, columns - offset), 0)
    return apply_to_pair("max", apply_to_pair("min", rows + offset, columns), 0)


@call_rule("diagonal", "linalg_diagonal")
def _diagonal(input: Sizes, offset: Size = 0, dim1: int = 0, dim2: int = 1) -> Sizes | None:
    first, second = axis_of(dim1, len(input)), axis_of(dim2, len(input))
    if first is None or second is None or first == second:
        return None
    rest = (s for axis, s in enumerate(input) if axis not in (first, second))
    return (*rest, _length_of_diagonal(input[first], input[second], offset))


@call_rule("diag")
def _diag(input: Sizes, diagonal: Size = 0) -> Sizes | None:
    if len(input) == 1:
        return (input[0] + abs(diagonal),) * 2
    return (_length_of_diagonal(*input, diagonal),) if len(input) == 2 else None


@call_rule("diagflat")
def _diagflat(input: Sizes, offset: Size = 0) -> Sizes:
    return (product(input) + abs(offset),) * 2


@call_rule("diag_embed")
def _diag_embed(input: Sizes, offset: Size = 0) -> Sizes | None:
    return (*input[:-1], *(input[-1] + abs(offset),) * 2) if input else None


@call_rule("trace")
def _trace(input: Sizes) -> Sizes | None:
    return () if len(input) == 2 else None


@call_rule("gather")
def _gather(input: Sizes, dim: int, index: Sizes, *, sparse_grad: bool = False) -> Sizes | None:
    axis = axis_of(dim, len(input))
    if axis is None or len(index) != len(input):
        return None
    others = (pair for at, pair in enumerate(zip(index, input, strict=True)) if at != axis)
    return index if all(have <= size for have, size in others) else None


@call_rule("index_select")
def _index_select(input: Sizes, dim: int, index: Sizes) -> Sizes | None:
    axis = axis_of(dim, len(input))
    return None if axis is None or len(index) > 1 else replaced(input, axis, product(index))


@call_rule("take")
def _take(input: Sizes, index: Sizes) -> Sizes:
    return index


@call_rule("bucketize", "isin")
def _of_first(input: Any, *others: Any, **options: Any) -> Sizes | None:
    return input if _is_shape(input) else None


@call_rule("searchsorted")
def _of_second(sorted_sequence: Sizes, input: Any, **options: Any) -> Sizes | None:
    if len(sorted_sequence) != 1:
        return None
    return input if _is_shape(input) else None


@call_rule("topk")
def _topk(
    input: Sizes, k: Size, dim: int = -1, largest: bool = True, sorted: bool = True
) -> Sizes | None:
    axis = axis_of(dim, len(input))
    if axis is None or not (k >= 0 and k <= input[axis]):
        return None
    return replaced(input, axis, k)


@call_rule("multinomial")
def _multinomial(
    input: Sizes, num_samples: Size, replacement: bool = False, *, generator: Any = None
) -> Sizes | None:
    if not input or not num_samples > 0:
        return None
    return (*input[:-1], num_samples) if replacement or num_samples <= input[-1] else None


@call_rule("diff")
def _diff(input: Sizes, n: int = 1, dim: int = -1) -> Sizes | None:
    axis = axis_of(dim, len(input))
    if axis is None or not n >= 0:
        return None
    return replaced(input, axis, apply_to_pair("max", input[axis] - n, 0))


@call_rule("rot90")
def _rot90(input: Sizes, k: int = 1, dims: Any = (0, 1)) -> Sizes | None:
    first, second = (axis_of(dim, len(input)) for dim in dims)
    if first is None or second is None or first == second:
        return None
    order = {first: second, second: first} if k % 2 else {}
    return tuple(input[order.get(axis, axis)] for axis in range(len(input)))


@call_rule("view_as_real")
def _view_as_real(input: Sizes) -> Sizes:
    return (*input, 2)


@call_rule("view_as_complex")
def _view_as_complex(input: Sizes) -> Sizes | None:
    return input[:-1] if input and input[-1] == 2 else None


# --- matrices ---------------------------------------------------------------------------------


@call_rule(
    "cholesky", "inverse", "linalg_cholesky", "linalg_inv", "linalg_matrix_exp", "matrix_exp"
)
def _of_square(input: Sizes, **options: Any) -> Sizes | None:
    return input if len(input) >= 2 and input[-1] == input[-2] else None


@call_rule("det", "linalg_det")
def _det(input: Sizes) -> Sizes | None:
    return input[:-2] if len(input) >= 2 and input[-1] == input[-2] else None


@call_rule("linalg_qr")
def _qr(A: Sizes, mode: str = "reduced") -> list[Sizes | None] | None:
    if len(A) < 2 or mode not in ("reduced", "complete"):
        return None
    *batch, rows, columns = A
    rank = rows if mode == "complete" else apply_to_pair("min", rows, columns)
    return [(*batch, rows, rank), (*batch, rank, columns)]


@call_rule("linalg_svd")
def _svd(
    A: Sizes,
    full_matrices: bool = True,
    *,
    driver: Any = None,
) -> list[Sizes | None] | None:
    if len(A) < 2:
        return None
    *batch, rows, columns = A
    rank = apply_to_pair("min", rows, columns)
    left, right = (rows, columns) if full_matrices else (rank, rank)
    return [(*batch, rows, left), (*batch, rank), (*batch, right, columns)]


@rule("__setitem__")
def _set_item(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    target, index, value = args
    if mode.has_symbols(args, kwargs):
        shape = getitem_shape(mode.shape(target), index)
        if shape is not None and isinstance(value, torch.Tensor):
            fits_into(mode.shape(value), shape)
    mode.real(func, args, kwargs)


# --- several tensors --------------------------------------------------------------------------


def together(a: Size, b: Size) -> Size:
    """The size that two sizes broadcast to; the ways they can agree are branches."""
    if type(a) is int and a == 1:
        return b
    if type(b) is int and b == 1:
        return a
    if a == b:
        return a if type(a) is int or type(b) is not int else b
    if a == 1:
        return b
    _ = b == 1  # or torch raises
    return a


def broadcast(*shapes: Sizes) -> Sizes:
    """The sizes that shapes broadcast to."""
    rank = max(map(len, shapes))
    result: Sizes = (1,) * rank
    for shape in shapes:
        padded = (*(1,) * (rank - len(shape)), *shape)
        result = tuple(map(together, result, padded))
    return result


_BROADCASTING = """
add sub subtract mul multiply div divide true_divide floor_divide fmod remainder pow float_power
maximum minimum fmax fmin atan2 hypot lerp where logical_and logical_or logical_xor bitwise_and
bitwise_or bitwise_xor eq ne lt le gt ge isclose copysign addcmul addcdiv
clamp clamp_min clamp_max clip masked_fill arctan2 bitwise_left_shift bitwise_right_shift complex
gcd greater greater_equal heaviside lcm ldexp less less_equal logaddexp logaddexp2 nextafter
not_equal polar rsub xlogy __lshift__ __rlshift__ __rshift__ __rrshift__
__add__ __radd__ __sub__ __rsub__ __mul__ __rmul__ __truediv__ __rtruediv__ __div__ __rdiv__
__floordiv__ __rfloordiv__ __mod__ __rmod__ __pow__ __rpow__ __and__ __rand__ __or__ __ror__
__xor__ __rxor__ __eq__ __ne__ __lt__ __le__ __gt__ __ge__
""".split()


@rule(*_BROADCASTING)
def pointwise(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    """Follow an operation on each element, whose operands broadcast."""
    if not mode.has_symbols(args, kwargs):
        return mode.without_rule(func, args, kwargs, name_of(func))
    tensors = [x for x in (*args, *kwargs.values()) if isinstance(x, torch.Tensor)]
    return mode.result(func, args, kwargs, broadcast(*map(mode.shape, tensors)))


def fits_into(shape: Sizes, wanted: Sizes) -> bool:
    """Whether a tensor broadcasts to the shape of one that is written to, or torch raises."""
    extra = len(shape) - len(wanted)
    return all(size == 1 for size in shape[:extra] if extra > 0) and all(
        have == want or have == 1 for have, want in zip(shape[::-1], wanted[::-1], strict=False)
    )


@rule(torch.cat, torch.concat, torch.concatenate)
def _cat(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    tensors = list(first_argument(args, kwargs, "tensors"))
    dim = args[1] if len(args) > 1 else kwargs.get("dim", 0)
    shapes = [mode.shape(t) for t in tensors if mode.shape(t) != (0,)]
    if not shapes:
        return mode.without_rule(func, args, kwargs, "cat")
    dim %= len(shapes[0])
    sizes = list(shapes[0])
    for shape in shapes[1:]:
        for axis, size in enumerate(shape):
            if axis == dim:
                sizes[axis] = sizes[axis] + size
            elif sizes[axis] != size:
                break  # torch raises
    return mode.result(func, args, kwargs, tuple(sizes))


@rule(torch.stack)
def _stack(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    tensors = list(first_argument(args, kwargs, "tensors"))
    dim = args[1] if len(args) > 1 else kwargs.get("dim", 0)
    shape = mode.shape(tensors[0])
    for tensor in tensors[1:]:
        if any(a != b for a, b in zip(shape, mode.shape(tensor), strict=True)):
            break  # torch raises
    dim %= len(shape) + 1
    return mode.result(func, args, kwargs, (*shape[:dim], len(tensors), *shape[dim:]))


@call_rule("hstack")
def _hstack(tensors: Any) -> Sizes | None:
    return _joined([shape or (1,) for shape in tensors], 1 if len(tensors[0]) > 1 else 0)


@call_rule("vstack", "row_stack")
def _vstack(tensors: Any) -> Sizes | None:
    return _joined([_of_two_axes(shape) for shape in tensors], 0)


@call_rule("dstack")
def _dstack(tensors: Any) -> Sizes | None:
    return _joined([_of_three_axes(shape) for shape in tensors], 2)


@call_rule("column_stack")
def _column_stack(tensors: Any) -> Sizes | None:
    return _joined([(product(s), 1) if len(s) < 2 else s for s in tensors], 1)


def _of_two_axes(shape: Sizes) -> Sizes:
    return shape if len(shape) > 1 else (1, product(shape))


def _of_three_axes(shape: Sizes) -> Sizes:
    return shape if len(shape) > 2 else (*shape, 1) if len(shape) == 2 else (1, product(shape), 1)


def _is_shape(value: Any) -> bool:
    """Whether an argument was one tensor, and not several."""
    return type(value) is tuple and all(isinstance(size, int) for size in value)


@call_rule(torch.functional.atleast_1d)
def _atleast_1d(input: Any) -> Sizes | None:
    return (input or (1,)) if _is_shape(input) else None


@call_rule(torch.functional.atleast_2d)
def _atleast_2d(input: Any) -> Sizes | None:
    return _of_two_axes(input) if _is_shape(input) else None


@call_rule(torch.functional.atleast_3d)
def _atleast_3d(input: Any) -> Sizes | None:
    return _of_three_axes(input) if _is_shape(input) else None


@call_rule(torch.functional.broadcast_tensors)
def _broadcast_tensors(*tensors: Any) -> Sizes | None:
    return broadcast(*tensors) if all(map(_is_shape, tensors)) else None


@call_rule(torch.functional.cartesian_prod)
def _cartesian_prod(*tensors: Any) -> Sizes | None:
    sizes = [product(shape) for shape in tensors]
    if any(len(shape) != 1 for shape in tensors):
        return None
    return (product(sizes), len(sizes)) if len(sizes) > 1 else tuple(sizes)


@call_rule(torch.functional.block_diag)
def _block_diag(*tensors: Any) -> Sizes | None:
    blocks = [(1,) * (2 - len(shape)) + shape for shape in tensors]
    if any(len(block) > 2 for block in blocks):
        return None
    return sum(b[0] for b in blocks), sum(b[1] for b in blocks)


def _joined(shapes: Sequence[Sizes], axis: int) -> Sizes | None:
    """The sizes of tensors put together along an axis; None if they do not fit."""
    first = shapes[0]
    for shape in shapes[1:]:
        if len(shape) != len(first):
            return None
        if any(a != b for at, (a, b) in enumerate(zip(first, shape, strict=True)) if at != axis):
            return None
    return replaced(first, axis, sum(shape[axis] for shape in shapes))


def _pieces(
    mode: Tensors,
    func: Any,
    args: Any,
    dim: int,
    lengths: Callable[[int], Sequence[Size]] | None,
) -> Any:
    """Split a tensor along `dim`; `lengths` takes the number of pieces."""
    out = mode.real(func, args, {})
    shape = mode.shape(args[0])
    dim %= len(shape)
    sizes = None if lengths is None else lengths(len(out))
    for index, piece in enumerate(out):
        middle = () if sizes is None else (sizes[index],)
        whole = (*shape[:dim], *middle, *shape[dim + 1 :])
        mode.know(piece, whole, name_of(func), mode.tainted(args, {}))
    return out


def _equal_lengths(total: Size, size: Size) -> Callable[[int], Sequence[Size]]:
    """Pieces of one size, the last of them of what is left; however many."""

    def lengths(count: int) -> Sequence[Size]:
        if total == 0:
            return [0] * count
        specialised(ceil_div(total, size))
        return [size] * (count - 1) + [total - size * (count - 1)]

    return lengths


@asks_for_sizes
@rule("split", "split_with_sizes", torch.functional.split)
def _split(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    tensor, *rest = args
    given = dict(zip(("split_size", "dim"), rest, strict=False)) | kwargs
    size = next(given[k] for k in given if k.startswith("split_size"))
    dim = given.get("dim", 0)
    total = mode.shape(tensor)[dim]
    if isinstance(size, int):
        lengths = _equal_lengths(total, size)
    else:
        _ = sum(size) == total  # or torch raises
        lengths = lambda count: size  # noqa: E731
    return _pieces(mode, torch.Tensor.split, (tensor, size, dim), dim, lengths)


@asks_for_sizes
@rule("chunk")
def _chunk(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    tensor = args[0]
    chunks = specialised(args[1] if len(args) > 1 else kwargs["chunks"])
    dim = args[2] if len(args) > 2 else kwargs.get("dim", 0)
    total = mode.shape(tensor)[dim]
    lengths = _equal_lengths(total, ceil_div(total, chunks) if total != 0 else 0)
    return _pieces(mode, torch.Tensor.chunk, (tensor, chunks, dim), dim, lengths)


@asks_for_sizes
@rule("unbind", "__iter__")
def _unbind(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    dim = args[1] if len(args) > 1 else kwargs.get("dim", 0)
    length_of(args[0], mode.shape(args[0])[dim])
    out = _pieces(mode, torch.Tensor.unbind, (args[0], dim), dim, None)
    return iter(out) if name_of(func) == "__iter__" else out


@rule(torch.functional.meshgrid)
def _meshgrid(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    tensors = args[0] if isinstance(args[0], list | tuple) else args
    sizes = [product(mode.shape(t)) for t in tensors]
    if kwargs.get("indexing") == "xy" and len(sizes) > 1:
        sizes[0], sizes[1] = sizes[1], sizes[0]
    out = mode.real(func, args, kwargs)
    for grid in out:
        mode.know(grid, tuple(sizes), "meshgrid", mode.tainted(args, kwargs))
    return out


@shape_rule("norm_except_dim")
def _norm_except_dim(shape: Sizes, pow: Any = 2, dim: int = 0) -> Sizes:
    if dim == -1:
        return ()
    return tuple(s if axis == dim else 1 for axis, s in enumerate(shape))


# --- reductions -------------------------------------------------------------------------------


def _reduced(shape: Sizes, dim: Any, keepdim: bool) -> Sizes:
    if dim is None:
        return (1,) * len(shape) if keepdim else ()
    dims = {d % len(shape) for d in ([dim] if isinstance(dim, int) else dim)} or set(
        range(len(shape))
    )
    if keepdim:
        return tuple(1 if axis in dims else s for axis, s in enumerate(shape))
    return tuple(s for axis, s in enumerate(shape) if axis not in dims)


# Reductions that give one of the elements, which has to be there.
_OF_SOMETHING = frozenset("amax amin aminmax argmax argmin max median min mode nanmedian".split())


def _reduction_rule(dim_position: int, keepdim_position: int, *functions: Any) -> None:
    def apply_rule(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
        if len(args) > 1 and isinstance(args[1], torch.Tensor):
            return pointwise(mode, func, args, kwargs)  # torch.max(a, b)
        if not mode.has_symbols(args, kwargs):
            return mode.without_rule(func, args, kwargs, name_of(func))
        given = dict(enumerate(args))
        dim = given.get(dim_position, kwargs.get("dim"))
        if dim is None and name_of(func) == "mode":
            dim = -1
        dim = None if isinstance(dim, bool) else dim  # torch.std(input, unbiased)
        keepdim = given.get(keepdim_position, kwargs.get("keepdim", False))
        sizes = mode.shape(first_argument(args, kwargs))
        shape = _reduced(sizes, dim, keepdim)
        if name_of(func) in _OF_SOMETHING:
            _ = all(size > 0 for size in sizes)  # or torch may raise
        out = mode.real(func, args, kwargs)
        for item in [out] if isinstance(out, torch.Tensor) else out:
            mode.know(item, shape, name_of(func), mode.tainted(args, kwargs))
        return out

    rule(*functions)(apply_rule)


_reduction_rule(
    1, 2,
    *"sum mean prod amax amin any all argmax argmin logsumexp max min median aminmax mode nanmean "
    "nanmedian nansum".split(),
)  # fmt: skip
_reduction_rule(1, 3, "std", "var", "std_mean", "var_mean")
_reduction_rule(2, 3, "norm", torch.functional.norm, torch.linalg.norm, torch.linalg.vector_norm)


@call_rule("count_nonzero")
def _count_nonzero(input: Sizes, dim: Any = None) -> Sizes:
    return _reduced(input, dim, keepdim=False)
