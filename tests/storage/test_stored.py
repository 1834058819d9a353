"""Formulas in files: what is loaded is what was saved, and what is damaged is refused."""

from __future__ import annotations

import copy
import json
import os
import pickle
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import symcount
from symcount import ParamCount, Symbol, derive
from symcount.algebra.conditions import Condition
from symcount.algebra.functions import CALLS
from symcount.algebra.poly import Call, Poly, atom, const, symbol
from symcount.blueprints import cnn, transformer  # noqa: F401
from symcount.errors import StoredFormulaError
from symcount.formula.tree import Split
from symcount.storage import definition, schema, writing
from symcount.storage import file as stored
from symcount.storage.writing import written
from tests import formulas as plain_formulas
from tests import random_trees
from tests.storing import assert_loads, loaded

ROOT = Path(__file__).parents[2]


def tower(width: int, depth: int = 6, heads: int = 4, ratio: float = 2.0, bias: bool = True):
    """Loops with a condition on the index, a refusal, floats, a frozen tensor and a buffer."""
    if width % heads:
        raise ValueError(f"{width} is not divisible by {heads}")
    layers = [
        nn.Linear(width, int(width * ratio) if i < 2 else width * 2**i, bias=bias)
        for i in range(depth)
    ]
    norm = nn.BatchNorm1d(max(8, width // 4))
    norm.weight.requires_grad_(False)
    return nn.Sequential(*layers, norm)


@pytest.fixture(scope="module")
def count() -> ParamCount:
    return derive(tower, ratio=Symbol(real=True))


@pytest.fixture(scope="module")
def small() -> ParamCount:
    def heads(dim: int, heads: int = 8):
        return nn.MultiheadAttention(dim, heads)

    return derive(heads)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "formulas.json"


def document(count: ParamCount) -> Any:
    return json.loads(written({"it": count}))


def read(document: Any) -> ParamCount:
    return stored.read(json.dumps(document), "f.json", ParamCount)["it"]


# --- what is loaded is what was saved ---------------------------------------------------------


def drawn(count: ParamCount, number: int) -> Iterator[dict[str, int | float]]:
    draw = random.Random(0)
    for _ in range(number):
        yield {h.name: h.sample(draw) for h in count.hyperparameters}


@pytest.mark.parametrize("spec", symcount.blueprints, ids=lambda spec: spec.key)
def test_blueprints(spec: symcount.BlueprintSpec) -> None:
    assert_loads(spec.param_count, drawn(spec.param_count, 300))


def test_loops_floats_refusals_and_every_kind_of_tensor(count: ParamCount) -> None:
    assert_loads(count, drawn(count, 300))
    (norm,) = (w for w in loaded(count).formula.tensors() if w.name.endswith("running_mean"))
    assert (norm.kind, norm.trainable) == ("buffer", False)


def test_what_was_made_of_a_formula_loads_too(small: ParamCount) -> None:
    for made in (
        small.substitute(dim="64*n"),
        small.substitute(dim="n/2"),
        small.rename(dim="d"),
        small.nbytes,
        small.trainable.by_dtype()["float32"],
        small.select("*.weight"),
        loaded(small).rename(dim="heads", heads="dim"),
        loaded(small).substitute(dim="8*n"),
    ):
        assert_loads(made, drawn(made, 100))
        again = loaded(made)
        assert again.formula.measure == made.formula.measure
        assert again.certificate.substituted == made.certificate.substituted


@contextmanager
def without_texts() -> Iterator[None]:
    """sympy takes seconds for the text of some random formulas."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(writing, "_captions", lambda count: ("", ""))
        patched.setattr(writing, "_in_words", lambda condition: ("", ""))
        yield


@settings(max_examples=60, deadline=None)
@given(plain_formulas.formulas(), st.data())
def test_random_formulas(count: ParamCount, data: st.DataObject) -> None:
    value = st.integers(1, 40)
    points = [{h.name: data.draw(value) for h in count.hyperparameters} for _ in range(5)]
    with without_texts():
        again = loaded(count)
    assert again == count
    for point in points:
        assert again.valid(**point) == count.valid(**point)
        assert not count.valid(**point) or again(**point) == count(**point)


@settings(max_examples=40, deadline=None)
@given(random_trees.trees(3))
def test_random_trees(tree: Any) -> None:
    count = random_trees.formula(tree, *random_trees.NAMES)
    assert_loads(count, drawn(count, 20))


def test_it_is_a_formula_like_any_other(count: ParamCount) -> None:
    again = loaded(count)
    at = {"width": 64, "depth": 3, "ratio": 1.5}
    assert again.expr == count.expr and again.domain == count.domain
    assert f"{again:latex}" == f"{count:latex}" and str(again) == str(count)
    assert again.solve("width", 1e6, depth=3, ratio=1.5) == count.solve(
        "width", 1e6, depth=3, ratio=1.5
    )
    assert again.compare(count).relation == "=="
    sizes = {"width": np.array([[8], [12]]), "heads": np.array([1, 2, 4])}
    expected = count.evaluate(**sizes, depth=3, ratio=2.0)
    assert (again.evaluate(**sizes, depth=3, ratio=2.0) == expected).all()
    assert again.function(**at) == count(**at)
    assert pickle.loads(pickle.dumps(again)) == count
    assert list(again.provenance) == list(count.provenance)
    with pytest.raises(StoredFormulaError, match=r"of tower was loaded, and graphs are not stored"):
        _ = again.graph


def test_reasons_need_no_sympy_and_are_not_those_of_another_condition(small: ParamCount) -> None:
    again = loaded(small)
    (words,) = again.formula.words.values()
    assert words == ("Eq(Mod(dim, heads), 0)", "Ne(Mod(dim, heads), 0)")
    renamed = again.rename(dim="d")
    with pytest.raises(symcount.DomainError, match=r"Eq\(Mod\(d, heads\), 0\) fails"):
        renamed(60)


# --- where it comes from ----------------------------------------------------------------------


def test_origin_is_enough_to_derive_again() -> None:
    count = derive(
        nn.Linear, in_features=Symbol(name="d", multiple_of=8, max=4096), bias=False, max_paths=7
    )
    origin = loaded(count).origin
    assert origin == count.origin
    assert origin is not None and origin.target == "torch.nn.modules.linear:Linear"
    assert (origin.symcount, origin.max_paths) == (symcount.__version__, 7)
    assert derive(nn.Linear, **origin.arguments) == count


def test_origin_is_that_before_substitution(small: ParamCount) -> None:
    origin = loaded(small.substitute(dim="8*n")).origin
    assert origin is not None
    assert [h.name for h in origin.hyperparameters] == ["dim", "heads"]


def wide(dim: int, depths: Any, make: Any, scale: float = 1.0, act: str = "gelu"):
    return nn.Sequential(*(make(dim, depth) for depth in depths[0]))


def test_values_that_were_given_are_kept_or_known_not_to_be() -> None:
    count = derive(wide, depths=([1, 2], (), None), make=nn.Linear, scale=2.5)
    origin = loaded(count).origin
    assert origin is not None
    given = dict(origin.given)
    assert given["depths"] == ([1, 2], (), None)
    assert given["scale"] == 2.5
    assert origin.unnamed == ("make",)
    assert repr(given["make"]) == "<class 'torch.nn.modules.linear.Linear'>"


def test_a_factory_without_a_name_has_no_target(small: ParamCount) -> None:
    assert small.origin is not None and small.origin.target is None


def test_models_of_configs_name_both() -> None:
    from transformers import ViTConfig, ViTModel

    count = symcount.from_config(
        ViTModel, ViTConfig, symbols=["intermediate_size"], num_hidden_layers=1
    )
    origin = loaded(count).origin
    assert origin is not None
    assert origin.target == "transformers.models.vit.modeling_vit:ViTModel"
    assert origin.config == "transformers.models.vit.configuration_vit:ViTConfig"
    again = symcount.from_config(ViTModel, ViTConfig, **origin.arguments)
    assert again == count


def test_files_are_named_the_same_on_every_machine(small: ParamCount) -> None:
    text = written({"it": small})
    files = [file for file, _, _ in document(small)["formulas"][0]["sources"]]
    assert files and not any(os.path.isabs(file) for file in files)
    assert str(ROOT) not in text and sys.prefix not in text


# --- files ------------------------------------------------------------------------------------


def test_a_registry_is_saved_under_its_keys(path: Path) -> None:
    symcount.blueprints.save(path)
    formulas = symcount.load(path)
    assert list(formulas) == [spec.key for spec in symcount.blueprints]
    assert dict(formulas) == {spec.key: spec.param_count for spec in symcount.blueprints}
    assert repr(formulas) == "<16 formulas of formulas.json>"
    assert formulas.captions("cnn:norm") == ("2*dim + 1", "True")
    assert "cnn:norm" in formulas and "cnn:none" not in formulas
    assert formulas.get("cnn:none") is None and formulas.get("cnn:none", 3) == 3
    message = r"formulas.json has no formula 'cnn:nor'; did you mean 'cnn:norm'"
    with pytest.raises(symcount.TargetError, match=message):
        formulas["cnn:nor"]


def test_a_registry_with_a_blueprint_without_a_formula_is_not_saved(path: Path) -> None:
    registry = symcount.BlueprintRegistry()
    registry.register("odd", "cnn", on_error="defer")(lambda dim: dim)
    path.write_text("old")
    with pytest.raises(symcount.NotAModuleError):
        registry.save(path)
    assert path.read_text() == "old"


def test_one_formula_has_its_factory_s_name_or_another(path: Path, small: ParamCount) -> None:
    small.save(path)
    assert dict(symcount.load(path)) == {"heads": small}
    small.save(path, name='é "quoted" \\ name')
    assert dict(symcount.load(path)) == {'é "quoted" \\ name': small}


def test_the_same_formulas_give_the_same_file(path: Path, small: ParamCount) -> None:
    small.save(path)
    before = path.read_bytes()
    symcount.load(path)["heads"].save(path)
    assert path.read_bytes() == before


def test_no_formulas_are_a_file_too(path: Path) -> None:
    symcount.save(path, {})
    assert dict(symcount.load(path)) == {}


@pytest.mark.parametrize("name", ["", "a\nb", 3, "x" * 1001])
def test_names_that_are_none(path: Path, small: ParamCount, name: Any) -> None:
    with pytest.raises(symcount.ArgumentError, match="is no name for a formula"):
        symcount.save(path, {name: small})
    assert not path.exists()


def test_what_is_no_formula_is_not_saved(path: Path) -> None:
    count = symcount.derive(nn.Identity)
    for wrong in (({"x": count}, path), (path, count), (path, [count])):
        with pytest.raises(
            symcount.ArgumentError, match=r"takes a path, and then .*, \{\"encoder\": count\}\)"
        ):
            symcount.save(*wrong)  # type: ignore[arg-type]
    with pytest.raises(symcount.ArgumentError, match=r"'x' is 12, which is no formula"):
        symcount.save(path, {"x": 12})  # type: ignore[dict-item]


def test_what_cannot_be_written_leaves_the_file_as_it_was(
    path: Path, small: ParamCount, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text("old")

    def fails(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(OSError, match="No space left"):
        small.save(path)
    assert path.read_text() == "old"
    assert os.listdir(path.parent) == [path.name]


def test_beyond_the_limits_nothing_is_written(path: Path, small: ParamCount) -> None:
    huge = symbol("dim") * symbol("dim") ** 600 * symbol("dim") ** 600
    for poly, problem in (
        (huge, "is not between -1000 and 1000"),
        (const(10**1200) * symbol("dim"), r"an integer has 1201 digits; 1000 are the most"),
        (_nested(70), "more than 60 deep"),
    ):
        with pytest.raises(StoredFormulaError, match=rf"save\(\) of 'it'.*{problem}"):
            symcount.save(path, {"it": plain_formulas.formula(poly, ["dim"])})
        assert not path.exists()


def _nested(depth: int) -> Poly:
    poly = symbol("dim")
    for _ in range(depth):
        poly = atom(Call("isqrt", (poly + const(1),)))
    return poly


def test_the_layout_does_not_matter(path: Path, count: ParamCount, small: ParamCount) -> None:
    symcount.save(path, {"a": count, "b": small})
    parsed = json.loads(path.read_text())
    for text in (
        json.dumps(parsed),
        json.dumps(parsed, indent=4),
        json.dumps(dict(reversed(parsed.items()))),
        path.read_text().replace("\n", "\r\n"),
    ):
        assert dict(stored.read(text, "f.json", ParamCount)) == {"a": count, "b": small}


def test_a_formula_is_read_when_it_is_asked_for(path: Path, small: ParamCount) -> None:
    symcount.save(path, {"a": small, "b": small, "c": small})
    text = path.read_text().replace('{"name":"b",', '{"name":"b","more":1,')
    path.write_text(text)
    formulas = symcount.load(path)
    assert formulas["a"] == formulas["c"] == small
    assert formulas["a"] is formulas["a"]
    with pytest.raises(StoredFormulaError, match=r"^formulas.json: formulas\[1\]: unknown field"):
        formulas["b"]
    with pytest.raises(StoredFormulaError, match=r"formulas\[1\]"):
        dict(formulas)


def test_a_file_that_is_not_there(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        symcount.load(path)


LOADS = """
import sys
import symcount
formulas = symcount.load({path!r})
count = formulas["heads"]
print(count(64, heads=4), count.valid(60), list(count.breakdown().parameters))
print(count.breakdown().modules["out_proj"](64), count.nbytes(64))
try:
    count(60)
except symcount.DomainError as error:
    print(error)
{more}
print([name for name in ("torch", "sympy", "numpy", "z3") if name in sys.modules])
"""


@pytest.mark.parametrize(
    ("more", "heavy"), [("", "[]"), ("count.expr", "['sympy']"), ("import numpy", "['numpy']")]
)
def test_loading_and_evaluating_takes_neither_torch_nor_sympy(
    path: Path, small: ParamCount, more: str, heavy: str
) -> None:
    small.save(path)
    code = LOADS.format(path=str(path), more=more)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    first, second, *reason, last = done.stdout.splitlines()
    assert first.startswith("16640 False ['in_proj_weight', ")
    assert second == f"{64 * 64 + 64} {16640 * 4}"
    assert reason[0].startswith(
        "dim=60, heads=8 is outside the domain of heads: Eq(Mod(dim, heads)"
    )
    assert "Nearest valid values: dim=56 or 64; heads=6 or 10." in reason[0]
    assert last == heavy


# --- what is refused --------------------------------------------------------------------------

REMOVED = object()


def changed(count: ParamCount, place: str, value: Any) -> str:
    """The text of a file in which there is something else at a place, such as `tree[1].if`."""
    whole = document(count)
    *keys, last = _keys(f"formulas[0].{place}" if place[:1] != "/" else place[1:])
    here = whole
    for key in keys:
        here = here[key]
    if value is REMOVED:
        del here[last]
    else:
        here[last] = value
    return json.dumps(whole)


def _keys(place: str) -> list[Any]:
    parts = place.replace("[", ".[").split(".")
    return [int(part[1:-1]) if part[0] == "[" else part for part in parts]


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("/version", 2, r"f.json: formulas of version 2; this symcount reads version 1"),
        ("/version", "1", "formulas of version 1; this"),
        ("/version", True, "formulas of version True; this"),
        ("/format", "other", "this is no file of formulas"),
        ("/more", 1, r"f.json: unknown field 'more'; known are format, version, formulas"),
        ("/formulas", {}, r"f.json: formulas: an object is not a list"),
        ("/formulas[0]", 3, r"f.json: formulas\[0\]: this is no formula with a name"),
        ("name", REMOVED, r"formulas\[0\]: this is no formula with a name"),
        ("name", "a\nb", r"formulas\[0\]\.name: 'a\\nb' is not a name"),
        ("more", 1, r"formulas\[0\]: unknown field 'more'"),
        ("tree", REMOVED, r"formulas\[0\]: the field 'tree' is missing"),
        ("symbols[0].name", "a b", r"symbols\[0\].name: 'a b' is not a Python identifier"),
        ("symbols[0].name", "ﬁ", "is not a Python identifier"),
        ("symbols[0].name", "heads", r"the symbol 'heads' is there already"),
        ("symbols[0].name", "width", r"there is no symbol 'dim'"),
        ("symbols[0].min", 1.0, r"symbols\[0\].min: 1.0 is not an integer"),
        ("symbols[0].min", True, r"symbols\[0\].min: true is not an integer"),
        ("symbols[0].min", -1, r"symbols\[0\].min: -1 is too small: no symbol is negative"),
        ("symbols[0].multiple_of", 0, "0 is not between 1 and None"),
        ("symbols[0].real", 1, "1 is not true or false"),
        ("calls[0].call", "foo", r"formulas\[0\]\.calls\[0\]\.call: unknown operator 'foo'"),
        ("calls[0].call", ["eval"], r"unknown operator a list"),
        ("calls[0].of", [], r"calls\[0\]\.of: a list of 0; it is to have 2"),
        ("calls[0].of[0][0][1][0]", 0, r"there is no call before this one"),
        ("tensors[0].shape[0][0][0]", 0, r"shape\[0\]\[0\]\[0\]: a coefficient of 0"),
        ("tensors[0].shape[0][0][0]", 1.5, r"1.5 is not an integer"),
        ("tensors[0].shape[0][0][0]", [4, 2], "the fraction is not in its lowest terms"),
        ("tensors[0].shape[0][0][1][1]", 0, "an exponent of 0"),
        ("tensors[0].shape[0][0][1][1]", 10**9, "1000000000 is not between -1000 and 1000"),
        ("tensors[0].shape[0]", [[1], [1]], "a term is given twice"),
        (
            "tensors[0].shape[0]",
            [[1, ["heads", 1], ["dim", 1]]],
            "factors are not in order, or one is given twice",
        ),
        ("tensors[0].shape[0]", [[1, ["@1", 1]]], "the index '@1' is of no loop that this is in"),
        ("tensors[0].kind", "gradient", "unknown kind of tensor 'gradient'"),
        ("tensors[0].source", 99, r"tensors\[0\]\.source: 99 is not between 0 and "),
        ("tree[2].then", 2, r"tree\[2\]\.then: 2 is not between 0 and 1"),
        ("tree[2].else", 0, r"tree\[2\]\.else: 0 is a side of another split already"),
        ("tree[1]", {"if": 1}, r"tree\[1\]: the field 'words' is missing"),
        ("tree[1]", {"a": 1}, r"tree\[1\]: this is neither a split, with an 'if', nor a leaf"),
        ("tree[1].leaf", "foo", r"f.json: formulas\[0\]\.tree\[1\]\.leaf: unknown leaf 'foo'"),
        ("tree[2].if.op", "ne", r"tree\[2\]\.if\.op: unknown comparison 'ne'"),
        ("tree[2].words", ["a"], r"tree\[2\]\.words: a list of 1; it is to have 2"),
        ("tree", [], r"tree: a list of 0; it is to have 1 to 100000"),
        ("certificate.grade", "sure", "unknown grade 'sure'"),
        ("origin.given", [["a", {"eval": "1"}]], "unknown field 'eval'"),
        ("origin.statements", REMOVED, r"origin: the field 'statements' is missing"),
        ("origin.statements", [["f.py", "f", 0, ""]], r"statements\[0\]\[2\]: 0 is not between 1"),
        ("origin.statements", [["f.py", "f", 1, "import os"]], "digests of lines are eight digits"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    small: ParamCount, place: str, value: Any, message: str
) -> None:
    with pytest.raises(StoredFormulaError, match=message):
        dict(stored.read(changed(small, place, value), "f.json", ParamCount))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"version":1', '"version":1,"version":1', r"f.json: the field 'version' is given twice"),
        ('"min":1', '"min":NaN', "NaN is no number of JSON"),
        ('"min":1', '"min":-Infinity', "-Infinity is no number of JSON"),
        ('"min":1', f'"min":{"9" * 1001}', "an integer has 1001 digits; 1000 are the most"),
        ('"min":1', f'"min":{"9" * 9999}', "an integer has 9999 digits; 1000 are the most"),
        ('"max_seconds":60.0', '"max_seconds":1e999', "beyond the range of doubles"),
        ('"max_seconds":60.0', '"max_seconds":"\\ud800"', r"'\\ud800' is not a number"),
        ('"reason":"', '"reason":"\\ud800', r"reason: a text with characters that stand for none"),
        ('"certificate":', '"certificate"', r"this is not JSON: Expecting ':' delimiter"),
        ('"given":[]', f'"given":{"[" * 9000}{"]" * 9000}', "nested too deeply|not|list"),
    ],
)
@pytest.mark.parametrize("in_lines", [True, False])
def test_json_that_is_none(
    small: ParamCount, old: str, new: str, message: str, in_lines: bool
) -> None:
    text = written({"it": small})
    if in_lines and '"version"' in old:
        return
    if not in_lines:
        text = json.dumps(json.loads(text), separators=(",", ":"))
    assert old in text
    with pytest.raises(StoredFormulaError, match=message):
        dict(stored.read(text.replace(old, new, 1), "f.json", ParamCount))


def test_names_are_unique_in_each_layout(small: ParamCount) -> None:
    text = written({"a": small, "b": small})
    twice = text.replace('{"name":"b",', '{"name":"a",')
    for again in (twice, json.dumps(json.loads(twice))):
        with pytest.raises(
            StoredFormulaError, match=r"formulas\[1\]: there is a formula 'a' already"
        ):
            stored.read(again, "f.json", ParamCount)


def test_a_line_is_called_what_it_says(small: ParamCount) -> None:
    text = written({"a": small}).replace('{"name":"a",', '{"name":"a","factory":"x",')
    with pytest.raises(StoredFormulaError, match="the field 'factory' is given twice"):
        stored.read(text, "f.json", ParamCount)["a"]


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b"\xff\xfe", b"x", b"1" * 5000])
def test_files_that_hold_no_formulas(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StoredFormulaError, match=r"^formulas.json: "):
        symcount.load(path)


def test_a_file_that_is_too_large(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "LARGEST_FILE", 10)
    path.write_text(" " * 11)
    with pytest.raises(StoredFormulaError, match="more than 10 bytes"):
        symcount.load(path)


def test_calls_that_grow_beyond_all_bounds_are_refused(small: ParamCount) -> None:
    whole = document(small)
    here = whole["formulas"][0]
    doubled = [{"call": "gcd", "of": [[[1, ["dim", 1]]], [[2, ["dim", 1]]]]}]
    for index in range(50):
        doubled.append({"call": "gcd", "of": [[[1, [index, 1]]], [[2, [index, 1]]]]})
    here["calls"] = doubled
    with pytest.raises(StoredFormulaError, match=r"calls\[\d+\]: the expression is too large"):
        read(whole)


def test_products_and_trees_that_grow_beyond_all_bounds_are_refused(small: ParamCount) -> None:
    whole = document(small)
    here = whole["formulas"][0]
    wide = [[1, ["dim", power]] for power in range(100, 0, -1)]
    here["tensors"][0]["shape"] = [wide] * 8
    with pytest.raises(StoredFormulaError, match="its product has more than 1000 terms"):
        read(whole)
    whole = document(small)
    tree = whole["formulas"][0]["tree"]
    for index in range(2, 250):
        tree += [{"leaf": "unexplored"}, {**tree[2], "then": 2 * index - 2, "else": 2 * index - 1}]
    with pytest.raises(StoredFormulaError, match="splits in splits, more than 200 deep"):
        read(whole)


def test_no_float_is_an_integer(count: ParamCount) -> None:
    float_power, comparison = [[1, ["ratio", 1]]], {"op": "ge", "left": [[1, ["ratio", 1]]]}
    integers = {"call": "gcd", "of": [float_power, float_power]}
    for place, value in (
        ("calls[0]", integers),
        ("calls[0]", {"call": "if_ge", "of": [[[1]], [[2]], [[3]], float_power]}),
        ("tensors[0].shape[0]", float_power),
        ("tensors[0].repeats[0].count", float_power),
        ("tensors[0].total", float_power),
    ):
        with pytest.raises(StoredFormulaError, match="a float stands where an integer is needed"):
            dict(stored.read(changed(count, place, value), "f.json", ParamCount))
    root = len(document(count)["formulas"][0]["tree"]) - 1
    text = changed(count, f"tree[{root}].if", {**comparison, "right": [[2]]})
    assert stored.read(text, "f.json", ParamCount)["it"] != count


@pytest.mark.parametrize(
    "float_of_more",
    [
        [[2, ["ratio", 1]]],
        [[[1, 2], ["ratio", 1]]],
        [[1, ["ratio", 2]]],
        [[1, ["ratio", -1]]],
        [[1, ["ratio", 1], ["width", 1]]],
        [[1], [1, ["ratio", 1]]],
    ],
)
def test_arithmetic_of_floats_is_calls(count: ParamCount, float_of_more: Any) -> None:
    """Exact arithmetic on a float raised `TypeError` when the formula was called."""
    root = len(document(count)["formulas"][0]["tree"]) - 1
    here = {"op": "ge", "left": float_of_more, "right": [[2]]}
    with pytest.raises(StoredFormulaError, match=r"left: a float stands where an integer"):
        read(json.loads(changed(count, f"tree[{root}].if", here)))


def test_digits_to_round_to_are_an_integer(count: ParamCount) -> None:
    rounding = {"call": "fround", "of": [[[1, ["ratio", 1]]], [[1, ["ratio", 1]]]]}
    with pytest.raises(StoredFormulaError, match="a float stands where an integer is needed"):
        read(json.loads(changed(count, "calls[0]", rounding)))


def test_a_count_is_an_integer_where_a_power_is_none() -> None:
    whole = document(plain_formulas.formula(atom(Call("pow", (const(2), symbol("n")))), ["n"]))
    (call,) = whole["formulas"][0]["calls"]
    call["of"][1] = [[1, ["n", 1]], [-8]]
    count = read(whole)
    assert (count(8), count(10), count.valid(3)) == (1, 4, False)
    with pytest.raises(symcount.DomainError):
        count(3)
    assert count.evaluate(np.arange(6, 11), fill=-1).tolist() == [-1, -1, 1, 2, 4]


def test_no_symbol_is_code(small: ParamCount) -> None:
    for name in ("__import__('os')", "dim=print", "dim\n", "dim,\x0c", "", "ｄim"):
        text = changed(small, "symbols[0].name", name)
        with pytest.raises(StoredFormulaError):
            dict(stored.read(text, "f.json", ParamCount))


def test_an_index_of_a_loop_is_a_name_of_its_own(count: ParamCount) -> None:
    for name in ("i", "@i\n", "@" * 1001, 3):
        text = changed(count, "tensors[0].repeats[0].index", name)
        with pytest.raises(StoredFormulaError, match=r"repeats\[0\]\.index: "):
            dict(stored.read(text, "f.json", ParamCount))


def test_every_operator_has_a_number_of_arguments_that_computes() -> None:
    for op in CALLS:
        least, _ = CALLS[op].arity
        poly = atom(Call(op, tuple(symbol("a") for _ in range(least))))
        if CALLS[op].is_float:
            poly = atom(Call("trunc", (poly,)))
        count = plain_formulas.formula(poly, ["a"])
        assert loaded(count) == count
        assert any(count.valid(a=a) for a in (1, 2, 3)) or op in ("atanh",), op


# --- the schema -------------------------------------------------------------------------------

SCHEMA = json.loads(schema.PATH.read_text())
# What the reader says of documents that a schema can refuse, too. To JSON Schema 2.0 is an integer.
STRUCTURE = re.compile(
    r"unknown|is missing|neither a split|no formula with a name|a list of \d+; it is to have|"
    r"is too small|(a coefficient|an exponent) of 0|one of text, list|between -1000 and 1000|"
    r"(?<!\.0) is not (an object|a list|a text|an integer|a number|true or false)"
)


def problems(whole: Any) -> list[str]:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    return [error.message for error in validator.iter_errors(whole)]


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["version"]["const"] == definition.VERSION


def test_the_schema_is_that_of_the_definition() -> None:
    assert schema.PATH.read_text() == schema.text(), "run python -m symcount.storage.schema"


def test_what_is_written_has_the_schema(small: ParamCount, count: ParamCount) -> None:
    for formula in (
        small,
        count,
        count.nbytes,
        small.substitute(dim="n/2"),
        derive(nn.TransformerEncoderLayer),
    ):
        assert problems(document(formula)) == []
    symbols = document(count)["formulas"][0]["symbols"]
    assert [symbol["real"] for symbol in symbols] == [False, False, False, True]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_is_read_has_the_schema(small: ParamCount, data: st.DataObject) -> None:
    whole = _damaged(data, document(small), SMALL)
    try:
        dict(stored.read(json.dumps(whole), "f.json", ParamCount))
    except StoredFormulaError:
        return
    assert problems(whole) == []


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("symbols[0].min", -1),
        ("symbols[0].max", 1.5),
        ("calls[0].of", []),
        ("calls[0].call", "floor"),  # which has one argument
        ("tensors[0].shape[0][0][1][1]", 0),
        ("tensors[0].shape[0][0][0]", 0),
        ("tensors[0].itemsize", 1_000_001),
        ("certificate.concretisations", None),
        ("origin.given", [["a", {"list": [], "tuple": []}]]),
        ("origin.given", [["a", {}]]),
        ("tree", []),
    ],
)
def test_what_the_schema_refuses(small: ParamCount, place: str, value: Any) -> None:
    text = changed(small, place, value)
    assert problems(json.loads(text)) != []
    with pytest.raises(StoredFormulaError):
        dict(stored.read(text, "f.json", ParamCount))


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(["small", "count"]))
def test_the_schema_refuses_what_the_reader_refuses_for_its_structure(
    small: ParamCount, count: ParamCount, data: st.DataObject, which: str
) -> None:
    whole = _damaged(data, document(small if which == "small" else count), SMALL)
    try:
        dict(stored.read(json.dumps(whole), "f.json", ParamCount))
    except StoredFormulaError as error:
        assert not STRUCTURE.search(str(error)) or problems(whole) != [], error


def test_the_schema_names_every_operator_and_leaf() -> None:
    calls = [record["properties"] for record in SCHEMA["$defs"]["call"]["oneOf"]]
    assert sorted(op for fields in calls for op in fields["call"]["enum"]) == sorted(CALLS)
    assert set(SCHEMA["$defs"]["formula"]["properties"]) == set(definition.FORMULA.fields)
    leaves: set[str] = set()
    for node in SCHEMA["$defs"]["node"]["oneOf"]:
        kind = node["properties"].get("leaf", {})
        leaves |= {*kind.get("enum", []), *([kind["const"]] if "const" in kind else [])}
    assert leaves == set(definition.LEAVES)


# --- damage of all kinds ----------------------------------------------------------------------

SMALL = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 9),
    st.sampled_from([0.5, 2.0]),
    st.sampled_from(["", "dim", "heads", "@0", "built", "max", "floor", "pow", "if_eq", "ge"]),
    st.just([]),
    st.just({}),
)
ANY = st.one_of(SMALL, st.integers(), st.floats(), st.text(max_size=5), st.just(10**400))


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield (*place, key)
            yield from _places(value[key], (*place, key))


def _damaged(data: st.DataObject, whole: Any, values: st.SearchStrategy[Any]) -> Any:
    whole = copy.deepcopy(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        places = list(_places(whole))
        if not places:
            break
        *keys, last = data.draw(st.sampled_from(places))
        here = whole
        for key in keys:
            here = here[key]
        match data.draw(st.sampled_from(["set", "remove", "add", "copy"])):
            case "set":
                here[last] = data.draw(values)
            case "remove":
                del here[last]
            case "add" if isinstance(here, list):
                here.insert(last, data.draw(values))
            case "add":
                here[data.draw(st.sampled_from(["x", "if", "leaf", "total"]))] = data.draw(values)
            case _:
                *others, final = data.draw(st.sampled_from(places))
                there = whole
                for key in others:
                    there = there[key]
                here[last] = copy.deepcopy(there[final])
    return whole


def _used(formulas: stored.StoredFormulas, use: Callable[[ParamCount], object]) -> None:
    for name in formulas:
        with suppress(symcount.SymcountError):
            use(formulas[name])


def _use(count: ParamCount) -> None:
    assert hash(count) == hash(copy.deepcopy(count))
    for point in ((), (8,), (60, 7), (64, 8, 3), (64, 2, 4, 1.5)):
        if len(point) == len(count.hyperparameters) and count.valid(*point):
            assert type(count(*point)) is int
    for part in count.breakdown().modules.values():
        part.formula.identity  # noqa: B018
    with pytest.raises(symcount.SymcountError):
        count(*[0] * len(count.hyperparameters) if count.hyperparameters else (1,))


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(["small", "count"]))
def test_damaged_documents_load_or_are_refused(
    small: ParamCount, count: ParamCount, data: st.DataObject, which: str
) -> None:
    whole = _damaged(data, document(small if which == "small" else count), ANY)
    try:
        formulas = stored.read(json.dumps(whole), "f.json", ParamCount)
    except StoredFormulaError:
        return
    _used(formulas, hash)


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(["small", "count"]))
def test_damaged_formulas_give_integers_or_errors(
    small: ParamCount, count: ParamCount, data: st.DataObject, which: str
) -> None:
    here = document(small if which == "small" else count)
    here["formulas"][0]["calls"] = _damaged(data, here["formulas"][0]["calls"], SMALL)
    key = data.draw(st.sampled_from(["tensors", "tree", "symbols", "measure", "calls"]))
    here["formulas"][0][key] = _damaged(data, here["formulas"][0][key], SMALL)
    try:
        formulas = stored.read(json.dumps(here), "f.json", ParamCount)
    except StoredFormulaError:
        return
    _used(formulas, _use)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_texts_load_or_are_refused(small: ParamCount, data: st.DataObject) -> None:
    text = written({"it": small, "other": small})
    start = data.draw(st.integers(0, len(text) - 1))
    end = start + data.draw(st.integers(0, 20))
    inserted = data.draw(st.one_of(st.text('[]{}",:\\ \n0123456789', max_size=6), st.text()))
    try:
        formulas = stored.read(text[:start] + inserted + text[end:], "f.json", ParamCount)
    except StoredFormulaError:
        return
    _used(formulas, hash)


def test_conditions_in_words_are_for_people_alone(small: ParamCount) -> None:
    whole = document(small)
    whole["formulas"][0]["formula"] = "__import__('os').abort()"
    whole["formulas"][0]["tree"][2]["words"] = ["no", "yes"]
    again = read(whole)
    assert again == small and str(again) == str(small)
    with pytest.raises(symcount.DomainError, match="of heads: no fails"):
        again(60)


def test_a_split_of_loops_and_conditions_is_equal(count: ParamCount) -> None:
    tree = Split(
        Condition("ge", symbol("width"), const(7)), None, count.formula.tree, count.formula.tree
    )
    assert loaded(ParamCount(replace(count.formula, tree=tree))) == count
