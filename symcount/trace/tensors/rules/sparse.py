"""Rules of sparse tensors: of a shape that is known, and of numbers that are not."""

from __future__ import annotations

from typing import Any

import torch

from symcount.trace.tensors.registering import Rules, TorchCall
from symcount.trace.tensors.sizes import Dims

RULES = Rules()

_LAYOUTS = {
    "to_sparse": torch.sparse_coo,
    "to_sparse_coo": torch.sparse_coo,
    "to_sparse_csr": torch.sparse_csr,
    "to_sparse_csc": torch.sparse_csc,
    "to_dense": torch.strided,
}


@RULES.rule(*_LAYOUTS)
def _in_other_layout(call: TorchCall) -> Any:
    """Make a sparse tensor of the same shape, which has no kernel on the meta device."""
    tensor = call.tensor
    if len(call.args) > 1 or call.kwargs:
        return call.without_rule()
    if not tensor.is_meta:
        return call.result(call.shape())
    layout = _LAYOUTS[call.name]
    with torch._C.DisableTorchFunction():
        out = torch.empty(tensor.shape, dtype=tensor.dtype, layout=layout, device="meta")
    return call.know(out, call.shape())


@RULES.shape_rule("coalesce")
def _coalesce(input: Dims) -> Dims:
    return input


@RULES.rule(torch.sparse_coo_tensor)
def _sparse_coo_tensor(call: TorchCall) -> Any:
    size = call.argument(2, "size", call.args[0] if len(call.args) == 1 else None)
    is_size = isinstance(size, tuple | list) and all(isinstance(n, int) for n in size)
    return call.result(tuple(size)) if is_size else call.without_rule()


@RULES.rule(
    "_nnz", "values", "indices", "_values", "_indices", "crow_indices", "col_indices",
    "ccol_indices", "row_indices",
)  # fmt: skip
def _of_non_zeros(call: TorchCall) -> Any:
    if call.tensor.is_meta:
        raise NotImplementedError(f"{call.name}() of a tensor without values")
    return call.without_rule()
