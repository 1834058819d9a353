"""Rules of windows that slide over an image: convolutions, pools, unfolding."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from symcount.trace.tensors.registering import Rules, ShapeRule
from symcount.trace.tensors.sizes import (
    Dims,
    Size,
    all_positive,
    each,
    not_negative,
    product,
    same_sizes,
    torch_requires,
)

RULES = Rules()


def _rule_of_axes(*names: str, axes: Sequence[int] = (1, 2, 3)) -> Callable[[ShapeRule], ShapeRule]:
    """Register a rule for functions that torch has for images of one, two and three axes.

    The decorated function takes the number of axes before the arguments of the operation.
    """

    def add(compute: ShapeRule) -> ShapeRule:
        for number in axes:
            rule: Any = functools.partial(compute, number)
            rule.__name__ = compute.__name__
            RULES.shape_rule(*(name.format(number) for name in names))(rule)
        return compute

    return add


def _require_image(shape: Dims, axes: int) -> None:
    """Require that a shape has channels before its axes, and maybe a batch before these."""
    torch_requires(len(shape) in (axes + 1, axes + 2))


# --- convolutions -----------------------------------------------------------------------------


def _require_convolution(
    shape: Dims, weight: Dims, groups: Size, channels: Size, out: Size, bias: Any
) -> None:
    axes = len(weight) - 2
    _require_image(shape, axes)
    torch_requires(groups > 0 and shape[-axes - 1] == channels and weight[0] % groups == 0)
    torch_requires(all_positive(*weight[2:]) and (bias is None or same_sizes(bias, (out,))))


@_rule_of_axes("conv{}d")
def _convolution(
    axes: int,
    input: Dims,
    weight: Dims,
    bias: Dims | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: Size = 1,
) -> Dims:
    strides, dilations = each(stride, axes), each(dilation, axes)
    torch_requires(len(weight) == axes + 2)
    _require_convolution(input, weight, groups, weight[1] * groups, weight[0], bias)
    torch_requires(all_positive(*strides, *dilations))
    reach = [d * (k - 1) for d, k in zip(dilations, weight[2:], strict=True)]
    around = _padding(padding, strides, reach)
    free = [n + a - r - 1 for n, a, r in zip(input[-axes:], around, reach, strict=True)]
    torch_requires(not_negative(*free))  # or the kernel is larger than the padded input
    sizes = (f // s + 1 for f, s in zip(free, strides, strict=True))
    return (*input[: -axes - 1], weight[0], *sizes)


def _padding(padding: Any, strides: Dims, reach: Sequence[Size]) -> Sequence[Size]:
    """Return how much a convolution pads along each axis, both sides together."""
    if padding == "same":
        torch_requires(all(s == 1 for s in strides))
        return reach
    sides = each(0 if padding == "valid" else padding, len(reach))
    torch_requires(not_negative(*sides))
    return [2 * p for p in sides]


@_rule_of_axes("conv_transpose{}d")
def _transposed_convolution(
    axes: int,
    input: Dims,
    weight: Dims,
    bias: Dims | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: Size = 1,
    dilation: Any = 1,
) -> Dims:
    given = stride, padding, output_padding, dilation
    strides, paddings, extras, dilations = (each(value, axes) for value in given)
    torch_requires(len(weight) == axes + 2)
    out = weight[1] * groups
    _require_convolution(input, weight, groups, weight[0], out, bias)
    torch_requires(all_positive(*strides, *dilations) and not_negative(*paddings, *extras))
    limits = zip(extras, strides, dilations, strict=True)
    torch_requires(all(e < s or e < d for e, s, d in limits))
    options = zip(input[-axes:], strides, paddings, dilations, weight[2:], extras, strict=True)
    sizes = [(n - 1) * s - 2 * p + d * (k - 1) + e + 1 for n, s, p, d, k, e in options]
    torch_requires(all_positive(*sizes))
    return (*input[: -axes - 1], out, *sizes)


# --- pools ------------------------------------------------------------------------------------


@_rule_of_axes("max_pool{}d", "max_pool{}d_with_indices")
def _max_pool(
    axes: int,
    input: Dims,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Dims:
    unset = stride is None or (isinstance(stride, Sequence) and not stride)
    given = kernel_size, kernel_size if unset else stride, padding, dilation
    kernels, strides, paddings, dilations = (each(value, axes) for value in given)
    _require_image(input, axes)
    torch_requires(all_positive(*input[-axes - 1 :], *kernels, *strides, *dilations))
    windows = zip(input[-axes:], kernels, strides, paddings, dilations, strict=True)
    return (*input[:-axes], *(_count_of_windows(*each_of, ceil_mode) for each_of in windows))


def _count_of_windows(n: Size, k: Size, s: Size, p: Size, d: Size, ceil_mode: bool) -> Size:
    """Count the places that a kernel of size k has along an axis of size n."""
    torch_requires(p >= 0 and p <= k // 2)
    free = n + 2 * p - d * (k - 1) - 1
    count = (free + (s - 1 if ceil_mode else 0)) // s + 1
    if ceil_mode and (count - 1) * s >= n + p:
        count = count - 1  # the last window has to start inside the input
    torch_requires(count >= 1)
    return count


@_rule_of_axes("avg_pool{}d")
def _avg_pool(
    axes: int,
    input: Dims,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: Any = None,
) -> Dims:
    if axes == 3:
        _require_image(input, axes)
        sizes = zip(input[-axes:], each(kernel_size, axes), strict=True)
        torch_requires(all(n >= k for n, k in sizes))
    return _max_pool(axes, input, kernel_size, stride, padding, 1, ceil_mode)


@_rule_of_axes("adaptive_avg_pool{}d", "adaptive_max_pool{}d")
def _adaptive_pool(axes: int, input: Dims, output_size: Any, return_indices: bool = False) -> Dims:
    wanted = each((None,) if output_size is None else output_size, axes)
    _require_image(input, axes)
    own = input[-axes:]
    sizes = [n if w is None else w for n, w in zip(own, wanted, strict=True)]
    torch_requires(not_negative(*sizes) and all_positive(*own, input[-axes - 1]))
    return (*input[:-axes], *sizes)


@_rule_of_axes("fractional_max_pool{}d", axes=(2, 3))
def _fractional_max_pool(
    axes: int, input: Dims, kernel_size: Any, output_size: Any, random_samples: Dims
) -> Dims:
    kernels, sizes = each(kernel_size, axes), each(output_size, axes)
    _require_image(input, axes)
    torch_requires(all_positive(*kernels, *input[-axes - 1 :]) and not_negative(*sizes))
    windows = zip(input[-axes:], kernels, sizes, strict=True)
    spare = 1 if axes == 3 else 0
    torch_requires(all(s + k - 1 + spare <= n for n, k, s in windows))
    return (*input[:-axes], *sizes)


@_rule_of_axes("max_unpool{}d", axes=(2, 3))
def _max_unpool(
    axes: int, input: Dims, indices: Dims, output_size: Any, stride: Any = None, padding: Any = None
) -> Dims:
    sizes = each(output_size, axes)
    _require_image(input, axes)
    torch_requires(same_sizes(input, indices) and all_positive(*input[-axes - 1 :], *sizes))
    return (*input[:-axes], *sizes)


# --- unfolding --------------------------------------------------------------------------------


def _blocks(
    sizes: Dims, kernel: Any, dilation: Any, padding: Any, stride: Any
) -> tuple[Dims, Dims]:
    """Return the kernel that slides over an image, and to how many places along each axis."""
    given = kernel, dilation, padding, stride
    kernels, dilations, paddings, strides = (each(value, 2) for value in given)
    torch_requires(all_positive(*kernels, *dilations, *strides) and not_negative(*paddings))
    places = tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, d, p, s in zip(sizes, kernels, dilations, paddings, strides, strict=True)
    )
    torch_requires(all_positive(*places))
    return kernels, places


@RULES.shape_rule("im2col")
def _im2col(input: Dims, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> Dims:
    torch_requires(len(input) in (3, 4) and all_positive(*input[-3:]))
    kernels, places = _blocks(input[-2:], kernel_size, dilation, padding, stride)
    return (*input[:-3], input[-3] * product(kernels), product(places))


@RULES.shape_rule("col2im")
def _col2im(
    input: Dims, output_size: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any
) -> Dims:
    sizes = each(output_size, 2)
    torch_requires(len(input) in (2, 3) and all_positive(*input[-2:], *sizes))
    kernels, places = _blocks(sizes, kernel_size, dilation, padding, stride)
    torch_requires(input[-2] % product(kernels) == 0 and input[-1] == product(places))
    return (*input[:-2], input[-2] // product(kernels), *sizes)
