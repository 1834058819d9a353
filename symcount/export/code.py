"""Formulas as code of other languages: one table of templates a language, one writer for all.

A `Language` says how each operator of `symcount.algebra.CALLS` is written, or why it is not. The
writer lays a formula out as the Python function of `symcount.evaluate` is: the same steps, in the
same order, computed before the same branches. So the code is undefined where Python's is, too.

A language without an operator, or one that computes it differently from Python, refuses the
formula. It never writes something that is nearly right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symcount.algebra import CALLS, CHOICES, Atom, Call, Condition, Poly, fraction, is_float
from symcount.errors import UnsupportedError
from symcount.paths import Split

# What a call takes where that is not a row of numbers of one kind.
_OF_FLOATS = frozenset(
    op
    for op, function in CALLS.items()
    if function.is_float or op in ("trunc", "floor_float", "ceil_float", "round")
)


@dataclass(frozen=True)
class Language:
    """How one language writes a formula.

    Templates are for `str.format`; what they are given is text that needs no parentheses, so a
    template sets its own. `{all}` is all operands with commas between them.

    Attributes:
        name: the language, as errors call it.
        calls: a template for each call that the language computes exactly as Python does.
        refused: for each other call, why it is not written.
        integer: an integer as a literal.
        double: a double as a literal.
        product, power: of integers; the exponent of `power` is a positive literal.
        quotient: an integer divided by another that divides it.
        nearest: the double nearest to a quotient of integers.
        to_double: the double nearest to an integer, undefined where there is none.
        whole_or_nearest: an integer where one divides the other, else the nearest double.
        ratio: a quotient of integers, kept as such to be compared.
        comparisons: a test of two numbers, integers or doubles, for each of eq, ge, lt and le.
        comparisons_of_ratios: the same where one side at least is a `ratio`.
        choice: an expression of `{test}`, `{then}` and `{otherwise}`.
        assign: a line that gives `{name}` the value of `{value}`.
        branch: the line that opens a block for a `{test}`; the one that closes it, as it is.
        result: a line that ends the function with a value.
    """

    name: str
    calls: Mapping[str, str]
    refused: Mapping[str, str]
    integer: Callable[[int], str]
    double: Callable[[float], str]
    product: str
    power: str
    quotient: str
    nearest: str
    to_double: str
    whole_or_nearest: str
    ratio: str
    comparisons: Mapping[str, str]
    comparisons_of_ratios: Mapping[str, str]
    choice: str
    assign: str
    branch: tuple[str, str]
    result: str


def write(
    language: Language,
    tree: Any,
    parameters: Sequence[str],
    leaf: Callable[[Writer, Any], str],
) -> str:
    """The body of a function of the symbols: lines that end with a result on every path.

    Args:
        language: what to write.
        tree: a `Split` tree; `merged` makes one without idle splits.
        parameters: the names of the symbols; the function's are s0, s1 and so on.
        leaf: the text of a leaf's result, made with the writer's `integer`.

    Raises:
        UnsupportedError: the language does not compute something as Python does.
    """
    writer = Writer(language, parameters)
    writer.block(tree, leaf, "  ")
    return "\n".join(writer.lines)


def merged(tree: Any, value: Callable[[Any], Any]) -> Any:
    """The tree with its leaves' values for leaves, splits between equal ones left out."""
    if not isinstance(tree, Split):
        return value(tree)
    then, otherwise = merged(tree.then, value), merged(tree.otherwise, value)
    return then if then == otherwise else Split(tree.condition, tree.source, then, otherwise)


class Writer:
    """The lines of one function; a call that occurs twice in a block is computed once."""

    def __init__(self, language: Language, parameters: Sequence[str]) -> None:
        self.language = language
        self.lines: list[str] = []
        self._symbols = {name: f"s{index}" for index, name in enumerate(parameters)}
        self._scopes: list[dict[Atom, str]] = [{}]
        self._count = 0
        self._indent = ""

    def block(self, node: Any, leaf: Callable[[Writer, Any], str], indent: str) -> None:
        """Lines that end with a result; what a test that fails leads to needs no block."""
        language, self._indent = self.language, indent
        while isinstance(node, Split):
            opening, closing = language.branch
            self.lines.append(indent + opening.format(test=self._test(node.condition)))
            self._scopes.append({})
            self.block(node.then, leaf, indent + "  ")
            self._scopes.pop()
            self._indent = indent
            self.lines.append(indent + closing)
            node = node.otherwise
        self.lines.append(indent + language.result.format(value=leaf(self, node)))

    # --- numbers ---

    def integer(self, poly: Poly) -> str:
        """An integer: division is exact where there are denominators."""
        top, bottom = self._fraction(poly)
        return top if bottom is None else self.language.quotient.format(top, bottom)

    def _fraction(self, poly: Poly) -> tuple[str, str | None]:
        """A numerator and a denominator, None for 1."""
        for base in {base for monomial in poly.terms for base, _ in monomial}:
            if is_float(base):
                raise UnsupportedError(
                    f"{poly!r} computes exactly with the double {base!r}, which cannot be "
                    f"written in {self.language.name}"
                )
        top, bottom = fraction(poly)
        return self._sum(top), None if bottom.constant == 1 else self._sum(bottom)

    def _sum(self, poly: Poly) -> str:
        text = ""
        for monomial, coefficient in poly.sorted_terms():
            factors = [self._power(base, exponent) for base, exponent in monomial]
            if abs(coefficient) != 1 or not factors:
                factors.insert(0, self.language.integer(abs(int(coefficient))))
            term = self.language.product.join(factors)
            if text:
                text += f" {'-' if coefficient < 0 else '+'} {term}"
            else:
                text = f"-{term}" if coefficient < 0 else term
        return text or self.language.integer(0)

    def _power(self, base: Atom, exponent: int) -> str:
        name = self._atom(base)
        if exponent <= 3:
            return self.language.product.join([name] * exponent)
        return self.language.power.format(name, self.language.integer(exponent))

    def _double(self, poly: Poly) -> str:
        """The double that a float step computes with."""
        if self._is_double(poly):
            return self._signed(poly)
        constant = poly.constant
        if constant is not None:
            return self._constant(constant)
        top, bottom = self._fraction(poly)
        if bottom is None:
            return self.language.to_double.format(top)
        return self.language.nearest.format(top, bottom)

    def _constant(self, value: int | Fraction) -> str:
        try:
            return self.language.double(value.numerator / value.denominator)
        except OverflowError:  # as Python raises when it gets there
            return self.language.to_double.format(self.language.integer(int(value)))

    def _is_double(self, poly: Poly) -> bool:
        """Whether it is one double, or minus one."""
        if len(poly.terms) != 1:
            return False
        ((monomial, coefficient),) = poly.terms.items()
        if len(monomial) != 1 or abs(coefficient) != 1:
            return False
        ((base, exponent),) = monomial
        return exponent == 1 and is_float(base)

    def _signed(self, poly: Poly) -> str:
        ((((base, _),), coefficient),) = poly.terms.items()
        return f"-{self._atom(base)}" if coefficient < 0 else self._atom(base)

    def _operand(self, poly: Poly) -> str:
        """An operand of a true division: an integer if it is whole there, as Python has it."""
        if self._is_double(poly):
            return self._signed(poly)
        constant = poly.constant
        if isinstance(constant, Fraction):
            return self._constant(constant)
        top, bottom = self._fraction(poly)
        return top if bottom is None else self.language.whole_or_nearest.format(top, bottom)

    # --- calls ---

    def _atom(self, base: Atom) -> str:
        if not isinstance(base, Call):
            return self._symbols[base.name]
        for scope in self._scopes:
            if base in scope:
                return scope[base]
        text = self._call(base)
        name = f"t{self._count}"
        self._count += 1
        self.lines.append(self._indent + self.language.assign.format(name=name, value=text))
        self._scopes[-1][base] = name
        return name

    def _call(self, base: Call) -> str:
        op, language = base.op, self.language
        if op in CHOICES:
            left, right, then, otherwise = base.args
            test = self._test(Condition(op.removeprefix("if_"), left, right))
            sides = {"then": self.integer(then), "otherwise": self.integer(otherwise)}
            return language.choice.format(test=test, **sides)
        if op not in language.calls:
            raise UnsupportedError(
                f"{op}: {language.refused[op]}, so the formula cannot be written in "
                f"{language.name} exactly. Fix the symbols it depends on, or evaluate the formula "
                f"in Python."
            )
        args = self._arguments(base)
        return language.calls[op].format(*args, all=", ".join(args))

    def _arguments(self, base: Call) -> list[str]:
        if base.op == "floor":
            top, bottom = self._fraction(base.args[0])
            return [top, self.language.integer(1) if bottom is None else bottom]
        if base.op == "truediv":
            return [self._operand(arg) for arg in base.args]
        if base.op == "fround":
            return [self._double(base.args[0]), self.integer(base.args[1])]
        of = self._double if base.op in _OF_FLOATS else self.integer
        return [of(arg) for arg in base.args]

    def _test(self, condition: Condition) -> str:
        sides = [self._side(condition.left), self._side(condition.right)]
        table = self.language.comparisons
        if any(is_ratio for _, is_ratio in sides):
            table = self.language.comparisons_of_ratios
        return table[condition.op].format(*(text for text, _ in sides))

    def _side(self, poly: Poly) -> tuple[str, bool]:
        """A side of a comparison, and whether it is a ratio."""
        constant = poly.constant
        if self._is_double(poly):
            return self._signed(poly), False
        if isinstance(constant, Fraction):
            return self._constant(constant), False
        top, bottom = self._fraction(poly)
        if bottom is None:
            return top, False
        return self.language.ratio.format(top, bottom), True
