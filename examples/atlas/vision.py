"""Models of pictures, and of pictures and texts."""

from __future__ import annotations

from collections.abc import Sequence

from examples.atlas.family import Family, Size
from examples.atlas.published import keras_hub
from symcount import Symbol

TRANSFORMERS = "Vision transformers"
CONVOLUTIONS = "Convolutional networks"
VISION_LANGUAGE = "Vision and language"

_VIT = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "image_size",
    "patch_size",
    "num_channels",
)
_TENTHS = 10**5
_MILLION = 10**6
# "149.62 million"
_HUNDREDTHS = 10**4


def _stages(widths: Sequence[int], depths: Sequence[int]) -> dict[str, int]:
    return {
        **{f"width_{stage}": width for stage, width in enumerate(widths, 1)},
        **{f"depth_{stage}": depth for stage, depth in enumerate(depths, 1)},
        "num_channels": 3,
        "num_labels": 1000,
    }


def _doubled(width: int) -> tuple[int, int, int, int]:
    return width, 2 * width, 4 * width, 8 * width


_PYRAMID = (64, 128, 320, 512)
_PVT_TABLE = "whai362/PVT, classification/README.md"
_OPEN_CLIP = "OpenCLIP, docs/model_profile.csv"

FAMILIES = (
    Family(
        key="deit",
        title="DeiT",
        kind=TRANSFORMERS,
        about="The Vision Transformer with a second token, which learns from a teacher; without a "
        "classifier, with the pooler of the class.",
        paper="Touvron et al. 2020, *Training data-efficient image transformers & distillation "
        "through attention*",
        model="transformers:DeiTModel",
        config="transformers:DeiTConfig",
        symbols=dict.fromkeys((*_VIT, "intermediate_size"), Symbol()),
        sizes=tuple(
            Size(
                f"deit-{name}-distilled-patch16-{image}",
                {
                    "hidden_size": width,
                    "num_hidden_layers": 12,
                    "num_attention_heads": width // 64,
                    "image_size": image,
                    "patch_size": 16,
                    "num_channels": 3,
                    "intermediate_size": 4 * width,
                },
                keras_hub("deit", f"deit_{name}_distilled_patch16_{image}_imagenet"),
                total,
                1,
                width * width + width,
                "the pooler",
            )
            for name, width, image, total in (
                ("tiny", 192, 224, 5_524_800),
                ("small", 384, 224, 21_666_432),
                ("base", 768, 224, 85_800_192),
                ("base", 768, 384, 86_092_032),
            )
        ),
    ),
    Family(
        key="dinov2",
        title="DINOv2",
        kind=TRANSFORMERS,
        about="A Vision Transformer trained without labels, whose layers are scaled by a vector; "
        "without a classifier.",
        paper="Oquab et al. 2023, *DINOv2: Learning Robust Visual Features without Supervision*",
        model="transformers:Dinov2Model",
        config="transformers:Dinov2Config",
        symbols=dict.fromkeys((*_VIT, "mlp_ratio"), Symbol()),
        sizes=tuple(
            Size(
                f"dinov2-{name}",
                {
                    "hidden_size": width,
                    "num_hidden_layers": layers,
                    "num_attention_heads": width // 64,
                    "image_size": 518,
                    "patch_size": 14,
                    "num_channels": 3,
                    "mlp_ratio": 4,
                },
                keras_hub("dinov2", preset),
                total,
                1,
                -(1 + (518 // 14) ** 2) * width,
                "a second table of positions, for other sizes of pictures, which KerasHub keeps",
            )
            for name, preset, width, layers, total in (
                ("small", "dinov2_small", 384, 12, 22_582_656),
                ("base", "dinov2-base", 768, 12, 87_632_640),
                ("large", "dinov2-large", 1024, 24, 305_771_520),
            )
        ),
        note="dinov2-giant has gated feed-forwards, and is not of this formula.",
    ),
    Family(
        key="pvt",
        title="PVT",
        kind=TRANSFORMERS,
        about="Four stages that halve the picture and widen; keys and values are taken from a "
        "smaller one.",
        paper="Wang et al. 2021, *Pyramid Vision Transformer: A Versatile Backbone for Dense "
        "Prediction without Convolutions*",
        model="examples.atlas.factories:pvt",
        sizes=tuple(
            Size(
                f"pvt-{name}",
                {**_stages(_PYRAMID, depths), "image_size": 224},
                _PVT_TABLE,
                total,
                _TENTHS,
            )
            for name, depths, total in (
                ("tiny", (2, 2, 2, 2), 13_200_000),
                ("small", (3, 4, 6, 3), 24_500_000),
                ("medium", (3, 4, 18, 3), 44_200_000),
                ("large", (3, 8, 27, 3), 61_400_000),
            )
        ),
    ),
    Family(
        key="pvt_v2",
        title="PVT v2",
        kind=TRANSFORMERS,
        about="PVT with overlapping patches and a convolution in each feed-forward, and without "
        "positions.",
        paper="Wang et al. 2021, *PVT v2: Improved Baselines with Pyramid Vision Transformer*",
        model="examples.atlas.factories:pvt_v2",
        sizes=tuple(
            Size(f"pvt-v2-{name}", _stages(_PYRAMID, depths), _PVT_TABLE, total, _TENTHS)
            for name, depths, total in (
                ("b2", (3, 4, 6, 3), 25_400_000),
                ("b3", (3, 4, 18, 3), 45_200_000),
                ("b4", (3, 8, 27, 3), 62_600_000),
            )
        ),
        note="B5 has other ratios of its feed-forwards. The table counts B0 and B1 without their "
        "classifiers, and so they are left out.",
    ),
    Family(
        key="poolformer",
        title="PoolFormer",
        kind=TRANSFORMERS,
        about="A transformer with average pooling in the place of attention, which has no "
        "parameters.",
        paper="Yu et al. 2021, *MetaFormer Is Actually What You Need for Vision*",
        model="examples.atlas.factories:poolformer",
        sizes=tuple(
            Size(
                f"poolformer-{name}",
                _stages(widths, depths),
                "table 1 of the paper",
                total,
                _MILLION,
            )
            for name, widths, depths, total in (
                ("s12", _PYRAMID, (2, 2, 6, 2), 12_000_000),
                ("s24", _PYRAMID, (4, 4, 12, 4), 21_000_000),
                ("s36", _PYRAMID, (6, 6, 18, 6), 31_000_000),
                ("m36", (96, 192, 384, 768), (6, 6, 18, 6), 56_000_000),
                ("m48", (96, 192, 384, 768), (8, 8, 24, 8), 73_000_000),
            )
        ),
    ),
    Family(
        key="convnext_v2",
        title="ConvNeXt V2",
        kind=CONVOLUTIONS,
        about="ConvNeXt with a normalisation of each layer's response, in the place of its scale.",
        paper="Woo et al. 2023, *ConvNeXt V2: Co-designing and Scaling ConvNets with Masked "
        "Autoencoders*",
        model="examples.atlas.factories:convnext_v2",
        sizes=tuple(
            Size(
                f"convnextv2-{name}",
                {**_stages(_doubled(width), depths), "patch_size": 4},
                "facebookresearch/ConvNeXt-V2, README.md",
                total,
                unit,
            )
            for name, width, depths, total, unit in (
                ("atto", 40, (2, 2, 6, 2), 3_700_000, _TENTHS),
                ("femto", 48, (2, 2, 6, 2), 5_200_000, _TENTHS),
                ("pico", 64, (2, 2, 6, 2), 9_100_000, _TENTHS),
                ("nano", 80, (2, 2, 8, 2), 15_600_000, _TENTHS),
                ("tiny", 96, (3, 3, 9, 3), 28_600_000, _TENTHS),
                ("base", 128, (3, 3, 27, 3), 89_000_000, _MILLION),
                ("large", 192, (3, 3, 27, 3), 198_000_000, _MILLION),
                ("huge", 352, (3, 3, 27, 3), 660_000_000, _MILLION),
            )
        ),
    ),
    Family(
        key="clip",
        title="CLIP",
        kind=VISION_LANGUAGE,
        about="An encoder of texts and one of pictures, projected to where they can be compared.",
        paper="Radford et al. 2021, *Learning Transferable Visual Models From Natural Language "
        "Supervision*",
        model="examples.atlas.factories:clip",
        sizes=tuple(
            Size(
                name,
                {
                    "projection": projection,
                    "text_vocab": 49408,
                    "text_width": text,
                    "text_layers": text_layers,
                    "text_heads": text // 64,
                    "text_positions": 77,
                    "vision_width": width,
                    "vision_layers": layers,
                    "vision_heads": heads,
                    "image_size": image,
                    "patch_size": patch,
                },
                _OPEN_CLIP,
                total,
                _HUNDREDTHS,
            )
            for (
                name,
                projection,
                text,
                text_layers,
                width,
                layers,
                heads,
                image,
                patch,
                total,
            ) in (
                ("ViT-B-32", 512, 512, 12, 768, 12, 12, 224, 32, 151_280_000),
                ("ViT-B-16", 512, 512, 12, 768, 12, 12, 224, 16, 149_620_000),
                ("ViT-L-14", 768, 768, 12, 1024, 24, 16, 224, 14, 427_620_000),
                ("ViT-L-14-336", 768, 768, 12, 1024, 24, 16, 336, 14, 427_940_000),
                ("ViT-H-14", 1024, 1024, 24, 1280, 32, 16, 224, 14, 986_110_000),
            )
        ),
    ),
    Family(
        key="siglip",
        title="SigLIP",
        kind=VISION_LANGUAGE,
        about="CLIP with a sigmoid loss, which adds a scale and a shift; pictures are pooled by "
        "attention. Both encoders have the same width here, as in the models that are published.",
        paper="Zhai et al. 2023, *Sigmoid Loss for Language Image Pre-Training*",
        model="examples.atlas.factories:siglip",
        sizes=tuple(
            Size(
                name,
                {
                    "text_vocab": 32000,
                    "text_positions": positions,
                    "width": width,
                    "inner": inner,
                    "layers": layers,
                    "text_layers": text_layers,
                    "heads": heads,
                    "image_size": image,
                    "patch_size": patch,
                },
                _OPEN_CLIP,
                total,
                _HUNDREDTHS,
            )
            for (
                name,
                positions,
                width,
                inner,
                layers,
                text_layers,
                heads,
                image,
                patch,
                total,
            ) in (
                ("ViT-B-16-SigLIP", 64, 768, 3072, 12, 12, 12, 224, 16, 203_160_000),
                ("ViT-B-16-SigLIP-256", 64, 768, 3072, 12, 12, 12, 256, 16, 203_200_000),
                ("ViT-B-16-SigLIP-512", 64, 768, 3072, 12, 12, 12, 512, 16, 203_790_000),
                ("ViT-L-16-SigLIP-256", 64, 1024, 4096, 24, 24, 16, 256, 16, 652_150_000),
                ("ViT-SO400M-14-SigLIP", 16, 1152, 4304, 27, 27, 16, 224, 14, 877_360_000),
            )
        ),
    ),
)
