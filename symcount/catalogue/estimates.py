"""Find hand-written estimates in a module as it is, whatever it keeps them in."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any, NamedTuple

from symcount.catalogue.registry import BlueprintRegistry, BlueprintSpec
from symcount.errors import TargetError

# Of several numbers in an entry, the one with such a word in its name is the estimate.
_WORDS = ("param", "estimate", "cost", "count", "size")
_NAMES = ("name", "key", "id")
_GROUPS = ("topology", "group", "kind", "family", "category")


class Fields(NamedTuple):
    """The names of the fields of an entry; None for one that is to be found."""

    factory: str | None = None
    estimate: str | None = None


def estimates_in(module: ModuleType, fields: Fields = Fields()) -> tuple[BlueprintSpec, ...]:  # noqa: B008
    """Return the factories in a module that have an estimate beside them, each once.

    They are the entries of every registry of symcount, and of every mapping or list that the
    module has as an attribute, or that is an attribute of a class or object of it: tuples, dicts
    and objects with a callable and a number.

    Raises:
        TargetError: there are none, or an entry has several callables or numbers, and it is not
            said which are meant.
    """
    found: dict[tuple[int, str], BlueprintSpec] = {}
    for name, held in _collections(module):
        for spec in _entries(name, held, fields):
            found.setdefault((id(spec.factory), spec.key), spec)
    return tuple(found.values())


def _collections(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Yield what may hold entries, with its name."""
    for name, value in list(vars(module).items()):
        if name.startswith("__") or isinstance(value, ModuleType):
            continue
        if isinstance(value, BlueprintRegistry) or _is_collection(value):
            yield name, value
        elif not inspect.isroutine(value):
            for inner, held in list(getattr(value, "__dict__", {}).items()):
                if not inner.startswith("__") and _is_collection(held):
                    yield name, held


def _is_collection(value: Any) -> bool:
    return isinstance(value, Mapping | list | tuple | set | frozenset)


def _entries(name: str, held: Any, fields: Fields) -> Iterator[BlueprintSpec]:
    if isinstance(held, BlueprintRegistry):
        yield from held
        return
    entries: Iterable[tuple[Any, Any]] = (
        held.items() if isinstance(held, Mapping) else enumerate(held)
    )
    for key, entry in list(entries):
        values = _values_of(entry)
        place = f"{name}[{key!r}]"
        factories = _fields(values, fields.factory, callable)
        estimates = _named(_fields(values, fields.estimate, _is_number))
        if not factories or not estimates:
            continue
        for option, several in (("factory", factories), ("estimate", estimates)):
            if len(several) > 1:
                raise TargetError(
                    f"{place} has several fields that may be its {option}: {', '.join(several)}; "
                    f"say which, --{option} {several[0]}"
                )
        called = _text(values, _NAMES) or str(key)
        topology = _text(values, _GROUPS) or name
        yield BlueprintSpec(
            called.removeprefix(f"{topology}:"),
            topology,
            values[factories[0]],
            values[estimates[0]],
            _text(values, ("description",)),
        )


def _values_of(entry: Any) -> dict[str, Any]:
    """Return the fields of an entry by name; those of a tuple by number, its first text as name."""
    if isinstance(entry, Mapping):
        return {str(name): value for name, value in entry.items()}
    if isinstance(entry, tuple) and not hasattr(entry, "_fields"):
        fields = {str(place): value for place, value in enumerate(entry)}
        return {"name": next((v for v in entry if isinstance(v, str)), None), **fields}
    if isinstance(entry, type) or inspect.isroutine(entry):
        return {}
    names = [*getattr(entry, "_fields", ()), *getattr(entry, "__dict__", ())]
    if dataclasses.is_dataclass(entry):
        names += [field.name for field in dataclasses.fields(entry)]
    return {name: getattr(entry, name, None) for name in dict.fromkeys(names)}


def _fields(
    values: Mapping[str, Any], given: str | None, is_one: Callable[[Any], bool]
) -> list[str]:
    """Return the names of the fields that may be the one; the one that is given alone."""
    names = values.keys() if given is None else [given]
    return [name for name in names if is_one(values.get(name))]


def _named(numbers: list[str]) -> list[str]:
    """Return of several numbers the one that says by its name that it is an estimate."""
    for word in _WORDS:
        named = [name for name in numbers if word in name]
        if len(named) == 1:
            return named
    return numbers


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(values: Mapping[str, Any], names: Iterable[str]) -> str:
    return next((values[name] for name in names if isinstance(values.get(name), str)), "")
