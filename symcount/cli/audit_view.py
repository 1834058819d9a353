"""Show an audit in a terminal: how far off estimates are, and which are in the wrong order."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from symcount.cli.views import NOTHING, PIPED_WIDTH, number
from symcount.display.console import empty_table
from symcount.errors import DerivationError

if TYPE_CHECKING:
    from symcount.catalogue.audit import Audit, Estimate, Reading
    from symcount.catalogue.registry import BlueprintSpec


def audit_view(audit: Audit) -> RenderableType:
    """Show the estimates, worst first, with true counts and times off; then notes.

    Where the terminal is too narrow for the counts, only the times off.
    """
    tables = _Widest([_audit_table(audit, counts=True), _audit_table(audit, counts=False)])
    return Group(tables, *(Text(note) for note in _notes(audit)))


@dataclass(frozen=True)
class _Widest:
    """The first of several views that fits the terminal, otherwise the last."""

    views: Sequence[RenderableType]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for view in self.views[:-1]:
            needed = Measurement.get(console, options.update(width=PIPED_WIDTH), view).minimum
            if needed <= options.max_width:
                yield view
                return
        yield self.views[-1]


def _audit_table(audit: Audit, counts: bool) -> Table:
    table = empty_table()
    table.add_column("blueprint, its formula" if counts else "off by, at size", overflow="fold")
    table.add_column("declared", justify="right", overflow="fold")
    for size in audit.sizes:
        table.add_column(f"at {size}" if counts else str(size), justify="right", overflow="fold")
    for finding in audit.findings:
        declared = f"{finding.declared:,}"
        off = [_off(reading, audit.tolerance) for reading in finding.readings]
        if counts:
            true = [number(reading.count) for reading in finding.readings]
            table.add_row(Text(finding.spec.key, style="bold"), declared, *true)
            table.add_row(
                Text(_formula(finding.spec), style="cyan"), "off by", *off, end_section=True
            )
        else:
            table.add_row(finding.spec.key, declared, *off)
    return table


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
    notes = [_verdict(audit)]
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


def _verdict(audit: Audit) -> str:
    if not audit.findings:
        return "no blueprint declares an estimate: there is nothing to audit"
    return (
        f"{len(audit.exceeding)} of {len(audit.findings)} estimates are off by more than "
        f"{audit.tolerance:g}x at some size"
    )


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
