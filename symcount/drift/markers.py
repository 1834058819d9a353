"""Find the formulas in a Markdown or reStructuredText document: each is between two comments.

A marker is `<!-- symcount: models.py:mlp -->`, what is filled in, and `<!-- /symcount -->`; in
reStructuredText each of the two follows `.. ` and is so a comment there too. What a document shows
as code is no marker, so a page can be about markers. What looks like one and is none is a
`Problem`: it would otherwise go stale in silence.

Nothing here asks for a formula, and neither torch nor sympy is loaded.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from markdown_it.token import Token

Syntax = Literal["markdown", "rst"]
SYNTAXES: dict[str, Syntax] = {".md": "markdown", ".markdown": "markdown", ".rst": "rst"}
OPENING, CLOSING = "<!-- symcount: TARGET -->", "<!-- /symcount -->"


@dataclass(frozen=True)
class Marker:
    """A place for a formula in a document.

    Attributes:
        asked: what stands in the opening comment behind `symcount:`.
        line: the line that the opening comment is in, from 1.
        start: where in the text what is between the comments begins.
        end: where it ends.
        inline: whether it stands within a line of prose.
        margin: what the lines between the comments begin with, of a block.
        in_table: whether it is in a row of a table, where a bar ends a cell.
    """

    asked: str
    line: int
    start: int
    end: int
    inline: bool
    margin: str = ""
    in_table: bool = False


class Problem(NamedTuple):
    """A comment that is meant as a marker, and is none."""

    line: int
    message: str


def find(text: str, syntax: Syntax) -> tuple[list[Marker], list[Problem]]:
    """Find the markers of a document in order, and what is wrong with others.

    >>> markers, problems = find("It has <!-- symcount: a.py:f -->8<!-- /symcount -->.", "markdown")
    >>> [(marker.asked, marker.line) for marker in markers], problems
    ([('a.py:f', 1)], [])
    """
    comments, problems = _COMMENTS[syntax](text)
    markers: list[Marker] = []
    opened: _Comment | None = None
    for comment in comments:
        line = line_of(text, comment.start)
        if comment.asked is not None:
            if opened is not None:
                problems.append(_unclosed(text, opened, f"before the next one in line {line}"))
            opened = comment
        elif opened is None:
            problems.append(Problem(line, f"{CLOSING} closes nothing; {OPENING} opens a formula"))
        else:
            found = _between(text, opened, comment, syntax)
            (markers if isinstance(found, Marker) else problems).append(found)  # type: ignore[arg-type]
            opened = None
    if opened is not None:
        problems.append(_unclosed(text, opened, "before the document ends"))
    return markers, sorted(problems)


def line_of(text: str, place: int) -> int:
    """Return the number of the line that a place in a text is in, from 1."""
    return bisect_right(_line_starts(text), place)


@lru_cache(maxsize=4)
def _line_starts(text: str) -> tuple[int, ...]:
    """Return where each line begins, and a place behind the last."""
    ends = (found.end() for found in re.finditer(r"\r\n|\r|\n", text))
    return (0, *ends, len(text) + 1)


def lines_of(text: str) -> Iterator[tuple[int, int, int]]:
    """Yield for each line where it begins, where it ends, and where the next one begins."""
    for found in re.finditer(r"([^\r\n]*)(\r\n|\r|\n|\Z)", text):
        if found.start() < len(text) or not text:
            yield found.start(), found.end(1), found.end()


class _Comment(NamedTuple):
    """One of the two comments of a marker: what it asks for, None of a closing one.

    In a table it is in some cell, elsewhere in cell 0.
    """

    asked: str | None
    start: int
    end: int
    cell: int = 0


# --- from comments to markers -----------------------------------------------------------------

_COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
_MEANT = re.compile(r"\s*(?:/\s*)?symcount\b")
# What stands before a block: indentation, and the signs of quotations and of items of lists.
_LEAD = re.compile(r"(?:[ \t]|>|(?:[-+*]|\d{1,9}[.)])(?=[ \t]))*")


def _unclosed(text: str, comment: _Comment, until: str) -> Problem:
    line = line_of(text, comment.start)
    return Problem(line, f"this formula is not closed {until}: write {CLOSING} behind it")


def _between(text: str, opening: _Comment, closing: _Comment, syntax: Syntax) -> Marker | Problem:
    line = line_of(text, opening.start)
    lead, tail = _before(text, opening.start), _behind(text, closing.end)
    between = text[opening.end : closing.start]
    asked = " ".join((opening.asked or "").split())
    if not asked:
        return Problem(line, f"this asks for no formula; write {OPENING}")
    if syntax == "rst":
        return _block(text, opening, closing, asked, lead)
    is_first = _LEAD.fullmatch(lead) is not None
    if not re.search(r"[\r\n]", between):
        if not is_first:
            if opening.cell != closing.cell:
                return Problem(
                    line, f"a formula in a table is closed in its cell: write {CLOSING} there"
                )
            in_table = opening.cell > 0
            return Marker(asked, line, opening.end, closing.start, True, in_table=in_table)
        if tail.strip():
            return Problem(
                line,
                "a line that begins with a comment is HTML to Markdown, which shows the rest of it "
                "as it stands. Put a word before it, or the comments on lines of their own",
            )
        return Marker(asked, line, opening.end, closing.start, False, _margin(lead))
    if not is_first:
        return Problem(
            line,
            f"a formula within a line is closed on that line: write {CLOSING} there, or the "
            "comments on lines of their own",
        )
    return _block(text, opening, closing, asked, lead)


def _block(
    text: str, opening: _Comment, closing: _Comment, asked: str, lead: str
) -> Marker | Problem:
    line, last = line_of(text, opening.start), line_of(text, closing.start)
    margin, closed_behind = _margin(lead), _before(text, closing.start)
    rest = _behind(text, opening.end)
    if rest.strip():
        return Problem(line, "nothing else stands in the line of this comment; move what does")
    if _behind(text, closing.end).strip():
        return Problem(last, f"nothing else stands in the line of {CLOSING}; move what does")
    if closed_behind.rstrip() != margin.rstrip() or len(closed_behind) != len(margin):
        return Problem(
            last, f"{CLOSING} is indented as what it closes in line {line} is; move it there"
        )
    start = opening.end + len(rest)
    return Marker(asked, line, start, closing.start - len(closed_behind), False, margin)


def _margin(lead: str) -> str:
    return re.sub(r"[^>\s]", " ", lead)


def _before(text: str, place: int) -> str:
    return text[_line_starts(text)[line_of(text, place) - 1] : place].removeprefix("\ufeff")


def _behind(text: str, place: int) -> str:
    line = line_of(text, place)
    return text[place : _line_starts(text)[line]].rstrip("\r\n")


def _read(text: str, inside: str, start: int, end: int, cell: int = 0) -> _Comment | Problem:
    """Read a comment that is meant as one of a marker."""
    opening = re.fullmatch(r"\s*symcount:(?P<asked>.*)", inside, re.DOTALL)
    if opening:
        return _Comment(opening["asked"], start, end, cell)
    if inside.split() == ["/symcount"]:
        return _Comment(None, start, end, cell)
    return Problem(line_of(text, start), f"write {OPENING} or {CLOSING}")


_NEVER_ENDS = "this comment does not end; write -->"


# --- Markdown ---------------------------------------------------------------------------------

# A comment that goes on in a quotation has the signs of the quotation in it.
_GAP = r"[^\S\r\n]*(?:[\r\n][\s>]*)?"
_CANDIDATE = re.compile(rf"(?<!\\)(?P<slashes>\\*)(?P<lead><!--{_GAP}(?:/{_GAP})?)symcount\b")
_IN_HTML = re.compile(r"<!--(?!-?>)(?P<inside>.*?)(?:-->|\Z)", re.DOTALL)
_NO_COMMENT = (
    "Markdown reads no comment here: have it in a text, with neither -- nor, in a table, | in it"
)


def _in_markdown(text: str) -> tuple[list[_Comment], list[Problem]]:
    candidates = list(_CANDIDATE.finditer(text))
    if not candidates:
        return [], []
    read = _Markdown(text, candidates).read()
    found = [read[number] for number in sorted(read)]
    return (
        [each for each in found if isinstance(each, _Comment)],
        [each for each in found if isinstance(each, Problem)],
    )


class _Markdown:
    """A reader of candidates, by a parser of CommonMark and of GitHub's tables.

    The parser says in which lines something is, and not where in them. So each candidate has a
    number in the place of `symcount`, which is a word to the parser as well.
    """

    def __init__(self, text: str, candidates: list[re.Match[str]]) -> None:
        self.text, self.candidates = text, candidates
        sign = next(sign for sign in map(chr, range(0xE000, 0x110000)) if sign not in text)
        numbers = iter(range(len(candidates)))
        self.numbered = _CANDIDATE.sub(
            lambda found: f"{found['slashes']}{found['lead']}{sign}{next(numbers)}{sign}", text
        )
        self.number = re.compile(f"{sign}([0-9]+){sign}")
        self.meant = re.compile(rf"\s*(?:/\s*)?{self.number.pattern}")

    def read(self) -> dict[int, _Comment | Problem | None]:
        """Read each candidate by its number; None if it is code, or a part of another comment."""
        read: dict[int, _Comment | Problem | None] = {}
        for token, cell in _leaves(_parsed(self.numbered)):
            read |= dict.fromkeys(self._shown(token))
            for inside in _comments_of(token):
                read |= dict.fromkeys(self._numbers(inside))
                if meant := self.meant.match(inside):
                    read[int(meant[1])] = self._comment(int(meant[1]), inside, cell)
        for number in range(len(self.candidates)):
            if number not in read:
                read[number] = self._unread(number)
        return read

    def _numbers(self, content: str) -> list[int]:
        return [int(number) for number in self.number.findall(content)]

    def _shown(self, token: Token) -> list[int]:
        """Return the candidates that readers see, and are meant to see, as they stand."""
        if token.type in ("code_block", "code_inline", "fence"):
            return self._numbers(token.info + token.content)
        if token.type == "text":
            numbers = self._numbers(token.content)
            return [each for each in numbers if len(self.candidates[each]["slashes"]) % 2]
        return []

    def _comment(self, number: int, inside: str, cell: int) -> _Comment | Problem:
        start = self.candidates[number].start("lead")
        # The parser takes away what lines begin with, and backslashes: no part of an end.
        end = self.text.index("-->", start + 4) + 3
        return _read(self.text, self.number.sub("symcount", inside), start, end, cell)

    def _unread(self, number: int) -> Problem:
        start = self.candidates[number].start("lead")
        following = self.candidates[number + 1 : number + 2]  # no place is searched twice
        line, until = line_of(self.text, start), following[0].start() if following else None
        end = self.text.find("-->", start, until)
        ends = end >= 0 and line_of(self.text, end) == line
        return Problem(line, _NO_COMMENT if ends else _NEVER_ENDS)


def _parsed(text: str) -> list[Token]:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table").parse(text.removeprefix("\ufeff"))


def _leaves(tokens: list[Token]) -> Iterator[tuple[Token, int]]:
    """Yield tokens without parts, each with the cell of a table that it is in, or 0 outside."""
    for place, token in enumerate(tokens):
        in_cell = tokens[place - 1].type in ("th_open", "td_open")
        for inner in _inmost(token):
            yield inner, place if in_cell else 0


def _inmost(token: Token) -> Iterator[Token]:
    for child in token.children or ():
        yield from _inmost(child)
    if not token.children:
        yield token


def _comments_of(token: Token) -> Iterator[str]:
    """Yield what is within the comments of HTML."""
    if token.type in ("html_block", "html_inline"):
        for comment in _IN_HTML.finditer(token.content):
            # Within a line each is by itself. What is not may be a tag, or end elsewhere.
            is_whole = token.type == "html_block" or comment[0] == token.content
            if is_whole and comment[0].endswith("-->"):
                yield comment["inside"]


# --- reStructuredText -------------------------------------------------------------------------

_EXPLICIT = re.compile(r"\.\.(?: +|$)")
_DIRECTIVE = re.compile(r"\.\. +(?:\|[^|]+\| +)?(?P<name>[\w.:+-]*\w) ?::(?: |$)")
_TARGET = re.compile(r"\.\. +(?:\[|\|)")
_HYPERLINK = re.compile(r"\.\. +_")
_BULLET = re.compile(r"(?:[-+*\u2022\u2023\u2043]|\(?(?:\w{1,4}|#)[.)]) +")
_INDENTING = re.compile(r" *(?:\.\.|[-+*\u2022\u2023\u2043])(?: +|$)")
# Directives whose content is no reStructuredText.
_VERBATIM = frozenset(
    "code code-block sourcecode parsed-literal literalinclude highlight math raw csv-table doctest "
    "testcode testoutput testsetup testcleanup graphviz digraph graph mermaid plot prompt "
    "ipython jupyter-execute productionlist toctree autosummary command-output symcount "
    "symcount-registry".split()
)
_NEARLY = re.compile(r"\.\. +/?symcount(?::(?!:)|\b(?!-|:| *::))")


def _in_rst(text: str) -> tuple[list[_Comment], list[Problem]]:
    return _Rst(text).read()


class _Rst:
    """A reader of lines as docutils reads them, as far as it matters for comments.

    docutils itself shows as literal what is in directives that it does not know, such as those of
    Sphinx; it does not say why a comment is none; and it is installed with Sphinx only.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = [(start, end) for start, end, _ in lines_of(text)]
        self.comments: list[_Comment] = []
        self.problems: list[Problem] = []
        self.verbatim: int | None = None  # lines that are indented further are not read
        self.literal: int | None = None  # the same, if what comes next is indented further
        self.quoted: tuple[str, int] | None = None  # what each line begins with, and where
        # Of the line before, if it is not blank: how its text is indented, and whether it begins
        # with dots.
        self.above: tuple[int, bool] | None = None

    def read(self) -> tuple[list[_Comment], list[Problem]]:
        """Return the comments of markers, and what is wrong with others."""
        number = 0
        while number < len(self.lines):
            number += self._line(number)
        return self.comments, self.problems

    def _at(self, number: int) -> str:
        start, end = self.lines[number]
        return self.text[start:end].removeprefix("\ufeff").expandtabs(8).rstrip()

    def _below(self, number: int) -> str:
        return self._at_or_blank(number + 1)

    def _at_or_blank(self, number: int) -> str:
        return self._at(number) if number < len(self.lines) else ""

    def _line(self, number: int) -> int:
        """Read a line, and those that it goes on in; say how many."""
        line = self._at(number)
        rest = line.lstrip()
        indent = len(line) - len(rest)
        if not rest:
            self.above, self.quoted = None, None
            return 1
        if self.verbatim is not None and indent > self.verbatim:
            return 1
        self.verbatim = None
        if self.literal is not None and not self.above:
            base, self.literal = self.literal, None
            if indent > base:
                self.verbatim = base
                return 1
            if indent == base and not rest[0].isalnum():
                self.quoted = rest[0], indent
        if self.quoted == (rest[0], indent):
            return 1
        self.quoted = None
        self.literal = None
        return self._read(number, rest, indent)

    def _read(self, number: int, rest: str, indent: int) -> int:
        above, self.above = self.above, (indent, False)
        is_marker = re.match(r"\.\. +<!--", rest) and _MEANT.match(rest.split("<!--", 1)[1])
        if is_marker and above not in (None, (indent, True)):
            self._problem(number, "a comment needs a blank line before it; put one there")
            return 1
        if is_marker:
            return self._marker(number, indent)
        if not _EXPLICIT.match(rest) or above == (indent, False):
            item = _INDENTING.match(rest)
            if item and above != (indent, False):
                self.above = (indent + len(item[0]), False)
            self._prose(number, rest, indent)
            return 1
        self.above = (indent, True)
        if _NEARLY.match(rest):
            self._problem(
                number,
                f"write .. {OPENING} or .. {CLOSING} for a formula that is filled in, or .. "
                "symcount:: with two colons for the directive of Sphinx",
            )
        if _HYPERLINK.match(rest):  # whose address may go on in the next lines
            following = 1
            while _indent_of(self._at_or_blank(number + following)) > indent:
                following += 1
            return following
        directive = _DIRECTIVE.match(rest)
        is_read = directive and directive["name"].rpartition(":")[2] not in _VERBATIM
        is_empty = rest == ".." and not self._below(number)  # a comment that holds nothing
        if not (is_read or is_empty or _TARGET.match(rest)):
            self.verbatim = indent
        return 1

    def _prose(self, number: int, rest: str, indent: int) -> None:
        for found in re.finditer(r"<!--", rest):
            before = rest[: found.start()]
            if _MEANT.match(rest, found.end()) and before.count("``") % 2 == 0:
                self._problem(
                    number,
                    f"a comment of reStructuredText begins a line: write .. {OPENING} there. For a "
                    "count within a line, define |name| there",
                )
        if rest.endswith("::") and not self._is_underline(number, rest):
            bullet = _BULLET.match(rest)
            self.literal = indent + (len(bullet[0]) if bullet else 0)

    def _is_underline(self, number: int, rest: str) -> bool:
        """Tell whether colons make a title of the line above them."""
        title = self._at(number - 1) if number else ""
        is_whole = number < 2 or self._ends_a_block(number - 2)
        return is_whole and rest == ":" * len(rest) and 0 < len(title) <= len(rest)

    def _ends_a_block(self, number: int) -> bool:
        """Tell whether what follows a line without a blank one is not a part of its paragraph.

        It is none of an item of a list, or of a comment, if it is not indented as their text is.
        """
        line = self._at(number)
        is_left = _INDENTING.match(line) and _indent_of(self._below(number)) <= _indent_of(line)
        return not line or bool(is_left and (number == 0 or self._ends_a_block(number - 1)))

    def _marker(self, number: int, indent: int) -> int:
        start = self.text.index("..", self.lines[number][0])
        last = number
        while last + 1 < len(self.lines) and _indent_of(self._at(last + 1)) > indent:
            last += 1
        comment = _COMMENT.search(self.text, start, self.lines[last][1])
        if comment is None:
            self._problem(number, _NEVER_ENDS)
            return 1 + last - number
        read = _read(self.text, comment[1], start, comment.end())
        ends = line_of(self.text, comment.end()) - 1
        if isinstance(read, Problem):
            self.problems.append(read)
        else:
            self.comments.append(read)
            if read.asked is None:
                self._note_swallowed(ends, indent)
        self.above = (indent, True)
        return 1 + ends - number

    def _note_swallowed(self, number: int, indent: int) -> None:
        below = self._below(number)
        following = filter(None, map(self._at, range(number + 1, len(self.lines))))
        if below and not _EXPLICIT.match(below.lstrip()):
            self._problem(number, f"a blank line follows {CLOSING}; put one there")
        elif _indent_of(next(following, "")) > indent:
            self._problem(
                number,
                "what follows is indented further than this comment, and so a part of it to "
                "docutils. Put a line that is not between them",
            )

    def _problem(self, number: int, message: str) -> None:
        self.problems.append(Problem(number + 1, message))


def _indent_of(line: str) -> int:
    return len(line) - len(line.lstrip())


_COMMENTS = {"markdown": _in_markdown, "rst": _in_rst}
