"""Arrays of numpy that are made of symbols: their numbers at the hints, and symbolic sizes.

A `SymArray` passes for an array. What numpy makes of it is computed on the hints, and what sizes
that has is worked out as those of a tensor are (`rules.of_numpy`); the two are compared. A
function without a rule gives an array of unknown sizes. A number that is read depends on symbols,
and is handed to the run as one that is read of a tensor: it is never taken for a constant.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy
import torch
from numpy.lib.mixins import NDArrayOperatorsMixin

from symcount.errors import EscapedSymbolError
from symcount.trace.proxies import hint
from symcount.trace.stand_ins import is_symbol, specialised, unrolled
from symcount.trace.tensors.calls import getter, leaves, plain
from symcount.trace.tensors.known import KnownTensors
from symcount.trace.tensors.of_numpy import ELEMENTWISE, METHODS, PARTS, SHAPES, Ask, written
from symcount.trace.tensors.sizes import Dims, product

# An array with more numbers than this becomes a tensor without values.
_LARGEST_REAL = 1 << 16
_from_numpy = torch.from_numpy  # which may be replaced during a run


class SymArray(NDArrayOperatorsMixin):
    """An array of the running factory: `values` at the hints, and `dims`, or None if unknown."""

    __slots__ = ("_mode", "_tensor", "dims", "made_by", "values")

    def __init__(
        self,
        mode: KnownTensors,
        values: numpy.ndarray,
        dims: Dims | None,
        made_by: str,
        within: tuple[float, float] | None = None,
    ) -> None:
        if dims is not None and tuple(map(hint, dims)) != values.shape:
            dims = None
        self._mode = mode
        self.values: numpy.ndarray = values
        self.dims: Dims | None = dims
        self.made_by: str = made_by
        described = torch.empty(values.shape, device="meta")
        with torch._C.DisableTorchFunction():
            self._tensor = mode.know(described, dims, made_by, tainted=True)
        mode.bound(self._tensor, within)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return numpy.ndarray

    def as_tensor(self, dtype: torch.dtype | None = None) -> torch.Tensor:
        """Return a tensor of the same numbers, without them if they are many."""
        self._check()
        with torch._C.DisableTorchFunction():
            made = _from_numpy(self.values)
            made = made.to(made.dtype if dtype is None else dtype)
            made = made if made.numel() <= _LARGEST_REAL else made.to("meta")
            known = self._mode.known[id(self._tensor)]
            self._mode.know(made, self.dims, known.operation, tainted=True)
        self._mode.known[id(made)].frame = known.frame
        self._mode.bound(made, self.within)
        return made

    def _check(self) -> None:
        if not self._mode.run.alive:
            raise EscapedSymbolError(
                "an array made of symbols was used after the run of the factory it belongs to had "
                "ended. The factory must have kept it in a global, a class attribute or a cache; "
                "keep such arrays inside the module it returns."
            )

    @property
    def within(self) -> tuple[float, float] | None:
        """Numbers between which its values are, if such are known."""
        return self._mode.within(self._tensor)

    # --- what numpy does with it --------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        for array in kwargs.get("out", ()):
            if type(array) is SymArray:
                with suppress(Exception):  # numpy raises too
                    described = [_described(self._mode, value) for value in inputs]
                    written(_asking(self._mode), array._tensor, *described)
        name = {"__call__": ELEMENTWISE, "outer": "multiply.outer"}.get(method, "")
        if ufunc is numpy.matmul and method == "__call__":
            name = "matmul"
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        return self._follow(name, function, inputs, kwargs, ufunc.__name__)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return self._follow(func.__name__, func, args, kwargs)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        """Give the numbers to code that nobody follows."""
        self._check()
        self._mode.run.intercept_callers()
        self._mode.run.concretise_value("numpy.asarray()", None)
        return numpy.array(self.values, dtype=dtype)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # such as the interfaces by which others read memory
            raise AttributeError(f"'numpy.ndarray' object has no attribute '{name}'")
        attribute = getattr(self.values, name)
        if callable(attribute):
            return functools.partial(self._call, name)
        self._check()
        if name in ("T", "mT", "real", "imag"):
            return self._follow(name, lambda values: getattr(values, name), (self,), {})
        if name not in ("dtype", "ndim", "itemsize"):
            self._mode.run.concretise_value(f"ndarray.{name}", None)
        return attribute

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method."""

        def method(values: Any, *args: Any, **kwargs: Any) -> Any:
            return getattr(values, name)(*args, **kwargs)

        return self._follow(METHODS.get(name, name), method, (self, *args), kwargs, name)

    def _follow(
        self, name: str, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], said: str = ""
    ) -> Any:
        self._check()
        within = self.within if name in PARTS else None
        made_by = self.made_by if name in PARTS else f"numpy.{said or name}"
        return follow(self._mode, name, func, args, kwargs, made_by, within)

    # --- what code asks it for ----------------------------------------------------------------

    @property
    def shape(self) -> tuple[Any, ...]:
        """The sizes, which may be symbols."""
        self._check()
        return tuple(self._ask(getter("shape")))

    @property
    def size(self) -> Any:
        """The number of elements."""
        return product(self.shape)

    @property
    def nbytes(self) -> Any:
        """The bytes of the elements."""
        return self.size * self.values.itemsize

    def _ask(self, function: Any, *args: Any) -> Any:
        return _asking(self._mode)(function, self._tensor, *args)

    def __getitem__(self, index: Any) -> Any:
        return self._follow("__getitem__", lambda values, at: values[at], (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        self._check()
        with suppress(Exception):  # numpy raises too
            at, part = _index(self._mode, index), _described(self._mode, value)
            if not any(isinstance(leaf, torch.Tensor) for leaf in leaves(at)):
                self._ask(torch.Tensor.__setitem__, at, part)
        self._mode.writes += 1
        self.values[_plain(index)] = _plain(value)

    def __len__(self) -> int:
        self._mode.run.intercept_callers()
        length = self.shape[0]  # a list of rates has one for each iteration
        return int(specialised(length) if self.within is None else unrolled(length))

    def __iter__(self) -> Iterator[Any]:
        if self.values.ndim == 1:
            return iter(self.tolist())
        rest = self.shape[1:]
        rows = self.values[: len(self)]
        return iter([SymArray(self._mode, row, rest, self.made_by) for row in rows])

    def _read(self, values: Any) -> Any:
        self._check()
        return _read(self._mode, self.made_by, values, self.within)

    def tolist(self) -> Any:
        """The numbers, which depend on symbols, in lists whose lengths do."""
        for size in self.shape[1:]:
            specialised(size)
        unrolled(self.shape[0] if self.shape else 1)
        return self._read(self.values.tolist())

    def item(self, *at: Any) -> Any:
        """One of the numbers."""
        return self._read(self.values.item(*map(_plain, at)))

    def __bool__(self) -> bool:
        return bool(self._read(bool(self.values)))

    def __int__(self) -> int:
        return int(self._read(int(self.values)))

    def __index__(self) -> int:
        return int(self._read(self.values.__index__()))

    def __float__(self) -> Any:
        return float(self._read(float(self.values)))

    def __contains__(self, value: object) -> bool:
        return bool((self == value).any())

    def __repr__(self) -> str:
        return str(self._read(repr(self.values)))

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: object) -> Any:
        return self.copy()


def follow(
    mode: KnownTensors,
    name: str,
    func: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    made_by: str,
    within: tuple[float, float] | None = None,
) -> Any:
    """Call a function of numpy on the hints, and work out what sizes the result has."""
    dims = _sizes_of_result(mode, name, args, kwargs)
    values = func(*_plain(args), **_plain(kwargs))
    written_to = kwargs.get("out") or (args[:1] if values is None else ())
    for array in written_to if isinstance(written_to, tuple) else (written_to,):
        mode.writes += 1
        if type(array) is not SymArray:  # an array that nobody follows has values of one that is
            mode.run.concretise_value(f"{made_by}()", None)
        elif array.values is values:
            return array
    return _followed(mode, values, dims, made_by, within)


def _followed(mode: KnownTensors, values: Any, dims: Any, made_by: str, within: Any = None) -> Any:
    """Return what numpy has made with what is known of it."""
    if isinstance(values, numpy.ndarray):
        return SymArray(mode, values, dims if isinstance(dims, tuple) else None, made_by, within)
    if isinstance(values, numpy.generic):
        return _read(mode, made_by, values.item(), within)
    if type(values) in (tuple, list):
        several = dims if isinstance(dims, list) and len(dims) == len(values) else None
        each = several or [None] * len(values)
        return type(values)(
            _followed(mode, v, d, made_by) for v, d in zip(values, each, strict=True)
        )
    if values is not None:
        mode.run.concretise_value(f"{made_by}()", None)
    return values


def _read(mode: KnownTensors, made_by: str, values: Any, within: tuple[float, float] | None) -> Any:
    """Return numbers of an array, which are no constants: what depends on them will be seen."""
    if type(values) is list:
        return [_read(mode, made_by, value, within) for value in values]
    if type(values) not in (int, float, bool):
        return mode.run.concretise_value(f"{made_by}()", values)
    if within is not None and within[0] == within[1]:
        return values
    return mode.run.track(f"{made_by}()", (), values + 0, within)


def _sizes_of_result(
    mode: KnownTensors, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Return the sizes of a result, a list of them if there are several, or None if unknown.

    Where torch raises, so does numpy, or its result has sizes that are not known.
    """
    rule = SHAPES.get(name)
    if rule is None:
        return None
    try:
        if name == "__getitem__":
            args = args[0], _index(mode, args[1])
        made = rule(_asking(mode), *_described(mode, args), **_described(mode, kwargs))
    except Exception:
        return None  # what is to be refused is refused all the same
    if isinstance(made, torch.Tensor):
        return mode.known_shape(made)
    return [mode.known_shape(tensor) for tensor in made]


def _asking(mode: KnownTensors) -> Ask:
    """Return a function that calls one of torch, and has the mode follow it."""

    def ask(function: Any, *args: Any, **kwargs: Any) -> Any:
        with torch._C.DisableTorchFunction():
            return mode.__torch_function__(function, (), args, kwargs)  # type: ignore[no-untyped-call]

    return ask


def _described(mode: KnownTensors, value: Any) -> Any:
    """Return arguments with a tensor of the same sizes in the place of each array."""
    if type(value) is SymArray:
        return value._tensor
    if isinstance(value, numpy.ndarray):
        with torch._C.DisableTorchFunction():
            return mode.know(torch.empty(value.shape, device="meta"), value.shape, "numpy.array")
    if type(value) in (tuple, list):
        return type(value)(_described(mode, item) for item in value)
    if type(value) is dict:
        return {name: _described(mode, item) for name, item in value.items()}
    return value


def _index(mode: KnownTensors, index: Any) -> Any:
    """Return an index as torch takes it: what is whole backwards has the sizes that it has."""
    if type(index) is tuple:
        return tuple(_index(mode, item) for item in index)
    if isinstance(index, numpy.ndarray) and index.dtype.kind == "b":
        raise TypeError("how many elements a mask selects depends on its values")
    is_whole = type(index) is slice and index.start is None and index.stop is None
    if is_whole and type(index.step) is int and index.step == -1:
        return slice(None)
    return _described(mode, index)


def _plain(value: Any) -> Any:
    """Return arguments with the numbers at the hints in the place of arrays and symbols."""
    if type(value) is SymArray:
        return value.values
    if type(value) in (tuple, list):
        return type(value)(map(_plain, value))
    if type(value) is dict:
        return {name: _plain(item) for name, item in value.items()}
    return plain(value)


def is_followed(args: Any) -> bool:
    """Tell whether a call of numpy is given a symbol, or an array that is made of some."""
    return any(is_symbol(leaf) or type(leaf) is SymArray for leaf in leaves(args))


def holds_arrays(value: Any) -> bool:
    """Tell whether an array made of symbols is among what a tensor is made of."""
    return any(type(leaf) is SymArray for leaf in leaves(value))
