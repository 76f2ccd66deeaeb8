"""Week 2: attention, from a weighted mean to many heads with a cache."""

from utils.llm.attention.heads import (
    KVCache,
    LearnedPositions,
    MultiHeadAttention,
    attention_for_one_query,
    causal_mask,
    elu_plus_one,
    explicit_is_faster,
    fused_attention,
    linear_attention,
    merge_heads,
    padding_mask,
    rotary,
    scaled_dot_product_attention,
    sinusoidal_positions,
    split_heads,
)

__all__ = [
    "KVCache",
    "LearnedPositions",
    "MultiHeadAttention",
    "attention_for_one_query",
    "causal_mask",
    "elu_plus_one",
    "explicit_is_faster",
    "fused_attention",
    "linear_attention",
    "merge_heads",
    "padding_mask",
    "rotary",
    "scaled_dot_product_attention",
    "sinusoidal_positions",
    "split_heads",
]
