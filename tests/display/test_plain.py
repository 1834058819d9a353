"""Plain text reads back as the formula that it shows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import sympy
from hypothesis import given, reject
from hypothesis import strategies as st

from symcount.display import plain
from symcount.errors import UnsupportedError
from symcount.formula import sympy_form
from tests.display.test_mathml import FUNCTIONS, SIGNS
from tests.random_expressions import (
    exact,
    expressions,
    facts_at,
    normal_form,
    points,
    python,
    thorough,
)

RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


def read(text: str) -> str:
    """The Python expression that a reader sees."""
    text = text.replace("\N{HAIR SPACE}", "")
    text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda found: f"**{found[0].translate(RAISED)}", text)
    text = re.sub(r"\|([^|]*)\|", r"abs(\1)", text)  # none is within another
    text = re.sub(r"\d+", r"F(\g<0>)", re.sub(r"(?<=[a-z])_\d", r"\g<0>", text))
    for sign, written in {**SIGNS, "·": "*", "^": "**", " mod ": " % "}.items():
        if sign not in ("=", "mod"):
            text = text.replace(sign, written)
    arms = r"\{([^{}]*)\}"
    while re.search(arms, text):
        text = re.sub(arms, lambda found: f"({conditional(found[1])})", text)
    return re.sub(r"(?<![<>!=])=(?!=)", "==", text)


def conditional(cases: str) -> str:
    values = [re.sub(" otherwise$", " if True", case) for case in cases.split("; ")]
    return " else ".join([*values, "None"])


def value(text: str, values: Mapping[str, int]) -> Any:
    names = {name: Fraction(number) for name, number in values.items()}
    return eval(read(text), {"F": Fraction, **FUNCTIONS, **names})


@thorough(150)
@given(st.data(), expressions(), points())
def test_what_is_written_is_the_formula(data, expression, values) -> None:
    try:
        python(expression, values)
        poly = normal_form(expression, data.draw(facts_at(values)))
    except (ZeroDivisionError, UnsupportedError):
        reject()
    assert value(plain.text(sympy_form.expression(poly)), values) == exact(poly, values)


def test_a_reader_sees_a_missing_bracket() -> None:
    a, b, c = map(sympy_form.symbol, "abc")
    right = plain.text(a / (b * c))
    values = {"a": 12, "b": 2, "c": 3}
    assert value(right, values) == 2
    assert value(right.replace("(", "").replace(")", ""), values) == 18


def test_cases_are_lines_or_in_braces() -> None:
    dim = sympy_form.symbol("dim")
    cases = sympy.Piecewise((dim**2, dim > 3), (7, True))
    assert plain.lines(cases) == ["dim² if dim > 3", "7 otherwise"]
    assert plain.text(cases + dim) == "dim + ({dim² if dim > 3; 7 otherwise})"
    assert plain.lines(dim + 1) == ["dim + 1"]


def test_exponents_that_are_no_number_have_a_sign() -> None:
    n = sympy_form.symbol("n")
    assert plain.text(2**n) == "2^n"
    assert plain.text(2 ** (n + 1) + n**12) == "2^(n + 1) + n¹²"
