"""Trees of choices as sums: they say the same, and what all pieces have is there once."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import symcount
from symcount.algebra.conditions import Condition
from symcount.algebra.evaluate import value
from symcount.algebra.functions import call
from symcount.algebra.poly import Poly, const, symbol
from symcount.formula.choice_trees import Choice, choice
from symcount.formula.summands import summands
from tests.formula.test_tree import UNDEFINED, value_at
from tests.random_expressions import thorough
from tests.random_trees import conditions, counts

A, B, C = symbol("a"), symbol("b"), symbol("c")
POINTS = [{"a": a, "b": b, "c": c} for a in (1, 2, 7, 8) for b in (1, 7, 12) for c in (2, 7)]


@st.composite
def trees(draw: Any) -> Any:
    """Sums of what all have and of small trees, multiplied out; some pieces have more."""
    parts = [
        choice(draw(conditions()), draw(counts(2)), draw(st.one_of(st.just(const(0)), counts(2))))
        for _ in range(draw(st.integers(1, 4)))
    ]

    def added(before: Poly, rest: list[Any]) -> Any:
        if not rest:
            return before + draw(counts(2)) if draw(st.integers(0, 9)) == 9 else before
        first, *others = rest
        if not isinstance(first, Choice):
            return added(before + first, others)
        sides = (added(before + side, others) for side in (first.then, first.otherwise))
        return choice(first.condition, *sides)

    return added(draw(counts(3)), parts)


@thorough(60)
@given(trees())
def test_the_summands_of_a_tree_add_up_to_it(tree: Any) -> None:
    common, parts = summands(tree)
    for point in POINTS:
        try:
            expected = value(value_at(tree, **point), point)
        except UNDEFINED:
            continue
        found = value(common, point) + sum(value(value_at(part, **point), point) for part in parts)
        assert found == expected


def test_independent_choices_are_a_sum_of_small_ones() -> None:
    def net(a: int, b: int, c: int, d: int, e: int) -> nn.Module:
        layers = nn.ModuleList()
        for one, other in ((a, b), (b, c), (c, d), (d, e)):
            layers.append(nn.Linear(one, other))
            if one != other:
                layers.append(nn.Linear(one, other, bias=False))
        return layers

    assert str(symcount.derive(net)) == (
        "a*b + b*c + b + c*d + c + d*e + d + e"
        " + Piecewise((0, Eq(a, b)), (a*b, True)) + Piecewise((0, Eq(b, c)), (b*c, True))"
        " + Piecewise((0, Eq(c, d)), (c*d, True)) + Piecewise((0, Eq(d, e)), (d*e, True))"
    )


def test_what_all_pieces_have_is_written_once() -> None:
    def net(d: int, f: int, v: int) -> nn.Module:
        gate = nn.Linear(d, 8, bias=d == 7168)
        return nn.ModuleList([nn.Embedding(v, d), nn.Linear(d, f), nn.Linear(f, d), gate])

    count = symcount.derive(net)
    assert str(count) == "2*d*f + d*v + 9*d + f + Piecewise((8, Eq(d, 7168)), (0, True))"
    assert [(piece.op, truth) for way, _ in count.formula.cases() for piece, truth in way] == [
        ("eq", True),
        ("eq", False),
    ]
    symbols = count.symbols
    for sizes in [(7168, 3, 5), (64, 3, 5)]:
        assert count.expr.subs(dict(zip(symbols, sizes, strict=True))) == count(*sizes)


def equal(one: Poly, other: Poly) -> Condition:
    return Condition("eq", one, other)


def test_what_is_computed_on_one_side_only_is_computed_there_only() -> None:
    root, is_small = call("isqrt", A - const(9)), Condition("ge", A, const(9))
    tree = Choice(is_small, A * B + A * C + B * C + root, A * B + A * C + B * C)
    assert summands(tree) == (A * B + A * C + B * C, (Choice(is_small, root, const(0)),))
    nested = Choice(is_small, Choice(equal(root, B), A, B), C)
    assert summands(nested) == (const(0), (nested,))


@pytest.mark.parametrize("tree", [A, const(0), A * B + const(3)])
def test_a_polynomial_is_its_own_sum(tree: Poly) -> None:
    assert summands(tree) == (tree, ())


def test_a_long_ladder_is_written_at_once() -> None:
    tree: Any = A
    for number in range(2, 300):
        tree = Choice(equal(B, const(number)), A.scaled(number) + C, tree)
    start = time.perf_counter()
    assert summands(tree) == (const(0), (tree,))
    assert time.perf_counter() - start < 2
