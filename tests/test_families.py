"""Formulas of published families, every size symbolic, against built models and the literature."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import sympy
import torch
from torch import nn

import symcount
from examples import families
from examples.families import EFFICIENTNETS, FAMILIES, PUBLISHED, PublishedSize, derived
from tests.random_trees import solved, tried
from tests.storing import assert_loads

pytestmark = pytest.mark.skipif(
    find_spec("transformers") is None, reason="transformers is not installed"
)

# One published size of each family: what it fixes is what its formula fixes.
SIZES = {family.__name__: next(s for s in PUBLISHED if s.family is family) for family in FAMILIES}
POINTS = 20
MOST_DRAWN = 20_000

each_family = pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)

# Drawn from here are the symbols whose names hold these words, and other sizes from `WIDTHS`.
SMALL: dict[str, Sequence[float]] = {
    "multiplier": [n / 16 for n in range(1, 33)],
    "ratio": range(1, 9),
    "layer": range(1, 6),
    "depth": range(1, 5),
    "head": range(1, 9),
    "patch": range(1, 9),
    "window": range(1, 9),
    "expert": range(1, 9),
}
WIDTHS = (*range(1, 13), *range(16, 97, 8))


def count_built(size: PublishedSize, values: Mapping[str, float]) -> int | Exception:
    """The parameters of the model, built plainly on the meta device."""
    try:
        with torch.device("meta"):
            model = size.family(**values, **size.fixed)
    except Exception as error:
        return error
    return sum(parameter.numel() for parameter in model.parameters())


def draw_values(size: PublishedSize, draw: random.Random) -> dict[str, float]:
    return {
        name: draw.choice(next((r for word, r in SMALL.items() if word in name), WIDTHS))
        * getattr(size.declared.get(name), "multiple_of", 1)
        for name in size.symbolic
    }


@each_family
def test_formula_is_complete_and_all_published_sizes_are_in_its_domain(
    size: PublishedSize,
) -> None:
    count = derived(size)
    assert count.certificate.grade == "complete"
    assert {symbol.name for symbol in count.symbols} == set(size.symbolic)
    alike = [other for other in PUBLISHED if other.family is size.family]
    for other in alike:
        if other.fixed == size.fixed:
            assert other.is_total(count(**other.symbolic))


@each_family
def test_formula_gives_what_is_built_at_small_sizes_and_its_domain_where_anything_is(
    size: PublishedSize,
) -> None:
    count, draw = derived(size), random.Random(size.name)
    inside = outside = 0
    for _ in range(MOST_DRAWN):
        values = draw_values(size, draw)
        if count.valid(**values):
            assert count(**values) == count_built(size, values), values
            inside += 1
            if inside == POINTS:
                break
        elif outside < POINTS:
            assert isinstance(count_built(size, values), Exception), values
            outside += 1
    assert inside == POINTS


@each_family
def test_solving_for_each_size_agrees_with_trying_values_about_the_published_one(
    size: PublishedSize,
) -> None:
    count = derived(size)
    total = count(**size.symbolic)
    for h in count.hyperparameters:
        if h.real:
            continue
        others = {name: value for name, value in size.symbolic.items() if name != h.name}
        value = size.symbolic[h.name]
        low, high = max(1, value - 20), value + 20
        for budget in (total, total - 1, total + total // 20):
            assert solved(count, h.name, budget, between=(low, high), **others) == tried(
                count, h.name, range(low, high + 1), budget, **others
            )
        if h.name != "image_size" and any(s.name == h.name for s in count.expr.free_symbols):
            largest = count.solve(h.name, total, **others)
            assert largest >= value and count(**{**others, h.name: largest}) <= total
            assert value in count.solve(h.name, total, want="exact", **others)


@each_family
def test_shares_of_each_family_add_up_to_one(size: PublishedSize) -> None:
    count = derived(size)
    for depth in (1, 3):
        assert sum(share(**size.symbolic) for share in count.share(depth).values()) == 1


def symbols_of(family: str) -> dict[str, sympy.Symbol]:
    return {symbol.name: symbol for symbol in derived(SIZES[family]).symbols}


def expression(family: str, **values: Any) -> sympy.Expr:
    of = symbols_of(family)
    return derived(SIZES[family]).expr.subs({of[name]: value for name, value in values.items()})


def test_gpt2_is_the_megatron_formula_and_the_final_norm_that_it_omits() -> None:
    of = symbols_of("gpt2")
    # Narayanan et al. 2021, "Efficient Large-Scale Language Model Training on GPU Clusters Using
    # Megatron-LM", equation 2: l layers, hidden size h, vocabulary V, sequence length s.
    layers, h, V, s = of["n_layer"], of["n_embd"], of["vocab_size"], of["n_positions"]
    megatron = 12 * layers * h**2 * (1 + sympy.Rational(13, 12) / h + (V + s) / (12 * layers * h))
    assert sympy.simplify(expression("gpt2", n_inner=4 * h) - megatron) == 2 * h


def test_llama_is_its_general_form() -> None:
    of = symbols_of("llama")
    d, f, V = of["hidden_size"], of["intermediate_size"], of["vocab_size"]
    layers, h, k = (
        of[f"num_{what}"] for what in ("hidden_layers", "attention_heads", "key_value_heads")
    )
    form = 2 * V * d + d + layers * (2 * d**2 + 2 * d * k * (d / h) + 3 * d * f + 2 * d)
    assert sympy.expand(expression("llama") - form) == 0


def test_pythia_without_its_vocabulary_is_what_its_sizes_were_published_with() -> None:
    of = symbols_of("pythia")
    # The model cards (Biderman et al. 2023) count without embeddings: l*(12*d**2 + 13*d) + 2*d.
    d, layers = of["hidden_size"], of["num_hidden_layers"]
    rest = expression("pythia", intermediate_size=4 * d) - 2 * of["vocab_size"] * d
    assert sympy.expand(rest - (layers * (12 * d**2 + 13 * d) + 2 * d)) == 0


def test_experts_of_mixtral_are_the_feed_forward_of_mistral_and_a_router() -> None:
    of = symbols_of("mixtral")
    d, f, experts = of["hidden_size"], of["intermediate_size"], of["num_local_experts"]
    added = (experts - 1) * 3 * d * f + experts * d
    difference = expression("mixtral") - derived(SIZES["mistral"]).expr
    assert sympy.expand(difference - of["num_hidden_layers"] * added) == 0


def shapes(model: nn.Module) -> list[torch.Size]:
    return [parameter.shape for parameter in model.parameters()]


@pytest.mark.parametrize("name", [f"b{n}" for n in range(8)])
def test_efficientnet_is_what_its_class_makes_of_coefficients(name: str) -> None:
    from transformers import EfficientNetConfig, EfficientNetForImageClassification

    width, depth = EFFICIENTNETS[name]
    (size,) = (s for s in PUBLISHED if s.name == f"efficientnet-{name}")
    config = EfficientNetConfig(
        width_coefficient=width,
        depth_coefficient=depth,
        hidden_dim=size.symbolic["top"],
        num_labels=1000,
    )
    with torch.device("meta"):
        assert shapes(size.family(**size.symbolic)) == shapes(
            EfficientNetForImageClassification(config)
        )


@pytest.mark.parametrize("multiplier", [0.35, 0.5, 0.75, 1.0, 1.3, 1.4])
def test_mobilenet_v2_is_what_its_class_makes_of_a_multiplier(multiplier: float) -> None:
    from transformers import MobileNetV2Config, MobileNetV2ForImageClassification

    size = families.mobilenet_v2_size("", multiplier, total=0, source="")
    config = MobileNetV2Config(depth_multiplier=multiplier, num_labels=1000)
    with torch.device("meta"):
        assert shapes(size.family(**size.symbolic)) == shapes(
            MobileNetV2ForImageClassification(config)
        )


def test_mobilenet_v2_without_norms_is_what_its_authors_counted() -> None:
    # The table "Pretrained models" of research/slim/nets/mobilenet in tensorflow/models, in
    # millions. It counts neither the scales nor the shifts of batch norms, which are folded into
    # the convolutions before them when a model is used.
    table = {0.35: 1.66, 0.5: 1.95, 0.75: 2.61, 1.0: 3.47, 1.3: 5.34, 1.4: 6.06}
    count = derived(SIZES["mobilenet_v2"])
    norms = [p for name, p in count.breakdown().parameters.items() if ".normalization." in name]
    for multiplier, millions in table.items():
        values = families.mobilenet_v2_size("", multiplier, total=0, source="").symbolic
        rest = count(**values) - sum(norm(**values) for norm in norms)
        assert round(rest / 1e6, 2) == millions


def test_mobilenet_v1_with_its_running_statistics_is_what_keras_counts() -> None:
    count = derived(SIZES["mobilenet_v1"])
    # The documentation of Keras Applications gives 4,253,864. `summary()` calls 21,888 of these not
    # trainable: a mean and a variance for each channel of a batch norm, buffers in torch. There are
    # as many of these as of scales and shifts.
    norms = [p for name, p in count.breakdown().parameters.items() if ".normalization." in name]
    full = {"depth_multiplier": 1.0, "min_depth": 8, "num_channels": 3, "num_labels": 1000}
    assert sum(norm(**full) for norm in norms) == 21_888
    assert count(**full) + 21_888 == 4_253_864


def test_every_family_has_a_published_size() -> None:
    assert {size.family for size in PUBLISHED} == set(families.FAMILIES)


def test_readme_shows_what_is_derived_for_llama(capsys: pytest.CaptureFixture[str]) -> None:
    text = (Path(__file__).parent.parent / "README.md").read_text()
    (code,) = re.findall(r"```python\n(from transformers.*?)```", text, re.DOTALL)
    exec(code, {"symcount": symcount})
    said = re.findall(r"^# (.*)$", code, re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == said


# --- formulas from formulas -------------------------------------------------------------------


@each_family
def test_selected_parts_and_what_is_left_add_up(size: PublishedSize) -> None:
    count = derived(size)
    for pattern in ("*.weight", "*norm*", "*.[a-m]*", "*.bias", "*embed*"):
        try:
            part, rest = count.select(pattern), count.without(pattern)
        except symcount.ArgumentError as error:
            assert "matches no parameters" in str(error)
            continue
        assert part.expr + rest.expr == count.expr
        total = part(**size.symbolic) + rest(**size.symbolic)
        assert total == count(**size.symbolic)
    assert count.select("*") == count


@each_family
def test_the_published_size_is_what_it_is_with_numbers_and_names_substituted(
    size: PublishedSize,
) -> None:
    count = derived(size)
    assert count.substitute(**size.symbolic)() == count(**size.symbolic)
    names = {h.name: f"s{place}" for place, h in enumerate(count.hyperparameters)}
    renamed = count.rename(**names)
    at = {names[name]: value for name, value in size.symbolic.items()}
    assert renamed(**at) == count(**size.symbolic)
    assert renamed.rename(**{new: old for old, new in names.items()}) == count


def test_an_intermediate_size_of_four_widths_is_the_gpt_2_of_the_paper() -> None:
    count = derived(SIZES["gpt2"]).substitute(n_inner="4*n_embd", n_head="n_embd/64")
    for size in PUBLISHED:
        if size.family is families.gpt2:
            at = {k: v for k, v in size.symbolic.items() if k not in ("n_inner", "n_head")}
            assert size.is_total(count(**at))
    assert "Mod(n_embd, 64)" in str(count.domain)


def test_active_parameters_of_mixtral() -> None:
    # Jiang et al. 2024, "Mixtral of Experts": 47B parameters, of which 13B are active, and table 2
    # of each model; the model card has 46.7B and 12.9B. Two of eight experts are.
    count, size = derived(SIZES["mixtral"]), SIZES["mixtral"].symbolic
    experts = count.select("*.experts.*")
    total, active = count(**size), count(**size) - experts(**size) * (8 - 2) // 8
    assert (round(total / 1e9, 1), round(active / 1e9, 1)) == (46.7, 12.9)
    assert (
        count.without("*.experts.*")(**size) + experts(**size | {"num_local_experts": 2}) == active
    )
    assert count.active(per_token=2)(**size) == active
    E = symbols_of("mixtral")["num_local_experts"]
    as_formula = count.expr - experts.expr * (1 - 2 / E)
    at = {symbol: size[symbol.name] for symbol in count.symbols}
    assert as_formula.subs(at) == active == 12_879_925_248


@each_family
def test_stored_and_loaded(size: PublishedSize) -> None:
    count, draw = derived(size), random.Random(size.name)
    drawn = [draw_values(size, draw) for _ in range(200)]
    assert_loads(count, [size.symbolic, *drawn])
