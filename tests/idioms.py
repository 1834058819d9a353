"""Small factories, each a real idiom of public model code, with the formula each must give.

`@gives(expr, domain, grade)` says what `derive` must return, to the letter; `@refused(error, text,
why)` says that `derive` refuses, and how. `test_idioms.py` compares all of them, at every size,
with what the factory builds.

The grades say what the tracer followed: an idiom that is only `checked` or `partial` is a limit
of symcount, and so is a refused one.
"""

from __future__ import annotations

import collections.abc
import copy
import functools
import itertools
import math
import numbers
import operator
import types
import warnings
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

import symcount
from symcount import Symbol

Factory = Callable[..., Any]


@dataclass(frozen=True)
class Idiom:
    """A factory, the values or symbols given for its parameters, and the formula expected."""

    factory: Factory
    expr: str
    domain: str
    grade: str
    given: dict[str, Any]


@dataclass(frozen=True)
class Refusal:
    """A factory that has no formula, the error that says so, and why that is right, or is not."""

    factory: Factory
    error: type[symcount.DerivationError]
    text: str
    why: str
    given: dict[str, Any]


IDIOMS: list[Idiom] = []
REFUSED: list[Refusal] = []


def gives(
    expr: str, domain: str = "True", grade: str = "complete", /, **given: Any
) -> Callable[[Factory], Factory]:
    """Expect this formula of the decorated factory."""

    def keep(factory: Factory) -> Factory:
        IDIOMS.append(Idiom(factory, expr, domain, grade, given))
        return factory

    return keep


def refused(
    error: type[symcount.DerivationError], text: str, why: str, /, **given: Any
) -> Callable[[Factory], Factory]:
    """Expect this error of the decorated factory."""

    def keep(factory: Factory) -> Factory:
        REFUSED.append(Refusal(factory, error, text, why, given))
        return factory

    return keep


# --- group selection ---------------------------------------------------------------------------


# CompVis/taming: GroupNorm(32), halved until it divides
@gives("")
def group_norm_halving(dim):
    groups = 32
    while dim % groups:
        groups //= 2
    return nn.Sequential(nn.GroupNorm(groups, dim), nn.Conv1d(dim, 8, 1, groups=1))


# segmentation models: the greatest of a few group numbers that divides
@gives("")
def group_norm_selection(dim):
    for groups in (32, 16, 8, 4, 2, 1):
        if dim % groups == 0:
            break
    return nn.Sequential(nn.GroupNorm(groups, dim), nn.Conv2d(dim, dim, 3, groups=groups))


# diffusers: norm_num_groups = 32, checked by nn.GroupNorm itself
@gives("")
def group_norm_unchecked(dim):
    return nn.Sequential(nn.GroupNorm(32, dim), nn.Conv2d(dim, dim, 3))


# diffusers VAE, MONAI: min(dim // 4, 32) groups
@gives("", dim=Symbol(max=300))
def group_norm_quarter(dim):
    return nn.GroupNorm(min(dim // 4, 32), dim)


# HarDNet, CSPNet: groups by gcd
@gives("")
def groups_by_gcd(dim):
    return nn.Conv2d(dim, 96, 3, groups=math.gcd(dim, 96), bias=False)


# torchvision ResNeXt: width = int(planes * (base_width / 64.0)) * groups
@gives("")
def resnext_width(planes, groups=32):
    width = int(planes * (4 / 64.0)) * groups
    return nn.Sequential(
        nn.Conv2d(planes, width, 1, bias=False),
        nn.Conv2d(width, width, 3, groups=groups, bias=False),
    )


# RegNet: adjust_widths_groups_comp
@gives("")
def regnet_group_width(width):
    group_width = min(24, width)
    width = int(round(width / group_width) * group_width)
    return nn.Conv2d(width, width, 3, groups=width // group_width, bias=False)


# ShuffleNet: channels that a grouped convolution must divide
@gives("")
def shufflenet_branch(dim, groups=4):
    if dim % groups != 0:
        raise ValueError(f"{dim} channels are not divisible by {groups} groups")
    return nn.Conv2d(dim, dim, 1, groups=groups, bias=False)


# --- bottlenecks -------------------------------------------------------------------------------


# SENet: bottleneck of at least one channel
@gives("")
def se_floor(dim):
    squeezed = max(1, dim // 4)
    return nn.Sequential(nn.Linear(dim, squeezed), nn.ReLU(), nn.Linear(squeezed, dim))


# CoordAttention: max(8, channels // reduction)
@gives("")
def coord_attention(inp, reduction=32):
    mip = max(8, inp // reduction)
    return nn.Sequential(nn.Conv2d(inp, mip, 1), nn.BatchNorm2d(mip), nn.Conv2d(mip, inp, 1))


# SKNet: d = max(int(features / r), L)
@gives("")
def sk_unit(features, r=16):
    d = max(int(features / r), 32)
    return nn.ModuleList([nn.Linear(features, d), *(nn.Linear(d, features) for _ in range(2))])


# lukemelas EfficientNet: max(1, int(in * se_ratio))
@gives("")
def efficientnet_se(channels):
    squeezed = max(1, int(channels * 0.25))
    return nn.Sequential(nn.Conv2d(channels, squeezed, 1), nn.Conv2d(squeezed, channels, 1))


# ResNet: bottleneck with expansion 4 and an optional projection
@gives("")
def resnet_bottleneck(inplanes, planes):
    out = planes * 4
    layers = [
        nn.Conv2d(inplanes, planes, 1, bias=False),
        nn.Conv2d(planes, planes, 3, padding=1, bias=False),
        nn.Conv2d(planes, out, 1, bias=False),
    ]
    if inplanes != out:
        layers.append(nn.Conv2d(inplanes, out, 1, bias=False))
    return nn.Sequential(*layers)


# clamp from both sides
@gives("")
def clamped_width(dim):
    width = min(max(dim // 2, 16), 128)
    return nn.Linear(width, 3)


# --- make_divisible ----------------------------------------------------------------------------


def make_divisible(v: float, divisor: int = 8, min_value: int | None = None) -> int:
    """The MobileNet rule: never more than 10% below."""
    if min_value is None:
        min_value = divisor
    new_v = max(min_value, int(v + divisor / 2) // divisor * divisor)
    if new_v < 0.9 * v:
        new_v += divisor
    return new_v


# MobileNetV2
@gives("")
def mobilenet_make_divisible(dim):
    return nn.Linear(make_divisible(dim), 3)


# MobileNetV2 at width 0.75
@gives("")
def mobilenet_three_quarters(dim):
    return nn.Conv2d(3, make_divisible(dim * 0.75), 3, bias=False)


# MobileNetV3: squeeze to a divisible quarter of the expanded channels
@gives("")
def mobilenet_v3_se(dim):
    expanded = make_divisible(dim * 3.0)
    squeezed = make_divisible(expanded // 4)
    return nn.Sequential(nn.Linear(expanded, squeezed), nn.Linear(squeezed, expanded))


# timm: rd_channels with round_limit=0
@gives("")
def timm_se_without_limit(channels):
    v = channels * (1.0 / 16)
    rd = max(8, int(v + 8 / 2) // 8 * 8)
    return nn.Sequential(nn.Linear(channels, rd), nn.Linear(rd, channels))


# EfficientNet: round_filters, width coefficient 1.2 (not dyadic)
@gives("")
def efficientnet_round_filters(filters):
    multiplied = filters * 1.2
    new_filters = max(8, int(multiplied + 8 / 2) // 8 * 8)
    if new_filters < 0.9 * multiplied:
        new_filters += 8
    return nn.Conv2d(3, int(new_filters), 3, bias=False)


# EfficientNet: round_repeats, depth coefficient 1.4
@gives("", repeats=Symbol(max=5))
def efficientnet_round_repeats(dim, repeats):
    repeats = int(math.ceil(1.4 * repeats))
    return nn.Sequential(*[nn.Linear(dim, dim) for _ in range(repeats)])


# YOLOv5: make_divisible by ceil, and max(round(n * gd), 1) blocks
@gives("", n=Symbol(max=9))
def yolo_parse_model(c2, n):
    c2 = math.ceil(c2 * 0.5 / 8) * 8
    n = max(round(n * 0.33), 1) if n > 1 else n
    return nn.Sequential(*(nn.Conv2d(c2, c2, 1) for _ in range(n)))


# GhostNet: ceil(oup / ratio)
@gives("")
def ghost_module(inp, oup):
    init_channels = math.ceil(oup / 2)
    new_channels = init_channels * (2 - 1)
    return nn.Sequential(
        nn.Conv2d(inp, init_channels, 1, bias=False),
        nn.Conv2d(init_channels, new_channels, 3, groups=init_channels, bias=False),
    )


# --- float ratios ------------------------------------------------------------------------------


# a ratio that no float has
@gives("")
def ratio_029(dim):
    return nn.Linear(int(dim * 0.29), 3)


# round half to even of a ratio
@gives("")
def ratio_round_065(channels):
    return nn.Linear(round(channels * 0.65), 3)


# round of a half, which goes to the even neighbour
@gives("")
def ratio_round_half(dim):
    return nn.Linear(round(dim / 2), 3)


# ViT: int(dim * mlp_ratio)
@gives("")
def vit_mlp(dim, mlp_ratio: float = 4.0):
    hidden = int(dim * mlp_ratio)
    return nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim))


# Llama 2: 2/3 of 4*dim, rounded up to a multiple
@gives("")
def llama_ffn(dim, multiple_of=256):
    hidden = int(2 * (4 * dim) / 3)
    hidden = multiple_of * ((hidden + multiple_of - 1) // multiple_of)
    return nn.ModuleList(
        [nn.Linear(a, b, bias=False) for a, b in [(dim, hidden), (hidden, dim), (dim, hidden)]]
    )


# Llama 3: ffn_dim_multiplier = 1.3
@gives("")
def llama3_ffn(dim):
    hidden = int(1.3 * int(2 * (4 * dim) / 3))
    hidden = 256 * ((hidden + 256 - 1) // 256)
    return nn.Linear(dim, hidden, bias=False)


# GPT-NeoX derivatives: int(8 * (dim * 2/3 + 255) // 256) * 256
@gives("")
def float_floor_ffn(dim):
    return nn.Linear(dim, int(8 * (dim * 2 / 3 + 255) // 256) * 256, bias=False)


# DINOv2: SwiGLUFFNFused
@gives("")
def dinov2_swiglu(dim):
    hidden = (int(4 * dim * 2 / 3) + 7) // 8 * 8
    return nn.Sequential(nn.Linear(dim, 2 * hidden), nn.Linear(hidden, dim))


# RWKV-7: a LoRA rank from the root of the width
@gives("")
def rwkv7_lora_rank(dim):
    rank = max(32, int(round((1.8 * (dim**0.5)) / 32) * 32))
    return nn.Sequential(nn.Linear(dim, rank, bias=False), nn.Linear(rank, dim, bias=False))


# Mamba: dt_rank = ceil(d_model / 16)
@gives("")
def mamba_dt_rank(d_model, d_state=16):
    d_inner = int(2 * d_model)
    dt_rank = math.ceil(d_model / 16)
    return nn.ModuleDict(
        {
            "x_proj": nn.Linear(d_inner, dt_rank + d_state * 2, bias=False),
            "dt_proj": nn.Linear(dt_rank, d_inner),
        }
    )


# a square grid of at least dim cells
@gives("")
def ceil_sqrt(dim):
    return nn.Linear(math.ceil(math.sqrt(dim)), 3)


# ViT position embeddings: the side of a square
@gives("")
def isqrt_grid(tokens):
    side = math.isqrt(tokens)
    return nn.Embedding(side * side, 5)


# fastai: emb_sz_rule
@gives("")
def fastai_embedding_rule(categories):
    return nn.Embedding(categories, min(600, round(1.6 * categories**0.56)))


# Google's rule of thumb: the fourth root of the vocabulary
@gives("")
def fourth_root_embedding(vocab):
    return nn.Embedding(vocab, int(vocab**0.25))


# DenseNet: transition by compression 0.5
@gives("")
def densenet_transitions(init_features, growth_rate=32):
    layers = []
    features = init_features
    for num_layers in (2, 3):
        for i in range(num_layers):
            layers.append(nn.Conv2d(features + i * growth_rate, growth_rate, 3, bias=False))
        features = features + num_layers * growth_rate
        layers.append(nn.Conv2d(features, int(features * 0.5), 1, bias=False))
        features = int(features * 0.5)
    return nn.Sequential(*layers)


# MLP-Mixer: token and channel dimensions
@gives("")
def mixer_dims(seq_len, dim):
    tokens_dim, channels_dim = [int(x * dim) for x in (0.5, 4.0)]
    return nn.ModuleList([nn.Linear(seq_len, tokens_dim), nn.Linear(dim, channels_dim)])


# ceil division without floats
@gives("")
def ceil_by_negation(dim):
    return nn.Linear(-(-dim // 64) * 64, 2)


# --- logarithms and bits -----------------------------------------------------------------------


# ECA: kernel size from log2 of the channels
@gives("")
def eca_kernel(channels):
    t = int(abs((math.log2(channels) + 1) / 2))
    k = t if t % 2 else t + 1
    return nn.Conv1d(1, 1, k, padding=k // 2, bias=False)


# DCGAN, StyleGAN: one layer for each doubling of the resolution
@gives("", image_size=Symbol(min=8, max=128))
def dcgan_discriminator(image_size, ndf=64):
    repeats = int(math.log2(image_size)) - 3
    layers = [nn.Conv2d(3, ndf, 4, bias=False)]
    for i in range(repeats):
        layers.append(nn.Conv2d(ndf * 2**i, ndf * 2 ** (i + 1), 4, bias=False))
    return nn.Sequential(*layers)


# Deformable DETR: _is_power_of_2
@gives("")
def power_of_two_check(dim):
    if dim & (dim - 1) != 0:
        raise ValueError("dim must be a power of two")
    return nn.Linear(dim, 2)


# StyleGAN: resolution must be a power of two, by the float
@gives("", resolution=Symbol(max=1024))
def power_of_two_by_log(resolution):
    if not math.log2(resolution).is_integer():
        raise ValueError("resolution must be a power of two")
    return nn.Linear(resolution, 2)


# Hadamard transforms: the next power of two
@gives("")
def next_power_of_two(dim):
    return nn.Linear(1 << (dim - 1).bit_length(), 2)


# ALiBi: closest power of two below the heads
@gives("", heads=Symbol(max=64))
def alibi_slopes(heads):
    closest = 2 ** math.floor(math.log2(heads))
    module = nn.Linear(heads, 2)
    module.register_buffer("slopes", torch.empty(closest))
    if closest != heads:
        module.register_buffer("extra", torch.empty(heads - closest))
    return module


# shifts
@gives("")
def shifted_sizes(dim):
    return nn.Sequential(nn.Linear(dim << 1, dim >> 1), nn.Linear(dim >> 3, 1 << 4))


# --- attention ---------------------------------------------------------------------------------


# BERT: the hidden size must be a multiple of the number of heads
@gives("")
def head_divisibility_raise(hidden_size, num_heads=12):
    if hidden_size % num_heads != 0:
        raise ValueError(
            f"The hidden size ({hidden_size}) is not a multiple of the number of attention heads "
            f"({num_heads})"
        )
    head_size = int(hidden_size / num_heads)
    all_heads = num_heads * head_size
    return nn.ModuleList([nn.Linear(hidden_size, all_heads) for _ in range(3)])


# timm: assert on the heads
@gives("")
def head_divisibility_assert(dim, num_heads=8):
    assert dim % num_heads == 0, f"dim {dim} should be divisible by num_heads {num_heads}"
    head_dim = dim // num_heads
    return nn.Sequential(OrderedDict(qkv=nn.Linear(dim, dim * 3), q_norm=nn.LayerNorm(head_dim)))


# fairseq: the product is compared instead of the remainder
@gives("")
def head_divisibility_product(embed_dim, num_heads):
    head_dim = embed_dim // num_heads
    if head_dim * num_heads != embed_dim:
        raise ValueError("embed_dim must be divisible by num_heads")
    return nn.Linear(embed_dim, num_heads * head_dim)


# Llama: grouped queries
@gives("")
def grouped_query_attention(dim, heads, kv_heads):
    if heads % kv_heads:
        raise ValueError("heads must be a multiple of kv_heads")
    head_dim = dim // heads
    return nn.ModuleDict(
        {
            "q": nn.Linear(dim, heads * head_dim, bias=False),
            "k": nn.Linear(dim, kv_heads * head_dim, bias=False),
            "v": nn.Linear(dim, kv_heads * head_dim, bias=False),
            "o": nn.Linear(heads * head_dim, dim, bias=False),
        }
    )


# Falcon, PaLM: one key-value head unless told otherwise
@gives("")
def multi_query_attention(dim, multi_query: bool = True):
    head_dim = 64
    if dim % head_dim:
        raise ValueError("width must be a multiple of 64")
    heads = dim // head_dim
    kv = 1 if multi_query else heads
    return nn.Linear(dim, (heads + 2 * kv) * head_dim, bias=False)


# ViT: a head for every 64 channels
@gives("")
def heads_from_width(dim):
    heads = max(1, dim // 64)
    return nn.Linear(dim, heads * 64)


# T5: the inner width is not the model's
@gives("")
def t5_attention(d_model, d_kv=64, num_heads=8):
    inner_dim = num_heads * d_kv
    q, k, v = (nn.Linear(d_model, inner_dim, bias=False) for _ in range(3))
    return nn.ModuleList([q, k, v, nn.Linear(inner_dim, d_model, bias=False)])


# RoPE: an even width, and its frequencies in a buffer
@gives("")
def rope_even_dim(dim):
    if dim % 2 != 0:
        raise ValueError("rotary embeddings need an even dim")
    module = nn.Linear(dim, dim)
    inv_freq = 1.0 / (10000 ** (torch.arange(0, dim, 2).float() / dim))
    module.register_buffer("inv_freq", inv_freq)
    return module


# Swin: table of relative position biases
@gives("")
def swin_relative_position_bias(heads, window=7):
    module = nn.Module()
    module.table = nn.Parameter(torch.zeros((2 * window - 1) * (2 * window - 1), heads))
    return module


# torch: multi-head attention
@gives("")
def torch_attention(embed_dim, num_heads=8):
    return nn.MultiheadAttention(embed_dim, num_heads)


# torch: attention over keys of another width
@gives("")
def torch_cross_attention(embed_dim, kdim):
    return nn.MultiheadAttention(embed_dim, 1, kdim=kdim, vdim=kdim, bias=False)


# torch: an encoder layer
@gives("")
def torch_encoder_layer(d_model, feedforward=2048):
    return nn.TransformerEncoderLayer(d_model, nhead=4, dim_feedforward=feedforward)


# torch: an encoder, which deep-copies its layer
@gives("")
def torch_encoder(d_model):
    layer = nn.TransformerEncoderLayer(d_model, 2, 3 * d_model, batch_first=True)
    return nn.TransformerEncoder(layer, 3, norm=nn.LayerNorm(d_model), enable_nested_tensor=False)


# DeepSeek: low-rank queries if a rank is given
@gives("")
def mla_queries(dim, q_lora_rank: int | None = None):
    if q_lora_rank is None:
        return nn.Linear(dim, 24 * 16, bias=False)
    return nn.Sequential(nn.Linear(dim, q_lora_rank, bias=False), nn.Linear(q_lora_rank, 24 * 16))


# DeepSeek: the same with a rank
@gives("", q_lora_rank=Symbol())
def mla_queries_with_rank(dim, q_lora_rank: int | None = None):
    return mla_queries(dim, q_lora_rank)


# LoRA: rank of zero means none; scaling does not matter
@gives("")
def lora(in_features, out_features, r=8, alpha: int = 16):
    module = nn.Linear(in_features, out_features)
    module.requires_grad_(False)
    if r > 0:
        module.lora_A = nn.Parameter(module.weight.new_zeros((r, in_features)))
        module.lora_B = nn.Parameter(module.weight.new_zeros((out_features, r)))
        module.scaling = alpha / r
    return module


# Switch, Mixtral: no more experts chosen than there are
@gives("", experts=Symbol(max=6))
def mixture_of_experts(dim, experts, top_k=2):
    if top_k > experts:
        raise ValueError("top_k must not exceed the number of experts")
    return nn.ModuleList(
        [nn.Linear(dim, experts, bias=False), *(nn.Linear(dim, 4 * dim) for _ in range(experts))]
    )


# --- stages, loops and iteration ---------------------------------------------------------------


# Swin: the width doubles with each stage
@gives("")
def swin_dim_doubling(embed_dim):
    depths = (2, 2, 6, 2)
    stages = nn.ModuleList()
    for i in range(len(depths)):
        dim = int(embed_dim * 2**i)
        stages.append(nn.Linear(dim, dim))
        if i < len(depths) - 1:
            stages.append(nn.Linear(4 * dim, 2 * dim, bias=False))
    return stages


# ConvNeXt: stochastic depth rates read back from a tensor
@gives("")
def convnext_stages(dim):
    dims = [dim * m for m in (1, 2, 4)]
    rates = [x.item() for x in torch.linspace(0, 0.1, 6)]
    blocks = nn.ModuleList()
    for d, depth in zip(dims, (1, 2, 3), strict=True):
        for _ in range(depth):
            block = nn.Conv2d(d, d, 7, groups=d)
            block.rate = rates.pop(0)
            block.gamma = nn.Parameter(1e-6 * torch.ones(d))
            blocks.append(block)
    return blocks


# an MLP over adjacent sizes
@gives("")
def mlp_pairs(dim, out_dim):
    sizes = [dim, 4 * dim, 2 * dim, out_dim]
    return nn.Sequential(*(nn.Linear(a, b) for a, b in zip(sizes[:-1], sizes[1:], strict=True)))


# the same by itertools.pairwise and accumulate
@gives("")
def mlp_accumulated(dim):
    sizes = list(itertools.accumulate([dim] * 4, operator.add))
    return nn.Sequential(*itertools.starmap(nn.Linear, itertools.pairwise(sizes)))


# DDPM U-Net: down, then up over the reversed widths, with concatenated skips
@gives("")
def unet_skips(dim):
    dims = [dim * m for m in (1, 2, 4)]
    pairs = list(itertools.pairwise(dims))
    downs = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in pairs)
    ups = nn.ModuleList(nn.Conv2d(b * 2, a, 3, padding=1) for a, b in reversed(pairs))
    return nn.ModuleList([downs, ups])


# FPN: named layers over an enumerated list
@gives("")
def fpn(out_channels):
    module = nn.Module()
    for i, in_channels in enumerate([256, 512, 1024], start=2):
        module.add_module(f"lateral{i}", nn.Conv2d(in_channels, out_channels, 1))
        setattr(module, f"output{i}", nn.Conv2d(out_channels, out_channels, 3))
    return module


# VGG: a list of widths and poolings
@gives("")
def vgg_features(width):
    layers: list[nn.Module] = []
    channels = 3
    for v in (width, "M", 2 * width, 2 * width, "M"):
        if v == "M":
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(channels, v, 3), nn.BatchNorm2d(v)]
            channels = v
    return nn.Sequential(*layers)


# Inception: concatenated branches
@gives("")
def inception_concat(dim):
    branches = [dim, dim // 2, dim // 4, 32]
    return nn.Conv2d(sum(branches), 10, 1)


# flattened shapes
@gives("")
def prod_of_shape(channels, height=7):
    return nn.Linear(math.prod((channels, height, height)), 10)


# numpy's product of a shape
@gives("")
def numpy_prod_of_shape(channels):
    return nn.Linear(int(np.prod((channels, 4, 4))), 10)


# MixConv: split channels, the remainder to the first
@gives("")
def split_channels(channels):
    groups = 3
    split = [channels // groups for _ in range(groups)]
    split[0] += channels - sum(split)
    return nn.ModuleList(nn.Conv2d(c, c, 2 * i + 3, groups=c) for i, c in enumerate(split))


# torch.chunk sizes by divmod
@gives("")
def divmod_remainder(dim):
    size, rest = divmod(dim, 4)
    return nn.ModuleList(nn.Linear(size + (1 if i < rest else 0), 2) for i in range(4))


# sizes in order
@gives("")
def sorted_sizes(a, b):
    small, large = sorted([a, b])
    return nn.Linear(small, 3 * large, bias=False)


# Hourglass: recursion of constant depth
@gives("")
def hourglass(dim):
    def stage(depth: int, dim: int) -> nn.Module:
        inner = nn.Conv2d(dim, dim, 1) if depth == 0 else stage(depth - 1, dim + 16)
        return nn.Sequential(nn.Conv2d(dim, dim + 16, 1), inner, nn.Conv2d(dim + 16, dim, 1))

    return stage(3, dim)


# [block] * n is one block
@gives("", depth=Symbol(max=5))
def repeated_block(dim, depth):
    return nn.ModuleList([nn.Linear(dim, dim)] * depth)


# transformers: layers in a range of a symbol
@gives("", n_layer=Symbol(max=8))
def decoder_layers(dim, n_layer):
    std = 0.02 / math.sqrt(2 * n_layer)
    layers = nn.ModuleList([nn.Linear(dim, dim) for _ in range(n_layer)])
    for layer in layers:
        nn.init.normal_(layer.weight, std=std)
    return layers


# ViT-Det: every fourth block is global
@gives("", depth=Symbol(max=12))
def alternating_blocks(dim, depth):
    return nn.Sequential(
        *(nn.Linear(dim, 2 * dim if (i + 1) % 4 == 0 else dim, bias=False) for i in range(depth))
    )


# Megatron: the vocabulary padded up to a multiple, in a loop
@gives("")
def padded_vocabulary_loop(vocab):
    after = vocab
    while after % 8 != 0:
        after += 1
    return nn.Embedding(after, 4)


# nanoGPT: the vocabulary padded up to a multiple of 64
@gives("")
def padded_vocabulary(vocab):
    if vocab % 64 != 0:
        vocab = ((vocab // 64) + 1) * 64
    return nn.Embedding(vocab, 4)


# DCGAN: halve the size in a loop until it is small
@gives("", size=Symbol(max=256))
def halving_loop(size):
    layers: list[nn.Module] = []
    width = 8
    while size > 4:
        layers.append(nn.Conv2d(width, 2 * width, 4, bias=False))
        width, size = 2 * width, size // 2
    return nn.Sequential(*layers, nn.Linear(width * size * size, 1))


# the largest divisor not above a bound, searched downwards
@gives("", dim=Symbol(max=300))
def divisor_search(dim):
    heads = 6
    while heads > 1 and dim % heads:
        heads -= 1
    return nn.Linear(dim // heads, heads)


# --- conditions --------------------------------------------------------------------------------


# an early return
@gives("")
def early_return(dim, out_dim):
    if dim == out_dim:
        return nn.Identity()
    return nn.Linear(dim, out_dim)


# ResNet: shortcut where the shape changes
@gives("")
def basic_block_shortcut(inplanes, planes, stride=1):
    block = nn.Sequential(nn.Conv2d(inplanes, planes, 3, stride=stride, bias=False))
    if stride != 1 or inplanes != planes:
        block.append(nn.Conv2d(inplanes, planes, 1, stride=stride, bias=False))
    return block


# a ladder of sizes
@gives("")
def elif_ladder(dim):
    if dim < 64:
        hidden = 128
    elif dim < 128:
        hidden = 256
    elif dim < 256:
        hidden = 3 * dim
    else:
        hidden = 4 * dim
    return nn.Linear(dim, hidden, bias=False)


# nested conditions
@gives("")
def nested_conditions(dim, heads):
    if dim > 128:
        if heads > 8:
            return nn.Linear(dim, heads)
        return nn.Linear(dim, 8)
    if heads == 1:
        return nn.Linear(dim, 1)
    return nn.Linear(dim, 2 * heads)


# a chained comparison
@gives("")
def chained_comparison(dim):
    if not 8 <= dim <= 200:
        raise ValueError("dim out of range")
    return nn.Linear(dim, 2)


# a conditional expression
@gives("")
def ternary(dim):
    return nn.Linear(dim, 4 * dim if dim % 3 == 0 else 2 * dim, bias=False)


# any over sizes
@gives("")
def any_odd(dim, heads):
    if any(size % 2 for size in (dim, heads)):
        raise ValueError("odd sizes are not supported")
    return nn.Linear(dim, heads)


# all over divisors
@gives("")
def all_divide(dim):
    return nn.Linear(dim, 7 if all(dim % n == 0 for n in (2, 3, 5)) else 11)


# membership in a tuple
@gives("")
def tuple_membership(dim):
    if dim in (48, 64, 96):
        return nn.Linear(dim, dim)
    return nn.Linear(dim, 2)


# depth must be one of a few, in a list
@gives("", depth=Symbol(max=300))
def resnet_depths(depth, width=8):
    if depth not in [18, 34, 50]:
        raise ValueError(f"no ResNet-{depth}")
    return nn.Linear(width, depth)


# a match statement
@gives("")
def match_statement(dim):
    match dim % 4:
        case 0:
            return nn.Linear(dim, 8)
        case 1 | 2:
            return nn.Linear(dim, 4)
        case _:
            return nn.Linear(dim, 2)


# a match statement with guards and captures
@gives("")
def match_guard(dim, heads):
    match (dim, heads):
        case (d, 1):
            return nn.Linear(d, 1)
        case (d, h) if d > h:
            return nn.Linear(d - h, h)
        case (d, h):
            return nn.Linear(h, d)


# an assignment in a condition
@gives("")
def walrus(dim):
    if (hidden := dim // 8) > 4:
        return nn.Linear(dim, hidden)
    return nn.Linear(dim, 4)


# timm Mlp: hidden_features or in_features
@gives("")
def or_default(in_features, hidden_features: int | None = None):
    hidden_features = hidden_features or 4 * in_features
    return nn.Linear(in_features, hidden_features)


# the same of a symbol that is floored to zero
@gives("")
def or_default_of_zero(dim):
    return nn.Linear(dim, dim // 16 or 1)


# a message that names the symbol, a warning that does not matter
@gives("")
def warning_only(dim):
    if (dim & (dim - 1)) != 0:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.warn(f"dim={dim} is not a power of two, which is slow", stacklevel=2)
    return nn.Linear(dim, 2)


# types checked before anything is built
@gives("")
def type_checks(dim):
    if not isinstance(dim, int) or isinstance(dim, bool) or dim <= 0:
        raise TypeError("dim must be a positive integer")
    if not isinstance(dim, numbers.Integral):
        raise TypeError("dim must be integral")
    return nn.Linear(dim, 3)


# timm: to_2tuple, and a number of patches
@gives("")
def vit_patch_embed(img_size, patch_size, dim):
    def to_2tuple(x: Any) -> tuple[Any, Any]:
        if isinstance(x, collections.abc.Iterable) and not isinstance(x, str):
            return tuple(x)
        return (x, x)

    height, width = to_2tuple(img_size)
    ph, pw = to_2tuple(patch_size)
    if height % ph or width % pw:
        raise ValueError("image size must be divisible by patch size")
    module = nn.Conv2d(3, dim, (ph, pw), stride=(ph, pw))
    module.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
    module.pos_embed = nn.Parameter(torch.zeros(1, (height // ph) * (width // pw) + 1, dim))
    return module


# --- exceptions --------------------------------------------------------------------------------


# a fallback where torch refuses the groups
@gives("")
def fallback_of_value_error(dim):
    try:
        return nn.Conv2d(dim, dim, 3, groups=6)
    except ValueError:
        return nn.Conv2d(dim, dim, 3)


# the same, with everything caught
@gives("")
def fallback_of_exception(dim):
    try:
        norm = nn.GroupNorm(12, dim)
    except Exception:
        norm = nn.LayerNorm([dim, 2])
    return nn.Sequential(norm, nn.Linear(dim, 1))


# try, except, else, finally
@gives("")
def try_else_finally(dim):
    layers = []
    try:
        if dim % 5 == 0:
            raise KeyError(dim)
    except KeyError:
        layers.append(nn.Linear(dim, 5))
    else:
        layers.append(nn.Linear(dim, 1))
    finally:
        layers.append(nn.LayerNorm(dim))
    return nn.Sequential(*layers)


# contextlib and cleanup do not hide a branch; a division by zero is caught
@gives("")
def zero_division_caught(dim, heads):
    try:
        ratio = dim // (heads - 4)
    except ZeroDivisionError:
        ratio = 1
    return nn.Linear(max(1, ratio), 2)


# --- configurations ----------------------------------------------------------------------------


@dataclass
class BlockConfig:
    dim: int
    heads: int = 4
    hidden: int | None = None
    widths: list[int] = field(default_factory=lambda: [1, 2])

    def __post_init__(self) -> None:
        if self.hidden is None:
            self.hidden = 4 * self.dim
        if self.dim % self.heads:
            raise ValueError("dim must be a multiple of heads")

    @property
    def head_dim(self) -> int:
        return self.dim // self.heads


# nanoGPT: a dataclass
@gives("")
def dataclass_config(dim, heads=4):
    config = BlockConfig(dim=dim, heads=heads)
    return nn.ModuleList(
        [nn.Linear(config.dim, config.hidden), nn.LayerNorm(config.head_dim)]
        + [nn.Linear(config.dim * w, 1) for w in config.widths]
    )


class Shape(NamedTuple):
    channels: int
    side: int = 4


# a NamedTuple, unpacked
@gives("")
def named_tuple_config(channels):
    shape = Shape(channels)
    c, side = shape
    return nn.Linear(shape.channels * side**2, c)


# detectron2, argparse: a namespace with defaults by getattr
@gives("")
def namespace_config(dim):
    config = types.SimpleNamespace(dim=dim, layers=2)
    hidden = getattr(config, "hidden", None) or config.dim * 2
    return nn.Sequential(*[nn.Linear(config.dim, hidden) for _ in range(config.layers)])


# keyword dictionaries
@gives("")
def kwargs_dict(dim, **kwargs):
    kwargs = {"kernel_size": 3, "padding": 1, **kwargs}
    kwargs.setdefault("bias", False)
    first = nn.Conv2d(3, dim, **kwargs)
    kwargs.pop("padding")
    return nn.Sequential(first, nn.Conv2d(dim, dim, **kwargs))


# a table of layers by name
@gives("")
def norm_registry(dim, norm: str = "batch"):
    norms = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm, "none": lambda dim: nn.Identity()}
    return nn.Sequential(nn.Linear(dim, dim), norms[norm](dim))


# timm: partial(nn.LayerNorm, eps=1e-6)
@gives("")
def norm_layer_partial(dim):
    norm_layer = functools.partial(nn.LayerNorm, eps=1e-6)
    return nn.ModuleList([norm_layer(dim), norm_layer(2 * dim)])


def _mlp(dim: int, hidden: int, layers: int) -> nn.Module:
    return nn.Sequential(nn.Linear(dim, hidden), *[nn.Linear(hidden, hidden)] * layers)


gives("", "True", hidden=Symbol())(functools.partial(_mlp, layers=2))


class Attention(nn.Module):
    """A class with properties, used as a factory."""

    def __init__(self, dim: int, heads: int = 4, qkv_bias: bool = False) -> None:
        super().__init__()
        self.dim, self.heads = dim, heads
        self.to_qkv = nn.Linear(dim, self.inner * 3, bias=qkv_bias)
        self.to_out = nn.Linear(self.inner, dim) if self.projects else nn.Identity()

    @property
    def inner(self) -> int:
        return self.heads * self.head_dim

    @functools.cached_property
    def head_dim(self) -> int:
        return max(16, self.dim // self.heads)

    @property
    def projects(self) -> bool:
        return not (self.heads == 1 and self.head_dim == self.dim)


gives("")(Attention)


# classmethods as factories
class Preset(nn.Linear):
    @classmethod
    def square(cls, dim: int) -> Preset:
        return cls(dim, dim)


gives("")(Preset.square)


# a closure, and a nested class
@gives("")
def nested_class(dim):
    class Block(nn.Module):
        def __init__(self, scale: int) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.empty(dim, scale * dim))
            self.register_parameter("bias", None)

    return nn.Sequential(*[Block(scale) for scale in (1, 2)])


# --- sharing, containers, buffers, dtypes ------------------------------------------------------


# GPT-2: the head tied to the embedding
@gives("")
def tied_head(vocab, dim):
    embedding = nn.Embedding(vocab, dim)
    head = nn.Linear(dim, vocab, bias=False)
    head.weight = embedding.weight
    return nn.ModuleDict({"embedding": embedding, "norm": nn.LayerNorm(dim), "head": head})


# ALBERT, AWD-LSTM: tied only where the widths allow it
@gives("")
def tied_if_equal(vocab, embed_dim, hidden):
    embedding = nn.Embedding(vocab, embed_dim)
    head = nn.Linear(hidden, vocab)
    if embed_dim == hidden:
        head.weight = embedding.weight
    return nn.ModuleList([embedding, head])


# Universal Transformer: one layer many times
@gives("")
def shared_layer(dim):
    layer = nn.Linear(dim, dim)
    return nn.Sequential(layer, nn.ReLU(), layer, nn.ReLU(), layer)


# BERT: clones of a layer
@gives("")
def deep_copied_layers(dim):
    layer = nn.Sequential(nn.Linear(dim, 2 * dim), nn.LayerNorm(2 * dim))
    return nn.ModuleList([copy.deepcopy(layer) for _ in range(3)])


# parameters in a list and a dict
@gives("")
def parameter_containers(dim):
    module = nn.Module()
    module.scales = nn.ParameterList([nn.Parameter(torch.ones(dim * (i + 1))) for i in range(3)])
    module.biases = nn.ParameterDict({name: torch.zeros(dim, 2) for name in ("q", "k")})
    return module


# wav2vec 2.0: weight norm by parametrization, over the last dimension
@gives("")
def weight_norm_parametrization(dim):
    conv = nn.Conv1d(dim, dim, 15, padding=7)
    return nn.utils.parametrizations.weight_norm(conv, name="weight", dim=2)


# HiFi-GAN: the older weight norm
@gives("")
def weight_norm_old(dim):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return nn.utils.weight_norm(nn.Conv1d(dim, 2 * dim, 7))


# Transformer: a table of positions in a buffer
@gives("")
def positional_buffer(dim, max_len=512):
    module = nn.Linear(dim, 2)
    pe = torch.zeros(max_len, dim)
    module.register_buffer("pe", pe.unsqueeze(0), persistent=False)
    return module


# batch norm without affine, instance norm with it
@gives("")
def norms_of_all_kinds(dim):
    return nn.Sequential(
        nn.BatchNorm2d(dim, affine=False),
        nn.InstanceNorm2d(2 * dim, affine=True),
        nn.InstanceNorm2d(dim),
        nn.LayerNorm((dim, 3), bias=False),
        nn.PReLU(dim),
    )


# half precision
@gives("")
def mixed_dtypes(dim):
    body = nn.Linear(dim, dim).half()
    head = nn.Linear(dim, 2, dtype=torch.float64).to(torch.bfloat16)
    return nn.Sequential(body, head, nn.LayerNorm(dim))


# linear probing: a frozen backbone
@gives("")
def frozen_backbone(dim):
    backbone = nn.Sequential(nn.Linear(3, dim), nn.BatchNorm1d(dim)).requires_grad_(False)
    return nn.Sequential(backbone, nn.Linear(dim, 10))


# BitFit: only biases train
@gives("")
def bitfit(dim):
    module = nn.Sequential(nn.Linear(dim, 2 * dim), nn.Linear(2 * dim, dim))
    for name, parameter in module.named_parameters():
        parameter.requires_grad = name.endswith("bias")
    return module


# Mamba: A_log from a repeated range
@gives("")
def mamba_a_log(d_model, d_state=16):
    module = nn.Module()
    a = torch.arange(1, d_state + 1, dtype=torch.float32).repeat(2 * d_model, 1)
    module.A_log = nn.Parameter(torch.log(a))
    module.D = nn.Parameter(torch.ones(2 * d_model))
    return module


# sizes read back from tensors
@gives("")
def sizes_of_tensors(dim):
    base = nn.Linear(dim, 3 * dim)
    out_features, in_features = base.weight.shape
    return nn.Sequential(
        base,
        nn.Linear(base.out_features, base.bias.numel()),
        nn.LayerNorm([out_features // 3, base.weight.size(1), in_features]),
    )


# concatenated and stacked parameters
@gives("")
def concatenated_parameters(dim):
    module = nn.Module()
    table = torch.cat([torch.zeros(1, dim), torch.randn(4, dim)], dim=0)
    module.table = nn.Parameter(table)
    module.stack = nn.Parameter(torch.stack([torch.ones(dim)] * 3).t().contiguous())
    return module


# --- layers ------------------------------------------------------------------------------------


# MobileNet: depthwise, then pointwise
@gives("")
def depthwise_separable(inp, oup):
    return nn.Sequential(
        nn.Conv2d(inp, inp, 3, padding=1, groups=inp, bias=False),
        nn.BatchNorm2d(inp),
        nn.Conv2d(inp, oup, 1, bias=False),
    )


# a symbolic kernel, transposed
@gives("")
def symbolic_kernel(dim, kernel=4):
    return nn.ConvTranspose2d(dim, dim // 2, (kernel, kernel + 1), stride=2)


# ESPCN: sub-pixel convolution
@gives("")
def pixel_shuffle(dim, upscale=3):
    return nn.Sequential(nn.Conv2d(dim, 3 * upscale**2, 3), nn.PixelShuffle(upscale))


# torch checks channels against symbolic groups
@gives("")
def symbolic_groups(dim, groups):
    return nn.Conv1d(dim, 2 * dim, 3, groups=groups, bias=False)


# the last token of the vocabulary pads
@gives("")
def embedding_padding(vocab, dim):
    return nn.Embedding(vocab, dim, padding_idx=vocab - 1)


# a constant token pads, which must be in the vocabulary
@gives("")
def embedding_fixed_padding(vocab):
    return nn.Embedding(vocab, 8, padding_idx=3)


# biLSTM taggers: half of the width each way
@gives("")
def bidirectional_lstm(dim, hidden):
    return nn.LSTM(dim, hidden // 2, num_layers=2, bidirectional=True)


# a projected LSTM
@gives("")
def projected_lstm(dim, hidden, proj_size=16):
    return nn.LSTM(dim, hidden, proj_size=proj_size)


# recurrent cells
@gives("")
def recurrent_cells(dim):
    return nn.ModuleList([nn.GRUCell(dim, 2 * dim), nn.LSTMCell(2 * dim, dim), nn.RNN(dim, 3)])


# Transformer-XL: adaptive softmax, its clusters narrower by 4.0
@gives("", n_classes=Symbol(min=2000))
def adaptive_softmax(dim, n_classes):
    return nn.AdaptiveLogSoftmaxWithLoss(dim, n_classes, cutoffs=[100, 1000], div_value=4.0)


# Bilinear pooling, a bag of embeddings
@gives("")
def bilinear_and_bag(dim, buckets):
    return nn.ModuleList([nn.Bilinear(dim, dim, 4), nn.EmbeddingBag(buckets // 10 + 1, dim)])


# KAN: a spline on each edge
@gives("")
def kan_linear(in_features, out_features, grid_size=5, spline_order=3):
    module = nn.Module()
    module.base = nn.Parameter(torch.empty(out_features, in_features))
    module.spline = nn.Parameter(torch.empty(out_features, in_features, grid_size + spline_order))
    module.register_buffer("grid", torch.empty(in_features, grid_size + 2 * spline_order + 1))
    return module


# --- second batch ---


# a table of depths by the symbol
@gives("", depth=Symbol(max=40))
def dict_lookup(dim, depth):
    blocks = {18: (2, 2), 34: (3, 4)}[depth]
    return nn.Sequential(*[nn.Linear(dim, dim) for _ in range(sum(blocks))])


@gives("")
def dict_get(dim):
    return nn.Linear(dim, {64: 1, 128: 2}.get(dim, 3))


@gives("", stage=Symbol(max=4))
def list_index(dim, stage):
    return nn.Linear(dim, (64, 128, 256, 512)[stage - 1])


@gives("", stages=Symbol(max=4))
def list_slice(dim, stages):
    widths = [1, 2, 4, 8][:stages]
    return nn.ModuleList([nn.Linear(dim, w) for w in widths])


@gives("", depth=Symbol(max=40))
def string_key(dim, depth):
    blocks = {"resnet18": 8, "resnet34": 16}[f"resnet{depth}"]
    return nn.Linear(dim, blocks)


@gives("", depth=Symbol(max=3))
def string_method(dim, depth):
    table = {"1": 10, "2": 20, "3": 30}
    return nn.Linear(dim, table[str(depth)])


@gives("")
def named_after_symbol(dim):
    return nn.ModuleDict({f"fc_{dim}": nn.Linear(dim, 2)})


@gives("")
def set_membership(dim):
    if dim not in {32, 64, 128}:
        raise ValueError("unsupported head dim")
    return nn.Linear(dim, 2)


@gives("")
def range_membership(dim):
    if dim not in range(8, 129, 8):
        raise ValueError("unsupported")
    return nn.Linear(dim, 2)


@gives("")
def frozenset_const(dim):
    ALLOWED = frozenset((1, 2))
    return nn.Linear(dim, 2 if dim in ALLOWED else 3)


@gives("")
def dict_membership(dim):
    return nn.Linear(dim, 2 if dim in {7: "a", 9: "b"} else 3)


@functools.lru_cache
def _cached_width(dim):
    return 2 * dim


@gives("")
def lru_cached(dim):
    return nn.Linear(dim, _cached_width(dim))


@gives("")
def local_cache(dim):
    cache = {}

    def layer(size):
        if size not in cache:
            cache[size] = nn.Linear(size, 2)
        return cache[size]

    return nn.ModuleList([layer(dim), layer(2 * dim), layer(dim)])


@gives("")
def unique_sizes(a, b):
    return nn.ModuleList([nn.Linear(s, 2) for s in sorted({a, b})])


@gives("")
def numpy_ceil_sqrt(dim):
    return nn.Linear(int(np.ceil(np.sqrt(dim))), 2)


@gives("")
def numpy_log2(dim):
    return nn.Linear(int(np.log2(dim)) + 1, 2)


@gives("")
def numpy_cumsum(dim):
    offsets = np.cumsum([dim, dim, 2 * dim])
    return nn.Embedding(int(offsets[-1]), 2)


@gives("")
def numpy_round_array(dim):
    widths = (np.array([1, 2, 4]) * dim).tolist()
    return nn.ModuleList([nn.Linear(w, 2) for w in widths])


@gives("")
def numpy_power_schedule(dim):
    # RegNet: the widths are quantised by numpy
    ws = np.round(np.divide(dim * np.power(2.0, np.arange(3)), 8)) * 8
    return nn.ModuleList([nn.Linear(int(w), 2) for w in ws])


# Nature DQN: flatten size by running a dummy input
@gives("")
def dummy_forward(channels):
    conv = nn.Sequential(nn.Conv2d(3, channels, 8, stride=4), nn.ReLU(), nn.Conv2d(channels, 64, 4))
    with torch.no_grad():
        n = conv(torch.zeros(1, 3, 84, 84)).flatten(1).shape[1]
    return nn.Sequential(conv, nn.Linear(n, channels))


# conv arithmetic, by hand
@gives("", size=Symbol(min=28))
def conv_arithmetic(size):
    for kernel, stride in ((8, 4), (4, 2)):
        size = (size - kernel) // stride + 1
    return nn.Linear(64 * size * size, 512)


@gives("", size=Symbol(min=28))
def conv_arithmetic_float(size):
    def out(x, k, s, p):
        return math.floor((x + 2 * p - (k - 1) - 1) / s + 1)

    return nn.Linear(out(out(size, 3, 2, 1), 3, 2, 1) ** 2, 4)


@gives("")
def odd_kernel(dim, kernel):
    if kernel % 2 == 0:
        kernel += 1
    return nn.Conv1d(dim, dim, kernel, padding=kernel // 2)


@gives("")
def float_is_integer(dim, heads):
    if not (dim / heads).is_integer():
        raise ValueError("not whole")
    return nn.Linear(dim, dim // heads)


@gives("")
def float_division_check(dim, heads=4):
    if dim / heads != dim // heads:
        raise ValueError("not whole")
    return nn.Linear(dim, heads * int(dim // heads))


@gives("")
def int_division_product(dim, heads):
    head_dim = int(dim / heads)
    assert head_dim * heads == dim
    return nn.Linear(dim, head_dim * heads)


@gives("")
def spectral_norm(dim):
    return nn.utils.parametrizations.spectral_norm(nn.Linear(dim, 20))


@gives("")
def spectral_norm_old(dim):
    return nn.utils.spectral_norm(nn.Conv2d(3, dim, 3))


@gives("")
def orthogonal(dim):
    return nn.utils.parametrizations.orthogonal(nn.Linear(dim, dim))


@gives("")
def parametrize_custom(dim):
    class Symmetric(nn.Module):
        def forward(self, x):
            return x.triu() + x.triu(1).transpose(-1, -2)

    layer = nn.Linear(dim, dim)
    nn.utils.parametrize.register_parametrization(layer, "weight", Symmetric())
    return layer


@gives("", num_layers=Symbol(max=4))
def lstm_layers(dim, num_layers):
    return nn.LSTM(dim, dim, num_layers=num_layers)


@gives("")
def chunked_range(dim):
    return nn.ModuleList([nn.Linear(min(64, dim - s), 2) for s in range(0, 256, 64) if s < dim])


@gives("", dim=Symbol(max=300))
def chunked_symbolic_range(dim):
    return nn.ModuleList([nn.Linear(min(64, dim - s), 2) for s in range(0, dim, 64)])


@gives("", n=Symbol(max=6))
def list_times(dim, n):
    sizes = [dim] * n + [1]
    return nn.Sequential(*(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:])))


@gives("", n=Symbol(max=6))
def reversed_range(dim, n):
    return nn.ModuleList([nn.Linear(dim * 2**i, dim * 2**i) for i in reversed(range(n))])


@gives("", n=Symbol(max=6))
def last_layer_differs(dim, n):
    return nn.Sequential(*[nn.Linear(dim, 1 if i == n - 1 else dim) for i in range(n)])


@gives("", n=Symbol(max=6))
def while_counter(dim, n):
    layers = []
    i = 0
    while i < n:
        layers.append(nn.Linear(dim, i + 1))
        i += 1
    return nn.Sequential(*layers)


@gives("", depth=Symbol(max=5))
def symbolic_recursion(dim, depth):
    def build(d, w):
        if d == 0:
            return nn.Linear(w, w)
        return nn.Sequential(nn.Linear(w, 2 * w), build(d - 1, 2 * w))

    return build(depth, dim)


@gives("")
def bin_popcount(dim):
    return nn.Linear(bin(dim).count("1"), 2)


@gives("")
def bit_count(dim):
    if dim.bit_count() != 1:
        raise ValueError("power of two wanted")
    return nn.Linear(dim.bit_length() - 1, 2)


@gives("")
def xor_mask(dim):
    return nn.Linear((dim | 7) + 1, (dim ^ 1) + 1)


@gives("")
def align_mask(dim):
    # align up by mask
    return nn.Linear((dim + 63) & ~63, 2)


@gives("")
def round_digits(dim):
    return nn.Linear(int(round(dim, -1)) + 1, 2)


@gives("")
def torch_ceil(dim):
    return nn.Linear(int(torch.ceil(torch.tensor(dim / 8)).item()), 2)


@gives("", depth=Symbol(max=5))
def drop_path_symbolic(dim, depth):
    rates = [x.item() for x in torch.linspace(0, 0.1, depth)]
    return nn.ModuleList([nn.Linear(dim, dim) for r in rates])


@gives("")
def eval_string(dim):
    return eval("nn.Linear")(dim, eval("2 * dim"))


@gives("")
def fixed_enum_string(dim, act: str = "glu"):
    mult = 2 if act.endswith("glu") else 1
    return nn.Linear(dim, mult * dim)


@gives("")
def fraction(dim):
    from fractions import Fraction

    return nn.Linear(int(Fraction(1, 3) * dim), 2)


@gives("")
def exact_type(dim):
    if type(dim) is not int:
        raise TypeError("int wanted")
    return nn.Linear(dim, 2)


@gives("")
def identity_test(dim):
    return nn.Linear(dim, 3 if dim is not None else 4)


@gives("")
def isinstance_tuple(dim):
    hidden = dim if isinstance(dim, (list, tuple)) else [dim, dim]
    return nn.Sequential(*(nn.Linear(a, 2) for a in hidden))


@gives("")
def asserts_isinstance_union(dim):
    if isinstance(dim, int | float):
        return nn.Linear(dim, 2)
    return nn.Linear(1, 1)


@gives("")
def json_round_trip(dim):
    import json

    config = json.loads(json.dumps({"dim": dim}))
    return nn.Linear(config["dim"], 2)


@gives("")
def copied_config(dim):
    config = copy.deepcopy({"dim": dim, "sizes": [dim, 2 * dim]})
    from dataclasses import asdict, replace

    c = replace(BlockConfig(config["dim"], heads=1), dim=config["dim"] * 2)
    return nn.Linear(asdict(c)["dim"], config["sizes"][1])


@gives("")
def max_with_key(a, b):
    return nn.Linear(max([a, b], key=lambda v: v % 16), 2)


@gives("")
def max_default(dim):
    sizes = [s for s in (dim, dim // 2) if s > 8]
    return nn.Linear(max(sizes, default=1), 2)


@gives("")
def min_of_floats(dim):
    return nn.Linear(int(min(dim * 0.5, 100.0)), 2)


@gives("")
def max_of_mixed(dim):
    return nn.Linear(int(max(dim * 0.3, 16)), 2)


@gives("", factor=Symbol(max=8))
def float_power(dim, factor):
    return nn.Linear(int(dim * 1.5**factor), 2)


@gives("")
def square_check(tokens):
    side = int(tokens**0.5)
    assert side * side == tokens
    return nn.Linear(side, 2)


@gives("")
def sqrt_square_check(tokens):
    side = int(math.sqrt(tokens))
    if side**2 != tokens:
        raise ValueError("not a square")
    return nn.Embedding(side, tokens)


@gives("")
def counter_nonlocal(dim):
    n = 0

    def layer():
        nonlocal n
        n += 1
        return nn.Linear(dim, n)

    return nn.ModuleList([layer() for _ in range(3)])


@gives("")
def kaiming_manual(dim):
    weight = nn.Parameter(torch.empty(dim, dim))
    bound = 1 / math.sqrt(dim)
    with torch.no_grad():
        weight.uniform_(-bound, bound)
        weight[0].zero_()
    module = nn.Module()
    module.weight = weight
    return module


@gives("")
def data_slices(dim):
    layer = nn.Linear(dim, 4 * dim)
    n = layer.bias.size(0)
    layer.bias.data[n // 4 : n // 2].fill_(1.0)
    return layer


@gives("")
def sliced_parameter(dim):
    m = nn.Module()
    m.w = nn.Parameter(torch.zeros(4 * dim, 3)[: dim // 2])
    m.v = nn.Parameter(torch.zeros(2, dim).view(-1))
    m.u = nn.Parameter(torch.zeros(dim, 6).reshape(dim, 2, 3).permute(2, 0, 1))
    m.t = nn.Parameter(torch.eye(dim).expand(3, dim, dim).clone())
    return m


@gives("")
def removed_layer(dim):
    m = nn.Sequential(nn.Linear(dim, 2 * dim), nn.Linear(2 * dim, 10))
    m[1] = nn.Identity()
    del m[0].bias
    m[0].bias = None
    return m


@gives("")
def apply_reset(dim):
    def init(m):
        if isinstance(m, nn.Linear):
            nn.init.trunc_normal_(m.weight, std=(2 / (m.in_features + m.out_features)) ** 0.5)

    return nn.Sequential(nn.Linear(dim, dim), nn.BatchNorm1d(dim)).apply(init)


@gives("")
def device_context(dim):
    with torch.device("cpu"):
        return nn.Linear(dim, 2)


@gives("")
def batchnorm_to_sync(dim):
    return nn.SyncBatchNorm.convert_sync_batchnorm(
        nn.Sequential(nn.Conv2d(3, dim, 1), nn.BatchNorm2d(dim))
    )


@gives("")
def state_dict_copy(dim):
    a = nn.Linear(dim, 2)
    b = nn.Linear(dim, 2)
    b.load_state_dict(a.state_dict())
    return nn.ModuleList([a, b])


@gives("")
def jit_like_sum(dim):
    m = nn.Linear(dim, 2)
    m.total = sum(p.numel() for p in m.parameters())
    return nn.ModuleList([m, nn.Linear(m.total, 1)])


@gives("")
def negative_index(dim):
    sizes = [dim, 2 * dim, 3 * dim]
    first, *_, last = sizes
    return nn.Linear(first, sizes[-2] + last)


@gives("")
def comparison_of_tuples(dim, heads):
    if (dim, heads) == (64, 4):
        return nn.Linear(dim, heads)
    return nn.Linear(dim, 1)


@gives("")
def filter_map(dim):
    sizes = list(filter(lambda s: s > 16, map(lambda k: dim // k, (1, 2, 4))))
    return nn.ModuleList([nn.Linear(s, 1) for s in sizes])


@gives("")
def reduce_lcm(dim):
    return nn.Linear(math.lcm(dim, 8), 2)


@gives("")
def functools_reduce(dim):
    return nn.Linear(functools.reduce(operator.mul, (dim, 2, dim)), 2)


@gives("")
def string_int(dim, spec: str = "4x3"):
    a, b = map(int, spec.split("x"))
    return nn.Linear(a * dim, b)


@gives("")
def print_info(dim):
    _ = f"{dim:>5d} {dim * 0.5}"
    return nn.Linear(dim, 2)


@gives("")
def sum_of_floats(dim):
    return nn.Linear(int(sum(dim * r for r in (0.25, 0.5))), 2)


@gives("")
def head_search(dim):
    # the first head width that divides, else an error
    head_dim = next((d for d in (128, 64, 32) if dim % d == 0), None)
    if head_dim is None:
        raise ValueError("no head width divides")
    return nn.Linear(dim, dim // head_dim)


@gives("")
def for_else(dim):
    for d in (7, 5, 3):
        if dim % d == 0:
            out = d
            break
    else:
        out = 1
    return nn.Linear(dim, out)


@gives("")
def modular_raise_nested(dim, heads, groups):
    assert dim % heads == 0 and heads % groups == 0
    return nn.Linear(dim, dim // heads * groups)


@gives("", dim=Symbol(multiple_of=64))
def declared_multiple(dim):
    return nn.GroupNorm(32, dim)


@gives("")
def floor_float(dim):
    return nn.Linear(int(dim // 1.5) + 1, 2)


@gives("")
def mod_float(dim):
    return nn.Linear(dim, 2 if dim % 1.5 == 0 else 3)


@gives("")
def complement(dim, rank):
    if rank > min(dim, 3 * dim):
        raise ValueError("rank too large")
    return nn.Linear(dim - rank + 1, 2)
