"""Divide the parts of a formula by the whole, and find the limits of these fractions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from symcount.algebra.expansion import Expander, Expansion
from symcount.errors import (
    ArgumentError,
    DomainError,
    UndecidedError,
)
from symcount.formula import sympy_form
from symcount.formula.breakdown import breakdown
from symcount.formula.tree import parts_of
from symcount.packages import sympy
from symcount.questions.growth import advice, expanded
from symcount.shown import Shown, lines_as_one, shortened
from symcount.symbols import Number, SymbolLike, name_of

if TYPE_CHECKING:
    from symcount.formula.formula import Formula


@dataclass(frozen=True)
class Share(Shown):
    """The fraction of a whole that a part of it is, as a formula.

    Call it with sizes for the fraction there, exactly, as a `fractions.Fraction`. It raises
    `DomainError` outside the domain, and where the whole has no parameters.
    """

    part: Formula = field(repr=False)
    whole: Formula = field(repr=False)

    @cached_property
    def expr(self) -> sympy.Expr:
        """The fraction as a sympy expression."""
        return self.part.expr / self.whole.expr

    def __call__(self, /, *args: Number, **kwargs: Number) -> Fraction:
        """Compute the fraction at these sizes.

        Returns:
            It, exactly.
        """
        whole = self.whole(*args, **kwargs)
        if not whole:
            raise DomainError(
                f"{self.whole.factory} has no {self.whole.measure.noun} there, so no part has a "
                "share of them"
            )
        return Fraction(self.part(*args, **kwargs), whole)

    def limit(self, symbol: SymbolLike, /, **others: Number) -> sympy.Expr:
        """Find the limit of the fraction as a symbol goes to infinity.

        It is in terms of the symbols that are not given.

        Returns:
            A sympy expression.

        Raises:
            ArgumentError: there is no such symbol.
            UndecidedError: the fraction has no limit, or it is not known.
        """
        symbol = name_of(symbol)
        limits = [
            _ratio(part, whole, expander)
            for (expander, part), (_, whole) in expanded(
                self.whole, symbol, others, [self.part, self.whole]
            )
        ]
        if any(found is None or sympy.cancel(found - limits[0]) != 0 for found in limits):
            raise UndecidedError(
                f"{self.whole.factory}: the limit of a share for large {symbol} is not known; "
                f"{advice(self.whole, symbol, others)}"
            )
        return limits[0]

    def __repr__(self) -> str:
        return f"<Share: {shortened(str(self))}>"

    def __str__(self) -> str:
        return sympy_form.text(self.expr)


def _ratio(part: Expansion, whole: Expansion, expander: Expander) -> sympy.Expr | None:
    """Return the limit of a quotient; None if it is not known."""
    leading, below = part.leading, whole.leading
    if below is None or expander.sign(whole) is None:
        return None
    order, coefficient = below
    if leading is None or leading[0] < order:
        return sympy.Integer(0) if part.size is None or part.size < order else None
    return sympy.cancel(sympy_form.expression(leading[1]) / sympy_form.expression(coefficient))


class Shares(Mapping[str, Share]):
    """The share of each part of a formula, by module path; together they are one."""

    def __init__(self, parts: Mapping[str, Share]) -> None:
        self._parts = dict(parts)

    def __getitem__(self, path: str) -> Share:
        if path not in self._parts:
            known = ", ".join(map(repr, self._parts)) or "none"
            raise ArgumentError(f"no part {path!r}; there are {known}")
        return self._parts[path]

    def get(self, path: str, default: Any = None) -> Any:
        """Return the share of a part, or the default if there is no such part."""
        return self._parts.get(path, default)

    def __contains__(self, path: object) -> bool:
        return path in self._parts

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __str__(self) -> str:
        return "\n".join(f"{path or '(own)'}: {share}" for path, share in self._parts.items())

    def __repr__(self) -> str:
        return f"Shares({list(self._parts)}: {shortened(lines_as_one(str(self)))})"


def shares(count: Formula, depth: int) -> Shares:
    """Divide the parts of a formula by the whole; see `ParamCount.share`."""
    if type(depth) is not int or depth < 1:
        raise ArgumentError(f"depth={depth!r}: give a positive integer")
    groups: dict[str, list[str]] = {}
    for name in breakdown(count).parameters:
        path = ".".join(parts_of(name)[:-1][:depth])
        groups.setdefault(path, []).append(name)
    return Shares(
        {path: Share(count.measuring(names=tuple(names)), count) for path, names in groups.items()}
    )
