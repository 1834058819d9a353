"""Evaluate normal forms at plain numbers, exactly, by interpretation: for a few points.

`symcount.algebra.python_code` compiles a function, for many. Integers are Python's own, of any
size, and float steps are the doubles Python computes.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from symcount.algebra.choices import parts
from symcount.algebra.conditions import Condition
from symcount.algebra.functions import CALLS, CHOICES
from symcount.algebra.poly import Atom, Poly, Variable
from symcount.errors import InternalError
from symcount.record import COMPARISONS
from symcount.symbols import Values


def value(poly: Poly, symbols: Values) -> int:
    """The integer `poly` stands for at these values of its symbols."""
    result = rational(poly, symbols)
    if isinstance(result, Fraction) and result.denominator == 1:
        return int(result)
    if not isinstance(result, int):
        raise InternalError(f"{poly!r} is {result} at {dict(symbols)}, which is no integer")
    return result


def holds(condition: Condition, symbols: Values) -> bool:
    """Tell whether a condition is true at these values of its symbols."""
    left, right = number(condition.left, symbols), number(condition.right, symbols)
    return bool(COMPARISONS[condition.op](left, right))


def rational(poly: Poly, symbols: Values) -> Any:
    """The value of a polynomial, of which the exact part is an integer or a fraction."""
    total: Any = 0
    for monomial, coefficient in poly.terms.items():
        term: Any = coefficient
        for base, exponent in monomial:
            factor = _atom(base, symbols)
            term = term * (factor**exponent if exponent > 0 else Fraction(1, factor**-exponent))
        total = total + term
    return total


def number(poly: Poly, symbols: Values) -> Any:
    """A number as Python has it: a double where a float is among the atoms."""
    if len(poly.terms) == 1:
        ((monomial, coefficient),) = poly.terms.items()
        if len(monomial) == 1 and monomial[0][1] == 1 and abs(coefficient) == 1:
            only = _atom(monomial[0][0], symbols)
            return only if coefficient == 1 else -only
    result = rational(poly, symbols)
    return int(result) if isinstance(result, Fraction) and result.denominator == 1 else result


def _atom(base: Atom, symbols: Values) -> Any:
    if isinstance(base, Variable):
        return symbols[base.name]
    if base.op in CHOICES:
        condition, then, otherwise = parts(base)
        return number(then if holds(condition, symbols) else otherwise, symbols)
    return CALLS[base.op].at(*(number(arg, symbols) for arg in base.args))
