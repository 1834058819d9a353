"""Random integer and float programs: what the tracer and the lowering say, and what Python does.

A program runs on plain numbers, and on the tracer's proxies. The proxies' graph is lowered, and
wherever the recorded branches go the same way and the limits hold, the normal form must have the
value that Python computes: to the last bit, at sizes beyond 2**53 too.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from symcount.algebra import evaluate, python_code
from symcount.algebra.comparing import compare
from symcount.algebra.conditions import Condition
from symcount.algebra.facts import Facts
from symcount.algebra.functions import CALLS, CHOICES, call
from symcount.algebra.poly import const, symbol
from symcount.derivation import lowering as lower
from symcount.derivation.lowering import Lowering
from symcount.errors import UnsupportedError
from symcount.formula import sympy_form
from symcount.record import COMPARISONS, OPERATORS, Node, freeze, validate
from symcount.trace.proxies import SymFloat, SymInt
from symcount.trace.stand_ins import BUILTINS, MATH
from tests.random_expressions import thorough

NAMES = ("x", "y")
M = 2**53


class Recorder:
    """A run that keeps the branches taken."""

    alive = True

    def __init__(self) -> None:
        self.branches: list[tuple[str, Node, Any, bool, Node]] = []

    def record(self, op: str, args: Any, value: Any) -> Any:
        node = Node(op, args, value, None)
        return SymFloat(node, self) if type(value) is float else SymInt(node, self)

    def require(self, op: str, a: Node, b: Any) -> None:
        self.branch(op, a, b)

    def branch(self, op: str, a: Node, b: Any) -> bool:
        taken = bool(OPERATORS[op](a.hint, b.hint if type(b) is Node else b))
        self.branches.append((op, a, b, taken, Node(op, (a, b), taken, None)))
        return taken

    def concretise(self, kind: str, node: Node) -> None:
        raise AssertionError(f"{kind} of a symbol")

    poke = concretise

    def is_tensor(self, value: object) -> bool:
        return False


# name -> (native, what the tracer puts in its place, kinds of the operands: i, f or n for either)
OPERATIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any], str]] = {
    "add": (operator.add, operator.add, "nn"),
    "sub": (operator.sub, operator.sub, "nn"),
    "mul": (operator.mul, operator.mul, "nn"),
    "floordiv": (operator.floordiv, operator.floordiv, "nn"),
    "mod": (operator.mod, operator.mod, "nn"),
    "truediv": (operator.truediv, operator.truediv, "nn"),
    "square": (lambda x: x**2, lambda x: x**2, "n"),
    "cube": (lambda x: x**3, lambda x: x**3, "i"),
    "root": (lambda x: x**0.5, lambda x: x**0.5, "n"),
    "power_of_2": (lambda x: 2 ** (x % 7), lambda x: 2 ** (x % 7), "i"),
    "inverse": (lambda x: x**-1, lambda x: x**-1, "n"),
    "int": (int, BUILTINS["int"], "n"),
    "int_of_float": (int, BUILTINS["int"], "f"),
    "float": (float, BUILTINS["float"], "n"),
    "round": (round, round, "n"),
    "round_1": (lambda x: round(x, 1), lambda x: round(x, 1), "f"),
    "round_tens": (lambda x: round(x, -1), lambda x: round(x, -1), "n"),
    "floor": (math.floor, math.floor, "n"),
    "ceil": (math.ceil, math.ceil, "n"),
    "max": (max, BUILTINS["max"], "nn"),
    "min": (min, BUILTINS["min"], "nn"),
    "abs": (abs, abs, "n"),
    "neg": (operator.neg, operator.neg, "n"),
    "sqrt": (math.sqrt, MATH["sqrt"], "n"),
    "isqrt": (math.isqrt, MATH["isqrt"], "i"),
    "gcd": (math.gcd, MATH["gcd"], "ii"),
    "hypot": (math.hypot, MATH["hypot"], "nn"),
    "lshift": (lambda x: x << 3, lambda x: x << 3, "i"),
    "rshift": (lambda x: x >> 2, lambda x: x >> 2, "i"),
    "and": (operator.and_, operator.and_, "ii"),
    "or": (operator.or_, operator.or_, "ii"),
    "xor": (operator.xor, operator.xor, "ii"),
    "invert": (operator.invert, operator.invert, "i"),
    "bit_length": (lambda x: x.bit_length(), lambda x: x.bit_length(), "i"),
    "is_integer": (
        lambda x: int(float(x).is_integer()),
        lambda x: int(BUILTINS["float"](x).is_integer()),
        "n",
    ),
    "compare": (lambda x, y: 3 if x < y else 4, lambda x, y: 3 if x < y else 4, "nn"),
    "equal": (lambda x, y: x if x == y else y, lambda x, y: x if x == y else y, "nn"),
}
CONSTANTS = (
    2, 3, 4, 5, 7, 8, 16, 100, 127, -1, -3, 0.5, 0.25, 4.0, 1.5, -2.0, 3.0, 0.29, 0.1, 2 / 3, 1e-3,
    2.0**-30, 2.0**30, 1e10, M, M + 1, 2**26 + 1, float(M), 0.7, 1.1, -0.0,
)  # fmt: skip
OFTEN = ("mul", "truediv", "int", "int_of_float", "add", "sub", "floordiv", "mod", "round")

Step = tuple[str, tuple[Any, ...]]


def run(steps: list[Step], values: Mapping[str, Any], column: int) -> Any:
    """The program's result, an integer: column 0 natively, 1 as the tracer has it."""
    results: list[Any] = [values[name] for name in NAMES]
    for op, operands in steps:
        args = [results[o[0]] if isinstance(o, tuple) else o for o in operands]
        results.append(OPERATIONS[op][column](*args))
    return OPERATIONS["int"][column](results[-1])


def kind_of(value: Any) -> str:
    return "f" if isinstance(value, float) else "i"


@st.composite
def sizes(draw: Any) -> int:
    """Sizes, small ones, those near powers of two, and those at the edge of doubles."""
    base = draw(st.sampled_from((0, 0, 0, 32, 96, 768, 2**26, 2**31, M // 2, M, M, 3 * M, 10**20)))
    return max(1, base + draw(st.integers(-5, 40)))


@st.composite
def programs(draw: Any) -> tuple[list[Step], dict[str, int]]:
    """A program of up to eight steps that runs at the hints it comes with."""
    hints = {name: draw(sizes()) for name in NAMES}
    results: list[Any] = list(hints.values())
    steps: list[Step] = []
    for _ in range(draw(st.integers(2, 8))):
        op = draw(st.sampled_from((*OPERATIONS, *OFTEN, *OFTEN)))
        native, _, kinds = OPERATIONS[op]
        operands: list[Any] = []
        for position, kind in enumerate(kinds):
            earlier = [(i,) for i, r in enumerate(results) if kind in ("n", kind_of(r))]
            fitting = [k for k in CONSTANTS if kind in ("n", kind_of(k))]
            if earlier and (position == 0 or draw(st.booleans())):
                operands.append(
                    earlier[-1] if draw(st.booleans()) else draw(st.sampled_from(earlier))
                )
            else:
                operands.append(draw(st.sampled_from(fitting)))
        if len(operands) > 1 and draw(st.booleans()):
            operands.reverse()
        if not any(isinstance(o, tuple) for o in operands):
            continue
        try:
            result = native(*(results[o[0]] if isinstance(o, tuple) else o for o in operands))
        except (ArithmeticError, ValueError):
            continue
        if isinstance(result, complex) or abs(result) > 1e60:
            continue
        steps.append((op, tuple(operands)))
        results.append(result)
    assume(steps)
    return steps, hints


def traced(steps: list[Step], hints: Mapping[str, int]) -> tuple[Any, Recorder, list[Node]]:
    recorder = Recorder()
    nodes = [Node("symbol", (name,), hints[name], None) for name in NAMES]
    values = {name: SymInt(node, recorder) for name, node in zip(NAMES, nodes, strict=True)}
    return run(steps, values, 1), recorder, nodes


def outcome(compute: Callable[[], Any]) -> Any:
    """A result, or the exception that stands for it."""
    try:
        return compute()
    except (ArithmeticError, ValueError, TypeError) as error:
        return error


@thorough(250)
@given(programs(), st.lists(st.tuples(sizes(), sizes()), min_size=3, max_size=6), st.booleans())
def test_lowered_programs_compute_what_python_does(
    program: tuple[list[Step], dict[str, int]], others: list[tuple[int, int]], through_fx: bool
) -> None:
    steps, hints = program
    expected = run(steps, hints, 0)
    result, recorder, nodes = traced(steps, hints)
    node = (
        result._symcount_node if isinstance(result, SymInt) and type(result) is SymInt else result
    )
    assert (node.hint if isinstance(node, Node) else node) == expected

    facts = here = Facts()
    lowering = Lowering(facts)
    conditions = []
    limits = set()
    try:
        for op, left, right, taken, _ in recorder.branches:
            a, b = lowering(left), lowering(right)
            condition, polarity = compare(op, a.poly, b.poly, here)
            limits |= a.limits | b.limits
            truth = taken == polarity
            conditions.append((condition, truth))
            assume(within(limits, hints))  # hints beyond the limits say nothing
            if condition is None:
                assert truth, f"{op} is {taken} at the hints, which the normal form rules out"
            else:
                assert evaluate.holds(condition, hints) == truth
                here = here.with_condition(condition, truth)
        value = lowering(node)
    except UnsupportedError:
        return
    limits |= value.limits
    compiled = python_code.compile_tree(value.poly, NAMES, lambda leaf: leaf)

    program_ = freeze(
        nodes,
        [("result", (node,), None)],
        [(test, taken) for *_, taken, test in recorder.branches],
    )
    module = None
    if through_fx:
        graph = program_.fx_graph()
        validate(graph)
        module = torch.fx.GraphModule(torch.nn.Module(), graph)

    nearby = [(hints["x"] + dx, hints["y"] + dy) for dx, dy in ((0, 0), (1, 0), (0, 1), (3, 5))]
    for point in [*nearby, *others]:
        values = dict(zip(NAMES, point, strict=True))
        if not within(limits, values):
            continue
        ran = outcome(lambda: program_.run(**values))  # noqa: B023
        if isinstance(ran, Exception):
            truths = None
        else:
            truths = ran[1]
            if module is not None:
                output = module(*values.values())
                assert output["tensors"]["result"] == ran[0]["result"]
                assert list(map(bool, output["branches"])) == truths
        same_path = True
        for index, (condition, truth) in enumerate(conditions):
            met = outcome(lambda: condition is None or evaluate.holds(condition, values) == truth)  # noqa: B023
            if isinstance(met, Exception):
                same_path = False
                break
            if truths is not None:
                assert met == (truths[index] == recorder.branches[index][3])
            if not met:
                same_path = False
                break
        if not same_path:
            continue
        plain = outcome(lambda: run(steps, values, 0))  # noqa: B023
        if isinstance(plain, Exception):
            continue
        assert not isinstance(ran, Exception)
        assert ran[0]["result"] == (plain,)
        assert evaluate.value(value.poly, values) == plain
        assert compiled(*values.values()) == plain


def within(limits: Any, values: Mapping[str, int]) -> bool:
    try:
        return all(evaluate.holds(condition, values) is truth for condition, truth in limits)
    except (ArithmeticError, ValueError):
        return False  # a limit on something that is computed elsewhere only


# --- the classics -----------------------------------------------------------------------------


def lowered(build: Callable[[Any], Any], hint: int = 64) -> lower.Value:
    recorder = Recorder()
    result = build(SymInt(Node("symbol", ("x",), hint, None), recorder))
    return Lowering(Facts())(result._symcount_node)


INT = BUILTINS["int"]


@pytest.mark.parametrize(
    ("build", "native"),
    [
        (lambda x: INT(x * 0.29), lambda x: int(x * 0.29)),
        (lambda x: INT(x * 2 / 3), lambda x: int(x * 2 / 3)),
        (lambda x: INT(2 / 3 * x), lambda x: int(2 / 3 * x)),
        (lambda x: INT(x * 4.0), lambda x: int(x * 4.0)),
        (lambda x: INT(x * 1.5 * 0.25), lambda x: int(x * 1.5 * 0.25)),
        (lambda x: round(x * 0.5), lambda x: round(x * 0.5)),
        (lambda x: round(x / 8), lambda x: round(x / 8)),
        (lambda x: math.ceil(x / 3), lambda x: math.ceil(x / 3)),
        (lambda x: math.floor(x / 7), lambda x: math.floor(x / 7)),
        (lambda x: INT(-x / 4), lambda x: int(-x / 4)),
        (lambda x: INT(x / 100 * 100), lambda x: int(x / 100 * 100)),
        (lambda x: INT((x % 7 - 5) / 2), lambda x: int((x % 7 - 5) / 2)),
        (lambda x: INT((x % 7 - 9) * 0.5), lambda x: int((x % 7 - 9) * 0.5)),
        (lambda x: math.ceil((x % 7 - 5) / 4), lambda x: math.ceil((x % 7 - 5) / 4)),
        (lambda x: math.floor((x % 7 - 5) / 4), lambda x: math.floor((x % 7 - 5) / 4)),
        (lambda x: INT((x % 7 - 5) * 1.0 // 3), lambda x: int((x % 7 - 5) * 1.0 // 3)),
        (lambda x: INT((x % 7 - 5) * 1.0 % 3), lambda x: int((x % 7 - 5) * 1.0 % 3)),
        (lambda x: INT(x // 0.3), lambda x: int(x // 0.3)),
        (lambda x: INT(x * 1.0 // 3), lambda x: int(x * 1.0 // 3)),
        (lambda x: INT(x % 2.5 * 2), lambda x: int(x % 2.5 * 2)),
        (lambda x: INT(MATH["sqrt"](x)), lambda x: int(math.sqrt(x))),
        (lambda x: INT(MATH["log2"](x)), lambda x: int(math.log2(x))),
        (lambda x: INT(x**0.5), lambda x: int(x**0.5)),
        (lambda x: INT(8 * round(x * 1.1 / 8)), lambda x: int(8 * round(x * 1.1 / 8))),
    ],
)
def test_every_size_to_3000_and_at_the_edge_of_doubles(build: Any, native: Any) -> None:
    value = lowered(build)
    compiled = python_code.compile_tree(value.poly, ["x"], lambda leaf: leaf)
    edges = [n * M // m for n in (1, 2, 3, 4, 7, 8) for m in (1, 2, 3, 4, 8)]
    for x in (*range(1, 3000), *(edge + near for edge in edges for near in range(-20, 20))):
        if within(value.limits, {"x": x}):
            assert compiled(x) == evaluate.value(value.poly, {"x": x}) == native(x), x
        else:
            assert x >= 3000


def test_a_float_divisor_that_is_no_double_is_not_exact() -> None:
    """Found by review: `x * 1.0 // (2**53 + 1)` divides by 2**53."""
    for op in (operator.floordiv, operator.mod):
        value = lowered(lambda x: INT(op(x * 1.0, M + 1)))  # noqa: B023
        for x in (M - 1, M, M + 1, 2 * M):
            if within(value.limits, {"x": x}):
                assert evaluate.value(value.poly, {"x": x}) == int(op(x * 1.0, M + 1))


@pytest.mark.parametrize("name", ["copysign", "atan2"])
def test_the_sign_of_zero_is_refused(name: str) -> None:
    """Found by review: -0.0 is 0 in the normal form, and these two tell it from 0.0."""
    with pytest.raises(UnsupportedError, match="sign of zero"):
        lowered(
            lambda x: MATH[name](x, -0.0 * x) if name == "copysign" else MATH[name](-0.0 * x, -x)
        )
    assert lowered(lambda x: MATH[name](x, x * 2.0)).poly is not None


# --- the tables -------------------------------------------------------------------------------


def test_the_lowering_covers_every_operator() -> None:
    covered = {*lower._INTEGER, *lower._FLOAT, *COMPARISONS}
    assert set(OPERATORS) == covered
    # what gives an integer of integers, and what takes floats
    assert {"floor", "ceil", "trunc", "round"} <= set(lower._INTEGER) & set(lower._FLOAT)


def at(values: Mapping[str, int]) -> dict[Any, int]:
    """The argument of sympy's `subs`."""
    return {sympy_form.symbol(name): value for name, value in values.items()}


ARITY = {
    **dict.fromkeys(
        "add sub mul floordiv mod pow max min truediv round_digits hypot math_pow log_base and or "
        "xor lshift rshift atan2 copysign fmod remainder gcd lcm comb perm".split(),
        2,
    )
}
UNDEFINED_HERE = {"acos", "asin", "atanh"}  # at 5 and at 1.5


def _other_operands(name: str) -> tuple[tuple[float, ...], ...]:
    if name.startswith("if_"):
        return (2, 7, 11), (5, 7, 11), (2.5, 7, 11), (9, 7, 11)
    return ((2,), (2.5,)) if ARITY.get(name) == 2 else ((),)


@pytest.mark.parametrize("name", sorted(set(OPERATORS) - set(COMPARISONS)))
def test_every_operator_lowers_and_evaluates(name: str) -> None:
    """Each operator, on integers and on floats as far as Python takes them, all the way through."""
    reached = 0
    for first in (5, 5 * 0.3):
        for rest in _other_operands(name):
            floats = any(isinstance(v, float) for v in (first, *rest))
            if name in ("max", "min") and floats:
                continue  # the tracer follows the comparison
            try:
                plain = OPERATORS[name](first, *rest)
            except (ArithmeticError, ValueError, TypeError, AttributeError):
                continue
            x = Node("symbol", ("x",), 5, None)
            argument = Node("mul", (x, 0.3), first, None) if isinstance(first, float) else x
            value = Lowering(Facts())(Node(name, (argument, *rest), plain, None))
            assert value.is_float == isinstance(plain, float)
            assert evaluate.number(value.poly, {"x": 5}) == plain
            subs = sympy_form.expression(value.poly).subs(at({"x": 5}))
            assert float(subs) == plain
            reached += 1
    assert reached or name in UNDEFINED_HERE


@pytest.mark.parametrize("op", sorted(CALLS))
def test_every_call_has_a_sympy_function_and_code(op: str) -> None:
    assert op in sympy_form.FUNCTIONS or op in CHOICES
    x = symbol("x")
    for arity in (4,) if op in CHOICES else (1, 2):
        poly = call(op, *(x, *map(const, (2, 7, 11)))[:arity])
        try:
            expected = evaluate.number(poly, {"x": 3})
        except (ValueError, TypeError, IndexError):
            continue  # it takes another number of arguments, or is undefined at 3
        same = Condition("eq", poly, const(Fraction(expected)))
        assert python_code.compile_condition(same, ["x"])(3)
        substituted = sympy_form.expression(poly).subs(sympy_form.symbol("x"), 3)
        assert (int if substituted.is_Integer else float)(substituted) == expected
