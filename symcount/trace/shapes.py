"""The rules of symbolic shapes: what sizes each torch operation gives its result.

A rule is called by the function mode (`symcount.trace.tensors.Tensors`) with the arguments of the
call. It runs the operation on the hints and tells the mode the symbolic sizes of the result; the
mode compares the two, so that a rule that is wrong stops the run. The ways in which an operation
may raise, such as sizes that do not broadcast, are compared on the symbols and so become
conditions of the path.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import torch

from symcount.trace.builtins import apply_to_pair, is_symbol, specialised, unrolled
from symcount.trace.numbers import SymInt, hint

if TYPE_CHECKING:
    from symcount.trace.tensors import Tensors

Size: TypeAlias = Any  # int or SymInt
Sizes: TypeAlias = tuple[Size, ...]
Rule: TypeAlias = "Callable[[Tensors, Any, tuple[Any, ...], dict[str, Any]], Any]"

RULES: dict[Any, Rule] = {}

# a value-bearing tensor larger than this stays on the meta device
_LARGEST_REAL = 1 << 16


class SymSize(tuple[Size, ...]):
    """A shape with symbolic sizes; passes for a `torch.Size`."""

    __slots__ = ()

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return torch.Size

    def numel(self) -> Size:
        """The product of the sizes."""
        return product(self)

    def __getitem__(self, index: Any) -> Any:
        item = tuple.__getitem__(self, index)
        return SymSize(item) if isinstance(index, slice) else item

    def __add__(self, other: Any) -> Any:
        return SymSize((*self, *other))

    def __radd__(self, other: Any) -> Any:
        return SymSize((*other, *self))


def product(sizes: Sequence[Size]) -> Size:
    """The product of sizes, symbolic if one of them is."""
    result: Size = 1
    for size in sizes:
        result = result * size
    return result


def symbolic(shape: Sequence[Size]) -> bool:
    """Whether one of the sizes is a symbol."""
    return any(type(size) is SymInt for size in shape)


def plain(value: Any) -> Any:
    """`value` with the hint in place of each symbol."""
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


def leaves(value: Any) -> Iterator[Any]:
    """The symbols, tensors and other values inside the arguments of a call."""
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


def name_of(func: Any) -> str:
    name = getattr(func, "__name__", None) or str(func)
    if name in ("__get__", "__set__"):
        name = getattr(getattr(func, "__self__", None), "__name__", name)
    return str(name)


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


def in_place(name: str) -> bool:
    if name.startswith("__i") and name.endswith("__"):
        return name in (
            "__iadd__ __isub__ __imul__ __idiv__ __itruediv__ __ifloordiv__ __imod__ __ipow__ "
            "__iand__ __ior__ __ixor__"
        )
    return name.endswith("_") and not name.endswith("__") and name not in _RESHAPING


def first_argument(args: tuple[Any, ...], kwargs: dict[str, Any], name: str = "input") -> Any:
    if args:
        return args[0]
    return kwargs[name] if name in kwargs else next(iter(kwargs.values()), None)


def getter(name: str) -> Any:
    """The function that a mode sees when a property of a tensor is read."""
    return getattr(torch.Tensor, name).__get__


def setter(name: str) -> Any:
    """The function that a mode sees when a property of a tensor is set."""
    return getattr(torch.Tensor, name).__set__


def rule(*functions: Any) -> Callable[[Rule], Rule]:
    """Register a rule for torch functions; names are looked up on `torch.Tensor` and `torch`."""

    def add(function: Rule) -> Rule:
        for target in functions:
            if isinstance(target, str):
                owners: list[Any] = [torch.Tensor, torch, torch.nn.functional, torch._C._nn]
                found = [getattr(o, target) for o in owners if hasattr(o, target)]
            else:
                found = [target]
            for item in found:
                RULES[item] = function
        return function

    return add


def shape_rule(
    *functions: Any,
) -> Callable[[Callable[..., Sizes | None]], Callable[..., Sizes | None]]:
    """Register a rule whose shape is computed by the decorated function.

    The function takes the shape of the first tensor and the other arguments as given.
    """

    def add(compute: Callable[..., Sizes | None]) -> Callable[..., Sizes | None]:
        def apply_rule(
            mode: Tensors, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
        ) -> Any:
            tensor = first_argument(args, kwargs)
            if not mode.has_symbols(args, kwargs):
                return mode.without_rule(func, args, kwargs, name_of(func))
            rest = {k: v for k, v in kwargs.items() if k not in ("input", "self", "out")}
            return mode.result(func, args, kwargs, compute(mode.shape(tensor), *args[1:], **rest))

        rule(*functions)(apply_rule)
        return compute

    return add


# --- creation ---------------------------------------------------------------------------------


def _sizes(args: Sequence[Any]) -> Sizes:
    if len(args) == 1 and not is_symbol(args[0]) and isinstance(args[0], Sequence):
        return tuple(args[0])
    return tuple(args)


def _nonnegative(sizes: Sizes) -> None:
    """Record that sizes must not be negative, or torch raises."""
    for size in sizes:
        if type(size) is SymInt and not size >= 0:
            break


_META = torch.device("meta")
_OF_MEMORY = frozenset(["device", "pin_memory", "out", "generator", "memory_format"])


def _create(
    mode: Tensors, func: Any, sizes: Sizes, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    kwargs = {k: v for k, v in kwargs.items() if k not in _OF_MEMORY}
    kwargs["device"] = _META
    _nonnegative(sizes)
    with torch._C.DisableTorchFunction():
        out = func(*plain(args), **plain(kwargs))
    return mode.know(out, sizes, name_of(func))


@rule(torch.empty, torch.zeros, torch.ones, torch.rand, torch.randn)
def _create_of_sizes(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    kwargs = dict(kwargs)
    sizes = _sizes(args) if args else _sizes((kwargs.pop("size"),))
    return _create(mode, func, sizes, (sizes,), kwargs)


@rule(torch.full)
def _create_full(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    kwargs = dict(kwargs)
    size = args[0] if args else kwargs.pop("size")
    value = args[1] if len(args) > 1 else kwargs.pop("fill_value")
    return _create(mode, func, _sizes((size,)), (tuple(size), value), kwargs)


@rule(torch.randint)
def _create_randint(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    size = kwargs.get("size", args[-1] if args else ())
    return _create(mode, func, _sizes((size,)), args, kwargs)


@rule(torch.normal)
def _create_normal(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    tensors = [a for a in args if isinstance(a, torch.Tensor)]
    if tensors:
        return mode.result(func, args, kwargs, mode.shape(tensors[0]))
    size = kwargs.get("size", args[2] if len(args) > 2 else ())
    return _create(mode, torch.empty, _sizes((size,)), (tuple(size),), {})


@rule(torch.randperm)
def _create_randperm(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    return _create(mode, func, (args[0],), args, kwargs)


@rule(torch.eye)
def _create_eye(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    kwargs = dict(kwargs)
    rows = args[0] if args else kwargs.pop("n")
    columns = args[1] if len(args) > 1 else kwargs.pop("m", rows)
    return _create(mode, func, (rows, columns), (rows, columns), kwargs)


@rule("new_empty", "new_zeros", "new_ones", "new_full", "new")
def _create_new(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    kwargs = dict(kwargs)
    name = name_of(func)
    if name == "new" and any(isinstance(a, torch.Tensor | list) for a in args[1:]):
        return mode.without_rule(func, args, kwargs, name)
    given = args[1:] if len(args) > 1 else (kwargs.pop("size"),)
    if name == "new_full":
        return _create(mode, func, _sizes(given[:1]), args, kwargs)
    sizes = _sizes(given)
    if name == "new":
        return _create(mode, torch.empty, sizes, (sizes,), {"dtype": args[0].dtype})
    return _create(mode, func, sizes, (args[0], sizes), kwargs)


@rule("empty_like", "zeros_like", "ones_like", "rand_like", "randn_like", "full_like")
def _create_like(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    return _create(mode, func, mode.shape(first_argument(args, kwargs)), args, kwargs)


# --- small tensors with values -----------------------------------------------------------------


def _ceil_div(a: Size, b: Size) -> Size:
    return -((-a) // b)


def _with_values(
    mode: Tensors, func: Any, args: Any, kwargs: Any, shape: Sizes | None, small: bool
) -> Any:
    kwargs = dict(kwargs)
    device = torch.device(kwargs.get("device") or "cpu")
    kwargs["device"] = "meta" if device.type == "meta" or not small else "cpu"
    tainted = mode.tainted(args, kwargs)
    out = mode.real(func, args, kwargs)
    return mode.know(out, tuple(out.shape) if shape is None else shape, name_of(func), tainted)


@rule(torch.arange, torch.range)
def _arange(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    given = dict(kwargs)
    if len(args) == 1 and "end" not in given:
        args = (given.pop("start", 0), *args)
    bounds = {"start": 0, "step": 1, **dict(zip(("start", "end", "step"), args, strict=False))}
    bounds |= {name: given.pop(name) for name in ("start", "end", "step") if name in given}
    start, end, step = bounds["start"], bounds["end"], bounds["step"]
    count = abs((hint(end) - hint(start)) / (hint(step) or 1))
    shape = None
    if any(map(is_symbol, (start, end, step))):
        if name_of(func) != "arange" or not all(isinstance(b, int) for b in (start, end, step)):
            out = mode.real(func, (start, end, step), {**given, "device": "meta"})
            return mode.know(out, None, name_of(func), tainted=True)
        _ = end >= start if step > 0 else end <= start  # or torch raises
        shape = (_ceil_div(end - start, step),)
    return _with_values(mode, func, (start, end, step), given, shape, count <= _LARGEST_REAL)


@rule(torch.linspace, torch.logspace)
def _linspace(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    steps = kwargs["steps"] if "steps" in kwargs else args[2]
    _ = steps >= 0  # or torch raises
    return _with_values(mode, func, args, kwargs, (steps,), hint(steps) <= _LARGEST_REAL)


@rule(torch.tensor, torch.as_tensor, torch.scalar_tensor, torch.asarray)
def _tensor(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    data = first_argument(args, kwargs, "data")
    if isinstance(data, torch.Tensor):
        kwargs = {k: v for k, v in kwargs.items() if k != "device"}
        return mode.result(func, args, kwargs, mode.shape(data))
    return _with_values(mode, func, args, kwargs, None, small=True)


@rule("item", "tolist", "__bool__", "__int__", "__float__", "__index__", "numpy")
def _read_values(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    values = mode.real(func, args, kwargs)
    if mode.tainted(args, {}):
        return mode.run.concretise_value(f"Tensor.{name_of(func)}()", values)
    return values


# --- same shape -------------------------------------------------------------------------------

_SAME = """
abs absolute acos acosh asin asinh atan atanh bernoulli bitwise_not bfloat16 bool ceil celu
clone conj contiguous cos cosh cumprod cumsum deg2rad detach double dropout elu erf erfc erfinv
exp exp2 expm1 fix flip float floor frac gelu half hardswish hardtanh int isfinite isinf isnan
leaky_relu log log10 log1p log2 log_softmax logical_not logit long mish nan_to_num neg negative
normalize positive rad2deg reciprocal relu relu6 roll round rsqrt selu sgn short sigmoid sign silu
sin sinh softmax softplus sqrt square tan tanh tril triu trunc _weight_norm __neg__ __invert__
__abs__ __pos__ __deepcopy__ clamp clamp_min clamp_max clip layer_norm group_norm
masked_fill requires_grad_ detach_ renorm sort argsort
""".split()


@rule(*_SAME, getter("data"), getter("grad"))
def _same_shape(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    tensor = first_argument(args, kwargs)
    out = mode.real(func, args, kwargs)
    known = mode.known.get(id(tensor))
    for item in leaves(out):  # values and indices of a sort
        if isinstance(item, torch.Tensor) and item is not tensor:
            shape = None if known is None else known.shape
            mode.know(item, shape, name_of(func), mode.tainted(args, kwargs))
    return out


@rule("to", "cuda", "cpu", "type", "type_as", "xpu")
def _convert(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    """Change the dtype and leave the device: nothing here has a real device to go to."""
    tensor = args[0]
    given = (*args[1:], *kwargs.values())
    name = name_of(func)
    if name == "type" and not given:
        return mode.real(func, args, kwargs)
    meta = any(isinstance(g, str | torch.device) and str(g) == "meta" for g in given)
    dtype = next((g for g in given if isinstance(g, torch.dtype)), None)
    if name in ("to", "type_as") and dtype is None:
        dtype = next((g.dtype for g in given if isinstance(g, torch.Tensor)), None)
    with torch._C.DisableTorchFunction():
        if name == "type" and dtype is None:
            dtype = torch.empty(0).type(given[0]).dtype
        out = tensor.to(device="meta" if meta else tensor.device, dtype=dtype or tensor.dtype)
    return out if out is tensor else mode.know(out, mode.shape(tensor), name)


@rule(setter("data"))
def _set_data(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    tensor, value = args
    shape = mode.shape(value)
    mode.real(func, args, kwargs)
    mode.know(tensor, shape, "data")


@rule("__setitem__")
def _set_item(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    target, index, value = args
    if mode.has_symbols(args, kwargs):
        shape = getitem_shape(mode.shape(target), index)
        if shape is not None and isinstance(value, torch.Tensor):
            fits_into(mode.shape(value), shape)
    mode.real(func, args, kwargs)


@rule(
    torch._C._set_grad_enabled,
    *(
        getter(name)
        for name in "dtype device layout is_meta is_cuda is_leaf requires_grad ndim grad_fn".split()
    ),
    setter("requires_grad"),
    "dim",
    "is_floating_point",
    "is_complex",
)
def _sizeless(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    return func(*args, **kwargs)


# --- asking for shapes ------------------------------------------------------------------------


def _size_of(mode: Tensors, tensor: torch.Tensor) -> Any:
    shape = mode.shape(tensor)
    return SymSize(shape) if symbolic(shape) else torch.Size(shape)


@rule(getter("shape"))
def _shape(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    return _size_of(mode, args[0])


@rule("size")
def _size(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    dim = args[1] if len(args) > 1 else kwargs.get("dim")
    size = _size_of(mode, args[0])
    return size if dim is None else size[operator.index(dim)]


@rule("numel", "nelement")
def _numel(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    return product(mode.shape(args[0]))


@rule(getter("nbytes"))
def _nbytes(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    return product(mode.shape(args[0])) * args[0].itemsize


def _length(tensor: torch.Tensor, size: Size) -> Any:
    """How many elements are gone through: of a list of rates, as often as a loop has iterations."""
    return specialised(size) if tensor.is_meta else unrolled(size)


@rule("__len__")
def _len(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    mode.real(func, args, kwargs)
    return _length(args[0], mode.shape(args[0])[0])


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
    return _reshaped(shape, _sizes(given))


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


@shape_rule("unsqueeze")
def _unsqueeze(shape: Sizes, dim: int) -> Sizes:
    dim %= len(shape) + 1
    return (*shape[:dim], 1, *shape[dim:])


@shape_rule("squeeze")
def _squeeze(shape: Sizes, dim: Any = None) -> Sizes:
    dims = range(len(shape)) if dim is None else [dim] if isinstance(dim, int) else dim
    gone = {d % len(shape) for d in dims}
    return tuple(s for d, s in enumerate(shape) if not (d in gone and s == 1))


@shape_rule("transpose", "swapaxes", "swapdims")
def _transpose(shape: Sizes, dim0: int, dim1: int) -> Sizes:
    sizes = list(shape)
    sizes[dim0], sizes[dim1] = sizes[dim1], sizes[dim0]
    return tuple(sizes)


@shape_rule("t", getter("T"), getter("H"))
def _t(shape: Sizes) -> Sizes:
    return shape[::-1]


@shape_rule(getter("mT"), getter("mH"), "adjoint")
def _m_t(shape: Sizes) -> Sizes:
    return (*shape[:-2], shape[-1], shape[-2])


@shape_rule("permute")
def _permute(shape: Sizes, *dims: Any) -> Sizes:
    return tuple(shape[d] for d in _sizes(dims))


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
    wanted = _sizes((*sizes, *(v for k, v in named.items() if k in ("size", "sizes"))))
    new = len(wanted) - len(shape)
    result = list(wanted[:new])
    for have, want in zip(shape, wanted[new:], strict=True):
        if type(want) is int and want == -1:
            result.append(have)
        else:
            result.append(_together(have, want))
    return tuple(result)


@rule("expand_as", "view_as", "reshape_as")
def _like_other(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    tensor, other = args
    shape = mode.shape(other)
    if name_of(func) == "expand_as":
        _broadcast(mode.shape(tensor), shape)
    else:
        _reshaped(mode.shape(tensor), shape)
    return mode.result(func, args, kwargs, shape)


@shape_rule("repeat", "tile")
def _repeat(shape: Sizes, *repeats: Any, **named: Any) -> Sizes:
    times = _sizes((*repeats, *named.values()))
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


@shape_rule("pad")
def _pad(shape: Sizes, pad: Any, mode: str = "constant", value: Any = None) -> Sizes:
    sizes = list(shape)
    for axis in range(len(pad) // 2):
        sizes[-1 - axis] = sizes[-1 - axis] + pad[2 * axis] + pad[2 * axis + 1]
    return tuple(sizes)


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
    length = length if type(step) is int and step == 1 else _ceil_div(length, step)
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


# --- several tensors --------------------------------------------------------------------------


def _together(a: Size, b: Size) -> Size:
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


def _broadcast(*shapes: Sizes) -> Sizes:
    rank = max(map(len, shapes))
    result: Sizes = (1,) * rank
    for shape in shapes:
        padded = (*(1,) * (rank - len(shape)), *shape)
        result = tuple(map(_together, result, padded))
    return result


_BROADCASTING = """
add sub subtract mul multiply div divide true_divide floor_divide fmod remainder pow float_power
maximum minimum fmax fmin atan2 hypot lerp where logical_and logical_or logical_xor bitwise_and
bitwise_or bitwise_xor eq ne lt le gt ge isclose copysign addcmul addcdiv
__add__ __radd__ __sub__ __rsub__ __mul__ __rmul__ __truediv__ __rtruediv__ __div__ __rdiv__
__floordiv__ __rfloordiv__ __mod__ __rmod__ __pow__ __rpow__ __and__ __rand__ __or__ __ror__
__xor__ __rxor__ __eq__ __ne__ __lt__ __le__ __gt__ __ge__
""".split()


@rule(*_BROADCASTING)
def _pointwise(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    if not mode.has_symbols(args, kwargs):
        return mode.without_rule(func, args, kwargs, name_of(func))
    tensors = [x for x in (*args, *kwargs.values()) if isinstance(x, torch.Tensor)]
    return mode.result(func, args, kwargs, _broadcast(*map(mode.shape, tensors)))


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
        specialised(_ceil_div(total, size))
        return [size] * (count - 1) + [total - size * (count - 1)]

    return lengths


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


@rule("chunk")
def _chunk(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    tensor = args[0]
    chunks = specialised(args[1] if len(args) > 1 else kwargs["chunks"])
    dim = args[2] if len(args) > 2 else kwargs.get("dim", 0)
    total = mode.shape(tensor)[dim]
    lengths = _equal_lengths(total, _ceil_div(total, chunks) if total != 0 else 0)
    return _pieces(mode, torch.Tensor.chunk, (tensor, chunks, dim), dim, lengths)


@rule("unbind", "__iter__")
def _unbind(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    dim = args[1] if len(args) > 1 else kwargs.get("dim", 0)
    _length(args[0], mode.shape(args[0])[dim])
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


@rule("matmul", "__matmul__", "__rmatmul__", "mm", "bmm", "mv", "dot", "vdot")
def _matmul(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    if not mode.has_symbols(args, kwargs):
        return mode.without_rule(func, args, kwargs, name_of(func))
    a, b = mode.shape(args[0]), mode.shape(args[1])
    if name_of(func) == "__rmatmul__":
        a, b = b, a
    if (b[-2] if len(b) > 1 else b[-1]) != a[-1]:
        return mode.real(func, args, kwargs)  # torch raises
    rows = a[-2:-1]
    columns = b[-1:] if len(b) > 1 else ()
    batch = _broadcast(a[:-2], b[:-2]) if a[:-2] or b[:-2] else ()
    return mode.result(
        func,
        args,
        {**kwargs, "out": None} if "out" in kwargs else kwargs,
        (*batch, *rows, *columns),
    )


@rule("outer", "ger")
def _outer(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    shape = (*mode.shape(args[0]), *mode.shape(args[1]))
    return mode.result(func, args, kwargs, shape)


@rule("inner")
def _inner(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    a, b = mode.shape(args[0]), mode.shape(args[1])
    if not a or not b:
        return _pointwise(mode, func, args, kwargs)
    _ = a[-1] == b[-1]  # or torch raises
    return mode.result(func, args, kwargs, (*a[:-1], *b[:-1]))


@rule("linear")
def _linear(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    values = dict(zip(("input", "weight", "bias"), args, strict=False)) | kwargs
    shape, weight = mode.shape(values["input"]), mode.shape(values["weight"])
    if shape[-1] != weight[-1]:
        return mode.real(func, args, kwargs)  # torch raises
    return mode.result(func, args, kwargs, (*shape[:-1], *weight[:-1]))


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


def _reduction_rule(dim_position: int, keepdim_position: int, *functions: Any) -> None:
    def apply_rule(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
        if len(args) > 1 and isinstance(args[1], torch.Tensor):
            return _pointwise(mode, func, args, kwargs)  # torch.max(a, b)
        if not mode.has_symbols(args, kwargs):
            return mode.without_rule(func, args, kwargs, name_of(func))
        given = dict(enumerate(args))
        dim = given.get(dim_position, kwargs.get("dim"))
        dim = None if isinstance(dim, bool) else dim  # torch.std(input, unbiased)
        keepdim = given.get(keepdim_position, kwargs.get("keepdim", False))
        shape = _reduced(mode.shape(first_argument(args, kwargs)), dim, keepdim)
        out = mode.real(func, args, kwargs)
        for item in [out] if isinstance(out, torch.Tensor) else out:
            mode.know(item, shape, name_of(func), mode.tainted(args, kwargs))
        return out

    rule(*functions)(apply_rule)


_reduction_rule(
    1, 2, *"sum mean prod amax amin any all argmax argmin logsumexp max min median".split()
)
_reduction_rule(1, 3, "std", "var")
_reduction_rule(2, 3, "norm", torch.functional.norm, torch.linalg.norm, torch.linalg.vector_norm)

# What tells the sizes of a tensor, or gives as many tensors as one of them says.
SIZES = frozenset(
    func for func, its_rule in RULES.items()
    if its_rule in (_shape, _size, _numel, _nbytes, _len, _unbind, _split, _chunk)
)  # fmt: skip
