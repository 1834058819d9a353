"""Published vision-model families, built by `torchvision` itself.

As in `examples.families`, positional parameters are the ones to keep symbolic, the rest is
keyword-only, and `PUBLISHED` holds parameter counts that others published: torchvision states
one for each set of weights it distributes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import nn

from examples.families import PublishedSize

__all__ = [
    "PUBLISHED",
    "efficientnet",
    "mnasnet",
    "mobilenet_v2",
    "resnet18",
    "resnet50",
    "vit",
]


def resnet18(num_classes: int = 1000) -> nn.Module:
    """ResNet-18 (He et al. 2015); torchvision fixes the width of its basic blocks."""
    from torchvision import models

    return models.resnet18(num_classes=num_classes)


def resnet50(num_classes: int = 1000, width_per_group: int = 64, *, groups: int = 1) -> nn.Module:
    """ResNet-50, and in other widths and groups Wide ResNet-50 and ResNeXt-50."""
    from torchvision import models

    return models.resnet50(num_classes=num_classes, width_per_group=width_per_group, groups=groups)


def vit(
    hidden_dim: int = 768,
    mlp_dim: int = 3072,
    num_classes: int = 1000,
    *,
    num_layers: int = 12,
    num_heads: int = 12,
    patch_size: int = 16,
    image_size: int = 224,
) -> nn.Module:
    """Vision Transformer (Dosovitskiy et al. 2020)."""
    from torchvision.models import VisionTransformer

    return VisionTransformer(
        image_size=image_size,
        patch_size=patch_size,
        num_layers=num_layers,
        num_heads=num_heads,
        hidden_dim=hidden_dim,
        mlp_dim=mlp_dim,
        num_classes=num_classes,
    )


def efficientnet(num_classes: int = 1000, *, variant: str = "b0") -> nn.Module:
    """EfficientNet b0 to b7 (Tan and Le 2019)."""
    from torchvision import models

    return getattr(models, f"efficientnet_{variant}")(num_classes=num_classes)


def mnasnet(num_classes: int = 1000, *, alpha: float = 1.0) -> nn.Module:
    """MNASNet-B1 (Tan et al. 2018) at the depth multiplier `alpha`."""
    from torchvision.models import MNASNet

    return MNASNet(alpha, num_classes=num_classes)


def mobilenet_v2(num_classes: int = 1000) -> nn.Module:
    """MobileNetV2 (Sandler et al. 2018)."""
    from torchvision import models

    return models.mobilenet_v2(num_classes=num_classes)


def _published(
    weights: str,
    family: Callable[..., nn.Module],
    symbolic: Mapping[str, int],
    fixed: Mapping[str, object],
    total: int,
) -> PublishedSize:
    """`total` as `torchvision.models.<weights>.DEFAULT.meta["num_params"]` states it."""
    return PublishedSize(
        name=weights.removesuffix("_Weights").lower(),
        family=family,
        symbolic=symbolic,
        fixed=fixed,
        total=total,
        source=f"torchvision.models.{weights}: num_params",
    )


_CLASSES = {"num_classes": 1000}

PUBLISHED: tuple[PublishedSize, ...] = (
    _published("ResNet18_Weights", resnet18, _CLASSES, {}, 11_689_512),
    _published(
        "ResNet50_Weights",
        resnet50,
        {**_CLASSES, "width_per_group": 64},
        {"groups": 1},
        25_557_032,
    ),
    _published(
        "Wide_ResNet50_2_Weights",
        resnet50,
        {**_CLASSES, "width_per_group": 128},
        {"groups": 1},
        68_883_240,
    ),
    _published(
        "ResNeXt50_32X4D_Weights",
        resnet50,
        {**_CLASSES, "width_per_group": 4},
        {"groups": 32},
        25_028_904,
    ),
    _published(
        "ViT_B_16_Weights",
        vit,
        {"hidden_dim": 768, "mlp_dim": 3072, **_CLASSES},
        {"num_layers": 12, "num_heads": 12, "patch_size": 16, "image_size": 224},
        86_567_656,
    ),
    *(
        _published(
            f"EfficientNet_{variant.upper()}_Weights",
            efficientnet,
            _CLASSES,
            {"variant": variant},
            total,
        )
        for variant, total in {
            "b0": 5_288_548,
            "b1": 7_794_184,
            "b2": 9_109_994,
            "b3": 12_233_232,
            "b4": 19_341_616,
            "b5": 30_389_784,
            "b6": 43_040_704,
            "b7": 66_347_960,
        }.items()
    ),
    *(
        _published(
            f"MNASNet{str(alpha).replace('.', '_')}_Weights",
            mnasnet,
            _CLASSES,
            {"alpha": alpha},
            total,
        )
        for alpha, total in {
            0.5: 2_218_512,
            0.75: 3_170_208,
            1.0: 4_383_312,
            1.3: 6_282_256,
        }.items()
    ),
    _published("MobileNet_V2_Weights", mobilenet_v2, _CLASSES, {}, 3_504_872),
)
