"""The middle exercises of chapter 03: the size of a score, attention for one query."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.llm.attention.heads import attention_for_one_query

# 3.4 · the size of a score


def score_variances(queries: Tensor, keys: Tensor) -> tuple[Tensor, Tensor]:
    """Variance of the N dot products query · key, and of the same divided by √d."""
    scores = (queries * keys).sum(dim=-1)  # (N,)
    scaled = scores / math.sqrt(queries.shape[-1])
    return scores.var(correction=0), scaled.var(correction=0)


def _variances_with(
    scale: Callable[[Tensor, Tensor], Any],
    score: Callable[[Tensor, Tensor], Tensor] = lambda q, k: (q * k).sum(-1),
) -> Callable[..., tuple[Tensor, Tensor]]:
    """Another scale, a function of scores and queries, or another score."""

    def variances(queries: Tensor, keys: Tensor) -> tuple[Tensor, Tensor]:
        scores = score(queries, keys)
        return scores.var(correction=0), scale(scores, queries).var(correction=0)

    return variances


def _root_d(scores: Tensor, queries: Tensor) -> Tensor:
    return scores / math.sqrt(queries.shape[-1])


def _variances_by_a_loop(queries: Tensor, keys: Tensor) -> tuple[float, float]:
    scores = [
        sum(a * b for a, b in zip(q, k, strict=True))
        for q, k in zip(queries.tolist(), keys.tolist(), strict=True)
    ]
    mean = sum(scores) / len(scores)
    variance = sum((score - mean) ** 2 for score in scores) / len(scores)
    return variance, variance / queries.shape[1]


def _both(measure: Callable[[Tensor], Tensor]) -> Callable[..., tuple[Tensor, Tensor]]:
    """The sound scores, measured in another way."""

    def measured(queries: Tensor, keys: Tensor) -> tuple[Tensor, Tensor]:
        scores = (queries * keys).sum(dim=-1)
        return measure(scores), measure(_root_d(scores, queries))

    return measured


SCORE_VARIANCES = Exercise(
    id="3.4",
    title="The size of a score",
    minutes=6,
    stars=2,
    reference=score_variances,
    probes=[
        (torch.tensor([[1.0, 2.0], [3.0, 0.0]]), torch.tensor([[1.0, 1.0], [-1.0, 2.0]])),
        (uniform(4, 5, seed=11), uniform(4, 5, seed=12)),
        (uniform(50, 9, seed=13), uniform(50, 9, seed=14)),
        (uniform(7, 1, seed=15), uniform(7, 1, seed=16)),
    ],
    mistakes={
        "Your second variance has no scale: divide the scores by √d first.": _variances_with(
            lambda s, q: s
        ),
        "You divided the scores by d: that makes the variance 1/d, as too small as it was too "
        "large. Divide by √d.": _variances_with(lambda s, q: s / q.shape[-1]),
        "You divided by √N, the number of pairs: the scale is √d, the number of terms in one dot "
        "product.": _variances_with(lambda s, q: s / math.sqrt(len(q))),
        "You multiplied by √d: divide by it.": _variances_with(
            lambda s, q: s * math.sqrt(q.shape[-1])
        ),
        "You divided the variance by √d: divide the scores. A variance goes with the square of "
        "the scale.": lambda q, k: (
            score_variances(q, k)[0],
            score_variances(q, k)[0] / math.sqrt(q.shape[-1]),
        ),
        "You scored every query against every key: here query i meets key i alone, so multiply "
        "number by number and sum each row.": _variances_with(_root_d, lambda q, k: q @ k.T),
        "You measured the products before they were summed: a score is the sum of a row's d "
        "products.": _variances_with(_root_d, lambda q, k: q * k),
        "You averaged the products of a row: a dot product is their sum.": _variances_with(
            _root_d, lambda q, k: (q * k).mean(-1)
        ),
        "You summed down the columns: a dot product sums along the d numbers of one pair, "
        "dim=-1.": _variances_with(_root_d, lambda q, k: (q * k).sum(0)),
        "You returned the standard deviation: the variance is its square.": _both(
            lambda s: s.std(correction=0)
        ),
        "You divided by N − 1, as torch's var does unless told otherwise: pass correction=0.": (
            _both(lambda s: s.var())
        ),
        "You averaged the squares without subtracting the mean: that is the variance only where "
        "the mean is 0.": _both(lambda s: s.square().mean()),
    },
    alternatives={
        "the mean of squared differences": _both(lambda s: (s - s.mean()).square().mean()),
        "one variance, divided by d": lambda q, k: (
            score_variances(q, k)[0],
            score_variances(q, k)[0] / q.shape[-1],
        ),
        "einsum": _variances_with(_root_d, lambda q, k: torch.einsum("nd,nd->n", q, k)),
        "a loop": _variances_by_a_loop,
        "numpy": lambda q, k: (
            np.var((q * k).sum(1).numpy()),
            np.var((q * k).sum(1).numpy() / np.sqrt(q.shape[1])),
        ),
        "float64": lambda q, k: score_variances(q.double(), k.double()),
    },
    parts=("variance of the scores", "variance after the scale"),
)


# 3.5 · attention for one query


def _one_query(
    query: Tensor,
    keys: Tensor,
    values: Tensor,
    *,
    scale: Callable[[Tensor, Tensor], float] = lambda keys, values: math.sqrt(keys.shape[1]),
    weigh: Callable[[Tensor], Tensor] = lambda scores: scores.softmax(dim=0),
) -> tuple[Tensor, Tensor]:
    """Attention with another scale, a function of keys and values, or another softmax."""
    weights = weigh(keys @ query / scale(keys, values))
    return weights @ values, weights


def _naive_softmax(scores: Tensor) -> Tensor:
    return scores.exp() / scores.exp().sum()


def _best_only(scores: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(scores.argmax(), len(scores)).float()


def _scaled_too_late(query: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    weights = (keys @ query).softmax(dim=0) / math.sqrt(len(query))
    return weights @ values, weights


def _keys_for_values(query: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    weights = _one_query(query, keys, values)[1]
    return weights @ keys, weights


def _query_meets_values(query: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    weights = (values @ query / math.sqrt(len(query))).softmax(dim=0)
    return weights @ values, weights


def _by_distance(query: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    weights = (-(keys - query).square().sum(dim=1) / 2).softmax(dim=0)
    return weights @ values, weights


def _each_feature(query: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    weights = (keys * query / math.sqrt(len(query))).softmax(dim=1).sum(dim=1)
    return weights @ values, weights


def _query_times_keys(query: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    weights = (query @ keys / math.sqrt(len(query))).softmax(dim=0)
    return weights @ values, weights


def _not_summed(query: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    weights = (keys * query / math.sqrt(len(query))).softmax(dim=-1)
    return weights @ values, weights


def _scores_returned(query: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    return _one_query(query, keys, values)[0], keys @ query / math.sqrt(len(query))


def _one_query_by_loops(query: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
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


def _one_query_in_numpy(query: Tensor, keys: Tensor, values: Tensor) -> tuple[Any, Any]:
    scores = keys.numpy() @ query.numpy() / np.sqrt(keys.shape[1])
    kernel = np.exp(scores - scores.max())
    return kernel / kernel.sum() @ values.numpy(), kernel / kernel.sum()


def _explain_one_query(args: Any, expected: Any, got: Any) -> str | None:
    """Look at the weights before the output: they are computed first."""
    _, weights = got
    wanted = expected[1]
    if weights.shape != wanted.shape:
        return None
    if torch.allclose(weights.float(), wanted, rtol=1e-4, atol=1e-6):
        return "The weights are right, and the output is not: it is weights times values, summed."
    if abs(float(weights.sum()) - 1) > 1e-3:
        return f"Your weights sum to {float(weights.sum()):.4g}, and must sum to 1."
    return "The weights sum to 1, but differ: look at the scores, their scale, and the softmax."


ONE_QUERY = Exercise(
    id="3.5",
    title="Attention for one query",
    minutes=8,
    stars=2,
    reference=attention_for_one_query,
    probes=[
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
    mistakes={
        "There is no scale: divide the scores by √d before the softmax.": partial(
            _one_query, scale=lambda k, v: 1.0
        ),
        "You divided the scores by d: divide by √d.": partial(
            _one_query, scale=lambda k, v: k.shape[1]
        ),
        "You divided by √T, the number of keys: the scale is √d, the length of a key.": partial(
            _one_query, scale=lambda k, v: math.sqrt(len(k))
        ),
        "You divided by the square root of the length of a value: take the length of a key.": (
            partial(_one_query, scale=lambda k, v: math.sqrt(v.shape[1]))
        ),
        "You multiplied the scores by √d: divide by it.": partial(
            _one_query, scale=lambda k, v: 1 / math.sqrt(k.shape[1])
        ),
        "You divided by √d after the softmax, so the weights no longer sum to 1: scale the "
        "scores.": _scaled_too_late,
        "Your scores are no weights yet: put them through a softmax.": partial(
            _one_query, weigh=lambda s: s
        ),
        "You divided the scores by their sum, which can even be negative: take the exponential "
        "first, as softmax does.": partial(_one_query, weigh=lambda s: s / s.sum()),
        "Your weights are exponentials that are not normalised: divide by their sum.": partial(
            _one_query, weigh=torch.exp
        ),
        "Large scores overflow and leave NaN (not a number): use a softmax that subtracts the "
        "largest score first, as in exercise 3.3.": partial(_one_query, weigh=_naive_softmax),
        "You took the best key alone: every value comes in, by its weight.": partial(
            _one_query, weigh=_best_only
        ),
        "You averaged the keys: the keys only make the weights, the values are averaged.": (
            _keys_for_values
        ),
        "You compared the query with the values: compare it with the keys.": _query_meets_values,
        "Your scores are distances, as in exercise 3.1: attention takes the dot product of query "
        "and key, divided by √d.": _by_distance,
        "Your softmax runs over the d numbers of each key: sum the products first, one score a "
        "key, then softmax over the keys.": _each_feature,
        "query @ keys sums over the keys: (T, D) times (D,), keys @ query, gives a score for each "
        "key.": _query_times_keys,
        "keys * query is not summed yet: a score is the sum of a key's D products, and "
        "keys @ query sums them.": _not_summed,
        "In second place stand the scores; softmax makes weights of them: return those.": (
            _scores_returned
        ),
        "The two results are in the wrong order: the output first, then the weights.": (
            lambda q, k, v: _one_query(q, k, v)[::-1]
        ),
        "You returned only the output: return the weights too, in second place.": (
            lambda q, k, v: _one_query(q, k, v)[0]
        ),
    },
    alternatives={
        "matmul and softmax": _one_query,
        "einsum": lambda q, k, v: (
            torch.einsum("t,tc->c", _one_query(q, k, v)[1], v),
            torch.einsum("td,d->t", k, q).div(q.numel() ** 0.5).softmax(0),
        ),
        "loops": _one_query_by_loops,
        "numpy": _one_query_in_numpy,
        "float64": lambda q, k, v: attention_for_one_query(q.double(), k.double(), v.double()),
        "torch's fused kernel": lambda q, k, v: (
            torch.nn.functional.scaled_dot_product_attention(q[None, None], k[None], v[None])[0, 0],
            _one_query(q, k, v)[1],
        ),
    },
    explain=_explain_one_query,
)
