"""Complete words of the command line: targets, modules, parameters, names.

Source files are parsed and never run, so that pressing a key imports nothing of the user's, and
not torch either. What cannot be seen so, such as a name that a module makes while it is imported,
is not offered; it may be typed all the same.
"""

from __future__ import annotations

import ast
import os
import pkgutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import resolve_name
from pathlib import Path
from sys import stdlib_module_names

from symcount.catalogue.targets import SEEDS

_Definition = ast.FunctionDef | ast.ClassDef
_STEPS = 4  # of imports that are followed to where something is defined


def targets(word: str) -> list[str]:
    """Complete a target.

    >>> targets("cnn:att")
    ['cnn:attention']
    >>> targets("torch.nn:TransformerEncoder")
    ['torch.nn:TransformerEncoder', 'torch.nn:TransformerEncoderLayer']
    """
    place, colon, name = word.rpartition(":")
    if not colon:
        topologies = [f"{topology}:" for topology in SEEDS]
        places = (m if m.endswith(("/", ".")) else f"{m}:" for m in modules(word))
        return [*_beginning(word, topologies), *places]
    return [f"{place}:{found}" for found in _beginning(name, _factories(place, name))]


def modules(word: str) -> list[str]:
    """List files and modules that begin like `word`, and the folders and packages they may be in.

    >>> modules("torch.nn.par")
    ['torch.nn.parallel', 'torch.nn.parallel.', 'torch.nn.parameter']
    """
    return [*_files(word), *_modules(word)]


def parameters(target: str) -> list[str]:
    """List the parameters of a target, as far as its source shows them.

    >>> parameters("torch.nn:Linear")
    ['in_features', 'out_features', 'bias', 'device', 'dtype']
    """
    place, _, name = target.rpartition(":")
    definition = _definition(place, name)
    if isinstance(definition, ast.ClassDef):
        definition = next((m for m in _methods(definition) if m.name == "__init__"), None)
        first = 1
    else:
        first = int("." in name)  # a class method's `cls`
    if definition is None:
        return []
    taken = definition.args
    return [a.arg for a in [*taken.posonlyargs, *taken.args][first:] + taken.kwonlyargs]


def stored_names(file: str, word: str) -> list[str]:
    """List the formulas of a file whose names begin like `word`; none if it holds none."""
    from symcount.api import load
    from symcount.errors import StoredFormulaError

    try:
        return _beginning(word, load(file))
    except (OSError, StoredFormulaError):
        return []


def stored_symbols(file: str, name: str) -> list[str]:
    """List the symbols of a stored formula; none if there is no such formula."""
    from symcount.api import load
    from symcount.errors import SymcountError

    try:
        return [h.name for h in load(file)[name].hyperparameters]
    except (OSError, SymcountError):
        return []


def _beginning(word: str, names: Iterable[str]) -> list[str]:
    """Select the names that begin like `word`; private ones only if it asks for them."""
    return [n for n in names if n.startswith(word) and n.startswith("_") <= word.startswith("_")]


# --- places -----------------------------------------------------------------------------------


def _files(word: str) -> list[str]:
    folder, _, start = word.rpartition("/")
    here = f"{folder}/" if "/" in word else ""
    try:
        entries = sorted(os.scandir(here or "."), key=lambda entry: entry.name)
    except OSError:
        return []
    return [
        f"{here}{entry.name}{'/' if entry.is_dir() else ''}"
        for entry in entries
        if entry.name.startswith(start)
        and entry.name.startswith((".", "__")) <= start.startswith((".", "__"))
        and (entry.is_dir() or entry.name.endswith(".py"))
    ]


def _modules(word: str) -> list[str]:
    """List modules; none before the first letter, for there are hundreds."""
    package, dot, start = word.rpartition(".")
    if not word or not all(part.isidentifier() for part in package.split(".") if dot):
        return []
    if dot:
        spec = _spec(package)
        places = (spec.submodule_search_locations if spec else None) or []
    else:
        places = _import_path()
    found = {each.name: each.ispkg for each in pkgutil.iter_modules(places)}
    if not dot:  # files here are offered as files already
        here = {Path(name).stem for name in _files("") if name.endswith(".py")}
        found = {n: p for n, p in found.items() if n not in here | stdlib_module_names}
    return [
        f"{package}{dot}{name}{end}"
        for name in _beginning(start, found)
        for end in (("", ".") if found[name] else ("",))
    ]


def _import_path() -> list[str]:
    return [os.getcwd(), *sys.path]


def _spec(module: str) -> ModuleSpec | None:
    """Find where a module is without importing the packages that it is in."""
    path: Sequence[str] | None = _import_path()
    spec = None
    parts = module.split(".")
    for count in range(1, len(parts) + 1):
        spec = None if path is None else PathFinder.find_spec(".".join(parts[:count]), path)
        if spec is None:
            return None
        path = spec.submodule_search_locations
    return spec


# --- what is in a place -----------------------------------------------------------------------


@dataclass
class _Outline:
    """The definitions of a source file, and what a package's `__init__` takes from elsewhere."""

    definitions: dict[str, _Definition] = field(default_factory=dict)
    imported: dict[str, tuple[str, str]] = field(default_factory=dict)
    starred: list[str] = field(default_factory=list)


def _factories(place: str, name: str) -> Iterator[str]:
    """Yield the names that can be factories: functions and classes, and their methods."""
    holder, dot, _ = name.rpartition(".")
    if dot:
        definition = _definition(place, holder)
        if isinstance(definition, ast.ClassDef):
            yield from (f"{holder}.{m.name}" for m in _methods(definition) if _is_of_class(m))
        return
    if place in SEEDS:
        yield from _blueprints(place)
    yield from dict.fromkeys(_names(place, _STEPS))


def _names(place: str, steps: int) -> Iterator[str]:
    outline = _outline(place)
    yield from outline.definitions
    yield from outline.imported
    for module in outline.starred if steps else ():
        yield from _names(module, steps - 1)


def _definition(place: str, name: str, steps: int = _STEPS) -> _Definition | None:
    """Find the function or class of that name, here or where it was imported from."""
    if place in SEEDS and name in (found := _blueprints(place)):
        return found[name]
    outline = _outline(place)
    first, _, rest = name.partition(".")
    here = outline.definitions.get(first)
    if here is not None and rest:
        methods = _methods(here) if isinstance(here, ast.ClassDef) else []
        return next((method for method in methods if method.name == rest), None)
    if here is not None or not steps:
        return here
    if first in outline.imported:
        module, original = outline.imported[first]
        return _definition(module, ".".join([original, rest] if rest else [original]), steps - 1)
    for module in outline.starred:
        there = _definition(module, name, steps - 1)
        if there is not None:
            return there
    return None


def _outline(place: str) -> _Outline:
    path, package = Path(place), ""
    if not place.endswith(".py"):
        spec = _spec(place) if all(part.isidentifier() for part in place.split(".")) else None
        if spec is None or not (spec.origin or "").endswith(".py"):
            return _Outline()
        path = Path(spec.origin or "")
        package = place if spec.submodule_search_locations else place.rpartition(".")[0]
    outline = _Outline()
    for node in _statements(path):
        if isinstance(node, _Definition):
            outline.definitions[node.name] = node
        elif isinstance(node, ast.ImportFrom) and path.name == "__init__.py":
            module = resolve_name("." * node.level + (node.module or ""), package)
            if node.names[0].name == "*":
                outline.starred.append(module)
            else:
                taken = {a.asname or a.name: (module, a.name) for a in node.names}
                outline.imported |= taken
    return outline


def _statements(path: Path) -> list[ast.stmt]:
    try:
        return ast.parse(path.read_bytes()).body
    except (OSError, SyntaxError, ValueError):
        return []


def _methods(kind: ast.ClassDef) -> list[ast.FunctionDef]:
    return [node for node in kind.body if isinstance(node, ast.FunctionDef)]


def _is_of_class(method: ast.FunctionDef) -> bool:
    """Tell whether a method is called on the class, and so can be a factory."""
    marks = {mark.id for mark in method.decorator_list if isinstance(mark, ast.Name)}
    return bool(marks & {"classmethod", "staticmethod"})


def _blueprints(topology: str) -> dict[str, _Definition]:
    """Find the seed blueprints by the names that they are registered as."""
    found: dict[str, _Definition] = {}
    for factory in _outline(SEEDS[topology]).definitions.values():
        for mark in factory.decorator_list:
            if isinstance(mark, ast.Call) and mark.args and isinstance(mark.args[0], ast.Constant):
                found[str(mark.args[0].value)] = factory
    return found
