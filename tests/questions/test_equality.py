"""Where two formulas differ first: against brute force, and what is proved or not known."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from symcount import ParamCount, Symbol, derive
from symcount.algebra.comparing import compare
from symcount.algebra.facts import Facts
from symcount.algebra.poly import const, symbol
from symcount.algebra.solver import Solver
from symcount.errors import ArgumentError, UndecidedError
from symcount.formula import expressions
from symcount.formula.tree import Split
from symcount.questions import equality
from symcount.questions.equality import Difference, first_difference
from symcount.symbols import Hyperparameter
from tests.random_expressions import NAMES, thorough
from tests.random_trees import REFUSED, formula, trees

D, H = symbol("d"), symbol("h")
STEPS = 6
WITHIN = 84  # as many sizes of three symbols are at most six steps away from the least


def when(op: str, left: Any, right: Any, then: Any, otherwise: Any) -> Any:
    condition, truth = compare(op, left, right, Facts())
    assert condition is not None
    return Split(condition, None, *((then, otherwise) if truth else (otherwise, then)))


def count_at(count: ParamCount, point: tuple[int, ...]) -> int | None:
    return count(*point) if count.valid(*point) else None


def tried(left: ParamCount, right: ParamCount) -> Difference | None:
    """The first difference, by trying all sizes in order."""
    points = product(range(1, STEPS + 2), repeat=len(NAMES))
    near = [p for p in points if sum(p) - len(p) <= STEPS]
    assert len(near) == WITHIN
    for point in sorted(near, key=lambda p: (sum(p), p)):
        counts = count_at(left, point), count_at(right, point)
        if counts[0] != counts[1]:
            return Difference(dict(zip(NAMES, point, strict=True)), *counts, is_first=True)
    return None


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(equality, "_IN_ORDER", WITHIN)
        patch.setattr(equality, "_AT_RANDOM", 50)
        patch.setattr(equality, "_STEPS", 200_000)
        patch.setattr(equality, "_WORK", 200_000)
        yield


# one fixture for all examples does
@thorough(150)
@given(left=trees(), right=trees(), draw=st.randoms(use_true_random=False))
def compared(left: Any, right: Any, draw: random.Random) -> None:
    ours, theirs = formula(left, *NAMES), formula(right, *NAMES)
    expected = tried(ours, theirs)
    try:
        found = first_difference(ours, theirs)
    except UndecidedError:
        assert expected is None
        return
    if expected is not None:
        assert found == expected
    elif found is not None:
        point = tuple(found.at.values())
        assert not found.is_first
        assert (found.left, found.right) == (count_at(ours, point), count_at(theirs, point))  # type: ignore[arg-type]
        assert found.left != found.right
    else:  # it is proved that there is none
        for _ in range(50):
            point = tuple(draw.choice((1, 2, 3, 7, 64, 1000)) for _ in NAMES)
            assert count_at(ours, point) == count_at(theirs, point)


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_it_is_the_first_of_all_sizes() -> None:
    compared()


def test_the_order_is_of_steps_together_and_then_of_the_first_symbol() -> None:
    left = formula(D * H, "d", "h")
    right = formula(when("ge", D + H, const(7), D, D * H), "d", "h")
    assert str(first_difference(left, right)) == "d=1, h=6: 6, and 1"
    declared = Hyperparameter("d", minimum=64, multiple_of=64)
    left = formula(D * H, "d", "h", d=declared)
    right = formula(when("ge", D, const(100), D, D * H), "d", "h", d=declared)
    found = first_difference(left, right)
    assert found is not None and found.at == {"d": 128, "h": 2} and found.is_first


def test_a_domain_alone_is_a_difference() -> None:
    left = formula(D * H, "d", "h")
    right = formula(when("lt", D, const(5), D * H, REFUSED), "d", "h")
    assert str(first_difference(left, right)) == "d=5, h=1: 5, and outside the domain"
    assert str(first_difference(right, left)) == "d=5, h=1: outside the domain, and 5"


def test_what_is_far_out_is_found_and_made_smaller() -> None:
    far = when("ge", D, const(123_457), when("ge", H, const(70_001), D, D * H), D * H)
    found = first_difference(formula(D * H, "d", "h"), formula(far, "d", "h"))
    assert found is not None
    assert (found.at, found.is_first) == ({"d": 123_457, "h": 70_001}, False)


def test_what_is_drawn_at_random_is_made_smaller() -> None:
    far = when("ge", D, const(1_000), when("ge", H, const(900), D, D * H), D * H)
    sides = equality.Sides(formula(D * H, "d", "h").formula, formula(far, "d", "h").formula)
    drawn = sides.first_of(sides.at_random())
    assert drawn is not None and drawn.at != {"d": 1_000, "h": 900}
    found = first_difference(sides.left, formula(far, "d", "h"))
    assert found is not None
    assert (found.at, found.is_first) == ({"d": 1_000, "h": 900}, False)


def test_one_size_far_out_at_which_nothing_is_built_is_found() -> None:
    left = formula(D, "d")
    right = formula(when("eq", D, const(7_654_321), REFUSED, D), "d")
    found = first_difference(left, right)
    assert found is not None and found.at == {"d": 7_654_321} and found.right is None
    divided = expressions.read("d + 1/(d - 7654321) - 1/(d - 7654321)", "it")
    assert divided.poly == D
    found = first_difference(left, divided)
    assert found is not None and found.at == {"d": 7_654_321} and found.right is None


def test_sizes_that_one_symbol_has_end() -> None:
    few = Hyperparameter("d", minimum=3, maximum=5)
    left, right = (
        formula(D * H if k == 1 else when("ge", D, const(5), D, D * H), "d", "h", d=few)
        for k in (1, 2)
    )
    assert str(first_difference(left, right)) == "d=5, h=2: 10, and 5"


def test_other_forms_of_the_same_are_proved_to_be_it() -> None:
    even = when("lt", D, const(8), const(8) * H, D * H)

    def widest(d: int, h: int):
        return nn.Linear(max(8, d), h, bias=False)

    count = derive(widest)
    assert str(count) == "h*Max(8, d)"
    other = formula(even, "d", "h")
    assert count.formula.identity[1:] != other.formula.identity[1:]
    assert first_difference(count, other) is None


def test_what_is_not_known_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    left = formula(when("lt", D, const(8), const(8) * H, D * H), "d", "h")
    right = formula(when("le", D, const(8), const(8) * H, D * H), "d", "h")
    assert first_difference(left, right) is None
    monkeypatch.setattr(Solver, "models", lambda self, decisions: iter([None]))
    with pytest.raises(UndecidedError, match="neither proved nor refuted: no size was found"):
        first_difference(left, right)


def test_when_time_is_spent_nothing_is_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    left = formula(when("lt", D, const(8), const(8) * H, D * H), "d", "h")
    right = formula(when("le", D, const(8), const(8) * H, D * H), "d", "h")
    monkeypatch.setattr(equality, "_WORK", -1)
    with pytest.raises(UndecidedError):
        first_difference(left, right)


def test_symbols_are_the_same() -> None:
    with pytest.raises(ArgumentError, match=r"of different symbols: \(d\) and \(h\)"):
        first_difference(formula(D, "d"), formula(H, "h"))
    with pytest.raises(ArgumentError, match="d has other values in one formula than in the other"):
        first_difference(formula(D, "d"), formula(D, "d", d=Hyperparameter("d", minimum=2)))


def test_of_real_symbols_no_size_is_the_first() -> None:
    def scaled(d: int, r: float = 2.0):
        return nn.Linear(d, int(d * r), bias=False)

    def wider(d: int, r: float = 2.0):
        return nn.Linear(d, int(d * r) + (d > 4), bias=False)

    left, right = (derive(f, r=Symbol(real=True)) for f in (scaled, wider))
    found = first_difference(left, right)
    assert found is not None and (found.at["d"], found.is_first) == (5, False)


# --- expressions ------------------------------------------------------------------------------


def expression(text: str) -> expressions.Expression:
    return expressions.read(text, "it")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("d*h", "None"),
        ("h*(d + 1) - h", "None"),
        ("2*d*h/2", "None"),
        ("d*h + max(0, d - 3)", "d=4, h=1: 4, and 5"),
        ("d*h/2", "d=1, h=1: 1, and outside the domain"),
        ("d*h*(d - 4)/(d - 4)", "d=4, h=1: 4, and outside the domain"),
        ("max(d*h, d)", "None"),
        ("d*h + d//5", "d=5, h=1: 5, and 6"),
    ],
)
def test_an_expression_is_compared_where_the_formula_holds(text: str, found: str) -> None:
    assert str(first_difference(formula(D * H, "d", "h"), expression(text))) == found


def test_an_expression_says_nothing_of_the_domain() -> None:
    odd = formula(when("eq", D, const(3), REFUSED, D * H), "d", "h")
    assert first_difference(odd, expression("d*h")) is None
    assert first_difference(odd, expression("h*max(d, 4 - d) - h*max(0, 4 - 2*d)")) is None
    assert first_difference(odd, expression("d*h*(d - 3)/(d - 3)")) is None
