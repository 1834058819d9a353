"""All that is written in LaTeX compiles, and no line of it is longer than the text."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
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


MODELS = """\
from torch import nn
from symcount import BlueprintRegistry

registry = BlueprintRegistry()


@registry.register("feed_forward", "mlp", description="with names that are long")
def mlp(hidden_size: int, intermediate_size: int = 4, num_hidden_layers: int = 3):
    return nn.Sequential(*(
        nn.Sequential(
            nn.Linear(hidden_size, intermediate_size), nn.Linear(intermediate_size, hidden_size)
        )
        for _ in range(num_hidden_layers)
    ))


@registry.register("branching", "mlp")
def branching(hidden_size, num_attention_heads=8):
    if hidden_size % num_attention_heads:
        raise ValueError(hidden_size)
    return nn.Linear(
        hidden_size, hidden_size // num_attention_heads if hidden_size > 4096 else 3
    )


def attention(hidden_size, num_attention_heads=32, num_key_value_heads=32, num_hidden_layers=9):
    head = hidden_size // num_attention_heads
    return nn.ModuleDict({
        "embed_positions": nn.Embedding(2048, hidden_size),
        "layers": nn.ModuleList(
            nn.ModuleDict({
                "query": nn.Linear(hidden_size, num_attention_heads * head + 1),
                "key": nn.Linear(hidden_size, num_key_value_heads * head + 1),
            })
            for _ in range(num_hidden_layers)
        ),
    })
"""
PAGE = """\
Page
====

A line with :symcount:`models.py:attention` in it, and :symcount:`models.py:mlp(hidden_size=8)`

.. symcount:: models.py:mlp
   :breakdown: all
   :at: hidden_size=[512, 1024]
   :symbols: num_hidden_layers(max=80)

.. symcount:: models.py:branching
   :breakdown: all

.. symcount:: models.py:attention
   :breakdown: all
   :at: hidden_size=4096

.. symcount-registry:: models.py
   :at: 64, 512
"""


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


def has_packages(names: tuple[str, ...]) -> bool:
    found = subprocess.run(["kpsewhich", *names], capture_output=True, text=True).stdout
    return len(found.splitlines()) == len(names)


@needs_latex
def test_a_project_of_sphinx_compiles_within_the_text(tmp_path: Path) -> None:
    if not has_packages(PACKAGES_OF_SPHINX):
        pytest.skip("what Sphinx needs is not here: install Debian's `texlive-latex-extra`")
    (tmp_path / "models.py").write_text(MODELS)
    (tmp_path / "index.rst").write_text(PAGE)
    # The fonts of its own choice are in packages that say nothing of formulas.
    fonts = {"fontpkg": "", "fontenc": ""}
    (tmp_path / "conf.py").write_text(
        f"extensions = ['symcount.ext.sphinx']\nlatex_elements = {fonts}\n"
    )
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "latex", ".", "out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    (file,) = (tmp_path / "out").glob("*.tex")
    assert re.findall(r"[≥≤×−·]", file.read_text()) == []
    typeset(file)
