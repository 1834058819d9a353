"""`ParamCount.function`: the plain Python function of a formula, and the call that uses it."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import symcount
from symcount import ParamCount, Symbol, derive
from symcount.algebra.functions import call
from symcount.algebra.poly import symbol
from symcount.formula.formula import Formula
from symcount.symbols import Hyperparameter, RealHyperparameter
from tests.formulas import formula, formulas
from tests.random_expressions import NAMES, thorough

ODD = (0, -1, True, np.int64(8), np.uint8(3), 8.0, "8", None, 2**70)


def outcome(function: Any, *args: Any, **kwargs: Any) -> Any:
    """What a call gives: the number and its type, or the error and what it says."""
    try:
        result = function(*args, **kwargs)
    except Exception as error:
        return type(error), str(error)
    return type(result), result


@thorough(60)
@given(
    formulas(),
    st.lists(
        st.tuples(*[st.one_of(st.integers(1, 100), st.sampled_from(ODD)) for _ in NAMES]),
        min_size=1,
        max_size=8,
    ),
)
def test_the_function_does_what_the_slow_path_does(count: ParamCount, points: Any) -> None:
    for values in points:
        expected = outcome(count.formula._called, *values)
        named = dict(zip(NAMES, values, strict=True))
        assert outcome(count.function, *values) == expected
        assert outcome(count.function, **named) == expected
        assert outcome(count, *values) == expected
        assert outcome(count, **named) == expected


def test_ordinary_sizes_do_not_take_the_slow_path(monkeypatch: pytest.MonkeyPatch) -> None:
    count = derive(lambda dim, heads=4: nn.MultiheadAttention(dim, heads))
    monkeypatch.setattr(Formula, "_called", lambda *args: pytest.fail("the slow path"))
    assert count(64) == count(64, 8) == count(dim=64) == count.function(64, heads=2) == 16640


def test_outside_the_domain_the_slow_path_is_taken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A `DomainError` is a `ValueError`, and might be taken for one of the arithmetic."""
    calls = []
    original = Formula._called

    def counted(self: Formula, *args: Any) -> int:
        calls.append(args)
        return original(self, *args)

    monkeypatch.setattr(Formula, "_called", counted)
    count = derive(lambda dim, heads=4: nn.MultiheadAttention(dim, heads))
    with pytest.raises(symcount.DomainError) as raised:
        count(62)
    assert calls == [(62, 4)]
    assert raised.value.__context__ is None


def test_its_signature_is_that_of_the_formula() -> None:
    function = derive(lambda dim, heads=4: nn.MultiheadAttention(dim, heads)).function
    parameters = inspect.signature(function).parameters
    assert {name: p.default for name, p in parameters.items()} == {
        "dim": inspect.Parameter.empty,
        "heads": 4,
    }
    for args, kwargs in (((), {}), ((1, 2, 3), {}), ((8,), {"dim": 8}), ((8,), {"width": 8})):
        with pytest.raises(TypeError):
            function(*args, **kwargs)


def test_a_symbol_without_a_default_may_follow_one_that_has() -> None:
    count = formula(
        symbol("a") * symbol("b"), [Hyperparameter("a", default=2), Hyperparameter("b")]
    )
    assert count(b=5) == count.function(b=5) == 10
    for function in (count, count.function):
        with pytest.raises(symcount.ArgumentError, match="needs a value for 'b'"):
            function(3)


@pytest.mark.parametrize(
    "name", ["type", "int", "max", "gamma", "t0", "t1", "_slow", "lambda", "DomainError"]
)
def test_a_symbol_may_have_the_name_of_anything(name: str) -> None:
    d = symbol(name)
    steps = call("trunc", call("fmul", call("gamma", call("sqrt", d)), call("max", d, d * d)))
    count = formula(steps, [name])
    for value in (1, 2, 7, 30):
        assert count(value) == count(**{name: value}) == count.function(**{name: value})
        assert count(value) == count.formula._called(value)
    with pytest.raises(symcount.ArgumentError, match="needs a value"):
        count()


@pytest.mark.parametrize("value", [63, 64, 72, 96, 128, 136, 1, 0, -64])
def test_declared_bounds_are_kept(value: int) -> None:
    count = derive(lambda d: nn.Linear(d, 1), d=Symbol(min=64, max=128, multiple_of=32))
    if value in (64, 96, 128):
        assert count(value) == count.function(value) == value + 1
    else:
        for function in (count, count.function):
            with pytest.raises(symcount.DomainError, match="it was derived for d >= 64, d <= 128"):
                function(value)


@pytest.mark.parametrize("ratio", [0.0, -1.0, float("inf"), float("nan"), 0.2, 4.5])
def test_real_symbols_are_positive_numbers_within_their_bounds(ratio: float) -> None:
    def factory(d: int, ratio: float) -> nn.Module:
        return nn.Linear(d, int(d * ratio), bias=False)

    count = derive(factory, ratio=Symbol(real=True, min=0.25, max=4))
    assert count.function(100, 0.29) == count(100, ratio=0.29) == 100 * int(100 * 0.29)
    assert count(100, 1) == 10000  # an integer is a number too
    for function in (count, count.function):
        with pytest.raises(symcount.DomainError):
            function(100, ratio)


@pytest.mark.parametrize("ratio", [float("inf"), float("nan"), 0.0])
def test_what_is_no_positive_number_is_refused_also_where_nothing_depends_on_it(
    ratio: float,
) -> None:
    count = formula(symbol("d"), [Hyperparameter("d"), RealHyperparameter("ratio", 0.0)])
    assert count.function(3, 0.5) == 3
    with pytest.raises(symcount.DomainError):
        count.function(3, ratio)
