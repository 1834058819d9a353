"""Small factories, each a real idiom of public model code, with the formula each must give.

`@gives(expr, domain, grade)` says what `derive` must return, to the letter; `@refused(error, text,
why)` says that `derive` refuses, and how. `test_idioms.py` compares all of them, at every size,
with what the factory builds.

The grades say what the tracer followed: an idiom that is only `checked` or `partial` is a limit
of symcount, and so is a refused one.
"""

from __future__ import annotations

import argparse
import bisect
import collections.abc
import copy
import enum
import functools
import itertools
import math
import numbers
import operator
import random
import types
import warnings
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pytest
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
@gives("10*dim + 8")
def group_norm_halving(dim):
    groups = 32
    while dim % groups:
        groups //= 2
    return nn.Sequential(nn.GroupNorm(groups, dim), nn.Conv1d(dim, 8, 1, groups=1))


# segmentation models: the greatest of a few group numbers that divides
@gives(
    "3*dim + Piecewise((9*dim**2/32, Eq(Mod(dim, 32), 0)), (9*dim**2/16, Eq(Mod(dim, 16), "
    "0)), (9*dim**2/8, Eq(Mod(dim, 8), 0)), (9*dim**2/4, Eq(Mod(dim, 4), 0)), (9*dim**2/2, "
    "Eq(Mod(dim, 2), 0)), (9*dim**2, True))"
)
def group_norm_selection(dim):
    for groups in (32, 16, 8, 4, 2, 1):
        if dim % groups == 0:
            break
    return nn.Sequential(nn.GroupNorm(groups, dim), nn.Conv2d(dim, dim, 3, groups=groups))


# diffusers: norm_num_groups = 32, checked by nn.GroupNorm itself
@gives("9*dim**2 + 3*dim", "Eq(Mod(dim, 32), 0)")
def group_norm_unchecked(dim):
    return nn.Sequential(nn.GroupNorm(32, dim), nn.Conv2d(dim, dim, 3))


# diffusers VAE, MONAI: min(dim // 4, 32) groups
@gives(
    "2*dim",
    "(dim <= 300) & (Min(32, floor(dim/4)) >= 1) & Eq(Mod(dim, Min(32, floor(dim/4))), 0)",
    dim=Symbol(max=300),
)
def group_norm_quarter(dim):
    return nn.GroupNorm(min(dim // 4, 32), dim)


# HarDNet, CSPNet: groups by gcd
@gives(
    "864*dim/gcd(96, dim)",
    "Eq(Mod(96, gcd(96, dim)), 0) & Eq(Mod(dim, gcd(96, dim)), 0)",
    "partial",
)
def groups_by_gcd(dim):
    return nn.Conv2d(dim, 96, 3, groups=math.gcd(dim, 96), bias=False)


# torchvision ResNeXt: width = int(planes * (base_width / 64.0)) * groups
@gives("groups*planes*floor(planes/16) + 9*groups*floor(planes/16)**2", "planes < 9007199254740993")
def resnext_width(planes, groups=32):
    width = int(planes * (4 / 64.0)) * groups
    return nn.Sequential(
        nn.Conv2d(planes, width, 1, bias=False),
        nn.Conv2d(width, width, 3, groups=groups, bias=False),
    )


# RegNet: adjust_widths_groups_comp
@gives("9*fround(truediv(width, Min(24, width)))*Min(24, width)**2")
def regnet_group_width(width):
    group_width = min(24, width)
    width = int(round(width / group_width) * group_width)
    return nn.Conv2d(width, width, 3, groups=width // group_width, bias=False)


# ShuffleNet: channels that a grouped convolution must divide
@gives("dim**2/groups", "Eq(Mod(dim, groups), 0)")
def shufflenet_branch(dim, groups=4):
    if dim % groups != 0:
        raise ValueError(f"{dim} channels are not divisible by {groups} groups")
    return nn.Conv2d(dim, dim, 1, groups=groups, bias=False)


# --- bottlenecks -------------------------------------------------------------------------------


# SENet: bottleneck of at least one channel
@gives("2*dim*Max(1, floor(dim/4)) + dim + Max(1, floor(dim/4))")
def se_floor(dim):
    squeezed = max(1, dim // 4)
    return nn.Sequential(nn.Linear(dim, squeezed), nn.ReLU(), nn.Linear(squeezed, dim))


# CoordAttention: max(8, channels // reduction)
@gives("2*inp*Max(8, floor(inp/reduction)) + inp + 3*Max(8, floor(inp/reduction))")
def coord_attention(inp, reduction=32):
    mip = max(8, inp // reduction)
    return nn.Sequential(nn.Conv2d(inp, mip, 1), nn.BatchNorm2d(mip), nn.Conv2d(mip, inp, 1))


# SKNet: d = max(int(features / r), L)
@gives(
    "3*features*Max(32, floor(features/r)) + 2*features + Max(32, floor(features/r))",
    "features + r < 9007199254740993",
)
def sk_unit(features, r=16):
    d = max(int(features / r), 32)
    return nn.ModuleList([nn.Linear(features, d), *(nn.Linear(d, features) for _ in range(2))])


# lukemelas EfficientNet: max(1, int(in * se_ratio))
@gives(
    "2*channels*Max(1, floor(channels/4)) + channels + Max(1, floor(channels/4))",
    "channels < 9007199254740993",
)
def efficientnet_se(channels):
    squeezed = max(1, int(channels * 0.25))
    return nn.Sequential(nn.Conv2d(channels, squeezed, 1), nn.Conv2d(squeezed, channels, 1))


# ResNet: bottleneck with expansion 4 and an optional projection
@gives(
    "13*planes**2 + Piecewise((inplanes*planes, Eq(inplanes, 4*planes)), (5*inplanes*planes, True))"
)
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
@gives("3*Min(128, Max(16, floor(dim/2))) + 3")
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
@gives(
    "Piecewise((27, Max(8, 8*floor(dim/8 + 1/2)) < fmul(0.9, dim)), (3, True)) + 3*Max(8, "
    "8*floor(dim/8 + 1/2))",
    "dim < 9007199254740989",
)
def mobilenet_make_divisible(dim):
    return nn.Linear(make_divisible(dim), 3)


# MobileNetV2 at width 0.75
@gives(
    "Piecewise((216, Max(8, 8*floor(3*dim/32 + 1/2)) < fmul(3*dim/4, 0.9)), (0, True)) + "
    "27*Max(8, 8*floor(3*dim/32 + 1/2))",
    "dim < 3002399751580326",
)
def mobilenet_three_quarters(dim):
    return nn.Conv2d(3, make_divisible(dim * 0.75), 3, bias=False)


# MobileNetV3: squeeze to a divisible quarter of the expanded channels
@gives(
    "Piecewise((16*floor(Max(8, 8*floor(3*dim/8 + 1/2))/32 + 3/4)*Max(8, 8*floor(3*dim/8 + "
    "1/2)) + 136*floor(Max(8, 8*floor(3*dim/8 + 1/2))/32 + 3/4) + 17*Max(8, "
    "8*floor(3*dim/8 + 1/2)) + 144, (Max(8, 8*floor(3*dim/8 + 1/2)) < fmul(3*dim, 0.9)) & "
    "(8*floor(Max(8, 8*floor(3*dim/8 + 1/2))/32 + 3/4) < fmul(0.9, floor(Max(8, "
    "8*floor(3*dim/8 + 1/2))/4) + 2))), (16*floor(Max(8, 8*floor(3*dim/8 + 1/2))/32 + "
    "3/4)*Max(8, 8*floor(3*dim/8 + 1/2)) + 136*floor(Max(8, 8*floor(3*dim/8 + 1/2))/32 + "
    "3/4) + Max(8, 8*floor(3*dim/8 + 1/2)) + 8, Max(8, 8*floor(3*dim/8 + 1/2)) < "
    "fmul(3*dim, 0.9)), (2*Max(8, 8*floor(3*dim/32 + 5/8))*Max(8, 8*floor(3*dim/8 + 1/2)) "
    "+ Max(8, 8*floor(3*dim/32 + 5/8)) + 17*Max(8, 8*floor(3*dim/8 + 1/2)) + 8, Max(8, "
    "8*floor(3*dim/32 + 5/8)) < fmul(0.9, floor(Max(8, 8*floor(3*dim/8 + 1/2))/4))), "
    "(2*Max(8, 8*floor(3*dim/32 + 5/8))*Max(8, 8*floor(3*dim/8 + 1/2)) + Max(8, "
    "8*floor(3*dim/32 + 5/8)) + Max(8, 8*floor(3*dim/8 + 1/2)), True))",
    "(dim < 3002399751580330) & (Max(8, 8*floor(3*dim/8 + 1/2)) < 36028797018963948)",
)
def mobilenet_v3_se(dim):
    expanded = make_divisible(dim * 3.0)
    squeezed = make_divisible(expanded // 4)
    return nn.Sequential(nn.Linear(expanded, squeezed), nn.Linear(squeezed, expanded))


# timm: rd_channels with round_limit=0
@gives(
    "2*channels*Max(8, 8*floor(channels/128 + 1/2)) + channels + Max(8, "
    "8*floor(channels/128 + 1/2))",
    "channels < 9007199254740929",
)
def timm_se_without_limit(channels):
    v = channels * (1.0 / 16)
    rd = max(8, int(v + 8 / 2) // 8 * 8)
    return nn.Sequential(nn.Linear(channels, rd), nn.Linear(rd, channels))


# EfficientNet: round_filters, width coefficient 1.2 (not dyadic)
@gives(
    "Piecewise((216, Max(8, 8*floor(trunc(fadd(4, fmul(1.2, filters)))/8)) < fmul(0.9, "
    "fmul(1.2, filters))), (0, True)) + 27*Max(8, 8*floor(trunc(fadd(4, fmul(1.2, "
    "filters)))/8))"
)
def efficientnet_round_filters(filters):
    multiplied = filters * 1.2
    new_filters = max(8, int(multiplied + 8 / 2) // 8 * 8)
    if new_filters < 0.9 * multiplied:
        new_filters += 8
    return nn.Conv2d(3, int(new_filters), 3, bias=False)


# EfficientNet: round_repeats, depth coefficient 1.4
@gives("dim**2*fceil(fmul(1.4, repeats)) + dim*fceil(fmul(1.4, repeats))")
def efficientnet_round_repeats(dim, repeats):
    repeats = int(math.ceil(1.4 * repeats))  # noqa: RUF046
    return nn.Sequential(*[nn.Linear(dim, dim) for _ in range(repeats)])


# YOLOv5: make_divisible by ceil, and max(round(n * gd), 1) blocks
@gives(
    "Piecewise((64*ceiling(c2/16)**2*Max(1, fround(fmul(0.33, n))) + 8*ceiling(c2/16)*Max(1, fround(fmul(0.33, n))), n >= 2), (64*n*ceiling(c2/16)**2 + 8*n*ceiling(c2/16), True))",
    "c2 < 9007199254740993",
)
def yolo_parse_model(c2, n):
    c2 = math.ceil(c2 * 0.5 / 8) * 8
    n = max(round(n * 0.33), 1) if n > 1 else n
    return nn.Sequential(*(nn.Conv2d(c2, c2, 1) for _ in range(n)))


# GhostNet: ceil(oup / ratio)
@gives("inp*ceiling(oup/2) + 9*ceiling(oup/2)", "oup < 9007199254740993")
def ghost_module(inp, oup):
    init_channels = math.ceil(oup / 2)
    new_channels = init_channels * (2 - 1)
    return nn.Sequential(
        nn.Conv2d(inp, init_channels, 1, bias=False),
        nn.Conv2d(init_channels, new_channels, 3, groups=init_channels, bias=False),
    )


# --- float ratios ------------------------------------------------------------------------------


# a ratio that no float has
@gives("3*trunc(fmul(0.29, dim)) + 3")
def ratio_029(dim):
    return nn.Linear(int(dim * 0.29), 3)


# round half to even of a ratio
@gives("3*fround(fmul(0.65, channels)) + 3")
def ratio_round_065(channels):
    return nn.Linear(round(channels * 0.65), 3)


# round of a half, which goes to the even neighbour
@gives("3*fround(dim/2) + 3", "dim < 9007199254740993")
def ratio_round_half(dim):
    return nn.Linear(round(dim / 2), 3)


# ViT: int(dim * mlp_ratio)
@gives("8*dim**2 + 5*dim", "dim < 2251799813685249")
def vit_mlp(dim, mlp_ratio: float = 4.0):
    hidden = int(dim * mlp_ratio)
    return nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim))


# Llama 2: 2/3 of 4*dim, rounded up to a multiple
@gives(
    "3*dim*multiple_of*ceiling(2*dim/multiple_of + floor(2*dim/3)/multiple_of)",
    "dim < 1125899906842624",
)
def llama_ffn(dim, multiple_of=256):
    hidden = int(2 * (4 * dim) / 3)
    hidden = multiple_of * ((hidden + multiple_of - 1) // multiple_of)
    return nn.ModuleList(
        [nn.Linear(a, b, bias=False) for a, b in [(dim, hidden), (hidden, dim), (dim, hidden)]]
    )


# Llama 3: ffn_dim_multiplier = 1.3
@gives(
    "256*dim*ceiling(trunc(fmul(2*dim + floor(2*dim/3), 1.3))/256)",
    "dim < 1125899906842624",
)
def llama3_ffn(dim):
    hidden = int(1.3 * int(2 * (4 * dim) / 3))
    hidden = 256 * ((hidden + 256 - 1) // 256)
    return nn.Linear(dim, hidden, bias=False)


# GPT-NeoX derivatives: int(8 * (dim * 2/3 + 255) // 256) * 256
@gives("256*dim*trunc(ffloordiv(fmul(8, fadd(255, truediv(2*dim, 3))), 256))")
def float_floor_ffn(dim):
    return nn.Linear(dim, int(8 * (dim * 2 / 3 + 255) // 256) * 256, bias=False)


# DINOv2: SwiGLUFFNFused
@gives("24*dim*ceiling(dim/3) + dim + 16*ceiling(dim/3)", "dim < 1125899906842624")
def dinov2_swiglu(dim):
    hidden = (int(4 * dim * 2 / 3) + 7) // 8 * 8
    return nn.Sequential(nn.Linear(dim, 2 * hidden), nn.Linear(hidden, dim))


# RWKV-7: a LoRA rank from the root of the width
@gives("2*dim*Max(32, 32*fround(fdiv(fmul(1.8, fpow(dim, 0.5)), 32)))")
def rwkv7_lora_rank(dim):
    rank = max(32, int(round((1.8 * (dim**0.5)) / 32) * 32))
    return nn.Sequential(nn.Linear(dim, rank, bias=False), nn.Linear(rank, dim, bias=False))


# Mamba: dt_rank = ceil(d_model / 16)
@gives(
    "4*d_model*d_state + 4*d_model*ceiling(d_model/16) + 2*d_model", "d_model < 9007199254740993"
)
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
@gives("3*fceil(sqrt(dim)) + 3")
def ceil_sqrt(dim):
    return nn.Linear(math.ceil(math.sqrt(dim)), 3)


# ViT position embeddings: the side of a square
@gives("5*isqrt(tokens)**2")
def isqrt_grid(tokens):
    side = math.isqrt(tokens)
    return nn.Embedding(side * side, 5)


# fastai: emb_sz_rule
@gives("categories*Min(600, fround(fmul(1.6, fpow(categories, 0.56))))")
def fastai_embedding_rule(categories):
    return nn.Embedding(categories, min(600, round(1.6 * categories**0.56)))


# Google's rule of thumb: the fourth root of the vocabulary
@gives("vocab*trunc(fpow(vocab, 0.25))")
def fourth_root_embedding(vocab):
    return nn.Embedding(vocab, int(vocab**0.25))


# DenseNet: transition by compression 0.5
@gives(
    "73*growth_rate**2 + 19*growth_rate*init_features + "
    "4*growth_rate*floor(init_features/4) + 31*growth_rate*floor(init_features/2) + "
    "init_features*floor(init_features/2) + floor(init_features/4)*floor(init_features/2)",
    "(2*growth_rate + init_features < 9007199254740993) & (4*growth_rate + "
    "floor(init_features/2) < 9007199254740993)",
)
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
@gives("4*dim**2 + 4*dim + seq_len*floor(dim/2) + floor(dim/2)", "dim < 2251799813685249")
def mixer_dims(seq_len, dim):
    tokens_dim, channels_dim = [int(x * dim) for x in (0.5, 4.0)]
    return nn.ModuleList([nn.Linear(seq_len, tokens_dim), nn.Linear(dim, channels_dim)])


# ceil division without floats
@gives("128*ceiling(dim/64) + 2")
def ceil_by_negation(dim):
    return nn.Linear(-(-dim // 64) * 64, 2)


# --- logarithms and bits -----------------------------------------------------------------------


# ECA: kernel size from log2 of the channels
@gives(
    "Piecewise((trunc(fabs(fdiv(fadd(1, log2(channels)), 2))) + 1, "
    "Eq(Mod(trunc(fabs(fdiv(fadd(1, log2(channels)), 2))), 2), 0)), "
    "(trunc(fabs(fdiv(fadd(1, log2(channels)), 2))), True))"
)
def eca_kernel(channels):
    t = int(abs((math.log2(channels) + 1) / 2))
    k = t if t % 2 else t + 1
    return nn.Conv1d(1, 1, k, padding=k // 2, bias=False)


# DCGAN, StyleGAN: one layer for each doubling of the resolution
@gives("32*4**Max(0, trunc(log2(image_size)) - 3)*ndf**2/3 - 32*ndf**2/3 + 48*ndf")
def dcgan_discriminator(image_size, ndf=64):
    repeats = int(math.log2(image_size)) - 3
    layers = [nn.Conv2d(3, ndf, 4, bias=False)]
    for i in range(repeats):
        layers.append(nn.Conv2d(ndf * 2**i, ndf * 2 ** (i + 1), 4, bias=False))
    return nn.Sequential(*layers)


# Deformable DETR: _is_power_of_2
@gives("2*dim + 2", "bitand(dim, dim - 1) < 1")
def power_of_two_check(dim):
    if dim & (dim - 1) != 0:
        raise ValueError("dim must be a power of two")
    return nn.Linear(dim, 2)


# StyleGAN: resolution must be a power of two, by the float
@gives(
    "2*resolution + 2",
    "(resolution <= 1024) & Eq(log2(resolution), ffloor(log2(resolution)))",
    resolution=Symbol(max=1024),
)
def power_of_two_by_log(resolution):
    if not math.log2(resolution).is_integer():
        raise ValueError("resolution must be a power of two")
    return nn.Linear(resolution, 2)


# Hadamard transforms: the next power of two
@gives("2*2**bit_length(dim - 1) + 2")
def next_power_of_two(dim):
    return nn.Linear(1 << (dim - 1).bit_length(), 2)


# ALiBi: closest power of two below the heads
@gives(
    "2*heads + 2",
    "(heads <= 64) & (ffloor(log2(heads)) >= 0) & (Eq(heads, 2**ffloor(log2(heads))) | "
    "(heads >= 2**ffloor(log2(heads))))",
    "partial",
    heads=Symbol(max=64),
)
def alibi_slopes(heads):
    closest = 2 ** math.floor(math.log2(heads))
    module = nn.Linear(heads, 2)
    module.register_buffer("slopes", torch.empty(closest))
    if closest != heads:
        module.register_buffer("extra", torch.empty(heads - closest))
    return module


# shifts
@gives("2*dim*floor(dim/2) + 16*floor(dim/8) + floor(dim/2) + 16")
def shifted_sizes(dim):
    return nn.Sequential(nn.Linear(dim << 1, dim >> 1), nn.Linear(dim >> 3, 1 << 4))


# --- attention ---------------------------------------------------------------------------------


# BERT: the hidden size must be a multiple of the number of heads
@gives(
    "3*hidden_size**2 + 3*hidden_size",
    "Eq(Mod(hidden_size, num_heads), 0) & (hidden_size + num_heads < 9007199254740993)",
)
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
@gives("3*dim**2 + 3*dim + 2*dim/num_heads", "Eq(Mod(dim, num_heads), 0)")
def head_divisibility_assert(dim, num_heads=8):
    assert dim % num_heads == 0, f"dim {dim} should be divisible by num_heads {num_heads}"
    head_dim = dim // num_heads
    return nn.Sequential(OrderedDict(qkv=nn.Linear(dim, dim * 3), q_norm=nn.LayerNorm(head_dim)))


# fairseq: the product is compared instead of the remainder
@gives("embed_dim**2 + embed_dim", "Eq(Mod(embed_dim, num_heads), 0)")
def head_divisibility_product(embed_dim, num_heads):
    head_dim = embed_dim // num_heads
    if head_dim * num_heads != embed_dim:
        raise ValueError("embed_dim must be divisible by num_heads")
    return nn.Linear(embed_dim, num_heads * head_dim)


# Llama: grouped queries
@gives(
    "2*dim*heads*floor(dim/heads) + 2*dim*kv_heads*floor(dim/heads)", "Eq(Mod(heads, kv_heads), 0)"
)
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
@gives("dim**2 + 128*dim", "Eq(Mod(dim, 64), 0)")
def multi_query_attention(dim, multi_query: bool = True):
    head_dim = 64
    if dim % head_dim:
        raise ValueError("width must be a multiple of 64")
    heads = dim // head_dim
    kv = 1 if multi_query else heads
    return nn.Linear(dim, (heads + 2 * kv) * head_dim, bias=False)


# ViT: a head for every 64 channels
@gives("64*dim*Max(1, floor(dim/64)) + 64*Max(1, floor(dim/64))")
def heads_from_width(dim):
    heads = max(1, dim // 64)
    return nn.Linear(dim, heads * 64)


# T5: the inner width is not the model's
@gives("4*d_kv*d_model*num_heads")
def t5_attention(d_model, d_kv=64, num_heads=8):
    inner_dim = num_heads * d_kv
    q, k, v = (nn.Linear(d_model, inner_dim, bias=False) for _ in range(3))
    return nn.ModuleList([q, k, v, nn.Linear(inner_dim, d_model, bias=False)])


# RoPE: an even width, and its frequencies in a buffer
@gives("dim**2 + dim", "Eq(Mod(dim, 2), 0)")
def rope_even_dim(dim):
    if dim % 2 != 0:
        raise ValueError("rotary embeddings need an even dim")
    module = nn.Linear(dim, dim)
    inv_freq = 1.0 / (10000 ** (torch.arange(0, dim, 2).float() / dim))
    module.register_buffer("inv_freq", inv_freq)
    return module


# Swin: table of relative position biases
@gives("4*heads*window**2 - 4*heads*window + heads")
def swin_relative_position_bias(heads, window=7):
    module = nn.Module()
    module.table = nn.Parameter(torch.zeros((2 * window - 1) * (2 * window - 1), heads))
    return module


# torch: multi-head attention
@gives("4*embed_dim**2 + 4*embed_dim", "Eq(Mod(embed_dim, num_heads), 0)")
def torch_attention(embed_dim, num_heads=8):
    return nn.MultiheadAttention(embed_dim, num_heads)


# torch: attention over keys of another width
@gives("2*embed_dim**2 + 2*embed_dim*kdim")
def torch_cross_attention(embed_dim, kdim):
    return nn.MultiheadAttention(embed_dim, 1, kdim=kdim, vdim=kdim, bias=False)


# torch: an encoder layer
@gives("4*d_model**2 + 2*d_model*feedforward + 9*d_model + feedforward", "Eq(Mod(d_model, 4), 0)")
def torch_encoder_layer(d_model, feedforward=2048):
    return nn.TransformerEncoderLayer(d_model, nhead=4, dim_feedforward=feedforward)


# torch: an encoder, which deep-copies its layer
@gives("30*d_model**2 + 38*d_model", "Eq(Mod(d_model, 2), 0)")
def torch_encoder(d_model):
    layer = nn.TransformerEncoderLayer(d_model, 2, 3 * d_model, batch_first=True)
    return nn.TransformerEncoder(layer, 3, norm=nn.LayerNorm(d_model), enable_nested_tensor=False)


# DeepSeek: low-rank queries if a rank is given
@gives("384*dim")
def mla_queries(dim, q_lora_rank: int | None = None):
    if q_lora_rank is None:
        return nn.Linear(dim, 24 * 16, bias=False)
    return nn.Sequential(nn.Linear(dim, q_lora_rank, bias=False), nn.Linear(q_lora_rank, 24 * 16))


# DeepSeek: the same with a rank
@gives("dim*q_lora_rank + 384*q_lora_rank + 384", q_lora_rank=Symbol())
def mla_queries_with_rank(dim, q_lora_rank: int | None = None):
    return mla_queries(dim, q_lora_rank)


# LoRA: rank of zero means none; scaling does not matter
@gives("in_features*out_features + in_features*r + out_features*r + out_features")
def lora(in_features, out_features, r=8, alpha: int = 16):
    module = nn.Linear(in_features, out_features)
    module.requires_grad_(False)
    if r > 0:
        module.lora_A = nn.Parameter(module.weight.new_zeros((r, in_features)))
        module.lora_B = nn.Parameter(module.weight.new_zeros((out_features, r)))
        module.scaling = alpha / r
    return module


# Switch, Mixtral: no more experts chosen than there are
@gives("4*dim**2*experts + 5*dim*experts", "experts >= top_k")
def mixture_of_experts(dim, experts, top_k=2):
    if top_k > experts:
        raise ValueError("top_k must not exceed the number of experts")
    return nn.ModuleList(
        [nn.Linear(dim, experts, bias=False), *(nn.Linear(dim, 4 * dim) for _ in range(experts))]
    )


# --- stages, loops and iteration ---------------------------------------------------------------


# Swin: the width doubles with each stage
@gives("253*embed_dim**2 + 15*embed_dim")
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
@gives("867*dim")
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
@gives("12*dim**2 + 2*dim*out_dim + 6*dim + out_dim")
def mlp_pairs(dim, out_dim):
    sizes = [dim, 4 * dim, 2 * dim, out_dim]
    pairs = zip(sizes[:-1], sizes[1:], strict=True)  # noqa: RUF007
    return nn.Sequential(*(nn.Linear(a, b) for a, b in pairs))


# the same by itertools.pairwise and accumulate
@gives("20*dim**2 + 9*dim")
def mlp_accumulated(dim):
    sizes = list(itertools.accumulate([dim] * 4, operator.add))
    return nn.Sequential(*itertools.starmap(nn.Linear, itertools.pairwise(sizes)))


# DDPM U-Net: down, then up over the reversed widths, with concatenated skips
@gives("270*dim**2 + 9*dim")
def unet_skips(dim):
    dims = [dim * m for m in (1, 2, 4)]
    pairs = list(itertools.pairwise(dims))
    downs = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in pairs)
    ups = nn.ModuleList(nn.Conv2d(b * 2, a, 3, padding=1) for a, b in reversed(pairs))
    return nn.ModuleList([downs, ups])


# FPN: named layers over an enumerated list
@gives("27*out_channels**2 + 1798*out_channels")
def fpn(out_channels):
    module = nn.Module()
    for i, in_channels in enumerate([256, 512, 1024], start=2):
        module.add_module(f"lateral{i}", nn.Conv2d(in_channels, out_channels, 1))
        setattr(module, f"output{i}", nn.Conv2d(out_channels, out_channels, 3))
    return module


# VGG: a list of widths and poolings
@gives("54*width**2 + 42*width")
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
@gives("10*dim + 10*floor(dim/4) + 10*floor(dim/2) + 330")
def inception_concat(dim):
    branches = [dim, dim // 2, dim // 4, 32]
    return nn.Conv2d(sum(branches), 10, 1)


# flattened shapes
@gives("10*channels*height**2 + 10")
def prod_of_shape(channels, height=7):
    return nn.Linear(math.prod((channels, height, height)), 10)


# numpy's product of a shape
@gives("160*channels + 10")
def numpy_prod_of_shape(channels):
    return nn.Linear(int(np.prod((channels, 4, 4))), 10)


# MixConv: split channels, the remainder to the first
@gives("10*channels + 56*floor(channels/3)", "channels >= 3")
def split_channels(channels):
    groups = 3
    split = [channels // groups for _ in range(groups)]
    split[0] += channels - sum(split)
    return nn.ModuleList(nn.Conv2d(c, c, 2 * i + 3, groups=c) for i, c in enumerate(split))


# torch.chunk sizes by divmod
@gives(
    "Piecewise((8, Mod(dim, 4) < 1), (10, Mod(dim, 4) < 2), (14, Mod(dim, 4) >= 3), (12, "
    "True)) + 8*floor(dim/4)"
)
def divmod_remainder(dim):
    size, rest = divmod(dim, 4)
    return nn.ModuleList(nn.Linear(size + (1 if i < rest else 0), 2) for i in range(4))


# sizes in order
@gives("3*a*b")
def sorted_sizes(a, b):
    small, large = sorted([a, b])
    return nn.Linear(small, 3 * large, bias=False)


# Hourglass: recursion of constant depth
@gives("9*dim**2 + 617*dim + 12848")
def hourglass(dim):
    def stage(depth: int, dim: int) -> nn.Module:
        inner = nn.Conv2d(dim, dim, 1) if depth == 0 else stage(depth - 1, dim + 16)
        return nn.Sequential(nn.Conv2d(dim, dim + 16, 1), inner, nn.Conv2d(dim + 16, dim, 1))

    return stage(3, dim)


# [block] * n is one block
@gives("dim**2 + dim")
def repeated_block(dim, depth):
    return nn.ModuleList([nn.Linear(dim, dim)] * depth)


# transformers: layers in a range of a symbol
@gives("dim**2*n_layer + dim*n_layer")
def decoder_layers(dim, n_layer):
    std = 0.02 / math.sqrt(2 * n_layer)
    layers = nn.ModuleList([nn.Linear(dim, dim) for _ in range(n_layer)])
    for layer in layers:
        nn.init.normal_(layer.weight, std=std)
    return layers


# ViT-Det: every fourth block is global
@gives("depth*dim**2 + dim**2*floor(depth/4)")
def alternating_blocks(dim, depth):
    return nn.Sequential(
        *(nn.Linear(dim, 2 * dim if (i + 1) % 4 == 0 else dim, bias=False) for i in range(depth))
    )


# Megatron: the vocabulary padded up to a multiple, in a loop
@gives("4*vocab + 4*(Mod(7*vocab, 8))")
def padded_vocabulary_loop(vocab):
    after = vocab
    while after % 8 != 0:
        after += 1
    return nn.Embedding(after, 4)


# nanoGPT: the vocabulary padded up to a multiple of 64
@gives("Piecewise((4*vocab, Eq(Mod(vocab, 64), 0)), (256*floor(vocab/64) + 256, True))")
def padded_vocabulary(vocab):
    if vocab % 64 != 0:
        vocab = ((vocab // 64) + 1) * 64
    return nn.Embedding(vocab, 4)


# DCGAN: halve the size in a loop until it is small
@gives(
    "Piecewise((8*size**2 + 1, size < 5), (16*floor(size/2)**2 + 2049, size < 10), "
    "(32*floor(size/4)**2 + 10241, size < 20), (64*floor(size/8)**2 + 43009, size < 40), "
    "(128*floor(size/16)**2 + 174081, size < 80), (512*floor(size/64)**2 + 2795521, size "
    ">= 160), (256*floor(size/32)**2 + 698369, True))",
    "size <= 256",
    size=Symbol(max=256),
)
def halving_loop(size):
    layers: list[nn.Module] = []
    width = 8
    while size > 4:
        layers.append(nn.Conv2d(width, 2 * width, 4, bias=False))
        width, size = 2 * width, size // 2
    return nn.Sequential(*layers, nn.Linear(width * size * size, 1))


# the largest divisor not above a bound, searched downwards
@gives(
    "dim + Piecewise((6, Eq(Mod(dim, 6), 0)), (5, Eq(Mod(dim, 5), 0)), (4, Eq(Mod(dim, 4), "
    "0)), (3, Eq(Mod(dim, 3), 0)), (2, Eq(Mod(dim, 2), 0)), (1, True))",
    "dim <= 300",
    dim=Symbol(max=300),
)
def divisor_search(dim):
    heads = 6
    while heads > 1 and dim % heads:
        heads -= 1
    return nn.Linear(dim // heads, heads)


# --- conditions --------------------------------------------------------------------------------


# an early return
@gives("Piecewise((0, Eq(dim, out_dim)), (dim*out_dim + out_dim, True))")
def early_return(dim, out_dim):
    if dim == out_dim:
        return nn.Identity()
    return nn.Linear(dim, out_dim)


# ResNet: shortcut where the shape changes
@gives(
    "Piecewise((10*inplanes*planes, stride >= 2), (9*inplanes*planes, Eq(inplanes, "
    "planes)), (10*inplanes*planes, True))"
)
def basic_block_shortcut(inplanes, planes, stride=1):
    block = nn.Sequential(nn.Conv2d(inplanes, planes, 3, stride=stride, bias=False))
    if stride != 1 or inplanes != planes:
        block.append(nn.Conv2d(inplanes, planes, 1, stride=stride, bias=False))
    return block


# a ladder of sizes
@gives(
    "Piecewise((128*dim, dim < 64), (256*dim, dim < 128), (4*dim**2, dim >= 256), (3*dim**2, True))"
)
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
@gives(
    "Piecewise((dim*heads + heads, (dim >= 129) & (heads >= 9)), (8*dim + 8, dim >= "
    "129), (2*dim*heads + 2*heads, heads >= 2), (dim + 1, True))"
)
def nested_conditions(dim, heads):
    if dim > 128:
        if heads > 8:
            return nn.Linear(dim, heads)
        return nn.Linear(dim, 8)
    if heads == 1:
        return nn.Linear(dim, 1)
    return nn.Linear(dim, 2 * heads)


# a chained comparison
@gives("2*dim + 2", "(dim >= 8) & (dim < 201)")
def chained_comparison(dim):
    if not 8 <= dim <= 200:
        raise ValueError("dim out of range")
    return nn.Linear(dim, 2)


# a conditional expression
@gives("Piecewise((4*dim**2, Eq(Mod(dim, 3), 0)), (2*dim**2, True))")
def ternary(dim):
    return nn.Linear(dim, 4 * dim if dim % 3 == 0 else 2 * dim, bias=False)


# any over sizes
@gives("dim*heads + heads", "Eq(Mod(dim, 2), 0) & Eq(Mod(heads, 2), 0)")
def any_odd(dim, heads):
    if any(size % 2 for size in (dim, heads)):
        raise ValueError("odd sizes are not supported")
    return nn.Linear(dim, heads)


# all over divisors
@gives(
    "Piecewise((11*dim + 11, Ne(Mod(dim, 2), 0) | Ne(Mod(dim, 3), 0)), (7*dim + 7, "
    "Eq(Mod(dim, 5), 0)), (11*dim + 11, True))"
)
def all_divide(dim):
    return nn.Linear(dim, 7 if all(dim % n == 0 for n in (2, 3, 5)) else 11)


# membership in a tuple
@gives("Piecewise((dim**2 + dim, Eq(dim, 48) | Eq(dim, 64) | Eq(dim, 96)), (2*dim + 2, True))")
def tuple_membership(dim):
    if dim in (48, 64, 96):
        return nn.Linear(dim, dim)
    return nn.Linear(dim, 2)


# depth must be one of a few, in a list
@gives(
    "depth*width + depth",
    "(depth <= 300) & (Eq(depth, 18) | Eq(depth, 34) | Eq(depth, 50))",
    depth=Symbol(max=300),
)
def resnet_depths(depth, width=8):
    if depth not in [18, 34, 50]:
        raise ValueError(f"no ResNet-{depth}")
    return nn.Linear(width, depth)


# a match statement
@gives(
    "Piecewise((8*dim + 8, Eq(Mod(dim, 4), 0)), (4*dim + 4, Eq(Mod(dim, 4), 1) | "
    "Eq(Mod(dim, 4), 2)), (2*dim + 2, True))"
)
def match_statement(dim):
    match dim % 4:
        case 0:
            return nn.Linear(dim, 8)
        case 1 | 2:
            return nn.Linear(dim, 4)
        case _:
            return nn.Linear(dim, 2)


# a match statement with guards and captures
@gives(
    "Piecewise((dim + 1, heads < 2), (dim*heads - heads**2 + heads, dim >= heads + 1), "
    "(dim*heads + dim, True))"
)
def match_guard(dim, heads):
    match (dim, heads):
        case (d, 1):
            return nn.Linear(d, 1)
        case (d, h) if d > h:
            return nn.Linear(d - h, h)
        case (d, h):
            return nn.Linear(h, d)


# an assignment in a condition
@gives("Piecewise((dim*floor(dim/8) + floor(dim/8), dim >= 40), (4*dim + 4, True))")
def walrus(dim):
    if (hidden := dim // 8) > 4:
        return nn.Linear(dim, hidden)
    return nn.Linear(dim, 4)


# timm Mlp: hidden_features or in_features
@gives("4*in_features**2 + 4*in_features")
def or_default(in_features, hidden_features: int | None = None):
    hidden_features = hidden_features or 4 * in_features
    return nn.Linear(in_features, hidden_features)


# the same of a symbol that is floored to zero
@gives("Piecewise((dim*floor(dim/16) + floor(dim/16), dim >= 16), (dim + 1, True))")
def or_default_of_zero(dim):
    return nn.Linear(dim, dim // 16 or 1)


# a message that names the symbol, a warning that does not matter
@gives("2*dim + 2")
def warning_only(dim):
    if (dim & (dim - 1)) != 0:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.warn(f"dim={dim} is not a power of two, which is slow", stacklevel=2)
    return nn.Linear(dim, 2)


# types checked before anything is built
@gives("3*dim + 3")
def type_checks(dim):
    if not isinstance(dim, int) or isinstance(dim, bool) or dim <= 0:
        raise TypeError("dim must be a positive integer")
    if not isinstance(dim, numbers.Integral):
        raise TypeError("dim must be integral")
    return nn.Linear(dim, 3)


# timm: to_2tuple, and a number of patches
@gives(
    "dim*img_size**2/patch_size**2 + 3*dim*patch_size**2 + 3*dim",
    "Eq(Mod(img_size, patch_size), 0)",
)
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
@gives("Piecewise((3*dim**2/2 + dim, Eq(Mod(dim, 6), 0)), (9*dim**2 + dim, True))")
def fallback_of_value_error(dim):
    try:
        return nn.Conv2d(dim, dim, 3, groups=6)
    except ValueError:
        return nn.Conv2d(dim, dim, 3)


# the same, with everything caught
@gives("Piecewise((3*dim + 1, Eq(Mod(dim, 12), 0)), (5*dim + 1, True))")
def fallback_of_exception(dim):
    try:
        norm = nn.GroupNorm(12, dim)
    except Exception:
        norm = nn.LayerNorm([dim, 2])
    return nn.Sequential(norm, nn.Linear(dim, 1))


# try, except, else, finally
@gives("Piecewise((7*dim + 5, Eq(Mod(dim, 5), 0)), (3*dim + 1, True))")
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


# a division by zero, caught
@gives("Piecewise((4, Eq(heads, 4)), (2*Max(1, floor(dim/(heads - 4))) + 2, True))")
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
@gives("4*dim**2 + 7*dim + 2*dim/heads + 2", "Eq(Mod(dim, heads), 0)")
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
@gives("16*channels**2 + channels")
def named_tuple_config(channels):
    shape = Shape(channels)
    c, side = shape
    return nn.Linear(shape.channels * side**2, c)


# detectron2, argparse: a namespace with defaults by getattr
@gives("4*dim**2 + 4*dim")
def namespace_config(dim):
    config = types.SimpleNamespace(dim=dim, layers=2)
    hidden = getattr(config, "hidden", None) or config.dim * 2
    return nn.Sequential(*[nn.Linear(config.dim, hidden) for _ in range(config.layers)])


# keyword dictionaries
@gives("9*dim**2 + 27*dim")
def kwargs_dict(dim, **kwargs):
    kwargs = {"kernel_size": 3, "padding": 1, **kwargs}
    kwargs.setdefault("bias", False)
    first = nn.Conv2d(3, dim, **kwargs)
    kwargs.pop("padding")
    return nn.Sequential(first, nn.Conv2d(dim, dim, **kwargs))


# a table of layers by name
@gives("dim**2 + 3*dim")
def norm_registry(dim, norm: str = "batch"):
    norms = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm, "none": lambda dim: nn.Identity()}
    return nn.Sequential(nn.Linear(dim, dim), norms[norm](dim))


# timm: partial(nn.LayerNorm, eps=1e-6)
@gives("6*dim")
def norm_layer_partial(dim):
    norm_layer = functools.partial(nn.LayerNorm, eps=1e-6)
    return nn.ModuleList([norm_layer(dim), norm_layer(2 * dim)])


def _mlp(dim: int, hidden: int, layers: int) -> nn.Module:
    return nn.Sequential(nn.Linear(dim, hidden), *[nn.Linear(hidden, hidden)] * layers)


# functools.partial as a factory
gives("dim*hidden + hidden**2 + 2*hidden")(functools.partial(_mlp, layers=2))


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


gives(
    "Piecewise((4*dim*heads*Max(16, floor(dim/heads)) + dim, heads >= 2), "
    "(3*dim*heads*Max(16, floor(dim/heads)), Eq(dim, Max(16, floor(dim/heads)))), "
    "(4*dim*heads*Max(16, floor(dim/heads)) + dim, True))"
)(Attention)


# classmethods as factories
class Preset(nn.Linear):
    @classmethod
    def square(cls, dim: int) -> Preset:
        return cls(dim, dim)


gives("dim**2 + dim")(Preset.square)


# a closure, and a nested class
@gives("3*dim**2")
def nested_class(dim):
    class Block(nn.Module):
        def __init__(self, scale: int) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.empty(dim, scale * dim))
            self.register_parameter("bias", None)

    return nn.Sequential(*[Block(scale) for scale in (1, 2)])


# --- sharing, containers, buffers, dtypes ------------------------------------------------------


# GPT-2: the head tied to the embedding
@gives("dim*vocab + 2*dim")
def tied_head(vocab, dim):
    embedding = nn.Embedding(vocab, dim)
    head = nn.Linear(dim, vocab, bias=False)
    head.weight = embedding.weight
    return nn.ModuleDict({"embedding": embedding, "norm": nn.LayerNorm(dim), "head": head})


# ALBERT, AWD-LSTM: tied only where the widths allow it
@gives("embed_dim*vocab + vocab + Piecewise((0, Eq(embed_dim, hidden)), (hidden*vocab, True))")
def tied_if_equal(vocab, embed_dim, hidden):
    embedding = nn.Embedding(vocab, embed_dim)
    head = nn.Linear(hidden, vocab)
    if embed_dim == hidden:
        head.weight = embedding.weight
    return nn.ModuleList([embedding, head])


# Universal Transformer: one layer many times
@gives("dim**2 + dim")
def shared_layer(dim):
    layer = nn.Linear(dim, dim)
    return nn.Sequential(layer, nn.ReLU(), layer, nn.ReLU(), layer)


# BERT: clones of a layer
@gives("6*dim**2 + 18*dim")
def deep_copied_layers(dim):
    layer = nn.Sequential(nn.Linear(dim, 2 * dim), nn.LayerNorm(2 * dim))
    return nn.ModuleList([copy.deepcopy(layer) for _ in range(3)])


# parameters in a list and a dict
@gives("10*dim")
def parameter_containers(dim):
    module = nn.Module()
    module.scales = nn.ParameterList([nn.Parameter(torch.ones(dim * (i + 1))) for i in range(3)])
    module.biases = nn.ParameterDict({name: torch.zeros(dim, 2) for name in ("q", "k")})
    return module


# wav2vec 2.0: weight norm by parametrization, over the last dimension
@gives("15*dim**2 + dim + 15")
def weight_norm_parametrization(dim):
    conv = nn.Conv1d(dim, dim, 15, padding=7)
    return nn.utils.parametrizations.weight_norm(conv, name="weight", dim=2)


# HiFi-GAN: the older weight norm
@gives("14*dim**2 + 4*dim")
def weight_norm_old(dim):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return nn.utils.weight_norm(nn.Conv1d(dim, 2 * dim, 7))


# Transformer: a table of positions in a buffer
@gives("2*dim + 2")
def positional_buffer(dim, max_len=512):
    module = nn.Linear(dim, 2)
    pe = torch.zeros(max_len, dim)
    module.register_buffer("pe", pe.unsqueeze(0), persistent=False)
    return module


# batch norm without affine, instance norm with it
@gives("8*dim")
def norms_of_all_kinds(dim):
    return nn.Sequential(
        nn.BatchNorm2d(dim, affine=False),
        nn.InstanceNorm2d(2 * dim, affine=True),
        nn.InstanceNorm2d(dim),
        nn.LayerNorm((dim, 3), bias=False),
        nn.PReLU(dim),
    )


# half precision
@gives("dim**2 + 5*dim + 2")
def mixed_dtypes(dim):
    body = nn.Linear(dim, dim).half()
    head = nn.Linear(dim, 2, dtype=torch.float64).to(torch.bfloat16)
    return nn.Sequential(body, head, nn.LayerNorm(dim))


# linear probing: a frozen backbone
@gives("16*dim + 10")
def frozen_backbone(dim):
    backbone = nn.Sequential(nn.Linear(3, dim), nn.BatchNorm1d(dim)).requires_grad_(False)
    return nn.Sequential(backbone, nn.Linear(dim, 10))


# BitFit: only biases train
@gives("4*dim**2 + 3*dim")
def bitfit(dim):
    module = nn.Sequential(nn.Linear(dim, 2 * dim), nn.Linear(2 * dim, dim))
    for name, parameter in module.named_parameters():
        parameter.requires_grad = name.endswith("bias")
    return module


# Mamba: A_log from a repeated range
@gives("2*d_model*d_state + 2*d_model")
def mamba_a_log(d_model, d_state=16):
    module = nn.Module()
    a = torch.arange(1, d_state + 1, dtype=torch.float32).repeat(2 * d_model, 1)
    module.A_log = nn.Parameter(torch.log(a))
    module.D = nn.Parameter(torch.ones(2 * d_model))
    return module


# sizes read back from tensors
@gives("2*dim**3 + 12*dim**2 + 6*dim")
def sizes_of_tensors(dim):
    base = nn.Linear(dim, 3 * dim)
    out_features, in_features = base.weight.shape
    return nn.Sequential(
        base,
        nn.Linear(base.out_features, base.bias.numel()),
        nn.LayerNorm([out_features // 3, base.weight.size(1), in_features]),
    )


# concatenated and stacked parameters
@gives("8*dim")
def concatenated_parameters(dim):
    module = nn.Module()
    table = torch.cat([torch.zeros(1, dim), torch.randn(4, dim)], dim=0)
    module.table = nn.Parameter(table)
    module.stack = nn.Parameter(torch.stack([torch.ones(dim)] * 3).t().contiguous())
    return module


# --- layers ------------------------------------------------------------------------------------


# MobileNet: depthwise, then pointwise
@gives("inp*oup + 11*inp")
def depthwise_separable(inp, oup):
    return nn.Sequential(
        nn.Conv2d(inp, inp, 3, padding=1, groups=inp, bias=False),
        nn.BatchNorm2d(inp),
        nn.Conv2d(inp, oup, 1, bias=False),
    )


# a symbolic kernel, transposed
@gives("dim*kernel**2*floor(dim/2) + dim*kernel*floor(dim/2) + floor(dim/2)")
def symbolic_kernel(dim, kernel=4):
    return nn.ConvTranspose2d(dim, dim // 2, (kernel, kernel + 1), stride=2)


# ESPCN: sub-pixel convolution
@gives("27*dim*upscale**2 + 3*upscale**2")
def pixel_shuffle(dim, upscale=3):
    return nn.Sequential(nn.Conv2d(dim, 3 * upscale**2, 3), nn.PixelShuffle(upscale))


# torch checks channels against symbolic groups
@gives("6*dim**2/groups", "Eq(Mod(dim, groups), 0)")
def symbolic_groups(dim, groups):
    return nn.Conv1d(dim, 2 * dim, 3, groups=groups, bias=False)


# the last token of the vocabulary pads
@gives("dim*vocab")
def embedding_padding(vocab, dim):
    return nn.Embedding(vocab, dim, padding_idx=vocab - 1)


# a constant token pads, which must be in the vocabulary
@gives("8*vocab", "vocab >= 4")
def embedding_fixed_padding(vocab):
    return nn.Embedding(vocab, 8, padding_idx=3)


# biLSTM taggers: half of the width each way
@gives("8*dim*floor(hidden/2) + 32*floor(hidden/2)**2 + 32*floor(hidden/2)", "hidden >= 2")
def bidirectional_lstm(dim, hidden):
    return nn.LSTM(dim, hidden // 2, num_layers=2, bidirectional=True)


# a projected LSTM
@gives("4*dim*hidden + 5*hidden*proj_size + 8*hidden", "hidden >= proj_size + 1")
def projected_lstm(dim, hidden, proj_size=16):
    return nn.LSTM(dim, hidden, proj_size=proj_size)


# recurrent cells
@gives("30*dim**2 + 23*dim + 15")
def recurrent_cells(dim):
    return nn.ModuleList([nn.GRUCell(dim, 2 * dim), nn.LSTMCell(2 * dim, dim), nn.RNN(dim, 3)])


# Transformer-XL: adaptive softmax, its clusters narrower by 4.0
@gives(
    "dim*floor(dim/16) + dim*floor(dim/4) + 102*dim + n_classes*floor(dim/16) - "
    "1000*floor(dim/16) + 900*floor(dim/4)",
    "(n_classes >= 2000) & (dim < 9007199254740993)",
    n_classes=Symbol(min=2000),
)
def adaptive_softmax(dim, n_classes):
    return nn.AdaptiveLogSoftmaxWithLoss(dim, n_classes, cutoffs=[100, 1000], div_value=4.0)


# Bilinear pooling, a bag of embeddings
@gives("4*dim**2 + dim*floor(buckets/10) + dim + 4")
def bilinear_and_bag(dim, buckets):
    return nn.ModuleList([nn.Bilinear(dim, dim, 4), nn.EmbeddingBag(buckets // 10 + 1, dim)])


# KAN: a spline on each edge
@gives(
    "grid_size*in_features*out_features + in_features*out_features*spline_order + "
    "in_features*out_features"
)
def kan_linear(in_features, out_features, grid_size=5, spline_order=3):
    module = nn.Module()
    module.base = nn.Parameter(torch.empty(out_features, in_features))
    module.spline = nn.Parameter(torch.empty(out_features, in_features, grid_size + spline_order))
    module.register_buffer("grid", torch.empty(in_features, grid_size + 2 * spline_order + 1))
    return module


# --- tables and look-ups ------------------------------------------------------------------------


# torchvision: a table of depths by the symbol
@gives(
    "Piecewise((4*dim**2 + 4*dim, Eq(depth, 18)), (7*dim**2 + 7*dim, True))",
    "(depth <= 40) & (Eq(depth, 18) | Eq(depth, 34))",
    depth=Symbol(max=40),
)
def dict_lookup(dim, depth):
    blocks = {18: (2, 2), 34: (3, 4)}[depth]
    return nn.Sequential(*[nn.Linear(dim, dim) for _ in range(sum(blocks))])


# a table with a default
@gives("Piecewise((dim + 1, Eq(dim, 64)), (2*dim + 2, Eq(dim, 128)), (3*dim + 3, True))")
def dict_get(dim):
    return nn.Linear(dim, {64: 1, 128: 2}.get(dim, 3))


# stage widths by index
@gives(
    "Piecewise((64*dim + 64, stage < 2), (128*dim + 128, stage < 3), (512*dim + 512, "
    "stage >= 4), (256*dim + 256, True))",
    "stage <= 4",
    stage=Symbol(max=4),
)
def list_index(dim, stage):
    return nn.Linear(dim, (64, 128, 256, 512)[stage - 1])


# the first stages of a list
@gives(
    "Piecewise((15*dim + 15, stages >= 4), (dim + 1, stages < 2), (7*dim + 7, stages >= "
    "3), (3*dim + 3, True))",
    "stages <= 4",
    stages=Symbol(max=4),
)
def list_slice(dim, stages):
    widths = [1, 2, 4, 8][:stages]
    return nn.ModuleList([nn.Linear(dim, w) for w in widths])


# FlashAttention: head dims that kernels support, as a set literal
@gives("2*dim + 2", "Eq(dim, 32) | Eq(dim, 64) | Eq(dim, 128)")
def set_membership(dim):
    if dim not in {32, 64, 128}:
        raise ValueError("unsupported head dim")
    return nn.Linear(dim, 2)


# membership in a range
@gives(
    "2*dim + 2",
    "Eq(dim, 8) | Eq(dim, 16) | Eq(dim, 24) | Eq(dim, 32) | Eq(dim, 40) | Eq(dim, 48) | "
    "Eq(dim, 56) | Eq(dim, 64) | Eq(dim, 72) | Eq(dim, 80) | Eq(dim, 88) | Eq(dim, 96) | "
    "Eq(dim, 104) | Eq(dim, 112) | Eq(dim, 120) | Eq(dim, 128)",
)
def range_membership(dim):
    if dim not in range(8, 129, 8):
        raise ValueError("unsupported")
    return nn.Linear(dim, 2)


# membership in a frozenset
@gives("Piecewise((3*dim + 3, dim >= 3), (2*dim + 2, True))")
def frozenset_const(dim):
    ALLOWED = frozenset((1, 2))
    return nn.Linear(dim, 2 if dim in ALLOWED else 3)


# membership in a dict
@gives("Piecewise((2*dim + 2, Eq(dim, 7) | Eq(dim, 9)), (3*dim + 3, True))")
def dict_membership(dim):
    return nn.Linear(dim, 2 if dim in {7: "a", 9: "b"} else 3)


# layers kept in a dict by their size
@gives("6*dim + 4")
def local_cache(dim):
    cache = {}

    def layer(size):
        if size not in cache:
            cache[size] = nn.Linear(size, 2)
        return cache[size]

    return nn.ModuleList([layer(dim), layer(2 * dim), layer(dim)])


# GLU variants by name
@gives("2*dim**2 + 2*dim")
def fixed_enum_string(dim, act: str = "glu"):
    mult = 2 if act.endswith("glu") else 1
    return nn.Linear(dim, mult * dim)


# a spec such as "4x3"
@gives("12*dim + 3")
def string_int(dim, spec: str = "4x3"):
    a, b = map(int, spec.split("x"))
    return nn.Linear(a * dim, b)


# tuples compared
@gives("Piecewise((dim + 1, Ne(dim, 64)), (dim*heads + heads, Eq(heads, 4)), (dim + 1, True))")
def comparison_of_tuples(dim, heads):
    if (dim, heads) == (64, 4):
        return nn.Linear(dim, heads)
    return nn.Linear(dim, 1)


# sizes filtered and mapped
@gives(
    "Piecewise((0, dim < 17), (dim + 1, dim < 34), (dim + floor(dim/4) + floor(dim/2) + "
    "3, dim >= 68), (dim + floor(dim/2) + 2, True))"
)
def filter_map(dim):
    sizes = list(filter(lambda s: s > 16, map(lambda k: dim // k, (1, 2, 4))))
    return nn.ModuleList([nn.Linear(s, 1) for s in sizes])


# starred unpacking
@gives("5*dim**2 + 5*dim")
def negative_index(dim):
    sizes = [dim, 2 * dim, 3 * dim]
    first, *_, last = sizes
    return nn.Linear(first, sizes[-2] + last)


# an IntEnum, called with the symbol
@gives("Piecewise((3*dim + 3, Eq(dim, 3)), (64*dim + 64, True))", "Eq(dim, 3) | Eq(dim, 64)")
def int_enum(dim):
    class Width(enum.IntEnum):
        SMALL = 3
        LARGE = 64

    return nn.Linear(dim, Width(dim).value)


# bisect in a list of thresholds
@gives("Piecewise((8*dim + 8, dim >= 128), (4*dim + 4, dim >= 64), (2*dim + 2, True))")
def bisect_thresholds(dim):
    return nn.Linear(dim, (2, 4, 8)[bisect.bisect([64, 128], dim)])


# a choice by a truth value
@gives("Piecewise((16*dim + 16, dim >= 65), (8*dim + 8, True))")
def index_by_bool(dim):
    return nn.Linear(dim, [8, 16][dim > 64])


# comparisons added up
@gives(
    "dim + Piecewise((dim + 1, Eq(Mod(dim, 2), 0)), (0, True)) + Piecewise((dim + 1, "
    "Eq(Mod(dim, 3), 0)), (0, True)) + Piecewise((32*dim + 32, dim >= 65), (0, True)) + 1"
)
def comparisons_as_numbers(dim):
    return nn.Linear(dim, 1 + (dim > 64) * 32 + sum(dim % d == 0 for d in (2, 3)))


# tables by position
@gives(
    "Piecewise((dim + 1, Eq(dim, 3)), (2*dim + 2, Eq(dim, 5)), (4*dim + 4, Eq(dim, 7)), "
    "(3*dim + 3, True))"
)
def list_count_and_index(dim):
    return nn.Linear(dim, [3, 5, dim].index(dim) + [dim, 7].count(7))


# --- more loops and searches ----------------------------------------------------------------------


# chunks of at most 64 in a constant range
@gives(
    "Piecewise((2*Min(64, dim) + 2, dim < 65), (2*Min(64, dim) + 2*Min(64, dim - 64) + "
    "4, dim < 129), (2*Min(64, dim) + 2*Min(64, dim - 192) + 2*Min(64, dim - 128) + "
    "2*Min(64, dim - 64) + 8, dim >= 193), (2*Min(64, dim) + 2*Min(64, dim - 128) + "
    "2*Min(64, dim - 64) + 6, True))"
)
def chunked_range(dim):
    return nn.ModuleList([nn.Linear(min(64, dim - s), 2) for s in range(0, 256, 64) if s < dim])


# an MLP of symbolic depth
@gives("dim**2*n - dim**2 + dim*n + 1", "True", "checked")
def list_times(dim, n):
    sizes = [dim] * n + [1]
    return nn.Sequential(*(nn.Linear(a, b) for a, b in itertools.pairwise(sizes)))


# stages that widen, from the last
@gives("2**n*dim + 4**n*dim**2/3 - dim**2/3 - dim", "n <= 20", n=Symbol(max=20))
def reversed_range(dim, n):
    return nn.ModuleList([nn.Linear(dim * 2**i, dim * 2**i) for i in reversed(range(n))])


# the last layer is another
@gives("dim**2*n - dim**2 + dim*n + 1")
def last_layer_differs(dim, n):
    return nn.Sequential(*[nn.Linear(dim, 1 if i == n - 1 else dim) for i in range(n)])


# a counter in a while loop
@gives(
    "Piecewise((dim + 1, n < 2), (3*dim + 3, n < 3), (6*dim + 6, n < 4), (10*dim + 10, n "
    "< 5), (21*dim + 21, n >= 6), (15*dim + 15, True))",
    "n <= 6",
    n=Symbol(max=6),
)
def while_counter(dim, n):
    layers = []
    i = 0
    while i < n:
        layers.append(nn.Linear(dim, i + 1))
        i += 1
    return nn.Sequential(*layers)


# recursion of symbolic depth
@gives(
    "Piecewise((6*dim**2 + 4*dim, depth < 2), (26*dim**2 + 10*dim, depth < 3), "
    "(106*dim**2 + 22*dim, depth < 4), (1706*dim**2 + 94*dim, depth >= 5), (426*dim**2 + "
    "46*dim, True))",
    "depth <= 5",
    depth=Symbol(max=5),
)
def symbolic_recursion(dim, depth):
    def build(d, w):
        if d == 0:
            return nn.Linear(w, w)
        return nn.Sequential(nn.Linear(w, 2 * w), build(d - 1, 2 * w))

    return build(depth, dim)


# a stack of LSTM layers
@gives("8*dim**2*num_layers + 8*dim*num_layers")
def lstm_layers(dim, num_layers):
    return nn.LSTM(dim, dim, num_layers=num_layers)


# timm: stochastic depth rates of a symbolic depth
@gives("depth*dim**2 + depth*dim", "True")
def drop_path_symbolic(dim, depth):
    rates = [x.item() for x in torch.linspace(0, 0.1, depth)]
    return nn.ModuleList([nn.Linear(dim, dim) for r in rates])


# the first head width that divides, by next()
@gives(
    "Piecewise((dim**2/128 + dim/128, Eq(Mod(dim, 128), 0)), (dim**2/64 + dim/64, "
    "Eq(Mod(dim, 64), 0)), (dim**2/32 + dim/32, True))",
    "Eq(Mod(dim, 32), 0)",
)
def head_search(dim):
    head_dim = next((d for d in (128, 64, 32) if dim % d == 0), None)
    if head_dim is None:
        raise ValueError("no head width divides")
    return nn.Linear(dim, dim // head_dim)


# for ... else
@gives(
    "Piecewise((7*dim + 7, Eq(Mod(dim, 7), 0)), (5*dim + 5, Eq(Mod(dim, 5), 0)), (3*dim "
    "+ 3, Eq(Mod(dim, 3), 0)), (dim + 1, True))"
)
def for_else(dim):
    for d in (7, 5, 3):
        if dim % d == 0:
            out = d
            break
    else:
        out = 1
    return nn.Linear(dim, out)


# a closure that counts
@gives("6*dim + 6")
def counter_nonlocal(dim):
    n = 0

    def layer():
        nonlocal n
        n += 1
        return nn.Linear(dim, n)

    return nn.ModuleList([layer() for _ in range(3)])


# max with a key
@gives("Piecewise((2*a + 2, Mod(a, 16) >= Mod(b, 16)), (2*b + 2, True))")
def max_with_key(a, b):
    return nn.Linear(max([a, b], key=lambda v: v % 16), 2)


# max with a default
@gives("Piecewise((2*dim + 2, dim >= 9), (4, True))")
def max_default(dim):
    sizes = [s for s in (dim, dim // 2) if s > 8]
    return nn.Linear(max(sizes, default=1), 2)


# Swin: indices of relative positions, computed for real; bounded, for they take window**4 numbers
@gives("4*heads*window**2 - 4*heads*window + heads", "window <= 12", window=Symbol(max=12))
def swin_relative_position_index(window, heads=4):
    return _swin_attention(window, heads)


def _swin_attention(window: int, heads: int) -> nn.Module:
    axis = torch.arange(window)
    coords = torch.stack(torch.meshgrid([axis, axis], indexing="ij")).flatten(1)
    relative = (coords[:, :, None] - coords[:, None, :]).permute(1, 2, 0).contiguous()
    relative[:, :, 0] += window - 1
    relative[:, :, 1] += window - 1
    relative[:, :, 0] *= 2 * window - 1
    module = nn.Module()
    module.table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
    module.register_buffer("index", relative.sum(-1))
    return module


# slices of a width, in a range with a symbolic end
@gives("2*dim + 2*ceiling(dim/4)", "dim <= 8", dim=Symbol(max=8))
def chunked_symbolic_range(dim):
    return nn.ModuleList([nn.Linear(min(4, dim - s), 2) for s in range(0, dim, 4)])


# Newton's square root, up to 12
@gives(
    "Piecewise((dim + 1, dim < 4), (2*dim + 2, dim < 9), (3*dim + 3, dim < 16), (4*dim + 4, dim < 25), (5*dim + 5, dim < 36), (6*dim + 6, dim < 49), (7*dim + 7, dim < 64), (8*dim + 8, dim < 81), (9*dim + 9, dim < 100), (10*dim + 10, dim < 121), (12*dim + 12, dim >= 144), (11*dim + 11, True))"
)
def square_root_loop(dim):
    root = 1
    while (root + 1) * (root + 1) <= dim and root < 12:
        root += 1
    return nn.Linear(dim, root)


# Euclid's algorithm
@gives(
    "Piecewise((12*dim + 12, Eq(Mod(dim, 12), 0)), (dim*(Mod(dim, 12)) + Mod(dim, 12), "
    "Eq(Mod(12, Mod(dim, 12)), 0)), (dim*(Mod(12, Mod(dim, 12))) + Mod(12, Mod(dim, "
    "12)), Eq(Mod(Mod(dim, 12), Mod(12, Mod(dim, 12))), 0)), (dim*(Mod(Mod(dim, 12), "
    "Mod(12, Mod(dim, 12)))) + Mod(Mod(dim, 12), Mod(12, Mod(dim, 12))), Eq(Mod(Mod(12, "
    "Mod(dim, 12)), Mod(Mod(dim, 12), Mod(12, Mod(dim, 12)))), 0)), (dim*(Mod(Mod(12, "
    "Mod(dim, 12)), Mod(Mod(dim, 12), Mod(12, Mod(dim, 12))))) + Mod(Mod(12, Mod(dim, "
    "12)), Mod(Mod(dim, 12), Mod(12, Mod(dim, 12)))), True))"
)
def euclid(dim):
    a, b = dim, 12
    while b:
        a, b = b, a % b
    return nn.Linear(dim, a)


# --- more arithmetic ------------------------------------------------------------------------------


# an even kernel made odd
@gives("dim**2*kernel + dim + Piecewise((dim**2, Eq(Mod(kernel, 2), 0)), (0, True))")
def odd_kernel(dim, kernel):
    if kernel % 2 == 0:
        kernel += 1
    return nn.Conv1d(dim, dim, kernel, padding=kernel // 2)


# DQN: sizes after convolutions
@gives(
    "32768*floor(size/8 + 1/2)**2 - 131072*floor(size/8 + 1/2) + 131584",
    "size >= 28",
    size=Symbol(min=28),
)
def conv_arithmetic(size):
    for kernel, stride in ((8, 4), (4, 2)):
        size = (size - kernel) // stride + 1
    return nn.Linear(64 * size * size, 512)


# the same by math.floor of floats
@gives("4*ceiling(size/4)**2 + 4", "(size >= 28) & (size < 9007199254740992)", size=Symbol(min=28))
def conv_arithmetic_float(size):
    def out(x, k, s, p):
        return math.floor((x + 2 * p - (k - 1) - 1) / s + 1)

    return nn.Linear(out(out(size, 3, 2, 1), 3, 2, 1) ** 2, 4)


# a float that must be whole
@gives(
    "dim*floor(dim/heads) + floor(dim/heads)",
    "(dim + heads < 9007199254740993) & Eq(truediv(dim, heads), floor(dim/heads))",
)
def float_is_integer(dim, heads):
    if not (dim / heads).is_integer():
        raise ValueError("not whole")
    return nn.Linear(dim, dim // heads)


# true division compared with floor division
@gives(
    "dim*heads*floor(dim/heads) + heads*floor(dim/heads)",
    "Eq(truediv(dim, heads), floor(dim/heads))",
)
def float_division_check(dim, heads=4):
    if dim / heads != dim // heads:
        raise ValueError("not whole")
    return nn.Linear(dim, heads * int(dim // heads))


# BERT: int(dim / heads) * heads == dim, asserted
@gives("dim**2 + dim", "Eq(Mod(dim, heads), 0) & (dim + heads < 9007199254740993)")
def int_division_product(dim, heads):
    head_dim = int(dim / heads)
    assert head_dim * heads == dim
    return nn.Linear(dim, head_dim * heads)


# bits counted
@gives("2*bit_length(dim)", "Eq(bit_count(dim), 1) & (bit_length(dim) >= 1)", "partial")
def bit_count(dim):
    if dim.bit_count() != 1:
        raise ValueError("power of two wanted")
    return nn.Linear(dim.bit_length() - 1, 2)


# bit operations
@gives("8*bitxor(1, dim)*floor(dim/8) + 9*bitxor(1, dim) + 8*floor(dim/8) + 9")
def xor_mask(dim):
    return nn.Linear((dim | 7) + 1, (dim ^ 1) + 1)


# align up by a mask
@gives("128*ceiling(dim/64) + 2")
def align_mask(dim):
    return nn.Linear((dim + 63) & ~63, 2)


# round to tens
@gives(
    "2*round_digits(dim, -1) + 4",
    "round_digits(dim, -1) >= 0",
    "partial",
)
def round_digits(dim):
    return nn.Linear(int(round(dim, -1)) + 1, 2)


# EfficientNet: compound scaling by a power
@gives(
    "2*trunc(fmul(dim, fpow(1.5, factor))) + 2",
    "(factor <= 8) & (trunc(fmul(dim, fpow(1.5, factor))) >= 1)",
    "partial",
    factor=Symbol(max=8),
)
def float_power(dim, factor):
    return nn.Linear(int(dim * 1.5**factor), 2)


# a square, by ** 0.5
@gives("2*trunc(fpow(tokens, 0.5)) + 2", "Eq(trunc(fpow(tokens, 0.5))**2, tokens)")
def square_check(tokens):
    side = int(tokens**0.5)
    assert side * side == tokens
    return nn.Linear(side, 2)


# a square, by math.sqrt
@gives("tokens*trunc(sqrt(tokens))", "Eq(trunc(sqrt(tokens))**2, tokens)")
def sqrt_square_check(tokens):
    side = int(math.sqrt(tokens))
    if side**2 != tokens:
        raise ValueError("not a square")
    return nn.Embedding(side, tokens)


# min of floats
@gives("Piecewise((202, dim >= 201), (2*floor(dim/2) + 2, True))", "dim < 9007199254740993")
def min_of_floats(dim):
    return nn.Linear(int(min(dim * 0.5, 100.0)), 2)


# max of a float and an int
@gives("Piecewise((34, fmul(0.3, dim) < 16), (2*trunc(fmul(0.3, dim)) + 2, True))")
def max_of_mixed(dim):
    return nn.Linear(int(max(dim * 0.3, 16)), 2)


# a sum of floats
@gives("2*floor(3*dim/4) + 2", "dim < 3002399751580331")
def sum_of_floats(dim):
    return nn.Linear(int(sum(dim * r for r in (0.25, 0.5))), 2)


# floor division by a float
@gives("2*trunc(ffloordiv(dim, 1.5)) + 4")
def floor_float(dim):
    return nn.Linear(int(dim // 1.5) + 1, 2)


# remainder of a float
@gives("Piecewise((2*dim + 2, Eq(fmod_py(dim, 1.5), 0)), (3*dim + 3, True))")
def mod_float(dim):
    return nn.Linear(dim, 2 if dim % 1.5 == 0 else 3)


# math.lcm
@gives("2*lcm(8, dim) + 2")
def reduce_lcm(dim):
    return nn.Linear(math.lcm(dim, 8), 2)


# functools.reduce
@gives("4*dim**2 + 2")
def functools_reduce(dim):
    return nn.Linear(functools.reduce(operator.mul, (dim, 2, dim)), 2)


# two divisibilities
@gives(
    "dim**2*groups/heads + dim*groups/heads", "Eq(Mod(dim, heads), 0) & Eq(Mod(heads, groups), 0)"
)
def modular_raise_nested(dim, heads, groups):
    assert dim % heads == 0 and heads % groups == 0
    return nn.Linear(dim, dim // heads * groups)


# a declared multiple
@gives("2*dim", "Eq(Mod(dim, 64), 0)", dim=Symbol(multiple_of=64))
def declared_multiple(dim):
    return nn.GroupNorm(32, dim)


# a rank of at most the width
@gives("2*dim - 2*rank + 4", "dim >= rank")
def complement(dim, rank):
    if rank > min(dim, 3 * dim):
        raise ValueError("rank too large")
    return nn.Linear(dim - rank + 1, 2)


# negative numbers: Python's floor, remainder, truncation and shift
@gives(
    "Abs(floor(dim/8 + 1/2) - 13)*Abs(floor(dim/7 + 5/7) - 15) + Abs(floor(dim/8 + 1/2) "
    "- 13)*Abs(trunc(truediv(dim - 100, 7))) + Abs(floor(dim/8 + 1/2) - 13)*(Mod(dim + "
    "5, 7)) + Abs(floor(dim/8 + 1/2) - 13) + Abs(floor(dim/7 + 5/7) - 15)*(Mod(dim, -7)) "
    "+ 7*Abs(floor(dim/7 + 5/7) - 15) + Abs(trunc(truediv(dim - 100, 7)))*(Mod(dim, -7)) "
    "+ 7*Abs(trunc(truediv(dim - 100, 7))) + (Mod(dim, -7))*(Mod(dim + 5, 7)) + Mod(dim, "
    "-7) + 7*(Mod(dim + 5, 7)) + 7"
)
def negative_arithmetic(dim):
    return nn.Linear(
        abs((dim - 100) // 7) + (dim - 100) % 7 + abs(int((dim - 100) / 7)),
        abs((dim - 100) >> 3) + (dim % -7) + 7,
    )


# a range of tests on floats
@gives(
    "Piecewise((4*dim + 4, truediv(dim, 3) <= 5.5), (2*dim + 2, Eq(fmul(10, fmul(0.1, "
    "dim)), dim)), (4*dim + 4, True))"
)
def float_comparisons(dim):
    if dim / 3 > 5.5 and 0.1 * dim * 10 == dim:
        return nn.Linear(dim, 2)
    return nn.Linear(dim, 3 if dim == 64.0 else 4)


# --- numpy ----------------------------------------------------------------------------------------


# DLRM: offsets of joined tables
@gives("8*dim")
def numpy_cumsum(dim):
    offsets = np.cumsum([dim, dim, 2 * dim])
    return nn.Embedding(int(offsets[-1]), 2)


# --- configurations again, and what does not matter -----------------------------------------------


# configurations copied and replaced
@gives("4*dim**2 + 2*dim")
def copied_config(dim):
    config = copy.deepcopy({"dim": dim, "sizes": [dim, 2 * dim]})
    from dataclasses import asdict, replace

    c = replace(BlockConfig(config["dim"], heads=1), dim=config["dim"] * 2)
    return nn.Linear(asdict(c)["dim"], config["sizes"][1])


# is not None
@gives("3*dim + 3")
def identity_test(dim):
    return nn.Linear(dim, 3 if dim is not None else 4)


# an int or a list
@gives("4*dim + 4")
def isinstance_tuple(dim):
    hidden = dim if isinstance(dim, (list, tuple)) else [dim, dim]
    return nn.Sequential(*(nn.Linear(a, 2) for a in hidden))


# isinstance of a union
@gives("2*dim + 2")
def asserts_isinstance_union(dim):
    if isinstance(dim, int | float):
        return nn.Linear(dim, 2)
    return nn.Linear(1, 1)


# YOLO: layers by eval
@gives("2*dim**2 + 2*dim")
def eval_string(dim):
    return eval("nn.Linear")(dim, eval("2 * dim"))


# text that nobody reads
@gives("2*dim + 2")
def print_info(dim):
    _ = f"{dim:>5d} {dim * 0.5}"
    return nn.Linear(dim, 2)


# initialised by hand
@gives("dim**2")
def kaiming_manual(dim):
    weight = nn.Parameter(torch.empty(dim, dim))
    bound = 1 / math.sqrt(dim)
    with torch.no_grad():
        weight.uniform_(-bound, bound)
        weight[0].zero_()
    module = nn.Module()
    module.weight = weight
    return module


# Jozefowicz: forget gate bias of 1
@gives("4*dim**2 + 4*dim")
def data_slices(dim):
    layer = nn.Linear(dim, 4 * dim)
    n = layer.bias.size(0)
    layer.bias.data[n // 4 : n // 2].fill_(1.0)
    return layer


# initialised by apply()
@gives("dim**2 + 3*dim")
def apply_reset(dim):
    def init(m):
        if isinstance(m, nn.Linear):
            nn.init.trunc_normal_(m.weight, std=(2 / (m.in_features + m.out_features)) ** 0.5)

    return nn.Sequential(nn.Linear(dim, dim), nn.BatchNorm1d(dim)).apply(init)


# in a device context
@gives("2*dim + 2")
def device_context(dim):
    with torch.device("cpu"):
        return nn.Linear(dim, 2)


# weights copied by state_dict
@gives("4*dim + 4")
def state_dict_copy(dim):
    a = nn.Linear(dim, 2)
    b = nn.Linear(dim, 2)
    b.load_state_dict(a.state_dict())
    return nn.ModuleList([a, b])


# argparse: the symbol is a default
@gives("2*dim + 2")
def argparse_default(dim):
    parser = argparse.ArgumentParser()
    parser.add_argument("--dim", type=int, default=dim)
    return nn.Linear(parser.parse_args([]).dim, 2)


# pydantic: a field of any type
@gives("2*dim + 2", "True", "checked")
def pydantic_any(dim):
    pydantic = pytest.importorskip("pydantic")
    config = pydantic.create_model("Config", dim=(Any, ...))
    return nn.Linear(config(dim=dim).dim, 2)


# pydantic: not validated
@gives("2*dim + 2", "True", "checked")
def pydantic_construct(dim):
    pydantic = pytest.importorskip("pydantic")
    config = pydantic.create_model("Config", dim=(int, ...))
    return nn.Linear(config.model_construct(dim=dim).dim, 2)


# --- what torch itself refuses, and sizes of results ----------------------------------------------


# SN-GAN: the older spectral norm
@gives("28*dim")
def spectral_norm_old(dim):
    return nn.utils.spectral_norm(nn.Conv2d(3, dim, 3))


# SN-GAN: spectral norm by parametrization
@gives("20*dim + 20", "dim <= 32", dim=Symbol(max=32))
def spectral_norm(dim):
    return nn.utils.parametrizations.spectral_norm(nn.Linear(dim, 20))


# a symmetric weight
@gives("dim**2 + dim")
def parametrize_custom(dim):
    class Symmetric(nn.Module):
        def forward(self, x):
            return x.triu() + x.triu(1).transpose(-1, -2)

    layer = nn.Linear(dim, dim)
    nn.utils.parametrize.register_parametrization(layer, "weight", Symmetric())
    return layer


# slices, views and permutations
@gives("3*dim**2 + 8*dim + 3*floor(dim/2)")
def sliced_parameter(dim):
    m = nn.Module()
    m.w = nn.Parameter(torch.zeros(4 * dim, 3)[: dim // 2])
    m.v = nn.Parameter(torch.zeros(2, dim).view(-1))
    m.u = nn.Parameter(torch.zeros(dim, 6).reshape(dim, 2, 3).permute(2, 0, 1))
    m.t = nn.Parameter(torch.eye(dim).expand(3, dim, dim).clone())
    return m


# DINO: a head taken off
@gives("2*dim**2")
def removed_layer(dim):
    m = nn.Sequential(nn.Linear(dim, 2 * dim), nn.Linear(2 * dim, 10))
    m[1] = nn.Identity()
    del m[0].bias
    m[0].bias = None
    return m


# SyncBatchNorm
@gives("6*dim")
def batchnorm_to_sync(dim):
    return nn.SyncBatchNorm.convert_sync_batchnorm(
        nn.Sequential(nn.Conv2d(3, dim, 1), nn.BatchNorm2d(dim))
    )


# a size from a sum of numel()
@gives("4*dim + 5")
def jit_like_sum(dim):
    m = nn.Linear(dim, 2)
    m.total = sum(p.numel() for p in m.parameters())
    return nn.ModuleList([m, nn.Linear(m.total, 1)])


# a view that needs a multiple
@gives("dim", "Eq(Mod(dim, 4), 0)")
def view_as_heads(dim):
    module = nn.Module()
    module.heads = nn.Parameter(torch.zeros(dim).view(4, -1))
    return module


# broadcasting
@gives("a*b + Piecewise((a, a >= 2), (b, True))", "Eq(a, b) | (a < 2) | (b < 2)")
def broadcast_sum(a, b):
    module = nn.Module()
    module.table = nn.Parameter(torch.zeros(a, 1) + torch.zeros(b))
    module.bias = nn.Parameter(torch.zeros(a) + torch.zeros(b))
    return module


# squeeze, which depends on a size of one
@gives("3*dim + 3")
def squeezed(dim):
    module = nn.Module()
    module.table = nn.Parameter(torch.zeros(dim, 3).squeeze(0).unsqueeze(1))
    module.pick = nn.Parameter(torch.zeros(3, dim)[:, -1].clone())
    return module


# weights copied from a layer that must fit
@gives("4*student + 4", "Eq(student, teacher) | (teacher < 2)")
def copied_weights(student, teacher):
    a, b = nn.Linear(student, 4), nn.Linear(teacher, 4)
    with torch.no_grad():
        a.weight.copy_(b.weight)
    return a


# chunks and splits
@gives("6*dim + 4*floor(dim/2)")
def chunked_table(dim):
    module = nn.Module()
    first, *_ = torch.zeros(dim, 4).split([dim // 2, dim - dim // 2])
    module.first = nn.Parameter(first.clone())
    module.chunks = nn.ParameterList([c.clone() for c in torch.zeros(3 * dim, 2).chunk(3)])
    return module


# structured pruning: half of the input kept
@gives("8*floor(dim/2) + 8")
def pruned_weight(dim):
    layer = nn.Linear(dim, 8)
    layer.weight.data = layer.weight.data[:, : dim // 2]
    return layer


# Transformer: sines in even places, cosines in odd ones
@gives("dim*max_len", "(dim < 3) | Eq(ceiling(dim/2), floor(dim/2))")
def sinusoidal_table(dim, max_len=64):
    position = torch.arange(max_len).unsqueeze(1)
    div_term = torch.exp(torch.arange(0, dim, 2) * (-math.log(10000.0) / dim))
    table = torch.zeros(max_len, dim)
    table[:, 0::2] = torch.sin(position * div_term)
    table[:, 1::2] = torch.cos(position * div_term)
    return nn.Embedding.from_pretrained(table)


# a probability that must be one
@gives("2*dim + 2", "truediv(dim, 100) <= 1")
def dropout_rate(dim):
    return nn.Sequential(nn.Linear(dim, 2), nn.Dropout(dim / 100))


# torch's whole Transformer
@gives("28*d_model**2 + 36*d_model", "Eq(Mod(d_model, 2), 0)")
def torch_transformer(d_model):
    return nn.Transformer(d_model, 2, 1, 1, 4 * d_model)


# resnet variants by a name made from the symbol
@gives(
    "Piecewise((8*dim + 8, Eq(depth, 18)), (16*dim + 16, True))",
    "Eq(depth, 18) | Eq(depth, 34)",
)
def string_key(dim, depth):
    blocks = {"resnet18": 8, "resnet34": 16}[f"resnet{depth}"]
    return nn.Linear(dim, blocks)


# a table by the symbol as text
@gives(
    "Piecewise((10*dim + 10, depth < 2), (30*dim + 30, depth >= 3), (20*dim + 20, True))",
    "depth < 4",
)
def string_method(dim, depth):
    table = {"1": 10, "2": 20, "3": 30}
    return nn.Linear(dim, table[str(depth)])


BLOCKS = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3), "resnet50": (3, 4, 6, 3)}


# a name made from the symbol, in a table of the module, with a default
@gives(
    "Piecewise((8*dim + 8, Eq(depth, 18)), (16*dim + 16, Eq(depth, 34) | Eq(depth, 50)), "
    "(dim + 1, True))",
)
def string_key_with_default(dim, depth):
    return nn.Linear(dim, sum(BLOCKS.get("resnet" + str(depth), (1,))))


# a method chosen by a name made from the symbol
@gives("Piecewise((3*dim + 3, Eq(kind, 3)), (dim**2 + dim, True))", "Eq(kind, 3) | Eq(kind, 7)")
class MethodByName(nn.Module):
    def __init__(self, dim, kind):
        super().__init__()
        self.layer = getattr(self, "build_%d" % kind)(dim)  # noqa: UP031

    def build_3(self, dim):
        return nn.Linear(dim, 3)

    def build_7(self, dim):
        return nn.Linear(dim, dim)


# a name made from two symbols: every number in a text is a value of its own for each
@gives(
    "Piecewise((2*dim + 2, Eq(patch, 16) & Eq(size, 224)), (dim + 1, Eq(patch, 16) | "
    "Ne(patch, 32)), (3*dim + 3, Eq(size, 224)), (dim + 1, True))",
)
def string_of_two(dim, patch, size):
    return nn.Linear(dim, {"patch16_224": 2, "patch32_224": 3}.get(f"patch{patch}_{size}", 1))


# np.floor and np.ceil
@gives(
    "ffloor(fmul(0.3, dim))*ceiling(dim/3) + 2*ceiling(dim/3)",
    "(dim < 9007199254740990) & (ffloor(fmul(0.3, dim)) < 9007199254740993)",
)
def numpy_floor_ceil(dim):
    return nn.Linear(int(np.floor(dim * 0.3)) + 1, int(np.ceil(dim / 3)))


# np.sqrt and np.ceil
@gives("2*fceil(sqrt(dim)) + 2", "fceil(sqrt(dim)) < 9007199254740993")
def numpy_ceil_sqrt(dim):
    return nn.Linear(int(np.ceil(np.sqrt(dim))), 2)


# --- refused --------------------------------------------------------------------------------------


# a layer named after its size
@refused(
    symcount.VerificationError,
    "'fc_3.weight': traced no such tensor",
    "names are not symbolic",
)
def named_after_symbol(dim):
    return nn.ModuleDict({f"fc_{dim}": nn.Linear(dim, 2)})


# bits counted in text
@refused(
    symcount.VerificationError,
    "index of 64",
    "bin() reads the number itself; dim.bit_count() is followed",
)
def bin_popcount(dim):
    return nn.Linear(bin(dim).count("1"), 2)


# widths as an array
@refused(
    symcount.UnsupportedError,
    "numpy int64 is not modelled",
    "numpy's functions and scalars are not followed",
)
def numpy_round_array(dim):
    widths = (np.array([1, 2, 4]) * dim).tolist()
    return nn.ModuleList([nn.Linear(w, 2) for w in widths])


# widths between two, by np.linspace
@refused(
    symcount.UnsupportedError,
    "a size depends on what numpy.linspace() gave",
    "the sizes of an array are followed, and not its numbers",
)
def numpy_linspace(dim):
    return nn.ModuleList([nn.Linear(int(width), 2) for width in np.linspace(dim, 2 * dim, 3)])


# np.log2
@refused(
    symcount.UnsupportedError,
    "a size depends on what numpy.log2() gave",
    "numpy rounds logarithms in its own way; math.log2 is followed",
)
def numpy_log2(dim):
    return nn.Linear(int(np.log2(dim)) + 1, 2)


# RegNet: widths quantised by np.round
@refused(
    symcount.UnsupportedError,
    "a size depends on what numpy.multiply() gave",
    "the sizes of an array are followed, and not its numbers",
)
def numpy_power_schedule(dim):
    ws = np.round(np.divide(dim * np.power(2.0, np.arange(3)), 8)) * 8
    return nn.ModuleList([nn.Linear(int(w), 2) for w in ws])


# Nature DQN: the flat size from a dummy forward pass
@gives("19714*channels + 64")
def dummy_forward(channels):
    conv = nn.Sequential(nn.Conv2d(3, channels, 8, stride=4), nn.ReLU(), nn.Conv2d(channels, 64, 4))
    with torch.no_grad():
        n = conv(torch.zeros(1, 3, 84, 84)).flatten(1).shape[1]
    return nn.Sequential(conv, nn.Linear(n, channels))


# orthogonal parametrization
@refused(
    symcount.FactoryError,
    "on the meta device",
    "torch reads values of the weight",
)
def orthogonal(dim):
    return nn.utils.parametrizations.orthogonal(nn.Linear(dim, dim))


# a ceiling by torch
@refused(
    symcount.UnsupportedError,
    "a size depends on what Tensor.item() gave",
    "values of tensors are not followed",
)
def torch_ceil(dim):
    return nn.Linear(int(torch.ceil(torch.tensor(dim / 8)).item()), 2)


# fractions.Fraction
@refused(
    symcount.VerificationError,
    "index of 21",
    "Fraction asks for a plain number; dim // 3 is followed",
)
def fraction(dim):
    from fractions import Fraction

    return nn.Linear(int(Fraction(1, 3) * dim), 2)


# an exact type test
@gives("2*dim + 2")
def exact_type(dim):
    if type(dim) is not int:
        raise TypeError("int wanted")
    return nn.Linear(dim, 2)


# a configuration through JSON
@refused(
    symcount.FactoryError,
    "not JSON serializable",
    "text cannot be followed",
)
def json_round_trip(dim):
    import json

    config = json.loads(json.dumps({"dim": dim}))
    return nn.Linear(config["dim"], 2)


# itertools.islice: C code asks for a plain number
@refused(
    symcount.VerificationError,
    "index of",
    "C code asks for a plain number; range(depth) is followed",
    depth=Symbol(max=5),
)
def islice_depth(dim, depth):
    return nn.ModuleList(nn.Linear(dim, 2) for _ in itertools.islice(itertools.count(), depth))


# an array as long as the network
@gives("2*depth*dim + 2*depth", "depth <= 5", depth=Symbol(max=5))
def numpy_rates(dim, depth):
    return nn.ModuleList(nn.Linear(dim, 2) for _ in np.linspace(0, 0.1, depth))


# torch.Size
@gives("4*dim + 2")
def torch_size(dim):
    return nn.Linear(torch.Size([dim, 2]).numel(), 2)


# a letter by index: "dense"/"moe" patterns are strings such as "dmdm"
@refused(
    symcount.VerificationError,
    "index of",
    "an index into a list is followed, into text not yet",
)
def pattern_string(dim):
    return nn.Linear(dim, 2 if "ab"[dim % 2] == "a" else 3)


# pydantic: validated in Rust
@refused(
    symcount.VerificationError,
    "pydantic/main.py",
    "pydantic makes a plain int of it; annotate Any, or model_construct()",
)
def pydantic_validated(dim):
    pydantic = pytest.importorskip("pydantic")
    config = pydantic.create_model("Config", dim=(int, ...))
    return nn.Linear(config(dim=dim).dim, 2)


# lazy layers
@refused(
    symcount.UninitializedParameterError, "is lazy", "their shapes are not known before a forward"
)
def lazy_layer(dim):
    return nn.Sequential(nn.Linear(dim, 2), nn.LazyLinear(dim))


# sizes drawn at random
@refused(symcount.NondeterministicError, "different modules from the same arg", "random by nature")
def random_width(dim):
    return nn.Linear(dim, random.choice((16, 32, 48, 64)))
