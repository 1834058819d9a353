"""Tell whether a factory would catch what torch raises of a tensor that is too large.

Sizes that torch has no number for say nothing of a factory, unless it catches the exception and
goes on: then it is a branch like any other.
"""

from __future__ import annotations

import ast
import functools
import linecache
from types import FrameType
from typing import Any

from symcount.trace.ends import TRY_STAR, lets_pass
from symcount.trace.proxies import callers

# Who catches these alone does not catch what torch raises.
_OTHERS = frozenset(
    "ValueError ImportError ModuleNotFoundError AttributeError NameError LookupError KeyError "
    "IndexError "
    "OSError FileNotFoundError StopIteration AssertionError NotImplementedError "
    "ZeroDivisionError".split()
)


def may_be_caught() -> bool:
    """Tell whether a frame of the factory would catch what torch raises here."""
    return any(map(_catches, callers()))


def _catches(frame: FrameType) -> bool:
    code = frame.f_code
    if not getattr(code, "co_exceptiontable", True):
        return False
    return any(
        first <= frame.f_lineno <= last and _may_catch(node, frame)
        for first, last, node in _guards(code.co_filename)
    )


@functools.lru_cache(maxsize=256)
def _guards(file: str) -> tuple[tuple[int, int, Any], ...]:
    """The first and last lines of what exceptions may not leave, and the statement around it."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):
        return ()
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Try | TRY_STAR | ast.With | ast.AsyncWith):
            last = node.body[-1]
            if not isinstance(node, ast.With | ast.AsyncWith) and any(map(_leaves, node.finalbody)):
                last = [*node.body, *node.handlers, *node.orelse][-1]
            found.append((node.body[0].lineno, last.end_lineno or 0, node))
    return tuple(found)


def _may_catch(node: Any, frame: FrameType) -> bool:
    if isinstance(node, ast.With | ast.AsyncWith):
        return not all(lets_pass(item, frame) for item in node.items)
    return any(map(_leaves, node.finalbody)) or not all(map(_is_of_others, node.handlers))


def _leaves(statement: ast.AST) -> bool:
    """Tell whether a statement of a `finally` may drop an exception."""
    return any(isinstance(n, ast.Return | ast.Break | ast.Continue) for n in ast.walk(statement))


def _is_of_others(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return all(isinstance(kind, ast.Name) and kind.id in _OTHERS for kind in kinds)
