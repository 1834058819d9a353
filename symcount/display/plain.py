"""Write formulas as plain text of Unicode, which says the same wherever it is shown.

Hosts of notebooks take out what they do not trust: JupyterLab and code hosts MathML, nbconvert
superscripts, some every style. Characters stay, and browsers break the lines.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import sympy

from symcount.display import mathml

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
# A line may end behind a hair space.
_TIMES = "\N{HAIR SPACE}·\N{HAIR SPACE}"
_SIGNS = {"\N{INVISIBLE TIMES}": _TIMES, "⋅": _TIMES, "\N{FUNCTION APPLICATION}": "", ",": ", "}
_SPACED = {"mod", "∧", "∨", "⊕", "⊗", "⊘", "=", "≠", "≥", ">", "≤", "<"}
_BRACKETED = re.compile(r"\([^()]*\)|⌊[^⌊⌋]*⌋|⌈[^⌈⌉]*⌉|\|[^|]*\|")


def text(expression: sympy.Basic) -> str:
    """Write an expression or condition on one line.

    >>> from sympy import floor, symbols
    >>> dim, heads = symbols("dim heads", integer=True, positive=True)
    >>> text(4 * dim**2 + dim * floor(dim / (2 * heads)))
    '4\u200a·\u200adim² + dim\u200a·\u200a⌊dim/(2\u200a·\u200aheads)⌋'
    """
    return _written(ET.fromstring(mathml.markup(expression)))


def lines(expression: sympy.Basic) -> list[str]:
    """Write each case of a formula on a line; most formulas have one."""
    whole = ET.fromstring(mathml.markup(expression))
    return _cases(whole) if isinstance(expression, sympy.Piecewise) else [_written(whole)]


def _written(element: ET.Element) -> str:
    tag, parts = element.tag, list(element)
    if tag == "mo":
        return _sign(element)
    if tag == "mfrac":
        above, below = map(_written, parts)
        return f"{_fenced(above, ' ')}/{_fenced(below, ' /·')}"
    if tag == "msup":
        base, exponent = map(_written, parts)
        if exponent.isdecimal():
            return base + exponent.translate(_RAISED)
        return f"{base}^{exponent if exponent.isidentifier() else f'({exponent})'}"
    if tag == "msqrt":
        return f"√({''.join(map(_written, parts))})"
    if tag == "mtable" and len(parts[0]) == 2:
        return f"{{{'; '.join(_cases(element))}}}"
    return (element.text or "").replace("\N{NO-BREAK SPACE}", " ") + "".join(map(_written, parts))


def _sign(element: ET.Element) -> str:
    sign = element.text or ""
    if sign in _SPACED or element.get("form") == "infix":
        return f" {sign} "
    return _SIGNS.get(sign, sign)


def _cases(table: ET.Element) -> list[str]:
    return [" ".join(map(_written, row)) for row in table]


def _fenced(written: str, loose: str) -> str:
    """Put brackets around what has one of the `loose` signs outside of brackets."""
    bare, before = written, ""
    while bare != before:
        bare, before = _BRACKETED.sub("", bare), bare
    return f"({written})" if any(sign in bare for sign in loose) else written
