"""Imports follow the flow and never run back; independent checks stay independent."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "symcount"

# Each module may import those above it (and its own package), nothing below.
FLOW = [
    "errors",
    "progress",
    "symbols",
    "graph",
    "origin",
    "statements",
    "documents",
    "ambient",
    "memory",
    "budget",
    "mentions",
    "trace",
    "algebra",
    "evaluate",
    "lower",
    "paths",
    "sums",
    "solver",
    "explore",
    "folding",
    "verify",
    "sympy_form",
    "outside",
    "mathml",
    "outline",
    "console",
    "notebook",
    "plotting",
    "export",
    "page",
    "fast_call",
    "blocks",
    "vectorise",
    "expressions",
    "rewriting",
    "selecting",
    "training_memory",
    "intervals",
    "keeping",
    "solving",
    "asymptotics",
    "analysis",
    "certificate",
    "unpacking",
    "packing",
    "formula",
    "difference",
    "stored",
    "calls",
    "joining",
    "checking",
    "naming",
    "derivation",
    "trust",
    "registry",
    "blueprints",
    "targets",
    "libraries",
    "audit",
    "drift",
    "asked",
    "markers",
    "filling",
    "checkable",
    "testing",
    "ext",
    "completion",
    "shells",
    "cli",
]
# `verify` knows nothing of how a formula came about.
INDEPENDENT = {"verify": {"ambient", "memory"}}


def stage_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    """The stages a module imports, lazily inside functions or not, but for TYPE_CHECKING."""
    found = set()
    tree = ast.parse(path.read_text())
    hidden = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.ImportFrom) and node.module == "symcount":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("symcount."):
            found.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("symcount.")}
    return found & set(FLOW)


MODULES = sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_follow_the_flow(path: Path) -> None:
    stage = stage_of(path)
    assert stage in FLOW, f"give {stage} a place in FLOW"
    allowed = set(FLOW[: FLOW.index(stage) + 1])
    assert imports_of(path) <= allowed
    if stage in INDEPENDENT:
        assert imports_of(path) - {stage} <= INDEPENDENT[stage]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_the_design_says_what_a_module_is_for(path: Path) -> None:
    design = (PACKAGE.parent / "docs" / "design.md").read_text()
    table = {row for row in design.splitlines() if row.startswith("| `")}
    names = {name for row in table for name in re.findall("`([^`]+)`", row.split("|")[1])}
    own = path.relative_to(PACKAGE)
    folder = f"{own.parts[0]}/"  # a row may be of a whole folder; that of the tracer is not
    covered = own.name == "__init__.py" or {str(own), folder} & names
    assert covered, f"docs/design.md: give {own} a row in its tables"


def test_the_check_can_fail() -> None:
    assert {"trace", "verify", "formula"} <= imports_of(PACKAGE / "derivation.py")
