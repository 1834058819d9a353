"""Tracing leaves the process as it found it, and importing symcount loads next to nothing."""

from __future__ import annotations

import builtins
import math
import random
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest
import torch
from torch import nn

import symcount
from symcount import derive


def ok(dim):
    w = int(dim * 0.3) + math.ceil(math.sqrt(dim)) + max(1, dim // 4)
    nn.init.trunc_normal_(torch.empty(3))
    return nn.Sequential(nn.Linear(dim, w), *(nn.Linear(w, 1) for _ in range(2)))


def disturbing(dim):
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    torch.set_grad_enabled(False)
    warnings.simplefilter("ignore")
    return ok(dim)


def failing(dim):
    disturbing(dim)
    raise RuntimeError(int(dim * 0.5))


def interrupted(dim):
    disturbing(dim)
    raise KeyboardInterrupt


def state() -> dict[str, object]:
    numpy_state = np.random.get_state()
    return {
        "builtins": dict(vars(builtins)),
        "math": dict(vars(math)),
        "random": random.getstate(),
        "numpy": (numpy_state[1].tobytes(), numpy_state[2]),
        "torch": torch.get_rng_state().numpy().tobytes(),
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "grad": torch.is_grad_enabled(),
        "filters": list(warnings.filters),
        "init": dict(vars(torch.nn.init)),
        "tensor": {k: v for k, v in vars(torch.Tensor).items() if not k.startswith("__abst")},
        "modules": {
            name: {k: id(v) for k, v in vars(module).items()}
            for name, module in list(sys.modules.items())
            if name.split(".")[0] in ("torch", "numpy", "math", "tests", __name__, "operator")
            and hasattr(module, "__dict__")
        },
    }


@pytest.mark.parametrize("factory", [ok, disturbing, failing, interrupted])
def test_everything_is_as_before(factory) -> None:
    derive(ok)  # what is imported and cached once
    before = state()
    try:
        derive(factory)
    except (symcount.FactoryError, KeyboardInterrupt):
        assert factory in (failing, interrupted)
    after = state()
    for name in before:
        assert after[name] == before[name], name


def test_an_interrupt_is_not_swallowed() -> None:
    with pytest.raises(KeyboardInterrupt):
        derive(interrupted)
    assert str(derive(lambda dim: nn.Linear(dim, 1))) == "dim + 1"


def test_modules_imported_while_tracing_keep_nothing_of_it(tmp_path, monkeypatch) -> None:
    (tmp_path / "imported_while_tracing.py").write_text(
        "from math import sqrt\nfrom torch.nn.init import xavier_uniform_\n"
        "from torch import arange, Tensor\nimport math\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    def factory(dim):
        if dim > 100:  # not taken at the first, plain, call
            import imported_while_tracing

            assert imported_while_tracing.math.sqrt(dim) > 1
        return nn.Linear(dim, math.isqrt(dim))

    derive(factory)
    import imported_while_tracing as module

    assert module.sqrt is math.sqrt and module.math is math
    assert module.xavier_uniform_ is torch.nn.init.xavier_uniform_
    assert module.arange is torch.arange and module.Tensor is torch.Tensor


def test_other_threads_compute_as_ever() -> None:
    """While one thread traces, another initialises a real layer and calls shadowed functions."""
    stop = threading.Event()
    wrong: list[object] = []

    def work() -> None:
        while not stop.is_set():
            layer = nn.Linear(8, 8)
            if layer.weight.is_meta or not layer.weight.abs().sum() > 0:
                wrong.append(layer)
            if not isinstance(int(2.5), int) or max(1, 2) != 2 or torch.arange(3).is_meta:
                wrong.append("arithmetic")

    thread = threading.Thread(target=work)
    thread.start()
    deadline = time.monotonic() + 0.5
    while time.monotonic() < deadline:
        derive(ok)
    stop.set()
    thread.join()
    assert not wrong


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


LOADED = "import sys; print(sorted({m.split('.')[0] for m in sys.modules} & {'torch', 'sympy'}))"


@pytest.mark.parametrize(
    ("code", "loaded"),
    [
        ("import symcount", "[]"),
        ("import symcount; symcount.Symbol(min=2); symcount.DomainError", "[]"),
        ("import symcount.cli", "[]"),
        ("import symcount; symcount.derive; symcount.load; symcount.save", "[]"),
        ("import symcount.derivation.pipeline", "['torch']"),
        ("import torch, sympy", "['sympy', 'torch']"),  # the check itself can fail
    ],
)
def test_torch_and_sympy_load_when_something_needs_them(code: str, loaded: str) -> None:
    sympy_comes_with_torch = run_python(f"import torch; {LOADED}")
    if loaded == "['torch']":
        loaded = sympy_comes_with_torch
    assert run_python(f"{code}; {LOADED}") == loaded


PEAK = """
import torch
import symcount
from symcount import blueprints
from symcount.blueprints import transformer

def peaks():  # KiB: most ever resident since the reset, most ever mapped
    fields = dict(line.split(":") for line in open("/proc/self/status"))
    return [int(fields[name].split()[0]) for name in ("VmHWM", "VmPeak")]

def work():
    count = symcount.derive(transformer.create_mlp, dim=symcount.Symbol(min=65536))
    assert count(65536) == 34_360_066_048
    assert blueprints.get("transformer", "mlp").actual_param_count(65536) == 34_360_066_048

work()
open("/proc/self/clear_refs", "w").write("5")
before = peaks()
{extra}
work()
print(*(now - then for now, then in zip(peaks(), before)))
"""
PROC = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="peak memory is read from /proc"
)


def growth_in_kib(extra: str = "") -> list[int]:
    return [int(kib) for kib in run_python(PEAK.format(extra=extra)).split()]


@PROC
def test_no_parameter_sized_memory() -> None:
    """34 billion parameters, derived and evaluated at that size: less than 5 MiB more at peak."""
    resident, mapped = growth_in_kib()
    assert resident < 5 * 1024
    assert mapped < 1024 * 1024


@PROC
def test_the_memory_test_would_see_one_weight() -> None:
    """A small part of one weight, filled; and a larger part, mapped and never touched."""
    resident, _ = growth_in_kib("weight = torch.ones(65536, 32)")
    assert resident > 5 * 1024
    _, mapped = growth_in_kib("weight = torch.empty(65536, 8192)")
    assert mapped > 1024 * 1024
