"""Formulas for people: by layers, with ceilings, with short names, and domains in words."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import symcount
from symcount import ArgumentError, Symbol, derive
from symcount.algebra.evaluate import rational
from symcount.algebra.poly import Poly, symbol
from symcount.formula import domain_words, sympy_form
from tests.formulas import NAMES, polys
from tests.random_expressions import thorough

ATLAS = symcount.load("docs/atlas/formulas.json")
SPACE = {
    "floor": lambda x: x // 1,
    "ceiling": lambda x: -(-x // 1),
    "Max": max,
    "Min": min,
    "Mod": lambda a, b: a % b,
}
POINTS = st.fixed_dictionaries({name: st.integers(1, 60) for name in NAMES})


def gpt(n_embd, n_head, n_layer, n_inner, vocab_size):
    def block():
        up, down = nn.Linear(n_embd, n_inner), nn.Linear(n_inner, n_embd)
        return nn.Sequential(nn.LayerNorm(n_embd), nn.MultiheadAttention(n_embd, n_head), up, down)

    blocks = nn.ModuleList(block() for _ in range(n_layer))
    return nn.ModuleDict({"wte": nn.Embedding(vocab_size, n_embd), "h": blocks})


@pytest.fixture(scope="module")
def count() -> symcount.ParamCount:
    return derive(gpt)


# --- by layers --------------------------------------------------------------------------------


@thorough(60)
@given(polys(), st.lists(st.sampled_from(NAMES), max_size=3), POINTS)
def test_brackets_change_no_value(poly: Poly, loops: list[str], point: dict[str, int]) -> None:
    written = sympy_form.in_layers(poly, [symbol(name) for name in loops])
    try:
        expected = rational(poly, point)
    except (ArithmeticError, ValueError):
        return
    values = {s: point[s.name] for s in written.free_symbols}
    assert written.xreplace(values) == sympy_form.expression(poly).xreplace(values)
    found = sympy.sympify(written.xreplace(values))
    if found.is_Rational:
        assert found == expected


@pytest.mark.parametrize("name", ["gpt2", "llama", "resnet", "deepseek_v3", "t5", "whisper"])
def test_the_text_by_layers_counts_as_the_formula_does(name: str) -> None:
    count = ATLAS[name]
    text = f"{count:layers}"
    assert len(text) < len(str(count))
    for factor in (1, 2, 3):
        point = {h.name: factor * int(h.default or 64) for h in count.hyperparameters}
        fractions = {name: Fraction(value) for name, value in point.items()}
        assert eval(text, SPACE, fractions) == count(**point)
    assert sympy.expand(count.formula.in_layers) == sympy.expand(count.expr)


def test_what_a_layer_has_is_in_brackets(count) -> None:
    assert f"{count:layers}" == (
        "n_layer*(4*n_embd**2 + 2*n_embd*n_inner + 7*n_embd + n_inner) + n_embd*vocab_size"
    )
    assert f"{count:latex layers}".startswith(
        r"\mathrm{n\_layer} \, \left(4 \, \mathrm{n\_embd}^{2} +"
    )
    # the inner loop's brackets are within those of the outer one
    nested = derive(
        lambda d, n, m: nn.ModuleList(
            nn.ModuleList([nn.Linear(d, 1), *(nn.Linear(d, d) for _ in range(m))]) for _ in range(n)
        )
    )
    assert f"{nested:layers}" == "n*(m*(d**2 + d) + d + 1)"
    # nothing is shared, and without a loop nothing is to be: the formula is as it was
    assert f"{derive(lambda d: nn.Linear(d, d)):layers}" == "d**2 + d"
    for part in (
        count.trainable,
        count.nbytes,
        count.select("h"),
        count.nbytes.substitute(n_head=1),
    ):
        assert sympy.expand(part.formula.in_layers) == sympy.expand(part.expr)


def test_long_brackets_take_several_lines(count) -> None:
    lines = sympy_form.lines(count.formula.in_layers, 30)
    marks = [(len(line.opened), line.closed) for line in lines]
    assert marks[0] == (1, 0) and marks[-1] == (0, 0) and marks[-2] == (0, 1) and len(lines) > 2
    total: Any = 0
    opened: list[Any] = []
    for line in lines:
        opened += line.opened
        total += sympy.Mul(*opened) * sympy.Add(*line.terms)
        opened = opened[: len(opened) - line.closed]
    assert sympy.expand(total) == count.expr


def test_ceilings_are_ceilings() -> None:
    assert str(derive(lambda d: nn.Linear(-(-d // 3), 1, bias=False))) == "ceiling(d/3)"
    # of a quotient that is rounded down before
    inner = derive(lambda d: nn.Linear((8 * d // 3 + 255) // 256 * 256, 1, bias=False))
    assert str(inner) == "256*ceiling(d/96)"
    # with a fraction that no integer fills: 7/8 is as good as 2/3
    odd = derive(lambda d: nn.Linear((8 * d + 21) // 24, 1, bias=False))
    assert str(odd) == "ceiling(d/3)"
    assert [odd(d) for d in range(1, 40)] == [-(-d // 3) for d in range(1, 40)]


# --- short names ------------------------------------------------------------------------------


def test_short_names(count) -> None:
    short = count.short()
    assert f"{short:layers}" == "L*(4*d**2 + 2*d*f + 7*d + f) + V*d"
    assert f"{short:domain}" == "d is a multiple of h"
    assert short(768, 12, 12, 3072, 50257) == count(768, 12, 12, 3072, 50257)
    assert [h.arguments for h in short.hyperparameters] == [
        (n,) for n in count.formula.signature.names
    ]
    assert str(count.short(n_embd="w", n_layer="depth").symbols) == "(w, h, depth, f, V)"
    assert count.short(n_embd="V").formula.signature.names == ["V", "h", "L", "f", "vocab_size"]
    with pytest.raises(ArgumentError, match="no symbol 'dim'"):
        count.short(dim="d")


def test_a_letter_is_given_once() -> None:
    both = derive(lambda dim, hidden_dim, k: nn.Linear(dim, hidden_dim * k))
    assert both.short().formula.signature.names == ["d", "f", "k"]
    taken = derive(lambda hidden_size, d: nn.Linear(hidden_size, d))
    assert taken.short() == taken


# --- domains in words -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gpt2", "n_embd is a multiple of n_head"),
        ("bert", "hidden_size is a multiple of num_attention_heads"),
        ("mixtral", "hidden_size is at least num_attention_heads"),
        ("resnet", "all positive integers"),
        ("qwen3", "head_dim is less than 5 or a multiple of 2"),
        (
            "llama",
            "hidden_size is a multiple of num_attention_heads; "
            "floor(hidden_size/num_attention_heads) is less than 5 or a multiple of 2",
        ),
        ("nn_conv2d", "each of in_channels and out_channels is a multiple of groups"),
        (
            "wav2vec2",
            "hidden_size is a multiple of 16 and num_attention_heads",
        ),
        (
            "mistral",
            "if hidden_size is at least 5*num_attention_heads, "
            "floor(hidden_size/num_attention_heads) is a multiple of 2, and otherwise "
            "hidden_size is at least num_attention_heads",
        ),
    ],
)
def test_domains_in_words(name: str, words: str) -> None:
    assert f"{ATLAS[name]:domain}" == words


def test_what_is_declared_is_said() -> None:
    size = Symbol(min=64, max=4096, multiple_of=64)
    count = derive(lambda d, n: nn.Linear(d, n), d=size, n=Symbol(min=0))
    words = "d is at least 64, d is at most 4096 and d is a multiple of 64"
    assert f"{count:domain}" == words


def test_bounds_beyond_all_sizes_are_left_out_where_sizes_are_seen() -> None:
    def factory(dim):
        return nn.Linear(dim, int(dim * 0.5))

    count = derive(factory)
    assert f"{count:domain}".startswith("dim is less than 9007199254740")
    words, shown = domain_words.domain(count.formula, sized=["dim"])
    assert (words, shown) == ("all positive integers", sympy.true)
    assert "9007199254740" in str(count.domain)  # which is what counts
    with_default = derive(lambda dim=64: nn.Linear(dim, int(dim * 0.5)))
    assert f"{with_default:domain}" == "all positive integers"
    assert "9007199254740" not in with_default._repr_html_()
    assert "9007199254740" not in with_default.export("markdown")
    assert not with_default.valid(2**60 + 1)


@pytest.mark.parametrize("name", list(ATLAS))
def test_the_shown_domain_is_the_domain_below_these_bounds(name: str) -> None:
    count = ATLAS[name]
    sized = count.formula.signature.names
    _, shown = domain_words.domain(count.formula, sized=sized)
    for factor in (1, 3, 7):
        point = {s: factor * (5 + place) for place, s in enumerate(count.symbols)}
        assert bool(shown.subs(point)) == bool(count.domain.subs(point))
