"""`active`: what a mixture of experts uses for a token, against modules and published figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sympy import symbols
from torch import nn

from symcount import ArgumentError, DomainError, ParamCount, derive
from tests.random_expressions import thorough
from tests.storing import assert_loads, loaded


def linear(rows: int, columns: int) -> nn.Module:
    return nn.Linear(columns, rows, bias=False)


def gated(d: int, f: int) -> nn.Module:
    return nn.ModuleDict({"gate": linear(f, d), "up": linear(f, d), "down": linear(d, f)})


# --- published figures ------------------------------------------------------------------------


class Stacked(nn.Module):
    """Experts in two tensors, as in transformers 5."""

    def __init__(self, d: int, f: int, experts: int) -> None:
        super().__init__()
        self.gate_up = nn.Parameter(torch.empty(experts, 2 * f, d))
        self.down = nn.Parameter(torch.empty(experts, d, f))


def listed(d: int, f: int, experts: int) -> nn.Module:
    return nn.ModuleList(gated(d, f) for _ in range(experts))


def mixtral(
    d: int = 4096,
    f: int = 14336,
    n: int = 32,
    heads: int = 32,
    kv: int = 8,
    experts: int = 8,
    vocab: int = 32000,
    make: Callable[..., nn.Module] = listed,
) -> nn.Module:
    def layer() -> nn.Module:
        head = d // heads
        parts = {
            "q": linear(heads * head, d),
            "k": linear(kv * head, d),
            "v": linear(kv * head, d),
            "o": linear(d, heads * head),
            "norms": nn.ModuleList(nn.RMSNorm(d) for _ in range(2)),
            "gate": linear(experts, d),
            "experts": make(d, f, experts),
        }
        return nn.ModuleDict(parts)

    embedding = nn.Embedding(vocab, d)
    layers = nn.ModuleList(layer() for _ in range(n))
    return nn.ModuleDict(
        {"embed": embedding, "layers": layers, "norm": nn.RMSNorm(d), "head": linear(vocab, d)}
    )


def deepseek_v3(
    d: int = 7168,
    f: int = 18432,
    n: int = 61,
    heads: int = 128,
    f_expert: int = 2048,
    experts: int = 256,
    shared: int = 1,
    q_rank: int = 1536,
    kv_rank: int = 512,
    nope: int = 128,
    rope: int = 64,
    v: int = 128,
    vocab: int = 129280,
    per_token: int = 8,
    make: Callable[..., nn.Module] = listed,
) -> nn.Module:
    """Build DeepSeek-V3 (DeepSeek-AI 2024), table and section 4.2; the first three layers dense."""

    def layer(place: int) -> nn.Module:
        parts = {
            "q_a": linear(q_rank, d),
            "q_a_norm": nn.RMSNorm(q_rank),
            "q_b": linear(heads * (nope + rope), q_rank),
            "kv_a": linear(kv_rank + rope, d),
            "kv_a_norm": nn.RMSNorm(kv_rank),
            "kv_b": linear(heads * (nope + v), kv_rank),
            "o": linear(d, heads * v),
            "norms": nn.ModuleList(nn.RMSNorm(d) for _ in range(2)),
        }
        if place < 3:
            return nn.ModuleDict({**parts, "mlp": gated(d, f)})
        parts |= {"gate": linear(experts, d), "shared": gated(d, shared * f_expert)}
        return nn.ModuleDict({**parts, "experts": make(d, f_expert, experts)})

    embedding = nn.Embedding(vocab, d)
    layers = nn.ModuleList(layer(place) for place in range(n))
    return nn.ModuleDict(
        {"embed": embedding, "layers": layers, "norm": nn.RMSNorm(d), "head": linear(vocab, d)}
    )


@pytest.mark.parametrize("make", [listed, Stacked])
def test_published_figures(make: Any) -> None:
    # the parameters of the checkpoints on Hugging Face; 12.9B and 37B active are in both papers
    for factory, k, total, active in (
        (mixtral, 2, 46_702_792_704, 12_879_925_248),
        (deepseek_v3, 8, 671_026_404_352, 37_552_282_624),
    ):
        count = derive(factory, make=make)
        assert count() == total
        used = count.active(per_token=k)
        assert used() == active
        assert loaded(used)() == active and used.certificate.grade == count.certificate.grade
        assert used.origin is None and used.certificate.points == count.certificate.points
        experts = count.select("*.experts.*")
        assert (count - experts + experts * k // int(count.defaults["experts"]))() == active


def test_a_symbol_of_the_factory_may_say_how_many() -> None:
    count = derive(deepseek_v3).active(per_token="per_token")
    assert [h.name for h in count.hyperparameters][-1] == "per_token"
    assert count() == 37_552_282_624 and count(per_token=256) == derive(deepseek_v3)()
    assert not count.valid(per_token=257)
    with pytest.raises(
        DomainError, match="per_token = per_token is more than experts, the number of"
    ):
        count(per_token=257)


# --- against modules --------------------------------------------------------------------------


def in_dict(d: int, f: int, experts: int) -> nn.Module:
    return nn.ModuleDict({f"expert_{i}": gated(d, f) for i in range(experts)})


def parameters(d: int, f: int, experts: int) -> nn.Module:
    return nn.ParameterList(torch.empty(d, f) for _ in range(experts))


def layered(d: int, f: int, n: int, experts: int, make: Any = listed) -> nn.Module:
    layers = nn.ModuleList()
    for _ in range(n):
        moe = nn.ModuleDict({"router": nn.Linear(d, experts), "experts": make(d, f, experts)})
        layers.append(nn.ModuleDict({"norm": nn.BatchNorm1d(d), "moe": moe}))
    return nn.ModuleDict({"layers": layers, "head": nn.Linear(d, 7)})


def used(k: int, **sizes: Any) -> int:
    """The parameters of a module that are not experts', and those of k of these."""
    with torch.device("meta"):
        named = dict(layered(**sizes).named_parameters())
    experts = sum(p.numel() for name, p in named.items() if ".experts." in name)
    return sum(p.numel() for p in named.values()) - experts + experts * k // sizes["experts"]


@pytest.fixture(scope="module")
def mixtures() -> list[tuple[dict[str, Any], ParamCount]]:
    """Formulas of mixtures, by what is fixed of them."""
    fixed: list[dict[str, Any]] = [{"make": make} for make in (listed, Stacked, parameters)]
    fixed += [{"make": make, "experts": 4} for make in (listed, Stacked, in_dict, parameters)]
    fixed += [{"make": make, "experts": 4, "n": 2} for make in (listed, Stacked)]
    return [(given, derive(layered, **given)) for given in fixed]


@thorough(60)
@given(st.data())
def test_it_is_what_modules_have(
    mixtures: list[tuple[dict[str, Any], ParamCount]], data: st.DataObject
) -> None:
    given, count = data.draw(st.sampled_from(mixtures))
    sizes = {name: data.draw(st.integers(1, 9), name) for name in ("d", "f", "n")}
    sizes |= {"experts": data.draw(st.integers(1, 9)), **given}
    k = data.draw(st.integers(1, 9))
    at = {h.name: sizes[h.name] for h in count.hyperparameters}
    symbolic = count.active("*.experts", per_token="k")
    if k > sizes["experts"]:
        assert not symbolic.valid(**at, k=k)
        return
    assert symbolic(**at, k=k) == used(k, **sizes)
    number = count.active(per_token=k)
    assert number(**at) == used(k, **sizes)
    for whole, part in ((symbolic, {**at, "k": k}), (number, at)):
        parts = whole.breakdown().parameters.values()
        assert sum(each(**part) for each in parts) == whole(**part)
        assert whole.nbytes(**part) == 4 * whole(**part)
        assert whole.buffers(**part) == count.buffers(**at)


def test_parts_of_what_is_active(mixtures: list[tuple[dict[str, Any], ParamCount]]) -> None:
    names = {name for _, c in mixtures for name in c.active(per_token="k").breakdown().parameters}
    experts = {name.partition(".experts.")[2] for name in names if ".experts." in name}
    assert {"{0..k-1}.up.weight", "expert_{0..k-1}.up.weight", "{0..k-1}", "down"} <= experts
    two = derive(layered, experts=4).active(per_token=2)
    assert two.select("*.experts.*")(d=3, f=5, n=7) == 2 * 7 * 3 * 3 * 5
    points = [{"d": 3, "f": 5, "n": 7, "k": k} for k in (1, 4, 5)]
    for _, count in mixtures:
        active = count.active(per_token="k")
        known = {h.name for h in active.hyperparameters}
        every = [{"experts": 4, **point} for point in points]
        assert_loads(active, [{n: v for n, v in each.items() if n in known} for each in every])


# --- what is refused --------------------------------------------------------------------------


def growing(d: int, f: int, experts: int) -> nn.Module:
    return nn.ModuleList(gated(d, f * (i + 1)) for i in range(experts))


def one_tied(d: int, f: int, experts: int) -> nn.Module:
    made = nn.ModuleList(linear(f, d) for _ in range(experts))
    made[1].weight = made[0].weight
    return made


def more_in_each_layer(d: int, f: int, n: int) -> nn.Module:
    layers = nn.ModuleList()
    for i in range(n):
        count = 4 * (i + 1)
        layers.append(nn.ModuleDict({"router": linear(count, d), "experts": Stacked(d, f, count)}))
    return layers


class Flat(nn.Module):
    """One tensor in which the experts lie behind one another."""

    def __init__(self, d: int, f: int, experts: int) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.empty(experts * f, d))


@pytest.mark.parametrize(
    ("fixed", "said"),
    [
        ({"make": growing}, "are not as many and of the same parameters"),
        ({"make": growing, "experts": 4}, "are not as many and of the same parameters"),
        ({"make": one_tied, "experts": 4}, "there are 3 of them, or not a size of their router"),
        ({"make": one_tied, "experts": 4, "n": 1}, "is tied to"),
        ({"make": Flat}, r"experts\*f is not the first size of all of them, or not a size of"),
    ],
)
def test_experts_that_are_not_seen(fixed: dict[str, Any], said: str) -> None:
    count = derive(layered, **fixed)
    for k in (2, "k"):
        with pytest.raises(ArgumentError, match=said):
            count.active(per_token=k)


def test_layers_with_other_numbers_of_experts() -> None:
    count = derive(more_in_each_layer)
    with pytest.raises(ArgumentError, match="are not as many and of the same parameters"):
        count.active(per_token=2)
    unrolled = derive(more_in_each_layer, n=2)
    assert unrolled.active(per_token=3)(5, 7) == 12 * 5 + 2 * 3 * 3 * 5 * 7
    assert unrolled.active(per_token="k").domain == (symbols("k", integer=True, positive=True) < 5)


def test_a_matrix_is_not_taken_for_experts_without_a_router() -> None:
    def dense(d: int, f: int) -> nn.Module:
        return nn.ModuleDict({"in": nn.Linear(f, f), "experts": linear(d, f)})

    with pytest.raises(
        ArgumentError, match="how many experts there are in 'experts' is not seen: d is not"
    ):
        derive(dense).active("experts", per_token=2)


@pytest.mark.parametrize("per_token", [0, -1, 1.5, True, "", "a b", None])
def test_what_is_no_number_of_experts(per_token: Any) -> None:
    with pytest.raises(ArgumentError, match="use a positive integer, or the name of a symbol"):
        derive(layered, experts=4).active(per_token=per_token)


def test_more_than_there_are_and_no_experts() -> None:
    count = derive(layered, experts=4)
    with pytest.raises(
        DomainError, match="per_token = 5 is more than 4, the number of experts, there"
    ):
        count.active(per_token=5)
    with pytest.raises(ArgumentError, match=r"active\('\*\.expert'\) matches no parameters"):
        count.active("*.expert", per_token=2)
