"""Published language-model families, built by the classes of `transformers` itself.

Every family is a factory of integers. Its positional parameters (width, feed-forward size,
vocabulary) are the ones to keep symbolic; depth, heads and positions are keyword-only. The
defaults are a published model.

`PUBLISHED` holds parameter counts that others published: numbers to check a formula against.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import nn

__all__ = ["PUBLISHED", "PublishedSize", "bert", "gpt2", "llama", "mistral", "pythia"]


def gpt2(
    n_embd: int = 768,
    n_inner: int = 3072,
    vocab_size: int = 50257,
    *,
    n_layer: int = 12,
    n_head: int = 12,
    n_positions: int = 1024,
) -> nn.Module:
    """GPT-2 (Radford et al. 2019): learned positions, the output layer tied to the embedding."""
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(
        GPT2Config(
            n_embd=n_embd,
            n_inner=n_inner,
            vocab_size=vocab_size,
            n_layer=n_layer,
            n_head=n_head,
            n_positions=n_positions,
        )
    )


def llama(
    hidden_size: int = 4096,
    intermediate_size: int = 11008,
    vocab_size: int = 32000,
    *,
    num_hidden_layers: int = 32,
    num_attention_heads: int = 32,
    num_key_value_heads: int = 32,
) -> nn.Module:
    """Llama (Touvron et al. 2023): gated feed-forward, no biases, an untied output layer.

    Its positions are rotary and have no parameters.
    """
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            hidden_size=hidden_size,
            intermediate_size=intermediate_size,
            vocab_size=vocab_size,
            num_hidden_layers=num_hidden_layers,
            num_attention_heads=num_attention_heads,
            num_key_value_heads=num_key_value_heads,
        )
    )


def mistral(
    hidden_size: int = 4096,
    intermediate_size: int = 14336,
    vocab_size: int = 32000,
    *,
    num_hidden_layers: int = 32,
    num_attention_heads: int = 32,
    num_key_value_heads: int = 8,
) -> nn.Module:
    """Mistral 7B (Jiang et al. 2023): the layers of Llama with grouped-query attention."""
    from transformers import MistralConfig, MistralForCausalLM

    return MistralForCausalLM(
        MistralConfig(
            hidden_size=hidden_size,
            intermediate_size=intermediate_size,
            vocab_size=vocab_size,
            num_hidden_layers=num_hidden_layers,
            num_attention_heads=num_attention_heads,
            num_key_value_heads=num_key_value_heads,
        )
    )


def bert(
    hidden_size: int = 768,
    intermediate_size: int = 3072,
    vocab_size: int = 30522,
    *,
    num_hidden_layers: int = 12,
    num_attention_heads: int = 12,
    max_position_embeddings: int = 512,
    type_vocab_size: int = 2,
) -> nn.Module:
    """BERT (Devlin et al. 2018): the encoder with its pooler, without pre-training heads."""
    from transformers import BertConfig, BertModel

    return BertModel(
        BertConfig(
            hidden_size=hidden_size,
            intermediate_size=intermediate_size,
            vocab_size=vocab_size,
            num_hidden_layers=num_hidden_layers,
            num_attention_heads=num_attention_heads,
            max_position_embeddings=max_position_embeddings,
            type_vocab_size=type_vocab_size,
        )
    )


def pythia(
    hidden_size: int = 512,
    intermediate_size: int = 2048,
    vocab_size: int = 50304,
    *,
    num_hidden_layers: int = 6,
    num_attention_heads: int = 8,
) -> nn.Module:
    """Pythia (Biderman et al. 2023): GPT-NeoX layers, rotary positions, an untied output layer."""
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

    return GPTNeoXForCausalLM(
        GPTNeoXConfig(
            hidden_size=hidden_size,
            intermediate_size=intermediate_size,
            vocab_size=vocab_size,
            num_hidden_layers=num_hidden_layers,
            num_attention_heads=num_attention_heads,
        )
    )


@dataclass(frozen=True)
class PublishedSize:
    """A published model: `family(**symbolic, **fixed)` has `total` parameters, tied ones once.

    Attributes:
        symbolic: the values of the family's positional parameters.
        fixed: the values of all its keyword-only parameters.
        source: who published `total` (and `non_embedding`).
        non_embedding: what is left of `total` without the input and output embeddings, where
            that was published too.
    """

    name: str
    family: Callable[..., nn.Module]
    symbolic: Mapping[str, int]
    fixed: Mapping[str, object]
    total: int
    source: str
    non_embedding: int | None = None


def _keras_hub(package: str, preset: str) -> str:
    return f"KerasHub, keras_hub/src/models/{package}/{package}_presets.py: {preset}"


def _gpt2(
    name: str, n_embd: int, n_layer: int, n_head: int, total: int, preset: str
) -> PublishedSize:
    return PublishedSize(
        name=name,
        family=gpt2,
        symbolic={"n_embd": n_embd, "n_inner": 4 * n_embd, "vocab_size": 50257},
        fixed={"n_layer": n_layer, "n_head": n_head, "n_positions": 1024},
        total=total,
        source=_keras_hub("gpt2", preset),
    )


def _llama_like(
    name: str,
    family: Callable[..., nn.Module],
    intermediate_size: int,
    vocab_size: int,
    num_key_value_heads: int,
    total: int,
    source: str,
) -> PublishedSize:
    return PublishedSize(
        name=name,
        family=family,
        symbolic={
            "hidden_size": 4096,
            "intermediate_size": intermediate_size,
            "vocab_size": vocab_size,
        },
        fixed={
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": num_key_value_heads,
        },
        total=total,
        source=source,
    )


def _pythia(
    name: str,
    hidden_size: int,
    num_hidden_layers: int,
    num_attention_heads: int,
    vocab_size: int,
    total: int,
    non_embedding: int,
) -> PublishedSize:
    return PublishedSize(
        name=name,
        family=pythia,
        symbolic={
            "hidden_size": hidden_size,
            "intermediate_size": 4 * hidden_size,
            "vocab_size": vocab_size,
        },
        fixed={
            "num_hidden_layers": num_hidden_layers,
            "num_attention_heads": num_attention_heads,
        },
        total=total,
        source=f"model card of EleutherAI/{name}: total and non-embedding parameters",
        non_embedding=non_embedding,
    )


PUBLISHED: tuple[PublishedSize, ...] = (
    _gpt2("gpt2", 768, 12, 12, 124_439_808, "gpt2_base_en"),
    _gpt2("gpt2-medium", 1024, 24, 16, 354_823_168, "gpt2_medium_en"),
    _gpt2("gpt2-large", 1280, 36, 20, 774_030_080, "gpt2_large_en"),
    _gpt2("gpt2-xl", 1600, 48, 25, 1_557_611_200, "gpt2_extra_large_en"),
    _llama_like(
        "llama-7b", llama, 11008, 32000, 32, 6_738_415_616, _keras_hub("llama", "llama2_7b_en")
    ),
    _llama_like(
        "llama-3-8b", llama, 14336, 128256, 8, 8_030_261_248, _keras_hub("llama3", "llama3_8b_en")
    ),
    _llama_like(
        "mistral-7b",
        mistral,
        14336,
        32000,
        8,
        7_241_732_096,
        _keras_hub("mistral", "mistral_7b_en"),
    ),
    PublishedSize(
        name="bert-base-uncased",
        family=bert,
        symbolic={"hidden_size": 768, "intermediate_size": 3072, "vocab_size": 30522},
        fixed={
            "num_hidden_layers": 12,
            "num_attention_heads": 12,
            "max_position_embeddings": 512,
            "type_vocab_size": 2,
        },
        total=109_482_240,
        source=_keras_hub("bert", "bert_base_en_uncased"),
    ),
    _pythia("pythia-70m", 512, 6, 8, 50304, 70_426_624, 18_915_328),
    _pythia("pythia-160m", 768, 12, 12, 50304, 162_322_944, 85_056_000),
    _pythia("pythia-410m", 1024, 24, 16, 50304, 405_334_016, 302_311_424),
    _pythia("pythia-1.4b", 2048, 24, 16, 50304, 1_414_647_808, 1_208_602_624),
    _pythia("pythia-6.9b", 4096, 32, 32, 50432, 6_857_302_016, 6_444_163_072),
)
