"""`out=`: a tensor that a result is written to has the sizes of that."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from tests.brute_force import assert_exact


class Table(nn.Module):
    def __init__(self, length: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.empty(length))
        with torch.no_grad():
            torch.arange(1, self.table.numel() + 1, out=self.table).mul_(3.14)


def held(tensor: torch.Tensor) -> nn.Module:
    module = nn.Module()
    module.table = nn.Parameter(tensor)
    return module


def spaced(d: int = 8) -> nn.Module:
    table = torch.empty(d)
    torch.linspace(0, 1, d, out=table)
    return held(table)


def empty_at_first(d: int = 8) -> nn.Module:
    table = torch.empty(0)
    torch.zeros(d, 3, out=table)
    return held(table)


def joined(d: int = 8) -> nn.Module:
    table = torch.empty(d + 1, 3)
    return held(torch.cat([torch.ones(1, 3), torch.ones(d, 3)], out=table))


def multiplied(d: int = 8) -> nn.Module:
    table = torch.empty(0)
    torch.matmul(torch.ones(d, 3), torch.ones(3, d), out=table)
    return nn.Linear(table.shape[0], table.numel())


def shortened(d: int = 8) -> nn.Module:
    table = torch.empty(d)
    torch.arange(0, d - d % 2, out=table)
    return held(table)


@pytest.mark.filterwarnings("ignore:An output with one or more elements was resized")
@pytest.mark.parametrize(
    "factory",
    [lambda d=8: Table(d), spaced, empty_at_first, joined, multiplied, shortened],
    ids="table spaced empty_at_first joined multiplied shortened".split(),
)
def test_a_tensor_is_as_large_as_what_is_written_to_it(factory: Callable[..., nn.Module]) -> None:
    count = assert_exact(factory, d=(1, 2, 3, 7, 8, 64))
    assert count.certificate.grade == "complete"


def sized(d: int = 8, e: int = 3) -> nn.Module:
    size = torch.Size((d, e))
    return nn.ModuleList([held(torch.empty((*size, 2))), nn.Linear(size.numel(), size[0])])


def compared(d: int = 8) -> nn.Module:
    return nn.Linear(d, 2 if torch.Size([d, 3]) == torch.Size([4, 3]) else 3)


@pytest.mark.parametrize("factory", [sized, compared])
def test_a_size_that_the_factory_makes_itself(factory: Callable[..., nn.Module]) -> None:
    count = assert_exact(factory, d=(1, 3, 4, 8))
    assert count.certificate.grade == "complete"
