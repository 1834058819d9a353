"""The claims of derivations: true, not empty, and refuted where the algebra is made wrong."""

from __future__ import annotations

import pickle
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from torch import nn

from symcount import ParamCount, Symbol, derive, witness
from symcount.algebra.claims import Claim, Comparison, Question
from symcount.algebra.conditions import Condition
from symcount.algebra.facts import Facts
from symcount.algebra.poly import const, symbol
from symcount.algebra.smtlib import Claims
from symcount.algebra.solver import Solver
from symcount.derivation import induction
from symcount.formula.choice_trees import Choice
from symcount.formula.tree import Built, Repeat, TensorSpec
from symcount.symbols import Hyperparameter
from tests.storing import loaded


def branches(dim: int, heads: int) -> nn.Module:
    if dim % heads:
        raise ValueError("heads")
    if dim < heads:
        return nn.Linear(1, 1)
    return nn.Linear(dim, 2 * (dim // heads) if dim * dim >= 5 else 8)


def odd_layers(dim: int, n: int) -> nn.Module:
    return nn.Sequential(*[nn.Linear(dim, dim * (i + 1)) for i in range(n) if i % 2])


def pyramid(dim: int, n: int) -> nn.Module:
    return nn.Sequential(*[nn.Linear(dim * 2**i, dim * 2 ** (i + 1)) for i in range(n)])


def nested(dim: int, n: int) -> nn.Module:
    return nn.Sequential(*[nn.Linear(dim, j + 1) for i in range(n) for j in range(i)])


def floats(dim: int) -> nn.Module:
    return nn.Linear(int(dim * 4.0), max(8, int(dim / 3)))


def divisible(dim: int) -> nn.Module:
    width = max(8, (dim + 4) // 8 * 8)
    return nn.Linear(dim, width + 8 if width < 9 * dim // 10 else width)


FACTORIES: dict[Callable[..., Any], set[str]] = {
    branches: {"cover", "piece", "simplification"},
    odd_layers: {"sum", "simplification"},
    pyramid: {"sum", "simplification"},
    nested: {"sum", "simplification"},
    floats: {"simplification"},
    divisible: {"simplification"},
    nn.MultiheadAttention: {"simplification"},
}
each_factory = pytest.mark.parametrize("factory", FACTORIES, ids=lambda f: f.__name__)


@each_factory
def test_every_claim_is_proved(factory: Callable[..., Any]) -> None:
    found = derive(factory).certificate.claims
    assert {claim.kind for claim in found} == FACTORIES[factory]
    answers = Counter(witness.asked(claim.text, "z3") for claim in found)
    assert answers["unsat"] >= len(found) - 2, answers
    assert set(answers) <= {"unsat", "unknown"}


@each_factory
def test_another_solver_confirms_them(factory: Callable[..., Any]) -> None:
    pytest.importorskip("cvc5")
    for claim in derive(factory).certificate.claims:
        assert witness.asked(claim.text, "cvc5") == "unsat", claim


@each_factory
def test_no_claim_is_true_for_want_of_values(factory: Callable[..., Any]) -> None:
    """Denied, it can be met: what is given does not contradict itself."""
    found = derive(factory).certificate.claims
    assert isinstance(found, Claims)
    solver = Solver(found._ranges, found._facts)
    for question in (*found._questions, *found._more()):
        if question.kind != "cover":
            text, _ = solver.script(denied(question))
            if solver.refutes(question.given):
                continue  # a limit of float arithmetic that a condition of the path excludes
            assert witness.asked(re.sub("@", "index!", text), "z3") != "unsat", question.meaning


def denied(question: Question) -> Question:
    different = tuple(Comparison("ne", a, b, None, True) for a, b in question.equal)
    others = tuple(c._replace(polarity=not c.polarity) for c in question.compared)
    return question._replace(equal=(), compared=different + others)


@each_factory
def test_they_are_the_same_again_and_kept(factory: Callable[..., Any]) -> None:
    count = derive(factory)
    found = tuple(count.certificate.claims)
    assert tuple(derive(factory).certificate.claims) == found
    assert loaded(count).certificate.claims == found
    assert tuple(pickle.loads(pickle.dumps(count)).certificate.claims) == found
    assert len(set(found)) == len(found) > 0


def test_a_place_that_was_closed_is_a_claim() -> None:
    count = derive(branches)
    covers = [claim for claim in count.certificate.claims if claim.kind == "cover"]
    assert covers and all(witness.asked(c.text, "z3") == "unsat" for c in covers)
    assert "dim" in covers[0].meaning


def test_floats_are_exact_where_ieee_754_says_so() -> None:
    found = [str(claim) for claim in derive(floats).certificate.claims]
    assert any("is 4*dim, a double" in claim for claim in found)
    assert any("rounded across no integer" in claim for claim in found)


def test_a_limit_that_is_left_out_is_implied() -> None:
    def twice(dim: int) -> nn.Module:
        return nn.Linear(int(dim * 4.0), int(dim * 8.0))

    found = derive(twice).certificate.claims
    implied = [c for c in found if c.meaning.startswith("no values: dim < 1125899906842625 and ")]
    assert any(c.meaning.endswith(" and dim >= 2251799813685249") for c in implied)
    assert {witness.asked(c.text, "z3") for c in implied} == {"unsat"}


def test_expressions_in_the_place_of_symbols_leave_the_claims() -> None:
    count = derive(pyramid)
    assert count.substitute(dim="2*k").certificate.claims == count.certificate.claims


# --- wrong sums -------------------------------------------------------------------------------

D, N, INDEX = symbol("d"), symbol("n"), symbol("@1")
RANGES = (Hyperparameter("d"), Hyperparameter("n"))


def sums(shape: Any, total: Any, when: Any = 1) -> list[Claim]:
    facts = Facts({"d": (1, None), "n": (1, None)})
    tensor = TensorSpec(
        "w", shape, "float32", 4, "parameter", True, None, "", (Repeat("@1", N, when),), total
    )
    questions = induction.of_sums(Built((tensor,), None), facts)
    return list(Claims((), lambda: questions, RANGES, facts))


def wrong(found: list[Claim]) -> list[str]:
    return [c.meaning for c in found if c.is_exact and witness.asked(c.text, "z3") == "sat"]


def test_a_wrong_total_is_refuted() -> None:
    assert wrong(sums((D, INDEX), (D * N * N - D * N).scaled((0.5).as_integer_ratio()[0]))) != []
    assert wrong(sums((D,), D * N)) == []
    assert wrong(sums((D,), D * N + const(1))) != []


def test_wrong_rules_of_summation_are_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The induction does not take the closed form from the rules that made it for granted."""
    from symcount.derivation import sums as rules

    right = rules._powers_below
    for degree in (0, 1, 2, 3):
        shape = (D, *(INDEX,) * degree)
        value = D * right(degree, N)
        assert wrong(sums(shape, value)) == [], degree

        def off_by_one(k: int, end: Any) -> Any:
            return right(k, end + const(1)) - right(k, const(1))

        monkeypatch.setattr(rules, "_powers_below", off_by_one)
        assert wrong(sums(shape, D * off_by_one(degree, N))) != [] or degree == 0, degree
        monkeypatch.setattr(rules, "_powers_below", right)


def test_iterations_that_make_nothing_are_not_counted() -> None:
    but_the_first = Choice(Condition("ge", INDEX, const(1)), 1, 0)
    assert wrong(sums((D,), D * N - D, but_the_first)) == []
    assert wrong(sums((D,), D * N, but_the_first)) != []


def test_symbols_that_are_real() -> None:
    def scaled(dim: int, ratio: float) -> nn.Module:
        return nn.Linear(dim, int(dim * ratio))

    count: ParamCount = derive(scaled, ratio=Symbol(real=True))
    for claim in count.certificate.claims:
        assert witness.asked(claim.text, "z3") in ("unsat", "sat", "unknown")
        assert not (claim.is_exact and witness.asked(claim.text, "z3") == "sat")
