"""The families of the atlas, in the order of its pages: data, of which pages and tests are made."""

from __future__ import annotations

import inspect

from examples import families
from examples.atlas import language, layers, speech, vision
from examples.atlas.family import STORED, WORK, Family, Size, stored

__all__ = ["FAMILIES", "KINDS", "STORED", "WORK", "Family", "Size", "stored"]

KINDS = (
    language.DECODERS,
    language.EXPERTS,
    language.STATE_SPACE,
    language.ENCODERS,
    language.ENCODER_DECODERS,
    vision.TRANSFORMERS,
    vision.CONVOLUTIONS,
    vision.VISION_LANGUAGE,
    speech.KIND,
    layers.KIND,
)

# The families that have factories of their own: title, kind and paper of each.
_OF_FACTORIES = {
    families.gpt2: (
        "GPT-2",
        language.DECODERS,
        "Radford et al. 2019, *Language Models are Unsupervised Multitask Learners*",
    ),
    families.llama: (
        "Llama",
        language.DECODERS,
        "Touvron et al. 2023, *LLaMA: Open and Efficient Foundation Language Models*",
    ),
    families.mistral: ("Mistral", language.DECODERS, "Jiang et al. 2023, *Mistral 7B*"),
    families.pythia: (
        "Pythia",
        language.DECODERS,
        "Biderman et al. 2023, *Pythia: A Suite for Analyzing Large Language Models Across "
        "Training "
        "and Scaling*",
    ),
    families.mixtral: ("Mixtral", language.EXPERTS, "Jiang et al. 2024, *Mixtral of Experts*"),
    families.bert: (
        "BERT",
        language.ENCODERS,
        "Devlin et al. 2018, *BERT: Pre-training of Deep Bidirectional Transformers for Language "
        "Understanding*",
    ),
    families.vit: (
        "ViT",
        vision.TRANSFORMERS,
        "Dosovitskiy et al. 2020, *An Image is Worth 16x16 Words: Transformers for Image "
        "Recognition at Scale*",
    ),
    families.swin: (
        "Swin",
        vision.TRANSFORMERS,
        "Liu et al. 2021, *Swin Transformer: Hierarchical Vision Transformer using Shifted "
        "Windows*",
    ),
    families.convnext: (
        "ConvNeXt",
        vision.CONVOLUTIONS,
        "Liu et al. 2022, *A ConvNet for the 2020s*",
    ),
    families.resnet: (
        "ResNet",
        vision.CONVOLUTIONS,
        "He et al. 2015, *Deep Residual Learning for Image Recognition*",
    ),
    families.efficientnet: (
        "EfficientNet",
        vision.CONVOLUTIONS,
        "Tan and Le 2019, *EfficientNet: Rethinking Model Scaling for Convolutional Neural "
        "Networks*",
    ),
    families.mobilenet_v1: (
        "MobileNet",
        vision.CONVOLUTIONS,
        "Howard et al. 2017, *MobileNets: Efficient Convolutional Neural Networks for Mobile "
        "Vision "
        "Applications*",
    ),
    families.mobilenet_v2: (
        "MobileNetV2",
        vision.CONVOLUTIONS,
        "Sandler et al. 2018, *MobileNetV2: Inverted Residuals and Linear Bottlenecks*",
    ),
}


def _of_factories() -> list[Family]:
    found = []
    for factory, (title, kind, paper) in _OF_FACTORIES.items():
        published = [size for size in families.PUBLISHED if size.family is factory]
        found.append(
            Family(
                key=factory.__name__,
                title=title,
                kind=kind,
                about=inspect.getdoc(factory) or "",
                paper=paper,
                model=f"examples.families:{factory.__name__}",
                symbols=published[0].declared,
                fixed=published[0].fixed,
                sizes=tuple(
                    Size(size.name, size.symbolic, size.source, size.total, size.unit)
                    for size in published
                ),
            )
        )
    return found


FAMILIES: tuple[Family, ...] = tuple(
    sorted(
        [
            *_of_factories(),
            *language.FAMILIES,
            *vision.FAMILIES,
            *speech.FAMILIES,
            *layers.FAMILIES,
        ],
        key=lambda family: KINDS.index(family.kind),
    )
)
