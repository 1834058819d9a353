"""Growth, marginal cost, shares and comparisons: exact, proved, or said to be unknown."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import symcount
from symcount import (
    ArgumentError,
    DomainError,
    NoSolutionError,
    Symbol,
    UndecidedError,
    derive,
)
from symcount.algebra.comparing import compare, maximum, minimum
from symcount.algebra.functions import call
from symcount.algebra.poly import const, symbol
from symcount.algebra.rounding import floordiv, mod
from symcount.formula.tree import Inexact, Split
from symcount.questions.comparison import Span
from symcount.symbols import Hyperparameter
from tests.random_expressions import NAMES, thorough
from tests.random_trees import FACTS, REFUSED, formula, trees

A, B = symbol("a"), symbol("b")
IS_EVEN, _ = compare("eq", mod(A, const(2), FACTS), const(0), FACTS)
FROM_TEN, _ = compare("ge", A, const(10), FACTS)


def block(dim, heads=4):
    if dim % heads:
        raise ValueError("not divisible")
    return nn.Sequential(nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim), nn.Linear(dim, 7))


@pytest.fixture(scope="module")
def count() -> symcount.ParamCount:
    return derive(block)


# --- marginal ---


def test_the_next_valid_value_and_its_cost(count) -> None:
    found = count.marginal("dim", dim=64)
    assert (found.symbol, found.value, found.next) == ("dim", 64, 68)
    assert found.cost == count(68) - count(64)
    assert count.marginal("dim", dim=63, heads=7).next == 70
    heads = count.marginal("heads", dim=64)
    assert (heads.value, heads.next, heads.cost) == (4, 8, 0)
    assert count.marginal("dim", dim=4 * 10**15).next == 4 * 10**15 + 4


@thorough(60)
@given(trees(), st.integers(1, 40), st.integers(1, 6), st.integers(1, 6))
def test_the_next_value_is_the_next(tree, a, b, c) -> None:
    count = formula(tree, *NAMES)
    if not count.valid(a, b, c):
        with pytest.raises(DomainError):
            count.marginal("a", a=a, b=b, c=c)
        return
    following = next((v for v in range(a + 1, 400) if count.valid(v, b, c)), None)
    try:
        found = count.marginal("a", a=a, b=b, c=c)
    except NoSolutionError:
        assert following is None
        return
    except UndecidedError:
        return
    if following is not None:
        assert (found.next, found.cost) == (following, count(following, b, c) - count(a, b, c))


@pytest.mark.parametrize(
    ("args", "kwargs", "error", "message"),
    [
        (("dim",), {}, ArgumentError, "needs a value for 'dim'"),
        (("dim",), {"dim": 63}, DomainError, "dim=63, heads=4 is outside the domain"),
        (("width",), {"dim": 64}, ArgumentError, "has no symbol 'width'"),
        (("dim",), {"dim": 64.0}, ArgumentError, "dim=64.0: a hyper-parameter is a positive int"),
        (("heads",), {"dim": 7, "heads": 7}, NoSolutionError, "block at dim=7: no heads above 7"),
    ],
)
def test_bad_marginals(count, args, kwargs, error, message) -> None:
    with pytest.raises(error, match=message):
        count.marginal(*args, **kwargs)


# --- growth ---


def test_growth_is_the_leading_term(count) -> None:
    (dim, _) = count.symbols
    found = count.growth("dim")
    assert (found.order, found.term) == (2, 8 * dim**2)
    assert sympy.limit(count.expr / found.term, dim, sympy.oo) == 1
    assert count.growth("dim", heads=8) == found


@pytest.mark.parametrize(
    ("tree", "order", "term"),
    [
        (A * floordiv(A, const(4), FACTS), 2, "a**2/4"),
        (maximum([A * B, A**2], FACTS), 2, "a**2"),
        (maximum([const(8), floordiv(A, B, FACTS)], FACTS) * A, 2, "a**2/b"),
        (mod(A, const(8), FACTS) + A, 1, "a"),
        (B, 0, "b"),
        (const(0), 0, "0"),
        (B * call("pow", const(2), A) + A**9, "oo", "2**a*b"),
        (Split(FROM_TEN, None, A**2, A**3), 2, "a**2"),
        (Split(FROM_TEN, None, Inexact(), A**3), 3, "a**3"),
        (Split(IS_EVEN, None, A**2 + A, A**2 + B), 2, "a**2"),
        (Split(IS_EVEN, None, A**2, REFUSED), 2, "a**2"),
    ],
)
def test_growth(tree, order, term) -> None:
    found = formula(tree, "a", "b").growth("a")
    assert (str(found.order), str(found.term)) == (str(order), term)


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        (Split(IS_EVEN, None, A**2, A**3), "differs between values of any size"),
        (mod(A, const(8), FACTS), "the leading term in a differs"),
        (maximum([A * B, A * symbol("c")], FACTS), "give values of b, c"),
        (
            A * floordiv(B, const(4), FACTS),
            r"the factor floor\(b/4\), which may be zero; give .* b",
        ),
        (call("trunc", call("fmul", A, const(2))), "in a is not known: .* float arithmetic, which"),
        (call("factorial", A), r"factorial\(a\) has no leading term that is known"),
    ],
)
def test_growth_that_is_not_known(tree, message) -> None:
    with pytest.raises(UndecidedError, match=message):
        formula(tree, *NAMES).growth("a")


def test_values_of_the_other_symbols_settle_growth() -> None:
    either = formula(maximum([A * B, A * symbol("c")], FACTS), *NAMES)
    assert str(either.growth("a", b=3, c=5).term) == "5*a"
    quotient = formula(A * floordiv(B, const(4), FACTS), *NAMES)
    assert str(quotient.growth("a", b=9).term) == "2*a"
    assert str(quotient.growth("a", b=3).term) == "0"


@pytest.mark.parametrize(
    ("args", "kwargs", "error", "message"),
    [
        (("width",), {}, ArgumentError, "has no symbol 'width'"),
        (("dim",), {"dim": 4}, ArgumentError, "dim=4: 'dim' is what goes to infinity"),
        (("dim",), {"heads": 0}, DomainError, "heads=0 is outside the domain of block"),
        (("dim",), {"heads": 1.5}, ArgumentError, "heads=1.5: a hyper-parameter is a positive in"),
        (("heads",), {}, NoSolutionError, "the domain ends before heads is large"),
    ],
)
def test_bad_growth(count, args, kwargs, error, message) -> None:
    with pytest.raises(error, match=message):
        count.growth(*args, **kwargs)


def test_growth_in_a_real_symbol_is_refused() -> None:
    real = derive(lambda dim, r: nn.Linear(dim, int(dim * r)), r=Symbol(real=True))
    with pytest.raises(ArgumentError, match="r is a real symbol; growth is that in an integer"):
        real.growth("r")


# --- share ---


class Nested(nn.Module):
    def __init__(self, d, n):
        super().__init__()
        self.scale = nn.Parameter(nn.Linear(d, 1).weight)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(d, d), nn.LayerNorm(d)) for _ in range(n)
        )
        self.head = nn.Linear(d, 10)


def test_shares_add_up_to_one_exactly_and_have_limits() -> None:
    count = derive(Nested)
    for depth, parts in ((1, ["", "layers", "head"]), (2, ["", "layers.{0..n-1}", "head"])):
        shares = count.share(depth)
        assert list(shares) == parts
        for d, n in ((1, 1), (3, 7), (512, 24)):
            fractions = [share(d, n) for share in shares.values()]
            assert all(type(f) is Fraction for f in fractions) and sum(fractions) == 1
        whole = sympy.simplify(sum(share.expr for share in shares.values()))
        assert whole == 1
    deep = count.share(3)
    assert list(deep) == ["", "layers.{0..n-1}.0", "layers.{0..n-1}.1", "head"]
    assert [str(deep[path].limit("d")) for path in deep] == ["0", "1", "0", "0"]
    d = count.symbols[0]
    limits = [share.limit("n") for share in deep.values()]
    assert sympy.simplify(limits[1] - (d + 1) / (d + 3)) == 0 and sympy.simplify(sum(limits)) == 1
    assert deep["layers.{0..n-1}.0"].limit("n", d=4) == sympy.Rational(5, 7)
    assert str(deep["head"]) == "(10*d + 10)/(d**2*n + 3*d*n + 11*d + 10)"
    assert "(own): d/(" in str(deep) and repr(deep).startswith("Shares(['', 'layers")


def test_bad_shares(count) -> None:
    with pytest.raises(ArgumentError, match="depth=0: give a positive integer"):
        count.share(0)
    with pytest.raises(ArgumentError, match="depth=True: give a positive integer"):
        count.share(True)
    with pytest.raises(ArgumentError, match="no part 'head'; there are none"):
        derive(nn.Linear).buffers.share()["head"]
    with pytest.raises(ArgumentError, match="no part 'head'; there are '0', '1', '2'"):
        count.share()["head"]
    assert "head" not in count.share() and len(count.share()) == 3
    with pytest.raises(DomainError, match="dim=9, heads=4 is outside the domain"):
        count.share()["0"](9)
    with pytest.raises(ArgumentError, match="has no symbol 'width'"):
        count.share()["0"].limit("width")
    nothing = derive(lambda d: nn.Linear(d - 1, 1, bias=False))
    with pytest.raises(DomainError, match="has no parameters there, so no part has a share"):
        nothing.share()[""](1)
    assert dict(derive(lambda d: nn.AvgPool2d(d)).share()) == {}


def test_a_limit_that_does_not_exist() -> None:
    def factory(d):
        width = d if d % 2 else 3 * d
        return nn.Sequential(nn.Linear(width, 1, bias=False), nn.Linear(d, 1, bias=False))

    with pytest.raises(UndecidedError, match="limit of a share for large d is not known"):
        derive(factory).share()["0"].limit("d")


# --- compare ---


def relation(a: int, b: int) -> str:
    return "<" if a < b else ">" if a > b else "=="


def tried(left, right, values, **others) -> list[Span]:
    """The spans, by trying every value."""
    spans: list[Span] = []
    for v in values:
        if left.valid(v, **others) and right.valid(v, **others):
            here = relation(left(v, **others), right(v, **others))
            if spans and spans[-1].relation == here:
                spans[-1] = Span(here, spans[-1].first, v)
            else:
                spans.append(Span(here, v, v))
    return spans


@thorough(100)
@given(trees(), trees(1), st.integers(1, 9), st.integers(1, 9))
def test_spans_are_those_of_trying_every_value(one, other, b, c) -> None:
    left, right = formula(one, *NAMES), formula(other, *NAMES)
    expected = tried(left, right, range(1, 201), b=b, c=c)
    if not expected:
        with pytest.raises(NoSolutionError, match="no value of a from"):
            left.compare(right, over="a", between=(1, 200), b=b, c=c)
        return
    found = left.compare(right, over="a", between=(1, 200), b=b, c=c)
    assert list(found.spans) == expected
    assert found.crossovers == tuple(span.first for span in expected[1:])
    try:
        endless = left.compare(right, over="a", b=b, c=c).spans
    except (UndecidedError, NoSolutionError):
        return
    ended = [s for s in endless if s.first <= 200]
    assert [(s.relation, s.first) for s in ended] == [(s.relation, s.first) for s in expected]


def test_crossovers_of_real_layers(count) -> None:
    wide = derive(lambda dim, f=3000: nn.Sequential(nn.Linear(dim, f), nn.Linear(f, dim)))
    found = count.compare(wide, over="dim")
    assert found.relation == "mixed" and found.over == "dim"
    first, second = found.spans
    assert (first.relation, first.first, first.last) == ("<", 4, first.last)
    assert second == Span(">", first.last + 4, None)
    assert count(first.last) < wide(first.last) and count(second.first) > wide(second.first)
    assert found.crossovers == (second.first,)
    assert found.examples["<"] == {"dim": 4, "heads": 4, "f": 3000}
    assert str(found).splitlines()[1] == f"dim from {second.first} on: >"
    same = wide.compare(count, over="dim")
    assert [s.first for s in same.spans] == [s.first for s in found.spans]
    assert [s.relation for s in same.spans] == [">", "<"]


def test_a_formula_without_the_symbol_is_a_horizontal_line() -> None:
    square, flat = formula(A**2, "a"), formula(B, "b")
    for found in (square.compare(flat, over="a", b=49), flat.compare(square, over="a", b=49)):
        assert [(s.first, s.last) for s in found.spans] == [(1, 6), (7, 7), (8, None)]
    assert square.compare(flat, over="a", b=49).relation == "mixed"
    assert str(square.compare(flat, over="a", b=49).difference) == "a**2 - 49"
    touching = formula((A - const(7)) ** 2, "a").compare(formula(const(0), "b"), over="a", b=1)
    assert touching.relation == ">=" and touching.crossovers == (7, 8)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (A * B, A * B + A, "<"),
        (A * B, A**2 * B, "<="),
        (A * B + const(1), A * B, ">"),
        ((A + B) ** 2, (A * B).scaled(4), ">="),
        (A * B, B * A, "=="),
        (floordiv(A, B, FACTS) * B, A, "<="),
        (maximum([A, B], FACTS), A, ">="),
        (Split(FROM_TEN, None, A, A + A), A, ">="),
        (A, B, "mixed"),
        (Split(IS_EVEN, None, A, REFUSED), floordiv(A, const(2), FACTS).scaled(2), "=="),
    ],
)
def test_what_holds_everywhere_is_proved(left, right, expected) -> None:
    found = formula(left, "a", "b").compare(formula(right, "a", "b"))
    assert found.relation == expected
    assert str(found) == f"f {expected} f" and found.spans == ()
    for seen, point in found.examples.items():
        one, other = formula(left, "a", "b"), formula(right, "a", "b")
        assert relation(one(**point), other(**point)) == seen
    assert bool(found.examples) == (expected == "mixed")


def test_what_is_not_proved_is_unknown_and_never_wrong() -> None:
    # less at every point that is looked at, and not less where a is 10**9
    far = formula(A.scaled(10**9), "a").compare(formula(A**2 + const(1), "a"))
    assert far.relation in ("mixed", "unknown")
    capped = formula(minimum([A, const(10**6)], FACTS), "a")
    assert capped.compare(formula(const(10**6), "b")).relation == "<="
    hard = formula(call("gcd", A, B) ** 2, "a", "b")
    assert hard.compare(formula(A * B, "a", "b")).relation == "unknown"


def test_nothing_is_said_where_no_size_is_common() -> None:
    low, high = Hyperparameter("a", 1, 5), Hyperparameter("a", 6, 9)
    assert formula(A, "a", a=low).compare(formula(A + B, "a", "b", a=high)).relation == "unknown"


def test_fixed_values_and_declared_ranges_count_in_a_proof() -> None:
    left, right = formula(A * B, "a", "b"), formula(A.scaled(5), "a")
    assert left.compare(right).relation == "mixed"
    assert left.compare(right, b=6).relation == ">"
    assert left.compare(right, b=5).relation == "=="
    assert str(left.compare(right, b=6).difference) == "a"
    wide = formula(A * B, "a", "b", b=Hyperparameter("b", 6))
    assert wide.compare(right).relation == ">"


@pytest.mark.parametrize(
    ("args", "kwargs", "error", "message"),
    [
        ((3,), {}, ArgumentError, r"compare\(\): give another ParamCount; a int is none"),
        (("other",), {"over": "width"}, ArgumentError, "neither block nor .* has 'width'"),
        (("other",), {"width": 3}, ArgumentError, "neither block nor .* has 'width'"),
        (
            ("other",),
            {"over": "dim", "dim": 3},
            ArgumentError,
            "dim=3: 'dim' is what is gone along",
        ),
        (("other",), {"over": "dim"}, ArgumentError, "heads is 4 by default in block and 8 in"),
        (("other",), {"heads": 2.5}, ArgumentError, "heads=2.5: a hyper-parameter is a positive i"),
        (("other",), {"heads": True}, ArgumentError, "heads=True: a hyper-parameter is a positive"),
        (("other",), {"heads": 0}, DomainError, "heads=0 is outside what was declared"),
        (("other",), {"between": (1, 9)}, ArgumentError, r"between=\(1, 9\): say of which symbol"),
        (("other",), {"over": "heads"}, ArgumentError, "needs a value for 'dim'"),
        (
            ("other",),
            {"over": "dim", "heads": 4, "between": (5, 7)},
            NoSolutionError,
            "no value of dim from 5 up to 7 is in the domain",
        ),
    ],
)
def test_bad_comparisons(count, args, kwargs, error, message) -> None:
    other = derive(lambda dim, heads=8: nn.MultiheadAttention(dim, heads))
    args = [other if arg == "other" else arg for arg in args]
    with pytest.raises(error, match=message):
        count.compare(*args, **kwargs)


def test_a_symbol_that_is_real_in_one_formula_only() -> None:
    real = derive(lambda dim, heads: nn.Linear(dim, int(dim * heads)), heads=Symbol(real=True))
    whole = derive(block)
    with pytest.raises(ArgumentError, match="heads is an integer in one formula, and real in the"):
        whole.compare(real)


def test_which_is_less_in_the_end_may_be_unknown() -> None:
    wave, flat = formula(mod(A, const(7), FACTS), "a"), formula(const(3), "a")
    with pytest.raises(UndecidedError, match="which is less for large a is not known; say how"):
        wave.compare(flat, over="a")
    assert len(wave.compare(flat, over="a", between=(1, 70)).spans) == 31
