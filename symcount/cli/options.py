"""Options that commands share, their types, and the completion of their words."""

from __future__ import annotations

import ast
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from symcount.cli import shells
from symcount.symbols import Symbol
from symcount.work import MAX_SECONDS, MAX_WORK

if TYPE_CHECKING:
    pass


Command = TypeVar("Command", bound=Callable[..., Any])


class TakesSizes(click.Command):
    """A command with `--at` or `--set`, which says so where a size is given without them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words of the command line.

        Raises:
            click.UsageError: there are more than the command takes.
        """
        ctx.allow_extra_args = True
        more = super().parse_args(ctx, args)
        if more and not ctx.resilient_parsing:
            names = {param.name for param in self.params}
            ways = [way for name, way in _WAYS.items() if name in names and "=" in more[0]]
            hint = f"; write {' or '.join(ways).format(more[0])}" if ways else ""
            ctx.fail(f"unexpected: {' '.join(more)}{hint}")
        return more


_WAYS = {"points": "--at {0} to count there", "settings": "--set {0} to fix it"}


def complete_targets(ctx: click.Context, param: click.Parameter, word: str) -> list[str]:
    """Complete to targets."""
    from symcount.cli import completion

    return completion.targets(word)


def complete_modules(ctx: click.Context, param: click.Parameter, word: str) -> list[str]:
    """Complete to modules."""
    from symcount.cli import completion

    return completion.modules(word)


def complete_parameters(ctx: click.Context, param: click.Parameter, word: str) -> list[str]:
    """Complete to parameters of the target, or symbols of the stored formula, that stand before."""
    from symcount.cli import completion

    before = [w for w in shells.words(ctx) if not w.startswith("-")]
    if ctx.info_name == "show":
        names = completion.stored_symbols(*before[1:3]) if len(before) > 2 else []
    else:
        found = (completion.parameters(w) for w in before if ":" in w)
        names = next(filter(None, found), [])
    end = "" if param.name == "declared" else "="
    return [f"{name}{end}" for name in names if name.startswith(word)]


def complete_stored(ctx: click.Context, param: click.Parameter, word: str) -> list[str]:
    """Complete to names of stored formulas."""
    from symcount.cli import completion

    file = ctx.params.get("file")
    return completion.stored_names(file, word) if file else []


def read_setting(text: str) -> tuple[str, Any]:
    """Read `name=value`: a Python literal, or else a string."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise click.BadParameter(f"{text!r}: write name=value")
    if value in ("true", "false", "none"):
        raise click.BadParameter(f"{text!r}: write {value.capitalize()}, or \"'{value}'\"")
    try:
        return name, ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return name, value


def read_declaration(text: str) -> tuple[str, Symbol]:
    """Read `name`, `name:min=64,max=512,multiple_of=64`, or `name:real`."""
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


def read_sizes(text: str) -> tuple[int, ...]:
    """Read `64,512`."""
    sizes = text.split(",")
    if not all(size.strip().isdecimal() for size in sizes):
        raise click.BadParameter(f"{text!r}: write whole numbers, such as 64,512")
    return tuple(map(int, sizes))


def read_point(text: str) -> tuple[str, tuple[int, ...]]:
    """Read `dim=64,512`."""
    name, equals, sizes = text.partition("=")
    if not (name and equals):
        raise click.BadParameter(f"{text!r}: write the symbol too, such as dim=64,512")
    return name, read_sizes(sizes)


@dataclass(frozen=True)
class Given:
    """Values and declarations of parameters, as the command line gives them.

    Attributes:
        fixed: the parameters that are fixed, by `--set`.
        symbols: those that are kept symbolic, by `--symbol`.
        config: the class of the config that the target takes, if it takes one.
        max_work: how much a derivation may do.
        max_seconds: how long one may take.

    Raises:
        UsageError: a parameter is both fixed and kept symbolic.
    """

    fixed: Mapping[str, Any]
    symbols: Mapping[str, Symbol]
    config: str | None
    max_work: int
    max_seconds: float

    def __post_init__(self) -> None:
        for name in self.symbols:
            if name in self.fixed:
                raise click.UsageError(f"--set {name} fixes what --symbol {name} keeps symbolic")

    @property
    def budget(self) -> dict[str, Any]:
        """The options of `derive` that say how much it may do."""
        return {"max_work": self.max_work, "max_seconds": self.max_seconds}

    def __bool__(self) -> bool:
        return bool(self.fixed or self.symbols or self.config)


def derivation_options(command: Command) -> Command:
    """Add the options that say which parameters are symbols, as an argument `given`."""

    @wraps(command)
    def called(
        *args: Any,
        settings: Sequence[tuple[str, Any]],
        declared: Sequence[tuple[str, Symbol]],
        config: str | None,
        max_work: int,
        max_seconds: float,
        **rest: Any,
    ) -> Any:
        given = Given(dict(settings), dict(declared), config, max_work, max_seconds)
        return command(*args, given=given, **rest)

    for option in reversed(_DERIVATION):
        called = option(called)
    return cast(Command, called)


_DERIVATION = (
    click.option(
        "--set",
        "settings",
        type=read_setting,
        metavar="NAME=VALUE",
        multiple=True,
        shell_complete=complete_parameters,
        help="Fix a parameter: a Python literal, or else a string. May be repeated.",
    ),
    click.option(
        "--symbol",
        "declared",
        type=read_declaration,
        metavar="NAME[:LIMITS]",
        multiple=True,
        shell_complete=complete_parameters,
        help="Keep a parameter symbolic; limit its values as in dim:min=64,multiple_of=64. "
        "May be repeated.",
    ),
    click.option(
        "--config",
        metavar="CLASS",
        help="TARGET takes a config of this class, a name in TARGET's module or "
        "package.module:Class. --set and --symbol are then about the config.",
    ),
    click.option(
        "--max-work",
        type=click.IntRange(min=1),
        default=MAX_WORK,
        show_default=True,
        help="How much a derivation may do, in units of about a microsecond.",
    ),
    click.option(
        "--max-seconds",
        type=click.FloatRange(min=0, min_open=True),
        default=MAX_SECONDS,
        show_default=True,
        help="A last resort: when the clock ends a derivation, and what it gives depends on the "
        "machine.",
    ),
)


all_symbols_option = click.option(
    "--all-symbols",
    is_flag=True,
    help="Keep every integer symbolic that can be, and say why the others cannot. Many "
    "derivations may be needed; --max-work limits each.",
)
points_option = click.option(
    "--at",
    "points",
    type=read_point,
    metavar="NAME=N,N,...",
    multiple=True,
    shell_complete=complete_parameters,
    help="Values at which to count; repeated for other symbols, all combinations.",
)


def registry_option(text: str) -> Callable[[Command], Command]:
    """Return the option that takes all blueprints of a module."""
    return click.option("--registry", metavar="MODULE", shell_complete=complete_modules, help=text)


allow_option = click.option(
    "--allow",
    "allowed",
    metavar="PACKAGE",
    multiple=True,
    help="Also call the functions and classes of this package, or of the code in this folder, for "
    "a document. May be repeated.",
)


def verbose_option(command: Command) -> Command:
    """Add `-v`; without it, what the code that is run logs and warns of is not shown."""

    @wraps(command)
    def called(*args: Any, verbose: bool, **rest: Any) -> Any:
        with _with_warnings() if verbose else _without_warnings():
            return command(*args, **rest)

    text = "Show what the code that is run logs and warns of."
    option = click.option("-v", "--verbose", is_flag=True, help=text)
    return cast(Command, option(called))


def _with_warnings() -> AbstractContextManager[None]:
    from symcount.factory import ambient

    return ambient.showing_warnings()


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Hide warnings of factories: each is about one size of many, and comes for each.

    Warnings that are errors stay errors.
    """
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    with warnings.catch_warnings():
        if not any(action == "error" for action, *_ in warnings.filters):
            warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logging.disable(before)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
