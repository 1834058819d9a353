"""Find how fast a count grows with one symbol, and what the next value of the symbol costs.

Growth comes from exact expansions towards infinity (`symcount.algebra.expansion`), and nothing is
read off a plot. What is not proved is `UndecidedError`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from symcount.algebra.conditions import Condition
from symcount.algebra.expansion import Expander, Expansion, Order
from symcount.algebra.poly import Poly, Variable, const
from symcount.algebra.substitution import substituted
from symcount.errors import (
    ArgumentError,
    DomainError,
    NoSolutionError,
    UndecidedError,
    UnsupportedError,
)
from symcount.formula import sympy_form
from symcount.formula.signature import declared_facts
from symcount.formula.tree import Built, Inexact, Split, Tree
from symcount.packages import sympy
from symcount.questions.line import Line
from symcount.symbols import Number

if TYPE_CHECKING:
    from symcount.formula.formula import Formula


@dataclass(frozen=True)
class Marginal:
    """The cost of the next valid value of a symbol: the difference of the counts."""

    symbol: str
    value: int
    next: int
    cost: int


def marginal(count: Formula, name: str, at: Mapping[str, Any]) -> Marginal:
    """Compute the cost of the next value; see `ParamCount.marginal`."""
    others = {other: value for other, value in at.items() if other != name}
    line = Line(count, name, (0, None), others)
    here = count(**at)
    value = int(dict(zip(line.names, count.signature.bind((), at), strict=True))[name])
    following = line.ascending(value)
    if following is None:
        raise NoSolutionError(f"{line.where}: no {name} above {value} is in the domain")
    cost = line.at(following)
    assert cost is not None
    return Marginal(name, value, following, cost - here)


@dataclass(frozen=True)
class Growth:
    """The leading term of a count in one symbol, and its order.

    `order` is the power of the symbol in the term, `sympy.oo` if the term is exponential in it.
    """

    symbol: str
    order: Any
    term: sympy.Expr


def growth(count: Formula, name: str, others: Mapping[str, Any]) -> Growth:
    """Find the leading term in a symbol; see `ParamCount.growth`."""
    expansions = list(expanded(count, name, others, [count]))
    first = expansions[0][0][1]
    for (_, other), *_ in expansions[1:]:
        first = first.common(other)
    expander = expansions[0][0][0]
    x = sympy_form.symbol(name)
    leading = first.leading
    if leading is None:
        if first.rest is None:
            return Growth(name, 0, sympy.Integer(0))
        raise UndecidedError(
            f"{count.factory}: the leading term in {name} differs between values of any size, or "
            f"depends on other symbols, or all known terms cancel; {advice(count, name, others)}"
        )
    (base, power), coefficient = leading
    if expander.sign(first) is None:
        raise UndecidedError(
            f"{count.factory}: the leading term in {name} has the factor "
            f"{sympy_form.text(sympy_form.expression(coefficient))}, which may be zero; "
            f"give values of {', '.join(sorted(_symbols_of(coefficient)))}"
        )
    term = sympy_form.expression(coefficient) * _scale(x, (base, power))
    return Growth(name, sympy.oo if base > 1 else _exact(power), term)


def _symbols_of(poly: Poly) -> set[str]:
    return {base.name for base in poly.atoms() if isinstance(base, Variable)}


def _exact(power: Fraction) -> Any:
    return power.numerator if power.denominator == 1 else sympy.Rational(power)


def _scale(x: sympy.Symbol, order: Order) -> sympy.Expr:
    base, power = order
    return sympy.Rational(base.numerator, base.denominator) ** x * x ** _exact(power)


def advice(count: Formula, name: str, others: Mapping[str, Any]) -> str:
    """Return what to do about a leading term that is not known."""
    free = [h.name for h in count.hyperparameters if h.name != name and h.name not in others]
    return f"give values of {', '.join(free)}" if free else "nothing is said of it"


def expanded(
    count: Formula, name: str, others: Mapping[str, Any], measures: list[Formula]
) -> Iterator[list[tuple[Expander, Expansion]]]:
    """Expand formulas of the same tree on each path that large values may take."""
    values = _checked(count, name, others)
    facts = declared_facts(count.hyperparameters, values)
    expander = Expander(name, facts)

    def put(poly: Poly) -> Poly:
        """The polynomial with the values that are given."""
        for other, value in values.items():
            number = const(Fraction(value) if isinstance(value, float) else value)
            poly = substituted(poly, other, number, facts)
        return poly

    try:
        found = False
        for leaf in _taken_by_large_values(count.tree, expander, put):
            polys = [measure.polynomial(leaf) for measure in measures]
            found = True
            yield [(expander, expander.of(put(poly))) for poly in polys if poly is not None]
    except (UndecidedError, UnsupportedError, ArithmeticError) as error:
        raise UndecidedError(
            f"{count.factory}: the leading term in {name} is not known: {error}"
        ) from None
    if not found:
        raise NoSolutionError(
            f"{count.factory}: the domain ends before {name} is large, so there is no growth in it"
        )


def _taken_by_large_values(
    tree: Tree, expander: Expander, put: Callable[[Poly], Poly]
) -> Iterator[Built]:
    """Yield the paths on which large values may build a module."""
    if isinstance(tree, Split):
        condition = tree.condition
        if isinstance(tree.then, Inexact) or isinstance(tree.otherwise, Inexact):
            sides = {isinstance(tree.otherwise, Inexact)}
        else:
            put_in = Condition(condition.op, put(condition.left), put(condition.right))
            truth = expander.decides(put_in)
            sides = {True, False} if truth is None else {truth}
        for side in sorted(sides, reverse=True):
            yield from _taken_by_large_values(tree.then if side else tree.otherwise, expander, put)
    elif isinstance(tree, Built):
        yield tree


def _checked(count: Formula, name: str, others: Mapping[str, Any]) -> dict[str, Number]:
    """Check values of some of the other symbols, as a call does."""
    if name in others:
        raise ArgumentError(f"{name}={others[name]!r}: {name!r} is what goes to infinity")
    samples = {h.name: 1.0 if h.real else 1 for h in count.hyperparameters}
    bound = count.signature.bind((), {**samples, **others, name: samples.get(name, 1)})
    h = next(h for h in count.hyperparameters if h.name == name)
    if h.real:
        raise ArgumentError(f"{name} is a real symbol; growth is that in an integer symbol")
    values = {}
    for h, value in zip(count.hyperparameters, bound, strict=True):
        if h.name in others:
            if value not in h:
                raise DomainError(f"{h.name}={value} is outside the domain of {count.factory}")
            values[h.name] = value
    return values
