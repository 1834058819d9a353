"""Names of tensors behind loops: at every length they are what the module calls them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from torch import nn

import symcount
from symcount import ParamCount


def head(d: int, n: int) -> nn.Module:
    return nn.Sequential(nn.Linear(3, d), *[nn.Linear(d, d) for _ in range(n)], nn.Linear(d, 10))


def alike(d: int, n: int) -> nn.Module:
    return nn.Sequential(
        *[nn.Linear(d, d) for _ in range(n)], nn.Linear(d, d), nn.Linear(d, d, bias=False)
    )


def two_loops(d: int, n: int, m: int) -> nn.Module:
    narrow = [nn.Linear(d, d) for _ in range(n)]
    wide = [nn.Linear(d if i == 0 else 2 * d, 2 * d) for i in range(m)]
    return nn.Sequential(*narrow, *wide, nn.Linear(2 * d, 10))


def strides(d: int, n: int) -> nn.Module:
    layers: list[nn.Module] = []
    for _ in range(n):
        layers += [nn.Conv2d(d, d, 3), nn.BatchNorm2d(d), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(d, 10))


def norm_if_deep(d: int, n: int) -> nn.Module:
    layers: list[nn.Module] = [nn.Linear(d, d) for _ in range(n)]
    if n > 3:
        layers.append(nn.LayerNorm(d))
    return nn.Sequential(*layers, nn.Linear(d, 1))


def nested(d: int, n: int) -> nn.Module:
    stages = nn.ModuleList(
        nn.ModuleDict({"layers": nn.Sequential(nn.Linear(d, d), nn.GELU(), nn.Linear(d, 2))})
        for _ in range(n)
    )
    stages.append(nn.Linear(d, 7))
    return nn.ModuleDict({"stages": stages})


NAMES = {
    head: ["0.weight", "0.bias", "{1..n}.weight", "{1..n}.bias", "{n+1}.weight", "{n+1}.bias"],
    alike: ["{0..n-1}.weight", "{0..n-1}.bias", "{n}.weight", "{n}.bias", "{n+1}.weight"],
    two_loops: [
        "{0..n-1}.weight", "{0..n-1}.bias", "{n}.weight", "{*}.weight", "{n..m+n-1}.bias",
        "{m+n}.weight", "{m+n}.bias",
    ],
    strides: ["{*}.weight", "{*}.bias", "{3*n+1}.weight", "{3*n+1}.bias"],
    norm_if_deep: [
        "{0..n-1}.weight", "{0..n-1}.bias", "{n}.weight", "{n}.bias", "{n+1}.weight", "{n+1}.bias",
    ],
    nested: [
        "stages.{0..n-1}.layers.0.weight", "stages.{0..n-1}.layers.0.bias",
        "stages.{0..n-1}.layers.2.weight", "stages.{0..n-1}.layers.2.bias",
        "stages.{n}.weight", "stages.{n}.bias",
    ],
}  # fmt: skip


@pytest.mark.parametrize("factory", NAMES, ids=lambda f: f.__name__)
def test_names(factory: Callable[..., nn.Module]) -> None:
    count = symcount.derive(factory)
    assert list(count.breakdown().parameters) == NAMES[factory]


def expanded(name: str, sizes: dict[str, int]) -> list[str]:
    """The names that one stands for; none for `{*}`, which says nothing."""
    braces = re.search(r"\{([^}]*)\}", name)
    if braces is None:
        return [name]
    if braces[1] == "*":
        return []
    first, _, last = braces[1].partition("..")
    low = eval(first, {}, dict(sizes))
    high = eval(last, {}, dict(sizes)) if last else low
    whole = (name[: braces.start()] + str(k) + name[braces.end() :] for k in range(low, high + 1))
    return [each for text in whole for each in expanded(text, sizes)]


def sizes_of(count: ParamCount, module: nn.Module, sizes: dict[str, int]) -> tuple[Any, Any]:
    """What named parts add up to, and what the module's parameters of those names have."""
    said, built = Counter[str](), Counter[str]()
    actual = {name: p.numel() for name, p in module.named_parameters()}
    for name, part in count.breakdown().parameters.items():
        names = expanded(name, sizes)
        if names and (number := part(**sizes)):
            said[name] = number
            built[name] = sum(actual.get(each, -(10**9)) for each in names)
    return said, built


@pytest.mark.parametrize("factory", NAMES, ids=lambda f: f.__name__)
def test_each_name_has_the_parameters_of_those_names_at_every_length(
    factory: Callable[..., nn.Module],
) -> None:
    count = symcount.derive(factory)
    names = [h.name for h in count.hyperparameters if h.name != "d"]
    for lengths in product(range(1, 12), repeat=len(names)):
        sizes = {"d": 5, **dict(zip(names, lengths, strict=True))}
        said, built = sizes_of(count, factory(**sizes), sizes)
        assert said and said == built, sizes


def test_a_number_that_nothing_tells_is_a_star() -> None:
    def spread(d: int, n: int) -> nn.Module:
        found = nn.ModuleDict({str(i): nn.Linear(d, d) for i in range(n)})
        found[str(n * n)] = nn.Linear(d, 9)
        return found

    names = list(symcount.derive(spread).breakdown().parameters)
    assert names == ["{0..n-1}.weight", "{0..n-1}.bias", "{*}.weight", "{*}.bias"]
