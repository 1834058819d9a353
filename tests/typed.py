"""What type checkers know of the public names: `mypy` reads this file, and nothing runs it.

An ignored error that there is no more is an error too, so what is to be refused stays refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import sympy
import torch
from numpy.typing import NDArray

import symcount
from symcount import BlueprintSpec, Breakdown, ParamCount, StoredFormulas

if TYPE_CHECKING:
    from typing_extensions import assert_type


def names(count: ParamCount) -> None:
    symcount.dervie  # type: ignore[attr-defined]  # noqa: B018
    count.totl  # type: ignore[attr-defined]  # noqa: B018
    count.tree  # type: ignore[attr-defined]  # noqa: B018
    count.latex()  # type: ignore[attr-defined]
    assert_type(symcount.derive(torch.nn.Linear), ParamCount)
    assert_type(symcount.load("formulas.json"), StoredFormulas[ParamCount])
    assert_type(symcount.load("formulas.json").get("it"), ParamCount | None)
    assert_type(symcount.load("formulas.json").get("it", 0), ParamCount | int)
    assert_type(symcount.blueprints.get("cnn", "norm"), BlueprintSpec)


def questions(count: ParamCount, d: sympy.Symbol) -> None:
    assert_type(count.solve("d", 7e9), int)
    assert_type(count.solve("d", "7B", want="nearest", between=(1, None), n=2), int)
    assert_type(count.solve("d", 1000, want="exact"), list[int])
    count.solve("d", 1000, want="best")  # type: ignore[call-overload]
    for symbol in ("d", d, *count.symbols, *count.hyperparameters):
        assert_type(count.solve(symbol, 1000), int)
        assert_type(count.valid_values(symbol), list[int])
        count.marginal(symbol, d=64)
        count.growth(symbol)
        count.compare(count, over=symbol)
        count.share()["1"].limit(symbol)
        count.active(per_token=symbol)
        count.memory(shards=symbol)


def values(count: ParamCount, sizes: NDArray[np.int64], tensor: torch.Tensor) -> None:
    assert_type(count(64, n=2), int)
    assert_type(count.valid(64, n=2), bool)
    assert_type(count.valid(sizes, n=2), NDArray[np.bool_])
    assert_type(count.valid(64, n=tensor), torch.Tensor)
    assert_type(count.evaluate(sizes, n=range(3)), NDArray[np.int64])
    assert_type(count.evaluate(sizes, dtype="float64"), NDArray[np.float64])
    assert_type(count.evaluate(sizes, n=tensor), torch.Tensor)
    count.evaluate("64")  # type: ignore[call-overload]


def formulas(count: ParamCount) -> None:
    assert_type(count.nbytes, ParamCount)
    assert_type(count.breakdown(), Breakdown[ParamCount])
    assert_type(count.memory("bf16").total, ParamCount)
    assert_type(count.by_dtype(), dict[str, ParamCount])
    assert_type(3 * count - count // 2 + 1, ParamCount)
    assert_type(count.rename(d="e").short(n="k"), ParamCount)
    assert_type(count.page(), str)
    count + "1"  # type: ignore[operator]
