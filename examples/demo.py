"""What symcount does, in three acts; `make demo` runs it.

The seed blueprints with their derived formulas; the constants that were once declared for them,
audited; and language models built by transformers, their formulas against published totals.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

sys.path.insert(0, str(Path(__file__).parent.parent))  # `examples`, wherever this is run from

import symcount
from examples import families, tickets
from examples.families import PublishedSize
from symcount.audit import audit
from symcount.export import terminal
from symcount.targets import seeds

FAMILIES = (families.gpt2, families.llama, families.bert)


def show_title(number: int, title: str) -> None:
    terminal.show(Text(f"\n{number}. {title}\n", style="bold magenta"))


def show_families() -> None:
    sizes = [size for size in families.PUBLISHED if size.family in FAMILIES]
    table = Table(box=SIMPLE_HEAD)
