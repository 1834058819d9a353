"""What is published: the two archives, and the wheel in an environment that has nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

import symcount

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "symcount"
ATLAS = ROOT / "docs" / "atlas" / "formulas.json"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def run(*command: object, cwd: Path | None = None) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheel and the source archive; the wheel is built from what the archive holds."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    (source,) = folder.glob("*.tar.gz")
    return wheel, source


def in_wheel(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as opened:
        return set(opened.namelist())


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as opened:
        (name,) = (n for n in opened.namelist() if n.endswith(".dist-info/METADATA"))
        return Parser().parsestr(opened.read(name).decode())


def installed(wheel: str, folder: Path) -> tuple[Path, Path]:
    """An empty folder, and the scripts of an environment where the wheel alone was installed."""
    venv.create(folder / "venv", with_pip=True)
    scripts = folder / "venv" / "bin"
    pins = ("--constraint", ROOT / "constraints.txt")
    run(scripts / "python", "-m", "pip", "install", "--quiet", *pins, wheel, cwd=folder)
    (folder / "empty").mkdir()
    return folder / "empty", scripts


@pytest.fixture(scope="module")
def clean(
    archives: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    return installed(f"{archives[0]}[derive]", tmp_path_factory.mktemp("clean"))


@pytest.fixture(scope="module")
def light(
    archives: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    return installed(str(archives[0]), tmp_path_factory.mktemp("light"))


# --- the archives -----------------------------------------------------------------------------


def test_twine_accepts_both(archives: tuple[Path, Path]) -> None:
    said = run(sys.executable, "-m", "twine", "check", "--strict", *archives)
    assert said.count("PASSED") == 2


def test_the_wheel_has_the_whole_package_and_nothing_else(archives: tuple[Path, Path]) -> None:
    inside = {name for name in in_wheel(archives[0]) if ".dist-info/" not in name}
    own = {
        str(path.relative_to(ROOT))
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert inside == own
    assert {"symcount/py.typed", "symcount/storage/formulas.schema.json"} <= inside


def test_the_source_archive_has_what_is_committed(archives: tuple[Path, Path]) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    committed = set(
        run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\n")
    )
    with tarfile.open(archives[1]) as opened:
        inside = {member.name.partition("/")[2] for member in opened.getmembers()}
    assert inside == committed - {""} | {"PKG-INFO"}


def test_the_metadata(archives: tuple[Path, Path]) -> None:
    found = metadata(archives[0])
    assert found["Version"] == symcount.__version__
    assert found["License-Expression"] == "MIT"
    assert found["Requires-Python"] == PROJECT["requires-python"]
    assert str(found.get_payload()).startswith("# symcount")
    assert set(found.get_all("Provides-Extra", [])) == set(PROJECT["optional-dependencies"])


# --- extras -----------------------------------------------------------------------------------

EXTRAS = {
    "derive",
    "plot",
    "notebook",
    "explore",
    "docs",
    "mkdocs",
    "sql",
    "sweep",
    "witness",
    "zoo",
}


def test_every_extra_that_a_message_or_a_page_names_exists() -> None:
    texts = [*PACKAGE.rglob("*.py"), ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    named = re.findall(r"symcount\[([a-z,]+)\]", " ".join(path.read_text() for path in texts))
    extras = {extra for names in named for extra in names.split(",")}
    assert extras == EXTRAS, "each extra is named somewhere, and each that is named exists"
    assert set(PROJECT["optional-dependencies"]) - {"dev"} == EXTRAS


# --- in a clean environment -------------------------------------------------------------------


@pytest.mark.slow
def test_the_command_line(clean: tuple[Path, Path]) -> None:
    folder, scripts = clean
    command = scripts / "symcount"
    assert run(command, "--version", cwd=folder) == f"symcount, version {symcount.__version__}\n"
    assert "_SYMCOUNT_COMPLETE" in run(command, "completion", "bash", cwd=folder)
    (folder / "models.py").write_text(
        "from torch import nn\n\n\ndef mlp(dim, expansion=4):\n"
        "    return nn.Linear(dim, expansion * dim)\n"
    )
    said = run(command, "derive", "models.py:mlp", "--at", "dim=64", cwd=folder)
    assert "dim**2*expansion + dim*expansion" in said and "16,640" in said
    assert "squeeze" in run(command, "list", "--json", cwd=folder)
    for form in "markdown rst html mathml latex python numpy javascript c json".split():
        assert run(command, "export", "models.py:mlp", "--format", form, cwd=folder)


@pytest.mark.slow
def test_formulas_are_stored_and_loaded(clean: tuple[Path, Path]) -> None:
    folder, scripts = clean
    code = (
        "import symcount, symcount.blueprints.cnn; "
        "symcount.blueprints.save('formulas.json'); "
        "print(symcount.load('formulas.json')['cnn:attention'](512))"
    )
    assert run(scripts / "python", "-W", "error", "-c", code, cwd=folder) == "131584\n"
    shown = run(scripts / "symcount", "show", "formulas.json", "cnn:attention", cwd=folder)
    assert "2*dim*Max(1, floor(dim/reduction)) + dim" in shown


@pytest.mark.slow
def test_without_extras_stored_formulas_are_loaded_and_shown(
    light: tuple[Path, Path],
) -> None:
    folder, scripts = light
    there = run(scripts / "python", "-m", "pip", "list", "--format", "freeze", cwd=folder)
    packages = {line.partition("=")[0].lower() for line in there.splitlines()}
    assert "symcount" in packages
    assert packages.isdisjoint(("torch", "sympy", "numpy", "z3-solver", "mpmath"))
    code = f"import symcount; print(symcount.load({str(ATLAS)!r})['gpt2']())"
    assert int(run(scripts / "python", "-W", "error", "-c", code, cwd=folder)) > 10**8
    assert "4*n_embd**2" in run(scripts / "symcount", "show", ATLAS, "gpt2", cwd=folder)
    done = subprocess.run(
        [scripts / "symcount", "derive", "torch.nn:Linear"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == (
        "error: deriving a formula needs numpy, sympy, torch and z3, which are not installed: "
        "pip install 'symcount[derive]'. (Stored formulas are loaded and evaluated without.)\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("extra", "code"),
    [
        ("plot", "count.plot('in_features', out_features=8)"),
        ("explore", "count.page()"),
        ("sql", "count.export('sql')"),
    ],
)
def test_what_needs_an_extra_names_it(extra: str, code: str, clean: tuple[Path, Path]) -> None:
    folder, scripts = clean
    program = f"import symcount, torch; count = symcount.derive(torch.nn.Linear); {code}"
    done = subprocess.run(
        [scripts / "python", "-c", program], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert f"pip install 'symcount[{extra}]'" in last
