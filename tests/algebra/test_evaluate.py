"""Three evaluators of a normal form agree: the interpreter, the compiled code and sympy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pytest
import sympy
from hypothesis import assume, given
from hypothesis import strategies as st

from symcount.algebra import evaluate, python_code
from symcount.algebra.comparing import compare
from symcount.algebra.conditions import Condition
from symcount.algebra.facts import Facts
from symcount.algebra.functions import CALLS, CHOICES, call
from symcount.algebra.poly import Call, Poly, atom, const, symbol
from symcount.algebra.rounding import floordiv
from symcount.errors import CountOverflowError, InternalError, UnsupportedError
from symcount.formula import sympy_form
from tests.random_expressions import (
    NAMES,
    exact,
    expressions,
    facts_at,
    float_steps,
    normal_form,
    points,
    thorough,
)

d, h = symbol("d"), symbol("h")


def at(values: Mapping[str, int]) -> dict[Any, int]:
    """The argument of sympy's `subs`."""
    return {sympy_form.symbol(name): value for name, value in values.items()}


@dataclass(frozen=True)
class Split:
    condition: Condition
    then: Any
    otherwise: Any


@st.composite
def polys(draw: Any, values: dict[str, int] | None = None) -> tuple[Poly, dict[str, int]]:
    """A normal form, and values at which it is defined."""
    least = draw(st.sampled_from((0, 1))) if values is None or 0 in values.values() else 1
    values = values or draw(points(least))
    facts = draw(facts_at(values, least))
    try:
        poly = normal_form(draw(expressions(6)), facts)
        if draw(st.booleans()):
            factor = facts.symbol(draw(st.sampled_from(NAMES)))
            poly = poly * factor + draw(float_steps(poly))
        evaluate.value(poly, values)
    except (ArithmeticError, ValueError, UnsupportedError):
        assume(False)
    return poly, values


@thorough(150)
@given(polys())
def test_the_compiled_code_computes_what_the_interpreter_does(case: Any) -> None:
    poly, values = case
    compiled = python_code.compile_tree(poly, list(values), lambda leaf: leaf)
    assert compiled(*values.values()) == evaluate.value(poly, values)


@thorough(150)
@given(polys())
def test_sympy_computes_what_the_interpreter_does(case: Any) -> None:
    poly, values = case
    expr = sympy_form.expression(poly)
    result = expr.subs({s: values[s.name] for s in expr.free_symbols})
    assert result == evaluate.value(poly, values), f"{expr} is {result}"


@thorough(60)
@given(
    points().flatmap(lambda values: st.tuples(polys(values), polys(values))),
    st.sampled_from(("eq", "ne", "lt", "le", "gt", "ge")),
)
def test_conditions_in_code_and_in_sympy(case: Any, op: str) -> None:
    (left, values), (right, _) = case
    try:
        condition, _ = compare(op, left, right, Facts())
        assume(condition is not None)
        truth = evaluate.holds(condition, values)
    except (ArithmeticError, ValueError):
        assume(False)
        raise
    test = python_code.compile_condition(condition, list(values))
    assert test(*values.values()) == truth
    for wanted in (True, False):
        relation = sympy_form.condition(condition, wanted).subs(at(values)).doit()
        assert relation == (truth is wanted)


@thorough(60)
@given(st.lists(st.tuples(expressions(4), st.integers(0, 50)), min_size=1, max_size=6), points())
def test_trees_lead_to_the_leaf_the_conditions_choose(rows: Any, values: Any) -> None:
    """Chains and bushes: the compiled layout nests whichever side is the smaller."""
    conditions = []
    for expression, number in rows:
        try:
            condition, _ = compare("le", normal_form(expression, Facts()), const(number), Facts())
            assume(condition is not None)
            evaluate.holds(condition, values)
        except (ArithmeticError, UnsupportedError):
            assume(False)
        conditions.append(condition)
    for shape in ("then", "otherwise", "bush"):
        leaves = iter(range(10**6))

        def tree(rest: list[Any]) -> Any:
            if not rest:
                return const(next(leaves))  # noqa: B023
            here, more = rest[0], rest[1:]
            then = tree(more) if shape != "otherwise" else const(next(leaves))  # noqa: B023
            otherwise = tree(more) if shape != "then" else const(next(leaves))  # noqa: B023
            return Split(here, then, otherwise)

        built = node = tree(conditions)
        while isinstance(node, Split):
            node = node.then if evaluate.holds(node.condition, values) else node.otherwise
        function = python_code.compile_tree(built, list(values), lambda leaf: leaf)
        assert function(*values.values()) == node.constant


@pytest.mark.parametrize("side", ["then", "otherwise"])
def test_a_chain_of_two_hundred_conditions_compiles(side: str) -> None:
    """Found by review: each condition indented the code, and Python allows a hundred levels."""
    tree: Any = const(0)
    for n in range(1, 201):
        condition = Condition("ge", d, const(n))
        tree = Split(condition, *((const(n), tree) if side == "then" else (tree, const(n))))
    function = python_code.compile_tree(tree, ["d"], lambda leaf: leaf)
    for value in (1, 100, 200, 500):
        node = tree
        while isinstance(node, Split):
            node = node.then if value >= node.condition.right.constant else node.otherwise
        assert function(value) == node.constant


@pytest.mark.parametrize("value", [2**53 + 1, 2**64 + 1, 10**400 + 1])
def test_conditions_on_quotients_of_large_integers_are_exact(value: int) -> None:
    """Found by review: `d/h >= n` was compiled to a comparison of doubles."""
    quotient = floordiv(d, h, Facts(divisible=[(d, h)]))
    assert repr(quotient) == "d*h**-1"
    for number, truth in ((value, True), (value + 1, False)):
        condition = Condition("ge", quotient, const(number))
        test = python_code.compile_condition(condition, ["d", "h"])
        point = {"d": 3 * value, "h": 3}
        assert test(**{"s0": 3 * value, "s1": 3}) is truth
        assert evaluate.holds(condition, point) is truth


def test_true_division_of_large_quotients_rounds_once() -> None:
    """Found by review: `(d // 4) / 3` of a multiple of 4 was computed from a rounded `d / 4`."""
    quotient = floordiv(d, const(4), Facts(multiples={"d": 4}))
    poly = call("trunc", call("truediv", quotient, const(3)))
    function = python_code.compile_tree(poly, ["d"], lambda leaf: leaf)
    for start in (2**57 + 4, 2**60 + 4):
        for value in range(start, start + 4000, 4):
            assert function(value) == evaluate.value(poly, {"d": value}) == int((value // 4) / 3)


def test_large_integers_are_exact() -> None:
    poly = d**3 - d**2 + floordiv(d, const(7), Facts())
    value = 10**30 + 7
    assert evaluate.value(poly, {"d": value}) == value**3 - value**2 + value // 7
    assert python_code.compile_tree(poly, ["d"], lambda p: p)(value) == exact(poly, {"d": value})


@pytest.mark.parametrize("exponent", [d - h, -d, h * h - d])
def test_a_negative_power_of_an_integer_is_none(exponent: Poly) -> None:
    """It was a double: `2**(n - 8)` counted 0.03125 parameters."""
    poly = atom(Call("pow", (const(2), exponent)))
    compiled = python_code.compile_tree(poly, ("d", "h"), lambda leaf: leaf)
    for values in ((3, 1), (9, 3), (1, 2), (2, 2), (4, 3)):
        power = evaluate.value(exponent, dict(zip("dh", values, strict=True)))
        for count in (compiled, lambda d, h: evaluate.value(poly, {"d": d, "h": h})):
            if power >= 0:
                assert count(*values) == 1 << power and type(count(*values)) is int
            else:
                with pytest.raises(ValueError, match="no integer"):
                    count(*values)


@pytest.mark.parametrize(
    "huge",
    [
        Call("pow", (const(2), d)),
        Call("pow", (const(2), d - h)),
        Call("factorial", (d,)),
        Call("perm", (d, d - h)),
        Call("comb", (d, d - const(10**7))),
    ],
)
def test_what_no_machine_has_time_for_is_not_computed(huge: Call) -> None:
    poly, at = atom(huge), {"d": 10**9, "h": 1}
    compiled = python_code.compile_tree(poly, ("d", "h"), lambda leaf: leaf)
    for count in (lambda: compiled(**{"s0": 10**9, "s1": 1}), lambda: evaluate.value(poly, at)):
        with pytest.raises(CountOverflowError, match="ask at smaller sizes"):
            count()
    digits = atom(Call("round_digits", (d, -d)))
    assert evaluate.value(digits, at) == 0


def test_a_normal_form_that_is_no_integer_is_a_defect() -> None:
    with pytest.raises(InternalError, match="which is no integer"):
        evaluate.value(d.scaled(Fraction(1, 2)), {"d": 3})


def test_sympy_rounds_to_digits() -> None:
    """Found by review: sympy called `round` with a float number of digits."""
    poly = call(
        "trunc",
        call("fmul", const(10), call("fround", call("fmul", const(Fraction(0.3)), d), const(1))),
    )
    for value in range(1, 50):
        expected = int(10 * round(0.3 * value, 1))
        assert sympy_form.expression(poly).subs(sympy_form.symbol("d"), value) == expected
        assert evaluate.value(poly, {"d": value}) == expected


def test_expressions_of_every_function_print() -> None:
    for op in CALLS:
        for arity in (4,) if op in CHOICES else (1, 2):
            try:
                expr = sympy_form.expression(call(op, *(d, h, d, h)[:arity]))
            except TypeError:
                continue
            assert str(expr) and sympy.latex(expr) and sympy.latex(expr**2)
