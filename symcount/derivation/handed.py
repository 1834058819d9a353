"""Find what symbols are handed to and does not ask them, and what tells a run on them: assumed."""

from __future__ import annotations

from dataclasses import replace
from types import CodeType, FunctionType

from symcount.derivation.frontier import MOST_ITERATIONS
from symcount.derivation.paths import Exploration
from symcount.derivation.walk import traced
from symcount.factory.call import FactoryCall
from symcount.record import Concretisation, Source
from symcount.trace.handing import HANDED, Handing, suspects, telling_apart
from symcount.trace.interrupts import BudgetSpent, TooLong
from symcount.trace.settings import Everything, Settings
from symcount.work import Deadline

UNWATCHED = "calls of code that could not be watched"
APART = "use of what tells a run on symbols from another"


def handed(
    call: FactoryCall, found: Exploration, settings: Settings, deadline: Deadline
) -> tuple[Concretisation, ...]:
    """Return what unknown C code is given of symbols, on all paths that build a module."""
    names = tuple(sorted(h.name for h in call.hyperparameters))
    apart = [
        Concretisation(APART, names, None, _source(c)) for c in telling_apart(settings.executed)
    ]
    codes = suspects(settings.executed)
    if not codes:
        return tuple(apart)
    function = getattr(call, "function", None)
    roots = [function] if isinstance(function, FunctionType) else []
    handing = Handing(settings.executed, roots)
    settings = replace(
        settings, observer=handing, longest=MOST_ITERATIONS, deadline=deadline, splits=(), texts=()
    )
    lost: dict[Concretisation, None] = {}
    sources = [*map(_source, handing.unread)]
    for path in found.built:
        try:
            trace = traced(call, path.trace.hints, Everything, settings)
        except (BudgetSpent, TooLong):
            trace = None
        if trace is None or trace.raised is not None:
            sources += map(_source, codes)
            break
        found_here = (c for c in trace.concretisations if c.kind.startswith(HANDED))
        lost |= dict.fromkeys(found_here)
    lost |= dict.fromkeys(Concretisation(UNWATCHED, names, None, source) for source in sources)
    return (*apart, *lost)


def _source(code: CodeType) -> Source:
    return Source(code.co_filename, code.co_firstlineno, code.co_name)
