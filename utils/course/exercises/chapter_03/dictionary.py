"""The last exercise of chapter 03: a dictionary that answers with a blend."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform

# 3.6 · a soft dictionary


def soft_lookup(query: Tensor, keys: Tensor, values: Tensor, temperature: float) -> Tensor:
    """The mean of the values, by softmax(key · query / temperature); at 0 its limit."""
    scores = keys @ query  # (N,)
    if temperature == 0:
        best = scores == scores.max()
        return values[best].mean(dim=0)
    return (scores / temperature).softmax(dim=0) @ values


def _lookup(
    query: Tensor,
    keys: Tensor,
    values: Tensor,
    temperature: float,
    *,
    cold: Callable[[Tensor, Tensor], Tensor] = lambda s, v: v[s == s.max()].mean(dim=0),
    warm: Callable[[Tensor, float], Tensor] = lambda s, t: (s / t).softmax(dim=0),
) -> Tensor:
    """A lookup with another limit, or with other weights above it."""
    scores = keys @ query
    return cold(scores, values) if temperature == 0 else warm(scores, temperature) @ values


def _lookup_by_a_loop(query: Tensor, keys: Tensor, values: Tensor, temperature: float) -> Tensor:
    scores = [float((key * query).sum()) for key in keys]
    top = max(scores)
    if temperature == 0:
        kernel = [float(score == top) for score in scores]
    else:
        kernel = [math.exp((score - top) / temperature) for score in scores]
    blend = torch.zeros_like(values[0])
    for weight, value in zip(kernel, values, strict=True):
        blend = blend + weight / sum(kernel) * value
    return blend


def _lookup_with_a_mask(query: Tensor, keys: Tensor, values: Tensor, temperature: float) -> Tensor:
    scores = keys @ query
    scores = scores - scores.max()
    if temperature == 0:
        scores = torch.where(scores == 0, 0.0, -math.inf)
    return (scores / (temperature or 1)).softmax(dim=0) @ values


def _scores_over(query: Tensor, keys: Tensor, temperature: float) -> Tensor:
    """Scores divided by the temperature, whatever comes of it."""
    return keys @ query / temperature


_EXACT = (torch.eye(3)[1], torch.eye(3), torch.tensor([[1.0, 0.0], [0.0, 2.0], [5.0, 5.0]]))
_TIED = (
    torch.tensor([1.0, 2.0]),
    torch.tensor([[2.0, 0.0], [0.0, 1.0], [1.0, 0.0], [4.0, -1.0]]),
    torch.tensor([[1.0], [3.0], [50.0], [8.0]]),
)

_CLOSE = (torch.tensor([1.0]), torch.tensor([[2e-8], [7e-8]]), torch.tensor([[10.0], [20.0]]))

_NEARLY_ZERO = (
    "A small temperature is not 0: two keys that fit almost equally still share the weight. At 0, "
    "take the best outright."
)


def _explain_lookup(args: Any, expected: Any, got: Any) -> str | None:
    """Two keys that almost tie tell a tiny temperature from none, however tiny it was."""
    _, keys, _, temperature = args
    return _NEARLY_ZERO if temperature == 0 and torch.equal(keys, _CLOSE[1]) else None


SOFT_DICTIONARY = Exercise(
    id="3.6",
    title="A soft dictionary",
    minutes=8,
    stars=3,
    reference=soft_lookup,
    probes=[
        (torch.tensor([2.0]), torch.tensor([[1.0], [0.5]]), torch.tensor([[10.0], [20.0]]), 0.5),
        (*_EXACT, 1.0),
        (*_EXACT, 0.0),
        (*_TIED, 0.0),
        (*_CLOSE, 0.0),
        (uniform(4, seed=31), uniform(6, 4, seed=32), uniform(6, 3, seed=33), 2.5),
        (uniform(3, seed=34), uniform(5, 3, seed=35), uniform(5, 2, seed=36), 0.001),
    ],
    mistakes={
        "At temperature 0 you divide by zero: treat it before the division, and return the value "
        "of the key that fits best.": lambda q, k, v, t: _scores_over(q, k, t).softmax(0) @ v,
        "Where several keys fit equally well at temperature 0, you return the value of the first: "
        "the limit shares the weight among them, so return their mean.": partial(
            _lookup, cold=lambda s, v: v[s.argmax()]
        ),
        "Where several keys fit equally well at temperature 0, you add their values up: return "
        "their mean.": partial(_lookup, cold=lambda s, v: v[s == s.max()].sum(0)),
        "Where temperature is 0, values[best] is a row for each key that fits best: take their "
        "mean over the keys, `.mean(dim=0)`.": partial(_lookup, cold=lambda s, v: v[s == s.max()]),
        "At temperature 0 your mean runs over the numbers of a value as well: mean over the keys, "
        "`.mean(dim=0)`.": partial(_lookup, cold=lambda s, v: v[s == s.max()].mean()),
        _NEARLY_ZERO: lambda q, k, v, t: _scores_over(q, k, max(t, 1e-6)).softmax(0) @ v,
        "At temperature 0 you average everything: that is the other end, an infinite temperature. "
        "At 0 only the best key counts.": partial(_lookup, cold=lambda s, v: v.mean(0)),
        "You leave temperature 0 unscaled, which is temperature 1: at 0 only the best key "
        "counts.": partial(_lookup, cold=lambda s, v: s.softmax(0) @ v),
        "You added a small number to the temperature so as not to divide by 0, and now every other "
        "temperature is off as well: give 0 a case of its own.": lambda q, k, v, t: (
            (_scores_over(q, k, t + 0.1)).softmax(0) @ v
        ),
        "You multiplied by the temperature: divide by it, so that a high temperature makes the "
        "weights equal.": partial(_lookup, warm=lambda s, t: (s * t).softmax(0)),
        "You divided by the temperature squared: the temperature is the square already, "
        "T = h².": partial(_lookup, warm=lambda s, t: (s / t**2).softmax(0)),
        "The temperature does nothing but at 0: divide the scores by it.": partial(
            _lookup, warm=lambda s, t: s.softmax(0)
        ),
        "You divided by √d as well: here the temperature is the whole scale.": lambda q, k, v, t: (
            _lookup(q, k, v, t * math.sqrt(len(q)))
        ),
        "A small temperature makes the scores large, and your exponential overflows: use a softmax "
        "that subtracts the largest score.": partial(
            _lookup, warm=lambda s, t: (s / t).exp() / (s / t).exp().sum()
        ),
        "You always take the best key: that is temperature 0. Above it, blend the values by "
        "softmax.": lambda q, k, v, t: _lookup(q, k, v, 0.0),
        "You blended the keys: look up by the keys, and return values.": lambda q, k, v, t: _lookup(
            q, k, k, t
        ),
    },
    alternatives={
        "softmax or argmax with ties": _lookup,
        "a loop": _lookup_by_a_loop,
        "a mask": _lookup_with_a_mask,
        "float64": lambda q, k, v, t: soft_lookup(q.double(), k.double(), v.double(), t),
    },
    explain=_explain_lookup,
)
