"""`symcount sweep`, and stored formulas in the place of a TARGET."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from torch import nn

import symcount
from symcount.cli import main

pytest.importorskip("duckdb", reason="DuckDB is not installed")


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> symcount.ParamCount:
    monkeypatch.chdir(tmp_path)
    count = symcount.derive(nn.MultiheadAttention).rename(embed_dim="d", num_heads="h")
    count.save("formulas.json", name="heads")
    return count


def run(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == code, result.output
    return result


GRID = ("--grid", "d=16:64:8", "--grid", "h=1,3:5")


def test_a_table_of_what_is_kept(stored: symcount.ParamCount) -> None:
    said = run(
        "sweep", "formulas.json:heads", *GRID, "--where", "total <= 1e4", "--order=-total",
        "--column", "bytes", "--limit", "2",
    ).stdout.splitlines()  # fmt: skip
    assert [line.split() for line in said if line.strip(" ─")] == [
        ["d", "h", "total", "bytes"],
        ["48", "1", f"{stored(48, 1):,}", f"{stored.nbytes(48, 1):,}"],
        ["48", "3", f"{stored(48, 3):,}", f"{stored.nbytes(48, 1):,}"],
        "28 candidates; 11 outside of the domain; 13 kept; 2 shown".split(),
    ]


def test_a_file_and_what_is_said_of_it(stored: symcount.ParamCount) -> None:
    said = run("sweep", "formulas.json:heads", *GRID, "--into", "found.csv").stdout
    assert said == "found.csv: 28 candidates; 11 outside of the domain; 17 kept\n"
    lines = csv.DictReader(Path("found.csv").read_text().splitlines())
    rows = [(int(r["d"]), int(r["h"]), int(r["total"])) for r in lines]
    valid = [(d, h) for d in range(16, 65, 8) for h in (1, 3, 4, 5) if stored.valid(d, h)]
    assert sorted(rows) == [(*at, stored(*at)) for at in valid]


def test_json(stored: symcount.ParamCount) -> None:
    grid = ("--set", "out_features=3", "--grid", "in_features=1:2")
    found = json.loads(run("sweep", "torch.nn:Linear", *grid, "--json").stdout)
    assert found == {
        "candidates": 2,
        "tried": 2,
        "outside": 0,
        "kept": 2,
        "rows": [{"in_features": 1, "total": 6}, {"in_features": 2, "total": 9}],
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--grid", "d=8:4"), "'d=8:4': '8:4' ends before it begins"),
        (("--grid", "d=4:8:0"), "'4:8:0' is neither a number nor first:last or first:last:step"),
        (("--grid", "8"), "'' is neither a number"),
        (("--grid", "=8"), "'=8': write the symbol too, such as d=256:4096:256"),
        (("--grid", "d=8", "--grid", "d=9"), "--grid d is given twice"),
        (("--grid", "d=8", "--set", "h=1"), "--set, --symbol and --config are for deriving"),
        (("--grid", "d=8"), "needs a value for 'h'"),
        ((*GRID, "--into", "no/found.csv"), "there is no folder no"),
        ((*GRID, "--where", "size > 3"), "where: there is no symbol 'size'"),
    ],
)
def test_what_is_not_understood(
    arguments: tuple[str, ...], message: str, stored: symcount.ParamCount
) -> None:
    assert message in run("sweep", "formulas.json:heads", *arguments, code=2).stderr


def test_a_stored_formula_is_a_target(stored: symcount.ParamCount) -> None:
    shown = run("derive", "formulas.json:heads", "--at", "d=64", "--at", "h=8").stdout
    assert f"{stored(64, 8):,}" in shown
    text = run("export", "formulas.json:heads", "--format", "python").stdout
    assert "def heads" in text or "formulas.json:heads" in text
    wrong = run("derive", "formulas.json:head", code=2).stderr
    assert wrong == "error: formulas.json has no formula 'head'; did you mean 'heads'?\n"
    missing = run("derive", "other.json:heads", code=2).stderr
    assert "cannot read other.json: No such file or directory" in missing
