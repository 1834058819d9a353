"""Every notebook runs from a clean kernel, and is saved with the outputs of such a run."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from notebooks.save import executed, notebooks, read, tidied

NOTEBOOKS = notebooks()
LARGEST = 1_500_000
# What a machine or a run would leave behind, and what nobody else's would have.
ELSEWHERE = re.compile(r"site-packages|ipykernel_\d|/home/|/tmp/|\bat 0x[0-9a-f]+")

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]


def said(cell: nbformat.NotebookNode) -> list[object]:
    """The outputs of a cell but for pictures, of which it says that they are there."""
    found: list[object] = []
    for output in cell.outputs:
        if output.output_type == "stream":
            if output.name == "stdout":  # a first run may tell of caches that it builds
                found.append(output.text)
        elif output.output_type != "error":
            data = dict(output.data)
            found.append({k: k if k == "image/png" else v for k, v in sorted(data.items())})
    return found


def pictures(notebook: nbformat.NotebookNode) -> int:
    return sum("'image/png': 'image/png'" in str(said(cell)) for cell in code_cells(notebook))


def test_there_are_four() -> None:
    assert [path.name for path in NOTEBOOKS] == [
        "1-first-formula.ipynb",
        "2-reading-a-model.ipynb",
        "3-budgets.ipynb",
        "4-auditing-estimates.ipynb",
    ]


@each_notebook
def test_a_run_from_a_clean_kernel_says_what_is_saved(path: Path) -> None:
    saved, fresh = code_cells(read(path)), code_cells(executed(path))
    for number, (before, now) in enumerate(zip(saved, fresh, strict=True), 1):
        assert said(now) == said(before), (
            f"code cell {number} of {path.name} says something else than is saved: "
            "read what, and save it with `make notebooks`"
        )


@each_notebook
def test_it_is_saved_as_one_run_left_it(path: Path) -> None:
    notebook = read(path)
    cells = code_cells(notebook)
    counts = [cell.execution_count for cell in cells]
    assert counts == list(range(1, len(cells) + 1)), (
        f"{path.name} was not run once from top to bottom: its cells are numbered {counts}"
    )
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    assert pictures(notebook) >= 2
    assert notebook == tidied(read(path)), f"save {path.name} with `make notebooks`"


@each_notebook
def test_it_is_small_and_tells_of_no_machine(path: Path) -> None:
    assert path.stat().st_size < LARGEST
    notebook = read(path)
    texts = [cell.source for cell in notebook.cells]
    texts += [str(said(cell)) for cell in code_cells(notebook)]
    assert not [found for text in texts if (found := ELSEWHERE.search(text))]


@each_notebook
def test_it_asks_at_the_top_concludes_and_leads_on(path: Path) -> None:
    first, *_, last = (c.source for c in read(path).cells if c.cell_type == "markdown")
    assert re.search(r"^\*\*.*\?", first, re.MULTILINE), "a question in bold"
    assert "## What we have seen" in last
    place = NOTEBOOKS.index(path) + 1
    leads_to = NOTEBOOKS[place].name if place < len(NOTEBOOKS) else "tutorial"
    assert leads_to in last
