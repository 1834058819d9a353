"""What texts and keys that are made of symbols decide: followed, refused, or an assumption.

Each factory was once wrong at `complete`, at the points listed: sizes that nothing else points to.
"""

from __future__ import annotations

import builtins
import collections
import contextlib
import dataclasses
import functools
import io
import logging
import math
import operator
import sys
import types
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import symcount
from symcount import Symbol, derive
from symcount.factory.building import PlainBuilds

Factory = Callable[..., nn.Module]


def assert_honest(factory: Factory, points: list[tuple[Any, ...]], grade: str = "", **given: Any):
    """Assert that a formula is right at the points, or not `complete`, or refused with its line.

    With a grade, there has to be a formula of this grade, and it has to be right.
    """
    names = factory.__code__.co_varnames[: factory.__code__.co_argcount]
    try:
        count = derive(factory, **given)
    except symcount.DerivationError as error:
        assert not grade and __file__ in str(error)
        return
    found = count.certificate.grade
    assert found == grade or (not grade and found != "complete")
    for point in points:
        values = dict(zip(names, point, strict=True))
        built = PlainBuilds(lambda at: factory(**at)).at(values)
        if isinstance(built, Exception):
            assert not count.valid(**values)
        elif grade:
            total = sum(np.prod(facts.shape, dtype=int) for facts in built.values())
            assert count(**values) == total, (values, count)


# --- a dash in a text is no sign of a number --------------------------------------------------


def key_after_dash(dim):
    return nn.Linear(dim, {"vit-5003": 9}.get(f"vit-{dim}", 3))


def equal_after_dash(dim):
    return nn.Linear(dim, 9 if f"b-{dim}" == "b-5003" else 3)


def member_after_dash(dim):
    return nn.Linear(dim, 9 if "patch-" + str(dim) in ["patch-5003"] else 3)


def range_as_key(dim, heads):
    return nn.Linear(dim, {"5003-16": 9}.get(f"{dim}-{heads}", 3))


def negative_after_dash(dim):
    return nn.Linear(dim, {"a--5003": 9}.get(f"a-{-dim}", 3))


# --- keys that are equal to an integer, and are none -------------------------------------------


def float_key(dim):
    return nn.Linear(dim, {5003.0: 9}.get(dim, 3))


def true_key(dim):
    return nn.Linear(dim, {True: 9, 7: 5}.get(dim, 3))


def float_in_tuple(dim):
    return nn.Linear(dim, {(5003.0, "a"): 9}.get((dim, "a"), 3))


def key_of_quotient(dim):
    return nn.Linear(dim, {0.25: 4, 1.3: 7}.get(dim / 10000, 3))


def float_symbol(dim, ratio):
    return nn.Linear(dim, {0.35: 4, 1.4: 6}.get(ratio, 5 if ratio in {0.75} else 3))


@dataclasses.dataclass(frozen=True)
class Key:
    dim: float


KEYS = {Key(5003.0)}


def float_in_dataclass(dim):
    return nn.Linear(dim, 9 if Key(dim) in KEYS else 3)


# --- a plain number that meets a symbol in a memo ------------------------------------------------


def memo(dim, hidden):
    made: dict[int, nn.Module] = {}

    def layer(size: int) -> nn.Module:
        if size not in made:
            made[size] = nn.Linear(size, 2)
        return made[size]

    return nn.ModuleList([layer(dim), layer(hidden), layer(5003)])


def memo_by_tuple(dim):
    made: dict[tuple[int, int], nn.Module] = {}

    def layer(*sizes: int) -> nn.Module:
        return made.setdefault(sizes, nn.Linear(*sizes))

    return nn.ModuleList([layer(dim, 3), layer(5003, 3)])


def counted(dim):
    times = collections.Counter()
    times[dim] += 1
    times[5003] += 1
    return nn.Linear(dim, 3 + max(times.values()))


def stored_twice(dim):
    widths = {}
    widths[dim] = 7
    widths[5003] = 8
    return nn.ModuleList(nn.Linear(dim, width) for width in widths.values())


@pytest.mark.parametrize(
    ("factory", "points", "given"),
    [
        (key_after_dash, [(5002,), (5003,)], {}),
        (equal_after_dash, [(5002,), (5003,)], {}),
        (member_after_dash, [(5002,), (5003,)], {}),
        (range_as_key, [(5003, 16), (5003, 15), (64, 16)], {}),
        (negative_after_dash, [(5002,), (5003,)], {}),
        (float_key, [(5002,), (5003,)], {}),
        (true_key, [(1,), (7,), (8,)], {}),
        (float_in_tuple, [(5002,), (5003,)], {}),
        (key_of_quotient, [(2499,), (2500,), (13000,)], {}),
        (float_symbol, [(64, 0.35), (64, 0.75), (64, 0.5)], {"ratio": Symbol(real=True)}),
        (float_in_dataclass, [(5002,), (5003,)], {}),
        (memo, [(5003, 7), (7, 5003), (5003, 5003), (8, 8), (8, 9)], {}),
        (memo_by_tuple, [(5002,), (5003,)], {}),
        (counted, [(5002,), (5003,)], {}),
        (stored_twice, [(5002,), (5003,)], {}),
    ],
)
def test_followed_exactly(factory: Factory, points: list[Any], given: dict[str, Any]) -> None:
    assert_honest(factory, points, "complete", **given)


# --- what is stored by a symbol, and looked up by who knows what ----------------------------------


def found_by_number(dim):
    seen = {}
    seen[dim] = 1
    return nn.Linear(dim, 9 if 918273645 in seen else 3)


def got_by_number(dim):
    widths = {}
    widths.setdefault(dim, 7)
    return nn.Linear(dim, widths.get(918273645, 3))


def merged(dim):
    widths = {}
    widths[dim] = 3
    return nn.ModuleList(nn.Linear(2, width) for width in (widths | {918273645: 4}).values())


def updated(dim):
    widths = {}
    widths[dim] = 3
    widths.update({918273645: 4})
    return nn.ModuleList(nn.Linear(2, width) for width in widths.values())


def disjoint(dim):
    seen = {}
    seen[dim] = 1
    return nn.Linear(dim, 3 if seen.keys().isdisjoint([918273645]) else 9)


def removed(dim):
    seen = {}
    seen[dim] = 1
    seen.pop(918273645, None)
    return nn.Linear(2, len(seen) + 1)


def weakly_held(dim):
    held: Any = weakref.WeakValueDictionary()
    layer = nn.Linear(dim, 3)
    held[dim] = layer
    return nn.ModuleList([layer, nn.Linear(2, 5 if 918273645 in held else 3)])


def read_by_another(dim):
    made: dict[int, nn.Module] = {}

    def layer(size: int) -> nn.Module:
        if size not in made:
            made[size] = nn.Linear(size, 2)
        return made[size]

    def has(size: int) -> bool:
        return size in made

    return nn.ModuleList([layer(dim), nn.Linear(3, 5 if has(918273645) else 4)])


@pytest.mark.parametrize(
    "factory",
    [
        found_by_number,
        got_by_number,
        merged,
        updated,
        disjoint,
        removed,
        weakly_held,
        read_by_another,
    ],
)
def test_never_complete(factory: Factory) -> None:
    assert_honest(factory, [], max_paths=16)


# --- names that loops make ---------------------------------------------------------------------


def names_apart(dim, depth):
    made = nn.Module()
    for i in range(depth):
        made.add_module(f"layer{i}", nn.Linear(dim, 3))
        setattr(made, "norm%d" % i, nn.Linear(3, 3))  # noqa: UP031
        made.register_parameter(f"w{i + 1}_b", nn.Parameter(torch.empty(3)))
    for name in ("a", "b"):
        for i in range(depth):
            made.add_module(f"{name}{i:02d}", nn.Linear(dim, 2))
    for stage in range(2):
        for i in range(depth):
            made.add_module(f"stage{stage}_{i}", nn.Linear(dim, 2))
    made.layer = nn.Linear(2, 2)
    return made


def two_numbers_apart(depth, width):
    made = nn.ModuleDict()
    for i in range(depth):
        for j in range(width):
            made[f"{i}_{j}"] = nn.Linear(3, 3)
    return made


@pytest.mark.parametrize("factory", [names_apart, two_numbers_apart])
def test_names_that_are_apart_are_complete(factory: Factory) -> None:
    assert_honest(factory, [(2, 1), (3, 7), (11, 12), (12, 111)], "complete")


def two_numbers_in_one(depth, width):
    made = nn.Module()
    for i in range(depth):
        for j in range(width):
            made.add_module(f"layer{i}{j}", nn.Linear(3, 3))
    return made


def taken_before(dim, depth):
    made = nn.Module()
    made.add_module("l400", nn.Linear(dim, 7))
    for i in range(depth):
        made.add_module(f"l{i}", nn.Linear(dim, 3))
    return made


def by_two_loops(dim, depth):
    made = nn.ModuleDict()
    for i in range(depth):
        made[f"l{i}"] = nn.Linear(dim, 3)
    for i in range(depth):
        made[f"l{i + 400}"] = nn.Linear(dim, 5)
    return made


def beside_a_list(dim, depth):
    made = nn.Sequential(*[nn.Linear(dim, 3) for _ in range(depth)])
    made.add_module("400", nn.Linear(dim, 7))
    return made


def rounded(dim, depth):
    made = nn.Module()
    for i in range(depth):
        made.add_module(f"l{i * 0.998:.0f}", nn.Linear(dim, 3))
    return made


def buffer_in_the_way(depth):
    made = nn.Module()
    made.register_buffer("w400", torch.empty(3))
    for i in range(depth):
        made.register_parameter(f"w{i}", nn.Parameter(torch.empty(3)))
    return made


def asked_for(dim, depth):
    made = nn.Module()
    for i in range(depth):
        made.register_parameter(f"w{i}", nn.Parameter(torch.empty(dim)))
    if hasattr(made, "w400"):
        made.more = nn.Parameter(torch.empty(7))
    return made


def asked_of_a_list(dim, depth):
    made = nn.ModuleList([nn.Linear(dim, 3) for _ in range(depth)])
    try:
        made.get_submodule("400")
    except AttributeError:
        return made
    return nn.Linear(dim, 3)


def attribute_of_an_object(dim, depth):
    held = types.SimpleNamespace()
    for i in range(depth):
        setattr(held, f"w{i}", 5)
    return nn.Linear(dim, getattr(held, "w400", 3))


@pytest.mark.parametrize(
    "factory",
    [
        two_numbers_in_one,
        taken_before,
        by_two_loops,
        beside_a_list,
        rounded,
        buffer_in_the_way,
        asked_for,
        asked_of_a_list,
        attribute_of_an_object,
    ],
)
def test_names_that_may_meet_are_never_complete(factory: Factory) -> None:
    assert_honest(factory, [], max_paths=16)


# --- texts that come back ------------------------------------------------------------------------


def printed_to_a_file(dim):
    written = io.StringIO()
    print(dim, file=written)
    return nn.Linear(dim, 9 if written.getvalue() == "918273645\n" else 3)


def printed_elsewhere(dim):
    written = io.StringIO()
    with contextlib.redirect_stdout(written):
        print(f"dim={dim}")
    return nn.Linear(dim, 9 if written.getvalue() == "dim=918273645\n" else 3)


def recorded_warning(dim):
    with warnings.catch_warnings(record=True) as recorded:
        warnings.simplefilter("always")
        warnings.warn(f"dim {dim}", stacklevel=1)
    return nn.Linear(dim, 9 if str(recorded[0].message) == "dim 918273645" else 3)


def raised_warning(dim):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            warnings.warn(f"dim {dim}", stacklevel=1)
        except UserWarning as warning:
            return nn.Linear(dim, 9 if str(warning) == "dim 918273645" else 3)
    return nn.Linear(dim, 3)


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.kept: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append(record.getMessage())


def logged_to_a_handler(dim):
    log, kept = logging.getLogger("texts and keys"), Kept()
    log.addHandler(kept)
    log.setLevel(logging.INFO)
    try:
        log.info(f"dim {dim}")
    finally:
        log.removeHandler(kept)
    return nn.Linear(dim, 9 if kept.kept[0] == "dim 918273645" else 3)


NAMES: list[str] = []


def list_of_the_module(dim):
    NAMES.clear()
    _add_name(dim)
    return nn.Linear(dim, 9 if NAMES[0] == "w918273645" else 3)


def _add_name(dim):
    NAMES.append(f"w{dim}")


def list_of_a_closure(dim):
    names = []

    def add(size):
        names.append(f"w{size}")

    add(dim)
    return nn.Linear(dim, 9 if names[0] == "w918273645" else 3)


def attribute_of_a_class(dim):
    class Named:
        name = f"w{dim}"

    return nn.Linear(dim, 9 if Named.name == "w918273645" else 3)


def variable_of_a_frame(dim):
    name = f"w{dim}"  # noqa: F841
    return nn.Linear(dim, 9 if sys._getframe().f_locals["name"] == "w918273645" else 3)


class Catch:
    said = ""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.said = str(error)
        return True


def message_in_a_manager(dim):
    with Catch() as caught:
        raise ValueError(f"bad {dim}")
    return nn.Linear(dim, 9 if caught.said == "bad 918273645" else 3)


def message_by_a_helper(dim):
    try:
        raise ValueError(f"bad {dim}")
    except ValueError:
        return nn.Linear(dim, 9 if _said() == "bad 918273645" else 3)


def _said():
    return str(sys.exc_info()[1])


@pytest.mark.parametrize(
    "factory",
    [
        printed_to_a_file,
        printed_elsewhere,
        recorded_warning,
        raised_warning,
        logged_to_a_handler,
        list_of_the_module,
        list_of_a_closure,
        attribute_of_a_class,
        variable_of_a_frame,
        message_in_a_manager,
        message_by_a_helper,
    ],
)
def test_texts_that_are_read_are_never_harmless(factory: Factory) -> None:
    assert_honest(factory, [])


# --- a tensor that is too large, and who hears of it ---------------------------------------------


def refused_by_try(dim):
    try:
        torch.empty(dim, 2**40)
    except RuntimeError:
        return nn.Linear(dim, 3)
    return nn.Linear(dim, 5)


def suppressed(dim):
    width = 3
    with contextlib.suppress(RuntimeError):
        torch.zeros(dim, 2**40)
        width = 5
    return nn.Linear(dim, width)


def swallowed(dim):
    width = 3
    with Catch():
        nn.Bilinear(dim, 2**20, 2**20)
        width = 5
    return nn.Linear(dim, width)


class ByLambda(Catch):
    __exit__ = lambda self, *error: True  # noqa: E731


class ByGenerator(Catch):
    def __exit__(self, kind, error, trace):
        yield


class Unhashable(Catch):
    __hash__ = None

    def __call__(self):
        return self


UNHASHABLE = Unhashable()


def other_manager(made_by: Any) -> Factory:
    def factory(dim):
        width = 3
        with made_by():
            torch.empty(dim, 2**40)
            width = 5
        return nn.Linear(dim, width)

    return factory


@pytest.mark.parametrize("made_by", [ByLambda, ByGenerator, UNHASHABLE])
def test_a_manager_that_may_swallow_is_not_taken_for_one_that_lets_pass(made_by: Any) -> None:
    assert_honest(other_manager(made_by), [(2**21 - 1,), (2**21,)], "complete")


@contextlib.contextmanager
def passing():
    try:
        yield
    finally:
        pass


class Passing:
    def __enter__(self):
        return self

    def __exit__(self, *error):
        del error


class SayingSo(Passing):
    """As timm's `set_layer_config`, around all that it makes."""

    def __exit__(self, *error):
        return False


@pytest.mark.parametrize("made_by", [passing, Passing, SayingSo])
def test_a_manager_that_lets_pass_is_no_branch(made_by: Any) -> None:
    count = derive(other_manager(made_by))
    assert (count.certificate.grade, count.certificate.paths) == ("complete", 1)


def left_by_finally(dim):
    width = 3
    for _ in range(1):
        try:
            torch.full((dim, 2**40), 1.0)
            width = 5
        finally:
            break  # noqa: B012
    return nn.Linear(dim, width)


def in_each_iteration(dim, depth):
    made = nn.ModuleList()
    for _ in range(depth):
        try:
            torch.empty(dim, 2**40)
            made.append(nn.Linear(2, 5))
        except RuntimeError:
            made.append(nn.Linear(2, 3))
    return made


@pytest.mark.parametrize(
    "factory", [refused_by_try, suppressed, swallowed, left_by_finally, in_each_iteration]
)
def test_a_tensor_that_is_too_large_is_a_branch(factory: Factory) -> None:
    others = (3,) * (factory.__code__.co_argcount - 1)
    assert_honest(factory, [(size, *others) for size in (2**21 - 1, 2**21)], "complete")


def repeated(dim):
    try:
        torch.empty(dim, 1).repeat(1, 2**40)
    except RuntimeError:
        return nn.Linear(dim, 3)
    return nn.Linear(dim, 5)


def test_a_result_that_is_too_large_is_an_assumption() -> None:
    assert_honest(repeated, [], dim=Symbol(max=1000))


# --- the truth of a tensor ---------------------------------------------------------------------


class Rotary(nn.Module):
    def __init__(self, dim, wrong=0):
        super().__init__()
        scaled = []
        for rate in 1.0 / 1e4 ** (torch.arange(0, dim, 2).float() / dim):
            if 6.28 / rate < 100:
                scaled.append(rate)
            elif 6.28 / rate > 1000:
                scaled.append(rate / 8)
                wrong *= 2
            else:
                scaled.append(rate / 3)
        self.rates = torch.tensor(scaled)
        self.proj = nn.Linear(dim, dim + wrong)


def truth_of_number(dim):
    return nn.Linear(dim, 4 if torch.arange(dim).sum() > 4096 * 8191 else 3)


def test_the_truth_of_a_tensor_is_gone_both_ways() -> None:
    assert_honest(lambda dim: Rotary(dim), [(2,), (64,), (4096,)], "complete")
    assert_honest(lambda dim: Rotary(dim, 1), [])
    assert_honest(truth_of_number, [])


# --- what asks a symbol for nothing -------------------------------------------------------------

KIND, PICKED, PARTIAL = type, [type], functools.partial(type)


class Tools:
    kind = type
    same = staticmethod(operator.is_)


def type_of_builtins(dim):
    return nn.Linear(dim, 9 if builtins.type(dim) is int and dim == 5003 else 3)


def type_that_is_got(dim):
    return nn.Linear(dim, 9 if getattr(builtins, "type")(dim) is int and dim == 5003 else 3)  # noqa: B009


def type_by_another_name(dim):
    return nn.Linear(dim, 9 if KIND(dim) is int and dim == 5003 else 3)


def range_that_is_compared(dim):
    return nn.Linear(dim, 9 if range(dim) == range(5003) else 3)


@pytest.mark.parametrize(
    "factory", [type_of_builtins, type_that_is_got, type_by_another_name, range_that_is_compared]
)
def test_a_type_is_that_of_a_number_by_whatever_name(factory: Factory) -> None:
    assert_honest(factory, [(5002,), (5003,), (5004,)], "complete")


def type_by_default(dim, kind=type):
    return nn.Linear(dim, 9 if kind(dim) is int and dim == 5003 else 3)


def type_in_a_list(dim):
    return nn.Linear(dim, 9 if PICKED[0](dim) is int and dim == 5003 else 3)


def type_of_a_class(dim):
    return nn.Linear(dim, 9 if Tools.kind(dim) is int and dim == 5003 else 3)


def type_by_a_partial(dim):
    return nn.Linear(dim, 9 if PARTIAL(dim) is int and dim == 5003 else 3)


def same_object(dim):
    return nn.Linear(dim, 9 if operator.is_(dim, dim + 0) else 3)


def same_object_by_a_class(dim):
    return nn.Linear(dim, 9 if Tools.same(dim, int(str(dim))) else 3)


def size_in_memory(dim):
    return nn.Linear(dim, 9 if sys.getsizeof(dim) == sys.getsizeof(2**40) else 3)


def hash_of_a_range(dim):
    return nn.Linear(dim, 9 if hash(range(dim)) == hash(range(5003)) else 3)


def number_in_bytes(dim):
    return nn.Linear(dim, 9 if f"{dim}".encode() == b"5003" else 3)


def text_of_a_module(dim):
    return nn.Linear(dim, 9 if "=5003," in repr(nn.Linear(dim, 1)) else 3)


def text_of_nested_modules(dim):
    return nn.Linear(dim, 9 if "=5003," in str(nn.Sequential(nn.Linear(dim, 1))) else 3)


@pytest.mark.parametrize(
    "factory",
    [
        type_by_default, type_in_a_list, type_of_a_class, type_by_a_partial, same_object,
        same_object_by_a_class, size_in_memory, hash_of_a_range, text_of_a_module,
        text_of_nested_modules, number_in_bytes,
    ],
)  # fmt: skip
def test_what_asks_nothing_is_refused_or_assumed(factory: Factory) -> None:
    assert_honest(factory, [(257,), (5003,), (5004,)])


# --- floats that overflow -----------------------------------------------------------------------


def exponential(dim):
    layer = nn.Linear(dim, 3)
    layer.scale = math.exp(dim / 10000)
    return layer


def power_of_a_float(dim):
    layer = nn.Linear(dim, 3)
    layer.scale = 2.0 ** (dim // 1000)
    return layer


def power_of_a_fraction(dim):
    layer = nn.Linear(dim, 3)
    layer.scale = 0.5 ** (-dim)
    return layer


def caught_overflow(dim):
    try:
        math.cosh(dim / 10000)
    except OverflowError:
        return nn.Linear(dim, 9)
    return nn.Linear(dim, 3)


def power_of_an_iteration(dim, n):
    return nn.ModuleList(nn.Linear(dim, 3 if 10.0 ** (4 * i) > 0 else 4) for i in range(n))


@pytest.mark.parametrize(
    ("factory", "points"),
    [
        (exponential, [(7_097_827,), (7_097_828,)]),
        (power_of_a_float, [(1_023_999,), (1_024_000,)]),
        (power_of_a_fraction, [(1023,), (1024,)]),
        (caught_overflow, [(7_104_758,), (7_104_759,), (8_388_608,)]),
        (power_of_an_iteration, [(3, 62), (3, 63)]),
    ],
)
def test_a_float_that_overflows_raises(factory: Factory, points: list[tuple[int, ...]]) -> None:
    assert_honest(factory, points, "partial" if factory is power_of_an_iteration else "complete")
