"""C: a formula as a function that computes it in checked 128-bit integers, or returns why not.

The function returns `SYMCOUNT_OK` and stores the exact count; or it returns `SYMCOUNT_OUTSIDE`
outside the domain, or `SYMCOUNT_OVERFLOW` where the count does not fit 64 bits or a step does not
fit 128, and stores nothing. It is C11 with `__int128` and the overflow built-ins of GCC and Clang.
`runtime.c` is Python's arithmetic. No text is a user's but in comments and names.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from symcount.algebra.code_writer import Language, Writer, write
from symcount.algebra.functions import CALLS, CHOICES
from symcount.errors import UnsupportedError
from symcount.export.languages.captions import about, identifiers, string
from symcount.formula.formula import Formula

if TYPE_CHECKING:
    from symcount.formula.entry import Entry
    from symcount.symbols import Hyperparameter

_EXACT = {
    "floor": "sc_floordiv(&status, {0}, {1})",
    "floordiv": "sc_floordiv(&status, {0}, {1})",
    "mod": "sc_mod(&status, {0}, {1})",
    "max": "sc_max({0}, {1})",
    "min": "sc_min({0}, {1})",
    "abs": "sc_abs(&status, {0})",
    "pow": "sc_pow(&status, {0}, {1})",
    "and": "({0}) & ({1})",
    "or": "({0}) | ({1})",
    "xor": "({0}) ^ ({1})",
    "round_digits": "sc_round_digits(&status, {0}, {1})",
    "isqrt": "sc_isqrt(&status, {0})",
    "factorial": "sc_perm(&status, {0}, {0})",
    "bit_length": "sc_bit_length({0})",
    "bit_count": "sc_bit_count({0})",
    "gcd": "sc_gcd(&status, {0}, {1})",
    "lcm": "sc_lcm(&status, {0}, {1})",
    "comb": "sc_comb(&status, {0}, {1})",
    "perm": "sc_perm(&status, {0}, {1})",
    "trunc": "sc_integer(&status, trunc({0}))",
    "floor_float": "sc_integer(&status, floor({0}))",
    "ceil_float": "sc_integer(&status, ceil({0}))",
    "round": "sc_integer(&status, sc_half_to_even({0}))",
    "fadd": "({0}) + ({1})",
    "fmul": "sc_fmul({0}, {1})",
    "truediv": "sc_nearest(&status, {0}, {1})",
    "fdiv": "sc_divide(&status, {0}, {1})",
    "ffloordiv": "sc_floordiv_doubles(&status, {0}, {1})",
    "fmod_py": "sc_mod_doubles(&status, {0}, {1})",
    "fabs_py": "fabs({0})",
    "fabs": "fabs({0})",
    "sqrt": "sc_sqrt(&status, {0})",
    "fmod": "sc_fmod(&status, {0}, {1})",
    "copysign": "copysign({0}, {1})",
    "degrees": f"sc_fmul({{0}}, {180 / math.pi!r})",
    "radians": f"sc_fmul({{0}}, {math.pi / 180!r})",
}


def _integer(value: int) -> str:
    if value < 1 << 63:
        return f"INT64_C({value})"
    if value < 1 << 127:
        return f"sc_wide(UINT64_C({value >> 64}), UINT64_C({value & (1 << 64) - 1}))"
    raise UnsupportedError(
        f"the formula has the number {value}, which does not fit 128 bits, so it cannot be written "
        "in C exactly. Evaluate the formula in Python."
    )


C = Language(
    name="C",
    calls=_EXACT,
    refused={
        # C leaves the last digit of these to the library (F.10), as Python does.
        op: "Python and C may compute another last digit"
        for op in CALLS.keys() - CHOICES - _EXACT.keys()
    }
    | {"fround": "rounding to decimal digits takes integers of more than 128 bits"},
    integer=_integer,
    double=repr,
    power=lambda name, exponent: f"sc_pow(&status, {name}, {exponent})",
    quotient="sc_floordiv(&status, {0}, {1})",
    nearest="sc_nearest(&status, {0}, {1})",
    to_double="(double)({0})",
    whole_or_nearest=None,
    comparisons={"eq": "{0} == {1}", "ge": "{0} >= {1}", "lt": "{0} < {1}", "le": "{0} <= {1}"},
    exact={
        "integer": "sc_ratio(&status, {0}, 1)",
        "double": "sc_real({0})",
        "ratio": "sc_ratio(&status, {0}, {1})",
    },
    exact_comparisons={
        "eq": "sc_compare(&status, {0}, {1}) == SC_EQUAL",
        "ge": "(sc_compare(&status, {0}, {1}) & (SC_EQUAL | SC_GREATER)) != 0",
        "lt": "sc_compare(&status, {0}, {1}) == SC_LESS",
        "le": "(sc_compare(&status, {0}, {1}) & (SC_EQUAL | SC_LESS)) != 0",
    },
    choice="{test} ? {then} : {otherwise}",
    negated="!({test})",
    assign="const {kind} {name} = {value};",
    branch=("if ({test}) {{", "}"),
    result="{value}",
    add="sc_add(&status, {0}, {1})",
    subtract="sc_sub(&status, {0}, {1})",
    product="sc_mul(&status, {0}, {1})",
    negative="sc_sub(&status, 0, {0})",
)

_KEYWORDS = (
    "auto break case char const continue default do double else enum extern float for goto if "
    "inline int long register restrict return short signed sizeof static struct switch typedef "
    "union unsigned void volatile while asm typeof linux unix i386 main status count"
)


def render_count(count: Formula, title: str | None = None) -> str:
    """A file with the function, and what it needs.

    Raises:
        UnsupportedError: C does not compute a step of it exactly as Python does.

    >>> import symcount
    >>> from torch import nn
    >>> def attention(dim, heads=8):
    ...     return nn.MultiheadAttention(dim, heads)
    >>> print(render_count(symcount.derive(attention).formula))  # doctest: +ELLIPSIS
    /* Python's arithmetic ...
    // "attention"
    // "Formula: 4*dim**2 + 4*dim"
    ...
    int count_attention(int64_t dim, int64_t heads, int64_t *count) {
    ...
    """
    return runtime() + function(count, _names([count.factory])[0], title)


def render_registry(entries: Iterable[Entry]) -> str:
    """A file with a function for each blueprint; one without a formula is a comment."""
    entries = list(entries)
    names = _names(entry.key for entry in entries)
    return runtime() + "".join(
        _of_entry(entry, name) for entry, name in zip(entries, names, strict=True)
    )


def _names(of: Iterable[str]) -> list[str]:
    return identifiers((f"count_{name.replace('<lambda>', 'formula')}" for name in of), reserved())


def _of_entry(entry: Entry, name: str) -> str:
    return entry.written(
        lambda count: function(count, name, entry.key),
        lambda reason: f"\n// {string(entry.key)}\n// {string(reason)}\n",
    )


@cache
def runtime() -> str:
    """Return what every function needs: Python's arithmetic in C."""
    return files("symcount.export.languages").joinpath("runtime.c").read_text(encoding="utf-8")


@cache
def reserved() -> frozenset[str]:
    """Names that mean something in C, or in `runtime`."""
    return frozenset([*_KEYWORDS.split(), *re.findall(r"[A-Za-z_]\w*", runtime())])


def function(count: Formula, name: str, title: str | None = None) -> str:
    """The function, under a name that is valid."""
    # C keeps names with an underscore before them for itself.
    given = (h.name.lstrip("_") or "s" for h in count.hyperparameters)
    names = identifiers(given, {*reserved(), name})
    kinds = ["double" if h.real else "int64_t" for h in count.hyperparameters]
    parameters = [f"{kind} {name}" for kind, name in zip(kinds, names, strict=True)]
    body = write(C, count.pieces, [h.name for h in count.hyperparameters], _leaf)
    lines = [
        f"// {string(title or count.factory)}",
        *(f"// {string(line)}" for line in [*about(count), *_defaults(count.hyperparameters)]),
        f"int {name}({', '.join([*parameters, 'int64_t *count'])}) {{",
        *(f"  {line}" for line in _declared(count.hyperparameters, names)),
        "  int status = SYMCOUNT_OK;",
        *(
            f"  const {'double' if h.real else 'integer'} s{index} = {name};"
            for index, (h, name) in enumerate(zip(count.hyperparameters, names, strict=True))
        ),
        *(f"  (void)s{index};" for index in range(len(names))),
        body,
        "}",
    ]
    return "\n" + "\n".join(lines) + "\n"


def _defaults(hyperparameters: Sequence[Hyperparameter]) -> list[str]:
    given = [f"{h.name}={h.default}" for h in hyperparameters if h.default is not None]
    return [f"Defaults: {', '.join(given)}"] if given else []


def _declared(hyperparameters: Sequence[Hyperparameter], names: Sequence[str]) -> Iterable[str]:
    """Lines that return for a value that is none of its symbol."""
    for h, name in zip(hyperparameters, names, strict=True):
        tests = [f"{name} > 0 && {name} < HUGE_VAL"] if h.real else []
        if not h.real or h.minimum > 0:
            tests.append(f"{name} >= {_bound(h, h.minimum)}")
        if h.maximum is not None:
            tests.append(f"{name} <= {_bound(h, h.maximum)}")
        if h.multiple_of > 1:
            tests.append(f"{name} % {_bound(h, h.multiple_of)} == 0")
        yield f"if (!({' && '.join(tests)})) return SYMCOUNT_OUTSIDE;"


def _bound(h: Hyperparameter, value: int | float) -> str:
    return repr(float(value)) if h.real else _integer(int(value))


def _leaf(writer: Writer, value: Any) -> str:
    if value is None:
        return "return status ? status : SYMCOUNT_OUTSIDE;"
    return f"return sc_finish(&status, {writer.integer(value)}, count);"
