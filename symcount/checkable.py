"""What there is to check at a path: the files that hold formulas, and the formulas in each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

from symcount.drift import Finding, check_one
from symcount.errors import ArgumentError, StoredFormulaError
from symcount.stored import StoredFormulas, is_stored, load

# What is to be checked by name, each when it is called. The name "" is that of the file itself.
Checks: TypeAlias = "dict[str, Callable[[], Finding]]"


def files_at(paths: Iterable[Path]) -> list[Path]:
    """The files at some paths, each once: a path itself, or in a folder all that hold formulas.

    Folders whose names begin with a dot are left out of a folder.

    Raises:
        ArgumentError: there is nothing at a path, or a folder has no file that holds formulas.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        if not path.exists():
            raise ArgumentError(f"there is no file or folder {path}")
        files = list(_inside(path)) if path.is_dir() else [path]
        if not files:
            raise ArgumentError(f"the folder {path} has no file of formulas")
        for file in files:
            found.setdefault(file.resolve(), file)
    return list(found.values())


def checks_of(file: Path) -> Checks:
    """What there is to check in a file, by its kind. A file that cannot be read is a finding."""
    return _stored_checks(file)


def _is_of_a_kind(file: Path) -> bool:
    """Whether a file of a folder is one to check; if it cannot be read, that is to be said."""
    try:
        return file.suffix == ".json" and is_stored(file)
    except OSError:
        return True


def _inside(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from filter(_is_of_a_kind, (Path(place, name) for name in sorted(names)))


# --- files of formulas ------------------------------------------------------------------------


def _stored_checks(file: Path) -> Checks:
    try:
        formulas = load(file)
    except StoredFormulaError as error:
        return {"": _unreadable(file, str(error))}
    except OSError as error:
        return {"": _unreadable(file, f"cannot read it: {error.strerror}")}
    return {name: _stored_check(formulas, name) for name in formulas}


def _unreadable(file: Path, reason: str) -> Callable[[], Finding]:
    return lambda: Finding(file.name, "", "unchecked", reason=reason)


def _stored_check(formulas: StoredFormulas, name: str) -> Callable[[], Finding]:
    return lambda: check_one(name, formulas)
