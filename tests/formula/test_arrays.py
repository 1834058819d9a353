"""`ParamCount.evaluate` and `mask`: what a call gives, for arrays of sizes."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from fractions import Fraction
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import symcount
from examples import families
from symcount import ParamCount, Symbol, blueprints, derive
from symcount.algebra.conditions import Condition
from symcount.algebra.facts import Facts
from symcount.algebra.functions import CALLS, CHOICES, call
from symcount.algebra.poly import Call, atom, const, symbol
from symcount.algebra.rounding import floordiv
from symcount.blueprints import cnn, transformer  # noqa: F401
from symcount.formula import arrays as vectorise
from symcount.formula.tree import Split
from symcount.record import FLOAT_FUNCTIONS_2
from symcount.symbols import Hyperparameter
from tests.formulas import OUTSIDE, formula, formulas, leaf
from tests.random_expressions import NAMES, thorough
from tests.slow import mostly_slow

LARGEST = 2**63 - 1
d, h = symbol("d"), symbol("h")


def attention(dim: int, heads: int = 8) -> nn.Module:
    return nn.MultiheadAttention(dim, heads)


@pytest.fixture(scope="module")
def count() -> ParamCount:
    return derive(attention)


def one_by_one(count: ParamCount, sizes: Mapping[str, Any]) -> list[int | None]:
    """The counts at the sizes, in the order of the result; None outside the domain."""
    arrays = np.broadcast_arrays(*(np.asarray(v, dtype=object) for v in sizes.values()))
    results = []
    for values in zip(*(a.reshape(-1) for a in arrays), strict=True):
        point = dict(zip(sizes, values, strict=True))
        results.append(count(**point) if count.valid(**point) else None)
    return results


def agree(count: ParamCount, sizes: Mapping[str, Any]) -> None:
    """Compare arrays of both types and the mask with calls, one for each size."""
    expected = one_by_one(count, sizes)
    shape = np.broadcast_shapes(*(np.shape(v) for v in sizes.values()))
    mask = np.asarray(count.valid(**sizes))  # of numbers it is a bool
    assert (mask.dtype, mask.shape) == (np.dtype(bool), shape)
    assert mask.reshape(-1).tolist() == [n is not None for n in expected]
    if all(n is None or abs(n) <= LARGEST for n in expected):
        exact = count.evaluate(**sizes, fill=-7)
        assert (exact.dtype, exact.shape) == (np.dtype(np.int64), shape)
        assert exact.reshape(-1).tolist() == [-7 if n is None else n for n in expected]
    else:
        with pytest.raises(symcount.CountOverflowError, match="which int64 does not hold"):
            count.evaluate(**sizes, fill=-7)
    if all(n is None or abs(n) < 2**1023 for n in expected):
        doubles = count.evaluate(**sizes, fill=-0.5, dtype="float64")
        assert (doubles.dtype, doubles.shape) == (np.dtype(float), shape)
        assert doubles.reshape(-1).tolist() == [-0.5 if n is None else float(n) for n in expected]


# --- agreement with calls ---

NUMBERS = st.one_of(
    st.integers(1, 12),
    st.integers(1, 100),
    st.integers(-3, 2**20),
    st.sampled_from((2**26, 2**31, 2**40, 2**53 + 1, 2**62, LARGEST)),
)


@st.composite
def columns(draw: Any) -> dict[str, Any]:
    length = draw(st.integers(1, 12))
    small = st.integers(1, 20)
    given_ = {}
    for name in NAMES:
        numbers = draw(st.sampled_from((small, small, NUMBERS)))
        if draw(st.booleans()):
            values = draw(st.lists(numbers, min_size=length, max_size=length))
            given_[name] = np.array(values, dtype=np.int64)
        else:
            given_[name] = draw(numbers)
    return given_


@thorough(120)
@given(formulas(), columns())
def test_random_formulas_give_what_calls_give(count: ParamCount, sizes: dict[str, Any]) -> None:
    agree(count, sizes)


def drawn(h: Hyperparameter, draw: random.Random, length: int) -> Any:
    """Random sizes: small or large, in the domain or not, an array or one number for all."""
    if h.real:
        return np.array([draw.choice((0.25, 0.29, 1.0, 2.0, 0.0)) for _ in range(length)])
    high = draw.choice((4, 16, 256, 4096, 10**6, 10**12))
    if draw.random() < 0.25:
        return draw.choice((8, 64, high))
    step = draw.choice((1, h.multiple_of, 4 * h.multiple_of))
    return np.array([draw.randint(0, high) * step for _ in range(length)])


def agree_at_random_sizes(count: ParamCount, rounds: int) -> None:
    draw = random.Random(count.factory)
    for _ in range(rounds):
        agree(count, {h.name: drawn(h, draw, 50) for h in count.hyperparameters})


@pytest.mark.parametrize("spec", list(blueprints), ids=lambda spec: spec.key)
def test_the_blueprints(spec: Any) -> None:
    agree_at_random_sizes(spec.param_count, 12)


QUICKLY_DERIVED = (
    families.gpt2,
    families.llama,
    families.mixtral,
    families.vit,
    families.swin,
    families.convnext,
    families.resnet,
    families.mobilenet_v1,
)


@pytest.mark.skipif(find_spec("transformers") is None, reason="transformers is not installed")
@pytest.mark.parametrize(
    "family", mostly_slow(QUICKLY_DERIVED, every=3, name=lambda family: family.__name__)
)
def test_published_families(family: Any) -> None:
    alike = [size for size in families.PUBLISHED if size.family is family]
    count = families.derived(alike[0])
    agree_at_random_sizes(count, 8)
    same = [size for size in alike if size.fixed == alike[0].fixed]
    columns = {name: np.array([s.symbolic[name] for s in same]) for name in same[0].symbolic}
    results = count.evaluate(**columns).tolist()
    assert all(size.is_total(n) for size, n in zip(same, results, strict=True))


# How many numbers a function takes, if not one or, of floats in pairs, two.
TAKES = {
    **dict.fromkeys(("floor", "abs", "isqrt", "factorial", "bit_length", "bit_count"), (1,)),
    **dict.fromkeys(("max", "min", "gcd", "lcm"), (2, 3)),
    **dict.fromkeys(("floordiv", "mod", "pow", "and", "or", "xor", "comb", "perm"), (2,)),
    **dict.fromkeys(("fadd", "fmul", "fdiv", "truediv", "ffloordiv", "fmod_py", "fpow"), (2,)),
    **dict.fromkeys((*FLOAT_FUNCTIONS_2, "math_pow", "fround", "round_digits"), (2,)),
    **dict.fromkeys(("hypot", "log_base"), (1, 2)),
    **dict.fromkeys(CHOICES, (4,)),
}


def of_every_function() -> dict[str, Any]:
    """A formula for each function of the algebra, with float steps where it takes floats."""
    cases = {}
    for op, function in CALLS.items():
        for arity in TAKES.get(op, (1,)):
            args = [d, h, d * h, d + h][:arity]
            if op in ("fround", "round_digits"):
                args[0] = call("fdiv", d * h, const(7)) if op == "fround" else d * h
                args[1] = const(1) - call("mod", h, const(3))
            elif op in ROUNDINGS or (function.is_float and op != "truediv"):
                args = [call("fdiv", a, const(7)) for a in args]
            poly = call(op, *args)
            if function.is_float:
                poly = call("trunc", call("fmul", poly, const(1000)))
            cases[f"{op}-{arity}"] = poly
    return cases


ROUNDINGS = ("trunc", "floor_float", "ceil_float", "round")
OF_EVERY_FUNCTION = of_every_function()


@pytest.mark.parametrize("name", sorted(OF_EVERY_FUNCTION))
def test_every_function_is_computed_or_left_to_python(name: str) -> None:
    count = formula(OF_EVERY_FUNCTION[name], ("d", "h"))
    draw = random.Random(name)
    found = 0
    for high in (6, 40, 1000):
        dims = np.array([draw.randint(1, high) for _ in range(30)])
        heads = np.array([draw.randint(1, min(high, 40)) for _ in range(30)])
        agree(count, {"d": dims, "h": heads})
        agree(count, {"d": dims, "h": 3})
        found += np.count_nonzero(count.valid(dims, heads))
    assert found, f"{name} is defined nowhere"


SMALL = call("min", d - h, const(7))
OTHER = call("min", h - d, const(9))
NEGATIVE = {
    "product": call("max", SMALL * OTHER, d - const(100)),
    "used again": SMALL * (SMALL + d + OTHER) + OTHER * (h + OTHER) + SMALL + OTHER,
    "floordiv": call("floordiv", d - h, h - const(5)),
    "mod": call("mod", d - h, h - const(5)),
    "and": call("and", d - h, const(-3) + h),
    "or": call("or", d - h, h),
    "xor": call("xor", d - h, const(0) - h),
    "gcd": call("gcd", const(10) - d, h - const(20)),
    "lcm": call("lcm", const(10) - d, h - const(20)),
    "pow": call("pow", h - d, call("mod", d, const(5))),
    "bit_length": call("bit_length", d - h),
    "floor": floordiv(h - d, const(3), Facts()),
    "choice": call("if_lt", d, h, h - d, d - h),
    "extrema": call("max", h - d, call("min", d - h, const(-3), h)) * (d - h),
    "power": (d - h) ** 5 - d**4,
}


@pytest.mark.parametrize("poly", NEGATIVE.values(), ids=NEGATIVE)
def test_negative_numbers_are_divided_and_rounded_as_python_does(poly: Any) -> None:
    grid = np.arange(1, 31)
    count = formula(poly, ("d", "h"))
    agree(count, {"d": grid[:, None], "h": grid})
    for one in (3, 5, 8, 30):
        agree(count, {"d": grid, "h": one})
        agree(count, {"d": one, "h": grid})


# --- the bounds of int64 ---


def test_an_intermediate_result_that_does_not_fit_is_no_error() -> None:
    """`d**3` does not fit where the quotient does."""
    count = formula(floordiv(d**3, h, Facts()), ("d", "h"))
    assert count.evaluate(np.array([10**7, 3]), np.array([10**5, 2])).tolist() == [10**16, 13]
    agree(count, {"d": np.array([10**7, 3, 2**22]), "h": np.array([10**5, 2, 1])})


def test_bounds_of_sizes_that_do_not_occur_together_raise_no_alarm() -> None:
    """The largest of one array times the largest of the other would not fit."""
    count = formula(d * h, ("d", "h"))
    assert count.evaluate(np.array([1, 2**40]), np.array([2**41, 3])).tolist() == [2**41, 3 * 2**40]


def test_the_largest_integer_fits_and_the_next_does_not() -> None:
    count = formula(d + h, ("d", "h"))
    sizes = np.array([[5, LARGEST - 1]])
    assert count.evaluate(sizes, 1).tolist() == [[6, LARGEST]]
    with pytest.raises(symcount.CountOverflowError) as raised:
        count.evaluate(sizes, 2)
    assert isinstance(raised.value, OverflowError)
    assert str(raised.value) == (
        f"the count at index (0, 1) of d={LARGEST - 1}, h=2 is {2**63}, which int64 does not hold. "
        'Pass dtype="float64" for the doubles next to the counts, or count this size by a call, '
        "which returns an integer of any size."
    )
    assert count.evaluate(sizes, 2, dtype="float64").tolist() == [[7.0, 2.0**63]]
    assert count.valid(sizes, 2).tolist() == [[True, True]]


def test_an_error_does_not_write_out_what_python_would_not() -> None:
    count = formula(atom(Call("pow", (const(2), d))), ("d",))
    with pytest.raises(symcount.CountOverflowError, match="is an integer of 20001 bits, which"):
        count.evaluate(np.array([5, 20_000]))
    for ask in (count.valid, count, lambda size: count.evaluate(np.array([size]))):
        with pytest.raises(symcount.CountOverflowError, match="is not computed"):
            ask(10**12)


def test_doubles_are_the_nearest_to_the_exact_counts() -> None:
    """Computed in doubles, `d**4 - (d - 1)**4` would lose most of its digits."""
    count = formula(d**4 - (d - const(1)) ** 4, ("d",))
    sizes = np.array([3, 10**5 + 1, 10**6 + 1, 2**40 + 1])
    exact = [int(s) ** 4 - (int(s) - 1) ** 4 for s in sizes]
    assert count.evaluate(sizes, dtype="float64").tolist() == [float(n) for n in exact]
    with pytest.raises(symcount.CountOverflowError, match="is too large for a double"):
        formula(d * h, ("d", "h")).evaluate(sizes, 10**309, dtype="float64")


def test_plain_integers_of_any_size_mix_in() -> None:
    count = formula(floordiv(d * h, const(10**30), Facts()), ("d", "h"))
    assert count.evaluate(np.arange(1, 4), 10**30).tolist() == [1, 2, 3]
    assert count.evaluate(10**16, 10**30).tolist() == 10**16
    with pytest.raises(symcount.CountOverflowError, match="at index"):
        count.evaluate(np.arange(1, 4), 10**60)


# --- the domain ---


def test_outside_the_domain_it_raises_or_fills(count: ParamCount) -> None:
    sizes = np.array([[64, 60, 72], [61, 0, 8]])
    with pytest.raises(symcount.DomainError) as raised:
        count.evaluate(sizes)
    message = str(raised.value)
    assert message.startswith(
        "outside the domain at 3 of 6 sizes, first at index (0, 1): dim=60, heads=8 is outside the "
        "domain of attention: Eq(Mod(dim, heads), 0) fails"
    )
    assert message.endswith(
        "Pass fill=... for what the result holds there; valid(...) tells where that is."
    )
    assert count.evaluate(sizes, fill=0).tolist() == [[16640, 0, 21024], [0, 0, 288]]
    doubles = count.evaluate(sizes, fill=math.nan, dtype="float64")
    assert np.isnan(doubles).tolist() == [[False, True, False], [True, True, False]]
    assert count.valid(sizes).tolist() == [[True, False, True], [False, False, True]]
    assert count.valid(sizes, 0).tolist() == [[False] * 3] * 2
    with pytest.raises(symcount.DomainError, match="at 1 of 1 sizes, first: dim=9, heads=8 is"):
        count.evaluate(9)


def test_each_size_takes_its_own_way_through_the_branches() -> None:
    tree = Split(Condition("ge", d, const(10)), None, leaf(d * d), OUTSIDE)
    tree = Split(Condition("ge", d, const(20)), None, leaf(d + h), tree)
    tree = Split(Condition("eq", call("mod", d, const(2)), const(0)), None, tree, leaf(h))
    agree(formula(tree, ("d", "h")), {"d": np.arange(-3, 60), "h": 7})
    agree(formula(tree, ("d", "h")), {"d": np.arange(-3, 60), "h": np.arange(-3, 60) // 4})


def test_division_by_zero_is_outside_the_domain_only_where_it_happens() -> None:
    count = formula(call("floordiv", d, h - const(3)) + d, ("d", "h"))
    agree(count, {"d": np.arange(1, 9), "h": np.arange(1, 9)})
    agree(count, {"d": np.arange(1, 9), "h": 3})


def test_declared_bounds() -> None:
    count = formula(d * h, [Hyperparameter("d", 8, 64, 8), Hyperparameter("h", 2)])
    agree(count, {"d": np.arange(-8, 80), "h": np.arange(-8, 80) // 2})
    agree(count, {"d": np.full(5, 12), "h": 3})
    agree(count, {"d": 12, "h": np.arange(5)})


def test_real_symbols_take_floats() -> None:
    def factory(d: int, ratio: float) -> nn.Module:
        return nn.Linear(d, max(1, int(d * ratio)), bias=False)

    count = derive(factory, ratio=Symbol(real=True))
    ratios = np.array([0.29, 0.7, 1.1, -1.0, 0.0, np.inf, np.nan, 2.0**30])
    agree(count, {"d": np.arange(1, 200)[:, None], "ratio": ratios})
    single = np.array([0.29], np.float32)
    assert count.evaluate(100, single).item() == count(100, float(single[0]))
    assert count.evaluate(100, np.array([3])).item() == count(100, 3)
    assert count.evaluate(torch.tensor(100), torch.tensor([0.5]).bfloat16()).item() == 5000
    with pytest.raises(symcount.ArgumentError, match="ratio is an array of bool"):
        count.evaluate(100, np.array([True]))


# --- arrays of every kind ---

SIZES = np.array([[8, 16, 24], [32, 40, 120]])


@pytest.mark.parametrize(
    "dtype",
    ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", ">i4", ">i8"],
)
def test_integers_of_every_width(count: ParamCount, dtype: str) -> None:
    results = count.evaluate(SIZES.astype(dtype))
    assert results.dtype == np.dtype(np.int64)
    assert results.tolist() == [[count(int(n)) for n in row] for row in SIZES]


@pytest.mark.parametrize(
    "array",
    [SIZES.T, SIZES[:, ::-2], np.asfortranarray(SIZES), SIZES[::-1, None], SIZES[:0], SIZES[0, 0:1],
     np.array(8), np.broadcast_to(SIZES, (2, 2, 3)), np.zeros((3, 0, 2), int), range(8, 80, 8),
     range(0)],
    ids=lambda a: f"{type(a).__name__}-{np.shape(a)}",
)  # fmt: skip
def test_arrays_of_every_layout(count: ParamCount, array: Any) -> None:
    before = np.array(array)
    results = count.evaluate(array)
    assert type(results) is np.ndarray
    assert results.shape == np.shape(array)
    assert results.reshape(-1).tolist() == [count(int(n)) for n in np.ravel(array)]
    assert (np.array(array) == before).all()


def test_read_only_arrays_are_left_as_they_are(count: ParamCount) -> None:
    sizes = SIZES.copy()
    sizes.flags.writeable = False
    results = count.evaluate(sizes)
    assert results.flags.writeable and not np.shares_memory(results, sizes)
    identity = formula(d, ("d",))
    assert not np.shares_memory(identity.evaluate(sizes), sizes)


def test_shapes_broadcast_and_symbols_left_out_take_their_defaults(count: ParamCount) -> None:
    dims, heads = np.arange(8, 80, 8), np.array([[1], [2], [4]])
    assert count.evaluate(dims, heads).shape == (3, 9)
    agree(count, {"dim": dims, "heads": heads})
    assert count.evaluate(dim=dims).tolist() == count.evaluate(dims, 8).tolist()
    assert count.evaluate(64).shape == () and count.evaluate(np.int64(64)) == 16640
    assert count.valid(60) is False


def test_blocks_are_joined_in_order(count: ParamCount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectorise, "BLOCK", 7)
    agree(count, {"dim": np.arange(100), "heads": np.arange(100) // 10})
    agree(count, {"dim": np.arange(40)[:, None], "heads": np.arange(5)})
    with pytest.raises(symcount.DomainError, match=r"at 9 of 100 sizes, first at index \(10,\)"):
        count.evaluate(np.where(np.arange(100) % 11 == 10, 9, 8))


def test_tensors_give_tensors(count: ParamCount) -> None:
    sizes = torch.tensor([[8, 16], [24, 30]], dtype=torch.int32)
    results = count.evaluate(sizes, fill=-1)
    assert results.dtype is torch.int64 and results.device == sizes.device
    assert results.tolist() == [[288, 1088], [2400, -1]]
    mask = count.valid(sizes.T)
    assert mask.dtype is torch.bool and mask.tolist() == [[True, True], [True, False]]
    assert count.evaluate(sizes, fill=0, dtype="float64").dtype is torch.float64
    mixed = count.evaluate(torch.tensor([8, 16]), np.array([[1], [2]]))
    assert torch.equal(mixed, torch.tensor([[288, 1088], [288, 1088]]))
    assert count.evaluate(torch.zeros(0, dtype=torch.int64)).shape == (0,)


# --- bad input ---


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((np.array([8.0]),), {}, "dim is an array of float64: this hyper-parameter takes integers"),
        ((np.array([True]),), {}, "dim is an array of bool: this hyper-parameter takes integers"),
        ((np.array([8], object),), {}, "dim is an array of object"),
        ((np.array(["8"]),), {}, "dim is an array of <U1"),
        ((np.array([8j]),), {}, "dim is an array of complex128"),
        ((np.zeros(0),), {}, "dim is an array of float64"),
        ((torch.tensor([8.0]),), {}, "dim is a tensor of float32"),
        ((torch.tensor([True]),), {}, "dim is a tensor of bool"),
        ((torch.empty(2, dtype=torch.int64, device="meta"),), {}, "which has no values"),
        (([8, 16],), {}, "dim is a list: give an integer, a range, a NumPy array"),
        ((8.0,), {}, "dim=8.0: a hyper-parameter is a positive integer"),
        ((True,), {}, "dim=True: a hyper-parameter is a positive integer"),
        (("8",), {}, "not a str"),
        ((), {"heads": SIZES}, r"attention\(dim, heads=8\) needs a value for 'dim'"),
        ((SIZES, 1, 2), {}, "takes at most 2 values, 3 were given"),
        ((SIZES,), {"dim": SIZES}, "'dim' was given twice"),
        ((SIZES,), {"width": SIZES}, "has no symbol 'width'"),
        ((SIZES,), {"dtype": "int32"}, "dtype='int32': use \"int64\" or \"float64\""),
        ((SIZES,), {"fill": 0.5}, "fill=0.5: an array of int64 cannot hold it"),
        ((SIZES,), {"fill": True}, "fill=True: an array of int64 cannot hold it"),
        ((SIZES,), {"fill": 2**63}, "cannot hold it; use a smaller one"),
        (
            (np.arange(3), np.arange(2)),
            {},
            r"do not broadcast together: dim has \(3,\), heads has \(2,\)",
        ),
    ],
)  # fmt: skip
def test_bad_arguments(count: ParamCount, args: Any, kwargs: Any, message: str) -> None:
    with pytest.raises(symcount.ArgumentError, match=message):
        count.evaluate(*args, **kwargs)
    if not kwargs.keys() & {"dtype", "fill"}:
        with pytest.raises(symcount.ArgumentError, match=message):
            count.valid(*args, **kwargs)


@pytest.mark.parametrize("sizes", [np.array([8, 2**64 - 1], np.uint64), range(2**64 - 1, 2**64)])
def test_sizes_beyond_int64_are_refused(count: ParamCount, sizes: Sequence[int]) -> None:
    with pytest.raises(symcount.CountOverflowError, match=r"dim is 18446744073709551615 at index"):
        count.evaluate(sizes)


def test_rounded_quotients_of_large_integers() -> None:
    """In doubles, integers beyond 2**53 are rounded before they are divided or compared."""
    poly = call("trunc", call("truediv", d, const(3)))
    sizes = np.array([2**53 + 1, 2**60 + 7, 10])
    agree(formula(poly, ("d",)), {"d": sizes})
    below = Condition("lt", d, call("fmul", const(1), h))
    tree = Split(below, None, leaf(const(1)), leaf(const(2)))
    agree(formula(tree, ("d", "h")), {"d": sizes, "h": sizes - 1})
    half = Condition("lt", call("fmul", const(Fraction(1, 2)), d), const(Fraction(9, 2)))
    agree(formula(Split(half, None, leaf(d), leaf(h)), ("d", "h")), {"d": np.arange(20), "h": 2})
