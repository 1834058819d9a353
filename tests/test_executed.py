"""What is collected of the code that executes, in the order in which it may happen to."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from symcount.executed import Executed, _first

IMPORTED = """
def ran_by_the_module():
    return 7919

LIMIT = ran_by_the_module()

def ran_by_the_factory():
    return LIMIT
"""


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "imported_by_a_factory.py").write_text(IMPORTED)
    monkeypatch.syspath_prepend(tmp_path)
    yield "imported_by_a_factory"
    sys.modules.pop("imported_by_a_factory", None)


def names_of(executed: Executed) -> set[str]:
    return {code.co_name for code in executed}


def test_what_a_module_runs_while_it_is_imported_is_left_out(imported: str) -> None:
    first, second = Executed(), Executed()
    for executed in (first, second):  # the second finds the module imported
        with executed.collecting():
            importlib.import_module(imported).ran_by_the_factory()
    assert "ran_by_the_factory" in names_of(first)
    assert "ran_by_the_module" not in names_of(first)
    assert "<module>" not in names_of(first)
    assert names_of(second) <= names_of(first)


DERIVES = """
import symcount
from torch import nn

def numbered(n):
    return str(n).encode("utf-16")[:0], 6841

def factory(dim: int):
    numbered(dim)
    return nn.Linear(dim, 3)

def derive():
    return symcount.derive(factory)

AT_IMPORT = derive()
"""


def test_a_derivation_within_an_import_is_the_same_as_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "derives_while_imported.py").write_text(DERIVES)
    monkeypatch.syspath_prepend(tmp_path)
    try:
        module = importlib.import_module("derives_while_imported")
    finally:
        sys.modules.pop("derives_while_imported", None)
    (assumption,) = module.AT_IMPORT.certificate.assumptions
    assert 6842 in assumption.tried
    assert module.AT_IMPORT.certificate == module.derive().certificate


def test_a_container_that_changes_while_it_is_read_is_read_again() -> None:
    class Changing(list[Any]):
        readings = 0

        def __iter__(self) -> Iterator[Any]:
            self.readings += 1
            if self.readings == 1:
                raise RuntimeError("dictionary changed size during iteration")
            return super().__iter__()

    assert _first(Changing([1, 2])) == (1, 2)
