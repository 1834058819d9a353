"""Derive what the command line names, with a line of progress where that takes long."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from symcount import packages, progress
from symcount.cli.options import Given
from symcount.errors import TargetError, UnsupportedError

if TYPE_CHECKING:
    from symcount.catalogue.all_symbols import AllSymbols
    from symcount.catalogue.registry import BlueprintSpec
    from symcount.formula.evaluation import Evaluation
    from symcount.param_count import ParamCount
    from symcount.storage.file import StoredFormulas

_PATIENCE = 1.0


def derived(target: str, given: Given) -> ParamCount:
    """Return the formula of a target, or that which `file.json:name` stores.

    Raises:
        SymcountError: there is no such target, or it has no formula.
    """
    file, _, name = target.partition(".json:")
    if name:
        if given:
            raise click.UsageError("--set, --symbol and --config are for deriving; this is stored")
        return load(Path(f"{file}.json"))[name]
    return named(target, given)[1]


def load(file: Path) -> StoredFormulas[ParamCount]:
    """Return the formulas of a file.

    Raises:
        StoredFormulaError: it holds none.
    """
    from symcount import api

    try:
        return api.load(file)
    except OSError as error:
        raise click.UsageError(f"cannot read {file}: {error.strerror}") from error


def named(target: str, given: Given) -> tuple[str, ParamCount]:
    """Return what a target is called, and its formula.

    Raises:
        SymcountError: there is no such target, or it has no formula.
    """
    from symcount.catalogue.targets import resolve
    from symcount.many import derived as derive

    name, asked = request(target, given)
    with shown_progress(target):
        spec = resolve(target).spec
        return name, derive(*asked) if spec is None or given else spec.param_count


def request(target: str, given: Given) -> tuple[str, tuple[str, str | None, dict[str, Any]]]:
    """Return what a target is called, and what is asked of it: the arguments of `many.derived`.

    A blueprint is called by its topology too, and a factory without its module.

    Raises:
        SymcountError: there is no such target.
    """
    packages.require("deriving a formula")
    from symcount.catalogue.registry import deferring
    from symcount.catalogue.targets import resolve

    with shown_progress(target), deferring():  # what else is registered there is not asked for
        spec = resolve(target).spec
    name = target.rpartition(":")[2] if spec is None else spec.key
    options: dict[str, Any] = {**given.budget, **given.fixed}
    if given.config is None:
        return name, (target, None, {**options, **given.symbols})
    if not given.symbols:
        raise click.UsageError("with --config, say what to keep: --symbol NAME, or --all-symbols")
    config = _beside(target, given.config)
    return name, (target, config, {"symbols": given.symbols, **options})


def derived_all_symbols(target: str, given: Given) -> tuple[ParamCount, AllSymbols]:
    """Return the formula in as many symbols as derive together, and what was kept symbolic.

    Raises:
        SymcountError: there is no such target, or it has no formula.
    """
    packages.require("deriving a formula")
    from symcount.catalogue import all_symbols
    from symcount.catalogue.targets import resolve

    with shown_progress(target):
        factory = resolve(target).factory
    with shown_progress(target):
        options: dict[str, Any] = {**given.budget, **given.fixed}
        if given.config is None:
            found = all_symbols.all_symbols(factory, **{**options, **given.symbols})
        else:
            config = resolve(_beside(target, given.config)).factory
            options = {"symbols": given.symbols, **options}
            found = all_symbols.all_symbols_from_config(factory, config, **options)
    if found.count is None:
        reasons = [f"\n  {name}: {reason}" for name, reason in found.refused.items()]
        raise UnsupportedError(
            f"{target}: none of its integers can be kept symbolic{''.join(reasons)}"
        )
    return found.count, found


def _beside(target: str, config: str) -> str:
    """Return the target of a config: a name without a module is beside the model."""
    return config if ":" in config else f"{target.rpartition(':')[0]}:{config}"


def values_at(count: ParamCount, points: Sequence[tuple[str, tuple[int, ...]]]) -> list[Evaluation]:
    """Return the counts at all combinations of sizes; if none are given, that at the defaults."""
    from symcount.formula.evaluation import Evaluation

    sizes: dict[str, tuple[int, ...]] = {}
    for name, more in points:
        sizes[name] = sizes.get(name, ()) + more
    if not sizes and len(count.defaults) < len(count.hyperparameters):
        return []
    return [
        Evaluation.of(count, dict(zip(sizes, point, strict=True)))
        for point in product(*sizes.values())
    ]


@contextmanager
def shown_progress(what: str, total: int | None = None) -> Iterator[None]:
    """Show a line about what takes more than a second, on standard error, if that is a terminal."""
    if not _is_terminal():
        yield
        return
    from symcount.cli.views import Progress

    with Progress(what, total, _PATIENCE) as shown, progress.heard_by(shown.heard):
        yield


def _is_terminal() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


def blueprints_of(module: str | None, topology: str | None = None) -> tuple[BlueprintSpec, ...]:
    """Return the blueprints of a module, or symcount's own; of one topology if it is given.

    Raises:
        TargetError: there is no such module or topology.
    """
    from symcount.catalogue.targets import close_names, load_blueprints, seeds

    with shown_progress(module or "symcount.blueprints"):
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
