"""Trees of choices: what is put in order says the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import symcount
from symcount.algebra.conditions import Condition
from symcount.algebra.evaluate import holds, value
from symcount.algebra.facts import Facts
from symcount.algebra.poly import Poly, const, symbol
from symcount.algebra.substitution import substituted
from symcount.errors import UnsupportedError
from symcount.formula.choice_trees import ANYTHING, Choice, choice, in_order
from tests.random_expressions import NAMES, expressions, normal_form, thorough
from tests.random_trees import conditions as conditions_of_expressions

NUMBERS = range(1, 12)
COMPARED = (symbol("n"), symbol("n") + symbol("m"))


@st.composite
def conditions(draw: Any) -> Condition:
    left = draw(st.sampled_from((COMPARED[0], COMPARED[0], COMPARED[0], COMPARED[1])))
    return Condition(
        draw(st.sampled_from(("ge", "eq"))), left, const(draw(st.sampled_from(NUMBERS)))
    )


def trees(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        values, lambda below: st.builds(choice, conditions(), below, below), max_leaves=16
    )


def value_at(tree: Any, **values: int) -> Any:
    while isinstance(tree, Choice):
        tree = tree.then if holds(tree.condition, values) else tree.otherwise
    return tree


def size(tree: Any) -> int:
    return 1 + size(tree.then) + size(tree.otherwise) if isinstance(tree, Choice) else 0


@thorough(400)
@given(trees(st.sampled_from((True, False, "a", "b", "c", ANYTHING))))
def test_a_tree_in_order_says_the_same_and_is_no_larger(tree: Any) -> None:
    ordered = in_order(tree)
    assert size(ordered) <= size(tree)
    for n in range(14):
        for m in (1, 4):
            expected = value_at(tree, n=n, m=m)
            assert expected is ANYTHING or value_at(ordered, n=n, m=m) == expected


@pytest.mark.parametrize("limit", [20, 40])
def test_a_ladder_of_values_is_an_interval_in_the_domain(limit: int) -> None:
    def until(dim: int, n: int) -> Any:
        from torch import nn

        layers: list[nn.Module] = []
        for _ in range(n):
            if len(layers) == limit:
                raise ValueError("too many")
            layers.append(nn.Linear(dim, dim))
        return nn.Sequential(*layers)

    count = symcount.derive(until, n=symcount.Symbol(max=50))
    assert str(count.domain) == f"(n <= 50) & (n < {limit + 1})"
    assert [arm.cond for arm in count.expr.args][:-1] == sorted(
        (arm.cond for arm in count.expr.args[:-1]), key=lambda test: test.rhs
    )


UNDEFINED = (ArithmeticError, ValueError, UnsupportedError)


@st.composite
def neighbours(draw: Any) -> tuple[Condition, Poly, Poly]:
    """A condition, and two numbers of which one may be the other one where it holds."""
    try:
        other = normal_form(draw(expressions(6)), Facts())
        if draw(st.booleans()):
            here = normal_form(draw(expressions(6)), Facts())
            return draw(conditions_of_expressions()), here, other
        name, known = draw(st.sampled_from(NAMES)), draw(st.sampled_from((*NAMES, 1, 3, 8)))
        assume(name != known)
        left, right = symbol(name), normal_form(known, Facts())
        here = substituted(other, name, right, Facts())
    except UNDEFINED:
        assume(False)
    return Condition("eq", left, right), here, other


POINTS = [
    {"a": a, "b": b, "c": c}
    for a in (1, 3, 7)
    for b in sorted({1, 8, a})
    for c in sorted({2, 3, 8, a, b})
]


@thorough(200)
@given(neighbours(), st.booleans())
def test_a_piece_that_is_left_out_has_the_values_of_the_other(
    case: tuple[Condition, Poly, Poly], is_then: bool
) -> None:
    condition, here, other = case
    if not is_then:
        here, other = other, here
    tree = choice(condition, here, other)
    for point in POINTS:
        try:
            expected = value(here if holds(condition, point) else other, point)
        except UNDEFINED:
            continue
        assert value(value_at(tree, **point), point) == expected


C, D = symbol("c"), symbol("d")


@pytest.mark.parametrize(
    ("condition", "then", "otherwise", "expected"),
    [
        ((C, const(3)), D.scaled(147), (C * D).scaled(49), (C * D).scaled(49)),
        ((C, D), (D * D).scaled(4), C * D.scaled(2) + D * D.scaled(2), None),
        ((C, D), C * C, D, Choice),
        ((C, const(3)), D, Choice(Condition("ge", C, const(3)), D, C), None),
        ((C, const(3)), D, Choice(Condition("ge", C, const(4)), D, C), Choice),
    ],
)  # fmt: skip
def test_a_piece_that_equals_the_other_at_its_condition_is_no_piece(
    condition: Any, then: Any, otherwise: Any, expected: Any
) -> None:
    made = choice(Condition("eq", *condition), then, otherwise)
    assert (type(made) if expected is Choice else made) == (expected or otherwise)


def test_a_number_that_is_computed_on_one_side_only_may_not_be_one() -> None:
    from symcount.algebra.functions import call

    undefined_below_5 = (C - const(3)) * call("isqrt", D - const(5))
    assert isinstance(choice(Condition("eq", C, const(3)), const(0), undefined_below_5), Choice)


def test_a_convolution_that_is_replaced_by_its_like_is_one_piece() -> None:
    def stem(c: int = 3, d: int = 8) -> Any:
        import torch
        from torch import nn

        conv = nn.Conv2d(3, d, 7, bias=False)
        if c != 3:
            conv.weight = nn.Parameter(torch.zeros(d, c, 7, 7))
        return conv

    assert str(symcount.derive(stem)) == "49*c*d"
