"""Detect drift between stored formulas and the code, and find what has changed where.

Each is derived again from its origin, and compared with what is stored: exactly, and not as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from symcount import packages
from symcount.catalogue.trust import Trust
from symcount.errors import (
    DerivationError,
    ImportFailedError,
    NotTrustedError,
    StoredFormulaError,
    SymcountError,
    UndecidedError,
)
from symcount.factory.origin import portable
from symcount.factory.statements import ChangedLine, changes, is_loaded, statements_of
from symcount.param_count import ParamCount
from symcount.questions.equality import Difference, first_difference
from symcount.version import __version__

if TYPE_CHECKING:
    from symcount.factory.origin import Origin


FindingState = Literal[
    "same", "differs", "broken", "unimported", "undecided", "unchecked", "refused"
]

# A machine may be slower than the one that derived a formula.
_PATIENCE = 3
# Whatever a file says, a derivation is not given more than so many seconds.
_MOST_SECONDS = 300.0
# For formulas that were derived when time was counted, and not work.
_UNITS_PER_SECOND = 1_000_000
_MOST_SHOWN = 8
_GRADES = ("partial", "checked", "complete")


class Change(NamedTuple):
    """A property of a formula, as it was and as it is now."""

    what: str
    then: str
    now: str


@dataclass(frozen=True)
class Finding:
    """The state of a stored formula, and how it differs from that of the code.

    Attributes:
        name: what it is called in its file.
        target: its factory.
        state: `same`; `differs` from the code; `broken` where the code has no formula any more;
            `unimported` where an import failed, so that nothing is known of the code;
            `undecided` where the clock has ended the derivation, so that this is no difference;
            `unchecked` where it cannot be derived again; `refused` where it names something that
            is not called for a file, so that nothing has run.
        changes: what differs, each then and now: `symbols`, `defaults`, `formula`, `domain`, and
            `grade`, that of the certificate, if it is a lower one now.
        first: the first sizes at which the two differ.
        parameters: the parameters that differ, each then and now, with the lines that make them.
        lines: the lines of the factory's code that have changed since it was stored; those first
            that are in a function or class that makes one of the parameters.
        reason: why it is broken, unimported, undecided, unchecked or refused, or what is not
            known.
        versions: the versions of torch and symcount that are others than then.
        now: the formula of the code, where it is shown to be another.
    """

    name: str
    target: str
    state: FindingState
    changes: tuple[Change, ...] = ()
    first: Difference | None = None
    parameters: tuple[Change, ...] = ()
    lines: tuple[ChangedLine, ...] = ()
    reason: str = ""
    versions: tuple[Change, ...] = field(default=(), compare=False)
    now: ParamCount | None = field(default=None, compare=False, repr=False)

    @property
    def is_current(self) -> bool:
        """Tell whether the formula is proved to be that of the code."""
        return self.state == "same"

    def __str__(self) -> str:
        return "\n".join(_report(self))


def check(
    formulas: Mapping[str, ParamCount],
    names: Iterable[str] | None = None,
    *,
    allow: Iterable[str] = (),
) -> Iterator[Finding]:
    """Derive formulas again, and say of each whether it is proved to be that of the code still.

    What is not proved is a finding. Whatever happens to one formula, the others are checked too.
    The factories are imported and called if they are classes of `nn.Module`, or code that is below
    the current directory or of a package that is allowed; others are refused.

    Args:
        formulas: formulas by their names, such as `symcount.load` gives.
        names: which of them; all if not given.
        allow: packages whose functions and classes may be called too, by their names.

    Yields:
        A finding for each, in order.

    >>> import symcount, tempfile
    >>> from pathlib import Path
    >>> from torch import nn
    >>> path = Path(tempfile.mkdtemp()) / "formulas.json"
    >>> symcount.save(path, {"attention": symcount.derive(nn.MultiheadAttention)})
    >>> [(finding.name, finding.state) for finding in check(symcount.load(path))]
    [('attention', 'same')]
    """
    trust = Trust(tuple(allow))
    for name in formulas if names is None else names:
        yield check_one(name, formulas, trust)


def check_one(name: str, formulas: Mapping[str, ParamCount], trust: Trust) -> Finding:
    """Derive one of the formulas again, and say whether it is proved to be that of the code."""
    packages.require("deriving a formula")
    try:
        stored = formulas[name]
    except StoredFormulaError as error:
        return Finding(name, "", "unchecked", reason=str(error))
    target = (stored.origin and stored.origin.target) or stored.factory
    why = _why_unchecked(stored)
    if why:
        return Finding(name, target, "unchecked", reason=why)
    origin = stored.origin
    assert origin is not None and origin.target is not None
    about: dict[str, Any] = {"name": name, "target": target, "versions": _versions(origin)}
    try:
        again = _derived_again(origin, trust).formula
        now = ParamCount(replace(again, measure=stored.formula.measure))
        now.expr  # noqa: B018 - a measure may have no formula
    except NotTrustedError as error:
        return Finding(name, target, "refused", reason=str(error))
    except (Exception, SystemExit) as error:
        reason = _why_broken(error)
        if isinstance(error, DerivationError) and error.out_of_time:
            return Finding(**about, state="undecided", reason=reason)
        module = _not_imported(error)
        if module is not None:
            where = (
                f"Check it where {module} can be imported: in the folder where the formulas were "
                "saved, with that folder in PYTHONPATH, or with its package installed."
            )
            return Finding(**about, state="unimported", reason=f"{reason}\n{where}")
        return Finding(**about, state="broken", reason=reason, lines=_lines(origin))
    changed, first, reason = _compared(stored, now)
    if changed and now.certificate.out_of_time:
        return Finding(**about, state="undecided", reason=now.certificate.reason)
    if changed:
        parameters = _parameters(stored, now)
        lines = _lines(origin, sorted({p.source for p in parameters if p.source}))
        return Finding(
            **about,
            state="differs",
            changes=changed,
            first=first,
            parameters=tuple(p.change for p in parameters),
            lines=lines,
            reason=reason,
            now=None if reason else _to_be_stored(now, origin),
        )
    if stored.formula.measure.names is not None and _names(stored) != _names(now):
        return Finding(**about, state="unchecked", reason=_OTHER_NAMES)
    return Finding(**about, state="same")


_OTHER_NAMES = (
    "it is of some of the parameters, chosen by their names, and the module has parameters of "
    "other names now. Choose again, and save the formula again"
)


def _why_broken(error: BaseException) -> str:
    if isinstance(error, SymcountError):
        return str(error)
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, SystemExit):
        return f"the factory ends the process: {said}"
    return f"{said}\nThis is a defect of symcount; please report it."


def _not_imported(error: BaseException | None) -> str | None:
    """Return the module whose import failed, be it the factory's or one that it imports itself."""
    while error is not None:
        if isinstance(error, ImportFailedError):
            return error.module
        if isinstance(error, ModuleNotFoundError) and error.name:
            return error.name
        error = error.__cause__
    return None


def _names(count: ParamCount) -> set[str]:
    return {weight.name for weight in count.formula.tensors()}


def _why_unchecked(stored: ParamCount) -> str:
    origin = stored.origin
    if origin is None:
        return (
            "it is not known how it was derived: it was computed from other formulas. Save those, "
            "which can be checked"
        )
    if origin.target is None:
        return (
            "its factory has no name to find it by. Define it with `def` at the top level of a "
            "file, and save the formula again"
        )
    if origin.unnamed:
        names = ", ".join(origin.unnamed)
        return f"a file cannot hold the values that were given for {names}"
    derived = [h.name for h in origin.hyperparameters]
    if stored.certificate.substituted or [h.name for h in stored.hyperparameters] != derived:
        return (
            "it was rewritten, by substitute() or rename(), after it was derived. Save the formula "
            "as it was derived"
        )
    return ""


def _derived_again(origin: Origin, trust: Trust) -> ParamCount:
    from symcount.api import derive
    from symcount.catalogue import configs, targets

    assert origin.target is not None
    factory = targets.resolve(origin.target, trust).factory
    budget: dict[str, Any] = {
        "max_paths": origin.max_paths,
        "max_work": origin.max_work or round(origin.max_seconds * _UNITS_PER_SECOND),
        "max_seconds": min(_PATIENCE * origin.max_seconds, _MOST_SECONDS),
    }
    if origin.config is None:
        return derive(factory, **budget, **origin.arguments)
    given = dict(origin.given)
    symbols = {name: s for name, s in origin.arguments.items() if name not in given}
    config = targets.resolve(origin.config, trust, factory).factory
    return configs.from_config(factory, config, symbols=symbols, **budget, **given)


def _to_be_stored(now: ParamCount, before: Origin) -> ParamCount:
    """Return the formula as if it had been derived with the patience that it was stored with."""
    origin = now.formula.origin
    assert origin is not None
    origin = replace(origin, max_seconds=before.max_seconds)
    return ParamCount(replace(now.formula, origin=origin))


# --- what differs -----------------------------------------------------------------------------


def _compared(
    stored: ParamCount, now: ParamCount
) -> tuple[tuple[Change, ...], Difference | None, str]:
    """Return what differs, where first, and what is not known."""
    changed = _changes(stored, now)
    if any(change.what == "symbols" for change in changed):
        return changed, None, ""
    try:
        first = first_difference(stored, now)
    except UndecidedError as error:
        return changed or (Change("formula", str(stored), str(now)),), None, str(error)
    if first is None:
        return tuple(c for c in changed if c.what not in ("formula", "domain")), None, ""
    if not any(change.what in ("formula", "domain") for change in changed):
        changed += (Change("formula", str(stored), str(now)),)  # told apart by no text
    return changed, first, ""


def _changes(stored: ParamCount, now: ParamCount) -> tuple[Change, ...]:
    both = [
        ("symbols", _symbols(stored), _symbols(now)),
        ("defaults", _defaults(stored), _defaults(now)),
        ("formula", str(stored), str(now)),
        ("domain", _domain(stored), _domain(now)),
    ]
    grades = stored.certificate.grade, now.certificate.grade
    if _GRADES.index(grades[1]) < _GRADES.index(grades[0]):
        both.append(("grade", *grades))
    return tuple(Change(*each) for each in both if each[1] != each[2])


def _symbols(count: ParamCount) -> str:
    return "; ".join(
        h.declared.removeprefix("it was derived for ") + (" (a float)" if h.real else "")
        for h in count.hyperparameters
    )


def _defaults(count: ParamCount) -> str:
    return ", ".join(f"{name}={value}" for name, value in count.defaults.items()) or "none"


def _domain(count: ParamCount) -> str:
    domain = str(count.domain)
    return "all sizes" if domain == "True" else domain


class _Parameter(NamedTuple):
    change: Change
    source: tuple[str, int] | None


def _parameters(stored: ParamCount, now: ParamCount) -> list[_Parameter]:
    """List the tensors that are made otherwise, and where they are made now, or else were."""
    then_parts, now_parts = stored.breakdown().parameters, now.breakdown().parameters
    sources = {w.name: w.source for count in (stored, now) for w in count.formula.tensors()}
    found = []
    for name in {**now_parts, **then_parts}:
        then, here = then_parts.get(name), now_parts.get(name)
        if then is None or here is None or then.formula.joined != here.formula.joined:
            source = sources[name]
            place = None if source is None else (portable(source.file), source.line)
            what = name if place is None else f"{name} ({place[0]}:{place[1]})"
            texts = ("none" if part is None else str(part) for part in (then, here))
            found.append(_Parameter(Change(what, *texts), place))
    return found


def _lines(origin: Origin, makers: Iterable[tuple[str, int]] = ()) -> tuple[ChangedLine, ...]:
    """List the lines that have changed, those near to the lines of `makers` first."""
    before = origin.statements
    now = statements_of(origin.target, origin.config)
    if not before or not (now or is_loaded(origin.target or "")):
        return ()  # nothing is known of how it was, or is
    near = {
        (each.file, each.name)
        for each in now
        for file, line in makers
        if each.file == file and each.line <= line < each.line + len(each.digests)
    }
    found = changes(before if now else before[:1], now)
    return tuple(sorted(found, key=lambda line: (line.file, line.within) not in near))


def _versions(origin: Origin) -> tuple[Change, ...]:
    import torch

    both = [
        ("torch", origin.torch, str(torch.__version__)),
        ("symcount", origin.symcount, __version__),
    ]
    return tuple(Change(*each) for each in both if each[1] != each[2])


# --- said -------------------------------------------------------------------------------------


def _report(finding: Finding) -> Iterator[str]:
    yield f"{finding.name}: {_HEADLINES[finding.state]}"
    for change in finding.changes:
        yield f"  {change.what} then: {change.then}"
        yield f"  {' ' * len(change.what)}  now: {change.now}"
    if finding.first is not None:
        yield f"  {finding.first.told('then', 'now')}"
    yield from _listed(
        "parameters", [f"{c.what}: {c.then} then, {c.now} now" for c in finding.parameters]
    )
    yield from _listed("lines that changed", list(map(str, finding.lines)))
    if finding.reason:
        yield from (f"  {line}" for line in finding.reason.splitlines())
    if finding.state == "differs" and not finding.lines:
        yield "  no line of the factory's own code is known to have changed"
    if finding.state != "same":
        for change in finding.versions:
            yield f"  {change.what} was {change.then}, and is {change.now}"


_HEADLINES: dict[FindingState, str] = {
    "same": "as it was",
    "differs": "the code has another formula now",
    "broken": "the code has no formula any more",
    "unimported": "its code cannot be imported",
    "undecided": "time ran out before it was known",
    "unchecked": "cannot be checked",
    "refused": "is not checked, since a file may not have this called",
}


def _listed(title: str, items: list[str]) -> Iterator[str]:
    if items:
        yield f"  {title}:"
        yield from (f"    {item}" for item in items[:_MOST_SHOWN])
        if len(items) > _MOST_SHOWN:
            yield f"    and {len(items) - _MOST_SHOWN} more"
