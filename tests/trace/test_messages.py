"""A comparison that decides about a message alone is no branch; any other is."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from torch import nn

from symcount import derive

logger = logging.getLogger(__name__)
logger.addHandler(logging.NullHandler())
logger.propagate = False
NAME, UNIT = "layer", "px"
SEEN: list[int] = []


class Sizes:
    limit = 7

    def __init__(self):
        self.most = 5000

    @property
    def noted(self):
        SEEN.append(1)
        return 1


SIZES = Sizes()


class Hiding:
    @property
    def most(self):
        raise ValueError("no size")


HIDING = Hiding()
vars(HIDING)["most"] = 5000


def warned(d):
    if d > 5000:
        warnings.warn(f"{d} is large", UserWarning, stacklevel=2)
    return nn.Linear(d, 3)


def logged_by_one_of_several(d, h):
    if h is not None and not 0 <= h < d and d != SIZES.most:
        logger.debug("%s of %s: " + NAME, h, d - 1)
    return nn.Linear(d, 3)


def printed_otherwise(d):
    if d % 8:
        print("{} is not even".format(d), end="")  # noqa: UP032
    else:
        logger.info("%s %%" % d)  # noqa: UP031
    return nn.Linear(d, 3)


def in_a_loop(d, n):
    layers = []
    for i in range(n):
        if i > 70:
            logger.info(NAME)
        layers.append(nn.Linear(d, d))
    return nn.ModuleList(layers)


MESSAGES = [warned, logged_by_one_of_several, printed_otherwise]


@pytest.mark.parametrize("factory", MESSAGES)
def test_it_is_no_branch(factory: Callable[..., Any]) -> None:
    with warnings.catch_warnings():
        warnings.resetwarnings()
        count = derive(factory)
    assert str(count) == "3*d + 3"
    assert count.certificate.grade == "complete"
    assert count.certificate.paths == 1


def counting(d):
    if d > 5000:
        SEEN.append(d)
    return nn.Linear(d, 3)


def wrong_placeholders(d):
    if d > 5000:
        print("%d of %s" % (NAME, d))  # noqa: UP031
    return nn.Linear(d, 3)


def wrong_sum(d):
    if d > 5000:
        print(NAME + 3)
    return nn.Linear(d, 3)


def wrong_format(d):
    if d > 5000:
        print(f"{NAME:d}")
    return nn.Linear(d, 3)


def wrong_afterwards(d):
    if d > 5000 and NAME < 3:
        print(NAME)
    return nn.Linear(d, 3)


def attribute_with_an_effect(d):
    if d > 5000:
        print(SIZES.noted)
    return nn.Linear(d, 3)


def divided(d):
    if d > 5000:
        print(f"{d // (d - 5001)}")
    return nn.Linear(d, 3)


def decides_more(d):
    width = 3
    if d > 5000:
        print("large")
        width = 4
    return nn.Linear(d, width)


def decides_elsewhere(d):
    if d > 5000:
        print("large")
    elif d > 4000:
        return nn.Linear(d, 4)
    return nn.Linear(d, 3)


def same_comparison_again(d):
    if d > 5000:
        print("large")
    return nn.Linear(d, 4 if d > 5000 else 3)


def removed(d):
    sizes = [3, 5001]
    if sizes.remove(d if d == 5001 else 3):
        print("none")
    return nn.Linear(d, sizes[0])


def found_by_walrus(d):
    if large := d > 5000:
        print("large")
    return nn.Linear(d, 4 if large else 3)


def not_bound_yet(d):
    if d > 5000:
        print(NAME_OF_IT)  # noqa: F823
    if d < 0:
        NAME_OF_IT = "it"  # noqa: F841
    return nn.Linear(d, 3)


NAME_OF_IT = "another"


def read_by_a_property(d):
    if d > 5000:
        print(HIDING.most)
    return nn.Linear(d, 3)


def nothing_to_log(d):
    if d > 5000:
        logger.warning()
    return nn.Linear(d, 3)


def no_class_of_warnings(d):
    if d > 5000:
        warnings.warn("large", int, stacklevel=2)
    return nn.Linear(d, 3)


def no_such_method(d):
    if d > 5000:
        logger.error_once("large")
    return nn.Linear(d, 3)


def no_separator(d):
    if d > 5000:
        print("large", sep=3)
    return nn.Linear(d, 3)


@pytest.mark.parametrize(
    "factory",
    [not_bound_yet, read_by_a_property, nothing_to_log, no_class_of_warnings, no_such_method,
     no_separator, counting, wrong_placeholders, wrong_sum, wrong_format, wrong_afterwards, divided,
     attribute_with_an_effect, decides_more, decides_elsewhere, same_comparison_again, removed,
     found_by_walrus],
)  # fmt: skip
def test_it_is_a_branch(factory: Callable[..., Any]) -> None:
    count = derive(factory)
    for d in (3, 4500, 5000, 5001, 5002, 9000):
        try:
            module = factory(d)
        except (TypeError, ValueError, ZeroDivisionError, NameError, AttributeError):
            assert count.certificate.grade == "complete"
            with pytest.raises(ValueError):
                count(d)
        else:
            assert count(d) == sum(p.numel() for p in module.parameters())
    assert count.certificate.paths > 1


def test_warnings_that_are_errors_are_branches() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert derive(warned).certificate.paths > 1


def test_an_iteration_that_only_tells(caplog: pytest.LogCaptureFixture) -> None:
    assert str(derive(in_a_loop)) == "d**2*n + d*n"
