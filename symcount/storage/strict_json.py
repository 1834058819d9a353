"""Reading JSON strictly: every value is asked for by its type and limits, and errors say where.

What JSON leaves open is refused: a field given twice, NaN, numbers of any length.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator
from typing import Any, NoReturn

from symcount.errors import StoredFormulaError

LONGEST_TEXT = 100_000
LONGEST_NAME = 1_000
MOST_DIGITS = 1_000


def decoded(text: str, place: str) -> Any:
    """The value of a JSON text.

    Raises:
        StoredFormulaError: it is no JSON, or is JSON that means different things to different
            readers.
    """
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        here = f"line {error.lineno}, column {error.colno}"
        raise StoredFormulaError(
            f"{place.rstrip(':')}: this is not JSON: {error.msg} ({here})"
        ) from None
    except RecursionError:
        raise StoredFormulaError(f"{place.rstrip(':')}: it is nested too deeply") from None
    except _RefusedError as error:
        raise StoredFormulaError(f"{place.rstrip(':')}: {error}") from None


class _RefusedError(Exception):
    """JSON that is well formed, and not to be believed."""


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _RefusedError(f"the field {_short(twice)} is given twice")
    return found


def _integer(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise _RefusedError(f"an integer has {len(text)} digits; {MOST_DIGITS} are the most")
    return int(text)


def _constant(text: str) -> NoReturn:
    raise _RefusedError(f"{text} is no number of JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_without_duplicates, parse_int=_integer, parse_constant=_constant
)


class Place:
    """A value of a document, and where it is; each method gives it as a type, or raises."""

    __slots__ = ("_key", "_parent", "value")

    def __init__(self, value: Any, key: str | int, parent: Place | None = None) -> None:
        self.value = value
        self._key = key
        self._parent = parent

    @property
    def path(self) -> str:
        """Where it is, such as `formulas[3].tree[0].if`; what it starts from may end in a colon."""
        if self._parent is None:
            return str(self._key)
        if isinstance(self._key, int):
            return f"{self._parent.path}[{self._key}]"
        outer = self._parent.path
        return f"{outer}{' ' if outer.endswith(':') else '.'}{self._key}"

    def fail(self, problem: str) -> NoReturn:
        """Refuse the document for what is here."""
        raise StoredFormulaError(f"{self.path.rstrip(':')}: {problem}")

    def _expected(self, what: str) -> NoReturn:
        self.fail(f"{_short(self.value)} is not {what}")

    # --- containers ---

    def fields(self, needed: Collection[str], optional: Collection[str] = ()) -> dict[str, Place]:
        """The fields of an object: all that are needed, and none that is unknown."""
        if type(self.value) is not dict:
            self._expected("an object")
        for name in self.value:
            if name not in needed and name not in optional:
                self.fail(f"unknown field {_short(name)}; known are {', '.join(needed)}")
        for name in needed:
            if name not in self.value:
                self.fail(f"the field {name!r} is missing")
        return {name: Place(value, name, self) for name, value in self.value.items()}

    def entries(self) -> Iterator[tuple[str, Place]]:
        """The fields of an object whose names are up to the writer."""
        if type(self.value) is not dict:
            self._expected("an object")
        for name, value in self.value.items():
            yield Place(name, f"{name[:100]}", self).text(LONGEST_NAME), Place(value, name, self)

    def items(self, least: int = 0, most: int = 100_000) -> list[Place]:
        """The elements of a list of such a length."""
        if type(self.value) is not list:
            self._expected("a list")
        if not least <= len(self.value) <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            self.fail(f"a list of {len(self.value)}; it is to have {wanted}")
        return [Place(value, index, self) for index, value in enumerate(self.value)]

    # --- values ---

    @property
    def is_null(self) -> bool:
        """Whether nothing is here."""
        return self.value is None

    def text(self, most: int = LONGEST_TEXT) -> str:
        """A text without surrogates, which are half of a character, and nulls."""
        if type(self.value) is not str:
            self._expected("a text")
        text: str = self.value
        if len(text) > most:
            self.fail(f"a text of {len(text)} characters; {most} are the most")
        if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
            self.fail("a text with characters that stand for none")
        return text

    def name(self) -> str:
        """A short text on one line."""
        text = self.text(LONGEST_NAME)
        if not text.isprintable():
            self._expected("a name, which has printable characters only")
        return text

    def integer(self, least: int | None = None, most: int | None = None) -> int:
        """An integer between these, both included; `true` and `1.0` are none."""
        if type(self.value) is not int:
            self._expected("an integer")
        number: int = self.value
        if (least is not None and number < least) or (most is not None and number > most):
            self.fail(f"{_short(number)} is not between {least} and {most}")
        return number

    def number(self) -> int | float:
        """An integer, or a double that is neither infinite nor no number."""
        if type(self.value) not in (int, float):
            self._expected("a number")
        number: int | float = self.value
        if type(number) is float and not math.isfinite(number):
            self.fail("a number beyond the range of doubles")
        return number

    def boolean(self) -> bool:
        """True or false."""
        if type(self.value) is not bool:
            self._expected("true or false")
        return bool(self.value)

    def one_of(self, options: Collection[str], noun: str) -> str:
        """One of these texts."""
        if type(self.value) is not str or self.value not in options:
            self.fail(f"unknown {noun} {_short(self.value)}")
        return str(self.value)


def _short(value: Any) -> str:
    if type(value) is dict:
        return "an object"
    if type(value) is list:
        return "a list"
    text = json.dumps(value) if value is None or type(value) is bool else ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
