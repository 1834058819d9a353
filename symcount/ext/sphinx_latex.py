"""Fit what pages of Sphinx show of formulas into the text of a PDF.

A column that TeX is left to choose the width of gets too little for what has no place to break: a
name, a count, a formula. The widths are those of the contents here, and formulas, names and
numbers are broken to them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from docutils import nodes
from sphinx import addnodes

# In points of a font of 10 points, in the smaller one of tables: a line of the manuals of Sphinx,
# what a column has around it, a character, the most for a column of texts, the least for formulas.
_LINE, _AROUND, _CHARACTER, _MOST, _FORMULA = 510.0, 17.0, 5.8, 120.0, 140.0
# Rows of text beyond which a table may not fit on a page.
_PAGE = 25
# Where a name may end, at the end of a line.
_ENDS = re.compile(r"(?<=[_./:=])(?=[a-z_{(])", re.IGNORECASE)


# A line may end here, and is not stretched then.
_RAGGED = r"\hfil\penalty0\hfilneg{}"


def in_line(latex: str, room: float | None = None) -> list[nodes.Node]:
    """Make a formula within a text; with a room, lines end where it has no more, in a column."""
    from symcount.formula import latex as typeset

    rows = typeset.broken(latex, room or typeset.LINE, has_arrays=room is None)
    made: list[nodes.Node] = [nodes.math(rows[0], rows[0])]
    if len(rows) > 1 and room is None:
        made.insert(0, _raw(_RAGGED))
    for row in rows[1:]:
        made += [_raw(r"\newline ")] if room else [_raw(_RAGGED), nodes.Text(" ")]
        made.append(nodes.math(f"{{}}{row}", f"{{}}{row}"))
    return made


def _raw(latex: str) -> nodes.raw:
    return nodes.raw("", latex, format="latex")


def fit_tables(doctree: nodes.document) -> None:
    """Give the tables of formulas in a document widths, and break their contents to these."""
    for table in list(doctree.findall(nodes.table)):
        if "symcount-table" in table["classes"]:
            _fit(table)


def _fit(table: nodes.table) -> None:
    rows = [list(row.findall(nodes.entry)) for row in table.findall(nodes.row)]
    columns = list(zip(*rows, strict=True))
    widths = _widths(columns)
    for column, width in zip(columns, widths, strict=True):
        for entry in column:
            _break_within(entry, width - _AROUND)
    if sum(max(map(_lines, row)) for row in rows) > _PAGE:
        table["classes"].append("longtable")
    spec = "".join(
        rf">{{\{'raggedleft' if _is_number(column) else 'raggedright'}\arraybackslash}}"
        rf"\X{{{round(width)}}}{{{round(_LINE)}}}"
        for column, width in zip(columns, widths, strict=True)
    )
    place = table.parent.index(table)
    small = [_raw(r"\begingroup\footnotesize"), addnodes.tabular_col_spec(spec=spec)]
    table.parent[place : place + 1] = [*small, table, _raw(r"\endgroup")]


def _lines(entry: nodes.entry) -> int:
    return max(1, len(list(entry.findall(nodes.math))))


def _widths(columns: Sequence[Sequence[nodes.entry]]) -> list[float]:
    """Give columns of formulas what those of names and numbers leave, and texts what these do."""
    widths = [_own_width(column) for column in columns]
    wide = [place for place, column in enumerate(columns) if any(map(_formulas, column))]
    rest = _LINE - sum(width for place, width in enumerate(widths) if place not in wide)
    for place in wide:
        widths[place] = max(rest / len(wide), _FORMULA)
    texts = [i for i, column in enumerate(columns) if i not in wide and not _is_number(column)]
    excess = max(sum(widths) - _LINE, 0.0)
    for place in texts:
        widths[place] = max(widths[place] - excess / len(texts), _least_width(columns[place]))
    return [width * min(1.0, _LINE / sum(widths)) for width in widths]


def _own_width(column: Sequence[nodes.entry]) -> float:
    """Return what the longest text of a column takes; a title, and not a number, may be broken."""
    if _is_number(column):
        return max(_least_width(column), _width(max(len(e.astext()) for e in column[1:])))
    return max(_least_width(column), min(_MOST, _width(max(len(e.astext()) for e in column))))


def _least_width(column: Sequence[nodes.entry]) -> float:
    words = (word for entry in column for word in entry.astext().split(" "))
    return _width(max(len(piece) for word in words for piece in _ENDS.split(word)))


def _width(characters: int) -> float:
    return characters * _CHARACTER + _AROUND


def _formulas(entry: nodes.entry) -> list[nodes.Element]:
    return [node for node in entry.findall(nodes.Element) if "latex" in node.attributes]


def _is_number(column: Sequence[nodes.entry]) -> bool:
    return "symcount-number" in column[0]["classes"]


def _break_within(entry: nodes.entry, room: float) -> None:
    for formula in _formulas(entry):
        formula.replace_self(in_line(formula["latex"], room))
    for text in list(entry.findall(nodes.Text)):
        pieces = _ENDS.split(text.astext())
        if len(pieces) > 1 and not isinstance(text.parent, (nodes.math, nodes.raw)):
            broken: list[nodes.Node] = [nodes.Text(pieces[0])]
            for piece in pieces[1:]:
                broken += [_raw(r"\allowbreak{}"), nodes.Text(piece)]
            text.parent.replace(text, broken)
