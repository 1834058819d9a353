"""Answer what documents ask for: resolve a target, and derive or load its formula once."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symcount.catalogue.trust import Trust
from symcount.drift import requests
from symcount.drift.marker_text import Asked
from symcount.drift.requests import Blueprint, Request
from symcount.errors import (
    ArgumentError,
    SymcountError,
    TargetError,
)
from symcount.factory.origin import portable
from symcount.formula.evaluation import Evaluation

if TYPE_CHECKING:
    from symcount.param_count import ParamCount


class Answers:
    """The formulas that documents ask for, each derived once."""

    def __init__(self, max_seconds: float = requests.SECONDS, trust: Trust | None = None) -> None:
        self.max_seconds = max_seconds
        self.trust: Trust = trust or Trust()
        self._known: dict[str, Any] = {}

    def once(self, key: str, ask: Callable[[], Any]) -> Any:
        """Return what was answered before, be it an error, or else ask now."""
        if key not in self._known:
            try:
                self._known[key] = ask()
            except SymcountError as error:
                self._known[key] = error
        known = self._known[key]
        if isinstance(known, SymcountError):
            raise known
        return known


@dataclass(frozen=True)
class Query:
    """A request of a marker, and its answer. Paths in it are relative to its document."""

    document: Path
    asked: Asked
    answers: Answers

    def count(self) -> ParamCount:
        """Return the formula of the target, derived or loaded.

        Raises:
            SymcountError: there is no such formula.
        """
        file, sharp, name = self.asked.target.rpartition("#")
        if sharp:
            stored = self._path(file)
            self._trust.require_file(self.asked.target, stored)
            count = self.answers.once(f"stored {stored}#{name}", lambda: _stored(stored, name))
        else:
            asked, trust, seconds = self.asked, self._trust, self.answers.max_seconds
            request = Request(self._target(), asked.fixed, asked.symbols, trust, seconds)
            count = self.answers.once(f"{request.key} {trust}", lambda: request.answer()[0])
        found: ParamCount = count
        return found

    def out_of_time(self) -> str:
        """Return why the clock has ended the derivation, empty if it has not."""
        if self.asked.shown == ("registry",):
            return ""
        certificate = self.count().certificate
        return certificate.reason if certificate.out_of_time else ""

    def values(self) -> list[Evaluation]:
        """Return the counts at the sizes that are asked for."""
        count = self.count()
        return [Evaluation.of(count, point) for point in self.asked.points or [{}]]

    def blueprints(self) -> Sequence[Blueprint]:
        """Return the blueprints of the module that is the target."""
        module, trust = self._path(self.asked.target), self._trust
        found: Sequence[Blueprint] = self.answers.once(
            f"blueprints {module} {trust}", lambda: requests.blueprints(module, trust)[0]
        )
        return found

    def source(self) -> str:
        """Return the line of the factory, or nothing if that is not known."""
        if self.asked.shown == ("registry",) or "#" in self.asked.target:
            return ""
        from symcount.catalogue import targets

        function: Any = targets.resolve(self._target(), self._trust).factory
        while isinstance(function, partial):
            function = function.func
        try:
            function = inspect.unwrap(function)
            lines, start = inspect.getsourcelines(function)
            file = inspect.getsourcefile(function) or ""
        except (TypeError, OSError):  # built in, or typed at a prompt
            return ""
        named = (n for n, line in enumerate(lines) if re.match(r"\s*(async |def |class )", line))
        offset = next(named, 0)
        return f"{portable(file)}:{start + offset}: {lines[offset].strip()}"

    @property
    def _trust(self) -> Trust:
        return self.answers.trust.beside(self.document.parent)

    def _target(self) -> str:
        place, colon, name = self.asked.target.rpartition(":")
        return f"{self._path(place)}{colon}{name}"

    def _path(self, place: str) -> str:
        """Return a path from the current directory; a module stays what it is."""
        if not place.endswith((".py", ".json")):
            return place
        if os.path.isabs(place):
            raise ArgumentError(
                f"{place}: a path is relative to the document it is in, so that it is right on "
                "other machines too"
            )
        return os.path.normpath(self.document.parent / place)


def _stored(path: str, name: str) -> ParamCount:
    from symcount.api import load

    try:
        return load(path)[name]
    except OSError as error:
        raise TargetError(f"cannot read {path}: {error.strerror}") from error
