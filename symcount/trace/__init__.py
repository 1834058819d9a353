"""Running a factory on symbols: `trace(factory, ...) -> Trace`.

A trace is one run. It follows the branches that the hints take, records them, and keeps for every
parameter and buffer of the module the symbolic shape it was created with. Choosing hints, and
joining the runs into a formula, is the business of `symcount.explore` and `symcount.derive`.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from dis import opname
from types import FrameType
from typing import Any, TypeAlias

import torch
from torch import nn

from symcount.errors import (
    InternalError,
    NotAModuleError,
    SymcountError,
    UninitializedParameterError,
)
from symcount.trace import lookups
from symcount.trace.builtins import (
    Restart,
    forget_replacements,
    shadow_if_needed,
    shadowed_modules,
)
from symcount.trace.graph import OPERATORS, Frame, Node, Number, Program, Shape, Source, freeze
from symcount.trace.numbers import SymFloat, SymInt, calling_frame, user_frame
from symcount.trace.tensors import Tensors, followed_tensors
from symcount.trace.unseen import restart_if_refused

OnBranch: TypeAlias = "Callable[[Branch], bool]"
Perturb: TypeAlias = "Callable[[str, Number], Number]"

__all__ = [
    "Branch",
    "Concretisation",
    "OnBranch",
    "Perturb",
    "Raised",
    "Trace",
    "TracedTensor",
    "trace",
]

# What Python asks an index for: an element or a slice.
_SUBSCRIPTS = frozenset(["BINARY_SUBSCR", "BINARY_SLICE", "BINARY_OP"])
_OPERATIONS = frozenset(["BINARY_OP", "BINARY_MODULO"])
# A factory cannot need more restarts than it has modules and refusing functions.
_MOST_RESTARTS = 1000


@dataclass(frozen=True, eq=False)
class Branch:
    """A comparison the factory made: `left op right` was `taken` at the hints.

    A specialised one was not made by the factory: it needs the very value of `left`, which is
    compared with its hint.
    """

    op: str
    left: Node
    right: Node | Number
    taken: bool
    node: Node
    frame: Frame
    specialised: bool = False

    @property
    def source(self) -> Source:
        """The line that made the comparison."""
        return self.frame.source


@dataclass(frozen=True)
class Concretisation:
    """A symbolic value that became a plain number where tracing could not follow.

    `kind` is what asked for the number, `symbols` what it was computed from, and `value` what it
    was in the run that is reported.
    """

    kind: str
    symbols: tuple[str, ...]
    value: Number | None
    source: Source

    def __str__(self) -> str:
        value = "" if self.value is None else f" of {self.value}"
        symbols = f" ({', '.join(self.symbols)})" if self.symbols else ""
        return f"{self.source}: {self.kind}{value}{symbols}"


def _instruction(frame: FrameType) -> str:
    """The name of the instruction that a frame is at."""
    return opname[frame.f_code.co_code[frame.f_lasti]]


def _symbols_of(node: Node) -> tuple[str, ...]:
    found: dict[str, None] = {}
    seen: set[int] = set()
    stack = [node]
    while stack:
        here = stack.pop()
        if id(here) not in seen:
            seen.add(id(here))
            if here.op == "symbol":
                found[str(here.args[0])] = None
            stack += [a for a in here.args if isinstance(a, Node)]
    return tuple(sorted(found))


@dataclass(frozen=True, eq=False)
class TracedTensor:
    """A parameter or buffer of the traced module.

    `shape` is None where the shape could not be followed (buffers only).
    """

    name: str
    shape: Shape | None
    dtype: str
    itemsize: int
    kind: str
    trainable: bool
    frame: Frame | None
    operation: str


@dataclass(frozen=True)
class Raised:
    """The exception that ended a run, and the factory's line it came from."""

    kind: str
    message: str
    source: Source | None

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}" if self.message else self.kind


@dataclass(frozen=True, eq=False)
class Trace:
    """One run of a factory on symbols: what it built, or how it failed, and on which path."""

    hints: dict[str, Number]
    symbols: tuple[Node, ...]
    tensors: tuple[TracedTensor, ...]
    branches: tuple[Branch, ...]
    concretisations: tuple[Concretisation, ...]
    raised: Raised | None
    exception: BaseException | None = field(default=None, repr=False)

    def program(self) -> Program:
        """The live arithmetic of this run, frozen."""
        return freeze(
            self.symbols,
            [(t.name, t.shape, t.frame) for t in self.tensors if t.shape is not None],
            [(b.node, b.taken) for b in self.branches],
        )


class _Run:
    """The state of one run: the implementation of `symcount.trace.numbers.Run`.

    An operation on the same operands is the same node, and a comparison of the same operands is
    decided once.
    """

    def __init__(
        self,
        on_branch: Callable[[Branch], None],
        perturb: Perturb | None,
        texts: Sequence[int],
    ) -> None:
        self.perturb = perturb
        self.texts = texts
        self.alive = True
        self.must_restart = False
        self.tensors: Tensors | None = None
        self.pokes: list[tuple[Node, Frame, Frame]] = []
        self.concretisations: dict[tuple[str, int, int, int], Concretisation] = {}
        self.on_branch = on_branch
        self._nodes: dict[tuple[Any, ...], Any] = {}
        self._keys: list[Node] = []
        self._decided: dict[tuple[str, Node, Node | Number], bool] = {}

    def _shadow(self, frame: FrameType) -> None:
        """Restart if the code of `frame` must be intercepted.

        torch's argument parser turns any exception into an answer of its own, and a bare `except`
        may catch this one, so the need is remembered as well.
        """
        if shadow_if_needed(frame):
            self.must_restart = True
            raise Restart

    def record(self, op: str, args: tuple[Node | Number, ...], value: Number) -> Any:
        key = (op, *args, *map(type, args))  # 2 and 2.0 are equal, and are not the same operand
        known = self._nodes.get(key)
        if known is None:
            frame = calling_frame(2)
            node = Node(op, args, value, Frame(frame.f_code, frame.f_lasti))
            known = SymFloat(node, self) if type(value) is float else SymInt(node, self)
            self._nodes[key] = known
        return known

    def branch(self, op: str, a: Node, b: Node | Number) -> bool:
        self._shadow(calling_frame(2))
        if a is b:
            return op in ("eq", "le", "ge")
        return self._decide(op, a, b)

    def _decide(self, op: str, a: Node, b: Node | Number) -> bool:
        taken = self._decided.get((op, a, b))
        if taken is None:
            taken = bool(OPERATORS[op](a.hint, b.hint if type(b) is Node else b))
            place = user_frame()
            self.on_branch(Branch(op, a, b, taken, Node(op, (a, b), taken, place), place))
            self._decided[op, a, b] = taken
        return taken

    def _follow_equal_keys(self, node: Node) -> None:
        """Branch on whether a key is equal to one before: in a dict or a set they are one."""
        for other in self._keys:
            if other is not node and self._decide("eq", node, other):
                return
        self._keys.append(node)

    def _follow_index(self, node: Node, size: int) -> None:
        """Follow an index into, or a bound of a slice of, a list of this size."""
        if self._decide("lt", node, size) and self._decide("ge", node, -size):
            _ = any(self._decide("eq", node, index) for index in lookups.candidates(size))

    def specialise(self, node: Node) -> int:
        value = node.hint
        place = user_frame()
        test = Node("eq", (node, value), True, place)
        self.on_branch(Branch("eq", node, value, True, test, place, specialised=True))
        return int(value)

    def concretise(self, kind: str, node: Node) -> Any:
        frame = calling_frame(2)
        if kind in ("int", "float"):
            self._shadow(frame)
            if _instruction(frame) in _OPERATIONS and lookups.is_text(frame):
                kind = "text"
        keys = lookups.integer_keys(frame) if kind == "hash" else None
        if kind == "hash":
            self._follow_equal_keys(node)
        if keys is not None:
            _ = any(self._decide("eq", node, key) for key in keys)
            return node.hint
        if kind == "text" and any(self._decide("eq", node, number) for number in self.texts):
            return node.hint
        self._concretise(kind, node, user_frame())
        return node.hint if self.perturb is None else self._perturbed(kind, node.hint)

    def _perturbed(self, kind: str, value: Number) -> Number:
        assert self.perturb is not None
        other = self.perturb(kind, value)
        while kind == "text" and other in self.texts:
            other += 1
        return other

    def _concretise(self, kind: str, node: Node, frame: Frame) -> None:
        key = (kind, id(node), id(frame.code), frame.lasti)
        if key not in self.concretisations:
            self.concretisations[key] = Concretisation(
                kind, _symbols_of(node), node.hint, frame.source
            )

    def concretise_value(self, kind: str) -> None:
        """Record that a value of a tensor that depends on symbols was read."""
        frame = user_frame()
        self.concretisations.setdefault(
            (kind, 0, id(frame.code), frame.lasti), Concretisation(kind, (), None, frame.source)
        )

    def poke(self, node: Node) -> int:
        frame = calling_frame(2)
        self._shadow(frame)
        if _instruction(frame) in _SUBSCRIPTS:
            size = lookups.length(frame)
            if size is not None:
                self._follow_index(node, size)
                return int(node.hint)
        self.pokes.append((node, Frame(frame.f_code, frame.f_lasti), user_frame()))
        value = node.hint if self.perturb is None else self._perturbed("index", node.hint)
        return int(value)

    def settle(self, frame: Any, nodes: set[int]) -> None:
        """Forgive the pokes of torch's argument parser: the mode was handed the symbols next."""
        for node, place, user in self.pokes:
            same_call = place.code is frame.f_code and place.lasti == frame.f_lasti
            if id(node) not in nodes or not same_call:
                self._concretise("index", node, user)
        self.pokes.clear()

    def mix(self, operation: Callable[[], Any]) -> Any:
        result = operation()
        if self.tensors is not None:
            self.tensors.taint(result)
        return result

    def is_tensor(self, value: object) -> bool:
        return isinstance(value, torch.Tensor)

    def finish(self) -> None:
        """End the run: its symbols are dead, and what was poked last was concretised."""
        self.alive = False
        for node, _, user in self.pokes:
            self._concretise("index", node, user)
        self.pokes.clear()


_lock = threading.RLock()


def trace(
    factory: Callable[..., object],
    *,
    symbols: Mapping[str, tuple[str, Number]],
    fixed: Mapping[str, object],
    listen: Callable[[], OnBranch] = lambda: lambda branch: True,
    perturb: Perturb | None = None,
    texts: Sequence[int] = (),
) -> Trace:
    """Run `factory` once with symbols for some of its parameters, and record what it does.

    Args:
        factory: a callable that returns an `nn.Module`.
        symbols: factory parameter -> (symbol's name, hint). Parameters that share a name share
            the symbol, and must share the hint.
        fixed: factory parameter -> plain value.
        listen: called whenever the run starts, or starts again. What it returns is called with
            each comparison of a symbol, and returns False for those that always go one way,
            which are then left out of the trace.
        perturb: given the kind of a concretisation and its number, the number to use; the number
            itself if not given. Another number shows whether anything depends on it.
        texts: numbers with which a symbol is compared where it becomes text, so that each text
            of interest has a path of its own.

    What the factory does to the ambient state (`symcount.ambient`) is the caller's to restore.

    Raises:
        DerivationError: the run ended in something no formula can come from. An exception of the
            factory itself does not raise here: it is the result (`Trace.raised`).
    """
    with _lock:
        for _ in range(_MOST_RESTARTS):
            loaded = len(sys.modules)
            try:
                return _run_once(factory, symbols, fixed, listen(), perturb, texts)
            except Restart:
                continue
            finally:
                if len(sys.modules) > loaded:
                    forget_replacements(list(sys.modules.values())[loaded:])
        raise InternalError(f"tracing {factory!r} restarted {_MOST_RESTARTS} times")


def _run_once(
    factory: Callable[..., object],
    symbols: Mapping[str, tuple[str, Number]],
    fixed: Mapping[str, object],
    on_branch: OnBranch,
    perturb: Perturb | None,
    texts: Sequence[int],
) -> Trace:
    branches: list[Branch] = []

    def record_branch(branch: Branch) -> None:
        if on_branch(branch):
            branches.append(branch)

    run = _Run(record_branch, perturb, texts)
    nodes = {name: Node("symbol", (name,), value, None) for name, value in symbols.values()}
    arguments = {
        parameter: (SymFloat if isinstance(value, float) else SymInt)(nodes[name], run)
        for parameter, (name, value) in symbols.items()
    }
    tensors: tuple[TracedTensor, ...] = ()
    raised: Raised | None = None
    exception: BaseException | None = None
    try:
        with followed_tensors(run) as mode, shadowed_modules():
            run.tensors = mode
            module = factory(**arguments, **fixed)
            tensors = () if run.must_restart else _collect(module, mode)
    except SymcountError:
        if not run.must_restart:
            raise
    except Exception as error:
        if not run.must_restart:
            restart_if_refused(error)
        raised, exception = _raised(error), error
    finally:
        run.finish()
    if run.must_restart:
        raise Restart
    return Trace(
        hints={name: value for name, value in symbols.values()},
        symbols=tuple(nodes.values()),
        tensors=tensors,
        branches=tuple(branches),
        concretisations=tuple(run.concretisations.values()),
        raised=raised,
        exception=exception,
    )


def _raised(error: BaseException) -> Raised:
    """What an exception said, and the innermost line outside torch and symcount it passed."""
    source = None
    step = error.__traceback__
    here = __file__.rsplit("/", 2)[0]
    while step is not None:
        name = step.tb_frame.f_code.co_filename
        if not name.startswith((here, torch.__path__[0])):
            source = Source(name, step.tb_lineno, step.tb_frame.f_code.co_name)
        step = step.tb_next
    return Raised(type(error).__name__, str(error), source)


def _collect(module: object, mode: Any) -> tuple[TracedTensor, ...]:
    if not isinstance(module, nn.Module):
        raise NotAModuleError(
            f"it returned {_describe(module)}, not a torch.nn.Module. Return the module it builds."
        )
    found: list[TracedTensor] = []
    with torch._C.DisableTorchFunction():
        for name, parameter in module.named_parameters():
            lazy: bool = torch.nn.parameter.is_lazy(parameter)
            if lazy:
                known = mode.known.get(id(parameter))
                made = f" (made at {known.frame.source})" if known else ""
                raise UninitializedParameterError(
                    f"parameter {name!r} is lazy{made}: its shape is known only after a first "
                    "forward pass, so the hyper-parameters do not determine the count. Use the "
                    "eager layer with explicit sizes (nn.Linear, not nn.LazyLinear)."
                )
            found.append(_traced(name, parameter, "parameter", parameter.requires_grad, mode))
        for name, buffer in module.named_buffers():
            found.append(_traced(name, buffer, "buffer", False, mode))
    return tuple(found)


def _traced(name: str, tensor: torch.Tensor, kind: str, trainable: bool, mode: Any) -> TracedTensor:
    known = mode.known.get(id(tensor))
    shape: Shape | None = None
    if known is not None and known.shape is not None:
        shape = tuple(s._node if type(s) is SymInt else s for s in known.shape)
    return TracedTensor(
        name=name,
        shape=shape,
        dtype=str(tensor.dtype).removeprefix("torch."),
        itemsize=tensor.itemsize,
        kind=kind,
        trainable=trainable,
        frame=None if known is None else known.frame,
        operation="" if known is None else known.operation,
    )


def _describe(value: object) -> str:
    if value is None:
        return "None"
    kind = value.__class__.__name__  # a symbol says int
    return f"an {kind}" if kind[0] in "aeiouAEIOU" else f"a {kind}"
