"""Lower the nodes of a trace to normal forms.

Integers become polynomials. Floats are doubles of IEEE 754: a float operation whose result is
certain to be exact (a product with 4.0 or 0.25, while it stays below 2**53) is a polynomial with
rational coefficients, and the bound goes along with it (`Value.limits`) and becomes part of the
domain. Every other float operation is an opaque call that stands for the very double Python
computes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from symcount.algebra.choices import choices_in
from symcount.algebra.comparing import chosen, compare, maximum, minimum
from symcount.algebra.conditions import Condition
from symcount.algebra.facts import Facts
from symcount.algebra.functions import call, has_floats
from symcount.algebra.poly import Call, Poly, const, only_atom, symbol, written_size
from symcount.algebra.rounding import bitwise, floor, floordiv, mod
from symcount.algebra.substitution import decided
from symcount.errors import UnsupportedError
from symcount.record import (
    COMPARISONS,
    FLOAT_FUNCTIONS,
    FLOAT_FUNCTIONS_2,
    INTEGER_FUNCTIONS_2,
    TRACKED,
    Node,
)
from symcount.symbols import Number
from symcount.trace.interrupts import NotFolded
from symcount.trace.loops import Tag

# Integers up to this are doubles.
MANTISSA = 2**53
# Products with larger odd factors leave too small a range in which they are exact.
_LARGEST_EXACT_FACTOR = 2**20
# The same of numbers made of more choices than this.
_MOST_CHOICES = 4

Limits: TypeAlias = "frozenset[tuple[Condition, bool]]"
_NO_LIMITS: Limits = frozenset()


class Value(NamedTuple):
    """A lowered node: its polynomial, whether Python has it as a float, and its limits.

    The limits are conditions under which every float step behind it that was taken for exact is.
    """

    poly: Poly
    is_float: bool
    limits: Limits = _NO_LIMITS


# Where a number has more than one use in the next, what a formula is written with doubles.
_MOST_WRITTEN = 4000


class TooNested(UnsupportedError):
    """A size is written with more symbols and calls than anybody reads."""


# The results of operations by their operator and operands.
Lowered: TypeAlias = "dict[tuple[object, ...], Value]"


class Lowering:
    """Lowers the nodes of one trace under given facts.

    Traces that follow each other do much the same arithmetic: `lowered` remembers it across them.
    """

    def __init__(self, facts: Facts, lowered: Lowered | None = None) -> None:
        self.facts = facts
        self._lowered: Lowered = {} if lowered is None else lowered
        self._done: dict[int, tuple[Node, Value]] = {}
        self._indices: dict[int, frozenset[Tag]] = {}

    def __call__(self, operand: Node | Number) -> Value:
        """Return the normal form of a node or number."""
        if not isinstance(operand, Node):
            return _constant(operand)
        done = self._done.get(id(operand))
        if done is not None:
            return done[1]
        stack = [operand]
        while stack:
            node = stack[-1]
            if id(node) in self._done:
                stack.pop()
                continue
            waiting = [a for a in node.args if isinstance(a, Node) and id(a) not in self._done]
            if waiting:
                stack.extend(waiting)
                continue
            stack.pop()
            self._done[id(node)] = node, self._lower(node)
        return self._done[id(operand)][1]

    def indices(self, operand: Node | Number) -> frozenset[Tag]:
        """Return the iterations on whose indices a number depends, cancelled ones included."""
        if not isinstance(operand, Node):
            return frozenset()
        self(operand)
        return self._indices.get(id(operand), frozenset())

    def compared(self, op: str, left: Node | Number, right: Node | Number) -> tuple[Value, Value]:
        """Return the normal forms of two sides that are compared.

        A quotient that is compared with zero has the sign of its dividend, as long as it is too
        large to be rounded to zero.
        """
        a, b = self(left), self(right)
        quotient = only_atom(a.poly)
        if (
            b.poly.constant == 0
            and isinstance(quotient, Call)
            and quotient.op == "truediv"
            and compare(op, a.poly, b.poly, self.facts)[0] is not None
        ):
            p, q = quotient.args
            exactly = _Exactly(self.facts)
            # a divisor of zero would have raised before
            if self.facts.at_least(p, 1) and self.facts.at_least(q, 0) and exactly.small(q):
                return Value(p, a.is_float, a.limits | exactly.limits), b
        return a, b

    def step(self, node: Node) -> tuple[list[Value], Value]:
        """Return the normal forms of the operands of a node, and its own."""
        return [self(operand) for operand in node.args], self(node)

    def forget(self) -> None:
        """Let go of the nodes; those that are asked for again are lowered again."""
        self._done.clear()
        self._indices.clear()

    def _lower(self, node: Node) -> Value:
        if node.op == "symbol":
            real = isinstance(node.hint, float)
            return Value(self.facts.symbol(str(node.args[0]), real), real)
        if node.op == TRACKED:
            at = f"{node.frame.source}: " if node.frame else ""
            raise UnsupportedError(
                f"{at}a size depends on what {node.args[0]} gave, which is not followed; compute "
                "sizes from the hyper-parameters, and not from values of tensors and arrays"
            )
        if node.op == "index":
            self._indices[id(node)] = frozenset([(node.args[1], int(node.hint))])
            return Value(symbol(str(node.args[0])), False)
        indices = frozenset[Tag]().union(
            *(self._indices[id(a)] for a in node.args if id(a) in self._indices)
        )
        if indices:
            self._indices[id(node)] = indices
            if node.op.startswith("if_") and len({loop for loop, _ in indices}) < len(indices):
                # their indices have one name, and would be compared as if they were one
                raise NotFolded("a number depends on the indices of several iterations")
        args = [self._done[id(a)][1] if isinstance(a, Node) else _constant(a) for a in node.args]
        is_float = isinstance(node.hint, float)
        key = (node.op, is_float, *args)
        value = self._lowered.get(key)
        if value is None:
            value = self._lowered[key] = self._computed(node.op, is_float, args)
            if written_size(value.poly) > _MOST_WRITTEN:
                at = f"{node.frame.source}: " if node.frame else ""
                raise TooNested(
                    f"{at}a size is computed by steps within steps, and is written with more than "
                    f"{_MOST_WRITTEN:,} symbols; fix some of those that it is made of: "
                    "derive(factory, name=value)"
                )
        return value

    def _computed(self, op: str, is_float: bool, args: list[Value]) -> Value:
        limits = _NO_LIMITS.union(*(a.limits for a in args))
        if not is_float and not any(a.is_float for a in args):
            poly = _INTEGER[op](self.facts, *(a.poly for a in args))
            return Value(poly, False, limits)
        exactly = _Exactly(self.facts)
        poly = _FLOAT[op](exactly, *args)
        return Value(poly, is_float, limits | exactly.limits)


class _Exactly:
    """Decides for one operation whether floats are exact, and collects up to which limits."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.limits: Limits = _NO_LIMITS

    def doubles(self, *values: Poly) -> bool:
        """Return whether all `values` are doubles, and note the limits up to which they are."""
        limits = set(self.limits)
        if all(self._is_double(v, limits) for v in values):
            self.limits = frozenset(limits)
            return True
        return False

    def _is_double(self, value: Poly, limits: set[tuple[Condition, bool]]) -> bool:
        if has_floats(value):
            return False
        denominator = value.denominator
        if denominator & (denominator - 1):
            return False
        whole = value.scaled(denominator)
        low = self.facts.of(whole)[0]
        if low is None or low < -MANTISSA:
            return False
        return self._is_at_most(whole, limits)

    def _is_at_most(self, whole: Poly, limits: set[tuple[Condition, bool]]) -> bool:
        """Return whether a number may be at most 2**53; if it is a choice, then on both sides."""
        choices = choices_in([whole])
        if len(choices) > _MOST_CHOICES:
            return False
        if choices:
            try:
                sides = [decided(whole, choices[0], truth, self.facts) for truth in (True, False)]
            except UnsupportedError:
                return False
            return all(self._is_at_most(side, limits) for side in sides)
        _, high = self.facts.of(whole)
        if high is not None and high <= MANTISSA:
            return True
        factors = [c for m, c in whole.terms.items() if m]
        if any(not -_LARGEST_EXACT_FACTOR <= c <= _LARGEST_EXACT_FACTOR for c in factors):
            return False
        condition, truth = compare("le", whole, const(MANTISSA), self.facts)
        if condition is None:
            return truth
        limits.add((condition, truth))
        return True

    def small(self, value: Poly) -> bool:
        """Return whether an integer is at most 2**53, and note the limit up to which it is."""
        limits = set(self.limits)
        if self._is_at_most(value, limits):
            self.limits = frozenset(limits)
            return True
        return False


@lru_cache(maxsize=4096, typed=True)
def _constant(value: Number | str) -> Value:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise UnsupportedError(
                f"the factory computes with {value}, which no formula can hold; keep infinities "
                "out of the arithmetic on hyper-parameters"
            )
        return Value(const(Fraction(value)), True)
    return Value(const(int(value)), False)


# --- integers ---------------------------------------------------------------------------------


def _int_pow(facts: Facts, base: Poly, exponent: Poly) -> Poly:
    n = exponent.constant
    if n is not None and (len(base.terms) == 1 or n <= 16) and 0 <= n <= 4096:
        if len(base.terms) == 1:
            ((monomial, coefficient),) = base.terms.items()
            return Poly({tuple((a, e * int(n)) for a, e in monomial if n): coefficient ** int(n)})
        return base ** int(n)
    return call("pow", base, exponent)


def _lshift(facts: Facts, a: Poly, b: Poly) -> Poly:
    return a * _int_pow(facts, const(2), b)


def _rshift(facts: Facts, a: Poly, b: Poly) -> Poly:
    return floordiv(a, _int_pow(facts, const(2), b), facts)


def _abs(facts: Facts, a: Poly) -> Poly:
    if facts.at_least(a, 0):
        return a
    if facts.at_least(-a, 0):
        return -a
    # what is an integer is told by its atoms: none but those of floats may be a fraction
    whole = all(facts.is_integer(m, c) for m, c in a.terms.items())
    return call("abs" if whole else "fabs_py", a)


def _round_digits(facts: Facts, a: Poly, digits: Poly) -> Poly:
    if facts.at_least(digits, 0):
        return a
    return call("round_digits", a, digits)


def _same(facts: Facts, a: Poly) -> Poly:
    return a


def _if(op: str) -> Callable[..., Poly]:
    def lower(facts: Facts, left: Poly, right: Poly, then: Poly, otherwise: Poly) -> Poly:
        return chosen(op, left, right, then, otherwise, facts)

    return lower


def _call_of(op: str) -> Callable[..., Poly]:
    def lower(facts: Facts, *args: Poly) -> Poly:
        return call(op, *args)

    return lower


def _bitwise(op: str) -> Callable[..., Poly]:
    def lower(facts: Facts, a: Poly, b: Poly) -> Poly:
        return bitwise(op, a, b, facts)

    return lower


_INTEGER: dict[str, Callable[..., Poly]] = {
    "add": lambda facts, a, b: a + b,
    "sub": lambda facts, a, b: a - b,
    "mul": lambda facts, a, b: a * b,
    "neg": lambda facts, a: -a,
    "abs": _abs,
    "floordiv": lambda facts, a, b: floordiv(a, b, facts),
    "mod": lambda facts, a, b: mod(a, b, facts),
    "pow": _int_pow,
    "max": lambda facts, *args: maximum(args, facts),
    "min": lambda facts, *args: minimum(args, facts),
    **dict.fromkeys(("trunc", "floor", "ceil", "round"), _same),
    "round_digits": _round_digits,
    "lshift": _lshift,
    "rshift": _rshift,
    **{name: _bitwise(name) for name in ("and", "or")},
    "invert": lambda facts, a: -a - const(1),
    **{name: _call_of(name) for name in ("xor", "isqrt", "factorial", "bit_length", "bit_count")},
    **{name: _call_of(name) for name in INTEGER_FUNCTIONS_2},
    **{f"if_{name}": _if(name) for name in COMPARISONS},
}


# --- floats -----------------------------------------------------------------------------------


def _add(exactly: _Exactly, a: Value, b: Value) -> Poly:
    total = a.poly + b.poly
    if exactly.doubles(a.poly, b.poly, total):
        return total
    return call("fadd", a.poly, b.poly)


def _sub(exactly: _Exactly, a: Value, b: Value) -> Poly:
    difference = a.poly - b.poly
    if exactly.doubles(a.poly, b.poly, difference):  # to change a sign is exact
        return difference
    return call("fadd", a.poly, -b.poly)


def _mul(exactly: _Exactly, a: Value, b: Value) -> Poly:
    if not has_floats(a.poly) and not has_floats(b.poly):
        product = a.poly * b.poly
        if exactly.doubles(a.poly, b.poly, product):
            return product
    return call("fmul", a.poly, b.poly)


def _truediv(exactly: _Exactly, a: Value, b: Value) -> Poly:
    divisor = b.poly.constant
    if a.poly.constant == 0 and exactly.facts.at_least(b.poly, 1):
        return a.poly
    if divisor is not None:
        quotient = a.poly.scaled(Fraction(1) / divisor)
        if exactly.doubles(a.poly, quotient):
            return quotient
    if a.is_float == b.is_float:
        return call("truediv", a.poly, b.poly)
    return call("fdiv", a.poly, b.poly)


def _float_floordiv(exactly: _Exactly, a: Value, b: Value) -> Poly:
    divisor = b.poly.constant
    if isinstance(divisor, int) and divisor > 0 and exactly.doubles(a.poly, b.poly):
        return floor(a.poly.scaled(Fraction(1, divisor)), exactly.facts)
    return call("ffloordiv", a.poly, b.poly)


def _float_mod(exactly: _Exactly, a: Value, b: Value) -> Poly:
    divisor = b.poly.constant
    if (
        isinstance(divisor, int)
        and divisor > 0
        and a.poly.denominator == 1
        and exactly.doubles(a.poly, b.poly)
    ):
        return mod(a.poly, b.poly, exactly.facts)
    return call("fmod_py", a.poly, b.poly)


def _float(exactly: _Exactly, a: Value) -> Poly:
    if a.is_float or exactly.doubles(a.poly):
        return a.poly
    return call("fmul", a.poly, const(1))


def _is_signed_zero(exactly: _Exactly, a: Value) -> bool:
    """Return whether a float may be -0.0, which the normal form does not tell from 0.0."""
    low, high = exactly.facts.of(a.poly)
    return a.is_float and not (low is not None and low > 0) and not (high is not None and high < 0)


def _copysign(exactly: _Exactly, a: Value, b: Value) -> Poly:
    if _is_signed_zero(exactly, b):
        raise UnsupportedError(
            "math.copysign(x, y) depends on the sign of zero if y is 0.0, which is not modelled; "
            "use abs(x) and a comparison of y with 0"
        )
    return call("copysign", a.poly, b.poly)


def _atan2(exactly: _Exactly, y: Value, x: Value) -> Poly:
    low, _ = exactly.facts.of(x.poly)
    right = low is not None and low > 0
    if not right and (_is_signed_zero(exactly, y) or _is_signed_zero(exactly, x)):
        raise UnsupportedError(
            "math.atan2(y, x) depends on the sign of zero if y is 0.0 and x is not positive, "
            "which is not modelled; use math.atan(y / x) for positive x"
        )
    return call("atan2", y.poly, x.poly)


def _if_of_floats(op: str) -> Callable[..., Poly]:
    """Lower a choice between integers by a comparison of floats."""

    def lower(exactly: _Exactly, *args: Value) -> Poly:
        return _if(op)(exactly.facts, *(a.poly for a in args))

    return lower


def _float_call(op: str) -> Callable[..., Poly]:
    def lower(exactly: _Exactly, *args: Value) -> Poly:
        return call(op, *(a.poly for a in args))

    return lower


def _integer_quotient(exactly: _Exactly, a: Poly) -> tuple[Poly, Poly] | None:
    """Return (p, q) if `a` is the double p / q of integers so small that rounding crosses none.

    If p / q is no integer it is at least 1 / q away from the next, which is more than half the
    distance between doubles there while p + q <= 2**53.
    """
    inner = only_atom(a)
    if not (isinstance(inner, Call) and inner.op == "truediv"):
        return None
    p, q = inner.args
    if has_floats(p) or has_floats(q) or p.denominator != 1 or q.denominator != 1:
        return None
    if not (exactly.facts.at_least(p, 0) and exactly.facts.at_least(q, 1)):
        return None
    return (p, q) if exactly.small(p + q) else None


def _rounded(op: str, call_op: str) -> Callable[..., Poly]:
    """Lower `int`, `math.floor` or `math.ceil` of a float."""

    def lower(exactly: _Exactly, a: Value) -> Poly:
        facts = exactly.facts
        quotient = _integer_quotient(exactly, a.poly)
        if quotient is not None:
            p, q = quotient
            if op == "ceil":
                return -floordiv(-p, q, facts)
            return floordiv(p, q, facts)
        if not has_floats(a.poly):
            if op == "floor" or (op == "trunc" and facts.at_least(a.poly, 0)):
                return floor(a.poly, facts)
            if op == "ceil" or facts.at_least(-a.poly, 0):
                return -floor(-a.poly, facts)
        return call(call_op, a.poly)

    return lower


def _round(exactly: _Exactly, a: Value) -> Poly:
    if not has_floats(a.poly) and all(
        exactly.facts.is_integer(m, c) for m, c in a.poly.terms.items()
    ):
        return a.poly
    return call("round", a.poly)


_FLOAT: dict[str, Callable[..., Poly]] = {
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "neg": lambda exactly, a: -a.poly,
    "abs": lambda exactly, a: _abs(exactly.facts, a.poly),
    "truediv": _truediv,
    "floordiv": _float_floordiv,
    "mod": _float_mod,
    "pow": _float_call("fpow"),
    "float": _float,
    "trunc": _rounded("trunc", "trunc"),
    "floor": _rounded("floor", "floor_float"),
    "ceil": _rounded("ceil", "ceil_float"),
    "round": _round,
    "round_digits": _float_call("fround"),
    **{
        name: _float_call(name)
        for name in ("hypot", "math_pow", "log_base", *FLOAT_FUNCTIONS, *FLOAT_FUNCTIONS_2)
    },
    "copysign": _copysign,
    "atan2": _atan2,
    **{f"if_{name}": _if_of_floats(name) for name in COMPARISONS},
}


def plain(op: str, is_float: bool, args: Sequence[Value]) -> Poly:
    """Return an operation as it was recorded, with no rule of the algebra but those of polynomials.

    A floor stays a floor, a maximum a maximum, and a float step one that may round.
    """
    operands = [a.poly for a in args]
    if op.startswith("if_"):
        test, left, right, then, otherwise = op.removeprefix("if_"), *operands
        if test in ("ne", "gt"):
            test, then, otherwise = {"ne": "eq", "gt": "le"}[test], otherwise, then
        return call(f"if_{test}", left, right, then, otherwise)
    if is_float or any(a.is_float for a in args):
        return _FLOAT[op](_Inexactly(Facts()), *args)
    if op in ("floordiv", "mod", "max", "min", "abs", "and", "or"):
        return call(op, *operands)
    return _INTEGER[op](Facts(), *operands)


class _Inexactly(_Exactly):
    """Takes no float for exact."""

    def doubles(self, *values: Poly) -> bool:
        return False

    def small(self, value: Poly) -> bool:
        return False
