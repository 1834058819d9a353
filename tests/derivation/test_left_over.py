"""Numbers that a loop over a symbol leaves, used after it: the last, the first, or all again."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from torch import nn

import symcount
from symcount import NondeterministicError
from tests.brute_force import assert_exact

LENGTHS = (*range(1, 9), 40)
WIDTHS = (4, 12)


def last_value(dim, n):
    width = dim
    for i in range(n):
        width = dim * (i + 1)
    return nn.Conv2d(width, 2, 1)


def value_of_no_iteration(dim, n):
    factor = 3
    for i in range(1, n):
        factor = min(2**i, 8)
    return nn.Conv2d(dim * factor, 2, 1)


def last_entry(dim, n):
    return nn.Conv2d(2, [dim * (i + 1) for i in range(n)][-1], 1)


def last_entry_by_length(dim, n):
    return nn.Linear(2, [dim * (i + 1) for i in range(n)][n - 1])


def last_entry_turned_round(dim, n):
    return nn.Linear(2, [dim * (i + 1) for i in range(n)][::-1][0])


def first_entry(dim, n):
    return nn.Conv2d(2, [dim * (i + 1) for i in range(n)][:1][0], 1)


def both_ends(dim, n):
    widths = [dim * (i + 1) for i in range(n)]
    return nn.Conv2d(widths[-1], widths[0], 1, groups=4)


def layers_and_head(dim, n):
    widths = [dim * (i + 1) for i in range(n)]
    return nn.ModuleList([*(nn.Conv2d(2, w, 1) for w in widths), nn.Linear(widths[-1], 2)])


def layers_turned_round(dim, n):
    widths = [dim * (i + 1) for i in range(n)]
    layers = [nn.Linear(2, width) for width in reversed(widths)]
    return nn.ModuleList([*layers, nn.Conv2d(2, widths[0], 1)])


def decides_by_the_last(dim, n):
    for i in range(n):
        width = dim * (i + 1)
    return nn.Linear(2, 2 if width > 40 else 3)


def of_nested_loops(dim, n):
    width = dim
    for i in range(n):
        for j in range(3):
            width = dim + i + j
    return nn.Conv2d(2, width, 1)


@pytest.mark.parametrize(
    "factory",
    [
        last_value,
        value_of_no_iteration,
        last_entry,
        last_entry_by_length,
        last_entry_turned_round,
        first_entry,
        both_ends,
        layers_and_head,
        layers_turned_round,
        decides_by_the_last,
        of_nested_loops,
    ],
    ids=lambda factory: factory.__name__,
)
def test_what_a_loop_leaves_is_followed(factory: Callable[[int, int], nn.Module]) -> None:
    count = assert_exact(factory, dim=WIDTHS, n=LENGTHS)
    assert count.certificate.grade == "checked"
    assert "Loops were followed for each number" not in str(count.certificate)


def test_a_list_that_may_be_empty_is_gone_through() -> None:
    def net(dim, n):
        widths = [dim // (i + 1) for i in range(2, n.bit_length())]
        return nn.ModuleList(nn.Linear(3, width) for width in widths)

    assert_exact(net, dim=(60, 100), n=(1, 2, 3, 4, 8, 100))


def test_a_middle_entry_is_not_taken_for_the_last() -> None:
    def net(dim, n=4):
        widths = [dim * (i + 1) for i in range(n)]
        return nn.Linear(2, widths[1])

    assert_exact(net, declared={"n": symcount.Symbol(min=2)}, dim=WIDTHS, n=range(2, 9))


def test_random_draws_and_loops_that_count() -> None:
    """It is run again as it was run: with loops as long, and settings that follow them."""

    def counted(k=4, size=10):
        random.random()
        n = 0
        for _ in range(k):
            for _ in range(size + 2):
                n += 1
        return nn.Linear(2, n)

    count = symcount.derive(counted, max_paths=8)
    assert count(k=4, size=1) == 36


def test_a_random_choice_of_what_is_read_is_refused() -> None:
    def drawn(n=4):
        widths = [2 for _ in range(n)]
        return nn.Linear(2, widths[n // 2] if random.random() > 0.9 else 2)

    with pytest.raises(NondeterministicError, match="another time"):
        symcount.derive(drawn)


def test_a_loop_that_is_too_long_with_an_iteration_more_is_observed_no_further() -> None:
    def long(n):
        return nn.ModuleList(nn.Linear(1, 1) for _ in range(250 * n))

    assert symcount.derive(long)(n=5) == 2500


# --- widths that grow ---------------------------------------------------------------------------


def dense_block(dim, n):
    layers, width = [], dim
    for _ in range(n):
        layers += [nn.BatchNorm2d(width), nn.Conv2d(width, 3, 1)]
        width += 3
    return nn.Sequential(*layers, nn.Linear(width, 2))


def rising_by_a_symbol(dim, n):
    layers, width = [], 1000
    for _ in range(n):
        layers.append(nn.Linear(width, 2))
        width = width + dim
    return nn.ModuleList(layers)


def width_of_a_while_loop(dim, n):
    width, i = dim, 0
    while i < n:
        width = width + dim
        i += 1
    return nn.Linear(2, width)


@pytest.mark.parametrize("factory", [dense_block, rising_by_a_symbol, width_of_a_while_loop])
def test_a_width_that_grows_by_equal_steps(factory: Callable[[int, int], nn.Module]) -> None:
    count = assert_exact(factory, dim=WIDTHS, n=LENGTHS)
    assert count.certificate.grade == "checked"


def doubled(dim, n):
    layers, width = [], dim
    for _ in range(n):
        layers.append(nn.Linear(width, 2 * width, bias=False))
        width = 2 * width
    return nn.Sequential(*layers, nn.Linear(width, 1, bias=False))


def tripled_and_one(dim, n):
    layers, width = [], dim
    for _ in range(n):
        layers.append(nn.Linear(2, width, bias=False))
        width = 3 * width + 1
    return nn.ModuleList(layers)


@pytest.mark.parametrize(
    ("factory", "expr"),
    [
        (doubled, "2**n*dim + 2*4**n*dim**2/3 - 2*dim**2/3"),
        (tripled_and_one, "3**n*dim + 3**n/2 - dim - n - 1/2"),
    ],
)
def test_a_width_that_is_multiplied(factory: Callable[[int, int], nn.Module], expr: str) -> None:
    count = assert_exact(factory, dim=WIDTHS, n=range(1, 13))
    assert str(count) == expr
    assert count.certificate.grade == "checked"


# --- loops of no iteration and of one -----------------------------------------------------------


def perceptron(dim, n):
    """As in DETR: only with one layer is it of other sizes."""
    hidden = [7] * (n - 1)
    return nn.ModuleList(nn.Linear(a, b) for a, b in zip([dim, *hidden], [*hidden, 3], strict=True))


def carried_width(dim, n):
    layers, width = [], dim
    for _ in range(n - 1):
        layers.append(nn.Linear(width, 7))
        width = 7
    return nn.ModuleList([*layers, nn.Linear(width, 3)])


@pytest.mark.parametrize("factory", [perceptron, carried_width])
def test_the_shortest_loops_are_told_apart(factory: Callable[[int, int], nn.Module]) -> None:
    count = assert_exact(factory, dim=WIDTHS, n=LENGTHS)
    assert count.certificate.grade == "checked"
