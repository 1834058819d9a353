"""Idioms of public model code: the formula to the letter, and the truth of it at every size."""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn

import symcount
from symcount import ParamCount, derive
from symcount.factory.building import PlainBuilds, TensorFacts
from tests.idioms import IDIOMS, REFUSED, Factory, Idiom, Refusal
from tests.storing import assert_loads

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch's, of odd sizes

_LARGEST = 300
_SAMPLES = 150
_SMALL = 12  # up to here modules are also built on the CPU, initialised and all


def name_of(factory: Factory) -> str:
    if isinstance(factory, functools.partial):
        return f"partial({name_of(factory.func)})"
    return factory.__qualname__


@functools.cache
def derived(index: int) -> ParamCount:
    return derive(IDIOMS[index].factory, **IDIOMS[index].given)


each_idiom = pytest.mark.parametrize(
    ("index", "idiom"), list(enumerate(IDIOMS)), ids=[name_of(i.factory) for i in IDIOMS]
)


def test_there_are_enough() -> None:
    names = [name_of(i.factory) for i in (*IDIOMS, *REFUSED)]
    assert len(IDIOMS) >= 64
    assert len(set(names)) == len(names)


@each_idiom
def test_formula(index: int, idiom: Idiom) -> None:
    count = derived(index)
    assert str(count) == idiom.expr
    assert str(count.domain) == idiom.domain
    assert count.certificate.grade == idiom.grade


def points(count: ParamCount) -> Iterator[dict[str, int]]:
    """Every value of one symbol; of several, a sample in which small and round values abound."""
    symbols = count.hyperparameters
    if len(symbols) == 1:
        (h,) = symbols
        largest = max(_LARGEST, 2 * h.aligned(1))
        yield from ({h.name: v} for v in range(1, largest + 1) if v in h)
        return
    draw = random.Random(0)
    for _ in range(_SAMPLES):
        values = [
            h.aligned(
                draw.choice(
                    (draw.randint(1, 9), 8 * draw.randint(1, 37), draw.randint(1, _LARGEST))
                )
            )
            for h in symbols
        ]
        if draw.random() < 0.2:  # symbols that are equal, or multiples of each other
            values = [h.aligned(values[0] * draw.randint(1, 3)) for h in symbols]
        yield dict(zip([h.name for h in symbols], values, strict=True))


def weighed(tensors: dict[str, TensorFacts]) -> tuple[int, int, int]:
    """All parameters, the trainable ones, and bytes."""
    sizes = [
        (math.prod(t.shape), t.trainable, getattr(torch, t.dtype).itemsize)
        for t in tensors.values()
        if t.kind == "parameter"
    ]
    return (
        sum(n for n, _, _ in sizes),
        sum(n for n, trainable, _ in sizes if trainable),
        sum(n * itemsize for n, _, itemsize in sizes),
    )


@each_idiom
def test_against_plain_builds(index: int, idiom: Idiom) -> None:
    count = derived(index)
    measures = (count, count.trainable, count.nbytes)
    fixed = {k: v for k, v in idiom.given.items() if not isinstance(v, symcount.Symbol)}
    builds = PlainBuilds(lambda point: idiom.factory(**point, **fixed))
    held = 0
    for point in points(count):
        built = builds.at(point)
        refuses = isinstance(built, Exception)
        if not count.valid(**point):
            with pytest.raises(symcount.DomainError):
                count(**point)
            assert refuses or idiom.grade == "partial", f"{point} is outside {count.domain}"
            continue
        assert not refuses, f"{point} is in {count.domain}, and yet: {built!r}"
        assert tuple(measure(**point) for measure in measures) == weighed(built), point
        held += 1
        if max(point.values()) <= _SMALL:
            module = idiom.factory(**point, **fixed)
            assert count(**point) == sum(p.numel() for p in module.parameters())
    assert held


@pytest.mark.parametrize("refusal", REFUSED, ids=[name_of(r.factory) for r in REFUSED])
def test_refused(refusal: Refusal) -> None:
    with pytest.raises(refusal.error) as caught:
        derive(refusal.factory, **refusal.given)
    assert type(caught.value) is refusal.error
    assert refusal.text in str(caught.value)
    assert refusal.why


# --- a symbol that became a plain number, where only large sizes tell -----------------------------


def digits_of_text(dim):
    return nn.Linear(dim, 2 if len(str(dim)) < 5 else 3)


def refused_by_digits(dim):
    if len(f"{dim}") > 5:
        raise ValueError("too wide to print")
    return nn.Linear(dim, 2)


def numpy_float_compared(dim):
    return nn.Linear(dim, 2 if np.float32(dim) < 10000.5 else 3)


def numpy_dropout_rate(dim):
    return nn.Sequential(nn.Linear(dim, 2), nn.Dropout(float(np.float32(dim) / 10000)))


def numpy_overflow(dim):
    np.int16(dim)
    return nn.Linear(dim, 2)


def two_bytes(dim):
    dim.to_bytes(2, "big")
    return nn.Linear(dim, 2)


def binary_digits(dim):
    return nn.Linear(dim, 2 if len(bin(dim)) < 16 else 3)


@pytest.mark.parametrize(
    ("factory", "dim"),
    [
        (digits_of_text, 10_000),
        (refused_by_digits, 100_000),
        (numpy_float_compared, 20_000),
        (numpy_dropout_rate, 20_000),
        (numpy_overflow, 40_000),
        (two_bytes, 70_000),
        (binary_digits, 20_000),
    ],
)
def test_a_number_lost_to_a_threshold(factory: Factory, dim: int) -> None:
    """65 and 131 do as 64 does, so nothing shows that the number matters: never `complete`."""
    try:
        count = derive(factory)
    except symcount.DerivationError:
        return
    if count.certificate.grade != "complete":
        return
    built = PlainBuilds(lambda point: factory(**point)).at({"dim": dim})
    if isinstance(built, Exception):
        assert not count.valid(dim)
    elif count.valid(dim):
        assert count(dim) == weighed(built)[0]


# --- wrong: symbols that are keys are taken for different, though they may be equal ---------------


def each_size_once(a, b):
    return nn.ModuleList([nn.Linear(size, 2) for size in sorted({a, b})])


def number_of_sizes(a, b):
    return nn.Linear(a, len({a, b}))


def sizes_by_dict(a, b):
    return nn.ModuleList([nn.Linear(size, 2) for size in dict.fromkeys([a, b])])


def layers_by_size(a, b):
    made: dict[int, nn.Module] = {}

    def layer(size: int) -> nn.Module:
        if size not in made:
            made[size] = nn.Linear(size, 2)
        return made[size]

    return nn.ModuleList([layer(a), layer(b)])


def layers_by_cache(a, b):
    layer = functools.cache(lambda size: nn.Linear(size, 2))
    return nn.ModuleList([layer(a), layer(b)])


@pytest.mark.parametrize(
    "factory",
    [each_size_once, number_of_sizes, sizes_by_dict, layers_by_size, layers_by_cache],
)
def test_equal_symbols_are_one_key(factory: Factory) -> None:
    try:
        count = derive(factory)
    except symcount.DerivationError:
        return
    builds = PlainBuilds(lambda point: factory(**point))
    for a, b in ((5, 7), (7, 5), (6, 6), (64, 64)):
        built = builds.at({"a": a, "b": b})
        assert not isinstance(built, Exception)
        assert not count.valid(a, b) or count(a, b) == weighed(built)[0], (a, b)


# --- wrong: a cache of the factory's module keeps a dead symbol -----------------------------------


@functools.lru_cache
def _doubled(dim: int) -> int:
    return 2 * dim


def cached_helper(dim):
    return nn.Linear(dim, _doubled(dim))


def test_a_cached_helper() -> None:
    for _ in range(2):
        assert str(derive(cached_helper)) == "2*dim**2 + 2*dim"


@each_idiom
def test_stored_and_loaded(index: int, idiom: Idiom) -> None:
    assert_loads(derived(index), points(derived(index)))
