"""Amounts as people type them: counts in powers of 1000, bytes in either, each named as it is."""

from __future__ import annotations

import pytest
from torch import nn

from symcount import ArgumentError, derive
from symcount.formula.amounts import amount
from symcount.formula.measure import Measure

COUNT, BYTES = Measure(), Measure(in_bytes=True)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7B", 7_000_000_000),
        ("6.7B", 6_700_000_000),
        ("0.1B", 100_000_000),
        ("7b", 7_000_000_000),
        (" 125 M ", 125_000_000),
        ("1.5k", 1500),
        (".5K", 500),
        ("1,024K", 1_024_000),
        ("1_000K", 1_000_000),
        ("1.8T", 1_800_000_000_000),
        ("6.738415616B", 6_738_415_616),
    ],
)
def test_counts_are_exact(text: str, value: int) -> None:
    assert amount(text, "total", COUNT) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 kB", 1000), ("1 KB", 1000), ("1 KiB", 1024), ("1.5 MB", 1_500_000),
        ("1.5 MiB", 3 * 2**19), ("80GB", 80 * 10**9), ("80GiB", 80 * 2**30), ("2 TB", 2 * 10**12),
        ("2 TiB", 2 * 2**40), ("1 PB", 10**15), ("1 PiB", 2**50),
    ],
)  # fmt: skip
def test_bytes_are_in_the_unit_that_is_said(text: str, value: int) -> None:
    assert amount(text, "total", BYTES) == value


@pytest.mark.parametrize(
    ("given", "measure", "message"),
    [
        ("7", COUNT, "a text such as '7B' has a unit"),
        ("7e9", COUNT, "a count is a whole number that is not negative"),
        ("-7B", COUNT, "a count is a whole number that is not negative"),
        ("1.2.3B", COUNT, "a count is a whole number"),
        ("1.0001K", COUNT, "a count is a whole number"),
        ("7 billions", COUNT, "'billions' is no unit of a count; those are K, M, B, T"),
        ("7 GB", COUNT, "the formula is of parameters, and 'GB' is of bytes; ask it of .nbytes"),
        ("7B", BYTES, "the formula is of bytes, and 'B' is no unit of these; write GB or GiB"),
        ("7g", BYTES, "'g' is no unit of bytes; those are kB, MB, GB"),
        ("7 Gb", BYTES, "'Gb' is no unit of bytes"),
        ("0.3 KiB", BYTES, "a text such as '1.5 GiB' has a unit"),
        (True, COUNT, "a count is a whole number"),
        (1.5, COUNT, "a count is a whole number"),
        (float("nan"), COUNT, "a count is a whole number"),
        (float("inf"), COUNT, "a count is a whole number"),
    ],
)
def test_what_cannot_be_read_is_an_error(given: object, measure: Measure, message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        amount(given, "total", measure)
    assert f"total={given!r}: " in str(caught.value) and message in str(caught.value)


def test_questions_take_them() -> None:
    count = derive(lambda d, h: nn.Sequential(nn.Linear(d, h), nn.Linear(h, d)))
    assert count.solve("d", "7M", h=1024) == count.solve("d", 7e6, h=1024)
    assert count.nbytes.solve("d", "1 MiB", h=64) == count.nbytes.solve("d", 2**20, h=64)
    assert count.nbytes.solve("d", "1 MB", h=64) < count.nbytes.solve("d", "1 MiB", h=64)
    sizes = {"d": range(1, 99), "h": range(1, 99)}
    assert count.search(total=("1K", "2k"), **sizes) == count.search(total=(1000, 2000), **sizes)
    assert count.search(total="1K", **sizes) == count.search(total=1000, **sizes)
    with pytest.raises(ArgumentError, match="'GB' is of bytes"):
        count.solve("d", "1 GB", h=64)
