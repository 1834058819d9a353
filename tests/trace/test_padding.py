"""A loop that counts to a multiple, and does nothing else, is followed as what it comes to."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from torch import nn

from symcount import DomainError, UnsupportedError, derive
from tests.brute_force import assert_exact

SIZES = (1, 2, 3, 7, 8, 9, 16, 33)


class Args:
    by = 4


def padded_vocabulary(size, by, ranks):
    padded, multiple = size, by * ranks
    while (padded % multiple) != 0:
        padded += 1
    return nn.Embedding(padded, 2)


def padded_by_truth(size, by):
    while size % by:
        size = size + 1
    return nn.Embedding(size, 2)


def cut_down(size, by):
    while not size % by == 0:  # noqa: SIM201
        size -= 1
    return nn.Embedding(size + 1, 2)


def of_an_attribute(size):
    while size % Args.by > 0:
        size += 1
    return nn.Embedding(size, 2)


def nearby_sizes_are_as_before(size, by):
    before = size + 1
    padded = size
    while padded % by != 0:
        padded += 1
    return nn.ModuleList(nn.Embedding(n, 2) for n in (before, padded, size + 1, size + 2))


def twice(size, by, ranks):
    for multiple in (by, by * ranks):
        while size % multiple != 0:
            size += 1
    return nn.Embedding(size, 2)


def in_each_layer(size, n_layer):
    layers = []
    for i in range(n_layer):
        width = size + i
        while width % 4 != 0:
            width += 1
        layers.append(nn.Embedding(width, 2))
    return nn.ModuleList(layers)


@pytest.mark.parametrize(
    "factory",
    [padded_vocabulary, padded_by_truth, cut_down, of_an_attribute, nearby_sizes_are_as_before,
     twice, in_each_layer],
)  # fmt: skip
def test_it_is_followed_to_its_end(factory: Callable[..., Any]) -> None:
    count = assert_exact(factory, **dict.fromkeys(inspect.signature(factory).parameters, SIZES))
    assert count.certificate.grade == "complete"
    assert count.certificate.paths == 1


def keeps_what_it_passes(size, by):
    sizes = []
    while size % by != 0:
        size += 1
        sizes.append(size)
    return nn.Embedding(size + len(sizes), 2)


def counts_by_two(size, by):
    while size % by != 0:
        size += 2
    return nn.Embedding(size, 2)


def multiple_changes(size, by):
    while size % (by + size // 16) != 0:
        size += 1
    return nn.Embedding(size, 2)


def another_condition(size, by):
    while size % by != 0 and size < 20:
        size += 1
    return nn.Embedding(size, 2)


def another_rest(size, by):
    while size % by != 1:
        size += 1
    return nn.Embedding(size, 2)


def counts_another(size, by):
    other = size
    while size % by != 0 and other < 40:
        other += 1
    return nn.Embedding(other, 2)


def maybe_negative(size, by):
    by = by - 5
    while size % by != 0:
        size += 1
    return nn.Embedding(size, 2)


@pytest.mark.parametrize(
    "factory",
    [keeps_what_it_passes, counts_by_two, multiple_changes, another_condition, another_rest,
     counts_another, maybe_negative],
)  # fmt: skip
def test_any_other_is_followed_test_by_test(factory: Callable[..., Any]) -> None:
    count = derive(factory, max_paths=8)
    assert count.certificate.paths > 1
    for size, by in itertools.product(SIZES, (3, 7, 8)):
        try:
            said = count(size=size, by=by)
        except DomainError:
            continue  # on a path that was not followed
        assert said == sum(p.numel() for p in factory(size, by).parameters())


class Rising:
    asked = 0

    @property
    def by(self):
        self.asked += 1
        return 3 + self.asked % 2


def test_a_multiple_that_changes_by_itself_is_refused() -> None:
    def factory(size):
        rising = Rising()
        while size % rising.by != 0:
            size += 1
        return nn.Embedding(size, 2)

    with pytest.raises(UnsupportedError, match="the multiple that a loop counts to changes"):
        derive(factory)
