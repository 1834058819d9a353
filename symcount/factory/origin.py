"""Record where a formula comes from: its factory, what that was called with, and the versions.

Enough to derive it again, where the factory can be named and its arguments can be written down.
"""

from __future__ import annotations

import math
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from symcount.factory.slots import Slot, Template, implied_name, put_in
from symcount.symbols import Hyperparameter, Symbol

DIGITS = 8  # of the digest of a line
NO_CODE = "." * DIGITS


@dataclass(frozen=True)
class Opaque:
    """A value that cannot be written down, and what it looked like."""

    text: str

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Statement:
    """A statement at the top level of a file, known by digests: a function, class or constant.

    Attributes:
        file: the file's name, relative to where modules are imported from.
        name: what the statement defines.
        line: the line that it begins with.
        digests: a digest of each of its lines; `NO_CODE` for one that has none, such as a comment.
        path: where the file is on this machine; not known of statements that come from a file.
    """

    file: str
    name: str
    line: int
    digests: tuple[str, ...]
    path: str = field(default="", compare=False)


@dataclass(frozen=True)
class Origin:
    """How a formula was derived.

    Attributes:
        target: the factory as the command line names it, `package.module:factory` or
            `path/to/file.py:factory`. None if it has no such name, as a lambda has not.
        given: the parameters that were fixed by keyword, and their values; an `Opaque` in the
            place of a value that is no number, text, None, or list or tuple of these, and None in
            that of a symbol in a list or tuple.
        hyperparameters: the symbols as they were declared, before any substitution.
        symcount: the version of symcount.
        torch: the version of torch.
        max_paths: how many paths were to be followed at most.
        max_work: how much work was to be done at most. 0 if it was derived when work was not
            counted.
        max_seconds: how long it was to take at most.
        config: the class of the config that the target takes, named likewise; None if it takes
            none.
        statements: the statements that the factory is made of, as digests; known of formulas that
            come from a file.

    >>> import symcount
    >>> from torch import nn
    >>> origin = symcount.derive(nn.Linear, bias=False).origin
    >>> origin.target, origin.given
    ('torch.nn.modules.linear:Linear', (('bias', False),))
    >>> origin.arguments
    {'in_features': Symbol(min=1, ...), 'out_features': Symbol(min=1, ...), 'bias': False}
    """

    target: str | None
    given: tuple[tuple[str, Any], ...]
    hyperparameters: tuple[Hyperparameter, ...]
    symcount: str
    torch: str
    max_paths: int
    max_seconds: float
    max_work: int = 0
    config: str | None = None
    statements: tuple[Statement, ...] = ()

    @property
    def arguments(self) -> dict[str, Any]:
        """The keywords for `derive`, or for `from_config`, that give this formula again."""
        declared: dict[str, Any] = {}
        given = dict(self.given)
        for h in self.hyperparameters:
            for argument in h.arguments:
                symbol = Symbol(
                    min=h.minimum,
                    max=h.maximum,
                    multiple_of=h.multiple_of,
                    name=None if h.name == implied_name(argument) else h.name,
                    real=h.real,
                )
                if argument.isidentifier():
                    declared[argument] = symbol
                else:
                    put_in(given, argument, symbol)
        return {**declared, **given}

    @property
    def unnamed(self) -> tuple[str, ...]:
        """The fixed parameters whose values are not known any more."""
        return tuple(name for name, value in self.given if _has_opaque(value))


def target_of(factory: Callable[..., Any]) -> str | None:
    """Return the name that the command line finds a factory by, if it has one."""
    name = getattr(factory, "__qualname__", None)
    module = sys.modules.get(getattr(factory, "__module__", None) or "")
    if not isinstance(name, str) or module is None:
        return None
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is not factory:
        return None
    place = module.__name__
    if place == "__main__" or not all(part.isidentifier() for part in place.split(".")):
        place = portable(getattr(module, "__file__", None) or "")
        if not place.endswith(".py"):
            return None
    return f"{place}:{name}"


def portable(file: str) -> str:
    """Return a file's name without what differs from machine to machine.

    It is relative to where modules are imported from, or to the current directory.
    """
    roots = [os.getcwd(), *(os.path.abspath(root) for root in sys.path)]
    inside = [root for root in roots if file.startswith(root.rstrip(os.sep) + os.sep)]
    if not inside:
        return file
    return file[len(max(inside, key=len).rstrip(os.sep)) + 1 :].replace(os.sep, "/")


def plain(value: Any) -> Any:
    """Return a value that can be written down, or else an `Opaque`."""
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float and math.isfinite(value):
        return value
    if isinstance(value, Slot):
        return None
    if isinstance(value, Template):
        return plain(value.value)
    if type(value) in (list, tuple):
        return type(value)(map(plain, value))
    return Opaque(text_of(value))


def text_of(value: Any) -> str:
    """Return the text of a value without where it is in memory: `<function relu>`."""
    return _ADDRESS.sub(">", repr(value))


_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+>")


def plain_values(values: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Return keywords and their values, each written down or opaque."""
    return tuple((name, plain(value)) for name, value in values.items())


def _has_opaque(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_has_opaque, value))
    return isinstance(value, Opaque)
