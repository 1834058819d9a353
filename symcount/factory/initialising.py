"""Tell whether an initialiser is sure to succeed, so that a plain build may leave it out.

On the meta device there are no values to set, but torch goes through all that it checks, which
takes longer than to build the module. What is not sure is left to torch: another dtype, a tensor
of too few dimensions or no elements, a number out of the ordinary.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

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
_IN_METHODS = {"from": "a", "to": "b"}
_NEEDED = frozenset(["val", "value"])


def is_sure(name: str, tensor: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Return whether an initialiser of torch, of this name, succeeds for these numbers."""
    names = _GIVEN.get(name)
    if names is None or not isinstance(tensor, torch.Tensor) or tensor.dtype not in _FLOATS:
        return False
    if len(args) > len(names):
        return False
    given = dict(zip(names, args, strict=False))
    for key, value in kwargs.items():
        key = _IN_METHODS.get(key, key)
        if key in given or (key == "generator" and value is not None):
            return False
        if key not in ("tensor", "generator"):
            given[key] = value
    if not given.keys() <= set(names) or not all(map(_is_ordinary, given.items())):
        return False
    if "gain" in names or "mode" in names:
        return tensor.dim() >= 2 and all(tensor.shape) and bool(given.get("gain", 1) >= 0)
    if name == "normal_":
        return bool(given.get("std", 1) >= 0)
    return bool(given.get("a", 0) <= given.get("b", 1)) and _NEEDED & set(names) <= given.keys()


def _is_ordinary(given: tuple[str, Any]) -> bool:
    key, value = given
    if key in _WORDS:
        return type(value) is str and value in _WORDS[key]
    return type(value) in (int, float) and bool(abs(value) <= _ORDINARY)
