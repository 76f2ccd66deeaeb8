"""Exercise 11.4: attention whose query heads share keys and values."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_11.learning import (
    THROUGH_NUMPY,
    learned,
    the_same,
    through_numpy,
)
from utils.course.exercises.probing import uniform
from utils.course.exercises.steps import at_one_step, at_two_steps
from utils.llm.attention import heads as attention


def grouped_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention of q (B, H, T, D) to k and v (B, Hkv, Tk, D), H / Hkv query heads a group.

    The T queries are the last T of the Tk tokens. -> (B, H, T, D)
    """
    k, v = (attention.share_heads(each, q.shape[1]) for each in (k, v))
    return attention.fused_attention(q, k, v, causal=True)


def _share(heads: Tensor, n: int) -> Tensor:
    return heads.repeat_interleave(n, dim=1)


def _tile(heads: Tensor, n: int) -> Tensor:
    return heads.repeat(1, n, 1, 1)


def _look(n_queries: int, n_keys: int) -> Tensor:
    return torch.ones(n_queries, n_keys, dtype=torch.bool).tril(n_keys - n_queries)


def _grouped(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    keys: Callable[[Tensor, int], Tensor] = _share,
    values: Callable[[Tensor, int], Tensor] = _share,
    scale: Callable[[Tensor, Tensor], float] = lambda q, k: math.sqrt(q.shape[-1]),
    mask: Callable[[int, int], Tensor] = _look,
    hide: Callable[[Tensor, Tensor], Tensor] = lambda s, m: s.masked_fill(~m, -math.inf),
    weigh: Callable[[Tensor], Tensor] = lambda scores: scores.softmax(dim=-1),
    give: Callable[..., Any] = lambda out, weights: out,
) -> Any:
    """Grouped attention with a bend where a wrong turn wants one."""
    n = q.shape[1] // k.shape[1]
    k_all, v_all = keys(k, n), values(v, n)
    scores = q @ k_all.mT / scale(q, k)
    weights = weigh(hide(scores, mask(q.shape[2], k.shape[2])))
    return give(weights @ v_all, weights)


_STEPS: dict[str, dict[str, Callable[..., Any]]] = {
    "keys": {
        "The keys' heads were repeated in turn, the values' one by one. Consecutive queries share "
        "a head: repeat_interleave for both.": _tile,
        "All query heads read the first head of the keys: each group has its own.": (
            lambda k, n: k[:, :1].expand(-1, k.shape[1] * n, -1, -1)
        ),
        "The keys' heads were averaged: each group of queries reads its own.": (
            lambda k, n: k.mean(1, keepdim=True).expand(-1, k.shape[1] * n, -1, -1)
        ),
    },
    "values": {
        "The values' heads were repeated in turn, the keys' one by one. Consecutive queries share "
        "a head: repeat_interleave for both.": _tile,
        "All query heads read the first head of the values: each group has its own.": (
            lambda v, n: v[:, :1].expand(-1, v.shape[1] * n, -1, -1)
        ),
        "The values' heads were averaged: each group of queries reads its own.": (
            lambda v, n: v.mean(1, keepdim=True).expand(-1, v.shape[1] * n, -1, -1)
        ),
    },
    "scale": {
        "The scores were not scaled: divide by √D.": lambda q, k: 1.0,
        "You divided by √C, the width of all heads together: each head is D wide, √D.": (
            lambda q, k: math.sqrt(q.shape[1] * q.shape[-1])
        ),
        "You divided by √(Hkv · D), the width of all keys together: each head is D wide, √D.": (
            lambda q, k: math.sqrt(k.shape[1] * k.shape[-1])
        ),
        "You divided by D: it is √D.": lambda q, k: q.shape[-1],
        "You multiplied by √D: divide by it.": lambda q, k: 1 / math.sqrt(q.shape[-1]),
        "You divided by the root of the number of keys: it is √D.": lambda q, k: math.sqrt(
            k.shape[2]
        ),
        "You divided by the root of the number of heads: it is √D.": lambda q, k: math.sqrt(
            q.shape[1]
        ),
    },
    "mask": {
        "There is no mask, and the future leaks: a token may look at itself and at those before.": (
            lambda t, n: torch.ones(t, n, dtype=torch.bool)
        ),
        "Your mask sets the first query beside the first key, as PyTorch's `is_causal` does. The T "
        "queries are the last of the Tk tokens: tril(Tk − T).": lambda t, n: torch.ones(
            t, n, dtype=torch.bool
        ).tril(),
        "Your mask lets a token see its future alone: use the lower triangle, tril.": (
            lambda t, n: torch.ones(t, n, dtype=torch.bool).triu(n - t)
        ),
        "A token may look at itself: keep the diagonal.": lambda t, n: torch.ones(
            t, n, dtype=torch.bool
        ).tril(n - t - 1),
        "Your mask lets a token see the next one: the diagonal is the last that is allowed.": (
            lambda t, n: torch.ones(t, n, dtype=torch.bool).tril(n - t + 1)
        ),
    },
    "hide": {
        "The forbidden scores became 0, and e⁰ is 1: make them −∞.": lambda s, m: s.masked_fill(
            ~m, 0
        ),
        "The mask was turned round: masked_fill fills where it is True, so give it ~mask.": (
            lambda s, m: s.masked_fill(m, -math.inf)
        ),
        "The mask was added to the scores as ones and zeros: make the forbidden ones −∞.": (
            lambda s, m: s + m
        ),
        "The forbidden scores became +∞: it is −∞.": lambda s, m: s.masked_fill(~m, math.inf),
    },
    "weigh": {
        "The softmax went over the queries: a query's weights over its keys sum to 1, dim=-1.": (
            lambda scores: scores.softmax(dim=-2)
        ),
        "The softmax went over the heads: a query's weights over its keys sum to 1, dim=-1.": (
            lambda scores: scores.softmax(dim=1)
        ),
        "The weights are not normalised: divide exp(scores) by its sum, or take softmax.": (
            lambda scores: scores.exp()
        ),
        "The softmax is missing.": lambda scores: scores,
    },
    "give": {
        "The heads were merged: return them apart, (B, H, T, D).": lambda out, weights: (
            out.transpose(1, 2).flatten(-2)
        ),
        "Heads and tokens have changed places: return (B, H, T, D).": lambda out, weights: (
            out.transpose(1, 2)
        ),
        "You returned the weights as well: the output alone.": lambda out, weights: (out, weights),
        "You returned the weights: multiply them with the values.": lambda out, weights: weights,
    },
}
TILED = (
    "The query heads read the key heads in turn, 0 1 0 1: consecutive ones share a head, 0 0 1 1 "
    "(repeat_interleave, or groups on an axis of their own, behind that of the key heads)."
)


def _tiled(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return _grouped(q, k, v, keys=_tile, values=_tile)


def _masked_behind(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    n = q.shape[1] // k.shape[1]
    weights = (q @ _share(k, n).mT / math.sqrt(q.shape[-1])).softmax(-1)
    return weights * _look(q.shape[2], k.shape[2]) @ _share(v, n)


def _averaged(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    groups = q.unflatten(1, (k.shape[1], -1)).mean(2)
    return _share(_grouped(groups, k, v), q.shape[1] // k.shape[1])


def _queries_for_values(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return _grouped(q, k, k)


def _roles_swapped(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return _grouped(q, v, k)


def _by_groups(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """No copy: the groups get an axis of their own."""
    groups = q.unflatten(1, (k.shape[1], -1))  # (B, Hkv, group, T, D)
    scores = torch.einsum("bhgtd,bhsd->bhgts", groups, k) / q.shape[-1] ** 0.5
    scores = scores.masked_fill(~_look(q.shape[2], k.shape[2]), -1e9)
    return torch.einsum("bhgts,bhsd->bhgtd", scores.softmax(-1), v).flatten(1, 2)


def _head_by_head(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    n, heads = q.shape[1] // k.shape[1], []
    for h in range(q.shape[1]):
        part = slice(h // n, h // n + 1)
        heads.append(_grouped(q[:, h : h + 1], k[:, part], v[:, part]))
    return torch.cat(heads, dim=1)


def _query_by_query(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    n, before = q.shape[1] // k.shape[1], k.shape[2] - q.shape[2]
    k, v = (each[:, :, None].expand(-1, -1, n, -1, -1).flatten(1, 2) for each in (k, v))
    rows = []
    for t in range(q.shape[2]):
        seen = before + t + 1
        scores = (q[:, :, t : t + 1] * k[:, :, :seen]).sum(-1) / math.sqrt(q.shape[-1])
        rows.append((scores.softmax(-1)[..., None] * v[:, :, :seen]).sum(2))
    return torch.stack(rows, dim=2)


def _explain(args: tuple[Tensor, ...], expected: Tensor, got: Any) -> str | None:
    """A first token sees itself alone: what it returns tells whose values it read."""
    q, k, v = (arg.detach().double() for arg in args)
    found = torch.as_tensor(got).detach().double()
    n = q.shape[1] // k.shape[1]
    if the_same(expected, found):
        return None
    if q.shape[2] == k.shape[2]:
        own = found[:, :, 0]  # (B, H, D)
        if torch.allclose(own, _share(v, n)[:, :, 0], atol=1e-3):
            return (
                "The first token, which sees itself alone, is right: heads, values and the mask of "
                "its row hold. Look at the scale, and at what later tokens see."
            )
        return (
            "The first token sees itself alone, so its output is its own value, of the head that "
            "its group shares; yours is another."
        )
    return None


def _probe(b: int, h: int, kv: int, t: int, keys: int, d: int) -> tuple[Tensor, Tensor, Tensor]:
    seed = 11_400 + 100 * b + 10 * h + t
    return (
        uniform(b, h, t, d, seed=seed),
        uniform(b, kv, keys, d, seed=seed + 1),
        uniform(b, kv, keys, d, seed=seed + 2),
    )


GROUPED = Exercise(
    id="11.4",
    title="Grouped queries",
    minutes=10,
    stars=2,
    reference=grouped_attention,
    probes=[
        _probe(1, 4, 2, 3, 3, 2),
        _probe(1, 2, 1, 1, 1, 3),
        _probe(2, 6, 2, 4, 4, 3),
        _probe(1, 4, 2, 1, 5, 2),
        _probe(2, 6, 3, 2, 5, 4),
        _probe(1, 3, 3, 3, 3, 5),
        _probe(3, 4, 1, 2, 2, 3),
        _probe(1, 4, 2, 2, 4, 1),
        learned(*_probe(2, 4, 2, 3, 4, 3)),
    ],
    mistakes={
        TILED: _tiled,
        "A token may not look at itself in yours, and the first one sees nothing at all: the "
        "diagonal belongs to the mask, tril(Tk − T).": partial(
            _grouped,
            mask=lambda t, n: torch.ones(t, n, dtype=torch.bool).tril(n - t - 1),
            hide=lambda scores, mask: scores.masked_fill(~mask, -1e9),
        ),
        "You repeated the tokens of a head, and cut them into heads anew: the heads are axis 1, "
        "repeat_interleave(…, dim=1).": partial(
            _grouped,
            keys=lambda k, n: k.repeat_interleave(n, dim=2).reshape(
                -1, n * k.shape[1], *k.shape[2:]
            ),
            values=lambda v, n: v.repeat_interleave(n, dim=2).reshape(
                -1, n * v.shape[1], *v.shape[2:]
            ),
        ),
        "The queries of a group were averaged, and a head came back for each group: all H ask for "
        "themselves.": lambda q, k, v: grouped_attention(
            q.unflatten(1, (k.shape[1], -1)).mean(2), k, v
        ),
        "The weights were masked behind the softmax, and no longer sum to 1: mask the scores.": (
            _masked_behind
        ),
        "The queries of a group were averaged: each asks for itself, only the keys are shared.": (
            _averaged
        ),
        "The keys were not shared out: each of the H query heads needs a key head to look at, "
        "repeat_interleave(H // Hkv, dim=1).": lambda q, k, v: _grouped(
            q, k, v, keys=lambda k, n: k, values=lambda v, n: v
        ),
        "The keys stand in the values' place: the weights average v.": _queries_for_values,
        "Keys and values are swapped: q is compared with k, and v averaged.": _roles_swapped,
        "The cache is left out: only the last T keys and values are looked at, and all Tk of them "
        "stand before a query or at it.": lambda q, k, v: grouped_attention(
            q, k[:, :, -q.shape[2] :], v[:, :, -q.shape[2] :]
        ),
        THROUGH_NUMPY: through_numpy(grouped_attention),
    }
    | at_one_step(_grouped, _STEPS),
    together=at_two_steps(_grouped, _STEPS),
    alternatives={
        "an axis for the groups": _by_groups,
        "head by head": _head_by_head,
        "query by query": _query_by_query,
        "torch's own": lambda q, k, v: F.scaled_dot_product_attention(
            q, k, v, _look(q.shape[2], k.shape[2]), enable_gqa=True
        ),
        "float64": lambda q, k, v: _grouped(q.double(), k.double(), v.double()),
    },
    explain=_explain,
    atol=1e-5,
)
