"""The page to explore, in a browser: Python's numbers, reasons in words, no network."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from torch import nn

import symcount
from examples import families
from symcount import ParamCount, Symbol, derive
from symcount.cli import main
from symcount.export.page import ladder, plotly_script, render

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()

needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no browser here: install Debian's `chromium`"
)


# --- factories --------------------------------------------------------------------------------


def squeeze_excitation(dim, reduction=4):
    hidden = max(1, dim // reduction)
    return nn.Sequential(nn.Linear(dim, hidden, bias=False), nn.ReLU(), nn.Linear(hidden, dim))


def attention(dim, heads=8):
    return nn.MultiheadAttention(dim, heads)


def groups(dim):
    for groups in (32, 16, 8, 4, 2, 1):
        if dim % groups == 0:
            break
    return nn.Conv2d(dim, dim, 3, groups=groups)


def rounded_width(width):
    new = max(8, int(width + 4) // 8 * 8)
    if new < 0.9 * width:
        new += 8
    return nn.Linear(width, new)


def inexact(dim):
    return nn.Linear(dim, int(dim * 0.29) + 1)


def ratio(dim, factor):
    return nn.Linear(dim, round(dim * factor))


def powers(n):
    return nn.ModuleList([nn.Linear(2**n, n.bit_length()), nn.Linear(n % 7 + 1, abs(n - 9) + 1)])


def deep(dim, depth=4):
    return nn.ModuleList([nn.Linear(dim * (i + 1), dim) for i in range(depth)])


def eighths(width, out=10):
    return nn.Linear(width, out)


def branching(dim):
    if dim > 100:
        return nn.Sequential(nn.Linear(dim, 10), nn.Linear(10, dim // 3))
    return nn.Linear(dim, 7)


@functools.cache
def formula(factory: Callable[..., Any], **given: Any) -> ParamCount:
    return derive(factory, **given)


HUGE = 3 * 10**25
CASES: list[tuple[Callable[..., Any], dict[str, Any], list[dict[str, int | float]]]] = [
    (squeeze_excitation, {}, [{"dim": 3, "reduction": 4}, {"dim": HUGE + 1, "reduction": 16}]),
    (attention, {}, [{"dim": 96, "heads": 12}, {"dim": 8 * HUGE, "heads": 8}]),
    (groups, {}, [{"dim": d} for d in (1, 6, 96, 40, HUGE)]),
    (rounded_width, {}, [{"width": w} for w in (5, 11, 37, 12345)]),
    (inexact, {}, [{"dim": d} for d in (1, 100, 99999)]),
    (ratio, {"factor": Symbol(real=True, max=9)}, [{"dim": 7, "factor": 0.5},
                                                   {"dim": 333, "factor": 2.6667}]),
    (powers, {}, [{"n": n} for n in (1, 9, 63, 200)]),
    (deep, {}, [{"dim": 12, "depth": 1}, {"dim": HUGE, "depth": 1001}]),
    (eighths, {"width": Symbol(min=64, max=512, multiple_of=8)}, [{"width": 72, "out": 3}]),
    (branching, {}, [{"dim": 100}, {"dim": 101}, {"dim": HUGE}]),
    (families.llama, {}, [{"hidden_size": 5120, "intermediate_size": 13824,
                           "num_hidden_layers": 40, "num_attention_heads": 40,
                           "num_key_value_heads": 40}]),
]  # fmt: skip


# --- a browser --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()


class Opened:
    """A page in the browser, and all that went wrong in it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.problems: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.problems.append(message.text))
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("dialog", lambda dialog: self.problems.append(f"dialog {dialog.message}"))
        page.on("request", lambda request: self.requests.append(request.url))

    def set(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            self.page.get_by_label(name, exact=True).fill(str(value))

    @property
    def count(self) -> str:
        return str(self.page.inner_text("#count"))

    @property
    def status(self) -> str:
        return str(self.page.inner_text("#status"))

    def invalid(self) -> list[str]:
        fields = self.page.query_selector_all("[aria-invalid=true]")
        return [self.page.inner_text(f"label[for={f.get_attribute('id')}]") for f in fields]


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Opened]]:
    opened: list[tuple[Opened, Any]] = []

    def open_it(
        count: ParamCount, fragment: str = "", title: str | None = None, **of: Any
    ) -> Opened:
        context = browser.new_context(**{"viewport": {"width": 1000, "height": 800}, **of})
        page = Opened(context.new_page())
        opened.append((page, context))
        path = tmp_path / "page.html"
        count.page(title, path=path)
        page.page.goto(f"{path.as_uri()}{fragment}")
        return page

    yield open_it
    for page, context in opened:
        page.page.wait_for_timeout(50)  # for what the last event drew
        context.close()
        assert page.problems == []
        assert all(url.startswith(("file:", "data:")) for url in page.requests), page.requests
        assert len([url for url in page.requests if url.startswith("file:")]) == 1


@needs_browser
@pytest.mark.parametrize(("factory", "given", "points"), CASES, ids=[c[0].__name__ for c in CASES])
def test_values_typed_in_equal_python_s(
    factory: Callable[..., Any], given: dict[str, Any], points: list[Any], open_page: Any
) -> None:
    count = formula(factory, **given)
    page = open_page(count)
    for point in points:
        page.set(point)
        assert page.count == f"{count(**point):,}", (page.status, point)
        assert page.status == ""
        assert page.invalid() == []
        parts = page.page.locator("#parts tr td:nth-child(2)").all_text_contents()
        breakdown = count.breakdown()
        assert sorted(parts) == sorted(
            f"{part(**point):,}"
            for part in (*breakdown.parameters.values(), *breakdown.modules.values())
        )


@needs_browser
def test_the_human_form(open_page: Any) -> None:
    page = open_page(formula(lambda n: nn.Linear(n, 1, bias=False)))
    for n, text in [
        (999, ""), (1000, "(1.00 K)"), (6_738_415_616, "(6.74 B)"), (999_949, "(1.00 M)"),
        (999_499, "(999 K)"), (12_345, "(12.3 K)"), (10**15 - 1, "(≈ 1.00 × 10¹⁵)"),
        (34 * 10**20, "(≈ 3.40 × 10²¹)"), (9999 * 10**20, "(≈ 1.00 × 10²⁴)"),
    ]:  # fmt: skip
        page.set({"n": n})
        assert page.page.inner_text("#human") == text


@needs_browser
def test_invalid_values_are_marked_with_the_reason(open_page: Any) -> None:
    count = formula(attention, dim=Symbol(min=8, max=4096, multiple_of=4))
    page = open_page(count)

    def says(values: dict[str, Any], invalid: list[str], text: str) -> None:
        page.set(values)
        assert page.count == "—"
        assert page.invalid() == invalid
        assert page.status.startswith(text)
        field = page.page.get_by_label(invalid[0], exact=True)
        described = field.get_attribute("aria-describedby").split()
        said = " ".join(page.page.inner_text(f"#{part}") for part in described)
        assert text.split(".")[0] in said

    says({"dim": "60", "heads": "8"}, ["dim", "heads"],
         "dim must be a multiple of heads. Nearest valid values: dim = 56 or 64; heads = 6 or 10. "
         "The factory raises there, at dim=")  # fmt: skip
    says({"dim": "62"}, ["dim"], "dim must be a multiple of 4. Nearest")
    says({"dim": "4"}, ["dim"], "dim must be at least 8. Nearest valid values: dim = 8.")
    says({"dim": "5000"}, ["dim"], "dim must be at most 4096. Nearest valid values: dim = 4,096.")
    says({"dim": "64.5"}, ["dim"], 'dim is "64.5": write a positive whole number.')
    says({"dim": "-64"}, ["dim"], 'dim is "-64": write a positive whole number.')
    says({"dim": ""}, ["dim"], "dim is empty: write a positive whole number.")
    says({"dim": "64", "heads": "<b>8"}, ["heads"], 'heads is "<b>8": write a positive whole')
    page.set({"dim": "1,024", "heads": "8"})
    assert (page.count, page.invalid(), page.status) == (f"{count(1024):,}", [], "")


@needs_browser
def test_a_real_symbol_is_any_positive_number(open_page: Any) -> None:
    count = formula(ratio, factor=Symbol(real=True))
    page = open_page(count, "#dim=100&factor=1e-1")
    assert page.count == f"{count(100, 0.1):,}"
    page.set({"factor": "0"})
    assert page.status.startswith("factor must be a positive number.")


@needs_browser
def test_what_is_too_large_for_a_page_is_said(open_page: Any) -> None:
    page = open_page(formula(powers))
    page.set({"n": 10**12})
    assert page.status.startswith("the numbers are too large to be computed here")
    page.set({"n": 10**5})
    assert (
        page.status == "the count has more than 1,000 digits, too many to show; evaluate in Python."
    )
    page.set({"n": "9" * 400})
    assert "of 300 digits at most" in page.status


@needs_browser
def test_the_address_holds_the_values(open_page: Any) -> None:
    count = formula(attention)
    page = open_page(count, "#dim=96&heads=12")
    assert page.count == f"{count(96, 12):,}"
    page.set({"dim": 1200})
    page.page.wait_for_url("**#dim=1200&heads=12")
    assert page.page.input_value("#link") == page.page.url
    page.page.evaluate("location.hash = '#dim=640'")  # as if another link was followed
    page.page.wait_for_function("document.getElementById('count').value.startsWith('1,640,')")
    assert page.page.input_value("#value-1") == "8"
    assert page.count == f"{count(640):,}"
    page.page.reload()
    assert page.count == f"{count(640):,}"
    del page.requests[1:]


@needs_browser
def test_a_bad_fragment_is_ignored_with_a_note(open_page: Any) -> None:
    page = open_page(formula(attention), "#dim=abc&heads=4")
    start = page.count
    for fragment, ignored in [
        ("", "dim=abc"),
        ("#dim=64&width=3&heads=-1", "heads=-1, width=3"),
        ("#%E0%A4%A", "=."),
        ("#<script>alert(1)</script>", "<script>alert(1)</script>="),
        ("#__proto__=1&constructor=2", "__proto__=1, constructor=2"),
    ]:
        if fragment:
            page.page.evaluate("fragment => { location.hash = fragment; }", fragment)
        page.page.wait_for_function(
            "text => document.getElementById('note').textContent.includes(text)", arg=ignored
        )
        assert page.page.inner_text("#note").startswith("Ignored in the link, as it is no value")
        assert page.count != "—"
    assert page.count == start


@needs_browser
def test_copy_and_reset(open_page: Any) -> None:
    page = open_page(formula(attention), "#dim=128&heads=4")
    page.page.get_by_role("button", name="Copy").click()
    page.page.wait_for_function("document.getElementById('note').textContent !== ''")
    assert page.page.inner_text("#note") in (
        "The link is copied.",
        "The link is selected: copy it with the keyboard.",
    )
    page.page.get_by_role("button", name="Reset").click()
    assert page.page.input_value("#value-1") == "8"
    assert page.page.inner_text("#note") == ""


@needs_browser
def test_everything_is_reached_and_moved_by_keyboard(open_page: Any) -> None:
    count = formula(eighths, width=Symbol(min=64, max=512, multiple_of=64))
    page = open_page(count, "#width=128&out=10")
    keyboard = page.page.keyboard
    reached = []
    for _ in range(14):
        keyboard.press("Tab")
        here = "document.activeElement"
        reached.append(page.page.evaluate(f"{here}.id || {here}.tagName"))
        outline = page.page.evaluate(f"getComputedStyle({here}).outlineStyle")
        assert outline == "solid", reached[-1]
        if reached[-1] == "along":
            break
    wanted = ["formula", "value-0", "slider-0", "value-1", "slider-1", "link", "copy", "reset",
              "SUMMARY", "along"]  # fmt: skip
    assert reached == wanted
    page.page.focus("#slider-0")
    keyboard.press("ArrowRight")
    assert page.page.input_value("#value-0") == "192"
    assert page.count == f"{count(192, 10):,}"
    assert page.page.get_attribute("#slider-0", "aria-valuetext") == "192"
    keyboard.press("End")
    assert page.count == f"{count(512, 10):,}"
    keyboard.press("Home")
    assert page.count == f"{count(64, 10):,}"
    page.set({"width": 130})  # between the positions of 128 and 192
    assert page.page.input_value("#slider-0") == "1"


@needs_browser
def test_labels_roles_and_live_regions(open_page: Any) -> None:
    page = open_page(formula(attention)).page
    for control in page.query_selector_all("input, select, button"):
        named = control.evaluate(
            "e => (e.labels && e.labels.length) || e.ariaLabel || e.textContent.trim()"
        )
        assert named, control.evaluate("e => e.outerHTML")
    assert page.get_attribute("#status", "role") == "status"
    assert page.get_attribute("#status", "aria-live") == "polite"
    assert page.evaluate("document.querySelector('output').tagName") == "OUTPUT"
    assert page.get_attribute("html", "lang") == "en"


@needs_browser
def test_contrast_is_enough(open_page: Any) -> None:
    """WCAG 2.1 AA: 4.5 for text, 3 for the borders of fields."""
    page = open_page(formula(attention)).page

    def luminance(name: str) -> float:
        text = page.evaluate(
            f"getComputedStyle(document.documentElement).getPropertyValue('--{name}').trim()"
        )
        channels = [int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(a: str, b: str) -> float:
        low, high = sorted([luminance(a), luminance(b)])
        return (high + 0.05) / (low + 0.05)

    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert (luminance("ground") < 0.1) is (scheme == "dark")
        for ground in ("ground", "raised"):
            for name in ("ink", "quiet", "error", "accent"):
                assert contrast(name, ground) >= 4.5, (scheme, name, ground)
        assert contrast("line", "ground") >= 3


@needs_browser
@pytest.mark.parametrize("factory", [families.llama, groups])
def test_a_phone_needs_no_scrolling_sideways(open_page: Any, factory: Any) -> None:
    page = open_page(formula(factory), viewport={"width": 360, "height": 700}).page
    page.click("summary")
    page.wait_for_timeout(150)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.evaluate("visualViewport.scale") == 1


@needs_browser
def test_a_formula_of_expressions_starts_where_it_holds(open_page: Any) -> None:
    count = formula(squeeze_excitation).substitute(dim="8*n/3")
    page = open_page(count)
    start = int(page.page.input_value("#value-0"))
    assert page.count == f"{count(start):,}"
    page.set({"n": 64})
    assert page.count == "—"
    assert page.status == (
        "n must be a multiple of 3. Nearest valid values: n = 63 or 66. "
        "dim = 8*n/3 is no integer there."
    )
    page = open_page(formula(attention, heads=12).memory(shards="devices", zero=3).total)
    assert page.status == "" and page.page.input_value("#value-1") == "64"


@needs_browser
def test_charts_follow_the_values(open_page: Any) -> None:
    count = formula(squeeze_excitation)
    page = open_page(count, "#dim=64&reduction=4").page
    data = "document.getElementById('{}').data[{}]"

    def drawn(chart: str, index: int, of: str) -> Any:
        page.wait_for_timeout(100)
        return page.evaluate(f"{data.format(chart, index)}.{of}")

    assert drawn("parts-chart", 0, "hovertext") == ["0: 1,024", "2: 1,088"]
    assert drawn("curve-chart", 1, "y") == [count(64)]
    curve = drawn("curve-chart", 0, "y")
    assert curve == [count(dim) for dim in drawn("curve-chart", 0, "x")]
    page.get_by_label("dim", exact=True).fill("128")
    assert drawn("parts-chart", 0, "hovertext") == ["0: 4,096", "2: 4,224"]
    page.get_by_label("Along").select_option("reduction")
    assert drawn("curve-chart", 0, "y")[:3] == [count(128, r) for r in (1, 2, 3)]
    page.get_by_label("dim", exact=True).fill("")
    assert drawn("parts-chart", 0, "hovertext") == []


@needs_browser
def test_a_curve_has_gaps_outside_the_domain(open_page: Any) -> None:
    page = open_page(formula(attention), "#dim=64&heads=8").page
    page.wait_for_timeout(100)
    x, y = (page.evaluate(f"document.getElementById('curve-chart').data[0].{k}") for k in "xy")
    assert [value % 8 != 0 for value in x] == [value is None for value in y]


def hostile(dim):
    if dim % 2:
        raise ValueError("</script><img src=x onerror=alert(1)> {{ 7*7 }} ${alert(2)}")
    module = nn.Module()
    module.add_module("</script><b onclick='alert(3)'>{{ 7*7 }}", nn.Linear(dim, 3))
    return nn.ModuleList([module, nn.Linear(dim, 2)])


@needs_browser
def test_no_text_is_taken_for_markup(open_page: Any) -> None:
    title = "</title></script><script>alert(4)</script>{{ 7*7 }}&amp;"
    page = open_page(formula(hostile), "#dim=3", title=title)
    assert page.page.inner_text("h1") == title
    assert "</script><img src=x onerror=alert(1)> {{ 7*7 }} ${alert(2)}" in page.status
    assert page.page.query_selector("img") is None
    page.set({"dim": 2})
    names = page.page.locator("#parts th").all_text_contents()
    assert "</script><b onclick='alert(3)'>{{ 7*7 }}" in names
    page.page.wait_for_timeout(100)
    assert page.page.query_selector("b") is None
    drawn = page.page.locator("#parts-chart .ytick text").all_text_contents()
    assert any("<b onclick='alert(3)'>" in text for text in drawn), drawn


@needs_browser
def test_other_measures_have_pages_too_and_no_other_script_runs(open_page: Any) -> None:
    count = formula(attention).nbytes
    page = open_page(count, "#dim=64&heads=8")
    assert page.count == f"{count(64, 8):,}"
    assert page.page.inner_text("#result-title") == "Bytes"
    page.page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'),"
        " { textContent: 'window.ran = true' }))"
    )
    assert page.page.evaluate("window.ran") is None
    refused = page.problems.pop()
    assert "Content Security Policy" in refused
    assert page.problems == []


@needs_browser
def test_pages_may_share_a_file_of_plotly(browser: Any, tmp_path: Path) -> None:
    count = formula(squeeze_excitation)
    text = render(count.formula, plotly="plotly.min.js")
    assert len(text) < len(plotly_script()) / 10
    (tmp_path / "plotly.min.js").write_text(plotly_script(), encoding="utf-8")
    (tmp_path / "shared.html").write_text(text, encoding="utf-8")
    opened = Opened(browser.new_page())
    opened.page.goto((tmp_path / "shared.html").as_uri())
    opened.page.wait_for_timeout(100)
    assert opened.page.locator(".js-plotly-plot").count() == 2
    opened.page.close()
    assert opened.problems == []


# --- without a browser ------------------------------------------------------------------------


def test_a_page_has_what_each_layer_has_in_brackets_and_its_domain_in_words() -> None:
    count = derive(lambda d, n, h: nn.ModuleList(nn.MultiheadAttention(d, h) for _ in range(n)))
    text = count.page()
    formula, _, rest = text.partition('id="formula"')[2].partition("</header>")
    terms = re.findall('<span class="term">(.*?)</span>', formula)
    assert [re.sub("<[^>]*>", "", term) for term in terms] == ["n&#x2062;(4&#x2062;d2+4&#x2062;d)"]
    assert "<code>n*(4*d**2 + 4*d)</code>" in re.sub(' id="[^"]*"', "", rest)
    assert "<dd><code>d</code> is a multiple of <code>h</code><div" in rest


def test_a_bracket_that_is_longer_than_a_telephone_is_several_terms() -> None:
    text = derive(families.llama).page()
    formula = text.partition('id="formula"')[2].partition("</header>")[0]
    terms = re.findall('<span class="term">(.*?)</span>', formula)
    assert len(terms) >= 6 and all(term.count("<math") == 1 for term in terms)
    assert sum(term.count('form="prefix">(<') for term in terms) == 1
    assert sum(term.count('form="postfix">)<') for term in terms) == 1


def test_a_page_is_one_file_that_asks_for_nothing() -> None:
    text = derive(attention).page()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")
    assert "http" not in policy[1]
    markup = re.sub(r"<(script|style)>.*?</\1>", "", text, flags=re.DOTALL)
    assert re.findall(r'(?:src|href)="(?!data:,)', markup) == []
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in markup
    assert text.count("<script>") - text.count("</script>") == 0


@pytest.mark.parametrize(
    ("symbol", "default", "values"),
    [
        (Symbol(max=5), None, [1, 2, 3, 4, 5]),
        (Symbol(min=10, max=40, multiple_of=16), None, [16, 32]),
        (Symbol(min=3, max=3), None, [3]),
        (Symbol(real=True, min=1, max=2), None, [1 + i / 100 for i in range(101)]),
    ],
)
def test_ladders_of_short_ranges(symbol: Symbol, default: Any, values: list[Any]) -> None:
    assert ladder(symbol.hyperparameter("x", default)) == pytest.approx(values)


@pytest.mark.parametrize("multiple_of", [1, 3, 64, 1000])
@pytest.mark.parametrize("default", [None, 1, 4096, 32000, 10**7])
@pytest.mark.parametrize("low", [1, 100, 10**6])
def test_ladders_rise_in_steps_that_are_allowed(multiple_of: int, default: Any, low: int) -> None:
    h = Symbol(min=low, multiple_of=multiple_of).hyperparameter("x", default)
    values = ladder(h)
    assert values == sorted(set(values))
    assert all(value in h for value in values)
    assert values[0] == h.aligned(low)
    assert 1 < len(values) <= 400
    if default is not None and default >= low:
        assert values[-1] >= default


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    with pytest.raises(symcount.SymcountError) as caught:
        derive(attention).page()
    assert isinstance(caught.value, ImportError)
    assert str(caught.value) == (
        "a page to explore needs plotly, which is not installed: pip install 'symcount[explore]'"
    )


def test_importing_loads_nothing_of_it() -> None:
    code = (
        "import sys, symcount, symcount.param_count, symcount.cli; "
        "print(sorted({'jinja2', 'plotly', 'playwright'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_page_that_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "page.html").mkdir()
    with pytest.raises(IsADirectoryError) as caught:
        derive(attention).page(path=tmp_path / "page.html")
    assert caught.value.filename == str(tmp_path / "page.html")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


# --- the command ------------------------------------------------------------------------------


def test_explore_writes_a_page(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    done = CliRunner().invoke(
        main, ["explore", "torch.nn:Linear", "--symbol", "in_features:multiple_of=64",
               "--set", "out_features=10", "-o", str(path)],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert done.output == ""
    assert "<h1>torch.nn:Linear</h1>" in path.read_text(encoding="utf-8")


def test_explore_needs_a_file(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["explore", "torch.nn:Linear"])
    assert done.exit_code == 2
    assert "Missing option '-o'" in done.output


def test_explore_refuses_what_javascript_cannot_compute(tmp_path: Path) -> None:
    source = tmp_path / "models.py"
    source.write_text(
        "import math\nfrom torch import nn\n"
        "def net(dim: int):\n    return nn.Linear(dim, int(math.log(dim + 1) * 7) + 1)\n"
    )
    path = tmp_path / "page.html"
    done = CliRunner().invoke(main, ["explore", f"{source}:net", "-o", str(path)])
    assert done.exit_code == 2
    assert "cannot be written in JavaScript exactly" in done.output
    assert not path.exists()
