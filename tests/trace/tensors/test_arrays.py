"""Arrays of numpy that are made of sizes: what is made of them is followed, what is read is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import symcount
from symcount import derive


def parameter(tensor: torch.Tensor) -> nn.Module:
    module = nn.Module()
    module.made = nn.Parameter(tensor.float())
    return module


def of_array(make: Callable[..., Any]) -> Callable[..., nn.Module]:
    def factory(n: int = 4, d: int = 8) -> nn.Module:
        return parameter(torch.from_numpy(make(n, d)))

    return factory


def wave_table(n: int, d: int) -> np.ndarray:
    scale = 1.0 / 10000 ** (np.arange(d // 2) / max(d // 2, 1))
    angles = np.outer(np.arange(n, dtype=np.float64), scale)
    table = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
    return np.pad(table, ((0, 0), (0, d - table.shape[1])))


def interleaved(n: int, d: int) -> np.ndarray:
    table = np.zeros((n, d), dtype=np.float32)
    angles = np.arange(n)[:, None] * np.exp(np.arange(0, d, 2) * -(np.log(10000.0) / d))
    table[:, 0::2] = np.sin(angles)
    table[:, 1::2] = np.cos(angles)[:, : d // 2]
    return table


def of_a_grid(n: int, d: int) -> np.ndarray:
    sides = np.meshgrid(np.arange(n, dtype=np.float32), np.arange(n, dtype=np.float32))
    places = np.stack(sides, axis=0).reshape([2, 1, n, n])
    scale = np.arange(d // 2, dtype=np.float64)
    scale /= d / 2.0
    halves = [np.einsum("m,d->md", at.reshape(-1), 1 / 10000**scale) for at in places]
    table = np.concatenate([np.sin(halves[0]), np.cos(halves[1])], axis=1)
    return np.concatenate([np.zeros([1, table.shape[1]]), table], axis=0)


FOLLOWED: dict[str, Callable[[int, int], Any]] = {
    "d*n": wave_table,
    "2*n*ceiling(d/2)": lambda n, d: np.exp(np.zeros((n, 2, (d + 1) // 2))),
    "d": lambda n, d: np.arange(d),
    "n": lambda n, d: np.linspace(0, 1, n),
    "2*n": lambda n, d: np.repeat(np.linspace(0, 1, n), 2),
    "3*d*n": lambda n, d: np.tile(np.ones((n, 1, 3)), (1, d, 1)),
    "d*n + d": lambda n, d: np.vstack([np.zeros((n, d)), np.ones((1, d))]),
    "2*d*n": lambda n, d: np.mgrid[0:n, 0:d],
    "d*n + n": lambda n, d: np.pad(np.zeros((n, d)), ((0, 0), (1, 0))),
    "2*d": lambda n, d: np.array([np.arange(d), np.arange(d)[::-1]]).transpose(),
    "d + n": lambda n, d: np.append(np.random.rand(n), np.random.normal(size=d)),
    "16": lambda n, d: np.arange(16) / d,
    "3*n": lambda n, d: (d * np.arange(n))[:, None].repeat(3, axis=1).astype(np.float16),
    "n**2": lambda n, d: np.tril(np.ones((n, n))).astype("uint8"),
    "n**2 ": lambda n, d: np.eye(n).T.copy(),
    "d ": lambda n, d: np.hanning(d)[None].squeeze(0),
    "4*d": lambda n, d: np.broadcast_to(np.ones((1, d)), (4, d)).copy(),
    "n ": lambda n, d: np.ones((n, d)).mean(axis=1),
    "d*n ": interleaved,
    "5*d": lambda n, d: np.where(np.ones((5, 1)) > 0, np.zeros(d), 1.0),
    "d*n  ": lambda n, d: np.swapaxes(np.full((n, d), 0.5), 0, 1).reshape(n, -1),
}


@pytest.mark.parametrize("formula", FOLLOWED)
def test_what_is_made_of_sizes_is_followed(formula: str) -> None:
    count = derive(of_array(FOLLOWED[formula]))
    assert str(count) == formula.strip()
    assert count.certificate.grade == "complete"
    for n, d in [(1, 2), (3, 8), (7, 30)]:
        assert count(n=n, d=d) == FOLLOWED[formula](n, d).size


@pytest.mark.slow
def test_a_grid_of_places() -> None:
    count = derive(of_array(of_a_grid), d=symcount.Symbol(multiple_of=2))
    assert str(count) == "d*n**2 + d"


MADE: list[Callable[[Any], torch.Tensor]] = [
    lambda table: torch.from_numpy(table).float().unsqueeze(0),
    lambda table: torch.tensor(table),
    lambda table: torch.tensor(table, dtype=torch.float32)[None],
    lambda table: torch.as_tensor(table).to(torch.float32),
    lambda table: torch.FloatTensor(table),
    lambda table: torch.Tensor(table),
    lambda table: torch.tensor([table]),
    lambda table: torch.asarray(table),
    lambda table: torch.from_numpy(np.ascontiguousarray(table[:, :, None])),
]


@pytest.mark.parametrize("make", MADE)
def test_a_tensor_of_a_table_has_its_sizes(make: Callable[[Any], torch.Tensor]) -> None:
    def factory(n: int = 4, d: int = 8) -> nn.Module:
        return parameter(make(wave_table(n, d)))

    count = derive(factory)
    assert str(count) == "d*n"
    assert count.certificate.grade == "complete"


class Net(nn.Module):
    """DiT and MAE: fixed positions in a parameter."""

    def __init__(self, d: int = 64, n: int = 16, depth: int = 2, make: Any = MADE[0]) -> None:
        super().__init__()
        self.pos = nn.Parameter(torch.zeros(1, n, d), requires_grad=False)
        self.blocks = nn.ModuleList(nn.Linear(d, d) for _ in range(depth))
        self.pos.data.copy_(make(wave_table(n, d)))


@pytest.mark.parametrize("make", MADE[:4])
@pytest.mark.parametrize("given", [{}, {"d": 64}, {"n": 16}, {"d": 64, "n": 16}])
def test_a_table_is_copied_into_a_parameter(make: Any, given: dict[str, int]) -> None:
    count = derive(Net, make=make, **given)
    at = {"d": 10, "n": 7, **given}
    symbols = {name: value for name, value in at.items() if name not in given}
    want = 40 * (at["d"] ** 2 + at["d"]) + at["n"] * at["d"]
    assert count(**symbols, depth=40) == want
    assert count.certificate.grade == "complete"


def test_a_table_of_fixed_sizes_is_copied_by_a_constructor_that_reports_to_nobody() -> None:
    count = derive(Net, make=lambda table: torch.FloatTensor(table)[None], d=10, n=7)
    assert str(count) == "110*depth + 70"


def test_an_array_that_a_loop_has_filled_is_as_long() -> None:
    def factory(n: int = 4) -> nn.Module:
        return parameter(torch.from_numpy(np.array([0.5 for _ in range(n)])))

    count = derive(factory)
    assert [count(n=n) for n in (1, 2, 9)] == [1, 2, 9]


# --- numbers that are read ----------------------------------------------------------------------


def branch(value: Callable[[int], Any]) -> Callable[[int], nn.Module]:
    return lambda d: nn.Linear(3, 4 if value(d) > 5000 else 3)


def written(d: int) -> Any:
    array = np.zeros(3)
    np.copyto(array, np.full(3, d))
    return array[1]


def written_by_a_ufunc(d: int) -> Any:
    array = np.ones(3)
    other = array
    other *= d
    return array[0]


def written_by_index(d: int) -> Any:
    array = np.zeros(1)
    array[:] = np.ones(d)[:1] * d
    return array[0]


READ: list[Callable[[int], Any]] = [
    lambda d: np.arange(d + 1)[-1],
    lambda d: float(np.arange(d + 1).max()),
    lambda d: np.ones(d).sum().item(),
    lambda d: np.ones((2, d)).sum(axis=1).tolist()[0],
    lambda d: list(np.linspace(0, d, 3))[-1],
    lambda d: torch.from_numpy(np.ones(d)).sum().item(),
    lambda d: np.count_nonzero(np.ones(d)),
    lambda d: 10**4 * (5000 in np.arange(d)),
    lambda d: int(np.full(3, d).astype(np.float32)[0]),
    written,
    written_by_a_ufunc,
    written_by_index,
]


@pytest.mark.parametrize("value", READ)
def test_a_number_that_is_read_is_no_constant(value: Callable[[int], Any]) -> None:
    """It is `d` in each of these: a formula that knows nothing of it holds below 5000 alone."""
    with pytest.raises(symcount.VerificationError):
        derive(branch(value))


SIZES: list[Callable[[int], Any]] = [
    lambda d: np.arange(d)[-1] + 1,
    lambda d: np.ones(d, dtype=int).sum(),
    lambda d: np.arange(1, d + 1).tolist()[-1],
]


@pytest.mark.parametrize("size", SIZES)
def test_a_size_that_is_read_is_refused(size: Callable[[int], Any]) -> None:
    with pytest.raises(symcount.DerivationError, match="depends on what numpy"):
        derive(lambda d: nn.Linear(3, int(size(d))))


UNKNOWN: list[Callable[[Any], Any]] = [
    lambda table: table[table > 0],
    lambda table: np.unique(table),
    lambda table: np.delete(table, 0, axis=0),
    lambda table: table[:, ::-2],
]


@pytest.mark.parametrize("make", UNKNOWN)
def test_sizes_that_are_not_followed_are_not_known(make: Callable[[Any], Any]) -> None:
    with pytest.raises(symcount.UnknownShapeError, match="made by numpy"):
        derive(lambda n, d: nn.Linear(3, make(np.ones((n, d))).shape[0]))


# --- values that are written in place -------------------------------------------------------------


def scaled(n: int, d: int) -> Any:
    rates = torch.linspace(0, 0.1, n)
    rates[-1] = d
    return rates[-1].item()


def scaled_array(n: int, d: int) -> Any:
    rates = np.linspace(0, 0.1, n)
    rates *= d
    return rates[-1]


def scaled_view(n: int, d: int) -> Any:
    rates = np.linspace(0, 0.1, n)
    part = rates[:]
    part[-1] = d
    return rates[-1]


def scaled_as_a_tensor(n: int, d: int) -> Any:
    rates = np.linspace(0, 0.1, n)
    torch.from_numpy(rates).mul_(d)
    return rates[-1]


@pytest.mark.parametrize("rate", [scaled, scaled_array, scaled_view, scaled_as_a_tensor])
def test_what_is_written_to_is_between_its_ends_no_longer(rate: Callable[..., Any]) -> None:
    """It was: the formula was wrong above, and graded `complete`."""
    with pytest.raises(symcount.VerificationError):
        derive(lambda n, d: nn.Linear(3, 4 if rate(n + 1, d) > 5000 else 3))


def test_an_array_does_not_outlive_its_run() -> None:
    kept: list[Any] = []

    def factory(d: int) -> nn.Module:
        if kept:
            kept[0].sum()
        kept[:] = [np.ones(d)]
        return nn.Linear(d, d)

    with pytest.raises(symcount.DerivationError):
        derive(factory)
