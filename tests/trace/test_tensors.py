"""Symbolic shapes: for every torch operation with a rule, the derived sizes against plain torch.

Each case is a factory that registers the result of an operation as a parameter. The formula must
say its size wherever torch gives one, and refuse wherever torch raises: sizes of one that
broadcast, remainders of a split, empty slices.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import symcount
from symcount.errors import DerivationError, UnknownShapeError
from symcount.trace.tensors import mode
from symcount.trace.tensors.rules import Rules
from tests.brute_force import assert_exact

F = nn.functional


class Holds(nn.Module):
    """A module with these tensors, or tensors of these sizes, as parameters."""

    def __init__(self, *tensors: Any) -> None:
        super().__init__()
        for index, tensor in enumerate(tensors):
            if not isinstance(tensor, torch.Tensor):
                tensor = torch.empty(tensor)
            self.register_parameter(f"p{index}", nn.Parameter(tensor, requires_grad=False))


def e(*sizes: Any) -> torch.Tensor:
    return torch.empty(sizes)


ONE: dict[str, Callable[[Any], Any]] = {
    # creation
    "empty": lambda d: torch.empty(d, 3),
    "empty_size": lambda d: torch.empty(size=(d, 3)),
    "empty_tuple": lambda d: torch.empty((d, 3)),
    "zeros": lambda d: torch.zeros([d, d]),
    "ones": lambda d: torch.ones(2, d, dtype=torch.float64),
    "rand": lambda d: torch.rand(d),
    "randn": lambda d: torch.randn(d, 2, generator=None),
    "empty_negative": lambda d: torch.empty(d - 3, 2),
    "full": lambda d: torch.full((d, 2), 1.5),
    "full_of_symbol": lambda d: torch.full((d,), 1.0 * d),
    "randint": lambda d: torch.randint(0, 10, (d, 3)).float(),
    "randint_high": lambda d: torch.randint(10, (d,)).float(),
    "normal": lambda d: torch.normal(0.0, 1.0, (d, 2)),
    "normal_tensor": lambda d: torch.normal(e(d, 2), 1.0),
    "randperm": lambda d: torch.randperm(d).float(),
    "eye": lambda d: torch.eye(d),
    "eye_two": lambda d: torch.eye(d, 3),
    "eye_named": lambda d: torch.eye(3, m=d),
    "Tensor": lambda d: torch.Tensor(d, 3),
    "FloatTensor": lambda d: torch.FloatTensor(2, d),
    "LongTensor": lambda d: torch.LongTensor(d).float(),
    "new": lambda d: e(2).new(d, 3),
    "new_empty": lambda d: e(2).new_empty((d, 2)),
    "new_empty_args": lambda d: e(2).new_empty(d, 2),
    "new_zeros": lambda d: e(2).new_zeros(d),
    "new_ones": lambda d: e(2).new_ones((d, d)),
    "new_full": lambda d: e(2).new_full((d,), 3.0),
    "empty_like": lambda d: torch.empty_like(e(d, 2)),
    "zeros_like": lambda d: torch.zeros_like(e(d, 2)),
    "ones_like": lambda d: torch.ones_like(e(d, 2), dtype=torch.float64),
    "rand_like": lambda d: torch.rand_like(e(d)),
    "randn_like": lambda d: torch.randn_like(e(d)),
    "full_like": lambda d: torch.full_like(e(d, 2), 3.0),
    "arange": lambda d: torch.arange(d).float(),
    "arange_step": lambda d: torch.arange(0, d, 2).float(),
    "arange_end": lambda d: torch.arange(end=d).float(),
    "arange_start": lambda d: torch.arange(1, d + 3, 3).float(),
    "arange_down": lambda d: torch.arange(d, 0, -1).float(),
    "arange_keywords": lambda d: torch.arange(start=0, end=d, step=2).float(),
    "arange_positional_start": lambda d: torch.arange(2, end=d + 2).float(),
    "arange_too_short": lambda d: torch.arange(5, d).float(),
    "linspace": lambda d: torch.linspace(0, 1, d),
    "linspace_steps": lambda d: torch.linspace(0, 1, steps=2 * d),
    "linspace_too_few": lambda d: torch.linspace(0, 1, d - 5),
    "tensor_times": lambda d: torch.tensor([1.0, 2.0]) * e(d, 1),
    "scalar": lambda d: torch.tensor(1.0 * d) * e(d),
    "arange_of_floats": lambda d: torch.arange(0.5, d),
    "arange_float_step": lambda d: torch.arange(0, 1, 4 / d),
    "arange_tenths": lambda d: torch.arange(0, d, 0.1),
    "arange_thirds": lambda d: torch.arange(0, d / 3, 0.1, dtype=torch.float64),
    "arange_down_by_floats": lambda d: torch.arange(d, 0, -0.7),
    "arange_no_step": lambda d: torch.arange(0, 5, (d - 4) / 2),
    "arange_symbolic_step": lambda d: torch.arange(1, 9.5, d / 7),
    "arange_half": lambda d: torch.arange(0, d / 2, 0.3, dtype=torch.float16),
    "new_tensor": lambda d: e(d).new_tensor([1.0, 2.0]) * e(d, 1),
    "hann_window": lambda d: torch.hann_window(d),
    "hamming_window": lambda d: torch.hamming_window(window_length=d + 2, periodic=False),
    "tril_indices": lambda d: torch.tril_indices(d, d, -1).float(),
    "tril_indices_wide": lambda d: torch.tril_indices(4, d, 1).float(),
    "triu_indices": lambda d: torch.triu_indices(d, 5, offset=d - 4).float(),
    "triu_indices_offset": lambda d: torch.triu_indices(row=5, col=7, offset=4 - d).float(),
    # same shape
    "clone": lambda d: e(d, 2).clone(),
    "relu": lambda d: torch.relu(e(d, 2)),
    "functional_softmax": lambda d: F.softmax(e(d, 2), dim=-1),
    "detach": lambda d: e(d, 2).detach(),
    "half": lambda d: e(d, 2).half(),
    "to": lambda d: e(d, 2).to(torch.float64),
    "device": lambda d: torch.empty(d, 2, device="cpu"),
    "type": lambda d: e(d, 2).type(torch.float16),
    "data": lambda d: e(d, 2).data,
    "cumsum": lambda d: e(d, 2).cumsum(0),
    "tril": lambda d: torch.tril(e(d, d)),
    "deepcopy": lambda d: copy.deepcopy(e(d, 2)),
    "layer_norm": lambda d: F.layer_norm(e(2, d), (d,)),
    "clamp_to_tensor": lambda d: e(d, 1).clamp(e(3)),
    "masked_fill": lambda d: e(d, 3).masked_fill(e(5, 1, 1) > 0, 0.0),
    "logcumsumexp": lambda d: e(d, 2).logcumsumexp(0),
    "cummax": lambda d: e(d, 2).cummax(0)[1].float(),
    "expit": lambda d: torch.special.expit(e(d, 2)),
    "clamp": lambda d: e(d).clamp(min=0),
    "sort": lambda d: e(d, 2).sort()[0],
    # shapes asked for
    "shape": lambda d: e(e(d, 2).shape[0] * 2),
    "size": lambda d: e(e(d, 2).size(0), e(d, 2).size(-1)),
    "shape_unpacked": lambda d: e(*e(d, 2).shape, 2),
    "shape_sum": lambda d: torch.empty(e(d, 2).shape + (3,)),  # noqa: RUF005
    "shape_slice": lambda d: torch.empty(e(2, d, 3).shape[1:]),
    "numel": lambda d: e(e(d, 3).numel()),
    "shape_numel": lambda d: e(e(d, 3).shape.numel()),
    "len": lambda d: e(len(e(d, 3)), 2),
    "nbytes": lambda d: e(e(d, 3).nbytes),
    # reshaping
    "view": lambda d: e(d, 6).view(2 * d, 3),
    "view_minus_one": lambda d: e(d, 6).view(-1, 4),
    "reshape": lambda d: e(d, d).reshape(-1),
    "reshape_tuple": lambda d: e(d, 4).reshape((d * 2, 2)),
    "flatten": lambda d: e(d, 2, 3).flatten(1),
    "ravel": lambda d: e(d, 2).ravel(),
    "unflatten": lambda d: e(d * 2, 3).unflatten(0, (2, -1)),
    "unsqueeze": lambda d: e(d).unsqueeze(-1),
    "squeeze_all": lambda d: e(d, 1, 2).squeeze(),
    "squeeze_dim": lambda d: e(d, 2).squeeze(0),
    "transpose": lambda d: e(d, 2).transpose(0, 1),
    "t": lambda d: e(d, 2).t(),
    "T": lambda d: e(d, 2).T,
    "mT": lambda d: e(3, d, 2).mT,
    "adjoint": lambda d: e(3, d, 2).adjoint(),
    "permute": lambda d: e(d, 2, 3).permute(2, 0, 1),
    "movedim": lambda d: e(d, 2, 3).movedim(0, -1),
    "expand": lambda d: e(1, 2).expand(d, 2),
    "expand_minus_one": lambda d: e(d, 1).expand(-1, 5),
    "expand_symbolic": lambda d: e(d).expand(5),
    "expand_as": lambda d: e(d, 1).expand_as(e(5, 3)),
    "expand_as_one": lambda d: e(d).expand_as(e(1)),
    "view_as": lambda d: e(d, 6).view_as(e(3, 8)),
    "broadcast_to": lambda d: torch.broadcast_to(e(d), (2, d)),
    "repeat": lambda d: e(2).repeat(d, 3),
    "tile": lambda d: torch.tile(e(d), (2, 2)),
    "repeat_interleave": lambda d: torch.repeat_interleave(e(d, 2), 3, dim=0),
    "pad": lambda d: F.pad(e(d, 2), (1, 2, 0, 3)),
    "narrow": lambda d: e(d, 2).narrow(0, 1, 2),
    "narrow_length": lambda d: e(d).narrow(0, 2, d - 4),
    "narrow_negative": lambda d: e(d).narrow(0, -3, 2),
    "select": lambda d: e(d, 3).select(0, 2),
    "index": lambda d: e(d, 3)[2],
    "index_negative": lambda d: e(d, 3)[-2],
    "slice": lambda d: e(d, 3)[1:4],
    "slice_to": lambda d: e(20, 3)[:d],
    "slice_from_end": lambda d: e(d, 3)[-3:],
    "slice_step": lambda d: e(d, 3)[::2],
    "slice_step_from": lambda d: e(3, d)[:, 1::2],
    "ellipsis": lambda d: e(d, 3, 2)[..., 0],
    "none": lambda d: e(d, 3)[None, :, None],
    "iter": lambda d: next(iter(e(d, 3))),
    "unbind": lambda d: e(3, d).unbind(0)[1],
    "index_select": lambda d: e(4, 3).index_select(1, torch.arange(d)),
    "gather": lambda d: e(4, 5).gather(1, torch.zeros(d, 2, dtype=torch.int64)),
    "take": lambda d: e(4, 5).take(torch.zeros(d, 2, dtype=torch.int64)),
    "bucketize": lambda d: torch.bucketize(e(d, 2), e(5)).float(),
    "searchsorted": lambda d: torch.searchsorted(e(5), e(d, 2)).float(),
    "topk": lambda d: e(3, d).topk(4)[0],
    "topk_k": lambda d: torch.topk(e(7, 3), d, dim=0).indices.float(),
    "multinomial": lambda d: torch.multinomial(e(3, 5), d, replacement=True).float(),
    "diff": lambda d: torch.diff(e(d, 3), dim=0),
    "rot90": lambda d: torch.rot90(e(d, 3, 2), 1, (0, 2)),
    "rot180": lambda d: torch.rot90(e(d, 3), 2),
    "flip": lambda d: e(d, 3).flip(0),
    "diag_of_vector": lambda d: torch.diag(e(d), -2),
    "diag_of_matrix": lambda d: torch.diag(e(5, d), 2),
    "diagflat": lambda d: torch.diagflat(e(d, 2), 1),
    "diagonal": lambda d: e(2, d, 7).diagonal(d - 3, 1, 2),
    "diag_embed": lambda d: torch.diag_embed(e(2, d), 1),
    "trace": lambda d: e(d, 3).trace() * e(d),
    "view_as_real": lambda d: torch.view_as_real(torch.complex(e(d, 2), e(1, 2))),
    "view_as_complex": lambda d: torch.view_as_real(torch.view_as_complex(e(3, d))),
    "unsqueeze_": lambda d: e(d, 3).unsqueeze_(0),
    "squeeze_": lambda d: e(d, 3).squeeze_(0),
    "transpose_": lambda d: e(d, 3).transpose_(0, 1),
    "t_": lambda d: e(d, 3).t_(),
    "pad_reflect": lambda d: F.pad(e(2, d), (2, 1), mode="reflect"),
    "pad_circular": lambda d: F.pad(e(2, d), (2, 3), mode="circular"),
    "pad_replicate": lambda d: F.pad(e(2, d), (2, d), mode="replicate"),
    "pad_negative": lambda d: F.pad(e(d), (2, -5)),
    "pad_more_axes": lambda d: F.pad(e(2, d), (1, d, d - 4, 0)),
    # matrices
    "inverse": lambda d: torch.linalg.inv(e(2, d, 4)),
    "matrix_exp": lambda d: torch.matrix_exp(e(d, d)),
    "det": lambda d: torch.linalg.det(e(d, 3, 3)),
    "qr": lambda d: torch.linalg.qr(e(d, 4))[0],
    "qr_complete": lambda d: torch.linalg.qr(e(4, d), mode="complete")[1],
    "svd": lambda d: torch.linalg.svd(e(d, 4))[2],
    "svd_reduced": lambda d: torch.linalg.svd(e(d, 4), full_matrices=False)[0],
    # several tensors
    "hstack": lambda d: torch.hstack([e(d, 2), e(3, 4)]),
    "hstack_vectors": lambda d: torch.hstack([e(d), e(3)]),
    "vstack": lambda d: torch.vstack([e(d), e(4, 3)]),
    "dstack": lambda d: torch.dstack([e(d), e(1, 3)]),
    "column_stack": lambda d: torch.column_stack([e(d), e(4, 3)]),
    "atleast_1d": lambda d: torch.atleast_1d(e(d)),
    "atleast_2d": lambda d: torch.atleast_2d(e(d)),
    "atleast_3d": lambda d: torch.atleast_3d(e(d, 2)),
    "broadcast_tensors": lambda d: torch.broadcast_tensors(e(d, 1), e(3))[1],
    "cartesian_prod": lambda d: torch.cartesian_prod(e(d), e(3)),
    "block_diag": lambda d: torch.block_diag(e(d, 2), e(3)),
    "add": lambda d: e(d, 1) + e(3),
    "add_broadcast": lambda d: e(5) + e(d),
    "multiply": lambda d: e(d, 2) * 3,
    "symbol_times_tensor": lambda d: d * e(d, 2) / d,
    "where": lambda d: torch.where(e(d, 1) > 0, e(d, 3), 0.0),
    "compare": lambda d: (e(d, 3) > 0).float(),
    "cat": lambda d: torch.cat([e(d, 2), e(3, 2), e(2 * d, 2)]),
    "cat_dim": lambda d: torch.cat([e(2, d), e(2, 3)], dim=-1),
    "stack": lambda d: torch.stack([e(d, 2), e(d, 2)], dim=1),
    "stack_mismatch": lambda d: torch.stack([e(d), e(3)]),
    "split": lambda d: e(d, 2).split(3)[0],
    "split_last": lambda d: e(d, 2).split(3)[-1],
    "split_empty": lambda d: e(d - 1, 2).split(3)[0],
    "split_sections": lambda d: e(2 * d + 1).split([d, d, 1])[1],
    "chunk": lambda d: e(d, 2).chunk(3)[0],
    "chunk_last": lambda d: e(d, 2).chunk(3)[-1],
    "chunk_empty": lambda d: e(d - 1, 2).chunk(3)[0],
    "meshgrid": lambda d: torch.meshgrid(e(d), e(3), indexing="ij")[0],
    "meshgrid_xy": lambda d: torch.meshgrid(e(d), e(3), indexing="xy")[1],
    "matmul": lambda d: e(3, d) @ e(d, 2),
    "matmul_mismatch": lambda d: e(3, d) @ e(5, 2),
    "matmul_vector": lambda d: e(d, 3) @ e(3),
    "matmul_batch": lambda d: e(2, d, 3) @ e(3, 4),
    "rmatmul": lambda d: e(d, 2).__rmatmul__(e(3, d)),
    "mm": lambda d: torch.mm(e(d, 3), e(3, d)),
    "bmm": lambda d: torch.bmm(e(2, d, 3), e(2, 3, 4)),
    "mv": lambda d: torch.mv(e(d, 3), e(3)),
    "inner": lambda d: torch.inner(e(3, d), e(5, d)),
    "outer": lambda d: torch.outer(e(d), e(3)),
    "linear": lambda d: F.linear(e(2, d), e(5, d)),
    # reductions
    "sum": lambda d: e(d, 3).sum(1),
    "mean_keepdim": lambda d: e(d, 3).mean(0, keepdim=True),
    "max": lambda d: e(d, 3).max(1)[0],
    "amax": lambda d: e(d, 3).amax((0, 1)),
    "std": lambda d: e(d, 3).std(1),
    "std_unbiased": lambda d: e(d, 3).std(1, True),
    "norm": lambda d: e(d, 3).norm(2, 1),
    "norm_dim": lambda d: e(d, 3).norm(dim=1, keepdim=True),
    "vector_norm": lambda d: torch.linalg.vector_norm(e(d, 3), dim=0),
    "std_mean": lambda d: torch.std_mean(e(d, 3), 1)[1],
    "aminmax": lambda d: e(d, 3).aminmax(dim=1)[0],
    "mode": lambda d: e(d, 3).mode()[0],
    "max_of_none": lambda d: e(d - 3, 2).max(0)[0],
    "argmin_of_none": lambda d: e(d, d - 1).argmin(1).float(),
    "amax_of_nothing": lambda d: e(2, d - 1).amax(0),
    "nansum": lambda d: e(d, 3).nansum(0),
    "count_nonzero": lambda d: torch.count_nonzero(e(d, 3), dim=1).float(),
    # in place
    "resize": lambda d: e(2, 3).resize_(d, 3),
    "in_place_normal": lambda d: e(d, 3).normal_(0, 0.02).mul_(2),
    "in_place_mismatch": lambda d: e(d).add_(e(7)),
    "copy_": lambda d: e(d, 3).copy_(e(3)),
    "copy_mismatch": lambda d: e(d).copy_(e(3)),
}
TWO: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: e(a) + e(b),
    "add_columns": lambda a, b: e(a, 1) + e(1, b),
    "maximum": lambda a, b: torch.maximum(e(a, 2), e(b, 2)),
    "expand": lambda a, b: e(a, 2).expand(b, 2),
    "view": lambda a, b: e(a, b).view(b, a),
    "view_if_divides": lambda a, b: e(a).view(b, -1),
    "cat": lambda a, b: torch.cat([e(a, 2), e(b, 2)]),
    "cat_mismatch": lambda a, b: torch.cat([e(2, a), e(3, b)]),
    "slice": lambda a, b: e(a)[b:],
    "slice_both": lambda a, b: e(10)[a:b],
    "slice_end": lambda a, b: e(a)[-b:],
    "slice_step": lambda a, b: e(a)[::b],
    "index": lambda a, b: e(a, 2)[b],
    "narrow": lambda a, b: e(a).narrow(0, 1, b),
    "split": lambda a, b: e(a).split(b)[-1],
    "chunk": lambda a, b: e(a).chunk(b)[-1],
    "matmul": lambda a, b: e(2, a) @ e(b, 3),
    "arange": lambda a, b: torch.arange(a, b).float(),
    "arange_step": lambda a, b: torch.arange(0, a, b).float(),
    "repeat": lambda a, b: e(a).repeat(b, 2),
    "outer": lambda a, b: torch.outer(e(a), e(b)),
}

# refused, which is allowed
UNKNOWN = {"resize"}
# followed for the very value of a size, so that all of them fit in the budget of paths
FEW = {"len", "iter", "split", "split_last", "split_empty", "chunk_last"}


def cases(named: dict[str, Any]) -> list[Any]:
    return [pytest.param(build, id=name) for name, build in named.items() if name not in UNKNOWN]


@pytest.mark.parametrize("build", cases(ONE))
def test_operations_on_one_symbol(build: Callable[[Any], Any], request: Any) -> None:
    few = request.node.callspec.id in FEW
    fixed = {"d": symcount.Symbol(max=13)} if few else {}
    assert_exact(lambda d: Holds(build(d)), declared=fixed, d=range(1, 14))


@pytest.mark.parametrize("build", cases(TWO))
@pytest.mark.parametrize("bounded", [True, False])
def test_operations_on_two_symbols(
    build: Callable[[Any, Any], Any], bounded: bool, request: Any
) -> None:
    if not bounded and request.node.callspec.id.endswith(("split", "chunk")):
        pytest.skip("more lengths than the budget of paths")
    declared = {name: symcount.Symbol(max=6) for name in "ab"} if bounded else {}
    assert_exact(lambda a, b: Holds(build(a, b)), declared=declared, a=range(1, 7), b=range(1, 7))


@pytest.mark.parametrize("name", sorted(UNKNOWN))
def test_operations_without_a_rule_are_refused(name: str) -> None:
    with pytest.raises(DerivationError):
        symcount.derive(lambda d: Holds(ONE[name](d)))


def test_a_parameter_of_unknown_shape_is_an_error() -> None:
    with pytest.raises(UnknownShapeError, match="cannot be followed"):
        symcount.derive(lambda d: Holds(torch.kron(e(d), e(3))))


def test_every_rule_but_few_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which torch functions the cases here and in `test_layers` reach: a new rule needs a case."""
    from tests.trace import test_layers as layers

    reached: set[Any] = set()
    original = mode.RULES.by_function

    def noting(rule: Any) -> Any:
        def noted(call: Any) -> Any:
            reached.add(rule)
            return rule(call)

        return noted

    rules = Rules()
    rules.asking = mode.RULES.asking
    rules.by_function = {func: noting(rule) for func, rule in original.items()}
    monkeypatch.setattr(mode, "RULES", rules)
    for name, build in {**ONE, **layers.ONE}.items():
        if name not in UNKNOWN:
            with contextlib.suppress(DerivationError):  # of those that raise at the hints
                symcount.derive(lambda d: Holds(build(d)), max_paths=1)  # noqa: B023
    symcount.derive(lambda d: Setters(d), max_paths=1)
    symcount.derive(lambda d: nn.utils.parametrizations.weight_norm(nn.Linear(d, 3)))
    symcount.derive(lambda d: Holds(e(2).expand_as(e(d, 2))))
    symcount.derive(lambda d: Holds(e(int(torch.tensor(3.0).item()), d)))
    missed = {rule.__name__ for rule in set(original.values()) - reached}
    names = {f.__name__ for f, r in original.items() if r not in reached}
    assert not missed - {"apply_rule"}, (missed, names)


class Setters(nn.Module):
    """Assignments to tensors."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.empty(d, 2))
        self.p.data = torch.empty(d, 4)
        self.p.data[0] = 0
        self.register_buffer("b", torch.zeros(d, 3))
        self.b[:, 0] = 1
        self.b.copy_(torch.ones(d, 3))


# --- modules ----------------------------------------------------------------------------------


class Tied(nn.Module):
    def __init__(self, v: int, d: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(v, d)
        self.head = nn.Linear(d, v, bias=False)
        self.head.weight = self.embed.weight


class Lists(nn.Module):
    def __init__(self, d: int, h: int) -> None:
        super().__init__()
        self.many = nn.ParameterList([nn.Parameter(torch.empty(d, i + h)) for i in range(3)])
        self.named = nn.ParameterDict({"a": torch.empty(h), "b": nn.Parameter(torch.empty(d, d))})


class SinglePosition(nn.Module):
    """Item assignment that torch refuses below eight rows."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.empty(d, 4))
        self.p.data[7] = 0


class Positions(nn.Module):
    """The sinusoidal encoding as everybody copies it: it raises for an odd width."""

    def __init__(self, d: int) -> None:
        super().__init__()
        position = torch.arange(0, 50).unsqueeze(1)
        rate = torch.exp(torch.arange(0, d, 2) * (-9.21 / d))
        encoding = torch.zeros(50, d)
        encoding[:, 0::2] = torch.sin(position * rate)
        encoding[:, 1::2] = torch.cos(position * rate)
        self.register_buffer("encoding", encoding)
        self.out = nn.Linear(d, d)


def _weight_norm_old(d: int, h: int) -> nn.Module:
    return nn.utils.weight_norm(nn.Linear(d, h))


def _weight_norm_dim(d: int, h: int) -> nn.Module:
    convolution = nn.Conv1d(d, h, 3)
    return nn.utils.parametrizations.weight_norm(convolution, name="weight", dim=2)


MODULES: dict[str, Callable[[Any, Any], nn.Module]] = {
    "Linear": lambda d, h: nn.Linear(d, h),
    "Bilinear": lambda d, h: nn.Bilinear(d, h, 3),
    "Conv1d": lambda d, h: nn.Conv1d(d, h, 3),
    "Conv2d_groups": lambda d, h: nn.Conv2d(d, h, 3, groups=2),
    "Conv2d_depthwise": lambda d, h: nn.Conv2d(d, d * h, 3, groups=d),
    "Conv2d_kernel": lambda d, h: nn.Conv2d(3, d, h, padding=h // 2),
    "Conv2d_same": lambda d, h: nn.Conv2d(3, d, (h, 3), padding="same"),
    "Conv3d": lambda d, h: nn.Conv3d(d, h, (1, 3, 3)),
    "ConvTranspose2d": lambda d, h: nn.ConvTranspose2d(d, h, 4, stride=2, groups=1),
    "ConvTranspose1d_groups": lambda d, h: nn.ConvTranspose1d(d, h, 3, groups=2),
    "BatchNorm": lambda d, h: nn.Sequential(nn.BatchNorm2d(d), nn.BatchNorm1d(h, affine=False)),
    "BatchNorm_untracked": lambda d, h: nn.BatchNorm1d(d * h, track_running_stats=False),
    "LayerNorm": lambda d, h: nn.LayerNorm((d, h), bias=False),
    "GroupNorm": lambda d, h: nn.GroupNorm(d, h),
    "InstanceNorm": lambda d, h: nn.InstanceNorm2d(d + h, affine=True),
    "RMSNorm": lambda d, h: nn.RMSNorm(d * h),
    "Embedding": lambda d, h: nn.Embedding(d, h, padding_idx=3),
    "EmbeddingBag": lambda d, h: nn.EmbeddingBag(d, h),
    "PReLU": lambda d, h: nn.PReLU(d),
    "LSTM": lambda d, h: nn.LSTM(d, h, num_layers=2, bidirectional=True),
    "LSTM_proj": lambda d, h: nn.LSTM(d, h, proj_size=2),
    "GRU": lambda d, h: nn.GRU(d, h, bias=False),
    "RNNCell": lambda d, h: nn.RNNCell(d, h),
    "LSTMCell": lambda d, h: nn.LSTMCell(d, h),
    "MultiheadAttention": lambda d, h: nn.MultiheadAttention(d, h),
    "MultiheadAttention_kv": lambda d, h: nn.MultiheadAttention(4 * d, 4, kdim=h, vdim=3),
    "MultiheadAttention_bias": lambda d, h: nn.MultiheadAttention(d, h, add_bias_kv=True),
    "TransformerEncoder": lambda d, h: nn.TransformerEncoder(
        nn.TransformerEncoderLayer(2 * d, 2, h), 2, enable_nested_tensor=False
    ),
    "TransformerDecoderLayer": lambda d, h: nn.TransformerDecoderLayer(2 * d, 2, h),
    "AdaptiveLogSoftmax": lambda d, h: nn.AdaptiveLogSoftmaxWithLoss(16 * d, 5 * h + 5, [3, 6]),
    "Tied": lambda d, h: Tied(d, h),
    "Lists": lambda d, h: Lists(d, h),
    "weight_norm": lambda d, h: nn.utils.parametrizations.weight_norm(nn.Linear(d, h)),
    "weight_norm_dim": _weight_norm_dim,
    "weight_norm_old": _weight_norm_old,
    "spectral_norm": lambda d, h: nn.utils.parametrizations.spectral_norm(nn.Linear(d, h)),
    "spectral_norm_old": lambda d, h: nn.utils.spectral_norm(nn.Linear(d, h)),
    "orthogonal": lambda d, h: nn.utils.parametrizations.orthogonal(nn.Linear(d, h)),
    "deepcopy": lambda d, h: nn.ModuleList([copy.deepcopy(nn.Linear(d, h)) for _ in range(3)]),
    "shared": lambda d, h: nn.Sequential(*[nn.Linear(d, h)] * 3),
    "half": lambda d, h: nn.Linear(d, h).half(),
    "frozen": lambda d, h: nn.Linear(d, h).requires_grad_(False),
    "pixel_shuffle": lambda d, h: nn.Sequential(nn.Conv2d(d, d * h**2, 3), nn.PixelShuffle(h)),
    "item_assignment": lambda d, h: SinglePosition(3 * d),
    "sinusoidal_positions": lambda d, h: Positions(d),
}


@pytest.mark.parametrize("build", cases(MODULES))
def test_modules(build: Callable[[Any, Any], nn.Module]) -> None:
    assert_exact(lambda d, h: build(d, h), d=(1, 2, 3, 4, 6, 9, 12), h=(1, 2, 3, 4, 5, 6))


def test_tied_parameters_count_once() -> None:
    count = symcount.derive(Tied)
    assert count(v=7, d=5) == 35


def test_buffers_and_dtypes() -> None:
    count = symcount.derive(lambda d: nn.Sequential(nn.BatchNorm1d(d), nn.Linear(d, 3).half()))
    assert count.buffers(8) == 2 * 8 + 1
    assert count.nbytes(8) == 4 * 16 + 2 * (8 * 3 + 3)


def test_a_function_that_once_refused_a_symbol_keeps_its_rule() -> None:
    """torch hands the mode whatever stands on `torch.Tensor`, which may be a wrapper by then."""
    symcount.derive(lambda d, n: Holds(e(d).chunk(n)[0]), n=symcount.Symbol(max=4))
    assert_exact(lambda d: Holds(e(d, 2).chunk(3)[0]), d=range(1, 20))
