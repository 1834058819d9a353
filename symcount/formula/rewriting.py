"""Substitute expressions for the symbols of a formula, and rename them.

A formula after `substitute` is the one before, composed with the expressions: at each point of
the new symbols it is the old formula at the values that the expressions have there. Where one of
them is no value of its symbol, the new formula does not hold. All trees of a formula are rebuilt
in normal form under what is declared of the new symbols, and conditions that this settles vanish.
"""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from symcount.algebra.comparing import compare_any
from symcount.algebra.conditions import Condition, Decisions, settled
from symcount.algebra.facts import Facts
from symcount.algebra.poly import Atom, Poly, Variable, const, declared, fraction, symbol, written
from symcount.algebra.rounding import mod
from symcount.algebra.substitution import composed, divisors
from symcount.errors import ArgumentError, DomainError
from symcount.formula.choice_trees import Choice, choice
from symcount.formula.expressions import Expression, is_whole, read
from symcount.formula.formula import Formula
from symcount.formula.signature import declared_facts
from symcount.formula.tree import Built, Excluded, Refused, Repeat, Split, TensorSpec, Tree, leaves
from symcount.record import Instruction, Program, Ref
from symcount.symbols import Hyperparameter, RealHyperparameter, is_name, real_number

if TYPE_CHECKING:
    from symcount.formula.certificate import Certificate

# `0..n-1` in the name of what a loop makes
_ITERATIONS = re.compile(r"\{([0-9]+)\.\.([^{}]*)\}")


# --- substitute -------------------------------------------------------------------------------


def substitute(count: Formula, given: Mapping[str, object]) -> Formula:
    """See `ParamCount.substitute`."""
    if not given:
        raise ArgumentError("substitute() takes what replaces a symbol: substitute(f='4*d')")
    for name in given:
        _require_symbol(count, name)
    kept = (h for h in count.hyperparameters if h.name not in given)
    may_be_zero = declared_facts(kept).may_be_zero
    expressions = {
        h.name: _expression(h, given[h.name], may_be_zero)
        for h in count.hyperparameters
        if h.name in given
    }
    new, heirs = _declared_anew(count.hyperparameters, expressions)
    expressions |= {
        h.name: expressions[h.name]._replace(
            poly=declared(replace(h, name=str(expressions[h.name].symbol)))
        )
        for h in count.hyperparameters
        if h.name in heirs
    }
    guards: list[_Guard] = []
    facts = declared_facts(new)
    for h in count.hyperparameters:
        if h.name in expressions and h.name not in heirs:
            facts = _add_guards(guards, h, expressions[h.name], facts)
    replacements = {name: e.poly for name, e in expressions.items()}
    rewriter = _Rewriter(count, replacements, facts, [h.name for h in new])
    tree = rewriter.tree(count.tree, tuple((g.condition, g.truth) for g in guards))
    for guard in reversed(guards):
        sides = (tree, guard.excluded)
        tree = Split(guard.condition, None, *(sides if guard.truth else sides[::-1]))
    _require_values(count, tree, expressions)
    said = tuple((name, str(e)) for name, e in expressions.items())
    certificate = replace(count.certificate, substituted=(*count.certificate.substituted, *said))
    return rewriter.formula(hyperparameters=new, tree=tree, certificate=certificate)


def _require_symbol(count: Formula, name: str) -> None:
    names = [h.name for h in count.hyperparameters]
    if name not in names:
        hint = count.signature.hint(name) or f"; its symbols are: {', '.join(names) or 'none'}"
        raise ArgumentError(f"{count.signature} has no symbol {name!r}{hint}")


def _require_name(name: object, where: str) -> str:
    if not isinstance(name, str) or not is_name(name):
        raise ArgumentError(f"{where}: {name!r} cannot name a symbol; use a Python identifier")
    return name


def _expression(h: Hyperparameter, given: object, may_be_zero: Collection[str]) -> Expression:
    """Read what takes the place of a symbol; a number has to be one of its values."""
    expression = _real(h, given) if h.real else read(given, h.name, may_be_zero)
    for name in expression.names:
        _require_name(name, f"{h.name}={expression.text}")
    number = expression.poly.constant
    if h.real or number is None:
        return expression
    if not isinstance(number, int):
        raise ArgumentError(f"{h.name}={expression}: a hyper-parameter is a positive integer")
    if number not in h:
        raise DomainError(f"{h.name}={expression} is outside the domain: {h.declared}")
    return expression


def _real(h: Hyperparameter, given: object) -> Expression:
    """Read a number or a name: computing with floats would have to round as Python does."""
    if isinstance(given, numbers.Real):
        number = real_number(given, h.name)
        if number not in h:
            raise DomainError(f"{h.name}={given} is outside the domain: {h.declared}")
        return Expression(const(Fraction(number)), (), repr(number))
    name = given if isinstance(given, str) else getattr(given, "name", None)
    if not isinstance(name, str) or not name.isidentifier():
        raise ArgumentError(
            f"{h.name}={given}: {h.name} is a float, and computing with floats rounds; only a "
            "number or another symbol can take its place"
        )
    return Expression(symbol(name, real=True), (), name)


def _declared_anew(
    old: Sequence[Hyperparameter], expressions: Mapping[str, Expression]
) -> tuple[tuple[Hyperparameter, ...], set[str]]:
    """Declare the symbols after a substitution, and those before that one of them has taken over.

    A new name in the place of one symbol, and nowhere else, has its range and its default. New
    symbols come where what they replace was.
    """
    declared = {h.name: h for h in old if h.name not in expressions}
    uses = [name for e in expressions.values() for name in e.names]
    order: dict[str, None] = {}
    heirs = set()
    for h in old:
        if h.name not in expressions:
            order[h.name] = None
            continue
        expression = expressions[h.name]
        for name in expression.names:
            if name not in declared and uses.count(name) == 1 and expression.symbol == name:
                declared[name] = replace(h, name=name)
                heirs.add(h.name)
            elif name not in declared:
                plain = RealHyperparameter(name, 0.0) if h.real else Hyperparameter(name)
                declared[name] = plain
            elif expression.symbol == name:
                arguments = (*declared[name].arguments, *h.arguments)
                declared[name] = replace(declared[name], arguments=arguments)
            if declared[name].real != h.real:
                is_float, is_int = (name, h.name) if declared[name].real else (h.name, name)
                raise ArgumentError(
                    f"{h.name}={expression.text}: {is_float} is a float and {is_int} an integer; "
                    "use a symbol of the same kind"
                )
            order[name] = None
    return tuple(declared[name] for name in order), heirs


# --- where an expression is a value of its symbol ---------------------------------------------


class _Guard(NamedTuple):
    """A condition, or its negation, that has to hold, and what is there where it does not."""

    condition: Condition
    truth: bool
    excluded: Excluded


def _add_guards(
    guards: list[_Guard], h: Hyperparameter, expression: Expression, facts: Facts
) -> Facts:
    """Add what makes an expression a value of a symbol; the facts with what that says."""
    for op, left, right, fails in _requirements(h, expression):
        if op == "eq":
            condition, truth = _divides(left, right, facts)
        elif op == "ne":
            condition, polarity = compare_any("eq", left, right, facts)
            truth = not polarity
        else:
            condition, truth = compare_any(op, left, right, facts)
        if condition is None:
            if not truth:
                raise DomainError(f"{h.name} = {expression} {fails} at all values")
            continue
        guards.append(_Guard(condition, truth, Excluded(fails, (h.name, str(expression)))))
        facts = facts.with_condition(condition, truth)
    return facts


def _divides(top: Poly, bottom: Poly, facts: Facts) -> tuple[Condition | None, bool]:
    """Return the condition `top % bottom == 0`, without what both have in common."""
    divisor, content = bottom.constant, math.gcd(*map(int, top.terms.values())) or 1
    if isinstance(divisor, int):
        top, bottom = top.scaled(Fraction(1, content)), const(divisor // math.gcd(divisor, content))
    return compare_any("eq", mod(top, bottom, facts), const(0), facts)


def _requirements(
    h: Hyperparameter, expression: Expression
) -> Iterator[tuple[str, Poly, Poly, str]]:
    """Yield the requirements `left op right`; "eq" is of a remainder, `left % right == 0`."""
    for divisor in expression.divisors:
        yield "ne", divisor, const(0), "divides by zero"
    top, bottom = fraction(expression.poly)
    if h.multiple_of > 1:
        yield "eq", top, bottom.scaled(h.multiple_of), f"is no multiple of {h.multiple_of}"
    elif not h.real and not is_whole(expression.poly):
        yield "eq", top, bottom, "is no integer"
    yield "ge", expression.poly, const(Fraction(h.minimum)), f"is less than {h.minimum}"
    if h.maximum is not None:
        yield "le", expression.poly, const(Fraction(h.maximum)), f"is more than {h.maximum}"


def _require_values(count: Formula, tree: Tree, expressions: Mapping[str, Expression]) -> None:
    ends = [leaf for _, leaf in leaves(tree)]
    if any(isinstance(leaf, Built) for leaf in ends):
        return
    given = ", ".join(f"{name}={e.text}" for name, e in expressions.items())
    why = next((f": {leaf}" for leaf in ends if isinstance(leaf, Refused)), "")
    if not why:
        why = next((f": {leaf.reason}" for leaf in ends if isinstance(leaf, Excluded)), "")
    raise DomainError(f"with {given} there are no values at which {count.factory} builds{why}")


# --- rename -----------------------------------------------------------------------------------


def rename(count: Formula, given: Mapping[str, object]) -> Formula:
    """See `ParamCount.rename`."""
    if not given:
        raise ArgumentError("rename() takes the new name of a symbol: rename(hidden_size='d')")
    for name in given:
        _require_symbol(count, name)
    names = {
        h.name: _require_name(given.get(h.name, h.name), f"{h.name}={given.get(h.name)!r}")
        for h in count.hyperparameters
    }
    taken: dict[str, str] = {}
    for name, other in names.items():
        if other in taken:
            changed = name if name in given else taken[other]
            raise ArgumentError(
                f"{count.signature}: {taken[other]!r} and {name!r} would both be {other!r}; use "
                f"substitute({changed}={other!r}) to make them one symbol"
            )
        taken[other] = name
    new = tuple(replace(h, name=names[h.name]) for h in count.hyperparameters)
    replacements = {
        h.name: declared(new) for h, new in zip(count.hyperparameters, new, strict=True)
    }
    rewriter = _Rewriter(count, replacements, declared_facts(new), [h.name for h in new], names)
    tree = rewriter.tree(count.tree, ())
    certificate = _renamed(count.certificate, names)
    return rewriter.formula(hyperparameters=new, tree=tree, certificate=certificate)


def _renamed(certificate: Certificate, names: Mapping[str, str]) -> Certificate:
    """Write the certificate in the new names, or with them if its points are of older symbols."""
    if certificate.substituted:
        said = tuple((old, new) for old, new in names.items() if old != new)
        return replace(certificate, substituted=(*certificate.substituted, *said))
    points = tuple(
        tuple((names.get(name, name), value) for name, value in point)
        for point in certificate.points
    )
    return replace(certificate, points=points)


# --- trees ------------------------------------------------------------------------------------


class _Rewriter:
    """Rebuilds the trees of a formula with expressions in the place of symbols.

    Args:
        count: the formula.
        replacements: the expressions.
        facts: what holds of the new symbols wherever the formula is asked.
        symbols: the names of the new symbols, in order.
        renamed: new names of the old symbols, if that is all that changes.
    """

    def __init__(
        self,
        count: Formula,
        replacements: Mapping[str, Poly],
        facts: Facts,
        symbols: Sequence[str],
        renamed: Mapping[str, str] | None = None,
    ) -> None:
        self.count = count
        self.replacements = replacements
        self.facts = facts
        self.symbols = symbols
        self.renamed = renamed
        self._polys: dict[Poly, Poly] = {}
        self._weights: dict[int, TensorSpec] = {}
        self._programs: dict[int, Program] = {}
        self._names = self._new_names()

    def formula(self, **changes: Any) -> Formula:
        """Return the formula with these changes, of the same tensors by their new names."""
        measure = self.count.measure
        if measure.names is not None:
            names = tuple(self._names.get(name, name) for name in measure.names)
            measure = replace(measure, names=names)
        return replace(self.count, measure=measure, **changes)

    def poly(self, value: Poly) -> Poly:
        if value not in self._polys:
            self._polys[value] = composed(value, self.replacements, self.facts)
        return self._polys[value]

    def compared(self, condition: Condition) -> tuple[Condition | None, bool]:
        left, right = self.poly(condition.left), self.poly(condition.right)
        return compare_any(condition.op, left, right, self.facts)

    def tree(self, tree: Tree, decided: Decisions) -> Tree:
        """Rewrite a tree; of conditions that `decided` settles, the side that is taken."""
        if isinstance(tree, Split):
            sides = (tree.condition.left, tree.condition.right)
            return self._where_defined(sides, decided, lambda known: self._split(tree, known))
        if isinstance(tree, Built):
            return self._where_defined(_sizes(tree), decided, lambda known: self._built(tree))
        if isinstance(tree, Refused) and self.renamed is not None:
            hints = tuple((self.renamed.get(name, name), value) for name, value in tree.hints)
            return replace(tree, hints=hints)
        if isinstance(tree, Excluded) and self.renamed is not None and tree.substitution:
            name, expression = tree.substitution
            return replace(tree, substitution=(name, _with_names(expression, self.renamed)))
        return tree

    def _split(self, tree: Split, decided: Decisions) -> Tree:
        condition, polarity = self.compared(tree.condition)
        then, otherwise = tree.then, tree.otherwise
        if not polarity:
            then, otherwise = otherwise, then
        if condition is None:
            return self.tree(then, decided)
        known = settled(condition, decided)
        if known is not None:
            return self.tree(then if known else otherwise, decided)
        return Split(
            condition,
            tree.source,
            self.tree(then, (*decided, (condition, True))),
            self.tree(otherwise, (*decided, (condition, False))),
        )

    def _where_defined(
        self, values: Iterable[Poly], decided: Decisions, rest: Callable[[Decisions], Tree]
    ) -> Tree:
        """Return `rest`, where nothing is divided by zero: a divisor may have cancelled."""
        undefined = Excluded("divides by zero")
        tests = []
        for divisor in dict.fromkeys(d for value in values for d in divisors(value)):
            condition, polarity = self._is_zero(divisor)
            known = polarity if condition is None else settled(condition, decided)
            if condition is not None and known is not None:
                known = known is polarity
            if known is True:
                return undefined
            if known is None and condition is not None:
                tests.append((condition, polarity))
                decided = (*decided, (condition, not polarity))
        tree = rest(decided)
        for condition, polarity in reversed(tests):
            sides = (undefined, tree) if polarity else (tree, undefined)
            tree = Split(condition, None, *sides)
        return tree

    def _is_zero(self, divisor: Poly) -> tuple[Condition | None, bool]:
        """Compare a divisor with zero; one that is only renamed, or in a loop, has not changed."""
        if self.renamed is not None or any(
            isinstance(a, Variable) and a.is_index for a in divisor.atoms()
        ):
            return None, False
        return compare_any("eq", self.poly(divisor), const(0), self.facts)

    def _built(self, leaf: Built) -> Built:
        return Built(tuple(map(self._weight, leaf.weights)), self._program(leaf.program))

    def _weight(self, weight: TensorSpec) -> TensorSpec:
        if id(weight) not in self._weights:
            self._weights[id(weight)] = replace(
                weight,
                name=self._names.get(weight.name, weight.name),
                shape=None if weight.shape is None else tuple(map(self.poly, weight.shape)),
                total=None if weight.total is None else self.poly(weight.total),
                repeats=tuple(
                    Repeat(r.index, self.poly(r.count), self._when(r.when)) for r in weight.repeats
                ),
            )
        return self._weights[id(weight)]

    def _when(self, tree: Any) -> Any:
        if not isinstance(tree, Choice):
            return tree
        condition, polarity = self.compared(tree.condition)
        then, otherwise = self._when(tree.then), self._when(tree.otherwise)
        if not polarity:
            then, otherwise = otherwise, then
        return then if condition is None else choice(condition, then, otherwise)

    def _new_names(self) -> dict[str, str]:
        """Map the names that say how long a loop is to what they are now.

        Names that were two stay two.
        """
        names = {
            weight.name: self._new_name(weight)
            for _, leaf in leaves(self.count.tree)
            if isinstance(leaf, Built)
            for weight in leaf.weights
        }
        while len(set(names.values())) < len(names):
            seen = list(names.values())
            clashing = [old for old, new in names.items() if seen.count(new) > 1 and old != new]
            names |= {old: old for old in clashing}
        return names

    def _new_name(self, weight: TensorSpec) -> str:
        def again(found: re.Match[str]) -> str:
            first, last = int(found[1]), found[2]
            for repeat in weight.repeats:
                if written(repeat.count + const(first - 1)) == last:
                    count = self.poly(repeat.count) + const(first - 1)
                    return f"{{{first}..{written(count)}}}"
            return found[0]

        return _ITERATIONS.sub(again, weight.name)

    def _program(self, program: Program | None) -> Program | None:
        if program is None:
            return None
        if id(program) not in self._programs:
            floats = {h.name for h in self.count.hyperparameters if h.real}
            self._programs[id(program)] = _rewritten(
                program, self.symbols, self.replacements, floats
            )
        return self._programs[id(program)]


def _with_names(expression: str, names: Mapping[str, str]) -> str:
    """Rename the symbols of an expression as it was written."""
    return re.sub(r"[^\W\d]\w*", lambda found: names.get(found[0], found[0]), expression)


def _sizes(leaf: Built) -> Iterator[Poly]:
    for weight in leaf.weights:
        yield from weight.shape or ()
        if weight.total is not None:
            yield weight.total


# --- programs ---------------------------------------------------------------------------------


def _rewritten(
    program: Program,
    symbols: Sequence[str],
    replacements: Mapping[str, Poly],
    floats: Collection[str],
) -> Program:
    """Rewrite a program for the new symbols: expressions are computed where symbols were read."""
    steps: list[Instruction] = [Instruction("symbol", (name,), None) for name in symbols]
    places = {name: Ref(index) for index, name in enumerate(symbols)}
    refs: list[Ref] = []

    def moved(operand: Any) -> Any:
        return refs[operand.index] if isinstance(operand, Ref) else operand

    writer = _Writer(steps, places)
    for step in program.instructions:
        if step.op == "symbol":
            name = str(step.args[0])
            if name in replacements:
                refs.append(writer.result(replacements[name], as_float=name in floats))
            else:
                refs.append(places[name])
        else:
            refs.append(writer.step(step.op, *map(moved, step.args), source=step.source))
    return Program(
        tuple(steps),
        tuple((name, tuple(map(moved, sizes)), source) for name, sizes, source in program.tensors),
        tuple((moved(ref), truth) for ref, truth in program.branches),
        program.is_of_one_length,
    )


class _Writer:
    """Writes an expression as instructions."""

    def __init__(self, steps: list[Instruction], places: Mapping[str, Ref]) -> None:
        self.steps = steps
        self.places = places

    def step(self, op: str, *args: Any, source: Any = None) -> Ref:
        self.steps.append(Instruction(op, args, source))
        return Ref(len(self.steps) - 1)

    def result(self, value: Poly, as_float: bool) -> Ref:
        """Write the instruction that computes what takes the place of a symbol."""
        operand = self.operand(value)
        if isinstance(operand, Ref):
            return operand
        return self.step("add", float(operand) if as_float else operand, 0)

    def operand(self, value: Poly) -> Any:
        if value.constant is not None:
            return value.constant
        top, bottom = fraction(value)
        numerator = self.sum(top)
        if bottom.constant == 1:
            return numerator
        return self.step("floordiv", numerator, self.sum(bottom))

    def sum(self, value: Poly) -> Any:
        total: Any = None
        for monomial, coefficient in value.sorted_terms():
            term: Any = None if coefficient == 1 and monomial else int(coefficient)
            for base, exponent in monomial:
                for _ in range(exponent):
                    factor = self.atom(base)
                    term = factor if term is None else self.step("mul", term, factor)
            total = term if total is None else self.step("add", total, term)
        return total

    def atom(self, base: Atom) -> Ref:
        if isinstance(base, Variable):
            return self.places[base.name]
        if base.op == "floor":
            top, bottom = fraction(base.args[0])
            return self.step("floordiv", self.sum(top), self.sum(bottom))
        return self.step(base.op, *map(self.operand, base.args))
