"""How long a derivation takes, in units of one plain meta-device instantiation, in one run.

    python benchmarks/run.py [--models] [--json FILE]

Every figure is the least of several rounds; the two sides of a ratio are measured in turn, so a
noisy machine disturbs both. Targets are lines of the table, not tests.
"""

from __future__ import annotations

import argparse
import gc
import inspect
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import nn

sys.path.insert(0, str(Path(__file__).parent.parent))

from examples import families
from symcount import blueprints, derive
from symcount.blueprints import cnn, transformer  # noqa: F401
from symcount.derivation.budget import Budget
from symcount.derivation.explore import explore
from symcount.derivation.frontier import first_hints
from symcount.derivation.joining import join
from symcount.derivation.pipeline import declared_facts
from symcount.derivation.walk import traced
from symcount.factory import building
from symcount.factory.call import FactoryCall
from symcount.trace.learning import Learned
from symcount.trace.settings import Settings

TARGET = 3.0
EXPLORING_TARGET = 10.0
DEEP_TARGET = 0.15
POINTS = 6


def seconds(work: Callable[[], object], least: float = 0.02) -> float:
    """The mean time of a call, over as many calls as take `least` seconds, at least one."""
    calls = 0
    started = time.perf_counter()
    while (elapsed := time.perf_counter() - started) < least or not calls:
        work()
        calls += 1
    return elapsed / calls


def measure(
    factory: Callable[..., nn.Module], fixed: dict[str, Any], rounds: int
) -> dict[str, float]:
    """Seconds of each stage, the least of `rounds` interleaved rounds."""
    call = FactoryCall.of(factory, fixed)
    hints = dict(zip([h.name for h in call.hyperparameters],
                     first_hints(call.hyperparameters), strict=True))  # fmt: skip

    settings = Settings(learned=Learned())  # as all runs of a derivation but the first

    def plain() -> None:
        with torch.device("meta"):
            call(hints)

    stages: dict[str, Callable[[], object]] = {
        "plain": plain,
        "trace": lambda: traced(call, hints, settings=settings),
        "verify": lambda: building.PlainBuilds(call).at(hints),
        "one_path": lambda: derive(factory, max_paths=1, **fixed),
        "all_paths": lambda: derive(factory, **fixed),
        "expression": lambda: derive(factory, max_paths=1, **fixed).expr,
    }
    for work in stages.values():
        work()
    best = dict.fromkeys(stages, float("inf"))
    gc.disable()
    for _ in range(rounds):
        for name, work in stages.items():
            best[name] = min(best[name], seconds(work))
    gc.enable()
    best["verify"] *= POINTS
    best["exploring"], best["solver"] = exploring(call, rounds)
    return best


def exploring(call: FactoryCall, rounds: int) -> tuple[float, float]:
    """Seconds of following every path, without and of the solver."""
    facts = declared_facts(call.hyperparameters)
    found = [explore(call, facts, max_paths=1000, budget=Budget(10**9)) for _ in range(rounds)]
    assert not any(True for _ in found[0].open_places())
    solver = min(f.solver_seconds for f in found)
    return min(f.seconds - f.solver_seconds for f in found), solver


def deep(rounds: int = 5) -> None:
    """A formula in the number of layers, against building 126 of them: 418 billion parameters."""
    from transformers import LlamaConfig, LlamaForCausalLM

    families.quiet()

    def llama(num_hidden_layers: int = 126) -> nn.Module:
        return LlamaForCausalLM(
            LlamaConfig(
                num_hidden_layers=num_hidden_layers,
                hidden_size=16384,
                intermediate_size=53248,
                vocab_size=128256,
                num_attention_heads=128,
                num_key_value_heads=32,
            )
        )

    def plain() -> None:
        with torch.device("meta"):
            llama()

    call = FactoryCall.of(llama, {})
    few = {"num_hidden_layers": 4}
    settings = Settings(learned=Learned())
    facts = declared_facts(call.hyperparameters)

    def without_comparisons() -> None:
        found = explore(call, facts, max_paths=64, budget=Budget())
        join(found, facts, call.hyperparameters)

    stages: dict[str, Callable[[], object]] = {
        "plain": plain,
        "run": lambda: traced(call, few, settings=settings),
        "formula": without_comparisons,
        "builds": lambda: [
            building.PlainBuilds(call).at({"num_hidden_layers": n}) for n in (1, 2, 4)
        ],
        "all": lambda: derive(llama),
    }
    best = dict.fromkeys(stages, float("inf"))
    for _ in range(rounds):
        for name, work in stages.items():
            gc.collect()
            best[name] = min(best[name], seconds(work, least=0.0))
    ratios = {name: best[name] / best["plain"] for name in stages}
    Console().print(
        f"Llama of 126 layers, {derive(llama)()} parameters: {best['plain'] * 1e3:.0f} ms to "
        f"build; one run on symbols {ratios['run']:.2f}x, the formula in its depth without a "
        f"comparison {ratios['formula']:.2f}x, three plain builds of 1, 2 and 4 layers "
        f"{ratios['builds']:.2f}x, the formula with all comparisons {ratios['all']:.2f}x; target "
        f"{DEEP_TARGET:g}x: {'reached' if ratios['all'] <= DEEP_TARGET else 'not reached'}"
    )


def rows(with_models: bool) -> dict[str, dict[str, float]]:
    found = {spec.key: measure(spec.factory, {}, rounds=7) for spec in blueprints}
    if with_models:
        families.quiet()
        for family in (families.gpt2, families.bert, families.llama):
            # As deep as published, width, feed-forward size and vocabulary symbolic.
            parameters = list(inspect.signature(family).parameters.values())
            fixed = {p.name: p.default for p in parameters[3:]}
            found[family.__name__] = measure(family, fixed, rounds=3)
    return found


def show(found: dict[str, dict[str, float]]) -> None:
    console = Console(width=None if sys.stdout.isatty() else 120)
    table = Table(title="Time of a warm derivation, in plain meta-device instantiations (x)")
    table.add_column("factory")
    table.add_column("plain, ms", justify="right")
    for name in ("one run on symbols", f"verification ({POINTS} builds)", "one path, all of it",
                 "and expr", "all paths", "of it exploring", "and z3"):  # fmt: skip
        table.add_column(name, justify="right")
    for name, times in found.items():
        ratios = [times[k] / times["plain"]
                  for k in ("trace", "verify", "one_path", "expression", "all_paths", "exploring",
                            "solver")]  # fmt: skip
        table.add_row(name, f"{times['plain'] * 1e3:.3f}", *(f"{r:.2f}" for r in ratios))
    console.print(table)
    seeds = [t["one_path"] / t["plain"] for n, t in found.items() if ":" in n and "noop" not in n]
    console.print(
        f"one path, all of it: median {statistics.median(seeds):.2f}x, worst {max(seeds):.2f}x of "
        f"the seeds that have parameters; target {TARGET:g}x: "
        f"{'reached' if max(seeds) <= TARGET else 'not reached'}"
    )
    explored = [(t["exploring"] / t["plain"], t["solver"] / t["plain"])
                for n, t in found.items() if ":" in n and "noop" not in n]  # fmt: skip
    worst = max(first for first, _ in explored)
    median = statistics.median(first for first, _ in explored)
    console.print(
        f"exploring completely, without z3: median {median:.1f}x, worst {worst:.1f}x; "
        f"z3: worst {max(z for _, z in explored):.1f}x; target "
        f"{EXPLORING_TARGET:g}x: {'reached' if worst <= EXPLORING_TARGET else 'not reached'}"
    )
    console.print(f"torch {torch.__version__}, Python {platform.python_version()}, "
                  f"{torch.get_num_threads()} threads")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", action="store_true", help="GPT-2, BERT and Llama too")
    parser.add_argument("--json", type=Path, help="write the seconds to this file")
    arguments = parser.parse_args()
    found = rows(arguments.models)
    show(found)
    if arguments.models:
        deep()
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
