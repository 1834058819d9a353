"""Sums, differences, multiples, quotients and maxima: exact wherever all operands hold."""

from __future__ import annotations

import json
import operator
import pickle
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import symcount
from symcount import ArgumentError, DomainError, ParamCount, Symbol, derive, witness
from symcount.algebra.conditions import Condition
from symcount.algebra.functions import call
from symcount.algebra.poly import const, symbol
from symcount.display import outline
from symcount.formula.certificate import Certificate
from symcount.formula.tree import Split
from symcount.record import Concretisation, Source
from symcount.storage.writing import written
from symcount.symbols import Hyperparameter
from tests.formulas import OUTSIDE, formula, formulas, leaf
from tests.random_expressions import NAMES, points, thorough
from tests.storing import loaded

NOWHERE = -(10**9)
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
}


def largest(one: Any, other: Any) -> Any:
    return (
        symcount.maximum(one, other) if ParamCount in map(type, (one, other)) else max(one, other)
    )


def mlp(d: int = 8, f: int = 32, bias: bool = True) -> nn.Module:
    return nn.ModuleDict({"up": nn.Linear(d, f, bias=bias), "down": nn.Linear(f, d)})


def attention(d: int = 8, heads: int = 2) -> nn.Module:
    return nn.MultiheadAttention(d, heads)


def normed(d: int = 8) -> nn.Module:
    return nn.Sequential(nn.Linear(d, d).requires_grad_(False), nn.BatchNorm1d(d)).half()


@pytest.fixture(scope="module")
def counts() -> dict[str, ParamCount]:
    return {each.__name__: derive(each) for each in (mlp, attention, normed)}


# --- the value --------------------------------------------------------------------------------


@st.composite
def computations(draw: Any) -> tuple[list[ParamCount], Any]:
    """Formulas, and what is computed with them: `("+", one, other)`, a place in the list, or -3."""
    found = [draw(formulas()) for _ in range(draw(st.integers(1, 3)))]
    places = st.integers(0, len(found) - 1).map(lambda place: ("at", place))
    numbers = st.integers(-4, 9)
    computation = st.recursive(
        places,
        lambda inner: st.one_of(
            st.tuples(st.sampled_from(("+", "-", "//", "max")), inner, inner),
            st.tuples(st.sampled_from((*OPERATORS, "max")), inner, numbers),
            st.tuples(st.sampled_from((*OPERATORS, "max")), numbers, inner),
        ),
        max_leaves=4,
    )
    return found, draw(computation)


def computed(given: Any, operands: list[Any]) -> Any:
    if isinstance(given, int):
        return given
    if given[0] == "at":
        return operands[given[1]]
    op, one, other = given
    function = largest if op == "max" else OPERATORS[op]
    return function(computed(one, operands), computed(other, operands))


def counted(count: ParamCount, values: Mapping[str, int]) -> int | None:
    return count.formula.at(tuple(values[h.name] for h in count.hyperparameters))


@thorough(60)
@given(computations(), st.lists(points(), min_size=1, max_size=6))
def test_it_is_what_is_computed_with_the_counts(
    given: tuple[list[ParamCount], Any], at: list[dict[str, int]]
) -> None:
    operands, computation = given

    def expected(values: Mapping[str, int]) -> int | None:
        try:
            found = [counted(count, values) for count in operands]
            used = [n for place, n in enumerate(found) if f"('at', {place})" in repr(computation)]
            return None if None in used else computed(computation, found)
        except ZeroDivisionError:
            return None

    try:
        result = computed(computation, operands)
    except DomainError as error:
        assert "holds at no sizes" in str(error)
        assert all(expected(values) is None for values in at)
        return
    for values in at:
        wanted = expected(values)
        assert counted(result, values) == wanted
        if wanted is not None:
            assert result(**values) == result.function(**values) == wanted
    columns = {name: np.array([values[name] for values in at]) for name in NAMES}
    wanted_all = [expected(values) for values in at]
    assert result.valid(**columns).tolist() == [n is not None for n in wanted_all]
    if all(n is None or abs(n) < 2**63 for n in wanted_all):
        filled = [NOWHERE if n is None else n for n in wanted_all]
        assert result.evaluate(**columns, fill=NOWHERE).tolist() == filled


@thorough(30)
@given(formulas(), formulas(), points())
def test_a_sum_is_that_of_its_parts(one: ParamCount, other: ParamCount, at: dict[str, int]) -> None:
    try:
        total = 2 * one - other
    except DomainError:
        return
    found = counted(total, at)
    parts = [counted(part, at) for part in total.breakdown().parameters.values()]
    assert parts == [found] if total.breakdown().parameters else found in (0, None)
    if found is not None:
        assert counted(total.nbytes, at) == 4 * found == counted(total.trainable.nbytes, at)


def test_integers_on_either_side_and_sums_of_lists(counts: dict[str, ParamCount]) -> None:
    count = counts["mlp"]
    n = count()
    assert (count + 3)() == (3 + count)() == (np.int64(3) + count)() == n + 3
    assert ((count - 3)(), (3 - count)(), (-count)()) == (n - 3, 3 - n, -n)
    assert (count * 2)() == (np.int32(2) * count)() == (torch.tensor(2).item() * count)() == 2 * n
    assert ((count // 7)(), (-count // 7)(), (5000 // count)()) == (n // 7, -n // 7, 5000 // n)
    assert sum([count, count]) == 2 * count == count + count
    assert count + 0 == 1 * count == count
    assert (count - count)() == (0 * count)() == 0 and (count - count).breakdown().parameters == {}


def test_what_cancels_has_its_domain_still() -> None:
    d = symbol("a")
    fails = formula(call("comb", d - const(9), const(2)) + d)  # there is none below 9
    condition = Condition("ge", d, const(20))
    small = formula(Split(condition, None, OUTSIDE, leaf(d)))
    never = symcount.maximum(fails - fails, formula(d), 7)  # d and 7 alone
    for count in (fails - fails, 0 * fails, fails // fails, (fails + small) - fails, never):
        assert counted(count, {"a": 8, "b": 1, "c": 1}) is None
        assert counted(count, {"a": 12, "b": 1, "c": 1}) is not None
        assert counted(loaded(count), {"a": 8, "b": 1, "c": 1}) is None
    assert counted(fails + small - fails, {"a": 20, "b": 1, "c": 1}) is None


def test_a_quotient_does_not_hold_where_the_divisor_is_zero(counts: dict[str, ParamCount]) -> None:
    d = derive(lambda d=8, e=8: nn.Linear(d, e, bias=False))
    difference = d - derive(lambda d=8: nn.Linear(d, 8, bias=False))
    quotient = counts["mlp"] // difference
    assert quotient(d=8, e=2, f=1) == counts["mlp"](8, 1) // (8 * 2 - 8 * 8) < 0
    with pytest.raises(DomainError, match="its arithmetic divides by zero there"):
        quotient(d=8, e=8, f=1)
    for divisor in (0, d - d):
        with pytest.raises(DomainError, match="holds at no sizes: its arithmetic divides by zero"):
            d // divisor


def test_the_largest_of_several_is_one_number_without_those_that_never_are(
    counts: dict[str, ParamCount],
) -> None:
    a, b = counts["attention"], counts["mlp"]
    up = b.select("up")
    found = symcount.maximum(up, a, b, 100)
    assert str(found) == "Max(100, 4*d**2 + 4*d, 2*d*f + d + f)"  # `up` is a part of `mlp`
    for d, f in ((2, 1), (8, 32), (8, 2)):
        assert found(d=d, f=f, heads=2) == max(a(d, 2), b(d, f), 100)
    assert not found.valid(d=9, heads=2, f=1)
    assert symcount.maximum(a) == a and symcount.maximum(a, a)() == a()
    assert symcount.maximum(a.nbytes, 3, b.nbytes).formula.measure.noun == "bytes"
    wrong: list[tuple[tuple[Any, ...], str]] = [
        ((), "give a formula"),
        ((3, 4), "give a formula"),
        ((a, [b]), r"list is neither .* maximum\(\*formulas\)"),
        ((a, 1.5), "float is neither"),
        ((a, a.nbytes), r"maximum\(a, b\): parameters and bytes have no unit in common"),
    ]
    for operands, said in wrong:
        with pytest.raises(ArgumentError, match=said):
            symcount.maximum(*operands)


# --- symbols and domain -----------------------------------------------------------------------


def test_it_has_the_symbols_of_both_and_holds_where_both_do(counts: dict[str, ParamCount]) -> None:
    both = counts["attention"] + counts["mlp"]
    assert [h.name for h in both.hyperparameters] == ["d", "heads", "f"]
    assert both.defaults == {"d": 8, "heads": 2, "f": 32}
    assert both.factory == "attention and mlp" and (both + counts["mlp"]).factory == both.factory
    assert both(12, 3, 5) == counts["attention"](12, 3) + counts["mlp"](12, 5)
    assert not both.valid(13, 3, 5)
    with pytest.raises(DomainError, match="Nearest valid values"):
        both(13, 3, 5)


def test_a_default_that_one_of_two_has_is_none() -> None:
    both = derive(lambda d=8: nn.Linear(d, 1)) + derive(lambda d: nn.Linear(d, 2))
    assert both.defaults == {}


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (Symbol(min=8), "d >= 1, and .*d >= 8"),
        (Symbol(multiple_of=4), "d >= 1, and .*d a multiple of 4"),
        (Symbol(min=0), "d >= 1, and .*d >= 0"),
    ],
)
def test_a_symbol_that_is_declared_differently(
    counts: dict[str, ParamCount], other: Symbol, said: str
) -> None:
    differing = derive(mlp, d=other)
    for op in (operator.add, operator.sub, operator.floordiv):
        with pytest.raises(ArgumentError, match=f"'d' is declared differently in .*{said}"):
            op(counts["mlp"], differing)
    renamed = counts["mlp"] + differing.rename(d="e")
    assert renamed(8, 2, 8) == 2 * counts["mlp"](8, 2)


def test_without_a_common_size() -> None:
    d = symbol("d")
    small, large = (
        formula(Split(Condition("ge", d, const(9)), None, *sides), ["d"])
        for sides in ((OUTSIDE, leaf(d)), (leaf(d), OUTSIDE))
    )
    with pytest.raises(DomainError, match="formula: this holds at no sizes"):
        small + large


# --- measures ---------------------------------------------------------------------------------


def test_parts_and_measures_of_a_sum(counts: dict[str, ParamCount]) -> None:
    count, other = counts["normed"], counts["mlp"]
    total = other - 2 * count
    for name in ("trainable", "frozen", "buffers", "nbytes"):
        expected = getattr(other, name)() - 2 * getattr(count, name)()
        assert getattr(total, name)() == expected, name
    assert {k: c() for k, c in total.by_dtype().items()} == {
        "float32": other(),
        "float16": -2 * count(),
    }
    assert total.select("1.*")() == -2 * 16 and total.without("1.*")() == other() - 2 * 72
    assert total.breakdown().modules["up"]() == 8 * 32 + 32
    assert total.memory("float16").weights() == 2 * total()


def test_different_measures_are_added_as_they_are(counts: dict[str, ParamCount]) -> None:
    count = counts["normed"]
    assert count.trainable + count.frozen == count
    state = count.nbytes + count.buffers.nbytes
    built = normed().state_dict().values()
    assert state() == sum(t.numel() * t.element_size() for t in built)
    assert loaded(state) == state and loaded(state).formula.measure == state.formula.measure
    with pytest.raises(ArgumentError, match="a - b: parameters and bytes have no unit in common"):
        count - count.nbytes


def test_a_quotient_has_no_bytes_and_no_parts(counts: dict[str, ParamCount]) -> None:
    count = counts["mlp"]
    for number in (count // 8, count + 1, 2 * (count // 8) - count, symcount.maximum(count, 9)):
        for ask in ("trainable", "frozen", "buffers", "nbytes"):
            with pytest.raises(
                ArgumentError, match="has an integer, a quotient or a maximum in it"
            ):
                getattr(number, ask)
        for method in (number.by_dtype, number.memory):
            with pytest.raises(
                ArgumentError, match="has an integer, a quotient or a maximum in it"
            ):
                method()
    assert (count // 8 + count).select("up")() == 8 * 32 + 32
    assert (count.nbytes // 2).formula.measure.noun == "bytes"


@pytest.mark.parametrize("other", [1.5, True, "1", None, [1]])
def test_what_cannot_be_computed_with(counts: dict[str, ParamCount], other: Any) -> None:
    for op in OPERATORS.values():
        with pytest.raises(TypeError, match=r"unsupported operand|can't multiply"):
            op(counts["mlp"], other)
        with pytest.raises(TypeError, match=r"unsupported operand|can't multiply|can only"):
            op(other, counts["mlp"])
    with pytest.raises(TypeError, match="unsupported operand"):
        counts["mlp"] * counts["mlp"]  # type: ignore[operator]


# --- what is asked of it ----------------------------------------------------------------------


def test_questions_about_a_difference(counts: dict[str, ParamCount]) -> None:
    count = counts["attention"] - counts["mlp"]  # 4 d**2 + 3 d - f - 2 d f
    assert str(count) == "4*d**2 - 2*d*f + 3*d - f"
    assert count(4, 2, 32) < 0 < count(32, 2, 32)
    assert count.solve("d", 0, f=32, heads=2) == 14
    assert count.solve("d", 0, f=6, heads=1, want="exact") == []
    assert count.compare(counts["normed"] * 0, over="d", f=32, heads=2).crossovers == (16,)
    assert count.marginal("d", d=8, heads=2, f=32).cost == count(10, 2, 32) - count(8, 2, 32)
    assert str(count.growth("d").term) == "4*d**2"
    assert count.plot("d", between=(2, 64)).get_yscale() == "linear"
    with pytest.raises(DomainError, match="subtracts more than it adds in one of its parts"):
        count.plot_share("d", between=(2, 64))
    found = {m.values["d"] for m in count.search(total=(0, 500), d=range(1, 40), heads=2, f=32)}
    assert found == {d for d in range(2, 40, 2) if 0 <= count(d, 2, 32) <= 500} != set()
    with pytest.raises(ArgumentError, match="a count is a whole number that is not negative"):
        count.solve("d", -100, f=32, heads=2)


def test_shares_of_less_than_nothing_are_not_shown(counts: dict[str, ParamCount]) -> None:
    count = counts["attention"] - counts["mlp"]
    below, above = (outline.rows(count.breakdown().at(d, 2, 32)) for d in (4, 32))
    assert below.size == count(4, 2, 32) < 0
    assert {row.share_text for _, row in below.walk()} == {""}
    assert {row.share is None for _, row in above.walk()} == {True, False}
    assert all(row.size > 0 for _, row in above.walk() if row.share is not None)


@pytest.mark.parametrize("of", ["difference", "quotient"])
def test_code_of_other_languages(counts: dict[str, ParamCount], of: str) -> None:
    count = counts["attention"] - counts["mlp"]
    count = count if of == "difference" else count // (counts["normed"] - 100)
    space: dict[str, Any] = {}
    exec(count.export("python"), space)
    function = next(v for k, v in space.items() if callable(v) and k.startswith("attention"))
    for d in (2, 4, 8, 20, 64):
        assert function(d, 2, 32) == count(d, 2, 32)
    for format in ("numpy", "javascript", "c", "sql", "latex", "markdown", "rst", "html", "json"):
        assert count.export(format)


# --- what goes with it ------------------------------------------------------------------------


def test_the_certificate_of_formulas_of_one_derivation_is_theirs(
    counts: dict[str, ParamCount],
) -> None:
    count = counts["mlp"]
    part = count - count.select("up") + count.select("up").substitute(f=4)
    assert replace(part.certificate, substituted=()) == count.certificate
    assert part.certificate.substituted == (("f", "4"),)
    assert part.origin is None


def test_the_certificate_of_two_has_the_weaker_grade_and_the_assumptions_of_both() -> None:
    def graded(grade: Any, line: int, **more: Any) -> ParamCount:
        assumed = Concretisation("a list", ("a",), 3, Source("f.py", line, "f"))
        certificate = Certificate(grade, f"reason {line}", line, 1, ((("a", line),),), (assumed,))
        made = formula(symbol("a")).formula
        return ParamCount(replace(made, certificate=replace(certificate, **more)))

    complete = graded("complete", 2)
    for grade in ("complete", "checked", "partial"):
        other = graded(grade, 5, unfinished=("paths",), outside=(("a", 7),))
        largest = symcount.maximum(complete, other)
        for both in (complete + other, other - complete, complete // other, largest):
            found = both.certificate
            assert (found.grade, found.paths, found.refused_paths) == (grade, 7, 2)
            assert {a.source.line for a in found.assumptions} == {2, 5}
            assert set(found.points) == {(("a", 2),), (("a", 5),)}
            assert set(found.reason.split("; ")) == {"reason 2", "reason 5"}
            assert found.unfinished == ("paths",) and found.outside == (("a", 7),)


def test_claims_are_those_of_both(counts: dict[str, ParamCount]) -> None:
    one, other = counts["attention"], derive(lambda d=8: nn.LayerNorm(d) if d > 3 else 1 / 0)
    total = one + other
    assert {*total.certificate.claims} == {*one.certificate.claims, *other.certificate.claims}
    again = pickle.loads(pickle.dumps(total))
    assert again == total and [*again.certificate.claims] == [*total.certificate.claims]


def test_stored_and_loaded(counts: dict[str, ParamCount]) -> None:
    a, b = counts["attention"], counts["mlp"]
    of_both = symcount.maximum(a, b)
    for count in (a - b, -a, a // b, 3 * a + 5, a // 3 - b, b.buffers + b, of_both):
        again = loaded(count)
        assert again == count and str(again) == str(count)
        assert again() == count() and again.defaults == count.defaults
        assert again.breakdown() == count.breakdown() and again - count == count - count
        (document,) = json.loads(written({"it": count}))["formulas"]
        document["certificate"]["claims"] = []  # they are those of other formulas
        report = witness.checked(document)
        assert not report.wrong and report.holds > 0, report.wrong
    with pytest.raises(symcount.StoredFormulaError, match="was computed from others"):
        (a - b).graphs  # noqa: B018


def test_symbols_that_may_be_zero() -> None:
    count = derive(lambda n=0: nn.ModuleList(nn.Linear(2, 2) for _ in range(n)), n=Symbol(min=0))
    assert (count - 6)(0) == -6 and (12 // count).valid(1) and not (12 // count).valid(0)
    assert [h.minimum for h in (count + count).hyperparameters] == [0]
    assert isinstance(count.hyperparameters[0], Hyperparameter)
