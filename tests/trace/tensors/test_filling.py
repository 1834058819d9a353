"""What cannot be filled with values is not built, though filling is skipped."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn

import symcount
from symcount import derive


def filled(fill: Any) -> Any:
    def factory(dim):
        layer = nn.Linear(dim, 3)
        with torch.no_grad():
            fill(layer, dim)
        return layer

    return factory


@pytest.mark.parametrize(
    "fill",
    [
        lambda layer, dim: nn.init.normal_(layer.weight, std=1.0 - dim / 5000),
        lambda layer, dim: nn.init.normal_(layer.weight, 0.0, 1.0 - dim / 5000),
        lambda layer, dim: layer.weight.normal_(0, 1.0 - dim / 5000),
        lambda layer, dim: nn.init.uniform_(layer.bias, dim / 5000, 1),
        lambda layer, dim: layer.bias.uniform_(dim / 5000, 1),
    ],
)
def test_a_distribution_that_there_is_not(fill: Any) -> None:
    count = derive(filled(fill))
    assert count(64) == 195 and count(5000) == 15003
    with pytest.raises(symcount.DomainError):
        count(5001)
    with pytest.raises(RuntimeError):
        filled(fill)(5001)


@pytest.mark.parametrize(
    "fill",
    [
        lambda layer, dim: nn.init.xavier_uniform_(layer.bias),
        lambda layer, dim: nn.init.kaiming_normal_(layer.bias),
        lambda layer, dim: nn.init.eye_(layer.bias),
        lambda layer, dim: nn.init.normal_(layer.bias, std=-1.0),
        lambda layer, dim: layer.bias.geometric_(2.0),
    ],
)
def test_what_is_never_filled_is_never_built(fill: Any) -> None:
    with pytest.raises(Exception):  # noqa: B017  (of torch, one or the other)
        filled(fill)(64)
    with pytest.raises(symcount.SymcountError):
        derive(filled(fill))


@pytest.mark.parametrize(
    "fill",
    [
        lambda layer, dim: nn.init.normal_(layer.weight, std=0.02 / math.sqrt(2 * dim)),
        lambda layer, dim: nn.init.normal_(layer.weight, std=dim**-0.5),
        lambda layer, dim: nn.init.trunc_normal_(layer.weight, std=math.sqrt(2.0 / (5 * dim))),
        lambda layer, dim: nn.init.uniform_(layer.weight, -1 / math.sqrt(dim), dim**-0.5),
        lambda layer, dim: layer.weight.uniform_(-math.sqrt(6 / dim), math.sqrt(6 / dim)),
        lambda layer, dim: nn.init.trunc_normal_(layer.weight, 0, 1, -(dim**0.5), dim**0.5),
    ],
)
def test_what_can_always_be_filled_costs_nothing(fill: Any) -> None:
    count = derive(filled(fill))
    assert str(count) == "3*dim + 3" and count.domain == True  # noqa: E712
    assert count.certificate.grade == "complete"
