"""Plot counts against one symbol, and mark where one becomes cheaper than another."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

from symcount.display.plots.axes import (
    COLOURS,
    axes,
    drawable,
    formatter,
    name_axes,
    scale,
    shorten,
    unit_of,
)
from symcount.display.plots.ranges import (
    COLUMNS,
    SAMPLES,
    Range,
    counted,
    evaluator,
    raise_nowhere,
    range_of,
    shared_out,
)
from symcount.errors import ArgumentError
from symcount.formula.formula import Formula, formula_of
from symcount.symbols import Number, SymbolLike

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from symcount.formula.formula import HasFormula

    Against: TypeAlias = HasFormula | Iterable[HasFormula] | Mapping[str, HasFormula]


_DASHES = ("-", "--", "-.", ":", (0, (7, 2, 1, 2, 1, 2)), (0, (3, 1)), (0, (1, 3)))
_MARKERS = "os^DvPX"


def plot(
    count: Formula,
    symbol: SymbolLike,
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
        count.measure.require_unit_of(other.measure, "plot()")
    axis = range_of(count, symbol, between)
    known = shared_out(formulas, [axis], values)
    pairs = list(zip(formulas.values(), known, strict=True))
    evaluators = [evaluator(formula, [axis.name], given) for formula, given in pairs]
    xs = _sampled(axis, evaluators)
    curves = [
        _Curve(label, {x: y for x in xs if (y := at(x)) is not None}, at)
        for label, at in zip(formulas, evaluators, strict=True)
    ]
    for curve, (formula, given) in zip(curves, pairs, strict=True):
        if not curve.sizes:
            raise_nowhere(formula, [axis], given)
    drawn = axes(ax)
    scale(drawn, axis, [y for curve in curves for y in curve.sizes.values()])
    drawn.yaxis.set_major_formatter(formatter(unit_of(count)))
    for number, curve in enumerate(curves):
        _draw_curve(drawn, curve, xs, axis.is_whole, number)
    _draw_crossovers(drawn, curves, axis)
    _hatch_gaps(drawn, curves, axis)
    nouns = dict.fromkeys(formula.measure.noun for formula in formulas.values())
    name_axes(drawn, axis, ", ".join(nouns), known)
    drawn.legend(loc="best", frameon=True, framealpha=0.85, fontsize="small")
    return drawn


@dataclass(frozen=True)
class _Curve:
    """A formula at the sizes of an axis; what is missing is outside its domain."""

    label: str
    sizes: Mapping[Number, int]
    at: Callable[[Number], int | None]


def _sampled(axis: Range, evaluators: Sequence[Callable[[Number], int | None]]) -> list[Number]:
    """List the sizes of an axis; if not all, round ones at which the most formulas hold."""
    if axis.is_whole:
        return axis.sizes()

    def holds(size: Number) -> int:
        return sum(at(size) is not None for at in evaluators)

    return axis.best_sizes(axis.cells(SAMPLES), holds)


def _draw_curve(ax: Axes, curve: _Curve, xs: Sequence[Number], whole: bool, number: int) -> None:
    """Draw a line with a gap at missing sizes, and a point where both neighbours are missing."""
    ys = [drawable(curve.sizes[x]) if x in curve.sizes else math.nan for x in xs]
    style: dict[str, Any] = {"linestyle": _DASHES[number % len(_DASHES)], "linewidth": 1.8}
    there = [place for place, y in enumerate(ys) if not math.isnan(y)]
    alone = [p for p in there if xs[p] - 1 not in curve.sizes and xs[p] + 1 not in curve.sizes]
    if not whole or len(alone) == len(there):
        # There is nothing to join, or nothing is known of what lies between.
        style, alone = {"linestyle": "none"}, there
    elif len(there) <= COLUMNS:
        alone = there
    if alone:
        size = 3.5 if len(there) <= 4 * COLUMNS else 2.2
        style |= {"marker": _MARKERS[number % len(_MARKERS)], "markersize": size}
        style["markevery"] = alone
    colour = COLOURS[number % len(COLOURS)]
    ax.plot(xs, ys, color=colour, label=curve.label, zorder=3, **style)


def _draw_crossovers(ax: Axes, curves: Sequence[_Curve], axis: Range) -> None:
    for first, second in combinations(curves, 2):
        found = list(_crossovers(first, second, axis))
        if not found:
            continue
        where = ", ".join(f"{x:,}" for x in found[:4]) + (", ..." if len(found) > 4 else "")
        pair = "" if len(curves) == 2 else f" of {first.label} and {second.label}"
        ax.plot(
            found,
            [drawable(counted(first.at(x))) for x in found],
            linestyle="none",
            marker="o",
            markersize=9,
            markerfacecolor="none",
            markeredgecolor="black",
            markeredgewidth=1.4,
            zorder=5,
            label=f"crossover{pair}: {axis.name} = {where}",
        )


def _crossovers(first: _Curve, second: _Curve, axis: Range) -> Iterator[Number]:
    """Yield the sizes at which the cheaper of two formulas changes.

    Of a sampled range those that are found; each is a crossover all the same.
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


def _first_change(order: Callable[[Number], int | None], between: Range, before: int) -> Number:
    """Return the first size of a range at which the order is no longer `before`, as far as is seen.

    It is `before` at the low end, and not at the high end. Long ranges are narrowed down first.
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


def _hatch_gaps(ax: Axes, curves: Sequence[_Curve], axis: Range) -> None:
    """Hatch where no formula holds: gaps that are wide, and not steps from one size to the next."""
    if not axis.is_whole:
        return
    valid = sorted({size for curve in curves for size in curve.sizes})
    place = math.log if axis.is_log else float
    width = place(axis.high) - place(axis.low) or 1.0
    label: str | None = "outside the domain"
    for left, right in _wide_gaps(valid, axis):
        start, end = max(left, axis.low), min(right, axis.high)
        if (place(end) - place(start)) / width > 0.05:
            ax.axvspan(
                start, end, facecolor="none", edgecolor="0.8", hatch="//", linewidth=0, label=label
            )
            label = None


def _wide_gaps(valid: Sequence[Number], axis: Range) -> Iterator[tuple[Number, Number]]:
    """Yield gaps between sizes that are many times the steps on either side of them."""
    steps = [right - left for left, right in pairwise(valid)]
    gaps = list(pairwise([axis.low - 1, *valid, axis.high + 1]))
    for number, (left, right) in enumerate(gaps):
        beside = [*steps[max(0, number - 2) : max(0, number - 1)], *steps[number : number + 1]]
        if right - left > 4 * max(beside or steps or [1]):
            yield left, right


def _labelled(count: Formula, against: Against) -> dict[str, Formula]:
    """Label formulas by what tells each from the others."""
    if isinstance(against, Mapping):
        counts, labels = (
            [count, *map(formula_of, against.values())],
            [count.factory, *map(str, against)],
        )
    else:
        others: Any = against if isinstance(against, Iterable) else [against]
        counts = [count, *map(formula_of, others)]
        labels = _told_apart(counts)
    for other in counts:
        if not isinstance(other, Formula):
            raise ArgumentError(f"plot(against=...): {other!r} is no formula; give a ParamCount")
    if len(set(labels)) < len(labels):
        labels = [f"{label} ({number})" for number, label in enumerate(labels, 1)]
    return dict(zip(labels, counts, strict=True))


def _told_apart(counts: Sequence[Any]) -> list[str]:
    """Name formulas after their factories; with measure and formula where names are the same."""
    labels = [getattr(count, "factory", "") for count in counts]
    for tell in (lambda count: count.measure.noun, lambda count: shorten(str(count), 40)):
        if len(set(labels)) == len(labels):
            break
        labels = [
            f"{label}: {tell(count)}" if labels.count(label) > 1 else label
            for label, count in zip(labels, counts, strict=True)
        ]
    return labels
