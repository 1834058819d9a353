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


def shortened(text: str, most: int = 200) -> str:
    """Cut a long formula after one of its terms, and say how long it is.

    >>> shortened("4*dim**2 + 9*dim*vocab + 10", 20)
    '4*dim**2 + … (27 characters)'
    """
    if len(text) <= most:
        return text
    ends = (text.rfind(between, 0, most) + 2 for between in (" + ", " & ", " | ", ", "))
    end = next((end for end in ends if end > most // 3), most)
    return f"{text[:end]} … ({len(text):,} characters)"


def lines_as_one(text: str) -> str:
    """Write lines of text on one, for a `repr`."""
    return "; ".join(line.strip() for line in text.splitlines())


class Said:
    """A value with a text, which a prompt of IPython shows; its `repr` is for logs."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        # IPython asks for it in each class before its bases, and prefers a `__repr__` found first.
        cls._repr_pretty_ = Said._repr_pretty_  # type: ignore[method-assign]

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))


class Shown(Said):
    """A value with a view for notebooks too."""

    def _repr_html_(self) -> str:
        html: str = view("html", self)
        return html


def numbered(number: int, noun: str) -> str:
    """Write a number of things: "1 formula", "2 formulas"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
