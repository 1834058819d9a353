"""Tell what is read at a fixed place of a list whose elements move there from elsewhere.

What `rows[70]` gives stays as it is while `rows` only gets longer at its end. With elements put in
at its front, taken from there, or turned round, the same place shows another element in each
iteration, of which the first may be equal and a later one not.
"""

from __future__ import annotations

import inspect
import types
from collections import Counter, deque
from collections.abc import Hashable, Sequence
from typing import Any

import torch

PLAIN = frozenset([int, float, bool, str, type(None)])
# Longer lists are not looked at.
_LONGEST = 1 << 12
# By so many places elements may move in an iteration.
_MOST_STEPS = 4


class Shifts:
    """What was read at the sites of a run, by how often each had been come to in its iteration."""

    def __init__(self) -> None:
        self._tags: Any = None
        self._read: dict[Hashable, tuple[int, list[Any], list[Any]]] = {}
        self._times: Counter[int] = Counter()
        self._moving: dict[Hashable, int] = {}

    @property
    def sites(self) -> frozenset[int]:
        """The sites at which the last that was read may be what was elsewhere before."""
        return frozenset(self._moving.values())

    def note(self, site: int, tags: Any, container: Any, place: Any) -> None:
        """Take note that an element or a slice is read, in some iteration."""
        if tags is not self._tags:
            self._tags = tags
            self._times.clear()
        key = site, self._times[site], tuple(name for name, _ in tags)
        self._times[site] += 1
        now = _elements(container)
        bounds = (place.start, place.stop) if type(place) is slice else (place,)
        if now is None or not all(b is None or type(b) is int for b in bounds):
            return
        read = now[place] if type(place) is slice else now[place : place + 1 or None]
        first, before, last = self._read.get(key, (len(now), now, []))
        self._read[key] = first, now, read
        reach = max((-b if b < 0 else b + 1 for b in bounds if b is not None), default=0)
        is_from_end = any(b is not None and b < 0 for b in bounds)
        self._moving.pop(key, None)
        if before is not now and reach > len(now) - first and _is_start(last, read):
            if is_from_end and len(now) > len(before):
                before, now = before[::-1], now[::-1]
            if not _is_start(before, now) and _has_moved(before, now):
                self._moving[key] = site


def _elements(container: Any) -> list[Any] | None:
    kind = type(container)
    if kind in (list, tuple, deque, bytes, bytearray) and len(container) <= _LONGEST:
        return list(container)
    if _is_row(container):
        return list(container.tolist())
    if issubclass(kind, torch.Tensor):
        with torch._C.DisableTorchFunction():
            is_row = container.device.type == "cpu" and container.dim() == 1
            return list(container.tolist()) if is_row and len(container) <= _LONGEST else None
    return None


def _has_moved(before: list[Any], now: list[Any]) -> bool:
    """Tell whether the elements are those of before, further on or further back."""
    return any(
        _is_start(before[by:][: len(now)], now) or _is_start(now[by:][: len(before)], before)
        for by in range(1, min(len(before), len(now), _MOST_STEPS + 1))
    )


def _is_row(value: Any) -> bool:
    """Tell whether a value is a short array of numpy of one dimension."""
    is_array = type(value).__module__ == "numpy" and type(value).__name__ == "ndarray"
    return is_array and value.ndim == 1 and len(value) <= _LONGEST


def _is_start(part: Sequence[Any], whole: Sequence[Any]) -> bool:
    """Tell whether a sequence begins as another one does, as far as can be told without asking."""
    return len(part) <= len(whole) and all(
        a is b or (type(a) in PLAIN and type(a) is type(b) and a == b)
        for a, b in zip(part, whole, strict=False)
    )


class Unknown:
    """Stands for what is not there yet, or is data of a tensor."""


class Unread:
    """Stands for what cannot be read without running code: anything, and another each time."""


def held_by(owner: Any, key: Any) -> Any:
    """Return an attribute, or an element, of an object, if that runs no code."""
    kind = type(owner)
    if issubclass(kind, dict) and kind.__getitem__ is dict.__getitem__:
        return dict.get(owner, key, Unknown) if type(key) in PLAIN else Unknown
    if kind in (list, tuple, deque, bytearray) or _is_row(owner):
        is_there = type(key) is int and -len(owner) <= key < len(owner)
        return owner[key] if is_there else Unknown
    if issubclass(kind, torch.Tensor) or kind.__module__ == "numpy":
        return Unknown
    found = inspect.getattr_static(owner, key, Unknown) if type(key) is str else Unread()
    if isinstance(found, types.MemberDescriptorType):
        return getattr(owner, key, Unknown)
    return Unread() if hasattr(type(found), "__get__") else found


def named_bounds(names: Sequence[str], bounds: Sequence[Any]) -> tuple[Any, Any, Any]:
    """Return start, stop and step of a slice."""
    given = dict(zip(names, bounds, strict=False))
    return given.get("lower"), given.get("upper"), given.get("step")
