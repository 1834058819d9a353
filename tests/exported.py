"""Factories whose formulas are hard to put into documents: in pieces, with a domain, or none."""

from __future__ import annotations

from torch import nn


def branching(d: int, head_dim: int) -> nn.Module:
    """A formula in three pieces."""
    if d % head_dim:
        return nn.Linear(d, head_dim)
    return nn.Linear(d, 2 * head_dim) if d > 100 else nn.Embedding(d, 7)


def partly(dim: int, heads: int = 4, bias: bool = True) -> nn.Module:
    if dim % heads:
        raise ValueError("dim must be a multiple of heads")
    return nn.Linear(dim, dim, bias=bias)


def broken(dim: int) -> nn.Module:
    raise ValueError("no | module")
