"""Names, literals and captions for formulas as code, whatever the language."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable
from typing import TYPE_CHECKING

from symcount.symbols import everywhere
from symcount.version import __version__

if TYPE_CHECKING:
    from symcount.formula.formula import Formula


def identifiers(names: Iterable[str], reserved: Container[str], prefix: str = "s") -> list[str]:
    """A name of ASCII letters for each name: itself if it may be, and no two the same.

    >>> identifiers(["dim", "class", "größe", "class_", "t0", "größen"], {"class"})
    ['dim', 'class_', 'gr_e', 'class__', 't0_', 'gr_en']
    """
    found: list[str] = []
    for name in names:
        made = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_") if not name.isascii() else name
        made = re.sub(r"\W+", "_", made)
        if not made or made[0].isdigit():
            made = f"{prefix}_{made}"
        while made in reserved or made in found or re.fullmatch("[st][0-9]+", made):
            made += "_"
        found.append(made)
    return found


def string(text: str) -> str:
    """A literal in double quotes, in ASCII on one line, for comments of any language."""
    return json.dumps(" ".join(text.split()))


def about(count: Formula) -> list[str]:
    """The formula, its domain, and where it comes from: a line each, for a comment."""
    from symcount.packages import sympy

    domain = (
        str(count.domain)
        if count.domain != sympy.true
        else everywhere(count.hyperparameters, "values")
    )
    points = len(count.certificate.points)
    return [
        f"Formula: {count}",
        f"Domain: {domain}",
        f"Derived by symcount {__version__} from {count.factory}; certificate: "
        f"{count.certificate.grade}, compared with built modules at {points} points",
    ]
