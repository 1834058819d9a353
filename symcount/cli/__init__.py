"""The command line: `symcount`, and `python -m symcount`."""

from symcount.cli.commands import main

__all__ = ["main"]
