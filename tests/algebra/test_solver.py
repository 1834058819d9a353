"""The solver never refutes what is true: its translation says too little, never too much."""

from __future__ import annotations

import math
from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from symcount.algebra.comparing import compare
from symcount.algebra.conditions import Condition
from symcount.algebra.evaluate import holds
from symcount.algebra.facts import Facts
from symcount.algebra.functions import call
from symcount.algebra.poly import Call, Poly, atom, const, symbol
from symcount.algebra.solver import Solver
from symcount.derivation.lowering import Lowering
from symcount.errors import UnsupportedError
from symcount.record import OPERATORS, Node
from symcount.symbols import Hyperparameter, RealHyperparameter
from tests.random_expressions import NAMES, expressions, normal_form, points, python, thorough

UNDEFINED = (ArithmeticError, ValueError, UnsupportedError)
RANGES = [Hyperparameter(name) for name in NAMES]
FACTS = Facts({name: (1, None) for name in NAMES})


def solver(steps: int = 400_000) -> Solver:
    return Solver(RANGES, FACTS, steps)


@thorough(150)
@given(expressions(5), expressions(5), st.sampled_from(["eq", "lt", "le", "ge"]), points())
def test_a_path_that_a_value_takes_is_never_refuted(left, right, op, values) -> None:
    try:
        python(left, values), python(right, values)
        a, b = normal_form(left, FACTS), normal_form(right, FACTS)
        condition, _ = compare(op, a, b, FACTS)
        assume(condition is not None)
        truth = holds(condition, values)
    except UNDEFINED:
        assume(False)
    here = [compare("eq", symbol(name), const(value), FACTS) for name, value in values.items()]
    pinned = tuple((c, polarity) for c, polarity in here if c is not None)
    assert not solver().refutes((*pinned, (condition, truth)))


@thorough(60)
@given(expressions(4), expressions(4), st.sampled_from(["eq", "lt"]), st.booleans())
def test_what_is_refuted_no_small_value_takes(left, right, op, truth) -> None:
    try:
        a, b = normal_form(left, FACTS), normal_form(right, FACTS)
        condition, _ = compare(op, a, b, FACTS)
    except UNDEFINED:
        assume(False)
    assume(condition is not None)
    if not solver().refutes(((condition, truth),)):
        return
    for x in range(1, 9):
        for y in range(1, 9):
            for z in (1, 2, 5):
                values = dict(zip(NAMES, (x, y, z), strict=True))
                try:
                    assert holds(condition, values) is not truth, values
                except UNDEFINED:
                    continue


FLOAT_STEPS = st.recursive(
    st.sampled_from(["a", "b", 0.29, 4.0, 1 / 3, 0.5, 7, 2.6667, 1e-3]),
    lambda inner: (
        st.tuples(st.sampled_from(["add", "sub", "mul", "truediv"]), inner, inner)
        | st.tuples(st.sampled_from(["trunc", "ceil", "round", "sqrt", "neg"]), inner)
    ),
    max_leaves=5,
)


def node_of(step, values) -> Node | int | float:
    if isinstance(step, str):
        return Node("symbol", (step,), values[step], None)
    if not isinstance(step, tuple):
        return step
    op, *args = step
    nodes = [node_of(a, values) for a in args]
    numbers = [n.hint if isinstance(n, Node) else n for n in nodes]
    if not any(isinstance(n, Node) for n in nodes):
        return OPERATORS[op](*numbers)
    return Node(op, tuple(nodes), OPERATORS[op](*numbers), None)


@thorough(150)
@given(FLOAT_STEPS, FLOAT_STEPS, st.integers(1, 5000), st.integers(1, 5000))
def test_float_steps_hold_the_double_that_python_computes(left, right, x, y) -> None:
    values = {"a": x, "b": y, "c": 1}
    try:
        nodes = [node_of(step, values) for step in (left, right)]
        lowering = Lowering(FACTS)
        sides = [lowering(node).poly for node in nodes]
        condition, polarity = compare("lt", *sides, FACTS)
    except UNDEFINED:
        assume(False)
    assume(condition is not None)
    numbers = [n.hint if isinstance(n, Node) else n for n in nodes]
    truth = (numbers[0] < numbers[1]) is polarity
    pinned = tuple(
        (Condition("eq", symbol(name), const(value)), True) for name, value in values.items()
    )
    assert not solver(1_600_000).refutes((*pinned, (condition, truth)))


def test_it_proves_what_the_design_says_it_proves() -> None:
    d, h = symbol("a"), symbol("b")
    divides = Condition("eq", atom(Call("mod", (d, h))), const(0))
    quotient = atom(Call("floor", (d * Poly({((next(iter(h.atoms())), -1),): 1}),)))
    product = const(4) * d * h * quotient
    assert solver(8_000_000).proves_equal(product, const(4) * d * d, ((divides, True),))
    assert not solver(8_000_000).proves_equal(product, const(4) * d * d, ((divides, False),))


def test_models_are_values_and_their_absence_is_a_proof() -> None:
    d = symbol("a")
    multiple = Condition("eq", atom(Call("mod", (d, const(96)))), const(0))
    large = Condition("ge", d, const(10_000))
    model = next(solver().models(((multiple, True), (large, True))))
    assert model is not None and model["a"] % 96 == 0 and model["a"] >= 10_000
    assert list(solver().models(((multiple, True), (Condition("ge", d, const(96)), False)))) == []


def test_what_it_does_not_know_is_no_proof() -> None:
    """No odd perfect number is known; a millisecond will not tell."""
    a, b, c = map(symbol, NAMES)
    fermat = Condition("eq", a * a * a + b * b * b, c * c * c)
    assert not solver(4000).refutes(((fermat, True),))


def test_declared_values_are_respected() -> None:
    ranges = [Hyperparameter("a", 8, 64, 8), RealHyperparameter("r", 1.0, 4.0)]
    facts = Facts({"a": (8, 64), "r": (1, 4)}, {"a": 8})
    asked = Solver(ranges, facts)
    assert asked.refutes(((Condition("ge", symbol("a"), const(65)), True),))
    ratio = symbol("r", real=True)
    assert asked.refutes(((Condition("lt", ratio, const(1)), True),))
    (model,) = (m for m in asked.models(((Condition("lt", ratio, const(2)), True),), most=1) if m)
    assert 1 <= model["r"] < 2 and isinstance(model["r"], float) and model["a"] % 8 == 0


def test_a_float_product_is_near_its_exact_value_and_not_equal_to_it() -> None:
    d = symbol("a")
    product = call("fmul", d, const(Fraction(0.29)))
    truncated = atom(Call("trunc", (product,)))
    asked = solver(8_000_000)
    at_100 = (Condition("eq", d, const(100)), True)
    assert math.trunc(100 * 0.29) == 28
    assert not asked.refutes((at_100, (Condition("eq", truncated, const(28)), True)))
    assert asked.refutes((at_100, (Condition("eq", truncated, const(27)), True)))
    assert asked.refutes((at_100, (Condition("eq", truncated, const(30)), True)))


def test_a_steep_power_of_an_integer_is_at_least_one() -> None:
    """The side of a square of patches, `int(n**0.5)`, is not zero; of other bases it may be."""
    side = call("trunc", call("fpow", symbol("a"), const(Fraction(1, 2))))
    flat = call("trunc", call("fpow", symbol("a"), const(Fraction(1, 2**60))))
    half = call("trunc", call("fpow", symbol("a").scaled(Fraction(1, 2)), const(Fraction(1, 2))))
    for size, is_never_zero in ((side, True), (flat, False), (half, False)):
        condition, truth = compare("lt", size, const(1), FACTS)
        assert condition is not None
        assert solver().refutes(((condition, truth),)) is is_never_zero
