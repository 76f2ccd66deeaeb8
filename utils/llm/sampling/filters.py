"""What is done to the scores of the next token before one is drawn.

Every function here makes a filter: a callable that takes logits (…, V), the scores of the V tokens,
and gives logits of the same shape back. A token that a filter cuts gets −inf, so that a softmax
gives it no share at all; the others keep their logits, and with them their odds. Any leading shape
will do, and each row is treated alone. What is −inf already stays −inf.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

__all__ = [
    "Filter",
    "keep_largest",
    "min_p",
    "repetition_penalty",
    "temperature",
    "top_k",
    "top_p",
]

Filter = Callable[..., Tensor]
FEW = 256  # top_p looks at so many of the largest before it sorts all


def temperature(value: float) -> Filter:
    """A filter that divides logits by the temperature: above 1 it levels the odds, below 1 raises.

    At 0 it is greedy: the largest logit alone stays, of equal ones that with the lowest id. Where
    a tiny temperature would carry the largest logit of a row beyond the numbers of its type, the
    logits of that row are first lowered by their largest, which changes no probability.

    Raises ValueError for a temperature below 0 or not finite.

    >>> temperature(2.0)(torch.tensor([1.0, 3.0]))
    tensor([0.5000, 1.5000])
    >>> temperature(0)(torch.tensor([1.0, 3.0, 3.0]))
    tensor([-inf, 3., -inf])
    """
    if not (0 <= value < math.inf):
        raise ValueError(f"The temperature is {value}: give 0, which is greedy, or a number above.")
    if value == 0:
        return top_k(1)

    def heat(logits: Float[Tensor, "*B V"]) -> Float[Tensor, "*B V"]:
        scaled = logits / value
        highest = logits.amax(dim=-1, keepdim=True)
        over = highest.isfinite() & ~(highest / value).isfinite()
        if over.any():
            lowered = logits - highest  # 0 / 0, where the temperature is too small for the type
            lowered = torch.where(lowered == 0, lowered, lowered / value)
            scaled = torch.where(over, lowered, scaled)
        return scaled

    return heat


def top_k(k: int) -> Filter:
    """A filter that keeps the k largest logits (Fan et al. 2018), all of them where k ≥ V.

    Exactly k are kept: of equal ones at the border, those with the lowest ids.
    Raises ValueError for k below 1.

    >>> top_k(2)(torch.tensor([1.0, 3.0, 2.0, 2.0]))
    tensor([-inf, 3., 2., -inf])
    """
    if k < 1 or k != int(k):
        raise ValueError(f"k is {k}: give a whole number of tokens to keep, at least 1.")

    def cut(logits: Float[Tensor, "*B V"]) -> Float[Tensor, "*B V"]:
        if k >= logits.shape[-1]:
            return logits
        return logits.masked_fill(~keep_largest(logits, k), -torch.inf)

    return cut


def top_p(p: float) -> Filter:
    """A filter that keeps the fewest tokens that have the probability p together.

    They are taken from the most likely down, the one that crosses p with them (nucleus sampling,
    Holtzman et al. 2020). At p = 0 that is the most likely token, at p = 1 all of them. Of equal
    ones at the border, those with the lowest ids are taken. Probabilities are summed in float64.

    Raises ValueError for p outside 0 to 1.

    >>> top_p(0.7)(torch.tensor([0.2, 0.5, 0.3]).log()).exp()
    tensor([0.0000, 0.5000, 0.3000])
    """
    _check_probability("p", p)

    def cut(logits: Float[Tensor, "*B V"]) -> Float[Tensor, "*B V"]:
        if p == 1:
            return logits
        return logits.masked_fill(~keep_largest(logits, _nucleus_size(logits, p)), -torch.inf)

    return cut


def min_p(p: float) -> Filter:
    """A filter that cuts tokens less likely than p times the likeliest (Nguyen et al. 2025).

    At p = 0 it cuts nothing, at p = 1 it leaves the likeliest alone, and all that equal it.
    Raises ValueError for p outside 0 to 1.

    >>> min_p(0.5)(torch.tensor([0.2, 0.5, 0.3]).log()).exp()
    tensor([0.0000, 0.5000, 0.3000])
    """
    _check_probability("p", p)

    def cut(logits: Float[Tensor, "*B V"]) -> Float[Tensor, "*B V"]:
        if p == 0:
            return logits
        precise = logits.to(_precise(logits))
        lowest = precise.amax(dim=-1, keepdim=True) + math.log(p)  # (*B, 1)
        return logits.masked_fill(precise < lowest, -torch.inf)

    return cut


def repetition_penalty(penalty: float) -> Filter:
    """A filter that makes tokens that stand in the text already less likely (Keskar et al. 2019).

    It is called with the ids of the text so far, `filter(logits (…, V), ids (…, T))`. A positive
    logit of a token that occurs there is divided by the penalty, a negative one multiplied: both
    go down. How often it occurs does not count, and ids below 0 are no tokens: they fill up rows.
    Put it before `temperature`: the sizes of logits matter here, not their differences alone.

    Raises ValueError for a penalty of 0 or below; one below 1 is a reward for repeating.

    >>> repetition_penalty(2.0)(torch.tensor([3.0, -3.0, 1.0]), torch.tensor([0, 1, 1]))
    tensor([ 1.5000, -6.0000,  1.0000])
    """
    if not (0 < penalty < math.inf):
        raise ValueError(f"The penalty is {penalty}: give a number above 0; 1 changes nothing.")

    def lower(logits: Float[Tensor, "*B V"], ids: Int[Tensor, "*B T"]) -> Float[Tensor, "*B V"]:
        ids = ids.to(logits.device)
        if ids.shape[:-1] != logits.shape[:-1]:
            raise ValueError(
                f"The logits have the shape {tuple(logits.shape)} and the ids {tuple(ids.shape)}: "
                "give the ids of a text for each row of logits."
            )
        if ids.numel() and ids.max() >= logits.shape[-1]:
            raise ValueError(f"{ids.max()} is no id of a vocabulary of {logits.shape[-1]} tokens.")
        counts = logits.new_zeros(logits.shape).scatter_add_(
            -1, ids.clamp(min=0), (ids >= 0).to(logits.dtype)
        )  # (*B, V)
        lowered = torch.where(logits > 0, logits / penalty, logits * penalty)
        return torch.where(counts > 0, lowered, logits)

    lower.reads_ids = True  # tells Sampler to give it the text so far
    return lower


def keep_largest(
    logits: Float[Tensor, "*B V"], k: int | Int[Tensor, "*B 1"]
) -> Bool[Tensor, "*B V"]:
    """True for exactly k of each row, its largest; of equal ones those with the lowest ids.

    `k` may differ from row to row, (…, 1); each must be from 1 to V. What is no number is True as
    well: a filter must not hide that something went wrong.

    >>> keep_largest(torch.tensor([2.0, 5.0, 2.0]), 2).int()
    tensor([1, 1, 0], dtype=torch.int32)
    """
    most = k if isinstance(k, int) else int(k.max())
    largest = logits.topk(most, dim=-1).values  # (*B, most), in falling order
    border = largest[..., -1:] if isinstance(k, int) else largest.gather(-1, k - 1)  # (*B, 1)
    kept = ~(logits < border)
    if (kept.sum(dim=-1, keepdim=True) != k).any():  # several equal the border: the first stay
        above = logits > border
        at_border = kept & ~above
        room = k - above.sum(dim=-1, keepdim=True)  # (*B, 1)
        kept = above | (at_border & (at_border.cumsum(dim=-1) <= room)) | logits.isnan()
    return kept


def _nucleus_size(logits: Float[Tensor, "*B V"], p: float) -> Int[Tensor, "*B 1"]:
    """How many of the likeliest tokens it takes to have the probability p together."""
    n_tokens = logits.shape[-1]
    precise = logits.to(_precise(logits))
    total = precise.logsumexp(dim=-1, keepdim=True)  # (*B, 1)
    for few in (FEW, n_tokens):
        largest = precise.topk(min(few, n_tokens), dim=-1).values  # sorting all costs much more
        reached = (largest - total).exp().cumsum(dim=-1)  # (*B, few)
        if few >= n_tokens or bool((reached[..., -1] >= p).all()):
            break
    # those that have less than p with all before them, and the one after them, which crosses
    size = (reached < p).sum(dim=-1, keepdim=True) + 1
    return size.clamp(max=n_tokens)


def _check_probability(name: str, p: float) -> None:
    if not 0 <= p <= 1:
        raise ValueError(f"{name} is {p}: give a probability from 0 to 1.")


def _precise(logits: Tensor) -> torch.dtype:
    """The best type the device has: Apple's GPUs have no float64."""
    return torch.float32 if logits.device.type == "mps" else torch.float64
