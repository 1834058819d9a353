"""Check the links of the built documentation, and of Markdown files, without a network.

    python docs/check_links.py docs/_build/html README.md CONTRIBUTING.md

A relative link has to lead to a file, and its fragment to an element of that name. A link to
elsewhere has to be a well-formed https address; whether it answers is for `make linkcheck`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

# Attributes that hold an address, and those that name a place to link to.
ADDRESSES = ("href", "src")
NAMES = ("id", "name")
# Addresses that lead out of the files, and need no checking.
INLINE = ("data", "javascript", "mailto")
HOST = re.compile(r"([a-z0-9-]+\.)+[a-z]{2,}(:[0-9]+)?", re.IGNORECASE)


class Link(NamedTuple):
    line: int
    address: str


class Page(HTMLParser):
    """The links of a page, and the names that links to it may have for fragments."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[Link] = []
        self.names: set[str] = {"", "top"}  # of every page, by the HTML standard
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for key, value in attributes:
            if value is not None and key in ADDRESSES:
                self.links.append(Link(self.getpos()[0], value))
            elif value and key in NAMES:
                self.names.add(value)


@cache
def page(path: Path) -> Page:
    text = path.read_text(encoding="utf-8")
    return Page(rendered(text) if path.suffix == ".md" else text)


def rendered(markdown: str) -> str:
    """Markdown as HTML, its headings named as GitHub names them."""
    from markdown_it import MarkdownIt
    from mdit_py_plugins.anchors import anchors_plugin

    return str(
        MarkdownIt("gfm-like", {"linkify": False}).use(anchors_plugin, max_level=6).render(markdown)
    )


def broken(path: Path) -> Iterator[str]:
    """What is wrong with the links of a page, a line each."""
    for line, address in page(path).links:
        problem = problem_of(path, address)
        if problem:
            # in Markdown the line is one of its HTML, which nobody has seen
            where = path if path.suffix == ".md" else f"{path}:{line}"
            yield f"{where}: {address!r} {problem}"


def problem_of(path: Path, address: str) -> str | None:
    try:
        parts = urlsplit(address)
    except ValueError as error:
        return f"is no address: {error}"
    if parts.scheme in INLINE:
        return None
    if parts.scheme or parts.netloc:
        return problem_of_external(address)
    target = path if not parts.path else path.parent / unquote(parts.path)
    if not target.exists():
        return "leads to no file"
    return problem_of_fragment(target, unquote(parts.fragment))


def problem_of_external(address: str) -> str | None:
    parts = urlsplit(address)
    if parts.scheme != "https":
        return "is not https"
    if not HOST.fullmatch(parts.netloc):
        return "names no host"
    if re.search(r"[\s<>\"{}|\\^`]", address):
        return "has characters that an address may not have"
    return None


def problem_of_fragment(target: Path, fragment: str) -> str | None:
    if "=" in fragment or target.suffix not in (".html", ".md"):
        return None  # `#dim=512` is no name, but what the script of a page begins with
    return (
        None if fragment in page(target).names else f"finds nothing of that name in {target.name}"
    )


def pages(root: Path) -> list[Path]:
    """A page itself, or all pages below a folder."""
    return sorted(root.rglob("*.html")) if root.is_dir() else [root]


def main(roots: list[str]) -> int:
    found = [path for root in roots for path in pages(Path(root))]
    if not found:
        print(f"no pages in {', '.join(roots)}", file=sys.stderr)
        return 1
    problems = [problem for path in found for problem in broken(path)]
    print("\n".join(problems), file=sys.stderr, end="\n" if problems else "")
    links = sum(len(page(path).links) for path in found)
    print(f"{links:,} links of {len(found)} pages, {len(problems)} broken")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
