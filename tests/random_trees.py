"""Formulas made of normal forms alone, and sizes to compare what is said of them with."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from symcount.algebra.comparing import compare, maximum
from symcount.algebra.conditions import Condition
from symcount.algebra.facts import Facts
from symcount.algebra.poly import Poly, const
from symcount.errors import NoSolutionError, UnsupportedError
from symcount.formula.certificate import Certificate
from symcount.formula.formula import Formula
from symcount.formula.tree import Built, Refused, Split, TensorSpec
from symcount.param_count import ParamCount
from symcount.symbols import Hyperparameter
from tests.random_expressions import NAMES, expressions, normal_form

FACTS = Facts({name: (1, None) for name in NAMES})
CERTIFICATE = Certificate("complete", "", 1, 0, (), ())
REFUSED = Refused("ValueError", "refused", None, ())


def built(poly: Poly) -> Built:
    weight = TensorSpec("weight", (poly,), "float32", 4, "parameter", True, None, "")
    return Built((weight,), None)  # type: ignore[arg-type]


def formula(tree: Any, *names: str, **declared: Any) -> ParamCount:
    """A `ParamCount` of a tree of `Split`s; a polynomial stands for a module of that size."""
    symbols = tuple(declared.get(name, Hyperparameter(name)) for name in names)
    return ParamCount(Formula("f", symbols, (), _tree(tree), CERTIFICATE))


def _tree(tree: Any) -> Any:
    if isinstance(tree, Poly):
        return built(tree)
    if isinstance(tree, Split):
        return Split(tree.condition, None, _tree(tree.then), _tree(tree.otherwise))
    return tree


@st.composite
def conditions(draw: Any) -> Condition:
    """A comparison of random expressions that is not decided."""
    left, right = draw(expressions(3)), draw(expressions(2))
    try:
        a, b = normal_form(left, FACTS), normal_form(right, FACTS)
        condition, _ = compare(draw(st.sampled_from(["eq", "lt", "ge"])), a, b, FACTS)
    except (ArithmeticError, ValueError, UnsupportedError):
        condition = None
    return condition or compare("ge", normal_form("a", FACTS), const(7), FACTS)[0]  # type: ignore[return-value]


@st.composite
def counts(draw: Any, leaves: int = 4) -> Poly:
    """A random normal form that is not negative."""
    try:
        return maximum([normal_form(draw(expressions(leaves)), FACTS), const(0)], FACTS)
    except (ArithmeticError, ValueError, UnsupportedError):
        return normal_form("a", FACTS)


def trees(depth: int = 2) -> st.SearchStrategy[Any]:
    """Random decision trees of formulas, with paths on which nothing is built."""
    leaf = st.one_of(counts(), counts(), counts(), st.just(REFUSED))
    if not depth:
        return leaf
    below = trees(depth - 1)
    split = st.builds(lambda c, x, y: Split(c, None, x, y), conditions(), below, below)
    return st.one_of(leaf, split)


def at(count: ParamCount, name: str, value: int, others: dict[str, Any]) -> int | None:
    values = {name: value, **others}
    return count(**values) if count.valid(**values) else None


def tried(count: ParamCount, name: str, values: Any, total: int, **others: Any) -> dict[str, Any]:
    """The answers, by trying every value."""
    known = {v: c for v in values if (c := at(count, name, v, others)) is not None}
    return {
        "largest": max((v for v, c in known.items() if c <= total), default=None),
        "nearest": min(known, key=lambda v: (abs(known[v] - total), v), default=None),
        "exact": [v for v, c in known.items() if c == total],
    }


def solved(count: ParamCount, name: str, total: float, **more: Any) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for want in ("largest", "nearest", "exact"):
        try:
            answers[want] = count.solve(name, total, want=want, **more)
        except NoSolutionError:
            answers[want] = None
    return answers
