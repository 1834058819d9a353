"""Derive the models of transformers, timm, torchvision and others, and compare each with a build.

    make zoo                                   # sets up the libraries' own environment
    python benchmarks/zoo/run.py --library timm --only 'vit_*' --out results.jsonl

Results are lines of JSON, one a model. A run that was stopped goes on where it was: models that
the file has are not done again.
"""

from __future__ import annotations

import argparse
import json
import logging
import resource
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn
from rich.table import Table

from benchmarks.zoo import checks, models
from symcount import LostError
from symcount.processes import Processes

MEMORY = 12 * 2**30
# Seconds for a model that does not give up when it is told to; then its process is ended.
GRACE = 10.0
SHOWN = 25


class TimeOver(BaseException):
    """A model has taken too long."""


def prepare() -> None:
    """Before the first model in a process."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")


def give_up(*_: object) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # which ends the process, the next time
    raise TimeOver


def examine(
    library: str, model: str, every_symbol: bool, max_work: int, timeout: float
) -> dict[str, Any]:
    """One line of the results, whatever happens."""
    record = {"library": library, "model": model}
    signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, timeout, GRACE)
    try:
        return checks.examine(library, model, every_symbol, max_work)
    except TimeOver:
        return {**record, "status": "timeout", "seconds": timeout}
    except BaseException as error:
        described = checks.described(Exception(repr(error)))
        return {**record, "status": "crash", **described, "error": type(error).__name__}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def run(jobs: Sequence[tuple[str, str]], options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The results, as they come."""
    limits = options.symbols == "all", options.work, options.timeout
    with Processes(options.workers, prepare) as processes:
        futures = {processes.submit(examine, *job, *limits): job for job in jobs}
        try:
            for future in as_completed(futures):
                library, model = futures[future]
                try:
                    yield future.result()
                except LostError as error:
                    record = {"library": library, "model": model, "status": "crash"}
                    yield {**record, "error": "Crash", "line": str(error)}
        finally:
            for future in futures:
                future.cancel()


def read(path: Path) -> list[dict[str, Any]]:
    """The results of earlier runs; a last line that was cut off is left out."""
    if not path.exists():
        return []
    records = []
    for line in path.read_text().splitlines():
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return records


def show(records: Sequence[dict[str, Any]]) -> None:
    console = Console(width=None if sys.stdout.isatty() else 180, highlight=False)
    table = Table(title="Formulas of public models, against what they build")
    columns = ("models", "instantiable", "correct", "percent", "complete", "at defaults",
               "unchecked", "refused", "wrong", "timeout", "crash", "no sizes", "fewer points",
               "ratio")  # fmt: skip
    table.add_column("library")
    for column in columns:
        table.add_column(column, justify="right")
    for library, row in checks.summary(records).items():
        table.add_row(library, *(_cell(row[column]) for column in columns))
    console.print(table)
    console.print(
        f"correct: equal at the defaults and at {checks.HELD_OUT} further points, or at fewer if "
        "no more are valid; ratio: median of derivation over one instantiation at the defaults"
    )
    for why, names in checks.reasons(records)[:SHOWN]:
        console.print(f"{len(names):4} {why}\n       {', '.join(sorted(names)[:3])}", markup=False)
    for record in records:
        if record["status"] == "wrong":
            console.print(f"WRONG {record['model']}: {record['wrong']}", markup=False)


def _cell(value: Any) -> str:
    return "–" if value is None else f"{value:.1f}" if isinstance(value, float) else str(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--library", choices=models.LIBRARIES, action="append", help="only this one; repeatable"
    )
    parser.add_argument("--only", metavar="PATTERN", default="*", help="only names like 'vit_*'")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth model")
    parser.add_argument("--limit", type=int, metavar="N", help="at most N models of a library")
    parser.add_argument(
        "--all", action="store_true", help="every model class of a config, not the base model alone"
    )
    parser.add_argument(
        "--symbols",
        choices=("few", "all"),
        default="few",
        help="keep the usual widths and depths symbolic together (few), or every integer (all)",
    )
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes")
    parser.add_argument(
        "--work", type=int, default=20_000_000, help="max_work of each derivation (20 million)"
    )
    parser.add_argument(
        "--timeout", type=float, default=60.0, help="seconds after which a model is given up (60)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(__file__).parent / "results.jsonl",
        help="the file of results, which is continued (benchmarks/zoo/results.jsonl)",
    )
    options = parser.parse_args()
    records = read(options.out)
    done = {(record["library"], record["model"]) for record in records}
    jobs = []
    for library in options.library or models.LIBRARIES:
        found = [n for n in models.names(library, options.all) if fnmatch(n, options.only)]
        jobs += [
            (library, name)
            for name in found[:: options.every][: options.limit]
            if (library, name) not in done
        ]
    with (
        options.out.open("a") as out,
        Progress(*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn(),
                 console=Console(stderr=True)) as progress,
    ):  # fmt: skip
        task = progress.add_task("models", total=len(jobs))
        for record in run(jobs, options):
            out.write(json.dumps(record) + "\n")
            out.flush()
            records.append(record)
            progress.update(task, advance=1, description=f"{record['model'][:40]:40}")
    show(records)


if __name__ == "__main__":
    main()
