"""Formulas, registries and audits for people at a terminal: what the command line shows.

The functions of a formula, registry or audit return a view; `show` prints it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from symcount.errors import DerivationError
from symcount.export import Value, count_at
from symcount.paths import parts_of
from symcount.symbols import Hyperparameter

if TYPE_CHECKING:
    from symcount.audit import Audit, Finding, Reading
    from symcount.formula import Breakdown, ParamCount
    from symcount.libraries import AllSymbols
    from symcount.registry import BlueprintSpec

PIPED_WIDTH = 100_000
NOTHING = "–"


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


def count_view(title: str, count: ParamCount, values: Sequence[Value] = ()) -> RenderableType:
    """A formula, its symbols, domain and certificate, its breakdown, and its values."""
    about = Table.grid(padding=(0, 2))
    about.add_column(style="dim", no_wrap=True)
    about.add_column(overflow="fold")
    for h in count.hyperparameters:
        about.add_row("symbol", _described(h))
    if count.fixed:
        about.add_row("fixed", ", ".join(f"{name}={value}" for name, value in count.fixed))
    about.add_row("domain", _domain(count, "all positive integers"))
    about.add_row("certificate", str(count.certificate))
    parts: list[RenderableType] = [
        Text(title, style="bold"),
        Padding(Text(str(count), style="cyan"), (1, 2), expand=False),
        about,
        _breakdown(count.breakdown()),
    ]
    if values:
        parts.append(_values(count, values))
    return Group(*parts)


def _domain(count: ParamCount, everything: str) -> str:
    import sympy

    return everything if count.domain == sympy.true else str(count.domain)


def _described(h: Hyperparameter) -> str:
    text = f"{h.name} >= {h.minimum}"
    if h.maximum is not None:
        text = f"{h.minimum} <= {h.name} <= {h.maximum}"
    if h.multiple_of > 1:
        text += f", a multiple of {h.multiple_of}"
    return text if h.default is None else f"{text}, {h.default} by default"


def _values(count: ParamCount, values: Sequence[Value]) -> Table:
    table = _table()
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


def symbols_view(found: AllSymbols) -> RenderableType:
    """Which hyper-parameters are symbols of a formula, and why the others are not."""
    table = _table()
    table.add_column("hyper-parameter", no_wrap=True)
    table.add_column("symbolic", overflow="fold")
    for name in found.kept:
        table.add_row(name, "yes")
    for name, reason in found.refused.items():
        table.add_row(name, f"no: {reason}")
    return table


# --- a breakdown ------------------------------------------------------------------------------


@dataclass
class _Part:
    """A module or parameter of a breakdown, with what it holds."""

    name: str
    formula: str
    held: list[_Part]

    @property
    def shape(self) -> tuple[object, ...]:
        """Equal for parts that hold the same: only their own names may differ."""
        return self.formula, tuple((part.name, part.shape) for part in self.held)


def _breakdown(breakdown: Breakdown) -> Table:
    table = _table()
    table.add_column("module", no_wrap=True)
    table.add_column("parameters", overflow="fold")
    _add_parts(table, [_parts(breakdown)], depth=0)
    return table


def _parts(breakdown: Breakdown) -> _Part:
    """The whole, in the order in which its modules were made."""
    made = {path: _Part(parts_of(path)[-1], str(c), []) for path, c in breakdown.modules.items()}
    made[""].name = "(all)"
    for path, count in breakdown.parameters.items():
        made[path] = _Part(parts_of(path)[-1], str(count), [])
    for path, part in made.items():
        if path:
            made[".".join(parts_of(path)[:-1])].held.append(part)
    return made[""]


def _add_parts(table: Table, parts: Sequence[_Part], depth: int) -> None:
    """Rows for parts, neighbours that hold the same in one row: the layers of a deep network."""
    for _, alike in groupby(parts, key=lambda part: part.shape if part.held else part.name):
        first, *more = alike
        name = f"{first.name} to {more[-1].name}, each" if more else first.name
        table.add_row("  " * depth + name, first.formula)
        _add_parts(table, first.held, depth + 1)


# --- a registry -------------------------------------------------------------------------------


def registry_view(specs: Iterable[BlueprintSpec], sizes: Sequence[int]) -> RenderableType:
    """A table for each topology: blueprints, formulas, and counts at several sizes."""
    by_topology = sorted(specs, key=lambda spec: spec.topology)
    return Group(
        *(
            _topology(topology, list(group), sizes)
            for topology, group in groupby(by_topology, key=lambda spec: spec.topology)
        )
    )


def _topology(name: str, specs: Sequence[BlueprintSpec], sizes: Sequence[int]) -> Table:
    table = _table()
    table.add_column(name, no_wrap=True)
    table.add_column("parameters", overflow="fold", style="cyan")
    table.add_column("domain", overflow="fold")
    for size in sizes:
        table.add_column(f"at {size}", justify="right", overflow="fold")
    for spec in specs:
        try:
            formula = [str(spec.param_count), _domain(spec.param_count, "all")]
        except DerivationError as error:
            formula = [f"no formula: {error}", NOTHING]
        table.add_row(spec.name, *formula, *(_number(count_at(spec, s)) for s in sizes))
    return table


# --- an audit ---------------------------------------------------------------------------------


def audit_view(audit: Audit) -> RenderableType:
    """The estimates, worst first, with true counts and times off; then what to note.

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
    table = _table()
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
    """A factor in few digits.

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


def _missing(finding: Finding) -> list[str]:
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


def _table() -> Table:
    return Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
