"""Compute on a block of sizes in int64 by numpy, exactly, or refuse with `Doubt`.

With each array of integers go bounds of them, Python's integers of any size, that follow from the
least and the greatest size of the block. An operation whose result they do not show to fit int64 is
not done. Operations on doubles are those of which numpy's result is the one that Python's
arithmetic gives; other functions are called on one number after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from symcount.algebra import evaluate
from symcount.algebra.choices import parts
from symcount.algebra.conditions import Condition
from symcount.algebra.functions import CALLS, CHOICES, INTEGERS, has_floats
from symcount.algebra.nested import Nested, nested, whole_part
from symcount.algebra.poly import Atom, Call, Poly, Variable, atom, const, fraction, only_atom
from symcount.packages import numpy as np
from symcount.symbols import Hyperparameter

LARGEST = 2**63 - 1
EXACT_DOUBLES = 2**53

Array: TypeAlias = "np.ndarray[Any, Any]"


class Doubt(Exception):
    """Raised where a number cannot be computed in int64 with certainty, or not by numpy."""


def both(one: Any, other: Any) -> Any:
    """Return whether two tests are true, each True or an array."""
    if one is True or other is True:
        return other if one is True else one
    return one & other


# --- integers and their bounds -----------------------------------------------------------------


class Int:
    """Integers: an array of int64, or one plain integer for all, and bounds of them.

    `fresh` says that nobody else needs the array, so that the next result may be put in it.
    """

    __slots__ = ("data", "fresh", "high", "low")

    def __init__(self, data: Any, low: int, high: int, fresh: bool = False) -> None:
        self.data: Any = data
        self.low: int = low
        self.high: int = high
        self.fresh: bool = fresh


Operand: TypeAlias = "Int | Array | float"


def _plain(value: int) -> Int:
    return Int(value, value, value)


def _operate(ufunc: Any, a: Int, b: Int, low: int, high: int) -> Int:
    """A ufunc of numbers of which at least one is an array, where the result fits int64."""
    if low < -LARGEST or high > LARGEST or not (_fits(a) and _fits(b)):
        raise Doubt
    out = a.data if a.fresh else b.data if b.fresh else None
    return Int(ufunc(a.data, b.data, out=out), low, high, fresh=True)


def _fits(value: Int) -> bool:
    return value.low >= -LARGEST and value.high <= LARGEST


def _plus(a: Int, b: Int) -> Int:
    if type(a.data) is int and type(b.data) is int:
        return _plain(a.data + b.data)
    return _operate(np.add, a, b, a.low + b.low, a.high + b.high)


def _times(a: Int, b: Int) -> Int:
    if type(a.data) is int:
        if type(b.data) is int:
            return _plain(a.data * b.data)
        if a.data == 1:
            return b
    if a.low >= 0 and b.low >= 0:
        low, high = a.low * b.low, a.high * b.high
    else:
        corners = (a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high)
        low, high = min(corners), max(corners)
    return _operate(np.multiply, a, b, low, high)


def _divided(a: Int, b: Int) -> Int:
    if type(a.data) is int and type(b.data) is int:
        return _plain(a.data // b.data)
    if type(b.data) is int and b.data == 1:
        return a
    if b.low <= 0 <= b.high:
        raise Doubt
    corners = (a.low // b.low, a.low // b.high, a.high // b.low, a.high // b.high)
    # a quotient next to zero is rounded down to zero or to -1, whichever corner it is near
    return _operate(np.floor_divide, a, b, min(corners), max(corners))


def _remainder(a: Int, b: Int) -> Int:
    if type(a.data) is int and type(b.data) is int:
        return _plain(a.data % b.data)
    if b.low <= 0 <= b.high:
        raise Doubt
    if a.low >= 0 and a.high < b.low:
        return a
    low, high = min(0, b.low + 1), max(0, b.high - 1)
    if type(b.data) is int and b.data > 0 and _fits(b):
        if b.data & (b.data - 1) == 0:
            return _operate(np.bitwise_and, a, _plain(b.data - 1), low, high)
        # numpy divides by one number much faster than it takes remainders
        multiple = np.floor_divide(a.data, b.data)
        multiple *= b.data
        return Int(np.subtract(a.data, multiple, out=multiple), low, high, fresh=True)
    return _operate(np.remainder, a, b, low, high)


def _greatest(a: Int, b: Int) -> Int:
    if a.low >= b.high:
        return a
    if b.low >= a.high:
        return b
    return _operate(np.maximum, a, b, max(a.low, b.low), max(a.high, b.high))


def _least(a: Int, b: Int) -> Int:
    if a.high <= b.low:
        return a
    if b.high <= a.low:
        return b
    return _operate(np.minimum, a, b, min(a.low, b.low), min(a.high, b.high))


def _power(a: Int, b: Int) -> Int:
    if b.low < 0 or b.high > 64:
        raise Doubt
    size = max(1, abs(a.low), abs(a.high)) ** b.high
    return _operate(np.power, a, b, 0 if a.low >= 0 else -size, size)


def _bitwise(ufunc: Any) -> Callable[[Int, Int], Int]:
    def operate(a: Int, b: Int) -> Int:
        bits = max(value.bit_length() for value in (a.low, a.high, b.low, b.high))
        low = 0 if a.low >= 0 and b.low >= 0 else -(2**bits)
        return _operate(ufunc, a, b, low, 2**bits - 1)

    return operate


def _size(a: Int) -> int:
    return max(abs(a.low), abs(a.high))


def _divisor(a: Int, b: Int) -> Int:
    return _operate(np.gcd, a, b, 0, max(_size(a), _size(b)))


def _multiple(a: Int, b: Int) -> Int:
    return _operate(np.lcm, a, b, 0, _size(a) * _size(b))


def _absolute(a: Int) -> Int:
    if a.low >= 0:
        return a
    return Int(np.abs(a.data), 0, _size(a), fresh=True)


_BINARY: dict[str, Callable[[Int, Int], Int]] = {
    "floordiv": _divided,
    "mod": _remainder,
    "max": _greatest,
    "min": _least,
    "pow": _power,
    "and": _bitwise(np.bitwise_and),
    "or": _bitwise(np.bitwise_or),
    "xor": _bitwise(np.bitwise_xor),
    "gcd": _divisor,
    "lcm": _multiple,
}
# Of doubles, numpy's result is the double that Python's arithmetic gives, infinities apart.
_FLOATS: dict[str, Any] = {
    "fadd": np.add,
    "fmul": np.multiply,
    "fdiv": np.divide,
    "sqrt": np.sqrt,
    "fabs": np.abs,
    "fabs_py": np.abs,
}
_ROUNDINGS: dict[str, Any] = {
    "trunc": np.trunc,
    "floor_float": np.floor,
    "ceil_float": np.ceil,
    "round": np.rint,
}


@dataclass(frozen=True)
class _Plan:
    """A plan to compute an integer: a sum of terms that are whole, and a quotient."""

    whole: Nested
    top: Nested
    bottom: Nested


class Plans(dict[Poly, _Plan]):
    """The plans of polynomials in which the plain sizes, and what is made of them, are numbers."""

    def __init__(self, scalars: Mapping[str, int | float]) -> None:
        super().__init__()
        self.scalars = scalars

    def __missing__(self, poly: Poly) -> _Plan:
        self[poly] = plan = _plan(poly, self.scalars)
        return plan


class Block:
    """Sizes that are evaluated together, and what is known of them.

    `rows` are their places, counted from the start of the block of which this is a part.
    """

    def __init__(
        self, plans: Plans, columns: dict[str, Array], length: int, rows: Array | None = None
    ) -> None:
        self.plans = plans
        self.columns = columns
        self.length = length
        self.rows = rows
        self.known: dict[Atom, Operand] = {}

    def part(self, chosen: Array) -> Block:
        rows = np.flatnonzero(chosen) if self.rows is None else self.rows[chosen]
        columns = {name: column[chosen] for name, column in self.columns.items()}
        return Block(self.plans, columns, len(rows), rows)

    def places(self, start: int) -> Any:
        return slice(start, start + self.length) if self.rows is None else start + self.rows

    def listed(self, name: str) -> list[int | float]:
        if name in self.columns:
            values: list[int | float] = self.columns[name].tolist()
            return values
        return [self.plans.scalars[name]] * self.length

    def within(self, h: Hyperparameter) -> Any:
        """Return where a symbol is within its declared bounds: True if it is everywhere."""
        column = self.columns[h.name]
        if h.real:
            high = np.inf if h.maximum is None else h.maximum
            return (column > 0) & (column < np.inf) & (column >= h.minimum) & (column <= high)
        inside: Any = True
        number = self.symbol(Variable(h.name))
        assert isinstance(number, Int)
        if number.low < h.minimum:
            inside = column >= h.minimum
        if h.maximum is not None and number.high > h.maximum:
            inside = both(inside, column <= h.maximum)
        if h.multiple_of > 1:
            rest = _remainder(number, _plain(h.multiple_of))
            whole = _compared("eq", rest, _plain(0))
            inside = both(inside, np.full(self.length, whole) if whole is False else whole)
        return inside

    # --- atoms ---

    def atom(self, base: Atom) -> Operand:
        number = self.known.get(base)
        if number is None:
            number = self.symbol(base) if isinstance(base, Variable) else self.call(base)
            if isinstance(number, Int):
                number.fresh = False
            self.known[base] = number
        return number

    def symbol(self, base: Variable) -> Operand:
        if base.name not in self.columns:
            scalar = self.plans.scalars[base.name]
            return _plain(scalar) if isinstance(scalar, int) else scalar
        column = self.columns[base.name]
        if base.real:
            return column
        low, high = int(column.min()), int(column.max())
        return _plain(low) if low == high else Int(column, low, high)

    def call(self, base: Call) -> Operand:
        op = base.op
        if op == "floor":
            return self.integer(base.args[0])
        if op in CHOICES:
            return self.choice(base)
        function = CALLS[op]
        if function.takes == INTEGERS:
            return self.of_integers(op, [self.integer(arg) for arg in base.args])
        if "number" in function.takes:
            return self.true_quotient(base)
        if op in _ROUNDINGS:
            return _rounded(_ROUNDINGS[op], self.double(base.args[0]), function.compute)
        if op in _FLOATS:
            return _of_floats(op, [self.double(arg) for arg in base.args])
        kinds = function.kinds(len(base.args))
        read = {"integer": self.integer, "double": self.double}
        return self.each(op, [read[kind](a) for kind, a in zip(kinds, base.args, strict=True)])

    def of_integers(self, op: str, args: list[Int]) -> Int:
        if all(type(arg.data) is int for arg in args):
            return _whole(CALLS[op].compute(*(arg.data for arg in args)))
        if op == "abs":
            return _absolute(args[0])
        if op in ("max", "min"):
            result = args[0]
            for arg in args[1:]:
                result = _BINARY[op](result, arg)
            return result
        if op in _BINARY and len(args) == 2:
            return _BINARY[op](*args)
        number = self.each(op, args)
        if not isinstance(number, Int):
            raise Doubt
        return number

    def choice(self, base: Call) -> Int:
        condition, then, otherwise = parts(base)
        test = self.holds(condition)
        # Both sides are computed, as in a call: where one raises, the formula does not hold.
        one, other = self.integer(then), self.integer(otherwise)
        if isinstance(test, bool):
            return one if test else other
        if not (_fits(one) and _fits(other)):
            raise Doubt
        low, high = min(one.low, other.low), max(one.high, other.high)
        return Int(np.where(test, one.data, other.data), low, high, fresh=True)

    def each(self, op: str, args: Sequence[Operand]) -> Operand:
        """A function of Python's, at one size after the other."""
        values = [
            data.tolist() if isinstance(data, np.ndarray) else [data] * self.length
            for data in (arg.data if isinstance(arg, Int) else arg for arg in args)
        ]
        compute = CALLS[op].compute
        results = [compute(*here) for here in zip(*values, strict=True)]
        if all(type(result) is float for result in results):
            return np.array(results, np.float64)
        if not all(type(result) is int for result in results):
            raise Doubt
        low, high = min(results), max(results)
        if low < -LARGEST or high > LARGEST:
            raise Doubt
        return Int(np.array(results, np.int64), low, high, fresh=True)

    # --- polynomials ---

    def integer(self, poly: Poly) -> Int:
        """The integer that a polynomial stands for, or the greatest below it."""
        plan = self.plans[poly]
        if not plan.top:
            return self.sum(plan.whole)
        quotient = _divided(self.sum(plan.top), self.sum(plan.bottom))
        return _plus(quotient, self.sum(plan.whole)) if plan.whole else quotient

    def sum(self, terms: Nested) -> Int:
        total: Int | None = None
        for coefficient, monomial, inner in terms:
            product = self.sum(inner) if inner is not None else _plain(1)
            for base, exponent in monomial:
                number = self.atom(base)
                if not isinstance(number, Int):
                    raise Doubt
                for _ in range(exponent):
                    product = _times(product, number)
            if coefficient != 1:
                product = _times(product, _plain(int(coefficient)))
            total = product if total is None else _plus(total, product)
        return _plain(0) if total is None else total

    def number(self, poly: Poly) -> Operand:
        """A number as Python has it: a double where a float is among the atoms."""
        constant = poly.constant
        if isinstance(constant, Fraction):
            return constant.numerator / constant.denominator
        base = only_atom(poly)
        if base is not None:
            return self.atom(base)
        if has_floats(poly):
            negated = only_atom(-poly)
            if negated is None:
                raise Doubt
            number = self.atom(negated)
            return -number if not isinstance(number, Int) else _times(_plain(-1), number)
        top, bottom = fraction(poly)
        if bottom.constant == 1:
            return self.integer(poly)
        return _quotient(self.integer(top), self.integer(bottom))

    def double(self, poly: Poly) -> Array | float:
        number = self.number(poly)
        if not isinstance(number, Int):
            return number
        return float(number.data) if type(number.data) is int else number.data.astype(np.float64)

    def true_quotient(self, base: Call) -> Array | float:
        """A quotient of integers, rounded once; of doubles, the ordinary one."""
        numbers = []
        for arg in base.args:
            if _has_fractions(arg):
                raise Doubt
            numbers.append(self.number(arg))
        one, other = numbers
        if isinstance(one, Int) and isinstance(other, Int):
            return _quotient(one, other)
        return _of_floats("fdiv", [self.double(arg) for arg in base.args])

    def holds(self, condition: Condition) -> Any:
        """Return where a condition is true: a bool if it is the same everywhere, else an array."""
        left, right = condition.left, condition.right
        kind = _kind(condition)
        if kind == "floats":
            return self.compared(condition.op, left, right)
        if kind == "integers":
            return _compared(condition.op, self.integer(left), self.integer(right))
        top, bottom = map(self.integer, fraction(left - right))
        if bottom.low <= 0:
            raise Doubt
        return _compared(condition.op, top, _plain(0))

    def compared(self, op: str, left: Poly, right: Poly) -> Any:
        """A comparison with doubles; Python compares a double with an integer exactly."""
        sides: list[Any] = []
        for number in (self.number(left), self.number(right)):
            if isinstance(number, Int):
                if max(-number.low, number.high) > EXACT_DOUBLES:
                    raise Doubt
                sides.append(number.data)
            else:
                sides.append(number)
        result = _COMPARE[op](*sides)
        return result if isinstance(result, np.ndarray) else bool(result)


_COMPARE = {"eq": np.equal, "ge": np.greater_equal, "lt": np.less, "le": np.less_equal}


@lru_cache(maxsize=4096)
def _kind(condition: Condition) -> Literal["floats", "integers", "fractions"]:
    """Evaluate the two sides of a condition."""
    sides = (condition.left, condition.right)
    if any(isinstance(side.constant, Fraction) or has_floats(side) for side in sides):
        return "floats"
    return "fractions" if any(map(_has_fractions, sides)) else "integers"


def _has_fractions(poly: Poly) -> bool:
    return poly.denominator != 1 or any(e < 0 for m in poly.terms for _, e in m)


def _compared(op: str, left: Int, right: Int) -> Any:
    if op in ("lt", "le"):  # of integers as well
        left, right, op = right, left, {"lt": "gt", "le": "ge"}[op]
    least, most = left.low - right.high, left.high - right.low
    if op == "eq":
        if least > 0 or most < 0:
            return False
        if least == most == 0:
            return True
        ufunc: Any = np.equal
    else:
        bound, ufunc = (0, np.greater_equal) if op == "ge" else (1, np.greater)
        if least >= bound or most < bound:
            return least >= bound
    if not (_fits(left) and _fits(right)):
        raise Doubt
    return ufunc(left.data, right.data)


def _plan(poly: Poly, scalars: Mapping[str, int | float]) -> _Plan:
    """The plan of a polynomial in which the plain sizes, and what is made of them, are numbers."""
    plain = {
        base: _plain_atom(base, scalars)
        for monomial in poly.terms
        for base, _ in monomial
        if _symbols(base) <= scalars.keys()
    }
    terms: dict[Any, Any] = {}
    for monomial, coefficient in poly.terms.items():
        for base, exponent in monomial:
            if base in plain:
                coefficient = coefficient * Fraction(plain[base]) ** exponent
        rest = tuple(power for power in monomial if power[0] not in plain)
        terms[rest] = terms.get(rest, 0) + coefficient
    whole, rest_of_it = whole_part(Poly(terms))
    top, bottom = fraction(rest_of_it) if rest_of_it.terms else (const(0), const(1))
    return _Plan(*(nested(part) for part in (whole, top, bottom)))


def _plain_atom(base: Atom, scalars: Mapping[str, int | float]) -> int:
    return evaluate.value(atom(base), scalars)


def _symbols(base: Atom) -> set[str]:
    if isinstance(base, Variable):
        return {base.name}
    return {a.name for arg in base.args for a in arg.atoms() if isinstance(a, Variable)}


def _whole(result: Any) -> Int:
    if type(result) is not int:
        raise Doubt
    return _plain(result)


# --- doubles -----------------------------------------------------------------------------------


def _of_floats(op: str, args: Sequence[Array | float]) -> Array | float:
    """An operation on doubles; where Python would raise, or get no number, it is left to Python."""
    if CALLS[op].divides and np.any(np.equal(args[1], 0)):
        raise Doubt
    if op == "sqrt" and not np.all(np.greater_equal(args[0], 0)):
        raise Doubt
    with np.errstate(all="ignore"):
        result = _FLOATS[op](*args)
    if not np.all(np.isfinite(result)):
        raise Doubt
    return result if isinstance(result, np.ndarray) else float(result)


def _quotient(one: Int, other: Int) -> Array | float:
    """The double nearest to a quotient of integers."""
    if type(one.data) is int and type(other.data) is int:
        return one.data / other.data
    if max(_size(one), _size(other)) > EXACT_DOUBLES or other.low <= 0 <= other.high:
        raise Doubt
    result: Array = np.divide(one.data, other.data)
    return result


def _rounded(ufunc: Any, double: Array | float, compute: Callable[[float], int]) -> Int:
    """The integers next to doubles."""
    if not isinstance(double, np.ndarray):
        return _whole(compute(double))
    low, high = float(double.min()), float(double.max())
    if not (low > -(2.0**62) and high < 2.0**62):  # also where there is no number
        raise Doubt
    return Int(ufunc(double).astype(np.int64), int(low) - 1, int(high) + 1, fresh=True)
