"""`substitute` and `rename`: composed with expressions, exact wherever those are values."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import pytest
import sympy
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn

import symcount
from symcount import ArgumentError, DomainError, ParamCount, Symbol, derive
from symcount.algebra.comparing import compare
from symcount.export.documents import json as export_json
from symcount.formula.certificate import Certificate
from symcount.formula.formula import Formula
from symcount.formula.signature import declared_facts
from symcount.formula.tree import Built, Refused, Split, TensorSpec, Unexplored
from symcount.record import Program, shape_of, validate
from symcount.symbols import Hyperparameter
from tests.random_expressions import expressions, normal_form, thorough

NOTHING = Certificate("complete", "", 1, 0, (), ())
EMPTY = Program((), (), ())


def stack(depth, dim, heads=4, vocab=100):
    """Loops, remainders, a choice, and a condition under which it raises."""
    if dim % heads:
        raise ValueError(f"{dim} is not divisible by {heads}")
    layers = [
        nn.Sequential(*[nn.Linear(dim * (i + 1), max(8, dim // 3)) for i in range(depth)])
        for _ in range(depth)
    ]
    head = nn.Linear(dim // heads, vocab) if vocab > 3 * dim else nn.Embedding(vocab, dim)
    return nn.Sequential(nn.ModuleList(layers), head)


@pytest.fixture(scope="module")
def count() -> ParamCount:
    return derive(stack)


def outcome(formula: ParamCount, *args: Any, **values: Any) -> int | None:
    """The count, or None outside the domain."""
    try:
        return formula(*args, **values)
    except DomainError:
        return None


def at(expression: Any, values: Mapping[str, int]) -> Fraction:
    """The exact value of an expression, by the definition of its operators."""
    if isinstance(expression, str):
        return Fraction(values[expression])
    if isinstance(expression, int):
        return Fraction(expression)
    op, *operands = expression
    return EXACT[op](*(at(operand, values) for operand in operands))


EXACT: dict[str, Any] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: Fraction(a // b),
    "%": lambda a, b: Fraction(a % b),
    "max": max,
    "min": min,
    "floor": lambda a: Fraction(math.floor(a)),
    "ceil": lambda a: Fraction(math.ceil(a)),
}


def text_of(expression: Any) -> str:
    if not isinstance(expression, tuple):
        return f"({expression})" if isinstance(expression, int) else expression
    op, operands = expression[0], [text_of(operand) for operand in expression[1:]]
    if op in ("max", "min", "floor", "ceil"):
        return f"{op}({', '.join(operands)})"
    return f"({f' {op} '.join(operands)})"


@st.composite
def written(draw: Any, names: tuple[str, ...]) -> Any:
    leaf = st.one_of(st.sampled_from(names), st.sampled_from((1, 2, 3, 4, 8, -1, 0)))
    tree = st.recursive(
        leaf,
        lambda smaller: st.one_of(
            st.tuples(st.sampled_from(("+", "*", "-", "/", "/", "//", "%")), smaller, smaller),
            st.tuples(st.sampled_from(("max", "min")), smaller, smaller),
            st.tuples(st.sampled_from(("floor", "ceil")), smaller),
        ),
        max_leaves=4,
    )
    return draw(tree)


@st.composite
def declared(draw: Any, name: str) -> Hyperparameter:
    low = draw(st.sampled_from((0, 0, 1, 1, 1, 2, 5)))
    high = draw(st.sampled_from((None, None, 12, 40)))
    return Hyperparameter(name, low, high, draw(st.sampled_from((1, 1, 1, 2, 4))))


@st.composite
def formulas(draw: Any) -> ParamCount:
    """Formulas of a, b and c that no factory has made: any tree of any normal forms."""
    symbols = tuple(draw(declared(name)) for name in ("a", "b", "c"))
    facts = declared_facts(symbols)

    def form(leaves: int = 6) -> Any:
        try:
            return normal_form(draw(expressions(leaves)), facts)
        except symcount.UnsupportedError:
            assume(False)

    def tree(depth: int) -> Any:
        if depth and draw(st.booleans()):
            op = draw(st.sampled_from(("eq", "ge", "lt", "le")))
            condition, truth = compare(op, form(4), form(4), facts)
            if condition is None:
                return tree(depth - 1)
            sides = tree(depth - 1), tree(depth - 1)
            return Split(condition, None, *(sides if truth else sides[::-1]))
        if draw(st.integers(0, 5)) == 0:
            return draw(st.sampled_from((Unexplored(), Refused("ValueError", "", None, ()))))
        shape = tuple(form() for _ in range(draw(st.integers(1, 2))))
        # nothing is left of a size that is undefined somewhere, times zero; a factory raises there
        assume(all(size.terms for size in shape))
        weight = TensorSpec("w", shape, "float32", 4, "parameter", True, None, "")
        return Built((weight,), EMPTY)

    return ParamCount(Formula("factory", symbols, (), tree(3), NOTHING))


@pytest.mark.slow
@thorough(200)
@given(st.data())
def test_a_substituted_formula_is_the_old_one_at_the_values_of_the_expressions(data: Any) -> None:
    count = data.draw(formulas())
    replaced = data.draw(st.lists(st.sampled_from("abc"), min_size=1, unique=True))
    given = {name: data.draw(written(("a", "b", "c", "n"))) for name in replaced}
    try:
        new = count.substitute(**{name: text_of(e) for name, e in given.items()})
    except ArgumentError as error:
        assume("fraction" not in str(error))  # such as (a/2) % 3
        assert "zero" in str(error) or "positive integer" in str(error)
        return
    except DomainError:
        new = None
    for _ in range(12):
        point = {name: data.draw(st.integers(1, 30)) for name in ("a", "b", "c", "n")}
        try:
            values = {h.name: at(given.get(h.name, h.name), point) for h in count.hyperparameters}
        except ZeroDivisionError:
            expected = None
        else:
            whole = all(v.denominator == 1 for v in values.values())
            plain = tuple(int(v) for v in values.values())
            expected = count.formula.at(plain) if whole else None
        if new is None:
            assert expected is None, point
        else:
            left = {h.name: point[h.name] for h in new.hyperparameters}
            assert outcome(new, **left) == expected, point


@pytest.mark.parametrize(
    "given",
    [
        {"dim": "8*n"},
        {"dim": "heads*width"},
        {"heads": "dim/64"},
        {"heads": "dim//8"},
        {"dim": 24, "vocab": "depth**2"},
        {"depth": "n//2", "vocab": "4*dim - 50"},
        {"depth": 3},
        {"depth": "heads", "heads": "depth"},
        {"dim": "n/(m - 2)"},
        {"dim": "2*dim", "depth": "min(n, 4)"},
        {"vocab": "dim % 7"},
        {"dim": "n", "heads": "n"},
    ],
    ids=str,
)
def test_derived_formulas_with_loops_and_pieces(count, given: Mapping[str, Any]) -> None:
    new = count.substitute(**given)
    names = [h.name for h in new.hyperparameters]
    sizes = {"depth": (1, 2, 5), "dim": (1, 8, 60, 64, 192), "heads": (1, 4, 5), "vocab": (3, 900)}
    grid: list[dict[str, int]] = [{}]
    for name in names:
        grid = [{**p, name: v} for p in grid for v in sizes.get(name, (1, 2, 3, 5, 12))]
    inside = 0
    for point in grid:
        values = {h.name: given.get(h.name, h.name) for h in count.hyperparameters}
        expected = None
        try:
            of = {n: eval(str(e), {}, {k: Fraction(v) for k, v in point.items()} | {"min": min})
                  for n, e in values.items()}  # fmt: skip
            if all(v == int(v) for v in of.values()):
                expected = outcome(count, **{n: int(v) for n, v in of.items()})
        except ZeroDivisionError:
            pass
        assert outcome(new, **point) == expected, point
        assert new.valid(**point) is (expected is not None)
        if expected is not None:
            inside += 1
            parts = new.breakdown().parameters.values()
            assert sum(part(**point) for part in parts) == expected
            of_point = dict(zip(new.symbols, (point[n] for n in names), strict=True))
            assert new.expr.subs(of_point) == expected
            assert new.domain.subs(of_point) in (True, sympy.true)
    assert inside


def test_it_simplifies_what_it_settles(count) -> None:
    plain = derive(stack, heads=8, vocab=7).substitute(dim="8*n")
    assert str(plain.domain) == "True"
    assert "2*n + floor(2*n/3)" in str(plain)
    assert str(derive(nn.MultiheadAttention).substitute(embed_dim="num_heads*d").domain) == "True"


def test_every_part_is_of_the_new_symbols(count) -> None:
    new = count.substitute(depth="2*n", dim=24)
    assert [h.name for h in new.hyperparameters] == ["n", "heads", "vocab"]
    assert {s.name for s in new.expr.free_symbols} <= {"n", "heads", "vocab"}
    assert "0.{0..2*n-1}.{0..2*n-1}.weight" in new.breakdown().parameters
    assert all("depth" not in str(term) for term in new.provenance)
    assert {"n**3", "n**2", "vocab", "vocab/heads"} == set(map(str, new.provenance))
    assert new.buffers(1, 4, 5) == 0 and new.trainable(1, 4, 5) == new(1, 4, 5)
    part = count.breakdown().parameters["0.{0..depth-1}.{0..depth-1}.weight"]
    assert part.substitute(depth="2*n", dim=24)(3) == part(6, 24)
    assert count.select("0.*").substitute(depth=2, dim=24)() == count.select("0.*")(2, 24)


def test_names_that_would_be_the_same_stay_two() -> None:
    def factory(a, b, d):
        return nn.Sequential(*[nn.Linear(d, d, bias=False) for _ in range(a if d > 10 else b)])

    count = derive(factory)
    assert list(count.breakdown().parameters) == ["{0..a-1}.weight", "{0..b-1}.weight"]
    part = count.select("{0..a-1}.weight")
    assert (part(2, 3, 20), part(2, 3, 5)) == (800, 0)
    new = part.substitute(a="b")
    assert (new(3, 20), new(3, 5)) == (1200, 0)


def test_powers_of_two_and_sums_over_stages() -> None:
    def factory(stages, width):
        return nn.Sequential(*[nn.Linear(width * 2**i, 3) for i in range(stages)])

    count = derive(factory)
    for text, of in {"n//2 + 1": lambda n: n // 2 + 1, "n - 3": lambda n: n - 3}.items():
        new = count.substitute(stages=text)
        for n in range(1, 12):
            assert outcome(new, n, 5) == outcome(count, of(n), 5)
    assert str(count.substitute(stages=4)) == "45*width + 12"


def test_an_integer_of_fractions_is_compared_as_a_fraction() -> None:
    """`2*n/x >= 3` is not `n/x >= 2`: the former is of an integer, and n/x may be 3/2."""
    count = derive(lambda e, d: nn.Linear(d, 3 if e >= 3 else 4, bias=False))
    for text in ("2*n/x", "(n + 3*m)/x", "n/x + m/x", "6*n/(x + m)"):
        new = count.substitute(e=text)
        for n, m, x in itertools.product(range(1, 7), range(1, 4), range(1, 5)):
            here = {"n": n, "m": m, "x": x}
            e = eval(text, {}, {name: Fraction(value) for name, value in here.items()})
            point = {h.name: here.get(h.name, 7) for h in new.hyperparameters}
            assert outcome(new, **point) == (count(int(e), 7) if e == int(e) else None)


def test_symbols_come_in_the_place_of_what_they_replace_with_its_range_if_it_is_theirs() -> None:
    count = derive(lambda a, b=64, c=3: nn.Linear(a + b, c), b=Symbol(min=8, multiple_of=8))
    new = count.substitute(b="width", a="2*x + y")
    assert [h.name for h in new.hyperparameters] == ["x", "y", "width", "c"]
    width = new.hyperparameters[2]
    assert (width.minimum, width.multiple_of, width.default) == (8, 8, 64)
    assert width.arguments == ("b",)
    assert new.defaults == {"width": 64, "c": 3}
    assert new(1, 1) == count(3)
    shared = count.substitute(b="c")
    assert shared.hyperparameters[1].arguments == ("c", "b")
    assert shared(1, 8) == count(1, 8, 8) and not shared.valid(1, 12)


def test_a_symbol_that_only_a_divisor_has_is_not_what_an_expression_is() -> None:
    """`max(0 % c, b)` is b, so it is no value of c where b is no multiple of 4."""
    count = derive(lambda b, c: nn.Linear(b, c, bias=False), c=Symbol(multiple_of=4))
    new = count.substitute(c="max(0 % c, b)")
    assert new(b=8, c=3) == 64
    assert not new.valid(b=1, c=12)


def test_swapping_is_simultaneous(count) -> None:
    swapped = count.substitute(dim="heads", heads="dim")
    assert swapped(depth=2, dim=4, heads=24, vocab=9) == count(depth=2, dim=24, heads=4, vocab=9)
    assert swapped == count.rename(dim="heads", heads="dim")
    assert swapped.substitute(dim="heads", heads="dim") == count


def test_all_symbols_may_be_numbers(count) -> None:
    new = count.substitute(depth=2, dim=24, heads=4, vocab=9)
    assert new.hyperparameters == () and new.symbols == ()
    assert new() == count(2, 24, 4, 9) == new.expr


def test_outside_the_message_says_which_expression_is_no_value() -> None:
    count = derive(lambda d, f: nn.Linear(d, f), f=Symbol(min=8, max=64, multiple_of=8))
    assert str(count.substitute(f="d/3").domain) == "(d < 193) & Eq(Mod(d, 24), 0)"
    new = count.substitute(f="4*d - 12")
    for d, message in {
        3: r"d=3 is outside the domain of <lambda>: d >= 5 fails: f = 4\*d - 12 is less than 8",
        21: r"f = 4\*d - 12 is more than 64 there. Nearest valid values: d=19.",
        6: r"f = 4\*d - 12 is no multiple of 8 there. Nearest valid values: d=5 or 7.",
    }.items():
        with pytest.raises(DomainError, match=message):
            new(d)
    with pytest.raises(DomainError, match=r"f = 8/\(d - 2\) divides by zero there"):
        count.substitute(f="8/(d - 2)")(2)
    with pytest.raises(DomainError, match="is no multiple of 8 there"):
        count.substitute(f="16/(d - 2)")(5)


def test_the_factorys_own_zero_division_is_outside_though_it_cancels() -> None:
    def factory(d, e, g):
        quotient = (d - g) // (e // 4)
        wide = quotient > d
        return nn.Linear(quotient + 1, 5 if e >= 4 else 7, bias=wide)

    count = derive(factory)
    for text in ("e//4 + g", "(e//4)*n + g", "2*(e//4) + g + n"):
        new = count.substitute(d=text)
        for e in range(1, 10):
            for n in (1, 2, 6):
                d = eval(text, {}, {"e": e, "g": 3, "n": n})
                point = {h.name: {"e": e, "g": 3, "n": n}[h.name] for h in new.hyperparameters}
                assert outcome(new, **point) == outcome(count, d, e, 3)
    with pytest.raises(DomainError, match="e >= 4 fails"):
        count.substitute(d="e//4 + g")(e=3, g=3)


def test_a_divisor_that_cancels_is_a_condition_where_no_branch_is_one() -> None:
    symbols = tuple(Hyperparameter(name) for name in ("a", "b", "c"))
    facts = declared_facts(symbols)
    quotient = normal_form(("//", ("-", "a", "b"), ("//", "c", 4)), facts)

    def built(size: Any) -> Built:
        return Built((TensorSpec("w", (size,), "float32", 4, "parameter", True, None, ""),), EMPTY)

    one, two, three = (built(normal_form(n, facts)) for n in (1, 2, 3))
    at_least, _ = compare("ge", quotient, normal_form(1, facts), facts)
    large, _ = compare("ge", normal_form("c", facts), normal_form(4, facts), facts)
    assert at_least is not None and large is not None
    for tree, expected in (
        (built(quotient), 1),
        (Split(at_least, None, Split(large, None, two, three), one), 2),
    ):
        count = ParamCount(Formula("factory", symbols, (), tree, NOTHING))
        new = count.substitute(a="b + c//4")
        assert outcome(count, 9, 9, 3) is None and outcome(count, 10, 9, 4) == expected
        assert outcome(new, 9, 3) is None and outcome(new, 9, 4) == expected
        with pytest.raises(DomainError, match="c >= 4 fails: its arithmetic divides by zero there"):
            new(9, 3)


def test_a_float_symbol_takes_numbers_and_names() -> None:
    def factory(dim, ratio):
        return nn.Linear(int(dim * ratio), 2 if ratio < 1.5 else 3)

    count = derive(factory, ratio=Symbol(real=True, max=8.0))
    for ratio in (0.29, 2.0, 2.5, 3):
        new = count.substitute(ratio=ratio)
        assert [outcome(new, d) for d in range(1, 300)] == [
            outcome(count, d, ratio) for d in range(1, 300)
        ]
    renamed = count.substitute(ratio="expansion", dim="2*n")
    assert renamed(50, 0.29) == count(100, 0.29)
    assert not renamed.valid(50, 9.0)
    for bad, message in {
        "2*x": "ratio is a float, and computing with floats rounds; only a number or another",
        "dim": "ratio is a float and dim an integer; use a symbol of the same kind",
    }.items():
        with pytest.raises(ArgumentError, match=message):
            count.substitute(ratio=bad)
    with pytest.raises(ArgumentError, match="ratio is a float and dim an integer"):
        count.substitute(dim="4*ratio")
    with pytest.raises(DomainError, match=r"ratio=9.0 is outside the domain: it was derived for"):
        count.substitute(ratio=9.0)


def test_the_certificate_stays_that_of_the_old_symbols_and_says_so(count) -> None:
    new = count.substitute(dim="8*n").substitute(n=4, vocab="7*m")
    assert new.certificate.grade == count.certificate.grade
    assert new.certificate.points == count.certificate.points
    assert new.certificate.substituted == (("dim", "8*n"), ("n", "4"), ("vocab", "7*m"))
    assert str(new.certificate).endswith(
        "\n  derived and compared before dim = 8*n, n = 4, vocab = 7*m was substituted"
    )
    assert count.certificate.substituted == ()
    described = json.loads(export_json.render_count(new.formula))
    assert described["certificate"]["substituted"] == [["dim", "8*n"], ["n", "4"], ["vocab", "7*m"]]
    with pytest.raises(ArgumentError, match=r"has no symbol 'dim': 8\*n was substituted for it"):
        new(1, 1, 1, dim=8)


def test_graphs_compute_the_expressions(count) -> None:
    import torch.fx

    new = count.substitute(dim="8*n/(m//2)", heads=2, vocab="max(n, 40 - m) % 11 + 1")
    for old, graph in zip(count.graphs.values(), new.graphs.values(), strict=False):
        validate(graph)
        names = [n.target for n in graph.nodes if n.op == "placeholder"]
        assert names == ["depth", "m", "n"]
        point = {"depth": 4, "m": 7, "n": 6}
        got = torch.fx.GraphModule(nn.Module(), graph)(**point)
        dim, vocab = 8 * 6 // 3, max(6, 33) % 11 + 1
        values = {"depth": 4, "dim": dim, "heads": 2, "vocab": vocab}
        assert got == torch.fx.GraphModule(nn.Module(), old)(**values)
    assert shape_of(1) == (1,)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({}, ArgumentError, r"takes what replaces a symbol: substitute\(f='4\*d'\)"),
        ({"width": 3}, ArgumentError, "has no symbol 'width'; its symbols are: depth, dim, heads"),
        ({"dim": 2.0}, ArgumentError, "dim=2.0: a float stands for no integer; give an integer"),
        ({"dim": True}, ArgumentError, "a positive integer, not a bool"),
        ({"dim": None}, ArgumentError, "a NoneType stands for no integer"),
        ({"dim": "2.5*n"}, ArgumentError, "a float is not exact; write a fraction of integers"),
        ({"dim": Fraction(1, 2)}, ArgumentError, "dim=1/2: a hyper-parameter is a positive integ"),
        ({"dim": 0}, DomainError, "dim=0 is outside the domain: it was derived for dim >= 1"),
        ({"dim": "-n"}, DomainError, "dim = -n is less than 1 at all values"),
        ({"dim": 9, "heads": 2}, DomainError, "no values at which stack builds: ValueError: "),
        ({"dim": "for"}, ArgumentError, "dim='for': this is no expression"),
        ({"dim": "n +"}, ArgumentError, r"this is no expression; write integers and symbols with"),
        ({"dim": ""}, ArgumentError, "this is no expression"),
        ({"dim": "n.real"}, ArgumentError, "'n.real' is not understood; write integers"),
        ({"dim": "__import__('os')"}, ArgumentError, "is not understood"),
        ({"dim": "n if n else 1"}, ArgumentError, "is not understood"),
        ({"dim": "n**m"}, ArgumentError, "an exponent is an integer from 0 to 16"),
        ({"dim": "n**17"}, ArgumentError, "an exponent is an integer from 0 to 16"),
        ({"dim": "n/0"}, ArgumentError, "this divides by zero"),
        ({"dim": "n % (2 - 2)"}, ArgumentError, "this divides by zero"),
        ({"dim": "max(n/2, 8)"}, ArgumentError, "may be no integer; divide with //"),
        ({"dim": "n/(m/2)"}, ArgumentError, "this divides by a fraction; write it with one"),
        ({"dim": "floor(n, 2)"}, ArgumentError, r"floor\(\) does not take 2 values"),
        ({"dim": "max()"}, ArgumentError, r"max\(\) does not take 0 values"),
        ({"dim": "(" * 3000 + "n" + ")" * 3000}, ArgumentError, "no expression|too deeply"),
        ({"dim": "+".join("n" * 9000)}, ArgumentError, "no expression|too deeply"),
        ({"dim": sympy.sqrt(sympy.Symbol("n"))}, ArgumentError, "an exponent is an integer"),
        ({"dim": sympy.Symbol("n") / 3.0}, ArgumentError, "a float is not exact"),
        ({"dim": sympy.log(sympy.Symbol("n"))}, ArgumentError, "log is not understood; use int"),
        ({"dim": sympy.Symbol("a b")}, ArgumentError, "'a b' cannot name a symbol"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_bad_substitutions(count, given, error, message: str) -> None:
    with pytest.raises(error, match=message):
        count.substitute(**given)


def test_sympy_expressions_are_what_they_say(count) -> None:
    n, m = sympy.symbols("n m", integer=True, positive=True)
    for expression in (
        4 * n,
        sympy.Mod(n, 5) + 4 * sympy.Max(n, m),
        8 * n / m,
        sympy.ceiling(n / 3) + sympy.floor(m / 2) * 4,
        sympy.Min(n, 7) ** 2,
    ):
        new = count.substitute(dim=expression, heads=1)
        for a, b in ((1, 1), (3, 2), (10, 5), (7, 3)):
            value = expression.subs({n: a, m: b})
            expected = outcome(count, 2, int(value), 1, 9) if value.is_Integer else None
            left = {"n": a, "m": b}
            point = {h.name: left[h.name] for h in new.hyperparameters if h.name in left}
            assert outcome(new, depth=2, vocab=9, **point) == expected


# --- rename -----------------------------------------------------------------------------------


def test_renamed_everywhere_and_nothing_else_changes(count) -> None:
    new = count.rename(dim="d", depth="n_layer")
    assert [h.name for h in new.hyperparameters] == ["n_layer", "d", "heads", "vocab"]
    assert [h.arguments for h in new.hyperparameters] == [("depth",), ("dim",), ("heads",),
                                                          ("vocab",)]  # fmt: skip
    assert new(2, 24) == count(2, 24) == new(n_layer=2, d=24)
    text = "\n".join(
        [str(new), str(new.domain), f"{new:latex}", str(new.breakdown()), str(new.graph)]
    )
    assert "dim" not in text and "depth" not in text and "{0..n_layer-1}" in text
    assert new.rename(d="dim", n_layer="depth") == count
    described = json.loads(export_json.render_count(new.formula))
    assert [s["name"] for s in described["symbols"]] == ["n_layer", "d", "heads", "vocab"]
    assert {*new.certificate.points[0]} != {*count.certificate.points[0]}
    assert all(new.valid(**dict(point)) for point in new.certificate.points)
    with pytest.raises(DomainError, match=r"(?s)d=9, .*raises there, at n_layer=\d+, d=\d+"):
        new(2, 9)


def test_a_formula_of_other_names_is_the_same_as_one_renamed() -> None:
    one = derive(lambda a, b: nn.Linear(a % b + 1, max(a, 7) // b + a * b))
    other = derive(lambda y, x: nn.Linear(y % x + 1, max(y, 7) // x + y * x))
    assert one.rename(a="y", b="x") == other


def test_names_in_messages_and_certificates_of_substituted_formulas_are_renamed() -> None:
    count = derive(lambda d, f: nn.Linear(d, f)).substitute(f="d/64").rename(d="width")
    with pytest.raises(DomainError, match=r"width=3 .* f = width/64 is no integer there"):
        count(3)
    assert count.certificate.substituted == (("f", "d/64"), ("d", "width"))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({}, r"takes the new name of a symbol: rename\(hidden_size='d'\)"),
        ({"width": "d"}, "has no symbol 'width'; its symbols are"),
        ({"dim": "heads"}, r"'dim' and 'heads' would both be 'heads'; use substitute\(dim='heads'"),
        ({"dim": "x", "heads": "x"}, "'dim' and 'heads' would both be 'x'"),
        ({"dim": "lambda"}, "dim='lambda': 'lambda' cannot name a symbol; use a Python identifier"),
        ({"dim": "2d"}, "'2d' cannot name a symbol"),
        ({"dim": "a-b"}, "cannot name a symbol"),
        ({"dim": 3}, "3 cannot name a symbol"),
        ({"dim": ""}, "'' cannot name a symbol"),
    ],
    ids=str,
)
def test_bad_names(count, names: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        count.rename(**names)
