"""The command `save`: derive formulas, and keep them in a file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from symcount.cli.deriving import blueprints_of, request, shown_progress
from symcount.cli.options import (
    Given,
    complete_targets,
    derivation_options,
    registry_option,
    verbose_option,
)

if TYPE_CHECKING:
    from symcount.param_count import ParamCount


@click.command(
    short_help="Derive the formulas of TARGETS, and keep them in a file.",
    epilog="""\b
Examples:
  symcount save models.py:mlp models.py:Net -o formulas.json
  symcount save small=models.py:Net --set width=64 -o formulas.json
  symcount save --registry mypackage.blueprints -o formulas.json
""",
)
@verbose_option
@click.argument("targets", metavar="[[NAME=]TARGET]...", nargs=-1, shell_complete=complete_targets)
@registry_option("Save the blueprints of a module.")
@derivation_options
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file of formulas, such as formulas.json; written at once or not at all.",
)
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    help="Derive so many at once, each in a process of its own.",
)
def save(
    targets: Sequence[str], registry: str | None, given: Given, output: Path, jobs: int
) -> None:
    """Derive the formulas of TARGETS, and keep them in a file for `symcount check` and `show`.

    Each has the name of its factory, or NAME. A formula of that name in the file is replaced, and
    the others stay as they are, byte for byte. If one cannot be derived, nothing is written.

    To accept a change of the code later, `symcount check --update` writes what has changed.
    """
    from symcount.storage import writing

    if not targets and registry is None:
        raise click.UsageError("say what to save: TARGETS, or --registry MODULE")
    if given and not targets:
        raise click.UsageError("--set, --symbol and --config are for TARGETS, not for a registry")
    _require_place(output)
    formulas = _derived(_asked(targets, registry, given), jobs)
    try:
        others = writing.add(output, formulas)
    except OSError as error:
        raise click.UsageError(f"cannot write {output}: {error.strerror}") from error
    kept = f"; {others} more in the file" if others else ""
    click.echo(f"{output}: saved {', '.join(formulas)}{kept}")


def _require_place(output: Path) -> None:
    """Raise where the file cannot be the output, before anything is derived for it."""
    from symcount.storage.file import is_stored

    if not output.parent.is_dir():
        raise click.UsageError(f"cannot write {output}: there is no folder {output.parent}")
    if output.exists() and not is_stored(output):
        raise click.UsageError(
            f"{output} is there already, and is no file of formulas; name another file with -o"
        )


def _asked(targets: Sequence[str], registry: str | None, given: Given) -> dict[str, Any]:
    """Return what is asked for by the names of the formulas: arguments of `many.derived`."""
    from symcount.catalogue.registry import deferring

    with deferring():  # all are derived below
        specs = () if registry is None else blueprints_of(registry)
    pairs = [
        *map(partial(_named, given), targets),
        *((s.key, (s.factory, None, {})) for s in specs),
    ]
    asked: dict[str, Any] = {}
    for name, each in pairs:
        if name in asked:
            raise click.UsageError(
                f"two formulas are called {name!r}: write NAME=TARGET for one of them"
            )
        asked[name] = each
    return asked


def _named(given: Given, word: str) -> tuple[str, Any]:
    name, equals, target = word.partition("=")
    is_named = bool(equals) and ":" not in name
    found, asked = request(target if is_named else word, given)
    return (name if is_named else found), asked


def _derived(asked: dict[str, Any], jobs: int) -> dict[str, ParamCount]:
    """Derive all, or raise the first error; in the order in which they were asked for."""
    from symcount import many, progress

    formulas: dict[str, ParamCount] = {}
    with shown_progress("deriving", len(asked)):
        if jobs == 1:
            for name, each in asked.items():
                progress.say(item=name)
                formulas[name] = many.derived(*each)
            return formulas
        for found in many.derive_many(asked, processes=jobs):
            if found.error is not None:
                raise found.error
            assert found.count is not None
            formulas[found.name] = found.count
    return {name: formulas[name] for name in asked}
