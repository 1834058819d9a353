"""Formulas made of normal forms, without a factory, for tests of what is done with formulas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from symcount.algebra.comparing import compare
from symcount.algebra.conditions import Condition
from symcount.algebra.facts import Facts
from symcount.algebra.poly import Poly, symbol
from symcount.errors import UnsupportedError
from symcount.formula.certificate import Certificate
from symcount.formula.formula import Formula
from symcount.formula.tree import Built, Refused, Split, TensorSpec
from symcount.param_count import ParamCount
from symcount.record import Program
from symcount.symbols import Hyperparameter
from tests.random_expressions import NAMES, expressions, float_steps, normal_form

OUTSIDE = Refused("ValueError", "outside", None, ())


def leaf(poly: Poly) -> Built:
    weight = TensorSpec("weight", (poly,), "float32", 4, "parameter", True, None, "empty")
    return Built((weight,), Program((), (), ()))


def formula(tree: Any, symbols: Sequence[str | Hyperparameter] = NAMES) -> ParamCount:
    """A formula that is a polynomial, or a tree of `Split`s with such leaves."""
    formula = Formula(
        "formula",
        tuple(Hyperparameter(s) if isinstance(s, str) else s for s in symbols),
        (),
        leaf(tree) if isinstance(tree, Poly) else tree,
        Certificate("partial", "made for a test", 1, 0, (), ()),
    )
    return ParamCount(formula)


@st.composite
def polys(draw: Any) -> Poly:
    """A normal form in `NAMES`, with steps of float arithmetic in half of the cases."""
    try:
        poly = normal_form(draw(expressions(6)), Facts())
        if draw(st.booleans()):
            poly = poly * symbol(draw(st.sampled_from(NAMES))) + draw(float_steps(poly))
    except (ArithmeticError, ValueError, UnsupportedError):
        assume(False)
    return poly


@st.composite
def conditions(draw: Any) -> Condition:
    op = draw(st.sampled_from(("eq", "ne", "lt", "le", "gt", "ge")))
    try:
        condition, _ = compare(op, draw(polys()), draw(polys()), Facts())
    except (ArithmeticError, ValueError, UnsupportedError):
        condition = None
    assume(condition is not None)
    return condition  # type: ignore[return-value]


@st.composite
def formulas(draw: Any) -> ParamCount:
    """A polynomial, or two with a condition between them, or one with a condition of its domain."""
    tree: Any = leaf(draw(polys()))
    for _ in range(draw(st.integers(0, 2))):
        other = OUTSIDE if draw(st.booleans()) else leaf(draw(polys()))
        tree = Split(draw(conditions()), None, tree, other)
    return formula(tree)
