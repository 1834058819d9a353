"""Call a factory: which of its parameters are symbols, and what the others are."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from torch import nn

from symcount.errors import ArgumentError, NoSymbolError
from symcount.factory.ambient import OutsideState
from symcount.symbols import Hyperparameter, Symbol


@dataclass(frozen=True)
class FactoryCall:
    """How to call the factory: which parameters are symbols, and what the others are.

    `symbols` maps a parameter to its symbol, `fixed` holds the values to call it with, and `left`
    the defaults it is left to use. What it changes `outside` of itself is put back after a call.
    """

    factory: Callable[..., Any]
    name: str
    hyperparameters: tuple[Hyperparameter, ...]
    symbols: Mapping[str, str]
    fixed: Mapping[str, Any]
    left: Mapping[str, Any]
    positional: tuple[str, ...]
    outside: OutsideState | None = None

    @classmethod
    def of(cls, factory: Callable[..., Any], given: Mapping[str, Any]) -> FactoryCall:
        """Sort the factory's parameters into symbols and fixed values."""
        _require_a_factory(factory)
        name = name_of(factory)
        parameters = _parameters_of(factory, name)
        _require_known(given, parameters, name)
        symbols, fixed, left = _arguments(factory, name, parameters, given)
        if not symbols:
            raise NoSymbolError(
                f"{name} has no integer parameter left to keep symbolic. Leave one unannotated, "
                "annotate it `int`, or pass Symbol() for it."
            )
        return cls(
            factory,
            name,
            _shared(name, symbols),
            {parameter: h.name for parameter, h in symbols.items()},
            fixed,
            left,
            tuple(p.name for p in parameters.values() if p.kind is p.POSITIONAL_ONLY),
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
        arguments = {p: values[symbol] for p, symbol in self.symbols.items()} | dict(self.fixed)
        positional = [arguments.pop(name) for name in self.positional]
        try:
            return self.factory(*positional, **arguments)
        finally:
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


def _parameters_of(factory: Callable[..., Any], name: str) -> dict[str, inspect.Parameter]:
    try:
        parameters = dict(inspect.signature(factory).parameters)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"{name}: its signature cannot be read ({error}); wrap it in a function with "
            "named parameters"
        ) from None
    for option in ("max_paths", "max_work", "max_seconds", "strict"):
        if option in parameters:
            raise ArgumentError(
                f"{name} has a parameter {option!r}, which is also an option of derive(); "
                "wrap it in a function that calls it something else"
            )
    return parameters


def _require_known(
    given: Mapping[str, Any], parameters: Mapping[str, inspect.Parameter], name: str
) -> None:
    """Raise unless every keyword names a parameter, or the factory takes any keyword."""
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    for keyword in given:
        if keyword not in parameters:
            names = ", ".join(parameters) or "none"
            raise ArgumentError(f"{name} has no parameter {keyword!r}; its parameters are: {names}")


class _Arguments(NamedTuple):
    """Parameters that are symbols, those with a fixed value, and those left at their default."""

    symbols: dict[str, Hyperparameter]
    fixed: dict[str, Any]
    left: dict[str, Any]


def _arguments(
    factory: Callable[..., Any],
    factory_name: str,
    parameters: Mapping[str, inspect.Parameter],
    given: Mapping[str, Any],
) -> _Arguments:
    bound = factory.keywords if isinstance(factory, functools.partial) else {}
    found = _Arguments({}, {}, {})
    for name, parameter in parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        value = given.get(name)
        if name not in given and name in bound:
            found.left[name] = bound[name]
        elif isinstance(value, Symbol) or (name not in given and _is_symbolic(parameter)):
            found.symbols[name] = _hyperparameter(factory_name, parameter, value or Symbol())
        elif name in given:
            found.fixed[name] = value
        elif parameter.default is parameter.empty:
            raise ArgumentError(
                f"{factory_name}: parameter {name!r} is annotated {_annotation(parameter)} and has "
                f"no default, so it needs a value: derive({factory_name}, {name}=...)"
            )
        else:  # what is positional only has to be passed if what follows it is
            is_passed = parameter.kind is parameter.POSITIONAL_ONLY
            (found.fixed if is_passed else found.left)[name] = parameter.default
    for name, value in given.items():
        if name not in parameters:  # one of its **keywords
            if isinstance(value, Symbol):
                found.symbols[name] = value.hyperparameter(name)
            else:
                found.fixed[name] = value
    return found


def _is_symbolic(parameter: inspect.Parameter) -> bool:
    default, annotation = parameter.default, parameter.annotation
    if default is not parameter.empty:
        return isinstance(default, int) and not isinstance(default, bool)
    if isinstance(annotation, str):
        return annotation.strip("'\"") == "int"
    return annotation in (parameter.empty, int)


def _annotation(parameter: inspect.Parameter) -> str:
    annotation = parameter.annotation
    return (
        annotation
        if isinstance(annotation, str)
        else getattr(annotation, "__name__", str(annotation))
    )


def _hyperparameter(factory: str, parameter: inspect.Parameter, declared: Symbol) -> Hyperparameter:
    kinds = (int, float) if declared.real else (int,)
    default = parameter.default
    if isinstance(default, bool) or not isinstance(default, kinds):
        default = None
    hyperparameter = declared.hyperparameter(parameter.name, default)
    if default is not None and default not in hyperparameter:
        if declared == Symbol():
            raise ArgumentError(
                f"{factory}: {parameter.name}={default} by default, which is no positive integer; "
                f"fix it: derive({factory}, {parameter.name}={default})"
            )
        return declared.hyperparameter(parameter.name)
    return hyperparameter


def _shared(factory: str, symbols: Mapping[str, Hyperparameter]) -> tuple[Hyperparameter, ...]:
    """Join parameters that share a symbol; the symbols in order."""
    joined: dict[str, Hyperparameter] = {}
    for h in symbols.values():
        other = joined.get(h.name)
        if other is None:
            joined[h.name] = h
            continue
        if replace(other, default=None, arguments=()) != replace(h, default=None, arguments=()):
            raise ArgumentError(
                f"{factory}: parameters {other.arguments[0]!r} and {h.arguments[0]!r} share the "
                f"symbol {h.name!r} but declare different ranges; declare the same"
            )
        joined[h.name] = replace(
            h,
            default=other.default if other.default == h.default else None,
            arguments=other.arguments + h.arguments,
        )
    return tuple(joined.values())
