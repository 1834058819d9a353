"""Every module class of `torch.nn`, with what Python itself needs to build it and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from torch import nn
from torch.nn.modules.lazy import LazyModuleMixin

import symcount
from symcount import ParamCount, Symbol


class Layer(NamedTuple):
    """A class, what builds it, and what that has to be given."""

    cls: type[nn.Module]
    factory: Callable[..., nn.Module]
    given: Mapping[str, Any]

    @property
    def count(self) -> ParamCount:
        """The formula, with every size that the class takes symbolic."""
        return symcount.derive(self.factory, **self.given)


def data_parallel(features: int) -> nn.Module:
    return nn.DataParallel(nn.Linear(features, features))


def transformer_encoder(
    d_model: int, nhead: int, dim_feedforward: int, num_layers: int
) -> nn.Module:
    layer = nn.TransformerEncoderLayer(d_model, nhead, dim_feedforward)
    return nn.TransformerEncoder(layer, num_layers, enable_nested_tensor=False)


def transformer_decoder(
    d_model: int, nhead: int, dim_feedforward: int, num_layers: int
) -> nn.Module:
    return nn.TransformerDecoder(
        nn.TransformerDecoderLayer(d_model, nhead, dim_feedforward), num_layers
    )


# What wraps modules is built around one of symbolic sizes.
WRAPPERS: dict[type[nn.Module], Callable[..., nn.Module]] = {
    nn.DataParallel: data_parallel,
    nn.TransformerEncoder: transformer_encoder,
    nn.TransformerDecoder: transformer_decoder,
}
GIVEN: dict[type[nn.Module], dict[str, Any]] = {
    nn.AdaptiveLogSoftmaxWithLoss: {"cutoffs": [Symbol(), Symbol()]},
    nn.ConstantPad1d: {"value": 0.0},
    nn.ConstantPad2d: {"value": 0.0},
    nn.ConstantPad3d: {"value": 0.0},
    nn.FractionalMaxPool2d: {"output_size": Symbol()},
    nn.FractionalMaxPool3d: {"output_size": Symbol()},
    nn.LPPool1d: {"norm_type": 2.0},
    nn.LPPool2d: {"norm_type": 2.0},
    nn.LPPool3d: {"norm_type": 2.0},
    nn.RNNBase: {"mode": "LSTM"},
    nn.RNNCellBase: {"bias": True},
    nn.Threshold: {"threshold": 0.0, "value": 0.0},
    nn.Unflatten: {"unflattened_size": (Symbol(), Symbol())},
}


def is_lazy(cls: type[nn.Module]) -> bool:
    """Tell whether its sizes are known after a forward pass only, so that no formula can be."""
    return issubclass(cls, LazyModuleMixin)


CLASSES = [c for c in vars(nn).values() if isinstance(c, type) and issubclass(c, nn.Module)]
LAYERS = [
    Layer(cls, WRAPPERS.get(cls, cls), GIVEN.get(cls, {}))
    for cls in sorted(CLASSES, key=lambda cls: cls.__name__)
    if not is_lazy(cls)
]
