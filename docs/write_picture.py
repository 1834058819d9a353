"""Write the picture of the README and the first page: a factory, and what symcount says of it.

    python docs/write_picture.py

All that it shows is derived when it is written, so `tests/test_site.py` notices when it is stale.
"""

from __future__ import annotations

import html
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import symcount

PICTURE = Path(__file__).resolve().parent / "_static" / "symcount.svg"
WIDTH, MARGIN, LINE = 660, 24, 24
KEYWORDS = "def|return|if|raise|for|in"
STYLE = """
  text { font: 15px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
    fill: #1b1f24; white-space: pre; }
  .ground { fill: #ffffff; stroke: #d5d9de; } .result { fill: #eef4ff; }
  .keyword { fill: #8250df; } .quiet { fill: #59636e; } .formula { font-size: 21px; }
  .number { fill: #1f5fbf; font-weight: bold; } .arrow { stroke: #1f5fbf; fill: none; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e7eaee; } .ground { fill: #14171b; stroke: #363d45; } .result { fill: #1a2433; }
    .keyword { fill: #c8a6ff; } .quiet { fill: #a9b2bc; } .number { fill: #7db1ff; }
    .arrow { stroke: #7db1ff; }
  }
"""


def encoder(dim, depth, heads=8):
    layer = nn.TransformerEncoderLayer(dim, heads, 4 * dim)
    return nn.TransformerEncoder(layer, depth)


def svg() -> str:
    """The picture as the text of a file."""
    count = symcount.derive(encoder)
    points = len(count.certificate.points)
    code = [*inspect.getsource(encoder).splitlines(), "", "count = symcount.derive(encoder)"]
    (condition,) = conditions(count)
    said = [
        (f"count = {typeset(str(count))}", "formula"),
        (f"for all sizes where {condition}", "quiet"),
        (
            f"{count.certificate.grade}: every path followed; {points} modules built, and equal",
            "quiet",
        ),
        ("", ""),
        (row("count(dim=768, depth=12)", f"{count(dim=768, depth=12):,}"), ""),
        (row('count.solve("dim", "7B", depth=32)', f"{count.solve('dim', '7B', depth=32):,}"), ""),
        (row("count(dim=100, depth=12)", refusal(count, dim=100, depth=12)), ""),
    ]
    below = 2 * MARGIN + LINE * len(code)
    height = below + LINE * len(said) + 2 * MARGIN
    parts = [
        f'<rect class="ground" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="10"/>',
        *lines([(highlighted(text), "") for text in code], MARGIN),
        f'<rect class="result" x="1" y="{below}" width="{WIDTH - 2}" height="{height - below - 1}" '
        'rx="9"/>',
        *lines(said, below + MARGIN - 4),
    ]
    title = f"A factory of encoders, and its parameter count: {count}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" role="img" aria-labelledby="title">',
            f'<title id="title">{html.escape(title)}</title>',
            f"<style>{STYLE}</style>",
            *parts,
            "</svg>",
            "",
        ]
    )


def lines(said: list[tuple[str, str]], top: int) -> Iterator[str]:
    for place, (markup, kind) in enumerate(said, 1):
        if markup:
            of = f' class="{kind}"' if kind else ""
            yield f'<text x="{MARGIN}" y="{top + LINE * place}"{of}>{markup}</text>'


def highlighted(code: str) -> str:
    return re.sub(rf"\b({KEYWORDS})\b", r'<tspan class="keyword">\1</tspan>', html.escape(code))


def typeset(formula: str) -> str:
    """A polynomial with raised exponents, and a dot for a product."""
    raised = '<tspan dy="-7" font-size="14">\\1</tspan><tspan dy="7">\u200b</tspan>'
    return re.sub(r"\*\*(\d+)", raised, formula).replace("*", "\N{DOT OPERATOR}")


def conditions(count: symcount.ParamCount) -> Iterator[str]:
    """The conditions of the domain in words."""
    for number, divisor in re.findall(r"Eq\(Mod\((\w+), (\w+)\), 0\)", str(count.domain)):
        yield f"{number} is a multiple of {divisor}"


def row(asked: str, answer: str) -> str:
    return f'{html.escape(f"{asked:<37}")}<tspan class="number">{answer}</tspan>'


def refusal(count: symcount.ParamCount, **sizes: int) -> str:
    """What a formula says at sizes outside the domain, in short."""
    try:
        return str(count(**sizes))
    except symcount.DomainError as error:
        (nearest,) = re.findall(r"Nearest valid values:\s(\w+=\d+ or \d+)", str(error))
        return f"error: nearest is {nearest}"


if __name__ == "__main__":
    PICTURE.write_text(svg())
