"""The packages of `symcount[derive]`, without which stored formulas are loaded and evaluated.

`from symcount.packages import sympy` is `import sympy`, but where it is missing the error says what
to install. Code that runs only within a derivation imports them as ever: `require` comes before it.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from symcount.errors import MissingDependencyError

if TYPE_CHECKING:
    import numpy as numpy
    import sympy as sympy
    import z3 as z3

# By their names, how they are called where they are installed from.
PACKAGES = {"numpy": "numpy", "sympy": "sympy", "torch": "torch", "z3": "z3-solver"}


def require(purpose: str) -> None:
    """Raise unless all of the packages are installed.

    Args:
        purpose: what they are needed for, as the error begins: "deriving a formula".

    Raises:
        MissingDependencyError: some are not.
    """
    absent = [name for name in PACKAGES if name not in sys.modules and not _is_there(name)]
    if absent:
        *others, last = absent
        them = f"{', '.join(others)} and {last}, which are" if others else f"{last}, which is"
        raise MissingDependencyError(
            f"{purpose} needs {them} not installed: pip install 'symcount[derive]'. "
            "(Stored formulas are loaded and evaluated without.)",
            name=last,
        )


_there: set[str] = set()


def _is_there(name: str) -> bool:
    """Tell whether a package can be found; one that was found is not looked for again."""
    from importlib.util import find_spec

    if name not in _there and find_spec(name) is not None:
        _there.add(name)
    return name in _there


if not TYPE_CHECKING:  # which would give every name a type

    def __getattr__(name: str) -> Any:
        if name not in PACKAGES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
            raise MissingDependencyError(
                f"this needs {name}, which is not installed: pip install {PACKAGES[name]}. "
                "(Stored formulas are loaded and evaluated without.)",
                name=name,
            ) from None
