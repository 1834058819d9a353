"""Resolve what a string names: a factory to derive, or a module that registers blueprints."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import pkgutil
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from symcount import packages
from symcount.catalogue.estimates import Fields, estimates_in
from symcount.catalogue.registry import BlueprintRegistry, BlueprintSpec, deferring
from symcount.catalogue.trust import Trust
from symcount.errors import ImportFailedError, NotTrustedError, SymcountError, TargetError

SEEDS = {"cnn": "symcount.blueprints.cnn", "transformer": "symcount.blueprints.transformer"}
FORMS = "package.module:factory, path/to/file.py:factory or topology:blueprint"


@dataclass(frozen=True)
class Target:
    """A factory that was found, by the name it was asked for; and its blueprint, if it has one."""

    name: str
    factory: Callable[..., Any]
    spec: BlueprintSpec | None = None


def resolve(target: str, trust: Trust | None = None, model: Any = None) -> Target:
    """Find the factory that `target` names.

    `path/to/file.py:factory` loads the file. `topology:name` is a blueprint of the default
    registry, seeds included. Anything else is `package.module:factory`, with the current
    directory importable. In a file or module the factory may be dotted: `models.py:Net.small`.
    What a package does not have itself is looked for in its `models`: `timm:resnet50`.

    With `trust`, it is a document that names the target, so nothing is imported or returned that
    may not be called for it. With `model`, the target is the class of the config of this model.

    Raises:
        NotTrustedError: `trust` forbids it.
        TargetError: there is no such thing, or loading its module failed; the message says what
            was looked for, where, and which names come close.

    >>> resolve("torch.nn:Linear").factory
    <class 'torch.nn.modules.linear.Linear'>
    >>> resolve("cnn:attention").spec.param_count(512)
    131584
    """
    packages.require("deriving a formula")
    place, colon, name = target.rpartition(":")
    if not (colon and place and name):
        module, dot, last = target.rpartition(".")
        is_dotted = dot and last.isidentifier() and last != "py"
        hint = f"; did you mean {module}:{last}?" if is_dotted else ""
        raise TargetError(f"target {target!r} names no factory; write {FORMS}{hint}")
    spec = None if place.endswith(".py") else _blueprint(place, name)
    if spec is not None:
        factory = spec.factory
    else:
        if trust is not None:
            trust.require_place(target, place)
        if not place.endswith(".py") and _is_missing(place):
            raise _nothing_called(place, name)
        factory = _factory(load(place), place, name, through_objects=trust is None)
    if trust is not None:
        trust.require(target, factory, model)
    return Target(target, factory, spec)


def load_blueprints(module: str, trust: Trust | None = None) -> tuple[BlueprintSpec, ...]:
    """Load the blueprints of a module: `package.module` or `path/to/file.py`.

    They are those of every registry the module has as an attribute, and those of the default
    registry whose factories it, or a module below it, defines. Where that gives none, they are
    what loading it added to the default registry.

    With `trust`, it is a document that names the module, which then is to be of the project,
    allowed or symcount's own, as are its factories.

    Raises:
        NotTrustedError: `trust` forbids it.
        TargetError: the module is missing, fails to load, or registers no blueprint.

    >>> [spec.key for spec in load_blueprints("symcount.blueprints.cnn")][:3]
    ['cnn:noop', 'cnn:norm', 'cnn:attention']
    """
    default = _default_registry()
    before = {spec.key for spec in default}
    if trust is not None:
        _make_importable(Path.cwd())
        trust.require_blueprints(module)
    loaded = load(module)
    registries = {
        id(value): value
        for value in vars(loaded).values()
        if isinstance(value, BlueprintRegistry) and value is not default
    }
    found = [spec for registry in registries.values() for spec in registry]
    found += [spec for spec in default if _is_defined_in(loaded, spec.factory)]
    found = found or [spec for spec in default if spec.key not in before]
    if not found:
        raise TargetError(
            f"{module} registers no blueprint, neither in symcount.blueprints nor in a "
            "BlueprintRegistry of its own"
        )
    if trust is not None:
        for spec in found:
            trust.require(spec.key, spec.factory)
    return tuple(found)


def load_estimates(module: str, fields: Fields) -> tuple[BlueprintSpec, ...]:
    """Load what a module has estimates of: blueprints, and the entries of its own collections.

    Raises:
        TargetError: the module is missing, fails to load, or has no estimate; or it is not said
            which fields of an entry are meant.
    """
    with deferring():
        loaded = load(module)
        found = list(estimates_in(loaded, fields))
        try:
            found += load_blueprints(module)
        except TargetError:
            if not found:
                raise TargetError(
                    f"{module} has no estimates: neither does it register blueprints, nor has it "
                    "a list or mapping of entries with a callable and a number. Where an entry "
                    "has several, say which: --factory FIELD --estimate FIELD"
                ) from None
    return tuple({(spec.key, id(spec.factory)): spec for spec in found}.values())


def seeds() -> tuple[BlueprintSpec, ...]:
    """Load the default registry's blueprints, the seeds among them."""
    packages.require("deriving a formula")
    for module in SEEDS.values():
        importlib.import_module(module)
    return tuple(_default_registry())


def load(module: str) -> ModuleType:
    """Import `package.module`, or the file `path/to/file.py`, each once.

    A module finds what lies in the current directory; a file also finds its neighbours.

    Raises:
        TargetError: it does not exist, or raised while it was imported.
    """
    packages.require("deriving a formula")
    if module.endswith(".py"):
        return _load_file(module)
    if _is_missing(module):
        raise ImportFailedError(module, _no_module(module))
    with _import_errors(module):
        return importlib.import_module(module)


def close_names(name: str, known: Iterable[str]) -> str:
    """Return a question to end an error with, such as "; did you mean 'attention'?", or nothing."""
    close = difflib.get_close_matches(name, sorted(set(known)), n=3)
    return f"; did you mean {' or '.join(map(repr, close))}?" if close else ""


# --- blueprints -------------------------------------------------------------------------------


def _default_registry() -> BlueprintRegistry:
    registry = importlib.import_module("symcount.blueprints")
    assert isinstance(registry, BlueprintRegistry)  # it is a module as well
    return registry


def _blueprint(topology: str, name: str) -> BlueprintSpec | None:
    if topology in SEEDS:
        importlib.import_module(SEEDS[topology])
    default = _default_registry()
    return default.get(topology, name) if (topology, name) in default else None


def _nothing_called(topology: str, name: str) -> TargetError:
    """Explain that a name is neither a blueprint nor a module, with names that come close."""
    default = _default_registry()
    known = [spec.name for spec in default if spec.topology == topology]
    if known:
        return TargetError(
            f"no blueprint {topology}:{name}{close_names(name, known)}\n"
            f"  {topology} has: {', '.join(sorted(known))}"
        )
    if "." in topology:
        return ImportFailedError(topology, _no_module(topology))
    topologies = {*SEEDS, *default.topologies()}
    return ImportFailedError(
        topology, f"no topology {topology!r} of blueprints, and {_no_module(topology, topologies)}"
    )


def _is_defined_in(module: ModuleType, factory: Callable[..., Any]) -> bool:
    home = getattr(getattr(factory, "func", factory), "__module__", None) or ""
    return home == module.__name__ or home.startswith(f"{module.__name__}.")


# --- modules ----------------------------------------------------------------------------------


def _factory(
    module: ModuleType, place: str, name: str, through_objects: bool
) -> Callable[..., Any]:
    found: Any = module
    if not hasattr(module, name.partition(".")[0]):
        found = _models_of(module, name) or module
    for depth, part in enumerate(name.split(".")):
        holder = ".".join([place, *name.split(".")[:depth]])
        if not (through_objects or isinstance(found, type | ModuleType)):
            # an attribute of an object may be computed, by whatever the object is
            raise NotTrustedError(
                f"{place}:{name} is not called: {holder} is neither a module nor a class, and a "
                "document may name no attributes of objects. Give the factory a name of its own."
            )
        if not hasattr(found, part):
            raise TargetError(f"{holder} has no {part!r}{close_names(part, dir(found))}")
        found = getattr(found, part)
    if not callable(found):
        raise TargetError(
            f"{place}:{name} is {found!r}; a target is a function or class that builds a module"
        )
    factory: Callable[..., Any] = found
    return factory


def _models_of(module: ModuleType, name: str) -> ModuleType | None:
    """Return the `models` of a package, if it has what the package itself has not."""
    inside = f"{module.__name__}.models"
    if not hasattr(module, "__path__") or _is_missing(inside):
        return None
    models = load(inside)
    return models if hasattr(models, name.partition(".")[0]) else None


def _make_importable(directory: Path) -> None:
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))


def _is_missing(module: str) -> bool:
    """Tell whether no module of this name can be found; its packages are imported to look."""
    _make_importable(Path.cwd())
    if module in sys.modules:
        return False
    if not all(part.isidentifier() for part in module.split(".")):
        raise TargetError(f"{module!r} is neither a file that ends in .py nor a module's name")
    package, _, _ = module.rpartition(".")
    if package and _is_missing(package):
        return True
    with _import_errors(module):
        if package and not hasattr(importlib.import_module(package), "__path__"):
            return True
        return importlib.util.find_spec(module) is None


def _no_module(module: str, others: Iterable[str] = ()) -> str:
    package, _, name = module.rpartition(".")
    if not package:
        known = [found.name for found in pkgutil.iter_modules()]
        where = f"on the import path, with {Path.cwd()} first"
    elif _is_missing(package):
        return _no_module(package, others)
    else:
        paths = getattr(sys.modules[package], "__path__", [])
        known = [found.name for found in pkgutil.iter_modules(paths)]
        where = f"in {package}"
    return f"no module {name!r} {where}{close_names(name, [*known, *others])}"


def _load_file(name: str) -> ModuleType:
    path = Path(name).resolve()
    if not path.is_file():
        nearby = [p.name for p in path.parent.glob("*.py")]
        raise ImportFailedError(
            name, f"no file {name} in {Path.cwd()}{close_names(path.name, nearby)}"
        )
    for known in list(sys.modules.values()):
        if getattr(known, "__dict__", {}).get("__file__") == str(path):
            return known
    _make_importable(Path.cwd())
    _make_importable(path.parent)
    # No importable name, so that it never stands for another module of the file's name.
    spec = importlib.util.spec_from_file_location(f"<{path}>", path)
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    with _import_errors(name):
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[spec.name]
            raise
    return module


@contextmanager
def _import_errors(module: str) -> Iterator[None]:
    """Turn whatever the module raises while it is imported into a `TargetError` with its line."""
    try:
        yield
    except (Exception, SystemExit) as error:
        raise ImportFailedError(
            module,
            f"{module} cannot be imported: {_where(error)} raised\n"
            f"  {type(error).__name__}: {error}",
        ) from error


def _where(error: BaseException) -> str:
    """Return the module's line, and in brackets the line it led to, unless that is symcount's."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    machinery = (str(Path(importlib.__file__).parent), "<frozen importlib", __file__)
    lines = [
        f"{frame.filename}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(machinery)
    ]
    if not lines:
        return "it"
    inner = lines[0] == lines[-1] or isinstance(error, SymcountError)
    return lines[0] if inner else f"{lines[0]} (at {lines[-1]})"
