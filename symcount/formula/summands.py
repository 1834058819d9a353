"""Take a tree of choices apart into a sum: what its pieces have in common, and what each adds.

`k` independent choices make `2**k` pieces, and each repeats what all have. As a sum they are `k`
small trees beside what is always there. Only what gets much shorter is taken apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from symcount.algebra.facts import is_defined
from symcount.algebra.poly import Atom, Poly, const, sum_of
from symcount.formula.choice_trees import Choice, choice, mapped

# A comparison is as long as so many factors of terms.
_OF_A_TEST = 2
# A sum that is hardly shorter is no easier to read.
_SHORT_ENOUGH = 3 / 4
# Trees with more tests, of all pieces together, are not taken apart but for what all pieces have.
_MOST_TESTS = 8192


class _Sum(NamedTuple):
    """A polynomial and trees that are added to it.

    `length` says about how long all are, in factors; then fewer are negative, and more are zero.
    """

    common: Poly
    trees: tuple[Choice, ...]
    length: tuple[int, int, int]


def summands(tree: Any) -> tuple[Poly, tuple[Choice, ...]]:
    """Return a polynomial and trees of `Choice`s that add up to a tree of polynomials."""
    whole = _sum(const(0), tree)
    found = _apart(tree) if _tests(tree) <= _MOST_TESTS else _shared(tree)
    return (found if found.length[0] <= _SHORT_ENOUGH * whole.length[0] else whole)[:2]


def _apart(tree: Any) -> _Sum:
    """Find the shortest sum."""
    if isinstance(tree, Poly):
        return _sum(tree)
    found = [_shared(tree)]
    more = _difference(tree.then, tree.otherwise)
    if more is None or _sum(const(0), more).length > found[0].length:
        return found[0]
    if all(map(is_defined, _atoms(_leaves(more)))):
        none = const(0)
        less = mapped(more, lambda poly: -poly)
        for rest, extra in (
            (tree.otherwise, choice(tree.condition, more, none)),
            (tree.then, choice(tree.condition, none, less)),
        ):
            base = _apart(rest)
            found.append(_sum(base.common, *base.trees, extra))
    return min(found, key=lambda each: each.length)


def _shared(tree: Any) -> _Sum:
    """Take out the terms that all pieces have."""
    first, *others = _leaves(tree)
    terms = {
        monomial: coefficient
        for monomial, coefficient in first.terms.items()
        if all(poly.terms.get(monomial) == coefficient for poly in others)
    }
    common = Poly(terms)
    return _sum(common, mapped(tree, lambda poly: poly - common) if terms else tree)


def _sum(common: Poly, *trees: Any) -> _Sum:
    """Add up, polynomials among the trees too."""
    split = [tree for tree in trees if isinstance(tree, Choice)]
    common = sum_of([common, *(tree for tree in trees if isinstance(tree, Poly))])
    leaves = [common, *(leaf for tree in split for leaf in _leaves(tree))]
    tests = len(leaves) - 1 - len(split)
    factors = sum(map(_factors, leaves)) + _OF_A_TEST * tests
    negative = sum(c < 0 for leaf in leaves for c in leaf.terms.values())
    zeros = sum(not leaf.terms for leaf in leaves)
    return _Sum(common, tuple(split), (factors, negative, -zeros))


def _factors(poly: Poly) -> int:
    return sum(len(m) + (abs(c) != 1 or not m) for m, c in poly.terms.items()) or 1


def _difference(one: Any, other: Any) -> Any:
    """Subtract a tree from another, piece by piece; None where they do not split alike."""
    if isinstance(one, Poly) and isinstance(other, Poly):
        return one - other
    conditions = {tree.condition for tree in (one, other) if isinstance(tree, Choice)}
    if len(conditions) > 1:
        return None
    (condition,) = conditions
    if not all(map(is_defined, _atoms([condition.left, condition.right]))):
        return None  # it is asked on one side only
    sides = [
        _difference(*(getattr(t, side) if isinstance(t, Choice) else t for t in (one, other)))
        for side in ("then", "otherwise")
    ]
    return None if None in sides else choice(condition, *sides)


def _tests(tree: Any, around: int = 0) -> int:
    """Count the tests that decide on each piece, those of all pieces together."""
    if not isinstance(tree, Choice):
        return around
    return _tests(tree.then, around + 1) + _tests(tree.otherwise, around + 1)


def _leaves(tree: Any) -> Iterator[Poly]:
    if isinstance(tree, Choice):
        yield from _leaves(tree.then)
        yield from _leaves(tree.otherwise)
    else:
        yield tree


def _atoms(values: Iterable[Poly]) -> Iterator[Atom]:
    for value in values:
        yield from value.atoms()
