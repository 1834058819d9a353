"""Compare hand-written estimates of parameter counts with exact counts.

`symcount.cli.audit_view` shows the result.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from symcount.catalogue.registry import BlueprintSpec
from symcount.errors import ArgumentError, SymcountError

SIZES = (16, 64, 100, 384, 512, 4096)
TOLERANCE = 1.1


@dataclass(frozen=True)
class Reading:
    """The true count at one size, and how many times the estimate is off there.

    `count` and `times_off` are None where the formula gives no count; `reason` says why. An
    estimate is infinitely off if it or the count is zero and the other is not.
    """

    size: int
    count: int | None
    times_off: float | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Estimate:
    """A declared estimate against the true counts."""

    spec: BlueprintSpec
    declared: int | float
    readings: tuple[Reading, ...]
    exceeds: bool

    def __repr__(self) -> str:
        return f"<Estimate of {self}>"

    def __str__(self) -> str:
        said, worst = f"{self.spec.key}: {self.declared:,} declared", self.worst
        if worst is None:
            return f"{said}, no count at any size"
        return f"{said}, {worst.count:,} at {worst.size}, {worst.times_off:,.6g} times off"

    @property
    def worst(self) -> Reading | None:
        """The reading that is off the most, the first of equals; None if there is no count."""
        counted = [r for r in self.readings if r.count is not None]
        return max(counted, key=lambda r: r.times_off or 0.0, default=None)


@dataclass(frozen=True)
class Swap:
    """Two blueprints whose estimates say that one is cheaper, and where in truth it is dearer."""

    declared_cheaper: str
    declared_dearer: str
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class Ranking:
    """A topology's blueprints from cheapest to dearest: as declared, and in truth at each size.

    Equals are ordered by name. A blueprint that cannot be built at a size is left out there.
    """

    topology: str
    declared: tuple[str, ...]
    true: tuple[tuple[int, tuple[str, ...]], ...]
    swaps: tuple[Swap, ...]


@dataclass(frozen=True)
class Audit:
    """The result of an audit: `findings`, worst first, and a ranking for each topology.

    `undeclared` are the blueprints without an estimate: there is nothing to audit about them.
    """

    sizes: tuple[int, ...]
    tolerance: float
    findings: tuple[Estimate, ...]
    rankings: tuple[Ranking, ...]
    undeclared: tuple[str, ...]

    def __repr__(self) -> str:
        worst = f"; the worst: {self.findings[0]}" if self.findings else ""
        return f"<Audit: {self.verdict}{worst}>"

    def __str__(self) -> str:
        return "\n".join([self.verdict, *map(str, self.findings)])

    @property
    def verdict(self) -> str:
        """How many of the estimates are off by more than the tolerance."""
        if not self.findings:
            return "no blueprint declares an estimate: there is nothing to audit"
        return (
            f"{len(self.exceeding)} of {len(self.findings)} estimates are off by more than "
            f"{self.tolerance:g}x at some size"
        )

    @property
    def exceeding(self) -> tuple[Estimate, ...]:
        """The findings that are off by more than the tolerance at some size."""
        return tuple(f for f in self.findings if f.exceeds)


def audit(
    specs: Iterable[BlueprintSpec],
    sizes: Sequence[int] | None = None,
    tolerance: float = TOLERANCE,
) -> Audit:
    """Compare the declared estimates of blueprints with their exact counts at several sizes.

    Those are everyday sizes, and the reference sizes of the blueprints, if none are given. A size
    is the first hyper-parameter of a blueprint; the others keep their defaults. An
    estimate exceeds if at some size it is more than `tolerance` times the count, or less than
    the count divided by it; the comparison is exact.

    Returns:
        The estimates, worst first, and the order of each topology's blueprints.

    Raises:
        ArgumentError: no size, or a tolerance below 1.

    >>> from torch import nn
    >>> from symcount import BlueprintRegistry
    >>> registry = BlueprintRegistry()
    >>> @registry.register("pointwise", "cnn", param_estimate=4200)
    ... def pointwise(dim: int) -> nn.Module:
    ...     return nn.Conv2d(dim, dim, 1)
    >>> finding, = audit(registry, sizes=(64, 512)).findings
    >>> [(r.count, round(r.times_off, 2)) for r in finding.readings], finding.exceeds
    ([(4160, 1.01), (262656, 62.54)], True)
    """
    specs = tuple(specs)
    if sizes is None:
        sizes = sorted({*SIZES, *(spec.reference_dim for spec in specs)})
    if not sizes:
        raise ArgumentError("audit(sizes=()): give at least one size to count at")
    if not 1 <= tolerance < math.inf:
        raise ArgumentError(
            f"audit(tolerance={tolerance!r}): a factor of at least 1; 1.1 allows 10% either way"
        )
    sizes = tuple(dict.fromkeys(sizes))
    findings = [_finding(spec, sizes, tolerance) for spec in specs if _declares(spec)]
    findings.sort(key=lambda f: (f.worst and f.worst.times_off) or 0.0, reverse=True)
    undeclared = tuple(spec.key for spec in specs if not _declares(spec))
    return Audit(sizes, tolerance, tuple(findings), _rankings(sizes, findings), undeclared)


def _rankings(sizes: Sequence[int], findings: Sequence[Estimate]) -> tuple[Ranking, ...]:
    return tuple(
        _ranking(topology, sizes, [f for f in findings if f.spec.topology == topology])
        for topology in sorted({f.spec.topology for f in findings})
    )


def times_off(declared: int | float, count: int) -> float:
    """Return how many times too great or too small an estimate is: 1.0 if exact, never less.

    >>> times_off(2000, 131_584), times_off(800, 33), times_off(0, 0), times_off(0, 5)
    (65.792, 24.242424242424242, 1.0, inf)
    """
    factor = _factor(declared, count)
    try:
        return math.inf if factor is None else float(factor)
    except OverflowError:
        return math.inf


def _factor(declared: int | float, count: int) -> Fraction | None:
    """Return the exact factor between the two; None if one of them is not positive."""
    if declared == count:
        return Fraction(1)
    low, high = sorted((Fraction(declared), Fraction(count)))
    return high / low if low > 0 else None


def _declares(spec: BlueprintSpec) -> bool:
    return spec.declared_estimate is not None


def _finding(spec: BlueprintSpec, sizes: Sequence[int], tolerance: float) -> Estimate:
    declared = spec.declared_estimate
    assert declared is not None
    readings = tuple(_reading(spec, declared, size) for size in sizes)
    allowed = Fraction(str(tolerance))  # 1.1 is meant as written, not as the double next to it
    factors = [_factor(declared, r.count) for r in readings if r.count is not None]
    return Estimate(spec, declared, readings, any(f is None or f > allowed for f in factors))


def _reading(spec: BlueprintSpec, declared: int | float, size: int) -> Reading:
    try:
        count = spec.actual_param_count(size)
    except SymcountError as error:
        return Reading(size, None, reason=str(error))
    return Reading(size, count, times_off(declared, count))


def _ranking(topology: str, sizes: Sequence[int], findings: Sequence[Estimate]) -> Ranking:
    declared = {f.spec.name: f.declared for f in findings}
    true = {
        size: {
            f.spec.name: r.count
            for f in findings
            for r in f.readings
            if r.size == size and r.count is not None
        }
        for size in sizes
    }
    order = _cheapest_first(declared)
    return Ranking(
        topology,
        order,
        tuple((size, _cheapest_first(counts)) for size, counts in true.items()),
        tuple(
            Swap(first, second, swapped)
            for first, second in combinations(order, 2)
            if declared[first] < declared[second]
            and (swapped := tuple(s for s in sizes if _is_dearer(first, second, true[s])))
        ),
    )


def _cheapest_first(costs: Mapping[str, int | float]) -> tuple[str, ...]:
    return tuple(sorted(costs, key=lambda name: (costs[name], name)))


def _is_dearer(first: str, second: str, counts: Mapping[str, int]) -> bool:
    return first in counts and second in counts and counts[first] > counts[second]
