"""What a derivation costs, in units of one plain build of the same module, in one run.

    python benchmarks/speed.py [seeds] [families] [models] [-k TEXT] [--rounds N] [--json FILE]
    python benchmarks/speed.py --growth [--plots FOLDER]

One plain build is the module at its defaults on the meta device, its initialisers as torch runs
them. Times are those of the processor; builds and derivations take turns in one process, and a
figure is the least of the rounds, with how much more their median is. Targets are lines of the
table, not tests.
"""

from __future__ import annotations

import argparse
import functools
import gc
import json
import platform
import statistics
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from rich.console import Console
from rich.table import Table
from torch import nn

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.models import Case, cases
from examples import families
from symcount import derive
from symcount.derivation import pipeline
from symcount.derivation.frontier import first_hints
from symcount.derivation.perturbation import Perturbation
from symcount.derivation.walk import traced
from symcount.factory import building
from symcount.factory.call import FactoryCall
from symcount.trace.learning import Learned
from symcount.trace.settings import Settings

KINDS = ("seeds", "families", "models")
TARGETS = {
    "one run on symbols, median": 0.5,
    "median of families and models": 4.0,
    "median of all": 8.0,
    "worst": 40.0,
}
# What is shown of a stage, and whose time it is; that of plain builds is theirs wherever they are.
STAGES: tuple[tuple[str, Any, str], ...] = (
    ("builds", building.PlainBuilds, "at"),
    ("exploring", pipeline, "explore"),
    ("joining", pipeline, "join"),
    ("perturbing", Perturbation, "sorted"),
    ("loops", pipeline, "carried"),
    ("comparing", pipeline, "check"),
)
_LEAST_SECONDS = 0.02


def seconds(work: Callable[[], object]) -> float:
    """Return the mean processor time of a call, over as many as take 20 ms, at least one."""
    gc.collect()
    calls, started = 0, time.process_time()
    while (elapsed := time.process_time() - started) < _LEAST_SECONDS or not calls:
        work()
        calls += 1
    return elapsed / calls


class Stopwatch:
    """Takes the time of each stage, without that of the stages within it."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self._now: list[str] = []
        self._since = 0.0

    def _change(self) -> None:
        now = time.process_time()
        if self._now:
            self.seconds[self._now[-1]] += now - self._since
        self._since = now

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self._change()
        self._now.append(name)
        self.calls[name] += 1
        try:
            yield
        finally:
            self._change()
            self._now.pop()

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.stage(name):
                return function(*args, **kwargs)

        return timed


def stages(work: Callable[[], object]) -> Stopwatch:
    """Run something once, and take the time of each stage."""
    watch = Stopwatch()
    with ExitStack() as stack:
        for name, owner, attribute in STAGES:
            timed = watch.timed(name, getattr(owner, attribute))
            stack.enter_context(mock.patch.object(owner, attribute, timed))
        with watch.stage("rest"):
            work()
    return watch


def on_meta(work: Callable[[], nn.Module]) -> nn.Module:
    with torch.device("meta"):
        return work()


def run_of(case: Case) -> dict[str, Callable[[], object]]:
    """Return one run on symbols without a comparison, and the plain build that it is like."""
    if case.factory is None:
        return {}
    call = FactoryCall.of(case.factory, dict(case.options))
    ranges = call.hyperparameters
    hints = dict(zip([h.name for h in ranges], first_hints(ranges), strict=True))
    settings = Settings(learned=Learned())  # as all runs of a derivation but the first
    return {
        "like a run": lambda: on_meta(lambda: call(hints)),
        "run": lambda: traced(call, hints, settings=settings),
    }


def measure(case: Case, rounds: int) -> dict[str, Any]:
    """Measure one case: seconds of a build, of a run, of a derivation, and of its stages."""
    works = {"plain": functools.partial(on_meta, case.plain), "derive": case.derive, **run_of(case)}
    for work in works.values():
        work()
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            times[name].append(seconds(work))
    found: dict[str, Any] = {name: min(each) for name, each in times.items()}
    found["spread"] = statistics.median(times["derive"]) / found["derive"] - 1
    watch = stages(case.derive)
    found["stages"] = dict(watch.seconds)
    found["builds"] = watch.calls["builds"]
    found["grade"] = case.derive().certificate.grade
    return {"kind": case.kind, "name": case.name, **found}


# --- how the cost grows ---


def mlp(width: int, depth: int) -> nn.Module:
    return nn.Sequential(*(nn.Linear(width, width) for _ in range(depth)))


def independent(branches: int) -> Callable[..., nn.Module]:
    """Make a factory with as many branches, each on a symbol of its own."""
    names = [f"d{number}" for number in range(branches)]
    lines = [f"    if {name} > 64:\n        layers.append(nn.Linear({name}, 8))" for name in names]
    code = f"def build({', '.join(f'{name}: int = 32' for name in names)}):\n    layers = []\n"
    space: dict[str, Any] = {"nn": nn}
    exec(code + "\n".join(lines) + "\n    return nn.Sequential(*layers)", space)
    return space["build"]  # type: ignore[no-any-return]


def wide(modules: int) -> Callable[..., nn.Module]:
    """Make a factory of as many modules, one after the other, and no loop over a symbol."""

    def build(dim: int = 64) -> nn.Module:
        return nn.Sequential(*(nn.Linear(dim, dim + i) for i in range(modules)))

    return build


def growth(rounds: int) -> dict[str, list[tuple[int, float]]]:
    """Measure milliseconds of a derivation against one size of the problem, the others the same."""

    def at(factory: Callable[..., Any]) -> float:
        work = functools.partial(derive, factory)
        work()
        return min(seconds(work) for _ in range(rounds)) * 1e3

    def with_default(depth: int, width: int) -> Callable[..., nn.Module]:
        def build(width: int = width, depth: int = depth) -> nn.Module:
            return mlp(width, depth)

        return build

    return {
        "depth of the defaults": [(n, at(with_default(n, 64))) for n in (4, 16, 64, 256, 1024)],
        "width of the defaults": [(d, at(with_default(8, d))) for d in (64, 512, 4096, 32768)],
        "independent branches": [(n, at(independent(n))) for n in (1, 2, 3, 4, 5, 6)],
        "modules": [(n, at(wide(n))) for n in (8, 32, 128, 512)],
    }


def plot(found: dict[str, list[tuple[int, float]]], folder: Path) -> None:
    """Draw each series, on scales on which what is linear is a line."""
    import matplotlib.pyplot as plt

    plt.rcParams["svg.hashsalt"] = "symcount"
    figure, axes = plt.subplots(
        1, len(found), figsize=(2.6 * len(found), 2.4), layout="constrained"
    )
    for axis, (name, points) in zip(axes, found.items(), strict=True):
        axis.plot(*zip(*points, strict=True), marker="o", markersize=4)
        axis.set_xscale("log", base=2) if points[-1][0] > 64 else None
        axis.set_yscale("log") if name == "modules" else axis.set_ylim(0, None)
        axis.set_xlabel(name)
    axes[0].set_ylabel("ms of a derivation")
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / "growth.svg", metadata={"Date": None})


# --- what is printed ---


def show(found: Sequence[dict[str, Any]], console: Console) -> None:
    names = [name for name, _, _ in STAGES]
    table = Table(title="A derivation, in plain builds of the same module (x)")
    table.add_column("factory")
    for column in (
        "build, ms",
        "run",
        "derive",
        "±",
        "builds",
        *(f"of it {n}" for n in names),
        "grade",
    ):
        table.add_column(column, justify="right")
    for row in found:
        whole = sum(row["stages"].values())
        shares = (f"{row['stages'].get(name, 0) / whole:.0%}" for name in names)
        run = f"{row['run'] / row['like a run']:.2f}" if "run" in row else ""
        cells = f"{row['plain'] * 1e3:.2f}", run, f"{row['derive'] / row['plain']:.1f}", \
            f"{row['spread']:.0%}", str(row["builds"])  # fmt: skip
        table.add_row(row["name"], *cells, *shares, row["grade"])
    console.print(table)
    ratios = {row["name"]: row["derive"] / row["plain"] for row in found}
    large = [r for row, r in zip(found, ratios.values(), strict=True) if row["kind"] != "seeds"]
    runs = [row["run"] / row["like a run"] for row in found if "run" in row]
    figures = {
        "one run on symbols, median": statistics.median(runs) if runs else 0.0,
        "median of families and models": statistics.median(large) if large else 0.0,
        "median of all": statistics.median(ratios.values()),
        "worst": max(ratios.values()),
    }
    for name, figure in figures.items():
        reached = "reached" if figure <= TARGETS[name] else "not reached"
        console.print(f"{name}: {figure:.1f}x; target {TARGETS[name]:g}x: {reached}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", default=[], help="seeds, families, models; all of them")
    parser.add_argument("-k", default="", help="only cases with this text in their names")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write what was measured to this file")
    parser.add_argument(
        "--growth", action="store_true", help="how the cost grows, and nothing else"
    )
    parser.add_argument("--plots", type=Path, help="draw how it grows into this folder")
    options = parser.parse_args()
    if unknown := set(options.kinds) - set(KINDS):
        parser.error(f"no kind: {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
    warnings.simplefilter("ignore")
    families.quiet()
    console = Console(width=None if sys.stdout.isatty() else 160)
    found: Any
    if options.growth:
        found = growth(options.rounds)
        for name, points in found.items():
            console.print(f"{name}: {', '.join(f'{n}: {ms:.1f} ms' for n, ms in points)}")
        if options.plots:
            plot(found, options.plots)
    else:
        found = []
        for case in cases():
            if case.kind in (options.kinds or KINDS) and options.k in case.name:
                found.append(measure(case, options.rounds))
        show(found, console)
    console.print(f"torch {torch.__version__}, Python {platform.python_version()}, "
                  f"{torch.get_num_threads()} threads")  # fmt: skip
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
