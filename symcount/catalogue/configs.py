"""Derive models that are built from a config: `from_config`, for any library."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import nn

from symcount.api import derive
from symcount.catalogue.targets import close_names
from symcount.errors import ArgumentError
from symcount.factory.call import name_of
from symcount.factory.origin import target_of
from symcount.param_count import ParamCount
from symcount.symbols import Symbol
from symcount.work import MAX_SECONDS, MAX_WORK

# The kinds of parameters that can be given as keywords.
KEYWORDS = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_NOTHING = inspect.Parameter.empty


def from_config(
    model_class: Callable[..., nn.Module],
    config_class: Callable[..., Any],
    /,
    *,
    symbols: Sequence[str] | Mapping[str, Symbol] = (),
    max_paths: int = 64,
    max_work: int = MAX_WORK,
    max_seconds: float = MAX_SECONDS,
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
        max_work: as in `derive`.
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
    count = derive(
        factory, max_paths=max_paths, max_work=max_work, max_seconds=max_seconds, **given
    )
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
    """Return the factory that `from_config` derives, a function of the symbols.

    Raises:
        ArgumentError: see `from_config`.
    """
    for role, given in (("model", model_class), ("config", config_class)):
        if not callable(given):
            raise ArgumentError(f"from_config() takes a {role} class, not {given!r}")
    named = {name: value for name, value in fixed.items() if isinstance(value, Symbol)}
    config = ConfigClass(config_class, {k: v for k, v in fixed.items() if k not in named})
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
        config: ConfigClass,
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
        """Find what the outer config has set here, unlike the class of this one by itself."""
        default = self._default
        ours = {*self._names, *self._inside}
        if isinstance(default, Mapping):
            return {name: value for name, value in default.items() if name not in ours}
        kind, kept = type(default), dict[str, Any]()
        same = {name: getattr(default, name) for name in ours}
        by_itself = kind(**same)
        for name, parameter in inspect.signature(kind).parameters.items():
            if name in ours or parameter.kind not in KEYWORDS or not hasattr(default, name):
                continue
            # One by one: what follows from others is left to follow from them.
            if getattr(by_itself, name, _NOTHING) != getattr(default, name):
                kept[name] = getattr(default, name)
                by_itself = kind(**same, **copy.deepcopy(kept))
        return kept


class ConfigClass:
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
        """Make the config with all its defaults, once.

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
        """Return the default of a keyword that is to be a symbol; empty if it has none."""
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
            return found if found >= 1 else _NOTHING  # the symbol has no default then
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
        """Return every keyword that is an integer by default, with its default."""
        found = {}
        for name, parameter in self.parameters.items():
            if name in self.fixed or parameter.kind not in KEYWORDS:
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
        if parameter is not None and parameter.kind in KEYWORDS:
            return
        catch_all = any(p.kind is p.VAR_KEYWORD for p in self.parameters.values())
        if (keyword in self.fixed and catch_all) or self._takes_as_alias(keyword):
            return
        names = [p.name for p in self.parameters.values() if p.kind in KEYWORDS]
        raise ArgumentError(f"{self.name} has no keyword {keyword!r}{close_names(keyword, names)}")

    def _takes_as_alias(self, keyword: str) -> bool:
        """Tell whether a keyword that is not in the signature sets an attribute all the same."""
        others = {k: copy.deepcopy(v) for k, v in self.fixed.items() if k != keyword}
        try:
            value = getattr(self.make(**others), keyword)
            self.make(**others, **{keyword: self.fixed.get(keyword, value)})
        except Exception:
            return False
        return True

    def attribute(self, head: str, rest: Sequence[str], dotted: str) -> Any:
        """Return what the config with all its defaults has under a dotted name."""
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
