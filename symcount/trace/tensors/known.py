"""Keep what a run knows of its tensors: their symbolic sizes, and where they were made."""

from __future__ import annotations

from dataclasses import dataclass
from types import FrameType
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from symcount import interception
from symcount.errors import InternalError, UnknownShapeError
from symcount.record import Frame
from symcount.trace.loops import Tags
from symcount.trace.proxies import calling_frame, hint, is_of_torch, user_frame
from symcount.trace.stand_ins import is_symbol
from symcount.trace.tensors.calls import (
    SIZELESS,
    first_argument,
    in_place,
    leaves,
    name_of,
    plain,
)
from symcount.trace.tensors.sizes import Dims, is_symbolic

# Where torch has the methods of tensors that are written in Python, and hands them to a mode.
_METHODS = frozenset([torch.overrides.__file__, torch._tensor.__file__])
# What functions return that says nothing of sizes or values.
_SIZELESS = (type(None), torch.dtype, torch.device, torch.layout, torch.memory_format)


@dataclass(eq=False, slots=True)
class KnownTensor:
    """A tensor, which is kept alive so that its `id` stays its own, and what is known of it.

    It is `tainted` if its values depend on a symbol, and `within` are then numbers between which
    they are for all its values, if such are known, until anything is written to a tensor.
    """

    tensor: torch.Tensor
    shape: Dims | None
    frame: Frame
    operation: str
    tainted: bool
    tags: Tags
    within: tuple[float, float] | None = None
    writes: int = 0


class KnownTensors(TorchFunctionMode):
    """The tensors of one run, of which `run` is told when their values are read.

    It is what a rule needs of the mode that follows the run, and knows of no rule itself.
    """

    def __init__(self, run: Any) -> None:
        super().__init__()
        self.run = run
        self.known: dict[int, KnownTensor] = {}
        # Memory that others may read, and memory of tainted tensors, which are kept alive.
        self._lent: dict[int, torch.Tensor] = {}
        self._tainted_memory: dict[int, torch.Tensor] = {}
        self.writes = 0  # how often values were written, to what another may be a view of

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        interception.take_off_stack(self, error)

    def know(
        self, tensor: torch.Tensor, shape: Dims | None, operation: str, tainted: bool = False
    ) -> torch.Tensor:
        """Remember the symbolic shape of a tensor, after comparing it with the real one."""
        if shape is not None and any(isinstance(size, torch.Tensor) for size in shape):
            shape = None  # it is a value that nobody follows
        if shape is not None:
            shape = tuple(shape)
            at_hints = tuple(map(hint, shape))
            if at_hints != tuple(tensor.shape):
                self.run.refuse(
                    InternalError(
                        f"{operation} gave a tensor of shape {tuple(tensor.shape)}, its rule says "
                        f"{at_hints}"
                    )
                )
        before = self.known.get(id(tensor))
        if before is not None and shape is not None and before.shape is shape:
            before.tainted |= tainted  # a function has given back what it was given
            return tensor
        self.known[id(tensor)] = KnownTensor(
            tensor, shape, user_frame(), operation, tainted, self.run.tags
        )
        if tainted:
            self._taint_memory(tensor)
        return tensor

    def taint(self, result: object) -> None:
        """Remember that the values of a tensor depend on a symbol, as its shape may not.

        So do those of all that share its memory; who else reads that sees the hints.
        """
        known = self.known.get(id(result))
        if known is not None:
            known.tainted = True
            self._taint_memory(known.tensor)

    def _taint_memory(self, tensor: torch.Tensor) -> None:
        memory = _memory_of(tensor)
        if memory is not None:
            self._tainted_memory[memory] = tensor
            if memory in self._lent:
                self.run.concretise_value("memory of a tensor", None)

    def lend(self, tensor: Any) -> None:
        """Remember that others than tensors may read the memory of a tensor."""
        memory = _memory_of(tensor)
        if memory is not None:
            self._lent[memory] = tensor

    def is_tainted(self, value: object) -> bool:
        """Tell whether a value is a tensor whose values depend on a symbol."""
        known = self.known.get(id(value))
        if known is not None and known.tainted:
            return True
        return bool(self._tainted_memory) and _memory_of(value) in self._tainted_memory

    def bound(self, tensor: torch.Tensor, within: tuple[float, float] | None) -> None:
        """Remember between which numbers the values of a tensor are."""
        known = self.known.get(id(tensor))
        if known is not None:
            known.within, known.writes = within, self.writes

    def within(self, tensor: object) -> tuple[float, float] | None:
        """Return numbers between which the values of a tensor are, if such are known."""
        known = self.known.get(id(tensor))
        return None if known is None or known.writes != self.writes else known.within

    def known_of(self, tensor: torch.Tensor) -> KnownTensor | None:
        """Return what is known of a tensor.

        One that was made where no mode looks, as by `torch.Tensor(3)`, has the sizes that it has,
        as long as no symbol has become a plain number that may have been one of them.
        """
        known = self.known.get(id(tensor))
        if known is not None:
            return known
        if self.run.has_lost_sizes():
            self.run.intercept_callers()  # one of them may have made it
            return None
        with torch._C.DisableTorchFunction():
            self.know(tensor, tuple(tensor.shape), "torch.Tensor", self.is_tainted(tensor))
        self.lend(tensor)
        return self.known[id(tensor)]

    def know_alike(self, tensor: torch.Tensor, other: torch.Tensor) -> None:
        """Remember a tensor as having the sizes of another, if those are known."""
        known = self.known_of(other)
        if known is not None:
            self.known[id(tensor)] = KnownTensor(
                tensor, known.shape, user_frame(), known.operation, known.tainted, self.run.tags
            )

    def shape(self, tensor: torch.Tensor) -> Dims:
        """Return the sizes of a tensor, or raise if they are not known."""
        known = self.known_of(tensor)
        if known is None or known.shape is None:
            made = (
                "the shape of a tensor that the factory did not make itself"
                if known is None
                else f"the shape of a tensor made by {known.operation}() at {known.frame.source}"
            )
            raise UnknownShapeError(
                f"{user_frame().source}: {made} is needed and cannot be followed. Compute the "
                "size from the hyper-parameters, or fix the symbols it depends on: "
                "derive(factory, name=value)."
            )
        return known.shape

    def known_shape(self, tensor: object) -> Dims | None:
        """Return the sizes of a tensor that was seen being made, if they are known."""
        known = self.known.get(id(tensor))
        return None if known is None else known.shape

    def is_known(self, tensor: torch.Tensor) -> bool:
        """Tell whether the sizes of a tensor are known."""
        return self.known_shape(tensor) is not None

    def has_symbols(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Tell whether a call's result may depend on a symbol."""
        for leaf in leaves((args, kwargs)):
            if is_symbol(leaf):
                return True
            if isinstance(leaf, torch.Tensor):
                known = self.known_of(leaf)
                if known is None or known.shape is None or is_symbolic(known.shape):
                    return True
        return False

    def tainted(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Tell whether the values of a call's result depend on a symbol."""
        return any(is_symbol(leaf) or self.is_tainted(leaf) for leaf in leaves((args, kwargs)))

    def real(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the operation on the hints, all its tensors on one device."""
        args, kwargs = plain(args), plain(kwargs)
        tensors = [x for x in leaves((args, kwargs)) if isinstance(x, torch.Tensor)]
        with torch._C.DisableTorchFunction():
            if len({t.is_meta for t in tensors}) > 1:
                args, kwargs = to_meta(args), to_meta(kwargs)
            return func(*args, **kwargs)

    def remember_origin(self, out: Any, arguments: Any) -> None:
        """Blame what comes of a tensor of unknown shape on the operation that made that one."""
        inputs = [self.known.get(id(item)) for item in leaves(arguments)]
        origin = next((k for k in inputs if k is not None and k.shape is None), None)
        for item in leaves(out):
            known = self.known.get(id(item))
            if known is not None and origin is not None and known.shape is None:
                known.operation, known.frame = origin.operation, origin.frame

    def without_rule(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run an operation that has no rule; what it returns has a constant shape, or none."""
        depends = self.has_symbols(args, kwargs)
        tainted = self.tainted(args, kwargs)
        name = name_of(func)
        out = self.real(func, args, kwargs)
        changes = None
        for item in leaves(out):
            if isinstance(item, torch.Tensor):
                if id(item) in self.known and in_place(name):
                    if tainted:
                        self.taint(item)
                    continue
                if tainted and changes is None:
                    changes = _sizes_depend_on_values(func, args, kwargs, out)
                self.know(item, None if depends or changes else tuple(item.shape), name, tainted)
                if not any(isinstance(leaf, torch.Tensor) for leaf in leaves((args, kwargs))):
                    self.lend(item)  # of what is no tensor, such as a buffer
            elif name not in SIZELESS and not isinstance(item, _SIZELESS):
                if (depends or tainted) and _says_something(item, tainted):
                    self.run.concretise_value(f"torch {name}()", None)
                self.lend(first_argument(args, kwargs))
        return out


def _sizes_depend_on_values(func: Any, args: Any, kwargs: Any, out: Any) -> bool:
    """Tell whether an operation gives other sizes, or none, if its tensors have no values."""
    tensors = [leaf for leaf in leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    if any(tensor.is_meta for tensor in tensors):
        return False  # it had none
    try:
        with torch._C.DisableTorchFunction():
            made = func(*to_meta(plain(args)), **to_meta(plain(kwargs)))
    except Exception:
        return True
    return _sizes(made) != _sizes(out)


def _sizes(made: Any) -> list[torch.Size]:
    return [leaf.shape for leaf in leaves(made) if isinstance(leaf, torch.Tensor)]


def _memory_of(tensor: object) -> int | None:
    """Return where the values of a tensor are, if it has some."""
    if not isinstance(tensor, torch.Tensor):
        return None
    with torch._C.DisableTorchFunction():
        if tensor.is_meta or not tensor.numel() or tensor.layout is not torch.strided:
            return None
        return tensor.untyped_storage().data_ptr()


def _says_something(result: object, tainted: bool) -> bool:
    """Tell whether a result that is no tensor may say something of sizes or values.

    What torch asks itself is part of what is trusted, unless it is a number, or more than a truth
    value of what has values.
    """
    if type(result) in (int, float) or (tainted and type(result) is not bool):
        return True
    frame: FrameType | None = calling_frame()
    while frame is not None and frame.f_code.co_filename in _METHODS:
        frame = frame.f_back
    return frame is None or not is_of_torch(frame.f_code)


def to_meta(value: Any) -> Any:
    """Return arguments of a call with every tensor on the meta device."""
    if isinstance(value, torch.Tensor):
        return value if value.is_meta else value.to("meta")
    if type(value) in (tuple, list):
        return type(value)(map(to_meta, value))
    if type(value) is dict:
        return {k: to_meta(v) for k, v in value.items()}
    if type(value) is slice:
        return slice(to_meta(value.start), to_meta(value.stop), to_meta(value.step))
    return value
