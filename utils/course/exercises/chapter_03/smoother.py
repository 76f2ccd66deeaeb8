"""Exercise 3.2: the smoother of Nadaraya and Watson."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_03.weights import (
    EXPONENTS,
    NOT_SQUARED,
    by_a_loop,
    column,
    over_bandwidth,
    squared_distance,
)
from utils.course.exercises.probing import uniform
from utils.course.exercises.steps import Steps, at_one_step, at_two_steps
from utils.llm.attention import smoothing

Pair = tuple[Tensor, Tensor]


def smooth(queries: Tensor, keys: Tensor, values: Tensor, bandwidth: float) -> Pair:
    """Estimates (M, C) and weights (M, N) of the smoother."""
    weights = torch.stack([smoothing.kernel_weights(q, keys, bandwidth) for q in queries])
    return weights @ values, weights


def _by_rows(kernel: Tensor) -> Tensor:
    return kernel / kernel.sum(dim=1, keepdim=True)


def _smooth(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    bandwidth: float,
    *,
    distance: Callable[[Tensor], Tensor] = squared_distance,
    exponent: Callable[[Tensor, float], Tensor] = over_bandwidth,
    finish: Callable[[Tensor], Tensor] = _by_rows,
    average: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda w, values, keys: w @ values,
    give: Callable[[Tensor, Tensor], Any] = lambda estimates, weights: (estimates, weights),
) -> Any:
    """A smoother with a bend where a wrong turn wants one."""
    gap = queries[:, None] - keys  # (M, N, D)
    weights = finish(torch.exp(exponent(distance(gap), bandwidth)))
    return give(average(weights, values, keys), weights)


_STEPS: Steps = {
    "distance": {
        NOT_SQUARED: lambda gap: gap.norm(dim=-1),
        "You averaged the squared differences over the D numbers of a key: distance² is their "
        "sum.": lambda gap: gap.square().mean(dim=-1),
        "You summed the differences before you squared, so they cancel: square each of the D "
        "numbers first.": lambda gap: gap.sum(dim=-1) ** 2,
    },
    "exponent": EXPONENTS,
    "finish": {
        "You normalised the columns: the weights of one query, a row, must sum to 1.": (
            lambda kernel: kernel / kernel.sum(dim=0, keepdim=True)
        ),
        "Your weights are not normalised: divide each row by its sum.": lambda kernel: kernel,
        "You divided by the sum of the whole matrix: each row has a sum of its own; keepdim=True "
        "keeps it beside its row.": lambda kernel: kernel / kernel.sum(),
        "Your row sums have lost their axis and no longer stand beside their rows: "
        "sum(dim=1, keepdim=True).": lambda kernel: kernel / kernel.sum(dim=1),
        "Your softmax stands on top of a kernel that has been exponentiated already: divide by "
        "the sum instead.": lambda kernel: kernel.softmax(dim=1),
        "You divided each row by its largest weight: divide it by its sum.": (
            lambda kernel: kernel / kernel.amax(dim=1, keepdim=True)
        ),
        "You divided by the number of keys: divide each row by its sum.": (
            lambda kernel: kernel / kernel.shape[1]
        ),
    },
    "average": {
        "You averaged the keys: the weights come from the keys, what is averaged are the "
        "values.": lambda w, values, keys: w @ keys,
        "You took the value of the nearest key alone: every key has a say, by its weight.": (
            lambda w, values, keys: values[w.argmax(dim=1)]
        ),
        "You averaged all values alike: use the weights.": lambda w, values, keys: values.mean(
            dim=0
        ).expand(len(w), -1),
        "You divided by the number of keys once more: the weights sum to 1 already, so the sum of "
        "weight · value is the average.": lambda w, values, keys: w @ values / len(keys),
        "You lost the values' own axis: an estimate has C numbers, as a value has, so do not sum "
        "over them.": lambda w, values, keys: (w @ values).sum(dim=-1),
        "The estimates are (M,) where (M, C) is asked for: C is 1 for points on a line, and it "
        "still has an axis.": lambda w, values, keys: (w @ values)[:, 0],
    },
    "give": {
        "You returned only the estimates: return the weights too, in second place.": (
            lambda estimates, weights: estimates
        ),
        "The two results are in the wrong order: estimates first, then weights.": (
            lambda estimates, weights: (weights, estimates)
        ),
    },
}


def _only_the_nearest(queries: Tensor, keys: Tensor, values: Tensor, bandwidth: float) -> Pair:
    nearest = torch.cdist(queries, keys).argmin(dim=1)
    return values[nearest], F.one_hot(nearest, len(keys)).float()


def _row_by_row(queries: Tensor, keys: Tensor, values: Tensor, bandwidth: float) -> Pair:
    kernel = torch.exp(over_bandwidth(squared_distance(queries - keys), bandwidth))
    weights = kernel / kernel.sum(dim=-1, keepdim=True)
    return weights @ values, weights


def _one_query(queries: Tensor, keys: Tensor, values: Tensor, bandwidth: float) -> Pair:
    return smooth(queries[:1], keys, values, bandwidth)


def _by_loops(queries: Tensor, keys: Tensor, values: Tensor, bandwidth: float) -> Pair:
    rows = [by_a_loop(query, keys, bandwidth) for query in queries]
    estimates = []
    for row in rows:
        total = torch.zeros(values.shape[1])
        for weight, value in zip(row, values, strict=True):
            total = total + weight * value
        estimates.append(total)
    return torch.stack(estimates), torch.stack(rows)


def _explain(args: tuple[Any, ...], expected: Pair, got: Any) -> str | None:
    """Look at the weights before the estimates: they are computed first."""
    estimates, weights = (torch.as_tensor(each).float() for each in got)
    if torch.allclose(weights, expected[1], rtol=1e-4, atol=1e-6):
        return "The weights are right, and the estimates are not: they are weights @ values."
    rows, columns = weights.sum(dim=1), weights.sum(dim=0)
    if (rows - 1).abs().max() > 1e-3:
        if (columns - 1).abs().max() < 1e-3:
            return "The columns of your weights sum to 1, and it is the rows that must."
        return "The weights of a query must sum to 1: divide each row by its own sum."
    if torch.allclose(estimates, weights @ args[2], rtol=1e-3, atol=1e-5):
        return _departing_row(expected[1], weights)
    return "The weights are wrong already, before any averaging."


def _explain_form(args: tuple[Any, ...], expected: Pair, got: Any) -> str | None:
    """Names estimates of a single number, and weights that are turned."""
    estimates, weights = (torch.as_tensor(each) for each in got)
    wide = expected[0].shape[1]
    if wide > 1 and tuple(estimates.shape) in [(len(args[0]), 1), (len(args[0]),)]:
        return f"Your estimates are one number each: a value has {wide}, and all are averaged."
    if tuple(estimates.shape) == (len(args[0]),):
        return "Each estimate is a row of C numbers, here of one: the estimates are (M, C)."
    if weights.shape == expected[1].mT.shape and torch.allclose(weights.mT.float(), expected[1]):
        return "Your weights are turned: a row for each query, a column for each key."
    return None


def _departing_row(expected: Tensor, weights: Tensor) -> str:
    """The first row of weights that departs, and whose it is where it is another query's."""
    same = torch.isclose(weights[:, None], expected, rtol=1e-4, atol=1e-6).all(dim=-1)
    i = int((~same.diagonal()).nonzero()[0])
    whose = same[i].nonzero()[:, 0].tolist()
    if whose:
        return (
            f"Row {i} of your weights is that of query {whose[0]}: each query is compared with the "
            "keys, and its weights stand in its own row."
        )
    return (
        "The estimates follow from your weights, and these sum to 1; but "
        f"row {i} is not what exercise 3.1's kernel gives for query {i}."
    )


SMOOTHER = Exercise(
    id="3.2",
    title="The smoother",
    minutes=6,
    stars=2,
    reference=smooth,
    probes=[
        (column(0.7, 2.1), column(1.0, 3.2, -0.4), column(10.0, 20.0, -6.0), 0.8),
        (column(1.0), column(1.0, 3.0), column(10.0, 20.0), 1.0),
        (uniform(3, 2, seed=42), uniform(3, 2, seed=43), uniform(3, 1, seed=44), 0.9),
        (uniform(4, 2, seed=3), uniform(6, 2, seed=4), uniform(6, 3, seed=5), 1.3),
        (uniform(5, 3, seed=6), uniform(1, 3, seed=7), uniform(1, 2, seed=8), 0.9),
    ],
    mistakes=at_one_step(_smooth, _STEPS)
    | {
        "You took the nearest key alone, with the whole weight: every key has a say, by its "
        "kernel.": _only_the_nearest,
        "queries - keys sets query i against key i: queries[:, None] - keys compares every query "
        "with every key, (M, N, D).": _row_by_row,
        "These are the estimates of the first query alone: there are M of them.": _one_query,
    },
    together=at_two_steps(_smooth, _STEPS),
    alternatives={
        "broadcasting": _smooth,
        "loops": _by_loops,
        "einsum": lambda q, k, v, h: (
            torch.einsum("mn,nc->mc", smooth(q, k, v, h)[1], v),
            smooth(q, k, v, h)[1],
        ),
        "float64": lambda q, k, v, h: smooth(q.double(), k.double(), v.double(), h),
        "the package": lambda q, k, v, h: (
            smoothing.nadaraya_watson(q, k, v, h),
            smooth(q, k, v, h)[1],
        ),
    },
    parts=("estimates", "weights"),
    explain=_explain,
    explain_form=_explain_form,
)
