"""Sparse tensors: their shape is followed, and what depends on how much they keep is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import symcount
from symcount import derive


def mask(n: int, d: int) -> torch.Tensor:
    """Whisper's mask of heads, which it keeps in a buffer."""
    made = torch.zeros(n, d, dtype=torch.bool)
    made[n // 2 :] = True
    return made


MADE: dict[str, Callable[[int, int], torch.Tensor]] = {
    "d*n": lambda n, d: mask(n, d).to_sparse(),
    "d*n ": lambda n, d: mask(n, d).float().to_sparse_csr(),
    "d*n  ": lambda n, d: mask(n, d).to_sparse().coalesce().t().float(),
    "d*n   ": lambda n, d: mask(n, d).to_sparse_coo().to_dense(),
    "n": lambda n, d: torch.arange(n).to_sparse(),
    "n**2": lambda n, d: torch.eye(n).to_sparse(),
    "d*n    ": lambda n, d: torch.sparse_coo_tensor(torch.ones(2, 1), torch.ones(1), (n, d)),
}


@pytest.mark.parametrize("formula", MADE)
def test_a_sparse_buffer_has_its_shape(formula: str) -> None:
    def factory(d: int = 64, n: int = 4) -> nn.Module:
        layer = nn.Linear(d, d)
        layer.register_buffer("mask", MADE[formula](n, d), persistent=False)
        return layer

    count = derive(factory)
    assert str(count) == "d**2 + d"
    assert str(count.buffers) == formula.strip()
    assert count.certificate.grade == "complete"


READ: list[Callable[[Any], int]] = [
    lambda kept: kept._nnz(),
    lambda kept: kept.indices().shape[1],
    lambda kept: kept.coalesce().values().numel(),
    lambda kept: len(kept.t().coalesce().values()),
]


@pytest.mark.parametrize("read", READ)
@pytest.mark.parametrize("make", [mask, lambda n, d: torch.arange(1, n * d).reshape(1, -1)])
def test_how_many_numbers_it_keeps_is_not_known(read: Any, make: Any) -> None:
    with pytest.raises(symcount.DerivationError):
        derive(lambda n, d: nn.Linear(3, read(make(n, d).to_sparse())))
