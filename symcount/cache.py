"""Keep derived formulas between processes, in a folder, if asked to.

The environment variable `SYMCOUNT_CACHE` names the folder, or `using(folder)`, or a registry,
`BlueprintRegistry(cache=...)`. A formula is taken from there if the factory, what it is given, the
versions, all code that executed when it was derived and all that this read are what they were, and
a module that is built plainly at one small point has the tensors that it had. In all other cases it
is derived. What was derived again or not kept, and why, is logged at INFO by `symcount.cache`.
"""

from __future__ import annotations

import gc
import logging
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symcount.errors import StoredFormulaError
from symcount.formula.formula import Formula

if TYPE_CHECKING:
    from symcount.executed import Thorough
    from symcount.factory.call import FactoryCall

VARIABLE = "SYMCOUNT_CACHE"
_log = logging.getLogger("symcount.cache")
_folder: ContextVar[Path | None] = ContextVar("folder", default=None)


@contextmanager
def using(folder: str | os.PathLike[str] | None) -> Iterator[None]:
    """Keep what is derived in a folder, and take it from there; None changes nothing.

    >>> import tempfile, symcount
    >>> from symcount import cache
    >>> from torch import nn
    >>> with tempfile.TemporaryDirectory() as folder, cache.using(folder):
    ...     first, second = symcount.derive(nn.Linear), symcount.derive(nn.Linear)
    >>> first == second
    True
    """
    token = _folder.set(_folder.get() if folder is None else Path(folder))
    try:
        yield
    finally:
        _folder.reset(token)


def folder() -> Path | None:
    """Return the folder that is in use, None if there is none."""
    named = os.environ.get(VARIABLE)
    return _folder.get() or (Path(named) if named else None)


def derived(
    where: Path,
    factory: Callable[..., Any],
    fixed: Mapping[str, Any],
    options: tuple[object, ...],
    is_wanted: Callable[[Formula], bool],
    derive: Callable[[Thorough], Formula],
) -> Formula:
    """Return the formula of a factory from a folder, or else derive and keep it.

    Args:
        where: the folder.
        factory: as `derive` takes it.
        fixed: what it is given.
        options: what else a derivation depends on.
        is_wanted: tells whether a kept formula will do.
        derive: derives it, and collects the code that executes.
    """
    from symcount import interception
    from symcount.executed import Thorough
    from symcount.factory import evidence
    from symcount.factory.call import FactoryCall
    from symcount.factory.fingerprint import UnreadableError

    call = FactoryCall.of(factory, fixed)
    executed = Thorough()
    with interception.alone():  # nothing is as it was while another thread derives
        if interception.is_replacing():  # within a run on symbols
            return derive(executed)
        try:
            path = where / f"{evidence.key_of(call, *options)}.symcount"
        except UnreadableError as error:
            _log.info("%s%s cannot be cached, for it depends on %s", call.name, call.place, error)
            return derive(executed)
        with _without_collector():
            known = _taken(path, call, executed)
        if known is not None and is_wanted(known):
            return known
        count = derive(executed)
        _keep(path, call, executed, count)
        return count


@contextmanager
def _without_collector() -> Iterator[None]:
    """Put off a collection of garbage, which takes longer than all there is to do here."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _taken(path: Path, call: FactoryCall, executed: Thorough) -> Formula | None:
    """Return the formula that a file holds if it is one of this factory as it is now."""
    from symcount.factory import evidence
    from symcount.storage import entry

    try:
        found = entry.read(path)
        if found is None:
            _log.info("%s%s is not in the cache", call.name, call.place)
            return None
        about, count = found
        known = evidence.unpacked(about, call)
        if count.at(tuple(known.point.values())) != known.count:
            raise StoredFormulaError(f"{path.name}: the formula is of another factory")
    except (StoredFormulaError, OSError) as error:
        warnings.warn(f"a damaged entry of the cache is not read: {error}", stacklevel=2)
        return None
    difference = evidence.difference(known, call, executed)
    if difference:
        _log.info("%s%s is derived again: %s", call.name, call.place, difference)
        return None
    _log.debug("%s%s is taken from %s", call.name, call.place, path)
    return _without_statements(count)


def _keep(path: Path, call: FactoryCall, executed: Thorough, count: Formula) -> None:
    from symcount.factory import evidence
    from symcount.factory.fingerprint import UnreadableError
    from symcount.storage import entry

    try:
        if "clock" in count.certificate.unfinished:
            raise UnreadableError("the time that it took")
        found = evidence.gather(call, executed, map(dict, count.certificate.points))
        if count.at(tuple(found.point.values())) != found.count:
            raise UnreadableError("what it was called with before")
        path.parent.mkdir(parents=True, exist_ok=True)
        entry.write(path, evidence.packed(found), count)
    except UnreadableError as error:
        _log.info("%s%s is not cached, for it depends on %s", call.name, call.place, error)
    except (StoredFormulaError, OSError) as error:
        _log.info("%s%s is not cached: %s", call.name, call.place, error)
    else:
        _log.debug("%s%s is kept in %s", call.name, call.place, path)


def _without_statements(count: Formula) -> Formula:
    """Return a formula as it is when it has just been derived."""
    if count.origin is None:
        return count
    return replace(count, origin=replace(count.origin, statements=()))
