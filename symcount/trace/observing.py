"""Have code report the plain values that it decides by, while a run on symbols lasts.

A comparison of symbols is seen by the symbols. A plain number that code counts up by itself, the
length of a list and the state of an iterator are seen by nobody. So the functions concerned get
other code for one run: the same statements, in which the operands of whatever may decide something
by a plain value (a comparison, a truth test, a subscript, a call of C code, a remainder) are handed
to `report`. `symcount.derivation.carried` says which of these depend on how often a loop was gone
through.
"""

from __future__ import annotations

import collections
import dis
import gc
import inspect
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import CodeType, FrameType, FunctionType
from typing import Any, NamedTuple

import torch

from symcount import interception
from symcount.errors import SymcountError
from symcount.executed import Use
from symcount.libraries import is_foreign, is_unsourced
from symcount.trace.describing import (
    Value,
    described,
    is_atom,
    is_plain,
    reports_by_itself,
    summary,
)
from symcount.trace.faults import fault, own_code
from symcount.trace.interrupts import Restart
from symcount.trace.renaming import functions_in, nested, original_code
from symcount.trace.reporting import HELD, SITES, Hooks, reporting
from symcount.trace.shifting import Shifts, held_by, named_bounds
from symcount.trace.tensors.known import KnownTensor

# So often a site says in one iteration what it said before; then it is listened to in the next.
_MOST_REPEATED = 10_000


class Event(NamedTuple):
    """What was reported at a site, in which iterations of which loops."""

    tags: tuple[tuple[str, int], ...]
    values: tuple[Value, ...]


class Observer:
    """Keeps what is reported in a run; `has_failed` tells that some of it could not be read.

    Args:
        executed: the code that the factory runs; all that is not Python's own, torch's or numpy's
            is to report. `unread` is that which cannot.
        roots: the factory's own functions.
    """

    def __init__(self, executed: Mapping[CodeType, Use], roots: Iterable[FunctionType]) -> None:
        collecting = {getattr(call, "__code__", None) for call in gc.callbacks}
        codes = [code for code in executed if code not in collecting]
        own = {
            id(code): (code, executed[code].names)
            for code in codes
            if not is_foreign(code.co_filename)
        }
        self.functions: dict[FunctionType, CodeType] = reporting(_functions_with(own, roots))
        read = [original_code(function.__code__) for function in self.functions]
        known = {each for code in read for each in nested(code)}
        self.unread = [code for code, _ in own.values() if code not in known]
        self.unread += [c for c in codes if is_unsourced(c.co_filename) and _may_decide(c)]
        self._lasting = {f for f in self.functions if _leaves_code_behind(f.__code__)}
        self._around: set[CodeType] = set()  # what runs when the first loop begins
        self._later: dict[FunctionType, CodeType] = {}
        self.events: dict[int, dict[Event, None]] = {}
        self._open: dict[int, list[list[Any]]] = {}
        self._known: set[tuple[Any, ...]] = set()  # what was said in this iteration
        self._known_in: dict[Any, set[tuple[Any, ...]]] = {}
        self._tags: Any = None
        self._names: tuple[tuple[str, int], ...] = ()
        # Iterators that were reported, and the iteration in which each was first.
        self._iterators: dict[int, tuple[Any, Any]] = {}
        self._followed: dict[int, tuple[Any, Any]] = {}
        self._handed: dict[int, Callable[[], Any]] = {}
        self.shifts = Shifts()
        self._repeated: collections.Counter[int] = collections.Counter()
        self._muted: set[int] = set()
        self._run: Any = None
        self._thread = 0
        self._is_looking = False
        self.has_failed = False

    def start(self, run: Any) -> None:
        """Have the functions report until all is restored; most of them when a loop begins."""
        self.has_failed = False
        self.events.clear()
        self._open.clear()
        self._known_in.clear()
        self._tags = None
        self._muted.clear()
        self._iterators.clear()
        self._followed.clear()
        self._handed.clear()
        self.shifts = Shifts()
        self._run, self._thread = run, threading.get_ident()
        self._later = self.functions.copy()
        self._have_report(
            function
            for function in self.functions
            if function in self._lasting or original_code(function.__code__) in self._around
        )
        interception.replace(Hooks, "observer", self)

    def begin(self) -> None:
        """Have all functions report: a loop may begin.

        The code that runs is already what it is, so with some that does not report the run starts
        again.
        """
        if not self._later:
            return
        with own_code("having loops observed"):
            self._begin()

    def _begin(self) -> None:
        running = set(map(original_code, _codes_around()))
        missed = running & {original_code(function.__code__) for function in self._later}
        if missed:
            self._around |= missed
            self._run.interrupt(Restart())
        self._have_report(tuple(self._later))

    def _have_report(self, functions: Iterable[FunctionType]) -> None:
        for function in functions:
            code = self._run.learned.interceptor.as_in_runs(function, self._later.pop(function))
            interception.replace(function, "__code__", code)

    def known(self, tensor: torch.Tensor) -> KnownTensor | None:
        """Return what the run knows of a tensor."""
        known: KnownTensor | None = self._run.tensors.known.get(id(tensor))
        return known

    def report(self, site: int, place: int, count: int, value: Any) -> None:
        """Take note of an operand; with the last one, of all."""
        run = self._run
        if site in self._muted and run.tags is self._tags:
            return
        if self._is_looking or not run.alive or threading.get_ident() != self._thread:
            return
        if count == 1:
            self._look(site, (value,))
            return
        if place == 0:
            self._open.setdefault(site, []).append([value])
            return
        held = self._open.get(site)
        if not held:
            return
        held[-1].append(value)
        is_last = place == count - 1
        if count > 2 and SITES[site].kind == "compare":  # a chain: the last may not be asked for
            self._look(site, held[-1][-2:])
            if is_last:
                held.pop()
        elif is_last:
            self._look(site, held.pop())

    def _look(self, site: int, values: Sequence[Any]) -> None:
        self._is_looking = True  # a value may have methods that report
        try:
            self._keep(site, values)
        except SymcountError:
            raise
        except Exception as error:
            found = fault(error, "looking at what the factory decides by")
            if found is not None:
                found.__cause__ = error
                self._run.refuse(found)
            self.has_failed = True  # of a method of the value, which the factory may never call
        finally:
            self._is_looking = False

    def _keep(self, site: int, values: Sequence[Any]) -> None:
        """Keep the description of operands, unless it is known to be the same as before."""
        if self._run.tags is not self._tags:
            self._begin_iteration()
        if not (self._run.loops or self._run.unrolled) and all(map(is_plain, values)):
            return  # nothing is carried along yet
        kind, _, names, constants, _ = SITES[site]
        if kind == "call":
            if reports_by_itself(values[0]):
                return
        elif kind in _RELATED or kind.endswith(HELD):
            values, constants = self._related(site, _with(constants, values)), ()
        keys = summary(kind, values)
        if keys is not None:
            key = site, keys
            if key in self._known:  # said over and over in an iteration, it is heard no more
                self._repeated[site] += 1
                if self._repeated[site] > _MOST_REPEATED:
                    self._muted.add(site)
                return
            self._known.add(key)
        is_looked_up = names[:1] in (("In",), ("NotIn",))
        told = described("look-up" if is_looked_up else kind, _with(constants, values), names)
        event = Event(self._names, told)
        if any(value is not None for value in event.values):
            self.events.setdefault(site, {})[event] = None

    def _related(self, site: int, operands: list[Any]) -> list[Any]:
        """Return what is told of operands that are seen together, or with those before."""
        kind, names = SITES[site].kind, SITES[site].names
        if kind == "handed":
            return [self._is_handed_again(operands[0])]
        if kind == "follow":
            root, value = operands
            last, tags = self._followed.get(site, (self, None))
            self._followed[site] = value, self._names
            parts = (last, *last) if type(last) in (list, tuple) else (last,)
            is_carried = tags != self._names and any(part is root for part in parts)
            return [is_carried, root if is_atom(root) else None]
        if kind.endswith(HELD):
            return [held_by(*operands[:-1], *names[1:]), operands[-1]]
        if self._names:
            is_slice = kind == "slice"
            part = slice(*named_bounds(names, operands[1:])) if is_slice else operands[1]
            self.shifts.note(site, self._names, operands[0], part)
        return operands

    def _is_handed_again(self, value: Any) -> bool:
        """Tell whether a function has returned this iterator before, to be gone through."""
        if not hasattr(type(value), "__next__"):
            return False
        before = self._handed.get(id(value), lambda: None)
        try:
            self._handed[id(value)] = weakref.ref(value)  # a generator ends where it is left
        except TypeError:
            self._handed[id(value)] = lambda: value
        return before() is value

    def is_old(self, iterator: Any) -> bool:
        """Tell whether an iterator was reported in another iteration."""
        _, tags = self._iterators.setdefault(id(iterator), (iterator, self._names))
        return bool(tags != self._names)

    def _begin_iteration(self) -> None:
        self._tags = self._run.tags
        self._names = tuple((loop.name, number) for loop, number in self._tags)
        self._known = self._known_in.setdefault(self._names, set())
        self._repeated.clear()
        self._muted.clear()


_RELATED = frozenset(["follow", "handed", "index", "slice"])


def _with(constants: Iterable[tuple[int, Any]], values: Sequence[Any]) -> list[Any]:
    operands = list(values)
    for place, constant in constants:
        operands.insert(place, constant)
    return operands


def _codes_around() -> Iterator[CodeType]:
    """Yield the code that runs in this thread."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        yield frame.f_code
        frame = frame.f_back


def _leaves_code_behind(code: CodeType) -> bool:
    """Tell whether a function may be done, and code of it, such as a generator, go on."""
    at_once = ("<listcomp>", "<setcomp>", "<dictcomp>")
    suspended = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
    inner = (const for const in code.co_consts if isinstance(const, CodeType))
    return bool(code.co_flags & suspended) or any(
        each.co_name not in at_once or _leaves_code_behind(each) for each in inner
    )


def _may_decide(code: CodeType) -> bool:
    """Tell whether code compares anything, reads of containers or has a loop.

    What is no method that was generated for a class may not call or compute anything either.
    """
    decides = ["COMPARE_OP", "CONTAINS_OP", "BINARY_SUBSCR", "BINARY_SLICE", "FOR_ITER"]
    if not (code.co_name.startswith("__") or "_tuple_new" in code.co_names):  # of a namedtuple
        decides += ["BINARY_", "CALL", "POP_JUMP", "JUMP_IF", "IS_OP", "UNARY_", "FORMAT_VALUE"]
    return any(step.opname.startswith(tuple(decides)) for step in dis.get_instructions(code))


# Functions that no module or class holds, and the codes for which all objects were looked through.
_held: weakref.WeakSet[FunctionType] = weakref.WeakSet()
_sought: weakref.WeakSet[CodeType] = weakref.WeakSet()


def _functions_with(
    codes: Mapping[int, tuple[CodeType, dict[str, Any]]], roots: Iterable[FunctionType]
) -> list[FunctionType]:
    """The functions that there are which run some codes; of the rest others make them in a run."""
    spaces = {id(names): names for _, names in codes.values()}
    found: dict[FunctionType, None] = {}
    for function in (*roots, *(f for names in spaces.values() for f in functions_in(names))):
        if id(original_code(function.__code__)) in codes:
            found[function] = None
    for function in (f for f in _held if id(original_code(f.__code__)) in codes):
        found[function] = None
    known = {id(original_code(function.__code__)) for function in found}
    missing = [code for key, (code, _) in codes.items() if key not in known]
    inner = {each for function in found for each in nested(original_code(function.__code__))}
    if any(code not in inner or code not in _sought for code in missing):
        _sought.update(missing)
        for holder in gc.get_referrers(*missing):
            if isinstance(holder, FunctionType):
                found[holder] = None
                _held.add(holder)
    return list(found)
