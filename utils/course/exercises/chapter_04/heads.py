"""Chapter 04, second part: several heads."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.checking.compare import difference
from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.llm.attention.heads import (
    causal_mask,
    merge_heads,
    padding_mask,
    scaled_dot_product_attention,
    split_heads,
)

Work = Callable[[Tensor], Tensor]
Split = Callable[[Tensor, int], Tensor]

# 4.4 · split and merge


def nothing(heads: Tensor) -> Tensor:
    """Work that changes nothing."""
    return heads


def add_up(heads: Tensor) -> Tensor:
    """Work as attention's: what a token gets depends on the tokens before it, in its own head."""
    scale = torch.arange(1.0, heads.shape[1] + 1)[:, None, None]
    return heads.cumsum(dim=2) * scale


def through_heads(x: Tensor, n_heads: int, work: Work) -> tuple[Tensor, Tensor]:
    """x split into heads, and the heads merged again after work has been done on them."""
    heads = split_heads(x, n_heads)
    return heads, merge_heads(work(heads))


def _through(
    x: Tensor,
    n_heads: int,
    work: Work,
    *,
    split: Split = split_heads,
    merge: Callable[[Tensor], Tensor] = merge_heads,
) -> tuple[Tensor, Tensor]:
    heads = split(x, n_heads)
    return heads, merge(work(heads))


def _view_split(x: Tensor, n_heads: int) -> Tensor:
    return x.reshape(x.shape[0], n_heads, x.shape[1], -1)


def _view_merge(heads: Tensor) -> Tensor:
    return heads.reshape(heads.shape[0], heads.shape[2], -1)


def _dealt_split(x: Tensor, n_heads: int) -> Tensor:
    return x.unflatten(-1, (-1, n_heads)).permute(0, 3, 1, 2)


def _dealt_merge(heads: Tensor) -> Tensor:
    return heads.permute(0, 2, 3, 1).flatten(-2)


def _merge_that_may_refuse(heads: Tensor) -> Tensor:
    turned = heads.transpose(1, 2)
    return turned.view(*turned.shape[:2], -1)


VIEW_REFUSES = (
    "`view` refuses: after `transpose` the numbers are read in an order that they are not stored "
    "in. `flatten` and `reshape` copy where they must."
)


def _split_by_slices(x: Tensor, n_heads: int) -> Tensor:
    return torch.stack(x.chunk(n_heads, dim=-1), dim=1)


def _merge_by_cat(heads: Tensor) -> Tensor:
    return torch.cat([heads[:, h] for h in range(heads.shape[1])], dim=-1)


THROUGH_HEADS = Exercise(
    id="4.4",
    title="Split, work, merge",
    minutes=10,
    stars=2,
    reference=through_heads,
    probes=[
        (uniform(1, 1, 2, seed=440), 2, nothing),
        (torch.arange(8.0).view(1, 2, 4), 2, nothing),
        (torch.arange(8.0).view(1, 2, 4), 2, add_up),
        (torch.arange(48.0).view(2, 4, 6), 3, add_up),
        (uniform(3, 5, 8, seed=441), 4, add_up),
        (uniform(2, 3, 4, seed=442), 1, add_up),
        (uniform(2, 3, 5, seed=443), 5, add_up),
    ],
    mistakes={
        "Your heads have the right shape and the wrong contents: `view` only cuts the row of "
        "numbers anew, and mixes tokens with heads. Cut the last axis in two, then "
        "transpose.": partial(_through, split=_view_split),
        "You split with `view` and merged with `view`. That undoes itself, but in between no "
        "head holds its own columns: cut the last axis in two, then transpose.": partial(
            _through, split=_view_split, merge=_view_merge
        ),
        "The heads were merged in the wrong order: transpose heads and tokens back before "
        "you flatten, or the tokens get mixed.": partial(_through, merge=_view_merge),
        "The columns were dealt out in turn: head 0 gets the first D columns, head 1 the next D. "
        "Cut the last axis into (n_heads, D), not (D, n_heads).": partial(
            _through, split=_dealt_split
        ),
        "The heads were merged in turn, a column of each: head 0's D columns come first, then "
        "head 1's.": partial(_through, merge=_dealt_merge),
        "The columns were dealt out in turn, and merged so too, which undoes itself; but head 0 "
        "should hold the first D columns. Cut the last axis into (n_heads, D), not "
        "(D, n_heads).": partial(_through, split=_dealt_split, merge=_dealt_merge),
        VIEW_REFUSES: partial(_through, merge=_merge_that_may_refuse),
        "Your `heads` have been worked on already: return them as they were cut.": (
            lambda x, n, work: (work(split_heads(x, n)), merge_heads(work(split_heads(x, n))))
        ),
        "The heads come last to first: keep their order.": partial(
            _through,
            split=lambda x, n: split_heads(x, n).flip(1),
            merge=lambda heads: merge_heads(heads.flip(1)),
        ),
        "The heads were averaged: put them side by side, so that nothing is lost.": partial(
            _through, merge=lambda heads: heads.mean(dim=1)
        ),
        "The work was left out: merge what `work(heads)` returns.": lambda x, n, work: (
            split_heads(x, n),
            x,
        ),
    },
    alternatives={
        "slices, stacked and joined": partial(
            _through, split=_split_by_slices, merge=_merge_by_cat
        ),
        "einsum": partial(
            _through,
            split=lambda x, n: torch.einsum("bthd->bhtd", x.unflatten(-1, (n, -1))),
        ),
        "permute": partial(
            _through,
            split=lambda x, n: x.view(*x.shape[:2], n, x.shape[2] // n).permute(0, 2, 1, 3),
        ),
        "float64": lambda x, n, work: through_heads(x.double(), n, work),
    },
    parts=("heads", "merged"),
)

# 4.5 · multi-head attention


def multi_head_attention(
    x: Tensor,
    w_qkv: Tensor,
    b_qkv: Tensor,
    w_out: Tensor,
    b_out: Tensor,
    n_heads: int,
    mask: Tensor,
) -> tuple[Tensor, Tensor]:
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
    order: str = "qkv",
    split: Split = split_heads,
    merge: Callable[[Tensor], Tensor] = merge_heads,
    factor: Callable[[Tensor, Tensor], float] = lambda x, q: 1.0,
    attend: Callable[..., tuple[Tensor, Tensor]] = scaled_dot_product_attention,
    project: bool = True,
) -> tuple[Tensor, Tensor]:
    """Multi-head attention with a bend where a wrong turn wants one."""
    thirds = dict(zip(order, (x @ w_qkv + b_qkv).chunk(3, dim=-1), strict=True))
    q, k, v = (split(thirds[name], n_heads) for name in "qkv")
    found, weights = attend(q * factor(x, q), k, v, mask)
    merged = merge(found)
    return merged @ w_out + b_out if project else merged, weights


def _qkv_of_each_head(
    x: Tensor, w_qkv: Tensor, b_qkv: Tensor, w_out: Tensor, b_out: Tensor, n: int, mask: Tensor
) -> tuple[Tensor, Tensor]:
    """q, k and v taken as neighbours inside each head's share of the columns."""
    shares = (x @ w_qkv + b_qkv).unflatten(-1, (n, 3, -1))
    q, k, v = shares.permute(3, 0, 2, 1, 4)
    found, weights = scaled_dot_product_attention(q, k, v, mask)
    return merge_heads(found) @ w_out + b_out, weights


def _softmax_along(dim: int, blind: float = 0.0) -> Callable[..., tuple[Tensor, Tensor]]:
    def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        scores = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~mask, -math.inf)
        weights = scores.softmax(dim=dim).nan_to_num(blind)
        return weights @ v, weights

    return attend


def _by_heads(
    x: Tensor, w_qkv: Tensor, b_qkv: Tensor, w_out: Tensor, b_out: Tensor, n: int, mask: Tensor
) -> tuple[Tensor, Tensor]:
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
) -> tuple[Tensor, Tensor]:
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


def _weights_come_first(
    args: tuple[object, ...], expected: tuple[Tensor, Tensor], got: tuple[Tensor, Tensor]
) -> str | None:
    """The first part that departs in the order in which they are computed."""
    for i, name in ((1, "weights"), (0, "output")):
        found = difference(expected[i], got[i], atol=1e-5)
        if found:
            return f"the first part that departs is `{name}`: {found.text}"
    return None


MULTI_HEAD = Exercise(
    id="4.5",
    title="Multi-head attention",
    minutes=15,
    stars=3,
    reference=multi_head_attention,
    probes=[
        _probe(1, 1, 2, 1, causal_mask(1)),
        _probe(1, 2, 1, 2, causal_mask(2)),
        _probe(1, 3, 2, 2, torch.ones(3, 3, dtype=torch.bool)),
        _probe(3, 5, 2, 4, causal_mask(5), size=1.5),
        _probe(2, 4, 3, 2, padding_mask(torch.tensor([2, 4]), 4) & causal_mask(4), size=2.0),
    ],
    mistakes={
        "The last projection is missing: what the heads found, side by side, still goes through "
        "w_out and b_out.": partial(_multi, project=False),
        "The bias b_qkv was dropped.": lambda x, w, b, *rest: _multi(x, w, 0 * b, *rest),
        "The bias b_out was dropped.": lambda x, w, b, o, c, *rest: _multi(
            x, w, b, o, 0 * c, *rest
        ),
        "Both biases were dropped.": lambda x, w, b, o, c, *rest: _multi(
            x, w, 0 * b, o, 0 * c, *rest
        ),
        "The heads were merged in the wrong order: transpose heads and tokens back before you "
        "flatten.": partial(_multi, merge=_view_merge),
        "You cut the heads with `view` alone, which mixes tokens with heads: cut the last axis "
        "in two, then transpose.": partial(_multi, split=_view_split),
        "You cut the heads with `view` alone, and merged them so too, which mixes tokens with "
        "heads: cut the last axis in two, then transpose.": partial(
            _multi, split=_view_split, merge=_view_merge
        ),
        "You scaled by √C, the width of all heads together: a dot product here has D terms, "
        "those of one head.": partial(
            _multi, factor=lambda x, q: math.sqrt(q.shape[-1] / x.shape[-1])
        ),
        "The scale is missing: divide the scores by √D, the width of one head.": partial(
            _multi, factor=lambda x, q: math.sqrt(q.shape[-1])
        ),
        "You scaled by √H, the root of the number of heads: a dot product has D terms, so the "
        "scale is √D.": partial(_multi, factor=lambda x, q: math.sqrt(q.shape[-1] / q.shape[1])),
        "Queries and keys are swapped: in the thirds (q comes first), or in the product, where "
        "the rows look: q @ k.mT.": partial(_multi, order="kqv"),
        "The order of the thirds is q, k, v: you took the last for the queries.": partial(
            _multi, order="vkq"
        ),
        "The order of the thirds is q, k, v: you took the last for the keys.": partial(
            _multi, order="qvk"
        ),
        "You cut the columns by heads first and took q, k, v inside each. Some models are stored "
        "so; here the queries of all heads come first.": _qkv_of_each_head,
        "You cut each third into (D, n_heads), so that the columns were dealt out to the heads in "
        "turn: cut it into (n_heads, D).": partial(_multi, split=_dealt_split),
        "You cut each third into (D, n_heads), and merged so too: head 0 should hold the first D "
        "columns. Cut it into (n_heads, D).": partial(
            _multi, split=_dealt_split, merge=_dealt_merge
        ),
        VIEW_REFUSES: partial(_multi, merge=_merge_that_may_refuse),
        "The two results stand in the wrong order: the output first, then the weights, as "
        "scaled_dot_product_attention returns them.": lambda *args: multi_head_attention(*args)[
            ::-1
        ],
        "The mask is the wrong way round: True means that a word may look there.": (
            lambda *args: _multi(*args[:6], ~args[6])
        ),
        "The mask is the wrong way round: True means that a word may look there, so fill in −inf "
        "where it is False, ~mask.": lambda *args: _multi(
            *args[:6], ~args[6], attend=_softmax_along(-1, blind=math.nan)
        ),
        "The mask was left out.": lambda *args: _multi(*args[:6], torch.ones_like(args[6])),
        "Your softmax runs over the heads: dim=-1, over the keys.": partial(
            _multi, attend=_softmax_along(1)
        ),
        "Your softmax runs over the queries: dim=-1, over the keys.": partial(
            _multi, attend=_softmax_along(2)
        ),
        "These are the weights averaged over the heads, as torch.nn.MultiheadAttention gives "
        "them unless told otherwise: return each head's own, (B, H, T, T).": lambda *args: (
            multi_head_attention(*args)[0],
            multi_head_attention(*args)[1].mean(dim=1),
        ),
    },
    alternatives={
        "a head at a time": _by_heads,
        "torch's own": _by_torch,
        "float64": lambda *args: multi_head_attention(
            *(arg.double() for arg in args[:5]), *args[5:]
        ),
        "slices": partial(_multi, split=_split_by_slices, merge=_merge_by_cat),
    },
    explain=_weights_come_first,
    atol=1e-5,
)
