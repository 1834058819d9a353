"""The rules of symbolic shapes: for every torch operation that has one, the derived sizes.

Each case is a factory that registers the result of an operation as a parameter. The formula must
say its size wherever torch gives one, and refuse wherever torch raises: sizes of one that
broadcast, remainders of a split, empty slices.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import symcount
from symcount.errors import DerivationError, InternalError, UnknownShapeError
from symcount.trace.tensors import mode
from symcount.trace.tensors.registering import Rules
from tests.brute_force import assert_exact
from tests.operations import (
    LAYERS,
    LAYERS_OF_TWO,
    LENIENT,
    OPERATIONS,
    OPERATIONS_OF_TWO,
    Holds,
    e,
)
from tests.trace.tensors import test_sparse

# refused, which is allowed
UNKNOWN = {"resize"}
# followed for the very value of a size, so that all of them fit in the budget of paths
FEW = {"len", "iter", "split", "split_last", "split_empty", "chunk_last"}


def cases(named: dict[str, Any]) -> list[Any]:
    return [pytest.param(build, id=name) for name, build in named.items() if name not in UNKNOWN]


@pytest.mark.parametrize("build", cases(OPERATIONS))
def test_operations_on_one_symbol(build: Callable[[Any], Any], request: Any) -> None:
    few = request.node.callspec.id in FEW
    fixed = {"d": symcount.Symbol(max=13)} if few else {}
    assert_exact(lambda d: Holds(build(d)), declared=fixed, d=range(1, 14))


@pytest.mark.parametrize("build", cases(OPERATIONS_OF_TWO))
@pytest.mark.parametrize("bounded", [True, False])
def test_operations_on_two_symbols(
    build: Callable[[Any, Any], Any], bounded: bool, request: Any
) -> None:
    if not bounded and request.node.callspec.id.endswith(("split", "chunk")):
        pytest.skip("more lengths than the budget of paths")
    declared = {name: symcount.Symbol(max=6) for name in "ab"} if bounded else {}
    assert_exact(lambda a, b: Holds(build(a, b)), declared=declared, a=range(1, 7), b=range(1, 7))


@pytest.mark.parametrize("name", sorted(UNKNOWN))
def test_operations_without_a_rule_are_refused(name: str) -> None:
    with pytest.raises(DerivationError):
        symcount.derive(lambda d: Holds(OPERATIONS[name](d)))


def test_a_parameter_of_unknown_shape_is_an_error() -> None:
    with pytest.raises(UnknownShapeError, match="cannot be followed"):
        symcount.derive(lambda d: Holds(torch.kron(e(d), e(3))))


@pytest.mark.parametrize("build", cases(LAYERS))
def test_layers_of_one_symbol(build: Callable[[Any], Any]) -> None:
    assert_exact(lambda d: Holds(build(d)), d=range(1, 14))


@pytest.mark.parametrize("build", cases(LENIENT))
def test_what_torch_computes_without_memory_alone_is_refused(build: Callable[[Any], Any]) -> None:
    with pytest.raises(UnknownShapeError):
        symcount.derive(lambda d: Holds(build(d)), d=symcount.Symbol(max=13))


@pytest.mark.parametrize("build", cases(LAYERS_OF_TWO))
def test_layers_of_two_symbols(build: Callable[[Any, Any], Any]) -> None:
    declared = {name: symcount.Symbol(max=8) for name in "ab"}
    assert_exact(lambda a, b: Holds(build(a, b)), declared=declared, a=range(1, 9), b=range(1, 9))


@pytest.mark.filterwarnings("ignore:An output with one or more elements was resized")
def test_an_argument_that_no_rule_knows_gives_no_shape() -> None:
    def with_values(d: int) -> nn.Module:  # into a tensor that has values, which are lost
        return Holds(torch.addmm(e(4), e(d, 3), e(3, 4), out=torch.tensor([[0.0]])))

    with pytest.raises(UnknownShapeError):
        symcount.derive(with_values)
    assert_exact(lambda d: Holds(torch.addmm(e(4), e(d, 3), e(3, 4), out=e(d, 4))), d=(1, 2, 8))


def test_a_function_that_once_refused_a_symbol_keeps_its_rule() -> None:
    """torch hands the mode whatever stands on `torch.Tensor`, which may be a wrapper by then."""
    symcount.derive(lambda d, n: Holds(e(d).chunk(n)[0]), n=symcount.Symbol(max=4))
    assert_exact(lambda d: Holds(e(d, 2).chunk(3)[0]), d=range(1, 20))


def test_two_rules_of_one_function_are_an_error() -> None:
    parts = [Rules(), Rules()]
    for part in parts:
        part.rule("matmul")(lambda call: call.real())
    with pytest.raises(InternalError, match="matmul has two rules"):
        Rules(*parts)


@pytest.mark.slow
def test_every_rule_but_few_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which torch functions the cases reach: a new rule needs a case."""
    reached: set[Any] = set()
    original = mode.RULES.by_function

    def noting(rule: Any) -> Any:
        def noted(call: Any) -> Any:
            reached.add(rule)
            return rule(call)

        return noted

    rules = Rules()
    rules.asking = mode.RULES.asking
    rules.by_function = {func: noting(rule) for func, rule in original.items()}
    monkeypatch.setattr(mode, "RULES", rules)
    for name, build in {**OPERATIONS, **LAYERS}.items():
        if name not in UNKNOWN:
            with contextlib.suppress(DerivationError):  # of those that raise at the hints
                symcount.derive(lambda d: Holds(build(d)), max_paths=1)  # noqa: B023
    symcount.derive(lambda d: Setters(d), max_paths=1)
    symcount.derive(lambda d: nn.utils.parametrizations.weight_norm(nn.Linear(d, 3)))
    symcount.derive(lambda d: Holds(e(2).expand_as(e(d, 2))))
    symcount.derive(lambda d: Holds(e(int(torch.tensor(3.0).item()), d)))
    for made in test_sparse.MADE.values():
        symcount.derive(lambda d: Holds(e(d), made(2, d)))  # noqa: B023
    for read in test_sparse.READ:
        with contextlib.suppress(DerivationError):
            symcount.derive(lambda d: Holds(e(read(test_sparse.mask(2, d).to_sparse()))))  # noqa: B023
    missed = {rule.__name__ for rule in set(original.values()) - reached}
    names = {f.__name__ for f, r in original.items() if r not in reached}
    assert not missed - {"apply_rule"}, (missed, names)


class Setters(nn.Module):
    """Assignments to tensors."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.empty(d, 2))
        self.p.data = torch.empty(d, 4)
        self.p.data[0] = 0
        self.register_buffer("b", torch.zeros(d, 3))
        self.b[:, 0] = 1
        self.b.copy_(torch.ones(d, 3))
