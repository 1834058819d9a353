"""The tutorial, run from top to bottom in an empty folder, as a newcomer does."""

from __future__ import annotations

import doctest
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from symcount.cli import main
from tests.projects import Project, project

TUTORIAL = Path(__file__).parent.parent / "docs" / "tutorial.md"
FENCED = re.compile(r"^(`{3,})(\w+)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"(?:# |<!-- )(\w+\.\w+)(?: -->)?\n")
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def blocks() -> Iterator[tuple[str, str]]:
    """The language and the text of each block of code."""
    for _, language, text in FENCED.findall(TUTORIAL.read_text()):
        yield language, text


def commands(text: str) -> Iterator[tuple[str, str]]:
    """The commands of a block, and what each prints."""
    for each in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, printed = each.partition("\n")
        yield command, printed


def output(command: str) -> str:
    """What a command prints, and its exit code if that is not 0."""
    program, *arguments = shlex.split(command)
    if program == "symcount":
        ran = CliRunner().invoke(main, arguments, prog_name="symcount")
        said, code = ran.output, ran.exit_code
    elif program == "sphinx-build":
        from sphinx.cmd.build import main as build

        said, code = "", build(arguments)
    else:
        assert program in ("sed", "tail")
        done = subprocess.run([program, *arguments], capture_output=True, text=True, check=True)
        said, code = done.stdout, 0
    return f"{said}[exit code {code}]\n" if code else said


def agrees(expected: str, said: str) -> bool:
    return doctest.OutputChecker().check_output(expected, said, OPTIONS)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Project]:
    with project(tmp_path) as found:
        yield found


def test_every_block_does_what_it_says(folder: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(folder.folder)
    names: dict[str, object] = {}
    for language, text in blocks():
        named = FILE.match(text)
        if named is not None:
            is_markdown = language == "md"
            Path(named[1]).write_text(text[named.end() :] if is_markdown else text)
        elif language == "pycon":
            test = doctest.DocTestParser().get_doctest(text, names, "tutorial", None, None)
            ran = doctest.DocTestRunner(optionflags=OPTIONS, verbose=False)
            said: list[str] = []
            ran.run(test, out=said.append, clear_globs=False)
            names |= test.globs
            assert not ran.failures, "".join(said)
        else:
            assert language == "console", f"nothing runs {language}"
            for command, expected in commands(text):
                if not command.startswith("pip install "):
                    folder.forget()
                    said_now = output(command)
                    assert agrees(expected, said_now), f"{command}\n{said_now}"
    page = Path("_site/index.html").read_text()
    assert "<math" in page and "31,531,008" in page
    assert Path("encoder.png").stat().st_size > 5000
    assert "Content-Security-Policy" in Path("encoder.html").read_text()


def test_it_has_ten_tasks_and_names_extras_that_exist() -> None:
    text = TUTORIAL.read_text()
    assert re.findall(r"^## (\d+)\. ", text, re.MULTILINE) == [str(n) for n in range(1, 11)]
    assert [text for language, text in blocks() if "pip" in text]


def test_the_comparison_can_fail() -> None:
    assert agrees("a ... b\n", "a 1 b\n") and not agrees("a ... b\n", "a 1 c\n")
    assert output("symcount show none.json").endswith("[exit code 2]\n")
    (found,) = commands("$ symcount check\nfailed\n[exit code 1]\n")
    assert found == ("symcount check", "failed\n[exit code 1]\n")
