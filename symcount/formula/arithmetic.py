"""Compute with formulas: `a + b`, `a - b`, `3 * a`, `a // b`, `maximum(a, b)`.

The result is a formula of what the operands are formulas of. A sum is one of their tensors, each as
often as it counts; so it can be taken apart, and has trainable parameters, dtypes and bytes. A
quotient or a maximum is a number, which has none of these. A formula that is computed holds where
all that it is made of hold, and rests on all that they rest on.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias, overload

from symcount.algebra import comparing
from symcount.algebra.conditions import Condition, Decisions, settled
from symcount.algebra.facts import Facts, is_defined
from symcount.algebra.poly import Poly, atom, const, sum_of, top_atoms
from symcount.algebra.rounding import floordiv
from symcount.errors import ArgumentError, DomainError
from symcount.formula.formula import Formula
from symcount.formula.signature import declared_facts
from symcount.formula.tree import NO_TENSOR, Built, Excluded, Split, TensorSpec, Tree, leaves
from symcount.symbols import Hyperparameter

if TYPE_CHECKING:
    from symcount.algebra.claims import Claim
    from symcount.formula.certificate import Certificate, Grade
    from symcount.formula.measure import Measure

_GRADES: tuple[Grade, ...] = ("partial", "checked", "complete")
_LONGEST_NAME = 200
# A formula, a module that it is of on one path, and how often that counts.
_Part: TypeAlias = "tuple[Formula, Built, int]"


def is_operand(value: object) -> bool:
    """Tell whether one can compute with a value: it is a formula, or an integer of any type."""
    return isinstance(value, Formula) or (
        hasattr(value, "__index__") and not isinstance(value, bool)
    )


def add(left: Formula, right: Formula | int, times: int = 1) -> Formula:
    """Add a formula or an integer to a formula, as often as said: -1 times to subtract it."""
    if isinstance(right, Formula):
        other = right
        left.measure.require_unit_of(other.measure, "a + b" if times > 0 else "a - b")
        measure = _common_measure(left.measure, other.measure)
        return _together(left, other, measure, lambda a, b: _sum([(left, a, 1), (other, b, times)]))
    number = times * operator.index(right)
    # sum() begins with 0
    return computed(left, lambda leaf: _sum([(left, leaf, 1)], number)) if number else left


def multiply(count: Formula, factor: int) -> Formula:
    """Multiply a formula by an integer."""
    times = operator.index(factor)
    return count if times == 1 else computed(count, lambda leaf: _sum([(count, leaf, times)]))


def divide(left: Formula, right: Formula | int) -> Formula:
    """Divide a formula by another or by an integer, rounded down; not where that is 0."""
    if isinstance(right, Formula):
        other, facts = right, declared_facts(_union(left, right))
        measure = replace(left.measure, names=None)
        return _together(
            left, other, measure, lambda a, b: _quotient(_value(left, a), _value(other, b), facts)
        )
    facts, number = declared_facts(left.hyperparameters), const(operator.index(right))
    return computed(left, lambda leaf: _quotient(_value(left, leaf), number, facts))


def divide_by(count: Formula, number: int) -> Formula:
    """Divide an integer by a formula, rounded down; not where that is 0."""
    facts, top = declared_facts(count.hyperparameters), const(operator.index(number))
    return computed(count, lambda leaf: _quotient(top, _value(count, leaf), facts))


def maximum(left: Formula, right: Formula | int) -> Formula:
    """Return the greater of a formula and another, or an integer.

    It is a number: of two modules, the one with more parameters may have fewer bytes.
    """
    if isinstance(right, Formula):
        other, facts = right, declared_facts(_union(left, right))
        left.measure.require_unit_of(other.measure, "maximum(a, b)")
        measure = _common_measure(left.measure, other.measure)
        return _together(
            left, other, measure, lambda a, b: _maximum(_value(left, a), _value(other, b), facts)
        )
    facts, number = declared_facts(left.hyperparameters), const(operator.index(right))
    return computed(left, lambda leaf: _maximum(_value(left, leaf), number, facts))


def _maximum(one: Poly, other: Poly, facts: Facts) -> Built:
    return Built((_number(comparing.maximum((one, other), facts)),), None)


def _value(count: Formula, leaf: Built) -> Poly:
    value = count.polynomial(leaf)
    assert value is not None
    return value


def _quotient(top: Poly, bottom: Poly, facts: Facts) -> Tree:
    undefined = Excluded("divides by zero")
    condition, polarity = comparing.compare_any("eq", bottom, const(0), facts)
    if condition is None and polarity:
        return undefined
    quotient = Built((_number(floordiv(top, bottom, facts)),), None)
    if condition is None:
        return quotient
    return Split(condition, None, *((undefined, quotient) if polarity else (quotient, undefined)))


# --- sums of tensors --------------------------------------------------------------------------


def _sum(parts: Sequence[_Part], number: int = 0) -> Built:
    """Return the tensors of all parts, each as often as it counts, and a number.

    Where all parts measure alike, tensors that they do not count are kept: one may ask for the
    buffers of a sum of formulas of parameters.
    """
    alike = len({replace(count.measure, names=None) for count, _, _ in parts}) == 1
    found: dict[TensorSpec, int] = {}
    for count, leaf, times in parts:
        for tensor in filter(count.measure.covers if alike else count.measure.weigh, leaf.weights):
            once = replace(tensor, times=1)
            found[once] = found.get(once, 0) + times * tensor.times
    numbers = (t.numel.scaled(times) for t, times in found.items() if t.kind == NO_TENSOR)
    rest = sum_of([const(number), *numbers])
    tensors = (replace(t, times=n) for t, n in found.items() if n and t.kind != NO_TENSOR)
    return Built((*tensors, *([_number(rest)] if rest.terms else [])), None)


def _number(value: Poly) -> TensorSpec:
    return TensorSpec("(number)", (value,), "", 0, NO_TENSOR, False, None, "")


def _common_measure(one: Measure, other: Measure) -> Measure:
    """Return a measure that gives each tensor of a sum the weight that it has in its part."""

    def common(name: str) -> Any:
        return getattr(one, name) if getattr(one, name) == getattr(other, name) else None

    return replace(
        one,
        kind=common("kind"),
        trainable=common("trainable"),
        dtype=common("dtype"),
        names=None,
    )


# --- trees ------------------------------------------------------------------------------------


def computed(count: Formula, of: Callable[[Built], Tree], **changes: Any) -> Formula:
    """Return a formula with what is computed `of` each module in its place.

    It holds nowhere where the formula does not, whatever has cancelled.

    Raises:
        DomainError: it would hold nowhere.
    """
    measure = replace(count.measure, names=None)
    made: dict[int, Tree] = {}

    def tree(node: Tree) -> Tree:
        if isinstance(node, Split):
            return replace(node, then=tree(node.then), otherwise=tree(node.otherwise))
        if not isinstance(node, Built):
            return node
        if id(node) not in made:
            made[id(node)] = _where_defined([_value(count, node)], of(node), measure)
        return made[id(node)]

    certificate = replace(count.certificate, counts=())
    return _formula(
        count, tree(count.tree), **{"certificate": certificate, "measure": measure, **changes}
    )


def _together(
    left: Formula, right: Formula, measure: Measure, join: Callable[[Built, Built], Tree]
) -> Formula:
    made: dict[tuple[int, int], Tree] = {}

    def joined(one: Built, other: Built) -> Tree:
        if (id(one), id(other)) not in made:
            values = [_value(left, one), _value(right, other)]
            made[id(one), id(other)] = _where_defined(values, join(one, other), measure)
        return made[id(one), id(other)]

    symbols = _union(left, right)
    names = {h.name for h in symbols}
    return _formula(
        left,
        _product(left.tree, right.tree, joined, ()),
        factory=_names(left.factory, right.factory),
        hyperparameters=symbols,
        fixed=tuple(f for f in _each(left.fixed, right.fixed) if f[0] not in names),
        certificate=_both(left.certificate, right.certificate),
        measure=measure,
        words={**left.words, **right.words},
    )


def _formula(count: Formula, tree: Tree, **changes: Any) -> Formula:
    ends = [leaf for _, leaf in leaves(tree)]
    if not any(isinstance(leaf, Built) for leaf in ends):
        why = next((leaf.reason for leaf in ends if isinstance(leaf, Excluded)), "nothing is built")
        raise DomainError(f"{changes.get('factory', count.factory)}: this holds at no sizes: {why}")
    return replace(count, tree=tree, origin=None, **changes)


def _product(
    left: Tree, right: Tree, join: Callable[[Built, Built], Tree], decided: Decisions
) -> Tree:
    """Follow one tree and then the other, which what was `decided` may settle."""
    if isinstance(left, Split):
        return _sides(left, decided, lambda side, known: _product(side, right, join, known))
    if not isinstance(left, Built):
        return left
    if isinstance(right, Split):
        return _sides(right, decided, lambda side, known: _product(left, side, join, known))
    return join(left, right) if isinstance(right, Built) else right


def _sides(split: Split, decided: Decisions, rest: Callable[[Tree, Decisions], Tree]) -> Tree:
    condition = split.condition
    known = settled(condition, decided)
    if known is not None:
        return rest(split.then if known else split.otherwise, decided)
    then = rest(split.then, (*decided, (condition, True)))
    return replace(
        split, then=then, otherwise=rest(split.otherwise, (*decided, (condition, False)))
    )


def _where_defined(values: Sequence[Poly], tree: Tree, measure: Measure) -> Tree:
    """Exclude sizes at which an operand has no value, if what has none there has cancelled."""
    kept = [
        top_atoms(sum_of(t.numel.scaled(measure.weigh(t)) for t in leaf.weights))
        for _, leaf in leaves(tree)
        if isinstance(leaf, Built)
    ]
    doubtful = (
        base
        for base in sorted(set().union(*map(top_atoms, values)), key=lambda base: base.key)
        if not all(base in atoms for atoms in kept) and not all(map(is_defined, atom(base).atoms()))
    )
    for base in doubtful:  # to compare it is to compute it
        computes = Condition("ge", atom(base), atom(base))
        tree = Split(computes, None, tree, Excluded("has no value"))
    return tree


# --- what goes with a formula -----------------------------------------------------------------


def _union(left: Formula, right: Formula) -> tuple[Hyperparameter, ...]:
    """Return the symbols of both; one has a default if it has it in both."""
    found = {h.name: h for h in left.hyperparameters}
    for h in right.hyperparameters:
        mine = found.setdefault(h.name, h)
        if mine is not h and _declaration(mine) != _declaration(h):
            raise ArgumentError(
                f"{h.name!r} is declared differently in {left.factory} and {right.factory}: "
                f"{_said(mine)}, and {_said(h)}; declare it alike, or rename one of the two"
            )
        found[h.name] = mine if mine.default == h.default else replace(mine, default=None)
    return tuple(found.values())


def _declaration(h: Hyperparameter) -> tuple[Any, ...]:
    return h.real, h.minimum, h.maximum, h.multiple_of


def _said(h: Hyperparameter) -> str:
    return h.declared + (", a float" if h.real else "")


def _names(one: str, other: str) -> str:
    if other in (one, *one.split(" and ")):
        return one
    names = f"{one} and {other}"
    return names if len(names) <= _LONGEST_NAME else f"{names[: _LONGEST_NAME - 1]}…"


def _both(one: Certificate, other: Certificate) -> Certificate:
    """Return the certificate of what rests on two formulas, of one derivation or of two."""
    substituted = _each(one.substituted, other.substituted)
    if replace(one, substituted=()) == replace(other, substituted=()):
        return replace(one, substituted=substituted, counts=())
    return replace(
        one,
        grade=min(one.grade, other.grade, key=_GRADES.index),
        reason=one.reason if other.reason in one.reason else f"{one.reason}; {other.reason}",
        paths=one.paths + other.paths,
        refused_paths=one.refused_paths + other.refused_paths,
        points=_each(one.points, other.points),
        concretisations=_each(one.concretisations, other.concretisations),
        harmless=_each(one.harmless, other.harmless),
        substituted=substituted,
        unfinished=_each(one.unfinished, other.unfinished),
        outside=one.outside or other.outside,
        counts=(),
        claims=_Claims(one.claims, other.claims),
    )


def _each(one: Iterable[Any], other: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys((*one, *other)))


class _Claims(Sequence["Claim"]):
    """The claims of several formulas, written when somebody asks for them."""

    def __init__(self, *parts: Sequence[Claim]) -> None:
        self._parts = parts

    @cached_property
    def _all(self) -> tuple[Claim, ...]:
        return tuple(dict.fromkeys(claim for part in self._parts for claim in part))

    def __len__(self) -> int:
        return len(self._all)

    @overload
    def __getitem__(self, index: int) -> Claim: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Claim]: ...
    def __getitem__(self, index: int | slice) -> Claim | Sequence[Claim]:
        return self._all[index]
