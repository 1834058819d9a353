"""Exact closed forms of PyTorch parameter counts: a formula, or a clear error, never a guess.

>>> import symcount
>>> from torch import nn
>>> count = symcount.derive(lambda d, h: nn.Sequential(nn.Linear(d, h), nn.Linear(h, d)))
>>> print(count)
2*d*h + d + h
>>> count(d=512, h=2048)
2099712

The names below are loaded on first use, so that importing symcount loads neither torch nor sympy.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symcount import blueprints
    from symcount.api import compare, derive, load, maximum, save
    from symcount.catalogue.configs import from_config
    from symcount.catalogue.registry import BlueprintRegistry, BlueprintSpec
    from symcount.errors import (
        ArgumentError,
        CountOverflowError,
        DerivationError,
        DomainError,
        DuplicateError,
        EndlessError,
        EscapedSymbolError,
        FactoryError,
        ImportFailedError,
        IncompleteError,
        InternalError,
        LoadError,
        LostError,
        MissingDependencyError,
        NondeterministicError,
        NoSolutionError,
        NotAModuleError,
        NotTrustedError,
        StoredFormulaError,
        SymcountError,
        TargetError,
        UnboundedError,
        UndecidedError,
        UninitializedParameterError,
        UnknownShapeError,
        UnsupportedError,
        VerificationError,
    )
    from symcount.formula.breakdown import Breakdown
    from symcount.formula.certificate import Certificate
    from symcount.many import Derived, derive_many
    from symcount.param_count import ParamCount
    from symcount.storage.file import StoredFormulas
    from symcount.symbols import Symbol
    from symcount.version import __version__ as __version__

__all__ = [
    "ArgumentError",
    "BlueprintRegistry",
    "BlueprintSpec",
    "Breakdown",
    "Certificate",
    "CountOverflowError",
    "DerivationError",
    "Derived",
    "DomainError",
    "DuplicateError",
    "EndlessError",
    "EscapedSymbolError",
    "FactoryError",
    "ImportFailedError",
    "IncompleteError",
    "InternalError",
    "LoadError",
    "LostError",
    "MissingDependencyError",
    "NoSolutionError",
    "NondeterministicError",
    "NotAModuleError",
    "NotTrustedError",
    "ParamCount",
    "StoredFormulaError",
    "StoredFormulas",
    "Symbol",
    "SymcountError",
    "TargetError",
    "UnboundedError",
    "UndecidedError",
    "UninitializedParameterError",
    "UnknownShapeError",
    "UnsupportedError",
    "VerificationError",
    "blueprints",
    "compare",
    "derive",
    "derive_many",
    "from_config",
    "load",
    "maximum",
    "save",
]

_HOMES: dict[str, Iterable[str]] = {
    "symcount.api": ("compare", "derive", "load", "maximum", "save"),
    "symcount.catalogue.configs": ("from_config",),
    "symcount.catalogue.registry": ("BlueprintRegistry", "BlueprintSpec"),
    "symcount.errors": (name for name in __all__ if name.endswith("Error")),
    "symcount.formula.breakdown": ("Breakdown",),
    "symcount.formula.certificate": ("Certificate",),
    "symcount.many": ("Derived", "derive_many"),
    "symcount.param_count": ("ParamCount",),
    "symcount.storage.file": ("StoredFormulas",),
    "symcount.symbols": ("Symbol",),
    "symcount.version": ("__version__",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


if not TYPE_CHECKING:  # to a checker a name that there is not is an error

    def __getattr__(name: str) -> Any:
        if name != "blueprints" and name not in _HOME:
            raise AttributeError(f"module 'symcount' has no attribute {name!r}")
        from symcount import interception, packages

        if name == "from_config":
            packages.require("deriving a formula")
        with interception.alone():  # a fork waits until it is imported, or the child waits for ever
            module = importlib.import_module(_HOME.get(name, "symcount.blueprints"))
        if name in _HOME:
            globals()[name] = getattr(module, name)
        return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
