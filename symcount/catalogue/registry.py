"""Register blueprints whose costs are derived, not declared.

Call-compatible with a registry of hand-written estimates: `register(name, topology,
param_estimate, description)` decorates a factory, and the number given is kept only to be
audited. What the registry stores is the formula.
"""

from __future__ import annotations

import importlib
import math
import numbers
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from symcount import cache, progress
from symcount.errors import (
    ArgumentError,
    DerivationError,
    DomainError,
    DuplicateError,
    LoadError,
    SymcountError,
    TargetError,
)
from symcount.factory.origin import target_of
from symcount.formula.entry import Entry
from symcount.formula.formula import formula_of

if TYPE_CHECKING:
    from torch import nn

    from symcount.param_count import ParamCount

Factory = TypeVar("Factory", bound="Callable[..., Any]")
REFERENCE_DIM = 64
# Whether a factory that has no formula is registered all the same.
_deferring: ContextVar[bool] = ContextVar("deferring", default=False)


@contextmanager
def deferring() -> Iterator[None]:
    """Register what has no formula too, so that one blueprint is not the end of a module."""
    token = _deferring.set(True)
    try:
        yield
    finally:
        _deferring.reset(token)


class _Formulas:
    """The formulas of one factory, each derived on first use: one for each set of fixed values."""

    def __init__(self, factory: Callable[..., Any]) -> None:
        self.factory = factory
        self.cache: str | os.PathLike[str] | None = None
        self._known: dict[tuple[tuple[str, str], ...], ParamCount] = {}

    def fixing(self, **fixed: Any) -> ParamCount:
        """Return the formula with these parameters fixed."""
        from symcount.api import derive

        key = tuple(sorted((name, repr(value)) for name, value in fixed.items()))
        if key not in self._known:
            with cache.using(self.cache):
                self._known[key] = derive(self.factory, **fixed)
        return self._known[key]

    @property
    def known(self) -> ParamCount | None:
        """The formula with nothing fixed, if it has been derived."""
        return self._known.get(())


@dataclass(frozen=True, slots=True)
class BlueprintSpec:
    """A registered blueprint: its factory, and the formula of its parameter count.

    Four of its names are about numbers of parameters:

    - `param_count` is the formula, from which the others but one come.
    - `actual_param_count(dim, ...)` is the exact count at a size.
    - `param_estimate` is the exact count at one size, `reference_dim`.
    - `declared_estimate` is the number that was written by hand, as `register(param_estimate=...)`
      took it; None if there was none. It is kept for the audit and used for nothing else.

    `param_estimate` and `actual_param_count` are what registries of hand-written estimates call
    the number to sort by, and the one of a module that is built. Code that asks for them goes on,
    and gets exact counts; so what was given as `param_estimate` needs another name here.
    """

    name: str
    topology: str
    factory: Callable[..., Any]
    declared_estimate: int | float | None = None
    description: str = ""
    reference_dim: int = REFERENCE_DIM
    _formulas: _Formulas = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "declared_estimate", _declared(self.declared_estimate))
        object.__setattr__(self, "_formulas", _Formulas(self.factory))

    @property
    def key(self) -> str:
        """The blueprint's full name, "topology:name"."""
        return f"{self.topology}:{self.name}"

    @property
    def param_count(self) -> ParamCount:
        """The formula of the parameter count.

        Raises:
            DerivationError: there is none (a blueprint registered with `on_error="defer"`).
        """
        progress.say(item=self.key)
        return _with_target(self._formulas.fixing(), self.factory)

    @property
    def known(self) -> ParamCount | None:
        """The formula if it has been derived, else None; nothing is derived to find out."""
        return self._formulas.known

    @property
    def param_estimate(self) -> int:
        """The exact parameter count at the registry's reference size.

        Raises:
            DomainError: the factory builds nothing at that size.
        """
        return self.actual_param_count(self.reference_dim)

    def actual_param_count(self, dim: int, **kwargs: Any) -> int:
        """Return the exact parameter count of `factory(dim, **kwargs)`, which is not built.

        A keyword that is not a symbol of the formula (`checkpoint=True`) derives another formula,
        once.

        Raises:
            DomainError: the factory builds nothing there.
        """
        names = {h.name for h in self.param_count.hyperparameters}
        fixed = {k: v for k, v in kwargs.items() if k not in names}
        return self._formulas.fixing(**fixed)(
            dim, **{k: v for k, v in kwargs.items() if k in names}
        )

    def _repr_html_(self) -> str:
        from symcount.display import notebook

        return notebook.entry_html(known_entry(self))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(f"{self.key}: {'not derived yet' if self.known is None else self.known}")


class BlueprintRegistry:
    """Blueprints by topology and name, each with its derived formula.

    Args:
        reference_dim: the size at which `BlueprintSpec.param_estimate` gives the count, and
            `list_for_topology` sorts; or a size for each topology, 64 for those not in it.
        cache: a folder to keep formulas in, and to take them from in later processes; that which
            `SYMCOUNT_CACHE` names if not given, if that names one.

    >>> from torch import nn
    >>> registry = BlueprintRegistry()
    >>> @registry.register("norm", "cnn", param_estimate=130)
    ... def norm(dim: int) -> nn.Module:
    ...     return nn.GroupNorm(1, dim)
    >>> spec = registry.get("cnn", "norm")
    >>> print(spec.param_count, spec.param_estimate, spec.declared_estimate)
    2*dim 128 130
    """

    def __init__(
        self,
        reference_dim: int | Mapping[str, int] = REFERENCE_DIM,
        *,
        cache: str | os.PathLike[str] | None = None,
    ) -> None:
        self.reference_dim = reference_dim
        self._cache = cache
        self._specs: dict[tuple[str, str], BlueprintSpec] = {}
        self._loading = threading.RLock()
        self._loaders: dict[str, _Loader] = {}

    def register(
        self,
        name: str,
        topology: str,
        param_estimate: int | float | None = None,
        description: str = "",
        *,
        reference_dim: int | None = None,
        on_error: Literal["raise", "defer"] = "raise",
    ) -> Callable[[Factory], Factory]:
        """Return a decorator that registers a factory and returns it unchanged.

        The formula is derived at once. `param_estimate` is kept as `declared_estimate`. A module
        that is loaded again registers its functions again.

        Args:
            name: the blueprint's name, unique within its topology.
            topology: the kind of network it is made for.
            param_estimate: a hand-written count, if there is one, to be audited.
            description: a line for people.
            reference_dim: the size at which its count is given and it is sorted, if it is
                another than that of its topology.
            on_error: what to do about a factory that has no formula: "raise" here and now, or
                "defer" the derivation, and so the error, to the formula's first use.

        Raises:
            DuplicateError: the topology has a blueprint of that name.
            DerivationError: the factory has no formula. Nothing is registered then.
        """
        if on_error not in ("raise", "defer"):
            raise ArgumentError(f'register(on_error={on_error!r}): use "raise" or "defer"')

        def decorate(factory: Factory) -> Factory:
            self._require_new(topology, name, factory)
            size = self._reference_of(topology) if reference_dim is None else reference_dim
            spec = BlueprintSpec(name, topology, factory, param_estimate, description, size)
            spec._formulas.cache = self._cache
            if on_error == "raise" and not _deferring.get():
                _ = spec.param_count
            self._specs[topology, name] = spec
            return factory

        return decorate

    def loads(self, topology: str, source: str | Callable[[], object]) -> None:
        """Say what registers the blueprints of a topology, once these are first asked for.

        Args:
            topology: the kind of network.
            source: the name of a module to import, or a function to call.

        What it raises is kept: whoever asks for the topology gets it, until a loader is given
        again, and nothing that was registered meanwhile is there.

        >>> registry = BlueprintRegistry(reference_dim={"cnn": 64, "transformer": 384})
        >>> registry.loads("cnn", "mypackage.blueprints.cnn")
        >>> registry.topologies()
        ['cnn']
        >>> registry.get("cnn", "norm")
        Traceback (most recent call last):
          ...
        symcount.errors.LoadError: blueprints of cnn cannot be loaded by mypackage.blueprints.cnn:
        ModuleNotFoundError: No module named 'mypackage'
        """
        given: object = source
        if not given or not (callable(given) or isinstance(given, str)):
            raise ArgumentError(
                f"loads({topology!r}, {source!r}): name a module, or give a function to call"
            )
        with self._loading:
            self._loaders[topology] = _Loader(topology, source)

    def _load(self, *topologies: str) -> None:
        """Load the blueprints of topologies, or of all."""
        with self._loading:
            for topology in topologies or tuple(self._loaders):
                if topology in self._loaders:
                    self._loaders[topology].load(self._specs)

    def _waiting(self) -> list[str]:
        return [f"{topology}:..." for topology, each in self._loaders.items() if not each.is_done]

    def _reference_of(self, topology: str) -> int:
        if isinstance(self.reference_dim, Mapping):
            return self.reference_dim.get(topology, REFERENCE_DIM)
        return self.reference_dim

    def _require_new(self, topology: str, name: str, factory: Callable[..., Any]) -> None:
        known = self._specs.get((topology, name))
        if known is not None and not _is_defined_again(factory, known.factory):
            raise DuplicateError(
                f"blueprint {topology}:{name} is already registered, by "
                f"{_place(known.factory)}; choose another name, or "
                f"unregister({topology!r}, {name!r}) first"
            )

    def get(self, topology: str, name: str) -> BlueprintSpec:
        """Return the blueprint of that name.

        Raises:
            TargetError: there is none; the message lists those there are.
            LoadError: what is to register those of the topology raised.
        """
        self._load(topology)
        if (topology, name) not in self._specs:
            known = ", ".join(sorted(n for t, n in self._specs if t == topology))
            there = f"{topology} has: {known}"
            if not known:
                there = f"topologies with blueprints: {', '.join(self.topologies()) or 'none'}"
            raise TargetError(f"Unknown blueprint {topology}:{name}; {there}")
        return self._specs[topology, name]

    def create(self, topology: str, name: str, dim: int, **kwargs: Any) -> nn.Module:
        """Build the module of a blueprint."""
        module: nn.Module = self.get(topology, name).factory(dim, **kwargs)
        return module

    def save(self, path: str | Path) -> None:
        """Write the formulas of all blueprints to a file, by their keys, for `symcount.load`.

        Formulas that have not been derived are derived first.

        Raises:
            DerivationError: a blueprint has no formula; nothing is written then.
            StoredFormulaError: a formula is beyond the limits of what is stored.
            OSError: the file cannot be written; what was there is there still.

        >>> import symcount, tempfile
        >>> from torch import nn
        >>> registry = BlueprintRegistry()
        >>> _ = registry.register("norm", "cnn")(lambda dim: nn.GroupNorm(1, dim))
        >>> path = Path(tempfile.mkdtemp()) / "formulas.json"
        >>> registry.save(path)
        >>> symcount.load(path)["cnn:norm"](64)
        128
        """
        from symcount.storage import writing

        writing.save(path, {spec.key: spec.param_count for spec in self})

    def unregister(self, topology: str, name: str) -> None:
        """Remove a blueprint.

        Raises:
            TargetError: there is none of that name.
        """
        self.get(topology, name)
        del self._specs[topology, name]

    def topologies(self) -> list[str]:
        """List the topologies that have blueprints, or are to be loaded, sorted."""
        return sorted({*(topology for topology, _ in self._specs), *self._loaders})

    def list_for_topology(self, topology: str, dim: int | None = None) -> list[BlueprintSpec]:
        """List the blueprints of a topology, cheapest first: by exact count at `dim`, then by name.

        `dim` is the reference size of each if not given. Blueprints that cannot be built at that
        size come last.

        Raises:
            LoadError: what is to register them raised.
        """
        self._load(topology)

        def cost(spec: BlueprintSpec) -> tuple[bool, int, str]:
            size = spec.reference_dim if dim is None else dim
            try:
                return False, spec.actual_param_count(size), spec.name
            except DomainError:
                return True, 0, spec.name

        return sorted((s for s in self._specs.values() if s.topology == topology), key=cost)

    def __iter__(self) -> Iterator[BlueprintSpec]:
        self._load()
        return iter(tuple(self._specs.values()))

    def __len__(self) -> int:
        self._load()
        return len(self._specs)

    def __contains__(self, key: object) -> bool:
        """Tell whether a blueprint is registered, by (topology, name) or "topology:name"."""
        found: Any = tuple(key.split(":", 1)) if isinstance(key, str) else key
        if isinstance(found, tuple) and found:
            self._load(found[0])
        return found in self._specs

    def __bool__(self) -> bool:
        return True

    def _repr_html_(self) -> str:
        from symcount.display import notebook

        return notebook.entries_html(map(known_entry, self._specs.values()))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        keys = ", ".join([spec.key for spec in self._specs.values()] + self._waiting())
        printer.text(f"{type(self).__name__}: {keys or 'no blueprints'}")


class _Loader:
    """What registers the blueprints of a topology, when it is first asked for them."""

    def __init__(self, topology: str, source: str | Callable[[], object]) -> None:
        self.topology = topology
        self.is_done = False
        self._source = source
        self._error: Exception | None = None

    def load(self, specs: dict[tuple[str, str], BlueprintSpec]) -> None:
        """Load them, unless that is done or being done.

        Raises:
            LoadError: it raises, or did so before.
        """
        if self._error is not None:
            raise self._failed(self._error)
        if self.is_done:
            return
        before = dict(specs)
        self.is_done = True
        try:
            self._source() if callable(self._source) else importlib.import_module(self._source)
        except BaseException as error:
            specs.clear()
            specs.update(before)
            if not isinstance(error, Exception):
                self.is_done = False
                raise
            self._error = error
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> LoadError:
        source = _place(self._source) if callable(self._source) else self._source
        failed = LoadError(
            f"blueprints of {self.topology} cannot be loaded by {source}:\n"
            f"{type(error).__name__}: {error}"
        )
        failed.__cause__ = error
        return failed


def _declared(estimate: Any) -> int | float | None:
    """Return an estimate as a plain number."""
    if estimate is None:
        return None
    is_number = isinstance(estimate, numbers.Real) and not isinstance(estimate, bool)
    if is_number and math.isfinite(estimate):
        return int(estimate) if int(estimate) == estimate else float(estimate)
    raise ArgumentError(f"param_estimate={estimate!r}: an estimate is a number, or None")


def _with_target(count: ParamCount, factory: Callable[..., Any]) -> ParamCount:
    """Give a formula its factory's name, which it has not yet while it is decorated."""
    origin = count.formula.origin
    if origin is None or origin.target is not None:
        return count
    named = replace(count.formula, origin=replace(origin, target=target_of(factory)))
    return type(count)(named)


def _is_defined_again(factory: Callable[..., Any], known: Callable[..., Any]) -> bool:
    """Tell whether one function of a module was made twice, as by `importlib.reload`."""
    is_of_module = "<" not in getattr(factory, "__qualname__", "<")
    return is_of_module and hasattr(factory, "__code__") and _place(factory) == _place(known)


def _place(factory: Callable[..., Any]) -> str:
    code = getattr(factory, "__code__", None)
    name = getattr(factory, "__qualname__", repr(factory))
    return f"{name} ({code.co_filename}:{code.co_firstlineno})" if code else name


def entry(spec: BlueprintSpec) -> Entry:
    """Return a blueprint as exports take it, its formula derived, or the error in its place."""
    try:
        return _entry(spec, spec.param_count)
    except DerivationError as error:
        return _entry(spec, error)


def known_entry(spec: BlueprintSpec) -> Entry:
    """Return a blueprint with its formula if it has been derived; nothing is derived."""
    return _entry(spec, spec.known)


def _entry(spec: BlueprintSpec, formula: ParamCount | DerivationError | None) -> Entry:
    return Entry(
        spec.topology, spec.name, formula_of(formula), spec.description, spec.declared_estimate
    )


def count_at(spec: BlueprintSpec, size: int) -> int | None:
    """Return a blueprint's count at a size, None if it has none."""
    try:
        return spec.actual_param_count(size)
    except SymcountError:
        return None
