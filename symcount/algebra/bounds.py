"""Interval arithmetic: bounds of what a function gives from bounds of its operands.

Bounds hold wherever the function is defined (Moore, *Interval Analysis*, 1966). Ends are exact:
integers, fractions, or doubles where a float step is bounded; None is no bound. Rounding to the
nearest double keeps order (IEEE 754, 4.3.1), so float sums, products and quotients of bounds bound
the computed ones; Daumas & Melquiond, *Certification of bounds on expressions involving rounded
operators*, 2010. Of other float functions that is not certain, and little is said.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, TypeAlias

Bound: TypeAlias = "int | float | Fraction"
End: TypeAlias = "Bound | None"
Interval: TypeAlias = "tuple[End, End]"
Bounding: TypeAlias = "Callable[..., Interval]"

UNKNOWN: Interval = (None, None)
# Powers and factorials of more than this are not computed to bound anything.
MOST_BITS = 4096
_LARGEST_FACTORIAL = 200
_MOST_CHOSEN = 64


# --- arithmetic -------------------------------------------------------------------------------


def scaled(a: Interval, factor: int | Fraction) -> Interval:
    """Bounds of a multiple."""
    if factor == 1:
        return a
    low, high = (a[1], a[0]) if factor < 0 else a
    if factor == -1:
        return None if low is None else -low, None if high is None else -high
    if isinstance(low, float) or isinstance(high, float):
        return UNKNOWN
    return None if low is None else low * factor, None if high is None else high * factor


def product(a: Interval, b: Interval) -> Interval:
    """Bounds of a product."""
    if a[0] is not None and b[0] is not None and a[0] >= 0 and b[0] >= 0:
        if a[1] == 0 or b[1] == 0:
            return 0, 0
        return a[0] * b[0], None if a[1] is None or b[1] is None else a[1] * b[1]
    corners = [_corner(x, y) for x in _ends(a) for y in _ends(b)]
    low, high = min(corners), max(corners)
    return None if low == -math.inf else low, None if high == math.inf else high


def _ends(a: Interval) -> tuple[Bound, Bound]:
    return -math.inf if a[0] is None else a[0], math.inf if a[1] is None else a[1]


def _corner(x: Bound, y: Bound) -> Bound:
    if x == 0 or y == 0:
        return 0
    if math.inf in (abs(x), abs(y)):
        return math.inf if (x > 0) is (y > 0) else -math.inf
    return x * y


def power(a: Interval, exponent: int) -> Interval:
    """Bounds of a power whose exponent is a number; a negative one is of the reciprocal."""
    if exponent == 1:
        return a
    if exponent < 0:
        low, high = power(a, -exponent)
        if a[0] is None or a[0] <= 0 or low is None:
            return UNKNOWN
        return Fraction(0) if high is None else 1 / Fraction(high), 1 / Fraction(low)
    if a[0] is not None and a[0] >= 0:
        return a[0] ** exponent, None if a[1] is None else a[1] ** exponent
    result = a
    for _ in range(exponent - 1):
        result = product(result, a)
    return (0, result[1]) if exponent % 2 == 0 else result


def hull(intervals: Iterable[Interval]) -> Interval | None:
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


# --- rules of one sign ------------------------------------------------------------------------


def none(*args: Interval) -> Interval:
    """Of this function, nothing is known."""
    return UNKNOWN


def not_negative(*args: Interval) -> Interval:
    """Of this function it is known that it is never negative."""
    return 0, None


def not_negative_if_all_are(*args: Interval) -> Interval:
    """Of this function it is known that it keeps the sign of what is not negative."""
    return (0, None) if all(low is not None and low >= 0 for low, _ in args) else UNKNOWN


def _of_naturals(rule: Bounding, otherwise: Interval = UNKNOWN) -> Bounding:
    """A rule for numbers that are not negative; of others, `otherwise` is known."""

    def bounds(*args: Interval) -> Interval:
        return rule(*args) if all(a[0] is not None and a[0] >= 0 for a in args) else otherwise

    return bounds


def _monotone(function: Callable[[Any], Any]) -> Callable[[Interval], Interval]:
    def bounds(a: Interval) -> Interval:
        return tuple(None if end is None else function(end) for end in a)  # type: ignore[return-value]

    return bounds


# --- integers ---------------------------------------------------------------------------------

floor: Bounding = _monotone(math.floor)


def floordiv(a: Interval, b: Interval) -> Interval:
    """Bounds of `a // b`."""
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


def mod(a: Interval, b: Interval) -> Interval:
    """Bounds of `a % b`."""
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


def greatest(*args: Interval) -> Interval:
    """Bounds of a maximum."""
    lows = [low for low, _ in args if low is not None]
    highs = [high for _, high in args if high is not None]
    return max(lows, default=None), max(highs) if len(highs) == len(args) else None


def least(*args: Interval) -> Interval:
    """Bounds of a minimum."""
    lows = [low for low, _ in args if low is not None]
    highs = [high for _, high in args if high is not None]
    return min(lows) if len(lows) == len(args) else None, min(highs, default=None)


def choice(left: Interval, right: Interval, then: Interval, otherwise: Interval) -> Interval:
    """Bounds of a choice, whichever side is taken."""
    return least(then, otherwise)[0], greatest(then, otherwise)[1]


def absolute(a: Interval) -> Interval:
    """Bounds of an absolute value."""
    if a[0] is not None and a[0] >= 0:
        return a
    low, high = _ends(a)
    most = max(-low, high)
    return 0 if high >= 0 else -high, None if most == math.inf else most


def power_of_integers(base: Interval, exponent: Interval) -> Interval:
    """Bounds of a power, where the base is at least one and the exponent is not negative."""
    if exponent[1] is not None and exponent[1] < 0:
        return UNKNOWN  # it is no integer
    if base[0] is None or base[0] < 1 or exponent[0] is None or exponent[0] < 0:
        return _sign_of_power(base, exponent)
    enough = MOST_BITS // max(1, int(base[0]).bit_length())
    low = base[0] ** min(int(exponent[0]), enough)
    if base[1] is None or exponent[1] is None:
        return low, None
    too_large = int(base[1]).bit_length() * exponent[1] > MOST_BITS
    return low, None if too_large else base[1] ** int(exponent[1])


def _sign_of_power(base: Interval, exponent: Interval) -> Interval:
    (number, _), (times, _) = base, exponent
    if number is None or number < 0:
        known = number is not None and times is not None and 0 <= times <= MOST_BITS
        if known and base[1] == number and exponent[1] == times:
            return number**times, number**times  # type: ignore[operator]
        return UNKNOWN
    return 1 if number >= 1 else 0, None


def round_digits(a: Interval, digits: Interval) -> Interval:
    """Bounds of an integer that is rounded to digits before the point."""
    number: Any = digits[0]
    if number is None or number != digits[1]:
        return UNKNOWN
    return _monotone(lambda end: round(end, number))(a)


def factorial(a: Interval) -> Interval:
    """Bounds of a factorial."""
    if a[0] is None or a[0] < 0:
        return 1, None
    high = None if a[1] is None or a[1] > _LARGEST_FACTORIAL else math.factorial(int(a[1]))
    return math.factorial(min(int(a[0]), _LARGEST_FACTORIAL)), high


isqrt: Bounding = _of_naturals(_monotone(math.isqrt), not_negative())
bit_length: Bounding = _of_naturals(_monotone(int.bit_length), not_negative())


def bit_count(a: Interval) -> Interval:
    """Bounds of how many bits of an integer are set."""
    if a[0] is None or a[0] < 0:
        return 0, None
    return min(1, a[0]), None if a[1] is None else int(a[1]).bit_length()


@_of_naturals
def bitwise_and(a: Interval, b: Interval) -> Interval:
    """Bounds of `a & b`."""
    return 0, least(a, b)[1]


@_of_naturals
def bitwise_or(a: Interval, b: Interval) -> Interval:
    """Bounds of `a | b`."""
    return greatest(a, b)[0], _sum_of_highs(a, b)


@_of_naturals
def bitwise_xor(a: Interval, b: Interval) -> Interval:
    """Bounds of `a ^ b`."""
    return 0, _sum_of_highs(a, b)


def _sum_of_highs(*args: Interval) -> End:
    return None if any(a[1] is None for a in args) else sum(a[1] for a in args)  # type: ignore[misc]


def gcd(*args: Interval) -> Interval:
    """Bounds of a greatest common divisor."""
    if all(a[0] is not None and a[0] >= 1 for a in args):
        return 1, min((a[1] for a in args if a[1] is not None), default=None)
    return 1 if any(a[0] is not None and a[0] >= 1 for a in args) else 0, None


def lcm(*args: Interval) -> Interval:
    """Bounds of a least common multiple."""
    if all(a[0] is not None and a[0] >= 1 for a in args):
        return max(a[0] for a in args), functools.reduce(product, args)[1]  # type: ignore[type-var]
    return 0, None


def grows(compute: Callable[[Any, Any], int]) -> Bounding:
    """Bounds of `comb` or `perm`, which grow with the number of things that are chosen from."""

    def bounds(n: Interval, k: Interval) -> Interval:
        if n[0] is None or n[0] < 0 or k[0] is None or k[0] != k[1] or k[0] > _MOST_CHOSEN:
            return 0, None
        return compute(n[0], k[0]), None if n[1] is None else compute(n[1], k[0])

    return bounds


# --- doubles ----------------------------------------------------------------------------------


def _of_doubles(rule: Bounding) -> Bounding:
    """A rule for doubles: it is given the doubles nearest to the ends."""

    def bounds(*args: Interval) -> Interval:
        return rule(*((_double(low), _double(high)) for low, high in args))

    return bounds


def _double(end: End) -> float | None:
    try:
        return None if end is None else float(end)
    except OverflowError:
        return None


def _finite(low: Any, high: Any) -> Interval:
    def end(value: Any) -> End:
        return value if value is not None and math.isfinite(value) else None

    return end(low), end(high)


@_of_doubles
def float_sum(a: Interval, b: Interval) -> Interval:
    """Bounds of a sum of doubles."""

    def added(x: Any, y: Any) -> Any:
        return None if x is None or y is None else x + y

    return _finite(added(a[0], b[0]), added(a[1], b[1]))


@_of_doubles
def float_product(a: Interval, b: Interval) -> Interval:
    """Bounds of a product of doubles, none of them negative."""
    if a[0] is None or b[0] is None or a[0] < 0 or b[0] < 0:
        return UNKNOWN
    return _finite(a[0] * b[0], None if a[1] is None or b[1] is None else a[1] * b[1])


def quotient(a: Interval, b: Interval) -> Interval:
    """Bounds of the double nearest to a quotient, of integers or of doubles."""
    if a[0] is None or b[0] is None or a[0] < 0 or b[0] < 0:
        return UNKNOWN
    return _finite(
        float(a[0] / b[1]) if b[1] else 0.0,
        float(a[1] / b[0]) if b[0] and a[1] is not None else None,
    )


def rounded(function: Callable[[Any], int]) -> Bounding:
    """Bounds of a double that is rounded to an integer."""
    return _of_doubles(_monotone(function))


sqrt: Bounding = _of_doubles(_of_naturals(_monotone(math.sqrt), not_negative()))


def float_power(base: Interval, exponent: Interval) -> Interval:
    """Bounds of a power of doubles."""
    if all(low is not None and low >= least for (low, _), least in ((base, 1), (exponent, 0))):
        return Fraction(1, 2), None  # it is 1 at least, and computed nearly that well
    return (0, None) if base[0] is not None and base[0] >= 0 else UNKNOWN
