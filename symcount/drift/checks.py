"""What there is to check at a path: the files that hold formulas, and the formulas in each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from symcount.catalogue.trust import Trust
from symcount.drift import drift, filling, requests
from symcount.drift.drift import check_one
from symcount.drift.markers import SYNTAXES
from symcount.errors import ArgumentError, StoredFormulaError
from symcount.storage.file import StoredFormulas, is_stored, load

Finding: TypeAlias = "drift.Finding | filling.MarkerFinding"
# What is to be checked by name, each when it is called. The name "" is that of the file itself.
Checks: TypeAlias = "Mapping[str, Callable[[], Finding]]"

# A machine may be slower than the one that wrote a document.
_SECONDS = 3 * requests.SECONDS


def files_at(paths: Iterable[Path]) -> list[Path]:
    """The files at some paths, each once: a path itself, or in a folder all that hold formulas.

    What is hidden, built or installed in a folder is left out.

    Raises:
        ArgumentError: there is nothing at a path, or a folder has no file that holds formulas.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        if not path.exists():
            raise ArgumentError(f"there is no file or folder {path}")
        files = list(filter(_is_of_a_kind, filling.inside(path))) if path.is_dir() else [path]
        if not files:
            raise ArgumentError(f"the folder {path} has no file of formulas")
        for file in files:
            found.setdefault(file.resolve(), file)
    return list(found.values())


def checks_of(file: Path, trust: Trust) -> Checks:
    """What there is to check in a file, by its kind. A file that cannot be read is a finding."""
    if file.suffix in SYNTAXES:
        return filling.checks(file, filling.Answers(_SECONDS, trust))
    return _stored_checks(file, trust.beside(file.parent))


def report(file: Path, finding: Finding) -> str:
    """A finding in words, with its file."""
    return str(finding) if isinstance(finding, filling.MarkerFinding) else f"{file}: {finding}"


def remedy(findings: Iterable[Finding]) -> str:
    """What makes the formulas again that are not current; nothing where none has been derived."""
    states = ("same", "refused")
    kinds = {type(finding) for finding in findings if finding.state not in states}
    steps = {
        drift.Finding: "save the formulas again",
        filling.MarkerFinding: "run symcount export --write on the documents",
    }
    return ", and ".join(step for kind, step in steps.items() if kind in kinds)


def described(file: Path, finding: Finding) -> dict[str, Any]:
    """A finding as JSON."""
    from symcount.export.documents import json

    if isinstance(finding, filling.MarkerFinding):
        return {"file": str(file), **json.describe_marker(finding)}
    return {"file": str(file), **json.describe_finding(finding)}


def _is_of_a_kind(file: Path) -> bool:
    """Whether a file of a folder is one to check; if it cannot be read, that is to be said."""
    try:
        if file.suffix in SYNTAXES:
            return filling.has_markers(file)
        return file.suffix == ".json" and is_stored(file)
    except OSError:
        return True


# --- files of formulas ------------------------------------------------------------------------


def _stored_checks(file: Path, trust: Trust) -> Checks:
    try:
        formulas = load(file)
    except StoredFormulaError as error:
        return {"": _unreadable(file, str(error))}
    except OSError as error:
        return {"": _unreadable(file, f"cannot read it: {error.strerror}")}
    return {name: _stored_check(formulas, name, trust) for name in formulas}


def _unreadable(file: Path, reason: str) -> Callable[[], Finding]:
    return lambda: drift.Finding(file.name, "", "unchecked", reason=reason)


def _stored_check(formulas: StoredFormulas, name: str, trust: Trust) -> Callable[[], Finding]:
    return lambda: check_one(name, formulas, trust)
