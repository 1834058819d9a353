"""Brute force: a formula against the modules that its factory builds, at every point of a grid."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import nn

import symcount
from symcount import DomainError, ParamCount


def plain_sizes(factory: Callable[..., nn.Module], **values: Any) -> dict[str, int] | Exception:
    """The numel of each parameter and buffer of the module built here, or what the factory raises.

    Nothing of symcount is involved: the module is built by calling the factory, on the meta device.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with torch.device("meta"):
                module = factory(**values)
        except Exception as error:
            return error
    tensors = [("parameter", module.named_parameters()), ("buffer", module.named_buffers())]
    return {f"{kind} {name}": t.numel() for kind, named in tensors for name, t in named}


def disagreement(
    count: ParamCount, factory: Callable[..., nn.Module], point: Mapping[str, int], **fixed: Any
) -> str | None:
    """How the formula and the factory disagree at a point, or None.

    Where the factory raises, the formula must raise `DomainError`, and where it builds a module,
    the formulas of parameters and of buffers must say how large.
    """
    sizes = plain_sizes(factory, **point, **fixed)
    for formula, kind in ((count, "parameter"), (count.buffers, "buffer")):
        try:
            said: object = formula(**point)
        except DomainError:
            said = "DomainError"
        if isinstance(sizes, Exception):
            built: object = "DomainError"
        else:
            built = sum(n for name, n in sizes.items() if name.startswith(kind))
        if said != built:
            why = f" ({type(sizes).__name__}: {sizes})" if isinstance(sizes, Exception) else ""
            return f"at {dict(point)} the {kind}s are {built}{why}, the formula says {said}"
    return None


def grid(values: Mapping[str, Iterable[int]]) -> list[dict[str, int]]:
    """Every combination of the values of the symbols."""
    return [dict(zip(values, p, strict=True)) for p in itertools.product(*values.values())]


def assert_exact(
    factory: Callable[..., nn.Module],
    /,
    *,
    declared: Mapping[str, Any] | None = None,
    **values: Iterable[int],
) -> ParamCount:
    """Derive the formula of `factory`, compare it at every point of the grid, and return it.

    `declared` goes to `derive`: a `Symbol(...)` for those in the grid, and fixed values.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        count = symcount.derive(factory, **(declared or {}))
    fixed = {name: value for name, value in (declared or {}).items() if name not in values}
    wrong = [disagreement(count, factory, point, **fixed) for point in grid(values)]
    found = [w for w in wrong if w is not None]
    assert not found, f"{count} is wrong at {len(found)} of {len(wrong)} points: {found[:3]}"
    return count
