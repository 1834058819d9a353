"""Claim by induction that closed forms are those of sums over the iterations of a loop.

The form is found again for a number of iterations that is a symbol. It is claimed to be 0 for none,
to grow by what each iteration adds, and to be the sum at the number that there are. The sums that
symcount made on the way were of products; that a sum is linear in these is not claimed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

from symcount.algebra.claims import Comparison, Question
from symcount.algebra.conditions import Condition, Decisions, mentions
from symcount.algebra.facts import Facts
from symcount.algebra.functions import call
from symcount.algebra.poly import (
    Atom,
    Call,
    Poly,
    Variable,
    atom,
    const,
    fraction,
    product_of,
    reciprocal_of_term,
    symbol,
    written,
)
from symcount.algebra.substitution import substituted
from symcount.derivation.sums import Assumptions, NoClosedForm, Undecided, total
from symcount.errors import UnsupportedError
from symcount.formula.choice_trees import Choice
from symcount.formula.tree import Built, Repeat, TensorSpec, Tree, leaves
from symcount.record import INDEX

# How many iterations a sum has had so far, and with one more.
_NOW, _AFTER = f"{INDEX}now", f"{INDEX}after"
_MOST_SPLITS = 8


def of_sums(tree: Tree, facts: Facts) -> Iterator[Question]:
    """List the claims of the sums of a tree, once for each form that they have."""
    for decisions, leaf in leaves(tree):
        if isinstance(leaf, Built) and any(weight.repeats for weight in leaf.weights):
            here = facts
            for condition, truth in decisions:
                here = here.with_condition(condition, truth)
            known = Assumptions(here, dict(decisions))
            for weight in leaf.weights:
                if weight.repeats and weight.total is not None:
                    yield from _of_loops(weight, weight.total, known, Assumptions(facts, {}))


def _of_loops(
    weight: TensorSpec, whole: Poly, known: Assumptions, always: Assumptions
) -> Iterator[Question]:
    """Say it of each loop around a tensor, the innermost first, as its sum was found."""
    value = const(1) if weight.shape is None else product_of(weight.shape)
    for depth, repeat in reversed([*enumerate(weight.repeats)]):
        around = tuple(
            (Condition("ge", outer.count, symbol(outer.index) + const(1)), True)
            for outer in weight.repeats[:depth]
        )
        result = total(value, (repeat,), known)
        yield from _of_loop(value, repeat, result, known, always, around)
        value = result
    if value != whole:
        yield Question("sum", tuple(known.decided.items()), ((value, whole),))


def _of_loop(
    value: Poly,
    repeat: Repeat,
    result: Poly,
    known: Assumptions,
    always: Assumptions,
    around: Decisions,
) -> Iterator[Question]:
    """Say it of each product that depends on the index: the sum is linear in them."""
    added = const(0)
    for part, factor in _factors(value, repeat.index).items():
        try:
            closed, there, here = _in_any_way(part, repeat, always, known)
        except (NoClosedForm, Undecided, UnsupportedError) as error:
            yield Question("sum", about=_sum(value, repeat), problem=str(error))
            return
        given = (*here.decided.items(), *around)
        yield from _induction(part, repeat, closed, there, given, here.facts)
        added = added + factor * there
    if added != result:
        given = (*known.decided.items(), *around)
        yield Question("sum", given, ((added, result),), about=_sum(value, repeat))
    is_sure = always.facts.at_least(repeat.count, 0)
    not_negative = Comparison("ge", repeat.count, const(0), None, True)
    given = () if is_sure else (*known.decided.items(), *around)
    yield Question("sum", given, compared=(not_negative,))


def _factors(value: Poly, index: str) -> dict[Poly, Poly]:
    """Return the products in a polynomial that depend on an index, each with its factor."""
    found: dict[Poly, Poly] = {}
    for monomial, coefficient in value.terms.items():
        inside = tuple(p for p in monomial if mentions(atom(p[0]), index))
        outside = tuple(p for p in monomial if p not in inside)
        part = Poly({inside: 1})
        found[part] = found.get(part, const(0)) + Poly({outside: coefficient})
    return found


def _in_any_way(
    part: Poly, repeat: Repeat, always: Assumptions, known: Assumptions
) -> tuple[Poly, Poly, Assumptions]:
    """Return a closed form, and the sum, for all values of the symbols, or else for the path."""
    try:
        return _closed(part, repeat, always, _MOST_SPLITS), total(part, (repeat,), always), always
    except (NoClosedForm, Undecided, UnsupportedError):
        return _closed(part, repeat, known, _MOST_SPLITS), total(part, (repeat,), known), known


def _sum(value: Poly, repeat: Repeat) -> str:
    return f"the sum of {written(value)} for {repeat.index} below {written(repeat.count)}"


def _closed(value: Poly, repeat: Repeat, known: Assumptions, splits: int) -> Poly:
    """Return the closed form of a sum after as many iterations as `_NOW` says."""
    try:
        return total(value, (replace(repeat, count=symbol(_NOW)),), known)
    except Undecided as error:
        if not splits:
            raise
        condition = error.condition
    sides = (
        Assumptions(
            known.facts.with_condition(condition, truth), {**known.decided, condition: truth}
        )
        for truth in (True, False)
    )
    return _either(condition, *(_closed(value, repeat, side, splits - 1) for side in sides))


def _either(condition: Condition, then: Poly, otherwise: Poly) -> Poly:
    """Return the choice between two numbers, which need be integers on their own sides only."""
    if then == otherwise:
        return then
    denominator = fraction(then)[1] * fraction(otherwise)[1]
    inverse = reciprocal_of_term(denominator)
    assert inverse is not None
    sides = then * denominator, otherwise * denominator
    return inverse * atom(Call(f"if_{condition.op}", (condition.left, condition.right, *sides)))


def _induction(
    part: Poly, repeat: Repeat, closed: Poly, there: Poly, given: Decisions, facts: Facts
) -> Iterator[Question]:
    """Say that a closed form is 0 of no iterations, grows by each, and is the sum after all."""
    now, chosen = symbol(_NOW), "" if repeat.when == 1 else " in some iterations"
    about = f"the sum of {written(part)} for {repeat.index} below {_NOW}{chosen}"
    later = substituted(closed, _NOW, symbol(_AFTER), facts)
    term = substituted(part, repeat.index, now, facts) * _when(repeat.when, repeat.index, facts)
    ends = (
        (closed, const(0), _NOW, const(0)),
        (later, closed + term, _AFTER, now + const(1)),
        (closed, there, _NOW, repeat.count),
    )
    for one, other, index, value in ends:
        is_there = Condition("eq", symbol(index), value), True
        powers = (*_powers(one, index, value, facts), *_products(term, _NOW))
        yield Question("sum", (*given, is_there, *powers), ((one, other),), about=about)


def _when(tree: Any, index: str, facts: Facts) -> Poly:
    """Return 1 in the iterations, `_NOW`, in which a tensor is made, and 0 in others."""
    if not isinstance(tree, Choice):
        return const(int(tree))
    left, right = (
        substituted(side, index, symbol(_NOW), facts)
        for side in (tree.condition.left, tree.condition.right)
    )
    then, otherwise = (_when(side, index, facts) for side in (tree.then, tree.otherwise))
    return _either(Condition(tree.condition.op, left, right), then, otherwise)


def _powers(value: Poly, index: str, there: Poly, facts: Facts) -> Decisions:
    """Say what powers such as `2**i` are at a value of the index, since no solver knows it."""
    return tuple(
        (Condition("eq", atom(base), substituted(atom(base), index, there, facts)), True)
        for base in sorted(value.atoms(), key=lambda base: base.key)
        if _is_power(base, index)
    )


def _products(value: Poly, index: str) -> Decisions:
    """Say what products of powers are as powers of one number: `2**i * 2**i` is `4**i`."""
    laws = {}
    for monomial in value.terms:
        powers = tuple(power for power in monomial if _is_power(power[0], index))
        ratio, rest = Fraction(1), const(1)
        for base, exponent in powers:
            assert isinstance(base, Call)
            number, up = base.args
            slope = up.terms.get(((Variable(index), 1),), 0)
            ratio *= Fraction(number.constant or 0) ** int(slope * exponent)
            rest = rest * call("pow", number, up - symbol(index).scaled(slope)) ** exponent
        if powers:
            laws[Poly({powers: 1})] = call("pow", const(ratio), symbol(index)) * rest
    return tuple((Condition("eq", a, b), True) for a, b in laws.items() if a != b)


def _is_power(base: Atom, index: str) -> bool:
    """Tell whether it is a positive number to a power that depends on an index."""
    is_power = isinstance(base, Call) and base.op == "pow" and mentions(atom(base), index)
    return is_power and (base.args[0].constant or 0) > 0  # type: ignore[union-attr]
