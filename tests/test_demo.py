"""The demonstration runs, and says so if a formula disagrees with a published total."""

from __future__ import annotations

from dataclasses import replace

import pytest

from examples import demo, families

GPT2 = families.PUBLISHED[0]


def test_demo_shows_formulas_the_audit_and_published_totals(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("transformers")
    monkeypatch.setattr(families, "PUBLISHED", (GPT2,))
    assert demo.main() == 0
    text = capsys.readouterr().out
    assert "2*dim*Max(1, floor(dim/reduction)) + dim" in text
    assert "14 of 16 estimates are off by more than 1.1x" in text
    gpt2 = next(line.split() for line in text.splitlines() if line.startswith(" gpt2"))
    assert gpt2 == ["gpt2", "124,439,808", "124,439,808", "✓"]


def test_demo_fails_where_a_total_differs(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("transformers")
    assert demo.show_models([replace(GPT2, total=163_037_184)]) == 1
    assert "✗" in capsys.readouterr().out
