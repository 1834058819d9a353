"""The default registry, which is also the package of the seed blueprints.

`from symcount import blueprints` gives a `BlueprintRegistry`: this very package, whose module
object is an instance of both. It is empty until something registers blueprints in it; importing
`symcount.blueprints.cnn` or `symcount.blueprints.transformer` registers the seeds.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

from symcount.catalogue.registry import BlueprintRegistry, BlueprintSpec

__all__ = ["BlueprintRegistry", "BlueprintSpec"]


class _DefaultRegistry(BlueprintRegistry, ModuleType):
    """A module that is a registry."""


_module = sys.modules[__name__]
_module.__class__ = _DefaultRegistry
# The sizes at which the seeds were once counted by hand.
BlueprintRegistry.__init__(_module, {"cnn": 64, "transformer": 384})  # type: ignore[arg-type]

if TYPE_CHECKING:
    _default = BlueprintRegistry()
    register = _default.register
    get = _default.get
    create = _default.create
    unregister = _default.unregister
    topologies = _default.topologies
    list_for_topology = _default.list_for_topology
    reference_dim = _default.reference_dim
