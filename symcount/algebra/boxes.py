"""Bounds of normal forms on a whole range of sizes, and comparisons that they settle.

A `Box` gives each symbol a least and a greatest value, and bounds any polynomial on it. Bounds hold
wherever the polynomial is defined, and tighten as the box shrinks. So what they exclude is excluded
for certain, and a question about all sizes becomes one about a few boxes.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from symcount.algebra.bounds import UNKNOWN, Interval, hull, power, product, scaled
from symcount.algebra.choices import parts
from symcount.algebra.conditions import Condition
from symcount.algebra.functions import CALLS, CHOICES, is_float
from symcount.algebra.poly import Atom, Call, Monomial, Poly, Variable


class Box:
    """Symbols with a least and a greatest value each."""

    def __init__(self, ranges: Mapping[str, Interval]) -> None:
        self.ranges = ranges
        self._known: dict[Atom, Interval] = {}

    def of(self, poly: Poly) -> Interval:
        """Numbers that `poly` is never less than, or greater than (None: unknown)."""
        terms = poly.terms
        if len(terms) == 1:
            ((monomial, coefficient),) = terms.items()
            return scaled(self._of_monomial(monomial), coefficient)
        low: Any = 0
        high: Any = 0
        for monomial, coefficient in terms.items():
            a, b = scaled(self._of_monomial(monomial), coefficient)
            if isinstance(a, float) or isinstance(b, float):
                return UNKNOWN  # a sum of doubles is rounded; normal forms have none
            low = None if low is None or a is None else low + a
            high = None if high is None or b is None else high + b
        return low, high

    def decides(self, condition: Condition) -> bool | None:
        """Decide a condition on the whole box; None if its truth may differ, or is not known."""
        left, right = condition.left, condition.right
        if any(map(is_float, left.atoms() | right.atoms())):
            return _compared(condition.op, self.of(left), self.of(right))
        return _compared(condition.op, self.of(_difference(condition)), (0, 0))

    def _of_monomial(self, monomial: Monomial) -> Interval:
        result: Interval = (1, 1)
        for base, exponent in monomial:
            factor = self._of_atom(base)
            if len(monomial) > 1 or exponent != 1:
                if is_float(base):
                    return UNKNOWN
                factor = power(factor, exponent)
            result = factor if result == (1, 1) else product(result, factor)
        return result

    def _of_atom(self, base: Atom) -> Interval:
        if isinstance(base, Variable):
            return self.ranges[base.name]
        if base not in self._known:
            self._known[base] = self._of_call(base)
        return self._known[base]

    def _of_call(self, base: Call) -> Interval:
        if base.op in CHOICES:
            condition, then, otherwise = parts(base)
            truth = self.decides(condition)
            sides = [s for s, t in ((then, True), (otherwise, False)) if truth in (None, t)]
            return hull(self.of(side) for side in sides) or UNKNOWN
        return CALLS[base.op].bounded(*map(self.of, base.args))


@functools.lru_cache(maxsize=65536)
def _difference(condition: Condition) -> Poly:
    return condition.left - condition.right


def _compared(op: str, a: Interval, b: Interval) -> bool | None:
    if op == "eq":
        if a[0] is not None and a[0] == a[1] == b[0] == b[1]:
            return True
        return False if _below(a, b, True) or _below(b, a, True) else None
    if op == "ge":
        return True if _below(b, a, False) else False if _below(a, b, True) else None
    strict = op == "lt"
    return True if _below(a, b, strict) else False if _below(b, a, not strict) else None


def _below(a: Interval, b: Interval, strict: bool) -> bool:
    """Tell whether all of one interval is less than (or equal to) all of another."""
    if a[1] is None or b[0] is None:
        return False
    return a[1] < b[0] if strict else a[1] <= b[0]
