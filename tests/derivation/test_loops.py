"""Loops over a symbol: the formula to the letter, and the truth of it at small sizes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

import symcount
from symcount import Symbol
from symcount.algebra.poly import symbol
from symcount.derivation.joining import _alike_named
from symcount.formula.tree import Repeat, TensorSpec
from tests.brute_force import assert_exact, disagreement

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch's, of odd sizes

WIDTHS = (8, 13)
LENGTHS = range(1, 13)
# To this number of iterations loops are followed that are not folded.
FEW = 5


@dataclass(frozen=True)
class Case:
    factory: Callable[[int, int], nn.Module]
    expr: str
    domain: str
    grade: str


CASES: list[Case] = []
NOT_FOLDED: list[tuple[Callable[[int, int], nn.Module], str]] = []


def folded(expr, domain="True", grade="complete"):
    """Register a factory of a width and a length, and what its formula says."""

    def register(factory):
        CASES.append(Case(factory, expr, domain, grade))
        return factory

    return register


def not_folded(reason):
    """Register a factory whose loops are followed for each number of iterations, and why."""

    def register(factory):
        NOT_FOLDED.append((factory, reason))
        return factory

    return register


def linear(dim, out, bias=False):
    return nn.Linear(dim, out, bias=bias)


# --- how a loop is written ------------------------------------------------------------------------


@folded("dim**2*n + dim*n")
def for_statement(dim, n):
    layers = nn.ModuleList()
    for _ in range(n):
        layers.append(nn.Linear(dim, dim))
    return layers


@folded("dim**2*n + dim*n")
def comprehension(dim, n):
    return nn.Sequential(*[nn.Linear(dim, dim) for _ in range(n)])


@folded("dim**2*n + dim*n")
def generator(dim, n):
    return nn.ModuleList(nn.Linear(dim, dim) for _ in range(n))


@folded("dim**2*n + dim*n")
def mapped(dim, n):
    return nn.ModuleList(map(lambda _: nn.Linear(dim, dim), range(n)))


@folded("dim**2*n + dim*n**2/2 - dim*n/2")
def backwards(dim, n):
    return nn.ModuleList(linear(dim, dim + i) for i in reversed(range(n)))


@folded("dim*n**2/2 + dim*n/2")
def from_one(dim, n):
    return nn.ModuleList(linear(dim, i) for i in range(1, n + 1))


@folded("dim**2*ceiling(n/3)")
def with_step(dim, n):
    return nn.ModuleList(linear(dim, dim) for _ in range(0, n, 3))


@folded("dim*n**2/2 + dim*n/2")
def downwards(dim, n):
    return nn.ModuleList(linear(dim, i) for i in range(n, 0, -1))


@folded("dim**2*n - dim**2 + 3*dim")
def one_less(dim, n):
    return nn.Sequential(linear(3, dim), *[linear(dim, dim) for _ in range(n - 1)])


@folded("dim**2*Max(1, floor(n/2))")
def half_as_many(dim, n):
    return nn.ModuleList(linear(dim, dim) for _ in range(max(1, n // 2)))


@folded("2*dim**2*n")
def twice_as_many(dim, n):
    return nn.ModuleList(linear(dim, dim) for _ in range(2 * n))


@folded("dim**2*n + dim*n**2/2 - dim*n/2")
def enumerated(dim, n):
    return nn.ModuleList(linear(dim, dim + place) for place, _ in enumerate(range(n)))


@folded("3*dim*n**2/2 - dim*n/2")
def enumerated_from_one(dim, n):
    return nn.ModuleList(linear(dim, k + d) for k, d in enumerate(range(0, 2 * n, 2), start=1))


@folded("dim**2*n - dim**2 + 3*dim")
def enumerated_list(dim, n):
    layers = nn.ModuleList()
    for place, width in enumerate([dim] * n):
        layers.append(linear(dim, width if place < n - 1 else 3))
    return layers


@folded("dim**2*n + dim*n", grade="checked")
def counted_up(dim, n):
    layers, i = [], 0
    while i < n:
        layers.append(nn.Linear(dim, dim))
        i += 1
    return nn.Sequential(*layers)


@folded("dim**2*n", grade="checked")
def while_fewer(dim, n):
    layers = nn.ModuleList()
    while len(layers) < n:
        layers.append(linear(dim, dim))
    return layers


# --- what keeps the layers ------------------------------------------------------------------------


@folded("dim**2*n + dim*n")
def added_by_name(dim, n):
    stack = nn.Sequential()
    for i in range(n):
        stack.add_module(f"layer{i + 1}", nn.Linear(dim, dim))
    return stack


@folded("dim**2*n + dim*n")
def set_as_attributes(dim, n):
    module = nn.Module()
    for i in range(n):
        setattr(module, f"block_{i}", nn.Linear(dim, dim))
    return module


@folded("dim*n")
def parameter_list(dim, n):
    module = nn.Module()
    module.scales = nn.ParameterList([nn.Parameter(torch.ones(dim)) for _ in range(n)])
    return module


@folded("dim**2*n + dim*n")
def module_dict(dim, n):
    return nn.ModuleDict({f"block{i}": nn.Linear(dim, dim) for i in range(n)})


@folded("dim*n")
def buffers_of_layers(dim, n):
    module = nn.Module()
    for i in range(n):
        module.register_buffer(f"mask{i}", torch.zeros(dim, i + 1))
    module.out = linear(dim, n)
    return module


@folded("dim**2 + dim")
def one_block_again(dim, n):
    return nn.Sequential(*[nn.Linear(dim, dim)] * n)


@folded("dim**2 + dim")
def one_block_shared(dim, n):
    block = nn.Linear(dim, dim)
    return nn.ModuleList(block for _ in range(n))


@folded("dim**2*n + dim*n")
def copies(dim, n):
    block = nn.Linear(dim, dim)
    return nn.ModuleList([copy.deepcopy(block) for _ in range(n)])


@folded("dim**2*n + dim*n")
def frozen_layers(dim, n):
    layers = nn.ModuleList(nn.Linear(dim, dim) for _ in range(n))
    for layer in layers:
        layer.weight.requires_grad_(False)
    return layers


@folded("dim**2*n + dim*n + 2*dim")
def norm_and_layers(dim, n):
    return nn.ModuleDict({"norm": nn.BatchNorm1d(dim), "layers": comprehension(dim, n)})


# --- nested loops ---------------------------------------------------------------------------------


@folded("10*dim*n")
def nested(dim, n):
    return nn.ModuleList(nn.ModuleList(linear(dim, i + 1) for i in range(4)) for _ in range(n))


@folded("dim**2*n**2")
def square(dim, n):
    return nn.ModuleList(nn.ModuleList(linear(dim, dim) for _ in range(n)) for _ in range(n))


@folded("dim**2*n**2/2 - dim**2*n/2")
def triangle(dim, n):
    return nn.ModuleList(nn.ModuleList(linear(dim, dim) for _ in range(i)) for i in range(n))


@folded("dim**2*n**2/2 + dim**2*n/2")
def triangle_with_corner(dim, n):
    return nn.ModuleList(nn.ModuleList(linear(dim, dim) for _ in range(i + 1)) for i in range(n))


@folded("dim*n**4/8 - 5*dim*n**3/12 + 7*dim*n**2/8 - 7*dim*n/12")
def weighted_triangle(dim, n):
    return nn.ModuleList(nn.ModuleList(linear(dim, i * j + 1) for j in range(i)) for i in range(n))


@folded("dim**2*n - dim**2 + 3*dim", grade="checked")
def first_width_in_an_inner_loop(dim, n):
    layers, width = [], 3
    for _ in range(n):
        layers.append(nn.ModuleList(linear(width, 1) for _ in range(dim)))
        width = dim
    return nn.ModuleList(layers)


@folded("3*dim**2*n**2 - 3*dim**2*n*ceiling(n/2) + 2*dim*n*ceiling(n/2)")
def decided_around_an_inner_loop(dim, n):
    layers = []
    for i in range(n):
        width = 3 * dim if i % 2 else 2
        layers.append(nn.ModuleList(linear(dim, width) for _ in range(n)))
    return nn.ModuleList(layers)


@folded("3*dim**2*n + dim*n")
def two_loops(dim, n):
    return nn.ModuleList([*comprehension(dim, n), *[linear(dim, 2 * dim) for _ in range(n)]])


@folded("5*dim**2*n + 3*dim*n")
def in_a_function(dim, n):
    return nn.ModuleDict({"encoder": comprehension(dim, n), "decoder": comprehension(2 * dim, n)})


# --- conditions on the index ----------------------------------------------------------------------


@folded("dim**2*n + dim")
def last_has_a_bias(dim, n):
    return nn.ModuleList(nn.Linear(dim, dim, bias=i == n - 1) for i in range(n))


@folded("dim**2*n + dim")
def first_has_a_bias(dim, n):
    return nn.ModuleList(nn.Linear(dim, dim, bias=i == 0) for i in range(n))


@folded("dim**2*n + 2*dim*n - 2*dim")
def all_but_the_last(dim, n):
    layers = []
    for i in range(n):
        layers.append(linear(dim, dim))
        if i < n - 1:
            layers.append(nn.LayerNorm(dim))
    return nn.Sequential(*layers)


@folded("dim**2*n + 3*dim**2*Min(3, n)")
def first_three_are_wide(dim, n):
    return nn.ModuleList(linear(dim, 4 * dim if i < 3 else dim) for i in range(n))


@folded("2*dim**2*n - dim**2*ceiling(n/2)")
def second_half_is_wide(dim, n):
    return nn.ModuleList(linear(dim, 2 * dim if 2 * i >= n else dim) for i in range(n))


@folded("dim**2*n + dim**2*floor(n/6)")
def every_sixth(dim, n):
    return nn.ModuleList(linear(dim, dim if (i + 1) % 6 else 2 * dim) for i in range(n))


@folded("dim**2*n + dim*floor(n/2)")
def odd_ones(dim, n):
    return nn.ModuleList(nn.Linear(dim, dim, bias=i % 2 == 1) for i in range(n))


@folded("Piecewise((dim**2 + 7*dim, n >= 4), (dim**2, True))")
def fourth_only(dim, n):
    layers = nn.ModuleList()
    for i in range(n):
        if i == 3:
            layers.append(linear(dim, 7))
    layers.append(linear(dim, dim))
    return layers


@folded("dim**2*n - dim**2*ceiling(n/3)")
def skipped(dim, n):
    layers = nn.ModuleList()
    for i in range(n):
        if i % 3 == 0:
            continue
        layers.append(linear(dim, dim))
    return layers


@folded("4*dim**2*n + 4*dim**2*ceiling(n/2) - 4*dim**2")
def experts_in_some_layers(dim, n):
    layers = nn.ModuleList()
    for i in range(n):
        if i >= 2 and i % 2 == 0:
            layers.append(nn.ModuleList(linear(dim, dim) for _ in range(8)))
        else:
            layers.append(linear(dim, 4 * dim))
    return layers


# --- sizes that depend on the index ---------------------------------------------------------------


@folded("dim**2*n**2/2 + dim**2*n/2")
def widening(dim, n):
    return nn.ModuleList(linear(dim * (i + 1), dim) for i in range(n))


@folded("2*4**n*dim**2/3 - 2*dim**2/3")
def doubling(dim, n):
    return nn.Sequential(*[linear(dim * 2**i, dim * 2 ** (i + 1)) for i in range(n)])


@folded("2**Min(3, n)*dim**2 + 8*dim**2*n - 8*dim**2*Min(3, n) - dim**2")
def doubling_to_a_limit(dim, n):
    return nn.ModuleList(linear(min(2**i, 8) * dim, dim) for i in range(n))


@folded("dim*ceiling(n/2)**2/2 + dim*ceiling(n/2)/2 + dim*floor(n/2)**2/2 + dim*floor(n/2)/2")
def stepwise(dim, n):
    return nn.ModuleList(linear(dim, 1 + i // 2) for i in range(n))


@folded("dim*n**3/3 - dim*n**2/2 + 7*dim*n/6")
def squares(dim, n):
    return nn.ModuleList(linear(dim, i * i + 1) for i in range(n))


@folded("12*dim*n + 72*n**2 - 72*n")
def dense_growth(dim, n):
    return nn.ModuleList(linear(dim + 12 * i, 12) for i in range(n))


# --- what iterations leave to each other ----------------------------------------------------------


@folded("dim**2*n - dim**2 + 3*dim", grade="checked")
def carried_channels(dim, n):
    layers, channels = [], 3
    for _ in range(n):
        layers.append(linear(channels, dim))
        channels = dim
    return nn.Sequential(*layers)


@folded("dim**2*n**2/2 + dim**2*n/2")
def list_of_widths(dim, n):
    widths = [dim * (i + 1) for i in range(n)]
    return nn.ModuleList(linear(dim, width) for width in widths)


@folded("dim**2*n + dim**2*floor(n/4)")
def list_of_kinds(dim, n):
    kinds = ["wide" if i % 4 == 3 else "narrow" for i in range(n)]
    return nn.ModuleList(linear(dim, 2 * dim if kinds[i] == "wide" else dim) for i in range(n))


@folded("8*dim**2*n + 8*dim*n")
def recurrent(dim, n):
    return nn.LSTM(dim, dim, n)


@folded("72*dim**2*n - 36*dim**2 + 24*dim*n")
def recurrent_both_ways(dim, n):
    return nn.GRU(dim, 2 * dim, num_layers=n, bidirectional=True)


@folded("72*dim**2*n + 37*dim*n")
def encoder(dim, n):
    layer = nn.TransformerEncoderLayer(4 * dim, 4, dim)
    return nn.TransformerEncoder(layer, n, enable_nested_tensor=False)


@folded("2*dim**2*n + 10*dim**2")
def tuple_of_depths(dim, n):
    stages = []
    for stage, depth in enumerate((2, n, 2)):
        stages.append(nn.Sequential(*[linear(dim * 2**stage, dim) for _ in range(depth)]))
    return nn.Sequential(*stages)


@folded("dim**2*n + dim*n", domain="n < 7")
def longest_chain(dim, n):
    if n > 6:
        raise ValueError("at most 6")
    return comprehension(dim, n)


@folded("dim**2*n", domain="Eq(Mod(dim, 4), 0)")
def too_narrow(dim, n):
    layers = nn.ModuleList()
    for _ in range(n):
        if dim % 4:
            raise ValueError("dim must be a multiple of 4")
        layers.append(linear(dim, dim))
    return layers


@folded("dim**2*n + dim*n")
def drop_rates(dim, n):
    module = nn.Module()
    module.rates = [r.item() for r in torch.linspace(0, 0.1, n, device="cpu")]
    module.layers = comprehension(dim, n)
    return module


@folded("dim**2*n - dim**2*floor(n/2) + dim*n + 2*dim*floor(n/2) + 3*floor(n/2)")
def among_the_numbers_of_another(dim, n):
    """Which layers have experts, as Llama 4 says it."""
    chosen = list(range(1, n, 2))
    return nn.ModuleList(nn.Linear(dim, 3 if i in chosen else dim) for i in range(n))


@folded("Piecewise((dim + 1, (dim < 2) | (dim >= Max(0, n - 2) + 2)), (3*dim + 3, True))")
def size_among_the_numbers_of_a_loop(dim, n):
    chosen = list(range(2, n))
    return nn.Linear(dim, 3 if dim in chosen else 1)


@folded(
    "Piecewise((dim**2*n - 3*dim**2 + 9*dim, n >= 24), (dim**2*n - 2*dim**2 + 6*dim, n >= 16), "
    "(dim**2*n - dim**2 + 3*dim, n >= 8), (dim**2*n, True))"
)
def late_iterations(dim, n):
    """Some kinds of iterations are seen only if there are more of them than a run goes through."""
    return nn.ModuleList(linear(dim, 3 if i in (7, 15, 23) else dim) for i in range(n))


# --- what is not folded ---------------------------------------------------------------------------


@folded("dim**2*Min(6, n) + 2*dim*n - 2*dim*Min(6, n)", "n < 9007199254740993")
def half_of_an_index(dim, n):
    return nn.ModuleList(linear(dim, 2 if int(i * 0.5) > 2 else dim) for i in range(n))


@not_folded("a loop is left before its end")
def left_early(dim, n):
    layers = nn.ModuleList()
    for i in range(n):
        if i * i > dim:
            break
        layers.append(linear(dim, dim))
    return layers


@not_folded("the factory raises in some iterations of a loop")
def raises_at_an_index(dim, n):
    layers = nn.ModuleList()
    for i in range(n):
        if 4 * i >= dim:
            raise ValueError("too deep for its width")
        layers.append(linear(dim, dim))
    return layers


@not_folded("the index of a loop is used in another")
def among_numbers_that_were_changed(dim, n):
    chosen = list(range(1, n, 2))
    chosen[-1:] = []
    return nn.ModuleList(linear(dim, 3 if i in chosen else dim) for i in range(n))


@not_folded("the factory raises in some iterations of a loop")
def more_iterations_than_settings(dim, n):
    """Nothing is decided before it raises, which was taken for raising at all lengths."""
    kernels, layers = (3, 5, 7), nn.ModuleList()
    for i in range(n):
        layers.append(linear(dim, dim))
        layers.append(linear(dim, kernels[i]))
    return layers


@folded("dim**2", "n >= 5")
def list_that_is_empty_at_first(dim, n):
    """The first run has four iterations, and raised: that was taken for raising at all lengths."""
    return linear(([2, dim] * (n // 5))[-1], dim)


@not_folded("what is made outside of its loops depends on how long they are")
def length_of_a_dict(dim, n):
    labels = {i: f"label {i}" for i in range(n)}
    return linear(dim, len(labels))


@not_folded("what is made outside of its loops depends on how long they are")
def width_that_grows_past_its_loop(dim, n):
    layers, width = [], dim
    for _ in range(n):
        layers.append(linear(width, 12))
        width += 12
    return nn.Sequential(*layers, linear(width, 10))


# --- plain numbers that count iterations ----------------------------------------------------------


def length_of_a_list(dim, n):
    layers = [linear(dim, dim) for _ in range(n)]
    if len(layers) > 20:
        layers.append(linear(dim, 1))
    return nn.ModuleList(layers)


def length_of_a_module_list(dim, n):
    layers = nn.ModuleList()
    for _ in range(n):
        layers.append(linear(dim, dim if len(layers) < 20 else 1))
    return layers


def counter(dim, n):
    layers, made = nn.ModuleList(), 0
    for _ in range(n):
        layers.append(linear(dim, dim if made < 20 else 1))
        made += 1  # noqa: SIM113
    return layers


def counter_of_enumerate(dim, n):
    return nn.ModuleList(linear(dim, dim if k < 20 else 1) for k, _ in enumerate(range(n)))


def first_layers(dim, n):
    return nn.ModuleList([linear(dim, dim) for _ in range(n)][:20])


def later_settings(dim, n):
    rates = [0.1 * i for i in range(n)]
    return nn.ModuleList([linear(dim, dim), *[linear(dim, 2 * dim) for _ in rates[20:]]])


def settings_but_two(dim, n):
    rates = [0.1 * i for i in range(n)]
    return nn.ModuleList(linear(dim, dim) for _ in rates[2:])


def names_of_layers(dim, n):
    module, narrow = nn.Module(), {"layer20", "layer21"}
    for i in range(n):
        setattr(module, f"layer{i}", linear(dim, 1 if f"layer{i}" in narrow else dim))
    return module


def while_in_steps(dim, n):
    layers, width = nn.ModuleList(), 8
    while width < n:
        layers.append(linear(dim, width))
        width += 8
    return layers


def while_doubling(dim, n):
    layers, width = nn.ModuleList(), 1
    while width < n:
        layers.append(linear(dim, width))
        width *= 2
    return layers


def index_in_a_set(dim, n):
    return nn.ModuleList(linear(dim, 1 if i in {20, 30} else dim) for i in range(n))


def index_after_the_loop(dim, n):
    last = 0
    for i in range(n):
        last = i
    return linear(dim, dim if last < 20 else 1)


COUNTING = (
    length_of_a_list,
    length_of_a_module_list,
    counter,
    counter_of_enumerate,
    first_layers,
    later_settings,
    settings_but_two,
    names_of_layers,
    while_in_steps,
    while_doubling,
    index_in_a_set,
    index_after_the_loop,
)

# --- the tests ------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.factory.__name__)
def test_loop_is_summed_in_closed_form(case: Case) -> None:
    count = assert_exact(case.factory, dim=WIDTHS, n=LENGTHS)
    assert str(count) == case.expr
    assert str(count.domain) == case.domain
    assert count.certificate.grade == case.grade


@pytest.mark.parametrize(
    ("factory", "reason"), NOT_FOLDED, ids=lambda value: getattr(value, "__name__", "")
)
def test_other_loops_are_followed_for_each_number_of_iterations(
    factory: Callable[[int, int], nn.Module], reason: str
) -> None:
    declared = {"n": Symbol(max=FEW)}
    count = assert_exact(factory, declared=declared, dim=WIDTHS, n=range(1, FEW + 1))
    assert count.certificate.grade == "complete"
    assert f"Loops were followed for each number of iterations, since {reason}" in str(
        count.certificate
    )


@pytest.mark.parametrize("factory", COUNTING, ids=lambda factory: factory.__name__)
def test_a_count_of_iterations_is_followed_or_outside_of_the_domain(
    factory: Callable[[int, int], nn.Module],
) -> None:
    count = symcount.derive(factory, dim=8)
    for n in (*LENGTHS, 16, 17, 20, 21, 22, 25, 40):
        if count.valid(n):
            assert disagreement(count, factory, {"n": n}, dim=8) is None


def test_there_are_enough() -> None:
    assert len(CASES) + len(NOT_FOLDED) >= 60


def test_depth_that_no_module_could_be_built_with() -> None:
    count = symcount.derive(comprehension)
    assert count(dim=10**9, n=10**30) == (10**18 + 10**9) * 10**30


def test_a_breakdown_shows_repeated_layers_once() -> None:
    def model(dim, n):
        block = [nn.Sequential(nn.Linear(dim, dim), nn.LayerNorm(dim)) for _ in range(n)]
        return nn.Sequential(nn.Linear(3, dim), nn.ModuleList(block))

    breakdown = symcount.derive(model).breakdown()
    assert list(breakdown.modules) == [
        "", "0", "1", "1.{0..n-1}", "1.{0..n-1}.0", "1.{0..n-1}.1"
    ]  # fmt: skip
    assert str(breakdown.modules["1.{0..n-1}.1"]) == "2*dim*n"
    assert "      {0..n-1}: dim**2*n + 3*dim*n\n" not in str(breakdown)
    assert "    {0..n-1}: dim**2*n + 3*dim*n\n" in str(breakdown)


def test_loops_that_go_along_with_each_other() -> None:
    def factory(dim, n):
        pairs = zip(range(n), range(1, n + 1), strict=False)
        return nn.ModuleList([linear(dim + i, j) for i, j in pairs])

    count = assert_exact(factory, dim=WIDTHS, n=LENGTHS)
    assert str(count) == "dim*n**2/2 + dim*n/2 + n**3/3 - n/3"
    assert count.certificate.grade == "complete"


def test_kinds_of_layers_that_no_short_run_meets_together() -> None:
    def factory(dim, n):
        wide = [i % 4 == 3 for i in range(n)]
        deep = [i % 6 == 5 for i in range(n)]
        sizes = {(False, False): 1, (True, False): 2, (False, True): 3, (True, True): 7}
        return nn.ModuleList([linear(dim, sizes[wide[i], deep[i]]) for i in range(n)])

    # what made the elements that an iteration reads is asked of it too
    count = assert_exact(factory, dim=(2, 5), n=range(1, 26))
    assert count.certificate.grade == "complete"


def test_first_iteration_apart_in_two_ways() -> None:
    # `j == 0` said that the index is less than one, and at least one, as other symbols are.
    def factory(dim, n):
        layers = []
        for j in range(n):
            first = j == 0
            width = dim if j > 0 else 2 * dim
            layers.append(linear(width, 1 if first else 3))
        return nn.ModuleList(layers)

    count = assert_exact(factory, dim=WIDTHS, n=LENGTHS)
    assert str(count) == "3*dim*n - dim"
    assert count.certificate.grade == "complete"


def test_rates_of_iterations_that_are_rounded() -> None:
    # Up to where the rates are exact was said of one iteration, by the name of its index.
    def factory(dim, n, m):
        rates = [0.5 * (i + n) / (n + m) for i in range(m)]
        if any(rate > 100 for rate in rates):
            raise ValueError("a rate above 100")
        return nn.ModuleList([linear(dim, dim) for i in range(m) if 0.25 * (i + n) < 2**60])

    count = symcount.derive(factory)
    assert "@" not in str(count.domain)
    assert_exact(factory, dim=(3,), n=(1, 4), m=LENGTHS)


def test_a_list_of_numpy_is_as_long_as_a_loop() -> None:
    def factory(dim, n):
        rates = np.linspace(0, 0.1, n).tolist()
        return nn.ModuleList(
            [nn.Sequential(linear(dim, dim), nn.Dropout(rates[i])) for i in range(n)]
        )

    count = assert_exact(factory, dim=WIDTHS, n=LENGTHS)
    assert str(count) == "dim**2*n"
    assert count.certificate.grade == "complete"


def test_an_index_looked_up_in_a_set_with_a_symbol() -> None:
    def factory(dim, n):
        ends = {0, n - 1}
        return nn.ModuleList([linear(dim, dim if i in ends else 1) for i in range(n)])

    count = assert_exact(factory, dim=WIDTHS, n=range(2, 13))
    assert str(count(dim=8, n=100)) == str(2 * 64 + 98 * 8)


def test_a_slice_of_a_list_that_nobody_can_look_at() -> None:
    def factory(dim, n):
        kinds = ([1, 2] * 3)[:n]
        if n != len(kinds):
            raise ValueError("too few kinds")
        return nn.ModuleList([linear(dim, kind) for kind in kinds])

    count = assert_exact(factory, dim=WIDTHS, n=range(1, 9))
    assert count.certificate.grade in ("complete", "partial")


def test_sums_of_an_index_with_itself_an_iteration_ago() -> None:
    # The indices of two iterations have one name: their difference is not 0.
    def factory(dim, n):
        layers, last = [], -1
        for i in range(n):
            layers.append(linear(dim * (i - last), 1 if i - last > 0 else dim))
            last = i
        return nn.ModuleList(layers)

    assert_exact(factory, dim=WIDTHS, n=range(1, 9))


def test_a_loop_has_one_name_on_all_paths() -> None:
    """A path that was run with a single iteration does not tell the number in the names itself."""

    def stack(dim, n, vocabulary):
        if dim < 5:
            dim = dim + 0
        padding = 0 if vocabulary >= 2 else None
        embedding = nn.Embedding(vocabulary, dim, padding_idx=padding)
        layers = nn.ModuleList(nn.Linear(dim, dim, bias=False) for _ in range(n))
        return nn.ModuleDict({"embedding": embedding, "layers": layers})

    count = symcount.derive(stack)
    assert count.certificate.paths == 4
    parts = {name: str(part) for name, part in count.breakdown().parameters.items()}
    assert parts == {"embedding.weight": "dim*vocabulary", "layers.{0..n-1}.weight": "dim**2*n"}


def test_names_are_lent_only_to_what_the_same_loop_makes() -> None:
    n = symbol("n")
    loop, other = Repeat("i", n), Repeat("j", n)

    def named(*paths):
        weights = {
            path: (TensorSpec(name, (n,), "float32", 4, "parameter", True, None, "", (repeat,)),)
            for path, (name, repeat) in enumerate(paths)
        }
        return [weight.name for (weight,) in _alike_named(weights).values()]

    told, untold = "a.{0..n-1}.b", "a.{*}.b"
    assert named((told, loop), (untold, loop)) == [told, told]
    assert named((told, other), (untold, loop)) == [told, untold]
    assert named(("c.{0..n-1}.b", loop), (untold, loop)) == ["c.{0..n-1}.b", untold]
    shifted = "a.{1..n}.b"
    assert named((told, loop), (shifted, loop)) == [told, shifted]
    assert named((told, loop), (shifted, loop), (untold, loop)) == [told, shifted, untold]


def _first_of_each(n, m, d=8):
    return nn.ModuleList(nn.Linear(d, 2 * d if i % m == 0 else d, bias=False) for i in range(n))


def _last_of_each(n, m, d=8):
    layers = nn.ModuleList()
    for i in range(n):
        layers.append(nn.Linear(d, d, bias=False))
        if (i + 1) % m == 0:
            layers.append(nn.Linear(d, d + i, bias=False))
    return layers


def _but_the_first(n, m, d=8):
    return nn.ModuleList(
        nn.Linear(d, 1 if i > 0 and i % m == 0 else 2, bias=False) for i in range(n)
    )


def _stepping(n, m, d=8):
    return nn.ModuleList(nn.Linear(d, d, bias=False) for _ in range(0, n, m))


def _stepping_down(n, m, d=8):
    return nn.ModuleList(nn.Linear(d, i, bias=False) for i in range(n, 0, -m))


def _beside_the_steps(n, m, d=8):
    return nn.ModuleList(nn.Linear(d, 2) for i in range(n) if i not in range(0, n, m))


@pytest.mark.parametrize(
    ("factory", "expr"),
    [
        (_first_of_each, "64*n + 64*ceiling(n/m)"),
        (_last_of_each, None),
        (_but_the_first, None),
        (_stepping, "64*ceiling(n/m)"),
        (_stepping_down, None),
        (_beside_the_steps, "18*n - 18*ceiling(n/m)"),
    ],
)
def test_every_mth_iteration_where_m_is_a_symbol(factory, expr):
    count = symcount.derive(factory, d=8)
    assert expr in (None, str(count))
    assert str(count.domain) == "True"
    assert_exact(factory, n=(1, 2, 3, 7, 12, 13, 40), m=(1, 2, 3, 7, 12, 50), d=(3,))


def stochastic_depth(d=32, a=2, b=4, rate=0.1):
    rates = [x.item() for x in torch.linspace(0, rate, a + b)]
    stages, start = [], 0
    for depth in (a, b):
        part = rates[start : start + depth]
        stages.append(nn.ModuleList(dropped(d, part[i]) for i in range(depth)))
        start += depth
    return nn.ModuleList(stages)


def dropped(d, rate):
    return nn.Sequential(nn.Linear(d, d), nn.Dropout(rate) if rate > 0.0 else nn.Identity())


def test_rates_that_choose_what_has_no_parameters_are_no_assumption() -> None:
    """Swin: each stage has its slice of the rates. With all elements moved it was cut wrongly."""
    count = symcount.derive(stochastic_depth)
    assert count.certificate.grade == "complete"
    for a, b in [(2, 6), (1, 1), (40, 3)]:
        assert count(8, a, b) == (a + b) * 72


def test_rates_that_choose_a_width_are_an_assumption() -> None:
    def factory(d=8, a=2, b=6):
        rates = [x.item() for x in torch.linspace(0, 0.1, a + b)]
        part = rates[a : a + b]
        return nn.ModuleList(nn.Linear(d, d if part[i] > 0.05 else 1) for i in range(b))

    count = symcount.derive(factory)
    assert count.certificate.grade != "complete"
