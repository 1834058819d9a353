"""Compare polynomials, with conditions in normal form as the result, and choose among them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from itertools import islice
from typing import TypeAlias

from symcount.algebra.choices import as_choice, choice
from symcount.algebra.conditions import Condition, implies
from symcount.algebra.facts import Facts
from symcount.algebra.functions import has_floats
from symcount.algebra.poly import (
    ONE,
    Call,
    Poly,
    atom,
    const,
    fraction,
    leading,
    only_atom,
    written_size,
)
from symcount.algebra.rounding import floor, mod
from symcount.record import COMPARISONS

# A condition, or None if it is decided; and its truth where the comparison holds.
Outcome: TypeAlias = "tuple[Condition | None, bool]"

# A double times this is less than the double, however the operands and the product are rounded.
_SURELY_LESS = 1 - Fraction(1, 2**40)


def compare(op: str, a: Poly, b: Poly, facts: Facts) -> Outcome:
    """The comparison `a op b` in normal form.

    Returns (condition, polarity): the comparison holds where the condition's truth is `polarity`.
    Without a condition, it holds always (`polarity` True) or never.
    """
    key = op, a, b
    known: Outcome | None = facts.compared.get(key)
    if known is None:
        known = facts.compared[key] = _compare(op, a, b, facts)
    return known


def _compare(op: str, a: Poly, b: Poly, facts: Facts) -> Outcome:
    if op in ("ne", "gt", "ge"):
        condition, polarity = compare({"ne": "eq", "gt": "le", "ge": "lt"}[op], a, b, facts)
        return condition, not polarity
    difference = a - b
    if difference.constant is not None:
        return None, COMPARISONS[op](difference.constant, 0)
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
    if has_floats(difference):
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


def compare_any(op: str, a: Poly, b: Poly, facts: Facts) -> Outcome:
    """`compare` of numbers that are not known to be sums of integers, such as `a/x + b/x`.

    These are left as they are, since what is tightened for integers is wrong for fractions.
    """
    difference = a - b
    if (
        difference.constant is not None
        or has_floats(difference)
        or all(facts.is_integer(monomial, 1) for monomial in difference.terms)
    ):
        return compare(op, a, b, facts)
    return Condition(op, a, b), True


def _compared_by_sides(op: str, a: Poly, b: Poly, facts: Facts) -> Outcome | None:
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
    """Tell whether `share`, a double such as 0.9*x, is certainly at most a `whole` >= x.

    Rounding adds less to a share than is taken away, unless that is next to nothing.
    """
    base = only_atom(share)
    if not isinstance(base, Call) or base.op != "fmul":
        return False
    for factor, x in (base.args, base.args[::-1]):
        if factor.constant is not None and 0 < factor.constant < _SURELY_LESS:
            return facts.at_least(x, 0) and facts.at_least(whole - x, 0)
    return False


def chosen(
    op: str,
    left: Poly,
    right: Poly,
    then: Poly,
    otherwise: Poly,
    facts: Facts,
    comparison: Callable[[str, Poly, Poly, Facts], Outcome] = compare,
) -> Poly:
    """The integer `then` where `left op right` holds, else `otherwise`."""
    if then == otherwise:
        return then
    condition, polarity = comparison(op, left, right, facts)
    if condition is None:
        return then if polarity else otherwise
    if not polarity:
        then, otherwise = otherwise, then
    return choice(condition, then, otherwise)


def maximum(args: Iterable[Poly], facts: Facts) -> Poly:
    """The greatest of integers; what can never be it is left out."""
    return _extremum("max", args, facts)


def minimum(args: Iterable[Poly], facts: Facts) -> Poly:
    """The least of integers; what can never be it is left out."""
    return _extremum("min", args, facts)


def _extremum(op: str, args: Iterable[Poly], facts: Facts) -> Poly:
    flat: list[Poly] = []
    for arg in args:
        inner = only_atom(arg)
        flat.extend(inner.args if isinstance(inner, Call) and inner.op == op else [arg])
    kept = _undominated(op, flat, facts)
    spread = [each for arg in kept for each in _spread(op, arg, facts)]
    whole = all(facts.is_integer(m, c) for each in spread for m, c in each.terms.items())
    if whole and len(spread) > len(kept):
        # `min(m, 2*min(m, d))` is `min(m, 2*d)`, but more operands than before are no simpler
        fewer = _undominated(op, spread, facts)
        kept = fewer if len(fewer) <= len(kept) else kept
    if len(kept) == 1:
        return kept[0]
    return atom(Call(op, tuple(sorted(kept, key=repr))))


def _undominated(op: str, args: Sequence[Poly], facts: Facts) -> list[Poly]:
    """Leave out what can never be the extremum, as another operand always is beyond it."""
    kept: list[Poly] = []
    for index, arg in enumerate(args):
        others = [*kept, *args[index + 1 :]]
        pairs = ((other, arg) if op == "max" else (arg, other) for other in others)
        if not any(_is_at_least(*pair, facts) for pair in pairs):
            kept.append(arg)
    return kept


def _is_at_least(a: Poly, b: Poly, facts: Facts) -> bool:
    """Tell whether an integer is certainly not less than another: `floor(x) <= x`."""
    if facts.at_least(a - b, 0):
        return True
    base = only_atom(a)
    if isinstance(base, Call) and base.op == "floor":
        a = base.args[0]  # an integer below it is below what it rounds
    return facts.at_least(_without_factors(a - _above(b), facts), 0)


def _above(value: Poly) -> Poly:
    """A number that is not less, without the floors that are added."""
    for monomial, coefficient in value.terms.items():
        base = only_atom(Poly({monomial: 1}))
        if isinstance(base, Call) and base.op == "floor" and coefficient > 0:
            return _above(value - (atom(base) - base.args[0]).scaled(coefficient))
    return value


def _without_factors(value: Poly, facts: Facts) -> Poly:
    """A number of the same sign, or zero: without the factors >= 0 that all terms have."""
    powers = [dict(monomial) for monomial in value.terms]
    for base in powers[0] if powers else ():
        least = min(each.get(base, 0) for each in powers)
        if least > 0 and facts.at_least(atom(base), 0):
            value = value * Poly({((base, -least),): 1})
    return value


_OPPOSITE = {"max": "min", "min": "max"}
# What is written with more symbols than this, or spread to more numbers, is not spread: each
# extremum within it multiplies it.
_LONGEST_SPREAD = 120
_MOST_SPREAD = 8


def _spread(op: str, value: Poly, facts: Facts) -> list[Poly]:
    """Numbers whose extremum is `value`: of `2*max(a, b) + c`, `2*a + c` and `2*b + c`."""
    if written_size(value) > _LONGEST_SPREAD:
        return [value]
    for monomial, coefficient in value.terms.items():
        for base, exponent in monomial:
            if not isinstance(base, Call) or exponent != 1:
                continue
            factor = Poly({tuple(p for p in monomial if p[0] != base): coefficient})
            grows = facts.at_least(factor, 0)
            if not grows and not facts.at_least(-factor, 0):
                continue
            inner_op = op if grows else _OPPOSITE[op]
            inner: Sequence[Poly] = base.args if base.op == inner_op else ()
            if base.op == "floor":  # it grows with what is in it
                inside = _spread(inner_op, base.args[0], facts)
                inner = [floor(each, facts) for each in inside] if len(inside) > 1 else ()
            if inner:
                rest = value - Poly({monomial: coefficient})
                spread = (x for each in inner for x in _spread(op, factor * each + rest, facts))
                found = list(islice(spread, _MOST_SPREAD + 1))
                return found if len(found) <= _MOST_SPREAD else [value]
    return [value]


def _cleared(value: Poly) -> Poly:
    """Times the positive number that makes the coefficients coprime integers."""
    denominator = value.denominator
    whole = value.scaled(denominator)
    content = math.gcd(*(int(c) for c in whole.terms.values()))
    return whole.scaled(Fraction(1, content))


def _sides(value: Poly) -> tuple[Poly, Poly]:
    """`value` as left minus right, both with positive coefficients, a lone constant right."""
    left = Poly({m: c for m, c in value.terms.items() if c > 0 and m != ONE})
    return left, left - value


def _equation(value: Poly, facts: Facts) -> Outcome:
    value = _cleared(value)
    if leading(value) < 0:
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


def _inequality(value: Poly) -> Outcome:
    """`value >= 0` of an integer-valued polynomial."""
    value = _tightened(_unfloored(_cleared(value)))
    if value.constant is not None:
        return None, value.constant >= 0
    polarity = leading(value) > 0
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
    if any(e < 0 for m in x.terms for _, e in m) or has_floats(x):
        return value
    constant = value.terms.get(ONE, 0)
    denominator = x.denominator
    if coefficient == 1:  # floor(x) + c >= 0
        return _unfloored((x + const(constant)).scaled(denominator))
    # c - floor(x) >= 0: x < c + 1
    return _unfloored((const(constant + 1) - x).scaled(denominator) - const(1))
