"""Random values for formulas and for single operators, and results of operators bit by bit."""

from __future__ import annotations

import math
import random
import struct
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from symcount import ParamCount
from symcount.export.languages import javascript

POINTS = 1000


def random_points(count: ParamCount) -> Iterator[list[int | float]]:
    """Small, round and huge values; of a real symbol, exact and inexact ratios."""
    draw = random.Random(0)
    for index in range(POINTS):
        values: list[int | float] = []
        for h in count.hyperparameters:
            if h.real:
                values.append(draw.choice([draw.uniform(0.01, 9), draw.randint(1, 64) / 8]))
                continue
            value = draw.choice(
                (draw.randint(h.least, 9), 8 * draw.randint(1, 37), draw.randint(1, 5000), 1 << 9)
            )
            if index % 10 == 9:
                value = draw.randint(1, 10 ** draw.randint(4, 30))
            values.append(h.aligned(value) if draw.random() < 0.9 else value)
        if draw.random() < 0.2:
            values = [v if isinstance(v, float) else int(values[0]) for v in values]
        yield values
    yield from ([value for _, value in point] for point in count.certificate.points)


def bits(value: float) -> str:
    return struct.pack(">d", value).hex()


def encoded(compute: Any, row: Sequence[int | float]) -> str:
    try:
        result = compute(*row)
    except (ArithmeticError, ValueError):
        return "undefined"
    if isinstance(result, float):
        return "nan" if math.isnan(result) else bits(result)
    return str(result)


_EDGES = [0.0, -0.0, 0.5, 1.5, 2.5, -2.5, 1.0, 0.1, 0.29, 2.675, 0.49999999999999994, 1e-300,
          5e-324, 1e300, 2.0**53, 2.0**53 + 2, sys.float_info.max, math.inf, -math.inf,
          math.nan]  # fmt: skip


def a_double(draw: random.Random) -> float:
    kind = draw.randrange(4)
    if kind == 0:
        return draw.choice(_EDGES)
    if kind == 1:
        return draw.uniform(-100, 100)
    if kind == 2:
        return draw.randint(-64, 64) / 8
    return struct.unpack(">d", draw.randbytes(8))[0]


def an_integer(draw: random.Random) -> int:
    size = draw.choice((3, 6, 20, 54, 70, 200, 1100))
    return draw.randint(-(2**size), 2**size)


def operands(op: str, draw: random.Random) -> list[int | float]:
    if op == "fround":
        return [a_double(draw), draw.randint(-25, 25)]
    if op == "round_digits":
        return [an_integer(draw), draw.randint(-12, 2)]
    if op == "pow":
        return [draw.randint(-50, 50), draw.randint(-1, 60)]
    if op in ("factorial", "comb", "perm"):
        return [draw.randint(-1, 60) for _ in range(1 if op == "factorial" else 2)]
    if op in ("isqrt", "bit_length", "bit_count", "abs"):
        return [an_integer(draw)]
    if op in ("gcd", "lcm", "max", "min"):
        return [an_integer(draw) for _ in range(draw.randint(2, 4))]
    if op == "truediv":
        kinds = draw.choice(((an_integer, an_integer), (a_double, an_integer),
                             (an_integer, a_double), (a_double, a_double)))  # fmt: skip
        return [kind(draw) for kind in kinds]
    if op in ("floor", "floordiv", "mod", "and", "or", "xor"):
        return [an_integer(draw), an_integer(draw)]
    number = javascript.JAVASCRIPT.calls[op].count("{")
    return [a_double(draw) for _ in range(number)]
