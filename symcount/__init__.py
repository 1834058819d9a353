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
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from symcount import blueprints
    from symcount.certificate import Certificate
    from symcount.derivation import derive
    from symcount.errors import (
        ArgumentError,
        CountOverflowError,
        DerivationError,
        DomainError,
        DuplicateError,
        EscapedSymbolError,
        FactoryError,
        IncompleteError,
        InternalError,
        MissingDependencyError,
        NondeterministicError,
        NoSolutionError,
        NoSymbolError,
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
    from symcount.formula import Breakdown, ParamCount
    from symcount.libraries import from_config
    from symcount.packing import save
    from symcount.registry import BlueprintRegistry, BlueprintSpec
    from symcount.stored import StoredFormulas, load
    from symcount.symbols import Symbol

_HOME = {
    "derive": "symcount.derivation",
    "from_config": "symcount.libraries",
    "ParamCount": "symcount.formula",
    "Breakdown": "symcount.formula",
    "Certificate": "symcount.certificate",
    "Symbol": "symcount.symbols",
    "StoredFormulas": "symcount.stored",
    "load": "symcount.stored",
    "save": "symcount.packing",
    "BlueprintRegistry": "symcount.registry",
    "BlueprintSpec": "symcount.registry",
    **dict.fromkeys(
        (
            "ArgumentError",
            "DerivationError",
            "CountOverflowError",
            "DomainError",
            "DuplicateError",
            "EscapedSymbolError",
            "FactoryError",
            "IncompleteError",
            "InternalError",
            "MissingDependencyError",
            "NoSolutionError",
            "NoSymbolError",
            "NondeterministicError",
            "NotAModuleError",
            "NotTrustedError",
            "StoredFormulaError",
            "SymcountError",
            "TargetError",
            "UnboundedError",
            "UndecidedError",
            "UninitializedParameterError",
            "UnknownShapeError",
            "UnsupportedError",
            "VerificationError",
        ),
        "symcount.errors",
    ),
}

__all__ = [
    "ArgumentError",
    "BlueprintRegistry",
    "BlueprintSpec",
    "Breakdown",
    "Certificate",
    "CountOverflowError",
    "DerivationError",
    "DomainError",
    "DuplicateError",
    "EscapedSymbolError",
    "FactoryError",
    "IncompleteError",
    "InternalError",
    "MissingDependencyError",
    "NoSolutionError",
    "NoSymbolError",
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
    "derive",
    "from_config",
    "load",
    "save",
]


def __getattr__(name: str) -> Any:
    if name == "blueprints":
        return importlib.import_module("symcount.blueprints")
    if name in _HOME:
        value = globals()[name] = getattr(importlib.import_module(_HOME[name]), name)
        return value
    raise AttributeError(f"module 'symcount' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
