"""Judge what was reported at a place in a loop: may it decide otherwise in a later iteration?

What is the same in all iterations that decided alike, and for both numbers of iterations, may not.
Of the rest it depends on the kind of the place, and on what is done there with what values.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice, pairwise, product
from typing import Any, TypeAlias

from symcount.derivation.calls_of_torch import (
    ADDING,
    BY_NAME,
    ELEMENTWISE,
    HOLDING,
    OF_DATA,
    PLAIN_METHODS,
    RATES,
    sizes_of,
)
from symcount.derivation.frontier import MOST_ITERATIONS
from symcount.derivation.texts import MOVING, may_begin, may_end, templates
from symcount.symbols import Values
from symcount.trace.describing import MOST_TEXT, NUMBERS, Value
from symcount.trace.observing import Event
from symcount.trace.reporting import HELD, Site

LENGTH = "length of a list that a loop made"
STATE = "state carried from one iteration to the next"
TEXT = "text made of the number of an iteration"


Tags: TypeAlias = "tuple[tuple[str, int], ...]"
"""The iterations of the loops around something, by the names of the loops."""


@dataclass(eq=False)
class ObservedRun:
    """One run of a path: its lengths, what was reported, and what each iteration decided."""

    hints: Values
    events: Mapping[int, Sequence[Event]]
    decided: Mapping[Tags, tuple[bool, ...]]
    lengths: Mapping[str, int]
    shifting: frozenset[int]  # sites at which what is read was elsewhere before
    numbered: dict[Hashable, int]  # what was decided, by a number that all runs of a path share
    _told: dict[Tags, tuple[Hashable, ...]] = field(default_factory=dict)

    def told(self, tags: Tags) -> tuple[Hashable, ...]:
        """Return the loops that an iteration is of, what was decided in it, and its numbers."""
        known = self._told.get(tags)
        if known is None:
            loops = tuple(name for name, _ in tags)
            decided = tuple(self.decided.get(tags[: i + 1], ()) for i in range(len(tags)))
            numbers = id(self), tuple(number for _, number in tags)
            number = self.numbered.setdefault((loops, decided), len(self.numbered))
            known = self._told[tags] = loops, number, numbers
        return known


_GROWING = frozenset(["many", "array"])
# Methods that ask for the place of an element, or take elements away.
_BY_PLACE = frozenset(
    "pop popleft popitem remove index count discard clear move_to_end rotate insert "
    "__delitem__ __getitem__".split()
)
_BY_KEY = frozenset(
    "get setdefault __contains__ isdisjoint issubset issuperset intersection difference union "
    "symmetric_difference update".split()
)
# Methods of containers that add to them or hand them on as they are.
_KEEPING = frozenset(
    "append appendleft extend extendleft add keys values items copy __len__ __iter__ "
    "fromkeys".split()
)
# Those that add; a container that has a largest length loses something by them.
_ADDING_TO = frozenset("append appendleft extend extendleft insert __iadd__".split())
# Methods of texts whose result has the digits that the text has.
_RESPELLING = frozenset(
    "format join lower upper title capitalize casefold swapcase zfill encode decode".split()
)
_BY_TEXT = frozenset(
    "startswith endswith find rfind index rindex count replace partition rpartition split rsplit "
    "removeprefix removesuffix strip lstrip rstrip translate __contains__".split()
)
_BY_END: dict[str, Callable[[str, str], bool]] = {
    "startswith": may_begin,
    "endswith": may_end,
}
# Functions whose result differs wherever an argument does, or that pass on what they are given.
_PASSED_ON = frozenset(
    "list tuple dict enumerate reversed iter print map partial "
    "isinstance issubclass hasattr getattr delattr float type id "
    "range slice object callable property staticmethod classmethod super vars dir "
    "OrderedDict defaultdict SimpleNamespace".split()
)
# Those of them that are as they are with any number of arguments.
_TAKING_ANY = _PASSED_ON - {"range", "slice", "getattr", "hasattr", "isinstance", "issubclass"}
# Those of them that go through a text, letter by letter.
_SPELLING = frozenset(
    "list tuple dict enumerate reversed iter OrderedDict map zip zip_longest filter filterfalse "
    "sorted takewhile dropwhile islice accumulate chain from_iterable compress starmap "
    "deque".split()
)
# How a number is written as it is by `%`.
_AS_IT_IS = re.compile(r"%%|%(\(\w+\))?[dis]|%(\(\w+\))?r")
_DEFINED_ABOVE = frozenset("sqrt log log2 log10 log1p fabs".split())
_OPEN_ENDED = frozenset("accumulate chain count from_iterable".split())
# What holds the elements of another in its order, and takes away none.
_ENDLESS = frozenset(["count", "repeat"])
_PLAIN_ITERATORS = frozenset(
    "generator list_iterator tuple_iterator dict_keyiterator dict_valueiterator dict_itemiterator "
    "range_iterator enumerate list_reverseiterator reversed".split()
)
# What is logged is read by nobody, if nothing has it go elsewhere; handlers report by themselves.
_LOGGERS = (("state", "Logger"), ("state", "RootLogger"), ("state", "LoggerAdapter"))
_WRITING = frozenset("debug info warning warn error exception critical log".split())
_QUIET = ("logging", "warnings", "typing", "copy", "inspect", "functools", "contextlib")


@dataclass(eq=False)
class Seen:
    """What was reported at one site."""

    site: Site
    runs: Sequence[ObservedRun]
    events: Sequence[tuple[ObservedRun, Event]]
    shifts: bool = False  # what is read was elsewhere before
    _values: dict[int, list[Value]] = field(default_factory=dict)

    def reason(self) -> str:
        """Return the kind of assumption that the site stands for; none if it decides nothing."""
        judge: Callable[[], str] = getattr(self, f"_{self.site.kind.removesuffix(HELD)}")
        is_next = self.values(0) == [("function", "builtins.next")]  # which is judged by itself
        is_used_up = any(e.tags and any(map(_is_going_on, e.values)) for _, e in self.events)
        return STATE if is_used_up and not is_next else judge()

    # --- what differs ---

    def values(self, place: int) -> list[Value]:
        """List the values of an operand, each once."""
        if place not in self._values:
            found = (e.values[place] for _, e in self.events if len(e.values) > place)
            self._values[place] = list(dict.fromkeys(found))
        return self._values[place]

    def differs(self, place: int, view: Callable[[Value], Hashable] = lambda v: v) -> bool:
        """Return whether an operand differs by the number of an iteration, or of iterations."""
        if len(set(map(view, filter(None, self.values(place))))) < 2:
            return False
        groups: dict[Hashable, dict[Hashable, set[Hashable]]] = {}
        merged: dict[Hashable, dict[Hashable, set[Hashable]]] = {}
        for run, event in self.events:
            if len(event.values) <= place or event.values[place] is None:
                continue
            seen = view(event.values[place])
            loops, decided, numbers = run.told(event.tags)
            for where, key in ((groups, decided), (merged, loops)):
                where.setdefault(key, {}).setdefault(numbers, set()).add(seen)
        told = [sets for sets in groups.values() if len(sets) > 1] or list(merged.values())
        return any(len(set(map(frozenset, sets.values()))) > 1 for sets in told)

    @cached_property
    def width(self) -> int:
        return max((len(event.values) for _, event in self.events), default=0)

    def kinds(self, place: int) -> set[str]:
        return {value[0] for value in self.values(place) if value is not None}

    # --- rules ---

    def _compare(self) -> str:
        if self.site.names[0] in ("In", "NotIn"):
            return self._looked_up(0, 1, self.events)
        if self.site.names[0] in ("Is", "IsNot") and any(map(self._is_made_anew, (0, 1))):
            return STATE
        symbolic = [pair for pair in self.events if None in pair[1].values]
        if symbolic:
            plain = [pair for pair in self.events if None not in pair[1].values]
            with_symbols = Seen(self.site, self.runs, symbolic)
            if self.site.names[0] not in ("Eq", "NotEq") and any(map(with_symbols._moves, (0, 1))):
                return STATE
            return Seen(self.site, self.runs, plain)._compare() if plain else ""
        if all(event.values[0] == event.values[1] for _, event in self.events):
            return ""  # lists of the same lengths, at any length
        if {"symbolic", "iterator"} & (self.kinds(0) | self.kinds(1)):
            return ""
        if self.kinds(0) | self.kinds(1) <= {"text"}:
            return self._texts((0, 1))
        for place in (0, 1):
            if self.differs(place, _digitless) and not self._is_rate(place, self.values(1 - place)):
                return self._kind(place)
        return ""

    def _while(self) -> str:
        """Judge the condition of a `while`: compared with a symbol it is that of a loop."""
        plain = [pair for pair in self.events if None not in pair[1].values]
        return Seen(self.site, self.runs, plain)._compare() if plain else ""

    def _moves(self, place: int) -> bool:
        return self.kinds(place) == {"number"} and self.differs(place)

    def _is_made_anew(self, place: int) -> bool:
        """Return whether it is a number or text of which small ones are the same object."""
        made = {type(v[1]) for v in self.values(place) if v and v[0] in ("number", "text")}
        return bool(made & {int, float, str}) and self.differs(place)

    def _match(self) -> str:
        return self._kind(0) if self.differs(0) else ""

    def _none(self) -> str:
        return STATE if self.differs(0, lambda v: v == ("number", None)) else ""

    def _truth(self) -> str:
        def view(value: Value) -> Hashable:
            assert value is not None
            if value[0] in ("many", "text"):
                return bool(value[2] if value[0] == "many" else value[1])
            return value[:2] if value[0] == "object" else value

        return self._kind(0) if self.differs(0, view) and not self._is_rate(0, []) else ""

    def _flat(self) -> str:
        if self.site.names[0] == "Mod" and "text" in self.kinds(0):
            return TEXT if self.differs(0) else self._padded()
        plain = [pair for pair in self.events if None not in pair[1].values]
        seen = Seen(self.site, self.runs, plain)
        for place in range(self.width if plain else 0):
            kinds = seen.kinds(place)
            is_number = kinds == {"number"} and not self._is_difference()
            is_number |= bool(kinds & {"state"})
            is_joined = _is_set(seen.values(place)) or kinds <= {"array"} or _is_keyed(seen, place)
            if (is_number or is_joined) and seen.differs(place):
                return STATE
        return seen._rounded()

    def _is_difference(self) -> bool:
        in_place = "in place" in self.site.names
        return self.site.names[0] == "Sub" and not in_place

    def _padded(self) -> str:
        """Judge `%` of a text, but for one that says to write numbers as they are."""
        rest = [_AS_IT_IS.sub("", v[1]) for v in self.values(0) if v and v[0] == "text"]
        return self._arguments() if any("%" in text for text in rest) else ""

    def _rounded(self) -> str:
        """Judge sums of floats that are so large that one more may make no difference."""
        if not any(map(self._moves, range(self.width))):
            return ""
        floats = [abs(n) for p in (0, 1) for n in self._numbers(p) if type(n) is float and n]
        numbers = [abs(n) for p in (0, 1) for n in self._numbers(p) if n]
        is_large = any(n >= _LARGE for n in floats)
        is_small = any(n < _SMALL for n in floats) or (
            bool(floats) and "Add" in self.site.names and max(numbers) > _APART * min(numbers)
        )
        return STATE if is_large or is_small else ""

    def _arithmetic(self) -> str:
        """Judge an operation that raises for some numbers, or makes a list of no element."""
        plain = [pair for pair in self.events if None not in pair[1].values]
        seen = Seen(self.site, self.runs, plain)
        if not plain:
            return ""
        moving = [place for place in range(seen.width) if seen.differs(place)]
        kinds = set().union(*map(seen.kinds, range(seen.width)))
        if moving and ("state" in kinds or not all(map(_adds_up, seen.all_values()))):
            return STATE
        judge = {"Mult": seen._of_mul, "Div": seen._of_truediv, "LShift": seen._of_lshift,
                 "Pow": seen._of_pow}.get(self.site.names[0])  # fmt: skip
        return (judge(first=0) if judge is not None else "") or seen._rounded()

    def all_values(self) -> Iterator[Value]:
        """Yield the values of all operands."""
        for place in range(self.width):
            yield from self.values(place)

    def _of_mul(self, first: int = 1) -> str:
        pair = first, first + 1
        is_list = any(self.kinds(place) & {"many", "text"} for place in pair)
        if is_list:
            return "" if all(map(self._grows_from_zero, pair)) else LENGTH
        moving = [place for place in pair if self._moves(place)]
        if len(moving) > 1:
            return STATE  # twice the same, for two iterations
        is_safe = (self._is_linear(p) or self._gets_larger(p) for p in moving)
        return "" if all(is_safe) else STATE  # at last zero

    def _gets_larger(self, place: int) -> bool:
        """Return whether it is an integer that gets larger, and never too large."""
        is_integer = all(type(number) is int for number in self._numbers(place))
        return is_integer and self._grows_from_zero(place)

    def _is_linear(self, place: int) -> bool:
        """Return whether a number changes by the same from each iteration to the next."""
        for by in self._series_of(place).values():
            numbers = [by[at] for at in sorted(by)]
            if any(len(set(each)) > 1 for each in numbers):
                continue  # several in an iteration
            steps = [b[0] - a[0] for a, b in pairwise(numbers)]
            largest = max(map(abs, steps), default=0)
            if steps and max(steps) - min(steps) > 1e-6 * largest:
                return False
        return True

    def _of_truediv(self, first: int = 1) -> str:
        divisors = self._numbers(first + 1)
        is_safe = self.rises(first + 1) and min(divisors, default=1) > 0
        return "" if is_safe or not self._moves(first + 1) else STATE

    def _of_lshift(self, first: int = 1) -> str:
        return "" if self._grows_from_zero(first + 1) else STATE

    def _of_pow(self, first: int = 1) -> str:
        bases, exponents = self._numbers(first), self._numbers(first + 1)
        if not (self._moves(first) or self._moves(first + 1)) or not bases or not exponents:
            return ""
        if self.rises(first) and min(bases) >= 0 and set(exponents) in ({0.5}, {2}, {3}):
            return ""
        if not self._moves(first) and bases[0] >= 0:
            falls_to_zero = 0 < bases[0] <= 1 or type(bases[0]) is int
            if self._grows_from_zero(first + 1) and falls_to_zero:
                return "" if all(type(e) is int or bases[0] <= 1 for e in exponents) else STATE
            if bases[0] >= 1 and max(exponents) <= 0 and self.rises(first + 1, -1):
                return ""
        return STATE

    def _format(self) -> str:
        return TEXT if self._moves(0) or (self.kinds(0) == {"text"} and self.differs(0)) else ""

    def _said(self, first: int = 0) -> str:
        """Judge what becomes part of a text: but for a number that is one of digits alone, always.

        Others get a sign, a point or an exponent some time, which decides in a test without digits.
        """
        for place in range(first, self.width):
            is_natural = self._grows_from_zero(place) and self._is_whole(place)
            if self.differs(place) and not (self.kinds(place) <= {"text"} or is_natural):
                return TEXT if self.kinds(place) & {"number", "many", "array", "state"} else ""
        return ""

    def _is_whole(self, place: int) -> bool:
        return all(v[0] == "number" and type(v[1]) is int for v in self.values(place) if v)

    def _of_str(self) -> str:
        return self._said(1)

    _of_repr = _of_str

    def _follow(self) -> str:
        """Judge `node = node.next`: is it the node that the iteration before has left?

        One that is a constant, such as a text, is that as well, and is left by none.
        """
        is_carried = any(e.tags and e.values[0] == ("number", True) for _, e in self.events)
        is_constant = ("number", None) not in self.values(1) and not self.differs(1)
        return STATE if is_carried and not is_constant else ""

    def _attribute(self) -> str:
        known = _several(self.values(0))
        is_one = any(NUMBERS.sub("0", name) in known for name in self.site.names)
        return STATE if is_one and self.differs(0) else ""

    def _display(self) -> str:
        """Judge the elements of a set or the keys of a dict: equal ones are one."""
        for place in range(self.width):
            if "many" not in self.kinds(place):
                if self.differs(place, _digitless):
                    return self._kind(place)
            elif self.width > 1 and self.differs(place, _keys):
                return LENGTH
        if self.width < 2:
            return ""
        texts = [place for place in range(self.width) if self.kinds(place) <= {"text"}]
        return self._texts(texts)

    def _iterate(self) -> str:
        is_used_up = any(
            event.tags and event.values[0] and event.values[0][0] == "iterator"
            for _, event in self.events
        )
        return STATE if is_used_up else self._spelt_out(0)

    def _spelt_out(self, place: int) -> str:
        """Judge a text that is gone through letter by letter."""
        return TEXT if "text" in self.kinds(place) and self.differs(place) else ""

    def _keywords(self) -> str:
        """Judge by what names arguments are given."""
        return TEXT if self.differs(0) else ""

    def _evaluated(self) -> str:
        """Judge a text that is run."""
        return self._kind(0) if self.differs(0) else ""

    def _spell(self) -> str:
        return self._spelt_out(0)

    def _answer(self) -> str:
        """Judge what code of C is told, or takes of a generator."""
        kinds = self.kinds(0) & {*_GIVEN} - {"iterator"}
        return self._kind(0) if kinds and self.differs(0) else ""

    def _unary(self) -> str:
        """Judge `-`, `+` and `~`."""
        kinds = self.kinds(0) & {"state", "many", "text"}
        return self._kind(0) if kinds and self.differs(0) else ""

    def _put(self) -> str:
        """Judge where an attribute is set: it may be there as something else, such as a byte."""
        return STATE if ("holder", True) in self.values(0) else ""

    def _handed(self) -> str:
        """Judge what a function returns to be gone through: some of it may be gone already."""
        return STATE if ("number", True) in self.values(0) else ""

    def _unpack(self) -> str:
        return self._iterate() or (LENGTH if self.differs(0, _left) else "")

    def _spread(self) -> str:
        return self._iterate()

    def _index(self) -> str:
        if "slice" in self.kinds(1):
            return self._sliced()
        if self.shifts:
            return LENGTH
        if "state" in self.kinds(0) and self.differs(0):
            return STATE
        if "text" in self.kinds(0):
            if self.differs(1):
                return STATE
            cut = self.differs(0) and (self.differs(0, _digitless) or self._is_cut())
            return TEXT if cut else ""
        if _is_keyed(self, 0):
            return self._looked_up(1, 0, self.events)
        if self.differs(0, _left):
            pairs = ((_length(e.values[0]), e.values[1]) for _, e in self.events)
            is_missing = any(
                length is not None and type(index[1]) is int and not -length <= index[1] < length
                for length, index in pairs
                if index and index[0] == "number"
            )
            return LENGTH if is_missing else ""
        is_held = self.kinds(0) & {*_GROWING, "object", "state"}
        return STATE if is_held and self.differs(1, _digitless) else ""

    def _sliced(self) -> str:
        """Judge a subscript by an object that is a slice."""
        events = [
            (run, Event(e.tags, (e.values[0], *e.values[1][1:])))
            for run, e in self.events
            if e.values[1] is not None and e.values[1][0] == "slice"
        ]
        site = self.site._replace(names=("lower", "upper", "step"))
        return Seen(site, self.runs, events)._slice()

    def _slice(self) -> str:
        if self.shifts:
            return LENGTH
        if "text" in self.kinds(0):
            return TEXT if self.differs(0) and self._is_cut() else ""
        bounds = range(1, self.width)
        if any(self.differs(place) for place in bounds) and not self.differs(0, _left):
            return STATE
        if not self.differs(0) and not self.kinds(0) & {"symbolic", "iterator"}:
            return ""
        is_beyond = any(
            length is None or abs(bound[1]) > length
            for length, bounds in ((_length(e.values[0]), e.values[1:]) for _, e in self.events)
            for bound in bounds
            if bound and bound[0] == "number" and bound[1] is not None
        )
        return LENGTH if is_beyond else ""

    def _is_cut(self) -> bool:
        """Return whether digits of a text are cut off, or may be if it gets longer."""
        for _, event in self.events:
            text, *bounds = event.values
            if text is None or text[0] != "text":
                continue
            numbers = [b[1] if b and b[0] == "number" else None for b in bounds]
            if any(type(n) is int and abs(n) >= len(text[1]) for n in numbers):
                return True
            if self.site.kind == "index":
                return bool(NUMBERS.search(text[1]))
            part = text[1][slice(*(_named(self.site.names, numbers)))]
            if len(NUMBERS.findall(part)) < len(NUMBERS.findall(text[1])):
                return True
            if "".join(NUMBERS.findall(part)) != "".join(NUMBERS.findall(text[1])):
                return True
        return False

    def _store(self) -> str:
        """Judge where something is put: beside what is there, or in the place of it."""
        if ("number", False) in self.values(2):
            return STATE if self.differs(1) else ""  # a name that has less than those before it
        if any(v and v[:2] == ("state", "globals") for v in self.values(0)) and self.differs(1):
            return STATE  # what is read by its name
        if "state" in self.kinds(0) and self.differs(0):
            return STATE
        if self.kinds(0) & {"array", "state"}:
            return STATE  # it may be there as something else, such as a byte
        if not self.kinds(0) & _GROWING or not self.differs(1):
            return ""
        if not _is_keyed(self, 0):
            return STATE if self._moves(1) and not self._is_near_the_end() else ""
        if not self.kinds(1) & {"number", "text", "many"}:
            return ""
        is_over = all(_is_over(e.values[1], e.values[0]) for _, e in self.events)
        return "" if is_over and self.differs(0, _left) else STATE

    def _is_near_the_end(self) -> bool:
        """Return whether a place is as far from the end of a list each time."""
        pairs = [e.values[:2] for _, e in self.events if None not in e.values[:2]]
        return len({index[1] - (_length(held) or 0) for held, index in pairs if index}) == 1

    def _delete(self) -> str:
        return LENGTH if any(map(self.differs, range(self.width))) else ""

    def _keys(self) -> str:
        """Judge the keys of what is made of pairs: equal ones are one."""
        tables = self.values(0)
        if not self.differs(0) or not tables:
            return ""
        is_regular = all(v is None or (v[0] == "keys" and v[2]) for v in tables)
        return "" if is_regular and len({v[1] for v in tables if v}) > 1 else LENGTH

    def _looked_up(
        self, key: int, container: int, events: Sequence[tuple[ObservedRun, Event]]
    ) -> str:
        """Judge a look-up of a key: found in what grows it stays, not found it may come."""
        keys = [v for v in self.values(key) if v]
        if any(v[0] == "many" and None in v[3] for v in keys) and self._in_loop():
            return STATE  # the number of an iteration is part of a key
        if "iterator" in self.kinds(container):
            return STATE
        texts = [v[1] for v in keys if v[0] == "text"]
        is_keyed = all(v and v[0] == "many" and v[1] in _KEYED for v in self.values(container))
        grows = self.differs(container, _keys if is_keyed else _digitless)
        if keys and len(texts) == len(keys):
            if self.differs(key, _digitless):
                return TEXT
            has_digits = any(map(NUMBERS.search, texts))
            is_spelt_anew = self.differs(container, lambda v: v and v[0] == "many" and v[-1])
            differs = grows or any(map(self.differs, (key, container)))
            return TEXT if is_spelt_anew or (has_digits and differs) else ""
        if keys and self.differs(key):
            is_empty = {_length(v) for v in self.values(container)} == {0}
            return "" if is_empty else STATE
        plain = [v for v in keys if v[0] != "object" and v != ("number", None)]
        return LENGTH if plain and grows else ""

    def _call(self) -> str:
        callees = [v for v in self.values(0) if v]
        events: dict[Hashable, list[tuple[ObservedRun, Event]]] = {}
        for pair in self.events:
            if pair[1].values[0]:
                events.setdefault(pair[1].values[0][:2], []).append(pair)
        of_each = {key: Seen(self.site, self.runs, pairs) for key, pairs in events.items()}
        return next((r for c in callees if (r := of_each[c[:2]]._called(c))), "")

    def _called(self, callee: tuple[Any, ...]) -> str:
        if callee[0] == "method":
            return self._method(callee)
        if callee[0] == "torch":
            return self._torch(callee[1])
        if callee[0] == "naming":
            return self._naming()
        module, _, name = callee[1].rpartition(".")
        if self.site.spread and name not in _TAKING_ANY and self._moves_spread():
            return STATE
        if name in _SPELLING and any(map(self._spelt_out, self._positional())):
            return TEXT
        judge = getattr(self, f"_of_{name}", None)
        if judge is not None:
            return str(judge())
        if name in _PASSED_ON | _OPEN_ENDED or module.split(".")[0] in _QUIET:
            return ""
        if name in _DEFINED_ABOVE:
            least = min(self._numbers(1), default=1)
            is_safe = self.rises(1) and (least > 0 or (name == "sqrt" and least == 0))
            return "" if is_safe or not self._moves(1) else STATE
        if name in ("exp", "expm1"):
            return "" if self.rises(1, -1) or not self._moves(1) else STATE
        is_of_lists = name in ("array", "asarray") and self.width == 2 and not self.site.names
        if module == "numpy" and is_of_lists and self.kinds(1) <= _GROWING:
            return ""  # which are held as they are
        if module == "numpy" and _is_elementwise(name) and not self.site.names:
            arrays = [p for p in range(1, self.width) if self.kinds(p) <= {"array"}]
            return self._arguments(arrays)
        return self._arguments()

    def _moves_spread(self) -> bool:
        return any(map(self.differs, self.site.spread))

    def _arguments(self, but: Iterable[int] = ()) -> str:
        """Judge what nobody reports: it may depend on all that it is given, and what that answers.

        What an iterator has is not known, nor what a function returns: if it is written down in the
        call, it is reported there.
        """
        for place in range(1, self.width):
            kinds = self.kinds(place)
            if place not in but and kinds & _GIVEN and self.differs(place):
                return self._kind(place)
            if place not in but and any(map(_answers, self.values(place))):
                return STATE
        return ""

    def _torch(self, name: str) -> str:
        """Judge a call of torch, but for arguments that are sizes, rates, or merely held."""
        if name == "arange":
            return self._of_arange()
        if name in BY_NAME:
            return TEXT if any(map(self._is_late, range(1, self.width))) else ""
        if name in HOLDING or (name in ADDING and not self.kinds(1) & {"number"}):
            return ""
        names = self._names()
        is_narrow = name in OF_DATA and any(v and v[0] == "narrow" for v in self.all_values())
        harmless = {
            place
            for place in range(1, self.width)
            if self.kinds(place) <= {"text", "code", "iterator"}
            or (self.kinds(place) <= {"array"} and name in ELEMENTWISE)
            or (sizes_of(name, place, names[place]) and self._is_size(place) and not is_narrow)
            or (self.kinds(place) <= {"many"} and name in ADDING)
            or ((names[place] in RATES or "Dropout" in name) and self._stays_a_rate(place))
        }
        return self._arguments(harmless)

    def _is_late(self, place: int) -> bool:
        """Return whether a name has a number that fewer iterations do not come to."""
        texts = [v[1] for v in self.values(place) if v and v[0] == "text"]
        numbers = [int(n) for text in texts for n in NUMBERS.findall(text)]
        fewest = min((n for run in self.runs for n in run.lengths.values()), default=0)
        return max(numbers, default=0) >= fewest and not self.differs(place)

    def _positional(self) -> range:
        return range(1, self.width - len(self.site.names))

    def _names(self) -> list[str]:
        """List the keywords of a call by place; empty for what has none."""
        keywords = self.site.names
        return ["", *[""] * (self.width - 1 - len(keywords)), *keywords]

    def _is_size(self, place: int) -> bool:
        if self.kinds(place) <= {"many"}:
            return True
        is_whole = all(type(number) is int for number in self._numbers(place))
        return self._grows_from_zero(place) and (is_whole or not self._moves(place))

    def _stays_a_rate(self, place: int) -> bool:
        """Return whether it is between numbers in [0, 1] that are the same for any length."""
        ends: dict[int, list[float]] = {}
        for run, event in self.events:
            value = event.values[place]
            if value is not None and type(value[1]) in (int, float):
                ends.setdefault(id(run), []).append(value[1])
        within = {(round(min(values), 9), round(max(values), 9)) for values in ends.values()}
        return len(ends) > 1 and len(within) == 1 and all(0 <= e <= 1 for e in (*within,)[0])

    def _method(self, callee: tuple[Any, ...]) -> str:
        name, owner = callee[1], callee[2]
        if owner is None:
            return ""
        if owner[0] == "text":
            if name in _BY_TEXT:
                judged = self._texts((0, *range(1, self.width)))
                return judged if name not in _BY_END or self._may_end(_BY_END[name]) else ""
            if name == "format":
                return self._formatted()
            if name in ("ljust", "rjust", "center") and self._arguments():
                return TEXT
            if name in _RESPELLING:
                return ""
            return TEXT if self.differs(0) else self._arguments()
        if owner[0] == "slice" and self.differs(0):
            return STATE
        if owner[0] == "many":
            if owner[4] is not None and name in _ADDING_TO:
                return LENGTH
            if name == "__setitem__":
                return self._stored_by_method()
            if name in _BY_PLACE and not (owner[1] in _KEYED and name in ("pop", "__getitem__")):
                return self._taken(name) if self.differs(0) else self._arguments()
            if name in ("popleft", "rotate") and self._in_loop():
                return STATE
            if name in _BY_KEY or name in ("pop", "__getitem__"):
                sets = _is_set([owner]) and name not in ("get", "setdefault", "__contains__")
                differ = any(map(self.differs, range(self.width)))
                return (LENGTH if differ else "") if sets else self._looked_up_in_owner()
            if name.endswith(("extend", "extendleft", "__iadd__")) and self._spelt_out(1):
                return TEXT
            if name in _KEEPING | HOLDING:
                return "" if name != "add" or self._is_new_in_owner() else STATE
            return LENGTH if self.differs(0) else self._arguments()
        if owner[0] == "iterator":
            return STATE if name in ("__next__", "send", "throw") and self._in_loop() else ""
        if owner[:2] in _LOGGERS and name in _WRITING:
            return ""
        has_memory = owner[0] == "opaque" and owner[1] not in _STATELESS
        if (has_memory or owner[1] in _RANDOM) and self._in_loop():
            return STATE
        if owner[0] == "object" and name in ("__getattribute__", "__setattr__"):
            return ""  # of `object`, which only holds what it is given
        if owner[0] in ("number", "state") and self.differs(0):
            return STATE
        if owner[0] == "array":
            if name in PLAIN_METHODS or name.endswith("_"):
                return ""
            return STATE if self.differs(0) else self._arguments()
        return self._arguments()

    def _may_end(self, may: Callable[[str, str], bool]) -> bool:
        """Return whether numbers that move may decide how a text begins or ends."""
        asked = [v[1] for v in self.values(1) if v and v[0] == "text"]
        texts = [v[2][1] for v in self.values(0) if v and v[2] and v[2][0] == "text"]
        is_known = len(texts) == len(self.values(0)) and len(asked) == len(self.values(1))
        is_known &= not any(MOVING in text or len(text) >= MOST_TEXT for text in texts)
        if not is_known or self.width > 2 or self.differs(1):
            return True
        events = ((run.told(e.tags)[-1], e.values[0]) for run, e in self.events)
        known = templates((numbers, v[2][1]) for numbers, v in events if v)
        moves = self.differs(0, lambda v: known[v[2][1]] if v else None)
        return moves or any(may(*pair) for pair in product(set(known.values()), asked))

    def _stored_by_method(self) -> str:
        events = [
            (run, Event(e.tags, ((e.values[0] or (0, 0, None))[2], *e.values[1:])))
            for run, e in self.events
        ]
        return Seen(self.site, self.runs, events)._store()

    def _formatted(self) -> str:
        """Judge `format` of a text: numbers may be rounded, if it says how they are written."""
        texts = [v[2][1] for v in self.values(0) if v]
        return self._arguments() if any(":" in text for text in texts) else self._said(1)

    def _taken(self, name: str) -> str:
        if name == "insert":
            indices = [v[1] for v in self.values(1) if v and v[0] == "number"]
            return "" if all(i == 0 for i in indices) else LENGTH
        return LENGTH

    def _is_new_in_owner(self) -> bool:
        """Return whether what is added to a set is above all numbers in it."""
        return all(_is_over(e.values[1], (e.values[0] or (0, 0, None))[2]) for _, e in self.events)

    def _looked_up_in_owner(self) -> str:
        events = [
            (run, Event(e.tags, (e.values[1], (e.values[0] or (0, 0, None))[2])))
            for run, e in self.events
            if len(e.values) > 1
        ]
        return Seen(self.site, self.runs, events)._looked_up(0, 1, events) if events else ""

    def _applied(self, place: int = 1) -> str:
        """Judge what code of C is applied to, which reports nothing."""
        functions = [v for v in self.values(place) if v] if self.width > place else []
        is_of_c = any(v[0] == "c code" and v[1] not in _PLAINLY_APPLIED for v in functions)
        if is_of_c and self.differs(place):
            return STATE
        return self._arguments() if is_of_c or ("number", None) in functions else ""

    _of_starmap = _of_reduce = _applied

    def _of_filter(self) -> str:
        is_asked = self.width > 1 and any(map(_answers, self.values(1)))
        return STATE if is_asked else self._applied()

    _of_filterfalse = _of_takewhile = _of_dropwhile = _of_filter

    def _of_accumulate(self) -> str:
        return self._applied(2)

    def _of_any(self) -> str:
        return "" if self.width > 1 and self.kinds(1) <= {"symbolic"} else self._arguments()

    _of_all = _of_set = _of_frozenset = _of_sum = _of_any

    def _of_len(self) -> str:
        if self.kinds(1) != {"text"} or not self.differs(1):
            return ""
        texts = [v[1] for v in self.values(1) if v]
        return TEXT if any(map(NUMBERS.search, texts)) or len({*map(len, texts)}) == 1 else ""

    def _of_format(self) -> str:
        return self._arguments() if self.width > 2 else self._said(1)

    def _of_map(self) -> str:
        return self._applied() or self._together(range(2, self.width - len(self.site.names)))

    def _of_zip(self) -> str:
        return self._together(range(1, self.width - len(self.site.names)))

    _of_zip_longest = _of_compress = _of_zip

    def _together(self, places: Sequence[int]) -> str:
        """Judge what is gone through together: it ends with the shortest."""
        loops = [p for p in places if "symbolic" in self.kinds(p) or self.differs(p, _left)]
        if not loops or len(places) < 2:
            return ""
        for place in places:
            kinds = self.kinds(place)
            if place not in loops and kinds:
                endless = {("iterator", "count", None), ("iterator", "repeat", None)}
                if not {v[:3] for v in self.values(place) if v} <= endless:
                    return LENGTH
        lengths = [tuple(_length(event.values[p]) for p in loops) for _, event in self.events]
        known = [[n for n in each if n is not None] for each in lengths]
        distances = {tuple(n - each[0] for n in each) for each in known if each}
        return LENGTH if len(distances) > 1 else ""

    def _of_islice(self) -> str:
        if self.width < 2:
            return ""
        is_fixed = self.kinds(1) <= {"many"} and not self.differs(1)
        return "" if is_fixed and not self._in_loop() else LENGTH

    def _of_deque(self) -> str:
        is_limited = "maxlen" in self.site.names or self.width > 2
        return LENGTH if is_limited and self.width > 2 and self._of_islice() else ""

    def _of_repeat(self) -> str:
        return "" if self.width < 3 or self._grows_from_zero(self.width - 1) else LENGTH

    def _of_range(self) -> str:
        """Judge how many numbers there are: none below zero, so they must grow from there."""
        moving = [place for place in range(1, self.width) if self._moves(place)]
        if not moving:
            return ""
        events = []
        for run, event in self.events:
            bounds = [value[1] for value in event.values[1:] if value and value[0] == "number"]
            if len(bounds) < len(event.values) - 1 or not bounds:
                continue
            start, stop, step = (0, *bounds, 1) if len(bounds) == 1 else (*bounds, 1)[:3]
            if step not in (1, -1):
                return LENGTH
            events.append((run, Event(event.tags, (("number", (stop - start) * step),))))
        return "" if Seen(self.site, self.runs, events)._grows_from_zero(0) else LENGTH

    def _of_arange(self) -> str:
        moving = [place for place in range(1, self.width) if self._moves(place)]
        named = self.site.names
        is_plain = all(type(number) is int for place in moving for number in self._numbers(place))
        if not is_plain or (moving and {"start", "end", "stop", "step"} & {*named}):
            return STATE
        pairs = [
            (run, Event(e.tags, e.values[: self.width - len(named)])) for run, e in self.events
        ]
        return Seen(self.site, self.runs, pairs)._of_range()

    def _of_sorted(self) -> str:
        held = [v[3] for v in self.values(1) if v and v[0] == "many"]
        has_numbers = any(
            e and e[0] in ("number", "state", "text", "many") for elements in held for e in elements
        )
        return STATE if has_numbers and self.differs(1) else self._arguments((1,))

    def _of_next(self) -> str:
        named = {v[1] for v in self.values(1) if v and v[0] == "iterator"}
        is_plain = not self._in_loop() and named <= _PLAIN_ITERATORS | _ENDLESS
        is_any = is_plain or named == {"count"} or self._is_used_up(named)
        return "" if is_any else STATE

    def _is_used_up(self, named: set[str]) -> bool:
        """Return whether a list is gone through by one loop, to its end, at any length.

        It is taken from as often in each iteration that decided alike, or in each that takes any.
        """
        if not named <= {"list_iterator", "tuple_iterator"} or self.width > 2:
            return False
        taken: dict[tuple[str, ...], dict[int, dict[Tags, list[int]]]] = {}
        for run, event in self.events:
            if not event.tags or event.values[1] is None or event.values[1][2] is None:
                return False
            by_run = taken.setdefault(tuple(name for name, _ in event.tags), {})
            by_run.setdefault(id(run), {}).setdefault(event.tags, []).append(event.values[1][2])
        return all(map(_is_law, taken.values()))

    def _of_min(self) -> str:
        return self._arguments()

    _of_max = _of_min

    def _of_int(self) -> str:
        if "text" in self.kinds(1) and self.differs(1):
            return TEXT
        return self._arguments()

    _of_ord = _of_hash = _of_float = _of_int

    def _of_hasattr(self) -> str:
        names = [v[1] for v in self.values(2) if v and v[0] == "text"] if self.width > 2 else []
        known = _several(self.values(1))
        grows = self.differs(1)
        if self.width > 2 and self.differs(2):
            return TEXT
        return STATE if grows and any(NUMBERS.sub("0", name) in known for name in names) else ""

    def _of_getattr(self) -> str:
        is_moving = self.width == 3 and self.differs(2)
        return "" if is_moving else self._of_hasattr()

    def _of_attrgetter(self) -> str:
        return STATE if self._in_loop() or self.differs(1) else ""

    def _naming(self) -> str:
        """Judge what gives an owner something by a name: it may be there, or become another."""
        owners = [e.values[0][2:] for _, e in self.events if e.values[0]]
        if any(converts for _, converts in owners):
            return STATE
        is_over = all(is_above for is_above, _ in owners)
        return "" if is_over or not any(map(self.differs, range(1, self.width))) else TEXT

    # --- smaller questions ---

    def _numbers(self, place: int) -> list[Any]:
        return [v[1] for v in self.values(place) if v and type(v[1]) in (int, float)]

    def _grows_from_zero(self, place: int) -> bool:
        """Return whether it is no number that moves, or one that is never negative nor falls."""
        if not self._moves(place):
            return True
        return min(self._numbers(place), default=0) >= 0 and self.rises(place)

    def rises(self, place: int, sign: int = 1) -> bool:
        """Return whether a number never falls, by iterations and by how many there are."""
        return all(
            _never_falls([pick(sign * number for number in by[at]) for at in sorted(by)])
            for by in self._series_of(place).values()
            for pick in (min, max)
        )

    def _series_of(self, place: int) -> dict[Hashable, dict[tuple[int, ...], list[float]]]:
        """Return the numbers of an operand by iteration, of each run; or by how many there are."""
        series: dict[Hashable, dict[tuple[int, ...], list[float]]] = {}
        for run, event in self.events:
            value = event.values[place] if len(event.values) > place else None
            if value is None or type(value[1]) not in (int, float):
                continue
            names = tuple(name for name, _ in event.tags)
            numbers = tuple(number for _, number in event.tags)
            key, at = ((id(run), *names), numbers)
            if not names:
                key, at = (), (sum(run.lengths.values()),)
            series.setdefault(key, {}).setdefault(at, []).append(value[1])
        return series

    def _in_loop(self) -> bool:
        return any(event.tags for _, event in self.events)

    def _kind(self, place: int) -> str:
        kinds = self.kinds(place)
        return LENGTH if "many" in kinds else TEXT if kinds == {"text"} else STATE

    def _texts(self, places: Iterable[int]) -> str:
        """Judge texts that are compared: digits alone say nothing to a text without any."""

        def text(value: Value) -> Value:
            return value[2] if value and value[0] == "method" else value

        present = [p for p in places if p < self.width]
        if any(self.differs(p, lambda v: _digitless(text(v))) for p in present):
            return TEXT
        moving = [p for p in present if self.differs(p, lambda v: _digitless(text(v), False))]
        fixed = [
            value[1]
            for p in present if p not in moving
            for value in map(text, self.values(p)) if value and value[0] == "text"
        ]  # fmt: skip
        return TEXT if moving and any(map(NUMBERS.search, map(str, fixed))) else ""

    def _is_rate(self, place: int, others: Sequence[Value]) -> bool:
        """Return whether it is a rate that never falls, of which it is asked whether it is 0."""
        if any(other is None or other[0] != "number" or other[1] != 0 for other in others):
            return False
        by_number: dict[Hashable, list[tuple[tuple[int, ...], float]]] = {}
        for run, event in self.events:
            value = event.values[place]
            if value is None or value[0] != "number" or not isinstance(value[1], float | int):
                return False
            loops = id(run), tuple(name for name, _ in event.tags)
            by_number.setdefault(loops, []).append((tuple(n for _, n in event.tags), value[1]))
        for pairs in by_number.values():
            values = [value for _, value in sorted(pairs)]
            if not _is_even(values) or values[0] < 0 or not pairs[0][0]:
                return False
        return any(type(v[1]) is float for v in self.values(place) if v)

    # --- where it may show ---

    def lengths(self) -> Iterator[int]:
        """List numbers of iterations about which what is reported may decide something else."""
        fixed, moving = self._series()
        for target in fixed:
            near = {target}
            for (x, y), *_, (other, z) in (s for s in moving if len(s) > 1):
                if y != z and other != x:
                    near.add(x + (target - y) * (other - x) / (z - y))
            for number in near:
                if 0 < number <= MOST_ITERATIONS:
                    yield from (max(1, int(number) + more) for more in (-1, 0, 1, 2))

    def _series(self) -> tuple[list[float], list[list[tuple[float, float]]]]:
        """Return the plain numbers that stay, and those that grow by how far the loop was."""
        fixed: dict[float, None] = {}
        moving: list[list[tuple[float, float]]] = []
        for place in range(self.width):
            numbers = [n for v in self.values(place) for n in _numbers_of(v)]
            if not self.differs(place):
                fixed |= dict.fromkeys(map(abs, numbers))
                continue
            fixed |= dict.fromkeys(n for n in numbers if n > MOST_ITERATIONS / 64)
            points = {
                (event.tags[-1][1] + 1 if event.tags else max(run.lengths.values(), default=0)): n
                for run, event in self.events
                if len(event.values) > place
                for n in islice(_numbers_of(event.values[place]), 1)
            }
            moving.append(sorted(points.items()))
        return list(fixed), moving


def _is_going_on(value: Value) -> bool:
    """Tell whether it has an iterator that an iteration before has used."""
    if value is None:
        return False
    if value[0] == "iterator":
        return bool(value[3]) and value[1] not in _ENDLESS
    if value[0] in ("method", "c code"):
        return _is_going_on(value[2])
    return value[0] == "many" and any(map(_is_going_on, value[3]))


def _several(named: Iterable[Value]) -> set[str]:
    """The names, but for their numbers, of which an object has several attributes."""
    pairs = (each for value in named if value for each in value[1])
    return {name for name, count, _ in pairs if count > 1}


def _is_keyed(seen: Seen, place: int) -> bool:
    return any(v and v[0] == "many" and v[1] in _KEYED for v in seen.values(place))


_KEYED = frozenset(
    "dict OrderedDict defaultdict Counter ChainMap UserDict mappingproxy ModuleDict "
    "ParameterDict".split()
)


# Floats from here on are told apart from the next ones by less and less, and below by none; what is
# so many times as small as another may be lost in their sum.
_LARGE = 2.0**43
_SMALL = 1e-200
_APART = 1e8
# Types of C of which no method has a memory, and those of which each has one.
_STATELESS = frozenset(["Pattern", "Match"])
_RANDOM = frozenset(["Random", "SystemRandom"])
_PLAINLY_APPLIED = frozenset(f"builtins.{name}" for name in "int float len list tuple type".split())
_GIVEN = frozenset(["number", "many", "array", "iterator", "state", "text"])


def _is_law(taken: Mapping[int, Mapping[Tags, Sequence[int]]]) -> bool:
    """Tell whether as many were taken in each iteration, the last in the last, in every run."""
    left = [sorted(n for each in by.values() for n in each) for by in taken.values()]
    is_whole = all(numbers == list(range(1, len(numbers) + 1)) for numbers in left)
    often = {len(each) for by in taken.values() for each in by.values()}
    return is_whole and len(often) == 1 and len({len(numbers) for numbers in left}) > 1


def _is_elementwise(name: str) -> bool:
    """Tell whether a function of numpy makes an array of one, whatever its length and numbers."""
    numpy = sys.modules["numpy"]
    return isinstance(getattr(numpy, name, None), numpy.ufunc)


def _never_falls(values: Sequence[float]) -> bool:
    return all(a <= b for a, b in pairwise(values))


def _is_even(values: Sequence[float]) -> bool:
    """Return whether numbers rise by equal steps, as far as floats do."""
    steps = [b - a for a, b in pairwise(values) if a != b]
    return _never_falls(values) and (not steps or max(steps) - min(steps) <= 1e-6 * max(steps))


def _length(value: Value) -> int | None:
    if value is None or value[0] not in _GROWING:
        return None
    return int(value[2] if value[0] == "many" else value[1])


def _keys(value: Value) -> Hashable:
    """What is known of the keys of a table, whatever their values are."""
    if value and value[1] == "ChainMap":
        return value  # of which one table may hide the keys of another
    return (*value[:3], value[5], value[-1]) if value and value[0] == "many" else value


def _answers(value: Value) -> bool:
    """Tell whether it is code that is asked something, or gone through, by code of C."""
    if value is None:
        return False
    if value[0] == "iterator":
        return bool(value[1] != "generator")  # whose elements are reported by themselves
    return value[0] == "code" and bool(value[1] != "<lambda>")


def _is_over(key: Value, table: Value) -> bool:
    """Tell whether no number in the keys of a table is above those of another key."""
    numbers = list(_numbers_of(key)) if key and key[0] == "number" else []
    if key and key[0] == "many":
        numbers = [n for part in key[3] for n in _numbers_of(part)]
    known = table[5] if table and table[0] == "many" else ()
    return not numbers or max(known, default=0) <= max(numbers)


def _adds_up(value: Value) -> bool:
    """Tell whether all is there that was added: numbers, texts, arrays, lists."""
    if value is None or value[0] in ("number", "text", "array", "object", "symbolic"):
        return True
    return value[0] == "many" and value[1] in ("list", "tuple") and value[4] is None


def _left(value: Value) -> Any:
    """How many elements there are, or are left of an iterator; what they are is no matter."""
    return value[2] if value and value[0] == "iterator" else _length(value)


def _numbers_of(value: Value) -> Iterator[float]:
    if value is None:
        return
    if value[0] == "number" and isinstance(value[1], int | float):
        yield float(value[1])
    elif value[0] == "text":
        yield from map(float, NUMBERS.findall(value[1]))
    elif value[0] == "method":
        yield from _numbers_of(value[2])
    elif _length(value) is not None:
        yield float(_length(value) or 0)
        if value[0] == "many":
            yield from map(float, (*([] if value[4] is None else [value[4]]), *value[5]))
            yield from (float(value[2] - place) for place in value[5])


def _digitless(value: Value, without: bool = True) -> Hashable:
    """Return a value as it is but for the digits of a text, and what an object holds."""
    if value is None or value[0] != "text":
        return value[:2] if value and value[0] == "object" else value
    text: str = value[1]
    return NUMBERS.sub("0", text) if without else text


def _is_set(values: Sequence[Value]) -> bool:
    sets = ("set", "frozenset", "dict_keys", "dict_items")
    return any(v is not None and v[0] == "many" and v[1] in sets for v in values)


def _named(names: Sequence[str], numbers: Sequence[Any]) -> tuple[Any, Any, Any]:
    bounds = dict(zip(names, numbers, strict=False))
    return bounds.get("lower"), bounds.get("upper"), bounds.get("step")
