"""The table of functions that a call can be of, and all facts about them.

Code that evaluates, bounds, writes or reads calls asks the row. Where it needs more than the row
says, it keeps a table of its own, and `tests/algebra/test_functions.py` holds the tables together.
What a factory does with a symbol is in `symcount.record.OPERATORS`; `symcount.derivation.lowering`
makes calls of it.

Each float step stands for the double that Python computes, with the rounding of IEEE 754.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, TypeAlias

from symcount.algebra import bounds as rules
from symcount.algebra.poly import Atom, Call, Poly, Rational, Variable, atom, const, top_atoms
from symcount.errors import CountOverflowError, UnsupportedError
from symcount.record import FLOAT_FUNCTIONS, FLOAT_FUNCTIONS_2, OPERATORS

Kind: TypeAlias = 'Literal["integer", "double", "number"]'

_CONVERSIONS: dict[Kind, Callable[[Any], Any]] = {
    "integer": lambda value: value,
    "double": float,
    "number": lambda value: value if isinstance(value, int) else float(value),
}

INTEGERS: tuple[Kind, ...] = ("integer",)
DOUBLES: tuple[Kind, ...] = ("double",)
ONE, TWO, SOME = (1, 1), (2, 2), (2, 1_000)
# A power or factorial of more bits is not computed: 2**25 take about a second.
MOST_BITS = 2**25


@dataclass(frozen=True)
class Function:
    """One row of `CALLS`.

    Attributes:
        compute: the function, as Python has it.
        code: how Python writes it, a template for `str.format`; `{all}` is all operands with commas
            between them. `floor` is given a numerator and a denominator.
        bounds: bounds of it from those of its operands; they hold wherever it is defined.
        arity: the least and the greatest number of operands.
        takes: the kinds of its operands, of which the last is that of all that follow. A number is
            an integer, or else a double.
        is_float: tells whether it gives a double.
        commutes: tells whether the order of its operands is of no account.
        divides: tells whether it divides by its second operand.
        total: tells whether it is defined for all operands, but for a divisor of zero.
        guarded: tells whether `compute` refuses what is no integer or too large; `code` does not.
    """

    compute: Callable[..., Any]
    code: str
    bounds: rules.Bounding
    arity: tuple[int, int] = ONE
    takes: tuple[Kind, ...] = INTEGERS
    is_float: bool = False
    commutes: bool = False
    divides: bool = False
    total: bool = False
    guarded: bool = False

    def kinds(self, operands: int) -> tuple[Kind, ...]:
        """The kinds of so many operands."""
        return (self.takes + self.takes[-1:] * operands)[:operands]

    def bounded(self, *operands: rules.Interval) -> rules.Interval:
        """Bounds of it from those of its operands; what it computes, of doubles that are known."""
        try:
            if self.is_float and all(low is not None and low == high for low, high in operands):
                value = self.at(*(low for low, _ in operands if low is not None))
                return (value, value) if math.isfinite(value) else rules.UNKNOWN
            return self.bounds(*operands)
        except (ArithmeticError, ValueError, TypeError):
            # not defined at an end: nothing is said about the rest
            return rules.UNKNOWN

    def at(self, *operands: Rational | float) -> Any:
        """Compute it, of numbers that are converted to what it takes."""
        if self.takes is INTEGERS:
            return self.compute(*operands)
        kinds = self.kinds(len(operands))
        return self.compute(
            *(_CONVERSIONS[kind](each) for kind, each in zip(kinds, operands, strict=True))
        )


def _double(
    compute: Callable[..., Any],
    code: str,
    rule: rules.Bounding = rules.none,
    arity: tuple[int, int] = ONE,
    **columns: bool,
) -> Function:
    """A row of a function of doubles that gives one."""
    return Function(compute, code, rule, arity, DOUBLES, is_float=True, **columns)


def _power(base: int, exponent: int) -> Any:
    if exponent < 0:
        raise ValueError("a negative power of an integer is no integer")
    _require_size(exponent * base.bit_length())
    return base**exponent


def _factorial(number: int) -> int:
    _require_size(number * number.bit_length())
    return math.factorial(number)


def _combinations(total: int, chosen: int) -> int:
    _require_size(min(chosen, total - chosen) * total.bit_length())
    return math.comb(total, chosen)


def _permutations(total: int, chosen: int) -> int:
    _require_size(min(chosen, total) * total.bit_length())
    return math.perm(total, chosen)


def _rounded_to_digits(number: int, digits: int) -> int:
    return 0 if -digits > number.bit_length() else round(number, digits)


def _require_size(bits: int) -> None:
    """Raise for an integer that would take more time and memory than any question is worth."""
    if bits > MOST_BITS:
        raise CountOverflowError(
            f"a power or factorial of more than {MOST_BITS:,} bits is not computed; ask at smaller "
            "sizes"
        )


# The choices between two integers, and the comparisons that they depend on.
CHOICES = {"if_eq": "eq", "if_ge": "ge", "if_lt": "lt", "if_le": "le"}

_FLOAT_BOUNDS = {"sqrt": rules.sqrt, "exp": rules.not_negative, "fabs": rules.not_negative}

CALLS: dict[str, Function] = {
    # integers
    "floor": Function(math.floor, "({0}) // ({1})", rules.floor, total=True),
    "floordiv": Function(
        operator.floordiv, "({0}) // ({1})", rules.floordiv, TWO, divides=True, total=True
    ),
    "mod": Function(operator.mod, "({0}) % ({1})", rules.mod, TWO, divides=True, total=True),
    "max": Function(max, "max({all})", rules.greatest, SOME, commutes=True, total=True),
    "min": Function(min, "min({all})", rules.least, SOME, commutes=True, total=True),
    "abs": Function(abs, "abs({0})", rules.absolute, total=True),
    "pow": Function(_power, "({0}) ** ({1})", rules.power_of_integers, TWO, guarded=True),
    "and": Function(
        operator.and_, "({0}) & ({1})", rules.bitwise_and, TWO, commutes=True, total=True
    ),
    "or": Function(operator.or_, "({0}) | ({1})", rules.bitwise_or, TWO, commutes=True, total=True),
    "xor": Function(
        operator.xor, "({0}) ^ ({1})", rules.bitwise_xor, TWO, commutes=True, total=True
    ),
    "round_digits": Function(
        _rounded_to_digits, "round({all})", rules.round_digits, TWO, guarded=True
    ),
    "isqrt": Function(math.isqrt, "math.isqrt({all})", rules.isqrt),
    "factorial": Function(_factorial, "math.factorial({all})", rules.factorial, guarded=True),
    "bit_length": Function(
        OPERATORS["bit_length"], "int.bit_length({0})", rules.bit_length, total=True
    ),
    # int.bit_count is new in Python 3.10
    "bit_count": Function(
        OPERATORS["bit_count"], "bin({0}).count('1')", rules.bit_count, total=True
    ),
    "gcd": Function(math.gcd, "math.gcd({all})", rules.gcd, SOME, commutes=True, total=True),
    "lcm": Function(math.lcm, "math.lcm({all})", rules.lcm, SOME, commutes=True, total=True),
    "comb": Function(_combinations, "math.comb({all})", rules.grows(math.comb), TWO, guarded=True),
    "perm": Function(_permutations, "math.perm({all})", rules.grows(math.perm), TWO, guarded=True),
    **{
        choice: Function(
            OPERATORS[choice],
            "",  # each language has a form of its own for it
            rules.choice,
            (4, 4),
            ("number", "number", "integer", "integer"),
            total=True,
        )
        for choice in CHOICES
    },
    # integers made of floats
    "trunc": Function(int, "int({0})", rules.rounded(int), takes=DOUBLES),
    "floor_float": Function(
        math.floor, "math.floor({0})", rules.rounded(math.floor), takes=DOUBLES
    ),
    "ceil_float": Function(math.ceil, "math.ceil({0})", rules.rounded(math.ceil), takes=DOUBLES),
    "round": Function(round, "round({0})", rules.rounded(round), takes=DOUBLES),
    # floats
    "fadd": _double(operator.add, "({0}) + ({1})", rules.float_sum, TWO, commutes=True),
    "fmul": _double(operator.mul, "({0}) * ({1})", rules.float_product, TWO, commutes=True),
    "truediv": Function(
        operator.truediv,
        "({0}) / ({1})",
        rules.quotient,
        TWO,
        ("number",),
        is_float=True,
        divides=True,
    ),
    "fdiv": _double(operator.truediv, "({0}) / ({1})", rules.quotient, TWO, divides=True),
    "ffloordiv": _double(
        operator.floordiv, "({0}) // ({1})", rules.not_negative_if_all_are, TWO, divides=True
    ),
    "fmod_py": _double(operator.mod, "({0}) % ({1})", arity=TWO, divides=True),
    # `**`, but that this raises where that is complex
    "fpow": _double(OPERATORS["pow"], "math.pow({all})", rules.float_power, TWO),
    "fabs_py": _double(abs, "abs({0})", rules.not_negative),
    "fround": Function(
        round, "round({all})", rules.none, TWO, ("double", "integer"), is_float=True
    ),
    "hypot": _double(math.hypot, "math.hypot({all})", rules.not_negative, SOME),
    "math_pow": _double(math.pow, "math.pow({all})", rules.float_power, TWO),
    "log_base": _double(math.log, "math.log({all})", arity=TWO),
    **{
        name: _double(OPERATORS[name], f"math.{name}({{all}})", arity=TWO)
        for name in FLOAT_FUNCTIONS_2
    },
    **{
        name: _double(OPERATORS[name], f"math.{name}({{all}})", _FLOAT_BOUNDS.get(name, rules.none))
        for name in FLOAT_FUNCTIONS
    },
}


def is_float(base: Atom) -> bool:
    """Tell whether an atom is a double, with which no exact arithmetic is to be done."""
    return base.real if isinstance(base, Variable) else CALLS[base.op].is_float


def has_floats(value: Poly) -> bool:
    """Tell whether a double is among the atoms of the terms."""
    return any(map(is_float, top_atoms(value)))


def call(op: str, *args: Poly) -> Poly:
    """A call as a polynomial; of constants, its value.

    Raises:
        UnsupportedError: the value is infinite, or no number.
    """
    function = CALLS[op]
    values = [value for arg in args if (value := arg.constant) is not None]
    if len(values) == len(args):
        # a power is exact where it is no integer, too
        result = Fraction(values[0]) ** values[1] if op == "pow" else function.at(*values)
        if isinstance(result, float) and not math.isfinite(result):
            raise UnsupportedError(f"{op} gave {result}")
        return const(Fraction(result))
    return atom(Call(op, tuple(sorted(args, key=repr)) if function.commutes else args))
