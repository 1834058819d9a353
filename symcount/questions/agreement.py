"""Say whether a count is what somebody expects it to be: proved, or where it is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Generic, Literal, TypeAlias

from symcount.algebra.evaluate import holds
from symcount.algebra.poly import Poly
from symcount.errors import UndecidedError
from symcount.formula.by_hand import ByHand
from symcount.formula.expressions import Expression
from symcount.formula.formula import CountT, Formula, OtherT
from symcount.questions.equality import Difference, Sides, said
from symcount.symbols import Values, everywhere

Verdict: TypeAlias = Literal["equal", "checked", "different", "undecided"]
_MOST_TERMS = 8


@dataclass(frozen=True)
class Agreement(Generic[CountT]):
    """The answer to whether a formula is what is expected; as text, a report.

    Attributes:
        count: the formula.
        expected: another formula, an expression, or a function written by hand.
        verdict: `"equal"` if that is proved wherever the formula holds; `"checked"` if it is
            proved of what a function does but for assumptions that were tried, as for what a loop
            adds up; `"different"` with `first` to show it; `"undecided"` if no size was found at
            which they differ, and nothing is proved.
        first: sizes at which they differ, the smallest where `is_first`. Its `left` is the count,
            its `right` what is expected, None where that raises or is no integer.
        tried: at how many sizes of the domain the two were compared one by one; 0 if they are
            written the same.
        terms: those of which the two have not as many at these sizes, each as what is expected
            and what was derived; "" is nothing.
        reason: what is not proved, and why; empty if all is.
    """

    count: CountT
    expected: Formula | Expression | ByHand
    verdict: Verdict
    first: Difference | None = None
    tried: int = 0
    terms: tuple[tuple[str, str], ...] = ()
    reason: str = ""

    def of(self, kind: Callable[[Formula], OtherT]) -> Agreement[OtherT]:
        """Return the same of another kind of formula."""
        others = (getattr(self, f.name) for f in fields(self) if f.name != "count")
        return Agreement(kind(self.count.formula), *others)

    def __bool__(self) -> bool:
        """Return whether the two are the same.

        Raises:
            UndecidedError: that is neither proved nor refuted.
        """
        if self.verdict == "undecided":
            raise UndecidedError(str(self))
        return self.verdict != "different"

    def __str__(self) -> str:
        lines = [
            f"{self.count.factory} {_VERBS[self.verdict]} the expected parameter count",
            f"  expected:   {self.expected}",
            f"  derived:    {self.count}",
            f"  domain:     {_domain(self.count.formula)}",
        ]
        if self.verdict != "different":
            return "\n".join([*lines, f"  {self.verdict + ':':<11} {self._why}"])
        if isinstance(self.expected, Formula) and self.expected.domain != self.count.formula.domain:
            lines.insert(2, f"   of domain: {_domain(self.expected)}")
        return "\n".join([*lines, *self._differences()])

    @property
    def _why(self) -> str:
        if self.verdict == "equal":
            return "proved wherever the formula holds"
        return self.reason

    def _differences(self) -> list[str]:
        assert self.first is not None
        order = "first size:" if self.first.is_first else "they differ at:"
        there, here = self._expected_at(self.first), said(self.first.left)
        lines = [f"  {order} {self.first.where}: {there} expected, {here} derived"]
        if not isinstance(self.expected, ByHand):
            return lines
        pairs = [
            f"{expected or 'none'} expected, {derived or 'none'} derived"
            for expected, derived in self.terms[:_MOST_TERMS]
        ]
        if len(self.terms) > _MOST_TERMS:
            pairs.append(f"and {len(self.terms) - _MOST_TERMS} more")
        return lines + [f"  {'' if n else 'terms:':<11} {pair}" for n, pair in enumerate(pairs)]

    def _expected_at(self, first: Difference) -> str:
        if isinstance(self.expected, ByHand):
            return self.expected.said_at(first.at)
        if first.right is None and isinstance(self.expected, tuple):
            return "no integer"
        return said(first.right)


def _domain(count: Formula) -> str:
    domain = str(count.domain)
    return everywhere(count.hyperparameters) if domain == "True" else domain


_VERBS: dict[Verdict, str] = {
    "equal": "has",
    "checked": "has",
    "different": "does not have",
    "undecided": "is not proved to have",
}


def agreement(count: Formula, expected: Formula | Expression | ByHand) -> Agreement[Formula]:
    """Prove that a formula is what is expected, or find sizes at which it is not.

    Raises:
        ArgumentError: the two have other symbols, or a function returns no number.
    """
    sides = Sides(count, expected)
    try:
        first = sides.first_difference()
    except UndecidedError:
        return Agreement(count, expected, "undecided", None, sides.tried, (), _open(sides))
    if first is not None:
        terms = _terms(count, expected, first)
        return Agreement(count, expected, "different", first, sides.tried, terms)
    reason = _assumed(expected, sides.tried)
    return Agreement(
        count, expected, "checked" if reason else "equal", None, sides.tried, (), reason
    )


def _open(sides: Sides) -> str:
    hand = sides.by_hand
    if hand is None:
        return "no size was found at which they differ, and no proof"
    text = f"equality was only tried, at {sides.tried:,} sizes, and they differ at none"
    if hand.formula is None:
        return f"{text}: the function cannot be followed on symbols. {hand.reason}"
    certificate = hand.formula.certificate
    if certificate.grade == "partial":
        return f"{text}. What is known of the function is partial: {certificate.reason}"
    if sides.proved_within:
        return (
            f"proved only where {hand.formula.domain}, and beyond, it computes with floats that "
            "round or is not followed; declare smaller sizes, Symbol(max=...), or write it with "
            f"integers. {text[0].upper()}{text[1:]}"
        )
    return text


def _assumed(expected: object, tried: int) -> str:
    """Say what a proof rests on that was tried alone."""
    if not isinstance(expected, ByHand) or expected.formula is None:
        return ""
    certificate = expected.formula.certificate
    if certificate.grade == "complete":
        return ""
    text = f"proved but for what the function is assumed to do, and tried at {tried:,} sizes: "
    return text + "; ".join(map(str, certificate.assumptions))


def _terms(
    count: Formula, expected: Formula | Expression | ByHand, first: Difference
) -> tuple[tuple[str, str], ...]:
    """List the terms that differ, of the pieces that hold at the sizes."""
    from symcount.formula.sympy_form import expression, text

    here = _piece(count, first.at)
    if isinstance(expected, ByHand) and expected.formula is not None:
        there = _piece(expected.formula, first.at)
    elif isinstance(expected, tuple):
        there = expected.poly
    else:
        there = _piece(expected, first.at) if isinstance(expected, Formula) else None
    if here is None or there is None or first.left is None or first.right is None:
        return ()

    def written(poly: Poly, monomial: Any) -> str:
        own = poly.terms.get(monomial)
        return "" if own is None else text(expression(Poly({monomial: own})))

    return tuple(
        (written(there, monomial), written(here, monomial))
        for monomial, _ in (there - here).sorted_terms()
    )


def _piece(count: Formula, at: Values) -> Poly | None:
    for decisions, poly in count.cases():
        if all(holds(condition, at) is truth for condition, truth in decisions):
            return poly
    return None
