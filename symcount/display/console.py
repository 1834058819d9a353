"""Show formulas and breakdowns in a terminal, by rich: `rich.print(count)`.

`symcount.cli.views` has what else the command line shows.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table as Columns
from rich.text import Text

from symcount.display.outline import bar, rows, sizes_of
from symcount.display.table import Cell, Column, Table
from symcount.symbols import Hyperparameter, everywhere

if TYPE_CHECKING:
    from symcount.formula.breakdown import Breakdown
    from symcount.formula.formula import Formula

_BAR = 12


def formula_view(
    title: str,
    count: Formula,
    known: tuple[str, str] | None = None,
    sized: Collection[str] = (),
) -> RenderableType:
    """Show a formula, its symbols, domain and certificate.

    `known` are the formula and the domain as texts, if they are known: making them takes sympy.
    Of the symbols in `sized`, sizes are shown below.
    """
    formula, *domain = known or captions(count, sized)
    if domain == ["True"]:
        domain = [everywhere(count.hyperparameters)]
    about = Columns.grid(padding=(0, 2))
    about.add_column(style="dim", no_wrap=True)
    about.add_column()
    for h in count.hyperparameters:
        about.add_row("symbol", Cell(described(h)))
    if count.fixed:
        about.add_row("fixed", Cell(", ".join(f"{name}={value}" for name, value in count.fixed)))
    about.add_row("domain", *map(Cell, domain[:1]))
    for text in domain[1:]:
        about.add_row("", Cell(text, style="dim"))
    about.add_row("certificate", Cell(str(count.certificate)))
    padded = Padding(Cell(formula, style="cyan"), (1, 2), expand=False)
    misses = count.certificate.misses_defaults
    warned = [Text(misses, style="bold red")] if misses else []
    return Group(*warned, Text(title, style="bold"), padded, about)


def captions(count: Formula, sized: Collection[str] = ()) -> list[str]:
    """Return the formula in layers, and its domain in words and, if it is needed, by sympy."""
    from symcount.formula import domain_words, sympy_form

    words, domain = domain_words.domain(count, sized=sized)
    formula, said = sympy_form.text(count.in_layers), sympy_form.text(domain)
    return [formula, words] if said == "True" else [formula, words, said]


def breakdown_view(breakdown: Breakdown, depth: int | None = None) -> RenderableType:
    """Show a tree of parts; with sizes, the count and the share of each, and at a terminal a bar.

    Neighbours that hold the same are one row, and its bar is that of all of them. Modules are taken
    apart down to a depth, if one is given.
    """
    sizes = sizes_of(breakdown)
    has_classes = any(breakdown.classes.values())
    columns = [Column("module"), *([Column("type", spare=1)] if has_classes else [])]
    columns.append(Column(breakdown.modules[""].formula.measure.noun, breaks=True))
    if sizes is not None:
        columns += [Column("count", is_count=True), Column("share", is_count=True, spare=2)]
        columns.append(Column("", spare=3))
    lines: list[list[RenderableType]] = []
    for level, row in rows(breakdown).walk(most=depth):
        lines.append(["  " * level + row.name, *([row.part.kind] if has_classes else [])])
        lines[-1].append(row.part.formula)
        if sizes is not None:
            lines[-1] += [row.size_text, row.share_text, Bar(row.bar)]
    table = Table(columns, lines)
    if sizes is None:
        return table
    at = ", ".join(f"{name}={value}" for name, value in sizes.items())
    return Group(table, Cell(f"counts and shares are those at {at}", style="dim"))


@dataclass(frozen=True)
class Bar:
    """A share as a bar, for eyes at a terminal: in a pipe, the percentage beside it has to do."""

    share: float

    def __str__(self) -> str:
        return ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if not self._is_seen(console):
            yield Text("")
        elif options.ascii_only:
            yield Text("#" * round(self.share * _BAR))
        else:
            yield Text(bar(self.share, _BAR), style="cyan")

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        width = _BAR if self._is_seen(console) else 0
        return Measurement(width, width)

    @staticmethod
    def _is_seen(console: Console) -> bool:
        return console.is_terminal or console.is_jupyter


def domain_text(count: Formula, everything: str) -> str:
    """Write the domain, or what to say of one that excludes nothing."""
    from symcount.packages import sympy

    return everything if count.domain == sympy.true else str(count.domain)


def described(h: Hyperparameter) -> str:
    """Describe a symbol, the values that it takes, and its default.

    >>> described(Hyperparameter("dim", minimum=64, multiple_of=64, default=512))
    'dim >= 64, a multiple of 64, 512 by default'
    """
    text = f"{h.name} >= {h.minimum}"
    if h.maximum is not None:
        text = f"{h.minimum} <= {h.name} <= {h.maximum}"
    if h.multiple_of > 1:
        text += f", a multiple of {h.multiple_of}"
    return text if h.default is None else f"{text}, {h.default} by default"
