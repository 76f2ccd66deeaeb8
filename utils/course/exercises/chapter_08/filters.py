"""Chapter 08, what is done to the scores: top-k."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from utils.course.checking.compare import HIDDEN
from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import free_among_equals, number_kept, uniform

# 8.3 · top-k


def top_k(logits: Tensor, k: int) -> Tensor:
    """The k largest logits of each row where they stand, −inf elsewhere.  (..., V) -> (..., V)"""
    ids = logits.topk(min(k, logits.shape[-1]), dim=-1).indices  # (..., k)
    cut = torch.full_like(logits, -math.inf)
    return cut.scatter(-1, ids, logits.gather(-1, ids))


def _kept(logits: Tensor, kept: Tensor, instead: float = -math.inf) -> Tensor:
    return logits.masked_fill(~kept, instead)


def _ranks(values: Tensor) -> Tensor:
    """0 for the largest of each row, 1 for the next."""
    return values.argsort(dim=-1, descending=True, stable=True).argsort(dim=-1)


def _border(logits: Tensor, k: int) -> Tensor:
    """The k-th largest of each row, (..., 1)."""
    return logits.sort(-1, descending=True).values[..., min(k, logits.shape[-1]) - 1, None]


def _sorted_and_cut(logits: Tensor, k: int) -> Tensor:
    ordered = logits.sort(-1, descending=True).values
    return _kept(ordered, torch.arange(logits.shape[-1]).expand_as(ordered) < k)


def _border_of_the_batch(logits: Tensor, k: int) -> Tensor:
    return _kept(logits, logits >= _border(logits.flatten(), k))


def _as_the_first_row(logits: Tensor, k: int) -> Tensor:
    rows = logits.flatten(0, -2) if logits.ndim > 1 else logits[None]
    kept = (_ranks(rows[0]) < k).expand_as(rows)
    return _kept(rows, kept).view(logits.shape)


def _with_numpy(logits: Tensor, k: int) -> np.ndarray:
    cut = np.full(logits.shape, -np.inf)
    ids = np.argsort(logits.numpy(), axis=-1)[..., -k:]
    np.put_along_axis(cut, ids, np.take_along_axis(logits.numpy(), ids, -1), -1)
    return cut


def _one_by_one(logits: Tensor, k: int) -> Tensor:
    """Take the largest away k times, and look what is gone."""
    left = logits.clone().double()
    for _ in range(min(k, logits.shape[-1])):
        left.scatter_(-1, left.argmax(-1, keepdim=True), -math.inf)
    return _kept(logits, left == -math.inf)


def how_many_are_kept(args: tuple[Any, ...], expected: Tensor, got: Tensor) -> str | None:
    """Name the row that keeps more or fewer tokens than it should, or the number it cuts with."""
    wanted, found = torch.as_tensor(expected), torch.as_tensor(got)
    if wanted.shape == found.shape and (wanted == -math.inf).any():
        instead = found[wanted == -math.inf].unique()
        if len(instead) == 1 and HIDDEN < instead < -50:
            return f"The tokens cut have {instead.item():g}: give them −inf, which no heat lifts."
    return number_kept(wanted > HIDDEN, found > HIDDEN)


TOP_K = Exercise(
    id="8.3",
    title="Top-k",
    minutes=10,
    stars=2,
    reference=top_k,
    probes=[
        (torch.tensor([1.0, 3.0, 2.0]), 1),
        (torch.tensor([-1.0, -3.0, -2.0, -0.5]), 2),
        (torch.tensor([3.0, 2.0, 1.0, 2.0]), 2),
        (torch.tensor([[2.0, 0.0, 2.0, 1.0, 2.0], [-1.0, 0.0, -2.0, 0.0, -4.0]]), 4),
        (torch.tensor([[0.5, -1.0], [2.0, 4.0]]), 5),
        (uniform(3, 6, seed=831), 3),
        (uniform(2, 3, 7, seed=832, low=-9.0, high=9.0), 2),
        (uniform(2, 4, seed=833), 4),
    ],
    mistakes={
        "One too many is kept: the k largest stay, and the one after them doesn't.": (
            lambda x, k: top_k(x, k + 1)
        ),
        "The k smallest are kept: the k largest are to stay.": lambda x, k: (
            -top_k(-x, k).where(top_k(-x, k) > -torch.inf, torch.inf)
        ),
        "One too few is kept: the k-th largest stays as well.": lambda x, k: _kept(
            x, _ranks(x) < k - 1
        ),
        "Of equal logits at the border you kept all, so more than k: keep exactly k, by their ids "
        "and not by a threshold.": lambda x, k: _kept(x, x >= _border(x, k)),
        "You cut what equals the k-th largest, and so the k-th itself: it stays.": (
            lambda x, k: _kept(x, x > _border(x, k))
        ),
        "Of equal logits at the border you kept all, so more than k: keep k ids, not what passes a "
        "threshold. And there may be fewer than k tokens, so min(k, V).": lambda x, k: _kept(
            x, x >= x.topk(k).values[..., -1:]
        ),
        "There may be fewer than k tokens: then keep all of them, by min(k, V).": lambda x, k: (
            torch.full_like(x, -math.inf).scatter(-1, x.topk(k).indices, x.topk(k).values)
        ),
        "The others are 0 here, and a logit of 0 has a chance: −inf has none.": lambda x, k: _kept(
            x, _ranks(x) < k, 0.0
        ),
        "You took ranks for ids, and kept the first k tokens of the vocabulary: keep those where "
        "the largest logits stand.": lambda x, k: _kept(
            x, torch.arange(x.shape[-1]).expand_as(x) < k
        ),
        "The right logits are kept, in falling order: put each back where it stood, or token 0 "
        "gets the score of the best (scatter).": _sorted_and_cut,
        "The sorted logits went back to wrong places: `gather` with the ids sorts, and `scatter` "
        "with them puts back.": lambda x, k: _sorted_and_cut(x, k).gather(
            -1, x.argsort(dim=-1, descending=True, stable=True)
        ),
        "Only the k logits are returned: the row keeps its V places, −inf where one is cut.": (
            lambda x, k: x.topk(min(k, x.shape[-1])).values
        ),
        "These are ids: return logits, −inf for those that are cut.": lambda x, k: (
            x.topk(min(k, x.shape[-1])).indices
        ),
        "This says which are kept: return their logits, and −inf for the others.": lambda x, k: (
            _ranks(x) < k
        ),
        "The k smallest are kept: sort in falling order.": lambda x, k: _kept(x, _ranks(-x) < k),
        "You cut the k largest and kept the others: the other way round.": lambda x, k: _kept(
            x, _ranks(x) >= k
        ),
        "The k largest of the whole batch are kept: each row has k of its own, dim=-1.": (
            lambda x, k: top_k(x.flatten(), k).view(x.shape)
        ),
        "Of equal logits at the border you kept all, and the border is that of the whole batch: "
        "keep k ids in each row, dim=-1.": _border_of_the_batch,
        "All rows keep the tokens of the first: each row has its own.": _as_the_first_row,
        "These are chances: return logits, the softmax comes later.": lambda x, k: top_k(
            x, k
        ).softmax(-1),
        "These are ln of chances among those kept: return the logits as they were.": lambda x, k: (
            top_k(x, k).log_softmax(-1)
        ),
        "One argsort gives the ids in falling order, and not each token's rank: that takes a "
        "second, argsort of the argsort.": lambda x, k: _kept(
            x, x.argsort(dim=-1, descending=True) < k
        ),
    },
    alternatives={
        "ranks": lambda x, k: _kept(x, _ranks(x) < k),
        "numpy": _with_numpy,
        "one by one": _one_by_one,
        "a large negative number": lambda x, k: _kept(x, _ranks(x) < k, -1e9),
        "a mask that is added": lambda x, k: (
            x + torch.zeros_like(x).masked_fill(_ranks(x) >= k, -math.inf)
        ),
    },
    explain=how_many_are_kept,
    call=free_among_equals(top_k, lambda x: x > HIDDEN, _kept),
)
