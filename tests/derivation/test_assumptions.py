"""What a symbol decides without being asked: followed, refused, or named as an assumption.

Each factory decides something at a size far beyond those that a derivation looks at for other
reasons. At the points listed, beside the sizes of everyday, the formula is what is built there.
"""

from __future__ import annotations

import collections
import copy
import dataclasses
import functools
import logging
import struct
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import symcount
from symcount import derive
from symcount.executed import Executed
from symcount.factory import constants
from symcount.factory.building import PlainBuilds

EVERYDAY = (1, 2, 3, 5, 8, 12, 64, 65, 100, 127, 128, 768, 1000, 4096)
Size = collections.namedtuple("Size", "dim heads")
TABLE = {1000 + i: 3 for i in range(50)}


@dataclasses.dataclass(frozen=True)
class Spec:
    dim: int
    heads: int


def exact_type(dim):
    return nn.Linear(dim + 1 if type(dim) is int and dim > 5000 else dim, 3)


def type_on_the_right(dim):
    return nn.Linear(dim + 1 if int is type(dim) and dim > 5000 else dim, 3)


def type_is_a_key(dim):
    return nn.Linear({int: 2, float: 3}[type(dim)] * dim, 3)


def types_of_several(dim, heads):
    return nn.Linear(sum(kind is int for kind in map(type, (dim, heads))) + dim, heads)


def subclass_of_type(dim):
    if issubclass(type(dim), int) and dim > 100000:
        raise ValueError("too large")
    return nn.Linear(dim, 3)


def identical(dim, heads):
    return nn.Linear(dim, 5 if dim is heads else 3)


def copied(dim):
    return nn.Linear(copy.deepcopy([dim, dim])[1], 3)


def tuple_in_set(dim, heads):
    return nn.Linear(dim, 11 if (dim, heads) in {(512, 8), (768, 12)} else 3)


def named_tuple_key(dim, heads):
    return nn.Linear(dim, {Size(512, 8): 11}.get(Size(dim, heads), 3))


def dataclass_key(dim, heads):
    return nn.Linear(dim, {Spec(5003, 7): 17}.get(Spec(dim, heads), 3))


def hash_itself(dim):
    return nn.Linear(dim, 4 if hash(dim) == 999999 else 3)


def set_of_sizes(dim):
    return nn.Linear(dim, len({dim} | {512, 1024}))


def digits(dim):
    return nn.Linear(dim, len(str(dim)))


def hexadecimal(dim):
    return nn.Linear(dim, 4 if hex(dim) == "0x138b" else 3)


def thousands(dim):
    return nn.Linear(dim, 4 if f"{dim:,}" == "5,003" else 3)


def text_key(dim):
    return nn.Linear(dim, {"net5003": 4}.get(f"net{dim}", 3))


def packed(dim):
    return nn.Linear(dim, 3 if len(struct.pack("q", dim).rstrip(b"\0")) < 3 else 4)


def numpy_narrow(dim):
    return nn.Linear(int(np.int16(3) + dim), 3)


def numpy_function(dim):
    return nn.Linear(dim, 4 if np.log2(dim) > 13 else 3)


def value_of_tensor(dim):
    return nn.Linear(dim, 4 if torch.tensor(dim) > 5000 else 3)


def equal_tensors(dim):
    return nn.Linear(dim, 4 if torch.equal(torch.tensor(dim), torch.tensor(5003)) else 3)


def message_is_read(dim):
    try:
        raise ValueError(f"size {dim}")
    except ValueError as error:
        return nn.Linear(dim, 4 if "5003" in str(error) else 3)


@functools.singledispatch
def doubled(value: Any) -> Any:
    return value


@doubled.register
def _(value: int) -> Any:
    return 2 * value


def dispatched(dim):
    return nn.Linear(doubled(dim), 3)


def in_a_big_table(dim):
    return nn.Linear(dim, TABLE.get(dim, 2))


CASES: list[tuple[Callable[..., nn.Module], list[tuple[int, ...]]]] = [
    (exact_type, [(5000,), (5001,), (9999,)]),
    (type_on_the_right, [(5000,), (5001,), (9999,)]),
    (type_is_a_key, []),
    (types_of_several, [(5, 7), (5000, 70)]),
    (subclass_of_type, [(100000,), (100001,)]),
    (identical, [(5, 5), (5, 6), (1000, 1000)]),
    (copied, []),
    (tuple_in_set, [(512, 8), (768, 12), (512, 12), (768, 8)]),
    (named_tuple_key, [(512, 8), (512, 9)]),
    (dataclass_key, [(5003, 7), (5003, 8)]),
    (hash_itself, [(999999,), (999998,)]),
    (set_of_sizes, [(512,), (1024,), (1025,)]),
    (digits, [(9,), (10,), (99999,), (100000,)]),
    (hexadecimal, [(5003,)]),
    (thousands, [(5003,)]),
    (text_key, [(5003,), (5004,)]),
    (packed, [(65535,), (65536,)]),
    (numpy_narrow, [(32764,), (32765,), (40000,)]),
    (numpy_function, [(8191,), (8192,), (8193,)]),
    (value_of_tensor, [(5000,), (5001,)]),
    (equal_tensors, [(5003,)]),
    (message_is_read, [(5003,), (15002,)]),
    (dispatched, []),
    (in_a_big_table, [(1000,), (1049,), (1050,)]),
]


@pytest.mark.parametrize(("factory", "points"), CASES, ids=[f.__name__ for f, _ in CASES])
def test_exact_or_a_clear_error(factory, points) -> None:
    names = factory.__code__.co_varnames[: factory.__code__.co_argcount]
    try:
        count = derive(factory)
    except symcount.SymcountError as error:
        assert __file__ in str(error), "it names the line"
        return
    for point in (*points, *((size,) * len(names) for size in EVERYDAY)):
        values = dict(zip(names, point, strict=True))
        built = PlainBuilds(lambda at: factory(**at)).at(values)
        if isinstance(built, Exception):
            with pytest.raises(symcount.DomainError):
                count(**values)
        else:
            total = sum(np.prod(facts.shape, dtype=int) for facts in built.values())
            assert count(**values) == total, (values, count.certificate)


@pytest.mark.parametrize(
    "factory", [exact_type, type_is_a_key, tuple_in_set, text_key, copied, dispatched]
)
def test_what_is_followed_is_complete(factory) -> None:
    assert derive(factory).certificate.grade == "complete"


def test_an_assumption_is_named_with_the_numbers_it_was_tried_at() -> None:
    def padded(dim):
        return nn.Linear(dim, 4 if f"{dim:09d}"[::-1] == "918273645" else 3)

    certificate = derive(padded).certificate
    assert certificate.grade == "checked"
    (assumption,) = certificate.assumptions
    assert (assumption.kind, assumption.symbols) == ("text", ("dim",))
    assert {6, 7, 8, 10, 99_999, 100_000} <= set(assumption.tried)
    assert str(certificate).startswith(f"assumed, that nothing depends on:\n  {__file__}:")
    with pytest.raises(symcount.IncompleteError):
        derive(padded, strict=True)


def test_what_ends_in_a_message_a_log_or_a_name_is_no_assumption() -> None:
    log = logging.getLogger("test")

    def talkative(dim, depth):
        log.debug("dim %s", dim)
        log.debug(f"dim {dim}")
        if dim % 3 == 0:
            warnings.warn(f"{dim} is odd", stacklevel=2)
        if dim > 4000:
            raise ValueError(f"no more than 4000, not {dim}")
        if depth > 50:
            raise ValueError(f"{depth} is deep")
        module = nn.Module()
        for i in range(depth):
            name = f"layer{i + 1}"
            module.add_module(name, nn.Linear(dim, dim))
        return module

    certificate = derive(talkative).certificate
    assert (certificate.grade, certificate.assumptions) == ("complete", ())
    assert {c.kind for c in certificate.harmless} == {
        "text in what is printed or logged",
        "text in the name of a module or parameter",
    }


def test_a_value_of_a_tensor_may_decide_what_builds_the_same() -> None:
    def dropped(dim, depth):
        rates = [x.item() for x in torch.linspace(0, 0.1, depth)]
        return nn.ModuleList(
            nn.Sequential(nn.Linear(dim, dim), nn.Dropout(r) if r > 0.05 else nn.Identity())
            for r in rates
        )

    certificate = derive(dropped).certificate
    assert "branch on a value" in {c.kind for c in certificate.harmless}
    assert "branch on a value" not in {c.kind for c in certificate.assumptions}


THRESHOLDS = (70_000, 1e12, 2e12, 200_000, 3e12, 4e12, 5e12)


def _four_answers(dim: int) -> int:
    value = torch.tensor(float(dim))
    answers = [bool(a) for a in (value > 70_000, value > 1e12, value < 5, value > 200_000)]
    return 9 if answers == [True, False, False, False] else 3


def _answers_of_a_helper(dim: int) -> int:
    def is_over(value: float, threshold: float) -> bool:
        return value > threshold

    value = torch.tensor(float(dim)).item()
    return 9 if [is_over(value, t) for t in THRESHOLDS] == [True] + [False] * 6 else 3


def _digits(dim: int) -> int:
    value = torch.tensor(float(dim)).item()
    return 9 if sum(1 << k for k, t in enumerate(THRESHOLDS) if value > t) == 1 else 3


@pytest.mark.parametrize("width", [_four_answers, _answers_of_a_helper, _digits])
def test_all_ways_that_several_branches_on_values_may_go_together_are_gone_or_count(width) -> None:
    def factory(dim):
        return nn.Linear(dim, width(dim))

    try:
        certificate = derive(factory).certificate
    except symcount.SymcountError:
        return
    assert certificate.grade != "complete"


def test_constructors_that_each_ask_a_value_do_not_count_however_many() -> None:
    class Block(nn.Module):
        def __init__(self, dim, rate):
            super().__init__()
            self.layer = nn.Linear(dim, dim)
            self.drop = nn.Flatten() if rate > 0.0 else nn.Identity()
            self.again = nn.Flatten() if rate > 0.5 else nn.Identity()

    def network(dim):
        rates = torch.linspace(0, 1 / dim, 10)
        return nn.ModuleList(Block(dim, rate.item()) for rate in rates)

    assert derive(network).certificate.grade == "complete"


def test_a_value_of_a_tensor_that_decides_a_size_is_an_assumption_or_refused() -> None:
    def widened(dim, depth):
        rates = torch.linspace(0, 0.1, depth).tolist()
        return nn.ModuleList(nn.Linear(dim, 2 if r > 0.05 else 3) for r in rates)

    try:
        count = derive(widened)
    except symcount.SymcountError:
        return
    assert count.certificate.grade != "complete" or all(
        count(dim=4, depth=n) == sum(p.numel() for p in widened(4, n).parameters())
        for n in range(1, 40)
    )


def test_numbers_of_all_code_that_ran() -> None:
    executed = Executed()
    with executed.collecting():
        nn.Linear(4, 3)
        doubled(7)
        in_a_big_table(64)
    assert nn.Linear.__init__.__code__ in executed
    found = constants.mentioned(exact_type, executed)
    assert {5000, 1049} <= set(found.numbers)
    executed.clear()
    with executed.collecting():
        tuple_in_set(64, 4)
    assert {(512, 8), (768, 12)} <= set(constants.mentioned(tuple_in_set, executed).pairs)
