"""The same factory has the same formula, to the last byte of its file, whatever ran before."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from torch import nn

import symcount
from benchmarks.repeated import stored
from symcount import ParamCount, Symbol, derive
from symcount.algebra.comparing import compare
from symcount.algebra.facts import Facts
from symcount.algebra.poly import const, symbol
from symcount.algebra.solver import Solver
from symcount.drift import drift
from symcount.symbols import Hyperparameter
from symcount.work import Deadline, Work

ROOT = Path(__file__).parents[2]
EVERY = 3


def text(factory: Callable[..., Any], **given: Any) -> str:
    return stored("it", lambda: derive(factory, **given))


# --- in any order, in any process -------------------------------------------------------------


def in_a_process(kind: str, every: int, file: Path, *flags: str) -> dict[str, list[str]]:
    """Derive in a process of its own; pytest rewrites code, and has one for all tests."""
    subprocess.run(
        [sys.executable, ROOT / "benchmarks/repeated.py", kind, f"--every={every}",
         f"--worker={file}", *flags],
        check=True, capture_output=True, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": "random"},
    )  # fmt: skip
    found: dict[str, list[str]] = json.loads(file.read_text())["texts"]
    return found


@pytest.mark.parametrize(
    ("kind", "every"),
    [("seeds", 1), ("idioms", EVERY), pytest.param("idioms", 1, marks=pytest.mark.slow)],
)
def test_order_and_process_change_nothing(kind: str, every: int, tmp_path: Path) -> None:
    one = in_a_process(kind, every, tmp_path / "one.json")
    other = in_a_process(kind, every, tmp_path / "other.json", "--reverse", "--times=2")
    assert len(one) >= 16
    for name, (stored_once,) in one.items():
        assert other[name] == [stored_once, stored_once], name


def uses_int(dim: int) -> nn.Module:
    return nn.Linear(dim, shared(dim))


def uses_no_symbol(dim: int) -> nn.Module:
    return nn.Linear(dim, shared(3))


def shared(size: int) -> int:
    return int(size * 1.0) + (0 if type(size) is int else 1)


def test_code_that_another_factory_needs_followed_is_as_it_is() -> None:
    before = text(uses_no_symbol)
    with suppress(symcount.DerivationError):  # it asks for the type of a symbol
        derive(uses_int)
    assert text(uses_no_symbol) == before


def test_loops_are_named_by_their_own_derivation() -> None:
    def layers(dim, n_layer=12):
        return nn.Sequential(*(nn.Linear(dim, dim) for _ in range(n_layer)))

    def others(dim, n_layer=12):
        return nn.Sequential(*(nn.Linear(dim, 2 * dim) for _ in range(n_layer)))

    before = text(layers)
    assert '"@0"' in before
    derive(others)
    assert text(layers) == before


def test_a_value_is_stored_without_where_it_is_in_memory() -> None:
    def factory(dim, make=nn.Linear, act=lambda: None):
        return make(dim, dim)

    def width():
        pass

    count = derive(factory, act=width)
    assert dict(count.fixed)["act"].startswith("<function ")
    assert " at 0x" not in text(factory, act=width)


# --- what a factory remembers -----------------------------------------------------------------

KNOWN: dict[Any, Any] = {}


@functools.lru_cache
def cached(dim: int, heads: int) -> int:
    return dim // heads * heads


def by_cache(dim: int, heads: int = 4) -> nn.Module:
    return nn.Linear(dim, cached(dim, heads))


def remembered(dim: int) -> int:
    if dim not in KNOWN:
        KNOWN[dim] = 4 * dim
    return int(KNOWN[dim])


def by_dict(dim: int) -> nn.Module:
    if dim not in KNOWN:
        KNOWN[dim] = 4 * dim
    return nn.Linear(dim, KNOWN[dim])


def by_dict_of_a_helper(dim: int) -> nn.Module:
    return nn.Linear(dim, remembered(dim))


@pytest.mark.parametrize(
    ("factory", "grade"),
    [
        (by_cache, "complete"),
        (by_dict, "complete"),
        (by_dict_of_a_helper, "complete"),
    ],
)
def test_what_is_remembered_of_one_derivation_changes_no_other(factory: Any, grade: str) -> None:
    first = text(factory)
    assert f'"grade":"{grade}"' in first
    derive(factory)
    assert text(factory) == first
    assert not KNOWN
    assert cached(64, 4) == 64 and cached(65, 4) == 64  # no symbol is left in it


# --- work, and the clock ----------------------------------------------------------------------


def many_branches(dim: int) -> nn.Module:
    return nn.Linear(dim, sum(dim > 3 * k for k in range(1, 200)))


def test_work_ends_a_derivation_in_one_place() -> None:
    texts = {text(many_branches, max_work=100_000) for _ in range(3)}
    assert len(texts) == 1
    certificate = derive(many_branches, max_work=100_000).certificate
    assert certificate.grade == "partial"
    assert "the budget for exploring, 80,000 units of work, was spent" in certificate.reason
    assert not certificate.out_of_time
    assert certificate.paths < derive(many_branches, max_work=200_000).certificate.paths


def test_the_clock_is_a_last_resort_that_says_so() -> None:
    certificate = derive(many_branches, max_seconds=0.05).certificate
    assert certificate.grade == "partial"
    assert certificate.out_of_time
    assert "Time ran out (max_seconds), so this depends on the machine" in certificate.reason


def never(dim: int) -> nn.Module:
    _ = sum(dim > 3 * k for k in range(1, 200))
    raise ValueError("never")


def test_an_error_says_that_time_ran_out() -> None:
    with pytest.raises(symcount.FactoryError, match="Time ran out") as caught:
        derive(never, max_seconds=0.05)
    assert caught.value.out_of_time
    with pytest.raises(symcount.FactoryError, match="Exploring ended before") as caught:
        derive(never, max_work=50_000)
    assert "Time ran out" not in str(caught.value)
    assert not caught.value.out_of_time


@pytest.mark.parametrize("factory", [many_branches, never])
def test_a_check_that_runs_out_of_time_is_undecided(
    factory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = derive(many_branches, max_work=50_000)
    assert count.origin is not None
    target = f"{Path(__file__).relative_to(ROOT)}:{factory.__name__}"
    origin = replace(count.origin, target=target, max_seconds=0.01)
    monkeypatch.setattr(drift, "_MOST_SECONDS", 0.01)
    monkeypatch.chdir(ROOT)
    (finding,) = drift.check({"it": ParamCount(replace(count.formula, origin=origin))})
    assert finding.state == "undecided"
    assert not finding.is_current
    assert "time ran out before it was known" in str(finding)
    assert not finding.changes


# --- the solver -------------------------------------------------------------------------------


def steps_of(*questions: int) -> list[int]:
    """Return what the solver has done after each of these questions."""
    names = ("a", "b", "c")
    ranges, facts = [Hyperparameter(name) for name in names], Facts({n: (1, None) for n in names})
    a, b, c = map(symbol, names)
    deadline = Deadline(Work())
    solver, done = Solver(ranges, facts, steps=200_000, deadline=deadline), []
    for number in questions:
        condition, truth = compare("eq", a * a * a + b * b * b, c * c * c + const(number), facts)
        assert condition is not None
        list(solver.models(((condition, truth),)))
        done.append(deadline.work.done)
    return done


def test_what_was_asked_of_one_solver_changes_nothing_for_another() -> None:
    alone = steps_of(7, 100)
    steps_of(3, 4, 5)
    assert steps_of(7, 100) == alone
    assert alone[0] > 2000


def test_z3_counts_the_same_in_another_process() -> None:
    code = "from tests.derivation.test_repeated import steps_of; print(steps_of(7, 100))"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert json.loads(found.stdout) == steps_of(7, 100)


def test_symbols_declared_otherwise_are_another_question() -> None:
    assert text(many_branches, dim=Symbol(max=4)) != text(many_branches, dim=Symbol(max=5))
