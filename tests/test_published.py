"""Derived formulas, called at published sizes, give the counts that others published."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import pytest
import torch

from examples import families, vision_families
from examples.families import PublishedSize, derived

PUBLISHED = {"transformers": families.PUBLISHED, "torchvision": vision_families.PUBLISHED}


def list_cases(keep: Callable[[PublishedSize], bool] = lambda size: True) -> Iterator[Any]:
    for library, sizes in PUBLISHED.items():
        missing = pytest.mark.skipif(
            find_spec(library) is None, reason=f"{library} is not installed"
        )
        for size in filter(keep, sizes):
            yield pytest.param(size, marks=missing, id=size.name)


@pytest.mark.parametrize("size", list_cases())
def test_published_total_is_what_the_library_builds(size: PublishedSize) -> None:
    with torch.device("meta"):
        module = size.family(**size.symbolic, **size.fixed)
    assert size.is_total(sum(parameter.numel() for parameter in module.parameters()))


@pytest.mark.parametrize("size", list_cases())
def test_formula_gives_the_published_total(size: PublishedSize) -> None:
    assert size.is_total(derived(size)(**size.symbolic))


@pytest.mark.parametrize("size", list_cases(lambda size: size.non_embedding is not None))
def test_formula_without_vocabulary_gives_the_published_non_embedding_count(
    size: PublishedSize,
) -> None:
    count, vocab_size = derived(size), size.symbolic["vocab_size"]
    one_more_word = count(**{**size.symbolic, "vocab_size": vocab_size + 1})
    per_word = one_more_word - count(**size.symbolic)
    assert size.total - vocab_size * per_word == size.non_embedding
