"""Make and scale the axes of pictures: ticks, names, colours, and short numbers.

matplotlib is loaded when something is drawn. Nothing of `pyplot` is used, so no figure is shown or
made current, and no setting changes.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from symcount.display.plots.ranges import LOG_FROM, Range, said
from symcount.errors import ArgumentError, MissingDependencyError
from symcount.formula.amounts import short, short_bytes
from symcount.symbols import Values

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.ticker import Formatter

    from symcount.formula.formula import Formula

# Colours that people with any colour vision tell apart (Okabe and Ito 2008), without the yellow,
# which is too light for a line; lines and parts also differ in dashes and hatches.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")


def drawable(count: int) -> float:
    """Convert a count to a coordinate.

    Raises:
        ArgumentError: no float is so great.
    """
    try:
        return float(count)
    except OverflowError:
        raise ArgumentError(
            f"a count of {len(str(count))} digits is too great to be drawn; draw smaller sizes"
        ) from None


def shorten(text: str, width: int) -> str:
    """Cut a text to a width.

    >>> shorten("4*dim**2 + 4*dim", 10)
    '4*dim**...'
    """
    return text if len(text) <= width else f"{text[: width - 3]}..."


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


def axes(ax: Axes | None) -> Axes:
    """Return the axes given, or those of a new figure that pyplot does not know of.

    Raises:
        ArgumentError: what is given are no axes.
        MissingDependencyError: matplotlib is not installed.
    """
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


def scale(ax: Axes, axis: Range, counts: Sequence[int], vertical: bool = False) -> None:
    """Set scales and ticks for a symbol, and for counts on the other axis."""
    if ax.has_data():
        return
    _scale_symbol(ax, axis, vertical)
    if counts:
        _scale_counts(ax, counts)


def _scale_symbol(ax: Axes, axis: Range, vertical: bool) -> None:
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

    one = ax.yaxis if vertical else ax.xaxis
    if axis.is_log:
        (ax.set_yscale if vertical else ax.set_xscale)("log", base=2)
        one.set_major_locator(LogLocator(base=2, numticks=13))
        one.set_minor_locator(NullLocator())
    else:
        one.set_major_locator(MaxNLocator(nbins=9, integer=not axis.real))
    one.set_major_formatter(formatter(_plain))
    (ax.set_ylim if vertical else ax.set_xlim)(*axis.ends())


def _scale_counts(ax: Axes, counts: Sequence[int]) -> None:
    from matplotlib.ticker import LogLocator, NullLocator

    low, high = min(counts), max(counts)
    if low <= 0 or high < LOG_FROM * low:
        return
    ax.set_yscale("log")
    subs = (1.0, 2.0, 5.0) if high < 500 * low else (1.0,)
    ax.yaxis.set_major_locator(LogLocator(base=10, subs=subs, numticks=12))
    ax.yaxis.set_minor_locator(NullLocator())


def name_axes(
    ax: Axes, axis: Range, vertical: str, known: Sequence[Values], factory: str = ""
) -> None:
    """Name the axes, and write the values of the other symbols above them."""
    ax.set_xlabel(axis.name)
    ax.set_ylabel(vertical)
    at = said({name: value for values in known for name, value in values.items()})
    title = ", ".join(filter(None, (factory, at)))
    ax.set_title("\n".join(textwrap.wrap(title, 80)), loc="left", fontsize="small")


def formatter(text: Callable[[float], str]) -> Formatter:
    """Return a formatter of ticks that writes values in this way."""
    from matplotlib.ticker import FuncFormatter

    return FuncFormatter(lambda value, _: text(value))


def _plain(value: float) -> str:
    """Write a size in full if that is short: 4096 is not 4.1K."""
    return f"{value:g}" if abs(value) < 100_000 else short(value)


def unit_of(count: Formula) -> Callable[[float], str]:
    """Return how values of a formula are written in short."""
    return short_bytes if count.measure.in_bytes else short
