"""Write the table of the module classes of `torch.nn`, each derived anew."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Set
from pathlib import Path

import sympy
import torch

from examples.layers import CLASSES, LAYERS, WRAPPERS, is_lazy
from symcount import ParamCount
from symcount.storage import atomic

PAGE = Path(__file__).resolve().parent / "torch_nn.md"
FIRST = "% torch "
HEAD = f"""\
# The layers of `torch.nn`

Every module class of `torch.nn` as torch {torch.__version__.partition("+")[0]} has it: what
`symcount.derive` makes of the class, given what Python itself needs and nothing else. All sizes are
symbols; flags, floats and sizes that are zero by default stay what they are. Each formula is
compared in the tests with modules that are built at twenty random sizes.

```pycon
>>> import symcount
>>> from torch import nn
>>> print(symcount.derive(nn.Conv2d, dilation=1, stride=1))
out_channels + in_channels*kernel_size**2*out_channels/groups

```
"""


def write() -> None:
    """Write the page, unless it is there for this version of torch."""
    first = f"{FIRST}{torch.__version__}\n"
    if not (PAGE.exists() and PAGE.read_text().startswith(first)):
        atomic.replace(PAGE, first + "\n".join(lines()))


def lines() -> Iterator[str]:
    counts = {layer.cls: layer.count for layer in LAYERS}
    empty = {cls for cls, count in counts.items() if count.expr == 0}
    yield HEAD
    yield "## With parameters\n"
    yield from table(counts, set(counts) - empty)
    yield "\n`AdaptiveLogSoftmaxWithLoss` looks its cutoffs up in a set: that is tried, not proved."
    yield "What wraps other modules is built around them like this:\n"
    for factory in WRAPPERS.values():
        yield f"```python\n{inspect.getsource(factory)}```\n"
    yield "## Without parameters\n"
    yield from table(counts, empty)
    yield "\n## Lazy layers\n"
    lazy = ", ".join(f"`{cls.__name__}`" for cls in CLASSES if is_lazy(cls))
    yield f"{lazy} are refused: their shapes are known only after a first forward pass."


def table(counts: Mapping[type, ParamCount], shown: Set[type]) -> Iterator[str]:
    yield "| class | parameters, and the domain | grade |"
    yield "| --- | --- | --- |"
    for cls, count in counts.items():
        if cls in shown:
            everywhere = count.domain == sympy.true
            domain = "" if everywhere else f"<br>where `{count.domain}`".replace("|", "\\|")
            yield f"| `{cls.__name__}` | `{count}`{domain} | {count.certificate.grade} |"


if __name__ == "__main__":
    write()
