"""Python, NumPy, C and SQL, run: the same number as symcount's at every point, or a refusal."""

from __future__ import annotations

import ast
import contextlib
import keyword
import math
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import symcount
from examples.families import PUBLISHED, derived, gpt2, llama, mobilenet_v2, vit
from symcount import ParamCount, Symbol, derive
from symcount.algebra.conditions import Condition
from symcount.algebra.functions import CALLS, CHOICES, call
from symcount.algebra.poly import Call, atom, const, symbol
from symcount.catalogue.targets import seeds
from symcount.export.languages import c, javascript, python, sql
from symcount.export.languages import captions as code
from symcount.export.languages import numpy as export_numpy
from symcount.formula.tree import Split
from tests.derivation.test_zero import WITH_ZERO
from tests.formulas import OUTSIDE, formula, formulas, leaf
from tests.idioms import IDIOMS
from tests.random_expressions import NAMES, thorough
from tests.random_points import encoded, operands, random_points

GCC = shutil.which("gcc")
needs_gcc = pytest.mark.skipif(GCC is None, reason="there is no GCC here (`gcc`)")
STRICT = ["-std=c11", "-pedantic", "-Wall", "-Wextra", "-Werror"]
LARGEST = 2**63 - 1
# Depth, piecewise formulas and domains, and none that takes long to derive.
SOME_FAMILIES = (gpt2, llama, mobilenet_v2, vit)

Point = Sequence[int | float]


@pytest.fixture(scope="module")
def counts() -> list[ParamCount]:
    """All seeds, some families, every ninth idiom, and some with a symbol that may be zero."""
    of_family = {size.family: size for size in PUBLISHED}
    families = [derived(of_family[family]) for family in SOME_FAMILIES]
    idioms = [derive(idiom.factory, **idiom.given) for idiom in IDIOMS[::9]]
    of_zero = [derive(factory, n=Symbol(min=0)) for factory in WITH_ZERO]
    return [*(spec.param_count for spec in seeds()), *families, *idioms, *of_zero]


def operators() -> list[ParamCount]:
    """A formula for each operator, of operands of either sign and zero; of a double, its whole."""
    a, b = symbol("a") - const(40), symbol("b") - const(40)
    counts = []
    for op in sorted(CALLS.keys() - CHOICES):
        if op == "floor":
            value = atom(Call("floor", (a * const(Fraction(3, 7)),)))
        elif op in ("factorial", "comb", "perm", "pow"):
            value = atom(Call(op, (a, b)[: 1 if op == "factorial" else 2]))
        else:
            value = atom(Call(op, (a, b)[: arity(op)]))
        if CALLS[op].is_float:
            value = call("floor_float", call("fmul", value, const(1000)))
        counts.append(formula(value, ("a", "b")))
    for op in sorted(CHOICES):  # a side that is not taken is undefined
        undefined = atom(Call("floordiv", (a, b)))
        counts.append(formula(atom(Call(op, (a, b, undefined, a * b))), ("a", "b")))
        counts.append(
            formula(atom(Call(op, (a, b, const(3), call("max", undefined, b)))), ("a", "b"))
        )
    return counts


def arity(op: str) -> int:
    """How many numbers it is a function of."""
    if op == "round_digits":
        return 2  # `round` does without
    for number in (1, 2):
        with contextlib.suppress(TypeError):
            with contextlib.suppress(ValueError):  # undefined there, but of so many numbers
                CALLS[op].compute(*[2] * number)
            return number
    raise AssertionError(op)


GRID = [(a, b) for a in range(1, 90, 3) for b in (1, 7, 33, 39, 40, 41, 43, 47, 80)]


def expected(count: ParamCount, point: Point) -> int | None:
    return count(*point) if count.valid(*point) else None


def written(render: Callable[[ParamCount], Any], counts: Sequence[ParamCount]) -> list[Any]:
    """Formulas with what is rendered of them, without those that are refused."""
    pairs = []
    for count in counts:
        with contextlib.suppress(symcount.UnsupportedError):
            pairs.append((count, render(count)))
    return pairs


# --- Python -----------------------------------------------------------------------------------


def function_of(text: str) -> Any:
    """The function of a module's text, the last but for the part `_name` of NumPy's `name`."""
    names: dict[str, Any] = {"__name__": "exported"}
    exec(compile(text, "<exported>", "exec"), names)
    found = [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    return names[found[-2] if found[-1] == f"_{found[-2:][0]}" else found[-1]]


def run_python(count: ParamCount, function: Any, point: Point) -> int | None:
    names = python.parameter_names(count, python.function_name(count))
    try:
        return function(**dict(zip(names, point, strict=True)))  # type: ignore[no-any-return]
    except ValueError:
        return None


def test_python(counts: list[ParamCount]) -> None:
    held = 0
    for count in counts:
        function = function_of(python.render_count(count.formula))
        for point in random_points(count):
            result = run_python(count, function, point)
            assert result == expected(count, point), (count, point)
            held += result is not None
    assert held > 15_000


@thorough(40)
@given(formulas(), st.lists(st.tuples(*[st.integers(1, 10**6)] * 3), min_size=5, max_size=10))
def test_python_on_random_formulas(count: ParamCount, points: Any) -> None:
    function = function_of(python.render_count(count.formula))
    for point in [*points, (1, 1, 1), (8, 4, 2), (5, 6, 7)]:
        assert run_python(count, function, point) == expected(count, point)


@pytest.mark.parametrize("count", operators(), ids=str)
def test_python_and_numpy_and_every_operator(count: ParamCount) -> None:
    function = function_of(python.render_count(count.formula))
    grid = [point for point in GRID if is_computed(count, point)]
    for point in grid:
        assert run_python(count, function, point) == expected(count, point), point
    compare_numpy(count, grid)


def is_computed(count: ParamCount, point: Point) -> bool:
    """Whether symcount computes an integer there: a negative power is a float, and no count."""
    try:
        return isinstance(expected(count, point), int | None)
    except TypeError:
        return False


def test_python_is_plain() -> None:
    """A formula without a step of `math` needs no import at all."""
    text = python.render_count(derive(squeezed).formula)
    assert "import" not in text
    assert text.startswith("def squeezed(dim, r=4):\n")
    function = function_of(text)
    assert "Formula: dim*Max(1, floor(dim/r))" in function.__doc__
    assert "complete" in function.__doc__
    assert function(64) == derive(squeezed)(64)


def squeezed(dim: int, r: int = 4) -> nn.Module:
    return nn.Linear(dim, max(1, dim // r))


def headed(dim: int, heads: int = 8) -> nn.Module:
    return nn.MultiheadAttention(dim, heads)


def test_python_says_what_is_wrong() -> None:
    function = function_of(python.render_count(derive(headed, heads=Symbol(max=64)).formula))
    with pytest.raises(ValueError, match=r"^dim must be a multiple of heads\. The factory raises"):
        function(60)
    with pytest.raises(ValueError, match=r"^dim must be at least 1$"):
        function(0)
    with pytest.raises(ValueError, match=r"^heads must be at most 64$"):
        function(128, 128)
    for wrong in (True, 64.0, "64", np.int64(64)):
        with pytest.raises(TypeError, match=r"^the sizes must be int: dim, heads$"):
            function(wrong)


def test_a_tree_of_any_depth_is_python() -> None:
    """Python allows a hundred indentations."""
    a = symbol("a")
    tree: Any = leaf(a)
    for number in range(300):
        tree = Split(Condition("ge", a, const(300 - number)), None, tree, leaf(a + const(number)))
    count = formula(tree, ("a",))
    function = function_of(python.render_count(count.formula))
    assert [function(n) for n in (1, 150, 299, 300)] == [count(n) for n in (1, 150, 299, 300)]


# --- NumPy ------------------------------------------------------------------------------------


def compare_numpy(count: ParamCount, points: Sequence[Point]) -> int:
    """All points whose counts fit int64 at once, some others by themselves."""
    function = function_of(export_numpy.render_count(count.formula))
    numbers = [expected(count, point) for point in points]
    fitting = [abs(n) <= LARGEST if n is not None else True for n in numbers]
    inside = [(p, n) for p, n, fits in zip(points, numbers, fitting, strict=True) if fits]
    columns = zip(*(point for point, _ in inside), strict=True)
    arrays = [
        np.array(column, dtype=None if all(abs(v) <= LARGEST for v in column) else object)
        for column in columns
    ]
    found = function(*arrays, fill=-7)
    assert found.dtype == np.int64
    for (point, number), result in zip(inside, found.tolist(), strict=True):
        assert result == (-7 if number is None else number), (count, point)
    for point, fits in [(p, f) for p, f in zip(points, fitting, strict=True) if not f][:10]:
        assert not fits
        with pytest.raises(OverflowError, match="a count does not fit int64"):
            function(*point)
    return len(inside)


def test_numpy(counts: list[ParamCount]) -> None:
    assert sum(compare_numpy(count, list(random_points(count))) for count in counts) > 30_000


@thorough(40)
@given(formulas(), st.lists(st.tuples(*[st.integers(1, 10**6)] * 3), min_size=5, max_size=10))
def test_numpy_on_random_formulas(count: ParamCount, points: Any) -> None:
    compare_numpy(count, [*points, (1, 1, 1), (8, 4, 2), (5, 6, 7)])


def test_numpy_broadcasts_and_says_where_the_domain_ends() -> None:
    function = function_of(export_numpy.render_count(derive(headed).formula))
    found = function(np.arange(60, 70, 2), np.array([[4], [6]]), fill=-1)
    assert found.tolist() == [[14640, -1, 16640, -1, 18768], [14640, -1, -1, 17688, -1]]
    assert function(64) == 16640
    assert function(np.array([], int), 8).tolist() == []
    with pytest.raises(ValueError, match=r"^outside the domain at \(62, 4\); pass fill="):
        function(np.array([60, 62]), 4)
    with pytest.raises(TypeError, match=r"^dim must hold integers, not float64$"):
        function(np.array([64.0]))


def test_numpy_does_not_wrap_around() -> None:
    function = function_of(
        export_numpy.render_count(derive(lambda d: nn.Linear(d, d, bias=False)).formula)
    )
    assert function(np.array([3037000499])).tolist() == [3037000499**2]
    with pytest.raises(OverflowError, match="does not fit int64"):
        function(np.array([3037000500]))
    a, b = symbol("a"), symbol("b")
    count = formula(call("floordiv", a * a * a, b), ("a", "b"))  # a step beyond, a count within
    function = function_of(export_numpy.render_count(count.formula))
    assert function(np.array([10**7]), 10**9).tolist() == [10**12]


def large_integers() -> list[ParamCount]:
    """Quotients of integers beyond doubles, and such integers against a double."""
    a, b = symbol("a"), symbol("b")
    quotient = formula(call("floor_float", call("truediv", a, b)), ("a", "b"))
    product = call("fmul", b, call("sqrt", const(2)))
    choices = [
        formula(Split(Condition(op, a, product), None, leaf(const(1)), leaf(const(2))), ("a", "b"))
        for op in ("lt", "le")
    ]
    exact = call("fmul", b, const(2))
    return [quotient, *choices, formula(Split(Condition("le", a, exact), None, leaf(a), OUTSIDE))]


def large_points(count: ParamCount) -> Iterator[Point]:
    draw = random.Random(7)
    for _ in range(300):
        b = draw.randint(2**53, 2**61)
        near = int(b * draw.choice((1, 2**0.5, 2))) + draw.randint(-3, 3)
        yield (near, b, 1)[: len(count.hyperparameters)]
        yield (draw.randint(2**53, 2**62), draw.choice((1, 3, 7)), 1)[: len(count.hyperparameters)]


def test_large_integers_are_compared_and_divided_exactly_in_numpy() -> None:
    for count in large_integers():
        assert compare_numpy(count, list(large_points(count))) > 500


@needs_gcc
def test_large_integers_are_compared_and_divided_exactly_in_c() -> None:
    held, overflown, _, number = compare_c(large_integers(), large_points)
    assert (number, overflown) == (4, 0)
    assert held > 1500


# --- C ----------------------------------------------------------------------------------------


def compiled(text: str, directory: Path) -> Path:
    source, program = directory / "program.c", directory / "program"
    source.write_text(text, encoding="utf-8")
    assert GCC is not None
    done = subprocess.run(
        [GCC, *STRICT, str(source), "-o", str(program), "-lm"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return program


_MAIN = """
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
static char text[64];
static const char *word(void) {{ return scanf("%63s", text) == 1 ? text : "0"; }}
static inline int64_t whole(void) {{ return strtoll(word(), 0, 10); }}
static inline double real(void) {{ return strtod(word(), 0); }}
int main(void) {{
  int which;
  while (scanf("%d", &which) == 1) {{
    int64_t count = 0;
    int status = -1;
{cases}
    printf("%d %" PRId64 "\\n", status, count);
  }}
  return 0;
}}
"""


def run_c(
    pairs: Sequence[tuple[ParamCount, str]], work: Sequence[tuple[int, Point]], directory: Path
) -> list[tuple[int, int]]:
    """The status and count of each point of a formula by its number."""
    cases = []
    for index, (count, _) in enumerate(pairs):
        kinds = ["double" if h.real else "int64_t" for h in count.hyperparameters]
        reads = "".join(
            f"{kind} v{n} = {'real' if kind == 'double' else 'whole'}(); "
            for n, kind in enumerate(kinds)
        )
        args = "".join(f"v{n}, " for n in range(len(kinds)))
        cases.append(f"    if (which == {index}) {{ {reads}status = f{index}({args}&count); }}")
    text = c.runtime() + "".join(body for _, body in pairs) + _MAIN.format(cases="\n".join(cases))
    program = compiled(text, directory)
    lines = [" ".join([str(index), *map(repr, point)]) for index, point in work]
    done = subprocess.run([program], input="\n".join(lines), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [(int(s), int(n)) for s, n in (line.split() for line in done.stdout.splitlines())]


def in_c(counts: Sequence[ParamCount]) -> list[tuple[ParamCount, str]]:
    pairs: list[tuple[ParamCount, str]] = []
    for count in counts:
        with contextlib.suppress(symcount.UnsupportedError):
            pairs.append((count, c.function(count.formula, f"f{len(pairs)}")))
    return pairs


def compare_c(counts: Sequence[ParamCount], points: Callable[[ParamCount], Iterator[Point]]) -> Any:
    pairs = in_c(counts)
    work = [
        (index, point)
        for index, (count, _) in enumerate(pairs)
        for point in points(count)
        if all(v <= LARGEST for v in point)
    ]
    with tempfile.TemporaryDirectory() as directory:
        results = run_c(pairs, work, Path(directory))
    held, overflown, early = 0, 0, []
    for (index, point), (status, number) in zip(work, results, strict=True):
        exact = expected(pairs[index][0], point)
        if status == 2:
            overflown += 1
            if max(point) < 10**5 and exact is not None and abs(exact) <= LARGEST:
                early.append((pairs[index][0], point))
            continue
        assert (number if status == 0 else None) == exact, (pairs[index][0], point, status)
        held += exact is not None
    return held, overflown, early, len(pairs)


@needs_gcc
def test_c(counts: list[ParamCount]) -> None:
    held, overflown, early, number = compare_c(counts, random_points)
    assert held > 15_000
    assert overflown
    assert not early
    assert number > len(counts) - 3


@needs_gcc
def test_every_operator_in_c() -> None:
    counts = [count for count in operators() if not str(count).startswith("a**")]
    held, _, _, number = compare_c(counts, lambda count: iter(GRID))
    assert number > 40
    assert held > 5_000


@pytest.mark.slow
@needs_gcc
@thorough(2)
@given(st.lists(formulas(), min_size=8, max_size=16))
def test_c_on_random_formulas(several: list[ParamCount]) -> None:
    draw = random.Random(4)
    points = [[draw.randint(1, 10**size) for _ in NAMES] for size in (1, 1, 1, 2, 2, 4, 9, 18)]
    compare_c(several, lambda count: iter(points))


_C_OPERATORS = """
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
static void put_integer(int status, integer v) {
  if (status) printf("%s\\n", status == SYMCOUNT_OUTSIDE ? "undefined" : "refused");
  else {
    char digits[64], *p = digits + 63;
    natural size = sc_size(v);
    *p = 0;
    do *--p = (char)('0' + (int)(size % 10)); while (size /= 10);
    printf("%s%s\\n", v < 0 ? "-" : "", p);
  }
}
static void put_double(int status, double v) {
  uint64_t bits;
  memcpy(&bits, &v, 8);
  if (status) printf("%s\\n", status == SYMCOUNT_OUTSIDE ? "undefined" : "refused");
  else if (v != v) printf("nan\\n");
  else printf("%016" PRIx64 "\\n", bits);
}
static double bits(uint64_t value) { double v; memcpy(&v, &value, 8); return v; }
"""


def c_literal(value: int | float) -> str:
    if isinstance(value, float):
        return f"bits(UINT64_C(0x{encoded(lambda x: x, [value])}))" if value == value else "NAN"
    text = c.C.integer(abs(value))
    return f"-{text}" if value < 0 else text


@needs_gcc
def test_every_operator_of_c_is_python_s(tmp_path: Path) -> None:
    """Signs, ties, infinities and subnormals; a double is compared bit by bit."""
    draw = random.Random(1)
    lines, wanted = [], []
    for op, template in c.C.calls.items():
        is_float = CALLS[op].is_float
        compute = CALLS[op].compute if op != "floor" else lambda top, bottom: top // bottom
        for _ in range(120):
            row = of_one_kind(op, draw)
            if any(isinstance(v, int) and abs(v) >= 2**126 for v in row):
                continue
            row = row[:2] if op in ("max", "min", "gcd", "lcm") else row
            texts = ["a", "b"][: len(row)]
            kinds = ["double" if isinstance(v, float) else "integer" for v in row]
            names = "".join(
                f"const {kind} {name} = {c_literal(v)}; "
                for kind, name, v in zip(kinds, texts, row, strict=True)
            )
            value = template.format(*texts, all=", ".join(texts))
            put = "put_double" if is_float else "put_integer"
            kind = "double" if is_float else "integer"
            lines.append(
                f"{{ int status = 0; {names}{kind} r = {value}; {put}(status, r); (void)a; }}"
            )
            wanted.append((op, row, encoded(compute, row)))
    text = c.runtime() + _C_OPERATORS
    blocks = [lines[i : i + 200] for i in range(0, len(lines), 200)]
    for index, block in enumerate(blocks):
        text += f"static void block{index}(void) {{\n" + "\n".join(block) + "\n}\n"
    calls = " ".join(f"block{index}();" for index in range(len(blocks)))
    text += f"int main(void) {{ {calls} return 0; }}\n"
    found = subprocess.run(
        [compiled(text, tmp_path)], capture_output=True, text=True
    ).stdout.split()
    refused = 0
    for (op, row, exact), result in zip(wanted, found, strict=True):
        if result == "refused":
            refused += 1
            assert op == "pow" or exact == "undefined" or abs(int(exact)) >= 2**126, (op, row)
        else:
            assert result == exact, (op, row)
    assert refused < len(wanted) / 10


def of_one_kind(op: str, draw: random.Random) -> list[int | float]:
    """Operands; of a quotient two integers, as the writer gives C no others."""
    row = operands(op, draw)
    while op == "truediv" and not all(isinstance(v, int) for v in row):
        row = operands(op, draw)
    return row


@needs_gcc
def test_ratios_are_compared_exactly_in_c(tmp_path: Path) -> None:
    draw = random.Random(3)
    sides: list[Any] = [Fraction(draw.randint(-9, 9), draw.randint(1, 9)) for _ in range(15)]
    sides += [0.5, -0.25, 1 / 3, 2.0**70, 5e-324, math.inf, -math.inf, math.nan, -0.0, 1e300]
    sides += [Fraction(1, 3), Fraction(3), Fraction(-1), Fraction(10**30), Fraction(2**70)]
    sides += [Fraction(10**30, 7), 10**30 / 7, -1e-9, Fraction(1, 2**60), 2.0**-60]
    made = [
        f"sc_ratio(&status, {c_literal(-s.numerator)}, {c_literal(-s.denominator)})"
        if isinstance(s, Fraction)
        else f"sc_real({c_literal(s)})"
        for s in sides
    ]
    body = "".join(f"  x[{i}] = {text};\n" for i, text in enumerate(made))
    text = f"""{c.runtime()}{_C_OPERATORS}
    int main(void) {{
      int status = 0;
      struct sc_number x[{len(sides)}];
    {body}
      for (int i = 0; i < {len(sides)}; i++)
        for (int j = 0; j < {len(sides)}; j++) {{
          status = 0;
          int found = sc_compare(&status, x[i], x[j]);
          printf("%d%d\\n", status, found);
        }}
      put_integer(0, 0);
      put_double(0, bits(0));
      return 0;
    }}
    """
    found = subprocess.run([compiled(text, tmp_path)], capture_output=True, text=True).stdout
    results = iter(found.split())
    for a in sides:
        for b in sides:
            sign = 1 if a < b else 2 if a == b else 4 if a > b else 0
            result = next(results)
            if result[0] == "2":  # two ratios whose products do not fit
                both = isinstance(a, Fraction) and isinstance(b, Fraction)
                assert both and max(abs(a.numerator), abs(b.numerator)) > 2**60, (a, b)
            else:
                assert result == f"0{sign}", (a, b)


@needs_gcc
def test_quotients_are_rounded_once_in_c(tmp_path: Path) -> None:
    draw = random.Random(2)
    rows = [(draw.randint(-(2**i), 2**i), draw.randint(1, 2**j)) for i in range(0, 126, 9)
            for j in range(0, 126, 9)]  # fmt: skip
    for k in (2**59, 3**37, 10**17):  # ties, and what is next to a tie
        rows += [((2**53 + 1) * k + nudge, 2 * k) for nudge in (-1, 0, 1)]
        rows += [((2**53 + 3) * k + nudge, 2 * k) for nudge in (-1, 0, 1)]
    rows += [(2**53 + 1, 1), (2**54 + 2, 2), (2**54 + 6, 2), (-(2**53) - 1, 1), (2**100 + 1, 2**47)]
    lines = "".join(
        f"put_double(status, sc_nearest(&status, {c_literal(a)}, {c_literal(b)}));\n"
        for a, b in rows
    )
    text = (
        f"{c.runtime()}{_C_OPERATORS}int main(void) {{ int status = 0; put_integer(0, 0);\n{lines}"
    )
    text += "return bits(0) != 0; }\n"
    found = subprocess.run([compiled(text, tmp_path)], capture_output=True, text=True).stdout
    for row, result in zip(rows, found.split()[1:], strict=True):
        assert result == encoded(lambda a, b: a / b, row), row


# --- SQL --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def database() -> Any:
    pytest.importorskip("sqlglot", reason="sqlglot is not installed")
    duckdb = pytest.importorskip("duckdb", reason="DuckDB is not installed")
    connection = duckdb.connect()
    yield connection
    connection.close()


def run_sql(database: Any, count: ParamCount, query: str, points: Sequence[Point]) -> list[Any]:
    kinds = ["DOUBLE" if h.real else "HUGEINT" for h in count.hyperparameters]
    dialect = sql.DIALECTS["duckdb"]
    columns = [dialect.quoted(h.name) for h in count.hyperparameters]
    declared = ", ".join(f"{name} {kind}" for name, kind in zip(columns, kinds, strict=True))
    database.execute(f"CREATE OR REPLACE TABLE sizes ({declared})")
    rows = ", ".join(f"({', '.join(f'{v!r}' for v in point)})" for point in points)
    database.execute(f"INSERT INTO sizes VALUES {rows}")
    return database.execute(query).fetchall()  # type: ignore[no-any-return]


def compare_duckdb(database: Any, count: ParamCount, query: str, points: Sequence[Point]) -> int:
    """Points of ordinary size at once; some huge ones by themselves, which may be refused."""
    duckdb = pytest.importorskip("duckdb")
    ordinary = [point for point in points if max(point) < 10**5]
    found = run_sql(database, count, query, ordinary)
    held = 0
    for *point, number in found:
        assert number == expected(count, point), (count, point, query)
        held += number is not None
    assert len(found) == len(ordinary)
    for point in [point for point in points if 10**5 <= max(point) < 10**30][:4]:
        with contextlib.suppress(duckdb.Error):
            ((*_, number),) = run_sql(database, count, query, [point])
            assert number == expected(count, point), (count, point, query)
    return held


def test_duckdb(database: Any, counts: list[ParamCount]) -> None:
    pairs = written(lambda count: sql.render_count(count.formula), counts)
    assert len(pairs) > len(counts) * 0.8
    held = sum(compare_duckdb(database, *pair, list(random_points(pair[0]))) for pair in pairs)
    assert held > 10_000


def test_every_operator_in_duckdb(database: Any) -> None:
    pairs = written(lambda count: sql.render_count(count.formula), operators())
    assert len(pairs) > 25
    for count, query in pairs:
        grid = [p for p in GRID if 40 <= p[1] < 50] if "LIST_REDUCE" in query else GRID
        for *point, number in run_sql(database, count, query, grid):
            assert number == expected(count, point), (count, point, query)


@pytest.mark.slow
@thorough(40)
@given(several=st.lists(formulas(), min_size=1, max_size=3))
def test_duckdb_on_random_formulas(database: Any, several: list[ParamCount]) -> None:
    draw = random.Random(4)
    duckdb = pytest.importorskip("duckdb")
    points = [[draw.randint(1, 10**size) for _ in NAMES] for size in (1, 1, 1, 2, 2, 2)]
    for count, query in written(lambda count: sql.render_count(count.formula), several):
        for point in points:
            with contextlib.suppress(duckdb.Error):
                ((*_, number),) = run_sql(database, count, query, [point])
                assert number == expected(count, point), (count, point, query)


def test_duckdb_does_not_wrap_around(database: Any) -> None:
    duckdb = pytest.importorskip("duckdb")
    count = derive(lambda d: nn.Linear(d, d, bias=False))
    query = sql.render_count(count.formula)
    assert run_sql(database, count, query, [[10**19]]) == [(10**19, 10**38)]
    with pytest.raises(duckdb.Error, match="Overflow"):
        run_sql(database, count, query, [[10**20]])


def test_sql_keeps_to_whole_and_declared_sizes(database: Any) -> None:
    count = derive(headed, dim=Symbol(min=16, max=99, multiple_of=8))
    query = sql.render_count(count.formula)
    database.execute(
        "CREATE OR REPLACE TABLE sizes AS SELECT * FROM (VALUES (64.0, 8), (64.5, 8), (60, 4), "
        "(8, 8), (104, 8), (64, NULL), (NULL, 8), (64, 0), (-64, 8), (64, 7), (64.25, 8)) "
        "AS t(dim, heads)"
    )
    found = [row[-1] for row in database.execute(query).fetchall()]
    assert found == [16640, None, None, None, None, 16640, *[None] * 5]


@pytest.mark.parametrize("dialect", sql.DIALECTS)
def test_every_dialect_is_parsed(dialect: str, counts: list[ParamCount]) -> None:
    sqlglot = pytest.importorskip("sqlglot", reason="sqlglot is not installed")
    pairs = written(lambda count: sql.render_count(count.formula, dialect=dialect), counts)
    assert len(pairs) > len(counts) * 0.6
    for count, text in pairs:
        (query,) = sqlglot.parse(text, read=dialect, error_level=sqlglot.ErrorLevel.RAISE)
        assert query.named_selects == [*(h.name for h in count.hyperparameters), "parameters"]


@pytest.mark.parametrize(
    ("dialect", "kind", "quotient"),
    [
        ("duckdb", 'CAST("dim" AS INT128)', "s0 // NULLIF(s1, 0)"),
        ("postgres", 'CAST("dim" AS DECIMAL)', "DIV(s0, NULLIF(s1, 0))"),
        ("spark", "CAST(`dim` AS DECIMAL(38, 0))", "AS DECIMAL(38, 0)) AS t0"),
        ("bigquery", "CAST(`dim` AS BIGNUMERIC)", "DIV(s0, NULLIF(s1, 0))"),
    ],
)
def test_dialects_have_integers_that_do_not_wrap(dialect: str, kind: str, quotient: str) -> None:
    pytest.importorskip("sqlglot", reason="sqlglot is not installed")
    text = " ".join(sql.render_count(derive(squeezed).formula, dialect=dialect).split())
    assert kind in text
    assert quotient in text
    assert "CASE WHEN s0 IS NULL OR s1 IS NULL THEN NULL" in text


def test_float_steps_are_refused_where_nothing_checks_them() -> None:
    count = derive(lambda dim: nn.Linear(dim, int(dim * 0.29)))
    for dialect in ("postgres", "spark", "bigquery"):
        with pytest.raises(symcount.UnsupportedError) as caught:
            sql.render_count(count.formula, dialect=dialect)
        name = sql.DIALECTS[dialect].language.name
        assert str(caught.value) == (
            "fmul: steps of float arithmetic are not checked against Python's there, so the "
            f"formula cannot be written in {name} exactly. Fix the symbols it depends on, or "
            "evaluate the formula in Python."
        )


def test_sql_without_sqlglot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlglot", None)
    with pytest.raises(symcount.MissingDependencyError) as caught:
        sql.render_count(derive(squeezed).formula)
    assert str(caught.value) == (
        "SQL is written with sqlglot, which is not installed: pip install 'symcount[sql]'"
    )


def test_an_unknown_dialect_is_named() -> None:
    with pytest.raises(symcount.ArgumentError) as caught:
        sql.render_count(derive(squeezed).formula, dialect="mysql")
    assert str(caught.value) == "dialect='mysql': use one of duckdb, postgres, spark, bigquery"


# --- every language ---------------------------------------------------------------------------

LANGUAGES = {
    "javascript": javascript.JAVASCRIPT,
    "python": python.PYTHON,
    "numpy": export_numpy.NUMPY,
    "c": c.C,
    **{name: dialect.language for name, dialect in sql.DIALECTS.items()},
}


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_operator_is_written_or_refused_with_a_reason(name: str) -> None:
    language = LANGUAGES[name]
    assert language.calls.keys() | language.refused.keys() == CALLS.keys() - CHOICES
    assert not language.calls.keys() & language.refused.keys()
    assert all(language.refused.values())


HOSTILE = (
    *"class None int long int128 t0 s1 status count fill sizes select math np integer".split(),
    *"sc_add operator _Bool größe GRÖSSE parameters c0 q0 x.y linux Fraction values".split(),
    'a"b',
    "a`b",
)


def hostile_formula() -> ParamCount:
    names = [symbol(name) for name in HOSTILE]
    poly = const(1)
    for weight, name in enumerate(names, start=1):
        poly = poly + name.scaled(weight)
    poly = poly + call("max", names[0], names[1]) + call("mod", names[2], names[3])
    tree = Split(Condition("ge", names[0], const(2)), None, leaf(poly), OUTSIDE)
    return formula(tree, HOSTILE)


HOSTILE_TITLE = '"""\n*/ \\ -- ; DROP TABLE sizes; ??/\u2028 </script> {0} %s'


def test_hostile_names_and_titles_in_python() -> None:
    count = hostile_formula()
    point = list(range(2, 2 + len(HOSTILE)))
    for module in (python, export_numpy):
        text = module.render_count(count.formula, title=HOSTILE_TITLE)
        assert "DROP TABLE" in text
        assert function_of(text)(*point) == count(*point)


@needs_gcc
def test_hostile_names_and_titles_in_c(tmp_path: Path) -> None:
    count = hostile_formula()
    point = list(range(2, 2 + len(HOSTILE)))
    text = c.render_count(count.formula, title=HOSTILE_TITLE)
    text += f"""
    #include <stdio.h>
    int main(void) {{
      int64_t n;
      int status = count_formula({", ".join(map(str, point))}, &n);
      printf("%d %d\\n", status, (int)n);
      return 0;
    }}
    """
    done = subprocess.run([compiled(text, tmp_path)], capture_output=True, text=True)
    assert done.stdout == f"0 {count(*point)}\n"


def test_hostile_names_and_titles_in_sql(database: Any) -> None:
    names = [n for n in HOSTILE if n not in ("GRÖSSE",)]  # one column for SQL, which folds letters
    count = formula(leaf(symbol("select") + symbol('a"b') + symbol("sizes").scaled(7)), names)
    point = list(range(2, 2 + len(names)))
    text = sql.render_count(count.formula, title=HOSTILE_TITLE)
    assert run_sql(database, count, text, [point]) == [(*point, count(*point))]
    assert database.execute(text).description[-1][0] == "parameters_"


def test_names_are_kept_where_they_may_be() -> None:
    found = code.identifiers(["dim", "class", "t1", "a b", "a_b", "3d"], keyword.kwlist)
    assert found == ["dim", "class_", "t1_", "a_b", "a_b_", "s_3d"]
