"""Pictures of formulas: a count against one symbol, shares of parts, a map over two symbols.

matplotlib is loaded when something is drawn. Nothing of `pyplot` is used, so no figure is shown or
made current, and no setting changes.
"""

from __future__ import annotations

import io
import math
import operator
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from symcount.display.outline import outline
from symcount.errors import ArgumentError, DomainError, MissingDependencyError
from symcount.formula.breakdown import breakdown
from symcount.symbols import LARGEST_CANDIDATE, Hyperparameter

if TYPE_CHECKING:
    import sympy
    from matplotlib.axes import Axes
    from matplotlib.ticker import Formatter

    from symcount.formula.formula import Formula

    Against: TypeAlias = Formula | Iterable[Formula] | Mapping[str, Formula]

Number: TypeAlias = "int | float"
Values: TypeAlias = "Mapping[str, Number]"

# As many sizes as are all evaluated; of more, some are.
MOST_SIZES = 8192
_SAMPLES = 1024
_COLUMNS = 48
_CELLS = 56
_PARTS = 7
_BESIDE = 26
_TRIES = 12
_LOG_FROM = 16
_MOST = 2**53
_ODD = (1, 3, 5, 7, 9, 15, 25)
# Colours that people with any colour vision tell apart (Okabe and Ito 2008), without the yellow,
# which is too light for a line; lines and parts also differ in dashes and hatches.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_DASHES = ("-", "--", "-.", ":", (0, (7, 2, 1, 2, 1, 2)), (0, (3, 1)), (0, (1, 3)))
_MARKERS = "os^DvPX"
_HATCHES = ("", "///", "...", "\\\\\\", "xx", "---", "++")
_REST = "#BBBBBB"


# --- a count against one symbol ---------------------------------------------------------------


def plot(
    count: Formula,
    symbol: str | sympy.Symbol,
    /,
    *,
    between: tuple[Number, Number] | None = None,
    against: Against = (),
    ax: Axes | None = None,
    **values: Number,
) -> Axes:
    """Draw counts against a symbol; see `ParamCount.plot`."""
    count.signature.require_no_symbol("plot", [] if against == () else ["against"], str(symbol))
    formulas = _labelled(count, against)
    for other in formulas.values():
        count.measure.require_unit_of(other.measure, "plot")
    axis = _axis(count, symbol, between)
    known = _shared_out(formulas, [axis], values)
    pairs = list(zip(formulas.values(), known, strict=True))
    evaluators = [_evaluator(formula, [axis.name], given) for formula, given in pairs]
    xs = _looked_at(axis, evaluators)
    curves = [
        _Curve(label, {x: y for x in xs if (y := at(x)) is not None}, at)
        for label, at in zip(formulas, evaluators, strict=True)
    ]
    for curve, (formula, given) in zip(curves, pairs, strict=True):
        if not curve.sizes:
            _raise_nowhere(formula, [axis], given)
    drawn = _axes(ax)
    _scale(drawn, axis, [y for curve in curves for y in curve.sizes.values()])
    drawn.yaxis.set_major_formatter(_formatter(_unit(count)))
    for number, curve in enumerate(curves):
        _draw_curve(drawn, curve, xs, axis.is_whole, number)
    _draw_crossovers(drawn, curves, axis)
    _hatch_gaps(drawn, curves, axis)
    nouns = dict.fromkeys(formula.measure.noun for formula in formulas.values())
    _name(drawn, axis, ", ".join(nouns), known)
    drawn.legend(loc="best", frameon=True, framealpha=0.85, fontsize="small")
    return drawn


@dataclass(frozen=True)
class _Axis:
    """A symbol along an axis: its range, and the sizes in it that are looked at."""

    name: str
    low: Number
    high: Number
    real: bool = False
    multiple_of: int = 1

    @property
    def is_log(self) -> bool:
        return self.high >= _LOG_FROM * self.low

    @property
    def is_whole(self) -> bool:
        """Whether every size in the range is looked at."""
        return not self.real and self.high - self.low < MOST_SIZES

    def sizes(self) -> list[Number]:
        if self.is_whole:
            return list(range(int(self.low), int(self.high) + 1))
        return [self.round_sizes(cell)[0] for cell in self.cells(_SAMPLES)]

    def within(self, low: Number, high: Number) -> _Axis:
        return replace(self, low=low, high=high)

    def spread(self, number: int) -> list[Number]:
        """About so many sizes, evenly spread along the axis, first and last included."""
        steps = [step / (number - 1) for step in range(number)]
        if self.is_log:
            ratio = math.log(self.high) - math.log(self.low)
            found = [math.exp(math.log(self.low) + ratio * step) for step in steps]
        else:
            found = [self.low + (self.high - self.low) * step for step in steps]
        if self.real:
            return list(found)
        inner = (min(max(round(size), self.low), self.high) for size in found[1:-1])
        return sorted({self.low, self.high, *inner})

    def cells(self, number: int) -> list[tuple[Number, Number]]:
        """The range in at most so many cells, each from its first size to before the next's."""
        if not self.real and self.high - self.low < number:
            return [(size, size + 1) for size in range(int(self.low), int(self.high) + 1)]
        edges = [*self.spread(number)[:-1], self.high if self.real else self.high + 1]
        return list(pairwise(edges))

    def edges(self, cells: Sequence[tuple[Number, Number]]) -> list[float]:
        """Where cells are drawn from and to: a whole number is in the middle of its own."""
        shift = 0.0 if self.real else 0.5
        return [cells[0][0] - shift, *(last - shift for _, last in cells)]

    def round_sizes(self, cell: tuple[Number, Number]) -> list[Number]:
        """Sizes in a cell that many numbers divide, the roundest first; at least one."""
        first, last = cell
        if self.real:
            return [math.sqrt(first * last) if self.is_log else (first + last) / 2]
        steps = {odd << power for odd in (*_ODD, self.multiple_of) for power in range(64)}
        steps = {step for step in steps if step < last}
        found = (-(-int(first) // step) * step for step in sorted(steps, reverse=True))
        return list(dict.fromkeys(size for size in found if size < last))

    def ends(self) -> tuple[float, float]:
        if self.low == self.high:
            return self.low - 0.5, self.high + 0.5
        return self.low, self.high


@dataclass(frozen=True)
class _Curve:
    """A formula at the sizes of an axis; what is missing is outside its domain."""

    label: str
    sizes: Mapping[Number, int]
    at: Callable[[Number], int | None]


def _looked_at(axis: _Axis, evaluators: Sequence[Callable[[Number], int | None]]) -> list[Number]:
    """The sizes of an axis; if not all, those at which the most formulas hold, round ones first."""
    if axis.is_whole:
        return axis.sizes()

    def holds(size: Number) -> int:
        return sum(at(size) is not None for at in evaluators)

    return [max(axis.round_sizes(c)[:_TRIES], key=holds) for c in axis.cells(_SAMPLES)]


def _evaluator(count: Formula, names: Sequence[str], values: Values) -> Callable[..., int | None]:
    """The count as a function of some of its symbols, None outside the domain.

    The one place at which a picture evaluates a formula.
    """
    order = [h.name for h in count.hyperparameters]
    start = count.signature.bind((), {**values, **dict.fromkeys(names, 1)})
    places = [order.index(name) for name in names]

    def at(*sizes: Number) -> int | None:
        point = list(start)
        for place, size in zip(places, sizes, strict=True):
            point[place] = size
        return count.at(tuple(point))

    return at


def _draw_curve(ax: Axes, curve: _Curve, xs: Sequence[Number], whole: bool, number: int) -> None:
    """A line with a gap wherever a size is missing, and a point where both neighbours are."""
    ys = [_drawable(curve.sizes[x]) if x in curve.sizes else math.nan for x in xs]
    style: dict[str, Any] = {"linestyle": _DASHES[number % len(_DASHES)], "linewidth": 1.8}
    there = [place for place, y in enumerate(ys) if not math.isnan(y)]
    alone = [p for p in there if xs[p] - 1 not in curve.sizes and xs[p] + 1 not in curve.sizes]
    if not whole or len(alone) == len(there):
        # There is nothing to join, or nothing is known of what lies between.
        style, alone = {"linestyle": "none"}, there
    elif len(there) <= _COLUMNS:
        alone = there
    if alone:
        size = 3.5 if len(there) <= 4 * _COLUMNS else 2.2
        style |= {"marker": _MARKERS[number % len(_MARKERS)], "markersize": size}
        style["markevery"] = alone
    colour = _COLOURS[number % len(_COLOURS)]
    ax.plot(xs, ys, color=colour, label=curve.label, zorder=3, **style)


def _drawable(count: int) -> float:
    try:
        return float(count)
    except OverflowError:
        raise ArgumentError(
            f"a count of {len(str(count))} digits is too great to be drawn; draw smaller sizes"
        ) from None


def _draw_crossovers(ax: Axes, curves: Sequence[_Curve], axis: _Axis) -> None:
    for first, second in combinations(curves, 2):
        found = list(_crossovers(first, second, axis))
        if not found:
            continue
        where = ", ".join(f"{x:,}" for x in found[:4]) + (", ..." if len(found) > 4 else "")
        pair = "" if len(curves) == 2 else f" of {first.label} and {second.label}"
        ax.plot(
            found,
            [_drawable(_known(first.at(x))) for x in found],
            linestyle="none",
            marker="o",
            markersize=9,
            markerfacecolor="none",
            markeredgecolor="black",
            markeredgewidth=1.4,
            zorder=5,
            label=f"crossover{pair}: {axis.name} = {where}",
        )


def _known(count: int | None) -> int:
    assert count is not None
    return count


def _crossovers(first: _Curve, second: _Curve, axis: _Axis) -> Iterator[Number]:
    """The sizes at which the cheaper of two formulas has changed, or from which both are equal.

    Of a range that is looked at in part, those that are found; each is one all the same.
    """
    if axis.real:
        return

    def order(size: Number) -> int | None:
        a, b = first.at(size), second.at(size)
        return None if a is None or b is None else (a > b) - (a < b)

    common = [size for size in first.sizes if size in second.sizes]
    last, before = 0, axis.low
    for size in common:
        here = order(size)
        assert here is not None
        if here == 0:  # they may only touch
            continue
        if last and here != last:
            yield _first_change(order, axis.within(before, size), last)
        last, before = here, size


def _first_change(order: Callable[[Number], int | None], between: _Axis, before: int) -> Number:
    """The first size of a range at which the order is another than `before`, as far as is seen.

    At the low end it is `before`, at the high end another. Long ranges are narrowed down first.
    """
    while not between.is_whole:
        low, high = between.low, between.high
        for size in between.sizes():
            here = order(size)
            if here == before:
                low = size
            elif here is not None:
                high = size
                break
        if (low, high) == (between.low, between.high):
            return high
        between = between.within(low, high)
    return next(s for s in between.sizes() if order(s) not in (None, before))


def _hatch_gaps(ax: Axes, curves: Sequence[_Curve], axis: _Axis) -> None:
    """Hatch where no formula holds: gaps that are wide, and not steps from one size to the next."""
    if not axis.is_whole:
        return
    valid = sorted({size for curve in curves for size in curve.sizes})
    step = min((right - left for left, right in pairwise(valid)), default=1)
    bounds = [axis.low - 1, *valid, axis.high + 1]
    place = math.log if axis.is_log else float
    width = place(axis.high) - place(axis.low) or 1.0
    label: str | None = "outside the domain"
    for left, right in pairwise(bounds):
        start, end = max(left, axis.low), min(right, axis.high)
        if right - left > 4 * step and (place(end) - place(start)) / width > 0.05:
            ax.axvspan(
                start, end, facecolor="none", edgecolor="0.8", hatch="//", linewidth=0, label=label
            )
            label = None


# --- shares of parts --------------------------------------------------------------------------


def plot_share(
    count: Formula,
    symbol: str | sympy.Symbol,
    /,
    *,
    between: tuple[Number, Number] | None = None,
    depth: int = 1,
    ax: Axes | None = None,
    **values: Number,
) -> Axes:
    """Draw the shares of parts against a symbol; see `ParamCount.plot_share`."""
    if type(depth) is not int or depth < 1:
        raise ArgumentError(f"plot_share(depth={depth!r}): a positive integer")
    count.signature.require_no_symbol("plot_share", [] if depth == 1 else ["depth"], str(symbol))
    axis = _axis(count, symbol, between)
    (known,) = _shared_out({"": count}, [axis], values)
    at = _evaluator(count, [axis.name], known)
    cells = axis.cells(_COLUMNS)
    columns = [(cell, size) for cell in cells if (size := _valid_in(cell, axis, at)) is not None]
    if not columns:
        _raise_nowhere(count, [axis], known)
    sizes = [size for _, size in columns]
    totals = [_known(at(size)) for size in sizes]
    if not any(totals):
        raise DomainError(
            f"{count.factory} has no {count.measure.noun} at {_said(known)}, so there is nothing "
            "to share; draw another measure"
        )
    shares = {
        label: [
            _known(evaluate(size)) / total if total else 0.0
            for size, total in zip(sizes, totals, strict=True)
        ]
        for label, evaluate in _parts_at(count, depth, axis, known).items()
    }
    drawn = _axes(ax)
    _scale(drawn, axis, [])
    _draw_shares(drawn, axis, [cell for cell, _ in columns], _greatest(shares))
    lower, *_, upper = axis.edges(cells)
    drawn.set_xlim(max(lower, axis.low / 2) if axis.is_log else lower, upper)
    drawn.set_ylim(0, 1)
    drawn.yaxis.set_major_formatter(_formatter(lambda share: f"{share:.0%}"))
    _name(drawn, axis, f"share of the {count.measure.noun}", [known], count.factory)
    _name_parts(drawn)
    return drawn


def _name_parts(ax: Axes) -> None:
    """A legend in the order of the parts, beside them or, if a name is long, below."""
    handles, labels = ax.get_legend_handles_labels()
    if max(map(len, labels)) <= _BESIDE:
        place: dict[str, Any] = {"bbox_to_anchor": (1.01, 1)}
    else:
        place = {"bbox_to_anchor": (0, -0.15), "ncols": 2}
    ax.legend(handles[::-1], labels[::-1], loc="upper left", fontsize="small", **place)


def _valid_in(
    cell: tuple[Number, Number], axis: _Axis, at: Callable[[Number], int | None]
) -> Number | None:
    """The roundest size of a cell at which the formula holds, if one of those tried is."""
    tried = axis.round_sizes(cell)
    if not axis.real:
        tried += range(int(cell[0]), min(int(cell[1]), int(cell[0]) + 64))
    return next((size for size in tried if at(size) is not None), None)


def _parts_at(
    count: Formula, depth: int, axis: _Axis, values: Values
) -> dict[str, Callable[[Number], int | None]]:
    """The parts at a depth, counted from the first module that holds several."""
    whole = outline(breakdown(count))
    while len(whole.held) == 1 and whole.held[0].held:
        (whole,) = whole.held
    level = [whole]
    for _ in range(depth):
        level = [part for parent in level for part in (parent.held or (parent,))]
    base = f"{whole.path}." if whole.path else ""
    labels = [part.path.removeprefix(base) or part.name for part in level]
    return {
        label: _evaluator(part.count, [axis.name], values)
        for label, part in zip(_starred(labels), level, strict=True)
    }


def _starred(labels: Sequence[str]) -> Sequence[str]:
    """Labels with a star for what a loop counts, `layers.*.mlp`, if that tells them apart."""
    short = [re.sub(r"\{[^}]*\}", "*", label) for label in labels]
    return short if len(set(short)) == len(labels) else labels


def _greatest(shares: Mapping[str, list[float]]) -> dict[str, list[float]]:
    """The greatest parts in their own order, and the others as one."""
    rank = sorted(shares, key=lambda label: max(shares[label]), reverse=True)
    if len(rank) <= _PARTS:
        return dict(shares)
    kept = set(rank[:_PARTS])
    others = [share for label, share in shares.items() if label not in kept]
    found = {label: share for label, share in shares.items() if label in kept}
    if len(others) == 1:
        return found | {label: shares[label] for label in shares.keys() - kept}
    found[f"{len(others)} others"] = [sum(column) for column in zip(*others, strict=True)]
    return found


def _draw_shares(
    ax: Axes,
    axis: _Axis,
    cells: Sequence[tuple[Number, Number]],
    shares: Mapping[str, list[float]],
) -> None:
    shift = 0.0 if axis.real else 0.5
    left = [first - shift for first, _ in cells]
    widths = [last - first for first, last in cells]
    below = [0.0] * len(cells)
    for number, (label, heights) in enumerate(shares.items()):
        rest = number == _PARTS
        ax.bar(
            left,
            heights,
            widths,
            below,
            align="edge",
            color=_REST if rest else _COLOURS[number],
            hatch="" if rest else _HATCHES[number],
            edgecolor="white",
            linewidth=0,
            label=label,
        )
        below = [b + h for b, h in zip(below, heights, strict=True)]


# --- a map over two symbols -------------------------------------------------------------------


def plot_map(
    count: Formula,
    x: str | sympy.Symbol,
    y: str | sympy.Symbol,
    /,
    *,
    between: Mapping[str, tuple[Number, Number]] | None = None,
    budgets: float | Iterable[float] = (),
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
    across, up = _axis(count, x, ranges.get(str(x))), _axis(count, y, ranges.get(str(y)))
    levels = _budgets(budgets)
    (known,) = _shared_out({"": count}, [across, up], values)
    at = _evaluator(count, [across.name, up.name], known)
    columns, lines = across.cells(_CELLS), up.cells(_CELLS)
    xs = _round_for_most(columns, across, _probes(lines, up), at)
    ys = _round_for_most(lines, up, xs[:: max(1, len(xs) // 5)], lambda b, a: at(a, b))
    grid = [[math.nan if (c := at(a, b)) is None else _drawable(c) for a in xs] for b in ys]
    if all(math.isnan(value) for line in grid for value in line):
        _raise_nowhere(count, [across, up], known)
    drawn = _axes(ax)
    _scale(drawn, across, [])
    _scale(drawn, up, [], vertical=True)
    _draw_map(drawn, (across.edges(columns), up.edges(lines)), grid, count)
    missed = _draw_contours(drawn, (xs, ys), grid, levels, count)
    _name(drawn, across, up.name, [known], count.factory)
    if missed:
        box = {"facecolor": "white", "edgecolor": "0.7"}
        text = "\n".join(missed)
        drawn.text(
            0.02, 0.98, text, transform=drawn.transAxes, va="top", fontsize="small", bbox=box
        )
    return drawn


def _probes(cells: Sequence[tuple[Number, Number]], axis: _Axis) -> list[Number]:
    """A few round sizes along an axis."""
    return [axis.round_sizes(cell)[0] for cell in cells[:: max(1, len(cells) // 5)]]


def _round_for_most(
    cells: Sequence[tuple[Number, Number]],
    axis: _Axis,
    probes: Sequence[Number],
    at: Callable[[Number, Number], int | None],
) -> list[Number]:
    """For each cell the roundest of the sizes at which the formula holds for the most probes."""

    def holds(size: Number) -> int:
        return sum(at(size, probe) is not None for probe in probes)

    return [max(axis.round_sizes(cell)[:_TRIES], key=holds) for cell in cells]


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


def _budgets(budgets: float | Iterable[Any]) -> list[float]:
    found = []
    for budget in [budgets] if isinstance(budgets, int | float) else budgets:
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
    norm = LogNorm(low, high) if 0 < low < high / _LOG_FROM else Normalize(low, max(high, low + 1))
    mesh = ax.pcolormesh(*edges, grid, norm=norm, cmap="viridis", shading="flat")
    formatter = _formatter(_unit(count))
    figure = ax.figure
    bar = figure.colorbar(mesh, ax=ax, format=formatter)
    bar.set_label(count.measure.noun)
    bar.ax.yaxis.set_minor_formatter(_formatter(lambda value: ""))


def _draw_contours(
    ax: Axes,
    middles: tuple[list[Number], list[Number]],
    grid: list[list[float]],
    levels: Sequence[float],
    count: Formula,
) -> list[str]:
    """Contours of the budgets within reach; what to say of the others."""
    unit = _unit(count)
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
    """A contour where all is known; else a mark between neighbours of which one is within."""
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
    ax.text(
        (left + right) / 2,
        (low + high) / 2,
        name,
        color="white",
        fontsize=9,
        ha="center",
        va="center",
        bbox=_LABEL,
        zorder=5,
    )


_LABEL = {"facecolor": "black", "edgecolor": "none", "boxstyle": "round,pad=0.15"}


def _without_blank_lines(
    xs: list[Number], ys: list[Number], grid: list[list[float]]
) -> tuple[list[Number], list[Number], list[list[float]]]:
    """The map without the rows and columns in which nothing is known."""
    up = [j for j in range(len(ys)) if not all(map(math.isnan, grid[j]))]
    across = [i for i in range(len(xs)) if not all(math.isnan(line[i]) for line in grid)]
    return [xs[i] for i in across], [ys[j] for j in up], [[grid[j][i] for i in across] for j in up]


def _marks(
    middles: tuple[list[Number], list[Number]], grid: list[list[float]], level: float
) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """Short lines between known cells, next to one another, on either side of a level."""
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
    """The extent of a cell about its place."""
    low, high = places[max(0, index - 1)], places[min(len(places) - 1, index + 1)]
    return (low + places[index]) / 2, (places[index] + high) / 2


# --- what they share --------------------------------------------------------------------------


def _labelled(count: Formula, against: Against) -> dict[str, Formula]:
    """Formulas by label: what tells each from the others."""
    if isinstance(against, Mapping):
        counts, labels = [count, *against.values()], [count.factory, *map(str, against)]
    else:
        several = isinstance(against, Iterable) and not isinstance(against, type(count))
        others: Any = against if several else [against]
        counts = [count, *others]
        labels = _told_apart(counts)
    for other in counts:
        if not isinstance(other, type(count)):
            raise ArgumentError(f"plot(against=...): {other!r} is no formula; give a ParamCount")
    if len(set(labels)) < len(labels):
        labels = [f"{label} ({number})" for number, label in enumerate(labels, 1)]
    return dict(zip(labels, counts, strict=True))


def _told_apart(counts: Sequence[Any]) -> list[str]:
    """The factories' names, with the measure and the formula where these are the same."""
    labels = [getattr(count, "factory", "") for count in counts]
    for tell in (lambda count: count.measure.noun, lambda count: shorten(str(count), 40)):
        if len(set(labels)) == len(labels):
            break
        labels = [
            f"{label}: {tell(count)}" if labels.count(label) > 1 else label
            for label, count in zip(labels, counts, strict=True)
        ]
    return labels


def shorten(text: str, width: int) -> str:
    """A text cut to a width.

    >>> shorten("4*dim**2 + 4*dim", 10)
    '4*dim**...'
    """
    return text if len(text) <= width else f"{text[: width - 3]}..."


def _axis(
    count: Formula, symbol: str | sympy.Symbol, between: tuple[Number, Number] | None
) -> _Axis:
    name = str(symbol)
    h = next((h for h in count.hyperparameters if h.name == name), None)
    if h is None:
        count.signature.bind((), {name: 1})
        raise AssertionError("a formula took a value for a symbol that it does not have")
    if between is None:
        low, high = _everyday(h)
    else:
        low, high = _pair(between, h)
    return _Axis(name, low, high, h.real, h.multiple_of)


def _everyday(h: Hyperparameter) -> tuple[Number, Number]:
    """A range that says something of a symbol: about its default, if it has one."""
    low: Number
    high: Number
    if h.real:
        low, high = (0.25, 8.0) if h.default is None else (h.default / 8, h.default * 4)
    elif h.default is None:
        low, high = 1, LARGEST_CANDIDATE
    else:
        low, high = max(1, int(h.default) // 8), 4 * int(h.default)
    low, high = max(low, h.minimum), max(high, h.minimum)
    return (low, high) if h.maximum is None else (min(low, h.maximum), min(high, h.maximum))


def _pair(between: Any, h: Hyperparameter) -> tuple[Number, Number]:
    said = f"between={between!r} for {h.name!r}"
    try:
        low, high = between
    except (TypeError, ValueError):
        raise ArgumentError(f"{said}: give the least and the greatest value") from None
    if h.real:
        fine = all(isinstance(b, int | float) and math.isfinite(b) for b in (low, high))
        least: Number = math.ulp(0.0) if not fine or high <= 0 else high / 2**20
    else:
        low, high = (int(b) if isinstance(b, float) and b.is_integer() else b for b in (low, high))
        fine = all(hasattr(b, "__index__") and not isinstance(b, bool) for b in (low, high))
        least = 1
    if not fine:
        raise ArgumentError(f"{said}: {'finite' if h.real else 'whole'} numbers are needed")
    if not h.real:
        low, high = operator.index(low), operator.index(high)
    low = max(low, least)
    if high > _MOST:
        raise ArgumentError(f"{said}: sizes beyond 2**53 cannot be told apart in a picture")
    if high < low:
        raise ArgumentError(f"{said}: no value is between these; put the least first")
    return low, high


def _shared_out(
    formulas: Mapping[str, Formula], axes: Sequence[_Axis], values: Values
) -> list[dict[str, Number]]:
    """For each formula the values of its other symbols, defaults included.

    Raises:
        ArgumentError: a value is given for an axis or for no formula's symbol, or is missing.
    """
    names = [axis.name for axis in axes]
    for name in names:
        if name in values:
            raise ArgumentError(f"{name!r} is along an axis; leave {name}={values[name]!r} out")
    first = next(iter(formulas.values()))
    known = {h.name for formula in formulas.values() for h in formula.hyperparameters}
    for name in values:
        if name not in known:
            first.signature.bind((), {name: values[name]})
    found = []
    for formula in formulas.values():
        own = {h.name for h in formula.hyperparameters}
        given = {name: value for name, value in values.items() if name in own}
        point = formula.signature.point((), {**given, **dict.fromkeys(names, 1)})
        found.append({name: value for name, value in point.items() if name not in names})
    return found


def _raise_nowhere(count: Formula, axes: Sequence[_Axis], values: Values) -> NoReturn:
    ranges = " and ".join(f"{axis.name} from {axis.low} to {axis.high}" for axis in axes)
    middle = {axis.name: axis.round_sizes((axis.low, axis.high + 1))[0] for axis in axes}
    point = count.signature.bind((), {**values, **middle})

    def message() -> str:
        seen = "" if all(axis.is_whole for axis in axes) else " that was looked at"
        return (
            f"there is nothing to draw: no size{seen} with {ranges} is in the domain of "
            f"{count.factory}. For one, {count.why_outside(point)}"
        )

    raise DomainError(message)


@cache
def _axes_class() -> type[Axes]:
    from matplotlib.axes import Axes

    class FormulaAxes(Axes):
        """Axes that a notebook shows as the picture they are in, with no help of pyplot."""

        def _repr_png_(self) -> bytes:
            picture = io.BytesIO()
            self.figure.canvas.print_figure(picture, format="png")
            return picture.getvalue()

    return FormulaAxes


def _axes(ax: Axes | None) -> Axes:
    """The axes given, or those of a new figure that pyplot does not know of."""
    try:
        from matplotlib.axes import Axes as MatplotlibAxes
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependencyError(
            "pictures need matplotlib, which is not installed: pip install 'symcount[plot]'"
        ) from None
    if ax is None:
        figure = Figure(figsize=(7.5, 4.5), dpi=120, layout="constrained")
        return figure.add_subplot(axes_class=_axes_class())
    if not isinstance(ax, MatplotlibAxes):
        raise ArgumentError(f"ax={ax!r}: give the Axes of matplotlib, or nothing for new ones")
    return ax


def _scale(ax: Axes, axis: _Axis, counts: Sequence[int], vertical: bool = False) -> None:
    """Scales and ticks for a symbol, and for counts on the other axis."""
    if ax.has_data():
        return
    _scale_symbol(ax, axis, vertical)
    if counts:
        _scale_counts(ax, counts)


def _scale_symbol(ax: Axes, axis: _Axis, vertical: bool) -> None:
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

    one = ax.yaxis if vertical else ax.xaxis
    if axis.is_log:
        (ax.set_yscale if vertical else ax.set_xscale)("log", base=2)
        one.set_major_locator(LogLocator(base=2, numticks=13))
        one.set_minor_locator(NullLocator())
    else:
        one.set_major_locator(MaxNLocator(nbins=9, integer=not axis.real))
    one.set_major_formatter(_formatter(_plain))
    (ax.set_ylim if vertical else ax.set_xlim)(*axis.ends())


def _scale_counts(ax: Axes, counts: Sequence[int]) -> None:
    from matplotlib.ticker import LogLocator, NullLocator

    low, high = min(counts), max(counts)
    if low <= 0 or high < _LOG_FROM * low:
        return
    ax.set_yscale("log")
    subs = (1.0, 2.0, 5.0) if high < 500 * low else (1.0,)
    ax.yaxis.set_major_locator(LogLocator(base=10, subs=subs, numticks=12))
    ax.yaxis.set_minor_locator(NullLocator())


def _name(ax: Axes, axis: _Axis, vertical: str, known: Sequence[Values], factory: str = "") -> None:
    """Names of the axes, and above them at which values of other symbols this is."""
    ax.set_xlabel(axis.name)
    ax.set_ylabel(vertical)
    at = _said({name: value for values in known for name, value in values.items()})
    title = ", ".join(filter(None, (factory, at)))
    ax.set_title("\n".join(textwrap.wrap(title, 80)), loc="left", fontsize="small")


def _said(values: Values) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())


def _formatter(text: Callable[[float], str]) -> Formatter:
    from matplotlib.ticker import FuncFormatter

    return FuncFormatter(lambda value, _: text(value))


def _plain(value: float) -> str:
    """A size in full, as far as it is short: 4096 is not 4.1K."""
    return f"{value:g}" if abs(value) < 100_000 else short(value)


def _unit(count: Formula) -> Callable[[float], str]:
    return short_bytes if count.measure.in_bytes else short


def short(value: float) -> str:
    """A count in thousands, millions and so on.

    >>> [short(x) for x in (0, 950, 1500, 7e9, 6_738_415_616, 2e15)]
    ['0', '950', '1.5K', '7B', '6.74B', '2000T']
    """
    return _in_steps(value, ("", "K", "M", "B", "T"))


def short_bytes(value: float) -> str:
    """A number of bytes in powers of 1000.

    >>> [short_bytes(x) for x in (12, 1500, 13.5e9)]
    ['12 B', '1.5 kB', '13.5 GB']
    """
    return _in_steps(value, (" B", " kB", " MB", " GB", " TB"))


def _in_steps(value: float, units: Sequence[str]) -> str:
    step = 0
    while abs(value) >= 999.5 and step < len(units) - 1:
        value, step = value / 1000, step + 1
    return f"{value:.0f}{units[step]}" if abs(value) >= 100 else f"{value:.3g}{units[step]}"
