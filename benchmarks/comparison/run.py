"""Compare symcount with other ways to count parameters, and print the results as Markdown tables.

    make comparison

Each tool counts each model in a process of its own, several times. The least processor time is
shown as a multiple of what building the module on the meta device takes in the same run, and memory
as what one more count adds at its peak.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import version
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent)]  # for `models`, and for `examples`

import psutil  # noqa: E402
import torch  # noqa: E402
from models import MODELS, Model, sweep  # noqa: E402
from tools import PACKAGES, TOOLS, Tool  # noqa: E402

from examples import families  # noqa: E402

REFERENCE = "build on meta, add up"
CALL = "symcount, a further size"
# What a thousand sizes would tell nothing new of.
LEFT_OUT = ("build on the CPU, add up", "accelerate, not tied again")
# Models with more bytes of weights than this are not built on the CPU.
MOST_BYTES = 4 << 30
# Seconds that are spent on repeating one count, after the first.
PATIENCE = 1.0


class Measured(NamedTuple):
    """A count, the least seconds of a processor it took, and the bytes it took at its peak."""

    count: int
    seconds: float
    memory: int | None


def measured(tool: Tool, model: Model) -> Measured:
    """One count for what is loaded on first use, one for its memory, others for their time."""
    tool(model, model.sizes)
    reset = forget_peak()
    before = psutil.Process().memory_info().rss
    count = tool(model, model.sizes)
    memory = peak() - before if reset else None
    times: list[float] = []
    started = time.process_time()
    while len(times) < 3 or time.process_time() - started < PATIENCE:
        begun = time.process_time()
        tool(model, model.sizes)
        times.append(time.process_time() - begun)
    return Measured(count, min(times), memory)


def forget_peak() -> bool:
    """Have Linux measure the peak of this process's memory from now on; False if it cannot."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def peak() -> int:
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def swept(tool: Tool, model: Model) -> tuple[list[int], float]:
    begun = time.process_time()
    counts = [tool(model, sizes) for sizes in sweep()]
    return counts, time.process_time() - begun


def swept_by_formula(tool: Tool, model: Model) -> tuple[list[int], float]:
    """Derived once, then called for each size."""
    begun = time.process_time()
    formula = model.derived()
    counts = [formula(**sizes) for sizes in sweep()]
    return counts, time.process_time() - begun


def seconds_of_a_call(tool: Tool, model: Model) -> float:
    formula, calls = model.derived(), 10_000
    formula(**model.sizes)
    begun = time.process_time()
    for _ in range(calls):
        formula(**model.sizes)
    return (time.process_time() - begun) / calls


def apart(function: Callable[[Tool, Model], Any], tool: Tool, model: Model) -> Any:
    """The result of a function in a forked process, whose memory and caches are its own."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(there, function, tool, model))
    process.start()
    there.close()
    try:
        result = here.recv()
    except EOFError:
        result = RuntimeError("the process ended without an answer")
    process.join()
    if isinstance(result, Exception):
        raise result
    return result


def _answer(there: Connection, function: Callable[..., Any], tool: Tool, model: Model) -> None:
    warnings.simplefilter("ignore")
    families.quiet()
    torch.set_num_threads(1)
    try:
        there.send(function(tool, model))
    except Exception as error:
        there.send(RuntimeError(f"{type(error).__name__}: {error}"))


# --- tables ------------------------------------------------------------------------------------


def counts_table(
    results: dict[tuple[str, str], Measured], models: Sequence[Model]
) -> Iterator[str]:
    yield "| | " + " | ".join(model.name for model in models) + " |"
    yield "|---|" + "---:|" * len(models)
    for tool in TOOLS:
        cells = []
        for model in models:
            found = results.get((tool, model.name))
            right = results[REFERENCE, model.name].count
            cells.append("–" if found is None else said(found.count, right))
        yield f"| {tool} | " + " | ".join(cells) + " |"
    rules = dict.fromkeys(rule for model in models for rule in model.by_hand)
    for rule in rules:
        cells = [
            said(model.by_hand[rule](model.sizes), results[REFERENCE, model.name].count)
            if rule in model.by_hand
            else "–"
            for model in models
        ]
        yield f"| by hand: `{rule}` | " + " | ".join(cells) + " |"


def said(count: int, right: int) -> str:
    """A count, in bold if it is the number of parameters, or else how far it is from that."""
    if count == right:
        return f"**{count:,}**"
    return f"{count:,} ({count - right:+,})"


def cost_table(
    results: dict[tuple[str, str], Measured],
    models: Sequence[Model],
    cell: Callable[[Measured, Measured], str],
    rows: Iterable[str] = TOOLS,
) -> Iterator[str]:
    yield "| | " + " | ".join(model.name for model in models) + " |"
    yield "|---|" + "---:|" * len(models)
    for tool in rows:
        cells = [
            cell(results[tool, model.name], results[REFERENCE, model.name])
            if (tool, model.name) in results
            else "–"
            for model in models
        ]
        yield f"| {tool} | " + " | ".join(cells) + " |"


def time_cell(found: Measured, reference: Measured) -> str:
    times = found.seconds / reference.seconds
    return f"{times:.3g}" if times > 0.01 else f"1/{1 / times:,.0f}"


def memory_cell(found: Measured, reference: Measured) -> str:
    return "–" if found.memory is None else f"{found.memory / (1 << 20):,.1f}"


def machine() -> str:
    memory = psutil.virtual_memory().total / (1 << 30)
    packages = ("torch", "transformers", *PACKAGES)
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB; "
        f"Python {platform.python_version()}, {versions}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="MODEL", action="append", help="only this model")
    parser.add_argument("--no-sweep", action="store_true", help="leave out the thousand sizes")
    options = parser.parse_args()
    families.quiet()
    models = [m for m in MODELS if options.only is None or m.name in options.only]
    for module in PACKAGES.values():
        importlib.import_module(module)  # before any time is taken
    import transformers.models.auto  # noqa: F401

    print(machine(), end="\n\n")
    results = {}
    for model in models:
        for name, tool in TOOLS.items():
            if name == "build on the CPU, add up" and apart(bytes_of, tool, model) > MOST_BYTES:
                continue
            tell(f"{model.name}: {name}")
            results[name, model.name] = apart(measured, tool, model)
        call = apart(seconds_of_a_call, TOOLS["symcount"], model)
        results[CALL, model.name] = results["symcount", model.name]._replace(seconds=call)
    tables = {
        "Counts": counts_table(results, models),
        "Time, as multiples of building on meta": cost_table(
            results, models, time_cell, (*TOOLS, CALL)
        ),
        "Memory at the peak, in MiB": cost_table(results, models, memory_cell),
    }
    for title, lines in tables.items():
        print(f"### {title}", "", *lines, "", sep="\n")
    if not options.no_sweep and any(model.name == "GPT-2" for model in models):
        print("", *sweep_table(next(m for m in models if m.name == "GPT-2")), sep="\n")


def tell(what: str) -> None:
    """Where it is, on a terminal."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{what}", end="", file=sys.stderr, flush=True)


def bytes_of(tool: Tool, model: Model) -> int:
    return 4 * TOOLS[REFERENCE](model, model.sizes)


def sweep_table(model: Model) -> Iterator[str]:
    yield "### A thousand sizes of GPT-2"
    yield ""
    yield "| | processor seconds | times symcount | of 1,000 right |"
    yield "|---|---:|---:|---:|"
    expected, seconds = apart(swept_by_formula, TOOLS["symcount"], model)
    right, reference = apart(swept, TOOLS[REFERENCE], model)
    rows = {"symcount": (expected, seconds), REFERENCE: (right, reference)}
    for name, tool in TOOLS.items():
        if name not in rows and name not in LEFT_OUT:
            tell(f"sweep: {name}")
            rows[name] = apart(swept, tool, model)
    for name, (counts, took) in rows.items():
        agree = sum(a == b for a, b in zip(counts, right, strict=True))
        yield f"| {name} | {took:,.2f} | {took / seconds:,.3g} | {agree:,} |"


if __name__ == "__main__":
    main()
