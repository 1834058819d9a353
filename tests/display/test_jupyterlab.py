"""What notebooks show, in a JupyterLab in a browser: trusted or not, light or dark, wide or narrow.

A notebook that somebody else has run is not trusted: JupyterLab then takes out MathML, SVG, and a
part of the attributes. Code hosts, and nbconvert if told to, leave fewer elements, and no style.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from html import unescape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import nbformat
import nbformat.sign
import pytest
from torch import nn

from symcount import BlueprintRegistry, derive
from symcount.display import plain

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
SECONDS = 60

needs_jupyterlab = pytest.mark.skipif(
    find_spec("jupyterlab") is None, reason="there is no JupyterLab here: install `jupyterlab`"
)
needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no browser here: install Debian's `chromium`"
)


# --- what is shown ----------------------------------------------------------------------------


def net(hidden_size, intermediate_size, num_attention_heads=8, num_hidden_layers=3):
    if hidden_size % num_attention_heads:
        raise ValueError(hidden_size)
    return nn.ModuleList(
        nn.ModuleDict(
            {
                "gates": nn.Linear(hidden_size, hidden_size // num_attention_heads),
                "up": nn.Linear(hidden_size, intermediate_size),
            }
        )
        for _ in range(num_hidden_layers)
    )


def branching(dim):
    return nn.Linear(dim, 10 if dim > 100 else dim)


@pytest.fixture(scope="module")
def shown() -> dict[str, Any]:
    registry = BlueprintRegistry()
    registry.register("branching", "mlp", 2000, "of two cases")(branching)
    registry.register("net", "mlp")(net)
    count = derive(net)
    return {
        "formula": count,
        "cases": derive(branching),
        "certificate": count.certificate,
        "breakdown": count.breakdown().at(64, 128),
        "share": list(count.share().values())[-1],
        "registry": registry,
        "entry": registry.get("mlp", "branching"),
    }


@pytest.fixture(scope="module")
def notebook(shown: dict[str, Any]) -> nbformat.NotebookNode:
    """A notebook that has been run, as it is saved."""
    formatter = pytest.importorskip("IPython.core.formatters").DisplayFormatter()
    cells = []
    for number, (name, value) in enumerate(shown.items(), 1):
        data, _ = formatter.format(value)
        result = nbformat.v4.new_output("execute_result", data, execution_count=number)
        cell = nbformat.v4.new_code_cell(name, execution_count=number, outputs=[result])
        cells.append(nbformat.v4.new_markdown_cell(f"## {name}"))
        cells.append(cell)
    return nbformat.v4.new_notebook(cells=cells, metadata={"language_info": {"name": "python"}})


def layers_of(value: Any) -> Any:
    """The expression as it is shown, if the value is a formula."""
    return value.formula.in_layers if hasattr(value, "formula") else value.expr


def words(html: str) -> str:
    return unescape(re.sub("<[^>]*>", "", html))


# --- JupyterLab -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def address(
    notebook: nbformat.NotebookNode, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Of a JupyterLab with the notebook twice: `trusted.ipynb` and `untrusted.ipynb`."""
    home = tmp_path_factory.mktemp("jupyterlab")
    for name in ("trusted", "untrusted"):  # what differs is of the signature
        named = nbformat.from_dict({**notebook, "metadata": {"title": name}})
        nbformat.write(named, home / f"{name}.ipynb")
    (home / "data").mkdir()
    signed = nbformat.sign.NotebookNotary(data_dir=str(home / "data"))
    signed.sign(nbformat.read(home / "trusted.ipynb", 4))
    signed.store.close()
    settings = {
        "apputils-extension/themes": '{"adaptive-theme": true}',
        "apputils-extension/notification": '{"fetchNews": "false", "checkForUpdates": false}',
        "notebook-extension/tracker": '{"windowingMode": "none"}',
    }
    for name, text in settings.items():
        file = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    command += ["--IdentityProvider.token=", f"--ServerApp.root_dir={home}"]
    with open(home / "log", "w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=home)
    try:
        _wait_for(f"http://127.0.0.1:{port}/api", server, home / "log")
        yield f"http://127.0.0.1:{port}/doc/tree"
    finally:
        server.terminate()
        server.wait(SECONDS)


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"JupyterLab does not answer: {log.read_text()[-2000:]}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()


@pytest.fixture(scope="module", params=["trusted", "untrusted"])
def lab(request: pytest.FixtureRequest, address: str, browser: Any, shown: Any) -> Iterator[Any]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{address}/{request.param}.ipynb")
    page.locator(".jp-Dialog").get_by_role("button", name="No Kernel").click()
    page.wait_for_function(
        "n => document.querySelectorAll('.jp-OutputArea-output .symcount').length === n",
        arg=len(shown),
        timeout=SECONDS * 1000,
    )
    is_kept = page.locator(".symcount [aria-hidden]").count() > 0
    assert is_kept == (request.param == "trusted"), "the sanitizer takes `aria-hidden` out"
    yield page
    page.close()


# Where letters of different texts are printed over each other, or beyond what can be seen.
_MISPRINTS = r"""
() => {
  const found = [];
  for (const output of document.querySelectorAll(".jp-OutputArea-output .symcount")) {
    const printed = [];
    const walker = document.createTreeWalker(output, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = walker.currentNode.data.trim();
      const range = document.createRange();
      range.selectNodeContents(walker.currentNode);
      const parent = walker.currentNode.parentElement;
      const around = [];
      for (let e = parent; e !== output; e = e.parentElement)
        if (["auto", "scroll"].includes(getComputedStyle(e).overflowX))
          around.push(e.getBoundingClientRect());
      const scrolls = around.length > 0;
      for (const whole of text ? range.getClientRects() : []) {
        // what a box that scrolls does not show is not printed
        const top = Math.max(whole.top, ...around.map(box => box.top));
        const bottom = Math.min(whole.bottom, ...around.map(box => box.bottom));
        const rect = new DOMRect(whole.x, top, whole.width, bottom - top);
        if (!rect.width || bottom <= top) continue;
        const right = output.closest(".jp-OutputArea-output").getBoundingClientRect().right;
        if (!scrolls && rect.right > right + 1) found.push(`beyond the edge: ${text}`);
        printed.push([text, rect]);
      }
    }
    printed.forEach(([a, p], i) => printed.slice(i + 1).forEach(([b, q]) => {
      const width = Math.min(p.right, q.right) - Math.max(p.left, q.left);
      const height = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
      if (width > 1 && height > Math.min(p.height, q.height) / 2)
        found.push(`one over the other: ${a} / ${b}`);
    }));
  }
  return found;
}
"""
# The least contrast of a text with what is behind it, by WCAG 2, with all opacities.
_CONTRAST = r"""
() => {
  const numbers = color => color.match(/[\d.]+/g).map(Number);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const [r, g, b, a = 1] = numbers(getComputedStyle(e).backgroundColor);
      if (a === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const linear = c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = rgb => rgb.map(c => linear(c / 255))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  let least = 21;
  for (const element of document.querySelectorAll(".symcount *:not([aria-hidden])")) {
    if (!element.checkVisibility() || !/[a-z0-9]/i.test(element.textContent)) continue;
    let opacity = 1;
    for (let e = element; e; e = e.parentElement) opacity *= Number(getComputedStyle(e).opacity);
    const back = behind(element);
    const [r, g, b, a = 1] = numbers(getComputedStyle(element).color);
    const front = [r, g, b].map((c, i) => c * a * opacity + back[i] * (1 - a * opacity));
    const [low, high] = [light(front), light(back)].sort((x, y) => x - y);
    least = Math.min(least, (high + 0.05) / (low + 0.05));
  }
  return least;
}
"""


def set_to(page: Any, theme: str, width: int) -> None:
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_function(
        "light => document.body.dataset.jpThemeLight === String(light)", arg=theme == "light"
    )
    page.wait_for_timeout(500)  # for what the new theme draws


@needs_jupyterlab
@needs_browser
@pytest.mark.parametrize("width", [1280, 600])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_all_is_read_in_jupyterlab(lab: Any, shown: Any, theme: str, width: int) -> None:
    set_to(lab, theme, width)
    assert lab.evaluate(_MISPRINTS) == []
    assert lab.evaluate(_CONTRAST) >= 4.5
    texts = lab.locator(".symcount").all_text_contents()
    for text, html in zip(texts, (value._repr_html_() for value in shown.values()), strict=True):
        assert text == words(html)
    for value, text in zip(shown.values(), texts, strict=True):
        assert "\\" not in text and "$" not in text
        if hasattr(value, "expr"):
            assert all(text.count(line) == 1 for line in plain.lines(layers_of(value)))
    assert "████" in texts[list(shown).index("breakdown")]


# --- hosts that leave less --------------------------------------------------------------------


_KEPT = {"div", "span", "strong", "code", "ul", "li"}


def test_without_style_and_attributes_words_are_still_apart(shown: Any) -> None:
    for name, value in shown.items():
        html = value._repr_html_()
        tags = set(re.findall(r"<(\w+)", html))
        assert tags <= _KEPT, name
        inline = re.sub(r"</?(?:span|code|strong)[^>]*>", "", html)
        blocks = re.split(r"<[^>]*>", inline)
        for row in filter(None, map(unescape, blocks)):
            assert not re.search(r"[a-z]\d{2},|%[█▏]|\d%\S*\d%|[a-z)][A-Z]", row), row
    rows = words(shown["breakdown"]._repr_html_())
    assert "(all)\N{EM SPACE}" in rows and "\N{EM SPACE}100%\N{EM SPACE}██████" in rows


def test_nbconvert_writes_what_is_shown(shown: Any, notebook: nbformat.NotebookNode) -> None:
    nbconvert = pytest.importorskip("nbconvert")
    html, _ = nbconvert.HTMLExporter().from_notebook_node(notebook)
    outputs = [words(part) for part in html.split('<div class="symcount')[1:]]
    for value, output in zip(shown.values(), outputs, strict=True):
        assert words(value._repr_html_().removeprefix('<div class="symcount')) in output
    cleaned, _ = nbconvert.HTMLExporter(sanitize_html=True).from_notebook_node(notebook)
    outputs = [words(part) for part in cleaned.split('<div class="symcount')[1:]]
    for value, output in zip(shown.values(), outputs, strict=True):
        # no tag is written out, as those of elements are that it does not know
        assert words(value._repr_html_()) in output.partition(">")[2]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]  # others need pandoc
    latex, _ = nbconvert.LatexExporter().from_notebook_node(
        nbformat.from_dict({**notebook, "cells": code})
    )
    assert shown["formula"]._repr_latex_().strip("$") in latex
