"""JavaScript, run by Node: the same number as Python's at every point, or a refusal."""

from __future__ import annotations

import contextlib
import json
import math
import random
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import symcount
from examples.atlas import STORED
from examples.families import FAMILIES, PUBLISHED, derived
from symcount import ParamCount, Symbol, derive
from symcount.algebra.code_writer import write
from symcount.algebra.facts import Facts
from symcount.algebra.functions import CALLS, CHOICES
from symcount.algebra.python_code import compile_tree
from symcount.catalogue.registry import entry
from symcount.catalogue.targets import seeds
from symcount.export.languages import javascript
from tests.idioms import IDIOMS
from tests.random_expressions import NAMES, expressions, normal_form, thorough
from tests.random_points import bits, encoded, operands, random_points

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="there is no Node.js here (`node`)")


_DRIVER = """
import { readFileSync } from "node:fs";
const work = JSON.parse(readFileSync(0, "utf8"));
const results = [];
for (const { module, points } of work) {
  const { formula } = await import(module);
  const values = (point) =>
    Object.fromEntries(
      formula.symbols.map((s, i) => [s.name, s.real ? Number(point[i]) : BigInt(point[i])]),
    );
  results.push(points.map((point) => {
    const count = formula.count(values(point));
    const parts = formula.parts(values(point));
    const sum = parts === null ? null : parts.reduce((a, b) => a + b, 0n);
    const why = formula.why(values(point));
    return [count === null ? null : String(count), sum === null ? null : String(sum), why?.text];
  }));
}
console.log(JSON.stringify(results));
"""


def run(script: str, directory: Path, data: Any = None) -> str:
    """What a module prints."""
    path = directory / "driver.mjs"
    path.write_text(script, encoding="utf-8")
    assert NODE is not None
    done = subprocess.run(
        [NODE, str(path)], input=json.dumps(data), capture_output=True, text=True, cwd=directory
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def compare(counts: Sequence[ParamCount], directory: Path) -> int:
    """Compare all formulas at a thousand points each; how many points were in a domain."""
    work, points = [], []
    for index, count in enumerate(counts):
        (directory / f"f{index}.mjs").write_text(
            javascript.render_count(count.formula), encoding="utf-8"
        )
        points.append(list(random_points(count)))
        texts = [[str(value) for value in point] for point in points[-1]]
        work.append({"module": f"./f{index}.mjs", "points": texts})
    results = json.loads(run(_DRIVER, directory, work))
    held = 0
    for count, at, found in zip(counts, points, results, strict=True):
        for point, (total, parts, why) in zip(at, found, strict=True):
            expected = str(count(*point)) if count.valid(*point) else None
            assert total == expected, (count, point, why)
            assert parts == expected, (count, point, why)
            assert (why is None) is (expected is not None), (count, point, why)
            held += expected is not None
    return held


# --- the same numbers -------------------------------------------------------------------------


@needs_node
def test_seeds(tmp_path: Path) -> None:
    assert compare([spec.param_count for spec in seeds()], tmp_path) > 10_000


@needs_node
def test_formulas_of_the_atlas(tmp_path: Path) -> None:
    stored = symcount.load(STORED)
    assert compare([stored[name] for name in sorted(stored)[::8]], tmp_path) > 500


@needs_node
@pytest.mark.slow
def test_families(tmp_path: Path) -> None:
    of_family = {size.family: derived(size) for size in PUBLISHED}
    assert set(of_family) == set(FAMILIES)
    assert compare(list(of_family.values()), tmp_path) > 2_000


def of_idioms() -> tuple[list[ParamCount], list[str]]:
    """The formulas of the idioms that JavaScript can compute, and why it cannot the others."""
    counts, refused = [], []
    for idiom in IDIOMS:
        count = derive(idiom.factory, **idiom.given)
        try:
            javascript.render_count(count.formula)
            counts.append(count)
        except symcount.UnsupportedError as error:
            refused.append(str(error))
    return counts, refused


@pytest.mark.slow
@needs_node
def test_idioms(tmp_path: Path) -> None:
    counts, refused = of_idioms()
    assert compare(counts, tmp_path) > 10_000
    assert len(refused) < len(IDIOMS) / 10
    assert all("another last digit" in reason for reason in refused), refused


# --- operator by operator ---------------------------------------------------------------------

_OPERATOR_DRIVER = """
const encoded = (x) => {
  if (typeof x === "bigint") return String(x);
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  return Number.isNaN(x) ? "nan" : view.getBigUint64(0).toString(16).padStart(16, "0");
};
const decoded = (text) => {
  if (!text.startsWith("0x")) return BigInt(text);
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(text));
  return view.getFloat64(0);
};
const outcome = (f, row) => {
  try {
    return encoded(f(...row.map(decoded)));
  } catch (error) {
    if (error instanceof Undefined) return "undefined";
    if (error instanceof RangeError) return "refused";
    throw error;
  }
};
const results = {};
for (const [op, rows] of Object.entries(WORK)) {
  results[op] = rows.map((row) => outcome(OPERATORS[op], row));
}
console.log(JSON.stringify(results));
"""


@needs_node
def test_every_operator_is_python_s(tmp_path: Path) -> None:
    """Signs, ties, infinities and subnormals; a double is compared bit by bit."""
    draw = random.Random(1)
    rows = {op: [operands(op, draw) for _ in range(1500)] for op in javascript.JAVASCRIPT.calls}
    computes = {op: CALLS[op].compute for op in rows} | {
        "floor": lambda top, bottom: top // bottom,
        "fround": round,
    }
    functions = ", ".join(
        f"{op}: (...a) => {template.format('a[0]', 'a[1]', all='...a')}"
        for op, template in javascript.JAVASCRIPT.calls.items()
    )
    work = {
        op: [[f"0x{bits(v)}" if isinstance(v, float) else str(v) for v in row] for row in several]
        for op, several in rows.items()
    }
    script = (
        f"{javascript.runtime()}\nconst OPERATORS = {{ {functions} }};\n"
        f"const WORK = {json.dumps(work)};\n{_OPERATOR_DRIVER}"
    )
    results = json.loads(run(script, tmp_path))
    for op, several in rows.items():
        for row, found in zip(several, results[op], strict=True):
            if op == "pow" and row[1] < 0 and row[0]:
                assert found == "refused"  # a float in Python
            else:
                assert found == encoded(computes[op], row), (op, row)


@needs_node
def test_quotients_of_any_size_are_rounded_once(tmp_path: Path) -> None:
    """The hard cases of a quotient of integers: ties, subnormals, the edge of overflow."""
    draw = random.Random(2)
    rows = []
    for _ in range(4000):
        mantissa, power = 2**53 + draw.randrange(2**53), draw.randint(-1140, 1030)
        exact = Fraction(2 * mantissa + draw.randint(-1, 1), 2) * Fraction(2) ** (power - 53)
        nudge = draw.choice((0, 0, Fraction(1, 2**1300), -Fraction(1, 2**1300)))
        scale = draw.choice((1, 3, 10**20))
        number = exact + nudge
        rows.append([number.numerator * scale, number.denominator * scale])
    script = f"""{javascript.runtime()}
    const bits = (x) => {{
      const view = new DataView(new ArrayBuffer(8));
      view.setFloat64(0, x);
      return view.getBigUint64(0).toString(16).padStart(16, "0");
    }};
    const one = (a, b) => {{
      try {{ return bits(divide(a, b)); }} catch (error) {{ return "undefined"; }}
    }};
    const rows = {json.dumps([[str(a), str(b)] for a, b in rows])};
    console.log(JSON.stringify(rows.map((row) => one(...row.map(BigInt)))));
    """
    for row, found in zip(rows, json.loads(run(script, tmp_path)), strict=True):
        assert found == encoded(lambda a, b: a / b, row), row


@needs_node
def test_ratios_are_compared_exactly(tmp_path: Path) -> None:
    draw = random.Random(3)
    sides: list[Any] = [Fraction(draw.randint(-9, 9), draw.randint(1, 9)) for _ in range(30)]
    sides += [0.5, -0.25, 1 / 3, 2.0**70, 5e-324, math.inf, -math.inf, math.nan, 3, -1, 10**30]
    sides += [Fraction(1, 3), Fraction(1 / 3), Fraction(10**40, 7)]
    written = [
        f"[{-s.numerator}n, {-s.denominator}n]" if isinstance(s, Fraction)
        else str(s).replace("inf", "Infinity").replace("nan", "NaN") if isinstance(s, float)
        else f"{s}n"
        for s in sides
    ]  # fmt: skip
    script = f"""{javascript.runtime()}
    const sides = [{", ".join(written)}];
    const sign = (x) => (x > 0 ? 1 : x < 0 ? -1 : x === 0 ? 0 : null);
    console.log(JSON.stringify(sides.map((a) => sides.map((b) => sign(compared(a, b))))));
    """
    found = json.loads(run(script, tmp_path))
    for a, row in zip(sides, found, strict=True):
        for b, sign in zip(sides, row, strict=True):
            if isinstance(a, Fraction) or isinstance(b, Fraction):
                assert sign == ((a > b) - (a < b) if a == a and b == b else None), (a, b)


@needs_node
@thorough(6)
@given(several=st.lists(expressions(12), min_size=10, max_size=40))
def test_random_expressions(several: list[Any]) -> None:
    polys = []
    for expression in several:
        with contextlib.suppress(symcount.UnsupportedError):
            polys.append(normal_form(expression, Facts()))
    draw = random.Random(4)
    points = [[draw.randint(1, 10**size) for _ in NAMES] for size in (1, 1, 2, 2, 4, 9, 25)]

    def leaf(writer: Any, poly: Any) -> str:
        return str(writer.integer(poly))

    bodies = [write(javascript.JAVASCRIPT, poly, NAMES, leaf) for poly in polys]
    script = f"""{javascript.runtime()}
    const functions = [{", ".join(f"(s0, s1, s2) => {{{body}}}" for body in bodies)}];
    const points = {json.dumps([list(map(str, p)) for p in points])}.map((p) => p.map(BigInt));
    const text = (x) => (x === null ? "undefined" : String(x));
    console.log(JSON.stringify(
      functions.map((f) => points.map((point) => text(definedOrNull(f, point)))),
    ));
    """
    with tempfile.TemporaryDirectory() as directory:
        results = json.loads(run(script, Path(directory)))
    for poly, row in zip(polys, results, strict=True):
        function = compile_tree(poly, NAMES, lambda same: same)
        for point, found in zip(points, row, strict=True):
            assert found == encoded(function, point), (poly, point)


def test_every_operator_is_written_or_refused_with_a_reason() -> None:
    language = javascript.JAVASCRIPT
    assert language.calls.keys() | language.refused.keys() == CALLS.keys() - CHOICES
    assert not language.calls.keys() & language.refused.keys()
    assert all(language.refused.values())


# --- the module -------------------------------------------------------------------------------


def attention(dim: int, heads: int = 8) -> nn.Module:
    return nn.MultiheadAttention(dim, heads)


@pytest.fixture(scope="module")
def count() -> ParamCount:
    return derive(attention)


@needs_node
def test_a_formula_takes_what_python_takes_and_says_what_is_wrong(count, tmp_path: Path) -> None:
    (tmp_path / "f.mjs").write_text(javascript.render_count(count.formula), encoding="utf-8")
    script = """
    import { formula } from "./f.mjs";
    const error = (f) => { try { f(); } catch (e) { return `${e.name}: ${e.message}`; } };
    console.log(JSON.stringify([
      String(formula.count({ dim: 10n ** 30n })),
      formula.count({ dim: 60 }),
      formula.why({ dim: 60 }),
      formula.why({ dim: 0n }),
      formula.why({ dim: 64 }),
      error(() => formula.count({})),
      error(() => formula.count({ dim: 64, width: 1 })),
      error(() => formula.count({ dim: 64.5 })),
      error(() => formula.count({ dim: 2 ** 60 })),
      error(() => formula.count({ dim: "64" })),
    ]));
    """
    kind = "TypeError: dim must be a BigInt, or an integer below 2**53"
    assert json.loads(run(script, tmp_path)) == [
        str(count(10**30)),
        None,
        {
            "text": "dim must be a multiple of heads",
            "detail": "The factory raises there, at dim=65, heads=8 with AssertionError: "
            "embed_dim must be divisible by num_heads",
            "symbols": ["dim", "heads"],
        },
        {"text": "dim must be at least 1", "detail": "", "symbols": ["dim"]},
        None,
        "TypeError: attention needs a value for dim",
        "TypeError: attention has no symbol width",
        kind,
        kind,
        kind,
    ]


@needs_node
def test_what_is_no_value_of_a_symbol_has_its_reason(count, tmp_path: Path) -> None:
    thirds = count.substitute(dim="16*n/3")
    (tmp_path / "f.mjs").write_text(javascript.render_count(thirds.formula), encoding="utf-8")
    script = """
    import { formula } from "./f.mjs";
    console.log(JSON.stringify([String(formula.count({ n: 6n })), formula.why({ n: 7n })]));
    """
    assert json.loads(run(script, tmp_path)) == [
        str(count(32)),
        {
            "text": "n must be a multiple of 3",
            "detail": "dim = 16*n/3 is no integer there",
            "symbols": ["n"],
        },
    ]


def hostile(dim: int) -> nn.Module:
    if dim % 2:
        raise ValueError('</script>\u2028`${alert(1)}` " \\ <!--')
    module = nn.Module()
    module.add_module("</script><b>\n'x'", nn.Linear(dim, 3))
    return module


@needs_node
def test_names_are_strings_and_nothing_else(tmp_path: Path) -> None:
    count = derive(hostile)
    title = "*/ \n</script>\u2028alert(1)"
    text = javascript.render_count(count.formula, title=title)
    assert text.isascii()
    assert "</script" not in text and "<!--" not in text
    (tmp_path / "f.mjs").write_text(text, encoding="utf-8")
    script = """
    import { formula } from "./f.mjs";
    console.log(JSON.stringify([formula.parameters, formula.why({ dim: 3n }).detail]));
    """
    names, why = json.loads(run(script, tmp_path))
    assert names == list(count.breakdown().parameters)
    assert why.endswith('with ValueError: </script>\u2028`${alert(1)}` " \\ <!--')


def logarithmic(dim: int) -> nn.Module:
    return nn.Linear(dim, int(math.log(dim) * 7) + 1)


def test_what_javascript_may_compute_otherwise_is_refused() -> None:
    count = derive(logarithmic, dim=Symbol(min=2))
    with pytest.raises(symcount.UnsupportedError) as caught:
        javascript.render_count(count.formula)
    assert str(caught.value) == (
        "log: Python and JavaScript may compute another last digit, so the formula cannot be "
        "written in JavaScript exactly. Fix the symbols it depends on, or evaluate the formula in "
        "Python."
    )


@needs_node
def test_a_registry_keeps_the_place_of_what_has_no_formula(tmp_path: Path) -> None:
    registry = symcount.BlueprintRegistry()
    registry.register("log", "x")(logarithmic)
    registry.register("attention", "x")(attention)
    (tmp_path / "f.mjs").write_text(
        javascript.render_registry(map(entry, registry)), encoding="utf-8"
    )
    script = """
    import { formulas } from "./f.mjs";
    console.log(JSON.stringify([
      String(formulas["x:attention"].count({ dim: 64n })), formulas["x:log"].error,
    ]));
    """
    number, error = json.loads(run(script, tmp_path))
    assert number == "16640"
    assert "another last digit" in error


@needs_node
def test_what_takes_too_long_is_an_error_and_no_null(tmp_path: Path) -> None:
    (tmp_path / "f.mjs").write_text(
        javascript.render_count(derive(lambda n: nn.Embedding(2**n, 3)).formula), encoding="utf-8"
    )
    script = """
    import { formula } from "./f.mjs";
    try { formula.count({ n: 10n ** 9n }); } catch (e) { console.log(e.name, e.message); }
    """
    printed = run(script, tmp_path)
    assert printed.strip() == (
        "RangeError the numbers are too large to be computed here; evaluate in Python"
    )
