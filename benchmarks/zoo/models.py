"""The models of the zoo: what each library has, and which hyper-parameters of a model to keep.

A model is found by name in the process that derives it, so that names are all that travels.
"""

from __future__ import annotations

import inspect
import os
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from benchmarks.zoo import others
from symcount import Symbol
from symcount.catalogue.all_symbols import constructor_arguments
from symcount.catalogue.configs import config_factory

LIBRARIES = ("transformers", "timm", "torchvision", "others")

# What nearly every config of transformers has, under this name or one in its `attribute_map`.
USUAL = (
    "vocab_size", "hidden_size", "intermediate_size", "num_attention_heads", "num_hidden_layers",
)  # fmt: skip
ALIASES = (
    "d_model", "n_embd", "dim", "d_ff", "ffn_dim", "hidden_dim", "n_inner", "encoder_ffn_dim",
    "decoder_ffn_dim", "n_head", "n_heads", "num_heads", "encoder_attention_heads",
    "decoder_attention_heads", "n_layer", "n_layers", "num_layers", "encoder_layers",
    "decoder_layers", "num_decoder_layers",
)  # fmt: skip
# Widths and depths of vision models, numbers or tuples of numbers.
STAGES = (
    "num_classes", "in_chans", "embed_dim", "embed_dims", "hidden_dim", "mlp_dim", "dim", "dims",
    "depth", "depths", "layers", "num_layers", "num_heads", "num_features", "growth_rate",
    "num_init_features", "stem_width", "stem_size", "base_width", "width_per_group",
    "cardinality", "groups", "mlp_ratio", "init_channels", "channels", "hidden_sizes",
    "num_attention_heads", "encoder_hidden_sizes", "decoder_hidden_size", "num_channels",
)  # fmt: skip


_CLASSES = 1000


@dataclass(frozen=True)
class Case:
    """A model to derive: its factory, what `derive` is told, and how to build it as it comes."""

    factory: Callable[..., nn.Module]
    given: Mapping[str, Any]
    defaults: Mapping[str, int]
    plain: Callable[[], nn.Module]


def names(library: str, every_class: bool = False) -> list[str]:
    """The models of a library, in an order that makes any beginning of it a fair sample."""
    return sorted(_NAMES[library](every_class), key=lambda name: zlib.crc32(name.encode()))


def case(library: str, model: str, every_symbol: bool = False) -> Case:
    """The model of that name."""
    return _CASES[library](model, every_symbol)


# --- transformers -----------------------------------------------------------------------------


def _transformers_names(every_class: bool) -> Iterable[str]:
    """`Config:Model` for each config, with its base model or every model there is."""
    from transformers.models.auto import modeling_auto
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    mappings = {n: m for n, m in vars(modeling_auto).items() if n.endswith("_MAPPING_NAMES")}
    del mappings["CONFIG_MAPPING_NAMES"]
    base = mappings.pop("MODEL_MAPPING_NAMES")
    found: dict[str, dict[str, None]] = {}
    for mapping in (base, *mappings.values()):
        for kind, models in mapping.items():
            for model in [models] if isinstance(models, str) else models:
                found.setdefault(CONFIG_MAPPING_NAMES[kind], {})[model] = None
    for config, models in found.items():
        for model in list(models)[: None if every_class else 1]:
            yield f"{config}:{model}"


def _transformers_case(name: str, every_symbol: bool) -> Case:
    import transformers

    transformers.logging.set_verbosity_error()
    config_class, model_class = (getattr(transformers, part) for part in name.split(":"))
    config = config_class()

    def build(**given: Any) -> nn.Module:
        return model_class(config_class(**given))

    symbols = config_symbols(config, every_symbol)
    if symbols:
        factory = config_factory(model_class, config_class, dict.fromkeys(symbols, Symbol()), {})
        return Case(factory, factory.given, defaults_of(factory), build)
    arguments = {n: getattr(config, n, None) for n in inspect.signature(config_class).parameters}
    stages = SizesFactory(build, model_class.__name__, {}, stage_sizes(arguments, every_symbol))
    return Case(stages, {}, defaults_of(stages), build)


def config_symbols(config: Any, every_symbol: bool = False) -> list[str]:
    """The keywords of a config to keep symbolic; of the configs within it if it has none."""
    if every_symbol:
        wanted = [name for name in inspect.signature(type(config)).parameters]
    else:
        aliases = getattr(config, "attribute_map", {})
        wanted = list(dict.fromkeys([*(aliases.get(n, n) for n in USUAL), *ALIASES]))
    taken = inspect.signature(type(config)).parameters
    found = [
        name
        for name in wanted
        if name != "num_stages"  # which goes with lists of that length
        and name in taken
        and is_size(taken[name].default)
        and is_size(getattr(config, name, None))
    ]
    if found:
        return found
    inside = {name: getattr(config, name, None) for name in getattr(config, "sub_configs", {})}
    return [
        f"{name}.{symbol}"
        for name, part in inside.items()
        if part is not None
        for symbol in config_symbols(part, every_symbol)
    ]


def is_size(value: object) -> bool:
    """Whether a value is a positive integer."""
    return type(value) is int and value >= 1


# --- timm and torchvision ---------------------------------------------------------------------


def _timm_names(every_class: bool) -> Iterable[str]:
    import timm

    return timm.list_models()


def _timm_case(name: str, every_symbol: bool) -> Case:
    import timm

    return _vision_case(lambda **given: timm.create_model(name, **given), name, every_symbol)


def _torchvision_names(every_class: bool) -> Iterable[str]:
    import torchvision

    return torchvision.models.list_models()


def _torchvision_case(name: str, every_symbol: bool) -> Case:
    import torchvision

    takes = inspect.signature(torchvision.models.get_model_builder(name)).parameters
    none = {w: None for w in ("weights", "weights_backbone") if w in takes}
    return _vision_case(
        lambda **given: torchvision.models.get_model(name, **none, **given), name, every_symbol
    )


def _vision_case(build: Callable[..., nn.Module], name: str, every_symbol: bool) -> Case:
    arguments = constructor_arguments(build)
    wanted = stage_sizes(arguments, every_symbol)
    if "num_classes" not in wanted and builds(build, {"num_classes": _CLASSES}):
        wanted["num_classes"] = _CLASSES  # which the classifier has, and not the module itself
    taken = {key: value for key, value in wanted.items() if builds(build, {key: value})}
    make, fixed = build, {}
    if len(taken) < len(wanted) and not any(isinstance(v, nn.Module) for v in arguments.values()):
        # The function of this name sets them itself; the class that it calls takes them.
        with torch.device("meta"):
            kind = type(build())
        if builds(kind, arguments):
            make, fixed, taken = kind, arguments, wanted
    factory = SizesFactory(make, name, fixed, taken)
    return Case(factory, {}, defaults_of(factory), build)


def stage_sizes(
    arguments: Mapping[str, Any], every_symbol: bool = False
) -> dict[str, int | tuple[int, ...]]:
    """The widths and depths among arguments: numbers, and tuples of numbers for the stages."""
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in arguments.items()
        if (every_symbol or name in STAGES)
        and (
            is_size(value)
            or (isinstance(value, tuple | list) and value and all(is_size(v) for v in value))
        )
    }


def builds(build: Callable[..., nn.Module], given: Mapping[str, Any]) -> bool:
    """Whether a module can be built with these arguments."""
    try:
        with torch.device("meta"):
            build(**given)
    except Exception:
        return False
    return True


# --- others ------------------------------------------------------------------------------------


def _others_names(every_class: bool) -> Iterable[str]:
    return others.models()


def _others_case(name: str, every_symbol: bool) -> Case:
    call = others.models()[name]
    factory = SizesFactory(lambda **given: others.made(call, given), name, {}, others.sizes(call))
    defaults = defaults_of(factory)
    return Case(factory, {}, defaults, lambda: factory(**defaults))


# --- factories of sizes ------------------------------------------------------------------------


class SizesFactory:
    """A model as a function of sizes: numbers, and each number of a tuple by itself.

    `depths=(2, 2)` becomes the parameters `depths_0` and `depths_1`.
    """

    def __init__(
        self,
        build: Callable[..., nn.Module],
        name: str,
        fixed: Mapping[str, Any],
        sizes: Mapping[str, int | tuple[int, ...]],
    ) -> None:
        self.__name__ = name
        self._build = build
        self._fixed = {key: value for key, value in fixed.items() if key not in sizes}
        self._tuples = {
            key: [f"{key}_{i}" for i in range(len(size))]
            for key, size in sizes.items()
            if isinstance(size, tuple)
        }
        defaults: dict[str, int] = {}
        for key, size in sizes.items():
            if isinstance(size, tuple):
                defaults |= dict(zip(self._tuples[key], size, strict=True))
            else:
                defaults[key] = size
        self.__signature__ = inspect.Signature(
            [inspect.Parameter(k, inspect.Parameter.KEYWORD_ONLY, default=d)
             for k, d in defaults.items()]
        )  # fmt: skip

    def __call__(self, **sizes: Any) -> nn.Module:
        for key, parts in self._tuples.items():
            if parts[0] in sizes:
                sizes[key] = [sizes.pop(part) for part in parts]
        return self._build(**self._fixed, **sizes)


def defaults_of(factory: Callable[..., nn.Module]) -> dict[str, int]:
    """The sizes that a factory has by default."""
    parameters = inspect.signature(factory).parameters.values()
    return {p.name: p.default for p in parameters if is_size(p.default)}


_NAMES: dict[str, Callable[[bool], Iterable[str]]] = {
    "transformers": _transformers_names,
    "timm": _timm_names,
    "torchvision": _torchvision_names,
    "others": _others_names,
}
_CASES: dict[str, Callable[[str, bool], Case]] = {
    "transformers": _transformers_case,
    "timm": _timm_case,
    "torchvision": _torchvision_case,
    "others": _others_case,
}

# Models are built with no weights; nothing is to be fetched for them.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
