"""Summaries: the types of modules, and what torchinfo and its like print below them."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn

import symcount
from symcount import derive


class Block(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.proj = nn.Linear(dim, dim)
        self.norm = nn.LayerNorm(dim).requires_grad_(False)


def network(dim, n=3):
    blocks = [Block(dim) for _ in range(n)]
    return nn.Sequential(nn.Embedding(10, dim), *blocks, nn.Linear(dim, 7, dtype=torch.float16))


@pytest.fixture(scope="module")
def count() -> symcount.ParamCount:
    return derive(network)


def test_types_are_those_of_the_modules(count) -> None:
    built = {path: type(m).__name__ for path, m in network(8, 4).named_modules()}
    classes = count.breakdown().classes
    assert classes == {
        "": built[""],
        "0": built["0"],
        "{1..n}": built["3"],
        "{1..n}.proj": built["3.proj"],
        "{1..n}.norm": built["3.norm"],
        "{n+1}": built["5"],
    }
    renamed = count.rename(n="depth").breakdown().classes
    assert renamed["{1..depth}.proj"] == "Linear"
    assert count.select("*.proj").breakdown().classes["{1..n}"] == "Block"


def test_layers_of_two_types_are_told_apart() -> None:
    def mixed(dim, n=2):
        first, second = nn.Linear(dim, dim), nn.Bilinear(1, 1, dim)
        ends = nn.Sequential(first, second), nn.ModuleList([nn.Linear(dim, dim) for _ in range(n)])
        return nn.ModuleDict({"a": ends[0], "b": ends[1]})

    classes = derive(mixed).breakdown().classes
    assert (classes["a.0"], classes["a.1"], classes["b"]) == ("Linear", "Bilinear", "ModuleList")

    def either(dim):
        return nn.Sequential(nn.Linear(dim, 1) if dim % 2 else nn.Conv1d(1, dim, 1))

    assert derive(either).breakdown().classes["0"] in ("Linear or Conv1d", "Conv1d or Linear")


def test_types_are_stored(count, tmp_path) -> None:
    symcount.save(tmp_path / "f.json", {"net": count})
    stored = symcount.load(tmp_path / "f.json")["net"]
    assert stored.breakdown().classes == count.breakdown().classes


def totals(text: str) -> dict[str, str]:
    _, _, below = text.rpartition("\n\n")
    return dict(
        re.split(r"\s{2,}", line, maxsplit=1) for line in below.splitlines() if "  " in line
    )


def test_totals_are_those_of_the_built_module(count) -> None:
    parameters = list(network(64, 5).parameters())
    size = sum(p.numel() * p.itemsize for p in parameters)
    trainable = sum(p.numel() for p in parameters if p.requires_grad)
    summary = count.summary(dim=64, n=5)
    assert totals(str(summary)) == {
        "total": f"{sum(p.numel() for p in parameters):,}",
        "trainable": f"{trainable:,}",
        "non-trainable": "640",
        "size": f"{size / 2**20:,.2f} MiB ({size:,} bytes)",
    }
    assert summary.totals["non-trainable"] == count.frozen
    assert repr(summary) == str(summary)


def test_a_summary_without_sizes_has_formulas(count) -> None:
    assert totals(str(count.summary())) == {
        "total": str(count),
        "trainable": str(count.trainable),
        "non-trainable": "2*dim*n",
        "size": f"{count.nbytes} bytes",
    }
    plain = derive(lambda dim: nn.Linear(dim, 1)).summary()
    assert totals(str(plain))["trainable"] == "all"


def test_depth_is_how_many_levels_are_shown(count) -> None:
    shown = [str(count.summary(depth=depth, dim=8)) for depth in (0, 1, 2)]
    assert [("{1..n}" in s, "proj" in s, "weight" in s) for s in shown] == [
        (False, False, False),
        (True, False, False),
        (True, True, True),  # those of the embedding are as deep
    ]
    assert len({totals(each)["total"] for each in shown}) == 1
    for depth in (-1, 1.0, True):
        with pytest.raises(symcount.ArgumentError, match="give a number of levels"):
            count.summary(depth=depth)


def test_a_symbol_that_is_called_depth_asks_for_another_name() -> None:
    count = derive(lambda depth: nn.Linear(depth, 1))
    with pytest.raises(symcount.ArgumentError, match="rename"):
        count.summary(depth=2)
    renamed = count.rename(depth="d")
    assert "d=4" in str(renamed.summary(d=4, depth=0))


def test_other_measures_have_their_own_totals(count) -> None:
    assert list(count.nbytes.summary(dim=8).totals) == ["total", "trainable", "non-trainable"]
    assert list(count.trainable.summary(dim=8).totals) == ["total", "size"]
    assert list(count.buffers.summary(dim=8).totals) == ["total", "size"]
