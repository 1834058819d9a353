"""Say what is decided and computed in an iteration as functions of the loop's index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from symcount.algebra.comparing import compare
from symcount.algebra.conditions import Condition, Decisions
from symcount.algebra.facts import Facts
from symcount.algebra.poly import Poly, Variable, const, symbol
from symcount.algebra.substitution import substituted
from symcount.derivation.lowering import Limits, Lowering
from symcount.derivation.paths import Path
from symcount.record import INDEX, Node
from symcount.symbols import Number
from symcount.trace.interrupts import NotFolded
from symcount.trace.loops import Loop, Tag, Tags


def has_index(value: Poly | Condition) -> bool:
    """Return whether the index of a loop is among the atoms."""
    return any(isinstance(a, Variable) and a.is_index for a in value.atoms())


def in_iteration(operand: Node | Number, tags: Tags, lowering: Lowering) -> tuple[Poly, set[Tag]]:
    """Lower a number to a function of the indices of the iterations that it is used in.

    An index of another iteration of the same loop becomes this one's, plus the distance; an index
    of the same iteration of another loop that is as long becomes this one's.

    Returns:
        The function, and the iterations of other loops whose indices are left in it.

    Raises:
        NotFolded: it depends on the indices of several iterations of one loop.
    """
    result = lowering(operand).poly
    indices = lowering.indices(operand)
    if not indices:
        return result, set()
    if len({loop for loop, _ in indices}) < len(indices):
        raise NotFolded("a number depends on the indices of several iterations")
    current = dict(tags)
    left = set()
    remaining = {base.name for base in result.atoms() if isinstance(base, Variable)}
    for loop, number in indices - set(tags):
        if loop.name not in remaining:
            continue  # the rate `0 * i / n` depends on no index
        if loop in current:
            index = symbol(loop.name) + const(number - current[loop])
        else:
            alike = [
                other
                for other, its_number in tags
                if its_number == number and lowering(other.count) == lowering(loop.count)
            ]
            if not alike:
                left.add((loop, number))
                continue
            index = symbol(alike[-1].name)
        result = substituted(result, loop.name, index, lowering.facts)
    return result, left


def limits_of(limits: Limits, indices: Iterable[Tag], lowering: Lowering) -> Limits:
    """Return up to where float steps are exact in all iterations, not only in those given.

    Raises:
        NotFolded: the limit of an iteration is not one that the last iteration meets first.
    """
    loops = [loop for loop, _ in indices]
    if not limits or not loops:
        return limits
    return frozenset(
        (_in_every_iteration(condition, truth, loops, lowering), truth)
        for condition, truth in limits
    )


def _in_every_iteration(
    condition: Condition, truth: bool, loops: Sequence[Loop], lowering: Lowering
) -> Condition:
    left, right = condition.left, condition.right
    for loop in sorted(loops, key=lambda loop: -len(loop.inside)):
        rises = all(
            coefficient > 0 and all(isinstance(base, Variable) and e > 0 for base, e in monomial)
            for monomial, coefficient in left.terms.items()
        )
        if condition.op != "ge" or truth or not rises or has_index(right):
            raise NotFolded("float arithmetic with an index")
        left = substituted(left, loop.name, lowering(loop.count).poly, lowering.facts)
    return Condition(condition.op, left, right)


def bounds_of_index(path: Path, name: str) -> Decisions:
    """Say that the index of a loop, and those around it, are less than their iterations."""
    decisions: list[tuple[Condition, bool]] = []
    run, loop = next(
        (run, loop) for run in (path, *path.again) for loop in run.trace.loops if loop.name == name
    )
    around: Loop | None = loop
    while around is not None:
        count = run.lowering(around.count).poly
        condition, truth = compare("lt", symbol(around.name), count, run.lowering.facts)
        if condition is not None:
            decisions.insert(0, (condition, truth))
        around = around.inside[-1][0] if around.inside else None
    return tuple(decisions)


def with_numbered_indices(decisions: Decisions, facts: Facts) -> Decisions:
    """Call the indices of decisions by the order in which they are mentioned."""
    names: dict[str, str] = {}
    sides = [side for condition, _ in decisions for side in (condition.left, condition.right)]
    for side in sides:
        for atom in sorted(side.atoms(), key=repr):
            if isinstance(atom, Variable) and atom.is_index:
                names.setdefault(atom.name, f"{INDEX}_{len(names)}")
    for name, number in names.items():
        sides = [substituted(side, name, symbol(number), facts) for side in sides]
    pairs = zip(sides[::2], sides[1::2], strict=True)
    return tuple(
        (Condition(condition.op, left, right), truth)
        for (condition, truth), (left, right) in zip(decisions, pairs, strict=True)
    )
