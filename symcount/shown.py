"""Views of values for notebooks and terminals, made by code that the values do not import.

The view of each class is named by its path, and is loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# By kind of view, "html" or "rich", and class: the function that makes it, as "module:name".
VIEWS = {
    ("html", "Breakdown"): "symcount.display.notebook:breakdown_html",
    ("rich", "Breakdown"): "symcount.display.console:breakdown_view",
    ("html", "Certificate"): "symcount.display.notebook:certificate_html",
    ("html", "Share"): "symcount.display.notebook:expression_html",
}


def view(kind: str, value: object) -> Any:
    """Return the view of a value that is registered for its class."""
    module, _, name = VIEWS[kind, type(value).__name__].partition(":")
    return getattr(import_module(module), name)(value)


class Shown:
    """A value with a view for notebooks; a prompt shows its text."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        # IPython asks for it in each class before its bases, and prefers a `__repr__` found first.
        cls._repr_pretty_ = Shown._repr_pretty_  # type: ignore[method-assign]

    def _repr_html_(self) -> str:
        html: str = view("html", self)
        return html

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))
