"""The built documentation in a browser: what a visitor finds, on a desk and on a telephone.

It is tested where `make docs` has built it, as `make test` does before the tests.
"""

from __future__ import annotations

import functools
import http.server
import importlib.util
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from examples.atlas import FAMILIES

DOCS = Path(__file__).parent.parent / "docs"
SITE = DOCS / "_build" / "html"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
FLAGS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run".split()
SIZES = {"desk": (1280, 900), "telephone": (390, 844)}

needs_site = pytest.mark.skipif(
    CHROMIUM is None or not (SITE / "index.html").exists(),
    reason="it takes a browser, Debian's `chromium`, and the pages that `make docs` builds",
)


# --- the picture ------------------------------------------------------------------------------


def test_the_picture_is_what_is_derived_now() -> None:
    spec = importlib.util.spec_from_file_location("write_picture", DOCS / "write_picture.py")
    assert spec is not None and spec.loader is not None
    writer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(writer)
    picture = writer.svg()
    assert writer.PICTURE.read_text() == picture, "run docs/write_picture.py"
    for said in ("12\N{DOT OPERATOR}depth", "complete", "85,054,464", "4,264", "dim=96 or 104"):
        assert said in picture
    for page in ("index.md", "../README.md"):
        assert "_static/symcount.svg" in (DOCS / page).read_text()


# --- the pages --------------------------------------------------------------------------------


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *said: object) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where the pages are served: a search loads them by script, as files on disk do not allow."""
    handler = functools.partial(Quiet, directory=str(SITE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def visit(address: str) -> Iterator[Callable[..., Any]]:
    """Open a page of the site in the one browser of these tests."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        opened = {}
        for name, (width, height) in SIZES.items():
            context = browser.new_context(viewport={"width": width, "height": height})
            context.route(lambda url: not url.startswith(address), lambda route: route.abort())
            opened[name] = context.new_page()

        def visited(place: str, on: str = "desk") -> Any:
            opened[on].goto(f"{address}/{place}")
            return opened[on]

        yield visited
        browser.close()


def overflow(page: Any) -> int:
    """How many pixels of the page are beside the screen."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


@needs_site
def test_the_first_screen_says_what_it_is_and_how_to_install_it(visit: Any) -> None:
    page = visit("index.html")
    picture = page.locator("article img").first
    assert picture.evaluate("image => image.naturalWidth") > 0
    tops = page.evaluate(
        "[...document.querySelectorAll('article .tagline, article img, article pre')]"
        ".map(element => element.getBoundingClientRect().bottom)"
    )
    assert len(tops) == 3 and max(tops) < SIZES["desk"][1], "the install line is seen at once"
    assert page.locator("article pre").inner_text().strip() == "pip install 'symcount[derive]'"
    assert page.locator("article .toctree-wrapper:visible li").count() == 0


@needs_site
@pytest.mark.parametrize("on", SIZES)
def test_the_example_moves(visit: Any, on: str) -> None:
    page = visit("index.html", on)
    page.locator("iframe.live").scroll_into_view_if_needed()
    frame = page.frame_locator("iframe.live")
    count = frame.locator("#count")
    count.get_by_text("6,738,415,616").wait_for()
    frame.get_by_label("num_hidden_layers", exact=True).fill("16")
    count.get_by_text("3,500,281,856").wait_for()
    width = frame.locator("html").evaluate("page => page.scrollWidth - page.clientWidth")
    assert width == 0


@needs_site
def test_three_doors_lead_to_what_is_there(visit: Any) -> None:
    page = visit("index.html")
    doors = page.locator(".door")
    assert doors.count() == 3
    tops = {round(door.bounding_box()["y"]) for door in doors.all()}
    assert len(tops) == 1, "side by side"
    links = page.locator(".door a").evaluate_all("links => links.map(link => link.href)")
    assert len(links) >= 9
    for link in links:
        path, _, fragment = link.partition("#")
        text = (SITE / path.split("/", 3)[3]).read_text()
        assert not fragment or f'id="{fragment}"' in text, link


@needs_site
@pytest.mark.parametrize(
    "place",
    ["index.html", "install.html", "tutorial.html", "atlas/index.html", "atlas/llama.html",
     "atlas/mobilenet_v2.html", "atlas/explore/llama.html"],
)  # fmt: skip
def test_nothing_is_beside_the_screen_of_a_telephone(visit: Any, place: str) -> None:
    assert overflow(visit(place, "telephone")) <= 0


@needs_site
def test_the_atlas_shows_formulas_and_published_sizes(visit: Any) -> None:
    page = visit("atlas/index.html")
    entries = page.locator(".atlas-family")
    assert entries.count() == len(FAMILIES)
    text = entries.filter(has=page.get_by_role("link", name="GPT-2", exact=True)).inner_text()
    assert "gpt2 124,439,808" in text and "complete" in text
    assert page.locator(".atlas-family math").count() > 3 * len(FAMILIES)
    heights = page.evaluate(
        "[...document.querySelectorAll('.atlas-family')].map(e => e.getBoundingClientRect().height)"
    )
    assert max(heights) < 420, "a family is read at a glance"


@needs_site
def test_what_a_page_of_the_atlas_runs_can_be_downloaded(visit: Any) -> None:
    page = visit("atlas/llama.html")
    link = page.locator("article a.download").first
    with page.expect_download() as download:
        link.click()
    assert (
        Path(download.value.path()).read_bytes() == (DOCS / "atlas" / "formulas.json").read_bytes()
    )


@needs_site
def test_a_search_for_install_finds_how_to(visit: Any) -> None:
    page = visit("search.html?q=install")
    first = page.locator("#search-results li a").first
    first.wait_for()
    found = page.locator("#search-results li a").all_inner_texts()
    assert "Install" in found[:3], found[:5]
