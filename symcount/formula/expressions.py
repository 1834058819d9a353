"""Read integer expressions, which a user writes as text or in sympy, into normal form.

Text is parsed by `ast` and looked at node by node, so nothing of it is ever run. What is not
integer arithmetic is refused.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Collection, Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from symcount.algebra.comparing import maximum, minimum
from symcount.algebra.facts import Facts
from symcount.algebra.poly import Poly, Variable, const, only_atom, product_of, sum_of
from symcount.algebra.rounding import floor, floordiv, mod
from symcount.algebra.substitution import reciprocal
from symcount.errors import ArgumentError

if TYPE_CHECKING:
    from symcount.formula.formula import Formula

_LARGEST_POWER = 16
_NO_FACTS = Facts()
_GRAMMAR = (
    "write integers and symbols with + - * / // % **, min(), max(), floor() and ceil(), "
    "such as '4*d' or '8*(d//3)'"
)


class Expression(NamedTuple):
    """An expression: its value, which may be a fraction, and what it divides by.

    `text` is how it was written, for messages.
    """

    poly: Poly
    divisors: tuple[Poly, ...]
    text: str

    @property
    def names(self) -> list[str]:
        """The symbols in it, in order of the alphabet."""
        atoms = self.poly.atoms().union(*(divisor.atoms() for divisor in self.divisors))
        return sorted(a.name for a in atoms if isinstance(a, Variable))

    @property
    def symbol(self) -> str | None:
        """The symbol that it is; None if it is anything else."""
        only = only_atom(self.poly)
        return only.name if isinstance(only, Variable) else None

    def __str__(self) -> str:
        return self.text


def read(given: object, where: str, may_be_zero: Collection[str] = ()) -> Expression:
    """Read an int, a Fraction, text or a sympy expression into normal form.

    Args:
        given: what a user wrote.
        where: what it is given for, for messages.
        may_be_zero: the symbols that may be zero; others are 1 at least.

    Raises:
        ArgumentError: it is no integer arithmetic.
    """
    said = f"{where}={given!r}" if isinstance(given, str) else f"{where}={given}"
    reader = _Reader(said, Facts(may_be_zero=may_be_zero))
    poly = reader.read(given)
    return Expression(poly, tuple(reader.divisors), str(given))


def read_for(count: Formula, given: object) -> Expression:
    """Read an expression that is expected of a formula, in symbols of it that are integers.

    Raises:
        ArgumentError: it is none.
    """
    wanted = read(given, "expected")
    known = [h.name for h in count.hyperparameters]
    unknown = [name for name in wanted.names if name not in known]
    if unknown:
        raise ArgumentError(
            f"expected={given!r}: the formula of {count.factory} has no symbol "
            f"{', '.join(map(repr, unknown))}; its symbols are: {', '.join(known) or 'none'}"
        )
    floats = [h.name for h in count.hyperparameters if h.real and h.name in wanted.names]
    if floats:
        raise ArgumentError(
            f"expected={given!r}: {floats[0]} is a float, and computing with floats rounds; "
            "give a formula, such as another symcount.derive(...)"
        )
    return wanted


def is_whole(value: Poly) -> bool:
    """Return whether nothing is divided: then it is an integer wherever its symbols are."""
    return all(_NO_FACTS.is_integer(m, c) for m, c in value.terms.items())


class _Reader:
    def __init__(self, where: str, facts: Facts) -> None:
        self.where = where
        self.facts = facts
        self.divisors: list[Poly] = []

    def fail(self, why: str) -> NoReturn:
        raise ArgumentError(f"{self.where}: {why}")

    def read(self, given: Any) -> Poly:
        if isinstance(given, str):
            try:
                tree = ast.parse(given.strip(), mode="eval")
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                self.fail(f"this is no expression; {_GRAMMAR}")
            return self._guarded(lambda: self.node(tree.body))
        if isinstance(given, Fraction):
            return const(given)
        if isinstance(given, bool):
            self.fail("a hyper-parameter is a positive integer, not a bool")
        try:
            return const(operator.index(given))
        except TypeError:
            pass
        if type(given).__module__.partition(".")[0] == "sympy":
            from symcount.packages import sympy

            if isinstance(given, sympy.Expr):
                return self._guarded(lambda: self.sympy(given))
        self.fail(
            f"a {type(given).__name__} stands for no integer; give an integer, a text such as "
            "'4*d', or a sympy expression"
        )

    def _guarded(self, read: Callable[[], Poly]) -> Poly:
        try:
            return read()
        except RecursionError:
            self.fail("this is nested too deeply; write it shorter")

    # --- text ---

    def node(self, node: ast.AST) -> Poly:
        match node:
            case ast.Constant(value=int() as value) if not isinstance(value, bool):
                return const(value)
            case ast.Constant(value=float()):
                self.fail("a float is not exact; write a fraction of integers, such as d/4")
            case ast.Name(id=name):
                return self.facts.symbol(name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.node(operand)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.node(operand)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                return _BINARY[type(op)](self, self.node(left), self.node(right))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _CALLS:
                return self.call(name, [self.node(arg) for arg in args])
        self.fail(f"{ast.unparse(node)!r} is not understood; {_GRAMMAR}")

    def call(self, name: str, args: list[Poly]) -> Poly:
        wanted = {"floor": 1, "ceil": 1, "ceiling": 1, "Mod": 2}.get(name, len(args))
        if not args or len(args) != wanted:
            self.fail(f"{name}() does not take {len(args)} values")
        return _CALLS[name](self, args)

    # --- sympy ---

    def sympy(self, value: Any) -> Poly:
        from symcount.packages import sympy

        if value.is_Symbol:
            return self.facts.symbol(str(value.name))
        if value.is_Rational:
            return const(Fraction(int(value.p), int(value.q)))
        if value.is_Float:
            self.fail("a float is not exact; write a fraction of integers, such as d/4")
        if value.is_Pow and value.exp.is_Integer and value.exp < 0:
            return self.divide(const(1), self.sympy(value.base**-value.exp))
        operations: dict[Any, Callable[[_Reader, list[Poly]], Poly]] = {
            sympy.Add: lambda self, args: sum_of(args),
            sympy.Mul: lambda self, args: product_of(args),
            sympy.Pow: lambda self, args: self.power(*args),
            sympy.Mod: lambda self, args: self.modulo(*args),
            sympy.Max: _CALLS["max"],
            sympy.Min: _CALLS["min"],
            sympy.floor: _CALLS["floor"],
            sympy.ceiling: _CALLS["ceil"],
        }
        if value.func not in operations:
            self.fail(
                f"{value.func.__name__} is not understood; use integers, symbols, + - * / **, "
                "Mod, Min, Max, floor and ceiling"
            )
        return operations[value.func](self, [self.sympy(arg) for arg in value.args])

    # --- arithmetic ---

    def whole(self, *values: Poly) -> None:
        if not all(map(is_whole, values)):
            self.fail(
                "a fraction inside of //, %, **, min() or max() may be no integer; divide with //"
            )

    def divide(self, a: Poly, b: Poly) -> Poly:
        if b.constant == 0:
            self.fail("this divides by zero")
        if not is_whole(b):
            self.fail("this divides by a fraction; write it with one numerator and denominator")
        self.divisors.append(b)
        return a * reciprocal(b)

    def quotient(self, a: Poly, b: Poly) -> Poly:
        self.whole(a, b)
        self.divide(a, b)
        return floordiv(a, b, _NO_FACTS)

    def modulo(self, a: Poly, b: Poly) -> Poly:
        self.whole(a, b)
        self.divide(a, b)
        return mod(a, b, _NO_FACTS)

    def power(self, a: Poly, b: Poly) -> Poly:
        exponent = b.constant
        if not isinstance(exponent, int) or not 0 <= exponent <= _LARGEST_POWER:
            self.fail(f"an exponent is an integer from 0 to {_LARGEST_POWER}")
        self.whole(a)
        return a**exponent

    def extremum(self, of: Callable[[Iterable[Poly], Facts], Poly], args: list[Poly]) -> Poly:
        self.whole(*args)
        return of(args, _NO_FACTS)


_BINARY: dict[type[ast.AST], Callable[[_Reader, Poly, Poly], Poly]] = {
    ast.Add: lambda self, a, b: a + b,
    ast.Sub: lambda self, a, b: a - b,
    ast.Mult: lambda self, a, b: a * b,
    ast.Div: _Reader.divide,
    ast.FloorDiv: _Reader.quotient,
    ast.Mod: _Reader.modulo,
    ast.Pow: _Reader.power,
}
_CALLS: dict[str, Callable[[_Reader, list[Poly]], Poly]] = {
    "max": lambda self, args: self.extremum(maximum, args),
    "min": lambda self, args: self.extremum(minimum, args),
    "floor": lambda self, args: floor(args[0], _NO_FACTS),
    "ceil": lambda self, args: -floor(-args[0], _NO_FACTS),
}
# As formulas are printed
_CALLS |= {"Max": _CALLS["max"], "Min": _CALLS["min"], "ceiling": _CALLS["ceil"]}
_CALLS["Mod"] = lambda self, args: self.modulo(*args)
