"""Functions of numbers, followed as one operation: the truth of the formula at every size."""

from __future__ import annotations

import importlib
import math
import sys
from typing import Any, NamedTuple

import pytest
from torch import nn

import symcount
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


# --- functions that are not of numbers alone ------------------------------------------------------

SEEN: list[Any] = []
CACHE: dict[Any, Any] = {}
LEAST = 8


def appends(x):
    SEEN.append(x)
    return x if x > 10 else 10


def counts_itself(x):
    counts_itself.calls.append(1)
    return x if x > 10 else 10


counts_itself.calls = []


def caches(x):
    if x not in CACHE:
        CACHE[x] = x + 1 if x > 10 else 10
    return CACHE[x]


def mutates(x, made):
    if x > 10:
        made.append(x)
    return x


def mutable_default(x, made=[]):  # noqa: B006
    made.append(x)
    return x * len(made) if x > 10 else 10


def prints(x):
    if x > 10:
        print("wide")
    return x


def reads_what_changes(x):
    return x if x > LEAST else LEAST


def _appending(x):
    SEEN.clear()
    widths = appends(x), appends(x + 1)
    return nn.ModuleList(line(w + len(SEEN)) for w in widths)


def _counting(x):
    counts_itself.calls.clear()
    counts_itself(x)
    counts_itself(x)
    return line(len(counts_itself.calls))


def _caching(x):
    CACHE.clear()
    return line(caches(x) + caches(x))


def _mutating(x):
    made: list[Any] = []
    return line(mutates(x, made) + 7 * len(made))


def _defaulting(x):
    mutable_default.__defaults__[0].clear()
    return nn.ModuleList([line(mutable_default(x)), line(mutable_default(x))])


def _rebinding(x):
    global LEAST
    widths = []
    for LEAST in (4, 8, 12):  # noqa: B007
        widths.append(reads_what_changes(x))
    LEAST = 8
    return nn.ModuleList(map(line, widths))


@pytest.mark.parametrize(
    "factory", [_appending, _counting, _caching, _mutating, _defaulting, _rebinding]
)
def test_what_has_another_effect_is_right(factory) -> None:
    assert_exact(factory, x=range(1, 30))


def test_what_is_printed_is_printed_once_a_run(capsys) -> None:
    count = assert_exact(lambda x: line(prints(x)), x=range(1, 5))
    assert count.certificate.paths == 2
    runs = capsys.readouterr().out.count("wide")
    symcount.derive(lambda x: line(x + 1) if x > 10 and print("wide") is None else line(x))
    assert runs == capsys.readouterr().out.count("wide")


def of_item(x, pair):
    if x > 10:
        try:
            return pair[0] + x
        except TypeError:
            return 7
    return 3


def of_length(x, pair):
    try:
        n = len(pair)
    except TypeError:
        n = 1
    return x * n if x > 10 else x


def of_items(x, pair):
    try:
        n = sum(list(pair))
    except TypeError:
        n = 1
    return x * n if x > 10 else x


def of_function(x, function):
    try:
        n = function(3)
    except TypeError:
        n = 1
    return x * n if x > 10 else x


def of_sum(x, pair):
    try:
        n = len(pair * 2)
    except TypeError:
        n = 1
    return x * n if x > 10 else x


def of_identity(x, one, other):
    return x * 2 if one is other and x > 10 else x


@pytest.mark.parametrize(
    "factory",
    [
        lambda x: line(of_item(x, [3, 4])),
        lambda x: line(of_length(x, [3, 4])),
        lambda x: line(of_items(x, [3, 4])),
        lambda x: line(of_function(x, lambda n: n + 1)),
        lambda x: line(of_sum(x, [3, 4])),
        lambda x: line(of_identity(x, *[[3]] * 2)),
        lambda x: line(of_identity(x, [3], [3])),
    ],
)
def test_an_argument_that_is_no_number(factory) -> None:
    """In its place is a proxy, of which Python asked what it does not have: a TypeError."""
    assert_exact(factory, x=range(1, 30))


def of_tuple(x, ladder):
    return next((n for n in ladder if x % n == 0), 1)


def test_a_tuple_of_numbers_is_as_good_as_numbers() -> None:
    count = assert_exact(lambda x: line(x * of_tuple(x, (8, 4, 2))), x=range(1, 40))
    assert count.certificate.paths == 1


class Ladder(NamedTuple):
    top: int

    def of(self, x):
        SEEN.append(x)
        return self.top if x % self.top == 0 else 1


LADDER = Ladder(8)


def of_named_tuple(x):
    return LADDER.of(x) if x > 4 else 1


def _counting_by_named_tuple(x):
    SEEN.clear()
    return line(of_named_tuple(x) + 10 * len(SEEN))


def test_a_global_named_tuple_may_have_methods() -> None:
    assert_exact(_counting_by_named_tuple, x=range(1, 30))


# --- functions that change between runs -----------------------------------------------------------


def widened(x):
    return x if x > 10 else 10


def around_widened(x):
    return widened(x) + 1


def _around(x):
    return line(around_widened(x))


def test_a_helper_that_is_bound_to_another_function(monkeypatch) -> None:
    assert_exact(lambda x: line(widened(x)), x=range(1, 30))
    monkeypatch.setitem(globals(), "widened", lambda x: x if x > 20 else 20)
    assert_exact(lambda x: line(widened(x)), x=range(1, 30))

    def widened_again(x):
        return x if x > 5 else 5

    widened_again.__name__ = "widened"
    monkeypatch.setitem(globals(), "widened", widened_again)
    assert_exact(lambda x: line(widened(x)), x=range(1, 30))


def test_a_helper_whose_helper_becomes_impure(monkeypatch) -> None:
    """That it had no effect but its result was found out once, and is not so any more."""
    assert assert_exact(_around, x=range(1, 30)).certificate.paths == 1
    calls: list[int] = []

    def counted(x):
        calls.append(1)
        return x if x > 10 else 10

    monkeypatch.setitem(globals(), "widened", counted)

    def counting(x):
        calls.clear()
        return line(around_widened(x) + len(calls))

    assert_exact(counting, x=range(1, 30))


def test_a_module_that_is_loaded_again(tmp_path, monkeypatch) -> None:
    source = "def width(x):\n    return x if x > {0} else {0}\n"
    (tmp_path / "some_helpers.py").write_text(source.format(10))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    module = importlib.import_module("some_helpers")
    for least in (10, 2000):
        (tmp_path / "some_helpers.py").write_text(source.format(least))
        importlib.reload(module)
        count = assert_exact(lambda x: line(module.width(x)), x=(*range(1, 30), 2100))
        assert count(1) == least
        assert count.certificate.paths == 1
    sys.modules.pop("some_helpers")


def _defining(x):
    global defined_anew

    def defined_anew(size):
        return size if size > 10 else 10

    return line(defined_anew(x))


def test_a_factory_that_defines_its_helper_anew() -> None:
    """Each run had another function to follow, and started again to follow it."""
    assert_exact(_defining, x=range(1, 30))
