"""The public names of a formula, and those that they had before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import sympy
from torch import nn

import symcount
from symcount import ParamCount, derive

PUBLIC = """
active breakdown buffers by_dtype certificate compare defaults domain evaluate export expr
factory fixed formula frozen function graph graphs growth hyperparameters marginal memory
nbytes origin page plot plot_map plot_share provenance rename save search select share short
solve substitute summary sweep symbols trainable valid valid_values without
""".split()


@pytest.fixture(scope="module")
def count() -> ParamCount:
    return derive(lambda dim, heads=8: nn.MultiheadAttention(dim, heads))


def test_a_formula_has_these_names_and_each_is_documented(count) -> None:
    assert sorted(name for name in dir(count) if name[0] != "_") == PUBLIC
    page = (Path(__file__).parent.parent / "docs" / "api.md").read_text()
    members = page.partition("ParamCount()")[2].partition(":special-members:")[0]
    assert sorted(members.partition(":members:")[2].replace(",", " ").split()) == PUBLIC


def test_old_names_say_the_new_ones(count, tmp_path: Path) -> None:
    pytest.importorskip("jinja2")
    with pytest.deprecated_call(match=r"ParamCount\.latex .*; use format\(count, 'latex'\)"):
        assert count.latex() == f"{count:latex}"
    with pytest.deprecated_call(match=r"ParamCount\.mask .*; use count\.valid"):
        assert count.mask(dim=np.arange(62, 66)).tolist() == [False, False, True, False]
    with pytest.deprecated_call(match=r"ParamCount\.mask "):
        assert count.mask(64).shape == ()
    with pytest.deprecated_call(match=r"ParamCount\.to_page .*; use count\.page\(path=\.\.\.\)"):
        count.to_page(tmp_path / "page.html", "Heads")
    assert (tmp_path / "page.html").read_text() == count.page("Heads")
    for name in ("tree", "words", "measure", "signature", "tensors", "at"):
        with pytest.deprecated_call(match=rf"\.{name} .* use count\.formula\.{name}") as caught:
            assert getattr(count, name) == getattr(count.formula, name)
        assert caught[0].filename == __file__  # the line to change, not one of symcount


def test_what_never_was_is_an_attribute_error(count) -> None:
    for name in ("totl", "_repr_svg_", "__array__"):
        assert not hasattr(count, name)
    with pytest.raises(AttributeError, match="a ParamCount has no attribute 'totl'"):
        count.totl  # noqa: B018


def test_symbols_are_taken_by_name_or_as_they_are(count) -> None:
    dim, heads = count.symbols
    _, h = count.hyperparameters
    assert count.solve(dim, "1M") == count.solve("dim", "1M") == 496
    assert count.valid_values(heads, dim=8) == count.valid_values(h, dim=8) == [1, 2, 4, 8]
    assert count.marginal(dim, dim=64) == count.marginal("dim", dim=64)
    assert count.growth(dim).order == 2
    assert count.compare(count, over=dim, heads=8).relation == "=="
    assert count.share()[""].limit(dim) == count.share()[""].limit("dim")
    assert count.rename(dim=sympy.Symbol("d")) == count.rename(dim="d")
    assert count.memory(shards=sympy.Symbol("n")).total == count.memory(shards="n").total
    with pytest.raises(symcount.ArgumentError, match="has no symbol 'd'"):
        count.solve(sympy.Symbol("d"), 1000)
