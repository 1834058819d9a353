"""Show an audit in a terminal: how far off estimates are, and which are in the wrong order."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.text import Text

from symcount.cli.views import NOTHING, number
from symcount.display.table import Cell, Column, Table, fits
from symcount.errors import DerivationError

if TYPE_CHECKING:
    from symcount.catalogue.audit import Audit, Estimate, Reading
    from symcount.catalogue.registry import BlueprintSpec


def audit_view(audit: Audit) -> RenderableType:
    """Show the estimates, worst first, with true counts and times off; then notes.

    Where the terminal is too narrow for the counts, only the times off; else a line for each.
    """
    tables = [_audit_table(audit, counts=True), _audit_table(audit, counts=False)]
    shown = _Widest([*tables, Group(*_audit_lines(audit))])
    return Group(shown, *(Cell(note) for note in _notes(audit)))


@dataclass(frozen=True)
class _Widest:
    """The first of several views that fits the terminal, otherwise the last."""

    views: Sequence[RenderableType]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for view in self.views[:-1]:
            if fits(view, console, options):
                yield view
                return
        yield self.views[-1]


def _audit_table(audit: Audit, counts: bool) -> Table:
    first = Column("blueprint, its formula" if counts else "off by, at size", breaks=True)
    sizes = [f"at {size}" if counts else str(size) for size in audit.sizes]
    columns = [first, *(Column(title, is_count=True) for title in ("declared", *sizes))]
    rows: list[list[RenderableType]] = []
    for finding in audit.findings:
        declared = f"{finding.declared:,}"
        off = [_off(reading, audit.tolerance) for reading in finding.readings]
        if counts:
            true = [number(reading.count) for reading in finding.readings]
            rows.append([Text(finding.spec.key, style="bold"), declared, *true])
            rows.append([Cell(_formula(finding.spec), style="cyan"), "off by", *off])
            rows.append([""] * len(columns))
        else:
            rows.append([finding.spec.key, declared, *off])
    return Table(columns, rows)


def _audit_lines(audit: Audit) -> Iterator[RenderableType]:
    for finding in audit.findings:
        yield Text(finding.spec.key, style="bold")
        yield Padding(Cell(_formula(finding.spec), style="cyan"), (0, 0, 0, 2))
        yield Text(f"  declared = {finding.declared:,}")
        for reading in finding.readings:
            off = _off(reading, audit.tolerance)
            yield Text(f"  at {reading.size} = {number(reading.count)}, ").append_text(off)


def _formula(spec: BlueprintSpec) -> str:
    try:
        return str(spec.param_count)
    except DerivationError:
        return "no formula"


def _off(reading: Reading, tolerance: float) -> Text:
    factor = reading.times_off
    if factor is None:
        return Text(NOTHING)
    return Text(format_times(factor), style="bold red" if factor > tolerance else "green")


def format_times(factor: float) -> str:
    """Write a factor in few digits.

    >>> [format_times(x) for x in (1.0, 1.0006, 65.792, 4196.352, float("inf"))]
    ['exact', '1.00x', '65.8x', '4,196x', 'all of it']
    """
    if factor == 1:
        return "exact"
    if math.isinf(factor):
        return "all of it"
    return f"{factor:,.{2 if factor < 10 else 1 if factor < 100 else 0}f}x"


def _notes(audit: Audit) -> list[str]:
    notes = [audit.verdict]
    for ranking in audit.rankings:
        notes += [
            f"{ranking.topology}: {swap.declared_cheaper} is declared cheaper than "
            f"{swap.declared_dearer}, and is dearer at {_listed(swap.sizes)}"
            for swap in ranking.swaps
        ]
    for finding in audit.findings:
        notes += _missing(finding)
    if audit.undeclared:
        notes.append(f"without an estimate: {', '.join(audit.undeclared)}")
    return notes


def _missing(finding: Estimate) -> list[str]:
    by_reason: dict[str, list[int]] = {}
    for reading in finding.readings:
        if reading.count is None:
            by_reason.setdefault((reading.reason or "").partition("\n")[0], []).append(reading.size)
    return [
        f"{finding.spec.key} has no count at {_listed(sizes)}: {reason}"
        for reason, sizes in by_reason.items()
    ]


def _listed(sizes: Iterable[int]) -> str:
    return ", ".join(map(str, sizes))
