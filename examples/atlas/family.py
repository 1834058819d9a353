"""What the atlas says of a model family: how it is derived, and which sizes of it are published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import symcount
from symcount import ParamCount, Symbol
from symcount.many import derived

__all__ = ["STORED", "WORK", "Family", "Size", "stored"]

# The formulas of all families, as `make atlas` derived them.
STORED = Path(__file__).resolve().parents[2] / "docs" / "atlas" / "formulas.json"
# What the largest of the families may do.
WORK = 60_000_000


@dataclass(frozen=True)
class Size:
    """A model of a family, and how many parameters others say that it has.

    Attributes:
        name: what it is called.
        at: its sizes, by the names of the formula's symbols.
        source: who published `total`, and where. If there is no total: where the sizes are from.
        total: the published count. None if none was found, exact or rounded.
        unit: what `total` was rounded to a multiple of: ten thousand if it was "6.11 million".
        beyond: how many parameters the class has that `total` leaves out; negative if `total` has
            some that the class has not.
        because: which these are.
    """

    name: str
    at: Mapping[str, float]
    source: str
    total: int | None = None
    unit: int = 1
    beyond: int = 0
    because: str = ""

    def agrees(self, count: int) -> bool:
        """Whether a count is what was published, as exactly as it was, and what is explained."""
        rounded = self.unit * round((count - self.beyond) / self.unit)
        return self.total is None or rounded == self.total


@dataclass(frozen=True)
class Family:
    """A model family, and how its formula is derived.

    Attributes:
        key: its name in files.
        title: its name on pages.
        kind: the group of pages that it is in.
        about: what it is.
        paper: where it was introduced.
        model: the class, or a factory, as the command line names it: `package.module:name`.
        sizes: models of it.
        config: the class of the config that `model` takes, if it takes one.
        symbols: what stays symbolic, and what is declared of it. Of a factory, all integers do.
        fixed: what is not as it is by default.
        note: what else is to be known of the formula or of the sizes.
    """

    key: str
    title: str
    kind: str
    about: str
    paper: str
    model: str
    sizes: tuple[Size, ...]
    config: str | None = None
    symbols: Mapping[str, Symbol] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def asked(self) -> tuple[str, str | None, dict[str, Any]]:
        """What is derived, as a target of `derive_many`."""
        symbols = self.symbols if self.config is None else {"symbols": self.symbols}
        return self.model, self.config, {"max_work": WORK, **symbols, **self.fixed}

    def derived(self) -> ParamCount:
        """The formula, derived now."""
        return derived(*self.asked)

    @property
    def stored(self) -> ParamCount:
        """The formula, as it was derived last; neither torch nor transformers is loaded."""
        return stored()[self.key]


@cache
def stored() -> symcount.StoredFormulas:
    """The formulas of all families that `make atlas` has derived."""
    return symcount.load(STORED)
