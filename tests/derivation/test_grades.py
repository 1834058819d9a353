"""What a certificate says of a derivation that was not finished, and of the factory's defaults."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from torch import nn

import symcount
from symcount import Symbol, derive
from symcount.derivation import frontier


def uneven(d: int = 8, n: int = 5) -> nn.Module:
    """A stack of which each layer depends on what was made before."""
    layers: list[nn.Module] = []
    for _ in range(n):
        before = sum(p.numel() for p in layers[-1].parameters()) if layers else 0
        layers.append(nn.Linear(d, 1 if before > 4 else 2))
    return nn.ModuleList(layers)


def branching(d: int = 40) -> nn.Module:
    return nn.Linear(d, 3 if d > 32 else 5)


def test_paths_that_the_budget_did_not_reach_are_told_with_what_to_do() -> None:
    certificate = derive(uneven, max_paths=2).certificate
    assert (certificate.grade, certificate.unfinished) == ("partial", ("paths",))
    assert "More are followed with max_paths=... and max_work=..." in certificate.reason
    assert "may be folded from two on, with Symbol(min=2)" in certificate.reason


def test_what_the_clock_ended_is_told_apart() -> None:
    certificate = derive(uneven, max_seconds=1e-9).certificate
    assert certificate.grade == "partial" and certificate.unfinished[-1] == "clock"
    assert "It gets further with max_seconds=..." in certificate.reason


@pytest.mark.parametrize("factory", [branching, nn.Linear, lambda: nn.ReLU()])
def test_what_was_finished_has_nothing_unfinished(factory: Any) -> None:
    certificate = derive(factory).certificate
    assert (certificate.grade, certificate.unfinished) == ("complete", ())
    assert certificate.outside == () and certificate.misses_defaults == ""


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> symcount.ParamCount:
    """A formula whose only path is not that of the defaults."""
    monkeypatch.setattr(frontier, "first_hints", lambda ranges: [16 for _ in ranges])
    return derive(branching, max_paths=1)


def test_that_it_does_not_hold_at_the_defaults_is_said_first(
    missing: symcount.ParamCount, tmp_path: Path
) -> None:
    said = "this does not hold at the defaults of the factory, d=40"
    assert not missing.valid() and missing.certificate.outside == (("d", 40),)
    assert str(missing.certificate).splitlines()[0] == said
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(missing)
    assert console.export_text().strip().startswith(said)
    html = missing._repr_html_()
    assert html.index(said) < html.index("branching")
    missing.save(tmp_path / "formulas.json")
    (stored,) = symcount.load(tmp_path / "formulas.json").values()
    assert stored.certificate == missing.certificate


def test_defaults_that_the_factory_refuses_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(d: int = 40):
        if d > 32:
            raise ValueError("too wide")
        return nn.Linear(d, 5)

    assert derive(refusing).certificate.outside == ()
    assert derive(branching, d=Symbol(max=32)).certificate.outside == ()
