"""MathML reads back as the formula that it shows."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import pytest
import sympy
from hypothesis import given, reject
from hypothesis import strategies as st

from symcount.display import mathml
from symcount.errors import UnsupportedError
from symcount.formula import latex, sympy_form
from tests.random_expressions import (
    NAMES,
    exact,
    expressions,
    facts_at,
    normal_form,
    points,
    python,
    thorough,
)

SIGNS = {
    "−": "-",
    "\u2062": "*",
    "⋅": "*",
    "\u2061": "",
    "mod": "%",
    "=": "==",
    "≠": "!=",
    "≥": ">=",
    "≤": "<=",
    "∧": " and ",
    "∨": " or ",
    "¬": " not ",
    "⌊": "floor(",
    "⌋": ")",
    "⌈": "ceil(",
    "⌉": ")",
}
WORDS = {"otherwise": "True", "if\xa0": "", "true": "True", "false": "False"}
FUNCTIONS = {
    "floor": math.floor,
    "ceil": math.ceil,
    "max": max,
    "min": min,
    "gcd": lambda a, b: math.gcd(int(a), int(b)),
    "lcm": lambda a, b: math.lcm(int(a), int(b)),
    "bit_length": lambda a: int(a).bit_length(),
    "bitand": lambda a, b: int(a) & int(b),
    "bitor": lambda a, b: int(a) | int(b),
    "bitxor": lambda a, b: int(a) ^ int(b),
}


def read(element: ET.Element) -> str:
    """The Python expression that a reader sees: only what is drawn groups anything."""
    tag, parts = element.tag, [read(e) for e in element if e.tag != "annotation"]
    if tag == "mi":
        return element.text
    if tag == "mn":
        return f"F({element.text})"
    if tag == "mo":
        if element.text == "|":
            return "abs(" if element.get("form") == "prefix" else ")"
        return SIGNS.get(element.text, element.text)
    if tag == "mfrac":
        return f"(F({parts[0]}) / F({parts[1]}))"
    if tag == "msup":
        return f"{parts[0]}**({parts[1]})"
    if tag == "mtext":
        return WORDS[element.text]
    if tag == "mtable" and len(element[0]) == 2:
        arms = [[read(cell) for cell in row] for row in element]
        return f"({' else '.join(f'{value} if {test}' for value, test in arms)} else None)"
    assert tag in ("math", "semantics", "mrow", "mtable", "mtr", "mtd"), tag
    return "".join(parts)


def value(markup: str, values: Mapping[str, int]) -> Any:
    names = {name: Fraction(number) for name, number in values.items()}
    return eval(read(ET.fromstring(markup)), {"F": Fraction, **FUNCTIONS, **names})


def drawn(markup: str) -> str:
    return "".join(ET.fromstring(markup).find("semantics")[0].itertext())


@thorough(150)
@given(st.data(), expressions(), points(), st.integers(8, 72))
def test_what_is_drawn_is_the_formula(data, expression, values, width) -> None:
    try:
        python(expression, values)
        poly = normal_form(expression, data.draw(facts_at(values)))
    except (ZeroDivisionError, UnsupportedError):
        reject()
    markup = mathml.math(sympy_form.expression(poly), width)
    assert value(markup, values) == exact(poly, values)
    assert not re.search(r"\d\u2062\d", drawn(markup)), "two numbers that look like one"


def test_a_reader_sees_a_missing_bracket() -> None:
    a, b, c = map(sympy_form.symbol, NAMES)
    right = mathml.math(sympy.Mul(a, b + c, evaluate=False))
    values = dict(zip(NAMES, (2, 3, 4), strict=True))
    assert value(right, values) == 14
    wrong = right.replace('<mo fence="true" form="prefix">(</mo>', "")
    wrong = wrong.replace('<mo fence="true" form="postfix">)</mo>', "")
    assert value(wrong, values) == 10


def test_a_remainder_within_a_term_is_in_brackets() -> None:
    a, b, _ = map(sympy_form.symbol, NAMES)
    assert value(mathml.math(-sympy.Mod(a, b) - 1), {"a": 5, "b": 2}) == -2
    assert value(mathml.math(sympy.Mod(a, 2 * b)), {"a": 1, "b": 2}) == 1
    assert value(mathml.math(sympy.floor(a / sympy.Mod(a, b))), {"a": 5, "b": 3}) == 2


def test_a_number_that_is_no_first_factor_has_a_dot() -> None:
    n = sympy_form.symbol("n")
    assert drawn(mathml.math(3 * 4**n * n**2)) == "3⋅4n\u2062n2"


def test_names_stay_what_they_are_and_are_escaped() -> None:
    markup = mathml.math(sympy.Symbol("head_dim<script>"))
    assert "<mi>head_dim&lt;script&gt;</mi>" in markup
    assert "<script" not in markup


def test_the_latex_goes_along() -> None:
    d = sympy_form.symbol("dim")
    tree = ET.fromstring(mathml.math(4 * d**2 / sympy_form.symbol("h")))
    assert tree.find(".//annotation").text == latex.one_line(4 * d**2 / sympy_form.symbol("h"))


def test_float_steps_are_circled() -> None:
    expression = sympy_form.FUNCTIONS["trunc"](
        sympy_form.FUNCTIONS["fmul"](sympy.Float(0.29), sympy_form.symbol("dim"))
    )
    assert drawn(mathml.math(expression)).replace("\u2061", "") == "trunc(0.29⊗dim)"


def test_what_has_no_markup_is_text() -> None:
    inner = sympy.Sum(sympy.Symbol("i"), (sympy.Symbol("i"), 1, sympy.Symbol("n")))
    assert "<mtext>Sum(i, (i, 1, n))</mtext>" in mathml.math(inner)


@pytest.mark.parametrize("width", [10, 40, 72])
def test_lines_hold_all_terms_in_their_order(width: int) -> None:
    terms = [sympy_form.symbol(f"symbol_{i}") ** (9 - i) for i in range(8)]
    total = sympy.Add(*terms)
    groups = [line.terms for line in sympy_form.lines(total, width)]
    assert [term for group in groups for term in group] == total.as_ordered_terms()
    assert all(len(group) == 1 or sum(len(str(t)) + 3 for t in group) <= width for group in groups)
    assert len(groups) > 1
