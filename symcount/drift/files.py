"""Find the files that hold formulas: documents with markers, and stored formulas."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from symcount.drift import markers
from symcount.drift.markers import SYNTAXES
from symcount.errors import (
    ArgumentError,
)

if TYPE_CHECKING:
    pass
from symcount.storage.file import is_stored

NO_DOCUMENT = f"symcount fills documents that end in {', '.join(SYNTAXES)}"


def files_at(paths: Iterable[Path]) -> list[Path]:
    """List the files at some paths, each once: the path itself, or all with formulas in a folder.

    What is hidden, built or installed in a folder is left out.

    Raises:
        ArgumentError: there is nothing at a path, or a folder has no file that holds formulas.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        if not path.exists():
            raise ArgumentError(f"there is no file or folder {path}")
        if path.suffix == ".py":
            raise ArgumentError(
                f"{path} is source code; check takes files that symcount save wrote, and documents"
            )
        files = list(filter(_is_of_a_kind, inside(path))) if path.is_dir() else [path]
        if not files:
            raise ArgumentError(f"the folder {path} has no file of formulas")
        for file in files:
            found.setdefault(file.resolve(), file)
    return list(found.values())


def documents(paths: Iterable[str | Path]) -> list[Path]:
    """List the documents that are named, and those in folders that are.

    Raises:
        ArgumentError: there is no such file or folder, or it is no document.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            found += (file for file in inside(path) if file.suffix in SYNTAXES)
        elif not path.exists():
            raise ArgumentError(f"there is no file or folder {path}")
        elif path.suffix not in SYNTAXES:
            raise ArgumentError(f"{path} is no document; {NO_DOCUMENT}")
        else:
            found.append(path)
    return list(dict.fromkeys(found))


def has_markers(path: Path) -> bool:
    """Tell whether a document has a formula to fill in, or something that is meant as one.

    Raises:
        OSError: it cannot be read.
    """
    content = path.read_bytes()
    if b"symcount" not in content:
        return False
    text = content.decode("utf-8", errors="replace")
    return any(markers.find(text, SYNTAXES[path.suffix]))


def _is_of_a_kind(file: Path) -> bool:
    """Tell whether a file of a folder is one to check; if it cannot be read, that is to be said."""
    try:
        if file.suffix in SYNTAXES:
            return has_markers(file)
        return file.suffix == ".json" and is_stored(file)
    except OSError:
        return True


def inside(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder, in order, but for what is hidden, built or installed there."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _is_passed_over(Path(place) / name))
        yield from (Path(place) / name for name in sorted(names))


_OF_OTHERS = ("_build", "_site", "node_modules", "site-packages")


def _is_passed_over(folder: Path) -> bool:
    is_hidden = folder.name.startswith(".")
    return is_hidden or folder.name in _OF_OTHERS or (folder / "pyvenv.cfg").exists()
