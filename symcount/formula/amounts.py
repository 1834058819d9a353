"""Read and write amounts as people do: `7B` parameters, `1.5 GiB`, `13.5 GB`.

Counts are in thousands, millions, billions and trillions: K, M, B and T. Bytes are in kB, MB, GB
and TB, powers of 1000, or in KiB, MiB, GiB and TiB, powers of 1024 (IEC 80000-13). What is written
is always in powers of 1000, and says so by its unit.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from symcount.errors import ArgumentError
from symcount.formula.measure import Measure

_AMOUNT = re.compile(r"\s*(?P<number>[0-9][0-9_,]*(?:\.[0-9]+)?|\.[0-9]+)\s*(?P<unit>[a-zA-Z]+)\s*")
# What counts are written in: the number that is one, and its letter.
UNITS = {
    "thousands": (10**3, "K"),
    "millions": (10**6, "M"),
    "billions": (10**9, "B"),
    "trillions": (10**12, "T"),
}
_COUNTS = {letter: size for size, letter in UNITS.values()}
_BYTES = (
    {f"{prefix}B": 1000**power for power, prefix in enumerate("kMGTP", start=1)}
    | {f"{prefix}iB": 1024**power for power, prefix in enumerate("KMGTP", start=1)}
    | {"KB": 1000}
)


def amount(given: Any, label: str, measure: Measure) -> int:
    """Return an amount that is given as an integer, a float that is whole, or text with a unit.

    Args:
        given: what a user gave, such as `7_000_000_000`, `7e9`, `"7B"` or `"1.5 GiB"`.
        label: what it is given for, for messages.
        measure: what the formula counts: units of bytes are for bytes, others for the rest.

    Raises:
        ArgumentError: it is none of these, negative, no whole number, or in another unit.

    >>> amount("6.7B", "total", Measure()), amount("1.5 GiB", "total", Measure(in_bytes=True))
    (6700000000, 1610612736)
    """
    value: Any = _of_text(given, label, measure) if isinstance(given, str) else given
    if not isinstance(value, bool):
        if isinstance(value, float | Fraction) and value == value // 1:
            value = int(value)
        try:
            value = operator.index(value)
        except TypeError:
            value = None
        if value is not None and value >= 0:
            return int(value)
    example = "1.5 GiB" if measure.in_bytes else "7B"
    raise ArgumentError(
        f"{label}={given!r}: a count is a whole number that is not negative; a text such as "
        f"{example!r} has a unit"
    )


def _of_text(given: str, label: str, measure: Measure) -> Fraction | None:
    found = _AMOUNT.fullmatch(given)
    if found is None:
        return None
    known = (
        _BYTES if measure.in_bytes else {**_COUNTS, **{u.lower(): n for u, n in _COUNTS.items()}}
    )
    unit = found["unit"]
    if unit not in known:
        raise ArgumentError(f"{label}={given!r}: {_advice(unit, measure)}")
    number: Fraction = Fraction(re.sub("[_,]", "", found["number"])) * known[unit]
    return number


def _advice(unit: str, measure: Measure) -> str:
    if measure.in_bytes:
        if unit.upper() in _COUNTS:
            return f"the formula is of bytes, and {unit!r} is no unit of these; write GB or GiB"
        return f"{unit!r} is no unit of bytes; those are {', '.join(_BYTES)}"
    if unit in _BYTES:
        return (
            f"the formula is of {measure.noun}, and {unit!r} is of bytes; ask it of .nbytes or of "
            "memory()"
        )
    return f"{unit!r} is no unit of a count; those are {', '.join(_COUNTS)}"


def rounded(count: int, unit: str) -> str:
    """Write a count in a unit, of `UNITS`, with one digit after the point, rounded half up.

    Raises:
        ArgumentError: nothing is left of it in this unit.

    >>> rounded(6_738_415_616, "billions"), rounded(124_439_808, "millions")
    ('6.7B', '124.4M')
    """
    size, letter = UNITS[unit]
    tenths = (20 * count + size) // (2 * size)
    if count and not tenths:
        raise ArgumentError(f"{count:,} is nothing as {unit}; write it in full, or in another unit")
    return f"{tenths // 10:,}.{tenths % 10}{letter}"


def short(value: float) -> str:
    """Write a count in thousands, millions and so on.

    >>> [short(x) for x in (0, 950, 1500, 7e9, 6_738_415_616, 2e15)]
    ['0', '950', '1.5K', '7B', '6.74B', '2000T']
    """
    return _in_steps(value, ("", "K", "M", "B", "T"))


def short_bytes(value: float) -> str:
    """Write a number of bytes in powers of 1000.

    >>> [short_bytes(x) for x in (12, 1500, 13.5e9)]
    ['12 B', '1.5 kB', '13.5 GB']
    """
    return _in_steps(value, (" B", " kB", " MB", " GB", " TB"))


def _in_steps(value: float, units: Sequence[str]) -> str:
    step = 0
    while abs(value) >= 999.5 and step < len(units) - 1:
        value, step = value / 1000, step + 1
    return f"{value:.0f}{units[step]}" if abs(value) >= 100 else f"{value:.3g}{units[step]}"
