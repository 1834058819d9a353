"""Know which code of C asks a symbol as it asks an integer, or only holds it.

What is written in C can look at the class of what it is given, and asks a symbol nothing: to
`(5003).__eq__` or `datetime.timedelta` a symbol is no integer. So only what is listed here is
known: it compares, adds, hashes, takes an index or a text of a number by the methods that a symbol
has too, or puts it into a container. `tests/trace/test_c_code.py` tries what is listed.
"""

from __future__ import annotations

import bisect
import builtins
import collections
import contextvars
import functools
import heapq
import itertools
import math
import operator
import re
import sys
import types
import warnings
import weakref
from collections.abc import Callable, Iterable, Sequence
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    FunctionType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any

from symcount.libraries import NUMPY

_CACHED = type(functools.cache(lambda: None))
_KEYED = type(functools.cmp_to_key(lambda a, b: 0)(0))
DESCRIPTORS = (WrapperDescriptorType, MethodDescriptorType, ClassMethodDescriptorType)
FUNCTIONS_OF_C = (BuiltinFunctionType, MethodWrapperType, *DESCRIPTORS)
_NUMBERS = frozenset([int, float, complex, bool])
_MODULES = (builtins, math, operator, itertools, bisect, heapq)
# Those of these modules that want an `int` and nothing that passes for one, or look elsewhere.
_EXACT = frozenset("ldexp open input breakpoint __import__ compile exec eval".split())
# The same of methods of texts.
NAMED_EXACT = frozenset(["maketrans", "translate"])
_FUNCTIONS: dict[int, Any] = {
    id(value): value
    for value in (
        *(
            value
            for module in _MODULES
            for name, value in vars(module).items()
            if isinstance(value, BuiltinFunctionType) and name not in _EXACT
        ),
        functools.reduce, functools.cmp_to_key, vars(collections)["_count_elements"], warnings.warn,
        sys.getsizeof, sys.exc_info,
    )
}  # fmt: skip
_OF_ITERTOOLS = frozenset(value for value in vars(itertools).values() if callable(value))
# What takes functions, or some of what it is given in a way of its own.
PARTICULAR = frozenset([map, filter, collections.deque, *_OF_ITERTOOLS])
_ordered: Any = collections.OrderedDict()
_ITERABLE: tuple[Any, ...] = (
    (), [], "", b"", bytearray(), set(), range(0), range(1 << 99), {}, {}.keys(), {}.values(),
    {}.items(), reversed([]), reversed({}), _ordered, _ordered.keys(), _ordered.values(),
    _ordered.items(), reversed(_ordered), collections.deque(), reversed(collections.deque()),
    iter(lambda: 0, 0),
)  # fmt: skip
_TYPES = frozenset([
    *(value for value in vars(builtins).values() if isinstance(value, type)),
    *(value for value in vars(types).values() if isinstance(value, type)),
    *(value for value in vars(itertools).values() if isinstance(value, type)),
    *(type(iterator) for iterator in map(iter, _ITERABLE)), *map(type, _ITERABLE),
    collections.deque, collections.defaultdict, collections.OrderedDict, functools.partial,
    operator.itemgetter, operator.attrgetter, re.Pattern, re.Match, weakref.ref,
    weakref.ProxyType, weakref.CallableProxyType, contextvars.ContextVar, contextvars.Token,
    type(NotImplemented), _CACHED, _KEYED,
])  # fmt: skip
# Classes that hold what is in the containers they are given, and want an `int` besides.
_HOLDING = frozenset([collections.deque, itertools.permutations])
# Methods that do the same with every object, whatever it passes for.
_OF_OBJECTS = frozenset(
    "__new__ __init__ __init_subclass__ __setattr__ __delattr__ __getattribute__ __eq__".split()
)
_CALLING = frozenset(
    id(f) for f in (functools.reduce, functools.cmp_to_key, sorted, max, min, map, filter)
)
# A class that was made by a `class` statement, or by what does the same.
_HEAP_TYPE = 1 << 9
_of_c: weakref.WeakKeyDictionary[type, tuple[type, ...]] = weakref.WeakKeyDictionary()


def is_one_of(value: Any, known: Iterable[Any]) -> bool:
    """Tell whether something is one of these; it is not asked for its hash."""
    return any(value is each for each in known)


def is_trusted(module: object) -> bool:
    """Tell whether a module is one of torch's, which is trusted with symbols."""
    return isinstance(module, str) and module.split(".")[0] in ("torch", "_torch")


def is_of_numpy(function: FunctionType) -> bool:
    """Tell whether a function is one of numpy's own, which makes arrays of what it is given."""
    return function.__code__.co_filename.startswith(NUMPY)


def unknown_bases(kind: type) -> tuple[type, ...]:
    """Return the classes written in C that a class is, or is made of, and that are not known."""
    known = _of_c.get(kind)
    if known is None:
        known = _of_c[kind] = tuple(
            each
            for each in type.__dict__["__mro__"].__get__(kind)
            if each not in _TYPES and _is_of_c(each) and not is_trusted(each.__module__)
        )
    return known


def _is_of_c(kind: type) -> bool:
    if not kind.__flags__ & _HEAP_TYPE:
        return True
    made = vars(kind).get("__new__")
    return getattr(made, "__self__", None) is kind or any(
        type(value) in DESCRIPTORS and value.__objclass__ is kind for value in vars(kind).values()
    )


def is_number_of_c(kind: type) -> bool:
    """Tell whether objects of a class may reckon with numbers by code that knows no symbols."""
    if kind is complex:
        return True
    return any(each.__module__ not in _WITHOUT_NUMBERS for each in unknown_bases(kind))


_WITHOUT_NUMBERS = frozenset(["numpy", "array", "_thread", "_io", "_abc", "_random", "threading"])


# Functions of numpy that add or multiply what they are given, each element by its own operators.
_REDUCING = frozenset(["prod", "cumprod", "sum", "cumsum"])


def is_known(called: Any) -> bool:
    """Tell whether what is called asks symbols as it asks integers, or is written in Python."""
    kind = type(called)
    if kind.__module__ == "numpy" and getattr(called, "__name__", "") in _REDUCING:
        return True
    if kind is FunctionType:
        return not is_of_numpy(called)
    if kind is MethodType:
        return is_known(called.__func__)
    if kind is BuiltinFunctionType:
        return _is_known_function(called)
    if kind is MethodWrapperType:
        if called.__name__ == "__call__":
            return is_known(called.__self__)
        return _is_known_method(called.__objclass__, called.__name__)
    if kind in DESCRIPTORS:
        return _is_known_method(called.__objclass__, called.__name__)
    if isinstance(called, type):
        return _is_known_class(called)
    if kind is functools.partial:
        return is_known(called.func)
    if kind is _CACHED:
        return is_known(called.__wrapped__)
    return not _is_unknown_instance(called)


def _is_known_function(called: Any) -> bool:
    owner = called.__self__
    if owner is None or isinstance(owner, ModuleType):
        return id(called) in _FUNCTIONS or is_trusted(called.__module__)
    if not isinstance(owner, type):
        return _is_known_method(type(owner), called.__name__)
    if called.__name__ == "__new__" and owner in _NUMBERS:
        return True
    return _is_known_method(owner, called.__name__)


def _is_known_method(owner: type, name: str) -> bool:
    if owner is object:
        return name in _OF_OBJECTS
    if owner in _NUMBERS or name in NAMED_EXACT:
        return False
    return not unknown_bases(owner) or owner.__module__ == "numpy"


def _is_known_class(kind: type) -> bool:
    """Tell whether what makes an object of a class is known, or written in Python."""
    if type(kind) is not type and _of_class(type(kind), "__call__") is not type.__call__:
        return True
    for name in ("__new__", "__init__"):
        made = _of_class(kind, name)
        if type(made) is BuiltinFunctionType and made.__self__ not in _TYPES:
            return is_trusted(made.__self__.__module__)
        if type(made) in DESCRIPTORS and made.__objclass__ not in _TYPES:
            return is_trusted(made.__objclass__.__module__)
    return True


def _of_class(kind: type, name: str) -> Any:
    held = (vars(each).get(name) for each in type.__dict__["__mro__"].__get__(kind))
    found = next((value for value in held if value is not None), None)
    return found.__func__ if isinstance(found, staticmethod) else found


def _is_unknown_instance(value: Any) -> bool:
    kind = type(value)
    if kind.__module__ == "numpy":
        return kind.__name__ not in ("ufunc", "ndarray", "dtype") and not hasattr(kind, "dtype")
    if unknown_bases(kind):
        return True
    made = _of_class(kind, "__call__") if kind.__flags__ & _HEAP_TYPE else None
    return type(made) in FUNCTIONS_OF_C and not is_known(made)


def is_suspect(value: Any, depth: int = 0) -> bool:
    """Tell whether a value is code of C that is not known, has some, or makes it."""
    kind = type(value)
    if kind is FunctionType:
        return is_of_numpy(value)
    if kind in (ModuleType, int, float, str, bool, bytes, type(None)):
        return False
    if kind in FUNCTIONS_OF_C or isinstance(value, type):
        return not is_known(value) or value is pow or is_one_of(value, _HOLDING)
    if kind is functools.partial:
        return not is_known(value) or is_suspect(value.args) or is_suspect(value.keywords)
    if kind in (list, tuple, set, frozenset, dict):
        items = value.values() if kind is dict else value
        return depth < 3 and any(is_suspect(v, depth + 1) for v in tuple(items)[:64])
    return not is_known(value)


def calls_what_is_unknown(called: Any, args: Iterable[Any]) -> bool:
    """Tell whether what is called may call unknown C code that it is given."""
    is_calling = id(called) in _CALLING or (
        is_one_of(called, _OF_ITERTOOLS) or getattr(called, "__name__", "") == "sort"
    )
    return is_calling and any(callable(each) and not is_known(each) for each in args)


def is_loss(called: Any, args: Sequence[Any], is_symbol: Callable[[Any], bool]) -> bool:
    """Tell whether a call, with a symbol somewhere in what it is given, may miss that it is one."""
    if type(called) is functools.partial:
        args = (*called.args, *called.keywords.values(), *args)
        return is_loss(called.func, args, is_symbol)
    if called is pow:
        return len(args) > 2 and not is_symbol(args[0])  # of three, the first is asked alone
    if is_one_of(called, _HOLDING):
        return any(map(is_symbol, args))
    return not is_known(called) or calls_what_is_unknown(called, args)
