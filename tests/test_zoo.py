"""A small part of the zoo: thirty models of transformers, against what they build.

`make zoo` does the same for every model of three libraries.
"""

from __future__ import annotations

import ast
import time
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from torch import nn

from benchmarks.zoo import checks, others
from benchmarks.zoo.models import Case, SizesFactory, case, config_symbols, stage_sizes
from symcount import Symbol, derive
from symcount.errors import SymcountError
from tests.slow import mostly_slow

MODELS = """
    LlamaConfig:LlamaForCausalLM MistralConfig:MistralForCausalLM MixtralConfig:MixtralForCausalLM
    Qwen2Config:Qwen2ForCausalLM GemmaConfig:GemmaForCausalLM PhiConfig:PhiForCausalLM
    GPT2Config:GPT2LMHeadModel GPTNeoXConfig:GPTNeoXForCausalLM GPTJConfig:GPTJForCausalLM
    OPTConfig:OPTForCausalLM BloomConfig:BloomForCausalLM FalconConfig:FalconForCausalLM
    BertConfig:BertModel RobertaConfig:RobertaModel DistilBertConfig:DistilBertModel
    ElectraConfig:ElectraModel AlbertConfig:AlbertModel DebertaV2Config:DebertaV2Model
    T5Config:T5ForConditionalGeneration BartConfig:BartModel ViTConfig:ViTModel
    DeiTConfig:DeiTModel BeitConfig:BeitModel SwinConfig:SwinModel CLIPConfig:CLIPModel
    HubertConfig:HubertModel Wav2Vec2Config:Wav2Vec2Model MambaConfig:MambaModel
    ConvNextConfig:ConvNextModel XLNetConfig:XLNetModel
""".split()

# Refused today, with the reason: one that derives fails here, and is taken off the table.
REFUSED: dict[str, str] = {}
# The derivation of these takes minutes with every symbol; without these it takes seconds.
LEFT_OUT = {"WhisperConfig:WhisperModel": {"encoder_layers", "decoder_layers"}}


@pytest.mark.parametrize("name", mostly_slow(MODELS, every=7))
def test_formula_is_what_the_model_builds(name: str) -> None:
    pytest.importorskip("transformers")
    it = case("transformers", name)
    it = without(it, LEFT_OUT.get(name, set()))
    if name in REFUSED:
        with pytest.raises(SymcountError, match=REFUSED[name]):
            derive(it.factory, max_work=5_000_000, **it.given)
        return
    count = derive(it.factory, max_work=5_000_000, **it.given)
    found = checks.compared(it, count)
    assert (found["wrong"], found["held_out"]) == ([], checks.HELD_OUT)
    assert found["at_defaults"]


def without(it: Case, left_out: set[str]) -> Case:
    """The case with some symbols fixed at their defaults."""
    given = {**it.given, **{name: it.defaults[name] for name in left_out}}
    defaults = {name: value for name, value in it.defaults.items() if name not in left_out}
    return replace(it, given=given, defaults=defaults)


# --- the harness itself -----------------------------------------------------------------------


def small(width: int = 4, depth: int = 2, heads: int = 2) -> nn.Module:
    if width % heads:
        raise ValueError("heads")
    return nn.Sequential(*(nn.Linear(width, width) for _ in range(depth)))


SMALL = Case(small, {}, {"width": 4, "depth": 2, "heads": 2}, small)


def test_held_out_points_are_valid_new_and_differ_in_all_symbols() -> None:
    count = derive(small)
    points = checks.held_out_points(count)
    assert len(points) == checks.HELD_OUT
    assert all(count.valid(**point) for point in points)
    assert not {frozenset(p) for p in count.certificate.points} & {
        frozenset(p.items()) for p in points
    }
    for name in ("width", "depth", "heads"):
        assert len({point[name] for point in points}) > 1
    assert max(point["depth"] for point in points) <= 5


def test_held_out_points_where_few_are_valid() -> None:
    count = derive(small, width=Symbol(max=6), depth=Symbol(max=1), heads=2)
    known = [dict(point) for point in count.certificate.points]
    assert len(checks.held_out_points(count)) == 3 - len(known)


def test_wrong_formula_is_found() -> None:
    right = checks.compared(SMALL, derive(small))
    assert (right["status"], right["wrong"], right["at_defaults"]) == ("correct", [], True)
    other = derive(lambda width=4, depth=2, heads=2: nn.Linear(width * depth, heads))
    found = checks.compared(SMALL, other)
    assert found["status"] == "wrong"
    assert found["wrong"][0] == {"at": SMALL.defaults, "formula": 18, "built": 40}
    assert "ValueError: heads" in {str(wrong["built"]) for wrong in found["wrong"][1:]}


def test_tied_parameters_count_once() -> None:
    class Tied(nn.Module):
        def __init__(self, width: int = 3) -> None:
            super().__init__()
            self.first = nn.Linear(width, width, bias=False)
            self.second = nn.Linear(width, width, bias=False)
            self.second.weight = self.first.weight

    assert checks.built_count(Case(Tied, {}, {"width": 3}, Tied), {"width": 5}) == 25


def test_symbols_of_a_config() -> None:
    class Inside:
        def __init__(self, vocab_size: int = 7) -> None:
            self.vocab_size = vocab_size

    class Aliased:
        attribute_map: ClassVar = {"hidden_size": "d", "num_hidden_layers": "num_stages"}

        def __init__(
            self, d: int = 8, num_stages: int = 4, n_inner: int | None = None, pad: int = 0,
            intermediate_size: float = 0.5, n_layer: int = 3,
        ) -> None:  # fmt: skip
            self.d, self.n_inner, self.n_layer = d, n_inner, n_layer

    class Outside:
        sub_configs: ClassVar = {"text": Inside, "none": Inside}

        def __init__(self, width: int = 8, text: object = None) -> None:
            self.text, self.none = Inside(), None

    assert config_symbols(Aliased()) == ["d", "n_layer"]
    assert config_symbols(Outside()) == ["text.vocab_size"]
    assert config_symbols(Outside().text, every_symbol=True) == ["vocab_size"]


def test_each_number_of_a_tuple_is_a_size() -> None:
    sizes = stage_sizes({"depths": [2, 3], "embed_dim": 4, "act": "gelu", "heads": 5, "dims": []})
    assert sizes == {"depths": (2, 3), "embed_dim": 4}

    def build(depths: tuple[int, int], embed_dim: int, bias: bool) -> nn.Module:
        return nn.Linear(sum(depths), embed_dim, bias=bias)

    factory = SizesFactory(build, "net", {"bias": False}, sizes)
    count = derive(factory)
    assert (str(count), count()) == ("depths_0*embed_dim + depths_1*embed_dim", 20)


def test_models_of_other_libraries_have_several_sizes_each_of_one_name() -> None:
    table = others.models()
    assert len(table) == len(ast.parse(others.MODELS).body) >= 150
    for name, call in table.items():
        marks = [n for n in ast.walk(call) if isinstance(n, ast.NamedExpr | ast.UAdd)]
        assert len(marks) == len(others.sizes(call)), name
        assert len(case("others", name).defaults) >= 2, name


def test_call_of_the_table_is_made_at_sizes() -> None:
    call = ast.parse(
        "torch.nn.TransformerEncoder(enable_nested_tensor=False, num_layers=heads,"
        "encoder_layer=torch.nn.TransformerEncoderLayer(d_model=+8, nhead=(heads := 2)))",
        mode="eval",
    ).body
    assert others.sizes(call) == {"d_model": 8, "heads": 2}
    module = others.made(call, {"d_model": 6, "heads": 3})
    assert (len(module.layers), module.layers[0].norm1.weight.shape) == (3, (6,))
    text = "builtins.dict(a=+(1, 2), b=+[3], c=(torch.nn.ReLU, None), d={'e': (f := 4)})"
    call = ast.parse(text, mode="eval").body
    assert others.sizes(call) == {"a": (1, 2), "b": (3,), "f": 4}
    assert others.made(call, {"a": [7, 8], "b": [9], "f": 5}) == {
        "a": (7, 8), "b": [9], "c": (nn.ReLU, None), "d": {"e": 5},
    }  # fmt: skip


def test_summary() -> None:
    correct = {"library": "timm", "model": "a", "status": "correct", "grade": "complete",
               "held_out": 3, "at_defaults": True, "derive_seconds": 2.0,
               "build_seconds": 0.5}  # fmt: skip
    refused = {"library": "timm", "model": "b", "status": "refused", "error": "UnsupportedError"}
    line = "Net3 (/a/b.py:12): /c/d.py:7: `x.view` takes 'n' at embed_dim=64"
    other = "Big_net (/a/e.py:99): /c/e.py:8: `x.item` takes 'm' at hidden_size=8"
    records = [
        correct,
        {**refused, "line": line},
        {**refused, "model": "c", "line": other},
        {**refused, "model": "d", "line": "another"},
        {"library": "timm", "model": "e", "status": "not instantiable"},
    ]
    row = checks.summary(records)["timm"]
    assert {k: row[k] for k in ("models", "instantiable", "correct", "refused", "wrong")} == {
        "models": 5, "instantiable": 4, "correct": 1, "refused": 3, "wrong": 0,
    }  # fmt: skip
    assert (row["percent"], row["ratio"], row["fewer points"]) == (25.0, 4.0, 1)
    assert (row["complete"], row["at defaults"]) == (1, 1)
    assert checks.reasons(records) == [
        ("UnsupportedError: FILE: NAME takes NAME at NAME=N", ["b", "c"]),
        ("UnsupportedError: another", ["d"]),
    ]


def test_run_goes_on_after_a_line_that_was_cut_off(tmp_path: Path) -> None:
    run = pytest.importorskip("benchmarks.zoo.run")
    path = tmp_path / "results.jsonl"
    assert run.read(path) == []
    path.write_text('{"model": "a"}\n{"model": ')
    assert run.read(path) == [{"model": "a"}]


def test_a_model_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    run = pytest.importorskip("benchmarks.zoo.run")
    monkeypatch.setattr(checks, "examine", lambda *_: time.sleep(60))
    assert run.examine("timm", "slow", False, 1, 0.01) == {
        "library": "timm",
        "model": "slow",
        "status": "timeout",
        "seconds": 0.01,
    }
