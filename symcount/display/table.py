"""Lay out tables for a terminal of any width: no count is cut, and no name is broken.

Where a table is too wide, columns that only help the eye go first, then columns that say the same
in each row are said once, and in the end each row becomes lines of `name = value`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table as Columns
from rich.text import Text

# The width of what is no terminal, and to which its cells are padded at most.
PIPED_WIDTH = 100_000
_ALIGNED = 80
# A column of texts that is narrower is no help to a reader.
_READABLE = 24
# A name or number with the operator behind it stays in one piece; so does a power.
_ATOM = re.compile(r"(?:\d+\*)?[\w.…]+(?:,\d{3})*(?:\*\*\w+)?[*/,)=(]*|\S")


def wrapped(text: str, width: int) -> list[str]:
    """Break a text into lines: at spaces, else behind operators; in a name only if it must be.

    >>> wrapped("4*dim**2*depth + width", 12)
    ['4*dim**2*', 'depth +', 'width']
    """
    lines = [""]
    for word in re.findall(r"\s*\S+", text):
        fits_alone = len(word.strip()) <= width
        for piece in [word] if fits_alone else _pieces(word, width):
            if lines[-1] and len(lines[-1]) + len(piece) > width:
                lines.append(piece.lstrip())
            else:
                lines[-1] += piece
    return lines


def _pieces(word: str, width: int) -> Iterator[str]:
    space = word[: len(word) - len(word.lstrip())]
    for atom in _ATOM.findall(word):
        yield from (space + atom[i : i + width] for i in range(0, len(atom), width))
        space = ""


@dataclass(frozen=True)
class Cell:
    """A text that is never cut: it is whole, or broken where a reader would."""

    text: str
    breaks: bool = True
    style: str = ""

    def __str__(self) -> str:
        return self.text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for paragraph in self.text.split("\n"):
            lines = wrapped(paragraph, options.max_width) if self.breaks else [paragraph]
            yield from (Text(line, style=self.style, no_wrap=True) for line in lines)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        whole = max(map(len, self.text.split("\n")))
        if not self.breaks:
            return Measurement(whole, whole)
        least = max(map(len, _ATOM.findall(self.text)), default=0)
        return Measurement(max(least, min(whole, _READABLE)), whole)


@dataclass(frozen=True)
class Column:
    """A column: of counts, which stand to the right; of texts that `breaks`; or of names.

    Columns that are `spare` are left out where there is no room, the greatest number first.
    """

    title: str
    is_count: bool = False
    breaks: bool = False
    spare: int = 0
    style: str = ""

    def cell(self, content: RenderableType) -> RenderableType:
        if not isinstance(content, str):
            return content
        return Cell(content, self.breaks, self.style)


@dataclass(frozen=True)
class Table:
    """Rows of columns, in the widest layout that there is room for.

    With `is_headed`, the first column names what a row is about.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[RenderableType]]
    is_headed: bool = True

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if options.max_width >= PIPED_WIDTH:
            yield from self._piped()
            return
        for table, said in self._layouts():
            if fits(drawn := table._drawn(), console, options):
                yield from (*said, drawn)
                return
        yield from self._as_lines(options.max_width)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, self._drawn())

    def _layouts(self) -> Iterator[tuple[Table, Sequence[RenderableType]]]:
        yield self, ()
        table = self
        for spare in sorted({column.spare for column in self.columns} - {0}, reverse=True):
            table = table._keeping([c.spare < spare for c in table.columns])
            yield table, ()
        if len(self.rows) > 1 and not self.is_headed:
            cells = list(zip(*table.rows, strict=True))
            alike = [len(set(map(str, column))) == 1 for column in cells]
            if not all(alike):
                once = table._keeping(alike)
                said = [_line(c, cell) for c, cell in zip(once.columns, once.rows[0], strict=True)]
                yield table._keeping([not each for each in alike]), said

    def _keeping(self, kept: Sequence[bool]) -> Table:
        def chosen(items: Sequence[RenderableType]) -> list[RenderableType]:
            return [item for item, keep in zip(items, kept, strict=True) if keep]

        columns = [column for column, keep in zip(self.columns, kept, strict=True) if keep]
        return replace(self, columns=columns, rows=list(map(chosen, self.rows)))

    def _drawn(self) -> Columns:
        drawn = empty_table()
        for column in self.columns:
            drawn.add_column(
                Cell(column.title, breaks=False, style="bold"),
                justify="right" if column.is_count else "left",
                no_wrap=not column.breaks,
            )
        for row in self.rows:
            drawn.add_row(*(c.cell(cell) for c, cell in zip(self.columns, row, strict=True)))
        return drawn

    def _as_lines(self, width: int) -> Iterator[RenderableType]:
        """Write each row as lines of `name = value`, below its heading if it has one.

        What has a text and a count besides its heading needs no names for these.
        """
        kinds = [(c.is_count, c.breaks) for c in self.columns if not c.spare]
        yield Text("")
        is_plain = self.is_headed and kinds[1:] in ([(False, True)], [(False, True), (True, False)])
        for number, row in enumerate(self.rows):
            cells = [(c, cell) for c, cell in self._pairs(row) if not c.spare]
            indent = 0
            if self.is_headed:
                head = str(cells.pop(0)[1])
                indent = len(head) - len(head.lstrip()) + 2
                count = str(cells.pop()[1]) if kinds[-1][0] and is_plain else ""
                aside = [str(x) for c, x in self._pairs(row) if c.spare == 1 and not c.is_count]
                longer = "  ".join(filter(None, [head, *aside]))
                fits = len(longer) + 2 + len(count) <= width
                yield from _heading(longer if fits else head, count, width)
            elif number:
                yield Text("")
            for column, cell in cells:
                if str(cell):
                    line = column.cell(cell) if is_plain else _line(column, cell)
                    yield Padding(line, (0, 0, 0, indent))
        yield Text("")

    def _pairs(self, row: Sequence[RenderableType]) -> Iterator[tuple[Column, RenderableType]]:
        return zip(self.columns, row, strict=True)

    def _piped(self) -> Iterator[RenderableType]:
        """Write rows that can be read by programs too; long cells are not lined up."""
        if any(not column.title for column in self.columns):
            written = [any(map(str, cells)) for cells in zip(*self.rows, strict=True)]
            if not all(written):  # bars are for eyes
                yield from self._keeping(written)._piped()
                return
        titles = [column.title for column in self.columns]
        texts = [list(map(str, row)) for row in self.rows]
        widths = [
            max((len(t) for t in column if len(t) <= _ALIGNED), default=0)
            for column in zip(titles, *texts, strict=True)
        ]
        yield Text("")
        rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
        for line in (titles, None, *texts):
            if line is None:
                yield Text(f" {rule}")
                continue
            cells = [
                text.rjust(width) if column.is_count else text.ljust(width)
                for text, column, width in zip(line, self.columns, widths, strict=True)
            ]
            yield Text(" " + "  ".join(cells), no_wrap=True)
        yield Text("")


def _heading(head: str, count: str, width: int) -> Iterator[RenderableType]:
    """Write a name and a count on one line if they fit, the count to the right."""
    fits = len(head) + 2 + len(count) <= width
    line = f"{head}{count.rjust(width - len(head))}" if fits else head
    yield Cell(line if count else head, breaks=False, style="bold")
    if not fits:
        yield Cell(count.rjust(width), breaks=False)


def _line(column: Column, cell: RenderableType) -> Cell:
    return Cell(f"{column.title} = {cell}" if column.title else str(cell))


def fits(view: RenderableType, console: Console, options: ConsoleOptions) -> bool:
    """Tell whether a view has room enough to be seen whole."""
    needed = Measurement.get(console, options.update(width=PIPED_WIDTH), view)
    return needed.minimum <= options.max_width


def empty_table() -> Columns:
    """Return an empty table in the one style of all tables."""
    return Columns(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
