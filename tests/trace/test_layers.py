"""The rules of layers and products, against plain torch: sizes where it gives them, else refusal.

As in `test_tensors`, each case registers the result of an operation as a parameter, and the formula
is compared at every size. Sizes start where the operation raises.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import symcount
from symcount.errors import DomainError, FactoryError, UnknownShapeError
from tests.brute_force import assert_exact, plain_sizes
from tests.trace.test_tensors import Holds, e

F = nn.functional


def long(*sizes: Any) -> torch.Tensor:
    return torch.empty(sizes, dtype=torch.int64)


ONE: dict[str, Callable[[Any], Any]] = {
    # convolutions
    "conv1d": lambda d: F.conv1d(e(1, 2, d), e(3, 2, 4), e(3)),
    "conv1d_unbatched": lambda d: F.conv1d(e(2, d), e(3, 2, 4), stride=2),
    "conv2d_channels": lambda d: F.conv2d(e(1, d, 6, 7), e(5, 4, 3, 3)),
    "conv2d_groups": lambda d: F.conv2d(e(1, 6, 6, 6), e(6, 6 // d, 3, 3), groups=d),
    "conv2d_stride": lambda d: F.conv2d(e(1, 3, 11, 6), e(4, 3, 3, 3), stride=(d, 1)),
    "conv2d_stride_zero": lambda d: F.conv2d(e(1, 3, 11, 6), e(4, 3, 3, 3), stride=d - 1),
    "conv2d_padding": lambda d: F.conv2d(e(1, 3, 6, 2), e(4, 3, 3, 3), padding=(0, d)),
    "conv2d_dilation": lambda d: F.conv2d(e(1, 3, 9, 9), e(4, 3, 3, 3), dilation=d),
    "conv2d_kernel": lambda d: F.conv2d(e(1, 3, 9, 9), e(4, 3, d, 2 * d), padding=1),
    "conv2d_same": lambda d: F.conv2d(e(2, 3, d, 9), e(4, 3, 4, d), padding="same"),
    "conv2d_same_dilated": lambda d: F.conv2d(
        e(2, 3, d, 9), e(4, 3, 4, 3), padding="same", dilation=2
    ),
    "conv2d_same_stride": lambda d: F.conv2d(e(2, 3, 9, 9), e(4, 3, 3, 3), None, d, "same"),
    "conv2d_valid": lambda d: F.conv2d(e(2, 3, d, 9), e(4, 3, 4, 3), padding="valid"),
    "conv3d": lambda d: F.conv3d(e(1, 2, d, 6, d), e(3, 2, 3, 3, 2), stride=(1, 2, 2), padding=1),
    "conv3d_unbatched": lambda d: F.conv3d(e(2, d, 6, 6), e(3, 2, 3, 3, 2)),
    "conv_transpose1d": lambda d: F.conv_transpose1d(e(2, 3, d), e(3, 4, 3), padding=3),
    "conv_transpose2d_groups": lambda d: F.conv_transpose2d(
        e(1, 6, 4, d), e(6, 2, 3, 3), e(4), groups=2
    ),
    "conv_transpose3d": lambda d: F.conv_transpose3d(e(1, 2, d, 3, 4), e(2, 3, d, 2, 2)),
    "ConvTranspose2d_output_size": lambda d: nn.ConvTranspose2d(2, 3, 3, stride=2)(
        e(1, 2, 4, 4), output_size=[d, 9]
    ),
    "Conv2d_circular": lambda d: nn.Conv2d(2, 3, 3, padding=2, padding_mode="circular")(
        e(1, 2, d, 4)
    ),
    "Conv2d_reflect": lambda d: nn.Conv2d(2, 3, 3, padding=2, padding_mode="reflect")(
        e(1, 2, d, 4)
    ),
    "conv_transpose2d": lambda d: F.conv_transpose2d(e(1, d, 4, 5), e(d, 6, 3, 3), stride=2),
    "conv_transpose2d_extra": lambda d: F.conv_transpose2d(
        e(1, 6, 4, d), e(6, 2, 3, 3), stride=3, output_padding=(1, 2)
    ),
    # pools
    "max_pool1d": lambda d: F.max_pool1d(e(2, 3, d), 4, 2, 1),
    "max_pool1d_ceil": lambda d: F.max_pool1d(e(3, d), 4, 3, 2, ceil_mode=True),
    "max_pool2d": lambda d: F.max_pool2d(e(1, 2, d, 9), (3, d)),
    "max_pool2d_indices": lambda d: F.max_pool2d(e(1, 2, d, 9), 3, 2, 1, return_indices=True)[0],
    "max_pool2d_kernel_zero": lambda d: F.max_pool2d(e(1, 2, 8, 9), d - 1),
    "max_pool2d_stride": lambda d: F.max_pool2d(e(1, 2, 8, 9), 3, d - 1),
    "max_pool2d_stride_ceil": lambda d: F.max_pool2d(e(1, 2, 8, 9), 3, d, ceil_mode=True),
    "max_pool2d_padding": lambda d: F.max_pool2d(e(2, 8, 9), 5, 2, d - 1),
    "max_pool2d_padding_dilated": lambda d: F.max_pool2d(e(2, 15, 15), 5, 2, d - 1, 2),
    "max_pool2d_dilation": lambda d: F.max_pool2d(e(1, 2, 11, 11), 3, 2, 1, d),
    "max_pool2d_empty_batch": lambda d: F.max_pool2d(e(d - 1, 2, 5, 5), 2),
    "max_pool2d_no_channels": lambda d: F.max_pool2d(e(1, d - 1, 5, 5), 2),
    "max_pool3d": lambda d: F.max_pool3d(e(1, 2, d, 5, 6), (2, 3, 2), 2, ceil_mode=True),
    "avg_pool1d": lambda d: F.avg_pool1d(e(2, 3, d), 4, 2, 1),
    "avg_pool1d_unbatched": lambda d: F.avg_pool1d(e(3, d), 4, ceil_mode=True),
    "avg_pool2d": lambda d: F.avg_pool2d(e(1, 2, d, 9), 3, 2, 1, ceil_mode=True),
    "avg_pool2d_divisor": lambda d: F.avg_pool2d(e(1, 2, 9, d), 3, divisor_override=d),
    "avg_pool3d": lambda d: F.avg_pool3d(e(2, d, 5, 6), 3, 2, 1, ceil_mode=True),
    "lp_pool2d": lambda d: F.lp_pool2d(e(1, 2, d, 9), 2.0, 3, 2),
    "fractional_max_pool2d": lambda d: F.fractional_max_pool2d(e(1, 2, d, 9), 3, (4, 5)),
    "fractional_max_pool2d_ratio": lambda d: F.fractional_max_pool2d(
        e(1, 2, d, 9), 2, output_ratio=(0.7, 0.6)
    ),
    "fractional_max_pool3d": lambda d: F.fractional_max_pool3d(e(1, 2, 9, d, 9), 3, (4, 5, 2)),
    "max_unpool1d": lambda d: F.max_unpool1d(*F.max_pool1d(e(1, 2, d), 2, return_indices=True), 2),
    "max_unpool2d": lambda d: F.max_unpool2d(
        *F.max_pool2d(e(1, 2, d, 6), 2, return_indices=True), 2
    ),
    "max_unpool3d": lambda d: F.max_unpool3d(
        *F.max_pool3d(e(1, 2, d, 6, 4), 2, return_indices=True), 2
    ),
    "adaptive_avg_pool1d": lambda d: F.adaptive_avg_pool1d(e(1, 2, d), d - 1),
    "adaptive_avg_pool2d": lambda d: F.adaptive_avg_pool2d(e(1, 2, d, 6), (None, d)),
    "adaptive_avg_pool2d_one": lambda d: F.adaptive_avg_pool2d(e(2, d, 6, 4), 1),
    "adaptive_avg_pool2d_unbatched": lambda d: F.adaptive_avg_pool2d(e(d, 6, 4), (3, None)),
    "adaptive_avg_pool3d": lambda d: F.adaptive_avg_pool3d(e(2, d, 6, 4, 5), (3, None, d)),
    "adaptive_max_pool1d": lambda d: F.adaptive_max_pool1d(e(1, 2, d), d),
    "adaptive_max_pool2d": lambda d: F.adaptive_max_pool2d(e(1, 2, d, 6), (None, 7)),
    "adaptive_max_pool3d": lambda d: F.adaptive_max_pool3d(
        e(1, 2, d, 6, 5), 2, return_indices=True
    )[1].float(),
    # norms
    "batch_norm": lambda d: nn.BatchNorm2d(4)(e(2, d, 3, 3)),
    "batch_norm_evaluating": lambda d: nn.BatchNorm2d(d).eval()(e(2, d, 3, 3)),
    "batch_norm_single": lambda d: nn.BatchNorm1d(3)(e(d, 3)),
    "batch_norm_untracked": lambda d: F.batch_norm(e(2, d), None, None, training=True),
    "instance_norm": lambda d: nn.InstanceNorm2d(4, affine=True)(e(2, d, 3, 3)),
    "instance_norm_single": lambda d: nn.InstanceNorm1d(4)(e(2, 4, d)),
    "layer_norm": lambda d: nn.LayerNorm((4, d))(e(2, 4, d)),
    "layer_norm_mismatch": lambda d: nn.LayerNorm(5)(e(2, d)),
    "layer_norm_bias": lambda d: F.layer_norm(e(2, d), (d,), e(d), e(5)),
    "group_norm": lambda d: F.group_norm(e(2, 12, 3), d, e(12), e(12)),
    "group_norm_channels": lambda d: nn.GroupNorm(2, 8)(e(2, d, 3)),
    "rms_norm": lambda d: nn.RMSNorm(5)(e(2, d)),
    "local_response_norm": lambda d: F.local_response_norm(e(2, d, 6, 5), 3),
    "normalize": lambda d: F.normalize(e(2, d, 6), dim=1),
    # activations
    "prelu": lambda d: F.prelu(e(2, d, 3), e(4)),
    "prelu_of_one": lambda d: F.prelu(e(2, d, 3), e(1)),
    "glu": lambda d: F.glu(e(2, d, 3), 1),
    "softmax": lambda d: F.softmax(e(2, d), -1),
    "gumbel_softmax": lambda d: F.gumbel_softmax(e(2, d)),
    "dropout2d": lambda d: F.dropout2d(e(2, d, 3, 3)),
    "alpha_dropout": lambda d: F.alpha_dropout(e(2, d), training=True),
    "logsigmoid": lambda d: F.logsigmoid(e(2, d)),
    "softsign": lambda d: F.softsign(e(2, d)),
    "threshold": lambda d: F.threshold(e(2, d), 0.1, 0.2),
    "relu_in_place": lambda d: F.relu(e(2, d), inplace=True),
    # embeddings
    "embedding": lambda d: F.embedding(long(2, d), e(10, 2 * d)),
    "Embedding": lambda d: nn.Embedding(10, d, max_norm=None)(long(3, d)),
    "embedding_bag": lambda d: F.embedding_bag(long(d, 3), e(10, 2 * d)),
    "embedding_bag_offsets": lambda d: F.embedding_bag(
        long(20), e(10, 4), long(d), include_last_offset=True
    ),
    "one_hot": lambda d: F.one_hot(long(2, 3), d).float(),
    # resizing
    "interpolate_size": lambda d: F.interpolate(e(1, 2, 3, 4), size=(d, 5)),
    "interpolate_one_size": lambda d: F.interpolate(e(1, 2, 3, 4), size=d, mode="bilinear"),
    "interpolate_zero": lambda d: F.interpolate(e(1, 2, d - 1, 4), size=3),
    "interpolate_zero_size": lambda d: F.interpolate(e(1, 2, 3, 4), size=d - 1),
    "interpolate_scale": lambda d: F.interpolate(e(1, 2, d), scale_factor=2),
    "interpolate_fraction": lambda d: F.interpolate(e(1, 2, d, 8), scale_factor=0.29),
    "interpolate_scales": lambda d: F.interpolate(
        e(1, 2, d, 8), scale_factor=(1.7, 0.5), mode="bicubic"
    ),
    "interpolate_symbolic_scale": lambda d: F.interpolate(e(1, 2, 7, 8), scale_factor=d / 3),
    "interpolate_integer_scale": lambda d: F.interpolate(e(1, 2, 7, 8), scale_factor=d),
    "interpolate_recomputed": lambda d: F.interpolate(
        e(1, 2, d, 8), scale_factor=0.7, recompute_scale_factor=True
    ),
    "interpolate_area": lambda d: F.interpolate(e(1, 2, d, 8), scale_factor=0.7, mode="area"),
    "interpolate_exact": lambda d: F.interpolate(e(1, 2, d), size=4, mode="nearest-exact"),
    "interpolate_trilinear": lambda d: F.interpolate(
        e(1, 2, d, 3, 4), scale_factor=1.5, mode="trilinear", align_corners=True
    ),
    "interpolate_antialiased": lambda d: F.interpolate(
        e(1, 2, d, 8), size=(4, d), mode="bilinear", antialias=True
    ),
    "Upsample": lambda d: nn.Upsample(scale_factor=3, mode="nearest")(e(1, 2, d, 4)),
    "pixel_shuffle": lambda d: F.pixel_shuffle(e(1, d, 3, 4), 2),
    "pixel_shuffle_factor": lambda d: F.pixel_shuffle(e(36, 3, 4), d),
    "pixel_unshuffle": lambda d: F.pixel_unshuffle(e(1, 2, d, 6), 3),
    "pixel_unshuffle_factor": lambda d: F.pixel_unshuffle(e(1, 2, 12, 6), d),
    "channel_shuffle": lambda d: F.channel_shuffle(e(1, d, 3, 4), 3),
    "unfold": lambda d: F.unfold(e(1, 2, d, 6), (3, 2), dilation=2, padding=1, stride=2),
    "unfold_kernel": lambda d: F.unfold(e(2, 8, 6), d),
    "fold": lambda d: F.fold(e(1, d, 12), (4, 5), 2),
    "fold_size": lambda d: F.fold(e(8, 12), (d, 5), 2),
    "grid_sample": lambda d: F.grid_sample(e(2, 3, 4, 5), e(d, d, 6, 2)),
    "Tensor_unfold": lambda d: e(2, d).unfold(1, 3, 2),
    "Tensor_unfold_size": lambda d: e(2, 7).unfold(-1, d, d),
    # products
    "addmm": lambda d: torch.addmm(e(d, 1), e(3, 4), e(4, 5)),
    "addmm_inner": lambda d: torch.addmm(e(5), e(d, 4), e(d, 5)),
    "baddbmm": lambda d: torch.baddbmm(e(2, 3, 5), e(d, 3, 4), e(2, 4, 5)),
    "bmm_batch": lambda d: torch.bmm(e(d, 3, 4), e(4, 4, 5)),
    "bilinear": lambda d: F.bilinear(e(2, d), e(2, 3), e(4, 5, 3)),
    "Bilinear": lambda d: nn.Bilinear(d, 3, 4)(e(2, d), e(2, 3)),
    "einsum": lambda d: torch.einsum("bij,bjk->bik", e(2, 3, d), e(2, 4, 5)),
    "einsum_outer": lambda d: torch.einsum("i , j -> ij", e(d), e(3)),
    "einsum_implicit": lambda d: torch.einsum("ba,ac", e(d, 4), e(4, 2)),
    "einsum_diagonal": lambda d: torch.einsum("ii->i", e(d, 4)),
    "einsum_ellipsis": lambda d: torch.einsum("...ij,...jk->...ik", e(d, 2, 3), e(4, 1, 3, d)),
    "einsum_ellipsis_implicit": lambda d: torch.einsum("...a,ab", e(2, d, 3), e(3, d)),
    "einsum_summed_ellipsis": lambda d: torch.einsum("...i->i", e(2, 3, d)),
    "einsum_list": lambda d: torch.einsum("i,j->ij", [e(d), e(3)]),
    "tensordot": lambda d: torch.tensordot(e(2, 3, d), e(3, 4, 5), dims=2),
    "tensordot_dims": lambda d: torch.tensordot(e(2, d, 3), e(3, 4), dims=([2], [0])),
    "cdist": lambda d: torch.cdist(e(2, 3, d), e(4, 5)),
    "cosine_similarity": lambda d: F.cosine_similarity(e(d, 3, 2), e(4, 1, 2), dim=1),
    "attention": lambda d: F.scaled_dot_product_attention(
        e(2, 3, d, 8), e(2, 3, 5, 8), e(2, 3, 5, d)
    ),
    "attention_mismatch": lambda d: F.scaled_dot_product_attention(
        e(2, 4, d), e(2, 5, 8), e(2, 5, 6)
    ),
    "attention_keys": lambda d: F.scaled_dot_product_attention(e(2, 4, 8), e(2, d, 8), e(2, 5, 6)),
    "attention_mask": lambda d: F.scaled_dot_product_attention(
        e(2, 3, 4, 8), e(2, 3, 5, 8), e(2, 3, 5, 6), attn_mask=e(1, d)
    ),
    "attention_grouped": lambda d: F.scaled_dot_product_attention(
        e(1, 6, 4, 8), e(1, d, 4, 8), e(1, d, 4, 8), enable_gqa=True
    ),
    "attention_heads": lambda d: F.scaled_dot_product_attention(
        e(1, 6, 4, 8), e(1, d, 4, 8), e(1, d, 4, 8)
    ),
    # recurrent layers
    "LSTM": lambda d: nn.LSTM(4, d, 2, bidirectional=True)(e(3, 2, 4))[0],
    "LSTM_state": lambda d: nn.LSTM(4, d, 2)(e(3, 2, 4))[1][1],
    "LSTM_input": lambda d: nn.LSTM(4, 3)(e(3, 2, d))[0],
    "LSTM_projected": lambda d: nn.LSTM(4, 9, proj_size=d)(e(3, 4))[0],
    "GRU": lambda d: nn.GRU(d, 5, batch_first=True)(e(3, d, d))[0],
    "GRU_state": lambda d: nn.GRU(2, d, 3)(e(4, 5, 2), e(3, 5, d))[1],
    "RNN": lambda d: nn.RNN(2, 4)(e(d, 2))[0],
    "LSTMCell": lambda d: nn.LSTMCell(4, d)(e(3, 4))[1],
    "GRUCell": lambda d: nn.GRUCell(4, 5)(e(d, 4), e(3, 5)),
    "RNNCell": lambda d: nn.RNNCell(4, d)(e(3, 4)),
    "RNNCell_input": lambda d: nn.RNNCell(4, 3)(e(3, d)),
    # layers of several operations
    "MultiheadAttention": lambda d: nn.MultiheadAttention(4 * d, 4)(
        e(3, 2, 4 * d), e(5, 2, 4 * d), e(5, 2, 4 * d)
    )[0],
    "MultiheadAttention_weights": lambda d: nn.MultiheadAttention(8, 2).eval()(
        e(3, d, 8), e(5, d, 8), e(5, d, 8)
    )[1],
    "MultiheadAttention_batch": lambda d: nn.MultiheadAttention(8, 2, batch_first=True)(
        e(3, 2, 8), e(d, 5, 8), e(d, 5, 8)
    )[0],
    "TransformerEncoderLayer": lambda d: nn.TransformerEncoderLayer(8, 2, d)(e(3, d, 8)),
    "TransformerEncoderLayer_evaluating": lambda d: nn.TransformerEncoderLayer(
        2 * d, 2, 5, batch_first=True
    ).eval()(e(3, 2, 2 * d)),
    "TransformerDecoderLayer": lambda d: nn.TransformerDecoderLayer(8, 2, 5)(
        e(3, d, 8), e(5, 2, 8)
    ),
}
# Where torch raises, but not on the meta device, there is no shape.
LENIENT: dict[str, Callable[[Any], Any]] = {
    "multinomial": lambda d: torch.multinomial(e(3, 5), d).float(),
    "conv2d_groups_of_filters": lambda d: F.conv2d(e(1, 6, 6, 6), e(d, 2, 3, 3), groups=3),
    "conv2d_filters": lambda d: F.conv2d(e(1, 3, 6, 6), e(d, 3, 3, 3), e(5)),
    "conv2d_padding_negative": lambda d: F.conv2d(e(1, 3, 8, 8), e(4, 3, 3, 3), padding=d - 2),
    "conv2d_kernel_zero": lambda d: F.conv2d(e(1, 3, 9, 9), e(4, 3, d - 1, 3)),
    "conv_transpose2d": lambda d: F.conv_transpose2d(e(1, d, 4, 5), e(4, 6, 3, 3), stride=2),
    "conv_transpose2d_extra": lambda d: F.conv_transpose2d(
        e(1, 6, 4, 4), e(6, 2, 3, 3), stride=3, output_padding=d - 1
    ),
    "conv_transpose2d_extra_dilated": lambda d: F.conv_transpose2d(
        e(6, 4, 4), e(6, 2, 3, 3), stride=2, output_padding=3, dilation=d
    ),
    "adaptive_avg_pool1d": lambda d: F.adaptive_avg_pool1d(e(1, 2, d - 1), 4),
}
TWO: dict[str, Callable[[Any, Any], Any]] = {
    "conv2d": lambda a, b: F.conv2d(e(1, a, b, 9), e(2 * b, 4, a, 3), groups=1),
    "conv2d_padded": lambda a, b: F.conv2d(e(1, 2, 7, 5), e(3, 2, a, 3), stride=b, padding=a // 2),
    "conv_transpose2d": lambda a, b: F.conv_transpose2d(
        e(1, a, 3, 4), e(a, b, 3, 3), stride=b, padding=a
    ),
    "max_pool2d": lambda a, b: F.max_pool2d(e(1, 1, 10, 7), a, b, ceil_mode=True),
    "max_pool2d_padded": lambda a, b: F.max_pool2d(e(1, 1, 10, 7), a, 2, b),
    "avg_pool3d": lambda a, b: F.avg_pool3d(e(1, 1, a, 5, 6), b),
    "adaptive_avg_pool2d": lambda a, b: F.adaptive_avg_pool2d(e(1, a, 3, 4), (a, b - 1)),
    "batch_norm": lambda a, b: nn.BatchNorm1d(a)(e(3, b)),
    "layer_norm": lambda a, b: nn.LayerNorm(a)(e(2, b)),
    "group_norm": lambda a, b: nn.GroupNorm(b, 2 * b)(e(2, a, 3)),
    "interpolate": lambda a, b: F.interpolate(e(1, 1, a), scale_factor=b / 2),
    "pixel_shuffle": lambda a, b: F.pixel_shuffle(e(4 * a, 3, 3), b),
    "unfold": lambda a, b: F.unfold(e(1, 1, 5, 6), a, padding=b - 1, stride=b),
    "fold": lambda a, b: F.fold(e(1, 4 * a, 12), (b, 4), (2, 2)),
    "einsum": lambda a, b: torch.einsum("ij,jk->ik", e(2, a), e(b, 3)),
    "attention": lambda a, b: F.scaled_dot_product_attention(e(a, 3, 8), e(b, 4, 8), e(b, 4, 5)),
    "MultiheadAttention": lambda a, b: nn.MultiheadAttention(a, b)(e(3, a), e(4, a), e(4, a))[0],
}


def cases(named: dict[str, Any]) -> list[Any]:
    return [pytest.param(build, id=name) for name, build in named.items()]


@pytest.mark.parametrize("build", cases(ONE))
def test_layers_of_one_symbol(build: Callable[[Any], Any]) -> None:
    assert_exact(lambda d: Holds(build(d)), d=range(1, 14))


@pytest.mark.parametrize("build", cases(LENIENT))
def test_what_torch_computes_without_memory_alone_is_refused(build: Callable[[Any], Any]) -> None:
    with pytest.raises(UnknownShapeError):
        symcount.derive(lambda d: Holds(build(d)), d=symcount.Symbol(max=13))


@pytest.mark.parametrize("build", cases(TWO))
def test_layers_of_two_symbols(build: Callable[[Any, Any], Any]) -> None:
    declared = {name: symcount.Symbol(max=8) for name in "ab"}
    assert_exact(lambda a, b: Holds(build(a, b)), declared=declared, a=range(1, 9), b=range(1, 9))


# --- options ----------------------------------------------------------------------------------

SMALL = st.integers(1, 4)
OPTIONAL = st.integers(0, 3)


@settings(max_examples=40, deadline=None)
@given(
    axes=st.integers(1, 3),
    kernel=SMALL,
    stride=SMALL,
    padding=st.one_of(OPTIONAL, st.just("same"), st.just("valid")),
    dilation=SMALL,
    batched=st.booleans(),
)
def test_convolutions(
    axes: int, kernel: int, stride: int, padding: Any, dilation: int, batched: bool
) -> None:
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": 2}

    def factory(d: int) -> nn.Module:
        layer = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[axes - 1](4, 6, kernel, **options)
        size = (3, 4) if batched else (4,)
        return Holds(layer(e(*size, *range(9, 8 + axes), d)))

    compared_where_it_builds(factory)


@settings(max_examples=40, deadline=None)
@given(
    axes=st.integers(1, 3),
    kernel=SMALL,
    stride=SMALL,
    padding=OPTIONAL,
    extra=OPTIONAL,
    dilation=SMALL,
)
def test_transposed_convolutions(
    axes: int, kernel: int, stride: int, padding: int, extra: int, dilation: int
) -> None:
    kinds = nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d
    extra = min(extra, max(stride, dilation) - 1)
    padding = min(padding, dilation * (kernel - 1) // 2)  # or the smallest inputs give nothing

    def factory(d: int) -> nn.Module:
        layer = kinds[axes - 1](4, 6, kernel, stride, padding, extra, dilation=dilation)
        return Holds(layer(e(1, 4, *range(7, 6 + axes), d)))

    compared_where_it_builds(factory)


@settings(max_examples=60, deadline=None)
@given(
    axes=st.integers(1, 3),
    largest=st.booleans(),
    kernel=SMALL,
    stride=st.one_of(SMALL, st.none()),
    padding=OPTIONAL,
    dilation=SMALL,
    ceil_mode=st.booleans(),
    batched=st.booleans(),
)
def test_pools(
    axes: int,
    largest: bool,
    kernel: int,
    stride: int | None,
    padding: int,
    dilation: int,
    ceil_mode: bool,
    batched: bool,
) -> None:
    kinds: Any = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d) if largest else (
        nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d
    )  # fmt: skip
    options = {"dilation": dilation} if largest else {}

    def factory(d: int) -> nn.Module:
        layer = kinds[axes - 1](kernel, stride, padding, ceil_mode=ceil_mode, **options)
        size = (2, 4) if batched else (4,)
        return Holds(layer(e(*size, *range(9, 8 + axes), d)))

    compared_where_it_builds(factory)


def compared_where_it_builds(factory: Callable[[Any], nn.Module]) -> None:
    """Compare the formula at every size, unless the factory raises at all of them."""
    sizes = range(1, 15)
    if all(isinstance(plain_sizes(factory, d=d), Exception) for d in sizes):
        with pytest.raises(FactoryError):
            symcount.derive(factory, d=symcount.Symbol(max=14))
    else:
        assert_exact(factory, d=sizes)


EQUATIONS = [
    "ab,bc->ac",
    "ab,ba",
    "a,a",
    "aab->b",
    "a...,b...->ab...",
    "ab,b->ba",
    "...a,...b->...",
]


@pytest.mark.parametrize("equation", EQUATIONS)
@pytest.mark.parametrize("other", [(3,), (3, 2), (2, 3), (1, 3, 2)])
def test_einsum(equation: str, other: tuple[int, ...]) -> None:
    def factory(d: int, w: int) -> nn.Module:
        terms = equation.partition("->")[0].count(",") + 1
        return Holds(torch.einsum(equation, *[e(d, w, 2)[:, :, 0], e(*other)][:terms]))

    grid = {"d": range(1, 5), "w": range(1, 5)}
    points = [{"d": d, "w": w} for d in grid["d"] for w in grid["w"]]
    if all(isinstance(plain_sizes(factory, **point), Exception) for point in points):
        return
    assert_exact(factory, declared={n: symcount.Symbol(max=4) for n in "dw"}, **grid)


# --- what constructors do with them -----------------------------------------------------------


class Convolutions(nn.Module):
    """The network of reinforcement learning: what comes out of it is found by running it."""

    def __init__(self, channels: int, height: int, width: int, features: int) -> None:
        super().__init__()
        self.cnn = nn.Sequential(
            nn.Conv2d(channels, 32, kernel_size=8, stride=4, padding=0),
            nn.ReLU(),
            nn.Conv2d(32, 64, kernel_size=4, stride=2, padding=0),
            nn.ReLU(),
            nn.MaxPool2d(2, ceil_mode=True),
            nn.BatchNorm2d(64).eval(),
            nn.Flatten(),
        )
        with torch.no_grad():
            flat = self.cnn(torch.as_tensor(torch.zeros(channels, height, width)[None])).shape[1]
        self.linear = nn.Sequential(nn.Linear(flat, features), nn.ReLU())


def test_a_dummy_forward_pass() -> None:
    count = assert_exact(
        Convolutions, channels=(1, 3), height=range(18, 90, 9), width=(19, 36, 84), features=(5,)
    )
    assert count(4, 84, 84, 512) == plain_count(Convolutions(4, 84, 84, 512))
    with pytest.raises(DomainError):
        count(4, 16, 84, 512)


def plain_count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


class Attends(nn.Module):
    """A transformer that is run to learn the size of what comes out of it."""

    def __init__(self, d: int, h: int, n: int) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(d, h, 4 * d, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, n, enable_nested_tensor=False).eval()
        with torch.no_grad():
            out = self.encoder(torch.zeros(1, 5, d))
        self.head = nn.Linear(out.flatten(1).shape[1], 3)


def test_a_forward_pass_of_a_transformer() -> None:
    count = assert_exact(Attends, d=(4, 6, 8), h=(1, 2, 3), n=(1, 2, 5))
    assert count.certificate.grade == "complete"


def test_other_threads_and_later_runs_see_torch_as_it_is() -> None:
    asked = F.has_torch_function_unary
    symcount.derive(lambda d: Holds(F.softmax(e(2, d), -1)))
    assert F.has_torch_function_unary is asked


def test_an_argument_that_no_rule_knows_gives_no_shape() -> None:
    with pytest.raises(UnknownShapeError):
        symcount.derive(lambda d: Holds(torch.addmm(e(4), e(d, 3), e(3, 4), out=e(d, 4))))
