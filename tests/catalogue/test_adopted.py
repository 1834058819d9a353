"""A registry of a project's own, moved to symcount by its import: what its users rely on."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator

import pytest
from torch import nn

import symcount
from symcount import BlueprintRegistry
from symcount.catalogue.audit import audit
from tests.catalogue.adopted import blueprints


@pytest.fixture
def own() -> Iterator[BlueprintRegistry]:
    """Blueprints of a test's own, gone afterwards."""
    before = [spec.key for spec in blueprints]
    yield blueprints
    for spec in blueprints:
        if spec.key not in before:
            blueprints.unregister(spec.topology, spec.name)


def built(spec: symcount.BlueprintSpec, dim: int, **kwargs: int) -> int:
    return sum(p.numel() for p in spec.factory(dim, **kwargs).parameters())


def test_a_topology_is_loaded_when_it_is_first_asked_for() -> None:
    code = (
        "import sys; from tests.catalogue.adopted import blueprints as b; "
        "print(b.topologies(), 'tests.catalogue.adopted.cnn' in sys.modules); "
        "b.get('cnn', 'norm'); print('tests.catalogue.adopted.cnn' in sys.modules, "
        "'tests.catalogue.adopted.transformer' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "['cnn', 'transformer'] False\nTrue False\n"


@pytest.mark.parametrize("topology", ["cnn", "transformer"])
def test_counts_are_those_of_built_modules(topology: str) -> None:
    for spec in blueprints.list_for_topology(topology):
        for dim in (16, 64, 384):
            assert spec.actual_param_count(dim) == built(spec, dim), spec.key


def test_estimates_are_the_counts_at_the_reference_size_of_the_topology() -> None:
    assert blueprints.get("cnn", "excite").param_estimate == 2 * 64 * 16
    assert blueprints.get("transformer", "lora").param_estimate == 2 * 384 * 8
    assert blueprints.get("transformer", "norm").param_estimate == 768


def test_blueprints_are_listed_from_the_cheapest_at_that_size() -> None:
    for topology in ("cnn", "transformer"):
        costs = [spec.param_estimate for spec in blueprints.list_for_topology(topology)]
        assert costs == sorted(costs) and len(costs) == 4


def test_options_are_handed_to_the_factory() -> None:
    spec = blueprints.get("transformer", "lora")
    assert spec.actual_param_count(384, rank=32) == built(spec, 384, rank=32)
    module = blueprints.create("transformer", "lora", 16, rank=3)
    assert isinstance(module, nn.Module) and module.down.out_features == 3


def test_a_name_is_taken_once(own: BlueprintRegistry) -> None:
    own.register("mine", "cnn", param_estimate=5)(lambda dim: nn.Linear(dim, 1))
    with pytest.raises(ValueError, match="cnn:mine is already registered"):
        own.register("mine", "cnn", param_estimate=6)(lambda dim: nn.Linear(dim, 2))
    own.register("mine", "transformer", param_estimate=6)(lambda dim: nn.Linear(dim, 2))


def test_an_unknown_name_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="Unknown blueprint cnn:nothing; cnn has: conv, excite"):
        blueprints.get("cnn", "nothing")


def test_what_is_unregistered_is_gone(own: BlueprintRegistry) -> None:
    own.register("mine", "cnn", param_estimate=5)(lambda dim: nn.Linear(dim, 1))
    assert "cnn:mine" in own
    own.unregister("cnn", "mine")
    assert "cnn:mine" not in own
    with pytest.raises(ValueError, match="Unknown blueprint cnn:mine"):
        own.create("cnn", "mine", 8)


def test_the_audit_looks_at_the_reference_sizes() -> None:
    found = audit(blueprints)
    assert {64, 384} <= set(found.sizes)
    worst = found.findings[0]
    assert (worst.spec.key, worst.declared) == ("transformer:attention", 10)
    exact = next(f for f in found.findings if f.spec.key == "transformer:lora")
    assert [r.times_off for r in exact.readings if r.size == 384] == [1.0]


def test_importing_the_modules_again_registers_nothing_twice() -> None:
    count = len(blueprints)
    importlib.import_module("tests.catalogue.adopted.cnn")
    assert len(blueprints) == count
