"""The record of one run of a factory: integer arithmetic, branches and tensor creations.

While the factory runs, arithmetic on symbols adds light `Node`s (about a microsecond each).
Afterwards the nodes that still matter, those that reach a tensor's shape or a branch, are frozen
into a flat, picklable `Program`, which lowers to an ordinary `torch.fx.Graph`: it prints, it can
be validated, and as a `torch.fx.GraphModule` it runs on plain numbers, which makes it an
evaluator of the factory's arithmetic that owes nothing to the algebra of the formula.

`OPERATORS` is the one vocabulary of all of this. Whoever consumes nodes (the normal form, sympy,
compiled evaluation) keeps a table of its own over the same names, and a test holds the tables
together.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import CodeType
from typing import TYPE_CHECKING, Any, TypeAlias

from symcount.symbols import Number

if TYPE_CHECKING:
    import torch.fx


# The index of a loop is a symbol whose name starts with this, so that it is no hyper-parameter's.
INDEX = "@"
# The operation of a value that is not followed; what depends on it is.
TRACKED = "tracked"


@dataclass(frozen=True)
class Source:
    """A line of somebody's code."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Concretisation:
    """A symbolic value that became a plain number where tracing could not follow.

    `kind` is what asked for the number, `symbols` what it was computed from, and `value` what it
    was in the run that is reported. `tried` are the numbers at which modules were built to see
    whether it matters.
    """

    kind: str
    symbols: tuple[str, ...]
    value: Number | None
    source: Source
    tried: tuple[Number, ...] = ()

    def __str__(self) -> str:
        value = "" if self.value is None else f" of {self.value}"
        symbols = f" ({', '.join(self.symbols)})" if self.symbols else ""
        tried = ""
        if self.tried:
            tried = f"; tried at {len(self.tried)} numbers up to {max(self.tried)}"
        return f"{self.source}: {self.kind}{value}{symbols}{tried}"


class Frame:
    """A place in running code, resolved to a `Source` only when somebody asks."""

    __slots__ = ("code", "lasti")

    def __init__(self, code: CodeType, lasti: int) -> None:
        self.code: CodeType = code
        self.lasti: int = lasti

    @property
    def source(self) -> Source:
        """The file, line and function of this place."""
        line = self.code.co_firstlineno
        for start, end, number in self.code.co_lines():
            if start <= self.lasti < end and number is not None:
                line = number
        return Source(self.code.co_filename, line, self.code.co_name)


class Node:
    """One operation: its name in `OPERATORS`, its operands, and its value at the hints."""

    __slots__ = ("args", "frame", "hint", "op")

    def __init__(self, op: str, args: tuple[Any, ...], hint: Number, frame: Frame | None) -> None:
        self.op: str = op
        self.args: tuple[Any, ...] = args
        self.hint: Number = hint
        self.frame: Frame | None = frame


Shape: TypeAlias = tuple["Node | int", ...]


def _shift_left(a: int, b: int) -> int:
    return a << b


def _power(a: Number, b: Number) -> Number:
    result = a**b
    if isinstance(result, complex):
        raise ValueError("a negative number to a fractional power is complex")
    return result


def _bit_length(a: int) -> int:
    return a.bit_length()


def _bit_count(a: int) -> int:
    return a.bit_count()


def _if(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any, int, int], int]:
    def choose(left: Any, right: Any, then: int, otherwise: int) -> int:
        return then if compare(left, right) else otherwise

    return choose


# math functions of one number that give a float; "sqrt" of a symbol is a node "sqrt"
FLOAT_FUNCTIONS = (
    "acos acosh asin asinh atan atanh cos cosh degrees erf erfc exp expm1 fabs gamma lgamma "
    "log log10 log1p log2 radians sin sinh sqrt tan tanh"
).split()
# math functions of two numbers that give a float
FLOAT_FUNCTIONS_2 = "atan2 copysign fmod remainder".split()
# math functions of integers that give an integer
INTEGER_FUNCTIONS_2 = "gcd lcm comb perm".split()

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    name: getattr(operator, name) for name in ("eq", "ne", "lt", "le", "gt", "ge")
}

OPERATORS: dict[str, Callable[..., Any]] = {
    # integer or float, as Python decides
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "floordiv": operator.floordiv,
    "mod": operator.mod,
    "pow": _power,
    "neg": operator.neg,
    "abs": abs,
    "max": max,
    "min": min,
    # always a float
    "truediv": operator.truediv,
    "float": float,
    "round_digits": round,
    "hypot": math.hypot,
    "math_pow": math.pow,
    "log_base": math.log,
    # always an integer
    "trunc": int,
    "floor": math.floor,
    "ceil": math.ceil,
    "round": round,
    "and": operator.and_,
    "or": operator.or_,
    "xor": operator.xor,
    "invert": operator.invert,
    "lshift": _shift_left,
    "rshift": operator.rshift,
    "isqrt": math.isqrt,
    "factorial": math.factorial,
    "bit_length": _bit_length,
    "bit_count": _bit_count,
    **{name: getattr(math, name) for name in FLOAT_FUNCTIONS},
    **{name: getattr(math, name) for name in FLOAT_FUNCTIONS_2},
    **{name: getattr(math, name) for name in INTEGER_FUNCTIONS_2},
    **COMPARISONS,
    # of two integers, the first where a comparison holds, else the second
    **{f"if_{name}": _if(compare) for name, compare in COMPARISONS.items()},
}


def shape_of(*sizes: int) -> tuple[int, ...]:
    """The node of a created tensor in the fx graph: its sizes."""
    return sizes


@dataclass(frozen=True)
class Instruction:
    """One operation of a `Program`; operands are plain numbers or `Ref`s to earlier ones."""

    op: str
    args: tuple[Ref | Number | str, ...]
    source: Source | None


@dataclass(frozen=True)
class Ref:
    """The result of the instruction at this index."""

    index: int


@dataclass(frozen=True)
class Program:
    """The live arithmetic of one trace, flat and in an order that can be run.

    If it `is_of_one_length`, it computes what loops leave that are as long as in that trace.
    """

    instructions: tuple[Instruction, ...]
    tensors: tuple[tuple[str, tuple[Ref | int, ...], Source | None], ...]
    branches: tuple[tuple[Ref, bool], ...]
    is_of_one_length: bool = False

    def run(self, /, **values: Number) -> tuple[dict[str, tuple[int, ...]], list[bool]]:
        """Interpret the program on plain numbers: each tensor's sizes and each branch's truth."""
        results: list[Any] = []

        def value(operand: Any) -> Any:
            return results[operand.index] if isinstance(operand, Ref) else operand

        for step in self.instructions:
            if step.op == "symbol":
                results.append(values[str(step.args[0])])
            else:
                results.append(OPERATORS[step.op](*map(value, step.args)))
        shapes = {name: tuple(map(value, sizes)) for name, sizes, _ in self.tensors}
        return shapes, [bool(value(ref)) for ref, _ in self.branches]

    def lines_behind(self, tensors: Iterable[str]) -> Iterator[Source]:
        """The lines that compute the sizes of tensors, given their names."""
        wanted = set(tensors)
        waiting = [size for name, sizes, _ in self.tensors if name in wanted for size in sizes]
        indices = dict.fromkeys(ref.index for ref in waiting if isinstance(ref, Ref))
        order = list(indices)
        for index in order:
            step = self.instructions[index]
            if step.source is not None:
                yield step.source
            further = [arg.index for arg in step.args if isinstance(arg, Ref)]
            order += [each for each in dict.fromkeys(further) if each not in indices]
            indices |= dict.fromkeys(further)

    def fx_graph(self) -> torch.fx.Graph:
        """The program as a `torch.fx.Graph`, one placeholder a symbol.

        Its output is `{"tensors": {name: sizes}, "branches": (truth, ...)}`. Each node keeps the
        source line that made it in `node.meta["source"]`.
        """
        import torch.fx

        graph = torch.fx.Graph()
        nodes: list[torch.fx.Node] = []

        def value(operand: Any) -> Any:
            return nodes[operand.index] if isinstance(operand, Ref) else operand

        symbols_first = sorted(
            range(len(self.instructions)), key=lambda i: self.instructions[i].op != "symbol"
        )
        placed: dict[int, torch.fx.Node] = {}
        for index in symbols_first:
            step = self.instructions[index]
            if step.op != "symbol":
                break
            placed[index] = graph.placeholder(str(step.args[0]))
        for index, step in enumerate(self.instructions):
            if index in placed:
                nodes.append(placed[index])
                continue
            node = graph.call_function(OPERATORS[step.op], tuple(map(value, step.args)))
            node.meta["source"] = step.source
            nodes.append(node)
        created = {}
        for name, sizes, source in self.tensors:
            node = graph.call_function(shape_of, tuple(map(value, sizes)))
            node.meta["source"] = source
            node.meta["tensor"] = name
            created[name] = node
        branches = tuple(nodes[ref.index] for ref, _ in self.branches)
        graph.output({"tensors": created, "branches": branches})
        return graph


def validate(graph: torch.fx.Graph) -> None:
    """Raise `ValueError` unless `graph` is well formed and speaks only the known vocabulary."""
    graph.lint()
    known = {*OPERATORS.values(), shape_of}
    for node in graph.nodes:
        if node.op == "call_function" and node.target not in known:
            raise ValueError(f"node {node.name!r} calls {node.target!r}, which is no operator here")
        if node.op not in ("placeholder", "call_function", "output"):
            raise ValueError(f"node {node.name!r} is a {node.op}, which no factory's trace has")


def _is_computed(value: object) -> bool:
    """Tell whether an operand is a node of the program; an index is a number of this run."""
    return isinstance(value, Node) and value.op != "index"


def freeze(
    symbols: Iterable[Node],
    tensors: Iterable[tuple[str, Shape, Frame | None]],
    branches: Iterable[tuple[Node, bool]],
) -> Program:
    """The program of all nodes that reach one of `tensors` or `branches`."""
    refs: dict[int, Ref] = {}
    instructions: list[Instruction] = []
    indices: list[Node] = []

    def operand(value: Any) -> Any:
        if _is_computed(value):
            return refs[id(value)]
        if not isinstance(value, Node):
            return value
        indices.append(value)
        return value.hint

    def emit(node: Node) -> Ref | int:
        if not _is_computed(node):
            return int(operand(node))
        stack = [node]
        while stack:
            top = stack[-1]
            if id(top) in refs:
                stack.pop()
                continue
            waiting = [a for a in top.args if _is_computed(a) and id(a) not in refs]
            if waiting:
                stack.extend(waiting)
                continue
            stack.pop()
            args = tuple(map(operand, top.args))
            refs[id(top)] = Ref(len(instructions))
            source = top.frame.source if top.frame is not None else None
            instructions.append(Instruction(top.op, args, source))
        return refs[id(node)]

    for symbol in symbols:
        emit(symbol)
    frozen_tensors = tuple(
        (
            name,
            tuple(emit(size) if isinstance(size, Node) else size for size in shape),
            frame.source if frame is not None else None,
        )
        for name, shape, frame in tensors
    )
    is_of_one_length = bool(indices)
    frozen_branches = tuple(
        (ref, taken) for node, taken in branches if isinstance(ref := emit(node), Ref)
    )
    return Program(tuple(instructions), frozen_tensors, frozen_branches, is_of_one_length)
