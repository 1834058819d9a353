"""Blueprints for convolutional hosts, with the costs that somebody wrote down."""

from __future__ import annotations

import torch
from torch import nn

from tests.catalogue.adopted import blueprints


@blueprints.register("noop", "cnn", param_estimate=0, description="Nothing at all")
def noop(dim: int) -> nn.Module:
    return nn.Identity()


@blueprints.register("norm", "cnn", param_estimate=100, description="A norm and a gain")
def norm(dim: int) -> nn.Module:
    groups = min(32, dim)
    while dim % groups:
        groups -= 1
    module = nn.Sequential(nn.GroupNorm(groups, dim))
    module.register_parameter("gain", nn.Parameter(torch.zeros(1)))
    return module


@blueprints.register("excite", "cnn", param_estimate=2000, description="Squeeze and excitation")
def excite(dim: int, reduction: int = 4) -> nn.Module:
    inner = max(1, dim // reduction)
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(dim, inner, bias=False),
        nn.ReLU(),
        nn.Linear(inner, dim, bias=False),
        nn.Sigmoid(),
    )


@blueprints.register("conv", "cnn", param_estimate=37_000, description="A convolution")
def conv(dim: int, padding: int = 0) -> nn.Module:
    return nn.Sequential(nn.Conv2d(dim, dim, 3, padding=padding, bias=False), nn.BatchNorm2d(dim))
