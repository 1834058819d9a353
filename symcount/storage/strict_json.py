"""Decode JSON strictly, and say where in a document something is wrong.

What JSON leaves open is refused: a field given twice, NaN, numbers of any length.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from symcount.errors import StoredFormulaError

MOST_DIGITS = 1_000


class MalformedError(Exception):
    """A fault in a document, and the keys that lead to it, the outermost first."""

    def __init__(self, problem: str, *keys: str | int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.keys = keys

    def within(self, *keys: str | int) -> MalformedError:
        """Return this error, seen from further outside: these keys lead to where it was."""
        self.keys = (*keys, *self.keys)
        return self

    def __str__(self) -> str:
        path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in self.keys)
        return f"{path.lstrip('.')}: {self.problem}" if path else self.problem


@contextmanager
def located(label: str, *keys: str | int) -> Iterator[None]:
    """Raise what is malformed as an error for users, with its place such as `tree[0].if`.

    Raises:
        StoredFormulaError: the document is malformed.
    """
    try:
        yield
    except MalformedError as error:
        raise StoredFormulaError(f"{label}: {error.within(*keys)}") from None


def decoded(text: str) -> Any:
    """Return the value of a JSON text.

    Raises:
        MalformedError: it is no JSON, or is JSON that means different things to different readers.
    """
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        here = f"line {error.lineno}, column {error.colno}"
        raise MalformedError(f"this is not JSON: {error.msg} ({here})") from None
    except RecursionError:
        raise MalformedError("it is nested too deeply") from None


def short(value: Any) -> str:
    """Return a value as it is quoted in an error."""
    if type(value) is dict:
        return "an object"
    if type(value) is list:
        return "a list"
    text = json.dumps(value) if value is None or type(value) is bool else ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise MalformedError(f"the field {short(twice)} is given twice")
    return found


def _integer(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise MalformedError(f"an integer has {len(text)} digits; {MOST_DIGITS} are the most")
    return int(text)


def _constant(text: str) -> NoReturn:
    raise MalformedError(f"{text} is no number of JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_without_duplicates, parse_int=_integer, parse_constant=_constant
)
