"""Run notebooks from clean kernels, and save them with their outputs.

    python notebooks/save.py [NAME ...]

Saving again gives the same file, but for the bytes of pictures: cells are numbered, and
what tells of the time or of the machine is left out.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent
SECONDS_PER_CELL = 300


def notebooks() -> list[Path]:
    return sorted(FOLDER.glob("*.ipynb"))


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def executed(path: Path) -> nbformat.NotebookNode:
    """The notebook after a run of all of its cells."""
    notebook = read(path)
    NotebookClient(
        notebook,
        timeout=SECONDS_PER_CELL,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(FOLDER)}},
    ).execute()
    return tidied(notebook)


def tidied(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook without what differs from run to run, or from machine to machine."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": kernel, "language_info": {"name": "python"}}
    )
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02}"
        cell.metadata = nbformat.from_dict({})
    return notebook


def main(names: list[str]) -> None:
    for path in notebooks():
        if not names or any(name in path.name for name in names):
            print(path.name)
            nbformat.write(executed(path), path)


if __name__ == "__main__":
    main(sys.argv[1:])
