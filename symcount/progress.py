"""Report progress: each stage of a long computation says what it does to whoever listens.

Who says something need not know whether anybody listens; if not, it costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias

Listener: TypeAlias = "Callable[[str, str | None], None]"

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


def say(stage: str = "", item: str | None = None) -> None:
    """Say which stage is being gone through, or, if named, which of several items is next."""
    listener = _listener.get()
    if listener is not None:
        listener(stage, item)


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """Within it, what is said goes to `listener`.

    >>> with heard_by(print):
    ...     say("comparing with modules")
    comparing with modules None
    """
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
