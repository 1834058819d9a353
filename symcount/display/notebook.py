"""Show formulas, certificates, breakdowns and lists of formulas in notebooks, as HTML.

The HTML stands by itself, and survives hosts that take out what they do not trust: formulas and
bars are characters, and what is laid out with `style` reads well without. Colours are those of the
text around, so that dark and light themes both work; nothing is fetched, nothing has an id, and
what can be opened is a `details` element, which keyboards and screen readers know. All text is
escaped, and MathJax is told to leave it alone: a dollar in a name is a dollar.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
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

# Rows that are open at first: more is left to the reader.
_OPEN_ROWS = 14
# Of a tree: characters of a formula beyond which it scrolls; a level is indented by so many em.
_LONG = 150
_INDENT = 1.2
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
        lead = f"<strong>{escape(count.certificate.misses_defaults)}</strong><br>{lead}"
    return _page(f"<div>{lead}</div>{_set(count.in_layers)}{_facts(facts)}")


def certificate_html(certificate: Certificate) -> str:
    """Show the grade and the reason; the points and the concretisations unfold."""
    return _page(_certificate(certificate))


def breakdown_html(breakdown: Breakdown) -> str:
    """Show a tree that unfolds, with the count and the share of each part where sizes are known."""
    whole = rows(breakdown)
    head = _sizes(breakdown)
    return _page(f"<div>{head}</div>{_scroll(_tree(whole), least=47)}")


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


def _scroll(content: str, least: int = 0) -> str:
    """Wrap what may be wider than the page, and scrolls by itself, with focus for the keyboard."""
    inner = f'<div style="min-width: {least}em">{content}</div>' if least else content
    return f'<div tabindex="0" style="overflow-x: auto; padding: 0.3em 0">{inner}</div>'


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
    *_, line = (
        line for line in str(certificate).splitlines() if line.startswith(certificate.grade)
    )
    grade, _, rest = line.partition(":")
    more = [
        ("compared at", [", ".join(f"{k}={v}" for k, v in p) for p in certificate.points]),
        ("a symbol became a plain number at", _lines(certificate.concretisations)),
        ("and harmlessly at", _lines(certificate.harmless)),
    ]
    lists = "".join(
        f"<div>{title}</div><ul>{''.join(f'<li><code>{escape(i)}</code></li>' for i in items)}</ul>"
        for title, items in more
        if items
    )
    said = f"<strong>{escape(grade)}</strong>:{escape(rest)}"
    return f"<details><summary>{said}</summary>{lists}</details>" if lists else said


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
    opened = _opened(whole)
    room = max(_INDENT * depth + 0.65 * len(row.name) + 1 for depth, row in whole.walk())
    room = min(room, 12.5)

    def node(row: Row, depth: int) -> str:
        line = _line(row, room - _INDENT * depth)
        if not row.held:
            return f'<li style="margin: 0 0 0 {_INDENT}em">{line}</li>'
        below = "".join(node(inner, depth + 1) for inner in row.held)
        is_open = " open" if id(row) in opened else ""
        marker = f"list-style-position: outside; margin-left: {_INDENT}em; cursor: pointer"
        return (
            f'<li style="margin: 0"><details{is_open} style="margin: 0">'
            f'<summary style="{marker}">{line}</summary>'
            f'<ul style="{_LIST}; margin: 0 0 0 {_INDENT}em">{below}</ul></details></li>'
        )

    return f'<ul style="{_LIST}; margin: 0">{node(whole, 0)}</ul>'


_LIST = "list-style: none; padding: 0"


def _opened(whole: Row) -> set[int]:
    """Choose the rows that are open at first: level by level, as long as few lines are seen."""
    opened, level = {id(whole)}, whole.held
    seen = 1 + len(level)
    while level:
        below = tuple(row for parent in level for row in parent.held)
        seen += len(below)
        if seen > _OPEN_ROWS:
            break
        opened |= {id(row) for row in level}
        level = below
    return opened


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
            f'<span style="flex: 0 0 8em; {number}">{escape(row.size_text)}{_APART}</span>'
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
    head = "".join(f'<th scope="col" style="{_IN_TABLE}">{titles[place]}</th>' for place in shown)
    body = "".join(
        f"<tr>{''.join(_cell(place, line[place]) for place in shown)}</tr>" for line in lines
    )
    caption = f'<caption style="text-align: left; font-weight: bold">{escape(name)}</caption>'
    table = f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return _scroll(table)


_IN_TABLE = "text-align: left; vertical-align: top; padding: 0.2em 0.8em 0.2em 0"


def _cell(place: int, content: str) -> str:
    if place == 0:
        return f'<th scope="row" style="{_IN_TABLE}">{content}</th>'
    return f'<td style="{_IN_TABLE}">{content}</td>'


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
