"""The atlas: its formulas against published counts and fresh derivations, and its pages."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
import sympy

import symcount
from examples.atlas import FAMILIES, KINDS, STORED, Family, Size
from examples.families import PUBLISHED
from symcount.display import mathml
from symcount.export import page

ROOT = Path(__file__).parent.parent
BY_KEY = {family.key: family for family in FAMILIES}
each_family = pytest.mark.parametrize("family", FAMILIES, ids=BY_KEY)
needs_transformers = pytest.mark.skipif(
    find_spec("transformers") is None, reason="transformers is not installed"
)
# What is derived in a few seconds, one of each way to derive, and some of each kind.
QUICK = (
    "gpt",
    "bloom",
    "qwen2_tied",
    "qwen3_moe",
    "gemma2",
    "gemma3",
    "gpt_oss",
    "modernbert",
    "mamba",
    "electra",
    "bert",
    "deberta_v3",
    "vit",
    "siglip",
    "wav2vec2",
    "nn_transformer",
    "nn_gru",
    "mobilenet_v1",
)


@pytest.fixture(scope="module")
def writer() -> Any:
    """`docs/write_atlas.py`, which is no module of a package."""
    spec = spec_from_file_location("write_atlas", ROOT / "docs" / "write_atlas.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- the data ---------------------------------------------------------------------------------


def test_there_are_as_many_families_as_promised_and_each_is_stored_once() -> None:
    assert len(FAMILIES) >= 40
    assert len(BY_KEY) == len({family.title for family in FAMILIES}) == len(FAMILIES)
    assert list(symcount.load(STORED)) == list(BY_KEY)
    assert {family.kind for family in FAMILIES} == set(KINDS)
    readme, changelog = ((ROOT / name).read_text() for name in ("README.md", "CHANGELOG.md"))
    assert f"each of {len(FAMILIES)} model families" in readme
    assert f"each of {len(FAMILIES)} model families" in changelog
    assert f"has {len(FAMILIES)} families of models" in (ROOT / "docs" / "index.md").read_text()


# What compares texts in which a number of layers stands: the names of its stages.
ASSUMING = {"dinov2"}


@each_family
def test_every_size_is_in_the_domain_and_has_the_published_count(family: Family) -> None:
    count = family.stored
    assert count.certificate.grade == ("checked" if family.key in ASSUMING else "complete")
    assert family.sizes
    for size in family.sizes:
        assert list(size.at) == [h.name for h in count.hyperparameters] or set(size.at) == {
            h.name for h in count.hyperparameters
        }
        assert count.valid(**size.at)
        assert size.agrees(count(**size.at)), (size.name, count(**size.at))


@each_family
def test_the_defaults_are_in_the_domain(family: Family) -> None:
    count = family.stored
    if set(count.defaults) == {h.name for h in count.hyperparameters}:
        assert count.valid()


@each_family
def test_every_number_has_a_source(family: Family) -> None:
    assert re.search(r"(19|20)\d\d", family.paper)
    for size in family.sizes:
        assert size.source
        assert bool(size.beyond) == bool(size.because)
        assert size.total is not None or (size.unit == 1 and not size.beyond)


def test_published_sizes_of_the_families_with_factories_are_all_there() -> None:
    shown = {size.name for family in FAMILIES for size in family.sizes}
    assert {size.name for size in PUBLISHED} <= shown


def test_agreement_can_fail() -> None:
    exact = Size("", {}, "", 1_000)
    assert exact.agrees(1_000) and not exact.agrees(1_001)
    rounded = Size("", {}, "", 6_900_000_000, 10**8)
    assert rounded.agrees(6_888_095_744) and not rounded.agrees(6_840_000_000)
    assert Size("", {}, "", 1_000, 1, 24, "a bias").agrees(1_024)
    assert not Size("", {}, "", 1_000, 1, 24, "a bias").agrees(1_000)


# --- the stored formulas ----------------------------------------------------------------------


@needs_transformers
@pytest.mark.parametrize("key", QUICK)
def test_stored_formulas_are_what_is_derived_now(key: str) -> None:
    family = BY_KEY[key]
    fresh, kept = family.derived(), family.stored
    assert fresh == kept and kept.origin is not None
    assert fresh.certificate.grade == kept.certificate.grade
    origin = replace(kept.origin, statements=())  # which are known of stored formulas only
    assert (fresh.origin, str(fresh)) == (origin, str(kept))


@each_family
def test_every_formula_can_be_derived_again_by_its_name(family: Family) -> None:
    origin = family.stored.origin
    assert origin is not None and not origin.unnamed
    assert origin.target is not None and origin.target.endswith(family.model.partition(":")[2])
    assert (origin.config is None) == (family.config is None)


def test_pages_are_written_without_torch_models() -> None:
    code = (
        "import sys; sys.path.insert(0, 'docs'); import write_atlas; "
        "write_atlas.index(); print('transformers' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "False\n"


# --- the pages --------------------------------------------------------------------------------


@each_family
def test_a_page_has_what_it_must_have(writer: Any, family: Family) -> None:
    count = family.stored
    text = "\n".join(writer.sections(count, family))
    short, names = writer.named(count.expr)
    assert sympy.expand(short.xreplace({name: of for of, name in names.items()}) - count.expr) == 0
    for title in ("Formula", "Published sizes", "Breakdown", "Plots", "Derive it"):
        assert f"\n## {title}\n" in text
    assert f"{count:layers}" == " ".join(
        text.partition("```text\n")[2].partition("\n```")[0].split("\n")
    )
    assert "<math" in text and r"\begin{aligned}" in text
    assert f"- Certificate: {count.certificate.grade}" in text
    for size in family.sizes:
        total = f"{count(**size.at):,}"
        (row,) = [line for line in text.splitlines() if line.startswith(f"| {size.name} |")]
        assert f">{total}</a>" in row
        assert ("none found" in row) == (size.total is None)
    assert f'href="explore/{family.key}.html#' in text
    assert f"({family.key}.png)" in text and f"({family.key}-share.png)" in text
    assert max(map(len, writer.program(family).splitlines())) <= writer.LINE


def test_the_index_has_every_family_once_with_its_formula_and_sizes(writer: Any) -> None:
    text = writer.index()
    for family in FAMILIES:
        assert text.count(f"]({family.key}.md)") == 1
        assert text.count(f"\n{family.key}\n") == 1
        entry = text.partition(f"]({family.key}.md)")[2].partition("\n````\n")[0]
        terms = list(mathml.pieces(family.stored.formula.in_layers, page.TELEPHONE))
        left_out = re.findall(r"\+ (\d+) more terms", entry)
        assert entry.count("<math") + sum(map(int, left_out)) == len(terms)
        for size in family.sizes:
            is_said = f"{size.name} **{writer.told(size)}**" in entry if size.total else True
            assert is_said, size.name


@pytest.mark.parametrize(
    ("total", "unit", "said"),
    [
        (124_439_808, 1, "124,439,808"),
        (6_900_000_000, 10**8, "6.9 billion"),
        (7_000_000_000, 10**9, "7 billion"),
        (149_620_000, 10**4, "149.62 million"),
        (60_000_000, 10**7, "60 million"),
        (564_000_000, 10**6, "564 million"),
        (1_680_000, 10**4, "1.68 million"),
    ],
)
def test_rounded_counts_are_said_as_they_were_published(
    writer: Any, total: int, unit: int, said: str
) -> None:
    assert writer.told(Size("", {}, "", total, unit)) == said


@needs_transformers
@pytest.mark.parametrize("key", ["qwen2_tied", "nn_gru", "bert", "mobilenet_v2"])
def test_the_program_of_a_page_gives_its_formula(
    writer: Any, key: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "examples" not in writer.program(BY_KEY[key])
    family, said = BY_KEY[key], dict[str, Any]()
    exec(writer.program(family), said)
    assert said["count"] == family.stored
    shown = capsys.readouterr().out
    assert shown == f"{family.stored}\n{family.stored.domain}\n"
    text = "\n".join(writer.recipe(family))
    second = text.rpartition("```python\n")[2].partition("\n```")[0]
    monkeypatch.chdir(STORED.parent)  # where what the page links to was downloaded
    exec(second, {})
    assert capsys.readouterr().out == f"{family.stored(**family.sizes[0].at)}\n"


def test_pages_are_written_once_and_again_when_they_change(
    writer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PAGES", tmp_path)
    monkeypatch.setattr(writer, "EXPLORE", tmp_path / "explore")
    monkeypatch.setattr(writer, "FAMILIES", (BY_KEY["nn_gru"],))
    stray = tmp_path / "gone.md"
    stray.write_text("a family that there was")
    writer.write()
    made = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert made == [
        "index.md", "nn_gru-share.png", "nn_gru.html", "nn_gru.md", "nn_gru.png", "plotly.min.js",
    ]  # fmt: skip
    page = tmp_path / "nn_gru.md"
    before = page.stat().st_mtime_ns
    writer.write()
    assert page.stat().st_mtime_ns == before
    monkeypatch.setattr(writer, "code", lambda: "changed")
    writer.write()
    assert page.stat().st_mtime_ns > before
