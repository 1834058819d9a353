"""Read and write an entry of a cache: a formula, and what it was derived from.

The first line names the format and holds a digest of the rest, the second is JSON that the caller
makes sense of, and then comes a file of formulas with one in it. Nothing of it is executed.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from symcount.errors import StoredFormulaError
from symcount.formula.formula import Formula, HasFormula
from symcount.storage import atomic, file

VERSION = 1
_NAME = "formula"
_HEAD = re.compile("symcount cache ([0-9]{1,9}) [0-9a-f]+")


def write(path: Path, about: Any, count: HasFormula) -> None:
    """Write an entry, as a whole or not at all.

    Raises:
        StoredFormulaError: the formula is beyond the limits of what is stored.
        OSError: it cannot be written.
    """
    from symcount.storage import writing

    rest = json.dumps(about, separators=(",", ":")) + "\n" + writing.written({_NAME: count})
    atomic.replace(path, _head(rest) + rest)


def read(path: Path) -> tuple[Any, Formula] | None:
    """Return what was written, or None if there is nothing or it is of another version.

    Raises:
        StoredFormulaError: it is damaged.
        OSError: it cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        head, about, text = content.decode("utf-8").split("\n", 2)
    except ValueError:
        raise StoredFormulaError(f"{path.name}: no entry of a cache") from None
    of = _HEAD.fullmatch(head)
    if of is not None and int(of[1]) != VERSION:
        return None
    if f"{head}\n" != _head(f"{about}\n{text}"):
        raise StoredFormulaError(f"{path.name}: it is not as it was written")
    try:
        return json.loads(about), file.read(text, path.name, _itself)[_NAME]
    except ValueError as error:
        raise StoredFormulaError(f"{path.name}: {error}") from None


def _itself(count: Formula) -> Formula:
    return count


def _head(rest: str) -> str:
    digest = hashlib.blake2b(rest.encode("utf-8"), digest_size=16).hexdigest()
    return f"symcount cache {VERSION} {digest}\n"
