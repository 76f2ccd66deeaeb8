"""Chapter 08, from chances to a token: one that a dart hits."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform

# 8.5 · one number, one token


def throw(chances: Tensor, darts: Tensor) -> Tensor:
    """The id of the slice that each dart in [0, 1) hits, one for each pie.  (B, V), (B,) -> (B,)"""
    sums = chances.cumsum(dim=-1)  # (B, V)
    darts = darts * sums[:, -1]  # rounding may leave the sum a little below 1
    return (sums <= darts[:, None]).sum(dim=-1)


Throw = Callable[[Tensor, Tensor], Tensor]


def _hits(sums: Tensor, darts: Tensor) -> Tensor:
    return torch.searchsorted(sums, darts[:, None].contiguous(), right=True)[:, 0]


def _unscaled(chances: Tensor, darts: Tensor) -> Tensor:
    return _hits(chances.cumsum(-1), darts)


def _last_id_beyond(chances: Tensor, darts: Tensor) -> Tensor:
    return _unscaled(chances, darts).clamp(max=chances.shape[-1] - 1)


def _before_the_border(chances: Tensor, darts: Tensor) -> Tensor:
    sums = chances.cumsum(-1)
    return (sums < (darts * sums[:, -1])[:, None]).sum(-1)


def _by_size(hit: Throw) -> Throw:
    def by_size(chances: Tensor, darts: Tensor) -> Tensor:
        sizes, ids = chances.sort(descending=True, stable=True)
        return ids.gather(-1, hit(sizes, darts)[:, None])[:, 0]

    return by_size


def _with_every_dart(chances: Tensor, darts: Tensor) -> Tensor:
    sums = chances.cumsum(-1)
    return (sums <= darts * sums[:, -1]).sum(-1)


def _by_walking(chances: Tensor, darts: Tensor) -> Tensor:
    found = []
    for row, dart in zip(chances.tolist(), darts.tolist(), strict=True):
        token, left = 0, dart * sum(row) - row[0]
        while left >= 0:
            token += 1
            left -= row[token]
        found.append(token)
    return torch.tensor(found)


def _by_bisection(chances: Tensor, darts: Tensor) -> Tensor:
    rows = zip(chances.tolist(), darts.tolist(), strict=True)
    return torch.tensor([bisect_right([*accumulate(c)], d * sum(c)) for c, d in rows])


def _pies(b: int, v: int, seed: int) -> tuple[Tensor, Tensor]:
    darts = uniform(b, seed=seed, low=0.0, high=1.0) * 0.97 + 0.013
    return uniform(b, v, seed=seed + 1).softmax(-1), darts


_BENDS: dict[str, Callable[[Throw], Throw]] = {
    "The id is one too low: a dart below the first sum hits token 0.": lambda hit: (
        lambda c, d: hit(c, d) - 1
    ),
    "The id is one too high: a dart below the first sum hits token 0.": lambda hit: (
        lambda c, d: hit(c, d) + 1
    ),
    "You sorted the slices, and returned a rank in place of a token's id: they lie in the order of "
    "the ids.": lambda hit: lambda c, d: hit(c.sort(descending=True).values, d),
    "You laid the slices out by size. That samples as well, but here they lie in the order of "
    "the ids: don't sort.": _by_size,
    "The same dart was thrown at all pies: each row has its own.": lambda hit: (
        lambda c, d: hit(c, d[:1].expand_as(d))
    ),
    "All darts were thrown at the first pie: each has its own.": lambda hit: (
        lambda c, d: hit(c[:1].expand_as(c), d)
    ),
    "There is an axis too many: one id a pie, (B,), not (B, 1).": lambda hit: (
        lambda c, d: hit(c, d)[:, None]
    ),
}
_AND_SCALE = " And multiply the dart by the sum, which rounding may leave a little below 1."
_AND_NOT_CUT = " And beyond the last sum the last id isn't right, if its slice is of size 0."
_UNEVEN = torch.tensor(
    [[0.5, 0.25, 0.15625, 0.09375], [0.0, 0.25, 0.0, 0.75], [0.09375, 0.5, 0.25, 0.15625]]
)

THROW = Exercise(
    id="8.5",
    title="Throw a dart",
    minutes=8,
    stars=2,
    reference=throw,
    probes=[
        (torch.tensor([[0.2, 0.3, 0.1, 0.4]]), torch.tensor([0.55])),
        (torch.tensor([[0.0, 0.5, 0.0, 0.5]]), torch.tensor([0.0])),
        (_UNEVEN, torch.tensor([0.5, 0.25, 0.0])),
        (_UNEVEN[:, [2, 0, 1, 3]], torch.tensor([0.9375, 0.3125, 0.6875])),
        (torch.tensor([[0.3, 0.3, 0.399]]), torch.tensor([0.9995])),  # a sum of rounded slices
        (torch.tensor([[0.3, 0.3, 0.399, 0.0]]), torch.tensor([0.9995])),  # and the last one cut
        _pies(5, 3, seed=851),
        _pies(4, 4, seed=853),
        _pies(6, 30, seed=855),
    ],
    mistakes={
        "A dart on the border of two slices hits the second. You gave it to the first, and so a "
        "slice of size 0 can be hit: count the sums that are ≤ the dart.": _before_the_border,
        "A dart on the border of two slices hits the second, so count the sums that are ≤ the "
        "dart. And rounding may leave a dart beyond the last sum: multiply the dart by the "
        "sum.": lambda c, d: torch.searchsorted(c.cumsum(-1), d[:, None])[:, 0],
        "Rounding leaves the sum of a pie a little below 1, and a dart beyond it got the id V, "
        "which no token has: multiply the dart by the sum.": _unscaled,
        "Rounding left a dart beyond the last sum, and you took the last id, whose slice may have "
        "the size 0: multiply the dart by the sum, and it hits the last that is none.": (
            _last_id_beyond
        ),
        "Rounding leaves the sum of a pie a little below 1. Beyond it `argmax` found nothing and "
        "said 0: multiply the dart by the sum.": lambda c, d: (
            (c.cumsum(-1) > d[:, None]).int().argmax(-1)
        ),
        "You compared the dart with the slices: compare it with their running sums, cumsum.": (
            lambda c, d: (c > d[:, None]).int().argmax(-1)
        ),
        "You counted the slices smaller than the dart: count the running sums, cumsum.": (
            lambda c, d: (c <= d[:, None]).sum(-1)
        ),
        "All slices are equally large here: a token's slice is as wide as its chance.": (
            lambda c, d: (d * c.shape[-1]).long()
        ),
        "This is the likeliest token, wherever the dart goes: that is greedy, not sampling.": (
            lambda c, d: c.argmax(-1)
        ),
        "You threw a dart of your own: use the number that is given, so that the same number "
        "always hits the same token.": lambda c, d: torch.multinomial(c, 1)[:, 0],
        "Each row is compared with all the darts: sums are (B, V), so make the darts (B, 1), "
        "darts[:, None].": _with_every_dart,
        "The sums run down the batch: along the tokens, dim=-1.": lambda c, d: (
            c.cumsum(0) <= d[:, None]
        ).sum(-1),
        "The slices lie in the order of the ids, from 0 on: you began with the last.": (
            lambda c, d: c.shape[-1] - 1 - throw(c.flip(-1), d)
        ),
        "These are chances already: without another softmax.": lambda c, d: throw(c.softmax(-1), d),
        "You counted the sums above the dart: count those that are not, ≤ the dart, which is how "
        "many slices it has passed.": lambda c, d: (
            c.cumsum(-1) > (d * c.cumsum(-1)[:, -1])[:, None]
        ).sum(-1),
        "This is the chance of the slice that was hit: return its id.": (
            lambda c, d: c.gather(-1, throw(c, d)[:, None])[:, 0]
        ),
        "The id is one too low, where it can be: how many sums the dart has passed is the id "
        "itself.": lambda c, d: (throw(c, d) - 1).clamp(min=0),
        "This is the nearest of the sums: the dart hits the first slice whose sum lies above it.": (
            lambda c, d: (c.cumsum(-1) - (d * c.sum(-1))[:, None]).abs().argmin(-1)
        ),
        "The sums run down the batch, and an id beyond the last was cut back: along the tokens, "
        "dim=-1.": lambda c, d: (c.cumsum(0) <= d[:, None]).sum(-1).clamp(max=c.shape[-1] - 1),
        "You counted the slices that are no larger than the dart, and cut back what was too many: "
        "count the running sums, cumsum.": lambda c, d: (
            (c <= d[:, None]).sum(-1).clamp(max=c.shape[-1] - 1)
        ),
        **{sentence: bend(throw) for sentence, bend in _BENDS.items()},
        **{sentence + _AND_SCALE: bend(_unscaled) for sentence, bend in _BENDS.items()},
        **{sentence + _AND_NOT_CUT: bend(_last_id_beyond) for sentence, bend in _BENDS.items()},
    },
    alternatives={
        "searchsorted": lambda c, d: _hits(c.cumsum(-1), d * c.cumsum(-1)[:, -1]),
        "the last slice that is none": lambda c, d: torch.minimum(
            _unscaled(c, d), c.shape[-1] - 1 - (c.flip(-1) > 0).int().argmax(-1)
        ),
        "the first sum that is above": lambda c, d: (
            (c.cumsum(-1) > (d * c.sum(-1))[:, None]).int().argmax(-1)
        ),
        "walk through the slices": _by_walking,
        "bisection": _by_bisection,
        "numpy, float64": lambda c, d: np.array(
            [
                np.searchsorted(np.cumsum(row) / row.sum(), dart, side="right")
                for row, dart in zip(c.double().numpy(), d.double().numpy(), strict=True)
            ]
        ),
    },
)
