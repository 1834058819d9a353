"""Follow functions of numbers alone, such as `make_divisible`, as one operation.

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
import inspect
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any, NamedTuple, TypeAlias

from symcount import interception
from symcount.record import COMPARISONS, Node
from symcount.symbols import Number
from symcount.trace.interrupts import GivenUp
from symcount.trace.proxies import SymFloat, SymInt
from symcount.trace.renaming import made_of, original_code
from symcount.trace.stand_ins import is_symbol

# More ways through a function than this, and its branches are those of the factory.
_MOST_WAYS = 64
# More comparisons on one way than this may be a loop without an end: contradictory outcomes
# can be forced, such as that none of sixteen numbers in a row is a multiple of sixteen.
_MOST_COMPARISONS = 256
# A function of numbers may call others, so deep.
_DEEPEST = 4
# So many functions of the same code, or of different code, make one run start again.
_MOST_TWINS = 4
_MOST_FOLLOWED = 200

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
_CONSTANTS = frozenset([*_SCALARS, bool, SymInt, SymFloat])

Test: TypeAlias = "tuple[str, Node, Node | Number]"
ForcedTest: TypeAlias = "tuple[Test, bool]"


@dataclass
class Way:
    """One way through a function: the outcomes that are forced, and all that were met.

    `comparisons` are how many it has made, those included whose outcome was settled. It is
    `abandoned` if the function cannot be followed as one, though it may have swallowed the
    exception that said so.
    """

    forced: tuple[bool, ...]
    decisions: list[ForcedTest] = field(default_factory=list)
    comparisons: int = 0
    abandoned: bool = False

    @property
    def is_too_long(self) -> bool:
        """Tell whether there must be too many ways, or this one never ends, as none would go it."""
        return len(self.decisions) > _MOST_WAYS or self.comparisons > _MOST_COMPARISONS

    def decide(self, comparison: Test) -> bool:
        """The outcome of a comparison: the forced one, or true if none is."""
        place = len(self.decisions)
        outcome = self.forced[place] if place < len(self.forced) else True
        self.decisions.append((comparison, outcome))
        return outcome


def is_defined_anywhere(op: str, args: Sequence[Node | Number]) -> bool:
    """Tell whether an operation may be computed at sizes that do not lead to it."""
    return op in _ANYWHERE and not (op in _BY_PLAIN_NUMBERS and isinstance(args[1], Node))


def call_as_one(run: Any, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """The symbol for what a function of numbers returns.

    Raises:
        GivenUp: it has too many ways, raises in one of them, or returns no integer.
    """
    ends: list[tuple[list[ForcedTest], Any]] = []
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


def _chosen(run: Any, ends: list[tuple[list[ForcedTest], Any]], depth: int) -> Any:
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
    arms = [x._symcount_node if is_symbol(x) else x for x in (then, otherwise)]
    values = [getattr(x, "hint", x) for x in (right, *arms)]
    value = values[1] if COMPARISONS[op](left.hint, values[0]) else values[2]
    return run.record(f"if_{op}", (left, right, *arms), value)


# --- which functions ---------------------------------------------------------------------------


class Followed(NamedTuple):
    """A function that is followed as one, one that runs its body, and the code to run instead."""

    function: FunctionType
    body: FunctionType
    before: CodeType
    instead: CodeType


def helper_around(frame: FrameType) -> FunctionType | None:
    """The function of numbers that a frame runs, or is a comprehension in."""
    here: FrameType | None = frame
    for _ in range(_DEEPEST):
        if here is None or not _may_be_pure(here.f_code):
            return None
        function = here.f_globals.get(here.f_code.co_name)
        if isinstance(function, FunctionType) and _code_of(function) is original_code(here.f_code):
            return function if is_pure(function) else None
        here = here.f_back
    return None


def follow_as_one(
    frame: FrameType, followed: dict[int, Followed], restarted: dict[CodeType, set[int]]
) -> bool:
    """See to it that calls of the function of numbers that a frame runs are followed as one.

    They are added to those that are `followed`. Returns whether something was done for that, so
    that the run must start again. `restarted` are the functions for which it did, so that one which
    is made anew in each run is left alone.
    """
    function = helper_around(frame)
    if function is None or id(function) in followed:
        return False
    twins = restarted.setdefault(_code_of(function), set())
    twins.add(id(function))
    if len(twins) > _MOST_TWINS or len(restarted) > _MOST_FOLLOWED:
        return False
    before = _code_of(function)
    body = interception.copy_of(function)
    instead = interception.code_calling(_replacement(function, body), function)
    followed[id(function)] = Followed(function, body, before, made_of(instead, before))
    return True


def _code_of(function: FunctionType) -> CodeType:
    return original_code(function.__code__)


def follow_functions(followed: dict[int, Followed]) -> None:
    """Have these functions followed as one until all is restored, their bodies intercepted."""
    for function, body, before, instead in tuple(followed.values()):
        if _code_of(function) is before:
            interception.replace(body, "__code__", function.__code__)
            interception.replace(function, "__code__", instead)


def _first_symbol(given: Iterable[Any]) -> Any:
    """A symbol among the arguments of a call, or in a tuple or an object among them."""
    for value in given:
        for item in (value, *_held_by(value)):
            if is_symbol(item):
                return item
    return None


def _held_by(value: Any) -> Iterable[Any]:
    if type(value) is tuple:
        return value
    if type(value) is _Data:
        value = object.__getattribute__(value, "_Data__object")
    if isinstance(value, _SCALARS):
        return ()
    try:
        held: Iterable[Any] = object.__getattribute__(value, "__dict__").values()
    except AttributeError:
        return ()
    return held


class _Data:
    """An object, such as a config, of which only numbers and texts that it holds can be read."""

    __slots__ = ("__object", "__run")

    def __init__(self, value: object, run: Any) -> None:
        object.__setattr__(self, "_Data__object", value)
        object.__setattr__(self, "_Data__run", run)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return type(self.__object)

    def __getattr__(self, name: str) -> Any:
        held = inspect.getattr_static(self.__object, name, self)
        if held is self or not _is_constant(held) or getattr(self.__object, name) is not held:
            self.__run.give_up()
        return held


def _give_up(data: Any, *args: Any) -> Any:
    """Give up: anything else may be done with an object by code that is not pure."""
    object.__getattribute__(data, "_Data__run").give_up()


for _name in (
    "setattr delattr eq ne lt le gt ge hash bool str repr format bytes len length_hint iter next "
    "reversed contains getitem setitem delitem missing call enter exit await aiter anext "
    "int float complex index round trunc floor ceil neg pos abs invert dir sizeof "
    "reduce reduce_ex copy deepcopy instancecheck subclasscheck fspath"
).split():
    setattr(_Data, f"__{_name}__", _give_up)
for _name in "add sub mul matmul truediv floordiv mod divmod pow lshift rshift and xor or".split():
    for _prefix in ("", "r", "i"):
        setattr(_Data, f"__{_prefix}{_name}__", _give_up)


def _replacement(function: FunctionType, body: FunctionType) -> Any:
    inside: list[None] = []  # of bodies that run since they cannot be followed as one

    def replacement(*args: Any, **kwargs: Any) -> Any:
        symbol = _first_symbol((*args, *kwargs.values()))
        if symbol is None or inside:
            return body(*args, **kwargs)
        run = symbol._symcount_run
        seen: dict[int, Any] = {}

        def as_data(value: Any) -> Any:
            if type(value) is _Data or _is_constant(value):
                return value
            return seen.setdefault(id(value), _Data(value, run))

        try:
            if not is_pure(function):
                run.give_up()  # a global of it has become something else
            data = [as_data(value) for value in args]
            named = {name: as_data(value) for name, value in kwargs.items()}
            return call_as_one(run, body, data, named)
        except GivenUp:
            if run.ways:
                raise  # the function that called it cannot be followed as one either
        inside.append(None)
        try:
            return body(*args, **kwargs)
        finally:
            inside.pop()

    return replacement


class _Reading(NamedTuple):
    """Facts about code: whether it may be pure, and the globals that it reads."""

    code: CodeType
    may_be_pure: bool
    names: tuple[str, ...]


_readings: dict[int, _Reading] = {}
_MOST_READINGS = 1 << 16


def _read(code: CodeType) -> _Reading:
    """Read code, and what is nested in it: whether it stores to nothing but its own variables."""
    code = original_code(code)
    known = _readings.get(id(code))
    if known is None:
        inner = [_read(const) for const in code.co_consts if isinstance(const, CodeType)]
        steps = list(dis.get_instructions(code))
        may_be_pure = all(i.may_be_pure for i in inner) and not any(map(_is_forbidden, steps))
        names = [str(step.argval) for step in steps if step.opname == "LOAD_GLOBAL"]
        names += [name for i in inner for name in i.names]
        if len(_readings) >= _MOST_READINGS:
            _readings.clear()
        known = _readings[id(code)] = _Reading(code, may_be_pure, tuple(dict.fromkeys(names)))
    return known


def _is_forbidden(step: dis.Instruction) -> bool:
    is_attribute = step.opname in ("LOAD_ATTR", "LOAD_METHOD")
    return step.opname in _FORBIDDEN or (is_attribute and str(step.argval).startswith("__"))


def _may_be_pure(code: CodeType) -> bool:
    return _read(code).may_be_pure


def is_pure(function: FunctionType, depth: int = 0) -> bool:
    """Tell whether calling a function with numbers has no effect but its result."""
    code = _code_of(function)
    if depth > _DEEPEST or code.co_freevars or code.co_flags & _SUSPENDED or function.__dict__:
        return False
    defaults = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
    return (
        _may_be_pure(code)
        and all(map(_is_constant, defaults))
        and all(_is_harmless(name, function, depth) for name in _read(code).names)
    )


_missing = object()


def _is_harmless(name: str, function: FunctionType, depth: int) -> bool:
    """Tell whether a global that a function reads is a constant, or a function of numbers."""
    value = function.__globals__.get(name, _missing)
    if value is _missing:
        value = getattr(builtins, name, None)
        return name in _BUILTINS or (isinstance(value, type) and issubclass(value, Exception))
    if isinstance(value, ModuleType):
        return value is math
    if isinstance(value, FunctionType):
        return value is function or is_pure(value, depth + 1)
    if value is getattr(builtins, name, _missing):
        return name in _BUILTINS
    return getattr(math, name, _missing) is value or _is_constant(value)


def _is_constant(value: object) -> bool:
    """Tell whether a value is a number or text, or a tuple of such, and of no class of its own."""
    if type(value) is tuple:
        return all(map(_is_constant, value))
    return type(value) in _CONSTANTS
