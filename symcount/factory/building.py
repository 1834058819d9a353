"""Build a module plainly on the meta device, and compare every tensor with what a formula says.

This is the independent check: it knows nothing of how a formula was derived, and imports neither
the tracer nor the algebra. A module is built by calling the factory with plain integers. Only
three things differ from an ordinary call: tensors are made on the meta device, whatever device the
factory asks for; what fills them with values leaves them untouched, since that cannot change a
shape; and the small tensors whose values constructors read back (`linspace`, `arange`, `tensor`)
are made on the CPU.
"""

from __future__ import annotations

import functools
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any, TypeAlias

import torch
from torch import nn

from symcount import interception
from symcount.executed import Executed
from symcount.factory import initialising
from symcount.factory.initialising import LeavesOut
from symcount.factory.room import Room, on_meta, tensors_in
from symcount.symbols import Values
from symcount.work import CALL, PLAIN_CALL, Work


@dataclass(frozen=True)
class TensorFacts:
    """A parameter or buffer, apart from its name and values."""

    shape: tuple[int, ...] | None
    dtype: str
    trainable: bool
    kind: str


# The tensors of a module by name, or what the factory raised.
PlainBuild: TypeAlias = "dict[str, TensorFacts] | Exception"


@dataclass(frozen=True)
class Mismatch:
    """A point at which a formula and the module built there disagree.

    `name` is the tensor, with None for one that only the other side has; `raised` is the
    exception if the factory raised where the formula has a value. `counts` are how many tensors
    of a name the formula and the module have, where names are compared without their numbers.
    """

    point: Values
    name: str | None = None
    expected: TensorFacts | None = None
    actual: TensorFacts | None = None
    raised: Exception | None = None
    counts: tuple[int, int] | None = None


class TooLarge(Exception):
    """There is no memory to build at a point, which says nothing of the factory."""


# What torch and numpy say of a size that they cannot describe, or have no memory for.
_SAID = (
    "Storage size calculation overflowed",
    "numel: integer multiplication overflow",
    "Overflow when unpacking long",
    "DefaultCPUAllocator: ",
    "array is too big",
    "Maximum allowed dimension exceeded",
)
_KINDS = (RuntimeError, ValueError, TypeError)
# A number in a name, or the range of numbers that stands for those of a loop.
_NUMBERS = re.compile(r"\{[^}]*\}|[0-9]+")
_CREATE = frozenset(
    [torch.empty, torch.zeros, torch.ones, torch.rand, torch.randn, torch.full, torch.randint,
     torch.randperm, torch.eye, torch.empty_like, torch.zeros_like, torch.ones_like,
     torch.rand_like, torch.randn_like, torch.full_like]
)  # fmt: skip
_KEEP_VALUES = frozenset(
    [torch.linspace, torch.logspace, torch.arange, torch.range, torch.tensor, torch.as_tensor,
     torch.scalar_tensor, torch.asarray]
)  # fmt: skip
# How many numbers of a tensor are kept for a constructor to read back.
_MOST_KEPT = 1 << 26
_MOVE = frozenset([torch.Tensor.to, torch.Tensor.cuda, torch.Tensor.cpu])
_NEW = frozenset(
    [torch.Tensor.new_empty, torch.Tensor.new_zeros, torch.Tensor.new_ones, torch.Tensor.new_full]
)
# What has no kernel on the meta device, as the numbers that it keeps depend on values: its shape
# does not, and what they are, and how many, is not for a constructor to ask.
_SPARSE = {
    torch.Tensor.to_sparse: torch.sparse_coo,
    torch.Tensor.to_sparse_coo: torch.sparse_coo,
    torch.Tensor.to_sparse_csr: torch.sparse_csr,
    torch.Tensor.to_sparse_csc: torch.sparse_csc,
    torch.Tensor.to_dense: torch.strided,
}
_OF_NON_ZEROS = frozenset(
    getattr(torch.Tensor, name)
    for name in (
        "_nnz values indices _values _indices crow_indices col_indices ccol_indices row_indices"
    ).split()
)
_RANDOM = frozenset(
    ["normal_", "uniform_", "exponential_", "bernoulli_", "cauchy_", "geometric_", "log_normal_",
     "random_"]
)  # fmt: skip
_INITIALISERS = frozenset(
    getattr(nn.init, name)
    for name in (
        "uniform_ normal_ constant_ kaiming_uniform_ kaiming_normal_ xavier_uniform_ xavier_normal_"
    ).split()
)
_FILL = _RANDOM | {"fill_", "zero_", "erfinv_"}
# With numbers for operands these change values alone.
_IN_PLACE = frozenset(
    ["add_", "sub_", "mul_", "div_", "pow_", "clamp_", "clamp_min_", "clamp_max_", "abs_", "neg_",
     "exp_", "log_", "sqrt_", "square_", "floor_", "ceil_", "round_", "sign_", "reciprocal_"]
)  # fmt: skip


# What gives no tensor, and may be asked of any without more ado.
_ASK = frozenset(
    [torch._C._set_grad_enabled, torch.Tensor.dim, torch.Tensor.size, torch.Tensor.numel,
     torch.Tensor.is_contiguous, torch.Tensor.is_floating_point, torch.Tensor.is_complex]
    + [getattr(torch.Tensor, name).__get__ for name in
       ("requires_grad", "dtype", "device", "is_meta", "shape", "layout", "is_leaf", "ndim",
        "is_cuda", "is_sparse", "is_quantized")]
)  # fmt: skip
_TENSORS = frozenset([(), (torch.Tensor,), (nn.Parameter,)])


class _Plain(LeavesOut):
    """Put everything on the meta device and initialise nothing, until it is over."""

    def __init__(self, work: Work) -> None:
        super().__init__()
        self.work = work
        self.room = Room()
        self.is_over = False

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        interception.take_off_stack(self, error)

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs) if kwargs else {}
        if self.is_over:  # it was left behind
            return func(*args, **kwargs)
        self.work.done += PLAIN_CALL
        if types not in _TENSORS and interception.overriding(types):
            return interception.hand_over(self, func, types, args, kwargs)
        if func in _ASK:
            return func(*args, **kwargs)
        if func in _CREATE:
            kwargs["device"] = "meta"
            kwargs.pop("pin_memory", None)
            if not types:  # no tensor is among what is given
                return func(*args, **kwargs)
        elif func in _NEW:
            kwargs["device"] = "meta"
        elif func in _KEEP_VALUES:
            data = kwargs.get("out", args[0] if args else kwargs.get("data"))
            if isinstance(data, torch.Tensor) and data.is_meta:
                kwargs["device"] = "meta"
            elif torch.device(kwargs.get("device") or "cpu").type != "meta":
                kwargs["device"] = "cpu"
                _require_room(func, args, kwargs)
        elif (is_torch_s := func in _INITIALISERS) or _changes_values(func, args, kwargs):
            target = args[0] if args else kwargs.get("tensor")
            if target is not None and target.is_meta:
                is_free = is_torch_s or not target.requires_grad
                if is_free and initialising.is_sure(func.__name__, target, args[1:], kwargs):
                    return target
                if not is_torch_s or _changes_values(func, args, kwargs):
                    return _filled(target, func, args, kwargs)
        elif func in _MOVE:
            return _convert(args, kwargs)
        elif func in _SPARSE and args[0].is_meta and len(args) == 1 and not kwargs:
            return torch.empty(
                args[0].shape, dtype=args[0].dtype, layout=_SPARSE[func], device="meta"
            )
        elif func in _OF_NON_ZEROS and args[0].is_meta:
            raise NotImplementedError(f"{func.__name__}() of a tensor without values")
        return self.call(func, args, kwargs)

    def call(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            return self.room.call(func, args, kwargs)
        except (RuntimeError, NotImplementedError, TypeError):
            if len({t.is_meta for t in tensors_in((args, kwargs))}) < 2:
                self.room.is_missed |= self.room.is_spent
                raise
            return func(*on_meta(args), **on_meta(kwargs))


def _require_room(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Raise MemoryError where the numbers that are kept would take more room than is sensible."""
    given = (n for n in (*args, *kwargs.values()) if type(n) in (int, float))
    if max(map(abs, given), default=0) > _MOST_KEPT:
        described = func(*args, **{**kwargs, "device": "meta"})
        if described.numel() > _MOST_KEPT:
            raise MemoryError(f"{described.numel()} numbers of one tensor are too many to keep")


def _changes_values(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Return whether a call changes the values of its first argument and nothing else."""
    name = getattr(func, "__name__", None)
    if name in _FILL:
        return True
    # of whole numbers torch raises where it would give a fraction
    whole = bool(args) and isinstance(args[0], torch.Tensor) and not args[0].is_floating_point()
    return name in _IN_PLACE and not whole and not any(True for _ in tensors_in((args[1:], kwargs)))


def _filled(
    target: torch.Tensor, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> torch.Tensor:
    """Return a tensor that has no values to change, unless torch raises for these numbers."""
    if func.__name__ in _RANDOM:
        empty = torch.empty(0, dtype=target.dtype, device="cpu")
        func(empty, *args[1:], **{k: v for k, v in kwargs.items() if k != "tensor"})
    is_method = not isinstance(func, FunctionType)
    if is_method and target.requires_grad and target.is_leaf and torch.is_grad_enabled():
        func(*args, **kwargs)  # raises
    return target


def _convert(args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
    """Change the dtype without the device."""
    tensor: torch.Tensor = args[0]
    for value in (*args[1:], *kwargs.values()):
        if isinstance(value, torch.Tensor):
            value = value.dtype
        if isinstance(value, torch.dtype):
            tensor = tensor.to(value)
        elif value == "meta" or value == torch.device("meta"):
            tensor = tensor.to("meta")
    return tensor


def is_too_large(error: BaseException | None) -> bool:
    """Return whether a factory raised for want of memory, or because of it.

    That a machine has no room for a tensor, or torch no number for its bytes, says nothing of the
    factory: on a larger machine it builds a module there. So neither the runs on symbols nor the
    plain builds take it for a factory that raises.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, MemoryError):
            return True
        if isinstance(error, _KINDS) and any(said in str(error) for said in _SAID):
            return True
        error = error.__cause__ or error.__context__
    return False


class PlainBuilds:
    """Build a factory's modules with plain integers, each point once.

    `build` is the factory as a function of the values of its symbols. What it does to the ambient
    state (`symcount.factory.ambient`) is the caller's to restore. Builds add to `work`.
    """

    def __init__(self, build: Callable[[Values], nn.Module]) -> None:
        self.build = build
        self.work: Work = Work()
        self._seen: dict[tuple[tuple[str, int | float], ...], PlainBuild] = {}
        self._modules: dict[tuple[tuple[str, int | float], ...], dict[str, str]] = {}

    def at(self, point: Values, executed: Executed | None = None) -> PlainBuild:
        """Return the tensors of the module built at a point, or the exception raised there.

        If it was not built there before, the code that runs is added to what has `executed`.
        """
        key = tuple(point.items())
        if key not in self._seen:
            self._seen[key] = self.again_at(point, executed)
        return self._seen[key]

    def modules_at(self, point: Values) -> Mapping[str, str]:
        """Return the classes of all modules at a point, by their paths; none if it raises there."""
        self.at(point)
        return self._modules.get(tuple(point.items()), {})

    def parameters_at(self, points: Iterable[Values]) -> tuple[int, ...]:
        """Return how many parameters the modules at these points have; () if one has not."""
        found = [self.at(point) for point in points]
        if any(isinstance(tensors, Exception) for tensors in found):
            return ()
        return tuple(
            sum(math.prod(t.shape or ()) for t in tensors.values() if t.kind == "parameter")
            for tensors in found
            if isinstance(tensors, dict)
        )

    def again_at(self, point: Values, executed: Executed | None = None) -> PlainBuild:
        """Return the same, built anew."""
        with interception.alone():
            try:
                module = self._built(point, executed)
                modules = list(module.named_modules())
                classes = {path: type(inner).__name__ for path, inner in modules}
                self._modules[tuple(point.items())] = classes
                return _tensors_of(module, modules)
            except Exception as error:
                return TooLarge(str(error)) if is_too_large(error) else error
            finally:
                interception.restore()

    def _built(self, point: Values, executed: Executed | None) -> nn.Module:
        """Build the module at a point."""
        self.work.done += CALL
        mode = _Plain(self.work)
        mode.leaves_out_resets = executed is None
        try:
            if executed is not None:
                with executed.collecting(), mode:
                    return self.build(point)
            initialising.leave_out_resets()
            with mode:
                return self.build(point)
        finally:
            mode.is_over = True
            mode.room.require_values()


def _tensors_of(
    module: nn.Module, modules: Sequence[tuple[str, nn.Module]]
) -> dict[str, TensorFacts]:
    alike: dict[tuple[Any, ...], TensorFacts] = {}
    found = {}
    for kind in ("parameter", "buffer"):
        for name, t in _named(module, modules, kind):
            trainable = t.requires_grad and kind == "parameter"
            key = t.shape, t.dtype, trainable, kind
            if key not in alike:
                dtype = str(t.dtype).removeprefix("torch.")
                alike[key] = TensorFacts(tuple(t.shape), dtype, trainable, kind)
            found[name] = alike[key]
    return found


def _named(
    module: nn.Module, modules: Sequence[tuple[str, nn.Module]], kind: str
) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield the parameters or buffers of a module as torch does, which goes through it for each."""
    lister = f"named_{kind}s"
    for name in (lister, "_named_members"):
        if name in module.__dict__ or getattr(type(module), name) is not getattr(nn.Module, name):
            yield from getattr(module, lister)()
            return
    known: set[int] = set()
    for path, inner in modules:
        for name, tensor in getattr(inner, f"_{kind}s").items():
            if tensor is not None and id(tensor) not in known:
                known.add(id(tensor))
                yield f"{path}.{name}" if path else name, tensor


@dataclass(frozen=True)
class Expected:
    """The tensors that a formula expects at a point.

    Where loops made tensors, `numbered` is False: names are compared with their numbers left out.
    """

    tensors: Sequence[tuple[str, TensorFacts]]
    numbered: bool = True


def compare(
    builds: PlainBuilds,
    expected: Callable[[Values], Expected | None],
    points: Sequence[Values],
) -> Mismatch | None:
    """Compare what a formula says with what the factory builds, at every point.

    Args:
        builds: the factory's plain builds.
        expected: what the formula says of every tensor at a point, None where it says that the
            factory raises. A shape of None is not compared.
        points: where to compare. Where there is no memory for a module, nothing is compared.

    Returns:
        The first mismatch, or None.
    """
    for point in points:
        wanted, found = expected(point), builds.at(point)
        if isinstance(found, TooLarge):
            continue
        if isinstance(found, Exception):
            if wanted is not None:
                return Mismatch(point, raised=found)
        elif wanted is None:
            return Mismatch(point)
        else:
            mismatch = _first_mismatch(point, wanted, found)
            if mismatch is not None:
                return mismatch
    return None


def _first_mismatch(
    point: Values, wanted: Expected, actual: Mapping[str, TensorFacts]
) -> Mismatch | None:
    said = _by_name(wanted.tensors, wanted.numbered)
    built = _by_name(actual.items(), wanted.numbered)
    for name, facts in built.items():
        expected = said.get(name, [])
        if Counter(expected) == Counter(facts):
            continue
        if not wanted.numbered:
            expected, facts = sorted(expected, key=_in_order), sorted(facts, key=_in_order)
        if len(expected) != len(facts):
            pair = (*expected, None)[0], (*facts, None)[0]
            return Mismatch(point, name, *pair, counts=(len(expected), len(facts)))
        for one, other in zip(expected, facts, strict=True):
            if one.shape is None:
                other = TensorFacts(None, other.dtype, other.trainable, other.kind)
            if one != other:
                return Mismatch(point, name, one, other)
    for name, expected in said.items():
        if name not in built:
            return Mismatch(point, name, expected[0], None)
    return None


@functools.lru_cache(1 << 16)
def without_numbers(name: str) -> str:
    """Return a tensor's name with a star for each number."""
    return _NUMBERS.sub("*", name)


def _by_name(
    tensors: Iterable[tuple[str, TensorFacts]], numbered: bool
) -> dict[str, list[TensorFacts]]:
    """Group tensors by name; those that differ in numbers only go together."""
    found: dict[str, list[TensorFacts]] = {}
    for name, facts in tensors:
        found.setdefault(name if numbered else without_numbers(name), []).append(facts)
    return found


def _in_order(facts: TensorFacts) -> tuple[Any, ...]:
    return facts.kind, facts.shape or (), str(facts)
