"""Collect what a formula rests on, as claims that any solver can check.

- *cover*: no values of the symbols take a path that was closed, or an iteration of a loop.
- *simplification*: a number that the factory computed is its normal form; a comparison that it
  made is its condition, or has one outcome.
- *piece*: a size that was simplified by what holds on a path is what it was there.
- *sum*: a closed form is that of its sum, by induction.

Nothing is written or proved here; `symcount.algebra.smtlib` writes a claim when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

from symcount.algebra.claims import Comparison, Question
from symcount.algebra.comparing import Outcome, compare
from symcount.algebra.conditions import Condition, Decisions, mentions
from symcount.algebra.facts import Facts
from symcount.algebra.functions import CALLS, call, has_floats
from symcount.algebra.poly import (
    Atom,
    Call,
    Poly,
    Variable,
    atom,
    const,
    fraction,
    only_atom,
    product_of,
    reciprocal_of_term,
    symbol,
    written,
)
from symcount.algebra.smtlib import Claims
from symcount.algebra.substitution import substituted
from symcount.derivation.indices import bounds_of_index, with_numbered_indices
from symcount.derivation.lowering import MANTISSA, Lowering, Value, plain
from symcount.derivation.paths import Closed, Exploration
from symcount.derivation.sums import Assumptions, NoClosedForm, Undecided, total
from symcount.errors import UnsupportedError
from symcount.formula.choice_trees import Choice
from symcount.formula.tree import Built, Repeat, TensorSpec, Tree, leaves
from symcount.record import INDEX, Node
from symcount.symbols import Hyperparameter
from symcount.trace.result import Branch, Trace

# How many iterations a sum has had so far in its induction, and with one more.
_NOW, _AFTER = f"{INDEX}now", f"{INDEX}after"
_MOST_SPLITS = 8
# A comparison and a condition of the same sides, and whether they have the same truth.
_ITSELF = {
    ("eq", "eq"): True,
    ("ne", "eq"): False,
    ("ge", "ge"): True,
    ("lt", "ge"): False,
    ("lt", "lt"): True,
    ("ge", "lt"): False,
    ("le", "le"): True,
    ("gt", "le"): False,
}


def claims_of(
    found: Exploration,
    pieces: Iterable[Question],
    tree: Tree,
    facts: Facts,
    ranges: Sequence[Hyperparameter],
) -> Claims:
    """Return the claims of a derivation: of its places, its pieces, and the sums of its tree."""
    questions = (*_cover(found, facts), *_numbers(found), *_comparisons(found, facts), *pieces)
    return Claims(questions, partial(_sums, tree, facts), ranges, facts)


# --- the cover --------------------------------------------------------------------------------


def _cover(found: Exploration, facts: Facts) -> Iterator[Question]:
    for place in found.root.below():
        if isinstance(place.state, Closed):
            yield Question("cover", place.decisions)
    for path in found.paths:
        for name, root in path.loops.items():
            for place in root.below():
                if isinstance(place.state, Closed):
                    way = (*path.decisions, *bounds_of_index(path, name), *place.decisions)
                    yield Question("cover", with_numbered_indices(way, facts))


# --- normal forms -----------------------------------------------------------------------------


def _numbers(found: Exploration) -> Iterator[Question]:
    """Say that what the factory computed on the way to sizes and comparisons is its normal form."""
    seen: set[tuple[object, ...]] = set()
    for path in found.paths:
        for node in _live(path.trace):
            args, value = path.lowering.step(node)
            is_float = isinstance(node.hint, float)
            key = node.op, is_float, *args
            if key not in seen:
                seen.add(key)
                yield from _step(plain(node.op, is_float, args), value)
        for branch in path.trace.branches:
            yield from _sign(path.lowering, branch)


def _sign(lowering: Lowering, branch: Branch) -> Iterator[Question]:
    """Say that a quotient which was compared with zero has the sign of its dividend."""
    dividend, _ = lowering.compared(branch.op, branch.left, branch.right)
    quotient = only_atom(lowering(branch.left).poly)
    if isinstance(quotient, Call) and dividend != lowering(branch.left):
        p, q = quotient.args
        yield Question(
            "simplification",
            tuple(sorted(dividend.limits, key=repr)),
            compared=(*_between(p, 1, None), *_between(q, 0, MANTISSA)),
            about=f"{quotient!r} has the sign of {p!r}, not rounded to zero",
        )


def _live(trace: Trace) -> Iterator[Node]:
    """List the operations that reach a size or a comparison."""
    stack: list[object] = [size for tensor in trace.tensors for size in tensor.shape or ()]
    stack += [side for branch in trace.branches for side in (branch.left, branch.right)]
    seen: set[int] = set()
    while stack:
        node = stack.pop()
        if isinstance(node, Node) and id(node) not in seen and node.op not in ("symbol", "index"):
            seen.add(id(node))
            yield node
            stack += node.args


def _step(recorded: Poly, value: Value) -> Iterator[Question]:
    """Say that an operation is its normal form.

    A float step is exact where its result is a double, and a quotient is rounded across no integer
    where both numbers are small: no solver is asked for what IEEE 754 says, but for what it needs.
    """
    given = tuple(sorted(value.limits, key=repr))
    if recorded == value.poly:
        return
    base = only_atom(recorded)
    if isinstance(base, Call) and CALLS[base.op].is_float and not has_floats(value.poly):
        needed = _between(value.poly.scaled(value.poly.denominator), -MANTISSA, MANTISSA)
        about = f"{recorded!r} is {value.poly!r}, a double"
    elif isinstance(base, Call) and (quotient := _quotient(base)) is not None:
        p, q = quotient
        needed = (*_between(p, 0, None), *_between(q, 1, None), *_between(p + q, None, MANTISSA))
        about = f"{recorded!r} is {value.poly!r}, rounded across no integer"
    else:
        yield Question("simplification", given, ((recorded, value.poly),))
        return
    yield Question("simplification", given, compared=needed, about=about)


def _quotient(base: Call) -> tuple[Poly, ...] | None:
    """Return the operands of the quotient that is rounded to an integer, if it is one."""
    inner = only_atom(base.args[0])
    if base.op not in ("trunc", "floor_float", "ceil_float") or not isinstance(inner, Call):
        return None
    return inner.args if inner.op == "truediv" else None


def _between(value: Poly, low: int | None, high: int | None) -> tuple[Comparison, ...]:
    ends = (("ge", low), ("le", high))
    return tuple(
        Comparison(op, value, const(end), None, True) for op, end in ends if end is not None
    )


def _comparisons(found: Exploration, facts: Facts) -> Iterator[Question]:
    """Say what the comparisons of all runs come to, at the places where they were made."""
    for place in found.root.below():
        for asked, answer in place.answers.items():
            yield from _comparison(*asked, answer, place.decisions, facts)
    for path in found.paths:
        for iteration in (i for run in (path, *path.again) for i in run.iterations):
            for (done, op, left, right), answer in iteration.answers.items():
                steps = ((s.condition, s.truth) for s in iteration.steps[:done])
                given = (*path.decisions, *steps)
                yield from _comparison(op, left, right, answer, given, facts)


def _comparison(
    op: str, left: Poly, right: Poly, answer: Outcome, given: Decisions, facts: Facts
) -> Iterator[Question]:
    condition, polarity = answer
    is_as_asked = condition is not None and (condition.left, condition.right) == (left, right)
    if condition is not None and is_as_asked and _ITSELF.get((op, condition.op)) is polarity:
        return
    if left == right:
        return
    if compare(op, left, right, facts) == answer:
        given = ()  # which its place has no part in
    comparison = Comparison(op, left, right, condition, polarity)
    yield Question("simplification", given, compared=(comparison,))


# --- sums -------------------------------------------------------------------------------------


def _sums(tree: Tree, facts: Facts) -> Iterator[Question]:
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
