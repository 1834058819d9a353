"""The rules of layers and products, against plain torch: sizes where it gives them, else refusal.

As in `test_tensors`, each case registers the result of an operation as a parameter, and the formula
is compared at every size. Sizes start where the operation raises.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import symcount
from symcount.errors import DomainError, FactoryError, UnknownShapeError
from tests.brute_force import assert_exact, plain_sizes
from tests.tensor_cases import LAYERS, Holds, e

F = nn.functional


# Where torch raises, but not on the meta device, there is no shape.
LENIENT: dict[str, Callable[[Any], Any]] = {
    "multinomial": lambda d: torch.multinomial(e(3, 5), d).float(),
    "conv2d_groups_of_filters": lambda d: F.conv2d(e(1, 6, 6, 6), e(d, 2, 3, 3), groups=3),
    "conv2d_filters": lambda d: F.conv2d(e(1, 3, 6, 6), e(d, 3, 3, 3), e(5)),
    "conv2d_padding_negative": lambda d: F.conv2d(e(1, 3, 8, 8), e(4, 3, 3, 3), padding=d - 2),
    "conv2d_kernel_zero": lambda d: F.conv2d(e(1, 3, 9, 9), e(4, 3, d - 1, 3)),
    "conv_transpose2d": lambda d: F.conv_transpose2d(e(1, d, 4, 5), e(4, 6, 3, 3), stride=2),
    "conv_transpose2d_extra": lambda d: F.conv_transpose2d(
        e(1, 6, 4, 4), e(6, 2, 3, 3), stride=3, output_padding=d - 1
    ),
    "conv_transpose2d_extra_dilated": lambda d: F.conv_transpose2d(
        e(6, 4, 4), e(6, 2, 3, 3), stride=2, output_padding=3, dilation=d
    ),
    "adaptive_avg_pool1d": lambda d: F.adaptive_avg_pool1d(e(1, 2, d - 1), 4),
}
TWO: dict[str, Callable[[Any, Any], Any]] = {
    "conv2d": lambda a, b: F.conv2d(e(1, a, b, 9), e(2 * b, 4, a, 3), groups=1),
    "conv2d_padded": lambda a, b: F.conv2d(e(1, 2, 7, 5), e(3, 2, a, 3), stride=b, padding=a // 2),
    "conv_transpose2d": lambda a, b: F.conv_transpose2d(
        e(1, a, 3, 4), e(a, b, 3, 3), stride=b, padding=a
    ),
    "max_pool2d": lambda a, b: F.max_pool2d(e(1, 1, 10, 7), a, b, ceil_mode=True),
    "max_pool2d_padded": lambda a, b: F.max_pool2d(e(1, 1, 10, 7), a, 2, b),
    "avg_pool3d": lambda a, b: F.avg_pool3d(e(1, 1, a, 5, 6), b),
    "adaptive_avg_pool2d": lambda a, b: F.adaptive_avg_pool2d(e(1, a, 3, 4), (a, b - 1)),
    "batch_norm": lambda a, b: nn.BatchNorm1d(a)(e(3, b)),
    "layer_norm": lambda a, b: nn.LayerNorm(a)(e(2, b)),
    "group_norm": lambda a, b: nn.GroupNorm(b, 2 * b)(e(2, a, 3)),
    "interpolate": lambda a, b: F.interpolate(e(1, 1, a), scale_factor=b / 2),
    "pixel_shuffle": lambda a, b: F.pixel_shuffle(e(4 * a, 3, 3), b),
    "unfold": lambda a, b: F.unfold(e(1, 1, 5, 6), a, padding=b - 1, stride=b),
    "fold": lambda a, b: F.fold(e(1, 4 * a, 12), (b, 4), (2, 2)),
    "einsum": lambda a, b: torch.einsum("ij,jk->ik", e(2, a), e(b, 3)),
    "attention": lambda a, b: F.scaled_dot_product_attention(e(a, 3, 8), e(b, 4, 8), e(b, 4, 5)),
    "MultiheadAttention": lambda a, b: nn.MultiheadAttention(a, b)(e(3, a), e(4, a), e(4, a))[0],
}


def cases(named: dict[str, Any]) -> list[Any]:
    return [pytest.param(build, id=name) for name, build in named.items()]


@pytest.mark.parametrize("build", cases(LAYERS))
def test_layers_of_one_symbol(build: Callable[[Any], Any]) -> None:
    assert_exact(lambda d: Holds(build(d)), d=range(1, 14))


@pytest.mark.parametrize("build", cases(LENIENT))
def test_what_torch_computes_without_memory_alone_is_refused(build: Callable[[Any], Any]) -> None:
    with pytest.raises(UnknownShapeError):
        symcount.derive(lambda d: Holds(build(d)), d=symcount.Symbol(max=13))


@pytest.mark.parametrize("build", cases(TWO))
def test_layers_of_two_symbols(build: Callable[[Any, Any], Any]) -> None:
    declared = {name: symcount.Symbol(max=8) for name in "ab"}
    assert_exact(lambda a, b: Holds(build(a, b)), declared=declared, a=range(1, 9), b=range(1, 9))


# --- options ----------------------------------------------------------------------------------

SMALL = st.integers(1, 4)
OPTIONAL = st.integers(0, 3)


@settings(max_examples=40, deadline=None)
@given(
    axes=st.integers(1, 3),
    kernel=SMALL,
    stride=SMALL,
    padding=st.one_of(OPTIONAL, st.just("same"), st.just("valid")),
    dilation=SMALL,
    batched=st.booleans(),
)
def test_convolutions(
    axes: int, kernel: int, stride: int, padding: Any, dilation: int, batched: bool
) -> None:
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": 2}

    def factory(d: int) -> nn.Module:
        layer = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[axes - 1](4, 6, kernel, **options)
        size = (3, 4) if batched else (4,)
        return Holds(layer(e(*size, *range(9, 8 + axes), d)))

    compared_where_it_builds(factory)


@settings(max_examples=40, deadline=None)
@given(
    axes=st.integers(1, 3),
    kernel=SMALL,
    stride=SMALL,
    padding=OPTIONAL,
    extra=OPTIONAL,
    dilation=SMALL,
)
def test_transposed_convolutions(
    axes: int, kernel: int, stride: int, padding: int, extra: int, dilation: int
) -> None:
    kinds = nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d
    extra = min(extra, max(stride, dilation) - 1)
    padding = min(padding, dilation * (kernel - 1) // 2)  # or the smallest inputs give nothing

    def factory(d: int) -> nn.Module:
        layer = kinds[axes - 1](4, 6, kernel, stride, padding, extra, dilation=dilation)
        return Holds(layer(e(1, 4, *range(7, 6 + axes), d)))

    compared_where_it_builds(factory)


@settings(max_examples=60, deadline=None)
@given(
    axes=st.integers(1, 3),
    largest=st.booleans(),
    kernel=SMALL,
    stride=st.one_of(SMALL, st.none()),
    padding=OPTIONAL,
    dilation=SMALL,
    ceil_mode=st.booleans(),
    batched=st.booleans(),
)
def test_pools(
    axes: int,
    largest: bool,
    kernel: int,
    stride: int | None,
    padding: int,
    dilation: int,
    ceil_mode: bool,
    batched: bool,
) -> None:
    kinds: Any = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d) if largest else (
        nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d
    )  # fmt: skip
    options = {"dilation": dilation} if largest else {}

    def factory(d: int) -> nn.Module:
        layer = kinds[axes - 1](kernel, stride, padding, ceil_mode=ceil_mode, **options)
        size = (2, 4) if batched else (4,)
        return Holds(layer(e(*size, *range(9, 8 + axes), d)))

    compared_where_it_builds(factory)


def compared_where_it_builds(factory: Callable[[Any], nn.Module]) -> None:
    """Compare the formula at every size, unless the factory raises at all of them."""
    sizes = range(1, 15)
    if all(isinstance(plain_sizes(factory, d=d), Exception) for d in sizes):
        with pytest.raises(FactoryError):
            symcount.derive(factory, d=symcount.Symbol(max=14))
    else:
        assert_exact(factory, d=sizes)


EQUATIONS = [
    "ab,bc->ac",
    "ab,ba",
    "a,a",
    "aab->b",
    "a...,b...->ab...",
    "ab,b->ba",
    "...a,...b->...",
]


@pytest.mark.parametrize("equation", EQUATIONS)
@pytest.mark.parametrize("other", [(3,), (3, 2), (2, 3), (1, 3, 2)])
def test_einsum(equation: str, other: tuple[int, ...]) -> None:
    def factory(d: int, w: int) -> nn.Module:
        terms = equation.partition("->")[0].count(",") + 1
        return Holds(torch.einsum(equation, *[e(d, w, 2)[:, :, 0], e(*other)][:terms]))

    grid = {"d": range(1, 5), "w": range(1, 5)}
    points = [{"d": d, "w": w} for d in grid["d"] for w in grid["w"]]
    if all(isinstance(plain_sizes(factory, **point), Exception) for point in points):
        return
    assert_exact(factory, declared={n: symcount.Symbol(max=4) for n in "dw"}, **grid)


# --- what constructors do with them -----------------------------------------------------------


class Convolutions(nn.Module):
    """The network of reinforcement learning: what comes out of it is found by running it."""

    def __init__(self, channels: int, height: int, width: int, features: int) -> None:
        super().__init__()
        self.cnn = nn.Sequential(
            nn.Conv2d(channels, 32, kernel_size=8, stride=4, padding=0),
            nn.ReLU(),
            nn.Conv2d(32, 64, kernel_size=4, stride=2, padding=0),
            nn.ReLU(),
            nn.MaxPool2d(2, ceil_mode=True),
            nn.BatchNorm2d(64).eval(),
            nn.Flatten(),
        )
        with torch.no_grad():
            flat = self.cnn(torch.as_tensor(torch.zeros(channels, height, width)[None])).shape[1]
        self.linear = nn.Sequential(nn.Linear(flat, features), nn.ReLU())


def test_a_dummy_forward_pass() -> None:
    count = assert_exact(
        Convolutions, channels=(1, 3), height=range(18, 90, 9), width=(19, 36, 84), features=(5,)
    )
    assert count(4, 84, 84, 512) == plain_count(Convolutions(4, 84, 84, 512))
    with pytest.raises(DomainError):
        count(4, 16, 84, 512)


def plain_count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


class Attends(nn.Module):
    """A transformer that is run to learn the size of what comes out of it."""

    def __init__(self, d: int, h: int, n: int) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(d, h, 4 * d, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, n, enable_nested_tensor=False).eval()
        with torch.no_grad():
            out = self.encoder(torch.zeros(1, 5, d))
        self.head = nn.Linear(out.flatten(1).shape[1], 3)


def test_a_forward_pass_of_a_transformer() -> None:
    count = assert_exact(Attends, d=(4, 6, 8), h=(1, 2, 3), n=(1, 2, 5))
    assert count.certificate.grade == "complete"


def test_other_threads_and_later_runs_see_torch_as_it_is() -> None:
    asked = F.has_torch_function_unary
    symcount.derive(lambda d: Holds(F.softmax(e(2, d), -1)))
    assert F.has_torch_function_unary is asked


def test_an_argument_that_no_rule_knows_gives_no_shape() -> None:
    with pytest.raises(UnknownShapeError):
        symcount.derive(lambda d: Holds(torch.addmm(e(4), e(d, 3), e(3, 4), out=e(d, 4))))
