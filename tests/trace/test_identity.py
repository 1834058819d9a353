"""Comparisons of identities are noticed in whatever code they stand, and cost no other code."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from torch import nn

from symcount import derive
from symcount.executed import Executed
from symcount.trace import identity

LIMITS = {"largest": 5000}


def plainly(d):
    return nn.Linear(d, 3 if d is LIMITS["largest"] else 4)


class Method(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.lin = nn.Linear(d, 3 if d is LIMITS["largest"] else 4)


class WithKeywords(nn.Module):
    def __init__(self, *sizes, out=4, **more):
        super().__init__()
        self.lin = nn.Linear(*sizes, 3 if sizes[0] is LIMITS["largest"] else out)


def widths(d):
    yield 3 if d is LIMITS["largest"] else 4


def in_a_generator(d):
    return nn.Linear(d, *widths(d))


def in_a_nested_function(d):
    def width(of):
        return 3 if of is LIMITS["largest"] else 4

    return nn.Linear(d, width(d))


def in_an_expression(d):
    return nn.ModuleList([nn.Linear(d, 3 if d is x else 4) for x in LIMITS.values()])


def frame_of_caller(d):
    caller = sys._getframe(1).f_code.co_name
    return nn.Linear(d, 3 if d is LIMITS["largest"] else len(caller))


def seen_by_its_caller(d):
    return frame_of_caller(d)


FACTORIES = [
    plainly, Method, lambda d: Method(d), lambda d: WithKeywords(d, out=4), in_a_generator,
    in_a_nested_function, in_an_expression, seen_by_its_caller,
]  # fmt: skip


@pytest.mark.parametrize("factory", FACTORIES)
def test_a_comparison_of_identities_is_an_assumption(factory: Callable[..., Any]) -> None:
    certificate = derive(factory).certificate
    assert certificate.grade == "checked"
    assumption = next(each for each in certificate.assumptions if "identity" in each.kind)
    assert assumption.symbols == ("d",)
    assert "identity" in assumption.kind


def test_a_function_in_which_identities_are_compared_is_itself_again() -> None:
    code = plainly.__code__, Method.__init__.__code__
    derive(plainly)
    derive(Method)
    assert (plainly.__code__, Method.__init__.__code__) == code
    assert sys.gettrace() is None


def test_the_frames_around_are_those_of_the_factory() -> None:
    assert str(derive(seen_by_its_caller)) == str(
        18 * derive(nn.Linear, out_features=1).expr
    ).replace("in_features", "d")


@pytest.mark.parametrize("name", ["_node", "_run", "node", "hint", "__slots__", "__dict__"])
def test_a_symbol_has_no_attribute_that_a_number_has_not(name: str) -> None:
    def factory(d):
        is_large = not hasattr(d, name) and d >= 5000
        return nn.Linear(d, 4 if is_large and not hasattr(d * 2.0, name) else 3)

    count = derive(factory)
    for d in (64, 4999, 5000, 20_011):
        assert count(d) == d * (4 if d >= 5000 else 3) + (4 if d >= 5000 else 3)


def rounded_and_compared(d):
    width = int(d * 1.0)
    if width is LIMITS["largest"] or width % 2 == 0:
        width = max(width, 8)
    return nn.Linear(width, int(width / 2) + 1)


def test_a_function_in_which_identities_are_compared_is_intercepted_too() -> None:
    count = derive(rounded_and_compared)
    for d in (1, 2, 9, 64, 65):
        assert count(d) == sum(p.numel() for p in rounded_and_compared(d).parameters())


def swallowing(error):
    try:
        raise error
    except ValueError as exc:
        return exc is error
    except TypeError as exc:
        if exc.__cause__ is error:
            return True
    except KeyError as exc:
        print(exc)
        exc = error
        return exc is error
    return error is LIMITS


def test_an_exception_is_no_number() -> None:
    executed = Executed()
    with executed.collecting():
        for error in (ValueError(), TypeError(), KeyError()):
            swallowing(error)
    code = swallowing.__code__
    (offsets,) = identity.places({code: executed[code]}).values()
    lines = [
        line - code.co_firstlineno
        for a, b, line in code.co_lines()
        for at in offsets
        if a <= at < b and line
    ]
    assert lines == [11], "where the name is bound to something else"
