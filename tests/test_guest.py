"""`derive` is a guest in the process: whatever ends it, and whoever looks on, all is as it was.

Interrupts come at random instructions. `SYMCOUNT_FUZZ=20 pytest tests/test_guest.py` sends twenty
times as many.
"""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import copy
import math
import os
import pickle
import random
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import _disable_current_modes

import symcount
from symcount import derive, executed, interception
from symcount.questions.equality import first_difference
from symcount.trace.interrupts import BudgetSpent, Interrupt
from symcount.trace.run import trace
from symcount.trace.settings import Settings
from symcount.work import Deadline, clock
from tests.hostile import interrupted

FUZZ = int(os.environ.get("SYMCOUNT_FUZZ", "1"))


def stack(d, n):
    return nn.ModuleList(nn.TransformerEncoderLayer(d, 4, int(4.0 * d)) for _ in range(n))


def branch(d, e):
    return nn.Linear(d, e if d % 8 == 0 and e * 3 > d else 3)


def mlp(dim, hidden):
    return nn.Sequential(nn.Linear(dim, int(hidden * 1.5)), nn.Linear(max(8, dim), hidden))


def rounded(width, least=8):
    return max(least, (width + 4) // 8 * 8)


def positions(dim, hidden):
    table = torch.arange(0, dim, 2).float()
    return nn.Linear(math.isqrt(dim), rounded(hidden) + table.numel())


def told(width):
    """What the names in followed code mean, beside a number."""
    import math as imported
    from math import sqrt

    return int(width * 1.5), int, sqrt, imported, math


def telling(dim):
    return nn.Linear(told(dim)[0], 3)


FACTORIES = [stack, branch, mlp, positions, telling]
OWNERS: dict[str, Any] = {
    "builtins": builtins,
    "torch": torch,
    "Tensor": torch.Tensor,
    "init": nn.init,
    "F": nn.functional,
    "linear": nn.modules.linear,
    "activation": nn.modules.activation,
    "math": math,
    "own": sys.modules[__name__],
}


def state() -> dict[Any, Any]:
    """What stands in the modules concerned, the code of their functions, and what is active."""
    held = {
        (name, key): (id(value), getattr(value, "__code__", None))
        for name, owner in OWNERS.items()
        for key, value in vars(owner).items()
        if not key.startswith("__abstract")
    }
    return {
        **held,
        "function modes": torch._C._len_torch_function_stack(),
        "dispatch modes": torch._C._len_torch_dispatch_stack(),
        "math": sys.modules["math"],
        "filters": list(warnings.filters),
        "random": random.getstate(),
        "torch random": with_no_modes(lambda: torch.get_rng_state().tolist()),
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "grad": torch.is_grad_enabled(),
    }


def with_no_modes(work: Callable[[], Any]) -> Any:
    with _disable_current_modes():
        return work()


def changes(before: dict[Any, Any]) -> list[Any]:
    now = state()
    return [key for key in {**before, **now} if before.get(key) != now.get(key)]


class Unexpected(Exception):
    pass


# one that comes in a finaliser is dropped by Python, which says so
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("error", [KeyboardInterrupt, Unexpected])
@pytest.mark.parametrize("factory", [stack, branch])
def test_an_interrupt_leaves_nothing_behind(factory: Any, error: type[BaseException]) -> None:
    formula = derive(factory)
    started = time.perf_counter()
    derive(factory)
    longest = time.perf_counter() - started
    before, draw = state(), random.Random(5)
    random_before = random.getstate()
    for _ in range(60 * FUZZ):
        try:
            with interrupted(draw.uniform(0.0002, min(longest, 0.03)), error):
                derive(factory)
        except (
            error,
            symcount.SymcountError,
        ):  # an `except` of torch or of the factory may take it
            pass
        assert not changes(before)
    assert random.getstate() == random_before
    assert torch.zeros(3).sum() == 0
    assert derive(factory) == formula


class Stubborn(type):
    """The metaclass of a class whose attribute cannot be put back, once."""

    failures = 0

    def __setattr__(cls, name: str, value: Any) -> None:
        if value == "before" and Stubborn.failures:
            Stubborn.failures -= 1
            raise RuntimeError("not now")
        super().__setattr__(name, value)


@pytest.mark.parametrize(("failures", "left"), [(1, "before"), (99, "instead")])
def test_an_exception_in_restoring_keeps_nothing_else_from_it(failures: int, left: str) -> None:
    class Owner(metaclass=Stubborn):
        held = "before"

    class Other:
        held = "before"

    with interception.alone():
        interception.replace(Other, "held", "instead")
        interception.replace(Owner, "held", "instead")
        Stubborn.failures = failures
        with pytest.raises(RuntimeError, match="not now"):
            interception.restore()
        Stubborn.failures = 0
    assert (Other.held, Owner.held) == ("before", left)
    interception.restore()


@pytest.mark.parametrize("error", [KeyboardInterrupt, ArithmeticError])
def test_an_interrupt_on_entering_a_context_leaves_no_mode(
    monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    """torch takes the mode off the stack by a generator, which puts it back when it is released."""
    text = f"""
def __enter__(self):
    entered = next(self.gen)
    if self.gen.gi_code.co_name == "_pop_mode_temporarily":
        raise {error.__name__}
    return entered
"""
    exec(compile(text, contextlib.__file__, "exec"), names := {})
    derive(mlp)
    before = state()
    with monkeypatch.context() as patched:
        patched.setattr(contextlib._GeneratorContextManager, "__enter__", names["__enter__"])
        interrupted = False
        try:
            derive(mlp)
        except (KeyboardInterrupt, symcount.SymcountError):
            interrupted = True
    assert interrupted
    assert not changes(before)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="code is collected without a profiler")
def test_an_interrupt_of_the_profiler_on_leaving_a_context_leaves_no_mode(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The profiler holds the context that torch leaves, which puts its mode back when let go."""
    text = """
def data(value, depth):
    frame = sys._getframe()
    while frame.f_code.co_name != "on_event":
        frame = frame.f_back
    if frame.f_locals["frame"].f_code.co_qualname == "_GeneratorContextManager.__exit__":
        calls.append(1)
        if len(calls) == last:
            raise KeyboardInterrupt
    frame = None
    return of(value, depth)
"""
    names = {"sys": sys, "of": executed._data}
    exec(compile(text, executed.__file__, "exec"), names)
    monkeypatch.setattr(executed, "_data", names["data"])
    before = state()
    for last in range(1, 20):
        names.update(last=last, calls=[])
        try:
            derive(mlp)
        except KeyboardInterrupt:
            assert not changes(before)
        else:
            break
    assert last > 2


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="code is collected without a profiler")
@pytest.mark.parametrize("event", ["call", "return"])
def test_an_interrupt_as_the_profiler_is_called_leaves_no_context(
    monkeypatch: pytest.MonkeyPatch, event: str
) -> None:
    """What the profiler was told of is in no traceback then; it is the caller of the profiler."""
    left = []

    @contextmanager
    def context() -> Iterator[None]:
        try:
            yield
        finally:
            left.append(True)

    def profiler(frame: FrameType, happens: str, _: object) -> None:
        method = "__exit__" if event == "call" else "__enter__"
        if (frame.f_code.co_name, happens) == (method, event):
            raise KeyboardInterrupt

    monkeypatch.setattr(interception, "_HOLDING", (*interception._HOLDING, __file__))
    with pytest.raises(KeyboardInterrupt) as raised:
        sys.setprofile(profiler)
        try:
            with context():
                pass
        finally:
            sys.setprofile(None)
    interception.let_go(raised.value)
    assert left


def test_what_a_factory_takes_away_is_put_back() -> None:
    def factory(d):
        del torch.Tensor._make_subclass
        return nn.Linear(d, 3)

    make = torch.Tensor._make_subclass
    before = state()
    with pytest.raises(symcount.SymcountError):
        derive(factory)
    assert not changes(before)
    assert torch.Tensor._make_subclass == make


# --- other threads ------------------------------------------------------------------------------

FIVE, HALF = 5, 0.5
SQRT, ARANGE, NORMAL = math.sqrt, torch.arange, nn.init.normal_
LOOKED: list[Callable[[], bool]] = [
    lambda: type(FIVE) is int and type(HALF) is float and max is vars(builtins)["max"],
    lambda: pickle.loads(pickle.dumps((int, float, range))) == (int, float, range),
    lambda: type(type("Size", (int,), {})(3)).__mro__[1] is type(FIVE),
    lambda: isinstance(sys.modules["math"], type(sys)) and math.sqrt is SQRT,
    lambda: torch.arange is ARANGE and torch.arange(3).tolist() == [0, 1, 2],
    lambda: nn.init.normal_ is NORMAL and pickle.loads(pickle.dumps(NORMAL)) is NORMAL,
    lambda: pickle.loads(pickle.dumps(torch.arange)) == ARANGE,
    lambda: bool(nn.init.ones_(torch.zeros(3)).sum() == 3),
    lambda: bool(nn.Linear(2, 2).weight.abs().sum() > 0),
    lambda: nn.functional.interpolate(torch.ones(1, 1, 2), scale_factor=2.0).shape == (1, 1, 4),
    lambda: copy.deepcopy(nn.Parameter(torch.ones(2))).sum().item() == 2,
    lambda: told(4) == (6, type(FIVE), SQRT, math, math) and told(4)[1] is type(FIVE),
    lambda: rounded(17) == 16 and type(rounded(17)) is type(FIVE),
    lambda: mlp(4, 2)[0].weight.shape == (3, 4) and not mlp(4, 2)[0].weight.is_meta,
]


@pytest.fixture
def eager_switching() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def in_threads(number: int, work: Callable[[int], object]) -> list[BaseException]:
    errors: list[BaseException] = []

    def caught(k: int) -> None:
        try:
            work(k)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=caught, args=(k,)) for k in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_another_thread_sees_nothing_of_a_derivation(eager_switching: None) -> None:
    finished = threading.Event()
    seen: set[int] = set()

    def work(k: int) -> None:
        if k:
            for _ in range(40):
                derive(mlp)
                derive(positions)
                derive(telling)
            finished.set()
            return
        derive(branch)  # it has derived, and does no longer
        while not finished.is_set():
            seen.update(place for place, look in enumerate(LOOKED) if not look())

    assert not in_threads(2, work)
    assert not seen


def test_no_name_of_ours_stays_in_the_process() -> None:
    derive(mlp)
    derive(positions)
    derive(telling)
    names = [*vars(builtins), *sys.modules, *globals()]
    assert not [name for name in names if "symcount" in name and not name.startswith("symcount")]


def test_another_thread_still_gets_its_warnings() -> None:
    def slow(d):
        warnings.warn("from the factory", stacklevel=1)
        started.set()
        heard.wait(5)
        return nn.Linear(d, 3)

    started, heard = threading.Event(), threading.Event()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        thread = threading.Thread(target=derive, args=(slow,))
        thread.start()
        started.wait(5)
        warnings.warn("from elsewhere", stacklevel=1)
        heard.set()
        thread.join()
    assert [str(w.message) for w in caught] == ["from elsewhere"]


def test_eight_threads_derive_what_one_does(eager_switching: None) -> None:
    alone = {factory: derive(factory) for factory in FACTORIES}
    before = state()

    def work(k: int) -> None:
        for place in range(4):
            factory = FACTORIES[(k + place) % len(FACTORIES)]
            assert derive(factory, max_seconds=60) == alone[factory]

    assert not in_threads(8, work)
    assert not changes(before)


def test_questions_in_threads_while_another_derives(eager_switching: None) -> None:
    """z3 answers them in a context for each thread, and none of symcount's is the main one."""
    count, other = derive(branch), derive(lambda d, e: branch(d, e))
    assert first_difference(count, other) is None

    def work(k: int) -> None:
        for _ in range(3):
            assert (derive(branch) == count) if k else count.solve("d", 1000, e=24) == solved

    solved = count.solve("d", 1000, e=24)

    assert not in_threads(3, work)


def test_derivations_in_coroutines() -> None:
    async def both() -> list[Any]:
        return await asyncio.gather(*(asyncio.to_thread(derive, f) for f in (mlp, branch, mlp)))

    assert asyncio.run(both()) == [derive(mlp), derive(branch), derive(mlp)]


# --- forks --------------------------------------------------------------------------------------

FORKS = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


def status_of_child(work: Callable[[], bool]) -> int:
    """What a forked child ends with: 0 if `work` is true there, and 14 if it takes too long."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        try:
            os._exit(0 if work() else 1)
        except BaseException:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def derives() -> bool:
    return derive(lambda d: nn.Linear(d, int(d * 1.5)))(2) == 9


@FORKS
def test_a_child_forked_while_a_thread_derives_can_derive() -> None:
    def slow(d):
        running.set()
        time.sleep(0.05)
        return nn.Linear(d, 3)

    running = threading.Event()
    thread = threading.Thread(target=derive, args=(slow,))
    thread.start()
    assert running.wait(20)
    status = status_of_child(derives)
    thread.join()
    assert status == 0


@FORKS
def test_a_fork_does_not_wait_for_a_long_derivation_and_finds_all_restored() -> None:
    def slow(d):
        random.seed(3)
        torch.set_default_dtype(torch.float64)
        running.set()
        done.wait(20)
        return nn.Linear(d, 3)

    running, done = threading.Event(), threading.Event()
    derive(mlp)
    before = state()
    thread = threading.Thread(target=derive, args=(slow,))
    thread.start()
    assert running.wait(20)
    started = time.perf_counter()
    status = status_of_child(lambda: not changes(before) and derives())
    taken = time.perf_counter() - started
    is_running = not done.is_set() and thread.is_alive()
    done.set()
    thread.join()
    assert status == 0
    assert is_running and taken < 15


@FORKS
def test_a_fork_waits_for_an_import_and_for_z3() -> None:
    frames = []
    for name, waits in (("z3.z3", True), ("importlib._bootstrap", True), ("torch", False)):
        exec("import sys\ndef frame(): return sys._getframe()", names := {"__name__": name})
        frames.append((names["frame"](), waits))
    for frame, waits in frames:
        assert interception._is_locking(frame) is waits


@FORKS
def test_a_factory_that_forks() -> None:
    def factory(d):
        assert status_of_child(lambda: True) == 0
        return nn.Linear(d, 3)

    assert str(derive(factory)) == "3*d + 3"


# --- within others ------------------------------------------------------------------------------


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@pytest.mark.parametrize("factory", FACTORIES)
@pytest.mark.parametrize(
    "around",
    [
        FakeTensorMode,
        lambda: torch.device("meta"),
        torch.no_grad,
        torch.inference_mode,
        lambda: default_dtype(torch.float64),
        lambda: default_dtype(torch.bfloat16),
    ],
)
def test_modes_around_a_derivation(factory: Any, around: Callable[[], Any]) -> None:
    alone = derive(factory)
    with around():
        before = state()
        assert derive(factory) == alone
        assert not changes(before)


def test_a_mode_of_the_caller_sees_nothing_and_is_back() -> None:
    class Loud(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None):
            calls.append(func)
            return func(*args, **kwargs or {})

    calls: list[Any] = []
    with Loud():
        derive(mlp)
        assert not calls
        torch.zeros(3)
        assert calls


def test_rates_that_are_read_with_the_meta_device_around() -> None:
    def factory(d):
        rates = [rate.item() for rate in torch.linspace(0, 1, 3)]
        return nn.Linear(d, 3 if rates[2] == 1 else 5)

    with torch.device("meta"):
        assert str(derive(factory)) == "3*d + 3"


def test_a_default_device_that_the_factory_sets_is_taken_back() -> None:
    def factory(d):
        torch.set_default_device("meta")
        return mlp(d, d)

    with torch.device("cpu"):
        derive(factory)
        assert torch.zeros(2).device.type == "cpu"
    assert torch.zeros(2).device.type == "cpu"


def test_a_derivation_within_a_derivation() -> None:
    def factory(dim, hidden):
        inner = derive(mlp)
        assert str(inner) == expected
        return nn.Linear(int(dim * 0.5), max(hidden, inner(dim=4, hidden=2)))

    expected = str(derive(mlp))
    before = state()
    assert derive(factory)(6, 50) == 200
    assert not changes(before)


# --- control flow -------------------------------------------------------------------------------


def swallowing(d, n):
    layers = []
    for place in range(n):
        try:
            layers.append(nn.Linear(int(d * 1.5), max(place, 3)))
        except BaseException:
            layers.append(nn.Linear(1, 1))
    return nn.ModuleList(layers)


def test_control_flow_that_a_factory_swallows() -> None:
    count = derive(swallowing)
    for d, n in ((4, 1), (5, 7), (9, 30)):
        assert count(d, n) == sum(p.numel() for p in swallowing(d, n).parameters())


def test_a_spent_budget_that_a_factory_swallows() -> None:
    def factory(d):
        for place in range(3):
            try:
                while d > -place:
                    pass
            except BaseException:
                continue
        return nn.Linear(d, 3)

    with pytest.raises(BudgetSpent):
        trace(
            factory,
            symbols={"d": ("d", 4)},
            fixed={},
            settings=Settings(deadline=Deadline(until=clock() + 0.2)),
        )


@pytest.mark.parametrize("kind", [BudgetSpent, Interrupt])
def test_control_flow_never_leaves_derive(kind: type[Interrupt]) -> None:
    def factory(d):
        raise kind

    with pytest.raises(symcount.InternalError, match="factory"):
        derive(factory)


def test_a_mode_that_was_left_behind_passes_everything_on() -> None:
    left: list[Any] = []

    def factory(d):
        left.append(torch._C._get_function_stack_at(torch._C._len_torch_function_stack() - 1))
        return nn.Linear(d, 3)

    derive(factory)
    with left[-1]:
        assert torch.ones(3).sum() == 3 and not torch.ones(3).is_meta


# --- code that is made in the run ---------------------------------------------------------------


def test_code_that_is_made_anew_in_each_run() -> None:
    def factory(d):
        names: dict[str, Any] = {}
        exec("def width(d): return int(d * 1.5)", names)
        return nn.Linear(names["width"](d), 3)

    try:
        assert derive(factory)(21) == 96
    except symcount.DerivationError as error:
        assert not isinstance(error, symcount.InternalError)


def max_of(x):
    return max(3, x.max()) if hasattr(x, "max") else max(3, x)


@pytest.mark.parametrize(
    "factory",
    [
        pytest.param(lambda d: nn.Linear(max_of(d), 1), id="an attribute of the same name"),
        pytest.param(lambda d: nn.Linear(*map(int, (d * 1.5, d))), id="not called by its name"),
        pytest.param(
            lambda d: nn.ModuleList([nn.Linear(int(w), 1) for w in (d, d / 2 + 1)]),
            id="a comprehension",
        ),
        pytest.param(
            lambda d: nn.Linear((lambda w: int(w))(d * 0.3) + 1, 1), id="a function in it"
        ),
    ],
)
def test_names_are_followed_wherever_they_stand(factory: Any) -> None:
    count = derive(factory)
    for d in (1, 5, 8, 31):
        assert count(d) == sum(p.numel() for p in factory(d).parameters())


def test_a_module_that_a_function_imports() -> None:
    def factory(d):
        import math as m
        from math import isqrt

        return nn.Linear(isqrt(d), m.ceil(d / 3))

    assert derive(factory)(10) == 3 * 4 + 4
