"""Write formulas to files, each read back and compared before anything is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from symcount.errors import ArgumentError, InternalError, StoredFormulaError
from symcount.storage import atomic, definition, file
from symcount.storage.codecs import LONGEST_NAME, Tables
from symcount.storage.strict_json import located

if TYPE_CHECKING:
    from symcount.algebra.conditions import Condition
    from symcount.formula.formula import Formula, HasFormula


def save(path: Any, formulas: Any) -> None:
    """Write formulas to a file, if these are a path and formulas; see `symcount.save`."""
    if not isinstance(path, (str, PathLike)) or not isinstance(formulas, Mapping):
        raise ArgumentError(
            "save() takes a path, and then a mapping of names to formulas: "
            'symcount.save("formulas.json", {"encoder": count}); for one formula, '
            'count.save("formulas.json")'
        )
    atomic.replace(Path(path), written(formulas))


def add(path: Path, formulas: Mapping[str, HasFormula]) -> int:
    """Write formulas into a file, in the place of those of the same names, or behind the others.

    Returns:
        How many others there are. Each stays as it is, byte for byte.

    Raises:
        StoredFormulaError: what is there is no file of formulas, or not laid out in lines.
    """
    return add_lines(path, {name: line(name, count) for name, count in formulas.items()})


def add_lines(path: Path, lines: Mapping[str, str]) -> int:
    """Write formulas into a file as `add` does, given their lines."""
    there = file.lines(path) if path.exists() else {}
    both = {**there, **lines}
    atomic.replace(path, laid_out(both))
    return len(both) - len(lines)


def written(formulas: Mapping[str, HasFormula]) -> str:
    """Return the text of the file that `save` writes."""
    return laid_out({name: line(name, count) for name, count in formulas.items()})


def laid_out(lines: Mapping[str, str]) -> str:
    """Return the text of the file that has these lines."""
    return definition.HEAD + ",\n".join(lines.values()) + definition.TAIL


def line(name: str, count: HasFormula) -> str:
    """Return the line of a formula in a file, which has been read back and compared."""
    _require(name, count)
    return _line(name, _with_statements(count.formula))


def _require(name: object, count: object) -> None:
    if not (isinstance(name, str) and name.isprintable() and 0 < len(name) <= LONGEST_NAME):
        raise ArgumentError(
            f"save(): {name!r:.100} is no name for a formula; use a text of one line"
        )
    if not hasattr(count, "hyperparameters"):
        raise ArgumentError(f"save(): {name!r} is {count!r:.100}, which is no formula")


def _with_statements(count: Formula) -> Formula:
    """Return the formula with the statements of its factory, where they can be looked up."""
    if count.origin is None or count.origin.statements:
        return count
    from symcount.factory.statements import statements_of

    statements = statements_of(count.origin.target, count.origin.config)
    return replace(count, origin=replace(count.origin, statements=statements))


def _line(name: str, count: Formula) -> str:
    formula, domain = _captions(count)
    about = {"name": name, "formula": formula, "domain": domain}
    try:
        packed = _document(count, **about)
        text = json.dumps(packed, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        with located(f"save() of {name!r}"):
            again = replace(count, **definition.unpacked(text).fields)
        same = again == count and packed == _document(again, **about)
    except StoredFormulaError:
        raise
    except RecursionError:
        raise StoredFormulaError(f"save(): {name!r} is nested too deeply to be stored") from None
    except (TypeError, ValueError) as error:
        raise StoredFormulaError(f"save(): {name!r} cannot be stored: {error}") from error
    if not same:
        raise InternalError(f"save(): {name!r} is not what it was when it is read back")
    return text


def _captions(count: Formula) -> tuple[str, str]:
    """Return the formula and its domain as texts for people, which are never read."""
    return str(count), str(count.domain)


def _document(count: Formula, **about: str) -> dict[str, Any]:
    """Return a formula as a document; `about` is what that has beside the formula's own parts."""
    parts = SimpleNamespace(**{**vars(count), **about})
    written: dict[str, Any] = definition.FORMULA.write(parts, Tables(count.words, _in_words))
    return written


def _in_words(condition: Condition) -> tuple[str, str]:
    from symcount.formula import sympy_form

    holds, fails = (
        sympy_form.text(sympy_form.condition(condition, truth)) for truth in (True, False)
    )
    return holds, fails
