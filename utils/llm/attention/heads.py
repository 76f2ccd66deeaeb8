"""Attention: each token's output is a mean of values, weighted by how well keys fit its query.

Shapes: `B` texts in a batch, `T` tokens (`Tq` that ask, `Tk` that are asked), `C` or `d_model` the
width, `H` heads, `D` width of a head, C = H · D. Algorithms are numbered as in *Formal Algorithms
for Transformers* (Phuong and Hutter 2022).
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from utils.llm.attention.cache import KVCache
from utils.llm.attention.linear import elu_plus_one, linear_attention
from utils.llm.attention.masks import Mask, both, causal_mask, open_blind_rows, padding_mask
from utils.llm.attention.positions import (
    LearnedPositions,
    Scaling,
    rotary,
    sinusoidal_positions,
)
from utils.llm.attention.shapes import check_mask, check_qkv, check_sizes
from utils.llm.machine.precision import bfloat16_pays

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
    "share_heads",
    "sinusoidal_positions",
    "split_heads",
]

LONGEST_EXPLICIT = 512  # keys; in bfloat16 on a CPU the fused kernel is the slower one below this


def attention_for_one_query(
    query: Float[Tensor, "D"], keys: Float[Tensor, "T D"], values: Float[Tensor, "T Dv"]
) -> tuple[Float[Tensor, "Dv"], Float[Tensor, "T"]]:
    """Output and weights of a single query (Alg. 3).

    >>> keys = torch.tensor([[0.0, 0.0], [0.0, 0.0]])
    >>> attention_for_one_query(torch.ones(2), keys, torch.tensor([[1.0], [3.0]]))
    (tensor([2.]), tensor([0.5000, 0.5000]))
    """
    output, weights = scaled_dot_product_attention(query[None], keys, values)  # (1, Dv), (1, T)
    return output[0], weights[0]


def scaled_dot_product_attention(
    q: Float[Tensor, "*B Tq D"],
    k: Float[Tensor, "*B Tk D"],
    v: Float[Tensor, "*B Tk Dv"],
    mask: Mask | None = None,
    *,
    dropout: float = 0.0,
) -> tuple[Float[Tensor, "*B Tq Dv"], Float[Tensor, "*B Tq Tk"]]:
    """Output softmax(q·kᵀ / √D)·v and the weights of that average, step by step (Alg. 4).

    A boolean mask is True where a query may attend to a key; a floating one is added to the
    scores, −inf forbids. It broadcasts to (*B, Tq, Tk). Each row of weights sums to 1, but
    for a query that may attend to nothing: its weights, its output and its gradients are 0.
    `dropout` is a probability, applied to the weights on their way to the output; the weights
    that are returned are those before it.

    Raises ValueError naming the two shapes that don't fit, TypeError for a mask of whole numbers.
    """
    check_qkv(q, k, v)
    scores = (q / math.sqrt(q.shape[-1])) @ k.mT  # (*B, Tq, Tk); dividing q costs less than them
    if mask is None:
        weights = scores.softmax(dim=-1)
    else:
        check_mask(mask, tuple(scores.shape))
        mask, blind = open_blind_rows(mask, scores.dtype)
        boolean = mask.dtype == torch.bool
        scores = scores.masked_fill(~mask, -torch.inf) if boolean else scores + mask
        weights = scores.softmax(dim=-1).masked_fill(blind, 0)
    return F.dropout(weights, dropout) @ v, weights  # (*B, Tq, Dv), (*B, Tq, Tk)


def fused_attention(
    q: Float[Tensor, "*B Tq D"],
    k: Float[Tensor, "*B Tk D"],
    v: Float[Tensor, "*B Tk Dv"],
    mask: Mask | None = None,
    *,
    causal: bool = False,
    dropout: float = 0.0,
) -> Float[Tensor, "*B Tq Dv"]:
    """The same output from PyTorch's own kernel, which never holds all weights in memory.

    `causal` lets the last query see the last key, whatever Tq and Tk; it adds to the mask.
    """
    check_qkv(q, k, v)
    n_queries, n_keys = q.shape[-2], k.shape[-2]
    if mask is None and (not causal or n_queries in (1, n_keys)):
        # PyTorch's own `is_causal` aligns the first query with the first key.
        square = causal and n_queries == n_keys
        return F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=square)
    if mask is None:
        mask = causal_mask(n_queries, n_keys, device=q.device)
        return F.scaled_dot_product_attention(q, k, v, mask, dropout_p=dropout)
    check_mask(mask, (*q.shape[:-1], n_keys))
    mask, blind = open_blind_rows(_with_past(mask, q, k, causal), q.dtype)
    output = F.scaled_dot_product_attention(q, k, v, mask, dropout_p=dropout)
    return output.masked_fill(blind, 0)


def explicit_is_faster(q: Float[Tensor, "*B Tq D"], k: Float[Tensor, "*B Tk D"]) -> bool:
    """Whether to hold all weights rather than use the fused kernel, which is slow in bfloat16.

    On a CPU that multiplies bfloat16 by itself, and for texts short enough: longer ones would
    need memory for Tq × Tk weights.
    """
    short = q.shape[-2] > 1 and k.shape[-2] <= LONGEST_EXPLICIT
    if not short or q.device.type != "cpu" or not bfloat16_pays("cpu"):
        return False
    # inside autocast a rotary query may still be float32; the products won't be
    lowered = torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu")
    return torch.bfloat16 in (q.dtype, lowered)


def _with_past(mask: Mask | None, q: Tensor, k: Tensor, causal: bool) -> Mask | None:
    n_queries, n_keys = q.shape[-2], k.shape[-2]
    return both(mask, causal_mask(n_queries, n_keys, device=q.device)) if causal else mask


def split_heads(x: Float[Tensor, "B T C"], n_heads: int) -> Float[Tensor, "B H T D"]:
    """Each token's C columns dealt out to the heads, D = C / n_heads neighbouring columns each.

    Raises ValueError where the width is no multiple of n_heads.
    """
    if n_heads < 1 or x.shape[-1] % n_heads:
        raise ValueError(
            f"{x.shape[-1]} columns, shape {tuple(x.shape)}, can't be split evenly among "
            f"{n_heads} heads: make the width a multiple of n_heads."
        )
    # (B, T, C) -> (B, T, H, D) -> (B, H, T, D); a view alone would mix tokens with heads
    return x.unflatten(-1, (n_heads, -1)).transpose(-3, -2)


def merge_heads(x: Float[Tensor, "B H T D"]) -> Float[Tensor, "B T C"]:
    """The heads' columns side by side again: undoes `split_heads`."""
    return x.transpose(-3, -2).flatten(-2)  # (B, H, T, D) -> (B, T, H, D) -> (B, T, C)


def share_heads(x: Float[Tensor, "B kv_heads T D"], n_heads: int) -> Float[Tensor, "B n_heads T D"]:
    """Keys or values of a few heads for many: each serves neighbouring queries, 0 0 1 1 2 2.

    Grouped-query attention (Ainslie et al. 2023) keeps fewer keys and values than it has queries.
    """
    groups = n_heads // x.shape[1]
    return x if groups == 1 else x.repeat_interleave(groups, dim=1)


class MultiHeadAttention(nn.Module):
    """Several attentions side by side, each with its own queries, keys and values (Alg. 5).

    `causal` lets no token attend to a later one. `dropout` strikes weights, in training only.
    `rotary_base`, 10,000 as a rule, turns queries and keys by their position, `rotary_scaling`
    slows the slow turns (see `rotary`); without a base the heads know nothing of the order but
    what the tokens themselves carry. With `n_kv_heads` below n_heads, groups of heads share keys
    and values, and so does the cache. `d_head` is another width of a head than C / H, `qkv_bias`
    another choice for `qkv` than `bias`. With `qk_norm_eps` each query and key passes an RMSNorm.

    `qkv` maps (C) to the queries of all heads, then their keys, then their values; `out` mixes
    what the heads found. Raises ValueError for a width that n_heads does not divide, or for
    n_heads that n_kv_heads does not divide.

    >>> attention = MultiHeadAttention(d_model=6, n_heads=2)
    >>> output, weights = attention(torch.zeros(1, 3, 6), need_weights=True)
    >>> output.shape, weights.shape
    (torch.Size([1, 3, 6]), torch.Size([1, 2, 3, 3]))
    """

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        *,
        dropout: float = 0.0,
        bias: bool = True,
        causal: bool = True,
        rotary_base: float | None = None,
        rotary_scaling: Scaling | None = None,
        n_kv_heads: int | None = None,
        d_head: int | None = None,
        qkv_bias: bool | None = None,
        qk_norm_eps: float | None = None,
    ) -> None:
        super().__init__()
        check_sizes(d_model, n_heads, n_kv_heads, d_head, rotary_base is not None, dropout)
        self.n_heads, self.causal, self.dropout = n_heads, causal, dropout
        self.n_kv_heads = n_heads if n_kv_heads is None else n_kv_heads
        self.d_head = d_model // n_heads if d_head is None else d_head
        self.rotary_base, self.rotary_scaling = rotary_base, rotary_scaling
        n_columns = (n_heads + 2 * self.n_kv_heads) * self.d_head
        self.qkv = nn.Linear(d_model, n_columns, bias=bias if qkv_bias is None else qkv_bias)
        self.out = nn.Linear(n_heads * self.d_head, d_model, bias=bias)
        self.q_norm = self.k_norm = None
        if qk_norm_eps is not None:
            self.q_norm, self.k_norm = (nn.RMSNorm(self.d_head, qk_norm_eps) for _ in "qk")

    def extra_repr(self) -> str:
        """What a printed model says of this layer beside its parts."""
        return f"n_heads={self.n_heads}, causal={self.causal}, dropout={self.dropout}"

    def forward(
        self,
        x: Float[Tensor, "B Tq C"],
        mask: Mask | None = None,
        cache: KVCache | None = None,
        need_weights: bool = False,
        *,
        head_mask: Float[Tensor, "H"] | Bool[Tensor, "H"] | None = None,
        context: Float[Tensor, "B Tk C"] | None = None,
    ) -> Float[Tensor, "B Tq C"] | tuple[Float[Tensor, "B Tq C"], Float[Tensor, "B H Tq Tk"]]:
        """Output, and on request the weights of each head.

        `mask` is (Tq, Tk), or broadcasts to (B, H, Tq, Tk), and adds to the causal one.
        With a `cache` the tokens of x follow those it holds, and Tk counts all of them.
        `head_mask` multiplies what each head found before the heads are mixed: 0 ablates a head
        (Michel et al. 2019). With a `context` keys and values come from its tokens, queries from
        x: cross-attention, for a layer without `causal` and without rotary positions.
        Weights are made only when asked for: without, PyTorch's fused kernel does the work, but
        for bfloat16 on a CPU (see `explicit_is_faster`).

        Raises ValueError naming the two shapes that don't fit.
        """
        self._check(x, mask, cache, head_mask, context)
        q, k, v = self._project(x, context)  # (B, H, Tq, D), two of (B, kv_heads, Tk, D)
        if self.q_norm is not None:
            q, k = self.q_norm(q), self.k_norm(k)
        if self.rotary_base is not None:
            start = 0 if cache is None else len(cache)
            positions = torch.arange(start, start + x.shape[1], device=x.device)
            base, scaling = self.rotary_base, self.rotary_scaling
            q, k = (rotary(each, positions, base=base, scaling=scaling) for each in (q, k))
        if cache is not None:
            k, v = cache.append(k, v)  # (B, kv_heads, Tk, D)
        k, v = (share_heads(each, self.n_heads) for each in (k, v))  # (B, H, Tk, D)
        dropout = self.dropout if self.training else 0.0
        weights = None
        if need_weights or explicit_is_faster(q, k):
            mask = _with_past(mask, q, k, self.causal)
            heads, weights = scaled_dot_product_attention(q, k, v, mask, dropout=dropout)
        else:
            heads = fused_attention(q, k, v, mask, causal=self.causal, dropout=dropout)
        if head_mask is not None:
            heads = heads * head_mask.to(heads.dtype)[:, None, None]  # (B, H, Tq, D)
        output = self.out(merge_heads(heads))  # (B, Tq, C)
        return (output, weights) if need_weights else output

    def _project(self, x: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Queries of each head (B, H, Tq, D), keys and values of theirs (B, kv_heads, Tk, D)."""
        asked, kept = self.n_heads * self.d_head, self.n_kv_heads * self.d_head
        if context is None:
            parts = self.qkv(x).split([asked, kept, kept], dim=-1)  # each (B, T, heads · D)
        else:
            bias = self.qkv.bias
            query_bias, rest_bias = (None, None) if bias is None else (bias[:asked], bias[asked:])
            q = F.linear(x, self.qkv.weight[:asked], query_bias)  # (B, Tq, H · D)
            rest = F.linear(context, self.qkv.weight[asked:], rest_bias)
            parts = (q, *rest.chunk(2, dim=-1))  # the context's are (B, Tk, kv_heads · D)
        heads = (self.n_heads, self.n_kv_heads, self.n_kv_heads)
        return tuple(split_heads(part, n) for part, n in zip(parts, heads, strict=True))

    def _check(
        self,
        x: Tensor,
        mask: Tensor | None,
        cache: KVCache | None,
        head_mask: Tensor | None,
        context: Tensor | None,
    ) -> None:
        """All before the cache is written to: a refused call must leave it as it was."""
        width = self.qkv.in_features
        if x.ndim != 3 or x.shape[-1] != width:
            raise ValueError(
                f"x has the shape {tuple(x.shape)} and the weights of qkv "
                f"{tuple(self.qkv.weight.shape)}: give (batch, tokens, {width})."
            )
        if context is not None:
            if self.causal or self.rotary_base is not None or cache is not None:
                raise ValueError(
                    "A context has no order in common with x: use it with causal=False, without "
                    "rotary_base and without a cache."
                )
            if context.ndim != 3 or context.shape[::2] != x.shape[::2]:
                raise ValueError(
                    f"x has the shape {tuple(x.shape)} and context {tuple(context.shape)}: they "
                    "may differ in their tokens, the middle axis, only."
                )
        if mask is not None:
            asked = x if context is None else context
            n_keys = asked.shape[1] + (0 if cache is None else len(cache))
            scores = (len(x), self.n_heads, x.shape[1], n_keys)
            if mask.ndim == 3:
                raise ValueError(
                    f"The mask has the shape {tuple(mask.shape)} and the scores {scores}, (batch, "
                    "heads, queries, keys): is its first axis batch or heads? Give it all four, "
                    "with length 1 where it is the same for all, or the last two."
                )
            check_mask(mask, scores)
        if head_mask is not None and head_mask.shape != (self.n_heads,):
            raise ValueError(
                f"head_mask has the shape {tuple(head_mask.shape)}: give ({self.n_heads},), one "
                "number for each head."
            )
