"""`symcount check`: what has changed is found, with the line that changed it."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from torch import nn

import symcount
from symcount import ParamCount, Symbol, derive
from symcount.catalogue.targets import resolve
from symcount.catalogue.trust import Trust
from symcount.cli.as_json import describe_finding
from symcount.drift import drift
from symcount.drift.drift import Change, Finding
from symcount.errors import UndecidedError
from symcount.export.documents import json as export_json
from symcount.questions.equality import first_difference
from tests.projects import Project, project

ROOT = Path(__file__).parents[2]

MODELS = """
    from torch import nn

    from parts import head, width

    LAYERS = 2


    def mlp(dim: int, expansion: int = 4, bias: bool = True) -> nn.Module:
        hidden = expansion * dim
        up = nn.Linear(dim, hidden, bias=bias)
        return nn.Sequential(up, nn.GELU(), nn.Linear(hidden, dim))


    def attention(dim: int, heads: int = 8) -> nn.Module:
        if dim % heads:
            raise ValueError("dim must be a multiple of heads")
        return nn.Sequential(
            nn.Linear(dim, 3 * dim, bias=False),
            nn.Linear(dim, dim),
        )


    class Tower(nn.Module):
        def __init__(self, dim: int, depth: int = 6) -> None:
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(dim, dim) for _ in range(depth))
            self.norm = nn.LayerNorm(dim)
            self.head = head(width(dim), LAYERS)
"""
PARTS = """
    from torch import nn


    def width(dim: int) -> int:
        if dim < 64:
            return 64
        return dim


    def head(dim: int, layers: int) -> nn.Module:
        return nn.Sequential(*(nn.Linear(dim, 10) for _ in range(layers)))
"""
NAMES = ("mlp", "attention", "Tower")


@pytest.fixture
def models(tmp_path: Path) -> Iterator[Project]:
    with project(tmp_path) as found:
        found.write(models=MODELS, parts=PARTS)
        yield found


# What is changed, in which file, whose formula that is, and what becomes other of it.
ONE_LINE = {
    "a layer": ("nn.Linear(dim, 3 * dim, bias=False)", "nn.Linear(dim, 2 * dim, bias=False)",
                "models.py", "attention", {"formula"}),
    "arithmetic before the layer": ("hidden = expansion * dim", "hidden = 2 * expansion * dim",
                "models.py", "mlp", {"formula"}),
    "a guard": ("if dim % heads:", "if dim % (2 * heads):",
                "models.py", "attention", {"domain"}),
    "a default": ("expansion: int = 4", "expansion: int = 3",
                "models.py", "mlp", {"defaults"}),
    "a fixed default": ("bias: bool = True", "bias: bool = False",
                "models.py", "mlp", {"formula"}),
    "a constant": ("LAYERS = 2", "LAYERS = 3",
                "models.py", "Tower", {"formula"}),
    "a loop": ("for _ in range(depth)", "for _ in range(depth + 1)",
                "models.py", "Tower", {"formula"}),
    "a branch in another file": ("if dim < 64:", "if dim < 32:",
                "parts.py", "Tower", {"formula"}),
    "a layer in another file": ("nn.Linear(dim, 10)", "nn.Linear(dim, 10, bias=False)",
                "parts.py", "Tower", {"formula"}),
    "what a name stands for": ("hidden = expansion * dim", "hidden, dim = expansion * dim, dim + 1",
                "models.py", "mlp", {"formula"}),
}  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "file", "name", "what"), list(ONE_LINE.values()), ids=list(ONE_LINE)
)
def test_a_change_of_one_line_fails_and_the_line_is_named(
    models: Project, old: str, new: str, file: str, name: str, what: set[str]
) -> None:
    models.save(*NAMES)
    assert models.check("formulas.json").exit_code == 0
    line = models.edit(old, new, file)
    text = (models.folder / file).read_text().splitlines()[line - 1].strip()
    result = models.check("formulas.json")
    assert result.exit_code == 1
    assert f"  lines that changed:\n    {file}:{line}: {text}\n\n3 formulas" in result.stdout
    assert "3 formulas checked: 1 not known to be as in the code." in result.stdout
    assert result.stdout.startswith(f"formulas.json: {name}: the code has another formula now\n")
    states = {each["name"]: each["state"] for each in models.findings("formulas.json")}
    assert states == {**dict.fromkeys(NAMES, "same"), name: "differs"}
    (found,) = models.findings("formulas.json", "--only", name)
    assert found["lines"] == [
        {
            "file": file,
            "line": line,
            "text": text,
            "change": "changed",
            "within": found["lines"][0]["within"],
        }
    ]
    assert {change["what"] for change in found["changes"]} == what


def test_a_change_of_one_line_in_an_example_is_named(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    with project(tmp_path) as models:
        shutil.copy(ROOT / "examples" / "families.py", tmp_path / "models.py")
        models.save("mobilenet_v1", depth_multiplier=1.0, min_depth=8)
        assert models.check("formulas.json").exit_code == 0
        line = models.edit("nn.Linear(widest, num_labels)", "nn.Linear(widest, 2 * num_labels)")
        text = "model.classifier = nn.Linear(widest, 2 * num_labels)"
        result = models.check("formulas.json")
        assert result.exit_code == 1
        assert f"lines that changed:\n    models.py:{line}: {text}\n\n1 formula" in result.stdout
        (found,) = models.findings("formulas.json")
        assert [(each["line"], each["text"]) for each in found["lines"]] == [(line, text)]


def test_a_layer_that_is_gone_or_new_is_named(models: Project) -> None:
    models.save("attention", "Tower")
    line = models.edit("        nn.Linear(dim, dim),\n", "")
    result = models.check("formulas.json")
    assert result.exit_code == 1
    assert f"    models.py:{line}: (a line of attention is gone)\n\n" in result.stdout
    (found, tower) = models.findings("formulas.json")
    assert tower["state"] == "same"
    assert [(each["line"], each["change"]) for each in found["lines"]] == [(line, "gone")]
    assert f"1.weight (models.py:{line}): dim**2 then, none now" in result.stdout
    models.edit(
        "        self.norm = nn", "        self.more = nn.Linear(dim, 5)\n        self.norm = nn"
    )
    text = models.check("formulas.json", "--only", "Tower").stdout
    assert "self.more = nn.Linear(dim, 5)  (new)\n\n" in text
    assert "): none then, 5*dim now" in text


def test_a_report_has_formulas_sizes_counts_and_parameters(models: Project) -> None:
    models.save("mlp")
    line = models.edit("up = nn.Linear(dim, hidden, bias=bias)", "up = nn.Linear(dim, 2 * hidden)")
    assert models.check("formulas.json").stdout == (
        "formulas.json: mlp: the code has another formula now\n"
        "  formula then: 2*dim**2*expansion + dim*expansion + dim\n"
        "           now: 3*dim**2*expansion + 2*dim*expansion + dim\n"
        "  first size: dim=1, expansion=1: 4 then, 6 now\n"
        "  parameters:\n"
        f"    0.weight (models.py:{line}): dim**2*expansion then, 2*dim**2*expansion now\n"
        f"    0.bias (models.py:{line}): dim*expansion then, 2*dim*expansion now\n"
        "  lines that changed:\n"
        f"    models.py:{line}: up = nn.Linear(dim, 2 * hidden)\n"
        "\n"
        "1 formula checked: 1 not known to be as in the code. If a change is meant, run symcount "
        "check --update.\n"
    )


def test_where_only_the_domain_moves_one_side_has_no_count(models: Project) -> None:
    models.save("attention")
    models.edit("if dim % heads:", "if dim % (2 * heads):")
    text = models.check("formulas.json").stdout
    assert (
        "  domain then: Eq(Mod(dim, heads), 0)\n          now: Eq(Mod(dim, 2*heads), 0)\n" in text
    )
    assert "  first size: dim=1, heads=1: 5 then, outside the domain now\n" in text
    (found,) = models.findings("formulas.json")
    assert found["first"] == {
        "at": {"dim": 1, "heads": 1}, "then": 5, "now": None, "is_first": True,
    }  # fmt: skip
    assert found["parameters"] == []


def test_lines_near_what_differs_come_first(models: Project) -> None:
    models.save("Tower")
    models.edit("LAYERS = 2", "LAYERS = 1 + 1")
    models.edit("def width(dim: int) -> int:", "def width(dim: int) -> float:", "parts.py")
    models.edit("nn.LayerNorm(dim)", "nn.LayerNorm(2 * dim)")
    (found,) = models.findings("formulas.json")
    assert [(each["within"], each["file"]) for each in found["lines"]] == [
        ("Tower", "models.py"), ("LAYERS", "models.py"), ("width", "parts.py"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("hidden = expansion * dim", "hidden = dim * expansion"),
        ("hidden = expansion * dim", "hidden = expansion * dim  # wide"),
        ("nn.GELU()", "nn.ReLU()"),
        ("hidden = expansion * dim", "hidden = sum([dim] * 2) * expansion - expansion * dim"),
        ("hidden = expansion * dim", "hidden = max(expansion * dim, dim)"),
        ("LAYERS = 2", "LAYERS = 3"),
    ],
)
def test_what_is_written_otherwise_is_no_difference(models: Project, old: str, new: str) -> None:
    models.save("mlp", "attention")
    models.edit(old, new)
    result = models.check("formulas.json")
    assert (result.exit_code, result.stdout) == (0, "2 formulas checked: as in the code\n")


def test_what_is_proved_to_be_the_same_is_no_difference_though_it_reads_otherwise(
    models: Project,
) -> None:
    models.edit("hidden = expansion * dim", "hidden = max(8, dim)")
    models.save("mlp")
    models.edit("hidden = max(8, dim)", "hidden = dim if dim > 8 else 8")
    now = derive(resolve("models.py:mlp").factory)
    assert str(now) != str(symcount.load("formulas.json")["mlp"])
    assert models.check("formulas.json").exit_code == 0


def test_all_are_checked_whatever_happens_to_one(models: Project) -> None:
    models.write(
        more="""
        from torch import nn
        def gone(d: int): return nn.Linear(d, d)
        def raises(d: int): return nn.Linear(d, d)
        def exits(d: int): return nn.Linear(d, d)
        def lazy(d: int): return nn.Linear(d, d)
        def other(d: int): return nn.Linear(d, d)
        def fine(d: int): return nn.Linear(d, d)
        """
    )
    names = ("gone", "raises", "exits", "lazy", "other", "fine")
    formulas = {n: derive(resolve(f"more.py:{n}").factory) for n in names}
    symcount.save("formulas.json", formulas)
    models.write(
        more="""
        from torch import nn
        def raises(d: int): raise ValueError("never")
        def exits(d: int): raise SystemExit(3)
        def lazy(d: int): return nn.LazyLinear(d)
        def other(width: int): return nn.Linear(width, width)
        def fine(d: int): return nn.Linear(d, d)
        """
    )
    result = models.check("formulas.json")
    assert result.exit_code == 1
    states = {each["name"]: each["state"] for each in models.findings("formulas.json")}
    assert states == {**dict.fromkeys(names, "broken"), "fine": "same"}
    for text in (
        "gone: the code has no formula any more\n  lines that changed:\n"
        "    more.py:2: (a line of gone is gone)\n  more.py has no 'gone'",
        'more.py:2: def raises(d: int): raise ValueError("never")\n',
        "ValueError: never",
        "  the factory ends the process: SystemExit: 3\n",
        "more.py:4: def lazy(d: int): return nn.LazyLinear(d)\n",
        "other has no parameter 'd'; its parameters are: width",
    ):
        assert text in result.stdout


def test_a_module_that_cannot_be_imported_is_said_with_its_line(models: Project) -> None:
    models.save("mlp")
    models.edit("LAYERS = 2", "LAYERS = 1 / 0")
    result = models.check("formulas.json")
    assert result.exit_code == 1
    assert "models.py:5 raised\n    ZeroDivisionError: division by zero" in result.stdout
    assert "lines that changed" not in result.stdout  # nothing is known of them
    assert "mlp: its code cannot be imported\n  models.py cannot be imported: " in result.stdout
    assert "no formula any more" not in result.stdout


def test_from_another_folder_the_import_fails_and_not_the_formula(
    models: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models.save("mlp")
    stored = Path("formulas.json").resolve()
    stored.write_text(stored.read_text().replace("models.py:mlp", "own_models:mlp"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setattr(sys, "path", [p for p in sys.path if not p.startswith(str(tmp_path))])
    result = models.check(str(stored))
    assert result.exit_code == 1
    assert "mlp: its code cannot be imported\n" in result.stdout
    assert "no module 'own_models' on the import path" in result.stdout
    assert "Check it where own_models can be imported: in the folder where the" in result.stdout
    assert "no formula any more" not in result.stdout
    assert "save the formulas again" not in result.stdout
    assert "--update" not in result.stdout
    (finding,) = models.findings(str(stored))
    assert finding["state"] == "unimported"


def test_a_package_that_the_factory_needs_and_is_not_there_is_an_import_that_failed(
    models: Project,
) -> None:
    models.save("mlp")
    models.edit("    hidden = expansion * dim", "    import not_there_at_all\n    hidden = dim")
    text = models.check("formulas.json").stdout
    assert "mlp: its code cannot be imported\n" in text
    assert "No module named 'not_there_at_all'" in text
    assert "Check it where not_there_at_all can be imported" in text


def test_a_defect_of_ours_is_called_one(models: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    models.save("mlp", "attention")
    first = iter([True])
    derived_again = drift._derived_again

    def once(*given: Any) -> Any:
        if next(first, False):
            raise KeyError("key")
        return derived_again(*given)

    monkeypatch.setattr(drift, "_derived_again", once)
    result = models.check("formulas.json")
    assert "  KeyError: 'key'\n  This is a defect of symcount; please report it.\n" in result.stdout
    assert "2 formulas checked: 1 not known" in result.stdout


# --- what cannot be checked -------------------------------------------------------------------


def without_origin(count: ParamCount) -> ParamCount:
    return ParamCount(replace(count.formula, origin=None))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda f: derive(lambda d: f(d)), "its factory has no name to find it by"),
        (lambda f: without_origin(derive(f)), "it is not known how it was derived"),
        (lambda f: derive(f, bias=object()), "a file cannot hold the values that were given"),
        (lambda f: derive(f).substitute(dim=64), "it was rewritten, by substitute() or rename()"),
        (lambda f: derive(f).rename(dim="d"), "it was rewritten, by substitute() or rename()"),
    ],
)  # fmt: skip
def test_what_cannot_be_checked_is_a_failure_with_the_reason(
    models: Project, make: Any, reason: str
) -> None:
    factory = resolve("models.py:mlp").factory
    symcount.save("formulas.json", {"it": make(factory)})
    result = models.check("formulas.json")
    assert result.exit_code == 1
    assert f"formulas.json: it: cannot be checked\n  {reason}" in result.stdout


def test_measures_and_selections_are_checked_as_they_are(models: Project) -> None:
    whole = derive(resolve("models.py:Tower").factory)
    formulas = {"bytes": whole.nbytes, "buffers": whole.buffers, "norm": whole.select("norm")}
    symcount.save("formulas.json", formulas)
    assert models.check("formulas.json").exit_code == 0
    models.edit("nn.LayerNorm(dim)", "nn.LayerNorm(dim, bias=False)")
    states = {each["name"]: each["state"] for each in models.findings("formulas.json")}
    assert states == {"bytes": "differs", "buffers": "same", "norm": "differs"}


def test_a_selection_is_not_taken_for_that_of_other_parameters(models: Project) -> None:
    whole = derive(resolve("models.py:Tower").factory)
    symcount.save("formulas.json", {"norm": whole.select("norm")})
    models.edit(
        "nn.LayerNorm(dim)",
        "nn.LayerNorm(dim); self.norm.scale = nn.Parameter(self.norm.bias.new_empty(3))",
    )
    (found,) = models.findings("formulas.json")
    assert found["state"] == "unchecked"
    assert "the module has parameters of other names now" in found["reason"]


def test_a_lower_grade_is_a_difference_and_a_higher_one_is_not(models: Project) -> None:
    models.save("mlp", "attention")
    path = models.folder / "formulas.json"
    lowered = path.read_text().replace('"grade":"complete"', '"grade":"checked"')
    assert lowered != path.read_text()
    complete = symcount.load(path)["mlp"]
    path.write_text(lowered)
    assert symcount.load(path)["mlp"].certificate.grade == "checked"
    assert models.check("formulas.json").exit_code == 0
    certificate = replace(complete.certificate, grade="checked")
    checked = ParamCount(replace(complete.formula, certificate=certificate))
    assert drift._compared(complete, checked) == (
        (Change("grade", "complete", "checked"),),
        None,
        "",
    )


def test_a_file_does_not_say_for_how_long_it_is_derived(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []
    origins = [derive(nn.Linear, max_seconds=seconds).origin for seconds in (7, 1e9)]
    monkeypatch.setattr(
        symcount.api, "derive", lambda _, max_seconds, **__: given.append(max_seconds)
    )
    for origin in origins:
        drift._derived_again(origin, Trust())
    assert given == [21, 300]


def test_undecided_is_a_difference(models: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    models.save("mlp")

    def undecided(*formulas: Any) -> None:
        raise UndecidedError("neither proved nor refuted")

    monkeypatch.setattr(drift, "first_difference", undecided)
    result = models.check("formulas.json")
    assert result.exit_code == 1
    assert "  neither proved nor refuted\n" in result.stdout
    assert "no line of the factory's own code is known to have changed" in result.stdout


def test_a_float_is_not_an_integer_symbol(models: Project) -> None:
    models.save("mlp")
    stored = symcount.load("formulas.json")["mlp"]
    factory = resolve("models.py:attention").factory

    def scaled(dim: int, expansion: float = 4.0):
        return nn.Linear(dim, int(dim * expansion))

    now = derive(scaled, expansion=Symbol(real=True, min=1))
    changed, first, _ = drift._compared(stored, now)
    assert first is None and "symbols" in {change.what for change in changed}
    assert drift._compared(stored, derive(factory))[0][0].what == "symbols"


def test_other_versions_are_said_where_something_differs(models: Project) -> None:
    models.save("mlp")
    path = models.folder / "formulas.json"
    path.write_text(path.read_text().replace('"symcount":"', '"symcount":"0.0.9-'))
    assert models.check("formulas.json").exit_code == 0
    models.edit("expansion: int = 4", "expansion: int = 5")
    version = symcount.__version__
    assert (
        f"  symcount was 0.0.9-{version}, and is {version}\n"
        in models.check("formulas.json").stdout
    )


def test_models_of_configs_are_checked_with_the_lines_of_both(models: Project) -> None:
    models.write(
        models="""
        from torch import nn

        class Config:
            def __init__(self, width: int = 64, ratio: int = 4, **unused) -> None:
                self.width = width
                self.hidden = ratio * width

        class Model(nn.Module):
            def __init__(self, config) -> None:
                super().__init__()
                self.up = nn.Linear(config.width, config.hidden)
        """
    )
    model, config = (resolve(f"models.py:{n}").factory for n in ("Model", "Config"))
    count = symcount.from_config(model, config, symbols=["width"])
    symcount.save("formulas.json", {"model": count})
    assert models.check("formulas.json").exit_code == 0
    line = models.edit("self.hidden = ratio * width", "self.hidden = ratio * width + 1")
    text = models.check("formulas.json").stdout
    assert f"lines that changed:\n    models.py:{line}: self.hidden = ratio * width + 1\n\n" in text


# --- the command ------------------------------------------------------------------------------


def test_folders_are_searched_for_files_of_formulas(models: Project) -> None:
    (models.folder / "docs" / ".hidden").mkdir(parents=True)
    models.save("mlp", file="docs/a.json")
    models.save("attention", file="docs/.hidden/b.json")
    (models.folder / "docs" / "c.json").write_text('{"format": "another"}')
    (models.folder / "docs" / "d.json").write_text(
        json.dumps(json.loads((models.folder / "docs" / "a.json").read_text()), indent=4)
    )
    assert models.check("docs", "docs/a.json").stdout == "2 formulas checked: as in the code\n"
    (models.folder / "docs" / "d.json").unlink()
    assert [each["file"] for each in models.findings("docs")] == ["docs/a.json"]
    assert models.check("docs/.hidden").stdout == "1 formula checked: as in the code\n"


def test_files_that_are_damaged_are_named_and_the_others_checked(models: Project) -> None:
    models.save("mlp", "attention", file="a.json")
    text = (models.folder / "a.json").read_text()
    (models.folder / "b.json").write_text(text[:-20])
    (models.folder / "c.json").write_text(text.replace('"leaf":"built"', '"leaf":"made"', 1))
    result = models.check(".")
    assert result.exit_code == 1
    assert "b.json: cannot be checked\n  b.json: " in result.stdout
    assert "c.json: mlp: cannot be checked\n  c.json: formulas[0].tree[0].leaf" in result.stdout
    assert "5 formulas checked: 2 not known" in result.stdout
    # a file that cannot be read may hold the formula that is asked for
    result = models.check(".", "--only", "attention")
    assert (result.exit_code, "3 formulas checked: 1 not known" in result.stdout) == (1, True)


def test_misuse(models: Project) -> None:
    models.save("mlp")
    for arguments, said in (
        ([], "Missing argument 'PATHS...'"),
        (["none.json"], "'none.json' does not exist"),
        (["formulas.json", "--only", "mpl"], "no formula has this name; did you mean 'mlp'?"),
    ):  # fmt: skip
        result = models.check(*arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        assert said in result.stderr
    (models.folder / "notes.py").write_text("")
    assert "notes.py is source code; check takes files" in models.check("notes.py").stderr
    (models.folder / "empty").mkdir()
    assert "the folder empty has no file of formulas" in models.check("empty").stderr


def test_json_has_nothing_that_a_finding_has_not(models: Project) -> None:
    models.save("mlp")
    models.edit("hidden = expansion * dim", "hidden = 2 * dim")
    (found,) = models.findings("formulas.json")
    assert set(found) == {"file", "updated", *Finding.__dataclass_fields__} - {"now"}
    (finding,) = drift.check(symcount.load("formulas.json"))
    described = describe_finding(Path("formulas.json"), finding)
    assert json.loads(export_json.dump(described)) == found
    stored = symcount.load("formulas.json")["mlp"]
    now = derive(resolve("models.py:mlp").factory)
    assert finding.first == first_difference(stored, now)
