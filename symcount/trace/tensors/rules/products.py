"""Rules of products of tensors, and of functions of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from symcount.trace.stand_ins import apply_to_pair
from symcount.trace.tensors.registering import Rules
from symcount.trace.tensors.rules.broadcasting import broadcast, fits_into, together
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


@RULES.shape_rule("matmul", "__matmul__", "mm", "mv", "dot", "vdot")
def _matmul(input: Dims, other: Dims) -> Dims:
    torch_requires(len(input) > 0 and len(other) > 0)
    torch_requires(input[-1] == (other[-2] if len(other) > 1 else other[-1]))
    batch = broadcast(input[:-2], other[:-2])
    return (*batch, *input[-2:-1], *(other[-1:] if len(other) > 1 else ()))


@RULES.shape_rule("__rmatmul__")
def _rmatmul(input: Dims, other: Dims) -> Dims:
    return _matmul(other, input)


@RULES.shape_rule("bmm")
def _bmm(input: Dims, mat2: Dims) -> Dims:
    torch_requires(len(input) == len(mat2) == 3 and input[0] == mat2[0])
    return _matmul(input, mat2)


@RULES.shape_rule("addmm", "addmv", "baddbmm")
def _product_added(input: Dims, a: Dims, b: Dims, *, beta: Any = 1, alpha: Any = 1) -> Dims:
    shape = _bmm(a, b) if len(a) == 3 else _matmul(a, b)
    torch_requires(fits_into(input, shape))
    return shape


@RULES.shape_rule("outer", "ger")
def _outer(input: Dims, vec2: Dims) -> Dims:
    return (*input, *vec2)


@RULES.shape_rule("inner")
def _inner(input: Dims, other: Dims) -> Dims:
    if not input or not other:
        return broadcast(input, other)
    torch_requires(input[-1] == other[-1])
    return (*input[:-1], *other[:-1])


@RULES.shape_rule("linear")
def _linear(input: Dims, weight: Dims, bias: Dims | None = None) -> Dims:
    torch_requires(input[-1] == weight[-1])
    return (*input[:-1], *weight[:-1])


@RULES.shape_rule("bilinear")
def _bilinear(input1: Dims, input2: Dims, weight: Dims, bias: Any = None) -> Dims:
    torch_requires(len(weight) == 3 and same_sizes(input1[:-1], input2[:-1]))
    torch_requires(input1[-1] == weight[1] and input2[-1] == weight[2])
    return (*input1[:-1], weight[0])


@RULES.shape_rule(torch.einsum)
def _einsum(equation: Any, *operands: Any) -> Dims | None:
    if not isinstance(equation, str):
        return None
    if len(operands) == 1 and type(operands[0]) is list:
        operands = tuple(operands[0])
    given, arrow, result = equation.replace(" ", "").partition("->")
    terms = given.split(",")
    torch_requires(len(terms) == len(operands))
    size_of = _size_of_labels(terms, operands)
    free = sorted((label for label in size_of if type(label) is int), reverse=True)
    if arrow:
        wanted = _expanded(result, free)
        torch_requires(len(set(wanted)) == len(wanted) and set(wanted) <= set(size_of))
        return tuple(size_of[w] for w in wanted)
    letters = given.replace("...", "").replace(",", "")
    once = sorted(letter for letter in set(letters) if letters.count(letter) == 1)
    return tuple(size_of[label] for label in (*free, *once))


def _size_of_labels(terms: Sequence[str], shapes: Sequence[Dims]) -> dict[Any, Size]:
    """Return the size that each label stands for."""
    labels = [_labels(term, len(shape)) for term, shape in zip(terms, shapes, strict=True)]
    size_of: dict[Any, Size] = {}
    for term, shape in zip(labels, shapes, strict=True):
        own: dict[Any, Size] = {}
        for label, size in zip(term, shape, strict=True):
            torch_requires(label not in own or own[label] == size)  # a diagonal is of a square
            own[label] = size
        for label, size in own.items():
            size_of[label] = together(size_of[label], size) if label in size_of else size
    return size_of


def _labels(term: str, rank: int) -> list[Any]:
    """Return the label of each axis; those of an ellipsis are numbers, counted from its end."""
    missing = rank - len(term.replace("...", ""))
    torch_requires(missing == 0 or (missing > 0 and "..." in term))
    return _expanded(term, list(range(missing))[::-1])


def _expanded(term: str, ellipsis: list[int]) -> list[Any]:
    before, dots, after = term.partition("...")
    return [*before, *(ellipsis if dots else []), *after]


@RULES.shape_rule(torch.tensordot)
def _tensordot(a: Dims, b: Dims, dims: Any = 2, out: Any = None) -> Dims | None:
    if out is not None:
        return None
    if isinstance(dims, int):
        torch_requires(0 <= dims <= min(len(a), len(b)))
        of_a, of_b = list(range(len(a) - dims, len(a))), list(range(dims))
    elif isinstance(dims, Sequence) and len(dims) == 2:
        of_a, of_b = axes_of(dims[0], len(a)), axes_of(dims[1], len(b))
    else:
        return None
    torch_requires(len(of_a) == len(of_b))
    for i, j in zip(of_a, of_b, strict=True):
        torch_requires(a[i] == b[j] or a[i] == 1 or b[j] == 1)
    return (
        *(s for axis, s in enumerate(a) if axis not in of_a),
        *(s for axis, s in enumerate(b) if axis not in of_b),
    )


@RULES.shape_rule(torch.cdist)
def _cdist(x1: Dims, x2: Dims, p: float = 2.0, compute_mode: Any = None) -> Dims:
    torch_requires(len(x1) > 1 and len(x2) > 1 and x1[-1] == x2[-1])
    return (*broadcast(x1[:-2], x2[:-2]), x1[-2], x2[-2])


@RULES.shape_rule("cosine_similarity")
def _cosine_similarity(x1: Dims, x2: Dims, dim: int = 1, eps: float = 1e-8) -> Dims:
    shape = broadcast(x1, x2)
    return replaced(shape, axis_of(dim, len(shape)))


@RULES.shape_rule("scaled_dot_product_attention")
def _attention(
    query: Dims,
    key: Dims,
    value: Dims,
    attn_mask: Dims | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: Any = None,
    enable_gqa: bool = False,
) -> Dims:
    torch_requires(len(query) == len(key) == len(value) >= (3 if enable_gqa else 2))
    torch_requires(query[-1] == key[-1] and key[-2] == value[-2])
    if enable_gqa:
        heads = query[-3]
        torch_requires(all(h > 0 and heads % h == 0 for h in (key[-3], value[-3])))
        batch = (*broadcast(query[:-3], key[:-3], value[:-3]), heads)
    else:
        batch = broadcast(query[:-2], key[:-2], value[:-2])
    torch_requires(attn_mask is None or fits_into(attn_mask, (*batch, query[-2], key[-2])))
    return (*batch, query[-2], value[-1])


# --- matrices ---------------------------------------------------------------------------------


@RULES.shape_rule(
    "cholesky", "inverse", "linalg_cholesky", "linalg_inv", "linalg_matrix_exp", "matrix_exp"
)
def _of_square(input: Dims, **options: Any) -> Dims:
    torch_requires(len(input) >= 2 and input[-1] == input[-2])
    return input


@RULES.shape_rule("det", "linalg_det")
def _det(input: Dims) -> Dims:
    return _of_square(input)[:-2]


@RULES.shape_rule("linalg_qr")
def _qr(A: Dims, mode: str = "reduced") -> list[Dims | None] | None:
    torch_requires(len(A) >= 2)
    if mode not in ("reduced", "complete"):
        return None
    *batch, rows, columns = A
    rank = rows if mode == "complete" else apply_to_pair("min", rows, columns)
    return [(*batch, rows, rank), (*batch, rank, columns)]


@RULES.shape_rule("linalg_svd")
def _svd(A: Dims, full_matrices: bool = True, *, driver: Any = None) -> list[Dims | None]:
    torch_requires(len(A) >= 2)
    *batch, rows, columns = A
    rank = apply_to_pair("min", rows, columns)
    left, right = (rows, columns) if full_matrices else (rank, rank)
    return [(*batch, rows, left), (*batch, rank), (*batch, right, columns)]
