"""What the text of a marker asks for."""

from __future__ import annotations

import pytest

from symcount.drift.marker_text import read


def test_a_marker_is_read() -> None:
    wanted = read(
        "a.py:f(bias=False, d = 3) table levels 2 fixed act='a b', n=4 symbols h(min=2), count as "
        "math at e=(1, 2)"
    )
    assert (wanted.target, wanted.shown, wanted.form, wanted.levels) == (
        "a.py:f",
        ("table",),
        "math",
        2,
    )
    assert wanted.fixed == {"bias": False, "act": "a b", "n": 4}
    assert list(wanted.symbols) == ["h", "count"]
    assert wanted.points == [{"d": 3, "e": 1}, {"d": 3, "e": 2}]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a:f", ("formula",)),
        ("a:f()", ("count",)),
        ("a:f(d=3)", ("count",)),
        ("a:f(act='x')", ("formula",)),
        ("a:f at d=3", ("count",)),
        ("a:f domain formula domain", ("domain", "formula")),
        ("a:f symbols at(), d", ("formula",)),
        ("a registry at 3, 4", ("registry",)),
    ],
)
def test_what_is_shown(text: str, shown: tuple[str, ...]) -> None:
    assert read(text).shown == shown
