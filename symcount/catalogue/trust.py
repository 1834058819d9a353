"""Decide what a document, or a file of formulas, may have imported and called.

Neither is code, and either may come from a stranger; but to check a formula, its factory is
imported and called with what stands there. So only these are called:

- classes of `nn.Module`;
- functions and classes of the project: their code is below the document's folder or the current
  one, and not installed there;
- those of packages that the user allowed by name, and symcount's own blueprints.

Nothing of the standard library is, whatever is allowed. What counts is where the code is that
runs in the end, behind names, partials, methods and decorators; what cannot be followed to Python
code is refused. A target that the user types on the command line is not restricted.
"""

from __future__ import annotations

import builtins
import importlib.util
import os
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any, NamedTuple

from symcount.errors import ArgumentError, NotTrustedError
from symcount.factory.statements import is_installed

_BUILT_IN = frozenset(kind for kind in vars(builtins).values() if isinstance(kind, type))
_PROGRAMS = frozenset(["__main__", "__mp_main__"])
_RULE = (
    "A document or file of formulas may have called only classes of nn.Module, and functions and "
    "classes of the project or of packages that are allowed"
)


class _Why(NamedTuple):
    """Why something is not called, and what to allow for it to be; empty if nothing helps."""

    reason: str
    allow: str = ""


@dataclass(frozen=True)
class Trust:
    """Whose code may be called for a document.

    Attributes:
        allowed: packages and modules by their names, such as `timm`; folders of further code by
            their paths, which have a slash in them or begin with a dot.
        folders: the folders of the project.
        option: how a user allows a package, as errors say it.

    Raises:
        ArgumentError: what is allowed is of the standard library, or is no name.

    >>> from shutil import rmtree
    >>> Trust().require("tools.py:clean", rmtree)
    Traceback (most recent call last):
      ...
    symcount.errors.NotTrustedError: tools.py:clean is not called: rmtree is of the standard ...
    """

    allowed: tuple[str, ...] = ()
    folders: tuple[Path, ...] = field(default_factory=lambda: (Path.cwd().resolve(),))
    option: str = "--allow {}"

    def __post_init__(self) -> None:
        names = [name for name in self.allowed if not _is_folder(name)]
        for name in names:
            if not all(part.isidentifier() for part in name.split(".")):
                raise ArgumentError(
                    f"{self.option.format(name)}: write a package's name, such as timm, or the "
                    "path of a folder, such as ../models"
                )
            if _is_of_python(name):
                raise ArgumentError(
                    f"{self.option.format(name)}: nothing of the standard library is called for a "
                    "document"
                )
        others = [Path(name).resolve() for name in self.allowed if _is_folder(name)]
        object.__setattr__(self, "allowed", tuple(names))
        object.__setattr__(self, "folders", _outermost([*self.folders, *others]))

    def beside(self, folder: Path) -> Trust:
        """Trust the code below this folder too: that of the document."""
        return replace(self, folders=(*self.folders, folder.resolve()))

    # --- before anything is imported ---

    def require_place(self, target: str, place: str) -> None:
        """Raise unless the file or module of a target may be imported.

        A module of another package may, since it may have classes of `nn.Module`.
        """
        if place.endswith(".py"):
            self.require_file(target, place)
        elif _is_of_python(place):
            raise self._refusal(target, _Why(f"{place} is of the standard library"))
        if not _PROGRAMS.isdisjoint(re.split(r"[./\\]", place)):
            raise self._refusal(target, _Why(f"{place} is a program, which importing would run"))

    def require_file(self, target: str, file: str) -> None:
        """Raise unless a file is of the project, links followed."""
        if not self._has(file):
            folders = " or ".join(map(str, self.folders))
            outside = _Why(
                f"{file} is not of the project, whose files are below {folders} and not installed",
                "" if is_installed(Path(file)) else f"{os.path.dirname(file) or '.'}/",
            )
            raise self._refusal(target, outside)

    def require_blueprints(self, module: str) -> None:
        """Raise unless a module may be imported for the blueprints that it registers."""
        self.require_place(module, module)
        if module.endswith(".py") or self._names(module):
            return
        package = module.partition(".")[0]
        try:
            spec = importlib.util.find_spec(package)  # nothing is imported: it is no submodule
        except ValueError:  # it is no name
            return
        places = [] if spec is None else [*(spec.submodule_search_locations or ()), spec.origin]
        if spec is not None and not any(place and self._has(place) for place in places):
            raise self._refusal(module, _Why(f"{package} is not of the project", package))

    # --- before anything is called ---

    def require(self, target: str, found: Any, model: Any = None) -> None:
        """Raise unless what a target names may be called.

        With `model`, it is to make the config that this class takes. Then it may also be the class
        that the model itself declares, by its attribute `config_class` or by an annotation of its
        constructor, if that is of the model's own package.

        Raises:
            NotTrustedError: it may not; the message says why, and what to do.
        """
        why = self._why_not(found)
        if why is not None and not (model is not None and _declares(model, found)):
            raise self._refusal(target, why)

    def _refusal(self, target: str, why: _Why) -> NotTrustedError:
        advice = f"If you trust it with what is asked here, say so: {self.option.format(why.allow)}"
        return NotTrustedError(
            f"{target} is not called: {why.reason}.\n  {_RULE}. "
            f"{advice if why.allow else 'This cannot be allowed.'}"
        )

    def _why_not(self, found: Any, within: type | None = None) -> _Why | None:
        """Why something may not be called, by the code that runs then; None if it may.

        `within` is the class that has it as a method.
        """
        code = _innermost(found)
        if type(code) is FunctionType:
            return self._why_not_function(code, within)
        if _is_class(code):
            return None if _is_module(code) else self._why_not_class(code)
        holder, call = _attribute(type(code), "__call__")
        if type(call) is FunctionType:
            return self._why_not(call, holder)
        name = getattr(code, "__qualname__", type(code).__qualname__)
        if _is_of_python(str(getattr(code, "__module__", None))):
            return _Why(f"{name} is of the standard library, of which nothing is")
        return _Why(f"{name} has no Python code, so it is not known what it does")

    def _why_not_function(self, function: FunctionType, within: type | None) -> _Why | None:
        name = str(function.__globals__.get("__name__", ""))
        file: Any = function.__code__.co_filename
        if not os.path.isabs(file):  # made by `exec`, such as the constructor of a dataclass
            file = function.__globals__.get("__file__")
            if file is None and within is not None:
                return self._why_not_of(within, function.__qualname__)
        return self._why_not_from(function.__qualname__, name, file)

    def _why_not_class(self, found: type) -> _Why | None:
        """A class is of where it is defined, and what constructs its objects has to be trusted."""
        why = self._why_not_of(found, found.__qualname__)
        for holder, name in ((type(found), "__call__"), (found, "__new__"), (found, "__init__")):
            owner, constructor = _attribute(holder, name)
            if why is None and owner not in _BUILT_IN:
                why = self._why_not(constructor, owner)
        return why

    def _why_not_of(self, found: type, name: str) -> _Why | None:
        module = sys.modules.get(found.__module__)
        return self._why_not_from(name, found.__module__, getattr(module, "__file__", None))

    def _why_not_from(self, name: str, module: str, file: str | None) -> _Why | None:
        if file is not None and self._has(file):
            return None
        if _is_of_python(module, file):
            return _Why(f"{name} is of the standard library ({module}), of which nothing is")
        if self._names(module):
            return None
        return _Why(f"{name} is code of {module}, and no class of nn.Module", _package(module))

    def _has(self, file: str) -> bool:
        """Tell whether a file is of the project, links followed."""
        path = Path(file).resolve()
        return any(_is_below(path, folder) for folder in self.folders)

    def _names(self, module: str) -> bool:
        """Tell whether a module is allowed by name, or has symcount's own blueprints."""
        names = (*self.allowed, "symcount.blueprints")
        return any(f"{module}.".startswith(f"{name}.") for name in names)


def anchored(allowed: Iterable[str], folder: Path) -> tuple[str, ...]:
    """Return what a file of settings allows, with its folders relative to that of the file."""
    allowed = [allowed] if isinstance(allowed, str) else allowed
    return tuple(str(folder / name) if _is_folder(name) else name for name in allowed)


def _is_folder(allowed: str) -> bool:
    return allowed.startswith(".") or "/" in allowed or os.sep in allowed


def _outermost(folders: Iterable[Path]) -> tuple[Path, ...]:
    """The folders, without those whose code is that of others."""
    unique = list(dict.fromkeys(folders))
    return tuple(f for f in unique if not any(_is_below(f, o) for o in unique if o != f))


def _is_below(path: Path, folder: Path) -> bool:
    """Tell whether a file is below a folder, and neither Python's nor in an environment there."""
    if not path.is_relative_to(folder) or is_installed(path):
        return False
    between = [parent for parent in path.parents if folder in parent.parents]
    return not any((parent / "pyvenv.cfg").exists() for parent in between)


def _package(module: str) -> str:
    package = module.partition(".")[0]
    return package if package.isidentifier() else ""


def _is_of_python(module: str, file: str | None = None) -> bool:
    """Tell whether a module is of the standard library, by its name or by where its file is."""
    if module.partition(".")[0] in sys.stdlib_module_names:
        return True
    libraries = [Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")]
    path = None if file is None else Path(file).resolve()
    is_package = path is not None and {"site-packages", "dist-packages"} & {*path.parts}
    return path is not None and not is_package and any(lib in path.parents for lib in libraries)


# --- what runs --------------------------------------------------------------------------------


def _innermost(found: Any) -> Any:
    """Unwrap partials, bound methods and decorated functions."""
    seen: set[int] = set()
    while id(found) not in seen:
        seen.add(id(found))
        if type(found) is partial:
            found = found.func
        elif type(found) in (MethodType, staticmethod, classmethod):
            found = found.__func__
        elif not _is_class(found):
            found = getattr(found, "__dict__", {}).get("__wrapped__", found)
    return found


def _is_class(found: Any) -> bool:
    return issubclass(type(found), type)  # whatever it says of its class itself


def _is_module(found: type) -> bool:
    nn: Any = sys.modules.get("torch.nn")  # whoever has such a class has imported it
    return nn is not None and issubclass(found, nn.Module)


def _attribute(holder: type, name: str) -> tuple[type, Any]:
    """The class that an attribute is of, and the attribute as it is there."""
    owner = next((c for c in holder.__mro__ if name in vars(c)), object)
    return owner, vars(owner).get(name)


def _declares(model: Any, config: Any) -> bool:
    """Tell whether a model says that it takes configs of this class, of its own package."""
    model = _innermost(model)
    if not (_is_class(model) and _is_module(model) and _is_class(config)):
        return False
    package = _package(model.__module__)
    return _package(config.__module__) == package and any(
        _is_class(kind) and _package(kind.__module__) == package and issubclass(config, kind)
        for kind in _declared(model)
    )


def _declared(model: type) -> Iterator[Any]:
    yield getattr(model, "config_class", None)
    constructor = _innermost(_attribute(model, "__init__")[1])
    names = vars(sys.modules.get(model.__module__, object))
    for annotation in getattr(constructor, "__annotations__", {}).values():
        named = names.get(annotation) if isinstance(annotation, str) else annotation
        yield named
