"""The version of symcount."""

__version__ = "0.1.0"
