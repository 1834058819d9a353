"""Ways in for libraries: models that are built from configs, and all integers kept symbolic."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import symcount
from symcount import ArgumentError, Symbol, from_config
from symcount.catalogue.all_symbols import (
    all_symbols_from_config,
)
from symcount.errors import FactoryError, IncompleteError, UnsupportedError


class Text:
    """A config within a config."""

    def __init__(self, width: int = 8, depth: int = 2, half: int | None = None) -> None:
        self.width, self.depth = width, depth
        self.half = width // 2 if half is None else half


class Config:
    """A config in the manner of several libraries: aliases, `**kwargs`, a config inside."""

    def __init__(
        self,
        hidden: int = 32,
        layers: int = 3,
        heads: int = 4,
        groups: int | None = None,
        inner: int | None = None,
        ratio: float = 0.5,
        act: str = "gelu",
        bias: bool = True,
        padding: int = 0,
        scaling: dict[str, int] | None = None,
        text: Mapping[str, int] | Text | None = None,
        **kwargs: Any,
    ) -> None:
        if hidden % heads:
            raise ValueError(f"hidden={hidden} must be a multiple of heads={heads}")
        self.hidden, self.layers, self.heads, self.inner = hidden, layers, heads, inner
        self.groups = heads if groups is None else groups
        self.ratio, self.act, self.bias, self.padding = ratio, act, bias, padding
        self.scaling = scaling
        if scaling:
            scaling.pop("factor")  # as some configs do, it changes what it was given
        self.text = text if isinstance(text, Text) else Text(**{"width": 16, **(text or {})})
        self.text_width = 1
        self.__dict__.update(kwargs)

    @property
    def width(self) -> int:
        return self.hidden

    @width.setter
    def width(self, value: int) -> None:
        self.hidden = value


class Model(nn.Module):
    def __init__(self, config: Config) -> None:
        super().__init__()
        inner = config.inner or 4 * config.hidden
        self.layers = nn.ModuleList(
            nn.Linear(config.hidden, inner, bias=config.bias) for _ in range(config.layers)
        )
        head = config.hidden // config.heads
        self.keys = nn.Linear(config.hidden, head * config.groups, bias=False)
        self.text = nn.Linear(config.text.width, config.text.depth, bias=False)
        self.half = nn.Linear(config.text.half, 1, bias=False)


class RatioModel(Model):
    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.low = nn.Linear(int(config.ratio * config.hidden), 1, bias=False)


def message(error: type[Exception], call: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(error) as caught:
        call(*args, **kwargs)
    return str(caught.value)


# --- from_config ------------------------------------------------------------------------------


def test_formula_in_keywords_of_the_config() -> None:
    count = from_config(Model, Config, symbols=["hidden", "layers"])
    for point in ({}, {"hidden": 64, "layers": 12}, {"hidden": 100, "layers": 1}):
        with torch.device("meta"):
            model = Model(Config(**point))
        assert count(**point) == sum(p.numel() for p in model.parameters())
    assert not count.valid(hidden=30)  # no multiple of four heads


def test_defaults_are_those_of_the_config() -> None:
    count = from_config(Model, Config, symbols=["hidden", "layers", "heads", "groups"], layers2=1)
    assert count.defaults == {"hidden": 32, "layers": 3, "heads": 4, "groups": 4}
    assert count.factory == "Model"
    assert count.fixed == (("layers2", "1"),)


def test_keyword_that_is_none_by_default_has_no_default() -> None:
    count = from_config(Model, Config, symbols=["hidden", "inner"])
    assert count.defaults == {"hidden": 32}
    assert count(inner=10) == 3 * (32 * 10 + 10) + 32 * 32 + 32 + 8


def test_mapping_declares_the_symbols() -> None:
    count = from_config(
        RatioModel,
        Config,
        symbols={"hidden": Symbol(name="d", multiple_of=4), "ratio": Symbol(real=True, max=1)},
        bias=False,
    )
    assert [(h.name, h.multiple_of, h.real) for h in count.hyperparameters] == [
        ("d", 4, False),
        ("ratio", 1, True),
    ]
    assert count(d=100, ratio=0.29) - count(d=100, ratio=0.5) == 28 - 50


def test_alias_that_the_signature_does_not_have() -> None:
    assert from_config(Model, Config, symbols=["width"]).defaults == {"width": 32}


def test_dotted_name_reaches_the_config_inside() -> None:
    count = from_config(Model, Config, symbols=["hidden", "text.width"], text={"depth": 5})
    assert count.defaults == {"hidden": 32, "text_width": 16}
    assert count(text_width=100) - count(text_width=10) == 450 + 45


def test_config_inside_stays_as_the_outer_one_has_it() -> None:
    depth = from_config(Model, Config, symbols=["text.depth"])
    with torch.device("meta"):
        assert depth() == sum(p.numel() for p in Model(Config()).parameters())
    assert depth(text_depth=3) - depth() == 16  # the width that the outer config gives it
    both = from_config(Model, Config, symbols=["text.depth"], text={"half": 100})
    assert both() - depth() == 92


def test_config_inside_may_be_a_dictionary() -> None:
    class Holder:
        def __init__(self, sizes: Mapping[str, Any] | None = None) -> None:
            self.sizes = {"a": {"x": 2, "y": 3}, "b": 5} if sizes is None else sizes

    def model(config: Holder) -> nn.Module:
        return nn.Linear(config.sizes["a"]["x"] * config.sizes["a"]["y"], config.sizes["b"])

    count = from_config(model, Holder, symbols=["sizes.a.x", "sizes.b"])
    assert (str(count), count()) == ("3*sizes_a_x*sizes_b + sizes_b", 35)


def test_fixed_values_are_handed_over_anew_each_time() -> None:
    scaling = {"factor": 2}
    count = from_config(Model, Config, symbols=["hidden"], scaling=scaling)
    assert scaling == {"factor": 2}
    assert count.valid(hidden=64)


def test_any_callable_may_build_the_config_and_the_model() -> None:
    @dataclass
    class Sizes:
        widths: list[int] = field(default_factory=lambda: [1])
        d: int = 4

    count = from_config(lambda sizes: nn.Linear(sizes.d, 3), lambda d=5: Sizes(d=d), symbols=["d"])
    assert (str(count), count()) == ("3*d + 3", 18)
    assert from_config(lambda sizes: nn.Linear(sizes.d, 3), Sizes, symbols=["d"])() == 15


def test_options_of_derive_are_handed_on() -> None:
    def model(config: Config) -> nn.Module:
        return nn.Linear(config.hidden, 1 if config.hidden % 7 else 2)

    with pytest.raises(IncompleteError, match=r"Model|model"):
        from_config(model, Config, symbols=["hidden"], max_paths=1, strict=True)
    assert from_config(model, Config, symbols=["hidden"], max_work=20_000_000, strict=True)() == 33


def test_error_names_the_model_and_where_it_is() -> None:
    class Failing(nn.Module):
        def __init__(self, config: Config) -> None:
            raise RuntimeError("no such thing")

    said = message(FactoryError, from_config, Failing, Config, symbols=["hidden"])
    assert re.match(r"Failing \(.*test_configs\.py:\d+\): ", said)
    assert "RuntimeError: no such thing" in said


@pytest.mark.parametrize(
    ("symbols", "fixed", "said"),
    [
        (["hiden"], {}, "Config has no keyword 'hiden'; did you mean 'hidden'?"),
        (["text.widht"], {}, "Config: Config.text has no 'widht', which 'text.widht' names; did "
                             "you mean 'width'?"),
        (["ratio"], {}, "Config: ratio is 0.5 by default, a float; keep it symbolic with "
                        "symbols={'ratio': Symbol(real=True)}, or leave it out"),
        (["act"], {}, "Config: act is 'gelu' by default, a str; symbols stand for integers, so "
                      "leave it out, or fix it"),
        (["bias"], {}, "Config: bias is True by default, a bool; symbols stand for integers, so "
                       "leave it out, or fix it"),
        (["hidden"], {"hidden": 64}, "Config: hidden=64 fixes what symbols keeps symbolic; leave "
                                     "one of the two out"),
        ("hidden", {}, "Config: symbols='hidden' is a text; write symbols=['hidden']"),
        ({"hidden": 64}, {}, "Config: symbols={'hidden': 64} is no declaration; write Symbol(), "
                             "or fix it with hidden=64 instead"),
        (["a b"], {}, "Config: symbol 'a b' is not the name of a keyword"),
        (["text.width", "text_width"], {}, "Config: two symbols would be called 'text_width'; give "
                                           "one of them up"),
        ([], {}, "from_config(Model, Config): no symbols are given; name the keywords to keep "
                 'symbolic, such as symbols=["hidden_size"]'),
        (["groups"], {"hidden": 33}, "Config(hidden=33) raised, so its defaults are not known; "
         "fix what it needs:\n  ValueError: hidden=33 must be a multiple of heads=4"),
    ],
)  # fmt: skip
def test_mistake_is_named(
    symbols: Sequence[str] | Mapping[str, Symbol], fixed: Mapping[str, Any], said: str
) -> None:
    assert message(ArgumentError, from_config, Model, Config, symbols=symbols, **fixed) == said


def test_what_is_no_class_is_named() -> None:
    assert message(ArgumentError, from_config, 3, Config, symbols=["hidden"]) == (
        "from_config() takes a model class, not 3"
    )
    said = message(ArgumentError, from_config, Model, "no/such/config", symbols=["hidden"])
    assert said.startswith("the config no/such/config cannot be read: ")


# --- a config as it is ------------------------------------------------------------------------


class Chooser:
    """A class that is no model, and makes one."""

    @classmethod
    def from_config(cls, config: Config) -> Model:
        return Model(config)


class Known(Model):
    config_class = Config


def built(config: Config) -> int:
    return sum(p.numel() for p in Model(config).parameters())


@pytest.mark.parametrize("model", [Model, Chooser])
def test_a_config_object_fixes_what_is_no_symbol(model: Any) -> None:
    config = Config(hidden=24, layers=5, bias=False, text={"width": 6}, extra=3)
    count = from_config(model, config, symbols=["hidden", "layers"], heads=2)
    assert count.defaults == {"hidden": 24, "layers": 5}
    for hidden, layers in ((24, 5), (2, 1), (40, 7)):
        point = {"hidden": hidden, "layers": layers}
        assert count(**point) == built(
            Config(**point, heads=2, bias=False, text={"width": 6}, extra=3)
        )
    assert ("bias", "False") in count.fixed and ("extra", "3") in count.fixed
    assert count.origin is not None and count.origin.config == f"{__name__}:Config"


@pytest.mark.parametrize("kind", ["dict", "file", "folder"])
def test_a_dict_or_a_file_is_of_the_class_that_the_model_names(kind: str, tmp_path: Path) -> None:
    values = {"hidden": 24, "heads": 2, "model_type": "own"}
    (tmp_path / "config.json").write_text(json.dumps(values))
    given = {"dict": values, "file": str(tmp_path / "config.json"), "folder": tmp_path}[kind]
    count = from_config(Known, given, symbols=["layers", "hidden"])
    assert count() == built(Config(hidden=24, heads=2)) and count.defaults["hidden"] == 24
    assert "config_class" in message(ArgumentError, from_config, Model, given, symbols=["layers"])


@pytest.mark.parametrize("text", ["[1]", "{", '"hidden"'])
def test_a_file_that_holds_no_config_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(text)
    said = message(ArgumentError, from_config, Known, tmp_path, symbols=["hidden"])
    assert str(tmp_path / "config.json") in said


class Reading(Model):
    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.own = nn.Linear(getattr(config, "unnamed_width", config.hidden), 1, bias=False)


def test_what_the_model_reads_of_a_config_may_be_a_symbol_though_no_signature_names_it() -> None:
    count = from_config(Reading, Config, symbols=["unnamed_width"])
    assert count(7) == built(Config()) + 7
    said = message(ArgumentError, from_config, Reading, Config, symbols=["unnamed_depth"])
    assert said == "Config has no keyword 'unnamed_depth'"


def test_a_default_below_one_is_none_of_a_symbol() -> None:
    class Padded(Model):
        def __init__(self, config: Config) -> None:
            super().__init__(config)
            self.pad = nn.Linear(2 * config.padding + 1, 1, bias=False)

    count = from_config(Padded, Config, symbols=["padding"])
    assert count.defaults == {} and count(3) == built(Config()) + 7


def test_config_without_kwargs_refuses_what_it_does_not_know() -> None:
    assert message(ArgumentError, from_config, Model, Text, symbols=["width"], dept=3) == (
        "Text has no keyword 'dept'; did you mean 'depth'?"
    )


def test_model_of_transformers() -> None:
    transformers = pytest.importorskip("transformers")
    count = from_config(
        transformers.LlamaForCausalLM,
        transformers.LlamaConfig,
        symbols=["vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers"],
    )
    assert count() == 6_738_415_616
    aliased = from_config(transformers.GPT2Model, transformers.GPT2Config, symbols=["hidden_size"])
    assert aliased() == 124_439_808
    narrow = from_config(
        transformers.GPT2Model, transformers.GPT2Config, symbols=["n_layer"], hidden_size=96
    )
    assert narrow(n_layer=1) - narrow(n_layer=2) == -(12 * 96**2 + 13 * 96)
    assert message(
        ArgumentError,
        from_config,
        transformers.GPT2Model,
        transformers.GPT2Config,
        symbols=["n_layer"],
        hiden_size=96,
    ).startswith("GPT2Config has no keyword 'hiden_size'")


# --- all symbols ------------------------------------------------------------------------------


def test_all_integers_of_a_config() -> None:
    found = all_symbols_from_config(Model, Config, bias=False, ratio=0.25)
    assert found.kept == ("hidden", "layers", "heads", "groups")
    assert dict(found.refused) == {"padding": "0 by default, which is no positive integer"}
    assert found.count is not None and found.count.defaults["groups"] == 4
    declared = all_symbols_from_config(
        Model, Config, symbols={"hidden": Symbol(multiple_of=4), "inner": Symbol()}, groups=2
    )
    assert declared.kept == ("hidden", "layers", "heads", "inner")


def test_from_config_is_a_name_of_the_package() -> None:
    assert symcount.from_config is from_config
    assert "from_config" in symcount.__all__
    assert issubclass(UnsupportedError, symcount.DerivationError)
