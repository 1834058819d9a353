"""`assert_param_count`: passes on what is proved, and says what it is otherwise."""

from __future__ import annotations

from typing import Any

import pytest
import sympy
from torch import nn

from symcount import ArgumentError, DerivationError, ParamCount, Symbol, derive
from symcount.errors import IncompleteError, UndecidedError
from symcount.questions import equality
from symcount.testing import assert_param_count


def squeeze(dim: int, reduction: int = 4):
    hidden = max(1, dim // reduction)
    return nn.Sequential(nn.Linear(dim, hidden, bias=False), nn.Linear(hidden, dim))


def failure(*arguments: Any, **keywords: Any) -> str:
    with pytest.raises(AssertionError) as caught:
        assert_param_count(*arguments, **keywords)
    return str(caught.value)


def refusal(*arguments: Any, **keywords: Any) -> str:
    with pytest.raises(ArgumentError) as caught:
        assert_param_count(*arguments, **keywords)
    return str(caught.value)


EMBED = sympy.Symbol("embed_dim")


@pytest.mark.parametrize(
    "expected",
    [
        "4*embed_dim**2 + 4*embed_dim",
        "4 * embed_dim * (1 + embed_dim)",
        "embed_dim*(8*embed_dim + 8)/2",
        "4*embed_dim**2 + 4*embed_dim + embed_dim % num_heads",  # 0 on the domain
        "4*embed_dim*(num_heads*(embed_dim//num_heads) + 1)",
        4 * EMBED**2 + 4 * EMBED,
        derive(nn.MultiheadAttention),
    ],
)
def test_what_is_the_same_function_passes(expected: Any) -> None:
    count = assert_param_count(nn.MultiheadAttention, expected)
    assert isinstance(count, ParamCount) and count(64, 8) == 16640


def test_a_number_is_expected_of_what_has_no_other() -> None:
    assert_param_count(lambda d: nn.Linear(9, 10), 100)
    assert_param_count(lambda d: nn.Linear(9, 10), "9*10 + 10")
    assert "d=1: 101 expected, 100 derived" in failure(lambda d: nn.Linear(9, 10), 101)


def test_the_text_that_a_formula_prints_can_be_expected() -> None:
    for factory in (squeeze, lambda d, k: nn.Linear(min(d, k) + -(-d // k), d % 3)):
        assert_param_count(factory, str(derive(factory)))
    text = "2*dim*max(1, dim//reduction) + dim"
    assert_param_count(squeeze, text)


def test_keywords_are_those_of_derive() -> None:
    assert_param_count(nn.Linear, "64*width", in_features=64, out_features=Symbol(name="width"),
                       bias=False)  # fmt: skip
    assert_param_count(squeeze, "dim**2/2 + dim", dim=Symbol(min=4, multiple_of=4), reduction=4)
    with pytest.raises(IncompleteError):
        assert_param_count(lambda d: nn.Linear(d, 2 if d > 5 else 3), "d", strict=True, max_paths=1)


def test_a_failure_shows_both_formulas_the_domain_and_the_first_size() -> None:
    assert failure(nn.MultiheadAttention, "4*embed_dim**2 + 3*embed_dim + 1") == (
        "MultiheadAttention does not have the expected parameter count\n"
        "  expected:   4*embed_dim**2 + 3*embed_dim + 1\n"
        "  derived:    4*embed_dim**2 + 4*embed_dim\n"
        "  domain:     Eq(Mod(embed_dim, num_heads), 0)\n"
        "  first size: embed_dim=2, num_heads=1: 23 expected, 24 derived"
    )
    text = failure(squeeze, "2*dim*(dim//reduction) + dim")
    assert "  domain:     all positive integers\n" in text
    assert "  first size: dim=1, reduction=2: 1 expected, 3 derived" in text


def test_a_size_that_is_not_the_first_is_not_called_so() -> None:
    text = failure(lambda d: nn.Linear(d, 1, bias=False), "d + max(0, d - 200000)")
    assert text.endswith("  they differ at: d=200001: 200,002 expected, 200,001 derived")


def test_what_is_no_integer_is_called_so() -> None:
    assert "dim=1, reduction=1: no integer expected, 3 derived" in failure(squeeze, "3*dim/2")


def test_another_domain_is_a_failure_and_shown() -> None:
    def heads(embed_dim: int, num_heads: int):
        return nn.Sequential(*(nn.Linear(embed_dim, embed_dim) for _ in range(4)))

    text = failure(nn.MultiheadAttention, derive(heads))
    assert (
        "  expected:   4*embed_dim**2 + 4*embed_dim\n   of domain: all positive integers\n" in text
    )
    assert "embed_dim=1, num_heads=2: 8 expected, outside the domain derived" in text


def test_undecided_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def undecided(self: Any) -> None:
        raise UndecidedError("not known")

    monkeypatch.setattr(equality.Sides, "proved_or_found", undecided)
    monkeypatch.setattr(equality, "_IN_ORDER", 50)
    text = failure(nn.MultiheadAttention, "4*embed_dim**2 + 4*embed_dim + embed_dim % num_heads")
    assert text.startswith(
        "MultiheadAttention is not proved to have the expected parameter count\n"
    )
    assert text.endswith("  undecided:  no size was found at which they differ, and no proof")


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ("4*d**2 + e", "the formula of MultiheadAttention has no symbol 'd', 'e'; its symbols are: "
                       "embed_dim, num_heads"),
        ("4*embed_dim**", "this is no expression"),
        ("__import__('os').system('true')", "is not understood"),
        ("embed_dim.real", "is not understood"),
        ("floor(1, 2)", "floor() does not take 2 values"),
        ("Mod(embed_dim)", "Mod() does not take 1 values"),
        ("4.0*embed_dim", "a float is not exact"),
        (True, "not a bool"),
        (None, "a NoneType stands for no integer"),
        (derive(nn.Linear), "of different symbols"),
    ],
)  # fmt: skip
def test_what_cannot_be_expected_is_refused(expected: Any, said: str) -> None:
    assert said in refusal(nn.MultiheadAttention, expected)


def test_floats_are_not_computed_with() -> None:
    def scaled(d: int, r: float = 2.0):
        return nn.Linear(d, int(d * r), bias=False)

    text = refusal(scaled, "d*d*r", r=Symbol(real=True))
    assert "r is a float, and computing with floats rounds" in text
    assert "d=1, r=2.0: 1 expected, 2 derived" in failure(scaled, "d", r=Symbol(real=True))


def test_a_factory_without_a_formula_is_an_error_of_its_own() -> None:
    def fails(d: int):
        raise ValueError("never")

    with pytest.raises(DerivationError, match="never"):
        assert_param_count(fails, "d")


def test_parameters_may_be_called_as_ours_are() -> None:
    def factory(expected: int, factory: int):
        return nn.Linear(expected, factory, bias=False)

    assert_param_count(factory, "5*factory", expected=5)
