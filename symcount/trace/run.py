"""Run a factory on symbols: `trace(factory, ...) -> Trace`.

A trace is one run. It follows the branches that the hints take, records them, and keeps for every
parameter and buffer of the module the symbolic shape it was created with. Choosing hints, and
joining the runs into a formula, is the business of `symcount.derivation.explore` and
`symcount.derive`.
"""

from __future__ import annotations

import inspect
import itertools
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import CodeType, FrameType, FunctionType
from typing import Any, NoReturn

import torch

from symcount import interception
from symcount.errors import (
    InternalError,
    SymcountError,
    UninitializedParameterError,
    UnsupportedError,
)
from symcount.record import OPERATORS, TRACKED, Concretisation, Frame, Node
from symcount.symbols import Number
from symcount.trace import ends, identity, lookups, memos, messages, pure_functions, visited
from symcount.trace.bytecode import call_at, instruction
from symcount.trace.caches import Cached
from symcount.trace.collecting import collected, raised_by
from symcount.trace.faults import own_code
from symcount.trace.interrupts import BudgetSpent, GivenUp, Interrupt, NotFolded, Restart, TooLong
from symcount.trace.learning import Learned
from symcount.trace.loops import REPEATED, Loop, Repeated, Tags, is_distinct, is_natural, name_of
from symcount.trace.names import COLLIDING, Names, has_numbers_as_names
from symcount.trace.padding import Paddings
from symcount.trace.proxies import (
    SymFloat,
    SymInt,
    calling_frame,
    frames_of_call,
    hint,
    is_of_numpy,
    is_of_tracer,
    not_modelled,
    place_of,
    user_frame,
)
from symcount.trace.pure_functions import ForcedTest, Way
from symcount.trace.renaming import original_code
from symcount.trace.result import Branch, Raised, Trace, TracedTensor
from symcount.trace.settings import AS_USUAL, BranchListener, Everything, Listen, Settings
from symcount.trace.tensors import arrays
from symcount.trace.tensors.bypasses import (
    learn_what_refuses,
    mode_of_thread,
    replace_unseen,
    run_of_thread,
    tell,
)
from symcount.trace.tensors.mode import Tensors
from symcount.trace.tensors.of_numpy import ELEMENTWISE
from symcount.work import CALL, COMPARISON, OPERATION

_ORDERINGS = frozenset(["lt", "le", "gt", "ge"])
# What Python asks an index for: an element or a slice.
_SUBSCRIPTS = frozenset(["BINARY_SUBSCR", "BINARY_SLICE", "BINARY_OP"])
_OPERATIONS = frozenset(["BINARY_OP", "BINARY_MODULO"])
_ATTRIBUTES = frozenset(["LOAD_ATTR", "LOAD_METHOD"])
_MEMBERSHIPS = frozenset(["CONTAINS_OP"])
# The kind of concretisation of an index into a list that is as long as a loop.
SUBSCRIPT = "subscript"
# That of one into a repetition with other elements before and after, which rests on what was tried.
WITH_ENDS = "subscript of a repetition with other ends"
_MOST_ENDS = 2
# The kind of a branch on a value that is tracked, but not followed.
VALUE = "branch on a value"
# A factory cannot need more restarts than it has modules and refusing functions.
_MOST_RESTARTS = 1000


def _symbols_of(node: Node) -> tuple[str, ...]:
    found: dict[str, None] = {}
    seen: set[int] = set()
    stack = [node]
    while stack:
        here = stack.pop()
        if id(here) not in seen:
            seen.add(id(here))
            if here.op == "symbol":
                found[str(here.args[0])] = None
            stack += [a for a in here.args if isinstance(a, Node)]
    return tuple(sorted(found))


@dataclass(frozen=True)
class _Restarted:
    """The reasons for which a trace has started again, and the factory's own functions."""

    roots: tuple[FunctionType, ...]
    learned: Learned
    followed: dict[CodeType, set[int]] = field(default_factory=dict)
    asked: Counter[CodeType] = field(default_factory=Counter)
    retried: set[str] = field(default_factory=set)


class _Run:
    """The state of one run: the implementation of `symcount.trace.proxies.Run`.

    An operation on the same operands is the same node, and a comparison of the same operands is
    decided once.
    """

    def __init__(
        self,
        listener: BranchListener,
        settings: Settings,
        restarted: _Restarted,
    ) -> None:
        self.listener = listener
        self.restarted = restarted
        self.learned = restarted.learned
        self.branches: list[Branch] = []
        self.ways: list[Way] = []
        self.perturb = settings.perturb
        self.texts = settings.texts
        self.specialising = settings.specialising
        self.longest = settings.longest
        self.deadline = settings.deadline
        self.executed = settings.executed
        self.deadline.spend(CALL)
        self.observer = settings.observer
        self.tags: Tags = ()
        self.loops: list[Loop] = []
        self.unrolled: dict[int, Node] = {}
        self._repeated: list[Any] = []
        self._entered: dict[tuple[Any, ...], int] = {}
        self._paddings = Paddings()
        self._compared_with: dict[tuple[FrameType, int, Node], list[int]] = {}
        self.alive = True
        self.interrupted: Interrupt | None = None
        self.refused: SymcountError | None = None
        self.tensors: Tensors | None = None
        self.pokes: list[tuple[Node, Frame, Frame]] = []
        self.concretisations: dict[tuple[str, int, int, int], Concretisation] = {}
        self._nodes: dict[tuple[Any, ...], Any] = {}
        self._keys: list[Node] = []
        self._elements: dict[Node, tuple[Loop, int]] = {}
        self._hashes: dict[Node | int, Number] = {}
        self.names = Names()
        self.of_numpy: set[Node] = set()  # what passes for numbers of numpy
        self.outlets = ends.Outlets()
        self._memos: list[tuple[Any, list[Number]]] = []
        self._tracked: dict[int, Node] = {}
        self._decided: dict[tuple[str, Node, Node | Number, Tags], bool] = {}

    def interrupt(self, reason: Interrupt) -> NoReturn:
        """End the run for this reason, whatever becomes of the exception.

        torch's argument parser turns any exception into an answer of its own, and a bare `except`
        may catch this one, so it is remembered as well. The first reason is the one that counts.
        """
        self.interrupted = self.interrupted or reason
        raise self.interrupted

    def refuse(self, reason: SymcountError) -> NoReturn:
        """Refuse the factory for this reason, also if it catches the exception and goes on."""
        if not self.ways:  # or it is only that a function is not followed as one
            self.refused = self.refused or reason
        raise reason

    def _shadow(self, frame: FrameType) -> None:
        """Restart if the code of `frame`, or what calls numpy's, must be intercepted."""
        frames = frames_of_call() if is_of_numpy(frame.f_code) else (frame,)
        if any([self.must_intercept(frame) for frame in frames]):
            self.interrupt(Restart())

    def must_intercept(self, frame: FrameType) -> bool:
        """Have the code of `frame` intercepted from the next run on, if it must be."""
        interceptor = self.learned.interceptor
        return interceptor.intercept_if_needed(
            frame, self.restarted.asked, self.restarted.roots, self.executed
        )

    def intercept_callers(self) -> None:
        """Restart if code that calls torch here must be intercepted: the factory's, or its own."""
        for frame in frames_of_call():
            self._shadow(frame)

    def record(self, op: str, args: tuple[Node | Number, ...], value: Number) -> Any:
        if self._is_forced() and not pure_functions.is_defined_anywhere(op, args):
            self.give_up()
        key = (op, *args, *map(type, args))  # 2 and 2.0 are equal, and are not the same operand
        known = self._nodes.get(key)
        if known is None:
            self.deadline.spend(OPERATION)
            node = Node(op, args, value, place_of(calling_frame(2)))
            known = SymFloat(node, self) if type(value) is float else SymInt(node, self)
            self._nodes[key] = known
            if any(id(arg) in self._tracked for arg in args):
                self._tracked[id(node)] = node
            return known
        return type(known)(known._symcount_node, self)  # a number of its own, as it is in Python

    def track(
        self, made_by: str, of: Sequence[Node], value: Number, within: tuple[float, float] | None
    ) -> SymInt | SymFloat:
        """A value that nobody follows, but that is seen wherever something depends on it."""
        node = Node(TRACKED, (made_by, within, *of), value, user_frame())
        self._tracked[id(node)] = node
        return SymFloat(node, self) if type(value) is float else SymInt(node, self)

    def is_tracked(self, node: Node) -> bool:
        """Tell whether a value is tracked, and not followed."""
        return id(node) in self._tracked

    def choices(self) -> tuple[Node, ...]:
        """The numbers that helpers chose, whether a shape or a branch depends on them or not."""
        nodes = (known._symcount_node for known in self._nodes.values())
        return tuple(node for node in nodes if node.op.startswith("if_"))

    def require_time(self, units: int) -> None:
        """Raise `BudgetSpent` if it has done too much: asked wherever the factory is seen.

        A run that has been interrupted for another reason, and went on, is interrupted again.
        """
        self.deadline.spend(units)
        if self.interrupted is not None:
            raise self.interrupted
        if self.deadline.passed:
            self.interrupt(BudgetSpent())

    def branch(self, op: str, a: Node, b: Node | Number) -> bool:
        self.require_time(COMPARISON)
        frame = calling_frame(2)
        self._shadow(frame)
        if a is b:
            return op in ("eq", "le", "ge")
        if self._tracked and (self.is_tracked(a) or id(b) in self._tracked):
            return self._branch_on_value(op, a, b)
        if self.ways:
            way = self.ways[-1]
            way.comparisons += 1
            if way.is_too_long:
                self.give_up()
            outcome = self._settled(op, a, b, self._forced())
            return way.decide((op, a, b)) if outcome is None else outcome
        if pure_functions.follow_as_one(frame, self.learned.followed, self.restarted.followed):
            self.interrupt(Restart())
        if op == "eq" and type(b) is Node and self._is_membership(frame, a, b):
            return bool(a.hint == b.hint)
        if b == 0 and a.op == "mod":
            has_rest = self._paddings.has_rest(self, frame, a)
            if has_rest is not None:
                return bool(OPERATORS[op](int(has_rest), 0))
        if messages.decides_a_message(frame, self.outlets):
            return bool(OPERATORS[op](a.hint, b.hint if type(b) is Node else b))
        return self._decide(op, a, b)

    def require(self, op: str, a: Node, b: Node | Number) -> None:
        if id(a) in self._tracked:
            self._branch_on_value(op, a, b)
        elif not self._is_forced():
            self._decide(op, a, b)
        elif not self._settled(op, a, b, ()):
            self.give_up()

    def limit(self, op: str, a: Node, b: Number) -> None:
        is_free = id(a) not in self._tracked and not self._is_forced()
        if not (is_free and self._listen(self.listener.on_limit, self._branch(op, a, b))):
            self.require(op, a, b)

    def _is_forced(self) -> bool:
        """Tell whether the outcome of a comparison has been forced, so that hints may not fit."""
        return any(way.decisions for way in self.ways)

    def _forced(self) -> list[ForcedTest]:
        return [decision for way in self.ways for decision in way.decisions]

    def give_up(self) -> NoReturn:
        """Give up following functions as one operation, whatever they make of the exception."""
        for way in self.ways:
            way.abandoned = True
        raise GivenUp

    def replace_node(self, number: SymInt, node: Node) -> None:
        """Have a number that nobody else has stand for another."""
        made = next((k for k, known in self._nodes.items() if known is number), None)
        if made is not None:
            self._nodes[made] = SymInt(number._symcount_node, self)
        number._symcount_node = node

    def give_up_ways(self) -> None:
        """Give up following a function as one operation where its result is not all it says."""
        if self.ways:
            self.give_up()

    def _settled(
        self, op: str, a: Node, b: Node | Number, under: Sequence[ForcedTest]
    ) -> bool | None:
        """The outcome of a comparison on a way, if these decisions or the path settle it."""
        for comparison, outcome in under:
            if comparison == (op, a, b):
                return outcome
        known = self._decided.get((op, a, b, self.tags))
        if known is not None:
            return known
        try:
            return self.listener.answer(self._branch(op, a, b), under)
        except Interrupt as reason:
            self.interrupt(reason)
        except SymcountError:
            self.give_up()  # it is the business of the run, and not of an `except` in the function

    def _branch(self, op: str, a: Node, b: Node | Number) -> Branch:
        place = user_frame()
        taken = bool(OPERATORS[op](a.hint, b.hint if type(b) is Node else b))
        node = Node(op, (a, b), taken, place)
        return Branch(op, a, b, taken, node, place, place_of(calling_frame(2)), tags=self.tags)

    def _note(self, branch: Branch) -> None:
        if self._listen(self.listener.on_branch, branch):
            self.branches.append(branch)

    def _listen(self, told: Callable[[Branch], Any], branch: Branch) -> Any:
        try:
            return told(branch)
        except Interrupt as reason:
            self.interrupt(reason)
        except SymcountError as reason:
            self.refuse(reason)

    def _decide(self, op: str, a: Node, b: Node | Number) -> bool:
        if type(b) is int and op in _ORDERINGS and self._counts_a_while_loop(a, b):
            self.unroll_node(a)
            return bool(OPERATORS[op](a.hint, b))
        if type(b) is int and b == a.hint and self._is_length_of_loop(a, b):
            return bool(OPERATORS[op](a.hint, b))
        # in another iteration the same comparison says something else
        key = op, a, b, self.tags
        taken = self._decided.get(key)
        if taken is None:
            branch = self._branch(op, a, b)
            self._note(branch)
            taken = self._decided[key] = branch.taken
        return taken

    def _branch_on_value(self, op: str, a: Node, b: Node | Number) -> bool:
        """Branch on a value that is tracked: both ways are gone, by runs with another outcome."""
        self.give_up_ways()
        taken = bool(OPERATORS[op](a.hint, b.hint if type(b) is Node else b))
        if a.op == TRACKED and a.args[1] and type(b) is not Node:
            outcomes = {bool(OPERATORS[op](end, b)) for end in a.args[1]}
            if len(outcomes) == 1 and op in _ORDERINGS:
                return taken  # it is the same for every value between these
        self._note_branch_on_value(_symbols_of(a))
        if self.perturb is None:
            return taken
        known = self._decided.get((op, a, b, ()))
        if known is None:
            known = self._decided[op, a, b, ()] = bool(self.perturb(VALUE, taken))
        return known

    def _note_branch_on_value(self, symbols: tuple[str, ...]) -> None:
        place = user_frame()
        key = VALUE, 0, id(place.code), place.lasti
        self.concretisations.setdefault(key, Concretisation(VALUE, symbols, None, place.source))

    def _made_by_loop(self, node: Node, held: Sequence[Any]) -> str | None:
        """The kind of concretisation of an index into a list that a loop made, or a repetition.

        One of a loop is as long as the loop. One of a repetition has the same element as often as
        that says, but for one or two. None if it is another.
        """
        if _symbols_of(node) and set(_symbols_of(node)).isdisjoint(self._bounds()):
            return None
        unrolled = {int(n.hint) for n in self.unrolled.values()}
        if len(held) in unrolled:
            return SUBSCRIPT
        same = max((len(list(run)) for _, run in itertools.groupby(held, id)), default=0)
        return WITH_ENDS if same in unrolled and 1 < same >= len(held) - _MOST_ENDS else None

    def _bounds(self) -> set[str]:
        return {name for n in self.unrolled.values() for name in _symbols_of(n)}

    def _is_length_of_loop(self, node: Node, length: int) -> bool:
        """Tell whether a comparison is `n == len(items)`, the items made by a loop over n."""
        return (
            not self.specialising
            and any(int(n.hint) == length for n in self.unrolled.values())
            and set(_symbols_of(node)) <= self._bounds()
            and lookups.compares_length(calling_frame(3))
        )

    def _counts_a_while_loop(self, node: Node, number: int) -> bool:
        """Tell whether a comparison is `while i < n`: of one symbol, with number after number.

        Once that is known, the run starts again, so that it is known from the first iteration.
        """
        frame = calling_frame(3)
        place = original_code(frame.f_code), frame.f_lasti
        if self.specialising or place in self.learned.while_places:
            return not self.specialising
        numbers = self._compared_with.setdefault((frame, frame.f_lasti, node), [])
        numbers.append(number)
        steps = {b - a for a, b in itertools.pairwise(numbers[-3:])}
        if len(numbers) > 2 and steps <= {1} and lookups.in_while_test(frame):
            self.learned.while_places.add(place)
            self.interrupt(Restart())
        return False

    def _is_membership(self, frame: FrameType, a: Node, b: Node) -> bool:
        """Tell whether this is a step of `x in list(range(...))`, which is decided as one question.

        Python compares x with one number of the list after the other, and with those of a short
        run only.
        """
        element, x = (a, b) if a in self._elements else (b, a)
        if element not in self._elements or instruction(frame) not in _MEMBERSHIPS:
            return False
        loop, _ = self._elements[element]
        members = lookups.members(frame) if loop.finished else None
        numbers = [self._elements.get(m._symcount_node) for m in members or () if type(m) is SymInt]
        if members is None or len(members) != loop.length:
            return False
        if numbers != [(loop, k) for k in loop.numbers]:
            return False
        self._follow_reach(SymInt(x, self), loop)
        return True

    def _follow_reach(self, x: SymInt, loop: Loop) -> None:
        """Branch on whether a loop over evenly spaced numbers comes to x."""
        first, step = loop.numbered
        distance = x - first
        if distance % step == 0:
            _ = 0 <= distance // step < SymInt(loop.count, self)  # type: ignore[arg-type]

    def _follow_equal_keys(self, node: Node) -> None:
        """Branch on whether a key is equal to one before: in a dict or a set they are one."""
        for other in self._keys:
            if other is not node and self._decide("eq", node, other):
                return
        self._keys.append(node)

    def _follow_index(self, node: Node, size: int) -> None:
        """Follow an index into, or a bound of a slice of, a list of this size."""
        if self._decide("lt", node, size) and self._decide("ge", node, -size):
            _ = any(self._decide("eq", node, index) for index in lookups.candidates(size))

    def _follow_element(self, node: Node, size: int) -> None:
        """Ask of an index into a list what the iteration that made the element asked of its own.

        So iterations that read different elements differ in what they have decided.
        """
        counts = {loop.count for loop in _loops_of(node)}
        around = [loop for loop, _ in self.tags]
        for loop in self.loops if 0 <= node.hint < size else ():
            if loop in around or loop.length != size or loop.count not in counts:
                continue
            tags = (*loop.inside, (loop, int(node.hint)))
            for branch in [b for b in self.branches if b.tags == tags and not b.specialised]:
                try:
                    left, right = (self._moved(s, loop, node) for s in (branch.left, branch.right))
                except ArithmeticError:
                    continue
                if isinstance(left, Node):
                    self._decide(branch.op, left, right)

    def _moved(self, side: Node | Number, loop: Loop, index: Node) -> Node | Number:
        """A number as it is if the index of a loop is another."""
        if isinstance(side, Node) and side.op == "index" and side.args[1] is loop:
            return index
        if not isinstance(side, Node) or side.op not in OPERATORS:
            return side
        args = [
            self._moved(arg, loop, index) if isinstance(arg, Node) else arg for arg in side.args
        ]
        if all(a is b for a, b in zip(args, side.args, strict=True)):
            return side
        numbers = [arg.hint if isinstance(arg, Node) else arg for arg in args]
        moved: Node = self.record(side.op, tuple(args), OPERATORS[side.op](*numbers))._symcount_node
        return moved

    def specialised(self, value: Any) -> int:
        """The plain value of a symbol, followed for this very value: a branch."""
        if type(value) is not SymInt:
            return int(value)
        self.give_up_ways()
        node = value._symcount_node
        place = user_frame()
        test = Node("eq", (node, node.hint), True, place)
        self._note(Branch("eq", node, node.hint, True, test, place, place, specialised=True))
        return int(node.hint)

    def unroll(self, value: Any) -> int:
        if type(value) is not SymInt:
            return int(value)
        return (
            self.specialised(value) if self.specialising else self.unroll_node(value._symcount_node)
        )

    def unroll_node(self, node: Node) -> int:
        """The plain value of a number that says how many of something there are."""
        self.give_up_ways()
        self.begin_loops()
        length = int(node.hint)
        if length > self.longest and node.op != "index":
            self.interrupt(TooLong(_symbols_of(node), length))
        self.unrolled[id(node)] = node
        return length

    def repeated(self, sequence: Any, times: Any) -> Any:
        """A sequence repeated as often as a symbol says."""
        result = sequence * self.unroll(times)
        if result is sequence:  # a tuple once
            result = tuple([*sequence])
        is_known = type(result) is tuple or (type(result) is list and len(sequence) == 1)
        if is_known and result and not self.specialising:
            REPEATED[id(result)] = Repeated(result, len(sequence), times)
            self._repeated.append(result)
        return result

    def begin_loops(self) -> None:
        """See to it that what may differ from iteration to iteration is observed from now on."""
        if self.observer is not None:
            self.observer.begin()

    def iterate(self, count: Any, first: Any, step: int, backwards: bool = False) -> Iterator[Any]:
        """Go through a loop, the run's tags saying in which iteration it is."""
        length = self.unroll(count)
        place = place_of(calling_frame(2))
        place = Frame(place.code, call_at(place.code, place.lasti))
        entered = self.tags, id(place.code), place.lasti
        times = self._entered[entered] = self._entered.get(entered, -1) + 1
        name = name_of(self.learned.loops, self.tags, place.code, place.lasti, times)
        counted = count._symcount_node if type(count) is SymInt else length
        loop = Loop(name, counted, self.tags, length, numbered=(first, step))
        self.loops.append(loop)
        if name in self.learned.used_after and type(count) is SymInt:
            # what is used is left by none if there are none
            self.require("ge", count._symcount_node, 1)
        numbers = range(length)[::-1] if backwards else range(length)
        return self._iterations(loop, numbers, first, step, place)

    def _iterations(
        self, loop: Loop, numbers: Iterable[int], first: Any, step: int, place: Frame
    ) -> Iterator[Any]:
        try:
            for k in numbers:
                around = self._tags_without(loop)
                if around == loop.inside:
                    self.tags = (*around, (loop, k))
                else:
                    loop.goes_along = True
                loop.numbers.append(k)
                index = SymInt(Node("index", (loop.name, loop), k, place), self)
                number = first + index * step if step != 1 or first != 0 else index
                if type(number) is SymInt:
                    self._elements[number._symcount_node] = loop, k
                yield number
            loop.finished = True
        finally:
            self.tags = self._tags_without(loop)

    def _tags_without(self, loop: Loop) -> Tags:
        return tuple(tag for tag in self.tags if tag[0] is not loop)

    def concretise(self, kind: str, node: Node) -> Any:
        frame = calling_frame(2)
        is_number = kind in ("int", "float")
        is_rounded = kind in ("rounded text", "float") or (
            kind == "int" and type(node.hint) is float
        )
        is_told = is_distinct(node) and not is_rounded
        kind = "text" if kind == "rounded text" else kind
        if is_number:
            self._shadow(frame)
        self.give_up_ways()
        if is_number and instruction(frame) in _OPERATIONS and lookups.is_text(frame):
            kind = "text"
        if kind == "text":
            owners: list[torch.nn.Module] = []
            end = ends.end_of_text(frame, ends.Search(self.outlets, self.executed, owners))
            if end == ends.NAME and not is_told:
                end = None
            elif end == ends.NAME and not self.names.add(frame, owners, self.tags, user_frame()):
                self.assume(COLLIDING, (), user_frame())
            if end is not None:
                self._note_once(f"text {end}", node)
                return node.hint
            is_int = type(node.hint) is int
            numbers = lookups.numbers_in_keys(frame) if is_int else None
            if numbers is not None:
                _ = any(self._decide("eq", node, number) for number in numbers)
                return node.hint
        if kind == "hash":
            frame = lookups.looking_up(frame)
        keys = lookups.numeric_keys(frame) if kind == "hash" else None
        if kind == "hash" and keys is None:
            self._require_empty_cache(*lookups.cache(frame), frame)
        if keys is not None:
            return self._hash_of_equal_key(node, keys, frame)
        is_told &= kind == "hash" or is_natural(node)
        if kind in ("hash", "text") and self.loops and not _symbols_of(node) and is_told:
            if kind == "text":
                self.names.add(frame, (), self.tags, user_frame())
            self._note_once(ends.ITERATION, node)  # what decides by it is found by `carried`
            return node.hint
        if kind == "hash" and self.specialising:
            return self.specialised(SymInt(node, self))
        if kind == "hash" and _symbols_of(node):
            self._follow_equal_keys(node)
        if kind == "text" and any(self._decide("eq", node, number) for number in self.texts):
            return node.hint
        self._concretise(kind, node, user_frame())
        value = node.hint if self.perturb is None else self._perturbed(kind, node.hint)
        if kind == "hash":
            self._hashes[node] = value
        return value

    def _require_empty_cache(
        self, cached: Any, method: tuple[type, str] | None, frame: FrameType
    ) -> None:
        """Restart with the cache of a function emptied, and with symbols going past it."""
        code = getattr(getattr(cached, "__wrapped__", None), "__code__", None)
        known = [getattr(c.__wrapped__, "__code__", None) for c in self.learned.caches]
        if cached is not None and code not in known:  # or it is made anew in each run
            self.learned.caches.append(cached)
            stand_in = Cached(cached, run_of_thread)
            if method is None:
                self.learned.interceptor.intercept(cached, stand_in)
                self.learned.interceptor.intercept_anew()
                self.must_intercept(frame)
            else:
                self.learned.cached_methods.append((*method, stand_in.in_class(*method)))
            self.interrupt(Restart())

    def _hash_of_equal_key(self, node: Node, keys: Sequence[Any], frame: FrameType) -> Number:
        """Return the hash of a symbol that is looked up: of the key that it is equal to, if any."""
        for key in keys:
            other = key._symcount_node if type(key) in (SymInt, SymFloat) else key
            if other is node or self._decide("eq", node, other):
                return self._hashes.get(other, node.hint)
        if memos.is_store(frame):
            self._follow_stored_key(node, frame)
        return node.hint

    def _follow_stored_key(self, node: Node, frame: FrameType) -> None:
        """Branch on whether a new key is equal to a number that is looked up later."""
        if not memos.is_memo(frame, self.executed):
            self._concretise("hash", node, user_frame())
            return
        place = original_code(frame.f_code), frame.f_lasti
        later = self.learned.keys.setdefault(place, [])
        self._memos.append((lookups.container(frame), later))
        _ = any(self._decide("eq", node, number) for number in later)

    def compare_names(self, module: object) -> None:
        """Assume that names which loops make are not those of others, where they may be."""
        if isinstance(module, torch.nn.Module) and (self.loops or self.unrolled):
            for frame in self.names.colliding(self.executed):
                self.assume(COLLIDING, (), frame)
            made = [node.frame for node in self.unrolled.values() if node.frame is not None]
            if made and has_numbers_as_names(module, self.executed):
                self.assume(COLLIDING, (), made[0])

    def compare_keys(self) -> None:
        """Restart if numbers have become keys of memos that symbols are to be compared with."""
        for container, known in self._memos:
            numbers = [n for n in lookups.numbers_of(container) or () if type(n) in (int, float)]
            new = [number for number in dict.fromkeys(numbers) if number not in known]
            known += new
            if new:
                self.interrupt(Restart())

    def _perturbed(self, kind: str, value: Number) -> Number:
        assert self.perturb is not None
        other = self.perturb(kind, value)
        while kind == "text" and other in self.texts:
            other += 1
        return other

    def _concretise(self, kind: str, node: Node, frame: Frame) -> None:
        key = (kind, id(node), id(frame.code), frame.lasti)
        if key not in self.concretisations:
            self.concretisations[key] = Concretisation(
                kind, _symbols_of(node), node.hint, frame.source
            )

    def _note_once(self, kind: str, node: Node) -> None:
        """Record that a number has become a plain one, once for each place."""
        place = user_frame()
        key = kind, 0, id(place.code), place.lasti
        if key not in self.concretisations:
            self.concretisations[key] = Concretisation(
                kind, _symbols_of(node), node.hint, place.source
            )

    def assume(self, kind: str, symbols: tuple[str, ...], frame: Frame) -> None:
        """Record that what follows holds for the hints of these symbols, and maybe for no other."""
        key = kind, hash(symbols), id(frame.code), frame.lasti
        self.concretisations.setdefault(key, Concretisation(kind, symbols, None, frame.source))

    def assume_identity(self, *values: Any) -> None:
        """Record that something depends on which numbers are one object, or on their type."""
        self.assume_of("identity of a number", *values)

    def assume_of(self, kind: str, *values: Any) -> None:
        """Record that what follows may hold for the hints of the symbols of these values alone."""
        symbols = {name for value in values for name in _symbols_of(value._symcount_node)}
        self.assume(kind, tuple(sorted(symbols)), user_frame())

    def shows(self, name: str, value: Any) -> bool:
        """Tell whether an attribute that numbers have not is shown: to C code, which is recorded.

        Of a number of numpy's own, `item` is shown to all.
        """
        frame = sys._getframe(2)
        if is_of_tracer(frame.f_code) or frame.f_globals.get("__name__") == "copy":
            return name != "numerator"
        if lookups.computes_elements(frame):
            return True
        is_item = name == "item"  # which may be computed of one that has it
        if is_item and (
            value._symcount_node in self.of_numpy or id(value._symcount_node) in self._tracked
        ):
            return True
        may_have = is_item and bool(self.of_numpy or self._tracked)
        is_of_python = instruction(frame) in _ATTRIBUTES or lookups.asks_attribute(frame)
        if not self.alive or (is_of_python and not may_have):
            return False
        self.assume_of(f"attribute {name}", value)
        return True

    def concretise_value(
        self, kind: str, values: Any, within: tuple[float, float] | None = None
    ) -> Any:
        """Return values of a tensor that depend on symbols: floats are tracked, others assumed.

        A truth value is a branch on values: both ways are gone.
        """
        if type(values) is bool:
            self._note_branch_on_value(())
            return values if self.perturb is None else bool(self.perturb(VALUE, values))
        if type(values) is float:
            return self.track(kind, (), values, within)
        if type(values) is list and all(type(value) is float for value in values):
            if within is not None and within[0] == within[1]:
                return values  # they depend on no symbol
            return [self.track(kind, (), value, within) for value in values]
        self.assume(kind, (), user_frame())
        return values

    def poke(self, node: Node) -> int:
        frame = calling_frame(2)
        self._shadow(frame)
        self.give_up_ways()
        if instruction(frame) in _SUBSCRIPTS:
            held = lookups.sequence(frame)
            if held is not None and self._is_in_block(node, held):
                return int(node.hint)
            kind = None if held is None else self._made_by_loop(node, held)
            if held is not None and kind is not None:
                if _symbols_of(node) and not self.specialising and not _is_linear(node):
                    self.interrupt(
                        NotFolded("a list is read at an index that is not linear in its symbols")
                    )
                self._follow_element(node, len(held))
                self._note_once(kind, node)
                is_another = self.perturb is not None and self.perturb(kind, 0) != 0
                return int((node.hint + 1) % len(held) if is_another else node.hint)
            if held is not None:
                self._follow_index(node, len(held))
                return int(node.hint)
            if self.specialising:
                return self.specialised(SymInt(node, self))
            if lookups.is_slice(frame) and _symbols_of(node):
                self.interrupt(NotFolded("a list is cut to a length that is a symbol"))
        self.pokes.append((node, place_of(frame), user_frame()))
        value = node.hint if self.perturb is None else self._perturbed("index", node.hint)
        return int(value)

    def _is_in_block(self, node: Node, held: Sequence[Any]) -> bool:
        """Follow an index into a tuple that is repeated: it is the remainder that tells."""
        known = REPEATED.get(id(held)) if type(held) is tuple else None
        number: Any = SymInt(node, self)
        if known is None or known.width == 1 or self.specialising:
            return False
        if not 0 <= number < known.length:
            return False
        place = number % known.width
        return any(place == k for k in range(known.width))

    def has_lost_sizes(self) -> bool:
        """Tell whether a symbol has become a plain number that may be the size of a tensor.

        What is as long as a loop is compared at other lengths, whatever it is made by.
        """
        return bool(self.pokes) or any(
            kind not in ("text", "hash") for kind, *_ in self.concretisations
        )

    def settle(self, frame: Any, nodes: set[int]) -> None:
        """Forgive the pokes of torch's argument parser: the mode was handed the symbols next."""
        code = original_code(frame.f_code)
        for node, place, user in self.pokes:
            same_call = place.code is code and place.lasti == frame.f_lasti
            if id(node) not in nodes or not same_call:
                self._concretise("index", node, user)
        self.pokes.clear()

    def of_array(self, ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: Any) -> Any:
        """Apply a function of numpy to arrays and symbols, whose values then depend on these.

        Of whole numbers these would be sizes, more likely than values.
        """
        if any(type(value) is arrays.SymArray for value in inputs):
            return NotImplemented  # it is that one's business
        self.give_up_ways()
        out = kwargs.get("out") or (getattr(ufunc, method)(*map(hint, inputs), **kwargs),)
        if self.tensors is None or method != "__call__" or out[0].dtype.kind in "iu":
            kind = next(x.dtype for x in inputs if hasattr(x, "dtype"))
            self.refuse(UnsupportedError(not_modelled(kind)))
        made_by = f"numpy.{ufunc.__name__}"
        return arrays.follow(self.tensors, ELEMENTWISE, ufunc, inputs, kwargs, made_by)

    def mix(self, operation: Callable[[], Any]) -> Any:
        self.give_up_ways()
        result = operation()
        if self.tensors is not None:
            self.tensors.taint(result)
        return result

    def is_tensor(self, value: object) -> bool:
        return isinstance(value, torch.Tensor)

    def finish(self) -> None:
        """End the run: its symbols are dead, and what was poked last was concretised.

        Symbols know their run. Unless it lets go of them, what a run has made stays until the
        garbage collector looks at everything there is, which takes longer than the run.
        """
        self.alive = False
        for node, _, user in self.pokes:
            self._concretise("index", node, user)
        self.pokes.clear()
        self._nodes.clear()
        self._decided.clear()
        self._paddings.clear()
        self._compared_with.clear()
        self._keys.clear()
        self._memos.clear()
        while self._repeated:
            REPEATED.pop(id(self._repeated.pop()), None)
        self.names.clear()
        visited.forget()
        self._elements.clear()
        self.of_numpy.clear()
        if self.tensors is not None:
            self.tensors.known.clear()
            self.tensors = None


def trace(
    factory: Callable[..., object],
    *,
    symbols: Mapping[str, tuple[str, Number]],
    fixed: Mapping[str, object],
    listen: Listen = Everything,
    settings: Settings = AS_USUAL,
) -> Trace:
    """Run `factory` once with symbols for some of its parameters, and record what it does.

    Args:
        factory: a callable that returns an `nn.Module`.
        symbols: factory parameter -> (symbol's name, hint). Parameters that share a name share
            the symbol, and must share the hint.
        fixed: factory parameter -> plain value.
        listen: called whenever the run starts, or starts again. What it returns is told of each
            comparison of a symbol, and says which always go one way and are left out of the trace.
        settings: how the run is to go.

    What the factory does to the ambient state (`symcount.factory.ambient`) is the caller's to
    restore.

    Raises:
        DerivationError: the run ended in something no formula can come from. An exception of the
            factory itself does not raise here: it is the result (`Trace.raised`).
        TooLong: a loop over a symbol would have more than `settings.longest` iterations.
        BudgetSpent: the deadline passed before the factory was done.
    """
    function = inspect.unwrap(factory)
    roots = (function,) if isinstance(function, FunctionType) else ()
    restarted = _Restarted(roots, settings.learned or Learned())
    with interception.alone():
        for _ in range(_MOST_RESTARTS):
            run = _Run(listen(), settings, restarted)
            try:
                return _run_once(run, factory, symbols, fixed)
            except Restart as reason:
                if reason is not run.interrupted:
                    raise  # of a run that this one is within
        raise InternalError(f"tracing {factory!r} restarted {_MOST_RESTARTS} times")


def _run_once(
    run: _Run,
    factory: Callable[..., object],
    symbols: Mapping[str, tuple[str, Number]],
    fixed: Mapping[str, object],
) -> Trace:
    nodes = {name: Node("symbol", (name,), value, None) for name, value in symbols.values()}
    arguments = {
        parameter: (SymFloat if isinstance(value, float) else SymInt)(nodes[name], run)
        for parameter, (name, value) in symbols.items()
    }
    tensors: tuple[TracedTensor, ...] = ()
    raised: Raised | None = None
    exception: BaseException | None = None
    outer = mode_of_thread()
    try:
        module = _followed(run, factory, arguments, fixed)
        try:
            tensors = () if run.interrupted else collected(module, run.tensors)
        except UninitializedParameterError as error:  # there is no count on this path
            raised, exception = raised_by(error), error
    except SymcountError:
        if run.interrupted is None:
            raise
    except Exception as error:
        if run.interrupted is None and learn_what_refuses(
            error, run.learned.refusing, run.must_intercept, run.restarted.retried
        ):
            run.interrupted = Restart()
        raised, exception = raised_by(error), error
    finally:
        interception.complete(
            run.finish, run.learned.empty_caches, interception.restore, lambda: tell(outer)
        )
    if run.interrupted is not None:
        raise run.interrupted
    if run.refused is not None:
        raise run.refused
    run.learned.interceptor.has_run = True
    return Trace(
        hints={name: value for name, value in symbols.values()},
        symbols=tuple(nodes.values()),
        tensors=tensors,
        branches=tuple(run.branches),
        concretisations=tuple(run.concretisations.values()),
        raised=raised,
        exception=exception,
        loops=tuple(run.loops),
        unrolled=tuple(run.unrolled.values()),
        choices=run.choices(),
    )


def _followed(
    run: _Run, factory: Callable[..., object], arguments: Mapping[str, Any], fixed: Any
) -> object:
    """Call the factory with everything replaced, which is for the caller to restore."""
    with Tensors(run) as run.tensors:
        with own_code("preparing a run"):
            _prepare(run)
        module = factory(**arguments, **fixed)
        run.compare_keys()
        run.compare_names(module)
        return module


def _prepare(run: _Run) -> None:
    tell(run.tensors)
    run.learned.empty_caches()
    replace_unseen(run.learned.refusing)
    for method in run.learned.cached_methods:
        interception.replace(*method)
    interceptor = run.learned.interceptor
    interceptor.intercept_silent(run.executed, run.restarted.roots)
    interceptor.intercept_functions()
    if run.observer is not None:
        run.observer.start(run)
        return
    pure_functions.follow_functions(run.learned.followed)
    identity.watch(
        interceptor.places, interceptor.watched, interceptor.unowned, run.assume_identity
    )


def _loops_of(node: Node) -> set[Loop]:
    """The loops of whose indices a number is computed."""
    if node.op == "index":
        return {node.args[1]}
    return set().union(*(_loops_of(arg) for arg in node.args if isinstance(arg, Node)))


def _is_linear(node: Node) -> bool:
    """Tell whether a number is a sum of symbols and iteration numbers, each times a constant."""
    inner = [arg for arg in node.args if type(arg) is Node]
    is_sum = node.op in ("add", "sub", "neg") or (node.op == "mul" and len(inner) == 1)
    return not inner or (is_sum and all(map(_is_linear, inner)))
