"""Translate normal forms to sympy: expressions, conditions and domains to read and use.

Symbols are `integer=True, positive=True`, or `nonnegative=True` if they may be zero. Float steps
become functions of their own, which compute, on numbers, the double that Python computes; LaTeX
shows them as circled operators.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any

from symcount.packages import sympy  # first, as it says what to install

# isort: split
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.logic.boolalg import Boolean
from sympy.printing.printer import Printer
from sympy.printing.str import StrPrinter

from symcount.algebra.choices import as_choice
from symcount.algebra.conditions import Condition, Decision, Decisions
from symcount.algebra.facts import Facts
from symcount.algebra.functions import CALLS, CHOICES, INTEGERS
from symcount.algebra.poly import (
    Atom,
    Call,
    Poly,
    atom,
    const,
    fraction,
    inside_out,
    reciprocal_of_term,
    sum_of,
    top_atoms,
)
from symcount.formula.choice_trees import ANYTHING, Choice
from symcount.formula.summands import summands
from symcount.formula.tree import strongest
from symcount.symbols import Hyperparameter

# How a function of two is written between them: in LaTeX, and as one character.
_SIGNS = {
    "fadd": (r"\oplus", "⊕"),
    "fmul": (r"\otimes", "⊗"),
    "truediv": (r"\oslash", "⊘"),
    "fdiv": (r"\oslash", "⊘"),
    "and": (r"\mathbin{\&}", None),
    "or": (r"\mathbin{|}", None),
    "xor": (r"\mathbin{\wedge}", None),
}
_NAMES = {
    "and": "bitand",
    "or": "bitor",
    "xor": "bitxor",
    "fabs_py": "fabs",
    "floor_float": "ffloor",
    "ceil_float": "fceil",
    "round": "fround",
    "fround": "fround_digits",
}


def _number(value: sympy.Expr) -> int | float:
    return int(value) if value.is_Integer else float(value)


def _function(op: str) -> Any:
    """The sympy function for a call that sympy has none for."""
    function = CALLS[op]
    infix, sign = _SIGNS.get(op, (None, None))

    def evaluate(cls: Any, *args: sympy.Expr) -> sympy.Expr | None:
        if not all(a.is_number and (a.is_Integer or a.is_Rational or a.is_Float) for a in args):
            return None
        result = function.at(*map(_number, args))
        # to sympy the float 1.0 is not equal to 1, as it is in Python
        if isinstance(result, float) and not (result.is_integer() and abs(result) <= 2**53):
            return sympy.Float(result)
        return sympy.Integer(result)

    def latex(self: Any, printer: Any, exp: str | None = None) -> str:
        args = [printer._print(a) for a in self.args]
        if infix is not None:
            text = rf"\left({f' {infix} '.join(args)}\right)"
        else:
            name = type(self).__name__.replace("_", r"\_")
            text = rf"\operatorname{{{name}}}\left({', '.join(args)}\right)"
        return text if exp is None else f"{text}^{{{exp}}}"

    return type(
        _NAMES.get(op, op),
        (sympy.Function,),
        {
            "eval": classmethod(evaluate),
            "_latex": latex,
            "sign": sign,
            # a double may be whole, so of one it is not known
            "is_integer": None if function.is_float else True,
            "is_real": True,
            "is_finite": True,
        },
    )


def _int_division(a: sympy.Expr, b: sympy.Expr) -> sympy.Expr:
    return sympy.floor(a / b)


_OWN: dict[str, Callable[..., Any]] = {
    "floor": sympy.floor,
    "floordiv": _int_division,
    "mod": sympy.Mod,
    "max": sympy.Max,
    "min": sympy.Min,
    "abs": sympy.Abs,
    "pow": sympy.Pow,
    "factorial": sympy.factorial,
}
FUNCTIONS = {op: _OWN.get(op) or _function(op) for op in CALLS.keys() - CHOICES}


def symbol(name: str, real: bool = False, least: int = 1) -> sympy.Symbol:
    """The sympy symbol of a hyper-parameter."""
    if real:
        return sympy.Symbol(name, real=True, positive=True)
    return sympy.Symbol(name, integer=True, **{"positive" if least else "nonnegative": True})


@lru_cache(maxsize=4096)
def expression(poly: Poly) -> sympy.Expr:
    """A normal form as a sympy expression."""
    return sympy.Add(*(_term(m, c) for m, c in _with_ceilings(poly).sorted_terms()))


def in_layers(poly: Poly, loops: Sequence[Poly]) -> sympy.Expr:
    """A normal form, with what is there once for each iteration of a loop in brackets.

    So `12*d**2*n + 13*d*n + 2*d` is `n*(12*d**2 + 13*d) + 2*d`. `loops` are the numbers of
    iterations, those of outer loops first.
    """
    poly = _with_ceilings(poly)
    counts = dict.fromkeys(
        base for loop in loops for m, _ in _with_ceilings(loop).sorted_terms() for base, _ in m
    )
    parts = [base for base in top_atoms(poly) if isinstance(base, Call) and base not in counts]
    counts |= dict.fromkeys(
        base
        for base in sorted(parts, key=lambda part: part.key)
        if not counts.keys().isdisjoint(a for arg in base.args for a in arg.atoms())
    )
    return _bracketed(poly, list(counts))


def _bracketed(poly: Poly, counts: Sequence[Atom]) -> sympy.Expr:
    for place, count in enumerate(counts):
        powers = {m: dict(m).get(count, 0) for m in poly.terms}
        for power in sorted({p for p in powers.values() if p > 0}, reverse=True):
            each = {
                tuple(p for p in m if p[0] != count): c
                for m, c in poly.terms.items()
                if powers[m] == power
            }
            if len(each) > 1:
                rest = Poly({m: c for m, c in poly.terms.items() if powers[m] != power})
                inside = _bracketed(Poly(each), counts[place + 1 :])
                return _atom(count) ** power * inside + _bracketed(rest, counts[place:])
    return sympy.Add(*(_term(m, c) for m, c in poly.sorted_terms()))


def _with_ceilings(poly: Poly) -> Poly:
    """`floor((a - 1)/m) + 1` as `ceiling(a/m)`, unless that takes more terms."""
    for base in top_atoms(poly):
        if not isinstance(base, Call) or base.op != "floor":
            continue
        rounded_up = _rounded_up(base.args[0])
        if rounded_up is None:
            continue
        up, less = rounded_up
        replaced = atom(Call("ceiling", (up,))) - const(less)
        powers = {m: dict(m).get(base, 0) for m in poly.terms}
        if less and min(powers.values()) < 0:
            continue  # a sum has no reciprocal that could be written
        written = sum_of(
            Poly({tuple(p for p in m if p[0] != base): c}) * replaced ** powers[m]
            for m, c in poly.terms.items()
        )
        if len(written.terms) <= len(poly.terms):
            poly = written
    return poly


def _term(monomial: Any, coefficient: int | Fraction) -> sympy.Expr:
    number = sympy.Rational(coefficient.numerator, coefficient.denominator)
    return sympy.Mul(number, *(_atom(base) ** exponent for base, exponent in monomial))


def _atom(base: Atom) -> sympy.Expr:
    written = _WRITTEN.get(base)
    if written is None:
        if len(_WRITTEN) >= _MOST_WRITTEN:
            _WRITTEN.clear()
        for call in inside_out(base, _WRITTEN.__contains__):
            _WRITTEN[call] = _of_call(call)
        if isinstance(base, Call):
            written = _of_call(base)
        else:
            written = symbol(base.name, base.real, 1 if base.is_index else base.least)
        _WRITTEN[base] = written
    return written


_WRITTEN: dict[Atom, sympy.Expr] = {}
_MOST_WRITTEN = 4096
# Sympy compares each pair of arguments of an extremum, and asks what is known of what it rounds,
# which takes up to twice as long for each that is nested in them.
_MOST_NESTED = 6


def _of_call(base: Call) -> sympy.Expr:
    if base.op == "ceiling":
        return sympy.ceiling(expression(base.args[0]))
    if base.op in CHOICES:
        return _of_choices(atom(base))
    written = expression if CALLS[base.op].takes == INTEGERS else _argument
    args = map(written, base.args)
    if base.op in ("max", "min", "floor"):
        inside = (inner for arg in base.args for inner in arg.atoms() if isinstance(inner, Call))
        nested = sum(inner.op in ("max", "min", "floor") for inner in inside)
        return FUNCTIONS[base.op](*args, evaluate=nested <= _MOST_NESTED)
    return FUNCTIONS[base.op](*args)


def _of_choices(value: Poly) -> sympy.Expr:
    """A choice between numbers; the sides that are choices too are more arms of it."""
    arms = []
    while (choice := as_choice(value)) is not None:
        test, then, otherwise = choice
        if as_choice(then) is None or as_choice(otherwise) is not None:
            arms.append((expression(then), condition(test)))
            value = otherwise
        else:
            arms.append((expression(otherwise), condition(test, truth=False)))
            value = then
    return _piecewise([*arms, (expression(value), sympy.true)])


def _rounded_up(value: Poly) -> tuple[Poly, int] | None:
    """Return `a/m` and the difference if `floor(value)` is `ceiling(a/m)` minus 0, or minus 1.

    Of integers it is where `value` is `(a + m - 1)/m`, or `(a - 1)/m`.
    """
    top, bottom = fraction(value)
    rest = top.terms.get((), 0)
    top -= const(rest)
    common = math.gcd(*(int(c) for c in (*bottom.terms.values(), *top.terms.values())))
    divisor, rest = bottom.scaled(Fraction(1, common)).constant, rest // common
    less = 1 if rest == -1 else 0
    if divisor == 1 or (not less and (divisor is None or rest != divisor - 1)):
        return None
    inverse = reciprocal_of_term(bottom)
    whole = all(map(Facts().is_integer, top.terms, top.terms.values()))
    return (top * inverse, less) if whole and inverse is not None else None


def _argument(poly: Poly) -> sympy.Expr:
    """An argument of a float step: a constant is a float unless it is whole."""
    constant = poly.constant
    if isinstance(constant, Fraction):
        return sympy.Float(constant.numerator / constant.denominator)
    return expression(poly)


def condition(value: Condition, truth: bool = True) -> Boolean:
    """A condition, or its negation, as a sympy relation."""
    left, right = _argument(value.left), _argument(value.right)
    relation = {
        ("eq", True): sympy.Eq,
        ("eq", False): sympy.Ne,
        ("ge", True): sympy.Ge,
        ("ge", False): sympy.Lt,
        ("lt", True): sympy.Lt,
        ("lt", False): sympy.Ge,
        ("le", True): sympy.Le,
        ("le", False): sympy.Gt,
    }[value.op, truth]
    return relation(left, right, evaluate=bool(left.is_number and right.is_number))


def domain(hyperparameters: Iterable[Hyperparameter], tree: Any) -> Boolean:
    """Write a domain: what is declared of the symbols, and a joined tree of True and False."""
    parts = []
    for h in hyperparameters:
        s = symbol(h.name, h.real, h.least)
        if h.minimum > h.least:
            parts.append(sympy.Ge(s, h.minimum))
        if h.maximum is not None:
            parts.append(sympy.Le(s, h.maximum))
        if h.multiple_of > 1:
            parts.append(sympy.Eq(sympy.Mod(s, h.multiple_of), 0))
    return sympy.And(*parts, boolean(tree))


def boolean(tree: Any) -> Boolean:
    """Write a joined tree of True and False as a sympy Boolean."""
    needed: list[Decision] = []
    while isinstance(tree, Choice) and (tree.then is False or tree.otherwise is False):
        truth = tree.otherwise is False
        needed.append((tree.condition, truth))
        tree = tree.then if truth else tree.otherwise
    tests = [condition(*decision) for decision in strongest(needed)]
    if not isinstance(tree, Choice):
        return sympy.And(*tests) if tree else sympy.false
    here, not_here = condition(tree.condition), condition(tree.condition, truth=False)
    then, otherwise = tree.then, tree.otherwise
    if then is True:
        rest = sympy.Or(here, boolean(otherwise))
    elif otherwise is True:
        rest = sympy.Or(not_here, boolean(then))
    else:
        rest = sympy.Or(sympy.And(here, boolean(then)), sympy.And(not_here, boolean(otherwise)))
    return sympy.And(*tests, rest)


def piecewise(tree: Any, write: Callable[[Poly], sympy.Expr] = expression) -> sympy.Expr:
    """A joined tree of normal forms as an expression: with a `Piecewise` where it has choices."""
    if tree is ANYTHING:
        return sympy.Integer(0)
    common, trees = summands(tree)
    return sympy.Add(write(common), *(_choices(each, write) for each in trees))


def _choices(tree: Choice, write: Callable[[Poly], sympy.Expr]) -> sympy.Expr:
    arms: list[tuple[Poly, Any]] = []
    for value, test in _arms(tree, ()):
        if arms and arms[-1][0] == value:
            arms[-1] = value, sympy.Or(arms[-1][1], test)
        else:
            arms.append((value, test))
    *others, (last, _) = arms
    pairs = [(write(value), test) for value, test in others]
    return _piecewise([*pairs, (write(last), sympy.true)])


def _piecewise(arms: Sequence[tuple[sympy.Expr, Boolean]]) -> sympy.Expr:
    """A `Piecewise` of these arms as they are.

    Of choices in a condition sympy makes one of all combinations, and solves them, for minutes.
    """
    if not any(test.has(sympy.Piecewise) for _, test in arms):
        return sympy.Piecewise(*arms, evaluate=False)
    pairs = (sympy.Basic.__new__(ExprCondPair, *arm) for arm in arms)
    written: sympy.Expr = sympy.Basic.__new__(sympy.Piecewise, *pairs)
    return written


def _arms(tree: Any, tests: Decisions) -> Iterator[tuple[Poly, Boolean]]:
    """The arms of a `Piecewise`, of which the first whose test is true counts.

    So a test need not exclude what an earlier arm has taken.
    """
    if not isinstance(tree, Choice):
        yield tree, sympy.And(*(condition(*decision) for decision in strongest(tests)))
        return
    if isinstance(tree.then, Choice) and not isinstance(tree.otherwise, Choice):
        yield from _arms(tree.otherwise, (*tests, (tree.condition, False)))
        yield from _arms(tree.then, tests)
    else:
        yield from _arms(tree.then, (*tests, (tree.condition, True)))
        yield from _arms(tree.otherwise, tests)


def terms(value: sympy.Expr) -> list[sympy.Expr]:
    """The terms of a sum as they are written: those in brackets first, the highest power next."""
    ordered: list[sympy.Expr] = value.as_ordered_terms()
    return sorted(ordered, key=lambda term: bracket(term) is None)


def bracket(term: sympy.Expr) -> sympy.Add | None:
    """The sum that a term multiplies, if it is a product with one."""
    sums = [factor for factor in term.args if factor.is_Add] if term.is_Mul else []
    return sums[0] if len(sums) == 1 else None


class InsideOut(Printer):  # type: ignore[misc]
    """Prints each part once, and before what holds it: Python's stack may be less deep."""

    def doprint(self, expr: Any) -> str:
        self._printed: dict[Any, str] = {}
        waiting = [(expr, False)]
        while waiting:
            part, is_last = waiting.pop()
            if is_last:
                self._print(part)
            elif isinstance(part, sympy.Basic) and part not in self._printed:
                waiting += [(part, True), *((arg, False) for arg in part.args)]
        return str(super().doprint(expr))

    def _as_ordered_terms(self, expr: sympy.Expr, order: Any = None) -> list[sympy.Expr]:
        return terms(expr)

    def _print(self, expr: Any, **kwargs: Any) -> str:
        if kwargs or not isinstance(expr, sympy.Basic):
            return str(super()._print(expr, **kwargs))
        if expr not in self._printed:
            self._printed[expr] = str(super()._print(expr))
        return self._printed[expr]


class _Text(InsideOut, StrPrinter):  # type: ignore[misc]
    """Floats in the shortest form that reads back as the same double."""

    def _print_Float(self, expr: sympy.Float) -> str:
        return repr(float(expr))


def text(value: sympy.Basic) -> str:
    """An expression or condition as text that reads back as the same."""
    return str(_Text().doprint(value))


# About as many characters of text as fit one line when they are typeset.
LINE = 72


@dataclass
class Line:
    """Terms that take one line; before them brackets open, after their factors, and after close."""

    terms: list[sympy.Expr]
    opened: list[sympy.Expr] = field(default_factory=list)
    closed: int = 0


def lines(value: sympy.Basic, width: int = LINE) -> list[Line]:
    """The terms of a sum in groups that take one line each; anything else is one group."""
    if not isinstance(value, sympy.Add):
        inner = bracket(value) if isinstance(value, sympy.Expr) else None
        if inner is None or len(text(value)) <= width:
            return [Line([value])]
        found = lines(inner, width)
        found[0].opened.insert(0, value / inner)
        found[-1].closed += 1
        return found
    found, room = [], 0
    for term in terms(value):
        own = len(text(term)) + 3
        if own > width and bracket(term) is not None:
            found += lines(term, width)
            room = 0
        elif own > room:
            found.append(Line([term]))
            room = width - own
        else:
            found[-1].terms.append(term)
            room -= own
    return found
