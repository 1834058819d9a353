"""Tensors whose values are symbols: what depends on these is no constant of a formula."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from symcount import derive
from symcount.errors import SymcountError, UnknownShapeError


def grade(factory: Callable[..., nn.Module]) -> str:
    try:
        return derive(factory).certificate.grade
    except SymcountError:
        return "refused"


# --- shapes that depend on values ---------------------------------------------------------------

SHAPES: dict[str, Callable[[Any], Any]] = {
    "unique": lambda d: torch.unique(torch.tensor([d, 5003])),
    "unique_consecutive": lambda d: torch.unique_consecutive(torch.tensor([d, 5003])),
    "nonzero": lambda d: torch.tensor([d - 5003, 1]).nonzero(),
    "argwhere": lambda d: torch.argwhere(torch.tensor([d, 5]) == 5003),
    "where": lambda d: torch.where(torch.tensor([d, 1]) > 70001)[0],
    "where all": lambda d: torch.where(torch.arange(d) < 70001)[0],
    "mask": lambda d: torch.tensor([4, 1])[torch.tensor([d, 1]) > 70001],
    "masked_select": lambda d: torch.masked_select(torch.tensor([d]), torch.tensor([d]) > 70001),
    "bincount": lambda d: torch.bincount(torch.tensor([min(d, 80000)])),
    "repeat_interleave": lambda d: torch.tensor([1]).repeat_interleave(torch.tensor([min(d, 9)])),
    "one_hot": lambda d: nn.functional.one_hot(torch.tensor([min(d, 9)]))[0],
    "sparse": lambda d: torch.sparse_coo_tensor(
        torch.tensor([[0, min(d, 9)]]), torch.tensor([1.0, 1.0])
    ),
    "arange": lambda d: torch.arange(torch.tensor(min(d, 9))),
    "zeros": lambda d: torch.zeros(torch.tensor(d)),
    "slice": lambda d: torch.zeros(100)[: torch.tensor(min(d, 64))],
    "combinations": lambda d: torch.combinations(torch.tensor([d, 1, 5003]).unique()),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_that_depends_on_values_is_not_known(name: str) -> None:
    def factory(d: int) -> nn.Module:
        return nn.Linear(3, 1 + SHAPES[name](d).shape[0])

    assert grade(factory) == "refused"


def test_a_parameter_of_selected_values_is_refused_by_what_selects_them() -> None:
    def masked(d: int) -> nn.Module:
        module = nn.Module()
        values = torch.tensor([d, 1.0])
        module.w = nn.Parameter(values[values > 70001])
        return module

    with pytest.raises(UnknownShapeError, match="made by __getitem__"):
        derive(masked)


def test_a_shape_that_depends_on_shapes_alone_is_known_whatever_the_values() -> None:
    def factory(d: int) -> nn.Module:
        values = torch.tensor([d, 1, 2, 3], dtype=torch.float64)
        several = torch.stack(
            [values.reshape(2, 2).T.cumsum(0), torch.fft.fft(values).real.view(2, 2)]
        )
        return nn.Linear(d, several[:, 1:, None].to(torch.float32).sort().values.numel())

    count = derive(factory)
    assert (str(count), count.certificate.grade) == ("4*d + 4", "complete")


# --- what reads values --------------------------------------------------------------------------


def _saved(d: Any) -> Any:
    file = io.BytesIO()
    torch.save(torch.tensor([d]), file)
    return b"\x8b\x13\0\0" in file.getvalue()


def _set_data(d: Any) -> Any:
    values = torch.tensor([0])
    values.data = torch.tensor([d])
    return values.item() == 5003


def _set(d: Any) -> Any:
    values = torch.tensor([0])
    values.set_(torch.tensor([d]))
    return values.item() == 5003


READ: dict[str, Callable[[Any], Any]] = {
    "contains": lambda d: 5003 in torch.tensor([d, 3]),
    "str": lambda d: str(torch.tensor(d)) == "tensor(5003)",
    "format": lambda d: f"{torch.tensor(d)}" == "5003",
    "text of sizes": lambda d: "5003" in repr(torch.empty(d, 1)),
    "storage": lambda d: torch.tensor([d]).storage()[0] == 5003,
    "asarray": lambda d: np.asarray(torch.tensor([d]))[0] == 5003,
    "add": lambda d: np.add(torch.tensor([d]), 0)[0] == 5003,
    "from_dlpack": lambda d: np.from_dlpack(torch.tensor([d]))[0] == 5003,
    "to_dlpack": lambda d: (
        torch.utils.dlpack.from_dlpack(torch.utils.dlpack.to_dlpack(torch.tensor([d]))).item()
        == 5003
    ),
    "save": _saved,
    "converted": lambda d: torch.tensor([d]).to(torch.float64).item() == 5003,
    "data": _set_data,
    "set_": _set,
}


@pytest.mark.parametrize("name", READ)
def test_what_reads_values_of_a_tensor_is_seen(name: str) -> None:
    def factory(d: int) -> nn.Module:
        return nn.Linear(d, 9 if READ[name](d) else 3)

    assert grade(factory) != "complete"


def _of_view(d: Any) -> Any:
    whole = torch.tensor([0.0, 0.0])
    part = whole[1:]
    whole[1] = d
    return part.item()


def _of_whole(d: Any) -> Any:
    whole = torch.tensor([0.0, 0.0])
    whole[1:].add_(d)
    return whole[1].item()


def _of_array_before(d: Any) -> Any:
    values = torch.tensor([0.0, 0.0])
    array = values.numpy()
    values[1] = d
    return array[1]


def _of_array_behind(d: Any) -> Any:
    array = np.zeros(4)
    torch.from_numpy(array).fill_(d)
    return array[0]


def _of_array_given(d: Any) -> Any:
    array = np.zeros(4)
    torch.as_tensor(array)[0] = d
    return array[0]


def _of_buffer(d: Any) -> Any:
    buffer = bytearray(32)
    torch.frombuffer(buffer, dtype=torch.int64)[0] = d
    return int.from_bytes(buffer[:8], "little")


SHARED = _of_view, _of_whole, _of_array_before, _of_array_behind, _of_array_given, _of_buffer


@pytest.mark.parametrize("read", SHARED)
def test_a_symbol_that_is_written_to_memory_is_seen_by_whoever_shares_it(
    read: Callable[[Any], Any],
) -> None:
    def factory(d: int) -> nn.Module:
        return nn.Linear(d, 9 if read(d) == 5003 else 3)

    assert grade(factory) != "complete"


def test_memory_that_others_read_and_no_symbol_is_written_to_is_of_no_account() -> None:
    def factory(d: int) -> nn.Module:
        values = torch.tensor([1.0, 2.0])
        array = values.numpy()
        values[1] = 5.0
        return nn.Linear(d, int(array[1]))

    count = derive(factory)
    assert (str(count), count.certificate.grade) == ("5*d + 5", "complete")
