"""Symbolic shapes: tensors on the meta device, and what each torch operation makes of their sizes.

`mode` is the torch function mode that follows a factory, `bypasses` tells it of the calls that go
past such a mode. The other modules hold the rules: `sizes` and `calls` are what they are written
in, `rules` is how they are registered, and each module from `broadcasting` on contributes its own.
"""
