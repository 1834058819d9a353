"""Tell whether an initialiser is sure to succeed, so that a plain build may leave it out.

On the meta device there are no values to set, but torch goes through all that it checks, which
takes longer than to build the module. What is not sure is left to torch: another dtype, a tensor
of too few dimensions or no elements, a number out of the ordinary.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, cast

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from symcount import interception

_FLOATS = frozenset([torch.float32, torch.float64, torch.float16, torch.bfloat16])
_ORDINARY = 1000.0
# What each is given, by the names of its parameters.
_GIVEN = {
    "kaiming_uniform_": ("a", "mode", "nonlinearity"),
    "kaiming_normal_": ("a", "mode", "nonlinearity"),
    "xavier_uniform_": ("gain",),
    "xavier_normal_": ("gain",),
    "uniform_": ("a", "b"),
    "normal_": ("mean", "std"),
    "constant_": ("val",),
    "fill_": ("value",),
    "zero_": (),
}
_WORDS = {
    "mode": frozenset(["fan_in", "fan_out"]),
    "nonlinearity": frozenset(["linear", "relu", "leaky_relu", "tanh", "sigmoid"]),
}
_PLAIN = frozenset([int, float, str, type(None)])
_IN_METHODS = {"from": "a", "to": "b"}
_NEEDED = frozenset(["val", "value"])


def is_sure(name: str, tensor: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Return whether an initialiser of torch, of this name, succeeds for these numbers."""
    if not isinstance(tensor, torch.Tensor) or tensor.dtype not in _FLOATS:
        return False
    given = tuple([(key, type(value), value) for key, value in kwargs.items() if key != "tensor"])
    unnamed = tuple([(type(value), value) for value in args])
    if not _PLAIN.issuperset([kind for *_, kind, _ in (*given, *unnamed)]):
        return False
    has_sure_numbers, dims = _is_sure_of(name, unnamed, given)
    return has_sure_numbers and (not dims or (tensor.dim() >= dims and all(tensor.shape)))


@functools.lru_cache(1 << 10)
def _is_sure_of(
    name: str, args: tuple[tuple[type, Any], ...], kwargs: tuple[tuple[str, type, Any], ...]
) -> tuple[bool, int]:
    """Return whether it does for tensors of as many dimensions as are needed, and how many."""
    names = _GIVEN.get(name)
    if names is None or len(args) > len(names):
        return False, 0
    given = {key: value for key, (_, value) in zip(names, args, strict=False)}
    for key, _, value in kwargs:
        key = _IN_METHODS.get(key, key)
        if key in given or (key == "generator" and value is not None):
            return False, 0
        if key != "generator":
            given[key] = value
    if not given.keys() <= set(names) or not all(map(_is_ordinary, given.items())):
        return False, 0
    if "gain" in names or "mode" in names:
        return bool(given.get("gain", 1) >= 0), 2
    if name == "normal_":
        return bool(given.get("std", 1) >= 0), 0
    return bool(given.get("a", 0) <= given.get("b", 1)) and _NEEDED & set(names) <= given.keys(), 0


def _is_ordinary(given: tuple[str, Any]) -> bool:
    key, value = given
    if key in _WORDS:
        return type(value) is str and value in _WORDS[key]
    return type(value) in (int, float) and bool(abs(value) <= _ORDINARY)


# --- layers of torch that initialise themselves ---------------------------------------------------

# The methods that do nothing but set values, and of how many dimensions a weight has to be.
_RESETS: tuple[tuple[type[nn.Module], str, int], ...] = (
    (nn.Linear, "reset_parameters", 2),
    (nn.modules.conv._ConvNd, "reset_parameters", 2),
    (nn.modules.batchnorm._NormBase, "reset_parameters", 0),
    (nn.LayerNorm, "reset_parameters", 0),
    (nn.GroupNorm, "reset_parameters", 0),
    (nn.Embedding, "reset_parameters", 0),
)
# What they call: a factory may put functions of its own there, which may do more.
_CALLED = tuple(
    (name, getattr(nn.init, name))
    for name in (
        "kaiming_uniform_",
        "uniform_",
        "normal_",
        "ones_",
        "zeros_",
        "_calculate_fan_in_and_fan_out",
    )
)


class LeavesOut(TorchFunctionMode):
    """A mode in which torch's layers need not initialise themselves, while it is the innermost."""

    leaves_out_resets = True


def leave_out_resets() -> None:
    """Have torch's layers not initialise themselves where a mode says so and it surely succeeds.

    To put it back is for `symcount.interception.restore`.
    """
    for function, code in _LEFT_OUT:
        interception.replace(function, "__code__", code)


def _reset(original: Callable[..., Any], dims: int) -> FunctionType:
    def reset(layer: Any) -> None:
        depth = torch._C._len_torch_function_stack()
        mode = torch._C._get_function_stack_at(depth - 1) if depth else None
        if not (isinstance(mode, LeavesOut) and mode.leaves_out_resets and _is_easy(layer, dims)):
            original(layer)

    return cast("FunctionType", reset)


_LEFT_OUT = tuple(
    (function, interception.code_calling(_reset(interception.copy_of(function), dims), function))
    for function, dims in ((vars(owner)[name], dims) for owner, name, dims in _RESETS)
)


def _is_easy(layer: nn.Module, dims: int) -> bool:
    """Return whether all that a layer holds can be set to anything."""
    held = layer._parameters
    if layer.__dict__.get("padding_idx") is not None or (dims and held.get("weight") is None):
        return False
    with torch._C.DisableTorchFunction():
        return (
            all(t is None or _can_be_set(t, nn.Parameter) for t in held.values())
            and all(t is None or _can_be_set(t, torch.Tensor) for t in layer._buffers.values())
            and (not dims or held["weight"].dim() >= dims)  # type: ignore[union-attr]
            and all(vars(nn.init).get(name) is function for name, function in _CALLED)
        )


def _can_be_set(tensor: torch.Tensor, kind: type) -> bool:
    is_float = kind is torch.Tensor or tensor.dtype in _FLOATS
    return type(tensor) is kind and tensor.is_meta and is_float and 0 not in tensor.shape
