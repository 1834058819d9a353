"""Bind the arguments of a call to the symbols of a formula, or say why they do not fit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Protocol

from symcount.algebra.facts import Facts
from symcount.errors import ArgumentError
from symcount.symbols import Hyperparameter, real_number, whole_number


class Signature:
    """The symbols that a formula is called with, in order.

    `fixed` and `substituted` are names that were symbols before, each with what took its place:
    errors say so of them.
    """

    def __init__(
        self,
        factory: str,
        hyperparameters: tuple[Hyperparameter, ...],
        fixed: tuple[tuple[str, str], ...] = (),
        substituted: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.factory = factory
        self.hyperparameters = hyperparameters
        self.names: list[str] = [h.name for h in hyperparameters]
        self.fixed = fixed
        self.substituted = substituted

    def __str__(self) -> str:
        symbols = [
            h.name if h.default is None else f"{h.name}={h.default}" for h in self.hyperparameters
        ]
        return f"{self.factory}({', '.join(symbols)})"

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[int | float, ...]:
        """Return the value of each symbol, in order, as a plain number; see `assigned`."""
        values = self.assigned(args, kwargs)
        return tuple(map(plain_number, values, self.hyperparameters))

    def point(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, int | float]:
        """Return the value of each symbol by its name, as a plain number; see `assigned`."""
        return dict(zip(self.names, self.bind(args, kwargs), strict=True))

    def assigned(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        """Return what a call gives for each symbol, in order; defaults for what it leaves out.

        Raises:
            ArgumentError: a value is missing or given twice, or there is no such symbol.
        """
        names = self.names
        if len(args) > len(names):
            raise ArgumentError(f"{self} takes at most {len(names)} values, {len(args)} were given")
        given: dict[str, Any] = dict(zip(names, args, strict=False))
        for name, value in kwargs.items():
            if name in given:
                raise ArgumentError(f"{self}: {name!r} was given twice")
            if name not in names:
                raise ArgumentError(f"{self} has no symbol {name!r}{self.hint(name)}")
            given[name] = value
        values = []
        for h in self.hyperparameters:
            value = given.get(h.name, h.default)
            if value is None:
                raise ArgumentError(f"{self} needs a value for {h.name!r}")
            values.append(value)
        return values

    def hint(self, name: object) -> str:
        """Return what to say of a name that is no symbol; nothing if nothing is known of it."""
        if not isinstance(name, str):
            return f"; give the name of one, such as {str(name)!r}"
        for fixed, value in self.fixed:
            if fixed == name:
                return (
                    f": it was fixed at {value} when the formula was derived; derive another "
                    f"formula with {name}=... to change it"
                )
        for replaced, expression in self.substituted:
            if replaced == name:
                return f": {expression} was substituted for it"
        return ""

    def require_no_symbol(self, method: str, options: Iterable[str], asked: str = "") -> None:
        """Require that no symbol has the name of an option that is given: it might be meant.

        Raises:
            ArgumentError: one has, and is not the symbol that is `asked` about.
        """
        for name in self.names:
            if name in options and name != asked:
                raise ArgumentError(
                    f"{self}: {name!r} names a symbol and an argument of {method}(); "
                    f"give the symbol another name first, rename({name}='...')"
                )


class _Called(Protocol):
    """What has a name and defaults: a formula."""

    @property
    def factory(self) -> str: ...
    @property
    def defaults(self) -> dict[str, int | float]: ...


def common_defaults(counts: Iterable[_Called], given: Collection[str]) -> dict[str, int | float]:
    """Return the defaults of the symbols of several formulas, but those that are given.

    Raises:
        ArgumentError: a symbol has different ones, so that it is to be given.
    """
    found: dict[str, tuple[int | float, str]] = {}
    for count in counts:
        for name, value in count.defaults.items():
            first, factory = found.setdefault(name, (value, count.factory))
            if first != value and name not in given:
                raise ArgumentError(
                    f"{name} is {first} by default in {factory} and {value} in {count.factory}; "
                    f"give {name}=..."
                )
    return {name: value for name, (value, _) in found.items() if name not in given}


def plain_number(value: Any, h: Hyperparameter) -> int | float:
    """Return a value that is given for a symbol as a plain number.

    Raises:
        ArgumentError: it is no number of the symbol's kind.
    """
    return real_number(value, h.name) if h.real else whole_number(value, h.name)


def declared_facts(
    hyperparameters: Iterable[Hyperparameter], values: Mapping[str, int | float] | None = None
) -> Facts:
    """Return what is known of symbols: their values, as far as given, and else their ranges."""

    def exact(value: int | float | None) -> int | Fraction | None:
        return Fraction(value) if isinstance(value, float) else value

    hyperparameters, given = tuple(hyperparameters), values or {}
    ends = {
        h.name: (given.get(h.name, h.minimum), given.get(h.name, h.maximum))
        for h in hyperparameters
    }
    return Facts(
        {name: (exact(low), exact(high)) for name, (low, high) in ends.items()},
        {h.name: h.multiple_of for h in hyperparameters if h.multiple_of > 1},
        may_be_zero=(h.name for h in hyperparameters if not (h.least or h.real)),
    )
