"""Declared estimates against exact counts: how far off, and which order they spoil."""

from __future__ import annotations

import math

import pytest
from torch import nn

from examples import tickets
from symcount import ArgumentError, BlueprintRegistry
from symcount.catalogue.audit import Audit, Estimate, Swap, audit, times_off
from tests.reference import SEEDS, SIZES


def linear(dim: int) -> nn.Module:
    """100 parameters at 100, 200 at 200."""
    return nn.Linear(dim, 1, bias=False)


def square(dim: int) -> nn.Module:
    return nn.Linear(dim, dim, bias=False)


def even(dim: int) -> nn.Module:
    if dim % 2:
        raise ValueError("dim must be even")
    return nn.Linear(dim, 1)


def audit_of(
    *declared: tuple[str, object, int | None],
    sizes: tuple[int, ...] = (100,),
    tolerance: float = 1.1,
) -> Audit:
    registry = BlueprintRegistry()
    for name, factory, estimate in declared:
        registry.register(name, "cnn", estimate, on_error="defer")(factory)
    return audit(registry, sizes, tolerance)


@pytest.fixture(scope="module")
def sixteen() -> Audit:
    return audit(tickets.registry, sizes=SIZES)


def finding_of(found: Audit, key: str) -> Estimate:
    return next(finding for finding in found.findings if finding.spec.key == key)


# --- the sixteen constants --------------------------------------------------------------------


def test_sixteen_constants_are_those_once_declared(sixteen: Audit) -> None:
    declared = {finding.spec.key: finding.declared for finding in sixteen.findings}
    assert declared == {seed.name: seed.param_estimate for seed in SEEDS}


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_counts_are_those_of_built_modules(seed, sixteen: Audit) -> None:
    readings = finding_of(sixteen, seed.name).readings
    assert tuple(reading.size for reading in readings) == SIZES
    assert tuple(reading.count for reading in readings) == seed.counts


def test_squeeze_and_excitation_is_65_times_off_at_512(sixteen: Audit) -> None:
    readings = {r.size: r for r in finding_of(sixteen, "cnn:attention").readings}
    assert readings[512].count == 131_584
    assert readings[512].times_off == pytest.approx(65.8, abs=0.01)
    assert readings[64].times_off == pytest.approx(2112 / 2000)


def test_only_the_identities_are_right(sixteen: Audit) -> None:
    right = [f.spec.key for f in sixteen.findings if not f.exceeds]
    assert right == ["cnn:noop", "transformer:noop"]
    assert len(sixteen.exceeding) == 14


def test_worst_comes_first(sixteen: Audit) -> None:
    factors = [finding.worst.times_off for finding in sixteen.findings if finding.worst]
    assert factors == sorted(factors, reverse=True)
    worst = sixteen.findings[0]
    assert (worst.spec.key, worst.worst.size) == ("cnn:attention", 4096)


def test_order_changes_with_the_size(sixteen: Audit) -> None:
    cnn, transformer = sixteen.rankings
    assert cnn.swaps == (Swap("bottleneck", "depthwise", (16, 384, 512, 4096)),)
    assert cnn.declared.index("bottleneck") < cnn.declared.index("depthwise")
    true = dict(cnn.true)
    assert true[64] == cnn.declared
    assert true[512].index("depthwise") < true[512].index("bottleneck")
    assert transformer.swaps == ()


# --- times off --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "count", "factor"),
    [
        (100, 100, 1.0),
        (50, 100, 2.0),
        (200, 100, 2.0),
        (0, 0, 1.0),
        (0, 7, math.inf),
        (7, 0, math.inf),
        (-7, 7, math.inf),
        (1, 10**400, math.inf),
    ],
)
def test_times_off(declared: int, count: int, factor: float) -> None:
    assert times_off(declared, count) == factor


@pytest.mark.parametrize(
    ("estimate", "exceeds"), [(86, True), (87, False), (100, False), (115, False), (116, True)]
)
def test_tolerance_is_meant_as_written(estimate: int, exceeds: bool) -> None:
    # The double next to 1.15 is less than 1.15.
    (finding,) = audit_of(("linear", linear, estimate), tolerance=1.15).findings
    assert finding.exceeds is exceeds


def test_zero_count_with_an_estimate_exceeds() -> None:
    (finding,) = audit_of(("noop", lambda dim: nn.Identity(), 5)).findings
    assert finding.exceeds
    assert finding.worst.times_off == math.inf


# --- what has no count ------------------------------------------------------------------------


def test_size_outside_the_domain_has_a_reason() -> None:
    (finding,) = audit_of(("even", even, 101), sizes=(33, 100)).findings
    missing, counted = finding.readings
    assert (missing.count, missing.times_off) == (None, None)
    assert "dim=33 is outside the domain of even" in missing.reason
    assert (counted.count, counted.reason) == (101, None)
    assert finding.worst is counted
    assert not finding.exceeds


def test_blueprint_without_a_formula_comes_last_with_a_reason() -> None:
    found = audit_of(("text", lambda dim: "no module", 5), ("linear", linear, 100))
    linear_finding, text_finding = found.findings
    assert linear_finding.spec.name == "linear"
    assert text_finding.worst is None
    assert not text_finding.exceeds
    assert "Module" in text_finding.readings[0].reason
    assert found.rankings[0].true == ((100, ("linear",)),)


def test_blueprint_without_an_estimate_is_named_and_not_audited() -> None:
    found = audit_of(("linear", linear, None), ("square", square, 10_000))
    assert [finding.spec.name for finding in found.findings] == ["square"]
    assert found.undeclared == ("cnn:linear",)


# --- the order --------------------------------------------------------------------------------


def test_equal_estimates_or_counts_never_swap() -> None:
    found = audit_of(("a", square, 100), ("b", linear, 100), ("c", linear, 200), sizes=(2,))
    assert found.rankings[0].swaps == (Swap("a", "c", (2,)),)


def test_size_without_a_count_never_swaps() -> None:
    found = audit_of(("square", square, 1), ("even", even, 2), sizes=(33, 34))
    assert found.rankings[0].swaps == (Swap("square", "even", (34,)),)
    assert found.rankings[0].true == ((33, ("square",)), (34, ("even", "square")))


# --- arguments --------------------------------------------------------------------------------


def test_repeated_size_counts_once() -> None:
    found = audit_of(("linear", linear, 100), sizes=(100, 64, 100))
    assert found.sizes == (100, 64)
    assert [reading.size for reading in found.findings[0].readings] == [100, 64]


def test_no_size() -> None:
    with pytest.raises(ArgumentError, match=r"^audit\(sizes=\(\)\): give at least one size"):
        audit_of(sizes=())


@pytest.mark.parametrize("tolerance", [0.9, math.inf, math.nan])
def test_tolerance_below_one(tolerance: float) -> None:
    with pytest.raises(ArgumentError, match=r"a factor of at least 1; 1\.1 allows 10% either way"):
        audit_of(tolerance=tolerance)
