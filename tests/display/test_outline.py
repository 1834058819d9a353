"""The tree of a breakdown: what is alike said once, and nothing lost."""

from __future__ import annotations

import pytest
from torch import nn

import symcount
from symcount import derive
from symcount.display.outline import outline, percent, rows, sizes_of


def stack(dim: int, depth: int = 3) -> nn.Module:
    """Layers that fold, layers that are alike, a module within a module, a parameter of its own."""
    model = nn.Sequential(
        nn.Sequential(*(nn.Linear(dim, dim) for _ in range(depth))),
        nn.Sequential(*(nn.Sequential(nn.Linear(dim, 4), nn.LayerNorm(4)) for _ in range(3))),
        nn.Linear(dim, 7),
    )
    model.scale = nn.Parameter(model[2].weight.new_empty(dim))
    return model


@pytest.fixture(scope="module")
def count() -> symcount.ParamCount:
    return derive(stack)


def test_every_parameter_is_in_it_once(count) -> None:
    breakdown = count.breakdown()

    def leaves(part):
        return [part] if not part.held else [leaf for held in part.held for leaf in leaves(held)]

    found = {part.path: part.count for part in leaves(outline(breakdown))}
    assert found == {name: part.formula for name, part in breakdown.parameters.items()}


@pytest.mark.parametrize(("dim", "depth"), [(1, 1), (8, 2), (640, 50)])
def test_rows_add_up(count, dim: int, depth: int) -> None:
    whole = rows(count.breakdown().at(dim, depth))
    total = count(dim, depth)
    assert (whole.size, whole.share, whole.copies) == (total, 1, 1)
    for _, row in whole.walk():
        assert row.share == row.size / total
        if row.held:
            assert sum(r.size * r.copies for r in row.held) == row.size * row.copies
    leaves = [row for _, row in whole.walk() if not row.held]
    assert sum(row.bar for row in leaves) == pytest.approx(1)


def test_neighbours_that_hold_the_same_are_one_row(count) -> None:
    whole = rows(count.breakdown().at(64, 2))
    (alike,) = (row for _, row in whole.walk() if row.name == "0 to 2, each")
    assert alike.copies == 3
    assert alike.size == 64 * 4 + 4 + 8
    assert alike.size_text == "3 × 268"
    assert alike.share_text == f"3 × {percent(268 / count(64, 2))}"
    assert alike.bar == pytest.approx(3 * 268 / count(64, 2))


def test_sizes_are_the_defaults_if_all_have_one(count) -> None:
    assert sizes_of(count.breakdown()) is None
    assert sizes_of(count.breakdown().at(8)) == {"dim": 8, "depth": 3}
    full = derive(lambda dim=8, out=2: nn.Linear(dim, out))
    assert sizes_of(full.breakdown()) == {"dim": 8, "out": 2}
    assert rows(full.breakdown()).size == 18


def test_defaults_outside_the_domain_are_no_sizes() -> None:
    def picky(dim=10):
        if dim % 8:
            raise ValueError(dim)
        return nn.Linear(dim, 1)

    assert sizes_of(derive(picky).breakdown()) is None


def test_of_nothing_there_is_no_share() -> None:
    nothing = derive(lambda dim=4: nn.Sequential(nn.Dropout(1 / dim)))
    whole = rows(nothing.breakdown())
    assert (whole.size, whole.share, whole.share_text, whole.bar) == (0, None, "", 0)


def test_bad_sizes_are_told(count) -> None:
    breakdown = count.breakdown()
    with pytest.raises(symcount.ArgumentError, match=r"needs a value for 'dim'"):
        breakdown.at(depth=2)
    with pytest.raises(symcount.ArgumentError, match="has no symbol 'width'"):
        breakdown.at(width=2)
    with pytest.raises(symcount.ArgumentError, match=r"dim=8\.5: .* is a positive integer"):
        breakdown.at(8.5)
    with pytest.raises(symcount.DomainError, match="dim=0, depth=3 is outside the domain of stack"):
        breakdown.at(0)
