"""Layers of `torch.nn` itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from examples.atlas.family import Family, Size
from symcount import Symbol

KIND = "Layers of torch.nn"

_BASE = "sizes of the base model of Vaswani et al. 2017, *Attention Is All You Need*, table 3"
_CHOSEN = "an example"


def _layer(
    key: str,
    name: str,
    paper: str,
    about: str,
    sizes: Mapping[str, Mapping[str, int]],
    source: str = _CHOSEN,
    symbols: Mapping[str, Symbol] | None = None,
    note: str = "",
    **fixed: Any,
) -> Family:
    return Family(
        key=key,
        title=f"nn.{name}",
        kind=KIND,
        about=about,
        paper=paper,
        model=f"torch.nn:{name}",
        symbols=symbols or {},
        fixed=fixed,
        sizes=tuple(Size(label, at, source) for label, at in sizes.items()),
        note=note,
    )


_ATTENTION = "Vaswani et al. 2017, *Attention Is All You Need*"

FAMILIES = (
    _layer(
        "nn_transformer",
        "Transformer",
        _ATTENTION,
        "Encoder and decoder, without embeddings and output layer, each with a norm at its end.",
        {
            "base": {
                "d_model": 512,
                "nhead": 8,
                "num_encoder_layers": 6,
                "num_decoder_layers": 6,
                "dim_feedforward": 2048,
            }
        },
        _BASE,
    ),
    _layer(
        "nn_transformer_encoder_layer",
        "TransformerEncoderLayer",
        _ATTENTION,
        "Attention and a feed-forward, each with a norm.",
        {"base": {"d_model": 512, "nhead": 8, "dim_feedforward": 2048}},
        _BASE,
    ),
    _layer(
        "nn_transformer_decoder_layer",
        "TransformerDecoderLayer",
        _ATTENTION,
        "Attention to itself, attention to the encoder and a feed-forward, each with a norm.",
        {"base": {"d_model": 512, "nhead": 8, "dim_feedforward": 2048}},
        _BASE,
    ),
    _layer(
        "nn_multihead_attention",
        "MultiheadAttention",
        _ATTENTION,
        "Queries, keys and values of one width, made by one matrix, and a projection of what comes "
        "out.",
        {"base": {"embed_dim": 512, "num_heads": 8}},
        _BASE,
    ),
    _layer(
        "nn_lstm",
        "LSTM",
        "Hochreiter and Schmidhuber 1997, *Long Short-Term Memory*",
        "Layers of LSTM, in one direction: four gates, each with two biases, as cuDNN has them.",
        {
            "small": {"input_size": 128, "hidden_size": 256, "num_layers": 1},
            "deep": {"input_size": 512, "hidden_size": 1024, "num_layers": 4},
        },
        symbols={"input_size": Symbol(), "hidden_size": Symbol(), "num_layers": Symbol()},
    ),
    _layer(
        "nn_gru",
        "GRU",
        "Cho et al. 2014, *Learning Phrase Representations using RNN Encoder-Decoder for "
        "Statistical Machine Translation*",
        "Layers of GRU, in both directions: three gates, each with two biases.",
        {
            "small": {"input_size": 128, "hidden_size": 256, "num_layers": 1},
            "deep": {"input_size": 512, "hidden_size": 1024, "num_layers": 4},
        },
        symbols={"input_size": Symbol(), "hidden_size": Symbol(), "num_layers": Symbol()},
        bidirectional=True,
    ),
    _layer(
        "nn_conv2d",
        "Conv2d",
        "LeCun et al. 1989, *Backpropagation Applied to Handwritten Zip Code Recognition*",
        "A convolution with a square kernel, in groups.",
        {
            "dense": {"in_channels": 64, "out_channels": 128, "kernel_size": 3, "groups": 1},
            "depthwise": {"in_channels": 64, "out_channels": 64, "kernel_size": 3, "groups": 64},
        },
        symbols=dict.fromkeys(("in_channels", "out_channels", "kernel_size", "groups"), Symbol()),
        stride=1,
        padding=0,
        dilation=1,
    ),
    _layer(
        "nn_bilinear",
        "Bilinear",
        "Tenenbaum and Freeman 2000, *Separating Style and Content with Bilinear Models*",
        "A form of two inputs for each output.",
        {"small": {"in1_features": 64, "in2_features": 64, "out_features": 128}},
    ),
)
