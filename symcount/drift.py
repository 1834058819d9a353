"""Whether stored formulas are still those of the code, and if not, what has changed where.

Each is derived again from its origin, and compared with what is stored: exactly, and not as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import symcount
from symcount.difference import Difference, first_difference, said
from symcount.errors import ArgumentError, SymcountError, UndecidedError
from symcount.origin import portable
from symcount.statements import ChangedLine, changes, statements_of

if TYPE_CHECKING:
    from symcount.formula import ParamCount
    from symcount.graph import Source
    from symcount.origin import Origin

State = Literal["same", "differs", "broken", "unchecked"]

# A machine may be slower than the one that derived a formula.
_PATIENCE = 3
_MOST_SHOWN = 8


class Change(NamedTuple):
    """Something about a formula that was one thing, and is another now."""

    what: str
    then: str
    now: str


@dataclass(frozen=True)
class Finding:
    """What became of a stored formula.

    Attributes:
        name: what it is called in its file.
        target: its factory.
        state: `same`; `differs` from the code; `broken` where the code has no formula any more;
            `unchecked` where it cannot be derived again.
        changes: what differs, each then and now.
        first: the first sizes at which the two differ.
        parameters: the parameters that differ, each then and now, with the lines that make them.
        lines: the lines of the factory's code that have changed since it was stored.
        reason: why it is broken or unchecked, or what is not known.
        versions: the versions of torch and symcount that are others than then.
    """

    name: str
    target: str
    state: State
    changes: tuple[Change, ...] = ()
    first: Difference | None = None
    parameters: tuple[Change, ...] = ()
    lines: tuple[ChangedLine, ...] = ()
    reason: str = ""
    versions: tuple[Change, ...] = field(default=(), compare=False)

    @property
    def is_current(self) -> bool:
        """Whether the formula is proved to be that of the code."""
        return self.state == "same"

    def __str__(self) -> str:
        return "\n".join(_report(self))


def check(
    formulas: Mapping[str, ParamCount], names: Iterable[str] | None = None
) -> Iterator[Finding]:
    """Derive formulas again, and say of each whether it is still that of the code.

    Whatever happens to one, the others are checked too. The factories are imported, so their code
    runs.

    Args:
        formulas: formulas by their names, such as `symcount.load` gives.
        names: those to check; all if not given.

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
    for name in formulas if names is None else names:
        try:
            yield check_one(name, formulas[name])
        except SymcountError as error:  # it is damaged
            yield Finding(name, "", "unchecked", reason=str(error))


def check_one(name: str, stored: ParamCount) -> Finding:
    """Derive a formula again, and say whether it is still that of the code."""
    target = (stored.origin and stored.origin.target) or stored.factory
    why = _why_unchecked(stored)
    if why:
        return Finding(name, target, "unchecked", reason=why)
    origin = stored.origin
    assert origin is not None and origin.target is not None
    about: dict[str, Any] = {"name": name, "target": target, "versions": _versions(origin)}
    try:
        now = replace(_derived_again(origin), measure=stored.measure)
        now.expr  # noqa: B018 - a measure may have no formula
    except SymcountError as error:
        return Finding(**about, state="broken", reason=str(error), lines=_lines(origin))
    changed = _changes(stored, now)
    first, reason = None, ""
    try:
        first = first_difference(stored, now)
    except ArgumentError:
        pass  # other symbols, which `changed` has
    except UndecidedError as error:
        reason = str(error)
        changed = changed or (Change("formula", str(stored), str(now)),)
    else:
        if first is None:
            changed = tuple(c for c in changed if c.what not in ("formula", "domain"))
    if not changed:
        return Finding(**about, state="same")
    return Finding(
        **about,
        state="differs",
        changes=changed,
        first=first,
        parameters=_parameters(stored, now),
        lines=_lines(origin),
        reason=reason,
    )


def _why_unchecked(stored: ParamCount) -> str:
    origin = stored.origin
    if origin is None:
        return "it is not known how it was derived"
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


def _derived_again(origin: Origin) -> ParamCount:
    from symcount import derivation, libraries, targets

    assert origin.target is not None
    factory = targets.resolve(origin.target).factory
    budget: dict[str, Any] = {
        "max_paths": origin.max_paths,
        "max_seconds": _PATIENCE * origin.max_seconds,
    }
    if origin.config is None:
        return derivation.derive(factory, **budget, **origin.arguments)
    given = dict(origin.given)
    symbols = {name: s for name, s in origin.arguments.items() if name not in given}
    config = targets.resolve(origin.config).factory
    return libraries.from_config(factory, config, symbols=symbols, **budget, **given)


# --- what differs -----------------------------------------------------------------------------


def _changes(stored: ParamCount, now: ParamCount) -> tuple[Change, ...]:
    both = [
        ("symbols", _symbols(stored), _symbols(now)),
        ("defaults", _defaults(stored), _defaults(now)),
        ("formula", str(stored), str(now)),
        ("domain", _domain(stored), _domain(now)),
    ]
    found = [Change(*each) for each in both if each[1] != each[2]]
    if not any(change.what in ("formula", "domain", "symbols") for change in found):
        ours, theirs = stored._identity, now._identity
        if ours[1:] != theirs[1:]:  # told apart by no text
            found.append(Change("formula", str(stored), str(now)))
    return tuple(found)


def _symbols(count: ParamCount) -> str:
    return "; ".join(h.declared.removeprefix("it was derived for ") for h in count.hyperparameters)


def _defaults(count: ParamCount) -> str:
    return ", ".join(f"{name}={value}" for name, value in count.defaults.items()) or "none"


def _domain(count: ParamCount) -> str:
    domain = str(count.domain)
    return "all sizes" if domain == "True" else domain


def _parameters(stored: ParamCount, now: ParamCount) -> tuple[Change, ...]:
    """The tensors that are made otherwise, and where they are made now, or else were."""
    then_parts, now_parts = stored.breakdown().parameters, now.breakdown().parameters
    sources = {w.name: w.source for count in (stored, now) for w in count._weights()}
    found = []
    for name in {**now_parts, **then_parts}:
        then, here = then_parts.get(name), now_parts.get(name)
        if then is None or here is None or then._joined != here._joined:
            place = _place(sources[name])
            what = f"{name} ({place})" if place else name
            found.append(
                Change(what, *("none" if part is None else str(part) for part in (then, here)))
            )
    return tuple(found)


def _place(source: Source | None) -> str:
    return "" if source is None else f"{portable(source.file)}:{source.line}"


def _lines(origin: Origin) -> tuple[ChangedLine, ...]:
    return tuple(changes(origin.statements, statements_of(origin.target, origin.config)))


def _versions(origin: Origin) -> tuple[Change, ...]:
    import torch

    both = [
        ("torch", origin.torch, str(torch.__version__)),
        ("symcount", origin.symcount, symcount.__version__),
    ]
    return tuple(Change(*each) for each in both if each[1] != each[2])


# --- said -------------------------------------------------------------------------------------


def _report(finding: Finding) -> Iterator[str]:
    yield f"{finding.name}: {_HEADLINES[finding.state]}"
    for change in finding.changes:
        yield f"  {change.what} then: {change.then}"
        yield f"  {' ' * len(change.what)}  now: {change.now}"
    if finding.first is not None:
        order = "first size" if finding.first.is_first else "they differ at"
        then, now = said(finding.first.left), said(finding.first.right)
        yield f"  {order}: {finding.first.where}: {then} then, {now} now"
    yield from _listed(
        "parameters", [f"{c.what}: {c.then} then, {c.now} now" for c in finding.parameters]
    )
    yield from _listed("lines that changed", list(map(str, finding.lines)))
    if finding.reason:
        yield f"  {finding.reason}"
    if finding.state in ("differs", "broken") and not finding.lines:
        yield "  no line of the factory's own code is known to have changed"
    if finding.state != "same":
        for change in finding.versions:
            yield f"  {change.what} was {change.then}, and is {change.now}"


_HEADLINES: dict[State, str] = {
    "same": "as it was",
    "differs": "the code has another formula now",
    "broken": "the code has no formula any more",
    "unchecked": "cannot be checked",
}


def _listed(title: str, items: list[str]) -> Iterator[str]:
    if items:
        yield f"  {title}:"
        yield from (f"    {item}" for item in items[:_MOST_SHOWN])
        if len(items) > _MOST_SHOWN:
            yield f"    and {len(items) - _MOST_SHOWN} more"
