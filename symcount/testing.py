"""Assert in a test what a factory's formula is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sympy

    from symcount.param_count import ParamCount

__all__ = ["assert_param_count"]


def assert_param_count(
    factory: Callable[..., Any],
    expected: Callable[..., Any] | str | int | sympy.Expr | ParamCount,
    /,
    **keywords: Any,
) -> ParamCount:
    """Derive a factory's parameter count, and pass only if it is proved to be the expected one.

    The two are compared as functions, not as texts. An expression has to give the same count
    wherever the formula holds; a `ParamCount` has to hold at the same sizes too. What is neither
    proved nor refuted fails. A function passes too if what is proved of it rests on assumptions
    that were tried, as for what a loop adds up, unless `strict=True` is given.

    Args:
        factory: as for `symcount.derive`.
        expected: what the count is to be. A text is an expression of integers and the formula's
            symbols with `+ - * / // % **`, min, max, floor, ceil and Mod; it is parsed, never run.
            A number, a sympy expression of the same kind or a formula will do too, and a function
            that counts by hand, which is called and followed as `symcount.compare` says.
        **keywords: as for `symcount.derive`: values and symbols of the factory's parameters, and
            the options `strict`, `max_paths` and `max_seconds`.

    Returns:
        The formula that was derived.

    Raises:
        AssertionError: the counts differ, or are not proved to be the same. The message has both
            formulas, the domain, the first size at which they differ, with both counts, and of
            a function the terms that differ.
        ArgumentError: `expected` is no such expression, or has symbols that the formula has not.
        DerivationError: there is no formula.

    >>> from torch import nn
    >>> from symcount.testing import assert_param_count
    >>> count = assert_param_count(nn.MultiheadAttention, "4*embed_dim*(embed_dim + 1)")
    >>> assert_param_count(nn.Linear, "in_features*out_features")
    Traceback (most recent call last):
      ...
    AssertionError: Linear does not have the expected parameter count
      expected:   in_features*out_features
      derived:    in_features*out_features + out_features
      domain:     all positive integers
      first size: in_features=1, out_features=1: 1 expected, 2 derived
    """
    __tracebackhide__ = True
    from symcount.api import compare

    agreement = compare(factory, expected, **keywords)
    is_proved = agreement.verdict == "equal" or (
        agreement.verdict == "checked" and not keywords.get("strict")
    )
    if not is_proved:
        raise AssertionError(str(agreement))
    return agreement.count
