"""Divide integers and round down, and take remainders.

Division is Python's: it rounds towards minus infinity, and a remainder has the divisor's sign.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from symcount.algebra.choices import as_choice, choice
from symcount.algebra.facts import Facts
from symcount.algebra.functions import call
from symcount.algebra.poly import (
    Call,
    Monomial,
    Poly,
    Rational,
    atom,
    const,
    fraction,
    leading,
    reciprocal_of_term,
)
from symcount.errors import UnsupportedError


def floor(value: Poly, facts: Facts) -> Poly:
    """The greatest integer not above `value`.

    Whole terms move out of it, and `floor((floor(x) + n) / m)` is `floor((x + n) / m)`.
    """
    whole: dict[Monomial, Rational] = {}
    rest: dict[Monomial, Rational] = {}
    for monomial, coefficient in value.terms.items():
        if facts.is_integer(monomial, coefficient):
            whole[monomial] = coefficient
            continue
        if facts.is_integer(monomial, 1):
            part = math.trunc(coefficient) if monomial else math.floor(coefficient)
            whole[monomial] = part
            coefficient -= part
        rest[monomial] = coefficient
    rounded = Poly(rest)
    if rounded.constant is not None:
        return Poly(whole) + const(math.floor(rounded.constant))
    low, high = facts.of(rounded)
    if low is not None and high is not None and math.floor(low) == math.floor(high):
        return Poly(whole) + const(math.floor(low))
    top, bottom = fraction(rounded)
    is_whole = all(facts.is_integer(m, c) for m, c in top.terms.items())
    if leading(rounded) < 0 and is_whole and facts.at_least(bottom, 1):
        # of integers, floor(-a / m) is -floor((a + m - 1) / m)
        least = reciprocal_of_term(bottom)
        assert least is not None
        return Poly(whole) - floor(const(1) - rounded - least, facts)
    return Poly(whole) + atom(Call("floor", (_joined(rounded, facts),)))


def _joined(value: Poly, facts: Facts) -> Poly:
    """`floor(x)/m` in a floor's argument is `x/m`, if the other terms over `m` are whole."""
    for monomial, coefficient in value.terms.items():
        if len(monomial) != 1 or monomial[0][1] != 1 or coefficient.numerator != 1:
            continue
        inner = monomial[0][0]
        if not (isinstance(inner, Call) and inner.op == "floor"):
            continue
        m = coefficient.denominator
        others = {k: c for k, c in value.terms.items() if k != monomial}
        if all(facts.is_integer(k, c * m) for k, c in others.items()):
            return _joined(Poly(others) + inner.args[0].scaled(coefficient), facts)
    return value


def floordiv(a: Poly, b: Poly, facts: Facts) -> Poly:
    """`a // b` of integers."""
    if _is_choice_of_divisors(b, facts):
        return _for_each_choice(floordiv, a, b, facts, facts)
    if b.constant == 0:
        raise UnsupportedError("division by zero")
    inverse = reciprocal_of_term(b)
    if inverse is not None:
        return floor(a * inverse, facts)
    if a == b or not a.terms:
        return const(1 if a.terms else 0)
    return atom(Call("floordiv", (a, b)))


def mod(a: Poly, b: Poly, facts: Facts) -> Poly:
    """`a % b` of integers, with the sign of `b`."""
    if _is_choice_of_divisors(b, facts):
        return _for_each_choice(mod, a, b, facts, facts)
    rest, settled = facts.remainder(a, b)
    return rest if settled else atom(Call("mod", (rest, b)))


def bitwise(op: str, a: Poly, b: Poly, facts: Facts) -> Poly:
    """`a & b`, `a | b` or `a ^ b` of integers; the first two by a mask are arithmetic."""
    for value, mask in ((a, b), (b, a)):
        ones = mask.constant
        if ones is None or value.constant is not None or op == "xor":
            continue
        kept = _masked(value, int(ones) if op == "and" else ~int(ones), facts)
        if kept is not None:
            return kept if op == "and" else kept + mask
    return call(op, a, b)


def _masked(value: Poly, mask: int, facts: Facts) -> Poly | None:
    """`value & mask`, if the ones of the mask, or its zeros, are next to each other."""
    low = mask & -mask
    high = mask + low
    if high == 0:  # all but the last bits, or none
        return floordiv(value, const(low), facts).scaled(low) if low else const(0)
    if mask < 0:
        others = _masked(value, ~mask, facts)
        return None if others is None else value - others
    if high & (high - 1):
        return None
    return mod(value, const(high), facts) - mod(value, const(low), facts)


def _is_choice_of_divisors(value: Poly, facts: Facts) -> bool:
    """Tell whether a number is a choice, and both of its sides are certain not to be zero.

    Then what is divided by it can be divided by both, also at the sizes that take the other.
    """
    inner = as_choice(value)
    return inner is not None and all(
        _is_choice_of_divisors(side, facts) or facts.at_least(side, 1) or facts.at_least(-side, 1)
        for side in inner[1:]
    )


def _for_each_choice(
    operation: Callable[[Poly, Poly, Facts], Poly], a: Poly, b: Poly, facts: Facts, here: Facts
) -> Poly:
    """An operation whose second operand is a choice, as a choice of what it gives.

    What holds on one side only, `here`, may settle what it gives there. It does not simplify it:
    a side has to be whole wherever the choice is.
    """
    inner = as_choice(b)
    if inner is None:
        settled = operation(a, b, here)
        return operation(a, b, facts) if settled.constant is None else settled
    condition, then, otherwise = inner
    return choice(
        condition,
        _for_each_choice(operation, a, then, facts, here.with_condition(condition, True)),
        _for_each_choice(operation, a, otherwise, facts, here.with_condition(condition, False)),
    )
