"""How each tool is asked for a count, as its documentation says.

Modules are built on the meta device for all of them, where that is possible: no tool has to fill
memory with weights that nobody asked for. Each function takes a model and its sizes, builds the
module, asks, and returns the count as the tool gives it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from models import Model, Sizes
from torch import nn


def on_meta(model: Model, sizes: Sizes) -> nn.Module:
    with torch.device("meta"):
        return model.factory(**sizes).eval()


def on_cpu(model: Model, sizes: Sizes) -> int:
    """The count that needs no tool, of a module as one builds it."""
    return sum(p.numel() for p in model.factory(**sizes).parameters())


def plain(model: Model, sizes: Sizes) -> int:
    """The same on the meta device."""
    return sum(p.numel() for p in on_meta(model, sizes).parameters())


def torchinfo(model: Model, sizes: Sizes) -> int:
    from torchinfo import summary

    return int(summary(on_meta(model, sizes), verbose=0).total_params)


def torchinfo_forward(model: Model, sizes: Sizes) -> int:
    """With an input, for which it knows output shapes and multiply-adds too."""
    from torchinfo import summary

    inputs = model.inputs("meta")
    module = on_meta(model, sizes)
    return int(summary(module, input_data=inputs, device="meta", verbose=0).total_params)


def fvcore(model: Model, sizes: Sizes) -> int:
    from fvcore.nn import parameter_count

    return parameter_count(on_meta(model, sizes))[""]


def ptflops(model: Model, sizes: Sizes) -> int:
    from ptflops import get_model_complexity_info

    _, count = get_model_complexity_info(
        on_meta(model, sizes),
        (1,),
        input_constructor=lambda _: model.inputs("meta"),
        as_strings=False,
        print_per_layer_stat=False,
        backend="aten",
    )
    return int(count)


def accelerate(model: Model, sizes: Sizes) -> int:
    """What `accelerate estimate-memory` does for a model of the Hub; its bytes in float32 numbers.

    `init_empty_weights` unties weights, so models that can are told to tie them again.
    """
    from accelerate.utils import calculate_maximum_sizes

    module = _empty(model, sizes)
    if hasattr(module, "tie_weights"):
        module.tie_weights()
    return calculate_maximum_sizes(module)[0] // 4


def accelerate_untied(model: Model, sizes: Sizes) -> int:
    """The same, without telling models to tie their weights again."""
    from accelerate.utils import calculate_maximum_sizes

    return calculate_maximum_sizes(_empty(model, sizes))[0] // 4


def _empty(model: Model, sizes: Sizes) -> nn.Module:
    from accelerate import init_empty_weights

    with init_empty_weights():
        return model.factory(**sizes)


def symcount(model: Model, sizes: Sizes) -> int:
    """Derived anew, and called once. Further sizes are calls alone."""
    return model.derived()(**sizes)


Tool = Callable[[Model, Sizes], int]

TOOLS: Mapping[str, Tool] = {
    "symcount": symcount,
    "build on the CPU, add up": on_cpu,
    "build on meta, add up": plain,
    "torchinfo": torchinfo,
    "torchinfo, with an input": torchinfo_forward,
    "fvcore": fvcore,
    "ptflops": ptflops,
    "accelerate": accelerate,
    "accelerate, not tied again": accelerate_untied,
}
PACKAGES: Mapping[str, Any] = {
    "torchinfo": "torchinfo",
    "fvcore": "fvcore.nn",
    "ptflops": "ptflops",
    "accelerate": "accelerate.utils",
}
