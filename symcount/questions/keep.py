"""Parse the small language in which `search` is told what to keep.

A text, such as `"d/n_layer near 64 and d % 64 == 0"`, is comparisons joined by `and`. A comparison
is `a near b`, or one or more of `== != < <= > >=` between sums, differences, products, quotients,
remainders and powers of symbols and numbers. It is parsed as Python is, and then walked through:
what is not listed here is refused, so nothing in it is ever run. Arithmetic is exact, on fractions;
a number such as 0.1 is one tenth, in the text and as the value of a real symbol.

Each side is kept twice, as a function of values and as a normal form of the algebra, whose bounds
on a box of sizes tell that nothing in it is kept, or near.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NoReturn, TypeAlias

from symcount.algebra import comparing
from symcount.algebra.boxes import Box
from symcount.algebra.conditions import Condition
from symcount.algebra.facts import Facts
from symcount.algebra.poly import Poly, const, reciprocal_of_term
from symcount.algebra.rounding import floordiv, mod
from symcount.errors import ArgumentError, UnsupportedError

_Values: TypeAlias = "Sequence[int | float]"


@dataclass(frozen=True)
class _Term:
    """A side of a comparison: what it is of values, and its normal form if it has one."""

    of: Callable[[_Values], Any]
    poly: Poly | None


@dataclass(frozen=True)
class _Clause:
    """A comparison of two sides, or that they are near."""

    holds: Callable[[_Values], Any]
    normal: tuple[Condition | None, bool] | None


_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda a, b: Fraction(a) / b,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_NORMAL: dict[type, Callable[[Poly, Poly], Poly]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda a, b: _quotient(a, b),
    ast.FloorDiv: lambda a, b: floordiv(a, b, Facts()),
    ast.Mod: lambda a, b: mod(a, b, Facts()),
}
_NAMES: dict[type, str] = {
    ast.Eq: "eq",
    ast.NotEq: "ne",
    ast.Lt: "lt",
    ast.LtE: "le",
    ast.Gt: "gt",
    ast.GtE: "ge",
}
_COMPARISONS: dict[type, Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_LONGEST = 1000
_LARGEST_POWER = 8


class Keep:
    """The parsed conditions on combinations of symbols that `search` keeps.

    Args:
        text: what a user wrote; None keeps everything.
        names: the symbols, in the order in which their values are given.
        real: those of them whose values are floats.
        may_be_zero: those whose values are integers that may be zero.
        called: what errors call the text; `near` is part of the language in `keep` alone.

    Attributes:
        comparisons: the comparisons as they were parsed, of which all `and`s are taken apart.

    Raises:
        ArgumentError: it is not in the language; the message points at the place.
    """

    def __init__(
        self,
        text: str | None,
        names: Sequence[str],
        real: Sequence[str] = (),
        may_be_zero: Sequence[str] = (),
        called: str = "keep",
    ) -> None:
        self.called = called
        self.comparisons: list[ast.Compare] = []
        self.names: list[str] = list(names)
        self.real: frozenset[str] = frozenset(real)
        self.facts: Facts = Facts(may_be_zero=may_be_zero)
        self._conditions: list[_Clause] = []
        self._alone: dict[str, list[_Clause]] = {}
        self._near: list[tuple[_Term, _Term]] = []
        self._ratios: list[Poly] = []
        if text is not None:
            _Parser(text, self).parse()

    def allows(self, name: str, value: int | float) -> bool:
        """Return whether a value of one symbol satisfies what is said of this symbol alone."""
        values = [value] * len(self.names)
        return all(_holds(clause, values) for clause in self._alone.get(name, ()))

    def distance(self, values: _Values) -> Fraction | None:
        """Return how far values are from what is to be near, relatively; None if they are not kept.

        A combination at which something is divided by zero is not kept.
        """
        if not all(_holds(clause, values) for clause in self._conditions):
            return None
        total = Fraction(0)
        for left, right in self._near:
            try:
                total += abs(Fraction(left.of(values)) / right.of(values) - 1)
            except ZeroDivisionError:
                return None
        return total

    def least_distance(self, box: Box) -> Any:
        """Return a lower bound of the distance in a box; None if nothing there is kept."""
        for clause in self._conditions:
            if clause.normal is not None:
                condition, polarity = clause.normal
                truth = True if condition is None else box.decides(condition)
                if truth is not None and truth is not polarity:
                    return None
        total: Any = 0
        for ratio in self._ratios:
            low, high = box.of(ratio)
            if low is not None and low > 1:
                total += low - 1
            elif high is not None and high < 1:
                total += 1 - high
        return total


def _holds(clause: _Clause, values: _Values) -> bool:
    try:
        return bool(clause.holds(values))
    except ZeroDivisionError:
        return False


def _quotient(a: Poly, b: Poly) -> Poly:
    inverse = reciprocal_of_term(b) if b.terms else None
    if inverse is None:
        raise UnsupportedError("a quotient by a sum has no normal form")
    return a * inverse


def _normal(function: Callable[..., Any], *terms: _Term) -> Any:
    """Apply a function to normal forms; None where it cannot, or one is missing."""
    polys = [term.poly for term in terms]
    try:
        return None if None in polys else function(*polys)
    except (UnsupportedError, ArithmeticError, ValueError):
        return None


class _Parser:
    """Reads one text into a `Keep`."""

    def __init__(self, text: str, keep: Keep) -> None:
        self.text = text
        self.keep = keep
        self.used: set[str] = set()

    @property
    def example(self) -> str:
        return "d/n_layer near 64" if self.keep.called == "keep" else "d/n_layer <= 128"

    def parse(self) -> None:
        called = self.keep.called
        if not isinstance(self.text, str):
            raise ArgumentError(f"{called}={self.text!r}: give a text such as '{self.example}'")
        if len(self.text) > _LONGEST:
            raise ArgumentError(f"{called}: {len(self.text)} characters, more than {_LONGEST}")
        taken = re.search(r"\b(is|in|or|not|if|lambda)\b|[^\x20-\x7e]", self.text)
        if taken is not None:
            self.fail(taken.start(), f"{taken.group()!r} is not part of the language")
        # `near` binds like a comparison, so it is parsed as one, of the same number of characters
        source = re.sub(r"\bnear\b", " is ", self.text)
        self.shift = len(source) - len(source.lstrip(" "))
        try:
            body = ast.parse(source.strip(" "), mode="eval").body
        except SyntaxError as error:
            column = self.shift + error.offset - 1 if error.offset else len(self.text)
            self.fail(column, "not understood")
        except (RecursionError, MemoryError, ValueError):
            self.fail(0, "too deeply nested")
        self.joined(body)

    def joined(self, node: ast.expr) -> None:
        """Comparisons joined by `and`; the other ways to join them are no part of the language."""
        if isinstance(node, ast.BoolOp):
            for part in node.values:
                self.joined(part)
        else:
            self.comparison(node)

    def fail(self, column: int, what: str) -> NoReturn:
        raise ArgumentError(
            f"{self.keep.called}: {what}. Write comparisons of symbols and numbers, joined by "
            f"'and', such as '{self.example} and d % 64 == 0'\n  {self.text}\n  {' ' * column}^"
        )

    def fail_at(self, node: ast.AST, what: str) -> NoReturn:
        self.fail(self.shift + getattr(node, "col_offset", 0), what)

    def comparison(self, node: ast.expr) -> None:
        if not isinstance(node, ast.Compare):
            self.fail_at(node, "a comparison is missing here")
        self.keep.comparisons.append(node)
        self.used = set()
        terms = [self.term(side) for side in (node.left, *node.comparators)]
        if any(isinstance(op, ast.Is) for op in node.ops):
            self.near(node, terms)
            return
        for left, op, right in zip(terms, node.ops, terms[1:], strict=False):
            compare = _COMPARISONS.get(type(op))
            if compare is None:
                self.fail_at(node, f"{type(op).__name__} is not part of the language")
            self.add(compare, _NAMES[type(op)], left, right)

    def near(self, node: ast.Compare, terms: list[_Term]) -> None:
        if self.keep.called != "keep":
            self.fail_at(node, "'near' is not part of the language")
        if len(node.ops) > 1:
            self.fail_at(node, "'near' stands between two sides, not in a chain")
        if isinstance(node.comparators[0], ast.Constant) and not node.comparators[0].value:
            self.fail_at(node.comparators[0], "how near is relative, so nothing is near 0")
        self.keep._near.append((terms[0], terms[1]))
        ratio = _normal(_quotient, *terms)
        if ratio is not None:
            self.keep._ratios.append(ratio)

    def add(self, compare: Callable[[Any, Any], bool], op: str, left: _Term, right: _Term) -> None:
        clause = _Clause(
            lambda values: compare(left.of(values), right.of(values)),
            _normal(lambda a, b: comparing.compare(op, a, b, Facts()), left, right),
        )
        if len(self.used) == 1:
            self.keep._alone.setdefault(next(iter(self.used)), []).append(clause)
        else:
            self.keep._conditions.append(clause)

    def term(self, node: ast.expr) -> _Term:
        match node:
            case ast.Name(id=name):
                return self.symbol(node, name)
            case ast.Constant(value=value):
                return self.number(node, value)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = self.term(operand)
                return _Term(lambda values: -inner.of(values), _normal(operator.neg, inner))
            case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=exponent)):
                return self.power(node, left, exponent)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return _binary(type(op), self.term(left), self.term(right))
        self.fail_at(node, "only symbols, numbers and + - * / // % ** may stand here")

    def symbol(self, node: ast.expr, name: str) -> _Term:
        if name not in self.keep.names:
            self.fail_at(
                node, f"there is no symbol {name!r}; there are {', '.join(self.keep.names)}"
            )
        place = self.keep.names.index(name)
        self.used.add(name)

        def value(values: _Values) -> Any:
            found = values[place]
            return Fraction(repr(found)) if isinstance(found, float) else found

        return _Term(value, None if name in self.keep.real else self.keep.facts.symbol(name))

    def number(self, node: ast.expr, value: Any) -> _Term:
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300:
            self.fail_at(node, "only numbers and symbols may stand here")
        exact = Fraction(repr(value)) if isinstance(value, float) else value
        return _Term(lambda values: exact, const(exact))

    def power(self, node: ast.expr, base: ast.expr, exponent: Any) -> _Term:
        if type(exponent) is not int or not 0 <= exponent <= _LARGEST_POWER:
            self.fail_at(node, f"a power takes an exponent from 0 to {_LARGEST_POWER}")
        if any(isinstance(inner, ast.Pow) for inner in ast.walk(base)):
            self.fail_at(node, "a power of a power may not stand here")
        term = self.term(base)
        return _Term(
            lambda values: term.of(values) ** exponent, _normal(lambda a: a**exponent, term)
        )


def _binary(op: type, left: _Term, right: _Term) -> _Term:
    function = _OPERATORS[op]
    return _Term(
        lambda values: function(left.of(values), right.of(values)),
        _normal(_NORMAL[op], left, right),
    )
