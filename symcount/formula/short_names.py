"""Rename the symbols of a formula as papers call them: `d` for a width, `L` for a depth."""

from __future__ import annotations

from collections.abc import Mapping

from symcount.formula.formula import Formula
from symcount.formula.rewriting import rename

# Where two names of a line are symbols of one formula, the first is the letter's.
LETTERS = {
    letter: names.split()
    for letter, names in {
        "d": "d_model dim n_embd n_embed hidden_size embed_dim embedding_dim model_dim "
        "hidden_dim width",
        "L": "n_layer n_layers num_layers num_hidden_layers num_blocks n_blocks depth layers",
        "h": "n_head n_heads num_heads num_attention_heads attention_heads nhead heads",
        "k": "n_kv_head n_kv_heads num_kv_heads num_key_value_heads kv_heads",
        "f": "d_ff ffn_dim ff_dim intermediate_size n_inner mlp_dim dim_feedforward inner_dim "
        "ffn_hidden_size hidden_dim hidden",
        "V": "vocab_size n_vocab vocab num_tokens num_embeddings",
        "E": "n_experts num_experts num_local_experts n_routed_experts num_routed_experts",
        "T": "n_positions max_position_embeddings block_size context_length max_seq_len",
    }.items()
}


def short(count: Formula, given: Mapping[str, object]) -> Formula:
    """Rename symbols to single letters; see `ParamCount.short`."""
    names = count.signature.names
    renamed = dict(given)
    for letter, long in LETTERS.items():
        free = [name for name in long if name in names and name not in renamed]
        if free and letter not in (*names, *renamed.values()):
            renamed[free[0]] = letter
    return rename(count, renamed) if renamed else count
