"""Every module class of `torch.nn`, against plain builds at random sizes."""

from __future__ import annotations

import random
from typing import Any

import pytest
from torch import nn

import symcount
from examples.layers import CLASSES, LAYERS, Layer, is_lazy
from symcount.factory.call import FactoryCall
from tests.brute_force import disagreement

POINTS = 20
# It looks at a set of the sizes that it is given, which is tried and not proved.
CHECKED = [nn.AdaptiveLogSoftmaxWithLoss]


@pytest.mark.parametrize("layer", LAYERS, ids=[layer.cls.__name__ for layer in LAYERS])
def test_formula_gives_what_is_built_at_random_sizes(layer: Layer) -> None:
    count = layer.count
    assert count.certificate.grade == ("checked" if layer.cls in CHECKED else "complete")
    call = FactoryCall.of(layer.factory, layer.given)

    def build(**values: Any) -> nn.Module:
        module: nn.Module = call(values)
        return module

    draw = random.Random(layer.cls.__name__)
    inside = 0
    for _ in range(20 * POINTS):
        sizes = (1, 2, 3, 4, 6, 8, draw.randint(1, 64))
        point = {h.name: int(h.aligned(draw.choice(sizes))) for h in count.hyperparameters}
        wrong = disagreement(count, build, point)
        assert not wrong, wrong
        inside += count.valid(**point)
        if inside == POINTS:
            break
    assert inside == POINTS


def test_a_layer_without_parameters_is_one_without_built_ones() -> None:
    empty = {layer.cls for layer in LAYERS if layer.count.expr == 0}
    assert {nn.ReLU, nn.Identity, nn.Sequential, nn.MaxPool2d, nn.CrossEntropyLoss} <= empty
    assert empty.isdisjoint([nn.Linear, nn.Conv3d, nn.LSTM, nn.LayerNorm, nn.PReLU, nn.Bilinear])


@pytest.mark.parametrize("cls", filter(is_lazy, CLASSES))
def test_lazy_layers_are_refused_with_the_reason(cls: type[nn.Module]) -> None:
    with pytest.raises(symcount.UninitializedParameterError, match="only after a first forward"):
        symcount.derive(cls)
