"""Random factories: the derived formula against plainly built modules, at sizes from 1 to 60.

Each factory is generated as source, run as a module of its own, and derived. Where it raises, the
formula must refuse; where it builds, the formula must have the exact count, or refuse because the
budget of paths was spent. SYMCOUNT_FUZZ=50 runs fifty times as many factories.
"""

from __future__ import annotations

import linecache
import random
import warnings
from collections import Counter
from typing import Any

import hypothesis
from hypothesis import strategies as st

import symcount
from symcount import DomainError, ParamCount
from symcount.errors import FactoryError, UnsupportedError
from tests.brute_force import plain_sizes
from tests.random_expressions import SCALE, batches, thorough
from tests.random_programs import Writer

# 2,000 programs and some; SYMCOUNT_FUZZ=50 (`make fuzz`) makes it 100,000
BATCHES = 52
PER_BATCH = 40


def points(names: list[str], largest: int) -> list[dict[str, int]]:
    """All sizes of one symbol, or a sample of pairs and triples, many of them small."""
    if len(names) == 1:
        return [{names[0]: value} for value in range(1, largest + 1)]
    draw = random.Random(0)
    return [
        {name: draw.randint(1, draw.choice((4, 12, largest))) for name in names}
        for _ in range(largest)
    ]


def check(source: str, names: list[str]) -> str:
    """Derive one random factory and compare; what became of it. Raises on any disagreement."""
    scope: dict[str, Any] = {"__name__": "fuzz"}
    # look-ups are followed where the source can be read
    file = f"<fuzz {hash(source)}>"
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
    try:
        exec(compile(source, file, "exec"), scope)
        return _checked(source, scope["factory"], names)
    finally:
        del linecache.cache[file]


def _checked(source: str, factory: Any, names: list[str]) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            count = symcount.derive(factory, max_work=4_000_000)
        except UnsupportedError:
            return "unsupported"
        except FactoryError as error:
            if "it builds a module" in str(error):
                raise AssertionError(f"{error}\n{source}") from error
            return "raises"
        except Exception as error:
            raise AssertionError(f"{type(error).__name__}: {error}\n{source}") from error
    exact = True
    # loops over a symbol make many layers
    for point in points(names, 16 if "in range(" in source or "reversed(" in source else 60):
        exact &= compare(count, factory, point, f"{point}\n{source}")
    return "exact" if exact else "partial"


def compare(count: ParamCount, factory: Any, point: dict[str, int], where: str) -> bool:
    """Whether the formula has a value wherever the factory has; never may it have a wrong one."""
    built = plain_sizes(factory, **point)
    try:
        said = count(**point)
    except DomainError as error:
        assert isinstance(built, Exception) or "not explored" in str(error), (
            f"{where}\nthe formula refuses a module that is built: {error}"
        )
        return isinstance(built, Exception)
    if "size calculation overflowed" in str(built) or "Overflow when unpacking" in str(built):
        return True  # larger than torch can describe
    assert not isinstance(built, Exception), f"{where}\nraises {built!r}, the formula says {said}"
    expected = sum(n for name, n in built.items() if name.startswith("parameter"))
    assert said == expected, f"{where}\n{count} is {said}, the module has {expected}"
    return True


def run(batch: int, draws: st.SearchStrategy[random.Random]) -> list[str]:
    """The sources of the different programs of a batch, each of them checked."""
    outcomes: dict[str, str] = {}

    @hypothesis.seed(batch)
    @thorough(PER_BATCH)
    @hypothesis.given(draws)
    def programs(draw: random.Random) -> None:
        writer = Writer(draw)
        source = writer.source()
        if source not in outcomes:
            outcomes[source] = check(source, writer.names)

    programs()
    found = Counter(outcomes.values())
    assert found["exact"] + found["partial"] >= len(outcomes) // 3, found
    return list(outcomes)


@batches(BATCHES)
def test_random_factories(batch: int) -> None:
    assert len(run(batch, st.randoms(use_true_random=True))) >= 0.95 * PER_BATCH * SCALE


@batches(BATCHES // 5)
def test_small_random_factories(batch: int) -> None:
    """Programs whose every choice is Hypothesis's: small, and shrunk to the least that fails."""
    assert run(batch, st.randoms(use_true_random=False))
