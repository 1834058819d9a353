"""JavaScript: a formula as a module that computes it over BigInt, exactly, or refuses.

The module exports `formula`, or for a registry `formulas` by blueprint. A formula has a method
`count({ dim: 64n })`, which gives the exact count as a BigInt, and null outside the domain; `why`
says then what fails, and `parts` gives the count of each parameter. `runtime.js` is Python's
arithmetic; every operator of a formula is written as a row of `JAVASCRIPT` says. Nothing in the
text is a name of the user's: those are strings, with every character escaped that could end one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from symcount.algebra.code_writer import Language, Writer, write
from symcount.algebra.functions import CALLS, CHOICES
from symcount.algebra.poly import sum_of
from symcount.formula.breakdown import breakdown
from symcount.formula.domain_errors import Reason, place_of, with_reasons
from symcount.formula.formula import Formula
from symcount.formula.tree import Built, Leaf, merged

if TYPE_CHECKING:
    from symcount.formula.entry import Entry
    from symcount.symbols import Hyperparameter

_EXACT = {
    "floor": "floordiv({0}, {1})",
    "floordiv": "floordiv({0}, {1})",
    "mod": "mod({0}, {1})",
    "max": "max({all})",
    "min": "min({all})",
    "abs": "abs({0})",
    "pow": "power({0}, {1})",
    "and": "({0}) & ({1})",
    "or": "({0}) | ({1})",
    "xor": "({0}) ^ ({1})",
    "round_digits": "roundDigits({0}, {1})",
    "isqrt": "isqrt({0})",
    "factorial": "factorial({0})",
    "bit_length": "bitLength({0})",
    "bit_count": "bitCount({0})",
    "gcd": "gcd({all})",
    "lcm": "lcm({all})",
    "comb": "comb({0}, {1})",
    "perm": "perm({all})",
    "trunc": "toInteger(Math.trunc({0}))",
    "floor_float": "toInteger(Math.floor({0}))",
    "ceil_float": "toInteger(Math.ceil({0}))",
    "round": "toInteger(halfToEven({0}))",
    "fadd": "({0}) + ({1})",
    "fmul": "({0}) * ({1})",
    "truediv": "trueDivide({0}, {1})",
    "fdiv": "divideDoubles({0}, {1})",
    "ffloordiv": "floordivDoubles({0}, {1})",
    "fmod_py": "modDoubles({0}, {1})",
    "fabs_py": "Math.abs({0})",
    "fabs": "Math.abs({0})",
    "fround": "roundToDigits({0}, {1})",
    "sqrt": "sqrt({0})",
    "fmod": "fmod({0}, {1})",
    "copysign": "copysign({0}, {1})",
    "degrees": "({0}) * (180 / Math.PI)",
    "radians": "({0}) * (Math.PI / 180)",
}

JAVASCRIPT = Language(
    name="JavaScript",
    calls=_EXACT,
    # ECMAScript leaves the last digit of these to the engine (21.3.2), C to the library.
    refused={
        op: "Python and JavaScript may compute another last digit"
        for op in CALLS.keys() - CHOICES - _EXACT.keys()
    },
    integer=lambda value: f"{value}n",
    double=repr,
    power=lambda name, exponent: f"({name} ** {exponent}n)",
    quotient="floordiv({0}, {1})",
    nearest="divide({0}, {1})",
    to_double="toDouble({0})",
    whole_or_nearest="wholeOrNearest({0}, {1})",
    # JavaScript compares a BigInt with a Number by their values, as Python does.
    compares_kinds=True,
    comparisons={"eq": "{0} == {1}", "ge": "{0} >= {1}", "lt": "{0} < {1}", "le": "{0} <= {1}"},
    exact={"integer": "{0}", "double": "{0}", "ratio": "[{0}, {1}]"},
    exact_comparisons={
        "eq": "compared({0}, {1}) === 0",
        "ge": "compared({0}, {1}) >= 0",
        "lt": "compared({0}, {1}) < 0",
        "le": "compared({0}, {1}) <= 0",
    },
    choice="{test} ? {then} : {otherwise}",
    negated="!({test})",
    assign="const {name} = {value};",
    branch=("if ({test}) {{", "}"),
    result="return {value};",
)


def render_count(count: Formula, title: str | None = None) -> str:
    """A module with the formula as `formula`.

    Raises:
        UnsupportedError: JavaScript does not compute a step of it exactly as Python does.

    >>> import symcount
    >>> from torch import nn
    >>> count = symcount.derive(lambda dim, heads=8: nn.MultiheadAttention(dim, heads))
    >>> print(render_count(count.formula, title="attention"))  # doctest: +ELLIPSIS
    // "attention"
    ...
    export const formula = new Formula({
    ...
      functions: {
        count: (s0, s1) => {
          const t0 = mod(s0, s1);
          if (t0 == 0n) {
            return 4n * s0 * s0 + 4n * s0;
          }
          return null;
        },
    ...
    """
    about = f"// {string(title or count.factory)}\n// {string(str(count))}\n"
    return f"{about}\n{runtime()}\nexport const formula = {formula(count)};\n"


def render_registry(entries: Iterable[Entry]) -> str:
    """A module with `formulas`, by blueprint; one without a formula has an `error` in its place."""
    lines = [f"  {string(entry.key)}: {_formula(entry)},\n" for entry in entries]
    return f"{runtime()}\nexport const formulas = {{\n{''.join(lines)}}};\n"


def _formula(entry: Entry) -> str:
    return entry.written(formula, lambda reason: f"{{ error: {string(reason)} }}")


@cache
def runtime() -> str:
    """Return what all formulas need: Python's arithmetic in JavaScript, and the class `Formula`."""
    return files("symcount.export.languages").joinpath("runtime.js").read_text(encoding="utf-8")


def string(text: str) -> str:
    r"""A string literal that neither ends a script nor a line of it, whatever is in it.

    >>> print(string('</script> "\u2028"'))
    "\u003c/script\u003e \"\u2028\""
    """
    literal = json.dumps(text)
    for character in "<>&":
        literal = literal.replace(character, f"\\u{ord(character):04x}")
    return literal


def formula(count: Formula) -> str:
    """An expression: the formula as an object of the class `Formula` of `runtime`.

    Raises:
        UnsupportedError: JavaScript does not compute a step of it exactly as Python does.
    """
    names = [h.name for h in count.hyperparameters]
    parameters = list(breakdown(count).parameters)
    reasons: list[Reason] = []
    why = with_reasons(count.tree, lambda leaf: None, lambda reason: place_of(reason, reasons))
    functions = {
        "count": write(JAVASCRIPT, count.pieces, names, _integer),
        "parts": write(JAVASCRIPT, merged(count.tree, _parts(count, parameters)), names, _integers),
        "why": write(JAVASCRIPT, why, names, _index),
    }
    arguments = ", ".join(f"s{index}" for index in range(len(names)))
    fields = {
        "factory": string(count.factory),
        "symbols": array(map(_symbol, count.hyperparameters)),
        "parameters": array(map(string, parameters)),
        "reasons": array(
            f"{{ text: {string(reason.text)}, detail: {string(reason.detail)}, "
            f"symbols: {array(map(string, reason.symbols))} }}"
            for reason in reasons
        ),
        "functions": "{\n"
        + "".join(
            f"    {name}: ({arguments}) => {{\n{_indented(body)}\n    }},\n"
            for name, body in functions.items()
        )
        + "  }",
    }
    inside = "".join(f"  {name}: {value},\n" for name, value in fields.items())
    return f"new Formula({{\n{inside}}})"


def _indented(body: str) -> str:
    return "\n".join(f"    {line}" for line in body.splitlines())


def array(items: Iterable[str]) -> str:
    """A literal of expressions."""
    return f"[{', '.join(items)}]"


def _symbol(h: Hyperparameter) -> str:
    def number(value: int | float | None) -> str:
        return "null" if value is None else repr(float(value)) if h.real else f"{value}n"

    fields = {
        "name": string(h.name),
        "real": "true" if h.real else "false",
        "minimum": number(h.minimum),
        "maximum": number(h.maximum),
        "multipleOf": number(h.multiple_of),
        "default": number(h.default),
    }
    return f"{{ {', '.join(f'{name}: {value}' for name, value in fields.items())} }}"


# --- leaves -----------------------------------------------------------------------------------


def _integer(writer: Writer, value: Any) -> str:
    return "null" if value is None else writer.integer(value)


def _integers(writer: Writer, values: Any) -> str:
    return "null" if values is None else array(map(writer.integer, values))


def _index(writer: Writer, value: Any) -> str:
    return "null" if value is None else str(value)


def _parts(count: Formula, names: list[str]) -> Any:
    """Return what each parameter contributes on a path, 0 where it is not made there."""

    def parts(leaf: Leaf) -> Any:
        if not isinstance(leaf, Built):
            return None
        found: dict[str, list[Any]] = {name: [] for name in names}
        for weight in leaf.weights:
            factor = count.measure.weigh(weight)
            if factor:
                found[weight.name].append(weight.numel.scaled(factor))
        return tuple(sum_of(terms) for terms in found.values())

    return parts
