"""What holds of a formula that was stored and loaded, for tests of all kinds of formulas."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import islice

import pytest

from symcount import DomainError, ParamCount, UnknownShapeError
from symcount.factory.origin import portable
from symcount.formula.tree import Refused, Split
from symcount.storage import file as stored
from symcount.storage import writing
from symcount.storage.writing import written

FEW = 8
MEASURES = ("trainable", "frozen", "nbytes", "buffers")


def loaded(count: ParamCount) -> ParamCount:
    """The formula, written and read."""
    return stored.read(written({"it": count}), "test.json", ParamCount)["it"]


def assert_loads(count: ParamCount, points: Iterable[Mapping[str, int | float]]) -> None:
    """The loaded formula is equal in all its parts, and says the same at these points."""
    text = written({"it": count})
    again = stored.read(text, "test.json", ParamCount)["it"]
    assert (again, hash(again)) == (count, hash(count))
    (document,) = json.loads(text)["formulas"]
    about = {name: document[name] for name in ("name", "formula", "domain")}
    assert writing._document(again.formula, **about) == document
    assert again.defaults == count.defaults and again.fixed == count.fixed
    assert again.certificate.grade == count.certificate.grade
    assert again.certificate.points == count.certificate.points
    assert _lines(again) == _lines(count)
    parts, parts_again = count.breakdown(), again.breakdown()
    assert parts_again == parts
    assert list(parts_again.parameters) == list(parts.parameters)
    for name in MEASURES:
        try:
            hash(expected := getattr(count, name))
        except UnknownShapeError:
            with pytest.raises(UnknownShapeError):
                hash(getattr(again, name))
            continue
        assert getattr(again, name) == expected
    outside = []
    for point in points:
        assert again.valid(**point) == count.valid(**point), point
        if count.valid(**point):
            assert again(**point) == count(**point), point
        else:
            outside.append(point)
    for point in islice(outside, FEW):
        assert _error(again, point) == _with_portable_names(count, _error(count, point))


def _lines(count: ParamCount) -> list[tuple[str, str, str]]:
    """Each tensor, and the line that made it."""
    return [
        (w.name, w.operation, f"{portable(w.source.file)}:{w.source.line}" if w.source else "")
        for w in count.formula.tensors()
    ]


def _error(count: ParamCount, point: Mapping[str, int | float]) -> str:
    with pytest.raises(DomainError) as caught:
        count(**point)
    return str(caught.value)


def _with_portable_names(count: ParamCount, text: str) -> str:
    stack, files = [count.formula.tree], set()
    while stack:
        node = stack.pop()
        if isinstance(node, Split):
            stack += [node.then, node.otherwise]
        if isinstance(node, Split | Refused) and node.source is not None:
            files.add(node.source.file)
    for file in files:
        text = text.replace(f"({file}:", f"({portable(file)}:")
    return text
