"""Tell whether a factory would catch what torch raises of a tensor that is too large.

Sizes that torch has no number for say nothing of a factory, unless it catches the exception and
goes on: then it is a branch like any other.
"""

from __future__ import annotations

import ast
import functools
import linecache
from types import FrameType

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
    bodies = _caught(code.co_filename)
    return any(first <= frame.f_lineno <= last for first, last in bodies)


@functools.lru_cache(maxsize=256)
def _caught(file: str) -> tuple[tuple[int, int], ...]:
    """The first and last lines of what stands in a `try` whose `except` may catch it."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):
        return ()
    return tuple(
        (node.body[0].lineno, node.body[-1].end_lineno or 0)
        for node in ast.walk(tree)
        if isinstance(node, ast.Try) and not all(map(_is_of_others, node.handlers))
    )


def _is_of_others(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return all(isinstance(kind, ast.Name) and kind.id in _OTHERS for kind in kinds)
