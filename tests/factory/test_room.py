"""Plain builds take no more memory than they have room for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from symcount import derive
from symcount.factory import room
from symcount.factory.building import PlainBuilds, TooLarge

ROOM = 1 << 20


@pytest.fixture(autouse=True)
def _little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_MOST_BYTES", ROOM)


def module_with(made: torch.Tensor) -> nn.Module:
    module = nn.Module()
    module.register_buffer("made", made)
    return module


def build(make: Callable[[torch.Tensor], torch.Tensor], n: int = 2000) -> tuple[Any, bool]:
    """Return what a build says of a tensor that is made of small ones, and whether it is real."""
    places: list[bool] = []

    def factory(point: object) -> nn.Module:
        made = make(torch.arange(n, dtype=torch.float32))
        places.append(made.is_meta)
        return module_with(made)

    return PlainBuilds(factory).at({}), not places[0]


LARGE: list[Callable[[torch.Tensor], torch.Tensor]] = [
    lambda x: x.repeat(500, 1),
    lambda x: torch.outer(x, x),
    lambda x: x[:, None] * x[None],
    lambda x: torch.einsum("i,j->ij", x, x),
    lambda x: torch.diag(x),
    lambda x: torch.vander(x),
    lambda x: torch.cdist(x[:, None], x[:, None]),
    lambda x: torch.cat([x] * 500),
    lambda x: torch.stack([x] * 500),
    lambda x: x.repeat_interleave(500),
    lambda x: torch.nn.functional.pad(x, (0, 10**6)),
    lambda x: torch.meshgrid(x, x, indexing="ij")[0].clone(),
    lambda x: x.expand(500, -1).contiguous(),
    lambda x: torch.linspace(0, 1, 10**6),
    lambda x: torch.tensor(np.zeros(10**6)),
    lambda x: sum((x.clone().repeat(50) for _ in range(5)), x.repeat(50)),
]


@pytest.mark.parametrize("make", LARGE)
def test_what_there_is_no_room_for_has_no_values(
    make: Callable[[torch.Tensor], torch.Tensor],
) -> None:
    tensors, is_real = build(make)
    assert not is_real
    made = make(torch.arange(2000, dtype=torch.float32))
    assert tensors["made"].shape == tuple(made.shape)
    assert tensors["made"].dtype == str(made.dtype).removeprefix("torch.")


@pytest.mark.parametrize("make", LARGE[:-4])
def test_what_there_is_room_for_has(make: Callable[[torch.Tensor], torch.Tensor]) -> None:
    _, is_real = build(make, n=4) if make is not LARGE[10] else (None, True)
    assert is_real


def test_views_take_no_room() -> None:
    def views(x: torch.Tensor) -> torch.Tensor:
        for _ in range(500):
            x = x.unsqueeze(0).view(-1)[:].expand(2000).detach()
        return x.expand(10**6, -1)

    assert build(views)[1]


@pytest.mark.parametrize(
    "read",
    [
        lambda x: x.sum().item(),
        lambda x: x[0].tolist(),
        lambda x: bool(x.any()),
        lambda x: x.numpy(),
        lambda x: np.asarray(x),
        lambda x: x.nonzero(),
        lambda x: x[x > 1],
    ],
)
@pytest.mark.parametrize("swallow", [False, True])
def test_a_value_that_is_missed_is_want_of_memory(
    read: Callable[[torch.Tensor], Any], swallow: bool
) -> None:
    def factory(point: object) -> nn.Module:
        made = torch.arange(1000).repeat(10**4)
        try:
            read(made)
        except Exception:
            if not swallow:
                raise
        return nn.Linear(3, 3)

    assert isinstance(PlainBuilds(factory).at({}), TooLarge)


def test_a_factory_that_raises_of_itself_is_not_short_of_memory() -> None:
    def factory(point: object) -> nn.Module:
        torch.arange(1000).repeat(10**4)
        raise ValueError("no")

    assert isinstance(PlainBuilds(factory).at({}), ValueError)


def test_each_layer_of_a_large_table() -> None:
    def scan(state: int = 16, expand: int = 2) -> nn.Module:
        layers = nn.ModuleList()
        for _ in range(24):
            layer = nn.Module()
            steps = torch.arange(1, state + 1, dtype=torch.float32).repeat(768 * expand, 1)
            layer.steps = nn.Parameter(torch.log(steps))
            layers.append(layer)
        return layers

    count = derive(scan)
    assert str(count) == "18432*expand*state"
    assert count.certificate.grade == "complete"
