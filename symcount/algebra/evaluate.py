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
from symcount.algebra.poly import Atom, Call, Poly, Variable, inside_out
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
    return _Evaluation(symbols).holds(condition)


def rational(poly: Poly, symbols: Values) -> Any:
    """The value of a polynomial, of which the exact part is an integer or a fraction."""
    return _Evaluation(symbols).rational(poly)


def number(poly: Poly, symbols: Values) -> Any:
    """A number as Python has it: a double where a float is among the atoms."""
    return _Evaluation(symbols).number(poly)


class _Evaluation:
    """Computes each call once, those within it first: they may be deeper than Python's stack.

    So both sides of a choice are computed; what the other one raises is of no consequence.
    """

    def __init__(self, symbols: Values) -> None:
        self.symbols = symbols
        self.known: dict[Call, Any] = {}

    def holds(self, condition: Condition) -> bool:
        left, right = self.number(condition.left), self.number(condition.right)
        return bool(COMPARISONS[condition.op](left, right))

    def rational(self, poly: Poly) -> Any:
        total: Any = 0
        for monomial, coefficient in poly.terms.items():
            term: Any = coefficient
            for base, exponent in monomial:
                factor = self._atom(base)
                term = term * (factor**exponent if exponent > 0 else Fraction(1, factor**-exponent))
            total = total + term
        return total

    def number(self, poly: Poly) -> Any:
        if len(poly.terms) == 1:
            ((monomial, coefficient),) = poly.terms.items()
            if len(monomial) == 1 and monomial[0][1] == 1 and abs(coefficient) == 1:
                only = self._atom(monomial[0][0])
                return only if coefficient == 1 else -only
        result = self.rational(poly)
        return int(result) if isinstance(result, Fraction) and result.denominator == 1 else result

    def _atom(self, base: Atom) -> Any:
        if isinstance(base, Variable):
            return self.symbols[base.name]
        if base not in self.known:
            for part in (*inside_out(base, self.known.__contains__), base):
                try:
                    self.known[part] = self._call(part)
                except (ArithmeticError, ValueError) as error:
                    self.known[part] = error
        result = self.known[base]
        if isinstance(result, Exception):
            raise result
        return result

    def _call(self, base: Call) -> Any:
        if base.op in CHOICES:
            condition, then, otherwise = parts(base)
            return self.number(then if self.holds(condition) else otherwise)
        return CALLS[base.op].at(*map(self.number, base.args))
