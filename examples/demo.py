"""What symcount does, in three acts; `make demo` runs it.

The seed blueprints with their derived formulas; an audit of the constants that were once written
by hand for them; and language models of transformers, their formulas against published totals.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # for `examples`, wherever this is run

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from examples import families, tickets
from examples.families import PublishedSize
from symcount.catalogue.audit import audit
from symcount.catalogue.targets import seeds
from symcount.cli import views
from symcount.cli.audit_view import audit_view

FAMILIES = (families.gpt2, families.llama, families.bert)


def main() -> int:
    show_title("1. Blueprints: each formula derived from the factory that builds the module")
    views.show(views.registry_view(seeds(), sizes=(64, 512)))
    show_title("2. The same blueprints, with the costs once written by hand")
    views.show(audit_view(audit(tickets.registry)))
    show_title("3. Language models of transformers, against published totals")
    if find_spec("transformers") is None:
        print("transformers is not installed: pip install 'symcount[zoo]'")
        return 0
    return show_models([size for size in families.PUBLISHED if size.family in FAMILIES])


def show_title(title: str) -> None:
    views.show(Text(f"\n{title}", style="bold magenta"))


def show_models(sizes: Iterable[PublishedSize]) -> int:
    """Derive each family, all of its sizes symbolic; 1 if a total differs."""
    from transformers import logging

    logging.set_verbosity_error()
    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    table.add_column("model, its formula", overflow="fold")
    table.add_column("published", justify="right")
    table.add_column("formula", justify="right")
    table.add_column("")
    equal = True
    for size in sizes:
        count = families.derived(size)
        total = count(**size.symbolic)
        equal &= size.is_total(total)
        mark = Text("✓", style="green") if size.is_total(total) else Text("✗", style="bold red")
        table.add_row(Text(size.name, style="bold"), f"{size.total:,}", f"{total:,}", mark)
        table.add_row(Text(str(count), style="cyan"), end_section=True)
    views.show(table)
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
