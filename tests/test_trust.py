"""A little of what `benchmarks/trust.py` does a lot of: damage, and kill what saves."""

from __future__ import annotations

import os
import random
from itertools import islice
from pathlib import Path

import pytest

from symcount import blueprints
from symcount.blueprints import cnn  # noqa: F401
from symcount.storage.writing import written
from tests import hostile

FUZZ = int(os.environ.get("SYMCOUNT_FUZZ", "1"))


def assert_harmless(ordeal: hostile.Ordeal) -> None:
    assert not ordeal.faults, ordeal.faults[0]
    assert ordeal.mebibytes < 256


def test_damaged_files_are_refused_or_counted_and_run_nothing() -> None:
    text = written({"it": next(iter(blueprints)).param_count})
    hostile.read_all(text)
    ordeal = hostile.Ordeal()
    for damaged in islice(hostile.damaged_files(text, random.Random(2)), 200 * FUZZ):
        ordeal.try_once(damaged, lambda text=damaged: hostile.read_all(text))
    assert_harmless(ordeal)
    assert ordeal.ends["refused"] and ordeal.ends["counted"]
    assert ordeal.seconds < 10  # 1 on a machine that is not busy


def test_documents_of_strangers_run_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim, page = tmp_path / "victim", tmp_path / "documents" / "page.md"
    for folder in (victim, page.parent):
        folder.mkdir()
    monkeypatch.chdir(page.parent)
    ordeal = hostile.Ordeal()
    for text in islice(hostile.markers(victim, random.Random(3)), 60 * FUZZ):
        page.write_text(text, encoding="utf-8")
        ordeal.try_once(text, lambda: hostile.fill_in(page))
    assert_harmless(ordeal)
    assert victim.exists() and ordeal.ends["refused"]


def test_what_is_watched_for_is_heard() -> None:
    ordeal = hostile.Ordeal()
    ordeal.try_once("it", lambda: str(os.system("true")))
    assert ordeal.faults and "os.system" in ordeal.faults[0]


def test_a_process_that_is_killed_while_it_saves_leaves_the_file_whole(tmp_path: Path) -> None:
    torn, drafts = hostile.torn_by_kills(tmp_path, 4, random.Random(4))
    assert (torn, drafts <= 4) == (0, True)
