"""`ParamCount`: calls, measures, breakdown, identity."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import numpy as np
import pytest
import sympy
import torch
from torch import nn

import symcount
from symcount import derive


def block(dim, heads=4):
    if dim % heads:
        raise ValueError(f"{dim} is not divisible by {heads}")
    module = nn.Sequential(
        nn.Linear(dim, 3 * dim), nn.Linear(dim, dim, bias=False), nn.BatchNorm1d(dim)
    )
    module[1].requires_grad_(False)
    return module.append(nn.Linear(dim // heads, 2, dtype=torch.float16))


@pytest.fixture(scope="module")
def count() -> symcount.ParamCount:
    return derive(block)


def test_the_facts_of_the_domain_simplify(count) -> None:
    assert str(count) == "4*dim**2 + 5*dim + 2*dim/heads + 2"
    assert str(count.domain) == "Eq(Mod(dim, heads), 0)"


def test_calls_take_python_integers_of_any_size_and_give_them(count) -> None:
    assert count(8) == 4 * 64 + 40 + 4 + 2
    assert type(count(8)) is int
    assert count(np.int64(8), heads=np.int32(2)) == 4 * 64 + 40 + 8 + 2
    big = 4 * 10**30
    assert count(big) == 4 * big**2 + 5 * big + 2 * (big // 4) + 2


@pytest.mark.parametrize(
    ("args", "kwargs", "error", "message"),
    [
        ((), {}, symcount.ArgumentError, r"block\(dim, heads=4\) needs a value for 'dim'"),
        ((1, 2, 3), {}, symcount.ArgumentError, "takes at most 2 values, 3 were given"),
        ((8,), {"dim": 8}, symcount.ArgumentError, "'dim' was given twice"),
        ((8,), {"width": 8}, symcount.ArgumentError, "has no symbol 'width'"),
        ((8.0,), {}, symcount.ArgumentError, r"dim=8.0: a hyper-parameter is a positive integer"),
        ((True,), {}, symcount.ArgumentError, "dim=True: a hyper-parameter is a positive integer"),
        (("8",), {}, symcount.ArgumentError, "not a str"),
        ((0,), {}, symcount.DomainError, "it was derived for dim >= 1"),
        ((-4,), {}, symcount.DomainError, "dim=-4, heads=4 is outside the domain of block"),
        ((9,), {}, symcount.DomainError, "ValueError: .* is not divisible by"),
    ],
)
def test_bad_calls(count, args, kwargs, error, message: str) -> None:
    with pytest.raises(error, match=message):
        count(*args, **kwargs)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"between": 9}, "between=9: give the least and the greatest value, two integers"),
        ({"between": (1, 2, 3)}, r"between=\(1, 2, 3\): give the least and the greatest value"),
        ({"between": (1.5, 9)}, r"between=\(1.5, 9\): give the least and the greatest value"),
        ({"dim": 8}, "dim=8: 'dim' is what is asked for"),
    ],
)
def test_bad_questions_for_valid_values(count, kwargs, message: str) -> None:
    with pytest.raises(symcount.ArgumentError, match=message):
        count.valid_values("dim", **kwargs)


def test_the_condition_that_is_blamed_is_the_one_that_keeps_sizes_out() -> None:
    def rotary(dim, heads):
        size = dim // heads
        if size % 2 and int(size * 1.0) == size:  # float arithmetic: a limit, beside the refusal
            raise ValueError(f"{size} is odd")
        return nn.Linear(dim, dim)

    with pytest.raises(symcount.DomainError, match="the domain") as caught:
        symcount.derive(rotary)(100, 4)
    assert r"Eq(Mod(floor(dim/heads), 2), 0) fails (" in str(caught.value)
    assert "None" not in str(caught.value)


def test_measures_are_formulas_of_the_same_kind(count) -> None:
    assert str(count.trainable) == "3*dim**2 + 5*dim + 2*dim/heads + 2"
    assert str(count.frozen) == "dim**2"
    assert str(count.buffers) == "2*dim + 1"
    assert str(count.nbytes) == "16*dim**2 + 20*dim + 4*dim/heads + 4"
    assert {k: str(v) for k, v in count.by_dtype().items()} == {
        "float32": "4*dim**2 + 5*dim",
        "float16": "2*dim/heads + 2",
    }
    module = block(64)
    assert count.nbytes(64) == sum(p.nbytes for p in module.parameters())
    assert count.buffers(64) == sum(b.numel() for b in module.buffers())
    with pytest.raises(symcount.DomainError):
        count.trainable(9)


def test_the_breakdown_adds_up(count) -> None:
    breakdown = count.breakdown()
    assert list(breakdown.parameters)[:3] == ["0.weight", "0.bias", "1.weight"]
    assert str(breakdown.modules["3"]) == "2*dim/heads + 2"
    for dim in (8, 64):
        assert sum(part(dim) for part in breakdown.parameters.values()) == count(dim)
        assert sum(breakdown.modules[k](dim) for k in ("0", "1", "2", "3")) == count(dim)
        assert breakdown.modules[""](dim) == count(dim)


def test_tied_weights_count_once() -> None:
    class Tied(nn.Module):
        def __init__(self, vocab, dim):
            super().__init__()
            self.embed = nn.Embedding(vocab, dim)
            self.head = nn.Linear(dim, vocab, bias=False)
            self.head.weight = self.embed.weight

    count = derive(Tied)
    assert str(count) == "dim*vocab"
    assert list(count.breakdown().parameters) == ["embed.weight"]


def test_paths_that_differ_give_a_piecewise() -> None:
    def factory(dim):
        if dim > 100:
            return nn.Linear(dim, 3)
        if dim % 2 == 0:
            return nn.Linear(dim // 2, 3)
        return nn.LayerNorm(dim)

    count = derive(factory)
    assert isinstance(count.expr, sympy.Piecewise)
    for dim in range(1, 300):
        with torch.device("meta"):
            expected = sum(p.numel() for p in factory(dim).parameters())
        assert count(dim) == expected
        assert count.expr.subs(count.symbols[0], dim) == expected
    parts = count.breakdown().parameters
    assert sum(part(50) for part in parts.values()) == count(50) == 78


def test_equality_hash_and_pickle(count) -> None:
    again = derive(block)
    assert again == count and hash(again) == hash(count)
    assert derive(lambda dim: nn.Linear(dim, 2)) != count
    assert count != "4*dim**2"
    assert derive(lambda a: nn.Linear(a, a)) != derive(lambda b: nn.Linear(b, b))
    same = derive(lambda a: nn.Linear(a, a))
    assert same == derive(lambda a: nn.Sequential(nn.Linear(a, a, bias=False), nn.PReLU(a)))
    for copied in (pickle.loads(pickle.dumps(count)), copy.deepcopy(count)):
        assert copied == count and hash(copied) == hash(count)
        assert copied(64) == count(64) and str(copied) == str(count)
        assert str(copied.graph) == str(count.graph)
        assert copied.certificate == count.certificate


def test_it_is_frozen(count) -> None:
    with pytest.raises(AttributeError):
        count.factory = "other"


def test_latex_and_notebook_display(count) -> None:
    assert f"{count:latex}" == (
        r"4 \, \mathrm{dim}^{2} + 5 \, \mathrm{dim} + \frac{2 \, \mathrm{dim}}{\mathrm{heads}} + 2"
    )
    assert count._repr_latex_() == rf"$\displaystyle {count:latex}$"


def test_the_certificate_says_what_was_done(count) -> None:
    certificate = count.certificate
    assert certificate.grade == "complete"
    assert (certificate.paths, certificate.refused_paths) == (2, 1)
    points = [dict(p) for p in certificate.points]
    assert len(points) >= 6
    assert len({p["dim"] for p in points}) >= 6
    assert "2 paths followed (1 of them refused by the factory)" in str(certificate)


def test_float_steps_keep_their_rounding() -> None:
    count = derive(lambda dim: nn.Linear(int(dim * 0.29), 1, bias=False))
    assert [count(d) for d in range(1, 3000)] == [int(d * 0.29) for d in range(1, 3000)]
    assert sum(count(d) != 29 * d // 100 for d in range(1, 2000)) == 7
    assert str(count) == "trunc(fmul(0.29, dim))"
    assert [count.expr.subs(count.symbols[0], d) for d in (100, 200)] == [28, 57]


def test_exact_float_steps_are_exact_up_to_their_limit() -> None:
    count = derive(lambda dim: nn.Linear(int(dim * 4.0), 1, bias=False))
    assert str(count) == "4*dim"
    assert str(count.domain) == "dim < 2251799813685249"
    assert count(2**51) == 2**53
    with pytest.raises(symcount.DomainError, match="beyond which the factory's float arithmetic"):
        count(2**51 + 1)


@pytest.mark.parametrize(
    "rows", ["m * ((v + m - 1) // m)", "-(-v // m) * m", "math.ceil(v / m) * m"]
)
def test_rounding_up_to_a_multiple_that_is_a_symbol_is_a_ceiling(rows: str) -> None:
    rounded: Any = eval(f"lambda v, m: {rows}", {"math": math})
    count = derive(lambda v, m, d: nn.Embedding(rounded(v, m), d))
    assert str(count) == "d*m*ceiling(v/m)"
    for v, m in [(50257, 128), (7, 9), (8, 8), (1, 1), (9, 8)]:
        assert count(v, m, 3) == rounded(v, m) * 3
        assert count.expr.subs(dict(zip(count.symbols, (v, m, 3), strict=True))) == count(v, m, 3)


def test_a_ceiling_that_something_is_divided_by_is_written() -> None:
    count = derive(lambda a: nn.Linear(100 - a // (a // -2), 1, bias=False))
    (a,) = count.expr.free_symbols
    for size in (1, 2, 5, 8, 33):
        assert count.expr.subs(a, size) == count(size) == 100 - size // (size // -2)


def test_a_floor_that_a_ceiling_makes_no_shorter_stays_one() -> None:
    assert str(derive(lambda v, m: nn.Embedding((v - 1) // m + 2, 1))) == "ceiling(v/m) + 1"
    assert str(derive(lambda v, m: nn.Embedding(((v - 1) // m) ** 2 + 5, 1))) == (
        "floor(v/m - 1/m)**2 + 5"
    )
