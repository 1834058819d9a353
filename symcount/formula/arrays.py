"""Evaluate formulas on arrays of sizes: block by block, each along the way that a call would go.

Which branches are taken is decided in each block as a call decides it for one size: a block whose
sizes take both sides of a split is divided. Where numpy cannot compute a block with certainty, or
something raises in it, its sizes are counted one by one in Python. So a result is never wrong, and
slow only where it has to be.
"""

from __future__ import annotations

import numbers
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any, TypeAlias

from symcount.algebra.poly import Poly
from symcount.errors import ArgumentError, CountOverflowError, DomainError
from symcount.formula.int64 import LARGEST, Array, Block, Doubt, Int, Plans, both
from symcount.formula.signature import plain_number
from symcount.packages import numpy as np
from symcount.symbols import Hyperparameter

if TYPE_CHECKING:
    import torch

    from symcount.formula.formula import Formula

# A few arrays of so many numbers of 8 bytes are in the second-level cache together.
BLOCK = 65536
# Python refuses to write out an integer that is much larger.
_MOST_BITS_SAID = 2048

Arrays: TypeAlias = "Array | torch.Tensor"
# Sizes of a symbol; a tensor is the other kind.
Sizes: TypeAlias = "int | float | np.integer[Any] | range | np.ndarray[Any, Any]"


def counts(
    count: Formula, args: Sequence[Any], kwargs: Mapping[str, Any], dtype: str, fill: Any
) -> Arrays:
    """Count at arrays of sizes; see `ParamCount.evaluate`."""
    if fill is not None and all(h.name != "fill" for h in count.hyperparameters[: len(args)]):
        count.signature.require_no_symbol("evaluate", ["fill"])
    if type(dtype) is not str or dtype not in ("int64", "float64"):
        raise ArgumentError(f'dtype={dtype!r}: use "int64" or "float64"')
    missing = _fill_value(fill, dtype)
    sizes = _Sizes.of(count, args, kwargs)
    results, valid = _evaluated(count, sizes, np.dtype(dtype))
    outside = results.size - int(np.count_nonzero(valid))
    if outside and fill is None:
        raise _outside(count, sizes, valid, outside)
    if outside:
        results[~valid] = missing
    return sizes.like_input(results)


def mask(count: Formula, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Arrays:
    """Tell whether the formula holds at arrays of sizes; see `ParamCount.valid`."""
    sizes = _Sizes.of(count, args, kwargs)
    return sizes.like_input(_evaluated(count, sizes, None)[1])


def _fill_value(fill: Any, dtype: str) -> Any:
    if fill is None:
        return 0
    kind: Any = numbers.Real if dtype == "float64" else numbers.Integral
    if isinstance(fill, bool) or not isinstance(fill, kind):
        raise ArgumentError(f"fill={fill!r}: an array of {dtype} cannot hold it; use a number")
    if dtype == "int64" and not -LARGEST - 1 <= fill <= LARGEST:
        raise ArgumentError(f"fill={fill!r}: an array of int64 cannot hold it; use a smaller one")
    try:
        return float(fill) if dtype == "float64" else int(fill)
    except OverflowError:
        raise ArgumentError("fill=...: no double is as large; use a smaller one") from None


def _outside(count: Formula, sizes: _Sizes, valid: Array, outside: int) -> DomainError:
    place = int(np.argmin(valid.reshape(-1)))
    point = sizes.point(place)

    def message() -> str:
        return (
            f"outside the domain at {outside} of {valid.size} sizes, first{sizes.at(place)}: "
            f"{count.why_outside(point)}\n"
            "Pass fill=... for what the result holds there; valid(...) tells where that is."
        )

    return DomainError(message)


# --- arguments ---------------------------------------------------------------------------------


@dataclass
class _Sizes:
    """The arguments: a plain number for each scalar, an array for each other symbol."""

    hyperparameters: tuple[Hyperparameter, ...]
    scalars: dict[str, int | float]
    arrays: dict[str, Array]
    shape: tuple[int, ...]
    like_input: Callable[[Array], Arrays]

    @classmethod
    def of(cls, count: Formula, args: Sequence[Any], kwargs: Mapping[str, Any]) -> _Sizes:
        given = list(
            zip(count.hyperparameters, count.signature.assigned(args, kwargs), strict=True)
        )
        like_input = _back_to_torch([value for _, value in given])
        scalars: dict[str, int | float] = {}
        arrays: dict[str, Array] = {}
        for h, value in given:
            values = _as_array(value, h)
            if values is None:
                scalars[h.name] = plain_number(value, h)
            else:
                arrays[h.name] = values
        try:
            shape = np.broadcast_shapes(*(a.shape for a in arrays.values()))
        except ValueError:
            shapes = ", ".join(f"{name} has {a.shape}" for name, a in arrays.items())
            raise ArgumentError(
                f"the shapes of the arrays do not broadcast together: {shapes}"
            ) from None
        return cls(count.hyperparameters, scalars, arrays, shape, like_input)

    def point(self, place: int) -> tuple[int | float, ...]:
        """Return the values of all symbols at a place, counted along the rows of the result."""
        index = np.unravel_index(place, self.shape)
        here = {n: np.broadcast_to(a, self.shape)[index].item() for n, a in self.arrays.items()}
        return tuple(here.get(h.name, self.scalars.get(h.name, 0)) for h in self.hyperparameters)

    def at(self, place: int) -> str:
        index = tuple(map(int, np.unravel_index(place, self.shape)))
        return f" at index {index}" if index else ""

    def blocks(self) -> Iterator[dict[str, Array]]:
        """Yield the arrays, broadcast and cut into flat blocks of int64 and float64."""
        real = {h.name: h.real for h in self.hyperparameters}
        steps = np.nditer(
            list(self.arrays.values()),
            flags=["external_loop", "buffered", "zerosize_ok"],
            op_flags=[["readonly"]] * len(self.arrays),
            op_dtypes=[np.dtype(float if real[name] else np.int64) for name in self.arrays],
            casting="same_kind",
            order="C",
            buffersize=BLOCK,
        )
        for block in steps:
            columns: Any = (block,) if len(self.arrays) == 1 else block
            yield dict(zip(self.arrays, columns, strict=True))


def _as_array(value: Any, h: Hyperparameter) -> Array | None:
    """Return the value as an array of integers, or of numbers if real; None if plain."""
    if _is_tensor(value):
        return _checked_array(_of_tensor(value, h), h, "a tensor")
    if isinstance(value, np.ma.MaskedArray):
        raise ArgumentError(
            f"{h.name} is a masked array, of which the masked sizes would be counted too; give a "
            "plain array, such as .compressed() or .filled(...) returns"
        )
    if isinstance(value, np.ndarray):
        return _checked_array(value, h, "an array")
    if isinstance(value, range):
        ends = {0: value[0], (value[-1] - value[0]) // value.step: value[-1]} if value else {}
        for place, size in ends.items():
            if abs(size) > LARGEST:
                raise CountOverflowError(
                    f"{h.name} is {size} at index ({place},), which int64 does not hold. Count "
                    "such sizes by a call with Python's integers."
                )
        return _checked_array(np.array(value, dtype=None if value else np.int64), h, "a range")
    if isinstance(value, list | tuple):
        raise ArgumentError(
            f"{h.name} is a {type(value).__name__}: give an integer, a range, a NumPy array or a "
            "torch tensor, such as numpy.array(...)"
        )
    return None


def _checked_array(values: Array, h: Hyperparameter, noun: str) -> Array:
    if values.dtype.kind not in ("iuf" if h.real else "iu"):
        wanted = "numbers" if h.real else "integers"
        raise ArgumentError(
            f"{h.name} is {noun} of {values.dtype}: this hyper-parameter takes {wanted}. Convert "
            f"it first, such as by .astype({'float' if h.real else 'int'})"
        )
    if values.dtype.kind == "f" and values.dtype.itemsize > 8:
        raise ArgumentError(f"{h.name} is {noun} of {values.dtype}: convert it to float64 first")
    if values.dtype == np.uint64 and not h.real:
        if values.size and int(values.max()) > LARGEST:
            place = np.unravel_index(int(np.argmax(values)), values.shape)
            raise CountOverflowError(
                f"{h.name} is {int(values[place])} at index {tuple(map(int, place))}, which int64 "
                "does not hold. Count this size by a call with Python's integers."
            )
        return values.astype(np.int64)
    return values.astype(np.float64) if h.real else values


def _is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")  # who has a tensor has imported it
    return torch is not None and isinstance(value, torch.Tensor)


def _of_tensor(tensor: torch.Tensor, h: Hyperparameter) -> Array:
    if tensor.device.type == "meta":
        raise ArgumentError(f"{h.name} is a tensor on the meta device, which has no values")
    tensor = tensor.detach().cpu()
    if h.real and tensor.dtype.is_floating_point:
        tensor = tensor.double()
    try:
        return np.asarray(tensor.numpy())
    except (RuntimeError, TypeError) as error:
        raise ArgumentError(f"{h.name} is a tensor of {tensor.dtype}: {error}") from None


def _back_to_torch(values: Sequence[Any]) -> Callable[[Array], Arrays]:
    """Return what turns the result into the kind of the arguments: a tensor, where tensors are."""
    tensors = [value for value in values if _is_tensor(value)]
    if not tensors:
        return lambda result: result
    devices = {str(tensor.device) for tensor in tensors}
    if len(devices) > 1:
        raise ArgumentError(
            f"the tensors are on different devices ({', '.join(sorted(devices))}); move them to one"
        )
    import torch

    return lambda result: torch.from_numpy(result).to(tensors[0].device)


# --- going through the blocks ------------------------------------------------------------------


def _evaluated(count: Formula, sizes: _Sizes, dtype: np.dtype[Any] | None) -> tuple[Array, Array]:
    """Return the counts at sizes in the domain, and which those are; without dtype, the latter."""
    results = np.zeros(0) if dtype is None else np.empty(sizes.shape, dtype)
    valid = np.ones(sizes.shape, bool)
    walk = _Descent(count, sizes, results.reshape(-1), valid.reshape(-1), dtype)
    if any(
        sizes.scalars[h.name] not in h for h in sizes.hyperparameters if h.name in sizes.scalars
    ):
        valid[...] = False
    elif sizes.arrays:
        start = 0
        for columns in sizes.blocks():
            start += walk.through(columns, start)
    else:
        walk.one_by_one(Block(walk.plans, {}, 1), 0)
    return results, valid


@dataclass
class _Descent:
    """The way of all blocks through the tree of a formula."""

    count: Formula
    sizes: _Sizes
    results: Array
    valid: Array
    dtype: np.dtype[Any] | None

    def __post_init__(self) -> None:
        self.names = [h.name for h in self.sizes.hyperparameters]
        self.plans = Plans(self.sizes.scalars)

    def through(self, columns: dict[str, Array], start: int) -> int:
        """Count at a block of sizes, the first of which is at `start`; returns how many it has."""
        length = len(next(iter(columns.values())))
        block = self.declared(Block(self.plans, columns, length), start)
        if block is None or self.at_once(block, start):
            return length
        todo = [(self.count.pieces, block)]
        while todo:
            node, block = todo.pop()
            try:
                node = self.descended(node, block, todo, start)
                if node is not None:
                    self.keep(block, start, block.integer(node))
            except (Doubt, ArithmeticError, ValueError):
                self.one_by_one(block, start)
        return length

    def at_once(self, block: Block, start: int) -> bool:
        """Count at a block as a whole, if it leads to one polynomial or out of the domain.

        What is computed for sizes that are not led there is not used, and where it cannot be
        computed, the block is not counted.
        """
        try:
            ways = self.ways(block)
            inside = [poly for poly in ways if poly is not None]
            if len(inside) > 1:
                return False
            value = block.integer(inside[0]) if inside else None
            if value is not None:
                self.keep(block, start, value)
        except (Doubt, ArithmeticError, ValueError):
            return False
        self.valid[block.places(start)] = ways[inside[0]] if inside else False
        return True

    def ways(self, block: Block) -> dict[Poly | None, Any]:
        """Find the leaves that sizes of a block are led to, and which sizes, True being all."""
        found: dict[Poly | None, Any] = {}
        todo: list[tuple[Any, Any]] = [(self.count.pieces, True)]
        while todo:
            node, here = todo.pop()
            while hasattr(node, "condition"):
                test = block.holds(node.condition)
                if isinstance(test, bool):
                    node = node.then if test else node.otherwise
                    continue
                then, otherwise = both(here, test), both(here, ~test)
                if not otherwise.any():
                    node = node.then
                elif not then.any():
                    node = node.otherwise
                else:
                    todo.append((node.otherwise, otherwise))
                    node, here = node.then, then
            found[node] = found[node] | here if node in found else here
        return found

    def declared(self, block: Block, start: int) -> Block | None:
        """Select the part of a block within the declared bounds of the symbols."""
        inside: Any = True
        for h in self.sizes.hyperparameters:
            if h.name in block.columns:
                inside = both(inside, block.within(h))
        return self.selected(block, inside, start)

    def selected(self, block: Block, inside: Any, start: int) -> Block | None:
        """Select the part of a block where a test is true; the rest is outside the domain."""
        kept = block.length if inside is True else int(np.count_nonzero(inside))
        if kept == block.length:
            return block
        self.refuse(block if kept == 0 else block.part(~inside), start)
        return block.part(inside) if kept else None

    def descended(
        self, node: Any, block: Block, todo: list[tuple[Any, Block]], start: int
    ) -> Poly | None:
        """Find the leaf of all sizes of a block; parts that lead elsewhere are put on `todo`."""
        while hasattr(node, "condition"):
            test = block.holds(node.condition)
            taken = block.length * bool(test) if isinstance(test, bool) else np.count_nonzero(test)
            if taken == block.length:
                node = node.then
            elif taken == 0:
                node = node.otherwise
            else:
                todo += [(node.then, block.part(test)), (node.otherwise, block.part(~test))]
                return None
        if node is None:
            self.refuse(block, start)
        leaf: Poly | None = node
        return leaf

    def refuse(self, block: Block, start: int) -> None:
        self.valid[block.places(start)] = False

    def keep(self, block: Block, start: int, value: Int) -> None:
        if self.dtype is not None:
            if isinstance(value.data, int) and abs(value.data) > LARGEST:
                raise Doubt
            self.results[block.places(start)] = value.data

    def one_by_one(self, block: Block, start: int) -> None:
        """Count at each size of a block in Python, where every integer fits."""
        columns = [block.listed(name) for name in self.names]
        places = range(start, start + block.length) if block.rows is None else start + block.rows
        points = zip(*columns, strict=True) if columns else repeat((), block.length)
        for place, values in zip(places, points, strict=True):
            result = self.count.at(values)
            if result is None:
                self.valid[place] = False
            elif self.dtype is not None:
                self.results[place] = self.fitting(result, int(place))

    def fitting(self, result: int, place: int) -> int | float:
        assert self.dtype is not None
        if self.dtype.kind == "i" and abs(result) <= LARGEST:
            return result
        point = dict(zip(self.names, self.sizes.point(place), strict=True))
        here = ", ".join(f"{name}={value}" for name, value in point.items())
        try:
            if self.dtype.kind == "f":
                return float(result)
        except OverflowError:
            raise CountOverflowError(
                f"the count{self.sizes.at(place)} of {here} is too large for a double. Count this "
                "size by a call, which returns an integer of any size."
            ) from None
        bits = result.bit_length()
        said = result if bits <= _MOST_BITS_SAID else f"an integer of {bits} bits"
        raise CountOverflowError(
            f"the count{self.sizes.at(place)} of {here} is {said}, which int64 does not hold. "
            'Pass dtype="float64" for the doubles next to the counts, or count this size by a '
            "call, which returns an integer of any size."
        )
