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
from functools import partial

from symcount.algebra.claims import Comparison, Question
from symcount.algebra.comparing import Outcome, compare
from symcount.algebra.conditions import Condition, Decisions
from symcount.algebra.facts import Facts
from symcount.algebra.functions import CALLS, has_floats
from symcount.algebra.poly import (
    Call,
    Poly,
    const,
    only_atom,
)
from symcount.algebra.smtlib import Claims
from symcount.derivation.indices import bounds_of_index, with_numbered_indices
from symcount.derivation.induction import of_sums
from symcount.derivation.lowering import MANTISSA, Lowering, Value, plain
from symcount.derivation.paths import Closed, Exploration
from symcount.errors import UnsupportedError
from symcount.formula.tree import Tree
from symcount.record import Node
from symcount.symbols import Hyperparameter
from symcount.trace.result import Branch, Trace

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
    return Claims(questions, partial(of_sums, tree, facts), ranges, facts)


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
                try:
                    yield from _step(plain(node.op, is_float, args), value)
                except (ArithmeticError, ValueError, UnsupportedError) as error:
                    about = f"{node.op} gives {value.poly!r}"
                    yield Question("simplification", about=about, problem=str(error))
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
    if recorded == value.poly:
        return
    given, base = tuple(sorted(value.limits, key=repr)), only_atom(recorded)
    if isinstance(base, Call) and CALLS[base.op].divides and base.args[1].constant is None:
        given = ((Condition("eq", base.args[1], const(0)), False), *given)  # or it raises
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
    root, about = only_atom(left), ""
    if isinstance(root, Call) and root.op == "sqrt" and op in ("eq", "ne") and right == const(0):
        left, about = root.args[0], "the square root of zero is zero, and no other"
    comparison = Comparison(op, left, right, condition, polarity)
    yield Question("simplification", given, compared=(comparison,), about=about)
