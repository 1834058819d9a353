"""Leave most of many alike examples to `make test-all`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest


def mostly_slow(examples: Iterable[Any], every: int, name: Callable[[Any], str] = str) -> list[Any]:
    """Return examples for a test, of which all but one in `every` are slow."""
    return [
        pytest.param(example, marks=pytest.mark.slow if k % every else (), id=name(example))
        for k, example in enumerate(examples)
    ]
