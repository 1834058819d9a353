"""A parameter that a module has under several names is found under each of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from torch import nn

import symcount
from symcount import ArgumentError, derive
from symcount.display.outline import outline


class Tied(nn.Module):
    def __init__(self, V: int = 100, d: int = 8, L: int = 3, tied: bool = True) -> None:
        super().__init__()
        self.tok = nn.Embedding(V, d)
        self.layers = nn.ModuleList(nn.Linear(d, d, bias=False) for _ in range(L))
        self.head = nn.Linear(d, V)
        if tied:
            self.head.weight = self.tok.weight


@pytest.fixture(scope="module")
def tied() -> symcount.ParamCount:
    return derive(Tied)


def test_it_is_selected_by_each_name(tied: symcount.ParamCount) -> None:
    assert str(tied) == "L*d**2 + V*d + V"
    assert str(tied.select("tok")) == str(tied.select("head.weight")) == "V*d"
    assert str(tied.select("head")) == "V*d + V"
    assert str(tied.select("tok", "head")) == "V*d + V"


def test_it_is_left_out_only_if_all_who_hold_it_are(tied: symcount.ParamCount) -> None:
    untied = derive(Tied, tied=False)
    assert str(tied.without("tok")) == str(untied.without("tok")) == "L*d**2 + V*d + V"
    assert str(tied.without("head")) == "L*d**2 + V*d"
    assert str(tied.without("head", "tok")) == "L*d**2"
    assert str(tied.without("*.weight")) == "V"


def test_a_breakdown_has_it_in_each_module_and_in_the_whole_once(
    tied: symcount.ParamCount,
) -> None:
    parts = tied.breakdown()
    assert parts.aliases == {"tok.weight": ("head.weight",)}
    assert {path: str(count) for path, count in parts.modules.items() if "layers" not in path} == {
        "": "L*d**2 + V*d + V",
        "tok": "V*d",
        "head": "V*d + V",
    }
    assert sum(count(100, 8, 3) for count in parts.parameters.values()) == tied(100, 8, 3)
    assert "  head: V*d + V\n    bias: V\n    weight = tok.weight: V*d" in str(parts)
    head = next(part for part in outline(parts).held if part.name == "head")
    assert [part.name for part in head.held] == ["bias", "weight = tok.weight"]


def test_it_is_stored_with_all_its_names(tied: symcount.ParamCount, tmp_path: Path) -> None:
    tied.save(tmp_path / "formulas.json")
    (stored,) = symcount.load(tmp_path / "formulas.json").values()
    assert stored == tied and stored.breakdown().aliases == tied.breakdown().aliases
    assert str(stored.select("head.weight")) == "V*d"


def test_a_name_of_its_own_on_some_paths_is_refused() -> None:
    def factory(V: int = 100, d: int = 8):
        return Tied(V, d, 1, tied=V > 50)

    count = derive(factory)
    assert count(100, 8) == 64 + 800 + 100 and count(10, 8) == 64 + 80 + 80 + 10
    with pytest.raises(ArgumentError) as caught:
        count.select("head.weight")
    assert str(caught.value) == (
        "'head.weight' is 'tok.weight' on some paths and a tensor of its own on others; name it "
        "'tok.weight', or fix what decides"
    )
    assert count.select("layers")(100, 8) == 64
    with pytest.raises(ArgumentError, match=r"'head\.weight' is 'tok\.weight' on some paths"):
        count.without("tok")  # which leaves a tied head, and drops one of its own
    assert count.without("tok", "head")(10, 8) == count.without("tok", "head")(100, 8) == 64
    modules = count.breakdown().modules
    assert modules["head"](10, 8) == 80 + 10  # and not the embedding with it
    assert modules["tok"](10, 8) == 80 and modules["tok"](100, 8) == 800


def test_numbers_that_depend_on_a_loop_are_not_known() -> None:
    def factory(d: int, n: int):
        shared = nn.Linear(d, d, bias=False)
        return nn.ModuleDict({"first": shared, "others": nn.ModuleList([shared for _ in range(n)])})

    count = derive(factory)
    assert str(count) == "d**2"
    assert count.breakdown().aliases == {"first.weight": ("others.{*}.weight",)}
    assert str(count.select("others")) == str(count.select("others.*.weight")) == "d**2"


def test_modules_that_share_and_are_shared_are_looked_through_so_far() -> None:
    def factory(d: int):
        module: nn.Module = nn.Linear(d, d, bias=False)
        for _ in range(24):
            module = nn.Sequential(module, module)
        return module

    assert str(derive(factory)) == "d**2"
