"""The state of the process that a factory may disturb: saved, restored, and watched.

Random number generators (Python's, torch's and, if it is loaded, numpy's), torch's default dtype
and device, the grad mode and the warnings filters.
"""

from __future__ import annotations

import random
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch


def reseed(seed: int) -> None:
    """Seed every generator that is loaded."""
    random.seed(seed)
    torch.manual_seed(seed)
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed(seed)


@contextmanager
def restored() -> Iterator[Callable[[], bool]]:
    """Restore the ambient state on exit, and ignore warnings until then.

    The yielded function tells whether random numbers have been drawn.
    """
    numpy_random: Any = sys.modules.get("numpy.random")
    generators = random.getstate(), torch.get_rng_state()
    numpy_state = numpy_random.get_state() if numpy_random else None
    dtype, grad, device = torch.get_default_dtype(), torch.is_grad_enabled(), _device_context()

    def drew() -> bool:
        if random.getstate() != generators[0]:
            return True
        if not torch.equal(torch.get_rng_state(), generators[1]):
            return True
        if numpy_state is None:
            return False
        now = numpy_random.get_state()
        return bool(now[2] != numpy_state[2] or (now[1] != numpy_state[1]).any())

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield drew
    finally:
        random.setstate(generators[0])
        torch.set_rng_state(generators[1])
        if numpy_state is not None:
            numpy_random.set_state(numpy_state)
        if torch.get_default_dtype() is not dtype:
            torch.set_default_dtype(dtype)
        if torch.is_grad_enabled() != grad:
            torch.set_grad_enabled(grad)
        if _device_context() is not device:
            torch.set_default_device(None if device is None else device.device)


def _device_context() -> Any:
    """The context that `torch.set_default_device` has entered, if any."""
    return getattr(getattr(torch, "_GLOBAL_DEVICE_CONTEXT", None), "device_context", None)
