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
from tests.tensor_cases import LAYERS, OPERATIONS, Holds, e

F = nn.functional


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


@pytest.mark.parametrize("build", cases(OPERATIONS))
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
        symcount.derive(lambda d: Holds(OPERATIONS[name](d)))


def test_a_parameter_of_unknown_shape_is_an_error() -> None:
    with pytest.raises(UnknownShapeError, match="cannot be followed"):
        symcount.derive(lambda d: Holds(torch.kron(e(d), e(3))))


def test_every_rule_but_few_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which torch functions the cases here and in `test_layers` reach: a new rule needs a case."""
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
    for name, build in {**OPERATIONS, **LAYERS}.items():
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
