"""Chapter 08, what is done to the scores: min-p."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from utils.course.checking.compare import HIDDEN
from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_08.filters import how_many_are_kept
from utils.course.exercises.chapter_08.nucleus import nucleus
from utils.course.exercises.probing import uniform
from utils.llm.sampling import filters

# 8.9 · min-p


def min_p(logits: Tensor, p: float) -> Tensor:
    """Logits, −inf where the chance is below p times the row's largest.  (..., V) -> (..., V)"""
    return filters.min_p(p)(logits)


def _min_p(
    logits: Tensor,
    p: float,
    *,
    bar: Callable[[Tensor, float], Tensor] = lambda chances, p: p * chances.amax(-1, keepdim=True),
    stays: Callable[[Tensor, Tensor], Tensor] = torch.ge,
    instead: float = -math.inf,
) -> Tensor:
    """Min-p by the chances, with a bend where a wrong turn wants one."""
    chances = logits.softmax(-1)
    return logits.masked_fill(~stays(chances, bar(chances, p)), instead)


def _chances_along(logits: Tensor, p: float, dim: int) -> Tensor:
    chances = logits.softmax(dim)
    return logits.masked_fill(chances < p * chances.amax(dim, keepdim=True), -math.inf)


def _share_of_the_largest_logit(logits: Tensor, p: float) -> Tensor:
    return logits.masked_fill(logits < p * logits.amax(-1, keepdim=True), -math.inf)


def _lower_by(logits: Tensor, amount: float) -> Tensor:
    return logits.masked_fill(logits < logits.amax(-1, keepdim=True) - amount, -math.inf)


def _by_the_first_row(logits: Tensor, p: float) -> Tensor:
    kept = _min_p(logits, p).flatten(0, -2)[0] if logits.ndim > 1 else _min_p(logits, p)
    return logits.masked_fill((kept == -math.inf).expand_as(logits), -math.inf)


def _only_those_kept(logits: Tensor, p: float) -> Tensor:
    return logits[min_p(logits, p).isfinite()]


def _nucleus(logits: Tensor, p: float) -> Tensor:
    return logits.masked_fill(nucleus(logits.softmax(-1), p) == 0, -math.inf)


def _by_numpy(logits: Tensor, p: float) -> np.ndarray:
    scores = logits.double().numpy()
    sizes = np.exp(scores - scores.max(-1, keepdims=True))
    return np.where(sizes >= p, scores, -np.inf)


def _by_ratio(logits: Tensor, p: float) -> Tensor:
    chances = logits.softmax(-1)
    ratios = chances / chances.max(-1, keepdim=True).values
    return torch.where(ratios < p, torch.tensor(-math.inf), logits)


def _row_by_row(logits: Tensor, p: float) -> Tensor:
    rows = []
    for row in logits.reshape(-1, logits.shape[-1]).tolist():
        largest = max(row)
        sizes = [math.exp(score - largest) for score in row]
        pairs = zip(row, sizes, strict=True)
        rows.append([score if size >= p else -math.inf for score, size in pairs])
    return torch.tensor(rows).view(logits.shape)


def _how_many(args: tuple[Any, ...], expected: Tensor, got: Tensor) -> str | None:
    """The row that keeps more or fewer tokens than it should, where what is kept are the logits."""
    found = torch.as_tensor(got)
    kept = expected.isfinite() & (found > HIDDEN)
    if not torch.allclose(found[kept].double(), expected[kept].double(), atol=1e-4):
        return None
    return how_many_are_kept(args, expected, got)


MIN_P = Exercise(
    id="8.9",
    title="Min-p",
    minutes=4,
    stars=1,
    reference=min_p,
    probes=[
        (torch.tensor([1.0, 3.0, 2.5]), 0.25),
        (torch.tensor([-1.0, -3.5, -2.0, -6.0]), 0.2),
        (torch.tensor([2.0, 1.0, -4.0, 0.5]), 0.75),
        (torch.tensor([0.0, 1.0, -30.0]), 0.0),
        (torch.tensor([[2.0, 0.5, 2.0, 2.0], [-1.0, -2.0, -5.0, -1.0]]), 1.0),
        (torch.tensor([[4.0, 1.0, 3.5], [0.0, -9.0, -0.5]]), 0.1),
        (torch.tensor([[-math.inf, 3.0, 2.0, -math.inf], [0.0, 1.0, -math.inf, 1.0]]), 0.3),
        (uniform(3, 6, seed=891), 0.3),
        (uniform(2, 3, 7, seed=892, low=-9.0, high=9.0), 0.05),
    ],
    mistakes={
        "The bar is p times the mean chance: it is p times the largest of the row.": partial(
            _min_p, bar=lambda chances, p: p * chances.mean(-1, keepdim=True)
        ),
        "The softmax ran down the batch, and the largest was taken along the row: both along the "
        "last axis, dim=-1.": (
            lambda x, p: x.masked_fill(
                x.softmax(0) < p * x.softmax(0).amax(-1, keepdim=True), -torch.inf
            )
        ),
        "You compared the chances with p itself: the bar is p times the largest chance of the "
        "row.": partial(_min_p, bar=lambda chances, p: torch.full_like(chances, p)),
        "You took p times the largest logit. It is the chances that are compared: softmax first, "
        "or lower the largest logit by −ln p.": _share_of_the_largest_logit,
        "You allowed logits to be p lower than the largest, or chances: p times as likely is a "
        "logit lower by −ln p.": _lower_by,
        "You allowed chances to be p lower than the largest: it is p times the largest that they "
        "must have.": partial(_min_p, bar=lambda chances, p: chances.amax(-1, keepdim=True) - p),
        "You allowed chances to be 1 − p of the largest: it is p of the largest.": lambda x, p: (
            _min_p(x, 1 - p)
        ),
        "What just reaches the bar stays: at p = 1 it is the likeliest itself.": partial(
            _min_p, stays=torch.gt
        ),
        "You lowered the largest logit by −log2 p: a softmax has e for its base, so by −ln "
        "p.": lambda x, p: _lower_by(x, -math.log2(p)) if p else x,
        "You cut what lies above the bar, and kept the others: the other way round.": partial(
            _min_p, stays=torch.le
        ),
        "At p = 0 there is no ln p: then nothing is cut.": lambda x, p: _lower_by(x, -math.log(p)),
        "You cut what reaches the bar, and kept the others: the other way round.": partial(
            _min_p, stays=torch.lt
        ),
        "The largest chance of the whole batch sets the bar: each row has its own, dim=-1 and "
        "keepdim=True.": partial(_min_p, bar=lambda chances, p: p * chances.max()),
        "All rows keep the tokens of the first: each row has its own.": _by_the_first_row,
        "The softmax ran down the batch, across the texts: along the last axis, dim=-1.": partial(
            _chances_along, dim=0
        ),
        "The others are 0 here, and a logit of 0 has a chance: −inf has none.": partial(
            _min_p, instead=0.0
        ),
        "Times 0 a logit is 0, which has a chance, and −∞ · 0 is NaN: put −inf where one is cut, "
        "with masked_fill or where.": lambda x, p: x * min_p(x, p).isfinite(),
        "These are chances: return logits, the softmax comes later.": lambda x, p: min_p(
            x, p
        ).softmax(-1),
        "These are ln of chances, and of the right odds: but return the logits as they were.": (
            lambda x, p: min_p(x, p).log_softmax(-1)
        ),
        "These are ln of chances, not yet rescaled: return the logits as they were.": (
            lambda x, p: min_p(x.log_softmax(-1), p)
        ),
        "This says which are kept: return their logits, and −inf for the others.": lambda x, p: (
            min_p(x, p).isfinite()
        ),
        "Only the logits that are kept came back: the row keeps its V places.": _only_those_kept,
        "These are chances, 0 for those that are cut: return the logits, −inf for those.": (
            lambda x, p: x.softmax(-1) * min_p(x, p).isfinite()
        ),
        "These are chances, −inf for those that are cut: return the logits as they were.": (
            lambda x, p: x.softmax(-1).masked_fill(~min_p(x, p).isfinite(), -math.inf)
        ),
        "You added slices up until they had p together: that is top-p. Here each is compared with "
        "the largest.": _nucleus,
    },
    alternatives={
        "by the chances": _min_p,
        "by their ratio": _by_ratio,
        "numpy": _by_numpy,
        "row by row": _row_by_row,
        "float64": lambda x, p: min_p(x.double(), p),
    },
    explain=_how_many,
)
