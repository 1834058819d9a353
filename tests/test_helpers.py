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


def rounded_up(x):
    while x % 16:
        x = x + 1
    return x


def test_a_way_that_nothing_goes_has_no_end() -> None:
    """That sixteen numbers in a row are no multiples of 16 was forced, and so were all others."""
    assert_exact(lambda x: line(rounded_up(x)), x=range(1, 50))


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


# --- what is computed with a choice ---------------------------------------------------------------


def wide_or_nothing(x):
    return 0 if x < 4 else 4


def negative_or_not(x):
    return -3 if x < 4 else 5


def never_zero(x):
    return x - 4 if x != 4 else 3


def _divided_if_any(x):
    d = wide_or_nothing(x)
    return line(x // d + 1 if d else 7)


def _remainder_if_any(x):
    d = wide_or_nothing(x)
    return line(x % (2 * d) + 1 if d > 0 else 7)


@pytest.mark.parametrize(
    "factory",
    [
        _divided_if_any,
        _remainder_if_any,
        lambda x: line(x // wide_or_nothing(x) + 1),
        lambda x: line(x % wide_or_nothing(x) + 1),
        lambda x: line(x // negative_or_not(x) + 50),
        lambda x: line(x % negative_or_not(x) + 10),
        lambda x: line(abs(100 // never_zero(x)) + 1),
        lambda x: line(abs(100 % never_zero(x)) + 1),
        lambda x: line(int(x / negative_or_not(x)) + 100),
        lambda x: line(abs(100 // (2 * wide_or_nothing(x) + 2)) + 1),
    ],
)
def test_division_by_a_choice(factory) -> None:
    """The choice went out of the division, and one side was divided by zero."""
    assert_exact(factory, x=range(1, 40))


def heads_of(x):
    for heads in (16, 8, 4, 2):
        if x % heads == 0:
            return heads
    return 1


def _one_head(x):
    if heads_of(x) == 1:
        raise ValueError("odd")
    return line(x)


def _eight_at_least(x):
    return line(3 if heads_of(x) >= 8 else x)


def _switched(x):
    return line(x if wide_or_nothing(x) else 100)


@pytest.mark.parametrize(
    ("factory", "expr", "domain"),
    [
        (_one_head, "x", "Eq(Mod(x, 2), 0)"),
        (_eight_at_least, "Piecewise((3, Eq(Mod(x, 8), 0)), (x, True))", "True"),
        (_switched, "Piecewise((x, x >= 4), (100, True))", "True"),
    ],
)
def test_a_comparison_with_a_choice_is_a_condition(factory, expr, domain) -> None:
    count = assert_exact(factory, x=range(1, 70))
    assert (str(count), str(count.domain)) == (expr, domain)


# --- in loops -------------------------------------------------------------------------------------


def stage(i):
    if i < 2:
        return 16
    return 32 if i < 5 else 64


def every_third(i):
    return 8 if i % 3 == 0 else 3


def last_one(i, n):
    return 7 if i == n - 1 else 3


def at_least(x, i):
    return x if x > i else i


def narrowing(i, x):
    return max(1, x - i) if x > 6 else i + 1


def by_both(i, j):
    return i + 1 if i > j else 2 * j + 1


def nested(i, x):
    return (every_third(i) + stage(i)) // 2 if x > i else every_third(i + 1)


def _where_it_is_eight(x, n):
    layers = nn.ModuleList()
    for i in range(n):
        layers.append(line(x) if every_third(i) == 8 else line(3))
    return layers


def _widths_in_a_list(x, n):
    widths = [nested(i, x) for i in range(n)]
    return nn.ModuleList(line(width) for width in widths)


@pytest.mark.parametrize(
    ("factory", "expr"),
    [
        (lambda x, n: nn.ModuleList(line(at_least(x, 20)) for _ in range(n)),
         "Piecewise((n*x, x >= 21), (20*n, True))"),
        (lambda n: nn.ModuleList(line(stage(i)) for i in range(n)),
         "64*n - 16*Min(2, n) - 32*Min(5, n)"),
        (lambda n: nn.ModuleList(line(every_third(i)) for i in range(n)), "3*n + 5*ceiling(n/3)"),
        (lambda n: nn.ModuleList(line(last_one(i, n)) for i in range(n)), "3*n + 4"),
        (lambda n: nn.ModuleList(line(at_least(i, 3)) for i in range(1, n + 1)),
         "n**2/2 + n/2 - Min(3, n)**2/2 + 5*Min(3, n)/2"),
        (lambda x, n: nn.ModuleList(line(narrowing(i, x)) for i in range(n)),
         "Piecewise((n + x*Min(n, x) - Min(n, x)**2/2 - Min(n, x)/2, x >= 7), "
         "(n**2/2 + n/2, True))"),
        (lambda n: nn.ModuleList(line(stage(i // 2)) for i in range(n)),
         "64*n - 16*Min(4, n) - 32*Min(10, n)"),
        (lambda n, m: nn.ModuleList(
            line(last_one(i, n) + last_one(j, m)) for i in range(n) for j in range(m)
        ), "6*m*n + 4*m + 4*n"),
        (_where_it_is_eight, "3*n + x*ceiling(n/3) - 3*ceiling(n/3)"),
        (lambda n, m: nn.ModuleList(line(by_both(i, j)) for i in range(n) for j in range(m)), ""),
        (lambda x, n: nn.ModuleList(line(nested(i, x)) for i in range(n)), ""),
        (_widths_in_a_list, ""),
    ],
)  # fmt: skip
def test_helpers_of_an_index_are_summed(factory, expr) -> None:
    """Sums knew conditions of a loop's tree, and not those within a size."""
    names = factory.__code__.co_varnames[: factory.__code__.co_argcount]
    count = assert_exact(factory, **{name: range(1, 12) for name in names})
    assert (count.certificate.paths, count.certificate.grade) == (1, "complete")
    assert expr in ("", str(count))


def test_a_sum_that_differs_in_the_iterations_around_it() -> None:
    """The index of the outer loop was looked for among the sizes: a KeyError."""
    symcount.derive(
        lambda n, m: nn.ModuleList(
            line(7 if i == j + 2 else 3) for i in range(n) for j in range(m)
        ),
        max_paths=8,
    )  # fmt: skip
