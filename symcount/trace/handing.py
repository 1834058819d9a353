"""Watch what symbols are handed to: C code that is not known may not see what they pass for.

Most code never names such C code, and that is read from it: neither what it names nor what is in
its variables is, or holds, anything that `symcount.trace.c_code` does not know. If some does, all
code of the factory and of what it calls is run once more, with every call looked at.
"""

from __future__ import annotations

import ast
import builtins
import dis
import functools
import gc
import inspect
import sys
import threading
import traceback
import weakref
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from types import CodeType, FunctionType, MethodType, ModuleType, WrapperDescriptorType
from typing import Any, NamedTuple

from symcount import interception
from symcount.executed import Executed, Use
from symcount.libraries import is_of_python, is_own
from symcount.trace import ends
from symcount.trace.c_code import (
    NAMED_EXACT,
    PARTICULAR,
    is_known,
    is_loss,
    is_number_of_c,
    is_one_of,
    is_suspect,
    unknown_bases,
)
from symcount.trace.c_code import is_of_numpy as is_numpys
from symcount.trace.proxies import is_of_numpy, is_of_torch
from symcount.trace.renaming import made_of, nested, original_code, owners_of_each, with_constant
from symcount.trace.reporting import _FUTURE, _alone, _in_file, _key
from symcount.trace.stand_ins import BUILTINS, is_symbol

# What a concretisation is called, before the name of what a symbol was given to.
HANDED = "argument of "
_MOST_CODES = 1 << 14
_MOST_ITEMS = 1 << 12
_DEEPEST = 6
# These look at the frame that calls them.
_LOOKING_AROUND = frozenset(
    id(each)
    for each in (
        sys._getframe, eval, exec, globals, locals, vars, dir, super, builtins.__build_class__,
    )
)  # fmt: skip
# What tells a run on symbols, which keeps its tensors and has stand-ins and frames, from another.
_TELLING_APART = frozenset(
    id(each)
    for each in (
        weakref.ref, weakref.proxy, weakref.finalize, weakref.WeakValueDictionary, weakref.WeakSet,
        sys.getrefcount, gc.get_referrers, gc.get_referents, gc.get_objects, gc.get_count,
        inspect.isbuiltin, inspect.stack, traceback.extract_stack, sys._getframe,
        inspect.currentframe,
    )
)  # fmt: skip
# Functions of Python's own that are given functions to call.
_CALLING = frozenset(id(BUILTINS[name]) for name in ("max", "min"))
_COMMON = frozenset(
    "__init__ __new__ __class__ __doc__ __dir__ __setattr__ __getattribute__ __delattr__ __repr__ "
    "__str__ __init_subclass__ __subclasshook__ __reduce__ __reduce_ex__ __format__ __hash__ "
    "__sizeof__ __getstate__ __getnewargs__".split()
)
# Methods of numbers that code has to name to call them.
_OF_NUMBERS = frozenset(
    name
    for kind in (int, float, complex)
    for name in dir(kind)
    if name.startswith("__") and name not in _COMMON
)
# Code that names one of these, or makes such a name, may come by what is not known.
_BY_NAME = _OF_NUMBERS | NAMED_EXACT | {"__"}
# Modules of Python's own that work on texts, code and files, and are handed no sizes.
_OF_TEXTS = frozenset(
    "tokenize linecache inspect logging warnings traceback re threading contextlib importlib os "
    "copyreg posixpath ntpath genericpath codecs locale sre_compile sre_parse ast dis opcode "
    "token".split()
)
_HOLDING = (list, tuple, set, frozenset, deque)


class _Names(NamedTuple):
    """What code names: globals, attributes, and modules that it imports."""

    code: CodeType
    globals: tuple[str, ...]
    attributes: tuple[str, ...]
    imported: tuple[str, ...]
    of_numbers: bool


_names: dict[int, _Names] = {}


def _named(code: CodeType) -> _Names:
    known = _names.get(id(code))
    if known is None:
        if len(_names) >= _MOST_CODES:
            _names.clear()
        steps = [(step.opname, step.argval) for step in dis.get_instructions(code)]
        texts = {const for const in code.co_consts if type(const) is str}
        known = _names[id(code)] = _Names(
            code,
            tuple({name for op, name in steps if op in ("LOAD_GLOBAL", "LOAD_NAME")}),
            tuple({n for op, n in steps if op in _LOADING_OF}),
            tuple({name for op, name in steps if op == "IMPORT_NAME"}),
            not _BY_NAME.isdisjoint({*code.co_names, *texts}),
        )
    return known


_LOADING_OF = frozenset(["LOAD_ATTR", "LOAD_METHOD", "IMPORT_FROM", "LOAD_SUPER_ATTR"])


def suspects(executed: Executed) -> frozenset[CodeType]:
    """Return the code that may come by C code which is not known."""
    return frozenset(executed.once(_suspects))


def _suspects(executed: Executed) -> list[CodeType]:
    return [
        code for code, use in executed.items() if _is_watched(code, use) and _comes_by(code, use)
    ]


def telling_apart(executed: Executed) -> frozenset[CodeType]:
    """Return the code that reads what answers otherwise in a run on symbols.

    What Python's own makes of that is known.
    """
    return frozenset(executed.once(_telling_apart))


def _telling_apart(executed: Executed) -> list[CodeType]:
    return [
        code
        for code, use in executed.items()
        if _is_watched(code, use)
        and not is_of_python(code.co_filename)
        and any(id(v) in _TELLING_APART for v in (*use.values, *_read(_named(code), use.names)))
    ]


def _is_watched(code: CodeType, use: Use) -> bool:
    """Tell whether code is the factory's, or of a library that is not trusted with symbols."""
    file = code.co_filename
    if is_of_torch(code) or is_of_numpy(code) or is_own(file) or file.startswith("<frozen"):
        return False
    package = str(use.names.get("__name__")).partition(".")[0]
    return not (package in _OF_TEXTS and is_of_python(file))


def _watched(executed: Executed) -> dict[CodeType, dict[str, Any]]:
    """Return the code to look at, with its globals: Python's own alone if no other is suspect.

    What that comes by it does not give away.
    """
    only_python = all(is_of_python(code.co_filename) for code in suspects(executed))
    return {
        code: use.names
        for code, use in executed.items()
        if _is_watched(code, use) and (is_of_python(code.co_filename) or not only_python)
    }


def _comes_by(code: CodeType, use: Use) -> bool:
    named = _named(code)
    return named.of_numbers or any(map(is_suspect, (*use.values, *_read(named, use.names))))


def _read(named: _Names, names: Mapping[str, Any]) -> Iterator[Any]:
    """Yield what code reads by name: globals, and attributes of modules and classes."""
    owners: list[Any] = [sys.modules.get(name) for name in named.imported]
    for name in named.globals:
        value = names.get(name, vars(builtins).get(name))
        if not (isinstance(value, type) and vars(builtins).get(name) is value):
            yield value
        if type(value) not in _WITHOUT_ATTRIBUTES:
            owners.append(value)
    for owner in owners:
        held = _tables_of(owner)
        for name in named.attributes:
            yield next((table[name] for table in held if name in table), None)


_WITHOUT_ATTRIBUTES = frozenset(
    [int, float, str, bytes, bool, type(None), FunctionType, dict, list]
)


def _tables_of(owner: Any) -> list[Any]:
    """Return where an attribute is looked up: what an object holds, and its classes."""
    try:
        held = object.__getattribute__(owner, "__dict__")
    except AttributeError:
        held = {}
    classes = type(owner).__mro__ if not isinstance(owner, type) else owner.__mro__
    own = [held] if not isinstance(owner, type) and isinstance(held, dict) else []
    return [*own, *map(vars, classes)]


# --- code that tells what it calls ---------------------------------------------------------------


class _Current:
    """Whoever is told of calls."""

    handing: Any = None


def _called(function: Any) -> Any:
    handing = _Current.handing
    return function if handing is None else handing.called(function)


def _stored_in(owner: Any) -> Any:
    handing = _Current.handing
    if handing is not None:
        handing.stored_in(owner)
    return owner


def _left(operand: Any) -> Any:
    handing = _Current.handing
    if handing is not None and is_number_of_c(type(operand)):
        handing.beside.append(operand)
    return operand


def _right(operand: Any) -> Any:
    handing = _Current.handing
    if handing is not None and handing.beside and is_symbol(operand):
        handing.operands(operand)
    return operand


# By these names, which no code could have, it tells what it calls, stores in and reckons with.
_NAMED = {
    f"{function.__name__} of symcount": function
    for function in (_called, _stored_in, _left, _right)
}
_CALLED, _STORED, _LEFT, _RIGHT = _NAMED


class _Telling(ast.NodeTransformer):
    """Rewrites code so that it tells what it calls, and what it stores attributes and items in."""

    def visit_Call(self, node: ast.Call) -> Any:
        self.generic_visit(node)
        node.func = _wrapped(_CALLED, node.func)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        node.target = self.visit(node.target)
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_arg(self, node: ast.arg) -> Any:
        return node

    def _held(self, node: Any) -> Any:
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Store):
            node.value = _wrapped(_STORED, node.value)
        return node

    visit_Attribute = visit_Subscript = _held

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        self.generic_visit(node)
        node.left, node.right = _wrapped(_LEFT, node.left), _wrapped(_RIGHT, node.right)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        self.generic_visit(node)
        node.value = _wrapped(_RIGHT, node.value)
        return node

    def visit_Compare(self, node: ast.Compare) -> Any:
        self.generic_visit(node)
        node.left = _wrapped(_LEFT, node.left)
        node.comparators = [_wrapped(_RIGHT, each) for each in node.comparators]
        return node


def _wrapped(by: str, value: ast.expr) -> ast.expr:
    name = ast.copy_location(ast.Name(by, ast.Load()), value)
    return ast.copy_location(ast.Call(name, [value], []), value)


_twins: dict[int, tuple[CodeType, CodeType | None]] = {}


def _telling(function: FunctionType) -> CodeType | None:
    """Return code that does the same as a function and tells, if there is source of it."""
    code = original_code(function.__code__)
    if id(code) not in _twins:
        if len(_twins) >= _MOST_CODES:
            _twins.clear()
        twin = _twin_in(_alone(code, function.__qualname__), code)
        _twins[id(code)] = code, twin or _twin_in(_in_file(code), code)
    return _twins[id(code)][1]


def _twin_in(tree: ast.Module | None, code: CodeType) -> CodeType | None:
    if tree is None:
        return None
    try:
        whole = compile(
            _Telling().visit(tree), code.co_filename, "exec", code.co_flags & _FUTURE, True
        )
    except (SyntaxError, ValueError, RecursionError):
        return None
    alike = [twin for twin in nested(whole) if _key(twin) == _key(code)]
    if len(alike) != 1:
        return None
    telling = alike[0]
    for name, function in _NAMED.items():
        telling = with_constant(telling, name, function)
    for twin in nested(telling):
        made_of(twin, twin)
    return telling


# --- what is made of it --------------------------------------------------------------------------


class Handing:
    """Looks at the calls of one run: what they are of, and whether a symbol is handed over.

    `unread` is code that comes by unknown C code, and cannot be looked at.
    """

    def __init__(self, executed: Executed, roots: list[FunctionType]) -> None:
        owners = owners_of_each(_watched(executed), roots)
        functions = dict.fromkeys(f for found in owners.values() for f in found)
        self._twins = {f: twin for f in functions if (twin := _telling(f)) is not None}
        read = {original_code(f.__code__) for f in self._twins}
        inside = {each for code in read for each in nested(code)}
        self.unread: list[CodeType] = [c for c in suspects(executed) if c not in inside]
        self.beside: list[Any] = []  # numbers of C code that were the left side of an operation
        self._run: Any = None
        self._thread = 0
        self._classes: dict[int, tuple[Any, bool]] = {}

    def start(self, run: Any) -> None:
        """Have the functions tell what they call until all is restored."""
        self._run, self._thread = run, threading.get_ident()
        self.beside.clear()
        for function, twin in self._twins.items():
            code = run.learned.interceptor.as_in_runs(function, twin)
            interception.replace(function, "__code__", code)
        interception.replace(_Current, "handing", self)

    def begin(self) -> None:
        """A loop begins, which changes nothing."""

    def called(self, function: Any) -> Any:
        """Return what is to be called: itself, or what looks at the arguments first."""
        kind = type(function)
        if kind is FunctionType and id(function) not in _CALLING and not is_numpys(function):
            return function
        if isinstance(function, type):
            known = self._classes.get(id(function))
            if known is None:
                known = self._classes[id(function)] = function, is_known(function)
            if known[1] and not is_one_of(function, PARTICULAR):
                return function
        if id(function) in _LOOKING_AROUND or threading.get_ident() != self._thread:
            return function

        def call(*args: Any, **kwargs: Any) -> Any:
            self._look_at(function, (*args, *kwargs.values()))
            return function(*args, **kwargs)

        return call

    def _look_at(self, function: Any, args: tuple[Any, ...]) -> None:
        bound = getattr(function, "__self__", None)
        if type(function) is MethodType and is_symbol(bound):
            if function.__name__ in _OF_NUMBERS and not all(map(_is_integer, args)):
                self._run.assume_of(f"{HANDED}{function.__name__}()", bound)
            return
        if not is_loss(function, args, is_symbol):
            return
        if type(function) is WrapperDescriptorType and ends.raises_type_error(sys._getframe(2)):
            return  # as does code of C that is given no integer
        symbols = list(_symbols_in((*args, *_given_before(function))))
        if symbols:
            given = [symbol for symbol in symbols if is_symbol(symbol)]
            self._run.assume_of(f"{HANDED}{_name_of(function)}()", *given)

    def operands(self, symbol: Any) -> None:
        """Look at an operation with a symbol, where such numbers have been the other side."""
        self._run.assume_of(f"{HANDED}{type(self.beside[-1]).__name__}", symbol)

    def stored_in(self, owner: Any) -> None:
        """Look at an object to which something is assigned."""
        kind = type(owner)
        if kind.__module__ != "numpy" and unknown_bases(kind):
            self._run.assume_of(f"{HANDED}{kind.__name__}()")


def _is_integer(value: Any) -> bool:
    return isinstance(value, int)


def _given_before(function: Any) -> tuple[Any, ...]:
    """Return what a partial function has been given already, or what a method is of."""
    if type(function) is functools.partial:
        return (*function.args, *function.keywords.values())
    bound = getattr(function, "__self__", None)
    return () if isinstance(bound, ModuleType | type) else (bound,)


def _name_of(function: Any) -> str:
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    return str(name)


def _symbols_in(values: Iterable[Any], depth: int = 0) -> Iterator[Any]:
    """Yield the symbols in values and containers, and iterators, which may yield some."""
    for value in values:
        kind = type(value)
        if is_symbol(value) or (hasattr(kind, "__next__") and hasattr(kind, "__iter__")):
            yield value
        elif depth < _DEEPEST and isinstance(value, dict):
            yield from _symbols_in((*value.keys(), *value.values()), depth + 1)
        elif depth < _DEEPEST and isinstance(value, _HOLDING):
            yield from _symbols_in(tuple(value)[:_MOST_ITEMS], depth + 1)
