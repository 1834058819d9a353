"""Render a page to explore a formula: one HTML file that needs nothing else, no network included.

The formula runs in the page as the exact JavaScript of `symcount.export.languages.javascript`.
jinja2 fills in `template.html` and escapes every text; formulas are MathML, which browsers typeset
themselves; plotly draws the charts. A content security policy allows the page's own scripts, by
their hashes, and nothing from anywhere else. Pages that share one file of plotly allow scripts from
where they are, too.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from symcount.errors import MissingDependencyError
from symcount.export.languages import javascript
from symcount.formula.breakdown import breakdown
from symcount.formula.tree import parts_of

if TYPE_CHECKING:
    from sympy import Basic

    from symcount.formula.formula import Formula
    from symcount.symbols import Hyperparameter

# How many positions a slider has at most, and how many times the default it goes to.
_POSITIONS = 400
_BEYOND_DEFAULT = 16
_LARGEST_WITHOUT_DEFAULT = 16384
# What has more characters of text than this is a wall when it is typeset.
_LONGEST_TYPESET = 3000
# Characters of a line of a formula on a telephone.
TELEPHONE = 34
# Sizes to start at where those of the certificate say nothing: many numbers divide one of them.
_ROUND = tuple(64 * odd for odd in (1, 3, 5, 7, 9, 15, 105))


def render(count: Formula, title: str | None = None, plotly: str | None = None) -> str:
    """Render the page as the text of an HTML file.

    Args:
        count: the formula.
        title: what the page is about; the factory's name if not given.
        plotly: the address of `plotly_script`, relative to the page, for many pages in one place to
            share a file of some megabytes. If not given, the script is in the page.

    Raises:
        MissingDependencyError: what it is made with is not installed.
        UnsupportedError: JavaScript does not compute a step of the formula exactly as Python does.
    """
    from symcount.display import mathml
    from symcount.formula import domain_words, sympy_form
    from symcount.packages import sympy

    try:
        import jinja2
        from markupsafe import Markup
    except ImportError as error:
        raise _missing(error) from error

    def typeset(expression: Basic, pieces: Callable[[Basic], Iterable[str]]) -> list[Markup]:
        text = sympy_form.text(expression)
        if len(text) > _LONGEST_TYPESET:
            return [Markup("<code>{}</code>").format(text)]
        return list(map(Markup, pieces(expression)))

    shown = [h.name for h in count.hyperparameters]
    words, domain = domain_words.domain(count, lambda it: f"<code>{escape(it)}</code>", shown)
    own = [plotly_script()] if plotly is None else []
    scripts = [Markup(text) for text in (*own, _script(count, title))]
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_resource("template.html")).render(
        title=title or count.factory,
        noun=count.measure.noun,
        formula=typeset(count.in_layers, lambda whole: mathml.pieces(whole, TELEPHONE)),
        formula_text=sympy_form.text(count.in_layers),
        words=Markup(words),
        domain=[] if domain == sympy.true else typeset(domain, lambda each: [mathml.math(each)]),
        certificate=str(count.certificate).splitlines(),
        symbols=count.hyperparameters,
        fixed=count.fixed,
        rows=list(_rows(count)),
        style=Markup(_resource("page.css")),
        scripts=scripts,
        plotly=plotly,
        hashes=[_hash(script) for script in scripts],
    )


def plotly_script() -> str:
    """Return the script that draws the charts.

    Raises:
        MissingDependencyError: plotly is not installed.
    """
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise _missing(error) from error
    return str(get_plotlyjs())


def _missing(error: ImportError) -> MissingDependencyError:
    package = (error.name or str(error)).partition(".")[0]
    return MissingDependencyError(
        f"a page to explore needs {package}, which is not installed: "
        f"pip install 'symcount[explore]'"
    )


@cache
def _resource(name: str) -> str:
    return files("symcount.export.page").joinpath(name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _script(count: Formula, title: str | None) -> str:
    """Write the script of the page: the formula, what is known of it, and what the page does."""
    start = _start(count)
    ladders = [
        javascript.array(javascript.string(str(value)) for value in ladder(h))
        for h in count.hyperparameters
    ]
    starts = [javascript.string(_text(start[h.name])) for h in count.hyperparameters]
    rows = [javascript.array(map(str, places)) for _, _, _, places in _rows(count)]
    groups = [
        javascript.array([javascript.string(name), javascript.array(map(str, places))])
        for name, places in _groups(count).items()
    ]
    return "\n".join(
        [
            '"use strict";',
            "(() => {",
            javascript.runtime(),
            f"const formula = {javascript.formula(count)};",
            f"const TITLE = {javascript.string(title or count.factory)};",
            f"const NOUN = {javascript.string(count.measure.noun)};",
            f"const LADDERS = {javascript.array(ladders)};",
            f"const START = {javascript.array(starts)};",
            f"const ROWS = {javascript.array(rows)};",
            f"const GROUPS = {javascript.array(groups)};",
            _resource("page.js"),
            "})();",
        ]
    )


def _text(value: int | float) -> str:
    """A number as it is typed; a whole float without its point."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _start(count: Formula) -> dict[str, int | float]:
    """Choose where the page starts: the defaults if valid, else where a module was compared."""
    first: dict[str, int | float] = {h.name: h.first([]) for h in count.hyperparameters}
    points = [first, *({**first, **dict(point)} for point in count.certificate.points)]
    if count.certificate.substituted:  # the certificate speaks of the symbols before that
        round_ones = ({h.name: h.aligned(n) for h in count.hyperparameters} for n in _ROUND)
        points = [first, *round_ones]
    for point in [{**p, **count.defaults} for p in points] + points[1:]:
        if count.valid(**point):
            return point
    return first


def ladder(h: Hyperparameter) -> list[int | float]:
    """The values at a slider's positions, in order: all of a short range, else ever wider steps.

    Between a power of two and the next there are 16 steps, so the values of a long range are
    those that divide well. All are multiples of what the symbol was declared a multiple of.

    >>> from symcount import Symbol
    >>> ladder(Symbol(min=64, max=256, multiple_of=64).hyperparameter("dim"))
    [64, 128, 192, 256]
    >>> values = ladder(Symbol().hyperparameter("dim"))
    >>> values[:3], values[-3:], len(values)
    ([1, 2, 3], [15360, 15872, 16384], 176)
    """
    if h.real:
        return _real_ladder(h)
    step = h.multiple_of
    low = int(h.aligned(h.minimum))
    high = _LARGEST_WITHOUT_DEFAULT * step
    if h.default is not None:
        high = max(int(h.default) * _BEYOND_DEFAULT, 64 * step)
    high = int(h.maximum) if h.maximum is not None else max(high, 16 * low)
    if (high - low) // step <= _POSITIONS // 4:
        return list(range(low, high + 1, step))
    values: list[int | float] = []
    value = low
    while value <= high and len(values) < _POSITIONS:
        values.append(value)
        width = 1 << max(0, (value // step).bit_length() - 5)
        value = (value // step // width + 1) * width * step
    return values


def _real_ladder(h: Hyperparameter) -> list[int | float]:
    """Multiples of a twentieth, or a hundred steps where the range is declared."""
    low = float(h.minimum) or 0.05
    if h.maximum is not None:
        return [low + (float(h.maximum) - low) * place / 100 for place in range(101)]
    high = max(8.0, 4 * float(h.default or 1), 2 * low)
    first, last = int(low * 20 + 0.999), int(high * 20)
    return [place / 20 for place in range(first, min(last, first + _POSITIONS) + 1)]


def _rows(count: Formula) -> Iterator[tuple[int, str, Formula, list[int]]]:
    """The breakdown: depth, name, formula and the places of the parameters that add up to it."""
    whole = breakdown(count)
    names = list(whole.parameters)
    shown: set[str] = set()
    yield 0, "", whole.modules[""], list(range(len(names)))
    for place, name in enumerate(names):
        parts = parts_of(name)
        for depth in range(1, len(parts)):
            path = ".".join(parts[:depth])
            if path not in shown:
                shown.add(path)
                below = [i for i, n in enumerate(names) if parts_of(n)[:depth] == parts[:depth]]
                yield depth, parts[depth - 1], whole.modules[path], below
        yield len(parts), parts[-1], whole.parameters[name], [place]


def _groups(count: Formula) -> dict[str, list[int]]:
    """The bars of the chart: the modules that hold parameters, or the parameters of just one."""
    names = list(breakdown(count).parameters)
    groups: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        groups.setdefault(".".join(parts_of(name)[:-1]) or name, []).append(place)
    if len(groups) == 1:
        return {name: [place] for place, name in enumerate(names)}
    return groups
