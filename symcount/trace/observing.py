"""Have code report the plain values that it decides by, while a run on symbols lasts.

A comparison of symbols is seen by the symbols. A plain number that code counts up by itself, the
length of a list and the state of an iterator are seen by nobody. So the functions concerned get
other code for one run: the same statements, in which the operands of whatever may decide something
by a plain value (a comparison, a truth test, a subscript, a call of C code, a remainder) are handed
to `report`. `symcount.derivation.carried` says which of these depend on how often a loop was gone
through.
"""

from __future__ import annotations
import __future__

import array
import ast
import collections
import datetime
import decimal
import dis
import fractions
import functools
import gc
import inspect
import itertools
import linecache
import operator
import re
import sys
import threading
import types
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import CodeType, FrameType, FunctionType
from typing import Any, NamedTuple, TypeAlias

import torch

from symcount import interception
from symcount.executed import Use
from symcount.libraries import NUMPY, TORCH, is_of_python, is_own
from symcount.record import Source
from symcount.trace.interrupts import Restart
from symcount.trace.loops import SymRange
from symcount.trace.proxies import SymFloat, SymInt
from symcount.trace.renaming import functions_in, made_of, nested, original_code, with_constant
from symcount.trace.stand_ins import BUILTINS, MATH
from symcount.trace.tensors.known import KnownTensor
from symcount.trace.tensors.sizes import is_symbolic

_PLAIN_FORMAT = re.compile("[0-9]*d?")
_FLAT = (ast.FloorDiv, ast.Mod, ast.RShift, ast.BitAnd, ast.BitOr, ast.BitXor)
# Calls of these look at the frame that makes them, or ask for nothing but the kind of a value.
_LEFT_ALONE = frozenset(
    "super locals globals vars dir eval exec isinstance issubclass type print callable id".split()
)
_FUTURE = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
# Longer sequences are told apart by their length alone.
_MOST_ELEMENTS = 4
_MOST_TEXT = 200
# Of a long list it is told where its elements change, if they do so at a few places.
_LONGEST = 1 << 12
_MOST_CHANGES = 4
_MOST_KEYS = 64
# So often a site says in one iteration what it said before; then it is listened to in the next.
_MOST_REPEATED = 10_000
_DEEPEST = 5
# Of so many functions it is remembered how they report.
_MOST_TWINS = 1 << 14
_PLAIN = {int, float, bool, str, type(None)}
_HELD = frozenset([list, tuple, dict, set, frozenset])


Value: TypeAlias = "tuple[Any, ...] | None"
"""A plain value as far as it can decide anything; None if it is none, or a symbol."""


class Site(NamedTuple):
    """A place that may decide something: its operands are reported. `names` are of what it does.

    Operands that are `constants` are not: they are known by their places.
    """

    kind: str
    source: Source
    names: tuple[str, ...]
    constants: tuple[tuple[int, Any], ...] = ()


class Event(NamedTuple):
    """What was reported at a site, in which iterations of which loops."""

    tags: tuple[tuple[str, int], ...]
    values: tuple[Value, ...]


SITES: list[Site] = []


class _Hooks:
    """What is told of a run: an observer of values."""

    observer: Observer | None = None


class Observer:
    """Keeps what is reported in a run.

    Args:
        executed: the code that the factory runs; all that is not Python's own, torch's or numpy's
            is to report. `unread` is that which cannot.
        roots: the factory's own functions.
    """

    def __init__(self, executed: Mapping[CodeType, Use], roots: Iterable[FunctionType]) -> None:
        collecting = {getattr(call, "__code__", None) for call in gc.callbacks}
        codes = [code for code in executed if code not in collecting]
        own = {
            id(code): (code, executed[code].names)
            for code in codes
            if not is_foreign(code.co_filename)
        }
        self.functions = reporting(_functions_with(own, roots))
        read = [original_code(function.__code__) for function in self.functions]
        known = {each for code in read for each in nested(code)}
        self.unread = [code for code, _ in own.values() if code not in known]
        self.unread += [c for c in codes if is_unsourced(c.co_filename) and _may_decide(c)]
        self._lasting = {f for f in self.functions if _leaves_code_behind(f.__code__)}
        self._around: set[CodeType] = set()  # what runs when the first loop begins
        self._later: dict[FunctionType, CodeType] = {}
        self.events: dict[int, dict[Event, None]] = {}
        self._open: dict[int, list[list[Any]]] = {}
        self._known: set[tuple[Any, ...]] = set()
        self._tags: Any = None
        self._names: tuple[tuple[str, int], ...] = ()
        self._repeated: collections.Counter[int] = collections.Counter()
        self._muted: set[int] = set()
        self._run: Any = None
        self._thread = 0
        self._is_looking = False

    def start(self, run: Any) -> None:
        """Have the functions report until all is restored; most of them when a loop begins."""
        self.events.clear()
        self._open.clear()
        self._known.clear()
        self._tags = None
        self._muted.clear()
        self._run, self._thread = run, threading.get_ident()
        self._later = self.functions.copy()
        self._have_report(
            function
            for function in self.functions
            if function in self._lasting or original_code(function.__code__) in self._around
        )
        interception.replace(_Hooks, "observer", self)

    def begin(self) -> None:
        """Have all functions report: a loop may begin.

        The code that runs is already what it is, so with some that does not report the run starts
        again.
        """
        if not self._later:
            return
        running = set(map(original_code, _codes_around()))
        missed = running & {original_code(function.__code__) for function in self._later}
        if missed:
            self._around |= missed
            self._run.interrupt(Restart())
        self._have_report(tuple(self._later))

    def _have_report(self, functions: Iterable[FunctionType]) -> None:
        for function in functions:
            code = self._run.learned.interceptor.as_in_runs(function, self._later.pop(function))
            interception.replace(function, "__code__", code)

    def known(self, tensor: torch.Tensor) -> KnownTensor | None:
        """Return what the run knows of a tensor."""
        known: KnownTensor | None = self._run.tensors.known.get(id(tensor))
        return known

    def report(self, site: int, place: int, count: int, value: Any) -> None:
        """Take note of an operand; with the last one, of all."""
        run = self._run
        if site in self._muted and run.tags is self._tags:
            return
        if self._is_looking or not run.alive or threading.get_ident() != self._thread:
            return
        self._is_looking = True  # a value may have methods that report
        try:
            self._take(site, place, count, value)
        finally:
            self._is_looking = False

    def _take(self, site: int, place: int, count: int, value: Any) -> None:
        if count == 1:
            self._keep(site, (value,))
            return
        held = self._open.setdefault(site, [])
        if place == 0:
            held.append([value])
        elif held:
            held[-1].append(value)
        is_chain = count > 2 and SITES[site].kind == "compare"  # the last may not be asked for
        if is_chain and place and held:
            self._keep(site, held[-1][-2:])
        if place == count - 1 and held:
            values = held.pop()
            if not is_chain:
                self._keep(site, values)

    def _keep(self, site: int, values: Sequence[Any]) -> None:
        """Keep the description of operands, unless it is known to be the same as before."""
        if self._run.tags is not self._tags:
            self._begin_iteration()
        if not (self._run.loops or self._run.unrolled) and all(map(_is_plain, values)):
            return  # nothing is carried along yet
        keys = tuple(map(_cheap, values))
        key = (site, self._names, *keys)
        if None not in key:
            if key in self._known:  # said over and over in an iteration, it is heard no more
                self._repeated[site] += 1
                if self._repeated[site] > _MOST_REPEATED:
                    self._muted.add(site)
                return
            self._known.add(key)
        kind, _, _, constants = SITES[site]
        operands = list(values)
        for place, constant in constants:
            operands.insert(place, constant)
        described = _described(kind, operands)
        if any(value is not None for value in described):
            self.events.setdefault(site, {})[Event(self._names, described)] = None

    def _begin_iteration(self) -> None:
        self._tags = self._run.tags
        self._names = tuple((loop.name, number) for loop, number in self._tags)
        self._repeated.clear()
        self._muted.clear()


def _codes_around() -> Iterator[CodeType]:
    """Yield the code that runs in this thread."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        yield frame.f_code
        frame = frame.f_back


def _leaves_code_behind(code: CodeType) -> bool:
    """Tell whether a function may be done, and code of it, such as a generator, go on."""
    at_once = ("<listcomp>", "<setcomp>", "<dictcomp>")
    suspended = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
    inner = (const for const in code.co_consts if isinstance(const, CodeType))
    return bool(code.co_flags & suspended) or any(
        each.co_name not in at_once or _leaves_code_behind(each) for each in inner
    )


def _is_plain(value: Any) -> bool:
    """Tell whether a value is no part of a loop that is still to come, such as `zip` of it."""
    kind = type(value)
    if kind in _PLAIN_KEYS or kind in _HELD:
        return True
    if kind is types.BuiltinFunctionType and type(value.__self__) in _HELD | {str}:
        return True
    return _cheap(value) is not None


def _described(kind: str, values: Sequence[Any]) -> tuple[Value, ...]:
    if kind != "call":
        return tuple(map(value_of, values))
    callee = callee_of(values[0])
    if callee is None:
        return ()
    others = list(map(value_of, values[1:]))
    if others and callee in _BY_NAME:
        others[0] = "named", _numbered(values[1])
    return callee, *others


_PLAIN_KEYS = frozenset([int, float, bool, str, type(None)])
_told_by_type: weakref.WeakKeyDictionary[type, bool] = weakref.WeakKeyDictionary()


def _cheap(value: Any) -> Any:
    """Return what tells that a value is described as another was; None if that has to be seen."""
    kind = type(value)
    if kind in _PLAIN_KEYS:
        return kind, value
    if kind is FunctionType:
        return kind, value.__code__
    if kind is types.BuiltinFunctionType:
        owner = value.__self__
        return (kind, value) if owner is None or type(owner) is types.ModuleType else None
    if kind is types.MethodType:  # of a foreign one the state of its owner is described
        code = getattr(value.__func__, "__code__", None)
        return None if code is None or is_foreign(code.co_filename) else (kind, code)
    if kind is types.MethodWrapperType:
        owner = _cheap(value.__self__)
        return owner and (kind, value.__name__, owner)
    if issubclass(kind, type):
        return kind, value
    told = _told_by_type.get(kind)
    if told is None:
        told = _told_by_type[kind] = kind in (SymInt, SymFloat) or not (
            issubclass(kind, _LOOKED_INTO)
            or kind.__module__ == "numpy"
            or hasattr(kind, "__next__")
            or any("__call__" in vars(base) for base in kind.__mro__)
        )
    return (kind,) if told else None


def _report(site: int, place: int, count: int, value: Any) -> Any:
    observer = _Hooks.observer
    if observer is not None:
        observer.report(site, place, count, value)
    return value


_REPORT = "report of symcount"  # no name that code could have


# --- values -----------------------------------------------------------------------------------

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
_STAND_INS = {
    **{id(stand_in): f"builtins.{name}" for name, stand_in in BUILTINS.items()},
    **{id(stand_in): f"math.{name}" for name, stand_in in MATH.items()},
}


def value_of(value: Any, depth: int = 0) -> Value:
    """Describe a plain value: its kind first, and what can be told of it."""
    kind = type(value)  # `isinstance` may ask the value itself, which may report in turn
    if kind is SymInt or kind is SymFloat:
        return None
    if value is None or kind in (int, float, bool):
        return "number", value
    if issubclass(kind, str):
        return "text", str.__str__(value)[:_MOST_TEXT]
    if issubclass(kind, bytes | bytearray):
        text = value[:_MOST_TEXT].decode("latin-1")
        return ("text", text) if issubclass(kind, bytes) else ("state", "bytearray", text)
    if issubclass(kind, _EXACT):
        return "state", kind.__name__, repr(value)
    if kind is slice:
        return "slice", *map(value_of, (value.start, value.stop, value.step))
    if kind is SymRange:
        return "symbolic", "range"
    if issubclass(kind, torch.Tensor):
        return _tensor(value)
    if kind.__module__ == "numpy":
        shape = list(getattr(value, "shape", ()))
        return ("array", int(shape[0]), _first(value)) if shape else _scalar(value)
    length = _length(value) if issubclass(kind, _SIZED) else None
    if length is not None:
        few = issubclass(kind, tuple | list) and length <= _MOST_ELEMENTS and depth < _DEEPEST
        elements = tuple(value_of(v, depth + 1) for v in value) if few else ()
        most = getattr(value, "maxlen", None)
        changes = _changes(value)
        return "many", kind.__name__, length, elements, most, changes, _contents(value)
    if issubclass(kind, int | float):
        return "number", float(value) if issubclass(kind, float) else int(value)
    if hasattr(kind, "__next__"):
        return "iterator", kind.__name__, _hint(value)
    inner = vars(value).get("_modules") if issubclass(kind, torch.nn.Module) else None
    return "object", kind.__qualname__, len(inner or ())


def _length(value: Any) -> int | None:
    try:
        return len(value)
    except Exception:
        return None  # such as a module whose constructor has not begun


_BY_NAME = (("function", "builtins.getattr"), ("function", "builtins.hasattr"))


def _numbered(value: Any) -> tuple[tuple[str, int], ...]:
    """Count the attributes with a number in their names, each name without it, if several are."""
    try:
        held = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return ()
    inner = [held.get(name) for name in ("_modules", "_parameters", "_buffers")]
    tables = [held, *(table for table in inner if isinstance(table, dict))]
    names = (n for table in tables for n in table if type(n) is str and NUMBERS.search(n))
    counts = collections.Counter(NUMBERS.sub("0", name) for name in names)
    return tuple(pair for pair in counts.items() if pair[1] > 1)


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
    pairs = enumerate(itertools.pairwise(value), 1)
    places = (at for at, (a, b) in pairs if {type(a), type(b)} <= _PLAIN and a != b)
    found = tuple(itertools.islice(places, _MOST_CHANGES + 1))
    return found if len(found) <= _MOST_CHANGES else ()


def _contents(value: Any) -> int:
    """Tell small containers of plain values apart by what they hold."""
    if len(value) > _MOST_KEYS or not issubclass(type(value), dict | list | collections.deque):
        return 0
    held = tuple(value.items()) if issubclass(type(value), dict) else tuple(value)
    parts = itertools.chain.from_iterable(held) if issubclass(type(value), dict) else held
    return hash(held) if all(type(part) in _PLAIN for part in parts) else 0


def state_of(value: Any) -> Value:
    """Describe an object of Python's library by what its attributes are, as far as it shows."""
    held = getattr(value, "__dict__", None)
    if held is None:
        return value_of(value)
    parts = ((name, value_of(part)) for name, part in sorted(held.items()))
    return "state", type(value).__qualname__, str(tuple(parts))


def _tensor(tensor: torch.Tensor) -> Value:
    """Describe a tensor by its sizes and first numbers; a symbol may be among neither."""
    observer = _Hooks.observer
    known = observer.known(tensor) if observer is not None else None
    if known is not None and (known.shape is None or known.tainted or is_symbolic(known.shape)):
        return None
    with torch._C.DisableTorchFunction():
        shape = tuple(tensor.shape)
        small = tensor.device.type == "cpu" and tensor.numel() <= _MOST_ELEMENTS**2
        contents = (str(tensor.detach().reshape(-1).tolist()),) if small else ()
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
        return "number", value.item()
    except Exception:
        return None


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
            return "method", value.__name__, value_of(owner)
    code = getattr(value, "__func__", value)
    if isinstance(value, type):
        made_by = (getattr(value, name) for name in ("__init__", "__new__"))
        code = next((f for f in made_by if isinstance(f, FunctionType)), value)
    module = str(getattr(value, "__module__", None))
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
    if module.split(".")[0] == "torch" or module == "None":
        return "torch", getattr(value, "__name__", "")
    return "function", f"{module}.{getattr(value, '__qualname__', type(value).__qualname__)}"


def is_foreign(file: str) -> bool:
    """Tell whether nobody wrote code for a factory: it is of Python, torch or this package."""
    if file.startswith("<frozen") or is_unsourced(file):
        return True
    return is_own(file) or is_of_python(file) or file.startswith((TORCH, NUMPY))


def is_unsourced(file: str) -> bool:
    """Tell whether code was made of a text that is kept nowhere."""
    return file.startswith("<") and not file.startswith("<frozen") and not linecache.getlines(file)


def _may_decide(code: CodeType) -> bool:
    """Tell whether code compares anything, reads of containers or has a loop."""
    decides = ("COMPARE_OP", "CONTAINS_OP", "BINARY_SUBSCR", "BINARY_SLICE", "FOR_ITER")
    return any(step.opname in decides for step in dis.get_instructions(code))


# --- code that reports --------------------------------------------------------------------------

_twins: dict[int, tuple[CodeType, CodeType | None]] = {}
_made_here: set[CodeType] = set()


def reporting(functions: Iterable[FunctionType]) -> dict[FunctionType, CodeType]:
    """Return code that does the same and reports, for those functions of which there is source."""
    made = {}
    if len(_twins) > _MOST_TWINS:
        _twins.clear()
    for function in functions:
        code = original_code(function.__code__)
        if id(code) not in _twins:
            twin = _twin_in(_alone(code, function.__qualname__), code)
            _twins[id(code)] = code, twin or _twin_in(_in_file(code), code)
        twin = _twins[id(code)][1]
        if twin is not None:
            made[function] = twin
    return made


def _twin_in(tree: ast.Module | None, code: CodeType) -> CodeType | None:
    """Compile a tree, reporting, and return what is code of it."""
    if tree is None:
        return None
    try:
        tree = _Reporting(code.co_filename).visit(tree)
        whole = compile(tree, code.co_filename, "exec", code.co_flags & _FUTURE, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError):
        return None
    made = list(nested(whole))
    alike = [twin for twin in made if _key(twin) == _key(code)]
    if len(alike) != 1:
        return None
    reporting = with_constant(alike[0], _REPORT, _report)
    for twin in nested(reporting):
        made_of(twin, twin)
        _made_here.add(twin)
    return reporting


def _alone(code: CodeType, name: str) -> ast.Module | None:
    """Parse the source of a function in what it stands in, and nothing else."""
    *classes, own = name.split("<locals>.")[-1].split(".")
    ends = [lines[-1] for each in nested(code) if (lines := _lines(each))]
    text = linecache.getlines(code.co_filename)[code.co_firstlineno - 1 : max(ends, default=0)]
    if not text or "<" in own:
        return None
    around = [f"class {each}:" for each in classes]
    free = [each for each in code.co_freevars if not (classes and each == "__class__")]
    if free or (not around and text[0][0].isspace()):
        around.insert(0, f"def around({', '.join(free)}):")
    around = [f"{' ' * depth}{line}\n" for depth, line in enumerate(around)]
    before = "\n" * (code.co_firstlineno - 1 - len(around))
    try:
        return ast.parse("".join([before, *around, *text]))
    except (SyntaxError, ValueError):
        return None


def _lines(code: CodeType) -> list[int]:
    """The lines of code, in order, to the end of the last statement."""
    if sys.version_info >= (3, 11):
        return sorted({end for _, end, _, _ in code.co_positions() if end})
    return sorted({line for _, _, line in code.co_lines() if line})


def _in_file(code: CodeType) -> ast.Module | None:
    """Parse the file of code, and keep what it stands in."""
    try:
        tree = ast.parse("".join(linecache.getlines(code.co_filename)))
    except (SyntaxError, ValueError):
        return None
    tree.body = list(_kept(tree.body, {code.co_firstlineno}))
    return tree


def _key(code: CodeType) -> tuple[Any, ...]:
    return (
        code.co_firstlineno, code.co_name, code.co_varnames, code.co_freevars, code.co_argcount,
    )  # fmt: skip


def _kept(body: Sequence[ast.stmt], lines: set[int]) -> Iterator[ast.stmt]:
    """The statements in which functions start at some lines; of classes, only these methods."""
    for statement in body:
        decorators = getattr(statement, "decorator_list", ())
        first = min([statement.lineno, *(d.lineno for d in decorators)])
        if not any(first <= line <= (statement.end_lineno or first) for line in lines):
            continue
        if isinstance(statement, ast.ClassDef):
            statement.body = list(_kept(statement.body, lines)) or [ast.Pass()]
        yield statement


class _Reporting(ast.NodeTransformer):
    """Rewrites code so that it reports the operands of what may decide something."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.inside: list[str] = []
        self.tests: set[int] = set()  # what is in the condition of a `while`

    def _told(self, kind: str, at: Any, values: Sequence[ast.expr], *names: str) -> list[Any]:
        is_chain = len(values) > 2 and kind == "compare"
        constants = {
            place: value.value
            for place, value in enumerate(values)
            if isinstance(value, ast.Constant) and not is_chain
        }
        asked = [value for place, value in enumerate(values) if place not in constants]
        site = len(SITES)
        where = self.inside[-1] if self.inside else "<module>"
        source = Source(self.file, at.lineno, where)
        SITES.append(Site(kind, source, names, tuple(constants.items())))
        told = iter([_call([site, i, len(asked)], value) for i, value in enumerate(asked)])
        return [v if place in constants else next(told) for place, v in enumerate(values)]

    def _truth(self, test: ast.expr) -> ast.expr:
        decided = (ast.Compare, ast.BoolOp, ast.Constant)
        is_not = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
        if isinstance(test, decided) or is_not:
            return test
        (told,) = self._told("truth", test, [test])
        return told  # type: ignore[no-any-return]

    def visit_FunctionDef(self, node: Any) -> Any:
        self.inside.append(node.name)
        node.body = [self.visit(statement) for statement in node.body]
        node.body = [s for item in node.body for s in (item if isinstance(item, list) else [item])]
        node.args.defaults = [self.visit(value) for value in node.args.defaults]
        self.inside.pop()
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_Compare(self, node: ast.Compare) -> Any:
        self.generic_visit(node)
        operands = [node.left, *node.comparators]
        names = tuple(type(op).__name__ for op in node.ops)
        if len(operands) > 2:  # the middle ones are of two comparisons
            node.left, *node.comparators = self._told("compare", node, operands, *names)
            return node
        kind = "while" if id(node) in self.tests else "compare"
        is_none = any(isinstance(o, ast.Constant) and o.value is None for o in operands)
        if not (names[0] in ("Is", "IsNot") and is_none):
            node.left, *node.comparators = self._told(kind, node, operands, *names)
        else:
            (node.left,) = self._told("none", node, [node.left])
        return node

    def visit_Call(self, node: ast.Call) -> Any:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in _LEFT_ALONE:
            return node
        plain = [i for i, a in enumerate(node.args) if not isinstance(a, ast.Starred)]
        keywords = [k for k in node.keywords if k.arg is not None]
        values = [node.func, *(node.args[i] for i in plain), *(k.value for k in keywords)]
        node.func, *told = self._told("call", node, values, *(str(k.arg) for k in keywords))
        for i, value in zip(plain, told[: len(plain)], strict=True):
            node.args[i] = value
        for keyword, value in zip(keywords, told[len(plain) :], strict=True):
            keyword.value = value
        for a in node.args:
            if isinstance(a, ast.Starred) and not isinstance(a.value, _MADE_NEW):
                (a.value,) = self._told("spread", node, [a.value])
        return node

    def visit_Assign(self, node: ast.Assign) -> Any:
        self.generic_visit(node)
        is_unpacked = any(isinstance(target, ast.Tuple | ast.List) for target in node.targets)
        if is_unpacked and not isinstance(node.value, _MADE_NEW):
            (node.value,) = self._told("unpack", node, [node.value])
        return node

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        self.generic_visit(node)
        part: Any = node.slice
        if isinstance(part, ast.Tuple) and part.elts and isinstance(part.elts[0], ast.Slice):
            part = part.elts[0]
        kind = "delete" if isinstance(node.ctx, ast.Del) else "index"
        if isinstance(part, ast.Slice):
            names = [n for n in ("lower", "upper", "step") if getattr(part, n) is not None]
            bounds = [getattr(part, name) for name in names]
            kind = "slice" if kind == "index" else kind
            node.value, *told = self._told(kind, node, [node.value, *bounds], *names)
            for name, value in zip(names, told, strict=True):
                setattr(part, name, value)
        elif isinstance(node.ctx, ast.Store):
            node.value, node.slice = self._told("store", node, [node.value, part])
        elif not isinstance(part, ast.Tuple):
            node.value, node.slice = self._told(kind, node, [node.value, part])
        return node

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        self.generic_visit(node)
        kind, name = _arithmetic(node.op)
        node.left, node.right = self._told(kind, node, [node.left, node.right], name)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        self.generic_visit(node)
        if not isinstance(node.target, ast.Name):
            return node
        kind, name = _arithmetic(node.op)
        target = ast.copy_location(ast.Name(node.target.id, ast.Load()), node)
        told, node.value = self._told(kind, node, [target, node.value], name, "in place")
        return [ast.copy_location(ast.Expr(told), node), node]

    def visit_FormattedValue(self, node: ast.FormattedValue) -> Any:
        self.generic_visit(node)
        if node.format_spec is not None and not _PLAIN_FORMAT.fullmatch(_constant(node)):
            (node.value,) = self._told("format", node, [node.value])
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        self.generic_visit(node)
        *first, last = node.values  # what the last one is, is for whoever uses it
        node.values = [*map(self._truth, first), last]
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        self.generic_visit(node)
        if isinstance(node.op, ast.Not):
            node.operand = self._truth(node.operand)
        return node

    def _with_test(self, node: Any) -> Any:
        self.generic_visit(node)
        node.test = self._truth(self._last(node.test))
        return node

    visit_If = visit_IfExp = visit_Assert = _with_test

    def visit_While(self, node: ast.While) -> Any:
        self.tests.update(id(test) for test in ast.walk(node.test))
        return self._with_test(node)

    def _last(self, test: ast.expr) -> ast.expr:
        if isinstance(test, ast.BoolOp):
            test.values[-1] = self._truth(self._last(test.values[-1]))
        return test

    def visit_comprehension(self, node: ast.comprehension) -> Any:
        self.generic_visit(node)
        node.ifs = [self._truth(self._last(test)) for test in node.ifs]
        return self._gone_through(node)

    def visit_For(self, node: ast.For) -> Any:
        self.generic_visit(node)
        return self._gone_through(node)

    def _gone_through(self, node: Any) -> Any:
        if not isinstance(node.iter, _MADE_NEW):
            (node.iter,) = self._told("iterate", node.iter, [node.iter])
        return node

    def visit_Match(self, node: ast.Match) -> Any:
        self.generic_visit(node)
        (node.subject,) = self._told("match", node.subject, [node.subject])
        return node


# Expressions that make what is gone through, and no others go through it.
_MADE_NEW = ast.Call | ast.List | ast.Tuple | ast.Set | ast.Dict | ast.ListComp | ast.GeneratorExp


def _arithmetic(operation: ast.operator) -> tuple[str, str]:
    name = type(operation).__name__
    return "flat" if isinstance(operation, (*_FLAT, ast.Sub)) else "arithmetic", name


def _constant(value: ast.FormattedValue) -> str:
    """Return the format of a value as far as it is written down; something else if it is not."""
    parts = value.format_spec.values if isinstance(value.format_spec, ast.JoinedStr) else []
    return "".join(str(getattr(part, "value", "?")) for part in parts)


def _call(numbers: Sequence[int], value: ast.expr) -> ast.Call:
    """Call `report` with a value where it stands."""
    args: list[ast.expr] = [ast.Constant(number) for number in numbers]
    call = ast.Call(ast.Name(_REPORT, ast.Load()), args, [])
    for node in (call, call.func, *args):
        ast.copy_location(node, value)
    args.append(value)
    return call


# --- whose code it is ---------------------------------------------------------------------------


# Functions that no module or class holds, and the codes for which all objects were looked through.
_held: weakref.WeakSet[FunctionType] = weakref.WeakSet()
_sought: weakref.WeakSet[CodeType] = weakref.WeakSet()


def _functions_with(
    codes: Mapping[int, tuple[CodeType, dict[str, Any]]], roots: Iterable[FunctionType]
) -> list[FunctionType]:
    """The functions that there are which run some codes; of the rest others make them in a run."""
    spaces = {id(names): names for _, names in codes.values()}
    found: dict[FunctionType, None] = {}
    for function in (*roots, *(f for names in spaces.values() for f in functions_in(names))):
        if id(original_code(function.__code__)) in codes:
            found[function] = None
    for function in (f for f in _held if id(original_code(f.__code__)) in codes):
        found[function] = None
    known = {id(original_code(function.__code__)) for function in found}
    missing = [code for key, (code, _) in codes.items() if key not in known]
    inner = {each for function in found for each in nested(original_code(function.__code__))}
    if any(code not in inner or code not in _sought for code in missing):
        _sought.update(missing)
        for holder in gc.get_referrers(*missing):
            if isinstance(holder, FunctionType):
                found[holder] = None
                _held.add(holder)
    return list(found)
