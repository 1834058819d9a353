"""Every error a user of symcount can meet.

All of them derive from `SymcountError`. Each message says what went wrong, where (file and line
in the user's factory, as far as it is known) and what to do about it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class SymcountError(Exception):
    """Base of every error symcount raises on purpose."""


class ArgumentError(SymcountError, TypeError):
    """A call into symcount was made with arguments it cannot use."""


class MissingDependencyError(SymcountError, ImportError):
    """A package that symcount needs only for this is not installed; the message says how to."""


class TargetError(SymcountError, LookupError, ValueError):
    """A command-line target or registry key names nothing that exists."""


class ImportFailedError(TargetError):
    """The module that a target names does not exist, or raised while it was imported.

    `module` is its name, or the path of its file.
    """

    def __init__(self, module: str, message: str) -> None:
        super().__init__(message)
        self.module = module

    def __reduce__(self) -> tuple[type[ImportFailedError], tuple[str, str]]:
        return type(self), (self.module, str(self))


class NotTrustedError(SymcountError):
    """A document or file of formulas names what is not called for it; nothing of it has run.

    The message says what it is, why it is not called, and how to allow it if it can be.
    """


class LoadError(SymcountError, ImportError):
    """What was to register the blueprints of a topology raised; that is the error's cause."""


class DuplicateError(SymcountError, ValueError):
    """A registry has a blueprint of that name already."""


class DomainError(SymcountError, ValueError):
    """A formula was asked for a value outside the domain on which it holds.

    `symcount.formula.domain_errors` composes the message when it is first read: that a value is not
    valid is known at once, the nearest values that are have to be searched for.
    """

    def __init__(self, message: str | Callable[[], str]) -> None:
        super().__init__(message)

    def __str__(self) -> str:
        (message,) = self.args
        if callable(message):
            message = message()
            self.args = (message,)
        return str(message)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self),)


class StoredFormulaError(SymcountError, ValueError):
    """A file of formulas is damaged, of another version, or beyond the limits of what is stored.

    The message names the place in the document.
    """


class CountOverflowError(SymcountError, OverflowError):
    """A count, or a size, does not fit the numbers that an array holds."""


class NoSolutionError(SymcountError, ValueError):
    """A question about sizes has no answer: it is proved that no valid size is one."""


class UnboundedError(SymcountError, ValueError):
    """A question about sizes has no greatest answer, or none could be proved to be the greatest."""


class UndecidedError(SymcountError):
    """A question about a formula was neither answered nor refuted, so nothing is said."""


class DerivationError(SymcountError):
    """No formula could be derived; the subclasses say why.

    If it is `out_of_time`, the clock has ended the derivation, and on another machine it may have
    another end.
    """

    out_of_time = False


class NotAModuleError(DerivationError, TypeError):
    """The factory returned something other than a `torch.nn.Module`."""


class FactoryError(DerivationError):
    """The factory raised at every size that was tried."""


class EndlessError(DerivationError):
    """A call of the factory had not returned after the seconds that it may take."""

    out_of_time = True


class UninitializedParameterError(DerivationError):
    """The module has lazy parameters, whose shapes its hyper-parameters do not determine."""


class UnknownShapeError(DerivationError):
    """A tensor's shape could not be followed back to the symbols."""


class NondeterministicError(DerivationError):
    """The factory built different modules from the same arguments."""


class VerificationError(DerivationError):
    """The formula and a plainly built module disagree, so the formula was thrown away."""


class IncompleteError(DerivationError):
    """A formula was asked for with `strict=True`, and its certificate is not complete."""


class LostError(DerivationError):
    """The process that derived a formula is gone, or whatever else was to run it; no formula is."""


class EscapedSymbolError(SymcountError, RuntimeError):
    """A symbol of a finished trace was used again, so it must have been kept somewhere."""


class InternalError(SymcountError, AssertionError):
    """Two of symcount's own evaluators disagree: a defect of symcount, never of the factory."""


class UnsupportedError(DerivationError):
    """The factory does something whose exact effect on a formula is not modelled."""
