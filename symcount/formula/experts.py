"""Count what a mixture of experts uses for a token: some of its experts, and all else.

Experts are told apart by their numbers, `experts.3.up.weight`, where each is a module of its own.
Where one tensor holds all, `experts.up` of the shape (experts, in, out), they are as many as a
parameter beside them has rows: the router, which scores each.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from symcount.algebra.comparing import compare
from symcount.algebra.conditions import mentions
from symcount.algebra.poly import Poly, const, declared, symbol, written
from symcount.algebra.substitution import reciprocal
from symcount.errors import ArgumentError
from symcount.formula.arithmetic import computed
from symcount.formula.choice_trees import Choice
from symcount.formula.formula import Formula
from symcount.formula.selecting import Pattern, chosen
from symcount.formula.signature import declared_facts
from symcount.formula.tree import Built, Excluded, Repeat, Split, TensorSpec, Tree, parts_of
from symcount.record import INDEX
from symcount.symbols import Hyperparameter, is_name

# `3`, `expert_3`, and of a loop `{0..n-1}`
_NUMBERED = re.compile(r"((?:expert_?)?)(?:[0-9]+|\{([0-9]+)\.\.[^{}]*\}|\{\*\})")


class _Place(NamedTuple):
    """Where a tensor of an expert is: the module that holds all experts, which expert, and what.

    `expert` is None where all are in one tensor.
    """

    module: tuple[str, ...]
    expert: str | None
    rest: tuple[str, ...]

    def named(self, expert: str) -> str:
        """Return the name of the same tensor of another expert."""
        return ".".join((*self.module, expert, *self.rest))


def active(count: Formula, experts: str, per_token: object) -> Formula:
    """Count some of the experts; see `ParamCount.active`."""
    names = chosen(count, "active", [experts], any)
    pattern = Pattern(experts)
    k, symbols = _per_token(count, per_token)
    facts = declared_facts(symbols)

    def of(leaf: Built) -> Tree:
        covered = [t for t in leaf.weights if count.measure.covers(t)]
        mixtures: dict[tuple[str, ...], dict[TensorSpec, _Place]] = {}
        for tensor in covered:
            if tensor.name in names:
                place = _place(tensor, pattern)
                mixtures.setdefault(place.module, {})[tensor] = place
        rest = [t for t in covered if t.name not in names]
        numbers, kept = [], {t: t for t in rest}
        for tensors in mixtures.values():
            number, used = _used(tensors, k, rest)
            numbers.append(number)
            kept |= used
        tree: Tree = Built(tuple(kept[t] for t in covered if t in kept), None)
        for number in dict.fromkeys(numbers):
            tree = _where_enough(tree, number, k, facts)
        return tree

    return computed(count, of, hyperparameters=symbols)


def _per_token(count: Formula, given: Any) -> tuple[Poly, tuple[Hyperparameter, ...]]:
    """Return the number of experts for each token, and the symbols of the formula."""
    known = {h.name: h for h in count.hyperparameters}
    if isinstance(given, str):
        if given in known and not known[given].real:
            return declared(known[given]), count.hyperparameters
        if is_name(given) and given not in known:
            return symbol(given), (*count.hyperparameters, Hyperparameter(given))
    elif hasattr(given, "__index__") and not isinstance(given, bool) and given >= 1:
        return const(operator.index(given)), count.hyperparameters
    raise ArgumentError(
        f"active(per_token={given!r}): use a positive integer, or the name of a symbol for it"
    )


def _place(tensor: TensorSpec, pattern: Pattern) -> _Place:
    """Find the number of the expert where a path begins to match, or right behind that."""
    if tensor.aliases:
        raise ArgumentError(
            f"active(): {tensor.name!r} is tied to {tensor.aliases[0]!r}, so it is not one expert's"
        )
    parts = tuple(parts_of(tensor.name))
    depths = range(1, len(parts) + 1)
    depth = next((d for d in depths if pattern.matches(".".join(parts[:d]))), len(parts))
    for at in (depth - 1, depth):
        if at < len(parts) and _NUMBERED.fullmatch(parts[at]):
            return _Place(parts[:at], parts[at], parts[at + 1 :])
    module = parts[: min(depth, len(parts) - 1)]
    return _Place(module, None, parts[len(module) :])


def _used(
    tensors: dict[TensorSpec, _Place], k: Poly, rest: Sequence[TensorSpec]
) -> tuple[Poly, dict[TensorSpec, TensorSpec]]:
    """Return how many experts a module holds, and what `k` of them have of each tensor."""
    experts = dict.fromkeys(place.expert for place in tensors.values())
    if any(expert is not None and "{" in expert for expert in experts) and len(experts) == 1:
        return _of_a_loop(tensors, k)
    if None in experts:
        return _of_a_stack(tensors, k, rest)
    return _of_a_list(tensors, k, [str(expert) for expert in experts], rest)


def _of_a_list(
    tensors: dict[TensorSpec, _Place], k: Poly, experts: Sequence[str], rest: Sequence[TensorSpec]
) -> tuple[Poly, dict[TensorSpec, TensorSpec]]:
    """Keep the first experts; of a number that is a symbol, the first one stands for all."""
    contents = [
        {place.rest: _shape(t) for t, place in tensors.items() if place.expert == expert}
        for expert in experts
    ]
    if any(content != contents[0] for content in contents) or any("{" in e for e in experts):
        raise _unlike(next(iter(tensors)))
    number, few = const(len(experts)), k.constant
    # In a loop it is not known what is tied, and one of two experts that are is not seen.
    if any(t.repeats for t in tensors) and not any(
        number in sizes for sizes in _beside(tensors, rest)
    ):
        raise _unseen(tensors, f"there are {written(number)} of them")
    if few is not None:
        used = experts[: int(few)]
        return number, {t: t for t, place in tensors.items() if place.expert in used}
    found = {}
    for tensor, place in tensors.items():
        if place.expert == experts[0]:
            outer = ".".join(place.module).count("{")
            prefix = experts[0].rstrip("0123456789")
            loop = Repeat(f"{INDEX}expert", k)
            found[tensor] = replace(
                tensor,
                name=place.named(f"{prefix}{{0..{written(k - const(1))}}}"),
                repeats=(*tensor.repeats[:outer], loop, *tensor.repeats[outer:]),
                total=_once(tensor) * k,
            )
    return number, found


def _of_a_loop(
    tensors: dict[TensorSpec, _Place], k: Poly
) -> tuple[Poly, dict[TensorSpec, TensorSpec]]:
    """Make fewer iterations of the loop that makes the experts."""
    found, numbers = {}, {}
    for tensor, place in tensors.items():
        outer = ".".join(place.module).count("{")
        if tensor.name.count("{") != len(tensor.repeats) or tensor.total is None:
            raise _unlike(tensor)
        loop = tensor.repeats[outer]
        others = [*tensor.repeats[:outer], *tensor.repeats[outer + 1 :]]
        polys = [*(tensor.shape or ()), loop.count, *(other.count for other in others)]
        whens = [loop.when, *(other.when for other in others)]
        if any(mentions(each, loop.index) for each in (*polys, *_conditions(whens))) or any(
            mentions(loop.count, other.index) for other in others
        ):
            raise _unlike(tensor)
        numbers[loop.count] = tensor
        expert = _fewer(str(place.expert), k)
        repeats = (*tensor.repeats[:outer], replace(loop, count=k), *tensor.repeats[outer + 1 :])
        total = tensor.total * reciprocal(loop.count) * k
        found[tensor] = replace(tensor, name=place.named(expert), repeats=repeats, total=total)
    if len(numbers) > 1:
        raise _unlike(next(iter(tensors)))
    return next(iter(numbers)), found


def _of_a_stack(
    tensors: dict[TensorSpec, _Place], k: Poly, rest: Sequence[TensorSpec]
) -> tuple[Poly, dict[TensorSpec, TensorSpec]]:
    """Keep the first experts of tensors that hold all."""
    first = next(iter(tensors))
    number = first.shape[0] if first.shape else const(0)
    rows = [sizes[0] for sizes in _beside(tensors, rest)]
    if number not in rows or any(not t.shape or t.shape[0] != number for t in tensors):
        raise _unseen(tensors, f"{written(number)} is not the first size of all of them")
    if any(mentions(number, loop.index) for t in tensors for loop in t.repeats):
        raise _unlike(first)
    found = {}
    for tensor in tensors:
        assert tensor.shape is not None
        total = None if tensor.total is None else tensor.total * reciprocal(number) * k
        found[tensor] = replace(tensor, shape=(k, *tensor.shape[1:]), total=total)
    return number, found


def _fewer(expert: str, k: Poly) -> str:
    """Return the part of a name for the first experts of a loop."""
    found = _NUMBERED.fullmatch(expert)
    if found is None or found[2] is None:
        return expert
    return f"{found[1]}{{{found[2]}..{written(k + const(int(found[2]) - 1))}}}"


def _once(tensor: TensorSpec) -> Poly:
    return replace(tensor, times=1).numel


def _shape(tensor: TensorSpec) -> tuple[Any, ...]:
    return tensor.shape, tensor.total, tensor.dtype, tensor.kind, tensor.trainable, tensor.times


def _conditions(trees: Iterable[Any]) -> Iterator[Poly]:
    for tree in trees:
        if isinstance(tree, Choice):
            yield from (tree.condition.left, tree.condition.right)
            yield from _conditions([tree.then, tree.otherwise])


def _beside(
    tensors: dict[TensorSpec, _Place], rest: Sequence[TensorSpec]
) -> Iterator[tuple[Poly, ...]]:
    """Yield the shapes of what is in the module around the experts, such as of their router."""
    around = ".".join((*next(iter(tensors.values())).module[:-1], ""))
    yield from (t.shape for t in rest if t.shape and t.name.startswith(around.lstrip(".")))


def _unseen(tensors: dict[TensorSpec, _Place], why: str) -> ArgumentError:
    module = ".".join(next(iter(tensors.values())).module)
    return ArgumentError(
        f"active(): how many experts there are in {module!r} is not seen: {why}, or not a size of "
        "their router; compute it, such as count - experts + experts * k // n"
    )


def _unlike(tensor: TensorSpec) -> ArgumentError:
    return ArgumentError(
        f"active(): the experts of {tensor.name!r} are not as many and of the same parameters in "
        "each place, so no number of them says which are active"
    )


def _where_enough(tree: Tree, number: Poly, k: Poly, facts: Any) -> Tree:
    """Exclude sizes at which there are fewer experts than a token uses."""
    condition, polarity = compare("le", k, number, facts)
    if condition is None and polarity:
        return tree
    said = f"is more than {written(number)}, the number of experts,"
    excluded = Excluded(said, ("per_token", written(k)))
    if condition is None:
        return excluded
    return Split(condition, None, *((tree, excluded) if polarity else (excluded, tree)))
