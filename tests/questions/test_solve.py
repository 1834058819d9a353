"""`solve` and `search` against trying every size, and what they say where there is no answer."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import symcount
import symcount.blueprints.cnn
import symcount.blueprints.transformer
from symcount import ArgumentError, NoSolutionError, Symbol, UnboundedError, derive
from symcount.algebra.comparing import compare
from symcount.algebra.functions import call
from symcount.algebra.poly import const, symbol
from symcount.algebra.rounding import mod
from symcount.formula.formula import Formula
from symcount.formula.tree import Split
from symcount.questions import line
from symcount.symbols import Hyperparameter
from tests.random_expressions import NAMES, thorough
from tests.random_trees import FACTS, REFUSED, at, conditions, counts, formula, solved, trees, tried

BUDGETS = (0, 1, 8, 16, 17, 100, 999, 1000, 12_345, 65_536, 1_000_000)
SEEDS = {spec.key: spec.param_count for spec in symcount.blueprints}
A, B = symbol("a"), symbol("b")
X = A


# --- solve against brute force ---


@pytest.mark.parametrize("count", SEEDS.values(), ids=map(str, SEEDS))
def test_every_seed_at_many_budgets(count) -> None:
    for h in count.hyperparameters:
        others = {other.name: 12 for other in count.hyperparameters if other != h}
        assert count.valid_values(h.name, between=(1, 1500), **others) == [
            v for v in range(1, 1501) if at(count, h.name, v, others) is not None
        ]
        for total in BUDGETS:
            assert solved(count, h.name, total, between=(1, 1500), **others) == tried(
                count, h.name, range(1, 1501), total, **others
            )


@pytest.mark.parametrize("count", SEEDS.values(), ids=map(str, SEEDS))
def test_every_seed_without_an_end(count) -> None:
    """The count at the answer is within the budget, and above it nothing is for a long way."""
    if not count.expr.free_symbols:
        return
    for total in (10**6, 7e9, 10**30):
        largest = count.solve("dim", total)
        assert count(largest) <= total
        following = count.valid_values("dim", between=(largest + 1, largest + 200))
        assert following and all(count(value) > total for value in following)


@thorough(80)
@given(trees(), st.integers(1, 9), st.integers(1, 9), st.integers(0, 5000))
def test_random_formulas(tree, b, c, total) -> None:
    count = formula(tree, *NAMES)
    assert solved(count, "a", total, between=(1, 300), b=b, c=c) == tried(
        count, "a", range(1, 301), total, b=b, c=c
    )


@thorough(80)
@given(trees(1), st.integers(1, 9), st.integers(1, 9), st.integers(0, 5000))
def test_random_formulas_without_an_end(tree, b, c, total) -> None:
    """No value of the first thousand, and of some far above, is better than an answer."""
    count = formula(tree, *NAMES)
    values = [*range(1, 1000), *range(10_000, 10_064), *range(10**9, 10**9 + 64)]
    expected = tried(count, "a", values, total, b=b, c=c)
    for want in ("largest", "nearest", "exact"):
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(line, "_MOST_RANGES", 1000)
                found: Any = count.solve("a", total, want=want, b=b, c=c)
        except NoSolutionError:
            found = None
        except (UnboundedError, symcount.UndecidedError):
            continue
        known = expected[want]
        if want == "exact":
            assert set(known) <= set(found)
        elif found is None:
            assert known is None
        elif known is not None and found not in values:
            here, there = count(a=found, b=b, c=c), count(a=known, b=b, c=c)
            if want == "largest":
                assert here <= total and found > known
            else:
                assert abs(here - total) <= abs(there - total)
        else:
            assert found == known


def test_formulas_that_fall_and_rise() -> None:
    count = formula((X - const(50)) ** 2, "a")
    assert count.solve("a", 100) == 60
    assert count.solve("a", 100, want="exact") == [40, 60]
    assert count.solve("a", 101, want="nearest") == 40
    assert count.solve("a", 0, want="nearest") == 50
    wave = formula(mod(X, const(100), FACTS).scaled(1000) + X, "a")
    assert wave.solve("a", 1000) == 1000
    assert wave.solve("a", 4004, want="exact") == [4]
    assert (
        wave.solve("a", 2_000_000)
        == tried(wave, "a", range(1_999_000, 2_000_001), 2_000_000)["largest"]
    )


def test_gaps_in_the_domain_far_out() -> None:
    condition, polarity = compare("eq", mod(X, const(997), FACTS), const(3), FACTS)
    assert polarity
    count = formula(Split(condition, None, X**2, REFUSED), "a")
    assert count.solve("a", 10**12) == 999_994 // 997 * 997 + 3
    assert count.solve("a", 2, want="nearest") == 3
    multiples = formula(X, "a", a=Hyperparameter("a", 64, 4096, 64))
    assert multiples.solve("a", 1e9) == 4096
    assert multiples.solve("a", 1000) == 960
    assert multiples.solve("a", 1000, between=(1, 900)) == 896
    with pytest.raises(NoSolutionError, match="The least is 64, at a=64"):
        multiples.solve("a", 63)


def test_a_domain_of_what_nothing_divides() -> None:
    thirds, _ = compare("eq", mod(X, const(3), FACTS), const(0), FACTS)
    halves, _ = compare("eq", mod(X, const(2), FACTS), const(0), FACTS)
    neither = Split(thirds, None, REFUSED, Split(halves, None, REFUSED, X))
    assert formula(neither, "a").solve("a", 10**6) == 999_997
    either = Split(thirds, None, X, Split(halves, None, X, REFUSED))
    assert formula(either, "a").solve("a", 10**6 - 1) == 10**6 - 1
    assert formula(either, "a").solve("a", 10**6 - 3) == 10**6 - 4


def test_a_domain_that_ends_bounds_what_does_not_depend_on_the_symbol() -> None:
    count = derive(lambda dim, heads: nn.MultiheadAttention(dim, heads))
    assert count.solve("heads", 1e6, dim=96) == 96
    assert count.solve("heads", 1e6, dim=96, between=(1, 40)) == 32
    assert count.solve("heads", count(96, 1), want="exact", dim=96) == [
        n for n in range(1, 97) if 96 % n == 0
    ]


def test_depth_and_powers() -> None:
    def stack(d: int, n: int) -> nn.Module:
        return nn.Sequential(*(nn.Linear(d, d) for _ in range(n)))

    count = derive(stack)
    assert count.solve("n", 1e9, d=100) == 10**9 // 10_100
    doubling = formula(call("pow", const(2), X) - X.scaled(3) + const(3), "a")
    assert doubling.solve("a", 10**6) == 19
    assert doubling.solve("a", 2**200) == 200


def test_floats_in_the_formula() -> None:
    count = derive(lambda dim: nn.Linear(int(dim * 0.29), 1, bias=False))
    assert count.solve("dim", 29) == max(d for d in range(1, 300) if int(d * 0.29) <= 29)
    assert count.solve("dim", 28, want="exact") == [d for d in range(1, 300) if int(d * 0.29) == 28]
    real = derive(lambda dim, r: nn.Linear(dim, int(dim * r), bias=False), r=Symbol(real=True))
    assert real.solve("dim", 10**6, r=0.29) == max(
        d for d in range(1, 3000) if d * int(d * 0.29) <= 10**6
    )


# --- solve: what has no answer, and what is no question ---

ATTENTION = SEEDS[next(key for key in SEEDS if "flex_attention" in key)]


@pytest.mark.parametrize(
    ("args", "kwargs", "error", "message"),
    [
        (("width", 1e6), {}, ArgumentError, "has no symbol 'width'"),
        (("dim", 1e6), {"depth": 3}, ArgumentError, "has no symbol 'depth'"),
        (("dim", 1e6), {"dim": 3}, ArgumentError, "dim=3: 'dim' is what is asked for"),
        (("n_head", 1e6), {}, ArgumentError, "needs a value for 'dim'"),
        (("dim", 1e6), {"n_head": 2.0}, ArgumentError, "n_head=2.0: a hyper-parameter is a pos"),
        (("dim", -1), {}, ArgumentError, "total=-1: a count is a whole number that is not neg"),
        (("dim", 1.5), {}, ArgumentError, "total=1.5: a count is a whole number"),
        (("dim", float("nan")), {}, ArgumentError, "total=nan: a count is a whole number"),
        (("dim", float("inf")), {}, ArgumentError, "total=inf: a count is a whole number"),
        (("dim", "7e9"), {}, ArgumentError, "total='7e9': a count is a whole number"),
        (("dim", True), {}, ArgumentError, "total=True: a count is a whole number"),
        (("dim", 1e6), {"want": "best"}, ArgumentError, "ask for 'largest', 'nearest' or 'exact'"),
        (("dim", 1e6), {"between": (9, 3)}, ArgumentError, "no positive integer is in this range"),
        (("dim", 1e6), {"between": 9}, ArgumentError, "between=9: give the least and the greatest"),
        (("dim", 1e6), {"between": (1, 2.5)}, ArgumentError, "two integers; the greatest may be N"),
        (
            ("dim", 79),
            {},
            NoSolutionError,
            r"create_flex_attention at n_head=4: no valid dim has at most 79 parameters. "
            r"The least is 80, at dim=4",
        ),
        (
            ("dim", 1e6),
            {"between": (13, 15)},
            NoSolutionError,
            "no value of dim from 13 up to 15 is in the domain of the formula; its `domain` says",
        ),
        (
            ("n_head", 1e6),
            {"dim": 7, "between": (2, 6)},
            NoSolutionError,
            "create_flex_attention at dim=7: no value of n_head from 2 up to 6 is in the domain",
        ),
        (
            ("dim", 1e6),
            {"n_head": 0},
            NoSolutionError,
            "at n_head=0: no dim is in the domain of the formula: it was derived for n_head >= 1",
        ),
        (
            (-sympy.Symbol("dim"), 1e6),
            {},
            ArgumentError,
            "has no symbol -dim; give the name of one, such as '-dim'",
        ),
    ],
)  # fmt: skip
def test_bad_questions(args, kwargs, error, message) -> None:
    with pytest.raises(error, match=message):
        ATTENTION.solve(*args, **kwargs)


def test_numbers_of_numpy_are_numbers() -> None:
    assert ATTENTION.solve("dim", np.int64(10**6), n_head=np.int32(4)) == ATTENTION.solve(
        "dim", 1e6
    )


def test_what_has_no_largest_answer() -> None:
    noop = SEEDS[next(key for key in SEEDS if "noop" in key)]
    with pytest.raises(UnboundedError, match=r"does not depend on dim, .* between=\(low, high\)"):
        noop.solve("dim", 10)
    with pytest.raises(UnboundedError, match="does not depend on dim"):
        noop.solve("dim", 0, want="exact")
    assert noop.solve("dim", 10, between=(1, 99)) == 99
    assert noop.solve("dim", 10, want="nearest") == 1
    flat = formula(mod(X, const(7), FACTS), "a")
    with pytest.raises(UnboundedError, match="the count may stay within 7 however large a is"):
        flat.solve("a", 7)
    with pytest.raises(UnboundedError, match="the count may be 3 at values of a of any size"):
        flat.solve("a", 3, want="exact")
    assert flat.solve("a", 7, between=(1, 10**9)) == 10**9
    with pytest.raises(UnboundedError, match=r"more than 100,000 values of a have a count of 3"):
        flat.solve("a", 3, want="exact", between=(1, 10**9))


def test_giving_up_is_an_answer_of_its_own(monkeypatch) -> None:
    monkeypatch.setattr(line, "_MOST_RANGES", 2000)
    rest = mod(X**2 + const(1), const(10**9 + 7), FACTS)
    with pytest.raises(symcount.UndecidedError, match=r"2,000 ranges of a, nor excluded; say"):
        formula(rest, "a").solve("a", 1, between=(40_000, 10**12), want="exact")


def test_real_symbols_are_refused() -> None:
    count = derive(lambda dim, r: nn.Linear(dim, int(dim * r), bias=False), r=Symbol(real=True))
    with pytest.raises(ArgumentError, match="r is a real symbol, of which there is no next value"):
        count.solve("r", 1e6, dim=8)


# --- search ---


def plain_search(count, low, high, ranges, keep=lambda **v: True) -> set[Any]:
    found = set()
    for values in product(*ranges.values()):
        point = dict(zip(ranges, values, strict=True))
        here = count(**point) if count.valid(**point) else None
        if here is not None and low <= here <= high and keep(**point):
            found.add((tuple(point.items()), here))
    return found


def as_set(matches: Any) -> set[Any]:
    return {(tuple(match.values.items()), match.count) for match in matches}


@thorough(40)
@given(trees(1), st.integers(0, 500), st.integers(0, 3000), conditions(), counts())
def test_search_misses_nothing(tree, low, more, condition, other) -> None:
    count = formula(Split(condition, None, tree, other), *NAMES)
    ranges = {"a": range(1, 40), "b": [7, 1, 3, 12], "c": range(2, 20, 3)}
    found = count.search(total=(low, low + more), limit=None, **ranges)
    assert as_set(found) == plain_search(count, low, low + more, ranges)


KEEPS = {
    "a/b near 4": lambda a, b, c: (True, abs(Fraction(a, b) / 4 - 1)),
    "a near b*c and a % 2 == 1": lambda a, b, c: (a % 2 == 1, abs(Fraction(a, b * c) - 1)),
    "c near a // b + 1": lambda a, b, c: (True, abs(Fraction(c, a // b + 1) - 1)),
    "a == b*c": lambda a, b, c: (a == b * c, 0),
    "b < a <= 3*b and c != b and b*c near 50": lambda a, b, c: (
        b < a <= 3 * b and c != b,
        abs(Fraction(b * c, 50) - 1),
    ),
    "a/(b - c) near 2 and a*0.5 >= b % c": lambda a, b, c: (
        b != c and Fraction(a, 2) >= b % c,
        abs(Fraction(a, b - c) / 2 - 1) if b != c else 0,
    ),
}


@pytest.mark.parametrize("keep", KEEPS)
@pytest.mark.parametrize("limit", [1, 7, None])
def test_search_finds_the_best_of_what_is_to_be_kept(keep, limit) -> None:
    count = formula(A * B + mod(A, const(5), FACTS) * symbol("c") ** 2, *NAMES)
    ranges = {"a": range(1, 40), "b": range(1, 20), "c": range(2, 14)}
    low, high = 100, 700
    expected = sorted(
        (KEEPS[keep](*values)[1], abs(found - Fraction(low + high, 2)), values)
        for values in product(*ranges.values())
        if low <= (found := count(*values)) <= high and KEEPS[keep](*values)[0]
    )
    assert len(expected) > 7
    found = count.search(total=(low, high), keep=keep, limit=limit, **ranges)
    assert [tuple(match.values.values()) for match in found] == [v for *_, v in expected[:limit]]
    assert [match.distance for match in found] == [float(d) for d, *_ in expected[:limit]]


def test_search_sorts_by_what_is_near_then_by_the_middle() -> None:
    count = derive(lambda d, n: nn.Sequential(*(nn.Linear(d, d, bias=False) for _ in range(n))))
    ranges = {"d": range(1, 200), "n": range(1, 30)}
    matches = count.search(
        total=(10_000, 20_000), keep="d/n near 8 and d % 2 == 0", limit=None, **ranges
    )
    assert as_set(matches) == plain_search(
        count, 10_000, 20_000, ranges, keep=lambda d, n: d % 2 == 0
    )
    keys = [(m.distance, abs(m.offset)) for m in matches]
    assert keys == sorted(keys)
    first = matches[0]
    assert str(first) == "d=48, n=6: 13,824"
    assert (first.distance, first.offset, first.count) == (0.0, 13_824 - 15_000, 13_824)
    assert (
        count.search(total=(1e4, 2e4), keep="d/n near 8 and d % 2 == 0", **ranges) == (matches[:10])
    )
    best = count.search(total=(1e4, 2e4), limit=1, **ranges)[0]
    assert abs(best.offset) == min(
        abs(c - 15_000) for _, c in plain_search(count, 10_000, 20_000, ranges)
    )


def test_search_takes_ranges_lists_single_values_and_defaults() -> None:
    assert as_set(ATTENTION.search(total=(0, 500), dim=iter([8, 9, 4]))) == {
        ((("dim", 4), ("n_head", 4)), 80),
        ((("dim", 8), ("n_head", 4)), 288),
    }
    assert [m.count for m in ATTENTION.search(total=288, dim=np.arange(1, 99), n_head=2)] == [288]
    assert ATTENTION.search(total=287, dim=range(1, 99)) == []
    assert ATTENTION.search(total=(1, 9), dim=range(1, 4)) == []


def test_a_million_combinations_are_not_all_tried(monkeypatch) -> None:
    count = derive(lambda d, n: nn.Sequential(*(nn.Linear(d, d) for _ in range(n))))
    tries = []
    evaluated = Formula.at
    monkeypatch.setattr(
        Formula, "at", lambda self, values: tries.append(1) or evaluated(self, values)
    )
    found = count.search(
        total=(0.99e9, 1.01e9), d=range(1, 10_001), n=range(1, 101), keep="d/n near 64"
    )
    assert len(found) == 10 and all(0.99e9 <= match.count <= 1.01e9 for match in found)
    assert len(tries) < 20_000
    tries.clear()
    assert len(count.search(total=(0, 1e12), d=range(1, 10_001), n=range(1, 101), limit=5)) == 5
    assert len(tries) < 20_000


def test_search_of_a_real_symbol() -> None:
    count = derive(lambda dim, r: nn.Linear(dim, int(dim * r), bias=False), r=Symbol(real=True))
    ratios = [n / 8 for n in range(1, 40)]
    found = count.search(total=(900, 1000), dim=range(1, 100), r=ratios, limit=None)
    assert as_set(found) == {
        ((("dim", d), ("r", r)), d * int(d * r))
        for d in range(1, 100)
        for r in ratios
        if 900 <= d * int(d * r) <= 1000
    }


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"total": (1, 2, 3), "dim": 4}, "give a number, or the least and the greatest"),
        ({"total": (3, 2), "dim": 4}, r"total=\(3, 2\): the first is to be the least"),
        ({"total": (0.5, 2), "dim": 4}, "total=0.5: a count is a whole number"),
        ({"total": "12", "dim": 4}, "total='12': a count is a whole number"),
        ({"total": 5}, "needs a value for 'dim'"),
        ({"total": 5, "dim": 4, "width": [1]}, "has no symbol 'width'"),
        ({"total": 5, "dim": []}, r"dim=\[\]: there is no value in it to try"),
        ({"total": 5, "dim": [4, 8.0]}, "dim=8.0: a hyper-parameter is a positive integer"),
        ({"total": 5, "dim": "64"}, "dim='64': a hyper-parameter is a positive integer"),
        ({"total": 5, "dim": range(10**7)}, "dim: more than 1,000,000 values; try fewer"),
        ({"total": 5, "dim": 4, "limit": 0}, "limit=0: give a positive integer, or None for all"),
        ({"total": 5, "dim": 4, "keep": "dim near"}, "keep: not understood"),
        ({"total": 5, "dim": 4, "keep": "width near 3"}, "no symbol 'width'; there are dim, n_he"),
    ],
)
def test_bad_searches(kwargs, message) -> None:
    with pytest.raises(ArgumentError, match=message):
        ATTENTION.search(**kwargs)
