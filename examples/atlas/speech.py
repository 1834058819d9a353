"""Models of speech."""

from __future__ import annotations

from examples.atlas.family import Family, Size
from examples.atlas.published import config_of, keras_hub
from symcount import Symbol

KIND = "Speech"

_WHISPER = (
    "vocab_size",
    "num_mel_bins",
    "d_model",
    "encoder_layers",
    "decoder_layers",
    "encoder_attention_heads",
    "decoder_attention_heads",
    "encoder_ffn_dim",
    "decoder_ffn_dim",
    "max_source_positions",
    "max_target_positions",
)
_WAV2VEC2 = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
_BASE = dict(zip(_WAV2VEC2, (768, 3072, 12, 12), strict=True))
_FEATURES = "The convolutions that make features of sound are as they are by default."


def _whisper(name: str, width: int, layers: int, total: int) -> Size:
    inner, heads = 4 * width, width // 64
    values = (51865, 80, width, layers, layers, heads, heads, inner, inner, 1500, 448)
    return Size(
        f"whisper-{name}",
        dict(zip(_WHISPER, values, strict=True)),
        keras_hub("whisper", f"whisper_{name}_multi"),
        total,
    )


FAMILIES = (
    Family(
        key="whisper",
        title="Whisper",
        kind=KIND,
        about="An encoder of spectrograms and a decoder of texts. Positions of sound are sines: "
        "parameters of the class, and frozen.",
        paper="Radford et al. 2022, *Robust Speech Recognition via Large-Scale Weak Supervision*",
        model="transformers:WhisperModel",
        config="transformers:WhisperConfig",
        symbols=dict.fromkeys(_WHISPER, Symbol()),
        sizes=(
            _whisper("tiny", 384, 4, 37_760_640),
            _whisper("base", 512, 6, 72_593_920),
            _whisper("small", 768, 12, 241_734_912),
            _whisper("medium", 1024, 24, 763_857_920),
            _whisper("large", 1280, 32, 1_543_304_960),
        ),
    ),
    Family(
        key="wav2vec2",
        title="wav2vec 2.0",
        kind=KIND,
        about="An encoder of raw sound, with the quantizer that it is pre-trained with. "
        + _FEATURES,
        paper="Baevski et al. 2020, *wav2vec 2.0: A Framework for Self-Supervised Learning of "
        "Speech "
        "Representations*",
        model="transformers:Wav2Vec2ForPreTraining",
        config="transformers:Wav2Vec2Config",
        symbols=dict.fromkeys(_WAV2VEC2, Symbol()),
        sizes=(Size("wav2vec2-base", _BASE, "section 4.2 of the paper", 95_000_000, 10**6),),
        note="The large model has more convolutions with norms, and wider code words, and is "
        "not of "
        "this formula.",
    ),
    Family(
        key="hubert",
        title="HuBERT",
        kind=KIND,
        about="The encoder of wav2vec 2.0, trained to predict clusters. " + _FEATURES,
        paper="Hsu et al. 2021, *HuBERT: Self-Supervised Speech Representation Learning by Masked "
        "Prediction of Hidden Units*",
        model="transformers:HubertModel",
        config="transformers:HubertConfig",
        symbols=dict.fromkeys(_WAV2VEC2, Symbol()),
        sizes=(Size("hubert-base-ls960", _BASE, config_of("facebook/hubert-base-ls960")),),
        note="The paper says 95 million, with the layers that predict clusters, which the "
        "class does "
        "not have.",
    ),
    Family(
        key="wavlm",
        title="WavLM",
        kind=KIND,
        about="HuBERT with a gated bias for relative positions. " + _FEATURES,
        paper="Chen et al. 2021, *WavLM: Large-Scale Self-Supervised Pre-Training for Full Stack "
        "Speech Processing*",
        model="transformers:WavLMModel",
        config="transformers:WavLMConfig",
        symbols=dict.fromkeys(_WAV2VEC2, Symbol()),
        sizes=(Size("wavlm-base", _BASE, config_of("microsoft/wavlm-base")),),
    ),
)
