"""Find the plain values that grow with a loop and decide something: nothing recorded explains them.

A loop over a symbol is gone through a few times. A counter of the factory's own, the length of a
list that the loop fills, a budget that it spends are plain numbers, and the hundredth iteration may
differ by them from all that were seen. So a path is run once more, with two numbers of iterations,
and whatever may decide something by a plain value reports it (`symcount.trace.observing`). What is
the same in all iterations that decided alike, and for both numbers, is carried nowhere. The rest is
an assumption, unless it is of a kind that can decide nothing later that it did not decide so far.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice, repeat
from types import FunctionType
from typing import Any, NamedTuple

from symcount.algebra.comparing import compare
from symcount.algebra.conditions import Decisions
from symcount.algebra.evaluate import value
from symcount.algebra.poly import Call, Poly, Variable, const
from symcount.derivation.frontier import MOST_ITERATIONS
from symcount.derivation.lengths import has_index_in, lengths_of
from symcount.derivation.paths import Exploration, Path, takes
from symcount.derivation.seen import TEXT, ObservedRun, Seen, Tags
from symcount.derivation.uniform import is_uniform
from symcount.derivation.walk import traced
from symcount.factory.call import FactoryCall
from symcount.formula.signature import declared_facts
from symcount.record import Concretisation, Frame, Source
from symcount.symbols import Values
from symcount.trace.interrupts import BudgetSpent, TooLong
from symcount.trace.loops import Loop
from symcount.trace.observing import Observer
from symcount.trace.reporting import SITES, Site
from symcount.trace.settings import Everything, Settings
from symcount.work import Deadline

UNTRIED = "loops with more iterations, for want of time"
UNSEEN = "loops that could not be observed"
RARE = "iterations of a kind that was seen once"

UNREAD = "code without source that runs in or after a loop"

_MOST_HINTS = 24
# A length that changes with steps of a symbol is looked for further away.
_MOST_DOUBLINGS = 22
_MOST_LENGTHS = 60
_STEPS = 200_000  # of the solver, for a path on which a length may be another
# A kind of iteration is observed twice if it comes twice among the first of these numbers. That it
# comes again later is found among the second.
_OBSERVED = 130
_FURTHER = (5040, 2520, 840, 240, 120, 60, 24, 12, 6, 5, 4, 3, 2, 1)
_OUTER = range(4)  # iterations of the loops around
# Numbers of iterations that are tried whatever it is that may decide something, and for texts.
MANY = (65, 101, 130)
_MORE_DIGITS = (10, 11, 12, 100, 102)


class Carried(NamedTuple):
    """What is taken for granted of loops, and the numbers of iterations at which it may fail.

    It is `uniform` if nothing is, and a loop over what they have left does the same each time.
    """

    assumed: tuple[Concretisation, ...] = ()
    lengths: tuple[int, ...] = ()
    uniform: bool = False


def carried(
    call: FactoryCall, found: Exploration, settings: Settings, deadline: Deadline
) -> Carried:
    """Return what the loops of all paths carry along unseen."""
    if settings.specialising or not found.has_loops:
        return Carried()
    function = getattr(call, "function", None)
    roots = [function] if isinstance(function, FunctionType) else []
    observer = Observer(settings.executed, roots)
    settings = replace(
        settings, observer=observer, longest=MOST_ITERATIONS, deadline=deadline, splits=(), texts=()
    )
    symbols = tuple(sorted(found.short))
    assumed: dict[Concretisation, None] = {}
    lengths: dict[int, None] = {}
    uniform = True
    for path in _of_each_kind(found.built):
        if any(c.value is None or c.kind == TEXT for c in path.trace.concretisations):
            lengths |= dict.fromkeys((*MANY, *_MORE_DIGITS))
        needed, is_rare = _needed(path, found.short)
        longer = list(_longer(call, path, found.short, needed))
        longer = longer or list(_longer(call, path, found.short, {}))
        try:
            runs, has_failed = _observed(call, path, longer, settings)
            is_rare |= not _came_twice(path, runs, needed)
            is_unseen = has_failed or not _have_other_lengths(call, path, runs)
            reason = UNSEEN if is_unseen else RARE if is_rare else ""
        except BudgetSpent:
            runs, reason = [], UNTRIED
        if reason:
            places = sources_of_loops(call, path)
            assumed |= dict.fromkeys(Concretisation(reason, symbols, None, p) for p in places)
        uniform &= len(runs) > 1
        if reason == UNTRIED:
            break
        for site, seen in _sites(runs):
            reason = seen.reason()
            uniform = uniform and is_uniform(site.kind, seen.events)
            if reason:
                assumed[Concretisation(reason, symbols, None, site.source)] = None
                lengths |= dict.fromkeys(MANY if reason != TEXT else (*MANY, *_MORE_DIGITS))
                lengths |= dict.fromkeys(seen.lengths())
    for code in observer.unread:
        source = Source(code.co_filename, code.co_firstlineno, code.co_name)
        assumed[Concretisation(UNREAD, symbols, None, source)] = None
    uniform = uniform and not assumed
    return Carried(tuple(assumed), tuple(sorted(lengths)[:_MOST_LENGTHS]), uniform)


def sources_of_loops(call: FactoryCall, path: Path) -> list[Source]:
    """Return where the loops of a path are; where the factory is if one is made nowhere."""
    frames = [node.frame for node in path.trace.unrolled if node.frame is not None]
    code = getattr(call.function, "__code__", None)
    if code is not None and not frames:  # a list as long as a symbol itself
        frames = [Frame(code, 0)]
    return [frame.source for frame in frames]


def _of_each_kind(paths: Iterable[Path]) -> Iterator[Path]:
    """List paths with loops, but those of which all turns were taken by others before."""
    known: set[tuple[int, int, bool]] = set()
    for path in paths:
        if path.trace.loops or path.trace.unrolled:
            turns = {
                (id(b.node.frame.code), b.node.frame.lasti, b.taken)
                for b in path.trace.branches
                if b.node.frame is not None
            }
            if not known or not turns <= known:
                known |= turns
                yield path


def _needed(path: Path, short: Iterable[str]) -> tuple[dict[str, int], bool]:
    """Return by how many iterations of each loop every kind of them has come twice.

    Kinds are told apart by what they decide in view of the index. Return also whether one comes
    again so late that it is not to be observed. One that comes once, such as the first, needs not.
    """
    hints = path.trace.hints
    moved = ({**hints, **{name: hints[name] + by for name in short}} for by in _FURTHER)
    far = next((point for point in moved if path.is_taken_by(point)), hints)
    counts = {loop.name: path.lowering(loop.count).poly for loop in path.trace.loops}
    needed: dict[str, int] = {}
    is_rare = False
    for name, root in path.loops.items():
        most = _FURTHER[0]
        if name in counts and not has_index_in(counts[name]):
            most = min(most, int(value(counts[name], far)))
        for decisions in (p.decisions for p in root.below() if p.path is not None and p.decisions):
            numbers = list(islice(_numbers_of(decisions, name, far, most), 2))
            if len(numbers) == 2 and numbers[1] < _OBSERVED:
                needed[name] = max(needed.get(name, 0), numbers[1] + 1)
            is_rare |= len(numbers) == 2 and numbers[1] >= _OBSERVED
    return needed, is_rare


def _numbers_of(decisions: Decisions, name: str, far: Values, most: int) -> Iterator[int]:
    """Yield the numbers of the iterations that decide so, in order, among so many."""
    atoms = {a for c, _ in decisions for side in (c.left, c.right) for a in side.atoms()}
    around = [a.name for a in atoms if isinstance(a, Variable) and a.is_index and a.name != name]
    terms = (m for c, _ in decisions for side in (c.left, c.right) for m in side.terms)
    is_linear = not any(isinstance(a, Call) for a in atoms) and all(
        exponent == 1 for monomial in terms for _, exponent in monomial
    )
    for number in range(min(most, _OBSERVED) if is_linear else most):  # they are next to each other
        points = ({**far, name: number, **dict.fromkeys(around, outer)} for outer in _OUTER)
        if any(takes(decisions, point) for point in (points if around else islice(points, 1))):
            yield number


def _observed(
    call: FactoryCall, path: Path, longer: Iterable[Values], settings: Settings
) -> tuple[list[ObservedRun], bool]:
    """Run a path with two numbers of iterations, and have it report.

    Return also whether a run failed, though the path does not.
    """
    observer: Observer = settings.observer
    runs: list[ObservedRun] = []
    numbered: dict[Hashable, int] = {}
    has_failed = False
    for hints in (path.trace.hints, *longer):
        try:
            trace = traced(call, hints, Everything, settings)
        except TooLong:  # of a few iterations more
            has_failed = True
            continue
        if observer.has_failed or (trace.raised is not None and path.trace.raised is None):
            has_failed = True
            continue
        decided: dict[Tags, list[bool]] = {}
        for branch in trace.branches:
            tags = tuple((loop.name, number) for loop, number in branch.tags)
            decided.setdefault(tags, []).append(branch.taken)
        runs.append(
            ObservedRun(
                hints,
                {site: tuple(events) for site, events in observer.events.items()},
                {tags: tuple(truths) for tags, truths in decided.items()},
                _longest(trace.loops),
                observer.shifts.sites,
                numbered,
            )
        )
    return runs, has_failed


def _have_other_lengths(call: FactoryCall, path: Path, runs: Sequence[ObservedRun]) -> bool:
    """Tell whether all that may have another length had one in two runs."""
    return all(
        len({value(length, run.hints) for run in runs}) > 1
        or not any(True for _ in _elsewhere(call, path, length))
        for length in lengths_of(path)
    )


def _came_twice(path: Path, runs: Sequence[ObservedRun], needed: Mapping[str, int]) -> bool:
    """Tell whether loops had as many iterations as needed; code that reports renames them."""
    order = list(_longest(path.trace.loops))
    lengths = [dict(zip(order, run.lengths.values(), strict=False)) for run in runs]
    return all(any(found.get(k, 0) >= n for found in lengths) for k, n in needed.items())


def _longest(loops: Iterable[Loop]) -> dict[str, int]:
    """Return how many iterations the loops of a name have at most."""
    longest: dict[str, int] = {}
    for loop in loops:
        longest[loop.name] = max(loop.length, longest.get(loop.name, 0))
    return longest


def _longer(
    call: FactoryCall, path: Path, short: Iterable[str], needed: Mapping[str, int]
) -> Iterator[Values]:
    """Find other numbers of iterations of a path: of all loops, or of one after another.

    They are no fewer than are needed of each loop.
    """
    hints = path.trace.hints
    ranges = [h for h in call.hyperparameters if h.name in short]
    lengths = lengths_of(path)

    def moved(names: Sequence[Any], by: int) -> dict[str, Any]:
        return {
            **hints,
            **{h.name: h.aligned(hints[h.name] + by + i) for i, h in enumerate(names)},
        }

    counts = [
        (path.lowering(loop.count).poly, needed[loop.name])
        for loop in path.trace.loops
        if loop.name in needed
    ]

    def fits(point: Mapping[str, Any], other: Sequence[Poly], least: bool = False) -> bool:
        is_taken = all(map(_is_other, other, repeat(hints), repeat(point))) and point != hints
        is_long = not least or all(_at_least(*each, point) for each in counts)
        return is_taken and is_long and path.is_taken_by(point)

    most = _MOST_HINTS + max(needed.values(), default=0)
    steps = (
        *range(1, most), *range(-1, -_MOST_HINTS, -1), *(1 << n for n in range(7, _MOST_DOUBLINGS))
    )  # fmt: skip
    together = [moved(ranges, by) for by in steps]
    first = next((p for p in together if fits(p, lengths, least=True)), None)
    if first is not None:
        yield first
        return
    apart = [moved([h], by) for h in ranges for by in steps] if not needed else []
    for h in ranges if not needed else ():
        yield from islice((p for p in apart if p[h.name] != hints[h.name] and fits(p, ())), 1)
    for length in lengths:
        solved = ({**hints, **p} for p in _elsewhere(call, path, length) if p is not None)
        others = chain(together, apart, solved)
        yield from islice((p for p in others if fits(p, [length])), 1)


def _elsewhere(call: FactoryCall, path: Path, length: Poly) -> Iterator[Values | None]:
    """Find values that take a path with another length; none if there are no such values."""
    from symcount.algebra.solver import Solver

    facts = declared_facts(call.hyperparameters)
    here = const(value(length, path.trace.hints))
    condition, polarity = compare("ne", length, here, facts)
    if condition is not None and (condition, not polarity) not in path.decisions:
        solver = Solver(call.hyperparameters, facts, steps=_STEPS)
        yield from solver.models((*path.decisions, (condition, polarity)))


def _is_other(length: Poly, point: Values, other: Values) -> bool:
    return value(length, point) != value(length, other)


def _at_least(count: Poly, least: int, point: Values) -> bool:
    """Tell whether a loop has so many iterations, unless that depends on the loop around."""
    return has_index_in(count) or value(count, point) >= least


def _sites(runs: Sequence[ObservedRun]) -> Iterator[tuple[Site, Seen]]:
    for number in dict.fromkeys(site for run in runs for site in run.events):
        events = [(run, event) for run in runs for event in run.events.get(number, ())]
        shifts = any(number in run.shifting for run in runs)
        yield SITES[number], Seen(SITES[number], runs, events, shifts)
