"""Exercise 3.5: attention for one query."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_03.weights import fall_of
from utils.course.exercises.probing import uniform
from utils.course.exercises.steps import Steps, at_one_step, at_two_steps
from utils.llm.attention.heads import attention_for_one_query

Pair = tuple[Tensor, Tensor]


def _one_query(
    query: Tensor,
    keys: Tensor,
    values: Tensor,
    *,
    score: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda q, keys, values: keys @ q,
    scale: Callable[[Tensor, Tensor, Tensor], Tensor] = (
        lambda scores, keys, values: scores / math.sqrt(keys.shape[1])
    ),
    weigh: Callable[[Tensor], Tensor] = lambda scores: scores.softmax(dim=0),
    average: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda w, keys, values: w @ values,
    give: Callable[[Tensor, Tensor, Tensor], Any] = lambda out, weights, scores: (out, weights),
) -> Any:
    """Attention for one query with a bend where a wrong turn wants one."""
    scores = scale(score(query, keys, values), keys, values)
    weights = weigh(scores)
    return give(average(weights, keys, values), weights, scores)


def _naive_softmax(scores: Tensor) -> Tensor:
    return scores.exp() / scores.exp().sum()


def _best_only(scores: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(scores.argmax(), len(scores)).float()


_BY_DISTANCE = (
    "Your scores are distances, as in exercise 3.1: attention takes the dot product of query and "
    "key, divided by √d."
)
_STEPS: Steps = {
    "score": {
        "You compared the query with the values: compare it with the keys.": (
            lambda q, keys, values: values @ q
        ),
        "query @ keys sums over the keys: (T, D) times (D,), keys @ query, gives a score for each "
        "key.": lambda q, keys, values: q @ keys,
        _BY_DISTANCE: lambda q, keys, values: -(keys - q).square().sum(dim=1) / 2,
        "You divided the dot products by the lengths of query and key, which makes cosines: the "
        "score is the dot product, divided by √d.": lambda q, keys, values: torch.cosine_similarity(
            keys, q[None], dim=1
        ),
        "You added up each key's numbers, and the query has no say: a score is the dot product "
        "keys @ query.": lambda q, keys, values: keys.sum(dim=1),
        "You averaged the D products of a key: a dot product is their sum.": (
            lambda q, keys, values: (keys * q).mean(dim=1)
        ),
        "The sign of your scores is turned: the key that fits best gets the least weight.": (
            lambda q, keys, values: -keys @ q
        ),
    },
    "scale": {
        "There is no scale: divide the scores by √d before the softmax.": lambda s, k, v: s,
        "You divided the scores by d: divide by √d.": lambda s, k, v: s / k.shape[1],
        "You divided the scores by d²: divide by √d.": lambda s, k, v: s / k.shape[1] ** 2,
        "You divided by √T, the number of keys: the scale is √d, the length of a key.": (
            lambda s, k, v: s / math.sqrt(len(k))
        ),
        "You divided by T, the number of keys: the scale is √d, the root of the length of a key.": (
            lambda s, k, v: s / len(k)
        ),
        "You divided by the square root of the length of a value: take the length of a key.": (
            lambda s, k, v: s / math.sqrt(v.shape[1])
        ),
        "You multiplied the scores by √d: divide by it.": lambda s, k, v: s * math.sqrt(k.shape[1]),
    },
    "weigh": {
        "Your scores are no weights yet: put them through a softmax.": lambda s: s,
        "You divided the scores by their sum, which can even be negative: take the exponential "
        "first, as softmax does.": lambda s: s / s.sum(),
        "Your weights are exponentials that are not normalised: divide by their sum.": torch.exp,
        "Large scores overflow and leave NaN (not a number): use a softmax that subtracts the "
        "largest score first, as in exercise 3.3.": _naive_softmax,
        "You took the best key alone: every value comes in, by its weight.": _best_only,
        "You took the sigmoid of each score, on its own: a softmax makes weights that sum to 1.": (
            torch.sigmoid
        ),
        "Two softmaxes, one on top of the other: the first makes the weights.": (
            lambda s: s.softmax(dim=0).softmax(dim=0)
        ),
    },
    "average": {
        "You averaged the keys: the keys only make the weights, the values are averaged.": (
            lambda w, keys, values: w @ keys
        ),
        "You averaged the values without the weights: the output is weights @ values.": (
            lambda w, keys, values: values.mean(dim=0)
        ),
        "You summed the values without the weights: the output is weights @ values.": (
            lambda w, keys, values: values.sum(dim=0)
        ),
        "You divided the sum of weight · value by the number of keys: the weights sum to 1, so "
        "the sum is the average already.": lambda w, keys, values: (w[:, None] * values).mean(
            dim=0
        ),
        "weights * values spreads the T weights over the numbers of a value, not over the values: "
        "weights @ values gives each value its own.": lambda w, keys, values: (w * values).sum(
            dim=0
        ),
        "The values are weighted, but not yet summed over the keys: weights @ values does both.": (
            lambda w, keys, values: w[:, None] * values
        ),
        "You took the values of the best key alone: the output is weights @ values.": (
            lambda w, keys, values: values[w.argmax()]
        ),
    },
    "give": {
        "In second place stand the scores; softmax makes weights of them: return those.": (
            lambda out, weights, scores: (out, scores)
        ),
        "The two results are in the wrong order: the output first, then the weights.": (
            lambda out, weights, scores: (weights, out)
        ),
        "You returned only the output: return the weights too, in second place.": (
            lambda out, weights, scores: out
        ),
        "You returned only the weights: return the output before them.": (
            lambda out, weights, scores: weights
        ),
    },
}


def _scaled_too_late(query: Tensor, keys: Tensor, values: Tensor) -> Pair:
    weights = (keys @ query).softmax(dim=0) / math.sqrt(len(query))
    return weights @ values, weights


def _output_scaled(query: Tensor, keys: Tensor, values: Tensor) -> Pair:
    weights = (keys @ query).softmax(dim=0)
    return weights @ values / math.sqrt(len(query)), weights


def _each_feature(query: Tensor, keys: Tensor, values: Tensor) -> Pair:
    weights = (keys * query / math.sqrt(len(query))).softmax(dim=1).sum(dim=1)
    return weights @ values, weights


def _not_summed(query: Tensor, keys: Tensor, values: Tensor) -> Pair:
    weights = (keys * query / math.sqrt(len(query))).softmax(dim=-1)
    return weights @ values, weights


def _by_loops(query: Tensor, keys: Tensor, values: Tensor) -> Pair:
    q = query.double().tolist()
    scores = [sum(a * b for a, b in zip(q, key, strict=True)) for key in keys.tolist()]
    scores = [score / len(q) ** 0.5 for score in scores]
    kernel = [math.exp(score - max(scores)) for score in scores]
    weights = [value / sum(kernel) for value in kernel]
    output = [
        sum(w * value for w, value in zip(weights, column, strict=True))
        for column in values.T.tolist()
    ]
    return torch.tensor(output), torch.tensor(weights)


def _in_numpy(query: Tensor, keys: Tensor, values: Tensor) -> tuple[Any, Any]:
    scores = keys.numpy() @ query.numpy() / np.sqrt(keys.shape[1])
    kernel = np.exp(scores - scores.max())
    return kernel / kernel.sum() @ values.numpy(), kernel / kernel.sum()


def _explain(args: tuple[Tensor, Tensor, Tensor], expected: Pair, got: Any) -> str | None:
    """Look at the weights before the output: they are computed first."""
    query, keys, _ = args
    weights = torch.as_tensor(got[1]).float()
    if len(keys) > 1 and torch.allclose(weights, expected[1], rtol=1e-4, atol=1e-6):
        return "The weights are right, and the output is not: it is weights @ values."
    total = float(weights.sum())
    if abs(total - 1) > 1e-3:
        return f"Your weights sum to {total:.4g}, and must sum to 1: the last step is a softmax."
    by_distance = fall_of(weights, (keys - query).square().sum(dim=1))
    if by_distance is not None and by_distance < 0:
        return _BY_DISTANCE
    factor = fall_of(weights, keys @ query)
    if factor is not None:
        return (
            f"Your weights are a softmax of {factor:.3g} · (key · query). The factor should be "
            f"1 / √d, here {1 / math.sqrt(len(query)):.3g}."
        )
    return "The weights sum to 1, but differ: look at the scores, keys @ query / √d."


ONE_QUERY = Exercise(
    id="3.5",
    title="Attention for one query",
    minutes=5,
    stars=2,
    reference=attention_for_one_query,
    probes=[
        (
            torch.tensor([1.5, -1.0]),
            torch.tensor([[0.5, 1.0], [2.0, 0.3], [-0.4, -1.2]]),
            torch.tensor([[3.0, 1.0, -2.0, 0.5], [0.5, -4.0, 2.0, 1.5], [6.0, 2.5, 1.0, -3.0]]),
        ),
        (torch.tensor([2.0, -1.0]), torch.tensor([[0.5, 1.0]]), torch.tensor([[3.0, 1.0, -2.0]])),
        (
            torch.tensor([2.0, 0.0, 0.0, 0.0]),
            torch.tensor([[1.0, 0.0, 0.0, 5.0], [0.0, 3.0, 1.0, 0.0]]),
            torch.tensor([[10.0, 0.0], [0.0, 10.0]]),
        ),
        (uniform(3, seed=21), uniform(5, 3, seed=22), uniform(5, 3, seed=23)),
        (uniform(4, seed=24), uniform(7, 4, seed=25), uniform(7, 2, seed=26)),
        (uniform(3, seed=37), uniform(3, 3, seed=38), uniform(3, 4, seed=39)),  # as many as wide
        (400 * uniform(6, seed=30), uniform(3, 6, seed=28), uniform(3, 5, seed=29)),
    ],
    mistakes=at_one_step(_one_query, _STEPS)
    | {
        "You divided by √d after the softmax, so the weights no longer sum to 1: scale the "
        "scores.": _scaled_too_late,
        "You divided the output by √d: what is scaled are the scores, before the softmax.": (
            _output_scaled
        ),
        "Your softmax runs over the d numbers of each key: sum the products first, one score a "
        "key, then softmax over the keys.": _each_feature,
        "keys * query is not summed yet: a score is the sum of a key's D products, and "
        "keys @ query sums them.": _not_summed,
    },
    together=at_two_steps(_one_query, _STEPS),
    alternatives={
        "matmul and softmax": _one_query,
        "einsum": lambda q, k, v: (
            torch.einsum("t,tc->c", _one_query(q, k, v)[1], v),
            torch.einsum("td,d->t", k, q).div(q.numel() ** 0.5).softmax(0),
        ),
        "loops": _by_loops,
        "numpy": _in_numpy,
        "float64": lambda q, k, v: attention_for_one_query(q.double(), k.double(), v.double()),
        "torch's fused kernel": lambda q, k, v: (
            torch.nn.functional.scaled_dot_product_attention(q[None, None], k[None], v[None])[0, 0],
            _one_query(q, k, v)[1],
        ),
    },
    explain=_explain,
)
