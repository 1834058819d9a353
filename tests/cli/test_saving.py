"""`symcount save` and `check --update`: what is written, and what is left byte for byte."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import symcount
from symcount.cli import main
from symcount.drift import drift
from symcount.errors import UndecidedError
from symcount.storage import atomic
from tests.projects import Project, project

MODELS = """
    from torch import nn

    import parts
    from symcount import BlueprintRegistry


    def mlp(dim: int, expansion: int = 4) -> nn.Module:
        return nn.Sequential(nn.Linear(dim, expansion * dim), nn.Linear(expansion * dim, dim))


    def head(dim: int, classes: int = 10) -> nn.Module:
        return nn.Linear(dim, classes, bias=True)


    class Stack(nn.Module):
        def __init__(self, dim: int, depth: int = 3) -> None:
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(dim, dim) for _ in range(depth))


    registry = BlueprintRegistry()
    registry.register("head", "own")(head)
"""
FILE = "formulas.json"


@pytest.fixture
def models(tmp_path: Path) -> Iterator[Project]:
    with project(tmp_path) as found:
        found.write(models=MODELS, parts="")
        yield found


def save(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["save", *arguments, "-o", FILE])


def saved(*arguments: str) -> str:
    result = save(*arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def lines() -> dict[str, bytes]:
    """The lines of the file, by the names of their formulas."""
    found = [line.rstrip(b",\n") for line in Path(FILE).read_bytes().splitlines()]
    return {json.loads(line)["name"]: line for line in found if line.startswith(b'{"name"')}


# --- save -------------------------------------------------------------------------------------


def test_jobs_save_the_same_in_the_same_order(models: Project) -> None:
    targets = ["models.py:Stack", "models.py:mlp", "cnn:attention"]
    said = saved(*targets)
    alone = Path(FILE).read_bytes()
    Path(FILE).unlink()
    assert saved(*targets, "--jobs", "2") == said
    assert Path(FILE).read_bytes() == alone
    result = save("models.py:mlp", "os:getcwd", "-j", "2")
    assert result.exit_code == 2 and "getcwd: it returned a str" in result.stderr
    assert Path(FILE).read_bytes() == alone


def test_what_is_saved_is_what_python_saves_and_is_checked_and_shown(models: Project) -> None:
    said = saved("models.py:mlp", "models.py:Stack", "cnn:attention")
    assert said == "formulas.json: saved mlp, Stack, cnn:attention\n"
    models.save("mlp", "Stack", file="python.json")
    assert symcount.load(FILE)["mlp"] == symcount.load("python.json")["mlp"]
    assert list(symcount.load(FILE)) == ["mlp", "Stack", "cnn:attention"]
    assert Path("python.json").read_bytes().splitlines()[4] == lines()["mlp"] + b","
    assert models.check(FILE).stdout == "3 formulas checked: as in the code\n"
    shown = CliRunner().invoke(main, ["show", FILE, "mlp", "--at", "dim=64"]).stdout
    assert "2*dim**2*expansion + dim*expansion + dim" in shown and "33,088" in shown


def test_a_second_save_replaces_one_and_leaves_the_others_as_they_are(models: Project) -> None:
    saved("models.py:mlp", "models.py:Stack")
    before = lines()
    said = saved("models.py:mlp", "small=models.py:mlp", "--set", "expansion=2")
    assert said == "formulas.json: saved mlp, small; 1 more in the file\n"
    after = lines()
    assert list(after) == ["mlp", "Stack", "small"]
    assert after["Stack"] == before["Stack"] and after["mlp"] != before["mlp"]
    assert str(symcount.load(FILE)["small"]) == "4*dim**2 + 3*dim"


def test_a_registry_is_saved_by_its_keys(models: Project) -> None:
    assert saved("--registry", "models.py") == "formulas.json: saved own:head\n"
    assert symcount.load(FILE)["own:head"](64) == 650


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say what to save: TARGETS, or --registry MODULE"),
        (["--registry", "models.py", "--set", "dim=3"], "--set, --symbol and --config are for"),
        (["models.py:mlp", "models:mlp"], "two formulas are called 'mlp': write NAME=TARGET"),
        (["models.py:mlp", "models.py:mpl"], "models.py has no 'mpl'; did you mean 'mlp'?"),
        (["models.py:mlp", "models.py:head", "--set", "depth=3"], "depth"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_written(
    models: Project, arguments: list[str], said: str
) -> None:
    result = save(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert not Path(FILE).exists()


@pytest.mark.parametrize("text", ['{"a": 1}', "", "# a README\n"])
def test_a_file_of_something_else_is_not_overwritten(models: Project, text: str) -> None:
    Path(FILE).write_text(text)
    models.write(models="raise SystemExit('it has run')")
    result = save("models.py:mlp")
    assert result.exit_code == 2
    assert f"{FILE} is there already, and is no file of formulas; name another" in result.stderr
    assert Path(FILE).read_text() == text


def test_a_damaged_file_of_formulas_is_not_overwritten(models: Project) -> None:
    saved("models.py:head")
    text = Path(FILE).read_text().replace('"version": 1', '"version": 9')
    Path(FILE).write_text(text)
    result = save("models.py:mlp")
    assert result.exit_code == 2 and "formulas of version 9" in result.stderr
    assert Path(FILE).read_text() == text


def test_a_folder_that_is_not_there_is_an_error(models: Project) -> None:
    result = CliRunner().invoke(main, ["save", "models.py:mlp", "-o", "none/formulas.json"])
    assert result.exit_code == 2
    assert "cannot write none/formulas.json: there is no folder none" in result.stderr


# --- check --update ---------------------------------------------------------------------------


def test_only_what_drifted_is_written_and_it_is_reported_as_check_does(models: Project) -> None:
    saved("models.py:mlp", "models.py:head", "models.py:Stack")
    before = lines()
    models.edit("classes, bias=True", "2 * classes, bias=True")
    plain = models.check(FILE)
    assert plain.exit_code == 1
    assert "If a change is meant, run symcount check --update." in plain.stdout
    assert lines() == before
    updated = models.check(FILE, "--update")
    assert updated.exit_code == 0
    report = plain.stdout.partition("\n\n")[0]
    assert "formula then: classes*dim + classes" in report
    assert updated.stdout == (
        f"{report}\n\nformulas.json: updated head\n3 formulas checked, 1 updated: as in the code\n"
    )
    after = lines()
    assert list(after) == list(before)
    assert after["mlp"] == before["mlp"] and after["Stack"] == before["Stack"]
    saved("models.py:head")
    assert lines() == after, "what is updated is what would be saved"
    assert models.check(FILE).stdout == "3 formulas checked: as in the code\n"


def test_nothing_is_written_where_nothing_drifted(models: Project) -> None:
    saved("models.py:mlp", "models.py:head")
    stamp = Path(FILE).stat()
    models.edit("from torch import nn\n", "from torch import nn\n\n# a comment\n")
    assert models.check(FILE, "--update").exit_code == 0
    now = Path(FILE).stat()
    assert (now.st_mtime_ns, now.st_ino) == (stamp.st_mtime_ns, stamp.st_ino)


@pytest.mark.parametrize(
    ("old", "new", "file", "state"),
    [
        ("def head(", "def heads(", "models.py", "broken"),
        ("import parts", "import no_such_package", "models.py", "unimported"),
    ],
)
def test_what_has_no_formula_or_cannot_be_imported_stays(
    models: Project, old: str, new: str, file: str, state: str
) -> None:
    saved("models.py:head")
    before = lines()
    text = MODELS.replace("registry.register", "# registry.register")
    models.write(models=text.replace(old, new))
    result = models.check(FILE, "--update")
    assert result.exit_code == 1 and "updated" not in result.stdout
    assert models.findings(FILE, "--update")[0]["state"] == state
    assert lines() == before


def test_what_is_not_decided_stays(models: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    saved("models.py:mlp", "models.py:head")
    before = lines()
    models.edit("classes, bias=True", "2 * classes, bias=True")

    def undecided(*formulas: object) -> None:
        raise UndecidedError("neither proved nor disproved")

    monkeypatch.setattr(drift, "first_difference", undecided)
    result = models.check(FILE, "--update")
    assert result.exit_code == 1 and "neither proved nor disproved" in result.stdout
    assert "updated" not in result.stdout
    assert lines() == before


def test_what_may_not_be_called_is_not_called_to_update(models: Project) -> None:
    saved("models.py:mlp", "models.py:head")
    text = Path(FILE).read_text()
    Path(FILE).write_text(text.replace('"target":"models.py:mlp"', '"target":"os:mkdir"'))
    before = lines()
    assert b'"os:mkdir"' in before["mlp"]
    models.edit("classes, bias=True", "2 * classes, bias=True")
    result = models.check(FILE, "--update")
    assert result.exit_code == 2
    assert "os:mkdir is not called" in result.stdout
    assert "formulas.json: updated head\n2 formulas checked, 1 updated: 1 not" in result.stdout
    after = lines()
    assert after["mlp"] == before["mlp"] and after["head"] != before["head"]


def test_a_file_in_another_layout_is_not_updated(models: Project) -> None:
    saved("models.py:head")
    text = json.dumps(json.loads(Path(FILE).read_text()), indent=1)
    Path(FILE).write_text(text)
    models.edit("classes, bias=True", "2 * classes, bias=True")
    result = models.check(FILE, "--update")
    assert result.exit_code == 2
    assert "formulas.json: it is not laid out as symcount writes it" in result.stderr
    assert Path(FILE).read_text() == text


def test_a_write_that_fails_leaves_the_file(
    models: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved("models.py:head")
    before = lines()
    models.edit("classes, bias=True", "2 * classes, bias=True")

    def full(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "replace", full)
    result = models.check(FILE, "--update")
    assert result.exit_code == 2 and "No space left on device" in result.stderr
    assert lines() == before


def test_only_what_is_named_is_updated_and_json_says_what_was(models: Project) -> None:
    saved("models.py:mlp", "models.py:head")
    before = lines()
    models.edit("classes, bias=True", "2 * classes, bias=True")
    models.edit("nn.Linear(expansion * dim, dim)", "nn.Linear(expansion * dim, 2 * dim)")
    (found,) = models.findings(FILE, "--only", "mlp", "--update")
    assert (found["name"], found["state"], found["updated"]) == ("mlp", "differs", True)
    assert lines()["head"] == before["head"] and lines()["mlp"] != before["mlp"]
    states = {f["name"]: (f["state"], f["updated"]) for f in models.findings(FILE)}
    assert states == {"mlp": ("same", False), "head": ("differs", False)}


def test_documents_are_left_to_export(models: Project) -> None:
    saved("models.py:head")
    Path("README.md").write_text(
        "It has <!-- symcount: models.py:head -->`dim`<!-- /symcount -->.\n"
    )
    text = Path("README.md").read_text()
    models.edit("classes, bias=True", "2 * classes, bias=True")
    result = models.check("README.md", FILE, "--update")
    assert result.exit_code == 1
    assert "2 formulas checked, 1 updated: 1 not known to be as in the code. If a change is" in (
        result.stdout
    )
    assert "run symcount export --write on the documents" in result.stdout
    assert "check --update" not in result.stdout
    assert Path("README.md").read_text() == text
