"""Each wrong case that was found, by name. Those that still fail say so, strictly."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import symcount
from symcount import Symbol
from tests.brute_force import assert_exact


def line(size: Any) -> nn.Module:
    return nn.Linear(size, 1, bias=False)


def after(unused: Any, module: nn.Module) -> nn.Module:
    return module


def ladder(depth: int = 120) -> nn.Module:
    return nn.ModuleList([nn.Linear(2, 2) for i in range(150) if i < depth])


def test_a_ladder_of_a_hundred_conditions_evaluates() -> None:
    """Each condition indented the compiled code once more, and Python allows a hundred levels."""
    assert_exact(ladder, depth=(119, 120, 121))


def test_rounding_to_digits_of_a_constant() -> None:
    assert_exact(lambda d: line(int(100 * round((d - d + 1) * 0.123, 2)) + d), d=range(1, 20))


def test_rounding_to_digits_evaluates_in_sympy() -> None:
    count = symcount.derive(lambda d: line(int(10 * round(d * 0.3, 1))))
    (d,) = count.symbols
    assert [count.expr.subs(d, n) for n in range(1, 30)] == [count(n) for n in range(1, 30)]


def test_nested_remainders_derive_at_once() -> None:
    def factory(d: int) -> nn.Module:
        for n in range(30):
            d = (d * 3 + 1) % (97 + n)
        return line(d + 1)

    assert_exact(factory, d=range(1, 40))


def _loop_to_a_ceiling(d: int) -> nn.Module:
    return nn.Sequential(*[line(2) for _ in range(-(-d // 3))])


def _root_elsewhere(d: int) -> nn.Module:
    return line(int(math.isqrt(d - 5) * 0.5) + 1) if d >= 5 else line(1)


def _root_of_negative(d: int) -> nn.Module:
    return line(abs(int((d - 8) ** 0.5)) + 1)


def _quotient_of_zero(d: int) -> nn.Module:
    v = d % 16
    return line(abs(math.floor(int(d / v) * 0.75)) + 1)


NOT_YET: dict[str, tuple[Callable[[Any], nn.Module], str]] = {
    "numpy_float32": (
        lambda d: line(int(np.float32(0.29) * d) + 1),
        "WRONG FORMULA at 100 and 200: np.float32 * symbol is taken for float64",
    ),
    "loop_to_a_ceiling": (
        _loop_to_a_ceiling,
        "NondeterministicError: at 1 the specialised condition is d >= 4, elsewhere an equation",
    ),
    "limit_undefined_on_another_path": (
        _root_elsewhere,
        "ValueError: limits are evaluated before the path is known",
    ),
    "limit_undefined_where_refused": (
        _quotient_of_zero,
        "ZeroDivisionError instead of DomainError: as above, in ParamCount._domain_error",
    ),
    "negative_to_a_fractional_power": (
        _root_of_negative,
        "no branch on the sign of the base; and IndexError in ParamCount._domain_error",
    ),
    "dead_logarithm_of_a_base": (
        lambda d: after(math.log(d - 5, 2), line(d)),
        "no branch on the first argument of math.log(x, base)",
    ),
    "dead_arc_cosine": (
        lambda d: after(math.acos(d / 20), line(d)),
        "no branch on the range of acos",
    ),
    "dead_combinations": (
        lambda d: after(math.comb(d - 5, 2), line(d)),
        "no branch on the sign of comb's arguments",
    ),
    "negative_deviation": (
        lambda d: nn.ParameterList([nn.init.normal_(torch.empty(d), std=1 - d * 0.05)]),
        "initialisers are skipped, and with them the error of torch",
    ),
    "dirac": (
        lambda d: nn.ParameterList([nn.init.dirac_(torch.empty(d, 2, 3), groups=2)]),
        "initialisers are skipped, and with them the error of torch",
    ),
}


@pytest.mark.parametrize(
    "factory",
    [
        pytest.param(f, id=name, marks=pytest.mark.xfail(reason=why, strict=True))
        for name, (f, why) in NOT_YET.items()
    ],
)
def test_not_mended_yet(factory: Callable[[Any], nn.Module]) -> None:
    assert_exact(factory, declared={"d": Symbol(max=240)}, d=range(1, 241))


@pytest.mark.xfail(reason="verification points overflow torch's storage size", strict=True)
def test_products_of_sizes_beyond_torch() -> None:
    symcount.derive(lambda a, b, c: nn.Linear(a * b * c * 512, a * b * c * 512))


def test_sizes_beyond_the_limits_of_floats() -> None:
    """There `d + 1.5` rounds, which the normal form of a branch must not take for exact."""
    assert_exact(
        lambda d: line(3 if int(d + 1.5) == d + 1 else 5),
        declared={"d": Symbol(min=2**53)},
        d=range(2**53, 2**53 + 20),
    )


@pytest.mark.xfail(reason="InternalError: explore runs at hints beyond a limit", strict=True)
def test_a_default_beyond_the_limits_of_floats() -> None:
    count = symcount.derive(lambda d=2**53: line(3 if int(d + 1.5) == d + 1 else 5))
    assert count(64) == 3
