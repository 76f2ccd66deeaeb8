"""Further wrong answers to the exercises of chapter 04."""

from __future__ import annotations

import torch
from mutants.cases import wrong

from utils.llm import attention


@wrong("4.2", "The mask has 2 more axes")
def ready_for_batches_and_heads(n_tokens):
    return torch.ones(n_tokens, n_tokens, dtype=torch.bool).tril()[None, None]


@wrong("4.2", "A token sees 3 places")
def two_back_and_no_further(n_tokens):
    position = torch.arange(n_tokens)
    gap = position[:, None] - position
    return (gap >= 0) & (gap <= 2)


@wrong("4.4", "The heads were never brought")
def heads_not_brought_forward(x, n_heads, work):
    heads = x.unflatten(-1, (n_heads, -1))
    return heads, work(heads).flatten(-2)


@wrong("4.5", "b_out was added before")
def last_bias_before_the_matrix(x, w_qkv, b_qkv, w_out, b_out, n_heads, mask):
    thirds = (x @ w_qkv + b_qkv).chunk(3, dim=-1)
    q, k, v = (attention.split_heads(part, n_heads) for part in thirds)
    heads, weights = attention.scaled_dot_product_attention(q, k, v, mask)
    return (attention.merge_heads(heads) + b_out) @ w_out, weights


@wrong("4.5", "Your output is right, and the weights")
def weights_of_the_first_head(x, w_qkv, b_qkv, w_out, b_out, n_heads, mask):
    parts = (x @ w_qkv + b_qkv).chunk(3, -1)
    q, k, v = (attention.split_heads(part, n_heads) for part in parts)
    heads, weights = attention.scaled_dot_product_attention(q, k, v, mask)
    return attention.merge_heads(heads) @ w_out + b_out, weights[:, 0]


@wrong("4.5", "Your weights have no axis")
def no_biases_one_head_s_attention(x, w_qkv, b_qkv, w_out, b_out, n_heads, mask):
    q, k, v = (x @ w_qkv).chunk(3, dim=-1)
    out, weights = attention.scaled_dot_product_attention(q, k, v, mask)
    return out @ w_out, weights
