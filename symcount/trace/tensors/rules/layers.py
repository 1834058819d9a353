"""Rules of layers: norms, activations, embeddings, resizing, recurrent layers.

Constructors run layers on a dummy tensor to learn how large the result is. Sizes are those that
torch computes; where an operation raises, a rule compares on the symbols what it raises for, and
gives no sizes. The rules are of the functions that torch's C++ code offers: those that
`torch.nn.functional` writes in Python are followed into (`symcount.trace.tensors.bypasses`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symcount.trace.stand_ins import is_symbol
from symcount.trace.tensors.registering import Rules
from symcount.trace.tensors.sizes import (
    Dims,
    Size,
    all_positive,
    axis_of,
    each,
    replaced,
    same_sizes,
    torch_requires,
)

RULES = Rules()


def _require_channels(channels: Size, *vectors: Dims | None) -> None:
    """Require that each of the vectors that are given has a number for each channel."""
    torch_requires(all(v is None or same_sizes(v, (channels,)) for v in vectors))


# --- norms ------------------------------------------------------------------------------------


@RULES.shape_rule("batch_norm", "instance_norm")
def _channel_norm(
    input: Dims,
    weight: Dims | None = None,
    bias: Dims | None = None,
    running_mean: Dims | None = None,
    running_var: Dims | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
    cudnn_enabled: bool = False,
) -> Dims:
    torch_requires(len(input) >= 2)
    _require_channels(input[1], weight, bias, running_mean, running_var)
    return input


@RULES.shape_rule("group_norm")
def _group_norm(
    input: Dims,
    num_groups: Size,
    weight: Dims | None = None,
    bias: Dims | None = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = False,
) -> Dims:
    torch_requires(len(input) >= 2 and num_groups > 0 and input[1] % num_groups == 0)
    _require_channels(input[1], weight, bias)
    return input


@RULES.shape_rule("layer_norm")
def _layer_norm(
    input: Dims,
    normalized_shape: Any,
    weight: Dims | None = None,
    bias: Dims | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = False,
) -> Dims:
    inner = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    torch_requires(len(inner) >= 1 and same_sizes(input[-len(inner) :], inner))
    torch_requires(all(v is None or same_sizes(v, inner) for v in (weight, bias)))
    return input


@RULES.shape_rule("rms_norm")
def _rms_norm(
    input: Dims, normalized_shape: Any, weight: Dims | None = None, eps: float | None = None
) -> Dims:
    return _layer_norm(input, normalized_shape, weight)


# --- activations with sizes of their own ------------------------------------------------------


@RULES.shape_rule("prelu")
def _prelu(input: Dims, weight: Dims) -> Dims:
    channels = input[1] if len(input) > 1 else 1
    torch_requires(not weight or (len(weight) == 1 and weight[0] in (1, channels)))
    return input


@RULES.shape_rule("glu")
def _glu(input: Dims, dim: int = -1) -> Dims:
    axis = axis_of(dim, len(input))
    torch_requires(input[axis] % 2 == 0)
    return replaced(input, axis, input[axis] // 2)


# --- embeddings -------------------------------------------------------------------------------


@RULES.shape_rule("embedding")
def _embedding(
    weight: Dims,
    indices: Dims,
    padding_idx: Any = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Dims:
    torch_requires(len(weight) == 2)
    return (*indices, weight[1])


@RULES.shape_rule("embedding_bag")
def _embedding_bag(
    weight: Dims,
    indices: Dims,
    offsets: Dims,
    scale_grad_by_freq: bool = False,
    mode: int = 0,
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: Any = None,
) -> list[Dims | None]:
    torch_requires(len(weight) == 2 and len(offsets) == len(indices) == 1)
    bags = offsets[0] - 1 if include_last_offset else offsets[0]
    return [(bags, weight[1]), None, None, None]


@RULES.shape_rule("one_hot")
def _one_hot(input: Dims, num_classes: Size = -1) -> Dims | None:
    return (*input, num_classes) if num_classes > 0 else None  # or the values say


# --- resizing ---------------------------------------------------------------------------------


def _resized(shape: Dims, output_size: Any, scale_factors: Any) -> Dims | None:
    axes = len(shape) - 2
    torch_requires(axes >= 1 and all_positive(*shape[1:]))
    if output_size is not None:
        sizes = each(output_size, axes)
    elif isinstance(scale_factors, Sequence) and len(scale_factors) == axes:
        sizes = tuple(map(_scaled, shape[2:], scale_factors))
    else:
        return None
    torch_requires(all_positive(*sizes))
    return (*shape[:2], *sizes)


def _scaled(size: Size, factor: Any) -> Size:
    """Return the size that torch computes: a product of doubles, without what follows the point."""
    product = size * factor if is_symbol(factor) else size * float(factor)
    return product.__trunc__()


@RULES.shape_rule(
    *(f"{name}{axes}d" for name in ("upsample_nearest", "_upsample_nearest_exact")
      for axes in (1, 2, 3))
)  # fmt: skip
def _nearest(input: Dims, output_size: Any = None, scale_factors: Any = None) -> Dims | None:
    return _resized(input, output_size, scale_factors)


@RULES.shape_rule(
    "upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d", "upsample_bicubic2d",
    "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa",
)  # fmt: skip
def _interpolated(
    input: Dims, output_size: Any, align_corners: bool, scale_factors: Any = None
) -> Dims | None:
    return _resized(input, output_size, scale_factors)


@RULES.shape_rule("pixel_shuffle")
def _pixel_shuffle(input: Dims, upscale_factor: Size) -> Dims:
    factor = upscale_factor
    torch_requires(len(input) >= 3 and factor > 0 and input[-3] % factor**2 == 0)
    *batch, channels, height, width = input
    return (*batch, channels // factor**2, height * factor, width * factor)


@RULES.shape_rule("pixel_unshuffle")
def _pixel_unshuffle(input: Dims, downscale_factor: Size) -> Dims:
    factor = downscale_factor
    torch_requires(len(input) >= 3 and factor > 0 and all(n % factor == 0 for n in input[-2:]))
    *batch, channels, height, width = input
    return (*batch, channels * factor**2, height // factor, width // factor)


@RULES.shape_rule("channel_shuffle", "native_channel_shuffle")
def _channel_shuffle(input: Dims, groups: Size) -> Dims:
    torch_requires(len(input) >= 3 and groups > 0 and input[1] % groups == 0)
    return input


@RULES.shape_rule("grid_sampler")
def _grid_sampler(
    input: Dims, grid: Dims, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Dims:
    torch_requires(len(grid) == len(input) in (4, 5) and input[0] == grid[0])
    torch_requires(grid[-1] == len(input) - 2 and all_positive(*input[2:]))
    return (*input[:2], *grid[1:-1])


# --- recurrent layers -------------------------------------------------------------------------


def _recurrent(
    input: Dims, hidden: Dims, weight: Dims, bidirectional: bool, batch_first: bool
) -> Dims:
    torch_requires(len(input) == len(hidden) == 3 and input[2] == weight[-1])
    torch_requires(hidden[1] == input[0 if batch_first else 1])
    return (*input[:2], hidden[2] * (2 if bidirectional else 1))


@RULES.shape_rule("lstm")
def _lstm(
    input: Dims,
    hx: Any,
    params: Any,
    has_biases: bool,
    num_layers: Size,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> list[Dims | None] | None:
    if not (isinstance(hx, list | tuple) and len(hx) == 2 and type(bidirectional) is bool):
        return None
    hidden, cell = hx
    if not isinstance(hidden, tuple) or not params:
        return None  # of a packed sequence
    return [_recurrent(input, hidden, params[0], bidirectional, batch_first), hidden, cell]


@RULES.shape_rule("gru", "rnn_tanh", "rnn_relu")
def _rnn(
    input: Dims,
    hx: Any,
    params: Any,
    has_biases: Any,
    num_layers: Size,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> list[Dims | None] | None:
    if type(has_biases) is not bool or not params:
        return None  # of a packed sequence
    return [_recurrent(input, hx, params[0], bidirectional, batch_first), hx]


def _require_cell(input: Dims, hidden: Dims, w_ih: Dims, w_hh: Dims) -> None:
    torch_requires(same_sizes(input[:-1], hidden[:-1]))
    torch_requires(input[-1] == w_ih[1] and hidden[-1] == w_hh[1])


@RULES.shape_rule("lstm_cell")
def _lstm_cell(
    input: Dims, hx: Any, w_ih: Dims, w_hh: Dims, b_ih: Any = None, b_hh: Any = None
) -> list[Dims | None]:
    hidden, cell = hx
    _require_cell(input, hidden, w_ih, w_hh)
    return [hidden, cell]


@RULES.shape_rule("gru_cell", "rnn_tanh_cell", "rnn_relu_cell")
def _cell(
    input: Dims, hx: Dims, w_ih: Dims, w_hh: Dims, b_ih: Any = None, b_hh: Any = None
) -> Dims:
    _require_cell(input, hx, w_ih, w_hh)
    return hx
