"""The folders of the package, and what each may import: the tree is the design.

Every import counts, those under TYPE_CHECKING and inside functions included.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parent.parent / "symcount"

# The ground, which everybody may import, and what its files may import themselves.
GROUND = {
    "errors": "",
    "version": "",
    "progress": "",
    "shown": "",
    "interception": "",
    "libraries": "",
    "packages": "errors",
    "executed": "libraries",
    "work": "",
    "witness": "",
    "processes": "errors",
    "symbols": "errors shown",
    "record": "errors symbols",
}
# What the folders and files above the ground may import beside it and themselves.
VALUE = "algebra formula factory.origin"
CORE = "algebra factory formula questions storage display export param_count cache api"
RULES = {
    "trace": "",
    "algebra": "",
    "factory": "",
    "formula": "algebra factory.origin",
    "derivation": "trace algebra factory formula",
    "questions": VALUE,
    "storage": f"{VALUE} factory.statements",  # a file holds digests of the code
    "display": VALUE,
    "export": f"{VALUE} display",
    "sweep": f"{VALUE} questions storage.atomic export",
    "param_count": f"{VALUE} questions storage display export sweep",
    "cache": "formula factory storage",
    "api": "derivation formula factory questions storage param_count cache",
    "catalogue": CORE,
    "blueprints": "catalogue",
    "drift": f"{CORE} catalogue",
    "many": f"{CORE} catalogue",
    "testing": f"{CORE} catalogue drift",
    "ext": f"{CORE} catalogue blueprints drift testing",
    "cli": f"{CORE} sweep catalogue many blueprints drift",
    "__main__": "cli",
}


class Import(NamedTuple):
    """A module of the package that a file imports, or a name that it imports from one."""

    module: str  # without "symcount.", such as "trace.loops"; "" is the package itself
    name: str | None
    line: int


def modules() -> dict[str, Path]:
    """Every file of the package by the name of its module, without "symcount."."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    del found[""]  # which loads what it names when it is asked for it
    return found


MODULES = modules()


def imports_of(source: str) -> Iterator[Import]:
    """What a file imports of the package, wherever the import stands in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "symcount":
                    yield Import(_inner(alias.name), None, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            home = node.module or ""
            for alias in node.names if home.split(".")[0] == "symcount" else ():
                whole = _inner(f"{home}.{alias.name}")
                if whole in MODULES:
                    yield Import(whole, None, node.lineno)
                else:
                    yield Import(_inner(home), alias.name, node.lineno)


def _inner(name: str) -> str:
    return name.removeprefix("symcount").lstrip(".")


def folder_of(module: str) -> str:
    return module.split(".")[0]


def breaches(module: str, source: str) -> list[str]:
    """The imports of a file that the rules forbid."""
    folder = folder_of(module)
    above = (folder, *GROUND, *RULES.get(folder, "").split())
    may = GROUND[folder].split() if folder in GROUND else above
    return [
        f"line {i.line} imports symcount.{i.module}"
        for i in imports_of(source)
        if not any(i.module == place or i.module.startswith(f"{place}.") for place in may)
    ]


def private_names(module: str, source: str) -> list[str]:
    """The private names of other folders that a file imports, or reaches for in an object."""
    folder = folder_of(module)
    imported = [
        f"line {i.line} imports {i.name}"
        for i in imports_of(source)
        if _is_private(i.name) and folder_of(i.module) != folder
    ]
    own = defined_in(folder) | _defined(ast.parse(source))
    elsewhere = set().union(*(defined_in(f) for f in (*RULES, *GROUND) if f != folder))
    return imported + [
        f"line {node.lineno} reaches for {node.attr}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and node.attr in elsewhere - own
    ]


def _is_private(name: str | None) -> bool:
    return name is not None and re.match("_[a-z]", name) is not None


@cache
def defined_in(folder: str) -> frozenset[str]:
    """The private names that the files of a folder define."""
    trees = (ast.parse(p.read_text()) for m, p in MODULES.items() if folder_of(m) == folder)
    return frozenset().union(*map(_defined, trees))


def _defined(tree: ast.AST) -> frozenset[str]:
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.append(node.attr)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.append(node.id)
    return frozenset(filter(_is_private, names))


def circle(imported: dict[str, set[str]]) -> list[str]:
    """The modules of a circle of imports, if there is one."""
    try:
        TopologicalSorter(imported).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


@pytest.mark.parametrize("module", MODULES)
def test_imports_keep_the_rules(module: str) -> None:
    assert breaches(module, MODULES[module].read_text()) == []


@pytest.mark.parametrize("module", MODULES)
def test_no_private_name_of_another_folder(module: str) -> None:
    assert private_names(module, MODULES[module].read_text()) == []


def test_no_file_is_in_a_circle() -> None:
    imported = {
        module: {i.module for i in imports_of(path.read_text()) if i.module} - {module}
        for module, path in MODULES.items()
    }
    assert circle(imported) == []


# --- each of these checks can fail ------------------------------------------------------------

FORBIDDEN = {
    "symbols": "import symcount.record",
    "trace": "from symcount.algebra.poly import Poly",
    "algebra": "from symcount.trace import run",
    "factory": "if TYPE_CHECKING:\n    from symcount.trace.loops import Loop",
    "formula": "def f():\n    from symcount.factory.building import compare",
    "derivation": "from symcount.param_count import ParamCount",
    "questions": "from symcount.display import outline",
    "storage": "from symcount.param_count import ParamCount",
    "display": "from symcount.questions import solve",
    "export": "from symcount.catalogue.registry import BlueprintSpec",
    "sweep": "from symcount.param_count import ParamCount",
    "param_count": "from symcount.derivation.pipeline import derive",
    "cache": "from symcount.derivation.pipeline import derive",
    "api": "from symcount.catalogue import targets",
    "catalogue": "from symcount.derivation.pipeline import derive",
    "blueprints": "from symcount.api import derive",
    "drift": "from symcount.trace import run",
    "many": "from symcount.derivation.pipeline import derive",
    "testing": "from symcount.cli.commands import main",
    "ext": "import symcount.cli",
    "cli": "import symcount.trace.loops",
    "__main__": "import symcount.api",
}


@pytest.mark.parametrize("folder", RULES)
def test_each_rule_forbids_something(folder: str) -> None:
    assert len(breaches(folder, FORBIDDEN[folder])) == 1


@pytest.mark.parametrize("folder", RULES)
def test_nobody_but_the_top_imports_the_package_itself(folder: str) -> None:
    assert breaches(folder, "import symcount") and breaches(folder, "from symcount import derive")


def test_a_private_name_is_seen() -> None:
    assert private_names("drift.drift", "from symcount.algebra.poly import _order")
    assert private_names("drift.drift", "def f(poly):\n    return poly._atoms")
    assert not private_names("algebra.facts", "def f(poly):\n    return poly._atoms")
    assert not private_names("drift.drift", "import torch\ntorch._C._dispatch_keys")


def test_a_circle_is_seen() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})
