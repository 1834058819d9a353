"""What works where numpy, sympy, torch and z3 are not installed, and what is said of the rest."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import sympy

from symcount import packages

ROOT = Path(__file__).parent.parent
# Keeps the packages from being found, as if they were not installed.
WITHOUT = """
import sys

from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        is_absent = name.partition(".")[0] in {absent!r}
        return None if is_absent else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Without
import json
import symcount

def said(ask):
    try:
        return repr(ask())
    except Exception as error:
        return f"{{type(error).__name__}}: {{error}}"

formulas = symcount.load("docs/atlas/formulas.json")
count = formulas["gpt2"]
"""
SAYS = """
print(json.dumps({{name: said(lambda: eval(name)) for name in {asked!r}}}))
"""
RUNS = """
from click.testing import CliRunner
from symcount.cli import main

runs = {{command: CliRunner().invoke(main, command.split()) for command in {commands!r}}}
print(json.dumps({{command: (ran.exit_code, ran.output) for command, ran in runs.items()}}))
"""


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


def answers(*asked: str, absent: tuple[str, ...] = tuple(packages.PACKAGES)) -> dict[str, Any]:
    done = python(WITHOUT.format(absent=absent) + SAYS.format(asked=asked))
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_stored_formulas_are_loaded_evaluated_and_taken_apart() -> None:
    found = answers(
        "count()",
        "count(n_embd=1024, n_inner=4096, n_layer=24, n_head=16)",
        "count.valid(n_embd=1024, n_head=7)",
        "count.valid_values('n_head', between=(1, 8), n_embd=12)",
        "count.breakdown().modules['transformer.wte']()",
        "count.nbytes()",
        "count.trainable == count",
        "count.certificate.grade",
        "formulas.captions('gpt2')[1]",
    )
    assert list(found.values()) == [
        "124439808", "354823168", "False", "[1, 2, 3, 4, 6]", "38597376", "497759232", "True",
        "'complete'", "'Eq(Mod(n_embd, n_head), 0)'",
    ]  # fmt: skip


def test_what_needs_more_says_what_to_install() -> None:
    found = answers(
        "str(count)", "count.expr", "count.domain", "format(count, 'latex')", "count.share()",
        "count.growth('n_embd')", "str(count.breakdown())", "count.export('sql')",
        "symcount.save('no.json', {'count': count})",
        "count.evaluate([1])", "symcount.derive(print)", "symcount.compare(print, print)",
        "symcount.from_config(print, dict, symbols=['a'])",
    )  # fmt: skip
    without = "(Stored formulas are loaded and evaluated without.)"
    sympy = f"this needs sympy, which is not installed: pip install sympy. {without}"
    numpy = f"this needs numpy, which is not installed: pip install numpy. {without}"
    derive = (
        "deriving a formula needs numpy, sympy, torch and z3, which are not installed: "
        f"pip install 'symcount[derive]'. {without}"
    )
    reasons = [sympy] * 9 + [numpy] + [derive] * 3
    assert list(found.values()) == [f"MissingDependencyError: {reason}" for reason in reasons]


def test_a_formula_says_of_itself_that_it_has_no_text() -> None:
    (said,) = answers("count").values()
    assert said.startswith("<ParamCount of ") and "no text: this needs sympy, which is not" in said


def test_one_package_that_is_missing_is_named_alone() -> None:
    (said,) = answers("symcount.derive(print)", absent=("z3",)).values()
    assert "deriving a formula needs z3, which is not installed: pip install 'symcount[de" in said


def test_nothing_is_missing_where_all_is_installed() -> None:
    packages.require("deriving a formula")
    assert packages.sympy is sympy


COMMANDS = {
    "show docs/atlas/formulas.json gpt2 --at n_layer=24": (0, "n_embd"),
    "show docs/atlas/formulas.json": (0, "Mod(n_embd, n_head)"),
    "verify docs/atlas/formulas.json nn_gru": (0, "nn_gru: holds at"),
    "derive torch.nn:Linear": (2, "pip install 'symcount[derive]'"),
    "derive torch.nn:Linear --all-symbols": (2, "pip install 'symcount[derive]'"),
    "list": (2, "pip install 'symcount[derive]'"),
    "save torch.nn:Linear -o no.json": (2, "pip install 'symcount[derive]'"),
    "audit examples/tickets.py": (2, "pip install 'symcount[derive]'"),
    "check docs/atlas/formulas.json": (2, "pip install 'symcount[derive]'"),
    "check README.md": (2, "pip install 'symcount[derive]'"),
    "--help": (0, "Examples"),
}


def test_the_command_line() -> None:
    done = python(
        WITHOUT.format(absent=tuple(packages.PACKAGES)) + RUNS.format(commands=[*COMMANDS])
    )
    assert done.returncode == 0, done.stderr
    for command, (code, said) in json.loads(done.stdout).items():
        assert (command, code) == (command, COMMANDS[command][0])
        assert COMMANDS[command][1] in said, command
        assert "Traceback" not in said and "a defect of symcount" not in said, command
