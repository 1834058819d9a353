"""Count the bytes of weights, gradients and optimizer state, per device under ZeRO.

The stages of ZeRO are those of Rajbhandari et al. 2020, "ZeRO: Memory Optimizations Toward Training
Trillion Parameter Models".
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Generic

from symcount.algebra.facts import Facts
from symcount.algebra.poly import Poly, const, sum_of, symbol
from symcount.algebra.rounding import floordiv
from symcount.errors import ArgumentError
from symcount.formula.formula import CountT, Formula, OtherT
from symcount.formula.signature import declared_facts
from symcount.formula.tree import Built, Split, TensorSpec, Tree
from symcount.shown import Said, shortened
from symcount.symbols import Hyperparameter, is_name

# How many tensors of a parameter's shape each optimizer of `torch.optim` keeps for it.
STATES = {
    "sgd": 0,
    "sgd+momentum": 1,
    "adagrad": 1,
    "rmsprop": 1,
    "rmsprop+momentum": 2,
    "adadelta": 2,
    "adam": 2,
    "adam+amsgrad": 3,
    "adamw": 2,
    "adamw+amsgrad": 3,
    "adamax": 2,
    "nadam": 2,
    "radam": 2,
}
# Bits of an element: of what torch computes gradients in, and of what weights are kept in only.
# Both formats of "fp8" have eight.
_FLOATS = {"float64": 64, "float32": 32, "bfloat16": 16, "float16": 16, "fp8": 8} | dict.fromkeys(
    ("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu"), 8
)
_KEPT = {"nf4": 4, "fp4": 4} | {
    f"{sign}int{bits}": bits for bits in (*range(1, 9), 16, 32, 64) for sign in ("", "u")
}
_BITS = _FLOATS | _KEPT
_ALIASES = {
    "bf16": "bfloat16",
    "fp16": "float16",
    "half": "float16",
    "fp32": "float32",
    "float": "float32",
    "fp64": "float64",
    "double": "float64",
}
_MASTER = "float32"
_STAGES = {0: "no ZeRO", 1: "ZeRO stage 1", 2: "ZeRO stage 2", 3: "ZeRO stage 3"}


@dataclass(frozen=True)
class Memory(Said, Generic[CountT]):
    """Bytes that one device holds to train a module, as formulas.

    `weights`, `gradients`, `optimizer` and their sum, `total`, are formulas as `ParamCount` is:
    call them with sizes, take their `expr`, solve them. `assumed` says what they are bytes of.
    """

    weights: CountT
    gradients: CountT
    optimizer: CountT
    total: CountT
    assumed: str

    def of(self, kind: Callable[[Formula], OtherT]) -> Memory[OtherT]:
        """Return the same of another kind of formulas."""
        parts = (self.weights, self.gradients, self.optimizer, self.total)
        weights, gradients, optimizer, total = (kind(part.formula) for part in parts)
        return Memory(weights, gradients, optimizer, total, self.assumed)

    def __repr__(self) -> str:
        said = shortened(str(self.total))
        return f"<Memory of {self.total.factory}, bytes per device: {said}; {self.assumed}>"

    def __str__(self) -> str:
        rows = {
            "weights": self.weights,
            "gradients": self.gradients,
            "optimizer": self.optimizer,
            "total": self.total,
        }
        lines = [f"bytes per device: {self.assumed}"]
        return "\n".join([*lines, *(f"  {name:<9}  {count}" for name, count in rows.items())])


@dataclass(frozen=True)
class _Layout:
    """The bits of each element, and the parts that are cut into pieces."""

    dtype: str | None
    gradients: str | None
    states: int
    master_weights: bool
    shards: Poly
    stage: int

    def parts(self, leaf: Built, count: Formula, facts: Facts) -> Iterator[TensorSpec]:
        """Yield the bytes of a module that is built on one path, as tensors of bytes."""
        groups: dict[tuple[str, int, bool], list[Poly]] = {}
        for weight in leaf.weights:
            if count.measure.weigh(weight):
                dtype, bits = self._kept(weight)
                is_trained = weight.trainable and (dtype not in _KEPT or self.gradients is not None)
                groups.setdefault((dtype, bits, is_trained), []).append(weight.numel)
        for (dtype, bits, trainable), sizes in groups.items():
            kind = dtype if trainable else f"{dtype}-frozen"
            whole, piece = sum_of(sizes), self._piece(sum_of(sizes), facts)
            held = piece if self.stage >= 3 else whole
            yield _part(f"weights.{kind}", _bytes(held, bits, facts), trainable)
            if not trainable:
                continue
            held = piece if self.stage >= 2 else whole
            own = bits if self.gradients is None else _BITS[self.gradients]
            yield _part(f"gradients.{kind}", _bytes(held, own, facts), trainable)
            held = piece if self.stage >= 1 else whole
            state = own if dtype in _KEPT else bits
            if self.master_weights:
                state = _BITS[_MASTER]
                yield _part(f"optimizer.{kind}.master", _bytes(held, state, facts), trainable)
            if self.states:
                size = _bytes(held, self.states * state, facts)
                yield _part(f"optimizer.{kind}.state", size, trainable)

    def _kept(self, weight: TensorSpec) -> tuple[str, int]:
        """Return the dtype of a parameter, and the bits of an element."""
        if weight.dtype.startswith("complex") and (self.dtype or self.master_weights):
            raise ArgumentError(
                f"memory(): {weight.name!r} is {weight.dtype}, which has no real copy; use "
                "dtype=None and no master weights"
            )
        if self.dtype is None or "float" not in weight.dtype:
            return weight.dtype, 8 * weight.itemsize
        return self.dtype, _BITS[self.dtype]

    def _piece(self, size: Poly, facts: Facts) -> Poly:
        """Return the greatest of the pieces: the size divided by their number, rounded up."""
        return floordiv(size - const(1), self.shards, facts) + const(1)


def _bytes(elements: Poly, bits: int, facts: Facts) -> Poly:
    """Return the bytes of elements that are laid end to end, rounded up to a whole one."""
    share = Fraction(bits, 8)
    whole = elements.scaled(share.numerator)
    if share.denominator == 1:
        return whole
    return floordiv(whole - const(1), const(share.denominator), facts) + const(1)


def _part(name: str, size: Poly, trainable: bool) -> TensorSpec:
    return TensorSpec(name, (size,), "uint8", 1, "parameter", trainable, None, "")


def memory(
    count: Formula,
    dtype: object,
    optimizer: object,
    shards: object,
    zero: object,
    master_weights: object,
    gradients: object,
) -> Memory[Formula]:
    """Count the bytes that training takes; see `ParamCount.memory`."""
    _require_parameters(count)
    optimizer = _optimizer(optimizer)
    plan, hyperparameters = _plan(count, dtype, optimizer, shards, zero, master_weights, gradients)
    facts = declared_facts(hyperparameters)

    def of(tree: Tree) -> Tree:
        if isinstance(tree, Split):
            return replace(tree, then=of(tree.then), otherwise=of(tree.otherwise))
        if isinstance(tree, Built):
            return replace(tree, weights=tuple(plan.parts(tree, count, facts)))
        return tree

    measure = replace(
        count.measure, kind="parameter", trainable=None, dtype=None, names=None, in_bytes=True
    )
    total = replace(
        count,
        hyperparameters=hyperparameters,
        tree=of(count.tree),
        measure=measure,
        # No build has these bytes: the factory and its counts are the parameters'.
        origin=None,
        certificate=replace(count.certificate, counts=()),
    )
    names = dict.fromkeys(w.name for w in total.tensors())
    parts: Mapping[str, Formula] = {
        part: total.measuring(names=tuple(n for n in names if n.startswith(f"{part}.")))
        for part in ("weights", "gradients", "optimizer")
    }
    return Memory(**parts, total=total, assumed=_said(plan, optimizer, shards))


def _plan(
    count: Formula,
    dtype: object,
    optimizer: str,
    shards: object,
    zero: object,
    master_weights: object,
    gradients: object,
) -> tuple[_Layout, tuple[Hyperparameter, ...]]:
    """Check what is given, and return the plan, and the symbols of the formulas."""
    if not isinstance(zero, int) or isinstance(zero, bool) or zero not in _STAGES:
        raise ArgumentError(f"memory(zero={zero!r}): the stages of ZeRO are 1, 2 and 3; 0 is none")
    if not isinstance(master_weights, bool):
        raise ArgumentError(f"memory(master_weights={master_weights!r}): use True or False")
    pieces, hyperparameters = _shards(count, shards)
    plan = _Layout(
        dtype=_dtype("dtype", dtype, _BITS),
        gradients=_dtype("gradients", gradients, _FLOATS),
        states=STATES[optimizer],
        master_weights=master_weights,
        shards=pieces,
        stage=zero,
    )
    return plan, hyperparameters


def _require_parameters(count: Formula) -> None:
    measure = count.measure
    if measure.in_bytes or measure.kind != "parameter":
        raise ArgumentError(
            f"memory() is of a formula of parameters, and this one is of {measure.noun}; call it "
            "on what derive() returned, or on what select() made of it"
        )
    count.require_tensors()


def _dtype(argument: str, given: object, known: Mapping[str, int]) -> str | None:
    if given is None:
        return None
    name = str(given).removeprefix("torch.").lower()
    name = _ALIASES.get(name, name)
    if name not in known:
        raise ArgumentError(
            f"memory({argument}={given!r}): use one of {', '.join(known)}, or None for the "
            "dtypes of the parameters"
        )
    return name


def _optimizer(given: object) -> str:
    """Return the name of an optimizer, which is given in any case or as a class of torch.optim."""
    is_class = isinstance(given, type) and given.__module__.startswith("torch.optim.")
    name = given.__name__ if is_class else given  # type: ignore[attr-defined]
    name = str(name).removeprefix("torch.optim.").lower()
    if (not isinstance(given, str) and not is_class) or name not in STATES:
        raise ArgumentError(
            f"memory(optimizer={given!r}): what it keeps is not modelled; those that are: "
            f"{', '.join(STATES)}"
        )
    return name


def _shards(count: Formula, given: Any) -> tuple[Poly, tuple[Hyperparameter, ...]]:
    """Return the number of devices, and the symbols of the formulas."""
    known = [h.name for h in count.hyperparameters]
    if isinstance(given, str):
        if is_name(given) and given not in known:
            return symbol(given), (*count.hyperparameters, Hyperparameter(given))
    elif not isinstance(given, bool):
        try:
            pieces = operator.index(given)
        except TypeError:
            pieces = 0
        if pieces >= 1:
            return const(pieces), count.hyperparameters
    raise ArgumentError(
        f"memory(shards={given!r}): use a positive integer, or the name of a new symbol"
    )


def _said(plan: _Layout, optimizer: str, shards: object) -> str:
    text = f"{plan.dtype or 'own dtypes of'} weights, "
    if plan.dtype in _KEPT and plan.gradients is None:
        text += "no gradients"
    else:
        text += f"{plan.gradients} gradients, " if plan.gradients is not None else ""
        text += optimizer
        text += f" in {_MASTER} with master weights" if plan.master_weights else ""
    text += f", {_STAGES[plan.stage]}"
    return f"{text} over {shards} devices" if plan.stage else text
