"""State that iterations leave behind without a comparison: it costs the grade all the same."""

# ruff: noqa: SIM113

from __future__ import annotations

import collections
import ctypes
import functools
import io
import itertools
import operator
import random
import types

import numpy as np
import pytest
from torch import nn

import symcount
from symcount.factory.call import name_of
from tests.slow import mostly_slow

LATE = 5000
WIDTHS = [3] * LATE + [9] * LATE
NUMBERED = types.SimpleNamespace(**{f"width_{LATE}": 9})


# --- arithmetic on what is held -----------------------------------------------------------------


def attribute_is_divided(dim, n):
    state, layers = types.SimpleNamespace(made=0, width=0), nn.ModuleList()
    for _ in range(n):
        state.made += 1
        state.width = state.made
        state.width //= LATE
        layers.append(nn.Linear(dim, 3 + state.width))
    return layers


def element_is_shifted(dim, n):
    made, layers = 0, nn.ModuleList()
    for _ in range(n):
        made += 1
        width = [made]
        width[0] >>= 12
        layers.append(nn.Linear(dim, 3 + width[0]))
    return layers


def float_is_full(dim, n):
    total, layers = 2.0**53 - LATE, nn.ModuleList()
    for _ in range(n):
        before = total
        total += 1.0
        layers.append(nn.Linear(dim, 3 + int(total - before)))
    return layers


def small_numbers_overflow(dim, n):
    total, layers = np.int16(2**15 - 1 - LATE), nn.ModuleList()
    for _ in range(n):
        before = int(total)
        with np.errstate(all="ignore"):
            total = total + np.int16(1)
        layers.append(nn.Linear(dim, 4 + before - int(total)))
    return layers


# --- equal keys are one -------------------------------------------------------------------------


def in_a_set(dim, n):
    made, layers = 0, nn.ModuleList()
    for _ in range(n):
        made += 1
        layers.append(nn.Linear(dim, 1 + len({made, LATE})))
    return layers


def in_a_set_of_a_list(dim, n):
    made, layers = 0, nn.ModuleList()
    for _ in range(n):
        made += 1
        layers.append(nn.Linear(dim, 1 + len(set([made, LATE]))))
    return layers


def in_a_dict(dim, n):
    made, layers = 0, nn.ModuleList()
    for _ in range(n):
        made += 1
        layers.append(nn.Linear(dim, 1 + len({made: 1, LATE: 2})))
    return layers


def united_dicts(dim, n):
    seen, known, layers = {}, dict.fromkeys(range(LATE)), nn.ModuleList()
    for _ in range(n):
        seen[len(seen)] = 1
        layers.append(nn.Linear(dim, 3 + len(seen | known) - LATE))
    return layers


def unpacked_into_a_set(dim, n):
    seen, known, layers = set(), range(LATE), nn.ModuleList()
    for _ in range(n):
        seen.add(len(seen))
        layers.append(nn.Linear(dim, 3 + len({*seen, *known}) - LATE))
    return layers


def chained_maps(dim, n):
    seen, layers = {}, nn.ModuleList()
    chain = collections.ChainMap(seen, dict.fromkeys(range(LATE + 1), 3))
    for _ in range(n):
        seen[len(seen)] = 9
        layers.append(nn.Linear(dim, chain[LATE]))
    return layers


# --- C code is applied to it --------------------------------------------------------------------


def any_is_left(dim, n):
    left, layers = LATE, nn.ModuleList()
    for _ in range(n):
        left -= 1
        layers.append(nn.Linear(dim, 3 + any([left])))
    return layers


def truths_of_what_is_left(dim, n):
    left, layers = LATE, nn.ModuleList()
    for _ in range(n):
        left -= 1
        layers.append(nn.Linear(dim, 3 + all([left > 0, True])))
    return layers


def truths_of_a_table(dim, n):
    known, layers = [width == 3 for width in WIDTHS], nn.ModuleList()
    for _ in range(n):
        layers.append(nn.Linear(dim, 3 + all(known[: len(layers)])))
    return layers


def mapped(dim, n):
    made, layers = -1, nn.ModuleList()
    for _ in range(n):
        made += 1
        layers.append(nn.Linear(dim, [*map(WIDTHS.__getitem__, [made])][0]))  # noqa: RUF015
    return layers


def reduced(dim, n):
    made, layers = 0, nn.ModuleList()
    for _ in range(n):
        made += 1
        layers.append(nn.Linear(dim, 3 + functools.reduce(operator.floordiv, [made, LATE])))
    return layers


def accumulated(dim, n):
    made, layers = 0, nn.ModuleList()
    for _ in range(n):
        made += 1
        layers.append(nn.Linear(dim, list(itertools.accumulate([LATE, made], max))[-1] - LATE + 3))
    return layers


def partially_applied(dim, n):
    made, layers = 0, nn.ModuleList()
    for _ in range(n):
        made += 1
        layers.append(nn.Linear(dim, 3 + functools.partial(operator.lt, LATE, made)()))
    return layers


def attribute_by_number(dim, n):
    made, layers = 0, nn.ModuleList()
    for _ in range(n):
        made += 1
        layers.append(nn.Linear(dim, getattr(NUMBERED, f"width_{made}", 3)))
    return layers


# --- texts that are filled up -------------------------------------------------------------------


def justified(dim, n):
    text, layers = "", nn.ModuleList()
    for _ in range(n):
        text += "x"
        layers.append(nn.Linear(dim, len(text.ljust(LATE)) - LATE + 3))
    return layers


def formatted(dim, n):
    text, layers = "", nn.ModuleList()
    for _ in range(n):
        text += "x"
        layers.append(nn.Linear(dim, len(f"{text:5000}") - LATE + 3))
    return layers


def formatted_by_percent(dim, n):
    text, layers = "", nn.ModuleList()
    for _ in range(n):
        text += "x"
        layers.append(nn.Linear(dim, len("%5000s" % text) - LATE + 3))  # noqa: UP031
    return layers


def digits_are_counted(dim, n):
    made, layers = 0, nn.ModuleList()
    for _ in range(n):
        made += 1
        layers.append(nn.Linear(dim, len(f"{made:4d}")))
    return layers


def sign_of_a_number(dim, n):
    left, layers = LATE, nn.ModuleList()
    for _ in range(n):
        left = left - 1
        layers.append(nn.Linear(dim, 9 if "-" in f"{left}" else 3))
    return layers


def sign_that_is_lost(dim, n):
    left, layers = -LATE, nn.ModuleList()
    for _ in range(n):
        left = left + 1
        layers.append(nn.Linear(dim, 9 if ("x" + str(left)).startswith("x-") else 3))
    return layers


def sign_of_an_index(dim, n):
    return nn.ModuleList(
        [nn.Linear(dim, 9 if str(LATE - i).startswith("-") else 3) for i in range(n)]
    )


def exponent_of_a_float(dim, n):
    made, layers = 0, nn.ModuleList()
    for _ in range(n):
        made = made + 1
        layers.append(nn.Linear(dim, 9 if "e" in "{}".format(made * 1e12 + 0.5) else 3))  # noqa: UP032
    return layers


def sign_in_a_list(dim, n):
    left, layers = LATE, nn.ModuleList()
    for _ in range(n):
        left = left - 1
        layers.append(nn.Linear(dim, 9 if "-" in ",".join(map(str, [left])) else 3))
    return layers


def truth_by_a_type(dim, n):
    left, layers = LATE, nn.ModuleList()
    for _ in range(n):
        left = left - 1
        layers.append(nn.Linear(dim, 3 + [*map(bool, [left])][0]))  # noqa: RUF015
    return layers


def end_is_a_number(dim, n):
    layers = nn.ModuleList()
    for _ in range(n):
        name = f"layer.{len(layers)}"
        layers.append(nn.Linear(dim, 9 if name.endswith("5000") else 3))
    return layers


def start_meets_a_number(dim, n):
    layers = nn.ModuleList()
    for _ in range(n):
        name = f"layer{len(layers)}.norm"
        layers.append(nn.Linear(dim, 9 if name.startswith("layer5000") else 3))
    return layers


def end_is_longer(dim, n):
    layers = nn.ModuleList()
    for _ in range(n):
        name = f"{len(layers)}.norm1"
        layers.append(nn.Linear(dim, 9 if name.endswith("5000.norm1") else 3))
    return layers


# --- elements that move -------------------------------------------------------------------------


def put_in_front(dim, n):
    held, layers = [3] * (LATE // 2), nn.ModuleList()
    for _ in range(n):
        held.insert(0, 9)
        layers.append(nn.Linear(dim, held[LATE // 4]))
    return layers


def counted_from_the_end(dim, n):
    held, layers = [3] * (LATE // 2), nn.ModuleList()
    for _ in range(n):
        held.append(9)
        layers.append(nn.Linear(dim, held[-LATE // 4]))
    return layers


def turned(dim, n):
    held, layers = WIDTHS[LATE - 2000 : LATE + 2000], nn.ModuleList()
    for _ in range(n):
        held = held[1:] + held[:1]
        layers.append(nn.Linear(dim, held[0]))
    return layers


def turned_array(dim, n):
    held, layers = np.array(WIDTHS[LATE - 2000 : LATE + 2000]), nn.ModuleList()
    for _ in range(n):
        held = np.roll(held, -1)
        layers.append(nn.Linear(dim, int(held[0])))
    return layers


def linked(dim, n):
    node, layers = None, nn.ModuleList()
    for width in reversed(WIDTHS):
        node = {"width": width, "next": node}
    for _ in range(n):
        layers.append(nn.Linear(dim, node["width"]))
        node = node["next"]
    return layers


def unlinked(dim, n):
    node, layers = None, nn.ModuleList()
    for each in reversed(WIDTHS):
        node = each, node
    for _ in range(n):
        width, node = node
        layers.append(nn.Linear(dim, width))
    return layers


NAMES = {f"a{chr(97 + i % 26)}{'b' * (i // 26)}": i for i in range(LATE)}
NEXT_NAME = dict(zip(NAMES, [*NAMES][1:], strict=False))


def linked_by_names(dim, n):
    name, layers = "aa", nn.ModuleList()
    for _ in range(n):
        layers.append(nn.Linear(dim, 3))
        name = NEXT_NAME.get(name, "aa")
    layers.append(nn.Linear(dim, NAMES[name] + 1))
    return layers


def cut_from_a_long_text(dim, n):
    text, layers = "3" * LATE + "9" * LATE, nn.ModuleList()
    for _ in range(n):
        text, first = text[1:], text[0]
        layers.append(nn.Linear(dim, ord(first)))
    return layers


def taken_of_what_is_repeated(dim, n):
    left, layers = itertools.chain(itertools.repeat(3, n), [9] * LATE), nn.ModuleList()
    for _ in range(n):
        layers.append(nn.Linear(dim, next(left)))
    return layers


# --- put in the place of something --------------------------------------------------------------


def element_is_replaced(dim, n):
    widths, layers = [3] * (2 * LATE), nn.ModuleList()
    for _ in range(n):
        widths[len(layers)] = 9
        layers.append(nn.Linear(dim, widths[LATE]))
    return layers


def truth_is_replaced(dim, n):
    flags, layers = [True] * (2 * LATE), nn.ModuleList()
    for _ in range(n):
        flags[len(layers)] = False
        layers.append(nn.Linear(dim, 3 + all(flags[LATE : LATE + 3])))
    return layers


def element_is_increased(dim, n):
    widths, layers = [3] * (2 * LATE), nn.ModuleList()
    for _ in range(n):
        widths[len(layers)] += 6
        layers.append(nn.Linear(dim, widths[LATE]))
    return layers


def slice_is_replaced(dim, n):
    widths, layers = [3] * (2 * LATE), nn.ModuleList()
    for _ in range(n):
        widths[len(layers) : len(layers) + 1] = [9]
        layers.append(nn.Linear(dim, widths[LATE]))
    return layers


def replaced_by_method(dim, n):
    widths, layers = [3] * (2 * LATE), nn.ModuleList()
    for _ in range(n):
        widths.__setitem__(len(layers), 9)
        layers.append(nn.Linear(dim, widths[LATE]))
    return layers


def entry_is_replaced(dim, n):
    widths, layers = {f"width{i}": 3 for i in range(2 * LATE)}, nn.ModuleList()
    for _ in range(n):
        widths[f"width{len(layers)}"] = 9
        layers.append(nn.Linear(dim, widths["width5000"]))
    return layers


def attribute_is_replaced(dim, n):
    held = types.SimpleNamespace(**{f"width{i}": 3 for i in range(2 * LATE)})
    layers = nn.ModuleList()
    for _ in range(n):
        setattr(held, f"width{len(layers)}", 9)
        layers.append(nn.Linear(dim, held.width5000))
    return layers


def attribute_asked_for_by_name(dim, n):
    held, layers = types.SimpleNamespace(width5000=3), nn.ModuleList()
    for _ in range(n):
        setattr(held, f"width{len(layers)}", 9)
        layers.append(nn.Linear(dim, getattr(held, "width5000")))  # noqa: B009
    return layers


# --- used up ------------------------------------------------------------------------------------


def used_by_any(dim, n):
    left, layers = iter([1] * LATE), nn.ModuleList()
    for _ in range(n):
        layers.append(nn.Linear(dim, 3 + any(left)))
    return layers


def sent_to(dim, n):
    def numbers():
        yield from WIDTHS

    numbers, layers = numbers(), nn.ModuleList()
    for _ in range(n):
        layers.append(nn.Linear(dim, numbers.send(None)))
    return layers


def kept_in_a_variable(dim, n):
    left, layers = iter(WIDTHS), nn.ModuleList()
    for _ in range(n):
        for width in left:
            layers.append(nn.Linear(dim, width))
            break
    return layers


def made_once_in_a_block(dim, n):
    left, layers = None, nn.ModuleList()
    for _ in range(n):
        if left is None:
            left = zip(WIDTHS)
        for (width,) in left:
            layers.append(nn.Linear(dim, width))
            break
    return layers


def made_new_of_what_is_used_up(dim, n):
    every, layers = iter(WIDTHS), nn.ModuleList()
    for _ in range(n):
        left = zip("x", every, strict=False)
        for _, width in left:
            layers.append(nn.Linear(dim, width))
    return layers


def handed_back(dim, n):
    left, layers = iter(WIDTHS), nn.ModuleList()

    def rest():
        return left

    for _ in range(n):
        for width in rest():
            layers.append(nn.Linear(dim, width))
            break
    return layers


def used_by_zip(dim, n):
    (left, _), layers = itertools.tee(WIDTHS), nn.ModuleList()
    for _ in range(n):
        layers.append(nn.Linear(dim, [width for _, width in zip("x", left, strict=False)][0]))  # noqa: RUF015
    return layers


def read_from_a_file(dim, n):
    file, layers = io.BytesIO(bytes(WIDTHS)), nn.ModuleList()
    for _ in range(n):
        layers.append(nn.Linear(dim, file.read(1)[0]))
    return layers


def drawn(dim, n):
    draw, layers = random.Random(0), nn.ModuleList()
    for _ in range(n):
        layers.append(nn.Linear(dim, draw.choice([3] * 999 + [9])))
    return layers


# --- compared within -----------------------------------------------------------------------------


def in_a_namespace(dim, n):
    made, layers = types.SimpleNamespace(number=0), nn.ModuleList()
    for _ in range(n):
        made.number += 1
        layers.append(nn.Linear(dim, 3 + (made == types.SimpleNamespace(number=LATE))))
    return layers


def in_a_list_of_a_dict(dim, n):
    made, layers = 0, nn.ModuleList()
    for _ in range(n):
        made += 1
        layers.append(nn.Linear(dim, 3 + ({"a": [made]} == {"a": [LATE]})))
    return layers


def at_the_end_of_a_tuple(dim, n):
    made, layers = 0, nn.ModuleList()
    for _ in range(n):
        made += 1
        layers.append(nn.Linear(dim, 3 + ((5, 4, 3, 2, 1, 0, made) == (5, 4, 3, 2, 1, 0, LATE))))
    return layers


def attribute_of_that_name(dim, n):
    made, layers = type("Made", (), {f"width{LATE}": 3})(), nn.ModuleList()
    for _ in range(n):
        setattr(made, f"width{len(layers)}", 9)
        layers.append(nn.Linear(dim, made.width5000))
    return layers


WIDTH5000 = 3


def global_of_that_name(dim, n):
    global WIDTH5000
    WIDTH5000, layers = 3, nn.ModuleList()
    for _ in range(n):
        globals()[f"WIDTH{len(layers)}"] = 9
        layers.append(nn.Linear(dim, WIDTH5000))
    return layers


def number_of_c(dim, n):
    number, layers = ctypes.c_int16(LATE - 2**15), nn.ModuleList()
    for _ in range(n):
        before = number.value
        number.value -= 1
        layers.append(nn.Linear(dim, 2 + before - number.value))
    return layers


class Halved:
    def __init__(self):
        self.held = 0

    @property
    def width(self):
        return self.held

    @width.setter
    def width(self, value):
        self.held = value


def property_is_divided(dim, n):
    state, layers = Halved(), nn.ModuleList()
    for _ in range(n):
        state.width = len(layers)
        state.width //= LATE
        layers.append(nn.Linear(dim, 3 + state.width))
    return layers


UNSEEN = [
    attribute_is_divided, element_is_shifted, float_is_full, small_numbers_overflow, in_a_set,
    in_a_set_of_a_list, in_a_dict, united_dicts, unpacked_into_a_set, chained_maps, any_is_left,
    truths_of_what_is_left, truths_of_a_table, mapped, reduced, accumulated, partially_applied,
    attribute_by_number, justified, formatted, formatted_by_percent, digits_are_counted,
    sign_of_a_number, sign_that_is_lost, sign_of_an_index, exponent_of_a_float, sign_in_a_list,
    truth_by_a_type, end_is_a_number, start_meets_a_number, end_is_longer, put_in_front,
    counted_from_the_end, turned, turned_array, linked, unlinked, linked_by_names,
    cut_from_a_long_text, taken_of_what_is_repeated, element_is_replaced, truth_is_replaced,
    element_is_increased, slice_is_replaced, replaced_by_method, entry_is_replaced,
    attribute_is_replaced, attribute_asked_for_by_name, used_by_any, sent_to, kept_in_a_variable,
    made_once_in_a_block, made_new_of_what_is_used_up, handed_back, used_by_zip, read_from_a_file,
    drawn, in_a_namespace, in_a_list_of_a_dict, at_the_end_of_a_tuple, attribute_of_that_name,
    global_of_that_name, number_of_c, property_is_divided,
]  # fmt: skip


@pytest.mark.parametrize("factory", mostly_slow(UNSEEN, every=4, name=name_of))
def test_state_that_nothing_compares_costs_the_grade(factory) -> None:
    assert symcount.derive(factory).certificate.grade != "complete"


def wraps_at_the_seventieth(dim, n):
    number, layers = ctypes.c_int8(57), nn.ModuleList()
    for _ in range(n):
        before = number.value
        number.value += 1
        layers.append(nn.Linear(dim, 4 + before - number.value))
    return layers


def test_what_nobody_reports_is_found_in_a_module_of_many_layers() -> None:
    assert symcount.derive(wraps_at_the_seventieth).certificate.grade != "complete"


def widths_in_a_list(dim, n):
    widths, layers = [dim], nn.ModuleList()
    for _ in range(n):
        widths.append(widths[-1])
        layers.append(nn.Linear(dim, widths[-1]))
    return layers


def options_of_each(dim, n):
    made = nn.ModuleList()
    for _ in range(n):
        options = {"in_features": dim, "out_features": 3}
        made.append(nn.Linear(**{**options, "bias": False}))
    return made


def layers_in_front(dim, n):
    made = nn.ModuleList()
    for _ in range(n):
        made.insert(0, nn.Linear(dim, dim))
    return nn.Sequential(made[0], *made[1:])


def widths_that_are_copied(dim, n):
    widths, layers = [dim, 3], nn.ModuleList()
    for _ in range(n):
        layers.append(nn.Linear(*widths[:]))
    return layers


def pair_of_a_constant(dim, n):
    layers, widths = nn.ModuleList(), {"narrow": 3}
    for _ in range(n):
        name = "narrow"
        name, rest = name, ()
        layers.append(nn.Linear(dim, widths[name] + len(rest)))
    return layers


def read_of_what_is_repeated(dim, n):
    widths = list(itertools.repeat(dim, n))
    return nn.ModuleList([nn.Linear(dim, widths[i]) for i in range(n)])


def pairs_in_a_variable(dim, n):
    layers = nn.ModuleList()
    for _ in range(n):
        pairs = zip((dim, 3), (3, dim), strict=True)
        for a, b in pairs:
            layers.append(nn.Linear(a, b))
    return layers


def made_by_a_generator(dim, n):
    def widths():
        yield from (3, dim)

    layers = nn.ModuleList()
    for _ in range(n):
        for width in widths():
            layers.append(nn.Linear(dim, width))
            break
    return layers


def truths_of_all_layers(dim, n):
    layers = nn.ModuleList([nn.Linear(dim, 3) for _ in range(n)])
    return nn.Sequential(
        layers, nn.Linear(dim, 3 + all([layer.in_features > 0 for layer in layers]))
    )


def named_by_a_counter(dim, n):
    layers, made = nn.ModuleDict(), 0
    for i in range(n):
        made += 1
        name = f"layer{made}_{i + 1}"
        layers[name] = nn.Linear(dim, 9 if name.endswith("x") else 3)
    return layers


def ends_of_names(dim, n):
    layers = nn.ModuleList()
    for _ in range(n):
        name = f"block2.{len(layers)}.norm1.weight"
        is_first = name.startswith("block2.") and name.endswith("norm1.weight")
        layers.append(nn.Linear(dim, 3 if is_first and not name.endswith("norm12.weight") else 9))
    return layers


def last_is_replaced(dim, n):
    widths, layers = [dim], nn.ModuleList()
    for _ in range(n):
        widths.append(3)
        widths[len(widths) - 1] = dim
        layers.append(nn.Linear(dim, widths[-1]))
    return layers


class NamedByCounter(nn.Module):
    def __init__(self, dim, n):
        super().__init__()
        made = 0
        for _ in range(n):
            setattr(self, f"layer{made}", nn.Linear(dim, 3))
            getattr(self, f"layer{made}").requires_grad_(False)
            made += 1


NO_COST = [
    last_is_replaced,
    NamedByCounter,
    ends_of_names,
    named_by_a_counter,
    truths_of_all_layers,
    pairs_in_a_variable,
    made_by_a_generator,
    pair_of_a_constant,
    read_of_what_is_repeated,
    widths_in_a_list,
    options_of_each,
    layers_in_front,
    widths_that_are_copied,
]


@pytest.mark.parametrize("factory", NO_COST)
def test_what_is_read_where_it_was_put_costs_no_grade(factory) -> None:
    assert symcount.derive(factory).certificate.grade == "complete"
