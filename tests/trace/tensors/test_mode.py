"""Modules of torch, made and changed as constructors do it."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import symcount
from tests.brute_force import assert_exact
from tests.operations import Holds, e

F = nn.functional


class Tied(nn.Module):
    def __init__(self, v: int, d: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(v, d)
        self.head = nn.Linear(d, v, bias=False)
        self.head.weight = self.embed.weight


class Lists(nn.Module):
    def __init__(self, d: int, h: int) -> None:
        super().__init__()
        self.many = nn.ParameterList([nn.Parameter(torch.empty(d, i + h)) for i in range(3)])
        self.named = nn.ParameterDict({"a": torch.empty(h), "b": nn.Parameter(torch.empty(d, d))})


class SinglePosition(nn.Module):
    """Item assignment that torch refuses below eight rows."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.empty(d, 4))
        self.p.data[7] = 0


class Positions(nn.Module):
    """The sinusoidal encoding as everybody copies it: it raises for an odd width."""

    def __init__(self, d: int) -> None:
        super().__init__()
        position = torch.arange(0, 50).unsqueeze(1)
        rate = torch.exp(torch.arange(0, d, 2) * (-9.21 / d))
        encoding = torch.zeros(50, d)
        encoding[:, 0::2] = torch.sin(position * rate)
        encoding[:, 1::2] = torch.cos(position * rate)
        self.register_buffer("encoding", encoding)
        self.out = nn.Linear(d, d)


def _weight_norm_old(d: int, h: int) -> nn.Module:
    return nn.utils.weight_norm(nn.Linear(d, h))


def _weight_norm_dim(d: int, h: int) -> nn.Module:
    convolution = nn.Conv1d(d, h, 3)
    return nn.utils.parametrizations.weight_norm(convolution, name="weight", dim=2)


MODULES: dict[str, Callable[[Any, Any], nn.Module]] = {
    "Linear": lambda d, h: nn.Linear(d, h),
    "Bilinear": lambda d, h: nn.Bilinear(d, h, 3),
    "Conv1d": lambda d, h: nn.Conv1d(d, h, 3),
    "Conv2d_groups": lambda d, h: nn.Conv2d(d, h, 3, groups=2),
    "Conv2d_depthwise": lambda d, h: nn.Conv2d(d, d * h, 3, groups=d),
    "Conv2d_kernel": lambda d, h: nn.Conv2d(3, d, h, padding=h // 2),
    "Conv2d_same": lambda d, h: nn.Conv2d(3, d, (h, 3), padding="same"),
    "Conv3d": lambda d, h: nn.Conv3d(d, h, (1, 3, 3)),
    "ConvTranspose2d": lambda d, h: nn.ConvTranspose2d(d, h, 4, stride=2, groups=1),
    "ConvTranspose1d_groups": lambda d, h: nn.ConvTranspose1d(d, h, 3, groups=2),
    "BatchNorm": lambda d, h: nn.Sequential(nn.BatchNorm2d(d), nn.BatchNorm1d(h, affine=False)),
    "BatchNorm_untracked": lambda d, h: nn.BatchNorm1d(d * h, track_running_stats=False),
    "LayerNorm": lambda d, h: nn.LayerNorm((d, h), bias=False),
    "GroupNorm": lambda d, h: nn.GroupNorm(d, h),
    "InstanceNorm": lambda d, h: nn.InstanceNorm2d(d + h, affine=True),
    "RMSNorm": lambda d, h: nn.RMSNorm(d * h),
    "Embedding": lambda d, h: nn.Embedding(d, h, padding_idx=3),
    "EmbeddingBag": lambda d, h: nn.EmbeddingBag(d, h),
    "PReLU": lambda d, h: nn.PReLU(d),
    "LSTM": lambda d, h: nn.LSTM(d, h, num_layers=2, bidirectional=True),
    "LSTM_proj": lambda d, h: nn.LSTM(d, h, proj_size=2),
    "GRU": lambda d, h: nn.GRU(d, h, bias=False),
    "RNNCell": lambda d, h: nn.RNNCell(d, h),
    "LSTMCell": lambda d, h: nn.LSTMCell(d, h),
    "MultiheadAttention": lambda d, h: nn.MultiheadAttention(d, h),
    "MultiheadAttention_kv": lambda d, h: nn.MultiheadAttention(4 * d, 4, kdim=h, vdim=3),
    "MultiheadAttention_bias": lambda d, h: nn.MultiheadAttention(d, h, add_bias_kv=True),
    "TransformerEncoder": lambda d, h: nn.TransformerEncoder(
        nn.TransformerEncoderLayer(2 * d, 2, h), 2, enable_nested_tensor=False
    ),
    "TransformerDecoderLayer": lambda d, h: nn.TransformerDecoderLayer(2 * d, 2, h),
    "AdaptiveLogSoftmax": lambda d, h: nn.AdaptiveLogSoftmaxWithLoss(16 * d, 5 * h + 5, [3, 6]),
    "Tied": lambda d, h: Tied(d, h),
    "Lists": lambda d, h: Lists(d, h),
    "weight_norm": lambda d, h: nn.utils.parametrizations.weight_norm(nn.Linear(d, h)),
    "weight_norm_dim": _weight_norm_dim,
    "weight_norm_old": _weight_norm_old,
    "spectral_norm": lambda d, h: nn.utils.parametrizations.spectral_norm(nn.Linear(d, h)),
    "spectral_norm_old": lambda d, h: nn.utils.spectral_norm(nn.Linear(d, h)),
    "orthogonal": lambda d, h: nn.utils.parametrizations.orthogonal(nn.Linear(d, h)),
    "deepcopy": lambda d, h: nn.ModuleList([copy.deepcopy(nn.Linear(d, h)) for _ in range(3)]),
    "shared": lambda d, h: nn.Sequential(*[nn.Linear(d, h)] * 3),
    "half": lambda d, h: nn.Linear(d, h).half(),
    "frozen": lambda d, h: nn.Linear(d, h).requires_grad_(False),
    "pixel_shuffle": lambda d, h: nn.Sequential(nn.Conv2d(d, d * h**2, 3), nn.PixelShuffle(h)),
    "item_assignment": lambda d, h: SinglePosition(3 * d),
    "sinusoidal_positions": lambda d, h: Positions(d),
}


@pytest.mark.parametrize("build", [pytest.param(build, id=name) for name, build in MODULES.items()])
def test_modules(build: Callable[[Any, Any], nn.Module]) -> None:
    assert_exact(lambda d, h: build(d, h), d=(1, 2, 3, 4, 6, 9, 12), h=(1, 2, 3, 4, 5, 6))


def test_tied_parameters_count_once() -> None:
    count = symcount.derive(Tied)
    assert count(v=7, d=5) == 35


def test_buffers_and_dtypes() -> None:
    count = symcount.derive(lambda d: nn.Sequential(nn.BatchNorm1d(d), nn.Linear(d, 3).half()))
    assert count.buffers(8) == 2 * 8 + 1
    assert count.nbytes(8) == 4 * 16 + 2 * (8 * 3 + 3)


def test_other_threads_and_later_runs_see_torch_as_it_is() -> None:
    asked = F.has_torch_function_unary
    symcount.derive(lambda d: Holds(F.softmax(e(2, d), -1)))
    assert F.has_torch_function_unary is asked


FIRST_RELU = """
import torch, symcount
from torch import nn

class Widened(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.linear = nn.Linear(d, 1 if d % 3 else torch.relu(torch.zeros(2, d)).shape[0])

print(symcount.derive(Widened, max_seconds=120).valid(9), nn.Parameter(torch.ones(2)).sum().item())
"""


def test_torch_may_import_its_compiler_during_a_run() -> None:
    """It does at the first operation that it has in Python, and compares what is replaced."""
    done = subprocess.run([sys.executable, "-c", FIRST_RELU], capture_output=True, text=True)
    assert done.stdout.split() == ["True", "2.0"], done.stderr
