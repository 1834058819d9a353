"""Symbols that may be zero, `Symbol(min=0)`: compared with plain builds at 0, 1, 2, ..."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import sympy
import torch
from torch import nn

import symcount
from symcount import ParamCount, Symbol, derive

Factory = Callable[..., nn.Module]


def _plain(factory: Factory, **sizes: int) -> int | None:
    try:
        return sum(p.numel() for p in factory(**sizes).parameters())
    except (ValueError, ArithmeticError, IndexError, RuntimeError, AssertionError, KeyError):
        return None


def _counted(count: ParamCount, **sizes: int) -> int | None:
    try:
        return count(**sizes)
    except symcount.DomainError:
        return None


def _is_exact(factory: Factory, count: ParamCount) -> bool:
    """Compare with plain builds at all small sizes; all of them are covered."""
    names = [h.name for h in count.hyperparameters]
    points = [
        dict(zip(names, p, strict=True)) for p in itertools.product(range(6), repeat=len(names))
    ]
    return all(_counted(count, **p) == _plain(factory, **p) for p in points if p.get("d", 1))


def _layers(d: int, n: int) -> list[nn.Module]:
    return [nn.Linear(d, d) for _ in range(n)]


def stack(d: int, n: int) -> nn.Module:
    return nn.Sequential(*_layers(d, n))


def stack_and_head(d: int, n: int) -> nn.Module:
    layers, width = [], d
    for _ in range(n):
        layers.append(nn.Linear(width, width + 1))
        width = width + 1
    return nn.Sequential(*layers, nn.Linear(width, 3))


def asked(d: int, n: int) -> nn.Module:
    return nn.Linear(d, n) if n else nn.Linear(d, 1)


def filled_or_not(d: int, n: int) -> nn.Module:
    return nn.Sequential(*(_layers(d, n) or [nn.Linear(d, 1)]))


def filled_by_two(d: int, n: int, m: int) -> nn.Module:
    layers = _layers(d, n) + [nn.Linear(d, 2) for _ in range(m)]
    if not layers:
        layers = [nn.Linear(d, 1)]
    return nn.Sequential(*layers)


def left_as_it_was(d: int, n: int) -> nn.Module:
    width, layers = 3, nn.ModuleList()
    for _ in range(n):
        layers.append(nn.Linear(d, d))
        width = d
    return nn.Sequential(*layers, nn.Linear(width, 7))


def divided(d: int, n: int) -> nn.Module:
    return nn.Linear(d // n + d % n, d)


def divided_if_any(d: int, n: int) -> nn.Module:
    per = d // n if n else 0
    return nn.Linear(2 * per, d)


def times_and_divided(d: int, n: int) -> nn.Module:
    return nn.Linear(d * n // n, d)


def remainder_of_zero(d: int, n: int) -> nn.Module:
    return nn.Linear(n % d + 1, -(-n // 4) + d)


def power(d: int, n: int) -> nn.Module:
    return nn.Linear(2**n, n**2 + d)


def greatest(d: int, n: int) -> nn.Module:
    return nn.Linear(max(1, n), min(n, d) + 1)


def greatest_divisor(d: int, n: int) -> nn.Module:
    return nn.Linear(math.gcd(d, n), d)


def float_quotient(d: int, n: int) -> nn.Module:
    return nn.Linear(int(d / n) + int(n / d * 4), d)


def picked(d: int, n: int) -> nn.Module:
    return nn.Linear([3, 5, 8][n], d)


def tokens(d: int, n: int) -> nn.Module:
    module = nn.Module()
    module.tokens = nn.Parameter(torch.cat([torch.zeros(n, d), torch.zeros(2, d)]))
    if n > 0:
        module.scale = nn.Parameter(torch.zeros(n))
    return module


def broadcast(d: int, n: int) -> nn.Module:
    module = nn.Module()
    module.table = nn.Parameter(torch.zeros(n, d) + torch.zeros(d, d))
    return module


def viewed(d: int, n: int) -> nn.Module:
    module = nn.Module()
    module.table = nn.Parameter(torch.zeros(n, d).view(n, -1))
    return module


def split(d: int, n: int) -> nn.Module:
    module = nn.Module()
    module.part = nn.Parameter(torch.zeros(4, d).split(n)[0])
    return module


def padded(d: int, n: int) -> nn.Module:
    return nn.Linear((d + 2 * n - 1) // 2 + 1, d)


def nested(d: int, n: int, m: int) -> nn.Module:
    return nn.ModuleList(nn.ModuleList(nn.Linear(d, j + 1) for j in range(m)) for _ in range(n))


def first_is_another(d: int, n: int) -> nn.Module:
    return nn.ModuleList(nn.Linear(d, 3 if i in (0, n - 1) else d) for i in range(n))


def attention(d: int, n: int) -> nn.Module:
    return nn.MultiheadAttention(d, n)


COMPLETE = [
    stack,
    asked,
    filled_or_not,
    filled_by_two,
    left_as_it_was,
    divided,
    divided_if_any,
    times_and_divided,
    remainder_of_zero,
    power,
    greatest,
    greatest_divisor,
    float_quotient,
    picked,
    tokens,
    broadcast,
    viewed,
    padded,
    nested,
    first_is_another,
    attention,
]

# What other languages compute is compared with these formulas too.
WITH_ZERO = [asked, divided_if_any, times_and_divided, remainder_of_zero, float_quotient]


@pytest.mark.filterwarnings("ignore:Initializing zero-element")
@pytest.mark.parametrize("factory", COMPLETE, ids=lambda f: f.__name__)
def test_it_is_exact_at_zero_and_above(factory: Factory) -> None:
    symbols = {name: Symbol(min=0) for name in ("n", "m") if name in factory.__annotations__}
    count = derive(factory, **symbols)
    assert count.certificate.grade == "complete"
    assert _is_exact(factory, count)


@pytest.mark.filterwarnings("ignore:Initializing zero-element")
@pytest.mark.parametrize("factory", [stack_and_head, split], ids=lambda f: f.__name__)
def test_what_is_not_complete_is_never_wrong(factory: Factory) -> None:
    count = derive(factory, n=Symbol(min=0))
    for d, n in itertools.product(range(1, 6), range(6)):
        assert _counted(count, d=d, n=n) in (None, _plain(factory, d=d, n=n))


def _filled_by_two_from_one(d: int, n: int, m: int) -> nn.Module:
    return filled_by_two(d, n - 1, m - 1)


def test_a_list_that_two_loops_fill_is_empty_where_both_have_no_iteration() -> None:
    count = derive(_filled_by_two_from_one)
    assert [count(d=3, n=n, m=m) for n in (1, 2) for m in (1, 2)] == [4, 8, 12, 20]


# --- what is done with such a formula -----------------------------------------------------------


def test_it_is_said_that_a_symbol_may_be_zero() -> None:
    count = derive(stack, n=Symbol(min=0))
    d, n = count.symbols
    assert d.is_positive
    assert n.is_nonnegative and not n.is_positive
    assert count.expr.subs(n, 0) == 0
    assert count.domain == sympy.true
    assert "all positive integers, and n = 0" in count.export("markdown")
    assert "all positive integers, and n = 0" in count._repr_html_()
    with pytest.raises(symcount.DomainError, match=r"n >= 0\. Nearest valid values: n=0\."):
        count(d=4, n=-1)


@pytest.mark.filterwarnings("ignore:Initializing zero-element")
def test_it_is_stored_and_loaded(tmp_path: Path) -> None:
    count = derive(divided_if_any, n=Symbol(min=0))
    count.save(tmp_path / "formulas.json")
    loaded = symcount.load(tmp_path / "formulas.json")["divided_if_any"]
    assert loaded.expr == count.expr
    assert _is_exact(divided_if_any, loaded)


def test_substituting_asks_what_may_be_zero() -> None:
    count = derive(divided, n=Symbol(min=0))
    assert [h.minimum for h in count.substitute(n="k").hyperparameters] == [1, 0]
    more = count.substitute(n="k + 1")
    assert [more(d=7, k=k) for k in (1, 2)] == [count(d=7, n=n) for n in (2, 3)]
    same = derive(stack, n=Symbol(min=0)).substitute(d="max(n, 1)")
    assert same(n=0) == 0 and same(n=3) == 3 * 12
    cancelled = derive(times_and_divided, d=Symbol(min=0), n=Symbol(min=0)).substitute(d="n")
    with pytest.raises(symcount.DomainError):
        cancelled(n=0)
    assert count.rename(n="k")(d=7, k=2) == count(d=7, n=2)


def test_questions_take_zero_into_account() -> None:
    count = derive(filled_or_not, n=Symbol(min=0))
    assert count.solve("n", 1000, d=8) == 13
    assert count.solve("n", 9, d=8) == 0
    assert count.valid_values("n", between=(0, 3), d=8) == [0, 1, 2, 3]
    assert derive(divided, n=Symbol(min=0)).valid_values("n", between=(0, 3), d=8) == [1, 2, 3]
    assert derive(stack, n=Symbol(min=0)).marginal("n", d=8, n=0).cost == 72
    found = derive(stack, n=Symbol(min=0)).search(total=0, d=[8], n=range(3))
    assert [match.values["n"] for match in found][:1] == [0]


def test_less_than_zero_is_refused() -> None:
    with pytest.raises(symcount.ArgumentError, match=r"Symbol\(min=-1\): no symbol is negative"):
        Symbol(min=-1)
