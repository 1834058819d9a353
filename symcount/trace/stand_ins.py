"""Follow `int()`, `max()`, `range()`, `math.*` and the like, which would drop a symbol.

Python's `int(x)` returns a plain integer whatever `x` is, and so do `float`, `range` and most of
`math`. Code of a factory that asked a symbol for a plain number, and mentions one of these, reads a
stand-in instead while a run lasts (`symcount.trace.intercepting`).

Stand-ins act on symbols only. Given plain values they do what the original does, so code of another
thread that meets one computes the same.
"""

from __future__ import annotations

import builtins
import copy
import copyreg
import functools
import itertools
import math
import operator
import types
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from symcount.errors import UnsupportedError
from symcount.record import FLOAT_FUNCTIONS, FLOAT_FUNCTIONS_2, INTEGER_FUNCTIONS_2
from symcount.trace import visited
from symcount.trace.bytecode import SUM_COMPENSATES_INTEGERS, SUM_IS_COMPENSATED
from symcount.trace.loops import REPEATED, SymRange, Zipped, zipped
from symcount.trace.proxies import (
    SymFloat,
    SymInt,
    apply,
    calling_frame,
    hint,
    operand,
    require_finite,
    user_frame,
)


def is_symbol(value: object) -> bool:
    """Tell whether `value` is a `SymInt` or `SymFloat`; never decides a branch."""
    kind = type(value)
    return kind is SymInt or kind is SymFloat


def _first_symbol(values: tuple[Any, ...]) -> Any:
    for value in values:
        if is_symbol(value):
            return value
    return None


def apply_to(op: str, *args: Any) -> Any:
    """The symbol for `op` of plain numbers and symbols, at least one of them a symbol."""
    run = _first_symbol(args)._symcount_run
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


class _TypeMeta(TypeShadow):
    def convert(cls, symbol: Any) -> Any:
        return type(hint(symbol))


class IntShadow(metaclass=_IntMeta):
    """Stands in for `int`."""

    original = int


class FloatShadow(metaclass=_FloatMeta):
    """Stands in for `float`."""

    original = float


class TypeOfShadow(metaclass=_TypeMeta):
    """Stands in for `type`: a symbol is of the type of the number that it passes for."""

    original = type


for _shadow in (IntShadow, FloatShadow, TypeOfShadow):
    for _name in ("__name__", "__qualname__", "__module__", "__doc__"):
        setattr(_shadow, _name, getattr(_shadow.original, _name))


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
        return value._symcount_run.unroll(value)
    return value


def specialised(value: Any) -> Any:
    """The plain value of an integer symbol, followed for this very value: a branch."""
    if type(value) is SymInt:
        value._check()
        return value._symcount_run.specialised(value)
    return value


def _range(*args: Any) -> Any:
    symbol = _first_symbol(args)
    if symbol is None or not 1 <= len(args) <= 3 or not all(isinstance(a, int) for a in args):
        return range(*args)
    symbol._check()
    start, stop, step = (0, *args, 1) if len(args) == 1 else (*args, 1)[:3]
    if symbol._symcount_run.specialising or step == 0:
        return range(*map(symbol._symcount_run.specialised, args))
    distance, stride = (stop - start, step) if step > 0 else (start - stop, -step)
    count = apply_to_pair("max", (distance + stride - 1) // stride, 0)
    return SymRange(symbol._symcount_run, start, stop, step, count)


class _RangeMeta(TypeShadow):
    def __call__(cls, *args: Any) -> Any:
        return _range(*args)


class RangeShadow(metaclass=_RangeMeta):
    """Stands in for `range`: with a symbolic bound it is a loop to be folded."""

    original = range


def _enumerate(iterable: Any, start: Any = 0) -> Any:
    """Number the iterations of a loop over a symbol by its index."""
    if type(iterable) is SymRange:
        numbers = iterable._symcount_run.iterate(iterable._symcount_length, 0, 1)
        return ((start + k, iterable.start + k * iterable.step) for k in numbers)
    if type(iterable) is Zipped:
        return iterable.numbered(start)
    known = REPEATED.get(id(iterable))
    if known is None or len(known.sequence) != known.width * hint(known.times):
        return enumerate(iterable, start)
    return ((k, element) for k, (element,) in Zipped([known]).numbered(start))


def _zip(*iterables: Any, **kwargs: Any) -> Any:
    together = zipped(iterables) if REPEATED else None
    return zip(*iterables, **kwargs) if together is None else together  # noqa: B905


class _RepeatMeta(TypeShadow):
    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        times = args[1] if len(args) == 2 else kwargs.get("times")
        if type(times) is not SymInt or len(args) + len(kwargs) != 2:
            return itertools.repeat(*args, **kwargs)
        return iter([args[0] if args else kwargs["object"]] * times)


class RepeatShadow(metaclass=_RepeatMeta):
    """Stands in for `itertools.repeat`: as often as a symbol says is a list that is repeated."""

    original = itertools.repeat


def _len(value: Any, /) -> Any:
    """The length of a tuple that is repeated; a list may have become longer since."""
    known = REPEATED.get(id(value)) if type(value) is tuple else None
    return len(value) if known is None else known.length


def _sum(iterable: Any, /, start: Any = 0) -> Any:
    items = list(iterable)
    symbol = next((item for item in (start, *items) if type(item) is SymFloat), None)
    if symbol is None or not SUM_IS_COMPENSATED:
        return sum(items, start)
    if not all(type(item) in (float, SymFloat) or _is_small(item) for item in (start, *items)):
        symbol._symcount_run.refuse(
            UnsupportedError(
                f"{user_frame().source}: sum() of symbolic floats and other numbers is not "
                "modelled; add them with + instead, or make them floats first: float(x)"
            )
        )
    return _compensated(items, start)


def _is_small(value: Any) -> bool:
    """Tell whether a value is an integer that a double holds exactly."""
    return type(value) is int and abs(value) <= 2**53


def _compensated(items: Iterable[Any], start: Any) -> Any:
    """Add up as CPython does since 3.12, with the rounding errors added at the end (Neumaier).

    An error is computed without a branch (Knuth's TwoSum), which gives the same number.
    """
    total, errors = start, 0.0
    for item in items:
        before, total = total, total + item
        if type(before) is not int and (type(item) is not int or SUM_COMPENSATES_INTEGERS):
            added = total - before
            errors = errors + ((before - (total - added)) + (item - added))
    return total + errors


def index(value: Any, /) -> Any:
    return value if type(value) is SymInt else operator.index(value)


def _identity(value: Any, /) -> int:
    """Stand in for `id`, which tells two equal numbers apart or not, as it happens."""
    frame = calling_frame()
    if frame.f_globals.get("__name__") == "copy":
        return id(value)  # of what `copy.deepcopy` then returns as is
    held = visited.still_held() if is_symbol(value) or type(value) in (int, float) else None
    if held is not None:
        held._symcount_run.assume_identity(held)
    if is_symbol(value):
        if not visited.is_new(value, frame):
            value._symcount_run.assume_identity(value)
    elif type(value) not in (int, float):
        visited.OBJECTS[id(value)] = value
    return id(value)


def _is(a: Any, b: Any, /) -> bool:
    for value, other in ((a, b), (b, a)):
        if is_symbol(value) and isinstance(other, int | float | SymInt | SymFloat):
            value._symcount_run.assume_identity(value)
    return a is b


def _is_not(a: Any, b: Any, /) -> bool:
    return not _is(a, b)


def _math_function(name: str) -> Callable[..., Any]:
    native = getattr(math, name)

    def replacement(*args: Any) -> Any:
        is_native = _first_symbol(args) is None or len(args) != operands
        return native(*args) if is_native else apply_to(name, *args)

    operands = 2 if name in (*FLOAT_FUNCTIONS_2, *INTEGER_FUNCTIONS_2) else 1
    return replacement


def _perm(n: Any, k: Any = None, /) -> Any:
    if _first_symbol((n, k)) is None:
        return math.perm(n, k)
    return apply_to("factorial", n) if k is None else apply_to("perm", n, k)


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
        if not is_symbol(x):
            return bool(native(x))
        if type(x) is SymFloat:
            require_finite(x._symcount_run, x._symcount_node)
        return answer

    return replacement


MATH: dict[str, Callable[..., Any]] = {
    **{name: _math_function(name) for name in FLOAT_FUNCTIONS if name != "log"},
    **{name: _math_function(name) for name in FLOAT_FUNCTIONS_2},
    **{name: _math_function(name) for name in ("isqrt", "factorial", "comb")},
    "perm": _perm,
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
    "enumerate": _enumerate,
    "zip": _zip,
    "len": _len,
    "type": TypeOfShadow,
    "id": _identity,
}
ITERTOOLS: dict[str, Any] = {"repeat": RepeatShadow}
OPERATOR: dict[str, Callable[..., Any]] = {"index": index, "is_": _is, "is_not": _is_not}
# Those by which code can depend on a symbol without asking it for anything.
SILENT = {"type": type, "id": id, "is_": operator.is_, "is_not": operator.is_not}


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
