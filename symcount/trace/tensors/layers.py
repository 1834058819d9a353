"""Rules of layers: norms, activations, embeddings, resizing, recurrent layers.

Constructors run layers on a dummy tensor to learn how large the result is. Sizes are those that
torch computes; where an operation raises, a rule compares on the symbols what it raises for, and
gives no sizes. The rules are of the functions that torch's C++ code offers: those that
`torch.nn.functional` writes in Python are followed into (`symcount.trace.tensors.bypasses`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symcount.trace.builtins import is_symbol
from symcount.trace.tensors.rules import Rules
from symcount.trace.tensors.sizes import Dims, Size, all_positive, each, replaced, same_sizes

RULES = Rules()


def _are_of(channels: Size, *vectors: Dims | None) -> bool:
    """Tell whether each of the vectors that are given has a number for each channel."""
    return all(vector is None or same_sizes(vector, (channels,)) for vector in vectors)


# --- norms ------------------------------------------------------------------------------------


@RULES.call_rule("batch_norm", "instance_norm")
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
) -> Dims | None:
    if len(input) < 2 or not _are_of(input[1], weight, bias, running_mean, running_var):
        return None
    return input


@RULES.call_rule("group_norm")
def _group_norm(
    input: Dims,
    num_groups: Size,
    weight: Dims | None = None,
    bias: Dims | None = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = False,
) -> Dims | None:
    if len(input) < 2 or not (num_groups > 0 and input[1] % num_groups == 0):
        return None
    return input if _are_of(input[1], weight, bias) else None


@RULES.call_rule("layer_norm")
def _layer_norm(
    input: Dims,
    normalized_shape: Any,
    weight: Dims | None = None,
    bias: Dims | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = False,
) -> Dims | None:
    inner = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not 1 <= len(inner) <= len(input) or not same_sizes(input[-len(inner) :], inner):
        return None
    return input if all(v is None or same_sizes(v, inner) for v in (weight, bias)) else None


@RULES.call_rule("rms_norm")
def _rms_norm(
    input: Dims, normalized_shape: Any, weight: Dims | None = None, eps: float | None = None
) -> Dims | None:
    return _layer_norm(input, normalized_shape, weight)  # type: ignore[no-any-return]


# --- activations with sizes of their own ------------------------------------------------------


@RULES.call_rule("prelu")
def _prelu(input: Dims, weight: Dims) -> Dims | None:
    if len(weight) > 1:
        return None
    channels = input[1] if len(input) > 1 else 1
    return input if not weight or weight[0] == 1 or weight[0] == channels else None


@RULES.call_rule("glu")
def _glu(input: Dims, dim: int = -1) -> Dims | None:
    if not -len(input) <= dim < len(input) or input[dim] % 2 != 0:
        return None
    return replaced(input, dim % len(input), input[dim] // 2)


# --- embeddings -------------------------------------------------------------------------------


@RULES.call_rule("embedding")
def _embedding(
    weight: Dims,
    indices: Dims,
    padding_idx: Any = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Dims | None:
    return (*indices, weight[1]) if len(weight) == 2 else None


@RULES.call_rule("embedding_bag")
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
) -> list[Dims | None] | None:
    if len(weight) != 2 or len(offsets) != 1 or len(indices) != 1:
        return None
    bags = offsets[0] - 1 if include_last_offset else offsets[0]
    return [(bags, weight[1]), None, None, None]


@RULES.call_rule("one_hot")
def _one_hot(input: Dims, num_classes: Size = -1) -> Dims | None:
    return (*input, num_classes) if num_classes > 0 else None


# --- resizing ---------------------------------------------------------------------------------


def _resized(shape: Dims, output_size: Any, scale_factors: Any) -> Dims | None:
    axes = len(shape) - 2
    if axes < 1 or not all_positive(*shape[1:]):
        return None
    if output_size is not None:
        sizes = each(output_size, axes)
    elif isinstance(scale_factors, Sequence) and len(scale_factors) == axes:
        sizes = tuple(
            _scaled(size, factor) for size, factor in zip(shape[2:], scale_factors, strict=True)
        )
    else:
        return None
    return (*shape[:2], *sizes) if sizes is not None and all_positive(*sizes) else None


def _scaled(size: Size, factor: Any) -> Size:
    """Return the size that torch computes: a product of doubles, without what follows the point."""
    product = size * factor if is_symbol(factor) else size * float(factor)
    return product.__trunc__()


@RULES.call_rule(
    *(f"{name}{axes}d" for name in ("upsample_nearest", "_upsample_nearest_exact")
      for axes in (1, 2, 3))
)  # fmt: skip
def _nearest(input: Dims, output_size: Any = None, scale_factors: Any = None) -> Dims | None:
    return _resized(input, output_size, scale_factors)


@RULES.call_rule(
    "upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d", "upsample_bicubic2d",
    "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa",
)  # fmt: skip
def _interpolated(
    input: Dims, output_size: Any, align_corners: bool, scale_factors: Any = None
) -> Dims | None:
    return _resized(input, output_size, scale_factors)


@RULES.call_rule("pixel_shuffle")
def _pixel_shuffle(input: Dims, upscale_factor: Size) -> Dims | None:
    if len(input) < 3 or not upscale_factor > 0 or input[-3] % upscale_factor**2 != 0:
        return None
    *batch, channels, height, width = input
    factor = upscale_factor
    return (*batch, channels // factor**2, height * factor, width * factor)


@RULES.call_rule("pixel_unshuffle")
def _pixel_unshuffle(input: Dims, downscale_factor: Size) -> Dims | None:
    factor = downscale_factor
    if len(input) < 3 or not factor > 0 or any(n % factor != 0 for n in input[-2:]):
        return None
    *batch, channels, height, width = input
    return (*batch, channels * factor**2, height // factor, width // factor)


@RULES.call_rule("channel_shuffle", "native_channel_shuffle")
def _channel_shuffle(input: Dims, groups: Size) -> Dims | None:
    if len(input) < 3 or not groups > 0 or input[1] % groups != 0:
        return None
    return input


@RULES.call_rule("grid_sampler")
def _grid_sampler(
    input: Dims, grid: Dims, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Dims | None:
    if len(input) not in (4, 5) or len(grid) != len(input) or input[0] != grid[0]:
        return None
    if grid[-1] != len(input) - 2 or not all_positive(*input[2:]):
        return None
    return (*input[:2], *grid[1:-1])


# --- recurrent layers -------------------------------------------------------------------------


def _recurrent(
    input: Dims, hidden: Dims, weight: Dims, bidirectional: bool, batch_first: bool
) -> Dims | None:
    if len(input) != 3 or len(hidden) != 3 or input[2] != weight[-1]:
        return None
    if hidden[1] != input[0 if batch_first else 1]:
        return None
    return (*input[:2], hidden[2] * (2 if bidirectional else 1))


@RULES.call_rule("lstm")
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


@RULES.call_rule("gru", "rnn_tanh", "rnn_relu")
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


def _is_cell(input: Dims, hidden: Dims, w_ih: Dims, w_hh: Dims) -> bool:
    return same_sizes(input[:-1], hidden[:-1]) and input[-1] == w_ih[1] and hidden[-1] == w_hh[1]


@RULES.call_rule("lstm_cell")
def _lstm_cell(
    input: Dims, hx: Any, w_ih: Dims, w_hh: Dims, b_ih: Any = None, b_hh: Any = None
) -> list[Dims | None] | None:
    hidden, cell = hx
    return [hidden, cell] if _is_cell(input, hidden, w_ih, w_hh) else None


@RULES.call_rule("gru_cell", "rnn_tanh_cell", "rnn_relu_cell")
def _cell(
    input: Dims,
    hx: Dims,
    w_ih: Dims,
    w_hh: Dims,
    b_ih: Any = None,
    b_hh: Any = None,
) -> Dims | None:
    return hx if _is_cell(input, hx, w_ih, w_hh) else None
