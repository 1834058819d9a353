"""Facts about symbols, and the bounds and whole numbers that follow from them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, TypeAlias

from symcount.algebra.bounds import End
from symcount.algebra.conditions import Condition, divisibility
from symcount.algebra.functions import CALLS, is_float
from symcount.algebra.poly import (
    Atom,
    Call,
    Monomial,
    Poly,
    Rational,
    Variable,
    atom,
    const,
    only_atom,
    reciprocal_of_term,
    symbol,
)
from symcount.errors import UnsupportedError

Bounds: TypeAlias = "tuple[Rational | None, Rational | None]"

# What is asked of these stays as it was asked: `bit_count(x) == 1` and not `bit_count(x) < 2`.
_LEFT_OPEN = {"bit_length": (0, None), "bit_count": (0, None), "round_digits": (None, None)}


class Facts:
    """Knowledge about the symbols: their bounds, and which polynomials divide which.

    `bounds` maps a symbol's name to its least and greatest value, `multiples` to a number that
    divides it, and `divisible` holds the pairs `(a, b)` with `a % b == 0`, `b` not constant.
    `may_be_zero` names the symbols that were declared to be 0 at least, and not 1.
    """

    def __init__(
        self,
        bounds: Mapping[str, Bounds] | None = None,
        multiples: Mapping[str, int] | None = None,
        divisible: Iterable[tuple[Poly, Poly]] = (),
        may_be_zero: Iterable[str] = (),
    ) -> None:
        self.bounds: dict[str, Bounds] = dict(bounds or {})
        self.multiples: dict[str, int] = dict(multiples or {})
        self.divisible: frozenset[tuple[Poly, Poly]] = frozenset(divisible)
        self.may_be_zero: frozenset[str] = frozenset(may_be_zero)
        self._known_bounds: dict[Atom, Bounds] = {}
        self._extended: dict[tuple[Condition, bool], Facts] = {}
        self.compared: dict[Any, Any] = {}
        """Comparisons in view of these facts, for `symcount.algebra.comparing` to remember."""

    def with_divisible(self, a: Poly, b: Poly) -> Facts:
        """These facts and `a % b == 0`."""
        divisor = b.constant
        if divisor is None:
            return self._with(divisible=self.divisible | {(a, b)})
        name = _name_of_symbol(a)
        if name is None:
            return self
        multiple = math.lcm(self.multiples.get(name, 1), int(divisor))
        return self._with(multiples={**self.multiples, name: multiple})

    def with_condition(self, condition: Condition, truth: bool) -> Facts:
        """These facts and what a condition, or its negation, says of one symbol alone."""
        known = self._extended.get((condition, truth))
        if known is None:
            known = self._extended[condition, truth] = self._with_condition(condition, truth)
        return known

    def _with_condition(self, condition: Condition, truth: bool) -> Facts:
        divides = divisibility(condition)
        if divides is not None:
            return self.with_divisible(*divides) if truth else self
        base, number = only_atom(condition.left), condition.right.constant
        if condition.op not in ("ge", "eq") or not isinstance(number, int):
            return self
        if not isinstance(base, Variable):
            return self
        name = base.name
        low, high = self.bounds.get(name, (base.least, None))
        if condition.op == "eq":
            if truth:
                low, high = number, number
        elif truth:
            low = number if low is None else max(low, number)
        else:
            high = number - 1 if high is None else min(high, number - 1)
        return self._with(bounds={**self.bounds, name: (low, high)})

    def _with(self, **changed: Any) -> Facts:
        names = ("bounds", "multiples", "divisible", "may_be_zero")
        return Facts(**{name: getattr(self, name) for name in names} | changed)

    def symbol(self, name: str, real: bool = False) -> Poly:
        """A polynomial of one symbol, as it was declared."""
        return symbol(name, real, 0 if name in self.may_be_zero else 1)

    # --- bounds ---

    def of(self, poly: Poly) -> Bounds:
        """Numbers that `poly` can never be less than, or greater than (None: unknown)."""
        low: Rational | None = 0
        high: Rational | None = 0
        for monomial, coefficient in poly.terms.items():
            a, b = self._of_monomial(monomial)
            if coefficient < 0:
                a, b = b, a
            low = None if low is None or a is None else low + a * coefficient
            high = None if high is None or b is None else high + b * coefficient
        return low, high

    def _of_monomial(self, monomial: Monomial) -> Bounds:
        low: Rational | None = 1
        high: Rational | None = 1
        for base, exponent in monomial:
            a, b = self._of_atom(base)
            if exponent < 0:
                if a is None or a <= 0:
                    return None, None
                a, b = (Fraction(0) if b is None else Fraction(1) / b), Fraction(1) / a
            if a is None or a < 0 or low is None:
                return self._of_signed(monomial)
            power = abs(exponent)
            low = low * a**power
            high = None if high is None or b is None else high * b**power
        return low, high

    def _of_signed(self, monomial: Monomial) -> Bounds:
        if len(monomial) == 1 and monomial[0][1] == 1:
            return self._of_atom(monomial[0][0])
        if all(e % 2 == 0 for _, e in monomial):
            return 0, None
        return None, None

    def _of_atom(self, base: Atom) -> Bounds:
        if base not in self._known_bounds:
            self._known_bounds[base] = self._bounds_of(base)
        return self._known_bounds[base]

    def _bounds_of(self, base: Atom) -> Bounds:
        if isinstance(base, Variable):
            low, high = self.bounds.get(base.name, (base.least, None))
            if base.real:
                return low, high
            multiple = self.multiples.get(base.name, 1)
            low = None if low is None else -(-low // multiple) * multiple
            return low, None if high is None else high // multiple * multiple
        if base.op == "mod" and base.args[1].constant != 0:
            rest, settled = self.remainder(*base.args)
            if settled and rest.constant is not None:
                return rest.constant, rest.constant
        if base.op == "floor" and self._is_quotient(base.args[0]):
            return self._of_quotient(base.args[0])
        if base.op in _LEFT_OPEN:
            return _LEFT_OPEN[base.op]
        least, most = CALLS[base.op].bounded(*map(self.of, base.args))
        return _exact(least), _exact(most)

    def _is_quotient(self, value: Poly) -> bool:
        """Tell whether a fraction is known to be whole."""
        return all(self.is_integer(m, c) for m, c in value.terms.items())

    def _of_quotient(self, value: Poly) -> Bounds:
        """Bounds of a whole number: at least one where it is positive."""
        low, high = self.of(value)
        positive = len(value.terms) == 1 and all(
            (self._of_atom(base)[0] or 0) > 0 for m in value.terms for base, _ in m
        )
        if positive and all(c > 0 for c in value.terms.values()):
            low = max(1, math.ceil(low or 0))
        return low, high

    def remainder(self, a: Poly, b: Poly) -> tuple[Poly, bool]:
        """The dividend of `a % b` without what `b` divides, and whether it is the remainder itself.

        Raises:
            UnsupportedError: `b` is zero.
        """
        divisor = b.constant
        if divisor == 0:
            raise UnsupportedError("division by zero")
        if divisor is not None and divisor > 0:
            a = self._reduced(_without_inner_mod(self._reduced(a, divisor), divisor), divisor)
        inverse = reciprocal_of_term(b)
        if inverse is not None and a != b:
            ratio = a * inverse
            kept = {m: c for m, c in ratio.terms.items() if not self.is_integer(m, c)}
            a = Poly(kept) * b
        if a == b or not a.terms or (a, b) in self.divisible:
            return const(0), True
        if divisor and a.constant is not None:
            return const(a.constant % divisor), True
        low, high = self.of(a)
        return a, low is not None and low >= 0 and high is not None and self.at_least(b, high + 1)

    def _reduced(self, a: Poly, divisor: Rational) -> Poly:
        """`a` without the multiples of `divisor` in the coefficients of its whole monomials."""
        return Poly({m: c % divisor if self.is_integer(m, 1) else c for m, c in a.terms.items()})

    def at_least(self, poly: Poly, value: Rational) -> bool:
        """Tell whether `poly >= value` is certain."""
        low, _ = self.of(poly)
        return low is not None and low >= value

    # --- integrality ---

    def is_integer(self, monomial: Monomial, coefficient: Rational) -> bool:
        """Tell whether `coefficient * monomial` is certain to be an integer."""
        divisor = coefficient.denominator
        numerators: list[Atom] = []
        denominators: list[Atom] = []
        for base, exponent in monomial:
            if is_float(base):
                return False
            (numerators if exponent > 0 else denominators).extend([base] * abs(exponent))
        for base in denominators:
            partner = next((n for n in numerators if (atom(n), atom(base)) in self.divisible), None)
            if partner is None:
                return False
            numerators.remove(partner)
        product = math.prod(
            self.multiples.get(base.name, 1) for base in numerators if isinstance(base, Variable)
        )
        return product % divisor == 0


def is_defined(base: Atom) -> bool:
    """Tell whether an atom is certain to have a value at all sizes."""
    if isinstance(base, Variable):
        return True
    row = CALLS[base.op]
    return row.total and (not row.divides or Facts().at_least(base.args[1], 1))


def _exact(end: End) -> Rational | None:
    return Fraction(end) if isinstance(end, float) else end


def _name_of_symbol(value: Poly) -> str | None:
    base = only_atom(value)
    return base.name if isinstance(base, Variable) else None


def _without_inner_mod(a: Poly, divisor: Rational) -> Poly:
    """`(x % m) % divisor` is `x % divisor` if `divisor` divides `m`."""
    for monomial, coefficient in a.terms.items():
        if len(monomial) == 1 and monomial[0][1] == 1 and isinstance(coefficient, int):
            inner = monomial[0][0]
            if isinstance(inner, Call) and inner.op == "mod":
                m = inner.args[1].constant
                if m is not None and m % divisor == 0:
                    a = a - Poly({monomial: coefficient}) + inner.args[0].scaled(coefficient)
    return a
