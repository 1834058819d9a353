"""Exports are well-formed: cells stay cells, text is escaped, mathematics survives."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import pytest
import sympy

import symcount
from symcount import BlueprintRegistry, ParamCount
from symcount.catalogue.registry import entry
from symcount.catalogue.targets import seeds
from symcount.export import FORMATS
from symcount.export.documents import latex, markdown
from symcount.formula.evaluation import Evaluation
from symcount.formula.latex import one_line
from tests.exported import branching, broken, partly


@pytest.fixture(scope="module")
def count() -> ParamCount:
    return symcount.derive(partly, bias=False)


@pytest.fixture(scope="module")
def registry() -> BlueprintRegistry:
    """Blueprints with everything that could break a table."""
    registry = BlueprintRegistry()
    registry.register("a|b_`c`", "vi_sion & co", 7, "50% of *what*\n| costs $5 {x} <b> \\")(
        branching
    )
    registry.register("partly", "vi_sion & co", description="a_b_c")(partly)
    registry.register("broken", "text", on_error="defer")(broken)
    return registry


# --- every format -----------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_renders_every_seed(form: str) -> None:
    text = FORMATS[form].render_registry(map(entry, seeds()))
    for spec in seeds():
        assert spec.name in text or spec.name.replace("_", r"\_") in text
    assert text.endswith("\n")


@pytest.mark.parametrize("form", FORMATS)
def test_missing_formula_says_why(form: str, registry: BlueprintRegistry) -> None:
    text = FORMATS[form].render_registry(map(entry, registry))
    assert "no | module" in text.replace(r"\textbar{}", "|").replace(r"\|", "|")


@pytest.mark.parametrize("form", FORMATS)
def test_title(form: str, count: ParamCount) -> None:
    assert "My layer" in FORMATS[form].render_count(count.formula, title="My layer")
    assert "partly" in FORMATS[form].render_count(count.formula)


# --- LaTeX ------------------------------------------------------------------------------------


def test_latex_count(count: ParamCount) -> None:
    lines = latex.render_count(count.formula, title="a_b & c").splitlines()
    assert lines[:6] == [
        r"\paragraph{a\_b \& c}",
        r"\[",
        r"\mathrm{dim}^{2}",
        r"\]",
        r"\begin{description}\raggedright",
        r"\item[Domain] \texttt{dim} is a multiple of \texttt{heads}: "
        r"$\mathrm{dim} \bmod \mathrm{heads} = 0$",
    ]
    assert lines[6:8] == [
        r"\item[Defaults] \texttt{heads=4}",
        r"\item[Fixed] \texttt{bias=False}",
    ]
    assert lines[8].startswith(f"\\item[Certificate] {count.certificate.grade}")
    assert lines[9:] == [r"\end{description}"]


def test_latex_escapes_every_special_character() -> None:
    assert latex.escape("\\ & % $ # _ { } ~ ^ < > |\nx") == (
        r"\textbackslash{} \& \% \$ \# \_ \{ \} \textasciitilde{} \textasciicircum{} "
        r"\textless{} \textgreater{} \textbar{} x"
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("d", "d"),
        ("dim", r"\mathrm{dim}"),
        ("head_dim", r"\mathrm{head\_dim}"),
        ("num_key_value_heads", r"\mathrm{num\_key\_value\_heads}"),
        ("_x", r"\mathrm{\_x}"),
        ("λ", r"\lambda"),
        ("σ_max", r"\mathrm{\sigma \_max}"),
        ("größe", r"\mathrm{gr\text{ö}\text{ß}e}"),
    ],
)
def test_latex_symbols_are_upright_words(name: str, text: str) -> None:
    assert one_line(sympy.Symbol(name)) == text


def cells_of(row: str) -> list[str]:
    """The cells of a LaTeX row: ampersands in environments and escaped ones do not separate."""
    row = re.sub(r"\\begin\{cases\}.*?\\end\{cases\}", "CASES", row)
    return re.split(r"(?<!\\)&", row.removesuffix(r"\tabularnewline"))


def test_latex_table_rows_have_five_cells(registry: BlueprintRegistry) -> None:
    lines = latex.render_registry(map(entry, registry)).splitlines()
    assert lines[2].startswith(r"\noindent\begin{tabular}{@{}p{0.16\linewidth}p{0.25\linewidth}")
    assert lines[-1] == r"\end{tabular}}"
    rows = [line for line in lines if line.endswith(r"\tabularnewline")]
    assert len(rows) == 1 + len(registry)
    assert {len(cells_of(row)) for row in rows} == {5}
    assert any(r"\text{otherwise}" in cell for row in rows for cell in cells_of(row))


@pytest.mark.parametrize("which", ["seeds", "registry"])
def test_latex_braces_and_environments_match(which: str, registry: BlueprintRegistry) -> None:
    text = latex.render_registry(map(entry, seeds() if which == "seeds" else registry))
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", text):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0
    assert len(re.findall(r"(?<!\\)\$", text)) % 2 == 0
    assert re.findall(r"\\begin\{(\w+)\}", text)[0] == "tabular"
    assert text.count(r"\begin{") == text.count(r"\end{")


def test_latex_mathematics_can_be_read(count: ParamCount) -> None:
    parser = pytest.importorskip("docutils.utils.math.latex2mathml")
    for formula in (count, symcount.derive(branching), *(s.param_count for s in seeds())):
        assert "<mi>" in parser.tex2mathml(one_line(formula.expr), as_block=True) or (
            formula.expr.is_number
        )


# --- Markdown ---------------------------------------------------------------------------------


def test_markdown_count(count: ParamCount) -> None:
    lines = markdown.render_count(count.formula, title="a_b").splitlines()
    assert lines[:7] == [
        r"## a\_b",
        "",
        r"$\mathrm{dim}^{2}$",
        "",
        r"- Domain: `dim` is a multiple of `heads`: $\mathrm{dim} \bmod \mathrm{heads} = 0$",
        "- Defaults: `heads=4`",
        "- Fixed: `bias=False`",
    ]
    assert lines[7].startswith(f"- Certificate: {count.certificate.grade}")


def parsed_cells(text: str) -> Iterable[list[str]]:
    """The rows of the tables as a Markdown parser finds them, each cell as plain text."""
    parser = pytest.importorskip("markdown_it").MarkdownIt("commonmark").enable("table")
    row: list[str] = []
    for token in parser.parse(text):
        if token.type == "tr_open":
            row = []
        elif token.type == "inline":
            row.append("".join(t.content for t in token.children))
        elif token.type == "tr_close":
            yield row
            row = []


def test_markdown_cells_stay_cells_and_say_what_was_meant(registry: BlueprintRegistry) -> None:
    rows = list(parsed_cells(markdown.render_registry(map(entry, registry))))
    assert {len(row) for row in rows} == {6}
    by_name = {row[0]: row for row in rows}
    assert by_name["a|b_`c`"][5] == "50% of *what* | costs $5 {x} <b> \\"
    assert by_name["partly"][5] == "a_b_c"
    assert by_name["broken"][1].startswith("no formula: ")


def test_markdown_leaves_mathematics_as_it_is(registry: BlueprintRegistry) -> None:
    """A parser that knows no mathematics must not find an escape or emphasis in it."""
    text = markdown.render_registry(map(entry, [*seeds(), *registry]))
    written = re.findall(r"(?<!\\)\$(.+?)(?<!\\)\$", text)
    shown = [cell.strip("$") for row in parsed_cells(text) for cell in row if cell[:1] == "$"]
    assert set(written) == set(shown)
    assert any(r"\begin{cases}" in formula and r"\cr" in formula for formula in shown)


def test_markdown_mathematics_has_no_bar() -> None:
    x = sympy.Symbol("x")
    assert "|" in one_line(sympy.Abs(x - 1))
    assert markdown.to_math(sympy.Abs(x - 1)) == r"\left\vert {x - 1}\right\vert "


# --- JSON -------------------------------------------------------------------------------------


def test_json_count(count: ParamCount) -> None:
    document = json.loads(FORMATS["json"].render_count(count.formula, title="layer"))
    assert document["title"] == "layer"
    assert document["factory"] == "partly"
    assert sympy.sympify(document["formula"]) == sympy.Symbol("dim") ** 2
    assert document["latex"] == f"{count:latex}"
    assert document["domain"] == "Eq(Mod(dim, heads), 0)"
    assert document["fixed"] == {"bias": "False"}
    assert document["symbols"][1] == {
        "name": "heads",
        "min": 1,
        "max": None,
        "multiple_of": 1,
        "default": 4,
        "arguments": ["heads"],
    }
    assert document["breakdown"]["parameters"] == {"weight": "dim**2"}
    assert document["certificate"]["grade"] == count.certificate.grade
    assert len(document["certificate"]["points"]) == len(count.certificate.points)


def test_json_registry(registry: BlueprintRegistry) -> None:
    document = json.loads(FORMATS["json"].render_registry(map(entry, registry)))
    assert [spec["blueprint"] for spec in document] == [spec.key for spec in registry]
    assert document[0]["declared_estimate"] == 7
    assert document[1]["formula"] == "dim**2 + dim"
    assert "no | module" in document[2]["error"]
    assert "formula" not in document[2]


# --- values -----------------------------------------------------------------------------------


def test_value_inside_and_outside_the_domain(count: ParamCount) -> None:
    assert Evaluation.of(count, {"dim": 8}) == Evaluation({"dim": 8, "heads": 4}, 64)
    outside = Evaluation.of(count, {"dim": 9})
    assert outside.count is None
    assert "dim=9, heads=4 is outside the domain of partly" in outside.reason
