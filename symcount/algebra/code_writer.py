"""Write normal forms as code, with one table of templates for each language.

A `Language` says how each function of `symcount.algebra.functions.CALLS` is written, or why it is
not. The writer lays out a tree as Python would run it: the same steps, in the same order, computed
before the same branches. So the code is undefined where Python's is, too.

A language without a function, or one that computes it differently from Python, refuses the
formula. It never writes something that is nearly right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Any

from symcount.algebra.choices import parts
from symcount.algebra.conditions import Condition
from symcount.algebra.facts import Facts
from symcount.algebra.functions import CALLS, CHOICES, is_float
from symcount.algebra.poly import Atom, Call, Poly, fraction, inside_out, top_atoms
from symcount.errors import UnsupportedError


@dataclass(frozen=True)
class Language:
    """The rules by which one language writes a formula.

    Templates are for `str.format`; what they are given is text that needs no parentheses, so a
    template sets its own. `{all}` is all operands with commas between them; a template of two
    operands, given more, is applied to the first two, then to that and the next.

    Attributes:
        name: the language, as errors call it.
        calls: a template for each call that the language computes exactly as Python does.
        refused: for each other call, why it is not written.
        integer: an integer, 0 or more, as a literal.
        double: a double as a literal.
        power: a name to a positive power that is a number.
        quotient: an integer divided by another that divides it.
        nearest: the double nearest to a quotient of integers.
        to_double: the double nearest to an integer, undefined where there is none.
        whole_or_nearest: an integer where one divides the other, else the nearest double. None in a
            language whose types are fixed: there `truediv` is of integers, and `fdiv` of doubles.
        comparisons: a test of two integers or two doubles, for each of eq, ge, lt and le.
        exact: how a side of another test is given, by its kind: integer, double, or the numerator
            and denominator of a ratio. A test of a kind that is missing is refused.
        exact_comparisons: tests of sides given so.
        checked_power: `pow` where the exponent may be negative, if `calls` has it for others only.
        compares_kinds: tells whether `comparisons` are exact between an integer and a double, too.
        choice: an expression of `{test}`, `{then}` and `{otherwise}`.
        negated: the test that is true where `{test}` is not.
        assign: a line that gives `{name}` the value of `{value}`.
        branch: the line that opens a block for a `{test}`; the one that closes it, if any.
        result: a line that ends the function with a value.
        add, subtract, product: of integers.
        negative: an integer, or a double, with the other sign.
        indent: what a line of a block starts with.
    """

    name: str
    calls: Mapping[str, str]
    refused: Mapping[str, str]
    integer: Callable[[int], str]
    double: Callable[[float], str]
    power: Callable[[str, int], str]
    quotient: str
    nearest: str
    to_double: str
    whole_or_nearest: str | None
    comparisons: Mapping[str, str]
    exact: Mapping[str, str]
    exact_comparisons: Mapping[str, str]
    choice: str
    negated: str
    assign: str
    branch: tuple[str, str | None]
    result: str
    checked_power: str | None = None
    compares_kinds: bool = False
    add: str = "{0} + {1}"
    subtract: str = "{0} - {1}"
    product: str = "{0} * {1}"
    negative: str = "-{0}"
    indent: str = "  "


# What a function of several numbers is of one.
_OF_ONE = {"perm": "factorial", "gcd": "abs", "lcm": "abs"}


def write(
    language: Language,
    tree: Any,
    parameters: Sequence[str],
    leaf: Callable[[Writer, Any], str],
    names: Sequence[str] | None = None,
) -> str:
    """The body of a function of the symbols: lines that end with a result on every path.

    Args:
        language: what to write.
        tree: a `Split` tree; `symcount.formula.tree.merged` makes one without idle splits.
        parameters: the names of the symbols.
        leaf: the text of a leaf's result, made with the writer's `integer`.
        names: what the symbols are called in the text; s0, s1 and so on if not given.

    Raises:
        UnsupportedError: the language does not compute something as Python does.
    """
    writer = Writer(language, parameters, names)
    writer.block(tree, leaf, language.indent)
    return "\n".join(writer.lines)


class Writer:
    """The lines of one function; a call that occurs twice in a block is computed once."""

    def __init__(
        self, language: Language, parameters: Sequence[str], names: Sequence[str] | None = None
    ) -> None:
        self.language = language
        self.lines: list[str] = []
        names = names or [f"s{index}" for index in range(len(parameters))]
        self._symbols = dict(zip(parameters, names, strict=True))
        self.scopes: list[dict[Atom, str]] = [{}]
        self._count = 0
        self._indent = ""

    def block(self, node: Any, leaf: Callable[[Writer, Any], str], indent: str) -> None:
        """Lines that end with a result; the side of a split that nests deeper needs no block."""
        language, self._indent = self.language, indent
        depth = levels(node)
        opening, closing = language.branch
        while hasattr(node, "condition"):
            then_first = depth[id(node.then)] <= depth[id(node.otherwise)]
            inside, after = (
                (node.then, node.otherwise) if then_first else (node.otherwise, node.then)
            )
            test = self.test(node.condition)
            test = test if then_first else language.negated.format(test=test)
            self.lines.append(indent + opening.format(test=test))
            self.scopes.append({})
            self.block(inside, leaf, indent + language.indent)
            self.scopes.pop()
            self._indent = indent
            if closing is not None:
                self.lines.append(indent + closing)
            node = after
        self.lines.append(indent + language.result.format(value=leaf(self, node)))

    # --- numbers ---

    def integer(self, poly: Poly) -> str:
        """An integer: division is exact where there are denominators."""
        top, bottom = self._fraction(poly)
        return top if bottom is None else self.language.quotient.format(top, bottom)

    def _fraction(self, poly: Poly) -> tuple[str, str | None]:
        """A numerator and a denominator, None for 1."""
        for base in top_atoms(poly):
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
            term = self._product(factors)
            if text:
                template = self.language.subtract if coefficient < 0 else self.language.add
                text = template.format(text, term)
            else:
                text = self.language.negative.format(term) if coefficient < 0 else term
        return text or self.language.integer(0)

    def _power(self, base: Atom, exponent: int) -> str:
        name = self._atom(base)
        if exponent <= 3:
            return self._product([name] * exponent)
        return self.language.power(name, exponent)

    def _product(self, factors: Sequence[str]) -> str:
        return reduce(self.language.product.format, factors)

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
        """Tell whether it is one double, or minus one."""
        if len(poly.terms) != 1:
            return False
        ((monomial, coefficient),) = poly.terms.items()
        if len(monomial) != 1 or abs(coefficient) != 1:
            return False
        ((base, exponent),) = monomial
        return exponent == 1 and is_float(base)

    def _signed(self, poly: Poly) -> str:
        ((((base, _),), coefficient),) = poly.terms.items()
        # Doubles have the sign of their own in every language.
        return f"-{self._atom(base)}" if coefficient < 0 else self._atom(base)

    def _operand(self, poly: Poly) -> str:
        """An operand of a true division: an integer if it is whole there, as Python has it."""
        if self._is_double(poly):
            return self._signed(poly)
        constant = poly.constant
        if isinstance(constant, Fraction):
            return self._constant(constant)
        top, bottom = self._fraction(poly)
        if bottom is None:
            return top
        if self.language.whole_or_nearest is None:
            raise self._refusal(f"truediv of {poly!r}", "it is an integer or a double there")
        return self.language.whole_or_nearest.format(top, bottom)

    # --- calls ---

    def _atom(self, base: Atom) -> str:
        if not isinstance(base, Call):
            return self._symbols[base.name]
        if (known := self._known(base)) is not None:
            return known
        for call in inside_out(base, lambda call: self._known(call) is not None):
            self._name(call)
        return self._name(base)

    def _known(self, base: Call) -> str | None:
        return next((scope[base] for scope in self.scopes if base in scope), None)

    def _name(self, base: Call) -> str:
        """Compute a call, whose operands are computed already, under a new name."""
        text = self._call(base)
        name = f"t{self._count}"
        self._count += 1
        self._assign(name, text, is_double=is_float(base))
        self.scopes[-1][base] = name
        return name

    def _assign(self, name: str, text: str, is_double: bool) -> None:
        kind = "double" if is_double else "integer"
        line = self.language.assign.format(name=name, value=text, kind=kind)
        self.lines.append(self._indent + line)

    def _call(self, base: Call) -> str:
        op, language = base.op, self.language
        if op in CHOICES:
            condition, then, otherwise = parts(base)
            test = self.test(condition)
            sides = {"then": self.integer(then), "otherwise": self.integer(otherwise)}
            return language.choice.format(test=test, **sides)
        if op not in language.calls:
            raise self._refusal(op, language.refused[op])
        args = self.arguments(base)
        if op == "truediv" and language.whole_or_nearest is None and not self._of_integers(base):
            op, args = "fdiv", [self._double(arg) for arg in base.args]
        if len(args) == 1:
            op = _OF_ONE.get(op, op)
        template = language.calls[op]
        if op == "pow" and language.checked_power and not Facts().at_least(base.args[1], 0):
            template = language.checked_power
        if "{all}" not in template and "{2}" not in template and len(args) > 2:
            args = [
                reduce(lambda one, other: self._named(template, one, other), args[:-1]),
                args[-1],
            ]
        return template.format(*args, all=", ".join(args))

    def _named(self, template: str, *args: str) -> str:
        """A step with a name of its own, as an operand of the next: the text grows no faster."""
        name = f"t{self._count}"
        self._count += 1
        self._assign(name, template.format(*args), is_double=False)
        return name

    def _of_integers(self, base: Call) -> bool:
        return not any(
            self._is_double(arg) or isinstance(arg.constant, Fraction) for arg in base.args
        )

    def _refusal(self, what: str, reason: str) -> UnsupportedError:
        return UnsupportedError(
            f"{what}: {reason}, so the formula cannot be written in {self.language.name} exactly. "
            f"Fix the symbols it depends on, or evaluate the formula in Python."
        )

    def arguments(self, base: Call) -> list[str]:
        if base.op == "floor":
            top, bottom = self._fraction(base.args[0])
            return [top, self.language.integer(1) if bottom is None else bottom]
        kinds = CALLS[base.op].kinds(len(base.args))
        write = {"integer": self.integer, "double": self._double, "number": self._operand}
        return [write[kind](arg) for kind, arg in zip(kinds, base.args, strict=True)]

    def test(self, condition: Condition) -> str:
        """A condition as an expression."""
        language = self.language
        (one, left), (other, right) = self._side(condition.left), self._side(condition.right)
        if "ratio" not in (one, other) and (one == other or language.compares_kinds):
            return language.comparisons[condition.op].format(*left, *right)
        for kind in (one, other):
            if kind not in language.exact:
                raise self._refusal(repr(condition), "a quotient is not compared exactly there")
        sides = language.exact[one].format(*left), language.exact[other].format(*right)
        return language.exact_comparisons[condition.op].format(*sides)

    def _side(self, poly: Poly) -> tuple[str, tuple[str, ...]]:
        """The kind of a side of a comparison, and its text; of a ratio, its two texts."""
        constant = poly.constant
        if self._is_double(poly):
            return "double", (self._signed(poly),)
        if isinstance(constant, Fraction):
            return "double", (self._constant(constant),)
        top, bottom = self._fraction(poly)
        return ("integer", (top,)) if bottom is None else ("ratio", (top, bottom))


def levels(tree: Any) -> dict[int, int]:
    """Count the indentations that each node of a tree needs, by its `id`.

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
