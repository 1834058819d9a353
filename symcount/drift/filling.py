"""Formulas in documents: filled in between their markers, and compared with what stands there.

What a marker asks for is a target and clauses: `models.py:mlp table at dim=512 fixed bias=False`.
`read` says what they are; `documents` finds the files; `filled` derives and compares.
"""

from __future__ import annotations

import difflib
import inspect
import linecache
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from symcount.catalogue.trust import Trust
from symcount.drift import markers, requests
from symcount.drift.markers import SYNTAXES, Marker, Syntax
from symcount.drift.requests import Blueprint, Request
from symcount.errors import (
    ArgumentError,
    DomainError,
    NotTrustedError,
    StoredFormulaError,
    SymcountError,
    TargetError,
    UndecidedError,
)
from symcount.export import Value
from symcount.export.documents import description, markdown, rst
from symcount.factory.origin import portable
from symcount.formula.tree import Built, leaves
from symcount.questions.equality import Difference, first_difference, said
from symcount.storage import atomic
from symcount.symbols import Symbol

if TYPE_CHECKING:
    from symcount.export.documents.description import Markup
    from symcount.formula.expressions import Expression
    from symcount.param_count import ParamCount
    from symcount.record import Source

State = Literal["same", "differs", "broken", "malformed", "refused"]

SHOWN = ("formula", "domain", "certificate", "count", "table", "registry")
FORMS = ("code", "math")
_WANTED = (
    f"write the target and then, as needed: {', '.join(SHOWN[:-1])} or {SHOWN[-1]}; at dim=512, "
    "heads=(8, 16); fixed bias=False; symbols dim(min=64); as code or as math; levels 2"
)
_MOST_LINES = 8
_NO_DOCUMENT = f"symcount fills documents that end in {', '.join(SYNTAXES)}"


# --- what a marker asks for -------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """What a marker asks for.

    Attributes:
        target: a factory, a module of blueprints, or `file.json#name`, as it is written.
        shown: what to show of it, of `SHOWN`.
        fixed: the parameters of the factory that are fixed.
        symbols: those that are kept symbolic.
        points: the sizes to count at.
        sizes: the same of a registry, whose blueprints have other symbols each.
        form: how formulas are written, of `FORMS`.
        levels: how many levels of modules a table has; None for as many as are few rows.
        name: what a substitution of reStructuredText is called.
    """

    target: str
    shown: tuple[str, ...]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    symbols: Mapping[str, Symbol] = field(default_factory=dict)
    points: Sequence[Mapping[str, Any]] = ()
    sizes: tuple[int, ...] = ()
    form: str = "code"
    levels: int | None = None
    name: str = ""


def read(text: str) -> Asked:
    """What the text of a marker asks for.

    Raises:
        ArgumentError: it cannot be read; the message says what is meant to stand there.

    >>> asked = read("models.py:mlp(bias=False) count at dim=(64, 512)")
    >>> requests.target, requests.shown, requests.fixed, requests.points
    ('models.py:mlp', ('count',), {'bias': False}, [{'dim': 64}, {'dim': 512}])
    """
    first, *words = _words(text)
    target, values = requests.read_call(first)
    sizes, fixed = requests.split(values or {})
    shown, clauses, name = _clauses(words)
    kind = "registry" if "registry" in shown else None
    if kind and len(shown) > 1:
        raise ArgumentError("a registry is shown by itself; write a marker for each")
    if kind and values is not None:
        raise ArgumentError(f"a registry is a module, not a call; write {target} registry")
    more = clauses.pop("at", "")
    at = _numbers(more) if kind else {**sizes, **requests.read_values(more)}
    if at and not kind and not shown:
        shown = ("count",)
    elif not shown:
        shown = ("formula",) if sizes or values is None or fixed else ("count",)
    fixed |= requests.read_values(clauses.pop("fixed", ""))
    found = Asked(
        target,
        shown,
        fixed,
        requests.read_symbols(clauses.pop("symbols", "")),
        points=requests.points(at) if isinstance(at, dict) else (),
        sizes=at if isinstance(at, tuple) else (),
        form=_form(clauses.get("as", "code")),
        levels=_levels(clauses.get("levels")),
        name=name,
    )
    _require_use(found, bool(at), clauses)
    return found


_CLAUSES = ("at", "fixed", "symbols", "as", "levels")
_WORD = re.compile(r"""(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[^\s'"])""")


def _words(text: str) -> list[str]:
    """The words of a text; blanks in brackets and in quotes part none."""
    words, depth, place = [""], 0, 0
    while place < len(text):
        found = _WORD.match(text, place)
        part = text[place] if found is None else found[0]
        depth += (part in tuple("([{")) - (part in tuple(")]}"))
        if part.isspace() and depth <= 0:
            words.append("")
        else:
            words[-1] += part
        place += len(part)
    if depth:
        raise ArgumentError(f"{text!r}: the brackets do not match; {_WANTED}")
    return [word for word in words if word]


def _clauses(words: Sequence[str]) -> tuple[tuple[str, ...], dict[str, str], str]:
    """What is shown, each clause with what stands in it, and the name of a substitution."""
    shown: list[str] = []
    clauses: dict[str, str] = {}
    name, open_clause, before = "", "", ""
    for word in words:
        goes_on = open_clause and before.endswith(",")
        if not goes_on and word in _CLAUSES:
            if word in clauses:
                raise ArgumentError(f"{word!r} is said twice; say it once")
            open_clause, clauses[word] = word, ""
        elif not goes_on and word in SHOWN:
            shown.append(word)
            open_clause = ""
        elif not goes_on and re.fullmatch(r"\|[^|]+\|", word):
            name, open_clause = word[1:-1], ""
        elif open_clause:
            clauses[open_clause] = f"{clauses[open_clause]} {word}".strip()
        else:
            raise ArgumentError(f"{word!r} is not understood; {_WANTED}{_close(word)}")
        before = word
    for clause, text in clauses.items():
        if not text:
            raise ArgumentError(f"nothing follows {clause!r}; {_WANTED}")
    return tuple(dict.fromkeys(shown)), clauses, name


def _close(word: str) -> str:
    from symcount.catalogue.targets import close_names

    return close_names(word, [*SHOWN, *_CLAUSES])


def _numbers(text: str) -> tuple[int, ...]:
    sizes = [size.strip() for size in text.split(",")] if text else []
    if not all(size.isdecimal() and size.isascii() for size in sizes):
        raise ArgumentError(f"at {text}: of a registry, write whole numbers such as 64, 512")
    return tuple(map(int, sizes))


def _form(text: str) -> str:
    if text not in FORMS:
        raise ArgumentError(f"as {text}: write as {' or as '.join(FORMS)}")
    return text


def _levels(text: str | None) -> int | None:
    if text is None:
        return None
    if text == "all":
        return 10**6
    if not (text.isdecimal() and text.isascii() and int(text) > 0):
        raise ArgumentError(f"levels {text}: write how many, such as 2, or all")
    return int(text)


def _require_use(wanted: Asked, has_sizes: bool, clauses: Mapping[str, str]) -> None:
    """Refuse what would have no effect, for it is meant to have one."""
    shown = set(wanted.shown)
    if has_sizes and not shown & {"count", "table", "registry"}:
        raise ArgumentError(f"sizes are for count, table or registry, not for {wanted.shown[0]}")
    if "levels" in clauses and "table" not in shown:
        raise ArgumentError("levels are those of a table; write table too")
    if "as" in clauses and not shown & {"formula", "domain", "table", "registry"}:
        raise ArgumentError(f"{wanted.shown[0]} has no other form; leave out 'as'")
    if (wanted.fixed or wanted.symbols) and ("registry" in shown or "#" in wanted.target):
        what = "the blueprints of a registry" if "registry" in shown else "a stored formula"
        raise ArgumentError(f"nothing of {what} can be fixed or kept symbolic; leave that out")


# --- what a document has ----------------------------------------------------------------------


@dataclass(frozen=True)
class MarkerFinding:
    """What became of a formula of a document.

    Attributes:
        file: the document.
        line: the line of its marker.
        asked: what the marker asks for.
        state: `same`; `differs` from what would be written now; `broken` where the code has no
            such formula or count any more; `malformed` where it cannot be known what is asked for;
            `refused` where it names something that is not called for a document.
        old: what stands there.
        new: what would be written.
        first: the first sizes at which the two differ, the old count on the left; None if what
            stands there cannot be counted.
        source: the line of the factory.
        lines: of a formula, the lines that the terms that are new come from: those that make the
            tensors, and those that compute their sizes.
        reason: why it is broken, malformed or refused, or what is not known.
    """

    file: str
    line: int
    asked: str
    state: State
    old: str = ""
    new: str = ""
    first: Difference | None = None
    source: str = ""
    lines: tuple[str, ...] = ()
    reason: str = ""

    @property
    def is_current(self) -> bool:
        """Whether what stands there is what would be written now."""
        return self.state == "same"

    def __str__(self) -> str:
        return "\n".join(_report(self))


@dataclass(frozen=True)
class Filled:
    """A document with its formulas as they are now.

    Attributes:
        path: the file.
        formulas: how many markers it has.
        findings: what is not as it is to be.
        content: the whole of it with all formulas as they are now, None if it is as it was or
            one of them cannot be written.
    """

    path: Path
    formulas: int
    findings: tuple[MarkerFinding, ...]
    content: bytes | None

    @property
    def errors(self) -> tuple[MarkerFinding, ...]:
        """The findings with which the document is left alone."""
        return tuple(f for f in self.findings if f.state != "differs")

    def write(self) -> bool:
        """Write the file, whole or not at all; say whether it has changed.

        Raises:
            OSError: it cannot be written.
        """
        if self.content is None:
            return False
        atomic.replace(self.path.resolve(), self.content)  # a link stays one
        return True


def documents(paths: Iterable[str | Path]) -> list[Path]:
    """The documents that are named, and those in folders that are.

    Raises:
        ArgumentError: there is no such file or folder, or it is no document.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            found += (file for file in inside(path) if file.suffix in SYNTAXES)
        elif not path.exists():
            raise ArgumentError(f"there is no file or folder {path}")
        elif path.suffix not in SYNTAXES:
            raise ArgumentError(f"{path} is no document; {_NO_DOCUMENT}")
        else:
            found.append(path)
    return list(dict.fromkeys(found))


def has_markers(path: Path) -> bool:
    """Whether a document has a formula to fill in, or something that is meant as one.

    Raises:
        OSError: it cannot be read.
    """
    content = path.read_bytes()
    if b"symcount" not in content:
        return False
    text = content.decode("utf-8", errors="replace")
    return any(markers.find(text, SYNTAXES[path.suffix]))


def inside(folder: Path) -> Iterator[Path]:
    """The files in a folder, in order, but for what is hidden, built or installed there."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _is_passed_over(Path(place) / name))
        yield from (Path(place) / name for name in sorted(names))


_OF_OTHERS = ("_build", "_site", "node_modules", "site-packages")


def _is_passed_over(folder: Path) -> bool:
    is_hidden = folder.name.startswith(".")
    return is_hidden or folder.name in _OF_OTHERS or (folder / "pyvenv.cfg").exists()


def check_document(
    path: str | Path, max_seconds: float = requests.SECONDS, allow: Iterable[str] = ()
) -> list[MarkerFinding]:
    """What in a document is not what symcount would write now; nothing if all of it is.

    The factories are imported and called if they are classes of `nn.Module`, or code that is below
    the document's folder or the current one or of a package that is allowed; others are refused.
    Whatever is wrong with one formula, the others are looked at too.

    Args:
        path: a Markdown or reStructuredText file.
        max_seconds: how long each derivation may take.
        allow: packages whose functions and classes may be called too, by their names.

    Raises:
        ArgumentError: it is no document.

    >>> import tempfile
    >>> page = Path(tempfile.mkdtemp()) / "page.md"
    >>> text = "It has <!-- symcount: cnn:attention at dim=64 -->2,000<!-- /symcount --> of them."
    >>> _ = page.write_text(text)
    >>> print(check_document(page)[0].first)
    dim=64, reduction=4: 2,000, and 2,112
    >>> filled(page).write(), page.read_text() == text.replace("2,000", "2,112")
    (True, True)
    >>> check_document(page)
    []
    """
    return list(filled(path, Answers(max_seconds, Trust(tuple(allow)))).findings)


class Answers:
    """The formulas that documents ask for, each derived once."""

    def __init__(self, max_seconds: float = requests.SECONDS, trust: Trust | None = None) -> None:
        self.max_seconds = max_seconds
        self.trust = trust or Trust()
        self._known: dict[str, Any] = {}

    def once(self, key: str, ask: Callable[[], Any]) -> Any:
        """What was answered before, be it an error, or what is answered now."""
        if key not in self._known:
            try:
                self._known[key] = ask()
            except SymcountError as error:
                self._known[key] = error
        known = self._known[key]
        if isinstance(known, SymcountError):
            raise known
        return known


def filled(path: str | Path, answers: Answers | None = None) -> Filled:
    """A document with its formulas as they are now; nothing is written.

    All else in it stays as it is, byte for byte.

    Raises:
        ArgumentError: it is no document.
    """
    text, places, problems = _read_document(Path(path), answers or Answers())
    compared = [place.compared() for place in places]
    findings = [*problems, *(finding for _, finding in compared if not finding.is_current)]
    content = _spliced(text, places, [content for content, _ in compared])
    is_written = content != text and all(f.state == "differs" for f in findings)
    if is_written and not _reads_alike(content, places):
        reason = "what is to be written into this document would itself be read as a marker"
        findings.append(replace(places[0].about("broken"), reason=reason))
        is_written = False
    findings.sort(key=lambda finding: finding.line)
    whole = content.encode("utf-8") if is_written else None
    return Filled(Path(path), len(places), tuple(findings), whole)


def checks(path: str | Path, answers: Answers) -> dict[str, Callable[[], MarkerFinding]]:
    """What there is to check in a document, by name, each when it is called.

    Raises:
        ArgumentError: it is no document.
    """
    _, places, problems = _read_document(Path(path), answers)
    found: dict[str, Callable[[], MarkerFinding]] = {}
    for problem in problems:
        found[f"line {problem.line}"] = partial(lambda problem: problem, problem)
    for number, place in enumerate(places):
        name = f"{place.marker.asked} in line {place.marker.line}"
        unique = f"{name} ({number + 1})" if name in found else name
        found[unique] = partial(lambda place: place.compared()[1], place)
    return found


def _read_document(path: Path, answers: Answers) -> tuple[str, list[_Place], list[MarkerFinding]]:
    syntax = SYNTAXES.get(path.suffix)
    if syntax is None:
        raise ArgumentError(f"{path} is no document; {_NO_DOCUMENT}")
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        return "", [], [_unread(path, f"cannot read it: {error.strerror}")]
    except UnicodeDecodeError as error:
        reason = f"this is not UTF-8: {error.reason} at byte {error.start}"
        return "", [], [_unread(path, reason)]
    if "symcount" not in text:
        return text, [], []
    found, problems = markers.find(text, syntax)
    places = [_Place(path, syntax, text, marker, answers) for marker in found]
    bad = [MarkerFinding(str(path), p.line, "", "malformed", reason=p.message) for p in problems]
    return text, places, bad


def _reads_alike(content: str, places: Sequence[_Place]) -> bool:
    """Whether a document that is written has the same markers as before."""
    found, problems = markers.find(content, places[0].syntax)
    before = [(place.marker.asked, place.marker.inline) for place in places]
    return not problems and [(marker.asked, marker.inline) for marker in found] == before


def _unread(path: Path, reason: str) -> MarkerFinding:
    return MarkerFinding(str(path), 1, "", "malformed", reason=reason)


def _spliced(text: str, places: Sequence[_Place], contents: Sequence[str]) -> str:
    parts, behind = [], 0
    for place, content in zip(places, contents, strict=True):
        parts += [text[behind : place.marker.start], content]
        behind = place.marker.end
    return "".join([*parts, text[behind:]])


# --- one formula of it ------------------------------------------------------------------------


@dataclass(frozen=True)
class _Place:
    """A marker in its document."""

    path: Path
    syntax: Syntax
    text: str
    marker: Marker
    answers: Answers

    def about(self, state: State, **more: Any) -> MarkerFinding:
        """A finding about this place."""
        return MarkerFinding(str(self.path), self.marker.line, self.marker.asked, state, **more)

    def compared(self) -> tuple[str, MarkerFinding]:
        """What is to stand between the comments, and what is to be said of what does."""
        old = self.text[self.marker.start : self.marker.end]
        try:
            wanted = self._read()
            new = self._content(wanted)
        except NotTrustedError as error:
            return old, self.about("refused", reason=str(error))
        except (ArgumentError, TargetError, StoredFormulaError) as error:
            return old, self.about("malformed", reason=str(error))
        except Exception as error:  # whatever it is, the other formulas are looked at
            return old, self.about("broken", reason=requests.explained(error))
        if new == old:
            return old, self.about("same")
        bare = self._bare(old)
        plain = re.sub(r"^\s*\.\. \|[^|]+\| replace::", "", bare).strip()
        formula = self._formula(wanted, plain)
        first, reason = self._first(wanted, plain, formula)
        # The code may have moved on since a formula was stored.
        lines = () if formula is None or "#" in wanted.target else _lines_of_new_terms(*formula)
        return new, self.about(
            "differs",
            old=bare,
            new=self._bare(new),
            first=first,
            source=self._source(wanted),
            lines=tuple(lines),
            reason=reason,
        )

    def _bare(self, content: str) -> str:
        """What stands between the comments, without the margin and the blank lines around it."""
        margin = self.marker.margin
        lines = (line.removeprefix(margin) for line in re.split(r"\r\n|\r|\n", content))
        return "\n".join("" if line == margin.rstrip() else line for line in lines).strip()

    def _read(self) -> Asked:
        wanted = read(self.marker.asked)
        if wanted.name and self.syntax != "rst":
            raise ArgumentError(
                f"|{wanted.name}| is for reStructuredText; in Markdown a marker may stand within a "
                "line"
            )
        if not (self.marker.inline or wanted.name):
            return wanted
        large = [what for what in wanted.shown if what in ("table", "registry")]
        if large or len(wanted.shown) > 1 or len(wanted.points) > 1:
            what = f"a {large[0]}" if large else "more than one thing"
            raise ArgumentError(
                f"{what} does not fit within a line; put the comments on lines of their own"
            )
        return wanted

    # --- the answer ---

    def _content(self, wanted: Asked) -> str:
        markup = self._markup(wanted, in_cell=self.marker.in_table)
        if self.marker.inline:
            return self._within_line(wanted, markup)
        if wanted.name:
            lines = [f".. |{wanted.name}| replace:: {self._within_line(wanted, markup)}"]
        else:
            lines = []
            for what in wanted.shown:
                lines += ["", *self._lines(what, wanted, markup)]
            del lines[0]
        margin = self.marker.margin
        shown = [f"{margin}{line}" if line else margin.rstrip() for line in ["", *lines, ""]]
        ends = self._line_end()
        whole = ends.join(["", *shown, ""])
        # A comment that closes on the line of the opening one gets a line of its own.
        is_one_line = not re.search(r"[\r\n]", self.text[self.marker.start : self.marker.end])
        return whole + margin if is_one_line else whole

    def _line_end(self) -> str:
        ends = re.compile(r"\r\n|\r|\n")
        found = ends.search(self.text, self.marker.start) or ends.search(self.text)
        return found[0] if found else "\n"

    def _markup(self, wanted: Asked, in_cell: bool) -> Markup:
        cell: Markup = self._writer.MARKUP
        code = cell.code if in_cell else self._writer.code
        if wanted.form == "math":
            return replace(cell, code=code)
        return replace(cell, code=code, math=lambda expression: code(_text(expression)))

    @property
    def _writer(self) -> Any:
        return rst if self.syntax == "rst" else markdown

    def _within_line(self, wanted: Asked, markup: Markup) -> str:
        (what,) = wanted.shown
        if what == "count":
            (value,) = self._values(wanted)
            if value.count is None:
                raise DomainError(value.reason or "")
            return f"{value.count:,}"
        return self._said(what, wanted, markup)

    def _said(self, what: str, wanted: Asked, markup: Markup) -> str:
        count = self._count(wanted)
        if what == "formula":
            return markup.math(count.expr)
        if what == "domain":
            return description.domain(count, markup)
        return markup.text("; ".join(str(_portable(count)).splitlines()))

    def _lines(self, what: str, wanted: Asked, markup: Markup) -> list[str]:
        if what == "registry":
            return self._registry(wanted)
        if what == "count":
            return self._counts(wanted)
        if what == "table":
            return self._breakdown(wanted)
        if what == "formula" and wanted.form == "math":
            lines: list[str] = self._writer.display(self._count(wanted).expr)
            return lines
        return [self._said(what, wanted, markup)]

    def _table(self, titles: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
        text = self._writer.escape
        lines: list[str] = self._writer.table([title and text(title) for title in titles], rows)
        return lines

    def _counts(self, wanted: Asked) -> list[str]:
        count = self._count(wanted)
        names = [h.name for h in count.hyperparameters]
        rows = [
            [*(str(value.at[name]) for name in names), said(value.count)]
            for value in self._values(wanted)
        ]
        return self._table([*names, count.measure.noun], rows)

    def _breakdown(self, wanted: Asked) -> list[str]:
        count, markup = self._count(wanted), self._markup(wanted, in_cell=True)
        if len(wanted.points) > 1:
            raise ArgumentError("a table is of one size; write count for several")
        at = dict(wanted.points[0]) if wanted.points and wanted.points[0] else None
        walked = requests.breakdown_rows(count, at, wanted.levels)
        titles = ["module", count.measure.noun]
        if walked[0][1].size is not None:
            sizes = {**count.defaults, **(at or {})}
            said = ", ".join(f"{h.name}={sizes[h.name]}" for h in count.hyperparameters)
            titles += [f"at {said}", "share"]
        rows = []
        for depth, row in walked:
            name = f"{_INDENT * depth}{markup.code(row.name)}"
            cells = [name, markup.math(row.part.count.expr), row.size_text, row.share_text]
            rows.append(cells[: len(titles)])
        return self._table(titles, rows)

    def _registry(self, wanted: Asked) -> list[str]:
        markup = self._markup(wanted, in_cell=True)
        place, trust = self._place(wanted.target), self._trust
        known: Sequence[Blueprint] = self.answers.once(
            f"blueprints {place} {trust}", lambda: requests.blueprints(place, trust)[0]
        )
        titles = [*description.COLUMNS, *(f"at {size}" for size in wanted.sizes)]
        rows = []
        for blueprint in known:
            # Why there is none is told by other words on other machines.
            count = "" if blueprint.count is None else blueprint.count
            cells = description.cells(blueprint.key, count, blueprint.description, markup)
            cells[1] = cells[1].removesuffix(": ")
            rows.append([*cells, *(_count_at(blueprint.count, size) for size in wanted.sizes)])
        used = [n for n in range(len(titles)) if any(row[n] for row in rows)]
        return self._table([titles[n] for n in used], [[row[n] for n in used] for row in rows])

    # --- what it is about ---

    def _count(self, wanted: Asked) -> ParamCount:
        file, sharp, name = wanted.target.rpartition("#")
        if sharp:
            stored = self._place(file)
            self._trust.require_file(wanted.target, stored)
            count = self.answers.once(f"stored {stored}#{name}", lambda: _stored(stored, name))
        else:
            seconds = self.answers.max_seconds
            target, trust = self._target(wanted), self._trust
            request = Request(target, wanted.fixed, wanted.symbols, trust, seconds)
            count = self.answers.once(f"{request.key} {trust}", lambda: request.answer()[0])
        found: ParamCount = count
        return found

    def _target(self, wanted: Asked) -> str:
        place, colon, name = wanted.target.rpartition(":")
        return f"{self._place(place)}{colon}{name}"

    @property
    def _trust(self) -> Trust:
        return self.answers.trust.beside(self.path.parent)

    def _place(self, place: str) -> str:
        """A path as it is from the current directory; a module stays what it is."""
        if not place.endswith((".py", ".json")):
            return place
        if os.path.isabs(place):
            raise ArgumentError(
                f"{place}: a path is relative to the document it is in, so that it is right on "
                "other machines too"
            )
        return os.path.normpath(self.path.parent / place)

    def _values(self, wanted: Asked) -> list[Value]:
        count = self._count(wanted)
        return [Value.of(count, point) for point in wanted.points or [{}]]

    def _source(self, wanted: Asked) -> str:
        """The line of the factory, or nothing if that is not known."""
        if wanted.shown == ("registry",) or "#" in wanted.target:
            return ""
        from symcount.catalogue import targets

        function: Any = targets.resolve(self._target(wanted), self._trust).factory
        while isinstance(function, partial):
            function = function.func
        try:
            function = inspect.unwrap(function)
            lines, start = inspect.getsourcelines(function)
            file = inspect.getsourcefile(function) or ""
        except (TypeError, OSError):  # built in, or typed at a prompt
            return ""
        named = (n for n, line in enumerate(lines) if re.match(r"\s*(async |def |class )", line))
        offset = next(named, 0)
        return f"{portable(file)}:{start + offset}: {lines[offset].strip()}"

    # --- what stands there ---

    def _first(
        self, wanted: Asked, plain: str, formula: tuple[ParamCount, Expression] | None
    ) -> tuple[Difference | None, str]:
        """Where what stands there differs first, if it can be counted; or what is known of it."""
        if wanted.shown == ("count",) and re.fullmatch(r"[\d,]+", plain):
            (value, *others) = self._values(wanted)
            if not others:
                then = int(plain.replace(",", ""))
                at = {h.name: value.at[h.name] for h in self._count(wanted).hyperparameters}
                return Difference(at, then, value.count, is_first=True), ""
        return (None, "") if formula is None else _first_of_formula(*formula)

    def _formula(self, wanted: Asked, plain: str) -> tuple[ParamCount, Expression] | None:
        """The formula, and the one that stands there, if that can be read."""
        from symcount.formula import expressions

        if wanted.shown[0] != "formula" or wanted.form != "code" or not plain:
            return None
        code = re.fullmatch(r"(`+)(.*)\1", plain.splitlines()[0].strip())
        if code is None:
            return None
        try:
            return self._count(wanted), expressions.read(code[2], "what stands there")
        except ArgumentError:
            return None


_INDENT = "\N{NO-BREAK SPACE}" * 4


def _first_of_formula(count: ParamCount, old: Expression) -> tuple[Difference | None, str]:
    names = {h.name for h in count.hyperparameters}
    unknown = [name for name in old.names if name not in names]
    if unknown:
        return None, f"what stands there is of {', '.join(unknown)}, which is no symbol any more"
    try:
        found = first_difference(count, old)
    except UndecidedError as error:
        return None, str(error)
    if found is None:
        return None, "the two are the same formula, written otherwise"
    return replace(found, left=found.right, right=found.left), ""


def _lines_of_new_terms(count: ParamCount, old: Expression) -> Iterator[str]:
    """The lines of code that the terms come from that are not in the old formula."""
    found: dict[Source, None] = {}
    for _, leaf in leaves(count.tree):
        now = count._polys[id(leaf)]
        if isinstance(leaf, Built) and now is not None:
            known = old.poly.terms.items()
            monomials = {term[0] for term in now.terms.items() if term not in known}
            made = [w for w in leaf.weights if count.measure.weigh(w)]
            differing = {w.name: w.source for w in made if monomials & w.numel.terms.keys()}
            found |= dict.fromkeys(filter(None, differing.values()))
            if leaf.program is not None:
                found |= dict.fromkeys(leaf.program.lines_behind(differing))
    for source in sorted(found, key=lambda source: (source.file, source.line)):
        text = linecache.getline(source.file, source.line).strip()
        yield f"{portable(source.file)}:{source.line}: {text}"


def _text(expression: Any) -> str:
    from symcount.formula import sympy_form

    return sympy_form.text(expression)


def _stored(path: str, name: str) -> ParamCount:
    from symcount.storage.file import load

    try:
        return load(path)[name]
    except OSError as error:
        raise TargetError(f"cannot read {path}: {error.strerror}") from error


def _portable(count: ParamCount) -> Any:
    """The certificate, with files as they are called on any machine."""
    certificate = count.certificate
    found = [
        replace(c, source=replace(c.source, file=portable(c.source.file)))
        for c in certificate.concretisations
    ]
    return replace(certificate, concretisations=tuple(found))


def _count_at(count: ParamCount | None, size: int) -> str:
    if count is None:
        return ""
    try:
        value = Value.of(count, {count.hyperparameters[0].name: size})
    except ArgumentError:  # another symbol has no default
        return ""
    return said(value.count)


# --- said -------------------------------------------------------------------------------------


def _report(finding: MarkerFinding) -> Iterator[str]:
    place = f"{finding.file}:{finding.line}"
    if finding.state != "differs":
        about = f"{finding.asked}: " if finding.asked else ""
        yield f"{place}: {about}{finding.reason}"
        return
    yield f"{place}: {finding.asked}: the code gives something else now"
    yield from (f"  {line}" for line in _differing(finding.old, finding.new))
    if finding.first is not None:
        yield f"  {finding.first.told('there', 'now')}"
    if finding.reason:
        yield f"  {finding.reason}"
    if finding.source:
        yield f"  {finding.source}"
    yield from (f"    {line}" for line in finding.lines[:_MOST_LINES])


def _differing(old: str, new: str) -> Iterator[str]:
    """The lines that differ, as in a unified diff, with a line around them."""
    before, after = old.splitlines(), new.splitlines()
    diff = list(difflib.unified_diff(before, after, lineterm="", n=1))[2:]
    if not diff:
        yield "(only the blank space around it differs)"
    is_short = len(before) <= 1 and len(after) <= 1
    yield from (line for line in diff if not (is_short and line.startswith("@@")))
