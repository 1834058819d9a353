"""A folder of factories whose files change, for tests of what is noticed then."""

from __future__ import annotations

import importlib
import json
import linecache
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from click.testing import CliRunner, Result

import symcount
from symcount.catalogue.targets import resolve
from symcount.cli import main


class Project:
    """Files in a folder, which is the current one; modules are loaded anew after each change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, **texts: str) -> None:
        for name, text in texts.items():
            (self.folder / f"{name}.py").write_text(dedent(text).lstrip())
        self.forget()

    def edit(self, old: str, new: str, file: str = "models.py") -> int:
        """Replace a text that is there once; the line that it is in."""
        path = self.folder / file
        text = path.read_text()
        assert text.count(old) == 1, (old, text)
        path.write_text(text.replace(old, new))
        self.forget()
        return text[: text.index(old)].count("\n") + 1

    def forget(self) -> None:
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if isinstance(file, str) and Path(file).is_relative_to(self.folder):
                del sys.modules[name]
        importlib.invalidate_caches()
        linecache.checkcache()

    def save(self, *names: str, file: str = "formulas.json", **given: Any) -> None:
        """Derive factories of `models.py`, and store their formulas."""
        formulas = {n: symcount.derive(resolve(f"models.py:{n}").factory, **given) for n in names}
        symcount.save(self.folder / file, formulas)

    def check(self, *arguments: str) -> Result:
        self.forget()
        return CliRunner().invoke(main, ["check", *arguments])

    def findings(self, *arguments: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.check(*arguments, "--json").stdout)
        return found


@contextmanager
def project(folder: Path) -> Iterator[Project]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "path", list(sys.path))
        # files of one size may be written within one tick of the clock
        patch.setattr(sys, "dont_write_bytecode", True)
        found = Project(folder)
        yield found
        found.forget()
