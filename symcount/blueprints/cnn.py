"""The convolutional seed blueprints.

Every module maps ``(batch, dim, height, width)`` to the same shape, so any of them can be
inserted at any point of a convolutional network of width ``dim``.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from symcount import blueprints as BlueprintRegistry
from symcount.blueprints._arguments import reject_unexpected

GROUP_LADDER = (32, 16, 8, 4, 2, 1)
MIN_CHANNELS_PER_GROUP = 16


def select_num_groups(channels: int) -> int:
    """Return the largest group count of the ladder that leaves each group enough channels.

    Enough is ``MIN_CHANNELS_PER_GROUP``. A width too narrow for that takes the largest group
    count that divides it. The result always divides ``channels``.

    >>> [select_num_groups(channels) for channels in (8, 30, 64, 512)]
    [8, 1, 4, 32]
    """
    for groups in GROUP_LADDER:
        if channels % groups == 0 and channels // groups >= MIN_CHANNELS_PER_GROUP:
            return groups
    return next(groups for groups in GROUP_LADDER if channels % groups == 0)


def build_group_norm(channels: int) -> nn.GroupNorm:
    """Return a ``GroupNorm`` over ``channels`` with as many groups as the ladder allows."""
    return nn.GroupNorm(select_num_groups(channels), channels)


class ResidualGroupNorm(nn.Module):
    """Adds a learned multiple of the normalised input; the identity at the start.

    The scalar gate starts at zero (Bachlechner et al., "ReZero is All You Need", 2020).
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = build_group_norm(dim)
        self.gate = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.gate * self.norm(x)


class SqueezeExcitation(nn.Module):
    """Scales each channel by a gate computed from all channel means (Hu et al., 2018).

    The gates start at sigmoid(3) = 0.95 whatever the input, which leaves the signal nearly
    as it was.
    """

    def __init__(self, dim: int, reduction: int) -> None:
        super().__init__()
        reduced = max(1, dim // reduction)
        self.squeeze = nn.Linear(dim, reduced, bias=False)
        self.excite = nn.Linear(reduced, dim)
        nn.init.zeros_(self.excite.weight)
        nn.init.constant_(self.excite.bias, 3.0)

    def forward(self, x: Tensor) -> Tensor:
        means = x.mean(dim=(2, 3))
        gates = torch.sigmoid(self.excite(F.relu(self.squeeze(means))))
        return x * gates[:, :, None, None]


class DepthwiseSeparable(nn.Module):
    """Adds a depthwise 3x3 and pointwise 1x1 convolution, normalised, to its input."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(dim, dim, 3, padding=1, groups=dim, bias=False)
        self.pointwise = nn.Conv2d(dim, dim, 1, bias=False)
        self.norm = build_group_norm(dim)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.norm(self.pointwise(self.depthwise(x)))


class Bottleneck(nn.Module):
    """Adds a 3x3 convolution at reduced width to its input; the identity at the start.

    The expanding convolution starts at zero, and a ``GroupNorm`` maps zeros to zeros.
    """

    def __init__(self, dim: int, reduction: int) -> None:
        super().__init__()
        width = max(8, dim // reduction)
        self.reduce = nn.Conv2d(dim, width, 1, bias=False)
        self.conv = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.expand = nn.Conv2d(width, dim, 1, bias=False)
        self.norm = build_group_norm(dim)
        nn.init.zeros_(self.expand.weight)

    def forward(self, x: Tensor) -> Tensor:
        hidden = F.relu(self.conv(F.relu(self.reduce(x))))
        return x + self.norm(self.expand(hidden))


class PointwiseConv(nn.Module):
    """Adds a 1x1 convolution, normalised, to its input; the identity at the start."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 1, bias=False)
        self.norm = build_group_norm(dim)
        nn.init.zeros_(self.conv.weight)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.norm(self.conv(x))


class ConvBlock(nn.Module):
    """Adds a 3x3 convolution, normalised and rectified, to its input."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1, bias=False)
        self.norm = build_group_norm(dim)

    def forward(self, x: Tensor) -> Tensor:
        return x + F.relu(self.norm(self.conv(x)))


@BlueprintRegistry.register("noop", "cnn", description="identity")
def create_noop(dim: int, **unexpected: Any) -> nn.Module:
    reject_unexpected("cnn:noop", unexpected)
    return nn.Identity()


@BlueprintRegistry.register("norm", "cnn", description="gated residual GroupNorm")
def create_norm(dim: int, **unexpected: Any) -> nn.Module:
    reject_unexpected("cnn:norm", unexpected)
    return ResidualGroupNorm(dim)


@BlueprintRegistry.register("attention", "cnn", description="squeeze-and-excitation")
def create_attention(dim: int, *, reduction: int = 4, **unexpected: Any) -> nn.Module:
    reject_unexpected("cnn:attention", unexpected)
    return SqueezeExcitation(dim, reduction)


@BlueprintRegistry.register("depthwise", "cnn", description="depthwise-separable convolution")
def create_depthwise(dim: int, **unexpected: Any) -> nn.Module:
    reject_unexpected("cnn:depthwise", unexpected)
    return DepthwiseSeparable(dim)


@BlueprintRegistry.register("bottleneck", "cnn", description="3x3 convolution at reduced width")
def create_bottleneck(dim: int, *, reduction: int = 4, **unexpected: Any) -> nn.Module:
    reject_unexpected("cnn:bottleneck", unexpected)
    return Bottleneck(dim, reduction)


@BlueprintRegistry.register("conv_small", "cnn", description="1x1 convolution")
def create_conv_small(dim: int, **unexpected: Any) -> nn.Module:
    reject_unexpected("cnn:conv_small", unexpected)
    return PointwiseConv(dim)


@BlueprintRegistry.register("conv_light", "cnn", description="one 3x3 convolution block")
def create_conv_light(dim: int, **unexpected: Any) -> nn.Module:
    reject_unexpected("cnn:conv_light", unexpected)
    return ConvBlock(dim)


@BlueprintRegistry.register("conv_heavy", "cnn", description="two 3x3 convolution blocks")
def create_conv_heavy(dim: int, **unexpected: Any) -> nn.Module:
    reject_unexpected("cnn:conv_heavy", unexpected)
    return nn.Sequential(ConvBlock(dim), ConvBlock(dim))
