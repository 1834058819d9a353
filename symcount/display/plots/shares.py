"""Plot the shares of parts against one symbol."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from symcount.display.outline import outline
from symcount.display.plots.axes import (
    COLOURS,
    axes,
    formatter,
    name_axes,
    scale,
)
from symcount.display.plots.ranges import (
    COLUMNS,
    Range,
    counted,
    evaluator,
    raise_nowhere,
    range_of,
    said,
    shared_out,
)
from symcount.errors import ArgumentError, DomainError
from symcount.formula.breakdown import breakdown
from symcount.symbols import Number, SymbolLike, Values

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from symcount.formula.formula import Formula


_PARTS = 7  # that are shown; the others are one
_BESIDE = 26  # characters of a name that fit beside the picture
_IN_TWO = 32  # and those of a name below it, if there are two columns
_NAMED = 32  # points below the axes for what their axis says
_HATCHES = ("", "///", "...", "\\\\\\", "xx", "---", "++")
_REST = "#BBBBBB"


def plot_share(
    count: Formula,
    symbol: SymbolLike,
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
    axis = range_of(count, symbol, between)
    (known,) = shared_out({"": count}, [axis], values)
    at = evaluator(count, [axis.name], known)
    cells = axis.cells(COLUMNS)
    columns = [(cell, size) for cell in cells if (size := _valid_in(cell, axis, at)) is not None]
    if not columns:
        raise_nowhere(count, [axis], known)
    sizes = [size for _, size in columns]
    totals = [counted(at(size)) for size in sizes]
    if not any(totals):
        raise DomainError(
            f"{count.factory} has no {count.measure.noun} at {said(known)}, so there is nothing "
            "to share; draw another measure"
        )
    at_each = list(zip(sizes, totals, strict=True))
    shares = {
        label: [counted(evaluate(size)) / total if total else 0.0 for size, total in at_each]
        for label, evaluate in _parts_at(count, depth, axis, known).items()
    }
    if any(share < 0 for each in shares.values() for share in each):
        raise DomainError(
            f"{count.factory} subtracts more than it adds in one of its parts at {said(known)}, "
            "which is no share of the whole; draw the formulas that it is made of"
        )
    drawn = axes(ax)
    _scale_shares(drawn, axis, cells)
    _draw_shares(drawn, axis, [cell for cell, _ in columns], _greatest(shares))
    name_axes(drawn, axis, f"share of the {count.measure.noun}", [known], count.factory)
    _name_parts(drawn)
    return drawn


def _scale_shares(ax: Axes, axis: Range, cells: Sequence[tuple[Number, Number]]) -> None:
    scale(ax, axis, [])
    lower, *_, upper = axis.edges(cells)
    ax.set_xlim(max(lower, axis.low / 2) if axis.is_log else lower, upper)
    ax.set_ylim(0, 1)
    ax.yaxis.set_major_formatter(formatter(lambda share: f"{share:.0%}"))


def _name_parts(ax: Axes) -> None:
    """Add a legend in the order of the parts, beside them or, if a name is long, below."""
    handles, labels = ax.get_legend_handles_labels()
    longest = max(map(len, labels))
    if longest <= _BESIDE:
        place: dict[str, Any] = {"bbox_to_anchor": (1.01, 1)}
    else:
        from matplotlib.transforms import ScaledTranslation

        below = ScaledTranslation(0, -_NAMED / 72, ax.figure.dpi_scale_trans)
        place = {"bbox_to_anchor": (0, 0), "bbox_transform": ax.transAxes + below}
        place["ncols"] = 2 if longest <= _IN_TWO else 1
    ax.legend(handles[::-1], labels[::-1], loc="upper left", fontsize="small", **place)


def _valid_in(
    cell: tuple[Number, Number], axis: Range, at: Callable[[Number], int | None]
) -> Number | None:
    """Return the roundest size of a cell at which the formula holds, if one is found."""
    tried = axis.round_sizes(cell)
    if not axis.real:
        tried += range(int(cell[0]), min(int(cell[1]), int(cell[0]) + 64))
    return next((size for size in tried if at(size) is not None), None)


def _parts_at(
    count: Formula, depth: int, axis: Range, values: Values
) -> dict[str, Callable[[Number], int | None]]:
    """Return the parts at a depth, counted from the first module that holds several."""
    whole = outline(breakdown(count))
    while len(whole.held) == 1 and whole.held[0].held:
        (whole,) = whole.held
    level = [whole]
    for _ in range(depth):
        level = [part for parent in level for part in (parent.held or (parent,))]
    base = f"{whole.path}." if whole.path else ""
    labels = [part.path.removeprefix(base) or part.name for part in level]
    return {
        label: evaluator(part.count, [axis.name], values)
        for label, part in zip(starred(labels), level, strict=True)
    }


def starred(labels: Sequence[str]) -> Sequence[str]:
    """Write a star for what a loop counts, `layers.*.mlp`, if labels still differ then."""
    short = [re.sub(r"\{[^}]*\}", "*", label) for label in labels]
    return short if len(set(short)) == len(labels) else labels


def _greatest(shares: Mapping[str, list[float]]) -> dict[str, list[float]]:
    """Keep the greatest parts, in their order, and add up the others."""
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
    axis: Range,
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
            color=_REST if rest else COLOURS[number],
            hatch="" if rest else _HATCHES[number],
            edgecolor="white",
            linewidth=0,
            label=label,
        )
        below = [b + h for b, h in zip(below, heights, strict=True)]
