"""The language of `search(keep=...)`: what it means, and what it refuses."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symcount.errors import ArgumentError
from symcount.questions.keep import Keep

NAMES = ["d", "n_layer", "ratio"]


@given(st.integers(1, 99), st.integers(1, 99), st.integers(1, 99))
def test_it_means_what_it_says(d, n, number) -> None:
    keep = Keep(f"d/n_layer near {number} and d*2 - 1 >= n_layer and d % 3 != 0", NAMES)
    kept = keep.allows("d", d) and keep.distance([d, n, 1.0]) is not None
    assert kept == (2 * d - 1 >= n and d % 3 != 0)
    if kept:
        assert keep.distance([d, n, 1.0]) == abs(Fraction(d, n) / number - 1)


@pytest.mark.parametrize(
    ("text", "values", "distance"),
    [
        (None, [1, 2, 0.5], 0),
        ("d + 2 near n_layer", [8, 5, 1.0], 1),
        ("1 < d <= n_layer < 9", [3, 4, 1.0], 0),
        ("1 < d <= n_layer < 9", [5, 4, 1.0], None),
        ("d*ratio == 3", [6, 1, 0.5], 0),
        ("d*0.1 == n_layer", [30, 3, 1.0], 0),  # exactly, as no double is
        ("d**2 // 3 near 10 and (n_layer near 4 and d > 1)", [6, 5, 1.0], Fraction(9, 20)),
        ("d / (n_layer - 4) near 3", [6, 4, 1.0], None),
        ("d near n_layer - 4", [6, 4, 1.0], None),
        ("-d < 0", [6, 4, 1.0], 0),
    ],
)
def test_distances(text, values, distance) -> None:
    assert Keep(text, NAMES).distance(values) == distance


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("width near 3", 0, "there is no symbol 'width'; there are d, n_layer, ratio"),
        ("d % 64 == 0 and width near 3", 16, "there is no symbol 'width'"),
        ("d near", None, "not understood"),
        ("d near 3 and", None, "not understood"),
        ("d % 8", 0, "a comparison is missing here"),
        ("d == 3 and n_layer", 11, "a comparison is missing here"),
        ("d == 8 or d == 9", 7, "'or' is not part of the language"),
        ("d is 3", 2, "'is' is not part of the language"),
        ("d in [3]", 2, "'in' is not part of the language"),
        ("d == é", 5, "'é' is not part of the language"),
        ("d near 3 near 4", 0, "'near' stands between two sides"),
        ("d near 0", 7, "how near is relative, so nothing is near 0"),
        ("__import__('os') == 3", 0, "only symbols, numbers and"),
        ("d.real == 3", 0, "only symbols, numbers and"),
        ("d == d[0]", 5, "only symbols, numbers and"),
        ("  d == (lambda: 3)()", 8, "'lambda' is not part"),
        ("d == True", 5, "only numbers and symbols"),
        ("d == 'x'", 5, "only numbers and symbols"),
        ("d == 3j", 5, "only numbers and symbols"),
        ("d**9 == 3", 0, "a power takes an exponent from 0 to 8"),
        ("d**0.5 == 3", 0, "a power takes an exponent from 0 to 8"),
        ("2**d == 3", 0, "only symbols, numbers and"),
        ("(d**8)**8 == 3", 0, "a power of a power"),
        ("d == 3; d", None, "not understood"),
        ("d = 3", None, "not understood"),
        ("", None, "not understood"),
    ],
)
def test_what_it_refuses_it_points_at(text, column, message) -> None:
    with pytest.raises(ArgumentError) as caught:
        Keep(text, NAMES)
    first, shown, pointer = str(caught.value).split("\n")
    assert first.startswith(f"keep: {message}")
    assert "such as 'd/n_layer near 64 and d % 64 == 0'" in first
    assert shown == f"  {text}"
    if column is None:  # where Python's parser gives up, which differs between versions
        assert 2 <= pointer.index("^") <= len(text) + 2
    else:
        assert pointer == f"  {' ' * column}^"


def test_what_is_no_text_or_too_much_of_it() -> None:
    with pytest.raises(ArgumentError, match=r"keep=64: give a text such as 'd/n_layer near 64'"):
        Keep(64, NAMES)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="keep: 1001 characters, more than 1000"):
        Keep("d" * 1001, NAMES)
    with pytest.raises(ArgumentError, match=r"not understood|too deeply nested"):
        Keep("(" * 499 + "d" + ")" * 499, NAMES)
