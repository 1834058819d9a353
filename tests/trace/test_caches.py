"""Functions with a cache are followed past it where they return numbers, and with it else."""

from __future__ import annotations

import functools
from typing import Any

import pytest
import torch
from torch import nn

import symcount
from symcount import derive
from tests.brute_force import assert_exact


@functools.lru_cache(64)
def merged(shape: Any) -> tuple[int, int]:
    return shape[1] * shape[2], shape[0]


def turned(x: torch.Tensor) -> torch.Tensor:
    """As `einops.rearrange`, which remembers shapes."""
    return x.permute(1, 2, 0).reshape(merged(tuple(x.shape)))


def plain_first(w: int = 8) -> nn.Module:
    turned(torch.zeros(2, 8, 8))
    turned(torch.zeros(2, w, w))
    return nn.Linear(3, w)


def stack(w: int = 7, n: int = 2) -> nn.Module:
    layers = nn.ModuleList()
    for _ in range(n):
        for size in (w, 8):
            turned(torch.zeros(2, size, size))
            layers.append(nn.Linear(3, size))
    return layers


def test_a_cache_that_is_asked_by_shape_makes_no_branch() -> None:
    """That `w` is 8 was a branch, or none, as what was called before happened to have its hash."""
    count = assert_exact(plain_first, w=(1, 7, 8, 9, 100))
    assert str(count) == "4*w"
    assert count.certificate.grade == "complete"
    count = assert_exact(stack, w=(1, 7, 8, 9, 100), n=(1, 2, 3, 12))
    assert str(count) == "4*n*w + 32*n"
    assert count.certificate.grade == "complete"


@functools.cache
def wide(d: int, times: int = 2) -> int:
    return max(8, d * times)


@functools.cache
def sizes(d: int) -> dict[str, list[int]]:
    return {"widths": [d, 2 * d]}


def test_a_cached_number_of_symbols_and_of_numbers() -> None:
    def factory(d: int = 8, e: int = 8) -> nn.Module:
        inner = nn.Linear(wide(8), wide(d), bias=False)
        outer = nn.Linear(wide(e, times=3), sizes(d)["widths"][1], bias=False)
        return nn.ModuleList([inner, outer, nn.Linear(wide(d), 1, bias=False)])

    count = assert_exact(factory, d=(1, 3, 8, 9), e=(1, 2, 8, 9))
    assert count.certificate.grade == "complete"


@functools.cache
def layer(d: int) -> nn.Module:
    return nn.Linear(d, d)


def test_a_cached_layer_is_shared_by_equal_sizes() -> None:
    def factory(d: int = 8, e: int = 8) -> nn.Module:
        return nn.ModuleList([layer(d), layer(e), layer(d)])

    assert_exact(factory, d=(1, 3, 8), e=(1, 3, 8))


CALLS: list[int] = []


@functools.cache
def counted(d: int) -> int:
    CALLS.append(d)
    return len(CALLS)


def test_a_cached_function_that_counts_its_calls() -> None:
    def factory(d: int = 8, e: int = 8) -> nn.Module:
        CALLS.clear()
        counted.cache_clear()
        return nn.Linear(3, counted(d) + counted(e) + counted(d))

    with pytest.raises(symcount.DerivationError):
        derive(factory)


@functools.cache
def aligned(d: int) -> int:
    return d if d % 8 == 0 else d + 8 - d % 8


def narrow_or_wide(d: int) -> int:
    if d > 64:
        return aligned(d)
    return aligned(d) + aligned(d + 1)


def test_what_is_returned_on_one_way_is_not_what_is_on_another() -> None:
    def factory(d: int = 8, e: int = 65) -> nn.Module:
        return nn.Linear(narrow_or_wide(d), narrow_or_wide(e) + aligned(d), bias=False)

    assert_exact(factory, d=(1, 7, 8, 64, 65, 72), e=(1, 8, 63, 65, 80))


CALLS: list[int] = []


@functools.cache
def counting(d: int) -> int:
    CALLS.append(0)
    return len(CALLS)


def test_a_cached_function_that_does_more_than_compute_is_never_complete() -> None:
    def factory(d: int = 8, e: int = 9) -> nn.Module:
        CALLS.clear()
        counting.cache_clear()
        return nn.Linear(counting(d) + counting(e), 3, bias=False)

    try:
        count = derive(factory)
    except symcount.DerivationError:
        return
    assert count.certificate.grade != "complete" or count(5, 5) == 6


class Widths(nn.Module):
    def __init__(self, d: int, e: int) -> None:
        super().__init__()
        self.inner = nn.Linear(self.wide(d), self.wide(e, times=3), bias=False)
        self.outer = nn.Linear(self.even(d) + self.even(8), self.wide(8), bias=False)
        self.last = nn.Linear(self.sizes(e)["widths"][1], self.wide(d), bias=False)

    @functools.cache  # noqa: B019
    def wide(self, d: int, times: int = 2) -> int:
        return max(8, d * times)

    @staticmethod
    @functools.cache
    def even(d: int) -> int:
        return d + d % 2

    @classmethod
    @functools.lru_cache
    def sizes(cls, d: int) -> dict[str, list[int]]:
        return {"widths": [d, 2 * d]}


class Narrow(Widths):
    pass


@pytest.mark.parametrize("made", [Widths, Narrow])
def test_methods_with_a_cache(made: type[Widths]) -> None:
    def factory(d: int = 8, e: int = 8) -> nn.Module:
        return made(d, e)

    count = assert_exact(factory, d=(1, 3, 4, 8, 9), e=(1, 2, 3, 8, 9))
    assert count.certificate.grade == "complete"
    assert type(vars(Widths)["wide"]) is type(merged)
    assert isinstance(vars(Widths)["even"], staticmethod)


class Changing:
    def __init__(self, d: int) -> None:
        self.d = d

    @functools.lru_cache  # noqa: B019
    def wider(self, k: int) -> int:
        return self.d + k

    @functools.lru_cache  # noqa: B019
    def layer(self, k: int) -> nn.Module:
        return nn.Linear(3, k)


@functools.lru_cache
def wider(of: Changing, k: int) -> int:
    return of.d + k


@pytest.mark.parametrize("cached", [Changing.wider, wider])
def test_what_a_cache_remembers_of_an_object_that_has_changed_is_never_complete(
    cached: Any,
) -> None:
    """That of three is of the object as it was, where `e` is three."""

    def factory(d: int = 8, e: int = 8) -> nn.Module:
        of = Changing(d)
        first = cached(of, 3)
        of.d = 5 * e
        return nn.Linear(first, cached(of, e), bias=False)

    try:
        count = derive(factory)
    except symcount.DerivationError:
        return
    assert count.certificate.grade != "complete" or count(8, 3) == 11 * 11


def test_layers_that_a_method_remembers_are_shared_by_equal_sizes() -> None:
    def factory(d: int = 8, e: int = 8) -> nn.Module:
        of = Changing(d)
        return nn.ModuleList([of.layer(d), of.layer(e), of.layer(d)])

    assert_exact(factory, d=(1, 3, 8), e=(1, 3, 8))
