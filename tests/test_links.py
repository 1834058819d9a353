"""Links lead somewhere: the checker of `make docs`, and the Markdown files that need no build."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_links", ROOT / "docs" / "check_links.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


check_links = load()


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_of_markdown_files(name: str) -> None:
    path = ROOT / name
    assert check_links.page(path).links
    assert list(check_links.broken(path)) == []


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ("other.html", None),
        ("other.html#there", None),
        ("other.html?v=1#there", None),
        ("sub%20folder/deep.html#caf%C3%A9", None),
        ("sub folder/", None),
        ("picture.svg#part", None),
        ("#here", None),
        ("#", None),
        ("#top", None),
        ("other.html#dim=512", None),
        ("mailto:someone@example.org", None),
        ("data:image/png;base64,AA==", None),
        ("https://example.org/a?b=c#d", None),
        ("https://example.org:8080/a%20b", None),
        ("gone.html", "leads to no file"),
        ("sub folder/gone.html#caf%C3%A9", "leads to no file"),
        ("other.html#nowhere", "finds nothing of that name in other.html"),
        ("#nowhere", "finds nothing of that name in page.html"),
        ("http://example.org", "is not https"),
        ("ftp://example.org", "is not https"),
        ("//example.org/script.js", "is not https"),
        ("https:/example.org", "names no host"),
        ("https://localhost/a", "names no host"),
        ("https://example .org", "names no host"),
        ("https://example.org/a b", "has characters that an address may not have"),
        ("https://example.org/<b>", "has characters that an address may not have"),
        ("https://[example.org/", "is no address: Invalid IPv6 URL"),
    ],
)
def test_a_link_of_a_page(tmp_path: Path, link: str, problem: str | None) -> None:
    (tmp_path / "sub folder").mkdir()
    (tmp_path / "sub folder" / "deep.html").write_text('<h1 id="café">x</h1>')
    (tmp_path / "other.html").write_text('<br id="there"/>')
    (tmp_path / "picture.svg").write_text("<svg/>")
    page = tmp_path / "page.html"
    link = link.replace("<", "&lt;")
    page.write_text(f'<p id="here">\n<a href="{link}">x</a></p>')
    link = link.replace("&lt;", "<")
    expected = [] if problem is None else [f"{page}:2: {link!r} {problem}"]
    assert list(check_links.broken(page)) == expected


def test_pictures_and_scripts_are_links(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text('<img src="a.png"/><script src="b.js"></script><link href="c.css">')
    assert [problem.split(": ")[1] for problem in check_links.broken(page)] == [
        "'a.png' leads to no file",
        "'b.js' leads to no file",
        "'c.css' leads to no file",
    ]


def test_links_in_markdown(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# The first\n\n[a](#the-first) [b](#the-second) [c](gone.md) ![d](gone.png)\n\n"
        "`[no](link.md)`\n\n| table |\n|---|\n| [e](page.md#the-first) [f](page.md#no) |\n"
    )
    assert list(check_links.broken(page)) == [
        f"{page}: '#the-second' finds nothing of that name in page.md",
        f"{page}: 'gone.md' leads to no file",
        f"{page}: 'gone.png' leads to no file",
        f"{page}: 'page.md#no' finds nothing of that name in page.md",
    ]


def test_the_command_says_what_is_broken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.html").write_text('<a href="b.html">x</a>')
    assert check_links.main([str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert "a.html:1: 'b.html' leads to no file" in said.err
    assert said.out == "1 links of 1 pages, 1 broken\n"
    (tmp_path / "b.html").write_text("")
    check_links.page.cache_clear()
    assert check_links.main([str(tmp_path)]) == 0


def test_that_nothing_was_built_is_no_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check_links.main([str(tmp_path)]) == 1
    assert "no pages in" in capsys.readouterr().err
