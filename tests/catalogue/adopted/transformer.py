"""Blueprints for transformers, with the costs that somebody wrote down."""

from __future__ import annotations

from torch import nn

from tests.catalogue.adopted import blueprints


class LowRank(nn.Module):
    def __init__(self, dim: int, rank: int) -> None:
        super().__init__()
        self.down = nn.Linear(dim, rank, bias=False)
        self.up = nn.Linear(rank, dim, bias=False)


@blueprints.register("norm", "transformer", param_estimate=768, description="A norm")
def norm(dim: int) -> nn.Module:
    return nn.LayerNorm(dim)


@blueprints.register("lora", "transformer", param_estimate=6144, description="A low-rank path")
def lora(dim: int, rank: int = 8) -> nn.Module:
    return LowRank(dim, rank)


@blueprints.register("mlp", "transformer", param_estimate=1_200_000, description="An MLP")
def mlp(dim: int, expansion: int = 4, checkpoint: bool = False) -> nn.Module:
    return nn.Sequential(
        nn.Linear(dim, dim * expansion), nn.GELU(), nn.Linear(dim * expansion, dim)
    )


@blueprints.register("attention", "transformer", param_estimate=10, description="Attention")
def attention(dim: int, heads: int | None = None) -> nn.Module:
    if heads is None:
        heads = next(h for h in (8, 4, 2, 1) if dim % h == 0)
    return nn.MultiheadAttention(dim, heads)
