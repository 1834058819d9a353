"""Convolutions and pools with every option, and what constructors do with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import symcount
from symcount.errors import DomainError, FactoryError
from tests.brute_force import assert_exact, plain_sizes
from tests.operations import Holds, e

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
