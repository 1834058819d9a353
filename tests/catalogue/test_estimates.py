"""Modules with hand-written estimates as they are, in whatever they keep them."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

import symcount
from symcount.catalogue.audit import audit
from symcount.catalogue.estimates import Fields
from symcount.catalogue.targets import load_estimates
from symcount.cli import main

HEAD = """
from dataclasses import dataclass
from typing import Any, Callable, NamedTuple
from torch import nn

def line(dim): return nn.Linear(dim, 1, bias=False)
def square(dim): return nn.Linear(dim, dim, bias=False)
def broken(dim): raise RuntimeError("broken")
"""
REGISTRIES = {
    "a registry of one's own with objects": """
        @dataclass(frozen=True, slots=True)
        class Spec:
            name: str
            topology: str
            factory: Callable[[int], nn.Module]
            param_estimate: int

        class Registry:
            _specs: dict[str, Spec] = {}

            @classmethod
            def register(cls, name, topology, param_estimate):
                def decorate(factory):
                    cls._specs[f"{topology}:{name}"] = Spec(name, topology, factory, param_estimate)
                    return factory
                return decorate

        Registry.register("line", "cnn", 64)(line)
        Registry.register("square", "cnn", 100)(square)
    """,
    "an instance of it": """
        class Registry:
            def __init__(self): self.items = {}
        registry = Registry()
        registry.items["cnn:line"] = {"topology": "cnn", "build": line, "params": 64}
        registry.items["cnn:square"] = {"topology": "cnn", "build": square, "params": 100}
    """,
    "a list of tuples": """
        cnn = [("line", line, 64), ("square", square, 100)]
    """,
    "a mapping to tuples": """
        cnn = {"line": (line, 64), "square": (square, 100.0)}
    """,
    "a list of named tuples with several numbers": """
        class Entry(NamedTuple):
            name: str
            make: Callable
            estimate: int
            version: int
        cnn = [Entry("line", line, 64, 1), Entry("square", square, 100, 2)]
    """,
}


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], str]:
    def written(text: str) -> str:
        path = tmp_path / "estimates_of_a_project.py"
        path.write_text(HEAD + textwrap.dedent(text))
        return str(path)

    return written


@pytest.mark.parametrize("kind", REGISTRIES)
def test_estimates_are_found_whatever_they_are_in(kind: str, write: Callable[[str], str]) -> None:
    specs = load_estimates(write(REGISTRIES[kind]), Fields())
    found = {spec.key: spec.declared_estimate for spec in specs}
    assert found == {"cnn:line": 64, "cnn:square": 100}
    counted = audit(specs, sizes=(64,)).findings
    assert [(f.worst.count, f.exceeds) for f in counted] == [(4096, True), (64, False)]


AMBIGUOUS = """
    cnn = [{"name": "line", "build": line, "check": print, "weights": 64, "flops": 128}]
"""


def test_fields_are_named_where_it_cannot_tell(write: Callable[[str], str]) -> None:
    path = write(AMBIGUOUS)
    with pytest.raises(symcount.TargetError) as caught:
        load_estimates(path, Fields())
    assert str(caught.value) == (
        "cnn[0] has several fields that may be its factory: build, check; say which, "
        "--factory build"
    )
    with pytest.raises(symcount.TargetError, match="its estimate: weights, flops; say which"):
        load_estimates(path, Fields(factory="build"))
    (spec,) = load_estimates(path, Fields("build", "weights"))
    assert (spec.name, spec.declared_estimate) == ("line", 64)


def test_one_bad_blueprint_is_a_row(write: Callable[[str], str]) -> None:
    path = write("""
        from symcount import BlueprintRegistry
        registry = BlueprintRegistry(reference_dim=48)
        registry.register("broken", "cnn", 64)(broken)
        registry.register("line", "cnn", 48)(line)
        others = [("worse", broken, 3)]
    """)
    result = CliRunner().invoke(main, ["audit", path], env={"COLUMNS": "200"})
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit)
    assert "at 48" in result.output and "cnn:line" in result.output
    assert "no formula" in result.output and "others:worse" in result.output
    assert "cnn:broken has no count at 16, 48" in result.output


def test_a_module_without_estimates_is_told_what_is_looked_for(
    write: Callable[[str], str],
) -> None:
    with pytest.raises(symcount.TargetError, match="--factory FIELD --estimate FIELD"):
        load_estimates(write("NUMBERS = [1, 2, 3]"), Fields())


@pytest.fixture(autouse=True)
def _forget_modules() -> object:
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if "estimates_of_a_project" in name:
            del sys.modules[name]
