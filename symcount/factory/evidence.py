"""Keep what a formula was derived from, to tell later, in another process, whether it is the same.

Evidence is gathered from what executed while a factory was built plainly: its code, and every name
that it read, with what that was. It is compared with what is loaded now, and with one more plain
build. When in doubt, it is not the same.
"""

from __future__ import annotations

import dis
import gc
import linecache
import os
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

import torch

from symcount import interception
from symcount.errors import StoredFormulaError
from symcount.executed import Executed, Thorough
from symcount.factory import ambient
from symcount.factory.building import PlainBuild, PlainBuilds
from symcount.factory.call import FactoryCall
from symcount.factory.fingerprint import (
    UnreadableError,
    Walk,
    code_digest,
    digest_of,
    home_of,
    is_trusted,
    module_dict,
)
from symcount.libraries import TORCH, folder, is_of_python
from symcount.symbols import Values
from symcount.version import __version__


class Read(NamedTuple):
    """A name of a module that code read, or None for all its names, and a digest of what it was."""

    module: str
    name: str | None
    digest: str


@dataclass(frozen=True)
class Evidence:
    """What a factory was made of when its formula was derived.

    Attributes:
        ran: digests of the code that executed.
        call: a digest of the factory, and of what it is given.
        reads: what it read, in the order in which it is to be looked at again.
        foundations: what code of Python and torch read, by modules, and a digest of all of it.
        variables: those of the environment that it read, and digests of what they were.
        sources: the same of files of which it read lines.
        versions: a digest of the versions of each folder of packages of which code executed.
        point: sizes at which to build it once more.
        built: a digest of the tensors that it had there.
        count: how many parameters they have.
    """

    ran: frozenset[str]
    call: str
    reads: tuple[Read, ...]
    foundations: tuple[Mapping[str, Sequence[str]], str]
    variables: Mapping[str, str]
    sources: Mapping[str, str]
    versions: Mapping[str, str]
    point: Values
    built: str
    count: int


_CANDIDATES = 6


def key_of(call: FactoryCall, *options: object) -> str:
    """Return the digest of a factory, of what it is given, and of the versions of the foundations.

    Raises:
        UnreadableError: some of it cannot be told from something else.
    """
    return digest_of(
        _foundations(), _ambient(), repr(options), _digest_of_call(call, Walk(by_name=True))
    )


def gather(call: FactoryCall, executed: Thorough, points: Iterable[Values]) -> Evidence:
    """Gather what a formula depends on, after it has been derived.

    Args:
        call: the factory.
        executed: what executed while it was derived.
        points: sizes, of which it is to be built at one where it has few tensors.

    Raises:
        UnreadableError: it depends on something that cannot be looked into, or not again.
    """
    ran = Thorough()
    candidates = sorted(points, key=lambda point: sum(point.values()))[:_CANDIDATES]
    built = [(point, _built(call, point, ran)) for point in candidates]
    modules = [(len(found), point) for point, found in built if not isinstance(found, Exception)]
    if not modules:
        raise UnreadableError("no small point at which there is a module")
    _, point = min(modules, key=lambda each: each[0])
    for code, use in ran.items():
        executed.setdefault(code, use)
    executed.calls |= ran.calls
    executed.variables |= ran.variables
    executed.sources |= ran.sources
    for code in _of_collectors():
        executed.pop(code, None)
    _require_pure(executed)
    walk = Walk()
    given = _digest_of_call(call, walk)
    return Evidence(
        frozenset(map(code_digest, executed)),
        given,
        *_reads(executed, walk),
        {name: _variable(name) for name in sorted(n or _ALL for n in executed.variables)},
        {file: _lines_of(file) for file in sorted(executed.sources)},
        {root: _versions_in(root) for root in sorted(_roots(executed))},
        point,
        *_summary(next(found for at, found in built if at is point)),
    )


def difference(evidence: Evidence, call: FactoryCall, ran: Thorough) -> str:
    """Say what is not as it was when the evidence was gathered; empty if nothing is found.

    The code that executes meanwhile is collected in `ran`.
    """
    for name, digest in evidence.variables.items():
        if _variable(name) != digest:
            return f"the environment variable {name} has changed"
    for file, digest in evidence.sources.items():
        if _lines_of(file) != digest:
            return f"{file} has changed"
    for root, digest in evidence.versions.items():
        if _versions_in(root) != digest:
            return f"what is installed in {root} has changed"
    built = _built(call, evidence.point, ran)  # loads what the factory imports
    if _summary(built) != (evidence.built, evidence.count):
        return f"it builds another module at {dict(evidence.point)}"
    if not ran:
        return "what executes could not be observed"
    try:
        for code in ran.keys() - _of_collectors():
            if code_digest(code) not in evidence.ran:
                return f"{_place(code)} executes, which did not, or has changed"
        return _changed(evidence, call, _mentioned(ran))
    except UnreadableError as error:
        return f"there is now {error}"


def _of_collectors() -> set[Any]:
    """Return the code that runs when memory is tidied up, and so at any time."""
    return {getattr(call, "__code__", None) for call in gc.callbacks}


def _mentioned(executed: Executed) -> set[str]:
    return {name for code in executed for name in code.co_names}


def _changed(evidence: Evidence, call: FactoryCall, asked: Collection[str]) -> str:
    walk = Walk()
    if _digest_of_call(call, walk) != evidence.call:
        return "the factory has changed, or what it is given"
    for module, name, digest in evidence.reads:
        if _read(walk, module, name, asked) != digest:
            return f"{module}.{name or '*'} has changed"
    names, digest = evidence.foundations
    if _stands_on(walk, names) != digest:
        return "what Python and torch define has changed"
    return ""


# --- the factory and the foundations --------------------------------------------------------------


def _digest_of_call(call: FactoryCall, walk: Walk) -> str:
    given = [*call.given.items()], [*call.left.items()], call.positional
    return digest_of(
        repr(call.hyperparameters), walk.digest(call.factory), walk.digest(given), call.name
    )


@cache
def _foundations() -> str:
    """Return the versions of what all factories stand on, and a digest of symcount's own code."""
    own = os.path.dirname(os.path.dirname(__file__))
    files = sorted(
        os.path.join(where, name)
        for where, _, names in os.walk(own)
        for name in names
        if name.endswith(".py")
    )
    code = []
    for file in files:
        with open(file, "rb") as opened:
            code.append(opened.read())
    return digest_of(
        __version__, sys.version, sys.platform, str(torch.__version__),
        str(torch.version.git_version), str(sys.flags.optimize), *code,
    )  # fmt: skip


def _ambient() -> str:
    """Return what of torch's settings a module depends on."""
    state = torch.get_default_dtype(), torch.get_default_device(), torch.is_grad_enabled()
    return repr((*state, torch.is_inference_mode_enabled()))


_LARGEST_SOURCE = 1 << 24
_ALL = "="  # which no variable is called


def _variable(name: str) -> str:
    value = sorted(os.environ.items()) if name == _ALL else os.environ.get(name)
    return digest_of(repr(value))


def _lines_of(file: str) -> str:
    """Return a digest of the lines of a file, as they are looked up."""
    try:
        is_large = not os.path.isfile(file) or os.path.getsize(file) > _LARGEST_SOURCE
    except (OSError, ValueError):
        is_large = True
    return "" if is_large else digest_of(*linecache.getlines(file))


# --- what executed --------------------------------------------------------------------------------

# Functions of C that say something of the machine, the time or a file, by their modules.
_OF_THE_WORLD = frozenset(
    """_asyncio _contextvars _ctypes _datetime _io _multiprocessing _posixshmem
    _posixsubprocess _socket _ssl _thread datetime fcntl io mmap nt posix resource select socket
    sys time""".split()
)
_HARMLESS = frozenset(
    """_io.StringIO.write _io.StringIO.getvalue _io.TextIOWrapper.write _io.TextIOWrapper.flush
    _thread.RLock.acquire _thread.RLock.release _thread.allocate_lock _thread.get_ident
    _thread.lock.__enter__ _thread.lock.__exit__ _thread.lock.acquire _thread.lock.release
    posix.fspath nt.fspath sys._getframe sys.exc_info sys.getrecursionlimit sys.intern
    sys.getrefcount""".split()
)
_MACHINE = ("cuda", "cudnn", "mps", "xpu", "num_threads", "cpu_capability")
# What these do with the world ends in messages, or in lines of code, of which note is taken.
_MESSENGERS = (
    "inspect", "linecache", "logging", "threading", "tokenize", "traceback", "warnings"
)  # fmt: skip


def _require_pure(executed: Thorough) -> None:
    """Raise if code has asked for what may be another thing the next time."""
    for module, name, file in sorted(executed.calls):
        if _is_messenger(file) or f"{module}.{name}" in _HARMLESS:
            continue
        if file.startswith(TORCH) and module == "_contextvars":
            continue
        top = module.partition(".")[0]
        is_hash = (module, name) == ("builtins", "hash")  # of a text it is another in each process
        is_known = top in ("torch", "numpy") or top in sys.stdlib_module_names
        is_of_machine = top == "torch" and any(word in name.lower() for word in _MACHINE)
        if is_hash and (is_trusted(file) or _is_installed(file)):
            continue
        if module in _OF_THE_WORLD or is_of_machine or is_hash or not is_known:
            raise UnreadableError(f"a call of {module}.{name} in {file}")


@cache
def _is_messenger(file: str) -> bool:
    if file.startswith("<frozen importlib"):
        return True
    return is_of_python(file) and any(
        f"{os.sep}{name}{os.sep}" in file or file.endswith(f"{os.sep}{name}.py")
        for name in _MESSENGERS
    )


def _roots(executed: Executed) -> set[str]:
    """Return the folders of packages, out of which code has executed."""
    found = {folder(os.path.dirname(TORCH.rstrip(os.sep)) + os.sep)}
    for code in executed:
        before, mark, _ = code.co_filename.rpartition("-packages" + os.sep)
        if mark:
            found.add(before + mark)
    return found


@cache
def _versions_in(root: str) -> str:
    """Return a digest of the distributions that are installed in a folder, by their versions."""
    try:
        names = os.listdir(root)
    except OSError:
        return ""
    return digest_of(*sorted(n for n in names if n.endswith((".dist-info", ".egg-info"))))


# --- what was read --------------------------------------------------------------------------------

# Whoever mentions these may read any name of its module, or any module.
_OF_ITS_MODULE = frozenset(["eval", "exec", "globals", "locals", "vars"])
_OF_ANY_MODULE = frozenset(["__import__", "import_module", "modules"])
# Whoever mentions these may read names that its code does not mention.
_BY_NAME = frozenset(
    """__dict__ attrgetter eval exec getattr getattr_static globals import_module locals
    methodcaller vars __import__ getmembers dir""".split()
)


def _read(walk: Walk, module: str, name: str | None, asked: Collection[str]) -> str:
    names = module_dict(module)
    if names is None:
        return "not loaded"
    if name is None:
        return walk.names(names)
    if name in names:
        return walk.digest(names[name])
    if name in asked and "__getattr__" in vars(type(sys.modules[module])):
        # a module that loads what it is asked for, as code that has just executed did
        return walk.digest(getattr(sys.modules[module], name, "absent"))
    return "absent"


def _stands_on(walk: Walk, read: Mapping[str, Iterable[str]]) -> str:
    """Return the digest of what code of Python and torch read."""
    return digest_of(
        *(_foundation(walk, module, name) for module, names in read.items() for name in names)
    )


def _foundation(walk: Walk, module: str, name: str) -> str:
    names = module_dict(module)
    if names is None or name not in names:
        return "absent"
    value = names[name]
    if isinstance(value, dict | list) and not module.startswith("torch.nn"):
        return "a registry"  # of what a program has loaded
    return walk.foundation(value)


def _reads(executed: Executed, walk: Walk) -> tuple[tuple[Read, ...], Any]:
    """Return what code read, and where the code itself is found."""
    wanted = _wanted(executed)
    reads = [_as_read(walk, *key) for key, is_lenient in wanted.items() if not is_lenient]
    foundations: dict[str, list[str]] = {}

    def stand_on(module: str, name: str) -> None:
        foundations.setdefault(module, []).append(name)
        _foundation(walk, module, name)

    for (module, name), is_lenient in wanted.items():
        if is_lenient:
            if name is None:
                reads.append(_as_read(walk, module, name))
            else:
                stand_on(module, name)
    for code, use in executed.items():
        if id(code) in walk.covered:
            continue
        owner = _owner(code, use.names)
        if is_trusted(code.co_filename):  # what of it is found nowhere is of this version
            if owner is not None:
                stand_on(*owner)
            continue
        if owner is not None:
            reads.append(_as_read(walk, *owner))
        if id(code) not in walk.covered:
            raise UnreadableError(f"{_place(code)}, which is found under no name")
    return tuple(reads), (foundations, _stands_on(walk, foundations))


def _as_read(walk: Walk, module: str, name: str | None) -> Read:
    try:
        return Read(module, name, _read(walk, module, name, ()))
    except UnreadableError as error:
        raise UnreadableError(f"{module}.{name}: {error}") from None


def _wanted(executed: Executed) -> dict[tuple[str, str | None], bool]:
    """List the names that code read by their modules, and whether only foundations read them."""
    wanted: dict[tuple[str, str | None], bool] = {}
    modules: dict[str, ModuleType] = {}
    reads_by_name = False
    builtins = module_dict("builtins") or {}

    def want(module: str, name: str | None, lenient: bool) -> None:
        wanted[module, name] = wanted.get((module, name), True) and lenient

    for code, use in executed.items():
        lenient = is_trusted(code.co_filename)
        module = home_of(use.names)
        if module is not None:
            for name in code.co_names:
                if name in use.names or name in builtins:
                    want(module, name, lenient)
                    if name not in use.names:
                        want("builtins", name, True)
            if not lenient and not _OF_ITS_MODULE.isdisjoint(code.co_names):
                modules[module] = sys.modules[module]
        if not (lenient or _is_installed(code.co_filename)):
            named = _OF_ANY_MODULE.intersection(code.co_names)
            if named:
                raise UnreadableError(f"{_place(code)}, which may import anything: {min(named)}")
        owners = [v for v in map(use.names.get, code.co_names) if isinstance(v, ModuleType)]
        owners += _imported(code, use.names)
        for owner in owners:  # grows by the modules in modules
            home = str(_name_of_module(owner))
            names = module_dict(home)
            if names is None or names is not object.__getattribute__(owner, "__dict__"):
                if not lenient:
                    raise UnreadableError(f"the module {home}, which is not loaded as that")
                continue
            if lenient and not is_trusted(str(names.get("__file__") or "<frozen")):
                continue  # torch knows of other libraries, which may be loaded or not
            if not lenient:
                modules[home] = owner
            for name in code.co_names:
                if name in names:
                    want(home, name, lenient)
                    inner = names[name]
                    if isinstance(inner, ModuleType) and inner not in owners:
                        owners.append(inner)
        reads_by_name |= not lenient and not _BY_NAME.isdisjoint(code.co_names)
    for home in modules if reads_by_name else ():
        if home.startswith("torch.nn"):  # others load names while they are used
            want(home, None, True)
        if _is_of_a_project(modules[home]):
            for name in [*(module_dict(home) or {})]:
                want(home, name, False)
    return wanted


def _imported(code: CodeType, names: Mapping[str, Any]) -> Iterator[ModuleType]:
    """List the modules that code itself imports, as far as they are loaded."""
    package = str(names.get("__package__") or names.get("__name__"))
    ancestors = [package.rsplit(".", n)[0] for n in range(package.count(".") + 1)]
    for step in dis.get_instructions(code):
        if step.opname == "IMPORT_NAME":
            name = str(step.argval)
            parts = [name.rsplit(".", n)[0] for n in range(name.count(".") + 1)]
            for full in (*parts, *(f"{a}.{name}".rstrip(".") for a in ancestors)):
                module = sys.modules.get(full)
                if isinstance(module, ModuleType):
                    yield module


def _is_installed(file: str) -> bool:
    return "-packages" + os.sep in file


def _name_of_module(module: ModuleType) -> Any:
    """Return the name of a module; none of its code is run."""
    return object.__getattribute__(module, "__dict__").get("__name__")


def _is_of_a_project(module: ModuleType) -> bool:
    """Tell whether a module is neither installed nor of Python."""
    file = str(object.__getattribute__(module, "__dict__").get("__file__") or "<frozen")
    return not (is_trusted(file) or _is_installed(file))


def _owner(code: CodeType, names: dict[str, Any]) -> tuple[str, str] | None:
    """Return the module and the name there, by which what leads to code is found."""
    module = home_of(names)
    name = None if module is None else _owners(module).get(id(code))
    return None if module is None or name is None else (module, name)


def _owners(module: str) -> dict[int, str]:
    """Return by the code of a module's functions the name of what leads to them."""
    found: dict[int, str] = {}
    names = module_dict(module) or {}
    for name, value in names.items():
        is_code = isinstance(value, FunctionType | type) or hasattr(type(value), "__wrapped__")
        if is_code and getattr(value, "__module__", None) == names.get("__name__"):
            walk = Walk()
            try:
                walk.digest(value, lenient=True)
            except UnreadableError:
                continue
            for each in walk.covered:
                found.setdefault(each, name)
    return found


def _place(code: CodeType) -> str:
    return f"{code.co_name} ({code.co_filename}:{code.co_firstlineno})"


# --- one more build -------------------------------------------------------------------------------


def _built(call: FactoryCall, point: Values, executed: Executed) -> PlainBuild:
    """Build the factory's module plainly, and leave nothing behind."""
    with interception.alone():
        around = interception.set_aside()
        state = ambient.State()
        try:
            state.leave_to_factory()
            call = replace(call, outside=ambient.OutsideState(call.function))
            with executed.collecting():
                return PlainBuilds(call).at(point)
        finally:
            interception.complete(
                interception.restore,
                state.restore,
                lambda: interception.replace_again(around),
            )


def _summary(built: PlainBuild) -> tuple[str, int]:
    if isinstance(built, Exception):
        return digest_of(type(built).__qualname__, str(built)), -1
    parameters = (t.shape for t in built.values() if t.kind == "parameter")
    total = 0
    for shape in parameters:
        size = 1
        for length in shape or ():
            size *= length
        total += size
    return digest_of(repr([*built.items()])), total


# --- in files -------------------------------------------------------------------------------------


def packed(evidence: Evidence) -> dict[str, Any]:
    """Return evidence as what JSON can hold."""
    return {**vars(evidence), "ran": sorted(evidence.ran), "reads": [*evidence.reads]}


def unpacked(document: Any, call: FactoryCall) -> Evidence:
    """Return the evidence that a document holds.

    Raises:
        StoredFormulaError: it is none of this factory.
    """
    try:
        found = Evidence(
            **{
                **document,
                "ran": frozenset(document["ran"]),
                "reads": tuple(Read(*read) for read in document["reads"]),
                "foundations": tuple(document["foundations"]),
            }
        )
        is_whole = [*found.point] == [h.name for h in call.hyperparameters] and all(
            found.point[h.name] in h for h in call.hyperparameters
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        is_whole = False
    if not is_whole:
        raise StoredFormulaError("it is not laid out as it was written")
    return found
