"""Ways in for libraries of models: a model and its config, and every integer kept symbolic."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from symcount import progress
from symcount.api import derive
from symcount.catalogue.targets import close_names
from symcount.errors import ArgumentError, DerivationError
from symcount.factory.call import name_of
from symcount.factory.origin import target_of
from symcount.param_count import ParamCount
from symcount.symbols import Symbol

_NOTHING = inspect.Parameter.empty
_KEYWORDS = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def from_config(
    model_class: Callable[..., nn.Module],
    config_class: Callable[..., Any],
    /,
    *,
    symbols: Sequence[str] | Mapping[str, Symbol] = (),
    max_paths: int = 64,
    max_seconds: float = 10.0,
    strict: bool = False,
    **fixed: Any,
) -> ParamCount:
    """Derive the exact parameter count of a model that is built from a config, or raise.

    The factory is `model_class(config_class(**keywords))`. Any config class will do that takes
    its values as keywords; symcount knows no library of models by name.

    A symbol has the config's own default, so the formula can be called without arguments. A
    dotted name, `text_config.hidden_size`, is one of a config within the config: that one is made
    anew, of the class and with the values that it has by default. Its name in the formula is
    `text_config_hidden_size`.

    Args:
        model_class: a class, or any callable, that takes a config and returns an `nn.Module`.
        config_class: a class, or any callable, that takes keywords and returns the config.
        symbols: the keywords of the config to keep symbolic; or a mapping of these to
            `Symbol(...)`, which says what values they take.
        max_paths: as in `derive`.
        max_seconds: as in `derive`.
        strict: as in `derive`.
        **fixed: other keywords of the config: a value, or a `Symbol(...)` as in `symbols`.

    Returns:
        The formula, as from `derive`.

    Raises:
        ArgumentError: the config has no such keyword, or one whose default is no integer.
        DerivationError: there is no formula; its subclasses and its message say why.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Config:
    ...     width: int = 64
    ...     depth: int = 2
    ...     bias: bool = True
    >>> class Model(nn.Sequential):
    ...     def __init__(self, config: Config) -> None:
    ...         c = config
    ...         super().__init__(*(nn.Linear(c.width, c.width, c.bias) for _ in range(c.depth)))
    >>> count = from_config(Model, Config, symbols=["width", "depth"], bias=False)
    >>> print(count)
    depth*width**2
    >>> count(), count(depth=12)
    (8192, 49152)
    """
    factory = config_factory(model_class, config_class, symbols, fixed)
    given: dict[str, Any] = {"strict": strict, **factory.given}
    count = derive(factory, max_paths=max_paths, max_seconds=max_seconds, **given)
    assert count.origin is not None
    # Keywords of configs within the config have other names in the formula.
    dotted = any("." in name for name in (*symbols, *fixed))
    target = None if dotted else target_of(model_class)
    origin = replace(count.origin, target=target, config=target_of(config_class))
    return replace(count, origin=origin)


def config_factory(
    model_class: Callable[..., nn.Module],
    config_class: Callable[..., Any],
    symbols: Sequence[str] | Mapping[str, Symbol],
    fixed: Mapping[str, Any],
) -> ConfigFactory:
    """The factory that `from_config` derives, a function of the symbols.

    Raises:
        ArgumentError: see `from_config`.
    """
    for role, given in (("model", model_class), ("config", config_class)):
        if not callable(given):
            raise ArgumentError(f"from_config() takes a {role} class, not {given!r}")
    named = {name: value for name, value in fixed.items() if isinstance(value, Symbol)}
    config = _Config(config_class, {k: v for k, v in fixed.items() if k not in named})
    declared = _declared(config.name, symbols)
    twice = next((name for name in named if name in declared), None)
    if twice is not None:
        raise ArgumentError(f"{config.name}: {twice!r} is in symbols, and a keyword too")
    declared |= named
    if not declared:
        raise ArgumentError(
            f"from_config({name_of(model_class)}, {config.name}): no symbols are given; name the "
            'keywords to keep symbolic, such as symbols=["hidden_size"]'
        )
    return ConfigFactory(model_class, config, declared)


class ConfigFactory:
    """A model as a function of keywords of its config.

    `given` is what `derive` has to be told: the declarations of the symbols, and the values of
    the other keywords.
    """

    def __init__(
        self,
        model_class: Callable[..., nn.Module],
        config: _Config,
        symbols: Mapping[str, Symbol],
    ) -> None:
        # What `derive` says of the factory, it says of the model: its name, its place.
        self.__wrapped__ = model_class
        self.__name__ = name_of(model_class)
        self._config = config
        self._keywords: dict[str, list[str]] = {}
        parameters = []
        for dotted, symbol in symbols.items():
            keyword = dotted.replace(".", "_")
            if keyword in self._keywords:
                raise ArgumentError(
                    f"{config.name}: two symbols would be called {keyword!r}; give one of them up"
                )
            self._keywords[keyword] = dotted.split(".")
            default = config.default(dotted, symbol)
            parameters.append(
                inspect.Parameter(keyword, inspect.Parameter.KEYWORD_ONLY, default=default)
            )
        inside: dict[str, dict[tuple[str, ...], str]] = {}
        for keyword, (head, *rest) in self._keywords.items():
            if rest:
                inside.setdefault(head, {})[tuple(rest)] = keyword
        self._inside = {
            head: _Inside(config.attribute(head, (), head), paths) for head, paths in inside.items()
        }
        others = {k: v for k, v in config.fixed.items() if k not in inside}
        parameters += [inspect.Parameter(k, inspect.Parameter.KEYWORD_ONLY) for k in others]
        self.__signature__ = inspect.Signature(parameters)
        declared = zip(self._keywords, symbols.values(), strict=True)
        self.given: dict[str, Any] = {**dict(declared), **others}

    def __call__(self, **values: Any) -> nn.Module:
        keywords = {head: inside.make(values) for head, inside in self._inside.items()}
        for name, value in values.items():
            if name not in self._keywords:  # fixed; a config may change what it is given
                keywords[name] = copy.deepcopy(value)
            elif len(self._keywords[name]) == 1:
                keywords[self._keywords[name][0]] = value
        model: nn.Module = self.__wrapped__(self._config.make(**keywords))
        return model


class _Inside:
    """A config within a config: the one that is there by default, with symbols in it.

    `paths` says which of the values is where. Everything else stays as the outer config has it.
    """

    def __init__(self, default: Any, paths: Mapping[tuple[str, ...], str]) -> None:
        self._default = default
        self._names = {path[0]: keyword for path, keyword in paths.items() if len(path) == 1}
        self._inside = {
            head: _Inside(
                default[head] if isinstance(default, Mapping) else getattr(default, head),
                {path[1:]: k for path, k in paths.items() if path[0] == head and len(path) > 1},
            )
            for head in dict.fromkeys(path[0] for path in paths if len(path) > 1)
        }
        self._kept = self._others()

    def make(self, values: Mapping[str, Any]) -> Any:
        keywords = copy.deepcopy(self._kept)
        keywords |= {name: values[keyword] for name, keyword in self._names.items()}
        keywords |= {head: inside.make(values) for head, inside in self._inside.items()}
        return keywords if isinstance(self._default, Mapping) else type(self._default)(**keywords)

    def _others(self) -> dict[str, Any]:
        """What the outer config has set here, unlike the class of this one by itself."""
        default = self._default
        ours = {*self._names, *self._inside}
        if isinstance(default, Mapping):
            return {name: value for name, value in default.items() if name not in ours}
        kind, kept = type(default), dict[str, Any]()
        same = {name: getattr(default, name) for name in ours}
        by_itself = kind(**same)
        for name, parameter in inspect.signature(kind).parameters.items():
            if name in ours or parameter.kind not in _KEYWORDS or not hasattr(default, name):
                continue
            # One by one: what follows from others is left to follow from them.
            if getattr(by_itself, name, _NOTHING) != getattr(default, name):
                kept[name] = getattr(default, name)
                by_itself = kind(**same, **copy.deepcopy(kept))
        return kept


class _Config:
    """A config class: which keywords it takes, and their defaults."""

    def __init__(self, make: Callable[..., Any], fixed: Mapping[str, Any]) -> None:
        self.make = make
        self.name = name_of(make)
        self.fixed = dict(fixed)
        try:
            self.parameters = dict(inspect.signature(make).parameters)
        except (TypeError, ValueError) as error:
            raise ArgumentError(
                f"{self.name}: its signature cannot be read ({error}); wrap it in a function with "
                "named parameters"
            ) from None
        self._made: Any = None
        for keyword in fixed:
            self._require(keyword)

    def made(self) -> Any:
        """The config with all its defaults.

        Raises:
            ArgumentError: it has none.
        """
        if self._made is None:
            try:
                self._made = self.make(**copy.deepcopy(self.fixed))
            except Exception as error:
                said = ", ".join(f"{k}={v!r}" for k, v in self.fixed.items())
                raise ArgumentError(
                    f"{self.name}({said}) raised, so its defaults are not known; fix what it "
                    f"needs:\n  {type(error).__name__}: {error}"
                ) from error
        return self._made

    def default(self, dotted: str, symbol: Symbol) -> Any:
        """The default of a keyword that is to be a symbol; empty if it has none."""
        head, *rest = dotted.split(".")
        self._require(head)
        if not rest and head in self.fixed:
            raise ArgumentError(
                f"{self.name}: {head}={self.fixed[head]!r} fixes what symbols keeps symbolic; "
                "leave one of the two out"
            )
        found = self.parameters[head].default if not rest and head in self.parameters else None
        if type(found) not in (int, float, bool, str):
            found = self.attribute(head, rest, dotted)
        if found is None:
            return _NOTHING
        if isinstance(found, int) and not isinstance(found, bool):
            if found < 1 and symbol == Symbol():
                raise ArgumentError(
                    f"{self.name}: {dotted} is {found} by default, which is no positive integer; "
                    "leave it out of the symbols, or fix it"
                )
            return found
        if isinstance(found, float) and symbol.real:
            return found
        kind = type(found).__name__
        advice = (
            f"keep it symbolic with symbols={{{dotted!r}: Symbol(real=True)}}, or leave it out"
            if isinstance(found, float)
            else "symbols stand for integers, so leave it out, or fix it"
        )
        raise ArgumentError(f"{self.name}: {dotted} is {found!r} by default, a {kind}; {advice}")

    def integers(self) -> dict[str, int]:
        """Every keyword that is an integer by default, with its default."""
        found = {}
        for name, parameter in self.parameters.items():
            if name in self.fixed or parameter.kind not in _KEYWORDS:
                continue
            value = parameter.default
            if type(value) not in (int, float, bool, str):
                value = getattr(self.made(), name, None)
            if isinstance(value, int) and not isinstance(value, bool):
                found[name] = value
        return found

    def _require(self, keyword: str) -> None:
        """Raise unless this is a keyword of the config, by its signature or an alias."""
        parameter = self.parameters.get(keyword)
        if parameter is not None and parameter.kind in _KEYWORDS:
            return
        catch_all = any(p.kind is p.VAR_KEYWORD for p in self.parameters.values())
        if (keyword in self.fixed and catch_all) or self._takes_as_alias(keyword):
            return
        names = [p.name for p in self.parameters.values() if p.kind in _KEYWORDS]
        raise ArgumentError(f"{self.name} has no keyword {keyword!r}{close_names(keyword, names)}")

    def _takes_as_alias(self, keyword: str) -> bool:
        """Whether a keyword that is not in the signature sets an attribute there is anyway."""
        others = {k: copy.deepcopy(v) for k, v in self.fixed.items() if k != keyword}
        try:
            value = getattr(self.make(**others), keyword)
            self.make(**others, **{keyword: self.fixed.get(keyword, value)})
        except Exception:
            return False
        return True

    def attribute(self, head: str, rest: Sequence[str], dotted: str) -> Any:
        """What the config with all its defaults has there."""
        found, place = self.made(), self.name
        for name in (head, *rest):
            inside = isinstance(found, Mapping)
            known = list(found) if inside else dir(found)
            if not (name in found if inside else hasattr(found, name)):
                if not rest:
                    return None
                raise ArgumentError(
                    f"{self.name}: {place} has no {name!r}, which {dotted!r} names"
                    f"{close_names(name, known)}"
                )
            found = found[name] if inside else getattr(found, name)
            place = f"{place}.{name}"
        return found


def _declared(config: str, symbols: Sequence[str] | Mapping[str, Symbol]) -> dict[str, Symbol]:
    if isinstance(symbols, str):
        raise ArgumentError(f"{config}: symbols={symbols!r} is a text; write symbols=[{symbols!r}]")
    declared = dict(symbols) if isinstance(symbols, Mapping) else dict.fromkeys(symbols, Symbol())
    for name, symbol in declared.items():
        if not all(part.isidentifier() for part in str(name).split(".")):
            raise ArgumentError(f"{config}: symbol {name!r} is not the name of a keyword")
        if not isinstance(symbol, Symbol):
            raise ArgumentError(
                f"{config}: symbols={{{name!r}: {symbol!r}}} is no declaration; write "
                f"Symbol(), or fix it with {name}={symbol!r} instead"
            )
    return declared


# --- every integer kept symbolic --------------------------------------------------------------


@dataclass(frozen=True)
class AllSymbols:
    """Which integer hyper-parameters can be symbols together, and why the others cannot.

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
    max_seconds: float = 10.0,
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
        max_seconds: as in `derive`, for each attempt.
        **given: as in `derive`.

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
    required = [p.name for p in free if p.default is p.empty and p.kind in _KEYWORDS]
    named = {k: v for k, v in given.items() if k in defaults}
    rest = {k: v for k, v in given.items() if k not in defaults}

    def attempt(names: Sequence[str]) -> ParamCount:
        others = {name: value for name, value in defaults.items() if name not in names}
        symbols = {name: named.get(name, Symbol()) for name in names}
        arguments: dict[str, Any] = {**rest, **symbols, **others}
        return derive(adapted, max_paths=max_paths, max_seconds=max_seconds, **arguments)

    return _most(attempt, defaults, name_of(factory), required)


def all_symbols_from_config(
    model_class: Callable[..., nn.Module],
    config_class: Callable[..., Any],
    /,
    *,
    symbols: Mapping[str, Symbol] | None = None,
    max_paths: int = 64,
    max_seconds: float = 10.0,
    **fixed: Any,
) -> AllSymbols:
    """Keep as many integers of a config symbolic as derive together; see `all_symbols`.

    Args:
        model_class: as in `from_config`.
        config_class: as in `from_config`.
        symbols: what values some of them take.
        max_paths: as in `derive`, for each attempt.
        max_seconds: as in `derive`, for each attempt.
        **fixed: as in `from_config`.

    Raises:
        ArgumentError: as in `from_config`.
    """
    declared = dict(symbols or {})
    integers = _Config(config_class, fixed).integers()

    def attempt(names: Sequence[str]) -> ParamCount:
        wanted = {name: declared.get(name, Symbol()) for name in names}
        factory = config_factory(model_class, config_class, wanted, fixed)
        return derive(factory, max_paths=max_paths, max_seconds=max_seconds, **factory.given)

    names = {**integers, **{name: 1 for name in declared if name not in integers}}
    return _most(attempt, names, name_of(model_class))


def _most(
    attempt: Callable[[Sequence[str]], ParamCount],
    defaults: Mapping[str, int],
    factory: str,
    required: Sequence[str] = (),
) -> AllSymbols:
    """As many of the names as can be symbols in one formula.

    `required` are the symbols that every attempt has, since they have no default to be fixed at.
    """
    refused = {
        name: f"{value} by default, which is no positive integer"
        for name, value in defaults.items()
        if value < 1
    }

    def tried(names: Sequence[str]) -> ParamCount | str:
        progress.say(item=f"trying {_all_of(names)}")
        try:
            return attempt(names)
        except (DerivationError, ArgumentError) as error:
            return _first_line(error, factory)

    def best(names: Sequence[str]) -> tuple[ParamCount | None, list[str]]:
        found = tried(names)
        if not isinstance(found, str):
            return found, list(names)
        alone = {name: tried([name]) for name in names} if len(names) > 1 else {names[0]: found}
        count, kept = None, list[str]()
        for name, by_itself in alone.items():
            found = tried([*kept, name]) if kept and not isinstance(by_itself, str) else by_itself
            if not isinstance(found, str):
                count, kept = found, [*kept, name]
            elif found is by_itself:
                refused[name] = found
            else:
                refused[name] = f"not together with {', '.join(kept)}: {found}"
        return count, kept

    names = [name for name in defaults if name not in refused]
    count, kept = best(names) if names else (None, [])
    if count is None and required:
        found = tried([])
        if isinstance(found, str):
            refused |= dict.fromkeys(required, found)
        else:
            count = found
    if count is not None:
        kept = [*required, *kept]
    return AllSymbols(count, tuple(kept), refused)


def _all_of(names: Sequence[str]) -> str:
    return f"{len(names)} symbols together" if len(names) > 2 else " and ".join(names)


def _first_line(error: Exception, name: str) -> str:
    """The first line of an error, without the factory's name and place."""
    line = str(error).partition("\n")[0]
    head, separator, rest = line.partition("): ")
    return rest if separator and head.startswith(f"{name} (") else line.removeprefix(f"{name}: ")


# --- what a factory swallows ------------------------------------------------------------------


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
    """The factory, with the integers that reach the module's constructor through `**kwargs`."""
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
    """The arguments, defaults included, with which a factory's module was constructed.

    Nothing if the factory cannot be called like this.
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
    """Within it, the list of a class's new objects, each with its constructor's arguments."""
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
