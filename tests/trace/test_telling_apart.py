"""What answers otherwise in a run on symbols than in another: that is an assumption."""

from __future__ import annotations

import inspect
import sys
import weakref
from collections.abc import Callable

import pytest
import torch
from torch import nn

import symcount
from symcount import derive


def _dead_tensor(d: int) -> bool:
    tensor = torch.empty(d, 2)
    reference = weakref.ref(tensor)
    del tensor
    return reference() is None


def _references(d: int) -> bool:
    tensor = torch.empty(d, 2)
    return sys.getrefcount(tensor) == 2


def _built_in(d: int) -> bool:
    return inspect.isbuiltin(max) and max(d, 5003) == d


def _depth(d: int) -> bool:
    frame, depth = sys._getframe(), 0
    while frame is not None:
        frame, depth = frame.f_back, depth + 1
    return depth < 1000


def _text_of_range(d: int) -> bool:
    return repr(range(d)) == "range(0, 5003)"


@pytest.mark.parametrize("ask", [_dead_tensor, _references, _built_in, _depth, _text_of_range])
def test_what_tells_a_run_on_symbols_from_another_costs_the_grade(
    ask: Callable[[int], bool],
) -> None:
    def factory(d: int) -> nn.Module:
        return nn.Linear(d, 9 if ask(d) and d == 5003 else 3)

    try:
        certificate = derive(factory).certificate
    except symcount.SymcountError:
        return
    assert certificate.grade != "complete"


def test_the_text_of_a_range_is_that_of_a_range() -> None:
    def factory(d: int) -> nn.Module:
        texts = [str(range(d)), repr(range(2, d)), str(range(d, 0, -1))]
        if texts != [f"range(0, {d})", f"range(2, {d})", f"range({d}, 0, -1)"]:
            raise ValueError(texts)
        return nn.Linear(d, 1)

    assert derive(factory)(7) == 8
