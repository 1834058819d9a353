"""Evaluating normal forms on plain integers, exactly.

Two evaluators over one table of calls: `value` interprets, for the few points of a check;
`compile_tree` writes a Python function, for everything else. Integers are Python's own, of any
size, and float steps are the doubles Python computes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

from symcount.algebra import (
    CALLS,
    CHOICES,
    Atom,
    Call,
    Condition,
    Facts,
    Monomial,
    Poly,
    Rational,
    Symbol,
    fraction,
    is_float,
)
from symcount.errors import InternalError
from symcount.graph import INTEGER_FUNCTIONS_2

# the calls whose arguments are integers, or rationals that are rounded to one
OF_INTEGERS = frozenset(
    ["floor", "floordiv", "mod", "max", "min", "abs", "pow", "and", "or", "xor", "round_digits",
     "isqrt", "factorial", "bit_length", "bit_count", *INTEGER_FUNCTIONS_2]
)  # fmt: skip


def value(poly: Poly, symbols: Mapping[str, int | float]) -> int:
    """The integer `poly` stands for at these values of its symbols."""
    result = _rational(poly, symbols)
    if isinstance(result, Fraction) and result.denominator == 1:
        return int(result)
    if not isinstance(result, int):
        raise InternalError(f"{poly!r} is {result} at {dict(symbols)}, which is no integer")
    return result


def holds(condition: Condition, symbols: Mapping[str, int | float]) -> bool:
    """Whether a condition is true at these values of its symbols."""
    left, right = _number(condition.left, symbols), _number(condition.right, symbols)
    return bool(_COMPARE[condition.op](left, right))


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b,
    "ge": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
}


def _rational(poly: Poly, symbols: Mapping[str, int | float]) -> Any:
    total: Any = 0
    for monomial, coefficient in poly.terms.items():
        term: Any = coefficient
        for base, exponent in monomial:
            number = _atom(base, symbols)
            term = term * (number**exponent if exponent > 0 else Fraction(1, number**-exponent))
        total = total + term
    return total


def _number(poly: Poly, symbols: Mapping[str, int | float]) -> Any:
    """A number as Python has it: a double where a float is among the atoms."""
    if len(poly.terms) == 1:
        ((monomial, coefficient),) = poly.terms.items()
        if len(monomial) == 1 and monomial[0][1] == 1 and abs(coefficient) == 1:
            number = _atom(monomial[0][0], symbols)
            return number if coefficient == 1 else -number
    result = _rational(poly, symbols)
    return int(result) if isinstance(result, Fraction) and result.denominator == 1 else result


def _atom(base: Atom, symbols: Mapping[str, int | float]) -> Any:
    if isinstance(base, Symbol):
        return symbols[base.name]
    if base.op in CHOICES:
        left, right, then, otherwise = base.args
        test = holds(Condition(base.op.removeprefix("if_"), left, right), symbols)
        return _number(then if test else otherwise, symbols)
    if base.op == "floor":
        return math.floor(_rational(base.args[0], symbols))
    if base.op in OF_INTEGERS:
        return CALLS[base.op].compute(*(value(a, symbols) for a in base.args))
    if base.op == "fround":
        return round(float(_number(base.args[0], symbols)), value(base.args[1], symbols))
    numbers = [_number(a, symbols) for a in base.args]
    if base.op == "truediv" and all(isinstance(n, int) for n in numbers):
        return numbers[0] / numbers[1]
    return CALLS[base.op].compute(*map(float, numbers))


# --- nested form ------------------------------------------------------------------------------

# A sum of products: a coefficient, powers of atoms, and another such sum or None.
Nested: TypeAlias = "list[tuple[Rational, Monomial, Nested | None]]"


def nested(poly: Poly) -> Nested:
    """The polynomial with common factors taken out, as in Horner's rule, so with few products.

    Of integers only: the products are other ones than those of the expanded form, and doubles
    would be rounded elsewhere.
    """
    return _nested(poly.sorted_terms())


def _nested(terms: Sequence[tuple[Monomial, Rational]]) -> Nested:
    uses = Counter(base for monomial, _ in terms for base, exponent in monomial if exponent > 0)
    base, most = max(uses.items(), key=lambda use: use[1], default=(None, 0))
    if most < 2:
        return [(coefficient, monomial, None) for monomial, coefficient in terms]
    inside = [t for t in terms if any(a == base and e > 0 for a, e in t[0])]
    outside = [t for t in terms if t not in inside]
    common = _common([dict(monomial) for monomial, _ in inside])
    content = Fraction(
        math.gcd(*(c.numerator for _, c in inside)), math.lcm(*(c.denominator for _, c in inside))
    )
    quotients = [(_without(m, common), _simplest(c / content)) for m, c in inside]
    factor = tuple(sorted(common.items(), key=lambda power: power[0].key))
    return [(_simplest(content), factor, _nested(quotients)), *_nested(outside)]


def _simplest(value: Fraction) -> Rational:
    return value.numerator if value.denominator == 1 else value


def _common(powers: Sequence[Mapping[Atom, int]]) -> dict[Atom, int]:
    """The powers that divide all of these."""
    least = {base: min(p.get(base, 0) for p in powers) for base in powers[0]}
    return {base: exponent for base, exponent in least.items() if exponent > 0}


def _without(monomial: Monomial, divisor: Mapping[Atom, int]) -> Monomial:
    return tuple((a, e - divisor.get(a, 0)) for a, e in monomial if e != divisor.get(a, 0))


def whole_part(poly: Poly) -> tuple[Poly, Poly]:
    """The terms that are integers whatever the atoms are, and the rest."""
    whole = {m: c for m, c in poly.terms.items() if type(c) is int and all(e > 0 for _, e in m)}
    return Poly(whole), Poly({m: c for m, c in poly.terms.items() if m not in whole})


# --- code -------------------------------------------------------------------------------------

_INFIX = {"floordiv": "//", "mod": "%", "and": "&", "or": "|", "xor": "^"}
_FLOAT_INFIX = {"fadd": "+", "fmul": "*", "ffloordiv": "//", "fmod_py": "%", "fdiv": "/"}
_METHODS = {"bit_length": "bit_length", "bit_count": "bit_count"}


class _Code:
    """The lines of one function; a call that occurs twice in a block is computed once."""

    def __init__(self, parameters: Sequence[str], keep_names: bool = False) -> None:
        self.names = {n: n if keep_names else f"s{index}" for index, n in enumerate(parameters)}
        self.lines: list[str] = []
        self.scopes: list[dict[Atom, str]] = [{}]
        self.count = 0
        self.facts = Facts()

    def atom(self, base: Atom, indent: str) -> str:
        if isinstance(base, Symbol):
            return self.names[base.name]
        for scope in self.scopes:
            if base in scope:
                return scope[base]
        name = self.assigned(self.call(base, indent), indent)
        self.scopes[-1][base] = name
        return name

    def assigned(self, text: str, indent: str) -> str:
        name = f"t{self.count}"
        self.count += 1
        self.lines.append(f"{indent}{name} = {text}")
        return name

    def named(self, text: str, indent: str) -> str:
        """The text, or a name for what it computes if that is not to be computed twice."""
        return text if text.isidentifier() or text.isdecimal() else self.assigned(text, indent)

    def extremum(self, op: str, names: Sequence[str]) -> str:
        """Of two integers; a comparison takes a third of the time that a call of `max` does."""
        one, other = names
        return f"{one} if {one} {'>' if op == 'max' else '<'} {other} else {other}"

    def integer_power(self, args: Sequence[str], exponent: Poly, indent: str) -> str:
        """The operator where it gives an integer of a moderate size, as it does nearly always."""
        name = self.named(args[1], indent)
        low = "" if self.facts.at_least(exponent, 0) else "0 <= "
        return f"({args[0]}) ** {name} if {low}{name} < 4096 else pow({args[0]}, {name})"

    def call(self, base: Call, indent: str) -> str:
        op = base.op
        if op == "floor":
            top, bottom = self.fraction(base.args[0], indent)
            return f"({top}) // ({bottom})"
        if op in CHOICES:
            left, right, then, otherwise = base.args
            test = self.condition(Condition(op.removeprefix("if_"), left, right), True, indent)
            return (
                f"({self.integer(then, indent)}) if {test} else ({self.integer(otherwise, indent)})"
            )
        if op in OF_INTEGERS:
            args = [self.integer(a, indent) for a in base.args]
            if op in ("max", "min") and len(args) == 2:
                return self.extremum(op, [self.named(text, indent) for text in args])
            if op == "pow":
                return self.integer_power(args, base.args[1], indent)
            if op in _INFIX:
                return f"({args[0]}) {_INFIX[op]} ({args[1]})"
            if op in _METHODS:
                return f"({args[0]}).{_METHODS[op]}()"
            return f"{op}({', '.join(args)})"
        if op == "truediv":
            args = [self.number(a, indent, "whole_or_float") for a in base.args]
            return f"({args[0]}) / ({args[1]})"
        if op == "fround":
            digits = self.integer(base.args[1], indent)
            return f"round(float({self.number(base.args[0], indent)}), {digits})"
        floats = [f"float({self.number(a, indent)})" for a in base.args]
        if op in _FLOAT_INFIX:
            return f"{floats[0]} {_FLOAT_INFIX[op]} {floats[1]}"
        return f"{op}({', '.join(floats)})"

    def fraction(self, poly: Poly, indent: str) -> tuple[str, str]:
        """The text of a numerator and a denominator."""
        top, bottom = fraction(poly)
        return self.sum(top, indent), self.sum(bottom, indent)

    def sum(self, poly: Poly, indent: str) -> str:
        """A polynomial without fractions."""
        if any(is_float(base) for monomial in poly.terms for base, _ in monomial):
            return self.nested_sum([(c, m, None) for m, c in poly.sorted_terms()], indent)
        return self.nested_sum(nested(poly), indent)

    def nested_sum(self, terms: Nested, indent: str) -> str:
        return _joined([self.term(*term, indent) for term in terms])

    def term(
        self, coefficient: Rational, monomial: Monomial, inner: Nested | None, indent: str
    ) -> str:
        factors = [self.power(base, exponent, indent) for base, exponent in monomial]
        if inner is not None:
            factors.append(f"({self.nested_sum(inner, indent)})")
        if abs(coefficient) != 1 or not factors:
            factors.insert(0, str(abs(coefficient)))
        return ("-" if coefficient < 0 else "+") + "*".join(factors)

    def power(self, base: Atom, exponent: int, indent: str) -> str:
        name = self.atom(base, indent)
        return (
            name
            if exponent == 1
            else "*".join([name] * exponent)
            if exponent <= 3
            else (f"{name}**{exponent}")
        )

    def integer(self, poly: Poly, indent: str) -> str:
        """An integer: exact division where there are denominators."""
        whole, rest = whole_part(poly)
        if not rest.terms:
            return self.sum(whole, indent)
        top, bottom = self.fraction(rest, indent)
        quotient = f"({top}) // ({bottom})"
        return f"{self.sum(whole, indent)} + {quotient}" if whole.terms else quotient

    def number(self, poly: Poly, indent: str, divide: str = "") -> str:
        """A number as Python has it, or `divide` of its numerator and denominator.

        Without `divide`, it is the double nearest to the quotient.
        """
        constant = poly.constant
        if isinstance(constant, Fraction):
            return repr(constant.numerator / constant.denominator)
        top, bottom = self.fraction(poly, indent)
        if bottom == "1":
            return top
        return f"{divide}({top}, {bottom})" if divide else f"({top}) / ({bottom})"

    def condition(self, condition: Condition, truth: bool, indent: str) -> str:
        sign = {"eq": "==", "ge": ">=", "lt": "<", "le": "<="}[condition.op]
        # Comparing is exact in Python, and quotients of large integers are exact only as fractions.
        left, right = (
            self.number(side, indent, "Fraction") for side in (condition.left, condition.right)
        )
        return f"{left} {sign} {right}" if truth else f"not {left} {sign} {right}"


def _joined(terms: Sequence[str]) -> str:
    text = " ".join(f"{t[0]} {t[1:]}" for t in terms) or "0"
    return text[2:] if text.startswith("+ ") else text


def _whole_or_float(top: int, bottom: int) -> int | float:
    """An integer where `bottom` divides `top`, as Python has it there, else a double."""
    quotient, rest = divmod(top, bottom)
    return top / bottom if rest else quotient


# What the code names beside its parameters.
GLOBALS: dict[str, Any] = {
    "__builtins__": {},
    "Fraction": Fraction,
    "whole_or_float": _whole_or_float,
    "float": float,
    "round": round,
    "max": max,
    "min": min,
    "abs": abs,
    **{
        op: f.compute
        for op, f in CALLS.items()
        if op not in _INFIX and op not in _FLOAT_INFIX and op not in ("max", "min", "abs")
    },
    "sqrt": math.sqrt,
}


def write_function(tree: Any, parameters: Sequence[str], leaf: Callable[[Any], Poly | None]) -> str:
    """Python source of `f(*symbols)`: the leaf's polynomial, or None where a leaf has none.

    `tree` is a leaf, or a split with `condition`, `then` and `otherwise`.
    """
    code = _Code(parameters)
    _write_tree(code, tree, leaf, "    ", "return None")
    names = ", ".join(code.names[p] for p in parameters)
    return "\n".join([f"def f({names}):", *code.lines, ""])


def write_body(
    tree: Any, parameters: Sequence[str], leaf: Callable[[Any], Poly | None], outside: str
) -> list[str]:
    """The lines of such a function, each indented twice, in its parameters' own names.

    What is done where a leaf has no polynomial is up to the caller: the statement `outside`.
    """
    code = _Code(parameters, keep_names=True)
    _write_tree(code, tree, leaf, "        ", outside)
    return code.lines


def _write_tree(
    code: _Code, tree: Any, leaf: Callable[[Any], Poly | None], indent: str, outside: str
) -> None:
    """Lines that return; the side of a split that nests deeper stays at its indentation."""
    depth = levels(tree)

    def block(node: Any, indent: str) -> None:
        while hasattr(node, "condition"):
            then_first = depth[id(node.then)] <= depth[id(node.otherwise)]
            test = code.condition(node.condition, then_first, indent)
            code.lines.append(f"{indent}if {test}:")
            code.scopes.append({})
            block(node.then if then_first else node.otherwise, indent + "    ")
            code.scopes.pop()
            node = node.otherwise if then_first else node.then
        poly = leaf(node)
        code.lines.append(
            indent + (outside if poly is None else f"return {code.integer(poly, indent)}")
        )

    block(tree, indent)


def levels(tree: Any) -> dict[int, int]:
    """How many indentations each node of a tree needs, by its `id`.

    A chain of any length needs one, and a tree of n leaves log2(n), so that Python's limit of a
    hundred is out of reach.
    """
    depth: dict[int, int] = {}
    stack = [tree]
    while stack:
        node = stack[-1]
        if not hasattr(node, "condition"):
            depth[id(node)] = 0
            stack.pop()
        elif id(node.then) in depth and id(node.otherwise) in depth:
            one, other = depth[id(node.then)], depth[id(node.otherwise)]
            depth[id(node)] = max(one, other, min(one, other) + 1)
            stack.pop()
        else:
            stack += [node.then, node.otherwise]
    return depth


def compile_tree(
    tree: Any, parameters: Sequence[str], leaf: Callable[[Any], Poly | None]
) -> Callable[..., int | None]:
    """The function of `write_function`. Its text is symcount's own, never a user's."""
    names: dict[str, Any] = {}
    exec(write_function(tree, parameters, leaf), dict(GLOBALS), names)
    function: Callable[..., int | None] = names["f"]
    return function


def compile_condition(condition: Condition, parameters: Sequence[str]) -> Callable[..., bool]:
    """A function of the symbols that tells whether the condition holds."""
    code = _Code(parameters)
    test = code.condition(condition, True, "    ")
    text = "\n".join(
        [f"def f({', '.join(code.names.values())}):", *code.lines, f"    return {test}", ""]
    )
    names: dict[str, Any] = {}
    exec(text, dict(GLOBALS), names)
    function: Callable[..., bool] = names["f"]
    return function
