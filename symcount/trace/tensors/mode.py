"""Follow torch on the meta device: a tensor has no memory, and its symbolic sizes beside it.

`Tensors` is a torch function mode. It runs each torch operation on the hints, without memory, and
works out the symbolic shape of the result by a rule (`RULES`); the two are compared at once. An
operation without a rule gives a tensor of unknown shape, which is an error as soon as somebody
needs that shape: never a constant.

Initialisers are skipped: they fill memory that is not there. Small tensors whose values a
constructor reads back (`torch.linspace(0, rate, depth)`) are made for real on the CPU.
"""

from __future__ import annotations

from typing import Any

import torch

from symcount import interception
from symcount.errors import UnknownShapeError
from symcount.trace.proxies import calling_frame
from symcount.trace.stand_ins import is_symbol
from symcount.trace.tensors import bypasses, filling
from symcount.trace.tensors.calls import first_argument, in_place, leaves, name_of, writes
from symcount.trace.tensors.known import KnownTensors
from symcount.trace.tensors.registering import TorchCall
from symcount.trace.tensors.rules import RULES
from symcount.trace.tensors.rules.broadcasting import fits_into
from symcount.trace.tensors.sizes import TorchRaises
from symcount.work import TRACED_CALL


class Tensors(KnownTensors):
    """The torch function mode of one run. `run` is told of pokes and concretisations."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if not self.run.alive:  # it was left behind
            return func(*args, **kwargs)
        self.run.require_time(TRACED_CALL)
        if self.run.pokes:
            nodes = {id(x._symcount_node) for x in leaves((args, kwargs)) if is_symbol(x)}
            self.run.settle(calling_frame(), nodes)
            if nodes:
                self.run.learned.refusing.accepting.add(func)
        func = bypasses.behind(func)
        if types and interception.overriding(types):
            return interception.hand_over(self, func, types, args, kwargs)
        if writes(name_of(func), kwargs) and any(map(_is_real, leaves((args, kwargs)))):
            self.writes += 1
        target = kwargs.get("out")
        if isinstance(target, torch.Tensor) and target.is_meta:
            return self._written_to(target, func, args, kwargs)
        rule = RULES.by_function.get(func)
        if rule is not None:
            try:
                return rule(TorchCall(self, func, args, kwargs))
            except TorchRaises:
                pass  # it says itself why
            except UnknownShapeError as error:
                # As long as nobody asks for its size, a tensor may be of unknown shape.
                if func in RULES.asking:
                    self.run.refuse(error)
                out = self.without_rule(func, args, kwargs)
                self.remember_origin(out, (args, kwargs))
                return out
        elif in_place(name_of(func)):
            target = first_argument(args, kwargs, "tensor")
            if isinstance(target, torch.Tensor) and target.is_meta:
                if self.tainted(args[1:], kwargs):
                    self.taint(target)
                if filling.raises(name_of(func), target, args[1:], kwargs):
                    filling.raise_as_torch(func, target, args[1:], kwargs)
                others = [self.shape(a) for a in args[1:] if isinstance(a, torch.Tensor)]
                if all(fits_into(shape, self.shape(target)) for shape in others):
                    if not target.is_floating_point():
                        self.real(func, args, kwargs)  # raises where it would give a fraction
                    return target
        return self.without_rule(func, args, kwargs)

    def _written_to(self, target: torch.Tensor, func: Any, args: Any, kwargs: Any) -> Any:
        """Follow a call that writes its result to a tensor, which has the sizes of that then."""
        given = {name: value for name, value in kwargs.items() if name != "out"}
        made = self.__torch_function__(func, (), args, given)
        known, sizes = self.known_of(target), self.known_shape(made)
        if target.requires_grad and known is not None and known.shape and sizes:
            # torch raises where it would have to be resized
            _ = len(known.shape) == len(sizes) and known.shape == sizes
        if not any(isinstance(leaf, torch.Tensor) for leaf in leaves((args, given))):
            kwargs = {**kwargs, "device": target.device}
        self.real(func, args, kwargs)
        if known is None or sizes is None:
            return self.know(target, sizes, name_of(func), tainted=True)
        known.shape, known.tainted = sizes, True
        return target


def _is_real(value: object) -> bool:
    """Tell whether a value is a tensor that has values."""
    return isinstance(value, torch.Tensor) and not value.is_meta
