"""A project's registry of blueprints and the modules that fill it, on symcount's registry."""

from __future__ import annotations

from symcount import BlueprintRegistry

blueprints = BlueprintRegistry(reference_dim={"cnn": 64, "transformer": 384})
for _topology in ("cnn", "transformer"):
    blueprints.loads(_topology, f"{__name__}.{_topology}")
