"""What a string names, and what an error says when it names nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from torch import nn

from symcount import blueprints
from symcount.catalogue.targets import load_blueprints, resolve, seeds
from symcount.errors import TargetError

Write = Callable[[str, str], Path]

FACTORIES = """
    from torch import nn

    LAYERS = 3

    def small(dim):
        return nn.Linear(dim, dim)

    class Net:
        @staticmethod
        def wide(dim):
            return nn.Linear(dim, 4 * dim)
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write a source file below an otherwise empty current directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    loaded, registered = set(sys.modules), {spec.key for spec in blueprints}

    def write_source(name: str, source: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(source))
        return path

    yield write_source
    for name in set(sys.modules) - loaded:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]
    for spec in blueprints:
        if spec.key not in registered and not spec.factory.__module__.startswith("symcount"):
            blueprints.unregister(spec.topology, spec.name)


def error_of(call: Callable[[str], object], target: str) -> str:
    with pytest.raises(TargetError) as raised:
        call(target)
    return str(raised.value)


# --- resolve ----------------------------------------------------------------------------------


def test_module_and_attribute() -> None:
    target = resolve("torch.nn:Linear")
    assert (target.name, target.factory, target.spec) == ("torch.nn:Linear", nn.Linear, None)


def test_current_directory_is_importable(write: Write) -> None:
    write("nearby_models.py", FACTORIES)
    assert resolve("nearby_models:small").factory(3).weight.shape == (3, 3)


def test_file_and_dotted_attribute(write: Write) -> None:
    write("file_models.py", FACTORIES)
    assert resolve("file_models.py:Net.wide").factory(2).weight.shape == (8, 2)


def test_file_by_absolute_path_finds_its_neighbours(write: Write) -> None:
    write("parts/neighbour.py", FACTORIES)
    path = write("parts/uses_neighbour.py", "from neighbour import small")
    assert resolve(f"{path}:small").factory.__name__ == "small"


def test_file_is_loaded_once(write: Write) -> None:
    path = write("once.py", FACTORIES)
    assert resolve("once.py:small").factory is resolve(f"{path}:small").factory


def test_file_never_stands_for_a_module_of_its_name(write: Write) -> None:
    import json

    write("json.py", "def factory(dim): ...")
    assert resolve("json.py:factory").factory.__name__ == "factory"
    assert sys.modules["json"] is json


def test_blueprint() -> None:
    target = resolve("cnn:attention")
    assert target.spec is not None
    assert target.spec is blueprints.get("cnn", "attention")
    assert target.factory is target.spec.factory


def test_registered_blueprint_comes_before_a_module_of_its_name(write: Write) -> None:
    write("mine.py", FACTORIES)
    assert resolve("mine:small").spec is None
    blueprints.register("small", "mine")(lambda dim: nn.Linear(dim, 1))
    assert resolve("mine:small").spec is not None
    assert resolve("mine.py:small").spec is None
    blueprints.unregister("mine", "small")


# --- what errors say --------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["attention", ":factory", "torch.nn:", ""])
def test_target_without_a_factory(target: str) -> None:
    assert error_of(resolve, target) == (
        f"target {target!r} names no factory; write package.module:factory, "
        "path/to/file.py:factory or topology:blueprint"
    )


def test_a_dotted_name_is_told_where_its_colon_belongs() -> None:
    assert error_of(resolve, "models.nets.encoder").endswith("; did you mean models.nets:encoder?")
    assert "did you mean" not in error_of(resolve, "models.py")


def test_missing_blueprint_names_those_of_the_topology() -> None:
    assert error_of(resolve, "cnn:atention") == (
        "no blueprint cnn:atention; did you mean 'attention'?\n  cnn has: attention, "
        "bottleneck, conv_heavy, conv_light, conv_small, depthwise, noop, norm"
    )


def test_missing_topology_comes_close_to_one(write: Write, tmp_path: Path) -> None:
    message = error_of(resolve, "transfomer:mlp")
    assert message.startswith(
        "no topology 'transfomer' of blueprints, and no module 'transfomer' on the import path, "
        f"with {tmp_path} first; did you mean 'transformer'"
    )


def test_missing_submodule() -> None:
    assert error_of(resolve, "torch.nnn:Linear") == ("no module 'nnn' in torch; did you mean 'nn'?")


def test_missing_package_of_a_submodule(tmp_path: Path, write: Write) -> None:
    assert error_of(resolve, "qqqq.models.vision:net") == (
        f"no module 'qqqq' on the import path, with {tmp_path} first"
    )


def test_missing_file(write: Write, tmp_path: Path) -> None:
    write("models.py", FACTORIES)
    assert error_of(resolve, "modles.py:small") == (
        f"no file modles.py in {tmp_path}; did you mean 'models.py'?"
    )


def test_missing_attribute() -> None:
    assert error_of(resolve, "torch.nn:Identit") == (
        "torch.nn has no 'Identit'; did you mean 'Identity'?"
    )


def test_missing_dotted_attribute(write: Write) -> None:
    write("dotted.py", FACTORIES)
    assert error_of(resolve, "dotted.py:Net.wid") == (
        "dotted.py.Net has no 'wid'; did you mean 'wide'?"
    )


def test_attribute_that_builds_nothing(write: Write) -> None:
    write("constant.py", FACTORIES)
    assert error_of(resolve, "constant.py:LAYERS") == (
        "constant.py:LAYERS is 3; a target is a function or class that builds a module"
    )


@pytest.mark.parametrize("place", [".models", "models/net", "a b"])
def test_what_can_be_no_module(place: str, write: Write) -> None:
    assert error_of(resolve, f"{place}:net") == (
        f"{place!r} is neither a file that ends in .py nor a module's name"
    )


@pytest.mark.parametrize("target", ["broken.py:net", "broken:net"])
def test_module_that_raises_is_named_with_its_line(target: str, write: Write) -> None:
    path = write("broken.py", "import torch\n\nlimit = {}['width']\n")
    assert error_of(resolve, target) == (
        f"{target.removesuffix(':net')} cannot be imported: {path}:3 raised\n  KeyError: 'width'"
    )


def test_line_in_another_module_is_named_too(write: Write) -> None:
    inner = write("innermost.py", "raise SystemExit(1)")
    outer = write("outermost.py", "\nimport innermost")
    assert error_of(resolve, "outermost.py:net") == (
        f"outermost.py cannot be imported: {outer}:2 (at {inner}:1) raised\n  SystemExit: 1"
    )


def test_syntax_error_is_named_with_its_line(write: Write) -> None:
    path = write("unfinished.py", "x = 1\ndef net(:\n")
    assert f"unfinished.py cannot be imported: {path}:2 raised\n  SyntaxError" in error_of(
        resolve, "unfinished.py:net"
    )


def test_blueprint_without_a_formula_is_blamed_on_the_line_that_registers_it(write: Write) -> None:
    path = write(
        "no_formula.py",
        """\
        from symcount import BlueprintRegistry
        registry = BlueprintRegistry()
        registry.register("text", "nlp")(lambda dim: "no module")
        """,
    )
    message = error_of(load_blueprints, "no_formula.py")
    assert message.startswith(f"no_formula.py cannot be imported: {path}:3 raised\n  NotAModule")


def test_file_that_failed_can_be_mended(write: Write) -> None:
    path = write("mended.py", "oops")
    error_of(resolve, "mended.py:small")
    path.write_text(dedent(FACTORIES))
    assert callable(resolve("mended.py:small").factory)


# --- blueprints of a module -------------------------------------------------------------------


def keys(module: str) -> list[str]:
    return [spec.key for spec in load_blueprints(module)]


OWN = """
    from torch import nn
    from symcount import BlueprintRegistry
    from symcount.blueprints.cnn import create_norm

    registry = BlueprintRegistry()
    same = registry
    other = BlueprintRegistry()
    registry.register("norm", "vision", 130)(create_norm)
    other.register("linear", "text")(nn.Linear)
"""


def test_registries_of_a_module(write: Write) -> None:
    write("own_registry.py", OWN)
    assert keys("own_registry.py") == ["vision:norm", "text:linear"]
    assert keys("own_registry") == ["vision:norm", "text:linear"]


DEFAULT = """
    from torch import nn
    from symcount import blueprints
    import symcount.blueprints.cnn

    @blueprints.register("linear", "shared")
    def linear(dim):
        return nn.Linear(dim, dim)
"""


def test_what_a_module_defines_in_the_default_registry(write: Write) -> None:
    write("shared_registry.py", DEFAULT)
    assert keys("shared_registry.py") == ["shared:linear"]
    assert keys("shared_registry.py") == ["shared:linear"]  # also when it is loaded already


def test_what_a_package_defines_below_itself(write: Write) -> None:
    write("package_of_blueprints/__init__.py", "from package_of_blueprints import parts")
    write("package_of_blueprints/parts.py", DEFAULT)
    assert keys("package_of_blueprints") == ["shared:linear"]
    assert keys("package_of_blueprints") == ["shared:linear"]


def test_what_a_module_causes_to_be_registered(write: Write) -> None:
    write("defined_elsewhere.py", DEFAULT)
    write("collection.py", "import defined_elsewhere")
    assert keys("collection.py") == ["shared:linear"]


def test_module_without_blueprints() -> None:
    assert error_of(load_blueprints, "math") == (
        "math registers no blueprint, neither in symcount.blueprints nor in a "
        "BlueprintRegistry of its own"
    )


def test_missing_module_of_blueprints() -> None:
    assert error_of(load_blueprints, "torch.nnn") == "no module 'nnn' in torch; did you mean 'nn'?"


def test_seeds() -> None:
    found = {spec.key for spec in seeds()}
    assert {"cnn:attention", "transformer:mlp"} <= found
    assert len(found) >= 16
