"""Every constructor of the normal form against Python's own arithmetic, at random values."""

from __future__ import annotations

import operator
import pickle
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from symcount.algebra import evaluate, python_code
from symcount.algebra.choices import choices_in
from symcount.algebra.comparing import compare, maximum, minimum
from symcount.algebra.conditions import Condition, divisibility
from symcount.algebra.facts import Facts
from symcount.algebra.functions import CALLS, call
from symcount.algebra.poly import Poly, const, symbol
from symcount.algebra.rounding import bitwise, floor, floordiv, mod
from symcount.algebra.substitution import decided, substituted
from symcount.errors import UnsupportedError
from tests.random_expressions import (
    NAMES,
    NORMAL,
    PYTHON,
    exact,
    expressions,
    facts_at,
    normal_form,
    points,
    python,
    thorough,
)

a, b, c, d, h = map(symbol, "abcdh")
COMPARE = {name: getattr(operator, name) for name in ("eq", "ne", "lt", "le", "gt", "ge")}


@st.composite
def cases(draw: Any, count: int = 1) -> tuple[list[Any], dict[str, int], Facts]:
    """Expressions, values at which they are defined, and facts that hold there."""
    drawn = [draw(expressions()) for _ in range(count)]
    least = draw(st.sampled_from((0, 1)))
    values = draw(points(least))
    return drawn, values, draw(facts_at(values, least))


def both(expression: Any, values: dict[str, int], facts: Facts) -> tuple[int, Poly]:
    """The value and the normal form; the case is skipped where Python divides by zero."""
    try:
        value = python(expression, values)
        return value, normal_form(expression, facts)
    except (ZeroDivisionError, UnsupportedError):
        assume(False)
        raise


@thorough(120)
@given(cases())
def test_normal_forms_have_the_value_python_computes(case: Any) -> None:
    (expression,), values, facts = case
    value, poly = both(expression, values, facts)
    assert exact(poly, values) == value
    assert evaluate.value(poly, values) == value


@thorough(50)
@given(cases())
def test_bounds_contain_the_value(case: Any) -> None:
    (expression,), values, facts = case
    value, poly = both(expression, values, facts)
    low, high = facts.of(poly)
    assert (low is None or low <= value) and (high is None or value <= high)


@thorough(50)
@given(cases(), st.integers(-12, 12), st.integers(1, 12))
def test_monomials_called_integers_are_integers(case: Any, top: int, bottom: int) -> None:
    (expression,), values, facts = case
    _, poly = both(expression, values, facts)
    for monomial in poly.terms:
        if facts.is_integer(monomial, Fraction(top, bottom)):
            assert exact(Poly({monomial: Fraction(top, bottom)}), values).denominator == 1


@thorough(50)
@given(cases(2), st.fractions(-4, 4, max_denominator=12), st.fractions(-4, 4, max_denominator=12))
def test_floor_of_rational_combinations(case: Any, p: Fraction, q: Fraction) -> None:
    (x, y), values, facts = case
    (u, left), (v, right) = both(x, values, facts), both(y, values, facts)
    poly = floor(left.scaled(p) + right.scaled(q), facts)
    assert exact(poly, values) == (p * u + q * v).__floor__()


@thorough(120)
@given(cases(2), st.sampled_from(sorted(COMPARE)))
def test_conditions_hold_exactly_where_the_comparison_does(case: Any, op: str) -> None:
    (x, y), values, facts = case
    (u, left), (v, right) = both(x, values, facts), both(y, values, facts)
    condition, polarity = compare(op, left, right, facts)
    truth = COMPARE[op](u, v)
    if condition is None:
        assert truth == polarity
        return
    assert evaluate.holds(condition, values) == (truth == polarity)
    assert python_code.compile_condition(condition, list(values))(*values.values()) == (
        truth == polarity
    )


@thorough(50)
@given(cases(), st.sampled_from(sorted(COMPARE)), st.integers(-20, 60))
def test_conditions_on_constants(case: Any, op: str, number: int) -> None:
    """Where floors are taken off and contents divided out: `_unfloored`, `_tightened`."""
    (x,), values, facts = case
    u, left = both(x, values, facts)
    condition, polarity = compare(op, left, const(number), facts)
    truth = COMPARE[op](u, number)
    assert (
        truth == polarity
        if condition is None
        else (evaluate.holds(condition, values) == (truth == polarity))
    )


@thorough(50)
@given(cases(2), st.sampled_from(("eq", "lt", "le")))
def test_a_comparison_and_its_negation_share_a_condition(case: Any, op: str) -> None:
    (x, y), values, facts = case
    (_, left), (_, right) = both(x, values, facts), both(y, values, facts)
    negation = {"eq": "ne", "lt": "ge", "le": "gt"}[op]
    condition, polarity = compare(op, left, right, facts)
    assert compare(negation, left, right, facts) == (condition, not polarity)


@thorough(50)
@given(cases(2), st.sampled_from(sorted(COMPARE)))
def test_facts_learned_from_a_condition_are_true(case: Any, op: str) -> None:
    (x, y), values, facts = case
    (_, left), (_, right) = both(x, values, facts), both(y, values, facts)
    condition, _ = compare(op, left, right, facts)
    assume(condition is not None)
    learned = facts.with_condition(condition, evaluate.holds(condition, values))
    for name, value in values.items():
        low, high = learned.bounds.get(name, (int(name not in facts.may_be_zero), None))
        assert low <= value and (high is None or value <= high)
        assert value % learned.multiples.get(name, 1) == 0
    for dividend, divisor in learned.divisible:
        assert exact(dividend, values) % exact(divisor, values) == 0


@thorough(50)
@given(cases(2))
def test_equal_objects_hash_alike_whatever_made_them(case: Any) -> None:
    (x, y), values, facts = case
    (_, left), (_, right) = both(x, values, facts), both(y, values, facts)
    one, other = (left + right) * (left - right), left * left - right * right
    assert one == other and hash(one) == hash(other) and repr(one) == repr(other)
    assert pickle.loads(pickle.dumps(one)) == one


@thorough(50)
@given(
    cases(2),
    st.sampled_from((2, 3, 4, 5, 8, -2, -3)),
)
def test_divisibility_written_two_ways(case: Any, n: int) -> None:
    """`x % n == 0` and `x // n * n == x` have the same truth: `_equation`, `_exact_division`."""
    (x, _), values, facts = case
    u, poly = both(x, values, facts)
    for op in ("eq", "ne"):
        by_mod = compare(op, mod(poly, const(n), facts), const(0), facts)
        by_floor = compare(op, floordiv(poly, const(n), facts).scaled(n), poly, facts)
        truth = (u % n == 0) == (op == "eq")
        for condition, polarity in (by_mod, by_floor):
            holds = True if condition is None else evaluate.holds(condition, values)
            assert (holds == polarity) == truth


@pytest.mark.parametrize("n", [2, 3, 4, 8])
def test_divisibility_by_a_constant_has_one_normal_form(n: int) -> None:
    by_mod = compare("eq", mod(d, const(n), Facts()), const(0), Facts())
    by_floor = compare("eq", floordiv(d, const(n), Facts()).scaled(n), d, Facts())
    assert by_mod == by_floor


def test_divisibility_by_a_symbol_has_one_normal_form() -> None:
    by_mod = compare("eq", mod(d, h, Facts()), const(0), Facts())
    by_floor = compare("eq", floordiv(d, h, Facts()) * h, d, Facts())
    assert by_mod == by_floor
    assert divisibility(by_mod[0]) == (d, h)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (floor((floor(d.scaled(Fraction(1, 2)), Facts())).scaled(Fraction(1, 3)), Facts()), "d/6"),
        (floordiv(d + const(7), const(4), Facts()), "(d+3)/4 + 1"),
        (mod(d.scaled(9) + const(8), const(4), Facts()), "d % 4"),
    ],
)
def test_known_simplifications(left: Poly, right: str) -> None:
    wanted = {
        "d/6": floor(d.scaled(Fraction(1, 6)), Facts()),
        "(d+3)/4 + 1": floor((d + const(3)).scaled(Fraction(1, 4)), Facts()) + const(1),
        "d % 4": mod(d, const(4), Facts()),
    }[right]
    assert left == wanted


@thorough(50)
@given(st.integers(-40, 40), st.integers(-12, 12).filter(bool))
@example(-7, 2)
@example(7, -2)
def test_constants_divide_as_python_does(n: int, m: int) -> None:
    assert floordiv(const(n), const(m), Facts()) == const(n // m)
    assert mod(const(n), const(m), Facts()) == const(n % m)


def test_division_by_a_constant_zero_is_an_error() -> None:
    with pytest.raises(UnsupportedError, match="division by zero"):
        floordiv(d, const(0), Facts())


def test_float_rounding_to_digits_of_constants() -> None:
    """Found by review: `fround` of constants was called with a float number of digits."""
    assert call("fround", const(Fraction(0.125)), const(2)) == const(Fraction(round(0.125, 2)))


def test_bounds_of_nested_remainders_take_linear_time() -> None:
    """Found by review: each level doubled the work; twenty levels took minutes."""
    value = d
    for n in range(60):
        value = mod(value.scaled(3) + const(1), const(97 + n), Facts())
    x, expected = 1000, 1000
    for n in range(60):
        expected = (expected * 3 + 1) % (97 + n)
    assert evaluate.value(value, {"d": x}) == expected


@thorough(50)
@given(st.integers(1, 40), st.integers(-5, 45))
def test_conditions_on_one_symbol_bound_it(value: int, number: int) -> None:
    condition = Condition("ge", d, const(number))
    truth = value >= number
    facts = Facts().with_condition(condition, truth)
    low, high = facts.of(d)
    assert low is not None and low <= value and (high is None or value <= high)


# --- small cases in full: what random examples seldom meet ----------------------------------------


def test_inequalities_of_floors_in_full() -> None:
    """`k * floor((p * d + q) / m) + c` against zero: `_unfloored`, `_tightened`, polarity."""
    for p in (1, 2, 3, -1, -2):
        for q in (0, 1, 3, -2):
            for m in (1, 2, 3, 4):
                inner = floor((d.scaled(p) + const(q)).scaled(Fraction(1, m)), Facts())
                for k in (1, 2, 3, -1, -3):
                    for c in (0, 1, 2, 5, -1, -4, -7):
                        poly = inner.scaled(k) + const(c)
                        for op, holds in COMPARE.items():
                            condition, polarity = compare(op, poly, const(0), Facts())
                            for value in range(1, 14):
                                truth = holds(k * ((p * value + q) // m) + c, 0)
                                said = condition is None or evaluate.holds(condition, {"d": value})
                                assert (said == polarity) == truth, (poly, op, value)


def test_floors_of_floors_in_full() -> None:
    """`floor((floor(d / m) + r) / n)` joins only where `r` is whole: `_joined`."""
    for m in (2, 3, 4):
        for n in (2, 3, 6):
            for r in (Fraction(0), Fraction(1), Fraction(1, 2), Fraction(2, 3), Fraction(-1, 2)):
                for s in (Fraction(0), Fraction(1), Fraction(1, 2), Fraction(1, 3), Fraction(5, 6)):
                    inner = floor(d.scaled(Fraction(1, m)), Facts()) + const(r) + h.scaled(s)
                    poly = floor(inner.scaled(Fraction(1, n)), Facts())
                    for x in range(1, 20):
                        for y in range(1, 8):
                            wanted = (Fraction(x // m) + r + s * y) / n
                            assert exact(poly, {"d": x, "h": y}) == wanted.__floor__()


def test_a_factor_that_may_be_zero_is_no_divisibility() -> None:
    factor = mod(h, const(2), Facts())
    quotient = floordiv(d, const(4), Facts())
    condition, polarity = compare("eq", factor * d, factor * quotient.scaled(4), Facts())
    for x in range(1, 10):
        for y in range(1, 5):
            truth = (y % 2) * x == (y % 2) * (x // 4) * 4
            assert condition is not None
            assert (evaluate.holds(condition, {"d": x, "h": y}) == polarity) == truth


FORMS = {
    "d // (h + 1)": lambda d, h: d // (h + 1),
    "d // (h * h + h)": lambda d, h: d // (h * h + h),
    "d % (h + 1)": lambda d, h: d % (h + 1),
    "(d - h) // (h + 1)": lambda d, h: (d - h) // (h + 1),
    "min(d, h) // 3": lambda d, h: min(d, h) // 3,
    "max(d - 5, 2 - h)": lambda d, h: max(d - 5, 2 - h),
    "min(d, h, 7)": lambda d, h: min(d, h, 7),
    "min(d - h, 7)": lambda d, h: min(d - h, 7),
    "5 % -d": lambda d, h: 5 % -d,
    "-d // h": lambda d, h: -d // h,
}


def _with_operators(form: str, facts: Facts) -> Poly:
    parts = {
        "d // (h + 1)": lambda: floordiv(d, h + const(1), facts),
        "d // (h * h + h)": lambda: floordiv(d, h * h + h, facts),
        "d % (h + 1)": lambda: mod(d, h + const(1), facts),
        "(d - h) // (h + 1)": lambda: floordiv(d - h, h + const(1), facts),
        "min(d, h) // 3": lambda: floordiv(minimum([d, h], facts), const(3), facts),
        "max(d - 5, 2 - h)": lambda: maximum([d - const(5), const(2) - h], facts),
        "min(d, h, 7)": lambda: minimum([d, h, const(7)], facts),
        "min(d - h, 7)": lambda: minimum([d - h, const(7)], facts),
        "5 % -d": lambda: mod(const(5), -d, facts),
        "-d // h": lambda: floordiv(-d, h, facts),
    }
    return parts[form]()


@pytest.mark.parametrize("form", sorted(FORMS))
def test_bounds_in_full(form: str) -> None:
    """The bounds of a call contain all its values, and under narrow facts too."""
    for low, high in ((1, None), (1, 9), (4, 6), (7, 7)):
        facts = Facts({"d": (low, high), "h": (1, 5)})
        poly = _with_operators(form, facts)
        least, greatest = facts.of(poly)
        for x in range(low, (high or 20) + 1):
            for y in range(1, 6):
                value = FORMS[form](x, y)
                assert exact(poly, {"d": x, "h": y}) == value
                assert least is None or least <= value
                assert greatest is None or value <= greatest


# --- choices --------------------------------------------------------------------------------------


def _chosen(case: Any) -> tuple[int, Poly, dict[str, int], Facts]:
    """A choice, maybe between choices, with its value."""
    (left, right, then, otherwise), values, facts, op = case
    value, poly = both((f"if_{op}", left, right, then, otherwise), values, facts)
    return value, poly, values, facts


chosen_cases = cases(4).flatmap(
    lambda case: st.tuples(*map(st.just, case), st.sampled_from(sorted(COMPARE)))
)


@thorough(100)
@given(chosen_cases)
def test_a_choice_has_the_value_of_the_side_that_its_condition_says(case: Any) -> None:
    value, poly, values, facts = _chosen(case)
    assert exact(poly, values) == evaluate.value(poly, values) == value
    assert (
        python_code.compile_tree(poly, list(values), lambda leaf: leaf)(*values.values()) == value
    )
    low, high = facts.of(poly)
    assert (low is None or low <= value) and (high is None or value <= high)


@thorough(100)
@given(chosen_cases, st.integers(-60, 60))
def test_arithmetic_by_a_choice(case: Any, number: int) -> None:
    value, poly, values, facts = _chosen(case)
    for operation, python_operation in ((floordiv, divmod), (mod, divmod)):
        index = 0 if operation is floordiv else 1
        for a, b, x, y in (
            (const(number), poly, number, value),
            (poly, const(number), value, number),
        ):
            try:
                result = operation(a, b, facts)
            except UnsupportedError:
                assert y == 0 or b.constant == 0
                continue
            if y:
                assert exact(result, values) == python_operation(x, y)[index]
                assert evaluate.value(result, values) == python_operation(x, y)[index]


@thorough(100)
@given(chosen_cases, expressions(4), st.sampled_from(sorted(COMPARE)))
def test_a_comparison_with_a_choice(case: Any, other: Any, op: str) -> None:
    value, poly, values, facts = _chosen(case)
    number, right = both(other, values, facts)
    for a, b, x, y in ((poly, right, value, number), (right, poly, number, value)):
        condition, polarity = compare(op, a, b, facts)
        said = condition is None or evaluate.holds(condition, values)
        assert (said is polarity) is COMPARE[op](x, y)


@thorough(100)
@given(chosen_cases, st.booleans(), st.sampled_from(("+", "*", "max", "//")), expressions(3))
def test_a_decided_choice_is_the_same_where_its_condition_holds(
    case: Any, first: bool, op: str, other: Any
) -> None:
    value, poly, values, facts = _chosen(case)
    for condition in choices_in([poly]):
        try:
            whole = NORMAL[op](facts, poly, normal_form(other, facts))
            expected = PYTHON[op](value, python(other, values))
            truth = evaluate.holds(condition, values)
            here = facts.with_condition(condition, truth) if first else facts
            made = decided(whole, condition, truth, here)
        except (ZeroDivisionError, UnsupportedError):
            assume(False)
        assert condition not in choices_in([made])
        assert exact(made, values) == expected


@thorough(50)
@given(chosen_cases, st.sampled_from(NAMES), expressions(3))
def test_a_symbol_is_substituted_in_choices(case: Any, name: str, replacement: Any) -> None:
    _, poly, values, _ = _chosen(case)
    (left, right, then, otherwise), _, _, op = case
    facts = Facts({n: (None, None) for n in NAMES})
    expression = (f"if_{op}", left, right, then, otherwise)
    try:
        there = {**values, name: python(replacement, values)}
        expected = python(expression, there)
        poly = normal_form(expression, facts)
        made = substituted(poly, name, normal_form(replacement, facts), facts)
    except (ZeroDivisionError, UnsupportedError):
        assume(False)
    assert exact(made, values) == expected


FACTORS = st.one_of(
    st.floats(0, 1, exclude_min=True, exclude_max=True),
    st.floats(1 - 2**-38, 1 - 2**-40, exclude_max=True),
    st.integers(1, 64).map(lambda n: float(1 - Fraction(1, 2**40)) - n * 2**-53),
    st.sampled_from((0.9, 0.95, 0.5, 5e-324, 1e-300)),
)
SIZES = st.one_of(
    st.integers(0, 20),
    st.integers(0, 1000).flatmap(lambda n: st.integers(-3, 3).map(lambda k: max(0, 2**n + k))),
    st.integers(0, 2**1000),
    st.floats(0, 1e300),
    st.integers(0, 64).map(lambda n: n * 5e-324),
)


@thorough(500)
@given(FACTORS, SIZES, st.integers(0, 2))
def test_a_whole_is_never_less_than_a_share(factor: float, size: Any, more: int) -> None:
    """What `make_divisible` compares: never `new < 0.9 * v` for `new >= v`, however it rounds."""
    facts = Facts({"x": (0, None), "r": (0, None)})
    x = symbol("r", real=True) if isinstance(size, float) else symbol("x")
    share = call("fmul", const(Fraction(factor)), x)
    whole = x + const(0 if isinstance(size, float) else more)
    condition, polarity = compare("lt", whole, share, facts)
    assert condition is not None or polarity is False
    if condition is None:
        assert not size + (0 if isinstance(size, float) else more) < factor * size


def test_a_share_that_is_next_to_all_of_it_may_be_more() -> None:
    facts = Facts({"x": (0, None)})
    for factor in (1.0, 1 - 2**-53, 1 - 2**-41):
        share = call("fmul", const(Fraction(factor)), symbol("x"))
        assert compare("lt", symbol("x"), share, facts)[0] is not None
    assert 2**54 + 3 < (2**54 + 3) * 1.0


MASKS = (0, -1, 1, 7, 6, 12, 8, -8, -2, -7, -13, 5, -6, 1023, -1024)


@pytest.mark.parametrize("op", ["&", "|", "^"])
@pytest.mark.parametrize("mask", MASKS)
def test_a_mask_is_arithmetic_on_integers_of_any_sign(op: str, mask: int) -> None:
    offset = symbol("a") - const(20)
    form = NORMAL[op](Facts(), offset, const(mask))
    assert [exact(form, {"a": n + 20}) for n in range(-19, 40)] == [
        PYTHON[op](n, mask) for n in range(-19, 40)
    ]
    if mask not in (5, -6) and op != "^":
        assert not any(getattr(base, "op", None) in ("and", "or", "xor") for base in form.atoms())


@thorough(200)
@given(st.integers(-300, 300), st.sampled_from(("and", "or", "xor")), st.integers(-100, 100))
def test_masks_in_full(mask: int, op: str, offset: int) -> None:
    form = bitwise(op, symbol("a") + const(offset), const(mask), Facts())
    for n in range(1, 40):
        assert exact(form, {"a": n}) == CALLS[op].compute(n + offset, mask)


def test_extremums_within_extremums_are_one() -> None:
    limit, wide, narrow = symbol("a"), d, d
    for _ in range(20):
        wide = minimum([limit, wide.scaled(2)], Facts())
        narrow = maximum([limit, floordiv(narrow, const(2), Facts())], Facts())
    assert wide == call("min", limit, d.scaled(2**20))
    assert narrow == call("max", limit, floor(d.scaled(Fraction(1, 2**20)), Facts()))
    grown = d
    for _ in range(3):
        grown = minimum([limit, grown * h], Facts())
    assert grown == call("min", limit, d * h**3)


@thorough(300)
@given(
    st.lists(st.tuples(*map(st.sampled_from, ("<>", (1, 2, 3, -1), (1, 2, 4, 8), (0, 1, -1, 3)))))
)
def test_extremums_of_extremums_in_full(steps: list[tuple[str, int, int, int]]) -> None:
    form = a

    def step(value: Any, other: Any, step: Any, of: Any) -> Any:
        sign, factor, divisor, more = step
        scaled = of("//", of("*", value, factor), divisor)
        return of("max" if sign == ">" else "min", of("+", scaled, more), other)

    for each in steps:
        form = step(form, b, each, lambda op, *args: NORMAL[op](Facts(), *map(_poly, args)))
    for x in (1, 2, 5, 8, 17, 100):
        for y in (1, 3, 16, 40):
            value = x
            for each in steps:
                value = step(value, y, each, lambda op, *args: PYTHON[op](*args))
            assert exact(form, {"a": x, "b": y}) == value


def _poly(value: Any) -> Poly:
    return value if isinstance(value, Poly) else const(value)
