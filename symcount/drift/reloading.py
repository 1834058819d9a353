"""Note the files that formulas depend on, and load modules again whose files have changed."""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import inspect
import linecache
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from symcount.factory.statements import is_installed

if TYPE_CHECKING:
    from symcount.catalogue.targets import Target


Digests = tuple[tuple[str, str], ...]


def digests(files: Iterable[Path]) -> Digests:
    """Return each file with the digest of its content."""
    return tuple((str(path), digest(path)) for path in sorted(files))


def digest(path: str | Path) -> str:
    """Return the SHA-256 of a file, or nothing if it cannot be read."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return ""


def is_current(found: Digests) -> bool:
    """Tell whether all files are as they were."""
    return all(digest(path) == before for path, before in found)


def sources_of(target: Target) -> set[Path]:
    """Find the files that a formula depends on: the factory's, and what it imports of the project.

    Files of installed packages and of Python itself are not followed: they change when another
    version is installed.
    """
    files = set()
    place, _, _ = target.name.rpartition(":")
    if target.spec is None:
        from symcount.catalogue import targets

        files |= own_file(targets.load(place))
    function: Any = target.factory
    while isinstance(function, partial):
        function = function.func
    with suppress(TypeError, OSError):  # built in, or typed at a prompt
        files.add(Path(inspect.getfile(inspect.unwrap(function))).resolve())
    return with_imports({path for path in files if path.is_file()})


def own_file(module: ModuleType) -> set[Path]:
    file = getattr(module, "__file__", None)
    return {Path(file).resolve()} if file else set()


def with_imports(files: set[Path]) -> set[Path]:
    """Follow the imports of files, wherever in them, to other files of the project."""
    modules = _modules_by_file()
    found, waiting = set(), list(files)
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        if _is_of_the_project(path) and path in modules:
            for name in _imported(path, modules[path]):
                waiting += [p for p in own_file(sys.modules[name]) if _is_of_the_project(p)]
    _note_loaded(found)
    return found


# Files of loaded modules that are known not to be of the project: thousands, where torch is one.
_OF_OTHERS: set[str] = set()


def _modules_by_file() -> dict[Path, ModuleType]:
    found = {}
    for module in list(sys.modules.values()):
        file = getattr(module, "__dict__", {}).get("__file__")
        if not isinstance(file, str) or file in _OF_OTHERS:
            continue
        if _is_of_the_project(Path(file)):
            found[Path(file).resolve()] = module
        elif os.path.isabs(file):
            _OF_OTHERS.add(file)
    return found


def _imported(path: Path, module: ModuleType) -> Iterator[str]:
    """Yield the names of loaded modules that a file imports."""
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
    """Tell whether a file is neither Python's, nor installed, nor symcount's own."""
    home = Path(__file__).resolve().parents[1]
    return not is_installed(path) and home not in path.resolve().parents


# What was in the project's files when their modules were loaded.
_LOADED: dict[Path, str] = {}


def _note_loaded(files: Iterable[Path]) -> None:
    for path in files:
        if _is_of_the_project(path):
            _LOADED.setdefault(path, digest(path))


@contextmanager
def code_as_it_is() -> Iterator[None]:
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
        _note_loaded(path for module in new for path in own_file(module))


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
    """Remove from the default registry what these modules have put there, for they will again."""
    default: Any = sys.modules.get("symcount.blueprints")
    names = {module.__name__ for module in modules}
    for spec in tuple(default or ()):
        if getattr(spec.factory, "__module__", None) in names:
            default.unregister(spec.topology, spec.name)
