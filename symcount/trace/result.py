"""The result of a run on symbols: what it built or raised, and the branches it took."""

from __future__ import annotations

from dataclasses import dataclass, field

from symcount.record import Concretisation, Frame, Node, Program, Shape, Source, freeze
from symcount.symbols import Number
from symcount.trace.loops import Loop, Tags


@dataclass(frozen=True, eq=False)
class Branch:
    """A comparison the factory made: `left op right` was `taken` at the hints.

    `frame` is the factory's line, and `at` the very place, which may be torch's.
    A specialised one was not made by the factory: it needs the very value of `left`, which is
    compared with its hint.
    """

    op: str
    left: Node
    right: Node | Number
    taken: bool
    node: Node
    frame: Frame
    at: Frame
    specialised: bool = False
    tags: Tags = ()

    @property
    def source(self) -> Source:
        """The line that made the comparison."""
        return self.frame.source


@dataclass(frozen=True, eq=False)
class TracedTensor:
    """A parameter or buffer of the traced module.

    `shape` is None where the shape could not be followed (buffers only). `aliases` are the other
    names that the module has it under.
    """

    name: str
    shape: Shape | None
    dtype: str
    itemsize: int
    kind: str
    trainable: bool
    frame: Frame | None
    operation: str
    tags: Tags = ()
    aliases: tuple[str, ...] = ()


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
    loops: tuple[Loop, ...] = ()
    unrolled: tuple[Node, ...] = ()
    choices: tuple[Node, ...] = ()

    def program(self) -> Program:
        """The live arithmetic of this run, frozen."""
        return freeze(
            self.symbols,
            [(t.name, t.shape, t.frame) for t in self.tensors if t.shape is not None],
            [(b.node, b.taken) for b in self.branches],
        )
