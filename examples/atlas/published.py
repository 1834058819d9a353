"""How the sources of published counts and sizes are cited."""

from __future__ import annotations


def keras_hub(package: str, preset: str) -> str:
    """A preset of KerasHub, which says how many parameters it has."""
    return f"KerasHub, {package}_presets.py: {preset}"


def card(model: str) -> str:
    """The card of a model, which says it in words or in its name."""
    return f"model card of {model}"


def config_of(model: str) -> str:
    """A checkpoint whose config has these sizes, of which no count was found published."""
    return f"configuration of {model}"


def defaults_of(config: str) -> str:
    """The sizes that a config has by default."""
    return f"defaults of transformers.{config}"
