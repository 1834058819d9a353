"""`sweep`: what DuckDB keeps of a grid is what plain evaluation keeps, candidate by candidate."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import symcount
from symcount import ArgumentError, ParamCount, Symbol, derive
from symcount.storage import atomic
from tests.idioms import IDIOMS

duckdb = pytest.importorskip("duckdb", reason="DuckDB is not installed")


def heads(d: int, h: int, n: int, f: int = 16) -> nn.Module:
    layers = [[nn.MultiheadAttention(d, h), nn.Linear(d, f), nn.BatchNorm1d(d)] for _ in range(n)]
    made = nn.ModuleList(each for layer in layers for each in layer)
    made.append(nn.Linear(d, 3, dtype=torch.float16).requires_grad_(False))
    return made


@pytest.fixture(scope="module")
def count() -> ParamCount:
    return derive(heads)


GRID: dict[str, Any] = {"d": range(4, 40, 3), "h": [0, 1, 2, 3, 7], "n": range(1, 6)}


def brute(
    count: ParamCount,
    grid: Mapping[str, Iterable[Any]],
    keep: Callable[..., bool] = lambda **_: True,
    columns: tuple[str, ...] = (),
) -> tuple[list[tuple[Any, ...]], int]:
    """The rows by plain evaluation, in the order of the symbols, and how many are outside."""
    values = {h.name: list(grid.get(h.name, [h.default])) for h in count.hyperparameters}
    formulas = {"bytes": count.nbytes, "trainable": count.trainable, "buffers": count.buffers}
    rows, outside = [], 0
    for point in product(*values.values()):
        at = dict(zip(values, point, strict=True))
        if any(at[h.name] not in h for h in count.hyperparameters) or not count.valid(**at):
            outside += 1
        elif keep(**at, total=count(**at)):
            rows.append((*point, count(**at), *(formulas[name](**at) for name in columns)))
    return sorted(rows), outside


def test_all_candidates(count: ParamCount) -> None:
    found = count.sweep(**GRID)
    rows, outside = brute(count, GRID)
    assert list(found.rows) == rows and 0 < len(rows) < found.candidates
    assert (found.candidates, found.tried, found.outside, found.kept) == (
        12 * 5 * 5,
        300,
        outside,
        len(rows),
    )
    assert found.columns == ("d", "h", "n", "f", "total")


@pytest.mark.parametrize(
    ("where", "keep"),
    [
        ("total <= 5e3", lambda total, **_: total <= 5000),
        ("d % h == 0 and d // n > 3", lambda d, h, n, **_: d % h == 0 and d // n > 3),
        ("d/n <= 4.5", lambda d, n, **_: d <= 4.5 * n),
        ("d/(n - 3) >= 4", lambda d, n, **_: n != 3 and d / (n - 3) >= 4),
        ("4 > d/(n - 3)", lambda d, n, **_: n != 3 and d / (n - 3) < 4),
        ("(n - 3) % (2 - d) == 0", lambda d, n, **_: (n - 3) % (2 - d) == 0),
        ("(n - 3)//(2 - h) < -n/2", lambda n, h, **_: h != 2 and (n - 3) // (2 - h) < -n / 2),
        ("d/2 % (n/3) == 0", lambda d, n, **_: 3 * d % (2 * n) == 0),
        ("10 < d**2 - n**3 <= 400 != d", lambda d, n, **_: 10 < d**2 - n**3 <= 400),
        ("total/d**2 > 9 and n != 2", lambda total, d, n, **_: total > 9 * d**2 and n != 2),
        ("d**0 == 1 and -d <= -(10)", lambda d, **_: d >= 10),
    ],
)
def test_conditions(where: str, keep: Callable[..., bool], count: ParamCount) -> None:
    rows, _ = brute(count, GRID, keep)
    assert rows and list(count.sweep(where=where, **GRID).rows) == rows
    texts = where.split(" and ")
    assert list(count.sweep(where=texts, **GRID).rows) == rows


def test_sizes_are_told_from_counts(count: ParamCount) -> None:
    found = count.sweep(where=["d % h == 0", "total <= 5e3"], **GRID)
    held = [(d, h) for d in GRID["d"] for h in GRID["h"] if h and d % h == 0]
    assert found.tried == 5 * len(held) < found.candidates
    assert found.outside == 0
    assert str(found) == (
        f"300 candidates; {found.tried} of the sizes asked for; 0 outside of the domain; "
        f"{found.kept} kept"
    )


def test_columns_and_orders(count: ParamCount) -> None:
    columns = ("trainable", "buffers", "bytes")
    rows, _ = brute(count, GRID, columns=columns)
    found = count.sweep(columns=columns, order=["-total", "n"], limit=7, **GRID)
    ranked = sorted(rows, key=lambda row: (-row[4], row[2], row[0], row[1]))
    assert list(found.rows) == ranked[:7] and found.kept == len(rows)
    assert found.columns[4:] == ("total", *columns)
    assert len({row[4:] for row in ranked}) > 7
    least = count.sweep(order="bytes", where="bytes > 999", limit=1, **GRID).rows
    assert least == (min((r for r in rows if r[-1] > 999), key=lambda row: row[-1])[:5],)


@pytest.mark.parametrize("name", ["found.csv", "it's found.parquet"])
def test_files(name: str, count: ParamCount, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text("what was there before")
    rows, _ = brute(count, GRID, columns=("bytes",))
    found = count.sweep(into=path, columns=["bytes"], order="-d", **GRID)
    assert found.rows == () and found.kept == len(rows)
    place = str(path).replace("'", "''")
    read = duckdb.sql(f"SELECT * FROM '{place}'")
    assert read.columns == [*found.columns] and set(map(str, read.types)) == {"BIGINT"}
    written = read.fetchall()
    assert sorted(written) == rows
    assert [row[0] for row in written] == sorted((row[0] for row in rows), reverse=True)
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_a_sweep_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "found.parquet"
    path.write_text("before")
    square = derive(lambda d: nn.Linear(d, d, bias=False))
    with pytest.raises(symcount.CountOverflowError, match="128 bits"):
        square.substitute(d="d**3").sweep(d=[2, 2**40], into=path)
    assert path.read_text() == "before" and len(list(tmp_path.iterdir())) == 1


def test_counts_beyond_64_bits_are_exact(tmp_path: Path) -> None:
    square = derive(lambda d: nn.Linear(d, d, bias=False))
    sizes = [3, 2**40 + 1]
    assert square.sweep(d=sizes).rows == ((3, 9), (2**40 + 1, (2**40 + 1) ** 2))
    square.sweep(d=sizes, into=tmp_path / "found.parquet")
    read = duckdb.sql(f"SELECT total FROM '{tmp_path}/found.parquet' ORDER BY total").fetchall()
    assert [int(row[0]) for row in read] == [9, (2**40 + 1) ** 2]
    assert square.sweep(d=[2**33], where="total == 2**8 * 2**8 * 2**8 * 2**8 * 2**8 * 2**8 * 2**8 "
                        "* 2**8 * 4").kept == 1  # fmt: skip


def test_branches_floats_and_defaults() -> None:
    def mlp(d: int, ratio: float = 2.5, gate: int = 0) -> nn.Module:
        f = int(d * ratio)
        if d > 20:
            return nn.Linear(d, 8 * round(f / 8) or 8)
        return nn.Linear(d, f + gate)

    count = derive(mlp, ratio=Symbol(real=True), gate=Symbol(min=0))
    grid = {"d": range(1, 50), "ratio": [0.29, 1, 2.6666666666666665, 4.0], "gate": [0, 5]}
    rows, outside = brute(count, grid)
    found = count.sweep(**grid)
    assert (list(found.rows), found.outside) == (rows, outside) and len(rows) > 300
    assert {row[1] for row in count.sweep(d=[1, 9]).rows} == {2.5}
    with pytest.raises(ArgumentError, match="ratio is a float"):
        count.sweep(where="ratio > 1", **grid)


def test_a_column_has_no_steps_of_rows_that_another_has_passed_over() -> None:
    def branches(d: int, e: int) -> nn.Module:
        made = nn.Linear(d % e + 1, e)  # `d % e` is asked for in rows of d > 9 alone
        if d <= 9:
            return made.requires_grad_(False)
        return nn.ModuleList([made, nn.Linear(d // e + 1, 3).requires_grad_(d % e < 2)])

    count, grid = derive(branches), {"d": range(1, 40), "e": range(1, 9)}
    columns = ("trainable", "bytes")
    rows, _ = brute(count, grid, columns=columns)
    assert list(count.sweep(columns=columns, **grid).rows) == rows


@pytest.mark.parametrize("idiom", IDIOMS[::12], ids=lambda idiom: idiom.factory.__name__)
def test_idioms(idiom: Any) -> None:
    try:
        count = derive(idiom.factory, **idiom.given)
    except symcount.DerivationError:
        pytest.skip("it has no formula")
    grid = {h.name: [1, 2, 3, 8, 9, 64] for h in count.hyperparameters[:3] if not h.real}
    try:
        found = count.sweep(**grid)
    except symcount.UnsupportedError as error:
        pytest.skip(str(error))
    rows, outside = brute(count, grid)
    assert (list(found.rows), found.outside) == (rows, outside)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"where": "total <="}, "where: not understood"),
        ({"where": "size > 3"}, "where: there is no symbol 'size'; there are d, h, n, f, total, "),
        ({"where": "d near 4"}, "'near' is not part of the language"),
        ({"where": [7]}, "give a text"),
        ({"columns": ["size"]}, "columns: 'size' is none; use total, trainable"),
        ({"order": "size"}, "order='size': there is no such column"),
        ({"limit": 0}, "limit=0: give a positive integer"),
        ({"into": "found.xlsx"}, "name a file that ends in .parquet or .csv"),
        ({"into": "nowhere/found.csv"}, "there is no folder nowhere"),
        ({"n": []}, r"n=\[\]: there is no value in it"),
        ({"n": "4"}, "n"),
        ({"m": 4}, "has no symbol 'm'"),
        ({"d": None}, "needs a value for 'd'"),
    ],
)
def test_what_is_not_understood(keywords: Any, message: str, count: ParamCount) -> None:
    with pytest.raises(ArgumentError, match=message):
        count.sweep(**{**GRID, **keywords})


def test_a_symbol_of_the_name_of_a_column_is_to_be_renamed() -> None:
    count = derive(lambda total: nn.Linear(total, 3))
    with pytest.raises(ArgumentError, match="give the symbol another name first"):
        count.sweep(total=3)


def test_without_duckdb(count: ParamCount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(symcount.MissingDependencyError) as caught:
        count.sweep(**GRID)
    assert str(caught.value) == (
        "sweep() computes in DuckDB, which is not installed: pip install 'symcount[sweep]'"
    )


def test_a_stored_formula_needs_neither_torch_nor_sympy(count: ParamCount, tmp_path: Path) -> None:
    symcount.save(tmp_path / "formulas.json", {"heads": count})
    code = (
        "import sys, symcount; count = symcount.load('formulas.json')['heads']; "
        "print(count.sweep(d=8, h=[2, 3], n=1).rows); "
        "print([m for m in ('torch', 'sympy', 'z3', 'numpy', 'sqlglot') if m in sys.modules])"
    )
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == f"((8, 2, 1, 16, {count(8, 2, 1)}),)\n[]\n", done.stderr


def test_a_draft_that_fails_is_gone(tmp_path: Path) -> None:
    with pytest.raises(KeyError), atomic.draft(tmp_path / "new") as draft:
        draft.write_text("half")
        raise KeyError
    assert list(tmp_path.iterdir()) == []
