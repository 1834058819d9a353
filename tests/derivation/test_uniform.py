"""Loops over lists that a loop over a symbol has left: `complete` if each element is alike."""

from __future__ import annotations

import io
import itertools
from collections import deque

import numpy as np
import pytest
import torch
from torch import nn

import symcount
from tests.brute_force import assert_exact

# Of so many elements the last is another; no module with as many is built by a derivation.
FAR = 700
TABLE = [0] * FAR + [1]


class Adapted(nn.Module):
    def __init__(self, base, rank):
        super().__init__()
        self.base = base
        self.down = nn.Linear(base.in_features, rank, bias=False)


class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.query = nn.Linear(dim, dim)


def repeated(dim, n):
    return nn.ModuleList([nn.Linear(dim, width) for width in [dim] * n])


def repeated_tuple(dim, n):
    return nn.ModuleList([nn.Linear(dim, width) for width in (dim, 2 * dim) * n])


def zipped(dim, n):
    return nn.ModuleList([nn.Linear(a, b) for a, b in zip([dim] * n, [3] * n, strict=True)])


def wrapped(dim, n):
    blocks = nn.ModuleList([Block(dim) for _ in range(n)])
    for block in blocks:
        block.query = Adapted(block.query, 2)
    return blocks


def wrapped_children(dim, n):
    blocks = nn.Sequential(*[Block(dim) for _ in range(n)])
    for _, block in blocks.named_children():
        block.query = Adapted(block.query, 2)
    return blocks


def given_back(dim, n):
    layers = nn.ModuleList([nn.Linear(dim, dim) for _ in range(n)])
    for layer in layers.modules():
        if isinstance(layer, nn.Linear):
            nn.init.ones_(torch.as_tensor(layer.weight))
    return layers


@pytest.mark.parametrize(
    "factory", [repeated, repeated_tuple, zipped, wrapped, wrapped_children, given_back]
)
def test_what_each_element_adds_is_complete(factory) -> None:
    count = assert_exact(factory, dim=(4, 7), n=(*range(1, 9), 40, 200))
    assert count.certificate.grade == "complete", count.certificate


def layers_with_extra(dim, n, is_extra):
    made = nn.ModuleList()
    for width in [dim] * n:
        made.append(nn.Linear(dim, width))
        if is_extra():
            made.append(nn.Linear(dim, 1))
    return made


def extra_by_iterator(dim, n):
    numbers = itertools.cycle(TABLE)
    return layers_with_extra(dim, n, lambda: next(numbers))


def extra_by_stored_iterator(dim, n):
    held = [iter(TABLE)]

    def is_extra():
        for number in held[0]:
            return number

    return layers_with_extra(dim, n, is_extra)


def extra_by_returned_iterator(dim, n):
    left = iter(TABLE)

    def numbers():
        return left

    def is_extra():
        for number in numbers():
            return number

    return layers_with_extra(dim, n, is_extra)


def extra_by_queue(dim, n):
    numbers = deque(TABLE)

    def is_extra():
        numbers.append(0)
        return numbers.popleft()

    return layers_with_extra(dim, n, is_extra)


def extra_by_unpacking(dim, n):
    numbers = list(TABLE) * 2

    def is_extra():
        nonlocal numbers
        first, *numbers = numbers
        return first

    return layers_with_extra(dim, n, is_extra)


def extra_by_spreading(dim, n):
    numbers = tuple(TABLE)

    def first_of(first=0, *rest):
        return first, rest

    def is_extra():
        nonlocal numbers
        first, numbers = first_of(*numbers)
        return first

    return layers_with_extra(dim, n, is_extra)


def extra_by_text(dim, n):
    text = io.StringIO("0" * FAR + "1")
    return layers_with_extra(dim, n, lambda: text.read(1) == "1")


def extra_by_name(dim, n):
    layers = nn.ModuleList([nn.Linear(dim, dim) for _ in range(n)])
    made = list(layers)
    for name, _ in layers.named_children():
        if len(name) < 4:
            made.append(nn.Linear(dim, 1))
    return nn.ModuleList(made)


def extra_by_combinations(dim, n):
    made = nn.ModuleList([nn.Linear(dim, width) for width in [dim] * n])
    for _ in itertools.combinations([dim] * n, FAR):
        made.append(nn.Linear(dim, 1))
        break
    return made


@pytest.mark.parametrize(
    "factory",
    [
        extra_by_iterator,
        extra_by_stored_iterator,
        extra_by_returned_iterator,
        extra_by_queue,
        extra_by_unpacking,
        extra_by_spreading,
        extra_by_text,
        extra_by_name,
        extra_by_combinations,
    ],
)
def test_what_may_differ_far_away_is_not_complete(factory) -> None:
    assert symcount.derive(factory, max_paths=4).certificate.grade != "complete"


def test_a_list_unpacked_in_a_loop_over_a_symbol_is_not_complete() -> None:
    def unpacked(dim, n):
        numbers, made = list(TABLE) * 2, nn.ModuleList()
        for _ in range(n):
            first, *numbers = numbers
            made.append(nn.Linear(dim, 2 if first else 3))
        return made

    assert symcount.derive(unpacked, max_paths=4).certificate.grade != "complete"


def by_index(dim, out, n):
    widths = [dim] + [3] * (n - 1) + [out]
    return nn.ModuleList([nn.Linear(widths[i], widths[i + 1]) for i in range(n)])


def first_apart(dim, out, n):
    widths = (out,) + (dim,) * n
    return nn.ModuleList([nn.Linear(widths[i], widths[i + 1]) for i in range(n)])


def from_a_table(dim, out, n):
    widths = (dim, 3, 3, 3, out)
    return nn.ModuleList([nn.Linear(widths[i], widths[i + 1]) for i in range(n)])


@pytest.mark.parametrize("factory", [by_index, first_apart])
def test_a_repetition_with_other_ends_is_read_at_an_index(factory) -> None:
    count = assert_exact(factory, dim=(5,), out=(2,), n=(1, 2, 3, 4, 5, 9, 40, 400))
    assert count.certificate.grade == "checked"
    assert count.certificate.paths <= 2


def test_a_table_that_looks_like_one_ends_where_it_ends() -> None:
    assert_exact(from_a_table, dim=(5,), out=(2,), n=range(1, 12))


class Attention(nn.Module):
    def __init__(self, dim, kind, window):
        super().__init__()
        self.window = window.get(kind) if kind == "sliding" else None
        self.kind = f"{kind}_attention"
        self.query = nn.Linear(dim, dim)


def kinds_of_layers(dim, n):
    kinds = ["sliding" if (i + 1) % 3 else "full" for i in range(n)]
    return nn.ModuleList([Attention(dim, kinds[i], {"sliding": 4}) for i in range(n)])


def kinds_turned_round(dim, n):
    kinds = ["sliding" if i < 2 else "full" for i in range(n)]
    return nn.ModuleList([Attention(dim, kinds[n - 1 - i], {"sliding": 4}) for i in range(n)])


def kinds_that_decide(dim, n):
    kinds = ["wide" if i % 4 == 3 else "narrow" for i in range(n)]
    return nn.ModuleList([nn.Linear(dim, 7 if kinds[i] == "wide" else 3) for i in range(n)])


@pytest.mark.parametrize("factory", [kinds_of_layers, kinds_turned_round, kinds_that_decide])
def test_what_an_element_decides_is_what_made_it(factory) -> None:
    count = assert_exact(factory, dim=(5,), n=(1, 2, 3, 4, 5, 9, 40, 400))
    assert count.certificate.grade == "complete"


def kinds_of_a_counter(dim, n):
    kinds, left = [], 70
    for _ in range(n):
        left -= 1
        kinds.append("sliding" if left > 0 else "full")
    return nn.ModuleList([nn.Linear(dim, 3 if kinds[i] == "sliding" else 7) for i in range(n)])


def test_kinds_that_nothing_explains_are_not_complete() -> None:
    try:
        count = symcount.derive(kinds_of_a_counter)
    except symcount.VerificationError:
        return
    assert count.certificate.grade != "complete"


def positions(dim, n):
    angles = np.array([[place / 100.0 for _ in range(4)] for place in range(n)])
    table = nn.Parameter(torch.empty(n, 4), requires_grad=False)
    table[:, 0:2] = torch.FloatTensor(np.sin(angles[:, 0::2]))
    return nn.ParameterList([table, nn.Parameter(torch.empty(dim))])


def test_an_elementwise_function_of_numpy_decides_nothing() -> None:
    count = assert_exact(positions, dim=(5,), n=(1, 2, 3, 4, 5, 9, 40, 400))
    assert count.certificate.grade == "complete"


THREES = [3] * (FAR // 17)
THREES_AND_EIGHTS = [*THREES, 8, 8, 8]


def table_with_ends(dim: int = 7, out: int = 2, n: int = 2):
    widths = THREES + [out] * 2
    return nn.ModuleList([nn.Linear(widths[i], widths[i + 1]) for i in range(n)])


def table_before_a_repetition(dim: int = 7, out: int = 2, n: int = 5):
    widths = THREES_AND_EIGHTS + [dim] * n
    return nn.ModuleList([nn.Linear(widths[n - 1 - i], widths[i]) for i in range(n)])


@pytest.mark.parametrize("factory", [table_with_ends, table_before_a_repetition])
def test_a_long_table_is_no_repetition_with_ends(factory) -> None:
    count = symcount.derive(factory, max_paths=8)
    for n in (1, 2, 5, 39, 40, 41, 42, 48, 80):
        try:
            said = count(dim=5, out=4, n=n)
        except symcount.DomainError:
            continue  # on a path that was not followed
        assert said == sum(p.numel() for p in factory(5, 4, n).parameters())


class Rates(nn.Module):
    """One rate for each layer, as many as a list has that is changed before."""

    def __init__(self, n, change):
        super().__init__()
        rates = [0.5] * n
        change(rates)
        self.register_buffer("rates", torch.tensor(rates))


def shortened(rates):
    if len(rates) > FAR:
        rates.pop()


def cut(rates):
    rates[FAR:] = []


def deleted_from(rates):
    del rates[FAR:]


def taken_one_by_one(rates):
    for place, _ in enumerate(rates[:]):
        if place >= FAR:
            rates.pop()


def test_a_tensor_of_a_repeated_list_is_as_long_as_the_symbol_says() -> None:
    count = symcount.derive(lambda n: Rates(n, lambda rates: None))
    assert str(count.buffers) == "n" and count.certificate.grade == "complete"
    pairs = symcount.derive(
        lambda n: nn.Embedding.from_pretrained(torch.tensor((0.5, 1.0) * n)[:, None])
    )
    assert str(pairs) == "2*n" and pairs.certificate.grade == "complete"


@pytest.mark.parametrize("change", [shortened, cut, deleted_from, taken_one_by_one])
def test_a_list_that_may_be_changed_far_away_is_not_complete(change) -> None:
    count = symcount.derive(lambda n: Rates(n, change), max_paths=3)
    assert count.certificate.grade != "complete"
