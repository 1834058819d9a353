"""What a page asks for, the answer, and the files that the answer depends on.

Nothing here knows a host. torch and sympy are loaded when something is derived, and not before, so
that a build that finds all its answers in a cache is as quick as one without formulas.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import inspect
import linecache
import math
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from symcount.catalogue.trust import Trust
from symcount.errors import ArgumentError, DerivationError, SymcountError
from symcount.factory.source import is_installed
from symcount.symbols import Symbol

if TYPE_CHECKING:
    from symcount.catalogue.targets import Target
    from symcount.display.outline import Row
    from symcount.param_count import ParamCount

Digests = tuple[tuple[str, str], ...]
SECONDS = 10.0
_MOST_POINTS = 10_000


# --- what is asked ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """A formula that a page asks for: a target, and what to fix and to keep symbolic of it."""

    target: str
    fixed: Mapping[str, Any]
    symbols: Mapping[str, Symbol]
    trust: Trust
    max_seconds: float = SECONDS

    @property
    def key(self) -> str:
        """Equal for requests that ask for the same."""
        given = _sorted(self.fixed), _sorted(self.symbols)
        return repr((self.target, *given, self.max_seconds, self.trust.allowed))

    def answer(self) -> tuple[ParamCount, Digests]:
        """Derive the formula, of the code as it is on disk now.

        Raises:
            NotTrustedError: the factory is none that is called for a page.
            SymcountError: there is no such factory, or no formula.
        """
        both = self.fixed.keys() & self.symbols.keys()
        if both:
            raise ArgumentError(f"{min(both)!r} is both fixed and kept symbolic; say one of them")
        from symcount.catalogue import targets
        from symcount.derivation import pipeline

        with _code_as_it_is():
            found = targets.resolve(self.target, self.trust)
            sources_of(found)  # are noted as loaded, should there be no formula
            if found.spec is not None and not self.fixed and not self.symbols:
                count = found.spec.param_count
            else:
                given = {"max_seconds": self.max_seconds, **self.fixed, **self.symbols}
                count = pipeline.derive(found.factory, **given)
            return count, digests(sources_of(found))


def _sorted(values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return sorted(values.items(), key=lambda item: item[0])


@dataclass(frozen=True)
class Blueprint:
    """A blueprint as a table shows it: its formula, or the reason why it has none."""

    key: str
    description: str
    count: ParamCount | None
    reason: str = ""


def blueprints(module: str, trust: Trust) -> tuple[tuple[Blueprint, ...], Digests]:
    """The blueprints that a module registers, of the code as it is on disk now.

    Raises:
        SymcountError: there is no such module, or it registers none.
    """
    from symcount.catalogue import targets

    with _code_as_it_is():
        specs = targets.load_blueprints(module, trust)
        found, files = [], _own_file(targets.load(module))
        for spec in specs:
            try:
                found.append(Blueprint(spec.key, spec.description, spec.param_count))
            except DerivationError as error:
                found.append(Blueprint(spec.key, spec.description, None, str(error)))
            files |= sources_of(targets.Target(spec.key, spec.factory, spec))
        return tuple(found), digests(_with_imports(files))


# --- how it is written ------------------------------------------------------------------------

_CALL = re.compile(r"(?P<target>[^()]+)(?:\((?P<sizes>.*)\))?", re.DOTALL)


def read_call(text: str) -> tuple[str, dict[str, Any] | None]:
    """`target` or `target(name=value, ...)`.

    Raises:
        ArgumentError: it is neither; the message shows how to write it.

    >>> read_call("cnn:attention(dim=512)"), read_call("models.py:mlp")
    (('cnn:attention', {'dim': 512}), ('models.py:mlp', None))
    """
    found = _CALL.fullmatch(text.strip())
    if found is None:
        raise ArgumentError(f"{text!r}: write module:factory or module:factory(dim=512)")
    sizes = found["sizes"]
    return found["target"].strip(), None if sizes is None else read_values(sizes)


def read_values(text: str) -> dict[str, Any]:
    """`name=value, ...`, each value a Python literal.

    Raises:
        ArgumentError: it is not written so.

    >>> read_values("dim=(64, 512), bias=False, act='gelu'")
    {'dim': (64, 512), 'bias': False, 'act': 'gelu'}
    """
    wanted = "write name=value, ..., each value a Python literal"
    call = _arguments(text, wanted)
    if call.args:
        raise ArgumentError(f"{text!r}: {wanted}")
    return _literals(call, text, wanted)


def read_symbols(text: str) -> dict[str, Symbol]:
    """`name, name(min=64, multiple_of=64), ...`: the arguments are those of `Symbol`.

    Raises:
        ArgumentError: it is not written so, or no value satisfies a declaration.

    >>> read_symbols("dim(min=64), depth")["dim"].min
    64
    """
    wanted = "write name, ... or name(min=64, max=512, multiple_of=64, name='d', real=True), ..."
    call = _arguments(text, wanted)
    declared = {}
    for part in call.args:
        given = {}
        if isinstance(part, ast.Call) and not part.args:
            given, part = _literals(part, text, wanted), part.func
        if not isinstance(part, ast.Name):
            raise ArgumentError(f"{text!r}: {wanted}")
        unknown = given.keys() - inspect.signature(Symbol).parameters.keys()
        if unknown:
            raise ArgumentError(f"{text!r}: a symbol has no {min(unknown)!r}; {wanted}")
        declared[part.id] = Symbol(**given)
    if call.keywords:
        raise ArgumentError(f"{text!r}: {wanted}")
    return declared


def _arguments(text: str, wanted: str) -> ast.Call:
    try:
        call = ast.parse(f"_({text}\n)", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # of too many brackets
        raise ArgumentError(f"{text[:100]!r}: {wanted}") from None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise ArgumentError(f"{text!r}: {wanted}")  # such as "a)(b"
    return call


def _literals(call: ast.Call, text: str, wanted: str) -> dict[str, Any]:
    found = {}
    for keyword in call.keywords:
        try:
            value = ast.literal_eval(keyword.value)
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            raise ArgumentError(f"{text!r}: {wanted}") from None
        if keyword.arg is None:
            raise ArgumentError(f"{text!r}: {wanted}")
        found[keyword.arg] = value
    return found


def points(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All combinations of values; one that is no sequence is one value.

    Raises:
        ArgumentError: there are too many of them for a page.

    >>> points({"dim": (64, 512), "heads": 8})
    [{'dim': 64, 'heads': 8}, {'dim': 512, 'heads': 8}]
    """
    sizes = [v if isinstance(v, list | tuple) else (v,) for v in values.values()]
    number = math.prod(map(len, sizes))
    if number > _MOST_POINTS:
        raise ArgumentError(f"{number:,} combinations of sizes; {_MOST_POINTS:,} are the most")
    return [dict(zip(values, point, strict=True)) for point in product(*sizes)]


def split(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a call of a target gives as sizes, and what it fixes: all that is no whole number.

    >>> split({"dim": 512, "bias": False})
    ({'dim': 512}, {'bias': False})
    """
    sizes = {k: v for k, v in values.items() if type(v) is int}
    return sizes, {k: v for k, v in values.items() if k not in sizes}


# Rows of a breakdown that are shown if it is not said how deep to go.
_ROWS = 14


def breakdown_rows(
    count: ParamCount, at: Mapping[str, Any] | None, levels: int | None
) -> list[tuple[int, Row]]:
    """A breakdown as rows with their depths: `levels` of them, or as many as are few rows."""
    from symcount.display.outline import rows

    breakdown = count.breakdown()
    walked = list(rows(breakdown if at is None else breakdown.at(**at)).walk())
    if levels is None:
        deepest = max(depth for depth, _ in walked)
        fits = (n for n in range(deepest, 1, -1) if sum(d <= n for d, _ in walked) <= _ROWS)
        levels = next(fits, 1)
    return [(depth, row) for depth, row in walked if depth <= levels]


def explained(error: Exception) -> str:
    """What to tell of an error, whoever made it."""
    if isinstance(error, SymcountError):
        return str(error)
    return f"{type(error).__name__}: {error}\n  This is a defect of symcount; please report it."


# --- files ------------------------------------------------------------------------------------


def digests(files: Iterable[Path]) -> Digests:
    """Each file with the digest of what is in it."""
    return tuple((str(path), digest(path)) for path in sorted(files))


def digest(path: str | Path) -> str:
    """The SHA-256 of a file, or nothing if it cannot be read."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return ""


def is_current(found: Digests) -> bool:
    """Whether all files are as they were."""
    return all(digest(path) == before for path, before in found)


def sources_of(target: Target) -> set[Path]:
    """The files that a formula depends on: the factory's own, and what it imports of the project.

    Files of installed packages and of Python itself are not followed: they change when another
    version is installed.
    """
    files = set()
    place, _, _ = target.name.rpartition(":")
    if target.spec is None:
        from symcount.catalogue import targets

        files |= _own_file(targets.load(place))
    function: Any = target.factory
    while isinstance(function, partial):
        function = function.func
    with suppress(TypeError, OSError):  # built in, or typed at a prompt
        files.add(Path(inspect.getfile(inspect.unwrap(function))).resolve())
    return _with_imports({path for path in files if path.is_file()})


def _own_file(module: ModuleType) -> set[Path]:
    file = getattr(module, "__file__", None)
    return {Path(file).resolve()} if file else set()


def _with_imports(files: set[Path]) -> set[Path]:
    """The files and the project's files that they import, wherever in the file, and so on."""
    modules = _modules_by_file()
    found, waiting = set(), list(files)
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        if _is_of_the_project(path) and path in modules:
            for name in _imported(path, modules[path]):
                waiting += [p for p in _own_file(sys.modules[name]) if _is_of_the_project(p)]
    _note_loaded(found)
    return found


def _modules_by_file() -> dict[Path, ModuleType]:
    found = {}
    for module in list(sys.modules.values()):
        file = getattr(module, "__dict__", {}).get("__file__")
        if isinstance(file, str) and _is_of_the_project(Path(file)):
            found[Path(file).resolve()] = module
    return found


def _imported(path: Path, module: ModuleType) -> Iterator[str]:
    """The names of loaded modules that a file imports."""
    if path.suffix != ".py":
        return
    for node in ast.walk(ast.parse(path.read_bytes())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            if node.level:
                base = importlib.util.resolve_name(base, module.__package__ or "")
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        yield from (name for name in names if sys.modules.get(name) is not None)


def _is_of_the_project(path: Path) -> bool:
    """Whether a file is neither Python's, nor installed, nor symcount's own."""
    home = Path(__file__).resolve().parents[1]
    return not is_installed(path) and home not in path.resolve().parents


# --- code that changes while the process lives ------------------------------------------------

# What was in the project's files when their modules were loaded.
_LOADED: dict[Path, str] = {}


def _note_loaded(files: Iterable[Path]) -> None:
    for path in files:
        if _is_of_the_project(path):
            _LOADED.setdefault(path, digest(path))


@contextmanager
def _code_as_it_is() -> Iterator[None]:
    """Load modules again whose files have changed since, and note those that are loaded now.

    A server that builds for each change, in one process, would otherwise show a formula of code
    that is no longer there.
    """
    if any(digest(path) != before for path, before in _LOADED.items()):
        _forget_loaded()
    known = set(sys.modules)
    try:
        yield
    finally:
        new = [sys.modules[name] for name in set(sys.modules) - known]
        _note_loaded(path for module in new for path in _own_file(module))


def _forget_loaded() -> None:
    """Forget all modules that were loaded for pages: one may hold what another has made."""
    modules = _modules_by_file()
    forgotten = [modules[path] for path in _LOADED if path in modules]
    _unregister(forgotten)
    for name in [n for n, m in sys.modules.items() if any(m is gone for gone in forgotten)]:
        del sys.modules[name]
    _LOADED.clear()
    importlib.invalidate_caches()
    linecache.checkcache()


def _unregister(modules: Sequence[ModuleType]) -> None:
    """Take from the default registry what these modules have put there, for they will again."""
    default: Any = sys.modules.get("symcount.blueprints")
    names = {module.__name__ for module in modules}
    for spec in tuple(default or ()):
        if getattr(spec.factory, "__module__", None) in names:
            default.unregister(spec.topology, spec.name)
