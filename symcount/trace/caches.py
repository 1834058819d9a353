"""Call functions with a cache (`functools.lru_cache`) on symbols without asking for their hashes.

A cache finds a symbol by the hash of its hint, so what it is compared with would depend on numbers
that happen to be equal. Where a function returns numbers, its symbols go past the cache, to what
was returned for the very same. That makes no difference if the function does nothing but compute
them, and is an assumption otherwise. Where it returns an object, which equal arguments share, the
cache is used as it is.
"""

from __future__ import annotations

import dis
from collections.abc import Callable, Iterator
from types import MethodType
from typing import Any

import torch

from symcount.trace.interrupts import Restart
from symcount.trace.pure_functions import is_pure
from symcount.trace.stand_ins import is_symbol

_VALUES = (int, float, complex, str, bytes, type(None), torch.dtype, torch.Size)


class Cached:
    """Stands in for a function with a cache, in the code of a factory."""

    def __init__(self, cached: Any, run_of_thread: Callable[[], Any]) -> None:
        self._cached = cached
        self._run_of_thread = run_of_thread
        self._run: Any = None
        self._returned: dict[Any, tuple[Any, Any]] = {}
        self._returns_values = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        run = self._run_of_thread()
        if (
            run is None
            or not self._returns_values
            or not any(True for _ in _symbols((args, kwargs)))
        ):
            return self._cached(*args, **kwargs)
        if run.ways:  # what is returned on one way is not what is on another
            return self._cached.__wrapped__(*args, **kwargs)
        if run is not self._run:
            self._run, self._returned = run, {}
        key = _key((args, kwargs))
        if key not in self._returned:
            # equal numbers may be counted once or twice
            if not _only_computes(self._cached.__wrapped__, args, kwargs):
                run.assume_of("cache of a function", *_symbols((args, kwargs)))
            # the arguments are kept, so that no other node gets the identity of theirs
            self._returned[key] = self._cached.__wrapped__(*args, **kwargs), (args, kwargs)
        result = self._returned[key][0]
        self._returns_values = _is_value(result)
        return result if self._returns_values else run.interrupt(Restart())

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def in_class(self, owner: type, name: str) -> Any:
        """What stands in a class for the method of a name: one of the same kind."""
        kind = type(vars(owner)[name])
        return kind(self) if kind in (staticmethod, classmethod) else self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cached, name)


def _only_computes(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Tell whether a call has no effect but its result, which is one of numbers alone.

    An object, such as the one that a method is called of, may be another later: it is not read.
    """
    objects = [place for place, value in enumerate(args) if not _is_value(value)]
    code = function.__code__
    if not (is_pure(function) and all(map(_is_value, kwargs.values()))):
        return False
    used = [step.argval for step in dis.get_instructions(code)] if objects else []
    read = {name for value in used for name in (value if type(value) is tuple else (value,))}
    return all(
        place < code.co_argcount and code.co_varnames[place] not in read for place in objects
    )


def _parts(value: Any) -> tuple[Any, ...] | None:
    """Return what a container of numbers holds, or None for anything else."""
    if isinstance(value, tuple | list | frozenset):
        return tuple(value)
    return tuple(value.items()) if type(value) is dict else None


def _symbols(value: Any) -> Iterator[Any]:
    parts = _parts(value)
    if parts is not None:
        for part in parts:
            yield from _symbols(part)
    elif is_symbol(value):
        yield value


def _key(value: Any) -> Any:
    """Return a key of arguments that are equal, whatever the numbers of their symbols."""
    parts = _parts(value)
    if parts is not None:
        return (isinstance(value, list), *map(_key, parts))
    return (Cached, id(value._symcount_node)) if is_symbol(value) else value


def _is_value(value: Any) -> bool:
    parts = _parts(value)
    if parts is not None:
        return all(map(_is_value, parts))
    return is_symbol(value) or isinstance(value, _VALUES)
