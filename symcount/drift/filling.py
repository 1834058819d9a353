"""Fill in the formulas of documents between their markers, and report those that have changed."""

from __future__ import annotations

import difflib
import linecache
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from symcount.catalogue.trust import Trust
from symcount.drift import markers, requests
from symcount.drift.answers import Answers, Query
from symcount.drift.contents import Contents
from symcount.drift.files import NO_DOCUMENT
from symcount.drift.marker_text import Asked, read
from symcount.drift.markers import SYNTAXES, Marker, Syntax
from symcount.errors import (
    ArgumentError,
    DerivationError,
    NotTrustedError,
    StoredFormulaError,
    TargetError,
    UndecidedError,
)
from symcount.factory.origin import portable
from symcount.formula.tree import Built, leaves
from symcount.questions.equality import Difference, first_difference
from symcount.storage import atomic

if TYPE_CHECKING:
    from symcount.formula.expressions import Expression
    from symcount.param_count import ParamCount
    from symcount.record import Source


MarkerState = Literal["same", "differs", "broken", "undecided", "malformed", "refused"]
_MOST_LINES = 8


@dataclass(frozen=True)
class MarkerFinding:
    """The state of a formula in a document, and how it differs from that of the code.

    Attributes:
        file: the document.
        line: the line of its marker.
        asked: what the marker asks for.
        state: `same`; `differs` from what would be written now; `broken` where the code has no
            such formula or count any more; `undecided` where the clock has ended the derivation, so
            that this is no difference; `malformed` where it cannot be known what is asked for;
            `refused` where it names something that is not called for a document.
        old: what stands there.
        new: what would be written.
        first: the first sizes at which the two differ, the old count on the left; None if what
            stands there cannot be counted.
        source: the line of the factory.
        lines: of a formula, the lines that the terms that are new come from: those that make the
            tensors, and those that compute their sizes.
        reason: why it is broken, undecided, malformed or refused, or what is not known.
    """

    file: str
    line: int
    asked: str
    state: MarkerState
    old: str = ""
    new: str = ""
    first: Difference | None = None
    source: str = ""
    lines: tuple[str, ...] = ()
    reason: str = ""

    @property
    def is_current(self) -> bool:
        """Tell whether what stands there is what would be written now."""
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


def check_document(
    path: str | Path, max_seconds: float = requests.SECONDS, allow: Iterable[str] = ()
) -> list[MarkerFinding]:
    """Report what in a document is not what symcount would write now.

    The factories are imported and called if they are classes of `nn.Module`, or code that is below
    the document's folder or the current one or of a package that is allowed; others are refused.
    Whatever is wrong with one formula, the others are looked at too.

    Args:
        path: a Markdown or reStructuredText file.
        max_seconds: how long each derivation may take.
        allow: packages whose functions and classes may be called too, by their names.

    Returns:
        A finding for each formula that differs or cannot be written; none if all are current.

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


def filled(path: str | Path, answers: Answers | None = None) -> Filled:
    """Fill in the formulas of a document as they are now; no file is written.

    All else in it stays as it is, byte for byte.

    Args:
        path: a Markdown or reStructuredText file.
        answers: the formulas that are known already, if other documents have been filled.

    Returns:
        The document as it is to be, and what differs from that.

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
    """Return the checks of a document by name, each of which is done when it is called.

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


def _read_document(
    path: Path, answers: Answers
) -> tuple[str, list[_PlacedMarker], list[MarkerFinding]]:
    syntax = SYNTAXES.get(path.suffix)
    if syntax is None:
        raise ArgumentError(f"{path} is no document; {NO_DOCUMENT}")
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
    places = [_PlacedMarker(path, syntax, text, marker, answers) for marker in found]
    bad = [MarkerFinding(str(path), p.line, "", "malformed", reason=p.message) for p in problems]
    return text, places, bad


def _reads_alike(content: str, places: Sequence[_PlacedMarker]) -> bool:
    """Tell whether a document that is written has the same markers as before."""
    found, problems = markers.find(content, places[0].syntax)
    before = [(place.marker.asked, place.marker.inline) for place in places]
    return not problems and [(marker.asked, marker.inline) for marker in found] == before


def _unread(path: Path, reason: str) -> MarkerFinding:
    return MarkerFinding(str(path), 1, "", "malformed", reason=reason)


def _spliced(text: str, places: Sequence[_PlacedMarker], contents: Sequence[str]) -> str:
    parts, behind = [], 0
    for place, content in zip(places, contents, strict=True):
        parts += [text[behind : place.marker.start], content]
        behind = place.marker.end
    return "".join([*parts, text[behind:]])


@dataclass(frozen=True)
class _PlacedMarker:
    """A marker in its document."""

    path: Path
    syntax: Syntax
    text: str
    marker: Marker
    answers: Answers

    def about(self, state: MarkerState, **more: Any) -> MarkerFinding:
        """Report on this place."""
        return MarkerFinding(str(self.path), self.marker.line, self.marker.asked, state, **more)

    def compared(self) -> tuple[str, MarkerFinding]:
        """Return what is to stand between the comments, and report on what does."""
        old = self.text[self.marker.start : self.marker.end]
        try:
            query = Query(self.path, self._read(), self.answers)
            new = Contents(query, self.marker, self.syntax, self.text).written()
        except NotTrustedError as error:
            return old, self.about("refused", reason=str(error))
        except (ArgumentError, TargetError, StoredFormulaError) as error:
            return old, self.about("malformed", reason=str(error))
        except Exception as error:  # whatever it is, the other formulas are looked at
            ended = isinstance(error, DerivationError) and error.out_of_time
            state: MarkerState = "undecided" if ended else "broken"
            return old, self.about(state, reason=requests.explained(error))
        if new == old:
            return old, self.about("same")
        reason = query.out_of_time()
        if reason:
            return old, self.about("undecided", reason=reason)
        bare = self._bare(old)
        plain = re.sub(r"^\s*\.\. \|[^|]+\| replace::", "", bare).strip()
        formula = _formula_there(query, plain)
        first, reason = _first(query, plain, formula)
        # The code may have moved on since a formula was stored.
        is_stored = "#" in query.asked.target
        lines = () if formula is None or is_stored else _lines_of_new_terms(*formula)
        return new, self.about(
            "differs",
            old=bare,
            new=self._bare(new),
            first=first,
            source=query.source(),
            lines=tuple(lines),
            reason=reason,
        )

    def _bare(self, content: str) -> str:
        """Strip the margin and the blank lines around what stands between the comments."""
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


def _first(
    query: Query, plain: str, formula: tuple[ParamCount, Expression] | None
) -> tuple[Difference | None, str]:
    """Find where what stands there differs first, if it can be counted; or say what is known."""
    if query.asked.shown == ("count",) and re.fullmatch(r"[\d,]+", plain):
        (value, *others) = query.values()
        if not others:
            then = int(plain.replace(",", ""))
            at = {h.name: value.at[h.name] for h in query.count().hyperparameters}
            return Difference(at, then, value.count, is_first=True), ""
    return (None, "") if formula is None else _first_of_formula(*formula)


def _formula_there(query: Query, plain: str) -> tuple[ParamCount, Expression] | None:
    """Read the formula that stands there, if it can be read, and give the one of now with it."""
    from symcount.formula import expressions

    if query.asked.shown[0] != "formula" or query.asked.form != "code" or not plain:
        return None
    code = re.fullmatch(r"(`+)(.*)\1", plain.splitlines()[0].strip())
    if code is None:
        return None
    try:
        return query.count(), expressions.read(code[2], "what stands there")
    except ArgumentError:
        return None


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
    """Yield the lines of code behind the terms that are not in the old formula."""
    found: dict[Source, None] = {}
    formula = count.formula
    for _, leaf in leaves(formula.tree):
        now = formula.polynomial(leaf)
        if isinstance(leaf, Built) and now is not None:
            known = old.poly.terms.items()
            monomials = {term[0] for term in now.terms.items() if term not in known}
            made = [w for w in leaf.weights if formula.measure.weigh(w)]
            differing = {w.name: w.source for w in made if monomials & w.numel.terms.keys()}
            found |= dict.fromkeys(filter(None, differing.values()))
            if leaf.program is not None:
                found |= dict.fromkeys(leaf.program.lines_behind(differing))
    for source in sorted(found, key=lambda source: (source.file, source.line)):
        text = linecache.getline(source.file, source.line).strip()
        yield f"{portable(source.file)}:{source.line}: {text}"


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
    """Yield the lines that differ, as in a unified diff, with a line around them."""
    before, after = old.splitlines(), new.splitlines()
    diff = list(difflib.unified_diff(before, after, lineterm="", n=1))[2:]
    if not diff:
        yield "(only the blank space around it differs)"
    is_short = len(before) <= 1 and len(after) <= 1
    yield from (line for line in diff if not (is_short and line.startswith("@@")))
