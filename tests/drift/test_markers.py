"""Markers are found where a parser of the format finds comments, and nowhere else."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from symcount.drift import markers
from symcount.drift.markers import find

OPEN, CLOSE = "<!-- symcount: a.py:f -->", "<!-- /symcount -->"
PIECES = [
    *(OPEN, CLOSE, OPEN, CLOSE, "<!-- x -->", "<!-- ", " -->", "<!-->", "`", "``", "```", "~~~"),
    *("    ", "  ", " ", "\t", "\n", "\n", "\r\n", "\n\n", "- ", "* ", "1. ", "2) ", "> "),
    *("word", "a`b", "# ", "===", "\\", "| ", "\n|---|\n", "<div>", "<a b='", "](u)", "\ue000"),
]


def comments_of(text: str) -> list[str]:
    """The comments of markers in the order that a Markdown parser sees them in."""
    found: list[str] = []

    def walk(tokens: list[Token]) -> None:
        for token in tokens:
            if token.type == "html_inline":
                found.append(token.content)
            elif token.type == "html_block":
                found.extend(re.findall(r"<!--(?!-?>).*?-->", token.content, re.DOTALL))
            walk(token.children or [])

    walk(MarkdownIt("commonmark").enable("table").parse(text.removeprefix("\ufeff")))
    return [comment for comment in found if comment in (OPEN, CLOSE)]


@settings(max_examples=1000, deadline=None)
@given(st.lists(st.sampled_from(PIECES), min_size=2, max_size=14).map("".join))
def test_what_stands_at_a_place_is_that_comment_to_a_parser(text: str) -> None:
    """Without it, the parser sees all others."""
    seen = comments_of(text)
    places = [(c.start, c.end) for c in markers._in_markdown(text)[0]]
    places = [(start, end) for start, end in places if text[start:end] in (OPEN, CLOSE)]
    assert [text[start:end] for start, end in places] == seen
    for number, (start, end) in enumerate(places):
        without = f"{text[:start]}<!-- gone -->{text[end:]}"
        assert comments_of(without) == seen[:number] + seen[number + 1 :]


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from([*PIECES, "symcount", "<!--", "-->", "/", "[", ": x"])))
def test_a_marker_is_between_its_comments_and_behind_the_one_before(pieces: list[str]) -> None:
    text = "".join(pieces)
    found, problems = find(text, "markdown")
    assert all(1 <= line <= len(re.split("\r\n|\r|\n", text)) for line, _ in problems)
    behind = 0
    for marker in found:
        assert behind <= marker.start <= marker.end
        assert re.search(r"-->[ \t]*(\r\n|\n|\r)?$", text[: marker.start])
        assert re.match(r"[> \t]*<!--[\s>]*/symcount[\s>]*-->", text[marker.end :])
        behind = marker.end


def asked(text: str, syntax: Any = "markdown") -> list[str]:
    found, problems = find(text, syntax)
    assert not problems
    return [marker.asked for marker in found]


def problem(text: str, syntax: Any = "markdown") -> tuple[int, str]:
    found, ((line, message),) = find(text, syntax)
    assert not found
    return line, message


# --- Markdown ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        f"```md\n{OPEN}8{CLOSE}\n```\n",
        f"~~~\n```\n{OPEN}\n{CLOSE}\n~~~\n",
        f"- item\n\n  ```\n  {OPEN}\n  {CLOSE}\n  ```\n",
        f"> ```\n> {OPEN}\n> {CLOSE}\n> ```\n",
        f"text\n\n    {OPEN}\n    {CLOSE}\n",
        f"-\n\n    {OPEN}\n    {CLOSE}\n",
        f"text\n\n\t{OPEN}\n\t{CLOSE}\n",
        f"write `{OPEN}` and ``{CLOSE}``.\n",
        f"write `a\n{OPEN[5:]}b` and `` ` {CLOSE} ``.\n",
        f"write \\{OPEN} there\n",
        f"<!-- TODO\n{OPEN[:-4]}\n-->\n",
        f"```\n{OPEN}\n",
        f"~~~ {OPEN}\n~~~\n",
        f"\ufeff```\n{OPEN}\n```\n",
        f"| a |\n|---|\n| `{OPEN}` |\n",
        f"a `code\nspan {OPEN}8{CLOSE}`\n",
        f"> ```{{note}}\n> {OPEN}\n> {CLOSE}\n> ```\n",
        f"![`{OPEN}`](a.png)",
        "no markers, and symcount is a word <!-- of a comment -->",
    ],
)
def test_code_holds_no_markers(text: str) -> None:
    assert find(text, "markdown") == ([], [])


@pytest.mark.parametrize(
    "text",
    [
        f"It has {OPEN}8{CLOSE} parameters.",
        f"{OPEN}\n{CLOSE}",
        f"\ufeff{OPEN}\r\nold\r\n{CLOSE}\r\n",
        f"- item\n\n    {OPEN}\n    {CLOSE}\n",
        f"1.  {OPEN}\n    {CLOSE}\n",
        f"> quoted\n> {OPEN}\n> {CLOSE}\n",
        f"| a | {OPEN}`8`{CLOSE} |\n",
        f"# Of {OPEN}8{CLOSE}\n",
        f"one ` tick\n\nthen {OPEN}8{CLOSE} and ` another\n",
        f"{OPEN}`x`{CLOSE}\n",
        "It has <!--symcount:a.py:f-->8<!--/symcount-->.",
        "<!-- symcount: \n   a.py:f\n-->\n<!-- /symcount -->",
        f"> a <!--\n> symcount:\n> a.py:f -->8{CLOSE}\n",
        f"It has {OPEN}8{CLOSE} and `\ue0000\ue000`.",
        f"a <!--> {OPEN}8{CLOSE}",
        f"<div><!--> {OPEN}8{CLOSE}</div>",
        f"<td>\\{OPEN}8{CLOSE}</td>",
        f"\\\\{OPEN}8{CLOSE}",
    ],
)
def test_markers_are_found(text: str) -> None:
    assert asked(text) == ["a.py:f"]


def test_what_is_asked_is_as_it_stands() -> None:
    assert asked(f"<!-- symcount: `a` \\<!-- symcount: b -->\n{CLOSE}") == [
        "`a` \\<!-- symcount: b"
    ]


@pytest.mark.parametrize(
    ("text", "in_table"),
    [
        (f"| a |\n|---|\n| {OPEN}8{CLOSE} |\n", True),
        (f"> | {OPEN}8{CLOSE} |\n> |---|\n", True),
        (f"a | b\n--|--\nof it | **{OPEN}8{CLOSE}**\n", True),
        (f"| a | {OPEN}8{CLOSE} |\n", False),
        (f"| a |\n|---|\n\nthen {OPEN}8{CLOSE}", False),
    ],
)
def test_a_marker_says_whether_it_is_in_a_table(text: str, in_table: bool) -> None:
    (marker,), problems = find(text, "markdown")
    assert (marker.in_table, problems) == (in_table, [])


def test_a_marker_says_where_it_is() -> None:
    prose = f"\ufeffone\r\n\r\ntwo {OPEN}8{CLOSE} and {OPEN}9{CLOSE}.\r\n\r\n"
    text = f"{prose}  > {OPEN} \r\n  > x\r\n  > {CLOSE}"
    found, problems = find(text, "markdown")
    assert not problems
    assert [text[m.start : m.end] for m in found] == ["8", "9", "\r\n  > x\r\n"]
    assert [(m.line, m.inline, m.margin) for m in found] == [
        (3, True, ""),
        (3, True, ""),
        (5, False, "  > "),
    ]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (f"one\n\n{OPEN}\n\ntwo\n", 3, "is not closed before the document ends"),
        (f"one\n\n{CLOSE}\n", 3, "<!-- /symcount --> closes nothing"),
        (f"{OPEN}\n```\n{CLOSE}\n", 1, "is not closed before the document ends"),
        (f"one {OPEN}\n{CLOSE}\n", 1, "a formula within a line is closed on that line"),
        (f"{OPEN}8{CLOSE} parameters\n", 1, "a line that begins with a comment is HTML"),
        (f"- {OPEN}8{CLOSE} parameters\n", 1, "a line that begins with a comment is HTML"),
        (f"{OPEN} old\n{CLOSE}\n", 1, "nothing else stands in the line of this comment"),
        (f"{OPEN}\n{CLOSE} more\n", 2, "nothing else stands in the line of <!-- /symcount -->"),
        (f"- {OPEN}\n{CLOSE}\n", 2, "is indented as what it closes in line 1 is"),
        ("a <!-- symcount a.py:f -->8\n", 1, "write <!-- symcount: TARGET -->"),
        ("a <!-- /symcount: -->\n", 1, "write <!-- symcount: TARGET -->"),
        ("a <!-- symcount: -->8<!-- /symcount -->\n", 1, "this asks for no formula"),
        ("\n<!-- symcount: a.py:f\n\n", 2, "this comment does not end; write -->"),
        ("a <!-- symcount: a.py:f\n\n<!-- x -->", 1, "this comment does not end; write -->"),
        ("> <!-- symcount: a.py:f\n-->", 1, "this comment does not end; write -->"),
        (f'one\n[a](b "{OPEN}")\n', 2, "Markdown reads no comment here"),
        (f'a <i title="{OPEN}">b</i>\n', 1, "Markdown reads no comment here"),
        (f"[{OPEN}]: b\n", 1, "Markdown reads no comment here"),
        (f"| a |\n|---|\n| b | {OPEN} |\n", 3, "Markdown reads no comment here"),
        ("| a |\n|---|\n| <!-- symcount: f | g --> |\n", 3, "neither -- nor, in a table, |"),
        (f"{'> ' * 30}{OPEN}\n", 1, "Markdown reads no comment here"),
        (f"| a | b |\n|---|---|\n| {OPEN} | 8{CLOSE} |", 3, "closed in its cell: write <!-- /"),
    ],
)
def test_what_is_meant_as_a_marker_and_is_none(text: str, line: int, message: str) -> None:
    where, said = problem(text)
    assert where == line
    assert message in said


def test_a_marker_within_a_marker() -> None:
    found, problems = find(f"{OPEN}\n\n{OPEN}\n{CLOSE}\n{CLOSE}\n", "markdown")
    assert [marker.line for marker in found] == [3]
    assert [p.line for p in problems] == [1, 5]
    assert "is not closed before the next one in line 3" in problems[0].message


# --- reStructuredText -------------------------------------------------------------------------

RST = f".. {OPEN}\n\nold\n\n.. {CLOSE}\n"


def indented(text: str, by: str = "   ") -> str:
    return "".join(f"{by}{line}" if line.strip() else line for line in text.splitlines(True))


def comments_of_docutils(text: str) -> list[str] | None:
    """The comments of markers; None of a text that docutils finds an error in."""
    core = pytest.importorskip("docutils.core", reason="docutils is not installed")
    quiet = {"report_level": 3, "halt_level": 5, "input_encoding": "unicode", "warning_stream": ""}
    document = core.publish_doctree(text, settings_overrides=quiet)
    messages = document.findall(lambda node: node.tagname == "system_message")
    if any(message["level"] >= 3 for message in messages):
        return None
    comments = [n.astext() for n in document.findall(lambda node: node.tagname == "comment")]
    return [both for comment in comments for both in (OPEN, CLOSE) if comment.startswith(both)]


def is_comment_to_docutils(text: str) -> bool:
    return comments_of_docutils(text) == [OPEN, CLOSE]


LINES = [
    *(f".. {OPEN}", f".. {CLOSE}") * 3,
    *("", "", "", "text", "text::", "::", "* item", "* item::", "..", ".. comment", ".. _name:"),
    *(".. note::", ".. code-block:: python"),
]


@settings(max_examples=500, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["", "", "   ", "      "]), st.sampled_from(LINES)),
        min_size=2,
        max_size=9,
    )
)
def test_rst_is_read_as_docutils_reads_it(lines: list[tuple[str, str]]) -> None:
    text = "\n".join(f"{indent}{line}".rstrip() for indent, line in lines)
    found, problems = find(text, "rst")
    if not problems:  # else nothing is filled in
        assert comments_of_docutils(text) in (None, [OPEN, CLOSE] * len(found))


@pytest.mark.parametrize(
    "text",
    [
        RST,
        f"para\n\n{RST}",
        f"..\n\n{indented(RST)}",
        f"* item\n\n{indented(RST, '  ')}",
        f"* item\n::\n::\n\n{RST}",
        f"..\n::\n::\n\n{RST}",
        f"* item::\n.. note::\n\n{indented(RST)}",
        f".. note::\n\n{indented(RST)}",
        f".. |a| replace:: b\n{RST}",
        f".. _target:\n\n{RST}",
        f".. _target:\n   text::\n\n{indented(RST)}",
        f".. a comment\n\n{RST}",
        f"literal::\n\n   code\n\n{RST}",
        f"literal::\n\n   code\n{RST}",
        f".. code-block:: python\n\n   x = 1\n\n{RST}",
        f"term\n{indented(chr(10) + RST)}",
        f".. {OPEN}\n.. {CLOSE}\n",
    ],
)
def test_rst_markers_are_comments(text: str) -> None:
    assert is_comment_to_docutils(text)
    assert asked(text, "rst") == ["a.py:f"]


@pytest.mark.parametrize(
    "text",
    [
        f"literal::\n\n{indented(RST)}",
        f"* literal::\n\n{indented(RST, '      ')}",
        f"::\n\n   one\n\n{indented(RST)}",
        f"literal::\n\n.. {OPEN}\n.. {CLOSE}\n",
        f".. code-block:: rst\n   :caption: one\n\n{indented(RST)}",
        f".. a comment\n\n{indented(RST)}",
        f"..\n   a comment\n\n{indented(RST)}",
        f"write ``.. {OPEN}`` there\n",
    ],
)
def test_rst_code_holds_no_markers(text: str) -> None:
    assert not is_comment_to_docutils(text)
    assert find(text, "rst") == ([], [])


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (f"text\n.. {OPEN}\n\n.. {CLOSE}\n", 2, "a comment needs a blank line before it"),
        (f".. {OPEN}\n\n.. {CLOSE}\ntext\n", 3, "a blank line follows"),
        (f".. {OPEN}\n\n.. {CLOSE}\n\n   text\n", 3, "indented further than this comment"),
        (f"It has {OPEN}8{CLOSE}.\n", 1, "a comment of reStructuredText begins a line"),
        (".. symcount: a.py:f\n", 1, "with two colons for the directive of Sphinx"),
        (".. /symcount\n", 1, "write .. <!-- symcount: TARGET -->"),
        (f".. {OPEN}\n\n   .. {CLOSE}\n", 3, "is indented as what it closes in line 1 is"),
        (".. <!-- symcount: a.py:f\n\n", 1, "this comment does not end"),
        (f".. {OPEN}\n", 1, "is not closed before the document ends"),
    ],
)
def test_rst_that_is_meant_as_a_marker(text: str, line: int, message: str) -> None:
    _, problems = find(text, "rst")
    assert any(p.line == line and message in p.message for p in problems), problems


@pytest.mark.parametrize("name", ["symcount", "symcount-registry"])
def test_the_directives_of_sphinx_are_no_markers(name: str) -> None:
    assert find(f".. {name}:: a.py:f\n   :title: t\n", "rst") == ([], [])


def test_torch_and_sympy_stay_out_and_the_parser_comes_with_the_first_marker() -> None:
    code = (
        "import sys\nfrom symcount.drift.markers import find\n"
        "for text in ('# symcount', 'a <!-- symcount: b -->'):\n"
        "    find(text, 'markdown')\n"
        "    print(sorted({'torch', 'sympy', 'markdown_it'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n['markdown_it']\n"
