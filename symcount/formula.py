"""`ParamCount`: an exact closed form of a parameter count, with its domain and its certificate."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from symcount import evaluate
from symcount.algebra import Condition, Poly, Symbol, sum_of
from symcount.errors import ArgumentError, DomainError, UnknownShapeError
from symcount.paths import (
    ANYTHING,
    Built,
    Inexact,
    Leaf,
    Refused,
    Split,
    Tree,
    Unreachable,
    Weight,
    follow,
    joined,
    leaves,
    parts_of,
)
from symcount.symbols import LARGEST_CANDIDATE, Hyperparameter
from symcount.trace import Concretisation
from symcount.trace.graph import Source

if TYPE_CHECKING:
    import sympy
    import torch.fx
    from matplotlib.axes import Axes
    from sympy.logic.boolalg import Boolean

    from symcount.plotting import Against


Grade: TypeAlias = Literal["complete", "checked", "partial"]


@dataclass(frozen=True)
class Certificate:
    """What was done to trust a formula.

    `grade` says how far, and `reason` why:

    - `complete`: every path that values of the symbols take was followed, and no symbol became a
      plain number on the way to a shape or a branch.
    - `checked`: every path was followed, but a symbol became a plain number where it matters, at
      the lines of `concretisations`. The formula agreed at a dozen further points at least.
    - `partial`: some paths were not followed. The domain is what was.

    `points` are the values of the symbols at which every parameter was compared with a plainly
    built module. `harmless` are the concretisations that nothing depends on: put to the test with
    other numbers, they changed no branch and no shape.
    """

    grade: Grade
    reason: str
    paths: int
    refused_paths: int
    points: tuple[tuple[tuple[str, int | float], ...], ...]
    concretisations: tuple[Concretisation, ...]
    harmless: tuple[Concretisation, ...] = ()

    def __str__(self) -> str:
        text = (
            f"{self.grade}: {self.paths} {_plural(self.paths, 'path')} followed "
            f"({self.refused_paths} of them refused by the factory), compared with plainly built "
            f"modules at {len(self.points)} {_plural(len(self.points), 'point')}; {self.reason}"
        )
        for concretisation in self.concretisations:
            text += f"\n  a symbol became a plain number at {concretisation}"
        return text

    def _repr_html_(self) -> str:
        from symcount import notebook

        return notebook.certificate_html(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))


def _plural(count: int, noun: str) -> str:
    return noun if count == 1 else f"{noun}s"


@dataclass(frozen=True)
class Measure:
    """What is added up: which tensors, and how much each element weighs."""

    noun: str = "parameters"
    kind: str = "parameter"
    trainable: bool | None = None
    dtype: str | None = None
    names: tuple[str, ...] | None = None
    in_bytes: bool = False

    def weigh(self, weight: Weight) -> int:
        """What one element of a tensor adds: 0 where the tensor does not count."""
        counts = (
            weight.kind == self.kind
            and self.trainable in (None, weight.trainable)
            and self.dtype in (None, weight.dtype)
            and (self.names is None or weight.name in self.names)
        )
        return (weight.itemsize if self.in_bytes else 1) if counts else 0


@dataclass(frozen=True)
class Breakdown:
    """A formula taken apart: `parameters` by name, and `modules` by path, "" being the whole.

    Each value is a `ParamCount`. The parameters add up to the whole, and so do the children of
    each module, with the parameters that the module holds itself. Tied parameters stand once,
    under the first of their names.

    In a notebook it is a tree that unfolds, and with `rich.print` a table. Both show the count and
    the share of each part at some sizes: those of `at`, or else the defaults, if all symbols have
    one.
    """

    parameters: Mapping[str, ParamCount]
    modules: Mapping[str, ParamCount]
    sizes: Mapping[str, int | float] | None = None

    def at(self, *args: int | float, **kwargs: int | float) -> Breakdown:
        """The same breakdown, shown with the counts and shares at these values of the symbols.

        Raises:
            ArgumentError: a value is missing, unknown, or no integer.
            DomainError: the formula does not hold there.

        >>> import symcount
        >>> from torch import nn
        >>> parts = symcount.derive(lambda d: nn.Linear(d, 10)).breakdown()
        >>> parts.sizes, parts.at(64).sizes
        (None, {'d': 64})
        """
        whole = self.modules[""]
        whole(*args, **kwargs)
        return replace(self, sizes=whole._point(args, kwargs))

    def __str__(self) -> str:
        lines = [f"(all): {self.modules['']}"]
        shown = {""}
        for name, count in self.parameters.items():
            parts = parts_of(name)
            for depth in range(1, len(parts)):
                path = ".".join(parts[:depth])
                if path not in shown:
                    shown.add(path)
                    lines.append(f"{'  ' * depth}{parts[depth - 1]}: {self.modules[path]}")
            lines.append(f"{'  ' * len(parts)}{parts[-1]}: {count}")
        return "\n".join(lines)

    def __rich__(self) -> Any:
        from symcount import console

        return console.breakdown_view(self)

    def _repr_html_(self) -> str:
        from symcount import notebook

        return notebook.breakdown_html(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))


@dataclass(frozen=True)
class Contribution:
    """Where a term of a formula comes from: parameters, and the lines that made them."""

    parameters: tuple[str, ...]
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class ParamCount:
    """An exact closed form of the parameter count of what a factory builds.

    Call it with the hyper-parameters, in the factory's order or by name: it returns the exact
    count as a Python int of any size, and allocates nothing. Outside `domain` it raises
    `DomainError`. `trainable`, `frozen`, `buffers` and `nbytes` are formulas of the same kind.

    Formulas are immutable, hashable and picklable. Two are equal if they are the same function,
    written in the same normal form, on the same domain, of the same symbols and defaults.

    >>> import symcount
    >>> from torch import nn
    >>> count = symcount.derive(lambda dim, expansion=4: nn.Linear(dim, expansion * dim))
    >>> print(count)
    dim**2*expansion + dim*expansion
    >>> count(512), count(dim=512, expansion=2)
    (1050624, 525312)
    """

    factory: str
    hyperparameters: tuple[Hyperparameter, ...]
    fixed: tuple[tuple[str, str], ...] = field(compare=False)
    tree: Tree = field(compare=False, repr=False)
    certificate: Certificate = field(compare=False, repr=False)
    measure: Measure = field(default_factory=Measure, compare=False, repr=False)

    # --- the formula ---

    def _poly(self, leaf: Leaf) -> Poly | None:
        """The formula on one path; None where the factory builds nothing."""
        if not isinstance(leaf, Built):
            return None
        terms = []
        for weight in leaf.weights:
            factor = self.measure.weigh(weight)
            if not factor:
                continue
            if weight.shape is None:
                raise UnknownShapeError(
                    f"{weight.source}: the shape of {weight.kind} {weight.name!r} cannot be "
                    f"followed through {weight.operation}(), so there is no formula for the "
                    f"{self.measure.noun}. Compute the size from the hyper-parameters."
                )
            terms.append(weight.numel.scaled(factor))
        return sum_of(terms)

    @cached_property
    def _polys(self) -> dict[int, Poly | None]:
        return {id(leaf): self._poly(leaf) for _, leaf in leaves(self.tree)}

    @cached_property
    def _joined(self) -> Any:
        """The formula as a tree of choices; where the factory refuses, anything."""

        def value(leaf: Leaf) -> Any:
            poly = self._polys[id(leaf)]
            return ANYTHING if poly is None else poly

        return joined(self.tree, value)

    @cached_property
    def _domain_tree(self) -> Any:
        return joined(
            self.tree,
            lambda leaf: ANYTHING if isinstance(leaf, Unreachable) else isinstance(leaf, Built),
        )

    @cached_property
    def expr(self) -> sympy.Expr:
        """The formula as a sympy expression in positive integer symbols.

        An expanded polynomial in the symbols and `floor`, `Max`, `Min` and `Mod` atoms with
        integer coefficients; a `Piecewise` where paths differ. It says nothing outside `domain`.
        """
        from symcount import sympy_form

        return sympy_form.piecewise(self._joined)

    @cached_property
    def symbols(self) -> tuple[sympy.Symbol, ...]:
        """The sympy symbols of the formula, in the order in which a call takes them."""
        from symcount import sympy_form

        return tuple(sympy_form.symbol(h.name, h.real) for h in self.hyperparameters)

    @cached_property
    def domain(self) -> Boolean:
        """Where the formula holds: a sympy Boolean over `symbols`, all positive integers."""
        import sympy

        from symcount import sympy_form

        parts = []
        for h in self.hyperparameters:
            s = sympy_form.symbol(h.name, h.real)
            if h.minimum > (0 if h.real else 1):
                parts.append(sympy.Ge(s, h.minimum))
            if h.maximum is not None:
                parts.append(sympy.Le(s, h.maximum))
            if h.multiple_of > 1:
                parts.append(sympy.Eq(sympy.Mod(s, h.multiple_of), 0))
        parts.append(sympy_form.boolean(self._domain_tree))
        return sympy.And(*parts)

    @property
    def defaults(self) -> dict[str, int | float]:
        """The symbols that may be left out of a call, and what they are then."""
        return {h.name: h.default for h in self.hyperparameters if h.default is not None}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ParamCount):
            return NotImplemented
        return self is other or self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @cached_property
    def _identity(self) -> tuple[Any, ...]:
        symbols = tuple(replace(h, arguments=()) for h in self.hyperparameters)
        return symbols, self._joined, self._domain_tree

    def __getstate__(self) -> dict[str, Any]:
        return {name: self.__dict__[name] for name in self.__dataclass_fields__}

    # --- evaluation ---

    @cached_property
    def _function(self) -> Callable[..., int | None]:
        names = [h.name for h in self.hyperparameters]
        merged = _without_idle_splits(self.tree, lambda leaf: self._polys[id(leaf)])
        return evaluate.compile_tree(merged, names, lambda leaf: leaf)

    def __call__(self, *args: int | float, **kwargs: int | float) -> int:
        """The exact count at these values of the hyper-parameters.

        Raises:
            ArgumentError: a value is missing, unknown, or no integer.
            DomainError: the formula does not hold there; the message says why.
        """
        values = self._bind(args, kwargs)
        result = self._evaluated(values)
        if result is None:
            raise DomainError(lambda: self._why_outside(values))
        return result

    def _evaluated(self, values: tuple[int | float, ...]) -> int | None:
        """The count, or None outside the domain."""
        for value, hyperparameter in zip(values, self.hyperparameters, strict=True):
            if value not in hyperparameter:
                return None
        try:
            return self._function(*values)
        except (ArithmeticError, ValueError):  # as the factory's own arithmetic raises there
            return None

    def valid(self, *args: int | float, **kwargs: int | float) -> bool:
        """Whether the formula holds at these values, given as in a call.

        >>> import symcount
        >>> from torch import nn
        >>> count = symcount.derive(lambda dim, heads=8: nn.MultiheadAttention(dim, heads))
        >>> count.valid(64), count.valid(60), count.valid(60, heads=6)
        (True, False, True)
        """
        return self._evaluated(self._bind(args, kwargs)) is not None

    def valid_values(
        self, symbol: str, between: tuple[int, int] = (1, LARGEST_CANDIDATE), **others: int
    ) -> list[int]:
        """The values of one symbol at which the formula holds, the others being given.

        Args:
            symbol: the symbol's name.
            between: the least and the greatest value to try, both included.
            **others: values of the other symbols; those with a default may be left out.

        Raises:
            ArgumentError: there is no such symbol, or a value is missing.

        >>> import symcount
        >>> from torch import nn
        >>> count = symcount.derive(lambda dim, heads=8: nn.MultiheadAttention(dim, heads))
        >>> count.valid_values("dim", between=(50, 90))
        [56, 64, 72, 80, 88]
        """
        low, high = (_whole(bound, "between") for bound in between)
        values = list(self._bind((), {**others, symbol: max(1, low)}))
        place = [h.name for h in self.hyperparameters].index(symbol)
        found = []
        for value in range(max(1, low), high + 1):
            values[place] = value
            if self._evaluated(tuple(values)) is not None:
                found.append(value)
        return found

    def _nearest(self, values: tuple[int | float, ...], names: Iterable[str]) -> str:
        """The valid values next to these, one symbol changed at a time."""
        hints = []
        for place, h in enumerate(self.hyperparameters):
            if h.name in names and not h.real:
                near = [self._search(values, place, step) for step in (-1, 1)]
                known = [str(value) for value in near if value is not None]
                if known:
                    hints.append(f"{h.name}={' or '.join(known)}")
        return f" Nearest valid values: {'; '.join(hints)}." if hints else ""

    def _search(self, values: tuple[int | float, ...], place: int, step: int) -> int | float | None:
        for distance in range(1, LARGEST_CANDIDATE):
            value = values[place] + step * distance
            if value < 1:
                return None
            if self._evaluated((*values[:place], value, *values[place + 1 :])) is not None:
                return value
        return None

    def _bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[int | float, ...]:
        names = [h.name for h in self.hyperparameters]
        if len(args) > len(names):
            raise ArgumentError(
                f"{self._signature} takes at most {len(names)} values, {len(args)} were given"
            )
        given: dict[str, Any] = dict(zip(names, args, strict=False))
        for name, value in kwargs.items():
            if name in given:
                raise ArgumentError(f"{self._signature}: {name!r} was given twice")
            if name not in names:
                raise ArgumentError(f"{self._signature} has no symbol {name!r}{self._hint(name)}")
            given[name] = value
        values = []
        for h in self.hyperparameters:
            value = given.get(h.name, h.default)
            if value is None:
                raise ArgumentError(f"{self._signature} needs a value for {h.name!r}")
            values.append(_real(value, h.name) if h.real else _whole(value, h.name))
        return tuple(values)

    def _point(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, int | float]:
        """The value of every symbol, by name."""
        names = [h.name for h in self.hyperparameters]
        return dict(zip(names, self._bind(args, kwargs), strict=True))

    def _hint(self, name: str) -> str:
        for fixed, value in self.fixed:
            if fixed == name:
                return (
                    f": it was fixed at {value} when the formula was derived; derive another "
                    f"formula with {name}=... to change it"
                )
        return ""

    @property
    def _signature(self) -> str:
        names = [
            h.name if h.default is None else f"{h.name}={h.default}" for h in self.hyperparameters
        ]
        return f"{self.factory}({', '.join(names)})"

    def _why_outside(self, values: tuple[int | float, ...]) -> str:
        """What keeps these values out of the domain, where, and what is in it nearby."""
        from symcount import sympy_form

        point = dict(zip([h.name for h in self.hyperparameters], values, strict=True))
        here = ", ".join(f"{k}={v}" for k, v in point.items())
        start = f"{here} is outside the domain of {self.factory}: "

        def said(condition: Condition, truth: bool) -> str:
            return sympy_form.text(sympy_form.condition(condition, truth))

        for h in self.hyperparameters:
            if point[h.name] not in h:
                return f"{start}{_declared(h)}.{self._nearest(values, [h.name])}"
        steps: list[Split] = []
        try:
            leaf = follow(self.tree, point, steps)
        except (ArithmeticError, ValueError) as error:
            return f"{start}its arithmetic fails there: {error}"
        if isinstance(leaf, Built):
            return f"{start}its arithmetic is undefined there"
        last = steps[-1]
        truth = evaluate.holds(last.condition, point)
        text = f"{start}{said(last.condition, not truth)} fails"
        if isinstance(leaf, Inexact):
            return f"{text}, beyond which the factory's float arithmetic rounds"
        text += f" ({last.source})."
        mentioned = {a.name for a in last.condition.atoms() if isinstance(a, Symbol)}
        text += self._nearest(values, mentioned)
        if isinstance(leaf, Refused):
            seen = ", ".join(f"{k}={v}" for k, v in leaf.hints)
            return f"{text} The factory raises there, at {seen} with\n  {leaf}"
        return (
            f"{text} The factory takes a branch there that was not explored; derive with a "
            "Symbol(min=..., max=...) around these values, or with these values fixed."
        )

    # --- other measures ---

    def _measuring(self, **changes: Any) -> ParamCount:
        return replace(self, measure=replace(self.measure, **changes))

    @cached_property
    def trainable(self) -> ParamCount:
        """The formula of the parameters with `requires_grad`."""
        return self._measuring(noun="trainable parameters", trainable=True)

    @cached_property
    def frozen(self) -> ParamCount:
        """The formula of the parameters without `requires_grad`."""
        return self._measuring(noun="frozen parameters", trainable=False)

    @cached_property
    def buffers(self) -> ParamCount:
        """The formula of the elements in buffers."""
        return self._measuring(noun="buffer elements", kind="buffer", trainable=None)

    @cached_property
    def nbytes(self) -> ParamCount:
        """The formula of the bytes the parameters take, each in its own dtype."""
        return self._measuring(noun="bytes", in_bytes=True)

    def by_dtype(self) -> dict[str, ParamCount]:
        """A formula for each dtype; they add up to the whole."""
        dtypes = dict.fromkeys(w.dtype for w in self._weights() if self.measure.weigh(w))
        return {dtype: self._measuring(dtype=dtype) for dtype in dtypes}

    def _weights(self) -> Iterator[Weight]:
        seen: set[str] = set()
        for _, leaf in leaves(self.tree):
            if isinstance(leaf, Built):
                for weight in leaf.weights:
                    if weight.name not in seen:
                        seen.add(weight.name)
                        yield weight

    def breakdown(self) -> Breakdown:
        """The formula by parameter and by module path; both add up to the whole.

        >>> import symcount
        >>> from torch import nn
        >>> print(symcount.derive(lambda d: nn.Sequential(nn.Linear(d, 10), nn.ReLU())).breakdown())
        (all): 10*d + 10
          0: 10*d + 10
            weight: 10*d
            bias: 10
        """
        counted = [w.name for w in self._weights() if self.measure.weigh(w)]
        below: dict[str, list[str]] = {"": counted}
        for name in counted:
            parts = parts_of(name)[:-1]
            for depth in range(len(parts)):
                below.setdefault(".".join(parts[: depth + 1]), []).append(name)
        return Breakdown(
            {name: self._measuring(names=(name,)) for name in counted},
            {path: self._measuring(names=tuple(names)) for path, names in below.items()},
        )

    @property
    def provenance(self) -> dict[sympy.Expr, Contribution]:
        """For each term of the formula, the parameters it comes from and the lines that made them.

        A term to which several parameters add names all of them.
        """
        from symcount import sympy_form

        found: dict[sympy.Expr, tuple[list[str], list[Source]]] = {}
        for weight in self._weights():
            factor = self.measure.weigh(weight)
            if not factor or weight.shape is None:
                continue
            for monomial in weight.numel.terms:
                term = sympy_form.expression(Poly({monomial: 1}))
                names, sources = found.setdefault(term, ([], []))
                names.append(weight.name)
                if weight.source is not None and weight.source not in sources:
                    sources.append(weight.source)
        return {t: Contribution(tuple(n), tuple(s)) for t, (n, s) in found.items()}

    @property
    def graph(self) -> torch.fx.Graph:
        """The arithmetic of the first path as a `torch.fx.Graph`; see `graphs` for all paths."""
        return next(iter(self.graphs.values()))

    @property
    def graphs(self) -> dict[Boolean, torch.fx.Graph]:
        """For each path on which the factory builds a module: its condition and its graph."""
        import sympy

        from symcount import sympy_form

        return {
            sympy.And(*(sympy_form.condition(c, t) for c, t in decisions)): leaf.program.fx_graph()
            for decisions, leaf in leaves(self.tree)
            if isinstance(leaf, Built)
        }

    # --- display ---

    def __str__(self) -> str:
        from symcount import sympy_form

        return sympy_form.text(self.expr)

    def latex(self) -> str:
        """The formula in LaTeX, without delimiters; names of several letters are set upright."""
        from symcount import sympy_form

        return sympy_form.latex(self.expr)

    def _repr_latex_(self) -> str:
        from symcount import sympy_form

        return f"$\\displaystyle {sympy_form.latex_in_lines(self.expr)}$"

    def _repr_html_(self) -> str:
        from symcount import notebook

        return notebook.count_html(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(f"{self.factory}: {self}")

    def __rich__(self) -> Any:
        from symcount import console

        return console.formula_view(self.factory, self)

    def plot(
        self,
        symbol: str | sympy.Symbol,
        *,
        between: tuple[float, float] | None = None,
        against: Against = (),
        ax: Axes | None = None,
        **values: int | float,
    ) -> Axes:
        """Draw the count against one symbol; needs matplotlib (`pip install 'symcount[plot]'`).

        Every point drawn is a value of the formula. Lines join sizes that follow one another,
        and none crosses a gap of the domain; gaps that are wide are hatched. Where there are more
        than 8192 sizes, some are drawn, as points. Where the cheaper of two formulas changes, a
        circle marks the first size at which it has changed, or at which both are equal.

        Axes are logarithmic if what they show spans more than a factor of 16, unless `ax` has
        data already. Nothing of pyplot is used: no figure is shown, and no setting is changed.

        Args:
            symbol: the symbol along the axis, or its name.
            between: its least and greatest value, both included. If not given, up to 4096, or
                from an eighth to four times its default.
            against: other formulas to draw: one, several, or a mapping of labels to formulas.
                They have the symbol too, and take of `values` what they know.
            ax: the axes to draw on; a new figure's if not given. A notebook shows these as a
                picture.
            **values: values of the other symbols; those with a default may be left out.

        Raises:
            ArgumentError: there is no such symbol, a value is missing, or the range is empty.
            DomainError: a formula holds nowhere in the range.
            MissingDependencyError: matplotlib is not installed.

        >>> import symcount
        >>> from torch import nn
        >>> count = symcount.derive(nn.MultiheadAttention)
        >>> ax = count.plot("embed_dim", between=(1, 256), num_heads=8)
        >>> ax.get_xlabel(), ax.get_ylabel()
        ('embed_dim', 'parameters')
        """
        from symcount import plotting

        return plotting.plot(self, symbol, between=between, against=against, ax=ax, **values)

    def plot_share(
        self,
        symbol: str | sympy.Symbol,
        *,
        between: tuple[float, float] | None = None,
        depth: int = 1,
        ax: Axes | None = None,
        **values: int | float,
    ) -> Axes:
        """Draw which share of the count each part has, stacked, against one symbol.

        Each column shows the shares at one size, a round one if it can be; there are 48 at most.
        A column is blank if none of the sizes that were tried for it is in the domain.

        Args:
            symbol: the symbol along the axis, or its name.
            between: as in `plot`.
            depth: how deep modules are taken apart, counted from where there are several. Beyond
                the seven greatest parts, the others are one.
            ax: as in `plot`.
            **values: as in `plot`.

        Raises:
            ArgumentError: as in `plot`, or the depth is not a positive integer.
            DomainError: the formula holds at none of the sizes, or there is nothing to share.
            MissingDependencyError: matplotlib is not installed.

        >>> import symcount
        >>> from torch import nn
        >>> count = symcount.derive(nn.MultiheadAttention)
        >>> ax = count.plot_share("embed_dim", num_heads=8)
        >>> [text.get_text() for text in ax.get_legend().get_texts()]
        ['in_proj_bias', 'in_proj_weight', 'out_proj']
        """
        from symcount import plotting

        return plotting.plot_share(self, symbol, between=between, depth=depth, ax=ax, **values)

    def plot_map(
        self,
        x: str | sympy.Symbol,
        y: str | sympy.Symbol,
        *,
        between: Mapping[str, tuple[float, float]] | None = None,
        budgets: float | Iterable[float] = (),
        ax: Axes | None = None,
        **values: int | float,
    ) -> Axes:
        """Draw the count in colours over two symbols, with a contour for each budget.

        Each cell shows the count at one pair of sizes, round ones if there are several in it, and
        is blank if the formula does not hold there. Contours are drawn between neighbouring cells:
        where exactly a budget ends, ask the formula. A budget that all cells are above or below
        is named in a corner.

        Args:
            x: the symbol along the x axis, or its name.
            y: the symbol along the y axis, or its name.
            between: for each of the two, its least and greatest value; as in `plot` if missing.
            budgets: a count at which to draw a contour, or several.
            ax: as in `plot`.
            **values: as in `plot`.

        Raises:
            ArgumentError: as in `plot`, or a budget is not a positive number.
            DomainError: the formula holds in none of the cells.
            MissingDependencyError: matplotlib is not installed.

        >>> import symcount
        >>> from torch import nn
        >>> count = symcount.derive(nn.MultiheadAttention)
        >>> ax = count.plot_map("embed_dim", "num_heads", budgets=[1e6])
        >>> ax.get_xlabel(), ax.get_ylabel()
        ('embed_dim', 'num_heads')
        """
        from symcount import plotting

        return plotting.plot_map(self, x, y, between=between, budgets=budgets, ax=ax, **values)


def _without_idle_splits(tree: Any, value: Callable[[Any], Poly | None]) -> Any:
    """The tree with its leaves' values for leaves, splits between equal ones left out."""
    if not isinstance(tree, Split):
        return value(tree)
    then = _without_idle_splits(tree.then, value)
    otherwise = _without_idle_splits(tree.otherwise, value)
    if then == otherwise:
        return then
    return replace(tree, then=then, otherwise=otherwise)


def _whole(value: Any, name: str) -> int:
    if isinstance(value, bool):
        raise ArgumentError(f"{name}={value!r}: a hyper-parameter is a positive integer")
    try:
        return operator.index(value)
    except TypeError:
        raise ArgumentError(
            f"{name}={value!r}: a hyper-parameter is a positive integer, not a "
            f"{type(value).__name__}"
        ) from None


def _real(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ArgumentError(f"{name}={value!r}: this hyper-parameter is a positive number")
    return float(value)


def _declared(h: Hyperparameter) -> str:
    parts = [f"{h.name} >= {h.minimum}"]
    if h.maximum is not None:
        parts.append(f"{h.name} <= {h.maximum}")
    if h.multiple_of > 1:
        parts.append(f"{h.name} a multiple of {h.multiple_of}")
    return f"it was derived for {', '.join(parts)}"
