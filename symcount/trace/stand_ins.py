"""Following `int()`, `max()`, `range()`, `math.*` and the like, which would drop a symbol.

Python's `int(x)` returns a plain integer whatever `x` is, and so do `float`, `range` and most of
`math`. While a factory runs, modules that call one of them on a symbol see a replacement instead.

Which modules? Not all of `sys.modules`: writing names into three thousand of them costs more than
tracing does. Replacing `builtins.int` itself costs less, but breaks `type(x) is int` everywhere.
So modules are shadowed lazily. A symbol is asked for a plain number through a hook; if the code
that asked mentions one of the intercepted names and its module is not shadowed yet, the module is
added and the run starts again (`Restart`). That happens once a module and process: later runs
shadow it from the start. The globals are restored after every run, whatever ended it.

Replacements act on symbols only. Given plain values they do what the original does, so code of
another thread that meets one computes the same.
"""

from __future__ import annotations

import builtins
import copy
import copyreg
import functools
import inspect
import math
import operator
import sys
import types
import weakref
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any, NamedTuple

import numpy

from symcount import interception
from symcount.errors import UnsupportedError
from symcount.record import FLOAT_FUNCTIONS, FLOAT_FUNCTIONS_2, INTEGER_FUNCTIONS_2
from symcount.trace.loops import SymRange
from symcount.trace.proxies import SymFloat, SymInt, apply, hint, operand
from symcount.trace.renaming import (
    is_renamed,
    make_importable,
    make_known,
    original_code,
    owners,
    renamed,
)


def is_symbol(value: object) -> bool:
    """Whether `value` is a `SymInt` or `SymFloat`; never decides a branch."""
    kind = type(value)
    return kind is SymInt or kind is SymFloat


def _first_symbol(values: tuple[Any, ...]) -> Any:
    for value in values:
        if is_symbol(value):
            return value
    return None


def apply_to(op: str, *args: Any) -> Any:
    """The symbol for `op` of plain numbers and symbols, at least one of them a symbol."""
    run = _first_symbol(args)._run
    operands = [operand(a) for a in args]
    if any(o is None for o in operands):
        raise TypeError(f"{op} of a symbol takes numbers, not {args!r}")
    return apply(run, op, *operands)  # type: ignore[arg-type]


# --- types ------------------------------------------------------------------------------------


class TypeShadow(type):
    """The metaclass of stand-ins for `int` and `float`: equal to the original in all but `is`.

    A class that is made of one is made of the original, and so is what is loaded of its pickle.
    """

    original: type

    def __new__(
        cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **keywords: Any
    ) -> Any:
        if not any(isinstance(base, TypeShadow) for base in bases):
            copyreg.pickle(cls, _pickled)
            return super().__new__(cls, name, bases, namespace, **keywords)
        originals = tuple(b.original if isinstance(b, TypeShadow) else b for b in bases)
        return types.new_class(name, originals, keywords, lambda made: made.update(namespace))

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, cls.original)

    def __subclasscheck__(cls, kind: type) -> bool:
        return kind is cls or issubclass(kind, cls.original)

    def __eq__(cls, other: object) -> bool:
        return other is cls or other is cls.original

    def __hash__(cls) -> int:
        return hash(cls.original)

    def __repr__(cls) -> str:
        return repr(cls.original)

    def __or__(cls, other: Any) -> Any:
        return cls.original | other

    def __ror__(cls, other: Any) -> Any:
        return other | cls.original

    def __getattr__(cls, name: str) -> Any:
        return getattr(cls.original, name)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs and is_symbol(args[0]):
            return cls.convert(args[0])
        return cls.original(*args, **kwargs)

    def convert(cls, symbol: Any) -> Any:
        """The symbol for `original(symbol)`."""
        raise NotImplementedError


def _pickled(shadow: TypeShadow) -> tuple[Any, ...]:
    return copy.copy, (shadow.original,)  # a copy of a class is the class


class _IntMeta(TypeShadow):
    def convert(cls, symbol: Any) -> Any:
        return symbol if type(symbol) is SymInt else symbol.__trunc__()


class _FloatMeta(TypeShadow):
    def convert(cls, symbol: Any) -> Any:
        return symbol if type(symbol) is SymFloat else apply_to("float", symbol)


class IntShadow(metaclass=_IntMeta):
    """Stands in for `int`."""

    original = int


class FloatShadow(metaclass=_FloatMeta):
    """Stands in for `float`."""

    original = float


# --- functions --------------------------------------------------------------------------------


def _extremum(name: str) -> Callable[..., Any]:
    native = getattr(builtins, name)

    def replacement(*args: Any, **kwargs: Any) -> Any:
        values = tuple(args[0]) if len(args) == 1 else args
        if _first_symbol(values) is None:
            return native(*(args if len(args) > 1 else (values,)), **kwargs)
        if not kwargs and all(isinstance(hint(v), int) for v in values):
            return functools.reduce(functools.partial(apply_to_pair, name), values)
        # With a key, or floats among the values, the result is one of the objects: a branch.
        if len(args) == 1:
            return native(values, **kwargs)
        return native(*values, **kwargs)

    return replacement


def apply_to_pair(op: str, a: Any, b: Any) -> Any:
    """`op` of two numbers, symbolic if either is."""
    if is_symbol(a) or is_symbol(b):
        return apply_to(op, a, b)
    return getattr(math, op)(a, b) if hasattr(math, op) else getattr(builtins, op)(a, b)


def unrolled(value: Any) -> Any:
    """The plain value of an integer symbol that says how many of something there are."""
    if type(value) is SymInt:
        value._check()
        return value._run.unroll(value)
    return value


def specialised(value: Any) -> Any:
    """The plain value of an integer symbol, followed for this very value: a branch."""
    if type(value) is SymInt:
        value._check()
        return value._run.specialised(value)
    return value


def _range(*args: Any) -> Any:
    symbol = _first_symbol(args)
    if symbol is None or not 1 <= len(args) <= 3 or not all(isinstance(a, int) for a in args):
        return range(*args)
    symbol._check()
    start, stop, step = (0, *args, 1) if len(args) == 1 else (*args, 1)[:3]
    if symbol._run.specialising or type(step) is not int or step == 0:
        return range(*map(symbol._run.specialised, args))
    distance = stop - start if step > 0 else start - stop
    count = apply_to_pair("max", (distance + abs(step) - 1) // abs(step), 0)
    return SymRange(symbol._run, start, stop, step, count)


class _RangeMeta(TypeShadow):
    def __call__(cls, *args: Any) -> Any:
        return _range(*args)


class RangeShadow(metaclass=_RangeMeta):
    """Stands in for `range`: with a symbolic bound it is a loop to be folded."""

    original = range


def _sum(iterable: Any, /, start: Any = 0) -> Any:
    items = list(iterable)
    if sys.version_info >= (3, 12) and any(type(i) is SymFloat for i in items):
        raise UnsupportedError(
            "sum() of symbolic floats is compensated since Python 3.12, which is not modelled; "
            "add them with + instead"
        )
    return sum(items, start)


def _index(value: Any, /) -> Any:
    return value if type(value) is SymInt else operator.index(value)


def _linspace(original: Callable[..., Any]) -> Any:
    """Return `numpy.linspace` with as many numbers as a loop over their number has iterations."""

    def linspace(start: Any, stop: Any, num: Any = 50, *args: Any, **kwargs: Any) -> Any:
        if type(num) is not SymInt:
            return original(start, stop, num, *args, **kwargs)
        made = original(start, stop, unrolled(num), *args, **kwargs)
        if not isinstance(made, numpy.ndarray):
            return made
        return numpy.asarray(num._run.concretise_value("numpy.linspace()", made.tolist()))

    return linspace


def _math_function(name: str) -> Callable[..., Any]:
    native = getattr(math, name)

    def replacement(*args: Any) -> Any:
        return native(*args) if _first_symbol(args) is None else apply_to(name, *args)

    return replacement


def _math_fold(name: str) -> Callable[..., Any]:
    native = getattr(math, name)

    def replacement(*args: Any) -> Any:
        if _first_symbol(args) is None:
            return native(*args)
        return abs(functools.reduce(functools.partial(apply_to_pair, name), args))

    return replacement


def _log(*args: Any) -> Any:
    if _first_symbol(args) is None:
        return math.log(*args)
    return apply_to("log" if len(args) == 1 else "log_base", *args)


def _pow(x: Any, y: Any, /) -> Any:
    return math.pow(x, y) if _first_symbol((x, y)) is None else apply_to("math_pow", x, y)


def _hypot(*args: Any) -> Any:
    return math.hypot(*args) if _first_symbol(args) is None else apply_to("hypot", *args)


def _prod(iterable: Any, /, *, start: Any = 1) -> Any:
    return functools.reduce(operator.mul, iterable, start)


def _isclose(a: Any, b: Any, *, rel_tol: float = 1e-09, abs_tol: float = 0.0) -> bool:
    if _first_symbol((a, b)) is None:
        return math.isclose(a, b, rel_tol=rel_tol, abs_tol=abs_tol)
    if a == b:
        return True
    difference = abs(b - a)
    return bool(
        difference <= abs(rel_tol * b) or difference <= abs(rel_tol * a) or difference <= abs_tol
    )


def _constant_test(name: str, answer: bool) -> Callable[[Any], bool]:
    native = getattr(math, name)

    def replacement(x: Any, /) -> bool:
        return answer if is_symbol(x) else native(x)

    return replacement


MATH: dict[str, Callable[..., Any]] = {
    **{name: _math_function(name) for name in FLOAT_FUNCTIONS if name != "log"},
    **{name: _math_function(name) for name in FLOAT_FUNCTIONS_2},
    **{name: _math_function(name) for name in ("isqrt", "factorial", "comb", "perm")},
    "gcd": _math_fold("gcd"),
    "lcm": _math_fold("lcm"),
    "log": _log,
    "pow": _pow,
    "hypot": _hypot,
    "prod": _prod,
    "isclose": _isclose,
    "isfinite": _constant_test("isfinite", True),
    "isinf": _constant_test("isinf", False),
    "isnan": _constant_test("isnan", False),
}
assert set(INTEGER_FUNCTIONS_2) <= set(MATH)

BUILTINS: dict[str, Any] = {
    "int": IntShadow,
    "float": FloatShadow,
    "max": _extremum("max"),
    "min": _extremum("min"),
    "sum": _sum,
    "range": RangeShadow,
}


# --- modules ----------------------------------------------------------------------------------


class ModuleShadow(ModuleType):
    """A module with some of its attributes replaced."""

    def __init__(self, original: ModuleType, replaced: dict[str, Any]) -> None:
        super().__init__(original.__name__, original.__doc__)
        self.__dict__["_original"] = original
        self.__dict__.update(replaced)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_original"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.__dict__["_original"], name, value)

    def __dir__(self) -> list[str]:
        return dir(self.__dict__["_original"])


_by_identity: dict[int, tuple[Any, str]] = {}
# In the code of a package, what a global of this identity reads as instead.
_within: dict[tuple[str, int], tuple[str, ModuleShadow]] = {}
# What so much code mentions that this alone does not say that it uses what is replaced.
_mentioned_by_all: set[int] = set()
# In a module, what a global of this name reads as instead.
_in_module: dict[int, dict[str, str]] = {}
_names: set[str] = set()
_builtins: dict[str, str] = {}
_imported: dict[str, str] = {}


def intercept(original: Any, replacement: Any, *names: str) -> None:
    """From now on, code that is intercepted reads `replacement` for a global that is `original`.

    Code that mentions one of `names` is taken to use it.
    """
    name = f"{getattr(original, '__module__', 'module')}.{original.__name__}"
    _by_identity[id(original)] = original, make_known(name, replacement)
    _names.update(names)


def intercept_module(original: ModuleType, replaced: dict[str, Any], *names: str) -> ModuleShadow:
    """The same of a module, some of whose attributes are replaced; also where it is imported."""
    shadow = ModuleShadow(original, replaced)
    intercept(original, shadow, *names)
    _imported[original.__name__] = make_importable(original.__name__, shadow)
    if not replaced:  # it is what will be replaced that counts
        _mentioned_by_all.add(id(original))
    return shadow


def intercept_within(original: ModuleType, shadow: ModuleShadow) -> None:
    """From now on, the code of a module's own package reads this if it uses what is replaced.

    So does code that imports the module in a function.
    """
    package = original.__name__
    _imported[package] = make_importable(package, shadow)
    _within[package, id(original)] = make_known(f"{package} of {package}", shadow), shadow


for _name, _replacement in BUILTINS.items():
    intercept(getattr(builtins, _name), _replacement, _name)
    _builtins[_name] = _by_identity[id(getattr(builtins, _name))][1]
for _name, _replacement in MATH.items():
    intercept(getattr(math, _name), _replacement, _name)
intercept_module(math, MATH)
intercept(operator.index, _index, "index")
intercept_module(operator, {"index": _index})

# --- whose code is intercepted ------------------------------------------------------------------


class _Intercepted(NamedTuple):
    """The code of a function, what it is for runs, and the globals that this depends on."""

    before: CodeType
    instead: CodeType
    reads: tuple[tuple[str, Any], ...]


_functions: weakref.WeakKeyDictionary[FunctionType, _Intercepted] = weakref.WeakKeyDictionary()
_mentions: dict[int, tuple[CodeType, bool]] = {}
_made_anew: set[CodeType] = set()
_missing = object()
# What is remembered of code that nothing else may be using any more.
_MOST_CODES = 1 << 16
# So many times a function of some code is intercepted in one trace, lest it be made anew each time.
_MOST_TWINS = 4


def _mentions_intercepted(code: CodeType, names: dict[str, Any]) -> bool:
    known = _mentions.get(id(code))
    if known is None:
        values = {id(names.get(name)) for name in code.co_names} - _mentioned_by_all
        mentioned = not (
            _names.isdisjoint(code.co_names) and _by_identity.keys().isdisjoint(values)
        )
        known = _remember(code, mentioned and not is_renamed(code))
    return known[1]


def _remember(code: CodeType, answer: bool) -> tuple[CodeType, bool]:
    if len(_mentions) >= _MOST_CODES:
        _mentions.clear()
    known = _mentions[id(code)] = code, answer
    return known


def intercept_if_needed(
    frame: FrameType, asked: Counter[CodeType], roots: Sequence[FunctionType] = ()
) -> bool:
    """Intercept the code of a frame from the next run on if it may keep a symbol.

    Returns whether there was something to do for that, so that the run must start again. `asked`
    says of which code that was so before; code of which new functions are made again and again,
    out of nothing that is known, is left alone.
    """
    code, names = frame.f_code, frame.f_globals
    return (
        _mentions_intercepted(code, names)
        and code not in _made_anew
        and _intercept(code, names, asked, roots)
    )


def _intercept(
    code: CodeType, names: dict[str, Any], asked: Counter[CodeType], roots: Sequence[FunctionType]
) -> bool:
    asked[code] += 1
    if asked[code] > _MOST_TWINS:
        if len(_made_anew) >= _MOST_CODES:
            _made_anew.clear()
        _made_anew.add(code)
        return False
    found = owners(code, names, roots, _functions.__contains__)
    changed = any([_intercept_function(function) for function in found])
    if not changed:
        _remember(code, False)
    return changed


def intercept_anew() -> None:
    """Look again for what is replaced in the code that is intercepted, as there is more of it."""
    _mentions.clear()
    for function in tuple(_functions):
        _intercept_function(function)


def _intercept_function(function: FunctionType) -> bool:
    """Intercept the code of a function from the next run on; whether that changes anything."""
    code, names = original_code(function.__code__), function.__globals__
    reads: dict[str, Any] = {}

    def loads(code: CodeType, name: str) -> str | None:
        value = names.get(name, _missing)
        private = _private_name(code, names, name, value)
        if private is not None:
            reads[name] = value
        return private

    of_python = names.get("__builtins__", builtins)
    if of_python is builtins or of_python is vars(builtins):
        instead = renamed(code, loads, lambda _, name: _imported.get(name))
    else:
        instead = code  # it would not find what it is to read instead
    _functions[function] = _Intercepted(code, instead, tuple(reads.items()))
    return instead is not code


def _private_name(code: CodeType, names: dict[str, Any], name: str, value: Any) -> str | None:
    """What a global reads as instead in a run, if there is such."""
    if value is _missing:
        return _builtins.get(name)
    special = _in_module.get(id(names), {}).get(name)
    if special is not None:
        return special
    package = str(names.get("__name__")).split(".")[0]
    if (package, id(value)) in _within:
        private, shadow = _within[package, id(value)]
        return None if vars(shadow).keys().isdisjoint(code.co_names) else private
    return _by_identity.get(id(value), (None, None))[1]


def intercept_in(names: dict[str, Any], replaced: Mapping[str, Any]) -> None:
    """Intercept all functions of a module that read some of its globals, from the start.

    So what a run skips does not depend on what ran before.
    """
    module = names["__name__"]
    _in_module.setdefault(id(names), {}).update(
        (name, make_known(f"{module}.{name}", value)) for name, value in replaced.items()
    )
    functions = [f for f in names.values() if isinstance(f, FunctionType)]
    for function in functions:
        is_own = function.__globals__ is names
        if is_own and not replaced.keys().isdisjoint(function.__code__.co_names):
            _intercept_function(function)


# Functions that ask for a plain number in code of their own, whoever calls them, and other code.
_OF_NUMPY: list[tuple[FunctionType, CodeType]] = [
    (function, interception.code_calling(_linspace(interception.copy_of(function)), function))
    for function in [inspect.unwrap(numpy.linspace)]
    if isinstance(function, FunctionType)
]


def intercept_functions() -> None:
    """Have the functions concerned run the code that they are to, until all is restored."""
    for function, code in _OF_NUMPY:
        interception.replace(function, "__code__", code)
    for function, known in tuple(_functions.items()):
        if not _is_current(function, known):
            _intercept_function(function)
            known = _functions[function]
        if known.instead is not known.before:
            interception.replace(function, "__code__", known.instead)


def _is_current(function: FunctionType, known: _Intercepted) -> bool:
    """Whether neither the function nor a global that it reads has become something else."""
    if function.__code__ is not known.before:
        return False
    names = function.__globals__
    return all(names.get(name, _missing) is value for name, value in known.reads)
