"""Write `families.md`, the page of published families, from the formulas derived now."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

import sympy

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for `examples`

from examples.families import FAMILIES, PUBLISHED, PublishedSize, derived
from symcount import ParamCount, sympy_form

# More parameters than these are shown by module.
MOST_ROWS = 40
NAMES = {
    "gpt2": "GPT-2",
    "bert": "BERT",
    "vit": "ViT",
    "convnext": "ConvNeXt",
    "resnet": "ResNet",
    "efficientnet": "EfficientNet",
    "mobilenet": "MobileNetV2",
}
INTRODUCTION = """\
# Published families

Each of these formulas was derived from the classes of `transformers`, with every size symbolic that
is listed below it, and gives the number of parameters that others published for each size in its
table. `examples/families.py` in the repository holds the factories, and names who published each
number. `{0..n-1}` in the name of a parameter stands for all layers of a loop at once.
"""


def write(path: Path) -> None:
    from transformers import logging

    logging.set_verbosity_error()
    sections = [section(family.__name__, family.__doc__ or "") for family in FAMILIES]
    path.write_text("\n".join([INTRODUCTION, *sections]))


def section(name: str, about: str) -> str:
    sizes = [size for size in PUBLISHED if size.family.__name__ == name]
    lines = [f"## {NAMES.get(name, name.title())}", "", inspect.cleandoc(about), ""]
    for fixed, alike in groupby(sizes, key=lambda size: size.fixed):
        group = list(alike)
        if fixed and len(sizes) > len(group):
            lines += [f"### {', '.join(size.name for size in group)}", ""]
        lines += formula(derived(group[0]), group[0])
        lines += table_of_sizes(group)
    return "\n".join(lines)


def formula(count: ParamCount, size: PublishedSize) -> Iterator[str]:
    fixed = ", ".join(f"`{name}={value}`" for name, value in size.fixed.items())
    yield from ["```text", str(count), "```", "", "$$", multiline(count.expr), "$$", ""]
    yield f"- Symbolic: {', '.join(f'`{symbol}`' for symbol in count.symbols)}"
    if fixed:
        yield f"- Fixed: {fixed}"
    yield f"- Domain: `{sympy_form.text(count.domain)}`"
    yield f"- Certificate: {' '.join(str(count.certificate).split())}"
    yield from ["", "| part | parameters |", "|---|---|"]
    for part, parameters in parts(count):
        yield f"| `{part}` | `{str(parameters).replace('|', chr(92) + '|')}` |"
    yield ""


def multiline(expression: sympy.Expr) -> str:
    """The LaTeX of a sum, one term a line."""
    first, *rest = map(sympy_form.latex, expression.as_ordered_terms())
    signed = [term if term.startswith("-") else f"+ {term}" for term in rest]
    return "\n".join(
        [r"\begin{aligned}", " \\\\\n".join(f"& {t}" for t in [first, *signed]), r"\end{aligned}"]
    )


def parts(count: ParamCount) -> Iterable[tuple[str, ParamCount]]:
    """The parameters, or if there are many the modules that are at most two levels down."""
    breakdown = count.breakdown()
    if len(breakdown.parameters) <= MOST_ROWS:
        return breakdown.parameters.items()
    modules = dict.fromkeys(".".join(name.split(".")[:-1][:2]) for name in breakdown.parameters)
    return [(path, breakdown.modules[path]) for path in modules]


def table_of_sizes(sizes: list[PublishedSize]) -> Iterator[str]:
    names = list(sizes[0].symbolic)
    yield f"| model | {' | '.join(f'`{name}`' for name in names)} | parameters | published by |"
    yield f"|---|{'---|' * len(names)}---:|---|"
    for size in sizes:
        values = " | ".join(str(size.symbolic[name]) for name in names)
        total = derived(size)(**size.symbolic)
        assert total == size.total, size.name
        yield f"| {size.name} | {values} | {total:,} | {size.source} |"
    yield ""


if __name__ == "__main__":
    write(Path(__file__).with_name("families.md"))
