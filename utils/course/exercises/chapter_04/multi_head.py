"""Exercise 4.5: multi-head attention."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.checking.compare import difference
from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_04.heads import (
    VIEW_REFUSES,
    dealt_merge,
    dealt_split,
    merge_by_cat,
    merge_that_may_refuse,
    split_by_slices,
    view_merge,
    view_split,
)
from utils.course.exercises.probing import uniform
from utils.course.exercises.steps import at_one_step, at_two_steps
from utils.llm.attention.heads import causal_mask, merge_heads, padding_mask, split_heads

Pair = tuple[Tensor, Tensor]


def multi_head_attention(
    x: Tensor,
    w_qkv: Tensor,
    b_qkv: Tensor,
    w_out: Tensor,
    b_out: Tensor,
    n_heads: int,
    mask: Tensor,
) -> Pair:
    """The output (B, T, C), and the weights of every head (B, H, T, T)."""
    return _multi(x, w_qkv, b_qkv, w_out, b_out, n_heads, mask)


def _multi(
    x: Tensor,
    w_qkv: Tensor,
    b_qkv: Tensor,
    w_out: Tensor,
    b_out: Tensor,
    n_heads: int,
    mask: Tensor,
    *,
    bias: Callable[[Tensor], Any] = lambda b: b,
    order: str = "qkv",
    split: Callable[[Tensor, int], Tensor] = split_heads,
    scale: Callable[[Tensor, Tensor, int], float] = lambda q, x, n: math.sqrt(q.shape[-1]),
    hide: Callable[[Tensor, Tensor], Tensor] = lambda s, mask: s.masked_fill(~mask, -math.inf),
    weigh: Callable[[Tensor], Tensor] = lambda scores: scores.softmax(dim=-1),
    merge: Callable[[Tensor], Tensor] = merge_heads,
    project: Callable[..., Tensor] = lambda merged, w, b, x: merged @ w + b,
    give: Callable[[Tensor, Tensor], Any] = lambda out, weights: (out, weights),
    blind: float = math.nan,  # the weights of a row that sees nothing
) -> Any:
    """Multi-head attention with a bend where a wrong turn wants one."""
    thirds = dict(zip(order, (x @ w_qkv + bias(b_qkv)).chunk(3, dim=-1), strict=True))
    q, k, v = (split(thirds[name], n_heads) for name in "qkv")
    weights = weigh(hide(q @ k.mT / scale(q, x, n_heads), mask))
    weights = weights.nan_to_num(blind)
    return give(project(merge(weights @ v), w_out, b_out, x), weights)


_STEPS: dict[str, dict[str, Any]] = {
    "bias": {"The bias b_qkv was dropped.": lambda b: 0 * b},
    "order": {
        "Queries and keys are swapped: in the thirds (q comes first), or in the product, where the "
        "rows look: q @ k.mT.": "kqv",
        "The order of the thirds is q, k, v: you took the last for the queries.": "vkq",
        "The order of the thirds is q, k, v: you took the last for the keys.": "qvk",
        "The order of the thirds is q, k, v: you took v first, then q and k.": "vqk",
        "The order of the thirds is q, k, v: you took k first, then v and q.": "kvq",
    },
    "split": {
        "You cut the heads with `view` alone, which mixes tokens with heads: cut the last axis in "
        "two, then transpose.": view_split,
        "You cut each third into (D, n_heads), so that the columns were dealt out to the heads in "
        "turn: cut it into (n_heads, D).": dealt_split,
        "There is one head, as wide as all: split q, k and v into n_heads.": lambda t, n: t[
            :, None
        ],
    },
    "scale": {
        "You scaled by √C, the width of all heads together: a dot product here has D terms, those "
        "of one head.": lambda q, x, n: math.sqrt(x.shape[-1]),
        "The scale is missing: divide the scores by √D, the width of one head.": (
            lambda q, x, n: 1.0
        ),
        "You scaled by √H, the root of the number of heads: a dot product has D terms, so the "
        "scale is √D.": lambda q, x, n: math.sqrt(n),
        "You scaled twice: scaled_dot_product_attention divides by √D itself.": lambda q, x, n: (
            float(q.shape[-1])
        ),
    },
    "hide": {
        "The mask is the wrong way round: True means that a word may look there, so fill in −inf "
        "where it is False, ~mask.": lambda s, mask: s.masked_fill(mask, -math.inf),
        "The mask was left out.": lambda s, mask: s,
        "The mask was multiplied in, and e⁰ is 1: fill in −inf where a look is forbidden.": (
            lambda s, mask: s * mask
        ),
        "The mask of the first text was used for all: each text has its own.": lambda s, mask: (
            s.masked_fill(~(mask if mask.ndim < 4 else mask[:1]), -math.inf)
        ),
        "The mask is transposed: its rows look, its columns are looked at.": lambda s, mask: (
            s.masked_fill(~mask.mT, -math.inf)
        ),
    },
    "weigh": {
        "Your softmax runs over the heads: dim=-1, over the keys.": lambda s: s.softmax(dim=1),
        "Your softmax runs over the queries: dim=-1, over the keys.": lambda s: s.softmax(dim=2),
        "There is no softmax: the scores are no weights yet.": lambda s: s.masked_fill(
            s.isinf(), 0.0
        ),
    },
    "merge": {
        "The heads were merged in the wrong order: transpose heads and tokens back before you "
        "flatten.": view_merge,
        "The heads were merged in turn, a column of each: head 0's D columns come first.": (
            dealt_merge
        ),
        VIEW_REFUSES: merge_that_may_refuse,
    },
    "project": {
        "The last projection is missing: what the heads found, side by side, still goes through "
        "w_out and b_out.": lambda merged, w, b, x: merged,
        "The bias b_out was dropped.": lambda merged, w, b, x: merged @ w,
        "b_out was added before the matrix: it comes behind it, merged @ w_out + b_out.": (
            lambda merged, w, b, x: (merged + b) @ w
        ),
        "w_out was dropped: what the heads found goes through it before b_out is added.": (
            lambda merged, w, b, x: merged + b
        ),
        "You multiplied by w_out.T: here w_out is (C, C) and comes behind, merged @ w_out, without "
        "a turn (nn.Linear stores it turned).": lambda merged, w, b, x: merged @ w.T + b,
        "You added x: that is the residual, and the block adds it, not this layer.": (
            lambda merged, w, b, x: x + merged @ w + b
        ),
    },
    "give": {
        "The two results stand in the wrong order: the output first, then the weights, as "
        "scaled_dot_product_attention returns them.": lambda out, weights: (weights, out),
        "These are the weights averaged over the heads, as torch.nn.MultiheadAttention gives them "
        "unless told otherwise: return each head's own, (B, H, T, T).": lambda out, weights: (
            out,
            weights.mean(dim=1),
        ),
        "You returned only the output: return the weights too, in second place.": (
            lambda out, weights: out
        ),
    },
}


def _qkv_of_each_head(
    x: Tensor, w_qkv: Tensor, b_qkv: Tensor, w_out: Tensor, b_out: Tensor, n: int, mask: Tensor
) -> Pair:
    """q, k and v taken as neighbours inside each head's share of the columns."""
    columns = torch.arange(3 * x.shape[-1]).view(n, 3, -1).transpose(0, 1).flatten()
    return _multi(x, w_qkv[:, columns], b_qkv[columns], w_out, b_out, n, mask)


def _by_heads(
    x: Tensor, w_qkv: Tensor, b_qkv: Tensor, w_out: Tensor, b_out: Tensor, n: int, mask: Tensor
) -> Pair:
    """A head at a time, each with its own columns of the weights."""
    width, weights, found = x.shape[-1], [], []
    size = width // n
    for h in range(n):
        cuts = [
            slice(third * width + h * size, third * width + (h + 1) * size) for third in (0, 1, 2)
        ]
        q, k, v = (torch.einsum("btc,cd->btd", x, w_qkv[:, cut]) + b_qkv[cut] for cut in cuts)
        scores = torch.einsum("bid,bjd->bij", q, k) / size**0.5
        allowed = mask if mask.ndim == 2 else mask[:, 0]
        weights.append(scores.masked_fill(~allowed, -1e9).softmax(-1))
        found.append(weights[-1] @ v)
    return torch.cat(found, dim=-1) @ w_out + b_out, torch.stack(weights, dim=1)


def _by_torch(
    x: Tensor, w_qkv: Tensor, b_qkv: Tensor, w_out: Tensor, b_out: Tensor, n: int, mask: Tensor
) -> Pair:
    turned = x.transpose(0, 1)
    shape = (x.shape[0], n, x.shape[1], x.shape[1])
    out, weights = F.multi_head_attention_forward(
        turned, turned, turned, x.shape[-1], n, w_qkv.T, b_qkv, None, None, False, 0.0,
        w_out.T, b_out, training=False, attn_mask=~mask.expand(shape).reshape(-1, *shape[2:]),
        average_attn_weights=False,
    )  # fmt: skip
    return out.transpose(0, 1), weights


def _probe(b: int, t: int, h: int, d: int, mask: Tensor, size: float = 1.0) -> tuple[object, ...]:
    seed, c = 1000 * b + 100 * t + 10 * h + d, h * d
    make = partial(uniform, low=-size, high=size)
    shapes = ((b, t, c), (c, 3 * c), (3 * c,), (c, c), (c,))
    return *(make(*shape, seed=seed + i) for i, shape in enumerate(shapes)), h, mask


def _explain(args: tuple[Any, ...], expected: Pair, got: Any) -> str | None:
    """The first part that departs in the order in which they are computed."""
    weights = torch.as_tensor(got[1]).float()
    if weights.shape != expected[1].shape:
        return _explain_form(args, expected, got)
    if difference(expected[1], weights, atol=1e-5) is None:
        return (
            "The weights are right, and the output is not: look at the values, at how the heads "
            "are merged, and at w_out and b_out."
        )
    forbidden = ~args[-1].expand(weights.shape)
    if (weights[forbidden].abs() > 1e-6).any():
        return (
            "A weight stands where the mask forbids a look: fill in −inf there, before the softmax."
        )
    if ((weights.sum(dim=-1) - 1).abs() > 1e-3).any():
        return "A row of weights must sum to 1: the softmax runs over the keys, dim=-1."
    unseen = (expected[1] > 1e-4) & (weights.abs() < 1e-9)
    if unseen.any():
        return "A weight is 0 where the mask allows a look: use the mask that is given, as it is."
    return (
        "The weights depart first: rows sum to 1 and the mask is kept, so look at q and k, at the "
        "split into heads, and at the scale √D."
    )


def _explain_form(args: tuple[Any, ...], expected: Pair, got: Any) -> str | None:
    """Names weights without an axis for the heads."""
    b, t, _ = args[0].shape
    if args[5] > 1 and tuple(torch.as_tensor(got[1]).shape) in [(b, t, t), (b, 1, t, t)]:
        if difference(expected[0], got[0], atol=1e-5) is None:
            return "Your output is right, and the weights are those of one head: return all H."
        return (
            "Your weights have no axis for the heads, (B, H, T, T): split q, k and v into n_heads "
            "before they attend, and keep the weights of each."
        )
    return None


MULTI_HEAD = Exercise(
    id="4.5",
    title="Multi-head attention",
    minutes=8,
    stars=2,
    reference=multi_head_attention,
    probes=[
        _probe(1, 3, 2, 2, causal_mask(3)),
        _probe(1, 1, 2, 1, causal_mask(1)),
        _probe(1, 3, 2, 2, torch.ones(3, 3, dtype=torch.bool)),
        _probe(3, 5, 2, 4, causal_mask(5), size=1.5),
        _probe(2, 3, 3, 3, causal_mask(3), size=1.5),
        _probe(2, 4, 3, 2, padding_mask(torch.tensor([2, 4]), 4) & causal_mask(4), size=2.0),
    ],
    mistakes=at_one_step(_multi, _STEPS)
    | {
        "The mask is the wrong way round: True means that a word may look there.": partial(
            _multi, hide=lambda s, mask: s.masked_fill(mask, -math.inf), blind=0.0
        ),
        "You hide with a causal mask of your own: use the mask that is given.": partial(
            _multi,
            hide=lambda s, mask: s.masked_fill(~causal_mask(s.shape[-1]), -math.inf),
            blind=0.0,
        ),
        "Both biases were dropped.": partial(
            _multi, bias=lambda b: 0 * b, project=lambda merged, w, b, x: merged @ w
        ),
        "You cut the heads with `view` alone, and merged them so too, which mixes tokens with "
        "heads: cut the last axis in two, then transpose.": partial(
            _multi, split=view_split, merge=view_merge
        ),
        "You cut each third into (D, n_heads), and merged so too: head 0 should hold the first D "
        "columns. Cut it into (n_heads, D).": partial(_multi, split=dealt_split, merge=dealt_merge),
        "You cut the columns by heads first and took q, k, v inside each. Some models are stored "
        "so; here the queries of all heads come first.": _qkv_of_each_head,
    },
    together=at_two_steps(_multi, _STEPS, alone=("order", "split", "merge", "give")),
    alternatives={
        "a head at a time": _by_heads,
        "torch's own": _by_torch,
        "float64": lambda *args: multi_head_attention(
            *(arg.double() for arg in args[:5]), *args[5:]
        ),
        "slices": partial(_multi, split=split_by_slices, merge=merge_by_cat),
    },
    explain=_explain,
    explain_form=_explain_form,
    atol=1e-5,
)
