"""Polynomials as sums of products within products, which take few multiplications."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TypeAlias

from symcount.algebra.poly import Atom, Monomial, Poly, Rational, simplest

# A sum of products: a coefficient, powers of atoms, and another such sum or None.
Nested: TypeAlias = "list[tuple[Rational, Monomial, Nested | None]]"


def nested(poly: Poly) -> Nested:
    """The polynomial with common factors taken out, as in Horner's rule, so with few products.

    Of integers only: the products are other ones than those of the expanded form, and doubles
    would be rounded elsewhere.
    """
    return _nested(poly.sorted_terms())


def _nested(terms: Sequence[tuple[Monomial, Rational]]) -> Nested:
    uses = Counter(base for monomial, _ in terms for base, exponent in monomial if exponent > 0)
    base, most = max(uses.items(), key=lambda use: use[1], default=(None, 0))
    if most < 2:
        return [(coefficient, monomial, None) for monomial, coefficient in terms]
    inside = [t for t in terms if any(a == base and e > 0 for a, e in t[0])]
    outside = [t for t in terms if t not in inside]
    common = _common([dict(monomial) for monomial, _ in inside])
    content = Fraction(
        math.gcd(*(c.numerator for _, c in inside)), math.lcm(*(c.denominator for _, c in inside))
    )
    quotients = [(_without(m, common), simplest(c / content)) for m, c in inside]
    factor = tuple(sorted(common.items(), key=lambda power: power[0].key))
    return [(simplest(content), factor, _nested(quotients)), *_nested(outside)]


def _common(powers: Sequence[Mapping[Atom, int]]) -> dict[Atom, int]:
    """The powers that divide all of these."""
    least = {base: min(p.get(base, 0) for p in powers) for base in powers[0]}
    return {base: exponent for base, exponent in least.items() if exponent > 0}


def _without(monomial: Monomial, divisor: Mapping[Atom, int]) -> Monomial:
    return tuple((a, e - divisor.get(a, 0)) for a, e in monomial if e != divisor.get(a, 0))


def whole_part(poly: Poly) -> tuple[Poly, Poly]:
    """The terms that are integers whatever the atoms are, and the rest."""
    whole = {m: c for m, c in poly.terms.items() if type(c) is int and all(e > 0 for _, e in m)}
    return Poly(whole), Poly({m: c for m, c in poly.terms.items() if m not in whole})
