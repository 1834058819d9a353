"""What is counted, and the formulas that people write by hand for it.

Nothing here needs the other tools, so a test can run all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from examples import families
from symcount import ParamCount, derive
from symcount.blueprints.cnn import SqueezeExcitation

Sizes = Mapping[str, int]
TEXT, IMAGE, MAP = "text", "image", "map"


def squeeze_excitation(dim: int = 512, reduction: int = 4) -> nn.Module:
    """The squeeze-and-excitation block that comes with symcount (Hu et al. 2018)."""
    return SqueezeExcitation(dim, reduction)


class Tied(nn.Module):
    def __init__(self, d: int, n_layer: int, vocab: int, tied: bool = True) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(d, 8, 4 * d, batch_first=True)
        self.embed = nn.Embedding(vocab, d)
        self.layers = nn.TransformerEncoder(layer, n_layer, enable_nested_tensor=False)
        self.head = nn.Linear(d, vocab, bias=False)
        if tied:
            self.head.weight = self.embed.weight

    def forward(self, input_ids: torch.Tensor) -> Any:
        return self.head(self.layers(self.embed(input_ids)))


def tied_lm(d: int = 512, n_layer: int = 6, vocab: int = 32000) -> nn.Module:
    """A language model in plain PyTorch whose output layer is its embedding."""
    return Tied(d, n_layer, vocab)


def linear_probe(d: int = 512, n_layer: int = 6, vocab: int = 32000, labels: int = 10) -> nn.Module:
    """A frozen encoder with a new last layer, which alone is trained."""
    model = Tied(d, n_layer, vocab, tied=False)
    model.requires_grad_(False)
    model.head = nn.Linear(d, labels)
    return model


@dataclass(frozen=True)
class Model:
    """A factory at its default sizes, what its forward pass takes, and formulas of others."""

    name: str
    factory: Callable[..., nn.Module]
    takes: str
    sizes: Sizes
    by_hand: Mapping[str, Callable[[Sizes], int]] = field(default_factory=dict)

    def inputs(self, device: str) -> dict[str, torch.Tensor]:
        """The smallest ordinary input of the forward pass, by name."""
        if self.takes == TEXT:
            return {"input_ids": torch.zeros((1, 8), dtype=torch.long, device=device)}
        if self.takes == IMAGE:
            return {"pixel_values": torch.zeros((1, 3, 224, 224), device=device)}
        return {"x": torch.zeros((1, self.sizes["dim"], 8, 8), device=device)}

    def derived(self) -> ParamCount:
        return derive(self.factory)


# --- formulas by hand --------------------------------------------------------------------------
#
# d is the width, n the number of layers, V the vocabulary, s the number of positions, f the width
# of the feed-forward layers.


def twelve(d: int, n: int) -> int:
    """The rule 12*n*d**2: Kaplan et al. 2020, arXiv:2001.08361, section 2.1.

    2*d*n*(2*a + f), where the attention is as wide as the model, a = d, and f = 4*d. It is meant
    without embeddings, biases and norms.
    """
    return 12 * n * d**2


def megatron(d: int, n: int, V: int, s: int) -> int:
    """12*n*d**2 * (1 + 13/(12*d) + (V + s)/(12*n*d)): Narayanan et al. 2021, arXiv:2104.04473.

    Equation 2 there, for GPT models.
    """
    return 12 * n * d**2 + 13 * n * d + (V + s) * d


def cookbook(d: int, n: int, V: int, s: int, linears: int = 2, f: int = 0) -> int:
    """The sum in calc/calc_transformer_params.py of EleutherAI's cookbook, for dense models.

    `linears` are the matrices of a feed-forward layer, 3 if it is gated. Its option for the width
    f is the quotient f/d; where that is no integer, f itself is taken here.
    """
    f = f or 4 * d
    return V * d + s * d + 4 * n * d**2 + 13 * n * d + linears * n * d * f


def _gpt2(formula: Callable[..., int], *more: str) -> Callable[[Sizes], int]:
    names = {"d": "n_embd", "n": "n_layer", "V": "vocab_size", "s": "n_positions"}
    return lambda sizes: formula(**{name: sizes[names[name]] for name in ("d", "n", *more)})


def _of_config(formula: Callable[..., int], **more: Any) -> Callable[[Sizes], int]:
    def value(sizes: Sizes) -> int:
        named = {
            name: sizes[given] if isinstance(given, str) else given for name, given in more.items()
        }
        return formula(d=sizes["hidden_size"], n=sizes["num_hidden_layers"], **named)

    return value


_BERT = {"V": "vocab_size", "s": "max_position_embeddings"}
# Llama learns no positions.
_LLAMA = {"V": "vocab_size", "s": 0}

MODELS = (
    Model("SE block", squeeze_excitation, MAP, {"dim": 512, "reduction": 4}),
    Model(
        "GPT-2",
        families.gpt2,
        TEXT,
        {
            "n_embd": 768,
            "n_inner": 3072,
            "vocab_size": 50257,
            "n_layer": 12,
            "n_head": 12,
            "n_positions": 1024,
        },
        {
            "12*n*d**2": _gpt2(twelve),
            "Megatron-LM": _gpt2(megatron, "V", "s"),
            "cookbook": _gpt2(cookbook, "V", "s"),
        },
    ),
    Model(
        "BERT base",
        families.bert,
        TEXT,
        {
            "hidden_size": 768,
            "intermediate_size": 3072,
            "vocab_size": 30522,
            "num_hidden_layers": 12,
            "num_attention_heads": 12,
            "max_position_embeddings": 512,
            "type_vocab_size": 2,
        },
        {
            "12*n*d**2": _of_config(twelve),
            "Megatron-LM": _of_config(megatron, **_BERT),
            "cookbook": _of_config(cookbook, **_BERT),
        },
    ),
    Model(
        "ResNet-50",
        families.resnet,
        IMAGE,
        {
            "width": 64,
            "depth_1": 3,
            "depth_2": 4,
            "depth_3": 6,
            "depth_4": 3,
            "num_channels": 3,
            "num_labels": 1000,
        },
    ),
    Model(
        "Llama 7B",
        families.llama,
        TEXT,
        {
            "hidden_size": 4096,
            "intermediate_size": 11008,
            "vocab_size": 32000,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": 32,
        },
        {
            "12*n*d**2": _of_config(twelve),
            "Megatron-LM": _of_config(megatron, **_LLAMA),
            "cookbook": _of_config(cookbook, **_LLAMA, linears=3, f="intermediate_size"),
        },
    ),
    Model("tied LM", tied_lm, TEXT, {"d": 512, "n_layer": 6, "vocab": 32000}),
    Model(
        "linear probe",
        linear_probe,
        TEXT,
        {"d": 512, "n_layer": 6, "vocab": 32000, "labels": 10},
    ),
)


def sweep() -> list[dict[str, int]]:
    """A thousand sizes of GPT-2: 40 widths, heads of 64, by 25 depths."""
    return [
        {
            "n_embd": d,
            "n_inner": 4 * d,
            "vocab_size": 50257,
            "n_layer": n,
            "n_head": d // 64,
            "n_positions": 1024,
        }
        for d in range(64, 64 * 41, 64)
        for n in range(1, 26)
    ]
