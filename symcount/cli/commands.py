"""The command line: derive, list, audit, export, explore, show, check, completion.

torch, sympy and rich are loaded by the commands that need them, so that help comes at once.
"""

from __future__ import annotations

import ast
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import click
from click.core import ParameterSource

from symcount import __version__, progress
from symcount.catalogue.audit import SIZES, TOLERANCE
from symcount.cli import shells
from symcount.errors import SymcountError, TargetError, UnsupportedError
from symcount.symbols import Symbol

if TYPE_CHECKING:
    from symcount.catalogue.configs import AllSymbols
    from symcount.catalogue.registry import BlueprintSpec
    from symcount.drift.checks import Finding
    from symcount.drift.filling import Filled
    from symcount.export import Value
    from symcount.param_count import ParamCount
    from symcount.storage.file import StoredFormulas

Command = TypeVar("Command", bound=Callable[..., Any])
_Check: TypeAlias = "tuple[Path, str, Callable[[], Finding]]"


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


# --- completion -------------------------------------------------------------------------------


def _complete_targets(ctx: click.Context, param: click.Parameter, word: str) -> list[str]:
    from symcount.cli import completion

    return completion.targets(word)


def _complete_modules(ctx: click.Context, param: click.Parameter, word: str) -> list[str]:
    from symcount.cli import completion

    return completion.modules(word)


def _complete_parameters(ctx: click.Context, param: click.Parameter, word: str) -> list[str]:
    """The parameters of the target, or the symbols of the stored formula, that stand before."""
    from symcount.cli import completion

    before = [w for w in shells.words(ctx) if not w.startswith("-")]
    if ctx.info_name == "show":
        names = completion.stored_symbols(*before[1:3]) if len(before) > 2 else []
    else:
        found = (completion.parameters(w) for w in before if ":" in w)
        names = next(filter(None, found), [])
    end = "" if param.name == "declared" else "="
    return [f"{name}{end}" for name in names if name.startswith(word)]


def _complete_stored(ctx: click.Context, param: click.Parameter, word: str) -> list[str]:
    from symcount.cli import completion

    file = ctx.params.get("file")
    return completion.stored_names(file, word) if file else []


# --- options ----------------------------------------------------------------------------------


def _setting(text: str) -> tuple[str, Any]:
    """`name=value`: a Python literal, or else a string."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise click.BadParameter(f"{text!r}: write name=value")
    if value in ("true", "false", "none"):
        raise click.BadParameter(f"{text!r}: write {value.capitalize()}, or \"'{value}'\"")
    try:
        return name, ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return name, value


def _declaration(text: str) -> tuple[str, Symbol]:
    """`name`, `name:min=64,max=512,multiple_of=64`, or `name:real`."""
    name, _, limits = text.partition(":")
    given: dict[str, Any] = {}
    for part in filter(None, limits.split(",")):
        key, _, number = part.partition("=")
        if part == "real":
            given["real"] = True
        elif key in ("min", "max", "multiple_of") and _is_number(number):
            given[key] = ast.literal_eval(number)
        else:
            raise click.BadParameter(f"{part!r}: write min=n, max=n, multiple_of=n or real")
    return name, Symbol(**given)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()


def _sizes(text: str) -> tuple[int, ...]:
    """`64,512`."""
    sizes = text.split(",")
    if not all(size.strip().isdecimal() for size in sizes):
        raise click.BadParameter(f"{text!r}: write whole numbers, such as 64,512")
    return tuple(map(int, sizes))


def _point(text: str) -> tuple[str, tuple[int, ...]]:
    """`dim=64,512`."""
    name, equals, sizes = text.partition("=")
    if not (name and equals):
        raise click.BadParameter(f"{text!r}: write the symbol too, such as dim=64,512")
    return name, _sizes(sizes)


def _derivation_options(command: Command) -> Command:
    """The options that say which parameters are symbols."""
    fixed = click.option(
        "--set",
        "settings",
        type=_setting,
        metavar="NAME=VALUE",
        multiple=True,
        shell_complete=_complete_parameters,
        help="Fix a parameter: a Python literal, or else a string. May be repeated.",
    )
    kept = click.option(
        "--symbol",
        "declared",
        type=_declaration,
        metavar="NAME[:LIMITS]",
        multiple=True,
        shell_complete=_complete_parameters,
        help="Keep a parameter symbolic; limit its values as in dim:min=64,multiple_of=64. "
        "May be repeated.",
    )
    config = click.option(
        "--config",
        metavar="CLASS",
        help="TARGET takes a config of this class, a name in TARGET's module or "
        "package.module:Class. --set and --symbol are then about the config.",
    )
    seconds = click.option(
        "--max-seconds",
        type=click.FloatRange(min=0, min_open=True),
        default=10.0,
        show_default=True,
        help="How long a derivation may take.",
    )
    return fixed(kept(config(seconds(command))))


_all_symbols_option = click.option(
    "--all-symbols",
    is_flag=True,
    help="Keep every integer symbolic that can be, and say why the others cannot. Many "
    "derivations may be needed; --max-seconds limits each.",
)
_points_option = click.option(
    "--at",
    "points",
    type=_point,
    metavar="NAME=N,N,...",
    multiple=True,
    shell_complete=_complete_parameters,
    help="Values at which to count; repeated for other symbols, all combinations.",
)
_allow_option = click.option(
    "--allow",
    "allowed",
    metavar="PACKAGE",
    multiple=True,
    help="Also call the functions and classes of this package, or of the code in this folder, for "
    "a document. May be repeated.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


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
  symcount show formulas.json cnn:attention --at dim=512
  symcount check formulas.json
""",
)
@click.version_option(__version__, prog_name="symcount")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(debug: bool) -> None:
    """Exact closed forms of the parameter counts of PyTorch modules.

    A TARGET is a function or class that builds an nn.Module: package.module:factory,
    path/to/file.py:factory, or a blueprint such as cnn:attention.

    A MODULE registers blueprints: package.module or path/to/file.py.
    """


# --- commands ---------------------------------------------------------------------------------


@main.command(
    epilog="""\b
Examples:
  symcount derive cnn:bottleneck --at dim=64,512 --at reduction=2,4
  symcount derive models.py:Net.small --set depths=(2,2,6,2) --set act=gelu
  symcount derive torch.nn:Linear --symbol in_features:multiple_of=64 --set out_features=10
  symcount derive transformers:LlamaModel --config LlamaConfig --symbol hidden_size
  symcount derive torchvision.models:resnet50 --all-symbols
"""
)
@click.argument("target", shell_complete=_complete_targets)
@_derivation_options
@_points_option
@_all_symbols_option
@_json
def derive(
    target: str,
    settings: Sequence[tuple[str, Any]],
    declared: Sequence[tuple[str, Symbol]],
    config: str | None,
    max_seconds: float,
    points: Sequence[tuple[str, tuple[int, ...]]],
    all_symbols: bool,
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
        count, found = _all_symbols(target, settings, declared, config, max_seconds)
    else:
        count = _count(target, settings, declared, config, max_seconds)
    values = _values(count, points)
    if as_json:
        from symcount.export.documents import json

        document = {"target": target, **json.describe(count), "values": list(map(vars, values))}
        if found is not None:
            document |= {"kept": list(found.kept), "refused": dict(found.refused)}
        click.echo(json.dump(document), nl=False)
        return
    from symcount.cli import views

    view = views.count_view(target, count, values)
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
@click.argument("module", required=False, shell_complete=_complete_modules)
@click.option("--topology", help="Only the blueprints of this topology.")
@click.option(
    "--at",
    "sizes",
    type=_sizes,
    metavar="N,N,...",
    default="64,512",
    show_default=True,
    help="Sizes at which to count.",
)
@_json
def list_blueprints(
    module: str | None, topology: str | None, sizes: tuple[int, ...], as_json: bool
) -> None:
    """List blueprints with their formulas.

    They are those of MODULE, or symcount's own. A size is the first parameter of a blueprint;
    the others keep their defaults.
    """
    specs = _blueprints(module, topology)
    if as_json:
        from symcount.export import count_at
        from symcount.export.documents import json

        with _progress("counting", len(specs)):
            counts = [{str(size): count_at(spec, size) for size in sizes} for spec in specs]
            document = [
                {**json.describe_spec(spec), "counts": c}
                for spec, c in zip(specs, counts, strict=True)
            ]
        click.echo(json.dump(document), nl=False)
        return
    from symcount.cli import views

    with _progress("counting", len(specs)):
        view = views.registry_view(specs, sizes)
    views.show(view)


@main.command(
    epilog="""\b
Examples:
  symcount audit examples/tickets.py
  symcount audit mypackage.blueprints --tolerance 1.5 --at 64,128
"""
)
@click.argument("module", shell_complete=_complete_modules)
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
    type=_sizes,
    metavar="N,N,...",
    default=",".join(map(str, SIZES)),
    show_default=True,
    help="Sizes at which to count.",
)
@_json
@click.pass_context
def audit(
    ctx: click.Context, module: str, tolerance: float, sizes: tuple[int, ...], as_json: bool
) -> None:
    """Compare declared estimates with exact counts.

    The estimates are those that MODULE registers its blueprints with; the worst comes first.
    Exit code 1 says that an estimate is off by more than the tolerance at some size. Also
    named are the pairs of blueprints of which the one declared cheaper is dearer in truth.
    """
    from symcount.catalogue.audit import audit as compare

    specs = _blueprints(module)
    with _progress("comparing", len(specs)):
        found = compare(specs, sizes, tolerance)
    if as_json:
        from symcount.export.documents import json

        click.echo(json.dump(json.describe_audit(found)), nl=False)
    else:
        from symcount.cli import views

        views.show(views.audit_view(found))
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
@click.argument("targets", metavar="[TARGET]", nargs=-1, shell_complete=_complete_targets)
@click.option(
    "--registry",
    metavar="MODULE",
    shell_complete=_complete_modules,
    help="Export the blueprints of a module instead.",
)
@_derivation_options
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
@_allow_option
@click.pass_context
def export(
    ctx: click.Context,
    targets: Sequence[str],
    registry: str | None,
    settings: Sequence[tuple[str, Any]],
    declared: Sequence[tuple[str, Symbol]],
    config: str | None,
    max_seconds: float,
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
        ctx.exit(_fill(targets, max_seconds, allowed))
    if allowed:
        raise click.UsageError("--allow is for --write; a TARGET of your own needs no permission")
    from symcount.export import renderer

    target = targets[0] if targets else None
    if len(targets) > 1:
        raise click.UsageError(f"give one TARGET, not {len(targets)}; --write takes several files")
    if (target is None) == (registry is None):
        raise click.UsageError("give either a TARGET or --registry MODULE")
    if dialect is not None and form != "sql":
        raise click.UsageError("--dialect is for --format sql")
    render = renderer(form, dialect)
    if target is not None:
        count = _count(target, settings, declared, config, max_seconds)
        text = render.render_count(count, title=target)
    elif settings or declared or config:
        raise click.UsageError("--set, --symbol and --config are for a TARGET, not for a registry")
    else:
        specs = _blueprints(registry)
        with _progress("writing", len(specs)):
            text = render.render_registry(specs)
    if output is None:
        click.echo(text, nl=False)
    else:
        _write(output, text)


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

    if not paths:
        raise click.UsageError("say which documents to write: files, or folders of them")
    found = filling.documents(paths)
    answers = filling.Answers(max_seconds, Trust(allowed))
    formulas, changed, is_whole = 0, 0, True
    for path in found:
        with _progress(str(path)), _without_logs():
            document = filling.filled(path, answers)
        formulas += document.formulas
        for finding in document.errors:
            click.echo(f"error: {finding}", err=True)
            is_whole = False
        if _saved(document):
            changed += 1
            click.echo(f"{path}: {_counted(len(document.findings), 'formula')} written")
    click.echo(
        f"{changed} of {_counted(len(found), 'document')} changed; "
        f"{_counted(formulas, 'formula')} looked at"
    )
    return 0 if is_whole else 2


def _saved(document: Filled) -> bool:
    try:
        return document.write()
    except OSError as error:
        raise click.UsageError(f"cannot write {document.path}: {error.strerror}") from error


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


@main.command(
    epilog="""\b
Examples:
  symcount explore models.py:Net -o net.html
  symcount explore torch.nn:TransformerEncoderLayer --set dtype=None -o layer.html
  symcount explore transformers:LlamaModel --config LlamaConfig --symbol hidden_size -o llama.html
"""
)
@click.argument("target", shell_complete=_complete_targets)
@_derivation_options
@_all_symbols_option
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The HTML file to write, at once or not at all.",
)
def explore(
    target: str,
    settings: Sequence[tuple[str, Any]],
    declared: Sequence[tuple[str, Symbol]],
    config: str | None,
    max_seconds: float,
    all_symbols: bool,
    output: Path,
) -> None:
    """Write a page to explore the formula of TARGET in a browser.

    It is one file that opens from disk and needs no network: a slider and a field for each
    symbol, the exact count, its breakdown and its growth, all live, and a link to share.
    """
    if all_symbols:
        count, _ = _all_symbols(target, settings, declared, config, max_seconds)
    else:
        count = _count(target, settings, declared, config, max_seconds)
    _write(output, count.page(title=target))


@main.command(
    epilog="""\b
Examples:
  symcount show formulas.json
  symcount show formulas.json cnn:attention --at dim=64,512
  symcount show formulas.json cnn:attention --at dim=512 --json
"""
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("name", required=False, shell_complete=_complete_stored)
@_points_option
@_json
def show(
    file: Path, name: str | None, points: Sequence[tuple[str, tuple[int, ...]]], as_json: bool
) -> None:
    """Show the formulas stored in FILE, or the one called NAME.

    FILE is what BlueprintRegistry.save, ParamCount.save or symcount.save wrote. Formulas and
    domains are shown as they were written then; counts are computed. Nothing in FILE is executed,
    and neither torch nor sympy is loaded.
    """
    from symcount.storage.file import load

    if name is None and points:
        raise click.UsageError("--at is for one formula: give its NAME too")
    try:
        formulas = load(file)
    except OSError as error:
        raise click.UsageError(f"cannot read {file}: {error.strerror}") from error
    values = [] if name is None else _values(formulas[name], points)
    if as_json:
        from symcount.export.documents import json

        listed = [_stored(formulas, each) for each in (formulas if name is None else [name])]
        document = listed if name is None else {**listed[0], "values": list(map(vars, values))}
        click.echo(json.dump(document), nl=False)
        return
    from symcount.cli import views

    if name is None:
        views.show(views.stored_list_view(formulas))
    else:
        views.show(views.stored_view(name, formulas, values))


@main.command(
    epilog="""\b
Examples:
  symcount check formulas.json
  symcount check formulas.json --only cnn:attention
  symcount check README.md docs
  symcount check docs formulas.json --json
"""
)
@click.argument("paths", type=click.Path(exists=True, path_type=Path), nargs=-1, required=True)
@click.option("--only", metavar="NAME", multiple=True, help="Only this formula. May be repeated.")
@_allow_option
@_json
@click.pass_context
def check(
    ctx: click.Context,
    paths: Sequence[Path],
    only: Sequence[str],
    allowed: tuple[str, ...],
    as_json: bool,
) -> None:
    """Derive formulas again, and say which are not those of the code any more.

    PATHS are files that BlueprintRegistry.save, ParamCount.save or symcount.save wrote, Markdown
    and reStructuredText documents with formulas that `symcount export --write` fills in, and
    folders, in which all such files are checked.

    To derive a formula, its factory is imported and called. That is done for classes of nn.Module,
    for functions and classes of the project, which are below the folder of the file or the current
    one, and for those of packages that --allow names. Whatever else a file names is refused, and
    nothing of it is run; the standard library always is.

    Exit code 0 says that each formula is proved to be that of the code. Exit code 1 says that one
    differs, that the code has none any more, or that it cannot be checked. Each of these is named,
    with what it was and what it is, the first size at which the two differ, and the lines of code
    that have changed since; of a document, the line of the factory and those that the new terms
    come from. Exit code 2 says that a document asks for something that cannot be understood or
    found, or that something was refused.
    """
    from symcount.catalogue.trust import Trust
    from symcount.drift import checks as checkable

    trust = Trust(allowed)
    checks = [
        (file, name, run)
        for file in checkable.files_at(paths)
        for name, run in checkable.checks_of(file, trust).items()
    ]
    checks = _chosen(checks, only)
    findings: list[tuple[Path, Finding]] = []
    for file, name, run in checks:
        with _progress(name or str(file)), _without_logs():
            finding = run()
        findings.append((file, finding))
        if not (as_json or finding.is_current):
            click.echo(f"{checkable.report(file, finding)}\n")
    if as_json:
        from symcount.export.documents import json

        document = [checkable.described(file, finding) for file, finding in findings]
        click.echo(json.dump(document), nl=False)
    else:
        click.echo(_summary([finding for _, finding in findings]))
    states = {finding.state for _, finding in findings}
    if states & {"malformed", "refused"}:
        ctx.exit(2)
    if states - {"same"}:
        ctx.exit(1)


def _chosen(checks: list[_Check], only: Sequence[str]) -> list[_Check]:
    """The checks of these names, and those of files that cannot be read; all if there is no name.

    Raises:
        TargetError: there is nothing of that name.
    """
    names = {name for _, name, _ in checks}
    for name in only:
        if name not in names:
            from symcount.catalogue.targets import close_names

            raise TargetError(f"--only {name}: no formula has this name{close_names(name, names)}")
    return [each for each in checks if not only or each[1] in ("", *only)]


def _summary(findings: Sequence[Finding]) -> str:
    from symcount.drift import checks as checkable

    others = sum(not finding.is_current for finding in findings)
    checked = f"{_counted(len(findings), 'formula')} checked"
    if not others:
        return f"{checked}: as in the code"
    remedy = checkable.remedy(findings)
    advice = f" If a change is meant, {remedy}." if remedy else ""
    return f"{checked}: {others} not known to be as in the code.{advice}"


@main.command(
    epilog="""\b
Examples:
  symcount completion bash > ~/.local/share/bash-completion/completions/symcount
  symcount completion zsh > "${fpath[1]}/_symcount"
  symcount completion fish > ~/.config/fish/completions/symcount.fish
"""
)
@click.argument("shell", type=click.Choice(list(shells.SHELLS)))
def completion(shell: str) -> None:
    """Print what makes SHELL complete the words of this command line.

    Commands, options, files and modules are completed, the factories in them, the parameters of a
    factory, and the names in a file of formulas. Source files are read for that and never run.
    """
    click.echo(shells.script(shell, "symcount", "_SYMCOUNT_COMPLETE"), nl=False)


def _stored(formulas: StoredFormulas, name: str) -> dict[str, Any]:
    count = formulas[name]
    formula, domain = formulas.captions(name)
    return {
        "name": name,
        "factory": count.factory,
        "target": None if count.origin is None else count.origin.target,
        "formula": formula,
        "domain": domain,
        "grade": count.certificate.grade,
    }


# --- what the commands share ------------------------------------------------------------------


def _count(
    target: str,
    settings: Sequence[tuple[str, Any]],
    declared: Sequence[tuple[str, Symbol]],
    config: str | None,
    max_seconds: float,
) -> ParamCount:
    fixed, symbols = _arguments(settings, declared)
    from symcount.catalogue import configs
    from symcount.catalogue.targets import resolve
    from symcount.derivation import pipeline

    with _progress(target):
        found = resolve(target)
    with _progress(target), _without_logs():
        if config is not None:
            if not symbols:
                raise click.UsageError(
                    "with --config, say what to keep: --symbol NAME, or --all-symbols"
                )
            config_class = resolve(_beside(target, config)).factory
            given: dict[str, Any] = {"symbols": symbols, "max_seconds": max_seconds, **fixed}
            return configs.from_config(found.factory, config_class, **given)
        if found.spec is not None and not fixed and not symbols:
            return found.spec.param_count
        given = {"max_seconds": max_seconds, **fixed, **symbols}
        return pipeline.derive(found.factory, **given)


def _all_symbols(
    target: str,
    settings: Sequence[tuple[str, Any]],
    declared: Sequence[tuple[str, Symbol]],
    config: str | None,
    max_seconds: float,
) -> tuple[ParamCount, AllSymbols]:
    fixed, symbols = _arguments(settings, declared)
    from symcount.catalogue import configs
    from symcount.catalogue.targets import resolve

    with _progress(target):
        factory = resolve(target).factory
    with _progress(target), _without_logs():
        if config is None:
            given: dict[str, Any] = {"max_seconds": max_seconds, **fixed, **symbols}
            found = configs.all_symbols(factory, **given)
        else:
            config_class = resolve(_beside(target, config)).factory
            given = {"max_seconds": max_seconds, "symbols": symbols, **fixed}
            found = configs.all_symbols_from_config(factory, config_class, **given)
    if found.count is None:
        reasons = [f"\n  {name}: {reason}" for name, reason in found.refused.items()]
        raise UnsupportedError(
            f"{target}: none of its integers can be kept symbolic{''.join(reasons)}"
        )
    return found.count, found


def _arguments(
    settings: Sequence[tuple[str, Any]], declared: Sequence[tuple[str, Symbol]]
) -> tuple[dict[str, Any], dict[str, Symbol]]:
    fixed, symbols = dict(settings), dict(declared)
    for name in symbols:
        if name in fixed:
            raise click.UsageError(f"--set {name} fixes what --symbol {name} keeps symbolic")
    return fixed, symbols


def _beside(target: str, config: str) -> str:
    """The config's target: a name without a module is looked for where the model is."""
    return config if ":" in config else f"{target.rpartition(':')[0]}:{config}"


@contextmanager
def _without_logs() -> Iterator[None]:
    """Warnings that a factory logs are about one size of many, and come for each anew."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        yield
    finally:
        logging.disable(before)


def _values(count: ParamCount, points: Sequence[tuple[str, tuple[int, ...]]]) -> list[Value]:
    """The counts at all combinations; at the defaults if nothing is asked and all have one."""
    from symcount.export import Value

    sizes: dict[str, tuple[int, ...]] = {}
    for name, more in points:
        sizes[name] = sizes.get(name, ()) + more
    if not sizes and len(count.defaults) < len(count.hyperparameters):
        return []
    return [
        Value.of(count, dict(zip(sizes, point, strict=True))) for point in product(*sizes.values())
    ]


@contextmanager
def _progress(what: str, total: int | None = None) -> Iterator[None]:
    """A line about what takes more than a second, on standard error, if that is a terminal."""
    if not _is_terminal():
        yield
        return
    from symcount.cli.views import Progress

    with Progress(what, total, _PATIENCE) as shown, progress.heard_by(shown.heard):
        yield


def _is_terminal() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


_PATIENCE = 1.0


def _blueprints(module: str | None, topology: str | None = None) -> tuple[BlueprintSpec, ...]:
    from symcount.catalogue.targets import close_names, load_blueprints, seeds

    with _progress(module or "symcount.blueprints"):
        specs = seeds() if module is None else load_blueprints(module)
    topologies = sorted({spec.topology for spec in specs})
    if topology is None:
        return specs
    if topology not in topologies:
        raise TargetError(
            f"no topology {topology!r} in {module or 'symcount.blueprints'}"
            f"{close_names(topology, topologies)}\n  it has: {', '.join(topologies)}"
        )
    return tuple(spec for spec in specs if spec.topology == topology)


def _write(path: Path, text: str) -> None:
    """Write a file as a whole, or leave it as it was."""
    from symcount.storage import atomic

    try:
        atomic.replace(path, text)
    except OSError as error:
        raise click.UsageError(f"cannot write {path}: {error.strerror}") from error


if __name__ == "__main__":
    main()
