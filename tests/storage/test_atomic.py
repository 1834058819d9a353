"""Writing files: whole or not at all, whoever else writes them."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from symcount.storage import atomic

ONE, TWO = b"A" * 300_000, b"B" * 200_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "it.txt"
    found.write_bytes(ONE)
    return found


def test_threads_that_write_one_file_never_raise_nor_tear_it(path: Path) -> None:
    """With a draft for each process, a fourth of the writes raised and readers saw mixtures."""
    errors: list[BaseException] = []

    def write(text: bytes) -> None:
        try:
            for _ in range(150):
                atomic.replace(path, text)
        except OSError as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(text,)) for text in (ONE, TWO)]
    for thread in threads:
        thread.start()
    seen = set()
    while any(thread.is_alive() for thread in threads):
        seen.add(path.read_bytes())
    for thread in threads:
        thread.join()
    assert not errors and seen <= {ONE, TWO}
    assert os.listdir(path.parent) == [path.name]


def test_processes_that_write_one_file_never_raise_nor_tear_it(path: Path) -> None:
    code = (
        "import sys, pathlib; from symcount.storage import atomic\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "for _ in range(100): atomic.replace(path, sys.argv[2].encode() * 100_000)"
    )
    wrote = [subprocess.Popen([sys.executable, "-c", code, path, letter]) for letter in "AB"]
    seen = set()
    while any(process.poll() is None for process in wrote):
        seen.add(path.read_bytes())
    assert [process.wait() for process in wrote] == [0, 0]
    assert seen <= {ONE, b"A" * 100_000, b"B" * 100_000}
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
def test_the_mode_of_a_file_is_kept(path: Path, mode: int) -> None:
    path.chmod(mode)
    atomic.replace(path, TWO)
    assert (stat.S_IMODE(path.stat().st_mode), path.read_bytes()) == (mode, TWO)


def test_a_new_file_has_the_mode_of_new_files(tmp_path: Path) -> None:
    code = (
        "import os, sys, pathlib; from symcount.storage import atomic; os.umask(0o027)\n"
        "atomic.replace(pathlib.Path(sys.argv[1]), 'new'); assert os.umask(0) == 0o027"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "new.txt"], check=True)
    assert stat.S_IMODE((tmp_path / "new.txt").stat().st_mode) == 0o640


def test_an_error_names_the_file_and_leaves_no_draft(path: Path) -> None:
    folder = path.parent / "folder"
    folder.mkdir()
    with pytest.raises(OSError, match=r"folder'$"):
        atomic.replace(folder, "text")
    with pytest.raises(FileNotFoundError, match=r"none/it.txt'$"):
        atomic.replace(path.parent / "none" / "it.txt", "text")
    with pytest.raises(UnicodeEncodeError):
        atomic.replace(path, "\ud800")
    assert sorted(os.listdir(path.parent)) == ["folder", "it.txt"] and path.read_bytes() == ONE


def test_a_name_may_be_as_long_as_names_may_be(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    atomic.replace(path, "text")
    assert path.read_text() == "text"
