"""Derive many formulas by an executor: `derive_many`, whose results come as they are complete.

What crosses processes are names of factories, and formulas as they are stored: text, which has been
read back and compared where it was written. Trees and modules stay where they are.
"""

from __future__ import annotations

import os
import pickle
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

from symcount import progress
from symcount.errors import ArgumentError, DerivationError, LostError, SymcountError
from symcount.param_count import ParamCount
from symcount.processes import Processes
from symcount.storage import file, writing
from symcount.symbols import Symbol
from symcount.work import MAX_SECONDS, MAX_WORK

Target: TypeAlias = "str | Callable[..., Any] | tuple[Any, ...]"

_BUDGET = {"max_paths": 64, "max_work": MAX_WORK, "max_seconds": MAX_SECONDS}
# Writing the file of results takes no more than one part of so many of the time.
_SHARE = 20


@dataclass(frozen=True)
class Derived:
    """What has become of a target of `derive_many`: its formula, or the error that it has instead.

    Attributes:
        name: what the formula is called.
        target: the target as it was given.
        count: the formula.
        error: why there is none; what `derive` or `from_config` raised, or a `LostError` if the
            process died that was to derive it.
    """

    name: str
    target: Any
    count: ParamCount | None = None
    error: Exception | None = None


def derive_many(
    targets: Iterable[Target] | Mapping[str, Target],
    /,
    *,
    executor: Executor | None = None,
    processes: int | None = None,
    into: str | Path | None = None,
    **options: Any,
) -> Iterator[Derived]:
    """Derive many formulas at once, each in a process; results come as they are complete.

    Every target has one result, a formula or an error; no error ends the others. A process that
    dies, for want of memory for example, is replaced. What it was deriving is derived once more
    in the end, while nothing else runs, and has a `LostError` if it is lost again. A script needs
    the usual `if __name__ == "__main__":`, since processes import it.

    Args:
        targets: the factories: texts such as `"package.module:factory"`, as the command line takes
            them; or functions and classes that other processes can import. A pair
            `(factory, options)` has keywords for `derive`, and `(model, config, options)` has
            arguments for `from_config`, where the two classes may be texts as well. A mapping
            gives each a name; otherwise it is the text, or the place and name of a function.
        executor: where to derive, such as a Dask cluster, `client.get_executor()`; processes on
            this machine if not given. It stays open. If it breaks, as a `ProcessPoolExecutor` does
            when a process of it dies, all that is left has a `LostError`, and is derived by another
            call, into the same file.
        processes: how many processes on this machine there are at most; as many as it has
            processors if not given. Each takes some 300 MB.
        into: a file of formulas. Each result is saved in it, soon after it is complete, and the
            file is whole at any time. A formula that it has already, of this name and derived with
            these arguments, is not derived again, but comes first; `symcount check` says whether
            it is still that of the code. What is in the file besides stays.
        **options: keywords for each `derive` and `from_config`, such as `max_work`; those of a
            target come before them.

    Returns:
        An iterator of results. To leave it early drops what has not begun.

    Raises:
        ArgumentError: a target cannot be understood, or two have one name.
        StoredFormulaError: `into` is there, and is no file of formulas.

    >>> import symcount
    >>> targets = ["torch.nn:Linear", ("torch.nn:Conv2d", {"groups": 1}), "torch.nn:Lin"]
    >>> for each in sorted(symcount.derive_many(targets, processes=1), key=lambda each: each.name):
    ...     print(each.name, "|", each.count or each.error)
    torch.nn:Conv2d | in_channels*kernel_size**2*out_channels + out_channels
    torch.nn:Lin | torch.nn has no 'Lin'; did you mean 'Linear'?
    torch.nn:Linear | in_features*out_features + out_features
    """
    tasks = _tasks(targets, options)
    if executor is not None and processes is not None:
        raise ArgumentError("processes= is for processes of this machine; an executor has its own")
    if processes is not None and processes < 1:
        raise ArgumentError(f"processes={processes!r}: give a positive integer")
    path = None if into is None else Path(into)
    there = _formulas_in(path)
    return _results(tasks, executor, processes or _processors(), path, there)


def derived(target: Any, config: Any, options: Mapping[str, Any]) -> ParamCount:
    """Derive a target, or, with a config, a model of it; both may be given by their names.

    Raises:
        SymcountError: there is no such target, or it has no formula.
    """
    from symcount.api import derive
    from symcount.catalogue.configs import from_config

    if config is None:
        return derive(_found(target), **options)
    return from_config(_found(target), _found(config), **options)


def quiet() -> None:
    """Hide what factories log and warn of, in a process in which nobody would read it."""
    import logging
    import warnings

    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")


# --- what is asked for ------------------------------------------------------------------------


@dataclass(frozen=True)
class _Task:
    """A formula to derive: what it is called, and the arguments of `derived`."""

    name: str
    given: Any
    target: Any
    config: Any
    options: Mapping[str, Any]

    @cached_property
    def sent(self) -> bytes:
        """The arguments as another process gets them."""
        return pickle.dumps((_reference(self.target), _reference(self.config), self.options))

    def is_of(self, count: ParamCount) -> bool:
        """Tell whether a stored formula was derived with these arguments; not if in doubt."""
        origin = count.origin
        options = {**_BUDGET, **self.options}
        if origin is None or origin.target is None or origin.unnamed:
            return False
        if options.pop("strict", False) and count.certificate.grade != "complete":
            return False
        if any(options.pop(name) != getattr(origin, name) for name in _BUDGET):
            return False
        symbols = options.pop("symbols", ()) if self.config is not None else ()
        if not isinstance(symbols, Mapping):
            symbols = dict.fromkeys(symbols, Symbol())
        found = origin.arguments
        inferred = found.keys() - options.keys() if self.config is None else ()
        return (
            _is_called(self.target, origin.target)
            and _is_called(self.config, origin.config)
            and found == {**dict.fromkeys(inferred, Symbol()), **symbols, **options}
        )


def _tasks(targets: Any, options: Mapping[str, Any]) -> list[_Task]:
    if isinstance(targets, str):
        raise ArgumentError(f"derive_many({targets!r}): give several targets, such as a list")
    named = targets.items() if isinstance(targets, Mapping) else ((None, t) for t in targets)
    tasks: dict[str, _Task] = {}
    for key, given in named:
        target, config, own = _parts(given)
        name = _name(target) if key is None else key
        if name in tasks:
            raise ArgumentError(
                f"derive_many(): two targets are called {name!r}; give a mapping of names to them"
            )
        tasks[name] = _Task(name, given, target, config, {**options, **own})
    return list(tasks.values())


def _parts(given: Any) -> tuple[Any, Any, Mapping[str, Any]]:
    match given:
        case (target, Mapping() as options) if isinstance(target, str) or callable(target):
            return target, None, options
        case (target, config, Mapping() as options) if isinstance(target, str) or callable(target):
            return target, config, options
    if isinstance(given, str) or callable(given):
        return given, None, {}
    raise ArgumentError(
        f"derive_many(): {given!r:.100} is no target; give 'package.module:factory', a function or "
        "class, (factory, options) or (model, config, options)"
    )


def _name(target: Any) -> str:
    if isinstance(target, str):
        return target
    name = getattr(target, "__qualname__", None)
    if name is None:
        raise ArgumentError(
            f"derive_many(): {target!r:.100} has no name; give a mapping of names to targets"
        )
    return f"{target.__module__}:{name}"


def _reference(target: Any) -> Any:
    """Return what names a factory in another process: a text if its module is a file by itself."""
    home, name = getattr(target, "__module__", None), getattr(target, "__qualname__", "")
    path = getattr(sys.modules.get(home or ""), "__file__", None)
    by_itself = home == "__main__" or (home or "").startswith("<")
    return f"{path}:{name}" if by_itself and path and "<" not in name else target


def _found(target: Any) -> Any:
    from symcount.catalogue.registry import deferring
    from symcount.catalogue.targets import resolve

    if not isinstance(target, str) or ":" not in target or Path(target).exists():
        return target
    with deferring():  # what else its module registers is not asked for
        return resolve(target).factory


def _is_called(target: Any, name: str | None) -> bool:
    from symcount.factory.origin import target_of

    try:
        return target_of(_found(target)) == name
    except SymcountError:
        return False


# --- where it is derived ----------------------------------------------------------------------


def _line(name: str, sent: bytes, attempt: int) -> str | Exception:
    """Derive a formula in another process: its line in a file, or the error that it has instead.

    By `attempt`, a scheduler that knows calls by their arguments tells them apart.
    """
    try:
        target, config, options = pickle.loads(sent)
    except Exception as error:
        return ArgumentError(
            f"{name} is not found by another process: {type(error).__name__}: {error}\n  Give a "
            "text such as 'package.module:factory', or a function of a module it can import"
        )
    try:
        return writing.line(name, derived(target, config, options))
    except Exception as error:
        return _portable(error)


def _portable(error: Exception) -> Exception:
    """Return the error, or what it says where it cannot be sent."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return DerivationError(f"{type(error).__name__}: {error}")
    return error


# --- where it is asked for --------------------------------------------------------------------


def _results(
    tasks: list[_Task],
    executor: Executor | None,
    processes: int,
    path: Path | None,
    there: Mapping[str, ParamCount],
) -> Iterator[Derived]:
    known = {t.name: there[t.name] for t in tasks if t.name in there and t.is_of(there[t.name])}
    left = [task for task in tasks if task.name not in known]
    own = Processes(min(processes, len(left)), quiet) if executor is None and left else None
    use: Any = executor or own
    futures = {_submitted(use, task, 1): task for task in left}
    lost: list[_Task] = []
    unsaved = _Unsaved(path)
    try:
        for task in tasks:
            if task.name in known:
                yield Derived(task.name, task.given, known[task.name])
        for future in as_completed(futures):
            found = _outcome(future)
            if isinstance(found, LostError):
                lost.append(futures[future])
            else:
                yield _result(futures[future], found, unsaved)
        for task in lost:
            futures[again := _submitted(use, task, 2)] = task
            yield _result(task, _outcome(again), unsaved)
    finally:
        for future in futures:
            future.cancel()
        unsaved.save()
        if own is not None:
            own.shutdown()


def _submitted(executor: Executor, task: _Task, attempt: int) -> Future[str | Exception]:
    future: Future[str | Exception] = Future()
    try:
        sent = task.sent
    except Exception as error:
        future.set_result(
            ArgumentError(
                f"{task.name} cannot be sent to another process: {type(error).__name__}: {error}\n"
                "  Give a text such as 'package.module:factory', or a function of a module"
            )
        )
        return future
    try:
        return executor.submit(_line, task.name, sent, attempt)
    except Exception as error:  # it is broken, or shut down
        future.set_exception(error)
        return future


def _outcome(future: Future[str | Exception]) -> str | Exception:
    """Return what was derived, or else its error; one of the executor is a `LostError`."""
    try:
        return future.result()
    except LostError as error:
        return error
    except Exception as error:
        return LostError(f"{type(error).__name__}: {error}")


def _result(task: _Task, found: str | Exception, unsaved: _Unsaved) -> Derived:
    progress.say(item=task.name)
    if isinstance(found, LostError):
        found = LostError(
            f"{task.name} was lost twice, the second time while nothing else ran: {found}"
        )
    if isinstance(found, Exception):
        return Derived(task.name, task.given, error=found)
    unsaved.add(task.name, found)
    formulas = file.read(writing.laid_out({task.name: found}), task.name, ParamCount)
    return Derived(task.name, task.given, formulas[task.name])


def _formulas_in(path: Path | None) -> Mapping[str, ParamCount]:
    if path is None or not path.exists():
        return {}
    file.lines(path)  # or it could not be written to
    return file.load(path, ParamCount)


class _Unsaved:
    """Lines of formulas on their way to a file, which is written as often as that is cheap."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lines: dict[str, str] = {}
        self._next = 0.0

    def add(self, name: str, line: str) -> None:
        self._lines[name] = line
        if time.monotonic() >= self._next:
            self.save()

    def save(self) -> None:
        if self._path is not None and self._lines:
            begun = time.monotonic()
            writing.add_lines(self._path, self._lines)
            self._lines.clear()
            now = time.monotonic()
            self._next = now + _SHARE * (now - begun)


def _processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
