r"""LaTeX fragments; they compile with `amsmath` and `booktabs`.

Names and descriptions are escaped. `to_math` typesets sympy expressions, also for other formats.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from typing import TYPE_CHECKING

from symcount.errors import DerivationError

if TYPE_CHECKING:
    from sympy import Basic

    from symcount.formula import ParamCount
    from symcount.registry import BlueprintSpec

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{c: f"\\{c}" for c in "&%$#_{}"},
}


def render_count(count: ParamCount, title: str | None = None) -> str:
    r"""A paragraph: the formula as a display, then its domain, symbols and certificate.

    >>> import symcount
    >>> from torch import nn
    >>> count = symcount.derive(lambda out_features: nn.Linear(9, out_features))
    >>> print(render_count(count, title="A classifier"), end="")  # doctest: +ELLIPSIS
    \paragraph{A classifier}
    \[
    10 \cdot \mathrm{out_{features}}
    \]
    \begin{description}
    \item[Domain] all positive integers
    \item[Certificate] ...
    \end{description}
    """
    items = [
        ("Domain", _domain(count)),
        ("Defaults", _codes(count.defaults.items())),
        ("Fixed", _codes(count.fixed)),
        ("Certificate", escape("; ".join(str(count.certificate).splitlines()))),
    ]
    return "\n".join(
        [
            rf"\paragraph{{{escape(title or count.factory)}}}",
            r"\[",
            to_math(count.expr),
            r"\]",
            r"\begin{description}",
            *(rf"\item[{label}] {text}" for label, text in items if text),
            r"\end{description}",
            "",
        ]
    )


def render_registry(specs: Iterable[BlueprintSpec]) -> str:
    """A `tabular` with a part for each topology."""
    rows = []
    by_topology = sorted(specs, key=lambda spec: spec.topology)
    for topology, group in groupby(by_topology, key=lambda spec: spec.topology):
        rows += [
            r"\midrule",
            rf"\multicolumn{{5}}{{l}}{{\textbf{{{escape(topology)}}}}} \\",
            *(f"{' & '.join(_row(spec))} \\\\" for spec in group),
        ]
    return "\n".join(
        [
            r"\begin{tabular}{lp{0.4\linewidth}p{0.2\linewidth}ll}",
            r"\toprule",
            r"Blueprint & Parameters & Domain & Defaults & Certificate \\",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def _row(spec: BlueprintSpec) -> list[str]:
    name = _code(spec.name)
    try:
        count = spec.param_count
    except DerivationError as error:
        return [name, f"no formula: {escape(str(error))}", "", "", ""]
    return [
        name,
        f"${to_math(count.expr)}$",
        _domain(count),
        _codes(count.defaults.items()),
        escape(summary(count)),
    ]


def _codes(values: Iterable[tuple[str, object]]) -> str:
    return ", ".join(_code(f"{name}={value}") for name, value in values)


def _code(text: str) -> str:
    return rf"\texttt{{{escape(text)}}}"


def escape(text: str) -> str:
    r"""Text in which no character is a command; line breaks become spaces.

    >>> print(escape("100% of conv_small & {more}"))
    100\% of conv\_small \& \{more\}
    """
    return "".join(_ESCAPES.get(c, c) for c in " ".join(text.split()))


def to_math(expression: Basic) -> str:
    r"""A sympy expression in mathematics mode, its symbols in upright letters.

    >>> from sympy import symbols, Max
    >>> dim, head_dim = symbols("dim head_dim")
    >>> print(to_math(2 * dim * Max(8, head_dim)))
    2 \cdot \mathrm{dim} \cdot \max\left(8, \mathrm{head_{dim}}\right)
    """
    import sympy

    names = {s: _symbol(s.name) for s in expression.atoms(sympy.Symbol)}
    return str(sympy.latex(expression, symbol_names=names, mul_symbol="dot"))


def _symbol(name: str) -> str:
    """A name in upright letters, what follows its first underscore as the index."""
    first, *rest = name.split("_")
    text = first + (f"_{{{','.join(rest)}}}" if rest else "")
    return text if re.fullmatch(r"[a-zA-Z]", text) else rf"\mathrm{{{text}}}"


def _domain(count: ParamCount) -> str:
    import sympy

    return "all positive integers" if count.domain == sympy.true else f"${to_math(count.domain)}$"


def summary(count: ParamCount) -> str:
    """The certificate in a few words."""
    certificate = count.certificate
    points = len(certificate.points)
    return f"{certificate.grade}, {points} point{'' if points == 1 else 's'}"
