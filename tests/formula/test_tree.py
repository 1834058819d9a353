"""Trees of choices: what is put in order says the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import symcount
from symcount.algebra.conditions import Condition
from symcount.algebra.evaluate import holds
from symcount.algebra.poly import const, symbol
from symcount.formula.choice_trees import ANYTHING, Choice, choice, in_order
from tests.random_expressions import thorough

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
