"""Stored formulas against code that was changed: what differs, and which line did it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner, Result
from torch import nn

import symcount
from symcount import drift
from symcount.cli import main
from symcount.difference import first_difference
from symcount.drift import Finding
from symcount.targets import resolve

ROOT = Path(__file__).parent.parent

MODELS = """\
from torch import nn

import parts
from parts import WIDTHS, block


class Mlp(nn.Module):
    \"\"\"Two layers and a head.\"\"\"

    groups = 2

    def __init__(self, dim: int, expansion: int = 4, bias: bool = True):
        super().__init__()
        # the width of a head
        if dim % self.groups:
            raise ValueError("dim must be even")
        hidden = parts.hidden_of(dim, expansion)
        self.up = nn.Linear(dim, hidden, bias=bias)
        self.norm = nn.LayerNorm(hidden)
        self.down = block(hidden, dim)
        self.head = nn.Linear(dim, WIDTHS["large"])


def other(dim):
    return nn.Linear(dim, 3)
"""

PARTS = """\
from torch import nn

WIDTHS = {"small": 2, "large": 4}


def hidden_of(dim, expansion):
    return expansion * dim


def block(dim, out):
    return nn.Linear(dim, out)


def never_called(dim):
    return nn.Linear(dim, dim)
"""


class Project:
    """A folder with two files of code and one of formulas."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("models.py", MODELS)
        self.write("parts.py", PARTS)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)
        self.forget()

    def edit(self, name: str, old: str, new: str) -> int:
        """Change a text that the file has once; the line where it is."""
        text = (self.folder / name).read_text()
        assert text.count(old) == 1
        self.write(name, text.replace(old, new))
        return text[: text.index(old)].count("\n") + 1

    def forget(self) -> None:
        """As a new process: no module of the folder is loaded."""
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__dict__", {}).get("__file__")
            if isinstance(file, str) and Path(file).is_relative_to(self.folder):
                del sys.modules[name]

    def save(self, **given: object) -> None:
        names = {"mlp": "models.py:Mlp", "other": "models.py:other"}
        counts = {key: symcount.derive(resolve(t).factory, **given) for key, t in names.items()}
        symcount.save(self.folder / "formulas.json", counts)
        self.forget()

    def check(self, *options: str) -> Result:
        self.forget()
        return CliRunner().invoke(main, ["check", "formulas.json", *options])

    def finding(self, name: str = "mlp") -> Finding:
        self.forget()
        (found,) = drift.check(symcount.load(self.folder / "formulas.json"), [name])
        return found


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    found = Project(tmp_path)
    found.save()
    yield found
    found.forget()


def test_nothing_has_changed(project: Project) -> None:
    result = project.check()
    assert result.exit_code == 0, result.output
    assert result.output == "2 formulas: all as the code has them\n"


LINES = {
    "a layer": ("models.py", "nn.LayerNorm(hidden)", "nn.Linear(hidden, 3)", {"formula"}),
    "a number": ("models.py", "groups = 2", "groups = 6", {"domain"}),
    "arithmetic in another file": (
        "parts.py", "return expansion * dim", "return expansion * dim + 1", {"formula"},
    ),
    "a layer in another file": (
        "parts.py", "return nn.Linear(dim, out)", "return nn.Linear(dim, out, bias=False)",
        {"formula"},
    ),
    "a constant in another file": ("parts.py", '"large": 4', '"large": 5', {"formula"}),
    "a guard": ("models.py", "dim % self.groups", "dim % 4 == 3", {"domain"}),
    "a default": ("models.py", "expansion: int = 4", "expansion: int = 3", {"defaults"}),
    "what is fixed": ("models.py", "bias: bool = True", "bias: bool = False", {"formula"}),
    "a new symbol": (
        "models.py", "bias: bool = True", "bias: bool = True, n: int = 1", {"symbols", "defaults"},
    ),
    "a new layer": (
        "models.py", "        self.norm = ", "        self.more = nn.Linear(dim, 1); self.norm = ",
        {"formula"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", LINES)
def test_a_change_of_one_line_is_found_and_the_line_is_named(change: str, project: Project) -> None:
    file, old, new, changed = LINES[change]
    number = project.edit(file, old, new)
    text = (project.folder / file).read_text().splitlines()[number - 1].strip()

    finding = project.finding()
    assert finding.state == "differs"
    assert {each.what for each in finding.changes} == changed
    assert [(each.file, each.line, each.text) for each in finding.lines] == [(file, number, text)]

    result = project.check()
    assert result.exit_code == 1
    assert f"\n    {file}:{number}: {text}\n" in result.output
    assert "1 of 2 formulas not as the code has them" in result.output
    (told, same) = json.loads(project.check("--json").output)
    assert (told["state"], same["state"]) == ("differs", "same")
    (line,) = told["lines"]
    assert (line["file"], line["line"], line["text"]) == (file, number, text)


def test_the_report(project: Project) -> None:
    project.edit("parts.py", "return expansion * dim", "return 2 * expansion * dim")
    assert project.check("--only", "mlp").output == dedent("""\
        formulas.json: mlp: the code has another formula now
          formula then: 2*dim**2*expansion + 3*dim*expansion + 5*dim + 4
                   now: 4*dim**2*expansion + 6*dim*expansion + 5*dim + 4
          first size: dim=2, expansion=1: 28 then, 42 now
          parameters:
            up.weight (models.py:18): dim**2*expansion then, 2*dim**2*expansion now
            up.bias (models.py:18): dim*expansion then, 2*dim*expansion now
            norm.weight (models.py:19): dim*expansion then, 2*dim*expansion now
            norm.bias (models.py:19): dim*expansion then, 2*dim*expansion now
            down.weight (parts.py:11): dim**2*expansion then, 2*dim**2*expansion now
          lines that changed:
            parts.py:7: return 2 * expansion * dim

        1 of 1 formula not as the code has it. If a change is meant, save the formulas again.
    """)


def test_a_line_that_is_gone(project: Project) -> None:
    number = project.edit("models.py", "        self.norm = nn.LayerNorm(hidden)\n", "")
    finding = project.finding()
    (line,) = finding.lines
    assert (line.file, line.line, line.change) == ("models.py", number, "gone")
    assert str(line) == f"models.py:{number}: (a line of Mlp is gone)"
    assert [c.now for c in finding.parameters] == ["none", "none"]


HARMLESS = {
    "a comment": ("models.py", "# the width of a head", "# as wide as a head"),
    "a docstring": ("models.py", "Two layers and a head.", "Three layers."),
    "other code of the file": ("models.py", "nn.Linear(dim, 3)", "nn.Linear(dim, 4)"),
    "a function that is not called": ("parts.py", "nn.Linear(dim, dim)", "nn.Linear(dim, 1)"),
    "an empty line": ("models.py", "        hidden =", "\n        hidden ="),
    "the same written otherwise": ("parts.py", "expansion * dim", "dim * expansion * 2 // 2"),
    "the same branch": ("models.py", "dim % self.groups", "dim // 2 * 2 != dim"),
    "a name": ("models.py", "ValueError", "TypeError"),
}


@pytest.mark.parametrize("change", HARMLESS)
def test_what_changes_no_formula_is_no_drift(change: str, project: Project) -> None:
    project.edit(*HARMLESS[change])
    assert project.finding().state == "same"
    assert project.check("--only", "mlp").exit_code == 0


def test_only_lines_of_code_count_as_changed(project: Project) -> None:
    project.edit("models.py", "# the width of a head", "# as wide as a head")
    project.edit("models.py", "Two layers and a head.", "Three layers,\n    and more.\n    ")
    project.edit("parts.py", "nn.Linear(dim, dim)", "nn.Linear(dim, 1)")
    number = project.edit("models.py", "nn.LayerNorm(hidden)", "nn.LayerNorm(2 * hidden)")
    assert [(each.file, each.line) for each in project.finding().lines] == [("models.py", number)]


BROKEN = {
    "the factory is gone": ("class Mlp", "class Net", "models.py has no 'Mlp'"),
    "its file cannot be imported": ("import parts\n", "import part\n", "No module named 'part'"),
    "it always raises": ("hidden = parts", "raise OSError; hidden = parts", "OSError"),
    "it cannot be followed": (
        "hidden = parts.hidden_of(dim, expansion)",
        "import numpy; hidden = int(numpy.array([dim, 2], dtype=numpy.int64).sum())",
        "models.py:17",
    ),
}


@pytest.mark.parametrize("change", BROKEN)
def test_what_has_no_formula_any_more_is_reported_and_stops_nothing(
    change: str, project: Project
) -> None:
    old, new, said = BROKEN[change]
    project.edit("models.py", old, new)
    finding = project.finding()
    assert finding.state == "broken" and said in finding.reason
    result = project.check("--json")
    assert result.exit_code == 1
    states = [each["state"] for each in json.loads(result.output)]
    assert states == ["broken", "broken" if "imported" in change else "same"]


def test_all_that_has_changed_since_is_named_if_the_factory_is_broken(project: Project) -> None:
    project.edit("models.py", "hidden = parts", "raise OSError; hidden = parts")
    assert [line.line for line in project.finding().lines] == [17]


def test_what_cannot_be_checked_is_said_and_is_no_success(project: Project) -> None:
    def local(dim: int) -> nn.Module:
        return nn.Linear(dim, dim)

    linear = symcount.derive(nn.Linear)
    symcount.save(
        "formulas.json",
        {
            "local": symcount.derive(local),
            "rewritten": linear.substitute(in_features="2*out_features"),
            "renamed": linear.rename(in_features="d"),
            "opaque": symcount.derive(nn.Linear, device="meta", dtype=nn.Linear(1, 1).weight.dtype),
        },
    )
    result = project.check("--json")
    assert result.exit_code == 1
    reasons = {each["name"]: each["reason"] for each in json.loads(result.output)}
    assert all(each["state"] == "unchecked" for each in json.loads(result.output))
    assert "no name to find it by" in reasons["local"]
    assert "rewritten, by substitute() or rename()" in reasons["rewritten"]
    assert "rewritten, by substitute() or rename()" in reasons["renamed"]
    assert "cannot hold the values that were given for dtype" in reasons["opaque"]


def test_measures_and_given_values_are_those_that_were_stored(project: Project) -> None:
    mlp = resolve("models.py:Mlp").factory
    count = symcount.derive(mlp, bias=False, expansion=symcount.Symbol(min=2, max=8))
    stored = {"bytes": count.nbytes, "norms": count.select("norm.*"), "plain": count}
    symcount.save("formulas.json", stored)
    assert project.check().exit_code == 0
    project.edit("parts.py", "return nn.Linear(dim, out)", "return nn.Linear(dim, out, bias=False)")
    states = {name: project.finding(name).state for name in stored}
    assert states == {"bytes": "differs", "norms": "same", "plain": "differs"}


def test_models_of_configs(project: Project) -> None:
    project.write(
        "configured.py",
        dedent("""
            from dataclasses import dataclass
            from torch import nn

            @dataclass
            class Config:
                width: int = 64
                depth: int = 2
                bias: bool = True

            class Model(nn.Sequential):
                def __init__(self, config):
                    width = config.width
                    super().__init__(*(nn.Linear(width, width) for _ in range(config.depth)))
        """),
    )
    model, config = (resolve(f"configured.py:{name}").factory for name in ("Model", "Config"))
    count = symcount.from_config(model, config, symbols=["width", "depth"], bias=False)
    symcount.save("formulas.json", {"model": count})
    assert project.check().exit_code == 0
    number = project.edit("configured.py", "width = config.width", "width = config.width + 1")
    (line,) = project.finding("model").lines
    assert (line.file, line.line) == ("configured.py", number)
    project.edit("configured.py", "width = config.width + 1", "width = config.width")
    project.edit("configured.py", "depth: int = 2", "depth: int = 3")
    finding = project.finding("model")
    assert [change.what for change in finding.changes] == ["defaults"]
    assert [line.text for line in finding.lines] == ["depth: int = 3"]


def test_a_registry(project: Project) -> None:
    from symcount.blueprints import cnn  # noqa: F401

    symcount.blueprints.save("formulas.json")
    result = project.check()
    assert result.exit_code == 0, result.output
    stored = symcount.load("formulas.json")["cnn:attention"]
    assert stored.origin is not None
    assert {s.name for s in stored.origin.statements} >= {"SqueezeExcitation", "create_attention"}
    assert {s.file for s in stored.origin.statements} <= {
        "symcount/blueprints/cnn.py", "symcount/blueprints/_arguments.py",
    }  # fmt: skip


# --- files and misuse -------------------------------------------------------------------------


def test_folders(project: Project) -> None:
    inside = project.folder / "docs" / "deep"
    inside.mkdir(parents=True)
    (inside / "counts.json").write_text((project.folder / "formulas.json").read_text())
    (inside / "package.json").write_text("{}")
    result = CliRunner().invoke(main, ["check", "docs", "--json"])
    assert result.exit_code == 0
    assert {each["file"] for each in json.loads(result.output)} == {"docs/deep/counts.json"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing argument 'PATHS...'"),
        (["missing.json"], "'missing.json' does not exist"),
        (["models.py"], "models.py: this is not JSON"),
        (["empty"], "empty has no file of formulas"),
        (["formulas.json", "--only", "mlq"], "no formula is called 'mlq'"),
    ],
)
def test_misuse(arguments: list[str], said: str, project: Project) -> None:
    (project.folder / "empty").mkdir()
    result = CliRunner().invoke(main, ["check", *arguments])
    assert result.exit_code == 2 and said in result.output


def test_a_damaged_formula_does_not_stop_the_others(project: Project) -> None:
    path = project.folder / "formulas.json"
    path.write_text(path.read_text().replace('"calls":[', '"calls":[7,', 1))
    states = [each["state"] for each in json.loads(project.check("--json").output)]
    assert states == ["unchecked", "same"]


# --- where two formulas differ first ----------------------------------------------------------

FACTORIES = [
    lambda d, n: nn.Linear(d, n),
    lambda d, n: nn.Linear(d, n, bias=d < 9 or n < 4),
    lambda d, n: nn.Linear(d, n + d // 11),
    lambda d, n: nn.Linear(d, max(3, n)),
    lambda d, n: nn.GroupNorm(2, d) if d % 2 == 0 else nn.Linear(d, n),
    lambda d, n: nn.Linear(n, d),
    lambda d, n: nn.Sequential(*[nn.Linear(d, 1) for _ in range(n)]),
    lambda d, n: nn.Bilinear(d, 1, n) if n != 5 else nn.Linear(d, n),
    lambda d, n: nn.Conv2d(d, n * 4, 1, groups=4, bias=False),
]


def test_first_differences_are_those_of_brute_force() -> None:
    counts = [symcount.derive(factory) for factory in FACTORIES]
    sizes = sorted(product(range(1, 16), repeat=2), key=lambda p: (sum(p), p))
    for left, right in product(counts, repeat=2):
        values = ((p, left._evaluated(p), right._evaluated(p)) for p in sizes)
        wanted = next(((p, a, b) for p, a, b in values if a != b), None)
        found = first_difference(left, right)
        if wanted is None:
            assert found is None
        else:
            assert found is not None and found.is_first
            assert (tuple(found.at.values()), found.left, found.right) == wanted


def test_a_difference_far_out_is_found() -> None:
    plain = symcount.derive(lambda d, n, m: nn.Linear(d, n * m))
    far = symcount.derive(lambda d, n, m: nn.Linear(d, n * m, bias=d + n + m != 70_001))
    found = first_difference(plain, far)
    assert found is not None and not found.is_first
    assert sum(found.at.values()) == 70_001
    assert found.left == plain(**found.at) and found.right == far(**found.at)


def test_the_same_written_otherwise_is_proved() -> None:
    one = symcount.derive(lambda d: nn.Linear(d, max(1, d // 4)))
    other = symcount.derive(lambda d: nn.Linear(d, d // 4 if d >= 4 else 1))
    assert one != other and first_difference(one, other) is None


def test_formulas_of_other_symbols_are_refused() -> None:
    one = symcount.derive(nn.Linear)
    with pytest.raises(symcount.ArgumentError, match="of different symbols"):
        first_difference(one, symcount.derive(nn.Linear, out_features=3))
    with pytest.raises(symcount.ArgumentError, match="in_features has other values"):
        first_difference(one, symcount.derive(nn.Linear, in_features=symcount.Symbol(min=2)))


# --- as a user does it ------------------------------------------------------------------------


def test_a_changed_line_of_an_example_factory_fails_the_command_which_names_it(
    tmp_path: Path,
) -> None:
    """Each step is a process of its own, on a copy of `examples/families.py`."""
    families = tmp_path / "families.py"
    families.write_text((ROOT / "examples" / "families.py").read_text())

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    save = "import symcount, families; symcount.derive(families.vit).save('formulas.json')"
    assert run("-c", save).returncode == 0
    check = ("-m", "symcount.cli", "check", "formulas.json")
    assert run(*check).returncode == 0

    text = families.read_text()
    start = text.index("def vit(")
    old = "hidden_size=hidden_size,"
    where = text.index(old, start)
    families.write_text(f"{text[:where]}hidden_size=2 * hidden_size,{text[where + len(old) :]}")
    line = text[:where].count("\n") + 1

    checked = run(*check)
    assert checked.returncode == 1, checked.stderr
    assert f"\n    families.py:{line}: hidden_size=2 * hidden_size,\n" in checked.stdout
    assert "formula then: " in checked.stdout and "first size: " in checked.stdout
