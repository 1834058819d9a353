"""Read and change instructions of code objects: what differs between versions of CPython."""

from __future__ import annotations

import dis
import sys
from collections.abc import Sequence
from dis import opmap, opname
from itertools import islice
from types import CodeType, FrameType

# That `sum` of floats is compensated (Neumaier), as it is since 3.12; whether the integers among
# them are, as since 3.14.
SUM_IS_COMPENSATED = sum([1.0, 2.0**53, -(2.0**53)]) == 1.0
SUM_COMPENSATES_INTEGERS = sum([1.0, 2**53, -(2**53)]) == 1.0
# From 3.11 on, the lowest bit of a LOAD_GLOBAL says that a call follows, which a NULL is pushed
# for: before the function, and from 3.13 on after it.
_LOAD_GLOBAL_SAYS_MORE = sys.version_info >= (3, 11)
_NULL_COMES_LAST = sys.version_info >= (3, 13)
_LENGTH_OF_PRECALL = 4
_MOST_ARGUMENT = 0xFF
_UNIT = 2
_COMPARING = frozenset(["IS_OP", "MATCH_CLASS"])
# Instructions that take nothing from the stack, nor leave anything there.
_NO_EFFECT = frozenset(["CACHE", "EXTENDED_ARG", "NOP", "KW_NAMES", "RESUME"])
_PUSHING = frozenset(
    code
    for name, code in opmap.items()
    if name.startswith("LOAD_") and name not in ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR")
)
_JUMPS = frozenset([*dis.hasjrel, *dis.hasjabs])


def instruction(frame: FrameType) -> str:
    """The name of the instruction that a frame is at."""
    return opname[frame.f_code.co_code[frame.f_lasti]]


def call_at(code: CodeType, lasti: int) -> int:
    """Where a call stands, the same whether Python 3.11 has specialised it or not."""
    prepares = code.co_code[lasti] == opmap.get("PRECALL")
    return lasti + _LENGTH_OF_PRECALL if prepares else lasti


def position(frame: FrameType) -> tuple[int | None, ...] | None:
    """The lines and columns of what the frame is evaluating; None before Python 3.11."""
    return position_in(frame.f_code, frame.f_lasti)


def position_in(code: CodeType, offset: int) -> tuple[int | None, ...] | None:
    """The lines and columns of an instruction; None before Python 3.11."""
    positions = getattr(code, "co_positions", None)
    return None if positions is None else next(islice(positions(), offset // _UNIT, None), None)


def is_compared(steps: Sequence[dis.Instruction], place: int) -> bool:
    """Tell whether what is loaded is compared by identity, or is the class of a pattern."""
    above = 0
    for step in steps[place + 1 :]:
        if step.opname in _NO_EFFECT:
            continue
        effect = 0 if step.opcode in _JUMPS else dis.stack_effect(step.opcode, step.arg)
        taken = 0 if step.opcode in _PUSHING else max(0, 1 - effect)
        if taken > above:
            return step.opname in _COMPARING
        above += effect
    return False


class Instructions:
    """The instructions of code, in whose place others can be put that take no more room."""

    def __init__(self, code: CodeType) -> None:
        self.text: bytearray = bytearray(code.co_code)
        self.steps: Sequence[dis.Instruction] = list(dis.get_instructions(code))

    def load(self, place: int, number: int) -> bool:
        """Load `~constant` in the place of a global or name, or tell that there is no room."""
        return self._load(place, place, [*_load(number), ("UNARY_INVERT", 0)])

    def load_plainly(self, place: int, number: int) -> bool:
        """Load a constant in the place of a global or name, or tell that there is no room."""
        return self._load(place, place, _load(number))

    def load_module(self, place: int, number: int) -> bool:
        """Load `~constant` in the place of an import of what two constants say."""
        return self._load(place - 2, place, [*_load(number), ("UNARY_INVERT", 0)])

    def imported(self, place: int) -> tuple[int, tuple[str, ...] | None] | None:
        """How far up an import looks, and the names that it takes, if constants say so."""
        said = self.steps[max(0, place - 2) : place]
        if len(said) < 2 or not all(s.opname in _CONSTANTS for s in said):
            return None
        return said[0].argval, said[1].argval

    def _load(self, first: int, last: int, instead: Sequence[tuple[str, int]]) -> bool:
        step = self.steps[last]
        if step.opname == "LOAD_GLOBAL" and _LOAD_GLOBAL_SAYS_MORE and (step.arg or 0) & 1:
            null = [("PUSH_NULL", 0)]
            instead = [*instead, *null] if _NULL_COMES_LAST else [*null, *instead]
        while first and self.steps[first - 1].opname == "EXTENDED_ARG":
            first -= 1
        start = self.steps[first].offset
        after = self.steps[last + 1 : last + 2]
        end = after[0].offset if after else len(self.text)
        spare = (end - start) // _UNIT - len(instead)
        if spare < 0:
            return False
        units = [*instead, *[("NOP", 0)] * spare]
        self.text[start:end] = b"".join(bytes((opmap[name], argument)) for name, argument in units)
        return True


_CONSTANTS = frozenset(["LOAD_CONST", "LOAD_SMALL_INT"])


def _load(number: int) -> list[tuple[str, int]]:
    """The instructions that load a constant."""
    high, low = divmod(number, _MOST_ARGUMENT + 1)
    extended = [("EXTENDED_ARG", high)] if high else []
    return [*extended, ("LOAD_CONST", low)]
