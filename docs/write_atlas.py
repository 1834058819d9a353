"""Write the pages of the atlas from its stored formulas; `--derive` makes these anew.

Nothing is derived to write pages. One that is as it would be written again is left alone, so that
Sphinx does not read it again: each begins with a digest of all that it is made of.
"""

from __future__ import annotations

import ast
import hashlib
import html
import importlib
import inspect
import json
import re
import sys
import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import sympy
from sympy.core.function import Application
from sympy.logic.boolalg import And, Boolean

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for `examples`

import symcount
from examples.atlas import FAMILIES, KINDS, STORED, WORK, Family, Size
from symcount import ParamCount, Symbol
from symcount.display import mathml
from symcount.display.console import described
from symcount.drift import requests
from symcount.export import page
from symcount.formula import domain_words, latex, sympy_form
from symcount.storage import atomic

DOCS = Path(__file__).resolve().parent
PAGES = DOCS / "atlas"
# What Sphinx copies as it is: the pages to explore, beside the pages of the atlas.
EXTRA = DOCS / "_atlas"
EXPLORE = EXTRA / "atlas" / "explore"
PLOTLY = "plotly.min.js"
# Characters of a line, in text and about in LaTeX.
LINE = 88
CELL = 46
# As many parts are drawn at least, if there are as many.
PARTS = 6
# Of a formula, the index has as many characters.
GLANCE = 240
# The symbol that counts are drawn against: the first of these that a family has.
DRAWN = (
    "hidden_size",
    "d_model",
    "n_embd",
    "dim",
    "embed_dim",
    "width",
    "vision_width",
    "width_3",
    "depth_multiplier",
    "out_channels",
    "out_features",
)
INTRODUCTION = """\
# Atlas

Formulas of {families} model families, with the numbers of parameters that others published, of
{published} models in all. Each of these is what the formula gives, exactly or rounded as it was
published, or the page of the family says which parameters make the difference. A page also has the
domain and the certificate, the breakdown, plots, a slider for each symbol, and the program that
derives the formula.

The formulas were derived from the classes of `transformers` and `torch`, and the pages are made of
{{download}}`formulas.json <formulas.json>`. That file can be used without either: see
{{doc}}`/stored`. In the name of a module, `{{0..n-1}}` stands for all layers of a loop.
"""


def derive() -> None:
    """Derive all formulas and store them."""
    formulas = {}
    for each in symcount.derive_many({family.key: family.asked for family in FAMILIES}):
        print(each.name, flush=True)
        if each.error is not None:
            raise each.error
        formulas[each.name] = each.count
    symcount.save(STORED, {family.key: formulas[family.key] for family in FAMILIES})


def write() -> None:
    """Write the index and all pages that are not as they should be, and remove all others."""
    PAGES.mkdir(exist_ok=True)
    EXPLORE.mkdir(parents=True, exist_ok=True)
    _replace(PAGES / "index.md", index())
    _replace(EXPLORE / PLOTLY, page.plotly_script())
    for family in FAMILIES:
        write_page(family)
    keys = {"index", "formulas", *(family.key for family in FAMILIES)}
    for path in (*PAGES.glob("*.*"), *EXPLORE.glob("*.html")):
        if path.name.partition(".")[0].removesuffix("-share") not in keys:
            path.unlink()


def write_page(family: Family) -> None:
    """Write a family's page, its two plots and its page to explore, unless they are there."""
    path = PAGES / f"{family.key}.md"
    first = f"% {digest(family)}"
    made = [path.with_suffix(".png"), path.with_name(f"{family.key}-share.png"), explore(family)]
    if all(p.exists() for p in (path, *made)) and path.read_text().startswith(first):
        return
    count = family.stored
    draw(count, family, *made[:2])
    atomic.replace(made[2], page.render(count.formula, family.title, plotly=PLOTLY))
    atomic.replace(path, "\n".join([first, *sections(count, family)]))


def digest(family: Family) -> str:
    """Of the family, its program, its stored formula, and the code that writes about it."""
    count = json.dumps(stored_lines()[family.key])
    return hashlib.sha256(f"{family!r}{program(family)}{count}{code()}".encode()).hexdigest()


@cache
def stored_lines() -> Mapping[str, Any]:
    return {each["name"]: each for each in json.loads(STORED.read_text())["formulas"]}


@cache
def code() -> str:
    paths = [Path(__file__), *Path(symcount.__file__).parent.rglob("*")]
    known = sorted(p for p in paths if p.suffix in {".py", ".js", ".html", ".css"})
    return hashlib.sha256(b"".join(p.read_bytes() for p in known)).hexdigest()


def explore(family: Family) -> Path:
    return EXPLORE / f"{family.key}.html"


def _replace(path: Path, text: str) -> None:
    if not path.exists() or path.read_text() != text:
        atomic.replace(path, text)


# --- the index --------------------------------------------------------------------------------


def index() -> str:
    """The page that lists all families, by kind."""
    published = sum(size.total is not None for family in FAMILIES for size in family.sizes)
    lines = [INTRODUCTION.format(families=len(FAMILIES), published=published)]
    for kind in KINDS:
        of_kind = [family for family in FAMILIES if family.kind == kind]
        lines += [f"## {kind}", "", *(line for family in of_kind for line in entry(family))]
        keys = (family.key for family in of_kind)
        lines += ["```{toctree}", ":hidden:", "", *keys, "```", ""]
    return "\n".join(lines)


def entry(family: Family) -> Iterator[str]:
    """A family in the index: its formula, and the sizes that were published."""
    yield from ["````{container} atlas-family", ""]
    yield from [f"[{family.title}]({family.key}.md) {family.stored.certificate.grade}", ""]
    yield from raw(f'<p class="atlas-formula" tabindex="0">{beginning(family.stored)}</p>')
    known = [size for size in family.sizes if size.total is not None]
    yield ", ".join(f"{size.name} **{told(size)}**" for size in known) or "No published number."
    yield from ["", "````", ""]


def beginning(count: ParamCount) -> str:
    """As many terms of a formula as are read at a glance, each by itself, so that lines break."""
    terms = list(mathml.pieces(count.formula.in_layers, page.TELEPHONE))
    shown, length = [], 0
    for place, term in enumerate(terms):
        length += len(html.unescape(re.sub("<[^>]*>", "", term)))
        if place and length > GLANCE:
            shown.append(f"<span>+ {len(terms) - place} more terms</span>")
            break
        shown.append(f"<span>{term}</span>")
    return " ".join(shown)


# --- a page -----------------------------------------------------------------------------------


def sections(count: ParamCount, family: Family) -> Iterator[str]:
    yield from [f"# {family.title}", "", family.about, ""]
    yield from [f"Introduced by {family.paper}.", ""]
    yield from ["## Formula", "", *formula(count), *facts(count)]
    yield from ["## Published sizes", "", *sizes(count, family)]
    yield from ["## Breakdown", "", *breakdown(count, family.sizes[0])]
    yield from ["## Plots", "", *plots(family)]
    yield from ["## Derive it", "", *recipe(family)]


def raw(markup: str) -> list[str]:
    return ["```{raw} html", markup, "```", ""]


def formula(count: ParamCount) -> Iterator[str]:
    """The formula typeset, as text, and in LaTeX."""
    short, names = named(count.formula.in_layers)
    shown = [mathml.math(short)]
    shown += [mathml.math(sympy.Eq(name, of, evaluate=False)) for of, name in names.items()]
    divs = [f'<div class="symcount-formula" tabindex="0">{markup}</div>' for markup in shown]
    yield from raw("\n".join(divs))
    written = multiline(*named(count.expr))
    yield from ["```{raw} latex", rf"\[{written}\]", "```", ""]
    yield from ["As text:", "", "```text", *wrapped(f"{count:layers}"), "```", ""]
    yield from ["In LaTeX:", "", "```latex", written, "```", ""]


def facts(count: ParamCount) -> Iterator[str]:
    symbols = "; ".join(described(h) for h in count.hyperparameters)
    yield f"- Symbols: {symbols.replace('>=', '≥').replace('<=', '≤')}"
    if count.fixed:
        yield f"- Fixed: {', '.join(f'`{name}={value}`' for name, value in count.fixed)}"
    sized = count.formula.signature.names  # below are published sizes, all below 2**40
    words, domain = domain_words.domain(count.formula, lambda text: f"`{text}`", sized)
    yield f"- Domain: {words}" + ("" if domain == sympy.true else f" ({conditions(domain)})")
    *assumed, certificate = str(count.certificate).splitlines()
    yield f"- Certificate: {certificate}"
    for line in assumed[1:]:
        yield f"- Assumed, that nothing depends on: {line.strip()}"
    assert count.origin is not None
    yield f"- Derived with symcount {count.origin.symcount} and torch {count.origin.torch}"
    yield ""


def wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, LINE, break_long_words=False, break_on_hyphens=False)


def named(expression: sympy.Expr) -> tuple[sympy.Expr, dict[sympy.Expr, sympy.Symbol]]:
    """The expression with names for the calls that it repeats, and these."""
    names = {
        repeated: sympy.Symbol(f"x_{number}", positive=True)
        for number, repeated in enumerate(repeated_calls(expression), 1)
    }
    return expression.xreplace(names), names


def multiline(expression: sympy.Expr, names: Mapping[sympy.Expr, sympy.Symbol]) -> str:
    """The LaTeX of a sum, terms of one symbol to a line, and of what its names stand for."""
    lines = [
        line.removeprefix("+ ") if number == 0 else line
        for number, line in enumerate(lines_of_sum(expression))
    ]
    for repeated, name in names.items():
        lines.append(rf"{latex.one_line(name)} = {latex.one_line(repeated)}")
    lines = [re.sub(r"\\mathrm\{x\\_([0-9]+)\}", r"x_{\1}", line) for line in lines]
    body = " \\\\\n".join(f"& {line}" for line in lines)
    return "\n".join([r"\begin{aligned}", body, r"\end{aligned}"])


def repeated_calls(expression: sympy.Expr) -> list[sympy.Expr]:
    """Calls of functions that the expression has twice or more, not as arguments of others."""
    found = Counter(outermost_calls(expression))
    return sorted((call for call, times in found.items() if times > 1), key=sympy.default_sort_key)


def outermost_calls(expression: sympy.Basic) -> Iterator[sympy.Expr]:
    if isinstance(expression, Application) and not isinstance(
        expression, sympy.Piecewise | Boolean
    ):
        yield expression
    else:
        for argument in expression.args:
            yield from outermost_calls(argument)


def lines_of_sum(expression: sympy.Expr) -> Iterator[str]:
    """The terms with their signs: those that share the last of their symbols, if they fit a line.

    So widths and depths of one stage are on one line.
    """
    groups = defaultdict(list)
    for term in expression.as_ordered_terms():
        groups[max((s.name for s in term.free_symbols), default="")].append(term)
    for _, terms in sorted(groups.items()):
        line = ""
        for term in map(latex.one_line, terms):
            signed = term if term.startswith("-") else f"+ {term}"
            if line and shown_length(line + signed) > LINE:
                yield line.rstrip()
                line = ""
            line += f"{signed} "
        yield line.rstrip()


def shown_length(latex: str) -> int:
    """About how many characters are to be seen."""
    return len(re.sub(r"\\(frac|mathrm|left|right)|[{}\\^]", "", latex))


def conditions(domain: Boolean) -> str:
    """The conditions, once for all symbols that have to meet the same."""
    alike = defaultdict(list)
    for each in sorted(And.make_args(domain), key=sympy_form.text):
        last = max(each.free_symbols, key=str, default=None)
        of_any = (
            each if last is None else each.xreplace({last: last.func("n", **last.assumptions0)})
        )
        alike[sympy_form.text(of_any)].append((sympy_form.text(each), str(last)))
    return "; ".join(
        f"`{of_any}` for each `n` of {ranges(name for _, name in those)}"
        if len(those) > 1
        else f"`{those[0][0]}`"
        for of_any, those in alike.items()
    )


def runs(names: Iterable[str]) -> list[list[str]]:
    """Names in order; those that count on, such as `width_1`, `width_2`, are one run."""
    found: list[list[str]] = []
    for name in names:
        if found and name == next_name(found[-1][-1]):
            found[-1].append(name)
        else:
            found.append([name])
    return found


def next_name(name: str) -> str:
    return re.sub(r"_([0-9]+)$", lambda match: f"_{int(match.group(1)) + 1}", name)


def ranges(names: Iterable[str]) -> str:
    return ", ".join(
        f"`{run[0]}` to `{run[-1]}`" if len(run) > 1 else f"`{run[0]}`" for run in runs(names)
    )


# --- published sizes --------------------------------------------------------------------------


def sizes(count: ParamCount, family: Family) -> Iterator[str]:
    """A table of counts, one of the sizes that they are at, and what is to be explained."""
    yield "| model | parameters | published | source |"
    yield "|---|---:|---:|---|"
    for size in family.sizes:
        total = count(**size.at)
        assert size.agrees(total), f"{family.key}: {size.name} has {total}, not {size.total}"
        published = "none found" if size.total is None else told(size)
        source = re.sub(r"(?<=[/.])(?=\w)", "<wbr>", size.source)
        yield f"| {size.name} | {linked(f'{total:,}', family, size)} | {published} | {source} |"
    yield ""
    for size in family.sizes:
        if size.beyond:
            yield f"- {size.name}: the class has {difference(size)}."
    yield ""
    if family.note:
        yield from [family.note, ""]
    yield f"| | {' | '.join(size.name for size in family.sizes)} |"
    yield f"|---|{'---:|' * len(family.sizes)}"
    for run in runs(family.sizes[0].at):
        cells = [", ".join(str(size.at[name]) for name in run) for size in family.sizes]
        yield f"| {ranges(run)} | {' | '.join(cells)} |"
    yield ""


def linked(text: str, family: Family, size: Size) -> str:
    """A link to the page to explore, at a size."""
    at = "&amp;".join(f"{name}={value}" for name, value in size.at.items())
    address = f"explore/{family.key}.html#{at}"
    return f'<a class="reference external" href="{address}">{text}</a>'


def told(size: Size) -> str:
    """A published count, as exactly as it was published."""
    assert size.total is not None
    if size.unit == 1:
        return f"{size.total:,}"
    for scale, word in ((10**9, "billion"), (10**6, "million")):
        if size.total >= scale:
            digits = max(0, len(str(scale // size.unit)) - 1)
            return f"{size.total / scale:.{digits}f} {word}"
    return f"{size.total:,}"


def difference(size: Size) -> str:
    """How the class and the published count differ, in words."""
    many = f"{abs(size.beyond):,}"
    return (
        f"{many} more: {size.because}"
        if size.beyond > 0
        else f"{many} fewer, without {size.because}"
    )


# --- its parts --------------------------------------------------------------------------------


def breakdown(count: ParamCount, size: Size) -> Iterator[str]:
    yield from [f"Counts and shares are those of {size.name}.", ""]
    yield "| module | count | share | parameters |"
    yield "|---|---:|---:|---|"
    for depth, row in requests.breakdown_rows(count, size.at, None):
        indent = "&nbsp;" * (3 * depth)  # a line may end behind an `&emsp;`
        # All of it is what the page begins with.
        parameters = mathml.math(row.part.count.in_layers, CELL) if depth else ""
        parameters = parameters.replace("|", "&#124;")
        yield f"| {indent}`{row.name}` | {row.size_text} | {row.share_text} | {parameters} |"
    yield ""


def plots(family: Family) -> Iterator[str]:
    name, low, high = drawn(family)
    said = f"from {name} = {low} to {high}, all else as in {family.sizes[0].name}"
    yield from ["````{container} atlas-plots", ""]
    yield f"![The count against {name}]({family.key}.png)"
    yield f"![Shares of the parts against {name}]({family.key}-share.png)"
    yield from ["", "````", "", f"The count, and the shares of its parts, {html.escape(said)}.", ""]
    link = linked("Explore the formula", family, family.sizes[0])
    yield from raw(f"<p>{link}: a page with a slider for each symbol. It needs no network.</p>")


def drawn(family: Family) -> tuple[str, Any, Any]:
    """The symbol to draw against, and the ends of its range."""
    at = family.sizes[0].at
    name = next((name for name in DRAWN if name in at), next(iter(at)))
    declared = family.symbols.get(name, Symbol())
    step = declared.multiple_of
    if declared.real:
        return name, at[name] / 4, at[name] * 4
    return name, max(step, int(at[name]) // 8 // step * step), int(at[name]) * 2


def draw(count: ParamCount, family: Family, total: Path, share: Path) -> None:
    import matplotlib

    matplotlib.use("agg")
    name, low, high = drawn(family)
    others = {other: value for other, value in family.sizes[0].at.items() if other != name}
    shares = partial(count.plot_share, depth=levels(count))
    for path, plot, height in ((total, count.plot, 3.8), (share, shares, 4.6)):
        figure = plot(name, between=(low, high), **others).figure
        figure.set_size_inches(5.6, height)
        figure.savefig(path, bbox_inches="tight", dpi=130)


def levels(count: ParamCount) -> int:
    """How deep one has to go to see some parts."""
    return next((depth for depth in range(1, 6) if len(count.share(depth)) >= PARTS), 5)


# --- how to derive it -------------------------------------------------------------------------


def recipe(family: Family) -> Iterator[str]:
    extra = "derive" if family.model.startswith("torch.") else "zoo"
    yield from [f"With `pip install 'symcount[{extra}]'` this runs as it stands:", ""]
    yield from ["```python", program(family), "```", ""]
    yield "It derives the formula from the code that is installed. The one above is stored in"
    yield "{download}`formulas.json <formulas.json>`; `pip install symcount`, which brings neither"
    yield "torch nor transformers, is enough to read it:"
    first = family.sizes[0]
    call = ", ".join(f"{name}={value}" for name, value in first.at.items())
    asking = f'count = symcount.load("formulas.json")["{family.key}"]'
    told = f"print(count({call}))  # {family.stored(**first.at)}"
    yield from ["", "```python", "import symcount", "", asking, *_call(told), "```", ""]


def _call(line: str) -> list[str]:
    """A call, in lines of its arguments if it is long."""
    if len(line) <= LINE:
        return [line]
    inside = line[len("print(count(") : line.index("))  # ")]
    result = line[line.index("))  # ") + 2 :]
    args = textwrap.wrap(inside, LINE - 4)
    return ["total = count(", *(f"    {each}" for each in args), ")", f"print(total){result}"]


def program(family: Family) -> str:
    """The program that derives a family's formula, and leaves it in `count`."""
    module, _, name = family.model.partition(":")
    imports, factory = ["import symcount"], ""
    if family.config is None:
        arguments = [name, f"max_work={WORK}"]
        arguments += [f"{symbol}={_symbol(of)}" for symbol, of in family.symbols.items()]
        verb = "derive"
        if module.startswith("examples."):  # which is not installed
            imports, factory = _written_out(getattr(importlib.import_module(module), name))
        else:
            imports.append(f"from {module} import {name}")
    else:
        config = family.config.partition(":")[2]
        arguments = [name, config, f"symbols={list(family.symbols)}", f"max_work={WORK}"]
        imports.append(f"from {module} import {', '.join(sorted((name, config)))}")
        verb = "from_config"
    arguments += [f"{key}={value!r}" for key, value in family.fixed.items()]
    lines = [line for each in arguments for line in _argument(each)]
    call = [f"count = symcount.{verb}(", *lines, ")", "print(count)", "print(count.domain)"]
    return "\n".join([*imports, factory, *call])


def _written_out(factory: Any) -> tuple[list[str], str]:
    """The imports and the text of a factory, without the docstring, which the page has."""
    source = inspect.getsource(factory)
    (function,) = ast.parse(source).body
    assert isinstance(function, ast.FunctionDef)
    docstring = function.body[0]
    kept = source.splitlines()
    if ast.get_docstring(function) is not None:
        del kept[docstring.lineno - 1 : docstring.end_lineno]
    names = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    before = ["from collections import OrderedDict", ""] if "OrderedDict" in names else []
    text = "\n".join(kept).strip()
    return [*before, "import symcount", "from torch import nn", ""], f"\n{text}\n\n"


def _argument(text: str) -> list[str]:
    text = text.replace("'", '"')
    if len(text) + 5 <= LINE:
        return [f"    {text},"]
    head, _, items = text.removesuffix("]").partition("[")
    return [f"    {head}[", *(f"        {each}," for each in items.split(", ")), "    ],"]


def _symbol(symbol: Symbol) -> str:
    said = {
        "min": symbol.min if symbol.min != 1 else None,
        "max": symbol.max,
        "multiple_of": symbol.multiple_of if symbol.multiple_of != 1 else None,
        "real": True if symbol.real else None,
    }
    return f"symcount.Symbol({', '.join(f'{k}={v}' for k, v in said.items() if v is not None)})"


if __name__ == "__main__":
    if "--derive" in sys.argv[1:]:
        derive()
    write()
