"""Count at every candidate of a grid, in DuckDB: the formula as SQL, out of core.

The query is that of the export to SQL, over a table `sizes` that is never written out: DuckDB makes
its rows, filters them and writes them in blocks. Integers have 64 bits at first. Where something
does not fit, DuckDB says so, and all is done again in 128 bits. Neither wraps around.
"""

from __future__ import annotations

import ast
import math
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from symcount import progress
from symcount.errors import ArgumentError, CountOverflowError, MissingDependencyError
from symcount.export.languages.sql import DIALECTS, Dialect
from symcount.formula.signature import plain_number
from symcount.questions.keep import Keep
from symcount.storage import atomic

if TYPE_CHECKING:
    from symcount.formula.formula import Formula

COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "total": {},
    "trainable": {"kind": "parameter", "trainable": True},
    "frozen": {"kind": "parameter", "trainable": False},
    "buffers": {"kind": "buffer", "trainable": None},
    "bytes": {"in_bytes": True},
}
FORMATS = {".parquet": "FORMAT parquet, COMPRESSION zstd", ".csv": "FORMAT csv, HEADER"}
MEMORY = "1GB"
_LONGEST = 100_000
_OPTIONS = ("where", "columns", "order", "limit", "into")


@dataclass(frozen=True)
class Sweep:
    """What `ParamCount.sweep` found.

    Attributes:
        candidates: how many there are in the grid.
        tried: how many of them satisfy what is said of sizes alone.
        outside: how many of those are outside of the domain of the formula, and so left out.
        kept: how many of the others satisfy all else.
        columns: the names of the columns.
        rows: what is kept, up to the limit; empty if it was written to a file.
    """

    candidates: int
    tried: int
    outside: int
    kept: int
    columns: tuple[str, ...]
    rows: tuple[tuple[int | float, ...], ...]

    def __repr__(self) -> str:
        return f"<Sweep: {self}>"

    def __str__(self) -> str:
        asked = "" if self.tried == self.candidates else f"; {self.tried:,} of the sizes asked for"
        return (
            f"{self.candidates:,} candidates{asked}; {self.outside:,} outside of the domain; "
            f"{self.kept:,} kept"
        )


def sweep(
    count: Formula,
    where: str | Sequence[str],
    columns: Sequence[str],
    order: str | Sequence[str],
    limit: int | None,
    into: str | Path | None,
    symbols: Mapping[str, Any],
) -> Sweep:
    """Count at every candidate; see `ParamCount.sweep`."""
    asked = _Asked.of(count, where, columns, order, limit, symbols)
    path = None if into is None else _writable(Path(into))
    duckdb = _duckdb()
    for integer in ("BIGINT", "HUGEINT"):
        try:
            with _connection(duckdb, path) as database:
                return _swept(database, asked, integer, path)
        except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
            raise OSError(None, str(error).partition("\n")[0], str(into or "")) from error
        except (
            duckdb.OutOfRangeException,
            duckdb.ConversionException,
            duckdb.InvalidInputException,
        ) as error:
            if integer == "HUGEINT":
                raise CountOverflowError(
                    f"{count.factory}: DuckDB cannot compute exactly at some candidate, in "
                    f"integers of 128 bits and doubles: {str(error).partition(chr(10))[0]}. Try "
                    "smaller sizes, or leave such candidates out with where="
                ) from error
    raise AssertionError


def _swept(database: Any, asked: _Asked, integer: str, path: Path | None) -> Sweep:
    dialect = replace(DIALECTS["duckdb"], integer=integer)
    quoted = dialect.quoted
    names = [h.name for h in asked.count.hyperparameters]
    where = _Where(dialect, names)
    axes = [
        f"(SELECT CAST({_values(values)} AS {'DOUBLE' if h.real else integer}) AS {quoted(h.name)})"
        for h, values in zip(asked.count.hyperparameters, asked.grid, strict=True)
    ]
    filters = [where.sql(each) for each in asked.of_sizes] or ["TRUE"]
    sizes = f"SELECT * FROM {', '.join(axes) or '(SELECT 1)'} WHERE {' AND '.join(filters)}"
    database.execute(f"CREATE TEMP VIEW sizes AS {sizes}")
    counted = f"({dialect.query(asked.counts)})"
    kept = " AND ".join(['"total" IS NOT NULL', *map(where.sql, asked.of_counts)])
    progress.say("counting")
    (found,) = database.execute(
        f'SELECT count(*), count("total"), count(*) FILTER (WHERE {kept}) FROM {counted}'
    ).fetchall()
    shown = [
        f"CAST({quoted(h.name)} AS {'DOUBLE' if h.real else 'BIGINT'}) AS {quoted(h.name)}"
        for h in asked.count.hyperparameters
    ]
    # Parquet has no integers of 128 bits; DuckDB would write doubles.
    wide = path is not None and path.suffix == ".parquet" and integer == "HUGEINT"
    shown += [
        f"CAST({quoted(name)} AS DECIMAL(38, 0)) AS {quoted(name)}" if wide else quoted(name)
        for name in asked.columns
    ]
    # Of equal ones, and where no order is asked for, the order of the symbols.
    ordered = [f"{quoted(name)} {way}" for name, way in asked.order]
    if ordered or path is None or asked.limit is not None:
        ordered += [quoted(name) for name in names if name not in dict(asked.order)]
    query = f"SELECT {', '.join(shown)} FROM {counted} WHERE {kept}"
    query += f" ORDER BY {', '.join(ordered)}" * bool(ordered)
    query += "" if asked.limit is None else f" LIMIT {asked.limit}"
    rows: list[tuple[int | float, ...]] = []
    if path is None:
        rows = database.execute(query).fetchall()
    else:
        progress.say("writing")
        with atomic.draft(path) as draft:
            place = str(draft).replace("'", "''")
            database.execute(f"COPY ({query}) TO '{place}' ({FORMATS[path.suffix]})")
    tried, inside, held = found
    candidates = math.prod(map(len, asked.grid))
    return Sweep(candidates, tried, tried - inside, held, (*names, *asked.columns), tuple(rows))


# --- what is asked for ------------------------------------------------------------------------


@dataclass(frozen=True)
class _Asked:
    """A sweep as it was understood.

    `counts` are the formulas that are computed, of which `columns` are shown. What is said of sizes
    alone is `of_sizes`; it is looked at before anything is counted.
    """

    count: Formula
    grid: list[Sequence[int | float]]
    counts: Mapping[str, Formula]
    columns: Sequence[str]
    of_sizes: list[ast.Compare]
    of_counts: list[ast.Compare]
    order: list[tuple[str, str]]
    limit: int | None

    @classmethod
    def of(
        cls,
        count: Formula,
        where: str | Sequence[str],
        columns: Sequence[str],
        order: str | Sequence[str],
        limit: int | None,
        symbols: Mapping[str, Any],
    ) -> _Asked:
        count.signature.require_no_symbol("sweep", [*_OPTIONS, *COLUMNS])
        names = count.signature.names
        for name in columns:
            if name not in COLUMNS:
                raise ArgumentError(f"columns: {name!r} is none; use {', '.join(COLUMNS)}")
        if limit is not None and (type(limit) is not int or limit < 1):
            raise ArgumentError(f"limit={limit!r}: give a positive integer, or None for all")
        texts = [where] if isinstance(where, str) else where
        clauses = [
            clause
            for text in texts
            for clause in Keep(text, [*names, *COLUMNS], called="where").comparisons
        ]
        real = {h.name for h in count.hyperparameters if h.real}
        of_sizes: list[ast.Compare] = []
        of_counts: list[ast.Compare] = []
        used = {"total", *columns}
        for clause in clauses:
            mentioned = _names(clause)
            if mentioned & real:
                raise ArgumentError(
                    f"where: {min(mentioned & real)} is a float, of which nothing is compared "
                    "here; list the values of it that are to be tried"
                )
            (of_counts if mentioned & COLUMNS.keys() else of_sizes).append(clause)
            used |= mentioned & COLUMNS.keys()
        ways = [_way(each, names) for each in ([order] if isinstance(order, str) else order)]
        used |= {name for name, _ in ways} & COLUMNS.keys()
        counts = {
            name: count.measuring(**changes) if changes else count
            for name, changes in COLUMNS.items()
            if name in used
        }
        shown = ["total", *(name for name in columns if name != "total")]
        return cls(count, _grid(count, symbols), counts, shown, of_sizes, of_counts, ways, limit)


def _names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _way(text: str, names: Sequence[str]) -> tuple[str, str]:
    """Read a column to sort by: `total`, or `-total` for the greatest first."""
    name = text.removeprefix("-")
    if name not in names and name not in COLUMNS:
        raise ArgumentError(
            f"order={text!r}: there is no such column; use {', '.join([*names, *COLUMNS])}, with "
            "a minus in front for the greatest first"
        )
    return name, "DESC" if text.startswith("-") else "ASC"


def _grid(count: Formula, symbols: Mapping[str, Any]) -> list[Sequence[int | float]]:
    """List the values to try of each symbol, in order; a range stays one."""
    given: dict[str, Sequence[Any]] = {}
    for name, value in symbols.items():
        many = isinstance(value, Iterable) and not isinstance(value, str)
        many = many and getattr(value, "ndim", 1) > 0
        given[name] = value if isinstance(value, range) else list(value) if many else [value]
        if not given[name]:
            raise ArgumentError(f"{name}={value!r}: there is no value in it to try")
    first = count.signature.bind((), {name: values[0] for name, values in given.items()})
    grid: list[Sequence[int | float]] = []
    for h, default in zip(count.hyperparameters, first, strict=True):
        values = given.get(h.name, [default])
        if not isinstance(values, range) or h.real:
            values = list(dict.fromkeys(plain_number(value, h) for value in values))
        grid.append(values)
    return grid


def _values(values: Sequence[int | float]) -> str:
    """A column of these values; those of a range are made one by one."""
    if isinstance(values, range):
        return f"unnest(range({values.start}, {values.stop}, {values.step}))"
    return f"unnest([{', '.join(f'{value!r}' for value in values)}])"


def _writable(path: Path) -> Path:
    if path.suffix not in FORMATS:
        raise ArgumentError(f"into={str(path)!r}: name a file that ends in {' or '.join(FORMATS)}")
    if not path.parent.is_dir():
        raise ArgumentError(f"into={str(path)!r}: there is no folder {path.parent}")
    return path


# --- conditions -------------------------------------------------------------------------------

# A side of a comparison, as a numerator and a denominator, 1 if it is None.
_Ratio: TypeAlias = "tuple[str, str | None]"

_COMPARED: Mapping[type, str] = {
    ast.Eq: "=",
    ast.NotEq: "<>",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_JOINED: Mapping[type, str] = {ast.Add: "+", ast.Sub: "-"}


class _Where:
    """Comparisons of `where` as SQL, on integers; what `Keep` has parsed is known to be one."""

    def __init__(self, dialect: Dialect, names: Sequence[str]) -> None:
        self._dialect = dialect
        self._names = names

    def sql(self, node: ast.Compare) -> str:
        sides = [self._term(side) for side in (node.left, *node.comparators)]
        pairs = zip(sides, node.ops, sides[1:], strict=False)
        text = " AND ".join(self._compared(_COMPARED[type(op)], a, b) for a, op, b in pairs)
        if len(text) > _LONGEST:
            raise ArgumentError("where: a comparison is nested too deeply; write a simpler one")
        return f"({text})"

    def _compared(self, op: str, one: _Ratio, other: _Ratio) -> str:
        left, right = _times(one[0], other[1]), _times(other[0], one[1])
        below = _product(one[1], other[1])
        if below is None:
            return f"{left} {op} {right}"
        # Divided by zero it is neither, and so not kept.
        return (
            f"CASE WHEN {below} > 0 THEN {left} {op} {right} "
            f"WHEN {below} < 0 THEN {right} {op} {left} END"
        )

    def _term(self, node: ast.expr) -> _Ratio:
        match node:
            case ast.Name(id=name):
                return self._dialect.quoted(name), None
            case ast.Constant(value=value):
                exact = Fraction(repr(value))
                whole = exact.denominator == 1
                return self._integer(exact.numerator), (
                    None if whole else self._integer(exact.denominator)
                )
            case ast.UnaryOp(operand=operand):
                top, bottom = self._term(operand)
                return f"(-{top})", bottom
            case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int(exponent))):
                top, bottom = self._term(left)
                power = reduce(_times, [top] * exponent, "1")
                return power, bottom and reduce(_times, [bottom] * exponent, "1")
            case ast.BinOp(left=left, op=op, right=right):
                return self._joined(op, self._term(left), self._term(right))
        raise AssertionError(ast.dump(node))

    def _integer(self, value: int) -> str:
        return f"CAST({value} AS {self._dialect.integer})"

    def _joined(self, op: ast.operator, one: _Ratio, other: _Ratio) -> _Ratio:
        calls = self._dialect.language.calls
        (a, b), (c, d) = one, other
        if isinstance(op, ast.Mult):
            return _times(a, c), _product(b, d)
        if isinstance(op, ast.Div):
            return _times(a, d), _times(c, b)
        left, right = _times(a, d), _times(c, b)
        if isinstance(op, ast.FloorDiv):
            return f"({calls['floordiv'].format(left, right)})", None
        if isinstance(op, ast.Mod):
            return f"({calls['mod'].format(left, right)})", _product(b, d)
        return f"({left} {_JOINED[type(op)]} {right})", _product(b, d)


def _times(one: str, other: str | None) -> str:
    return one if other is None else f"({one} * {other})"


def _product(one: str | None, other: str | None) -> str | None:
    return other if one is None else _times(one, other)


# --- the database -----------------------------------------------------------------------------


def _duckdb() -> Any:
    try:
        import duckdb
    except ImportError:
        raise MissingDependencyError(
            "sweep() computes in DuckDB, which is not installed: pip install 'symcount[sweep]'",
            name="duckdb",
        ) from None
    return duckdb


@contextmanager
def _connection(duckdb: Any, path: Path | None) -> Iterator[Any]:
    """Open a database of its own, with room on disk for what does not fit in memory."""
    with (
        tempfile.TemporaryDirectory(prefix=".sweep-", dir=path and path.parent) as room,
        duckdb.connect(
            config={
                "memory_limit": MEMORY,
                "temp_directory": room,
                "preserve_insertion_order": False,
            }
        ) as database,
    ):
        database.execute("SET enable_progress_bar = false")
        yield database
