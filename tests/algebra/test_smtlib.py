"""Claims in SMT-LIB 2: a true one is proved, a wrong one refuted, whatever symbols are called."""

from __future__ import annotations

from fractions import Fraction

import pytest

from symcount import witness
from symcount.algebra.claims import Claim, Comparison, Question
from symcount.algebra.comparing import compare
from symcount.algebra.conditions import Condition, Decisions
from symcount.algebra.facts import Facts
from symcount.algebra.functions import CALLS, call
from symcount.algebra.poly import Poly, const, symbol
from symcount.algebra.smtlib import Claims
from symcount.formula.signature import declared_facts
from symcount.symbols import Hyperparameter, RealHyperparameter

D, N = symbol("d"), symbol("n")
RANGES = (Hyperparameter("d"), Hyperparameter("n", 2, 64, 2))


def claims(*questions: Question, ranges: tuple[Hyperparameter, ...] = RANGES) -> Claims:
    return Claims(questions, tuple, ranges, declared_facts(ranges))


def claim(*given: object, ranges: tuple[Hyperparameter, ...] = RANGES, **goal: object) -> Claim:
    (found,) = claims(Question("simplification", *given, **goal), ranges=ranges)  # type: ignore[arg-type]
    return found


def answer(found: Claim, solver: str = "z3") -> str:
    if solver == "cvc5":
        pytest.importorskip("cvc5")
    return witness.asked(found.text, solver)


each_solver = pytest.mark.parametrize("solver", witness.SOLVERS)


@each_solver
def test_a_true_claim_is_proved_and_a_wrong_one_refuted(solver: str) -> None:
    half = call("floor", D.scaled(Fraction(1, 2)))
    for equal, said in (
        (((D * (N + const(1)), D * N + D),), "unsat"),
        (((D * (N + const(1)), D * N + N),), "sat"),
        (((half + half, D),), "sat"),
    ):
        found = claim(equal=equal)
        assert found.is_exact
        assert answer(found, solver) == said, found


@each_solver
def test_what_is_declared_and_given_is_used(solver: str) -> None:
    half = N.scaled(Fraction(1, 2))
    assert answer(claim(equal=((call("floor", half), half),)), solver) == "unsat"  # 2 divides n
    third = D.scaled(Fraction(1, 3))
    divides: Decisions = ((Condition("eq", call("mod", D, const(3)), const(0)), True),)
    assert answer(claim(equal=((call("floor", third), third),)), solver) == "sat"
    assert answer(claim(divides, equal=((call("floor", third), third),)), solver) == "unsat"
    not_large: Decisions = ((Condition("ge", N, const(66)), True),)
    assert answer(claim(not_large), solver) == "unsat"  # no values take this way
    assert answer(claim(((Condition("ge", N, const(64)), True),)), solver) == "sat"


def test_what_has_to_be_whole_is_claimed_and_not_assumed() -> None:
    """`d/2 % 3` for `d // 2 % 3` would be right for even `d`, and is defined for no other."""
    half, three = D.scaled(Fraction(1, 2)), const(3)
    pair = call("mod", call("floor", half), three), call("mod", half, three)
    found = claim(equal=(pair,))
    assert found.is_exact and answer(found) == "sat"
    even: Decisions = ((Condition("eq", call("mod", D, const(2)), const(0)), True),)
    assert answer(claim(even, equal=(pair,))) == "unsat"


@pytest.mark.parametrize("op", ["eq", "ne", "lt", "le", "gt", "ge"])
def test_comparisons_and_their_conditions(op: str) -> None:
    left, right = D.scaled(3) + const(1), N
    condition, polarity = compare(op, left, right, Facts())
    assert condition is not None
    for truth, said in ((polarity, "unsat"), (not polarity, "sat")):
        asked = Comparison(op, left, right, condition, truth)
        assert answer(claim(compared=(asked,))) == said
    always, never = (Comparison("ge", D, const(1), None, truth) for truth in (True, False))
    assert answer(claim(compared=(always,))) == "unsat"
    assert answer(claim(compared=(never,))) == "sat"


def test_python_rounds_down_whatever_the_sign() -> None:
    for value, divisor in ((7, 2), (-7, 2), (7, -2), (-7, -2)):
        a, b = D + const(value), N + const(divisor)
        is_here = tuple((Condition("eq", s, const(n)), True) for s, n in ((D, 9), (N, 8)))
        for op, result in (
            ("floordiv", (9 + value) // (8 + divisor)),
            ("mod", (9 + value) % (8 + divisor)),
        ):
            for other, said in ((result, "unsat"), (result + 1, "sat")):
                assert answer(claim(is_here, equal=((call(op, a, b), const(other)),))) == said
    minus = D - const(20)
    is_one: Decisions = ((Condition("eq", D, const(1)), True),)
    for op in ("floordiv", "mod"):
        value = CALLS[op].compute(-19, 4)
        assert answer(claim(is_one, equal=((call(op, minus, const(4)), const(value)),))) == "unsat"


@pytest.mark.parametrize(
    "value",
    [
        call("gcd", D, N),
        call("pow", const(3), D),
        call("fmul", const(Fraction(1, 4)), D),
        call("round", D.scaled(Fraction(1, 2))),
        call("floordiv", D, N - const(7)),  # which may be zero
        D * symbol("ratio", real=True),
    ],
    ids=repr,
)
def test_where_too_little_is_said_sat_is_no_refutation(value: Poly) -> None:
    ranges = (*RANGES, RealHyperparameter("ratio"))
    found = claim(equal=((value, const(5)),), ranges=ranges)
    assert not found.is_exact
    assert answer(found) == "sat"


@each_solver
@pytest.mark.parametrize("name", ["let", "mod", "assert", "größe", "to_int", "true", "unknown"])
def test_symbols_may_have_any_name(name: str, solver: str) -> None:
    ranges = (Hyperparameter(name, 3),)
    value = symbol(name)
    found = claim(equal=((value + value, value.scaled(2)),), ranges=ranges)
    assert name in found.meaning and answer(found, solver) == "unsat"
    low = Comparison("ge", value, const(4), None, True)
    assert answer(claim(compared=(low,), ranges=ranges), solver) == "sat"


def test_indices_are_numbered_whatever_a_run_calls_them() -> None:
    questions = (
        Question("sum", ((Condition("ge", N, a), True),), ((a * b + a, a * (b + const(1))),))
        for a, b in ((symbol("@1"), symbol("@2")), (symbol("@31"), symbol("@44")))
    )
    (found,) = claims(*questions)
    assert "@" not in found.text and "index!0" in found.meaning
    assert answer(found) == "unsat"


def test_a_text_is_a_whole_script_with_its_meaning() -> None:
    found = claim(((Condition("ge", D, const(2)), False),), equal=((D, const(1)),))
    assert found.text.startswith("; simplification: d < 2: d is 1\n(set-logic ALL)\n")
    assert found.text.endswith("\n(check-sat)\n")
    assert str(found) == "simplification: d < 2: d is 1"


def test_what_cannot_be_written_says_so() -> None:
    found = claim(about="a sum", problem="it has no closed form")
    assert (found.text, found.is_exact) == ("", False)
    assert found.meaning.endswith("not written: it has no closed form")
    long = call("max", *(D.scaled(2**k) + call("mod", D, const(k)) for k in range(2, 300)))
    assert claim(equal=((long, D),)).meaning.endswith("not written: its script is too long")


def test_nothing_is_written_before_somebody_asks() -> None:
    asked = []

    def more() -> list[Question]:
        asked.append(1)
        return [Question("sum", (), ((D, D + const(0)),))]

    found = Claims((Question("cover"),), more, RANGES, declared_facts(RANGES))
    assert not asked
    assert (len(found), found[1].kind, asked) == (2, "sum", [1])
    assert found == tuple(found) and hash(found) == hash(tuple(found))
