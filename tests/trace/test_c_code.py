"""C code that is listed as known does with a symbol what it does with a number, or asks it."""

from __future__ import annotations

import collections
import copy
import datetime
import decimal
import itertools
import math
import operator
import struct
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from symcount.record import OPERATORS, Node
from symcount.trace import c_code
from symcount.trace.proxies import SymFloat, SymInt
from symcount.trace.stand_ins import is_symbol

NUMBER = 7
OTHERS = [2, "a b", [1, 2, 3], (1, NUMBER), {1: 2, NUMBER: 3}, {1, NUMBER}, b"ab", len, None, 0.5]
WAYS = [
    lambda number: number,
    lambda number: [number],
    lambda number: (number, 1),
    lambda number: {number: number},
    lambda number: {"x": number},
]


class Asked:
    """A run that answers, and counts how often it was asked."""

    alive, specialising = True, False

    def __init__(self) -> None:
        self.times = 0
        self.of_numpy: set[Any] = set()

    def record(self, op, args, value):
        self.times += 1
        kind = SymFloat if type(value) is float else SymInt
        return kind(Node(op, args, value, None), self)

    def branch(self, op, a, b):
        self.times += 1
        return OPERATORS[op](a.hint, b.hint if type(b) is Node else b)

    def concretise(self, kind, node):
        self.times += 1
        return node.hint

    def poke(self, node):
        self.times += 1
        return node.hint

    def repeated(self, sequence, times):
        self.times += 1
        return sequence * NUMBER

    def is_tensor(self, value):
        return False

    def _asked(self, *values):
        self.times += 1
        return False

    require = assume = assume_of = assume_identity = shows = _asked


def outcome(function, args):
    try:
        made = function(*args)
        if hasattr(made, "__next__"):
            made = list(itertools.islice(made, 9))
    except Exception as error:
        return type(error).__name__
    return SimpleNamespace(made=made)


def is_alike(plain, symbolic):
    if isinstance(plain, str) or isinstance(symbolic, str):
        return plain == symbolic
    a, b = plain.made, symbolic.made
    return " at 0x" in repr(a) or repr(a) == repr(b) or a is b or bool(a == b)


def arguments():
    for way in WAYS:
        yield way, (None,)
        for one in OTHERS:
            yield way, (None, one)
            yield way, (one, None)
            for other in OTHERS:
                yield way, (None, one, other)
                yield way, (one, None, other)
                yield way, (one, other, None)


def given(way, number, others):
    return [way(number) if each is None else copy.deepcopy(each) for each in others]


def functions_of(owner):
    skipped = ("__class__", "__init__", "__new__", "__subclasshook__", "__init_subclass__")
    names = [name for name in dir(owner) if name not in skipped]
    found = [(name, getattr(owner, name)) for name in names]
    return [(n, f) for n, f in found if callable(f) and c_code.is_known(f)]


# These print, look at frames, end the process or tell objects apart.
LEFT_OUT = {"print", "globals", "locals", "vars", "dir", "exit", "quit", "help", "id", "super"}
LEFT_OUT |= {"copyright", "credits", "license", "hash", "__build_class__", "type", "_"}
OWNERS = [
    __builtins__ if not isinstance(__builtins__, dict) else SimpleNamespace(**__builtins__),
    math, operator, itertools, str, bytes, bytearray, list, tuple, dict, set, frozenset,
    collections.deque, collections.OrderedDict, range, slice,
]  # fmt: skip


@pytest.mark.parametrize("owner", OWNERS, ids=lambda owner: getattr(owner, "__name__", "builtins"))
def test_what_is_known_asks_a_symbol_or_does_not_look_at_it(owner) -> None:
    differ = []
    for name, function in functions_of(owner):
        if name in LEFT_OUT or (isinstance(function, type) and issubclass(function, Exception)):
            continue
        for way, others in arguments():
            run = Asked()
            symbol = SymInt(Node("symbol", ("d",), NUMBER, None), run)
            try:
                numbers, symbols = given(way, NUMBER, others), given(way, symbol, others)
            except TypeError:
                continue
            if c_code.is_loss(function, symbols, is_symbol):
                continue
            run.times = 0
            plain = outcome(function, numbers)
            symbolic = outcome(function, symbols)
            if not run.times and not is_alike(plain, symbolic):
                differ.append((name, numbers, plain, symbolic))
    assert not differ


@pytest.mark.parametrize(
    "called",
    [
        (5).__eq__, int.__gt__, int.bit_length, float.__mul__, datetime.timedelta, decimal.Decimal,
        struct.pack, math.ldexp, str.maketrans, operator.methodcaller("a"),
        object.__ne__, (5).__eq__.__call__,
    ],
)  # fmt: skip
def test_what_looks_at_the_class_is_not_known(called) -> None:
    assert not c_code.is_known(called)


@pytest.mark.parametrize(
    "called",
    [
        [].append, dict.get, "".join, len, operator.add, torch.ones, torch.nn.Linear, torch.Size,
        lambda: 0, ValueError, object.__setattr__, collections.namedtuple("Pair", "a b"),
    ],
)  # fmt: skip
def test_what_asks_or_holds_is_known(called) -> None:
    assert c_code.is_known(called)
