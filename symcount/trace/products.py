"""The rules of products of tensors: matrix products, `einsum`, attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from symcount.trace.operations import broadcast, fits_into, pointwise, together
from symcount.trace.shapes import Size, Sizes, axis_of, call_rule, rule

if TYPE_CHECKING:
    from symcount.trace.tensors import Tensors


def _product(a: Sizes, b: Sizes) -> Sizes | None:
    """The sizes of a product as `matmul` has it, of rows or matrices; None if torch raises."""
    if not a or not b or (b[-2] if len(b) > 1 else b[-1]) != a[-1]:
        return None
    batch = broadcast(a[:-2], b[:-2]) if a[:-2] or b[:-2] else ()
    return (*batch, *a[-2:-1], *(b[-1:] if len(b) > 1 else ()))


@rule("matmul", "__matmul__", "__rmatmul__", "mm", "bmm", "mv", "dot", "vdot")
def _matmul(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    name = getattr(func, "__name__", "")
    if len(args) != 2 or not mode.has_symbols(args, kwargs):
        return mode.without_rule(func, args, kwargs, name)
    a, b = mode.shape(args[0]), mode.shape(args[1])
    if name == "bmm" and len(a) == len(b) == 3 and a[0] != b[0]:
        return mode.real(func, args, kwargs)  # torch raises
    shape = _product(b, a) if name == "__rmatmul__" else _product(a, b)
    return mode.result(func, args, kwargs, shape)


@call_rule("addmm", "addmv", "baddbmm")
def _product_added(
    input: Sizes, a: Sizes, b: Sizes, *, beta: Any = 1, alpha: Any = 1
) -> Sizes | None:
    if len(a) == len(b) == 3 and a[0] != b[0]:
        return None
    shape = _product(a, b)
    return shape if shape is not None and fits_into(input, shape) else None


@rule("outer", "ger")
def _outer(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    shape = (*mode.shape(args[0]), *mode.shape(args[1]))
    return mode.result(func, args, kwargs, shape)


@rule("inner")
def _inner(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    a, b = mode.shape(args[0]), mode.shape(args[1])
    if not a or not b:
        return pointwise(mode, func, args, kwargs)
    _ = a[-1] == b[-1]  # or torch raises
    return mode.result(func, args, kwargs, (*a[:-1], *b[:-1]))


@rule("linear")
def _linear(mode: Tensors, func: Any, args: Any, kwargs: Any) -> Any:
    values = dict(zip(("input", "weight", "bias"), args, strict=False)) | kwargs
    shape, weight = mode.shape(values["input"]), mode.shape(values["weight"])
    if shape[-1] != weight[-1]:
        return mode.real(func, args, kwargs)  # torch raises
    return mode.result(func, args, kwargs, (*shape[:-1], *weight[:-1]))


@call_rule("bilinear")
def _bilinear(input1: Sizes, input2: Sizes, weight: Sizes, bias: Any = None) -> Sizes | None:
    if len(weight) != 3 or len(input1) != len(input2):
        return None
    if not all(a == b for a, b in zip(input1[:-1], input2[:-1], strict=True)):
        return None
    if input1[-1] != weight[1] or input2[-1] != weight[2]:
        return None
    return (*input1[:-1], weight[0])


@call_rule(torch.einsum)
def _einsum(equation: Any, *operands: Any) -> Sizes | None:
    if not isinstance(equation, str):
        return None
    if len(operands) == 1 and type(operands[0]) is list:
        operands = tuple(operands[0])
    terms, arrow, result = equation.replace(" ", "").partition("->")
    labels = [_labels(term, len(shape)) for term, shape in zip(terms.split(","), operands)]  # noqa: B905
    if len(terms.split(",")) != len(operands) or any(one is None for one in labels):
        return None
    size_of: dict[Any, Size] = {}
    for term, shape in zip(labels, operands, strict=True):
        own: dict[Any, Size] = {}
        for label, size in zip(term or (), shape, strict=True):
            if label in own and own[label] != size:
                return None  # a diagonal of what is not square
            own[label] = size
        for label, size in own.items():
            size_of[label] = together(size_of[label], size) if label in size_of else size
    free = sorted((label for label in size_of if type(label) is int), reverse=True)
    if arrow:
        wanted = _expanded(result, free)
        if len(set(wanted)) < len(wanted) or not set(wanted) <= set(size_of):
            return None
        return tuple(size_of[w] for w in wanted)
    letters = terms.replace("...", "").replace(",", "")
    once = sorted(letter for letter in set(letters) if letters.count(letter) == 1)
    return tuple(size_of[label] for label in (*free, *once))


def _labels(term: str, rank: int) -> list[Any] | None:
    """The label of each axis; those of an ellipsis are numbers, counted from its end."""
    missing = rank - len(term.replace("...", ""))
    if missing < 0 or (missing and "..." not in term):
        return None
    return _expanded(term, list(range(missing))[::-1])


def _expanded(term: str, ellipsis: list[int]) -> list[Any]:
    before, dots, after = term.partition("...")
    return [*before, *(ellipsis if dots else []), *after]


@call_rule(torch.tensordot)
def _tensordot(a: Sizes, b: Sizes, dims: Any = 2, out: Any = None) -> Sizes | None:
    if out is not None:
        return None
    if isinstance(dims, int):
        if not 0 <= dims <= min(len(a), len(b)):
            return None
        summed = list(range(len(a) - dims, len(a))), list(range(dims))
    elif isinstance(dims, Sequence) and len(dims) == 2:
        of_a, of_b = ([d] if isinstance(d, int) else list(d) for d in dims)
        summed = [d % len(a) for d in of_a], [d % len(b) for d in of_b]
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


@call_rule(torch.cdist)
def _cdist(x1: Sizes, x2: Sizes, p: float = 2.0, compute_mode: Any = None) -> Sizes | None:
    if len(x1) < 2 or len(x2) < 2 or x1[-1] != x2[-1]:
        return None
    return (*broadcast(x1[:-2], x2[:-2]), x1[-2], x2[-2])


@call_rule("cosine_similarity")
def _cosine_similarity(x1: Sizes, x2: Sizes, dim: int = 1, eps: float = 1e-8) -> Sizes | None:
    shape = broadcast(x1, x2)
    axis = axis_of(dim, len(shape))
    return None if axis is None else (*shape[:axis], *shape[axis + 1 :])


@call_rule("scaled_dot_product_attention")
def _attention(
    query: Sizes,
    key: Sizes,
    value: Sizes,
    attn_mask: Sizes | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: Any = None,
    enable_gqa: bool = False,
) -> Sizes | None:
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
