"""All that is written in LaTeX compiles, and no line of it is longer than the text."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from torch import nn

import symcount
from examples.atlas import STORED
from symcount.catalogue.registry import known_entry
from symcount.catalogue.targets import seeds
from symcount.export.documents import latex as document

# TeX lets a line be longer by as much before anybody sees it.
MOST_POINTS = 1.0
SECONDS = 120
# What pages of Sphinx are set with, beside what comes with `texlive-latex-recommended`.
PACKAGES_OF_SPHINX = ("tabulary.sty", "titlesec.sty", "wrapfig.sty", "needspace.sty")

needs_latex = pytest.mark.skipif(
    shutil.which("pdflatex") is None,
    reason="there is no pdflatex here: install Debian's `texlive-latex-recommended`",
)


def typeset(file: Path) -> str:
    """What pdflatex says of a document; that it is broken, or too wide, fails."""
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", file.name]
    done = subprocess.run(
        command, cwd=file.parent, capture_output=True, text=True, timeout=SECONDS, errors="replace"
    )
    assert done.returncode == 0, done.stdout[-2000:]
    log = file.with_suffix(".log").read_text(errors="replace")
    too_wide = re.findall(r"Overfull \\hbox \((\d+\.\d+)pt too wide\).*(?:\n.*){3}", log)
    assert [points for points in too_wide if float(points) > MOST_POINTS] == [], re.findall(
        r"Overfull(?:.*\n){4}", log
    )
    return log


def branching(hidden_size, num_attention_heads=8):
    if hidden_size % num_attention_heads:
        raise ValueError(hidden_size)
    if hidden_size > 4096:
        return nn.Linear(hidden_size, hidden_size // num_attention_heads)
    return nn.Linear(hidden_size, min(hidden_size, 1024) + num_attention_heads)


@pytest.fixture(scope="module")
def written() -> str:
    """The formulas of the atlas, the thirteen families among them, and of the package, each way."""
    stored = symcount.load(STORED)
    counts = {name: stored[name] for name in stored} | {
        spec.key: spec.param_count for spec in seeds()
    }
    counts["50% of $x_1 & {more} ~^\\"] = symcount.derive(branching)
    parts = [count.export("latex", title=name) for name, count in counts.items()]
    parts += [rf"\noindent {count._repr_latex_()}" + "\n" for count in counts.values()]
    parts += [rf"\sbox0{{${count:latex}$}}" for count in counts.values()]  # as long as it is
    return "\n".join([*parts, document.render_registry(map(known_entry, seeds()))])


@needs_latex
@pytest.mark.parametrize("size", ["10pt", "12pt"])
def test_every_formula_compiles_within_the_text(tmp_path: Path, written: str, size: str) -> None:
    file = tmp_path / "formulas.tex"
    file.write_text(
        "\n".join(
            [
                rf"\documentclass[{size}]{{article}}",
                r"\usepackage{amsmath,booktabs}",
                r"\begin{document}",
                written,
                r"\end{document}",
                "",
            ]
        )
    )
    typeset(file)
    assert file.with_suffix(".pdf").stat().st_size > 50_000
