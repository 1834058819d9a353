"""`select` and `without`: sub-formulas by the names of parameters and modules."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import symcount
from symcount import ArgumentError, DomainError, ParamCount, derive
from tests.random_expressions import thorough


def model(n, d, n_experts=8, heads=2):
    """Nested loops, a mixture of experts, a frozen part, buffers, and a path that raises."""
    if d % heads:
        raise ValueError("not divisible")

    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.attn = nn.MultiheadAttention(d, heads)
            self.router = nn.Linear(d, n_experts, bias=False)
            self.experts = nn.ModuleList(nn.Linear(d, 4 * d) for _ in range(n_experts))
            self.norm = nn.BatchNorm1d(d)

    root = nn.Module()
    root.embed = nn.Embedding(10, d).requires_grad_(False)
    root.layers = nn.ModuleList(Layer() for _ in range(n))
    root.head10 = nn.Linear(d, 10)
    return root


@pytest.fixture(scope="module")
def count() -> ParamCount:
    return derive(model)


def built(patterns: list[str], inside: bool, **sizes: int) -> int:
    """The parameters of the built module that have, or are in, a path that matches."""
    with torch.device("meta"):
        module = model(**sizes)
    total = 0
    for name, parameter in module.named_parameters():
        parts = name.split(".")
        paths = [".".join(parts[: depth + 1]) for depth in range(len(parts))]
        matches = any(fnmatchcase(path, p) for path in paths for p in patterns)
        total += parameter.numel() * (matches is inside)
    return total


PATTERNS = [
    ["*"],
    ["*.experts.*"],
    ["*.experts"],
    ["layers.*.attn"],
    ["*.bias"],
    ["*weight", "embed"],
    ["*.attn.*", "*.in_proj_*"],
    ["head10.*"],
    ["layers.[0-9]*.norm"],
    ["*.?orm.*", "e*", "head1?"],
]


@pytest.mark.parametrize("patterns", PATTERNS, ids=str)
def test_what_is_selected_is_what_the_module_has_by_such_names(count, patterns) -> None:
    for sizes in ({"n": 1, "d": 4}, {"n": 3, "d": 6, "n_experts": 12}, {"n": 12, "d": 2}):
        assert count.select(*patterns)(**sizes) == built(patterns, True, **sizes)
        assert count.without(*patterns)(**sizes) == built(patterns, False, **sizes)


@thorough(60)
@given(st.data())
def test_selected_and_not_selected_add_up(data) -> None:
    names = ["*", "layers", "attn", "experts", "norm", "weight", "bias", "?*", ".", "[a-n]*"]
    count = COUNTS[data.draw(st.sampled_from(sorted(COUNTS)))]
    pattern = "".join(data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=4)))
    try:
        part, rest = count.select(pattern), count.without(pattern)
    except ArgumentError as error:
        assert "matches" in str(error)
        return
    assert part.expr + rest.expr == count.expr
    assert part.domain == rest.domain == count.domain


_COUNT = derive(model)
COUNTS = {"all": _COUNT, "frozen": _COUNT.frozen, "trainable": _COUNT.trainable,
          "bytes": _COUNT.nbytes, "buffers": _COUNT.buffers}  # fmt: skip


def test_iterations_of_a_loop_may_be_spelled_out_as_the_breakdown_has_them(count) -> None:
    assert str(count.select("layers.{0..n-1}.norm")) == "2*d*n"
    assert count.select("layers.{0..n-1}.experts.{0..n_experts-1}.bias") == count.select(
        "*.experts.*.bias"
    )


@pytest.mark.parametrize(
    "pattern", ["layers.0.*", "layers.7.*", "layers.?", "layers.1*", "*.experts.3", "layers.[!0]*"]
)
def test_single_iterations_of_a_loop_are_refused(count, pattern: str) -> None:
    with pytest.raises(ArgumentError, match=r"matches some of 'layers.\{0..n-1\}.* and not all; a"):
        count.select(pattern)
    with pytest.raises(
        ArgumentError, match="write * in the place of their number".replace("*", ".")
    ):
        count.without(pattern)


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        ((), r"takes patterns of names, such as {}\('\*.bias'\)"),
        ((3,), r"{}\(3\): a pattern is text, such as"),
        (("",), r"{}\(''\) matches no parameters of model; its names are such as 'embed'"),
        (("*.expert.*",), r"{}\('\*.expert.\*'\) matches no parameters of model; .*experts"),
        (("haed10",), "matches no parameters of model; its names are such as 'head10'"),
        (("*", "*.Bias"), r"{}\('\*.Bias'\) matches no"),
        (("layers.*.running_mean",), "matches no parameters"),
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["select", "without"])
def test_bad_patterns(count, method: str, patterns, message: str) -> None:
    with pytest.raises(ArgumentError, match=message.format(method)):
        getattr(count, method)(*patterns)


def test_a_formula_of_nothing_has_no_names() -> None:
    count = derive(lambda d: nn.LayerNorm(d, bias=False))
    with pytest.raises(ArgumentError, match="matches no buffer elements of <lambda>, which has no"):
        count.buffers.select("*")
    assert count.without("*")(8) == 0


def test_parts_are_formulas_of_the_same_kind(count) -> None:
    experts = count.select("*.experts.*")
    assert str(experts) == "4*d**2*n*n_experts + 4*d*n*n_experts"
    assert experts.certificate == count.certificate and experts.defaults == count.defaults
    assert str(experts.nbytes) == "16*d**2*n*n_experts + 16*d*n*n_experts"
    assert list(experts.breakdown().parameters) == [
        "layers.{0..n-1}.experts.{0..n_experts-1}.weight",
        "layers.{0..n-1}.experts.{0..n_experts-1}.bias",
    ]
    assert str(experts.select("*.bias")) == str(experts.without("*.weight")) == "4*d*n*n_experts"
    assert str(count.frozen.select("embed")) == "10*d"
    assert str(count.buffers.select("*.running_*")) == "2*d*n"
    with pytest.raises(DomainError):
        experts(1, 3)


def test_a_parameter_that_only_some_paths_have_or_train_is_found() -> None:
    def factory(d):
        one, other = nn.Linear(d, 1), nn.Linear(d, 2)
        one.weight.requires_grad_(d > 9)
        return nn.ModuleDict({"a": one} if d < 20 else {"b": other})

    count = derive(factory)
    assert [count.select("a")(d) for d in (5, 15, 25)] == [6, 16, 0]
    assert [count.select("b.*")(d) for d in (5, 15, 25)] == [0, 0, 52]
    assert [count.trainable.select("a.weight")(d) for d in (5, 15, 25)] == [0, 15, 0]
    assert [count.frozen.without("a.weight")(d) for d in (5, 15, 25)] == [0, 0, 0]


def test_tied_parameters_have_all_their_names() -> None:
    class Tied(nn.Module):
        def __init__(self, vocab, dim):
            super().__init__()
            self.embed = nn.Embedding(vocab, dim)
            self.head = nn.Linear(dim, vocab, bias=False)
            self.head.weight = self.embed.weight

    assert str(derive(Tied).select("embed")) == "dim*vocab"
    assert str(derive(Tied).select("head.*")) == "dim*vocab"
    with pytest.raises(ArgumentError, match="matches no parameters"):
        derive(Tied).select("body.*")


def test_active_parameters_of_a_mixture_of_experts(count) -> None:
    experts, rest = count.select("*.experts.*"), count.without("*.experts.*")
    for k, size in ((1, (2, 4)), (2, (3, 8)), (8, (1, 2))):
        active = rest(*size) + experts(*size, n_experts=k)
        assert active == count(*size) - experts(*size) * (8 - k) // 8
        assert symcount.derive(model)(*size) - active == (8 - k) * size[0] * (
            4 * size[1] ** 2 + 4 * size[1]
        )
