"""Rules of functions that make tensors from sizes, from numbers, or like another tensor."""

from __future__ import annotations

from typing import Any

import numpy
import torch

from symcount.trace.handlers import may_be_caught
from symcount.trace.loops import REPEATED
from symcount.trace.proxies import SymInt, hint
from symcount.trace.stand_ins import apply_to, apply_to_pair, is_symbol
from symcount.trace.tensors.arrays import follow, holds_arrays
from symcount.trace.tensors.calls import first_argument, plain
from symcount.trace.tensors.known import to_meta
from symcount.trace.tensors.registering import Rules, TorchCall
from symcount.trace.tensors.sizes import (
    Dims,
    Size,
    ceil_div,
    grows,
    not_negative,
    product,
    sizes_of,
    torch_may_require,
    torch_requires,
)

RULES = Rules()

_META = torch.device("meta")
_OF_MEMORY = frozenset(["device", "pin_memory", "out", "generator", "memory_format"])
# Torch has no number for more.
_MOST_BYTES = 2**63 - 1
# a tensor with values that is larger than this stays on the meta device
_LARGEST_REAL = 1 << 16


def _create(call: TorchCall, sizes: Dims, args: tuple[Any, ...], *named: str) -> Any:
    """Create a tensor without values on the meta device.

    `args` are what the function is to take in the place of its own, and `named` those that were
    given by name and are among them.
    """
    left_out = _OF_MEMORY.union(named)
    kwargs = {k: v for k, v in call.kwargs.items() if k not in left_out}
    torch_requires(not_negative(*(size for size in sizes if type(size) is SymInt)))
    if grows(sizes) and may_be_caught():
        torch_may_require(product(sizes) * _bytes_of_element(call) <= _MOST_BYTES)
    with torch._C.DisableTorchFunction():
        out = call.func(*plain(args), **plain(kwargs), device=_META)
    return call.mode.know(out, sizes, call.name)


def _bytes_of_element(call: TorchCall) -> int:
    """The size of an element of what is created, of which `dtype` may say another."""
    if call.kwargs.get("dtype") is not None:
        return int(call.kwargs["dtype"].itemsize)
    if call.func is torch.randint or call.func is torch.randperm:
        return torch.int64.itemsize
    if call.func is torch.full:
        return torch.tensor(hint(call.argument(1, "fill_value"))).itemsize
    return torch.get_default_dtype().itemsize


@RULES.rule(torch.empty, torch.zeros, torch.ones, torch.rand, torch.randn)
def _of_sizes(call: TorchCall) -> Any:
    sizes = sizes_of(call.args or (call.kwargs["size"],))
    return _create(call, sizes, (sizes,), "size")


@RULES.rule(torch.full)
def _full(call: TorchCall) -> Any:
    size, value = call.argument(0, "size"), call.argument(1, "fill_value")
    return _create(call, sizes_of((size,)), (tuple(size), value), "size", "fill_value")


@RULES.rule(torch.randint)
def _randint(call: TorchCall) -> Any:
    size = call.kwargs.get("size", call.args[-1] if call.args else ())
    return _create(call, sizes_of((size,)), call.args)


@RULES.rule(torch.normal)
def _normal(call: TorchCall) -> Any:
    tensors = [a for a in call.args if isinstance(a, torch.Tensor)]
    if tensors:
        return call.result(call.mode.shape(tensors[0]))
    size = call.argument(2, "size", ())
    return _create(call._replace(func=torch.empty, kwargs={}), sizes_of((size,)), (tuple(size),))


@RULES.rule(torch.randperm)
def _randperm(call: TorchCall) -> Any:
    return _create(call, (call.args[0],), call.args)


@RULES.rule(torch.eye)
def _eye(call: TorchCall) -> Any:
    rows = call.argument(0, "n")
    sizes = rows, call.argument(1, "m", rows)
    return _create(call, sizes, sizes, "n", "m")


@RULES.rule("bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window")
def _window(call: TorchCall) -> Any:
    length = call.argument(0, "window_length")
    return _create(call, (length,), (length, *call.args[1:]), "window_length")


@RULES.rule("new_tensor")
def _new_tensor(call: TorchCall) -> Any:
    data = call.argument(1, "data")
    if isinstance(data, torch.Tensor):
        return call.result(call.mode.shape(data))
    out = call.real()
    return call.mode.know(out, tuple(out.shape), call.name, call.mode.tainted((data,), {}))


@RULES.rule("new_empty", "new_zeros", "new_ones", "new_full", "new")
def _new(call: TorchCall) -> Any:
    tensor, *rest = call.args
    if call.name == "new" and any(isinstance(a, torch.Tensor | list) for a in rest):
        return call.without_rule()
    given = rest or (call.kwargs["size"],)
    if call.name == "new_full":
        return _create(call, sizes_of(given[:1]), call.args, "size")
    sizes = sizes_of(given)
    if call.name == "new":
        call = call._replace(func=torch.empty, kwargs={"dtype": tensor.dtype})
        return _create(call, sizes, (sizes,))
    return _create(call, sizes, (tensor, sizes), "size")


@RULES.rule("empty_like", "zeros_like", "ones_like", "rand_like", "randn_like", "full_like")
def _like(call: TorchCall) -> Any:
    return _create(call, call.shape(), call.args)


# --- small tensors with values ----------------------------------------------------------------


def _create_with_values(call: TorchCall, shape: Dims | None, count: Any = 0) -> Any:
    """Create a tensor for real if it is small; its values may be read."""
    device = torch.device(call.kwargs.get("device") or "cpu")
    small = hint(count) <= _LARGEST_REAL
    place = "meta" if device.type == "meta" or not small else "cpu"
    call = call._replace(kwargs={**call.kwargs, "device": place})
    out = call.real()
    return call.know(out, tuple(out.shape) if shape is None else shape)


def _count_of_arange(start: Any, end: Any, step: Any, dtype: torch.dtype | None) -> Size | None:
    """Count the numbers from `start` to `end` as torch does it, if that is known."""
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


@RULES.rule(torch.arange, torch.range)
def _arange(call: TorchCall) -> Any:
    args, given = call.args, dict(call.kwargs)
    if len(args) == 1 and "end" not in given:
        args = (given.pop("start", 0), *args)
    bounds = {"start": 0, "step": 1, **dict(zip(("start", "end", "step"), args, strict=False))}
    bounds |= {name: given.pop(name) for name in ("start", "end", "step") if name in given}
    start, end, step = bounds["start"], bounds["end"], bounds["step"]
    call = call._replace(args=(start, end, step), kwargs=given)
    shape = None
    if any(map(call.mode.is_tainted, call.args)):
        return call.know(call.real(), None)
    if any(map(is_symbol, call.args)):
        counted = _count_of_arange(start, end, step, given.get("dtype"))
        if call.name != "arange" or counted is None:
            return call._replace(kwargs={**given, "device": "meta"}).result(None)
        shape = (counted,)
    return _create_with_values(call, shape, abs((hint(end) - hint(start)) / (hint(step) or 1)))


@RULES.rule(torch.linspace, torch.logspace)
def _linspace(call: TorchCall) -> Any:
    steps = call.kwargs["steps"] if "steps" in call.kwargs else call.args[2]
    torch_requires(steps >= 0)
    out = _create_with_values(call, (steps,), steps)
    ends = [call.argument(k, name) for k, name in enumerate(("start", "end"))]
    if call.name == "linspace" and all(type(end) in (int, float) for end in ends):
        with torch._C.DisableTorchFunction():
            rounded = torch.tensor(ends, dtype=out.dtype).tolist()
        call.mode.bound(out, (min(rounded), max(rounded)))
    return out


def _count_of_triangle(rows: Size, columns: Size, offset: Size) -> Size:
    """Count the elements of a matrix on or below a diagonal."""
    if not (rows > 0 and columns > 0 and rows + offset > 0):
        return 0
    # the first rows that reach below the diagonal widen by one, the last are as wide as there is
    first = apply_to_pair("min", columns, 1 + offset) if offset > 0 else 1
    last = apply_to_pair("min", columns, rows + offset)
    widening = last - first + 1
    full = apply_to_pair("min", rows, rows + offset) - widening
    return (first + last) * widening // 2 + apply_to_pair("max", full, 0) * columns


@RULES.rule(torch.tril_indices, torch.triu_indices)
def _triangle_indices(call: TorchCall) -> Any:
    names = ("row", "col", "offset")
    given = {"offset": 0, **dict(zip(names, call.args, strict=False)), **call.kwargs}
    rows, columns, offset = (given.pop(name) for name in names)
    torch_requires(not_negative(rows, columns))
    if call.name == "tril_indices":
        count = _count_of_triangle(rows, columns, offset)
    else:
        count = rows * columns - _count_of_triangle(rows, columns, offset - 1)
    call = call._replace(args=(rows, columns, offset), kwargs=given)
    return _create_with_values(call, (2, count), count)


def _of_array(call: TorchCall, data: Any) -> torch.Tensor:
    """Create a tensor of an array that is made of symbols, or of several."""
    device = torch.device(call.kwargs.get("device") or "cpu")
    array = follow(call.mode, "array", numpy.array, (data,), {}, "numpy.array")
    made: torch.Tensor = array.as_tensor(call.kwargs.get("dtype"))
    return to_meta(made) if device.type == "meta" else made


@RULES.rule(torch.tensor, torch.as_tensor, torch.scalar_tensor, torch.asarray)
def _tensor(call: TorchCall) -> Any:
    data = first_argument(call.args, call.kwargs, "data")
    if holds_arrays(data):
        return _of_array(call, data)
    if not isinstance(data, torch.Tensor):
        known = REPEATED.get(id(data))
        if known is None or len(data) != hint(known.length) or hasattr(data[0], "__len__"):
            made = _create_with_values(call, None)
            if call.name != "tensor" and hasattr(data, "__array__"):
                call.mode.lend(made)  # it may be the array's memory
            return made
        return _create_with_values(call, (known.length,))
    call = call._replace(kwargs={k: v for k, v in call.kwargs.items() if k != "device"})
    return call.result(call.mode.shape(data))
