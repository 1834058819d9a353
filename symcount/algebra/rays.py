"""Bounds of normal forms on a range of sizes without end."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, TypeAlias

from symcount.algebra.bounds import MOST_BITS, Bound, End, Interval, greatest, least, power
from symcount.algebra.boxes import Box
from symcount.algebra.choices import parts
from symcount.algebra.functions import CHOICES
from symcount.algebra.poly import Atom, Call, Monomial, Poly, Variable, only_atom

# More than three roundings change a double, relatively, and what is no tiny one.
_ROUNDING = Fraction(1, 2**50)
_TINY = Fraction(1, 2**1000)
# A polynomial in one symbol: coefficients by exponent. None where there is no bound of that form.
_Line: TypeAlias = "dict[int, Any]"
_Band: TypeAlias = "tuple[_Line | None, _Line | None]"


class Ray(Box):
    """A symbol that is at least `start` and has no greatest value, the others being numbers.

    Boxes say little here: of `x**2 - x` neither end is known. So each polynomial is held between
    two with rational coefficients in the symbol alone, `x/4 - 3/4 <= floor(x/4) <= x/4`. A
    polynomial whose derivatives at `start` are none of them negative is least there.
    """

    def __init__(self, ranges: Mapping[str, Interval], name: str, start: int) -> None:
        super().__init__({**ranges, name: (start, None)})
        self.name = name
        self.start = start
        self._bands: dict[Atom, _Band] = {}

    def of(self, poly: Poly) -> Interval:
        """Numbers that `poly` is never less than, or greater than (None: unknown)."""
        low, high = super().of(poly)
        if low is not None and high is not None:
            return low, high
        below, above = self._band(poly)
        if below is not None:
            low = greatest((low, None), (self._least(below), None))[0]
        if above is not None:
            most = self._least(_line_scaled(above, -1))
            high = least((None, high), (None, None if most is None else -most))[1]
        return low, high

    def _least(self, line: _Line) -> Any:
        """Bound a polynomial from below on the ray, if it never falls there."""
        start = self.start
        constant: Any = Fraction(0)
        whole: _Line = {}
        for exponent, coefficient in line.items():
            if exponent >= 0:
                whole[exponent] = coefficient
            elif coefficient < 0:
                constant += coefficient * Fraction(1, start**-exponent)
        degree = max(whole, default=0)
        for order in range(1, degree + 1):
            slope = sum(
                c * math.comb(e, order) * start ** (e - order)
                for e, c in whole.items()
                if e >= order
            )
            if slope < 0:
                return None
        return constant + sum(c * start**e for e, c in whole.items())

    def _band(self, poly: Poly) -> _Band:
        below: _Line | None = {}
        above: _Line | None = {}
        for monomial, coefficient in poly.terms.items():
            a, b = self._band_of_monomial(monomial)
            if coefficient < 0:
                a, b = b, a
            below = None if below is None or a is None else _line_sum(below, a, coefficient)
            above = None if above is None or b is None else _line_sum(above, b, coefficient)
        return below, above

    def _band_of_monomial(self, monomial: Monomial) -> _Band:
        if len(monomial) == 1 and monomial[0][1] == 1:
            return self._band_of_atom(monomial[0][0])
        below: _Line | None = {0: 1}
        above: _Line | None = {0: 1}
        for base, exponent in monomial:
            a, b = self._band_of_power_of(base, exponent)
            if a is None or below is None:
                return None, None  # the sign of a factor is not known
            below = _line_product(below, a)
            above = None if above is None or b is None else _line_product(above, b)
        return below, above

    def _band_of_power_of(self, base: Atom, exponent: int) -> _Band:
        """A factor of a product, which has to be certain not to be negative."""
        if isinstance(base, Variable) and base.name == self.name:
            return {exponent: 1}, {exponent: 1}
        low, high = self._of_atom(base)
        if exponent < 0:
            low, high = power((low, high), exponent)
            return _constant(low), _constant(high)
        below, above = self._band_of_atom(base)
        if below is None or (self._least(below) or -1) < 0:
            below = None if low is None or low < 0 else _constant(low)
        return _line_power(below, exponent), _line_power(above, exponent)

    def _band_of_atom(self, base: Atom) -> _Band:
        if base not in self._bands:
            low, high = self._of_atom(base)
            below, above = _constant(low), _constant(high)
            if isinstance(base, Variable) and base.name == self.name:
                below = above = {1: 1}
            elif isinstance(base, Call) and high is None:
                lower, upper = self._band_of_call(base)
                if lower is not None and (below is None or max(lower, default=0) > 0):
                    below = lower
                above = upper
            self._bands[base] = below, above
        return self._bands[base]

    def _band_of_call(self, base: Call) -> _Band:
        rule = _BANDS.get(base.op)
        if base.op in CHOICES:
            condition, then, otherwise = parts(base)
            truth = self.decides(condition)
            sides = [s for s, t in ((then, True), (otherwise, False)) if truth in (None, t)]
            bands = [self._band(side) for side in sides]
            return bands[0] if len(bands) == 1 else (_least_of(bands, 0), _most_of(bands, 1))
        if rule is not None:
            return rule(*map(self._band, base.args))
        if base.op == "pow":
            return self._band_of_power(*base.args), None
        return None, None

    def _band_of_power(self, powered: Poly, exponent: Poly) -> _Line | None:
        """A power of two or more: `2**(s + t) >= 2**s * (1 + t + t*(t - 1)/2)` for integers."""
        number, (least, _) = powered.constant, self.of(exponent)
        if not isinstance(number, int) or number < 2 or least is None:
            return None
        ((line, slope),) = exponent.terms.items() if len(exponent.terms) == 1 else (((), 0),)
        base = only_atom(Poly({line: 1}))
        if getattr(base, "name", None) != self.name or not isinstance(slope, int):
            return None
        if self.start * number.bit_length() > MOST_BITS:
            return None
        half = Fraction(1, 2)
        first, s = number**self.start, self.start
        grown: _Line = {0: 1 - s + half * s * (s + 1), 1: 1 - half * (2 * s + 1), 2: half}
        return _line_scaled(grown, first)


def _constant(end: End) -> _Line | None:
    return None if end is None else {0: Fraction(end)}


def _line_scaled(line: _Line, factor: Bound) -> _Line:
    return {e: c * factor for e, c in line.items()}


def _line_sum(a: _Line, b: _Line, factor: Bound = 1) -> _Line:
    return {e: a.get(e, 0) + b.get(e, 0) * factor for e in a.keys() | b.keys()}


def _line_power(line: _Line | None, exponent: int) -> _Line | None:
    return None if line is None else functools.reduce(_line_product, [line] * exponent)


def _line_product(a: _Line, b: _Line) -> _Line:
    product: _Line = {}
    for e, c in a.items():
        for f, d in b.items():
            product[e + f] = product.get(e + f, 0) + c * d
    return product


def _least_of(bands: Any, side: int) -> _Line | None:
    return _combined([band[side] for band in bands], min)


def _most_of(bands: Any, side: int) -> _Line | None:
    return _combined([band[side] for band in bands], max)


def _combined(lines: list[_Line | None], pick: Callable[..., Bound]) -> _Line | None:
    """A polynomial on one side of all: the symbol is positive, so its terms may be compared."""
    known = [line for line in lines if line is not None]
    if len(known) < len(lines):
        return None
    exponents = set().union(*known)
    return {e: pick(line.get(e, 0) for line in known) for e in exponents}


def _eventually(lines: list[_Line | None], sign: int) -> _Line | None:
    """The one of several that is the greatest in the end, or the least."""
    known = [line for line in lines if line is not None]
    exponents = sorted(set().union(*known), reverse=True)
    return max(known, key=lambda line: [sign * line.get(e, 0) for e in exponents], default=None)


def _banded(down: Bound, up: Bound = 0) -> Callable[[_Band], _Band]:
    """Widen a band by what a rounding to integers takes away at most, and adds."""

    def band(a: _Band) -> _Band:
        return (
            None if a[0] is None else _line_sum(a[0], {0: -down}),
            None if a[1] is None else _line_sum(a[1], {0: up}),
        )

    return band


def _about(a: _Band) -> _Band:
    """Exact bounds of a float step, widened by what rounding does to it.

    Nothing is said of results that may be tiny, where roundings are not relative.
    """
    below, above = a
    if below is None or not _is_positive(below):
        return None, None
    widened = None if above is None or not _is_positive(above) else above
    return (
        _line_scaled(below, 1 - _ROUNDING),
        None if widened is None else _line_scaled(widened, 1 + _ROUNDING),
    )


def _is_positive(line: _Line) -> bool:
    """Tell whether no coefficient is negative, and the sum not tiny: the symbol is at least 1."""
    return all(c >= 0 and e >= 0 for e, c in line.items()) and sum(line.values()) >= _TINY


def _band_product(a: _Band, b: _Band) -> _Band:
    if a[0] is None or b[0] is None or not (_is_positive(a[0]) and _is_positive(b[0])):
        return None, None
    above = None if a[1] is None or b[1] is None else _line_product(a[1], b[1])
    return _about((_line_product(a[0], b[0]), above))


def _band_sum(a: _Band, b: _Band) -> _Band:
    return _about(
        (
            None if a[0] is None or b[0] is None else _line_sum(a[0], b[0]),
            None if a[1] is None or b[1] is None else _line_sum(a[1], b[1]),
        )
    )


_BANDS: dict[str, Callable[..., _Band]] = {
    "floor": _banded(1),
    "trunc": _banded(1, 1),
    "floor_float": _banded(1),
    "ceil_float": _banded(0, 1),
    "round": _banded(1, 1),
    "max": lambda *args: (_eventually([a[0] for a in args], 1), _most_of(args, 1)),
    "min": lambda *args: (_least_of(args, 0), _eventually([a[1] for a in args], -1)),
    "fmul": _band_product,
    "fadd": _band_sum,
}
