"""Interrupt derivations, damage files and documents, and kill what saves, as often as is said.

    python benchmarks/trust.py [--interrupts 10000] [--files 50000] [--markers 50000] [--kills 200]

It prints what `docs/trust.md` says. A fault is printed in full, and makes it end with 1.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import symcount
from symcount import blueprints, derive
from symcount.blueprints import cnn, transformer  # noqa: F401
from symcount.storage.writing import written
from tests import hostile, test_guest

ROOT = Path(__file__).parent.parent
_MOST_SHOWN = 20


def interrupts(times: int, draw: random.Random) -> int:
    """Interrupt derivations at random moments; return how many faults there were."""
    formulas = {factory: derive(factory) for factory in test_guest.FACTORIES}
    longest = {}
    for factory in formulas:
        started = time.perf_counter()
        derive(factory)
        longest[factory] = time.perf_counter() - started
    before = test_guest.state()
    came = left = failed = 0
    for number in range(times):
        factory = test_guest.FACTORIES[number % len(formulas)]
        try:
            with hostile.interrupted(draw.uniform(0.0002, longest[factory]), KeyboardInterrupt):
                derive(factory)
        except (KeyboardInterrupt, symcount.SymcountError):
            came += 1
        changes = test_guest.changes(before)
        if changes:
            left += 1
            print(f"interrupt {number} of {factory.__name__} left {changes[:4]}")
            before = test_guest.state()
        if number % 10 == 0:
            try:
                failed += derive(factory) != formulas[factory]
            except BaseException as error:
                failed += 1
                print(f"after interrupt {number}: {type(error).__name__}: {error}")
    print(f"interrupts: {times:,}, of which {came:,} came in time; {left} left something behind, "
          f"{failed} of {times // 10:,} next derivations failed")  # fmt: skip
    return left + failed


def files(times: int, draw: random.Random) -> int:
    """Damage files of formulas."""
    text = written({spec.key: spec.param_count for spec in blueprints})
    small = [written({spec.key: spec.param_count}) for spec in blueprints]
    for each in (text, *small):
        hostile.read_all(each)
    ordeal = hostile.Ordeal()
    sources = [hostile.damaged_files(each, draw) for each in small]
    for number in range(times):
        damaged = next(sources[number % len(sources)])
        ordeal.try_once(damaged, lambda: hostile.read_all(damaged))  # noqa: B023
    return _told("damaged files", ordeal)


def markers(times: int, draw: random.Random) -> int:
    """Let documents of strangers name what they like."""
    with tempfile.TemporaryDirectory() as name:
        victim, page = Path(name) / "victim", Path(name) / "documents" / "page.md"
        for folder in (victim, page.parent):
            folder.mkdir()
        os.chdir(page.parent)
        page.write_text("It has <!-- symcount: cnn:attention at dim=64 -->1<!-- /symcount -->")
        hostile.fill_in(page)
        ordeal = hostile.Ordeal()
        for text in islice(hostile.markers(victim, draw), times):
            page.write_text(text, encoding="utf-8")
            ordeal.try_once(text, lambda: hostile.fill_in(page))
            if not victim.exists():
                ordeal.faults.append(f"a folder was removed: {text}")
                victim.mkdir()
        os.chdir(ROOT)
    return _told("damaged markers", ordeal)


def kills(times: int, draw: random.Random) -> int:
    """Kill processes that save."""
    with tempfile.TemporaryDirectory() as name:
        torn, drafts = hostile.torn_by_kills(Path(name), times, draw)
    print(f"kills while saving: {times:,}; {torn} files torn, {drafts} drafts left beside them")
    return torn


def _told(what: str, ordeal: hostile.Ordeal) -> int:
    print(f"{what}: {ordeal}")
    print(f"  the slowest: {ordeal.slowest[:200]!r}")
    for fault in ordeal.faults[:_MOST_SHOWN]:
        print("  ", fault)
    return len(ordeal.faults)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for work, times in ((interrupts, 10_000), (files, 50_000), (markers, 50_000), (kills, 200)):
        parser.add_argument(f"--{work.__name__}", type=int, default=times, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    draw = random.Random(given.seed)
    faults = 0
    for work in (files, markers, kills, interrupts):
        started = time.perf_counter()
        times = getattr(given, work.__name__)
        if times:
            faults += work(times, draw)
            print(f"  in {time.perf_counter() - started:.0f} s", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
