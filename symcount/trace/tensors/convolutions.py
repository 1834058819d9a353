"""Rules of windows that slide over an image: convolutions, pools, unfolding."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from symcount.trace.tensors.rules import Rules
from symcount.trace.tensors.sizes import Dims, Size, all_positive, each, product, same_sizes

RULES = Rules()


def _rule_of_axes(
    *names: str, axes: Sequence[int] = (1, 2, 3)
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a rule for functions that torch has for images of one, two and three axes.

    The decorated function takes the number of axes before the arguments of the operation.
    """

    def add(compute: Callable[..., Any]) -> Callable[..., Any]:
        for number in axes:
            rule: Any = functools.partial(compute, number)
            rule.__name__ = compute.__name__
            RULES.call_rule(*(name.format(number) for name in names))(rule)
        return compute

    return add


def _each_of(axes: int, *options: Any) -> list[Dims] | None:
    """Return each of the options for each of the axes; None if one is not so many numbers."""
    given = [each(option, axes) for option in options]
    found = [option for option in given if option is not None]
    return found if len(found) == len(given) else None


def _not_negative(*sizes: Size) -> bool:
    return all(size >= 0 for size in sizes)


def _is_image(shape: Dims, axes: int) -> bool:
    """Tell whether a shape has channels before the axes, and maybe a batch before these."""
    return len(shape) in (axes + 1, axes + 2)


# --- convolutions -----------------------------------------------------------------------------


def _is_convolution(
    shape: Dims, weight: Dims, groups: Size, channels: Size, out: Size, bias: Any
) -> bool:
    axes = len(weight) - 2
    return (
        _is_image(shape, axes)
        and groups > 0
        and shape[-axes - 1] == channels
        and weight[0] % groups == 0
        and all_positive(*weight[2:])
        and (bias is None or same_sizes(bias, (out,)))
    )


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
) -> Dims | None:
    options = _each_of(axes, stride, dilation)
    if options is None or len(weight) != axes + 2:
        return None
    strides, dilations = options
    if not _is_convolution(input, weight, groups, weight[1] * groups, weight[0], bias):
        return None
    if not all_positive(*strides, *dilations):
        return None
    reach = [d * (k - 1) for d, k in zip(dilations, weight[2:], strict=True)]
    around = _padding(padding, strides, reach)
    if around is None:
        return None
    free = [n + a - r - 1 for n, a, r in zip(input[-axes:], around, reach, strict=True)]
    if not _not_negative(*free):
        return None  # the kernel is larger than the padded input
    sizes = (f // s + 1 for f, s in zip(free, strides, strict=True))
    return (*input[: -axes - 1], weight[0], *sizes)


def _padding(padding: Any, strides: Dims, reach: Sequence[Size]) -> Sequence[Size] | None:
    """Return how much a convolution pads along each axis, both sides together."""
    if padding == "same":
        return reach if all(s == 1 for s in strides) else None
    sides = each(0 if padding == "valid" else padding, len(reach))
    return None if sides is None or not _not_negative(*sides) else [2 * p for p in sides]


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
) -> Dims | None:
    options = _each_of(axes, stride, padding, output_padding, dilation)
    if options is None or len(weight) != axes + 2:
        return None
    strides, paddings, extras, dilations = options
    out = weight[1] * groups
    if not _is_convolution(input, weight, groups, weight[0], out, bias):
        return None
    if not (all_positive(*strides, *dilations) and _not_negative(*paddings, *extras)):
        return None
    if not all(e < s or e < d for e, s, d in zip(extras, strides, dilations, strict=True)):
        return None
    sizes = tuple(
        (n - 1) * s - 2 * p + d * (k - 1) + e + 1
        for n, s, p, d, k, e in zip(
            input[-axes:], strides, paddings, dilations, weight[2:], extras, strict=True
        )
    )
    return (*input[: -axes - 1], out, *sizes) if all_positive(*sizes) else None


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
) -> Dims | None:
    unset = stride is None or (isinstance(stride, Sequence) and not stride)
    options = _each_of(axes, kernel_size, kernel_size if unset else stride, padding, dilation)
    if options is None or not _is_image(input, axes) or not all_positive(*input[-axes - 1 :]):
        return None
    kernels, strides, paddings, dilations = options
    if not all_positive(*kernels, *strides, *dilations):
        return None
    sizes = []
    for n, k, s, p, d in zip(input[-axes:], kernels, strides, paddings, dilations, strict=True):
        if not (p >= 0 and p <= k // 2):
            return None
        size = _count_of_windows(n, k, s, p, d, ceil_mode)
        if not size >= 1:
            return None
        sizes.append(size)
    return (*input[:-axes], *sizes)


def _count_of_windows(n: Size, k: Size, s: Size, p: Size, d: Size, ceil_mode: bool) -> Size:
    free = n + 2 * p - d * (k - 1) - 1
    size = (free + (s - 1 if ceil_mode else 0)) // s + 1
    if ceil_mode and (size - 1) * s >= n + p:
        return size - 1  # the last window has to start inside the input
    return size


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
) -> Dims | None:
    if axes == 3:
        options = _each_of(axes, kernel_size, padding)
        if options is None or len(input) < axes:
            return None
        if not all(n >= k for n, k in zip(input[-axes:], options[0], strict=True)):
            return None
    return _max_pool(axes, input, kernel_size, stride, padding, 1, ceil_mode)  # type: ignore[no-any-return]


@_rule_of_axes("adaptive_avg_pool{}d", "adaptive_max_pool{}d")
def _adaptive_pool(
    axes: int, input: Dims, output_size: Any, return_indices: bool = False
) -> Dims | None:
    wanted = (None,) * axes if output_size is None else output_size
    if isinstance(wanted, Sequence) and None in wanted:
        if len(wanted) != axes:
            return None
        wanted = [n if w is None else w for n, w in zip(input[-axes:], wanted, strict=True)]
    sizes = each(wanted, axes)
    if sizes is None or not _is_image(input, axes):
        return None
    if not (_not_negative(*sizes) and all_positive(*input[-axes:])):
        return None
    return (*input[:-axes], *sizes) if all_positive(input[-axes - 1]) else None


@_rule_of_axes("fractional_max_pool{}d", axes=(2, 3))
def _fractional_max_pool(
    axes: int, input: Dims, kernel_size: Any, output_size: Any, random_samples: Dims
) -> Dims | None:
    options = _each_of(axes, kernel_size, output_size)
    if options is None or not _is_image(input, axes):
        return None
    kernels, sizes = options
    if not all_positive(*kernels, *input[-axes - 1 :]) or not _not_negative(*sizes):
        return None
    spare = 1 if axes == 3 else 0
    windows = zip(input[-axes:], kernels, sizes, strict=True)
    if not all(s + k - 1 + spare <= n for n, k, s in windows):
        return None
    return (*input[:-axes], *sizes)


@_rule_of_axes("max_unpool{}d", axes=(2, 3))
def _max_unpool(
    axes: int,
    input: Dims,
    indices: Dims,
    output_size: Any,
    stride: Any = None,
    padding: Any = None,
) -> Dims | None:
    sizes = each(output_size, axes)
    if sizes is None or not _is_image(input, axes):
        return None
    if not (same_sizes(input, indices) and all_positive(*input[-axes - 1 :], *sizes)):
        return None
    return (*input[:-axes], *sizes)


# --- unfolding --------------------------------------------------------------------------------


def _blocks(
    sizes: Dims, kernel: Any, dilation: Any, padding: Any, stride: Any
) -> tuple[Dims, Dims] | None:
    """Return the kernel that slides over an image, and to how many places along each axis."""
    options = _each_of(2, kernel, dilation, padding, stride)
    if options is None:
        return None
    kernels, dilations, paddings, strides = options
    if not (all_positive(*kernels, *dilations, *strides) and _not_negative(*paddings)):
        return None
    places = tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, d, p, s in zip(sizes, kernels, dilations, paddings, strides, strict=True)
    )
    return (kernels, places) if all_positive(*places) else None


@RULES.call_rule("im2col")
def _im2col(input: Dims, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> Dims | None:
    if len(input) not in (3, 4) or not all_positive(*input[-3:]):
        return None
    found = _blocks(input[-2:], kernel_size, dilation, padding, stride)
    if found is None:
        return None
    kernels, places = found
    return (*input[:-3], input[-3] * product(kernels), product(places))


@RULES.call_rule("col2im")
def _col2im(
    input: Dims, output_size: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any
) -> Dims | None:
    sizes = each(output_size, 2)
    if sizes is None or len(input) not in (2, 3) or not all_positive(*input[-2:], *sizes):
        return None
    found = _blocks(sizes, kernel_size, dilation, padding, stride)
    if found is None:
        return None
    kernels, places = found
    if input[-2] % product(kernels) != 0 or input[-1] != product(places):
        return None
    return (*input[:-2], input[-2] // product(kernels), *sizes)
