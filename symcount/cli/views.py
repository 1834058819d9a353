"""Show formulas, registries and audits in a terminal.

The functions of a formula, registry or audit return a view; `show` prints it.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Lines
from rich.table import Table
from rich.text import Text

from symcount.catalogue.registry import count_at
from symcount.display.console import breakdown_view, domain_text, empty_table, formula_view
from symcount.errors import DerivationError
from symcount.formula.evaluation import Evaluation

if TYPE_CHECKING:
    from symcount.catalogue.all_symbols import AllSymbols
    from symcount.catalogue.audit import Audit, Estimate, Reading
    from symcount.catalogue.registry import BlueprintSpec
    from symcount.param_count import ParamCount
    from symcount.storage.file import StoredFormulas

PIPED_WIDTH = 100_000
NOTHING = "–"
_LONGEST_LISTED = 100


def show(*views: RenderableType) -> None:
    """Print views; on anything but a terminal without colours, and lines as long as they are."""
    console = Console(markup=False, highlight=False, emoji=False)
    if console.is_terminal:
        console.print(*views, sep="\n")
        return
    console.width = PIPED_WIDTH
    with console.capture() as capture:
        console.print(*views, sep="\n")
    console.file.writelines(f"{line.rstrip()}\n" for line in capture.get().splitlines())
    console.file.flush()


# --- one formula ------------------------------------------------------------------------------


def count_view(title: str, count: ParamCount, values: Sequence[Evaluation] = ()) -> RenderableType:
    """Show a formula, its symbols, domain and certificate, its breakdown, and its values.

    The breakdown shows shares at the first of the values that is in the domain.
    """
    breakdown = count.breakdown()
    at = next((value.at for value in values if value.count is not None), None)
    parts = [
        formula_view(title, count),
        breakdown_view(breakdown if at is None else breakdown.at(**at)),
    ]
    if values:
        parts.append(_values(count, values))
    return Group(*parts)


def _values(count: ParamCount, values: Sequence[Evaluation]) -> Table:
    table = empty_table()
    for h in count.hyperparameters:
        table.add_column(h.name, justify="right", overflow="fold")
    table.add_column(count.measure.noun, justify="right", overflow="fold")
    reasons = any(value.reason for value in values)
    if reasons:
        table.add_column("", overflow="fold")
    for value in values:
        row = [str(value.at[h.name]) for h in count.hyperparameters] + [_number(value.count)]
        table.add_row(*row, *([value.reason or ""] if reasons else []))
    return table


def stored_view(
    name: str, formulas: StoredFormulas, values: Sequence[Evaluation]
) -> RenderableType:
    """Show a stored formula, where it comes from, and its values; nothing of it takes sympy."""
    count = formulas[name]
    parts = [formula_view(name, count, formulas.captions(name))]
    if count.origin is not None:
        versions = f"symcount {count.origin.symcount} and torch {count.origin.torch}"
        target = count.origin.target or f"{count.factory}, which has no name to find it by"
        parts.append(Text(f"\nderived from {target}, with {versions}", style="dim"))
    return Group(*parts, *([_values(count, values)] if values else []))


def stored_list_view(formulas: StoredFormulas) -> RenderableType:
    """Show the names of stored formulas, with the formulas and their domains, long ones cut."""
    table = empty_table()
    table.add_column("name", no_wrap=True)
    table.add_column("formula", overflow="fold", style="cyan")
    table.add_column("domain", overflow="fold")
    for name in formulas:
        formula, domain = formulas.captions(name)
        where = "all" if domain == "True" else domain
        table.add_row(Text(name), Text(_cut(formula)), Text(_cut(where)))
    return table


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_LISTED else f"{text[: _LONGEST_LISTED - 1]}…"


def symbols_view(found: AllSymbols) -> RenderableType:
    """Show which hyper-parameters are symbols of a formula, and why the others are not."""
    table = empty_table()
    table.add_column("hyper-parameter", no_wrap=True)
    table.add_column("symbolic", overflow="fold")
    for name in found.kept:
        table.add_row(name, "yes")
    for name, reason in found.refused.items():
        table.add_row(name, f"no: {reason}")
    return table


# --- a registry -------------------------------------------------------------------------------


def registry_view(specs: Iterable[BlueprintSpec], sizes: Sequence[int]) -> RenderableType:
    """Show a table for each topology: blueprints, formulas, and counts at several sizes."""
    by_topology = sorted(specs, key=lambda spec: spec.topology)
    return Group(
        *(
            _topology(topology, list(group), sizes)
            for topology, group in groupby(by_topology, key=lambda spec: spec.topology)
        )
    )


def _topology(name: str, specs: Sequence[BlueprintSpec], sizes: Sequence[int]) -> Table:
    table = empty_table()
    table.add_column(name, no_wrap=True)
    table.add_column("parameters", overflow="fold", style="cyan")
    table.add_column("domain", overflow="fold")
    for size in sizes:
        table.add_column(f"at {size}", justify="right", overflow="fold")
    for spec in specs:
        try:
            formula = [str(spec.param_count), domain_text(spec.param_count, "all")]
        except DerivationError as error:
            formula = [f"no formula: {error}", NOTHING]
        table.add_row(spec.name, *formula, *(_number(count_at(spec, s)) for s in sizes))
    return table


# --- an audit ---------------------------------------------------------------------------------


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
            true = [_number(reading.count) for reading in finding.readings]
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


def _number(count: int | None) -> str:
    return NOTHING if count is None else f"{count:,}"


# --- progress ---------------------------------------------------------------------------------


class Progress:
    """A line on standard error about what takes longer than `patience` seconds.

    It is there until its context ends, and leaves nothing behind. With a `total` it has a bar of
    how many of so many items were said to be next; see `symcount.progress`.
    """

    def __init__(self, what: str, total: int | None = None, patience: float = 1.0) -> None:
        bar = [BarColumn(24), MofNCompleteColumn()] if total is not None else []
        self._shown = Lines(
            SpinnerColumn("line"),
            TextColumn("{task.description}", markup=False),
            *bar,
            TimeElapsedColumn(),
            # It is for whoever has seen that this is a terminal to say so.
            console=Console(stderr=True, force_terminal=True, highlight=False),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._what = what
        self._seen: dict[str, None] = {}
        self._task = self._shown.add_task(what, total=total)
        self._timer = threading.Timer(patience, self._start)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._ended = False

    def heard(self, stage: str, item: str | None) -> None:
        """Note a stage, or an item that is next."""
        if item is not None and item not in self._seen:
            self._shown.update(self._task, completed=len(self._seen))
            self._seen[item] = None
        said = filter(None, (self._what, next(reversed(self._seen), ""), stage))
        self._shown.update(self._task, description=": ".join(said))

    def _start(self) -> None:
        with self._lock:
            if not self._ended:
                self._shown.start()

    def __enter__(self) -> Progress:
        self._timer.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._timer.cancel()
        with self._lock:
            self._ended = True
            self._shown.stop()
