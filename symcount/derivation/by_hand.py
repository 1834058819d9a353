"""Follow a function that counts by hand: as a factory of one tensor of as many elements."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from symcount.derivation.pipeline import derive
from symcount.errors import ArgumentError, DerivationError
from symcount.factory.call import FactoryCall, name_of
from symcount.factory.origin import Opaque
from symcount.factory.parameters import is_variadic, parameters_of
from symcount.formula.by_hand import ByHand
from symcount.formula.formula import Formula
from symcount.symbols import Hyperparameter, Symbol


def by_hand(function: Callable[..., Any], count: Formula, allowed: Mapping[str, Any]) -> ByHand:
    """Call a function with the symbols of a formula, and follow it if that is possible.

    Args:
        function: what counts. Its parameters are named as the symbols of the formula are, or as
            the parameters of the factory that these stand for.
        count: the formula that it is to be compared with.
        allowed: `max_paths`, `max_work` and `max_seconds`, as of `symcount.derive`.

    Raises:
        ArgumentError: it has a parameter that is none of these, and has no default.
    """
    arguments = _arguments(function, count)
    call = FactoryCall.of(function, arguments)
    text = f"{call.name}({', '.join(call.given)})"
    try:
        formula = derive(_as_factory(function), **allowed, **arguments)
    except (DerivationError, ArgumentError) as error:
        return ByHand(text, call, None, str(error))
    return ByHand(text, call, formula)


def _arguments(function: Callable[..., Any], count: Formula) -> dict[str, Any]:
    """Return what to call it with: symbols, what the factory was given, and its own defaults."""
    name = name_of(function)
    known: dict[str, Any] = {}
    origin = count.origin
    if origin is not None and origin.hyperparameters == count.hyperparameters:
        known = origin.arguments  # symbols in lists too
    elif origin is not None:
        known = {name: value for name, value in origin.given if isinstance(value, _PLAIN)}
    for h in count.hyperparameters:
        known.update(dict.fromkeys((*h.arguments, h.name), _declared(h)))
    bound = function.keywords if isinstance(function, functools.partial) else {}
    parameters = parameters_of(function, name)
    found: dict[str, Any] = {}
    for parameter in parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            taken = {value.name for value in found.values() if isinstance(value, Symbol)}
            rest = [h for h in count.hyperparameters if h.name not in taken]
            found |= {h.name: _declared(h) for h in rest}
        elif parameter.name in bound:
            found[parameter.name] = bound[parameter.name]
        elif is_variadic(parameter):
            continue
        elif not isinstance(known.get(parameter.name, _NOTHING), Opaque):
            found[parameter.name] = known[parameter.name]
        elif parameter.default is not parameter.empty:
            found[parameter.name] = parameter.default
        else:
            raise _unknown(name, parameter.name, count)
    return found


_NOTHING = Opaque("")
_PLAIN = (bool, int, float, str)


def _declared(h: Hyperparameter) -> Symbol:
    return Symbol(h.minimum, h.maximum, h.multiple_of, h.name, h.real)


def _unknown(name: str, parameter: str, count: Formula) -> ArgumentError:
    symbols = ", ".join(h.name for h in count.hyperparameters)
    advice = f"Give a function of these that calls it: lambda {symbols}: {name}(...)"
    if parameter in dict(count.fixed):
        advice = f"Fix it for both, {parameter}=..., or give a function of symbols that calls it"
    return ArgumentError(
        f"{name} has a parameter {parameter!r}, and the formula of {count.factory} has no such "
        f"symbol; its symbols are: {symbols or 'none'}. {advice}"
    )


def _as_factory(function: Callable[..., Any]) -> Callable[..., nn.Module]:
    @functools.wraps(function)
    def build(*args: Any, **kwargs: Any) -> nn.Module:
        total = function(*args, **kwargs)
        whole = int(total)
        if whole != total:
            raise ValueError(f"{total} is no integer")
        module = nn.Module()
        elements = torch.empty(whole, dtype=torch.uint8)  # of which there may be the most
        module.total = nn.Parameter(elements, requires_grad=False)
        return module

    build.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return build
