"""Exercise 3.4: the size of a score."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.course.exercises.steps import Steps, at_one_step, at_two_steps

Pair = tuple[Tensor, Tensor]


def score_variances(queries: Tensor, keys: Tensor) -> Pair:
    """Variance of the N dot products query · key, and of the same divided by √d."""
    scores = (queries * keys).sum(dim=-1)  # (N,)
    scaled = scores / math.sqrt(queries.shape[-1])
    return scores.var(correction=0), scaled.var(correction=0)


def _root_d(scores: Tensor, queries: Tensor) -> Tensor:
    return scores / math.sqrt(queries.shape[-1])


def _both(measure: Callable[[Tensor], Any]) -> Callable[[Tensor, Tensor], Any]:
    return lambda scores, scaled: (measure(scores), measure(scaled))


def _variance(values: Tensor) -> Tensor:
    return values.var(correction=0)


def _both_variances(scores: Tensor, scaled: Tensor) -> Pair:
    return _variance(scores), _variance(scaled)


def _variances(
    queries: Tensor,
    keys: Tensor,
    *,
    score: Callable[[Tensor, Tensor], Tensor] = lambda q, k: (q * k).sum(dim=-1),
    scale: Callable[[Tensor, Tensor], Tensor] = _root_d,
    measure: Callable[[Tensor, Tensor], Any] = _both_variances,
    give: Callable[[Any], Any] = lambda both: both,
) -> Any:
    """The two variances with a bend where a wrong turn wants one."""
    scores = score(queries, keys)
    return give(measure(scores, scale(scores, queries)))


_STEPS: Steps = {
    "score": {
        "You scored every query against every key: here query i meets key i alone, so multiply "
        "number by number and sum each row.": lambda q, k: q @ k.T,
        "You measured the products before they were summed: a score is the sum of a row's d "
        "products.": lambda q, k: q * k,
        "You averaged the products of a row: a dot product is their sum.": lambda q, k: (
            q * k
        ).mean(dim=-1),
        "You summed down the columns: a dot product sums along the d numbers of one pair, "
        "dim=-1.": lambda q, k: (q * k).sum(dim=0),
        "You compared by distance, as in exercise 3.1: the score is the dot product, the sum of "
        "the products.": lambda q, k: (q - k).square().sum(dim=-1),
        "You divided by the lengths of query and key, which makes a cosine: the score is the dot "
        "product as it is.": lambda q, k: torch.cosine_similarity(q, k, dim=-1),
    },
    "scale": {
        "Your second variance has no scale: divide the scores by √d first.": lambda s, q: s,
        "You divided the scores by d: that makes the variance 1/d, as too small as it was too "
        "large. Divide by √d (once, if you scaled queries and keys).": lambda s, q: s / q.shape[-1],
        "You divided by √N, the number of pairs: the scale is √d, the number of terms in one dot "
        "product.": lambda s, q: s / math.sqrt(len(q)),
        "You divided by N, the number of pairs: the scale is √d, the root of the number of terms "
        "in one dot product.": lambda s, q: s / len(q),
        "You multiplied by √d: divide by it.": lambda s, q: s * math.sqrt(q.shape[-1]),
        "You divided by d²: divide by its root, √d.": lambda s, q: s / q.shape[-1] ** 2,
        "You divided the scores by their own spread, so that the variance is 1 whatever it was: "
        "divide by √d, and see what it becomes.": lambda s, q: s / s.std(correction=0),
    },
    "measure": {
        "You returned the standard deviation: the variance is its square.": _both(
            lambda s: s.std(correction=0)
        ),
        "You divided by N − 1, as torch's var does unless told otherwise: pass correction=0.": (
            _both(lambda s: s.var())
        ),
        "You averaged the squares without subtracting the mean: that is the variance only where "
        "the mean is 0.": _both(lambda s: s.square().mean()),
        "You returned the sum of the squared differences: the variance is their mean.": _both(
            lambda s: (s - s.mean()).square().sum()
        ),
        "You averaged the distances from the mean: square them first.": _both(
            lambda s: (s - s.mean()).abs().mean()
        ),
        "The first variance divides by N, the second by N − 1: pass correction=0 to both.": (
            lambda s, scaled: (_variance(s), scaled.var())
        ),
        "The first variance divides by N − 1, the second by N: pass correction=0 to both.": (
            lambda s, scaled: (s.var(), _variance(scaled))
        ),
        "You returned the scores themselves: return the variance of them.": lambda s, scaled: (
            s,
            scaled,
        ),
        "You returned the means: the variance is the mean squared difference from the mean.": (
            _both(lambda s: s.mean())
        ),
    },
    "give": {
        "The two are in the wrong order: the variance of the scores first, then the one after the "
        "scale.": lambda both: both[::-1],
        "You returned the second variance alone: return both, as a pair.": lambda both: both[1],
        "You returned the first variance alone: return both, as a pair.": lambda both: both[0],
    },
}


def _variance_over_root(q: Tensor, k: Tensor) -> Pair:
    first, _ = score_variances(q, k)
    return first, first / math.sqrt(q.shape[-1])


def _by_a_loop(queries: Tensor, keys: Tensor) -> tuple[float, float]:
    scores = [
        sum(a * b for a, b in zip(q, k, strict=True))
        for q, k in zip(queries.tolist(), keys.tolist(), strict=True)
    ]
    mean = sum(scores) / len(scores)
    variance = sum((score - mean) ** 2 for score in scores) / len(scores)
    return variance, variance / queries.shape[1]


def _explain(args: tuple[Tensor, Tensor], expected: Pair, got: Any) -> str | None:
    first, second = (float(each) for each in got)
    if math.isclose(first, float(expected[0]), rel_tol=1e-4):
        return (
            f"The first variance is right. The second should be 1/d of it, 1/{args[0].shape[-1]}: "
            "a variance goes with the square of the scale."
        )
    if math.isclose(second, float(expected[1]), rel_tol=1e-4):
        return "The second variance is right, and the first is not."
    if math.isclose(first, second * args[0].shape[-1], rel_tol=1e-4):
        return (
            "The scale is right, since one variance is d times the other; but they are not the "
            "variances of the scores: look at the score, and at how you measure."
        )
    return None


SCORE_VARIANCES = Exercise(
    id="3.4",
    title="The size of a score",
    minutes=5,
    stars=2,
    reference=score_variances,
    probes=[
        (
            torch.tensor([[1.0, 2.5, -1.0], [3.0, 0.5, 0.2]]),
            torch.tensor([[1.0, 1.0, 0.4], [-1.0, 2.0, 3.0]]),
        ),
        (torch.tensor([[1.0, 2.0], [3.0, 0.0]]), torch.tensor([[1.0, 1.0], [-1.0, 2.0]])),
        (uniform(4, 5, seed=11), uniform(4, 5, seed=12)),
        (uniform(50, 9, seed=13), uniform(50, 9, seed=14)),
        (uniform(7, 1, seed=15), uniform(7, 1, seed=16)),
    ],
    mistakes=at_one_step(_variances, _STEPS)
    | {
        "You divided the variance by √d: divide the scores. A variance goes with the square of "
        "the scale.": _variance_over_root,
        "torch.dot takes two single vectors, and here are N pairs of them: multiply number by "
        "number, queries * keys, and sum each row.": lambda q, k: _variances(q, k, score=torch.dot),
    },
    together=at_two_steps(_variances, _STEPS),
    alternatives={
        "the mean of squared differences": lambda q, k: _variances(
            q, k, measure=_both(lambda s: (s - s.mean()).square().mean())
        ),
        "one variance, divided by d": lambda q, k: (
            score_variances(q, k)[0],
            score_variances(q, k)[0] / q.shape[-1],
        ),
        "einsum": lambda q, k: _variances(q, k, score=lambda q, k: torch.einsum("nd,nd->n", q, k)),
        "a loop": _by_a_loop,
        "numpy": lambda q, k: (
            np.var((q * k).sum(1).numpy()),
            np.var((q * k).sum(1).numpy() / np.sqrt(q.shape[1])),
        ),
        "float64": lambda q, k: score_variances(q.double(), k.double()),
    },
    parts=("variance of the scores", "variance after the scale"),
    explain=_explain,
)
