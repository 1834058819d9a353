"""A formula: an exact closed form of a count, its domain, and how both were verified."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Protocol

from symcount.algebra import python_code
from symcount.algebra.conditions import Condition, Decisions
from symcount.algebra.poly import Poly, sum_of
from symcount.errors import (
    ArgumentError,
    CountOverflowError,
    DomainError,
    SymcountError,
    UnknownShapeError,
    UnsupportedError,
)
from symcount.factory.origin import Origin
from symcount.formula.certificate import Certificate
from symcount.formula.choice_trees import ANYTHING, in_order, joined
from symcount.formula.measure import Measure
from symcount.formula.signature import Signature
from symcount.formula.tree import (
    NO_TENSOR,
    Built,
    Leaf,
    TensorSpec,
    Tree,
    Unreachable,
    leaves,
    merged,
)
from symcount.shown import shortened
from symcount.symbols import Hyperparameter

if TYPE_CHECKING:
    import sympy
    from sympy.logic.boolalg import Boolean
    from typing_extensions import TypeVar

    CountT = TypeVar("CountT", bound="HasFormula", default=Any)
    OtherT = TypeVar("OtherT", bound="HasFormula")
else:
    CountT = OtherT = typing.TypeVar("CountT")


class HasFormula(Protocol):
    """A `Formula`, or a `ParamCount`, which has one."""

    @property
    def formula(self) -> Formula: ...
    @property
    def expr(self) -> sympy.Expr: ...
    @property
    def factory(self) -> str: ...
    def __call__(self, /, *args: int | float, **kwargs: int | float) -> int: ...


@dataclass(frozen=True)
class Formula:
    """The result of a derivation: a decision tree over symbols, and a measure of its tensors.

    This is the value that all of the package works on; a `ParamCount` has one, and a method for
    each question that people ask. Beside what a user sees, its interface is

    - `signature`, which binds arguments to symbols;
    - `at(values)`, the count at values of all symbols, or None outside the domain;
    - `pieces`, the decision tree with a polynomial, or None, for each leaf, and `cases`, its paths;
    - `joined`, the same as a simplified tree of choices;
    - `polynomial(leaf)` and `tensors()`, what a leaf adds up to, and of what;
    - `measuring(...)`, the formula of other tensors of the same modules;
    - `identity`, what is equal of equal formulas.

    Formulas are immutable, hashable and picklable. Two are equal if they are the same function,
    written in the same normal form, on the same domain, of the same symbols and defaults.
    """

    factory: str
    hyperparameters: tuple[Hyperparameter, ...]
    fixed: tuple[tuple[str, str], ...] = field(compare=False)
    tree: Tree = field(compare=False, repr=False)
    certificate: Certificate = field(compare=False, repr=False)
    measure: Measure = field(default_factory=Measure, compare=False, repr=False)
    origin: Origin | None = field(default=None, compare=False, repr=False)
    # What conditions are in words, where they hold and where they do not. A stored formula knows
    # it of those of its tree, so that its errors need no sympy.
    words: Mapping[Condition, tuple[str, str]] = field(
        default_factory=dict, compare=False, repr=False
    )

    @cached_property
    def signature(self) -> Signature:
        """The symbols with which it is called, and what became of others."""
        substituted = self.certificate.substituted
        return Signature(self.factory, self.hyperparameters, self.fixed, substituted)

    @property
    def defaults(self) -> dict[str, int | float]:
        """The symbols that may be left out of a call, and what they are then."""
        return {h.name: h.default for h in self.hyperparameters if h.default is not None}

    @property
    def formula(self) -> Formula:
        """Itself: a `ParamCount` has one, and what is asked of either takes this of it."""
        return self

    # --- identity ---

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Formula):
            return NotImplemented
        return self is other or self.identity == other.identity

    def __hash__(self) -> int:
        return hash(self.identity)

    @cached_property
    def identity(self) -> tuple[tuple[Hyperparameter, ...], Any, Any]:
        """The key that equal formulas share: their symbols, their function and their domain."""
        symbols = tuple(replace(h, arguments=()) for h in self.hyperparameters)
        return symbols, self.joined, self.domain_tree

    def __getstate__(self) -> dict[str, Any]:
        return {name: self.__dict__[name] for name in self.__dataclass_fields__}

    # --- what is added up ---

    def tensors(self) -> Iterator[TensorSpec]:
        """Yield the tensors of every path; one of a name may differ from path to path."""
        for _, leaf in leaves(self.tree):
            if isinstance(leaf, Built):
                yield from leaf.weights

    def measuring(self, **changes: Any) -> Formula:
        """Return the formula of other tensors of the same modules, or in bytes; see `Measure`.

        Raises:
            ArgumentError: a number is among what is added up, and other than names would change.
        """
        if changes.keys() - {"names"}:
            self.require_tensors()
        return replace(self, measure=replace(self.measure, **changes))

    def require_tensors(self) -> None:
        """Require that all that is added up are tensors.

        Raises:
            ArgumentError: a number is among it, which has neither a dtype nor a gradient.
        """
        if any(t.kind == NO_TENSOR and self.measure.covers(t) for t in self.tensors()):
            raise ArgumentError(
                f"the formula of {self.factory} has an integer, a quotient or a maximum in it, "
                "which is neither trainable nor of a dtype; ask this of the formulas that it is "
                "made of, and compute with the answers"
            )

    def polynomial(self, leaf: Leaf) -> Poly | None:
        """Return what the tensors of one path add up to; None where the factory builds nothing.

        Raises:
            UnknownShapeError: one of the tensors has a shape that could not be followed.
        """
        if not isinstance(leaf, Built):
            return None
        terms = []
        for tensor in leaf.weights:
            factor = self.measure.weigh(tensor)
            if not factor:
                continue
            if tensor.shape is None:
                raise UnknownShapeError(
                    f"{tensor.source}: the shape of {tensor.kind} {tensor.name!r} cannot be "
                    f"followed through {tensor.operation}(), so there is no formula for the "
                    f"{self.measure.noun}. Compute the size from the hyper-parameters."
                )
            terms.append(tensor.numel.scaled(factor))
        return sum_of(terms)

    @cached_property
    def _polynomials(self) -> dict[int, Poly | None]:
        return {id(leaf): self.polynomial(leaf) for _, leaf in leaves(self.tree)}

    @cached_property
    def pieces(self) -> Any:
        """The tree with a polynomial, or None, for each leaf; equal neighbours are one leaf."""
        return merged(self.tree, lambda leaf: self._polynomials[id(leaf)])

    def cases(self) -> list[tuple[Decisions, Poly | None]]:
        """List the polynomial of each path, or None, with the decisions that lead to it."""
        found: list[tuple[Decisions, Any]] = list(leaves(self.pieces))
        return found

    @cached_property
    def joined(self) -> Any:
        """The formula as a tree of choices; where the factory refuses, anything."""

        def value(leaf: Leaf) -> Any:
            poly = self._polynomials[id(leaf)]
            return ANYTHING if poly is None else poly

        return in_order(joined(self.tree, value))

    @cached_property
    def domain_tree(self) -> Any:
        """The domain as a tree of choices between True and False."""
        return in_order(
            joined(
                self.tree,
                lambda leaf: ANYTHING if isinstance(leaf, Unreachable) else isinstance(leaf, Built),
            )
        )

    # --- in sympy ---

    @cached_property
    def expr(self) -> sympy.Expr:
        """The formula as a sympy expression in positive integer symbols.

        An expanded polynomial in the symbols and `floor`, `Max`, `Min` and `Mod` atoms with
        integer coefficients; with a `Piecewise` for each choice. It says nothing outside `domain`.
        """
        from symcount.formula import sympy_form

        try:
            return sympy_form.piecewise(self.joined)
        except RecursionError:
            raise self._too_nested() from None

    @cached_property
    def in_layers(self) -> sympy.Expr:
        """`expr` as displays write it: what is there for each iteration of a loop in brackets."""
        from symcount.formula import sympy_form

        counted = (tensor for tensor in self.tensors() if self.measure.weigh(tensor))
        loops = dict.fromkeys(repeat.count for each in counted for repeat in each.repeats)
        write = partial(sympy_form.in_layers, loops=list(loops))
        return sympy_form.piecewise(self.joined, write) if loops else self.expr

    def _too_nested(self) -> UnsupportedError:
        return UnsupportedError(
            f"the formula of {self.factory} has more steps within steps than sympy can hold; it "
            "can be called, saved and written as code"
        )

    @cached_property
    def symbols(self) -> tuple[sympy.Symbol, ...]:
        """The sympy symbols of the formula, in the order in which a call takes them."""
        from symcount.formula import sympy_form

        return tuple(sympy_form.symbol(h.name, h.real, h.least) for h in self.hyperparameters)

    @cached_property
    def domain(self) -> Boolean:
        """The sizes at which the formula holds: a sympy Boolean over `symbols`."""
        from symcount.formula import sympy_form

        return sympy_form.domain(self.hyperparameters, self.domain_tree)

    def __repr__(self) -> str:
        """Say the formula and its domain, and how long they are where they are cut."""
        of = "" if self.measure.noun == "parameters" else f", {self.measure.noun}"
        try:
            said = shortened(str(self))
            where = "" if str(self.domain) == "True" else f", where {shortened(str(self.domain))}"
        except (SymcountError, RecursionError) as error:
            said, where = f"no text: {shortened(str(error))}", ""
        return f"<{type(self).__name__} of {self.factory}{of}: {said}{where}>"

    def __str__(self) -> str:
        from symcount.formula import sympy_form

        expression = self.expr
        try:
            return sympy_form.text(expression)
        except RecursionError:
            raise self._too_nested() from None

    def latex(self) -> str:
        """Write the formula in LaTeX, with names of several letters upright.

        Returns:
            The text, without delimiters.
        """
        from symcount.formula import latex

        return latex.one_line(self.expr)

    # --- evaluation ---

    def __call__(self, /, *args: int | float, **kwargs: int | float) -> int:
        """Count exactly at these values of the hyper-parameters.

        Returns:
            The count, an integer of any size.

        Raises:
            ArgumentError: a value is missing, unknown, or no integer.
            DomainError: the formula does not hold there; the message says why.
        """
        try:
            return self.function(*args, **kwargs) if kwargs else self.function(*args)
        except ArgumentError:
            raise
        except TypeError:  # from Python itself, which says less than the signature does
            pass
        return self._called(*args, **kwargs)

    def _called(self, /, *args: Any, **kwargs: Any) -> int:
        """A call that takes the time to look at its arguments; None stands for a missing one."""
        values = self.signature.bind(args, kwargs)
        result = self.at(values)
        if result is None:
            raise DomainError(lambda: self.why_outside(values))
        return result

    def at(self, values: tuple[int | float, ...]) -> int | None:
        """Return the count at values of all symbols, in order; None outside the domain."""
        for value, hyperparameter in zip(values, self.hyperparameters, strict=True):
            if value not in hyperparameter:
                return None
        try:
            return self._of_values(*values)
        except CountOverflowError:
            raise
        except (ArithmeticError, ValueError):  # as the factory's own arithmetic raises there
            return None

    @cached_property
    def _of_values(self) -> Callable[..., int | None]:
        return python_code.compile_tree(self.pieces, self.signature.names, lambda leaf: leaf)

    def why_outside(self, values: tuple[int | float, ...]) -> str:
        """Explain why values are outside the domain, and name values nearby that are in it."""
        from symcount.formula import domain_errors

        return domain_errors.explained(values, self.signature, self.tree, self.words, self.at)

    def valid(self, /, *args: int | float, **kwargs: int | float) -> bool:
        """Return whether the formula holds at these values, given as in a call.

        >>> import symcount
        >>> from torch import nn
        >>> count = symcount.derive(lambda dim, heads=8: nn.MultiheadAttention(dim, heads))
        >>> count.valid(64), count.valid(60), count.valid(60, heads=6)
        (True, False, True)
        """
        return self.at(self.signature.bind(args, kwargs)) is not None

    @cached_property
    def function(self) -> Callable[..., int]:
        """The formula as a plain Python function: exact as a call, and faster.

        It has the symbols for parameters, with their defaults, so it takes what a call takes and
        raises what a call raises, but that names and numbers of arguments that do not fit are
        Python's own `TypeError`. A call of a formula is a call of this function through one more
        layer. For small formulas that layer takes longer than the arithmetic; use the function
        in a loop.

        >>> import symcount
        >>> from torch import nn
        >>> heads = symcount.derive(lambda dim, heads=8: nn.MultiheadAttention(dim, heads)).function
        >>> heads(64), heads(64, heads=4)
        (16640, 16640)
        """
        from symcount.formula import scalar

        return scalar.compile_call(
            self.factory, self.hyperparameters, self.pieces, lambda leaf: leaf, self._called
        )


def formula_of(value: Any) -> Any:
    """Return the `Formula` of a `ParamCount`, and anything else as it is."""
    found = getattr(value, "formula", value)
    return found if isinstance(found, Formula) else value
