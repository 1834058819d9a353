"""Derive a formula from a factory: explore, join, check.

Data goes one way, and each stage hands a finished value to the next.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import torch

from symcount import interception, progress
from symcount.derivation.budget import Budget
from symcount.derivation.carried import MANY, carried, sources_of_loops
from symcount.derivation.checking import (
    check,
    require_a_module,
    require_known_shapes,
    require_no_memory,
    require_same_again,
)
from symcount.derivation.claims import claims_of
from symcount.derivation.classes import classed
from symcount.derivation.expected import listed
from symcount.derivation.explore import explore
from symcount.derivation.folding import first_of_each_kind, shortest_apart
from symcount.derivation.frontier import first_hints
from symcount.derivation.grading import certificate_of
from symcount.derivation.handed import handed
from symcount.derivation.joining import Joined, join
from symcount.derivation.naming import named
from symcount.derivation.paths import Exploration, Path
from symcount.derivation.perturbation import Perturbation
from symcount.errors import (
    DerivationError,
    EndlessError,
    EscapedSymbolError,
    IncompleteError,
    InternalError,
    NondeterministicError,
    VerificationError,
)
from symcount.executed import Executed
from symcount.factory import ambient, building
from symcount.factory.ambient import OutsideState
from symcount.factory.call import FactoryCall
from symcount.factory.origin import Origin, plain_values, target_of, text_of
from symcount.factory.watch import Endless, Watch
from symcount.formula.certificate import TIME_RAN_OUT, Certificate
from symcount.formula.formula import Formula
from symcount.formula.signature import declared_facts
from symcount.formula.tree import Tree
from symcount.record import INDEX, Concretisation
from symcount.symbols import Number
from symcount.trace.collecting import raised_by
from symcount.trace.interrupts import Interrupt, NotFolded
from symcount.trace.learning import Learned
from symcount.trace.run import SUBSCRIPT
from symcount.trace.settings import AS_USUAL, Settings
from symcount.version import __version__
from symcount.work import MAX_SECONDS, MAX_WORK

# Symbols of which a module is built with a smaller value first.
_SMALL = 256


def derive(
    factory: Callable[..., Any],
    executed: Executed | None = None,
    /,
    *,
    max_paths: int = 64,
    max_work: int = MAX_WORK,
    max_seconds: float = MAX_SECONDS,
    strict: bool = False,
    **fixed: Any,
) -> Formula:
    """Derive the formula of what a factory builds; see `symcount.derive`.

    The code that executes meanwhile is collected in `executed`.
    """
    call = FactoryCall.of(factory, fixed)
    with interception.alone():
        around = interception.set_aside()
        state = ambient.State()
        watch = Watch(max_seconds)
        call = replace(call, watch=watch)
        try:
            allowed = Allowed(max_paths, max_work, max_seconds)
            return _as_guest(
                state, call, allowed, strict, Executed() if executed is None else executed
            )
        except Endless as error:
            if not watch.has_raised:
                raise
            raise _did_not_end(call, watch, error) from None
        finally:
            again = functools.partial(interception.replace_again, around)
            interception.complete(watch.dismiss, interception.restore, state.restore, again)


def _did_not_end(call: FactoryCall, watch: Watch, error: Endless) -> EndlessError:
    at = f" at {listed(watch.numbers)}" if watch.numbers else ""
    source = raised_by(error).source
    where = f" ({source})" if source else ""
    return EndlessError(
        f"{call.name}{call.place}: it had not returned{at} after {watch.seconds:g} seconds{where}. "
        "symcount calls it at sizes of its own choice: if it never ends there, raise an error for "
        "them, or declare with Symbol(...) which it takes; if it does end, allow it more with "
        "max_seconds=..."
    )


class Allowed(NamedTuple):
    """How much a derivation may do; see `symcount.derive`."""

    max_paths: int
    max_work: int
    max_seconds: float


def _as_guest(
    state: ambient.State, call: FactoryCall, allowed: Allowed, strict: bool, executed: Executed
) -> Formula:
    """Derive, and leave nothing behind but the formula or an error."""
    try:
        try:
            state.leave_to_factory()
            return _derive(call, allowed, strict, executed, state.drew_random_numbers)
        except BaseException as error:
            interception.let_go(error)
            raise
        finally:
            interception.complete(interception.restore, state.restore)
    except DerivationError as error:
        error.args = (f"{call.name}{call.place}: {error}",)
        raise
    except EscapedSymbolError as error:
        raise NondeterministicError(f"{call.name}{call.place}: {error}") from error
    except Interrupt as error:
        raise InternalError(
            f"{call.name}{call.place}: {type(error).__name__} of a run on symbols was not handled; "
            "please report it"
        ) from error


def _derive(
    call: FactoryCall,
    allowed: Allowed,
    strict: bool,
    executed: Executed,
    drew_random_numbers: Callable[[], bool],
) -> Formula:
    builds = building.PlainBuilds(call)
    state = OutsideState(call.function)
    # Built plainly first, the factory has done its imports before it is run on symbols.
    _build_first(call, builds, executed)
    require_no_memory(call, builds, state)
    state.put_back()
    builds.build = call = replace(call, outside=state)
    derivation = _Derivation(call, builds, executed, allowed, drew_random_numbers)
    try:
        formula = derivation.in_the_best_way()
    except DerivationError as error:
        if derivation.budget.work.out_of_time:
            error.out_of_time = True
            error.args = (f"{error}\n{TIME_RAN_OUT}",)
        raise
    grade, reason = formula.certificate.grade, formula.certificate.reason
    if strict and grade != "complete":
        raise IncompleteError(
            f"its formula would be {grade}, and strict=True takes none but complete ones: {reason}"
        )
    return formula


def _build_first(call: FactoryCall, builds: building.PlainBuilds, executed: Executed) -> None:
    """Build a small module, or the one at the first hints if there is no such."""
    ranges = call.hyperparameters
    hints = first_hints(ranges)
    small = [
        h.aligned(4) if hint <= _SMALL else hint for h, hint in zip(ranges, hints, strict=True)
    ]
    for values in (small, hints):
        point = dict(zip([h.name for h in ranges], values, strict=True))
        if not isinstance(builds.at(point, executed), Exception):
            return


def _inferred(call: FactoryCall, found: Exploration, joined: Joined) -> Iterator[Concretisation]:
    """List the loops of which an iteration differs from the others for no branch of its own."""
    if not joined.inferred:
        return
    for source in sources_of_loops(call, found.built[0]):
        kind = "what sets the first or last iteration of a loop apart"
        yield Concretisation(kind, tuple(sorted(found.short)), None, source)


class _Derivation:
    """The way from a factory to its formula, which may have to be gone twice."""

    def __init__(
        self,
        call: FactoryCall,
        builds: building.PlainBuilds,
        executed: Executed,
        allowed: Allowed,
        drew_random_numbers: Callable[[], bool],
    ) -> None:
        self.call = call
        self.builds = builds
        self.executed = executed
        self.allowed = allowed
        self.budget = Budget(allowed.max_work, allowed.max_seconds)
        builds.work = self.budget.work
        self.drew_random_numbers = drew_random_numbers
        self.facts = declared_facts(call.hyperparameters)
        self.found = Exploration()  # the last that was finished
        self.unfolded = ""
        self.short: set[str] = set()
        self.perturbation = Perturbation(call, self.facts)
        self.usual = replace(AS_USUAL, learned=Learned(), executed=executed)

    def in_the_best_way(self) -> Formula:
        """Derive with the loops folded, or else followed for each number of iterations."""
        for settings in self._ways_to_fold():
            if self.unfolded and (self.found.cut_short or self.budget.exploring.passed):
                break  # other ways need longer still
            try:
                return self.formula(settings)
            except NotFolded as error:
                self.unfolded = re.sub(f"{INDEX}[0-9]+", "i", str(error))
            except VerificationError:
                if not self.found.has_loops:
                    raise
                self.unfolded = "what is made of them does not follow from what they decide"
        return self.formula(replace(self.usual, specialising=True))

    def _ways_to_fold(self) -> Iterator[Settings]:
        yield self.usual
        splits = first_of_each_kind(self.found.paths, self.facts)
        if splits:
            yield replace(self.usual, splits=splits)
        yield replace(self.usual, splits=splits, lengths=True)
        apart = shortest_apart(self.found.paths, self.facts)
        if not set(apart) <= set(splits):
            yield replace(self.usual, splits=(*splits, *apart), lengths=True)

    def formula(self, settings: Settings) -> Formula:
        """Explore, join, compare.

        Raises:
            NotFolded: what a loop does cannot be said for all its iterations at once.
        """
        found, settings = self._explored(settings)
        require_a_module(self.call, found, self.builds)
        require_known_shapes(found)
        if self.drew_random_numbers():
            require_same_again(self.call, found, settings)
        progress.say("simplifying")
        joined = join(found, self.facts, self.call.hyperparameters, self.budget.joining)
        concretisations = self.perturbation.sorted(found, settings, self.budget.perturbing)
        if not (
            joined.inferred or joined.fitted
        ):  # what loops read from lists is explained by what they decided
            concretisations = concretisations.with_harmless(SUBSCRIPT)
        loops = carried(self.call, found, settings, self.budget.checking)
        lengths = (*loops.lengths, *MANY) if joined.fitted else loops.lengths
        joined = joined._replace(inferred=joined.inferred or (joined.fitted and not loops.uniform))
        concretisations = concretisations.with_lost(
            (
                *loops.assumed,
                *_inferred(self.call, found, joined),
                *handed(self.call, found, settings, self.budget.checking),
            )
        )
        progress.say("comparing with modules")
        checked = check(
            self.call,
            found,
            self.builds,
            joined.tree,
            self.facts,
            concretisations.lost,
            self.executed,
            joined.inferred or joined.fitted,
            self.budget.checking,
            lengths,
        )
        unfolded = self.unfolded if settings.specialising else ""
        points = [dict(point) for point in checked.points]
        tree = named(joined.tree, found, self.builds, points)
        tree = classed(tree, self.builds, points)
        certificate = certificate_of(found, joined, concretisations, checked, unfolded, self.budget)
        claims = claims_of(found, joined.claimed, tree, self.facts, self.call.hyperparameters)
        counts = self.builds.parameters_at(points)
        return self._formula(tree, replace(certificate, counts=counts, claims=claims))

    def _explored(self, settings: Settings) -> tuple[Exploration, Settings]:
        """Explore, once more with texts followed where these matter and the budget allows."""
        found = self._explored_once(settings)
        if self.perturbation.text_matters(found, settings, self.budget.exploring):
            reading = replace(settings, texts=self.perturbation.in_texts)
            followed = self._explored_once(reading)
            if found.spent or not followed.spent:
                return followed, reading
        return found, settings

    def _explored_once(self, settings: Settings) -> Exploration:
        followed = 0

        def on_path(path: Path) -> None:
            nonlocal followed
            followed += 1
            progress.say(f"{followed} {'path' if followed == 1 else 'paths'} followed")
            self.builds.at(path.trace.hints, self.executed)

        self.found = explore(
            self.call,
            self.facts,
            max_paths=self.allowed.max_paths,
            budget=self.budget,
            settings=settings,
            short=self.short,
            on_path=on_path,
        )
        return self.found

    def _formula(self, tree: Tree, certificate: Certificate) -> Formula:
        formula = self._with_origin(tree, certificate)
        outside = self._outside_defaults(formula)
        return replace(formula, certificate=replace(certificate, outside=outside))

    def _outside_defaults(self, formula: Formula) -> tuple[tuple[str, Number], ...]:
        """Return the defaults of the factory if it builds there, and the formula does not hold."""
        defaults = [(h.name, h.default) for h in self.call.hyperparameters]
        point = {name: value for name, value in defaults if value is not None}
        if len(point) < len(defaults) or formula.at(tuple(point.values())) is not None:
            return ()
        is_built = not isinstance(self.builds.at(point), Exception)
        return tuple(point.items()) if is_built else ()

    def _with_origin(self, tree: Tree, certificate: Certificate) -> Formula:
        call = self.call
        return Formula(
            factory=call.name,
            hyperparameters=call.hyperparameters,
            fixed=tuple(
                (name, text_of(value)) for name, value in {**call.left, **call.fixed}.items()
            ),
            tree=tree,
            certificate=certificate,
            origin=self._origin(),
        )

    def _origin(self) -> Origin:
        return Origin(
            target=target_of(self.call.factory),
            given=plain_values(self.call.fixed),
            hyperparameters=self.call.hyperparameters,
            symcount=__version__,
            torch=str(torch.__version__),
            max_paths=self.allowed.max_paths,
            max_work=self.allowed.max_work,
            max_seconds=float(self.allowed.max_seconds),
        )
