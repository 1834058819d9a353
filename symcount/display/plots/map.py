"""Map a count over two symbols, with contours of budgets."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
from symcount.symbols import Number

if TYPE_CHECKING:
    import sympy
    from matplotlib.axes import Axes

    from symcount.formula.formula import Formula

_CELLS = 56


def plot_map(
    count: Formula,
    x: str | sympy.Symbol,
    y: str | sympy.Symbol,
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
    ranges = _ranges(between, [str(x), str(y)])
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
    found = {str(name): pair for name, pair in between.items()}
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
    inside = [level for level in levels if min(known) <= level <= max(known)]
    missed = [
        f"{unit(level)}: {'below' if level < min(known) else 'above'} all of this"
        for level in levels
        if level not in inside
    ]
    for level in inside:
        _draw_border(ax, middles, grid, level, unit(level))
    return missed


def _draw_border(
    ax: Axes,
    middles: tuple[list[Number], list[Number]],
    grid: list[list[float]],
    level: float,
    name: str,
) -> None:
    """Draw a contour where all is known; else a mark between neighbours of which one is within."""
    from matplotlib.patheffects import withStroke

    stroke = [withStroke(linewidth=3, foreground="black")]
    xs, ys, dense = _without_blank_lines(*middles, grid)
    if min(len(xs), len(ys)) > 1 and all(value > 0 for line in dense for value in line):
        # Between two cells counts grow about like powers, which are straight in logarithms.
        logs = [[math.log(value) for value in line] for line in dense]
        drawn = ax.contour(xs, ys, logs, levels=[math.log(level)], colors="white", linewidths=1.5)
        drawn.set(path_effects=stroke)
        texts = ax.clabel(drawn, fmt=lambda _: name, fontsize=9, inline=False)
        for text in texts:
            text.set(rotation=0, color="white", bbox=_LABEL)
        return
    marks = list(_marks(middles, grid, level))
    for x, y in marks:
        ax.plot(x, y, color="white", linewidth=1.5, path_effects=stroke, zorder=4)
    (left, right), (low, high) = min(marks, key=lambda mark: (mark[1], mark[0]))
    style: dict[str, Any] = {"ha": "center", "va": "center", "bbox": _LABEL, "zorder": 5}
    ax.text((left + right) / 2, (low + high) / 2, name, color="white", fontsize=9, **style)


_LABEL = {"facecolor": "black", "edgecolor": "none", "boxstyle": "round,pad=0.15"}


def _without_blank_lines(
    xs: list[Number], ys: list[Number], grid: list[list[float]]
) -> tuple[list[Number], list[Number], list[list[float]]]:
    """Leave out the rows and columns in which nothing is known."""
    up = [j for j in range(len(ys)) if not all(map(math.isnan, grid[j]))]
    across = [i for i in range(len(xs)) if not all(math.isnan(line[i]) for line in grid)]
    return [xs[i] for i in across], [ys[j] for j in up], [[grid[j][i] for i in across] for j in up]


def _marks(
    middles: tuple[list[Number], list[Number]], grid: list[list[float]], level: float
) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """Yield short lines between neighbouring known cells on either side of a level."""
    xs, ys = middles
    for j, line in enumerate(grid):
        for x in _between(xs, line, level):
            yield (x, x), _span(ys, j)
    for i, column in enumerate(zip(*grid, strict=True)):
        for y in _between(ys, column, level):
            yield _span(xs, i), (y, y)


def _between(places: Sequence[Number], values: Sequence[float], level: float) -> Iterator[float]:
    known = [(p, v) for p, v in zip(places, values, strict=True) if not math.isnan(v)]
    for (p, v), (q, w) in pairwise(known):
        if (v <= level) != (w <= level):
            yield (p + q) / 2


def _span(places: Sequence[Number], index: int) -> tuple[float, float]:
    """Return the extent of a cell about its place."""
    low, high = places[max(0, index - 1)], places[min(len(places) - 1, index + 1)]
    return (low + places[index]) / 2, (places[index] + high) / 2
