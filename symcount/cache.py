"""Keep derived formulas between processes, in a folder, if asked to.

The environment variable `SYMCOUNT_CACHE` names the folder, or `using(folder)`, or a registry,
`BlueprintRegistry(cache=...)`. A formula is taken from there if the factory, what it is given, the
versions, all code that executed when it was derived and all that this read are what they were, and
a module that is built plainly at one small point has the tensors that it had. In all other cases it
is derived. What was derived again or not kept, and why, is logged at INFO by `symcount.cache`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from symcount.executed import Thorough
    from symcount.factory.call import FactoryCall
    from symcount.formula.formula import Formula

VARIABLE = "SYMCOUNT_CACHE"
_folder: ContextVar[str | os.PathLike[str] | None] = ContextVar("folder", default=None)


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
    token = _folder.set(_folder.get() if folder is None else folder)
    try:
        yield
    finally:
        _folder.reset(token)


def folder() -> str | os.PathLike[str] | None:
    """Return the folder that is in use, None if there is none."""
    return _folder.get() or os.environ.get(VARIABLE) or None


def derived(
    where: str | os.PathLike[str],
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
    from pathlib import Path

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
            path = Path(where) / f"{evidence.key_of(call, *options)}.symcount"
        except UnreadableError as error:
            _say(call, f"cannot be cached, for it depends on {error}")
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
    import gc

    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _say(call: FactoryCall, what: str, as_usual: bool = False) -> None:
    import logging  # which whoever keeps nothing does without

    level = logging.DEBUG if as_usual else logging.INFO
    logging.getLogger("symcount.cache").log(level, "%s%s %s", call.name, call.place, what)


def _taken(path: Path, call: FactoryCall, executed: Thorough) -> Formula | None:
    """Return the formula that a file holds if it is one of this factory as it is now."""
    import warnings
    from dataclasses import replace

    from symcount.errors import StoredFormulaError
    from symcount.factory import evidence
    from symcount.storage import entry

    try:
        found = entry.read(path)
        if found is None:
            _say(call, "is not in the cache")
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
        _say(call, f"is derived again: {difference}")
        return None
    _say(call, f"is taken from {path}", as_usual=True)
    if count.origin is None:
        return count
    return replace(count, origin=replace(count.origin, statements=()))  # as it is when derived


def _keep(path: Path, call: FactoryCall, executed: Thorough, count: Formula) -> None:
    from symcount.errors import StoredFormulaError
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
        _say(call, f"is not cached, for it depends on {error}")
    except (StoredFormulaError, OSError) as error:
        _say(call, f"is not cached: {error}")
    else:
        _say(call, f"is kept in {path}", as_usual=True)
