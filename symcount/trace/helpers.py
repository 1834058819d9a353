"""Functions of numbers alone, such as `make_divisible`, followed as one operation.

A branch inside of such a function decides nothing but what number it returns. If it were a branch
of the factory like any other, twenty calls would make a million paths. So the function is run
once for each way through it, with the outcomes of its comparisons forced, and what it returns
becomes a choice between the results: `a if x >= y else b`, an operation like `max`.

That is sound only if running the function has no effect but its result. Its code shows that: it
stores to nothing but its own variables, and reads no globals but numbers, texts, functions of
numbers and the builtins that are so. Whatever does not fit (a comparison too many, an exception,
a symbol that becomes a plain number on the way) makes the call an ordinary one, followed branch
by branch.

A choice is evaluated on both of its sides, so what a forced way computes has to be defined at all
sizes, and not only at those that go that way: `x // (d - 4)` where `d` may be 4 does not fit.
"""

from __future__ import annotations

import builtins
import dis
import functools
import inspect
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any, TypeAlias

from symcount.trace.builtins import intercept, is_symbol, original_of, shadow_callers
from symcount.trace.graph import COMPARISONS, Node, Number
from symcount.trace.numbers import SymInt

# More ways through a function than this, and its branches are those of the factory.
_MOST_WAYS = 64
# A function of numbers may call others, so deep.
_DEEPEST = 4

# What can be computed on a way that is not taken, if what `require` asks for holds on the path:
# these raise nothing, and give nothing so large that a size which goes another way had to fear it.
_ANYWHERE = frozenset(
    "add sub mul floordiv mod pow neg abs max min truediv float round_digits trunc floor ceil "
    "round and or xor invert lshift rshift isqrt sqrt log log2 log10 bit_length bit_count gcd "
    "lcm".split()
) | {f"if_{name}" for name in COMPARISONS}
# Of these, only by plain numbers: what is large, and of what type, depends on the right operand.
_BY_PLAIN_NUMBERS = frozenset(["pow", "lshift", "rshift"])

_FORBIDDEN = frozenset(
    "STORE_GLOBAL DELETE_GLOBAL STORE_NAME DELETE_NAME LOAD_NAME STORE_ATTR DELETE_ATTR "
    "IMPORT_NAME IMPORT_FROM IMPORT_STAR LOAD_BUILD_CLASS LOAD_CLASSDEREF LOAD_SUPER_ATTR".split()
)
_BUILTINS = frozenset(
    "abs all any bool divmod enumerate filter float int isinstance len list map max min next pow "
    "range reversed round sorted str sum tuple zip".split()
)
# A generator, coroutine or asynchronous generator.
_SUSPENDED = 0x20 | 0x80 | 0x200
_SCALARS = (int, float, str, bytes, type(None))

Comparison: TypeAlias = "tuple[str, Node, Node | Number]"
Decision: TypeAlias = "tuple[Comparison, bool]"


class GivenUp(BaseException):
    """A function of numbers cannot be followed as one operation.

    Not an `Exception`, so that the function's own `except Exception` cannot swallow it.
    """


@dataclass
class Way:
    """One way through a function: the outcomes that are forced, and all that were met.

    It is `abandoned` if the function cannot be followed as one, though it may have swallowed the
    exception that said so.
    """

    forced: tuple[bool, ...]
    decisions: list[Decision] = field(default_factory=list)
    abandoned: bool = False

    @property
    def is_too_long(self) -> bool:
        """Whether it has made so many decisions that there must be too many ways."""
        return len(self.decisions) > _MOST_WAYS

    def decide(self, comparison: Comparison) -> bool:
        """The outcome of a comparison: the forced one, or true if none is."""
        place = len(self.decisions)
        outcome = self.forced[place] if place < len(self.forced) else True
        self.decisions.append((comparison, outcome))
        return outcome


def is_defined_anywhere(op: str, args: Sequence[Node | Number]) -> bool:
    """Whether an operation may be computed at sizes that do not lead to it."""
    return op in _ANYWHERE and not (op in _BY_PLAIN_NUMBERS and isinstance(args[1], Node))


def call_as_one(run: Any, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """The symbol for what a function of numbers returns.

    Raises:
        GivenUp: it has too many ways, raises in one of them, or returns no integer.
    """
    ends: list[tuple[list[Decision], Any]] = []
    waiting: list[tuple[bool, ...]] = [()]
    if len(run.ways) > _DEEPEST:
        run.give_up()  # it calls itself
    while waiting:
        way = Way(waiting.pop())
        run.ways.append(way)
        try:
            result = function(*args, **kwargs)
        except Exception:
            way.abandoned = True
        finally:
            run.ways.pop()
        if way.abandoned or type(result) not in (int, SymInt):
            run.give_up()
        ends.append((way.decisions, result))
        outcomes = [outcome for _, outcome in way.decisions]
        waiting += [(*outcomes[:place], False) for place in range(len(way.forced), len(outcomes))]
        if len(ends) + len(waiting) > _MOST_WAYS:
            run.give_up()
    return _chosen(run, ends, 0)


def _chosen(run: Any, ends: list[tuple[list[Decision], Any]], depth: int) -> Any:
    """The ends of the ways that agree so far, as a tree of choices."""
    first, result = ends[0]
    if len(first) == depth:
        return result
    (op, left, right), _ = first[depth]
    sides = [[e for e in ends if e[0][depth][1] is outcome] for outcome in (True, False)]
    if not all(sides):
        raise GivenUp
    then, otherwise = (_chosen(run, side, depth + 1) for side in sides)
    if then is otherwise or (type(then) is int and type(otherwise) is int and then == otherwise):
        return then
    arms = [x._node if is_symbol(x) else x for x in (then, otherwise)]
    values = [getattr(x, "hint", x) for x in (right, *arms)]
    value = values[1] if COMPARISONS[op](left.hint, values[0]) else values[2]
    return run.record(f"if_{op}", (left, right, *arms), value)


# --- which functions ---------------------------------------------------------------------------

_verdicts: dict[int, tuple[CodeType, bool]] = {}
_followed: dict[int, FunctionType] = {}


def helper_around(frame: FrameType) -> tuple[FunctionType, FrameType] | None:
    """The function of numbers that a frame runs, or is a comprehension in, and its frame."""
    here: FrameType | None = frame
    for _ in range(_DEEPEST):
        if here is None or not _may_be_pure(here.f_code):
            return None
        function = original_of(here.f_globals.get(here.f_code.co_name))
        if isinstance(function, FunctionType) and function.__code__ is here.f_code:
            return (function, here) if _is_pure(function) else None
        here = here.f_back
    return None


def follow_as_one(frame: FrameType) -> bool:
    """See to it that calls of the function of numbers that a frame runs are followed as one.

    Returns whether something was done for that, so that the run must start again.
    """
    found = helper_around(frame)
    if found is None:
        return False
    function, its_frame = found
    if id(function) not in _followed:
        _followed[id(function)] = function
        intercept(function, _replacement(function), function.__name__)
    users = [its_frame.f_globals]
    if its_frame.f_back is not None:
        users.append(its_frame.f_back.f_globals)
    return shadow_callers(function, users)


def _first_symbol(given: Iterable[Any]) -> Any:
    """A symbol among the arguments of a call, or in an object among them."""
    for value in given:
        held = () if isinstance(value, _SCALARS) else getattr(value, "__dict__", {}).values()
        for item in (value, *held):
            if is_symbol(item):
                return item
    return None


def _as_data(value: Any) -> Any:
    return value if isinstance(value, _SCALARS) else _Data(value)


class _Data:
    """An object, such as a config, of which only numbers and texts that it holds can be read."""

    __slots__ = ("_object",)

    def __init__(self, value: object) -> None:
        object.__setattr__(self, "_object", value)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return type(self._object)

    def __getattr__(self, name: str) -> Any:
        held = inspect.getattr_static(self._object, name, self)
        if not isinstance(held, _SCALARS):
            raise GivenUp
        return getattr(self._object, name)

    def _give_up(self, *args: Any) -> Any:
        raise GivenUp

    __setattr__ = __delattr__ = __eq__ = __hash__ = __bool__ = _give_up
    __str__ = __repr__ = __format__ = _give_up


def _replacement(function: FunctionType) -> Callable[..., Any]:
    @functools.wraps(function)
    def replacement(*args: Any, **kwargs: Any) -> Any:
        symbol = _first_symbol((*args, *kwargs.values()))
        if symbol is None:
            return function(*args, **kwargs)
        try:
            data = [_as_data(value) for value in args]
            named = {name: _as_data(value) for name, value in kwargs.items()}
            return call_as_one(symbol._run, function, data, named)
        except GivenUp:
            if symbol._run.ways:
                raise  # the function that called it cannot be followed as one either
            return function(*args, **kwargs)

    return replacement


def _may_be_pure(code: CodeType) -> bool:
    """Whether code, and what is nested in it, stores to nothing but its own variables."""
    known = _verdicts.get(id(code))
    if known is None:
        answer = not any(i.opname in _FORBIDDEN for i in dis.get_instructions(code)) and all(
            _may_be_pure(inner) for inner in code.co_consts if isinstance(inner, CodeType)
        )
        known = _verdicts[id(code)] = code, answer
    return known[1]


def _is_pure(function: FunctionType, depth: int = 0) -> bool:
    """Whether calling a function with numbers has no effect but its result."""
    code = function.__code__
    if depth > _DEEPEST or code.co_freevars or code.co_flags & _SUSPENDED:
        return False
    defaults = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
    return (
        _may_be_pure(code)
        and all(isinstance(value, _SCALARS) for value in defaults)
        and all(_is_harmless(name, function, depth) for name in dict.fromkeys(_globals_read(code)))
    )


def _globals_read(code: CodeType) -> Iterator[str]:
    for instruction in dis.get_instructions(code):
        if instruction.opname == "LOAD_GLOBAL":
            yield str(instruction.argval)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _globals_read(inner)


_missing = object()


def _is_harmless(name: str, function: FunctionType, depth: int) -> bool:
    """Whether a global that a function reads is a constant, or a function of numbers."""
    value = original_of(function.__globals__.get(name, _missing))
    if value is _missing:
        value = getattr(builtins, name, None)
        return name in _BUILTINS or (isinstance(value, type) and issubclass(value, Exception))
    if isinstance(value, ModuleType):
        return value is math
    if isinstance(value, FunctionType):
        return value is function or _is_pure(value, depth + 1)
    if value is getattr(builtins, name, _missing):
        return name in _BUILTINS
    return getattr(math, name, _missing) is value or _is_constant(value)


def _is_constant(value: object) -> bool:
    """Whether a value is a number or text, or a tuple of such."""
    if isinstance(value, tuple):
        return all(map(_is_constant, value))
    return isinstance(value, _SCALARS)
