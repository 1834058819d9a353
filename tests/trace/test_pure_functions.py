"""Functions of numbers, followed as one operation: the truth of the formula at every size."""

from __future__ import annotations

import copy
import dataclasses
import functools
import importlib
import itertools
import json
import math
import pickle
import sys
from typing import Any, NamedTuple

import pytest
import sympy
import torch
from torch import nn

import symcount
from symcount import DomainError, Symbol
from symcount.cli import views
from symcount.export import FORMATS
from symcount.formula.sympy_form import FUNCTIONS
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


# --- make_divisible and its like ------------------------------------------------------------------


def timm_make_divisible(v, divisor=8, min_value=None, round_limit=0.9):
    min_value = min_value or divisor
    new_v = max(min_value, int(v + divisor / 2) // divisor * divisor)
    if new_v < round_limit * v:
        new_v += divisor
    return new_v


def torchvision_make_divisible(v: float, divisor: int, min_value: int | None = None) -> int:
    if min_value is None:
        min_value = divisor
    new_v = max(min_value, int(v + divisor / 2) // divisor * divisor)
    if new_v < 0.9 * v:
        new_v += divisor
    return new_v


def transformers_make_divisible(value, divisor=8, min_value=None):
    if min_value is None:
        min_value = divisor
    new_value = max(min_value, int(value + divisor / 2) // divisor * divisor)
    if new_value < 0.9 * value:
        new_value += divisor
    return int(new_value)


class MobileConfig:
    def __init__(self, depth_multiplier: float, least: int = 8) -> None:
        self.depth_multiplier = depth_multiplier
        self.depth_divisible_by = 8
        self.min_depth = least


def apply_depth_multiplier(config, channels):
    return transformers_make_divisible(
        round(channels * config.depth_multiplier), config.depth_divisible_by, config.min_depth
    )


def yolo_make_divisible(x, divisor):
    return math.ceil(x / divisor) * divisor


def mnas_round_to_multiple_of(val: float, divisor: int, round_up_bias: float = 0.9) -> int:
    if not 0.0 < round_up_bias < 1.0:
        raise ValueError(f"round_up_bias should be between 0.0 and 1.0 instead of {round_up_bias}")
    new_val = max(divisor, int(val + divisor / 2) // divisor * divisor)
    return new_val if new_val >= round_up_bias * val else new_val + divisor


def _mobile_block(x, expansion):
    wide = timm_make_divisible(x * expansion)
    squeezed = timm_make_divisible(wide / 4)
    return nn.Sequential(line(wide), nn.Linear(wide, squeezed))


@pytest.mark.parametrize(
    "factory",
    [
        lambda x: line(timm_make_divisible(x)),
        lambda x: line(timm_make_divisible(x * 0.75)),
        lambda x: line(timm_make_divisible(x * 0.35, min_value=16)),
        lambda x: line(timm_make_divisible(x, 8, 4, 0.0)),
        lambda x: line(timm_make_divisible(x / 3, round_limit=0.95)),
        lambda x: line(timm_make_divisible(x * 1.4, round_limit=1.0)),
        lambda x: line(torchvision_make_divisible(x * 1.1, 8)),
        lambda x: line(torchvision_make_divisible(x // 4, 8)),
        lambda x: line(apply_depth_multiplier(MobileConfig(1.4), x)),
        lambda x: line(apply_depth_multiplier(MobileConfig(1.0, x), 24)),
        lambda x: line(yolo_make_divisible(x * 0.33, 8)),
        lambda x: line(mnas_round_to_multiple_of(x * 1.3, 8)),
    ],
)
def test_make_divisible(factory) -> None:
    count = assert_exact(factory, x=range(1, 200))
    assert (count.certificate.paths, count.certificate.grade) == (1, "complete")


@pytest.mark.parametrize(
    "factory",
    [
        lambda x, d: line(timm_make_divisible(x, d)),
        lambda x, d: line(timm_make_divisible(x * 0.75, divisor=d)),
        lambda x, d: line(timm_make_divisible(x, 8, d)),
        lambda x, d: line(torchvision_make_divisible(0.5 * x, d, 16)),
        lambda x, d: line(apply_depth_multiplier(MobileConfig(1.3, d), x)),
        _mobile_block,
    ],
)
def test_make_divisible_by_a_symbol(factory) -> None:
    first, second = factory.__code__.co_varnames[:2]
    count = assert_exact(factory, **{first: range(1, 60), second: range(1, 20)})
    assert (count.certificate.paths, count.certificate.grade) == (1, "complete")


@pytest.mark.parametrize("limit", [0.0, 0.5, 0.9])
def test_make_divisible_of_a_real_width(limit) -> None:
    def factory(x, width):
        return line(timm_make_divisible(x * width, round_limit=limit))

    count = symcount.derive(
        lambda x, width, limit=limit: line(timm_make_divisible(x * width, round_limit=limit)),
        width=Symbol(real=True, max=4),
    )
    assert count.certificate.grade == "complete"
    for x in (*range(1, 60), 1280):
        for width in (0.1, 0.25, 0.35, 0.5, 0.75, 1.0, 1.1, 1.3, 1.4, 3.0, 0.2857142857142857):
            assert count(x, width) == factory(x, width).in_features


def select_num_groups(channels: int, ladder: tuple[int, ...] = (32, 16, 8, 4, 2)) -> int:
    for groups in ladder:
        if channels % groups == 0:
            return groups
    return 1


def groups_by_next(channels):
    return next((g for g in (32, 24, 16, 8, 4, 2) if channels % g == 0), 1)


def groups_by_comprehension(channels):
    return max([g for g in range(1, 9) if channels % g == 0])


def groups_downwards(channels, groups=32):
    while channels % groups:
        groups -= 1
    return groups


def groups_by_halves(channels, groups=32):
    while channels % groups != 0:
        groups //= 2
    return groups


def groups_of_sixteen(channels):
    if channels % 16 == 0:
        return channels // 16
    return 1 if channels % 2 else 2


@pytest.mark.parametrize(
    "factory",
    [
        lambda x: line(select_num_groups(x)),
        lambda x: nn.GroupNorm(select_num_groups(x), x),
        lambda x: nn.Conv1d(x, 2 * x, 3, groups=select_num_groups(x)),
        lambda x: line(x // select_num_groups(x)),
        lambda x: line(select_num_groups(x, (7, 5, 3))),
        lambda x: line(select_num_groups(x, ladder=(9,))),
        lambda x: line(groups_by_next(x)),
        lambda x: line(groups_downwards(x, 12)),
        lambda x: line(groups_downwards(x)),
        lambda x: line(groups_by_halves(x)),
        lambda x: line(groups_of_sixteen(x) * x),
    ],
)
def test_a_ladder_of_groups(factory) -> None:
    count = assert_exact(factory, x=range(1, 200))
    assert (count.certificate.paths, count.certificate.grade) == (1, "complete")


def test_too_many_ways_are_followed_branch_by_branch() -> None:
    """Which of eight numbers divide: 256 ways, of which few are taken by any size."""
    count = assert_exact(lambda x: line(groups_by_comprehension(x)), x=range(1, 40))
    assert count.certificate.paths > 8


# --- how helpers are written, and called ----------------------------------------------------------


def twice_wide(x):
    return widened(x) + widened(2 * x)


def deep_enough(x, n):
    return select_num_groups(twice_wide(x)) * n if n > 2 else widened(x)


def with_defaults(x, /, least=10, *more, factor=2, **other):
    if more:
        least = least + sum(more)
    least = least * factor + other.get("extra", 0)
    return x if x > least else least


def asserting(x):
    assert x % 2 == 0, "odd"
    return x if x > 10 else 10


def raising(x):
    if x % 2:
        raise ValueError(f"odd: {x}")
    return x if x > 10 else 10


def catching(x):
    try:
        return raising(x)
    except ValueError:
        return 1


def by_and_or(x):
    return (x > 10 and x) or 10


def chained(x):
    return 2 * x if 4 < x <= 20 else x


def contradictory(x):
    if x > 10:
        if x < 5:
            return 1000
        return x
    if x * x > 200:
        return 2000
    return 3


def by_bool(x):
    return x + (x > 10) + 2 * (x % 3 == 0)


def as_float(x):
    return x / 2 if x > 10 else 1.5


def as_nothing(x):
    return x if x > 10 else None


def as_bool(x):
    return x > 10


def as_text(x):
    return "wide" if x > 10 else "narrow"


def as_pair(x):
    return (x, 3) if x > 10 else (3, 2 * x)


def by_index(x):
    return (5, 6, 7)[x % 3] if x > 10 else 8


def by_range(x):
    return sum(i for i in range(x % 4)) + (1 if x > 10 else 2)


def in_range(x):
    return 5 if x in range(4, 40, 6) else x


def by_nested_function(x):
    least = 7

    def clamp(y):
        return y if y > least else least

    return clamp(x) + clamp(2 * x)


def sorted_sizes(x):
    small, large = sorted((x, 20))
    return 2 * small + large


HELPERS = [
    lambda x: line(deep_enough(x, 3)),
    lambda x: line(deep_enough(x, x % 5)),
    lambda x: line(with_defaults(x)),
    lambda x: line(with_defaults(x, 4)),
    lambda x: line(with_defaults(x, 4, 5, 6, factor=3)),
    lambda x: line(with_defaults(12, x, x + 1, factor=x, extra=x)),
    lambda x: line(by_and_or(x)),
    lambda x: line(chained(x)),
    lambda x: line(contradictory(x)),
    lambda x: line(by_bool(x)),
    lambda x: line(in_range(x)),
    lambda x: line(by_nested_function(x)),
    lambda x: line(sorted_sizes(x)),
]
BRANCH_BY_BRANCH = [
    lambda x: line(asserting(x)),
    lambda x: line(raising(x)),
    lambda x: line(catching(x)),
    lambda x: line(int(as_float(x)) + 1),
    lambda x: line(as_nothing(x) or 5),
    lambda x: line(x if as_bool(x) else 4),
    lambda x: line({"wide": x, "narrow": 4}[as_text(x)]),
    lambda x: nn.Linear(*as_pair(x)),
    lambda x: line(by_index(x)),
]


@pytest.mark.parametrize("factory", HELPERS)
def test_what_is_followed_as_one(factory) -> None:
    count = assert_exact(factory, x=range(1, 70))
    assert (count.certificate.paths, count.certificate.grade) == (1, "complete")


@pytest.mark.parametrize("factory", BRANCH_BY_BRANCH)
def test_what_is_followed_branch_by_branch(factory) -> None:
    count = assert_exact(factory, x=range(1, 70))
    assert count.certificate.paths > 1
    assert count.certificate.grade == "complete"


def test_a_loop_in_a_helper() -> None:
    assert_exact(lambda x: line(by_range(x)), declared={"x": Symbol(max=40)}, x=range(1, 41))


def test_what_a_helper_refuses_is_outside_the_domain() -> None:
    for factory in (lambda x: line(raising(x)), lambda x: line(asserting(x))):
        count = assert_exact(factory, x=range(1, 40))
        assert str(count.domain) == "Eq(Mod(x, 2), 0)"
        assert str(count) == "Piecewise((x, x >= 11), (10, True))"


def test_strictly() -> None:
    assert symcount.derive(lambda x: line(timm_make_divisible(x)), strict=True)(13) == 16


# --- objects --------------------------------------------------------------------------------------


@dataclasses.dataclass
class Sizes:
    width: Any
    divisor: Any = 8
    flag: bool = True


class Slotted:
    __slots__ = ("divisor", "flag", "width")

    def __init__(self, width: Any) -> None:
        self.width, self.divisor, self.flag = width, 8, True


class WithProperty(Sizes):
    reads = 0

    @property
    def width(self):
        WithProperty.reads += 1
        return self._width

    @width.setter
    def width(self, value):
        self._width = value


class WithGetattr:
    def __init__(self, width: Any) -> None:
        self._values = {"width": width, "divisor": 8, "flag": True}

    def __getattr__(self, name: str) -> Any:
        return self._values[name]


class WithGetattribute(Sizes):
    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        return value + 1 if name == "divisor" else value


class Comparing(Sizes):
    def __eq__(self, other: object) -> bool:
        return True

    def __bool__(self) -> bool:
        return False

    __hash__ = None


def of_sizes(sizes):
    if not sizes.flag:
        return 1
    return sizes.width // sizes.divisor * sizes.divisor if sizes.width > sizes.divisor else 8


def of_sizes_within(sizes, least):
    found = of_sizes(sizes)
    return found if found > least else least


def of_comparison(sizes, x):
    if sizes == 3:
        x = x + 1
    if sizes:
        x = x + 2
    return x if x > 10 else 10


def storing(sizes):
    sizes.width = sizes.width + 1
    return sizes.width if sizes.width > 10 else 10


def _stored(x):
    sizes = Sizes(x)
    return nn.Linear(storing(sizes), storing(sizes))


@pytest.mark.parametrize(
    ("factory", "paths"),
    [
        (lambda x: line(of_sizes(Sizes(x))), 1),
        (lambda x: line(of_sizes(Sizes(x, flag=False)) + x), 1),
        (lambda x: line(of_sizes_within(Sizes(x), 32)), 1),
        (lambda x: line(of_sizes_within(sizes=Sizes(40, x), least=x)), 1),
        (lambda x: line(of_sizes(Slotted(x))), 2),
        (lambda x: line(of_sizes(WithProperty(x))), 2),
        (lambda x: line(of_sizes(WithGetattr(x))), 2),
        (lambda x: line(of_sizes(WithGetattribute(x))), 2),
        (lambda x: line(of_comparison(Comparing(x), x)), 2),
        (lambda x: line(of_comparison(Sizes(x), x)), 2),
        (_stored, 3),
    ],
)
def test_what_is_read_from_an_object(factory, paths) -> None:
    count = assert_exact(factory, x=range(1, 70))
    assert count.certificate.paths == paths


# --- where helpers come from ----------------------------------------------------------------------

_alias = timm_make_divisible
_partial = functools.partial(timm_make_divisible, divisor=16)
_half = lambda x: x // 2 if x > 10 else 5  # noqa: E731


@functools.lru_cache
def cached(x):
    return x if x > 10 else 10


def _decorated(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs) + 1

    return wrapper


@_decorated
def decorated(x):
    return x if x > 10 else 10


def _clamping(least):
    def clamp(x):
        return x if x > least else least

    return clamp


clamp = _clamping(12)


class Layers:
    @staticmethod
    def width(x):
        return x if x > 10 else 10

    @classmethod
    def widths(cls, x):
        return cls.width(x) + cls.width(2 * x)

    def method(self, x):
        return x if x > 10 else 10


TABLE = {"wide": timm_make_divisible}


@pytest.mark.parametrize(
    "factory",
    [
        lambda x: line(_alias(x)),
        lambda x: line(_partial(x)),
        lambda x: line(_half(x)),
        lambda x: line(decorated(x)),
        lambda x: line(cached(x) + cached(x)),
        lambda x: line(clamp(x)),
        lambda x: line(Layers.width(x)),
        lambda x: line(Layers.widths(x)),
        lambda x: line(Layers().method(x)),
        lambda x: line(TABLE["wide"](x)),
        lambda x: nn.ModuleList(map(line, map(timm_make_divisible, (x, 2 * x)))),
    ],
)
def test_however_it_is_reached(factory) -> None:
    for _ in range(2):
        assert_exact(factory, x=range(1, 70))


def test_a_helper_of_another_module(tmp_path, monkeypatch) -> None:
    (tmp_path / "other_helpers.py").write_text(
        "LEAST = 10\n\ndef width(x):\n    return x if x > LEAST else LEAST\n"
    )
    source = (
        "from torch import nn\nimport other_helpers\nimport other_helpers as o\n"
        "from other_helpers import width as w\n\n"
        "def by_attribute(x):\n    return nn.Linear(other_helpers.width(x), 1)\n\n"
        "def by_other_name(x):\n    return nn.Linear(o.width(x), 1)\n\n"
        "def by_import(x):\n    return nn.Linear(w(x), 1)\n\n"
        "class Block(nn.Module):\n    def __init__(self, x):\n        super().__init__()\n"
        "        self.layer = nn.Linear(w(x), o.width(2 * x))\n"
    )
    (tmp_path / "some_factories.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("some_factories")
    for name in ("by_attribute", "by_other_name", "by_import", "Block"):
        before = dict(vars(module)), dict(vars(module.other_helpers))
        count = assert_exact(getattr(module, name), x=range(1, 40))
        assert count.certificate.paths == 1
        assert (dict(vars(module)), dict(vars(module.other_helpers))) == before
    monkeypatch.setattr(module.other_helpers, "LEAST", 20)
    assert_exact(module.by_import, x=range(1, 40))
    for name in ("some_factories", "other_helpers"):
        sys.modules.pop(name)


# --- what is shown, kept and checked --------------------------------------------------------------


def narrow(ch):
    return 7 if ch == 48 else ch


def very_narrow(ch):
    return 7 if ch % 1013 == 1012 and ch > 5000 else ch


@pytest.mark.parametrize(
    ("factory", "conditions"),
    [
        (lambda ch: line(narrow(ch)), [lambda ch: ch == 48, lambda ch: ch != 48]),
        (
            lambda ch: line(very_narrow(ch)),
            [
                lambda ch: ch <= 5000,
                lambda ch: ch > 5000 and ch % 1013 == 1012,
                lambda ch: ch > 5000 and ch % 1013 != 1012,
            ],
        ),
        (
            lambda ch: line(select_num_groups(ch)),
            [
                lambda ch: ch % 32 == 0,
                *(lambda ch, n=n: ch % n == 0 and ch % (2 * n) for n in (16, 8, 4, 2, 1)),
            ],
        ),
    ],
)
def test_each_side_is_compared(factory, conditions) -> None:
    count = symcount.derive(factory)
    points = [dict(point)["ch"] for point in count.certificate.points]
    for condition in conditions:
        assert any(map(condition, points)), points


def _several_choices(x, y):
    return nn.Sequential(
        nn.Linear(x, select_num_groups(x)),
        nn.Linear(timm_make_divisible(y * 0.35), select_num_groups(y) * 3),
        nn.Conv1d(x, x * y, 1, groups=select_num_groups(x)),
    )


@pytest.fixture(scope="module")
def several() -> symcount.ParamCount:
    return symcount.derive(_several_choices)


def test_the_sympy_expression_says_the_same(several) -> None:
    names = {s.name: s for s in several.symbols}
    functions = {getattr(f, "__name__", name): f for name, f in FUNCTIONS.items()}
    read = sympy.sympify(str(several), locals={**functions, **names})
    for x, y in itertools.product((1, 2, 12, 32, 47, 64), (1, 3, 22, 23, 24, 96, 100)):
        values = {names["x"]: x, names["y"]: y}
        assert several(x, y) == several.expr.subs(values) == read.subs(values)


def test_the_graph_runs_to_the_same(several) -> None:
    graph_module = torch.fx.GraphModule(nn.Module(), several.graph)
    for x, y in itertools.product((1, 2, 12, 32, 47, 64), (1, 3, 22, 23, 24, 96, 100)):
        shapes = graph_module(x=x, y=y)["tensors"]
        assert sum(map(math.prod, shapes.values())) == several(x, y)


def test_it_is_pickled_and_copied(several) -> None:
    for other in (pickle.loads(pickle.dumps(several)), copy.copy(several), copy.deepcopy(several)):
        assert other == several and hash(other) == hash(several)
        assert other(48, 22) == several(48, 22)
        assert str(other) == str(several)


def test_the_breakdown_adds_up(several) -> None:
    parameters = several.breakdown().parameters.values()
    for x, y in ((1, 1), (12, 22), (32, 96), (47, 23)):
        assert sum(part(x, y) for part in parameters) == several(x, y)
    assert all(f"{part:latex}" and str(part) for part in parameters)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_it_is_exported(several, name) -> None:
    text = FORMATS[name].render_count(several.formula, title="Several")
    assert "Several" in text and "Call" not in text and "if_" not in text
    if name == "json":
        assert json.loads(text)
    if name != "json":
        assert "cases" in text or "Piecewise" in text


def test_it_is_shown_on_a_terminal(several, capsys) -> None:
    views.show(views.count_view("Several", several))
    shown = capsys.readouterr().out
    assert "Piecewise" in shown and "if_" not in shown


def test_many_calls_make_one_path_each_way() -> None:
    def factory(x):
        layers, width = [], x
        for factor in (0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0):
            layers.append(nn.Linear(width, timm_make_divisible(x * factor)))
            width = timm_make_divisible(x * factor)
        return nn.Sequential(*layers)

    assert assert_exact(factory, x=range(1, 100)).certificate.paths == 1
