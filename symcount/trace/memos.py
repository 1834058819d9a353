"""Find out whether all that is looked up in a container is among its keys afterwards, as in a memo.

A symbol that is stored as a key is met only by what has its hash: a plain number that is looked up
later passes it by, though at another size the two are equal. In a memo every such number becomes a
key itself, so that it is seen. That a container is one is read from all places that use it.
"""

from __future__ import annotations

import ast
import itertools
from collections import defaultdict
from collections.abc import Iterator
from types import FrameType
from typing import Literal, TypeAlias

from symcount.executed import Executed
from symcount.trace import ends

# How a place uses a container, and the key that it uses; a key that is read may be missing.
_Use: TypeAlias = "tuple[Literal['reads', 'stores', 'fills', 'asks nothing', 'unknown'], str]"

_NEW = frozenset(["dict", "set", "defaultdict", "OrderedDict", "Counter"])
_BY_KEY = {"get": "reads", "setdefault": "fills", "add": "stores"}
_WITHOUT_KEY = frozenset(["values", "items"])


def is_store(frame: FrameType) -> bool:
    """Tell whether what is looked up becomes a key if it is none."""
    place = ends.place_of(frame)
    node = None if place is None else place[-1]
    if isinstance(node, ast.Subscript):
        return isinstance(node.ctx, ast.Store) or _stores_when_read(node.value, frame)
    function = getattr(node, "func", None)
    return node is None or (isinstance(function, ast.Attribute) and function.attr == "setdefault")


def _stores_when_read(container: ast.expr, frame: FrameType) -> bool:
    return isinstance(ends.evaluated(container, frame), defaultdict)


def is_memo(frame: FrameType, executed: Executed) -> bool:
    """Tell whether the container in which a symbol becomes a key is used as a memo, and no more."""
    place = ends.place_of(frame)
    node = None if place is None else place[-1]
    container = getattr(node.func if isinstance(node, ast.Call) else node, "value", None)
    if place is None or not isinstance(container, ast.Name):
        return False
    name = container.id
    functions = [around for around in place if isinstance(around, ends.FUNCTIONS)]
    is_global = name in frame.f_code.co_names or not functions
    if is_global and any(
        name in code.co_names and use.names is not frame.f_globals for code, use in executed.items()
    ):
        return False
    scope = place[0] if is_global else functions[0]
    uses = list(_uses(scope, name, _stores_when_read(container, frame)))
    filled = {(owner, key) for owner, (use, key) in uses if use == "fills"}
    return all(
        use != "unknown" and (use != "reads" or (owner, key) in filled)
        for owner, (use, key) in uses
    )


def _uses(scope: ast.AST, name: str, stores_when_read: bool) -> Iterator[tuple[ast.AST, _Use]]:
    """Yield all uses of a variable, each with the function that it is in."""
    for around, node in ends.within(scope):
        owner = next((n for n in reversed(around) if isinstance(n, ends.FUNCTIONS)), scope)
        if isinstance(node, ast.Name) and node.id == name:
            use, key = _use(around, node)
            yield owner, ("stores" if use == "reads" and stores_when_read else use, key)
        elif (isinstance(node, ast.Name) and node.id in ends.SEES_VARIABLES) or (
            isinstance(node, ast.arg) and node.arg == name
        ):
            yield owner, ("unknown", "")


def _use(around: tuple[ast.AST, ...], node: ast.Name) -> _Use:
    parent = around[-1]
    call = around[-2] if isinstance(parent, ast.Attribute) else parent
    if isinstance(parent, ast.Assign | ast.AnnAssign) and isinstance(node.ctx, ast.Store):
        return "asks nothing" if _is_new(parent.value) else "unknown", ""
    if isinstance(parent, ast.Subscript) and parent.value is node:
        return _of_subscript(around, parent, node.id)
    if isinstance(parent, ast.Compare) and isinstance(parent.ops[0], ast.In | ast.NotIn):
        alone = parent.comparators == [node]
        return ("reads", ast.unparse(parent.left)) if alone else ("unknown", "")
    if isinstance(call, ast.Call) and isinstance(parent, ast.Attribute) and call.func is parent:
        if parent.attr in _WITHOUT_KEY:
            return "asks nothing", ""
        if parent.attr in _BY_KEY and call.args:
            return _BY_KEY[parent.attr], ast.unparse(call.args[0])  # type: ignore[return-value]
    is_length = isinstance(parent, ast.Call) and ast.unparse(parent.func) == "len"
    is_read_through = isinstance(parent, ast.For | ast.comprehension) and parent.iter is node
    is_truth = isinstance(parent, ast.UnaryOp)
    return "asks nothing" if is_length or is_read_through or is_truth else "unknown", ""


def _is_new(value: ast.AST | None) -> bool:
    if isinstance(value, ast.Call):
        return ast.unparse(value.func).split(".")[-1] in _NEW
    return isinstance(value, ast.Dict | ast.Set)


def _of_subscript(around: tuple[ast.AST, ...], parent: ast.Subscript, name: str) -> _Use:
    key = ast.unparse(parent.slice)
    if not isinstance(parent.ctx, ast.Store):
        return "reads" if isinstance(parent.ctx, ast.Load) else "unknown", key
    is_filled = any(
        isinstance(outer, ast.If)
        and inner in outer.body
        and ast.unparse(outer.test) == f"{key} not in {name}"
        for outer, inner in itertools.pairwise(around)
    )
    return "fills" if is_filled else "stores", key
