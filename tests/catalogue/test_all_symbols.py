"""As many integers of a factory symbolic as derive together, and why the others are not."""

from __future__ import annotations

from torch import nn

from symcount import Symbol
from symcount.catalogue.all_symbols import (
    all_symbols,
    constructor_arguments,
)


def test_all_together() -> None:
    def factory(dim, layers: int = 2, bias: bool = True):
        return nn.Sequential(*(nn.Linear(dim, dim, bias=bias) for _ in range(layers)))

    found = all_symbols(factory, bias=False)
    assert (str(found.count), found.kept, found.refused) == (
        "dim**2*layers",
        ("dim", "layers"),
        {},
    )


def unfollowed(dim: int = 4, lazy: int = 3, other: int = 5, zero: int = 0) -> nn.Module:
    if lazy != 3:
        return nn.Linear(ord("weight"[lazy % 6]), 2)
    return nn.Linear(dim, other + zero, bias=False)


def test_what_is_refused_alone_stays_at_its_default() -> None:
    found = all_symbols(unfollowed)
    assert found.kept == ("dim", "other")
    assert str(found.count) == "dim*other"
    assert found.refused["zero"] == "0 by default, which is no positive integer"
    assert "weight" in found.refused["lazy"]
    assert "unfollowed" not in found.refused["lazy"]
    assert "\n" not in found.refused["lazy"]


def test_what_is_refused_together_is_left_out() -> None:
    def quarrelling(a: int = 2, b: int = 3, c: int = 4) -> nn.Module:
        if a != 2 and b != 3:
            return nn.Linear(ord("weight"[a % 6]), 2)
        return nn.Linear(a * c, b, bias=False)

    found = all_symbols(quarrelling)
    assert found.kept == ("a", "c")
    assert found.refused["b"].startswith("not together with a: ")
    assert found.count is not None and found.count(a=7, c=2) == 42


def test_nothing_can_be_kept() -> None:
    found = all_symbols(lambda n=3: nn.LazyLinear(n))
    assert (found.count, found.kept, list(found.refused)) == (None, (), ["n"])
    found = all_symbols(lambda n: nn.LazyLinear(n))
    assert (found.count, found.kept, list(found.refused)) == (None, (), ["n"])


def test_declared_symbols_keep_their_limits() -> None:
    found = all_symbols(unfollowed, dim=Symbol(multiple_of=8, name="d"), lazy=3, zero=1)
    assert found.kept == ("dim", "other")
    assert str(found.count) == "d*other + d"
    assert found.count is not None and not found.count.valid(d=9)


def test_integers_that_reach_the_constructor_through_kwargs() -> None:
    class Net(nn.Module):
        def __init__(self, width: int = 8, classes: int = 10, out: int = 1, act: str = "gelu"):
            super().__init__()
            self.head = nn.Linear(width, classes * out)

    def net_small(pretrained=False, **kwargs):
        return Net(width=4, **{"out": 2, **kwargs})

    assert constructor_arguments(net_small) == {
        "width": 4, "classes": 10, "out": 2, "act": "gelu",
    }  # fmt: skip
    assert Net.__init__.__name__ == "__init__"
    found = all_symbols(net_small)
    assert found.kept == ("classes", "out")  # the function itself sets the width
    assert found.count is not None and found.count() == 100
    assert all_symbols(net_small, classes=7).kept == ("out",)
