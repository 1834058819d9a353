"""Verify a formula against plain builds, and refuse factories that it could not hold for.

The comparison itself is that of `symcount.factory.building`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from symcount.algebra.facts import Facts
from symcount.derivation.expected import expected, listed
from symcount.derivation.explanations import (
    advice,
    changed_globals,
    explained,
    furthest,
    how_builds_differ,
    lost_symbols,
)
from symcount.derivation.frontier import MOST_ITERATIONS
from symcount.derivation.paths import Exploration
from symcount.derivation.points import NoTime, Points
from symcount.derivation.trials import Trials
from symcount.derivation.walk import traced
from symcount.errors import (
    EscapedSymbolError,
    FactoryError,
    NondeterministicError,
    UninitializedParameterError,
    UnknownShapeError,
)
from symcount.executed import Executed
from symcount.factory import ambient, building
from symcount.factory.ambient import OutsideState
from symcount.factory.call import FactoryCall
from symcount.formula.tree import Refused, Tree, leaves
from symcount.record import Concretisation
from symcount.symbols import Values
from symcount.trace.collecting import SHARDED
from symcount.trace.interrupts import NotFolded, TooLong
from symcount.trace.result import Trace
from symcount.trace.settings import Everything, Settings
from symcount.work import COMPARED, NEVER, Deadline


def require_no_memory(call: FactoryCall, builds: building.PlainBuilds, state: OutsideState) -> None:
    """Refuse a factory that builds something else because it was called before."""
    changed = state.changes()
    if not changed:
        return
    draw = random.Random(2)
    point = {h.name: h.sample(draw) for h in call.hyperparameters}
    later = builds.again_at(point)
    with state.as_before():
        first = builds.again_at(point)
    difference = how_builds_differ(first, later)
    if difference is not None:
        raise NondeterministicError(
            f"it built different modules from the same arguments ({listed(point)}): {difference}"
            f"{changed_globals(call)}. It changes {', '.join(changed)}, outside of itself; make "
            "it a function of its arguments alone."
        )


def require_a_module(call: FactoryCall, found: Exploration, builds: building.PlainBuilds) -> None:
    """Raise unless a run on symbols built a module."""
    if found.has_module:
        return
    for path in found.paths:
        if isinstance(path.trace.exception, UninitializedParameterError):
            raise path.trace.exception
    path = found.paths[0]
    raised = path.trace.raised
    assert raised is not None
    hints = listed(path.trace.hints)
    where = f" ({raised.source})" if raised.source else ""
    if not isinstance(builds.at(path.trace.hints), Exception):
        raise FactoryError(
            f"it builds a module at {hints}, but raises on symbols{where}:\n  {raised}\n"
            f"{lost_symbols(call, found)}"
        ) from path.trace.exception
    tried = len(found.paths)
    others = "another size" if tried == 2 else f"{tried - 1} other sizes"
    more = "" if tried == 1 else f", and at {others}, one for each of its branches"
    spent = ""
    if found.cut_short:
        spent = (
            f"\nExploring ended before it built a module: {found.spent}. Give it more: "
            "derive(factory, max_work=...)."
        )
    raise FactoryError(
        f"it raises{f' at {hints}' if hints else ''}{more}{where}:\n  {raised}\n"
        f"{furthest(found)}{call.unnamed_sizes or advice(raised)}{spent}"
    ) from path.trace.exception


def require_known_shapes(found: Exploration) -> None:
    """Raise if the shape of a parameter could not be followed."""
    for path in found.paths:
        for tensor in path.trace.tensors:
            if tensor.shape is None and tensor.kind == "parameter":
                where = f"{tensor.frame.source}: " if tensor.frame else ""
                if tensor.operation == SHARDED:
                    raise UnknownShapeError(
                        f"parameter {tensor.name!r} is sharded over devices. Derive the factory "
                        "without parallelize_module() or fully_shard(): it has the same count, and "
                        "memory(zero=3, shards=...) says what is left of it on each device."
                    )
                lost = _lost(path.trace)
                made = (
                    f"it was made by {tensor.operation}()"
                    if tensor.operation
                    else "it was made before the factory ran, or by a constructor that torch "
                    "reports to nobody, such as torch.Tensor(n, m)"
                )
                raise UnknownShapeError(
                    f"{where}the shape of parameter {tensor.name!r} cannot be followed: {made}."
                    f"{lost} Create it with torch.empty(...) and sizes computed from the "
                    "hyper-parameters, or fix those: derive(factory, name=value)."
                )


def _lost(found: Trace) -> str:
    losses = [c for c in found.concretisations if c.kind != "text"]
    if not losses:
        return ""
    return " A symbol became a plain number at " + "; ".join(map(str, losses)) + "."


class Checked(NamedTuple):
    """The points at which a formula was compared, and why there are fewer than there should be.

    `assumed` are the concretisations that were put to the test, each with its numbers.
    """

    points: tuple[tuple[tuple[str, int | float], ...], ...]
    missing: str = ""
    assumed: tuple[Concretisation, ...] = ()


def check(
    call: FactoryCall,
    found: Exploration,
    builds: building.PlainBuilds,
    tree: Tree,
    facts: Facts,
    lost: Sequence[Concretisation],
    executed: Executed,
    inferred: bool,
    deadline: Deadline = NEVER,
    lengths: Sequence[int] = (),
) -> Checked:
    """Compare the tree with plainly built modules, or raise.

    On every path it is compared however much that is, at further points until the deadline.
    What was `lost` is put to the test with the numbers that the code which has `executed` mentions.
    """
    may_be_wrong = bool(lost) or inferred

    def compare(points: Sequence[Values]) -> None:
        built = [builds.at(point) for point in points]
        deadline.spend(COMPARED * sum(len(b) for b in built if isinstance(b, dict)))
        mismatch = building.compare(builds, partial(expected, tree), points)
        if mismatch is not None and isinstance(mismatch.raised, EscapedSymbolError):
            raise mismatch.raised
        if mismatch is not None:
            raise explained(call, found, builds, tree, mismatch)

    choice = Points(call, found, builds, tree, facts, deadline, lengths)
    missing = ""
    for point in choice.of_paths():
        compare([point])
    if choice.unbuilt:
        missing = (
            f"{choice.unbuilt} {'path' if choice.unbuilt == 1 else 'paths'} could be compared at "
            "no point, for want of memory"
        )
    compare([dict(leaf.hints) for _, leaf in leaves(tree) if isinstance(leaf, Refused)])
    try:
        for point in choice.others(may_be_wrong):
            compare([point])
    except NoTime:
        missing = (
            missing
            or f"there was {_noun(deadline)} to compare it at {len(choice.chosen)} points only"
        )
    tried = Trials(call, found, tree, lost, executed)
    for point in tried:
        if deadline.passed:
            missing = missing or f"there was no {_noun(deadline)} to try all that is assumed"
            break
        compare([point])
    if choice.short_of_memory:
        missing = missing or f"there was memory to compare it at {len(choice.chosen)} points only"
    return Checked(
        tuple(tuple(point.items()) for point in choice.chosen), missing, tried.concretisations
    )


def _noun(deadline: Deadline) -> str:
    return "time" if deadline.work.out_of_time else "budget"


def require_same_again(call: FactoryCall, found: Exploration, settings: Settings) -> None:
    """Run a factory that drew random numbers again, as it was run but for what is drawn."""
    path = found.built[0]
    settings = replace(settings, longest=MOST_ITERATIONS)
    seen = _signature(path.trace)
    for seed in range(3):

        def reseeded(values: Values) -> Any:
            ambient.reseed(seed)  # noqa: B023
            return call(values)

        try:
            again = traced(reseeded, path.trace.hints, Everything, settings)
        except (TooLong, NotFolded):
            change = "a loop went otherwise another time"
        else:
            change = _first_change(path.trace, again) if _signature(again) != seen else ""
        if change:
            raise NondeterministicError(
                f"it built different modules from the same arguments ({listed(path.trace.hints)})"
                f", drawing random numbers: {change}. Draw them outside, and pass them in as "
                "arguments."
            )


def _signature(found: Trace) -> list[tuple[Any, ...]]:
    return [
        (t.name, None if t.shape is None else tuple(getattr(s, "hint", s) for s in t.shape))
        for t in found.tensors
    ]


def _first_change(one: Trace, other: Trace) -> str:
    for a, b in zip(_signature(one), _signature(other), strict=False):
        if a != b:
            return f"parameter {a[0]!r} of shape {a[1]} was {b[0]!r} of shape {b[1]} another time"
    return f"{len(one.tensors)} tensors, and {len(other.tensors)} another time"
