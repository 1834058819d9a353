"""Write formulas to files, each read back and compared before anything is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from symcount.errors import ArgumentError, InternalError, StoredFormulaError
from symcount.storage import atomic, definition
from symcount.storage.codecs import LONGEST_NAME, Tables
from symcount.storage.strict_json import located

if TYPE_CHECKING:
    from symcount.algebra.conditions import Condition
    from symcount.param_count import ParamCount


def save(path: str | Path, formulas: Mapping[str, ParamCount]) -> None:
    """Write formulas to a file, each under a name, for `load`; the whole file or nothing.

    Every formula is read back and compared before anything is written. Files of source lines are
    named relative to where modules are imported from, so the file is the same on every machine.

    Args:
        path: the file, such as `formulas.json`; what is there is replaced.
        formulas: the formulas by their names.

    Raises:
        ArgumentError: a name is no text, or a value is no formula.
        StoredFormulaError: a formula is beyond the limits of what is stored; the message says
            which, where and which limit.
        OSError: the file cannot be written; what was there is there still.

    >>> import symcount, tempfile
    >>> from pathlib import Path
    >>> from torch import nn
    >>> path = Path(tempfile.mkdtemp()) / "formulas.json"
    >>> symcount.save(path, {"linear": symcount.derive(nn.Linear)})
    >>> symcount.load(path)["linear"](64, 10)
    650
    """
    atomic.replace(Path(path), written(formulas))


def written(formulas: Mapping[str, ParamCount]) -> str:
    """Return the text of the file that `save` writes."""
    lines = []
    for name, count in formulas.items():
        _require(name, count)
        lines.append(_line(name, _with_statements(count)))
    return definition.HEAD + ",\n".join(lines) + definition.TAIL


def _require(name: object, count: object) -> None:
    if not (isinstance(name, str) and name.isprintable() and 0 < len(name) <= LONGEST_NAME):
        raise ArgumentError(
            f"save(): {name!r:.100} is no name for a formula; use a text of one line"
        )
    if not hasattr(count, "hyperparameters"):
        raise ArgumentError(f"save(): {name!r} is {count!r:.100}, which is no formula")


def _with_statements(count: ParamCount) -> ParamCount:
    """Return the formula with the statements of its factory, where they can be looked up."""
    if count.origin is None or count.origin.statements:
        return count
    from symcount.factory.source import statements_of

    statements = statements_of(count.origin.target, count.origin.config)
    return replace(count, origin=replace(count.origin, statements=statements))


def _line(name: str, count: ParamCount) -> str:
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


def _captions(count: ParamCount) -> tuple[str, str]:
    """Return the formula and its domain as texts for people, which are never read."""
    return str(count), str(count.domain)


def _document(count: ParamCount, **about: str) -> dict[str, Any]:
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
