"""Read the text of a marker, such as `models.py:mlp table at dim=512 fixed bias=False`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from symcount.drift import notation
from symcount.errors import (
    ArgumentError,
)
from symcount.formula.amounts import UNITS
from symcount.symbols import Symbol

if TYPE_CHECKING:
    pass


SHOWN = ("formula", "domain", "certificate", "count", "table", "registry")
FORMS = ("code", "math")
LAYERS = "layers"
_WANTED = (
    f"write the target and then, as needed: {', '.join(SHOWN[:-1])} or {SHOWN[-1]}; at dim=512, "
    "heads=(8, 16), or small(dim=512), large(dim=768); fixed bias=False; symbols dim(min=64); "
    "as code, as math, as layers or as billions; levels 2"
)


@dataclass(frozen=True)
class Asked:
    """A request of a marker.

    Attributes:
        target: a factory, a module of blueprints, or `file.json#name`, as it is written.
        shown: what to show of it, of `SHOWN`.
        fixed: the parameters of the factory that are fixed.
        symbols: those that are kept symbolic.
        points: the sizes to count at.
        names: what these are called, if they have names.
        sizes: the same of a registry, whose blueprints have other symbols each.
        form: how formulas are written, of `FORMS`.
        in_layers: tells whether what each layer has is in brackets in them.
        unit: what counts are written in, of `UNITS`; "" if in full.
        levels: how many levels of modules a table has; None for as many as are few rows.
        name: what a substitution of reStructuredText is called.
    """

    target: str
    shown: tuple[str, ...]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    symbols: Mapping[str, Symbol] = field(default_factory=dict)
    points: Sequence[Mapping[str, Any]] = ()
    names: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()
    form: str = "code"
    in_layers: bool = False
    unit: str = ""
    levels: int | None = None
    name: str = ""


def read(text: str) -> Asked:
    """Read the text of a marker.

    Returns:
        What it asks for.

    Raises:
        ArgumentError: it cannot be read; the message says what is meant to stand there.

    >>> asked = read("models.py:mlp(bias=False) count at dim=(64, 512)")
    >>> asked.target, asked.shown, asked.fixed, asked.points
    ('models.py:mlp', ('count',), {'bias': False}, [{'dim': 64}, {'dim': 512}])
    """
    first, *words = _words(text)
    target, values = notation.read_call(first)
    sizes, fixed = notation.split(values or {})
    shown, clauses, name = _clauses(words)
    is_registry = "registry" in shown
    if is_registry:
        _require_module(target, shown, values)
    more = clauses.pop("at", "")
    points = [] if is_registry else notation.read_points(more, sizes)
    at = _numbers(more) if is_registry else ()
    has_sizes = bool(at) or any(name or point for name, point in points)
    if has_sizes and not shown:
        shown = ("count",)
    elif not shown:
        shown = ("formula",) if sizes or values is None or fixed else ("count",)
    fixed |= notation.read_values(clauses.pop("fixed", ""))
    form, in_layers, unit = _forms(clauses.get("as", "code"))
    found = Asked(
        target,
        shown,
        fixed,
        notation.read_symbols(clauses.pop("symbols", "")),
        points=[point for _, point in points],
        names=tuple(name for name, _ in points if name),
        sizes=at,
        form=form,
        in_layers=in_layers,
        unit=unit,
        levels=_levels(clauses.get("levels")),
        name=name,
    )
    _require_use(found, has_sizes, clauses)
    return found


def _require_module(target: str, shown: Sequence[str], values: Mapping[str, Any] | None) -> None:
    """Refuse a registry that is called, or shown with something else."""
    if len(shown) > 1:
        raise ArgumentError("a registry is shown by itself; write a marker for each")
    if values is not None:
        raise ArgumentError(f"a registry is a module, not a call; write {target} registry")


_CLAUSES = ("at", "fixed", "symbols", "as", "levels")
_WORD = re.compile(r"""(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[^\s'"])""")


def _words(text: str) -> list[str]:
    """Split a text into words; blanks in brackets and in quotes part none."""
    words, depth, place = [""], 0, 0
    while place < len(text):
        found = _WORD.match(text, place)
        part = text[place] if found is None else found[0]
        depth += (part in tuple("([{")) - (part in tuple(")]}"))
        if part.isspace() and depth <= 0:
            words.append("")
        else:
            words[-1] += part
        place += len(part)
    if depth:
        raise ArgumentError(f"{text!r}: the brackets do not match; {_WANTED}")
    return [word for word in words if word]


def _clauses(words: Sequence[str]) -> tuple[tuple[str, ...], dict[str, str], str]:
    """Return what is shown, the text of each clause, and the name of a substitution."""
    shown: list[str] = []
    clauses: dict[str, str] = {}
    name, open_clause, before = "", "", ""
    for word in words:
        goes_on = open_clause and before.endswith(",")
        if not goes_on and word in _CLAUSES:
            if word in clauses:
                raise ArgumentError(f"{word!r} is said twice; say it once")
            open_clause, clauses[word] = word, ""
        elif not goes_on and word in SHOWN:
            shown.append(word)
            open_clause = ""
        elif not goes_on and re.fullmatch(r"\|[^|]+\|", word):
            name, open_clause = word[1:-1], ""
        elif open_clause:
            clauses[open_clause] = f"{clauses[open_clause]} {word}".strip()
        else:
            raise ArgumentError(f"{word!r} is not understood; {_WANTED}{_close(word)}")
        before = word
    for clause, text in clauses.items():
        if not text:
            raise ArgumentError(f"nothing follows {clause!r}; {_WANTED}")
    return tuple(dict.fromkeys(shown)), clauses, name


def _close(word: str) -> str:
    from symcount.catalogue.targets import close_names

    return close_names(word, [*SHOWN, *_CLAUSES])


def _numbers(text: str) -> tuple[int, ...]:
    sizes = [size.strip() for size in text.split(",")] if text else []
    if not all(size.isdecimal() and size.isascii() for size in sizes):
        raise ArgumentError(f"at {text}: of a registry, write whole numbers such as 64, 512")
    return tuple(map(int, sizes))


def _forms(text: str) -> tuple[str, bool, str]:
    """Return how formulas are written, whether in layers, and in what counts are."""
    words = [word.strip() for word in text.split(",")]
    forms, layers, units = (
        [word for word in words if word in of] for of in (FORMS, (LAYERS,), UNITS)
    )
    if (
        len(forms) + len(layers) + len(units) < len(words)
        or max(map(len, (forms, layers, units))) > 1
    ):
        raise ArgumentError(
            f"as {text}: write as {', as '.join(FORMS)} or as {LAYERS}, or of a count "
            f"{', '.join(UNITS)}"
        )
    return (*forms, "code")[0], bool(layers), (*units, "")[0]


def _levels(text: str | None) -> int | None:
    if text is None:
        return None
    if text == "all":
        return 10**6
    if not (text.isdecimal() and text.isascii() and int(text) > 0):
        raise ArgumentError(f"levels {text}: write how many, such as 2, or all")
    return int(text)


_FORMULAS = {"formula", "domain", "table", "registry"}
_IN_LAYERS = {"formula", "table"}


def _require_use(wanted: Asked, has_sizes: bool, clauses: Mapping[str, str]) -> None:
    """Refuse what would have no effect, for it is meant to have one."""
    shown = set(wanted.shown)
    if has_sizes and not shown & {"count", "table", "registry"}:
        raise ArgumentError(f"sizes are for count, table or registry, not for {wanted.shown[0]}")
    if "levels" in clauses and "table" not in shown:
        raise ArgumentError("levels are those of a table; write table too")
    if wanted.unit and "count" not in shown:
        raise ArgumentError(f"{wanted.unit} are of a count; write count too, or leave them out")
    if clauses.get("as", wanted.unit) != wanted.unit and not shown & _FORMULAS:
        raise ArgumentError(f"{wanted.shown[0]} has no other form; leave out 'as'")
    if wanted.in_layers and not shown & _IN_LAYERS:
        raise ArgumentError(f"layers are of a formula or table; {wanted.shown[0]} has none")
    if (wanted.fixed or wanted.symbols) and ("registry" in shown or "#" in wanted.target):
        what = "the blueprints of a registry" if "registry" in shown else "a stored formula"
        raise ArgumentError(f"nothing of {what} can be fixed or kept symbolic; leave that out")
