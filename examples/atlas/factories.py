"""Factories of models whose config hides what is to stay symbolic, or holds it in tuples."""

from __future__ import annotations

from torch import nn

__all__ = [
    "clip",
    "convnext_v2",
    "deberta_v3",
    "poolformer",
    "pvt",
    "pvt_v2",
    "qwen3_moe",
    "siglip",
]

# As in `examples/families.py`, classifiers get their last layer afterwards: a config counts labels
# by the length of a dict that it makes of them, where a symbol would become a plain number.


def qwen3_moe(
    vocab_size: int = 151936,
    hidden_size: int = 2048,
    num_hidden_layers: int = 48,
    num_attention_heads: int = 32,
    num_key_value_heads: int = 4,
    head_dim: int = 128,
    moe_intermediate_size: int = 768,
    num_experts: int = 128,
) -> nn.Module:
    """Qwen3-MoE; its config takes the width of a head, and does not name it among its keywords."""
    from transformers import Qwen3MoeConfig, Qwen3MoeForCausalLM

    return Qwen3MoeForCausalLM(
        Qwen3MoeConfig(
            vocab_size=vocab_size,
            hidden_size=hidden_size,
            num_hidden_layers=num_hidden_layers,
            num_attention_heads=num_attention_heads,
            num_key_value_heads=num_key_value_heads,
            head_dim=head_dim,
            moe_intermediate_size=moe_intermediate_size,
            num_experts=num_experts,
        )
    )


def deberta_v3(
    vocab_size: int = 128100,
    hidden_size: int = 768,
    intermediate_size: int = 3072,
    num_hidden_layers: int = 12,
    num_attention_heads: int = 12,
    position_buckets: int = 256,
) -> nn.Module:
    """DeBERTa-v3: the class of DeBERTa-v2, as the third version sets it up."""
    from transformers import DebertaV2Config, DebertaV2Model

    return DebertaV2Model(
        DebertaV2Config(
            vocab_size=vocab_size,
            hidden_size=hidden_size,
            intermediate_size=intermediate_size,
            num_hidden_layers=num_hidden_layers,
            num_attention_heads=num_attention_heads,
            position_buckets=position_buckets,
            relative_attention=True,
            position_biased_input=False,
            type_vocab_size=0,
            norm_rel_ebd="layer_norm",
            share_att_key=True,
            pos_att_type=["p2c", "c2p"],
        )
    )


def convnext_v2(
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
    """ConvNeXt V2 with a linear classifier."""
    from transformers import ConvNextV2Config, ConvNextV2ForImageClassification

    model = ConvNextV2ForImageClassification(
        ConvNextV2Config(
            hidden_sizes=(width_1, width_2, width_3, width_4),
            depths=(depth_1, depth_2, depth_3, depth_4),
            patch_size=patch_size,
            num_channels=num_channels,
            num_labels=0,
        )
    )
    model.classifier = nn.Linear(width_4, num_labels)
    return model


def poolformer(
    width_1: int = 64,
    width_2: int = 128,
    width_3: int = 320,
    width_4: int = 512,
    depth_1: int = 2,
    depth_2: int = 2,
    depth_3: int = 6,
    depth_4: int = 2,
    num_channels: int = 3,
    num_labels: int = 1000,
) -> nn.Module:
    """PoolFormer with a linear classifier; no layers are dropped in training."""
    from transformers import PoolFormerConfig, PoolFormerForImageClassification

    model = PoolFormerForImageClassification(
        PoolFormerConfig(
            hidden_sizes=[width_1, width_2, width_3, width_4],
            depths=[depth_1, depth_2, depth_3, depth_4],
            num_channels=num_channels,
            num_labels=0,
            drop_path_rate=0.0,
        )
    )
    model.classifier = nn.Linear(width_4, num_labels)
    return model


def pvt(
    width_1: int = 64,
    width_2: int = 128,
    width_3: int = 320,
    width_4: int = 512,
    depth_1: int = 2,
    depth_2: int = 2,
    depth_3: int = 2,
    depth_4: int = 2,
    image_size: int = 224,
    num_channels: int = 3,
    num_labels: int = 1000,
) -> nn.Module:
    """Pyramid Vision Transformer with a linear classifier; no layers are dropped in training."""
    from transformers import PvtConfig, PvtForImageClassification

    model = PvtForImageClassification(
        PvtConfig(
            hidden_sizes=[width_1, width_2, width_3, width_4],
            depths=[depth_1, depth_2, depth_3, depth_4],
            image_size=image_size,
            num_channels=num_channels,
            num_labels=0,
            drop_path_rate=0.0,
        )
    )
    model.classifier = nn.Linear(width_4, num_labels)
    return model


def pvt_v2(
    width_1: int = 64,
    width_2: int = 128,
    width_3: int = 320,
    width_4: int = 512,
    depth_1: int = 3,
    depth_2: int = 4,
    depth_3: int = 6,
    depth_4: int = 3,
    num_channels: int = 3,
    num_labels: int = 1000,
) -> nn.Module:
    """PVT v2 with a linear classifier; no layers are dropped in training."""
    from transformers import PvtV2Config, PvtV2ForImageClassification

    model = PvtV2ForImageClassification(
        PvtV2Config(
            hidden_sizes=[width_1, width_2, width_3, width_4],
            depths=[depth_1, depth_2, depth_3, depth_4],
            num_channels=num_channels,
            num_labels=0,
            drop_path_rate=0.0,
        )
    )
    model.classifier = nn.Linear(width_4, num_labels)
    return model


def clip(
    projection: int = 512,
    text_vocab: int = 49408,
    text_width: int = 512,
    text_layers: int = 12,
    text_heads: int = 8,
    text_positions: int = 77,
    vision_width: int = 768,
    vision_layers: int = 12,
    vision_heads: int = 12,
    image_size: int = 224,
    patch_size: int = 32,
) -> nn.Module:
    """CLIP: an encoder of texts and one of pictures; feed-forwards are four times as wide."""
    from transformers import CLIPConfig, CLIPModel

    return CLIPModel(
        CLIPConfig(
            projection_dim=projection,
            text_config={
                "vocab_size": text_vocab,
                "hidden_size": text_width,
                "intermediate_size": 4 * text_width,
                "num_hidden_layers": text_layers,
                "num_attention_heads": text_heads,
                "max_position_embeddings": text_positions,
            },
            vision_config={
                "hidden_size": vision_width,
                "intermediate_size": 4 * vision_width,
                "num_hidden_layers": vision_layers,
                "num_attention_heads": vision_heads,
                "image_size": image_size,
                "patch_size": patch_size,
            },
        )
    )


def siglip(
    text_vocab: int = 32000,
    text_positions: int = 64,
    width: int = 768,
    inner: int = 3072,
    layers: int = 12,
    text_layers: int = 12,
    heads: int = 12,
    image_size: int = 224,
    patch_size: int = 16,
) -> nn.Module:
    """SigLIP: an encoder of texts and one of pictures, of the same width."""
    from transformers import SiglipConfig, SiglipModel

    return SiglipModel(
        SiglipConfig(
            text_config={
                "vocab_size": text_vocab,
                "max_position_embeddings": text_positions,
                "hidden_size": width,
                "intermediate_size": inner,
                "num_hidden_layers": text_layers,
                "num_attention_heads": heads,
                "projection_size": width,
            },
            vision_config={
                "hidden_size": width,
                "intermediate_size": inner,
                "num_hidden_layers": layers,
                "num_attention_heads": heads,
                "image_size": image_size,
                "patch_size": patch_size,
            },
        )
    )
