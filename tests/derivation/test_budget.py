"""What `max_seconds` promises, and what is too large to be built: no point, and no evidence."""

from __future__ import annotations

import hashlib
import itertools
import math
import time
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

import symcount
from symcount import Symbol, derive
from symcount.algebra.comparing import compare
from symcount.algebra.poly import const, symbol
from symcount.algebra.rounding import mod
from symcount.algebra.solver import Solver
from symcount.derivation.budget import Budget
from symcount.derivation.explore import explore
from symcount.derivation.joining import join
from symcount.derivation.perturbation import kinds_that_matter
from symcount.derivation.pipeline import declared_facts
from symcount.factory.building import PlainBuilds, TooLarge, is_too_large
from symcount.factory.call import FactoryCall
from symcount.formula.tree import Built, leaves
from symcount.symbols import Hyperparameter
from symcount.trace.settings import AS_USUAL
from symcount.work import NEVER, PASSED

# What torch says on Linux where an allocator has no memory left.
NO_MEMORY = (
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: "
    "you tried to allocate 4611686018427387904 bytes. Error code 12 (Cannot allocate memory)"
)


def busy(seconds: float) -> None:
    """Take time as a large model does: `time.sleep` would not count, and no clock decides."""
    hashlib.pbkdf2_hmac("sha256", b"", b"", max(1, int(seconds * ROUNDS_A_SECOND)))


def _rounds_a_second() -> float:
    started = time.process_time()
    hashlib.pbkdf2_hmac("sha256", b"", b"", 10**5)
    return 10**5 / (time.process_time() - started)


ROUNDS_A_SECOND = _rounds_a_second()


def took(derivation: Callable[[], object]) -> float:
    """Process time: tests that run beside this one have the rest of the machine."""
    started = time.process_time()
    derivation()
    return time.process_time() - started


# --- every stage ends -------------------------------------------------------------------------


def test_concretisations_are_not_tried_for_ever() -> None:
    texts = {f"key{number}": number for number in range(40)}

    def factory(dim):
        busy(0.1)
        _ = texts.get(f"key{dim:x}")  # of a format of its own, which is not followed
        return nn.Linear(dim, 3)

    count = None

    def derivation() -> None:
        nonlocal count
        count = derive(factory, max_seconds=1)

    assert took(derivation) < 4  # all 40 numbers in the place of the text take 4 seconds at least
    assert count is not None
    assert count(7) == 24
    assert count.certificate.grade != "complete"
    (lost,) = count.certificate.assumptions
    assert lost.kind == "text"


def test_what_there_was_no_time_to_try_counts_as_mattering() -> None:
    def factory(dim):
        return nn.ModuleDict({f"layer_{dim}": nn.Linear(dim, 3)})

    call = FactoryCall.of(factory, {})
    facts = declared_facts(call.hyperparameters)
    found = explore(call, facts, max_paths=9, budget=Budget())
    for deadline, untried in ((NEVER, set()), (PASSED, {"text"})):
        tried = kinds_that_matter(call, found.paths[0], facts, AS_USUAL, (3, 5), deadline=deadline)
        assert tried.untried == untried


def test_points_for_which_there_is_no_time_are_left_out_and_missed() -> None:
    def factory(dim, n_layer=12):
        busy(0.03)
        return nn.Sequential(*(nn.Linear(dim, 33) for _ in range(n_layer)))

    counts = [derive(factory, max_seconds=seconds) for seconds in (0.02, 60)]
    hasty, patient = (count.certificate for count in counts)
    assert counts[0] == counts[1]
    assert patient.grade == "complete"
    assert hasty.grade == "partial"
    assert len(hasty.points) == 2  # the hints of its path, and one more
    assert len(patient.points) > 6
    assert "there was time to compare it at 2 points only" in hasty.reason
    with pytest.raises(symcount.IncompleteError, match="there was time to compare it at 2 points"):
        derive(factory, max_seconds=0.02, strict=True)


def test_the_solver_is_not_asked_when_the_time_is_over() -> None:
    """A width that is rounded again and again: each question takes z3 as long as it may."""

    def factory(ratio):
        sizes = [8]
        for base in (16, 24, 32, 64, 96, 160, 320, 640):
            rounded = max(8, int(base * ratio + 4) // 8 * 8)
            sizes.append(rounded + 8 if rounded < 0.9 * base * ratio else rounded)
        return nn.Sequential(*(nn.Linear(*pair) for pair in itertools.pairwise(sizes)))

    given = {"ratio": Symbol(real=True), "max_paths": 10**6}
    assert took(lambda: derive(factory, max_seconds=2, **given)) < 6


def test_a_run_that_does_not_end_in_time_is_broken_off() -> None:
    def factory(dim):
        if dim > 1000:  # many tensors and no branch among them
            return nn.Sequential(*(nn.Linear(1, 1) for _ in range(10**5)))
        return nn.Linear(dim, 3)

    def derivation() -> None:
        count = derive(factory, max_seconds=1)
        assert count.certificate.grade == "partial"
        assert count(9) == 30

    assert took(derivation) < 5


def test_an_expired_solver_proves_nothing() -> None:
    call = FactoryCall.of(lambda dim, heads: nn.Linear(dim, heads), {})
    facts = declared_facts(call.hyperparameters)
    impossible = explore(call, facts, max_paths=9, budget=Budget()).root.decisions
    solver = Solver(call.hyperparameters, facts, deadline=PASSED)
    assert list(solver.models(impossible)) == [None]
    assert not solver.refutes(impossible)


def test_without_time_to_simplify_a_formula_is_longer_and_as_true() -> None:
    def factory(dim, heads=8):
        if dim % heads:
            raise ValueError("not divisible")
        return nn.Linear(dim, dim // heads * heads)

    call = FactoryCall.of(factory, {})
    facts = declared_facts(call.hyperparameters)
    found = explore(call, facts, max_paths=9, budget=Budget())
    patient, hasty = (
        join(found, facts, call.hyperparameters, deadline) for deadline in (NEVER, PASSED)
    )
    assert hasty.hasty and not patient.hasty
    shapes = [
        [
            w.shape
            for _, leaf in leaves(joined.tree)
            if isinstance(leaf, Built)
            for w in leaf.weights
        ]
        for joined in (patient, hasty)
    ]
    assert "floor" not in repr(shapes[0]) and "floor" in repr(shapes[1])
    count = derive(factory, max_seconds=0)
    assert "There was no time to simplify it" in count.certificate.reason
    assert count(12, 4) == 12 * 12 + 12
    assert count.certificate.grade == "partial"


def test_loops_that_do_the_same_cost_one_question(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    models = Solver.models

    def counted(self, decisions, most=4):
        asked.append(decisions)
        return models(self, decisions, most)

    monkeypatch.setattr(Solver, "models", counted)

    def factory(dim, n_layer=9):
        layers = []
        for _ in range(40):
            for i in range(n_layer):
                if i * i < 2 * i - 3:  # for no number
                    layers.append(nn.Bilinear(dim, dim, dim))
                layers.append(nn.Linear(dim, 2))
        return nn.Sequential(*layers)

    count = derive(factory)
    assert count(5, 3) == 40 * 3 * 12
    assert count.certificate.grade == "complete"
    assert 0 < len(asked) < 10


def test_a_factory_that_raises_till_the_end_is_told_of_the_time() -> None:
    def factory(dim):
        busy(0.05)
        for bit in range(20):
            if (dim >> bit) % 2:
                busy(0.01)
        raise ValueError("never")

    with pytest.raises(symcount.FactoryError, match="Exploring ended before it built a module"):
        derive(factory, max_seconds=0.5, max_paths=10**6)


# --- too large to be built --------------------------------------------------------------------


@pytest.mark.parametrize(
    "build",
    [
        lambda: torch.arange(2**59),
        lambda: torch.empty(2**61, device="meta"),
        lambda: torch.zeros(1).expand(2**40).expand(2**40, 2**40).contiguous(),
        lambda: np.zeros((2**40, 2**40)),
        lambda: [0] * 2**60,
    ],
)
def test_what_is_too_large_is_told_from_what_is_wrong(build) -> None:
    with pytest.raises(Exception) as caught:
        build()
    assert is_too_large(caught.value)
    assert isinstance(PlainBuilds(lambda point: build()).at({}), TooLarge)


def test_that_something_is_wrong_is_no_want_of_memory() -> None:
    for error in (ValueError("dim is too large"), RuntimeError("shape mismatch"), KeyError("x")):
        assert not is_too_large(error)
    try:
        try:
            raise RuntimeError(NO_MEMORY)
        except RuntimeError as cause:
            raise ValueError("the table could not be made") from cause
    except ValueError as error:
        assert is_too_large(error)


def test_a_plain_build_without_memory_is_no_point() -> None:
    """It allocates where a run on symbols does not, and so at the hints as well."""

    def factory(window):
        if not hasattr(window, "_symcount_node") and window > 40:  # in a plain build
            raise RuntimeError(NO_MEMORY)
        return nn.Linear(window, 3)

    count = derive(factory)
    assert str(count) == "3*window + 3"
    assert count.domain == True  # noqa: E712
    assert count.certificate.grade == "complete"
    assert len(count.certificate.points) >= 6
    assert max(dict(point)["window"] for point in count.certificate.points) <= 40


def test_a_path_without_memory_for_any_point_is_not_complete() -> None:
    def factory(window):
        if window > 100:
            if not hasattr(window, "_symcount_node"):  # in a plain build
                raise MemoryError
            return nn.Linear(window, 4)
        return nn.Linear(window, 3)

    count = derive(factory)
    assert count(9) == 30
    assert count.certificate.grade == "partial"
    assert "1 path could be compared at no point, for want of memory" in count.certificate.reason


@pytest.mark.parametrize("error", [RuntimeError(NO_MEMORY), MemoryError()])
def test_a_run_without_memory_says_nothing_of_the_domain(error) -> None:
    def factory(window):
        if window > 40:
            raise error
        return nn.Linear(window, 3)

    # the first hint, 64, is too large as well
    count = derive(factory)
    assert count(40) == 123
    assert count.certificate.grade == "partial"
    assert not any("Refused" in repr(leaf) for leaf in [count.formula.tree])
    with pytest.raises(symcount.DomainError):
        count(41)


def test_a_run_too_large_for_torch_is_tried_smaller() -> None:
    """Candidates that lead to a place are many; the first is far too large for this machine."""

    def factory(window):
        if window > 70:
            torch.arange(2**59 if window > 71 else 4)
            return nn.Linear(window, 4)
        return nn.Linear(window, 3)

    count = derive(factory, window=Symbol(max=4096))
    assert count(71) == 71 * 4 + 4


# --- short symbols and what has to fit them ---------------------------------------------------


def two_numbers_of_heads(
    vocab=58101, dim=1024, heads=16, other_heads=16, n_layer=12, other_layers=12
):
    """A width that a loop is as long as becomes small, and the numbers of heads do not fit it."""
    if vocab < 58101:
        raise ValueError("the padding is beyond the vocabulary")
    layers = [nn.Embedding(vocab, dim)]
    for number, layers_of_one in ((heads, n_layer), (other_heads, other_layers)):
        for _ in range(layers_of_one):
            if dim % number:
                raise ValueError("embed_dim must be divisible by num_heads")
            layers.append(nn.Linear(dim, dim))
        _ = [math.sin(j / dim) for j in range(dim)]
    return nn.Sequential(*layers)


def test_what_divides_a_shortened_symbol_is_found() -> None:
    count = derive(two_numbers_of_heads)
    assert count.certificate.grade == "complete"
    assert count(vocab=60000, dim=12, heads=3, other_heads=2, n_layer=1, other_layers=2) == (
        60000 * 12 + 3 * (12 * 12 + 12)
    )
    assert not count.valid(dim=12, heads=5)


def test_a_place_that_the_solver_cannot_decide_is_looked_for_nearby(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No candidate has all that it takes; what went past the place lacks one number."""

    def knows_nothing(self, decisions, most=4):
        yield None

    monkeypatch.setattr(Solver, "models", knows_nothing)
    count = derive(two_numbers_of_heads, n_layer=2, other_layers=1)
    assert count(vocab=60000, dim=12, heads=3, other_heads=2) == 60000 * 12 + 3 * (12 * 12 + 12)


def test_short_symbols_are_small_before_others_are() -> None:
    ranges = tuple(map(Hyperparameter, ("vocab", "dim", "heads")))
    facts = declared_facts(ranges)
    vocab, dim, heads = (symbol(h.name) for h in ranges)
    decisions = []
    for op, left, right in (("ge", vocab, const(58101)), ("eq", mod(dim, heads, facts), const(0))):
        condition, truth = compare(op, left, right, facts)
        assert condition is not None
        decisions.append((condition, truth))
    solver = Solver(ranges, facts)
    solver.small = {"dim"}
    model = next(solver.models(tuple(decisions)))
    assert model is not None
    assert model["dim"] <= 8


def test_tables_that_numpy_computes_from_symbols() -> None:
    """A table of sines: what numpy makes of symbols is an array of objects."""

    def factory(length, dim=64, heads=4):
        if dim % heads:
            raise ValueError("not divisible")
        table = np.array(
            [[p / np.power(10000, 2 * (j // 2) / dim) for j in range(dim)] for p in range(8)]
        )
        out = torch.empty(length, dim)
        half = dim // 2 if dim % 2 == 0 else dim // 2 + 1
        out[:8, 0:half] = torch.FloatTensor(np.sin(table[:, 0::2]))
        out[:8, half:] = torch.FloatTensor(np.cos(table[:, 1::2]))
        module = nn.Linear(dim, dim)
        module.register_buffer("table", out)
        return module

    count = derive(factory, length=8)
    assert str(count) == "dim**2 + dim"
    assert str(count.buffers) == "8*dim"
    assert count.certificate.grade == "complete"


def test_what_numpy_computes_from_symbols_is_a_plain_number() -> None:
    def factory(dim):
        return nn.Linear(dim, int(np.log2(np.array([dim, dim]))[0] * 4))

    with pytest.raises(symcount.UnsupportedError, match=r"depends on what numpy.log2\(\) gave"):
        derive(factory)


def test_no_more_numbers_are_kept_than_there_is_room_for() -> None:
    class Positions(nn.Module):
        def __init__(self, length: int) -> None:
            super().__init__()
            self.register_buffer("positions", torch.arange(length).expand((1, -1)))

    builds = PlainBuilds(lambda at: Positions(**at))
    assert isinstance(builds.at({"length": 2**33}), TooLarge)
    small = builds.at({"length": 1 << 10})
    assert isinstance(small, dict) and small["positions"].shape == (1, 1 << 10)
