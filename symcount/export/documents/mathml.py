"""MathML by itself: a `math` element for a page or a document that has its own text around it."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from symcount.formula.formula import Formula

if TYPE_CHECKING:
    from symcount.formula.entry import Entry


def render_count(count: Formula, title: str | None = None) -> str:
    """The formula as a display, and below it the domain if it is not everything.

    The title is the `aria-label` of the formula, which readers of the screen say.

    >>> import symcount
    >>> from torch import nn
    >>> count = symcount.derive(lambda dim: nn.Linear(9, dim))
    >>> print(render_count(count.formula))  # doctest: +ELLIPSIS
    <math display="block" aria-label="&lt;lambda&gt;" ...><mn>10</mn>...</math>
    <BLANKLINE>
    """
    from symcount.display import mathml
    from symcount.packages import sympy

    label = escape(title or count.factory)
    parts = [_display(mathml.math(count.in_layers), label)]
    if count.domain != sympy.true:
        parts.append(_display(mathml.math(count.domain), f"domain of {label}"))
    return "\n".join([*parts, ""])


def render_registry(entries: Iterable[Entry]) -> str:
    """Render each entry; one without a formula is a `math` element that says why."""
    return "".join(map(_of_entry, entries))


def _of_entry(entry: Entry) -> str:
    if isinstance(entry.formula, Formula):
        return render_count(entry.formula, entry.key)
    text = f"<math><mtext>no formula: {escape(entry.problem)}</mtext></math>"
    return _display(text, escape(entry.key)) + "\n"


def _display(element: str, label: str) -> str:
    return element.replace("<math", f'<math display="block" aria-label="{label}"', 1)
