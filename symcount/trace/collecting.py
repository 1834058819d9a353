"""Collect what a run has made: the tensors of the module, or the exception it ended in."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Any

import torch
from torch import nn

from symcount.errors import (
    NotAModuleError,
    UninitializedParameterError,
)
from symcount.record import (
    Shape,
    Source,
)
from symcount.trace.proxies import (
    SymInt,
)
from symcount.trace.result import Raised, TracedTensor

# What made a tensor of which each device has a part (`torch.distributed.tensor.DTensor`).
SHARDED = "sharding"


def raised_by(error: BaseException) -> Raised:
    """Return what an exception said, and the innermost line of the user's code that it passed."""
    source = None
    step = error.__traceback__
    here = __file__.rsplit("/", 2)[0]
    while step is not None:
        name = step.tb_frame.f_code.co_filename
        if not name.startswith((here, torch.__path__[0])):
            source = Source(name, step.tb_lineno, step.tb_frame.f_code.co_name)
        step = step.tb_next
    return Raised(type(error).__name__, str(error), source)


def collected(module: object, mode: Any) -> tuple[TracedTensor, ...]:
    if not isinstance(module, nn.Module):
        raise NotAModuleError(
            f"it returned {_describe(module)}, not a torch.nn.Module. Return the module it builds."
        )
    found: list[TracedTensor] = []
    aliases = _aliases(module)
    with torch._C.DisableTorchFunction():
        for name, parameter in module.named_parameters():
            _require_shape(name, parameter, "parameter", mode)
            found.append(_traced(name, parameter, "parameter", parameter.requires_grad, mode))
        for name, buffer in module.named_buffers():
            _require_shape(name, buffer, "buffer", mode)
            found.append(_traced(name, buffer, "buffer", False, mode))
    return tuple(replace(each, aliases=aliases.get(each.name, ())) for each in found)


def _require_shape(name: str, tensor: torch.Tensor, kind: str, mode: Any) -> None:
    """Raise for a tensor that has no shape yet."""
    lazy: bool = torch.nn.parameter.is_lazy(tensor)
    if lazy:
        known = mode.known.get(id(tensor))
        made = f" (made at {known.frame.source})" if known else ""
        raise UninitializedParameterError(
            f"{kind} {name!r} is lazy{made}: its shape is known only after a first "
            "forward pass, so the hyper-parameters do not determine the count. Use the "
            "eager layer with explicit sizes (nn.Linear, not nn.LazyLinear)."
        )


# How many names are looked through for each tensor: modules within modules that are shared have
# exponentially many.
_MOST_NAMES = 16


def _aliases(module: nn.Module) -> dict[str, tuple[str, ...]]:
    """Find the other names of tensors that have several, by the first."""
    tensors = list(module.named_parameters())
    both: dict[int, list[str]] = {id(tensor): [] for _, tensor in tensors}
    names = module.named_parameters(remove_duplicate=False)
    for name, tensor in islice(names, _MOST_NAMES * len(tensors)):
        both[id(tensor)].append(name)
    return {first: tuple(others) for first, *others in both.values() if others}


def _traced(name: str, tensor: torch.Tensor, kind: str, trainable: bool, mode: Any) -> TracedTensor:
    known = mode.known.get(id(tensor))
    shape: Shape | None = None
    if known is not None and known.shape is not None:
        shape = tuple(s._symcount_node if type(s) is SymInt else s for s in known.shape)
    return TracedTensor(
        name=name,
        shape=shape,
        dtype=str(tensor.dtype).removeprefix("torch."),
        itemsize=tensor.itemsize,
        kind=kind,
        trainable=trainable,
        frame=None if known is None else known.frame,
        operation=_made_by(tensor, known),
        tags=() if known is None else known.tags,
    )


def _made_by(tensor: torch.Tensor, known: Any) -> str:
    """Return what made a tensor, as far as it says so."""
    if type(tensor).__module__.startswith("torch.distributed."):
        return SHARDED
    return "" if known is None else str(known.operation)


def _describe(value: object) -> str:
    if value is None:
        return "None"
    kind = value.__class__.__name__  # a symbol says int
    return f"an {kind}" if kind[0] in "aeiouAEIOU" else f"a {kind}"
