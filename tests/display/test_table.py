"""Tables in terminals of several widths: every count is whole, and every name."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from rich.console import Console

import symcount
from examples.families import FAMILIES
from symcount.catalogue.targets import seeds
from symcount.display.table import PIPED_WIDTH, Column, Table, wrapped
from symcount.storage.file import StoredFormulas

ROOT = Path(__file__).parents[2]
STORED = ROOT / "docs" / "atlas" / "formulas.json"
NAMES = [factory.__name__ for factory in FAMILIES]
WIDTHS = (60, 80, 100, 200)
# All commands and displays with counts, in one process, since imports and sympy take the time.
SHOWN = f"""
import fcntl, struct, sys, termios
from symcount import load
from symcount.cli import main, views
from symcount.formula.evaluation import Evaluation

def at_each_width(name, show):
    for width in {WIDTHS}:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
        print(f"\\n## {{width}} {{name}}")
        show()

def run(*words):
    try:
        main(words, standalone_mode=False)
    except SystemExit:
        pass

for name in sys.argv[1:]:
    at_each_width(name, lambda: run("show", {str(STORED)!r}, name))
    count = load({str(STORED)!r})[name]
    view = views.count_view(name, count, [Evaluation.of(count, {{}})])
    at_each_width("parts of " + name, lambda: views.show(view))
at_each_width("audit", lambda: run("audit", "examples/tickets.py"))
at_each_width("list", lambda: run("list", "--at", "512,4096,65536"))
at_each_width("derive", lambda: run("derive", "cnn:attention", "--at", "dim=65536,4096"))
"""


def in_terminal(*command: str) -> str:
    """Run a command in a terminal, and return what is seen."""
    reader, terminal = pty.openpty()
    env = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "FORCE_COLOR")}
    env |= {"TERM": "xterm", "NO_COLOR": "1"}
    child = subprocess.Popen(command, cwd=ROOT, env=env, stdin=terminal, stdout=terminal)
    os.close(terminal)
    seen = b""
    with suppress(OSError):  # which says that the terminal is gone
        while read := os.read(reader, 65536):
            seen += read
    os.close(reader)
    assert child.wait(60) == 0, seen.decode()[-2000:]
    return re.sub("\x1b\\[[0-9;?]*[A-Za-z]", "", seen.decode()).replace("\r\n", "\n")


@pytest.fixture(scope="module")
def seen() -> dict[str, str]:
    """What is seen, by width and name."""
    text = in_terminal(sys.executable, "-c", SHOWN, *NAMES)
    _, *parts = re.split(r"^## (.*)$", text, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.fixture(scope="module")
def formulas() -> StoredFormulas:
    return symcount.load(STORED)


def numbers(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w,.])\d{1,3}(?:,\d{3})*(?![\d.]|,\d)", text))


@pytest.mark.parametrize("width", WIDTHS)
def test_no_digit_of_a_count_is_missing(width: int, seen, formulas) -> None:
    for name in NAMES:
        total, text = f"{formulas[name]():,}", seen[f"{width} parts of {name}"]
        assert total in numbers(seen[f"{width} {name}"]) & numbers(text), name
        parts = {f"{part():,}" for part in formulas[name].breakdown().modules.values()}
        assert parts <= numbers(text), name
    listed = {f"{spec.actual_param_count(size):,}" for spec in seeds() for size in (512, 65536)}
    assert listed <= numbers(seen[f"{width} list"])
    assert "4,196x" in seen[f"{width} audit"].replace(",\n", " ").split()
    assert "2,147,549,184" in numbers(seen[f"{width} derive"])
    assert not [name for name, text in seen.items() if "…" in text]


@pytest.mark.parametrize("width", WIDTHS)
def test_no_name_is_broken_and_no_line_is_too_long(width: int, seen, formulas) -> None:
    for name in NAMES:
        text = seen[f"{width} {name}"]
        assert max(map(len, text.splitlines())) <= width
        words = re.findall(r"[A-Za-z_]\w*", text[text.index("  ") : text.index("symbol  ")])
        assert words == re.findall(r"[A-Za-z_]\w*", formulas.captions(name)[0])


# --- layouts ----------------------------------------------------------------------------------


def drawn(table: Table, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(table)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


def test_bars_go_first_then_shares() -> None:
    columns = [Column("module"), Column("count", is_count=True)]
    columns += [Column("share", is_count=True, spare=1), Column("bar", spare=2)]
    table = Table(columns, [["whole", "46,702,792,704", "100%", "#" * 12]])
    titles = {w: drawn(table, w).splitlines()[1].split() for w in (60, 40, 30)}
    assert drawn(table, 20).split() == ["whole", "count", "=", "46,702,792,704"]
    assert [("bar" in t, "share" in t, "count" in t) for t in titles.values()] == [
        (True, True, True),
        (False, True, True),
        (False, False, True),
    ]
    assert all("46,702,792,704" in drawn(table, w) for w in (60, 40, 30, 20))


def test_one_row_becomes_lines_and_what_several_share_is_said_once() -> None:
    columns = [Column("hidden_size"), Column("num_layers"), Column("parameters", is_count=True)]
    one = Table(columns, [["64", "2", "1,000,000"]], is_headed=False)
    assert drawn(one, 30).strip() == "hidden_size = 64\nnum_layers = 2\nparameters = 1,000,000"
    two = Table(columns, [["64", "2", "1,000,000"], ["65", "2", "2,000,000"]], is_headed=False)
    text = drawn(two, 30)
    assert text.startswith("num_layers = 2\n") and " 65            2,000,000" in text


def test_where_a_table_has_no_room_names_have_their_counts_and_texts_below() -> None:
    columns = [Column("module"), Column("type", spare=1), Column("formula", breaks=True)]
    rows = [["(all)", "Net", "2*long_name*longer_name"], ["  a", "Linear", "long_name"]]
    text = drawn(Table(columns, rows), 24)
    assert text.strip("\n").splitlines() == [
        "(all)  Net", "  2*long_name*", "  longer_name", "  a  Linear", "    long_name",
    ]  # fmt: skip
    columns.append(Column("count", is_count=True))
    counted = Table(columns, [[*row, "1,234,567"] for row in rows])
    assert drawn(counted, 24).strip("\n").splitlines() == [
        "(all)  Net     1,234,567", "  2*long_name*", "  longer_name",
        "  a  Linear    1,234,567", "    long_name",
    ]  # fmt: skip


def test_long_texts_break_at_spaces_and_operators() -> None:
    text = "3*hidden_size*num_layers*floor(hidden_size/heads) + hidden_size**2*vocab"
    for width in range(16, 80):
        lines = wrapped(text, width)
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
        assert max(map(len, lines)) <= width
        words = re.findall(r"[a-z_]\w*", "\n".join(lines))
        assert words == re.findall(r"[a-z_]\w*", text)
    assert wrapped("abcdef", 4) == ["abcd", "ef"]  # there is no other way


def test_piped_rows_are_lines_that_no_long_cell_pads() -> None:
    columns = [Column("name"), Column("formula", breaks=True), Column("count", is_count=True)]
    table = Table(columns, [["a", "x*" * 200, "1,000"], ["bc", "y", "20"]])
    console = Console(file=io.StringIO(), width=PIPED_WIDTH)
    console.print(table)
    first, second = console.file.getvalue().splitlines()[-3:-1]
    assert first.split() == ["a", "x*" * 200, "1,000"]
    assert second.rstrip() == " bc    y           20"
