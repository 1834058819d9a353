"""Tell by a digest whether code and data are what they were, in another process too.

A `Walk` goes through values and what they hold: functions by their code, defaults and closures,
classes by all that they define, objects by their state. It runs nothing of theirs: no method, no
property, no `__getattr__`. What it cannot look into has no digest, where that may matter.
"""

from __future__ import annotations

import _thread
import contextlib
import enum
import functools
import hashlib
import inspect
import marshal
import operator
import os
import re
import sys
import types
import weakref
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

import torch

from symcount.libraries import is_foreign

SIZE = 16
# So many values are looked into at most.
_MOST = 400_000
_LARGEST_TENSOR = 1 << 16


class UnreadableError(Exception):
    """There is something that may matter, and cannot be told from another of its kind."""


def digest_of(*parts: str | bytes) -> str:
    """Return a digest of texts."""
    whole = hashlib.blake2b(digest_size=SIZE)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        whole.update(b"%d:" % len(data) + data)
    return whole.hexdigest()


def code_digest(code: CodeType) -> str:
    """Return a digest of a code object: of all that it does, and of where it is written."""
    known = _codes.get(id(code))
    if known is None or known[0] is not code:
        try:
            digest = digest_of(marshal.dumps(code, 2))
        except ValueError:
            raise UnreadableError("code with objects in it") from None
        known = _codes[id(code)] = code, digest, [*_nested(code)]
    return known[1]


_codes: dict[int, tuple[CodeType, str, list[CodeType]]] = {}


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _nested(const)


class Walk:
    """A walk through values, each of which is looked into once.

    Two walks through equal values in one order give equal digests.

    Args:
        by_name: look into no class.

    Attributes:
        covered: the code of all functions that it has come across, by identity.
    """

    def __init__(self, by_name: bool = False) -> None:
        self.covered: set[int] = set()
        self._by_name = by_name
        self._current: set[type] = set()  # classes that are known, and as they were
        self._numbers: dict[int, int] = {}
        self._alive: list[Any] = []
        self._said: list[str] = []
        self._is_lenient = False

    def digest(self, value: Any, lenient: bool = False) -> str:
        """Return the digest of a value.

        Args:
            value: any object.
            lenient: take what cannot be looked into for what it was, if it is of the same class.

        Raises:
            UnreadableError: it holds what cannot be looked into.
        """
        self._said, self._is_lenient = [], lenient
        try:
            self._go(value)
        except RecursionError:
            raise UnreadableError("what is nested too deeply") from None
        return self._digest()

    def _digest(self) -> str:
        # no word has the separator in it: texts of others are said with escapes
        whole = "\x1f".join(self._said).encode("utf-8", "surrogatepass")
        return hashlib.blake2b(whole, digest_size=SIZE).hexdigest()

    def foundation(self, value: Any) -> str:
        """Return a digest of a value that Python's or torch's code reads, of its outline if data.

        It is remembered of a function, and computed again if what can be replaced in it has been.
        """
        kind = type(value)
        if issubclass(kind, type):
            walk = Walk()
            walk._current = self._current
            digest = walk.digest(value, lenient=True)
            self.covered |= walk.covered
            return digest
        if kind is not FunctionType:
            return self._outline(value)
        known = _functions.get(value)
        parts = [*_parts_of_function(value)]
        if known is None or not _are_same(known.parts, parts):
            walk = Walk(by_name=True)
            digest = walk.digest(value, lenient=True)
            known = _functions[value] = _Known(parts, digest, frozenset(walk.covered))
        self.covered |= known.covered
        return known.digest

    def _outline(self, value: Any) -> str:
        """Say what is in a container: of functions, such as hooks, all that they are."""
        kind = type(value)
        if kind in (dict, OrderedDict, list, tuple):
            values = [*value.values()] if isinstance(value, dict) else value
            return ";".join(map(self.foundation, values))
        return repr(value) if kind in _PLAIN else _name_of(value)

    def names(self, namespace: dict[str, Any]) -> str:
        """Return a digest of which names there are, and of what they are for, by its name."""
        return digest_of(
            *(f"{k}={_name_of(v)}" for k, v in [*namespace.items()] if k not in _PASSING)
        )

    def _say(self, *words: object) -> None:
        self._said += map(str, words)

    def _go(self, value: Any) -> None:
        kind = type(value)
        step = _STEPS.get(kind)
        if step is not None:
            step(self, value)
        elif issubclass(kind, type):
            self._class(value)
        else:
            self._object(value)

    def _part(self, name: object, value: Any) -> None:
        try:
            self._go(value)
        except UnreadableError as error:
            where = name if type(name) is str else type(name).__name__
            raise UnreadableError(f"{where}: {error}") from None

    def _all(self, kind: str, values: Iterable[Any]) -> None:
        found = tuple(values)
        self._say(kind, len(found))
        for value in found:
            self._go(value)

    def _is_new(self, value: Any) -> bool:
        """Tell whether something is come across first; else say which it is."""
        number = self._numbers.setdefault(id(value), len(self._numbers))
        if number < len(self._alive):
            self._say("again", number)
            return False
        if number > _MOST:
            raise UnreadableError("more than can be looked through")
        self._alive.append(value)
        return True

    # --- data ---------------------------------------------------------------------------------

    def _atom(self, value: Any) -> None:
        self._say(type(value).__name__, repr(value))

    def _tuple(self, value: Any) -> None:
        self._all("tuple", value)

    def _list(self, value: Any) -> None:
        if self._is_new(value):
            self._all(type(value).__name__, value)

    def _dict(self, value: Any) -> None:
        if value is sys.modules:  # of which those that are read are looked into
            self._say("sys.modules")
        elif self._is_new(value):
            self._items(value)

    def _items(self, value: Any) -> None:
        items = [*dict.items(value)]
        self._say("dict", len(items))
        for key, item in items:
            self._go(key)
            self._part(key, item)

    def _proxy(self, value: Any) -> None:
        self._all("proxy", value.items())

    def _set(self, value: Any) -> None:
        """Say what is in a set, in an order that is the same in all processes."""
        if type(value) is not frozenset and not self._is_new(value):
            return
        found = []
        for item in value:  # each by itself: what is come across first is chance
            walk = Walk(self._by_name)
            walk._current = self._current
            found.append(walk.digest(item, self._is_lenient))
            self.covered |= walk.covered
        self._say("set", len(found), *sorted(found))

    def _text(self, value: Any) -> None:
        self._say(type(value).__name__, value)

    def _tensor(self, value: Any) -> None:
        if self._is_new(value):
            plain = torch.Tensor.detach(value)
            self._say("tensor", tuple(plain.shape), plain.dtype, plain.device, value.requires_grad)
            if plain.is_meta:
                return
            if plain.device.type != "cpu" or plain.numel() > _LARGEST_TENSOR:
                return self._unknown(value)
            try:
                self._say(plain.contiguous().flatten().view(torch.uint8).numpy().tobytes().hex())
            except (RuntimeError, TypeError):
                self._unknown(value)

    # --- code ---------------------------------------------------------------------------------

    def _code(self, value: CodeType) -> None:
        self._say("code", code_digest(value))
        self.covered.update(map(id, _codes[id(value)][2]))

    def _function(self, value: FunctionType) -> None:
        if not self._is_new(value):
            return
        self._say("function", value.__module__, value.__qualname__)
        before = self._is_lenient
        self._is_lenient = before and is_trusted(value.__code__.co_filename)
        self._code(value.__code__)
        self._go(value.__defaults__)
        self._go(value.__kwdefaults__)
        for cell in value.__closure__ or ():
            try:
                content = cell.cell_contents
            except ValueError:
                self._say("empty")
                continue
            self._part(f"{value.__qualname__}()", content)
        self._items({k: v for k, v in vars(value).items() if k not in _PASSING})
        names = value.__globals__
        if home_of(names) is None:  # which nobody else can find
            read = value.__code__.co_names
            self._all("globals", ((name, names[name]) for name in read if name in names))
        self._is_lenient = before

    def _builtin(self, value: Any) -> None:
        owner = getattr(value, "__self__", None)
        self._say("builtin", value.__module__, value.__qualname__)
        if owner is not None and type(owner) is not ModuleType:
            self._go(owner)

    def _method(self, value: types.MethodType) -> None:
        self._say("method")
        self._go(value.__func__)
        self._go(value.__self__)

    def _wrapper(self, value: Any) -> None:
        self._say(type(value).__name__)
        self._go(value.__func__)

    def _property(self, value: property) -> None:
        self._all("property", (value.fget, value.fset, value.fdel))

    def _partial(self, value: Any) -> None:
        if self._is_new(value):
            self._all("partial", (value.func, value.args, value.keywords, vars(value)))

    def _cached(self, value: Any) -> None:
        """Say which function a `functools.lru_cache` is of; what it runs is seen when it runs."""
        if self._is_new(value):
            self._all("cached", (vars(value).get("__wrapped__"),))

    def _descriptor(self, value: Any) -> None:
        self._say(type(value).__name__, value.__objclass__.__qualname__, value.__name__)

    def _lock(self, value: Any) -> None:
        self._say(type(value).__name__)

    def _generator(self, value: types.GeneratorType[Any, Any, Any]) -> None:
        if inspect.getgeneratorstate(value) != inspect.GEN_CREATED:
            self._unknown(value)
        elif self._is_new(value):
            frame: Any = value.gi_frame
            self._code(value.gi_code)
            self._items(dict(frame.f_locals))

    def _getter(self, value: Any) -> None:
        self._all(type(value).__name__, value.__reduce__()[1:])

    def _module(self, value: ModuleType) -> None:
        self._say(_name_of(value))

    def _class(self, value: type) -> None:
        self._say("class", value.__module__, value.__qualname__)
        if self._by_name or not self._is_new(value) or not _is_of_python(value):
            return
        self._go(type(value))
        for base in value.__mro__:
            if _is_of_python(base):
                self._definition(base)

    def _definition(self, value: type) -> None:
        """Say what a class defines itself."""
        self._say("definition", value.__module__, value.__qualname__)
        if is_trusted(_file_of(value)):
            return self._trusted(value)
        before, self._is_lenient = self._is_lenient, False
        for name, attribute in [*vars(value).items()]:
            if name not in _PASSING:
                self._say(name)
                self._part(f"{value.__qualname__}.{name}", attribute)
        self._is_lenient = before

    def _trusted(self, kind: type) -> None:
        """Say the same of a class of Python or torch, looked into again if it has been changed."""
        known = _classes.get(kind)
        if known is None or (
            kind not in self._current and not _are_same(known.parts, [*_parts_of_class(kind)])
        ):
            walk = Walk(by_name=True)
            own = [item for item in vars(kind).items() if item[0] not in _PASSING]
            digest = walk.digest(own, lenient=True)
            known = _Known([*_parts_of_class(kind)], digest, frozenset(walk.covered))
            _classes[kind] = known
        self._current.add(kind)
        self.covered |= known.covered
        self._say(known.digest)

    # --- objects ------------------------------------------------------------------------------

    def _object(self, value: Any) -> None:
        kind = type(value)
        home = str(type.__getattribute__(kind, "__module__"))
        if home.startswith("symcount.trace"):
            return self._unknown(value)
        if issubclass(kind, ModuleType):
            return self._module(value)
        if value is os.environ:  # of which note is taken when it is read
            return self._say("os.environ")
        if issubclass(kind, enum.Enum):
            if self._is_new(value):
                self._say(value._name_)
                self._go(kind)
                self._go(value._value_)
            return None
        if issubclass(kind, torch.Tensor):
            self._tensor(value)
            return self._state(value, kind)
        if home.partition(".")[0] == "numpy" and hasattr(kind, "dtype"):
            return self._array(value)
        if home == "typing" or kind in _GENERIC:
            return self._say("typing", repr(value))
        if home == "logging" and kind.__name__ in ("Logger", "RootLogger"):
            return self._say("logger", value.name)
        base: Any = _base_of_c(kind)
        if base is object and self._by_name and self._is_lenient:  # of the library: its loggers
            return self._unknown(value)
        if base in _HOLDERS:
            if self._is_new(value):
                _HOLDERS[base](self, value)
                self._go(kind)
                self._state(value, kind)
            return None
        if base is object or base in _CONTAINERS or base in _ATOMS:
            if not self._is_new(value):
                return None
            if base is tuple:
                self._all("tuple", tuple.__iter__(value))
            elif base in (list, deque, set, frozenset):
                items = [*base.__iter__(value)]
                self._set(frozenset(items)) if base in _SETS else self._all("list", items)
            elif base is defaultdict:
                self._go(vars(defaultdict)["default_factory"].__get__(value))
                self._items(value)
            elif base in (dict, OrderedDict):
                self._items(value)
            elif base is not object:
                self._say(base.__repr__(value))
            self._go(kind)
            return self._state(value, kind)
        return self._unknown(value)

    def _state(self, value: Any, kind: type) -> None:
        try:
            held = object.__getattribute__(value, "__dict__")
        except AttributeError:
            held = {}
        self._items(held if isinstance(held, dict) else {})
        for owner in kind.__mro__:
            for name, slot in vars(owner).items() if _is_of_python(owner) else ():
                if type(slot) is types.MemberDescriptorType:
                    try:
                        content = slot.__get__(value)
                    except AttributeError:
                        continue
                    self._say(name)
                    self._part(name, content)

    def _array(self, value: Any) -> None:
        if value.dtype.hasobject or value.nbytes > 8 * _LARGEST_TENSOR:
            return self._unknown(value)
        self._say(type(value).__name__, value.dtype, value.shape, value.tobytes().hex())

    def _unknown(self, value: Any) -> None:
        kind = type(value)
        if not self._is_lenient:
            raise UnreadableError(f"an object of {kind.__module__}.{kind.__qualname__}")
        self._say("unknown", kind.__module__, kind.__qualname__)


class _Known(NamedTuple):
    """What is known of a function or class that Python or torch defines.

    Attributes:
        parts: all that can be replaced in it.
        digest: what it defines.
        covered: the code of its functions, by identity.
    """

    parts: list[object]
    digest: str
    covered: frozenset[int]


_functions: dict[FunctionType, _Known] = {}
_classes: dict[type, _Known] = {}


def _are_same(some: list[object], others: list[object]) -> bool:
    return len(some) == len(others) and all(map(operator.is_, some, others))


def _parts_of_function(function: FunctionType) -> Iterator[object]:
    yield from (function.__code__, function.__defaults__, function.__kwdefaults__)
    for cell in function.__closure__ or ():
        with contextlib.suppress(ValueError):
            yield cell.cell_contents


def _parts_of_class(kind: type) -> Iterator[object]:
    for name, value in [*vars(kind).items()]:
        yield name
        yield value
        if type(value) is FunctionType:
            yield from _parts_of_function(value)
        elif type(value) in (list, set, dict):
            yield from value.values() if type(value) is dict else value
        elif type(value) in (classmethod, staticmethod, property):
            is_one = type(value) is not property
            inner = (value.__func__,) if is_one else (value.fget, value.fset, value.fdel)
            for function in inner:
                if type(function) is FunctionType:
                    yield from _parts_of_function(function)


@functools.cache
def is_trusted(file: str) -> bool:
    """Tell whether code is of Python, torch or symcount, which their versions stand for."""
    return is_foreign(file) and (file.startswith("<frozen") or not file.startswith("<"))


def home_of(names: dict[str, Any]) -> str | None:
    """Return the name under which the module of these names is loaded, None if it is not."""
    said = names.get("__name__")
    if module_dict(said) is names:
        return str(said)
    if "__spec__" not in names:
        return None
    return next((name for name in [*sys.modules] if module_dict(name) is names), None)


def module_dict(name: Any) -> dict[str, Any] | None:
    """Return the names of a module that is loaded; none of its code is run."""
    module = sys.modules.get(name) if isinstance(name, str) else None
    if not isinstance(module, ModuleType):
        return None
    found: dict[str, Any] = object.__getattribute__(module, "__dict__")
    return found


def _name_of(value: Any) -> str:
    """Return by what name something is known, and of data no more than its class."""
    if isinstance(value, ModuleType):
        return f"module {(object.__getattribute__(value, '__dict__')).get('__name__')}"
    kind = type(value)
    if kind in _PLAIN:
        return repr(value)
    if issubclass(kind, type):
        return f"class {value.__module__}.{value.__qualname__}"
    if kind in (FunctionType, types.BuiltinFunctionType):
        return f"function {value.__module__}.{value.__qualname__}"
    return f"{kind.__module__}.{kind.__qualname__}"


def _file_of(kind: type) -> str:
    home = module_dict(kind.__module__)
    return str((home or {}).get("__file__") or "<frozen")


def _is_of_python(kind: type) -> bool:
    """Tell whether a class has been made by Python code, and so all it is can be seen."""
    return bool(kind.__flags__ & (1 << 9)) and kind.__module__ != "torch._C"


def _base_of_c(kind: type) -> type:
    """Return the class that says what the objects of another hold beside attributes."""
    for base in kind.__mro__:
        new = vars(base).get("__new__")
        if not base.__flags__ & (1 << 9) or type(new) is types.BuiltinFunctionType:
            return base
        if any(
            type(attribute) is types.GetSetDescriptorType and name not in _PASSING
            for name, attribute in vars(base).items()
        ):
            return base
    return object


# What is made anew in each process, says nothing but to people, or is said elsewhere.
_PASSING = frozenset(
    """__abstractmethods__ __annotate__ __annotate_func__ __annotations__ __annotations_cache__
    __builtins__ __cached__ __dict__ __doc__ __firstlineno__ __loader__ __module__ __spec__
    __static_attributes__ __weakref__ _abc_impl""".split()
)
_ATOMS = (int, float, str, bytes, complex)
_PLAIN = frozenset([*_ATOMS, bool, type(None)])
_SETS = (set, frozenset)
_CONTAINERS = (tuple, list, dict, OrderedDict, defaultdict, deque, *_SETS)
_GENERIC = (types.GenericAlias, types.UnionType)
_HOLDERS: dict[type, Callable[[Walk, Any], None]] = {
    property: Walk._property,
    classmethod: Walk._wrapper,
    staticmethod: Walk._wrapper,
    functools.partial: Walk._partial,
    types.SimpleNamespace: lambda walk, value: None,
}
_STEPS: dict[type, Callable[[Walk, Any], None]] = {
    **dict.fromkeys((*_ATOMS, bool, type(None), type(...), type(NotImplemented)), Walk._atom),
    **dict.fromkeys((bytearray, range, slice), Walk._atom),
    **dict.fromkeys((list, deque), Walk._list),
    tuple: Walk._tuple,
    dict: Walk._dict,
    OrderedDict: Walk._dict,
    types.MappingProxyType: Walk._proxy,
    **dict.fromkeys((set, frozenset), Walk._set),
    **dict.fromkeys(
        (torch.dtype, torch.device, torch.layout, torch.memory_format, torch.Size), Walk._text
    ),
    torch.Tensor: Walk._tensor,
    CodeType: Walk._code,
    FunctionType: Walk._function,
    types.BuiltinFunctionType: Walk._builtin,
    types.MethodType: Walk._method,
    **dict.fromkeys((classmethod, staticmethod), Walk._wrapper),
    property: Walk._property,
    functools.partial: Walk._partial,
    type(functools.lru_cache(lambda: 0)): Walk._cached,
    **dict.fromkeys(
        (types.MethodDescriptorType, types.WrapperDescriptorType, types.GetSetDescriptorType,
         types.MemberDescriptorType, types.ClassMethodDescriptorType),
        Walk._descriptor,
    ),
    ModuleType: Walk._module,
    types.GeneratorType: Walk._generator,
    **dict.fromkeys((type(_thread.allocate_lock()), type(_thread.RLock())), Walk._lock),
    re.Pattern: lambda walk, value: walk._say("pattern", repr(value.pattern), value.flags),
    weakref.ref: lambda walk, value: walk._all("ref", (value(),)),
    **dict.fromkeys(
        (operator.attrgetter, operator.itemgetter, operator.methodcaller), Walk._getter
    ),
}  # fmt: skip
