"""Exercise 4.8: find the bug in an attention that leaks through its divisor."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.course.exercises.steps import at_one_step, at_two_steps
from utils.llm.attention.heads import (
    causal_mask,
    merge_heads,
    scaled_dot_product_attention,
    split_heads,
)

Pair = tuple[Tensor, Tensor]


def mended_attention(x: Tensor, w_qkv: Tensor, w_out: Tensor, n_heads: int) -> Pair:
    """Causal attention for a batch: output (B, T, C) and weights (B, H, T, T)."""
    q, k, v = (split_heads(part, n_heads) for part in (x @ w_qkv).chunk(3, dim=-1))
    found, weights = scaled_dot_product_attention(q, k, v, causal_mask(x.shape[1]))
    return merge_heads(found) @ w_out, weights


def _hidden(scores: Tensor) -> Tensor:
    return scores.masked_fill(~causal_mask(scores.shape[-1]), -math.inf)


def _repaired(
    x: Tensor,
    w_qkv: Tensor,
    w_out: Tensor,
    n_heads: int,
    *,
    scale: Callable[[Tensor, Tensor], float] = lambda q, x: math.sqrt(q.shape[-1]),
    hide: Callable[[Tensor], Tensor] = _hidden,
    less: Callable[[Tensor], Any] = lambda s: s.amax(dim=-1, keepdim=True),
    divide: Callable[[Tensor], Tensor] = lambda k: k / k.sum(dim=-1, keepdim=True),
    output: Callable[[Tensor, Tensor], Tensor] = lambda weights, v: weights @ v,
) -> Pair:
    """The lines of the text, cured at `divide`, with a bend where a cure goes wrong."""
    q, k, v = (split_heads(part, n_heads) for part in (x @ w_qkv).chunk(3, dim=-1))
    scores = hide(q @ k.mT / scale(q, x))
    weights = divide(torch.exp(scores - less(scores)))
    return merge_heads(output(weights, v)) @ w_out, weights


def _by_columns(kernel: Tensor) -> Tensor:
    return kernel / kernel.sum(dim=-2, keepdim=True)


_STEPS: dict[str, dict[str, Callable[..., Any]]] = {
    "scale": {
        "The scale was right before: a dot product here has D terms, those of one head, so √D.": (
            lambda q, x: math.sqrt(x.shape[-1])
        ),
    },
    "hide": {
        "The mask was right before, and now it is gone: every word sees its future.": lambda s: s,
        "The mask was right before: now a word can't see itself, or only its future.": (
            lambda s: s.masked_fill(causal_mask(s.shape[-1]), -math.inf)
        ),
        "The mask is turned now: a row looks at its future. It was right before.": lambda s: (
            s.masked_fill(~causal_mask(s.shape[-1]).T, -math.inf)
        ),
    },
    "less": {
        "What is subtracted must be the row's own largest score: without it large scores overflow "
        "to ∞ / ∞.": lambda s: 0.0,
        "One number is subtracted from all rows: a row far below it becomes 0 / 0.": lambda s: (
            s.amax()
        ),
    },
    "divide": {
        "The bug is still there: each column is divided by its own sum, over the words that look, "
        "the later ones included. A word's weights are a row.": _by_columns,
        "You divided the rows after the columns: the rows sum to 1 now, but what the columns were "
        "divided by is still in them, and it comes from later words.": lambda k: (
            _by_columns(k) / _by_columns(k).sum(dim=-1, keepdim=True)
        ),
        "You took a softmax of what is exponentiated already: divide by the row's sum.": lambda k: (
            k.softmax(dim=-1)
        ),
        "You took a softmax over what was divided by columns: that sum still holds later words, "
        "and the forbidden get weights again.": lambda k: _by_columns(k).softmax(dim=-1),
        "You divide by the sum over the heads: it is the keys of a row that share its weight.": (
            lambda k: k / k.sum(dim=1, keepdim=True)
        ),
        "You divide by the sum of everything: each row has a sum of its own.": lambda k: (
            k / k.sum()
        ),
        "You divide each head by its whole sum, over rows and columns: each row has its own.": (
            lambda k: k / k.sum(dim=(-2, -1), keepdim=True)
        ),
        "The row's sum has lost its axis and stands beside the wrong numbers: keepdim=True.": (
            lambda k: k / k.sum(dim=-1)[:, :, None]
        ),
        "Nothing is divided any more: a row of weights must sum to 1.": lambda k: k,
        "You divide by the number of words seen: a row is divided by its own sum.": lambda k: (
            k / torch.arange(1, k.shape[-1] + 1)[:, None]
        ),
    },
    "output": {
        "The weights are turned over on the way to the output: row i of weights @ v is word i's.": (
            lambda weights, v: weights.mT @ v
        ),
    },
}


# Where a row is empty, all is 0 / 0, whatever it is divided by.
_SEEN_WITH_OTHERS = {
    said: hide for said, hide in _STEPS["hide"].items() if "can't see itself" not in said
}


def _hidden_from_itself(scores: Tensor) -> Tensor:
    return scores.masked_fill(~causal_mask(scores.shape[-1]).tril(-1), -math.inf)


def _by_softmax(x: Tensor, w_qkv: Tensor, w_out: Tensor, n_heads: int) -> Pair:
    q, k, v = (split_heads(part, n_heads) for part in (x @ w_qkv).chunk(3, dim=-1))
    weights = _hidden(q @ k.mT / math.sqrt(q.shape[-1])).softmax(dim=-1)
    return merge_heads(weights @ v) @ w_out, weights


def _row_by_row(x: Tensor, w_qkv: Tensor, w_out: Tensor, n_heads: int) -> Pair:
    """As in writing: each word reads the text up to itself and nothing else."""
    n_tokens = x.shape[1]
    steps = [_by_softmax(x[:, : t + 1], w_qkv, w_out, n_heads) for t in range(n_tokens)]
    rows = [F.pad(weights[:, :, -1], (0, n_tokens - 1 - t)) for t, (_, weights) in enumerate(steps)]
    return torch.stack([out[:, -1] for out, _ in steps], dim=1), torch.stack(rows, dim=2)


def _explain(args: tuple[Any, ...], expected: Pair, got: Any) -> str | None:
    weights = torch.as_tensor(got[1]).float()
    if (weights.triu(1) != 0).any() and not (weights.tril(-1) != 0).any():
        return "The weights lie on their side: row i holds what word i looks at, and so far back."
    if (weights.triu(1) != 0).any():
        return "A weight stands in a word's future now: the mask was right before."
    if ((weights.sum(dim=-1) - 1).abs() > 1e-3).any():
        return "A row of weights is shared out among the words it looks at, and must sum to 1."
    if torch.allclose(weights, expected[1], atol=1e-5):
        return (
            "The weights are cured; what is made of them, weights @ v and w_out, was right before."
        )
    return "No weight looks ahead and the rows sum to 1, but the weights are others."


def _probe(b: int, t: int, h: int, d: int, size: float = 1.0) -> tuple[Any, ...]:
    seed, c = 4800 + 100 * b + 10 * t + h, h * d
    x = uniform(b, t, c, seed=seed, low=-size, high=size)
    return x, uniform(c, 3 * c, seed=seed + 1), uniform(c, c, seed=seed + 2), h


MENDED_ATTENTION = Exercise(
    id="4.8",
    title="Find the bug",
    minutes=12,
    stars=2,
    reference=mended_attention,
    probes=[
        _probe(1, 3, 2, 2),
        _probe(1, 1, 1, 3),
        _probe(2, 5, 2, 3),
        _probe(2, 3, 3, 3),
        _probe(2, 6, 1, 4, size=9.0),
    ],
    mistakes=at_one_step(_repaired, _STEPS)
    | {
        "A word can't see itself now, and the first sees nothing at all, which is 0 / 0: the "
        "diagonal was open before.": partial(_repaired, hide=_hidden_from_itself),
    },
    together=at_two_steps(_repaired, {**_STEPS, "hide": _SEEN_WITH_OTHERS}),
    alternatives={
        "the row's sum": _repaired,
        "softmax": _by_softmax,
        "a word at a time": _row_by_row,
    },
    parts=("output", "weights"),
    explain=_explain,
    atol=1e-4,
)
