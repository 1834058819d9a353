"""Show formulas, registries and audits in a terminal.

The functions of a formula, registry or audit return a view; `show` prints it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Lines

from symcount.catalogue.registry import count_at
from symcount.display.console import captions, domain_text, formula_view
from symcount.display.summary import summary, summary_view
from symcount.display.table import PIPED_WIDTH, Cell, Column, Table
from symcount.errors import DerivationError
from symcount.formula.evaluation import Evaluation

if TYPE_CHECKING:
    from symcount.catalogue.all_symbols import AllSymbols
    from symcount.catalogue.registry import BlueprintSpec
    from symcount.param_count import ParamCount
    from symcount.storage.file import StoredFormulas
    from symcount.sweep import Sweep

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


def count_view(
    title: str, count: ParamCount, values: Sequence[Evaluation] = (), depth: int | None = None
) -> RenderableType:
    """Show a formula, its symbols, domain and certificate, its summary, and its values.

    The summary is that at the first of the values that is in the domain.
    """
    at = next((value.at for value in values if value.count is not None), None)
    view = formula_view(title, count.formula, sized=at or ())
    parts = [view, summary_view(summary(count.formula, depth, at))]
    if values:
        parts.append(_values(count, values))
    return Group(*parts)


def _values(count: ParamCount, values: Sequence[Evaluation]) -> Table:
    columns = [Column(h.name, is_count=True) for h in count.hyperparameters]
    columns.append(Column(count.formula.measure.noun, is_count=True))
    rows = [[*(str(v.at[h.name]) for h in count.hyperparameters), number(v.count)] for v in values]
    if any(value.reason for value in values):
        columns.append(Column("", breaks=True))
        rows = [[*row, value.reason or ""] for row, value in zip(rows, values, strict=True)]
    return Table(columns, rows, is_headed=False)


def sweep_view(found: Sweep) -> RenderableType:
    """Show the rows of a sweep, and how many candidates there were."""
    rows = [[f"{value:,}" for value in row] for row in found.rows]
    said = f"{found}; {len(rows):,} shown" if len(rows) < found.kept else str(found)
    table = Table([Column(name, is_count=True) for name in found.columns], rows, is_headed=False)
    return Group(*([table] if rows else []), Cell(said, style="dim"))


def stored_view(
    name: str, formulas: StoredFormulas, values: Sequence[Evaluation], in_layers: bool
) -> RenderableType:
    """Show a stored formula, where it comes from, and its values; only layers take sympy."""
    count = formulas[name]
    captions = None if in_layers else formulas.captions(name)
    parts = [formula_view(name, count.formula, captions, values[0].at if values else ())]
    if count.origin is not None:
        versions = f"symcount {count.origin.symcount} and torch {count.origin.torch}"
        target = count.origin.target or f"{count.factory}, which has no name to find it by"
        parts.append(Cell(f"\nderived from {target}, with {versions}", style="dim"))
    return Group(*parts, *([_values(count, values)] if values else []))


def stored_list_view(formulas: StoredFormulas, in_layers: bool) -> RenderableType:
    """Show the names of stored formulas, with the formulas and their domains, long ones cut."""
    columns = [Column("name"), Column("formula", breaks=True, style="cyan")]
    rows = []
    for name in formulas:
        if in_layers:
            formula, domain, *_ = captions(formulas[name].formula)
        else:
            formula, domain = formulas.captions(name)
        rows.append([name, _cut(formula), _cut("all" if domain == "True" else domain)])
    return Table([*columns, Column("domain", breaks=True)], rows)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_LISTED else f"{text[: _LONGEST_LISTED - 1]}…"


def symbols_view(found: AllSymbols) -> RenderableType:
    """Show which hyper-parameters are symbols of a formula, and why the others are not."""
    rows = [[name, "yes"] for name in found.kept]
    rows += [[name, f"no: {reason}"] for name, reason in found.refused.items()]
    return Table([Column("hyper-parameter"), Column("symbolic", breaks=True)], rows)


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
    columns = [Column(name), Column("parameters", breaks=True, style="cyan")]
    columns += [Column("domain", breaks=True), *(Column(f"at {s}", is_count=True) for s in sizes)]
    rows = []
    for spec in specs:
        try:
            count = spec.param_count.formula
            formula = [str(count), domain_text(count, "all")]
        except DerivationError as error:
            formula = [f"no formula: {error}", NOTHING]
        rows.append([spec.name, *formula, *(number(count_at(spec, s)) for s in sizes)])
    return Table(columns, rows)


# --- an audit ---------------------------------------------------------------------------------


def number(count: int | None) -> str:
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
