"""Leading terms: at large sizes the formula is what they say, as nearly as they say."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symcount.algebra import evaluate
from symcount.algebra.comparing import maximum, minimum
from symcount.algebra.expansion import CONSTANT, Expander, Expansion, is_never_negative, sign
from symcount.algebra.facts import Facts
from symcount.algebra.functions import call
from symcount.algebra.poly import Poly, const, symbol
from symcount.algebra.rounding import floordiv, mod
from symcount.errors import UndecidedError, UnsupportedError
from tests.random_expressions import expressions, normal_form, thorough
from tests.random_trees import FACTS, conditions

A, B, C = map(symbol, "abc")
UNDEFINED = (ArithmeticError, ValueError, UnsupportedError)


def value(expansion: Expansion, point: dict[str, int]) -> Fraction:
    a = point["a"]
    return sum(
        (
            Fraction(evaluate.rational(c, point)) * Fraction(base) ** a * Fraction(a) ** int(power)
            for (base, power), c in expansion.terms.items()
        ),
        Fraction(0),
    )


@thorough(400)
@given(expressions(6), st.integers(1, 9), st.integers(1, 9))
def test_what_is_left_out_is_of_the_order_that_is_said(expression, b, c) -> None:
    try:
        poly = normal_form(expression, FACTS)
        expansion = Expander("a", FACTS).of(poly)
    except (*UNDEFINED, UndecidedError):
        return
    rests = []
    for a in (10**4 + 7, 10**8 + 7, 10**8 + 8, 10**8 + 9, 10**8 + 12):
        point = {"a": a, "b": b, "c": c}
        try:
            off = evaluate.value(poly, point) - value(expansion, point)
        except UNDEFINED:
            return
        if expansion.rest is None:
            assert off == 0, (poly, expansion.terms, a)
        else:
            base, power = expansion.rest
            assert base == 1
            rests.append(abs(off) / Fraction(int(Fraction(a) ** max(0, int(2 * power))) or 1))
            # a bound that a wrong order by one would break; orders here are whole or a half
            bound = Fraction(a) ** int(power) * (a if power.denominator > 1 else 1)
            assert abs(off) <= 10**3 * bound * 10**power.denominator, (poly, expansion.rest, off)


@thorough(200)
@given(conditions(), st.integers(1, 9), st.integers(1, 9))
def test_what_is_decided_in_the_end_is_so(condition, b, c) -> None:
    truth = Expander("a", FACTS).decides(condition)
    for a in (10**9, 10**9 + 1, 10**9 + 5, 10**12 + 4):
        try:
            here = evaluate.holds(condition, {"a": a, "b": b, "c": c})
        except UNDEFINED:
            continue
        assert truth in (None, here), (condition, a, b, c)


def expanded(poly: Poly) -> Expansion:
    return Expander("a", FACTS).of(poly)


def test_terms_are_exact() -> None:
    quarter = floordiv(A, const(4), FACTS)
    assert expanded(quarter).terms == {(1, 1): const(Fraction(1, 4))}
    assert expanded(quarter).rest == CONSTANT
    top = maximum([A * B, A**2, const(8)], FACTS)
    assert expanded(top).terms == {(1, 2): const(1)} and expanded(top).rest is None
    assert expanded(minimum([A, B], FACTS)).terms == {CONSTANT: B}
    assert expanded(mod(B, A, FACTS)).terms == {CONSTANT: B}
    assert expanded(floordiv(B, A, FACTS)).size is None
    assert expanded(mod(A, B, FACTS)).terms == {} and expanded(mod(A, B, FACTS)).size == CONSTANT
    assert expanded(call("pow", const(2), A + B) * A).terms == {
        (Fraction(2), Fraction(1)): call("pow", const(2), B)
    }


def test_what_depends_on_the_other_symbols_is_not_guessed() -> None:
    either = expanded(maximum([A * B, A * C], FACTS))
    assert either.leading is None and either.size == (1, 1)
    cancelled = expanded(A - floordiv(A, const(4), FACTS).scaled(4))
    assert cancelled.leading is None and cancelled.size == CONSTANT
    for poly in (call("trunc", call("fmul", A, const(2))), call("lcm", A, B), call("isqrt", A)):
        with pytest.raises(UndecidedError, match=r"known|float arithmetic, which rounds"):
            expanded(poly)


@pytest.mark.parametrize(
    ("poly", "expected"),
    [
        (A * B - const(0), 1),
        (const(0), 0),
        (-(A * B) - C, -1),
        (A * B.scaled(2) - A, 1),
        (A * B - A, None),
        (A - B, None),
        (floordiv(A, B, FACTS), None),
        (floordiv(A, B, FACTS) + C, 1),
        (A * B - A - B + const(2), 1),
        (A * B - A - B + const(1), None),
    ],
)
def test_signs(poly, expected) -> None:
    assert sign(poly, FACTS) == expected


def test_polynomials_above_the_least_values_of_their_symbols() -> None:
    above = Facts({"a": (3, None), "b": (2, None)})
    assert is_never_negative(A * B - A.scaled(2), above)
    assert is_never_negative(A**2 - A.scaled(2) - const(3), above)
    assert not is_never_negative(A**2 - A.scaled(2) - const(4), above)
    assert not is_never_negative(A - B, above)
    assert not is_never_negative(floordiv(A, B, FACTS), above)
