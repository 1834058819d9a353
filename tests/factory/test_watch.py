"""Calls of a factory that do not end are ended, with an error that says where, and no trace."""

from __future__ import annotations

import _thread
import threading
import time

import pytest
import torch
from torch import nn

from symcount import DerivationError, EndlessError, Symbol, derive
from symcount.factory import watch
from symcount.factory.watch import Endless, Watch


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_PAUSE", 0.01)


def only_eights(dim):
    is_known = dim % 8 == 0
    while not is_known:
        pass
    return nn.Linear(dim, 1)


def at_one_branch(dim):
    is_wide = dim > 500
    while is_wide:
        pass
    return nn.Linear(dim, 1)


def threads_and_modes():
    return _thread._count(), threading.active_count(), torch._C._len_torch_function_stack()


def are_soon(before):
    """Tell whether threads and modes are as before, once a watch has had the time to end."""
    until = time.monotonic() + 10
    while threads_and_modes() != before and time.monotonic() < until:
        time.sleep(0.001)
    return threads_and_modes() == before


def test_a_call_with_numbers_that_does_not_end_is_an_error_with_size_and_line(eager):
    before = threads_and_modes()
    with pytest.raises(EndlessError) as caught:
        derive(only_eights, max_seconds=0.6)
    line = only_eights.__code__.co_firstlineno
    said = str(caught.value)
    assert said.startswith(
        f"only_eights ({__file__}:{line}): it had not returned at dim=4 after 0.2 s"
    )
    assert f"({__file__}:{line + 2})" in said or f"({__file__}:{line + 3})" in said
    assert "raise an error for them, or declare with Symbol(...)" in said
    assert "max_seconds=..." in said
    assert isinstance(caught.value, DerivationError) and caught.value.out_of_time
    assert are_soon(before)
    assert str(derive(only_eights, dim=Symbol(multiple_of=8))) == "dim + 1"


def test_a_run_on_symbols_that_does_not_end_is_an_error(eager):
    before = threads_and_modes()
    with pytest.raises(EndlessError, match=r"it had not returned after 1\.8 seconds \("):
        derive(at_one_branch, max_seconds=0.6)
    assert are_soon(before)
    assert str(derive(at_one_branch, dim=Symbol(max=400))) == "dim + 1"


def test_a_call_that_hides_the_exception_once_is_ended_all_the_same(eager):
    hidden = []

    def stubborn(dim):
        while True:
            try:
                while True:
                    pass
            except BaseException as error:
                hidden.append(type(error))
                if len(hidden) > 2:
                    raise

    with pytest.raises(EndlessError, match="dim=4"):
        derive(stubborn, max_seconds=0.3)
    assert hidden == [Endless] * 3


def test_a_derivation_within_another_has_a_watch_of_its_own(eager):
    def patient(dim):
        try:
            derive(only_eights, max_seconds=0.3)
        except EndlessError:
            return nn.Linear(dim, 1)
        raise AssertionError

    assert str(derive(patient, max_seconds=60)) == "dim + 1"

    def impatient(dim):
        derive(only_eights, max_seconds=60)
        return nn.Linear(dim, 1)

    with pytest.raises(EndlessError, match=r"^impatient .* at dim=4 after 0\.1 seconds"):
        derive(impatient, max_seconds=0.3)


def test_nothing_is_raised_once_a_watch_is_dismissed(monkeypatch):
    monkeypatch.setattr(watch, "_PAUSE", 0.0005)
    raised = 0
    for k in range(60):
        guard = Watch(0.003)  # so a call with numbers may take a millisecond
        try:
            guard.begin({"dim": k})
            for _ in range(k * 15_000):
                pass
            guard.end()
        except Endless:
            raised += 1
        guard.dismiss()
        assert guard._began is None
        for _ in range(1000):  # here it would come
            pass
    assert 0 < raised < 60
