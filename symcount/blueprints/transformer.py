"""The transformer seed blueprints.

Every module maps ``(batch, time, dim)`` to the same shape, so any of them can be inserted at
any point of a transformer of width ``dim``. None looks at later positions.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint as run_checkpointed

from symcount import blueprints as BlueprintRegistry
from symcount.blueprints._arguments import reject_unexpected


class ResidualLayerNorm(nn.Module):
    """Adds a learned multiple of the normalised input; the identity at the start.

    The scalar gate starts at zero (Bachlechner et al., "ReZero is All You Need", 2020).
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.gate = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.gate * self.norm(x)


class LowRankAdapter(nn.Module):
    """Adds a linear map of rank at most ``rank`` to its input; the identity at the start.

    The up-projection starts at zero (Hu et al., "LoRA", 2021).
    """

    def __init__(self, dim: int, rank: int) -> None:
        super().__init__()
        self.down = nn.Linear(dim, rank, bias=False)
        self.up = nn.Linear(rank, dim, bias=False)
        nn.init.zeros_(self.up.weight)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.up(self.down(x))


class CausalSelfAttention(nn.Module):
    """Multi-head attention of each position to itself and the earlier ones.

    ``dim`` must be divisible by ``n_head``; anything else is a ``ValueError``.
    """

    def __init__(self, dim: int, n_head: int) -> None:
        super().__init__()
        if dim % n_head != 0:
            raise ValueError(f"dim must be divisible by n_head, got dim={dim}, n_head={n_head}")
        self.n_head = n_head
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (self._split_heads(part) for part in self.qkv(x).chunk(3, dim=-1))
        heads = self.attend(query, key, value)
        return self.proj(heads.transpose(1, 2).flatten(2))

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Return causal attention; all shapes are ``(batch, n_head, time, dim / n_head)``."""
        return F.scaled_dot_product_attention(query, key, value, is_causal=True)

    def _split_heads(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:-1], self.n_head, -1).transpose(1, 2)


class CausalFlexAttention(CausalSelfAttention):
    """The same function of the same parameters, computed by ``flex_attention``.

    Building one works everywhere; a forward pass needs torch 2.5 or later. On the CPU torch
    offers no backward pass: call it under ``torch.no_grad()`` there.
    """

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        # Imported here because it loads the compiler stack, which counting never needs.
        from torch.nn.attention.flex_attention import create_block_mask, flex_attention

        time = query.shape[-2]
        mask = create_block_mask(_is_visible, None, None, time, time, device=query.device)
        heads = flex_attention(query, key, value, block_mask=mask)
        assert isinstance(heads, Tensor)  # a tuple only where the log-sum-exp is asked for
        return heads


def _is_visible(batch: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
    return query >= key


class FeedForward(nn.Module):
    """Two linear layers around a GELU, applied to each position.

    With ``checkpoint`` the hidden activations are recomputed in the backward pass instead of
    kept; outputs and gradients stay the same.
    """

    def __init__(self, dim: int, expansion: int, checkpoint: bool) -> None:
        super().__init__()
        self.checkpoint = checkpoint
        self.layers = nn.Sequential(
            nn.Linear(dim, expansion * dim), nn.GELU(), nn.Linear(expansion * dim, dim)
        )

    def forward(self, x: Tensor) -> Tensor:
        if self.checkpoint:
            return run_checkpointed(self.layers, x, use_reentrant=False)
        return self.layers(x)


@BlueprintRegistry.register("noop", "transformer", description="identity")
def create_noop(dim: int, **unexpected: Any) -> nn.Module:
    reject_unexpected("transformer:noop", unexpected)
    return nn.Identity()


@BlueprintRegistry.register("norm", "transformer", description="gated residual LayerNorm")
def create_norm(dim: int, **unexpected: Any) -> nn.Module:
    reject_unexpected("transformer:norm", unexpected)
    return ResidualLayerNorm(dim)


@BlueprintRegistry.register("lora", "transformer", description="low-rank adapter")
def create_lora(dim: int, *, rank: int = 8, **unexpected: Any) -> nn.Module:
    reject_unexpected("transformer:lora", unexpected)
    return LowRankAdapter(dim, rank)


@BlueprintRegistry.register("lora_large", "transformer", description="low-rank adapter, rank 32")
def create_lora_large(dim: int, *, rank: int = 32, **unexpected: Any) -> nn.Module:
    reject_unexpected("transformer:lora_large", unexpected)
    return LowRankAdapter(dim, rank)


@BlueprintRegistry.register("attention", "transformer", description="causal self-attention")
def create_attention(dim: int, *, n_head: int = 4, **unexpected: Any) -> nn.Module:
    reject_unexpected("transformer:attention", unexpected)
    return CausalSelfAttention(dim, n_head)


@BlueprintRegistry.register("mlp_small", "transformer", description="feed-forward, expansion 2")
def create_mlp_small(
    dim: int, *, expansion: int = 2, checkpoint: bool = False, **unexpected: Any
) -> nn.Module:
    reject_unexpected("transformer:mlp_small", unexpected)
    return FeedForward(dim, expansion, checkpoint)


@BlueprintRegistry.register("mlp", "transformer", description="feed-forward, expansion 4")
def create_mlp(
    dim: int, *, expansion: int = 4, checkpoint: bool = False, **unexpected: Any
) -> nn.Module:
    reject_unexpected("transformer:mlp", unexpected)
    return FeedForward(dim, expansion, checkpoint)


@BlueprintRegistry.register(
    "flex_attention", "transformer", description="causal self-attention by flex_attention"
)
def create_flex_attention(dim: int, *, n_head: int = 4, **unexpected: Any) -> nn.Module:
    reject_unexpected("transformer:flex_attention", unexpected)
    return CausalFlexAttention(dim, n_head)
