"""LaTeX in lines says what LaTeX on one line says, in rows that have room."""

from __future__ import annotations

import re

import pytest
import sympy

from symcount.formula import latex
from symcount.formula.sympy_form import symbol

NAMES = [f"symbol_number_{i}" for i in range(9)]


def said(text: str) -> str:
    """The same on one line: rows, indents, sizes of brackets and fraction bars are taken back."""
    text = re.sub(r"\\(?:begin|end)\{aligned\}|\\quad|&|\\\\", "", text)
    text = re.sub(r"\\(?:bigl|left)", r"\\left", re.sub(r"\\(?:bigr|right)", r"\\right", text))
    name = r"\{(\\mathrm\{[^{}]*\})\}"
    text = re.sub(rf"\\frac{name}{name}", r"\1/\2", text)
    return re.sub(r"\s|\\cdot|\\,|\{\}", "", text)


def test_terms_are_aligned() -> None:
    terms = [(1 - i % 2 * 3) * symbol(name) for i, name in enumerate(NAMES)]
    text = latex.in_lines(sympy.Add(*terms))
    assert text.startswith(r"\begin{aligned} & ") and text.endswith(r" \end{aligned}")
    assert text.count(r"\\ & ") >= 2
    assert said(text) == said(latex.one_line(sympy.Add(*terms)))
    assert latex.in_lines(symbol("d")) == "d"


@pytest.mark.parametrize("room", [320, 180])
def test_factors_arguments_and_conditions_are_broken_too(room: float) -> None:
    a, b, c, d = map(symbol, NAMES[:4])
    for value in (
        a * b * c * sympy.Max(a * b + c, sympy.floor(a / d) + b),
        (a + b + c) * (b + c + d) * a,
        sympy.And(sympy.Or(a > b, b > c), sympy.Eq(sympy.Mod(a + b, c), 0), a + b + c < d),
    ):
        rows = latex.lines(value, room)
        assert len(rows) > 1
        assert said("".join(rows)) == said(latex.one_line(value))
        assert all(latex._width(row) <= room for row in rows)
        for row in rows:
            assert row.count(r"\left") == row.count(r"\right")
        assert "".join(rows).count(r"\bigl") == "".join(rows).count(r"\bigr")


def test_a_fraction_that_is_too_wide_gets_a_slash() -> None:
    a, b, c, d = map(symbol, NAMES[:4])
    assert latex.lines(a * b / c, 400) == [latex.one_line(a * b / c)]
    rows = latex.lines((a + b + c) / (a * d), 150)
    assert r"\frac" not in "".join(rows)
    assert said("".join(rows)) == said(
        rf"\left({latex.one_line(a + b + c)}\right) / \left({latex.one_line(a * d)}\right)"
    )


def test_conditions_stand_below_their_values_where_there_is_no_room() -> None:
    a, b, c = map(symbol, ("dim", "heads", "depth"))
    cases = sympy.Piecewise((a * b, a > b), (b * c + a, True))
    assert latex.in_lines(cases, 320) == latex.one_line(cases)
    text = latex.in_lines(cases, 130)
    assert text.startswith(r"\left\lbrace \begin{aligned}") and text.endswith(r"\right.")
    assert r"\quad \text{for}" in text and r"\quad \text{otherwise}" in text


def test_a_row_goes_on_with_what_it_is_a_part_of() -> None:
    a, b, c, d = map(symbol, NAMES[:4])
    rows = latex.lines(a * b * c * d + a, 250)
    assert [re.match(r"(\\quad )?(\\cdot|\+|)", row)[0] for row in rows] == [
        "",
        r"\quad \cdot",
        "+",
    ]
