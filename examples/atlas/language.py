"""Language models: decoders, experts, state-space models, encoders, encoder-decoders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from examples.atlas.family import Family, Size
from examples.atlas.published import card, config_of, defaults_of, keras_hub
from symcount import Symbol

DECODERS = "Decoder language models"
EXPERTS = "Mixtures of experts"
STATE_SPACE = "State-space models"
ENCODERS = "Encoders"
ENCODER_DECODERS = "Encoder-decoders"

BILLION = 10**9
MILLION = 10**6
# "6.9 billion"
TENTHS = 10**8

_LLAMA = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
)
_BERT = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "max_position_embeddings",
)
_BART = (
    "vocab_size",
    "d_model",
    "encoder_layers",
    "decoder_layers",
    "encoder_attention_heads",
    "decoder_attention_heads",
    "encoder_ffn_dim",
    "decoder_ffn_dim",
    "max_position_embeddings",
)


def _family(
    kind: str,
    key: str,
    title: str,
    model: str,
    config: str,
    names: Sequence[str],
    paper: str,
    about: str,
    sizes: Sequence[tuple[Any, ...]],
    note: str = "",
    **fixed: Any,
) -> Family:
    """A family of transformers; a size is a name, its values in the order of `names`, and a source.

    The values and the source are followed by the rest of a `Size`, in its order.
    """
    return Family(
        key=key,
        title=title,
        kind=kind,
        about=about,
        paper=paper,
        model=f"transformers:{model}",
        config=f"transformers:{config}",
        symbols=dict.fromkeys(names, Symbol()),
        fixed=fixed,
        sizes=_sizes(names, sizes),
        note=note,
    )


def _sizes(names: Sequence[str], sizes: Sequence[tuple[Any, ...]]) -> tuple[Size, ...]:
    return tuple(
        Size(name, dict(zip(names, values, strict=True)), *rest) for name, values, *rest in sizes
    )


def _own(
    kind: str,
    key: str,
    title: str,
    names: Sequence[str],
    paper: str,
    about: str,
    sizes: Sequence[tuple[Any, ...]],
) -> Family:
    """A family with a factory of its own, of the same name; sizes are as in `_family`."""
    return Family(
        key=key,
        title=title,
        kind=kind,
        about=about,
        paper=paper,
        model=f"examples.atlas.factories:{key}",
        sizes=_sizes(names, sizes),
    )


_POSITIONS = "two more rows of positions, which are there for an offset"

DECODER_FAMILIES = (
    _family(
        DECODERS,
        "gpt",
        "GPT",
        "OpenAIGPTLMHeadModel",
        "OpenAIGPTConfig",
        ("vocab_size", "n_embd", "n_layer", "n_head", "n_positions"),
        "Radford et al. 2018, *Improving Language Understanding by Generative Pre-Training*",
        "The first GPT: a decoder of the Transformer with learned positions, trained to predict "
        "the next token. The output layer is tied to the embedding.",
        [
            (
                "GPT",
                (40478, 768, 12, 12, 512),
                "Radford et al. 2019, *Language Models are Unsupervised Multitask Learners*, "
                "table 2",
                117 * MILLION,
                MILLION,
            )
        ],
    ),
    _family(
        DECODERS,
        "gpt_neo",
        "GPT-Neo",
        "GPTNeoForCausalLM",
        "GPTNeoConfig",
        ("vocab_size", "hidden_size", "num_heads", "max_position_embeddings"),
        "Black et al. 2021, *GPT-Neo: Large Scale Autoregressive Language Modeling with "
        "Mesh-Tensorflow*",
        "A replication of GPT-3. Global and local attention take turns, in a list that is as long "
        "as the model is deep; so the depth is fixed here, at 24 layers.",
        [
            (
                "gpt-neo-1.3B",
                (50257, 2048, 16, 2048),
                card("EleutherAI/gpt-neo-1.3B"),
                1_300 * MILLION,
                TENTHS,
            )
        ],
    ),
    _family(
        DECODERS,
        "gpt_j",
        "GPT-J",
        "GPTJForCausalLM",
        "GPTJConfig",
        ("vocab_size", "n_embd", "n_layer", "n_head"),
        "Wang and Komatsuzaki 2021, *GPT-J-6B: A 6 Billion Parameter Autoregressive Language "
        "Model*",
        "Attention and feed-forward side by side in each layer, rotary positions, and an untied "
        "output layer that has a bias.",
        [("gpt-j-6b", (50400, 4096, 28, 16), card("EleutherAI/gpt-j-6b"), 6 * BILLION, BILLION)],
    ),
    _family(
        DECODERS,
        "gpt_neox",
        "GPT-NeoX",
        "GPTNeoXForCausalLM",
        "GPTNeoXConfig",
        tuple(name for name in _LLAMA if name != "num_key_value_heads"),
        "Black et al. 2022, *GPT-NeoX-20B: An Open-Source Autoregressive Language Model*",
        "The layers of GPT-J with biases, and an untied output layer without one. Pythia is of the "
        "same class.",
        [
            (
                "gpt-neox-20b",
                (50432, 6144, 24576, 44, 64),
                card("EleutherAI/gpt-neox-20b"),
                20_554_567_680,
            )
        ],
    ),
    _family(
        DECODERS,
        "opt",
        "OPT",
        "OPTForCausalLM",
        "OPTConfig",
        (
            "vocab_size",
            "hidden_size",
            "ffn_dim",
            "num_hidden_layers",
            "num_attention_heads",
            "max_position_embeddings",
        ),
        "Zhang et al. 2022, *OPT: Open Pre-trained Transformer Language Models*",
        "Decoders in the sizes of GPT-3, with learned positions and a tied output layer.",
        [
            (
                "opt-125m",
                (50272, 768, 3072, 12, 12, 2048),
                keras_hub("opt", "opt_125m_en"),
                125_237_760,
                1,
                2 * 768,
                _POSITIONS,
            ),
            (
                "opt-1.3b",
                (50272, 2048, 8192, 24, 32, 2048),
                keras_hub("opt", "opt_1.3b_en"),
                1_315_753_984,
                1,
                2 * 2048,
                _POSITIONS,
            ),
        ],
        note="opt-350m projects its embedding to another width, and is not of this formula.",
    ),
    _family(
        DECODERS,
        "bloom",
        "BLOOM",
        "BloomForCausalLM",
        "BloomConfig",
        ("vocab_size", "hidden_size", "n_layer", "n_head"),
        "BigScience Workshop 2022, *BLOOM: A 176B-Parameter Open-Access Multilingual Language "
        "Model*",
        "A multilingual decoder whose attention is biased by distance, so that there are no "
        "parameters of positions; the embedding is normalised, and tied to the output layer.",
        [
            (
                "bloom-560m",
                (250880, 1024, 24, 16),
                keras_hub("bloom", "bloom_560m_multi"),
                559_214_592,
            ),
            (
                "bloom-1b1",
                (250880, 1536, 24, 16),
                keras_hub("bloom", "bloom_1.1b_multi"),
                1_065_314_304,
            ),
            (
                "bloom-1b7",
                (250880, 2048, 24, 16),
                keras_hub("bloom", "bloom_1.7b_multi"),
                1_722_408_960,
            ),
            (
                "bloom-3b",
                (250880, 2560, 30, 32),
                keras_hub("bloom", "bloom_3b_multi"),
                3_002_557_440,
            ),
            ("bloom", (250880, 14336, 70, 112), card("bigscience/bloom"), 176_247_271_424),
        ],
    ),
    _family(
        DECODERS,
        "falcon",
        "Falcon",
        "FalconForCausalLM",
        "FalconConfig",
        ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads"),
        "Almazrouei et al. 2023, *The Falcon Series of Open Language Models*",
        "All heads share one key and one value; attention and feed-forward are side by side.",
        [("falcon-7b", (65024, 4544, 32, 71), card("tiiuae/falcon-7b"), 7 * BILLION, BILLION)],
    ),
    _family(
        DECODERS,
        "xglm",
        "XGLM",
        "XGLMForCausalLM",
        "XGLMConfig",
        ("vocab_size", "d_model", "ffn_dim", "num_layers", "attention_heads"),
        "Lin et al. 2021, *Few-shot Learning with Multilingual Language Models*",
        "Multilingual decoders with a large vocabulary. Positions are sines, and no parameters.",
        [
            (
                "xglm-564M",
                (256008, 1024, 4096, 24, 16),
                card("facebook/xglm-564M"),
                564 * MILLION,
                MILLION,
            ),
            (
                "xglm-1.7B",
                (256008, 2048, 8192, 24, 16),
                card("facebook/xglm-1.7B"),
                1_700 * MILLION,
                TENTHS,
            ),
            (
                "xglm-2.9B",
                (256008, 2048, 8192, 48, 16),
                card("facebook/xglm-2.9B"),
                2_900 * MILLION,
                TENTHS,
            ),
            (
                "xglm-7.5B",
                (256008, 4096, 16384, 32, 32),
                card("facebook/xglm-7.5B"),
                7_500 * MILLION,
                TENTHS,
            ),
        ],
    ),
    _family(
        DECODERS,
        "qwen2",
        "Qwen2",
        "Qwen2ForCausalLM",
        "Qwen2Config",
        _LLAMA,
        "Qwen Team 2024, *Qwen2.5 Technical Report*",
        "The layers of Llama, with biases where queries, keys and values are made.",
        [
            (
                "Qwen2.5-7B",
                (152064, 3584, 18944, 28, 28, 4),
                keras_hub("qwen", "qwen2.5_math_7b_en"),
                7_615_616_512,
            ),
            (
                "Qwen2.5-32B",
                (152064, 5120, 27648, 64, 40, 8),
                keras_hub("qwen", "qwen2.5_instruct_32b_en"),
                32_763_876_352,
            ),
            (
                "Qwen2.5-72B",
                (152064, 8192, 29568, 80, 64, 8),
                keras_hub("qwen", "qwen2.5_instruct_72b_en"),
                72_706_203_648,
            ),
        ],
    ),
    _family(
        DECODERS,
        "qwen2_tied",
        "Qwen2, tied",
        "Qwen2ForCausalLM",
        "Qwen2Config",
        _LLAMA,
        "Qwen Team 2024, *Qwen2.5 Technical Report*",
        "The small models of Qwen2, whose output layer is the embedding.",
        [
            (
                "Qwen2.5-0.5B",
                (151936, 896, 4864, 24, 14, 2),
                keras_hub("qwen", "qwen2.5_0.5b_en"),
                494_032_768,
            ),
            (
                "Qwen2.5-1.5B",
                (151936, 1536, 8960, 28, 12, 2),
                keras_hub("qwen", "qwen2.5_math_1.5b_en"),
                1_543_714_304,
            ),
            (
                "Qwen2.5-3B",
                (151936, 2048, 11008, 36, 16, 2),
                keras_hub("qwen", "qwen2.5_3b_en"),
                3_085_938_688,
            ),
        ],
        tie_word_embeddings=True,
    ),
    _family(
        DECODERS,
        "qwen3",
        "Qwen3",
        "Qwen3ForCausalLM",
        "Qwen3Config",
        (*_LLAMA, "head_dim"),
        "Qwen Team 2025, *Qwen3 Technical Report*",
        "Qwen2 without its biases, with a norm of queries and of keys in each layer; the width "
        "of a "
        "head is a size of its own.",
        [
            (
                "Qwen3-8B",
                (151936, 4096, 12288, 36, 32, 8, 128),
                keras_hub("qwen3", "qwen3_8b_en"),
                8_190_735_360,
            ),
            (
                "Qwen3-14B",
                (151936, 5120, 17408, 40, 40, 8, 128),
                keras_hub("qwen3", "qwen3_14b_en"),
                14_768_307_200,
            ),
            (
                "Qwen3-32B",
                (151936, 5120, 25600, 64, 64, 8, 128),
                keras_hub("qwen3", "qwen3_32b_en"),
                32_762_123_264,
            ),
        ],
    ),
    _family(
        DECODERS,
        "gemma",
        "Gemma",
        "GemmaForCausalLM",
        "GemmaConfig",
        (*_LLAMA, "head_dim"),
        "Gemma Team 2024, *Gemma: Open Models Based on Gemini Research and Technology*",
        "The layers of Llama with wide heads, a large vocabulary and a tied output layer.",
        [
            (
                "gemma-2b",
                (256000, 2048, 16384, 18, 8, 1, 256),
                keras_hub("gemma", "gemma_2b_en"),
                2_506_172_416,
            ),
            (
                "gemma-7b",
                (256000, 3072, 24576, 28, 16, 16, 256),
                keras_hub("gemma", "gemma_7b_en"),
                8_537_680_896,
            ),
        ],
    ),
    _family(
        DECODERS,
        "gemma2",
        "Gemma 2",
        "Gemma2ForCausalLM",
        "Gemma2Config",
        (*_LLAMA, "head_dim"),
        "Gemma Team 2024, *Gemma 2: Improving Open Language Models at a Practical Size*",
        "Gemma with grouped queries, and norms before and after each part of a layer.",
        [
            (
                "gemma-2-2b",
                (256000, 2304, 9216, 26, 8, 4, 256),
                keras_hub("gemma", "gemma2_2b_en"),
                2_614_341_888,
            ),
            (
                "gemma-2-9b",
                (256000, 3584, 14336, 42, 16, 8, 256),
                keras_hub("gemma", "gemma2_9b_en"),
                9_241_705_984,
            ),
            (
                "gemma-2-27b",
                (256000, 4608, 36864, 46, 32, 16, 128),
                keras_hub("gemma", "gemma2_27b_en"),
                27_227_128_320,
            ),
        ],
    ),
    _family(
        DECODERS,
        "gemma3",
        "Gemma 3",
        "Gemma3ForCausalLM",
        "Gemma3TextConfig",
        (*_LLAMA, "head_dim"),
        "Gemma Team 2025, *Gemma 3 Technical Report*",
        "The language model of Gemma 3: Gemma 2 with norms of queries and keys.",
        [
            (
                "gemma-3-270m",
                (262144, 640, 2048, 18, 4, 1, 256),
                keras_hub("gemma3", "gemma3_270m"),
                268_098_176,
            ),
            (
                "gemma-3-1b",
                (262144, 1152, 6912, 26, 4, 1, 256),
                keras_hub("gemma3", "gemma3_1b"),
                999_885_952,
            ),
            (
                "gemma-3-4b, text",
                (262144, 2560, 10240, 34, 8, 4, 256),
                keras_hub("gemma3", "gemma3_4b_text"),
                3_880_099_328,
            ),
            (
                "gemma-3-12b, text",
                (262144, 3840, 15360, 48, 16, 8, 256),
                keras_hub("gemma3", "gemma3_12b_text"),
                11_765_788_416,
            ),
            (
                "gemma-3-27b, text",
                (262144, 5376, 21504, 62, 32, 16, 128),
                keras_hub("gemma3", "gemma3_27b_text"),
                27_009_002_240,
            ),
        ],
    ),
    _family(
        DECODERS,
        "phi",
        "Phi",
        "PhiForCausalLM",
        "PhiConfig",
        _LLAMA,
        "Li et al. 2023, *Textbooks Are All You Need II: phi-1.5 technical report*",
        "Attention and feed-forward side by side, all with biases, and an untied output layer.",
        [("defaults of PhiConfig", (51200, 2048, 8192, 24, 32, 32), defaults_of("PhiConfig"))],
        note="The report says 1.3 billion parameters, and not what it counts; the class has 1.42 "
        "billion at those sizes.",
    ),
    _family(
        DECODERS,
        "phi3",
        "Phi-3",
        "Phi3ForCausalLM",
        "Phi3Config",
        _LLAMA,
        "Abdin et al. 2024, *Phi-3 Technical Report: A Highly Capable Language Model Locally on "
        "Your Phone*",
        "The layers of Llama; queries, keys and values are made by one matrix, and gate and "
        "feed-forward by another.",
        [
            (
                "Phi-3-mini",
                (32064, 3072, 8192, 32, 32, 32),
                keras_hub("phi3", "phi3_mini_4k_instruct_en"),
                3_821_079_552,
            )
        ],
    ),
    _family(
        DECODERS,
        "stablelm",
        "StableLM",
        "StableLmForCausalLM",
        "StableLmConfig",
        _LLAMA,
        "Tow et al. 2023, *StableLM 3B 4E1T*",
        "The layers of Llama with norms that have biases; a quarter of each head is rotated.",
        [
            (
                "stablelm-3b-4e1t",
                (50304, 2560, 6912, 32, 32, 32),
                card("stabilityai/stablelm-3b-4e1t"),
                2_795_443_200,
            )
        ],
    ),
    _family(
        DECODERS,
        "olmo",
        "OLMo",
        "OlmoForCausalLM",
        "OlmoConfig",
        _LLAMA,
        "Groeneveld et al. 2024, *OLMo: Accelerating the Science of Language Models*",
        "The layers of Llama with norms that have no parameters at all.",
        [
            (
                "OLMo-7B",
                (50304, 4096, 11008, 32, 32, 32),
                card("allenai/OLMo-7B"),
                7 * BILLION,
                BILLION,
            )
        ],
    ),
    _family(
        DECODERS,
        "olmo2",
        "OLMo 2",
        "Olmo2ForCausalLM",
        "Olmo2Config",
        _LLAMA,
        "OLMo Team 2024, *2 OLMo 2 Furious*",
        "Norms after each part of a layer instead of before it, and of queries and keys.",
        [
            (
                "OLMo-2-1124-7B",
                (100352, 4096, 11008, 32, 32, 32),
                card("allenai/OLMo-2-1124-7B"),
                7 * BILLION,
                BILLION,
            )
        ],
    ),
    _family(
        DECODERS,
        "granite",
        "Granite",
        "GraniteForCausalLM",
        "GraniteConfig",
        _LLAMA,
        "Granite Team 2024, *Granite 3.0 Language Models*",
        "The layers of Llama, whose embeddings, attention and residuals are scaled by constants.",
        [
            (
                "defaults of GraniteConfig",
                (32000, 4096, 11008, 32, 32, 32),
                defaults_of("GraniteConfig"),
            )
        ],
    ),
    _family(
        DECODERS,
        "cohere",
        "Command R",
        "CohereForCausalLM",
        "CohereConfig",
        _LLAMA,
        "Cohere 2024, *Command R*",
        "One norm a layer, before attention and feed-forward that are side by side; the embedding "
        "is tied to the output layer.",
        [
            (
                "c4ai-command-r-v01",
                (256000, 8192, 22528, 40, 64, 64),
                card("CohereLabs/c4ai-command-r-v01"),
                35 * BILLION,
                BILLION,
            )
        ],
    ),
    _family(
        DECODERS,
        "starcoder",
        "StarCoder",
        "GPTBigCodeForCausalLM",
        "GPTBigCodeConfig",
        ("vocab_size", "n_embd", "n_inner", "n_layer", "n_head", "n_positions"),
        "Li et al. 2023, *StarCoder: may the source be with you!*",
        "GPT-2 whose heads share one key and one value, for programs.",
        [
            (
                "starcoder",
                (49152, 6144, 24576, 40, 48, 8192),
                "abstract of the paper",
                15_500 * MILLION,
                TENTHS,
            )
        ],
    ),
    _family(
        DECODERS,
        "starcoder2",
        "StarCoder2",
        "Starcoder2ForCausalLM",
        "Starcoder2Config",
        _LLAMA,
        "Lozhkov et al. 2024, *StarCoder 2 and The Stack v2: The Next Generation*",
        "Grouped queries, biases everywhere, a feed-forward without a gate, a tied output layer.",
        [
            (
                "starcoder2-3b",
                (49152, 3072, 12288, 30, 24, 2),
                card("bigcode/starcoder2-3b"),
                3 * BILLION,
                BILLION,
            ),
            (
                "starcoder2-7b",
                (49152, 4608, 18432, 32, 36, 4),
                card("bigcode/starcoder2-7b"),
                7 * BILLION,
                BILLION,
            ),
        ],
    ),
    _family(
        DECODERS,
        "smollm3",
        "SmolLM3",
        "SmolLM3ForCausalLM",
        "SmolLM3Config",
        _LLAMA,
        "Hugging Face 2025, *SmolLM3: smol, multilingual, long-context reasoner*",
        "The layers of Llama, tied; some of them have no positions, which changes no parameter.",
        [
            (
                "SmolLM3-3B",
                (128256, 2048, 11008, 36, 16, 4),
                card("HuggingFaceTB/SmolLM3-3B"),
                3 * BILLION,
                BILLION,
            )
        ],
    ),
)

EXPERT_FAMILIES = (
    _family(
        EXPERTS,
        "qwen2_moe",
        "Qwen2-MoE",
        "Qwen2MoeForCausalLM",
        "Qwen2MoeConfig",
        (
            *(name for name in _LLAMA if name != "intermediate_size"),
            "moe_intermediate_size",
            "shared_expert_intermediate_size",
            "num_experts",
        ),
        "Qwen Team 2024, *Qwen1.5-MoE: Matching 7B Model Performance with 1/3 Activated "
        "Parameters*",
        "Qwen2 with many small experts in each layer, and one that all tokens share.",
        [
            (
                "Qwen1.5-MoE-A2.7B",
                (151936, 2048, 24, 16, 16, 1408, 5632, 60),
                keras_hub("qwen_moe", "qwen1.5_moe_2.7b_en"),
                14_315_784_192,
            )
        ],
    ),
    _own(
        EXPERTS,
        "qwen3_moe",
        "Qwen3-MoE",
        (
            *(name for name in _LLAMA if name != "intermediate_size"),
            "head_dim",
            "moe_intermediate_size",
            "num_experts",
        ),
        "Qwen Team 2025, *Qwen3 Technical Report*",
        "Qwen3 with many small experts in each layer and none that is shared.",
        [
            (
                "Qwen3-30B-A3B",
                (151936, 2048, 48, 32, 4, 128, 768, 128),
                keras_hub("qwen3_moe", "qwen3_moe_30b_a3b_en"),
                30_532_122_624,
            ),
            (
                "Qwen3-235B-A22B",
                (151936, 4096, 94, 64, 4, 128, 1536, 128),
                keras_hub("qwen3_moe", "qwen3_moe_235b_a22b_en"),
                235_093_634_560,
            ),
        ],
    ),
    _family(
        EXPERTS,
        "deepseek_v2",
        "DeepSeek-V2",
        "DeepseekV2ForCausalLM",
        "DeepseekV2Config",
        (
            "vocab_size",
            "hidden_size",
            "intermediate_size",
            "num_hidden_layers",
            "num_attention_heads",
            "moe_intermediate_size",
            "n_routed_experts",
            "n_shared_experts",
            "q_lora_rank",
            "kv_lora_rank",
        ),
        "DeepSeek-AI 2024, *DeepSeek-V2: A Strong, Economical, and Efficient Mixture-of-Experts "
        "Language Model*",
        "Keys and values are made from one narrow vector, of width `kv_lora_rank`. Experts are "
        "many, "
        "some of them shared; the first layer has none.",
        [
            (
                "DeepSeek-V2",
                (102400, 5120, 12288, 60, 128, 1536, 160, 2, 1536, 512),
                "abstract of the paper",
                236 * BILLION,
                BILLION,
            )
        ],
        first_k_dense_replace=1,
    ),
    _family(
        EXPERTS,
        "deepseek_v3",
        "DeepSeek-V3",
        "DeepseekV3ForCausalLM",
        "DeepseekV3Config",
        (
            "vocab_size",
            "hidden_size",
            "intermediate_size",
            "num_hidden_layers",
            "num_attention_heads",
            "moe_intermediate_size",
            "n_routed_experts",
            "n_shared_experts",
            "q_lora_rank",
            "kv_lora_rank",
            "qk_nope_head_dim",
            "qk_rope_head_dim",
            "v_head_dim",
        ),
        "DeepSeek-AI 2024, *DeepSeek-V3 Technical Report*",
        "DeepSeek-V2 with more experts, which it chooses by corrected scores; the first three "
        "layers "
        "have none. The module that predicts further tokens is not in the class.",
        [
            (
                "DeepSeek-V3",
                (129280, 7168, 18432, 61, 128, 2048, 256, 1, 1536, 512, 128, 64, 128),
                "abstract of the paper",
                671 * BILLION,
                BILLION,
            )
        ],
    ),
    _family(
        EXPERTS,
        "gpt_oss",
        "gpt-oss",
        "GptOssForCausalLM",
        "GptOssConfig",
        (*_LLAMA, "head_dim", "num_local_experts"),
        "OpenAI 2025, *gpt-oss-120b & gpt-oss-20b Model Card*",
        "Experts with biases in each layer, grouped queries, and a learned sink for each head.",
        [
            (
                "gpt-oss-20b",
                (201088, 2880, 2880, 24, 64, 8, 64, 32),
                "table 1 of the card",
                20_900 * MILLION,
                TENTHS,
            ),
            (
                "gpt-oss-120b",
                (201088, 2880, 2880, 36, 64, 8, 64, 128),
                "table 1 of the card",
                116_800 * MILLION,
                TENTHS,
            ),
        ],
    ),
    _family(
        EXPERTS,
        "phimoe",
        "Phi-3.5-MoE",
        "PhimoeForCausalLM",
        "PhimoeConfig",
        (*_LLAMA, "num_local_experts"),
        "Abdin et al. 2024, *Phi-3 Technical Report: A Highly Capable Language Model Locally on "
        "Your Phone*",
        "Sixteen experts in each layer, two of which a token uses.",
        [
            (
                "Phi-3.5-MoE",
                (32064, 4096, 6400, 32, 32, 8, 16),
                "section 2 of the paper",
                42 * BILLION,
                BILLION,
            )
        ],
    ),
    _family(
        EXPERTS,
        "olmoe",
        "OLMoE",
        "OlmoeForCausalLM",
        "OlmoeConfig",
        (*_LLAMA, "num_experts"),
        "Muennighoff et al. 2024, *OLMoE: Open Mixture-of-Experts Language Models*",
        "OLMo with 64 small experts in each layer, eight of which a token uses.",
        [
            (
                "OLMoE-1B-7B",
                (50304, 2048, 1024, 16, 16, 16, 64),
                "abstract of the paper",
                7 * BILLION,
                BILLION,
            )
        ],
    ),
)

_MAMBA = ("vocab_size", "hidden_size", "num_hidden_layers", "state_size", "conv_kernel")
_MAMBA_TABLE = "state-spaces/mamba, table of pretrained models"

STATE_SPACE_FAMILIES = (
    _family(
        STATE_SPACE,
        "mamba",
        "Mamba",
        "MambaForCausalLM",
        "MambaConfig",
        _MAMBA,
        "Gu and Dao 2023, *Mamba: Linear-Time Sequence Modeling with Selective State Spaces*",
        "No attention: each layer is a convolution and a state that depends on its input. The rank "
        "of the time steps is a sixteenth of the width, rounded up.",
        [
            ("mamba-130m", (50280, 768, 24, 16, 4), _MAMBA_TABLE, 130 * MILLION, 10 * MILLION),
            ("mamba-370m", (50280, 1024, 48, 16, 4), _MAMBA_TABLE, 370 * MILLION, 10 * MILLION),
            ("mamba-790m", (50280, 1536, 48, 16, 4), _MAMBA_TABLE, 790 * MILLION, 10 * MILLION),
            ("mamba-1.4b", (50280, 2048, 48, 16, 4), _MAMBA_TABLE, 1_400 * MILLION, TENTHS),
            ("mamba-2.8b", (50280, 2560, 64, 16, 4), _MAMBA_TABLE, 2_800 * MILLION, TENTHS),
        ],
    ),
    _family(
        STATE_SPACE,
        "mamba2",
        "Mamba-2",
        "Mamba2ForCausalLM",
        "Mamba2Config",
        (
            "vocab_size",
            "hidden_size",
            "num_hidden_layers",
            "state_size",
            "num_heads",
            "head_dim",
            "n_groups",
            "conv_kernel",
        ),
        "Dao and Gu 2024, *Transformers are SSMs: Generalized Models and Efficient Algorithms "
        "Through Structured State Space Duality*",
        "Mamba with heads, whose states have one decay each. The heads have to fill twice the "
        "width.",
        [
            (
                "Mamba-Codestral-7B",
                (32768, 4096, 64, 128, 128, 64, 8, 4),
                "Mistral AI 2024, *Codestral Mamba*",
                7_285_403_648,
            )
        ],
    ),
    _family(
        STATE_SPACE,
        "falcon_mamba",
        "Falcon Mamba",
        "FalconMambaForCausalLM",
        "FalconMambaConfig",
        _MAMBA,
        "Zuo et al. 2024, *Falcon Mamba: The First Competitive Attention-free 7B Language Model*",
        "Mamba with norms that have no parameters in its layers, and an untied output layer.",
        [
            (
                "falcon-mamba-7b",
                (65024, 4096, 64, 16, 4),
                card("tiiuae/falcon-mamba-7b"),
                7 * BILLION,
                BILLION,
            )
        ],
        tie_word_embeddings=False,
    ),
)


def _pooler(width: int) -> int:
    return width * width + width


ENCODER_FAMILIES = (
    _family(
        ENCODERS,
        "roberta",
        "RoBERTa",
        "RobertaModel",
        "RobertaConfig",
        (*_BERT, "type_vocab_size"),
        "Liu et al. 2019, *RoBERTa: A Robustly Optimized BERT Pretraining Approach*",
        "BERT, trained longer, with a larger vocabulary; with its pooler.",
        [
            (
                f"roberta-{name}",
                (50265, width, 4 * width, layers, width // 64, 514, 1),
                keras_hub("roberta", f"roberta_{name}_en"),
                total,
                1,
                _pooler(width) + 3 * width,
                "the pooler, the one type of tokens, and two more rows of positions",
            )
            for name, width, layers, total in (
                ("base", 768, 12, 124_052_736),
                ("large", 1024, 24, 354_307_072),
            )
        ],
    ),
    _family(
        ENCODERS,
        "xlm_roberta",
        "XLM-RoBERTa",
        "XLMRobertaModel",
        "XLMRobertaConfig",
        (*_BERT, "type_vocab_size"),
        "Conneau et al. 2019, *Unsupervised Cross-lingual Representation Learning at Scale*",
        "RoBERTa with a vocabulary of a hundred languages; with its pooler.",
        [
            (
                f"xlm-roberta-{name}",
                (250002, width, 4 * width, layers, width // 64, 514, 1),
                keras_hub("xlm_roberta", f"xlm_roberta_{name}_multi"),
                total,
                1,
                _pooler(width) + 3 * width,
                "the pooler, the one type of tokens, and two more rows of positions",
            )
            for name, width, layers, total in (
                ("base", 768, 12, 277_450_752),
                ("large", 1024, 24, 558_837_760),
            )
        ],
    ),
    _family(
        ENCODERS,
        "electra",
        "ELECTRA",
        "ElectraModel",
        "ElectraConfig",
        (*_BERT, "type_vocab_size", "embedding_size"),
        "Clark et al. 2020, *ELECTRA: Pre-training Text Encoders as Discriminators Rather Than "
        "Generators*",
        "BERT without a pooler. A narrower embedding is projected to the width of the layers, and "
        "one that is as wide is not.",
        [
            (
                f"electra-{name}-discriminator",
                (30522, width, 4 * width, layers, heads, 512, 2, embedding),
                keras_hub("electra", f"electra_{name}_discriminator_uncased_en"),
                total,
                1,
                -_pooler(width),
                "a pooler, which the published count includes",
            )
            for name, width, layers, heads, embedding, total in (
                ("small", 256, 12, 4, 128, 13_548_800),
                ("base", 768, 12, 12, 768, 109_482_240),
                ("large", 1024, 24, 16, 1024, 335_141_888),
            )
        ],
    ),
    _family(
        ENCODERS,
        "albert",
        "ALBERT",
        "AlbertModel",
        "AlbertConfig",
        (*_BERT, "type_vocab_size", "embedding_size", "num_hidden_groups"),
        "Lan et al. 2019, *ALBERT: A Lite BERT for Self-supervised Learning of Language "
        "Representations*",
        "All layers of a group share their parameters, so the depth costs nothing; the "
        "embedding is "
        "narrow, and projected.",
        [
            (
                f"albert-{name}-v2",
                (30000, width, 4 * width, layers, heads, 512, 2, 128, 1),
                keras_hub("albert", f"albert_{preset}_en_uncased"),
                total,
            )
            for name, preset, width, layers, heads, total in (
                ("base", "base", 768, 12, 12, 11_683_584),
                ("large", "large", 1024, 24, 16, 17_683_968),
                ("xlarge", "extra_large", 2048, 24, 16, 58_724_864),
                ("xxlarge", "extra_extra_large", 4096, 12, 64, 222_595_584),
            )
        ],
    ),
    _family(
        ENCODERS,
        "distilbert",
        "DistilBERT",
        "DistilBertModel",
        "DistilBertConfig",
        ("vocab_size", "dim", "hidden_dim", "n_layers", "n_heads", "max_position_embeddings"),
        "Sanh et al. 2019, *DistilBERT, a distilled version of BERT: smaller, faster, cheaper and "
        "lighter*",
        "BERT with half the layers, and without types of tokens and pooler.",
        [
            (
                f"distilbert-base-{name}",
                (vocabulary, 768, 3072, 6, 12, 512),
                keras_hub("distil_bert", f"distil_bert_base_{preset}"),
                total,
            )
            for name, preset, vocabulary, total in (
                ("uncased", "en_uncased", 30522, 66_362_880),
                ("cased", "en", 28996, 65_190_912),
                ("multilingual-cased", "multi", 119547, 134_734_080),
            )
        ],
    ),
    _own(
        ENCODERS,
        "deberta_v3",
        "DeBERTa-v3",
        (
            "vocab_size",
            "hidden_size",
            "intermediate_size",
            "num_hidden_layers",
            "num_attention_heads",
            "position_buckets",
        ),
        "He et al. 2021, *DeBERTaV3: Improving DeBERTa using ELECTRA-Style Pre-Training with "
        "Gradient-Disentangled Embedding Sharing*",
        "Attention to content and to relative positions, which are in buckets and share the "
        "matrices "
        "of queries and keys.",
        [
            (
                f"deberta-v3-{name}",
                (128100, width, 4 * width, layers, width // 64, 256),
                keras_hub("deberta_v3", f"deberta_v3_{preset}_en"),
                total,
            )
            for name, preset, width, layers, total in (
                ("xsmall", "extra_small", 384, 12, 70_682_112),
                ("small", "small", 768, 6, 141_304_320),
                ("base", "base", 768, 12, 183_831_552),
                ("large", "large", 1024, 24, 434_012_160),
            )
        ],
    ),
    _family(
        ENCODERS,
        "mpnet",
        "MPNet",
        "MPNetModel",
        "MPNetConfig",
        (*_BERT, "relative_attention_num_buckets"),
        "Song et al. 2020, *MPNet: Masked and Permuted Pre-training for Language Understanding*",
        "BERT without types of tokens, with relative positions in buckets that all layers share.",
        [
            (
                "microsoft/mpnet-base",
                (30527, 768, 3072, 12, 12, 514, 32),
                config_of("microsoft/mpnet-base"),
            )
        ],
    ),
    _family(
        ENCODERS,
        "modernbert",
        "ModernBERT",
        "ModernBertModel",
        "ModernBertConfig",
        tuple(name for name in _BERT if name != "max_position_embeddings"),
        "Warner et al. 2024, *Smarter, Better, Faster, Longer: A Modern Bidirectional Encoder*",
        "Gated feed-forwards, rotary positions and no biases; the first layer has no norm "
        "before its "
        "attention.",
        [
            (
                "ModernBERT-base",
                (50368, 768, 1152, 22, 12),
                card("answerdotai/ModernBERT-base"),
                149 * MILLION,
                MILLION,
            ),
            (
                "ModernBERT-large",
                (50368, 1024, 2624, 28, 16),
                card("answerdotai/ModernBERT-large"),
                395 * MILLION,
                MILLION,
            ),
        ],
    ),
    _family(
        ENCODERS,
        "fnet",
        "FNet",
        "FNetModel",
        "FNetConfig",
        (*(name for name in _BERT if name != "num_attention_heads"), "type_vocab_size"),
        "Lee-Thorp et al. 2021, *FNet: Mixing Tokens with Fourier Transforms*",
        "BERT whose attention is a Fourier transform, and so has no parameters.",
        [
            (
                f"fnet-{name}",
                (32000, width, 4 * width, layers, 512, 4),
                keras_hub("f_net", f"f_net_{name}_en"),
                total,
            )
            for name, width, layers, total in (
                ("base", 768, 12, 82_861_056),
                ("large", 1024, 24, 236_945_408),
            )
        ],
    ),
    _family(
        ENCODERS,
        "esm",
        "ESM-2",
        "EsmModel",
        "EsmConfig",
        (
            "vocab_size",
            "hidden_size",
            "intermediate_size",
            "num_hidden_layers",
            "num_attention_heads",
        ),
        "Lin et al. 2022, *Evolutionary-scale prediction of atomic-level protein structure with a "
        "language model*",
        "An encoder of proteins, with rotary positions and a vocabulary of 33.",
        [
            (
                f"esm2_{name}",
                (33, width, 4 * width, layers, 20),
                keras_hub("esm", f"esm2_{name}"),
                total,
                1,
                _pooler(width) + 20 * layers + 1,
                "the pooler, and what predicts contacts from all heads of all layers",
            )
            for name, width, layers, total in (
                ("t6_8M", 320, 6, 7_408_960),
                ("t12_35M", 480, 12, 33_269_280),
                ("t30_150M", 640, 30, 147_728_000),
                ("t33_650M", 1280, 33, 649_400_320),
            )
        ],
        pad_token_id=1,
        mask_token_id=32,
        position_embedding_type="rotary",
        token_dropout=True,
    ),
)


def _same(vocab: int, width: int, layers: int, heads: int, positions: int) -> tuple[int, ...]:
    """Values of `_BART`, the same for encoder and decoder, four times as wide inside."""
    inner = 4 * width
    return vocab, width, layers, layers, heads, heads, inner, inner, positions


ENCODER_DECODER_FAMILIES = (
    _family(
        ENCODER_DECODERS,
        "t5",
        "T5",
        "T5ForConditionalGeneration",
        "T5Config",
        (
            "vocab_size",
            "d_model",
            "d_kv",
            "d_ff",
            "num_layers",
            "num_decoder_layers",
            "num_heads",
            "relative_attention_num_buckets",
        ),
        "Raffel et al. 2019, *Exploring the Limits of Transfer Learning with a Unified "
        "Text-to-Text "
        "Transformer*",
        "No biases; relative positions in buckets, which all layers of the encoder share, and "
        "all of "
        "the decoder.",
        [
            (
                f"t5-{name}",
                (32128, width, head, inner, layers, layers, heads, 32),
                "section 3.7 of the paper",
                total,
                unit,
            )
            for name, width, head, inner, layers, heads, total, unit in (
                ("small", 512, 64, 2048, 6, 8, 60 * MILLION, 10 * MILLION),
                ("base", 768, 64, 3072, 12, 12, 220 * MILLION, 10 * MILLION),
                ("3b", 1024, 128, 16384, 24, 32, 3 * BILLION, BILLION),
                ("11b", 1024, 128, 65536, 24, 128, 11 * BILLION, BILLION),
            )
        ],
        note="The paper has 770 million for t5-large, which is left out: with the sizes that "
        "it gives "
        "the class has 738 million.",
    ),
    _family(
        ENCODER_DECODERS,
        "bart",
        "BART",
        "BartModel",
        "BartConfig",
        _BART,
        "Lewis et al. 2019, *BART: Denoising Sequence-to-Sequence Pre-training for Natural "
        "Language "
        "Generation, Translation, and Comprehension*",
        "The Transformer with learned positions; encoder and decoder share their embedding.",
        [
            (
                "bart-base",
                _same(50265, 768, 6, 12, 1024),
                keras_hub("bart", "bart_base_en"),
                139_417_344,
                1,
                4 * 768,
                "two more rows of positions in the encoder, and two in the decoder",
            ),
            (
                "bart-large",
                _same(50265, 1024, 12, 16, 1024),
                keras_hub("bart", "bart_large_en"),
                406_287_360,
                1,
                4 * 1024,
                "two more rows of positions in the encoder, and two in the decoder",
            ),
        ],
    ),
    _family(
        ENCODER_DECODERS,
        "mbart",
        "mBART",
        "MBartModel",
        "MBartConfig",
        _BART,
        "Liu et al. 2020, *Multilingual Denoising Pre-training for Neural Machine Translation*",
        "BART for many languages, with norms before each part of a layer and one more at the "
        "end of "
        "encoder and decoder.",
        [
            (
                "mbart-large-cc25",
                _same(250027, 1024, 12, 16, 1024),
                "fairseq, examples/mbart/README.md: mbart.CC25",
                610 * MILLION,
                10 * MILLION,
            )
        ],
    ),
    _family(
        ENCODER_DECODERS,
        "pegasus",
        "PEGASUS",
        "PegasusModel",
        "PegasusConfig",
        _BART,
        "Zhang et al. 2019, *PEGASUS: Pre-training with Extracted Gap-sentences for Abstractive "
        "Summarization*",
        "BART with sines for positions. They are parameters of the class, and frozen.",
        [
            (
                "google/pegasus-large",
                _same(96103, 1024, 16, 16, 1024),
                config_of("google/pegasus-large"),
            )
        ],
        note="The paper says 568 million. Without its sines, which are no parameters there, "
        "the class "
        "has 568.7 million, for a vocabulary that is 103 tokens larger.",
    ),
    _family(
        ENCODER_DECODERS,
        "marian",
        "Marian",
        "MarianModel",
        "MarianConfig",
        _BART,
        "Junczys-Dowmunt et al. 2018, *Marian: Fast Neural Machine Translation in C++*",
        "The Transformer for translation, as OPUS-MT uses it. Positions are sines: parameters "
        "of the "
        "class, and frozen.",
        [
            (
                "Helsinki-NLP/opus-mt-en-de",
                _same(58101, 512, 6, 8, 512),
                config_of("Helsinki-NLP/opus-mt-en-de"),
            )
        ],
        note="The padding token is 58100, the last of that vocabulary, and so the vocabulary "
        "has to "
        "be that large.",
    ),
)

FAMILIES = (
    *DECODER_FAMILIES,
    *EXPERT_FAMILIES,
    *STATE_SPACE_FAMILIES,
    *ENCODER_FAMILIES,
    *ENCODER_DECODER_FAMILIES,
)
