"""Markdown for GitHub and MyST: mathematics between dollars, safe in a table's cell.

Markdown reads a backslash before punctuation as an escape, also between dollars, and a bar as
the end of a cell. Formulas are therefore written without either.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from typing import TYPE_CHECKING

from symcount.errors import DerivationError
from symcount.export import latex

if TYPE_CHECKING:
    from symcount.formula import ParamCount
    from symcount.registry import BlueprintSpec

_WORDS = {
    r"\\": r"\cr ",
    r"\:": r"\ ",
    r"\;": r"\ ",
    r"\,": r"\ ",
    r"\&": r"\text{ and }",
    r"\_": "-",
    "|": r"\vert ",
}
_SPECIAL = re.compile(r"[\\`*_{}\[\]<>$|#~&]")


def render_count(count: ParamCount, title: str | None = None) -> str:
    r"""A section: the formula, then a list of its domain, symbols and certificate.

    >>> import symcount
    >>> from torch import nn
    >>> print(render_count(symcount.derive(nn.Linear, in_features=10), title="A classifier"))
    ... # doctest: +ELLIPSIS
    ## A classifier
    <BLANKLINE>
    $11 \cdot \mathrm{out_{features}}$
    <BLANKLINE>
    - Domain: all positive integers
    - Fixed: `in_features=10`
    - Certificate: ...
    """
    items = [
        ("Domain", _plain(latex.to_domain(count))),
        ("Defaults", _codes(count.defaults.items())),
        ("Fixed", _codes(count.fixed)),
        ("Certificate", escape("; ".join(str(count.certificate).splitlines()))),
    ]
    return "\n".join(
        [
            f"## {escape(title or count.factory)}",
            "",
            _math(count),
            "",
            *(f"- {label}: {text}" for label, text in items if text),
            "",
        ]
    )


def render_registry(specs: Iterable[BlueprintSpec]) -> str:
    """A section with a table for each topology."""
    sections = []
    by_topology = sorted(specs, key=lambda spec: spec.topology)
    for topology, group in groupby(by_topology, key=lambda spec: spec.topology):
        sections += [
            f"## {escape(topology)}",
            "",
            "| blueprint | parameters | domain | defaults | certificate | description |",
            "|---|---|---|---|---|---|",
            *(f"| {' | '.join(_row(spec))} |" for spec in group),
            "",
        ]
    return "\n".join(sections)


def _row(spec: BlueprintSpec) -> list[str]:
    name, description = _code(spec.name), escape(spec.description)
    try:
        count = spec.param_count
    except DerivationError as error:
        return [name, f"no formula: {escape(str(error))}", "", "", "", description]
    return [
        name,
        _math(count),
        _plain(latex.to_domain(count)),
        _codes(count.defaults.items()),
        latex.summary(count),
        description,
    ]


def _math(count: ParamCount) -> str:
    return f"${_plain(latex.to_math(count.expr))}$"


def _plain(mathematics: str) -> str:
    """Mathematics without what Markdown would take for itself."""
    pattern = "|".join(map(re.escape, _WORDS))
    return re.sub(pattern, lambda found: _WORDS[found[0]], mathematics)


def _codes(values: Iterable[tuple[str, object]]) -> str:
    return ", ".join(_code(f"{name}={value}") for name, value in values)


def _code(text: str) -> str:
    """A code span that no backtick ends early, safe in a table's cell."""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    padding = " " if "`" in text else ""
    return f"{fence}{padding}{text}{padding}{fence}".replace("|", r"\|")


def escape(text: str) -> str:
    r"""Text in which no character is markup; line breaks become spaces.

    >>> print(escape("a|b of conv_small"))
    a\|b of conv\_small
    """
    return _SPECIAL.sub(lambda found: f"\\{found[0]}", " ".join(text.split()))
