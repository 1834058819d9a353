"""Rules of reductions: sums, extrema, norms."""

from __future__ import annotations

from typing import Any

import torch

from symcount.trace.tensors.registering import Rules, TorchCall
from symcount.trace.tensors.rules.broadcasting import pointwise
from symcount.trace.tensors.sizes import Dims, all_positive, axes_of, torch_may_require

RULES = Rules()


def _reduced(shape: Dims, dim: Any, keepdim: bool) -> Dims:
    if dim is None:
        return (1,) * len(shape) if keepdim else ()
    gone = set(axes_of(dim, len(shape))) or set(range(len(shape)))
    if keepdim:
        return tuple(1 if axis in gone else s for axis, s in enumerate(shape))
    return tuple(s for axis, s in enumerate(shape) if axis not in gone)


# Reductions that give one of the elements, which has to be there.
_OF_SOMETHING = frozenset("amax amin aminmax argmax argmin max median min mode nanmedian".split())


def _reduction_rule(dim_position: int, keepdim_position: int, *functions: Any) -> None:
    def apply_rule(call: TorchCall) -> Any:
        if len(call.args) > 1 and isinstance(call.args[1], torch.Tensor):
            return pointwise(call)  # torch.max(a, b)
        if not call.has_symbols():
            return call.without_rule()
        dim = call.argument(dim_position, "dim")
        if dim is None and call.name == "mode":
            dim = -1
        dim = None if isinstance(dim, bool) else dim  # torch.std(input, unbiased)
        sizes = call.shape()
        shape = _reduced(sizes, dim, call.argument(keepdim_position, "keepdim", False))
        if call.name in _OF_SOMETHING:
            torch_may_require(all_positive(*sizes))
        return call.result(shape)

    RULES.rule(*functions)(apply_rule)


_reduction_rule(
    1, 2,
    *"sum mean prod amax amin any all argmax argmin logsumexp max min median aminmax mode nanmean "
    "nanmedian nansum".split(),
)  # fmt: skip
_reduction_rule(1, 3, "std", "var", "std_mean", "var_mean")
_reduction_rule(2, 3, "norm", torch.functional.norm, torch.linalg.norm, torch.linalg.vector_norm)


@RULES.shape_rule("count_nonzero")
def _count_nonzero(input: Dims, dim: Any = None) -> Dims:
    return _reduced(input, dim, keepdim=False)


@RULES.shape_rule("norm_except_dim")
def _norm_except_dim(input: Dims, pow: Any = 2, dim: int = 0) -> Dims:
    if dim == -1:
        return ()
    return tuple(s if axis == dim else 1 for axis, s in enumerate(input))
