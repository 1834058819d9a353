"""Write what stands between the comments of a marker, in the markup of its document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from symcount.drift import requests
from symcount.drift.answers import Query
from symcount.drift.markers import Marker, Syntax
from symcount.errors import (
    ArgumentError,
    DomainError,
)
from symcount.export.documents import description, markdown, rst
from symcount.factory.origin import portable
from symcount.formula.amounts import rounded
from symcount.formula.evaluation import Evaluation
from symcount.questions.equality import said

if TYPE_CHECKING:
    from symcount.export.documents.description import Markup
    from symcount.formula.formula import Formula
    from symcount.param_count import ParamCount


@dataclass(frozen=True)
class Contents:
    """The writer of what a marker asks for, into the place in a text where the marker stands."""

    query: Query
    marker: Marker
    syntax: Syntax
    text: str

    def written(self) -> str:
        """Return what is to stand between the two comments.

        Raises:
            SymcountError: there is no such formula, or it cannot be written here.
        """
        wanted = self.query.asked
        markup = self._markup(in_cell=self.marker.in_table)
        if self.marker.inline:
            return self._within_line(markup)
        if wanted.name:
            lines = [f".. |{wanted.name}| replace:: {self._within_line(markup)}"]
        else:
            lines = []
            for what in wanted.shown:
                lines += ["", *self._lines(what, markup)]
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

    def _markup(self, in_cell: bool) -> Markup:
        cell: Markup = self._writer.MARKUP
        code = cell.code if in_cell else self._writer.code
        if self.query.asked.form == "math":
            return replace(cell, code=code)
        return replace(cell, code=code, math=lambda expression: code(_text(expression)))

    @property
    def _writer(self) -> Any:
        return rst if self.syntax == "rst" else markdown

    def _within_line(self, markup: Markup) -> str:
        (what,) = self.query.asked.shown
        if what == "count":
            (value,) = self.query.values()
            if value.count is None:
                raise DomainError(value.reason or "")
            return self._counted(value.count)
        return self._said(what, markup)

    def _said(self, what: str, markup: Markup) -> str:
        count = self.query.count()
        if what == "formula":
            return markup.math(self._expression(count.formula))
        if what == "domain":
            return description.domain(count.formula, markup)
        return markup.text("; ".join(str(_portable(count)).splitlines()))

    def _lines(self, what: str, markup: Markup) -> list[str]:
        if what == "registry":
            return self._registry()
        if what == "count":
            return self._counts()
        if what == "table":
            return self._breakdown()
        if what == "formula" and self.query.asked.form == "math":
            lines: list[str] = self._writer.display(self._expression(self.query.count().formula))
            return lines
        return [self._said(what, markup)]

    def _expression(self, count: Formula) -> Any:
        return count.in_layers if self.query.asked.in_layers else count.expr

    def _table(self, titles: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
        text = self._writer.escape
        lines: list[str] = self._writer.table([title and text(title) for title in titles], rows)
        return lines

    def _counts(self) -> list[str]:
        count = self.query.count()
        names = [h.name for h in count.hyperparameters]
        rows = [
            [*(str(value.at[name]) for name in names), self._counted(value.count)]
            for value in self.query.values()
        ]
        called = [self._writer.escape(name) for name in self.query.asked.names]
        if called:
            rows = [[name, *row] for name, row in zip(called, rows, strict=True)]
        return self._table(
            [*(["size"] if called else []), *names, count.formula.measure.noun], rows
        )

    def _counted(self, count: int | None) -> str:
        unit = self.query.asked.unit
        return rounded(count, unit) if unit and count is not None else said(count)

    def _breakdown(self) -> list[str]:
        count, markup = self.query.count(), self._markup(in_cell=True)
        points = self.query.asked.points
        if len(points) > 1:
            raise ArgumentError("a table is of one size; write count for several")
        at = dict(points[0]) if points and points[0] else None
        titles, walked = requests.breakdown_table(count, at, self.query.asked.levels)
        rows = []
        for depth, row in walked:
            name = f"{_INDENT * depth}{markup.code(row.name)}"
            formula = markup.math(self._expression(row.part.count))
            cells = [name, formula, row.size_text, row.share_text]
            rows.append(cells[: len(titles)])
        return self._table(titles, rows)

    def _registry(self) -> list[str]:
        markup = self._markup(in_cell=True)
        sizes = self.query.asked.sizes
        titles = [*description.COLUMNS, *(f"at {size}" for size in sizes)]
        rows = []
        for blueprint in self.query.blueprints():
            # Why there is none is told by other words on other machines.
            count = "" if blueprint.count is None else blueprint.count.formula
            cells = description.cells(blueprint.key, count, blueprint.description, markup)
            cells[1] = cells[1].removesuffix(": ")
            rows.append([*cells, *(_count_at(blueprint.count, size) for size in sizes)])
        used = [n for n in range(len(titles)) if any(row[n] for row in rows)]
        return self._table([titles[n] for n in used], [[row[n] for n in used] for row in rows])


_INDENT = "\N{NO-BREAK SPACE}" * 4


def _text(expression: Any) -> str:
    from symcount.formula import sympy_form

    return sympy_form.text(expression)


def _portable(count: ParamCount) -> Any:
    """Return the certificate, with files as they are called on any machine."""
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
        value = Evaluation.of(count, {count.hyperparameters[0].name: size})
    except ArgumentError:  # another symbol has no default
        return ""
    return said(value.count)
