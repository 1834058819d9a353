"""Assert in a test what a factory's formula is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from symcount.errors import ArgumentError, UndecidedError
from symcount.symbols import everywhere

if TYPE_CHECKING:
    import sympy

    from symcount.formula.expressions import Expression
    from symcount.param_count import ParamCount
    from symcount.questions.equality import Difference

__all__ = ["assert_param_count"]


def assert_param_count(
    factory: Callable[..., Any],
    expected: str | int | sympy.Expr | ParamCount,
    /,
    **keywords: Any,
) -> ParamCount:
    """Derive a factory's parameter count, and pass only if it is proved to be the expected one.

    The two are compared as functions, not as texts. An expression has to give the same count
    wherever the formula holds; a `ParamCount` has to hold at the same sizes too. What is neither
    proved nor refuted fails.

    Args:
        factory: as for `symcount.derive`.
        expected: what the count is to be. A text is an expression of integers and the formula's
            symbols with `+ - * / // % **`, min, max, floor, ceil and Mod; it is parsed, never run.
            A number, a sympy expression of the same kind or a formula will do too.
        **keywords: as for `symcount.derive`: values and symbols of the factory's parameters, and
            the options `strict`, `max_paths` and `max_seconds`.

    Returns:
        The formula that was derived.

    Raises:
        AssertionError: the counts differ, or are not proved to be the same. The message has both
            formulas, the domain, and the first size at which they differ, with both counts.
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
    from symcount.api import derive
    from symcount.questions.equality import first_difference

    count = derive(factory, **keywords)
    wanted = _expectation(expected, count)
    try:
        first = first_difference(count, wanted)
    except UndecidedError:
        raise AssertionError(_failure(count, wanted, None)) from None
    if first is not None:
        raise AssertionError(_failure(count, wanted, first))
    return count


def _expectation(expected: Any, count: ParamCount) -> ParamCount | Expression:
    from symcount.formula import expressions
    from symcount.param_count import ParamCount

    if isinstance(expected, ParamCount):
        return expected
    wanted = expressions.read(expected, "expected")
    known = [h.name for h in count.hyperparameters]
    unknown = [name for name in wanted.names if name not in known]
    if unknown:
        raise ArgumentError(
            f"expected={expected!r}: the formula of {count.factory} has no symbol "
            f"{', '.join(map(repr, unknown))}; its symbols are: {', '.join(known) or 'none'}"
        )
    floats = [h.name for h in count.hyperparameters if h.real and h.name in wanted.names]
    if floats:
        raise ArgumentError(
            f"expected={expected!r}: {floats[0]} is a float, and computing with floats rounds; "
            "give a formula, such as another symcount.derive(...)"
        )
    return wanted


def _failure(count: ParamCount, wanted: ParamCount | Expression, first: Difference | None) -> str:
    from symcount.display.console import domain_text

    everything = everywhere(count.hyperparameters)
    lines = [
        f"{count.factory} does not have the expected parameter count",
        f"  expected:   {wanted}",
        f"  derived:    {count}",
        f"  domain:     {domain_text(count, everything)}",
    ]
    if first is None:
        lines[0] = f"{count.factory} is not proved to have the expected parameter count"
        lines.append("  undecided:  no size was found at which they differ, and no proof")
        return "\n".join(lines)
    if not isinstance(wanted, tuple) and wanted.domain != count.domain:
        lines.insert(2, f"   of domain: {domain_text(wanted, everything)}")
    order = "first size:" if first.is_first else "they differ at:"
    there, here = _said(first.right, wanted), _said(first.left, count)
    lines.append(f"  {order} {first.where}: {there} expected, {here} derived")
    return "\n".join(lines)


def _said(number: int | None, of: ParamCount | Expression) -> str:
    from symcount.questions.equality import said

    return "no integer" if number is None and isinstance(of, tuple) else said(number)
