"""Pass for `int` and `float`, and remember the arithmetic: the proxies `SymInt` and `SymFloat`.

A symbol stands for an ordinary integer, its hint, while the factory runs. It is a proxy and not a
subclass of `int`, so nothing can read its value behind its back: whoever needs a plain number must
call one of `__index__`, `__int__`, `__float__`, `__hash__`, `__bool__`, `__str__`, `__format__`,
and each of these is either a branch, or recorded as a concretisation with its source line. It
reports `int` through `__class__`, so `isinstance(x, int)` and `numbers.Integral` hold everywhere.

What these proxies cannot see: `type(x) is int`, `x is y`, and values kept from an earlier run.
Verification against plainly built modules is there to find those.
"""

from __future__ import annotations

import functools
import math
import operator
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from types import CodeType, FrameType
from typing import Any, NoReturn, Protocol

from symcount import libraries
from symcount.errors import EscapedSymbolError, SymcountError, UnsupportedError
from symcount.record import OPERATORS, Frame, Node
from symcount.symbols import Number
from symcount.trace.c_code import is_number_of_c
from symcount.trace.renaming import original_code

_HERE = libraries.folder(__file__)
_FOREIGN = (libraries.TORCH, libraries.NUMPY, _HERE)
_own_file: dict[str, bool] = {}


def calling_frame(depth: int = 1) -> FrameType:
    """The innermost frame that is not the tracer's own."""
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None:
        name = frame.f_code.co_filename
        own = _own_file.get(name)
        if own is None:
            own = _own_file[name] = name.startswith(_HERE)
        if not own:
            return frame
        frame = frame.f_back
    raise AssertionError("the tracer was entered from nowhere")


def place_of(frame: FrameType) -> Frame:
    """Where a frame is, in the code as it is written."""
    return Frame(original_code(frame.f_code), frame.f_lasti)


_RUNNER = "symcount.factory.call"  # the module that calls the factory


def user_frame() -> Frame:
    """The innermost place outside torch, numpy and the tracer: a line to show to people.

    Where the factory is itself a class of torch there is none before the call that runs it, and
    the innermost place is the one.
    """
    inner = calling_frame(2)
    frame: FrameType | None = inner
    while frame is not None and frame.f_code.co_filename.startswith(_FOREIGN):
        frame = frame.f_back
    if frame is None or frame.f_globals.get("__name__") == _RUNNER:
        frame = inner
    return place_of(frame)


def is_of_tracer(code: CodeType) -> bool:
    """Tell whether code is the tracer's own."""
    return code.co_filename.startswith(_HERE)


def is_of_torch(code: CodeType) -> bool:
    """Tell whether code is torch's own."""
    return code.co_filename.startswith(libraries.TORCH)


def is_of_numpy(code: CodeType) -> bool:
    """Tell whether code is numpy's own."""
    return code.co_filename.startswith(libraries.NUMPY)


def frames_of_call() -> Iterator[FrameType]:
    """Yield the frames of torch and numpy that run, from within, and the one that calls them."""
    frame: FrameType | None = calling_frame(2)
    while frame is not None:
        yield frame
        if not frame.f_code.co_filename.startswith(_FOREIGN):
            return
        frame = frame.f_back


def callers() -> Iterator[FrameType]:
    """Yield the frames of the factory and of what it calls, from within, without torch's."""
    frame: FrameType | None = calling_frame(2)
    while frame is not None and frame.f_globals.get("__name__") != _RUNNER:
        if not frame.f_code.co_filename.startswith(_FOREIGN):
            yield frame
        frame = frame.f_back


class Run(Protocol):
    """The run of a factory, as far as its symbols need it."""

    alive: bool
    specialising: bool
    of_numpy: set[Node]

    def record(self, op: str, args: tuple[Node | Number, ...], value: Number) -> Any:
        """Add a node and return the symbol for its result."""

    def branch(self, op: str, a: Node, b: Node | Number) -> bool:
        """Decide the comparison `a op b`, record it as a branch, and return its truth."""

    def require(self, op: str, a: Node, b: Node | Number) -> None:
        """Decide a comparison without which an operation raises; a branch too."""

    def limit(self, op: str, a: Node, b: Number) -> None:
        """Follow the run only where a comparison holds: a limit of the domain, and no branch."""

    def unroll(self, value: Any) -> int:
        """The plain value of a symbol that says how many of something there are."""

    def repeated(self, sequence: Any, times: Any) -> Any:
        """A sequence repeated as often as a symbol says."""

    def specialised(self, value: Any) -> int:
        """The plain value of a symbol, followed for this very value: a branch."""

    def refuse(self, reason: SymcountError) -> NoReturn:
        """Refuse the factory, also if it catches the exception and goes on."""

    def assume_identity(self, *values: Any) -> None:
        """Record that something depends on which numbers are one object, or on their type."""

    def assume_of(self, kind: str, *values: Any) -> None:
        """Record that what follows may hold for the hints of the symbols of these values alone."""

    def shows(self, name: str, value: Any) -> bool:
        """Tell whether an attribute that numbers have not is shown to whoever asks for it."""

    def concretise(self, kind: str, node: Node) -> Any:
        """Record that `node` becomes a plain number, and return the number."""

    def concretise_value(
        self, kind: str, values: Any, within: tuple[float, float] | None = None
    ) -> Any:
        """Return values which depend on symbols, and which are `within` these for all of them."""

    def poke(self, node: Node) -> int:
        """The same for `__index__`, which may or may not concretise a symbol."""

    def track(
        self, made_by: str, of: Sequence[Node], value: Number, within: tuple[float, float] | None
    ) -> Any:
        """Return a value that is not followed, but seen wherever something depends on it."""

    def assume(self, kind: str, symbols: tuple[str, ...], frame: Frame) -> None:
        """Record that what follows may hold for the hints of these symbols alone."""

    def of_array(self, ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: Any) -> Any:
        """Apply a function of numpy to arrays and symbols."""

    def mix(self, operation: Callable[[], Any]) -> Any:
        """Run an operation between a tensor and the value of a symbol."""

    def is_tensor(self, value: object) -> bool:
        """Tell whether `value` is a tensor."""


# The kinds of numpy's numbers, apart from objects.
_NUMERIC = "biufc"
# Formats in which two numbers may be one text.
_ROUNDING = re.compile("[.eEfFgGn%]")
# Of an integer of numpy that holds every size that torch can describe.
_BYTES_OF_SIZES = 8


def operand(value: object) -> Node | Number | None:
    """The node or plain number that stands for `value`, or None where it is no real number."""
    kind = type(value)
    if kind is SymInt or kind is SymFloat:
        value._check()  # type: ignore[attr-defined]
        return value._symcount_node  # type: ignore[attr-defined,no-any-return]
    if kind is int or kind is float:
        return value  # type: ignore[return-value]
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int):
        return operator.index(value)  # bool, IntEnum
    scalar: Any = value
    if hasattr(scalar, "dtype") and not hasattr(scalar, "is_meta"):
        if scalar.ndim and scalar.dtype.kind in _NUMERIC:
            return None  # an array, whose operators call functions of numpy
        is_wide = scalar.dtype.kind in "iu" and scalar.dtype.itemsize == _BYTES_OF_SIZES
        if scalar.ndim == 0 and (is_wide or scalar.dtype.kind == "b"):
            return int(scalar)  # narrower ones wrap around
        raise UnsupportedError(not_modelled(scalar.dtype))
    return None


def not_modelled(dtype: object) -> str:
    """Say that arithmetic with a number of numpy is not followed."""
    return (
        f"{user_frame().source}: arithmetic of a symbol with a numpy {dtype} is not modelled; make "
        "it a Python number first: float(x), int(x)"
    )


def _is_usable(value: object) -> bool:
    kind = type(value)
    return not (kind is SymInt or kind is SymFloat) or value._symcount_run.alive  # type: ignore[attr-defined]


def hint(value: Any) -> Any:
    """The plain number a symbol stands for; anything else as it is."""
    kind = type(value)
    if kind is SymInt or kind is SymFloat:
        return value._symcount_node.hint
    return value


def _value(x: Node | Number) -> Number:
    return x.hint if type(x) is Node else x  # type: ignore[return-value]


# What must hold of the right operand, or Python raises: a branch of the factory like any other.
_CONDITION_ON_RIGHT: dict[str, tuple[str, int]] = {
    "floordiv": ("ne", 0),
    "mod": ("ne", 0),
    "truediv": ("ne", 0),
    "lshift": ("ge", 0),
    "rshift": ("ge", 0),
    "log_base": ("gt", 0),
    "comb": ("ge", 0),
    "perm": ("ge", 0),
}
_CONDITION_ON_LEFT: dict[str, tuple[str, int]] = {
    "log_base": ("gt", 0),
    "comb": ("ge", 0),
    "perm": ("ge", 0),
}


def _largest(function: Callable[[float], float]) -> float:
    """Return the largest number of which Python computes a growing function without overflow."""
    finite, infinite = 0.0, 2.0**64
    while (middle := (finite + infinite) / 2) not in (finite, infinite):
        try:
            function(middle)
            finite = middle
        except OverflowError:
            infinite = middle
    return finite


@functools.cache
def _condition_on_exponent(base: float) -> tuple[str, float]:
    """Return what must hold of the exponent for a power of a number other than 0 and 1."""
    if base > 1:
        return "le", _largest(lambda exponent: base**exponent)
    return "ge", -_largest(lambda exponent: base**-exponent)


_LARGEST = {name: _largest(getattr(math, name)) for name in ("exp", "expm1", "cosh", "sinh")}
# What must hold of the only operand of a math function.
_CONDITIONS_ON_ARGUMENT: dict[str, tuple[tuple[str, int | float], ...]] = {
    "exp": (("le", _LARGEST["exp"]),),
    "expm1": (("le", _LARGEST["expm1"]),),
    "cosh": (("le", _LARGEST["cosh"]), ("ge", -_LARGEST["cosh"])),
    "sinh": (("le", _LARGEST["sinh"]), ("ge", -_LARGEST["sinh"])),
    "sqrt": (("ge", 0),),
    "isqrt": (("ge", 0),),
    "factorial": (("ge", 0),),
    "log": (("gt", 0),),
    "log2": (("gt", 0),),
    "log10": (("gt", 0),),
    "log1p": (("gt", -1),),
    "acos": (("ge", -1), ("le", 1)),
    "asin": (("ge", -1), ("le", 1)),
    "atanh": (("gt", -1), ("lt", 1)),
    "acosh": (("ge", 1),),
}


def apply(run: Run, op: str, *args: Node | Number) -> Any:
    """The symbol for `op` of `args`, with the conditions recorded under which Python computes it.

    The hidden branches of Python's own arithmetic are followed as if the factory had written
    them: a zero divisor, the sign of an integer exponent (`2 ** -1` is a float), the square root
    of a negative number.
    """
    if len(args) == 2:
        right = args[1]
        if type(right) is Node:
            condition = _CONDITION_ON_RIGHT.get(op)
            if condition is not None:
                run.require(condition[0], right, condition[1])
            elif op == "pow" and isinstance(right.hint, int):
                run.require("ge", right, 0)
            if op == "pow" and type(args[0]) is float and abs(args[0]) not in (0, 1):
                comparison, bound = _condition_on_exponent(abs(args[0]))
                run.require(comparison, right, bound)
        left = args[0]
        if type(left) is Node:
            condition = _CONDITION_ON_LEFT.get(op)
            if condition is not None:
                run.require(condition[0], left, condition[1])
            elif op == "pow" and _value(right) < 0:
                run.require("ne", left, 0)
            if op == "pow" and isinstance(_value(right), float):
                run.require("ge", left, 0)  # or the power is complex
    elif len(args) == 1 and type(args[0]) is Node:
        for comparison, bound in _CONDITIONS_ON_ARGUMENT.get(op, ()):
            run.require(comparison, args[0], bound)
    return run.record(op, args, OPERATORS[op](*map(_value, args)))


def require_finite(run: Run, node: Node) -> None:
    """Record that a float is finite, which what it is computed from may be too large for."""
    run.require("le", node, sys.float_info.max)
    run.require("ge", node, -sys.float_info.max)


def _refused(self: _Symbol, other: object, operation: Callable[[Any, Any], Any], flip: bool) -> Any:
    """An operator whose other operand is no number: a tensor, a sequence, or not our business."""
    value = self._symcount_node.hint
    if self._symcount_run.is_tensor(other):
        self._check()
        return self._symcount_run.mix(
            lambda: operation(other, value) if flip else operation(value, other)
        )
    if operation is operator.mul and isinstance(other, list | tuple | str | bytes):
        # a sequence repeated n times has no symbolic length, and is empty for n = 0 and below
        self._check()
        if other and not self._symcount_run.specialising:
            self._symcount_run.branch("gt", self._symcount_node, 0)
        return self._symcount_run.repeated(other, self)
    if isinstance(other, complex | Fraction):
        self._check()
        value = self._symcount_run.concretise("arithmetic", self._symcount_node)
        return operation(other, value) if flip else operation(value, other)
    self._leave_to(other)
    return NotImplemented


def _takes_over(other: object, method: str) -> bool:
    """Tell whether Python lets a number of a class of its own answer in the place of an `int`."""
    kind = type(other)
    if kind in (int, float, bool, SymInt, SymFloat) or not isinstance(other, int | float):
        return False
    if hasattr(other, "dtype"):
        return False  # numpy's own leave arithmetic with a symbol to the symbol
    base = int if isinstance(other, int) else float
    return getattr(kind, method, None) is not getattr(base, method, None)


def _binary(op: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    operation = getattr(operator, {"and": "and_", "or": "or_"}.get(op, op))

    def forward(self: _Symbol, other: object) -> Any:
        if _takes_over(other, f"__r{op}__"):
            return NotImplemented
        right = self._operand(other)
        if right is None:
            return _refused(self, other, operation, flip=False)
        self._check()
        result = apply(self._symcount_run, op, self._symcount_node, right)
        return _fitting(result) if hasattr(other, "dtype") else result

    def backward(self: _Symbol, other: object) -> Any:
        left = self._operand(other)
        if left is None:
            return _refused(self, other, operation, flip=True)
        self._check()
        result = apply(self._symcount_run, op, left, self._symcount_node)
        return _fitting(result) if hasattr(other, "dtype") else result

    return forward, backward


_MIRRORED = {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le"}


def _comparison(op: str) -> Callable[..., Any]:
    operation = getattr(operator, op)

    def compare(self: _Symbol, other: object) -> Any:
        if op in ("eq", "ne") and not (self._symcount_run.alive and _is_usable(other)):
            return NotImplemented  # a key that a cache has kept from a run: equal to nothing
        if _takes_over(other, f"__{_MIRRORED.get(op, op)}__"):
            return NotImplemented
        right = self._operand(other)
        if right is None:
            if self._symcount_run.is_tensor(other):
                value = self._symcount_node.hint
                return self._symcount_run.mix(lambda: operation(value, other))
            self._leave_to(other)
            return NotImplemented
        self._check()
        if isinstance(right, float) and not math.isfinite(right):
            if isinstance(self._symcount_node.hint, float):
                require_finite(self._symcount_run, self._symcount_node)
            return operation(self._symcount_node.hint, right)  # the same for every finite value
        return self._symcount_run.branch(op, self._symcount_node, right)

    return compare


def _unary(op: str) -> Callable[..., Any]:
    def method(self: _Symbol) -> Any:
        self._check()
        return apply(self._symcount_run, op, self._symcount_node)

    return method


# numpy's operators, by the methods that follow them
_OPERATORS_OF_NUMPY = {
    "add": "add", "subtract": "sub", "multiply": "mul", "divide": "truediv",
    "floor_divide": "floordiv", "remainder": "mod", "power": "pow", "bitwise_and": "and",
    "bitwise_or": "or", "bitwise_xor": "xor", "left_shift": "lshift", "right_shift": "rshift",
    "divmod": "divmod",
}  # fmt: skip
_COMPARISONS_OF_NUMPY = {
    "equal": ("eq", "eq"), "not_equal": ("ne", "ne"), "less": ("lt", "gt"),
    "less_equal": ("le", "ge"), "greater": ("gt", "lt"), "greater_equal": ("ge", "le"),
}  # fmt: skip
# numpy's functions that compute the double that Python's own compute
_FUNCTIONS_OF_NUMPY: dict[str, Callable[..., Any]] = {
    "negative": operator.neg,
    "absolute": abs,
    "sqrt": lambda x: apply(x._symcount_run, "sqrt", x._symcount_node),
    "floor": lambda x: apply(
        x._symcount_run, "float", apply(x._symcount_run, "floor", x._symcount_node)._symcount_node
    ),
    "ceil": lambda x: apply(
        x._symcount_run, "float", apply(x._symcount_run, "ceil", x._symcount_node)._symcount_node
    ),
    "rint": lambda x: apply(
        x._symcount_run, "float", apply(x._symcount_run, "round", x._symcount_node)._symcount_node
    ),
}


def _fitting(result: Any) -> Any:
    """The result of integer arithmetic of numpy, up to where it fits into 64 bits: it wraps round.

    Beyond that nothing is followed, as where floats round: it is a limit of the domain.
    """
    if type(result) is SymInt:
        result._symcount_run.of_numpy.add(result._symcount_node)
        result._symcount_run.limit("lt", result._symcount_node, 1 << 63)
        result._symcount_run.limit("ge", result._symcount_node, -(1 << 63))
    return result


def _of_numpy(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A function of numpy on symbols: followed if it is exact arithmetic, else on plain numbers."""
    name = ufunc.__name__
    if any(getattr(x, "ndim", 0) and x.dtype.kind in _NUMERIC for x in inputs):
        return _run_of(inputs).of_array(ufunc, method, inputs, kwargs)
    if method == "__call__" and not kwargs:
        operation = _OPERATORS_OF_NUMPY.get(name)
        forward, backward = _COMPARISONS_OF_NUMPY.get(name, (operation, f"r{operation}"))
        if forward is not None and len(inputs) == 2:
            # numpy makes arrays of its scalars
            left, right = (x[()] if getattr(x, "ndim", 1) == 0 else x for x in inputs)
            if isinstance(left, _Symbol):
                return _fitting(getattr(left, f"__{forward}__")(right))
            return _fitting(getattr(right, f"__{backward}__")(left))
        if name in _FUNCTIONS_OF_NUMPY:
            return _FUNCTIONS_OF_NUMPY[name](*inputs)
    symbols = [value for value in inputs if isinstance(value, _Symbol)]
    if method == "__call__" and not kwargs:
        hints = [
            value._symcount_node.hint if isinstance(value, _Symbol) else value for value in inputs
        ]
        result = ufunc(*hints)
        if getattr(result, "ndim", 1) == 0 and isinstance(result, float):
            nodes = [value._symcount_node for value in symbols]
            return symbols[0]._symcount_run.track(f"numpy.{name}()", nodes, float(result), None)
    plain = [
        value._symcount_run.concretise("numpy", value._symcount_node)
        if isinstance(value, _Symbol)
        else value
        for value in inputs
    ]
    return getattr(ufunc, method)(*plain, **kwargs)


def _run_of(values: Iterable[Any]) -> Run:
    return next(value._symcount_run for value in values if isinstance(value, _Symbol))


# numpy makes an array of objects of symbols, and asks each for a method of a function's name
_METHODS_FOR_NUMPY = (
    "sqrt", "cbrt", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "rint", "fabs",
    "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh",
    "arccosh", "arctanh",
)  # fmt: skip


def _for_numpy(name: str) -> Callable[[_Symbol], Any]:
    def method(self: _Symbol) -> Any:
        self._check()
        return _of_numpy(getattr(sys.modules["numpy"], name), "__call__", (self,), {})

    return method


class _Symbol:
    """Base of `SymInt` and `SymFloat`.

    Their attributes have names that no factory asks for: a number has none of them.
    """

    __slots__ = ("_symcount_node", "_symcount_run")

    # numpy's scalars leave arithmetic with a symbol to the symbol
    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return _of_numpy(ufunc, method, inputs, kwargs)

    def __init__(self, node: Node, run: Run) -> None:
        self._symcount_node = node
        self._symcount_run = run

    def _operand(self, other: object) -> Node | Number | None:
        """The other side of an operation; what it refuses is refused whatever is made of that."""
        try:
            return operand(other)
        except UnsupportedError as reason:
            self._symcount_run.refuse(reason)

    def _leave_to(self, other: object) -> None:
        """Leave an operation to the other side: C code that knows numbers knows no symbols."""
        if is_number_of_c(type(other)) and self._symcount_run.alive:
            self._symcount_run.assume_of(
                f"operation with an object of {type(other).__name__}", self
            )

    def _check(self) -> None:
        if not self._symcount_run.alive:
            raise EscapedSymbolError(
                f"a symbol (hint {self._symcount_node.hint!r}) was used after the run of the "
                "factory it belongs to had ended. The factory must have kept it in a global, a "
                "class attribute or a cache; keep such values inside the module it returns."
            )

    __add__, __radd__ = _binary("add")
    __sub__, __rsub__ = _binary("sub")
    __mul__, __rmul__ = _binary("mul")
    __truediv__, __rtruediv__ = _binary("truediv")
    __floordiv__, __rfloordiv__ = _binary("floordiv")
    __mod__, __rmod__ = _binary("mod")
    __eq__ = _comparison("eq")
    __ne__ = _comparison("ne")
    __lt__ = _comparison("lt")
    __le__ = _comparison("le")
    __gt__ = _comparison("gt")
    __ge__ = _comparison("ge")
    __neg__ = _unary("neg")
    __abs__ = _unary("abs")
    _power, _rpower = _binary("pow")

    def __pow__(self, other: object, modulus: object = None) -> Any:
        power = self._power(other)
        return power if modulus is None else power % modulus

    def __rpow__(self, other: object, modulus: object = None) -> Any:
        power = self._rpower(other)
        return power if modulus is None else power % modulus

    def __divmod__(self, other: object) -> tuple[Any, Any]:
        return self // other, self % other

    def __rdivmod__(self, other: object) -> tuple[Any, Any]:
        return other // self, other % self

    def __pos__(self) -> Any:
        return self

    def __bool__(self) -> bool:
        self._check()
        return self._symcount_run.branch("ne", self._symcount_node, 0)

    def __round__(self, ndigits: object = None) -> Any:
        self._check()
        if ndigits is None:
            return apply(self._symcount_run, "round", self._symcount_node)
        digits = operand(ndigits)
        if digits is None:
            raise TypeError(f"round() takes an integer of digits, not {ndigits!r}")
        return apply(self._symcount_run, "round_digits", self._symcount_node, digits)

    def __hash__(self) -> int:
        self._check()
        return hash(self._symcount_run.concretise("hash", self._symcount_node))

    def __str__(self) -> str:
        node = self._symcount_node
        return str(
            self._symcount_run.concretise("text", node) if self._symcount_run.alive else node.hint
        )

    def __repr__(self) -> str:
        return str(self)

    def __format__(self, spec: str) -> str:
        node, kind = self._symcount_node, "rounded text" if _ROUNDING.search(spec) else "text"
        return format(
            self._symcount_run.concretise(kind, node) if self._symcount_run.alive else node.hint,
            spec,
        )

    def __int__(self) -> int:
        self._check()
        return int(self._symcount_run.concretise("int", self._symcount_node))

    def __float__(self) -> float:
        self._check()
        return float(self._symcount_run.concretise("float", self._symcount_node))

    def __copy__(self) -> _Symbol:
        return self

    def __deepcopy__(self, memo: object) -> _Symbol:
        return self

    def __sizeof__(self) -> int:
        if self._symcount_run.alive:
            self._symcount_run.assume_identity(
                self
            )  # how large a number is depends on which one it is
        return self._symcount_node.hint.__sizeof__()

    def __reduce_ex__(self, protocol: object) -> Any:
        return type(self._symcount_node.hint), (
            self._symcount_run.concretise("pickle", self._symcount_node),
        )

    def __getnewargs__(self) -> tuple[Any]:
        return (self,)

    def conjugate(self) -> Any:
        """The number itself."""
        return self

    def item(self) -> Any:
        """The number itself, of which numpy would have made one of its own."""
        return self

    @property
    def real(self) -> Any:
        """The number itself."""
        return self

    @property
    def imag(self) -> Any:
        """Zero, of the number's type."""
        return type(self._symcount_node.hint)(0)


for _name in _METHODS_FOR_NUMPY:
    setattr(_Symbol, _name, _for_numpy(_name))


class _Hidden:
    """An attribute that numbers have not, for C code that asks for it: others find none."""

    def __init__(self, name: str, value: Any) -> None:
        self.name: str = name
        self.value: Any = value

    def __get__(self, symbol: Any, kind: Any = None) -> Any:
        if symbol is None:
            return self.value
        if not symbol._symcount_run.shows(self.name, symbol):
            return _has_no(symbol, self.name)
        return self.value.__get__(symbol, kind)


class _HiddenText(str):
    """The same of a text that a class has to have."""

    def __get__(self, symbol: Any, kind: Any = None) -> Any:
        return self if symbol is None else _has_no(symbol, "__module__")


def _has_no(symbol: Any, name: str) -> NoReturn:
    kind = symbol.__class__.__name__
    raise AttributeError(f"{kind!r} object has no attribute {name!r}", name=name, obj=symbol)


_INTERNAL = re.compile("_(?!_)")


def _hide(owner: type, number: type) -> None:
    """Hide what a class of symbols has and numbers have not."""
    for name, value in tuple(vars(owner).items()):
        if name == "__module__":
            setattr(owner, name, _HiddenText(value))
        elif name in ("__firstlineno__", "__static_attributes__"):
            delattr(owner, name)
        elif callable(value) and not hasattr(number, name) and not _INTERNAL.match(name):
            setattr(owner, name, _Hidden(name, value))


class SymInt(_Symbol):
    """An integer of the running factory: a hint, and the node that made it."""

    __slots__ = ()

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return int

    __and__, __rand__ = _binary("and")
    __or__, __ror__ = _binary("or")
    __xor__, __rxor__ = _binary("xor")
    __lshift__, __rlshift__ = _binary("lshift")
    __rshift__, __rrshift__ = _binary("rshift")
    __invert__ = _unary("invert")
    bit_length = _unary("bit_length")
    bit_count = _unary("bit_count")

    def __index__(self) -> int:
        self._check()
        return self._symcount_run.poke(self._symcount_node)

    def __trunc__(self) -> Any:
        return self

    __floor__ = __ceil__ = __trunc__

    def __round__(self, ndigits: object = None) -> Any:
        return self if ndigits is None else super().__round__(ndigits)

    @property
    def numerator(self) -> Any:
        """The integer itself; its hint for C code, such as `Decimal`'s, which takes it for one."""
        return self._symcount_node.hint if self._symcount_run.shows("numerator", self) else self

    @property
    def denominator(self) -> int:
        """One."""
        return 1

    def as_integer_ratio(self) -> tuple[Any, int]:
        """The integer over one."""
        return self, 1

    if sys.version_info >= (3, 12):

        def is_integer(self) -> bool:
            """Always true."""
            return True

    def to_bytes(self, *args: Any, **kwargs: Any) -> bytes:
        """The bytes of the hint: a concretisation."""
        return int(self).to_bytes(*args, **kwargs)

    from_bytes = int.from_bytes


class SymFloat(_Symbol):
    """A float of the running factory, with the IEEE semantics of Python's own."""

    __slots__ = ()

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return float

    __trunc__ = _unary("trunc")
    __floor__ = _unary("floor")
    __ceil__ = _unary("ceil")

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        """The number itself in an array of objects; of another dtype, a concretisation."""
        import numpy

        if dtype is None or dtype is object:
            array = numpy.empty((), dtype=object)
            array[()] = self
            return array
        return numpy.asarray(
            self._symcount_run.concretise("numpy", self._symcount_node), dtype=dtype
        )

    def is_integer(self) -> bool:
        """Tell whether the number is whole: a branch."""
        return bool(self == self.__floor__())

    def as_integer_ratio(self) -> tuple[int, int]:
        """The ratio of the hint: a concretisation."""
        return float(self).as_integer_ratio()

    def hex(self) -> str:
        """The text of the hint: a concretisation."""
        return float(self).hex()

    fromhex = float.fromhex
    if hasattr(float, "from_number"):
        from_number = float.from_number
    __getformat__ = float.__getformat__  # type: ignore[attr-defined]


for _class, _number in ((_Symbol, int), (SymInt, int), (SymFloat, float)):
    del _class.__slots__  # the places stay
    _hide(_class, _number)
SymInt.__doc__, SymFloat.__doc__ = int.__doc__, float.__doc__
