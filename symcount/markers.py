"""Where in a Markdown or reStructuredText document formulas stand: between two comments.

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
from typing import Literal, NamedTuple

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
    """The markers of a document in order, and what is wrong with others.

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
    """The number of the line that a place in a text is in, from 1."""
    return bisect_right(_line_starts(text), place)


@lru_cache(maxsize=4)
def _line_starts(text: str) -> tuple[int, ...]:
    return (0, *(found.end() for found in re.finditer(r"\r\n|\r|\n", text)))


def lines_of(text: str) -> Iterator[tuple[int, int, int]]:
    """Each line: where it begins, where it ends, and where the next one begins."""
    for found in re.finditer(r"([^\r\n]*)(\r\n|\r|\n|\Z)", text):
        if found.start() < len(text) or not text:
            yield found.start(), found.end(1), found.end()


class _Comment(NamedTuple):
    """One of the two comments of a marker: what it asks for, None of a closing one."""

    asked: str | None
    start: int
    end: int


# --- from comments to markers -----------------------------------------------------------------

_WALL = "\0"  # between blocks of Markdown: what no comment and no code span reaches across
_COMMENT = re.compile(rf"<!--(?:(?!-->)[^{_WALL}])*-->")
_MEANT = re.compile(r"\s*/?\s*symcount\b")
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
            in_table = lead.lstrip().startswith("|")
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
    end = re.compile(r"[\r\n]|\Z").search(text, place)
    return text[place : end.start() if end else None]


def _comments_in(
    text: str, shown: str, places: Iterator[tuple[int, int]]
) -> tuple[list[_Comment], list[Problem]]:
    """The comments of markers among those that end at these places, or are found not to end."""
    comments, problems = [], []
    for start, end in places:
        inside = shown[start + 4 : end - 3]
        if not _MEANT.match(inside):
            continue
        opening = re.fullmatch(r"\s*symcount:(?P<asked>.*)", inside, re.DOTALL)
        if opening:
            comments.append(_Comment(opening["asked"], start, end))
        elif inside.split() == ["/symcount"]:
            comments.append(_Comment(None, start, end))
        else:
            problems.append(Problem(line_of(text, start), f"write {OPENING} or {CLOSING}"))
    return comments, problems


_NEVER_ENDS = "this comment does not end; write -->"


# --- Markdown ---------------------------------------------------------------------------------

_FENCE = re.compile(r"(?P<fence>`{3,}(?=[^`]*$)|~{3,})")
_ITEM = re.compile(r"(?P<sign>[-+*]|(?P<number>\d{1,9})[.)])(?= |$)")
_RULE = re.compile(r"(?:(?:- *){3,}|(?:_ *){3,}|(?:\* *){3,})$")
_HEADING = re.compile(r"#{1,6}(?: |$)")
_UNDERLINE = re.compile(r"(?:=+|-+) *$")
_INLINE = re.compile(r"\\[!-/:-@\[-`{-~]|(?P<ticks>`+)|<!--")


def _in_markdown(text: str) -> tuple[list[_Comment], list[Problem]]:
    shown = _Markdown(text).shown()
    unending: list[Problem] = []

    def places() -> Iterator[tuple[int, int]]:
        place = 0
        while found := _INLINE.search(shown, place):
            place = found.end()
            if found["ticks"]:
                place = _behind_code(shown, found)
            elif found[0] == "<!--":
                comment = _COMMENT.match(shown, found.start())
                if comment is not None:
                    place = comment.end()
                    yield comment.span()
                elif _MEANT.match(shown, place):
                    unending.append(Problem(line_of(text, found.start()), _NEVER_ENDS))

    comments, problems = _comments_in(text, shown, places())
    return comments, problems + unending


def _behind_code(shown: str, ticks: re.Match[str]) -> int:
    """Where a code span ends; where its backticks end, if they begin none."""
    wall = shown.find(_WALL, ticks.end())
    end = len(shown) if wall < 0 else wall
    same = re.compile(rf"(?<!`){ticks[0]}(?!`)").search(shown, ticks.end(), end)
    return same.end() if same else ticks.end()


class _Markdown:
    """The blocks of a document, as CommonMark reads it: https://spec.commonmark.org/0.31.2/.

    Containers are quotations (None) and items of lists (how far their content is indented). The
    kinds of leaves are told apart as far as it matters for what is code, and what is a comment.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.mask = list(text.replace(_WALL, " "))
        self.containers: list[int | None] = []
        self.is_bare = False  # the line before is the sign of an item and nothing else
        self.leaf: Literal["paragraph", "fence", "comment"] | None = None
        self.fence = ""

    def shown(self) -> str:
        """The text with blanks in the place of code and of signs of blocks, and walls between."""
        for start, end, _ in lines_of(self.text):
            self._line(start, end)
        return "".join(self.mask)

    def _line(self, start: int, end: int) -> None:
        begin = start + (self.text[start:end].startswith("\ufeff"))
        self.start, self.begin, self.end = start, begin, end
        self.line = self.text[begin:end].expandtabs(4)
        self.at = 0
        entered = self._enter()
        if self.is_bare and not self._rest():
            entered = min(entered, len(self.containers) - 1)
        self.is_bare = False
        if entered == len(self.containers):
            if self.leaf == "fence":
                return self._within_fence()
            if self.leaf == "comment":
                return self._within_comment()
        is_open = self.leaf == "paragraph"
        may_continue = is_open and entered == len(self.containers)
        if is_open and not may_continue and self._is_lazy():
            return self._prose()
        if entered < len(self.containers):
            del self.containers[entered:]
            self.leaf = None
        self._leaf(may_continue)

    def _enter(self) -> int:
        """How many of the open containers the line goes on in."""
        for depth, width in enumerate(self.containers):
            indent = self._indent()
            if width is None:
                if indent > 3 or not self.line.startswith(">", self.at + indent):
                    return depth
                self.at += indent + 1
                self.at += self.line.startswith(" ", self.at)
            elif indent >= width:
                self.at += width
            elif self._rest():
                return depth
        return len(self.containers)

    def _indent(self) -> int:
        rest = self.line[self.at :]
        return len(rest) - len(rest.lstrip(" "))

    def _rest(self) -> str:
        return self.line[self.at :].strip(" ")

    def _is_lazy(self) -> bool:
        """Whether the line can only go on with a paragraph, though its containers do not."""
        rest, indent = self._rest(), self._indent()
        if not rest:
            return False
        return indent > 3 or not (
            rest.startswith((">", "<!--"))
            or _FENCE.match(rest)
            or _HEADING.match(rest)
            or _RULE.match(rest)
            or _ITEM.match(rest)
        )

    def _leaf(self, may_continue: bool) -> None:
        while True:
            rest, indent = self._rest(), self._indent()
            if not rest:
                self.leaf = None
                return self._wall()
            if indent > 3:
                return self._prose() if may_continue else self._code()
            if rest.startswith(">"):
                self.at += indent + 1
                self.at += self.line.startswith(" ", self.at)
                self.containers.append(None)
            elif fence := _FENCE.match(rest):
                self.leaf, self.fence = "fence", fence["fence"]
                return self._hide()
            elif _HEADING.match(rest) or rest.startswith("|"):
                self.leaf = "paragraph" if rest.startswith("|") else None
                return self._alone()
            elif (may_continue and _UNDERLINE.match(rest)) or _RULE.match(rest):
                self.leaf = None
                return self._hide()
            elif (item := _ITEM.match(rest)) and not (may_continue and not _interrupts(item)):
                self._open_item(item, indent)
            elif rest.startswith("<!--"):
                self.leaf = "comment"
                self._wall()
                return self._within_comment()
            else:
                if not may_continue:
                    self._wall()
                self.leaf = "paragraph"
                return self._prose()
            may_continue, self.leaf = False, None

    def _open_item(self, item: re.Match[str], indent: int) -> None:
        sign = indent + len(item["sign"])
        self.at += sign
        spaces = self._indent()
        self.is_bare = not self._rest()
        if self.is_bare or spaces > 4:
            spaces = 1
        self.at += min(spaces, len(self.line) - self.at)
        self.containers.append(sign + spaces)

    def _within_fence(self) -> None:
        rest = self._rest()
        if self._indent() <= 3 and set(rest) == {self.fence[0]} and len(rest) >= len(self.fence):
            self.leaf = None
        self._hide()

    def _within_comment(self) -> None:
        """Markdown shows what is in such a line as it stands: nothing of it is a code span."""
        self._prose()
        for place in range(self.begin, self.end):
            if self.mask[place] in "`\\":
                self.mask[place] = " "
        if "-->" in self.line[self.at :]:
            self.leaf = None
            self._wall(self.end)

    # --- what is done with a line ---

    def _prose(self) -> None:
        self._blank(self.begin, self._offset())

    def _alone(self) -> None:
        self._wall()
        self._prose()
        self._wall(self.end)

    def _code(self) -> None:
        self.leaf = None
        self._hide()

    def _hide(self) -> None:
        self._wall()
        self._blank(self.begin, self.end)
        self._wall(self.end)

    def _blank(self, start: int, end: int) -> None:
        self.mask[start:end] = " " * (end - start)

    def _wall(self, place: int | None = None) -> None:
        """End all code spans before this line, or at a place."""
        place = self.start - 1 if place is None else place
        if 0 <= place < len(self.mask):
            self.mask[place] = _WALL

    def _offset(self) -> int:
        """Where in the text the line's content begins."""
        column = 0
        for place in range(self.begin, self.end):
            if column >= self.at:
                return place
            column += 4 - column % 4 if self.text[place] == "\t" else 1
        return self.end


def _interrupts(item: re.Match[str]) -> bool:
    """Whether an item of a list may follow a paragraph without a blank line."""
    return item["number"] in (None, "1") and item.end() < len(item.string.rstrip())


# --- reStructuredText -------------------------------------------------------------------------

_EXPLICIT = re.compile(r"\.\.(?: +|$)")
_DIRECTIVE = re.compile(r"\.\. +(?:\|[^|]+\| +)?(?P<name>[\w.:+-]*\w) ?::(?: |$)")
_TARGET = re.compile(r"\.\. +(?:_|__ |\[|\|)")
_BULLET = re.compile(r"(?:[-+*\u2022\u2023\u2043]|\(?(?:\w{1,4}|#)[.)]) +")
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
    """The lines of a document, as docutils reads it, as far as it matters for comments."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = [(start, end) for start, end, _ in lines_of(text)]
        self.comments: list[_Comment] = []
        self.problems: list[Problem] = []
        self.verbatim: int | None = None  # lines that are indented further are not read
        self.literal: int | None = None  # the same, if what comes next is indented further
        self.quoted: tuple[str, int] | None = None  # what each line begins with, and where
        # Of the line before, if it is not blank: its indentation, and whether it begins with dots.
        self.above: tuple[int, bool] | None = None

    def read(self) -> tuple[list[_Comment], list[Problem]]:
        """The comments of markers, and what is wrong with others."""
        number = 0
        while number < len(self.lines):
            number += self._line(number)
        return self.comments, self.problems

    def _at(self, number: int) -> str:
        start, end = self.lines[number]
        return self.text[start:end].removeprefix("\ufeff").expandtabs(8).rstrip()

    def _below(self, number: int) -> str:
        return self._at(number + 1) if number + 1 < len(self.lines) else ""

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
            self._prose(number, rest, indent)
            return 1
        self.above = (indent, True)
        if _NEARLY.match(rest):
            self._problem(
                number,
                f"write .. {OPENING} or .. {CLOSING} for a formula that is filled in, or .. "
                "symcount:: with two colons for the directive of Sphinx",
            )
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
        if rest.endswith("::"):
            bullet = _BULLET.match(rest)
            self.literal = indent + (len(bullet[0]) if bullet else 0)

    def _marker(self, number: int, indent: int) -> int:
        start = self.text.index("..", self.lines[number][0])
        last = number
        while last + 1 < len(self.lines) and _indent_of(self._at(last + 1)) > indent:
            last += 1
        comment = _COMMENT.search(self.text, start, self.lines[last][1])
        if comment is None:
            self._problem(number, _NEVER_ENDS)
            return 1 + last - number
        found, problems = _comments_in(self.text, self.text, iter([comment.span()]))
        self.comments += [_Comment(each.asked, start, each.end) for each in found]
        self.problems += problems
        ends = line_of(self.text, comment.end()) - 1
        if found and found[0].asked is None:
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
