"""NumPy: a formula as a function of arrays of sizes; exact counts in int64, or an error.

The function takes arrays, or integers, that broadcast together. Steps that do not fit int64 are
done in Python's integers, so none wraps around; a count that does not fit raises `OverflowError`.
Outside the domain it raises `ValueError`, or holds `fill`. Float steps are Python's doubles: what
NumPy may compute with another last digit is computed in Python, number by number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from symcount.algebra.code_writer import Language, Writer, write
from symcount.algebra.functions import CALLS, CHOICES
from symcount.algebra.poly import Poly
from symcount.export.languages import python
from symcount.export.languages.captions import identifiers
from symcount.formula.formula import Formula

if TYPE_CHECKING:
    from symcount.formula.entry import Entry
    from symcount.symbols import Hyperparameter

_AT_ONCE = {
    "floor": "_floordiv({0}, {1})",
    "floordiv": "_floordiv({0}, {1})",
    "mod": "_mod({0}, {1})",
    "max": "_largest(np.maximum, {all})",
    "min": "_largest(np.minimum, {all})",
    "abs": "_abs({0})",
    "and": "_bits(operator.and_, {0}, {1})",
    "or": "_bits(operator.or_, {0}, {1})",
    "xor": "_bits(operator.xor, {0}, {1})",
    "trunc": "_to_integers(int, np.trunc, {0})",
    "floor_float": "_to_integers(math.floor, np.floor, {0})",
    "ceil_float": "_to_integers(math.ceil, np.ceil, {0})",
    "round": "_to_integers(round, np.rint, {0})",
    "fadd": "({0}) + ({1})",
    "fmul": "({0}) * ({1})",
    "truediv": "_quotient({0}, {1})",
    "fdiv": "_quotient({0}, {1})",
    "fabs": "abs({0})",
    "fabs_py": "abs({0})",
}
_IN_PYTHON = {
    "pow": "operator.pow",
    "round_digits": "round",
    "fround": "round",
    "bit_length": "int.bit_length",
    "bit_count": "lambda n: bin(n).count('1')",
    "ffloordiv": "operator.floordiv",
    "fmod_py": "operator.mod",
    "fpow": "math.pow",
    "math_pow": "math.pow",
    "log_base": "math.log",
}


def _one_by_one(op: str) -> str:
    kind = "_doubles" if CALLS[op].is_float else "_integers"
    return f"{kind}({_IN_PYTHON.get(op, f'math.{op}')}, {{all}})"


_COMPARISONS = {op: f"_compared(operator.{op}, {{0}}, {{1}})" for op in ("eq", "ge", "lt", "le")}

NUMPY = Language(
    name="NumPy",
    calls={op: _AT_ONCE.get(op) or _one_by_one(op) for op in CALLS.keys() - CHOICES},
    refused={},
    integer=str,
    double=repr,
    power=lambda name, exponent: f"{name}**{exponent}",
    quotient="_floordiv({0}, {1})",
    nearest="_quotient({0}, {1})",
    to_double="_double({0})",
    whole_or_nearest="_whole_or_nearest({0}, {1})",
    compares_kinds=True,
    comparisons=_COMPARISONS,
    exact={"integer": "{0}", "double": "{0}", "ratio": "_fraction({0}, {1})"},
    exact_comparisons=_COMPARISONS,
    choice="_choice({test}, {then}, {otherwise})",
    negated="~{test}",
    assign="{name} = {value}",
    branch=("if _all({test}):", None),
    result="return {value}",
    indent="    ",
)


def render_count(count: Formula, title: str | None = None) -> str:
    """A module with the function.

    >>> import symcount
    >>> from torch import nn
    >>> def attention(dim, heads=8):
    ...     return nn.MultiheadAttention(dim, heads)
    >>> text = render_count(symcount.derive(attention).formula)
    >>> print(text[text.index("def attention"):])  # doctest: +ELLIPSIS
    def attention(dim, heads=8, fill=None):
    ...
    def _attention(s0, s1):
        t0 = _mod(s0, s1)
        if _all(_compared(operator.eq, t0, 0)):
            return 4 * s0 * s0 + 4 * s0
        return None
    <BLANKLINE>
    """
    (name,) = identifiers([python.stem(count.factory)], reserved(), "count")
    return f"{runtime()}\n\n{function(count, name, title)}"


def render_registry(entries: Iterable[Entry]) -> str:
    """A module with a function for each blueprint; one without a formula raises, and says why."""
    entries = list(entries)
    names = identifiers((entry.key for entry in entries), reserved(), "count")
    made = [_of_entry(entry, name) for entry, name in zip(entries, names, strict=True)]
    return "\n\n".join([runtime(), *made])


def _of_entry(entry: Entry, name: str) -> str:
    return entry.written(
        lambda count: function(count, name, entry.key),
        lambda reason: python.without_formula(entry.key, name, reason),
    )


@cache
def runtime() -> str:
    """Return what every function needs: Python's arithmetic on arrays."""
    return (
        files("symcount.export.languages").joinpath("runtime_numpy.py").read_text(encoding="utf-8")
    )


@cache
def reserved() -> frozenset[str]:
    """Names that mean something in Python, or in `runtime`."""
    return python.RESERVED | {"fill", *re.findall(r"[A-Za-z_]\w*", runtime())}


def function(count: Formula, name: str, title: str | None = None) -> str:
    """The source of the function, under a name that is valid."""
    symbols = [h.name for h in count.hyperparameters]
    names = identifiers(symbols, {*reserved(), name, f"_{name}"})
    body = write(NUMPY, count.pieces, symbols, _leaf)
    signature = [python.signature(count.hyperparameters, names), "fill=None"]
    inner = ", ".join(f"s{index}" for index in range(len(names)))
    lines = [
        f"def {name}({', '.join(filter(None, signature))}):",
        *python.docstring(count, title, dict(zip(symbols, names, strict=True)), _RAISES),
        *(f"    {line}" for line in _declared(count.hyperparameters, names)),
        f"    return _counted(_{name}, inside, [{', '.join(names)}], fill)",
        "",
        "",
        f"def _{name}({inner}):",
        body,
        "",
    ]
    return "\n".join(lines)


_RAISES = (
    "Raises ValueError outside the domain unless there is a fill, OverflowError for a count that "
    "does not fit int64, TypeError for what is no array of integers."
)


def _declared(hyperparameters: Sequence[Hyperparameter], names: Sequence[str]) -> Iterable[str]:
    tests = ["np.asarray(True)"]
    for h, name in zip(hyperparameters, names, strict=True):
        yield f"{name} = _column({name!r}, {name}, {h.real})"
        if h.real:
            tests.append(f"({name} > 0) & ({name} < np.inf)")
        if not h.real or h.minimum > 0:
            tests.append(f"({name} >= {h.minimum!r})")
        if h.maximum is not None:
            tests.append(f"({name} <= {h.maximum!r})")
        if h.multiple_of > 1:
            tests.append(f"({name} % {h.multiple_of} == 0)")
    yield f"inside = {' & '.join(tests)}"


def _leaf(writer: Writer, value: Poly | None) -> str:
    return "None" if value is None else writer.integer(value)
