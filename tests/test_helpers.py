"""Functions of numbers, followed as one operation: the truth of the formula at every size."""

from __future__ import annotations

import math
from typing import Any

import pytest
from torch import nn

from symcount import DomainError
from tests.brute_force import assert_exact

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch's, of odd sizes


def line(size: Any) -> nn.Module:
    return nn.Linear(size, 1, bias=False)


# --- what a forced way must not do ----------------------------------------------------------------


def divided(x, d):
    if d != 4:
        return x // (d - 4)
    return 3


def rooted(x):
    return math.isqrt(x - 10) if x >= 10 else 0


def grown(x):
    return int(math.exp(x)) if x < 10 else 5


def shifted(x):
    return 1 << (x - 5) if 5 <= x < 9 else 3


def power(x):
    return 2 ** (x - 5) if 5 <= x < 9 else 3


def test_a_division_that_only_one_way_can_make() -> None:
    """Both sides of a choice are evaluated, and one of them divided by zero."""
    assert_exact(lambda x, d: line(abs(divided(x, d)) + 1), x=range(1, 14), d=range(1, 10))


@pytest.mark.parametrize(
    "factory",
    [
        lambda x: line(rooted(x) + 1),
        lambda x: line(grown(x) + 1),
        lambda x: line(shifted(x) + 1),
        lambda x: line(power(x) + 1),
    ],
)
def test_what_is_defined_on_one_way_only(factory) -> None:
    count = assert_exact(factory, x=(*range(1, 40), 10**9))
    assert str(count.domain) == "True"


def saved_by_except(x):
    if x != 5:
        try:
            return 10 // (x - 5)
        except ZeroDivisionError:
            return 70
    return 3


def test_a_division_by_zero_at_the_hints_of_another_way() -> None:
    """The way `x != 5` is forced where x is 5, and what it raises there is no result."""
    assert_exact(lambda x=5: line(abs(saved_by_except(x)) + 1), x=range(1, 30))


def swallows_everything(x):
    try:
        y = (5, 6, 7)[x % 3] if x > 20 else 4
    except:  # noqa: E722
        y = 8
    return y


def returns_from_finally(x):
    y = 3
    try:
        if x > 20:
            y = (5, 6, 7)[x % 3]
    finally:
        return y if x > 3 else 2  # noqa: B012


@pytest.mark.parametrize(
    "factory", [lambda x: line(swallows_everything(x)), lambda x: line(returns_from_finally(x))]
)
def test_a_bare_except_around_what_gives_up(factory) -> None:
    """The exception that gives a function up as one operation was taken for one of its own."""
    assert_exact(factory, x=range(1, 40))


def halves(x):
    while x >= 8:
        x = x // 2
    return x


def halves_by_recursion(x):
    return x if x < 8 else halves_by_recursion(x // 2)


@pytest.mark.parametrize(
    "factory", [lambda x: line(halves(x)), lambda x: line(halves_by_recursion(x))]
)
def test_a_loop_without_a_bound_is_followed_branch_by_branch(factory) -> None:
    """Recursion ran into Python's limit, and each decision was lowered again for each after it."""
    count = assert_exact(factory, x=range(1, 300))
    assert count.certificate.paths > 10


# --- the limits of float arithmetic ---------------------------------------------------------------


def told_by_a_float(x):
    if int(x * 4.0) == 4 * x:
        return 1 if x > 5 else 3
    return 2


def test_a_comparison_that_is_settled_keeps_its_limit() -> None:
    """Up to 2**51 the product is exact, and above it was taken for exact too."""
    count = assert_exact(lambda x: line(told_by_a_float(x)), x=range(1, 30))
    large = 2**53 + 1
    assert told_by_a_float(large) == 2
    with pytest.raises(DomainError):
        count(large)
