"""Map a count over two symbols, with contours of budgets."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from symcount.display.plots.axes import (
    axes,
    drawable,
    formatter,
    name_axes,
    scale,
    unit_of,
)
from symcount.display.plots.ranges import (
    LOG_FROM,
    Range,
    evaluator,
    raise_nowhere,
    range_of,
    shared_out,
)
from symcount.errors import ArgumentError
from symcount.formula.amounts import amount
from symcount.formula.measure import Measure
from symcount.symbols import Number, SymbolLike, name_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from symcount.formula.formula import Formula

_CELLS = 56


def plot_map(
    count: Formula,
    x: SymbolLike,
    y: SymbolLike,
    /,
    *,
    between: Mapping[str, tuple[Number, Number]] | None = None,
    budgets: float | str | Iterable[float | str] = (),
    ax: Axes | None = None,
    **values: Number,
) -> Axes:
    """Draw the count over two symbols; see `ParamCount.plot_map`."""
    for axis in (x, y):
        count.signature.require_no_symbol(
            "plot_map", [] if budgets == () else ["budgets"], str(axis)
        )
    ranges = _ranges(between, [str(name_of(each)) for each in (x, y)])
    if str(x) == str(y):
        raise ArgumentError(f"plot_map({x}, {y}): give two different symbols")
    across, up = range_of(count, x, ranges.get(str(x))), range_of(count, y, ranges.get(str(y)))
    levels = _budgets(budgets, count.measure)
    (known,) = shared_out({"": count}, [across, up], values)
    at = evaluator(count, [across.name, up.name], known)
    columns, lines = across.cells(_CELLS), up.cells(_CELLS)
    xs = _round_for_most(columns, across, _probes(lines, up), at)
    ys = _round_for_most(lines, up, xs[:: max(1, len(xs) // 5)], lambda b, a: at(a, b))
    grid = [[math.nan if (c := at(a, b)) is None else drawable(c) for a in xs] for b in ys]
    if all(math.isnan(value) for line in grid for value in line):
        raise_nowhere(count, [across, up], known)
    drawn = axes(ax)
    scale(drawn, across, [])
    scale(drawn, up, [], vertical=True)
    _draw_map(drawn, (across.edges(columns), up.edges(lines)), grid, count)
    missed = _draw_contours(drawn, (xs, ys), grid, levels, count)
    name_axes(drawn, across, up.name, [known], count.factory)
    if missed:
        box = {"facecolor": "white", "edgecolor": "0.7"}
        style: dict[str, Any] = {"va": "top", "fontsize": "small", "bbox": box}
        drawn.text(0.02, 0.98, "\n".join(missed), transform=drawn.transAxes, **style)
    return drawn


def _probes(cells: Sequence[tuple[Number, Number]], axis: Range) -> list[Number]:
    """List a few round sizes along an axis."""
    return [axis.round_sizes(cell)[0] for cell in cells[:: max(1, len(cells) // 5)]]


def _round_for_most(
    cells: Sequence[tuple[Number, Number]],
    axis: Range,
    probes: Sequence[Number],
    at: Callable[[Number, Number], int | None],
) -> list[Number]:
    """Choose for each cell the roundest size at which the formula holds for the most probes."""

    def holds(size: Number) -> int:
        return sum(at(size, probe) is not None for probe in probes)

    return axis.best_sizes(cells, holds)


def _ranges(between: Any, names: Sequence[str]) -> Mapping[str, tuple[Number, Number]]:
    if between is None:
        return {}
    if not isinstance(between, Mapping):
        example = ", ".join(f"{name!r}: (1, 64)" for name in names)
        raise ArgumentError(f"plot_map(between={between!r}): write between={{{example}}}")
    found = {str(name_of(name)): pair for name, pair in between.items()}
    for name in found:
        if name not in names:
            raise ArgumentError(f"plot_map(between=...): {name!r} is none of {', '.join(names)}")
    return found


def _budgets(budgets: float | str | Iterable[Any], measure: Measure) -> list[float]:
    found = []
    budget: Any
    for budget in [budgets] if isinstance(budgets, int | float | str) else budgets:
        if isinstance(budget, str) and budget[-1:].isalpha():
            budget = amount(budget, "plot_map(budgets=...)", measure)
        fine = isinstance(budget, int | float) and not isinstance(budget, bool)
        if not fine or not 0 < budget < math.inf:
            raise ArgumentError(f"plot_map(budgets=...): {budget!r} is no positive number")
        found.append(float(budget))
    return sorted(set(found))


def _draw_map(
    ax: Axes, edges: tuple[list[float], list[float]], grid: list[list[float]], count: Formula
) -> None:
    from matplotlib.colors import LogNorm, Normalize

    known = [value for line in grid for value in line if not math.isnan(value)]
    low, high = min(known), max(known)
    norm = LogNorm(low, high) if 0 < low < high / LOG_FROM else Normalize(low, max(high, low + 1))
    mesh = ax.pcolormesh(*edges, grid, norm=norm, cmap="viridis", shading="flat")
    counts = formatter(unit_of(count))
    figure = ax.figure
    bar = figure.colorbar(mesh, ax=ax, format=counts)
    bar.set_label(count.measure.noun)
    bar.ax.yaxis.set_minor_formatter(formatter(lambda value: ""))


def _draw_contours(
    ax: Axes,
    middles: tuple[list[Number], list[Number]],
    grid: list[list[float]],
    levels: Sequence[float],
    count: Formula,
) -> list[str]:
    """Draw contours of the budgets within reach, and return what to say of the others."""
    unit = unit_of(count)
    known = [value for line in grid for value in line if not math.isnan(value)]
    missed = []
    for level in levels:
        if not min(known) <= level <= max(known):
            side = "below" if level < min(known) else "above"
            missed.append(f"{unit(level)}: {side} all of this")
        elif not _draw_contour(ax, middles, grid, level, unit(level)):
            missed.append(f"{unit(level)}: between cells that are no neighbours")
    return missed


def _draw_contour(
    ax: Axes,
    middles: tuple[list[Number], list[Number]],
    grid: list[list[float]],
    level: float,
    name: str,
) -> bool:
    """Draw one line where the counts pass a level, and tell whether there is any.

    Blank cells between known ones are bridged, or the line of a sparse domain would be in shreds.
    """
    from matplotlib.patheffects import withStroke

    (xs, ys), logs = middles, _bridged(middles, grid)
    if len(ys) == 1:
        ys, logs = [ys[0] - 0.5, ys[0] + 0.5], logs * 2
    if len(xs) == 1:
        xs, logs = [xs[0] - 0.5, xs[0] + 0.5], [line * 2 for line in logs]
    drawn = ax.contour(xs, ys, logs, levels=[math.log(level)], colors="white", linewidths=1.5)
    drawn.set(path_effects=[withStroke(linewidth=3, foreground="black")])
    lines: list[Any] = [
        line for path in drawn.get_paths() for line in path.to_polygons(closed_only=False)
    ]
    if not lines:
        drawn.remove()
        return False
    longest = max(lines, key=len)
    x, y = longest[len(longest) // 4]
    style: dict[str, Any] = {"ha": "center", "va": "center", "bbox": _LABEL, "zorder": 5}
    ax.text(x, y, name, color="white", fontsize=9, **style)
    return True


_LABEL = {"facecolor": "black", "edgecolor": "none", "boxstyle": "round,pad=0.15"}


def _bridged(
    middles: tuple[list[Number], list[Number]], grid: list[list[float]]
) -> list[list[float]]:
    """Return logarithms of the counts; blank cells between known ones are on straight lines.

    Counts grow about like powers of sizes, which are straight in logarithms.
    """
    across, up = ([math.log(place) for place in places] for places in middles)
    logs = [
        [value if math.isnan(value) else math.log(max(value, 0.5)) for value in line]
        for line in grid
    ]
    rows = [_on_lines(across, line) for line in logs]
    columns = [_on_lines(up, list(column)) for column in zip(*rows, strict=True)]
    return [list(line) for line in zip(*columns, strict=True)]


def _on_lines(places: Sequence[float], values: list[float]) -> list[float]:
    known = [i for i, value in enumerate(values) if not math.isnan(value)]
    found = list(values)
    for left, right in pairwise(known):
        slope = (values[right] - values[left]) / (places[right] - places[left])
        for i in range(left + 1, right):
            found[i] = values[left] + slope * (places[i] - places[left])
    return found
