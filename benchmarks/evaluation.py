"""How long a count takes by a formula, in units of the same formula written by hand, in one run.

    python benchmarks/evaluation.py [--sizes 10000000] [--json FILE]

By hand is a lambda, and the same expression on NumPy arrays; neither looks at its arguments, tests
the domain or notices an overflow, which symcount's side does. Every figure is the least of several
rounds; both sides are measured in turn. Targets are lines of the table, not tests.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import timeit
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from torch import nn

sys.path.insert(0, str(Path(__file__).parent.parent))

from examples import families
from symcount import ParamCount, derive

SCALAR_TARGET = 1.2
ARRAY_TARGET = 1.0


def squeeze_excitation(dim: int, reduction: int = 4) -> nn.Module:
    hidden = max(1, dim // reduction)
    return nn.Sequential(nn.Linear(dim, hidden, bias=False), nn.Linear(hidden, dim))


@dataclass(frozen=True)
class Case:
    """A formula, the same by hand, and which of its symbols are arrays of how large sizes."""

    name: str
    factory: Callable[..., nn.Module]
    by_hand: Callable[..., Any]
    in_numpy: Callable[..., Any]
    at: Mapping[str, int]
    arrays: Mapping[str, tuple[int, int, int]]


def _same(
    name: str,
    factory: Callable[..., nn.Module],
    by_hand: Callable[..., Any],
    at: Mapping[str, int],
    **arrays: tuple[int, int, int],
) -> Case:
    return Case(name, factory, by_hand, by_hand, at, arrays)


def _by_hand_resnet(w: Any, a: Any, b: Any, c: Any, e: Any, channels: Any, labels: Any) -> Any:
    return (
        w**2 * (17 * a + 68 * b + 272 * c + 1088 * e + 505)
        + w * (12 * a + 24 * b + 48 * c + 96 * e + 49 * channels + 32 * labels + 122)
        + labels
    )


_WIDTHS = (8, 8193, 8)
CASES = (
    Case(
        "SE",
        squeeze_excitation,
        lambda dim, reduction=4: 2 * dim * max(1, dim // reduction) + dim,
        lambda dim, reduction=4: 2 * dim * np.maximum(1, dim // reduction) + dim,
        {"dim": 512, "reduction": 16},
        {"dim": (1, 8193, 1)},
    ),
    Case(
        "SE, two arrays",
        squeeze_excitation,
        lambda dim, reduction=4: 2 * dim * max(1, dim // reduction) + dim,
        lambda dim, reduction=4: 2 * dim * np.maximum(1, dim // reduction) + dim,
        {"dim": 512},
        {"dim": (1, 8193, 1), "reduction": (1, 33, 1)},
    ),
    _same(
        "MHA",
        nn.MultiheadAttention,
        lambda d, h: 4 * d**2 + 4 * d,
        {"embed_dim": 512, "num_heads": 8},
        embed_dim=_WIDTHS,
    ),
    _same(
        "transformer block",
        nn.TransformerEncoderLayer,
        lambda d, h, f=2048: 4 * d**2 + 2 * d * f + 9 * d + f,
        {"d_model": 512, "nhead": 8, "dim_feedforward": 2048},
        d_model=_WIDTHS,
        dim_feedforward=_WIDTHS,
    ),
    _same(
        "GPT-2",
        families.gpt2,
        lambda d, f, v, n, h, p: n * (4 * d**2 + 2 * d * f + 9 * d + f) + d * (v + p + 2),
        {"n_embd": 768, "n_inner": 3072, "vocab_size": 50257, "n_layer": 12, "n_head": 8,
         "n_positions": 1024},
        n_embd=_WIDTHS,
        n_layer=(1, 129, 1),
    ),
    _same(
        "Llama",
        families.llama,
        lambda d, f, v, n, h, k: (
            n * (2 * d**2 + 2 * d * (d // h) * k + 3 * d * f + 2 * d) + 2 * v * d + d
        ),
        {"hidden_size": 4096, "intermediate_size": 11008, "vocab_size": 32000,
         "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 32},
        hidden_size=(64, 8193, 64),
        num_hidden_layers=(1, 129, 1),
    ),
    _same(
        "ResNet",
        families.resnet,
        _by_hand_resnet,
        {"width": 64, "depth_1": 3, "depth_2": 4, "depth_3": 6, "depth_4": 3, "num_channels": 3,
         "num_labels": 1000},
        width=_WIDTHS,
        depth_3=(1, 129, 1),
    ),
)  # fmt: skip


def derived(case: Case) -> ParamCount:
    published = [size for size in families.PUBLISHED if size.family is case.factory]
    return families.derived(published[0]) if published else derive(case.factory)


def least(timers: Mapping[str, timeit.Timer], number: int, rounds: int) -> dict[str, float]:
    """Seconds of a call of each, the least of `rounds` rounds in turn."""
    found = dict.fromkeys(timers, float("inf"))
    for _ in range(rounds):
        for name, timer in timers.items():
            found[name] = min(found[name], timer.timeit(number) / number)
    return found


def scalar(case: Case, count: ParamCount) -> dict[str, float]:
    """Nanoseconds of the lambda, the call and `function`, by position and by name."""
    names = [h.name for h in count.hyperparameters]
    values = [{**count.defaults, **case.at}[name] for name in names]
    assert case.by_hand(*values) == count(*values) == count.function(*values)
    scope = {"hand": case.by_hand, "call": count, "function": count.function}
    parameters = {"hand": case.by_hand.__code__.co_varnames, "call": names, "function": names}
    timers = {}
    for side, own in parameters.items():
        positions = ", ".join(map(str, values))
        keywords = ", ".join(f"{n}={v}" for n, v in zip(own, values, strict=False))
        timers[side] = timeit.Timer(f"{side}({positions})", globals=scope)
        timers[f"{side}, by name"] = timeit.Timer(f"{side}({keywords})", globals=scope)
    return {name: time * 1e9 for name, time in least(timers, 2_000, 200).items()}


def vectorised(case: Case, count: ParamCount, sizes: int) -> dict[str, float]:
    """Milliseconds of the NumPy expression and of `evaluate`."""
    draw = np.random.default_rng(0)
    arrays = {
        name: draw.integers(0, (stop - start + step - 1) // step, sizes) * step + start
        for name, (start, stop, step) in case.arrays.items()
    }
    given: dict[str, Any] = {**count.defaults, **case.at, **arrays}
    by_position = [given[h.name] for h in count.hyperparameters]
    assert (case.in_numpy(*by_position) == count.evaluate(**given)).all()
    timers = {
        "hand": timeit.Timer(lambda: case.in_numpy(*by_position)),
        "evaluate": timeit.Timer(lambda: count.evaluate(**given)),
    }
    return {name: time * 1e3 for name, time in least(timers, 1, 9).items()}


def show_scalar(rows: Mapping[str, Mapping[str, float]], console: Console) -> None:
    table = Table(title=f"One count, in units of the lambda (x); target {SCALAR_TARGET:g}x")
    table.add_column("formula")
    for name in (
        "lambda, ns",
        "call, ns",
        "call",
        "function",
        "call, by name",
        "function, by name",
    ):
        table.add_column(name, justify="right")
    for name, row in rows.items():
        hand = row["hand"]
        table.add_row(
            name,
            f"{hand:.0f}",
            f"{row['call']:.0f}",
            f"{row['call'] / hand:.2f}",
            f"{row['function'] / hand:.2f}",
            f"{row['call, by name'] / row['hand, by name']:.2f}",
            f"{row['function, by name'] / row['hand, by name']:.2f}",
        )
    console.print(table)
    for what in ("call", "function"):
        reached = [n for n, r in rows.items() if r[what] / r["hand"] <= SCALAR_TARGET]
        console.print(f"{what}: target reached by {len(reached)} of {len(rows)} formulas")


def show_arrays(rows: Mapping[str, Mapping[str, float]], sizes: int, console: Console) -> None:
    table = Table(
        title=f"{sizes:,} counts, in units of the NumPy expression (x); target {ARRAY_TARGET:g}x"
    )
    table.add_column("formula")
    for name in ("NumPy, ms", "evaluate, ms", "evaluate"):
        table.add_column(name, justify="right")
    for name, row in rows.items():
        ratio = row["evaluate"] / row["hand"]
        table.add_row(name, f"{row['hand']:.1f}", f"{row['evaluate']:.1f}", f"{ratio:.2f}")
    console.print(table)
    reached = [r for r in rows.values() if r["evaluate"] / r["hand"] <= ARRAY_TARGET]
    console.print(f"evaluate: target reached by {len(reached)} of {len(rows)} formulas")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--sizes", type=int, default=10_000_000, help="how many are counted at once"
    )
    parser.add_argument("--json", type=Path, help="write the times to this file")
    arguments = parser.parse_args()
    families.quiet()
    console = Console(width=None if sys.stdout.isatty() else 120)
    counts = {case.name: derived(case) for case in CASES}
    scalars = {c.name: scalar(c, counts[c.name]) for c in CASES if "arrays" not in c.name}
    show_scalar(scalars, console)
    arrays = {c.name: vectorised(c, counts[c.name], arguments.sizes) for c in CASES}
    show_arrays(arrays, arguments.sizes, console)
    console.print(f"numpy {np.__version__}, Python {platform.python_version()}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"one": scalars, "arrays": arrays}, indent=2))


if __name__ == "__main__":
    main()
