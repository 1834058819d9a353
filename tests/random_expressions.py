"""Random integer expressions, each known twice: as Python computes it, and as a normal form.

An expression is a nested tuple: a symbol's name, an int, or (operator, operand, ...). `python`
computes it on plain integers; `normal_form` builds it by the constructors of
`symcount.algebra`, under facts that hold at the values in question.
"""

from __future__ import annotations

import functools
import math
import operator
import os
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from symcount.algebra.comparing import chosen, maximum, minimum
from symcount.algebra.facts import Facts
from symcount.algebra.functions import CALLS, call
from symcount.algebra.poly import Poly, Variable, const
from symcount.algebra.rounding import bitwise, floordiv, mod
from symcount.record import COMPARISONS, OPERATORS
from tests.slow import mostly_slow

NAMES = ("a", "b", "c")

# SYMCOUNT_FUZZ=20 runs every random test on twenty times as many examples
SCALE = int(os.environ.get("SYMCOUNT_FUZZ", "1"))


def batches(number: int) -> pytest.MarkDecorator:
    """Run a test for so many batches of examples, of which all but one in twenty-four are slow."""
    return pytest.mark.parametrize("batch", mostly_slow(range(number), every=24))


def thorough(examples: int) -> settings:
    """Settings for a property test of so many examples, times `SCALE`."""
    return settings(
        max_examples=examples * SCALE,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


PYTHON: dict[str, Callable[..., int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
    "max": max,
    "min": min,
    "ceildiv": lambda a, b: -(-a // b),
    "abs": abs,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "gcd": math.gcd,
    "lcm": math.lcm,
    "bit_length": int.bit_length,
    "square": lambda a: a * a,
}

NORMAL: dict[str, Callable[..., Poly]] = {
    "+": lambda facts, a, b: a + b,
    "-": lambda facts, a, b: a - b,
    "*": lambda facts, a, b: a * b,
    "//": lambda facts, a, b: floordiv(a, b, facts),
    "%": lambda facts, a, b: mod(a, b, facts),
    "max": lambda facts, *args: maximum(args, facts),
    "min": lambda facts, *args: minimum(args, facts),
    "ceildiv": lambda facts, a, b: -floordiv(-a, b, facts),
    "abs": lambda facts, a: call("abs", a),
    "&": lambda facts, a, b: bitwise("and", a, b, facts),
    "|": lambda facts, a, b: bitwise("or", a, b, facts),
    "^": lambda facts, a, b: bitwise("xor", a, b, facts),
    "gcd": lambda facts, a, b: call("gcd", a, b),
    "lcm": lambda facts, a, b: call("lcm", a, b),
    "bit_length": lambda facts, a: call("bit_length", a),
    "square": lambda facts, a: a**2,
}
for _op in COMPARISONS:
    PYTHON[f"if_{_op}"] = OPERATORS[f"if_{_op}"]
    NORMAL[f"if_{_op}"] = functools.partial(lambda op, facts, *args: chosen(op, *args, facts), _op)
UNARY = ("abs", "bit_length", "square")
COMMON = ("+", "-", "*", "//", "//", "%", "%", "max", "min", "ceildiv")
RARE = ("&", "|", "^", "gcd", "lcm")
CHOICES = tuple(f"if_{op}" for op in COMPARISONS)


def python(expression: Any, values: Mapping[str, int]) -> int:
    """The expression as Python computes it."""
    if isinstance(expression, str):
        return values[expression]
    if isinstance(expression, int):
        return expression
    op, *operands = expression
    return PYTHON[op](*(python(x, values) for x in operands))


def normal_form(expression: Any, facts: Facts) -> Poly:
    """The expression in normal form, as far as the facts simplify it."""
    if isinstance(expression, str):
        return facts.symbol(expression)
    if isinstance(expression, int):
        return const(expression)
    op, *operands = expression
    return NORMAL[op](facts, *(normal_form(x, facts) for x in operands))


def expressions(max_leaves: int = 8) -> st.SearchStrategy[Any]:
    """Expressions over `NAMES`, with small constants of either sign."""
    leaf = st.one_of(
        st.sampled_from(NAMES),
        st.sampled_from((2, 3, 4, 8, 5, 6, 1, -1, -2, -3, 7, 0, 16, 12, -4)),
    )

    def grow(smaller: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.one_of(
            st.tuples(st.sampled_from(COMMON), smaller, smaller),
            st.tuples(st.sampled_from(COMMON), smaller, smaller),
            st.tuples(st.sampled_from(("//", "%", "ceildiv")), smaller, st.sampled_from(NAMES)),
            st.tuples(st.sampled_from(("//", "%")), smaller, st.integers(-6, 12)),
            st.tuples(st.sampled_from(("max", "min")), smaller, smaller, smaller),
            st.tuples(st.sampled_from(RARE), smaller, smaller),
            st.tuples(st.sampled_from(CHOICES), smaller, smaller, smaller, smaller),
            st.tuples(st.sampled_from(UNARY), smaller),
        )

    return st.recursive(leaf, grow, max_leaves=max_leaves)


@st.composite
def points(draw: Any, least: int = 1) -> dict[str, int]:
    """Values of the symbols, some of which divide each other."""
    b = draw(st.integers(least, 12))
    a = b * draw(st.integers(least, 12)) if draw(st.booleans()) else draw(st.integers(least, 100))
    c = draw(st.one_of(st.integers(least, 70), st.sampled_from((a, b, a * b, 64))))
    return {"a": a, "b": b, "c": c}


@st.composite
def facts_at(draw: Any, values: Mapping[str, int], least: Literal[0, 1] = 1) -> Facts:
    """Facts that are true at these values, of symbols that are declared to be `least` or more."""
    bounds, multiples = {}, {}
    for name, value in values.items():
        if draw(st.booleans()):
            low = draw(st.integers(least, value))
            high = draw(st.one_of(st.none(), st.integers(value, value + 20)))
            bounds[name] = (low, high)
        divisors = [n for n in range(1, max(value, 8) + 1) if value % n == 0]
        if draw(st.booleans()):
            multiples[name] = draw(st.sampled_from(divisors))
    facts = Facts(bounds, multiples, may_be_zero=() if least else NAMES)
    for x in NAMES:
        for y in NAMES:
            if x != y and values[y] and values[x] % values[y] == 0 and draw(st.booleans()):
                facts = facts.with_divisible(facts.symbol(x), facts.symbol(y))
    expression = draw(expressions(3))
    divisor = draw(st.sampled_from((*NAMES, 2, 3, 4, 8)))
    try:
        divides = python(expression, values) % python(divisor, values) == 0
    except ZeroDivisionError:
        return facts
    if divides:
        facts = facts.with_divisible(normal_form(expression, facts), normal_form(divisor, facts))
    return facts


def exact(poly: Poly, values: Mapping[str, int]) -> Fraction:
    """The value of a polynomial by the definition, in rational arithmetic."""
    total = Fraction(0)
    for monomial, coefficient in poly.terms.items():
        term = Fraction(coefficient)
        for base, exponent in monomial:
            term *= Fraction(_atom(base, values)) ** exponent
        total += term
    return total


def _atom(base: Any, values: Mapping[str, int]) -> Any:
    if isinstance(base, Variable):
        return values[base.name]
    args = [exact(arg, values) for arg in base.args]
    if base.op == "floor":
        return math.floor(args[0])
    assert all(x.denominator == 1 for x in args), f"{base!r} takes integers, not {args}"
    return CALLS[base.op].compute(*map(int, args))


FLOATS = (0.29, 0.5, 1.5, 0.1, 2.0, 1e-3, 3.7)


@st.composite
def float_steps(draw: Any, poly: Poly) -> Poly:
    """An integer made of a few float steps on an integer."""
    for _ in range(draw(st.integers(1, 3))):
        op = draw(st.sampled_from(("fmul", "fadd", "fdiv", "fpow", "fmod_py", "ffloordiv", "sqrt")))
        number = const(Fraction(draw(st.sampled_from(FLOATS))))
        poly = call("sqrt", call("fabs", poly)) if op == "sqrt" else call(op, poly, number)
    return call(draw(st.sampled_from(("trunc", "floor_float", "ceil_float", "round"))), poly)
