"""An id that is kept to not go round in circles decides nothing of a number; any other may."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from torch import nn

from symcount import SymcountError, derive

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="code has no columns")


def is_plain(value, visited=None):
    if visited is None:
        visited = set()
    key = id(value)
    if key in visited:
        return False
    visited.add(key)
    try:
        if isinstance(value, list):
            return all(is_plain(item, visited) for item in value)
        return isinstance(value, int)
    finally:
        visited.discard(key)


def is_new(value, visited):
    key = id(value)
    if key in visited:
        return False
    visited.add(key)
    return not isinstance(value, list) or all(is_new(item, visited) for item in value)


def goes_on(value, visited, other=None):
    key = id(value)
    if key in visited:
        return False
    visited.add(key)
    try:
        return other is None or goes_on(other, visited)
    finally:
        visited.discard(key)


def lets_out(value, visited, out):
    key = id(value)
    if key in visited:
        return False
    visited.add(key)
    try:
        return out.append(set(visited))
    finally:
        visited.discard(key)


def configured(dim, heads):
    given = {"dim": dim, "sizes": [heads, [dim]], "name": None}
    given = {name: value for name, value in given.items() if is_plain(value)}
    return nn.Linear(given["dim"], given["sizes"][0])


def test_a_guard_against_circles_asks_nothing_of_a_number() -> None:
    count = derive(configured)
    assert str(count) == "dim*heads + heads"
    assert count.certificate.grade == "complete"


def same_sets(dim, heads):
    out = []
    lets_out(dim, set(), out)
    lets_out(heads, set(), out)
    return nn.Linear(dim, heads, bias=out[0] == out[1])


FACTORIES = [
    lambda dim, heads: nn.Linear(dim, heads, bias=is_new([dim, heads], set())),
    lambda dim, heads: nn.Linear(dim, heads, bias=goes_on(dim, set(), heads)),
    lambda dim: nn.Linear(dim, 4, bias=goes_on(dim, set(), 7)),
    lambda dim: nn.Linear(dim, 4, bias=goes_on(7, set(), dim)),
    lambda dim: nn.Linear(dim, 4, bias=is_plain(dim, {id(7)})),
    same_sets,
]


@pytest.mark.parametrize("factory", FACTORIES)
def test_an_id_that_may_be_that_of_another_number_costs_the_grade(
    factory: Callable[..., Any],
) -> None:
    try:
        grade = derive(factory).certificate.grade
    except SymcountError:
        return
    assert grade != "complete"
