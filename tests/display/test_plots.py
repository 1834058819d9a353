"""Plots draw what formulas say, and nothing where they say nothing."""

from __future__ import annotations

import math
import subprocess
import sys
from itertools import pairwise

import matplotlib
import matplotlib.axes
import matplotlib.figure
import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import symcount
from symcount import ArgumentError, DomainError, ParamCount, Symbol, derive
from symcount.display.plots.axes import drawable
from symcount.display.plots.ranges import Range
from symcount.display.plots.shares import starred
from symcount.errors import MissingDependencyError
from tests.random_expressions import thorough

matplotlib.use("Agg")


def gapped(dim, heads=4):
    if dim % heads or 100 < dim < 200:
        raise ValueError(dim)
    return nn.Linear(dim, dim)


def two(dim, rank=8):
    return nn.Sequential(
        nn.Sequential(nn.Linear(dim, rank), nn.Linear(rank, dim)), nn.Linear(dim, 3 * dim)
    )


@pytest.fixture(scope="module")
def gaps() -> ParamCount:
    return derive(gapped)


@pytest.fixture(scope="module")
def dense() -> ParamCount:
    return derive(lambda dim: nn.Linear(dim, dim))


@pytest.fixture(scope="module")
def thin() -> ParamCount:
    return derive(lambda dim, rank=8: nn.Sequential(nn.Linear(dim, rank), nn.Linear(rank, dim)))


@pytest.fixture(scope="module")
def parts() -> ParamCount:
    return derive(two)


def curve(ax, number=0):
    x, y = ax.get_lines()[number].get_data()
    return [int(v) for v in x], [float(v) for v in y]


# --- plot -------------------------------------------------------------------------------------


@pytest.mark.parametrize("heads", [1, 4, 7])
def test_every_point_is_a_value_and_every_gap_is_a_gap(gaps, heads: int) -> None:
    ax = gaps.plot("dim", between=(1, 300), heads=heads)
    xs, ys = curve(ax)
    assert xs == list(range(1, 301))
    for x, y in zip(xs, ys, strict=True):
        assert y == gaps(x, heads) if gaps.valid(x, heads) else math.isnan(y)
    (line,) = ax.get_lines()
    joined = any(not math.isnan(a + b) for a, b in pairwise(ys))
    assert (line.get_linestyle() != "None") == joined == (heads == 1)
    if not joined:  # then every size is seen as a point
        assert line.get_marker() == "o"
        assert list(line.get_markevery()) == [i for i, y in enumerate(ys) if not math.isnan(y)]


def test_a_size_between_two_gaps_is_a_point() -> None:
    def factory(dim):
        if 50 < dim < 90 and dim != 70:
            raise ValueError(dim)
        return nn.Linear(dim, 2)

    (line,) = derive(factory).plot("dim", between=(1, 120)).get_lines()
    assert line.get_markevery() == [69]
    assert line.get_linestyle() == "-"


def test_wide_gaps_are_hatched(gaps) -> None:
    ax = gaps.plot("dim", between=(1, 300))
    (patch,) = ax.patches
    left, right = patch.get_x(), patch.get_x() + patch.get_width()
    assert (left, right) == (100, 200)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["gapped", "outside the domain"]
    assert not gaps.plot("dim", between=(1, 100)).patches


def test_no_size_at_which_the_formula_holds_is_hatched() -> None:
    def sparse(dim):
        if (dim % 48 and dim < 900) or 300 < dim < 600:
            raise ValueError(dim)
        return nn.Linear(dim, dim)

    count = derive(sparse)
    for between in ((1, 1000), (250, 1000), (1, 50), (40, 100), (1, 500)):
        ax = count.plot("dim", between=between)
        valid = count.valid_values("dim", between=between)
        spans = [(p.get_x(), p.get_x() + p.get_width()) for p in ax.patches]
        assert not [d for d in valid for low, high in spans if low < d < high], between
        is_in = (between[0] < 300) and between[1] > 600
        assert ((288, 624) in spans) == is_in
    assert not derive(nn.MultiheadAttention).plot("embed_dim", num_heads=64).patches


def test_the_axes_show_all_of_the_range(gaps) -> None:
    ax = gaps.plot("dim", between=(1, 1.9e2))
    assert ax.get_xlim() == (1, 190)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    ax = gaps.plot("dim", between=(200, 300))
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "linear")
    ax = derive(lambda dim: nn.Linear(dim, dim) if dim > 9 else nn.ReLU()).plot("dim")
    assert ax.get_yscale() == "linear"  # a count of 0 has no logarithm


def test_names_and_ticks(gaps) -> None:
    ax = gaps.trainable.plot(gaps.symbols[0], between=(1, 4096), heads=2)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("dim", "trainable parameters")
    assert ax.get_title(loc="left") == "heads=2"
    ticks = ax.yaxis.get_major_formatter()
    assert [ticks(y) for y in (1000, 2e6, 7e9)] == ["1K", "2M", "7B"]
    assert gaps.nbytes.plot("dim").yaxis.get_major_formatter()(7e9) == "7 GB"
    assert ax.xaxis.get_major_formatter()(4096) == "4096"


def test_the_range_is_one_about_the_default_or_up_to_4096(gaps) -> None:
    assert gaps.plot("heads", dim=64).get_xlim() == (1, 16)
    assert gaps.plot("dim").get_xlim() == (1, 4096)
    bounded = derive(gapped, dim=Symbol(min=64, max=512, multiple_of=64))
    assert bounded.plot("dim").get_xlim() == (64, 512)


def test_of_more_sizes_some_are_drawn_and_not_joined(gaps) -> None:
    (line,) = gaps.plot("dim", between=(1, 10**6), heads=12).get_lines()
    xs, ys = line.get_data()
    assert len(xs) <= 1024
    assert line.get_linestyle() == "None"
    known = [(int(x), y) for x, y in zip(xs, ys, strict=True) if not math.isnan(y)]
    assert len(known) > 500  # round sizes are looked at, of which many are valid
    assert all(y == gaps(x, heads=12) for x, y in known)


def test_real_symbols() -> None:
    count = derive(
        lambda dim=64, ratio=2.0: nn.Linear(dim, int(dim * ratio)), ratio=Symbol(real=True)
    )
    xs, ys = count.plot("ratio", between=(0.5, 4.0)).get_lines()[0].get_data()
    assert (min(xs), max(xs)) == pytest.approx((0.5, 4.0), rel=0.01)
    assert all(y == count(64, ratio=float(x)) for x, y in zip(xs, ys, strict=True))
    assert count.plot_share("ratio").patches
    with pytest.raises(ArgumentError, match="finite numbers are needed"):
        count.plot("ratio", between=(1, math.inf))


# --- several formulas -------------------------------------------------------------------------


def brute_force_crossovers(first, second, sizes):
    """Where the sign of the difference is no more what it was, if it then is another."""
    known = [(s, first(s) - second(s)) for s in sizes if first.valid(s) and second.valid(s)]
    found = []
    for place, (_, difference) in enumerate(known):
        before = next((d for _, d in reversed(known[:place]) if d), 0)
        if before * difference < 0:
            start = next(i for i in range(place, 0, -1) if known[i - 1][1] * before > 0)
            found.append(known[start][0])
    return found


def circles(ax):
    return [
        int(x)
        for line in ax.get_lines()
        if line.get_markerfacecolor() == "none" and line.get_markeredgecolor() == "black"
        for x in line.get_xdata()
    ]


@thorough(25)
@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 30), st.integers(1, 4))
def test_crossovers_are_those_of_brute_force(width, step, wave, modulus) -> None:
    first = derive(lambda dim: nn.Linear(dim, width, bias=False))

    def stairs(dim):
        if dim % modulus:
            raise ValueError(dim)
        return nn.Linear(dim // step + 1, wave + dim % 7)

    second = derive(stairs)
    expected = brute_force_crossovers(first, second, range(1, 151))
    ax = first.plot("dim", against=second, between=(1, 150))
    assert circles(ax) == expected
    for line in ax.get_lines()[2:]:
        assert [int(y) for y in line.get_ydata()] == [first(x) for x in expected]


def test_brute_force_knows_touching_from_crossing() -> None:
    class Known(dict):
        valid = dict.__contains__
        __call__ = dict.__getitem__

    def at(*differences):
        return Known(enumerate(differences)), Known(dict.fromkeys(range(len(differences)), 0))

    assert brute_force_crossovers(*at(1, 0, 1, 2), range(4)) == []
    assert brute_force_crossovers(*at(1, 0, 0, -2, -1, 3), range(6)) == [1, 5]


def test_crossovers_are_named(dense, thin) -> None:
    ax = dense.plot("dim", against={"low rank": thin}, between=(1, 100))
    texts = [t.get_text() for t in ax.get_legend().get_texts()]
    assert texts[1:] == ["low rank", "crossover: dim = 17"]
    assert dense(16) == 272 and thin(16) == 280 and dense(17) == 306 and thin(17) == 297
    assert circles(ax) == [17]


def test_crossovers_of_long_ranges_are_found_exactly(thin) -> None:
    wide = derive(lambda dim: nn.Linear(dim, 1_000_003, bias=False))
    square = derive(lambda dim: nn.Linear(dim, dim, bias=False))
    assert circles(square.plot("dim", against=wide, between=(1, 10**7))) == [1_000_003]


def test_three_formulas_name_their_pairs(dense, thin, parts) -> None:
    ax = dense.plot("dim", against=[thin, parts], between=(1, 100), rank=4)
    texts = [t.get_text() for t in ax.get_legend().get_texts()]
    assert ax.get_title(loc="left") == "rank=4"
    assert len(texts) == len(set(texts))
    assert sum(text.startswith("crossover of ") for text in texts) == 1
    assert len({line.get_color() for line in ax.get_lines()[:3]}) == 3
    assert len({str(line._dash_pattern) for line in ax.get_lines()[:3]}) == 3


# --- shares -----------------------------------------------------------------------------------


def columns(ax):
    """For each part its label and the rectangles of its columns: left, right, lower, upper."""
    found = {}
    for container in ax.containers:
        found[container.get_label()] = [
            (r.get_x(), r.get_x() + r.get_width(), r.get_y(), r.get_y() + r.get_height())
            for r in container.patches
        ]
    return found


def test_shares_are_those_of_the_parts(parts) -> None:
    ax = parts.plot_share("dim", between=(1, 40), rank=3)
    found = columns(ax)
    assert list(found) == ["0", "1"]
    modules = parts.breakdown().modules
    for dim, low, high in zip(range(1, 41), found["0"], found["1"], strict=True):
        assert (low[0], low[1]) == (dim - 0.5, dim + 0.5)
        assert low[3] == pytest.approx(modules["0"](dim, 3) / parts(dim, 3))
        assert (high[2], high[3]) == pytest.approx((low[3], 1))


def test_depth_takes_modules_apart(parts) -> None:
    assert list(columns(parts.plot_share("dim", depth=2))) == ["0.0", "0.1", "1.weight", "1.bias"]
    outer = derive(lambda dim: nn.Sequential(nn.Sequential(nn.Linear(dim, 2), nn.Linear(dim, 3))))
    assert list(columns(outer.plot_share("dim"))) == ["0", "1"]


def test_columns_of_shares_are_blank_outside_the_domain(gaps) -> None:
    found = columns(gaps.plot_share("dim", between=(1, 300)))
    for left, right, *_ in found["weight"]:
        inside = range(math.ceil(left), math.ceil(right))
        assert any(gaps.valid(dim) for dim in inside)
    covered = {
        d for left, right, *_ in found["weight"] for d in range(math.ceil(left), math.ceil(right))
    }
    assert not covered & set(range(110, 180))


def test_many_parts_are_the_greatest_and_the_others(gaps) -> None:
    count = derive(lambda dim: nn.Sequential(*(nn.Linear(dim, 1 + i) for i in range(12))))
    found = columns(count.plot_share("dim"))
    assert list(found) == ["5", "6", "7", "8", "9", "10", "11", "5 others"]
    assert all(high == pytest.approx(1) for *_, high in found["5 others"])


def test_one_part_too_many_keeps_its_name() -> None:
    count = derive(lambda dim: nn.Sequential(*(nn.Linear(dim, 1 + i) for i in range(8))))
    assert list(columns(count.plot_share("dim"))) == [*"1234567", "0"]


def stack(dim, n):
    layers = nn.ModuleList(nn.Sequential(nn.Linear(dim, dim), nn.LayerNorm(dim)) for _ in range(n))
    return nn.ModuleDict({"a_name_that_is_rather_long": layers, "head": nn.Linear(dim, 9)})


def test_what_a_loop_counts_is_a_star_in_the_name_of_a_part() -> None:
    found = list(columns(derive(stack).plot_share("dim", depth=3, n=4)))
    assert found[:2] == ["a_name_that_is_rather_long.*.0", "a_name_that_is_rather_long.*.1"]


def test_stars_are_left_out_where_they_would_make_names_equal() -> None:
    assert starred(["a.{0..1}.b", "a.{2..n-1}.b"]) == ["a.{0..1}.b", "a.{2..n-1}.b"]


def test_long_names_of_parts_stand_below_and_leave_the_columns_their_width() -> None:
    count = derive(stack)
    beside, below = (count.plot_share("dim", depth=depth, n=4) for depth in (1, 3))
    for ax in (beside, below):
        ax.figure.draw_without_rendering()
        legend = ax.get_legend().get_window_extent()
        assert not legend.overlaps(ax.get_window_extent())
        assert legend.x1 <= ax.figure.bbox.x1 and legend.y0 >= 0
        assert not legend.overlaps(ax.xaxis.label.get_window_extent())
    assert below.get_legend().get_window_extent().y1 < below.get_window_extent().y0
    assert below.get_window_extent().width > 0.8 * below.figure.bbox.width


def test_names_of_parts_that_are_longer_still_stand_in_one_column() -> None:
    names = [f"a_name_that_is_longer_than_half_the_picture_{i}" for i in range(6)]
    wide = derive(lambda dim: nn.ModuleDict({name: nn.Linear(dim, 2) for name in names}))
    ax = wide.plot_share("dim")
    ax.figure.set_size_inches(5.6, 3.8)
    ax.figure.draw_without_rendering()
    legend = ax.get_legend().get_window_extent()
    assert not legend.overlaps(ax.xaxis.label.get_window_extent())
    assert ax.get_window_extent().width > 0.7 * ax.figure.bbox.width


def test_memory_is_drawn_in_bytes(dense) -> None:
    total = dense.memory("float32", "sgd").total
    ax = total.plot("dim", between=(1000, 32_000))
    ax.figure.draw_without_rendering()
    texts = [t.get_text() for t in ax.get_yticklabels()]
    assert texts and all(text.endswith("B") and " " in text for text in texts)


# --- a map ------------------------------------------------------------------------------------


def test_cells_are_values_and_blank_outside_the_domain(gaps) -> None:
    ax = gaps.plot_map("dim", "heads", between={"dim": (60, 110), "heads": (1, 12)})
    (mesh,) = ax.collections
    grid = np.ma.filled(mesh.get_array().astype(float), np.nan)
    assert grid.shape == (12, 51)
    for j, heads in enumerate(range(1, 13)):
        for i, dim in enumerate(range(60, 111)):
            if gaps.valid(dim, heads):
                assert grid[j, i] == gaps(dim, heads)
            else:
                assert math.isnan(grid[j, i])


def test_budgets_are_contours(thin) -> None:
    ax = thin.plot_map(
        "dim", "rank", between={"dim": (16, 64), "rank": (1, 32)}, budgets=["1K", 3e3]
    )
    contours = ax.collections[1:]
    assert len(contours) == 2
    for budget, contour in zip((1000, 3000), contours, strict=True):
        places = np.concatenate([path.vertices for path in contour.get_paths()])
        assert len(places) > 10
        for dim, rank in places:
            about = 2 * dim * rank + dim + rank
            assert about == pytest.approx(budget, rel=0.02)
    assert [text.get_text() for text in ax.texts] == ["1K", "3K"]


def contour(ax, number: int = 0) -> list:
    """The lines of a contour, each a list of points."""
    paths = ax.collections[1 + number].get_paths()
    return [line for path in paths for line in path.to_polygons(closed_only=False)]


def test_where_cells_are_blank_the_line_is_between_cells_on_either_side(gaps) -> None:
    between = {"dim": (1, 50), "heads": (1, 9)}
    ax = gaps.plot_map("dim", "heads", between=between, budgets=500)
    points = [point for line in contour(ax) for point in line]
    in_rows = [(x, round(y)) for x, y in points if abs(y - round(y)) < 1e-9]
    assert {heads for _, heads in in_rows} == set(range(1, 10))
    for x, heads in in_rows:
        valid = gaps.valid_values("dim", between=(1, 50), heads=heads)
        below = max(d for d in valid if d < x)
        above = min(d for d in valid if d > x)
        assert gaps(below, heads) <= 500 < gaps(above, heads)


def test_the_line_of_a_budget_is_one_line_on_a_sparse_domain() -> None:
    count = derive(nn.MultiheadAttention)
    between = {"embed_dim": (1, 512), "num_heads": (1, 32)}
    ax = count.plot_map("embed_dim", "num_heads", between=between, budgets=[1e5, 5e5])
    for number, budget in enumerate((1e5, 5e5)):
        (line,) = contour(ax, number)
        assert np.ptp(line[:, 1]) > 25
        for dim, _ in line:  # the count does not depend on the heads
            assert 4 * dim**2 + 4 * dim == pytest.approx(budget, rel=0.05)
    assert [text.get_text() for text in ax.texts] == ["100K", "500K"]
    assert not ax.get_lines()


def test_budgets_along_one_size_of_the_other_symbol(gaps, thin) -> None:
    ax = thin.plot_map("dim", "rank", between={"dim": (8, 64), "rank": (4, 4)}, budgets=300)
    (((left, _), *_),) = contour(ax)
    assert thin(int(left), 4) <= 300 <= thin(int(left) + 1, 4)
    ax = gaps.plot_map("dim", "heads", between={"dim": (7, 9), "heads": (7, 9)}, budgets=60)
    assert [text.get_text() for text in ax.texts] == ["60: between cells that are no neighbours"]


def test_budgets_out_of_reach_are_named(thin) -> None:
    (text,) = thin.plot_map("dim", "rank", budgets=[1, 7e12]).texts
    assert text.get_text() == "1: below all of this\n7T: above all of this"


# --- what they leave alone --------------------------------------------------------------------


def test_axes_given_are_drawn_on(dense) -> None:
    ax = matplotlib.figure.Figure().add_subplot()
    ax.plot([1, 100], [1, 2])
    assert dense.plot("dim", ax=ax, between=(1, 100)) is ax
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "linear")
    assert len(ax.get_lines()) == 2
    for draw in (
        lambda ax: dense.plot_share("dim", ax=ax),
        lambda ax: derive(two).plot_map("dim", "rank", ax=ax),
    ):
        own = matplotlib.figure.Figure().add_subplot()
        assert draw(own) is own


def test_pyplot_and_settings_stay_as_they_are(dense, parts) -> None:
    code = (
        "import sys, symcount; from torch import nn\n"
        "assert 'matplotlib' not in sys.modules\n"
        "count = symcount.derive(lambda dim=4, rank=2: nn.Linear(dim, rank))\n"
        "assert 'matplotlib' not in sys.modules\n"
        "import matplotlib; before = dict(matplotlib.rcParams)\n"
        "count.plot('dim'); count.plot_share('dim'); count.plot_map('dim', 'rank')\n"
        "assert before == dict(matplotlib.rcParams)\n"
        "import matplotlib.pyplot\n"
        "assert matplotlib.pyplot.get_fignums() == []\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_notebook_shows_the_axes_as_a_picture(dense) -> None:
    ax = dense.plot("dim")
    assert isinstance(ax, matplotlib.axes.Axes)
    assert ax._repr_png_().startswith(b"\x89PNG")


def test_without_matplotlib_the_error_says_what_to_install(dense, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.axes", None)
    for draw in (dense.plot, dense.plot_share):
        with pytest.raises(MissingDependencyError, match=r"pip install 'symcount\[plot\]'"):
            draw("dim")
    with pytest.raises(ImportError, match="matplotlib, which is not installed"):
        derive(two).plot_map("dim", "rank")


def test_formulas_of_other_defaults_are_not_drawn_as_if_they_had_one(dense, thin) -> None:
    wide = derive(lambda dim, rank=16: nn.Linear(dim, rank))
    with pytest.raises(ArgumentError, match=r"rank is 8 by default in .* and 16 in .*; give rank"):
        thin.plot("dim", against=[dense, wide])
    with pytest.raises(ArgumentError, match=r"rank is 8 by default in .* and 16 in .*; give rank"):
        thin.compare(wide, over="dim")
    ax = thin.plot("dim", against=wide, between=(1, 9), rank=3)
    assert ax.get_title(loc="left") == "rank=3"
    assert curve(ax, 1)[1] == [wide(dim, 3) for dim in range(1, 10)]


# --- bad calls --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda c: c.plot("width"), ArgumentError, r"gapped\(dim, heads=4\) has no symbol 'width'"),
        (lambda c: c.plot("dim", width=3), ArgumentError, "has no symbol 'width'"),
        (lambda c: c.plot("heads"), ArgumentError, "needs a value for 'dim'"),
        (lambda c: c.plot("dim", dim=3), ArgumentError, "'dim' is along an axis; leave dim=3 out"),
        (lambda c: c.plot("dim", heads=2.5), ArgumentError, r"heads=2\.5: .* positive integer"),
        (
            lambda c: c.plot("dim", between=(9, 3)),
            ArgumentError,
            r"between=\(9, 3\) for 'dim': no value is between these; put the least first",
        ),
        (lambda c: c.plot("dim", between=(-9, 0)), ArgumentError, "no value is between these"),
        (lambda c: c.plot("dim", between=(1.5, 8)), ArgumentError, "whole numbers are needed"),
        (lambda c: c.plot("dim", against=7), ArgumentError, "7 is no formula; give a ParamCount"),
        (lambda c: c.plot("dim", between=(1, True)), ArgumentError, "whole numbers are needed"),
        (lambda c: c.plot("dim", between=7), ArgumentError, "give the least and the greatest"),
        (
            lambda c: c.plot("dim", between=(101, 103)),
            DomainError,
            r"there is nothing to draw: no size with dim from 101 to 103 is in the domain of "
            r"gapped\. "
            r"For one, dim=102, heads=4 is outside the domain of gapped: .* Nearest valid values",
        ),
        (lambda c: c.plot("dim", against=[3]), ArgumentError, "3 is no formula; give a ParamCount"),
        (lambda c: c.plot("dim", ax=3), ArgumentError, "ax=3: give the Axes of matplotlib"),
        (
            lambda c: c.plot("dim", between=(1, 2**53 + 1)),
            ArgumentError,
            r"sizes beyond 2\*\*53 cannot be told apart",
        ),
        (lambda c: c.plot_share("width"), ArgumentError, "has no symbol 'width'"),
        (lambda c: c.plot_share("dim", depth=0), ArgumentError, r"depth=0\): a positive integer"),
        (lambda c: c.plot_share("dim", depth=1.0), ArgumentError, "a positive integer"),
        (lambda c: c.plot_share("dim", between=(5, 7)), DomainError, "size with dim from 5 to 7"),
        (lambda c: c.frozen.plot_share("dim"), DomainError, "gapped has no frozen parameters"),
        (lambda c: c.plot_map("dim", "dim"), ArgumentError, "give two different symbols"),
        (lambda c: c.plot_map("dim", "width"), ArgumentError, "has no symbol 'width'"),
        (
            lambda c: c.plot_map("dim", "heads", between=(1, 9)),
            ArgumentError,
            r"write between=\{'dim': \(1, 64\), 'heads': \(1, 64\)\}",
        ),
        (
            lambda c: c.plot_map("dim", "heads", between={"width": (1, 9)}),
            ArgumentError,
            "'width' is none of dim, heads",
        ),
        (
            lambda c: c.plot_map("dim", "heads", budgets=["7e9"]),
            ArgumentError,
            "'7e9' is no positive number",
        ),
        (lambda c: c.plot_map("dim", "heads", budgets=-1), ArgumentError, "-1 is no positive"),
        (
            lambda c: c.plot_map("dim", "heads", between={"dim": (101, 104)}, heads=3),
            ArgumentError,
            "'heads' is along an axis",
        ),
        (
            lambda c: c.plot_map("dim", "heads", between={"dim": (101, 103), "heads": (2, 4)}),
            DomainError,
            "no size with dim from 101 to 103 and heads from 2 to 4 is in the domain",
        ),
    ],
)  # fmt: skip
def test_bad_calls(gaps, call, error, message: str) -> None:
    with pytest.raises(error, match=message):
        call(gaps)


def test_counts_that_are_too_great_are_told() -> None:
    with pytest.raises(ArgumentError, match="a count of 401 digits is too great to be drawn"):
        drawable(10**400)


def test_symbols_of_sympy_are_names(gaps) -> None:
    assert gaps.plot(sympy.Symbol("dim")).get_xlabel() == "dim"


def test_round_sizes_are_in_their_cell_and_the_roundest_comes_first() -> None:
    axis = Range("dim", 1, 10**6)
    for cell in axis.cells(100):
        sizes = axis.round_sizes(cell)
        assert all(cell[0] <= size < cell[1] for size in sizes)
        assert cell[0] in sizes
    assert axis.round_sizes((60, 70))[0] == 64
    cells = axis.cells(100)
    assert (cells[0][0], cells[-1][1]) == (1, 10**6 + 1)
    assert all(a[1] == b[0] and a[0] < a[1] for a, b in pairwise(cells))


def test_the_package_draws_the_same_from_a_pickle(gaps) -> None:
    import pickle

    again = pickle.loads(pickle.dumps(gaps))
    assert str(curve(again.plot("dim"))) == str(curve(gaps.plot("dim")))
    assert isinstance(symcount.ParamCount.plot, type(lambda: None))
