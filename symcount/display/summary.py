"""Summarise the modules of a formula, as torchinfo, Lightning and Keras do of a built module."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from symcount.display.outline import sizes_of
from symcount.errors import ArgumentError
from symcount.formula.breakdown import Breakdown, breakdown
from symcount.shown import Said

if TYPE_CHECKING:
    from rich.console import RenderableType

    from symcount.formula.formula import Formula, HasFormula


@dataclass(frozen=True, repr=False)
class Summary(Said):
    """The modules of a formula, and its totals: a table, if it is printed.

    Attributes:
        breakdown: the parts, with the sizes of the counts.
        depth: how many levels of them are shown, None for all.
        totals: formulas: the `total`, of parameters also the `trainable` and the `non-trainable`
            ones, and the `size` in bytes.
    """

    breakdown: Breakdown
    depth: int | None
    totals: Mapping[str, HasFormula]

    def of(self, kind: Callable[[Formula], HasFormula]) -> Summary:
        """Return the same of another kind of formulas."""
        totals = {name: kind(count.formula) for name, count in self.totals.items()}
        return Summary(self.breakdown.of(kind), self.depth, totals)

    def __str__(self) -> str:
        from rich.console import Console

        width = shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else 100
        console = Console(file=io.StringIO(), width=width, markup=False, highlight=False)
        console.print(summary_view(self))
        text = console.file.getvalue()  # type: ignore[attr-defined]
        return "\n".join(line.rstrip() for line in text.splitlines())

    __repr__ = __str__

    def __rich__(self) -> RenderableType:
        return summary_view(self)


def summary(count: Formula, depth: int | None, sizes: Mapping[str, Any] | None) -> Summary:
    """Summarise a formula; see `ParamCount.summary`."""
    if depth is not None and (type(depth) is not int or depth < 0):
        raise ArgumentError(f"summary(depth={depth!r}): give a number of levels, 0 or more")
    parts = breakdown(count)
    totals = {"total": count}
    measure = count.measure
    if measure.kind == "parameter" and measure.trainable is None:
        totals["trainable"] = count.measuring(trainable=True)
        totals["non-trainable"] = count.measuring(trainable=False)
    if not measure.in_bytes:
        totals["size"] = count.measuring(in_bytes=True)
    return Summary(parts if sizes is None else parts.at(**sizes), depth, totals)


def summary_view(summary: Summary) -> RenderableType:
    """Show the tree of modules, and the totals below."""
    from rich.console import Group

    from symcount.display.console import breakdown_view
    from symcount.display.table import Cell

    sizes = sizes_of(summary.breakdown)
    width = max(map(len, summary.totals))
    lines = [Cell(f"{name:<{width}}  {_said(summary, name, sizes)}") for name in summary.totals]
    return Group(breakdown_view(summary.breakdown, summary.depth), *lines)


def _said(summary: Summary, name: str, sizes: Mapping[str, Any] | None) -> str:
    count, in_bytes = summary.totals[name], name == "size"
    if sizes is None:
        is_all = name == "trainable" and count == summary.totals["total"]
        return "all" if is_all else f"{count} bytes" if in_bytes else str(count)
    found = count(**sizes)
    return f"{found / 2**20:,.2f} MiB ({found:,} bytes)" if in_bytes else f"{found:,}"
