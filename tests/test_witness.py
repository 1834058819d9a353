"""The second witness: it computes as Python does, catches what was changed, and needs nothing."""

from __future__ import annotations

import ast
import json
import math
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from torch import nn

import symcount
from symcount import ParamCount, derive, load, save, witness
from symcount.algebra.functions import CALLS, CHOICES
from symcount.blueprints import cnn, transformer  # noqa: F401

FILE = Path(witness.__file__)
NUMBERS = {"integer": (1, 2, 5, 12), "double": (0.5, 1.0, 2.5), "number": (1, 4, 2.5)}


def stack(dim: int, n: int) -> nn.Module:
    if dim % 4:
        raise ValueError("dim")
    return nn.Sequential(*[nn.Linear(dim, dim // 4 * (i + 1)) for i in range(n)])


def never(dim: int, heads: int) -> nn.Module:
    if dim % heads == 0 and dim < heads:
        return nn.Linear(1, 1)
    return nn.Linear(dim, heads)


FORMULAS: dict[str, Callable[..., Any]] = {
    "attention": nn.MultiheadAttention,
    "stack": stack,
    "never": never,
}


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("witness") / "formulas.json"
    save(path, {name: derive(factory) for name, factory in FORMULAS.items()})
    return path.read_text()


@pytest.fixture
def documents(text: str) -> dict[str, Any]:
    return {each["name"]: each for each in json.loads(text)["formulas"]}


def wrong(document: dict[str, Any]) -> str:
    return "\n".join(witness.checked(document).wrong)


def changed(value: Any) -> str:
    return json.dumps(value)


# --- it is a witness of its own ---------------------------------------------------------------


def test_it_is_one_short_file_of_the_standard_library() -> None:
    source = FILE.read_text()
    assert len(source.splitlines()) <= 300
    imported = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module or "")
    roots = {name.split(".")[0] for name in imported}
    assert roots - {"z3", "cvc5", "__future__"} <= sys.stdlib_module_names


def test_a_copy_of_it_runs_without_symcount(text: str, tmp_path: Path) -> None:
    copy, stored = tmp_path / "copied.py", tmp_path / "formulas.json"
    copy.write_text(FILE.read_text())
    stored.write_text(text)
    # -S: no package that is installed can be imported, neither symcount nor a solver
    command = [sys.executable, "-I", "-S", str(copy), str(stored), "stack"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("stack: holds at ") and "no solver is installed" in done.stdout
    stored.write_text(text.replace('"counts":[', '"counts":[1', 1))
    command[-1] = "attention"
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and "WRONG: it counts" in done.stdout


# --- it computes as Python does ---------------------------------------------------------------


@pytest.mark.parametrize("op", sorted(set(CALLS) - set(CHOICES)))
def test_functions(op: str) -> None:
    row = CALLS[op]
    for operands in {row.arity[0], min(row.arity[1], 3)}:
        kinds = row.kinds(operands)
        draw = random.Random(op)
        for _ in range(30):
            args = [draw.choice(NUMBERS[kind]) for kind in kinds]
            stored = witness.Stored(of_call(op, args))
            try:
                expected = row.at(*args)
            except (ArithmeticError, ValueError):
                with pytest.raises((ArithmeticError, ValueError)):
                    stored.atom(0, {f"x{i}": arg for i, arg in enumerate(args)})
                continue
            got = stored.atom(0, {f"x{i}": arg for i, arg in enumerate(args)})
            assert (got, type(got)) == (expected, type(expected)), args


def of_call(op: str, args: list[Any]) -> dict[str, Any]:
    of = [[[1, [f"x{i}", 1]]] for i, _ in enumerate(args)]
    return {
        "calls": [{"call": op, "of": of}],
        "tensors": [], "tree": [], "symbols": [], "certificate": {},
    }  # fmt: skip


@pytest.mark.parametrize("op", CHOICES)
def test_choices(op: str) -> None:
    for left in (1, 2, 3):
        stored = witness.Stored(of_call(op, [left, 2, 7, 8]))
        values = {"x0": left, "x1": 2, "x2": 7, "x3": 8}
        assert stored.atom(0, values) == CALLS[op].compute(left, 2, 7, 8)


def test_what_is_too_large_is_not_computed() -> None:
    for op, args in (("pow", [3, 10**9]), ("factorial", [10**7]), ("comb", [10**9, 10**8])):
        with pytest.raises(ArithmeticError):
            witness.Stored(of_call(op, args)).atom(0, {f"x{i}": a for i, a in enumerate(args)})


def formulas() -> Iterator[tuple[str, ParamCount]]:
    yield from ((spec.key, spec.param_count) for spec in symcount.blueprints)
    yield from ((name, derive(factory)) for name, factory in FORMULAS.items())


def test_it_counts_what_the_formula_counts(tmp_path: Path) -> None:
    path = tmp_path / "formulas.json"
    save(path, dict(formulas()))
    counts, inside = load(path), 0
    for document in json.loads(path.read_text())["formulas"]:
        stored, count = witness.Stored(document), counts[document["name"]]
        built = document["certificate"]["points"]
        for point in witness._points(stored, built, random.Random(1)):
            values = tuple(point[h.name] for h in count.hyperparameters)
            assert all(v in h for v, h in zip(values, count.hyperparameters, strict=True))
            leaf = stored.leaf(stored.tree, dict(point))
            is_inside = leaf["leaf"] == "built"
            assert is_inside is (count.formula.at(values) is not None)
            if is_inside:
                assert stored.parameters(leaf, point) == count.formula.at(values)
                inside += 1
    assert inside > 300


def test_nothing_is_wrong_with_what_was_derived(documents: dict[str, Any]) -> None:
    for document in documents.values():
        report = witness.checked(document)
        assert report.wrong == []
        assert report.holds >= len(document["certificate"]["points"])
        assert report.claims == len(document["certificate"]["claims"]) > 0
        assert report.proved["z3"] >= report.claims - 1


# --- it catches what was changed --------------------------------------------------------------


def test_a_changed_size(documents: dict[str, Any]) -> None:
    document = documents["attention"]
    tensor = next(t for t in document["tensors"] if len(t["shape"]) == 2)
    tensor["shape"][0][0][0] += 1
    assert "a module that was built has" in wrong(document)


def test_a_changed_total_of_a_loop(documents: dict[str, Any]) -> None:
    document = documents["stack"]
    tensor = next(t for t in document["tensors"] if "total" in t)
    tensor["total"][0][0] = 2
    assert "its loops add" in wrong(document)


def test_a_changed_number_of_iterations(documents: dict[str, Any]) -> None:
    document = documents["stack"]
    for tensor in document["tensors"]:
        for repeat in tensor.get("repeats", ()):
            repeat["count"].append([1])
    assert "its loops add" in wrong(document)


def test_a_changed_condition(documents: dict[str, Any]) -> None:
    document = documents["stack"]
    split = next(node for node in document["tree"] if "if" in node)
    split["then"], split["else"] = split["else"], split["then"]
    assert "it counts None parameters, a module that was built has" in wrong(document)


def test_a_path_that_is_said_to_be_out_of_reach(documents: dict[str, Any]) -> None:
    document = documents["stack"]
    place = next(i for i, n in enumerate(document["tree"]) if n.get("leaf") == "refused")
    document["tree"][place] = {"leaf": "unreachable"}
    found = wrong(document)
    assert "no values are said to lead here at " in found
    assert "1 paths are left out, and claims cover 0 of them" in found


def test_a_claim_of_the_cover_that_was_taken_away(documents: dict[str, Any]) -> None:
    certificate = documents["never"]["certificate"]
    assert any(claim[0] == "cover" for claim in certificate["claims"])
    certificate["claims"] = [claim for claim in certificate["claims"] if claim[0] != "cover"]
    assert "paths are left out" in wrong(documents["never"])


@pytest.mark.parametrize("solver", witness.SOLVERS)
def test_a_wrong_claim_is_contradicted(
    documents: dict[str, Any], solver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(solver)
    monkeypatch.setattr(witness, "SOLVERS", {solver: witness.SOLVERS[solver]})
    document = documents["stack"]
    goals = [i for i, line in enumerate(document["lines"]) if line.startswith("(assert (not")]
    (goal,) = (i for i in goals if "(= index!2 (+ index!1 1))" in document["lines"][i])
    document["lines"][goal] = document["lines"][goal].replace(" 1)", " 2)")
    assert wrong(document).startswith("sum: the sum of ")
    assert f"({solver}: sat)" in wrong(document)


def test_a_formula_without_claims_is_checked_at_points(documents: dict[str, Any]) -> None:
    document = documents["stack"]
    del document["certificate"]["claims"], document["certificate"]["counts"]
    report = witness.checked(document)
    assert (report.claims, report.wrong) == (0, []) and report.holds > 6


def test_without_a_solver_claims_are_unknown(
    documents: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witness, "SOLVERS", {})
    report = witness.checked(documents["stack"])
    assert len(report.unknown) == report.claims and report.wrong == []


def test_a_claim_that_was_not_written_is_unknown(documents: dict[str, Any]) -> None:
    document = documents["stack"]
    document["certificate"]["claims"] = [["sum", False, "a sum", []]]
    (unknown,) = witness.checked(document).unknown
    assert unknown.startswith("sum: a sum (z3: not written")


# --- what a file may not do -------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        '(set-option :regular-output-channel "{path}")\n(check-sat)',
        '(set-logic ALL)\n(check-sat)\n(echo "{path}")',
        '(assert (= 1 1)) (set-option :diagnostic-output-channel "{path}") (check-sat)',
        "(assert (= 1 1))\n(define-fun-rec f ((x Int)) Int (f x))\n(check-sat)",
        "(declare-const |a) (exit) (| Int)\n(check-sat)",
        "(check-sat",
        ") (exit) (",
        "(exit)",
        "; a comment\n(get-model)",
    ],
)
@pytest.mark.parametrize("solver", witness.SOLVERS)
def test_other_commands_are_not_given_to_a_solver(script: str, solver: str, tmp_path: Path) -> None:
    path = tmp_path / "written"
    said = witness.asked(script.replace("{path}", str(path)), solver)
    assert said == "error: it holds more than declarations and assertions"
    assert not path.exists()


def test_what_is_no_script_is_an_error_that_is_told() -> None:
    assert witness.asked("(assert (= x 1))\n(check-sat)", "z3").startswith("error: ")


@pytest.mark.parametrize("key", ["calls", "tensors", "tree", "symbols", "certificate"])
def test_what_is_malformed_is_said_to_be(documents: dict[str, Any], key: str) -> None:
    document = documents["stack"]
    del document[key]
    assert "it is malformed: KeyError" in wrong(document)


def test_damaged_documents_never_raise(documents: dict[str, Any]) -> None:
    draw = random.Random(3)
    original = changed(documents["stack"])
    for _ in range(150):
        document = json.loads(original)
        document["certificate"]["claims"] = []
        damage(document, draw)
        witness.checked(document)


def damage(value: Any, draw: random.Random) -> None:
    """Put something else somewhere."""
    while True:
        keys = list(value) if isinstance(value, dict) else range(len(value))
        if not keys:
            return
        key = draw.choice(list(keys))
        if isinstance(value[key], dict | list) and draw.random() < 0.8:
            value = value[key]
            continue
        value[key] = draw.choice([None, -1, 0, 10**6, "dim", [], {}, [1, 0], math.inf, True])
        return


def test_only_files_of_formulas_are_read(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    for content in ("{}", "[]", '{"format": "other"}', "text"):
        path.write_text(content)
        with pytest.raises(ValueError):
            list(witness.reports(str(path)))


def test_names_are_those_of_formulas(text: str, tmp_path: Path) -> None:
    path = tmp_path / "formulas.json"
    path.write_text(text)
    assert [r.name for r in witness.reports(str(path), ["stack"])] == ["stack"]
    assert [r.name for r in witness.reports(str(path))] == list(FORMULAS)
    with pytest.raises(ValueError, match="it has no formula 'other'"):
        list(witness.reports(str(path), ["other"]))
