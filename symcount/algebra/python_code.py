"""Write normal forms as Python code, and compile it.

The text is symcount's own, never a user's, but for the names of symbols. Integers are Python's, of
any size, and float steps are the doubles Python computes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from symcount.algebra.code_writer import Language, Writer
from symcount.algebra.conditions import Condition
from symcount.algebra.facts import Facts
from symcount.algebra.functions import CALLS, CHOICES, has_floats
from symcount.algebra.nested import Nested, nested, whole_part
from symcount.algebra.poly import Call, Monomial, Poly, Rational, fraction

_COMPARISONS = {"eq": "{0} == {1}", "ge": "{0} >= {1}", "lt": "{0} < {1}", "le": "{0} <= {1}"}

PYTHON = Language(
    name="Python",
    calls={op: CALLS[op].code for op in CALLS.keys() - CHOICES},
    refused={},
    integer=str,
    double=repr,
    power=lambda name, exponent: f"{name}**{exponent}",
    quotient="({0}) // ({1})",
    nearest="({0}) / ({1})",
    to_double="float({0})",
    whole_or_nearest="({0}) / ({1}) if ({0}) % ({1}) else ({0}) // ({1})",
    # a negative power of an integer is a double; of zero it raises
    checked_power="({0}) ** ({1}) if ({1}) >= 0 else 0 ** -1",
    # Python compares numbers by their values; large quotients are exact only as fractions.
    compares_kinds=True,
    comparisons=_COMPARISONS,
    exact={"integer": "({0})", "double": "({0})", "ratio": "Fraction({0}, {1})"},
    exact_comparisons=_COMPARISONS,
    choice="({then}) if {test} else ({otherwise})",
    negated="not {test}",
    assign="{name} = {value}",
    branch=("if {test}:", None),
    result="{value}",
    indent="    ",
)  # fmt: skip

# The same for symcount itself, which need not read as well: products without spaces.
_COMPILED = replace(PYTHON, product="{0}*{1}")

# What the code names beside its parameters.
GLOBALS: dict[str, Any] = {
    "__builtins__": {},
    "Fraction": Fraction,
    "math": math,
    **{f.__name__: f for f in (int, float, round, max, min, abs, bin)},
    **{op: function.compute for op, function in CALLS.items() if function.guarded},
}
# Powers up to this are no question of time.
_MODERATE = 4096


class _Compiled(Writer):
    """Code that runs fast: few products, and no call where a comparison does."""

    def _fraction(self, poly: Poly) -> tuple[str, str | None]:
        top, bottom = fraction(poly)
        return self._sum(top), None if bottom.constant == 1 else self._sum(bottom)

    def integer(self, poly: Poly) -> str:
        """An integer: what is whole needs no division."""
        whole, rest = whole_part(poly)
        if not rest.terms or not whole.terms:
            return super().integer(poly)
        return self.language.add.format(self._sum(whole), super().integer(rest))

    def _sum(self, poly: Poly) -> str:
        if has_floats(poly):  # products of doubles would be rounded elsewhere
            return self._nested([(c, m, None) for m, c in poly.sorted_terms()])
        return self._nested(nested(poly))

    def _nested(self, terms: Nested) -> str:
        text = " ".join(self._term(*term) for term in terms) or "+ 0"
        return text[2:] if text.startswith("+ ") else text

    def _term(self, coefficient: Rational, monomial: Monomial, inner: Nested | None) -> str:
        factors = [self._power(base, exponent) for base, exponent in monomial]
        if inner is not None:
            factors.append(f"({self._nested(inner)})")
        if abs(coefficient) != 1 or not factors:
            factors.insert(0, str(abs(coefficient)))
        return ("- " if coefficient < 0 else "+ ") + self._product(factors)

    def _call(self, base: Call) -> str:
        if CALLS[base.op].guarded:
            return self._guarded(base)
        if base.op not in ("max", "min") or len(base.args) != 2:
            return super()._call(base)
        # a comparison takes a third of the time that a call of `max` does
        one, other = (self._short(self.integer(arg)) for arg in base.args)
        return f"{one} if {one} {'>' if base.op == 'max' else '<'} {other} else {other}"

    def _guarded(self, base: Call) -> str:
        args = [self.integer(arg) for arg in base.args]
        if base.op != "pow":
            return f"{base.op}({', '.join(args)})"
        # the operator, where it gives an integer of a moderate size, as it does nearly always
        exponent = self._short(args[1])
        low = "" if Facts().at_least(base.args[1], 0) else "0 <= "
        power = f"({args[0]}) ** {exponent}"
        return f"{power} if {low}{exponent} < {_MODERATE} else pow({args[0]}, {exponent})"

    def _short(self, text: str) -> str:
        """The text, or a name for what it computes if that is not to be computed twice."""
        return text if text.isidentifier() or text.isdecimal() else self._named("{0}", text)


def body(
    tree: Any, parameters: Sequence[str], leaf: Callable[[Any], Poly | None], outside: str
) -> list[str]:
    """The lines of a function of the symbols, under their own names and indented twice.

    `tree` is a leaf, or a split with `condition`, `then` and `otherwise`. What is done where a leaf
    has no polynomial is the statement `outside`.
    """
    return _written(tree, parameters, leaf, outside, parameters)


def _written(
    tree: Any,
    parameters: Sequence[str],
    leaf: Callable[[Any], Poly | None],
    outside: str,
    names: Sequence[str] | None = None,
) -> list[str]:
    def statement(writer: Writer, node: Any) -> str:
        poly = leaf(node)
        return outside if poly is None else f"return {writer.integer(poly)}"

    writer = _Compiled(_COMPILED, parameters, names)
    writer.block(tree, statement, 2 * _COMPILED.indent)
    return writer.lines


def compile_tree(
    tree: Any, parameters: Sequence[str], leaf: Callable[[Any], Poly | None]
) -> Callable[..., int | None]:
    """A function of the symbols: the leaf's polynomial, or None where a leaf has none."""
    return _compiled(len(parameters), _written(tree, parameters, leaf, "return None"))


def compile_condition(condition: Condition, parameters: Sequence[str]) -> Callable[..., bool]:
    """A function of the symbols that tells whether the condition holds."""
    writer = _Compiled(_COMPILED, parameters)
    writer.block(None, lambda writer, _: f"return {writer.test(condition)}", 2 * _COMPILED.indent)
    return _compiled(len(parameters), writer.lines)


def _compiled(parameters: int, lines: Sequence[str]) -> Callable[..., Any]:
    names: dict[str, Any] = {}
    arguments = ", ".join(f"s{index}" for index in range(parameters))
    exec("\n".join([f"def f({arguments}):", *lines, ""]), dict(GLOBALS), names)
    function: Callable[..., Any] = names["f"]
    return function
