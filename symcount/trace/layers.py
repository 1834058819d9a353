"""The rules of layers: what sizes convolutions, pools, norms and the like give their results.

Constructors run layers on a dummy tensor to learn how large the result is. Sizes are those that
torch computes; where an operation raises, a rule compares on the symbols what it raises for, and
gives no sizes. The rules are of the functions that torch's C++ code offers: those that
`torch.nn.functional` writes in Python are followed into (`symcount.trace.unseen`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symcount.trace.builtins import is_symbol
from symcount.trace.shapes import Size, Sizes, call_rule, product


def _each(value: Any, axes: int) -> Sizes | None:
    """An option for each of the axes, given once for all or for each; None if it is neither."""
    if isinstance(value, int):
        return (value,) * axes
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) == 1:
            return tuple(value) * axes
        if len(value) == axes:
            return tuple(value)
    return None


def _all_positive(*sizes: Size) -> bool:
    return all(size > 0 for size in sizes)


def _same_sizes(shape: Sequence[Size], other: Sequence[Size]) -> bool:
    return len(shape) == len(other) and all(a == b for a, b in zip(shape, other, strict=True))


def _are_of(channels: Size, *vectors: Sizes | None) -> bool:
    """Whether each of the vectors that are given has a number for each channel."""
    return all(vector is None or _same_sizes(vector, (channels,)) for vector in vectors)


# --- convolutions -----------------------------------------------------------------------------


def _is_convolution(
    shape: Sizes, weight: Sizes, groups: Size, axes: int, channels: Size, out: Size, bias: Any
) -> bool:
    return (
        len(weight) == axes + 2
        and len(shape) in (axes + 1, axes + 2)
        and groups > 0
        and shape[-axes - 1] == channels
        and weight[0] % groups == 0
        and _all_positive(*weight[2:])
        and _are_of(out, bias)
    )


def _convolution(axes: int) -> None:
    def compute(
        input: Sizes,
        weight: Sizes,
        bias: Sizes | None = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: Size = 1,
    ) -> Sizes | None:
        strides, dilations = _each(stride, axes), _each(dilation, axes)
        if strides is None or dilations is None or len(weight) != axes + 2:
            return None
        out = weight[0]
        if not _is_convolution(input, weight, groups, axes, weight[1] * groups, out, bias):
            return None
        if not _all_positive(*strides, *dilations):
            return None
        reach = [d * (k - 1) for d, k in zip(dilations, weight[2:], strict=True)]
        if padding == "same":
            if not all(s == 1 for s in strides):
                return None
            around = reach
        else:
            each = _each(0 if padding == "valid" else padding, axes)
            if each is None or not all(p >= 0 for p in each):
                return None
            around = [2 * p for p in each]
        free = [n + a - r - 1 for n, a, r in zip(input[-axes:], around, reach, strict=True)]
        if not all(f >= 0 for f in free):
            return None  # the kernel is larger than the padded input
        sizes = (f // s + 1 for f, s in zip(free, strides, strict=True))
        return (*input[: -axes - 1], out, *sizes)

    call_rule(f"conv{axes}d")(compute)


def _transposed_convolution(axes: int) -> None:
    def compute(
        input: Sizes,
        weight: Sizes,
        bias: Sizes | None = None,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: Size = 1,
        dilation: Any = 1,
    ) -> Sizes | None:
        given = [_each(value, axes) for value in (stride, padding, output_padding, dilation)]
        if any(value is None for value in given) or len(weight) != axes + 2:
            return None
        strides, paddings, extras, dilations = (value or () for value in given)
        out = weight[1] * groups
        if not _is_convolution(input, weight, groups, axes, weight[0], out, bias):
            return None
        if not (_all_positive(*strides, *dilations) and all(p >= 0 for p in (*paddings, *extras))):
            return None
        if not all(e < s or e < d for e, s, d in zip(extras, strides, dilations, strict=True)):
            return None
        sizes = tuple(
            (n - 1) * s - 2 * p + d * (k - 1) + e + 1
            for n, s, p, d, k, e in zip(
                input[-axes:], strides, paddings, dilations, weight[2:], extras, strict=True
            )
        )
        return (*input[: -axes - 1], out, *sizes) if _all_positive(*sizes) else None

    call_rule(f"conv_transpose{axes}d")(compute)


# --- pools ------------------------------------------------------------------------------------


def _pooled(
    shape: Sizes, axes: int, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> Sizes | None:
    kernels, paddings, dilations = (_each(v, axes) for v in (kernel, padding, dilation))
    unset = stride is None or (isinstance(stride, Sequence) and not stride)
    strides = kernels if unset else _each(stride, axes)
    if kernels is None or strides is None or paddings is None or dilations is None:
        return None
    if len(shape) not in (axes + 1, axes + 2) or not _all_positive(*shape[-axes - 1 :]):
        return None
    if not _all_positive(*kernels, *strides, *dilations):
        return None
    sizes = []
    for n, k, s, p, d in zip(shape[-axes:], kernels, strides, paddings, dilations, strict=True):
        if not (p >= 0 and p <= k // 2):
            return None
        free = n + 2 * p - d * (k - 1) - 1
        size = (free + (s - 1 if ceil_mode else 0)) // s + 1
        if ceil_mode and (size - 1) * s >= n + p:
            size = size - 1  # the last window has to start inside the input
        if not size >= 1:
            return None
        sizes.append(size)
    return (*shape[:-axes], *sizes)


def _pools(axes: int) -> None:
    @call_rule(f"max_pool{axes}d", f"max_pool{axes}d_with_indices")
    def largest(
        input: Sizes,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Sizes | None:
        return _pooled(input, axes, kernel_size, stride, padding, dilation, ceil_mode)

    @call_rule(f"avg_pool{axes}d")
    def average(
        input: Sizes,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: Any = None,
    ) -> Sizes | None:
        if axes == 3:
            kernels, paddings = _each(kernel_size, axes), _each(padding, axes)
            if kernels is None or paddings is None or len(input) < axes:
                return None
            if not all(n >= k for n, k in zip(input[-axes:], kernels, strict=True)):
                return None
        return _pooled(input, axes, kernel_size, stride, padding, 1, ceil_mode)

    @call_rule(f"adaptive_avg_pool{axes}d", f"adaptive_max_pool{axes}d")
    def adaptive(input: Sizes, output_size: Any, return_indices: bool = False) -> Sizes | None:
        wanted = (None,) * axes if output_size is None else output_size
        if isinstance(wanted, Sequence) and None in wanted:
            if len(wanted) != axes:
                return None
            own = input[-axes:]
            wanted = [n if w is None else w for n, w in zip(own, wanted, strict=True)]
        sizes = _each(wanted, axes)
        if sizes is None or len(input) not in (axes + 1, axes + 2):
            return None
        if not (all(s >= 0 for s in sizes) and _all_positive(*input[-axes:])):
            return None
        return (*input[:-axes], *sizes) if _all_positive(input[-axes - 1]) else None

    if axes > 1:

        @call_rule(f"fractional_max_pool{axes}d")
        def fractional(
            input: Sizes, kernel_size: Any, output_size: Any, random_samples: Sizes
        ) -> Sizes | None:
            kernels, sizes = _each(kernel_size, axes), _each(output_size, axes)
            if kernels is None or sizes is None or len(input) not in (axes + 1, axes + 2):
                return None
            if not _all_positive(*kernels, *input[-axes - 1 :]) or not all(s >= 0 for s in sizes):
                return None
            windows = zip(input[-axes:], kernels, sizes, strict=True)
            spare = 1 if axes == 3 else 0
            if not all(s + k - 1 + spare <= n for n, k, s in windows):
                return None
            return (*input[:-axes], *sizes)

        @call_rule(f"max_unpool{axes}d")
        def unpooled(
            input: Sizes,
            indices: Sizes,
            output_size: Any,
            stride: Any = None,
            padding: Any = None,
        ) -> Sizes | None:
            sizes = _each(output_size, axes)
            if sizes is None or len(input) not in (axes + 1, axes + 2):
                return None
            if not (_same_sizes(input, indices) and _all_positive(*input[-axes - 1 :], *sizes)):
                return None
            return (*input[:-axes], *sizes)


for _axes in (1, 2, 3):
    _convolution(_axes)
    _transposed_convolution(_axes)
    _pools(_axes)


# --- norms ------------------------------------------------------------------------------------


@call_rule("batch_norm", "instance_norm")
def _channel_norm(
    input: Sizes,
    weight: Sizes | None = None,
    bias: Sizes | None = None,
    running_mean: Sizes | None = None,
    running_var: Sizes | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
    cudnn_enabled: bool = False,
) -> Sizes | None:
    if len(input) < 2 or not _are_of(input[1], weight, bias, running_mean, running_var):
        return None
    return input


@call_rule("group_norm")
def _group_norm(
    input: Sizes,
    num_groups: Size,
    weight: Sizes | None = None,
    bias: Sizes | None = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = False,
) -> Sizes | None:
    if len(input) < 2 or not (num_groups > 0 and input[1] % num_groups == 0):
        return None
    return input if _are_of(input[1], weight, bias) else None


@call_rule("layer_norm")
def _layer_norm(
    input: Sizes,
    normalized_shape: Any,
    weight: Sizes | None = None,
    bias: Sizes | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = False,
) -> Sizes | None:
    inner = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not 1 <= len(inner) <= len(input) or not _same_sizes(input[-len(inner) :], inner):
        return None
    return input if all(v is None or _same_sizes(v, inner) for v in (weight, bias)) else None


@call_rule("rms_norm")
def _rms_norm(
    input: Sizes, normalized_shape: Any, weight: Sizes | None = None, eps: float | None = None
) -> Sizes | None:
    return _layer_norm(input, normalized_shape, weight)  # type: ignore[no-any-return]


# --- activations with sizes of their own ------------------------------------------------------


@call_rule("prelu")
def _prelu(input: Sizes, weight: Sizes) -> Sizes | None:
    if len(weight) > 1:
        return None
    channels = input[1] if len(input) > 1 else 1
    return input if not weight or weight[0] == 1 or weight[0] == channels else None


@call_rule("glu")
def _glu(input: Sizes, dim: int = -1) -> Sizes | None:
    if not -len(input) <= dim < len(input) or input[dim] % 2 != 0:
        return None
    dim %= len(input)
    return (*input[:dim], input[dim] // 2, *input[dim + 1 :])


# --- embeddings -------------------------------------------------------------------------------


@call_rule("embedding")
def _embedding(
    weight: Sizes,
    indices: Sizes,
    padding_idx: Any = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Sizes | None:
    return (*indices, weight[1]) if len(weight) == 2 else None


@call_rule("embedding_bag")
def _embedding_bag(
    weight: Sizes,
    indices: Sizes,
    offsets: Sizes,
    scale_grad_by_freq: bool = False,
    mode: int = 0,
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: Any = None,
) -> list[Sizes | None] | None:
    if len(weight) != 2 or len(offsets) != 1 or len(indices) != 1:
        return None
    bags = offsets[0] - 1 if include_last_offset else offsets[0]
    return [(bags, weight[1]), None, None, None]


@call_rule("one_hot")
def _one_hot(input: Sizes, num_classes: Size = -1) -> Sizes | None:
    return (*input, num_classes) if num_classes > 0 else None


# --- resizing ---------------------------------------------------------------------------------


def _resized(shape: Sizes, output_size: Any, scale_factors: Any) -> Sizes | None:
    axes = len(shape) - 2
    if axes < 1 or not _all_positive(*shape[1:]):
        return None
    if output_size is not None:
        sizes = _each(output_size, axes)
    elif isinstance(scale_factors, Sequence) and len(scale_factors) == axes:
        sizes = tuple(
            _scaled(size, factor) for size, factor in zip(shape[2:], scale_factors, strict=True)
        )
    else:
        return None
    return (*shape[:2], *sizes) if sizes is not None and _all_positive(*sizes) else None


def _scaled(size: Size, factor: Any) -> Size:
    """The size that torch computes: the product of doubles, without what follows the point."""
    product = size * factor if is_symbol(factor) else size * float(factor)
    return product.__trunc__()


@call_rule(
    *(f"{name}{axes}d" for name in ("upsample_nearest", "_upsample_nearest_exact")
      for axes in (1, 2, 3))
)  # fmt: skip
def _nearest(input: Sizes, output_size: Any = None, scale_factors: Any = None) -> Sizes | None:
    return _resized(input, output_size, scale_factors)


@call_rule(
    "upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d", "upsample_bicubic2d",
    "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa",
)  # fmt: skip
def _interpolated(
    input: Sizes, output_size: Any, align_corners: bool, scale_factors: Any = None
) -> Sizes | None:
    return _resized(input, output_size, scale_factors)


@call_rule("pixel_shuffle")
def _pixel_shuffle(input: Sizes, upscale_factor: Size) -> Sizes | None:
    if len(input) < 3 or not upscale_factor > 0 or input[-3] % upscale_factor**2 != 0:
        return None
    *batch, channels, height, width = input
    factor = upscale_factor
    return (*batch, channels // factor**2, height * factor, width * factor)


@call_rule("pixel_unshuffle")
def _pixel_unshuffle(input: Sizes, downscale_factor: Size) -> Sizes | None:
    factor = downscale_factor
    if len(input) < 3 or not factor > 0 or any(n % factor != 0 for n in input[-2:]):
        return None
    *batch, channels, height, width = input
    return (*batch, channels * factor**2, height // factor, width // factor)


@call_rule("channel_shuffle", "native_channel_shuffle")
def _channel_shuffle(input: Sizes, groups: Size) -> Sizes | None:
    if len(input) < 3 or not groups > 0 or input[1] % groups != 0:
        return None
    return input


def _blocks(
    sizes: Sizes, kernel: Any, dilation: Any, padding: Any, stride: Any
) -> tuple[Sizes, Sizes] | None:
    """The kernel that slides over an image, and to how many places along each axis."""
    given = [_each(value, 2) for value in (kernel, dilation, padding, stride)]
    if any(value is None for value in given):
        return None
    kernels, dilations, paddings, strides = (value or () for value in given)
    if not (_all_positive(*kernels, *dilations, *strides) and all(p >= 0 for p in paddings)):
        return None
    places = tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, d, p, s in zip(sizes, kernels, dilations, paddings, strides, strict=True)
    )
    return (kernels, places) if _all_positive(*places) else None


@call_rule("im2col")
def _im2col(
    input: Sizes, kernel_size: Any, dilation: Any, padding: Any, stride: Any
) -> Sizes | None:
    if len(input) not in (3, 4) or not _all_positive(*input[-3:]):
        return None
    found = _blocks(input[-2:], kernel_size, dilation, padding, stride)
    if found is None:
        return None
    kernels, places = found
    return (*input[:-3], input[-3] * product(kernels), product(places))


@call_rule("col2im")
def _col2im(
    input: Sizes, output_size: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any
) -> Sizes | None:
    sizes = _each(output_size, 2)
    if sizes is None or len(input) not in (2, 3) or not _all_positive(*input[-2:], *sizes):
        return None
    found = _blocks(sizes, kernel_size, dilation, padding, stride)
    if found is None:
        return None
    kernels, places = found
    if input[-2] % product(kernels) != 0 or input[-1] != product(places):
        return None
    return (*input[:-2], input[-2] // product(kernels), *sizes)


@call_rule("grid_sampler")
def _grid_sampler(
    input: Sizes, grid: Sizes, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Sizes | None:
    if len(input) not in (4, 5) or len(grid) != len(input) or input[0] != grid[0]:
        return None
    if grid[-1] != len(input) - 2 or not _all_positive(*input[2:]):
        return None
    return (*input[:2], *grid[1:-1])


# --- recurrent layers -------------------------------------------------------------------------


def _recurrent(
    input: Sizes, hidden: Sizes, weight: Sizes, bidirectional: bool, batch_first: bool
) -> Sizes | None:
    if len(input) != 3 or len(hidden) != 3 or input[2] != weight[-1]:
        return None
    if hidden[1] != input[0 if batch_first else 1]:
        return None
    return (*input[:2], hidden[2] * (2 if bidirectional else 1))


@call_rule("lstm")
def _lstm(
    input: Sizes,
    hx: Any,
    params: Any,
    has_biases: bool,
    num_layers: Size,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> list[Sizes | None] | None:
    if not (isinstance(hx, list | tuple) and len(hx) == 2 and type(bidirectional) is bool):
        return None
    hidden, cell = hx
    if not isinstance(hidden, tuple) or not params:
        return None  # of a packed sequence
    return [_recurrent(input, hidden, params[0], bidirectional, batch_first), hidden, cell]


@call_rule("gru", "rnn_tanh", "rnn_relu")
def _rnn(
    input: Sizes,
    hx: Any,
    params: Any,
    has_biases: Any,
    num_layers: Size,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> list[Sizes | None] | None:
    if type(has_biases) is not bool or not params:
        return None  # of a packed sequence
    return [_recurrent(input, hx, params[0], bidirectional, batch_first), hx]


def _is_cell(input: Sizes, hidden: Sizes, w_ih: Sizes, w_hh: Sizes) -> bool:
    return _same_sizes(input[:-1], hidden[:-1]) and input[-1] == w_ih[1] and hidden[-1] == w_hh[1]


@call_rule("lstm_cell")
def _lstm_cell(
    input: Sizes, hx: Any, w_ih: Sizes, w_hh: Sizes, b_ih: Any = None, b_hh: Any = None
) -> list[Sizes | None] | None:
    hidden, cell = hx
    return [hidden, cell] if _is_cell(input, hidden, w_ih, w_hh) else None


@call_rule("gru_cell", "rnn_tanh_cell", "rnn_relu_cell")
def _cell(
    input: Sizes, hx: Sizes, w_ih: Sizes, w_hh: Sizes, b_ih: Any = None, b_hh: Any = None
) -> Sizes | None:
    return hx if _is_cell(input, hx, w_ih, w_hh) else None
