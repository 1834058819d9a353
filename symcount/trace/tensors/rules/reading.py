"""Rules of what code asks of a tensor: its sizes, its values, and what depends on neither."""

from __future__ import annotations

import operator
from typing import Any

import torch

from symcount.trace.stand_ins import unrolled
from symcount.trace.tensors.calls import getter, setter
from symcount.trace.tensors.registering import Rules, TorchCall
from symcount.trace.tensors.sizes import SymSize, is_symbolic, length_of, product, torch_requires

RULES = Rules()

_PROPERTIES = "dtype device layout is_meta is_cuda is_leaf requires_grad ndim grad_fn".split()


@RULES.rule(
    torch._C._set_grad_enabled,
    *map(getter, _PROPERTIES),
    setter("requires_grad"),
    "dim",
    "is_floating_point",
    "is_complex",
)
def _sizeless(call: TorchCall) -> Any:
    return call.func(*call.args, **call.kwargs)


@RULES.rule(getter("shape"), asks_for_sizes=True)
def _shape(call: TorchCall) -> Any:
    shape = call.shape()
    return SymSize(shape) if is_symbolic(shape) else torch.Size(shape)


@RULES.rule("size", asks_for_sizes=True)
def _size(call: TorchCall) -> Any:
    dim = call.argument(1, "dim")
    return _shape(call) if dim is None else _shape(call)[operator.index(dim)]


@RULES.rule("numel", "nelement", asks_for_sizes=True)
def _numel(call: TorchCall) -> Any:
    return product(call.shape())


@RULES.rule(getter("nbytes"), asks_for_sizes=True)
def _nbytes(call: TorchCall) -> Any:
    return product(call.shape()) * call.tensor.itemsize


@RULES.rule("__len__", asks_for_sizes=True)
def _len(call: TorchCall) -> Any:
    call.real()
    return length_of(call.tensor, call.shape()[0])


@RULES.rule("item", "tolist", "__bool__", "__int__", "__float__", "__index__", "numpy")
def _read_values(call: TorchCall) -> Any:
    shape = call.mode.known_shape(call.tensor)
    if shape is not None and is_symbolic(shape):
        if call.name not in ("tolist", "numpy"):
            torch_requires(product(shape) == 1)
        elif not call.tensor.is_meta:
            for size in shape:  # what is read has a length that is a plain number
                unrolled(size)
    values = call.real()
    if call.name == "numpy":
        call.mode.lend(call.tensor)
    if call.mode.tainted(call.args, {}):
        within = call.mode.within(call.tensor)
        return call.mode.run.concretise_value(f"Tensor.{call.name}()", values, within)
    return values
