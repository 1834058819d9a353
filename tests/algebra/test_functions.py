"""The table of functions, and that whoever keeps a table of its own has every row of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy

import symcount
from symcount.algebra import evaluate, python_code
from symcount.algebra.boxes import Box
from symcount.algebra.conditions import Condition
from symcount.algebra.facts import Facts
from symcount.algebra.functions import CALLS, CHOICES
from symcount.algebra.poly import Call, Poly, atom, const, symbol
from symcount.algebra.rays import Ray
from symcount.algebra.solver import Solver
from symcount.display import mathml
from symcount.export.languages import c, javascript, numpy, sql
from symcount.formula import latex, sympy_form
from symcount.formula.int64 import Block, Doubt, Plans
from symcount.record import COMPARISONS, OPERATORS
from symcount.symbols import Hyperparameter

NAMES = "abcd"
SIZES = ((3, 2, 7, 11), (9, 1, 4, 2), (64, 3, 5, 8), (1, 2, 3, 4))
UNDEFINED = (ArithmeticError, ValueError)


def of_symbols(op: str, operands: int) -> Poly:
    """A function of so many symbols; of halves of them where it takes doubles."""
    kinds = CALLS[op].kinds(operands)
    args = [
        atom(Call("fmul", (const(Fraction(1, 2)), symbol(name))))
        if kind == "double"
        else symbol(name)
        for kind, name in zip(kinds, NAMES, strict=False)
    ]
    return atom(Call(op, tuple(args)))


def computed(op: str, sizes: tuple[int, ...]) -> Any:
    """What Python computes; None where it is undefined."""
    kinds = CALLS[op].kinds(len(sizes))
    values = [n / 2 if kind == "double" else n for kind, n in zip(kinds, sizes, strict=True)]
    try:
        return CALLS[op].compute(*values)
    except UNDEFINED:
        return None


def cases(op: str) -> Iterator[tuple[Poly, dict[str, int], Any]]:
    """A function of as few operands as it takes, and of one more: sizes, and what it is there."""
    least, most = CALLS[op].arity
    for operands in range(least, min(most, least + 1) + 1):
        for sizes in SIZES:
            value = computed(op, sizes[:operands])
            if value is not None:
                point = dict(zip(NAMES, sizes, strict=True))
                yield of_symbols(op, operands), point, value


# --- the table itself -------------------------------------------------------------------------


# What Python's function may be called with, and a row is not: another number of operands.
MORE_IN_PYTHON = set("hypot gcd lcm perm log log_base round round_digits fround trunc".split())


@pytest.mark.parametrize("op", CALLS)
def test_a_row_says_of_how_many_operands_it_computes(op: str) -> None:
    least, most = CALLS[op].arity
    assert 1 <= least <= most
    assert any(computed(op, sizes[:least]) is not None for sizes in SIZES)
    for operands in {least - 1, most + 1} - set(range(5, 2000)):
        if op not in MORE_IN_PYTHON:
            with pytest.raises(TypeError):
                CALLS[op].compute(*[2] * operands)


@pytest.mark.parametrize("op", CALLS)
def test_a_row_says_of_what_kind_it_is(op: str) -> None:
    row = CALLS[op]
    for _, _, value in cases(op):
        assert isinstance(value, float) == row.is_float
    for sizes in SIZES:
        pair = sizes[: row.arity[0]]
        if row.commutes:
            assert computed(op, pair) == computed(op, pair[::-1])
        divisor = (pair[0], 0)
        if row.divides:
            with pytest.raises(ZeroDivisionError):
                row.at(*divisor)
    if row.total and not row.divides and op not in CHOICES:
        numbers = (-3, 0, 2)[: max(2, row.arity[0])]
        for one in numbers:
            row.at(*(one, *numbers)[: row.arity[0]])


def test_choices_are_operators_of_the_record() -> None:
    for choice, test in CHOICES.items():
        assert CALLS[choice].compute is OPERATORS[choice]
        assert test in COMPARISONS


# --- who computes -----------------------------------------------------------------------------


@pytest.mark.parametrize("op", CALLS)
def test_evaluation_computes_every_row(op: str) -> None:
    for poly, point, value in cases(op):
        assert evaluate.number(poly, point) == value


@pytest.mark.parametrize("op", CALLS)
def test_python_code_computes_every_row(op: str) -> None:
    for poly, point, value in cases(op):
        same = Condition("eq", poly, const(Fraction(value)))
        assert python_code.compile_condition(same, NAMES)(*point.values())


@pytest.mark.parametrize("op", CALLS)
def test_arrays_compute_every_row_or_leave_it_to_python(op: str) -> None:
    for poly in {poly: None for poly, _, _ in cases(op)}:
        points, values = zip(*((p, v) for same, p, v in cases(op) if same == poly), strict=True)
        columns = {name: np.array([point[name] for point in points]) for name in NAMES}
        try:
            found = Block(Plans({}), columns, len(points)).number(poly)
        except Doubt:
            assert op in ("pow", "factorial", "comb", "perm")
        else:
            assert np.all(np.equal(getattr(found, "data", found), values))


@pytest.mark.parametrize("op", CALLS)
def test_sympy_computes_every_row(op: str) -> None:
    for poly, point, value in cases(op):
        subs = {sympy_form.symbol(name): n for name, n in point.items()}
        found = sympy_form.expression(poly).subs(subs)
        assert (int if found.is_Integer else float)(found) == value


# --- who bounds -------------------------------------------------------------------------------


def between(value: Any, bounds: Any) -> bool:
    low, high = bounds
    return (low is None or low <= value) and (high is None or value <= high)


@pytest.mark.parametrize("op", CALLS)
def test_facts_boxes_and_rays_bound_every_row(op: str) -> None:
    for poly, point, value in cases(op):
        for width in (0, 3):
            ranges = {name: (max(1, n - width), n + width) for name, n in point.items()}
            assert between(value, Facts(ranges).of(poly)), (op, width)
            assert between(value, Box(ranges).of(poly)), (op, width)
        points = {name: (n, n) for name, n in point.items()}
        for start in (1, point["a"]):
            ray = Ray(points, "a", start)
            assert between(value, ray.of(poly)) and between(-value, ray.of(-poly)), (op, start)


@pytest.mark.parametrize("op", CALLS)
def test_z3_is_told_nothing_wrong_of_any_row(op: str) -> None:
    """A path that values take is never refuted, whatever is known of the function."""
    solver = Solver([Hyperparameter(name) for name in NAMES], Facts(), steps=8_000_000)
    for poly, point, value in cases(op):
        here = [(Condition("eq", symbol(name), const(n)), True) for name, n in point.items()]
        assert not solver.refutes((*here, (Condition("eq", poly, const(Fraction(value))), True)))


# --- who writes and reads ---------------------------------------------------------------------

LANGUAGES = {
    "Python": python_code.PYTHON,
    "NumPy": numpy.NUMPY,
    "JavaScript": javascript.JAVASCRIPT,
    "C": c.C,
    **{name: dialect.language for name, dialect in sql.DIALECTS.items()},
}


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_language_writes_or_refuses_every_row(name: str) -> None:
    language = LANGUAGES[name]
    assert language.calls.keys() | language.refused.keys() == CALLS.keys() - CHOICES
    assert not language.calls.keys() & language.refused.keys()
    assert all(language.calls.values()) and all(language.refused.values())


@pytest.mark.parametrize("op", CALLS)
@pytest.mark.parametrize("typeset", [latex.one_line, mathml.math])
def test_every_row_is_typeset(op: str, typeset: Callable[[sympy.Basic], str]) -> None:
    for poly, _, _ in cases(op):
        text = typeset(sympy_form.expression(poly))
        assert text and "<mtext>" not in text.replace("<mtext>if&#xA0;", "").replace(
            "<mtext>otherwise", ""
        )


def test_stored_files_have_every_row() -> None:
    path = Path(symcount.__file__).parent / "storage" / "formulas.schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    calls = [variant["properties"] for variant in schema["$defs"]["call"]["oneOf"]]
    arities = {
        op: (call["of"]["minItems"], call["of"]["maxItems"])
        for call in calls
        for op in call["call"]["enum"]
    }
    assert arities == {op: function.arity for op, function in CALLS.items()}
