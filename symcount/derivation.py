"""`derive(factory, ...) -> ParamCount`: trace, explore, lower, join, verify."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

from symcount import ambient, mentions, verify
from symcount.algebra import Facts
from symcount.ambient import OutsideState
from symcount.calls import FactoryCall
from symcount.checking import (
    HELD_OUT,
    check,
    require_a_module,
    require_known_shapes,
    require_no_memory,
    require_same_again,
)
from symcount.errors import (
    DerivationError,
    IncompleteError,
)
from symcount.explore import (
    Exploration,
    Tracer,
    explore,
    first_hints,
    kinds_that_matter,
)
from symcount.formula import Certificate, Grade, ParamCount
from symcount.joining import join
from symcount.symbols import Hyperparameter
from symcount.trace import Concretisation

_EXPLORING = 0.8  # of the time
_MOST_TEXTS = 48


def derive(
    factory: Callable[..., Any],
    /,
    *,
    max_paths: int = 64,
    max_seconds: float = 10.0,
    strict: bool = False,
    **fixed: Any,
) -> ParamCount:
    """Derive the exact parameter count of what `factory` builds, or raise; never guess.

    The factory is run on symbols, once for each path through its branches. Nothing is returned
    before the formula has been compared, parameter by parameter, with modules built plainly on
    the meta device, at the hints and at other points on every path.

    Parameters of the factory that are unannotated, annotated `int`, or default to an int become
    symbols: positive integers. An int default stays the default when the formula is called.
    Parameters with a `bool`, `str`, `float`, `None` or other default stay fixed at it, and
    `*args` and `**kwargs` get nothing.

    Args:
        factory: a function, class, `functools.partial` or other callable that returns an
            `nn.Module`.
        max_paths: how many paths to follow at most.
        max_seconds: how long it may take. Four fifths of it are for exploring, the rest for
            joining the paths and comparing them.
        strict: refuse a formula whose certificate is not `complete`.
        **fixed: for each parameter of the factory, a value fixes it, and a `Symbol(...)` keeps
            it symbolic and says which values it may take.

    Returns:
        The formula, in parameters. It holds on its `domain`; its `certificate` says what was done
        to trust it.

    Raises:
        ArgumentError: a keyword names no parameter of the factory, or one is missing.
        DerivationError: there is no formula; its subclasses and its message say why.

    >>> from symcount import Symbol
    >>> from torch import nn
    >>> print(derive(nn.Linear, bias=False))
    in_features*out_features
    >>> print(derive(nn.Linear, in_features=Symbol(name="d"), out_features=10))
    10*d + 10
    """
    call = FactoryCall.of(factory, fixed)
    try:
        with ambient.restored() as drew_random_numbers:
            return _derive(call, max_paths, max_seconds, strict, drew_random_numbers)
    except DerivationError as error:
        error.args = (f"{call.name}{call.place}: {error}",)
        raise


def _derive(
    call: FactoryCall,
    max_paths: int,
    max_seconds: float,
    strict: bool,
    drew_random_numbers: Callable[[], bool],
) -> ParamCount:
    ranges = call.hyperparameters
    facts = declared_facts(ranges)
    builds = verify.PlainBuilds(call)
    state = OutsideState(call.function)
    # Built plainly first, the factory has done its imports before it is run on symbols.
    builds.at(dict(zip([h.name for h in ranges], first_hints(ranges), strict=True)))
    require_no_memory(call, builds, state)
    tracer: Tracer = call.trace

    def explored(seconds: float) -> Exploration:
        return explore(
            tracer,
            ranges,
            facts,
            max_paths=max_paths,
            max_seconds=seconds,
            on_path=lambda path: builds.prepare(path.trace.hints),
        )

    found = explored(_EXPLORING * max_seconds)
    texts = _texts_that_matter(call, found, facts)
    if texts:
        unread = found
        tracer = partial(call.trace, texts=texts)
        found = explored(_EXPLORING * max_seconds - unread.seconds)
        if found.spent and not unread.spent:
            tracer, found = call.trace, unread
    require_a_module(call, found, builds)
    require_known_shapes(found)
    if drew_random_numbers():
        require_same_again(call, found)
    lost, harmless = _concretisations(
        tracer, found, facts, mentions.numbers_in_texts(call.function)
    )
    tree = join(found, facts, ranges)
    points = check(call, found, builds, tree, lost)
    grade, reason = _grade(found, lost, len(points))
    if strict and grade != "complete":
        raise IncompleteError(
            f"its formula would be {grade}, and strict=True takes none but complete ones: {reason}"
        )
    return ParamCount(
        factory=call.name,
        hyperparameters=ranges,
        fixed=tuple((name, repr(value)) for name, value in {**call.left, **call.fixed}.items()),
        tree=tree,
        certificate=Certificate(
            grade=grade,
            reason=reason,
            paths=len(found.paths),
            refused_paths=sum(p.trace.raised is not None for p in found.paths),
            points=points,
            concretisations=lost,
            harmless=harmless,
        ),
    )


def declared_facts(ranges: Sequence[Hyperparameter]) -> Facts:
    """What the declarations of the symbols say of their values."""
    return Facts(
        {h.name: _exact_bounds(h) for h in ranges},
        {h.name: h.multiple_of for h in ranges if h.multiple_of > 1},
    )


def _exact_bounds(h: Hyperparameter) -> tuple[int | Fraction, int | Fraction | None]:
    if not h.real:
        return int(h.minimum), None if h.maximum is None else int(h.maximum)
    return Fraction(h.minimum), None if h.maximum is None else Fraction(h.maximum)


def _texts_that_matter(call: FactoryCall, found: Exploration, facts: Facts) -> list[int]:
    """The numbers to tell apart in texts made of symbols, if anything depends on such texts."""
    texts = [p for p in found.paths if any(c.kind == "text" for c in p.trace.concretisations)]
    if not texts:
        return []
    numbers = mentions.numbers_in_texts(call.function)
    if not numbers or len(numbers) > _MOST_TEXTS:
        return []
    if any(p.trace.raised is None for p in found.paths) and not any(
        "text" in kinds_that_matter(call.trace, p, facts, numbers)
        for p in texts
        if p.trace.raised is None
    ):
        return []
    return numbers


def _concretisations(
    tracer: Tracer, found: Exploration, facts: Facts, in_texts: Sequence[int]
) -> tuple[tuple[Concretisation, ...], tuple[Concretisation, ...]]:
    """The concretisations on whose numbers a branch or a shape depends, and the others."""
    lost: dict[Concretisation, None] = {}
    harmless: dict[Concretisation, None] = {}
    for path in found.paths:
        if path.trace.raised is None and path.trace.concretisations:
            matter = kinds_that_matter(tracer, path, facts, in_texts)
            for concretisation in path.trace.concretisations:
                (lost if concretisation.kind in matter else harmless)[concretisation] = None
    return tuple(lost), tuple(c for c in harmless if c not in lost)


def _grade(found: Exploration, lost: tuple[Concretisation, ...], points: int) -> tuple[Grade, str]:
    open_places = sum(1 for _ in found.open_places())
    if open_places:
        one = open_places == 1
        why = found.spent or f"the solver could not decide {'it' if one else 'them'}"
        verb = "path was" if one else "paths were"
        return "partial", f"{open_places} {verb} not followed: {why}"
    followed = "every path over the declared values was followed, or proved to be taken by none"
    if not lost:
        return "complete", followed
    if points <= HELD_OUT:
        return "partial", f"a symbol became a plain number, and only {points} points were compared"
    return "checked", f"{followed}, but a symbol became a plain number where it matters"
