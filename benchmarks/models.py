"""Models as people write them, from torch alone, and families of transformers by their configs.

With the seeds and `examples.families` they are the `cases` that `benchmarks/speed.py` measures.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from examples import families
from symcount import ParamCount, Symbol, blueprints, derive, from_config
from symcount.blueprints import cnn, transformer  # noqa: F401


class Attention(nn.Module):
    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        assert dim % heads == 0
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)


class Block(nn.Module):
    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention = Attention(dim, heads)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))


class NanoGPT(nn.Module):
    """A small GPT, its output layer tied to the embedding."""

    def __init__(
        self, n_embd: int = 768, n_layer: int = 12, n_head: int = 12, vocab: int = 50304,
        block_size: int = 1024,
    ) -> None:  # fmt: skip
        super().__init__()
        self.tokens = nn.Embedding(vocab, n_embd)
        self.positions = nn.Embedding(block_size, n_embd)
        self.blocks = nn.ModuleList(Block(n_embd, n_head) for _ in range(n_layer))
        self.norm = nn.LayerNorm(n_embd)
        self.head = nn.Linear(n_embd, vocab, bias=False)
        self.head.weight = self.tokens.weight


class Bottleneck(nn.Module):
    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = 4 * width
        self.body = nn.Sequential(
            nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs),
        )  # fmt: skip
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            convolution = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.shortcut = nn.Sequential(convolution, nn.BatchNorm2d(outputs))


def _resnet(width: int, classes: int, depths: tuple[int, ...]) -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width)]
    inputs = width
    for stage, depth in enumerate(depths):
        for i in range(depth):
            layers.append(Bottleneck(inputs, width << stage, 2 if i == 0 and stage else 1))
            inputs = 4 * (width << stage)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes))


def plain_resnet50(width: int = 64, classes: int = 1000) -> nn.Module:
    return _resnet(width, classes, (3, 4, 6, 3))


def plain_resnet_depths(
    width: int = 64, depth_1: int = 3, depth_2: int = 4, depth_3: int = 6, depth_4: int = 3,
) -> nn.Module:  # fmt: skip
    return _resnet(width, 1000, (depth_1, depth_2, depth_3, depth_4))


def vgg16(width: int = 64, hidden: int = 4096, classes: int = 1000) -> nn.Module:
    layers: list[nn.Module] = []
    inputs = 3
    for times, factor in ((2, 1), (2, 2), (3, 4), (3, 8), (3, 8)):
        for _ in range(times):
            layers += [nn.Conv2d(inputs, factor * width, 3, padding=1), nn.ReLU()]
            inputs = factor * width
        layers.append(nn.MaxPool2d(2))
    head = nn.Sequential(
        nn.Flatten(), nn.Linear(49 * inputs, hidden), nn.ReLU(), nn.Dropout(),
        nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(), nn.Linear(hidden, classes),
    )  # fmt: skip
    return nn.Sequential(*layers, head)


def densenet121(growth: int = 32, classes: int = 1000) -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(3, 2 * growth, 7, 2, 3, bias=False)]
    width = 2 * growth
    for block, times in enumerate((6, 12, 24, 16)):
        for _ in range(times):
            layers.append(nn.Sequential(
                nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, 4 * growth, 1, bias=False),
                nn.BatchNorm2d(4 * growth), nn.ReLU(),
                nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False),
            ))  # fmt: skip
            width += growth
        if block < 3:
            layers += [nn.BatchNorm2d(width), nn.Conv2d(width, width // 2, 1, bias=False)]
            width //= 2
    return nn.Sequential(*layers, nn.BatchNorm2d(width), nn.Linear(width, classes))


def mlp_mixer(
    dim: int = 512, depth: int = 8, patches: int = 196, tokens: int = 256, channels: int = 2048,
) -> nn.Module:  # fmt: skip
    def mixer(size: int, hidden: int) -> nn.Module:
        return nn.Sequential(nn.Linear(size, hidden), nn.GELU(), nn.Linear(hidden, size))

    blocks = [
        nn.ModuleList(
            [nn.LayerNorm(dim), mixer(patches, tokens), nn.LayerNorm(dim), mixer(dim, channels)]
        )
        for _ in range(depth)
    ]
    ends = nn.Conv2d(3, dim, 16, 16), nn.LayerNorm(dim), nn.Linear(dim, 1000)
    return nn.ModuleList([*blocks, *ends])


def encoder(dim: int = 512, heads: int = 8, layers: int = 6, hidden: int = 2048) -> nn.Module:
    layer = nn.TransformerEncoderLayer(dim, heads, hidden, batch_first=True)
    return nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)


def lstm_lm(vocab: int = 10000, dim: int = 650, layers: int = 2) -> nn.Module:
    return nn.ModuleList(
        [nn.Embedding(vocab, dim), nn.LSTM(dim, dim, layers), nn.Linear(dim, vocab)]
    )


TORCH: tuple[Callable[..., nn.Module], ...] = (
    NanoGPT, plain_resnet50, plain_resnet_depths, vgg16, densenet121, mlp_mixer, encoder, lstm_lm,
)  # fmt: skip

# The size of a parameter that has no default.
REFERENCE = 64
# Names of transformers: config, model, and the config's keywords that are symbols.
_TEXT = "hidden_size intermediate_size num_hidden_layers num_attention_heads vocab_size"
_LLAMA = f"{_TEXT} num_key_value_heads"
_TWO_STACKS = "d_model encoder_layers encoder_ffn_dim decoder_layers decoder_ffn_dim vocab_size"
CONFIGS = {
    "Qwen2Config:Qwen2ForCausalLM": _LLAMA,
    "GemmaConfig:GemmaForCausalLM": _LLAMA,
    "PhiConfig:PhiForCausalLM": _LLAMA,
    "GPTJConfig:GPTJForCausalLM": "n_embd n_layer n_head n_positions vocab_size",
    "BloomConfig:BloomForCausalLM": "hidden_size n_layer n_head vocab_size",
    "OPTConfig:OPTForCausalLM": "hidden_size ffn_dim num_hidden_layers num_attention_heads "
    "vocab_size",
    "RobertaConfig:RobertaModel": _TEXT,
    "DistilBertConfig:DistilBertModel": "dim hidden_dim n_layers n_heads vocab_size",
    "BartConfig:BartModel": _TWO_STACKS,
    "T5Config:T5ForConditionalGeneration": "d_model d_kv d_ff num_layers num_heads vocab_size",
    "CLIPConfig:CLIPModel": "text_config.hidden_size text_config.num_hidden_layers "
    "vision_config.hidden_size vision_config.num_hidden_layers projection_dim",
    "Wav2Vec2Config:Wav2Vec2Model": "hidden_size intermediate_size num_hidden_layers "
    "num_attention_heads",
}


@dataclass
class Case:
    """A module as it is built plainly, and what derives its formula; of a factory, if it is one."""

    kind: str
    name: str
    plain: Callable[[], nn.Module]
    derive: Callable[[], ParamCount]
    factory: Callable[..., nn.Module] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


def cases() -> Iterator[Case]:
    """List the sixteen seeds, the thirteen families and twenty models."""
    for spec in blueprints:
        yield _of_factory("seeds", spec.key, spec.factory)
    for family in families.FAMILIES:
        size = next(s for s in families.PUBLISHED if s.family is family)
        yield _of_factory("families", family.__name__, family, {**size.fixed, **size.declared})
    for model in TORCH:
        yield _of_factory("models", model.__name__, model)
    for names, symbols in CONFIGS.items():
        yield _of_config(names, symbols.split())


def _of_factory(
    kind: str, name: str, factory: Callable[..., nn.Module], options: Mapping[str, Any] = {}
) -> Case:
    taken = inspect.signature(factory).parameters.values()
    missing = [p for p in taken if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    sizes = {p.name: REFERENCE for p in missing if p.name not in options}
    fixed = {**sizes, **{k: v for k, v in options.items() if not isinstance(v, Symbol)}}
    return Case(
        kind, name, lambda: factory(**fixed), lambda: derive(factory, **options), factory, options
    )


def _of_config(names: str, symbols: list[str]) -> Case:
    import transformers

    config, model = (getattr(transformers, part) for part in names.split(":"))
    name = names.split(":")[1]
    return Case(
        "models", name, lambda: model(config()), lambda: from_config(model, config, symbols=symbols)
    )
