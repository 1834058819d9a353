"""The sixteen seed blueprints with the costs that were once written by hand.

    symcount audit examples/tickets.py

compares those constants with the exact counts. The factories are those of symcount's own
blueprints; only the numbers are kept as they were, each fit for one size at most.
"""

from __future__ import annotations

from symcount import BlueprintRegistry
from symcount.blueprints import cnn, transformer

registry = BlueprintRegistry()

registry.register("noop", "cnn", 0)(cnn.create_noop)
registry.register("norm", "cnn", 130)(cnn.create_norm)
registry.register("attention", "cnn", 2_000)(cnn.create_attention)
registry.register("depthwise", "cnn", 4_800)(cnn.create_depthwise)
registry.register("bottleneck", "cnn", 4_500)(cnn.create_bottleneck)
registry.register("conv_small", "cnn", 4_200)(cnn.create_conv_small)
registry.register("conv_light", "cnn", 37_000)(cnn.create_conv_light)
registry.register("conv_heavy", "cnn", 74_000)(cnn.create_conv_heavy)

registry.register("noop", "transformer", 0)(transformer.create_noop)
registry.register("norm", "transformer", 800)(transformer.create_norm)
registry.register("lora", "transformer", 6_000)(transformer.create_lora)
registry.register("lora_large", "transformer", 25_000)(transformer.create_lora_large)
registry.register("attention", "transformer", 591_000)(transformer.create_attention)
registry.register("mlp_small", "transformer", 591_000)(transformer.create_mlp_small)
registry.register("mlp", "transformer", 1_200_000)(transformer.create_mlp)
registry.register("flex_attention", "transformer", 591_000)(transformer.create_flex_attention)
