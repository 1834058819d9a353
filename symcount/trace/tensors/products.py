"""Rules of products of tensors, and of functions of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from symcount.trace.builtins import apply_to_pair
from symcount.trace.tensors.broadcasting import broadcast, fits_into, pointwise, together
from symcount.trace.tensors.rules import Call, Rules
from symcount.trace.tensors.sizes import (
    Dims,
    Size,
    axes_of,
    axis_of,
    replaced,
    same_sizes,
    torch_requires,
)

RULES = Rules()


def _product(a: Dims, b: Dims) -> Dims | None:
    """Return the sizes of a product as `matmul` has it; None if torch raises."""
    if not a or not b or (b[-2] if len(b) > 1 else b[-1]) != a[-1]:
        return None
    batch = broadcast(a[:-2], b[:-2]) if a[:-2] or b[:-2] else ()
    return (*batch, *a[-2:-1], *(b[-1:] if len(b) > 1 else ()))


@RULES.rule("matmul", "__matmul__", "__rmatmul__", "mm", "bmm", "mv", "dot", "vdot")
def _matmul(call: Call) -> Any:
    if len(call.args) != 2 or not call.has_symbols():
        return call.without_rule()
    a, b = call.shape(0), call.shape(1)
    if call.name == "bmm" and len(a) == len(b) == 3 and a[0] != b[0]:
        return call.real()  # torch raises
    return call.result(_product(b, a) if call.name == "__rmatmul__" else _product(a, b))


@RULES.call_rule("addmm", "addmv", "baddbmm")
def _product_added(input: Dims, a: Dims, b: Dims, *, beta: Any = 1, alpha: Any = 1) -> Dims | None:
    if len(a) == len(b) == 3 and a[0] != b[0]:
        return None
    shape = _product(a, b)
    return shape if shape is not None and fits_into(input, shape) else None


@RULES.rule("outer", "ger")
def _outer(call: Call) -> Any:
    return call.result((*call.shape(0), *call.shape(1)))


@RULES.rule("inner")
def _inner(call: Call) -> Any:
    a, b = call.shape(0), call.shape(1)
    if not a or not b:
        return pointwise(call)
    torch_requires(a[-1] == b[-1])
    return call.result((*a[:-1], *b[:-1]))


@RULES.rule("linear")
def _linear(call: Call) -> Any:
    shape, weight = call.shape(), call.mode.shape(call.argument(1, "weight"))
    if shape[-1] != weight[-1]:
        return call.real()  # torch raises
    return call.result((*shape[:-1], *weight[:-1]))


@RULES.call_rule("bilinear")
def _bilinear(input1: Dims, input2: Dims, weight: Dims, bias: Any = None) -> Dims | None:
    if len(weight) != 3 or not same_sizes(input1[:-1], input2[:-1]):
        return None
    if input1[-1] != weight[1] or input2[-1] != weight[2]:
        return None
    return (*input1[:-1], weight[0])


@RULES.call_rule(torch.einsum)
def _einsum(equation: Any, *operands: Any) -> Dims | None:
    if not isinstance(equation, str):
        return None
    if len(operands) == 1 and type(operands[0]) is list:
        operands = tuple(operands[0])
    given, arrow, result = equation.replace(" ", "").partition("->")
    terms = given.split(",")
    if len(terms) != len(operands):
        return None
    size_of = _size_of_labels(terms, operands)
    if size_of is None:
        return None
    free = sorted((label for label in size_of if type(label) is int), reverse=True)
    if arrow:
        wanted = _expanded(result, free)
        if len(set(wanted)) < len(wanted) or not set(wanted) <= set(size_of):
            return None
        return tuple(size_of[w] for w in wanted)
    letters = given.replace("...", "").replace(",", "")
    once = sorted(letter for letter in set(letters) if letters.count(letter) == 1)
    return tuple(size_of[label] for label in (*free, *once))


def _size_of_labels(terms: Sequence[str], shapes: Sequence[Dims]) -> dict[Any, Size] | None:
    """Return the size that each label stands for; None if torch raises."""
    labels = [_labels(term, len(shape)) for term, shape in zip(terms, shapes, strict=True)]
    if any(one is None for one in labels):
        return None
    size_of: dict[Any, Size] = {}
    for term, shape in zip(labels, shapes, strict=True):
        own: dict[Any, Size] = {}
        for label, size in zip(term or (), shape, strict=True):
            if label in own and own[label] != size:
                return None  # a diagonal of what is not square
            own[label] = size
        for label, size in own.items():
            size_of[label] = together(size_of[label], size) if label in size_of else size
    return size_of


def _labels(term: str, rank: int) -> list[Any] | None:
    """Return the label of each axis; those of an ellipsis are numbers, counted from its end."""
    missing = rank - len(term.replace("...", ""))
    if missing < 0 or (missing and "..." not in term):
        return None
    return _expanded(term, list(range(missing))[::-1])


def _expanded(term: str, ellipsis: list[int]) -> list[Any]:
    before, dots, after = term.partition("...")
    return [*before, *(ellipsis if dots else []), *after]


@RULES.call_rule(torch.tensordot)
def _tensordot(a: Dims, b: Dims, dims: Any = 2, out: Any = None) -> Dims | None:
    if out is not None:
        return None
    if isinstance(dims, int):
        if not 0 <= dims <= min(len(a), len(b)):
            return None
        summed = list(range(len(a) - dims, len(a))), list(range(dims))
    elif isinstance(dims, Sequence) and len(dims) == 2:
        summed = axes_of(dims[0], len(a)), axes_of(dims[1], len(b))
    else:
        return None
    if len(summed[0]) != len(summed[1]):
        return None
    for i, j in zip(*summed, strict=True):
        if not (a[i] == b[j] or a[i] == 1 or b[j] == 1):
            return None
    return (
        *(s for axis, s in enumerate(a) if axis not in summed[0]),
        *(s for axis, s in enumerate(b) if axis not in summed[1]),
    )


@RULES.call_rule(torch.cdist)
def _cdist(x1: Dims, x2: Dims, p: float = 2.0, compute_mode: Any = None) -> Dims | None:
    if len(x1) < 2 or len(x2) < 2 or x1[-1] != x2[-1]:
        return None
    return (*broadcast(x1[:-2], x2[:-2]), x1[-2], x2[-2])


@RULES.call_rule("cosine_similarity")
def _cosine_similarity(x1: Dims, x2: Dims, dim: int = 1, eps: float = 1e-8) -> Dims | None:
    shape = broadcast(x1, x2)
    axis = axis_of(dim, len(shape))
    return None if axis is None else replaced(shape, axis)


@RULES.call_rule("scaled_dot_product_attention")
def _attention(
    query: Dims,
    key: Dims,
    value: Dims,
    attn_mask: Dims | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: Any = None,
    enable_gqa: bool = False,
) -> Dims | None:
    ranks = {len(query), len(key), len(value)}
    if len(ranks) > 1 or ranks < {3 if enable_gqa else 2}:
        return None
    if query[-1] != key[-1] or key[-2] != value[-2]:
        return None
    if enable_gqa:
        heads = query[-3]
        if any(not h > 0 or heads % h != 0 for h in (key[-3], value[-3])):
            return None
        batch = (*broadcast(query[:-3], key[:-3], value[:-3]), heads)
    else:
        batch = broadcast(query[:-2], key[:-2], value[:-2])
    if attn_mask is not None and not fits_into(attn_mask, (*batch, query[-2], key[-2])):
        return None
    return (*batch, query[-2], value[-1])


# --- matrices ---------------------------------------------------------------------------------


@RULES.call_rule(
    "cholesky", "inverse", "linalg_cholesky", "linalg_inv", "linalg_matrix_exp", "matrix_exp"
)
def _of_square(input: Dims, **options: Any) -> Dims | None:
    return input if len(input) >= 2 and input[-1] == input[-2] else None


@RULES.call_rule("det", "linalg_det")
def _det(input: Dims) -> Dims | None:
    return input[:-2] if len(input) >= 2 and input[-1] == input[-2] else None


@RULES.call_rule("linalg_qr")
def _qr(A: Dims, mode: str = "reduced") -> list[Dims | None] | None:
    if len(A) < 2 or mode not in ("reduced", "complete"):
        return None
    *batch, rows, columns = A
    rank = rows if mode == "complete" else apply_to_pair("min", rows, columns)
    return [(*batch, rows, rank), (*batch, rank, columns)]


@RULES.call_rule("linalg_svd")
def _svd(
    A: Dims,
    full_matrices: bool = True,
    *,
    driver: Any = None,
) -> list[Dims | None] | None:
    if len(A) < 2:
        return None
    *batch, rows, columns = A
    rank = apply_to_pair("min", rows, columns)
    left, right = (rows, columns) if full_matrices else (rank, rank)
    return [(*batch, rows, left), (*batch, rank), (*batch, right, columns)]
