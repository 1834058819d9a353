"""Plain values that move with a loop go nowhere where they may decide: else it costs the grade."""

# ruff: noqa: SIM113

from __future__ import annotations

import collections
import ctypes
import dataclasses
import datetime
import functools
import heapq
import ipaddress
import itertools
import operator
import types
from collections import OrderedDict
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import nn

import symcount
from symcount.factory.call import name_of
from tests.slow import mostly_slow

LATE = 5000


def by_width(width):
    """Return a factory of layers whose widths are those that a function has of a counter."""

    @functools.wraps(width)
    def factory(dim, n):
        made, layers = 0, nn.ModuleList()
        for _ in range(n):
            made += 1
            layers.append(nn.Linear(dim, width(made)))
        return layers

    del factory.__wrapped__
    return factory


def wide_if(is_wide):
    return 9 if is_wide else 3


# --- C code is asked about it -------------------------------------------------------------------


@by_width
def counted_in_a_fixed_list(made):
    return 3 + [LATE].count(made)


@by_width
def popped_off_a_fixed_table(made):
    return {LATE: 9}.pop(made, 3)


@by_width
def deleted_from_a_fixed_table(made):
    table = {LATE: 1}
    try:
        del table[made]
    except KeyError:
        return 3
    return 9


@by_width
def element_by_the_class(made):
    return list.__getitem__([3] * LATE + [9] * LATE, made)


@by_width
def text_by_the_class(made):
    return wide_if(str.endswith(f"of {made}", str(LATE)))


@by_width
def spread_over_a_call(made):
    return 3 + max(*(made, LATE)) - LATE


@by_width
def keywords_of_a_call(made):
    return 3 + round(**{"number": made / LATE})


@by_width
def least_of_a_generator(made):
    return 3 + max(each for each in (made, LATE)) - LATE


@by_width
def largest_of_a_heap(made):
    return 3 + heapq.nlargest(1, (each for each in (made, LATE)))[0] - LATE


@by_width
def place_in_a_fixed_row(made):
    return 3 + slice(made - LATE, None).indices(5)[0]


@by_width
def read_by_two_numbers(made):
    return int(np.array([[3]] * LATE + [[9]] * LATE)[made, 0])


@by_width
def stepped_over(made):
    return 3 + torch.arange(0, made, LATE, device="cpu").numel()


@by_width
def rounded_up_by_arange(made):
    return 3 + len(torch.arange(made / LATE, device="cpu"))


# --- keys that nothing grows to -----------------------------------------------------------------


def pair_is_a_key(dim, n):
    seen, made = {}, 0
    for _ in range(n):
        made += 1
        seen[made, 0] = 1
    return nn.Linear(dim, wide_if((LATE, 0) in seen))


def letters_are_a_key(dim, n):
    seen, text = set(), ""
    for _ in range(n):
        text += "a"
        seen.add(text)
    return nn.Linear(dim, wide_if("a" * LATE in seen))


def same_key_of_two_iterations(dim, n):
    made, layers = 0, {}
    for _ in range(n):
        made += 1
        layers[made * (LATE - made)] = nn.Linear(dim, 3)
    return nn.ModuleList(layers.values())


def same_key_in_pairs(dim, n):
    made, pairs = 0, [(LATE, nn.Linear(dim, 5))]
    for _ in range(n):
        made += 1
        pairs.append((made, nn.Linear(dim, 3)))
    return nn.ModuleList(dict(pairs).values())


def same_name_in_pairs(dim, n):
    made, pairs = 0, []
    for _ in range(n):
        made += 1
        pairs.append((f"layer{made}", nn.Linear(dim, 3)))
    return nn.Sequential(OrderedDict([*pairs, (f"layer{LATE}", nn.Linear(dim, 3))]))


def same_name_zipped(dim, n):
    made, names, layers = 0, [f"layer{LATE}"], [nn.Linear(dim, 5)]
    for _ in range(n):
        made += 1
        names.append(f"layer{made}")
        layers.append(nn.Linear(dim, 3))
    return nn.ModuleDict(dict(zip(names, layers, strict=True)))


def named(put):
    """Return a factory that puts layers where there is one of a late name."""

    @functools.wraps(put)
    def factory(dim, n):
        made, module = 0, nn.ModuleDict({f"layer{LATE}": nn.Linear(dim, 5)})
        for _ in range(n):
            made += 1
            put(module, f"layer{made}", nn.Linear(dim, 3))
        return module

    del factory.__wrapped__
    return factory


@named
def put_over_an_item(module, name, layer):
    module[name] = layer


@named
def put_over_an_attribute(module, name, layer):
    setattr(module, name, layer)


@named
def put_over_a_module(module, name, layer):
    module.add_module(name, layer)


@named
def updated_over_a_module(module, name, layer):
    module.update({name: layer})


@dataclasses.dataclass(frozen=True)
class Place:
    number: int


@by_width
def equal_objects(made):
    return 1 + len({Place(made), Place(LATE)})


# --- names --------------------------------------------------------------------------------------


def found_by_its_name(dim, n):
    made, layers = 0, nn.Module()
    for _ in range(n):
        made += 1
        layers.add_module(f"of{made}", nn.Linear(dim, 2))
    try:
        width = getattr(layers, f"of{LATE}").out_features
    except AttributeError:
        width = 3
    layers.last = nn.Linear(dim, width)
    return layers


def gotten_by_its_name(dim, n):
    made, layers = 0, nn.Module()
    for _ in range(n):
        made += 1
        layers.add_module(f"of{made}", nn.Linear(dim, 2))
    try:
        width = operator.attrgetter(f"of{LATE}")(layers).out_features
    except AttributeError:
        width = 3
    layers.last = nn.Linear(dim, width)
    return layers


@by_width
def keyword_of_that_name(made):
    def chosen(of_5000=3, **_):
        return of_5000

    return chosen(**{f"of_{made}": 9})


# --- letters ------------------------------------------------------------------------------------


@by_width
def letters_one_by_one(made):
    width = 0
    for _ in str(made):
        width += 1
    return width


@by_width
def letters_in_a_list(made):
    return len(list(str(made)))


@by_width
def letters_spread_out(made):
    return len([*str(made)])


@by_width
def letters_that_are_mapped(made):
    return len([*map(int, str(made))])


@by_width
def letters_that_are_zipped(made):
    return len(list(zip(str(made), itertools.count(), strict=False)))


@by_width
def letters_yielded(made):
    def letters(text):
        yield from text

    return sum(1 for _ in letters(str(made)))


@by_width
def written_in_another_base(made):
    return wide_if("%x" % (made,) == "1388")  # noqa: UP031


@by_width
def written_by_a_table(made):
    return len("{of:x}".format_map({"of": made}))


@by_width
def found_in_a_text(made):
    return wide_if(str(LATE) in f"of {made}")


@by_width
def run_as_code(made):
    return 3 + eval(f"{made} // {LATE}")


# --- kinds of numbers ---------------------------------------------------------------------------


@by_width
def complex_that_is_zero(made):
    return wide_if(complex(made - LATE))


@by_width
def fraction_in_lowest_terms(made):
    return (Fraction(1, LATE) * made).denominator // LATE + 3


@by_width
def days_of_hours(made):
    return 3 + (datetime.timedelta(hours=1) * made).days


@by_width
def address_in_a_net(made):
    net = ipaddress.ip_network("10.0.19.136/32")
    return wide_if(ipaddress.IPv4Address("10.0.0.0") + made in net)


@by_width
def one_object_for_small_numbers(made):
    one, other = made + 100, made + 100
    return 3 if one is other else 9


@by_width
def number_of_a_byte(made):
    number = ctypes.c_uint8(0)
    number.value = made
    return 3 + number.value


@by_width
def array_of_truths(made):
    truths = np.zeros(1, dtype=bool)
    truths[0] = made - LATE
    return 3 + int(truths[0])


@by_width
def too_much_for_a_byte(made):
    try:
        torch.tensor(made, dtype=torch.uint8, device="cpu")
    except RuntimeError:
        return 9
    return 3


@by_width
def whole_number_of_a_tensor(made):
    return 3 + int(torch.tensor(made / LATE, device="cpu").long().item())


class Counted:
    def __init__(self, number):
        self.number = number

    def __index__(self):
        return self.number


@by_width
def length_of_an_object(made):
    return 3 + len(range(0, Counted(made), LATE))


# --- what is answered ---------------------------------------------------------------------------


@by_width
def key_of_the_largest(made):
    return max((9, 3), key=lambda width: (made >= LATE) == (width == 9))


@by_width
def filtered_out(made):
    return 3 + len(list(filter(lambda each: each - LATE, [made])))


class Holds:
    def __init__(self, number):
        self.number = number

    def __contains__(self, _):
        return self.number - LATE

    def __gt__(self, _):
        return self.number - LATE


@by_width
def contains_something(made):
    return wide_if(0 in Holds(made))


@by_width
def is_above_something(made):
    return wide_if(Holds(made) > 0)


@by_width
def matched_by_an_attribute(made):
    match types.SimpleNamespace(number=Place(made)):
        case types.SimpleNamespace(number=Place(number=5000)):
            return 9
    return 3


@by_width
def matched_as_a_text(made):
    match f"of {made}":
        case "of 5000":
            return 9
    return 3


def counted_below_zero(dim, n):
    made, counts, layers = 0, collections.Counter(), nn.ModuleList()
    for _ in range(n):
        made += 1
        counts["of"] = made - LATE
        layers.append(nn.Linear(dim, 3 + len(+counts)))
    return layers


def those_that_fit(dim, n):
    made, kept, layers = 0, collections.deque(maxlen=LATE), nn.ModuleList()
    for _ in range(n):
        made += 1
        kept += [made]
        layers.append(nn.Linear(dim, 3 + kept[0] // 2))
    return layers


# --- lengths that change now and then -----------------------------------------------------------


def stages_of_many(dim):
    made = 0
    for _ in range(dim // 500):
        made += 1
    return nn.Linear(dim, wide_if(made > 3))


def blocks_of_many(dim):
    blocks = [nn.Linear(8, 8) for _ in range(dim // 500)]
    return nn.ModuleList(blocks[:3])


def steps_of_many(dim):
    return nn.Linear(dim, wide_if(len(range(0, dim, 7)) > 400))


MOVING = [
    counted_in_a_fixed_list, popped_off_a_fixed_table, deleted_from_a_fixed_table,
    element_by_the_class, text_by_the_class, spread_over_a_call, keywords_of_a_call,
    least_of_a_generator, largest_of_a_heap, place_in_a_fixed_row, read_by_two_numbers,
    stepped_over, rounded_up_by_arange, pair_is_a_key, letters_are_a_key,
    same_key_of_two_iterations, same_key_in_pairs, same_name_in_pairs, same_name_zipped,
    put_over_an_item, put_over_an_attribute, put_over_a_module, updated_over_a_module,
    equal_objects, found_by_its_name, gotten_by_its_name, keyword_of_that_name,
    letters_one_by_one, letters_in_a_list, letters_spread_out, letters_that_are_mapped,
    letters_that_are_zipped, letters_yielded, written_in_another_base, written_by_a_table,
    found_in_a_text, run_as_code, complex_that_is_zero, fraction_in_lowest_terms, days_of_hours,
    address_in_a_net, one_object_for_small_numbers, number_of_a_byte, array_of_truths,
    too_much_for_a_byte, whole_number_of_a_tensor, length_of_an_object, key_of_the_largest,
    filtered_out, contains_something, is_above_something, matched_by_an_attribute,
    matched_as_a_text, counted_below_zero, those_that_fit,
]  # fmt: skip


@pytest.mark.parametrize("factory", mostly_slow(MOVING, every=5, name=name_of))
def test_what_moves_with_a_loop_and_may_decide_costs_the_grade(factory) -> None:
    assert symcount.derive(factory).certificate.grade != "complete"


@pytest.mark.parametrize("factory", [stages_of_many, blocks_of_many, steps_of_many])
def test_what_depends_on_a_length_that_grows_slowly_is_seen(factory) -> None:
    derived = symcount.derive(factory)
    if derived.certificate.grade == "complete":
        for dim in (499, 500, 1999, 2000, 2793, 2800, 2801, 2807, 2808):
            assert derived(dim=dim) == sum(p.numel() for p in factory(dim).parameters())


# --- what may move ------------------------------------------------------------------------------


def names_by_a_counter(dim, n):
    made, layers = 0, nn.Module()
    for _ in range(n):
        made += 1
        layers.add_module(f"layer{made}", nn.Linear(dim, 3))
        setattr(layers, "norm%d" % made, nn.LayerNorm(dim))  # noqa: UP031
    return layers


def pairs_of_names(dim, n):
    made, pairs = 0, [("stem", nn.Linear(dim, 3))]
    for _ in range(n):
        made += 1
        pairs.append((f"layer{made}", nn.Linear(dim, 3)))
    return nn.Sequential(OrderedDict(pairs))


def names_that_are_zipped(dim, n):
    made, names, layers = 0, [], []
    for _ in range(n):
        made += 1
        names.append(f"layer{made}")
        layers.append(nn.Linear(dim, 3))
    return nn.ModuleDict(dict(zip(names, layers, strict=True)))


def names_of_a_generator(dim, n):
    return nn.ModuleDict(OrderedDict((f"layer{i}", nn.Linear(dim, 3)) for i in range(n)))


def rates(dim, n):
    rates = np.linspace(0, 0.1, n)
    return nn.ModuleList(nn.Sequential(nn.Linear(dim, 3), nn.Dropout(rates[i])) for i in range(n))


class Held(nn.Module):
    def __init__(self, dim, number, **options):
        super().__init__()
        self.number = number
        self.layer = nn.Linear(dim, options["width"])


def counters_that_are_held(dim, n):
    made, layers, options = 0, nn.ModuleList(), {"width": 3, "sizes": [3, 5]}
    for _ in range(n):
        made += 1
        layers.append(Held(dim, number=made, **options))
    return layers


def lists_that_grow(dim, n):
    widths, layers = [3], []
    for _ in range(n):
        widths.append(widths[-1])
        layers += [nn.Linear(dim, widths[-1]), nn.ReLU()]
    return nn.Sequential(*layers)


def config_with_lists(dim, n):
    config = types.SimpleNamespace(widths=[3, 5], kinds=["wide"] * 4, dim=dim)
    layers = nn.ModuleList()
    for i in range(n):
        width = config.widths[1] if "wide" in config.kinds else config.widths[0]
        layers.append(Held(config.dim, i, width=width))
    return layers


def generators(dim, n):
    return nn.Sequential(*(nn.Linear(dim, dim) for _ in range(n)))


MAY_MOVE = [
    names_by_a_counter, pairs_of_names, names_that_are_zipped, names_of_a_generator, rates,
    counters_that_are_held, lists_that_grow, config_with_lists, generators,
]  # fmt: skip


@pytest.mark.parametrize("factory", MAY_MOVE)
def test_what_moves_and_decides_nothing_costs_no_grade(factory) -> None:
    assert symcount.derive(factory).certificate.grade == "complete"
