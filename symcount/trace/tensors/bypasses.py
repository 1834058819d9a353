"""What a torch function mode does not see, or not in time.

Some torch functions refuse a symbol before they ask any mode (`torch.arange(0, dim)`);
`torch.Tensor(n, m)` and `nn.Parameter(t)` ask none at all; and initialisers compute before they
fill. While a factory is followed, wrappers stand in the place of these in torch's own modules.
They act for the thread that traces and do what the original does for every other.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any

import torch

from symcount.trace.builtins import (
    ModuleShadow,
    Restart,
    TypeShadow,
    intercept,
    is_symbol,
    shadow_users,
)
from symcount.trace.numbers import SymInt
from symcount.trace.tensors.calls import first_argument, leaves
from symcount.trace.tensors.known import KnownTensors

_active = threading.local()

# --- torch functions that refuse a symbol before any mode is asked ------------------------------

_originals: dict[Any, Any] = {}
_refusing: dict[tuple[int, str], tuple[Any, str, Any]] = {}


def _following(original: Any) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        mode: KnownTensors | None = getattr(_active, "mode", None)
        if mode is None or not any(map(is_symbol, leaves((args, kwargs)))):
            return original(*args, **kwargs)
        with torch._C.DisableTorchFunction():  # as it is when torch calls the mode
            return mode.__torch_function__(original, (), args, kwargs)  # type: ignore[no-untyped-call]

    wrapper.__name__ = getattr(original, "__name__", "wrapper")
    _originals[wrapper] = original
    return wrapper


def behind(func: Any) -> Any:
    """The function itself, if torch hands a mode the wrapper that stands in its place."""
    return _originals.get(func, func)


def _refuse(owner: Any, name: str) -> bool:
    """Have a torch function followed through a wrapper from the next run on."""
    original = getattr(owner, name, None)
    if original is None or (id(owner), name) in _refusing or isinstance(original, type):
        return False
    if owner is torch.nn.functional and isinstance(original, FunctionType):
        return False  # it is followed into
    wrapper = _following(original)
    _refusing[id(owner), name] = owner, name, wrapper
    intercept(original, wrapper)
    return True


_REFUSAL = re.compile(
    r"(\w+)\(\)[^\n]*\bSym(?:Int|Float)\b|(\w+)\(\) received an invalid combination"
)

for _name_of_refusing in ("arange", "linspace"):
    _refuse(torch, _name_of_refusing)


_OWNERS: tuple[Any, ...] = (torch, torch.Tensor, torch.nn.functional, torch._C._nn)


def restart_if_refused(error: BaseException | None) -> None:
    """Restart if torch raised because an argument of one of its functions is a symbol."""
    while error is not None:
        if isinstance(error, TypeError):
            for match in _REFUSAL.finditer(str(error)):
                name = match.group(1) or match.group(2)
                learned = [_refuse(owner, name) for owner in _OWNERS]
                if any(learned):
                    raise Restart
        error = error.__cause__ or error.__context__


# --- torch.Tensor(n, m) -------------------------------------------------------------------------


class _LegacyMeta(TypeShadow):
    """Stands in for `torch.Tensor` and its kin, whose constructors allocate and ask no mode."""

    dtype: torch.dtype | None

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if args and not kwargs and all(type(a) is int or type(a) is SymInt for a in args):
            return torch.empty(*args, dtype=cls.dtype)
        if len(args) == 1 and getattr(getattr(args[0], "dtype", None), "kind", "") == "O":
            # an array that numpy has made of symbols: its numbers are values, and no sizes
            args = (args[0].astype(float),)
        return cls.original(*args, **kwargs)


def _legacy(name: str, dtype: torch.dtype | None) -> Any:
    original = getattr(torch, name)
    shadow = _LegacyMeta(f"{name}Shadow", (), {"original": original, "dtype": dtype})
    intercept(original, shadow, name)
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
intercept(torch, ModuleShadow(torch, {name: _legacy(name, d) for name, d in _LEGACY.items()}))


# --- installing ---------------------------------------------------------------------------------


def _make_subclass(original: Any) -> Any:
    """`nn.Parameter(t)` makes its tensor by this call, which no mode sees."""

    def wrapper(cls: Any, data: Any, *args: Any, **kwargs: Any) -> Any:
        out = original(cls, data, *args, **kwargs)
        mode: KnownTensors | None = getattr(_active, "mode", None)
        if mode is not None:
            mode.know_alike(out, data)
        return out

    return staticmethod(wrapper)


def _skipping(original: Any) -> Callable[..., Any]:
    """An initialiser that leaves the tensor alone while a factory is followed."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if getattr(_active, "mode", None) is None:
            return original(*args, **kwargs)
        return first_argument(args, kwargs, "tensor")

    wrapper.__name__ = original.__name__
    wrapper.__module__ = original.__module__
    return wrapper


_INITIALISERS = {
    name: _skipping(function)
    for name, function in vars(torch.nn.init).items()
    if name.endswith("_") and not name.startswith("_") and callable(function)
}
for _name_of_initialiser, _skip in _INITIALISERS.items():
    intercept(getattr(torch.nn.init, _name_of_initialiser), _skip)
shadow_users([getattr(torch.nn.init, name) for name in _INITIALISERS], "torch.nn.modules.")

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
        mode: KnownTensors | None = getattr(_active, "mode", None)
        if mode is None or not original(*args):
            return bool(original(*args))
        return not all(
            mode.is_known(leaf) for leaf in leaves(args) if isinstance(leaf, torch.Tensor)
        )

    return wrapper


def _to_integer(value: Any) -> Any:
    """In the place of `torch.sym_int`, which makes a plain number of what is no symbol of torch."""
    return value.__trunc__() if is_symbol(value) else _sym_int(value)  # type: ignore[no-untyped-call]


_sym_int = torch.sym_int
intercept(_sym_int, _to_integer)
shadow_users([_sym_int], "torch.nn.")

_missing = object()


@contextmanager
def followed(mode: KnownTensors) -> Iterator[None]:
    """Within it, the mode is told of what it does not see, in this thread."""
    saved: list[tuple[Any, str, Any]] = []

    def replace(owner: Any, name: str, value: Any) -> None:
        saved.append((owner, name, owner.__dict__.get(name, _missing)))
        setattr(owner, name, value)

    outer = getattr(_active, "mode", None)
    try:
        _active.mode = mode
        replace(torch.Tensor, "_make_subclass", _make_subclass(torch.Tensor._make_subclass))
        for name, skip in _INITIALISERS.items():
            replace(torch.nn.init, name, skip)
        for name in _ASKING:
            replace(torch.nn.functional, name, _followed_into(getattr(torch.nn.functional, name)))
        for owner, name, wrapper in tuple(_refusing.values()):
            replace(owner, name, wrapper)
        yield
    finally:
        _active.mode = outer
        for owner, name, value in reversed(saved):
            if value is _missing:
                delattr(owner, name)
            else:
                setattr(owner, name, value)
