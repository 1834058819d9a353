"""Torch operations on sizes that are symbols: the cases by which the rules of shapes are tested.

Each is a function of one size or two that returns a tensor, or the shape of one.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

F = nn.functional


class Holds(nn.Module):
    """A module with these tensors, or tensors of these sizes, as parameters."""

    def __init__(self, *tensors: Any) -> None:
        super().__init__()
        for index, tensor in enumerate(tensors):
            if not isinstance(tensor, torch.Tensor):
                tensor = torch.empty(tensor)
            self.register_parameter(f"p{index}", nn.Parameter(tensor, requires_grad=False))


def e(*sizes: Any) -> torch.Tensor:
    return torch.empty(sizes)


def long(*sizes: Any) -> torch.Tensor:
    return torch.empty(sizes, dtype=torch.int64)


OPERATIONS: dict[str, Callable[[Any], Any]] = {
    # creation
    "empty": lambda d: torch.empty(d, 3),
    "empty_size": lambda d: torch.empty(size=(d, 3)),
    "empty_tuple": lambda d: torch.empty((d, 3)),
    "zeros": lambda d: torch.zeros([d, d]),
    "ones": lambda d: torch.ones(2, d, dtype=torch.float64),
    "rand": lambda d: torch.rand(d),
    "randn": lambda d: torch.randn(d, 2, generator=None),
    "empty_negative": lambda d: torch.empty(d - 3, 2),
    "full": lambda d: torch.full((d, 2), 1.5),
    "full_of_symbol": lambda d: torch.full((d,), 1.0 * d),
    "randint": lambda d: torch.randint(0, 10, (d, 3)).float(),
    "randint_high": lambda d: torch.randint(10, (d,)).float(),
    "normal": lambda d: torch.normal(0.0, 1.0, (d, 2)),
    "normal_tensor": lambda d: torch.normal(e(d, 2), 1.0),
    "randperm": lambda d: torch.randperm(d).float(),
    "eye": lambda d: torch.eye(d),
    "eye_two": lambda d: torch.eye(d, 3),
    "eye_named": lambda d: torch.eye(3, m=d),
    "Tensor": lambda d: torch.Tensor(d, 3),
    "FloatTensor": lambda d: torch.FloatTensor(2, d),
    "LongTensor": lambda d: torch.LongTensor(d).float(),
    "new": lambda d: e(2).new(d, 3),
    "new_empty": lambda d: e(2).new_empty((d, 2)),
    "new_empty_args": lambda d: e(2).new_empty(d, 2),
    "new_zeros": lambda d: e(2).new_zeros(d),
    "new_ones": lambda d: e(2).new_ones((d, d)),
    "new_full": lambda d: e(2).new_full((d,), 3.0),
    "empty_like": lambda d: torch.empty_like(e(d, 2)),
    "zeros_like": lambda d: torch.zeros_like(e(d, 2)),
    "ones_like": lambda d: torch.ones_like(e(d, 2), dtype=torch.float64),
    "rand_like": lambda d: torch.rand_like(e(d)),
    "randn_like": lambda d: torch.randn_like(e(d)),
    "full_like": lambda d: torch.full_like(e(d, 2), 3.0),
    "arange": lambda d: torch.arange(d).float(),
    "arange_step": lambda d: torch.arange(0, d, 2).float(),
    "arange_end": lambda d: torch.arange(end=d).float(),
    "arange_start": lambda d: torch.arange(1, d + 3, 3).float(),
    "arange_down": lambda d: torch.arange(d, 0, -1).float(),
    "arange_keywords": lambda d: torch.arange(start=0, end=d, step=2).float(),
    "arange_positional_start": lambda d: torch.arange(2, end=d + 2).float(),
    "arange_too_short": lambda d: torch.arange(5, d).float(),
    "linspace": lambda d: torch.linspace(0, 1, d),
    "linspace_steps": lambda d: torch.linspace(0, 1, steps=2 * d),
    "linspace_too_few": lambda d: torch.linspace(0, 1, d - 5),
    "tensor_times": lambda d: torch.tensor([1.0, 2.0]) * e(d, 1),
    "scalar": lambda d: torch.tensor(1.0 * d) * e(d),
    "arange_of_floats": lambda d: torch.arange(0.5, d),
    "arange_float_step": lambda d: torch.arange(0, 1, 4 / d),
    "arange_tenths": lambda d: torch.arange(0, d, 0.1),
    "arange_thirds": lambda d: torch.arange(0, d / 3, 0.1, dtype=torch.float64),
    "arange_down_by_floats": lambda d: torch.arange(d, 0, -0.7),
    "arange_no_step": lambda d: torch.arange(0, 5, (d - 4) / 2),
    "arange_symbolic_step": lambda d: torch.arange(1, 9.5, d / 7),
    "arange_half": lambda d: torch.arange(0, d / 2, 0.3, dtype=torch.float16),
    "new_tensor": lambda d: e(d).new_tensor([1.0, 2.0]) * e(d, 1),
    "hann_window": lambda d: torch.hann_window(d),
    "hamming_window": lambda d: torch.hamming_window(window_length=d + 2, periodic=False),
    "tril_indices": lambda d: torch.tril_indices(d, d, -1).float(),
    "tril_indices_wide": lambda d: torch.tril_indices(4, d, 1).float(),
    "triu_indices": lambda d: torch.triu_indices(d, 5, offset=d - 4).float(),
    "triu_indices_offset": lambda d: torch.triu_indices(row=5, col=7, offset=4 - d).float(),
    # same shape
    "clone": lambda d: e(d, 2).clone(),
    "relu": lambda d: torch.relu(e(d, 2)),
    "functional_softmax": lambda d: F.softmax(e(d, 2), dim=-1),
    "detach": lambda d: e(d, 2).detach(),
    "half": lambda d: e(d, 2).half(),
    "to": lambda d: e(d, 2).to(torch.float64),
    "device": lambda d: torch.empty(d, 2, device="cpu"),
    "type": lambda d: e(d, 2).type(torch.float16),
    "data": lambda d: e(d, 2).data,
    "cumsum": lambda d: e(d, 2).cumsum(0),
    "tril": lambda d: torch.tril(e(d, d)),
    "deepcopy": lambda d: copy.deepcopy(e(d, 2)),
    "layer_norm": lambda d: F.layer_norm(e(2, d), (d,)),
    "clamp_to_tensor": lambda d: e(d, 1).clamp(e(3)),
    "masked_fill": lambda d: e(d, 3).masked_fill(e(5, 1, 1) > 0, 0.0),
    "logcumsumexp": lambda d: e(d, 2).logcumsumexp(0),
    "cummax": lambda d: e(d, 2).cummax(0)[1].float(),
    "expit": lambda d: torch.special.expit(e(d, 2)),
    "clamp": lambda d: e(d).clamp(min=0),
    "sort": lambda d: e(d, 2).sort()[0],
    # shapes asked for
    "shape": lambda d: e(e(d, 2).shape[0] * 2),
    "size": lambda d: e(e(d, 2).size(0), e(d, 2).size(-1)),
    "shape_unpacked": lambda d: e(*e(d, 2).shape, 2),
    "shape_sum": lambda d: torch.empty(e(d, 2).shape + (3,)),  # noqa: RUF005
    "shape_slice": lambda d: torch.empty(e(2, d, 3).shape[1:]),
    "numel": lambda d: e(e(d, 3).numel()),
    "shape_numel": lambda d: e(e(d, 3).shape.numel()),
    "len": lambda d: e(len(e(d, 3)), 2),
    "nbytes": lambda d: e(e(d, 3).nbytes),
    # reshaping
    "view": lambda d: e(d, 6).view(2 * d, 3),
    "view_minus_one": lambda d: e(d, 6).view(-1, 4),
    "reshape": lambda d: e(d, d).reshape(-1),
    "reshape_tuple": lambda d: e(d, 4).reshape((d * 2, 2)),
    "flatten": lambda d: e(d, 2, 3).flatten(1),
    "ravel": lambda d: e(d, 2).ravel(),
    "unflatten": lambda d: e(d * 2, 3).unflatten(0, (2, -1)),
    "unsqueeze": lambda d: e(d).unsqueeze(-1),
    "squeeze_all": lambda d: e(d, 1, 2).squeeze(),
    "squeeze_dim": lambda d: e(d, 2).squeeze(0),
    "transpose": lambda d: e(d, 2).transpose(0, 1),
    "t": lambda d: e(d, 2).t(),
    "T": lambda d: e(d, 2).T,
    "mT": lambda d: e(3, d, 2).mT,
    "adjoint": lambda d: e(3, d, 2).adjoint(),
    "permute": lambda d: e(d, 2, 3).permute(2, 0, 1),
    "movedim": lambda d: e(d, 2, 3).movedim(0, -1),
    "expand": lambda d: e(1, 2).expand(d, 2),
    "expand_minus_one": lambda d: e(d, 1).expand(-1, 5),
    "expand_symbolic": lambda d: e(d).expand(5),
    "expand_as": lambda d: e(d, 1).expand_as(e(5, 3)),
    "expand_as_one": lambda d: e(d).expand_as(e(1)),
    "view_as": lambda d: e(d, 6).view_as(e(3, 8)),
    "broadcast_to": lambda d: torch.broadcast_to(e(d), (2, d)),
    "repeat": lambda d: e(2).repeat(d, 3),
    "tile": lambda d: torch.tile(e(d), (2, 2)),
    "repeat_interleave": lambda d: torch.repeat_interleave(e(d, 2), 3, dim=0),
    "repeat_interleave to a size": lambda d: e(d, 2).repeat_interleave(d, dim=0, output_size=d * d),
    "pad": lambda d: F.pad(e(d, 2), (1, 2, 0, 3)),
    "narrow": lambda d: e(d, 2).narrow(0, 1, 2),
    "narrow_length": lambda d: e(d).narrow(0, 2, d - 4),
    "narrow_negative": lambda d: e(d).narrow(0, -3, 2),
    "select": lambda d: e(d, 3).select(0, 2),
    "index": lambda d: e(d, 3)[2],
    "index_negative": lambda d: e(d, 3)[-2],
    "index_of_either_sign": lambda d: e(3, 4)[d - 6],
    "slice": lambda d: e(d, 3)[1:4],
    "slice_to": lambda d: e(20, 3)[:d],
    "slice_from_end": lambda d: e(d, 3)[-3:],
    "slice_step": lambda d: e(d, 3)[::2],
    "slice_step_from": lambda d: e(3, d)[:, 1::2],
    "ellipsis": lambda d: e(d, 3, 2)[..., 0],
    "none": lambda d: e(d, 3)[None, :, None],
    "iter": lambda d: next(iter(e(d, 3))),
    "unbind": lambda d: e(3, d).unbind(0)[1],
    "index_select": lambda d: e(4, 3).index_select(1, torch.arange(d)),
    "gather": lambda d: e(4, 5).gather(1, torch.zeros(d, 2, dtype=torch.int64)),
    "take": lambda d: e(4, 5).take(torch.zeros(d, 2, dtype=torch.int64)),
    "bucketize": lambda d: torch.bucketize(e(d, 2), e(5)).float(),
    "searchsorted": lambda d: torch.searchsorted(e(5), e(d, 2)).float(),
    "topk": lambda d: e(3, d).topk(4)[0],
    "topk_k": lambda d: torch.topk(e(7, 3), d, dim=0).indices.float(),
    "multinomial": lambda d: torch.multinomial(e(3, 5), d, replacement=True).float(),
    "diff": lambda d: torch.diff(e(d, 3), dim=0),
    "rot90": lambda d: torch.rot90(e(d, 3, 2), 1, (0, 2)),
    "rot180": lambda d: torch.rot90(e(d, 3), 2),
    "flip": lambda d: e(d, 3).flip(0),
    "diag_of_vector": lambda d: torch.diag(e(d), -2),
    "diag_of_matrix": lambda d: torch.diag(e(5, d), 2),
    "diagflat": lambda d: torch.diagflat(e(d, 2), 1),
    "diagonal": lambda d: e(2, d, 7).diagonal(d - 3, 1, 2),
    "diag_embed": lambda d: torch.diag_embed(e(2, d), 1),
    "trace": lambda d: e(d, 3).trace() * e(d),
    "view_as_real": lambda d: torch.view_as_real(torch.complex(e(d, 2), e(1, 2))),
    "view_as_complex": lambda d: torch.view_as_real(torch.view_as_complex(e(3, d))),
    "unsqueeze_": lambda d: e(d, 3).unsqueeze_(0),
    "squeeze_": lambda d: e(d, 3).squeeze_(0),
    "transpose_": lambda d: e(d, 3).transpose_(0, 1),
    "t_": lambda d: e(d, 3).t_(),
    "pad_reflect": lambda d: F.pad(e(2, d), (2, 1), mode="reflect"),
    "pad_circular": lambda d: F.pad(e(2, d), (2, 3), mode="circular"),
    "pad_replicate": lambda d: F.pad(e(2, d), (2, d), mode="replicate"),
    "pad_negative": lambda d: F.pad(e(d), (2, -5)),
    "pad_more_axes": lambda d: F.pad(e(2, d), (1, d, d - 4, 0)),
    # matrices
    "inverse": lambda d: torch.linalg.inv(e(2, d, 4)),
    "matrix_exp": lambda d: torch.matrix_exp(e(d, d)),
    "det": lambda d: torch.linalg.det(e(d, 3, 3)),
    "qr": lambda d: torch.linalg.qr(e(d, 4))[0],
    "qr_complete": lambda d: torch.linalg.qr(e(4, d), mode="complete")[1],
    "svd": lambda d: torch.linalg.svd(e(d, 4))[2],
    "svd_reduced": lambda d: torch.linalg.svd(e(d, 4), full_matrices=False)[0],
    # several tensors
    "hstack": lambda d: torch.hstack([e(d, 2), e(3, 4)]),
    "hstack_vectors": lambda d: torch.hstack([e(d), e(3)]),
    "vstack": lambda d: torch.vstack([e(d), e(4, 3)]),
    "dstack": lambda d: torch.dstack([e(d), e(1, 3)]),
    "column_stack": lambda d: torch.column_stack([e(d), e(4, 3)]),
    "atleast_1d": lambda d: torch.atleast_1d(e(d)),
    "atleast_2d": lambda d: torch.atleast_2d(e(d)),
    "atleast_3d": lambda d: torch.atleast_3d(e(d, 2)),
    "broadcast_tensors": lambda d: torch.broadcast_tensors(e(d, 1), e(3))[1],
    "cartesian_prod": lambda d: torch.cartesian_prod(e(d), e(3)),
    "block_diag": lambda d: torch.block_diag(e(d, 2), e(3)),
    "add": lambda d: e(d, 1) + e(3),
    "add_broadcast": lambda d: e(5) + e(d),
    "multiply": lambda d: e(d, 2) * 3,
    "symbol_times_tensor": lambda d: d * e(d, 2) / d,
    "where": lambda d: torch.where(e(d, 1) > 0, e(d, 3), 0.0),
    "compare": lambda d: (e(d, 3) > 0).float(),
    "cat": lambda d: torch.cat([e(d, 2), e(3, 2), e(2 * d, 2)]),
    "cat_dim": lambda d: torch.cat([e(2, d), e(2, 3)], dim=-1),
    "stack": lambda d: torch.stack([e(d, 2), e(d, 2)], dim=1),
    "stack_mismatch": lambda d: torch.stack([e(d), e(3)]),
    "split": lambda d: e(d, 2).split(3)[0],
    "split_last": lambda d: e(d, 2).split(3)[-1],
    "split_empty": lambda d: e(d - 1, 2).split(3)[0],
    "split_sections": lambda d: e(2 * d + 1).split([d, d, 1])[1],
    "chunk": lambda d: e(d, 2).chunk(3)[0],
    "chunk_last": lambda d: e(d, 2).chunk(3)[-1],
    "chunk_empty": lambda d: e(d - 1, 2).chunk(3)[0],
    "meshgrid": lambda d: torch.meshgrid(e(d), e(3), indexing="ij")[0],
    "meshgrid_xy": lambda d: torch.meshgrid(e(d), e(3), indexing="xy")[1],
    "matmul": lambda d: e(3, d) @ e(d, 2),
    "matmul_mismatch": lambda d: e(3, d) @ e(5, 2),
    "matmul_vector": lambda d: e(d, 3) @ e(3),
    "matmul_batch": lambda d: e(2, d, 3) @ e(3, 4),
    "rmatmul": lambda d: e(d, 2).__rmatmul__(e(3, d)),
    "mm": lambda d: torch.mm(e(d, 3), e(3, d)),
    "bmm": lambda d: torch.bmm(e(2, d, 3), e(2, 3, 4)),
    "mv": lambda d: torch.mv(e(d, 3), e(3)),
    "inner": lambda d: torch.inner(e(3, d), e(5, d)),
    "outer": lambda d: torch.outer(e(d), e(3)),
    "linear": lambda d: F.linear(e(2, d), e(5, d)),
    # reductions
    "sum": lambda d: e(d, 3).sum(1),
    "mean_keepdim": lambda d: e(d, 3).mean(0, keepdim=True),
    "max": lambda d: e(d, 3).max(1)[0],
    "amax": lambda d: e(d, 3).amax((0, 1)),
    "std": lambda d: e(d, 3).std(1),
    "std_unbiased": lambda d: e(d, 3).std(1, True),
    "norm": lambda d: e(d, 3).norm(2, 1),
    "norm_dim": lambda d: e(d, 3).norm(dim=1, keepdim=True),
    "vector_norm": lambda d: torch.linalg.vector_norm(e(d, 3), dim=0),
    "std_mean": lambda d: torch.std_mean(e(d, 3), 1)[1],
    "aminmax": lambda d: e(d, 3).aminmax(dim=1)[0],
    "mode": lambda d: e(d, 3).mode()[0],
    "max_of_none": lambda d: e(d - 3, 2).max(0)[0],
    "argmin_of_none": lambda d: e(d, d - 1).argmin(1).float(),
    "amax_of_nothing": lambda d: e(2, d - 1).amax(0),
    "nansum": lambda d: e(d, 3).nansum(0),
    "count_nonzero": lambda d: torch.count_nonzero(e(d, 3), dim=1).float(),
    # in place
    "resize": lambda d: e(2, 3).resize_(d, 3),
    "in_place_normal": lambda d: e(d, 3).normal_(0, 0.02).mul_(2),
    "in_place_mismatch": lambda d: e(d).add_(e(7)),
    "copy_": lambda d: e(d, 3).copy_(e(3)),
    "copy_mismatch": lambda d: e(d).copy_(e(3)),
}
OPERATIONS_OF_TWO: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: e(a) + e(b),
    "add_columns": lambda a, b: e(a, 1) + e(1, b),
    "maximum": lambda a, b: torch.maximum(e(a, 2), e(b, 2)),
    "expand": lambda a, b: e(a, 2).expand(b, 2),
    "view": lambda a, b: e(a, b).view(b, a),
    "view_if_divides": lambda a, b: e(a).view(b, -1),
    "cat": lambda a, b: torch.cat([e(a, 2), e(b, 2)]),
    "cat_mismatch": lambda a, b: torch.cat([e(2, a), e(3, b)]),
    "slice": lambda a, b: e(a)[b:],
    "slice_both": lambda a, b: e(10)[a:b],
    "slice_end": lambda a, b: e(a)[-b:],
    "slice_step": lambda a, b: e(a)[::b],
    "index": lambda a, b: e(a, 2)[b],
    "narrow": lambda a, b: e(a).narrow(0, 1, b),
    "split": lambda a, b: e(a).split(b)[-1],
    "chunk": lambda a, b: e(a).chunk(b)[-1],
    "matmul": lambda a, b: e(2, a) @ e(b, 3),
    "arange": lambda a, b: torch.arange(a, b).float(),
    "arange_step": lambda a, b: torch.arange(0, a, b).float(),
    "repeat": lambda a, b: e(a).repeat(b, 2),
    "outer": lambda a, b: torch.outer(e(a), e(b)),
}

LAYERS: dict[str, Callable[[Any], Any]] = {
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
LAYERS_OF_TWO: dict[str, Callable[[Any, Any], Any]] = {
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
