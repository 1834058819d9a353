"""Describe plain values as far as code may decide by them: their kind, length, digits and state."""

from __future__ import annotations

import array
import collections
import datetime
import decimal
import fractions
import functools
import itertools
import operator
import re
import types
import weakref
from collections.abc import Hashable, Iterable, Sequence
from types import FunctionType
from typing import Any, TypeAlias

import torch

from symcount.libraries import TORCH, is_foreign, is_own
from symcount.trace.loops import SymRange
from symcount.trace.proxies import SymFloat, SymInt
from symcount.trace.reporting import Hooks
from symcount.trace.shifting import PLAIN, Unknown, Unread, held_by
from symcount.trace.stand_ins import BUILTINS, ITERTOOLS, MATH
from symcount.trace.tensors.sizes import is_symbolic

# Longer sequences are told apart by their length alone.
_MOST_ELEMENTS = 4
MOST_TEXT = 1 << 12
# Of a long list it is told where its elements change, if they do so at a few places.
_LONGEST = 1 << 12
_MOST_CHANGES = 4
_MOST_KEYS = 64
_DEEPEST = 5
_DEEPEST_CONTENTS = 50
_HELD = frozenset([list, tuple, dict, set, frozenset])


Value: TypeAlias = "tuple[Any, ...] | None"
"""A plain value as far as it can decide anything; None if it is none, or a symbol."""


NUMBERS = re.compile("[0-9]+")
_SIZED = (
    list, tuple, dict, set, frozenset, range, array.array, collections.deque, collections.UserList,
    collections.UserDict, collections.ChainMap, types.MappingProxyType, collections.abc.KeysView,
    collections.abc.ValuesView, collections.abc.ItemsView, torch.nn.ModuleList, torch.nn.Sequential,
    torch.nn.ModuleDict, torch.nn.ParameterList, torch.nn.ParameterDict,
)  # fmt: skip
_EXACT = (
    complex, fractions.Fraction, decimal.Decimal, datetime.timedelta, datetime.date, datetime.time,
)  # fmt: skip
_LOOKED_INTO = (
    int, float, str, bytes, bytearray, slice, SymRange, torch.Tensor, torch.nn.Module,
    *_SIZED, *_EXACT,
)  # fmt: skip
_HOLDING = (list, tuple, dict, set, frozenset, collections.deque)
_C_CODE = frozenset([
    types.BuiltinFunctionType, types.MethodWrapperType, types.WrapperDescriptorType,
    types.MethodDescriptorType, operator.itemgetter, operator.attrgetter, operator.methodcaller,
])  # fmt: skip
_CODE = (FunctionType, types.MethodType)
_UNBOUND = (
    types.MethodDescriptorType, types.WrapperDescriptorType, types.ClassMethodDescriptorType,
)  # fmt: skip
_numbers = itertools.count()  # of what cannot be read
_STAND_INS = {
    **{id(stand_in): f"builtins.{name}" for name, stand_in in BUILTINS.items()},
    **{id(stand_in): f"math.{name}" for name, stand_in in MATH.items()},
    **{id(stand_in): f"itertools.{name}" for name, stand_in in ITERTOOLS.items()},
}


def value_of(value: Any, depth: int = 0) -> Value:
    """Describe a plain value: its kind first, and what can be told of it."""
    kind = type(value)  # `isinstance` may ask the value itself, which may report in turn
    if kind is SymInt or kind is SymFloat:
        return None
    if value is None or kind in (int, float, bool):
        return "number", value
    if value is Unknown:
        return None
    if kind is Unread:
        return "state", "unread", next(_numbers)
    if id(value) in _STAND_INS or kind in _C_CODE:
        return c_code(value)
    if kind is type and value.__module__ == "builtins":
        return "c code", f"builtins.{value.__name__}", None
    if issubclass(kind, str):
        return "text", str.__str__(value)[:MOST_TEXT]
    if issubclass(kind, bytes | bytearray):
        text = value[:MOST_TEXT].decode("latin-1")
        return ("text", text) if issubclass(kind, bytes) else ("state", "bytearray", text)
    if issubclass(kind, _EXACT):
        return "state", kind.__name__, repr(value)
    if kind in _CODE:
        return "code", value.__name__
    while kind is functools.partial:
        if value.args or value.keywords:
            given = (*value.args, *value.keywords.values())
            return "c code", "functools.partial", value_of((value.func, *given))
        return value_of(value.func, depth)
    if kind is torch.dtype:
        is_exact = value.is_floating_point and value not in _NARROW
        return ("object" if is_exact else "narrow"), str(value), 0
    if kind is slice:
        return "slice", *map(value_of, (value.start, value.stop, value.step))
    if kind is SymRange:
        return "symbolic", "range"
    if issubclass(kind, torch.Tensor):
        return _tensor(value)
    if kind.__module__ == "numpy":
        shape = list(getattr(value, "shape", ()))
        return ("array", int(shape[0]), _first(value)) if shape else _scalar(value)
    if kind is dict and "__builtins__" in value:
        return "state", "globals", len(value)
    length = _length(value) if issubclass(kind, _SIZED) else None
    if length is not None:
        few = issubclass(kind, tuple | list) and length <= _MOST_ELEMENTS and depth < _DEEPEST
        elements = tuple(value_of(v, depth + 1) for v in value) if few else ()
        most = getattr(value, "maxlen", None)
        changes = _changes(value)
        return (
            "many",
            kind.__name__,
            length,
            elements,
            most,
            changes,
            _contents(value),
            _spelt(value),
        )
    if issubclass(kind, int | float):
        return "number", float(value) if issubclass(kind, float) else int(value)
    if hasattr(kind, "__next__"):
        observer = Hooks.observer
        return "iterator", kind.__name__, _hint(value), bool(observer and observer.is_old(value))
    if kind is types.SimpleNamespace:
        return "state", "SimpleNamespace", _token(value)
    if _has_own_hash(kind):
        return "state", kind.__qualname__, _token(_fields(value))
    inner = vars(value).get("_modules") if issubclass(kind, torch.nn.Module) else None
    return "object", kind.__qualname__, len(inner or ())


_hashing: weakref.WeakKeyDictionary[type, bool] = weakref.WeakKeyDictionary()


def _has_own_hash(kind: type) -> bool:
    """Tell whether two objects of a class may be one key."""
    known = _hashing.get(kind)
    if known is None:
        code = getattr(kind.__hash__, "__code__", None)
        known = code is not None and (
            not is_foreign(code.co_filename) or code.co_filename[0] == "<"
        )
        _hashing[kind] = known
    return known


def _fields(value: Any) -> dict[str, Any]:
    """Return the attributes of an object, without running code of it."""
    slots = (vars(base).get("__slots__", ()) for base in type(value).__mro__)
    named = (name for each in slots for name in ((each,) if type(each) is str else each))
    held = {name: held_by(value, name) for name in named if name != "__dict__"}
    return {**held, **vars(value)} if hasattr(value, "__dict__") else held


def _length(value: Any) -> int | None:
    try:
        return len(value)
    except Exception:
        return None  # such as a module whose constructor has not begun


_BY_VALUE = (("function", "builtins.set"), ("function", "builtins.frozenset"))
# Of truths, each told where it was decided, it is the same how many there are.
_BY_TRUTH = (("function", "builtins.any"), ("function", "builtins.all"))
_BY_NAME = (
    ("function", "builtins.getattr"), ("function", "builtins.hasattr"),
    ("function", "operator.attrgetter"),
)  # fmt: skip
# Methods of modules that give them something by a name.
_NAMING = frozenset(
    "add_module register_module register_parameter register_buffer update __setitem__ "
    "__setattr__".split()
)
_KEYED = (dict, torch.nn.ModuleDict, torch.nn.ParameterDict)
_NARROW = frozenset(
    [torch.uint8, torch.int8, torch.int16, torch.int32, torch.bool, torch.half, torch.bfloat16]
)
_OPERATORS = (
    "add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv mod rmod pow rpow and rand or "
    "ror xor rxor lshift rlshift rshift rrshift matmul rmatmul".split()
)


def _numbered(value: Any) -> tuple[tuple[str, int, tuple[int, ...]], ...]:
    """Count the attributes with a number in their names, each name without it.

    With the numbers of the last such name.
    """
    try:
        held = object.__getattribute__(value, "__dict__")
    except AttributeError:
        held = {}
    inner = [held.get(name) for name in ("_modules", "_parameters", "_buffers")]
    tables = [held, *(table for table in inner if isinstance(table, dict))]
    if issubclass(type(value), dict):
        tables.append(value)
    names = [n for table in tables for n in table if type(n) is str and _has_digits(n)]
    if not names:
        return ()
    counts = collections.Counter(NUMBERS.sub("0", name) for name in names)
    largest: dict[str, tuple[int, ...]] = {}
    for name in names:
        numbers = tuple(map(int, NUMBERS.findall(name)))
        largest[_plain(name)] = max(largest.get(_plain(name), ()), numbers)
    return tuple((name, count, largest[name]) for name, count in counts.items())


def _changes(value: Any) -> tuple[int, ...]:
    """Numbers that a container is told apart by: those in its keys, if it is a small table.

    Of a long list of plain values, it is where its elements become others, if that is seldom.
    """
    if type(value) in (dict, set, frozenset) and len(value) <= _MOST_KEYS:
        keys = [key for key in value if type(key) is int or type(key) is tuple]
        parts = [part for key in keys for part in (key if type(key) is tuple else (key,))]
        return tuple(dict.fromkeys(part for part in parts if type(part) is int))
    if not isinstance(value, list | tuple) or not _MOST_ELEMENTS < len(value) <= _LONGEST:
        return ()
    found, before = [], Unknown
    for at, now in enumerate(value):
        if now is not before and type(now) in PLAIN and type(before) in PLAIN and now != before:
            found.append(at)
            if len(found) > _MOST_CHANGES:
                return ()
        before = now
    return tuple(found)


def _is_above(owner: Any, names: Iterable[Any]) -> bool:
    """Tell whether the numbers in names come after those of all such names that an owner has."""
    texts = [name for name in names if type(name) is str and NUMBERS.search(name)]
    known = {name: largest for name, _, largest in _numbered(owner)} if texts else {}
    return all(
        [int(number) for number in NUMBERS.findall(text)] >= list(known.get(_plain(text), ()))
        for text in texts
    )


def _plain(name: str) -> str:
    return NUMBERS.sub("0", name)


def _keys_of(pairs: Any) -> Value:
    """Describe the keys of pairs: of what kinds they are, and whether numbers rise evenly."""
    if not issubclass(type(pairs), list | tuple):
        return None  # keys of a dict, or reported where an iterator takes them from
    keys = [pair[0] if type(pair) in (list, tuple) and pair else pair for pair in pairs]
    if len(keys) > _LONGEST or not all(type(key) in PLAIN for key in keys):
        return ("keys", len(keys), False, hash(_token(keys))) if keys else None
    numbers: dict[str, list[tuple[int, ...]]] = {}
    for text in map(repr, keys):
        numbers.setdefault(NUMBERS.sub("0", text), []).append(
            tuple(map(int, NUMBERS.findall(text)))
        )
    is_regular = all(map(_rise_evenly, numbers.values()))
    return "keys", len(keys), is_regular, hash(tuple(keys))


def _names_in(table: Any) -> Value:
    """Describe the keys of a table that have numbers."""
    if not issubclass(type(table), dict):
        return value_of(table)
    names = [name for name in table if type(name) is str and NUMBERS.search(name)]
    return ("text", " ".join(names)) if names else None


def _rise_evenly(rows: list[tuple[int, ...]]) -> bool:
    """Tell whether each row is above the one before, and each column takes equal steps."""
    columns = (sorted(set(column)) for column in zip(*rows, strict=True))
    is_even = all(len({b - a for a, b in itertools.pairwise(each)}) < 2 for each in columns)
    return is_even and all(a < b for a, b in itertools.pairwise(rows))


def _matched(value: Any, names: Sequence[str], depth: int = 0) -> Value:
    """Describe what is matched, with the attributes that a pattern may ask for."""
    found = _compared(value)
    if found is None or depth == _DEEPEST:
        return found
    if found[0] == "many" and issubclass(type(value), list | tuple):
        few = itertools.islice(value, _MOST_ELEMENTS)
        return (*found, *(_matched(part, names, depth + 1) for part in few))
    if found[0] not in ("object", "state"):
        return found
    asked = (*names, *getattr(type(value), "__match_args__", ()))
    parts = (held_by(value, name) for name in asked)
    return (*found, *(_matched(part, names, depth + 1) for part in parts))


def _contents(value: Any) -> int:
    """Tell small containers apart by the plain values that they hold."""
    if issubclass(type(value), collections.ChainMap):
        return hash(tuple(map(_contents, value.maps)))
    if len(value) > _MOST_KEYS or not issubclass(type(value), _HOLDING):
        return 0
    return hash(_token(value, _DEEPEST_CONTENTS - 3))


@functools.lru_cache(1 << 16)
def _has_digits(text: str) -> bool:
    return bool(NUMBERS.search(text))


@functools.lru_cache(1 << 16)
def _without_digits(text: str) -> str:
    return NUMBERS.sub("0", text)


def _spelt(value: Any) -> int:
    """Tell containers apart by the texts that are their elements or keys, but for digits."""
    if not issubclass(type(value), _HOLDING) or len(value) > _LONGEST:
        return 0
    return hash(frozenset([_without_digits(key) for key in value if type(key) is str]))


def _compared(value: Any) -> Value:
    """Describe what is compared: all that it holds may decide."""
    found = value_of(value)
    return (*found, hash(_token(value))) if found and found[0] == "many" else found


_converting: weakref.WeakKeyDictionary[type, bool] = weakref.WeakKeyDictionary()


def _converts(owner: Any) -> bool:
    """Tell whether what is put into an attribute may be there as something else."""
    kind = type(owner)
    known = _converting.get(kind)
    if known is None:
        known = _converting[kind] = _has_other_attributes(owner)
    return known


def _has_other_attributes(owner: Any) -> bool:
    kind = type(owner)
    if not hasattr(owner, "__dict__") or kind.__module__ in ("_ctypes", "ctypes"):
        return True
    return any(base.__module__ in ("_ctypes", "ctypes", "numpy") for base in kind.__mro__)


def _token(value: Any, depth: int = 0) -> Hashable:
    """Return what tells a plain value from others; None for all that is none."""
    if type(value) in PLAIN:
        return value  # type: ignore[no-any-return]
    if depth == _DEEPEST_CONTENTS:
        return None
    if type(value) is types.SimpleNamespace:
        value = vars(value)
    kind, deeper = type(value), depth + 1
    if issubclass(kind, dict):
        pairs = itertools.islice(dict.items(value), _LONGEST)
        value = (part for pair in pairs for part in pair)
    elif issubclass(kind, _HOLDING):
        value = itertools.islice(value, _LONGEST)
    else:
        return None
    parts = [part if type(part) in PLAIN else _token(part, deeper) for part in value]
    return frozenset(parts) if issubclass(kind, set | frozenset) else tuple(parts)


def state_of(value: Any) -> Value:
    """Describe an object of Python's library by what its attributes are, as far as it shows."""
    held = getattr(value, "__dict__", None)
    if held is None:
        return value_of(value)
    parts = ((name, value_of(part)) for name, part in sorted(held.items()))
    return "state", type(value).__qualname__, str(tuple(parts))


def _tensor(tensor: torch.Tensor) -> Value:
    """Describe a tensor by its sizes and first numbers; a symbol may be among neither."""
    observer = Hooks.observer
    known = observer.known(tensor) if observer is not None else None
    if known is not None and (known.shape is None or known.tainted or is_symbolic(known.shape)):
        return None
    with torch._C.DisableTorchFunction():
        shape = tuple(tensor.shape)
        small = tensor.device.type == "cpu" and tensor.numel() <= _MOST_ELEMENTS**2
        contents = (str(tensor.detach().reshape(-1).tolist()),) if small else ()
    if contents and _is_narrow(tensor):
        return "state", "narrow", contents[0]
    return "array", int(shape[0]) if shape else 1, contents


def _first(array: Any) -> tuple[str, ...]:
    """The first elements of an array of numbers."""
    if array.dtype.kind not in "biuf":
        return ()
    return tuple(map(repr, array[:_MOST_ELEMENTS].tolist()))


def _hint(iterator: Any) -> int | None:
    """How many elements an iterator of Python's own says that there are left, if it does."""
    if type(iterator).__module__ not in ("builtins", "itertools"):
        return None
    try:
        return operator.length_hint(iterator, -1) if hasattr(iterator, "__length_hint__") else None
    except TypeError:
        return None  # it has no end


def _scalar(value: Any) -> Value:
    try:
        item = value.item()
        return ("state", "narrow", repr(item)) if _is_narrow(value) else ("number", item)
    except Exception:
        return None


def _is_narrow(value: Any) -> bool:
    """Tell whether numbers of numpy or torch may overflow without a word."""
    if isinstance(value, torch.Tensor):
        return value.dtype in _NARROW
    return value.dtype.kind in "iu" and value.dtype.itemsize < 8


def c_code(value: Any) -> Value:
    """Describe a function of C: its name, and what it is a method of."""
    known = _STAND_INS.get(id(value))
    owner = getattr(value, "__self__", None)
    is_method = owner is not None and not isinstance(owner, types.ModuleType | type)
    name = known or f"{getattr(value, '__module__', '')}.{getattr(value, '__name__', '')}"
    return "c code", name, value_of(owner) if is_method else None


def callee_of(value: Any) -> Value:
    """Describe code that is called: of C, of torch, of Python's library, a container's method."""
    while isinstance(value, functools.partial):
        value = value.func
    known = _STAND_INS.get(id(value))
    if known is not None:
        return "function", known
    owner = getattr(value, "__self__", None)
    kind = type(owner)
    if owner is not None and not issubclass(kind, types.ModuleType | type):
        is_plain = isinstance(value, types.BuiltinMethodType | types.MethodWrapperType)
        if is_plain or issubclass(kind, (*_SIZED, *_EXACT, torch.Tensor)):
            if kind is dict and value.__name__ == "get":  # which asks for nothing but the keys
                keys = _changes(owner), 0, _spelt(owner)
                return "method", "get", ("many", "dict", len(owner), (), None, *keys)
            held = value_of(owner)
            if held is not None and held[0] == "object" and not value.__name__.startswith("__"):
                held = "opaque", *held[1:]
            return "method", value.__name__, held
    code = getattr(value, "__func__", value)
    if isinstance(value, type):
        made_by = (getattr(value, name) for name in ("__init__", "__new__"))
        code = next((f for f in made_by if isinstance(f, FunctionType)), value)
    module = str(getattr(value, "__module__", None))
    if module.startswith("symcount.trace") and hasattr(value, "__wrapped__"):
        return callee_of(value.__wrapped__)
    if module.split(".")[0] == "symcount" or not callable(value):
        return None
    if isinstance(code, FunctionType) and not hasattr(value, "cache_info"):
        file = code.__code__.co_filename
        if file.startswith(TORCH):
            names = [n for n in code.__qualname__.split(".") if n not in ("__init__", "__new__")]
            return "torch", names[-1]
        if not is_foreign(file) or is_own(file) or file.startswith("<"):
            return None  # it reports by itself
        if owner is not None and not issubclass(kind, types.ModuleType | type):
            return "method", value.__name__, state_of(owner)
    if issubclass(type(value), torch.nn.Module):
        return None
    is_of_torch = module == "None" and "torch" in str(getattr(kind, "__module__", ""))
    is_of_torch |= isinstance(owner, type) and "torch" in owner.__module__
    if module.split(".")[0] == "torch" or is_of_torch:
        return "torch", getattr(value, "__name__", "")
    if module == "None":
        module = "builtins"
    return "function", f"{module}.{getattr(value, '__qualname__', type(value).__qualname__)}"


def is_atom(value: Any) -> bool:
    """Tell whether a value holds nothing, and is described by all that it is."""
    kind = type(value)
    return kind in PLAIN and value is not None and (kind is not str or len(value) < MOST_TEXT)


def is_plain(value: Any) -> bool:
    """Tell whether a value is no part of a loop that is still to come, such as `zip` of it."""
    kind = type(value)
    if kind in PLAIN or kind in _HELD:
        return True
    if kind is types.BuiltinFunctionType and type(value.__self__) in _HELD | {str}:
        return True
    return cheap(value) is not None


_operators: weakref.WeakKeyDictionary[type, bool] = weakref.WeakKeyDictionary()


def _computed(value: Any) -> Value:
    """Describe an operand: one of which nobody reports how it computes is opaque."""
    found = value_of(value)
    kind = type(value)
    if found is None or found[0] != "object" or kind.__module__.startswith("symcount."):
        return found
    known = _operators.get(kind)
    if known is None:
        methods = (getattr(kind, f"__{name}__", None) for name in _OPERATORS)
        known = _operators[kind] = any(
            method is not None
            and (not isinstance(method, FunctionType) or is_foreign(method.__code__.co_filename))
            for method in methods
        )
    return ("state", "opaque", next(_numbers)) if known else found


def described(kind: str, values: Sequence[Any], names: Sequence[str] = ()) -> tuple[Value, ...]:
    if kind == "put":
        return (("holder", _converts(values[0])),)
    if kind == "attribute":
        return (("named", _numbered(values[0])),)
    if kind in ("compare", "while"):
        return tuple(map(_compared, values))
    if kind == "match":
        return (_matched(values[0], names),)
    if kind == "keywords":
        return (_names_in(values[0]),)
    if kind == "keys":
        return (_keys_of(values[0]),)
    if kind == "store" and issubclass(type(values[0]), _KEYED):
        is_above = type(values[1]) is not str or _is_above(values[0], (values[1],))
        return (*map(value_of, values), ("number", is_above))
    if kind in ("arithmetic", "flat"):
        return tuple(map(_computed, values))
    if kind != "call":
        return tuple(map(value_of, values))
    callee, *given = values
    while isinstance(callee, functools.partial):
        given = [*callee.args, *callee.keywords.values(), *given]
        callee = callee.func
    if type(callee) in _UNBOUND and given:
        held = value_of(given[0])
        called: Value = ("method", callee.__name__, held)
        given = given[1:]
    else:
        called = callee_of(callee)
    if called is None:
        return ()
    is_list = bool(given) and type(given[0]) in (list, tuple)
    if called in _BY_VALUE and is_list:
        token = _token(given[0])
        distinct = frozenset(token) if isinstance(token, tuple) else frozenset()
        return called, value_of(distinct), *map(value_of, given[1:])
    if called in _BY_TRUTH and is_list and set(map(type, given[0])) == {bool}:
        return called, value_of(tuple(sorted(set(given[0]))))
    others = list(map(value_of, given))
    if others and called in _BY_NAME:
        others[0] = "named", _numbered(given[0])
    if called == ("function", "builtins.setattr") and len(given) > 1:
        return ("naming", "setattr", _is_above(given[0], given[1:2]), _converts(given[0])), *others
    owner = getattr(callee, "__self__", None)
    if called[1] in _NAMING and issubclass(type(owner), torch.nn.Module) and given:
        table = given[0] if issubclass(type(given[0]), dict) else given[:1]
        return ("naming", called[1], _is_above(owner, table), False), *others
    return called, *others


# Of functions, classes and methods of modules: whether they report by themselves if called.
_reporting: weakref.WeakKeyDictionary[Any, bool] = weakref.WeakKeyDictionary()


def reports_by_itself(callee: Any) -> bool:
    """Tell whether a call of something says nothing, as it is code that reports."""
    kind = type(callee)
    if kind is types.MethodType and _is_bare_module(type(callee.__self__)):
        callee, kind = callee.__func__, type(callee.__func__)
        if kind is FunctionType and is_foreign(callee.__code__.co_filename):
            return False
    if kind is not FunctionType and kind is not type:
        return False
    known = _reporting.get(callee)
    if known is None:
        known = _reporting[callee] = callee_of(callee) is None
    return known


_bare_modules: weakref.WeakKeyDictionary[type, bool] = weakref.WeakKeyDictionary()


def _is_bare_module(kind: type) -> bool:
    """Tell whether objects of a class are modules that are described by how many they hold."""
    known = _bare_modules.get(kind)
    if known is None:
        is_module = issubclass(kind, torch.nn.Module) and not issubclass(kind, (*_SIZED, *_EXACT))
        others = (str, bytes, bytearray, torch.Tensor, int, float)
        known = is_module and not issubclass(kind, others) and not hasattr(kind, "__next__")
        _bare_modules[kind] = known and kind.__module__ != "numpy"
    return bool(known)


def summary(kind: str, values: Sequence[Any]) -> tuple[Any, ...] | None:
    """Return what tells that values are described as others were; None if that has to be seen."""
    if kind == "put":
        return (type(values[0]),)
    is_brief = kind not in _IN_FULL
    if kind == "call":  # some functions of Python's own look into what they are given
        callee = values[0]
        is_brief = type(callee) is not types.BuiltinFunctionType and id(callee) not in _STAND_INS
    keys = []
    for value in values:
        key = cheap(value)
        if key is None and is_brief:
            key = _brief(value)
        if key is None:
            return None
        keys.append(key)
    return tuple(keys)


_IN_FULL = frozenset(["attribute", "compare", "while", "match", "keys", "store", "keywords"])


def _brief(value: Any) -> Any:
    """Return what `value_of` tells of a module or a large table."""
    kind = type(value)
    if kind is dict and len(value) > _MOST_KEYS:
        return kind, len(value), "__builtins__" in value
    if _is_bare_module(kind):
        return kind, len(vars(value).get("_modules") or ())
    return None


_told_by_type: weakref.WeakKeyDictionary[type, bool] = weakref.WeakKeyDictionary()


def cheap(value: Any) -> Any:
    """Return what tells that a value is described as another was; None if that has to be seen."""
    kind = type(value)
    if kind in PLAIN:
        return kind, value
    if kind is FunctionType:
        return kind, value.__code__
    if kind is types.BuiltinFunctionType:
        owner = value.__self__
        if type(owner) in PLAIN and owner is not None:
            return kind, value.__name__, type(owner), owner
        return (kind, value) if owner is None or type(owner) is types.ModuleType else None
    if kind is types.MethodType:  # of a foreign one the state of its owner is described
        code = getattr(value.__func__, "__code__", None)
        return None if code is None or is_foreign(code.co_filename) else (kind, code)
    if kind is types.MethodWrapperType:
        owner = cheap(value.__self__)
        return owner and (kind, value.__name__, owner)
    if issubclass(kind, type):
        return kind, value
    told = _told_by_type.get(kind)
    if told is None:
        told = _told_by_type[kind] = kind in (SymInt, SymFloat) or not (
            issubclass(kind, _LOOKED_INTO)
            or kind.__module__ == "numpy"
            or _has_own_hash(kind)
            or hasattr(kind, "__next__")
            or any("__call__" in vars(base) for base in kind.__mro__)
        )
    return (kind,) if told else None
