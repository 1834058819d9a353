"""Follow every branch of a factory: run it again with other hints until nothing new turns up.

One run follows one path. The decisions of all runs are kept in a tree (`derivation.paths`), in
which each open place gives the hints of another run, or is proved to be out of reach of every
value of the symbols, or stays open because neither succeeds or the budget is spent
(`derivation.frontier`). A tree without open places is the factory's whole story.

A loop over a symbol is gone through a few times, with an index that is a symbol too. What an
iteration decides in view of its index goes to a tree of the loop's own, in which open places are
found and decided in the same way. So one path stands for any number of iterations, and is followed
again with more of them until these trees are closed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from symcount.algebra.facts import Facts
from symcount.algebra.poly import Variable
from symcount.derivation.budget import Budget
from symcount.derivation.frontier import Frontier
from symcount.derivation.lowering import Lowered
from symcount.derivation.paths import Exploration, Path, insert_iterations
from symcount.derivation.walk import TooMuch, followed
from symcount.errors import NondeterministicError
from symcount.factory.building import is_too_large
from symcount.factory.call import FactoryCall
from symcount.symbols import Values
from symcount.trace.interrupts import BudgetSpent, NotFolded, TooLong
from symcount.trace.settings import AS_USUAL, Settings
from symcount.work import Deadline

# Of sizes up to this, the first run is finished however much it is.
_SMALL = 64
# The part of the work that may be done on a factory with loops before they are given up on.
_FOLDING = 0.6


def explore(
    call: FactoryCall,
    facts: Facts,
    *,
    max_paths: int,
    budget: Budget,
    settings: Settings = AS_USUAL,
    short: set[str] | None = None,
    on_path: Callable[[Path], None] = lambda path: None,
) -> Exploration:
    """Run the factory until its every branch is followed or proved out of reach.

    Args:
        call: the factory.
        facts: what is declared of its symbols.
        max_paths: how many paths to follow at most of a chain, in which each branches off from the
            one before. Of others as many as branch off as often, all together.
        budget: when to stop. The first run is finished, or made with smaller sizes.
        settings: how the runs are to go.
        short: symbols that say how long loops are; those that are found to are added.
        on_path: called after each run; what it does counts.

    Raises:
        NondeterministicError: the same decisions did not lead to the same next decision.
        NotFolded: what a loop does cannot be said for all its iterations at once.
    """
    frontier = Frontier(call.hyperparameters, facts, set() if short is None else short, settings)
    explorer = _Explorer(call, facts, frontier, settings, max_paths, budget, on_path)
    found = explorer.found
    try:
        explorer.follow_every_branch()
    except BudgetSpent:
        found.spent = budget.spent_exploring
        found.cut_short = True
    found.seconds = time.perf_counter() - explorer.started
    found.solver_seconds = frontier.solver_seconds
    found.short = frozenset(frontier.short)
    return found


@dataclass(eq=False)
class _Explorer:
    """Runs a factory again and again, with the hints that the frontier finds."""

    call: FactoryCall
    facts: Facts
    frontier: Frontier
    settings: Settings
    max_paths: int
    budget: Budget
    on_path: Callable[[Path], None]

    def __post_init__(self) -> None:
        self.started = time.perf_counter()
        self.is_smaller = False  # whether the first run was too much, and another is made
        self.folding = self.budget.exploring.after(_FOLDING)
        self.found = Exploration()
        self.branchings = 0  # how often paths branch off from others, all together
        self._lowered: Lowered = {}
        self._lengths = self.frontier.other_lengths(self.found.paths, self.settings.lengths)

    def follow_every_branch(self) -> None:
        """Run until there are no other hints.

        Raises:
            BudgetSpent: the work is done.
        """
        hints: Values | None = self.frontier.first_hints()
        while hints is not None:
            hints = self._run(hints)

    def _deadline(self) -> Deadline:
        if not self.found.paths:
            return self.budget.first_run.without_end if self.is_smaller else self.budget.first_run
        if not self.found.has_module:
            return self.budget.for_a_module
        if self.frontier.short and not self.settings.specialising:
            # the loops may have to be followed in another way
            return self.folding
        return self.budget.exploring

    def _run(self, hints: Values) -> Values | None:
        """Run once, and find the hints of the next run."""
        frontier, found = self.frontier, self.found
        frontier.deadline = self._deadline()
        usual = replace(self.settings, longest=frontier.longest, deadline=frontier.deadline)
        try:
            path = followed(self.call, hints, self.facts, found.root, self._lowered, usual)
        except TooLong as error:
            return frontier.after(error, hints)
        except TooMuch as error:
            return self._after_too_much(error, hints)
        except BudgetSpent:
            smaller = None if found.paths else frontier.smaller(hints)
            if smaller is None:
                raise
            self.is_smaller = all(v <= _SMALL for v in smaller.values())
            return smaller
        if not is_too_large(path.trace.exception):
            self._take(path)
        elif found.paths:
            frontier.give_up(found.root, path.steps, hints)
        else:
            smaller = frontier.smaller(hints)
            if smaller is not None:
                return smaller
            self._take(path)
        return self._next_hints()

    def _after_too_much(self, much: TooMuch, hints: Values) -> Values | None:
        if not self.found.paths:
            raise much.error
        self.frontier.give_up(self.found.root, much.steps, hints)
        return self.frontier.next_hints(self.found.root, self.found.has_module)

    def _take(self, run: Path) -> None:
        """Put a run in the tree, as a path of its own or as another one of a path."""
        branchings = self.found.root.branchings(run.steps)
        try:
            path = self.found.root.insert(run)
        except NondeterministicError:
            self._blame_loops(run)
            raise
        if path is run:
            if self.found.paths and run.trace.exception is not None:
                # what its frames hold on to is all that the run made
                run.trace.exception.__traceback__ = None
            self.found.paths.append(run)
            self.branchings += branchings
            self.on_path(run)
        elif (path.trace.raised is None) is not (run.trace.raised is None):
            raise NotFolded("whether the factory raises depends on the length of a list")
        else:
            path.again.append(run)
        insert_iterations(path, run)
        self.frontier.short |= _lengths(run)

    def _blame_loops(self, run: Path) -> None:
        """Raise `NotFolded` if that a run differs from earlier ones may be for its loops."""
        if self.settings.specialising:
            return
        if self.frontier.short:
            raise NotFolded("what follows a loop depends on its length") from None
        if any(c.kind == "index" for c in run.trace.concretisations):
            raise NotFolded("what follows a list depends on its length") from None

    def _next_hints(self) -> Values | None:
        frontier, found = self.frontier, self.found
        of_a_chain = self.max_paths * (self.max_paths + 1) // 2 - 1
        is_spent = len(found.paths) >= self.max_paths and self.branchings >= of_a_chain
        if is_spent and any(True for _ in found.open_places()):
            found.spent = f"the budget of {self.max_paths} paths was spent"
        frontier.deadline = self._deadline()
        frontier.require_time()
        hints = None if found.spent else frontier.next_hints(found.root, found.has_module)
        hints = hints or frontier.next_iteration(found.paths)
        if hints is None and not self.settings.specialising:
            hints = next(self._lengths, None)
        return hints


def _lengths(path: Path) -> set[str]:
    """Return the symbols that say how long the loops of a run are."""
    counts = (path.lowering(loop.count).poly for loop in path.trace.loops)
    lists = (path.lowering(node).poly for node in path.trace.unrolled)
    atoms = set().union(*(poly.atoms() for poly in (*counts, *lists)))
    return {a.name for a in atoms if isinstance(a, Variable) and not a.is_index}
