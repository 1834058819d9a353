"""The pytest plugin, in processes of its own: what passes, what fails, and how it is said."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tests.projects import project

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
# The plugin of this checkout, whether or not the package is installed with its entry point.
ALONE = ["-p", "no:symcount", "-p", "symcount.ext.pytest_plugin", "-p", "no:cacheprovider"]
STRICT = "[pytest]\nfilterwarnings =\n    error\n    ignore::DeprecationWarning:torch\n"

MODELS = """
    from torch import nn

    def mlp(dim: int, expansion: int = 4) -> nn.Module:
        hidden = expansion * dim
        return nn.Sequential(nn.Linear(dim, hidden), nn.Linear(hidden, dim))

    def block(dim: int) -> nn.Module:
        return nn.Linear(dim, dim)
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    (pytester.path / "pytest.ini").write_text(STRICT)
    return lambda *arguments: pytester.runpytest_subprocess(*ALONE, *arguments, timeout=120)


def test_the_fixture(pytester: pytest.Pytester, run) -> None:
    pytester.makepyfile(
        """
        from torch import nn
        from symcount.testing import assert_param_count

        def test_same(symcount):
            symcount.assert_param_count(nn.Linear, "in_features*out_features", bias=False)
            assert symcount.assert_param_count is assert_param_count

        def test_other(symcount):
            symcount.assert_param_count(nn.Linear, "in_features*out_features")

        def test_unknown(symcount):
            symcount.assert_param_count(nn.Linear, "d*d")
        """
    )
    result = run()
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        [
            "E *AssertionError: Linear does not have the expected parameter count",
            "E *  expected:   in_features[*]out_features",
            "E *  derived:    in_features[*]out_features + out_features",
            "E *  domain:     all positive integers",
            "E *  first size: in_features=1, out_features=1: 1 expected, 2 derived",
            "E *ArgumentError: *has no symbol 'd'; its symbols are: in_features, out_features",
        ]
    )
    text = result.stdout.str()
    assert "raise AssertionError" not in text  # the frames of symcount are left out


@pytest.fixture(scope="module")
def drifted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two formulas, of which one is not that of the code any more.

    Of a module's scope, so that torch is loaded before any `pytester` is there: each forgets the
    modules that were loaded since it was made, and torch cannot be loaded twice.
    """
    with project(tmp_path_factory.mktemp("drifted")) as models:
        models.write(models=MODELS)
        models.save("mlp", "block")
        models.edit("hidden = expansion * dim", "hidden = 2 * expansion * dim")
    return models.folder


@pytest.fixture
def stored(drifted: Path, pytester: pytest.Pytester) -> Path:
    for name in ("models.py", "formulas.json"):
        shutil.copy(drifted / name, pytester.path / name)
    return pytester.path / "formulas.json"


def test_stored_formulas_are_tests(pytester: pytest.Pytester, run, stored: Path) -> None:
    pytester.makepyfile("def test_of_mine(): pass")
    result = run("--symcount-check", "formulas.json", "-v")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "formulas.json::mlp FAILED*",
            "formulas.json::block PASSED*",
            "mlp: the code has another formula now",
            "  formula then: 2[*]dim[*][*]2[*]expansion + dim[*]expansion + dim",
            "  first size: dim=1, expansion=1: 4 then, 7 now",
            "    models.py:4: hidden = 2 [*] expansion [*] dim",
            "FAILED formulas.json::mlp*",
        ]
    )
    assert "Traceback" not in result.stdout.str()


def test_they_are_selected_like_other_tests_and_named_in_the_settings(
    pytester: pytest.Pytester, run, stored: Path
) -> None:
    (pytester.path / "pytest.ini").write_text(f"{STRICT}symcount_check = formulas.json\n")
    result = run("-k", "block")
    result.assert_outcomes(passed=1, deselected=1)
    folder = pytester.mkdir("other")  # a path is relative to where the settings are
    result = run("--rootdir", str(pytester.path), "-c", "pytest.ini", "--co", "-q", str(folder))
    result.stdout.fnmatch_lines(["formulas.json::mlp", "formulas.json::block"])


def test_processes_share_them_out(pytester: pytest.Pytester, run, stored: Path) -> None:
    pytest.importorskip("xdist")
    run("--symcount-check", "formulas.json", "-n", "1").assert_outcomes(passed=1, failed=1)


def test_files_that_are_not_there_or_damaged_are_said(
    pytester: pytest.Pytester, run, stored: Path
) -> None:
    result = run("--symcount-check", "none.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --symcount-check: there is no file or folder *none.json"])
    stored.write_text(stored.read_text()[:-30])
    pytester.mkdir("docs")
    result = run("--symcount-check", ".")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["formulas.json: cannot be checked"])


def test_what_a_document_may_not_have_called_is_refused(
    pytester: pytest.Pytester, run, stored: Path
) -> None:
    """A marker could call anything that is installed: `subprocess:Popen`, `shutil:rmtree`."""
    canary = pytester.path / "CANARY"
    marker = f'os:makedirs count at mode=511 fixed name="{canary}" symbols mode()'
    theirs = "theirs:build at dim=8"
    text = "It has <!-- symcount: {} -->72<!-- /symcount -->.\n\n"
    (pytester.path / "page.md").write_text(text.format(marker) + text.format(theirs))
    installed = pytester.mkdir("site-packages")
    code = "from torch import nn\n\n\ndef build(dim):\n    return nn.Linear(dim, dim)\n"
    (installed / "theirs.py").write_text(code)
    ini = f"{STRICT}pythonpath = site-packages\nsymcount_check = page.md\n"
    (pytester.path / "pytest.ini").write_text(ini)
    result = run()
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "*page.md:1: os:makedirs count * os:makedirs is not called: os is of the standard *",
            "*page.md:3: *: theirs:build is not called: build is code of theirs, and no class of *",
            "*If you trust it with what is asked here, say so: --symcount-allow theirs",
        ]
    )
    run("--symcount-allow", "theirs").assert_outcomes(passed=1, failed=1)
    (pytester.path / "pytest.ini").write_text(f"{ini}symcount_allow = theirs\n")
    run("-k", "theirs").assert_outcomes(passed=1, deselected=1)
    result = run("--symcount-allow", "os")
    result.stderr.fnmatch_lines(["ERROR: *--symcount-allow os: nothing of the standard library *"])
    assert not canary.exists()


def test_it_is_registered_and_loads_nothing_before_it_is_used(
    pytester: pytest.Pytester, run
) -> None:
    entry_points = (ROOT / "pyproject.toml").read_text()
    assert (
        '[project.entry-points.pytest11]\nsymcount = "symcount.ext.pytest_plugin"\n' in entry_points
    )
    pytester.makepyfile(
        """
        import sys

        def test_nothing_is_loaded():
            assert "symcount.ext.pytest_plugin" in sys.modules
            heavy = {"torch", "sympy", "numpy", "z3", "rich", "click"} & set(sys.modules)
            ours = {n for n in sys.modules if n.startswith("symcount.")}
            assert (heavy, ours) == (set(), {"symcount.ext", "symcount.ext.pytest_plugin"})

        def test_the_check_can_fail(symcount):
            symcount.assert_param_count(lambda d: __import__("torch").nn.Linear(d, d), "d*d + d")
            assert {"torch", "numpy"} <= set(sys.modules)
        """
    )
    run().assert_outcomes(passed=2)


def test_it_works_from_an_entry_point(tmp_path: Path) -> None:
    """As an installed package does: by its metadata, and without `-p`."""
    metadata = tmp_path / "site" / "madeup-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: madeup\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[pytest11]\nmadeup = symcount.ext.pytest_plugin\n")
    (tmp_path / "test_it.py").write_text(
        dedent("""
        def test_it(symcount):
            assert symcount.assert_param_count
    """)
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:symcount", "-p", "no:cacheprovider", "-q"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={
            "PATH": "",
            "PYTHONPATH": f"{ROOT}:{tmp_path / 'site'}",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr
