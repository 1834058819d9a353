"""Intercept code of a factory: have it read stand-ins while a run on symbols lasts.

Only functions whose code asked a symbol for a plain number, and mentions something that there is a
stand-in for, are intercepted, and only while a run lasts; `symcount.trace.renaming` says how.
"""

from __future__ import annotations

import builtins
import copy
import functools
import inspect
import itertools
import math
import operator
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import CodeType, FrameType, FunctionType, MappingProxyType, ModuleType
from typing import Any, NamedTuple

from symcount import interception
from symcount.executed import Executed, Use
from symcount.libraries import is_of_python, is_unsourced
from symcount.trace import identity
from symcount.trace.proxies import is_of_torch
from symcount.trace.renaming import (
    StandIn,
    is_renamed,
    nested,
    original_code,
    owners,
    owners_of_each,
    renamed,
    run_in_this_thread,
)
from symcount.trace.stand_ins import BUILTINS, ITERTOOLS, MATH, OPERATOR, SILENT, ModuleShadow


class _Intercepted(NamedTuple):
    """The code of a function, what it is for runs, and the globals that this depends on."""

    before: CodeType
    instead: CodeType
    reads: tuple[tuple[str, Any], ...]


_missing = object()
_OF_SILENT = frozenset(["builtins", "operator"])  # the modules that have what asks
_LAYERS = "torch.nn.modules."
_ASKING = frozenset(["math", "int", "float", "round", "range", "sum"])
# What is remembered of code that nothing else may be using any more.
_MOST_CODES = 1 << 16
# So many times a function of some code is intercepted in one trace, lest it be made anew each time.
_MOST_TWINS = 4


class Interceptor:
    """Keep what is read in the place of what, and the functions whose code does so in a run."""

    def __init__(self) -> None:
        self._by_identity: dict[int, tuple[Any, StandIn]] = {}
        # In the code of a package, what a global of this identity reads as instead.
        self._within: dict[tuple[str, int], tuple[StandIn, ModuleShadow]] = {}
        # What so much code mentions that this alone does not say that it uses what is replaced.
        self._mentioned_by_all: set[int] = set()
        # In a module, what a global of this name reads as instead.
        self._in_module: dict[int, dict[str, StandIn]] = {}
        self._names: set[str] = set()
        self._builtins: dict[str, StandIn] = {}
        self._imported: dict[str, StandIn] = {}
        self._functions: dict[FunctionType, _Intercepted] = {}
        self._others: dict[tuple[FunctionType, int, bool], _Intercepted] = {}
        self._mentions: dict[int, tuple[CodeType, bool]] = {}
        self._made_anew: set[CodeType] = set()
        self._looked_at = 0  # so much of what has executed was looked at
        self.unowned: set[CodeType] = set()
        self.has_run = False  # to the end, with what is intercepted so far
        # Where code compares identities, and the functions that run it if they are known.
        self.places: identity.Places = {}
        self.watched: dict[FunctionType, None] = {}
        # Functions that have asked a symbol for nothing: they read what they would read of `int`.
        self._silent_codes: dict[int, CodeType] = {}
        self._silent_only: set[FunctionType] = set()
        for name, replacement in BUILTINS.items():
            original = getattr(builtins, name)
            self.intercept(original, replacement, name)
            self._builtins[name] = self._by_identity[id(original)][1]
        for name, replacement in MATH.items():
            self.intercept(getattr(math, name), replacement, name)
        self.intercept_module(math, MATH)
        for name, replacement in OPERATOR.items():
            self.intercept(getattr(operator, name), replacement, name)
        self.intercept_module(operator, OPERATOR)
        for name, replacement in ITERTOOLS.items():  # `repeat` is a method of tensors, too
            self.intercept(getattr(itertools, name), replacement)
        self.intercept_module(itertools, ITERTOOLS)
        self.intercept_module(builtins, BUILTINS)

    def copy(self) -> Interceptor:
        """One of its own for a derivation: what that adds, and whom it intercepts, ends with it."""
        other = copy.copy(self)
        other._by_identity = self._by_identity.copy()
        other._names = self._names.copy()
        other._functions, other._others = self._functions.copy(), {}
        other._mentions = {}
        other._made_anew = set()
        other._looked_at, other.unowned = 0, set()
        other.places, other.watched = {}, {}
        other._silent_only = self._silent_only.copy()
        other._silent_codes = self._silent_codes.copy()
        return other

    def intercept(self, original: Any, replacement: Any, *names: str) -> None:
        """Have code that is intercepted read `replacement` for a global that is `original`.

        Code that mentions one of `names` is taken to use it.
        """
        self._by_identity[id(original)] = original, StandIn(replacement)
        self._names.update(names)

    def intercept_module(
        self, original: ModuleType, replaced: dict[str, Any], *names: str
    ) -> ModuleShadow:
        """Do the same of a module with some attributes replaced, also where it is imported."""
        shadow = ModuleShadow(original, replaced)
        self.intercept(original, shadow, *names)
        self._imported[original.__name__] = StandIn(shadow)
        if not replaced:  # it is what will be replaced that counts
            self._mentioned_by_all.add(id(original))
        return shadow

    def intercept_within(self, original: ModuleType, shadow: ModuleShadow) -> None:
        """Have the code of a module's own package read this if it uses what is replaced.

        So does code that imports the module in a function.
        """
        package = original.__name__
        self._imported[package] = StandIn(shadow)
        self._within[package, id(original)] = StandIn(shadow), shadow

    def intercept_in(self, names: dict[str, Any], replaced: Mapping[str, Any]) -> None:
        """Intercept all functions of a module that read some of its globals, from the start.

        So what a run skips does not depend on what ran before.
        """
        self._in_module.setdefault(id(names), {}).update(
            (name, StandIn(value)) for name, value in replaced.items()
        )
        functions = [f for f in names.values() if isinstance(f, FunctionType)]
        for function in functions:
            is_own = function.__globals__ is names
            if is_own and not replaced.keys().isdisjoint(function.__code__.co_names):
                self._intercept_function(function)

    def intercept_if_needed(
        self,
        frame: FrameType,
        asked: Counter[CodeType],
        roots: Sequence[FunctionType] = (),
        executed: Mapping[CodeType, Use] = MappingProxyType({}),
    ) -> bool:
        """Intercept the code of a frame from the next run on if it may keep a symbol.

        So is done with what else of its module was executed, which will be asked next, as long as
        no run has come to its end: others are to decide what that did.

        Returns whether there was something to do for that, so that the run must start again.
        `asked` says of which code that was so before; code of which new functions are made again
        and again, out of nothing that is known, is left alone.
        """
        code, names = frame.f_code, frame.f_globals
        if id(code) in self._silent_codes:
            code = original_code(code)
        if not self._mentions_intercepted(code, names) or code in self._made_anew:
            return False
        changed = self._intercept(code, names, asked, roots)
        if changed and not self.has_run:
            others = {
                each: names
                for each, use in executed.items()
                if use.names is names and self._mentions_intercepted(each, names)
            }
            for found in owners_of_each(others, roots).values():
                self._silent_only.difference_update(found)
                for function in found:
                    self._intercept_function(function)
        return changed

    def intercept_silent(self, executed: Executed, roots: Sequence[FunctionType]) -> None:
        """Intercept code that may depend on a symbol though it never asks it for anything.

        So is done with torch's own layers, which do ask, so that the run need not start again.
        What torch asks of a type is trusted. Code that no function is known to run is `unowned`,
        and so is what was made of a text, since it may be made anew in each run.
        """
        new = dict(itertools.islice(executed.items(), self._looked_at, None))
        self._looked_at = len(executed)
        layers = {
            code: use.names
            for code, use in new.items()
            if str(use.names.get("__name__")).startswith(_LAYERS)
            and not _ASKING.isdisjoint(code.co_names)
        }
        for found in owners_of_each(layers, roots).values():
            for function in found:
                self._intercept_function(function)
        new = {code: use for code, use in new.items() if not is_of_torch(code)}
        places = identity.places(new)
        self.places |= places
        confined = {code: new[code].names for code in places if identity.is_confined(code)}
        codes = {code: use.names for code, use in new.items() if _asks_unseen(code, use.names)}
        known = owners_of_each({**codes, **confined}, roots)
        self.watched.update(dict.fromkeys(f for code in confined for f in known[code]))
        for code in codes:
            found = known[code]
            for function in found:
                if function not in self._functions:
                    self._silent_only.add(function)
                    self._intercept_function(function)
            if not found or is_unsourced(code.co_filename):
                self.unowned.add(code)
        self.unowned.update(  # Python's own asks it of containers, such as `json`
            code
            for code, use in new.items()
            if not is_of_python(code.co_filename) and _is_given_what_asks(code, use)
        )

    def intercept_anew(self) -> None:
        """Look again for what is replaced in the code that is intercepted: there is more."""
        self._mentions.clear()
        self._others.clear()
        for function in tuple(self._functions):
            self._intercept_function(function)

    def intercept_functions(self) -> None:
        """Have the functions concerned run the code that they are to, until all is restored."""
        run_in_this_thread()
        for function, known in tuple(self._functions.items()):
            if not _is_current(function, known):
                self._intercept_function(function)
                known = self._functions[function]
            if known.instead is not known.before:
                interception.replace(function, "__code__", known.instead)

    def _mentions_intercepted(self, code: CodeType, names: dict[str, Any]) -> bool:
        known = self._mentions.get(id(code))
        if known is None:
            values = {id(names.get(name)) for name in code.co_names} - self._mentioned_by_all
            mentioned = not (
                self._names.isdisjoint(code.co_names)
                and self._by_identity.keys().isdisjoint(values)
            )
            known = self._remember(code, mentioned and not is_renamed(code))
        return known[1]

    def _remember(self, code: CodeType, answer: bool) -> tuple[CodeType, bool]:
        if len(self._mentions) >= _MOST_CODES:
            self._mentions.clear()
        known = self._mentions[id(code)] = code, answer
        return known

    def _intercept(
        self,
        code: CodeType,
        names: dict[str, Any],
        asked: Counter[CodeType],
        roots: Sequence[FunctionType],
    ) -> bool:
        asked[code] += 1
        if asked[code] > _MOST_TWINS:
            if len(self._made_anew) >= _MOST_CODES:
                self._made_anew.clear()
            self._made_anew.add(code)
            return False
        found = owners(code, names, roots, self._is_intercepted)
        self._silent_only.difference_update(found)
        changed = any([self._intercept_function(function) for function in found])
        if not changed:
            self._remember(code, False)
        return changed

    def _is_intercepted(self, function: FunctionType) -> bool:
        return function in self._functions and function not in self._silent_only

    def _intercept_function(self, function: FunctionType) -> bool:
        """Intercept the code of a function from the next run on; whether that changes anything."""
        code = original_code(function.__code__)
        silent = function in self._silent_only
        instead, reads = self._renamed(code, function.__globals__, silent)
        if silent:
            self._silent_codes.update((id(inner), inner) for inner in nested(instead))
        self._functions[function] = _Intercepted(code, instead, tuple(reads.items()))
        return instead is not code

    def as_in_runs(self, function: FunctionType, code: CodeType) -> CodeType:
        """Return other code for a function as it is in runs: intercepted, if the function is."""
        if function not in self._functions:
            return code
        key = function, id(code), function in self._silent_only
        known = self._others.get(key)
        if known is None or not _reads_the_same(function, known):
            instead, reads = self._renamed(code, function.__globals__, key[-1])
            known = self._others[key] = _Intercepted(code, instead, tuple(reads.items()))
        return known.instead

    def _renamed(
        self, code: CodeType, names: dict[str, Any], silent: bool
    ) -> tuple[CodeType, dict[str, Any]]:
        """Return code that reads what it is to read in runs, and the globals this depends on."""
        reads: dict[str, Any] = {}

        def loads(code: CodeType, name: str) -> StandIn | None:
            value = names.get(name, _missing)
            if silent and not (_asks(name, value) or value is builtins or value is operator):
                return None
            stand_in = self._stand_in(code, names, name, value)
            if stand_in is not None:
                reads[name] = value
            return stand_in

        def imports(code: CodeType, name: str) -> StandIn | None:
            return None if silent and name not in _OF_SILENT else self._imported.get(name)

        of_python = names.get("__builtins__", builtins)
        if of_python is builtins or of_python is vars(builtins):
            return renamed(code, loads, imports), reads
        return code, reads  # its `int` may be another

    def _stand_in(
        self, code: CodeType, names: dict[str, Any], name: str, value: Any
    ) -> StandIn | None:
        """Return what code reads instead of a global in a run, if there is such."""
        if value is _missing:
            return self._builtins.get(name)
        special = self._in_module.get(id(names), {}).get(name)
        if special is not None:
            return special
        package = str(names.get("__name__")).split(".")[0]
        if (package, id(value)) in self._within:
            stand_in, shadow = self._within[package, id(value)]
            return None if vars(shadow).keys().isdisjoint(code.co_names) else stand_in
        return self._by_identity.get(id(value), (None, None))[1]


def _asks_unseen(code: CodeType, names: Mapping[str, Any]) -> bool:
    """Tell whether a function asks for a type or an identity by what does, or may."""
    asked = (_asks(name, names.get(name, _missing)) for name in code.co_names)
    named = {*code.co_names, *(const for const in code.co_consts if type(const) is str)}
    is_imported = not (_OF_SILENT.isdisjoint(named) or SILENT.keys().isdisjoint(named))
    return bool(code.co_flags & inspect.CO_OPTIMIZED) and (is_imported or any(asked))


def _asks(name: str, value: object) -> bool:
    """Tell whether a global asks for a type or an identity."""
    return name in SILENT if value is _missing else _is_silent(value)


def _is_silent(value: object) -> bool:
    return any(value is silent for silent in SILENT.values())


def _is_given_what_asks(code: CodeType, use: Use) -> bool:
    """Tell whether code has in a variable, or reads in a container, what asks for an identity."""
    read = [use.names.get(name) for name in code.co_names]
    inside = [part for value in read for part in _parts(value)]
    return any(map(_is_silent, (*use.values, *inside)))


def _parts(value: Any) -> Iterable[Any]:
    """List what a table, a class or a partial function holds."""
    if type(value) is dict:
        return value.values()
    if isinstance(value, type):
        return (getattr(v, "__func__", v) for v in vars(value).values())
    if isinstance(value, functools.partial):
        return (value.func,)
    return value if type(value) in (list, tuple, set) else ()


def _is_current(function: FunctionType, known: _Intercepted) -> bool:
    """Tell whether neither the function nor a global that it reads has become something else."""
    return function.__code__ is known.before and _reads_the_same(function, known)


def _reads_the_same(function: FunctionType, known: _Intercepted) -> bool:
    names = function.__globals__
    return all(names.get(name, _missing) is value for name, value in known.reads)


INTERCEPTOR = Interceptor()
