"""Formulas in pages made with MkDocs: macros, as the plugin calls them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from symcount import Symbol
from symcount.drift import reloading
from symcount.ext.mkdocs import define_env

MODELS = """\
from torch import nn


def mlp(dim: int, expansion: int = 4, bias: bool = True):
    hidden = expansion * dim
    return nn.Sequential(nn.Linear(dim, hidden, bias), nn.Linear(hidden, dim, bias))


def broken(dim):
    raise RuntimeError("no such <thing>")
"""


class Plugin:
    """What the plugin hands to `define_env`."""

    def __init__(self, folder: Path) -> None:
        self.project_dir = str(folder)
        self.macros: dict[str, Callable[..., str]] = {}
        self.variables: dict[str, object] = {}

    def macro(self, function: Callable[..., str], name: str = "") -> None:
        self.macros[name or function.__name__] = function

    def __call__(self, name: str, *args: object, **kwargs: object) -> str:
        return self.macros[name](*args, **kwargs)


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plugin]:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(reloading, "_LOADED", {})
    (tmp_path / "models.py").write_text(MODELS)
    plugin = Plugin(tmp_path)
    define_env(plugin)
    yield plugin
    sys.modules.pop(f"<{tmp_path / 'models.py'}>", None)


class Tags(HTMLParser):
    """Whether tags are closed in order, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.cells: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.open.append(tag)
        if tag == "td":
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "td" in self.open and "annotation" not in self.open:
            self.cells[-1] += data


def test_a_count_within_a_line(plugin: Plugin) -> None:
    assert plugin("symcount_count", "models.py:mlp", dim=512) == "2,099,712"
    assert plugin("symcount_count", "models.py:mlp", dim=512, bias=False) == "2,097,152"
    assert plugin("symcount_count", "cnn:attention", dim=512, reduction=16) == "33,280"


def test_a_formula_with_its_breakdown(plugin: Plugin) -> None:
    html = plugin("symcount", "models.py:mlp", at={"dim": 64}, expansion=Symbol(name="e"))
    tags = Tags(html)
    assert tags.open == []
    assert "at dim=64, e=4" in html and tags.cells[-4:] == ["bias", "dim", "64", "0.2%"]
    assert "\n\n" not in html.strip().replace("</div>\n\n<table", ""), "Markdown would end it there"


def test_a_breakdown_without_sizes(plugin: Plugin) -> None:
    html = plugin("symcount", "models.py:mlp", bias=False)
    assert Tags(html).open == [] and "share" not in html.partition("<table><thead>")[2]


def test_a_table_of_blueprints(plugin: Plugin) -> None:
    html = plugin("symcount_registry", "symcount.blueprints.cnn")
    tags = Tags(html)
    assert tags.open == []
    assert "squeeze-and-excitation" in html


def test_what_goes_wrong_is_a_warning_and_on_the_page(
    plugin: Plugin, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    for macro in ("symcount", "symcount_count"):
        caplog.clear()
        text = plugin(macro, "models.py:broken")
        assert "no such &lt;thing&gt;" in text and "\n" not in text
        (record,) = caplog.records
        assert record.levelno == logging.WARNING and record.name.startswith("mkdocs.")
        assert f"broken ({tmp_path}/models.py:9): it raises at dim=64" in record.getMessage()
    assert "has no &#x27;mlpp&#x27;" in plugin("symcount_count", "models.py:mlpp", dim=1)
    assert "missing.py" in plugin("symcount_registry", "missing.py")


def test_a_blueprint_without_a_formula_is_a_warning(
    plugin: Plugin, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    (tmp_path / "own.py").write_text(
        "from torch import nn\nfrom symcount import BlueprintRegistry\n"
        "registry = BlueprintRegistry()\n\n"
        "@registry.register('lazy', 'mlp', on_error='defer')\n"
        "def lazy(dim: int):\n    return nn.LazyLinear(dim)\n"
    )
    assert "lazy" in plugin("symcount_registry", "own.py")
    assert "mlp:lazy has no formula: lazy (" in caplog.text
    sys.modules.pop(f"<{tmp_path / 'own.py'}>", None)


def test_a_server_shows_the_code_as_it_is(plugin: Plugin, tmp_path: Path) -> None:
    assert plugin("symcount_count", "models.py:mlp", dim=2) == "42"
    (tmp_path / "models.py").write_text(MODELS.replace("expansion: int = 4", "expansion: int = 12"))
    assert plugin("symcount_count", "models.py:mlp", dim=2) == "122"
