"""What others copy to run symcount by itself: hooks for pre-commit, a workflow for GitHub."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from symcount.cli import main

ROOT = Path(__file__).parent.parent
HOOKS = ROOT / ".pre-commit-hooks.yaml"
WORKFLOW = ROOT / "examples" / "github-actions.yml"

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")


def require_valid(line: str) -> None:
    """A command line of symcount that click can read; nothing is run."""
    program, name, *rest = shlex.split(line)
    assert program == "symcount"
    command = main.commands[name]
    with command.make_context(name, rest) as context:
        assert context.params


def test_a_command_line_can_be_invalid() -> None:
    with pytest.raises(click.ClickException):
        require_valid("symcount check --wrong README.md")


# --- pre-commit -------------------------------------------------------------------------------


def test_the_hooks_are_valid() -> None:
    subprocess.run([sys.executable, "-m", "pre_commit", "validate-manifest", HOOKS], check=True)
    hooks = yaml.safe_load(HOOKS.read_text())
    assert [hook["id"] for hook in hooks] == ["symcount-check", "symcount-write"]
    for hook in hooks:
        assert hook["language"] == "system"  # the project's own modules have to be there
        require_valid(shlex.join([*shlex.split(hook["entry"]), str(ROOT)]))


def git(folder: Path, *arguments: str) -> None:
    quiet = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *quiet, *arguments], cwd=folder, check=True, capture_output=True)


def repository(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "all", "--no-verify")
    return folder


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_hooks_run(tmp_path: Path) -> None:
    hooks = repository(tmp_path / "hooks", {".pre-commit-hooks.yaml": HOOKS.read_text()})
    stale = "It has <!-- symcount: models.py:f at dim=8 -->9<!-- /symcount --> parameters.\n"
    code = "from torch import nn\n\n\ndef f(dim):\n    return nn.Linear(dim, dim, bias=False)\n"
    project = repository(tmp_path / "project", {"README.md": stale, "models.py": code})
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "symcount"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m symcount "$@"\n')
    program.chmod(0o755)
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("GIT_")},
        "PRE_COMMIT_HOME": str(tmp_path / "cache"),
        "PYTHONPATH": str(ROOT),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
    }

    def tried(hook: str) -> Any:
        command = [sys.executable, "-m", "pre_commit", "try-repo", str(hooks), hook, "--all-files"]
        return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)

    result = tried("symcount-check")
    assert result.returncode == 1, result.stdout + result.stderr
    assert "first size: dim=8: 9 there, 64 now" in result.stdout
    result = tried("symcount-write")
    assert result.returncode == 1  # pre-commit fails where files have changed
    assert "files were modified by this hook" in result.stdout
    assert "-->64<!--" in (project / "README.md").read_text()
    git(project, "add", ".")
    assert tried("symcount-check").returncode == 0


# --- GitHub -----------------------------------------------------------------------------------


def test_the_workflow_says_what_symcount_can_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    workflow = yaml.safe_load(WORKFLOW.read_text())
    steps = workflow["jobs"]["check"]["steps"]
    lines = [line for step in steps for line in step.get("run", "").splitlines()]
    ours = [line.partition("||")[0] for line in lines if line.startswith("symcount ")]
    assert len(ours) == 2
    for line in ours:
        require_valid(line)
    assert workflow[True].keys() == {"pull_request", "push"}  # YAML 1.1 reads `on` as a truth
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", s["uses"]) for s in steps if "uses" in s)


def test_the_page_names_the_hooks() -> None:
    page = (ROOT / "docs" / "markers.md").read_text()
    for hook in yaml.safe_load(HOOKS.read_text()):
        assert f"`{hook['id']}`" in page
