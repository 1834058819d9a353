"""Compare two formulas: which is less, at which sizes, and whether that is proved.

Crossovers along a symbol come from bounds on ranges up to infinity (`symcount.questions.line`), and
what holds everywhere from z3. What is not proved is the relation `"unknown"`.
"""

from __future__ import annotations

import math
import operator
import random
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from symcount.algebra import comparing
from symcount.algebra.bounds import Interval
from symcount.algebra.boxes import Box
from symcount.algebra.conditions import Decisions
from symcount.algebra.expansion import is_never_negative
from symcount.algebra.poly import Poly, const
from symcount.errors import (
    ArgumentError,
    DomainError,
    NoSolutionError,
    UndecidedError,
)
from symcount.formula.signature import common_defaults, declared_facts
from symcount.packages import sympy
from symcount.questions.line import Line, no_valid_value, reachable
from symcount.shown import Said, lines_as_one, shortened
from symcount.symbols import LARGEST_CANDIDATE, Hyperparameter, Number, RealHyperparameter

if TYPE_CHECKING:
    from symcount.formula.formula import Formula

Relation: TypeAlias = Literal["<", "<=", "==", ">=", ">", "mixed", "unknown"]
# How many points are looked at before z3 is asked to prove what they suggest, and how long it has.
_SAMPLES = 200
_MOST_PAIRS = 400
_STEPS = 4_000_000


@dataclass(frozen=True)
class Span:
    """One relation of two counts, at all common valid values of a symbol from `first` to `last`.

    `last` is None where it is proved for all values from `first` on.
    """

    relation: Literal["<", "==", ">"]
    first: int
    last: int | None


@dataclass(frozen=True)
class Comparison(Said):
    """Two formulas against each other: the left one is `relation` the right one.

    `relation` is proved for all sizes that were asked about; `"mixed"` is proved by `examples`,
    and `"unknown"` says nothing. `spans` are the relations along a symbol, in order, if one was
    asked for. `difference` is the left formula less the right one.
    """

    left: str
    right: str
    relation: Relation
    difference: sympy.Expr
    over: str | None = None
    spans: tuple[Span, ...] = ()
    examples: Mapping[str, Mapping[str, Number]] = field(default_factory=dict)

    @property
    def crossovers(self) -> tuple[int, ...]:
        """The values at which another relation begins."""
        return tuple(span.first for span in self.spans[1:])

    def __repr__(self) -> str:
        along = f" {shortened(lines_as_one(str(self)))};" if self.spans else ""
        less = f"{self.left} - {self.right}: {shortened(str(self.difference))}"
        return f"Comparison({self.left} {self.relation} {self.right};{along} {less})"

    def __str__(self) -> str:
        if not self.spans:
            return f"{self.left} {self.relation} {self.right}"
        lines = []
        for span in self.spans:
            end = " on" if span.last is None else f" to {span.last}"
            many = f" from {span.first}{end}"
            lines.append(
                f"{self.over}{f'={span.first}' if span.first == span.last else many}: "
                f"{span.relation}"
            )
        return "\n".join(lines)


def compare(
    left: Formula,
    right: Formula,
    over: str | None,
    between: tuple[int, int | None],
    fixed: Mapping[str, Any],
) -> Comparison:
    """Compare two formulas; see `ParamCount.compare`."""
    if not hasattr(right, "hyperparameters"):
        raise ArgumentError(
            f"compare(): give another ParamCount; a {type(right).__name__} is none. Functions that "
            "count by hand, and texts, are for symcount.compare(count, ...)"
        )
    left.measure.require_unit_of(right.measure, "compare()")
    for count in (left, right):
        count.signature.require_no_symbol("compare", [] if over is None else ["over"], str(over))
    ranges = _common_ranges(left, right)
    for name in (*fixed, *([] if over is None else [over])):
        if name not in ranges:
            raise ArgumentError(f"neither {left.factory} nor {right.factory} has {name!r}")
    if over is not None:
        values = _with_defaults(left, right, over, fixed)
        line = _DifferenceLine(left, right, over, between, values)
        spans = tuple(_spans(line))
        relation = _summary({span.relation for span in spans})
        examples = _first_examples(spans, over, values) if relation == "mixed" else {}
        difference = _difference(left, right, values)
        return Comparison(left.factory, right.factory, relation, difference, over, spans, examples)
    if between != (0, None):
        raise ArgumentError(f"between={between!r}: say of which symbol, over=...")
    for name, value in fixed.items():
        ranges[name] = _pinned(ranges[name], value)
    relation, examples = _everywhere(left, right, list(ranges.values()))
    difference = _difference(left, right, fixed)
    return Comparison(left.factory, right.factory, relation, difference, examples=examples)


def _common_ranges(left: Formula, right: Formula) -> dict[str, Hyperparameter]:
    """Return all symbols of two formulas, with what both declare of them."""
    ranges = {h.name: h for h in left.hyperparameters}
    for h in right.hyperparameters:
        other = ranges.get(h.name, h)
        if other.real is not h.real:
            raise ArgumentError(f"{h.name} is an integer in one formula, and real in the other")
        highs = [m for m in (h.maximum, other.maximum) if m is not None]
        kind = RealHyperparameter if h.real else Hyperparameter
        ranges[h.name] = kind(
            h.name,
            max(h.minimum, other.minimum),
            min(highs, default=None),
            math.lcm(h.multiple_of, other.multiple_of),
        )
    return ranges


def _with_defaults(
    left: Formula, right: Formula, over: str, fixed: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the values of all symbols but one, given or by default."""
    if over in fixed:
        raise ArgumentError(f"{over}={fixed[over]!r}: {over!r} is what is gone along")
    return {**common_defaults([left, right], {over, *fixed}), **fixed}


def _pinned(h: Hyperparameter, given: Any) -> Hyperparameter:
    value: Any = given
    try:
        value = float(value) if h.real else operator.index(value)
    except (TypeError, ValueError):
        value = None
    if value is None or isinstance(given, bool):
        kind = "number" if h.real else "integer"
        raise ArgumentError(f"{h.name}={given!r}: a hyper-parameter is a positive {kind}")
    if value not in h:
        raise DomainError(f"{h.name}={value} is outside what was declared for it")
    return type(h)(h.name, value, value)


def _difference(left: Formula, right: Formula, fixed: Mapping[str, Any]) -> sympy.Expr:
    symbols = {s.name: s for s in (*left.symbols, *right.symbols)}
    values = {symbols[name]: value for name, value in fixed.items() if name in symbols}
    difference = left.expr - right.expr
    with suppress(ZeroDivisionError):  # on a path that these values do not take
        difference = difference.subs(values)
    return sympy.expand(difference)


def _summary(relations: set[Any]) -> Relation:
    match sorted(relations):
        case ["<", "=="]:
            return "<="
        case ["==", ">"]:
            return ">="
        case [only]:
            return only  # type: ignore[no-any-return]
    return "mixed"


class _DifferenceLine(Line):
    """The difference of two formulas along a symbol."""

    def __init__(
        self,
        left: Formula,
        right: Formula,
        name: str,
        between: tuple[int, int | None],
        values: Mapping[str, Any],
    ) -> None:
        self.sign = 1
        if all(h.name != name for h in left.hyperparameters):
            left, right, self.sign = right, left, -1
        super().__init__(left, name, between, _only(left, name, values))
        self.right = right
        if any(h.name == name for h in right.hyperparameters):
            other = Line(right, name, between, _only(right, name, values))
            self.step = math.lcm(self.step, other.step)
            highs = [high for high in (self.high, other.high) if high is not None]
            self.low, self.high = self.up(max(self.low, other.low)), min(highs, default=None)
            self.others_valid = self.others_valid and other.others_valid
            self.fixed.update(other.fixed)
        else:
            bound = right.signature.bind((), _only(right, name, values))
            self.others_valid = self.others_valid and right.at(bound) is not None
            pairs = zip(right.hyperparameters, bound, strict=True)
            self.fixed.update({h.name: (value, value) for h, value in pairs})

    def at(self, value: int) -> int | None:
        """Return the difference of the counts, or None outside the common domain."""
        here = super().at(value)
        values = {name: low for name, (low, _) in self.fixed.items()} | {self.name: value}
        there = self.right.at(
            tuple(values[h.name] for h in self.right.hyperparameters)  # type: ignore[misc]
        )
        return None if here is None or there is None else self.sign * (here - there)

    def reached(self, low: int, high: int | None) -> Iterator[tuple[Box, Poly]]:
        for box, poly in super().reached(low, high):
            for other in reachable(self.right.pieces, box):
                yield box, (poly - other).scaled(self.sign)


def _only(count: Formula, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    names = {h.name for h in count.hyperparameters} - {name}
    return {other: value for other, value in values.items() if other in names}


def _settled(span: Interval | None) -> Literal["<", "==", ">", "none"] | None:
    """Return the relation that bounds of a difference prove; "none" if no value is valid."""
    if span is None:
        return "none"
    low, high = span
    if high is not None and high < 0:
        return "<"
    if low is not None and low > 0:
        return ">"
    return "==" if low == high == 0 else None


def _pieces(line: Line) -> Iterator[tuple[Any, int, int | None]]:
    """Yield ranges in order, each with the one relation that all of its valid values have."""
    end = line.end(lambda span: _settled(span) is not None)
    if end is None:
        raise UndecidedError(
            f"{line.where}: which is less for large {line.name} is not known; say how large it "
            "may be, between=(low, high)"
        )
    stack = [(line.low, end)]
    while stack:
        low, high = stack.pop()
        few = line.few(low, high, most=1)
        if few is not None:
            for value in few:
                found = line.at(value)
                if found is not None:
                    yield _settled((found, found)), value, value
            continue
        relation = _settled(line.span(low, high))
        if relation is None:
            stack += line.halves(low, high)[::-1]
        elif relation != "none":
            yield relation, low, high
    if line.high is None:
        relation = _settled(line.span(end + 1, None))
        if relation != "none":
            yield relation, end + 1, None


def _spans(line: Line) -> Iterator[Span]:
    """Yield the relations along a symbol, neighbours of the same relation joined."""
    current: tuple[Any, int, int | None] | None = None
    for relation, low, high in _pieces(line):
        if current is not None and relation == current[0]:
            current = relation, current[1], high
            continue
        first = line.ascending(low - 1) if high is None else line.first(low, high)
        if first is None:
            continue
        if current is not None:
            yield _ended(line, current)
        current = relation, first, high
    if current is None:
        raise NoSolutionError(no_valid_value(line))
    yield _ended(line, current)


def _ended(line: Line, run: tuple[Any, int, int | None]) -> Span:
    relation, first, high = run
    return Span(relation, first, None if high is None else line.last(first, high))


def _first_examples(
    spans: tuple[Span, ...], over: str, values: Mapping[str, Any]
) -> dict[str, Mapping[str, Number]]:
    examples: dict[str, Mapping[str, Number]] = {}
    for span in spans:
        examples.setdefault(span.relation, {over: span.first, **values})
    return examples


def _everywhere(
    left: Formula, right: Formula, ranges: list[Hyperparameter]
) -> tuple[Relation, dict[str, Mapping[str, Number]]]:
    """Return the relation that is proved, and the points that show a mixed one."""
    examples: dict[str, Mapping[str, Number]] = {}
    for point in _points(left, right, ranges):
        here, there = (
            count.at(tuple(point[h.name] for h in count.hyperparameters)) for count in (left, right)
        )
        if here is not None and there is not None:
            seen = "<" if here < there else ">" if here > there else "=="
            examples.setdefault(seen, point)
    if {"<", ">"} <= examples.keys():
        return "mixed", examples
    if not examples:  # a proof would be one about nothing
        return "unknown", {}
    proves = _Prover(left, right, ranges).proves
    wanted: list[Relation]
    if "<" in examples:
        wanted = ["<", "<="] if "==" not in examples else ["<="]
    elif ">" in examples:
        wanted = [">", ">="] if "==" not in examples else [">="]
    else:
        wanted = ["==", "<=", ">="]
    return next((relation for relation in wanted if proves(relation)), "unknown"), {}


def _points(
    left: Formula, right: Formula, ranges: list[Hyperparameter]
) -> Iterator[dict[str, Number]]:
    """Yield sizes at which to look: small ones, those of the certificates, and random ones."""
    names = {h.name for h in ranges}
    for size in (1, 2, 3, 4, 8, 64):
        yield {h.name: h.aligned(size) for h in ranges}
    draw = random.Random(0)
    for _ in range(_SAMPLES):
        yield {h.name: h.sample(draw) for h in ranges}
    for point in (*left.certificate.points, *right.certificate.points):
        values = {h.name: h.aligned(LARGEST_CANDIDATE) for h in ranges} | dict(point)
        if all(values[h.name] in h for h in ranges):
            yield {name: values[name] for name in names}


class _Prover:
    """Proves relations wherever both formulas hold."""

    def __init__(self, left: Formula, right: Formula, ranges: list[Hyperparameter]) -> None:
        from symcount.algebra.solver import Solver

        self.facts = declared_facts(ranges)
        self.solver = Solver(ranges, self.facts, _STEPS)
        self.pairs = [
            ((*here, *there), p, q)
            for here, p in left.cases()
            for there, q in right.cases()
            if p is not None and q is not None
        ]

    def proves(self, relation: Relation) -> bool:
        if len(self.pairs) > _MOST_PAIRS:
            return False
        op = "<" if relation in ("<", ">") else "<="
        for decisions, p, q in self.pairs:
            sides = [(p, q)] if relation[0] == "<" else [(q, p)]
            if relation == "==":
                sides = [(p, q), (q, p)]
            if p == q and op == "<=":
                continue
            if not all(self._holds(op, decisions, a, b) for a, b in sides):
                return False
        return True

    def _holds(self, op: str, decisions: Decisions, a: Poly, b: Poly) -> bool:
        """Prove `a op b` for `<` or `<=`."""
        least = 1 if op == "<" else 0
        if self.facts.at_least(b - a, least) or is_never_negative(b - a - const(least), self.facts):
            return True
        negated, polarity = comparing.compare("le" if op == "<" else "lt", b, a, self.facts)
        if negated is None:
            return not polarity
        return self.solver.refutes((*decisions, (negated, polarity)))
