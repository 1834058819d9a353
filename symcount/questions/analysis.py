"""Questions about the shape of a formula: growth, marginal cost, shares, and which of two is less.

What is proved is said, and what is not is `UndecidedError` or the relation `"unknown"`. Nothing is
read off a plot: growth comes from exact expansions (`symcount.algebra.expansion`), crossovers from
bounds on ranges up to infinity (`symcount.questions.solve`), and what holds everywhere from z3.
"""

from __future__ import annotations

import math
import operator
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import sympy

from symcount.algebra import comparing
from symcount.algebra.bounds import Interval
from symcount.algebra.boxes import Box
from symcount.algebra.conditions import Condition, Decisions
from symcount.algebra.expansion import Expander, Expansion, Order, is_never_negative
from symcount.algebra.facts import Facts
from symcount.algebra.poly import Poly, Variable, const
from symcount.algebra.substitution import substituted
from symcount.errors import (
    ArgumentError,
    DomainError,
    NoSolutionError,
    UndecidedError,
    UnsupportedError,
)
from symcount.formula import sympy_form
from symcount.formula.tree import Built, Inexact, Split, leaves, parts_of
from symcount.questions.solve import Line, Value, no_valid_value, reachable
from symcount.symbols import LARGEST_CANDIDATE, Hyperparameter, RealHyperparameter

if TYPE_CHECKING:
    from symcount.param_count import ParamCount

Relation: TypeAlias = Literal["<", "<=", "==", ">=", ">", "mixed", "unknown"]

# How many points are looked at before z3 is asked to prove what they suggest, and how long it has.
_SAMPLES = 200
_MOST_PAIRS = 400
_MILLISECONDS = 1000


# --- marginal ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Marginal:
    """What it costs to take the next valid value of a symbol: the difference of the counts."""

    symbol: str
    value: int
    next: int
    cost: int


def marginal(count: ParamCount, name: str, at: Mapping[str, Any]) -> Marginal:
    """The answer of `ParamCount.marginal`."""
    others = {other: value for other, value in at.items() if other != name}
    line = Line(count, name, (1, None), others)
    here = count(**at)
    value = int(dict(zip(line.names, count._bind((), at), strict=True))[name])
    following = line.ascending(value)
    if following is None:
        raise NoSolutionError(f"{line.where}: no {name} above {value} is in the domain")
    cost = line.at(following)
    assert cost is not None
    return Marginal(name, value, following, cost - here)


# --- growth -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Growth:
    """The leading term of a count in one symbol, and its order.

    `order` is the power of the symbol in the term, `sympy.oo` if the term is exponential in it.
    """

    symbol: str
    order: Any
    term: sympy.Expr


def growth(count: ParamCount, name: str, others: Mapping[str, Any]) -> Growth:
    """The answer of `ParamCount.growth`."""
    expansions = list(_expanded(count, name, others, [count]))
    first = expansions[0][0][1]
    for (_, other), *_ in expansions[1:]:
        first = first.common(other)
    expander = expansions[0][0][0]
    x = sympy_form.symbol(name)
    leading = first.leading
    if leading is None:
        if first.rest is None:
            return Growth(name, 0, sympy.Integer(0))
        raise UndecidedError(
            f"{count.factory}: the leading term in {name} differs between values of any size, or "
            f"depends on other symbols, or all known terms cancel; {_advice(count, name, others)}"
        )
    (base, power), coefficient = leading
    if expander.sign(first) is None:
        raise UndecidedError(
            f"{count.factory}: the leading term in {name} has the factor "
            f"{sympy_form.text(sympy_form.expression(coefficient))}, which may be zero; "
            f"give values of {', '.join(sorted(_symbols_of(coefficient)))}"
        )
    term = sympy_form.expression(coefficient) * _scale(x, (base, power))
    return Growth(name, sympy.oo if base > 1 else _exact(power), term)


def _symbols_of(poly: Poly) -> set[str]:
    return {base.name for base in poly.atoms() if isinstance(base, Variable)}


def _exact(power: Fraction) -> Any:
    return power.numerator if power.denominator == 1 else sympy.Rational(power)


def _scale(x: sympy.Symbol, order: Order) -> sympy.Expr:
    base, power = order
    return sympy.Rational(base.numerator, base.denominator) ** x * x ** _exact(power)


def _advice(count: ParamCount, name: str, others: Mapping[str, Any]) -> str:
    free = [h.name for h in count.hyperparameters if h.name != name and h.name not in others]
    return f"give values of {', '.join(free)}" if free else "nothing is said of it"


def _expanded(
    count: ParamCount, name: str, others: Mapping[str, Any], measures: list[ParamCount]
) -> Iterator[list[tuple[Expander, Expansion]]]:
    """On each path that large values may take, the expansions of formulas of the same tree."""
    values = _checked(count, name, others)
    facts = _facts(count.hyperparameters, values)
    expander = Expander(name, facts)

    def put(poly: Poly) -> Poly:
        for other, value in values.items():
            number = const(Fraction(value) if isinstance(value, float) else value)
            poly = substituted(poly, other, number, facts)
        return poly

    def paths(tree: Any) -> Iterator[Built]:
        if isinstance(tree, Split):
            condition = tree.condition
            if isinstance(tree.then, Inexact) or isinstance(tree.otherwise, Inexact):
                sides = {isinstance(tree.otherwise, Inexact)}
            else:
                put_in = Condition(condition.op, put(condition.left), put(condition.right))
                truth = expander.decides(put_in)
                sides = {True, False} if truth is None else {truth}
            for side in sorted(sides, reverse=True):
                yield from paths(tree.then if side else tree.otherwise)
        elif isinstance(tree, Built):
            yield tree

    try:
        found = False
        for leaf in paths(count.tree):
            polys = [measure._poly(leaf) for measure in measures]
            found = True
            yield [(expander, expander.of(put(poly))) for poly in polys if poly is not None]
    except (UndecidedError, UnsupportedError, ArithmeticError) as error:
        raise UndecidedError(
            f"{count.factory}: the leading term in {name} is not known: {error}"
        ) from None
    if not found:
        raise NoSolutionError(
            f"{count.factory}: the domain ends before {name} is large, so there is no growth in it"
        )


def _checked(count: ParamCount, name: str, others: Mapping[str, Any]) -> dict[str, Value]:
    """Values of some of the other symbols, as a call takes them."""
    if name in others:
        raise ArgumentError(f"{name}={others[name]!r}: {name!r} is what goes to infinity")
    samples = {h.name: 1.0 if h.real else 1 for h in count.hyperparameters}
    bound = count._bind((), {**samples, **others, name: samples.get(name, 1)})
    h = next(h for h in count.hyperparameters if h.name == name)
    if h.real:
        raise ArgumentError(f"{name} is a real symbol; growth is that in an integer symbol")
    values = {}
    for h, value in zip(count.hyperparameters, bound, strict=True):
        if h.name in others:
            if value not in h:
                raise DomainError(f"{h.name}={value} is outside the domain of {count.factory}")
            values[h.name] = value
    return values


def _facts(hyperparameters: Any, values: Mapping[str, Value]) -> Facts:
    bounds: dict[str, Any] = {h.name: (h.minimum, h.maximum) for h in hyperparameters}
    bounds.update({name: (value, value) for name, value in values.items()})
    return Facts(bounds, {h.name: h.multiple_of for h in hyperparameters})


# --- share ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Share:
    """The fraction of a whole that a part of it is, as a formula.

    Call it with sizes for the fraction there, exactly, as a `fractions.Fraction`. It raises
    `DomainError` outside the domain, and where the whole has no parameters.
    """

    part: ParamCount = field(repr=False)
    whole: ParamCount = field(repr=False)

    @cached_property
    def expr(self) -> sympy.Expr:
        """The fraction as a sympy expression."""
        return self.part.expr / self.whole.expr

    def __call__(self, /, *args: Value, **kwargs: Value) -> Fraction:
        """The fraction at these sizes."""
        whole = self.whole(*args, **kwargs)
        if not whole:
            raise DomainError(
                f"{self.whole.factory} has no {self.whole.measure.noun} there, so no part has a "
                "share of them"
            )
        return Fraction(self.part(*args, **kwargs), whole)

    def limit(self, symbol: str, /, **others: Value) -> sympy.Expr:
        """What the fraction goes to as a symbol goes to infinity, in terms of what is not given.

        Raises:
            ArgumentError: there is no such symbol.
            UndecidedError: the fraction has no limit, or it is not known.
        """
        limits = [
            _ratio(part, whole, expander)
            for (expander, part), (_, whole) in _expanded(
                self.whole, symbol, others, [self.part, self.whole]
            )
        ]
        if any(found is None or sympy.cancel(found - limits[0]) != 0 for found in limits):
            raise UndecidedError(
                f"{self.whole.factory}: the limit of a share for large {symbol} is not known; "
                f"{_advice(self.whole, symbol, others)}"
            )
        return limits[0]

    def __str__(self) -> str:
        return sympy_form.text(self.expr)

    def _repr_html_(self) -> str:
        from symcount.display import notebook

        return notebook.expression_html(self.expr)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))


def _ratio(part: Expansion, whole: Expansion, expander: Expander) -> sympy.Expr | None:
    """The limit of a quotient; None if it is not known."""
    leading, below = part.leading, whole.leading
    if below is None or expander.sign(whole) is None:
        return None
    order, coefficient = below
    if leading is None or leading[0] < order:
        return sympy.Integer(0) if part.size is None or part.size < order else None
    return sympy.cancel(sympy_form.expression(leading[1]) / sympy_form.expression(coefficient))


class Shares(Mapping[str, Share]):
    """The share of each part of a formula, by module path; together they are one."""

    def __init__(self, parts: Mapping[str, Share]) -> None:
        self._parts = dict(parts)

    def __getitem__(self, path: str) -> Share:
        if path not in self._parts:
            known = ", ".join(map(repr, self._parts)) or "none"
            raise ArgumentError(f"no part {path!r}; there are {known}")
        return self._parts[path]

    def get(self, path: str, default: Any = None) -> Any:
        """The share of a part, or the default if there is no such part."""
        return self._parts.get(path, default)

    def __contains__(self, path: object) -> bool:
        return path in self._parts

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __str__(self) -> str:
        return "\n".join(f"{path or '(own)'}: {share}" for path, share in self._parts.items())

    def __repr__(self) -> str:
        return f"Shares({list(self._parts)})"


def shares(count: ParamCount, depth: int) -> Shares:
    """The answer of `ParamCount.share`."""
    if type(depth) is not int or depth < 1:
        raise ArgumentError(f"depth={depth!r}: give a positive integer")
    groups: dict[str, list[str]] = {}
    for name in count.breakdown().parameters:
        path = ".".join(parts_of(name)[:-1][:depth])
        groups.setdefault(path, []).append(name)
    return Shares(
        {path: Share(count._measuring(names=tuple(names)), count) for path, names in groups.items()}
    )


# --- compare ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Span:
    """One relation of two counts, at all common valid values of a symbol from `first` to `last`.

    `last` is None where it is proved for all values from `first` on.
    """

    relation: Literal["<", "==", ">"]
    first: int
    last: int | None


@dataclass(frozen=True)
class Comparison:
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
    examples: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)

    @property
    def crossovers(self) -> tuple[int, ...]:
        """The values at which another relation begins."""
        return tuple(span.first for span in self.spans[1:])

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
    left: ParamCount,
    right: ParamCount,
    over: str | None,
    between: tuple[int, int | None],
    fixed: Mapping[str, Any],
) -> Comparison:
    """The answer of `ParamCount.compare`."""
    if not hasattr(right, "hyperparameters"):
        raise ArgumentError(f"compare(): give another ParamCount; a {type(right).__name__} is none")
    left._require_same_unit("compare", right)
    for count in (left, right):
        count._require_no_symbol("compare", [] if over is None else ["over"], str(over))
    ranges = _common_ranges(left, right)
    for name in (*fixed, *([] if over is None else [over])):
        if name not in ranges:
            raise ArgumentError(f"neither {left.factory} nor {right.factory} has {name!r}")
    if over is not None:
        values = _with_defaults(left, right, over, fixed)
        line = _Difference(left, right, over, between, values)
        spans = tuple(_spans(line))
        relation = _summary({span.relation for span in spans})
        examples = _first_examples(spans, over, values) if relation == "mixed" else {}
        difference = _difference(left, right, values)
        return Comparison(left.factory, right.factory, relation, difference, over, spans, examples)
    if between != (1, None):
        raise ArgumentError(f"between={between!r}: say of which symbol, over=...")
    for name, value in fixed.items():
        ranges[name] = _pinned(ranges[name], value)
    relation, examples = _everywhere(left, right, list(ranges.values()))
    difference = _difference(left, right, fixed)
    return Comparison(left.factory, right.factory, relation, difference, examples=examples)


def _common_ranges(left: ParamCount, right: ParamCount) -> dict[str, Hyperparameter]:
    """All symbols of two formulas, with what both declare of them."""
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
    left: ParamCount, right: ParamCount, over: str, fixed: Mapping[str, Any]
) -> dict[str, Any]:
    """The values of all symbols but one, given or by default."""
    if over in fixed:
        raise ArgumentError(f"{over}={fixed[over]!r}: {over!r} is what is gone along")
    values = {**left.defaults, **right.defaults, **fixed}
    for name in left.defaults.keys() & right.defaults.keys() - fixed.keys() - {over}:
        if left.defaults[name] != right.defaults[name]:
            raise ArgumentError(
                f"{name} is {left.defaults[name]} by default in {left.factory} and "
                f"{right.defaults[name]} in {right.factory}; give {name}=..."
            )
    values.pop(over, None)
    return values


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


def _difference(left: ParamCount, right: ParamCount, fixed: Mapping[str, Any]) -> sympy.Expr:
    symbols = {s.name: s for s in (*left.symbols, *right.symbols)}
    values = {symbols[name]: value for name, value in fixed.items() if name in symbols}
    return sympy.expand((left.expr - right.expr).subs(values))


def _summary(relations: set[Any]) -> Relation:
    match sorted(relations):
        case ["<", "=="]:
            return "<="
        case ["==", ">"]:
            return ">="
        case [only]:
            return only  # type: ignore[no-any-return]
    return "mixed"


# --- along one symbol ---


class _Difference(Line):
    """The difference of two formulas along a symbol."""

    def __init__(
        self,
        left: ParamCount,
        right: ParamCount,
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
            bound = right._bind((), _only(right, name, values))
            self.others_valid = self.others_valid and right._evaluated(bound) is not None
            pairs = zip(right.hyperparameters, bound, strict=True)
            self.fixed.update({h.name: (value, value) for h, value in pairs})

    def at(self, value: int) -> int | None:
        """The difference of the counts, or None outside the common domain."""
        here = super().at(value)
        values = {name: low for name, (low, _) in self.fixed.items()} | {self.name: value}
        there = self.right._evaluated(
            tuple(values[h.name] for h in self.right.hyperparameters)  # type: ignore[misc]
        )
        return None if here is None or there is None else self.sign * (here - there)

    def _reached(self, low: int, high: int | None) -> Iterator[tuple[Box, Poly]]:
        for box, poly in super()._reached(low, high):
            for other in reachable(self.right._values, box):
                yield box, (poly - other).scaled(self.sign)


def _only(count: ParamCount, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    names = {h.name for h in count.hyperparameters} - {name}
    return {other: value for other, value in values.items() if other in names}


def _settled(span: Interval | None) -> Literal["<", "==", ">", "none"] | None:
    """The relation that bounds of a difference prove; "none" where there is no valid value."""
    if span is None:
        return "none"
    low, high = span
    if high is not None and high < 0:
        return "<"
    if low is not None and low > 0:
        return ">"
    return "==" if low == high == 0 else None


def _pieces(line: Line) -> Iterator[tuple[Any, int, int | None]]:
    """Ranges in order, each with the one relation that all of its valid values have."""
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
    """The relations along a symbol, neighbours of the same relation joined."""
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
) -> dict[str, Mapping[str, Value]]:
    examples: dict[str, Mapping[str, Value]] = {}
    for span in spans:
        examples.setdefault(span.relation, {over: span.first, **values})
    return examples


# --- everywhere ---


def _everywhere(
    left: ParamCount, right: ParamCount, ranges: list[Hyperparameter]
) -> tuple[Relation, dict[str, Mapping[str, Value]]]:
    """The relation that is proved, and the points that show a mixed one."""
    examples: dict[str, Mapping[str, Value]] = {}
    for point in _points(left, right, ranges):
        here, there = (
            count._evaluated(tuple(point[h.name] for h in count.hyperparameters))
            for count in (left, right)
        )
        if here is not None and there is not None:
            seen = "<" if here < there else ">" if here > there else "=="
            examples.setdefault(seen, point)
    if {"<", ">"} <= examples.keys():
        return "mixed", examples
    if not examples:  # a proof would be one about nothing
        return "unknown", {}
    proves = _prover(left, right, ranges)
    wanted: list[Relation]
    if "<" in examples:
        wanted = ["<", "<="] if "==" not in examples else ["<="]
    elif ">" in examples:
        wanted = [">", ">="] if "==" not in examples else [">="]
    else:
        wanted = ["==", "<=", ">="]
    return next((relation for relation in wanted if proves(relation)), "unknown"), {}


def _points(
    left: ParamCount, right: ParamCount, ranges: list[Hyperparameter]
) -> Iterator[dict[str, Value]]:
    """Sizes at which to look: small ones, those of the certificates, and random ones."""
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


def _prover(
    left: ParamCount, right: ParamCount, ranges: list[Hyperparameter]
) -> Callable[[Relation], bool]:
    """Tells whether a relation is proved wherever both formulas hold."""
    from symcount.algebra.solver import Solver

    facts = _facts(ranges, {})
    solver = Solver(ranges, facts, _MILLISECONDS)
    pairs = [
        ((*here, *there), p, q) for here, p in _formulas(left) for there, q in _formulas(right)
    ]

    def holds(op: str, decisions: Decisions, a: Any, b: Any) -> bool:
        """Whether `a op b` for `<` or `<=`."""
        least = 1 if op == "<" else 0
        if facts.at_least(b - a, least) or is_never_negative(b - a - const(least), facts):
            return True
        negated, polarity = comparing.compare("le" if op == "<" else "lt", b, a, facts)
        if negated is None:
            return not polarity
        return solver.refutes((*decisions, (negated, polarity)))

    def proves(relation: Relation) -> bool:
        if len(pairs) > _MOST_PAIRS:
            return False
        for decisions, p, q in pairs:
            sides = [(p, q)] if relation[0] == "<" else [(q, p)]
            if relation == "==":
                sides = [(p, q), (q, p)]
            op = "<" if relation in ("<", ">") else "<="
            if p == q and op == "<=":
                continue
            if not all(holds(op, decisions, a, b) for a, b in sides):
                return False
        return True

    return proves


def _formulas(count: ParamCount) -> list[tuple[Decisions, Any]]:
    """The polynomial on each path, where there is one, and the decisions that lead to it."""
    found: list[tuple[Decisions, Any]] = list(leaves(count._values))
    return [(decisions, poly) for decisions, poly in found if poly is not None]
