"""What is measured of one model of the zoo, and what all of it amounts to."""

from __future__ import annotations

import random
import re
import statistics
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from benchmarks.zoo.models import Case, case
from symcount import derive
from symcount.errors import SymcountError
from symcount.param_count import ParamCount

HELD_OUT = 5
_TRIES = 20_000
STATUSES = (
    "correct", "unchecked", "refused", "wrong", "timeout", "crash", "no sizes", "not instantiable",
)  # fmt: skip

_DEPTH = re.compile("(layer|depth|block)(?!.*channels)")
_HEADS = re.compile("head|groups|cardinality")
_VOCABULARY = re.compile("vocab|classes")


def examine(library: str, model: str, every_symbol: bool, max_work: int) -> dict[str, Any]:
    """Derive a model and compare the formula with what is built; one line of the results."""
    record: dict[str, Any] = {"library": library, "model": model}
    try:
        it = case(library, model, every_symbol)
        started = time.perf_counter()
        with torch.device("meta"):
            it.plain()
        record["build_seconds"] = time.perf_counter() - started
    except Exception as error:
        return {**record, "status": "not instantiable", **described(error)}
    record["symbols"] = list(it.defaults)
    if not it.defaults:
        return {**record, "status": "no sizes"}
    started = time.perf_counter()
    try:
        count = derive(it.factory, max_work=max_work, **it.given)
    except SymcountError as error:
        record["derive_seconds"] = time.perf_counter() - started
        return {**record, "status": "refused", **described(error)}
    record["derive_seconds"] = time.perf_counter() - started
    return {
        **record,
        "formula": str(count),
        "domain": str(count.domain),
        "grade": count.certificate.grade,
        "certificate": str(count.certificate),
        "verified": len(count.certificate.points),
        **compared(it, count),
    }


def described(error: Exception) -> dict[str, str]:
    """An error's class, first line, and text."""
    text = str(error).strip()
    return {
        "error": type(error).__name__,
        "line": text.partition("\n")[0][:500],
        "text": text[:3000],
    }


def compared(it: Case, count: ParamCount) -> dict[str, Any]:
    """The formula against modules built at the defaults and at points it was not checked at."""
    points = held_out_points(count)
    wrong = []
    at_defaults = count.valid(**it.defaults)
    for point in [it.defaults, *points] if at_defaults else points:
        try:
            actual: int | str = built_count(it, point)
        except Exception as error:
            actual = f"{type(error).__name__}: {error}"[:300]
        if actual != count(**point):
            wrong.append({"at": dict(point), "formula": count(**point), "built": actual})
    return {
        "status": "wrong" if wrong else "correct" if points else "unchecked",
        "held_out": len(points),
        "at_defaults": at_defaults,
        "wrong": wrong,
    }


def built_count(it: Case, point: Mapping[str, int | float]) -> int:
    """The parameters of the module that the factory builds, each of them once."""
    fixed = {k: v for k, v in it.given.items() if k not in it.defaults}
    with torch.device("meta"):
        module: nn.Module = it.factory(**fixed, **point)
    return sum({id(p): p.numel() for p in module.parameters()}.values())


def held_out_points(count: ParamCount, number: int = HELD_OUT) -> list[dict[str, int | float]]:
    """Points of the domain that the derivation did not look at, small ones if there are such.

    All symbols vary together. Where little is valid, some of them keep their defaults.
    """
    draw = random.Random(0)
    names = [h.name for h in count.hyperparameters]
    known = {frozenset(point) for point in count.certificate.points}
    known.add(frozenset(count.defaults.items()))
    found: list[dict[str, int | float]] = []
    for attempt in range(_TRIES):
        keep = 0.0 if attempt < _TRIES // 4 else draw.choice((0.0, 0.3, 0.6, 0.9))
        point = {
            name: count.defaults[name]
            if name in count.defaults and draw.random() < keep
            else size(name, draw)
            for name in names
        }
        identity = frozenset(point.items())
        if identity not in known and count.valid(**point):
            known.add(identity)
            found.append(point)
            if len(found) == number:
                break
    return found


def size(name: str, draw: random.Random) -> int:
    """A small size of a kind that suits a hyper-parameter's name."""
    if _VOCABULARY.search(name):
        return draw.randint(1, 4000)
    if _DEPTH.search(name):
        return draw.randint(1, 5)
    if _HEADS.search(name):
        return draw.choice((1, 2, 3, 4, 6, 8, 12, 16))
    step = draw.choice((1, 2, 8, 16, 32, 48, 64))
    return step * draw.randint(1, max(2, 640 // step))


# --- all of it --------------------------------------------------------------------------------


def summary(records: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """By library: how many models there are of each status, and the median ratio of times."""
    by_library: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        by_library.setdefault(record["library"], []).append(record)
    return {library: _row(some) for library, some in by_library.items()}


def _row(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    counted = Counter(record["status"] for record in records)
    instantiable = len(records) - counted["not instantiable"]
    ratios = [
        record["derive_seconds"] / record["build_seconds"]
        for record in records
        if record["status"] == "correct" and record["build_seconds"]
    ]
    return {
        "models": len(records),
        **{status: counted[status] for status in STATUSES},
        "instantiable": instantiable,
        "percent": 100 * counted["correct"] / instantiable if instantiable else None,
        "complete": sum(r.get("grade") == "complete" for r in records),
        "at defaults": sum(r["status"] == "correct" and r["at_defaults"] for r in records),
        "fewer points": sum(r["status"] == "correct" and r["held_out"] < HELD_OUT for r in records),
        "ratio": statistics.median(ratios) if ratios else None,
    }


def reasons(records: Iterable[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """Why models were refused, with their names; the most frequent reason first."""
    grouped: dict[str, list[str]] = {}
    for record in records:
        if record["status"] in ("refused", "crash"):
            grouped.setdefault(reason(record), []).append(record["model"])
    return sorted(grouped.items(), key=lambda item: -len(item[1]))


def reason(record: Mapping[str, Any]) -> str:
    """An error without what differs from model to model: its numbers, paths and names."""
    line = record["line"]
    lines = record.get("text", line).split("\n")
    if record["error"] == "FactoryError" and len(lines) > 1:
        # The first line says at which sizes, the second what the factory raised.
        how = "builds, but raises on symbols" if "raises on symbols" in line else "raises"
        line = f"it {how}: {lines[1].strip()}"
    line = re.sub(r"^[\w.-]+( \(\S+:\d+\))?: (?=/|it |the )", "", line)
    line = re.sub(r"(/[^\s:]+)+(:\d+)?", "FILE", line)
    line = re.sub(r"'[^']*'|\"[^\"]*\"|`[^`]*`|\b\w*[a-z]_\w+(\.\w+)*", "NAME", line)
    return f"{record['error']}: {re.sub(r'-?[0-9][0-9.]*', 'N', line)}"
