"""Symbols that C code takes without asking them: each of these was once `complete`, and wrong."""

from __future__ import annotations

import array
import collections
import contextlib
import ctypes
import dataclasses
import datetime
import decimal
import functools
import io
import itertools
import json
import marshal
import math
import operator
import sys
import traceback
import types
import weakref
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import symcount
from symcount.errors import DerivationError
from symcount.factory.call import name_of
from symcount.trace.c_code import calls_what_is_unknown, is_loss
from symcount.trace.stand_ins import is_symbol
from tests.slow import mostly_slow

FAR = 70001
SLOT = (5003).__eq__
SLOTS = {"equal": [(5003).__eq__]}


def layer(dim, is_other):
    return nn.Linear(dim, 9 if is_other else 3)


# --- methods of plain numbers, by name ----------------------------------------------------------


def slot_of_an_int(dim):
    return layer(dim, (5003).__eq__(dim) is True)


def slot_of_an_ordering(dim):
    return layer(dim, FAR.__lt__(dim) is True)


def slot_of_a_float(dim):
    return layer(dim, (5003.0).__eq__(dim) is True)


def slot_in_a_partial(dim):
    return layer(dim, functools.partial((5003).__eq__)(dim) is True)


def slot_that_is_mapped(dim):
    return nn.Linear(dim, 3 + list(map((5003).__eq__, [dim])).count(True))


def slot_that_filters(dim):
    return nn.Linear(dim, 3 + len([x for x in filter((5003).__eq__, [dim]) if x == 5003]))


def slot_of_a_starmap(dim):
    return layer(dim, list(itertools.starmap(int.__lt__, [(FAR, dim)])) == [True])


def slot_that_reduces(dim):
    return layer(dim, functools.reduce(int.__eq__, [5003, dim]) is True)


def slot_that_sorts(dim):
    values = [dim, 1]
    with contextlib.suppress(TypeError):
        values.sort(key=FAR.__lt__)
    return layer(dim, values[0] == 1)


def slot_of_a_method_caller(dim):
    return layer(dim, operator.methodcaller("__lt__", dim)(FAR) is True)


def slot_of_a_global(dim):
    return layer(dim, SLOT(dim) is True)


def slot_in_a_table(dim):
    return layer(dim, SLOTS["equal"][0](dim) is True)


class Calls:
    __call__ = staticmethod((5003).__eq__)


CALLS = Calls()
HELD = types.SimpleNamespace(equals=(5003).__eq__)


def slot_that_an_object_calls(dim):
    return layer(dim, CALLS(dim) is True)


def slot_that_an_object_holds(dim):
    return layer(dim, HELD.equals(dim) is True)


def slot_as_a_default(dim):
    def compared(value, by=(5003).__eq__):
        return by(value) is True

    return layer(dim, compared(dim))


def slot_of_computed_name(dim):
    return layer(dim, getattr(5003, f"__{'eq'}__")(dim) is True)


def slot_given_a_star(dim):
    return layer(dim, (5003).__eq__(*[dim]) is True)


def slot_in_a_method(dim):
    return layer(dim, types.MethodType(int.__lt__, FAR)(dim) is True)


def slot_that_is_not_bound(dim):
    try:
        is_large = int.__gt__(dim, FAR)
    except TypeError:
        is_large = False
    return layer(dim, is_large)


def slot_of_a_symbol(dim):
    return layer(dim, dim.__lt__(FAR + 0.5) is NotImplemented)


# --- C code that wants an int -------------------------------------------------------------------


def days(dim):
    try:
        is_large = datetime.timedelta(days=dim).days > FAR
    except TypeError:
        is_large = False
    return layer(dim, is_large)


def days_of_keywords(dim):
    is_large = False
    with contextlib.suppress(TypeError):
        is_large = datetime.timedelta(**{"days": dim}).days > FAR
    return layer(dim, is_large)


def decimal_number(dim):
    try:
        is_large = decimal.Decimal(dim) > FAR
    except TypeError:
        is_large = False
    return layer(dim, is_large)


def marshalled(dim):
    try:
        size = len(marshal.dumps({"sizes": [(dim, 1)]}))
    except ValueError:
        size = 0
    return layer(dim, size > len(marshal.dumps({"sizes": [(1, 1)]})))


def in_json(dim):
    try:
        is_other = json.dumps({"sizes": [dim]}) == '{"sizes": [5003]}'
    except TypeError:
        is_other = False
    return layer(dim, is_other)


def elements_of_an_iterator(dim):
    try:
        is_large = array.array("Q", iter([dim]))[0] > FAR
    except TypeError:
        is_large = False
    return layer(dim, is_large)


def exponent_of_two(dim):
    try:
        is_large = math.ldexp(1.0, dim) > 1e30
    except TypeError:
        is_large = False
    except OverflowError:
        is_large = True
    return layer(dim, is_large)


def power_of_three(dim):
    try:
        is_other = pow(2, 20, dim) == 1 << 20
    except TypeError:
        is_other = False
    return layer(dim, is_other)


def longest_deque(dim):
    try:
        is_large = collections.deque(maxlen=dim).maxlen > FAR
    except TypeError:
        is_large = False
    return layer(dim, is_large)


def translated(dim):
    try:
        is_other = "a".translate({97: dim}) == "\u138b"
    except TypeError:
        is_other = False
    return layer(dim, is_other)


class Fields(ctypes.Structure):
    _fields_ = [("x", ctypes.c_int32)]


def field_of_c(dim):
    fields = Fields()
    with contextlib.suppress(TypeError):
        fields.x = dim
    return layer(dim, fields.x > FAR)


def times_days(dim):
    try:
        is_large = (datetime.timedelta(days=1) * dim).days > FAR
    except TypeError:
        is_large = False
    return layer(dim, is_large)


def below_a_decimal(dim):
    try:
        is_large = decimal.Decimal(FAR) < dim
    except TypeError:
        is_large = False
    return layer(dim, is_large)


def sorted_with_a_decimal(dim):
    try:
        is_large = sorted([decimal.Decimal(FAR), dim], reverse=True)[0] == dim
    except TypeError:
        is_large = False
    return layer(dim, is_large)


def equal_to_a_complex_number(dim):
    return layer(dim, dim == FAR + 0j)


def array_of_numpy(dim):
    made = np.array([dim])
    return layer(dim, made.dtype.kind == "i" and made[0] > FAR)


def filled_by_numpy(dim):
    return layer(dim, np.full(2, dim).dtype.kind == "i" and dim > FAR)


# --- keys and containers ------------------------------------------------------------------------


class Decade(tuple):
    __slots__ = ()

    def __hash__(self):
        return hash(self[0] // 10)

    def __eq__(self, other):
        return self[0] // 10 == other[0] // 10


DECADES = {Decade((5003, 1)): 9}


def tuple_with_a_hash_of_its_own(dim):
    return layer(dim, Decade((dim, 2)) in DECADES)


@dataclasses.dataclass(eq=False)
class Rounded:
    size: int

    def __hash__(self):
        return hash(self.size)

    def __eq__(self, other):
        return self.size == other.size and self.size > FAR


def dataclass_with_an_equality_of_its_own(dim):
    return layer(dim, Rounded(dim) in {Rounded(FAR + 1): 9})


class Once:
    def __init__(self):
        self.asked = 0

    @property
    def table(self):
        self.asked += 1
        return {5003: 9} if self.asked == 1 else {}


def property_that_changes(dim):
    once = Once()
    return layer(dim, dim in once.table)


class Alternating:
    asked = 0

    def __getattr__(self, name):
        self.asked += 1
        return {5003: 9} if self.asked % 2 else {FAR: 9}


def attributes_that_change(dim):
    return nn.Linear(dim, Alternating().table.get(dim, 3))


# --- exceptions that are read elsewhere ----------------------------------------------------------


def context_of_the_next(dim):
    try:
        raise ValueError(f"{dim}")
    except ValueError:
        try:
            raise KeyError
        except KeyError as error:
            return layer(dim, str(error.__context__) == "5003")


def printed_traceback(dim):
    out = io.StringIO()
    try:
        raise ValueError(f"{dim}")
    except ValueError:
        traceback.print_exc(file=out)
    return layer(dim, "5003" in out.getvalue())


def current_exception(dim):
    try:
        raise ValueError(f"{dim}")
    except ValueError:
        return layer(dim, str(sys.exception()) == "5003")


HANDED = [
    slot_of_an_int, slot_of_an_ordering, slot_of_a_float, slot_in_a_partial, slot_that_is_mapped,
    slot_that_filters, slot_of_a_starmap, slot_that_reduces, slot_that_sorts,
    slot_of_a_method_caller, slot_of_a_global, slot_in_a_table,
    slot_that_an_object_calls, slot_that_an_object_holds, slot_as_a_default,
    slot_of_computed_name, slot_given_a_star, slot_in_a_method, slot_that_is_not_bound,
    slot_of_a_symbol, days, days_of_keywords, decimal_number, marshalled, in_json,
    elements_of_an_iterator, exponent_of_two, power_of_three, longest_deque, translated,
    field_of_c, times_days, below_a_decimal, sorted_with_a_decimal,
    equal_to_a_complex_number, array_of_numpy,
    filled_by_numpy, tuple_with_a_hash_of_its_own, dataclass_with_an_equality_of_its_own,
    property_that_changes, attributes_that_change, context_of_the_next, printed_traceback,
    *([current_exception] if sys.version_info >= (3, 11) else []),
]  # fmt: skip


def grade_of(factory):
    try:
        return symcount.derive(factory).certificate.grade
    except DerivationError:
        return "refused"


@pytest.mark.parametrize("factory", mostly_slow(HANDED, every=4, name=name_of))
def test_what_code_of_c_does_not_ask_costs_the_grade(factory) -> None:
    assert grade_of(factory) != "complete"


# --- what is asked, or only held ------------------------------------------------------------------


def in_containers(dim):
    held = [dim]
    held.append(dim)
    table = dict(size=dim, **{"sizes": tuple(held)})
    holder = types.SimpleNamespace(size=table["size"])
    return nn.Linear(holder.size, len(held))


def by_operators(dim):
    larger = functools.reduce(operator.add, [dim, dim], 0)
    return nn.Linear(operator.mul(larger, 2), sum(map(operator.neg, [dim])) + 2 * dim)


def in_a_key_of_a_dataclass(dim):
    return nn.Linear(dim, SIZES.get(Size(dim, "b"), 3))


@dataclasses.dataclass(frozen=True)
class Size:
    size: int
    tag: str = dataclasses.field(default="", compare=False)


SIZES = {Size(5003, "a"): 9}


def factorial_by_another_name(dim):
    return nn.Linear(dim, 9 if math.perm(dim) > 10**300 else 3)


def unhanded(dim):
    return layer(dim, datetime.timedelta(days=3).days > 2 and dim > FAR)


FOLLOWED = [in_containers, by_operators, in_a_key_of_a_dataclass, unhanded]


@pytest.mark.parametrize("factory", FOLLOWED)
def test_what_is_asked_or_only_held_costs_no_grade(factory) -> None:
    count = symcount.derive(factory)
    assert count.certificate.grade == "complete"
    with torch.device("meta"):
        for dim in (1, 7, 5003, FAR, FAR + 1):
            assert count(dim) == sum(p.numel() for p in factory(dim).parameters())


def test_permutations_of_all_are_a_factorial() -> None:
    count = symcount.derive(factorial_by_another_name)
    assert count(100) == 3 * 101
    assert count(200) == 9 * 201


# --- attributes ----------------------------------------------------------------------------------


ABSENT = [
    "item", "sqrt", "exp2", "__module__", "__complex__", "__copy__", "__deepcopy__",
    "__array_ufunc__", "__array__", "__firstlineno__", "_nothing",
]  # fmt: skip


@pytest.mark.parametrize("name", [*ABSENT, "is_integer", "__getnewargs__", "__doc__", "real"])
def test_a_symbol_has_the_attributes_of_an_int(name) -> None:
    def factory(dim):
        asked = hasattr(dim, name), getattr(dim, name, None) is None
        return layer(dim, asked == (hasattr(5, name), getattr(5, name, None) is None) and dim > FAR)

    count = symcount.derive(factory)
    assert count.certificate.grade == "complete"
    assert count(FAR) == 3 * FAR + 3
    assert count(FAR + 1) == 9 * (FAR + 1) + 9


def test_a_symbol_has_no_method_of_numpys_numbers() -> None:
    def factory(dim):
        try:
            return layer(dim.item(), False)
        except AttributeError:
            return layer(dim, dim > FAR)

    count = symcount.derive(factory)
    assert count(FAR + 1) == 9 * (FAR + 1) + 9


def test_every_name_of_an_int_is_one_of_a_symbol() -> None:
    def factory(dim):
        names = [name for name in dir(dim) if hasattr(dim, name)]
        return nn.Linear(dim, len(names))

    assert symcount.derive(factory)(10) == 11 * len(dir(5))


TABLE: Any = weakref.WeakValueDictionary()  # which has no hash, nor has what refers to it
REFERENCE = weakref.ref(TABLE)


def test_what_is_called_is_not_asked_for_its_hash() -> None:
    assert not is_loss(REFERENCE, [], is_symbol)
    assert not calls_what_is_unknown(REFERENCE, [])
