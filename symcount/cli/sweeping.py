"""The command `sweep`: count at every candidate of a grid, in DuckDB."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from symcount.cli.as_json import print_json
from symcount.cli.deriving import derived, shown_progress
from symcount.cli.options import (
    Given,
    complete_parameters,
    complete_targets,
    derivation_options,
    json_option,
    verbose_option,
)

_SHOWN = 20


def read_grid(text: str) -> tuple[str, Sequence[int | float]]:
    """Read `d=256:4096:256`, both ends included, `h=8,16`, or several of these with commas."""
    name, equals, values = text.partition("=")
    pieces = [_piece(text, piece) for piece in values.split(",")]
    if not (name and equals):
        raise click.BadParameter(f"{text!r}: write the symbol too, such as d=256:4096:256")
    return name, pieces[0] if len(pieces) == 1 else [value for piece in pieces for value in piece]


def _piece(text: str, piece: str) -> Sequence[int | float]:
    found = re.fullmatch(r"(\d+)(?::(\d+)(?::([1-9]\d*))?)?", piece.strip())
    if found is None:
        try:
            return [float(piece)]
        except ValueError:
            raise click.BadParameter(
                f"{text!r}: {piece!r} is neither a number nor first:last or first:last:step"
            ) from None
    first, last, step = found[1], found[2] or found[1], found[3] or "1"
    if int(last) < int(first):
        raise click.BadParameter(f"{text!r}: {piece!r} ends before it begins")
    return range(int(first), int(last) + 1, int(step))


@click.command(
    epilog="""\b
Examples:
  symcount sweep models.py:gpt --grid d=256:4096:256 --grid n=1:80 --where "total <= 7e9"
  symcount sweep models.py:gpt --grid d=64:8192:64 --grid h=8,16,32 --order=-total --limit 5
  symcount sweep formulas.json:gpt --grid d=64:8192:64 --grid n=1:80 --into sweep.parquet
"""
)
@verbose_option
@click.argument("target", shell_complete=complete_targets)
@click.option(
    "--grid",
    "grids",
    type=read_grid,
    metavar="NAME=VALUES",
    multiple=True,
    shell_complete=complete_parameters,
    help="Values to try of a symbol: first:last or first:last:step, both ends included, or numbers "
    "with commas. Repeated for other symbols, all combinations.",
)
@click.option(
    "--where",
    metavar="CONDITION",
    multiple=True,
    help='What is to hold, such as "total <= 7e9" or "d % h == 0 and d/n <= 128", of symbols, '
    "columns and numbers. May be repeated.",
)
@click.option(
    "--column",
    "columns",
    type=click.Choice(["trainable", "frozen", "buffers", "bytes"]),
    multiple=True,
    help="Show this too, beside the symbols and the total. May be repeated.",
)
@click.option(
    "--order",
    metavar="COLUMN",
    multiple=True,
    help="Sort by this column; with a minus, --order=-total, the greatest first. May be repeated.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    help=f"How many rows to show or write at most; {_SHOWN} on the terminal, all in a file.",
)
@click.option(
    "--into",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file to write, .parquet or .csv, at once or not at all.",
)
@derivation_options
@json_option
def sweep(
    target: str,
    grids: Sequence[tuple[str, Sequence[int | float]]],
    where: Sequence[str],
    columns: Sequence[str],
    order: Sequence[str],
    limit: int | None,
    into: Path | None,
    given: Given,
    as_json: bool,
) -> None:
    """Count TARGET at every combination of sizes.

    Those that are asked for are kept.

    TARGET may be a stored formula, path/to/formulas.json:name. Candidates outside of the domain are
    left out, and their number is said. All counts are exact.

    It is computed in DuckDB, a hundred million candidates in seconds, and what does not fit in
    memory goes to disk: pip install 'symcount[sweep]'.
    """
    grid = dict(grids)
    if len(grid) < len(grids):
        twice = next(name for name, _ in grids if [n for n, _ in grids].count(name) > 1)
        raise click.UsageError(f"--grid {twice} is given twice; join the values with commas")
    count = derived(target, given)
    symbols: dict[str, Any] = dict(grid)
    limit = _SHOWN if limit is None and into is None else limit
    try:
        with shown_progress(target):
            found = count.sweep(
                where=where, columns=columns, order=order, limit=limit, into=into, **symbols
            )
    except OSError as error:
        raise click.UsageError(f"cannot write {into}: {error.strerror}") from error
    if as_json:
        rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
        numbers = {name: vars(found)[name] for name in ("candidates", "tried", "outside", "kept")}
        print_json({**numbers, "rows": rows})
        return
    if into is not None:
        click.echo(f"{into}: {found}")
        return
    from symcount.cli import views

    views.show(views.sweep_view(found))
