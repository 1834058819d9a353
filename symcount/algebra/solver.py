"""Decide with z3 whether any value of the symbols takes a path.

Conditions become formulas over integers. What z3 has no theory for (a float step, a power with a
symbolic exponent, `gcd`) becomes a fresh unknown that is held to what is certain of it, such as
bounds. So the translation says too little and never too much: *unsatisfiable* is a proof that no
value takes the path, while a model may be spurious and is a suggestion to be evaluated. z3's steps
are bounded, and *unknown* is an answer of its own: never a proof.

An answer depends on the questions before it, and on nothing else: each solver has a context of its
own, and a strategy without z3's timers.

A float step is held between the exact result times 1 - 2**-53 and times 1 + 2**-53, the relative
error of rounding to nearest in IEEE 754 binary64, unless it is so large that it may overflow.
"""

from __future__ import annotations

import functools
import math
import operator
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from symcount.algebra.choices import parts
from symcount.algebra.claims import Question
from symcount.algebra.conditions import Condition, Decisions
from symcount.algebra.facts import Facts
from symcount.algebra.functions import CALLS, CHOICES, has_floats, is_float
from symcount.algebra.poly import Atom, Call, Poly, Rational, Variable, atom, fraction
from symcount.packages import z3
from symcount.record import COMPARISONS
from symcount.symbols import Hyperparameter, Values
from symcount.work import NEVER, QUESTION, Deadline

_ULP = Fraction(1, 2**53)
_SMALLEST = Fraction(1, 2**1074)
# A power of 2 with this exponent is above 1 by so much that no rounding can lose it.
_STEEP = Fraction(1, 16)
# From here on a float step may overflow, and nothing is said of its result.
_OVERFLOW_BITS = 1023
# Values of the symbols are looked for up to the first of these, then up to the next.
_LIMITS = (2**12, 2**17, 2**24)
# Symbols that should be small, because loops are as long, are up to the second of each pair: a
# long loop takes longer than anything that a large value of another symbol leads to.
_LIMITS_OF_SMALL = (
    *((limit, 8) for limit in _LIMITS),
    (2**12, 64),
    (2**17, 64),
    (2**24, 512),
)
# torch describes sizes in 63 bits. Whether floats may overflow is judged for such sizes only.
_LARGEST_SIZE_BITS = 63
# What z3 calls the steps that it has taken, for all questions of a context.
_COUNTED = "rlimit count"
# z3's own strategies do some of this for so many milliseconds, and then something else.
_STRATEGY = ("simplify", "propagate-values", "solve-eqs", "elim-uncnstr", "simplify", "smt")
# Words of SMT-LIB, and functions of integers and reals, that are identifiers of Python.
_RESERVED = frozenset(
    "abs and as assert distinct div divisible exists exit false forall iand ite let match mod not "
    "or par pop pow2 push reset select store to_int to_real true xor".split()
)


class Solver:
    """Decides paths over the declared values of the symbols.

    Args:
        ranges: the symbols and their values.
        facts: what is known of the symbols on every path.
        steps: how many of z3's resource units one question may take.
        deadline: when nothing is known any more: no question that is asked then has an answer.
    """

    def __init__(
        self,
        ranges: Sequence[Hyperparameter],
        facts: Facts,
        steps: int = 1_600_000,
        deadline: Deadline = NEVER,
    ) -> None:
        self.facts = facts
        self.steps = steps
        self.deadline = deadline
        self.seconds = 0.0
        self._context = _new_context()
        self._steps_so_far = 0
        self._ranges = {h.name: h for h in ranges}
        self._symbols = {
            h.name: (z3.Real if h.real else z3.Int)(_name_of(h.name, place), self._context)
            for place, h in enumerate(ranges)
        }
        self._translation = _Translation(self._symbols, facts, self._context)
        self.small: set[str] = set()
        self._domain = [fact for h in ranges for fact in _declared(h, self._symbols[h.name])]

    def models(self, decisions: Decisions, most: int = 4) -> Iterator[Values | None]:
        """Values that may take a path, at most `most` of them, small ones if there are any.

        Gives None where z3 does not know, or has more, or only values too large to build anything
        with. Ending without having given anything is a proof that no value takes the path.
        """
        solver = self._asking(decisions)
        if self._check(solver) == z3.unsat:
            return
        symbols = self._symbols_of(decisions)
        limits = _LIMITS_OF_SMALL if self.small else [(limit, limit) for limit in _LIMITS]
        for limit, small in limits:
            solver.push()
            solver.add(*(s <= (small if n in self.small else limit) for n, s in symbols.items()))
            while most and self._check(solver) == z3.sat:
                most -= 1
                model = solver.model()
                exact = {n: model.eval(s, model_completion=True) for n, s in symbols.items()}
                yield {name: _plain(value) for name, value in exact.items()}
                solver.add(z3.Or(*(symbols[name] != value for name, value in exact.items())))
            solver.pop()
        yield None

    def proves_equal(self, a: Poly, b: Poly, decisions: Decisions) -> bool:
        """Prove that two polynomials are equal wherever a path is taken; False if unknown."""
        return bool(self._check(self._asking(decisions, (a, b))) == z3.unsat)

    def refutes(self, decisions: Decisions) -> bool:
        """Prove that no value takes the path; False if unknown."""
        return bool(self._check(self._asking(decisions)) == z3.unsat)

    def _asking(self, decisions: Decisions, *different: tuple[Poly, Poly]) -> Any:
        """A z3 solver that is told of a path, and that pairs of polynomials differ there."""
        self.deadline.spend(QUESTION)
        tactics = (z3.Tactic(name, ctx=self._context) for name in _STRATEGY)
        solver = z3.Then(*tactics, ctx=self._context).solver()
        symbols = self._symbols_of(decisions, *different)
        translation = self._translation
        translation.begin(symbols)
        solver.add(*self._domain)
        solver.add(*(s >= 0 for name, s in symbols.items() if name not in self._symbols))
        solver.add(*(translation.condition(c, truth) for c, truth in decisions))
        solver.add(*(translation.poly(a) != translation.poly(b) for a, b in different))
        solver.add(*translation.definitions.values())
        return solver

    def script(self, question: Question) -> tuple[str, bool]:
        """Write a question in SMT-LIB 2, and tell whether it says no less than there is.

        The answer is `unsat` if the claim is true. Declared are the symbols that it mentions.
        """
        atoms = frozenset[Atom]().union(*(poly.atoms() for poly in question.polynomials()))
        mentioned = {a.name for a in atoms if isinstance(a, Variable)}
        symbols = {n: s for n, s in self._symbols_with(mentioned).items() if n in mentioned}
        translation = _Translation(symbols, self.facts, self._context)
        assertions = [fact for name, s in symbols.items() for fact in self._said_of(name, s)]
        translation.whole = []
        assertions += [translation.condition(c, truth) for c, truth in question.given]
        assertions += translation.whole
        translation.whole = goals = []
        goals += [translation.poly(a) == translation.poly(b) for a, b in question.equal]
        goals += [translation.compared(*comparison) for comparison in question.compared]
        if question.equal or question.compared:
            assertions.append(z3.Not(goals[0] if len(goals) == 1 else z3.And(*goals)))
        lines = [f"; {s} is {name}" for name, s in symbols.items() if str(s) != name]
        lines += [f"; {unknown} is {what}" for unknown, what in translation.unknowns()]
        lines += ["(set-logic ALL)", *map(_declaration, (*symbols.values(), *translation.new))]
        everything = (*assertions, *translation.definitions.values())
        lines += [f"(assert {term.sexpr()})" for term in everything]
        is_exact = translation.is_exact and all(z3.is_int(s) for s in symbols.values())
        return "\n".join([*lines, "(check-sat)", ""]), is_exact

    def _said_of(self, name: str, symbol: Any) -> list[Any]:
        """What is declared of a symbol, or certain of an index."""
        return (
            list(_declared(self._ranges[name], symbol)) if name in self._ranges else [symbol >= 0]
        )

    def _symbols_of(self, decisions: Decisions, *different: tuple[Poly, Poly]) -> dict[str, Any]:
        """The symbols, and the indices of loops that a question mentions."""
        atoms = set().union(*(c.atoms() for c, _ in decisions))
        atoms = atoms.union(*(side.atoms() for pair in different for side in pair))
        return self._symbols_with({a.name for a in atoms if isinstance(a, Variable)})

    def _symbols_with(self, mentioned: set[str]) -> dict[str, Any]:
        indices = mentioned - self._symbols.keys()
        return self._symbols | {name: z3.Int(name, self._context) for name in sorted(indices)}

    def _check(self, solver: Any) -> Any:
        if self.deadline.passed:
            return z3.unknown
        started = time.perf_counter()
        solver.set("ctrl_c", False)  # or z3 takes the signal, and Python never hears of it
        solver.set("rlimit", self.steps)
        if self.deadline.until < math.inf:  # the last resort
            solver.set("timeout", max(1, int(1000 * self.deadline.seconds_left)))
        answer = solver.check()
        self.seconds += time.perf_counter() - started
        steps = max((n for what, n in iter(solver.statistics()) if what == _COUNTED), default=0)
        self.deadline.spend(max(0, steps - self._steps_so_far))
        self._steps_so_far = max(steps, self._steps_so_far)
        return answer


def _new_context() -> Any:
    """A z3 context of a solver's own: what was asked in others changes no answer.

    A context is for one thread at a time, but the garbage collector may release what belongs to
    it in any.
    """
    context = z3.Context()
    z3.Z3_enable_concurrent_dec_ref(context.ref())
    return context


def _name_of(symbol: str, place: int) -> str:
    """A name for a symbol that means nothing in SMT-LIB."""
    return symbol if symbol.isascii() and symbol not in _RESERVED else f"symbol!{place}"


def _declaration(symbol: Any) -> str:
    return f"(declare-const {symbol.sexpr()} {symbol.sort().sexpr()})"


def _plain(value: Any) -> int | float:
    if z3.is_int_value(value):
        return int(value.as_long())
    if z3.is_algebraic_value(value):
        value = value.approx(20)
    return float(value.as_fraction())


def _declared(h: Hyperparameter, s: Any) -> Iterator[Any]:
    yield s >= _constant(Fraction(h.minimum), s.ctx)
    if h.real:
        yield s > 0
    if h.maximum is not None:
        yield s <= _constant(Fraction(h.maximum), s.ctx)
    if h.multiple_of > 1:
        yield s % h.multiple_of == 0


class _Translation:
    """Questions in z3's terms, one after the other.

    `definitions` say what the unknowns of a question stand for. They hold wherever the atoms are
    defined, which the conditions that come before them on the path ensure, so they belong to the
    questions that mention these atoms only. Questions about one tree share most of their
    conditions: what these and their atoms are in z3's terms is remembered, definitions included.

    `is_exact` tells whether nothing has been said less precisely than it is. `whole`, if it is a
    list, takes what is to be so for numbers to be integers, which is said otherwise.
    """

    def __init__(self, symbols: Mapping[str, Any], facts: Facts, context: Any) -> None:
        self.context = context
        self.symbols = symbols
        self.facts = facts
        self.definitions: dict[int, Any] = {}
        self.is_exact = True
        self.whole: list[Any] | None = None
        self.new: list[Any] = []
        self._atoms: dict[Atom, tuple[Any, dict[int, Any]]] = {}
        self._conditions: dict[Condition, tuple[Any, dict[int, Any]]] = {}

    def begin(self, symbols: Mapping[str, Any]) -> None:
        """Begin another question, about these symbols."""
        self.symbols = symbols
        self.definitions = {}

    def define(self, *definitions: Any) -> None:
        """Say something of the unknowns of this question."""
        self.definitions.update((id(definition), definition) for definition in definitions)

    def condition(self, condition: Condition, truth: bool) -> Any:
        """A condition, or its negation."""
        formula = self._remembered(self._conditions, condition, self._formula)
        return formula if truth else z3.Not(formula)

    def _remembered(self, known: dict[Any, Any], key: Any, translate: Callable[[Any], Any]) -> Any:
        """Translate once, and define again in every question that mentions it."""
        if key not in known:
            outer, self.definitions = self.definitions, {}
            try:
                known[key] = translate(key), self.definitions
            finally:
                self.definitions = outer
        term, definitions = known[key]
        self.definitions.update(definitions)
        return term

    def _formula(self, condition: Condition) -> Any:
        left, right = self.poly(condition.left), self.poly(condition.right)
        return COMPARISONS[condition.op](left, right)

    def compared(
        self, op: str, left: Poly, right: Poly, condition: Condition | None, polarity: bool
    ) -> Any:
        """That a comparison has the truth of a condition, or this truth."""
        comparison = COMPARISONS[op](self.poly(left), self.poly(right))
        if condition is not None:
            return comparison == self.condition(condition, polarity)
        return comparison if polarity else z3.Not(comparison)

    def poly(self, poly: Poly) -> Any:
        """A polynomial: an integer term where it has neither fractions nor floats."""
        terms = []
        for monomial, coefficient in poly.terms.items():
            term: Any = None if monomial and coefficient == 1 else self._constant(coefficient)
            for base, exponent in monomial:
                factor = self.atom(base)
                if exponent < 0:
                    self._require_divisor(atom(base))
                for _ in range(abs(exponent)):
                    if exponent < 0:
                        term = _real(self._constant(1) if term is None else term) / _real(factor)
                    else:
                        term = factor if term is None else term * factor
            terms.append(term)
        return functools.reduce(operator.add, terms) if terms else self._constant(0)

    def atom(self, base: Atom) -> Any:
        """A symbol, or the unknown that stands for a call."""
        if isinstance(base, Variable):
            return self.symbols[base.name]
        return self._remembered(self._atoms, base, self._call)

    def _call(self, base: Call) -> Any:
        if base.op in CHOICES:
            return self._choice(base)
        translate = getattr(self, f"_{base.op}", None)
        if translate is not None:
            return translate(*base.args)
        return self._unknown(base)

    def _constant(self, value: Rational) -> Any:
        return _constant(value, self.context)

    def _new(self, integer: bool = True) -> Any:
        """An unknown, by a name that no symbol has: it is no identifier."""
        made = (z3.Int if integer else z3.Real)(f"unknown!{len(self.new)}", self.context)
        self.new.append(made)
        return made

    def unknowns(self) -> Iterator[tuple[Any, Call]]:
        """List the unknowns that stand for calls."""
        names = {unknown.get_id() for unknown in self.new}
        for base, (term, _) in self._atoms.items():
            if isinstance(base, Call) and term.get_id() in names:
                yield term, base

    def _require_divisor(self, divisor: Poly) -> None:
        """Note that nothing is said of a quotient where its divisor may be zero."""
        if not (self.facts.at_least(divisor, 1) or self.facts.at_least(-divisor, 1)):
            self.is_exact = False

    def _unknown(self, base: Call) -> Any:
        """An unknown within the bounds of the call."""
        self.is_exact = False
        for arg in base.args:
            self.poly(arg)
        unknown = self._new(not CALLS[base.op].is_float)
        low, high = self.facts.of(atom(base))
        if low is not None:
            self.define(unknown >= self._constant(low))
        if high is not None:
            self.define(unknown <= self._constant(high))
        return unknown

    # --- integers ---

    def _quotient(self, a: Any, divisor: Poly) -> tuple[Any, Any]:
        """Python's `a // b` and `a % b` of integers."""
        self._require_divisor(divisor)
        b = self._whole(divisor)
        q, r = self._new(), self._new()
        self.define(
            a == b * q + r,
            z3.Implies(b > 0, z3.And(r >= 0, r < b)),
            z3.Implies(b < 0, z3.And(r <= 0, r > b)),
        )
        return q, r

    def _floor(self, a: Poly) -> Any:
        top, bottom = fraction(a)
        return self._quotient(self.poly(top), bottom)[0]

    def _floordiv(self, a: Poly, b: Poly) -> Any:
        return self._quotient(self._whole(a), b)[0]

    def _mod(self, a: Poly, b: Poly) -> Any:
        divisor = b.constant
        if isinstance(divisor, int) and divisor > 0:
            return self._whole(a) % divisor
        return self._quotient(self._whole(a), b)[1]

    def _whole(self, a: Poly) -> Any:
        """A polynomial that has integer values, as an integer term whatever its coefficients."""
        top, bottom = fraction(a)
        if bottom.constant == 1:
            return self.poly(top)
        if self.whole is not None:
            value, rest = self._quotient(self.poly(top), bottom)
            self.whole.append(rest == 0)
            return value
        value = self._new()
        self.define(value * self.poly(bottom) == self.poly(top))
        return value

    def _max(self, *args: Poly) -> Any:
        first, *rest = map(self.poly, args)
        for value in rest:
            first = z3.If(first >= value, first, value)
        return first

    def _min(self, *args: Poly) -> Any:
        first, *rest = map(self.poly, args)
        for value in rest:
            first = z3.If(first <= value, first, value)
        return first

    def _choice(self, base: Call) -> Any:
        condition, then, otherwise = parts(base)
        return z3.If(self.condition(condition, True), self._whole(then), self._whole(otherwise))

    def _abs(self, a: Poly) -> Any:
        value = self.poly(a)
        return z3.If(value >= 0, value, -value)

    _fabs_py = _abs

    # --- floats: held about their exact value ---

    def _about(self, exact: Any, bits: float) -> Any:
        """A double within rounding of `exact`, which is less than 2**bits."""
        self.is_exact = False
        result = self._new(integer=False)
        size = z3.If(exact >= 0, exact, -exact)
        error = self._constant(_ULP) * size + self._constant(_SMALLEST)
        near = z3.And(result >= exact - error, result <= exact + error)
        if bits < _OVERFLOW_BITS:
            self.define(near)
        else:
            self.define(z3.Implies(size < self._constant(2**_OVERFLOW_BITS), near))
        return result

    def _operand(self, a: Poly) -> Any:
        """An operand as a double: an integer that may not be one is rounded first."""
        value = _real(self.poly(a))
        constant = a.constant
        is_double = has_floats(a) or (constant is not None and -(2**53) <= constant <= 2**53)
        return value if is_double else self._about(value, _bits(a))

    def _fadd(self, a: Poly, b: Poly) -> Any:
        return self._about(self._operand(a) + self._operand(b), max(_bits(a), _bits(b)) + 1)

    def _fmul(self, a: Poly, b: Poly) -> Any:
        return self._about(self._operand(a) * self._operand(b), _bits(a) + _bits(b))

    def _truediv(self, a: Poly, b: Poly) -> Any:
        return self._about(_real(self.poly(a)) / _real(self.poly(b)), _quotient_bits(a, b))

    def _fdiv(self, a: Poly, b: Poly) -> Any:
        return self._about(self._operand(a) / self._operand(b), _quotient_bits(a, b))

    def _sqrt(self, a: Poly) -> Any:
        root = self._new(integer=False)
        self.define(root >= 0, root * root == self._operand(a))
        return self._about(root, _bits(a))

    def _fpow(self, base: Poly, exponent: Poly) -> Any:
        """A power: C has 1 for one of 1, and of a larger integer one as steep is far above 1."""
        power = self._unknown(Call("fpow", (base, exponent)))
        steep = exponent.constant is not None and exponent.constant >= _STEEP
        if steep and all(self.facts.is_integer(m, c) for m, c in base.terms.items()):
            self.define(z3.Implies(self.poly(base) >= 1, power >= 1))
        return power

    def _floor_float(self, a: Poly) -> Any:
        return z3.ToInt(_real(self.poly(a)))

    def _ceil_float(self, a: Poly) -> Any:
        return -z3.ToInt(-_real(self.poly(a)))

    def _trunc(self, a: Poly) -> Any:
        value = _real(self.poly(a))
        return z3.If(value >= 0, z3.ToInt(value), -z3.ToInt(-value))

    def _round(self, a: Poly) -> Any:
        self.is_exact = False
        value, result = _real(self.poly(a)), self._new()
        half = self._constant(Fraction(1, 2))
        self.define(result >= value - half, result <= value + half)
        return result


def _bits(value: Poly) -> float:
    """Bound the bits of a value's magnitude, for sizes that torch can describe."""
    total = 0.0
    for monomial, coefficient in value.terms.items():
        bits = max(0.0, math.log2(abs(float(coefficient))))
        for base, exponent in monomial:
            bits += exponent * _atom_bits(base) if exponent > 0 else math.inf
        total = max(total, bits)
    return total + math.log2(len(value.terms) or 1) + 1


def _atom_bits(base: Atom) -> float:
    if isinstance(base, Variable):
        return _LARGEST_SIZE_BITS
    bits = [_bits(a) for a in base.args]
    if base.op in CHOICES:
        return max(bits[2:]) + 1
    if base.op in ("fadd", "max", "min"):
        return max(bits) + 1
    if base.op == "fmul":
        return sum(bits) + 1
    if base.op in ("truediv", "fdiv"):
        return _quotient_bits(*base.args) + 1
    if base.op in ("floor", "trunc", "floor_float", "ceil_float", "round", "sqrt", "mod", "abs"):
        return max(bits) + 1
    return math.inf


def _quotient_bits(a: Poly, b: Poly) -> float:
    """The same of a quotient: known where the divisor is a constant, or a whole number."""
    constant = b.constant
    if constant is not None:
        return _bits(a) + max(0.0, -math.log2(abs(float(constant))))
    whole = all(c.denominator == 1 and not any(map(is_float, dict(m))) for m, c in b.terms.items())
    return _bits(a) if whole else math.inf


def _constant(value: Rational, context: Any) -> Any:
    if value.denominator == 1:
        return z3.IntVal(value.numerator, context)
    return z3.RealVal(value, context)


def _real(value: Any) -> Any:
    return z3.ToReal(value) if z3.is_int(value) else value
