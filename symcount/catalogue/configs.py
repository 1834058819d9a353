"""Derive models that are built from a config: `from_config`, for any library."""

from __future__ import annotations

import ast
import copy
import inspect
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
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
    config: Any,
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

    The factory is `model_class(config(**keywords))`. Any config class will do that takes its
    values as keywords; symcount knows no library of models by name. In the place of the class
    may be a config as it is, of which the values that are not symbols are fixed: an object, a
    dict, or the path of a file of JSON or of the folder of a `config.json`.

    A symbol has the config's own default, so the formula can be called without arguments. A
    dotted name, `text_config.hidden_size`, is one of a config within the config: that one is made
    anew, of the class and with the values that it has by default. Its name in the formula is
    `text_config_hidden_size`.

    Args:
        model_class: a class, or any callable, that takes a config and returns an `nn.Module`; or
            a class that chooses the model by its method `from_config`.
        config: a class, or any callable, that takes keywords and returns the config; or a config.
            A dict or a file is one of the model's own `config_class`.
        symbols: the keywords of the config to keep symbolic; or a mapping of these to
            `Symbol(...)`, which says what values they take. What the config takes by `**kwargs`
            is one if the code of the model names it.
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
    >>> print(from_config(Model, Config(width=3, bias=False), symbols=["depth"]))
    9*depth
    """
    factory = config_factory(model_class, config, symbols, fixed)
    given: dict[str, Any] = {"strict": strict, **factory.given}
    count = derive(
        factory, max_paths=max_paths, max_work=max_work, max_seconds=max_seconds, **given
    )
    assert count.origin is not None
    # Keywords of configs within the config have other names in the formula.
    dotted = any("." in name for name in (*symbols, *fixed))
    target = None if dotted else target_of(model_class)
    origin = replace(count.origin, target=target, config=target_of(factory.config_class))
    return ParamCount(replace(count.formula, origin=origin))


def config_factory(
    model_class: Callable[..., nn.Module],
    config: Any,
    symbols: Sequence[str] | Mapping[str, Symbol],
    fixed: Mapping[str, Any],
) -> ConfigFactory:
    """Return the factory that `from_config` derives, a function of the symbols.

    Raises:
        ArgumentError: see `from_config`.
    """
    if not callable(model_class):
        raise ArgumentError(f"from_config() takes a model class, not {model_class!r}")
    make, held = _class_and_values(model_class, config)
    named = {name: value for name, value in fixed.items() if isinstance(value, Symbol)}
    others = {k: v for k, v in fixed.items() if k not in named}
    of_class = ConfigClass(make, others, held, _names_in_module_of(model_class))
    declared = _declared(of_class.name, symbols)
    twice = next((name for name in named if name in declared), None)
    if twice is not None:
        raise ArgumentError(f"{of_class.name}: {twice!r} is in symbols, and a keyword too")
    declared |= named
    if not declared:
        raise ArgumentError(
            f"from_config({name_of(model_class)}, {of_class.name}): no symbols are given; name the "
            'keywords to keep symbolic, such as symbols=["hidden_size"]'
        )
    return ConfigFactory(model_class, of_class, declared)


def _class_and_values(model_class: Any, config: Any) -> tuple[Callable[..., Any], dict[str, Any]]:
    """Return the class of a config, and the values that one which is given has."""
    if callable(config):
        return config, {}
    if isinstance(config, str | os.PathLike):
        config = _read(Path(config))
    if not isinstance(config, Mapping):
        return type(config), changed(config)
    make = getattr(model_class, "config_class", None)
    if not callable(make):
        raise ArgumentError(
            f"{name_of(model_class)} does not say by an attribute config_class of which class its "
            "config is, so a dict or a file of its values is not enough; give the config itself"
        )
    return make, dict(config)


def _read(path: Path) -> dict[str, Any]:
    """Read the values of a config from a file of JSON, or from that of a folder."""
    path = path / "config.json" if path.is_dir() else path
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArgumentError(f"the config {path} cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise ArgumentError(f"the config {path} holds a {type(values).__name__}, not an object")
    return values


def _names_in_module_of(model_class: Callable[..., Any]) -> frozenset[str]:
    """Return the attributes that code of the module of a model reads, by `getattr` too."""
    module = sys.modules.get(getattr(model_class, "__module__", None) or "")
    try:
        nodes = list(ast.walk(ast.parse(inspect.getsource(module)))) if module else []
    except (OSError, TypeError, SyntaxError):
        return frozenset()
    names = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    for node in nodes:
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("getattr", "hasattr"):
            names |= {str(a.value) for a in node.args[1:2] if isinstance(a, ast.Constant)}
    return frozenset(names)


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
        self.__name__: str = name_of(model_class)
        self.config_class: Callable[..., Any] = config.make
        self._config = config
        chooses = isinstance(model_class, type) and not issubclass(model_class, nn.Module)
        self._build = getattr(model_class, "from_config", model_class) if chooses else model_class
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
        taken = {*inside, *(path[0] for path in self._keywords.values())}
        others = {k: v for k, v in config.values.items() if k not in taken}
        parameters += [inspect.Parameter(k, inspect.Parameter.KEYWORD_ONLY) for k in others]
        self.__signature__: inspect.Signature = inspect.Signature(parameters)
        declared = zip(self._keywords, symbols.values(), strict=True)
        self.given: dict[str, Any] = {**dict(declared), **others}

    def __call__(self, **values: Any) -> nn.Module:
        keywords = {head: inside.make(values) for head, inside in self._inside.items()}
        for name, value in values.items():
            if name not in self._keywords:  # fixed; a config may change what it is given
                keywords[name] = copy.deepcopy(value)
            elif len(self._keywords[name]) == 1:
                keywords[self._keywords[name][0]] = value
        model: nn.Module = self._build(self._config.make(**keywords))
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
        ours = {*self._names, *self._inside}
        if isinstance(self._default, Mapping):
            return {name: value for name, value in self._default.items() if name not in ours}
        return changed(self._default, ours)


def changed(config: Any, but: Iterable[str] = ()) -> dict[str, Any]:
    """Return the keywords by which a config differs from one that its class makes by itself.

    They are found one by one: what follows from others is left to follow from them. Those in
    `but` are given to the class as they are.
    """
    kind, kept = type(config), dict[str, Any]()
    same = {name: getattr(config, name) for name in but}
    try:
        parameters = inspect.signature(kind).parameters
        by_itself = kind(**same)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"what differs in this {kind.__name__} from others is not known, since the class is "
            f"not called without values: {error}. Give the class, and its values as keywords"
        ) from error
    names = [name for name, p in parameters.items() if p.kind in KEYWORDS]
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        names += [n for n in vars(config) if n not in parameters and not n.startswith("_")]
    for name in names:
        if name in same or not hasattr(config, name):
            continue
        if getattr(by_itself, name, _NOTHING) != getattr(config, name):
            kept[name] = getattr(config, name)
            by_itself = kind(**same, **copy.deepcopy(kept))
    return kept


class ConfigClass:
    """A config class: which keywords it takes, and their defaults, or what a config `held`."""

    def __init__(
        self,
        make: Callable[..., Any],
        fixed: Mapping[str, Any],
        held: Mapping[str, Any] | None = None,
        names: frozenset[str] = frozenset(),
    ) -> None:
        self.make = make
        self.name: str = name_of(make)
        self.fixed: dict[str, Any] = dict(fixed)
        self.values: dict[str, Any] = {**(held or {}), **fixed}
        self._read = names
        try:
            self.parameters: dict[str, inspect.Parameter] = dict(inspect.signature(make).parameters)
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
                self._made = self.make(**copy.deepcopy(self.values))
            except Exception as error:
                said = ", ".join(f"{k}={v!r}" for k, v in self.values.items())
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
        is_own = not rest and head in self.parameters and head not in self.values
        found = self.parameters[head].default if is_own else None
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
            if name in self.values or type(value) not in (int, float, bool, str):
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
        others = {k: copy.deepcopy(v) for k, v in self.values.items() if k != keyword}
        try:
            value = getattr(self.make(**others), keyword, _NOTHING)
            if value is _NOTHING:
                probe = self.values.get(keyword, 1)
                made = self.make(**others, **{keyword: probe})
                return keyword in self._read and bool(getattr(made, keyword) == probe)
            self.make(**others, **{keyword: self.values.get(keyword, value)})
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
