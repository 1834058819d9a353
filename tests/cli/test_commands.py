"""The command line: what it prints, what it exits with, and what it says of mistakes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from torch import nn

import symcount
from symcount.blueprints import cnn, transformer  # noqa: F401
from symcount.catalogue.audit import audit
from symcount.catalogue.registry import entry
from symcount.catalogue.targets import resolve, seeds
from symcount.cli import main
from symcount.cli.as_json import describe_audit
from symcount.export import FORMATS
from symcount.export.documents import json as export_json
from symcount.export.languages.sql import DIALECTS
from tests.reference import SEEDS

ROOT = Path(__file__).parents[2]
TICKETS = str(ROOT / "examples" / "tickets.py")

MODELS = """
    from torch import nn
    from symcount import BlueprintRegistry

    def mlp(dim: int, expansion: int = 4, bias: bool = True, depths=(2, 2), act: str = "gelu"):
        layers = [nn.Linear(dim, expansion * dim, bias=bias) for _ in depths]
        return nn.Sequential(*layers, nn.GELU() if act == "gelu" else nn.ReLU())

    def stage(dim: int):
        if dim % 8:
            raise ValueError("dim must be a multiple of 8")
        return nn.Sequential(*(nn.Linear(dim, dim, bias=False) for _ in range(3)))

    registry = BlueprintRegistry()
    registry.register("stage", "own", 12_288)(stage)
"""


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current directory with `models.py` in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "models.py").write_text(dedent(MODELS))
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def output_of(*arguments: str) -> str:
    result = run(*arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def json_of(*arguments: str) -> Any:
    return json.loads(output_of(*arguments, "--json"))


def error_of(*arguments: str) -> str:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    return result.stderr


def cells(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


# --- derive -----------------------------------------------------------------------------------


def test_derive_shows_formula_symbols_domain_breakdown_and_values() -> None:
    text = output_of("derive", "cnn:attention", "--at", "dim=64,512")
    assert text.startswith("cnn:attention\n\n  2*dim*Max(1, floor(dim/reduction)) + dim\n")
    for row in (
        ["symbol", "dim", ">=", "1"],
        ["symbol", "reduction", ">=", "1,", "4", "by", "default"],
        ["domain", "all", "positive", "integers"],
        ["excite", *"Linear dim*Max(1, floor(dim/reduction)) + dim 1,088 51.5%".split()],
        ["bias", "dim", "64", "3.0%"],
        *cells("counts and shares are those at dim=64, reduction=4"),
        ["64", "4", "2,112"],
        ["512", "4", "131,584"],
    ):
        assert row in cells(text)
    grade = resolve("cnn:attention").spec.param_count.certificate.grade
    assert f"\ncertificate  {grade}: " in text


def test_derive_gives_layers_that_are_alike_one_row(models: Path) -> None:
    text = output_of("derive", "models.py:stage")
    assert "  0 to 2, each  Linear      dim**2" in text
    assert "Eq(Mod(dim, 8), 0)" in text


def test_a_symbol_may_be_called_as_an_option_is(models: Path) -> None:
    (models / "deep.py").write_text(
        "from torch import nn\n\n\ndef deep(depth, at=3):\n    return nn.Linear(depth, at)\n"
    )
    text = output_of("derive", "deep.py:deep", "--depth", "0", "--at", "depth=5", "--at", "at=2")
    assert "counts and shares are those at depth=5, at=2" in text


def test_derive_shows_what_was_fixed_in_one_row(models: Path) -> None:
    text = output_of("derive", "models.py:mlp", "--set", "bias=False", "--set", "act=relu")
    (row,) = (line for line in text.splitlines() if line.startswith("fixed"))
    assert {"bias=False", "act='relu'"} <= set(row.removeprefix("fixed").strip().split(", "))


def test_derive_as_json() -> None:
    document = json_of("derive", "cnn:attention", "--at", "dim=64,512", "--at", "reduction=2,4")
    assert document["target"] == "cnn:attention"
    assert document["formula"] == "2*dim*Max(1, floor(dim/reduction)) + dim"
    assert [(v["at"]["dim"], v["at"]["reduction"], v["count"]) for v in document["values"]] == [
        (64, 2, 4160),
        (64, 4, 2112),
        (512, 2, 262_656),
        (512, 4, 131_584),
    ]


def test_values_of_a_repeated_option_are_joined() -> None:
    values = json_of("derive", "cnn:norm", "--at", "dim=64", "--at", "dim=512")["values"]
    assert [value["count"] for value in values] == [129, 1025]


def test_integers_in_json_are_exact() -> None:
    (value,) = json_of("derive", "cnn:conv_heavy", "--at", f"dim={10**30}")["values"]
    assert value["count"] == 18 * 10**60 + 4 * 10**30


def test_value_outside_the_domain_has_a_reason(models: Path) -> None:
    text = output_of("derive", "models.py:stage", "--at", "dim=16,17")
    assert ["16", "768"] in cells(text)
    assert "dim=17 is outside the domain of stage: Eq(Mod(dim, 8), 0) fails" in text
    inside, outside = json_of("derive", "models.py:stage", "--at", "dim=16,17")["values"]
    assert (inside["count"], inside["reason"], outside["count"]) == (768, None, None)
    assert "dim must be a multiple of 8" in outside["reason"]


def test_values_at_the_defaults_where_all_have_one() -> None:
    assert json_of("derive", "torch.nn:Linear")["values"] == []
    settings = ("--set", "in_features=3", "--symbol", "out_features")
    assert json_of("derive", "torch.nn:Linear", *settings)["values"] == []
    arguments = ("examples.vision_families:mobilenet_v2",)
    if _is_installed("torchvision"):
        assert json_of("derive", *arguments)["values"][0]["count"] == 3_504_872


def _is_installed(name: str) -> bool:
    from importlib.util import find_spec

    return find_spec(name) is not None


@pytest.mark.parametrize(
    ("settings", "formula", "fixed"),
    [
        ([], "2*dim**2*expansion + 2*dim*expansion", {}),
        (["bias=False"], "2*dim**2*expansion", {"bias": "False"}),
        (["expansion=3", "bias=False"], "6*dim**2", {"expansion": "3", "bias": "False"}),
        (["depths=(1,1,1)", "expansion=1"], "3*dim**2 + 3*dim", {"depths": "(1, 1, 1)"}),
        (["act=relu"], "2*dim**2*expansion + 2*dim*expansion", {"act": "'relu'"}),
        (["act='false'"], "2*dim**2*expansion + 2*dim*expansion", {"act": "'false'"}),
    ],
)
def test_set_takes_python_literals_and_strings(
    settings: Sequence[str], formula: str, fixed: dict[str, str], models: Path
) -> None:
    options = [part for setting in settings for part in ("--set", setting)]
    document = json_of("derive", "models.py:mlp", *options)
    assert document["formula"] == formula
    assert fixed.items() <= document["fixed"].items()


def test_symbol_limits_one_and_leaves_the_rest(models: Path) -> None:
    document = json_of(
        "derive", "models.py:mlp", "--symbol", "dim:min=64,max=512,multiple_of=64", "--symbol=bias"
    )
    assert [(s["name"], s["min"], s["max"], s["multiple_of"]) for s in document["symbols"]] == [
        ("dim", 64, 512, 64),
        ("expansion", 1, None, 1),
        ("bias", 1, None, 1),
    ]


CONFIGURED = """
    import logging
    from torch import nn

    class Config:
        def __init__(self, width=8, layers=2, padding=0, act="gelu", inside=None):
            self.width, self.layers = width, layers
            self.depth = (inside or {}).get("depth", 1)
            if width < 8:
                logging.getLogger("models").warning("such a small width")

    class Model(nn.Module):
        def __init__(self, config):
            super().__init__()
            self.layers = nn.ModuleList(
                nn.Linear(config.width, config.width, bias=False) for _ in range(config.layers)
            )
            self.more = nn.Linear(config.depth, 1, bias=False)

    def small(pretrained=False, **kwargs):
        return Net(**{"width": 4, **kwargs})

    class Net(nn.Module):
        def __init__(self, width: int = 8, classes: int = 10, lazy: int = 1):
            super().__init__()
            self.head = nn.Linear(width, classes)
            if lazy > 1:
                self.tail = nn.Linear(ord("lazy"[lazy % 4]), 2)

    def lazy(out=3):
        return nn.LazyLinear(out)
"""


@pytest.fixture
def configured(models: Path) -> Path:
    (models / "models.py").write_text(dedent(CONFIGURED))
    return models


# --- configs, and all symbols -----------------------------------------------------------------


@pytest.mark.parametrize("config", ["Config", "models.py:Config"])
def test_derive_with_a_config(config: str, configured: Path) -> None:
    options = ("--config", config, "--symbol", "width:multiple_of=2", "--symbol", "layers")
    document = json_of("derive", "models.py:Model", *options, "--set", "act=relu")
    assert document["formula"] == "layers*width**2 + 1"
    assert document["fixed"] == {"act": "'relu'"}
    assert [(s["name"], s["multiple_of"], s["default"]) for s in document["symbols"]] == [
        ("width", 2, 8),
        ("layers", 1, 2),
    ]
    assert [value["count"] for value in document["values"]] == [129]


def test_derive_with_a_config_inside(configured: Path) -> None:
    options = ("--config", "Config", "--set", "inside={'depth': 5}", "--symbol", "layers")
    assert json_of("derive", "models.py:Model", *options)["formula"] == "64*layers + 5"


def test_what_a_factory_logs_is_not_shown(configured: Path) -> None:
    code = "from symcount.cli import main; main()"
    arguments = ["derive", "models.py:Model", "--config", "Config", "--symbol", "width"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert "2*width**2 + 1" in done.stdout
    assert done.stderr == ""


def test_what_a_factory_logs_and_warns_of_is_shown_on_request(tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text(
        "import logging, warnings\nfrom torch import nn\n\n\ndef loud(dim: int):\n"
        "    logging.getLogger('x').warning('logged %d', dim)\n    warnings.warn('warned')\n"
        "    return nn.Linear(dim, 1)\n"
    )

    def run_in(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "symcount", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default"},
        )

    quiet, loud = run_in("derive", "loud.py:loud"), run_in("derive", "loud.py:loud", "-v")
    assert "\n  dim + 1\n" in quiet.stdout and "\n  dim + 1\n" in loud.stdout
    assert quiet.stderr == ""
    assert "logged 4" in loud.stderr and "UserWarning: warned" in loud.stderr


def test_symbols_that_a_function_hands_on(configured: Path) -> None:
    options = ("--symbol", "classes", "--symbol", "width")
    assert json_of("derive", "models.py:small", *options)["formula"] == "classes*width + classes"


def test_all_symbols_of_a_function_that_hands_them_on(configured: Path) -> None:
    text = output_of("derive", "models.py:small", "--all-symbols")
    assert "  classes*width + classes\n" in text
    rows = cells(text)
    assert ["symbol", "width", ">=", "1,", "4", "by", "default"] in rows
    assert ["width", "yes"] in rows
    (refused,) = (row for row in rows if row[:2] == ["lazy", "no:"])
    assert "lazy" in " ".join(refused[2:])


def test_all_symbols_of_a_config(configured: Path) -> None:
    options = ("--config", "Config", "--all-symbols", "--symbol", "width:multiple_of=8")
    document = json_of("derive", "models.py:Model", *options)
    assert document["formula"] == "layers*width**2 + 1"
    assert document["kept"] == ["width", "layers"]
    assert document["refused"] == {"padding": "0 by default, which is no positive integer"}
    assert document["symbols"][0]["multiple_of"] == 8


def test_package_is_searched_for_its_models(models: Path) -> None:
    (models / "zoo" / "models").mkdir(parents=True)
    (models / "zoo" / "__init__.py").write_text("")
    (models / "zoo" / "models" / "__init__.py").write_text("from torch.nn import Linear")
    assert json_of("derive", "zoo:Linear")["formula"] == "in_features*out_features + out_features"
    assert "zoo has no 'Linaer'" in error_of("derive", "zoo:Linaer")


def test_seconds_limit_the_derivation(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []
    count = resolve("cnn:norm").spec.param_count

    def derive(factory: object, *, max_seconds: float = 0, **_: object) -> symcount.ParamCount:
        given.append(max_seconds)
        return count

    monkeypatch.setattr("symcount.api.derive", derive)
    monkeypatch.setattr("symcount.catalogue.all_symbols.derive", derive)
    output_of("derive", "models.py:mlp", "--max-seconds", "1.5")
    output_of("derive", "models.py:mlp", "--max-seconds", "2", "--all-symbols")
    output_of("export", "models.py:mlp")
    assert [seconds for seconds in given if seconds] == [1.5, 2.0, 60.0]


# --- list -------------------------------------------------------------------------------------


def test_list_shows_the_seeds_with_exact_counts() -> None:
    text = output_of("list", "--at", "64,512")
    by_first = {row[0]: row for row in cells(text) if row}
    for seed in SEEDS:
        topology, name = seed.name.split(":")
        if topology == "transformer":  # the later table; its names come twice
            assert by_first[name][-2:] == [f"{seed.counts[2]:,}", f"{seed.counts[5]:,}"]


def test_list_as_json_of_one_topology() -> None:
    document = json_of("list", "--topology", "transformer", "--at", "30,64")
    by_key = {spec["blueprint"]: spec for spec in document}
    assert set(by_key) == {s.key for s in seeds() if s.topology == "transformer"}
    assert by_key["transformer:attention"]["counts"] == {"30": None, "64": 16_640}
    assert by_key["transformer:lora"]["formula"] == "2*dim*rank"


def test_list_of_a_module(models: Path) -> None:
    assert ["stage", "3*dim**2", "Eq(Mod(dim,", "8),", "0)", "12,288", "786,432"] in cells(
        output_of("list", "models.py")
    )


# --- audit ------------------------------------------------------------------------------------


def test_audit_of_the_sixteen_constants_exits_with_1() -> None:
    result = run("audit", TICKETS)
    assert (result.exit_code, result.stderr) == (1, "")
    lines = result.stdout.splitlines()
    assert lines[3].split()[:2] == ["cnn:attention", "2,000"]
    assert "131,584" in lines[3]
    assert "65.8x" in lines[4]
    assert "14 of 16 estimates are off by more than 1.1x at some size" in lines
    assert (
        "cnn: bottleneck is declared cheaper than depthwise, and is dearer at 16, 384, 512, 4096"
        in lines
    )


def test_audit_as_json() -> None:
    result = run("audit", TICKETS, "--json", "--at", "16,512")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    findings = {finding["blueprint"]: finding for finding in document["findings"]}
    reading = findings["cnn:attention"]["readings"][1]
    assert (reading["size"], reading["count"]) == (512, 131_584)
    assert reading["times_off"] == pytest.approx(65.792)
    assert document["exceeding"] == 14
    assert document["rankings"][0]["swaps"] == [
        {"declared_cheaper": "bottleneck", "declared_dearer": "depthwise", "sizes": [16, 512]}
    ]
    assert document["rankings"][0]["true"]["512"][:2] == ["noop", "norm"]


def test_infinitely_off_is_null_in_json() -> None:
    registry = symcount.BlueprintRegistry()
    registry.register("noop", "cnn", 5)(lambda dim: nn.Identity())
    document = json.loads(export_json.dump(describe_audit(audit(registry, (64,)))))
    assert document["findings"][0]["exceeds"] is True
    assert document["findings"][0]["readings"] == [
        {"size": 64, "count": 0, "times_off": None, "reason": None}
    ]


def test_audit_within_the_tolerance_exits_with_0(models: Path) -> None:
    assert "0 of 1 estimates are off by more than 1.1x" in output_of(
        "audit", "models.py", "--at", "64"
    )
    assert run("audit", "models.py", "--at", "64,72").exit_code == 1
    output_of("audit", "models.py", "--at", "64,72", "--tolerance", "1.3")


def test_audit_says_where_there_is_no_count(models: Path) -> None:
    text = output_of("audit", "models.py", "--at", "63,64")
    assert "own:stage has no count at 63: dim=63 is outside the domain of stage" in text


def test_audit_of_blueprints_without_estimates() -> None:
    text = output_of("audit", "symcount.blueprints.cnn")
    assert "no blueprint declares an estimate: there is nothing to audit" in text
    assert "without an estimate: cnn:noop, cnn:norm" in text


# --- export -----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
def test_export_is_what_the_format_renders(form: str) -> None:
    count = resolve("cnn:norm").spec.param_count
    assert output_of("export", "cnn:norm", "--format", form) == FORMATS[form].render_count(
        count.formula, title="cnn:norm"
    )
    registry = ("--registry", "symcount.blueprints.cnn")
    assert output_of("export", *registry, "--format", form) == FORMATS[form].render_registry(
        entry(spec) for spec in seeds() if spec.topology == "cnn"
    )


def test_export_knows_every_format_and_dialect() -> None:
    options = {option.opts[-1]: option for option in main.commands["export"].params}
    assert list(options["--format"].type.choices) == list(FORMATS)
    assert list(options["--dialect"].type.choices) == list(DIALECTS)


def test_export_in_a_dialect() -> None:
    text = output_of("export", "cnn:norm", "--format", "sql", "--dialect", "spark")
    count = resolve("cnn:norm").spec.param_count
    assert text == DIALECTS["spark"].render_count(count.formula, title="cnn:norm")
    assert "DECIMAL(38, 0)" in text


def test_export_as_json() -> None:
    assert json_of("export", "cnn:norm")["formula"] == "2*dim + 1"


def test_export_takes_settings(models: Path) -> None:
    text = output_of("export", "models.py:mlp", "--set", "bias=False", "--set", "expansion=1")
    assert r"$2 \thinspace \mathrm{dim}^{2}$" in text


def test_export_writes_a_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "counts.md"
    path.write_text("old")
    assert output_of("export", "cnn:norm", "-o", str(path)) == ""
    assert path.read_text() == output_of("export", "cnn:norm")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", sorted(main.commands))
def test_the_documentation_names_every_option(name: str) -> None:
    pages = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
    _, _, text = pages.partition(f"## `symcount {name}`\n")
    section, _, _ = text.partition("\n## ")
    for option in main.commands[name].params:
        if isinstance(option, click.Option):
            assert any(o in section for o in option.opts), f"docs/cli.md: {name} {option.opts}"


def test_failed_export_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "counts.md"
    path.write_text("old")

    def fill_the_disk(draft: Path, content: bytes) -> None:
        with draft.open("wb") as file:
            file.write(content[:5])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fill_the_disk)
    assert f"Error: cannot write {path}: No space left on device" in error_of(
        "export", "cnn:norm", "-o", str(path)
    )
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("where", ["missing/counts.md", "file/counts.md"])
def test_file_that_cannot_be_written_is_named(where: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    path = tmp_path / where
    assert f"Error: cannot write {path}: " in error_of("export", "cnn:norm", "-o", str(path))


# --- mistakes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["derive", "cnn:atention"],
            "error: no blueprint cnn:atention; did you mean 'attention'?\n  cnn has: attention, "
            "bottleneck, conv_heavy, conv_light, conv_small, depthwise, noop, norm\n",
        ),
        (
            ["list", "--topology", "cn"],
            "error: no topology 'cn' in symcount.blueprints; did you mean 'cnn'?\n"
            "  it has: cnn, transformer\n",
        ),
        (
            ["derive", "torch.nn:Linear", "--at", "in_features=3"],
            "error: Linear(in_features, out_features) needs a value for 'out_features'\n",
        ),
        (
            ["derive", "cnn:norm", "--at", "width=3"],
            "error: create_norm(dim) has no symbol 'width'\n",
        ),
        (
            ["audit", "math"],
            "error: math has no estimates: neither does it register blueprints, nor has it a list "
            "or mapping of entries with a callable and a number. Where an entry has several, say "
            "which: --factory FIELD --estimate FIELD\n",
        ),
    ],
)
def test_error_is_told_without_a_traceback(arguments: Sequence[str], message: str) -> None:
    assert error_of(*arguments) == message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["derive", "cnn:norm", "--set", "dim"], "'dim': write name=value"),
        (
            ["derive", "torch.nn:Linear", "--set", "bias=false"],
            "'bias=false': write False, or \"'false'\"",
        ),
        (
            ["derive", "cnn:norm", "--symbol", "dim:most=3"],
            "'most=3': write min=n, max=n, multiple_of=n or real",
        ),
        (
            ["derive", "cnn:norm", "--symbol", "dim:min=-3"],
            "'min=-3': write min=n, max=n, multiple_of=n or real",
        ),
        (
            ["derive", "cnn:norm", "--at", "64"],
            "'64': write the symbol too, such as dim=64,512",
        ),
        (["list", "--at", "64,x"], "'64,x': write whole numbers, such as 64,512"),
        (
            ["derive", "cnn:norm", "--set", "dim=3", "--symbol", "dim"],
            "--set dim fixes what --symbol dim keeps symbolic",
        ),
        (["export"], "give either a TARGET or --registry MODULE"),
        (["export", "cnn:norm", "--dialect", "spark"], "--dialect is for --format sql"),
        (
            ["export", "cnn:norm", "--registry", "symcount.blueprints.cnn"],
            "give either a TARGET or --registry MODULE",
        ),
        (
            ["export", "--registry", "symcount.blueprints.cnn", "--set", "dim=3"],
            "--set, --symbol and --config are for a TARGET, not for a registry",
        ),
    ],
)
def test_wrong_usage_says_what_to_write(arguments: Sequence[str], message: str) -> None:
    assert error_of(*arguments).rstrip().endswith(message)


def test_debug_raises_the_error_itself() -> None:
    result = run("--debug", "derive", "cnn:nothing")
    assert isinstance(result.exception, symcount.TargetError)


def test_defect_is_called_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symcount.catalogue.targets.resolve", lambda target: {}["key"])
    assert error_of("derive", "cnn:norm") == (
        "error: KeyError: 'key'\n  This is a defect of symcount. `symcount --debug ...` shows "
        "where; please report it.\n"
    )


# --- help, colours, processes -----------------------------------------------------------------


def test_mistakes_with_configs_and_all_symbols_are_told(configured: Path) -> None:
    assert "with --config, say what to keep: --symbol NAME, or --all-symbols" in error_of(
        "derive", "models.py:Model", "--config", "Config"
    )
    assert "models.py has no 'Confg'; did you mean 'Config'?" in error_of(
        "derive", "models.py:Model", "--config", "Confg", "--symbol", "width"
    )
    assert "Config has no keyword 'widht'; did you mean 'width'?" in error_of(
        "derive", "models.py:Model", "--config", "Config", "--symbol", "widht"
    )
    text = error_of("derive", "models.py:lazy", "--all-symbols")
    assert "models.py:lazy: none of its integers can be kept symbolic\n  out: " in text


@pytest.mark.parametrize("command", main.commands)
def test_help_cuts_no_line(command: str) -> None:
    (line,) = re.findall(rf"^  {command} +(.*)$", output_of("--help"), re.MULTILINE)
    assert line.endswith(".") and not line.endswith("...")


@pytest.mark.parametrize("command", main.commands)
def test_help_has_examples(command: str) -> None:
    text = output_of(command, "--help")
    assert f"Examples:\n    symcount {command}" in text
    assert "--json" in text or command in (
        "explore",
        "completion",
        "save",
    )  # which are for no program


# --- show -------------------------------------------------------------------------------------


@pytest.fixture
def stored(tmp_path: Path) -> str:
    file = tmp_path / "formulas.json"
    symcount.blueprints.save(file)
    return str(file)


def test_verify_says_what_is_proved(stored: str) -> None:
    text = output_of("verify", stored, "cnn:attention", "cnn:norm")
    first, second = (line for line in text.splitlines() if not line.startswith(" "))
    assert re.match(r"cnn:attention: holds at \d+ points; \d+ claims, \d+ proved by z3", first)
    assert second.startswith("cnn:norm: ")
    (report,) = json_of("verify", stored, "cnn:norm")
    assert report["name"] == "cnn:norm" and report["wrong"] == report["unknown"] == []
    assert report["proved"]["z3"] == report["claims"] > 0


def test_verify_fails_where_something_contradicts_a_formula(stored: str, tmp_path: Path) -> None:
    path = tmp_path / "changed.json"
    path.write_text(Path(stored).read_text().replace('"counts":[', '"counts":[1', 1))
    result = run("verify", str(path))
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout.count("WRONG: it counts ") == 1
    reports = json.loads(run("verify", str(path), "--json").stdout)
    assert [bool(report["wrong"]) for report in reports].count(True) == 1


def test_verify_refuses_what_is_no_file_of_formulas(stored: str, tmp_path: Path) -> None:
    assert f"{stored}: it has no formula 'cnn:other'" in error_of("verify", stored, "cnn:other")
    path = tmp_path / "other.json"
    path.write_text("{}")
    assert f"{path}: this is no file of formulas" in error_of("verify", str(path))
    assert "No such file" in error_of("verify", str(tmp_path / "none.json"))


def test_show_lists_what_is_stored(stored: str) -> None:
    rows = cells(output_of("show", stored))
    rows = [row for row in rows if row]
    assert rows[0] == ["name", "formula", "domain"]
    assert [row[0] for row in rows[2:]] == [spec.key for spec in symcount.blueprints]
    assert ["cnn:norm", "2*dim", "+", "1", "all"] in rows


def test_show_cuts_long_formulas_in_the_list_only(tmp_path: Path) -> None:
    file = str(tmp_path / "long.json")

    def long(dim: int):
        return nn.ModuleList(nn.Linear(dim // i, dim, bias=False) for i in range(1, 9))

    count = symcount.derive(long)
    count.save(file)
    assert len(str(count)) > 100
    assert f"{str(count)[:99]}…" in output_of("show", file)
    assert str(count) in output_of("show", file, "long")


def test_show_gives_one_formula_where_it_is_from_and_counts(stored: str) -> None:
    text = output_of("show", stored, "cnn:attention", "--at", "dim=64,512")
    assert text.startswith("cnn:attention\n\n  2*dim*Max(1, floor(dim/reduction)) + dim\n")
    assert ["domain", "all", "positive", "integers"] in cells(text)
    assert ["512", "4", "131,584"] in cells(text)
    assert "derived from symcount.blueprints.cnn:create_attention, with symcount" in text


def test_show_writes_layers_and_words_on_request(tmp_path: Path) -> None:
    file = str(tmp_path / "deep.json")
    symcount.derive(
        lambda d, n, h=2: nn.ModuleList(nn.MultiheadAttention(d, h) for _ in range(n))
    ).save(file, name="deep")
    assert cells(output_of("show", file, "deep"))[2][:3] == ["4*d**2*n", "+", "4*d*n"]
    text = output_of("show", file, "deep", "--layers", "--at", "d=4", "--at", "n=3")
    assert text.startswith("deep\n\n  n*(4*d**2 + 4*d)\n")
    assert "domain       d is a multiple of h\n             Eq(Mod(d, h), 0)" in text
    assert "240" in text
    row = "deep n*(4*d**2 + 4*d) d is a multiple of h"
    assert row.split() in cells(output_of("show", file, "--layers"))
    assert "--layers is for people" in error_of("show", file, "--layers", "--json")


def test_a_size_without_its_option_is_told_where_it_belongs(stored: str, models: Path) -> None:
    assert "unexpected: dim=64; write --at dim=64 to count there\n" in error_of(
        "show", stored, "cnn:norm", "dim=64"
    )
    assert f"dim=64 is no NAME; write symcount show {stored} NAME --at dim=64" in error_of(
        "show", stored, "dim=64"
    )
    assert "write --at dim=64 to count there or --set dim=64 to fix it" in error_of(
        "derive", "models.py:stage", "dim=64"
    )
    assert "unexpected: b; write --set" not in error_of("explore", "a:b", "b", "-o", "c.html")
    assert "unexpected: d=1; write --set d=1 to fix it" in error_of(
        "explore", "a:b", "d=1", "-o", "c.html"
    )


def test_show_says_why_there_is_no_count(tmp_path: Path) -> None:
    file = str(tmp_path / "heads.json")
    symcount.derive(nn.MultiheadAttention).save(file, name="heads")
    text = output_of("show", file, "heads", "--at", "embed_dim=60,64", "--at", "num_heads=8")
    assert "Eq(Mod(embed_dim, num_heads), 0) fails" in text
    assert ["64", "8", "16,640"] in cells(text)


def test_show_as_json(stored: str) -> None:
    listed = json_of("show", stored)
    assert [entry["name"] for entry in listed] == [spec.key for spec in symcount.blueprints]
    one = json_of("show", stored, "cnn:attention", "--at", "dim=64")
    assert one == {
        "name": "cnn:attention",
        "factory": "create_attention",
        "target": "symcount.blueprints.cnn:create_attention",
        "formula": "2*dim*Max(1, floor(dim/reduction)) + dim",
        "domain": "True",
        "grade": one["grade"],
        "values": [{"at": {"dim": 64, "reduction": 4}, "count": 2112, "reason": None}],
    }


def test_show_errors(stored: str, tmp_path: Path) -> None:
    assert "did you mean 'cnn:attention'" in error_of("show", stored, "cnn:atention")
    assert "--at is for one formula: give its NAME too" in error_of("show", stored, "--at", "d=1")
    assert "No such file" in error_of("show", str(tmp_path / "none.json"))
    damaged = tmp_path / "damaged.json"
    damaged.write_text(Path(stored).read_text().replace('"leaf":"built"', '"leaf":"made"', 1))
    assert "damaged.json: formulas[0].tree[0].leaf: unknown leaf 'made'" in error_of(
        "show", str(damaged)
    )


def test_show_loads_neither_torch_nor_sympy(stored: str) -> None:
    for arguments in ([stored], [stored, "cnn:attention", "--at", "dim=8"]):
        done = process("-c", LOADED.format(arguments=["show", *arguments]))
        assert done.stdout.splitlines()[-1] == "['rich']"


def test_version() -> None:
    assert output_of("--version") == f"symcount, version {symcount.__version__}\n"


def process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


LOADED = """
import sys
from symcount.cli import main
try:
    main({arguments})
finally:
    print([name for name in ("rich", "sympy", "torch") if name in sys.modules])
"""


@pytest.mark.parametrize(
    ("arguments", "loaded"), [(["--help"], []), (["list"], ["rich", "sympy", "torch"])]
)
def test_help_loads_nothing_heavy(arguments: list[str], loaded: list[str]) -> None:
    done = process("-c", LOADED.format(arguments=arguments))
    assert done.stdout.splitlines()[-1] == str(loaded)


def test_piped_output_is_plain_and_whole() -> None:
    done = process("-m", "symcount", "list", "--topology", "cnn", COLUMNS="40")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert (
        "2*dim*Max(8, floor(dim/reduction)) + 2*dim + 9*Max(8, floor(dim/reduction))**2  all"
        in (done.stdout)
    )
    assert all(line == line.rstrip() for line in done.stdout.splitlines())


def test_narrow_terminal_cuts_no_digit() -> None:
    done = process("-m", "symcount", "audit", TICKETS, COLUMNS="80", FORCE_COLOR="1")
    assert "\x1b[" in done.stdout
    assert "…" not in done.stdout
    rows = cells(re.sub("\x1b\\[[0-9;]*m", "", done.stdout))
    assert "cnn:attention 2,000 13.9x 1.06x 2.55x 37.1x 65.8x 4,196x".split() in rows


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_reader_may_stop_reading(options: Sequence[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "symcount", "list", *options],
        cwd=ROOT,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


def test_no_color_is_honoured() -> None:
    done = process(
        "-m",
        "symcount.cli",
        "list",
        "--topology=cnn",
        FORCE_COLOR="1",
        NO_COLOR="1",
        TERM="xterm",
    )
    assert "\x1b[3" not in done.stdout
