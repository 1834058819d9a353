"""Every question to formulas of random factories, against plain counts of the same formulas.

The factories are those of `test_fuzz.py`, which compares their counts with modules, and a few with
what those have not: declared ranges and steps, defaults, a real symbol, frozen and tied parameters,
buffers, several dtypes. What is asked here is compared with calls of the formula, one size after
the other: a question has the right answer, or raises an error that says why there is none.
SYMCOUNT_FUZZ=50 asks fifty times as many.
"""

from __future__ import annotations

import copy
import linecache
import pickle
import random
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from itertools import product
from typing import Any

import hypothesis
import numpy as np
import pytest
import sympy
import torch
from hypothesis import strategies as st
from torch import nn

import symcount
from symcount import (
    ArgumentError,
    DomainError,
    NoSolutionError,
    ParamCount,
    Symbol,
    UnboundedError,
    UndecidedError,
)
from symcount.errors import SymcountError
from symcount.questions import comparison, line
from tests.random_expressions import batches, thorough
from tests.random_programs import Writer

BATCHES = 4
PER_BATCH = 6
LARGEST = 40

Point = dict[str, Any]
Draw = random.Random


# --- formulas ---------------------------------------------------------------------------------


def declared(d: int, h: int = 3, n: int = 5) -> nn.Module:
    if d % h:
        raise ValueError("d is no multiple of h")
    return nn.Sequential(nn.Linear(d, max(40, d // 3 * n)), *(nn.LayerNorm(d) for _ in range(n)))


def mixed(c: int, k: int = 7) -> nn.Module:
    """Frozen and tied parameters, buffers, two dtypes; other ones from a size on."""
    first, second = nn.Linear(c, k), nn.Linear(c, k).half()
    first.weight = nn.Linear(c, k).requires_grad_(c > 9).weight
    tied = nn.Linear(c, k, bias=False)
    tied.weight = second.weight
    return nn.ModuleDict({"a": first, "b": nn.ModuleList([second, tied]), "n": nn.BatchNorm1d(k)})


def widened(d: int, ratio: float, depth: int = 2) -> nn.Module:
    return nn.ModuleList(nn.Linear(d, int(d * ratio) + i, bias=i == 0) for i in range(depth))


def gaps(a: int, b: int = 20) -> nn.Module:
    """A count that falls and rises, on a domain with gaps."""
    if a % 7 in (2, 3) or a & 8:
        raise ValueError("a gap")
    return nn.Linear(a % 5 + 1, abs(a - b) + 1)


def nothing(c: int) -> nn.Module:
    return nn.Identity() if c > 4 else nn.BatchNorm1d(c, affine=False)


SPECIAL: dict[str, tuple[Callable[..., nn.Module], dict[str, Any]]] = {
    "declared": (
        declared,
        {"d": Symbol(min=12, max=600, multiple_of=4), "h": Symbol(max=9), "n": Symbol()},
    ),
    "mixed": (mixed, {"c": Symbol(), "k": Symbol()}),
    "widened": (widened, {"d": Symbol(), "ratio": Symbol(real=True), "depth": Symbol()}),
    "gaps": (gaps, {"a": Symbol(), "b": Symbol()}),
    "nothing": (nothing, {}),
}


def derived(source: str) -> ParamCount | None:
    """The formula of a factory that is given as text, if it has one."""
    file = f"<questions {hash(source)}>"
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
    scope: dict[str, Any] = {"__name__": "questions"}
    try:
        exec(compile(source, file, "exec"), scope)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return symcount.derive(scope["factory"], max_work=2_000_000)
    except SymcountError:
        return None
    finally:
        del linecache.cache[file]


# --- plain counts -----------------------------------------------------------------------------


def at(count: ParamCount, point: Mapping[str, Any]) -> int | None:
    """The count at what a point says of its symbols; None outside of the domain."""
    try:
        return count(**{h.name: point[h.name] for h in count.hyperparameters})
    except DomainError as error:
        assert str(error)
        return None


def any_point(count: ParamCount, draw: Draw, largest: int = LARGEST) -> Point:
    """Sizes, in the domain if some are found there soon, often at the ends of what is declared."""
    for _ in range(20):
        point: Point = {}
        for h in count.hyperparameters:
            if h.real:
                point[h.name] = draw.choice((0.29, 0.5, 1 / 3, 2.5, 1.0))
            else:
                size = h.multiple_of * draw.randint(1, draw.choice((4, 12, largest)))
                size = max(size, h.aligned(h.minimum))
                point[h.name] = size + (draw.random() < 0.1)
        if at(count, point) is not None:
            break
    return point


def integers(count: ParamCount) -> list[str]:
    return [h.name for h in count.hyperparameters if not h.real]


def along(count: ParamCount, name: str, point: Point, sizes: Any) -> dict[int, int]:
    """The counts at values of one symbol, where there is one."""
    found = {size: at(count, {**point, name: size}) for size in sizes}
    return {size: n for size, n in found.items() if n is not None}


# --- questions --------------------------------------------------------------------------------


def ask_arrays(count: ParamCount, draw: Draw) -> None:
    points = [any_point(count, draw) for _ in range(24)]
    points += [{n: v + (not isinstance(v, float)) for n, v in p.items()} for p in points]
    counts = [at(count, p) for p in points]
    names = [h.name for h in count.hyperparameters]
    columns = {name: np.array([p[name] for p in points]) for name in names}
    expected = [-1 if n is None else n for n in counts]
    assert count.evaluate(*columns.values(), fill=-1).tolist() == expected
    assert count.valid(**columns).tolist() == [n is not None for n in counts]
    assert [count.valid(**p) for p in points] == [n is not None for n in counts]
    name = draw.choice(names)
    plain = {**columns, name: points[0][name]}
    shared = [at(count, {**p, name: points[0][name]}) for p in points]
    shape = () if len(names) == 1 else (len(points),)
    values = count.evaluate(**plain, fill=-1)
    assert values.shape == shape
    assert values.reshape(-1).tolist() == [-1 if n is None else n for n in shared][: values.size]
    tensors = {n: torch.from_numpy(c) for n, c in columns.items()}
    assert count.evaluate(**tensors, fill=-1, dtype="float64").tolist() == expected


def ask_solve(count: ParamCount, draw: Draw) -> None:
    name, point = draw.choice(integers(count)), any_point(count, draw)
    others = {n: v for n, v in point.items() if n != name}
    table = along(count, name, point, range(1, 4 * LARGEST))
    assert count.valid_values(name, (1, 4 * LARGEST - 1), **others) == list(table)
    low = draw.randint(1, LARGEST)
    high = None if draw.random() < 0.2 else draw.randint(low, 4 * LARGEST - 1)
    seen = {v: n for v, n in table.items() if low <= v and (high is None or v <= high)}
    total = max(0, draw.choice([*table.values(), 50]) + draw.choice((-9, -1, 0, 0, 1, 400)))

    def solve(want: Any) -> Any:
        try:
            return count.solve(name, total, want=want, between=(low, high), **others)
        except (UnboundedError, UndecidedError):
            assert high is None
            return None
        except NoSolutionError as error:
            assert str(error)
            return ()

    if (found := solve("largest")) == ():
        assert not any(n <= total for n in seen.values())
    elif found is not None:
        n = at(count, {**point, name: found})
        assert n is not None and n <= total and low <= found
        assert not any(v > found and n <= total for v, n in seen.items())
    if (found := solve("nearest")) == ():
        assert not seen
    elif found is not None:
        n = at(count, {**point, name: found})
        assert n is not None and low <= found
        assert (abs(n - total), found) <= min(((abs(n - total), v) for v, n in seen.items()))
    if (exact := solve("exact")) is not None:
        assert [v for v in exact if v < 4 * LARGEST] == [v for v, n in seen.items() if n == total]
        assert all(at(count, {**point, name: v}) == total for v in exact)


def ask_marginal(count: ParamCount, draw: Draw) -> None:
    name, point = draw.choice(integers(count)), any_point(count, draw)
    here = at(count, point)
    if here is None:
        with pytest.raises(DomainError):
            count.marginal(name, **point)
        return
    following = along(count, name, point, range(point[name] + 1, point[name] + 4 * LARGEST))
    try:
        answer = count.marginal(name, **point)
    except NoSolutionError:
        assert not following
        return
    expected = next(iter(following), answer.next)
    assert answer.value < answer.next == expected
    assert answer.cost + here == at(count, {**point, name: expected})


def _keeps(draw: Draw, names: list[str]) -> tuple[str | None, Any, Any]:
    """What is to be kept, as text; as a test; and how far a combination is from it."""
    a, b = draw.choice(names), draw.choice(names)
    options: list[tuple[str | None, Any, Any]] = [
        (None, None, None),
        (f"{a} % 2 == 0", lambda p: p[a] % 2 == 0, None),
        (f"{a}/{b} near 1.5", None, lambda p: abs(Fraction(2 * p[a], 3 * p[b]) - 1)),
        (
            f"{a} - {b} > 2 and {a}*{b} near 40",
            lambda p: p[a] - p[b] > 2,
            lambda p: abs(Fraction(p[a] * p[b], 40) - 1),
        ),
        (f"{a} - {b} near 3", None, lambda p: abs(Fraction(p[a] - p[b], 3) - 1)),
        (f"2 < {a} <= {b}**2", lambda p: 2 < p[a] <= p[b] ** 2, None),
    ]
    return draw.choice(options)


def ask_search(count: ParamCount, draw: Draw) -> None:
    each = {1: 60, 2: 14, 3: 6}[len(count.hyperparameters)]
    tried: dict[str, Any] = {}
    for h in count.hyperparameters:
        first = draw.randint(1, 9) + int(h.minimum)
        step = max(1, h.multiple_of // 2)
        tried[h.name] = (0.1, 0.5, 2.5) if h.real else range(first, first + each * step, step)
    points = [dict(zip(tried, sizes, strict=True)) for sizes in product(*tried.values())]
    counted = [(p, n) for p in points if (n := at(count, p)) is not None]
    low, high = sorted(draw.choice([n for _, n in counted] or [7]) for _ in range(2))
    text, keeps, far = _keeps(draw, integers(count))
    middle = Fraction(low + high, 2)
    expected = sorted(
        (far(p) if far else 0, abs(n - middle), tuple(p.values()), n)
        for p, n in counted
        if low <= n <= high and (keeps is None or keeps(p))
    )
    most = draw.choice((None, 3, 25))
    matches = count.search(total=(low, high), keep=text, limit=most, **tried)
    assert [(tuple(m.values.values()), m.count) for m in matches] == [
        (sizes, n) for *_, sizes, n in expected[:most]
    ]


def ask_large(count: ParamCount, draw: Draw) -> None:
    """Growth and limits of shares, against the formula far out."""
    name, point = draw.choice([h.name for h in count.hyperparameters if not h.real]), {}
    if next(h for h in count.hyperparameters if h.name == name).maximum is not None:
        return
    point = any_point(count, draw)
    sizes = along(count, name, point, range(10**9, 10**9 + 300))
    others = {n: v for n, v in point.items() if n != name and draw.random() < 0.7}
    values = {s: point[s.name] for s in count.symbols if s.name != name}
    x = sympy.Symbol(name, integer=True, positive=True)
    shares = count.share(draw.choice((1, 2)))
    try:
        growth = count.growth(name, **others)
        limits = {path: share.limit(name, **others) for path, share in shares.items()}
    except (UndecidedError, NoSolutionError):
        return
    for size, n in list(sizes.items())[:3]:
        term = growth.term.subs(values).subs(x, size)
        assert n == 0 if growth.term == 0 else abs(n / float(term) - 1) < 1e-3
        for path, limit in limits.items():
            share = shares[path](**{**point, name: size})
            assert abs(float(share) - float(limit.subs(values))) < 1e-3


RELATIONS: dict[str, Callable[[int, int], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "==": lambda a, b: a == b,
    ">=": lambda a, b: a >= b,
    ">": lambda a, b: a > b,
    "mixed": lambda a, b: True,
    "unknown": lambda a, b: True,
}


def ask_compare(left: ParamCount, right: ParamCount, draw: Draw) -> None:
    name = draw.choice(sorted({*integers(left), *integers(right)}))
    fixed = {**any_point(right, draw), **any_point(left, draw)}
    fixed.pop(name, None)
    low, high = draw.choice(((1, None), (3, 90), (3, 90), (3, 90)))
    sizes = [*range(low, 91), *(draw.randint(90, 10**8) for _ in range(9) if high is None)]
    known = {
        size: (a, b)
        for size in sizes
        if (a := at(left, {**fixed, name: size})) is not None
        and (b := at(right, {**fixed, name: size})) is not None
    }
    try:
        comparison = left.compare(right, name, between=(low, high), **fixed)
    except NoSolutionError:
        assert not known
    except UndecidedError:
        pass
    else:
        for size, pair in known.items():
            (span,) = (s for s in comparison.spans if s.first <= size <= (s.last or size))
            assert RELATIONS[span.relation](*pair)
            assert RELATIONS[comparison.relation](*pair)
        for span in comparison.spans:
            point = {**fixed, name: span.first}
            pair = at(left, point), at(right, point)  # type: ignore[assignment]
            assert None not in pair and RELATIONS[span.relation](*pair)
    everywhere = left.compare(right)
    for _ in range(30):
        point = {**any_point(right, draw), **any_point(left, draw)}
        a, b = at(left, point), at(right, point)
        assert a is None or b is None or RELATIONS[everywhere.relation](a, b)


EXPRESSIONS: list[tuple[str, Callable[[int, int], Fraction | int]]] = [
    ("6*p", lambda p, q: 6 * p),
    ("p/3", lambda p, q: Fraction(p, 3)),
    ("p - q", lambda p, q: p - q),
    ("p*q//4", lambda p, q: p * q // 4),
    ("max(p, q + 2)", lambda p, q: max(p, q + 2)),
    ("p % 5 + 1", lambda p, q: p % 5 + 1),
    ("3*p/2 - q", lambda p, q: Fraction(3 * p, 2) - q),
    ("ceil(p/q)", lambda p, q: -(-p // q)),
    ("q", lambda p, q: q),
]


def rewritten(count: ParamCount, draw: Draw) -> Iterator[tuple[ParamCount, Point, int | None]]:
    """A formula after a substitution and a renaming, points of it, and the counts there."""
    names = integers(count)
    chosen = {n: draw.choice(EXPRESSIONS) for n in names if draw.random() < 0.6 or n == names[0]}
    try:
        formula = count.substitute(**{name: text for name, (text, _) in chosen.items()})
    except DomainError:
        return
    new = {h.name: f"{h.name}_{draw.choice('xyz')}" for h in formula.hyperparameters}
    formula = formula.rename(**new)
    for _ in range(20):
        point = any_point(formula, draw)
        old: Point = {h.name: point.get(new.get(h.name, "")) for h in count.hyperparameters}
        p, q = (point.get(new.get(name, ""), 1) for name in "pq")
        sizes = {name: Fraction(value(p, q)) for name, (_, value) in chosen.items()}
        inside = all(size.denominator == 1 and size >= 1 for size in sizes.values())
        inside = inside and all(point[new[n]] >= 1 for n in new if n != "ratio")
        old |= {name: int(size) for name, size in sizes.items()}
        yield formula, point, at(count, old) if inside else None


def ask_rewritten(count: ParamCount, draw: Draw) -> None:
    parts = list(count.breakdown().parameters)
    first = re.split(r"[.{]", draw.choice(parts or ["*"]))[0]
    try:
        part = count.select(f"{first}*")
    except ArgumentError:
        assert not parts or "{" in "".join(parts)
        part = count
    for formula, point, expected in rewritten(part, draw):
        assert at(formula, point) == expected
        for twin in (pickle.loads(pickle.dumps(formula)), copy.deepcopy(formula)):
            assert twin == formula and hash(twin) == hash(formula)
            assert at(twin, point) == expected
        memory = formula.memory("float16", "adamw", shards=3, zero=1, master_weights=True)
        trained = at(formula.trainable, point)
        if expected is None or trained is None:
            assert at(memory.total, point) is None
        elif set(formula.by_dtype()) == {"float32"}:
            piece = -(-trained // 3)
            assert at(memory.total, point) == 2 * expected + 2 * trained + 12 * piece


def ask_kinds(count: ParamCount, draw: Draw) -> None:
    """Parameters, buffers and bytes: of parts, of dtypes, and of what is chosen, they add up."""
    kinds = {"trainable", "frozen", "buffers", "nbytes"}
    whole = count.breakdown().modules[""]
    top = sorted({re.split(r"[.{]", name)[0] for name in count.breakdown().parameters})
    chosen = draw.choice(top or ["*"])
    try:
        pair = count.select(f"{chosen}*"), count.without(f"{chosen}*")
    except ArgumentError:
        pair = (whole,)  # type: ignore[assignment]
    point = any_point(count, draw)
    if at(count, point) is None:
        return
    assert at(count.trainable, point) + at(count.frozen, point) == at(count, point)  # type: ignore[operator]
    for kind in kinds:
        formula: ParamCount = getattr(count, kind)
        expected = at(formula, point)
        for parts in (
            formula.breakdown().parameters.values(),
            formula.by_dtype().values(),
            (getattr(whole, kind),),
            [getattr(part, kind) for part in pair],
        ):
            assert sum(at(part, point) or 0 for part in parts) == expected
        for other in kinds - {"nbytes", kind}:
            turned = getattr(count, other)
            turned = turned.nbytes if kind == "nbytes" else turned
            assert at(getattr(formula, other), point) == at(turned, point)


def ask_sympy(count: ParamCount, draw: Draw) -> None:
    for _ in range(3):
        point = any_point(count, draw)
        values = {s: point[s.name] for s in count.symbols if isinstance(point[s.name], int)}
        if len(values) < len(count.symbols):
            return  # a double is no number that sympy keeps as it is
        expected = at(count, point)
        assert count.domain.subs(values) in (sympy.true if expected is not None else sympy.false,)
        if expected is not None:
            assert count.expr.subs(values) == expected


QUESTIONS: list[Callable[[ParamCount, Draw], None]] = [
    ask_arrays,
    ask_solve,
    ask_marginal,
    ask_search,
    ask_large,
    ask_rewritten,
    ask_kinds,
    ask_sympy,
]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not answered soon is given up, as it is later on in use."""
    monkeypatch.setattr(line, "_MOST_RANGES", 1000)
    monkeypatch.setattr(comparison, "_STEPS", 200_000)


@batches(BATCHES)
def test_questions_to_random_programs(batch: int) -> None:
    asked: dict[str, ParamCount] = {}

    @hypothesis.seed(1000 + batch)
    @thorough(PER_BATCH)
    @hypothesis.given(st.randoms(use_true_random=False))
    def programs(draw: Draw) -> None:
        source = Writer(draw).source()
        count = None if source in asked else derived(source)
        if count is None or len(count.hyperparameters) > 3:
            return
        asked[source] = count
        for question in QUESTIONS:
            question(count, draw)
        ask_compare(count, draw.choice(list(asked.values())), draw)

    programs()
    assert len(asked) >= PER_BATCH // 3


@pytest.mark.parametrize("name", SPECIAL)
def test_questions_to_declared_symbols(name: str) -> None:
    factory, given = SPECIAL[name]
    count = symcount.derive(factory, **given)
    draw = Draw(0)
    for question in QUESTIONS:
        for _ in range(2):
            question(count, draw)
    for _ in range(3):
        ask_compare(count, count.select("*") if count.breakdown().parameters else count, draw)
