"""Know a loop that counts up or down to a multiple: `while size % multiple != 0: size += 1`.

Followed test by test it never ends: each size that is no multiple is another branch. Where the
loop does nothing else, the number that it ends at is known at once, `size + -size % multiple`.
"""

from __future__ import annotations

import ast
import functools
from types import CodeType, FrameType
from typing import Any, NamedTuple

from symcount.errors import UnsupportedError
from symcount.record import Node
from symcount.trace import ends
from symcount.trace.proxies import SymInt

_STEPS = {ast.Add: 1, ast.Sub: -1}
_PURE = (ast.Name, ast.Attribute, ast.Constant, ast.BinOp, ast.operator, ast.expr_context)


class _Padding(NamedTuple):
    """The variable that a loop counts with, and its step: 1 or -1."""

    name: str
    step: int


class Paddings:
    """The loops of a run that count to a multiple, and the numbers that they started with."""

    def __init__(self) -> None:
        self._first: dict[tuple[FrameType, str], tuple[SymInt, object]] = {}

    def has_rest(self, run: Any, frame: FrameType, rest: Node) -> bool | None:
        """Answer what such a loop asks: whether there is a rest. None if it is no such loop.

        It is let go round once. Then the number that it has made, which nobody else has, becomes
        the one that it ends at.
        """
        loop = _padding_at(frame.f_code, frame.f_lasti)
        number = None if loop is None else frame.f_locals.get(loop.name)
        size, multiple = rest.args
        if loop is None or type(number) is not SymInt or number._symcount_node is not size:
            return None
        divisor = SymInt(multiple, run) if isinstance(multiple, Node) else multiple
        if not isinstance(rest.hint, int) or not divisor > 0:
            return None  # of floats, or not known to end
        run.give_up_ways()
        key = frame, loop.name  # its test is in two places of the code
        if key not in self._first:
            self._first[key] = number, multiple
            return True
        first, before = self._first.pop(key)
        if multiple != before:
            run.refuse(UnsupportedError("the multiple that a loop counts to changes meanwhile"))
        end = first + -first % divisor if loop.step > 0 else first - first % divisor
        run.replace_node(number, end._symcount_node)
        return False

    def clear(self) -> None:
        """Let go of the frames: the run is over."""
        self._first.clear()


@functools.lru_cache(maxsize=1 << 12)
def _padding_at(code: CodeType, offset: int) -> _Padding | None:
    """The loop whose test an instruction evaluates, if it does no more than count to a multiple."""
    place = ends.place_in(code, offset)
    loop = next((n for n in reversed(place or ()) if isinstance(n, ast.stmt)), None)
    if not isinstance(loop, ast.While) or len(loop.body) != 1:
        return None
    rest = _rest(loop.test)
    step = _step(loop.body[0])
    if rest is None or step is None or not isinstance(rest.left, ast.Name):
        return None
    multiple = list(ast.walk(rest.right))
    names = {node.id for node in multiple if isinstance(node, ast.Name)}
    is_fixed = all(isinstance(node, _PURE) for node in multiple) and step.name not in names
    return step if is_fixed and rest.left.id == step.name else None


def _rest(test: ast.expr) -> ast.BinOp | None:
    """The remainder that a condition says is not zero."""
    comparisons: tuple[type[ast.cmpop], ...] = ast.NotEq, ast.Gt
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, comparisons = test.operand, (ast.Eq,)
        if not isinstance(test, ast.Compare):
            return None
    if isinstance(test, ast.Compare):
        compared_with = [ast.unparse(each) for each in test.comparators]
        if compared_with != ["0"] or not isinstance(test.ops[0], comparisons):
            return None
        test = test.left
    return test if isinstance(test, ast.BinOp) and isinstance(test.op, ast.Mod) else None


def _step(statement: ast.stmt) -> _Padding | None:
    """The variable that a statement adds 1 to, or takes 1 from."""
    target: ast.expr
    left: ast.expr
    if isinstance(statement, ast.AugAssign):
        target, op = statement.target, statement.op
        left, right = target, statement.value
    elif isinstance(statement, ast.Assign) and isinstance(statement.value, ast.BinOp):
        target, *others = statement.targets
        if others:
            return None
        op, left, right = statement.value.op, statement.value.left, statement.value.right
    else:
        return None
    by = _STEPS.get(type(op))
    if by is None or not isinstance(target, ast.Name) or not isinstance(left, ast.Name):
        return None
    is_one = isinstance(right, ast.Constant) and type(right.value) is int and right.value == 1
    return _Padding(target.id, by) if is_one and left.id == target.id else None
