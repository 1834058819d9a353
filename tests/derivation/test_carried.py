"""Plain values that grow with a loop: explained, or an assumption that costs the grade."""

from __future__ import annotations

import array
import fnmatch
import functools
import gc
import itertools
import math
import operator
import queue
import sys
import threading
import types
from collections import Counter, OrderedDict, UserDict, UserList, deque
from datetime import timedelta
from fractions import Fraction

import pytest
import torch
from torch import nn

import symcount
from symcount.derivation import carried, seen
from symcount.factory.call import name_of
from tests.brute_force import disagreement, grid
from tests.slow import mostly_slow

KINDS = ["a"] * 70 + ["b"] * 100
WIDTHS = [3] * 50
# Numbers of iterations about which the factories below change.
LENGTHS = (1, 2, 5, 50, 51, 70, 71, 72, 80, 81, 100, 101, 102)


def numbered(items):
    """As `enumerate` does, which is followed, with a number that nobody sees."""
    number = 0
    for item in items:
        yield number, item
        number += 1  # noqa: SIM113


def layers(dim: int, n: int) -> list[nn.Module]:
    return [nn.Linear(dim, 3) for _ in range(n)]


# --- lists that a loop made ---------------------------------------------------------------------


def length_is_compared(dim, n):
    made = layers(dim, n)
    return nn.Sequential(*made, nn.Linear(3, 9 if len(made) > 70 else 3))


def length_of_range(dim, n):
    return nn.Linear(dim, 9 if len(range(n)) > 70 else 3)


def first_hundred(dim, n):
    return nn.ModuleList(layers(dim, n)[:100])


def last_hundred(dim, n):
    return nn.ModuleList(layers(dim, n)[-100:])


def module_list_is_cut(dim, n):
    return nn.ModuleList(layers(dim, n))[:80]


def slice_is_deleted(dim, n):
    made = layers(dim, n)
    del made[80:]
    return nn.ModuleList(made)


def slice_is_set(dim, n):
    made = layers(dim, n)
    made[70:71] = []
    return nn.ModuleList(made)


def element_is_missing(dim, n):
    made = layers(dim, n)
    try:
        width = made[70].out_features + 6
    except IndexError:
        width = 3
    return nn.Linear(dim, width)


def islice_of_range(dim, n):
    return nn.ModuleList(nn.Linear(dim, 3) for _ in itertools.islice(range(n), 100))


def zip_with_preset(dim, n):
    pairs = zip(WIDTHS, range(n))  # noqa: B905
    return nn.ModuleList(nn.Linear(dim, width) for width, _ in pairs)


def zip_with_kinds(dim, n):
    pairs = zip(range(n), KINDS)  # noqa: B905
    return nn.ModuleList(nn.Linear(dim, 3 if kind == "a" else 9) for _, kind in pairs)


def map_with_preset(dim, n):
    return nn.ModuleList(map(lambda width, _: nn.Linear(dim, width), WIDTHS, range(n)))


def deque_with_room_for_fifty(dim, n):
    return nn.ModuleList(deque(layers(dim, n), maxlen=50))


def appended_to_a_deque(dim, n):
    kept = deque(maxlen=50)
    for _ in range(n):
        kept.append(nn.Linear(dim, 3))
    return nn.ModuleList(kept)


def popped_of_a_dict(dim, n):
    made = {i: nn.Linear(dim, 3) for i in range(n)}
    made.pop(70, None)
    return nn.ModuleList(made.values())


def item_is_popped(dim, n):
    made = OrderedDict((str(i), nn.Linear(dim, 3)) for i in range(n))
    if len(made) > 99:
        made.popitem()
    return nn.ModuleDict(made)


def membership(dim, n):
    numbers = [number for number, _ in numbered(range(n))]
    return nn.Linear(dim, 9 if 70 in numbers else 3)


def names_in_common(dim, n):
    names = {f"layer{i}" for i in range(n)}
    return nn.Linear(dim, 3 + len(names & {"layer70", "layer80"}))


def names_that_are_all_there(dim, n):
    names = {f"layer{i}" for i in range(n)}
    return nn.Linear(dim, 9 if names.issuperset({"layer70"}) else 3)


def counted_in_a_list(dim, n):
    return nn.Linear(dim, 9 if ["a" for _ in range(n)].count("a") > 70 else 3)


def attribute_of_a_number(dim, n):
    made = nn.Sequential(*layers(dim, n))
    if hasattr(made, "70"):
        made.extra = nn.Linear(dim, 1)
    return made


# --- state that is carried ----------------------------------------------------------------------


def local_counter(dim, n):
    count, made = 0, nn.ModuleList()
    for _ in range(n):
        count = count + 1
        made.append(nn.Linear(dim, 3 if count < 71 else 9))
    return made


def counter_of_a_class(dim, n):
    class Layer(nn.Module):
        made = 0

        def __init__(self):
            super().__init__()
            Layer.made += 1
            self.layer = nn.Linear(dim, 9 if Layer.made > 80 else 3)

    return nn.ModuleList(Layer() for _ in range(n))


def counter_in_a_closure(dim, n):
    count = 0

    def make():
        nonlocal count
        count += 1
        return nn.Linear(dim, 9 if count == 80 else 3)

    return nn.ModuleList(make() for _ in range(n))


def counter_in_a_dict(dim, n):
    counts, made = Counter(), nn.ModuleList()
    for _ in range(n):
        counts["made"] += 1
        made.append(nn.Linear(dim, 3 if counts["made"] < 71 else 9))
    return made


def counter_of_itertools(dim, n):
    count = itertools.count()
    return nn.ModuleList(nn.Linear(dim, 9 if next(count) > 70 else 3) for _ in range(n))


def enumerated(dim, n):
    return nn.ModuleList(
        nn.Linear(dim, 9 if number == 70 else 3) for number, _ in numbered(range(n))
    )


def float_counter(dim, n):
    rate, made = 0.0, nn.ModuleList()
    for _ in range(n):
        rate += 0.01
        made.append(nn.Linear(dim, 9 if rate > 0.705 else 3))
    return made


def budget_of_parameters(dim, n):
    made, total = nn.ModuleList(), 0
    for _ in range(n):
        layer = nn.Linear(8, 8)
        total += sum(p.numel() for p in layer.parameters())
        made.append(layer if total < 5100 else nn.Linear(8, 1))
    return made


def budget_is_spent(dim, n):
    left, made = 100, nn.ModuleList()
    for _ in range(n):
        made.append(nn.Linear(dim, 3 if left else 9))
        left = left - 1 if left else 0
    return made


def flag(dim, n):
    seen, is_late, made = [], False, nn.ModuleList()
    for _ in range(n):
        seen.append(None)
        if len(seen) == 72:
            is_late = True
        made.append(nn.Linear(dim, 9 if is_late else 3))
    return made


def generator(dim, n):
    def widths():
        count = 0
        while True:
            yield 3 if count < 75 else 9
            count += 1

    width = widths()
    return nn.ModuleList(nn.Linear(dim, next(width)) for _ in range(n))


def iterator(dim, n):
    width = iter(WIDTHS)
    return nn.ModuleList(nn.Linear(dim, next(width, 7)) for _ in range(n))


def stack_of_widths(dim, n):
    widths = [5] * 30 + [3] * 70
    return nn.ModuleList(nn.Linear(dim, widths.pop()) for _ in range(min(n, 100)))


def shifted(dim, n):
    count, made = 0, nn.ModuleList()
    for _ in range(n):
        count = count + 1
        made.append(nn.Linear(dim, 3 + (count >> 6)))
    return made


def shared_by_remainder(dim, n):
    pool: dict[int, nn.Module] = {}
    return nn.ModuleList(
        pool.setdefault(number % 80, nn.Linear(dim, 3)) for number, _ in numbered(range(n))
    )


def operator_of_a_counter(dim, n):
    return nn.ModuleList(
        nn.Linear(dim, 3 + int(operator.gt(number, 70))) for number, _ in numbered(range(n))
    )


def width_that_saturates(dim, n):
    scale, made = 1.0, nn.ModuleList()
    for _ in range(n):
        made.append(nn.Linear(dim, int(8 * scale)))
        scale = min(scale * 1.001, 2.0)
    return made


def number_in_a_key(dim, n):
    special = {(45, 0), (46, 0)}
    return nn.ModuleList(nn.Linear(dim, 9 if (i, 0) in special else 3) for i in range(n))


def remembered(dim, n):
    @functools.cache
    def width(number):
        return 9 if number > 70 else 3

    return nn.ModuleList(nn.Linear(dim, width(number)) for number, _ in numbered(range(n)))


def text_that_grows(dim, n):
    text, made = "", nn.ModuleList()
    for _ in range(n):
        text += "x"
        made.append(nn.Linear(dim, 9 if len(text) > 80 else 3))
    return made


def rates_of_linspace(dim, n):
    rates = torch.linspace(0, 0.1, n, device="cpu").tolist()
    return nn.ModuleList(nn.Linear(dim, 9 if rates[i] > 0.0985 else 3) for i in range(n))


# --- texts --------------------------------------------------------------------------------------


def names_of_two_digits(dim, n):
    made = nn.Module()
    for i in range(n):
        made.add_module(f"l{i:03d}"[-2:], nn.Linear(dim, 3))
    return made


def names_that_end(dim, n):
    made = nn.Module()
    for i in range(n):
        made.add_module(f"l{min(i, 99)}", nn.Linear(dim, 3))
    return made


def text_is_compared(dim, n):
    return nn.ModuleList(nn.Linear(dim, 9 if f"{i}" == "70" else 3) for i in range(n))


def text_in_a_tuple(dim, n):
    return nn.ModuleList(
        nn.Linear(dim, 9 if f"layer{i}" in ("layer70", "layer71") else 3) for i in range(n)
    )


def text_that_ends(dim, n):
    return nn.ModuleList(nn.Linear(dim, 9 if f"l{i}".endswith("70") else 3) for i in range(n))


def number_of_a_text(dim, n):
    return nn.ModuleList(nn.Linear(dim, 9 if int(f"{i}") > 70 else 3) for i in range(n))


# --- what code that nobody reports is given -----------------------------------------------------


def length_of_a_padding(dim, n):
    return nn.Sequential(*layers(dim, n), nn.Linear(dim, len(torch.empty(n, 2).split(70))))


def tensor_of_the_length(dim, n):
    made = layers(dim, n)
    return nn.Linear(dim, int(torch.tensor(len(made), device="cpu").clamp(min=100)))


def larger_of_two_tensors(dim, n):
    made = layers(dim, n)
    length, least = torch.tensor(len(made), device="cpu"), torch.tensor(70, device="cpu")
    return nn.Linear(dim, int(torch.maximum(length, least)))


def tensor_of_numbers_is_compared(dim, n):
    made = layers(dim, n)
    late = int(torch.arange(len(made), device="cpu").ge(70).sum())
    return nn.ModuleList(made + layers(dim, late))


def bias_until_a_budget_is_spent(dim, n):
    left, made = 70, nn.ModuleList()
    for _ in range(n):
        made.append(nn.Linear(dim, 3, bias=left))
        left = left - 1
    return made


def range_from_a_hundred(dim, n):
    made = layers(dim, n)
    return nn.ModuleList(made + [nn.Linear(dim, 1) for _ in range(100, len(made))])


def range_down_to_seventy(dim, n):
    made = layers(dim, n)
    return nn.ModuleList(made + [nn.Linear(dim, 1) for _ in range(len(made), 70, -1)])


def range_in_steps(dim, n):
    made = layers(dim, n)
    return nn.ModuleList(made + [nn.Linear(dim, 1) for _ in range(0, len(made), 100)])


def range_of_what_is_left(dim, n):
    made = layers(dim, n)
    return nn.ModuleList(made + [nn.Linear(dim, 1) for _ in range(len(made) - 70)])


def list_of_what_is_left(dim, n):
    made = layers(dim, n)
    return nn.ModuleList(made + [nn.Linear(dim, w) for w in [5] * (len(made) - 100)])


def list_of_a_budget(dim, n):
    left, made = 70, nn.ModuleList()
    for _ in range(n):
        made.append(nn.Linear(dim, 3 if [0] * left else 5))
        left = left - 1
    return made


def repeated_for_what_is_left(dim, n):
    made = layers(dim, n)
    more = itertools.repeat(0, len(made) - 70)
    return nn.ModuleList(made + [nn.Linear(dim, 1) for _ in more])


def slice_in_a_variable(dim, n):
    keep = slice(None, 100)
    return nn.ModuleList(layers(dim, n)[keep])


def element_of_a_text(dim, n):
    kinds = "M" * 70 + "E" * 100
    return nn.ModuleList(
        nn.Linear(dim, 9 if kinds[number] == "E" else 3) for number, _ in numbered(range(n))
    )


def element_of_an_array(dim, n):
    widths = array.array("i", [3] * 70 + [5] * 200)
    return nn.ModuleList(nn.Linear(dim, widths[number]) for number, _ in numbered(range(n)))


def element_of_a_user_list(dim, n):
    widths = UserList([3] * 70 + [5] * 200)
    return nn.ModuleList(nn.Linear(dim, widths[number]) for number, _ in numbered(range(n)))


def element_of_a_view(dim, n):
    widths = types.MappingProxyType({number: 3 if number < 70 else 5 for number in range(300)})
    return nn.ModuleList(nn.Linear(dim, widths[number]) for number, _ in numbered(range(n)))


def membership_of_a_user_dict(dim, n):
    made = UserDict()
    for number, _ in numbered(range(n)):
        made[number] = 3
    return nn.Linear(dim, 9 if 70 in made else 3)


def deque_goes_round(dim, n):
    widths, made = deque([3] * 70 + [5]), nn.ModuleList()
    for _ in range(n):
        made.append(nn.Linear(dim, widths[0]))
        widths.rotate(-1)
    return made


def budget_of_fractions(dim, n):
    used, made = Fraction(0), nn.ModuleList()
    for _ in range(n):
        used += Fraction(1, 70)
        made.append(nn.Linear(dim, 5 if used > 1 else 3))
    return made


def budget_of_hours(dim, n):
    used, made = timedelta(0), nn.ModuleList()
    for _ in range(n):
        used += timedelta(hours=1)
        made.append(nn.Linear(dim, 5 if used.days >= 3 else 3))
    return made


def queue_is_full(dim, n):
    waiting, made = queue.Queue(70), nn.ModuleList()
    for _ in range(n):
        is_full = waiting.full()
        if not is_full:
            waiting.put_nowait(1)
        made.append(nn.Linear(dim, 5 if is_full else 3))
    return made


def semaphore(dim, n):
    free = threading.Semaphore(70)
    return nn.ModuleList(nn.Linear(dim, 3 if free.acquire(blocking=False) else 5) for _ in range(n))


def most_common_of_a_counter(dim, n):
    counts, made = Counter({"b": 70}), nn.ModuleList()
    for _ in range(n):
        counts["a"] += 1
        made.append(nn.Linear(dim, 3 if counts.most_common(1)[0][0] == "b" else 5))
    return made


def text_that_matches(dim, n):
    return nn.ModuleList(
        nn.Linear(dim, 5 if fnmatch.fnmatch(f"layer{i}", "layer7[0-9]") else 3) for i in range(n)
    )


def bytes_of_a_text(dim, n):
    return nn.ModuleList(nn.Linear(dim, 5 if f"{i}".encode() == b"70" else 3) for i in range(n))


def nested_key(dim, n):
    return nn.ModuleList(
        nn.Linear(dim, 5 if (((number, 0), 1), 2) == (((70, 0), 1), 2) else 3)
        for number, _ in numbered(range(n))
    )


def rounded_text(dim, n):
    return nn.ModuleList(
        nn.Linear(dim, 5 if f"{number / 130:.0f}" == "1" else 3) for number, _ in numbered(range(n))
    )


def rounded_index(dim, n):
    """It was `complete`: each index was taken to be another text."""
    return nn.ModuleList(
        nn.Linear(dim, 5 if f"{number / 130:.0f}" == "1" else 3) for number in range(n)
    )


def rounded_index_by_percent(dim, n):
    return nn.ModuleList(
        nn.Linear(dim, 5 if "%.0f" % (number / 130) == "1" else 3) for number in range(n)
    )


def whole_number(dim, n):
    return nn.ModuleList(
        nn.Linear(dim, 5 if ((number + 1) / 70).is_integer() else 3)
        for number, _ in numbered(range(n))
    )


def middle_of_three(dim, n):
    return nn.Linear(dim, sorted((70, len(layers(dim, n)), 100))[1])


def difference_of_sets(dim, n):
    numbers = {number for number, _ in numbered(range(n))}
    return nn.ModuleList([nn.Linear(dim, 3), *layers(dim, len(numbers.difference(range(70))))])


def stored_in_a_table(dim, n):
    table = {number: 3 for number in range(70)}
    for number, _ in numbered(range(n)):
        table[number] = 5
    return nn.ModuleList(nn.Linear(dim, width) for width in table.values())


def partial_of_an_operator(dim, n):
    is_late = functools.partial(operator.lt, 70)
    return nn.ModuleList(
        nn.Linear(dim, 5 if is_late(number) else 3) for number, _ in numbered(range(n))
    )


def sine_of_a_number(dim, n):
    return nn.ModuleList(
        nn.Linear(dim, 5 if math.sin(number / 25) >= 0 else 3) for number, _ in numbered(range(n))
    )


def rate_that_falls_again(dim, n):
    return nn.ModuleList(
        nn.Linear(dim, 5 if 0.5 + 0.01 * number * (70 - number) > 0 else 3)
        for number, _ in numbered(range(n))
    )


LATE = [
    length_is_compared, length_of_range, first_hundred, last_hundred, module_list_is_cut,
    slice_is_deleted, slice_is_set, element_is_missing, islice_of_range, zip_with_preset,
    zip_with_kinds, map_with_preset, deque_with_room_for_fifty, appended_to_a_deque,
    popped_of_a_dict, item_is_popped, membership, names_in_common, names_that_are_all_there,
    counted_in_a_list, attribute_of_a_number, local_counter, counter_of_a_class,
    counter_in_a_closure, counter_in_a_dict, counter_of_itertools, enumerated, float_counter,
    budget_of_parameters, budget_is_spent, flag, generator, iterator, stack_of_widths, shifted,
    shared_by_remainder, operator_of_a_counter, width_that_saturates, number_in_a_key, remembered,
    text_that_grows, rates_of_linspace, names_of_two_digits, names_that_end, text_is_compared,
    text_in_a_tuple, text_that_ends, number_of_a_text,
    length_of_a_padding, tensor_of_the_length, larger_of_two_tensors,
    tensor_of_numbers_is_compared, bias_until_a_budget_is_spent, range_from_a_hundred,
    range_down_to_seventy, range_in_steps, range_of_what_is_left, list_of_what_is_left,
    list_of_a_budget, repeated_for_what_is_left, slice_in_a_variable, element_of_a_text,
    element_of_an_array, element_of_a_user_list, element_of_a_view, membership_of_a_user_dict,
    deque_goes_round, budget_of_fractions, budget_of_hours, queue_is_full, semaphore,
    most_common_of_a_counter, text_that_matches, bytes_of_a_text, nested_key, rounded_index,
    rounded_index_by_percent, rounded_text,
    whole_number, middle_of_three, difference_of_sets, stored_in_a_table,
    partial_of_an_operator, sine_of_a_number, rate_that_falls_again,
]  # fmt: skip


@pytest.mark.parametrize("factory", mostly_slow(LATE, every=4, name=name_of))
def test_what_shows_late_is_neither_missed_nor_called_complete(factory) -> None:
    count = symcount.derive(factory, max_paths=4)
    assert count.certificate.grade != "complete"
    for length in LENGTHS:
        with torch.device("meta"):
            built = sum(p.numel() for p in factory(2, length).parameters())
        assert not count.valid(2, length) or count(2, length) == built


# --- what raises late ---------------------------------------------------------------------------


def rate_above_one(dim, n):
    rate, made = 0.0, nn.ModuleList()
    for _ in range(n):
        made.append(nn.Sequential(nn.Linear(dim, 3), nn.Dropout(rate)))
        rate = rate + 0.02
    return made


def padding_beyond_the_table(dim, n):
    made = layers(dim, n)
    return nn.Sequential(*made, nn.Embedding(100, 8, padding_idx=len(made)))


def heads_that_do_not_divide(dim, n):
    made = layers(dim, n)
    return nn.Sequential(*made, nn.MultiheadAttention(232792560, len(made)))


def _with_scale(scale):
    def factory(dim, n):
        left, made = 70, nn.ModuleList()
        for _ in range(n):
            made.append(nn.Linear(dim, 3))
            scale(left)
            left = left - 1
        return made

    return factory


RAISING = [
    rate_above_one, padding_beyond_the_table, heads_that_do_not_divide,
    *map(_with_scale, (
        lambda left: 1 / left,
        lambda left: 1 << left,
        lambda left: 10.0 ** (4 * (70 - left)),
        lambda left: math.sqrt(left),
        lambda left: math.exp(10 * (70 - left)),
        lambda left: bytearray([70 - left, 3 * (70 - left)]),
    )),
]  # fmt: skip


@pytest.mark.parametrize("factory", mostly_slow(RAISING, every=4, name=name_of))
def test_what_raises_late_is_not_called_complete(factory) -> None:
    assert symcount.derive(factory, max_paths=4).certificate.grade != "complete"


# --- what is explained --------------------------------------------------------------------------


def all_layers(dim, n):
    return nn.Sequential(*layers(dim, n))


def first_and_last(dim, n):
    made = layers(dim, n)
    return nn.ModuleDict({"all": nn.Sequential(*made), "first": made[0], "last": made[-1]})


def numbered_names(dim, n):
    made, number = nn.Sequential(), 0
    for _ in range(n):
        made.add_module(f"layer{number}", nn.Linear(dim, 3))
        number = number + 1
    return made


def asserted_length(dim, n):
    made = nn.ModuleList(layers(dim, n))
    if len(made) != n:
        raise ValueError("too few layers")
    return made


def rates_above_zero(dim, n):
    rates = torch.linspace(0, 0.1, n, device="cpu").tolist()
    return nn.ModuleList(
        nn.Sequential(nn.Linear(dim, 3), nn.Dropout(rates[i]) if rates[i] > 0 else nn.Identity())
        for i in range(n)
    )


def initialised_by_depth(dim, n):
    made = nn.Sequential(*layers(dim, n))
    for number, layer in enumerate(made):
        layer.weight.data.div_(math.sqrt(2.0 * (number + 1)))
    for name, parameter in made.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        elif parameter.dim() > 1:
            nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * len(made)))
    return made


def plain_table_beside(dim, n):
    table = {"a": 3, "b": 9}
    kinds = KINDS[:40]
    width = table[kinds[0]] if "a" in kinds and len(kinds) > 30 else 9
    width += 0 if hasattr(nn, "Conv1d") and not hasattr(nn.ReLU(), "fc1") else 1
    return nn.ModuleList(nn.Linear(dim, width) for _ in range(n))


def rates_of_dropout(dim, n):
    rates = torch.linspace(0, 0.1, n, device="cpu").tolist()
    return nn.ModuleList(
        nn.Sequential(nn.Linear(dim, 3), nn.Dropout(rates[i]), nn.Dropout(0.2 * i / max(n - 1, 1)))
        for i in range(n)
    )


def dilations(dim, n):
    dilation, made = 1, nn.ModuleList()
    for _ in range(n):
        made.append(nn.Conv1d(dim, dim, 3, dilation=dilation, padding=dilation))
        dilation = dilation * 2
    return made


EXPLAINED = [
    all_layers, first_and_last, numbered_names, asserted_length,
    rates_above_zero, initialised_by_depth, plain_table_beside,
    rates_of_dropout, dilations,
]  # fmt: skip


@pytest.mark.parametrize("factory", mostly_slow(EXPLAINED, every=4, name=name_of))
def test_what_decides_nothing_late_costs_no_grade(factory) -> None:
    count = symcount.derive(factory)
    assert count.certificate.grade == "complete", list(map(str, count.certificate.concretisations))
    for point in grid({"dim": [2, 5], "n": [1, 2, 3, 9, 101]}):
        assert disagreement(count, factory, point) is None


def test_an_assumption_names_its_line_and_the_symbol() -> None:
    def factory(dim, n):
        count, made = 0, nn.ModuleList()
        for _ in range(n):
            count = count + 1
            made.append(nn.Linear(dim, 3 if count < 5000 else 9))
        return made

    certificate = symcount.derive(factory).certificate
    (assumed,) = certificate.concretisations[-1:]
    assert (certificate.grade, assumed.kind, assumed.symbols) == ("checked", seen.STATE, ("n",))
    assert assumed.source.line == factory.__code__.co_firstlineno + 4


def test_code_is_as_it_was() -> None:
    before = local_counter.__code__
    symcount.derive(local_counter, max_paths=2)
    assert local_counter.__code__ is before
    assert sys.getprofile() is None


def test_code_of_which_there_is_no_source_is_an_assumption() -> None:
    names: dict[str, object] = {"nn": nn}
    exec(  # it is kept nowhere
        "def factory(dim, n):\n"
        "    made = [nn.Linear(dim, 3) for _ in range(n)]\n"
        "    return nn.Sequential(*made[:5000])\n",
        names,
    )
    certificate = symcount.derive(names["factory"]).certificate
    assert certificate.grade == "checked"
    assert carried.UNREAD in {assumed.kind for assumed in certificate.concretisations}


@pytest.mark.slow
def test_what_the_garbage_collector_calls_is_no_part_of_a_factory() -> None:
    calls = []

    def collecting(phase, info):
        calls.append(phase)
        if len(calls) % 2 and len(calls) > 4:
            calls[-1] = "odd"

    def factory(dim, n):
        made = []
        for _ in range(n):
            gc.collect(0)
            made.append(nn.Linear(dim, 3))
        return nn.Sequential(*made)

    gc.callbacks.append(collecting)
    try:
        certificate = symcount.derive(factory).certificate
    finally:
        gc.callbacks.remove(collecting)
    assert calls
    assert (certificate.grade, certificate.assumptions) == ("complete", ())


def test_lists_that_are_gone_through_together_may_hold_what_grows() -> None:
    def factory(dim, a, b):
        sizes = [[3] * a, [5] * b]
        return nn.Sequential(
            *(nn.Linear(dim, w) for _, row in zip("ab", sizes, strict=True) for w in row)
        )

    kinds = {assumed.kind for assumed in symcount.derive(factory).certificate.assumptions}
    assert kinds == {"what sets the first or last iteration of a loop apart"}


def test_a_list_that_grows_is_gone_through_by_an_iterator() -> None:
    def factory(dim, n):
        rest = iter(layers(dim, n))
        return nn.Sequential(*(layer for layer, _ in zip(rest, [0] * 5000, strict=False)))

    certificate = symcount.derive(factory).certificate
    assert certificate.grade == "checked"
    assert seen.LENGTH in {assumed.kind for assumed in certificate.assumptions}


def test_an_element_is_read_at_an_index_that_turns_at_some_length() -> None:
    def factory(n):
        widths = [3 + i for i in range(n)]
        return nn.ModuleList(nn.Linear(widths[max(i, n - 70)], 1) for i in range(n))

    def built(n: int) -> int:
        return sum(4 + max(i, n - 70) for i in range(n))

    count = symcount.derive(factory)
    assert count.certificate.grade == "partial"
    assert all(count(n=n) == built(n) for n in range(1, 1000) if count.valid(n=n))


class Stack(nn.Sequential):
    def __init__(self, *layers):
        super().__init__(*layers)  # of a module that has no `_modules` yet


def test_a_module_that_is_not_made_yet_is_no_reason_to_see_nothing() -> None:
    def factory(dim, n):
        made = layers(dim, n)
        if sys.getsizeof(made) > sys.getsizeof([None] * 5000):
            made.pop()
        return Stack(*made)

    certificate = symcount.derive(factory).certificate
    assert certificate.grade == "checked"
    assert seen.LENGTH in {assumed.kind for assumed in certificate.assumptions}


def test_a_loop_that_cannot_be_observed_is_an_assumption(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError("no reports")

    monkeypatch.setattr("symcount.trace.observing.Observer.report", refused)

    def factory(dim, n):
        return nn.Sequential(*[nn.Linear(dim, 3) for i in range(n) if i >= 0])

    certificate = symcount.derive(factory).certificate
    assert certificate.grade == "checked"
    assert {assumed.kind for assumed in certificate.assumptions} == {carried.UNSEEN}


# --- kinds of iterations that come seldom --------------------------------------------------------


def counted_beside_five_kinds(dim, n):
    layers, made = [], 0
    for i in range(n):
        if i % 5 == 0:
            kind = "a"
        elif i % 5 == 1:
            kind = "b"
        elif i % 5 == 2:
            kind = "c"
        elif i % 5 == 3:
            kind = "d"
        else:
            kind = "e"
        made += len(kind)
        layers.append(nn.Linear(dim, 9 if made > 700 else 3))
    return nn.ModuleList(layers)


def counted_beside_five_elements(dim, n):
    kinds = [
        "a" if i % 5 == 0
        else "b" if i % 5 == 1
        else "c" if i % 5 == 2
        else "d" if i % 5 == 3
        else "e"
        for i in range(n)
    ]  # fmt: skip
    layers, made = [], 0
    for i in range(n):
        made += len(kinds[i])
        layers.append(nn.Linear(dim, 9 if made > 700 else 3))
    return nn.ModuleList(layers)


def counted_every_fiftieth(dim, n):
    layers, made = [], 0
    for i in range(n):
        if i % 50 == 0:
            made += 50
        layers.append(nn.Linear(dim, 9 if made > 700 else 3))
    return nn.ModuleList(layers)


def counted_every_three_hundredth(dim, n):
    layers, made = [], 0
    for i in range(n):
        if i % 300 == 0:
            made += 300
        layers.append(nn.Linear(dim, 9 if made > 700 else 3))
    return nn.ModuleList(layers)


@pytest.mark.parametrize(
    "factory",
    [counted_beside_five_kinds, counted_beside_five_elements, counted_every_fiftieth,
     counted_every_three_hundredth],
)  # fmt: skip
def test_each_kind_of_iteration_is_observed_twice(factory) -> None:
    assert symcount.derive(factory).certificate.grade != "complete"


def first_second_and_last_are_named(dim, n):
    layers = []
    for i in range(n):
        name = "first" if i == 0 else "second" if i == 1 else "last" if i == n - 1 else "one"
        layers.append(nn.Linear(dim, 3 if name == "last" else 4))
    return nn.ModuleList(layers)


def test_a_kind_that_comes_once_needs_no_second() -> None:
    assert symcount.derive(first_second_and_last_are_named).certificate.grade == "complete"
