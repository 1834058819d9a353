"""Load formulas from a file, without torch and without sympy."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from symcount.errors import StoredFormulaError, TargetError
from symcount.formula.formula import CountT, Formula
from symcount.storage.codecs import Tables
from symcount.storage.definition import (
    DOCUMENT,
    FORMAT,
    HEAD,
    TAIL,
    VERSION,
    Unpacked,
    by_name,
    unpacked,
)
from symcount.storage.strict_json import MalformedError, decoded, located

if TYPE_CHECKING:
    from pathlib import Path

_T = TypeVar("_T")
LARGEST_FILE = 256 * 2**20

_SAYS_SO = re.compile(rb'"format"\s*:\s*"%s"' % FORMAT.encode())
_NAME = re.compile(r'\{"name":("(?:[^"\\]|\\.)*"),')


_MOST_NAMED = 8


class StoredFormulas(Mapping[str, CountT], Generic[CountT]):
    """The formulas of a file by their names; each is read when it is first asked for.

    Looking one up raises `StoredFormulaError` if it is damaged, and `TargetError` if there is none
    of that name. To read all at once, take `dict(...)` of it.
    """

    def __init__(
        self, label: str, documents: Mapping[str, Any], kind: Callable[[Formula], CountT]
    ) -> None:
        self._label = label
        self._kind = kind
        self._documents = dict(documents)
        self._places = {name: place for place, name in enumerate(self._documents)}
        self._read: dict[str, tuple[Unpacked, CountT]] = {}

    def __getitem__(self, name: str) -> CountT:
        return self._both(name)[1]

    def __contains__(self, name: object) -> bool:
        return name in self._documents

    @overload
    def get(self, name: str, default: None = None) -> CountT | None: ...
    @overload
    def get(self, name: str, default: _T) -> CountT | _T: ...

    def get(self, name: str, default: object = None) -> object:
        """Return the formula of that name, or `default` if there is none."""
        return self[name] if name in self._documents else default

    def __iter__(self) -> Iterator[str]:
        return iter(self._documents)

    def __len__(self) -> int:
        return len(self._documents)

    def __repr__(self) -> str:
        return f"<{len(self)} {'formula' if len(self) == 1 else 'formulas'} of {self._label}>"

    def captions(self, name: str) -> tuple[str, str]:
        """Return the formula and its domain as texts, as they were written when it was saved.

        They are for people, and need no sympy. Nothing is computed from them.
        """
        read, _ = self._both(name)
        return read.formula, read.domain

    def _both(self, name: str) -> tuple[Unpacked, CountT]:
        if name not in self._documents:
            import difflib  # takes as long to load as a formula does

            close = difflib.get_close_matches(str(name), self._documents, n=3)
            hint = f"; it has {', '.join(self._documents)}" if len(self) <= _MOST_NAMED else ""
            hint = f"; did you mean {' or '.join(map(repr, close))}?" if close else hint
            raise TargetError(f"{self._label} has no formula {name!r}{hint}")
        if name not in self._read:
            with located(self._label, "formulas", self._places[name]):
                read = unpacked(self._documents[name])
                if read.name != name:  # what the line begins with is not what it says
                    raise MalformedError(f"its name is {read.name!r}, not {name!r}")
            self._read[name] = read, self._kind(Formula(**read.fields))
        return self._read[name]


def load(path: str | Path, kind: Callable[[Formula], CountT]) -> StoredFormulas[CountT]:
    """Open a file of formulas; see `symcount.load`.

    Args:
        path: the file.
        kind: makes what they are of formulas.

    Raises:
        StoredFormulaError, OSError: as `symcount.load` raises them.
    """
    label = os.path.basename(path)
    return read(_text(path, label), label, kind)


def lines(path: str | Path) -> dict[str, str]:
    """Return the line of each formula in a file, by its name.

    Raises:
        StoredFormulaError: it is no file of formulas, or is not laid out in lines.
        OSError: it cannot be read.
    """
    label = os.path.basename(path)
    text = _text(path, label)
    with located(label):
        found = _in_lines(text)
        if found is None:
            _in_any_layout(text)
            raise MalformedError(
                "it is not laid out as symcount writes it, a formula to a line, so none can be "
                "replaced alone. Save the formulas in a new file"
            )
    return found


def _text(path: str | Path, label: str) -> str:
    with open(path, "rb") as file:
        content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise StoredFormulaError(f"{label}: more than {LARGEST_FILE} bytes, which are the most")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise StoredFormulaError(f"{label}: this is not UTF-8: {error}") from None


def read(text: str, label: str, kind: Callable[[Formula], CountT]) -> StoredFormulas[CountT]:
    """Return the formulas in the text of a file; errors call the file `label`.

    Raises:
        StoredFormulaError: it holds none, or those of another version.
    """
    with located(label):
        documents = _in_lines(text)
        return StoredFormulas(label, _in_any_layout(text) if documents is None else documents, kind)


def is_stored(path: Path) -> bool:
    """Tell whether a file says of itself, in any layout, that it is one of formulas.

    Raises:
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        return _SAYS_SO.search(file.read(LARGEST_FILE)) is not None


def _in_lines(text: str) -> dict[str, str] | None:
    """Return the text of each formula, if the file is laid out as `save` does it.

    A line break cannot be within a text of JSON, so a formula that is one line ends with it.
    """
    if not (text.startswith(HEAD) and text.endswith(TAIL)):
        return None
    lines = text[len(HEAD) : -len(TAIL)].split(",\n")
    names = []
    for line in lines:
        start = _NAME.match(line)
        if start is None or not line.endswith("}") or "\n" in line:
            return None
        try:
            names.append(decoded(start[1]))
        except MalformedError:  # whoever reads all of it says where
            return None
    return by_name(names, lines, "formulas")


def _in_any_layout(text: str) -> dict[str, Any]:
    if not text.lstrip().startswith("{"):
        raise MalformedError("this is no file of formulas, which symcount save writes")
    document = decoded(text)
    if type(document) is not dict or document.get("format") != FORMAT:
        raise MalformedError('this is no file of formulas; its "format" is not that')
    version = document.get("version")
    if type(version) is not int or version != VERSION:
        raise MalformedError(
            f"formulas of version {str(version)[:20]}; this symcount reads version "
            f"{VERSION}. Use the symcount that wrote it, or save the formulas again"
        )
    found: dict[str, Any] = DOCUMENT.parts(document, Tables())["formulas"]
    return found
