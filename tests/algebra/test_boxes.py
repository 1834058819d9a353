"""Bounds on boxes and rays hold: at every point, for every operator, and without end."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from symcount.algebra import evaluate
from symcount.algebra.bounds import UNKNOWN
from symcount.algebra.boxes import Box
from symcount.algebra.comparing import compare, maximum, minimum
from symcount.algebra.conditions import Condition
from symcount.algebra.functions import CALLS, call
from symcount.algebra.poly import Call, Poly, atom, const, symbol
from symcount.algebra.rays import Ray
from symcount.errors import UnsupportedError
from tests.random_expressions import NAMES, expressions, normal_form, thorough
from tests.random_trees import FACTS, conditions

UNDEFINED = (ArithmeticError, ValueError, UnsupportedError)
X = symbol("a")


def inside(value: Any, interval: Any) -> bool:
    low, high = interval
    return (low is None or low <= value) and (high is None or value <= high)


@st.composite
def boxes(draw: Any) -> dict[str, tuple[int, int]]:
    lows = {name: draw(st.integers(1, 60)) for name in NAMES}
    return {
        name: (low, low + draw(st.sampled_from((0, 0, 1, 3, 40)))) for name, low in lows.items()
    }


def points_of(box: dict[str, tuple[int, int]]) -> list[dict[str, int]]:
    draw = random.Random(0)
    return [{name: draw.randint(*box[name]) for name in box} for _ in range(12)]


@thorough(300)
@given(expressions(6), boxes())
def test_a_box_bounds_what_is_in_it(expression, box) -> None:
    try:
        poly = normal_form(expression, FACTS)
    except UNDEFINED:
        return
    bounds = Box(box).of(poly)
    for point in points_of(box):
        try:
            value = evaluate.value(poly, point)
        except UNDEFINED:
            continue
        assert inside(value, bounds), (poly, box, point, value, bounds)


@thorough(150)
@given(conditions(), boxes())
def test_what_a_box_decides_is_so_everywhere_in_it(condition, box) -> None:
    truth = Box(box).decides(condition)
    for point in points_of(box):
        try:
            here = evaluate.holds(condition, point)
        except UNDEFINED:
            continue
        assert truth in (None, here), (condition, box, point)


@thorough(300)
@given(expressions(6), st.integers(1, 80), st.integers(1, 20), st.integers(1, 20))
def test_a_ray_bounds_what_is_on_it(expression, start, b, c) -> None:
    try:
        poly = normal_form(expression, FACTS)
    except UNDEFINED:
        return
    ray = Ray({"b": (b, b), "c": (c, c)}, "a", start)
    bounds = ray.of(poly)
    for a in (start, start + 1, start + 2, start + 7, 2 * start, 100 * start + 3, 10**9 + start):
        try:
            value = evaluate.value(poly, {"a": a, "b": b, "c": c})
        except UNDEFINED:
            continue
        assert inside(value, bounds), (poly, ray.ranges, a, value, bounds)


FLOATS = [
    call("fmul", const((0.29).as_integer_ratio()[0]).scaled(1), X),
    call("trunc", call("fmul", atom(Call("truediv", (X, const(3)))), X)),
    call("trunc", call("fadd", call("fmul", X, const(4)), const(5))),
    call("round", call("fdiv", X, const(7))),
    call("ceil_float", call("truediv", X, const(7))),
    call("floor_float", call("sqrt", X)),
    call("trunc", call("exp", call("fdiv", X, const(100)))),
    call("trunc", call("log", X)),
    call("trunc", call("fpow", X, const(2))),
    call("trunc", call("fmul", X, const(-3))),
]


def test_floats_are_bounded_as_they_are_computed() -> None:
    for poly, low in itertools.product(FLOATS, (1, 5, 100)):
        on_ray = Ray({}, "a", low).of(poly)
        for high in (low, low + 1, low + 50):
            bounds = Box({"a": (low, high)}).of(poly)
            for a in range(low, high + 1):
                value = evaluate.number(poly, {"a": a})
                assert inside(value, bounds) and inside(value, on_ray), (poly, a, low, high)
        for a in (10**6, 10**9):
            try:
                assert inside(evaluate.number(poly, {"a": a}), on_ray), (poly, a)
            except OverflowError:
                continue


def test_every_call_is_bounded_by_what_it_computes() -> None:
    draw = random.Random(1)
    calls = {op for op in CALLS if not op.startswith("if_")}
    for op in sorted(calls):
        for arity in (1, 2):
            args = [symbol("a"), symbol("b")][:arity]
            base = atom(Call(op, tuple(args)))
            for _ in range(40):
                low = {name: draw.randint(1, 12) for name in "ab"}
                box = {name: (n, n + draw.randint(0, 4)) for name, n in low.items()}
                bounds = Box(box).of(base)
                for point in points_of(box)[:6]:
                    try:
                        value = evaluate.number(base, point)
                    except (*UNDEFINED, TypeError, IndexError):
                        continue
                    assert inside(value, bounds), (op, point, value, bounds)


def bounds_on_ray(poly: Poly, start: int) -> Any:
    return Ray({"b": (3, 3), "c": (5, 5)}, "a", start).of(poly)


def test_a_ray_says_where_polynomials_with_negative_terms_begin_to_rise() -> None:
    rising = X**3 - (X**2).scaled(10) - const(4)
    assert bounds_on_ray(rising, 3) == (None, None)
    assert bounds_on_ray(rising, 10) == (-4, None)
    floored = X**2 - X * normal_form(("//", "a", 2), FACTS).scaled(1)
    low, _ = bounds_on_ray(floored, 8)
    assert low is not None and low >= 30
    power = call("pow", const(2), X) - X**2
    low, high = bounds_on_ray(power, 8)
    assert high is None and low is not None and low > 100


def test_squares_of_what_may_be_negative() -> None:
    capped = minimum([X - symbol("b"), const(3)], FACTS)
    box = {"a": (2, 9), "b": (3, 8)}
    for poly in (capped**2, capped**3, capped**2 * X, capped**3 * symbol("b")):
        low, high = Box(box).of(poly)
        values = [evaluate.value(poly, {"a": a, "b": b}) for a in range(2, 10) for b in range(3, 9)]
        assert low <= min(values) and max(values) <= high
    assert Box(box).of(capped**2) == (0, 36)


def test_a_ray_holds_the_least_and_the_greatest_of_what_grows() -> None:
    steep, flat = X**2 - X, X.scaled(9) + const(4)
    for start in (1, 2, 9, 12, 40):
        for poly in (minimum([steep, flat], FACTS), maximum([steep, flat], FACTS)):
            low, high = Ray({}, "a", start).of(poly)
            assert high is None
            assert low is None or low <= min(
                evaluate.value(poly, {"a": a}) for a in range(start, start + 50)
            )
            low, high = Ray({}, "a", start).of(-poly)
            assert low is None and (high is None or high >= -evaluate.value(poly, {"a": start}))
    low, _ = Ray({}, "a", 12).of(minimum([steep, flat], FACTS) - X.scaled(8))
    assert low is None or low <= 16


def test_powers_on_a_ray() -> None:
    halved = call("pow", const(2), X.scaled(Fraction(1, 2)))  # where 2 divides it
    for power in (call("pow", const(2), X), call("pow", const(3), X.scaled(2)), halved):
        for start in (2, 4, 10):
            low, high = Ray({}, "a", start).of(power - X.scaled(3))
            assert high is None
            for a in range(start, 40, 2):
                assert low is None or low <= evaluate.value(power, {"a": a}) - 3 * a


def test_a_ray_decides_what_a_box_without_end_cannot() -> None:
    condition, polarity = compare("ge", X**2, X.scaled(3), FACTS)
    assert condition == Condition("ge", X**2, X.scaled(3)) and polarity
    assert Box({"a": (4, None)}).decides(condition) is None
    assert Ray({}, "a", 4).decides(condition) is True
    assert Box({"a": (1, None)}).of(call("log", X)) == UNKNOWN
