"""Register the rules of symbolic shapes, and look them up.

A rule works out what sizes a torch operation gives its result. The function mode
(`symcount.trace.tensors.mode`) hands it the call; the rule runs the operation on the hints and
tells the mode the symbolic sizes of the result. The mode compares the two, so that a rule that is
wrong stops the run. The ways in which an operation may raise, such as sizes that do not broadcast,
are compared on the symbols and so become conditions of the path.

Each module of rules registers its own with a `Rules` of its own; the mode has one of them all.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeAlias, TypeVar

import torch

from symcount.errors import InternalError
from symcount.trace.handlers import may_be_caught
from symcount.trace.proxies import SymInt, hint
from symcount.trace.tensors.calls import first_argument, name_of
from symcount.trace.tensors.known import KnownTensors, to_meta
from symcount.trace.tensors.sizes import Dims, grows

# The kind of concretisation of a tensor for which torch may have no number.
TOO_LARGE = "that a tensor is not too large for torch"
# A result of more numbers than this has none, as there might be no memory for them.
_MOST_VALUES = 1 << 22
# Functions whose results may have many more elements than what they are made of.
_GROWING = frozenset(
    "repeat tile repeat_interleave expand expand_as broadcast_to outer ger kron cat stack concat "
    "matmul mm bmm einsum add sub mul div pow maximum minimum where __add__ __sub__ __mul__ "
    "__truediv__ __matmul__ __radd__ __rmul__ to float double pad".split()
)
# Functions whose results have values of their first argument, and no others.
_PARTS = frozenset(
    "unbind split split_with_sizes chunk tensor_split __getitem__ select narrow view reshape "
    "flatten squeeze unsqueeze clone detach contiguous flip expand".split()
)


class TorchCall(NamedTuple):
    """A call of a torch function, which a rule is to follow."""

    mode: KnownTensors
    func: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    @property
    def name(self) -> str:
        """The name of the function."""
        return name_of(self.func)

    @property
    def tensor(self) -> Any:
        """The first argument."""
        return first_argument(self.args, self.kwargs)

    def argument(self, position: int, name: str, default: Any = None) -> Any:
        """Return an argument that is given at a position or by its name."""
        return self.args[position] if len(self.args) > position else self.kwargs.get(name, default)

    def shape(self, position: int = 0) -> Dims:
        """Return the sizes of the tensor at a position, or raise if they are not known."""
        return self.mode.shape(self.args[position] if position else self.tensor)

    def has_symbols(self) -> bool:
        """Tell whether the result may depend on a symbol."""
        return self.mode.has_symbols(self.args, self.kwargs)

    def without_rule(self) -> Any:
        """Run the operation as one that has no rule."""
        return self.mode.without_rule(*self[1:])

    def real(self) -> Any:
        """Run the operation on the hints."""
        return self.mode.real(*self[1:])

    def know(self, out: Any, shapes: Dims | list[Dims | None] | None) -> Any:
        """Remember the shape of each result: those of a list, or the same of all."""
        tainted = self.mode.tainted(self.args, self.kwargs)
        results = [out] if isinstance(out, torch.Tensor) else list(out)
        several = shapes if isinstance(shapes, list) else [shapes] * len(results)
        for result, shape in zip(results, several, strict=True):
            self.mode.know(result, shape, self.name, tainted)
            if tainted and self.name in _PARTS:
                self.mode.bound(result, self.mode.within(self.args[0]))
        return out

    def result(self, shapes: Dims | list[Dims | None] | None) -> Any:
        """Run the operation on the hints and remember the shape of each result."""
        if (
            self.name in _GROWING
            and isinstance(shapes, tuple)
            and len(shapes) > 1
            and grows(shapes)
            and may_be_caught()
        ):
            self.mode.run.assume_of(TOO_LARGE, *(size for size in shapes if type(size) is SymInt))
        if isinstance(shapes, tuple) and math.prod(map(hint, shapes)) > _MOST_VALUES:
            return self.know(self.mode.real(self.func, *map(to_meta, self[2:])), shapes)
        return self.know(self.real(), shapes)


Rule: TypeAlias = "Callable[[TorchCall], Any]"
ShapeRule = TypeVar("ShapeRule", bound="Callable[..., Dims | list[Dims | None] | None]")

_C: Any = torch._C
_OWNERS = (torch.Tensor, torch, torch.nn.functional, _C._nn, _C._special, _C._linalg)


def _meant_by(function: Any) -> list[Any]:
    """Return a function, or all those of torch's modules that have this name."""
    if not isinstance(function, str):
        return [function]
    return [getattr(owner, function) for owner in _OWNERS if hasattr(owner, function)]


class Rules:
    """Rules, by the torch functions that they are of.

    `asking` are those functions that tell the sizes of a tensor, or give as many tensors as one of
    its sizes says: to them a tensor of unknown shape is an error.
    """

    def __init__(self, *parts: Rules) -> None:
        self.by_function: dict[Any, Rule] = {}
        self.asking: set[Any] = set()
        for part in parts:
            self._add(part.by_function.items())
            self.asking |= part.asking

    def _add(self, rules: Iterable[tuple[Any, Rule]]) -> None:
        for function, rule in rules:
            if self.by_function.setdefault(function, rule) is not rule:
                raise InternalError(f"torch's {name_of(function)} has two rules")

    def rule(self, *functions: Any, asks_for_sizes: bool = False) -> Callable[[Rule], Rule]:
        """Register a rule of torch functions; names stand for those in all of torch's modules."""
        targets = [target for function in functions for target in _meant_by(function)]

        def add(rule: Rule) -> Rule:
            self._add((target, rule) for target in targets)
            self.asking.update(targets if asks_for_sizes else ())
            return rule

        return add

    def shape_rule(self, *functions: Any) -> Callable[[ShapeRule], ShapeRule]:
        """Register a rule that works out nothing but shapes.

        The decorated function takes the arguments of the operation, by the names torch has for
        them, with shapes in the place of tensors. It returns the sizes of the result, or a list of
        them if the operation has several; None stands for sizes that are not known. Arguments it
        has no name for are left to torch: what comes of such a call has no known sizes.
        """

        def add(compute: ShapeRule) -> ShapeRule:
            signature = inspect.signature(compute)

            @functools.cache
            def takes(count: int, names: tuple[str, ...]) -> bool:
                try:
                    signature.bind(*[None] * count, **dict.fromkeys(names))
                except TypeError:
                    return False
                return True

            def apply_rule(call: TorchCall) -> Any:
                named = {"input" if k == "self" else k: v for k, v in call.kwargs.items()}
                if not takes(len(call.args), tuple(named)) or not call.has_symbols():
                    return call.without_rule()
                args, named = _shapes_in_place(call.mode, (call.args, named))
                return call.result(compute(*args, **named))

            apply_rule.__name__ = compute.__name__
            self.rule(*functions)(apply_rule)
            return compute

        return add


def _shapes_in_place(mode: KnownTensors, value: Any) -> Any:
    """Return `value` with the shape in the place of each tensor."""
    if isinstance(value, torch.Tensor):
        return mode.shape(value)
    if isinstance(value, tuple | list):  # named tuples of torch.return_types too
        items = (_shapes_in_place(mode, item) for item in value)
        return tuple(items) if isinstance(value, tuple) else list(items)
    if type(value) is dict:
        return {name: _shapes_in_place(mode, item) for name, item in value.items()}
    return value
