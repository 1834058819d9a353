"""Published model families, built by the classes of `transformers` itself.

Every family is a factory of integers, which are all symbolic unless said otherwise: widths, depth,
heads, positions, vocabulary, labels. The defaults are a published model.

`PUBLISHED` holds parameter counts that others published: numbers to check a formula against. Of
EfficientNet and MobileNet the published sizes are one model scaled by coefficients; `rounded` and
`PUBLISHED` say how their widths and depths come from those.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

from torch import nn

from symcount import ParamCount, Symbol, derive

__all__ = [
    "EFFICIENTNETS",
    "FAMILIES",
    "PUBLISHED",
    "PublishedSize",
    "bert",
    "convnext",
    "derived",
    "efficientnet",
    "gpt2",
    "llama",
    "mistral",
    "mixtral",
    "mobilenet_v1",
    "mobilenet_v2",
    "mobilenet_v2_size",
    "pythia",
    "quiet",
    "resnet",
    "rounded",
    "swin",
    "vit",
]


def gpt2(
    n_embd: int = 768,
    n_inner: int = 3072,
    vocab_size: int = 50257,
    n_layer: int = 12,
    n_head: int = 12,
    n_positions: int = 1024,
) -> nn.Module:
    """GPT-2 (Radford et al. 2019): learned positions, the output layer tied to the embedding."""
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(
        GPT2Config(
            n_embd=n_embd,
            n_inner=n_inner,
            vocab_size=vocab_size,
            n_layer=n_layer,
            n_head=n_head,
            n_positions=n_positions,
        )
    )


def llama(
    hidden_size: int = 4096,
    intermediate_size: int = 11008,
    vocab_size: int = 32000,
    num_hidden_layers: int = 32,
    num_attention_heads: int = 32,
    num_key_value_heads: int = 32,
) -> nn.Module:
    """Llama (Touvron et al. 2023): gated feed-forward, no biases, an untied output layer.

    Its positions are rotary and have no parameters.
    """
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            hidden_size=hidden_size,
            intermediate_size=intermediate_size,
            vocab_size=vocab_size,
            num_hidden_layers=num_hidden_layers,
            num_attention_heads=num_attention_heads,
            num_key_value_heads=num_key_value_heads,
        )
    )


def mistral(
    hidden_size: int = 4096,
    intermediate_size: int = 14336,
    vocab_size: int = 32000,
    num_hidden_layers: int = 32,
    num_attention_heads: int = 32,
    num_key_value_heads: int = 8,
) -> nn.Module:
    """Mistral 7B (Jiang et al. 2023): the layers of Llama with grouped-query attention."""
    from transformers import MistralConfig, MistralForCausalLM

    return MistralForCausalLM(
        MistralConfig(
            hidden_size=hidden_size,
            intermediate_size=intermediate_size,
            vocab_size=vocab_size,
            num_hidden_layers=num_hidden_layers,
            num_attention_heads=num_attention_heads,
            num_key_value_heads=num_key_value_heads,
        )
    )


def bert(
    hidden_size: int = 768,
    intermediate_size: int = 3072,
    vocab_size: int = 30522,
    num_hidden_layers: int = 12,
    num_attention_heads: int = 12,
    max_position_embeddings: int = 512,
    type_vocab_size: int = 2,
) -> nn.Module:
    """BERT (Devlin et al. 2018): the encoder with its pooler, without pre-training heads."""
    from transformers import BertConfig, BertModel

    return BertModel(
        BertConfig(
            hidden_size=hidden_size,
            intermediate_size=intermediate_size,
            vocab_size=vocab_size,
            num_hidden_layers=num_hidden_layers,
            num_attention_heads=num_attention_heads,
            max_position_embeddings=max_position_embeddings,
            type_vocab_size=type_vocab_size,
        )
    )


def pythia(
    hidden_size: int = 512,
    intermediate_size: int = 2048,
    vocab_size: int = 50304,
    num_hidden_layers: int = 6,
    num_attention_heads: int = 8,
) -> nn.Module:
    """Pythia (Biderman et al. 2023): GPT-NeoX layers, rotary positions, an untied output layer."""
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

    return GPTNeoXForCausalLM(
        GPTNeoXConfig(
            hidden_size=hidden_size,
            intermediate_size=intermediate_size,
            vocab_size=vocab_size,
            num_hidden_layers=num_hidden_layers,
            num_attention_heads=num_attention_heads,
        )
    )


def mixtral(
    hidden_size: int = 4096,
    intermediate_size: int = 14336,
    vocab_size: int = 32000,
    num_hidden_layers: int = 32,
    num_attention_heads: int = 32,
    num_key_value_heads: int = 8,
    num_local_experts: int = 8,
) -> nn.Module:
    """Mixtral 8x7B (Jiang et al. 2024): Mistral with a mixture of experts in every layer."""
    from transformers import MixtralConfig, MixtralForCausalLM

    return MixtralForCausalLM(
        MixtralConfig(
            hidden_size=hidden_size,
            intermediate_size=intermediate_size,
            vocab_size=vocab_size,
            num_hidden_layers=num_hidden_layers,
            num_attention_heads=num_attention_heads,
            num_key_value_heads=num_key_value_heads,
            num_local_experts=num_local_experts,
        )
    )


# A configuration of transformers counts labels by the length of a dict that it makes of them, where
# a symbol becomes a plain number. So classifiers are built without labels and get their last layer
# afterwards, as one does to fine-tune them.


def vit(
    hidden_size: int = 768,
    intermediate_size: int = 3072,
    num_hidden_layers: int = 12,
    num_attention_heads: int = 12,
    image_size: int = 224,
    patch_size: int = 16,
    num_channels: int = 3,
    num_labels: int = 1000,
) -> nn.Module:
    """Vision Transformer (Dosovitskiy et al. 2020), with a linear classifier on its first token."""
    from transformers import ViTConfig, ViTForImageClassification

    model = ViTForImageClassification(
        ViTConfig(
            hidden_size=hidden_size,
            intermediate_size=intermediate_size,
            num_hidden_layers=num_hidden_layers,
            num_attention_heads=num_attention_heads,
            image_size=image_size,
            patch_size=patch_size,
            num_channels=num_channels,
            num_labels=0,
        )
    )
    model.classifier = nn.Linear(hidden_size, num_labels)
    return model


def swin(
    embed_dim: int = 96,
    num_heads: int = 3,
    window_size: int = 7,
    patch_size: int = 4,
    image_size: int = 224,
    num_channels: int = 3,
    num_labels: int = 1000,
    depth_1: int = 2,
    depth_2: int = 2,
    depth_3: int = 6,
    depth_4: int = 2,
) -> nn.Module:
    """Swin Transformer (Liu et al. 2021): windows of attention, in four stages that widen.

    The window has to be declared smaller than some number, since the model computes a table of
    indices for it, even on the meta device. No layers are dropped in training: rates of that have
    no parameters, but would be made in a loop over the layers of all stages and tested in others.
    """
    from transformers import SwinConfig, SwinForImageClassification

    model = SwinForImageClassification(
        SwinConfig(
            embed_dim=embed_dim,
            num_heads=(num_heads, 2 * num_heads, 4 * num_heads, 8 * num_heads),
            window_size=window_size,
            patch_size=patch_size,
            image_size=image_size,
            num_channels=num_channels,
            num_labels=0,
            depths=(depth_1, depth_2, depth_3, depth_4),
            drop_path_rate=0,
        )
    )
    model.classifier = nn.Linear(8 * embed_dim, num_labels)
    return model


def convnext(
    width_1: int = 96,
    width_2: int = 192,
    width_3: int = 384,
    width_4: int = 768,
    depth_1: int = 3,
    depth_2: int = 3,
    depth_3: int = 9,
    depth_4: int = 3,
    patch_size: int = 4,
    num_channels: int = 3,
    num_labels: int = 1000,
) -> nn.Module:
    """ConvNeXt (Liu et al. 2022): four stages, each of its own width and depth."""
    from transformers import ConvNextConfig, ConvNextForImageClassification

    model = ConvNextForImageClassification(
        ConvNextConfig(
            hidden_sizes=(width_1, width_2, width_3, width_4),
            depths=(depth_1, depth_2, depth_3, depth_4),
            patch_size=patch_size,
            num_channels=num_channels,
            num_labels=0,
        )
    )
    model.classifier = nn.Linear(width_4, num_labels)
    return model


def resnet(
    width: int = 64,
    depth_1: int = 3,
    depth_2: int = 4,
    depth_3: int = 6,
    depth_4: int = 3,
    num_channels: int = 3,
    num_labels: int = 1000,
) -> nn.Module:
    """ResNet (He et al. 2015) of bottleneck blocks, each stage twice as wide as the one before."""
    from transformers import ResNetConfig, ResNetForImageClassification

    model = ResNetForImageClassification(
        ResNetConfig(
            embedding_size=width,
            hidden_sizes=(4 * width, 8 * width, 16 * width, 32 * width),
            depths=(depth_1, depth_2, depth_3, depth_4),
            num_channels=num_channels,
            num_labels=0,
        )
    )
    model.classifier[1] = nn.Linear(32 * width, num_labels)
    return model


def efficientnet(
    stem: int = 32,
    width_1: int = 16,
    width_2: int = 24,
    width_3: int = 40,
    width_4: int = 80,
    width_5: int = 112,
    width_6: int = 192,
    width_7: int = 320,
    depth_1: int = 1,
    depth_2: int = 2,
    depth_3: int = 2,
    depth_4: int = 3,
    depth_5: int = 3,
    depth_6: int = 4,
    depth_7: int = 1,
    top: int = 1280,
    num_channels: int = 3,
    num_labels: int = 1000,
) -> nn.Module:
    """EfficientNet (Tan and Le 2019): seven stages, between a `stem` and a `top` convolution.

    B1 to B7 are B0 with its widths and depths scaled by two coefficients and rounded. Here every
    width and depth is a size of its own, so the coefficients are one. The model rounds widths to
    multiples of eight all the same, so they have to be declared such multiples. It takes its first
    and its last width from the coefficient alone, so those two convolutions are put in afterwards.
    """
    from transformers import EfficientNetConfig, EfficientNetForImageClassification

    widths = [width_1, width_2, width_3, width_4, width_5, width_6, width_7]
    depths = [depth_1, depth_2, depth_3, depth_4, depth_5, depth_6, depth_7]
    model = EfficientNetForImageClassification(
        EfficientNetConfig(
            in_channels=[stem, *widths[:-1]],
            out_channels=widths,
            num_block_repeats=depths,
            width_coefficient=1.0,
            depth_coefficient=1.0,
            hidden_dim=top,
            num_channels=num_channels,
            num_labels=0,
            drop_connect_rate=0,
        )
    )
    first, last = model.efficientnet.embeddings, model.efficientnet.encoder
    first.convolution = nn.Conv2d(num_channels, stem, 3, stride=2, bias=False)
    first.batchnorm = nn.BatchNorm2d(stem)
    last.top_conv = nn.Conv2d(width_7, top, kernel_size=1, bias=False)
    model.classifier = nn.Linear(top, num_labels)
    return model


def mobilenet_v1(
    depth_multiplier: float = 1.0,
    min_depth: int = 8,
    num_channels: int = 3,
    num_labels: int = 1000,
) -> nn.Module:
    """MobileNet (Howard et al. 2017): depthwise and pointwise convolutions in turn.

    Every width is that of the full model times `depth_multiplier`, a float, cut down to an integer
    and at least `min_depth`.
    """
    from transformers import MobileNetV1Config, MobileNetV1ForImageClassification

    model = MobileNetV1ForImageClassification(
        MobileNetV1Config(
            depth_multiplier=depth_multiplier,
            min_depth=min_depth,
            num_channels=num_channels,
            num_labels=0,
        )
    )
    widest = model.mobilenet_v1.layer[-1].convolution.out_channels
    model.classifier = nn.Linear(widest, num_labels)
    return model


def mobilenet_v2(
    stem: int = 32,
    width_1: int = 16,
    width_2: int = 24,
    width_3: int = 32,
    width_4: int = 64,
    width_5: int = 96,
    width_6: int = 160,
    width_7: int = 320,
    depth_2: int = 2,
    depth_3: int = 3,
    depth_4: int = 4,
    depth_5: int = 3,
    depth_6: int = 3,
    depth_7: int = 1,
    top: int = 1280,
    expand_ratio: int = 6,
    num_channels: int = 3,
    num_labels: int = 1000,
) -> nn.Module:
    """MobileNetV2 (Sandler et al. 2018): seven stages of inverted residuals, the first of one.

    Its class in `transformers` holds the widths and depths of the full model in its code, and can
    but multiply the widths by a number. So here the layers of that class are put together, as its
    code and table 2 of the paper do, with every width and depth a size. Each layer rounds the
    width that it expands to, so widths have to be declared multiples of eight.

    Of that class itself, the formula in the number, `depth_multiplier`, is partial: its code asks
    whether widths of neighbouring stages are rounded to the same, which nothing decides for all
    numbers at once.
    """
    from transformers import MobileNetV2Config
    from transformers.models.mobilenet_v2 import modeling_mobilenet_v2 as layers

    config = MobileNetV2Config(expand_ratio=expand_ratio)

    def stage(before: int, width: int, depth: int, stride: int) -> nn.Module:
        blocks = []
        for i in range(depth):
            sizes = (before, width, stride) if i == 0 else (width, width, 1)
            blocks.append(layers.MobileNetV2InvertedResidual(config, *sizes))
        return nn.Sequential(*blocks)

    return nn.Sequential(
        OrderedDict(
            conv_stem=layers.MobileNetV2Stem(config, num_channels, stem, width_1),
            stage_2=stage(width_1, width_2, depth_2, stride=2),
            stage_3=stage(width_2, width_3, depth_3, stride=2),
            stage_4=stage(width_3, width_4, depth_4, stride=2),
            stage_5=stage(width_4, width_5, depth_5, stride=1),
            stage_6=stage(width_5, width_6, depth_6, stride=2),
            stage_7=stage(width_6, width_7, depth_7, stride=1),
            conv_1x1=layers.MobileNetV2ConvLayer(config, width_7, top, kernel_size=1),
            pooler=nn.AdaptiveAvgPool2d((1, 1)),
            flatten=nn.Flatten(),
            classifier=nn.Linear(top, num_labels),
        )
    )


FAMILIES: tuple[Callable[..., nn.Module], ...] = (
    gpt2,
    llama,
    mistral,
    mixtral,
    pythia,
    bert,
    vit,
    swin,
    convnext,
    resnet,
    efficientnet,
    mobilenet_v1,
    mobilenet_v2,
)


@dataclass(frozen=True)
class PublishedSize:
    """A published model: `family(**symbolic, **fixed)` has `total` parameters, tied ones once.

    Attributes:
        symbolic: the values of the parameters that stay symbolic.
        fixed: the values of all others.
        source: who published `total` (and `non_embedding`).
        unit: what `total` was rounded to a multiple of: ten thousand if it was "6.11 million".
        non_embedding: what is left of `total` without the input and output embeddings, where
            that was published too.
        declared: what `derive` has to be told of symbols, besides what is `fixed`.
    """

    name: str
    family: Callable[..., nn.Module]
    symbolic: Mapping[str, float]
    fixed: Mapping[str, object]
    total: int
    source: str
    non_embedding: int | None = None
    declared: Mapping[str, Symbol] = field(default_factory=dict)
    unit: int = 1

    def is_total(self, count: int) -> bool:
        """Whether a count is what was published, as exactly as it was."""
        return self.unit * round(count / self.unit) == self.total


def quiet() -> None:
    """Let transformers not warn of odd sizes, which a derivation tries on purpose."""
    from transformers import logging

    logging.set_verbosity_error()


def derived(size: PublishedSize) -> ParamCount:
    """The formula of the size's family, all symbolic that can be; derived once for all sizes."""
    return _derived_once(size.family, *(frozenset(d.items()) for d in (size.fixed, size.declared)))


@cache
def _derived_once(
    family: Callable[..., nn.Module],
    fixed: frozenset[tuple[str, object]],
    declared: frozenset[tuple[str, Symbol]],
) -> ParamCount:
    return derive(family, max_work=60_000_000, **dict(fixed), **dict(declared))


def _keras_hub(package: str, preset: str) -> str:
    return f"KerasHub, keras_hub/src/models/{package}/{package}_presets.py: {preset}"


def _torchvision(weights: str) -> str:
    return f"torchvision, {weights}.meta['num_params']"


def _pytorchcv(model: str) -> str:
    return f"pytorchcv, table of pretrained models: {model}"


def _timm(model: str) -> str:
    return f"timm, results/benchmark-infer-amp-nchw-pt291-cu128-4090.csv: {model}"


def _gpt2(
    name: str, n_embd: int, n_layer: int, n_head: int, total: int, preset: str
) -> PublishedSize:
    return PublishedSize(
        name=name,
        family=gpt2,
        symbolic={
            "n_embd": n_embd,
            "n_inner": 4 * n_embd,
            "vocab_size": 50257,
            "n_layer": n_layer,
            "n_head": n_head,
            "n_positions": 1024,
        },
        fixed={},
        total=total,
        source=_keras_hub("gpt2", preset),
    )


def _llama_like(
    name: str,
    family: Callable[..., nn.Module],
    intermediate_size: int,
    vocab_size: int,
    num_key_value_heads: int,
    total: int,
    source: str,
    **more: int,
) -> PublishedSize:
    return PublishedSize(
        name=name,
        family=family,
        symbolic={
            "hidden_size": 4096,
            "intermediate_size": intermediate_size,
            "vocab_size": vocab_size,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": num_key_value_heads,
            **more,
        },
        fixed={},
        total=total,
        source=source,
    )


def _pythia(
    name: str,
    hidden_size: int,
    num_hidden_layers: int,
    num_attention_heads: int,
    vocab_size: int,
    total: int,
    non_embedding: int,
) -> PublishedSize:
    return PublishedSize(
        name=name,
        family=pythia,
        symbolic={
            "hidden_size": hidden_size,
            "intermediate_size": 4 * hidden_size,
            "vocab_size": vocab_size,
            "num_hidden_layers": num_hidden_layers,
            "num_attention_heads": num_attention_heads,
        },
        fixed={},
        total=total,
        source=f"model card of EleutherAI/{name}: total and non-embedding parameters",
        non_embedding=non_embedding,
    )


def _bert(
    name: str, hidden_size: int, num_hidden_layers: int, total: int, preset: str
) -> PublishedSize:
    return PublishedSize(
        name=name,
        family=bert,
        symbolic={
            "hidden_size": hidden_size,
            "intermediate_size": 4 * hidden_size,
            "vocab_size": 30522,
            "num_hidden_layers": num_hidden_layers,
            "num_attention_heads": hidden_size // 64,
            "max_position_embeddings": 512,
            "type_vocab_size": 2,
        },
        fixed={},
        total=total,
        source=_keras_hub("bert", preset),
    )


def _vit(
    name: str, hidden_size: int, layers: int, patch_size: int, total: int, weights: str
) -> PublishedSize:
    return PublishedSize(
        name=name,
        family=vit,
        symbolic={
            "hidden_size": hidden_size,
            "intermediate_size": 4 * hidden_size,
            "num_hidden_layers": layers,
            "num_attention_heads": hidden_size // 64,
            "image_size": 224,
            "patch_size": patch_size,
            "num_channels": 3,
            "num_labels": 1000,
        },
        fixed={},
        total=total,
        source=_torchvision(weights),
    )


_STAGES = (1, 2, 3, 4)


def _depths(*depths: int) -> dict[str, int]:
    return {f"depth_{stage}": depth for stage, depth in zip(_STAGES, depths, strict=True)}


def _swin(name: str, embed_dim: int, depth_3: int, total: int, weights: str) -> PublishedSize:
    return PublishedSize(
        name=name,
        family=swin,
        symbolic={
            "embed_dim": embed_dim,
            "num_heads": embed_dim // 32,
            "window_size": 7,
            "patch_size": 4,
            "image_size": 224,
            "num_channels": 3,
            "num_labels": 1000,
            **_depths(2, 2, depth_3, 2),
        },
        fixed={},
        total=total,
        source=_torchvision(weights),
        declared={"window_size": Symbol(max=16)},
    )


def _convnext(name: str, width: int, depth_3: int, total: int, weights: str) -> PublishedSize:
    return PublishedSize(
        name=name,
        family=convnext,
        symbolic={
            **{f"width_{stage}": width * 2 ** (stage - 1) for stage in _STAGES},
            **_depths(3, 3, depth_3, 3),
            "patch_size": 4,
            "num_channels": 3,
            "num_labels": 1000,
        },
        fixed={},
        total=total,
        source=_torchvision(weights),
    )


def _resnet(name: str, depths: tuple[int, ...], total: int, weights: str) -> PublishedSize:
    return PublishedSize(
        name=name,
        family=resnet,
        symbolic={"width": 64, **_depths(*depths), "num_channels": 3, "num_labels": 1000},
        fixed={},
        total=total,
        source=_torchvision(weights),
    )


def rounded(width: float) -> int:
    """The multiple of eight next to a scaled width, or the one above where a tenth would be lost.

    So EfficientNet and MobileNetV2 round: channels in eights suit the hardware that they run on.
    """
    nearest = max(8, int(width + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * width else nearest


def _widths(multiplier: float, *widths: int) -> dict[str, int]:
    return {f"width_{stage}": rounded(w * multiplier) for stage, w in enumerate(widths, 1)}


_EIGHTS = Symbol(multiple_of=8)
_WIDTHS_IN_EIGHTS = dict.fromkeys((f"width_{stage}" for stage in range(1, 8)), _EIGHTS)


# What B0 is scaled by, its widths and its depths.
EFFICIENTNETS = {
    "b0": (1.0, 1.0),
    "b1": (1.0, 1.1),
    "b2": (1.1, 1.2),
    "b3": (1.2, 1.4),
    "b4": (1.4, 1.8),
    "b5": (1.6, 2.2),
    "b6": (1.8, 2.6),
    "b7": (2.0, 3.1),
}


def _efficientnet(name: str, total: int) -> PublishedSize:
    """B0 (table 1 of the paper) with its widths scaled and rounded, its depths scaled and up."""
    width, depth = EFFICIENTNETS[name]
    depths = enumerate((1, 2, 2, 3, 3, 4, 1), 1)
    return PublishedSize(
        name=f"efficientnet-{name}",
        family=efficientnet,
        symbolic={
            "stem": rounded(32 * width),
            **_widths(width, 16, 24, 40, 80, 112, 192, 320),
            **{f"depth_{stage}": math.ceil(n * depth) for stage, n in depths},
            "top": rounded(1280 * width),
            "num_channels": 3,
            "num_labels": 1000,
        },
        fixed={},
        total=total,
        source=_torchvision(f"EfficientNet_{name.upper()}_Weights.IMAGENET1K_V1"),
        declared={"stem": _EIGHTS, **_WIDTHS_IN_EIGHTS},
    )


def _mobilenet_v1(multiplier: float, total: int, source: str, unit: int = 1) -> PublishedSize:
    return PublishedSize(
        name=f"mobilenet-v1-{multiplier}",
        family=mobilenet_v1,
        symbolic={
            "depth_multiplier": multiplier,
            "min_depth": 8,
            "num_channels": 3,
            "num_labels": 1000,
        },
        fixed={},
        total=total,
        source=source,
        declared={"depth_multiplier": Symbol(real=True)},
        unit=unit,
    )


def mobilenet_v2_size(
    name: str,
    multiplier: float,
    total: int,
    source: str,
    unit: int = 1,
    deeper: float = 1.0,
    ends: float | None = None,
) -> PublishedSize:
    """MobileNetV2 (table 2 of the paper) with its widths scaled, and its inner depths too.

    `ends` scales the first and the last convolution, the last one only upwards.
    """
    ends = multiplier if ends is None else ends
    depths = enumerate((2, 3, 4, 3, 3), 2)
    return PublishedSize(
        name=f"mobilenet-v2-{name}",
        family=mobilenet_v2,
        symbolic={
            "stem": rounded(32 * ends),
            **_widths(multiplier, 16, 24, 32, 64, 96, 160, 320),
            **{f"depth_{stage}": math.ceil(n * deeper) for stage, n in depths},
            "depth_7": 1,
            "top": rounded(1280 * max(ends, 1)),
            "expand_ratio": 6,
            "num_channels": 3,
            "num_labels": 1000,
        },
        fixed={},
        total=total,
        source=source,
        declared=_WIDTHS_IN_EIGHTS,
        unit=unit,
    )


def _mobilenet_v2_of_timm(name: str, multiplier: float, total: int, **more: float) -> PublishedSize:
    return mobilenet_v2_size(name, multiplier, total, _timm(f"mobilenetv2_{name}"), 10_000, **more)


PUBLISHED: tuple[PublishedSize, ...] = (
    _gpt2("gpt2", 768, 12, 12, 124_439_808, "gpt2_base_en"),
    _gpt2("gpt2-medium", 1024, 24, 16, 354_823_168, "gpt2_medium_en"),
    _gpt2("gpt2-large", 1280, 36, 20, 774_030_080, "gpt2_large_en"),
    _gpt2("gpt2-xl", 1600, 48, 25, 1_557_611_200, "gpt2_extra_large_en"),
    _llama_like(
        "llama-7b", llama, 11008, 32000, 32, 6_738_415_616, _keras_hub("llama", "llama2_7b_en")
    ),
    _llama_like(
        "llama-3-8b", llama, 14336, 128256, 8, 8_030_261_248, _keras_hub("llama3", "llama3_8b_en")
    ),
    _llama_like(
        "mistral-7b",
        mistral,
        14336,
        32000,
        8,
        7_241_732_096,
        _keras_hub("mistral", "mistral_7b_en"),
    ),
    _llama_like(
        "mixtral-8x7b",
        mixtral,
        14336,
        32000,
        8,
        46_702_792_704,
        _keras_hub("mixtral", "mixtral_8_7b_en"),
        num_local_experts=8,
    ),
    _bert("bert-base-uncased", 768, 12, 109_482_240, "bert_base_en_uncased"),
    _bert("bert-large-uncased", 1024, 24, 335_141_888, "bert_large_en_uncased"),
    _pythia("pythia-70m", 512, 6, 8, 50304, 70_426_624, 18_915_328),
    _pythia("pythia-160m", 768, 12, 12, 50304, 162_322_944, 85_056_000),
    _pythia("pythia-410m", 1024, 24, 16, 50304, 405_334_016, 302_311_424),
    _pythia("pythia-1.4b", 2048, 24, 16, 50304, 1_414_647_808, 1_208_602_624),
    _pythia("pythia-6.9b", 4096, 32, 32, 50432, 6_857_302_016, 6_444_163_072),
    _vit("vit-b-16", 768, 12, 16, 86_567_656, "ViT_B_16_Weights.IMAGENET1K_V1"),
    _vit("vit-b-32", 768, 12, 32, 88_224_232, "ViT_B_32_Weights.IMAGENET1K_V1"),
    _vit("vit-l-16", 1024, 24, 16, 304_326_632, "ViT_L_16_Weights.IMAGENET1K_V1"),
    _vit("vit-l-32", 1024, 24, 32, 306_535_400, "ViT_L_32_Weights.IMAGENET1K_V1"),
    _swin("swin-t", 96, 6, 28_288_354, "Swin_T_Weights.IMAGENET1K_V1"),
    _swin("swin-s", 96, 18, 49_606_258, "Swin_S_Weights.IMAGENET1K_V1"),
    _swin("swin-b", 128, 18, 87_768_224, "Swin_B_Weights.IMAGENET1K_V1"),
    _convnext("convnext-t", 96, 9, 28_589_128, "ConvNeXt_Tiny_Weights.IMAGENET1K_V1"),
    _convnext("convnext-s", 96, 27, 50_223_688, "ConvNeXt_Small_Weights.IMAGENET1K_V1"),
    _convnext("convnext-b", 128, 27, 88_591_464, "ConvNeXt_Base_Weights.IMAGENET1K_V1"),
    _convnext("convnext-l", 192, 27, 197_767_336, "ConvNeXt_Large_Weights.IMAGENET1K_V1"),
    _resnet("resnet-50", (3, 4, 6, 3), 25_557_032, "ResNet50_Weights.IMAGENET1K_V1"),
    _resnet("resnet-101", (3, 4, 23, 3), 44_549_160, "ResNet101_Weights.IMAGENET1K_V1"),
    _resnet("resnet-152", (3, 8, 36, 3), 60_192_808, "ResNet152_Weights.IMAGENET1K_V1"),
    _efficientnet("b0", 5_288_548),
    _efficientnet("b1", 7_794_184),
    _efficientnet("b2", 9_109_994),
    _efficientnet("b3", 12_233_232),
    _efficientnet("b4", 19_341_616),
    _efficientnet("b5", 30_389_784),
    _efficientnet("b6", 43_040_704),
    _efficientnet("b7", 66_347_960),
    _mobilenet_v1(0.25, 470_072, _pytorchcv("MobileNet x0.25")),
    _mobilenet_v1(0.5, 1_331_592, _pytorchcv("MobileNet x0.5")),
    _mobilenet_v1(0.75, 2_585_560, _pytorchcv("MobileNet x0.75")),
    _mobilenet_v1(1.0, 4_231_976, _pytorchcv("MobileNet x1.0")),
    _mobilenet_v1(1.25, 6_270_000, _timm("mobilenetv1_125"), 10_000),
    _mobilenet_v2_of_timm("035", 0.35, 1_680_000),
    _mobilenet_v2_of_timm("050", 0.5, 1_970_000),
    _mobilenet_v2_of_timm("075", 0.75, 2_640_000),
    mobilenet_v2_size("100", 1.0, 3_504_872, _torchvision("MobileNet_V2_Weights.IMAGENET1K_V1")),
    _mobilenet_v2_of_timm("140", 1.4, 6_110_000),
    _mobilenet_v2_of_timm("110d", 1.1, 4_520_000, deeper=1.2, ends=1.0),
    _mobilenet_v2_of_timm("120d", 1.2, 5_830_000, deeper=1.4, ends=1.0),
)
