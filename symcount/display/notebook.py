"""Show formulas, certificates, breakdowns and lists of formulas in notebooks, as HTML.

The HTML stands by itself, and survives hosts that take out what they do not trust: formulas and
bars are characters, and what is laid out with `style` reads well without. nbconvert, if told to,
writes out the tags of all but a few elements, `details` and the `tbody` of any table among them, so
there are lists and `div`s alone. Colours are those of the text around, so that dark and light
themes both work; nothing is fetched, and nothing has an id. All text is escaped, and MathJax is
told to leave it alone: a dollar in a name is a dollar.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any

from symcount.display.outline import Row, bar, rows, sizes_of
from symcount.formula import domain_words
from symcount.formula.formula import Formula

if TYPE_CHECKING:
    from symcount.formula.breakdown import Breakdown
    from symcount.formula.certificate import Certificate
    from symcount.formula.entry import Entry
    from symcount.record import Concretisation
    from symcount.symbols import Hyperparameter

# Lines of code that are shown beside a formula; its certificate has all.
_MOST_LINES = 5
# Of a tree: characters of a formula beyond which it scrolls; a level is indented by so many em.
_LONG = 150
_INDENT = 1.2
_TALLEST = 36
# The columns of a line are apart where no style is left to keep them so.
_APART = "\N{EM SPACE}"
# Characters of the longest bar.
_BAR = 6


def count_html(count: Formula) -> str:
    """Show a formula, and below it its symbols, domain, what was fixed, and its certificate."""
    facts = [
        ("Symbols", _symbols(count.hyperparameters)),
        ("Domain", _domain(count)),
        ("Fixed", _code(f"{name}={value}" for name, value in count.fixed)),
        ("Certificate", _certificate(count.certificate)),
    ]
    lead = f"<strong>{escape(count.factory)}</strong>, {escape(count.measure.noun)}"
    if count.certificate.outside:
        lead = f"<strong>{escape(count.certificate.misses_defaults)}</strong></div><div>{lead}"
    return _page(f"<div>{lead}</div>{_set(count.in_layers)}{_facts(facts)}")


def certificate_html(certificate: Certificate) -> str:
    """Show the grade and the reason, the points and the concretisations."""
    points = [", ".join(f"{k}={v}" for k, v in point) for point in certificate.points]
    more = [
        ("compared at", points),
        (_ASSUMED, _lines(certificate.concretisations)),
        ("and harmlessly at", _lines(certificate.harmless)),
    ]
    lists = "".join(_list(title, items) for title, items in more if items)
    return _page(f"<div>{_reason(certificate)}</div>{lists}")


def breakdown_html(breakdown: Breakdown) -> str:
    """Show a tree, with the count and the share of each part where sizes are known."""
    head = _sizes(breakdown)
    return _page(f"<div>{head}</div>{_scroll(_tree(rows(breakdown)), 49, _TALLEST)}")


def expression_html(value: Any) -> str:
    """Typeset the `expr` of a value."""
    return _page(_set(value.expr))


def entry_html(entry: Entry) -> str:
    """Show an entry of a list, with its formula if it is known."""
    facts = [
        ("Description", escape(entry.description)),
        ("Declared", "" if entry.declared is None else f"{entry.declared:,}"),
    ]
    count = entry.formula
    if not isinstance(count, Formula):
        lead = f"<div><strong>{escape(entry.key)}</strong>, {_NOT_DERIVED}</div>"
        return _page(f"{lead}{_facts(facts)}")
    lead = f"<div><strong>{escape(entry.key)}</strong>, {escape(count.measure.noun)}</div>"
    facts += [
        ("Symbols", _symbols(count.hyperparameters)),
        ("Domain", _domain(count)),
        ("Certificate", _certificate(count.certificate)),
    ]
    return _page(f"{lead}{_set(count.in_layers)}{_facts(facts)}")


def entries_html(entries: Iterable[Entry]) -> str:
    """Show a list as a table for each of its groups."""
    ordered = sorted(entries, key=lambda entry: entry.group)
    if not ordered:
        return _page("<div>no blueprints are registered</div>")
    tables = [_group(name, list(group)) for name, group in groupby(ordered, key=lambda e: e.group)]
    return _page("".join(tables))


_NOT_DERIVED = "not derived yet: <code>param_count</code> derives it"


# --- parts of a page --------------------------------------------------------------------------


def _page(content: str) -> str:
    classes = "symcount mathjax_ignore tex2jax_ignore"
    return f'<div class="{classes}" style="text-align: left">{content}</div>'


def _scroll(content: str, least: int = 0, most: int = 0) -> str:
    """Wrap what may be wider than the page, or taller than `most`, and scrolls by itself.

    The keyboard can be in it.
    """
    inner = f'<div style="min-width: {least}em">{content}</div>' if least else content
    style = "overflow-x: auto; padding: 0.3em 0"
    style += f"; max-height: {most}em; overflow-y: auto" if most else ""
    return f'<div tabindex="0" style="{style}">{inner}</div>'


def _text(expression: Any) -> str:
    from symcount.display import plain

    return escape(plain.text(expression))


def _math(expression: Any) -> str:
    from symcount.display import plain

    first, *more = map(escape, plain.lines(expression))
    return "".join(f"<div>{line}</div>" for line in (first, *more)) if more else first


def _set(expression: Any) -> str:
    style = "font-size: 1.15em; padding: 0.3em 1em; overflow-wrap: anywhere"
    return f'<div style="{style}">{_math(expression)}</div>'


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    return "".join(
        '<div style="display: flex; padding: 0.1em 0">'
        f'<span style="flex: 0 0 6.5em; opacity: 0.75">{name}{_APART}</span>'
        f'<span style="flex: 1 1 0; min-width: 0; overflow-wrap: anywhere">{content}</span></div>'
        for name, content in facts
        if content
    )


def _symbols(hyperparameters: Iterable[Hyperparameter]) -> str:
    return "; ".join(f"{_described(h)}" for h in hyperparameters)


def _described(h: Hyperparameter) -> str:
    text = f"<code>{escape(h.name)}</code> ≥ {h.minimum}"
    if h.maximum is not None:
        text = f"{h.minimum} ≤ <code>{escape(h.name)}</code> ≤ {h.maximum}"
    if h.multiple_of > 1:
        text += f", a multiple of {h.multiple_of}"
    return text if h.default is None else f"{text}, <strong>{h.default}</strong> by default"


def _domain(count: Formula) -> str:
    from symcount.packages import sympy

    words, domain = domain_words.domain(count, code=lambda text: _code([text]))
    return words if domain == sympy.true else f"{words}{_scroll(_math(domain))}"


def _code(texts: Iterable[str]) -> str:
    return ", ".join(f"<code>{escape(text)}</code>" for text in texts)


def _certificate(certificate: Certificate) -> str:
    """Write the grade, the reason, and the first of what is assumed."""
    lines = _lines(certificate.concretisations)
    if len(lines) > _MOST_LINES:
        lines[_MOST_LINES:] = [f"and {len(lines) - _MOST_LINES} more: count.certificate"]
    return _reason(certificate) + (_list(_ASSUMED, lines) if lines else "")


_ASSUMED = "a symbol became a plain number at"


def _reason(certificate: Certificate) -> str:
    *_, line = (
        line for line in str(certificate).splitlines() if line.startswith(certificate.grade)
    )
    grade, _, rest = line.partition(":")
    return f"<strong>{escape(grade)}</strong>:{escape(rest)}"


def _list(title: str, items: Iterable[str]) -> str:
    listed = "".join(f"<li><code>{escape(item)}</code></li>" for item in items)
    return f"<div>{title}</div><ul>{listed}</ul>"


def _lines(concretisations: Iterable[Concretisation]) -> list[str]:
    """List each line of code once, without where on this machine packages and cells are kept.

    A notebook is saved and handed on with what it shows.
    """
    texts = (_PACKAGES.sub("", str(c)) for c in concretisations)
    return list(dict.fromkeys(_CELL_FILE.sub("this notebook", text) for text in texts))


_PACKAGES = re.compile(r"^.*[/\\](?:site|dist)-packages[/\\]")
_CELL_FILE = re.compile(r"^.*[/\\]ipykernel_\d+[/\\]\d+\.py")


# --- a breakdown ------------------------------------------------------------------------------


def _sizes(breakdown: Breakdown) -> str:
    sizes = sizes_of(breakdown)
    if sizes is not None:
        return f"Counts and shares at {_code(f'{k}={v}' for k, v in sizes.items())}"
    whole = breakdown.modules[""].formula
    missing = [h.name for h in whole.hyperparameters if h.default is None] or list(whole.defaults)
    call = ", ".join(f"{name}=..." for name in missing)
    return f"For counts and shares, give sizes: <code>.at({escape(call)})</code>"


def _tree(whole: Row) -> str:
    room = max(_INDENT * depth + 0.65 * len(row.name) + 1 for depth, row in whole.walk())
    room = min(room, 12.5)

    def node(row: Row, depth: int) -> str:
        below = "".join(node(inner, depth + 1) for inner in row.held)
        held = f'<ul style="{_LIST}; margin: 0 0 0 {_INDENT}em">{below}</ul>' if below else ""
        line = _line(row, room - _INDENT * depth)
        return f'<li style="margin: 0">{line}{held}</li>'

    return f'<ul style="{_LIST}; margin: 0">{node(whole, 0)}</ul>'


_LIST = "list-style: none; padding: 0"


def _line(row: Row, room: float) -> str:
    """Lay out name, formula, count and share in columns."""
    name = (
        f'<code style="flex: 0 0 {room:.2f}em; overflow-wrap: anywhere">'
        f"{escape(row.name)}{_APART}</code>"
    )
    formula = _text(row.part.count.in_layers)
    box = "flex: 1 1 13em; min-width: 13em; overflow-wrap: anywhere"
    if len(formula) > _LONG:
        box += '; max-height: 9em; overflow: auto" tabindex="0'
    cells = f'{name}<span style="{box}">{formula}{_APART}</span>'
    if row.size is not None:
        number = "text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap"
        cells += (
            f'<span style="flex: 0 0 10em; {number}">{escape(row.size_text)}{_APART}</span>'
            f'<span style="flex: 0 0 5em; {number}">{escape(row.share_text)}{_APART}</span>'
        )
        cells += _bar(row.bar)
    layout = "display: flex; align-items: center; gap: 0.7em; padding: 0.15em 0"
    return f'<span style="{layout}">{cells}</span>'


def _bar(share: float) -> str:
    """Draw a bar of characters; what it says stands beside it in figures."""
    style = "flex: 0 0 5em; white-space: nowrap; opacity: 0.6"
    return f'<span aria-hidden="true" style="{style}">{bar(share, _BAR)}</span>'


# --- a registry -------------------------------------------------------------------------------


def _group(name: str, entries: Iterable[Entry]) -> str:
    titles = ["blueprint", "parameters", "domain", "grade", "declared", "description"]
    lines = [_cells(entry) for entry in entries]
    shown = [place for place in range(len(titles)) if place == 0 or any(ln[place] for ln in lines)]
    head = [f"<strong>{title}</strong>" for title in titles]
    table = _row(head, shown, ["columnheader"] * len(titles))
    roles = ["rowheader", *["cell"] * (len(titles) - 1)]
    table += "".join(_row(line, shown, roles) for line in lines)
    label = f'role="table" aria-label="{escape(name)}"'
    table = f'<div {label} style="display: table">{table}</div>'
    return _scroll(f"<div><strong>{escape(name)}</strong></div>{table}")


_IN_TABLE = "display: table-cell; vertical-align: top; padding: 0.2em 0.8em 0.2em 0"


def _row(cells: Sequence[str], shown: Iterable[int], roles: Sequence[str]) -> str:
    row = "".join(
        f'<span role="{roles[place]}" style="{_IN_TABLE}">{cells[place]}{_APART}</span>'
        for place in shown
    )
    return f'<div role="row" style="display: table-row">{row}</div>'


def _cells(entry: Entry) -> list[str]:
    from symcount.packages import sympy

    count = entry.formula
    if isinstance(count, Formula):
        domain = "all" if count.domain == sympy.true else _math(count.domain)
        cells = [_math(count.in_layers), domain, escape(count.certificate.grade)]
    else:
        cells = [_NOT_DERIVED, "", ""]
    cells.append("" if entry.declared is None else f"{entry.declared:,}")
    return [f"<code>{escape(entry.name)}</code>", *cells, escape(entry.description)]
