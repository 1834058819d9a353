"""Tell whether the numbers of iterations in a text may decide how it begins or ends.

In `layer2.17.norm1` it is 17 that is another in each iteration, with a text before it and one
after; the other numbers are the same in all. It is of digits alone, any number of them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from itertools import count

from symcount.trace.describing import NUMBERS

MOVING = "\0"


def templates(said: Iterable[tuple[Hashable, str]]) -> dict[str, str]:
    """Return texts without the numbers that are others in other iterations, given these.

    In texts that are alike but for numbers, those at one place move unless they are the same ones
    in each iteration that has such a text, of which there must be two.
    """
    found: dict[tuple[str, int], dict[Hashable, set[str]]] = {}
    alike: dict[str, str] = {}
    for iteration, text in said:
        alike[text] = NUMBERS.sub("0", text)
        for place, number in enumerate(NUMBERS.findall(text)):
            by_iteration = found.setdefault((alike[text], place), {})
            by_iteration.setdefault(iteration, set()).add(number)
    fixed = {
        place
        for place, (one, *others) in ((place, by.values()) for place, by in found.items())
        if others and all(one == other for other in others)
    }

    def template(text: str) -> str:
        places = count()
        return NUMBERS.sub(lambda n: n[0] if (alike[text], next(places)) in fixed else MOVING, text)

    return {text: template(text) for text in alike}


def may_begin(template: str, begin: str) -> bool:
    """Return whether a number that moves may decide if a text begins so."""
    before, number, _ = template.partition(MOVING)
    return bool(number) and _meets(before, begin)


def may_end(template: str, end: str) -> bool:
    """Return whether a number that moves may decide if a text ends so."""
    _, number, after = template.rpartition(MOVING)
    return bool(number) and _meets(after[::-1], end[::-1])


def _meets(fixed: str, asked: str) -> bool:
    """Return whether what is asked of a fixed text goes on into the number beside it."""
    return asked.startswith(fixed) and asked[len(fixed) :][:1].isdecimal()
