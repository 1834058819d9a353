"""`derive(factory, ...) -> ParamCount`: trace, explore, lower, join, verify."""

from __future__ import annotations

import ast
import dis
import functools
import inspect
import math
import random
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from types import CodeType
from typing import Any, TypeAlias

from symcount import ambient, evaluate, verify
from symcount.algebra import Condition, Facts, Poly, divisibility
from symcount.ambient import OutsideState
from symcount.errors import (
    ArgumentError,
    DerivationError,
    FactoryError,
    IncompleteError,
    InternalError,
    NondeterministicError,
    NoSymbolError,
    UnknownShapeError,
    VerificationError,
)
from symcount.explore import (
    Exploration,
    Path,
    Place,
    explore,
    first_hints,
    kinds_that_matter,
)
from symcount.formula import Certificate, Grade, ParamCount
from symcount.lower import Lowering
from symcount.paths import (
    Built,
    Inexact,
    Refused,
    Split,
    Tree,
    Unexplored,
    Unreachable,
    Weight,
    follow,
    leaves,
)
from symcount.symbols import Hyperparameter, Symbol
from symcount.trace import Concretisation, OnBranch, Perturb, Raised, Trace, TracedTensor, trace
from symcount.trace.graph import Source

_POINTS = 6
# Points beyond the hints at which a formula is compared if a symbol may be missing from it.
_HELD_OUT = 12
# Points that are tried for those: on narrow paths few of them lead to a module.
_MOST_TRIES = 400
# A constant of a factory's code above this is no size that is worth building.
_LARGEST_CONSTANT = 1 << 31
_MOST_CONSTANTS = 64
# torch counts the bytes of a tensor in 63 bits.
_LARGEST_STORAGE = 1 << 63
Values: TypeAlias = "Mapping[str, int | float]"
Tensors: TypeAlias = "dict[str, verify.TensorFacts] | Exception"


def derive(
    factory: Callable[..., Any],
    /,
    *,
    max_paths: int = 64,
    max_seconds: float = 10.0,
    strict: bool = False,
    **fixed: Any,
) -> ParamCount:
    """Derive the exact parameter count of what `factory` builds, or raise; never guess.

    The factory is run on symbols, once for each path through its branches. Nothing is returned
    before the formula has been compared, parameter by parameter, with modules built plainly on
    the meta device, at the hints and at other points on every path.

    Parameters of the factory that are unannotated, annotated `int`, or default to an int become
    symbols: positive integers. An int default stays the default when the formula is called.
    Parameters with a `bool`, `str`, `float`, `None` or other default stay fixed at it, and
    `*args` and `**kwargs` get nothing.

    Args:
        factory: a function, class, `functools.partial` or other callable that returns an
            `nn.Module`.
        max_paths: how many paths to follow at most.
        max_seconds: how long to go on exploring.
        strict: refuse a formula whose certificate is not `complete`.
        **fixed: for each parameter of the factory, a value fixes it, and a `Symbol(...)` keeps
            it symbolic and says which values it may take.

    Returns:
        The formula, in parameters. It holds on its `domain`; its `certificate` says what was done
        to trust it.

    Raises:
        ArgumentError: a keyword names no parameter of the factory, or one is missing.
        DerivationError: there is no formula; its subclasses and its message say why.

    >>> from torch import nn
    >>> print(derive(nn.Linear, bias=False))
    in_features*out_features
    >>> print(derive(nn.Linear, in_features=Symbol(name="d"), out_features=10))
    10*d + 10
    """
    call = _Call.of(factory, fixed)
    try:
        with ambient.restored() as drew_random_numbers:
            return _derive(call, max_paths, max_seconds, strict, drew_random_numbers)
    except DerivationError as error:
        error.args = (f"{call.name}{call.place}: {error}",)
        raise


def _derive(
    call: _Call,
    max_paths: int,
    max_seconds: float,
    strict: bool,
    drew_random_numbers: Callable[[], bool],
) -> ParamCount:
    ranges = call.hyperparameters
    facts = Facts(
        {h.name: _exact_bounds(h) for h in ranges},
        {h.name: h.multiple_of for h in ranges if h.multiple_of > 1},
    )
    builds = verify.PlainBuilds(call)
    state = OutsideState(call.function)
    # Built plainly first, the factory has done its imports before it is run on symbols.
    builds.at(dict(zip([h.name for h in ranges], first_hints(ranges), strict=True)))
    _require_no_memory(call, builds, state)
    found = explore(
        call.trace,
        ranges,
        facts,
        max_paths=max_paths,
        max_seconds=max_seconds,
        on_path=lambda path: builds.prepare(path.trace.hints),
    )
    _require_a_module(call, found, builds)
    _require_known_shapes(found)
    if drew_random_numbers():
        _require_same_again(call, found)
    lost, harmless = _concretisations(call, found, facts)
    tree = _Joiner(found, facts, ranges).tree()
    points = _check(call, found, builds, tree, lost)
    grade, reason = _grade(found, lost, len(points))
    if strict and grade != "complete":
        raise IncompleteError(
            f"its formula would be {grade}, and strict=True takes none but complete ones: {reason}"
        )
    return ParamCount(
        factory=call.name,
        hyperparameters=ranges,
        fixed=tuple((name, repr(value)) for name, value in {**call.left, **call.fixed}.items()),
        tree=tree,
        certificate=Certificate(
            grade=grade,
            reason=reason,
            paths=len(found.paths),
            refused_paths=sum(p.trace.raised is not None for p in found.paths),
            points=points,
            concretisations=lost,
            harmless=harmless,
        ),
    )


def _exact_bounds(h: Hyperparameter) -> tuple[int | Fraction, int | Fraction | None]:
    if not h.real:
        return int(h.minimum), None if h.maximum is None else int(h.maximum)
    return Fraction(h.minimum), None if h.maximum is None else Fraction(h.maximum)


def _concretisations(
    call: _Call, found: Exploration, facts: Facts
) -> tuple[tuple[Concretisation, ...], tuple[Concretisation, ...]]:
    """The concretisations on whose numbers a branch or a shape depends, and the others."""
    lost: dict[Concretisation, None] = {}
    harmless: dict[Concretisation, None] = {}
    for path in found.paths:
        if path.trace.raised is None and path.trace.concretisations:
            matter = kinds_that_matter(call.trace, path, facts)
            for concretisation in path.trace.concretisations:
                (lost if concretisation.kind in matter else harmless)[concretisation] = None
    return tuple(lost), tuple(c for c in harmless if c not in lost)


def _grade(found: Exploration, lost: tuple[Concretisation, ...], points: int) -> tuple[Grade, str]:
    open_places = sum(1 for _ in found.open_places())
    if open_places:
        one = open_places == 1
        why = found.spent or f"the solver could not decide {'it' if one else 'them'}"
        verb = "path was" if one else "paths were"
        return "partial", f"{open_places} {verb} not followed: {why}"
    followed = "every path over the declared values was followed, or proved to be taken by none"
    if not lost:
        return "complete", followed
    if points <= _HELD_OUT:
        return "partial", f"a symbol became a plain number, and only {points} points were compared"
    return "checked", f"{followed}, but a symbol became a plain number where it matters"


# --- the call ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Call:
    """How to call the factory: which parameters are symbols, and what the others are.

    `symbols` maps a parameter to its symbol, `fixed` holds the values to call it with, and `left`
    the defaults it is left to use.
    """

    factory: Callable[..., Any]
    name: str
    hyperparameters: tuple[Hyperparameter, ...]
    symbols: Mapping[str, str]
    fixed: Mapping[str, Any]
    left: Mapping[str, Any]
    positional: tuple[str, ...]

    @classmethod
    def of(cls, factory: Callable[..., Any], given: Mapping[str, Any]) -> _Call:
        """Sort the factory's parameters into symbols and fixed values."""
        if not callable(factory):
            raise ArgumentError(
                f"derive() takes a function or class that builds a module, not {factory!r}"
            )
        name = _name_of(factory)
        try:
            parameters = dict(inspect.signature(factory).parameters)
        except (TypeError, ValueError) as error:
            raise ArgumentError(
                f"{name}: its signature cannot be read ({error}); wrap it in a function with "
                "named parameters"
            ) from None
        for option in ("max_paths", "max_seconds", "strict"):
            if option in parameters:
                raise ArgumentError(
                    f"{name} has a parameter {option!r}, which is also an option of derive(); "
                    "wrap it in a function that calls it something else"
                )
        bound = factory.keywords if isinstance(factory, functools.partial) else {}
        catch_all = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        for keyword in given:
            if keyword not in parameters and not catch_all:
                names = ", ".join(p for p in parameters) or "none"
                raise ArgumentError(
                    f"{name} has no parameter {keyword!r}; its parameters are: {names}"
                )
        symbols: dict[str, Hyperparameter] = {}
        fixed: dict[str, Any] = {}
        left: dict[str, Any] = {}
        positional = []
        for parameter in parameters.values():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            if parameter.kind is parameter.POSITIONAL_ONLY:
                positional.append(parameter.name)
            value = given.get(parameter.name, parameter.empty)
            if value is parameter.empty and parameter.name in bound:
                left[parameter.name] = bound[parameter.name]
                continue
            if value is parameter.empty and _is_symbolic(parameter):
                value = Symbol()
            if isinstance(value, Symbol):
                symbols[parameter.name] = _hyperparameter(name, parameter, value)
            elif value is not parameter.empty:
                fixed[parameter.name] = value
            elif parameter.default is parameter.empty:
                raise ArgumentError(
                    f"{name}: parameter {parameter.name!r} is annotated "
                    f"{_annotation(parameter)} and has no default, so it needs a value: "
                    f"derive({name}, {parameter.name}=...)"
                )
            elif parameter.kind is parameter.POSITIONAL_ONLY:
                fixed[parameter.name] = parameter.default
            else:
                left[parameter.name] = parameter.default
        for keyword, value in given.items():
            if keyword not in parameters:
                if isinstance(value, Symbol):
                    symbols[keyword] = value.hyperparameter(keyword)
                else:
                    fixed[keyword] = value
        if not symbols:
            raise NoSymbolError(
                f"{name} has no integer parameter left to keep symbolic. Leave one unannotated, "
                "annotate it `int`, or pass Symbol() for it."
            )
        shared = _shared(name, symbols)
        return cls(
            factory,
            name,
            shared,
            {parameter: h.name for parameter, h in symbols.items()},
            fixed,
            left,
            tuple(positional),
        )

    @property
    def function(self) -> Callable[..., Any]:
        """The function behind the factory: not a partial of it, and not what decorates it."""
        function: Callable[..., Any] = inspect.unwrap(_function_of(self.factory))
        return function

    @property
    def place(self) -> str:
        """Where the factory is defined, in brackets, if that is known."""
        function = self.function
        code = getattr(function, "__code__", None) or getattr(
            getattr(function, "__init__", None), "__code__", None
        )
        return f" ({code.co_filename}:{code.co_firstlineno})" if code else ""

    def __call__(self, values: Mapping[str, Any]) -> Any:
        """Call the factory with values for its symbols."""
        arguments = {p: values[symbol] for p, symbol in self.symbols.items()} | dict(self.fixed)
        positional = [arguments.pop(name) for name in self.positional]
        return self.factory(*positional, **arguments)

    def trace(
        self,
        hints: Values,
        listen: Callable[[], OnBranch] = lambda: lambda branch: True,
        perturb: Perturb | None = None,
    ) -> Trace:
        """One run on symbols."""
        return trace(
            lambda **values: self(values),
            symbols={name: (name, hints[name]) for name in hints},
            fixed={},
            listen=listen,
            perturb=perturb,
        )


def _function_of(factory: Callable[..., Any]) -> Callable[..., Any]:
    return _function_of(factory.func) if isinstance(factory, functools.partial) else factory


def _name_of(factory: Callable[..., Any]) -> str:
    function = _function_of(factory)
    return getattr(function, "__name__", None) or type(function).__name__


def _is_symbolic(parameter: inspect.Parameter) -> bool:
    default, annotation = parameter.default, parameter.annotation
    if default is not parameter.empty:
        return isinstance(default, int) and not isinstance(default, bool)
    if isinstance(annotation, str):
        return annotation.strip("'\"") == "int"
    return annotation in (parameter.empty, int)


def _annotation(parameter: inspect.Parameter) -> str:
    annotation = parameter.annotation
    return (
        annotation
        if isinstance(annotation, str)
        else getattr(annotation, "__name__", str(annotation))
    )


def _hyperparameter(factory: str, parameter: inspect.Parameter, declared: Symbol) -> Hyperparameter:
    kinds = (int, float) if declared.real else (int,)
    default = parameter.default
    if isinstance(default, bool) or not isinstance(default, kinds):
        default = None
    hyperparameter = declared.hyperparameter(parameter.name, default)
    if default is not None and default not in hyperparameter:
        if declared == Symbol():
            raise ArgumentError(
                f"{factory}: {parameter.name}={default} by default, which is no positive integer; "
                f"fix it: derive({factory}, {parameter.name}={default})"
            )
        return declared.hyperparameter(parameter.name)
    return hyperparameter


def _shared(factory: str, symbols: Mapping[str, Hyperparameter]) -> tuple[Hyperparameter, ...]:
    """The symbols in order, parameters of one name joined."""
    joined: dict[str, Hyperparameter] = {}
    for h in symbols.values():
        other = joined.get(h.name)
        if other is None:
            joined[h.name] = h
            continue
        if replace(other, default=None, arguments=()) != replace(h, default=None, arguments=()):
            raise ArgumentError(
                f"{factory}: parameters {other.arguments[0]!r} and {h.arguments[0]!r} share the "
                f"symbol {h.name!r} but declare different ranges; declare the same"
            )
        joined[h.name] = replace(
            h,
            default=other.default if other.default == h.default else None,
            arguments=other.arguments + h.arguments,
        )
    return tuple(joined.values())


def _require_no_memory(call: _Call, builds: verify.PlainBuilds, state: OutsideState) -> None:
    """Refuse a factory that builds something else because it was called before."""
    changed = state.changes()
    if not changed:
        return
    draw = random.Random(2)
    point = {h.name: h.sample(draw) for h in call.hyperparameters}
    later = builds.again_at(point)
    with state.as_before():
        first = builds.again_at(point)
    difference = _difference(first, later)
    if difference is not None:
        raise NondeterministicError(
            f"it built different modules from the same arguments ({_at(point)}): {difference}"
            f"{_changed_globals(call)}. It changes {', '.join(changed)}, outside of itself; make "
            "it a function of its arguments alone."
        )


# --- what exploring must have found -----------------------------------------------------------


def _require_a_module(call: _Call, found: Exploration, builds: verify.PlainBuilds) -> None:
    if any(p.trace.raised is None for p in found.paths):
        return
    path = found.paths[0]
    raised = path.trace.raised
    assert raised is not None
    hints = _at(path.trace.hints)
    where = f" ({raised.source})" if raised.source else ""
    if not isinstance(builds.at(path.trace.hints), Exception):
        raise FactoryError(
            f"it builds a module at {hints}, but raises on symbols{where}:\n  {raised}\n"
            f"{_lost_symbols(call, found)}"
        ) from path.trace.exception
    tried = len(found.paths)
    others = "another size" if tried == 2 else f"{tried - 1} other sizes"
    more = "" if tried == 1 else f", and at {others}, one for each of its branches"
    raise FactoryError(
        f"it raises at {hints}{more}{where}:\n  {raised}\n{_advice(raised)}"
    ) from path.trace.exception


def _advice(raised: Raised) -> str:
    if "meta" in raised.message:
        return (
            "Modules are built on the meta device, where tensors have shapes but no values: "
            "compute sizes from the hyper-parameters, not from the values of a tensor (.item(), "
            ".tolist())."
        )
    return (
        "Tell derive() which values it takes: derive(factory, name=value) fixes a "
        "hyper-parameter, name=Symbol(min=..., multiple_of=...) constrains it."
    )


def _at(values: Values) -> str:
    return ", ".join(f"{k}={v}" for k, v in values.items())


def _require_known_shapes(found: Exploration) -> None:
    for path in found.paths:
        for tensor in path.trace.tensors:
            if tensor.shape is None and tensor.kind == "parameter":
                where = f"{tensor.frame.source}: " if tensor.frame else ""
                lost = _lost(path.trace)
                made = (
                    f"it was made by {tensor.operation}()"
                    if tensor.operation
                    else "it was made before the factory ran, or by a constructor that torch "
                    "reports to nobody, such as torch.Tensor(n, m)"
                )
                raise UnknownShapeError(
                    f"{where}the shape of parameter {tensor.name!r} cannot be followed: {made}."
                    f"{lost} Create it with torch.empty(...) and sizes computed from the "
                    "hyper-parameters, or fix those: derive(factory, name=value)."
                )


def _lost(found: Trace) -> str:
    losses = [c for c in found.concretisations if c.kind not in ("text",)]
    if not losses:
        return ""
    return " A symbol became a plain number at " + "; ".join(map(str, losses)) + "."


# --- joining the paths ------------------------------------------------------------------------


class _Joiner:
    """Freezes the explored places into a tree of weights in the simplest normal form.

    What holds on every path simplifies all of them. Where that leaves paths with different
    weights, what holds on all paths of one kind simplifies that kind.
    """

    def __init__(self, found: Exploration, facts: Facts, ranges: Sequence[Hyperparameter]) -> None:
        self.found = found
        self.ranges = ranges
        self.facts = facts
        self.limits = {id(p): set(p.limits) for p in found.paths}
        self.built = [p for p in found.paths if p.trace.raised is None]

    def tree(self) -> Tree:
        """The tree. Each path ends at the limits up to which its float steps are exact."""
        common = self._facts_of(self.built)
        kinds: dict[tuple[Weight, ...], list[Path]] = {}
        for path in self.built:
            kinds.setdefault(self._weights(path, common), []).append(path)
        weights: dict[int, tuple[Weight, ...]] = {}
        for general, paths in kinds.items():
            simplest = general
            if len(kinds) > 1:
                simplest = self._weights(paths[0], self._facts_of(paths))
            if not self._is_proved(paths, simplest):
                simplest = self._weights(paths[0], self.facts)
            for path in paths:
                weights[id(path)] = simplest
                self.limits[id(path)] |= self.limits[id(paths[0])]
        return self._freeze(self.found.root, weights)

    def _is_proved(self, paths: Sequence[Path], simplest: tuple[Weight, ...]) -> bool:
        """Whether the solver shows that what was simplified is equal on all of `paths`."""
        plain = self._weights(paths[0], self.facts)
        pairs = {
            (a, b)
            for one, other in zip(plain, simplest, strict=True)
            for a, b in zip(one.shape or (), other.shape or (), strict=True)
            if a != b
        }
        if not pairs:
            return True
        from symcount.solver import Solver

        solver = Solver(self.ranges, self.facts)
        return all(solver.proves_equal(a, b, p.decisions) for a, b in pairs for p in paths)

    def _facts_of(self, paths: Sequence[Path]) -> Facts:
        """The declared facts and the divisibilities that hold on all of `paths`."""
        shared = set.intersection(*(set(p.decisions) for p in paths))
        facts = self.facts
        for path_condition, truth in paths[0].decisions:
            divides = divisibility(path_condition) if truth else None
            if divides is not None and (path_condition, truth) in shared:
                facts = facts.with_divisible(*divides)
        return facts

    def _weights(self, path: Path, facts: Facts) -> tuple[Weight, ...]:
        lowering = path.lowering if facts is self.facts else Lowering(facts)
        made = []
        for t in path.trace.tensors:
            made.append(
                Weight(
                    name=t.name,
                    shape=self._shape(path, lowering, t),
                    dtype=t.dtype,
                    itemsize=t.itemsize,
                    kind=t.kind,
                    trainable=t.trainable,
                    source=t.frame.source if t.frame else None,
                    operation=t.operation,
                )
            )
        return tuple(made)

    def _shape(
        self, path: Path, lowering: Lowering, tensor: TracedTensor
    ) -> tuple[Poly, ...] | None:
        if tensor.shape is None:
            return None
        sizes = [lowering(size) for size in tensor.shape]
        self.limits[id(path)].update(*(size.limits for size in sizes))
        return tuple(size.poly for size in sizes)

    def _freeze(self, place: Place, weights: Mapping[int, tuple[Weight, ...]]) -> Tree:
        if place.condition is not None:
            then, otherwise = place.children()
            return Split(
                place.condition,
                place.source,
                self._freeze(then, weights),
                self._freeze(otherwise, weights),
            )
        if place.end is None:
            return Unreachable() if place.unreachable else Unexplored()
        leaf = self._leaf(place.end, weights)
        for condition, truth in _strictest(sorted(self.limits[id(place.end)], key=repr)):
            within, beyond = (leaf, Inexact()) if truth else (Inexact(), leaf)
            leaf = Split(condition, None, within, beyond)
        return leaf

    def _leaf(self, path: Path, weights: Mapping[int, tuple[Weight, ...]]) -> Tree:
        raised = path.trace.raised
        if raised is None:
            return Built(weights[id(path)], path.trace.program())
        hints = tuple(path.trace.hints.items())
        return Refused(raised.kind, raised.message, raised.source, hints)


def _strictest(limits: Iterable[tuple[Condition, bool]]) -> tuple[tuple[Condition, bool], ...]:
    """The limits without those that a lower one implies."""
    kept: dict[tuple[Any, ...], tuple[Condition, bool]] = {}
    for condition, truth in limits:
        number = condition.right.constant
        if condition.op != "ge" or truth or number is None:
            kept[condition, truth] = condition, truth
            continue
        other = kept.get((condition.left,))
        if other is None or number < (other[0].right.constant or 0):
            kept[condition.left,] = condition, truth
    return tuple(kept.values())


# --- the check --------------------------------------------------------------------------------


def _check(
    call: _Call,
    found: Exploration,
    builds: verify.PlainBuilds,
    tree: Tree,
    lost: Sequence[Concretisation],
) -> tuple[tuple[tuple[str, int | float], ...], ...]:
    """Compare the tree with plainly built modules; the points compared, or an error."""

    def expected(point: Values) -> Mapping[str, verify.TensorFacts] | None:
        try:
            leaf = follow(tree, point)
            return _said(leaf, point) if isinstance(leaf, Built) else None
        except (ArithmeticError, ValueError):
            return None  # as the factory's own arithmetic is undefined there

    points = [p for p in _points(call, found, tree, bool(lost)) if _can_be_built(tree, p)]
    refused = [dict(leaf.hints) for _, leaf in leaves(tree) if isinstance(leaf, Refused)]
    difference = verify.compare(builds, expected, [*points, *refused])
    if difference is not None:
        raise _explained(call, found, builds, tree, difference)
    return tuple(tuple(p.items()) for p in points)


def _said(leaf: Built, point: Values) -> dict[str, verify.TensorFacts]:
    """What a path says of every tensor, its normal forms and its traced arithmetic agreeing."""
    sizes = _Sizes(point)
    shapes, _ = leaf.program.run(**point)
    said = {}
    for weight in leaf.weights:
        said[weight.name] = facts = _facts_at(weight, sizes)
        if facts.shape is not None and facts.shape != shapes[weight.name]:
            raise InternalError(
                f"the traced arithmetic gives {weight.name!r} the shape {shapes[weight.name]} at "
                f"{_at(point)}, and its normal form ({_sizes(weight)}) gives {facts.shape}"
            )
    return said


def _can_be_built(tree: Tree, point: Values) -> bool:
    """Whether no tensor at a point is larger than torch can describe, even without memory."""
    try:
        leaf = follow(tree, point)
        if not isinstance(leaf, Built):
            return True
        sizes = _Sizes(point)
        return all(
            math.prod(sizes[p] for p in w.shape) * w.itemsize < _LARGEST_STORAGE
            for w in leaf.weights
            if w.shape is not None
        )
    except (ArithmeticError, ValueError):
        return True


class _Sizes(dict[Poly, int]):
    """The values of normal forms at a point, each evaluated once."""

    def __init__(self, point: Values) -> None:
        super().__init__()
        self.point = point

    def __missing__(self, size: Poly) -> int:
        self[size] = evaluate.value(size, self.point)
        return self[size]


def _facts_at(weight: Weight, sizes: _Sizes) -> verify.TensorFacts:
    shape = None if weight.shape is None else tuple([sizes[p] for p in weight.shape])
    return verify.TensorFacts(shape, weight.dtype, weight.trainable, weight.kind)


def _points(
    call: _Call, found: Exploration, tree: Tree, may_be_wrong: bool
) -> list[dict[str, int | float]]:
    """The hints of every path, and other points until there are enough of them.

    Points in which every symbol differs from all points before come first.
    """
    names = [h.name for h in call.hyperparameters]
    chosen = [tuple(p.trace.hints.values()) for p in found.paths if p.trace.raised is None]
    wanted = max(_POINTS, len(chosen) + (_HELD_OUT if may_be_wrong else 1))
    for distinct in (True, False):
        for point in islice(_other_points(call, found), _MOST_TRIES):
            if len(chosen) >= wanted:
                break
            if point in chosen or (
                distinct
                and any(a == b for other in chosen for a, b in zip(point, other, strict=True))
            ):
                continue
            values = dict(zip(names, point, strict=True))
            if _is_built(tree, values):
                chosen.append(point)
    for point in _points_of_lost_symbols(call, found):
        if point not in chosen and _is_built(tree, dict(zip(names, point, strict=True))):
            chosen.append(point)
    return [dict(zip(names, point, strict=True)) for point in chosen]


def _points_of_lost_symbols(call: _Call, found: Exploration) -> Iterator[tuple[int | float, ...]]:
    """Where a symbol may have become a plain number, the numbers that the factory's code mentions.

    What the code does with the lost number most likely depends on one of them.
    """
    code = getattr(call.function, "__code__", None)
    if code is None:
        return
    tests_identity = not {"type", "id"}.isdisjoint(code.co_names)
    if not tests_identity and not any(p.trace.concretisations for p in found.paths):
        return
    numbers = dict.fromkeys(_numbers_mentioned(call.function))
    for path in found.paths:
        base = tuple(path.trace.hints.values())
        for index, h in enumerate(call.hyperparameters):
            for number in numbers:
                if number in h and number <= _LARGEST_CONSTANT:
                    yield (*base[:index], number, *base[index + 1 :])


def _numbers_mentioned(function: Callable[..., Any]) -> Iterator[int]:
    """The integers in a function's code and in what it mentions: globals, and functions' code."""
    code = function.__code__
    yield from _numbers_in(code)
    for name in code.co_names:
        value = function.__globals__.get(name)
        if inspect.isfunction(value):
            yield from _numbers_in(value.__code__)
        elif not isinstance(value, CodeType):
            yield from _numbers_in(value)


def _numbers_in(value: object) -> Iterator[int]:
    """The integers among the constants of a piece of code, those written as text included."""
    if isinstance(value, CodeType):
        value = value.co_consts
    if isinstance(value, tuple | frozenset | list | set | dict):
        if len(value) <= _MOST_CONSTANTS:
            for item in value:
                yield from _numbers_in(item)
    elif isinstance(value, str) and value.isdecimal() and value.isascii():
        yield int(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield value


def _is_built(tree: Tree, values: Values) -> bool:
    try:
        return isinstance(follow(tree, values), Built)
    except (ArithmeticError, ValueError):
        return False


def _other_points(call: _Call, found: Exploration) -> Iterator[tuple[int | float, ...]]:
    """Random points, then points that stay near the hints of a path that was built."""
    draw = random.Random(1)
    ranges = call.hyperparameters
    for _ in range(200):
        yield tuple(h.sample(draw) for h in ranges)
    bases = [tuple(p.trace.hints.values()) for p in found.paths if p.trace.raised is None]
    for factor in (2, 3, 4, 5, 6, 7, 8):
        for base in bases:
            yield tuple(h.aligned(v * factor) for h, v in zip(ranges, base, strict=True))
    for base in bases:
        for index, h in enumerate(ranges):
            for value in (*h.near(base[index]), *(h.sample(draw) for _ in range(8))):
                yield (*base[:index], value, *base[index + 1 :])


def _require_same_again(call: _Call, found: Exploration) -> None:
    """Run a factory that drew random numbers again, with other numbers to draw."""
    path = next(p for p in found.paths if p.trace.raised is None)
    seen = _signature(path.trace)
    for seed in range(3):

        def reseeded(**values: Any) -> Any:
            ambient.reseed(seed)  # noqa: B023
            return call(values)

        again = trace(
            reseeded,
            symbols={name: (name, hint) for name, hint in path.trace.hints.items()},
            fixed={},
        )
        if _signature(again) != seen:
            raise NondeterministicError(
                f"it built different modules from the same arguments ({_at(again.hints)})"
                f", drawing random numbers: {_first_change(path.trace, again)}. Draw them outside, "
                "and pass them in as arguments."
            )


def _signature(found: Trace) -> list[tuple[Any, ...]]:
    return [
        (t.name, None if t.shape is None else tuple(getattr(s, "hint", s) for s in t.shape))
        for t in found.tensors
    ]


def _first_change(one: Trace, other: Trace) -> str:
    for a, b in zip(_signature(one), _signature(other), strict=False):
        if a != b:
            return f"parameter {a[0]!r} of shape {a[1]} was {b[0]!r} of shape {b[1]} another time"
    return f"{len(one.tensors)} tensors, and {len(other.tensors)} another time"


# --- explaining a difference ------------------------------------------------------------------


def _explained(
    call: _Call,
    found: Exploration,
    builds: verify.PlainBuilds,
    tree: Tree,
    difference: verify.Difference,
) -> VerificationError | NondeterministicError:
    here = _at(difference.point)
    unstable = _unstable(call, builds, difference.point)
    if unstable is not None:
        return NondeterministicError(
            f"it built different modules from the same arguments ({here}): {unstable}. "
            "It is random, or keeps state between calls; make it a function of its arguments alone."
        )
    lost = _lost_symbols(call, found)
    if difference.raised is not None:
        return VerificationError(
            f"it raises at {here}, where the formula has a value:\n"
            f"  {type(difference.raised).__name__}: {difference.raised}\n{lost}"
        )
    if difference.name is None:
        return VerificationError(
            f"it builds a module at {here}, where it raised when it was run on symbols.\n{lost}"
        )
    weight = next(
        (
            w
            for _, leaf in leaves(tree)
            if isinstance(leaf, Built)
            for w in leaf.weights
            if w.name == difference.name
        ),
        None,
    )
    traced = "no such tensor"
    if weight is not None and difference.expected is not None:
        traced = f"shape ({_sizes(weight)}), that is {_described(difference.expected)}" + (
            f", made at {weight.source}" if weight.source else ""
        )
    built = "no such tensor" if difference.actual is None else _described(difference.actual)
    return VerificationError(
        f"the formula is wrong at {here}, so it was thrown away. "
        f"{difference.name!r}: traced {traced}; built {built}.\n{lost}"
    )


def _sizes(weight: Weight) -> str:
    from symcount.sympy_form import expression

    if weight.shape is None:
        return "unknown"
    return ", ".join(str(expression(size)) for size in weight.shape)


def _described(facts: verify.TensorFacts) -> str:
    trainable = "" if facts.kind == "buffer" else " trainable" if facts.trainable else " frozen"
    return f"a{trainable} {facts.kind} of shape {facts.shape} and dtype {facts.dtype}"


def _unstable(call: _Call, builds: verify.PlainBuilds, point: Values) -> str | None:
    """How two plain builds at the same point differ, if they do."""
    difference = _difference(builds.again_at(point), builds.again_at(point))
    return None if difference is None else difference + _changed_globals(call)


def _difference(first: Tensors, second: Tensors) -> str | None:
    """How two plain builds differ, if they do."""
    if isinstance(first, Exception) or isinstance(second, Exception):
        return None
    for name in {**first, **second}:
        a, b = first.get(name), second.get(name)
        if a != b:
            shapes = " and then ".join("none" if x is None else str(x.shape) for x in (a, b))
            return f"{name!r} had shape {shapes}"
    return None


def _changed_globals(call: _Call) -> str:
    """Globals that the factory's code rebinds, by name."""
    code = getattr(call.function, "__code__", None)
    if code is None:
        return ""
    line = code.co_firstlineno
    names = []
    for instruction in dis.get_instructions(code):
        if isinstance(instruction.starts_line, int) and not isinstance(
            instruction.starts_line, bool
        ):
            line = instruction.starts_line
        line = getattr(instruction, "line_number", None) or line  # since Python 3.13
        if instruction.opname == "STORE_GLOBAL":
            names.append(f"{instruction.argval!r} ({code.co_filename}:{line})")
    return f"; it rebinds the global {', '.join(dict.fromkeys(names))}" if names else ""


def _lost_symbols(call: _Call, found: Exploration) -> str:
    """Where a symbol may have been lost: recorded concretisations, and tests of a type."""
    places = [
        str(c)
        for c in dict.fromkeys(c for p in found.paths for c in p.trace.concretisations)
        if c.kind != "text"
    ]
    places += [f"{source}: a test of an exact type" for source in _exact_type_tests(call.factory)]
    texts = [
        str(c)
        for c in dict.fromkeys(c for p in found.paths for c in p.trace.concretisations)
        if c.kind == "text"
    ]
    places += texts[:3]
    if not places:
        return (
            "A symbol was lost where nothing can see it: in a comparison by `is`, `id` or "
            "`type(x) is int`, or in a value kept from an earlier call. Use isinstance() and "
            "==, or fix the hyper-parameter: derive(factory, name=value)."
        )
    return (
        "A symbol became a plain number at\n  "
        + "\n  ".join(places)
        + "\nUse isinstance(x, int) for a type test and plain arithmetic for sizes, or fix the "
        "hyper-parameter: derive(factory, name=value)."
    )


def _exact_type_tests(factory: Callable[..., Any]) -> list[Source]:
    """Lines of the factory that compare `type(x)` with something."""
    function = inspect.unwrap(_function_of(factory))
    try:
        lines, start = inspect.getsourcelines(function)
        file = inspect.getsourcefile(function) or "?"
        parsed = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        return []
    found = []
    for node in ast.walk(parsed):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(
                isinstance(s, ast.Call) and isinstance(s.func, ast.Name) and s.func.id == "type"
                for s in sides
            ):
                found.append(Source(file, start + node.lineno - 1, _name_of(function)))
    return found
