"""Substitute polynomials for symbols, and decide choices, in normal form."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction

from symcount.algebra.choices import choices_in, parts
from symcount.algebra.comparing import chosen, compare_any, maximum, minimum
from symcount.algebra.conditions import Condition, implies, mentions
from symcount.algebra.facts import Facts, is_defined
from symcount.algebra.functions import CALLS, CHOICES, call
from symcount.algebra.poly import (
    ONE,
    Atom,
    Call,
    Poly,
    Variable,
    atom,
    const,
    reciprocal_of_term,
)
from symcount.algebra.rounding import bitwise, floor, floordiv, mod
from symcount.errors import UnsupportedError

# Powers up to this are multiplied out where an expression makes the exponent a number.
_LARGEST_EXPANDED_POWER = 17


def decided(value: Poly, condition: Condition, truth: bool, facts: Facts) -> Poly:
    """The polynomial with the choices that a condition settles made."""

    def replace(base: Atom) -> Poly:
        if isinstance(base, Variable) or not choices_in([atom(base)]):
            return atom(base)
        if base.op in CHOICES:
            test, then, otherwise = parts(base)
            for outcome, side in ((True, then), (False, otherwise)):
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
        if isinstance(base, Variable):
            return replacement if base.name == name else atom(base)
        if not any(mentions(arg, name) for arg in base.args):
            return atom(base)
        return _remade(base, [_rebuilt(arg, replace) for arg in base.args], facts)

    return _rebuilt(value, replace)


def is_equal_where(condition: Condition, truth: bool, here: Poly, other: Poly) -> bool:
    """Tell whether both polynomials have one normal form where a condition is as decided.

    What `other` computes and `here` does not is defined at all sizes, so `other` can stand for it.
    """
    symbols = {base for base in condition.atoms() if isinstance(base, Variable)}
    if symbols.isdisjoint(here.atoms() | other.atoms()):
        return here == other
    if not all(map(is_defined, other.atoms() - here.atoms())):
        return False
    if any(base.may_be_zero for base in other.atoms() if isinstance(base, Variable)) and any(
        not Facts().at_least(divisor, 1) for divisor in divisors(other)
    ):
        return False
    try:
        return _where(condition, truth, here) == _where(condition, truth, other)
    except (ArithmeticError, ValueError, UnsupportedError):
        return False


@functools.lru_cache(maxsize=4096)
def _where(condition: Condition, truth: bool, value: Poly) -> Poly:
    """The polynomial by what a condition says of its symbols."""
    solved = _solved(condition) if condition.op == "eq" and truth else None
    if solved is not None:
        return substituted(value, *solved, Facts())
    facts = Facts().with_condition(condition, truth)
    for base in condition.atoms():
        if isinstance(base, Variable) and not base.real:
            low, high = facts.bounds.get(base.name, (None, None))
            known = atom(base) if low is None or low != high else const(low)
            value = substituted(value, base.name, known, facts)
    return value


def _solved(condition: Condition) -> tuple[str, Poly] | None:
    """A symbol of an equation that is there once and without a factor, and what it is equal to."""
    value = condition.left - condition.right
    for monomial, coefficient in value.terms.items():
        if len(monomial) == 1 and abs(coefficient) == 1 and monomial[0][1] == 1:
            base, rest = monomial[0][0], Poly({monomial: coefficient}) - value
            if isinstance(base, Variable) and not base.real and not mentions(rest, base.name):
                return base.name, rest.scaled(coefficient)
    return None


def composed(value: Poly, replacements: Mapping[str, Poly], facts: Facts) -> Poly:
    """The polynomial with others in the place of symbols, all at once; it never fails.

    A sum in a denominator becomes an atom, and what cannot be computed, such as a division by
    zero, stays a call that fails where it is evaluated. A divisor may still cancel: that those in
    `divisors` are not zero is for the caller to see to.
    """
    if not any(isinstance(a, Variable) and a.name in replacements for a in value.atoms()):
        return value

    def replace(base: Atom) -> Poly:
        if isinstance(base, Variable):
            return replacements.get(base.name, atom(base))
        args = [composed(arg, replacements, facts) for arg in base.args]
        if CALLS[base.op].commutes:
            args.sort(key=repr)
        if args == list(base.args):
            return atom(base)
        try:
            if base.op in CHOICES:
                left, right, then, otherwise = args
                return chosen(CHOICES[base.op], left, right, then, otherwise, facts, compare_any)
            if base.op == "pow" and args[1].constant in range(_LARGEST_EXPANDED_POWER):
                return args[0] ** int(args[1].constant or 0)
            return _remade(base, args, facts)
        except (ArithmeticError, ValueError, UnsupportedError):
            return atom(Call(base.op, tuple(args)))

    return _rebuilt(value, replace, reciprocal)


def reciprocal(value: Poly) -> Poly:
    """One over an integer; over a sum it is one over an atom, `floor(sum)`, which is the sum."""
    inverse = reciprocal_of_term(value)
    return Poly({((Call("floor", (value,)), -1),): 1}) if inverse is None else inverse


def divisors(value: Poly) -> Iterator[Poly]:
    """All that is divided by in a polynomial, inside calls too, but symbols that are never zero."""
    for monomial in value.terms:
        for base, exponent in monomial:
            if exponent < 0 and (isinstance(base, Call) or base.may_be_zero):
                yield atom(base)
            if isinstance(base, Variable):
                continue
            if CALLS[base.op].divides:
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
    if base.op in _SIMPLIFIED:
        return _SIMPLIFIED[base.op](*args, facts=facts)
    return call(base.op, *args)


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
    "max": lambda *args, facts: maximum(args, facts),
    "min": lambda *args, facts: minimum(args, facts),
    "pow": _power,
    **{op: functools.partial(bitwise, op) for op in ("and", "or")},
    **{op: functools.partial(chosen, test) for op, test in CHOICES.items()},
}
