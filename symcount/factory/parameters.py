"""Read the parameters of a factory, and which of them are sizes by their annotations."""

from __future__ import annotations

import ast
import enum
import functools
import inspect
import numbers
import re
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from symcount.errors import ArgumentError

Parameters: TypeAlias = "dict[str, inspect.Parameter]"
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_INTEGERS = (int, numbers.Integral, typing.SupportsIndex)
_NAMES = frozenset(["int", "Integral", "SupportsIndex"])


def parameters_of(factory: Callable[..., Any], name: str) -> Parameters:
    """Return the parameters of a factory; of one with `*args` alone, those of its first overload.

    Raises:
        ArgumentError: its signature cannot be read.
    """
    try:
        parameters = _signature(factory)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"{name}: its signature cannot be read ({error}); wrap it in a function with "
            "named parameters"
        ) from None
    if parameters and all(map(is_variadic, parameters.values())):
        return _overloaded(factory) or parameters
    return parameters


def is_variadic(parameter: inspect.Parameter) -> bool:
    """Tell whether it takes any number of arguments."""
    return parameter.kind in _VARIADIC


def documented(factory: Callable[..., Any]) -> list[str]:
    """Return the parameters that a docstring lists in a section on arguments."""
    _, _, section = (inspect.getdoc(factory) or "").partition("\nArgs:")
    section = re.split(r"\n\S", section)[0]
    indents = [len(line) - len(line.lstrip()) for line in section.splitlines() if line.strip()]
    of_names = rf"^ {{{min(indents, default=0)}}}(\w+)[^:\n]*:"
    return re.findall(of_names, section, re.MULTILINE)


def is_size(parameter: inspect.Parameter) -> bool:
    """Tell whether a parameter may be a symbol by what is written in the signature.

    Those are an integer by default, and of those without a default what admits an integer, or is
    not annotated. What is a flag or a member of an enumeration by default is neither.
    """
    default = parameter.default
    if default is not parameter.empty:
        return isinstance(default, int) and not isinstance(default, bool | enum.Enum)
    return parameter.annotation is parameter.empty or admits_integers(parameter.annotation)


def admits_integers(annotation: Any) -> bool:
    """Tell whether an annotation, or the text of one, says that an integer will do."""
    if isinstance(annotation, str):
        try:
            return _text_admits_integers(ast.parse(annotation.strip(), mode="eval").body)
        except SyntaxError:
            return False
    if annotation in _INTEGERS:
        return True
    parts: tuple[Any, ...] = typing.get_args(annotation)
    kind = typing.get_origin(annotation)
    if kind is typing.Literal:
        return any(type(part) is int for part in parts)
    if kind is typing.Annotated:
        return admits_integers(parts[0])
    if kind in (typing.Union, types.UnionType):
        return any(map(admits_integers, parts))
    if isinstance(annotation, typing.ForwardRef):
        return admits_integers(annotation.__forward_arg__)
    if isinstance(annotation, typing.TypeVar):
        return any(map(admits_integers, (*annotation.__constraints__, annotation.__bound__)))
    # `NewType` and, from Python 3.12 on, `type` statements.
    meant = getattr(annotation, "__supertype__", getattr(annotation, "__value__", None))
    return meant is not None and admits_integers(meant)


def _signature(factory: Callable[..., Any]) -> Parameters:
    try:
        return dict(inspect.signature(factory, eval_str=True).parameters)
    except Exception:  # an annotation names what is there for type checkers alone
        parameters = inspect.signature(factory).parameters
    function = _function_of(factory)
    names = getattr(inspect.unwrap(function), "__globals__", {})
    return {name: _evaluated(parameter, names) for name, parameter in parameters.items()}


def _evaluated(parameter: inspect.Parameter, names: dict[str, Any]) -> inspect.Parameter:
    """Return a parameter with what the text of its annotation stands for, if that is known."""
    if not isinstance(parameter.annotation, str):
        return parameter
    try:
        return parameter.replace(annotation=eval(parameter.annotation, names))
    except Exception:
        return parameter


def _function_of(factory: Callable[..., Any]) -> Any:
    function: Any = factory.func if isinstance(factory, functools.partial) else factory
    return getattr(function, "__init__", None) if isinstance(function, type) else function


def _overloaded(factory: Callable[..., Any]) -> Parameters | None:
    """Return the parameters of the first overload that needs sizes alone, from Python 3.11 on."""
    function = _function_of(factory)
    overloads = getattr(typing, "get_overloads", None)
    if overloads is None or not inspect.isfunction(function):
        return None
    for overload in overloads(function):
        parameters = _signature(overload)
        if isinstance(factory, type):
            parameters.pop(next(iter(parameters), ""), None)
        named = [p for p in parameters.values() if not is_variadic(p)]
        if named and all(is_size(p) or p.default is not p.empty for p in named):
            return parameters
    return None


def _text_admits_integers(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and admits_integers(node.value)
    if isinstance(node, ast.Name | ast.Attribute):
        return _last_name(node) in _NAMES
    if isinstance(node, ast.BinOp):
        return _text_admits_integers(node.left) or _text_admits_integers(node.right)
    if not isinstance(node, ast.Subscript):
        return False
    name, inner = _last_name(node.value), node.slice
    parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    if name == "Literal":
        return any(isinstance(part, ast.Constant) and type(part.value) is int for part in parts)
    if name == "Annotated":
        return _text_admits_integers(parts[0])
    return name in ("Optional", "Union") and any(map(_text_admits_integers, parts))


def _last_name(node: ast.expr) -> str:
    return getattr(node, "attr", getattr(node, "id", ""))


def names_of(parameters: Mapping[str, inspect.Parameter]) -> str:
    """Return the names of parameters for messages."""
    return ", ".join(parameters) or "none"
