"""Call a factory: which of its parameters are symbols, and what the others are."""

from __future__ import annotations

import enum
import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from symcount.errors import ArgumentError
from symcount.factory.ambient import OutsideState
from symcount.factory.parameters import (
    Parameters,
    documented,
    is_size,
    is_variadic,
    names_of,
    parameters_of,
)
from symcount.factory.slots import Slot, filled, implied_name, with_slots
from symcount.factory.watch import Watch
from symcount.symbols import Hyperparameter, Symbol

# What an integer that is no symbol by name may be by default to be one.
DEFAULT = Symbol().hyperparameter("default")


@dataclass(frozen=True)
class FactoryCall:
    """How to call the factory: which parameters are symbols, and what the others are.

    `given` holds what to call it with, a `Slot` in the place of each symbol, and `left` the
    defaults it is left to use. What it changes `outside` of itself is put back after a call. A
    `watch` ends one that does not end.
    """

    factory: Callable[..., Any]
    name: str
    hyperparameters: tuple[Hyperparameter, ...]
    given: Mapping[str, Any]
    left: Mapping[str, Any]
    positional: tuple[str, ...]
    outside: OutsideState | None = None
    watch: Watch | None = None

    @classmethod
    def of(cls, factory: Callable[..., Any], given: Mapping[str, Any]) -> FactoryCall:
        """Sort the factory's parameters into symbols and fixed values.

        Raises:
            ArgumentError: they do not fit the factory; the message says all that is wrong.
        """
        _require_a_factory(factory)
        name = name_of(factory)
        parameters = _parameters_of(factory, name)
        arguments = _Arguments(factory, name, parameters)
        arguments.sort(given)
        return cls(
            factory,
            name,
            arguments.shared(),
            arguments.given,
            arguments.left,
            tuple(p.name for p in parameters.values() if p.kind is p.POSITIONAL_ONLY),
        )

    @property
    def fixed(self) -> dict[str, Any]:
        """What is given for the parameters that are no symbols themselves."""
        return {k: value for k, value in self.given.items() if not isinstance(value, Slot)}

    @property
    def unnamed_sizes(self) -> str:
        """Say how to name sizes of which the signature says nothing; empty if it names any."""
        parameters = parameters_of(self.factory, self.name)
        if self.hyperparameters or not parameters or not all(map(is_variadic, parameters.values())):
            return ""
        sizes = documented(self.factory)
        said = ", ".join(f"{size}=Symbol()" for size in sizes) or "size=Symbol()"
        listed = f"Its docstring lists {', '.join(sizes)}: " if sizes else ""
        return (
            f"The signature names no sizes; pass Symbol() for them. {listed}"
            f"derive({self.name}, {said})."
        )

    @property
    def function(self) -> Callable[..., Any]:
        """The function behind the factory: not a partial of it, and not what decorates it."""
        function: Callable[..., Any] = inspect.unwrap(function_of(self.factory))
        return function

    @property
    def place(self) -> str:
        """Where the factory is defined, in brackets, if that is known."""
        function = self.function
        code = getattr(function, "__code__", None) or getattr(
            getattr(function, "__init__", None), "__code__", None
        )
        return f" ({code.co_filename}:{code.co_firstlineno})" if code else ""

    def __call__(self, values: Mapping[str, Any]) -> Any:
        """Call the factory with values for its symbols."""
        arguments = {name: filled(value, values) for name, value in self.given.items()}
        positional = [arguments.pop(name) for name in self.positional]
        try:
            if self.watch is not None:
                self.watch.begin(values)
            return self.factory(*positional, **arguments)
        finally:
            if self.watch is not None:
                self.watch.end()
            if self.outside is not None:
                self.outside.put_back()


def function_of(factory: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function or class that partials of it are made of."""
    return function_of(factory.func) if isinstance(factory, functools.partial) else factory


def name_of(factory: Callable[..., Any]) -> str:
    """Return the name of a factory for messages."""
    function = function_of(factory)
    return getattr(function, "__name__", None) or type(function).__name__


def _require_a_factory(factory: object) -> None:
    if not callable(factory):
        raise ArgumentError(
            f"derive() takes a function or class that builds a module, not {factory!r}"
        )
    if isinstance(factory, nn.Module):
        kind = type(factory).__name__
        raise ArgumentError(
            f"derive() takes a function or class that builds a module, and this {kind} is "
            f"built already; give what builds it, such as derive({kind})"
        )


def _parameters_of(factory: Callable[..., Any], name: str) -> Parameters:
    parameters = parameters_of(factory, name)
    for option in ("max_paths", "max_work", "max_seconds", "strict"):
        if option in parameters:
            raise ArgumentError(
                f"{name} has a parameter {option!r}, which is also an option of derive(); "
                "wrap it in a function that calls it something else"
            )
    return parameters


class _Complaints:
    """What is wrong with the arguments of one call, to be said at once."""

    def __init__(self, factory: str) -> None:
        self._factory = factory
        self._found: list[str] = []
        self._needed: list[str] = []

    def add(self, complaint: str) -> None:
        """Add a complaint, a sentence on an argument or one that the factory is the subject of."""
        self._found.append(complaint)

    def need(self, name: str, reason: str) -> None:
        """Add that a parameter needs a value."""
        self._found.append(f"parameter {name!r} {reason}, so it needs a value")
        self._needed.append(name)

    def raise_all(self) -> None:
        """Raise if there are any.

        Raises:
            ArgumentError: with all of them.
        """
        if not self._found:
            return
        text = self._found[0]
        subject = self._factory if text.startswith("has ") else f"{self._factory}:"
        if len(self._found) > 1:
            subject = f"{self._factory}: {len(self._found)} arguments are not right:\n "
            text = "\n  ".join(self._found)
        if self._needed:
            values = "".join(f", {name}=..." for name in self._needed)
            before = "\nGive what is needed" if len(self._found) > 1 else ""
            text += f"{before}: derive({self._factory}{values})"
        raise ArgumentError(f"{subject} {text}")


class _Arguments:
    """The parameters of a factory, sorted into symbols, values to give, and defaults to leave."""

    def __init__(self, factory: Callable[..., Any], name: str, parameters: Parameters) -> None:
        self.given: dict[str, Any] = {}
        self.left: dict[str, Any] = {}
        self._name = name
        self._parameters = parameters
        self._bound = factory.keywords if isinstance(factory, functools.partial) else {}
        self._takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        self._symbols: list[Hyperparameter] = []
        self._implied: set[str | None] = set()
        self._complaints = _Complaints(name)

    def sort(self, given: Mapping[str, Any]) -> None:
        """Sort them, the symbols in the order of the signature."""
        for name, parameter in self._parameters.items():
            if name in given:
                self._give(name, given[name], parameter.default)
            elif not is_variadic(parameter):
                self._by_signature(name, parameter)
        for name, value in given.items():
            if name in self._parameters:
                continue
            if self._takes_any:
                self._give(name, value, None)
            else:
                self._complaints.add(
                    f"has no parameter {name!r}; its parameters are: {names_of(self._parameters)}"
                )

    def shared(self) -> tuple[Hyperparameter, ...]:
        """Join parameters that share a symbol; the symbols in order.

        Raises:
            ArgumentError: with all complaints.
        """
        joined: dict[str, Hyperparameter] = {}
        for h in self._symbols:
            other = joined.setdefault(h.name, h)
            if other is h:
                continue
            if replace(other, default=None, arguments=()) != replace(h, default=None, arguments=()):
                self._complaints.add(
                    f"parameters {other.arguments[0]!r} and {h.arguments[0]!r} share the "
                    f"symbol {h.name!r} but declare different ranges; declare the same"
                )
            joined[h.name] = replace(
                h,
                default=other.default if other.default == h.default else None,
                arguments=other.arguments + h.arguments,
            )
        self._complaints.raise_all()
        return tuple(joined.values())

    def _by_signature(self, name: str, parameter: inspect.Parameter) -> None:
        default = parameter.default
        if name in self._bound:
            self.left[name] = self._bound[name]
        elif is_size(parameter) and (default is parameter.empty or default in DEFAULT):
            self._give(name, Symbol(), default)
        elif default is parameter.empty:
            self._complaints.need(name, f"is annotated {_annotation(parameter)} and has no default")
        else:  # what is positional only has to be passed if what follows it is
            is_passed = parameter.kind is parameter.POSITIONAL_ONLY
            (self.given if is_passed else self.left)[name] = default

    def _give(self, name: str, value: Any, default: Any) -> None:
        def slot_of(place: str, symbol: Symbol) -> Slot:
            return self._slot(place, symbol, default if place == name else None)

        try:
            self.given[name] = with_slots(name, value, slot_of)
        except ArgumentError as error:
            self._complaints.add(str(error))

    def _slot(self, place: str, symbol: Symbol, default: Any) -> Slot:
        implied = None if symbol.name else implied_name(place)
        if implied in self._implied:
            raise ArgumentError(
                f"two symbols would be called {implied!r}; name the one at {place}, "
                "Symbol(name=...)"
            )
        self._implied |= {implied} - {None}
        h = replace(symbol, name=symbol.name or implied).hyperparameter(place)
        kinds = (int, float) if symbol.real else (int,)
        is_number = isinstance(default, kinds) and not isinstance(default, bool | enum.Enum)
        self._symbols.append(replace(h, default=default) if is_number and default in h else h)
        return Slot(h.name)


def _annotation(parameter: inspect.Parameter) -> str:
    annotation = parameter.annotation
    return (
        annotation
        if isinstance(annotation, str)
        else getattr(annotation, "__name__", str(annotation))
    )
