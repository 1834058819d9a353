"""The seed blueprints in the default registry: every reference count, and brute force."""

from __future__ import annotations

import random

import pytest
import sympy
import torch

import symcount
from symcount import blueprints
from symcount.blueprints import cnn, transformer
from tests import reference
from tests.brute_force import disagreement

SEEDS = {spec.key: spec for spec in blueprints if spec.factory.__module__ in (
    cnn.__name__, transformer.__name__
)}  # fmt: skip
# keyword -> values to draw from
KEYWORDS = {"reduction": range(1, 65), "rank": range(1, 129), "n_head": range(1, 33),
            "expansion": range(1, 17)}  # fmt: skip


def plain_count(factory, *args, **kwargs) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in factory(*args, **kwargs).parameters())


def test_there_are_sixteen_seeds_and_none_declares_a_count() -> None:
    assert sorted(SEEDS) == sorted(seed.name for seed in reference.SEEDS)
    assert [spec.declared_estimate for spec in SEEDS.values()] == [None] * 16


@pytest.mark.parametrize("seed", reference.SEEDS, ids=lambda seed: seed.name)
def test_every_reference_count(seed) -> None:
    count = SEEDS[seed.name].param_count
    for size, expected in zip(reference.SIZES, seed.counts, strict=True):
        if expected is None:
            with pytest.raises(symcount.DomainError):
                count(size)
        else:
            assert count(size) == expected


@pytest.mark.parametrize("seed", reference.SEEDS, ids=lambda seed: seed.name)
def test_the_formula_is_the_reference_formula_at_every_size(seed) -> None:
    count = SEEDS[seed.name].param_count
    for dim in range(1, 1025):
        try:
            derived = count(dim)
        except symcount.DomainError:
            assert "attention" in seed.name and dim % 4
        else:
            assert derived == seed.count(dim)


@pytest.mark.parametrize("key", sorted(SEEDS))
def test_brute_force_to_300(key: str) -> None:
    """Every value of every symbol from 1 to 300, the others at their defaults or drawn."""
    count = SEEDS[key].param_count
    symbols = count.hyperparameters
    draw = random.Random(key)
    for symbol in symbols:
        for value in range(1, 301):
            point = {h.name: draw.randint(1, 300) for h in symbols} | {symbol.name: value}
            for values in ({h.name: h.default or 64 for h in symbols}, point):
                values[symbol.name] = value
                found = disagreement(count, SEEDS[key].factory, values)
                assert found is None, found


@pytest.mark.parametrize("key", sorted(SEEDS))
def test_500_random_sizes_and_keyword_values(key: str) -> None:
    count = SEEDS[key].param_count
    keywords = [h.name for h in count.hyperparameters if h.name != "dim"]
    draw = random.Random(key)
    refused = 0
    for _ in range(500):
        values = {name: draw.choice(KEYWORDS[name]) for name in keywords}
        dim = draw.randint(1, 2048)
        if "n_head" in values and draw.random() < 0.5:
            dim *= values["n_head"]
        try:
            expected = plain_count(SEEDS[key].factory, dim, **values)
        except ValueError:
            refused += 1
            with pytest.raises(symcount.DomainError):
                count(dim, **values)
        else:
            assert count(dim, **values) == expected
    assert refused == 0 or "attention" in key


def test_squeeze_excitation_in_general_form() -> None:
    count = SEEDS["cnn:attention"].param_count
    assert str(count) == "2*dim*Max(1, floor(dim/reduction)) + dim"
    assert (count(64), count(512)) == (2112, 131_584)
    assert count.domain is sympy.true
    assert count.defaults == {"reduction": 4}


def test_the_first_ticket_recommends_a_wrong_formula() -> None:
    """Its bias of the first layer does not exist: it is too high by dim // reduction."""
    count = SEEDS["cnn:attention"].param_count
    for dim in (64, 512):
        r = 4
        recommended = 2 * dim * (dim // r) + dim + dim // r
        assert recommended == reference.RECOMMENDED_COUNTS[dim]
        assert recommended - count(dim) == dim // r
    assert [reference.RECOMMENDED_COUNTS[d] for d in (64, 512)] == [2128, 131_712]


def test_a_ladder_of_group_sizes_joins_to_one_polynomial() -> None:
    count = SEEDS["cnn:depthwise"].param_count
    assert str(count) == "dim**2 + 11*dim"
    assert count.domain is sympy.true
    assert count.certificate.paths == 1


@pytest.mark.parametrize("name", ["attention", "flex_attention"])
def test_outside_the_domain_the_factory_is_quoted(name: str) -> None:
    count = SEEDS[f"transformer:{name}"].param_count
    assert str(count.domain) == "Eq(Mod(dim, n_head), 0)"
    with pytest.raises(symcount.DomainError) as caught:
        count(30)
    message = str(caught.value)
    assert "dim=30, n_head=4 is outside the domain" in message
    assert "Eq(Mod(dim, n_head), 0) fails" in message
    assert "transformer.py:" in message
    assert "ValueError: dim must be divisible by n_head, got dim=" in message
