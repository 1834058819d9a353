"""An initialiser that a plain build leaves out would have succeeded."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import pytest
import torch
from torch import nn

from symcount.factory import initialising
from symcount.factory.building import PlainBuilds

NUMBERS = [0, -1, 2.5, 1e9, float("nan"), float("inf"), True, None, "relu", "fan_in", (1,)]
SHAPES = [(), (3,), (3, 4), (0, 4), (2, 3, 1)]
DTYPES = [torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.bool, torch.complex64]
INITIALISERS = {
    "uniform_": ("a", "b"),
    "normal_": ("mean", "std"),
    "constant_": ("val",),
    "kaiming_uniform_": ("a", "mode", "nonlinearity"),
    "kaiming_normal_": ("a", "nonlinearity"),
    "xavier_uniform_": ("gain",),
    "xavier_normal_": ("gain",),
}
METHODS = {"uniform_": ("from", "to"), "normal_": ("mean", "std"), "fill_": (), "zero_": ()}


def calls() -> list[tuple[str, bool, tuple[Any, ...], dict[str, Any]]]:
    found = []
    for table, is_method in ((INITIALISERS, False), (METHODS, True)):
        for name, keys in table.items():
            for values in itertools.product(NUMBERS, repeat=min(len(keys), 2)):
                found.append((name, is_method, (), dict(zip(keys, values, strict=False))))
            found += [(name, is_method, (value,), {}) for value in NUMBERS if is_method]
            found += [(name, is_method, (a, b), {}) for a in NUMBERS for b in NUMBERS if is_method]
    return found


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_what_is_sure_succeeds(dtype: torch.dtype) -> None:
    left_out = 0
    for shape, (name, is_method, args, kwargs) in itertools.product(SHAPES, calls()):
        tensor = torch.empty(shape, dtype=dtype)
        if not initialising.is_sure(name, tensor, args, kwargs):
            continue
        left_out += 1
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            (getattr(tensor, name) if is_method else getattr(nn.init, name))(
                *(() if is_method else (tensor,)), *args, **kwargs
            )
    assert bool(left_out) is dtype.is_floating_point


def test_what_torch_s_own_layers_do_is_left_out() -> None:
    weight = torch.empty(8, 4, device="meta")
    assert initialising.is_sure("kaiming_uniform_", weight, (), {"a": 5**0.5, "mode": "fan_in"})
    assert initialising.is_sure("uniform_", weight, (), {"tensor": weight, "a": -0.5, "b": 0.5})
    assert initialising.is_sure("constant_", weight, (), {"val": 1.0, "generator": None})
    assert not initialising.is_sure("orthogonal_", weight, (), {})


def _layers() -> nn.Module:
    return nn.Sequential(
        nn.Linear(4, 3), nn.Conv2d(4, 4, 3, groups=2), nn.ConvTranspose1d(2, 3, 2), nn.LayerNorm(4),
        nn.BatchNorm2d(4), nn.GroupNorm(2, 4), nn.Embedding(5, 3),
        nn.Embedding(5, 3, padding_idx=1),
        nn.Linear(4, 0), nn.Linear(4, 3, dtype=torch.complex64), nn.BatchNorm1d(3, affine=False),
    )  # fmt: skip


def test_layers_that_are_not_initialised_hold_the_same() -> None:
    def facts(module: nn.Module) -> list[Any]:
        held = (*module.named_parameters(), *module.named_buffers())
        return [(name, tuple(t.shape), str(t.dtype).removeprefix("torch.")) for name, t in held]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        built = PlainBuilds(lambda point: _layers()).at({})
        assert isinstance(built, dict)
        assert [(name, t.shape, t.dtype) for name, t in built.items()] == facts(_layers())


def test_layers_initialise_themselves_by_what_a_factory_has_put_in_place_of_torch_s_own() -> None:
    def factory(point: Any) -> nn.Module:
        set_up: list[torch.Tensor] = []
        original = nn.init.kaiming_uniform_
        nn.init.kaiming_uniform_ = lambda tensor, **_: set_up.append(tensor)
        try:
            nn.Linear(4, 3)
        finally:
            nn.init.kaiming_uniform_ = original
        return nn.Linear(len(set_up), 3)

    built = PlainBuilds(factory).at({})
    assert isinstance(built, dict)
    assert built["weight"].shape == (3, 1)
    assert nn.Linear.reset_parameters.__code__.co_filename == nn.modules.linear.__file__
