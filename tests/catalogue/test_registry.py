"""The registry: derived formulas in the place of declared constants."""

from __future__ import annotations

import dataclasses
import re
import sys

import pytest
from torch import nn

import symcount
from symcount import BlueprintRegistry, BlueprintSpec


@pytest.fixture
def registry() -> BlueprintRegistry:
    return BlueprintRegistry()


def linear(dim: int, *, rank: int = 4, bias: bool = True) -> nn.Module:
    return nn.Linear(dim, rank, bias=bias)


def test_register_derives_and_returns_the_factory_unchanged(registry) -> None:
    assert registry.register("linear", "mlp", param_estimate=300, description="d")(linear) is linear
    spec = registry.get("mlp", "linear")
    assert str(spec.param_count) == "dim*rank + rank"
    assert (spec.param_estimate, spec.declared_estimate) == (260, 300)
    assert (spec.key, spec.description) == ("mlp:linear", "d")
    assert spec.actual_param_count(10) == 44
    assert spec.actual_param_count(10, rank=2) == 22


def test_a_keyword_that_is_no_symbol_derives_another_formula_once(registry, monkeypatch) -> None:
    registry.register("linear", "mlp")(linear)
    spec = registry.get("mlp", "linear")
    assert spec.actual_param_count(10, bias=False) == 40
    assert spec.actual_param_count(10, bias=False, rank=2) == 20
    monkeypatch.setattr("symcount.derivation.pipeline.derive", None)
    assert spec.actual_param_count(11, bias=False) == 44


def test_an_unknown_keyword_is_an_error(registry) -> None:
    registry.register("linear", "mlp")(linear)
    with pytest.raises(symcount.ArgumentError, match="linear has no parameter 'depth'"):
        registry.get("mlp", "linear").actual_param_count(10, depth=3)


def test_counting_builds_nothing(registry) -> None:
    built = []

    @registry.register("counted", "mlp")
    def counted(dim: int) -> nn.Module:
        built.append(1)
        return nn.Linear(dim, dim)

    built.clear()
    assert registry.get("mlp", "counted").actual_param_count(1 << 40) == (1 << 80) + (1 << 40)
    assert not built


def test_specs_are_frozen_and_slotted(registry) -> None:
    spec = BlueprintSpec("linear", "mlp", linear)
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.name = "other"
    assert not hasattr(spec, "__dict__")


def test_duplicates_are_refused_and_lose_nothing(registry) -> None:
    registry.register("linear", "mlp")(linear)
    with pytest.raises(ValueError, match=re.escape("mlp:linear is already registered, by linear")):
        registry.register("linear", "mlp")(nn.LayerNorm)
    assert registry.get("mlp", "linear").factory is linear


def test_a_module_may_be_loaded_again(registry, tmp_path, monkeypatch) -> None:
    path = tmp_path / "loaded_again.py"
    path.write_text(
        "from torch import nn\nfrom symcount import blueprints\n"
        "def line(dim):\n    return nn.Linear(dim, 1)\n"
    )
    spaces: list[dict[str, object]] = [{}, {}]
    for space in spaces:
        exec(compile(path.read_text(), str(path), "exec"), space)
        registry.register("line", "mlp", 5)(space["line"])
    assert registry.get("mlp", "line").factory is spaces[1]["line"]
    for _ in range(2):
        if "mlp:made" in registry:
            with pytest.raises(symcount.DuplicateError):
                registry.register("made", "mlp")(lambda dim: nn.Linear(dim, 2))
        else:
            registry.register("made", "mlp")(lambda dim: nn.Linear(dim, 2))


def test_what_cannot_be_derived_fails_at_registration(registry) -> None:
    def broken(dim: int) -> nn.Module:
        raise RuntimeError("broken")

    with pytest.raises(symcount.FactoryError, match="RuntimeError: broken"):
        registry.register("broken", "mlp")(broken)
    assert len(registry) == 0
    registry.register("broken", "mlp", on_error="defer")(broken)
    assert ("mlp", "broken") in registry and "mlp:broken" in registry
    with pytest.raises(symcount.FactoryError, match="RuntimeError: broken"):
        _ = registry.get("mlp", "broken").param_count
    with pytest.raises(symcount.ArgumentError, match="on_error='ignore'"):
        registry.register("x", "mlp", on_error="ignore")


def test_listing_sorts_by_count_at_a_size_then_name(registry) -> None:
    registry.register("b_square", "t")(lambda dim: nn.Linear(dim, dim, bias=False))
    registry.register("a_square", "t")(lambda dim: nn.Linear(dim, dim, bias=False))
    registry.register("line", "t")(lambda dim: nn.Linear(dim, 100, bias=False))

    @registry.register("even", "t")
    def even(dim: int) -> nn.Module:
        if dim % 2:
            raise ValueError("odd")
        return nn.Identity()

    def names(dim: int | None = None) -> list[str]:
        return [s.name for s in registry.list_for_topology("t", dim)]

    assert names() == ["even", "a_square", "b_square", "line"]
    assert names(128) == ["even", "line", "a_square", "b_square"]
    assert names(3) == ["a_square", "b_square", "line", "even"]
    assert registry.list_for_topology("nowhere") == []


def test_the_reference_size_is_the_registrys_own() -> None:
    registry = BlueprintRegistry(reference_dim=10)
    registry.register("linear", "mlp")(linear)
    assert registry.get("mlp", "linear").param_estimate == 44


def test_create_get_and_unregister(registry) -> None:
    registry.register("linear", "mlp")(linear)
    assert registry.create("mlp", "linear", 3, rank=2).weight.shape == (2, 3)
    with pytest.raises(LookupError, match="Unknown blueprint mlp:conv; mlp has: linear"):
        registry.create("mlp", "conv", 3)
    with pytest.raises(ValueError, match="topologies with blueprints: mlp"):
        registry.get("cnn", "linear")
    registry.unregister("mlp", "linear")
    with pytest.raises(symcount.TargetError):
        registry.unregister("mlp", "linear")
    assert list(registry) == [] and registry.topologies() == []


def test_in_a_terminal_a_registry_says_what_is_in_it(registry) -> None:
    pretty = pytest.importorskip("IPython.lib.pretty").pretty
    assert pretty(registry) == "BlueprintRegistry: no blueprints"
    registry.register("linear", "mlp")(linear)
    registry.register("later", "mlp", on_error="defer")(linear)
    assert pretty(registry) == "BlueprintRegistry: mlp:linear, mlp:later"
    assert pretty(registry.get("mlp", "linear")) == "mlp:linear: dim*rank + rank"
    assert pretty(registry.get("mlp", "later")) == "mlp:later: not derived yet"


TICKETS_FILE = """
from symcount import blueprints as BlueprintRegistry
from torch import nn


@BlueprintRegistry.register("norm_of_tickets", "cnn", param_estimate=130, description="GroupNorm")
def create_norm(dim: int, **kwargs) -> nn.Module:
    return nn.GroupNorm(1, dim)


@BlueprintRegistry.register("mlp_of_tickets", "cnn", param_estimate=4500)
def create_mlp(dim: int, expansion: int = 2, **kwargs) -> nn.Module:
    return nn.Linear(dim, expansion * dim)
"""


def test_a_file_written_for_the_tickets_registry_works(tmp_path, monkeypatch) -> None:
    from symcount import blueprints

    (tmp_path / "written_for_tickets.py").write_text(TICKETS_FILE)
    monkeypatch.syspath_prepend(tmp_path)
    import written_for_tickets

    try:
        assert isinstance(blueprints, BlueprintRegistry)
        spec = blueprints.get("cnn", "norm_of_tickets")
        assert (spec.param_estimate, spec.declared_estimate) == (128, 130)
        assert spec.factory is written_for_tickets.create_norm
        assert blueprints.get("cnn", "mlp_of_tickets").actual_param_count(8, expansion=3) == 216
    finally:
        for name in ("norm_of_tickets", "mlp_of_tickets"):
            blueprints.unregister("cnn", name)
        sys.modules.pop("written_for_tickets")


# --- sizes, loaders, estimates ----------------------------------------------------------------


def test_a_reference_size_for_each_topology_and_for_a_blueprint() -> None:
    registry = BlueprintRegistry(reference_dim={"cnn": 64, "transformer": 384})
    for topology in ("cnn", "transformer", "other"):
        registry.register("linear", topology)(linear)
    registry.register("wide", "cnn", reference_dim=1000)(linear)
    assert [spec.reference_dim for spec in registry] == [64, 384, 64, 1000]
    assert registry.get("transformer", "linear").param_estimate == 4 * 384 + 4
    assert registry.get("cnn", "wide").param_estimate == 4004


@pytest.mark.parametrize(("given", "kept"), [(7, 7), (2e3, 2000), (2.5, 2.5), (None, None)])
def test_an_estimate_is_a_number(registry, given, kept) -> None:
    registry.register("linear", "mlp", given)(linear)
    declared = registry.get("mlp", "linear").declared_estimate
    assert declared == kept and type(declared) is type(kept)


@pytest.mark.parametrize("given", ["2000", True, float("nan"), float("inf"), [1], 1j])
def test_what_is_no_number_is_no_estimate(registry, given) -> None:
    with pytest.raises(symcount.ArgumentError, match="an estimate is a number, or None"):
        registry.register("linear", "mlp", given)(linear)
    assert len(registry) == 0


def test_a_loader_is_called_once_when_its_topology_is_asked_for(registry) -> None:
    called = []

    def load() -> None:
        called.append(1)
        registry.register("linear", "mlp")(linear)
        assert ("mlp", "linear") in registry  # which asks for the topology

    registry.loads("mlp", load)
    registry.register("other", "cnn")(linear)
    assert registry.get("cnn", "other") and registry.topologies() == ["cnn", "mlp"]
    assert not called
    assert [spec.name for spec in registry.list_for_topology("mlp")] == ["linear"]
    assert "mlp:linear" in registry and len(registry) == 2
    assert called == [1]


def test_what_a_loader_raises_is_kept_and_nothing_else(registry) -> None:
    called = []

    def load() -> None:
        called.append(1)
        registry.register("linear", "mlp")(linear)
        raise OSError("no driver")

    registry.loads("mlp", load)
    for _ in range(2):
        with pytest.raises(ImportError, match="blueprints of mlp cannot be loaded by ") as caught:
            registry.get("mlp", "linear")
        assert isinstance(caught.value, symcount.LoadError)
        assert isinstance(caught.value.__cause__, OSError) and "no driver" in str(caught.value)
    assert called == [1]
    registry.register("other", "cnn")(linear)
    assert registry.get("cnn", "other").name == "other"
    registry.loads("mlp", lambda: registry.register("linear", "mlp")(linear))
    assert [spec.key for spec in registry] == ["cnn:other", "mlp:linear"]


def test_an_interrupted_loader_is_called_again(registry) -> None:
    def load() -> None:
        registry.register("linear", "mlp")(linear)
        registry.loads("mlp", lambda: registry.register("linear", "mlp")(linear))
        raise KeyboardInterrupt

    registry.loads("mlp", load)
    with pytest.raises(KeyboardInterrupt):
        registry.get("mlp", "linear")
    assert registry.get("mlp", "linear").name == "linear"


def test_a_loader_is_a_name_or_a_function(registry) -> None:
    for source in ("", None, 3):
        with pytest.raises(symcount.ArgumentError, match="name a module, or give a function"):
            registry.loads("mlp", source)
