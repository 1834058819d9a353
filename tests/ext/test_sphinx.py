"""Formulas in pages made with Sphinx: what they show, when they are read again, what goes wrong."""

from __future__ import annotations

import itertools
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sphinx.testing.util import SphinxTestApp
from torch import nn

import symcount
import symcount.ext.sphinx
from symcount import version
from symcount.drift import reloading, requests

MODELS = """\
from torch import nn
import {blocks}


def mlp(dim: int, expansion: int = 4, bias: bool = True):
    return nn.Sequential(nn.Linear(dim, expansion * dim, bias), nn.Linear(expansion * dim, dim))


def attention(dim, heads=8):
    return nn.MultiheadAttention(dim, heads)


def net(dim, n_layer):
    return nn.ModuleDict({{
        "layers": nn.ModuleList({blocks}.block(dim) for _ in range(n_layer)),
        "norm": nn.LayerNorm(dim),
    }})


def broken(dim):
    raise RuntimeError("no such thing")
"""
BLOCKS = """\
from torch import nn


def block(dim):
    return nn.Linear(dim, 2 * dim)
"""
_NUMBERS = itertools.count()
D, E = r"\mathrm{dim}", r"\mathrm{expansion}"


class Project:
    """Pages beside a file of factories; each build in this process, all with one environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.blocks = f"blocks_of_project_{next(_NUMBERS)}"
        self.clock = 1_700_000_000  # pages and code get times apart, whatever the clock says
        self.write("conf.py", "extensions = ['myst_parser', 'symcount.ext.sphinx']\n")
        self.write("models.py", MODELS.format(blocks=self.blocks))
        self.write(f"{self.blocks}.py", BLOCKS)
        self.warnings = ""
        self.read: list[str] = []

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text(text)
        self.clock += 10
        os.utime(path, (self.clock, self.clock))

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))
        now = 4_000_000_000 + self.clock  # later than any build
        os.utime(self.folder / name, (now, now))

    def touch(self, name: str) -> None:
        self.clock += 10
        os.utime(self.folder / name, (4_000_000_000 + self.clock,) * 2)

    def build(self, builder: str = "html", **options: object) -> SphinxTestApp:
        self.read = []
        app = SphinxTestApp(builder, srcdir=self.folder, builddir=self.folder / "_build", **options)
        app.connect("source-read", lambda app, docname, source: self.read.append(docname))
        try:
            app.build()
        finally:
            self.warnings = re.sub("\x1b\\[[0-9;]*m", "", app.warning.getvalue())
            app.cleanup()
        return app

    def out(self, name: str, builder: str = "html") -> str:
        return (self.folder / "_build" / builder / name).read_text()

    def formulas(self) -> dict[str, object]:
        found = pickle.loads((self.folder / "_build/doctrees/environment.pickle").read_bytes())
        return found.domaindata["symcount"]["formulas"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.setattr(sys, "path", [*sys.path])
    loaded = set(sys.modules)
    yield Project(tmp_path)
    for name in set(sys.modules) - loaded:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]
    for path in list(reloading._LOADED):
        if tmp_path in path.parents:
            del reloading._LOADED[path]


@pytest.fixture
def derivations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The targets that are derived, as they are."""
    derived: list[str] = []
    answer = requests.Request.answer

    def noted(self: requests.Request) -> object:
        derived.append(self.target.rpartition(":")[2])
        return answer(self)

    monkeypatch.setattr(requests.Request, "answer", noted)
    return derived


def mathml(text: str) -> list[str]:
    """What the formulas of a page are in LaTeX, as their annotations say."""
    return re.findall(r'<annotation encoding="application/x-tex">(.*?)</annotation>', text)


RST = """\
Page
====

An MLP has :symcount:`models.py:mlp` parameters, {count} at 512.

.. symcount:: models.py:mlp
   :title: The *whole*
   :label: whole
   :at: dim=(64, 512), expansion=2
   :certificate:

See :ref:`whole`, :ref:`there <whole>` and :symcount:formula:`whole`.
"""
MYST = """\
# Page

An MLP has {{symcount}}`models.py:mlp` parameters, {count} at 512.

```{{symcount}} models.py:mlp
:title: The *whole*
:label: whole
:at: dim=(64, 512), expansion=2
:certificate:
```

See {{ref}}`whole`, {{ref}}`there <whole>` and {{symcount:formula}}`whole`.
"""
PAGES = {
    "index.rst": RST.format(count=":symcount:`models.py:mlp(dim=512)`"),
    "index.md": MYST.format(count="{symcount}`models.py:mlp(dim=512)`"),
}


@pytest.mark.parametrize("name", PAGES)
class TestWhatIsShown:
    def test_html(self, project: Project, name: str) -> None:
        project.write(name, PAGES[name])
        project.build()
        html = project.out("index.html")
        assert project.warnings == ""
        formula = (
            r"2 \, \mathrm{dim}^{2} \, \mathrm{expansion} + \mathrm{dim} \, \mathrm{expansion}"
        )
        assert mathml(html)[:2] == [formula + r" + \mathrm{dim}"] * 2
        assert "2,099,712 at 512" in html
        assert "all positive integers" in html and "compared with plainly built modules" in html
        assert "<code" in html and "bias=True" in html
        for cell in ("16,576", "8,192", "1,050,112", "at dim=64, expansion=2"):
            assert f"<p>{cell}</p>" in html
        assert "MathJax" not in html, "the formulas need no script and no network"
        assert (project.folder / "_build/html/_static/symcount.css").is_file()

    def test_links_lead_to_the_formula(self, project: Project, name: str) -> None:
        project.write(name, PAGES[name])
        project.build()
        html = project.out("index.html")
        (node_id,) = re.findall(r'id="(symcount-[^"]*)"', html)
        links = re.findall(rf'href="#{node_id}"[^>]*>(.*?)</a>', html)
        assert [re.sub("<.*?>", "", link) for link in links] == ["The whole", "there", "whole"]

    def test_latex(self, project: Project, name: str) -> None:
        project.write(name, PAGES[name])
        app = project.build("latex")
        (tex,) = Path(app.outdir).glob("*.tex")
        text = tex.read_text()
        assert project.warnings == ""
        formula = (
            r"2 \, \mathrm{dim}^{2} \, \mathrm{expansion} + \mathrm{dim} \, \mathrm{expansion}"
        )
        assert f"\\({formula}" in text, "inline"
        assert f"\\begin{{split}}{formula}" in text, "displayed"
        assert r"\detokenize{index:symcount-whole}}\begin{sphinxuseclass}{symcount}" in (
            re.sub(r"}\s+\\begin", r"}\\begin", text)
        )
        assert "<math" not in text and text.count(r"\begin{tabular}") == 2

    @pytest.mark.parametrize("builder", ["text", "man", "texinfo", "xml"])
    def test_other_builders_show_text(self, project: Project, name: str, builder: str) -> None:
        project.write(
            "conf.py",
            (project.folder / "conf.py").read_text() + "man_pages = [('index'"
            ", 'page', '', [], 1)]\ntexinfo_documents = [('index', 'page', 't', 'a', 'e',"
            " 'd', 'm')]\n",
        )
        project.write(name, PAGES[name])
        app = project.build(builder)
        assert project.warnings == ""
        files = [
            p for p in Path(app.outdir).iterdir() if p.suffix in (".txt", ".1", ".texi", ".xml")
        ]
        text = files[0].read_text()
        assert "2*dim**2*expansion + dim*expansion + dim" in text.replace(r"\fP", "")
        assert "2,099,712 at 512" in text and "<math" not in text


def test_a_breakdown_is_as_deep_as_it_is_told(project: Project) -> None:
    def rows(option: str) -> list[str]:
        lines = f"   {option}\n" if option else ""
        project.write("index.rst", f"T\n=\n\n.. symcount:: models.py:net\n{lines}")
        project.touch("index.rst")
        project.build("text")
        return re.findall('^\\|[\xa0 ]*"(.*?)"', project.out("index.txt", "text"), re.MULTILINE)

    assert rows("") == [
        "(all)",
        "layers",
        "{0..n_layer-1}",
        "weight",
        "bias",
        "norm",
        "weight",
        "bias",
    ]
    assert rows(":breakdown: all") == rows("")
    assert rows(":breakdown: 1") == ["(all)", "layers", "norm"]
    assert rows(":breakdown: none") == []


def test_a_deep_breakdown_shows_few_levels() -> None:
    count = symcount.derive(nn.TransformerEncoderLayer)
    every = requests.breakdown_rows(count, None, 10)
    few = requests.breakdown_rows(count, None, None)
    assert len(every) > 14 >= len(few) > 1
    deepest = max(depth for depth, _ in few)
    assert few == [(depth, row) for depth, row in every if depth <= deepest]
    assert sum(depth <= deepest + 1 for depth, _ in every) > 14


def test_symbols_and_fixed_values(project: Project) -> None:
    project.write(
        "index.rst",
        "T\n=\n\n.. symcount:: torch.nn:Linear\n"
        "   :symbols: in_features(min=64, multiple_of=64, name='d')\n"
        "   :fixed: out_features=10, bias=False\n   :at: d=(64, 65)\n",
    )
    project.build("text")
    text = project.out("index.txt", "text")
    assert project.warnings == ""
    assert "\n   10*d\n" in text and "d ≥ 64, a multiple of 64" in text
    assert re.search(r"\| 64 +\| 640 ", text) and re.search(r"\| 65 +\| outside the domain", text)


def test_sizes_with_names(project: Project) -> None:
    project.write(
        "index.rst",
        "T\n=\n\n.. symcount:: torch.nn:Linear\n"
        "   :at: small(in_features=8), large(in_features=64), out_features=10\n",
    )
    project.build("text")
    text = project.out("index.txt", "text")
    assert project.warnings == ""
    assert re.search(r"size +\| in_features +\| out_features +\| parameters", text)
    assert re.search(r"\| small +\| 8 +\| 10 +\| 90 ", text)
    assert re.search(r"\| large +\| 64 +\| 10 +\| 650 ", text)


def test_addresses_of_functions_are_left_out(project: Project) -> None:
    project.write("index.rst", "T\n=\n\n.. symcount:: torch.nn:TransformerEncoderLayer\n")
    project.build("text")
    assert "activation=<function relu>" in project.out("index.txt", "text")


REGISTRY = """\
from torch import nn
from symcount import BlueprintRegistry

registry = BlueprintRegistry()


@registry.register("pointwise", "cnn", description="1x1 convolution")
def pointwise(dim: int):
    return nn.Conv2d(dim, dim, 1)


@registry.register("lazy", "mlp", on_error="defer")
def lazy(dim: int):
    return nn.LazyLinear(dim)
"""


def test_a_table_of_blueprints(project: Project) -> None:
    project.write("blueprints.py", REGISTRY)
    project.write(
        "index.rst", "T\n=\n\n.. symcount-registry:: blueprints.py\n   :title: All\n   :at: 8, 64\n"
    )
    project.build("text")
    text = project.out("index.txt", "text")
    assert re.search(
        r'"cnn:pointwise" +\| "dim\*\*2 \+ dim" +\| all +\| 72 +\| 4,160 +\| 1x1', text
    )
    assert re.search(r'"mlp:lazy" +\| no formula +\| – +\| – ', text)
    assert "index.rst:4: WARNING: lazy (" in project.warnings
    assert "blueprints.py:14): " in project.warnings
    project.write("index.rst", "T\n=\n\n.. symcount-registry:: blueprints.py\n   :topology: cnn\n")
    project.touch("index.rst")
    project.build("text")
    assert project.warnings == "" and "lazy" not in project.out("index.txt", "text")


class TestWhatGoesWrong:
    def test_a_broken_factory_is_a_warning_with_both_lines(self, project: Project) -> None:
        project.write(
            "index.rst",
            "T\n=\n\nText :symcount:`models.py:mlp(dim=2)`.\n\n"
            ".. symcount:: models.py:broken\n\nA role: :symcount:`models.py:broken`.\n",
        )
        project.build()
        html = project.out("index.html")
        page, code = project.folder / "index.rst", project.folder / "models.py"
        for line in (6, 8):
            assert f"{page}:{line}: WARNING: broken ({code}:20): it raises at" in project.warnings
        assert f"({code}:21):" in project.warnings and "[symcount.formula]" in project.warnings
        assert "RuntimeError: no such thing" in html and "Text 42." in html
        assert ":symcount:`models.py:broken`" in html

    def test_it_is_said_by_each_build_until_it_is_mended(self, project: Project) -> None:
        project.write("index.rst", "T\n=\n\n.. symcount:: models.py:broken\n")
        project.write("other.rst", ":orphan:\n\nO\n=\n\n:symcount:`models.py:mlp`\n")
        project.build()
        project.build()
        assert "no such thing" in project.warnings and project.read == ["index"]
        project.edit("models.py", 'raise RuntimeError("no such thing")', "return nn.Linear(dim, 3)")
        project.build()
        assert project.warnings == ""
        assert mathml(project.out("index.html"))[0] == r"3 \, \mathrm{dim} + 3"

    def test_it_is_mended_though_others_had_imported_it(self, project: Project) -> None:
        name = f"imported_{project.blocks}"
        project.write(
            "conf.py",
            f"import sys\nsys.path.insert(0, {str(project.folder)!r})\nimport {name}\n"
            "extensions = ['symcount.ext.sphinx']\n",
        )
        project.write(f"{name}.py", "from torch import nn\n\n\ndef net(dim):\n    return 3\n")
        project.write("index.rst", f"T\n=\n\n:symcount:`{name}:net`\n")
        project.build()
        assert "index.rst:4: WARNING: net (" in project.warnings
        project.edit(f"{name}.py", "return 3", "return nn.Linear(dim, 3)")
        project.build()
        assert project.warnings == ""

    def test_warnings_as_errors(self, project: Project) -> None:
        project.write("index.rst", "T\n=\n\n:symcount:`models.py:broken`\n")
        app = project.build(warningiserror=True)
        assert app.statuscode == 1

    @pytest.mark.parametrize(
        "markup, message",
        [
            (":symcount:`nonsense`", "target 'nonsense' names no factory"),
            (":symcount:`models.py:mlpp`", "did you mean 'mlp'?"),
            (":symcount:`missing.py:mlp`", "no file "),
            (":symcount:`models.py:mlp(depth=3)`", "depth"),
            (":symcount:`models.py:mlp(expansion=3)`", "dim"),
            (":symcount:`models.py:attention(dim=10)`", "is outside the domain of attention"),
            (":symcount:`models.py:mlp(dim=x)`", "'dim=x': write name=value, ..."),
            (":symcount:`models.py:mlp(dim`", "write module:factory or module:factory(dim=512)"),
            (".. symcount:: models.py:mlp\n   :fixed: 3", "'3': write name=value, ..."),
            (".. symcount:: models.py:mlp\n   :symbols: dim(least=3)", "a symbol has no 'least'"),
            (".. symcount:: models.py:mlp\n   :symbols: dim=3", "write name, ... or name(min=64"),
            (
                ".. symcount:: models.py:mlp\n   :symbols: dim\n   :fixed: dim=3",
                "'dim' is both fixed and kept symbolic; say one of them",
            ),
            (".. symcount:: models.py:mlp\n   :at: width=3", "width"),
            (".. symcount-registry:: models.py", "registers no blueprint"),
            (
                ".. symcount-registry:: symcount.blueprints.cnn\n   :at: many",
                ":at: many: write whole numbers, such as 64, 512",
            ),
            (
                ".. symcount-registry:: symcount.blueprints.cnn\n   :topology: rnn",
                "symcount.blueprints.cnn registers no blueprint of topology 'rnn'",
            ),
            (":symcount:formula:`nowhere`", "no page shows a formula labelled 'nowhere'"),
        ],
    )
    def test_what_is_written_wrongly(self, project: Project, markup: str, message: str) -> None:
        project.write("index.rst", f"T\n=\n\n{markup}\n\nThe rest.\n")
        project.build("text")
        assert "index.rst:4: WARNING: " in project.warnings and message in project.warnings
        assert "The rest." in project.out("index.txt", "text")

    def test_one_label_for_two_formulas(self, project: Project) -> None:
        block = ".. symcount:: models.py:mlp\n   :breakdown: none\n"
        project.write("index.rst", f"T\n=\n\n{block}\n{block}\n{block}   :no-index:\n")
        project.build("text")
        assert project.warnings.count("WARNING") == 1
        assert (
            "'models.py:mlp' is the label of a formula on the page 'index' already; give this one "
            "another with :label:, or none with :no-index:"
        ) in project.warnings
        assert project.out("index.txt", "text").count("2*dim**2") == 3

    def test_a_defect_of_ours_is_no_crash(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fails(self: object) -> None:
            raise ZeroDivisionError("oh")

        monkeypatch.setattr(requests.Request, "answer", fails)
        project.write("index.rst", "T\n=\n\n:symcount:`models.py:mlp`\n")
        project.build("text")
        assert "ZeroDivisionError: oh\n  This is a defect of symcount" in project.warnings


class TestBuiltAgain:
    PAGES = ("index", "deep", "plain")

    def start(self, project: Project) -> None:
        project.write(
            "index.rst",
            "T\n=\n\n.. toctree::\n\n   deep\n   plain\n\n"
            "It has :symcount:`models.py:mlp(dim=512)`.\n",
        )
        project.write("deep.rst", "D\n=\n\n.. symcount:: models.py:net\n")
        project.write("plain.rst", "P\n=\n\n:symcount:`cnn:attention`\n")
        project.build()
        assert sorted(project.read) == sorted(self.PAGES) and project.warnings == ""

    def test_nothing_has_changed(self, project: Project, derivations: list[str]) -> None:
        self.start(project)
        assert sorted(derivations) == ["attention", "mlp", "net"]
        project.build()
        assert project.read == [] and len(derivations) == 3

    def test_the_factory_s_file_has_changed(self, project: Project, derivations: list[str]) -> None:
        self.start(project)
        project.edit("models.py", "expansion: int = 4", "expansion: int = 8")
        project.build()
        assert sorted(project.read) == ["deep", "index"]
        assert sorted(derivations[3:]) == ["mlp", "net"]
        assert f"It has {8 * 512 * 2 * 512 + 9 * 512:,}" in project.out("index.html").replace(
            "<p>", ""
        )

    def test_a_file_that_it_imports_has_changed(
        self, project: Project, derivations: list[str]
    ) -> None:
        self.start(project)
        project.edit(f"{project.blocks}.py", "2 * dim", "3 * dim")
        project.build()
        # both depend on it: that mlp() does not use what its file imports is not known
        assert sorted(project.read) == ["deep", "index"]
        written = mathml(project.out("deep.html"))[0]
        assert r"(3 \, \mathrm{dim}^{2}" in written.replace(r"\left", "")

    def test_another_file_has_changed(self, project: Project, derivations: list[str]) -> None:
        project.write("other.py", "x = 1\n")
        self.start(project)
        project.edit("other.py", "x = 1", "x = 2")
        project.build()
        assert project.read == []

    def test_a_file_was_saved_as_it_was(self, project: Project, derivations: list[str]) -> None:
        self.start(project)
        project.touch("models.py")
        project.build()
        assert sorted(project.read) == ["deep", "index"], "Sphinx goes by the time"
        assert len(derivations) == 3, "and the formulas by what is in the file"

    def test_another_version_of_symcount(
        self, project: Project, derivations: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.start(project)
        monkeypatch.setattr(version, "__version__", "99")
        project.build()
        assert sorted(project.read) == sorted(self.PAGES) and len(derivations) == 6

    def test_code_of_symcount_that_cannot_read_what_older_code_has_kept(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = project.folder / "symcount"
        folder.mkdir()
        monkeypatch.setattr(symcount.ext.sphinx, "PACKAGE", folder)
        (folder / "a.py").write_text("class Count: ...")
        self.start(project)
        kept = project.folder / "_build/doctrees/environment.pickle"
        env = pickle.loads(kept.read_bytes())
        formulas = env.domaindata["symcount"]["formulas"]
        for key, (digests, _, pages) in formulas.items():
            formulas[key] = digests, pickle.dumps(object()), pages
        kept.write_bytes(pickle.dumps(env))
        (folder / "a.py").write_text("class Count: formula = 1")
        project.build()
        assert sorted(project.read) == sorted(self.PAGES) and project.warnings == ""

    def test_more_time(self, project: Project, derivations: list[str]) -> None:
        self.start(project)
        project.build(confoverrides={"symcount_max_seconds": 20})
        assert sorted(project.read) == sorted(self.PAGES) and len(derivations) == 6

    def test_what_no_page_shows_is_forgotten(self, project: Project) -> None:
        self.start(project)
        assert len(project.formulas()) == 3
        project.write("index.rst", "T\n=\n\n.. toctree::\n\n   deep\n   plain\n")
        project.touch("index.rst")
        project.build()
        assert len(project.formulas()) == 2

    def test_a_label_that_moves(self, project: Project) -> None:
        self.start(project)
        project.write("plain.rst", "P\n=\n\n.. symcount:: models.py:net\n")
        project.write("deep.rst", "D\n=\n\n:symcount:formula:`models.py:net`\n")
        for name in ("deep.rst", "plain.rst"):
            project.touch(name)
        project.build()
        assert project.warnings == "" and 'href="plain.html#symcount-' in project.out("deep.html")

    def test_blueprints_are_registered_again(self, project: Project) -> None:
        project.write(
            "own.py",
            "from torch import nn\nfrom symcount import blueprints\n\n\n"
            "@blueprints.register('own', 'test_ext')\n"
            "def own(dim: int):\n    return nn.Linear(dim, 5)\n",
        )
        project.write("index.rst", "T\n=\n\n.. symcount-registry:: own.py\n")
        try:
            project.build()
            assert mathml(project.out("index.html")) == [r"5 \, \mathrm{dim} + 5"]
            project.edit("own.py", "(dim, 5)", "(dim, 6)")
            project.build()
            assert project.warnings == ""
            assert mathml(project.out("index.html")) == [r"6 \, \mathrm{dim} + 6"]
        finally:
            symcount.blueprints.unregister("test_ext", "own")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Sphinx reads in parallel by forking")
def test_read_and_written_in_parallel(project: Project) -> None:
    toc = "".join(f"   p{n}\n" for n in range(8))
    project.write("index.rst", f"T\n=\n\n.. toctree::\n\n{toc}\n:symcount:`models.py:mlp`\n")
    for n in range(8):
        project.write(
            f"p{n}.rst",
            f"P{n}\n==\n\n.. symcount:: torch.nn:Linear\n   :label: n{n}\n   :fixed: out_features="
            f"{n + 1}\n\n:symcount:`models.py:mlp` and :symcount:formula:`n{(n + 1) % 8}`\n\n"
            + (":symcount:`models.py:broken`\n" if n == 3 else ""),
        )
    project.build(parallel=2)
    assert project.warnings.count("WARNING") == 1, "no reference is lost, nor the broken factory"
    assert len(project.formulas()) == 9
    for n in range(8):
        html = project.out(f"p{n}.html")
        assert f'href="p{(n + 1) % 8}.html#symcount-n{(n + 1) % 8}"' in html
        assert mathml(html)[0].startswith(r"\mathrm{in\_features}" if n == 0 else str(n + 1))
    project.build()
    assert project.read == ["p3"] and "no such thing" in project.warnings


def test_a_build_that_finds_all_it_needs_loads_neither_torch_nor_sympy(project: Project) -> None:
    project.write("index.rst", "T\n=\n\n.. symcount:: models.py:mlp\n")
    code = (
        "import sys\nfrom sphinx.cmd.build import main\n"
        f"status = main(['-q', '-b', 'html', {str(project.folder)!r}, "
        f"{str(project.folder / '_build/html')!r}, '-d', "
        f"{str(project.folder / '_build/doctrees')!r}])\n"
        "print(status, sorted({'torch', 'sympy'} & sys.modules.keys()))"
    )

    def built() -> str:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert done.stderr == ""
        return done.stdout

    project.build()
    assert built() == "0 []\n"
    project.edit("models.py", "int = 4", "int = 8")
    assert built() == "0 ['sympy', 'torch']\n"


def test_importing_symcount_loads_no_sphinx() -> None:
    code = (
        "import sys, symcount, symcount.drift.requests, symcount.ext.mkdocs\n"
        "print(sorted({'sphinx', 'docutils', 'mkdocs', 'torch', 'sympy'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
