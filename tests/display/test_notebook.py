"""What notebooks show: well-formed HTML that says all there is, and fetches and runs nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from torch import nn

import symcount
from symcount import BlueprintRegistry, ParamCount, Symbol, derive
from symcount.catalogue.targets import seeds
from symcount.display import plain
from symcount.display.outline import rows
from symcount.record import Concretisation, Source

EIGHTHS = " ▏▎▍▌▋▊▉"
VOID = {"br", "hr", "img", "input"}
NASTY = '<script>alert("$x$ & more")</script>'


class Page(HTMLParser):
    """The elements of some HTML, checked to be nested properly."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert not self.stack

    def handle_starttag(self, tag, attrs) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute of {tag} is there twice"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data) -> None:
        if "annotation" not in self.stack:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def shape(dim, heads=4, activation=NASTY):
    if dim % heads:
        raise ValueError(dim)
    model = nn.Sequential(nn.Linear(dim, 2 * dim), *(nn.Linear(2 * dim, 3) for _ in range(3)))
    model.add_module("<b>", nn.Linear(dim, heads))
    return model


@pytest.fixture(scope="module")
def count() -> symcount.ParamCount:
    return derive(shape)


@pytest.fixture(scope="module")
def registry() -> BlueprintRegistry:
    registry = BlueprintRegistry()
    registry.register("shape", "a&b", 2000, NASTY)(shape)
    registry.register("later", "a&b", on_error="defer")(shape)
    registry.register("plain", "other")(lambda dim: nn.Linear(dim, 3))
    return registry


def shown(count, registry):
    return {
        "count": count,
        "measure": count.nbytes,
        "certificate": count.certificate,
        "breakdown": count.breakdown(),
        "breakdown with sizes": count.breakdown().at(64),
        "registry": registry,
        "empty registry": BlueprintRegistry(),
        "spec": registry.get("a&b", "shape"),
        "deferred spec": registry.get("a&b", "later"),
        "seeds": symcount.blueprints,
    }


def test_all_html_stands_by_itself(count, registry) -> None:
    seeds()
    for name, thing in shown(count, registry).items():
        html = thing._repr_html_()
        page = Page(html)
        tags = {tag for tag, _ in page.elements}
        assert not tags & {"script", "style", "link", "img", "iframe", "b", "math", "svg"}, name
        for _, attributes in page.elements:
            assert not attributes.keys() & {"id", "src", "href", "onclick"}, name
        assert "url(" not in html and "http" not in html, name
        # no colour but that of the text: both themes are right, and no meaning hangs on a colour
        colours = set(re.findall(r"(?:color|background|border[a-z-]*): ([^;\"]+)", html))
        assert not colours, name
        assert "mathjax_ignore" in page.elements[0][1]["class"].split()


def test_a_formula_shows_with_symbols_domain_and_certificate(count) -> None:
    page = Page(count._repr_html_())
    text = re.sub(r"\s", "", page.text).replace("\u2062", "·")
    assert text.startswith("shape,parameters2·dim²+dim·heads+20·dim+heads+9Symbols")
    assert "Symbolsdim≥1;heads≥1,4bydefaultDomaindimisamultipleofheadsdimmodheads=0Fixed" in text
    assert re.sub(r"\s", "", NASTY) in text  # what was fixed
    assert f"{count.certificate.grade}:2pathsfollowed" in text
    assert "all positive integers" in Page(derive(lambda d: nn.Linear(d, 2))._repr_html_()).text


def test_declared_symbols_say_so() -> None:
    limited = derive(shape, dim=Symbol(min=8, max=64, multiple_of=8))
    assert "8 ≤ dim ≤ 64, a multiple of 8" in Page(limited._repr_html_()).text


def test_a_certificate_does_not_say_where_on_this_machine_code_is_kept(count) -> None:
    files = [
        "/home/somebody/.venv/lib/python3.11/site-packages/models/llama.py",
        "C:\\py\\site-packages\\models\\llama.py",
        "/tmp/ipykernel_4711/2012345.py",
        "blocks.py",
    ]
    lines = [Concretisation("text", ("dim",), 8, Source(f, 3, "f")) for f in files for _ in "ab"]
    html = replace(count.certificate, harmless=tuple(lines))._repr_html_()
    points = len(count.certificate.points)
    items = re.findall("<li><code>(.*?)</code></li>", html)[points:]
    assert items == [
        f"{place}:3: text of 8 (dim)"
        for place in ("models/llama.py", "models\\llama.py", "this notebook", "blocks.py")
    ]


def test_a_certificate_lists_its_points(count) -> None:
    page = Page(count.certificate._repr_html_())
    for point in count.certificate.points:
        assert ", ".join(f"{name}={value}" for name, value in point) in page.text
    assert len(page.all("li")) >= len(count.certificate.points)


def test_a_breakdown_is_a_tree(count) -> None:
    breakdown = count.breakdown().at(64)
    page = Page(breakdown._repr_html_())
    whole = rows(breakdown)
    assert len(page.all("li")) == len(list(whole.walk()))
    with_parts = [row for _, row in whole.walk() if row.held]
    assert len(page.all("ul")) == 1 + len(with_parts)
    for _, row in whole.walk():
        assert row.name in page.text
        assert row.size_text in page.text and row.share_text in page.text
    assert "1 to 3, each" in page.text
    assert "Counts and shares at dim=64, heads=4" in page.text


def test_bars_are_as_long_as_the_shares_beside_them(count) -> None:
    breakdown = count.breakdown().at(64)
    html = breakdown._repr_html_()
    # figures say the same to those who see no bar
    bars = re.findall(r'<span aria-hidden="true"[^>]*>([█▏▎▍▌▋▊▉]*)</span>', html)
    assert [sum(8 if c == "█" else EIGHTHS.index(c) for c in bar) for bar in bars] == [
        round(6 * 8 * row.bar) for _, row in rows(breakdown).walk()
    ]


def test_without_sizes_there_are_no_bars_but_a_way_to_them(count) -> None:
    html = count.breakdown()._repr_html_()
    assert not re.search("[█▏▎▍▌▋▊▉]", html)
    assert ".at(dim=...)" in Page(html).text


def test_a_long_tree_scrolls_in_its_box() -> None:
    wide = derive(lambda dim: nn.Sequential(*(nn.Linear(dim, 1 + i) for i in range(30))))
    boxes = [a.get("style") or "" for a in Page(wide.breakdown()._repr_html_()).all("div")]
    assert any("max-height" in style and "overflow-y: auto" in style for style in boxes)


def test_beside_a_formula_are_the_first_of_its_assumptions(count) -> None:
    lines = [Concretisation("text", ("dim",), n, Source("f.py", n, "f")) for n in range(1, 9)]
    certificate = replace(count.certificate, concretisations=tuple(lines))
    page = Page(ParamCount(replace(count.formula, certificate=certificate))._repr_html_())
    assert [f"f.py:{n}:" in page.text for n in (1, 5, 6)] == [True, True, False]
    assert "and 3 more: count.certificate" in page.text
    assert "f.py:8:" in Page(certificate._repr_html_()).text


def test_a_registry_shows_what_has_been_derived_and_derives_nothing(registry) -> None:
    html = registry._repr_html_()
    page = Page(html)
    assert [a.get("role") for a in page.all("div")].count("table") == 2
    assert "not derived yet" in page.text
    assert registry.get("a&b", "later").known is None
    assert NASTY in page.text and "<script" not in html
    assert "2,000" in page.text
    assert "no blueprints are registered" in Page(BlueprintRegistry()._repr_html_()).text


def test_a_spec_shows_its_formula(registry) -> None:
    page = Page(registry.get("other", "plain")._repr_html_())
    assert "other:plain" in page.text
    assert plain.text(registry.get("other", "plain").param_count.expr) in page.text
    later = Page(registry.get("a&b", "later")._repr_html_())
    assert "not derived yet: param_count derives it" in later.text


def test_long_formulas_take_several_lines_and_scroll() -> None:
    names = [f"a_symbol_with_a_long_name_{i}" for i in range(8)]
    parameters = ", ".join(names)
    scope: dict[str, object] = {"nn": nn}
    exec(
        f"def long({parameters}): return nn.Sequential(*(nn.Linear(n, 2) for n in [{parameters}]))",
        scope,
    )
    count = derive(scope["long"])
    html = count._repr_html_()
    assert f'anywhere">{plain.text(count.expr)}</div>' in html  # broken by the browser
    tree = Page(count.breakdown()._repr_html_())
    boxes = [a for a in tree.all("div") if "overflow-x: auto" in (a.get("style") or "")]
    assert boxes and all(box.get("tabindex") == "0" for box in boxes)  # a keyboard can scroll it
    assert r"\\ &" in count._repr_latex_()
    assert [a for a in tree.all("span") if "tabindex" in a]


def test_ipython_gets_html_latex_and_text(count) -> None:
    formatter = pytest.importorskip("IPython.core.formatters").DisplayFormatter()
    data, _ = formatter.format(count)
    assert {"text/html", "text/latex", "text/plain"} <= data.keys()
    assert data["text/plain"] == f"shape: {count}"
    assert formatter.format(count.breakdown())[0]["text/plain"] == str(count.breakdown())
    assert formatter.format(count.certificate)[0]["text/plain"] == str(count.certificate)


def test_a_table_of_blueprints_has_no_empty_columns() -> None:
    registry = BlueprintRegistry()
    registry.register("a", "mlp")(lambda dim: nn.Linear(dim, 1))
    titles = ["blueprint", "parameters", "domain", "grade"]
    heads = 'role="columnheader"[^>]*><strong>(.*?)</strong>'
    assert re.findall(heads, registry._repr_html_()) == titles
    registry.register("b", "mlp", 7, "of two")(lambda dim: nn.Linear(dim, 2))
    html = registry._repr_html_()
    assert re.findall(heads, html) == [*titles, "declared", "description"]
    assert html.count('role="cell"') == 2 * 5


def test_a_share_is_a_fraction(count) -> None:
    share = next(iter(count.share().values()))
    above, below = map(plain.text, share.expr.as_numer_denom())
    assert f"({above})/({below})" in Page(share._repr_html_()).text


def test_a_formula_of_a_tree_has_room_beside_a_long_name() -> None:
    """The columns of a row, at their least, fit the width at which the tree begins to scroll."""
    long = "a_name_of_a_module_that_is_longer_than_others"
    count = derive(lambda dim: nn.ModuleDict({long: nn.Linear(dim, 3), "b": nn.Linear(dim, 4)}))
    html = count.breakdown().at(7)._repr_html_()
    least = float(re.search(r"min-width: (\d+)em\"><ul", html)[1])
    name, *columns = (
        float(width) for width in re.findall(r"flex: [01] [01] ([\d.]+)em", html.partition(long)[0])
    )
    assert least >= name + sum(columns[:4]) + 4 * 0.7
