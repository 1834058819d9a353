"""A tuple of several elements, repeated as a symbol says, is gone through by its blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from torch import nn

from symcount import Symbol, SymcountError, derive


def layer(dim, kind, **given):
    return nn.Linear(dim, dim if kind == "a" else 4 * dim, **given)


def by_number(dim, depth):
    kinds = ("a", "f") * depth
    layers = nn.ModuleList()
    for number, kind in enumerate(kinds):
        is_late = number % 2 == 0 and number // 2 >= depth / 2
        layers.append(nn.Sequential(layer(dim, kind), *[nn.LayerNorm(dim)] * is_late))
    return layers


def together(dim, depth):
    kinds = ("f", "a", "f") * depth
    shifts = (0,) * len(kinds)
    for place in range(len(kinds)):
        if place >= len(kinds):
            raise ValueError("an assertion would be pytest's")
    pairs = zip(kinds, shifts, strict=True)
    return nn.ModuleList([layer(dim, kind) for kind, shift in pairs if shift == 0])


def by_index(dim, depth):
    kinds = ("a", "f", "f") * depth
    return nn.ModuleList([layer(dim, kinds[place]) for place in range(len(kinds))])


def with_settings(dim, depth):
    kinds = ("a", "f") * depth
    settings = iter([{"bias": False} for _ in range(len([k for k in kinds if k == "a"]))])
    return nn.ModuleList(
        [layer(dim, k, **(next(settings) if k == "a" else {})) for _, k in enumerate(kinds)]
    )


def two_of_them(dim, depth, more):
    return nn.ModuleList([with_settings(dim, depth), with_settings(dim, more)])


def once(dim, depth=1):
    block = ("a", "f")
    layers = [layer(dim, k) for i, k in enumerate(block * depth) if i % len(block) == 0]
    return nn.ModuleList([*layers, nn.Linear(dim, len(block))])


FACTORIES = [by_number, together, by_index, with_settings, two_of_them]


@pytest.mark.parametrize("factory", FACTORIES)
def test_blocks_are_folded(factory: Callable[..., Any]) -> None:
    count = derive(factory)
    assert count.certificate.grade == "complete"
    sizes = [h.name for h in count.hyperparameters]
    for numbers in ((4, 1, 2), (3, 7, 1), (5, 12, 9)):
        point = dict(zip(sizes, numbers, strict=False))
        assert count(**point) == sum(p.numel() for p in factory(**point).parameters())


def test_a_tuple_once_is_no_other_tuple() -> None:
    count = derive(once, depth=Symbol(max=2))
    assert "each number of iterations" not in count.certificate.reason


def begun(dim, depth):
    pairs = zip(("a", "f") * depth, ("f", "a") * depth, strict=True)
    first = next(pairs)
    rest = [layer(dim, one) for number, (one, other) in enumerate(pairs) if number or one != "f"]
    return nn.ModuleList([layer(dim, first[0]), *rest])


def of_other_lengths(dim, depth, more):
    return nn.ModuleList(
        [layer(dim, k) for k, _ in zip(("a", "f") * depth, (0,) * more, strict=False)]
    )


@pytest.mark.parametrize("factory", [begun, of_other_lengths])
def test_what_is_no_whole_number_of_blocks_is_as_python_has_it(factory: Callable[..., Any]) -> None:
    count = derive(factory)
    for point in ((4, 2, 1), (4, 3, 2), (4, 5, 10)):
        given = point[: len(count.hyperparameters)]
        if count.valid(*given):
            assert count(*given) == sum(p.numel() for p in factory(*given).parameters())


def runs_out(dim, depth):
    settings = iter([False for _ in range(depth)][:5000])
    return nn.ModuleList([nn.Linear(dim, dim, next(settings)) for _ in range(depth)])


def goes_on_otherwise(dim, depth):
    settings = iter([False] * 5000)
    return nn.ModuleList([nn.Linear(dim, dim, next(settings, True)) for _ in range(depth)])


def is_shortened(dim, depth):
    settings = [False for _ in range(depth)]
    if len(settings) > 5000:
        settings.pop()
    settings = iter(settings)
    return nn.ModuleList([nn.Linear(dim, dim, next(settings)) for _ in range(depth)])


@pytest.mark.parametrize("factory", [runs_out, goes_on_otherwise, is_shortened])
def test_an_iterator_that_may_run_out_costs_the_grade(factory: Callable[..., Any]) -> None:
    try:
        grade = derive(factory).certificate.grade
    except SymcountError:
        return
    assert grade != "complete"
