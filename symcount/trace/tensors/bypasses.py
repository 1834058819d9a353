"""Follow the calls that bypass `TorchFunctionMode`, or reach it too late.

Some torch functions refuse a symbol before they ask any mode (`torch.arange(0, dim)`);
`torch.Tensor(n, m)` and `nn.Parameter(t)` ask none at all; and initialisers compute before they
fill. While a factory is followed, wrappers stand in the place of these in torch's own modules.
They act for the thread that traces and do what the original does for every other.
"""

from __future__ import annotations

import functools
import operator
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from types import FrameType, FunctionType, TracebackType
from typing import Any

import numpy
import torch

from symcount import interception
from symcount.interception import code_calling, copy_of
from symcount.trace.intercepting import INTERCEPTOR, Interceptor
from symcount.trace.proxies import SymInt, hint
from symcount.trace.stand_ins import ModuleShadow, TypeShadow, is_symbol
from symcount.trace.tensors import filling
from symcount.trace.tensors.arrays import SymArray, follow, holds_arrays, is_followed
from symcount.trace.tensors.calls import first_argument, leaves
from symcount.trace.tensors.known import KnownTensors
from symcount.trace.tensors.of_numpy import OF_ARRAYS, OF_SIZES
from symcount.trace.tensors.sizes import SymSize

_active = threading.local()

# --- torch functions that refuse a symbol before any mode is asked ------------------------------

_originals: dict[Any, Any] = {}


@functools.cache
def _following(original: Any) -> Callable[..., Any]:
    @functools.wraps(original, assigned=("__name__", "__doc__"), updated=())
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        mode = mode_of_thread()
        given = list(leaves((args, kwargs)))
        if mode is None or not any(map(is_symbol, given)):
            return original(*args, **kwargs)
        types = tuple(dict.fromkeys(type(value) for value in given if _overrides(value)))
        with torch._C.DisableTorchFunction():  # as it is when torch calls the mode
            return mode.__torch_function__(original, types, args, kwargs)  # type: ignore[no-untyped-call]

    _originals[wrapper] = original
    return wrapper


def _overrides(value: object) -> bool:
    """Tell whether a value that is no tensor is asked what becomes of a torch function."""
    return hasattr(type(value), "__torch_function__") and not isinstance(value, torch.Tensor)


def behind(func: Any) -> Any:
    """Return the function itself if torch hands a mode the wrapper that stands in its place."""
    return _originals.get(func, func)


# What code that is intercepted reads instead of these modules; what refuses a symbol is added.
_NN = ModuleShadow(torch._C._nn, {})
_FUNCTIONAL = INTERCEPTOR.intercept_module(torch.nn.functional, {})
_INNER = ModuleShadow(torch, {"_C": ModuleShadow(torch._C, {"_nn": _NN})})
_TORCH = INTERCEPTOR.intercept_module(torch, {})
INTERCEPTOR.intercept_within(torch, _INNER)  # its own code compares with `torch.Tensor` by identity
_SHADOWS: tuple[tuple[Any, tuple[ModuleShadow, ...]], ...] = (
    (torch, (_TORCH, _INNER)),
    (torch.nn.functional, (_FUNCTIONAL,)),
    (torch._C._nn, (_NN,)),
)


class _SizeMeta(TypeShadow):
    def __call__(cls, *args: Any) -> Any:
        sizes = tuple(args[0]) if len(args) == 1 and isinstance(args[0], Iterable) else ()
        return SymSize(sizes) if any(map(is_symbol, sizes)) else torch.Size(*args)


class _SizeShadow(metaclass=_SizeMeta):
    """Stands in for `torch.Size`, which asks symbols for their index."""

    original = torch.Size


INTERCEPTOR.intercept(torch.Size, _SizeShadow, "Size")
vars(_TORCH)["Size"] = _SizeShadow


class Refusing:
    """The functions of torch that have refused symbols in a derivation, and who reads wrappers.

    `accepting` are functions that a mode has been handed together with a symbol.
    """

    def __init__(self, interceptor: Interceptor) -> None:
        self.interceptor = interceptor
        # what almost every module calls: its errors are those of interrupts
        self.accepting: set[Any] = {torch.empty}
        self._shadowed: dict[tuple[ModuleShadow, str], Any] = {}
        self._methods: dict[str, Any] = {}

    def refuse(self, name: str, even_accepting: bool) -> bool:
        """Have what torch calls by a name followed through wrappers; tell whether that is new."""
        accepting = frozenset() if even_accepting else self.accepting
        learned = False
        for owner, shadows in _SHADOWS:
            original = getattr(owner, name, None)
            if not callable(original) or isinstance(original, type) or original in accepting:
                continue
            if (shadows[0], name) in self._shadowed or name in vars(shadows[0]):
                continue
            if owner is torch.nn.functional and isinstance(original, FunctionType):
                continue  # it is followed into
            wrapper = _following(original)
            self.interceptor.intercept(original, wrapper, name)
            self._shadowed.update(((shadow, name), wrapper) for shadow in shadows)
            learned = True
        method = getattr(torch.Tensor, name, None)
        if method is not None and method not in accepting and name not in self._methods:
            self._methods[name] = _following(method)
            learned = True
        return learned

    def replace(self) -> None:
        """Have wrappers in the place of these, until everything is restored."""
        for (shadow, name), wrapper in self._shadowed.items():
            interception.replace(shadow, name, wrapper)
        for name, wrapper in self._methods.items():
            interception.replace(torch.Tensor, name, wrapper)

    def replace_for_good(self) -> None:
        """Have stand-ins of torch hold these wrappers, as they do what they replace."""
        for (shadow, name), wrapper in self._shadowed.items():
            vars(shadow)[name] = wrapper


_always = Refusing(INTERCEPTOR)
for _name_of_refusing in ("arange", "linspace"):
    _always.refuse(_name_of_refusing, even_accepting=False)
_always.replace_for_good()

_REFUSAL = re.compile(
    r"(\w+)\(\)[^\n]*\bSym(?:Int|Float)\b|(\w+)\(\) received an invalid combination"
)
# what an array is that numpy has made of symbols, or asks the type of, as in `numpy.mgrid[0:dim]`
_REFUSAL_OF_NUMPY = re.compile(
    "Cannot interpret '.*' as a data type|Cannot cast array data from dtype.'O'"
    "|can't convert np.ndarray of type numpy.object_"
)


def learn_what_refuses(
    error: BaseException | None,
    refusing: Refusing,
    needed: Callable[[FrameType], bool],
    retried: set[str],
) -> bool:
    """Learn which function of torch raised because an argument is a symbol, if one did.

    `needed` intercepts the code of a frame. Returns whether there was something to learn, so that
    the run must start again. So it must, once, if a function refused a symbol that takes others:
    torch makes this error of any exception that comes while it looks at a symbol, such as that of
    Ctrl-C. `retried` are the functions for which it has; what they refuse again is refused.
    """
    frames: list[FrameType] = []
    while error is not None:
        frames += _frames(error.__traceback__)
        if isinstance(error, TypeError):
            if _REFUSAL_OF_NUMPY.match(str(error)) and any([*map(needed, frames)]):
                return True
            for match in _REFUSAL.finditer(str(error)):
                name = match.group(1) or match.group(2)
                # one that takes symbols may refuse one for another argument, and does so again
                learned = refusing.refuse(name, even_accepting=name in retried)
                if learned:
                    refusing.replace()
                    refusing.interceptor.intercept_anew()
                if any([*map(needed, _frames(error.__traceback__)), learned, name not in retried]):
                    retried.add(name)
                    return True
        error = error.__cause__ or error.__context__
    return False


def _frames(step: TracebackType | None) -> Iterator[FrameType]:
    while step is not None:
        yield step.tb_frame
        step = step.tb_next


# --- torch.Tensor(n, m) -------------------------------------------------------------------------


class _LegacyMeta(TypeShadow):
    """Stands in for `torch.Tensor` and its kin, whose constructors allocate and ask no mode."""

    dtype: torch.dtype | None

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if args and not kwargs and all(type(a) is int or type(a) is SymInt for a in args):
            return torch.empty(*args, dtype=cls.dtype)
        if len(args) == 1 and type(args[0]) is SymArray:
            return args[0].as_tensor(cls.dtype or torch.get_default_dtype())
        if len(args) == 1 and getattr(getattr(args[0], "dtype", None), "kind", "") == "O":
            # an array that numpy has made of symbols: its numbers are values, and no sizes
            numbers = numpy.vectorize(hint, otypes=[float])(args[0])
            made = cls.original(numbers, **kwargs)
            mode = mode_of_thread()
            if mode is not None:
                mode.know(made, None, cls.original.__name__, tainted=True)
            return made
        return cls.original(*args, **kwargs)


def _legacy(name: str, dtype: torch.dtype | None) -> Any:
    original = getattr(torch, name)
    shadow = _LegacyMeta(f"{name}Shadow", (), {"original": original, "dtype": dtype})
    INTERCEPTOR.intercept(original, shadow, name)
    return shadow


_LEGACY = {
    "Tensor": None,
    "FloatTensor": torch.float32,
    "DoubleTensor": torch.float64,
    "HalfTensor": torch.float16,
    "BFloat16Tensor": torch.bfloat16,
    "LongTensor": torch.int64,
    "IntTensor": torch.int32,
}
vars(_TORCH).update({name: _legacy(name, dtype) for name, dtype in _LEGACY.items()})


# --- arrays of numpy ----------------------------------------------------------------------------


def _array_function(name: str, original: Any, is_concerned: Callable[[Any], bool]) -> Any:
    @functools.wraps(original, assigned=("__name__", "__doc__"), updated=())
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        mode = mode_of_thread()
        if mode is None or not is_concerned((args, kwargs)):
            return original(*args, **kwargs)
        ends = [end for end in args[:2] if type(end) in (int, float)]
        is_between = name == "linspace" and len(ends) == 2
        within = (min(ends), max(ends)) if is_between else None
        return follow(mode, name, original, args, kwargs, f"numpy.{name}", within)

    INTERCEPTOR.intercept(original, wrapper)
    return wrapper


def _array_functions(names: Iterable[str], is_concerned: Callable[[Any], bool]) -> dict[str, Any]:
    found = ((name, operator.attrgetter(name)(numpy)) for name in names)
    return {name: _array_function(name, original, is_concerned) for name, original in found}


class _Grid:
    """Stands in for `numpy.mgrid` and `numpy.ogrid`, which are given their sizes in slices."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.original = getattr(numpy, name)

    def __getitem__(self, slices: Any) -> Any:
        mode = mode_of_thread()
        if mode is None or not is_followed(slices):
            return self.original[slices]
        read, name = self.original.__getitem__, self.name
        return follow(mode, name, read, (slices,), {}, f"numpy.{name}")


_OF_NUMPY = _array_functions(OF_SIZES, is_followed) | _array_functions(OF_ARRAYS, holds_arrays)
_RANDOM = {name: f for name, f in _OF_NUMPY.items() if name.startswith("random.")}
INTERCEPTOR.intercept_module(
    numpy,
    {name: f for name, f in _OF_NUMPY.items() if name not in _RANDOM}
    | {
        **{name: _Grid(name) for name in ("mgrid", "ogrid")},
        "random": INTERCEPTOR.intercept_module(
            numpy.random, {name.removeprefix("random."): f for name, f in _RANDOM.items()}
        ),
    },
)


def _from_numpy(original: Any) -> Any:
    """Follow `torch.from_numpy`, which asks no mode."""

    def wrapper(array: Any) -> Any:
        if type(array) is SymArray:
            return array.as_tensor()
        made, mode = original(array), mode_of_thread()
        if mode is not None:
            mode.lend(made)
        return made

    return wrapper


# --- installing ---------------------------------------------------------------------------------


def _make_subclass(original: Any) -> Any:
    """Tell the mode of the call by which `nn.Parameter(t)` makes its tensor."""

    # of any signature: `torch._dynamo` compares it with its own, and may be imported during a run
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        out = original(*args, **kwargs)
        mode = mode_of_thread()
        if mode is not None:
            mode.know_alike(out, kwargs["data"] if "data" in kwargs else args[1])
        return out

    return staticmethod(wrapper)


def _skipping(original: FunctionType) -> Any:
    """Have an initialiser leave the tensor alone while a factory is followed."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if mode_of_thread() is None:
            return original(*args, **kwargs)
        tensor = first_argument(args, kwargs, "tensor")
        rest = args[1:], {k: v for k, v in kwargs.items() if k != "tensor"}
        if isinstance(tensor, torch.Tensor) and filling.raises(original.__name__, tensor, *rest):
            filling.raise_as_torch(original, tensor, *rest)
        return tensor

    return wrapper


_INITIALISERS = [
    (function, code_calling(_skipping(copy_of(function)), function))
    for name, function in vars(torch.nn.init).items()
    if name.endswith("_") and not name.startswith("_") and isinstance(function, FunctionType)
]

# --- what torch writes in Python ----------------------------------------------------------------

# The functions of `torch.nn.functional` that are written in Python hand themselves to the mode, or
# compute in terms of others: by these they ask whether anybody wants to be handed them.
_ASKING = tuple(name for name in vars(torch.nn.functional) if name.startswith("has_torch_function"))


def _followed_into(original: Any) -> Callable[..., bool]:
    """Say that no mode wants the function, so that it runs and the mode sees what it calls.

    That follows each of its branches. With a tensor of unknown shape it is handed to the mode as a
    whole: it may ask for sizes that nobody else needs.
    """

    def wrapper(*args: Any) -> bool:
        mode = mode_of_thread()
        if mode is None or not original(*args):
            return bool(original(*args))
        return not all(
            mode.is_known(leaf) for leaf in leaves(args) if isinstance(leaf, torch.Tensor)
        )

    return wrapper


def _to_integer(value: Any) -> Any:
    """Stand in for `torch.sym_int`, which makes a plain number of what is no symbol of torch."""
    return value.__trunc__() if is_symbol(value) else _sym_int(value)  # type: ignore[no-untyped-call]


_sym_int = torch.sym_int
INTERCEPTOR.intercept_in(
    vars(torch.nn.functional),
    {name: _followed_into(getattr(torch.nn.functional, name)) for name in _ASKING}
    | {"_sym_int": _to_integer},
)


def mode_of_thread() -> KnownTensors | None:
    """Return the mode that is told of what it does not see, in this thread."""
    mode: KnownTensors | None = getattr(_active, "mode", None)
    return mode if mode is not None and mode.run.alive else None


def run_of_thread() -> Any:
    """Return the run of this thread, if there is one."""
    mode = mode_of_thread()
    return None if mode is None else mode.run


def tell(mode: KnownTensors | None) -> None:
    """Tell this mode from now on, or none."""
    _active.mode = mode


def replace_unseen(refusing: Refusing) -> None:
    """Have the mode of this thread told of what it does not see, until everything is restored."""
    make = _make_subclass(torch.Tensor._make_subclass)
    interception.replace(torch.Tensor, "_make_subclass", make)
    interception.replace(torch, "from_numpy", _from_numpy(torch.from_numpy))
    refusing.replace()
    for function, code in _INITIALISERS:
        interception.replace(function, "__code__", code)
