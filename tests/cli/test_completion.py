"""What shells complete: in the module that finds it, and in real shells."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import click
import pexpect
import pytest
from click.testing import CliRunner
from torch import nn

import symcount
from symcount.catalogue import targets
from symcount.cli import completion, main
from symcount.cli.shells import SHELLS, Bash

ROOT = Path(__file__).parents[2]


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current directory with files, a folder and a package in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models.py").write_text(
        dedent("""
            from torch.nn import Linear

            raise SystemExit("this is never run")

            def mlp(dim, /, depth: int = 2, *, bias=True): ...

            def _helper(dim): ...

            class Net:
                def __init__(self, width, depth): ...

                @classmethod
                def small(cls, depth): ...

                def forward(self, x): ...
        """)
    )
    (tmp_path / "broken.py").write_text("def f(:")
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "zoo").mkdir()
    (tmp_path / "zoo" / "__init__.py").write_text(
        "from .parts import *\nfrom .parts import _made as made\n"
    )
    (tmp_path / "zoo" / "parts.py").write_text("def part(dim, heads): ...\ndef _made(width): ...\n")
    return tmp_path


# --- what there is ----------------------------------------------------------------------------


def test_a_target_begins_with_a_topology_a_file_a_folder_or_a_module(models: Path) -> None:
    assert completion.targets("") == ["cnn:", "transformer:", "broken.py:", "models.py:", "zoo/"]
    assert completion.targets("model") == ["models.py:"]
    assert completion.targets("zoo/") == ["zoo/parts.py:"]
    assert completion.targets("zo") == ["zoo/", "zoo:", "zoo."]
    assert completion.targets("zoo.") == ["zoo.parts:"]
    assert completion.modules("zoo.p") == ["zoo.parts"]


def test_a_file_has_its_public_functions_and_classes(models: Path) -> None:
    assert completion.targets("models.py:") == ["models.py:mlp", "models.py:Net"]
    assert completion.targets("models.py:_") == ["models.py:_helper"]
    assert completion.targets("models.py:Net.") == ["models.py:Net.small"]


def test_a_package_has_what_it_imports(models: Path) -> None:
    assert completion.targets("zoo:") == ["zoo:made", "zoo:part"]
    assert completion.parameters("zoo:part") == ["dim", "heads"]
    assert completion.parameters("zoo:made") == ["width"]


def test_parameters_of_functions_classes_and_class_methods(models: Path) -> None:
    assert completion.parameters("models.py:mlp") == ["dim", "depth", "bias"]
    assert completion.parameters("models.py:Net") == ["width", "depth"]
    assert completion.parameters("models.py:Net.small") == ["depth"]
    assert completion.parameters("cnn:attention") == ["dim", "reduction"]


@pytest.mark.parametrize(
    "word",
    "broken.py: missing.py:x no.such.module: models.py:Net.small. a-b: ..: /x/y 1.2 .".split(),
)
def test_what_is_not_there_completes_to_nothing(models: Path, word: str) -> None:
    assert completion.targets(word) == []
    assert completion.parameters(word) == []


def test_standard_library_modules_are_not_offered() -> None:
    assert "json:" not in completion.targets("js")


def test_every_layer_of_torch_is_offered_and_can_be_resolved() -> None:
    offered = set(completion.targets("torch.nn:"))
    layers = {
        f"torch.nn:{name}"
        for name, kind in vars(nn).items()
        if isinstance(kind, type) and issubclass(kind, nn.Module) and not name.startswith("_")
    }
    assert len(layers) > 100 and layers <= offered
    for layer in layers:
        assert targets.resolve(layer).factory


def test_every_seed_is_offered() -> None:
    for topology in targets.SEEDS:
        offered = completion.targets(f"{topology}:")
        seeds = [spec.key for spec in targets.seeds() if spec.topology == topology]
        assert set(seeds) <= set(offered)


def test_names_and_symbols_of_a_stored_file(tmp_path: Path) -> None:
    path = str(tmp_path / "formulas.json")
    symcount.save(path, {"linear": symcount.derive(nn.Linear)})
    assert completion.stored_names(path, "li") == ["linear"]
    assert completion.stored_symbols(path, "linear") == ["in_features", "out_features"]
    assert completion.stored_symbols(path, "nothing") == []
    assert completion.stored_names(str(ROOT / "README.md"), "") == []
    assert completion.stored_names(str(tmp_path / "none.json"), "") == []


def test_neither_torch_nor_what_is_completed_is_loaded(models: Path) -> None:
    code = """
        import sys
        from symcount.cli import completion
        assert completion.targets("torch.nn:Li") and completion.parameters("models.py:mlp")
        assert completion.targets("zoo:")
        print(sorted({"torch", "sympy", "numpy", "z3", "models", "zoo"} & set(sys.modules)))
    """
    done = subprocess.run(
        [sys.executable, "-c", dedent(code)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


# --- the protocol -----------------------------------------------------------------------------


def completed(line: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("COMP_LINE", f"symcount {line}")
    shell = Bash(main, {}, "symcount", "_SYMCOUNT_COMPLETE")
    return [row.split("\t")[1] for row in shell.complete().splitlines()]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("der", ["derive"]),
        ("derive cnn:atte", ["attention"]),  # bash replaces what follows the colon
        ("derive cnn:attention --at ", ["dim=", "reduction="]),
        ("derive cnn:attention --set r", ["reduction="]),
        ("derive cnn:attention --symbol d", ["dim"]),
        ("derive --symbol dim:min=64 cnn:attention --set red", ["reduction="]),
        ("derive --set ", []),
        ("export cnn:attention --format=j", ["javascript", "json"]),
        ("export --registry symcount.blueprints.c", ["symcount.blueprints.cnn"]),
        ("audit symcount.blueprints.t", ["symcount.blueprints.transformer"]),
        ("completion ", ["bash", "zsh", "fish"]),
        ("show formulas.json ", ["linear"]),
        ("show formulas.json linear --at in", ["in_features="]),
        ("show missing.json linear --at ", []),
        ("show --at ", []),
    ],
)
def test_lines(
    line: str, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    symcount.save("formulas.json", {"linear": symcount.derive(nn.Linear)})
    assert completed(line, monkeypatch) == words


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_prints_the_script_that_click_would(shell: str) -> None:
    printed = CliRunner().invoke(main, ["completion", shell], prog_name="symcount")
    clicks = CliRunner().invoke(
        main, [], prog_name="symcount", env={"_SYMCOUNT_COMPLETE": f"{shell}_source"}
    )
    assert printed.exit_code == 0 and printed.output.strip() == clicks.output.strip()
    assert f"_SYMCOUNT_COMPLETE={shell}_complete" in printed.output


def test_an_unknown_shell_is_refused() -> None:
    refused = CliRunner().invoke(main, ["completion", "csh"])
    assert refused.exit_code == 2
    assert "'csh' is not one of 'bash', 'zsh', 'fish'" in refused.output


def test_other_programs_of_click_keep_their_words() -> None:
    assert Bash(click.Command("other"), {}, "other", "_OTHER_COMPLETE").source().count("other") >= 2


# --- real shells ------------------------------------------------------------------------------

START = {
    "bash": (["--norc", "-i"], "source <(symcount completion bash)"),
    "zsh": (["-f", "-i"], "autoload -U compinit; compinit -u; source <(symcount completion zsh)"),
    "fish": (["--no-config", "-i"], "symcount completion fish | source"),
}


@pytest.mark.parametrize("shell", START)
def test_pressing_tab(shell: str, models: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    scripts = os.path.dirname(sys.executable)
    environment = {
        **os.environ,
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(models),
        "TERM": "dumb",
    }
    options, command = START[shell]
    terminal = pexpect.spawn(
        shell, options, env=environment, encoding="utf-8", timeout=30, dimensions=(40, 200)
    )
    try:
        terminal.sendline(f"{command}; echo re''ady")
        terminal.expect("ready")
        for typed, whole in (
            ("symcount derive cnn:atte", "symcount derive cnn:attention "),
            ("symcount derive models.py:Ne", "symcount derive models.py:Net "),
            ("symcount derive mode", "symcount derive models.py:"),
            ("symcount derive models.py:mlp --set bi", "symcount derive models.py:mlp --set bias="),
            ("symcount compl", "symcount completion "),
        ):
            terminal.send(f"{typed}\t+")  # shows whether a space follows
            terminal.send("\x01echo \x05\r")  # what the line is, without how it was drawn
            terminal.expect_exact(f"\n{whole}+\r")
    finally:
        terminal.close(force=True)
