"""Keep every integer of a factory or config symbolic that derives together with the others."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from symcount import progress
from symcount.api import derive
from symcount.catalogue.configs import KEYWORDS, ConfigClass, config_factory
from symcount.errors import ArgumentError, DerivationError
from symcount.factory.call import name_of
from symcount.param_count import ParamCount
from symcount.symbols import Symbol
from symcount.work import MAX_SECONDS, MAX_WORK


@dataclass(frozen=True)
class AllSymbols:
    """The integer hyper-parameters that can be symbols together, and why the others cannot.

    Attributes:
        count: the formula in those that were kept; None if none could be.
        kept: the names of those, in the order of the signature.
        refused: the others, each with the first line of the error.
    """

    count: ParamCount | None
    kept: tuple[str, ...]
    refused: Mapping[str, str]


def all_symbols(
    factory: Callable[..., nn.Module],
    /,
    *,
    max_paths: int = 64,
    max_work: int = MAX_WORK,
    max_seconds: float = MAX_SECONDS,
    **given: Any,
) -> AllSymbols:
    """Keep as many integer hyper-parameters of a factory symbolic as derive together.

    Those are the parameters that `derive` makes symbols, and the integers that the built
    module's own constructor takes and the factory hands on through its `**kwargs`. All are tried
    together. If that is refused, each is tried alone, and those that derive are added one after
    the other.

    Args:
        factory: as in `derive`.
        max_paths: as in `derive`, for each attempt.
        max_work: as in `derive`, for each attempt.
        max_seconds: as in `derive`, for each attempt.
        **given: as in `derive`.

    Returns:
        The formula, the symbols in it, and why the others are none.

    Raises:
        ArgumentError: as in `derive`.

    >>> def embedding(width, vocabulary=1000, padding=0):
    ...     return nn.Embedding(vocabulary, width, padding_idx=padding)
    >>> found = all_symbols(embedding)
    >>> print(found.count)
    vocabulary*width
    >>> found.kept, found.refused
    (('width', 'vocabulary'), {'padding': '0 by default, which is no positive integer'})
    """
    adapted = _with_swallowed(factory, given)
    parameters = inspect.signature(adapted).parameters
    fixed = {name for name, value in given.items() if not isinstance(value, Symbol)}
    free = [p for p in parameters.values() if p.name not in fixed]
    defaults = {p.name: p.default for p in free if type(p.default) is int}
    required = [p.name for p in free if p.default is p.empty and p.kind in KEYWORDS]
    named = {k: v for k, v in given.items() if k in defaults}
    rest = {k: v for k, v in given.items() if k not in defaults}

    def attempt(names: Sequence[str]) -> ParamCount:
        others = {name: value for name, value in defaults.items() if name not in names}
        symbols = {name: named.get(name, Symbol()) for name in names}
        arguments: dict[str, Any] = {**rest, **symbols, **others}
        return derive(
            adapted,
            max_paths=max_paths,
            max_work=max_work,
            max_seconds=max_seconds,
            **arguments,
        )

    return _most(attempt, defaults, name_of(factory), required)


def all_symbols_from_config(
    model_class: Callable[..., nn.Module],
    config_class: Callable[..., Any],
    /,
    *,
    symbols: Mapping[str, Symbol] | None = None,
    max_paths: int = 64,
    max_work: int = MAX_WORK,
    max_seconds: float = MAX_SECONDS,
    **fixed: Any,
) -> AllSymbols:
    """Keep as many integers of a config symbolic as derive together; see `all_symbols`.

    Args:
        model_class: as in `from_config`.
        config_class: as in `from_config`.
        symbols: what values some of them take.
        max_paths: as in `derive`, for each attempt.
        max_work: as in `derive`, for each attempt.
        max_seconds: as in `derive`, for each attempt.
        **fixed: as in `from_config`.

    Returns:
        The formula, the symbols in it, and why the others are none.

    Raises:
        ArgumentError: as in `from_config`.
    """
    declared = dict(symbols or {})
    integers = ConfigClass(config_class, fixed).integers()

    def attempt(names: Sequence[str]) -> ParamCount:
        wanted = {name: declared.get(name, Symbol()) for name in names}
        factory = config_factory(model_class, config_class, wanted, fixed)
        return derive(
            factory,
            max_paths=max_paths,
            max_work=max_work,
            max_seconds=max_seconds,
            **factory.given,
        )

    names = {**integers, **{name: 1 for name in declared if name not in integers}}
    return _most(attempt, names, name_of(model_class))


def _most(
    attempt: Callable[[Sequence[str]], ParamCount],
    defaults: Mapping[str, int],
    factory: str,
    required: Sequence[str] = (),
) -> AllSymbols:
    """Keep as many of the names symbolic as can be in one formula.

    `required` are the symbols that every attempt has, since they have no default to be fixed at.
    """
    search = _Search(attempt, factory)
    search.refused = {
        name: f"{value} by default, which is no positive integer"
        for name, value in defaults.items()
        if value < 1
    }
    names = [name for name in defaults if name not in search.refused]
    count, kept = search.best(names) if names else (None, [])
    if count is None and required:
        found = search.tried([])
        if isinstance(found, str):
            search.refused |= dict.fromkeys(required, found)
        else:
            count = found
    if count is not None:
        kept = [*required, *kept]
    return AllSymbols(count, tuple(kept), search.refused)


class _Search:
    """A search for symbols that derive together, with the reasons against the others."""

    def __init__(self, attempt: Callable[[Sequence[str]], ParamCount], factory: str) -> None:
        self.attempt, self.factory = attempt, factory
        self.refused: dict[str, str] = {}

    def tried(self, names: Sequence[str]) -> ParamCount | str:
        """Derive with these symbols; return the formula, or why there is none."""
        progress.say(item=f"trying {_all_of(names)}")
        try:
            return self.attempt(names)
        except (DerivationError, ArgumentError) as error:
            return _first_line(error, self.factory)

    def best(self, names: Sequence[str]) -> tuple[ParamCount | None, list[str]]:
        """Try all together, else each alone, and then add one to another those that derive."""
        found = self.tried(names)
        if not isinstance(found, str):
            return found, list(names)
        alone = (
            {name: self.tried([name]) for name in names} if len(names) > 1 else {names[0]: found}
        )
        count, kept = None, list[str]()
        for name, by_itself in alone.items():
            found = by_itself
            if kept and not isinstance(by_itself, str):
                found = self.tried([*kept, name])
            if not isinstance(found, str):
                count, kept = found, [*kept, name]
            elif found is by_itself:
                self.refused[name] = found
            else:
                self.refused[name] = f"not together with {', '.join(kept)}: {found}"
        return count, kept


def _all_of(names: Sequence[str]) -> str:
    return f"{len(names)} symbols together" if len(names) > 2 else " and ".join(names)


def _first_line(error: Exception, name: str) -> str:
    """Return the first line of an error, without the factory's name and place."""
    line = str(error).partition("\n")[0]
    head, separator, rest = line.partition("): ")
    return rest if separator and head.startswith(f"{name} (") else line.removeprefix(f"{name}: ")


class _Adapted:
    """A factory that says in its signature what it takes as `**kwargs`."""

    def __init__(
        self, factory: Callable[..., nn.Module], parameters: Sequence[inspect.Parameter]
    ) -> None:
        self.__wrapped__ = factory
        self.__name__ = name_of(factory)
        self.__signature__ = inspect.Signature(parameters)

    def __call__(self, *args: Any, **kwargs: Any) -> nn.Module:
        return self.__wrapped__(*args, **kwargs)


def _with_swallowed(
    factory: Callable[..., nn.Module], given: Mapping[str, Any]
) -> Callable[..., nn.Module]:
    """Add to a factory the integers that reach the module's constructor through `**kwargs`."""
    try:
        parameters = list(inspect.signature(factory).parameters.values())
    except (TypeError, ValueError):
        return factory  # `derive` says what is wrong with it
    if not parameters or parameters[-1].kind is not inspect.Parameter.VAR_KEYWORD:
        return factory
    settings = {name: value for name, value in given.items() if not isinstance(value, Symbol)}
    named = {p.name for p in parameters}
    swallowed = []
    for name, value in constructor_arguments(lambda: factory(**settings)).items():
        if name in named or name in settings or type(value) is not int:
            continue
        if _builds(factory, {**settings, name: value}):
            swallowed.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=value))
    return _Adapted(factory, [*parameters[:-1], *swallowed, parameters[-1]])


def constructor_arguments(build: Callable[[], nn.Module]) -> dict[str, Any]:
    """Return the arguments, defaults included, with which a factory's module was constructed.

    Returns:
        The arguments by their names; none if the factory cannot be called like this.
    """
    try:
        with torch.device("meta"):
            kind = type(build())
            with _recorded(kind) as calls:
                module = build()
    except Exception:
        return {}
    return next((arguments for made, arguments in calls if made is module), {})


@contextmanager
def _recorded(kind: type[nn.Module]) -> Iterator[list[tuple[nn.Module, dict[str, Any]]]]:
    """Record the new objects of a class, each with its constructor's arguments."""
    constructor = kind.__init__
    signature = inspect.signature(constructor)
    own = "__init__" in vars(kind)
    calls: list[tuple[nn.Module, dict[str, Any]]] = []

    def record(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        bound = signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        catch_all = [p.name for p in signature.parameters.values() if p.kind is p.VAR_KEYWORD]
        arguments = dict(list(bound.arguments.items())[1:])
        for name in catch_all:
            arguments |= arguments.pop(name)
        calls.append((self, arguments))
        constructor(self, *args, **kwargs)

    kind.__init__ = record  # type: ignore[method-assign]
    try:
        yield calls
    finally:
        if own:
            kind.__init__ = constructor  # type: ignore[method-assign]
        else:
            del kind.__init__


def _builds(factory: Callable[..., nn.Module], settings: Mapping[str, Any]) -> bool:
    try:
        with torch.device("meta"):
            factory(**settings)
    except Exception:
        return False
    return True
