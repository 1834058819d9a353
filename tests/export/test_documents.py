"""Documents are read back by the parsers of their formats: nothing ends early, nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from torch import nn

import symcount
from symcount import BlueprintRegistry, ParamCount, Symbol
from symcount.catalogue.registry import entry
from symcount.catalogue.targets import seeds
from symcount.export import FORMATS, renderer
from symcount.export.documents import html, mathml, rst
from symcount.formula import latex
from tests.exported import branching, broken, partly

HOSTILE = "a_b `c` *d* |e| <b>&amp; ``f`` \\ g_ :h:`i` [j]_ __k__ -- \"l\" 'm' https://n.org $o$"


@pytest.fixture(scope="module")
def registry() -> BlueprintRegistry:
    registry = BlueprintRegistry()
    registry.register("a|b_`c`<i>", "vi_sion & co", 7, HOSTILE)(branching)
    registry.register("partly", "vi_sion & co", description="a_b_c")(partly)
    registry.register("broken", "text", on_error="defer")(broken)
    return registry


@pytest.fixture(scope="module")
def several(registry: BlueprintRegistry) -> list[ParamCount]:
    """Pieces, a domain, a float step, a real symbol, floors and maxima."""
    floats = symcount.derive(lambda dim: nn.Linear(dim, max(1, int(dim * 0.29) // 4)))
    real = symcount.derive(lambda dim, r: nn.Linear(dim, int(dim * r)), r=Symbol(real=True))
    counts = [symcount.derive(branching), symcount.derive(partly), floats, real]
    return [*counts, *(spec.param_count for spec in seeds())]


# --- reStructuredText -------------------------------------------------------------------------


def parsed_rst(text: str) -> Any:
    """A document; what docutils warns of is an error."""
    core = pytest.importorskip("docutils.core", reason="docutils is not installed")
    settings = {"report_level": 1, "halt_level": 1, "input_encoding": "unicode"}
    return core.publish_doctree(text, settings_overrides=settings)


def test_rst_is_read_without_a_warning(several: list[ParamCount]) -> None:
    for count in several:
        document = parsed_rst(rst.render_count(count.formula, title=HOSTILE))
        assert document["title"] == HOSTILE
        (block,) = document.findall(lambda node: node.tagname == "math_block")
        assert block.astext() == latex.in_lines(count.expr)
        labels = [node.astext() for node in document.findall(lambda n: n.tagname == "field_name")]
        assert labels[0] == "Domain"
        assert labels[-1] == "Certificate"


def test_rst_domains_are_mathematics(several: list[ParamCount]) -> None:
    document = parsed_rst(rst.render_count(several[1].formula))
    (inline,) = document.findall(lambda node: node.tagname == "math")
    assert inline.astext() == latex.one_line(several[1].domain)


def test_rst_tables_keep_their_cells(registry: BlueprintRegistry) -> None:
    text = rst.render_registry(map(entry, [*registry, *seeds()]))
    document = parsed_rst(text)
    rows = [
        [entry.astext() for entry in row.findall(lambda node: node.tagname == "entry")]
        for row in document.findall(lambda node: node.tagname == "row")
    ]
    assert {len(row) for row in rows} == {6}
    by_name = {row[0]: row for row in rows}
    assert by_name["a|b_`c`<i>"][5] == HOSTILE
    assert by_name["partly"][5] == "a_b_c"
    assert by_name["broken"][1].startswith("no formula: ")
    assert len(rows) == len(registry) + len(seeds()) + len({s.topology for s in seeds()}) + 2


TEXTS = ["x", "", " ", "*", "``", "ends_", "größe", "\\", "- item", "1. x", "i) x", "(a) x", "====",
         ".. y", ":a: b", "[1]_ x", "x::", "|y|", ">>> x", "+ x", "http://n.org"]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_rst_text_is_text(text: str) -> None:
    """In a line, and as a paragraph of its own."""
    document = parsed_rst(f"before {rst.escape(text)} after\n\n{rst.escape(text)}\n")
    assert document.astext().split() == ["before", *text.split(), "after", *text.split()]
    assert {node.tagname for node in document.children} == {"paragraph"}


# --- HTML and MathML --------------------------------------------------------------------------

_VOID = {"br", "hr", "img"}


class _Reader(HTMLParser):
    """The text of each element by its tag; elements have to close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.text: dict[str, list[str]] = {}

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.seen.append(tag)
        if tag not in _VOID:
            self.open.append(tag)
            self.text.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.text[tag][-1] += data


def read_html(text: str) -> _Reader:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert not reader.open
    return reader


def test_html_closes_what_it_opens_and_shows_text_as_it_is(several: list[ParamCount]) -> None:
    for count in several:
        reader = read_html(html.render_count(count.formula, title=HOSTILE))
        assert reader.text["h2"] == [HOSTILE]
        assert reader.text["dt"][0] == "Domain"
        assert "script" not in reader.seen
        assert "b" not in reader.seen
        assert latex.one_line(count.expr) or reader.text["math"]
        assert "math" in reader.seen


def test_html_tables_keep_their_cells(registry: BlueprintRegistry) -> None:
    reader = read_html(html.render_registry(map(entry, registry)))
    assert len(reader.text["td"]) == 6 * len(registry)
    assert HOSTILE in reader.text["td"]
    assert "a|b_`c`<i>" in reader.text["code"]
    assert reader.text["th"][:2] == ["blueprint", "parameters"]


def test_mathml_is_xml(several: list[ParamCount], registry: BlueprintRegistry) -> None:
    for count in several:
        text = mathml.render_count(count.formula, title=HOSTILE)
        formulas = ElementTree.fromstring(f"<all>{text.replace('&nbsp;', ' ')}</all>")
        assert {element.tag for element in formulas} == {"math"}
        assert formulas[0].attrib["aria-label"] == HOSTILE
        assert formulas[0].attrib["display"] == "block"
    everything = ElementTree.fromstring(
        f"<all>{mathml.render_registry(map(entry, registry))}</all>"
    )
    assert any("no | module" in "".join(element.itertext()) for element in everything)


# --- LaTeX ------------------------------------------------------------------------------------


def test_latex_formulas_are_typeset(several: list[ParamCount]) -> None:
    """By matplotlib, as far as it knows LaTeX: it has neither cases nor operators by name."""
    parser = pytest.importorskip("matplotlib.mathtext").MathTextParser("path")
    typeset = 0
    for count in several:
        text = latex.one_line(count.expr)
        if "cases" not in text and "operatorname" not in text and "bmod" not in text:
            parser.parse(f"${text.replace('{}', '')}$")
            typeset += 1
    assert typeset > len(several) / 2


# --- every format -----------------------------------------------------------------------------


def test_real_symbols_are_no_integers(several: list[ParamCount]) -> None:
    for form in ("markdown", "rst", "html", "latex"):
        assert "all positive values" in FORMATS[form].render_count(several[3].formula)
        assert "all positive integers" in FORMATS[form].render_count(several[2].formula)


@pytest.mark.parametrize("form", FORMATS)
def test_a_formula_exports_itself(form: str, several: list[ParamCount]) -> None:
    assert several[1].export(form) == FORMATS[form].render_count(several[1].formula)
    assert several[1].export(form, title="x") == FORMATS[form].render_count(
        several[1].formula, title="x"
    )


def test_a_formula_exports_itself_in_a_dialect(several: list[ParamCount]) -> None:
    assert "BIGNUMERIC" in several[1].export("sql", dialect="bigquery")


def test_the_formats_load_nothing_before_they_are_used() -> None:
    script = (
        "import sys, symcount.export\n"
        "print([m for m in ('sympy', 'sqlglot', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_a_dialect_is_for_sql() -> None:
    assert renderer("sql", "spark") is not renderer("sql")
    with pytest.raises(symcount.ArgumentError) as caught:
        renderer("html", "spark")
    assert str(caught.value) == "dialect='spark' is for the format sql, not for html"
    with pytest.raises(symcount.ArgumentError, match=r"^format='word': use one of markdown, rst, "):
        renderer("word")
