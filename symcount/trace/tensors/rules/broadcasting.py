"""Rules of operations on each element: of one tensor, or of several that broadcast."""

from __future__ import annotations

from typing import Any

import torch

from symcount.trace.tensors.calls import getter, leaves, setter
from symcount.trace.tensors.registering import Rules, TorchCall
from symcount.trace.tensors.sizes import Dims, Size, is_shape, sizes_of, torch_requires

RULES = Rules()


def together(a: Size, b: Size) -> Size:
    """Return the size that two sizes broadcast to; the ways they can agree are branches."""
    if type(a) is int and a == 1:
        return b
    if type(b) is int and b == 1:
        return a
    if a == b:
        return a if type(a) is int or type(b) is not int else b
    if a == 1:
        return b
    torch_requires(b == 1)
    return a


def broadcast(*shapes: Dims) -> Dims:
    """Return the shape that shapes broadcast to."""
    rank = max(map(len, shapes))
    result: Dims = (1,) * rank
    for shape in shapes:
        padded = (*(1,) * (rank - len(shape)), *shape)
        result = tuple(map(together, result, padded))
    return result


def fits_into(shape: Dims, wanted: Dims) -> bool:
    """Tell whether a tensor broadcasts to the shape of one that is written to."""
    extra = len(shape) - len(wanted)
    return all(size == 1 for size in shape[:extra] if extra > 0) and all(
        have == want or have == 1 for have, want in zip(shape[::-1], wanted[::-1], strict=False)
    )


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


@RULES.rule(*_BROADCASTING)
def pointwise(call: TorchCall) -> Any:
    """Follow an operation on each element, whose operands broadcast."""
    one_of_where = call.name == "where" and len(call.args) + len(call.kwargs) == 1
    if one_of_where or not call.has_symbols():
        return call.without_rule()
    tensors = [x for x in (*call.args, *call.kwargs.values()) if isinstance(x, torch.Tensor)]
    return call.result(broadcast(*map(call.mode.shape, tensors)))


@RULES.shape_rule("expand", "broadcast_to")
def _expand(input: Dims, *sizes: Any, **named: Any) -> Dims:
    wanted = sizes_of((*sizes, *(v for k, v in named.items() if k in ("size", "sizes"))))
    new = len(wanted) - len(input)
    result = list(wanted[:new])
    for have, want in zip(input, wanted[new:], strict=True):
        if type(want) is int and want == -1:
            result.append(have)
        else:
            result.append(together(have, want))
    return tuple(result)


@RULES.shape_rule("expand_as")
def _expand_as(input: Dims, other: Dims) -> Dims:
    torch_requires(fits_into(input, other))
    return other


@RULES.shape_rule(torch.functional.broadcast_tensors)
def _broadcast_tensors(*tensors: Any) -> Dims | None:
    return broadcast(*tensors) if all(map(is_shape, tensors)) else None


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


@RULES.rule(*_SAME, getter("data"), getter("grad"))
def _same_shape(call: TorchCall) -> Any:
    tensor = call.tensor
    out = call.real()
    known = call.mode.known_of(tensor)
    shape = None if known is None else known.shape
    for item in leaves(out):  # values and indices of a sort
        if isinstance(item, torch.Tensor) and item is not tensor:
            call.know(item, shape)
    call.mode.remember_origin(out, (call.args, call.kwargs))
    return out


@RULES.rule("to", "cuda", "cpu", "type", "type_as", "xpu")
def _convert(call: TorchCall) -> Any:
    """Change the dtype and leave the device: nothing here has a real device to go to."""
    tensor, *rest = call.args
    given = (*rest, *call.kwargs.values())
    if call.name == "type" and not given:
        return call.real()
    meta = any(isinstance(g, str | torch.device) and str(g) == "meta" for g in given)
    dtype = next((g for g in given if isinstance(g, torch.dtype)), None)
    if call.name in ("to", "type_as") and dtype is None:
        dtype = next((g.dtype for g in given if isinstance(g, torch.Tensor)), None)
    with torch._C.DisableTorchFunction():
        if call.name == "type" and dtype is None:
            dtype = torch.empty(0).type(given[0]).dtype
        out = tensor.to(device="meta" if meta else tensor.device, dtype=dtype or tensor.dtype)
    return out if out is tensor else call.know(out, call.shape())


@RULES.rule(setter("data"))
def _set_data(call: TorchCall) -> Any:
    shape = call.shape(1)
    call.real()
    call.mode.know(call.tensor, shape, "data", call.mode.tainted(call.args[1:], {}))
