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
import multiprocessing
import resource
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn
from rich.table import Table

from benchmarks.zoo import checks, models

MEMORY = 12 * 2**30
SHOWN = 25


class Worker:
    """A process that examines one model at a time, and is killed when one takes too long."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.job: tuple[str, str] | None = None
        self.deadline = 0.0
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(
            target=work,
            args=(other, self.options.symbols == "all", self.options.work),
            daemon=True,
        )
        self.process.start()
        other.close()
        self.connection.recv()  # it has imported what it needs

    def take(self, job: tuple[str, str]) -> None:
        self.job = job
        self.deadline = time.monotonic() + self.options.timeout
        self.connection.send(job)

    def result(self) -> dict[str, Any] | None:
        """What has become of the job, or None if it is not finished."""
        assert self.job is not None
        record: dict[str, Any] = dict(zip(("library", "model"), self.job, strict=True))
        if self.connection.poll():
            try:
                record = self.connection.recv()
            except EOFError:
                self.process.join()
                said = f"the process ended with exit code {self.process.exitcode}"
                record |= {"status": "crash", "error": "Crash", "line": said}
                self._start()
        elif time.monotonic() > self.deadline:
            record |= {"status": "timeout", "seconds": self.options.timeout}
            self.stop()
            self._start()
        else:
            return None
        self.job = None
        return record

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()


def work(connection: Connection, every_symbol: bool, max_work: int) -> None:
    """Examine models as they are asked for."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    connection.send(None)
    while True:
        library, model = connection.recv()
        try:
            record = checks.examine(library, model, every_symbol, max_work)
        except BaseException as error:
            described = checks.described(Exception(repr(error)))
            record = {"library": library, "model": model, "status": "crash", **described,
                      "error": type(error).__name__}  # fmt: skip
        connection.send(record)


def run(jobs: Sequence[tuple[str, str]], options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The results, as they come."""
    waiting = list(reversed(jobs))
    workers = [Worker(options) for _ in range(min(options.workers, len(jobs)))]
    try:
        while waiting or any(worker.job for worker in workers):
            for worker in workers:
                if worker.job is None and waiting:
                    worker.take(waiting.pop())
            wait([worker.connection for worker in workers if worker.job], timeout=1)
            for worker in workers:
                if worker.job and (record := worker.result()):
                    yield record
    finally:
        for worker in workers:
            worker.stop()


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
