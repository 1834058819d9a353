"""Take a formula apart: by parameter and module, by dtype, and by where its terms come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic

from symcount.errors import StoredFormulaError
from symcount.formula.formula import CountT, Formula, OtherT
from symcount.formula.tree import Built, leaves, modules_of, parts_of
from symcount.record import Program, Source
from symcount.shown import Shown, shortened, view

if TYPE_CHECKING:
    import sympy
    import torch.fx
    from sympy.logic.boolalg import Boolean


@dataclass(frozen=True)
class Breakdown(Shown, Generic[CountT]):
    """A formula taken apart: `parameters` by name, and `modules` by path, "" being the whole.

    Each value is a `ParamCount`. The parameters add up to the whole, a tied one under the first
    of its names. `aliases` are the others, by the first. The children of each module, and the
    parameters that it holds itself, add up to it; a tied one is in each module that holds it, and
    in the module around these once. `classes` are those of the modules by path, as in the modules
    that were built to check the formula; what was stored before there were any has none.

    In a notebook it is a tree, and with `rich.print` a table. Both show the count and
    the share of each part at some sizes: those of `at`, or else the defaults, if all symbols have
    one.
    """

    parameters: Mapping[str, CountT]
    modules: Mapping[str, CountT]
    sizes: Mapping[str, int | float] | None = None
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    classes: Mapping[str, str] = field(default_factory=dict, compare=False)

    def at(self, /, *args: int | float, **kwargs: int | float) -> Breakdown[CountT]:
        """Show the counts and shares at these values of the symbols.

        Returns:
            The same breakdown, with these sizes.

        Raises:
            ArgumentError: a value is missing, unknown, or no integer.
            DomainError: the formula does not hold there.

        >>> import symcount
        >>> from torch import nn
        >>> parts = symcount.derive(lambda d: nn.Linear(d, 10)).breakdown()
        >>> parts.sizes, parts.at(64).sizes
        (None, {'d': 64})
        """
        whole = self.modules[""].formula
        whole(*args, **kwargs)
        return replace(self, sizes=whole.signature.point(args, kwargs))

    def of(self, kind: Callable[[Formula], OtherT]) -> Breakdown[OtherT]:
        """Return the same of another kind of formulas."""
        parameters = {name: kind(part.formula) for name, part in self.parameters.items()}
        modules = {path: kind(part.formula) for path, part in self.modules.items()}
        return Breakdown(parameters, modules, self.sizes, self.aliases, self.classes)

    def __repr__(self) -> str:
        whole = self.modules[""]
        said = shortened(str(whole))
        return f"<Breakdown of {whole.factory} into {len(self.parameters)} parameters: {said}>"

    def __str__(self) -> str:
        lines = [f"(all): {self.modules['']}"]
        shown = {""}
        for name, own in self.names():
            count = self.parameters[own]
            parts = parts_of(name)
            for depth in range(1, len(parts)):
                path = ".".join(parts[:depth])
                if path not in shown:
                    shown.add(path)
                    lines.append(f"{'  ' * depth}{parts[depth - 1]}: {self.modules[path]}")
            tied = "" if name == own else f" = {own}"
            lines.append(f"{'  ' * len(parts)}{parts[-1]}{tied}: {count}")
        return "\n".join(lines)

    def names(self) -> Iterator[tuple[str, str]]:
        """Yield the names of all parameters, those of tied ones last; and the first of each."""
        yield from ((name, name) for name in self.parameters)
        yield from ((alias, name) for name, others in self.aliases.items() for alias in others)

    def __rich__(self) -> Any:
        return view("rich", self)


@dataclass(frozen=True)
class Contribution:
    """Where a term of a formula comes from: parameters, and the lines that made them."""

    parameters: tuple[str, ...]
    sources: tuple[Source, ...]


def breakdown(formula: Formula) -> Breakdown[Formula]:
    """Take a formula apart by parameter and by module path; see `ParamCount.breakdown`."""
    measure = formula.measure
    counted = list(dict.fromkeys(t.name for t in formula.tensors() if measure.weigh(t)))
    covered = dict.fromkeys(t.name for t in formula.tensors() if measure.covers(t))
    below: dict[str, list[str]] = {path: [] for name in ["", *counted] for path in modules_of(name)}
    aliases = _aliases(formula, counted)
    for tied in aliases.values():
        below.update({path: [] for name in tied for path in modules_of(name) if path not in below})
    for name in covered:
        paths = [path for each in (name, *aliases.get(name, ())) for path in modules_of(each)]
        for path in dict.fromkeys(paths):
            if path in below:
                below[path].append(name)
    return Breakdown(
        {name: formula.measuring(names=(name,)) for name in counted},
        {path: formula.measuring(names=tuple(names)) for path, names in below.items()},
        aliases=aliases,
        classes=_classes(formula),
    )


def _classes(formula: Formula) -> dict[str, str]:
    """Return the class of each module by its path, where it is known."""
    found: dict[str, dict[str, None]] = {}
    for tensor in formula.tensors():
        for path, name in zip(modules_of(tensor.name), tensor.classes, strict=False):
            found.setdefault(path, {})[name] = None
    return {path: " or ".join(filter(None, names)) for path, names in found.items()}


def _aliases(formula: Formula, counted: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the other names of tensors, by the first, but those that they have on some paths."""
    aliases: dict[str, tuple[str, ...]] = {}
    for tensor in formula.tensors():
        known = aliases.setdefault(tensor.name, tensor.aliases)
        aliases[tensor.name] = tuple(alias for alias in known if alias in tensor.aliases)
    return {name: aliases[name] for name in counted if aliases[name]}


def by_dtype(formula: Formula) -> dict[str, Formula]:
    """Return a formula for each dtype; they add up to the whole."""
    dtypes = dict.fromkeys(t.dtype for t in formula.tensors() if formula.measure.weigh(t))
    return {dtype: formula.measuring(dtype=dtype) for dtype in dtypes}


def provenance(formula: Formula) -> dict[sympy.Expr, Contribution]:
    """Return the parameters that each term comes from; see `ParamCount.provenance`."""
    from symcount.algebra.poly import Poly
    from symcount.formula import sympy_form

    found: dict[sympy.Expr, tuple[list[str], list[Source]]] = {}
    for tensor in formula.tensors():
        if not formula.measure.weigh(tensor) or tensor.shape is None:
            continue
        for monomial in tensor.numel.terms:
            term = sympy_form.expression(Poly({monomial: 1}))
            names, sources = found.setdefault(term, ([], []))
            if tensor.name not in names:
                names.append(tensor.name)
            if tensor.source is not None and tensor.source not in sources:
                sources.append(tensor.source)
    return {t: Contribution(tuple(n), tuple(s)) for t, (n, s) in found.items()}


def graphs(formula: Formula) -> dict[Boolean, torch.fx.Graph]:
    """Return the arithmetic of each path by its condition; see `ParamCount.graphs`."""
    from symcount.formula import sympy_form
    from symcount.packages import sympy

    return {
        sympy.And(*(sympy_form.condition(c, t) for c, t in decisions)): _program(
            formula, leaf
        ).fx_graph()
        for decisions, leaf in leaves(formula.tree)
        if isinstance(leaf, Built)
    }


def _program(formula: Formula, leaf: Built) -> Program:
    if leaf.program is None:
        raise StoredFormulaError(
            f"the formula of {formula.factory} was loaded, and graphs are not stored; derive it "
            "again to have them"
            if formula.origin
            else f"the formula of {formula.factory} was computed from others, which have the graphs"
        )
    return leaf.program
