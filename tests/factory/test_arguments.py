"""Arguments as Python's users write them: what is a symbol, what is fixed, and what is wrong."""

from __future__ import annotations

import enum
import functools
import json
import typing
from collections.abc import Callable
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NewType,
    Optional,
    TypeVar,
    Union,
)

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.common_types import _size_2_t

import symcount
from symcount import ArgumentError, Symbol, derive
from symcount.factory.parameters import admits_integers, documented
from tests.brute_force import disagreement, grid

if TYPE_CHECKING:
    from nowhere import Known

Width = NewType("Width", int)
Size = TypeVar("Size", bound=int)


@pytest.mark.parametrize(
    "annotation",
    [
        int, "int", "'int'", "builtins.int", int | None, Optional[int], "Optional[int]",  # noqa: UP045
        Union[int, tuple[int, int]], "Union[int, tuple[int, int]]", "int | Known", _size_2_t,  # noqa: UP007
        Annotated[int, "a width"], "Annotated[int, 'a width']", Literal[1, 2], "Literal[1, 2]",
        Width, Size, typing.SupportsIndex, typing.ForwardRef("int"),
    ],
)  # fmt: skip
def test_annotations_that_admit_an_integer(annotation: Any) -> None:
    assert admits_integers(annotation)


@pytest.mark.parametrize(
    "annotation",
    [
        str, bool, float, "float", list[int], "list[int]", tuple[int, int], Any, object, None,
        Literal["a", True], "Literal['a']", TypeVar("Anything"), "not an annotation", "f(int)",
        Annotated[str, int], "Annotated[str, int]", Callable[[int], int],
    ],
)  # fmt: skip
def test_annotations_that_admit_none(annotation: Any) -> None:
    assert not admits_integers(annotation)


def test_unions_and_aliases_are_symbols_also_beside_what_only_type_checkers_know() -> None:
    def factory(a: _size_2_t, b: int | None, c: Known | int, d: Annotated[Width, "d"]):
        return nn.Conv2d(a, b, c, bias=bool(d))

    assert str(derive(factory)) == "a*b*c**2 + b"


def test_an_integer_below_one_stays_what_it_is_by_default() -> None:
    def factory(dim: int, padding: int = 0, axis: int = -1, bias: bool = False):
        return nn.Linear(dim + padding, 3 if axis < 0 else 5, bias=bias)

    count = derive(factory)
    assert str(count) == "3*dim"
    assert count.fixed == (("padding", "0"), ("axis", "-1"), ("bias", "False"))


@pytest.mark.parametrize("symbol", [Symbol(), Symbol(min=1), Symbol(max=64), Symbol(name="w")])
def test_it_is_a_symbol_without_a_default_where_it_is_named(symbol: Symbol) -> None:
    def factory(dim: int, window: int = 0):
        return nn.Linear(dim, 2 * window + 1)

    count = derive(factory, window=symbol)
    assert count(5, 7) == 5 * 15 + 15
    with pytest.raises(ArgumentError, match="needs a value for 'w"):
        count(5)


def test_a_member_of_an_enumeration_by_default_is_fixed() -> None:
    class Kind(enum.IntEnum):
        WIDE = 4

    def factory(dim: int, kind: Kind = Kind.WIDE):
        return nn.Linear(dim, 3 if kind is Kind.WIDE else 1, bias=False)

    assert str(derive(factory)) == "3*dim"


# --- signatures that say nothing --------------------------------------------------------------


@pytest.mark.parametrize("layer", [nn.RNN, nn.LSTM, nn.GRU])
def test_layers_of_which_the_overloads_name_the_sizes(layer: Any) -> None:
    if not hasattr(typing, "get_overloads"):  # before Python 3.11
        with pytest.raises(symcount.FactoryError, match="input_size=Symbol"):
            derive(layer)
        return
    count = derive(layer)
    assert [h.name for h in count.hyperparameters] == ["input_size", "hidden_size", "num_layers"]
    values = range(1, 6)
    for point in grid({"input_size": values, "hidden_size": values, "num_layers": values}):
        assert not disagreement(count, layer, point)


def test_what_a_docstring_says_of_arguments_is_said_where_nothing_else_does() -> None:
    def factory(*args, **kwargs):
        """Build a layer.

        Args:
            width (int): how wide it is.
            depth: how many
                times: it is there.

        Returns:
            nothing: of interest.
        """
        return nn.Linear(kwargs["width"], kwargs["depth"])

    assert documented(factory) == ["width", "depth"]
    with pytest.raises(symcount.FactoryError) as caught:
        derive(factory)
    assert str(caught.value).endswith(
        "The signature names no sizes; pass Symbol() for them. Its docstring lists width, depth: "
        "derive(factory, width=Symbol(), depth=Symbol())."
    )
    assert str(derive(factory, width=Symbol(), depth=2)) == "2*width + 2"


@pytest.mark.parametrize("layer", [nn.Identity, nn.Sequential, nn.NLLLoss2d])
def test_what_needs_no_argument_is_a_constant(layer: Any) -> None:
    assert str(derive(layer)) == "0"


# --- symbols in containers --------------------------------------------------------------------


class Stage(NamedTuple):
    depth: int
    width: int


def stages(dim: int, depths, widths=(8, 8), *, options=None):
    width, expansion = widths[0], (options or {}).get("expansion", 1)
    return nn.Sequential(
        nn.Linear(dim, width),
        *[nn.Linear(width, width * expansion) for _ in range(depths[0])],
        *[nn.Linear(widths[1], 3) for _ in range(depths[1])],
    )


def test_lists_tuples_and_dicts_of_symbols() -> None:
    count = derive(
        stages,
        depths=[Symbol(), Symbol(name="second")],
        widths=(Symbol(multiple_of=2), 5),
        options={"expansion": Symbol(), "unused": [1]},
    )
    names = ["dim", "depths_0", "second", "widths_0", "options_expansion"]
    assert [h.name for h in count.hyperparameters] == names
    assert [h.arguments for h in count.hyperparameters][1:] == [
        ("depths[0]",), ("depths[1]",), ("widths[0]",), ("options['expansion']",),
    ]  # fmt: skip
    assert count.fixed == (
        ("depths", "[depths_0, second]"),
        ("widths", "(widths_0, 5)"),
        ("options", "{'expansion': options_expansion, 'unused': [1]}"),
    )

    def by_name(dim, depths_0, second, widths_0, options_expansion):
        return stages(
            dim, [depths_0, second], (widths_0, 5), options={"expansion": options_expansion}
        )

    for point in grid(dict(zip(names, [(1, 3), (1, 2, 9), (1, 4), (2, 8), (1, 3)], strict=True))):
        assert not disagreement(count, by_name, point)


def test_a_named_tuple_of_symbols() -> None:
    def factory(stage: Stage):
        return nn.ModuleList([nn.Linear(stage.width, 2) for _ in range(stage.depth)])

    count = derive(factory, stage=Stage(Symbol(), Symbol()))
    assert str(count) == "2*stage_0*stage_1 + 2*stage_0"


def test_containers_without_symbols_are_given_as_they_are() -> None:
    given = [4, [5]]
    seen: list[Any] = []

    def factory(dim, sizes):
        seen.append(sizes)
        return nn.Linear(dim, sizes[0])

    derive(factory, sizes=given)
    assert all(sizes is given for sizes in seen)


def test_symbols_in_lists_are_stored_and_derived_again(tmp_path: Path) -> None:
    count = derive(stages, depths=[Symbol(), Symbol(min=2, max=40)], widths=(Symbol(name="w"), 5))
    symcount.save(tmp_path / "formulas.json", {"stages": count})
    stored = symcount.load(tmp_path / "formulas.json")["stages"]
    assert stored == count
    given = stored.origin.arguments
    assert given == {
        "dim": Symbol(),
        "depths": [Symbol(), Symbol(min=2, max=40)],
        "widths": (Symbol(name="w"), 5),
    }
    assert derive(stages, **given)(1, 2, 3, 4) == count(1, 2, 3, 4)


def test_two_places_may_not_imply_one_name() -> None:
    def factory(a_0: int, a):
        return nn.Linear(a_0, a[0])

    with pytest.raises(ArgumentError, match=r"called 'a_0'; name the one at a\[0\], Symbol\(name"):
        derive(factory, a=[Symbol()])
    assert str(derive(factory, a=[Symbol(name="b")])) == "a_0*b + b"
    assert str(derive(factory, a=[Symbol(name="a_0")])) == "a_0**2 + a_0"


def test_a_set_of_symbols_has_no_order() -> None:
    with pytest.raises(ArgumentError, match="sizes is a set of symbols, which has no order"):
        derive(lambda dim, sizes: nn.Linear(dim, 3), sizes={Symbol()})


# --- all complaints at once -------------------------------------------------------------------


def test_all_complaints_of_a_call_are_in_one_message() -> None:
    def factory(dim, name: str, config: Known, depth: int, again: int):
        return nn.Linear(dim, depth)

    with pytest.raises(ArgumentError) as caught:
        derive(
            factory, dept=3, depth=Symbol(name="d"), again=Symbol(name="d", min=2), dim={Symbol()}
        )
    assert str(caught.value) == (
        "factory: 5 arguments are not right:\n"
        "  dim is a set of symbols, which has no order; use a list\n"
        "  parameter 'name' is annotated str and has no default, so it needs a value\n"
        "  parameter 'config' is annotated Known and has no default, so it needs a value\n"
        "  has no parameter 'dept'; its parameters are: dim, name, config, depth, again\n"
        "  parameters 'depth' and 'again' share the symbol 'd' but declare different ranges; "
        "declare the same\n"
        "Give what is needed: derive(factory, name=..., config=...)"
    )


def test_one_complaint_is_a_sentence() -> None:
    with pytest.raises(ArgumentError) as caught:
        derive(nn.ConstantPad1d)
    assert str(caught.value) == (
        "ConstantPad1d: parameter 'value' is annotated float and has no default, so it needs a "
        "value: derive(ConstantPad1d, value=...)"
    )


# --- nothing to vary --------------------------------------------------------------------------


def test_a_factory_without_a_symbol_has_a_constant_formula(tmp_path: Path) -> None:
    def factory(bias: bool = True):
        return nn.Sequential(nn.Linear(3, 4, bias=bias), nn.ReLU())

    count = derive(factory)
    assert (str(count), count(), count.certificate.grade) == ("16", 16, "complete")
    assert count.hyperparameters == () and count.function() == 16
    assert int(count.evaluate()) == 16 and count.valid()
    assert str(count.select("0.weight")) == "12"
    for format in ("python", "latex", "markdown", "html", "sql", "json"):
        assert "16" in count.export(format)
    space: dict[str, Any] = {}
    exec(count.export("python"), space)
    assert space["factory"]() == 16
    symcount.save(tmp_path / "formulas.json", {"constant": count})
    assert symcount.load(tmp_path / "formulas.json")["constant"]() == 16
    assert json.loads(count.export("json"))["factory"] == "factory"
    with pytest.raises(ArgumentError, match="takes at most 0 values"):
        count(3)
    assert derive(functools.partial(nn.Linear, 3, 4), bias=False)() == 12
    with torch.device("meta"):
        assert np.int64(derive(nn.Tanh)()) == 0
