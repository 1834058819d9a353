"""The command `check`: say which formulas in files are not those of the code any more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import click

from symcount import packages
from symcount.cli.as_json import describe_finding, print_json
from symcount.cli.deriving import shown_progress
from symcount.cli.options import allow_option, json_option, verbose_option
from symcount.errors import TargetError
from symcount.shown import numbered

if TYPE_CHECKING:
    from symcount.drift.checks import AnyFinding
    from symcount.drift.drift import Finding

_Check: TypeAlias = "tuple[Path, str, Callable[[], AnyFinding]]"


@click.command(
    short_help="Say which formulas in files are not those of the code any more.",
    epilog="""\b
Examples:
  symcount check formulas.json
  symcount check formulas.json --only cnn:attention
  symcount check README.md docs
  symcount check docs formulas.json --json
  symcount check formulas.json --update
""",
)
@verbose_option
@click.argument("paths", type=click.Path(exists=True, path_type=Path), nargs=-1, required=True)
@click.option("--only", metavar="NAME", multiple=True, help="Only this formula. May be repeated.")
@allow_option
@click.option(
    "--update",
    is_flag=True,
    help="Where a stored formula is shown to differ from the code's, write that into its file.",
)
@json_option
@click.pass_context
def check(
    ctx: click.Context,
    paths: Sequence[Path],
    only: Sequence[str],
    allowed: tuple[str, ...],
    update: bool,
    as_json: bool,
) -> None:
    """Derive formulas again, and say which are not those of the code any more.

    PATHS are files that `symcount save` wrote, or a method `save` in Python, Markdown and
    reStructuredText documents with formulas that `symcount export --write` fills in, and
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

    With --update, a formula that is shown to differ is reported and then replaced by that of the
    code, and counts as right. The other formulas of its file stay as they are, byte for byte: also
    those for which time ran out, or whose code cannot be imported or has no formula any more.
    Documents are left alone; `symcount export --write` is for them.
    """
    packages.require("deriving a formula")
    from symcount.drift import checks as checkable

    findings: list[tuple[Path, AnyFinding]] = []
    for file, name, run in _chosen(_checks(paths, allowed), only):
        with shown_progress(name or str(file)):
            finding = run()
        findings.append((file, finding))
        if not (as_json or finding.is_current):
            click.echo(f"{checkable.report(file, finding)}\n")
    updated = _updated(findings) if update else []
    if as_json:
        print_json([describe_finding(*each, is_updated=each in updated) for each in findings])
    else:
        for file, names in groupby(updated, key=lambda each: each[0]):
            click.echo(f"{file}: updated {', '.join(finding.name for _, finding in names)}")
        click.echo(_summary([f for _, f in findings], [f for _, f in updated]))
    states = {finding.state for file, finding in findings if (file, finding) not in updated}
    if states & {"malformed", "refused"}:
        ctx.exit(2)
    if states - {"same"}:
        ctx.exit(1)


def _checks(paths: Sequence[Path], allowed: tuple[str, ...]) -> list[_Check]:
    from symcount.catalogue.trust import Trust
    from symcount.drift.checks import checks_of
    from symcount.drift.files import files_at

    trust = Trust(allowed)
    return [
        (file, name, run)
        for file in files_at(paths)
        for name, run in checks_of(file, trust).items()
    ]


def _updated(findings: Sequence[tuple[Path, AnyFinding]]) -> list[tuple[Path, Finding]]:
    """Write what is shown to differ into the files of formulas, and return what was written."""
    from symcount.drift import checks as checkable

    updated = []
    for file, group in groupby(findings, key=lambda each: each[0]):
        try:
            written = checkable.update(file, [finding for _, finding in group])
        except OSError as error:
            raise click.UsageError(f"cannot write {file}: {error.strerror}") from error
        updated += [(file, finding) for finding in written]
    return updated


def _chosen(checks: list[_Check], only: Sequence[str]) -> list[_Check]:
    """Select the checks of these names, and those of files that cannot be read; all without names.

    Raises:
        TargetError: there is nothing of that name.
    """
    names = {name for _, name, _ in checks}
    for name in only:
        if name not in names:
            from symcount.catalogue.targets import close_names

            raise TargetError(f"--only {name}: no formula has this name{close_names(name, names)}")
    return [each for each in checks if not only or each[1] in ("", *only)]


def _summary(findings: Sequence[AnyFinding], updated: Sequence[Finding]) -> str:
    from symcount.drift import checks as checkable

    others = [f for f in findings if not (f.is_current or f in updated)]
    checked = f"{numbered(len(findings), 'formula')} checked"
    checked += f", {len(updated)} updated" if updated else ""
    if not others:
        return f"{checked}: as in the code"
    remedy = checkable.remedy(others)
    advice = f" If a change is meant, {remedy}." if remedy else ""
    return f"{checked}: {len(others)} not known to be as in the code.{advice}"
