"""The normal form: polynomials with exact coefficients over symbols and integer functions.

A `Poly` is a sum of terms `coefficient * product of atoms ** exponents`. Atoms are symbols
(positive integers) and calls such as `floor(dim/4)`, `max(1, ...)` or a step of float arithmetic.
Equal polynomials are equal objects in the sense of `==` and `hash`, whatever way they were made,
and that is what merges the paths of a factory.

Every rewriting here holds for all values the symbols may take. What needs more than that, such as
`floor(dim/4) = dim/4` where 4 divides `dim`, takes the knowledge as `Facts` and is used only where
the facts hold. Coefficients are rationals, exponents may be negative (`d**2/h` where `h` divides
`d`); a polynomial that stands for an integer has integer values all the same.

Float arithmetic is opaque: `fmul(dim, 0.29)` is one atom that stands for the double Python
computes. The few float operations that are exact are recognised in `symcount.lower`.
"""

from __future__ import annotations

import functools
import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import reduce
from typing import Any, TypeAlias

from symcount.errors import CountOverflowError, UnsupportedError
from symcount.graph import (
    FLOAT_FUNCTIONS,
    FLOAT_FUNCTIONS_2,
    OPERATORS,
)

Rational: TypeAlias = "int | Fraction"
Bounds: TypeAlias = "tuple[Rational | None, Rational | None]"


class Symbol:
    """A hyper-parameter: a positive integer, or a positive double if it is real.

    A name that starts with `@` is the index of a loop, which counts from 0.
    """

    __slots__ = ("key", "name", "real")

    def __init__(self, name: str, real: bool = False) -> None:
        self.name = name
        self.real = real
        self.key = (0, name)

    @property
    def least(self) -> int:
        """The least value it may have: an index of a loop (`@...`) counts from 0."""
        return 0 if self.real or self.name.startswith("@") else 1

    def __eq__(self, other: object) -> bool:
        return type(other) is Symbol and (other.name, other.real) == (self.name, self.real)

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> Any:
        return Symbol, (self.name, self.real)


class Call:
    """A function of polynomials, one of `CALLS`."""

    __slots__ = ("_hash", "args", "key", "op")

    def __init__(self, op: str, args: tuple[Poly, ...]) -> None:
        self.op = op
        self.args = args
        self.key = (1, f"{op}({', '.join(map(repr, args))})")
        self._hash = hash((op, args))

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return (
            type(other) is Call
            and other._hash == self._hash
            and other.op == self.op
            and other.args == self.args
        )

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return self.key[1]

    def __reduce__(self) -> Any:
        return Call, (self.op, self.args)


Atom: TypeAlias = "Symbol | Call"
Monomial: TypeAlias = "tuple[tuple[Atom, int], ...]"

ONE: Monomial = ()
# Powers up to this are multiplied out where an expression makes the exponent a number.
_LARGEST_EXPANDED_POWER = 17
# A power or factorial of more bits is not computed: 2**25 take about a second.
MOST_BITS = 2**25
# A double times this is less than the double, however the operands and the product are rounded.
_SURELY_LESS = 1 - Fraction(1, 2**40)


def _simplest(value: Rational) -> Rational:
    if type(value) is Fraction and value.denominator == 1:
        return value.numerator
    return value


class Poly:
    """A polynomial in normal form; immutable and hashable."""

    __slots__ = ("_atoms", "_hash", "_repr", "terms")

    def __init__(self, terms: Mapping[Monomial, Rational]) -> None:
        self.terms = {m: _simplest(c) for m, c in terms.items() if c != 0}
        self._atoms: frozenset[Atom] | None = None
        self._hash: int | None = None
        self._repr: str | None = None

    def __eq__(self, other: object) -> bool:
        return self is other or (type(other) is Poly and other.terms == self.terms)

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self.terms.items()))
        return self._hash

    def __repr__(self) -> str:
        if self._repr is None:
            self._repr = (
                " + ".join(
                    "*".join(
                        [str(c)] * (c != 1 or not m)
                        + [f"{a!r}**{e}" if e != 1 else repr(a) for a, e in m]
                    )
                    for m, c in self.sorted_terms()
                )
                or "0"
            )
        return self._repr

    def __reduce__(self) -> Any:
        return Poly, (self.terms,)

    def sorted_terms(self) -> list[tuple[Monomial, Rational]]:
        """The terms in a fixed order: highest degree first, then by name."""
        return sorted(self.terms.items(), key=lambda term: _order(term[0]))

    @property
    def constant(self) -> Rational | None:
        """The value, if it is a constant."""
        if not self.terms:
            return 0
        if len(self.terms) == 1 and ONE in self.terms:
            return self.terms[ONE]
        return None

    def __add__(self, other: Poly) -> Poly:
        terms = dict(self.terms)
        for monomial, coefficient in other.terms.items():
            terms[monomial] = terms.get(monomial, 0) + coefficient
        return Poly(terms)

    def __neg__(self) -> Poly:
        return Poly({m: -c for m, c in self.terms.items()})

    def __sub__(self, other: Poly) -> Poly:
        return self + -other

    def __mul__(self, other: Poly) -> Poly:
        terms: dict[Monomial, Rational] = {}
        for a, x in self.terms.items():
            for b, y in other.terms.items():
                monomial = _times(a, b)
                terms[monomial] = terms.get(monomial, 0) + x * y
        return Poly(terms)

    def scaled(self, factor: Rational) -> Poly:
        """The polynomial times a number."""
        return Poly({m: c * factor for m, c in self.terms.items()})

    def __pow__(self, exponent: int) -> Poly:
        result = const(1)
        for _ in range(exponent):
            result = result * self
        return result

    def atoms(self) -> frozenset[Atom]:
        """All atoms, those inside calls included."""
        if self._atoms is None:
            top = {atom for monomial in self.terms for atom, _ in monomial}
            inside = (arg.atoms() for atom in top if isinstance(atom, Call) for arg in atom.args)
            self._atoms = frozenset(top.union(*inside))
        return self._atoms

    @property
    def denominator(self) -> int:
        """The least common denominator of the coefficients."""
        return math.lcm(*(c.denominator for c in self.terms.values()))


def _order(monomial: Monomial) -> Any:
    return (-sum(e for _, e in monomial), [(a.key, -e) for a, e in monomial])


def _times(a: Monomial, b: Monomial) -> Monomial:
    if not a:
        return b
    if not b:
        return a
    powers = dict(a)
    for atom, exponent in b:
        powers[atom] = powers.get(atom, 0) + exponent
    return tuple(sorted(((x, e) for x, e in powers.items() if e), key=lambda p: p[0].key))


def const(value: Rational) -> Poly:
    """A constant."""
    return Poly({ONE: value})


def atom(value: Atom) -> Poly:
    """A polynomial of one atom."""
    return Poly({((value, 1),): 1})


def symbol(name: str, real: bool = False) -> Poly:
    """A polynomial of one symbol."""
    return atom(Symbol(name, real))


def is_float(base: Atom) -> bool:
    """Whether an atom is a double, with which no exact arithmetic is to be done."""
    return base.real if isinstance(base, Symbol) else CALLS[base.op].is_float


# --- facts ------------------------------------------------------------------------------------


class Facts:
    """What is known of the symbols: their bounds, and which polynomials divide which.

    `bounds` maps a symbol's name to its least and greatest value, `multiples` to a number that
    divides it, and `divisible` holds the pairs `(a, b)` with `a % b == 0`, `b` not constant.
    """

    def __init__(
        self,
        bounds: Mapping[str, Bounds] | None = None,
        multiples: Mapping[str, int] | None = None,
        divisible: Iterable[tuple[Poly, Poly]] = (),
    ) -> None:
        self.bounds = dict(bounds or {})
        self.multiples = dict(multiples or {})
        self.divisible = frozenset(divisible)
        self._known_bounds: dict[Atom, Bounds] = {}

    def with_divisible(self, a: Poly, b: Poly) -> Facts:
        """These facts and `a % b == 0`."""
        divisor = b.constant
        if divisor is None:
            return Facts(self.bounds, self.multiples, self.divisible | {(a, b)})
        name = _name_of_symbol(a)
        if name is None:
            return self
        multiple = math.lcm(self.multiples.get(name, 1), int(divisor))
        return Facts(self.bounds, {**self.multiples, name: multiple}, self.divisible)

    def with_condition(self, condition: Condition, truth: bool) -> Facts:
        """These facts and what a condition, or its negation, says of one symbol alone."""
        divides = divisibility(condition)
        if divides is not None:
            return self.with_divisible(*divides) if truth else self
        base, number = only_atom(condition.left), condition.right.constant
        if condition.op not in ("ge", "eq") or not isinstance(number, int):
            return self
        if not isinstance(base, Symbol):
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
        return Facts({**self.bounds, name: (low, high)}, self.multiples, self.divisible)

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
        if isinstance(base, Symbol):
            low, high = self.bounds.get(base.name, (base.least, None))
            if base.real:
                return low, high
            multiple = self.multiples.get(base.name, 1)
            low = None if low is None else -(-low // multiple) * multiple
            return low, None if high is None else high // multiple * multiple
        if base.op == "mod":
            known = mod(base.args[0], base.args[1], self).constant
            if known is not None:
                return known, known
        if base.op == "floor" and self._is_quotient(base.args[0]):
            return self._of_quotient(base.args[0])
        return CALLS[base.op].bounds(*map(self.of, base.args))

    def _is_quotient(self, value: Poly) -> bool:
        """Whether a fraction is known to be whole."""
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

    def at_least(self, poly: Poly, value: Rational) -> bool:
        """Whether `poly >= value` is certain."""
        low, _ = self.of(poly)
        return low is not None and low >= value

    # --- integrality ---

    def is_integer(self, monomial: Monomial, coefficient: Rational) -> bool:
        """Whether `coefficient * monomial` is certain to be an integer."""
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
            self.multiples.get(base.name, 1) for base in numerators if isinstance(base, Symbol)
        )
        return product % divisor == 0


def fraction(value: Poly) -> tuple[Poly, Poly]:
    """A numerator and a denominator, both without fractions and negative exponents."""
    powers: dict[Atom, int] = {}
    for monomial in value.terms:
        for base, exponent in monomial:
            if exponent < 0:
                powers[base] = max(powers.get(base, 0), -exponent)
    monomial = tuple(sorted(powers.items(), key=lambda p: p[0].key))
    denominator = Poly({monomial: value.denominator})
    return value * denominator, denominator


# --- integer functions ------------------------------------------------------------------------


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
    fraction = Poly(rest)
    if fraction.constant is not None:
        return Poly(whole) + const(math.floor(fraction.constant))
    low, high = facts.of(fraction)
    if low is not None and high is not None and math.floor(low) == math.floor(high):
        return Poly(whole) + const(math.floor(low))
    divisor = fraction.denominator
    if _leading(fraction) < 0 and all(facts.is_integer(m, c * divisor) for m, c in rest.items()):
        # of integers, floor(-a / m) is -floor((a + m - 1) / m)
        up = -fraction + const(Fraction(divisor - 1, divisor))
        return Poly(whole) - floor(up, facts)
    return Poly(whole) + atom(Call("floor", (_joined(fraction, facts),)))


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


def reciprocal_of_term(value: Poly) -> Poly | None:
    """One over a polynomial, if it is a single term."""
    if len(value.terms) != 1:
        return None
    ((monomial, coefficient),) = value.terms.items()
    return Poly({tuple((a, -e) for a, e in monomial): Fraction(1) / coefficient})


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
    if b.constant == 0:
        raise UnsupportedError("division by zero")
    divisor = b.constant
    if divisor is not None and divisor > 0:
        a = _reduced(_without_inner_mod(_reduced(a, divisor, facts), divisor), divisor, facts)
    if a == b:
        return const(0)
    inverse = reciprocal_of_term(b)
    if inverse is not None:
        ratio = a * inverse
        kept = {m: c for m, c in ratio.terms.items() if not facts.is_integer(m, c)}
        a = Poly(kept) * b
    if not a.terms or (a, b) in facts.divisible:
        return const(0)
    if divisor and a.constant is not None:
        return const(a.constant % divisor)
    low, high = facts.of(a)
    below = high is not None and facts.at_least(b, high + 1)
    if low is not None and low >= 0 and below:
        return a
    return atom(Call("mod", (a, b)))


def _reduced(a: Poly, divisor: Rational, facts: Facts) -> Poly:
    """`a` without the multiples of `divisor` in the coefficients of its whole monomials."""
    return Poly({m: c % divisor if facts.is_integer(m, 1) else c for m, c in a.terms.items()})


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


def _extremum(op: str, args: Iterable[Poly], facts: Facts) -> Poly:
    sign = 1 if op == "max" else -1
    flat: list[Poly] = []
    for arg in args:
        inner = only_atom(arg)
        flat.extend(inner.args if isinstance(inner, Call) and inner.op == op else [arg])
    kept: list[Poly] = []
    for index, arg in enumerate(flat):
        others = kept + flat[index + 1 :]
        if not any(facts.at_least((other - arg).scaled(sign), 0) for other in others):
            kept.append(arg)
    if len(kept) == 1:
        return kept[0]
    return atom(Call(op, tuple(sorted(kept, key=repr))))


def chosen(op: str, left: Poly, right: Poly, then: Poly, otherwise: Poly, facts: Facts) -> Poly:
    """The integer `then` where `left op right` holds, else `otherwise`."""
    if then == otherwise:
        return then
    condition, polarity = compare(op, left, right, facts)
    if condition is None:
        return then if polarity else otherwise
    if not polarity:
        then, otherwise = otherwise, then
    return choice(condition, then, otherwise)


def choice(condition: Condition, then: Poly, otherwise: Poly) -> Poly:
    """`then` where a condition holds, else `otherwise`."""
    then = _assuming(condition, True, then)
    otherwise = _assuming(condition, False, otherwise)
    if then == otherwise:
        return then
    return atom(Call(f"if_{condition.op}", (condition.left, condition.right, then, otherwise)))


def as_choice(value: Poly) -> tuple[Condition, Poly, Poly] | None:
    """The condition and both sides, if `value` is a choice and nothing else."""
    base = only_atom(value)
    if not isinstance(base, Call) or base.op not in CHOICES:
        return None
    left, right, then, otherwise = base.args
    return Condition(base.op.removeprefix("if_"), left, right), then, otherwise


def sides(
    value: Poly, decisions: tuple[tuple[Condition, bool], ...] = ()
) -> Iterator[tuple[tuple[Condition, bool], ...]]:
    """What is decided on each side of a choice, those that are choices taken apart as well."""
    inner = as_choice(value)
    if inner is None:
        yield decisions
        return
    condition, then, otherwise = inner
    yield from sides(then, (*decisions, (condition, True)))
    yield from sides(otherwise, (*decisions, (condition, False)))


def _assuming(condition: Condition, truth: bool, value: Poly) -> Poly:
    """A side of a choice without the choices that its condition settles."""
    inner = as_choice(value)
    if inner is None:
        return value
    other, then, otherwise = inner
    if implies(condition, truth, other, True):
        return _assuming(condition, truth, then)
    if implies(condition, truth, other, False):
        return _assuming(condition, truth, otherwise)
    return value


def _is_choice_of_divisors(value: Poly, facts: Facts) -> bool:
    """Whether a number is a choice, and both of its sides are certain not to be zero.

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


def choices_in(values: Iterable[Poly]) -> list[Condition]:
    """The conditions of all choices in polynomials, those that others depend on first."""
    found: dict[Condition, None] = {}
    seen: set[Atom] = set()

    def visit(value: Poly) -> None:
        for base in _top_atoms(value) - seen:
            seen.add(base)
            if isinstance(base, Call):
                for arg in base.args:
                    visit(arg)
                if base.op in CHOICES:
                    found[Condition(base.op.removeprefix("if_"), *base.args[:2])] = None

    for value in values:
        visit(value)
    return list(found)


def decided(value: Poly, condition: Condition, truth: bool, facts: Facts) -> Poly:
    """The polynomial with the choices that a condition settles made."""

    def replace(base: Atom) -> Poly:
        if isinstance(base, Symbol) or not choices_in([atom(base)]):
            return atom(base)
        if base.op in CHOICES:
            test = Condition(base.op.removeprefix("if_"), *base.args[:2])
            for outcome, side in ((True, base.args[2]), (False, base.args[3])):
                if implies(condition, truth, test, outcome):
                    return _rebuilt(side, replace)
        return _remade(base, [_rebuilt(arg, replace) for arg in base.args], facts)

    return _rebuilt(value, replace)


def substituted(value: Poly, name: str, replacement: Poly, facts: Facts) -> Poly:
    """The polynomial with another in the place of a symbol, in normal form under `facts`.

    Raises:
        UnsupportedError: the symbol is in a denominator, and the replacement has several terms.
    """

    def replace(base: Atom) -> Poly:
        if isinstance(base, Symbol):
            return replacement if base.name == name else atom(base)
        if not any(mentions(arg, name) for arg in base.args):
            return atom(base)
        return _remade(base, [_rebuilt(arg, replace) for arg in base.args], facts)

    return _rebuilt(value, replace)


def composed(value: Poly, replacements: Mapping[str, Poly], facts: Facts) -> Poly:
    """The polynomial with others in the place of symbols, all at once; it never fails.

    A sum in a denominator becomes an atom, and what cannot be computed, such as a division by
    zero, stays a call that fails where it is evaluated. A divisor may still cancel: that those in
    `divisors` are not zero is for the caller to see to.
    """
    if not any(isinstance(a, Symbol) and a.name in replacements for a in value.atoms()):
        return value

    def replace(base: Atom) -> Poly:
        if isinstance(base, Symbol):
            return replacements.get(base.name, atom(base))
        args = [composed(arg, replacements, facts) for arg in base.args]
        if base.op in _COMMUTATIVE:
            args.sort(key=repr)
        if args == list(base.args):
            return atom(base)
        try:
            if base.op in CHOICES:
                return _chosen(base.op.removeprefix("if_"), args, facts)
            if base.op == "pow" and args[1].constant in range(_LARGEST_EXPANDED_POWER):
                return args[0] ** int(args[1].constant or 0)
            return _remade(base, args, facts)
        except (ArithmeticError, ValueError, UnsupportedError):
            return atom(Call(base.op, tuple(args)))

    return _rebuilt(value, replace, reciprocal)


def _chosen(op: str, args: Sequence[Poly], facts: Facts) -> Poly:
    left, right, then, otherwise = args
    condition, polarity = compare_any(op, left, right, facts)
    if not polarity:
        then, otherwise = otherwise, then
    return then if condition is None else choice(condition, then, otherwise)


def reciprocal(value: Poly) -> Poly:
    """One over an integer; over a sum it is one over an atom, `floor(sum)`, which is the sum."""
    inverse = reciprocal_of_term(value)
    return Poly({((Call("floor", (value,)), -1),): 1}) if inverse is None else inverse


def divisors(value: Poly) -> Iterator[Poly]:
    """All that is divided by in a polynomial, inside calls too; symbols are left out."""
    for monomial in value.terms:
        for base, exponent in monomial:
            if isinstance(base, Symbol):
                continue
            if exponent < 0:
                yield atom(base)
            if base.op in _DIVISIONS:
                yield base.args[1]
            for arg in base.args:
                yield from divisors(arg)


def _modelled_reciprocal(value: Poly) -> Poly:
    inverse = reciprocal_of_term(value)
    if inverse is None:
        raise UnsupportedError(f"1 / ({value!r}) is not modelled")
    return inverse


def _rebuilt(
    value: Poly,
    replace: Callable[[Atom], Poly],
    inverse: Callable[[Poly], Poly] = _modelled_reciprocal,
) -> Poly:
    """The polynomial with something else in the place of each atom."""
    result = const(0)
    for monomial, coefficient in value.terms.items():
        term = const(coefficient)
        for base, exponent in monomial:
            factor = replace(base)
            term = term * (inverse(factor) if exponent < 0 else factor) ** abs(exponent)
        result = result + term
    return result


def _remade(base: Call, args: Sequence[Poly], facts: Facts) -> Poly:
    """A call with other arguments, in normal form."""
    if base.op in ("max", "min"):
        return _extremum(base.op, args, facts)
    if base.op in _SIMPLIFIED:
        return _SIMPLIFIED[base.op](*args, facts)
    return call(base.op, *args)


def only_atom(value: Poly) -> Atom | None:
    """The atom, if `value` is one atom and nothing else."""
    if len(value.terms) == 1:
        ((monomial, coefficient),) = value.terms.items()
        if coefficient == 1 and len(monomial) == 1 and monomial[0][1] == 1:
            return monomial[0][0]
    return None


def maximum(args: Iterable[Poly], facts: Facts) -> Poly:
    """The greatest of integers; what can never be it is left out."""
    return _extremum("max", args, facts)


def minimum(args: Iterable[Poly], facts: Facts) -> Poly:
    """The least of integers; what can never be it is left out."""
    return _extremum("min", args, facts)


def _power(base: Poly, exponent: Poly, facts: Facts) -> Poly:
    """A power, `2**(n - 1)` as `2**n / 2`, so that terms that are alike add up."""
    number, offset = base.constant, exponent.terms.get(ONE, 0)
    rest = exponent - const(offset)
    if not (isinstance(number, int) and number > 0 and isinstance(offset, int)) or not rest.terms:
        return call("pow", base, exponent)
    return call("pow", base, rest).scaled(Fraction(number) ** offset)


_SIMPLIFIED: dict[str, Callable[..., Poly]] = {
    "floor": floor,
    "floordiv": floordiv,
    "mod": mod,
    "pow": _power,
    **{f"if_{op}": functools.partial(chosen, op) for op in ("eq", "ge", "lt", "le")},
}
CHOICES = frozenset(op for op in _SIMPLIFIED if op.startswith("if_"))
_COMMUTATIVE = frozenset(["and", "or", "xor", "gcd", "lcm", "fadd", "fmul"])
_DIVISIONS = frozenset(["floordiv", "mod", "truediv", "fdiv", "ffloordiv", "fmod_py"])


# --- the table of calls -----------------------------------------------------------------------


def _no_bounds(*args: Bounds) -> Bounds:
    return None, None


class Function:
    """One row of `CALLS`: what a call computes, its bounds, and whether it is a float."""

    def __init__(
        self,
        compute: Callable[..., Any],
        bounds: Callable[..., Bounds] = _no_bounds,
        is_float: bool = False,
    ) -> None:
        self.compute = compute
        self.bounds = bounds
        self.is_float = is_float


def _floor_bounds(a: Bounds) -> Bounds:
    low, high = a
    return (
        None if low is None else math.floor(low),
        None if high is None else math.floor(high),
    )


def _floordiv_bounds(a: Bounds, b: Bounds) -> Bounds:
    if a[0] is not None and a[0] >= 0 and b[0] is not None and b[0] > 0:
        return 0, None if a[1] is None else a[1] // b[0]
    return None, None


def _mod_bounds(a: Bounds, b: Bounds) -> Bounds:
    if b[0] is not None and b[0] > 0:
        return 0, None if b[1] is None else b[1] - 1
    return None, None


def _max_bounds(*args: Bounds) -> Bounds:
    lows = [low for low, _ in args if low is not None]
    highs = [high for _, high in args if high is not None]
    return max(lows, default=None), max(highs) if len(highs) == len(args) else None


def _min_bounds(*args: Bounds) -> Bounds:
    lows = [low for low, _ in args if low is not None]
    highs = [high for _, high in args if high is not None]
    return min(lows) if len(lows) == len(args) else None, min(highs, default=None)


def _nonnegative_bounds(*args: Bounds) -> Bounds:
    return 0, None


def _nonnegative_if_all_are(*args: Bounds) -> Bounds:
    if all(low is not None and low >= 0 for low, _ in args):
        return 0, None
    return None, None


def _choice_bounds(left: Bounds, right: Bounds, then: Bounds, otherwise: Bounds) -> Bounds:
    return _min_bounds(then, otherwise)[0], _max_bounds(then, otherwise)[1]


def _power_bounds(base: Bounds, exponent: Bounds) -> Bounds:
    if base[0] is not None and base[0] >= 1:
        return 1, None
    return _nonnegative_if_all_are(base)


def _bitwise_and_bounds(a: Bounds, b: Bounds) -> Bounds:
    if a[0] is not None and b[0] is not None and a[0] >= 0 and b[0] >= 0:
        highs = [high for high in (a[1], b[1]) if high is not None]
        return 0, min(highs, default=None)
    return None, None


def _gcd_bounds(*args: Bounds) -> Bounds:
    return 1 if any(low is not None and low >= 1 for low, _ in args) else 0, None


def _lcm_bounds(*args: Bounds) -> Bounds:
    return 1 if all(low is not None and low >= 1 for low, _ in args) else 0, None


def _float_power_bounds(base: Bounds, exponent: Bounds) -> Bounds:
    if all(low is not None and low >= least for (low, _), least in ((base, 1), (exponent, 0))):
        return Fraction(1, 2), None  # it is 1 at least, and computed nearly that well
    return _nonnegative_if_first_is(base)


def _nonnegative_if_first_is(base: Bounds, *others: Bounds) -> Bounds:
    return 0 if base[0] is not None and base[0] >= 0 else None, None


def _sqrt_bounds(a: Bounds) -> Bounds:
    # Square roots are correctly rounded, so they are monotone, and that of 1 is 1.
    return 1 if a[0] is not None and a[0] >= 1 else 0, None


def _integer_power(base: int, exponent: int) -> Any:
    """A power of integers that is one; Python gives a double where the exponent is negative."""
    if exponent < 0:
        raise ValueError("a negative power of an integer is no integer")
    _require_size(exponent * base.bit_length())
    return base**exponent


def _factorial(number: int) -> int:
    _require_size(number * number.bit_length())
    return math.factorial(number)


def _combinations(total: int, chosen: int) -> int:
    _require_size(min(chosen, total - chosen) * total.bit_length())
    return math.comb(total, chosen)


def _permutations(total: int, chosen: int) -> int:
    _require_size(min(chosen, total) * total.bit_length())
    return math.perm(total, chosen)


def _rounded_to_digits(number: int, digits: int) -> int:
    return 0 if -digits > number.bit_length() else round(number, digits)


def _require_size(bits: int) -> None:
    """Raise for an integer that would take more time and memory than any question is worth."""
    if bits > MOST_BITS:
        raise CountOverflowError(
            f"a power or factorial of more than {MOST_BITS:,} bits is not computed; ask at smaller "
            "sizes"
        )


def _round_to_digits(a: float, digits: float) -> float:
    return round(a, int(digits))


_FLOAT_BOUNDS: dict[str, Callable[..., Bounds]] = {
    "sqrt": _sqrt_bounds,
    "exp": _nonnegative_bounds,
    "fabs": _nonnegative_bounds,
}

CALLS: dict[str, Function] = {
    # integers
    "floor": Function(math.floor, _floor_bounds),
    "floordiv": Function(operator.floordiv, _floordiv_bounds),
    "mod": Function(operator.mod, _mod_bounds),
    "max": Function(max, _max_bounds),
    "min": Function(min, _min_bounds),
    "abs": Function(abs, _nonnegative_bounds),
    "pow": Function(_integer_power, _power_bounds),
    "and": Function(operator.and_, _bitwise_and_bounds),
    "or": Function(operator.or_, _nonnegative_if_all_are),
    "xor": Function(operator.xor, _nonnegative_if_all_are),
    "round_digits": Function(_rounded_to_digits),
    "isqrt": Function(math.isqrt, _nonnegative_bounds),
    "factorial": Function(_factorial, lambda a: (1, None)),
    "bit_length": Function(OPERATORS["bit_length"], _nonnegative_bounds),
    "bit_count": Function(OPERATORS["bit_count"], _nonnegative_bounds),
    "gcd": Function(math.gcd, _gcd_bounds),
    "lcm": Function(math.lcm, _lcm_bounds),
    "comb": Function(_combinations, _nonnegative_bounds),
    "perm": Function(_permutations, _nonnegative_bounds),
    **{op: Function(OPERATORS[op], _choice_bounds) for op in CHOICES},
    # integers made of floats
    "trunc": Function(int, _nonnegative_if_all_are),
    "floor_float": Function(math.floor, _nonnegative_if_all_are),
    "ceil_float": Function(math.ceil, _nonnegative_if_all_are),
    "round": Function(round, _nonnegative_if_all_are),
    # floats, each the double that Python computes
    "fadd": Function(operator.add, _nonnegative_if_all_are, is_float=True),
    "fmul": Function(operator.mul, _nonnegative_if_all_are, is_float=True),
    "truediv": Function(operator.truediv, _nonnegative_if_all_are, is_float=True),
    "fdiv": Function(operator.truediv, _nonnegative_if_all_are, is_float=True),
    "ffloordiv": Function(operator.floordiv, _nonnegative_if_all_are, is_float=True),
    "fmod_py": Function(operator.mod, is_float=True),
    "fpow": Function(OPERATORS["pow"], _float_power_bounds, is_float=True),
    "fabs_py": Function(abs, _nonnegative_bounds, is_float=True),
    "fround": Function(_round_to_digits, is_float=True),
    "hypot": Function(math.hypot, _nonnegative_bounds, is_float=True),
    "math_pow": Function(math.pow, _float_power_bounds, is_float=True),
    "log_base": Function(math.log, is_float=True),
    **{name: Function(OPERATORS[name], is_float=True) for name in FLOAT_FUNCTIONS_2},
    **{
        name: Function(
            OPERATORS[name],
            _FLOAT_BOUNDS.get(name, _no_bounds),
            is_float=True,
        )
        for name in FLOAT_FUNCTIONS
    },
}


def call(op: str, *args: Poly) -> Poly:
    """A call as a polynomial; of constants, its value."""
    values = [arg.constant for arg in args]
    if all(v is not None for v in values):
        function = CALLS[op]
        floats = function.is_float or op in ("trunc", "floor_float", "ceil_float", "round")
        native = [_native(v, floats and op != "truediv") for v in values if v is not None]
        # a power is exact where it is no integer, too
        exact = op == "pow"
        result = Fraction(native[0]) ** native[1] if exact else function.compute(*native)
        if isinstance(result, float) and not math.isfinite(result):
            raise UnsupportedError(f"{op} gave {result}")
        return const(Fraction(result))
    return atom(Call(op, args))


def _native(value: Rational, as_float: bool) -> int | float:
    if isinstance(value, int):
        return float(value) if as_float else value
    return value.numerator / value.denominator


# --- conditions -------------------------------------------------------------------------------


class Condition:
    """A comparison in normal form: `left op right` with op one of eq, ge (integers) or lt, le.

    Of a comparison and its negation, one is a `Condition` and the other its being false.
    """

    __slots__ = ("_hash", "left", "op", "right")

    def __init__(self, op: str, left: Poly, right: Poly) -> None:
        self.op = op
        self.left = left
        self.right = right
        self._hash = hash((op, left, right))

    def __eq__(self, other: object) -> bool:
        return (
            type(other) is Condition
            and other._hash == self._hash
            and (other.op, other.left, other.right) == (self.op, self.left, self.right)
        )

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"{self.left!r} {self.op} {self.right!r}"

    def __reduce__(self) -> Any:
        return Condition, (self.op, self.left, self.right)

    def atoms(self) -> frozenset[Atom]:
        """All atoms of both sides."""
        return self.left.atoms() | self.right.atoms()


def implies(condition: Condition, truth: bool, consequence: Condition, its_truth: bool) -> bool:
    """Whether one condition on a number says enough of another on the same; False if unsure."""
    if condition == consequence:
        return truth is its_truth
    one, other = divisibility(condition), divisibility(consequence)
    if one is not None and other is not None:
        divisors = one[1].constant, other[1].constant
        return (
            one[0] == other[0]
            and truth
            and its_truth
            and isinstance(divisors[0], int)
            and isinstance(divisors[1], int)
            and divisors[0] % divisors[1] == 0
        )
    here, there = condition.right.constant, consequence.right.constant
    if condition.left != consequence.left or here is None or there is None:
        return False
    match (condition.op, truth, consequence.op, its_truth):
        case ("ge", True, "ge", True):
            return here >= there
        case ("ge", False, "ge", False):
            return here <= there
        case ("ge", True, "eq", False):
            return here > there
        case ("ge", False, "eq", False):
            return here <= there
        case ("eq", True, "ge", _):
            return (here >= there) is its_truth
        case ("eq", True, "eq", False):
            return here != there
    return False


def compare(op: str, a: Poly, b: Poly, facts: Facts) -> tuple[Condition | None, bool]:
    """The comparison `a op b` in normal form.

    Returns (condition, polarity): the comparison holds where the condition's truth is `polarity`.
    Without a condition, it holds always (`polarity` True) or never.
    """
    if op in ("ne", "gt", "ge"):
        condition, polarity = compare({"ne": "eq", "gt": "le", "ge": "lt"}[op], a, b, facts)
        return condition, not polarity
    difference = a - b
    if difference.constant is not None:
        return None, {"eq": operator.eq, "lt": operator.lt, "le": operator.le}[op](
            difference.constant, 0
        )
    low, high = facts.of(difference)
    if low == high == 0:
        return None, op != "lt"
    if low is not None and (low > 0 or (low == 0 and op == "lt")):
        return None, False
    if high is not None and (high < 0 or (high == 0 and op == "le")):
        return None, op != "eq"
    root = only_atom(a)
    if isinstance(root, Call) and root.op == "sqrt" and b.constant == 0 and op == "eq":
        return compare("eq", root.args[0], b, facts)  # only the root of zero is zero
    by_sides = _compared_by_sides(op, a, b, facts)
    if by_sides is not None:
        return by_sides
    if any(map(is_float, _top_atoms(difference))):
        if op == "lt" and _is_less_than_share(b, a, facts):
            return None, False
        return Condition(op, a, b), True
    if op == "eq":
        return _equation(difference, facts)
    # a < b is not (a - b >= 0); a <= b is b - a >= 0
    if op == "lt":
        condition, polarity = _inequality(difference)
        return condition, not polarity
    return _inequality(-difference)


def compare_any(op: str, a: Poly, b: Poly, facts: Facts) -> tuple[Condition | None, bool]:
    """`compare` of numbers that are not known to be sums of integers, such as `a/x + b/x`.

    These are left as they are, since what is tightened for integers is wrong for fractions.
    """
    difference = a - b
    if (
        difference.constant is not None
        or any(map(is_float, _top_atoms(difference)))
        or all(facts.is_integer(monomial, 1) for monomial in difference.terms)
    ):
        return compare(op, a, b, facts)
    return Condition(op, a, b), True


def _compared_by_sides(
    op: str, a: Poly, b: Poly, facts: Facts
) -> tuple[Condition | None, bool] | None:
    """A comparison with a choice, if it comes to one condition: `(8 if c else 3) == 8` is `c`."""
    choice = next((x for x in (a, b) if as_choice(x) is not None), None)
    if choice is None:
        return None
    condition, then, otherwise = as_choice(choice) or (None, a, b)
    assert condition is not None
    sides = []
    for truth, side in ((True, then), (False, otherwise)):
        pair = (side, b) if choice is a else (a, side)
        settled = compare(op, *pair, facts.with_condition(condition, truth))
        # what is not settled has to be said of all sizes
        sides.append(settled if settled[0] is None else compare(op, *pair, facts))
    one, other = sides
    for truth, (known, value), rest in ((True, one, other), (False, other, one)):
        if known is not None:
            continue
        inner, polarity = rest
        if inner is None:
            return (None, value) if value is polarity else (condition, value is truth)
        if implies(condition, truth, inner, polarity is value):
            return rest
        if implies(condition, not truth, inner, polarity is not value):
            return condition, value is truth
    return None


def _is_less_than_share(share: Poly, whole: Poly, facts: Facts) -> bool:
    """Whether `share`, a double such as 0.9*x, is certain not to be greater than a `whole` >= x.

    Rounding adds less to a share than is taken away, unless that is next to nothing.
    """
    base = only_atom(share)
    if not isinstance(base, Call) or base.op != "fmul":
        return False
    for factor, x in (base.args, base.args[::-1]):
        if factor.constant is not None and 0 < factor.constant < _SURELY_LESS:
            return facts.at_least(x, 0) and facts.at_least(whole - x, 0)
    return False


def _top_atoms(value: Poly) -> set[Atom]:
    return {base for monomial in value.terms for base, _ in monomial}


def _cleared(value: Poly) -> Poly:
    """Times the positive number that makes the coefficients coprime integers."""
    denominator = value.denominator
    whole = value.scaled(denominator)
    content = math.gcd(*(int(c) for c in whole.terms.values()))
    return whole.scaled(Fraction(1, content))


def _leading(value: Poly) -> Rational:
    return next(c for m, c in value.sorted_terms() if m != ONE)


def _sides(value: Poly) -> tuple[Poly, Poly]:
    """`value` as left minus right, both with positive coefficients, a lone constant right."""
    left = Poly({m: c for m, c in value.terms.items() if c > 0 and m != ONE})
    return left, left - value


def _equation(value: Poly, facts: Facts) -> tuple[Condition | None, bool]:
    value = _cleared(value)
    if _leading(value) < 0:
        value = -value
    without_constant = Poly({m: c for m, c in value.terms.items() if m != ONE})
    content = math.gcd(*(int(c) for c in without_constant.terms.values()))
    whole = all(facts.is_integer(m, c) for m, c in value.terms.items())
    if whole and value.terms.get(ONE, 0) % content:
        return None, False
    division = _exact_division(value, facts)
    if division is not None:
        return compare("eq", mod(*division, facts), const(0), facts)
    if only_atom(value) is None or not _is_mod(value):
        # what is never negative is zero exactly where it is not at least one
        if whole and facts.at_least(value, 0):
            condition, polarity = _inequality(value - const(1))
            return condition, not polarity
        if whole and facts.at_least(-value, 0):
            condition, polarity = _inequality(-value - const(1))
            return condition, not polarity
    left, right = _sides(value)
    return Condition("eq", left, right), True


def _is_mod(value: Poly) -> bool:
    base = only_atom(value)
    return isinstance(base, Call) and base.op == "mod"


def _exact_division(value: Poly, facts: Facts) -> tuple[Poly, Poly] | None:
    """(a, b) if `value` is a multiple, never zero, of `a / b - floor(a / b)`."""
    for monomial, coefficient in value.terms.items():
        for base, exponent in monomial:
            if not (isinstance(base, Call) and base.op == "floor" and exponent == 1):
                continue
            x = base.args[0]
            factor = Poly({tuple(p for p in monomial if p[0] != base): -coefficient})
            sure = facts.at_least(factor, 1) or facts.at_least(-factor, 1)
            if sure and value - Poly({monomial: coefficient}) == factor * x:
                return fraction(x)
    return None


def _inequality(value: Poly) -> tuple[Condition | None, bool]:
    """`value >= 0` of an integer-valued polynomial."""
    value = _tightened(_unfloored(_cleared(value)))
    if value.constant is not None:
        return None, value.constant >= 0
    polarity = _leading(value) > 0
    if not polarity:  # v >= 0 is not (-v - 1 >= 0)
        value = -value - const(1)
    left, right = _sides(value)
    return Condition("ge", left, right), polarity


def _tightened(value: Poly) -> Poly:
    """Divide by the content of the non-constant terms; the constant rounds down."""
    content = math.gcd(*(int(c) for m, c in value.terms.items() if m != ONE))
    if content <= 1:
        return value
    return Poly({m: math.floor(Fraction(c) / content) for m, c in value.terms.items()})


def _unfloored(value: Poly) -> Poly:
    """`floor(x) >= k` is `x >= k`; `k >= floor(x)` is `x < k + 1`."""
    others = [m for m in value.terms if m != ONE]
    if len(others) != 1 or len(others[0]) != 1 or others[0][0][1] != 1:
        return value
    inner = others[0][0][0]
    coefficient = value.terms[others[0]]
    if not (isinstance(inner, Call) and inner.op == "floor" and abs(coefficient) == 1):
        return value
    x = inner.args[0]
    if any(e < 0 for m in x.terms for _, e in m) or any(map(is_float, _top_atoms(x))):
        return value
    constant = value.terms.get(ONE, 0)
    denominator = x.denominator
    if coefficient == 1:  # floor(x) + c >= 0
        return _unfloored((x + const(constant)).scaled(denominator))
    # c - floor(x) >= 0: x < c + 1
    return _unfloored((const(constant + 1) - x).scaled(denominator) - const(1))


def _name_of_symbol(value: Poly) -> str | None:
    base = only_atom(value)
    return base.name if isinstance(base, Symbol) else None


def divisibility(condition: Condition) -> tuple[Poly, Poly] | None:
    """(a, b) if the condition is `a % b == 0`."""
    base = only_atom(condition.left)
    if condition.op != "eq" or condition.right.constant != 0:
        return None
    return base.args[:2] if isinstance(base, Call) and base.op == "mod" else None  # type: ignore[return-value]


def mentions(value: Poly | Condition, name: str) -> bool:
    """Whether a symbol of this name is among the atoms."""
    return any(isinstance(a, Symbol) and a.name == name for a in value.atoms())


def written(value: Poly) -> str:
    """A polynomial as people write it, without spaces.

    >>> written(symbol("d").scaled(Fraction(1, 64)) - const(1))
    'd/64-1'
    """
    text = repr(value).replace(" + -", "-").replace(" + ", "+")
    return re.sub(r"\b1/(\d+)\*([\w*]+)(?![\w*(])", r"\2/\1", text)


def sum_of(polys: Iterable[Poly]) -> Poly:
    """The sum."""
    terms: dict[Monomial, Rational] = {}
    for poly in polys:
        for monomial, coefficient in poly.terms.items():
            terms[monomial] = terms.get(monomial, 0) + coefficient
    return Poly(terms)


def product_of(polys: Iterable[Poly]) -> Poly:
    """The product."""
    return reduce(operator.mul, polys, const(1))
