"""Formulas at a terminal, and what is shown while they are derived."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner, Result
from rich.console import Console
from torch import nn

import symcount
from symcount import derive, progress
from symcount.cli import deriving, main, views
from symcount.display.console import Bar
from symcount.display.outline import rows

ROOT = Path(__file__).parents[2]


def block(dim, depth=2):
    return nn.Sequential(*(nn.Linear(dim, dim) for _ in range(3)), nn.Linear(dim, 5 * depth))


@pytest.fixture(scope="module")
def count() -> symcount.ParamCount:
    return derive(block)


def printed(thing, **options) -> str:
    console = Console(file=io.StringIO(), width=120, **options)
    console.print(thing)
    return re.sub("\x1b\\[[0-9;]*m", "", console.file.getvalue())


def cells(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


# --- rich -------------------------------------------------------------------------------------


def test_rich_prints_a_formula(count) -> None:
    text = printed(count)
    assert text.startswith("block\n")
    assert str(count) in text
    for row in (
        ["symbol", "dim", ">=", "1"],
        ["symbol", "depth", ">=", "1,", "2", "by", "default"],
        ["domain", "all", "positive", "integers"],
    ):
        assert row in cells(text)
    assert count.certificate.grade in text


def test_text_is_not_markup() -> None:
    made = derive(lambda dim, name="[bold]x[/]": nn.Linear(dim, 1))
    assert "[bold]x[/]" in printed(made)


def test_rich_prints_a_breakdown_with_bars(count) -> None:
    breakdown = count.breakdown().at(64)
    text = printed(breakdown, force_terminal=True)
    for _, row in rows(breakdown).walk():
        line = next(
            line
            for line in text.splitlines()
            if f" {row.name} " in line and f" {row.part.formula} " in line
        )
        assert row.size_text in line and row.share_text in line
        full = round(row.bar * 12 * 8) // 8
        assert line.count("█") == full
    assert "counts and shares are those at dim=64, depth=2" in text


def test_bars_are_for_terminals(count) -> None:
    breakdown = count.breakdown().at(64)
    assert "█" not in printed(breakdown)
    assert printed(Bar(1)).strip() == ""
    assert "3 × 4,160" in printed(breakdown)


@pytest.mark.parametrize(
    ("share", "bar"), [(0, ""), (1, "█" * 12), (0.5, "█" * 6), (1 / 96, "▏"), (0.3, "███▋")]
)
def test_bars_are_as_long_as_their_shares(share: float, bar: str) -> None:
    assert printed(Bar(share), force_terminal=True).strip() == bar


def test_a_breakdown_without_sizes_has_no_shares(count) -> None:
    text = printed(count.breakdown(), force_terminal=True)
    assert "share" not in text and "█" not in text
    assert "0 to 2, each" in text


# --- progress ---------------------------------------------------------------------------------

MODELS = """
    from torch import nn
    from symcount import BlueprintRegistry

    def mlp(dim: int, depth: int = 2):
        return nn.Linear(dim, depth)

    registry = BlueprintRegistry()
    registry.register("one", "own", 3)(mlp)
    registry.register("two", "own", 3)(mlp)
"""


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "models.py").write_text(dedent(MODELS))
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """What derives, counts or compares goes on until it has been shown at what it is."""
    lines: list[views.Lines] = []
    start = views.Lines.start

    def started(self: views.Lines) -> None:
        start(self)
        lines.append(self)

    monkeypatch.setattr(views.Lines, "start", started)

    def shown() -> bool:
        """Draw the line that is there; one before it, of the module's import, has gone."""
        if lines and lines[-1].live.is_started:
            lines[-1].refresh()
            return True
        return False

    def waiting(function):
        def call(*args, **kwargs):
            progress.say("simplifying")
            deadline = time.monotonic() + 30
            while not shown() and time.monotonic() < deadline:
                time.sleep(0.01)
            progress.say(item="own:two")
            progress.say("comparing with modules")
            return function(*args, **kwargs)

        return call

    for home, name in (
        ("symcount.derivation.pipeline", "derive"),
        ("symcount.catalogue.all_symbols", "all_symbols"),
        ("symcount.catalogue.audit", "audit"),
        ("symcount.cli.views", "registry_view"),
        ("symcount.export.documents.markdown", "render_registry"),
    ):
        module = sys.modules.get(home) or __import__(home, fromlist=["x"])
        monkeypatch.setattr(module, name, waiting(getattr(module, name)))


COMMANDS = [
    ("derive", "models.py:mlp"),
    ("derive", "models.py:mlp", "--all-symbols"),
    ("list", "models.py"),
    ("audit", "models.py"),
    ("export", "models.py:mlp"),
    ("export", "--registry", "models.py"),
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_what_takes_long_says_what_it_is_at(models, slow, monkeypatch, arguments) -> None:
    monkeypatch.setattr(deriving, "_is_terminal", lambda: True)
    monkeypatch.setattr(deriving, "_PATIENCE", 0.01)
    result = run(*arguments)
    assert result.exit_code in (0, 1), result.stderr
    assert "simplifying" in result.stderr
    assert re.search("own:(one|two): (comparing with modules|simplifying)", result.stderr)
    assert result.stderr.endswith("\x1b[2K")  # nothing of it stays
    monkeypatch.setattr(deriving, "_is_terminal", lambda: False)
    monkeypatch.setattr(views.Lines, "start", None)
    monkeypatch.undo()
    monkeypatch.chdir(models)
    assert run(*arguments).stdout == result.stdout


def test_items_are_counted() -> None:
    shown = views.Progress("counting", 3)
    for item in ("a", "b", "a", "c"):
        shown.heard("simplifying", item)
    (task,) = shown._shown.tasks
    said = (task.completed, task.total, task.description)
    assert said == (2, 3, "counting: c: simplifying")


def test_nothing_is_said_within_the_first_second(models, monkeypatch) -> None:
    assert deriving._PATIENCE == 1
    monkeypatch.setattr(deriving, "_is_terminal", lambda: True)
    monkeypatch.setattr(deriving, "_PATIENCE", 60)
    for arguments in COMMANDS:
        assert run(*arguments).stderr == ""


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_nothing_is_said_in_a_pipe(models, monkeypatch, arguments) -> None:
    monkeypatch.setattr(deriving, "_PATIENCE", 0)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert run(*arguments).stderr == ""


def test_an_error_takes_the_line_away(models, monkeypatch) -> None:
    monkeypatch.setattr(deriving, "_is_terminal", lambda: True)
    monkeypatch.setattr(deriving, "_PATIENCE", 60)
    before = threading.active_count()
    assert run("derive", "models.py:nothing").exit_code == 2
    assert threading.active_count() <= before + 1


def test_stages_are_said_by_a_derivation() -> None:
    heard: list[str] = []
    with progress.heard_by(lambda stage, item: heard.append(stage)):
        derive(lambda dim: nn.Linear(dim, 3) if dim > 9 else nn.Linear(dim, 2))
    assert heard == [
        "1 path followed",
        "2 paths followed",
        "simplifying",
        "comparing with modules",
    ]
    derive(lambda dim: nn.Linear(dim, 3))
    assert len(heard) == 4


def test_on_a_real_terminal(models) -> None:
    """Standard error is a terminal, standard output a pipe: only the former has progress."""
    (models / "slow.py").write_text(
        "import time\nfrom torch import nn\n"
        "def slow(dim: int):\n    time.sleep(0.3)\n    return nn.Linear(dim, 2)\n"
    )
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "symcount", "derive", "slow.py:slow"],
        stdout=subprocess.PIPE,
        stderr=follower,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"},
    )
    os.close(follower)
    output, _ = process.communicate(timeout=120)
    said = b""
    try:
        while chunk := os.read(leader, 65536):
            said += chunk
    except OSError:  # the other end is closed
        pass
    os.close(leader)
    assert process.returncode == 0
    assert b"slow.py:slow" in said and b"comparing with modules" in said
    assert b"\x1b" not in output and b"2*dim + 2" in output
