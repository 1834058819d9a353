"""Sum over the iterations of a loop in closed form.

What is summed is a polynomial in the index, in powers such as `2**i`, or a choice between such by
conditions on the index: `i == n - 1`, `i < k`, `i % 6 == 5`. A sum over an interval is a difference
of two polynomials in its ends, by Faulhaber's formula (Graham, Knuth, Patashnik, *Concrete
Mathematics*, section 6.5), and an iteration that is an exception is taken out of one and put in by
itself. Powers are summed by parts (section 2.6).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import Any

from symcount.algebra.choices import choice, choices_in
from symcount.algebra.comparing import compare, maximum, minimum
from symcount.algebra.conditions import Condition, divisibility, mentions
from symcount.algebra.facts import Facts
from symcount.algebra.functions import CHOICES, call
from symcount.algebra.poly import (
    Call,
    Monomial,
    Poly,
    Variable,
    atom,
    const,
    only_atom,
    symbol,
)
from symcount.algebra.rounding import floor, floordiv
from symcount.algebra.substitution import decided, substituted
from symcount.derivation.indices import has_index
from symcount.errors import UnsupportedError
from symcount.formula.choice_trees import Choice
from symcount.formula.tree import Repeat

_MOST_RESIDUES = 256


class NoClosedForm(Exception):
    """A sum whose terms depend on the index in a way that is not modelled."""


class Undecided(Exception):
    """A sum has one form where a condition holds, and another where it does not."""

    def __init__(self, condition: Condition) -> None:
        super().__init__(condition)
        self.condition = condition


@dataclass(frozen=True)
class Assumptions:
    """Assumptions under which a sum is wanted: facts, and conditions with their truth."""

    facts: Facts
    decided: Mapping[Condition, bool]

    def holds(self, op: str, a: Poly, b: Poly) -> bool:
        """Return whether a comparison holds; raise `Undecided` where it depends."""
        condition, polarity = compare(op, a, b, self.facts)
        if condition is None:
            return polarity
        return self.truth(condition) is polarity

    def truth(self, condition: Condition) -> bool:
        """Return the truth of a condition; raise `Undecided` where it depends."""
        known, polarity = compare(condition.op, condition.left, condition.right, self.facts)
        if known is None:
            return polarity
        if condition not in self.decided:
            raise Undecided(condition)
        return self.decided[condition]


def total(value: Poly, repeats: Sequence[Repeat], known: Assumptions) -> Poly:
    """Sum `value` over all iterations of nested loops, outermost first.

    Raises:
        NoClosedForm: there is none that is known here.
        Undecided: it depends on a condition that is not decided.
    """
    try:
        for repeat in reversed(repeats):
            everywhere = _Region(const(0), repeat.count)
            value = _Sum(value, repeat.index, known).over(repeat.when, everywhere)
        return value
    except UnsupportedError as error:
        raise NoClosedForm(str(error)) from error


@dataclass(frozen=True)
class _Region:
    """The iterations from `low` up to `high`, that one excluded, with one residue."""

    low: Poly
    high: Poly
    modulus: int = 1
    residue: int = 0


class _Sum:
    """Sums one polynomial over regions of one index."""

    def __init__(self, value: Poly, index: str, known: Assumptions) -> None:
        self.value = value
        self.index = index
        self.known = known

    def over(self, tree: Any, region: _Region) -> Poly:
        """Sum over the iterations of a region in which `tree` says 1."""
        if not isinstance(tree, Choice):
            return self.of(region) if tree else const(0)
        condition = tree.condition
        then, otherwise = tree.then, tree.otherwise
        if not mentions(condition, self.index):
            sides = (partial(self.over, side, region) for side in (then, otherwise))
            return self.either(condition, *sides)
        difference = condition.left - condition.right
        slope, rest = self.line(difference)
        if condition.op == "ge" and slope:
            edge = floor(rest.scaled(Fraction(1, abs(slope))), self.known.facts)
            first = -edge if slope > 0 else edge + const(1)  # where the truth changes
            first = minimum((region.high, maximum((region.low, first), self.facts)), self.facts)
            below, above = replace(region, high=first), replace(region, low=first)
            if slope < 0:
                then, otherwise = otherwise, then
            return self.over(otherwise, below) + self.over(then, above)
        power = self.power(difference)
        if condition.op == "ge" and power is not None:
            return self.over(Choice(power, then, otherwise), region)
        if condition.op == "eq" and abs(slope) == 1:
            at = rest.scaled(-slope)
            return self.over(otherwise, region) + self.at(then, at, region) - self.at(
                otherwise, at, region
            )  # fmt: skip
        multiples = self.multiples(condition)
        if multiples is not None and not any(isinstance(t, Choice) for t in (then, otherwise)):
            result = self.over(otherwise, region)
            return result + self.of_multiples(*multiples, region).scaled(then - otherwise)
        if condition.op in ("eq", "ge") and condition.right.constant is not None:
            result = self.over(otherwise, region)
            for part in self.residues(condition, region):
                result = result + self.over(then, part) - self.over(otherwise, part)
            return result
        raise NoClosedForm(f"a sum over the iterations in which {condition!r}")

    def either(
        self, condition: Condition, then: Callable[[], Poly], otherwise: Callable[[], Poly]
    ) -> Poly:
        """Return one of two sums, by a condition on symbols or on the index of a loop around."""
        if has_index(condition):
            return choice(condition, then(), otherwise())
        return (then if self.known.truth(condition) else otherwise)()

    @property
    def facts(self) -> Facts:
        return self.known.facts

    def power(self, value: Poly) -> Condition | None:
        """Turn `value >= 0`, a power of a number less a number, into a condition on the index."""
        constant = value.terms.get((), 0)
        rest = Poly({m: c for m, c in value.terms.items() if m})
        if len(rest.terms) != 1 or constant > 0:
            return None
        ((monomial, coefficient),) = rest.terms.items()
        base = monomial[0][0] if len(monomial) == 1 and monomial[0][1] == 1 else None
        if not (isinstance(base, Call) and base.op == "pow" and coefficient > 0):
            return None
        number, exponent = base.args[0].constant, base.args[1]
        if not isinstance(number, int) or number < 2:
            return None
        least = 0
        while coefficient * number**least + constant < 0:
            least += 1
        condition, polarity = compare("ge", exponent, const(least), self.facts)
        return condition if polarity else None

    def line(self, value: Poly) -> tuple[int, Poly]:
        """Return (a, b) if `value` is a * index + b, b free of the index; a = 0 if it is not."""
        monomial = ((Variable(self.index), 1),)
        slope = value.terms.get(monomial, 0)
        rest = Poly({m: c for m, c in value.terms.items() if m != monomial})
        if not isinstance(slope, int) or mentions(rest, self.index):
            return 0, value
        return slope, rest

    def at(self, tree: Any, at: Poly, region: _Region) -> Poly:
        """Return what one iteration of a region adds, if it is in it."""
        remainder = call("mod", at - const(region.residue), const(region.modulus))
        inside = (
            self.known.holds("ge", at, region.low)
            and self.known.holds("lt", at, region.high)
            and (region.modulus == 1 or self.known.holds("eq", remainder, const(0)))
        )
        if not inside:
            return const(0)
        while isinstance(tree, Choice):
            condition = tree.condition
            left, right = (
                substituted(side, self.index, at, self.facts)
                for side in (condition.left, condition.right)
            )
            tree = tree.then if self.known.holds(condition.op, left, right) else tree.otherwise
        return substituted(self.value, self.index, at, self.facts) if tree else const(0)

    def residues(self, condition: Condition, region: _Region) -> Iterator[_Region]:
        """List the parts of a region in which a condition on `(a * index + b) % m` holds."""
        base = only_atom(condition.left)
        if not (isinstance(base, Call) and base.op == "mod"):
            raise NoClosedForm(f"a sum over the iterations in which {condition!r}")
        modulus = base.args[1].constant
        slope, rest = self.line(base.args[0])
        offset, wanted = rest.constant, condition.right.constant
        if not (
            isinstance(modulus, int)
            and isinstance(wanted, int)
            and 0 < modulus <= _MOST_RESIDUES
            and isinstance(offset, int)
            and slope
        ):
            raise NoClosedForm(f"a sum over the iterations in which {condition!r}")
        period = math.lcm(modulus, region.modulus)
        for residue in range(period):
            fits = residue % region.modulus == region.residue
            value = (slope * residue + offset) % modulus
            if fits and (value == wanted if condition.op == "eq" else value >= wanted):
                yield replace(region, modulus=period, residue=residue)

    def multiples(self, condition: Condition) -> tuple[Poly, Poly] | None:
        """Return (b, m) if a condition is `(index + b) % m == 0`, m a positive symbol or term."""
        divides = divisibility(condition)
        if divides is None or divides[1].constant is not None:
            return None
        (slope, offset), period = self.line(divides[0]), divides[1]
        is_free = not mentions(period, self.index) and self.facts.at_least(period, 1)
        return (offset.scaled(slope), period) if abs(slope) == 1 and is_free else None

    def of_multiples(self, offset: Poly, period: Poly, region: _Region) -> Poly:
        """Sum over the iterations of a region that are a multiple of `period`, less `offset`."""
        if region.modulus > 1 or self.innermost_call() or self.innermost_condition():
            raise NoClosedForm(f"a sum over every iteration that {period!r} divides")
        low, high = (
            floordiv(bound + offset + period - const(1), period, self.facts)
            for bound in (region.low, region.high)
        )
        value = substituted(
            self.value, self.index, period * symbol(self.index) - offset, self.facts
        )
        return _Sum(value, self.index, self.known).of(_Region(low, high))

    def of(self, region: _Region) -> Poly:
        """Sum over all iterations of a region."""
        condition = self.innermost_condition()
        if condition is not None:
            return self._of_choice(condition, region)
        inner = self.innermost_call()
        if inner is not None and inner.op in ("max", "min"):
            return self._of_extremum(inner, region)
        period = 1 if inner is None else _period(inner)
        if region.modulus % period:
            return self._of_periodic(period, region)
        value, low, high = self.value, region.low, region.high
        if region.modulus > 1:
            step, start = region.modulus, const(region.residue)
            index = symbol(self.index)
            value = substituted(value, self.index, start + index.scaled(step), self.facts)
            low, high = (
                floor((bound - start + const(step - 1)).scaled(Fraction(1, step)), self.facts)
                for bound in (low, high)
            )
        result = const(0)
        for monomial, coefficient in value.terms.items():
            result = result + self._of_monomial(monomial, low, high).scaled(coefficient)
        return result

    def innermost_call(self) -> Call | None:
        """Return a call on the index, other than a power, with no such call among its arguments."""
        calls = {
            a
            for a in self.value.atoms()
            if isinstance(a, Call)
            and a.op != "pow"
            and any(mentions(p, self.index) for p in a.args)
        }
        innermost = (c for c in calls if calls.isdisjoint(a for p in c.args for a in p.atoms()))
        return min(innermost, key=lambda c: c.key, default=None)

    def innermost_condition(self) -> Condition | None:
        """Return the condition of a choice that depends on the index, or whose sides do."""
        on_index = [
            a
            for a in self.value.atoms()
            if isinstance(a, Call)
            and a.op in CHOICES
            and any(mentions(p, self.index) for p in a.args)
        ]
        found = choices_in(map(atom, sorted(on_index, key=lambda a: a.key)))
        return found[0] if found else None

    def _of_choice(self, condition: Condition, region: _Region) -> Poly:
        """Split the sum by the condition of a choice."""
        then, otherwise = (
            _Sum(decided(self.value, condition, truth, self.facts), self.index, self.known)
            for truth in (True, False)
        )
        if not mentions(condition, self.index):
            sides = (partial(side.of, region) for side in (then, otherwise))
            return self.either(condition, *sides)
        return then.over(Choice(condition, 1, 0), region) + otherwise.over(
            Choice(condition, 0, 1), region
        )

    def _of_extremum(self, call: Call, region: _Region) -> Poly:
        """Split the sum where the greater of two terms becomes the other one."""
        first, *rest = call.args
        other = rest[0] if len(rest) == 1 else atom(Call(call.op, tuple(rest)))
        condition, polarity = compare("ge" if call.op == "max" else "le", first, other, self.facts)
        one, two = (
            _Sum(_replaced(self.value, call, term), self.index, self.known)
            for term in (first, other)
        )
        if condition is None:
            return (one if polarity else two).of(region)
        if not polarity:
            one, two = two, one
        chosen = Choice(condition, 1, 0)
        return one.over(chosen, region) + two.over(Choice(condition, 0, 1), region)

    def _of_periodic(self, period: int, region: _Region) -> Poly:
        """Sum over each residue of the index, which decides a floor or a remainder."""
        whole = math.lcm(period, region.modulus)
        result = const(0)
        for residue in range(region.residue, whole, region.modulus):
            result = result + self.of(replace(region, modulus=whole, residue=residue))
        return result

    def _of_monomial(self, monomial: Monomial, low: Poly, high: Poly) -> Poly:
        degree, ratio, factor = 0, 1, const(1)
        for base, exponent in monomial:
            alone = Poly({((base, exponent),): 1})
            if isinstance(base, Variable) and base.name == self.index and exponent > 0:
                degree = exponent
            elif not mentions(alone, self.index):
                factor = factor * alone
            elif isinstance(base, Call) and base.op == "pow" and exponent > 0:
                number = base.args[0].constant
                slope, rest = self.line(base.args[1])
                if not isinstance(number, int) or number < 1 or slope < 1:
                    raise NoClosedForm(f"a sum over the index of {alone!r}")
                ratio *= number ** (slope * exponent)
                factor = factor * call("pow", const(number), rest) ** exponent
            else:
                raise NoClosedForm(f"a sum over the index of {alone!r}")
        below = _powers_below if ratio == 1 else partial(_scaled_powers_below, ratio)
        return factor * (below(degree, high) - below(degree, low))


def _period(call: Call) -> int:
    """Return the number whose multiples, added to the index, do not change what a floor drops."""
    period = call.args[-1].constant if call.op == "mod" else call.args[0].denominator
    if call.op in ("mod", "floor") and isinstance(period, int) and 0 < period <= _MOST_RESIDUES:
        return period
    raise NoClosedForm(f"a sum over the index of {call!r}")


def _replaced(value: Poly, call: Call, term: Poly) -> Poly:
    """Put a term in the place of a call that is among the own atoms of a polynomial."""
    result = const(0)
    for monomial, coefficient in value.terms.items():
        part = const(coefficient)
        for base, exponent in monomial:
            if base == call and exponent > 0:
                part = part * term**exponent
            elif isinstance(base, Call) and call in {a for p in base.args for a in p.atoms()}:
                raise NoClosedForm(f"a sum over the index of {base!r}")
            else:
                part = part * Poly({((base, exponent),): 1})
        result = result + part
    return result


def _scaled_powers_below(ratio: int, degree: int, end: Poly) -> Poly:
    """Sum i**degree * ratio**i for i from 0 to end - 1, by parts."""
    result = end**degree * call("pow", const(ratio), end) - const(0**degree)
    for k in range(degree):
        lower = _scaled_powers_below(ratio, k, end)
        result = result - lower.scaled(ratio * math.comb(degree, k))
    return result.scaled(Fraction(1, ratio - 1))


def _powers_below(degree: int, end: Poly) -> Poly:
    """Sum i**degree for i from 0 to end - 1.

    Faulhaber's formula, with the Bernoulli numbers B(k) of which B(1) is -1/2: the sum is
    1/(d + 1) times the sum of binomial(d + 1, k) * B(k) * end**(d + 1 - k) for k from 0 to d.
    """
    bernoulli = [Fraction(1)]
    for n in range(1, degree + 1):
        known = sum((math.comb(n + 1, k) * bernoulli[k] for k in range(n)), Fraction(0))
        bernoulli.append(-known / (n + 1))
    result = const(0)
    for k, number in enumerate(bernoulli):
        factor = Fraction(math.comb(degree + 1, k)) * number / (degree + 1)
        result = result + (end ** (degree + 1 - k)).scaled(factor)
    return result
