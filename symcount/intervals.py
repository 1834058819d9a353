"""What a normal form can be on a whole range of sizes: bounds, and comparisons that they settle.

A `Box` gives each symbol a least and a greatest value, and bounds any polynomial on it. A `Ray` is
a box of one symbol that has no greatest value. Bounds hold wherever the polynomial is defined, and
tighten as the box shrinks. So what they exclude is excluded for certain, and a question about all
sizes becomes one about a few boxes (interval arithmetic: Moore, *Interval Analysis*, 1966).

Ends are exact: integers, fractions, or doubles where a float step is bounded; None is no bound.
Rounding to the nearest double keeps order (IEEE 754), so float sums, products and quotients of
bounds bound the computed ones. Of other float functions that is not certain, and nothing is said.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, TypeAlias

from symcount.algebra import CALLS, CHOICES, Atom, Call, Condition, Monomial, Poly, Symbol, is_float

Number: TypeAlias = "int | float | Fraction"
End: TypeAlias = "Number | None"
Interval: TypeAlias = "tuple[End, End]"

UNKNOWN: Interval = (None, None)
# Powers and factorials of more than this are not computed to bound anything.
_MOST_BITS = 4096
# More than three roundings change a double, relatively, and what is no tiny one.
_ROUNDING = Fraction(1, 2**50)
_TINY = Fraction(1, 2**1000)


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
            return _scaled(self._of_monomial(monomial), coefficient)
        low: Any = 0
        high: Any = 0
        for monomial, coefficient in terms.items():
            a, b = _scaled(self._of_monomial(monomial), coefficient)
            if isinstance(a, float) or isinstance(b, float):
                return UNKNOWN  # a sum of doubles is rounded; normal forms have none
            low = None if low is None or a is None else low + a
            high = None if high is None or b is None else high + b
        return low, high

    def decides(self, condition: Condition) -> bool | None:
        """What a condition is on the whole box; None if that may differ, or is not known."""
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
                factor = _power(factor, exponent)
            result = factor if result == (1, 1) else _times(result, factor)
        return result

    def _of_atom(self, base: Atom) -> Interval:
        if isinstance(base, Symbol):
            return self.ranges[base.name]
        if base not in self._known:
            self._known[base] = self._of_call(base)
        return self._known[base]

    def _of_call(self, base: Call) -> Interval:
        if base.op in CHOICES:
            left, right, then, otherwise = base.args
            truth = self.decides(Condition(base.op.removeprefix("if_"), left, right))
            sides = [s for s, t in ((then, True), (otherwise, False)) if truth in (None, t)]
            return hull(self.of(side) for side in sides) or UNKNOWN
        args = [self.of(arg) for arg in base.args]
        try:
            return _RULES.get(base.op, functools.partial(_declared, base.op))(*args)
        except (ArithmeticError, ValueError, TypeError):
            # not defined at an end of the box: nothing is said about the rest of it
            return UNKNOWN


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
    """Whether everything in one interval is less than (or equal to) everything in another."""
    if a[1] is None or b[0] is None:
        return False
    return a[1] < b[0] if strict else a[1] <= b[0]


def hull(intervals: Any) -> Interval | None:
    """The least interval around others; None if there are none."""
    result: Interval | None = None
    for low, high in intervals:
        if result is None:
            result = low, high
        else:
            result = (
                None if low is None or result[0] is None else min(low, result[0]),
                None if high is None or result[1] is None else max(high, result[1]),
            )
    return result


# --- arithmetic -------------------------------------------------------------------------------


def _scaled(a: Interval, factor: int | Fraction) -> Interval:
    if factor == 1:
        return a
    low, high = (a[1], a[0]) if factor < 0 else a
    if factor == -1:
        return None if low is None else -low, None if high is None else -high
    if isinstance(low, float) or isinstance(high, float):
        return UNKNOWN
    return None if low is None else low * factor, None if high is None else high * factor


def _times(a: Interval, b: Interval) -> Interval:
    if a[0] is not None and b[0] is not None and a[0] >= 0 and b[0] >= 0:
        if a[1] == 0 or b[1] == 0:
            return 0, 0
        return a[0] * b[0], None if a[1] is None or b[1] is None else a[1] * b[1]
    corners = [_corner(x, y) for x in _ends(a) for y in _ends(b)]
    low, high = min(corners), max(corners)
    return None if low == -math.inf else low, None if high == math.inf else high


def _ends(a: Interval) -> tuple[Number, Number]:
    return -math.inf if a[0] is None else a[0], math.inf if a[1] is None else a[1]


def _corner(x: Number, y: Number) -> Number:
    if x == 0 or y == 0:
        return 0
    if math.inf in (abs(x), abs(y)):
        return math.inf if (x > 0) is (y > 0) else -math.inf
    return x * y


def _power(a: Interval, exponent: int) -> Interval:
    if exponent == 1:
        return a
    if exponent < 0:
        low, high = _power(a, -exponent)
        if a[0] is None or a[0] <= 0 or low is None:
            return UNKNOWN
        return Fraction(0) if high is None else 1 / Fraction(high), 1 / Fraction(low)
    if a[0] is not None and a[0] >= 0:
        return a[0] ** exponent, None if a[1] is None else a[1] ** exponent
    result = a
    for _ in range(exponent - 1):
        result = _times(result, a)
    return (0, result[1]) if exponent % 2 == 0 else result


# --- the table of calls -----------------------------------------------------------------------


def _declared(op: str, *args: Interval) -> Interval:
    """The bounds of the table of the algebra; of numbers, what the call computes."""
    if all(low is not None and low == high for low, high in args):
        function = CALLS[op]
        if function.is_float or any(isinstance(low, float) for low, _ in args):
            result = function.compute(*(float(low) for low, _ in args if low is not None))
        else:
            result = function.compute(*(low for low, _ in args))
        if isinstance(result, int) or (isinstance(result, float) and math.isfinite(result)):
            return result, result
        return UNKNOWN
    low, high = CALLS[op].bounds(*args)
    return low, high


def _monotone(function: Callable[[Any], Any]) -> Callable[[Interval], Interval]:
    def bounds(a: Interval) -> Interval:
        return tuple(None if end is None else function(end) for end in a)  # type: ignore[return-value]

    return bounds


def _floordiv(a: Interval, b: Interval) -> Interval:
    if b[0] is None or b[0] <= 0:
        return UNKNOWN
    return _divided(a[0], b, up=False), _divided(a[1], b, up=True)


def _divided(a: End, b: Interval, up: bool) -> End:
    """The greatest, or the least, of `a // b` for positive `b`."""
    if a is None:
        return None
    divisor = b[0] if (a >= 0) is up else b[1]
    if divisor is None:
        return 0 if a >= 0 else -1
    return a // divisor


def _mod(a: Interval, b: Interval) -> Interval:
    if b[0] is None or b[0] <= 0:
        return UNKNOWN
    low, high = a
    if low is not None and high is not None and low // b[0] == high // b[0]:
        if b[0] == b[1]:
            return low % b[0], high % b[0]
        if low // b[0] == 0:
            return a
    ends = [end for end in (None if b[1] is None else b[1] - 1, high) if end is not None]
    below = low is not None and low >= 0
    return 0, min(ends) if below and ends else None if b[1] is None else b[1] - 1


def _max(*args: Interval) -> Interval:
    lows = [low for low, _ in args if low is not None]
    highs = [high for _, high in args if high is not None]
    return max(lows, default=None), max(highs) if len(highs) == len(args) else None


def _min(*args: Interval) -> Interval:
    lows = [low for low, _ in args if low is not None]
    highs = [high for _, high in args if high is not None]
    return min(lows) if len(lows) == len(args) else None, min(highs, default=None)


def _abs(a: Interval) -> Interval:
    if a[0] is not None and a[0] >= 0:
        return a
    low, high = _ends(a)
    most = max(-low, high)
    least = 0 if high >= 0 else -high
    return least, None if most == math.inf else most


def _pow(base: Interval, exponent: Interval) -> Interval:
    """A power of integers that are at least one, and not negative."""
    if exponent[1] is not None and exponent[1] < 0:
        return UNKNOWN  # it is no integer
    if base[0] is None or base[0] < 1 or exponent[0] is None or exponent[0] < 0:
        return _declared("pow", base, exponent)
    enough = _MOST_BITS // max(1, int(base[0]).bit_length())
    low = base[0] ** min(int(exponent[0]), enough)
    if base[1] is None or exponent[1] is None:
        return low, None
    too_large = int(base[1]).bit_length() * exponent[1] > _MOST_BITS
    return low, None if too_large else base[1] ** int(exponent[1])


def _factorial(a: Interval) -> Interval:
    if a[0] is None or a[0] < 0:
        return 1, None
    most = 200
    high = None if a[1] is None or a[1] > most else math.factorial(int(a[1]))
    return math.factorial(min(int(a[0]), most)), high


def _of_naturals(rule: Callable[..., Interval]) -> Callable[..., Interval]:
    """A rule for integers that are not negative; of others, nothing is known."""

    def bounds(*args: Interval) -> Interval:
        return rule(*args) if all(a[0] is not None and a[0] >= 0 for a in args) else UNKNOWN

    return bounds


def _sum_of_highs(*args: Interval) -> End:
    return None if any(a[1] is None for a in args) else sum(a[1] for a in args)  # type: ignore[misc]


def _gcd(*args: Interval) -> Interval:
    if all(a[0] is not None and a[0] >= 1 for a in args):
        return 1, min((a[1] for a in args if a[1] is not None), default=None)
    return 0, None


def _lcm(*args: Interval) -> Interval:
    if all(a[0] is not None and a[0] >= 1 for a in args):
        return max(a[0] for a in args), functools.reduce(_times, args)[1]  # type: ignore[type-var]
    return 0, None


def _counted(name: str) -> Callable[..., Interval]:
    """`comb` and `perm` grow with the number of things that are chosen from."""
    compute = CALLS[name].compute

    def bounds(n: Interval, k: Interval) -> Interval:
        if n[0] is None or n[0] < 0 or k[0] is None or k[0] != k[1] or k[0] > 64:
            return 0, None
        return compute(n[0], k[0]), None if n[1] is None else compute(n[1], k[0])

    return bounds


def _finite(low: Any, high: Any) -> Interval:
    def end(value: Any) -> End:
        return value if value is not None and math.isfinite(value) else None

    return end(low), end(high)


def _float(end: End) -> float | None:
    """The double nearest to an end."""
    try:
        return None if end is None else float(end)
    except OverflowError:
        return None


def _floats(rule: Callable[..., Interval]) -> Callable[..., Interval]:
    def bounds(*args: Interval) -> Interval:
        return rule(*((_float(low), _float(high)) for low, high in args))

    return bounds


def _fadd(a: Interval, b: Interval) -> Interval:
    def added(x: Any, y: Any) -> Any:
        return None if x is None or y is None else x + y

    return _finite(added(a[0], b[0]), added(a[1], b[1]))


def _fmul(a: Interval, b: Interval) -> Interval:
    if a[0] is None or b[0] is None or a[0] < 0 or b[0] < 0:
        return UNKNOWN
    return _finite(a[0] * b[0], None if a[1] is None or b[1] is None else a[1] * b[1])


def _quotient(a: Interval, b: Interval) -> Interval:
    """Of integers or of doubles: either way the double nearest to the exact quotient."""
    if a[0] is None or b[0] is None or a[0] < 0 or b[0] <= 0:
        return UNKNOWN
    return _finite(
        0.0 if b[1] is None else float(a[0] / b[1]),
        None if a[1] is None else float(a[1] / b[0]),
    )


def _rounded(function: Callable[[Any], int]) -> Callable[[Interval], Interval]:
    return _floats(_monotone(function))


_RULES: dict[str, Callable[..., Interval]] = {
    "floor": _monotone(math.floor),
    "floordiv": _floordiv,
    "mod": _mod,
    "max": _max,
    "min": _min,
    "abs": _abs,
    "pow": _pow,
    "factorial": _factorial,
    "isqrt": _of_naturals(_monotone(math.isqrt)),
    "bit_length": _of_naturals(_monotone(int.bit_length)),
    "bit_count": _of_naturals(
        lambda a: (min(1, a[0]), None if a[1] is None else int(a[1]).bit_length())
    ),
    "and": _of_naturals(lambda a, b: (0, _min(a, b)[1])),
    "or": _of_naturals(lambda a, b: (_max(a, b)[0], _sum_of_highs(a, b))),
    "xor": _of_naturals(lambda a, b: (0, _sum_of_highs(a, b))),
    "gcd": _gcd,
    "lcm": _lcm,
    "comb": _counted("comb"),
    "perm": _counted("perm"),
    "trunc": _rounded(int),
    "floor_float": _rounded(math.floor),
    "ceil_float": _rounded(math.ceil),
    "round": _rounded(round),
    "fadd": _floats(_fadd),
    "fmul": _floats(_fmul),
    "fdiv": _floats(_quotient),
    "truediv": _quotient,
    "sqrt": _floats(_of_naturals(_monotone(math.sqrt))),
}


# --- without end ------------------------------------------------------------------------------

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
            low = _max((low, None), (self._least(below), None))[0]
        if above is not None:
            most = self._least(_line_scaled(above, -1))
            high = _min((None, high), (None, None if most is None else -most))[1]
        return low, high

    def _least(self, line: _Line) -> Any:
        """What a polynomial is never less than on the ray, if it never falls there."""
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
        if isinstance(base, Symbol) and base.name == self.name:
            return {exponent: 1}, {exponent: 1}
        low, high = self._of_atom(base)
        if exponent < 0:
            low, high = _power((low, high), exponent)
            return _constant(low), _constant(high)
        below, above = self._band_of_atom(base)
        if below is None or (self._least(below) or -1) < 0:
            below = None if low is None or low < 0 else _constant(low)
        return _line_power(below, exponent), _line_power(above, exponent)

    def _band_of_atom(self, base: Atom) -> _Band:
        if base not in self._bands:
            low, high = self._of_atom(base)
            below, above = _constant(low), _constant(high)
            if isinstance(base, Symbol) and base.name == self.name:
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
            left, right, then, otherwise = base.args
            truth = self.decides(Condition(base.op.removeprefix("if_"), left, right))
            sides = [s for s, t in ((then, True), (otherwise, False)) if truth in (None, t)]
            bands = [self._band(side) for side in sides]
            return bands[0] if len(bands) == 1 else (_least_of(bands, 0), _most_of(bands, 1))
        if rule is not None:
            return rule(*map(self._band, base.args))
        if base.op == "pow":
            return self._band_of_power(*base.args), None
        return None, None

    def _band_of_power(self, base: Poly, exponent: Poly) -> _Line | None:
        """A power of two or more: `2**(s + t) >= 2**s * (1 + t + t*(t - 1)/2)` for integers."""
        number, (least, _) = base.constant, self.of(exponent)
        if not isinstance(number, int) or number < 2 or least is None:
            return None
        ((line, slope),) = exponent.terms.items() if len(exponent.terms) == 1 else ((None, 0),)
        if line != ((Symbol(self.name), 1),) or not isinstance(slope, int):
            return None
        if self.start * number.bit_length() > _MOST_BITS:
            return None
        half = Fraction(1, 2)
        first, s = number**self.start, self.start
        grown: _Line = {0: 1 - s + half * s * (s + 1), 1: 1 - half * (2 * s + 1), 2: half}
        return _line_scaled(grown, first)


def _constant(end: End) -> _Line | None:
    return None if end is None else {0: Fraction(end)}


def _line_scaled(line: _Line, factor: Number) -> _Line:
    return {e: c * factor for e, c in line.items()}


def _line_sum(a: _Line, b: _Line, factor: Number = 1) -> _Line:
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


def _combined(lines: list[_Line | None], pick: Callable[..., Number]) -> _Line | None:
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


def _banded(down: Number, up: Number = 0) -> Callable[[_Band], _Band]:
    """What a rounding to integers takes away at most, and adds."""

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
    """Whether no coefficient is negative, and the sum is not tiny: the symbol is at least 1."""
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
