"""The comparison's own side: its formulas by hand, its models, and the page that quotes it.

`make comparison` runs the other tools; nothing here needs them.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from benchmarks.comparison.models import MODELS, Model, cookbook, megatron, sweep, twelve
from symcount import ParamCount

PAGE = Path(__file__).parent.parent / "docs" / "comparison.md"
OF_NAME = {model.name: model for model in MODELS}
small = st.integers(1, 6)


def added_up(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@cache
def derived(name: str) -> ParamCount:
    return OF_NAME[name].derived()


def counted(model: Model) -> int:
    return derived(model.name)(**model.sizes)


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_formulas_count_what_is_built(model: Model) -> None:
    with torch.device("meta"):
        assert counted(model) == added_up(model.factory(**model.sizes))
    assert derived(model.name).certificate.grade == "complete"


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_sizes_are_the_defaults_of_the_factory(model: Model) -> None:
    with torch.device("meta"):
        assert added_up(model.factory()) == added_up(model.factory(**model.sizes))


def by_layers(d: int, n: int, V: int, s: int, f: int, linears: int) -> int:
    """A GPT in plain arithmetic: tied embeddings, positions, layers with biases; no last norm."""
    attention = 4 * (d * d + d)
    feed_forward = linears * d * f + (f + d)
    return V * d + s * d + n * (attention + feed_forward + 2 * 2 * d)


@settings(deadline=None)
@given(d=small, n=small, V=small, s=small)
def test_megatron_is_a_gpt_without_its_last_norm(d: int, n: int, V: int, s: int) -> None:
    assert megatron(d, n, V, s) == by_layers(d, n, V, s, f=4 * d, linears=2)


@settings(deadline=None)
@given(d=small, n=small, V=small, s=small)
def test_cookbook_is_megatron_where_it_is_not_told_more(d: int, n: int, V: int, s: int) -> None:
    assert cookbook(d, n, V, s) == megatron(d, n, V, s)
    assert cookbook(d, n, V, s, linears=3) == megatron(d, n, V, s) + 4 * n * d * d


@settings(deadline=None)
@given(d=small, n=small)
def test_twelve_is_the_matrices_of_the_layers(d: int, n: int) -> None:
    matrices = sum(
        n * rows * columns
        for rows, columns in [*[(d, d)] * 4, (d, 4 * d), (4 * d, d)]  # query, key, value, out
    )
    assert twelve(d, n) == matrices


def test_what_formulas_by_hand_leave_out() -> None:
    """The reasons that the page gives for each difference."""

    def missing(name: str, rule: str) -> int:
        model = OF_NAME[name]
        return counted(model) - model.by_hand[rule](model.sizes)

    d = 768
    assert missing("GPT-2", "Megatron-LM") == missing("GPT-2", "cookbook") == 2 * d  # last norm
    # the norm of the embeddings, two types of tokens, the pooler
    assert missing("BERT base", "Megatron-LM") == 2 * d + 2 * d + (d * d + d)
    d, n, V = 4096, 32, 32000
    # the output layer is one of its own; norms have no bias, and nothing else has
    assert missing("Llama 7B", "cookbook") == V * d + (2 * n * d + d) - 13 * n * d


def test_the_sweep_is_a_thousand_sizes_of_the_domain() -> None:
    sizes = sweep()
    assert len({tuple(each.items()) for each in sizes}) == 1000
    assert all(derived("GPT-2").valid(**each) for each in sizes)


def rows_of_the_page() -> dict[str, list[str]]:
    text = PAGE.read_text(encoding="utf-8")
    table = text[text.index("| | SE block |") :].split("\n\n")[0]
    return {
        cells[1].strip(): [cell.strip() for cell in cells[2:-1]]
        for cells in (line.split("|") for line in table.splitlines())
    }


def test_the_page_quotes_what_symcount_says_now() -> None:
    rows = rows_of_the_page()
    assert rows[""] == [model.name for model in MODELS]
    assert rows["symcount"] == [f"**{counted(model):,}**" for model in MODELS]


def test_the_page_quotes_what_formulas_by_hand_say() -> None:
    rows = rows_of_the_page()
    for place, model in enumerate(MODELS):
        for rule, value in model.by_hand.items():
            quoted = rows[f"by hand: `{rule}`"][place]
            assert re.sub(r" .*|\*", "", quoted) == f"{value(model.sizes):,}"


def test_an_input_fits_its_model() -> None:
    for model in (OF_NAME["SE block"], OF_NAME["tied LM"]):
        with torch.device("meta"):
            module = model.factory(**model.sizes).eval()
        output = module(**model.inputs("meta"))
        assert output.is_meta
