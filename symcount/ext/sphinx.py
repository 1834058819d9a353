"""Show formulas in documentation made with Sphinx, with `symcount.ext.sphinx` in `extensions`.

`.. symcount:: target` shows a formula with its domain and breakdown, `.. symcount-registry::` a
table of blueprints, and the role `symcount` a formula or a count within a line. They take what the
command line takes for a target; a path to a file is relative to the page, or to the folder of the
sources if it begins with a slash.

What cannot be derived is a warning at the line of the page, with the line of the factory in it,
and an error in its place on the page. A page with an error is read again by each build, so that
the error does not go quiet. Any other page is read again when a file has changed that its formulas
depend on, and only what has changed is derived again: formulas are kept in the environment, each
with the digests of those files.
"""

from __future__ import annotations

import hashlib
import pickle
import re
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.domains import Domain, ObjType
from sphinx.roles import XRefRole
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole
from sphinx.util.nodes import make_id, make_refnode

from symcount import version
from symcount.catalogue.trust import Trust, anchored
from symcount.drift import notation, reloading, requests
from symcount.drift.reloading import Digests
from symcount.drift.requests import Blueprint, Request
from symcount.errors import ArgumentError
from symcount.ext import sphinx_latex
from symcount.symbols import everywhere
from symcount.work import MAX_WORK

if TYPE_CHECKING:
    import sympy
    from sphinx.application import Sphinx
    from sphinx.builders import Builder
    from sphinx.config import Config
    from sphinx.environment import BuildEnvironment

    from symcount.param_count import ParamCount

Answer = TypeVar("Answer")
# The code of symcount itself.
PACKAGE = Path(version.__file__).parent
_LOG = logging.getLogger(__name__)
_NOTHING = "–"
# What `repr` says of a function differs from build to build.
_ADDRESS = re.compile(" at 0x[0-9a-f]+")
# Characters of a column of a table, in a builder that has no other units.
_WIDEST = 50
_INDENT = "\N{NO-BREAK SPACE}" * 4


# --- formulas as nodes ------------------------------------------------------------------------


class symcount_math(nodes.Inline, nodes.Element):  # type: ignore[misc]
    """A formula or condition: MathML in `markup`, `latex`, and `text`; `block` if displayed.

    HTML gets the MathML, which browsers typeset without MathJax and without network.
    """


def _math(value: sympy.Basic, block: bool = False, width: int | None = None) -> nodes.Element:
    from symcount.display import mathml
    from symcount.formula import latex, sympy_form

    return symcount_math(
        markup=mathml.math(value) if width is None else mathml.math(value, width),
        latex=latex.in_lines(value) if block else latex.one_line(value),
        text=sympy_form.text(value),
        block=block,
    )


def _visit_html(translator: Any, node: nodes.Element) -> None:
    if node["block"]:
        translator.body.append(f'<div class="symcount-formula" tabindex="0">{node["markup"]}</div>')
    else:
        translator.body.append(node["markup"])
    raise nodes.SkipNode


def _typeset(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Replace formulas for other builders than HTML's: by LaTeX where that is typeset, or text."""
    if app.builder.format == "html":
        return
    if app.builder.format == "latex":
        sphinx_latex.fit_tables(doctree)
    shown = _in_latex if app.builder.format == "latex" else _in_text
    for node in list(doctree.findall(symcount_math)):
        node.replace_self(shown(node))


def _in_latex(node: nodes.Element) -> nodes.Element | list[nodes.Node]:
    latex = node["latex"]
    if not node["block"]:
        return sphinx_latex.in_line(latex)
    wrapped = {"no-wrap": False, "nowrap": False}  # as it is called now, and was before
    return nodes.math_block(latex, latex, label=None, number=None, **wrapped)


def _in_text(node: nodes.Element) -> nodes.Element:
    text = node["text"]
    if node.get("plain"):
        return nodes.inline("", text)
    if not node["block"]:
        return nodes.literal(text, text)
    return nodes.literal_block(text, text, language="none")


def _table(
    titles: Sequence[str], rows: Iterable[Sequence[nodes.Node]], numbers: Set[int] = frozenset()
) -> nodes.table:
    """Make a table; the columns `numbers` are set to the right."""
    made = [[nodes.Text(title) for title in titles], *map(list, rows)]
    body = [
        nodes.row(
            "",
            *(
                nodes.entry(
                    "",
                    nodes.paragraph("", "", cell),
                    classes=["symcount-number"] if column in numbers else [],
                )
                for column, cell in enumerate(row)
            ),
        )
        for row in made
    ]
    widths = [min(_WIDEST, max(map(_length, column))) for column in zip(*made, strict=True)]
    columns = [nodes.colspec(colwidth=width) for width in widths]
    group = nodes.tgroup("", *columns, cols=len(titles))
    group += nodes.thead("", body[0])
    group += nodes.tbody("", *body[1:])
    return nodes.table("", group, classes=["symcount-table", "colwidths-auto"])


def _length(cell: nodes.Node) -> int:
    return 2 + len(cell["text"] if isinstance(cell, symcount_math) else cell.astext())


def _code(text: str) -> nodes.literal:
    return nodes.literal(text, text)


def _fields(fields: Iterable[tuple[str, Sequence[nodes.Node]]]) -> nodes.field_list:
    return nodes.field_list(
        "",
        *(
            nodes.field(
                "",
                nodes.field_name("", name),
                nodes.field_body("", nodes.paragraph("", "", *content)),
            )
            for name, content in fields
            if content
        ),
    )


def _where(count: ParamCount) -> list[nodes.Node]:
    """Say where a formula holds, in words and in mathematics."""
    import sympy

    from symcount.formula import domain_words

    words, domain = domain_words.domain(count.formula)
    return (
        [nodes.Text(words)] if domain == sympy.true else [nodes.Text(f"{words}: "), _math(domain)]
    )


def _domain(count: ParamCount, everything: str = "") -> nodes.Node:
    import sympy

    return (
        nodes.Text(everything or everywhere(count.hyperparameters))
        if count.domain == sympy.true
        else _math(count.domain)
    )


def _refusal(message: str) -> nodes.Element:
    """Make what stands in the place of a formula that there is not."""
    return nodes.error(
        "",
        nodes.paragraph("", "symcount has no formula to show here:"),
        nodes.literal_block(message, message, language="none"),
    )


# --- what is kept between builds --------------------------------------------------------------


class SymcountDomain(Domain):
    """The formulas that pages show: where each is, so that it can be linked to, and what it is.

    `formulas` holds, by what was asked, the digests of the files an answer depends on, the answer
    as a pickle (so that reading the environment loads neither torch nor sympy), and the pages that
    show it. `failed` are the pages with an error.
    """

    name = "symcount"
    label = "symcount"
    object_types: ClassVar[dict[str, ObjType]] = {"formula": ObjType("formula", "formula")}
    roles: ClassVar[dict[str, Any]] = {"formula": XRefRole(warn_dangling=True)}
    dangling_warnings: ClassVar[dict[str, str]] = {
        "formula": "no page shows a formula labelled %(target)r"
    }
    initial_data: ClassVar[dict[str, Any]] = {
        "objects": {},
        "formulas": {},
        "failed": set(),
        "versions": None,
    }
    data_version = 1

    @property
    def objects(self) -> dict[str, tuple[str, str]]:
        """For each label the page and the id of its formula."""
        found: dict[str, tuple[str, str]] = self.data["objects"]
        return found

    @property
    def formulas(self) -> dict[str, tuple[Digests, bytes, set[str]]]:
        """For each key the digests, the pickled answer, and the pages."""
        found: dict[str, tuple[Digests, bytes, set[str]]] = self.data["formulas"]
        return found

    @property
    def failed(self) -> set[str]:
        """The pages with an error."""
        found: set[str] = self.data["failed"]
        return found

    def answer(self, key: str, ask: Callable[[], tuple[Answer, Digests]]) -> Answer:
        """Return what was answered before, unless a file has changed; the page depends on these."""
        known = self.formulas.get(key)
        if known is not None and reloading.is_current(known[0]):
            digests, pickled, pages = known
            answer: Answer = pickle.loads(pickled)  # of the environment, itself a pickle
        else:
            answer, digests = ask()
            pickled, pages = pickle.dumps(answer), set()
        docname = self.env.docname
        self.formulas[key] = digests, pickled, {*pages, docname}
        for file, _ in digests:
            self.env.note_dependency(file)
        return answer

    def outdated(self) -> list[str]:
        """List pages to read again: those with errors; with other versions of packages, all."""
        pages = list(self.failed)
        if self.data["versions"] != _versions():
            pages += [docname for _, _, shown in self.formulas.values() for docname in shown]
            self.formulas.clear()
            self.data["versions"] = _versions()
        return pages

    def note(self, label: str, docname: str, node_id: str, title: str) -> str | None:
        """Make a formula a target of links; the page that has the label already, if there is."""
        if label in self.objects:
            return self.objects[label][0]
        self.objects[label] = docname, node_id
        standard = self.env.domains.standard_domain
        standard.anonlabels[label.lower()] = docname, node_id
        standard.labels[label.lower()] = docname, node_id, title
        return None

    def clear_doc(self, docname: str) -> None:
        """Forget where the formulas of a page were, but not the formulas."""
        for label in [label for label, (page, _) in self.objects.items() if page == docname]:
            del self.objects[label]
        for _, _, pages in self.formulas.values():
            pages.discard(docname)
        self.failed.discard(docname)

    def merge_domaindata(self, docnames: Set[str], otherdata: dict[str, Any]) -> None:
        """Merge what a process has read that shares the work."""
        for label, (docname, node_id) in otherdata["objects"].items():
            if docname in docnames:
                self.objects[label] = docname, node_id
        for key, (digests, pickled, pages) in otherdata["formulas"].items():
            here = pages & docnames
            if here:
                shown = self.formulas[key][2] if key in self.formulas else set()
                self.formulas[key] = digests, pickled, shown | here
        self.failed.update(otherdata["failed"] & docnames)

    def forget_unshown(self) -> None:
        """Forget formulas that no page shows any longer."""
        for key in [key for key, (_, _, pages) in self.formulas.items() if not pages]:
            del self.formulas[key]

    def resolve_xref(
        self,
        env: BuildEnvironment,
        fromdocname: str,
        builder: Builder,
        typ: str,
        target: str,
        node: addnodes.pending_xref,
        contnode: nodes.Element,
    ) -> nodes.reference | None:
        """Make a link to the formula of this label."""
        found = self.objects.get(target)
        if found is None:
            return None
        return make_refnode(builder, fromdocname, *found, contnode, target)

    def resolve_any_xref(self, *args: Any) -> list[tuple[str, nodes.reference]]:
        """Return nothing: `any` finds the same place as a label."""
        return []

    def get_objects(self) -> Iterator[tuple[str, str, str, str, str, int]]:
        """Yield each formula, for the search and for other projects that link here."""
        for label, (docname, node_id) in self.objects.items():
            yield label, label, "formula", docname, node_id, 1


def _versions() -> tuple[str, ...]:
    """Return the versions that a formula depends on besides the project's files.

    A checkout of symcount changes without its version, and then may not know what it kept before.
    """
    code = hashlib.sha256()
    for file in sorted(PACKAGE.rglob("*.py")):
        code.update(file.read_bytes())
    return version.__version__, code.hexdigest(), metadata.version("torch")


def _kept(env: BuildEnvironment) -> SymcountDomain:
    found = env.get_domain("symcount")
    assert isinstance(found, SymcountDomain)
    return found


# --- what pages ask with ----------------------------------------------------------------------


def _found_target(env: BuildEnvironment, target: str) -> str:
    """Return the target, a path to a file being relative to the page."""
    place, colon, name = target.rpartition(":")
    if not place.endswith(".py"):
        return target
    return f"{_found_file(env, place)}{colon}{name}"


def _found_file(env: BuildEnvironment, path: str) -> str:
    return env.relfn2path(path)[1]


def _formula(
    env: BuildEnvironment, target: str, fixed: dict[str, Any], symbols: dict[str, Any]
) -> ParamCount:
    budget = env.config.symcount_max_seconds, env.config.symcount_max_work
    request = Request(_found_target(env, target), fixed, symbols, _trust(env), *budget)
    return _kept(env).answer(request.key, request.answer)


def _trust(env: BuildEnvironment) -> Trust:
    """Return what pages may have called: code of the project, and what its `conf.py` allows."""
    sources = Path(env.srcdir)
    allowed = anchored(env.config.symcount_allow, sources)
    return Trust(allowed, option='symcount_allow = ["{}"] in conf.py').beside(sources)


def _warn(env: BuildEnvironment, error: Exception, location: str) -> str:
    message = requests.explained(error)
    _LOG.warning("%s", message, location=location, type="symcount", subtype="formula")
    _kept(env).failed.add(env.docname)
    return message


class _Directive(SphinxDirective):
    """A directive whose errors are a warning, and stand on the page."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        try:
            return self.content_nodes(self.arguments[0].strip())
        except Exception as error:  # whatever it is, the rest of the pages can be built
            return [_refusal(_warn(self.env, error, self.get_location()))]

    def content_nodes(self, argument: str) -> list[nodes.Node]:
        raise NotImplementedError

    def _values(self, option: str) -> dict[str, Any]:
        return notation.read_values(self.options.get(option, ""))


def _levels(text: str) -> int | None:
    """Read how deep a breakdown goes: None for all of it."""
    text = directives.unchanged_required(text).strip()
    if text == "none":
        return 0
    if text == "all":
        return None
    return int(directives.positive_int(text))


class FormulaDirective(_Directive):
    """`.. symcount:: target`: the formula, its domain and its breakdown."""

    option_spec: ClassVar[dict[str, Any]] = {
        "title": directives.unchanged_required,
        "label": directives.unchanged_required,
        "fixed": directives.unchanged_required,
        "symbols": directives.unchanged_required,
        "at": directives.unchanged_required,
        "breakdown": _levels,
        "certificate": directives.flag,
        "no-index": directives.flag,
    }

    def content_nodes(self, argument: str) -> list[nodes.Node]:
        """Make the block, with a target for links before it."""
        symbols = notation.read_symbols(self.options.get("symbols", ""))
        count = _formula(self.env, argument, self._values("fixed"), symbols)
        sizes = notation.read_points(self.options["at"]) if "at" in self.options else []
        counted = [({**count.defaults, **at}, _value(count, at)) for _, at in sizes]
        title = self.options.get("title")
        block = nodes.container("", classes=["symcount"])
        lead, messages = self.parse_inline(title) if title else ([_code(argument)], [])
        block += nodes.rubric("", "", *lead)
        block += _math(count.formula.in_layers, block=True)
        block += self._facts(count)
        if self.options.get("breakdown", 1) != 0:
            at = next((at for at, value in counted if value is not None), None)
            block += self._breakdown(count, at)
        if counted:
            block += _counts(count, counted, [name for name, _ in sizes if name])
        return [*self._target(argument, "".join(node.astext() for node in lead)), block, *messages]

    def _facts(self, count: ParamCount) -> nodes.field_list:
        fixed: list[nodes.Node] = []
        for name, value in count.fixed:
            fixed += [nodes.Text(", ")] if fixed else []
            fixed.append(_code(f"{name}={_ADDRESS.sub('', value)}"))
        certificate = []
        if "certificate" in self.options:
            certificate = [nodes.Text("; ".join(str(count.certificate).splitlines()))]
        return _fields(
            [
                ("Domain", _where(count)),
                ("Symbols", _symbols(count)),
                ("Fixed", fixed),
                ("Certificate", certificate),
            ]
        )

    def _breakdown(self, count: ParamCount, at: dict[str, Any] | None) -> nodes.table:
        levels = self.options["breakdown"] or 10**6 if "breakdown" in self.options else None
        titles, walked = requests.breakdown_table(count, at, levels)
        rows = []
        for depth, row in walked:
            name = nodes.inline("", "", nodes.Text(_INDENT * depth), _code(row.name))
            cells = [name, _math(row.part.count.in_layers, width=46)]
            cells += [nodes.Text(row.size_text), nodes.Text(row.share_text)]
            rows.append(cells[: len(titles)])
        return _table(titles, rows, frozenset({2, 3}))

    def _target(self, argument: str, title: str) -> list[nodes.Node]:
        if "no-index" in self.options:
            return []
        label = self.options.get("label", argument)
        node_id = make_id(self.env, self.state.document, "symcount", label)
        taken = _kept(self.env).note(label, self.env.docname, node_id, title)
        if taken is not None:
            error = ArgumentError(
                f"{label!r} is the label of a formula on the page {taken!r} already; give this one "
                "another with :label:, or none with :no-index:"
            )
            _warn(self.env, error, self.get_location())
            return []
        target = nodes.target("", "", ids=[node_id])
        self.state.document.note_explicit_target(target)
        return [target]


def _symbols(count: ParamCount) -> list[nodes.Node]:
    from symcount.display.console import described

    said = "; ".join(described(h) for h in count.hyperparameters)
    return [_sign(part) if part in _SIGNS else nodes.Text(part) for part in _SIGN.split(said)]


_SIGNS = {">=": ("≥", r"\geq"), "<=": ("≤", r"\leq")}
_SIGN = re.compile("(>=|<=)")


def _sign(text: str) -> nodes.Element:
    """Make a sign of comparison, which LaTeX has in mathematics only."""
    sign, latex = _SIGNS[text]
    return symcount_math(markup=sign, latex=latex, text=sign, block=False, plain=True)


def _value(count: ParamCount, at: dict[str, Any]) -> int | None:
    from symcount.formula.evaluation import Evaluation

    return Evaluation.of(count, at).count


def _counts(
    count: ParamCount,
    counted: Sequence[tuple[dict[str, Any], int | None]],
    called: Sequence[str],
) -> nodes.table:
    names = [h.name for h in count.hyperparameters]
    rows = [
        [
            *(nodes.Text(str(at[name])) for name in names),
            nodes.Text("outside the domain" if value is None else f"{value:,}"),
        ]
        for at, value in counted
    ]
    titles, numbers = [*names, count.formula.measure.noun], range(len(names) + 1)
    if called:
        rows = [[nodes.Text(name), *row] for name, row in zip(called, rows, strict=True)]
        titles, numbers = ["size", *titles], range(1, len(names) + 2)
    return _table(titles, rows, frozenset(numbers))


class RegistryDirective(_Directive):
    """`.. symcount-registry:: module`: a table of the blueprints that a module registers."""

    option_spec: ClassVar[dict[str, Any]] = {
        "title": directives.unchanged_required,
        "topology": directives.unchanged_required,
        "at": directives.unchanged_required,
    }

    def content_nodes(self, argument: str) -> list[nodes.Node]:
        """Make one table, in the order in which the blueprints were registered."""
        module = _found_file(self.env, argument) if argument.endswith(".py") else argument
        trust = _trust(self.env)
        key = f"blueprints {module} {trust.allowed}"
        found = _kept(self.env).answer(key, lambda: requests.blueprints(module, trust))
        topology = self.options.get("topology")
        shown = [b for b in found if topology in (None, b.key.partition(":")[0])]
        if not shown:
            raise ArgumentError(f"{argument} registers no blueprint of topology {topology!r}")
        sizes = self._sizes()
        described = any(b.description for b in shown)
        titles = ["blueprint", "parameters", "domain", *(f"at {size}" for size in sizes)]
        titles += ["description"] if described else []
        rows = [self._row(b, sizes, described) for b in shown]
        table = _table(titles, rows, frozenset(range(3, 3 + len(sizes))))
        title, messages = self.parse_inline(self.options.get("title", ""))
        if title:
            table.insert(0, nodes.title("", "", *title))
        return [table, *messages]

    def _row(self, blueprint: Blueprint, sizes: Sequence[int], described: bool) -> list[nodes.Node]:
        count = blueprint.count
        if count is None:
            _warn(self.env, ArgumentError(blueprint.reason), self.get_location())
            cells = [nodes.Text("no formula"), *(nodes.Text(_NOTHING) for _ in (0, *sizes))]
        else:
            name = count.hyperparameters[0].name
            values = [_value(count, {name: size}) for size in sizes]
            counts = [nodes.Text(_NOTHING if v is None else f"{v:,}") for v in values]
            cells = [_math(count.formula.in_layers, width=46), _domain(count, "all"), *counts]
        about = [nodes.Text(blueprint.description)] if described else []
        return [_code(blueprint.key), *cells, *about]

    def _sizes(self) -> list[int]:
        text = self.options.get("at", "")
        sizes = [size.strip() for size in text.split(",")] if text else []
        if not all(size.isdecimal() for size in sizes):
            raise ArgumentError(f":at: {text}: write whole numbers, such as 64, 512")
        return [int(size) for size in sizes]


class FormulaRole(SphinxRole):
    """`target` for its formula, `target(dim=512)` for its count there.

    Whole numbers are sizes; any other value fixes a parameter of the factory.
    """

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Show the formula or the number; what the role was written as if there is neither."""
        try:
            target, values = notation.read_call(self.text)
            sizes, fixed = notation.split(values or {})
            count = _formula(self.env, target, fixed, {})
            if sizes or (values is not None and not fixed):
                return [nodes.Text(f"{count(**sizes):,}")], []
            return [_math(count.formula.in_layers)], []
        except Exception as error:  # whatever it is, the rest of the pages can be built
            _warn(self.env, error, self.get_location())
            return [nodes.problematic(self.rawtext, self.rawtext)], []


# --- the extension ----------------------------------------------------------------------------


def _outdated(
    app: Sphinx, env: BuildEnvironment, added: Set[str], changed: Set[str], removed: Set[str]
) -> list[str]:
    return _kept(env).outdated()


def _forget_unshown(app: Sphinx, env: BuildEnvironment) -> list[str]:
    _kept(env).forget_unshown()
    return []  # no page is to be written for it


def _add_style(app: Sphinx, config: Config) -> None:
    config.html_static_path = [*config.html_static_path, str(Path(__file__).parent / "static")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register all of this; Sphinx calls this."""
    app.add_config_value("symcount_max_seconds", requests.SECONDS, "env", {float, int})
    app.add_config_value("symcount_max_work", MAX_WORK, "env", {int})
    app.add_config_value("symcount_allow", [], "env", {list, tuple})
    app.add_node(symcount_math, html=(_visit_html, None))
    app.add_domain(SymcountDomain)
    app.add_directive("symcount", FormulaDirective)
    app.add_directive("symcount-registry", RegistryDirective)
    app.add_role("symcount", FormulaRole())
    app.add_css_file("symcount.css")
    app.connect("config-inited", _add_style)
    app.connect("env-get-outdated", _outdated)
    app.connect("env-updated", _forget_unshown)
    app.connect("doctree-resolved", _typeset)
    return {
        "version": version.__version__,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
