"""Derive the formulas that pages ask for, from the code as it is on disk now.

Nothing here knows a host. torch and sympy are loaded when something is derived, and not before, so
that a build that finds all its answers in a cache is as quick as one without formulas.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from symcount.catalogue.trust import Trust
from symcount.drift.reloading import (
    Digests,
    code_as_it_is,
    digests,
    own_file,
    sources_of,
    with_imports,
)
from symcount.errors import ArgumentError, DerivationError, SymcountError
from symcount.symbols import Symbol
from symcount.work import MAX_SECONDS, MAX_WORK

if TYPE_CHECKING:
    from symcount.display.outline import Row
    from symcount.param_count import ParamCount


SECONDS = MAX_SECONDS


@dataclass(frozen=True)
class Request:
    """A formula that a page asks for: a target, and what to fix and to keep symbolic of it."""

    target: str
    fixed: Mapping[str, Any]
    symbols: Mapping[str, Symbol]
    trust: Trust
    max_seconds: float = SECONDS
    max_work: int = MAX_WORK

    @property
    def key(self) -> str:
        """A key that is equal for requests that ask for the same."""
        given = _sorted(self.fixed), _sorted(self.symbols)
        return repr((self.target, *given, self.max_work, self.max_seconds, self.trust.allowed))

    def answer(self) -> tuple[ParamCount, Digests]:
        """Derive the formula from the code as it is on disk now.

        Returns:
            The formula, and the files that it depends on.

        Raises:
            NotTrustedError: the factory is none that is called for a page.
            SymcountError: there is no such factory, or no formula.
        """
        both = self.fixed.keys() & self.symbols.keys()
        if both:
            raise ArgumentError(f"{min(both)!r} is both fixed and kept symbolic; say one of them")
        from symcount.api import derive
        from symcount.catalogue import targets

        with code_as_it_is():
            found = targets.resolve(self.target, self.trust)
            sources_of(found)  # are noted as loaded, should there be no formula
            if found.spec is not None and not self.fixed and not self.symbols:
                count = found.spec.param_count
            else:
                given: Any = {"max_work": self.max_work, "max_seconds": self.max_seconds}
                count = derive(found.factory, **{**given, **self.fixed, **self.symbols})
            return count, digests(sources_of(found))


def _sorted(values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return sorted(values.items(), key=lambda item: item[0])


@dataclass(frozen=True)
class Blueprint:
    """A blueprint as a table shows it: its formula, or the reason why it has none."""

    key: str
    description: str
    count: ParamCount | None
    reason: str = ""


def blueprints(module: str, trust: Trust) -> tuple[tuple[Blueprint, ...], Digests]:
    """Derive the blueprints that a module registers, from the code as it is on disk now.

    Returns:
        The blueprints, and the files that they depend on.

    Raises:
        SymcountError: there is no such module, or it registers none.
    """
    from symcount.catalogue import targets

    with code_as_it_is():
        specs = targets.load_blueprints(module, trust)
        found, files = [], own_file(targets.load(module))
        for spec in specs:
            try:
                found.append(Blueprint(spec.key, spec.description, spec.param_count))
            except DerivationError as error:
                found.append(Blueprint(spec.key, spec.description, None, str(error)))
            files |= sources_of(targets.Target(spec.key, spec.factory, spec))
        return tuple(found), digests(with_imports(files))


# Rows of a breakdown that are shown if it is not said how deep to go.
_ROWS = 14


def breakdown_rows(
    count: ParamCount, at: Mapping[str, Any] | None, levels: int | None
) -> list[tuple[int, Row]]:
    """Return the rows of a breakdown with their depths, by default down to where they are few."""
    from symcount.display.outline import rows

    breakdown = count.breakdown()
    walked = list(rows(breakdown if at is None else breakdown.at(**at)).walk())
    if levels is None:
        deepest = max(depth for depth, _ in walked)
        fits = (n for n in range(deepest, 1, -1) if sum(d <= n for d, _ in walked) <= _ROWS)
        levels = next(fits, 1)
    return [(depth, row) for depth, row in walked if depth <= levels]


def breakdown_table(
    count: ParamCount, at: Mapping[str, Any] | None, levels: int | None
) -> tuple[list[str], list[tuple[int, Row]]]:
    """Return the titles of a breakdown as a table, and its rows with their depths.

    There are two columns, and two more for counts and shares where sizes are known.
    """
    walked, titles = breakdown_rows(count, at, levels), ["module", count.formula.measure.noun]
    if walked[0][1].size is not None:
        sizes = {**count.defaults, **(at or {})}
        said = ", ".join(f"{h.name}={sizes[h.name]}" for h in count.hyperparameters)
        titles += [f"at {said}", "share"]
    return titles, walked


def explained(error: Exception) -> str:
    """Explain an error to a reader, whoever made it."""
    if isinstance(error, SymcountError):
        return str(error)
    return f"{type(error).__name__}: {error}\n  This is a defect of symcount; please report it."
