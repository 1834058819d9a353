"""Code that reports what it decides by does what it did before."""

from __future__ import annotations

from fractions import Fraction
from types import FunctionType

import pytest
from torch import nn

from symcount import InternalError, derive
from symcount.derivation import carried
from symcount.trace import describing
from symcount.trace.intercepting import Interceptor
from symcount.trace.reporting import SITES, reporting


class Base:
    def __init__(self, given):
        self.given = given


class Kept(Base):
    __hidden = 3

    def __init__(self, given):
        super().__init__(given)
        self.total = self.__hidden


def chained(values, low=0, high=5):
    return [v for v in values if low < v <= high != 4 and not v <= 2]


def cut(values):
    kept = list(values)
    del kept[0], kept[-1:]
    kept[1:2] = [7, 8]
    kept[0] += 5
    first, *rest = kept
    return first, rest[::2], rest[-1], values[1:-1]


def counted(values):
    total = sum(values)
    total //= 2
    total %= 5
    total |= 8
    return total, f"{total:03d}"[-2:], total if total else None


def matched(values):
    match len(values):
        case 4:
            return "four"
        case other:
            return other


def closures(values):
    count = 0

    def step(by=1):
        nonlocal count
        count += by
        return count

    made = sorted(values, key=lambda v: -v)
    return [step(by=v) for v in made], Kept(made).total, list(zip(*[made, made], strict=True))


def generated(values):
    def each():
        for value in values:
            if ((half := value // 2) and value > 1) or value in (1, 9):
                yield half
            else:
                yield -value

    try:
        return max(each(), default=0), min(values, key=abs), values[10]
    except IndexError as error:
        return str(error), {v: v & 1 for v in values}.get(3, "none"), "x" in "text" != None


WRITTEN = [chained, cut, counted, matched, closures, generated]


def reports(function: FunctionType) -> FunctionType:
    code = reporting([function])[function]
    assert code is not function.__code__
    return FunctionType(
        code,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )


@pytest.mark.parametrize("function", WRITTEN, ids=lambda f: f.__name__)
def test_code_that_reports_returns_the_same(function) -> None:
    for values in ([1, 2, 3, 4], [5, 4, 9, 0, 2, 3], [0, 0, 1]):
        assert reports(function)(values) == function(values)


def test_methods_keep_their_class_and_private_names() -> None:
    before = len(SITES)
    made = reports(Kept.__init__)
    kept = Kept.__new__(Kept)
    made(kept, 4)
    assert (kept.given, kept.total) == (4, 3)
    assert len(SITES) > before


def test_a_site_is_where_the_code_is() -> None:
    before = len(SITES)
    reporting([elsewhere])
    (site,) = SITES[before:]
    assert (site.kind, site.names) == ("compare", ("Gt",))
    assert site.source.file == __file__
    assert site.source.line == elsewhere.__code__.co_firstlineno + 1


def elsewhere(count):
    return count > 70


# --- faults of symcount's own code -------------------------------------------------------------


class Odd(Fraction):
    def __repr__(self):
        raise ValueError("it has no text")


def careful(dim, depth):
    """It goes on whatever is raised."""
    odd, layers = Odd(1, 2), nn.ModuleList()
    for _ in range(depth):
        try:
            is_small = odd < 1
        except Exception:
            is_small = False
        layers.append(nn.Linear(dim, dim if is_small else 1))
    return layers


def test_a_fault_of_the_observer_is_not_taken_for_one_of_the_factory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert derive(careful).certificate.grade == "checked"
    monkeypatch.setattr(describing, "_EXACT", 5)
    with pytest.raises(
        InternalError,
        match=r"(?s)TypeError at .*describing\.py:\d+ .*decides by.*not of the factory",
    ) as raised:
        derive(careful)
    assert isinstance(raised.value.__cause__, TypeError)


def test_a_fault_before_the_factory_is_called_is_not_taken_for_one_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Interceptor, "intercept_functions", lambda self, more: None)
    with pytest.raises(InternalError, match=r"TypeError at .*run\.py.* while .* preparing"):
        derive(careful)


def test_a_value_whose_own_methods_raise_is_one_that_could_not_be_observed() -> None:
    count = derive(careful)
    assert str(count) == "depth*dim**2 + depth*dim"
    (assumed,) = count.certificate.assumptions
    assert (assumed.kind, assumed.source.function) == (carried.UNSEEN, "careful")
