"""The rules of symbolic shapes: what sizes each torch operation gives its result.

A rule is called by the function mode (`symcount.trace.tensors.Tensors`) with the arguments of the
call. It runs the operation on the hints and tells the mode the symbolic sizes of the result; the
mode compares the two, so that a rule that is wrong stops the run. The ways in which an operation
may raise, such as sizes that do not broadcast, are compared on the symbols and so become
conditions of the path.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import torch

from symcount.trace.builtins import apply_to, apply_to_pair, is_symbol, specialised, unrolled
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


_C: Any = torch._C
_OWNERS = (torch.Tensor, torch, torch.nn.functional, _C._nn, _C._special, _C._linalg)  # fmt: skip


def rule(*functions: Any) -> Callable[[Rule], Rule]:
    """Register a rule for torch functions; names are looked up in all of torch's modules."""

    def add(function: Rule) -> Rule:
        for target in functions:
            if isinstance(target, str):
                owners = _OWNERS
                found = [getattr(o, target) for o in owners if hasattr(o, target)]
            else:
                found = [target]
            for item in found:
                RULES[item] = function
        return function

    return add


# Functions that tell the sizes of a tensor, or give as many tensors as one of them says.
SIZES: set[Any] = set()


def asks_for_sizes(function: Rule) -> Rule:
    """Mark a rule as that of functions to which a tensor of unknown shape is an error."""
    SIZES.update(func for func, its_rule in RULES.items() if its_rule is function)
    return function


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


def _shapes_in_place(mode: Tensors, value: Any) -> Any:
    """`value` with the shape in the place of each tensor."""
    if isinstance(value, torch.Tensor):
        return mode.shape(value)
    if type(value) in (tuple, list):
        return type(value)(_shapes_in_place(mode, item) for item in value)
    return value


def call_rule(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a rule for a call whose arguments are taken by their names.

    The decorated function takes the arguments of the operation, by the names torch has for them,
    with shapes in the place of tensors. It returns the sizes of the result, or a list of them if
    the operation has several; None stands for sizes that are not known, and is also the answer
    where torch raises. Arguments it has no name for are left to torch: what comes of such a call
    has no known sizes.
    """

    def add(compute: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(compute)

        def apply_call_rule(
            mode: Tensors, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
        ) -> Any:
            given = {"input" if k == "self" else k: v for k, v in kwargs.items()}
            try:
                bound = signature.bind(*args, **given)
            except TypeError:
                return mode.without_rule(func, args, kwargs, name_of(func))
            if not mode.has_symbols(args, kwargs):
                return mode.without_rule(func, args, kwargs, name_of(func))
            sizes = compute(
                *_shapes_in_place(mode, bound.args),
                **{k: _shapes_in_place(mode, v) for k, v in bound.kwargs.items()},
            )
            out = mode.real(func, args, kwargs)
            results = [out] if isinstance(out, torch.Tensor) else list(out)
            several = sizes if isinstance(sizes, list) else [sizes] * len(results)
            for item, shape in zip(results, several, strict=True):
                mode.know(item, shape, name_of(func), mode.tainted(args, kwargs))
            return out

        apply_call_rule.__name__ = compute.__name__
        rule(*functions)(apply_call_rule)
        return compute

    return add


def axis_of(dim: int, rank: int) -> int | None:
    """The axis that a dimension counted from the start or the end is; None if there is none."""
    return dim % rank if -rank <= dim < rank else None


def replaced(shape: Sizes, axis: int, *sizes: Size) -> Sizes:
    """A shape with other sizes in the place of one."""
    return (*shape[:axis], *sizes, *shape[axis + 1 :])


# --- creation ---------------------------------------------------------------------------------


def sizes_of(args: Sequence[Any]) -> Sizes:
    """Sizes that are given as one sequence or one by one."""
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
    sizes = sizes_of(args) if args else sizes_of((kwargs.pop("size"),))
    return _create(mode, func, sizes, (sizes,), kwargs)


@rule(torch.full)
def _create_full(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    kwargs = dict(kwargs)
    size = args[0] if args else kwargs.pop("size")
    value = args[1] if len(args) > 1 else kwargs.pop("fill_value")
    return _create(mode, func, sizes_of((size,)), (tuple(size), value), kwargs)


@rule(torch.randint)
def _create_randint(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    size = kwargs.get("size", args[-1] if args else ())
    return _create(mode, func, sizes_of((size,)), args, kwargs)


@rule(torch.normal)
def _create_normal(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    tensors = [a for a in args if isinstance(a, torch.Tensor)]
    if tensors:
        return mode.result(func, args, kwargs, mode.shape(tensors[0]))
    size = kwargs.get("size", args[2] if len(args) > 2 else ())
    return _create(mode, torch.empty, sizes_of((size,)), (tuple(size),), {})


@rule(torch.randperm)
def _create_randperm(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    return _create(mode, func, (args[0],), args, kwargs)


@rule(torch.eye)
def _create_eye(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    kwargs = dict(kwargs)
    rows = args[0] if args else kwargs.pop("n")
    columns = args[1] if len(args) > 1 else kwargs.pop("m", rows)
    return _create(mode, func, (rows, columns), (rows, columns), kwargs)


@rule("bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window")
def _create_window(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    kwargs = dict(kwargs)
    length = args[0] if args else kwargs.pop("window_length")
    return _create(mode, func, (length,), (length, *args[1:]), kwargs)


@rule("new_tensor")
def _create_new_tensor(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    data = args[1] if len(args) > 1 else kwargs["data"]
    if isinstance(data, torch.Tensor):
        return mode.result(func, args, kwargs, mode.shape(data))
    out = mode.real(func, args, kwargs)
    return mode.know(out, tuple(out.shape), "new_tensor", mode.tainted((data,), {}))


@rule("new_empty", "new_zeros", "new_ones", "new_full", "new")
def _create_new(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    kwargs = dict(kwargs)
    name = name_of(func)
    if name == "new" and any(isinstance(a, torch.Tensor | list) for a in args[1:]):
        return mode.without_rule(func, args, kwargs, name)
    given = args[1:] if len(args) > 1 else (kwargs.pop("size"),)
    if name == "new_full":
        return _create(mode, func, sizes_of(given[:1]), args, kwargs)
    sizes = sizes_of(given)
    if name == "new":
        return _create(mode, torch.empty, sizes, (sizes,), {"dtype": args[0].dtype})
    return _create(mode, func, sizes, (args[0], sizes), kwargs)


@rule("empty_like", "zeros_like", "ones_like", "rand_like", "randn_like", "full_like")
def _create_like(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    return _create(mode, func, mode.shape(first_argument(args, kwargs)), args, kwargs)


# --- small tensors with values -----------------------------------------------------------------


def ceil_div(a: Size, b: Size) -> Size:
    """The quotient of integers, rounded up."""
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


def _count_of_arange(start: Any, end: Any, step: Any, dtype: torch.dtype | None) -> Size | None:
    """How many numbers there are from `start` to `end`, as torch computes it, if that is known."""
    numbers = start, end, step
    if not all(isinstance(n, int | float) for n in numbers) or step == 0:
        return None
    if not (end >= start if step > 0 else end <= start):
        return None  # torch raises
    if all(isinstance(n, int) for n in numbers):
        return ceil_div(end - start, step)
    if dtype is not None and not dtype.is_floating_point:
        return None  # of an integer dtype the bounds are rounded first
    start, end, step = (_double(n) for n in numbers)
    return apply_to("ceil", (end - start) / step)  # in doubles, whatever the dtype


def _double(value: Any) -> Any:
    if type(value) is SymInt:
        return apply_to("float", value)
    return value if is_symbol(value) else float(value)


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
        counted = _count_of_arange(start, end, step, given.get("dtype"))
        if name_of(func) != "arange" or counted is None:
            out = mode.real(func, (start, end, step), {**given, "device": "meta"})
            return mode.know(out, None, name_of(func), tainted=True)
        shape = (counted,)
    return _with_values(mode, func, (start, end, step), given, shape, count <= _LARGEST_REAL)


@rule(torch.linspace, torch.logspace)
def _linspace(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    steps = kwargs["steps"] if "steps" in kwargs else args[2]
    _ = steps >= 0  # or torch raises
    return _with_values(mode, func, args, kwargs, (steps,), hint(steps) <= _LARGEST_REAL)


def _count_of_triangle(rows: Size, columns: Size, offset: Size) -> Size:
    """How many elements of a matrix are on or below a diagonal."""
    if not (rows > 0 and columns > 0 and rows + offset > 0):
        return 0
    # the first rows that reach below the diagonal widen by one, the last are as wide as there is
    first = apply_to_pair("min", columns, 1 + offset) if offset > 0 else 1
    last = apply_to_pair("min", columns, rows + offset)
    widening = last - first + 1
    full = apply_to_pair("min", rows, rows + offset) - widening
    return (first + last) * widening // 2 + apply_to_pair("max", full, 0) * columns


@rule(torch.tril_indices, torch.triu_indices)
def _triangle_indices(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    names = ("row", "col", "offset")
    given = {"offset": 0, **dict(zip(names, args, strict=False)), **kwargs}
    rows, columns, offset = (given.pop(name) for name in names)
    _nonnegative((rows, columns))
    if name_of(func) == "tril_indices":
        count = _count_of_triangle(rows, columns, offset)
    else:
        count = rows * columns - _count_of_triangle(rows, columns, offset - 1)
    return _with_values(
        mode, func, (rows, columns, offset), given, (2, count), hint(count) <= _LARGEST_REAL
    )


@rule(torch.tensor, torch.as_tensor, torch.scalar_tensor, torch.asarray)
def _tensor(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    data = first_argument(args, kwargs, "data")
    if isinstance(data, torch.Tensor):
        kwargs = {k: v for k, v in kwargs.items() if k != "device"}
        return mode.result(func, args, kwargs, mode.shape(data))
    return _with_values(mode, func, args, kwargs, None, small=True)


@rule("item", "tolist", "__bool__", "__int__", "__float__", "__index__", "numpy")
def _read_values(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    name = name_of(func)
    known = mode.known.get(id(args[0]))
    if known is not None and known.shape is not None and symbolic(known.shape):
        if name not in ("tolist", "numpy"):
            _ = product(known.shape) == 1  # or torch raises
        elif not args[0].is_meta:
            for size in known.shape:  # what is read has a length that is a plain number
                unrolled(size)
    values = mode.real(func, args, kwargs)
    if mode.tainted(args, {}):
        return mode.run.concretise_value(f"Tensor.{name}()", values)
    return values


# --- same shape -------------------------------------------------------------------------------

_SAME = """
abs absolute acos acosh asin asinh atan atanh bernoulli bitwise_not bfloat16 bool ceil celu
clone conj contiguous cos cosh cumprod cumsum deg2rad detach double dropout elu erf erfc erfinv
exp exp2 expm1 fix flip float floor frac gelu half hardswish hardtanh int isfinite isinf isnan
leaky_relu log log10 log1p log2 log_softmax logical_not logit long mish nan_to_num neg negative
normalize positive rad2deg reciprocal relu relu6 roll round rsqrt selu sgn short sigmoid sign silu
sin sinh softmax softplus sqrt square tan tanh tril triu trunc _weight_norm __neg__ __invert__
__abs__ __pos__ __deepcopy__ requires_grad_ detach_ renorm sort argsort
alpha_dropout angle arccos arccosh arcsin arcsinh arctan arctanh byte cdouble cfloat chalf char
conj_physical cummax cummin digamma feature_alpha_dropout feature_dropout fliplr flipud frexp
hardshrink i0 isneginf isposinf isreal lgamma log_sigmoid logcumsumexp msort native_dropout real
resolve_conj resolve_neg rrelu rrelu_with_noise signbit sinc softmin softshrink softsign
special_digamma special_erf special_expit special_expm1 special_gammaln special_i0 special_log1p
special_log_softmax special_ndtr special_ndtri special_sinc special_softmax tanhshrink threshold
__reversed__
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
    mode.remember_origin(out, (args, kwargs))
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


@asks_for_sizes
@rule(getter("shape"))
def _shape(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    return _size_of(mode, args[0])


@asks_for_sizes
@rule("size")
def _size(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    dim = args[1] if len(args) > 1 else kwargs.get("dim")
    size = _size_of(mode, args[0])
    return size if dim is None else size[operator.index(dim)]


@asks_for_sizes
@rule("numel", "nelement")
def _numel(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    return product(mode.shape(args[0]))


@asks_for_sizes
@rule(getter("nbytes"))
def _nbytes(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    return product(mode.shape(args[0])) * args[0].itemsize


def length_of(tensor: torch.Tensor, size: Size) -> Any:
    """How many elements are gone through: of a list of rates, as often as a loop has iterations."""
    return specialised(size) if tensor.is_meta else unrolled(size)


@asks_for_sizes
@rule("__len__")
def _len(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    mode.real(func, args, kwargs)
    return length_of(args[0], mode.shape(args[0])[0])
