"""Choose what a formula adds up: which tensors, and how much each of their elements weighs."""

from __future__ import annotations

from dataclasses import dataclass

from symcount.errors import ArgumentError
from symcount.formula.tree import NO_TENSOR, TensorSpec


@dataclass(frozen=True)
class Measure:
    """The tensors that count, and the weight of each element: 1, or its bytes.

    `kind` is "parameter" or "buffer", or None for both. `names` may name tensors that do not count:
    those of the module that is looked at. A number counts as it is, whatever is measured.
    """

    kind: str | None = "parameter"
    trainable: bool | None = None
    dtype: str | None = None
    names: tuple[str, ...] | None = None
    in_bytes: bool = False

    @property
    def noun(self) -> str:
        """The name of what is added up."""
        if self.in_bytes:
            return "bytes"
        if self.kind != "parameter":
            return "buffer elements" if self.kind else "elements of parameters and buffers"
        return {None: "", True: "trainable ", False: "frozen "}[self.trainable] + "parameters"

    def weigh(self, tensor: TensorSpec) -> int:
        """Return what one element of a tensor adds: 0 where the tensor does not count."""
        if tensor.kind == NO_TENSOR:
            return int(self.covers(tensor))
        counts = (
            self.kind in (None, tensor.kind)
            and self.trainable in (None, tensor.trainable)
            and self.dtype in (None, tensor.dtype)
            and self.covers(tensor)
        )
        return (tensor.itemsize if self.in_bytes else 1) if counts else 0

    def covers(self, tensor: TensorSpec) -> bool:
        """Return whether a tensor, of whatever kind, is of the module that is looked at."""
        return self.names is None or tensor.name in self.names

    def require_unit_of(self, other: Measure, method: str) -> None:
        """Require that two measures are both of bytes, or neither.

        Raises:
            ArgumentError: they have no unit in common; `method` is what was called.
        """
        if self.in_bytes is not other.in_bytes:
            raise ArgumentError(
                f"{method}: {self.noun} and {other.noun} have no unit in common; "
                "take .nbytes of both formulas, or of neither"
            )
