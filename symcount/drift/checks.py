"""Check the formulas of a file, whether stored or in a document."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

from symcount.api import load
from symcount.catalogue.trust import Trust
from symcount.drift import drift, filling, requests
from symcount.drift.answers import Answers
from symcount.drift.drift import check_one
from symcount.drift.markers import SYNTAXES
from symcount.errors import StoredFormulaError
from symcount.storage import writing
from symcount.storage.file import StoredFormulas

AnyFinding: TypeAlias = "drift.Finding | filling.MarkerFinding"
# What is to be checked by name, each when it is called. The name "" is that of the file itself.
Checks: TypeAlias = "Mapping[str, Callable[[], AnyFinding]]"

# A machine may be slower than the one that wrote a document.
_SECONDS = 3 * requests.SECONDS


def checks_of(file: Path, trust: Trust) -> Checks:
    """Return the checks of a file. A file that cannot be read is a finding."""
    if file.suffix in SYNTAXES:
        return filling.checks(file, Answers(_SECONDS, trust))
    return _stored_checks(file, trust.beside(file.parent))


def report(file: Path, finding: AnyFinding) -> str:
    """Report a finding in words, with its file."""
    if isinstance(finding, filling.MarkerFinding):
        return str(finding)
    return f"{file}: {str(finding).removeprefix(f'{file.name}: ')}"


def remedy(findings: Iterable[AnyFinding]) -> str:
    """Say how to make the formulas again that are not current, if any has been derived."""
    states = ("same", "refused", "undecided", "unimported")
    needed = {_remedy(finding) for finding in findings if finding.state not in states}
    return ", and ".join(step for step in _REMEDIES if step in needed)


_REMEDIES = (
    "run symcount check --update",
    "save the formulas again",
    "run symcount export --write on the documents",
)


def _remedy(finding: AnyFinding) -> str:
    if isinstance(finding, filling.MarkerFinding):
        return _REMEDIES[2]
    return _REMEDIES[finding.now is None]


def update(file: Path, findings: Iterable[AnyFinding]) -> list[drift.Finding]:
    """Write the formulas of the code into a file, where they are shown to be others than there.

    Returns:
        Those that were written. All else in the file stays as it is, byte for byte.

    Raises:
        StoredFormulaError: the file is not laid out in lines, or cannot hold a formula.
        OSError: it cannot be written; what was there is there still.
    """
    shown = [f for f in findings if isinstance(f, drift.Finding) and f.now is not None]
    if shown:
        writing.add(file, {f.name: f.now for f in shown if f.now is not None})
    return shown


def _stored_checks(file: Path, trust: Trust) -> Checks:
    try:
        formulas = load(file)
    except StoredFormulaError as error:
        return {"": _unreadable(file, str(error))}
    except OSError as error:
        return {"": _unreadable(file, f"cannot read it: {error.strerror}")}
    return {name: _stored_check(formulas, name, trust) for name in formulas}


def _unreadable(file: Path, reason: str) -> Callable[[], AnyFinding]:
    return lambda: drift.Finding(file.name, "", "unchecked", reason=reason)


def _stored_check(formulas: StoredFormulas, name: str, trust: Trust) -> Callable[[], AnyFinding]:
    return lambda: check_one(name, formulas, trust)
