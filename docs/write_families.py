"""Write `families.md`, the page of published families, from the formulas derived now."""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby, islice, takewhile
from pathlib import Path

import sympy
from sympy.core.function import Application
from sympy.logic.boolalg import And, Boolean

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for `examples`

from examples.families import FAMILIES, PUBLISHED, PublishedSize, derived, quiet
from symcount import ParamCount, sympy_form

# More parameters than these are shown by module.
MOST_ROWS = 40
# Characters of a line, in text and about in LaTeX.
LINE = 96
NAMES = {
    "gpt2": "GPT-2",
    "bert": "BERT",
    "vit": "ViT",
    "convnext": "ConvNeXt",
    "resnet": "ResNet",
    "efficientnet": "EfficientNet",
    "mobilenet_v1": "MobileNet",
    "mobilenet_v2": "MobileNetV2",
}
INTRODUCTION = """\
# Published families

Each of these formulas was derived from the classes of `transformers`, with every size symbolic that
is listed below it, and gives the number of parameters that others published for each size in its
table, if need be rounded to millions as they did. `examples/families.py` in the repository holds
the factories, and names who published each number. `{0..n-1}` in the name of a parameter stands for
all layers of a loop at once.
"""


def write(path: Path) -> None:
    quiet()
    sections = [section(family.__name__, family.__doc__ or "") for family in FAMILIES]
    path.write_text("\n".join([INTRODUCTION, *sections]))


def section(name: str, about: str) -> str:
    sizes = [size for size in PUBLISHED if size.family.__name__ == name]
    lines = [f"## {NAMES.get(name, name.title())}", "", inspect.cleandoc(about), ""]
    for fixed, alike in groupby(sizes, key=lambda size: size.fixed):
        group = list(alike)
        if fixed and len(sizes) > len(group):
            lines += [f"### {', '.join(size.name for size in group)}", ""]
        lines += formula(derived(group[0]), group[0])
        lines += table_of_sizes(group)
    return "\n".join(lines)


def formula(count: ParamCount, size: PublishedSize) -> Iterator[str]:
    fixed = ", ".join(f"`{name}={value}`" for name, value in size.fixed.items())
    yield from ["```text", *wrapped(str(count)), "```", "", "$$", multiline(count.expr), "$$", ""]
    yield f"- Symbolic: {ranges(str(symbol) for symbol in count.symbols)}"
    if fixed:
        yield f"- Fixed: {fixed}"
    yield f"- Domain: {conditions(count.domain)}"
    yield f"- Certificate: {' '.join(str(count.certificate).split())}"
    yield from ["", "| part | parameters |", "|---|---|"]
    for part, parameters in parts(count):
        lines = wrapped(str(parameters).replace("|", r"\|"))
        yield f"| `{part}` | {'<br>'.join(f'`{line}`' for line in lines)} |"
    yield ""


def wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, LINE, break_long_words=False, break_on_hyphens=False)


def multiline(expression: sympy.Expr) -> str:
    """The LaTeX of a sum, terms of one symbol to a line; subexpressions that repeat have names."""
    names = {
        repeated: sympy.Symbol(f"x_{number}", positive=True)
        for number, repeated in enumerate(repeated_calls(expression), 1)
    }
    lines = [
        line.removeprefix("+ ") if number == 0 else line
        for number, line in enumerate(lines_of_sum(expression.xreplace(names)))
    ]
    for repeated, name in names.items():
        lines.append(rf"{sympy_form.latex(name)} = {sympy_form.latex(repeated)}")
    lines = [re.sub(r"\\mathrm\{x\\_([0-9]+)\}", r"x_{\1}", line) for line in lines]
    body = " \\\\\n".join(f"& {line}" for line in lines)
    return "\n".join([r"\begin{aligned}", body, r"\end{aligned}"])


def repeated_calls(expression: sympy.Expr) -> list[sympy.Expr]:
    """Calls of functions that the expression has twice or more, not as arguments of others."""
    found = Counter(outermost_calls(expression))
    return sorted((call for call, times in found.items() if times > 1), key=sympy.default_sort_key)


def outermost_calls(expression: sympy.Basic) -> Iterator[sympy.Expr]:
    if isinstance(expression, Application):
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
        for term in map(sympy_form.latex, terms):
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


def parts(count: ParamCount) -> Iterable[tuple[str, ParamCount]]:
    """The parameters, or if there are many the modules that are at most two levels down."""
    breakdown = count.breakdown()
    named = all("{*}" not in name for name in breakdown.parameters)
    if named and len(breakdown.parameters) <= MOST_ROWS:
        return breakdown.parameters.items()
    modules = dict.fromkeys(map(module_of, breakdown.parameters))
    return [(path, breakdown.modules[path]) for path in modules]


def module_of(parameter: str) -> str:
    """The module that a parameter is in, two levels down, or the list that it is in an item of."""
    levels = takewhile(re.compile(r"[^0-9{]").match, parameter.split(".")[:-1])
    return ".".join(islice(levels, 2))


def table_of_sizes(sizes: list[PublishedSize]) -> Iterator[str]:
    columns = runs(sizes[0].symbolic)
    header = " | ".join(ranges(run) for run in columns)
    yield f"| model | {header} | parameters | published by |"
    yield f"|---|{'---|' * len(columns)}---:|---|"
    for size in sizes:
        values = " | ".join(", ".join(str(size.symbolic[name]) for name in run) for run in columns)
        total = derived(size)(**size.symbolic)
        assert size.is_total(total), size.name
        rounded = "" if size.unit == 1 else f", as {size.total / 1e6:.2f} million"
        yield f"| {size.name} | {values} | {total:,} | {size.source}{rounded} |"
    yield ""


if __name__ == "__main__":
    write(Path(__file__).with_name("families.md"))
