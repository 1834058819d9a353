"""Polynomials with exact coefficients over symbols and calls: what a normal form is made of.

A `Poly` is a sum of terms `coefficient * product of atoms ** exponents`. Atoms are symbols
(integers that are 1 at least, or 0 at least) and calls such as `floor(dim/4)`, `max(1, ...)` or a
step of float arithmetic.
Equal polynomials are equal objects in the sense of `==` and `hash`, whatever way they were made,
and that is what merges the paths of a factory.

Every rewriting in this folder holds for all values the symbols may take. What needs more than
that, such as `floor(dim/4) = dim/4` where 4 divides `dim`, takes the knowledge as `Facts` and is
used only where the facts hold. Coefficients are rationals, exponents may be negative (`d**2/h`
where `h` divides `d`); a polynomial that stands for an integer has integer values all the same.

Float arithmetic is opaque: `fmul(dim, 0.29)` is one atom that stands for the double Python
computes. Steps that are exact all the same are recognised before they become atoms.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from functools import reduce
from typing import Any, Literal, TypeAlias

from symcount.record import INDEX
from symcount.symbols import Hyperparameter

Rational: TypeAlias = "int | Fraction"


class Variable:
    """A symbol: an integer that is 1 at least, or 0 at least; a positive double if it is real.

    A name that starts with `INDEX` is the index of a loop, which counts from 0. `least` is what is
    certain wherever the symbol is, whatever else was declared of it.
    """

    __slots__ = ("key", "least", "name", "real")
    size = 1

    def __init__(self, name: str, real: bool = False, least: Literal[0, 1] = 1) -> None:
        self.name: str = name
        self.real: bool = real
        self.key: tuple[int, str] = (0, name)
        self.least = 0 if real or self.is_index else least

    @property
    def is_index(self) -> bool:
        """Tell whether it is the index of a loop."""
        return self.name.startswith(INDEX)

    @property
    def may_be_zero(self) -> bool:
        """Tell whether it was declared a symbol that may be zero."""
        return not (self.least or self.real or self.is_index)

    def __eq__(self, other: object) -> bool:
        return (
            type(other) is Variable
            and (other.name, other.real) == (self.name, self.real)
            and other.least == self.least
        )

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> Any:
        return Variable, (self.name, self.real, self.least)


class Call:
    """A function of polynomials, a row of `symcount.algebra.functions.CALLS`.

    Its `size` is the number of symbols and calls that it is written with.
    """

    __slots__ = ("_hash", "args", "key", "op", "size")

    def __init__(self, op: str, args: tuple[Poly, ...]) -> None:
        self.op: str = op
        self.args: tuple[Poly, ...] = args
        self.size: int = 1 + sum(map(written_size, args))
        self.key: tuple[int, str] = (1, f"{op}({', '.join(map(repr, args))})")
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


Atom: TypeAlias = "Variable | Call"


Monomial: TypeAlias = "tuple[tuple[Atom, int], ...]"


ONE: Monomial = ()


def simplest(value: Rational) -> Rational:
    """A whole number as an integer."""
    if type(value) is Fraction and value.denominator == 1:
        return value.numerator
    return value


class Poly:
    """A polynomial in normal form; immutable and hashable."""

    __slots__ = ("_atoms", "_hash", "_repr", "terms")

    def __init__(self, terms: Mapping[Monomial, Rational]) -> None:
        self.terms: dict[Monomial, Rational] = {m: simplest(c) for m, c in terms.items() if c != 0}
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
        """The terms in a fixed order, the highest degree first, then by name."""
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
        if exponent < 0:
            inverse = reciprocal_of_term(self)
            if inverse is None:
                raise ValueError(f"({self!r})**{exponent} is no polynomial")
            return inverse**-exponent
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


def symbol(name: str, real: bool = False, least: Literal[0, 1] = 1) -> Poly:
    """A polynomial of one symbol."""
    return atom(Variable(name, real, least))


def declared(h: Hyperparameter) -> Poly:
    """A polynomial of one symbol, as it was declared."""
    return symbol(h.name, h.real, h.least)


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


def only_atom(value: Poly) -> Atom | None:
    """The atom, if `value` is one atom and nothing else."""
    if len(value.terms) == 1:
        ((monomial, coefficient),) = value.terms.items()
        if coefficient == 1 and len(monomial) == 1 and monomial[0][1] == 1:
            return monomial[0][0]
    return None


def top_atoms(value: Poly) -> set[Atom]:
    """The atoms of its terms, without those inside calls."""
    return {base for monomial in value.terms for base, _ in monomial}


def inside_out(base: Atom, is_known: Callable[[Call], bool]) -> Iterator[Call]:
    """Yield the calls within a call, each after those within it; those known are left out.

    Python's stack may be less deep than they are.
    """
    seen: set[Call] = set()
    waiting: list[tuple[Atom, bool]] = [(base, False)]
    while waiting:
        part, is_done = waiting.pop()
        if isinstance(part, Call) and is_done and part is not base:
            yield part
        elif isinstance(part, Call) and part not in seen and not is_known(part):
            seen.add(part)
            inside = [a for arg in part.args for m, _ in arg.sorted_terms() for a, _ in m]
            waiting += [(part, True), *((each, False) for each in reversed(inside))]


def written_size(value: Poly) -> int:
    """Count the symbols and calls that a polynomial is written with, those within calls too."""
    return sum(base.size for monomial in value.terms for base, _ in monomial)


def leading(value: Poly) -> Rational:
    """The coefficient of the first term that is not the constant."""
    return next(c for m, c in value.sorted_terms() if m != ONE)


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


def reciprocal_of_term(value: Poly) -> Poly | None:
    """One over a polynomial, if it is a single term."""
    if len(value.terms) != 1:
        return None
    ((monomial, coefficient),) = value.terms.items()
    return Poly({tuple((a, -e) for a, e in monomial): Fraction(1) / coefficient})


def written(value: Poly) -> str:
    """A polynomial as people write it, without spaces.

    >>> written(symbol("d").scaled(Fraction(1, 64)) - const(1))
    'd/64-1'
    """
    text = repr(value).replace(" + -", "-").replace(" + ", "+")
    return re.sub(r"\b1/(\d+)\*([\w*]+)(?![\w*(])", r"\2/\1", text)
