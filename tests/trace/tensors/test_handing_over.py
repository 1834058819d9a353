"""Objects with a `__torch_function__` of their own decide what becomes of a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import fx, nn

from symcount import derive


class Box:
    """A tensor in a box, as TensorDict has several."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.linalg.norm:
            return NotImplemented
        return cls(func(*map(_unboxed, args), **(kwargs or {})))


def _unboxed(value: Any) -> Any:
    if isinstance(value, Box):
        return value.tensor
    return [_unboxed(item) for item in value] if type(value) is list else value


def no_implementation(d: int) -> Any:
    with pytest.raises(TypeError, match="no implementation"):
        torch.linalg.norm(Box(torch.ones(2, d)))  # type: ignore[arg-type]
    return Box(torch.ones(d))


BOXED: dict[str, Callable[[int], Any]] = {
    "4*d": lambda d: torch.stack([Box(torch.ones(2, d))] * 2),  # type: ignore[list-item]
    "4*d ": lambda d: torch.cat([Box(torch.ones(2, d)), torch.ones(2, d)], 1),  # type: ignore[list-item]
    "2*d": lambda d: torch.add(Box(torch.ones(d)), torch.ones(2, 1)),  # type: ignore[call-overload]
    "2*d ": lambda d: torch.reshape(Box(torch.ones(2, d)), (d, 2)),  # type: ignore[arg-type]
    "d**2": lambda d: torch.matmul(Box(torch.ones(d, 2)), torch.ones(2, d)),  # type: ignore[arg-type]
    "d": no_implementation,
}


@pytest.mark.parametrize("formula", BOXED)
def test_an_object_decides_and_what_it_calls_is_followed(formula: str) -> None:
    def boxed(d: int = 8) -> nn.Module:
        module = nn.Module()
        module.made = nn.Parameter(BOXED[formula](d).tensor)
        return module

    assert str(derive(boxed)) == formula.strip()


def test_a_graph_is_written_by_proxies() -> None:
    class Written(nn.Module):
        def __init__(self, d: int) -> None:
            super().__init__()
            self.line = nn.Linear(d, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.line(x)
            return torch.stack([torch.einsum("ij,ij->i", x, x), torch.cat([x, x]).sum(1)])

    count = derive(lambda d=8: fx.symbolic_trace(Written(d)))
    assert str(count) == "3*d + 3"
