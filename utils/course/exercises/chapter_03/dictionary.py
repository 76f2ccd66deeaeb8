"""Exercise 3.6: a dictionary that answers with a blend."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.course.exercises.steps import Steps, at_one_step, at_two_steps


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
    score: Callable[[Tensor, Tensor], Tensor] = lambda query, keys: keys @ query,
    cold: Callable[[Tensor, Tensor], Tensor] = lambda s, v: v[s == s.max()].mean(dim=0),
    warm: Callable[[Tensor, float], Tensor] = lambda s, t: (s / t).softmax(dim=0),
) -> Tensor:
    """A lookup with other scores, another limit, or other weights above it."""
    scores = score(query, keys)
    return cold(scores, values) if temperature == 0 else warm(scores, temperature) @ values


def _best_alone(scores: Tensor) -> Tensor:
    return (scores == scores.max()) / (scores == scores.max()).sum()


_STEPS: Steps = {
    "score": {
        "You divided by √d as well: here the temperature is the whole scale.": lambda q, k: (
            k @ q / math.sqrt(len(q))
        ),
        "You compared by distance: here the score is the dot product, keys @ query.": (
            lambda q, k: -(k - q).square().sum(dim=1)
        ),
        "You divided the dot products by the lengths of the vectors, which makes cosines: the "
        "score is the dot product as it is.": lambda q, k: torch.cosine_similarity(k, q[None]),
        "query @ keys sums over the keys: (N, D) times (D,), keys @ query, gives a score for each "
        "key.": lambda q, k: q @ k,
    },
    "cold": {
        "Where several keys fit equally well at temperature 0, you return the value of the first: "
        "the limit shares the weight among them, so return their mean.": lambda s, v: v[s.argmax()],
        "Where several keys fit equally well at temperature 0, you return the value of the last: "
        "the limit shares the weight among them, so return their mean.": lambda s, v: v[
            s == s.max()
        ][-1],
        "Where several keys fit equally well at temperature 0, you add their values up: return "
        "their mean.": lambda s, v: v[s == s.max()].sum(dim=0),
        "Where several keys fit equally well at temperature 0, you take the mean of the first two: "
        "there may be more.": lambda s, v: v[s == s.max()][:2].mean(dim=0),
        "Where temperature is 0, values[best] is a row for each key that fits best: take their "
        "mean over the keys, `.mean(dim=0)`.": lambda s, v: v[s == s.max()],
        "At temperature 0 your mean runs over the numbers of a value as well: mean over the keys, "
        "`.mean(dim=0)`.": lambda s, v: v[s == s.max()].mean(),
        "At temperature 0 you average everything: that is the other end, an infinite temperature. "
        "At 0 only the best key counts.": lambda s, v: v.mean(dim=0),
        "You leave temperature 0 unscaled, which is temperature 1: at 0 the best key counts.": (
            lambda s, v: s.softmax(dim=0) @ v
        ),
        "At temperature 0 you take the largest value: it is the key that must fit best.": (
            lambda s, v: v.amax(dim=0)
        ),
        "At temperature 0 you take the key that fits least.": lambda s, v: v[s.argmin()],
        "At temperature 0 you return the weights, or a 1 for the best key: return values.": (
            lambda s, v: _best_alone(s)
        ),
        "At temperature 0 you return zeros: the best key's value is the answer there.": (
            lambda s, v: torch.zeros_like(v[0])
        ),
    },
    "warm": {
        "You multiplied by the temperature: divide by it, so that a high temperature makes the "
        "weights equal.": lambda s, t: (s * t).softmax(dim=0),
        "You divided by the temperature squared: the temperature is the square already, "
        "T = h².": lambda s, t: (s / t**2).softmax(dim=0),
        "You divided by the root of the temperature: divide by the temperature itself.": (
            lambda s, t: (s / math.sqrt(t)).softmax(dim=0)
        ),
        "You divided by twice the temperature: divide by the temperature itself.": (
            lambda s, t: (s / (2 * t)).softmax(dim=0)
        ),
        "The temperature does nothing but at 0: divide the scores by it.": lambda s, t: s.softmax(
            dim=0
        ),
        "You divided the weights by the temperature, after the softmax: divide the scores.": (
            lambda s, t: s.softmax(dim=0) / t
        ),
        "A small temperature makes the scores large, and your exponential overflows: use a softmax "
        "that subtracts the largest score.": lambda s, t: (s / t).exp() / (s / t).exp().sum(),
        "You take a temperature below a half for 0: only 0 itself is cold, below it blend by "
        "softmax.": lambda s, t: _best_alone(s) if t < 0.5 else (s / t).softmax(dim=0),
        "Above temperature 0 there is no softmax: scores are not weights.": lambda s, t: s / t,
        "Your exponentials are not normalised: divide them by their sum, or use softmax.": (
            lambda s, t: (s / t).exp()
        ),
    },
}


def _no_case_for_zero(q: Tensor, k: Tensor, v: Tensor, t: float) -> Tensor:
    return (k @ q / t).softmax(dim=0) @ v


def _no_case_for_zero_and_no_nan(q: Tensor, k: Tensor, v: Tensor, t: float) -> Tensor:
    """By a softmax such as the package's, which gives zeros for a row without a finite score."""
    scores = k @ q / t
    return scores.softmax(dim=0).masked_fill(~(scores > -math.inf).any(), 0.0) @ v


def _by_a_loop(query: Tensor, keys: Tensor, values: Tensor, temperature: float) -> Tensor:
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


def _with_a_mask(query: Tensor, keys: Tensor, values: Tensor, temperature: float) -> Tensor:
    scores = keys @ query
    scores = scores - scores.max()
    if temperature == 0:
        scores = torch.where(scores == 0, 0.0, -math.inf)
    return (scores / (temperature or 1)).softmax(dim=0) @ values


_VALUES = torch.tensor([[1.0, 0.0], [0.0, 2.0], [5.0, 5.0]])
_EXACT = (torch.eye(3)[1], torch.eye(3), _VALUES)
_TIED = (
    torch.tensor([1.0, 2.0]),
    torch.tensor([[2.0, 0.0], [0.0, 1.0], [1.0, 0.0], [4.0, -1.0]]),
    torch.tensor([[1.0], [3.0], [50.0], [8.0]]),
)
_CLOSE = (torch.tensor([1.0]), torch.tensor([[2e-12], [7e-12]]), torch.tensor([[10.0], [20.0]]))


_NEARLY_ZERO = (
    "At temperature 0 the best key counts alone, however little it is ahead; here another has a "
    "share. Treat 0 by itself, and compare scores with ==, without a tolerance."
)


def _explain(args: tuple[Any, ...], expected: Tensor, got: Any) -> str | None:
    query, keys, values, temperature = args
    result, scores = torch.as_tensor(got).float(), keys @ query
    inside = (result >= values.amin(dim=0) - 1e-4) & (result <= values.amax(dim=0) + 1e-4)
    if not inside.all():
        return (
            "A mean lies between the smallest and the largest value, and yours doesn't: weights "
            "are positive and sum to 1."
        )
    if temperature == 0 and len(scores) == 2 and scores[0] != scores[1]:
        return _NEARLY_ZERO
    if temperature == 0:
        return "At temperature 0 the answer is the mean of the values whose keys fit best."
    return "Above temperature 0 the weights are softmax(keys @ query / temperature)."


_SOFTENED = (
    "You added a small number to the temperature so as not to divide by 0, and now every other "
    "temperature is off as well: give 0 a case of its own."
)
SOFT_DICTIONARY = Exercise(
    id="3.6",
    title="A soft dictionary",
    minutes=6,
    stars=2,
    reference=soft_lookup,
    probes=[
        (torch.tensor([2.0]), torch.tensor([[1.0], [0.3]]), torch.tensor([[10.0], [20.0]]), 0.5),
        (torch.tensor([1.5, -0.5]), uniform(3, 2, seed=46), uniform(3, 3, seed=47), 0.3),
        (*_EXACT, 1.0),
        (*_EXACT, 0.0),
        (*_TIED, 0.0),
        (torch.tensor([1.0, 1.0]), torch.eye(4)[:, :2].round(), uniform(4, 3, seed=49), 0.0),
        (torch.tensor([-1.0]), torch.tensor([[2.0], [1.0], [1.0], [1.0]]), _TIED[2], 0.0),
        (*_CLOSE, 0.0),
        (uniform(4, seed=31), uniform(6, 4, seed=32), uniform(6, 3, seed=33), 2.5),
        (uniform(3, seed=34), uniform(5, 3, seed=35), uniform(5, 2, seed=36), 0.001),
        (torch.tensor([0.02]), uniform(5, 1, seed=50), uniform(5, 2, seed=51), 0.03),
    ],
    mistakes=at_one_step(_lookup, _STEPS)
    | {
        "At temperature 0 you divide by zero: treat it before the division, and return the value "
        "of the key that fits best.": _no_case_for_zero,
        "There is no case for temperature 0: scores divided by it are infinite, or NaN (not a "
        "number). Treat 0 before the division.": _no_case_for_zero_and_no_nan,
        _NEARLY_ZERO: lambda q, k, v, t: _no_case_for_zero(q, k, v, max(t, 1e-6)),
        _SOFTENED: lambda q, k, v, t: _no_case_for_zero(q, k, v, t + 0.1),
        "weights * values spreads the N weights over the numbers of a value, not over the values: "
        "weights @ values gives each value its own.": lambda q, k, v, t: (
            ((k @ q / t).softmax(dim=0) * v).sum(dim=0) if t else soft_lookup(q, k, v, 0.0)
        ),
        "You always take the best key: that is temperature 0. Above it, blend the values by "
        "softmax.": lambda q, k, v, t: soft_lookup(q, k, v, 0.0),
        "You blended the keys: look up by the keys, and return values.": lambda q, k, v, t: (
            soft_lookup(q, k, k, t)
        ),
        "You always blend at temperature 1: divide the scores by the temperature, and treat 0 as a "
        "case of its own.": lambda q, k, v, t: soft_lookup(q, k, v, 1.0),
        "At temperature 0 you return the key that fits best: return its value.": (
            lambda q, k, v, t: soft_lookup(q, k, v if t else k, t)
        ),
        "You returned the weights: the answer is the blend of the values, weights @ values.": (
            lambda q, k, v, t: soft_lookup(q, k, torch.eye(len(k)), t)
        ),
    },
    together=at_two_steps(_lookup, _STEPS),
    alternatives={
        "softmax or argmax with ties": _lookup,
        "a loop": _by_a_loop,
        "a mask": _with_a_mask,
        "float64": lambda q, k, v, t: soft_lookup(q.double(), k.double(), v.double(), t),
    },
    explain=_explain,
)
