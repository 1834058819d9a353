"""Sums over the iterations of loops: closed forms against adding up."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest

from symcount.algebra import evaluate
from symcount.algebra.comparing import compare, maximum, minimum
from symcount.algebra.conditions import Condition
from symcount.algebra.facts import Facts
from symcount.algebra.functions import call
from symcount.algebra.poly import Poly, const, symbol
from symcount.algebra.rounding import floor
from symcount.algebra.rounding import mod as remainder
from symcount.derivation.sums import Assumptions, NoClosedForm, Undecided, total
from symcount.formula.choice_trees import Choice
from symcount.formula.tree import Repeat
from tests.random_expressions import SCALE

FACTS = Facts()
K, J, N, D = symbol("@0"), symbol("@1"), symbol("n"), symbol("d")


def choice(op: str, a: Poly, b: Poly, then: Any, otherwise: Any) -> Any:
    condition, polarity = compare(op, a, b, FACTS)
    if condition is None:
        return then if polarity else otherwise
    return Choice(condition, *((then, otherwise) if polarity else (otherwise, then)))


def random_tree(draw: random.Random, depth: int) -> Any:
    if not depth:
        return draw.randint(0, 1)
    k = draw.randint(0, 6)
    test = draw.choice(
        [
            ("eq", K, N - const(1)),
            ("lt", K, const(k)),
            ("ge", K, D),
            ("eq", K, const(k)),
            ("ne", K, const(k)),
            ("lt", K + const(k), N),
            ("eq", remainder(K + const(k), const(draw.choice((2, 3, 4))), FACTS), const(0)),
            ("eq", remainder(K, const(3), FACTS), const(k % 3)),
            ("ge", call("pow", const(2), K), const(k)),
            ("eq", D, const(2)),
        ]
    )
    return choice(*test, random_tree(draw, depth - 1), random_tree(draw, depth - 1))


def random_value(draw: random.Random) -> Poly:
    power = call("pow", const(2), K)
    return draw.choice(
        [
            D,
            K * D + const(2),
            K * K,
            K * K * K + D,
            const(3),
            power * D,
            power * power * D,
            minimum((power, const(8)), FACTS) * D,
            maximum((K, D), FACTS),
            floor((K + const(1)).scaled(Fraction(1, 2)), FACTS) * K,
            remainder(K + K, const(3), FACTS) * D + K,
        ]
    )


def at(tree: Any, values: dict[str, int]) -> int:
    while isinstance(tree, Choice):
        holds = evaluate.holds(tree.condition, values)
        tree = tree.then if holds else tree.otherwise
    return int(tree)


def summed(value: Poly, repeats: list[Repeat], point: dict[str, int]) -> Poly:
    """The closed form at a point, deciding there what it depends on."""
    decided: dict[Condition, bool] = {}
    while True:
        try:
            return total(value, repeats, Assumptions(FACTS, decided))
        except Undecided as undecided:
            decided[undecided.condition] = evaluate.holds(undecided.condition, point)


@pytest.mark.parametrize("seed", range(400 * SCALE))
def test_a_sum_with_conditions_on_its_index(seed: int) -> None:
    draw = random.Random(seed)
    value, when = random_value(draw), random_tree(draw, draw.choice((0, 1, 1, 2, 2, 3)))
    count = draw.choice([N, maximum((N - const(1), const(0)), FACTS), N * D])
    point = {"n": draw.randint(1, 12), "d": draw.randint(1, 5)}
    expected = sum(
        evaluate.value(value, point | {"@0": i})
        for i in range(evaluate.value(count, point))
        if at(when, point | {"@0": i})
    )
    found = summed(value, [Repeat("@0", count, when)], point)
    assert evaluate.value(found, point) == expected, (value, when, count, point)


@pytest.mark.parametrize("seed", range(100 * SCALE))
def test_a_sum_over_a_loop_in_a_loop(seed: int) -> None:
    draw = random.Random(seed)
    value = random_value(draw) * draw.choice((const(1), J, J + K))
    inner = draw.choice([D, K, K + const(1), N])
    when = random_tree(draw, draw.choice((0, 1)))
    point = {"n": draw.randint(1, 8), "d": draw.randint(1, 4)}
    expected = 0
    for i in range(point["n"]):
        here = point | {"@0": i}
        if at(when, here):
            for j in range(evaluate.value(inner, here)):
                expected += evaluate.value(value, here | {"@1": j})
    found = summed(value, [Repeat("@0", N, when), Repeat("@1", inner)], point)
    assert evaluate.value(found, point) == expected


@pytest.mark.parametrize("offset", [-3, -1, 0, 1, 2, 5])
@pytest.mark.parametrize("value", [D, const(1), K * D + const(2), K * K * K])
@pytest.mark.parametrize("slope", [1, -1])
def test_a_sum_over_the_multiples_of_a_symbol(offset: int, value: Poly, slope: int) -> None:
    test = "eq", remainder(K.scaled(slope) + const(offset), D, FACTS), const(0)
    for sides in ((1, 0), (0, 1)):
        when = choice(*test, *sides)
        for tree in (when, choice("ge", K, const(2), when, 0), choice("ge", K, const(2), 1, when)):
            for n in (1, 2, 3, 7, 12):
                for d in (1, 2, 3, 5, 20):
                    point = {"n": n, "d": d}
                    expected = sum(
                        evaluate.value(value, point | {"@0": i})
                        for i in range(n)
                        if at(tree, point | {"@0": i})
                    )
                    found = summed(value, [Repeat("@0", N, tree)], point)
                    assert evaluate.value(found, point) == expected, (tree, point)


@pytest.mark.parametrize("value", [call("gcd", K, D), call("pow", K, D), call("isqrt", K)])
def test_what_has_no_closed_form_is_refused(value: Poly) -> None:
    with pytest.raises(NoClosedForm):
        total(value, [Repeat("@0", N)], Assumptions(FACTS, {}))


def test_a_sum_over_a_condition_that_is_not_modelled_is_refused() -> None:
    when = choice("ge", K * D, const(7), 1, 0)
    with pytest.raises(NoClosedForm):
        total(D, [Repeat("@0", N, when)], Assumptions(FACTS, {}))
