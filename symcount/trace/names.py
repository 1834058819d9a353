"""Find names of modules and parameters that loops make, and that others may have in later ones.

Two modules of one name are one. A loop gives another name in each iteration, but what comes to
`layer99` in the end may meet a `layer99` that is there already, or code that asks for one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from types import FrameType
from typing import Any, NamedTuple

from torch import nn

from symcount.executed import Executed
from symcount.record import Frame
from symcount.trace import ends, lookups
from symcount.trace.loops import Tags
from symcount.trace.proxies import is_of_torch, place_of
from symcount.trace.templates import Template, pieces, template

# The kind of concretisation of a name that another may be equal to.
COLLIDING = "name of which no other is one"

_BY_NAME = frozenset(
    "add_module register_module get_submodule set_submodule get_parameter get_buffer".split()
)
_REGISTERED = ("_modules", "_parameters", "_buffers")
_MOST_WORDS = 256
_DEEPEST = 3


class _Made(NamedTuple):
    """The names that one statement gives to one module, in all iterations of a loop."""

    owner: nn.Module | None
    frame: Frame
    pattern: Template
    texts: set[str]


class Names:
    """Collects the names that loops make in a run."""

    def __init__(self) -> None:
        self._made: dict[tuple[object, ...], _Made] = {}

    def add(self, frame: FrameType, owners: Iterable[nn.Module], tags: Tags, shown: Frame) -> bool:
        """Take note of a name that a frame makes; tell if it is another for all other numbers."""
        place = ends.place_of(frame)
        if place is None:
            return False
        text, _ = ends.whole_text(place)
        made = template(pieces(text, lambda part: lookups.evaluated(part, frame)))
        if made is None:
            return False
        loops = tuple(loop.name for loop, _ in tags)
        for owner in owners or (None,):
            here = place_of(frame)
            key = id(owner), id(here.code), here.lasti, loops, made.pattern
            self._made.setdefault(key, _Made(owner, shown, made, set())).texts.add(made.text)
        return True

    def colliding(self, executed: Executed) -> Iterator[Frame]:
        """Yield the places that make names which others may have, or of which code knows one."""
        known = executed.once(_texts) if self._made else set()
        for made in self._made.values():
            if made.owner is not None:
                held = _names_in(made.owner)
                others = held | known
            else:  # a number alone is in much code
                held = made.texts
                others = {text for text in known if not text.isdecimal()}
            if not made.texts <= held or any(map(made.pattern.may_be, others - made.texts)):
                yield made.frame

    def clear(self) -> None:
        """Let go of the modules."""
        self._made.clear()


def has_numbers_as_names(module: nn.Module, executed: Executed) -> bool:
    """Tell whether a number names an element of a list of modules, other than by its place."""
    known = executed.once(_numbers)
    for inner in module.modules():
        if isinstance(inner, nn.ModuleList | nn.Sequential | nn.ParameterList):
            held = {name for name in _names_in(inner) if name.isdecimal()}
            if held and (held | known) - set(map(str, range(len(held)))):
                return True
    return False


def _names_in(module: nn.Module) -> set[str]:
    held = vars(module)
    return {*held, *(name for registered in _REGISTERED for name in held[registered])}


def _texts(executed: Executed) -> set[str]:
    """The texts and names that code has in it, or that are in what it reads."""
    found: set[str] = set()
    for code, use in executed.items():
        if not is_of_torch(code):
            read = [*code.co_consts, *map(use.names.get, code.co_names)]
            found.update(code.co_names, _words(read))
    return {text for text in found if not text.isalpha()}


def _numbers(executed: Executed) -> set[str]:
    """The numbers in texts of code that asks for modules by their names."""
    return {
        word
        for code in executed
        if not (is_of_torch(code) or _BY_NAME.isdisjoint(code.co_names))
        for word in _words(code.co_consts)
        if word.isdecimal()
    }


def _words(values: Iterable[Any], depth: int = 0) -> Iterator[str]:
    for value in islice(values, _MOST_WORDS):
        if type(value) is str:
            yield from value.split(".")
        elif depth < _DEEPEST and type(value) in (tuple, list, frozenset, set, dict):
            yield from _words(value, depth + 1)
