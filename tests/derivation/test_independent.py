"""Choices that are independent of each other: many paths, and a formula that is a short sum."""

from __future__ import annotations

import itertools
import random

from torch import nn

from symcount import derive

PLACES = 8


def widths_that_differ(w0, w1, w2, w3, w4, w5, w6, w7, w8):
    widths = w0, w1, w2, w3, w4, w5, w6, w7, w8
    layers = nn.ModuleList()
    for a, b in itertools.pairwise(widths):
        layers.append(nn.Linear(a, b, bias=False))
        if a != b:
            layers.append(nn.Linear(b, 1, bias=False))
    return layers


def one_after_the_other(n):
    layers = nn.ModuleList()
    while len(layers) ** 2 < n:
        layers.append(nn.Linear(n, 1))
    return layers


def test_more_paths_are_followed_of_choices_that_are_independent() -> None:
    count = derive(widths_that_differ)
    assert count.certificate.grade == "complete"
    assert count.certificate.paths == 2**PLACES
    assert len(str(count)) < 600
    draw = random.Random(3)
    for _ in range(40):
        widths = [draw.choice((2, 3, 5)) for _ in range(PLACES + 1)]
        built = sum(p.numel() for p in widths_that_differ(*widths).parameters())
        assert count(*widths) == built


def test_of_a_chain_no_more_than_the_budget_says() -> None:
    for budget in (1, 2, 7):
        count = derive(one_after_the_other, max_paths=budget)
        assert count.certificate.paths == budget
        assert f"the budget of {budget} paths was spent" in count.certificate.reason
