"""Conditions without which torch raises of a tensor that it would fill with values.

Filling is skipped, since there is nothing to fill. But a factory that asks for what cannot be
filled, such as a normal distribution of negative deviation, builds nothing.
"""

from __future__ import annotations

from typing import Any

import torch

from symcount.libraries import TORCH
from symcount.record import Node
from symcount.symbols import Number
from symcount.trace.proxies import calling_frame, operand
from symcount.trace.stand_ins import is_symbol
from symcount.trace.tensors.calls import plain

# What must not be negative of the numbers that a distribution is given, in the order in which it
# takes them; `uniform_` is about the distance between its bounds.
_DEVIATIONS = {
    "normal_": (1, "std"),
    "trunc_normal_": (1, "std"),
    "log_normal_": (1, "std"),
    "cauchy_": (1, "sigma"),
    "exponential_": (0, "lambd"),
}
_MAY_BE_ZERO = frozenset(["normal_"])
# Where all operands are at least zero, so is the result of these.
_KEEP_SIGN = frozenset(
    "add mul truediv floordiv sqrt pow math_pow max min float abs trunc floor ceil round".split()
)
# How many dimensions a tensor must have at least to be filled so.
_LEAST_DIMENSIONS = {
    "xavier_uniform_": 2,
    "xavier_normal_": 2,
    "kaiming_uniform_": 2,
    "kaiming_normal_": 2,
    "orthogonal_": 2,
    "sparse_": 2,
    "eye_": 2,
    "dirac_": 3,
}
# Their sign is that of the first operand.
_OF_FIRST = frozenset(["pow", "math_pow"])


def raises(name: str, tensor: torch.Tensor, args: Any, kwargs: Any) -> bool:
    """Tell whether torch raises of a tensor or of these numbers: a branch if one is a symbol.

    What torch's own layers ask for is valid.
    """
    if tensor.ndim < _LEAST_DIMENSIONS.get(name, 0):
        return True
    if not any(map(is_symbol, (*args, *kwargs.values()))):
        return False
    if calling_frame().f_code.co_filename.startswith(TORCH):
        return False
    if name in _DEVIATIONS:
        place, keyword = _DEVIATIONS[name]
        deviation = args[place] if place < len(args) else kwargs.get(keyword, 1)
        if _sign(operand(deviation)) == 1:
            return False
        return not (deviation >= 0 if name in _MAY_BE_ZERO else deviation > 0)
    if name == "uniform_":
        bounds = [kwargs.get("a", kwargs.get("from", 0)), kwargs.get("b", kwargs.get("to", 1))]
        least, most = [*args, *bounds[len(args) :]][:2]
        signs = _sign(operand(least)), _sign(operand(most))
        return signs != (-1, 1) and not bool(least <= most)
    return False


def _sign(value: Node | Number | None) -> int | None:
    """Return 1 for what is at least zero whatever the symbols, and -1 for what is at most that."""
    if not isinstance(value, Node):
        return None if value is None else 1 if value >= 0 else -1
    if value.op in ("symbol", "index"):
        return 1
    first, *others = [_sign(arg) for arg in value.args[: 1 if value.op in _OF_FIRST else None]]
    if value.op == "neg" and first is not None:
        return -first
    if value.op in _KEEP_SIGN and {first, *others} == {1}:
        return 1
    if value.op in ("mul", "truediv") and first is not None and others[0] is not None:
        return first * others[0]
    return None


def raise_as_torch(function: Any, tensor: torch.Tensor, args: Any, kwargs: Any) -> None:
    """Raise what torch does of these numbers at the hints: it looks at them first."""
    few = tensor.ndim < _LEAST_DIMENSIONS.get(function.__name__, 0)
    with torch._C.DisableTorchFunction():
        like = torch.empty(tensor.shape if few else 0, device="meta" if few else "cpu")
        function(like, *plain(args), **plain(kwargs))
