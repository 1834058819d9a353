"""How long an answer from a stored registry takes, from the start of the process.

    python benchmarks/loading.py [--formulas 1000] [--rounds 20] [--json FILE]

A file of as many formulas is made of blueprints and a few models, each under many names. A process
loads it, evaluates one formula and ends; another process starts Python and ends. Both are run in
turn, and every figure is the least of all rounds. The target is a line of the table, not a test.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent.parent))

from examples import families
from symcount import blueprints, derive, save
from symcount.blueprints import cnn, transformer  # noqa: F401

ROOT = Path(__file__).parent.parent
TARGET = 100.0
HEAVY = ("torch", "sympy", "numpy", "z3")
MODELS = (families.gpt2, families.llama, families.bert)

BARE = "pass"
IMPORT = "import symcount.storage.file"
ANSWER = """
import symcount
formulas = symcount.load({path!r})
print(formulas[{name!r}](**{at!r}))
"""
LOADED = """
import sys
print([name for name in {heavy!r} if name in sys.modules])
"""


def make(path: Path, wanted: int) -> None:
    """A file of so many formulas."""
    formulas = {spec.key: spec.param_count for spec in blueprints}
    formulas |= {model.__name__: derive(model, max_work=60_000_000) for model in MODELS}
    many = islice(cycle(formulas.items()), wanted)
    save(path, {f"{name} {number}": count for number, (name, count) in enumerate(many)})


def output(code: str) -> str:
    """What a process prints, which may keep compiled modules as an installed package has them."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=kept,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def milliseconds(codes: dict[str, str], rounds: int) -> dict[str, float]:
    """The least time of a process that runs each of these, all in turn."""
    least = dict.fromkeys(codes, float("inf"))
    for _ in range(rounds):
        for name, code in codes.items():
            started = time.perf_counter()
            output(code)
            least[name] = min(least[name], (time.perf_counter() - started) * 1e3)
    return least


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--formulas", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    families.quiet()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "formulas.json"
        make(path, options.formulas)
        size = path.stat().st_size
        small, large = (
            ANSWER.format(path=str(path), name=name, at=at)
            for name, at in (("cnn:attention 2", {"dim": 512}), ("llama 17", {}))
        )
        codes = {
            "a bare Python": BARE,
            "and import": IMPORT,
            "and one blueprint's answer": small,
            "and Llama's answer": large,
        }
        found = milliseconds(codes, options.rounds)
        loaded = output(large + LOADED.format(heavy=HEAVY)).splitlines()[-1]
    bare = found["a bare Python"]
    table = Table(title=f"{options.formulas} formulas, {size / 1e6:.1f} MB; {platform.platform()}")
    for column in ("process", "ms", "over a bare start", "target"):
        table.add_column(column, justify="left" if column == "process" else "right")
    for name, time_taken in found.items():
        over = time_taken - bare
        target = f"<= {TARGET:.0f} {'yes' if over <= TARGET else 'NO'}" if "answer" in name else ""
        table.add_row(name, f"{time_taken:.1f}", f"{over:.1f}", target)
    console = Console()
    console.print(table)
    console.print(f"of {', '.join(HEAVY)} it has loaded: {loaded}")
    if options.json:
        options.json.write_text(json.dumps({"bytes": size, "milliseconds": found}, indent=2))


if __name__ == "__main__":
    main()
