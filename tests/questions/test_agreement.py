"""Functions that count by hand against formulas: proved, refuted at the first size, or tried."""

from __future__ import annotations

import functools
import json
import math
from types import SimpleNamespace
from typing import Any

import pytest
from torch import nn

from symcount import ArgumentError, ParamCount, Symbol, UndecidedError, compare, derive
from symcount.questions import equality
from symcount.testing import assert_param_count


def decoder(d: int, f: int, V: int, n: int) -> nn.Module:
    def block() -> nn.Module:
        gate, up, down = (nn.Linear(*s, bias=False) for s in ((d, f), (d, f), (f, d)))
        return nn.ModuleList([gate, up, down, nn.RMSNorm(d)])

    blocks = nn.ModuleList(block() for _ in range(n))
    embedding, head = nn.Embedding(V, d), nn.Linear(d, V, bias=False)
    return nn.ModuleDict({"embedding": embedding, "blocks": blocks, "head": head})


def gqa(d: int, h: int, kv: int) -> nn.Module:
    if d % h or h % kv:
        raise ValueError("heads do not divide")
    widths = (d, d // h * kv, d // h * kv, d)
    return nn.ModuleList(nn.Linear(d, width, bias=False) for width in widths)


def right(d: int, f: int, V: int, n: int) -> int:
    return 2 * V * d + n * (3 * d * f + d)


def tail(agreement: Any) -> list[str]:
    return [line.strip() for line in str(agreement).splitlines()[4:]]


def with_loop(d: int, f: int, V: int, n: int) -> int:
    total = 2 * V * d
    for _ in range(n):
        total += 3 * d * f
        total += d
    return total


def with_branch(d: int, f: int, V: int, n: int) -> int:
    block = d + sum(a * b for a, b in ((d, f), (d, f), (f, d)))
    return int(n * block + math.prod([V, d])) + (V * d if max(d, 1) == d else 7)


@pytest.mark.parametrize(
    ("function", "verdict"),
    [
        (right, "equal"),
        (with_branch, "equal"),
        (lambda *, V, n, f, d: right(d, f, V, n), "equal"),
        (lambda **sizes: right(**sizes), "equal"),
        (lambda d, f, V, n, tied=False: right(d, f, V, n) - tied * V * d, "equal"),
        (functools.partial(lambda d, f, V, n, heads: heads * right(d, f, V, n), heads=1), "equal"),
        (lambda d, f, V, n: by_config(SimpleNamespace(d=d, f=f, V=V, n=n)), "equal"),
        (with_loop, "checked"),
    ],
)
def test_a_function_that_counts_right_is_proved_to(function: Any, verdict: str) -> None:
    agreement = compare(decoder, function)
    assert agreement.verdict == verdict and agreement and agreement.first is None
    assert isinstance(agreement.count, ParamCount)


def by_config(config: Any) -> int:
    return right(config.d, config.f, config.V, config.n)


def test_the_first_size_and_the_terms_are_shown() -> None:
    agreement = compare(decoder, lambda d, f, V, n: 2 * V * d + n * (2 * d * f + d))  # no gate
    assert agreement.verdict == "different" and not agreement
    assert agreement.terms == (("2*d*f*n", "3*d*f*n"),)
    assert tail(agreement) == [
        "first size: d=1, f=1, V=1, n=1: 5 expected, 6 derived",
        "terms:      2*d*f*n expected, 3*d*f*n derived",
    ]


@pytest.mark.parametrize(
    ("factory", "function", "report"),
    [
        (
            decoder,  # tied heads
            lambda d, f, V, n: V * d + n * (3 * d * f + d),
            ["first size: d=1, f=1, V=1, n=1: 5 expected, 6 derived",
             "terms:      V*d expected, 2*V*d derived"],
        ),
        (
            decoder,  # depth off by one
            lambda d, f, V, n: right(d, f, V, n - 1),
            ["first size: d=1, f=1, V=1, n=1: 2 expected, 6 derived",
             "terms:      -3*d*f expected, none derived", "-d expected, none derived"],
        ),
        (
            gqa,  # as many heads of keys as of queries
            lambda d, h, kv: 4 * d * d,
            ["first size: d=2, h=2, kv=1: 16 expected, 12 derived",
             "terms:      4*d**2 expected, 2*d**2 derived",
             "none expected, 2*d**2*kv/h derived"],
        ),
        (
            lambda d: nn.Linear(d, -(-8 * d // 3), bias=False),  # a floor for a ceiling
            lambda d: 8 * d * d // 3,
            ["first size: d=1: 2 expected, 3 derived",
             "terms:      none expected, d*ceiling(2*d/3) derived",
             "floor(2*d**2/3) expected, none derived"],
        ),
        (
            lambda d: nn.Linear(d, 2, bias=False),  # it raises
            lambda d: 2 * d if d < 3 else 2 * d // (d - 3),
            ["first size: d=3: ZeroDivisionError (integer division or modulo by zero) expected, "
             "6 derived"],
        ),
        (
            lambda d: nn.Linear(d, 2, bias=False),
            lambda d: 2 * d + 0.5,
            ["first size: d=1: 2.5 expected, 2 derived"],
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_shown_at_its_first_size(
    factory: Any, function: Any, report: list[str]
) -> None:
    assert tail(compare(factory, function)) == report
    with pytest.raises(AssertionError, match="does not have"):
        assert_param_count(factory, function)


def test_a_difference_at_one_size_far_away_is_found() -> None:
    agreement = compare(decoder, lambda d, f, V, n: right(d, f, V, n) + (d == 123_457))
    assert agreement.first is not None and not agreement.first.is_first
    assert agreement.first.at["d"] == 123_457


def test_what_cannot_be_followed_is_tried_and_never_called_equal(monkeypatch: Any) -> None:
    monkeypatch.setattr(equality, "_IN_ORDER", 500)

    def through_json(d: int, f: int, V: int, n: int) -> int:
        return right(**json.loads(json.dumps({"d": d, "f": f, "V": V, "n": n})))

    agreement = compare(decoder, through_json)
    assert agreement.verdict == "undecided" and agreement.tried > 500
    assert "equality was only tried, at" in str(agreement)
    assert "the function cannot be followed on symbols. through_json" in str(agreement)
    with pytest.raises(UndecidedError, match="is not proved to have"):
        bool(agreement)
    with pytest.raises(AssertionError, match="is not proved to have"):
        assert_param_count(decoder, through_json)
    wrong = compare(decoder, lambda d, f, V, n: through_json(d, f, V, n) + (n > 2))
    assert tail(wrong) == ["first size: d=1, f=1, V=1, n=3: 15 expected, 14 derived"]


def test_floats_are_proved_as_far_as_they_are_exact() -> None:
    factory = lambda d: nn.Linear(d, d // 3 + 1, bias=False)  # noqa: E731
    agreement = compare(factory, lambda d: d * (math.floor(d / 3) + 1))
    assert agreement.verdict == "undecided"
    assert "proved only where d < 90071992547409" in str(agreement)
    assert compare(factory, lambda d: d * (math.floor(d / 3) + 1), d=Symbol(max=10**6))
    rounded = compare(factory, lambda d: d * (round(d / 3) + 1))
    assert tail(rounded)[0] == "first size: d=2: 4 expected, 2 derived"


def test_a_slow_function_is_tried_for_a_while_only(monkeypatch: Any) -> None:
    monkeypatch.setattr(equality, "_SECONDS", 0.02)

    def slow(d: int) -> int:
        return d * 2 if sum(range(20_000)) else len(json.dumps(d))

    agreement = compare(lambda d: nn.Linear(d, 2, bias=False), slow)
    assert agreement.verdict == "equal" and 2 <= agreement.tried < 1_000
    wrong = compare(lambda d: nn.Linear(d, 2, bias=False), lambda d: slow(d) + (d == 99_999))
    assert wrong.first is not None and wrong.first.at == {"d": 99_999}  # the solver found it


def test_what_rests_on_assumptions_is_not_taken_with_strict() -> None:
    assert_param_count(decoder, with_loop)
    with pytest.raises(AssertionError, match="what the function is assumed to do"):
        assert_param_count(decoder, with_loop, strict=True)


def test_a_function_has_what_the_factory_is_given() -> None:
    def mlp(d: int, bias: bool = True) -> nn.Module:
        return nn.Linear(d, d, bias=bias)

    def hand(d: int, bias: bool) -> int:
        return d * d + (d if bias else 0)

    assert compare(mlp, hand, bias=False).verdict == "equal"
    assert compare(mlp, hand, bias=True).verdict == "equal"
    assert compare(derive(mlp, bias=False).rename(d="w"), lambda w, bias: w * w + bias * w)
    with pytest.raises(ArgumentError, match=r"Fix it for both, bias=\.\.\."):
        compare(mlp, hand)
    named = derive(mlp, d=Symbol(name="width"))
    assert compare(named, lambda d: d * d + d) and compare(named, lambda width: width**2 + width)


def test_symbols_in_lists_are_given_in_lists() -> None:
    def stages(depths: tuple[int, ...] = (2, 2)) -> nn.Module:
        return nn.ModuleList(nn.Linear(3, depth) for depth in depths)

    count = derive(stages, depths=[Symbol(), Symbol()])
    assert compare(count, lambda depths: sum(4 * depth for depth in depths)).verdict == "equal"
    assert compare(count, lambda depths_0, depths_1: 4 * (depths_0 + depths_1)).verdict == "equal"
    renamed = count.rename(depths_0="a")
    with pytest.raises(ArgumentError, match="has a parameter 'depths'"):
        compare(renamed, lambda depths: 0)
    assert compare(renamed, lambda a, depths_1: 4 * (a + depths_1)).verdict == "equal"


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda hidden, vocab: 0, "a parameter 'hidden', and the formula of decoder has no such"),
        (by_config, "Give a function of these that calls it: lambda d, f, V, n: by_config"),
        (lambda d: None, "returns a NoneType, which is no count"),
        (lambda d: "12", "returns a str, which is no count"),
        (decoder, "returns a ModuleDict, which is no count"),
        (max, "its signature cannot be read"),
    ],
)
def test_what_is_no_such_function_is_refused(function: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message.replace("(", r"\(")):
        compare(decoder, function)


def test_texts_and_formulas_are_compared_as_ever() -> None:
    count = derive(decoder)
    assert compare(count, "2*V*d + n*d*(3*f + 1)").verdict == "equal"
    assert compare(count, count).verdict == "equal"
    assert compare(count, count.rename(d="d")).tried == 0
    wrong = compare(count, "2*V*d + 2*n*d*f + n*d")
    assert wrong.terms == (("2*d*f*n", "3*d*f*n"),) and "terms" not in str(wrong)
    with pytest.raises(ArgumentError, match=r"compare\(bias\): keywords are for deriving"):
        compare(count, right, bias=False)
