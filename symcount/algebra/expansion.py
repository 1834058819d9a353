"""Expand normal forms as one symbol goes to infinity: their leading terms, exactly.

An `Expansion` is a sum of terms of falling order and a bound of what is left out, as in
`floor(x**2/4 + x) = x**2/4 + x + O(1)`. Orders are pairs `(b, k)` that stand for `b**x * x**k`.
Coefficients are normal forms of the other symbols, which stay as they are. What is not known, such
as the sign of a coefficient on which a `max` depends, is kept as a bound, and never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

from symcount.algebra.choices import parts
from symcount.algebra.conditions import Condition, mentions
from symcount.algebra.facts import Facts
from symcount.algebra.functions import CALLS, CHOICES, DOUBLES, call, is_float
from symcount.algebra.poly import (
    Atom,
    Call,
    Monomial,
    Poly,
    Variable,
    atom,
    const,
    only_atom,
    reciprocal_of_term,
    symbol,
)
from symcount.algebra.substitution import substituted
from symcount.errors import UndecidedError

Order: TypeAlias = "tuple[Fraction, Fraction]"

CONSTANT: Order = (Fraction(1), Fraction(0))
_ROOT: Order = (Fraction(1), Fraction(1, 2))


def _order_product(a: Order, b: Order) -> Order:
    return a[0] * b[0], a[1] + b[1]


class Expansion:
    """Terms by their order, and the order of what is left out (None: nothing is)."""

    def __init__(self, terms: Mapping[Order, Poly], rest: Order | None = None) -> None:
        self.terms: dict[Order, Poly] = {
            o: c for o, c in terms.items() if c.terms and (rest is None or o > rest)
        }
        self.rest = rest

    @property
    def leading(self) -> tuple[Order, Poly] | None:
        """The first term; None if there is none, or only what is left out."""
        if not self.terms:
            return None
        order = max(self.terms)
        return order, self.terms[order]

    def __add__(self, other: Expansion) -> Expansion:
        terms = dict(self.terms)
        for order, coefficient in other.terms.items():
            terms[order] = terms.get(order, const(0)) + coefficient
        return Expansion(terms, _greater(self.rest, other.rest))

    def __neg__(self) -> Expansion:
        return Expansion({o: -c for o, c in self.terms.items()}, self.rest)

    def __mul__(self, other: Expansion) -> Expansion:
        terms: dict[Order, Poly] = {}
        for o, c in self.terms.items():
            for p, d in other.terms.items():
                order = _order_product(o, p)
                terms[order] = terms.get(order, const(0)) + c * d
        rests = [
            _order_product(a, b)
            for a, b in (
                (self.rest, other.size),
                (self.size, other.rest),
                (self.rest, other.rest),
            )
            if a is not None and b is not None
        ]
        return Expansion(terms, max(rests, default=None))

    @property
    def size(self) -> Order | None:
        """A bound of the order of the whole; None if it is zero."""
        return max(self.terms, default=self.rest)

    def common(self, other: Expansion) -> Expansion:
        """Keep what both expansions share, for a number that is one or the other."""
        rest = _greater(self.rest, other.rest)
        for order in sorted(self.terms.keys() | other.terms.keys(), reverse=True):
            if self.terms.get(order) != other.terms.get(order):
                rest = _greater(rest, order)
                break
        return Expansion(self.terms, rest)


def _greater(a: Order | None, b: Order | None) -> Order | None:
    return b if a is None else a if b is None else max(a, b)


class Expander:
    """Expands normal forms in one symbol, with what is known of the others.

    Raises:
        UndecidedError: a normal form has a part of which no expansion is known.
    """

    def __init__(self, name: str, facts: Facts) -> None:
        self.name = name
        self.facts = facts
        self._known: dict[Atom, Expansion] = {}

    def of(self, poly: Poly) -> Expansion:
        """The expansion of a polynomial."""
        total = Expansion({})
        for monomial, coefficient in poly.terms.items():
            term = Expansion({CONSTANT: const(coefficient)})
            for base, exponent in monomial:
                factor = self._of_atom(base)
                if exponent < 0:
                    factor = self._divided(Expansion({CONSTANT: const(1)}), factor)
                for _ in range(abs(exponent)):
                    term = term * factor
            total = total + term
        return total

    def sign(self, expansion: Expansion) -> int | None:
        """1, -1 or 0 if the number is positive, negative or zero in the end; None if unknown."""
        leading = expansion.leading
        if leading is None:
            return 0 if expansion.rest is None else None
        return sign(leading[1], self.facts)

    def decides(self, condition: Condition) -> bool | None:
        """Decide a condition at all large values of the symbol; None if unknown."""
        try:
            found = self.sign(self.of(condition.left) + -self.of(condition.right))
        except UndecidedError:
            return None
        if found is None:
            return None
        return {"eq": found == 0, "ge": found >= 0, "lt": found < 0, "le": found <= 0}[condition.op]

    def _of_atom(self, base: Atom) -> Expansion:
        if isinstance(base, Variable):
            if base.name == self.name:
                return Expansion({(Fraction(1), Fraction(1)): const(1)})
            return Expansion({CONSTANT: atom(base)})
        if not any(mentions(arg, self.name) for arg in base.args):
            return Expansion({CONSTANT: atom(base)})
        if base not in self._known:
            self._known[base] = self._of_call(base)
        return self._known[base]

    def _of_call(self, base: Call) -> Expansion:
        if base.op in CHOICES:
            return self._of_choice(base)
        rule: Callable[..., Expansion] | None = getattr(self, f"_{base.op}", None)
        if rule is None:
            what = (
                "is a step of float arithmetic, which rounds and ends at the largest double"
                if is_float(base) or CALLS[base.op].takes == DOUBLES
                else "has no leading term that is known"
            )
            raise UndecidedError(f"{base!r} {what}")
        return rule(*base.args)

    def _of_choice(self, base: Call) -> Expansion:
        condition, then, otherwise = parts(base)
        truth = self.decides(condition)
        if truth is None:
            return self.of(then).common(self.of(otherwise))
        return self.of(then if truth else otherwise)

    def _divided(self, a: Expansion, b: Expansion) -> Expansion:
        """The quotient: every term if the divisor is one term, else its first term."""
        leading = b.leading
        inverse = None if leading is None else reciprocal_of_term(leading[1])
        if leading is None or inverse is None or self.sign(b) is None:
            raise UndecidedError("a quotient has a divisor of which no leading term is known")
        order, _ = leading
        factor = Expansion({(1 / order[0], -order[1]): inverse})
        if len(b.terms) == 1 and b.rest is None:
            return a * factor
        following = max((o for o in b.terms if o != order), default=b.rest)
        following = _greater(following, b.rest)
        assert following is not None
        relative = following[0] / order[0], following[1] - order[1]
        return a * factor * Expansion({CONSTANT: const(1)}, relative)

    def _floor(self, value: Poly) -> Expansion:
        return self._rounded_down(self.of(value))

    def _floordiv(self, a: Poly, b: Poly) -> Expansion:
        return self._rounded_down(self._divided(self.of(a), self.of(b)))

    def _rounded_down(self, value: Expansion) -> Expansion:
        size = value.size
        if size is not None and size < CONSTANT:  # it goes to zero, from one side
            found = self.sign(value)
            if found is not None:
                return Expansion({CONSTANT: const(min(found, 0))})
        return Expansion(value.terms, _greater(value.rest, CONSTANT))

    def _mod(self, a: Poly, b: Poly) -> Expansion:
        left, right = self.of(a), self.of(b)
        if self.sign(right + -left) == 1 and self.sign(left) in (0, 1):
            return left
        return Expansion({}, right.size)

    def _max(self, *args: Poly) -> Expansion:
        return self._extreme(args, 1)

    def _min(self, *args: Poly) -> Expansion:
        return self._extreme(args, -1)

    def _extreme(self, args: Sequence[Poly], wanted: int) -> Expansion:
        best = self.of(args[0])
        for other in map(self.of, args[1:]):
            found = self.sign(other + -best)
            if found is None:
                best = best.common(other)
            elif found == wanted:
                best = other
        return best

    def _abs(self, value: Poly) -> Expansion:
        expansion = self.of(value)
        found = self.sign(expansion)
        if found is None:
            return Expansion({}, expansion.size)
        return expansion if found >= 0 else -expansion

    def _pow(self, base: Poly, exponent: Poly) -> Expansion:
        """A power of a number, whose exponent is a multiple of the symbol and what is fixed."""
        number = base.constant
        rest = Poly({m: c for m, c in exponent.terms.items() if not _is_linear(m, self.name)})
        slope = next(iter((exponent - rest).terms.values()), 0)
        known = isinstance(number, int) and number > 1 and isinstance(slope, int) and slope > 0
        if not known or mentions(rest, self.name):
            raise UndecidedError(f"{base!r}**({exponent!r}) has no leading term that is known")
        factor = call("pow", base, rest) if rest.terms else const(1)
        return Expansion({(Fraction(int(number or 1) ** int(slope)), Fraction(0)): factor})

    def _gcd(self, *args: Poly) -> Expansion:
        fixed = [a for a in args if not mentions(a, self.name)]
        if not any(self.facts.at_least(a, 1) for a in fixed):
            raise UndecidedError("a greatest common divisor has no leading term that is known")
        return Expansion({}, CONSTANT)

    def _bit_length(self, value: Poly) -> Expansion:
        size = self.of(value).size
        if size is not None and size[0] > 1:
            raise UndecidedError("the length of an exponential has no leading term that is known")
        return Expansion({}, _ROOT)  # it grows more slowly than any power

    _bit_count = _bit_length


def sign(value: Poly, facts: Facts) -> int | None:
    """1, -1 or 0 if that is the sign of a normal form at all values of its symbols."""
    if not value.terms:
        return 0
    for factor in (1, -1):
        strict = False
        for monomial, coefficient in value.terms.items():
            lows: list[Any] = [facts.of(atom(base))[0] for base, _ in monomial]
            if coefficient * factor < 0 or any(low is None or low < 0 for low in lows):
                break
            strict = strict or all(
                low > 0 or _is_real(base) for low, (base, _) in zip(lows, monomial, strict=True)
            )
        else:
            if strict:
                return factor
    for factor in (1, -1):
        if facts.at_least(value.scaled(factor), 1):
            return factor
        if is_never_negative(value.scaled(factor) - const(1), facts):
            return factor
    return None


def is_never_negative(value: Poly, facts: Facts) -> bool:
    """Tell whether a polynomial is certainly not negative at any values of its symbols.

    Written in how far each symbol is above its least value, it has no negative coefficient.
    """
    lows: dict[str, int] = {}
    for base in value.atoms():
        low = facts.of(atom(base))[0]
        if not isinstance(base, Variable) or base.real or not isinstance(low, int):
            return False
        lows[base.name] = low
    if any(exponent < 0 for monomial in value.terms for _, exponent in monomial):
        return False
    for name, low in lows.items():
        value = substituted(value, name, symbol(name) + const(low), Facts())
    return all(coefficient >= 0 for coefficient in value.terms.values())


def _is_linear(monomial: Monomial, name: str) -> bool:
    """Tell whether it is a symbol of this name, and nothing else."""
    return getattr(only_atom(Poly({monomial: 1})), "name", None) == name


def _is_real(base: Atom) -> bool:
    """Tell whether it is a real symbol, which is positive though its least value is no number."""
    return isinstance(base, Variable) and base.real
