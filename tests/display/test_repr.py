"""What values say of themselves at a prompt, in a log and in a format string."""

from __future__ import annotations

import pytest
import sympy
from torch import nn

import symcount
from symcount import BlueprintRegistry, derive
from symcount.catalogue.audit import audit
from symcount.formula.formula import Formula
from symcount.shown import shortened


def attention(dim, heads=8):
    return nn.MultiheadAttention(dim, heads)


def mlp(dim, hidden=64):
    return nn.Sequential(nn.Linear(dim, hidden), nn.Linear(hidden, dim))


def choices(dim, a=1, b=2, c=3, d=4):
    sizes = [max(dim // size, size) for size in (a, b, c, d)]
    return nn.Sequential(*(nn.Linear(one, other) for one in sizes for other in sizes))


@pytest.fixture(scope="module")
def count() -> symcount.ParamCount:
    return derive(attention)


def test_a_formula_says_itself_and_its_domain(count) -> None:
    assert repr(count) == (
        "<ParamCount of attention: 4*dim**2 + 4*dim, where Eq(Mod(dim, heads), 0)>"
    )
    assert repr(derive(mlp)) == "<ParamCount of mlp: 2*dim*hidden + dim + hidden>"
    assert repr(count.nbytes).startswith("<ParamCount of attention, bytes: 16*dim**2 + 16*dim, wh")


def test_a_long_formula_is_cut_and_says_how_long_it_is() -> None:
    count = derive(choices)
    said, text = repr(count), str(count)
    assert len(text) > 300 and len(said) < 300
    assert f"… ({len(text):,} characters)" in said
    shown = said.partition(": ")[2].partition(" …")[0]
    assert text.startswith(shown) and shown.endswith(" +")
    assert shortened("x" * 500, 100) == "x" * 100 + " … (500 characters)"


def test_a_formula_without_a_text_has_a_repr(count, monkeypatch) -> None:
    def fails(self):
        raise symcount.UnsupportedError("too many steps")

    monkeypatch.setattr(Formula, "__str__", fails)
    assert repr(count) == "<ParamCount of attention: no text: too many steps>"


def test_what_is_asked_of_a_formula_says_itself(count) -> None:
    other = derive(mlp)
    said = [
        repr(count.memory("float16", shards=8, zero=1)),
        repr(other.share()),
        repr(other.share()["0"]),
        repr(count.compare(other, over="dim", heads=1, hidden=64)),
        repr(count.search(total=(1e5, 2e5), dim=range(1, 999), heads=8, limit=1)),
        repr(count.breakdown()),
    ]
    assert said == [
        "<Memory of attention, bytes per device: 16*dim**2 + 16*dim + "
        "4*ceiling(dim**2/2 + dim/2); float16 weights, adamw, ZeRO stage 1 over 8 devices>",
        "Shares(['0', '1']: 0: (dim*hidden + hidden)/(2*dim*hidden + dim + hidden); "
        "1: (dim*hidden + dim)/(2*dim*hidden + dim + hidden))",
        "<Share: (dim*hidden + hidden)/(2*dim*hidden + dim + hidden)>",
        "Comparison(attention mixed mlp; dim from 1 to 31: <; dim from 32 on: >; "
        "attention - mlp: 4*dim**2 - 125*dim - 64)",
        "[Match(dim=192, heads=8: 148,224)]",
        "<Breakdown of attention into 4 parameters: 4*dim**2 + 4*dim>",
    ]


def test_an_audit_says_its_verdict() -> None:
    registry = BlueprintRegistry()
    registry.register("mlp", "own", param_estimate=1000)(mlp)
    found = audit(registry, sizes=(8, 64))
    assert repr(found) == (
        "<Audit: 1 of 1 estimates are off by more than 1.1x at some size; the worst: own:mlp: "
        "1,000 declared, 8,320 at 64, 8.32 times off>"
    )
    assert repr(found.findings[0]) == (
        "<Estimate of own:mlp: 1,000 declared, 8,320 at 64, 8.32 times off>"
    )


def test_formats(count) -> None:
    assert f"{count}" == str(count) == format(count, "")
    assert f"{count:latex}" == count.formula.latex()
    scope: dict = {}
    exec(f"{count:python}", scope)
    assert scope["attention"](64) == count(64)
    with pytest.raises(
        ValueError, match=r"format\(count, ',d'\): .*'domain' or 'python'; for a num"
    ):
        format(count, ",d")
    assert sympy.sympify(str(count)) is not None
