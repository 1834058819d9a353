"""Every notebook runs from a clean kernel, and is saved with the outputs of such a run."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
SECONDS_PER_CELL = 300

each_notebook = pytest.mark.parametrize(
    "path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.name
)


def read_notebook(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


@each_notebook
def test_notebook_runs_from_a_clean_kernel(path: Path) -> None:
    client = NotebookClient(
        read_notebook(path),
        timeout=SECONDS_PER_CELL,
        kernel_name="python3",
        resources={"metadata": {"path": str(NOTEBOOKS)}},
    )
    client.execute()


@each_notebook
def test_notebook_is_saved_with_its_outputs(path: Path) -> None:
    cells = [
        cell
        for cell in read_notebook(path).cells
        if cell.cell_type == "code" and cell.source.strip()
    ]
    outputs = [output for cell in cells for output in cell.outputs]
    assert outputs, f"{path.name} holds no outputs: run it and save it again"
    assert not [output for output in outputs if output.output_type == "error"]
    counts = [cell.execution_count for cell in cells]
    assert counts == list(range(1, len(cells) + 1)), (
        f"{path.name} was not run once from top to bottom: its cells are numbered {counts}"
    )
