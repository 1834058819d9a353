"""The commands derive, list, audit, export, explore, show, verify and completion, and the group.

torch, sympy and rich are loaded by the commands that need them, so that help comes at once.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from symcount import witness
from symcount.catalogue.audit import SIZES, TOLERANCE
from symcount.cli import shells
from symcount.cli.as_json import (
    describe_audit,
    describe_blueprint,
    describe_derived,
    describe_stored,
    print_json,
)
from symcount.cli.checking import check
from symcount.cli.deriving import (
    blueprints_of,
    derived,
    derived_all_symbols,
    shown_progress,
    values_at,
)
from symcount.cli.options import (
    Given,
    TakesSizes,
    all_symbols_option,
    allow_option,
    complete_modules,
    complete_stored,
    complete_targets,
    derivation_options,
    json_option,
    points_option,
    read_sizes,
    registry_option,
    verbose_option,
)
from symcount.cli.saving import save
from symcount.cli.sweeping import sweep
from symcount.errors import StoredFormulaError, SymcountError
from symcount.shown import numbered
from symcount.version import __version__

if TYPE_CHECKING:
    from symcount.drift.filling import Filled


class _Cli(click.Group):
    """Commands whose errors are a line on standard error and exit code 2."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        shells.add()
        return super().main(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, BrokenPipeError):
            raise
        except Exception as error:
            if ctx.params["debug"]:
                raise
            click.echo(f"error: {_explained(error)}", err=True)
            ctx.exit(2)


def _explained(error: Exception) -> str:
    if isinstance(error, SymcountError):
        return str(error)
    return (
        f"{type(error).__name__}: {error}\n"
        "  This is a defect of symcount. `symcount --debug ...` shows where; please report it."
    )


@click.group(
    cls=_Cli,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  symcount derive torch.nn:Linear
  symcount derive cnn:attention --at dim=64,512
  symcount derive models.py:Net --set bias=False --symbol width:multiple_of=64
  symcount list --topology transformer
  symcount audit examples/tickets.py
  symcount export --registry mypackage.blueprints --format latex -o counts.tex
  symcount explore models.py:Net -o net.html
  symcount save models.py:Net -o formulas.json
  symcount check formulas.json
  symcount show formulas.json Net --at width=512
  symcount verify formulas.json
  symcount sweep formulas.json:Net --grid width=64:4096:64 --where "total <= 7e9"
""",
)
@click.version_option(__version__, prog_name="symcount")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(debug: bool) -> None:
    """Exact closed forms of the parameter counts of PyTorch modules.

    A TARGET is a function or class that builds an nn.Module: package.module:factory,
    path/to/file.py:factory, or a blueprint such as cnn:attention. Where no module is needed, it
    may be a stored formula: path/to/formulas.json:name.

    A MODULE registers blueprints: package.module or path/to/file.py.
    """


main.add_command(save)
main.add_command(check)
main.add_command(sweep)


@main.command(
    cls=TakesSizes,
    epilog="""\b
Examples:
  symcount derive cnn:bottleneck --at dim=64,512 --at reduction=2,4
  symcount derive models.py:Net.small --set depths=(2,2,6,2) --set act=gelu
  symcount derive torch.nn:Linear --symbol in_features:multiple_of=64 --set out_features=10
  symcount derive transformers:LlamaModel --config LlamaConfig --symbol hidden_size
  symcount derive torchvision.models:resnet50 --all-symbols
""",
)
@verbose_option
@click.argument("target", shell_complete=complete_targets)
@derivation_options
@points_option
@all_symbols_option
@click.option(
    "--depth",
    type=click.IntRange(min=0),
    help="How many levels of modules to show; all if not given.",
)
@json_option
def derive(
    target: str,
    given: Given,
    points: Sequence[tuple[str, tuple[int, ...]]],
    all_symbols: bool,
    depth: int | None,
    as_json: bool,
) -> None:
    """Derive the parameter count of TARGET.

    Parameters that are unannotated, annotated int, or have an int default are symbols; the
    others stay at their defaults. --set fixes a parameter, and --symbol keeps one symbolic or
    limits its values (min, max, multiple_of); neither changes what happens to the rest.

    With --config, TARGET is a model that is built from a config. What --symbol names is kept
    symbolic, and the rest of the config stays at its defaults.
    """
    found = None
    if all_symbols:
        count, found = derived_all_symbols(target, given)
    else:
        count = derived(target, given)
    values = values_at(count, points)
    if as_json:
        print_json(describe_derived(target, count, values, found))
        return
    from symcount.cli import views

    view = views.count_view(target, count, values, depth)
    views.show(view, *([] if found is None else [views.symbols_view(found)]))


@main.command(
    "list",
    epilog="""\b
Examples:
  symcount list
  symcount list --topology cnn --at 64,512,4096
  symcount list mypackage.blueprints
""",
)
@verbose_option
@click.argument("module", required=False, shell_complete=complete_modules)
@click.option("--topology", help="Only the blueprints of this topology.")
@click.option(
    "--at",
    "sizes",
    type=read_sizes,
    metavar="N,N,...",
    default="64,512",
    show_default=True,
    help="Sizes at which to count.",
)
@json_option
def list_blueprints(
    module: str | None, topology: str | None, sizes: tuple[int, ...], as_json: bool
) -> None:
    """List blueprints with their formulas.

    They are those of MODULE, or symcount's own. A size is the first parameter of a blueprint;
    the others keep their defaults.
    """
    specs = blueprints_of(module, topology)
    if as_json:
        with shown_progress("counting", len(specs)):
            document = [describe_blueprint(spec, sizes) for spec in specs]
        print_json(document)
        return
    from symcount.cli import views

    with shown_progress("counting", len(specs)):
        view = views.registry_view(specs, sizes)
    views.show(view)


@main.command(
    epilog="""\b
Examples:
  symcount audit examples/tickets.py
  symcount audit mypackage.blueprints --tolerance 1.5 --at 64,128
  symcount audit mypackage.registry --factory build --estimate params
"""
)
@verbose_option
@click.argument("module", shell_complete=complete_modules)
@click.option(
    "--tolerance",
    type=click.FloatRange(min=1),
    default=TOLERANCE,
    show_default=True,
    help="How many times too great or too small an estimate may be.",
)
@click.option(
    "--at",
    "sizes",
    type=read_sizes,
    metavar="N,N,...",
    help=f"Sizes at which to count.  [default: {','.join(map(str, SIZES))} and reference sizes]",
)
@click.option("--factory", metavar="FIELD", help="The field of an entry that builds the module.")
@click.option("--estimate", metavar="FIELD", help="The field of an entry that is the estimate.")
@json_option
@click.pass_context
def audit(
    ctx: click.Context,
    module: str,
    tolerance: float,
    sizes: tuple[int, ...] | None,
    factory: str | None,
    estimate: str | None,
    as_json: bool,
) -> None:
    """Compare declared estimates with exact counts.

    The estimates are those that MODULE registers its blueprints with, or has in a list or
    mapping, beside what builds the module; the worst comes first. Exit code 1 says that an
    estimate is off by more than the tolerance at some size. Also named are the pairs of
    blueprints of which the one declared cheaper is dearer in truth.
    """
    from symcount.catalogue.audit import audit as compare
    from symcount.catalogue.estimates import Fields
    from symcount.catalogue.targets import load_estimates

    with shown_progress(module):
        specs = load_estimates(module, Fields(factory, estimate))
    with shown_progress("comparing", len(specs)):
        found = compare(specs, sizes, tolerance)
    if as_json:
        print_json(describe_audit(found))
    else:
        from symcount.cli.audit_view import audit_view
        from symcount.cli.views import show

        show(audit_view(found))
    if found.exceeding:
        ctx.exit(1)


@main.command(
    epilog="""\b
Examples:
  symcount export cnn:attention
  symcount export models.py:Net --set bias=False --format latex
  symcount export models.py:Net --format sql --dialect postgres
  symcount export --registry mypackage.blueprints -o counts.md
  symcount export --write README.md docs
"""
)
@verbose_option
@click.argument("targets", metavar="[TARGET]", nargs=-1, shell_complete=complete_targets)
@registry_option("Export the blueprints of a module instead.")
@derivation_options
@click.option(
    "--format",
    "form",
    type=click.Choice("markdown rst html mathml latex python numpy javascript c sql json".split()),
    default="markdown",
    show_default=True,
)
@click.option(
    "--dialect",
    type=click.Choice(["duckdb", "postgres", "spark", "bigquery"]),
    help="The dialect of --format sql; duckdb if not given.",
)
@click.option("--json", "form", flag_value="json", help="The same as --format json.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file to write, at once or not at all; standard output otherwise.",
)
@click.option(
    "--write",
    "in_place",
    is_flag=True,
    help="Fill in the formulas of documents, which are given in the place of TARGET: Markdown and "
    "reStructuredText files, and folders of them.",
)
@allow_option
@click.pass_context
def export(
    ctx: click.Context,
    targets: Sequence[str],
    registry: str | None,
    given: Given,
    form: str,
    dialect: str | None,
    output: Path | None,
    in_place: bool,
    allowed: tuple[str, ...],
) -> None:
    """Write formulas for documents and for other programs.

    It is the formula of TARGET, or the blueprints that a module registers. Documents are
    Markdown, reStructuredText, HTML, MathML and LaTeX, which needs the packages amsmath and
    booktabs. Python, NumPy, JavaScript, C and SQL compute the formula exactly, or say where they
    do not; a formula that one of them cannot compute exactly is refused. JSON is for programs.

    With --write, each formula that stands in a document between <!-- symcount: TARGET --> and
    <!-- /symcount --> is written there as it is now; all else stays as it is. A document with an
    error is left alone. A document is given classes of nn.Module, functions and classes of the
    project, which are below the document's folder or the current one, and those of packages that
    --allow names; what else it asks for is refused, and nothing of it is run.
    """
    if in_place:
        _refuse_others(ctx, {"targets", "in_place", "max_seconds", "allowed"})
        ctx.exit(_fill(targets, given.max_seconds, allowed))
    if allowed:
        raise click.UsageError("--allow is for --write; a TARGET of your own needs no permission")
    target = targets[0] if targets else None
    if len(targets) > 1:
        raise click.UsageError(f"give one TARGET, not {len(targets)}; --write takes several files")
    if (target is None) == (registry is None):
        raise click.UsageError("give either a TARGET or --registry MODULE")
    if dialect is not None and form != "sql":
        raise click.UsageError("--dialect is for --format sql")
    text = _rendered(target, registry, given, form, dialect)
    if output is None:
        click.echo(text, nl=False)
    else:
        _write(output, text)


def _rendered(
    target: str | None, registry: str | None, given: Given, form: str, dialect: str | None
) -> str:
    """Render the formula of a target, or else the blueprints of a registry."""
    from symcount.catalogue.registry import entry
    from symcount.export import renderer

    render = renderer(form, dialect)
    if target is not None:
        return render.render_count(derived(target, given).formula, title=target)
    if given:
        raise click.UsageError("--set, --symbol and --config are for a TARGET, not for a registry")
    specs = blueprints_of(registry)
    with shown_progress("writing", len(specs)):
        return render.render_registry(map(entry, specs))


def _refuse_others(ctx: click.Context, allowed: Set[str]) -> None:
    """Refuse options that say nothing with --write: a marker says itself what is shown and how."""
    for param in ctx.command.params:
        source = ctx.get_parameter_source(param.name or "")
        if param.name not in allowed and source is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{param.opts[-1]} is not for --write: markers say what to show")


def _fill(paths: Sequence[str], max_seconds: float, allowed: tuple[str, ...]) -> int:
    """Fill in the formulas of documents, and say what was done; the exit code."""
    from symcount.catalogue.trust import Trust
    from symcount.drift import filling
    from symcount.drift.answers import Answers
    from symcount.drift.files import documents

    if not paths:
        raise click.UsageError("say which documents to write: files, or folders of them")
    found = documents(paths)
    answers = Answers(max_seconds, Trust(allowed))
    formulas, changed, is_whole = 0, 0, True
    for path in found:
        with shown_progress(str(path)):
            document = filling.filled(path, answers)
        formulas += document.formulas
        for finding in document.errors:
            click.echo(f"error: {finding}", err=True)
            is_whole = False
        if _saved(document):
            changed += 1
            click.echo(f"{path}: {numbered(len(document.findings), 'formula')} written")
    click.echo(
        f"{changed} of {numbered(len(found), 'document')} changed; "
        f"{numbered(formulas, 'formula')} looked at"
    )
    return 0 if is_whole else 2


def _saved(document: Filled) -> bool:
    try:
        return document.write()
    except OSError as error:
        raise click.UsageError(f"cannot write {document.path}: {error.strerror}") from error


@main.command(
    cls=TakesSizes,
    epilog="""\b
Examples:
  symcount explore models.py:Net -o net.html
  symcount explore torch.nn:TransformerEncoderLayer --set dtype=None -o layer.html
  symcount explore transformers:LlamaModel --config LlamaConfig --symbol hidden_size -o llama.html
""",
)
@verbose_option
@click.argument("target", shell_complete=complete_targets)
@derivation_options
@all_symbols_option
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The HTML file to write, at once or not at all.",
)
def explore(
    target: str,
    given: Given,
    all_symbols: bool,
    output: Path,
) -> None:
    """Write a page to explore the formula of TARGET in a browser.

    It is one file that opens from disk and needs no network: a slider and a field for each
    symbol, the exact count, its breakdown and its growth, all live, and a link to share.
    """
    if all_symbols:
        count, _ = derived_all_symbols(target, given)
    else:
        count = derived(target, given)
    _write(output, count.page(title=target))


@main.command(
    cls=TakesSizes,
    epilog="""\b
Examples:
  symcount show formulas.json
  symcount show formulas.json cnn:attention --at dim=64,512
  symcount show formulas.json cnn:attention --at dim=512 --json
  symcount show formulas.json --layers
""",
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("name", required=False, shell_complete=complete_stored)
@points_option
@click.option(
    "--layers",
    is_flag=True,
    help="Show formulas with what each layer has in brackets, and domains in words; takes sympy.",
)
@json_option
def show(
    file: Path,
    name: str | None,
    points: Sequence[tuple[str, tuple[int, ...]]],
    layers: bool,
    as_json: bool,
) -> None:
    """Show the formulas stored in FILE, or the one called NAME.

    FILE is what `symcount save` wrote, or a method `save` in Python. Formulas and
    domains are shown as they were written then; counts are computed. Nothing in FILE is executed,
    and neither torch nor sympy is loaded, but for --layers.
    """
    from symcount.api import load

    if name is not None and "=" in name and not points:
        raise click.UsageError(f"{name} is no NAME; write symcount show {file} NAME --at {name}")
    if name is None and points:
        raise click.UsageError("--at is for one formula: give its NAME too")
    if layers and as_json:
        raise click.UsageError("--layers is for people, and --json is not; leave one of them out")
    try:
        formulas = load(file)
    except OSError as error:
        raise click.UsageError(f"cannot read {file}: {error.strerror}") from error
    values = [] if name is None else values_at(formulas[name], points)
    if as_json:
        if name is None:
            print_json([describe_stored(formulas, each) for each in formulas])
        else:
            document = describe_stored(formulas, name)
            print_json({**document, "values": list(map(vars, values))})
        return
    from symcount.cli import views

    if name is None:
        views.show(views.stored_list_view(formulas, layers))
    else:
        views.show(views.stored_view(name, formulas, values, layers))


@main.command(
    short_help="Check stored formulas by means that share no code with derive.",
    epilog="""\b
Examples:
  symcount verify formulas.json
  symcount verify formulas.json cnn:attention --seconds 10
  symcount verify formulas.json --json
""",
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=complete_stored)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=witness.SECONDS,
    show_default=True,
    help="About how long a solver may take for a claim.",
)
@json_option
@click.pass_context
def verify(
    ctx: click.Context, file: Path, names: Sequence[str], seconds: float, as_json: bool
) -> None:
    """Check the formulas stored in FILE, or those of these names, with other means.

    The checker shares no arithmetic with symcount. It computes at points: no size leads to where
    none is said to; the closed form of a loop is the sum of its iterations; the modules that were
    built had as many parameters. The claims that a formula rests on are given to z3, and to cvc5 if
    it is installed: pip install 'symcount[witness]'. Claims that neither proves are listed.

    Exit code 1 says that something contradicts a formula. Nothing in FILE is executed; solvers are
    given its declarations and assertions, and no other commands.
    """
    reports, found = [], witness.reports(str(file), names, seconds)
    try:
        for report in found:
            reports.append(report)
            if not as_json:
                click.echo(report)
    except OSError as error:
        raise click.UsageError(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        raise StoredFormulaError(f"{file}: {error}") from error
    if as_json:
        print_json(list(map(vars, reports)))
    if any(report.wrong for report in reports):
        ctx.exit(1)


@main.command(
    short_help="Print what makes SHELL complete these commands.",
    epilog="""\b
Examples:
  symcount completion bash > ~/.local/share/bash-completion/completions/symcount
  symcount completion zsh > "${fpath[1]}/_symcount"
  symcount completion fish > ~/.config/fish/completions/symcount.fish
""",
)
@click.argument("shell", type=click.Choice(list(shells.SHELLS)))
def completion(shell: str) -> None:
    """Print what makes SHELL complete the words of this command line.

    Commands, options, files and modules are completed, the factories in them, the parameters of a
    factory, and the names in a file of formulas. Source files are read for that and never run.
    """
    click.echo(shells.script(shell, "symcount", "_SYMCOUNT_COMPLETE"), nl=False)


def _write(path: Path, text: str) -> None:
    """Write a file as a whole, or leave it as it was."""
    from symcount.storage import atomic

    try:
        atomic.replace(path, text)
    except OSError as error:
        raise click.UsageError(f"cannot write {path}: {error.strerror}") from error
