"""Products of tensors: equations of `einsum`, and attention."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import symcount
from tests.brute_force import assert_exact, plain_sizes
from tests.operations import Holds, e

EQUATIONS = [
    "ab,bc->ac",
    "ab,ba",
    "a,a",
    "aab->b",
    "a...,b...->ab...",
    "ab,b->ba",
    "...a,...b->...",
]


@pytest.mark.parametrize("equation", EQUATIONS)
@pytest.mark.parametrize("other", [(3,), (3, 2), (2, 3), (1, 3, 2)])
def test_einsum(equation: str, other: tuple[int, ...]) -> None:
    def factory(d: int, w: int) -> nn.Module:
        terms = equation.partition("->")[0].count(",") + 1
        return Holds(torch.einsum(equation, *[e(d, w, 2)[:, :, 0], e(*other)][:terms]))

    grid = {"d": range(1, 5), "w": range(1, 5)}
    points = [{"d": d, "w": w} for d in grid["d"] for w in grid["w"]]
    if all(isinstance(plain_sizes(factory, **point), Exception) for point in points):
        return
    assert_exact(factory, declared={n: symcount.Symbol(max=4) for n in "dw"}, **grid)


class Attends(nn.Module):
    """A transformer that is run to learn the size of what comes out of it."""

    def __init__(self, d: int, h: int, n: int) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(d, h, 4 * d, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, n, enable_nested_tensor=False).eval()
        with torch.no_grad():
            out = self.encoder(torch.zeros(1, 5, d))
        self.head = nn.Linear(out.flatten(1).shape[1], 3)


def test_a_forward_pass_of_a_transformer() -> None:
    count = assert_exact(Attends, d=(4, 6, 8), h=(1, 2, 3), n=(1, 2, 5))
    assert count.certificate.grade == "complete"
