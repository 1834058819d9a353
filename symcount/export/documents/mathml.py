"""MathML by itself: a `math` element for a page or a document that has its own text around it."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from symcount.errors import DerivationError

if TYPE_CHECKING:
    from symcount.catalogue.registry import BlueprintSpec
    from symcount.param_count import ParamCount


def render_count(count: ParamCount, title: str | None = None) -> str:
    """The formula as a display, and below it the domain if it is not everything.

    The title is the `aria-label` of the formula, which readers of the screen say.

    >>> import symcount
    >>> from torch import nn
    >>> print(render_count(symcount.derive(lambda dim: nn.Linear(9, dim))))  # doctest: +ELLIPSIS
    <math display="block" aria-label="&lt;lambda&gt;" ...><mn>10</mn>...</math>
    <BLANKLINE>
    """
    import sympy

    from symcount.display import mathml

    label = escape(title or count.factory)
    parts = [_display(mathml.math(count.expr), label)]
    if count.domain != sympy.true:
        parts.append(_display(mathml.math(count.domain), f"domain of {label}"))
    return "\n".join([*parts, ""])


def render_registry(specs: Iterable[BlueprintSpec]) -> str:
    """Those of each blueprint; one without a formula is a `math` element that says why."""
    return "".join(map(_of_spec, specs))


def _of_spec(spec: BlueprintSpec) -> str:
    try:
        return render_count(spec.param_count, spec.key)
    except DerivationError as error:
        text = f"<math><mtext>no formula: {escape(str(error))}</mtext></math>"
        return _display(text, escape(spec.key)) + "\n"


def _display(element: str, label: str) -> str:
    return element.replace("<math", f'<math display="block" aria-label="{label}"', 1)
