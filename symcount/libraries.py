"""Tell whose a file of code is: symcount's own, torch's, numpy's, or of Python's library."""

from __future__ import annotations

import functools
import importlib.util
import linecache
import os


def _folder_of(package: str) -> str:
    spec = importlib.util.find_spec(package)
    return folder(spec.origin) if spec is not None and spec.origin is not None else os.sep


def folder(file: str) -> str:
    """Return the folder of a file, as what the names of all files below it begin with."""
    return os.path.join(os.path.dirname(os.path.abspath(file)), "")


_OWN = folder(__file__)
_BLUEPRINTS = os.path.join(_OWN, "blueprints", "")
TORCH, NUMPY = _folder_of("torch"), _folder_of("numpy")
_PYTHON = folder(os.__file__)


def is_own(file: str) -> bool:
    """Tell whether a file is of this package, the blueprints apart, which are factories."""
    return file.startswith(_OWN) and not file.startswith(_BLUEPRINTS)


def is_of_python(file: str) -> bool:
    """Tell whether a file is of Python's own library, and of nothing installed beside it."""
    return file.startswith(_PYTHON) and "-packages" not in file[len(_PYTHON) :]


def is_foreign(file: str) -> bool:
    """Tell whether nobody wrote code for a factory: it is of Python, torch or this package."""
    if file.startswith("<"):
        return file.startswith("<frozen") or is_unsourced(file)
    return _is_of_libraries(file)


@functools.lru_cache(1 << 14)
def _is_of_libraries(file: str) -> bool:
    return is_own(file) or is_of_python(file) or file.startswith((TORCH, NUMPY))


def is_unsourced(file: str) -> bool:
    """Tell whether code was made of a text that is kept nowhere."""
    return file.startswith("<") and not file.startswith("<frozen") and not linecache.getlines(file)
