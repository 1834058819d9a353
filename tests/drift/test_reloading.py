"""Which files formulas depend on, and how little it takes to know."""

from __future__ import annotations

from pathlib import Path

import pytest

from symcount.drift import reloading


def test_installed_files_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[Path] = []

    def noted(path: Path) -> bool:
        looked_at.append(path)
        return is_of_the_project(path)

    is_of_the_project = reloading._is_of_the_project
    monkeypatch.setattr(reloading, "_is_of_the_project", noted)
    monkeypatch.setattr(reloading, "_OF_OTHERS", set())
    first = reloading._modules_by_file()
    assert Path(pytest.__file__) in looked_at
    reloading._modules_by_file()  # the first may have loaded a module of Python's
    looked_at.clear()
    assert reloading._modules_by_file() == first
    assert {path.resolve() for path in looked_at} == first.keys()
