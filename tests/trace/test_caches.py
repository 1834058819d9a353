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
