"""Formulas as text for other programs: one module a format, all with the same two functions.

`render_count(count, title=...)` renders a formula with its domain, defaults and certificate;
`render_registry(specs)` a table of blueprints. A blueprint without a formula (registered with
`on_error="defer"`) keeps its place in the table, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

from symcount.export import json, latex, markdown

if TYPE_CHECKING:
    from symcount.formula import ParamCount
    from symcount.registry import BlueprintSpec

__all__ = ["FORMATS", "Renderer"]


class Renderer(Protocol):
    """What a format's module provides."""

    def render_count(self, count: ParamCount, title: str | None = None) -> str:
        """The formula with its domain, its symbols and its certificate."""

    def render_registry(self, specs: Iterable[BlueprintSpec]) -> str:
        """A table of blueprints and their formulas, by topology."""


FORMATS: Mapping[str, Renderer] = {"json": json, "latex": latex, "markdown": markdown}
